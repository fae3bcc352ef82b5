"""The nouns of ``docs/glossary.md`` as frozen records: what crosses from one module to the next.

A leaf over ``hours.py``: standard library only, no I/O. Instants are aware datetimes in UTC; spans are timedeltas.
Local and Jalali time exist only in ``text/dates.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import IntEnum, StrEnum
from typing import Literal

from bot.hours import Approval as Approval
from bot.hours import DigestPlan as DigestPlan
from bot.hours import Every as Every
from bot.hours import Overflow as Overflow
from bot.hours import QuietHours as QuietHours
from bot.hours import Then as Then
from bot.hours import Wait as Wait
from bot.hours import Weekday as Weekday

Language = Literal["fa", "en"]  #: languages the product speaks; posts may be in any

#: A post dated further ahead than this is dated when it was first seen: publishers' clocks are wrong, and so are they.
FUTURE = timedelta(minutes=10)
#: The bot that stands for the local preview: what it showed was not sent by any other (DESIGN 6).
PREVIEW_BOT = 0
#: Its name, in links that lead into the bot: nobody but its owner sees them.
ANY_BOT = "your_bot"
#: What a subscriber's chat may choose among: layouts that ship, and sentences of a summary (0: none).
OWN_TEMPLATES = ("default", "compact")
OWN_SENTENCES = (0, 1, 3, 5)


class FeedKind(StrEnum):
    """Where a feed is read from."""

    HTTP = "http"
    ARCHIVE = "archive"
    CHAT = "chat"  #: not in feeds.yaml: what the admins of a channel post there by hand


class Flag(StrEnum):
    """What a source noticed about an entry; the contract's names."""

    WEEKDAY_MISMATCH = "weekday_mismatch"  #: the weekday written is not that day's
    INVALID_DATE = "invalid_date"  #: no such day in its calendar
    FOREIGN_DIALECT = "foreign_dialect"  #: a header in another form than the file's
    ORDER_BREAK = "order_break"  #: out of the file's order
    MAYBE_MULTIPLE = "maybe_multiple"  #: several posts may stand under one header
    GUID_UNRELIABLE = "guid_unreliable"  #: one guid on entries with different links
    NO_ZONE = "no_zone"  #: its time came without a zone
    TRUNCATED = "truncated"  #: cut because it was over a limit


class Verdict(StrEnum):
    """What became of a post; the contract's names, for a post as for one chat."""

    DELIVERED = "delivered"
    PENDING = "pending"
    PARTLY = "partly"  #: of a post only: sent to some chats, on its way to others
    HELD = "held"
    BASELINE = "baseline"  #: there before the first reading, or before this chat came
    FILTERED = "filtered"
    TOO_OLD = "too-old"
    DUPLICATE = "duplicate"
    UNROUTED = "unrouted"  #: of a post only: nobody receives its feed
    DEAD = "dead"


class DeliveryState(StrEnum):
    """Where a delivery stands; the transitions are drawn in ``outbox/delivering.py``."""

    PENDING = "pending"  #: waits for its turn or for ``due_at``
    SENDING = "sending"  #: an attempt is committed; its outcome is not
    SENT = "sent"  #: Telegram has it; its message ids are known
    UNCERTAIN = "uncertain"  #: an attempt may have gone through; to be settled
    HELD = "held"  #: waits for a person
    DEAD = "dead"  #: will not be tried again unless a person says so
    DROPPED = "dropped"  #: decided against


class DeliveryClass(IntEnum):
    """Turn within a lane: lower goes first."""

    LIVE = 0
    BACKFILL = 1
    REPLAY = 2


class Calendar(StrEnum):
    """Calendars of the date line."""

    JALALI = "jalali"
    GREGORIAN = "gregorian"
    LUNAR = "lunar"


class Months(StrEnum):
    """Names of the Jalali months."""

    IRANIAN = "iranian"
    AFGHAN = "afghan"
    KURDISH = "kurdish"


