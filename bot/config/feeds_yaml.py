"""The form of feeds.yaml: its sections and keys as pydantic models.

A key stands here only if something reads it. Called by ``reading.py``, which turns sections into records; the JSON
Schema that ``qasedak schema`` prints comes from here too. Kinds of values: ``yaml_values.py``; what is said of
mistakes: ``yaml_mistakes.py``.
"""

from collections.abc import Sequence
from datetime import time, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
)
from pydantic_core import PydanticCustomError

from bot.config.yaml_values import (
    CONTACT,
    FEED_LANGUAGE,
    PATH,
    Backfill,
    Chat,
    DateForm,
    FilterPattern,
    HeaderName,
    HeaderValue,
    Hours,
    Keep,
    LanguageCode,
    MostPerHour,
    Span,
    Switch,
    TimeOfDay,
    UserId,
    WebAddress,
    Whole,
    Zone,
    approve_or_not,
    digest_or_off,
    each_button_once,
    each_once,
    form,
    is_mapping,
    polite_interval,
    quiet_or_off,
    route,
    summary_or_off,
)
from bot.model import (
    Approval,
    Calendar,
    DigestPlan,
    Digits,
    Every,
    Language,
    Length,
    Media,
    Months,
    OnEdit,
    OnUncertain,
    OnWeekdayMismatch,
    Overflow,
    Pick,
    PostButton,
    QuietHours,
    SameStory,
    SummaryOptions,
    Then,
    Weekday,
)
from bot.outbox.digest import week_begins_on
from bot.outbox.quiet_hours import is_always_quiet


class Section(BaseModel):
    """A mapping of the file: unknown keys are mistakes, and so are keys without a value."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _is_written(cls, value: Any) -> Any:
        if value is None:
            raise PydanticCustomError("empty", "has no value")
        return value


class SummarySection(Section):
    """How long a summary may be."""

    sentences: Whole = Field(3, ge=1, le=20)
    """At most this many sentences."""
    max_chars: Whole = Field(600, ge=80, le=3000)
    """At most this many characters."""

    def options(self) -> SummaryOptions:
        """As the record that the renderer knows."""
        return SummaryOptions(self.sentences, self.max_chars)


Summary = Annotated[
    Annotated[SummarySection, Tag("{keys}")] | Annotated[Literal["off"], Tag("{word}")],
    Discriminator(is_mapping),
    BeforeValidator(summary_or_off),
]


class QuietHoursSection(Section):
    """Hours in which nothing goes out, on some days."""

    hours: Hours
    """From and to, in the channel's zone; "23:00-07:00" reaches over midnight."""
    days: list[Weekday] = Field(default_factory=list)
    """Days on which they begin; default: every day."""

    def record(self) -> QuietHours:
        """As the record that decides."""
        return QuietHours(*self.hours, frozenset(day.number for day in self.days))


QuietSpan = Annotated[
    Annotated[QuietHoursSection, Tag("{keys}")] | Annotated[Hours, Tag("{word}")],
    Discriminator(is_mapping),
    BeforeValidator(quiet_or_off),
]
Quiet = Annotated[
    Annotated[list[QuietSpan], Tag("{list}")]
    | Annotated[QuietHoursSection, Tag("{keys}")]
    | Annotated[Hours, Tag("{word}")]
    | Annotated[Literal["off"], Tag("{off}")],
    Discriminator(form),
    BeforeValidator(quiet_or_off),
]


def quiet_records(written: Any) -> tuple[QuietHours, ...]:
    """The hours that a value of ``quiet_hours`` means."""
    if written == "off":
        return ()
    spans = written if isinstance(written, list) else [written]
    return tuple(span.record() if isinstance(span, QuietHoursSection) else QuietHours(*span) for span in spans)


def _leave_time(written: Any) -> Any:
    if is_always_quiet(quiet_records(written)):
        raise PydanticCustomError("always_quiet", "must leave some time of the week for posts")
    return written


class DigestSection(Section):
    """When a digest comes."""

    every: Every = Every.WEEK
    """Of a day or of a week."""
    on: Weekday | None = None
    """Day of the week; default: its first, Saturday where the first calendar is jalali and Monday elsewhere."""
    at: TimeOfDay = Field(time(9), json_schema_extra={"default": "09:00"})
    """Time of day in the channel's zone, in quotes."""
    instead: Switch = False
    """It takes the place of single posts."""

    def plan(self, calendars: Sequence[Calendar]) -> DigestPlan:
        """As the record that decides."""
        on = week_begins_on(calendars) if self.on is None else self.on.number
        return DigestPlan(self.every, self.at, on if self.every is Every.WEEK else 0, self.instead)


Digest = Annotated[
    Annotated[DigestSection, Tag("{keys}")] | Annotated[Literal["off"], Tag("{word}")],
    Discriminator(is_mapping),
    BeforeValidator(digest_or_off),
]


class ApproveSection(Section):
    """How long a post waits for an admin."""

    after: Span | None = None
    """From when the admins were asked; default: until one of them decides."""
    then: Then = Then.SKIP
    """What happens after that."""