class Digits(StrEnum):
    """Digits of dates and counts; ``auto`` follows the language."""

    AUTO = "auto"
    FA = "fa"
    LATIN = "latin"


class Length(StrEnum):
    """What happens to a text that is too long."""

    CUT = "cut"  #: it ends at a sentence
    QUOTE = "quote"  #: what follows the first paragraphs goes into an expandable quote; then as ``cut``
    SPLIT = "split"  #: several messages


class Media(StrEnum):
    """What happens to a post's picture."""

    PREVIEW = "preview"  #: a large link preview above the text
    PHOTO = "photo"  #: a photo with the text as its caption; a small recording likewise
    ALBUM = "album"  #: all pictures, up to ten
    NONE = "none"


class PostButton(StrEnum):
    """What may stand under a post; the names of feeds.yaml."""

    READ = "read"
    SHARE = "share"
    SUBSCRIBE = "subscribe"  #: to this feed, in the bot
    MORE = "more"  #: of this feed, in the bot


class MessageKind(StrEnum):
    """What a message carries beside its text; the contract's names."""

    TEXT = "text"
    PHOTO = "photo"
    ALBUM = "album"  #: two to ten photos, each a message of its own to Telegram
    AUDIO = "audio"
    VIDEO = "video"


class OnWeekdayMismatch(StrEnum):
    """What happens to an archive post whose weekday is wrong."""

    HOLD = "hold"
    POST = "post"
    SKIP = "skip"


class Pick(StrEnum):
    """Which post of an archive a replay brings back."""

    OLDEST = "oldest"
    RANDOM = "random"  #: each at most once
    ON_THIS_DAY = "on-this-day"  #: the same day of an earlier year, in either calendar


class OnEdit(StrEnum):
    """What happens to a message that is out when the words of its post change."""

    IGNORE = "ignore"
    EDIT = "edit"  #: it is changed in place


class SameStory(StrEnum):
    """What happens to a post that tells what another feed told in the same channel."""

    HIDE = "hide"
    MENTION = "mention"  #: the message that is out names it
    OFF = "off"  #: it is sent


class OnUncertain(StrEnum):
    """What happens to a send whose outcome cannot be known."""

    RESEND = "resend"
    HOLD = "hold"


# --- reading -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Replay:
    """When an archive's posts come back, in the channel's zone, and which."""

    at: tuple[time, ...]
    pick: Pick = Pick.OLDEST


@dataclass(frozen=True, slots=True)
class Feed:
    """A configured place to read. ``id`` is the store's; 0 where nothing is stored (``qasedak read``)."""

    name: str
    kind: FeedKind
    url: str  #: of an archive: its absolute glob pattern
    id: int = 0
    title: str | None = None
    every: timedelta = timedelta(minutes=30)
    backfill: int | None = 0  #: posts of the first reading to publish; None is all of them
    headers: Mapping[str, str] = field(default_factory=dict)
    language: str | None = None  #: None: decided entry by entry
    format: str = "auto"  #: of an archive's files; the names of feeds.yaml
    full_text: bool = False  #: the article that an entry links to is fetched
    include: tuple[str, ...] = ()  #: posts that say one of these (``filters.py``); empty: all
    exclude: tuple[str, ...] = ()  #: none that says one of these
    on_weekday_mismatch: OnWeekdayMismatch = OnWeekdayMismatch.HOLD
    replay: Replay | None = None
    moved_to: str | None = None  #: where its publisher moved it for good: asked instead of ``url``
    subscribers: int = 0  #: chats that receive it; its publisher is told
    is_open: bool = False  #: it came by its address (``bot.open``): it is in no list, and no admin is asked to mend it


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that belongs to an entry: a picture, a recording."""

    url: str
    type: str  #: media type, "" where unknown
    size: int | None = None  #: in bytes, as the publisher says
    width: int | None = None  #: in pixels, likewise
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What a source says now: unsaved, no identity yet (RFC 4287's word).

    ``summary``, ``content`` and ``article`` are HTML, never trusted; None where there is none. In archives the roles
    of lines are elements: ``p`` paragraph, ``h3`` heading, ``figcaption`` caption, ``address`` byline, ``footer``
    signature and the like.
    """

    guid: str | None = None
    title: str | None = None  #: plain text
    link: str | None = None  #: absolute, http or https
    published: datetime | None = None
    updated: datetime | None = None
    date_only: bool = False  #: ``published`` is 00:00 of a civil day; no time is to be shown
    author: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    summary: str | None = None
    content: str | None = None
    article: str | None = None  #: the text of the page it links to, where that was fetched; it is no part of identity
    enclosures: tuple[Enclosure, ...] = ()
    flags: tuple[Flag, ...] = ()

    @property
    def fullest(self) -> str | None:
        """The longest text there is, as HTML."""
        return self.article or self.content