def approval(written: Any) -> Approval | None:
    """What a value of ``approve`` means."""
    if isinstance(written, ApproveSection):
        return Approval(written.after, written.then)
    return Approval() if written else None


Approve = Annotated[
    Annotated[ApproveSection, Tag("{keys}")] | Annotated[Switch, Tag("{word}")],
    Discriminator(is_mapping),
    BeforeValidator(approve_or_not),
]


class ChannelSection(Section):
    """What a channel may set; as ``defaults``, what every channel inherits."""

    thread: Whole | None = Field(None, ge=1)
    """Topic of a forum."""
    language: Language = "fa"
    """Language of dates and labels; default: the bot's."""
    only: list[LanguageCode] = Field(default_factory=list)
    """Posts in these languages only; default: all."""
    timezone: Zone = "Asia/Tehran"
    """Time zone of its dates, an IANA name; default: the bot's."""
    calendars: Annotated[list[Calendar], AfterValidator(each_once)] = Field(
        default_factory=lambda: [Calendar.JALALI, Calendar.GREGORIAN],
        min_length=1,
        json_schema_extra={"default": [Calendar.JALALI, Calendar.GREGORIAN]},
    )
    """Calendars of the date line, in order."""
    months: Months = Months.IRANIAN
    """Names of the Jalali months."""
    digits: Digits = Digits.AUTO
    """Digits of dates."""
    date: DateForm = "full"
    """Form of the date line."""
    lunar_offset: Whole = Field(0, ge=-1, le=1)
    """Days between the local lunar date and Umm al-Qura's."""
    local_time: Switch = False
    """The date line shows each reader the time in their own zone, where a feed gives a time."""
    template: str = "default"
    """A name under templates, or default, compact or full."""
    length: Length = Length.QUOTE
    """What happens to a text that is too long: cut, an expandable quote, or several messages."""
    summary: Summary = Field(
        default_factory=SummarySection, json_schema_extra={"default": {"sentences": 3, "max_chars": 600}}
    )
    """How long summaries are, or off."""
    media: Media = Media.PREVIEW
    """A post's pictures: preview shows one large above the text; photo sends it with the text as its caption, a small
    recording likewise; album sends all of them, up to ten; none."""
    buttons: Annotated[list[PostButton], AfterValidator(each_button_once)] = Field(default_factory=list)
    """Under each post, in this order: read, share, subscribe (to its feed, in the bot), more (of its feed, there)."""
    source: Literal["auto", "always", "never"] = "auto"
    """Whether the source is named; auto: where a channel has two feeds or more."""
    footer: str = Field("", max_length=500)
    """Last line of every post."""
    hashtags: Whole = Field(3, ge=0, le=20)
    """At most this many hashtags of the post's own."""
    silent: Switch = False
    """Without sound."""
    max_age: Span = Field(timedelta(days=30), json_schema_extra={"default": "30d"})
    """Older posts of HTTP feeds are stored, not sent."""
    on_edit: OnEdit = OnEdit.IGNORE
    """What happens to a message when its post is corrected; edit: it is changed in place, for two days."""
    same_story: SameStory = SameStory.HIDE
    """What happens to a post that tells what another feed told there; mention: the message that is out names it."""
    reply_to_linked: Switch = True
    """A post that links to one already sent there replies to it."""
    quiet_hours: Annotated[Quiet, AfterValidator(_leave_time)] = "off"
    """Hours of the channel's zone in which nothing goes out; posts wait for their end."""
    max_per_hour: MostPerHour = Field(None, json_schema_extra={"default": "off"})
    """At most this many posts in any 60 minutes, or off; on a route, of that route's own posts."""
    overflow: Overflow = Overflow.WAIT
    """What has no room in an hour waits its turn, or goes out as one digest."""
    approve: Approve = False
    """Each post waits for a button that an admin presses in admin_chat."""
    paid_broadcast: Switch = False
    """Up to 1,000 messages a second, for a fee: 0.1 Telegram Star for each message over the free 30 a second."""
    digest: Digest = "off"
    """What was posted, by day or week, in one message; or in the place of single posts."""


class NamedChannelSection(ChannelSection):
    """A chat that receives posts."""

    chat: Chat
    """Its @name in quotes, or its numeric id."""


class FilterSection(Section):
    """Which posts pass, by what they say."""

    include: list[FilterPattern] = Field(default_factory=list, max_length=100)
    """Posts that say one of these: words, title:words, or re: and an expression of RE2 without regard to case."""
    exclude: list[FilterPattern] = Field(default_factory=list, max_length=100)
    """Posts that say none of these; written as include."""


class RouteSection(ChannelSection, FilterSection):
    """A channel in a feed's ``to``, with keys for this route only; a post must pass the feed's filters and these."""

    channel: str
    """Name of the channel."""


class BotSection(Section):
    """The bot itself."""

    timezone: Zone = "Asia/Tehran"
    """IANA name: dates and times."""
    language: Language = "fa"
    """Labels and replies unless a chat says otherwise."""
    admins: list[UserId] = Field(default_factory=list)
    """Telegram user ids that may use admin commands."""
    admin_chat: Annotated[Whole | None, Field(gt=-(2**53), lt=2**53)] = None
    """Where reports go; default: the first admin."""
    contact: str | None = Field(None, pattern=CONTACT)
    """An address that publishers can write to; goes into the User-Agent."""
    on_uncertain: OnUncertain = OnUncertain.RESEND
    """What happens to a send whose outcome cannot be known; after five tries without a clear answer it is held."""
    open: bool = False
    """Whether anybody may follow any feed by its address, within limits."""
    keep: Keep = Field(None, json_schema_extra={"default": "forever"})
    """How long texts of posts are kept after they left their feed; identities and archives are kept for ever."""
    rate: Whole = Field(28, ge=1, le=1000)
    """Messages a second, all chats."""
    chat_rate: Whole = Field(20, ge=1, le=1000)
    """Messages in a minute to a group or channel."""


Route = Annotated[
    Annotated[RouteSection, Tag("{keys}")] | Annotated[str, Tag("{word}")],
    Discriminator(is_mapping),
    BeforeValidator(route),
]


class SourceSection(FilterSection):
    """What feeds and archives have in common."""

    title: str | None = Field(None, max_length=200)
    """A name of our own; default: the feed's."""
    to: list[Route] | None = None
    """Channels; [] is none; may be left out where there is one channel."""
    backfill: Backfill = 0
    """Posts of the first reading that are published: a number, or all."""
    hashtags: list[str] = Field(default_factory=list, max_length=20)
    """Hashtags of every post."""
    language: str = Field("auto", pattern=FEED_LANGUAGE)
    """Language of its posts; auto: found post by post."""


class FeedSection(SourceSection):
    """A feed on the web."""

    url: WebAddress
    """Its address."""
    every: Annotated[Span, AfterValidator(polite_interval)] = Field(
        timedelta(minutes=30), json_schema_extra={"default": "30m"}
    )
    """Shortest time between two readings; 15m at least."""
    full_text: Switch = False
    """The article that a new post links to is fetched, and its text taken."""
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    """Request headers, for feeds that ask who reads."""


class ReplaySection(Section):
    """When posts of an archive come back, one at each time."""

    at: list[TimeOfDay] = Field(min_length=1, max_length=24)
    """Times of day in the channel's zone, in quotes."""
    pick: Pick = Pick.OLDEST
    """Which post: the oldest, one at random without repeats, or one of this day in an earlier year."""


class ArchiveSection(SourceSection):
    """A local archive of posts."""

    path: str = Field(pattern=PATH)
    """Its files, relative to this one; * and ** are wildcards."""
    format: Literal["auto", "dated-text", "markdown", "blogger", "wordpress", "telegram", "jsonfeed"] = "auto"
    """What kind of files they are."""
    on_weekday_mismatch: OnWeekdayMismatch = OnWeekdayMismatch.HOLD
    """What happens to a post whose weekday is wrong."""
    replay: ReplaySection | None = None
    """Posts that were not published come back, one at each time."""


class Document(Section):
    """feeds.yaml."""

    imports: list[Annotated[str, Field(pattern=PATH)]] = Field(default_factory=list, max_length=100)
    """Further files of this form, relative to this one; * and ** are wildcards. Names are unique over all of them."""
    bot: BotSection = Field(default_factory=BotSection)
    """The bot itself."""
    tags: dict[str, str] = Field(default_factory=dict)
    """Hashtags that mean the same in two languages."""
    defaults: ChannelSection = Field(default_factory=ChannelSection)
    """Keys that every channel inherits."""
    channels: dict[str, NamedChannelSection] = Field(default_factory=dict)
    """Chats that receive posts, by names of your own."""
    feeds: dict[str, FeedSection] = Field(default_factory=dict)
    """Feeds on the web, by names of your own."""
    archives: dict[str, ArchiveSection] = Field(default_factory=dict)
    """Local archives, by names of your own."""
    templates: dict[str, str] = Field(default_factory=dict)
    """Layouts of messages, by names of your own."""


#: Limits of our own kinds of values as pydantic leaves them, and as JSON Schema calls them.
_LIMITS = {"ge": "minimum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}


def json_schema() -> dict[str, Any]:
    """JSON Schema of feeds.yaml, for editors."""
    schema: dict[str, Any] = _without_null(Document.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _without_null(schema: Any) -> Any:
    """Pydantic's None means "not written" here; null in the file is a mistake, so the schema must not offer it.

    Limits get the names that JSON Schema has for them.
    """
    if isinstance(schema, list):
        return [_without_null(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        _LIMITS.get(key, key): _without_null(part)
        for key, part in schema.items()
        if not (key == "default" and part is None)
    }
    branches = [branch for branch in kept.get("anyOf", ()) if branch != {"type": "null"}]
    if len(branches) == 1:
        del kept["anyOf"]
        return branches[0] | kept
    return kept