@dataclass(frozen=True, slots=True)
class Keys:
    """How an entry is known again. ``ident`` is what people see; the others are 16-byte hashes."""

    ident: str
    guid: bytes | None
    link: bytes | None
    content: bytes
    body: bytes  #: of the visible text: another value is an edit


@dataclass(frozen=True, slots=True)
class Validators:
    """What lets the next reading be cheap; empty before the first.

    Byte for byte as the publisher sent them: some compare nothing else.
    """

    etag: bytes | None = None
    last_modified: bytes | None = None
    digest: bytes | None = None  #: hash of the body, or of an archive's files
    url: str | None = None  #: who gave the first two, as ``sources/fetch.py`` says it; they are sent to no other
    items: bytes | None = None  #: what its source remembers of each item it read; opaque to everybody else


@dataclass(frozen=True, slots=True)
class Hints:
    """What the publisher says about when to ask again, and where."""

    max_age: timedelta | None = None  #: Cache-Control or Expires
    ttl: timedelta | None = None  #: RSS ttl, or sy:updatePeriod / sy:updateFrequency
    retry_after: timedelta | None = None
    skip_hours: frozenset[int] = frozenset()  #: RSS skipHours: hours of the day in UTC, 0 to 23
    skip_days: frozenset[int] = frozenset()  #: RSS skipDays: days of the week in UTC, Monday is 0
    moved_to: str | None = None  #: where permanent redirects alone led, from the first on


@dataclass(frozen=True, slots=True)
class Reading:
    """One batch of what a source found.

    ``modified`` is False when nothing changed; then there are no entries. The last batch of a reading has
    ``last`` set: what concerns the reading as a whole is decided there.
    """

    entries: tuple[Entry, ...] = ()
    validators: Validators = field(default_factory=Validators)
    modified: bool = True
    last: bool = True
    present: tuple[Keys, ...] = ()  #: of entries in the document that the source left out: they are known as they are
    #: ``identity.raw_keys`` of each entry, where the source made them already: they follow from the entries.
    keys: tuple[Keys | None, ...] = field(default=(), compare=False)
    gone: frozenset[bytes] = frozenset()  #: keys of what the last reading found and this one did not; archives only
    is_cut_off: bool = False  #: the document ended too early; its last entry was left out
    title: str | None = None  #: the feed's own title
    home: str | None = None  #: the page the feed belongs to
    announced: str | None = None  #: the address that the document says it has now (itunes:new-feed-url)
    language: str | None = None  #: the feed's own word on its language
    hints: Hints = field(default_factory=Hints)


# --- keeping -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Post:
    """An entry stored once, with its identity."""

    id: int
    feed_id: int
    ident: str
    entry: Entry
    first_seen: datetime
    feed_title: str | None = None  #: the feed's own title
    feed_home: str | None = None  #: the page the feed belongs to
    is_old: bool = False  #: it was there before the first reading: shown as "From the archive"

    @property
    def effective_at(self) -> datetime:
        """The instant that orders and dates the post: its own, unless it has none or claims to be from the future."""
        published = self.entry.published
        return published if published is not None and published <= self.first_seen + FUTURE else self.first_seen


@dataclass(frozen=True, slots=True)
class Ingested:
    """What one transaction of the store changed."""

    new: int = 0
    edited: int = 0  #: changes of words that count: not too many of one post, not too fast
    enqueued: int = 0
    first_reading: bool = False
    silenced: int = 0  #: of the new ones, those that are not published because so many came at once
    silence: str = ""  #: why, in words; of a reading that silenced nothing ""
    republished: bool = False  #: the feed came as if all of it were new, with dates that are old

    def plus(self, more: "Ingested") -> "Ingested":
        """What this batch and one more of the same reading changed."""
        return Ingested(
            self.new + more.new,
            self.edited + more.edited,
            self.enqueued + more.enqueued,
            self.first_reading,
            self.silenced + more.silenced,
            self.silence or more.silence,
            self.republished or more.republished,
        )


# --- publishing --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SummaryOptions:
    """How long a summary may be."""

    sentences: int = 3
    max_chars: int = 600


@dataclass(frozen=True, slots=True)
class Channel:
    """A chat that an admin configured to receive posts, with the options of one route into it."""

    name: str
    chat: str  #: "@name" or a numeric id, as written
    thread: int | None = None
    language: Language = "fa"
    timezone: str = "Asia/Tehran"
    calendars: tuple[Calendar, ...] = (Calendar.JALALI, Calendar.GREGORIAN)
    months: Months = Months.IRANIAN
    digits: Digits = Digits.AUTO
    date: str = "full"  #: full, compact, time, none, or the number of a template in ``text/dates.py``
    lunar_offset: int = 0
    local_time: bool = False  #: the date line carries Telegram's date_time entity: each reader's own zone
    template: str = "default"
    length: Length = Length.QUOTE
    summary: SummaryOptions | None = field(default_factory=SummaryOptions)
    media: Media = Media.PREVIEW
    buttons: tuple[PostButton, ...] = ()  #: in their order, two in a row
    source: bool = False  #: whether the source is named
    footer: str = ""
    hashtags: int = 3
    silent: bool = False
    max_age: timedelta = timedelta(days=30)
    only: tuple[str, ...] = ()  #: posts in these languages only; empty: all
    on_edit: OnEdit = OnEdit.IGNORE
    same_story: SameStory = SameStory.HIDE
    reply_to_linked: bool = True  #: a post that links to one that is out replies to it
    quiet_hours: tuple[QuietHours, ...] = ()
    max_per_hour: int | None = None  #: deliveries in any 60 minutes; None: as many as come
    overflow: Overflow = Overflow.WAIT
    digest: DigestPlan | None = None
    approve: Approval | None = None
    paid_broadcast: bool = False  #: its messages may go out faster than Telegram lets a bot for nothing, for Stars


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What a subscriber's chat chose for what it gets; the defaults are those of a channel."""

    language: Language | None = None  #: None: never chosen
    timezone: str | None = None  #: None: the bot's
    calendars: tuple[Calendar, ...] = (Calendar.JALALI, Calendar.GREGORIAN)
    digits: Digits = Digits.AUTO
    summary: int = 3  #: sentences; 0 is none
    media: Media = Media.PREVIEW
    silent: bool = False
    template: str = "default"
    digest: Every | None = None  #: single posts are not sent then


@dataclass(frozen=True, slots=True)
class Subscription:
    """A feed x chat pair with its options. ``id`` is the store's; 0 where nothing is stored."""

    feed: Feed
    channel: Channel
    id: int = 0
    hashtags: tuple[str, ...] = ()  #: fixed hashtags of the feed
    include: tuple[str, ...] = ()  #: the route's own, beside its feed's
    exclude: tuple[str, ...] = ()
    template_text: str = ""  #: the source of ``channel.template``
    tags: Mapping[str, str] = field(default_factory=dict)  #: hashtags that mean the same in two languages
    has_own_budget: bool = False  #: ``max_per_hour`` was written for this route: only its own posts count
    home_timezone: str = "Asia/Tehran"  #: the bot's: a date without a time is a civil day there


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch of a message's text with a meaning; offsets in UTF-16 code units (Bot API, MessageEntity)."""

    type: str
    offset: int
    length: int
    url: str | None = None
    language: str | None = None
    unix_time: int | None = None
    date_time_format: str | None = None


@dataclass(frozen=True, slots=True)
class LinkPreview:
    """Bot API LinkPreviewOptions. No ``url`` disables the preview."""

    url: str | None = None
    prefer_large_media: bool = False
    show_above_text: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture, a recording or a film that a message carries."""

    url: str
    file_id: str | None = None  #: Telegram's own name for it, where it has it already: nothing is fetched again
    is_ours: bool = False  #: Telegram could not have it from its address: we fetch it, and hand it over


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message: it opens an address."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Message:
    """What Telegram gets. Always text + entities, never a parse mode: entities cannot fail to parse."""

    text: str  #: of what carries media, its caption
    entities: tuple[Entity, ...] = ()
    link_preview: LinkPreview = field(default_factory=LinkPreview)
    silent: bool = False
    thread: int | None = None
    kind: MessageKind = MessageKind.TEXT
    media: tuple[Attachment, ...] = ()
    buttons: tuple[tuple[Button, ...], ...] = ()  #: rows; an album can have none
    instead: "Message | None" = None  #: what goes out where Telegram refuses the media
    reply_to: int | None = None  #: a message of the same chat; where that is gone it goes out all the same
    is_paid: bool = False  #: its bot pays for it where it is over Telegram's free limits

    @property
    def count(self) -> int:
        """How many messages Telegram makes of it."""
        return len(self.media) if self.kind is MessageKind.ALBUM else 1


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What Telegram answered."""

    message_id: int
    sent_at: datetime
    further_ids: tuple[int, ...] = ()  #: of an album's other items
    file_ids: tuple[
        str | None, ...
    ] = ()  #: of its media, in their order; None where Telegram made something else of it

    @property
    def message_ids(self) -> tuple[int, ...]:
        """All of them, in order."""
        return (self.message_id, *self.further_ids)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed row of the outbox: a post or a digest on its way to one chat."""

    id: int
    chat_id: int
    post: Post | None  #: None: a digest, whose ``parts`` are made with it
    subscription_id: int
    state: DeliveryState
    attempts: int
    due_at: datetime
    created_at: datetime
    parts: tuple[Message, ...] = ()  #: as rendered at the first attempt; empty before it
    message_ids: tuple[int, ...] = ()  #: of the parts that are out
    attempt_at: datetime | None = None  #: of the last attempt; None before the first
    is_replay: bool = False
    own: ChatOptions | None = None  #: of a subscriber's own subscription, while it lasts, what its chat chose
    thread: int = 0  #: the forum topic of its target; 0: none
    target_id: int = 0
    first_attempt_at: datetime | None = None  #: from then on its time to give up counts
    is_approved: bool = False  #: an admin said yes to ``parts``
    wait: Wait | None = None  #: what it last waited for; None: it did not, or was tried since


@dataclass(frozen=True, slots=True)
class Shown:
    """A delivery as the preview page shows it: what was sent, or what will be."""

    delivery_id: int
    post_id: int | None  #: None: a digest
    state: DeliveryState
    parts: tuple[Message, ...]
    due_at: datetime
    sent_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What another reading of feeds.yaml brought; names, sorted."""

    feeds_added: tuple[str, ...] = ()
    feeds_removed: tuple[str, ...] = ()
    feeds_changed: tuple[str, ...] = ()
    channels_added: tuple[str, ...] = ()
    channels_removed: tuple[str, ...] = ()
    channels_changed: tuple[str, ...] = ()
    others: bool = False  #: the bot's own settings, hashtags or templates
