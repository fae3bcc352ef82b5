"""The preview page: a channel as Telegram would show it, from the very Messages that it gets. Pure.

``site.py`` serves it and ``qasedak preview --html`` writes it to a file, where the links between its looks become
switches of the page itself. Works without JavaScript; loads nothing from another host but the pictures of posts, and
those only where they are asked for. Jinja escapes what ``drawing.py`` has not drawn.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib import resources
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from markupsafe import Markup

from bot.model import (
    Attachment,
    Button,
    Calendar,
    Channel,
    DeliveryState,
    Digits,
    Language,
    LinkPreview,
    Message,
    MessageKind,
    Shown,
)
from bot.text import persian
from bot.text.dates import DateStyle, format_date, short_date
from bot.text.richtext import utf16_length
from bot.web.drawing import is_safe, message_html
from bot.web.preview_words import SIGNS, WORDS, page_templates

TEXT_LIMIT = 4096  #: UTF-16 units of a message (Bot API, sendMessage)
CAPTION_LIMIT = 1024  #: of what stands under a picture (Bot API, sendPhoto)
ENTITY_LIMIT = 100  #: of a message; Telegram forgets the others
MAX_LIMIT = 500  #: posts of a page

_QUEUED: Final = frozenset({DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNCERTAIN})


def stylesheet() -> str:
    """The style of every page."""
    return (resources.files("bot") / "templates" / "preview.css").read_text(encoding="utf-8")


def page(language: Language, title: str, **values: object) -> str:
    """Fill the page's template: with a ``heading`` it is a page of a few words."""
    direction = "rtl" if language == "fa" else "ltr"
    return (
        page_templates()
        .get_template("preview.html")
        .render(language=language, direction=direction, title=title, words=WORDS[language], **values)
    )


@dataclass(frozen=True, slots=True)
class Look:
    """One of the ways to look at a channel: another template, marks, pictures. Without an address it is this one."""

    name: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds the posts: the page's own addresses, and whether anything left this machine.

    With a ``style`` the page stands alone: there is no server to ask, for the stylesheet or for another look.
    """

    title: str
    is_preview: bool = True
    limit: int = MAX_LIMIT
    marks: bool = False  #: invisible marks are shown
    pictures: bool = False  #: pictures are loaded from where they are
    marks_address: str = ""  #: the same page with or without them
    pictures_address: str = ""  #: likewise
    older_address: str = ""  #: the same page with more posts
    templates: tuple[Look, ...] = ()  #: one for each tab
    other_template: str = ""  #: set where these are not the messages that go out, but what they would be
    style: str = ""
    root: str = ""  #: the path under which a proxy shows the pages


def channel_page(
    channel: Channel,
    everything: Sequence[Shown],
    frame: Frame,
    now: datetime,
    *,
    others: Mapping[str, Sequence[Shown]] | None = None,
) -> str:
    """The page of one channel: what was sent, newest last, and what waits below it.

    A page that stands alone holds its *others*: the same posts by other templates.
    """
    layout = _Layout(channel, now, frame.marks or bool(frame.style), frame.pictures)
    panels = [layout.panel(posts, frame.limit) for posts in (everything, *(others or {}).values())]
    past = [shown for shown in everything if shown.state not in _QUEUED]
    return page(
        channel.language,
        frame.title,
        chat=channel.chat,
        initial=next((letter for letter in frame.title if letter.isalnum()), "#").upper(),
        colour=sum(channel.name.encode()) % 7,
        count=layout.count(sum(shown.state is DeliveryState.SENT for shown in past)),
        frame=frame,
        tabs=frame.templates or tuple(Look(name) for name in (channel.template, *(others or {}))),
        older_address=frame.older_address if frame.limit < min(len(past), MAX_LIMIT) else "",
        panels=panels,
        heading="",
        style=frame.style,
        root=frame.root,
    )


@dataclass(frozen=True, slots=True)
class _Panel:
    """The posts by one template: those that went out, and those that wait."""

    past: list[tuple[str, list["_Row"]]]
    queue: list[tuple[str, list["_Row"]]]


@dataclass(frozen=True, slots=True)
class _Box:
    """A link preview. The page loads nothing from ``url`` unless it is asked to."""

    url: str
    host: str
    is_safe: bool
    is_large: bool
    is_above: bool


@dataclass(frozen=True, slots=True)
class _Medium:
    """A picture or a recording."""

    url: str
    host: str
    name: str
    is_safe: bool


@dataclass(frozen=True, slots=True)
class _Bubble:
    """One message."""

    kind: MessageKind
    media: tuple[_Medium, ...]
    text: Markup
    box: _Box | None
    buttons: tuple[tuple[Button, ...], ...]
    foot: str
    foot_words: str
    is_over: bool
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """One delivery: its messages, and what became of it."""

    id: int
    state: DeliveryState
    sign: str
    label: str
    error: str
    clock: str
    bubbles: tuple[_Bubble, ...]


@dataclass(frozen=True, slots=True)
class _Layout:
    """How one channel's posts become what the template walks over."""

    channel: Channel
    now: datetime
    marks: bool
    pictures: bool

    @property
    def words(self) -> Mapping[str, str]:
        return WORDS[self.channel.language]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.channel.timezone)

    @property
    def style(self) -> DateStyle:
        """The channel's, in full and with both calendars at least."""
        channel = self.channel
        calendars = tuple(dict.fromkeys((*channel.calendars, Calendar.JALALI, Calendar.GREGORIAN)))
        return DateStyle(channel.language, calendars, channel.months, channel.digits, lunar_offset=channel.lunar_offset)

    def digits(self, text: str) -> str:
        wanted = self.channel.digits
        latin = wanted is Digits.LATIN or (wanted is Digits.AUTO and self.channel.language == "en")
        return text if latin else persian.to_persian_digits(text)

    def count(self, posts: int) -> str:
        return self.words["post" if posts == 1 else "posts"].format(self.digits(str(posts)))

    def panel(self, everything: Sequence[Shown], limit: int) -> _Panel:
        past = [shown for shown in everything if shown.state not in _QUEUED]
        queue = [shown for shown in everything if shown.state in _QUEUED]
        return _Panel(self.days(past[-limit:]), self.days(queue[:limit]))

    def days(self, deliveries: Iterable[Shown]) -> list[tuple[str, list[_Row]]]:
        """The rows under the date of each day that changes, in the order given."""
        days: list[tuple[str, list[_Row]]] = []
        last: date | None = None
        for shown in deliveries:
            local = (shown.sent_at or shown.due_at).astimezone(self.zone)
            if local.date() != last:
                last = local.date()
                days.append((format_date(local, self.zone, self.style, date_only=True), []))
            days[-1][1].append(self.row(shown, local))
        return days

    def row(self, shown: Shown, local: datetime) -> _Row:
        return _Row(
            shown.delivery_id,
            shown.state,
            SIGNS[shown.state],
            self.label(shown),
            shown.error or "",
            self.clock(local),
            tuple(self.bubble(part, self.why(shown, part)) for part in shown.parts),
        )

    def why(self, shown: Shown, message: Message) -> tuple[str, ...]:
        """What is behind a message, a line each: whose it is, when, and what became of its picture."""
        words, said = self.words, []
        if shown.post_id:
            said.append(words["why_post"].format(self.digits(str(shown.post_id)), self.digits(str(shown.delivery_id))))
        at = shown.sent_at or shown.due_at
        local = at.astimezone(self.zone)
        when = f"{short_date(local, self.zone, self.style)} {self.clock(local)}"
        said.append(words["why_sent" if shown.sent_at else "why_due"].format(when))
        if message.kind is not MessageKind.TEXT:
            said += [words["why_caption"].format(self.digits(f"{CAPTION_LIMIT:,}")), words["why_instead"]]
        elif message.link_preview.url:
            said.append(words["why_preview"])
        if shown.post_id:
            said.append(words["why_command"].format(shown.post_id))
        return tuple(said)

    def label(self, shown: Shown) -> str:
        if shown.state is not DeliveryState.PENDING:
            return self.words[shown.state]
        if shown.due_at <= self.now:
            return self.words["next"]
        comma = "،" if self.channel.language == "fa" else ","
        local = shown.due_at.astimezone(self.zone)
        when = f"{short_date(local, self.zone, self.style)}{comma} {self.clock(local)}"
        return self.words["pending"].format(when=when)

    def clock(self, local: datetime) -> str:
        return self.digits(f"{local:%H:%M}")

    def bubble(self, message: Message, why: tuple[str, ...]) -> _Bubble:
        limit = TEXT_LIMIT if message.kind is MessageKind.TEXT else CAPTION_LIMIT
        counts = (utf16_length(message.text), limit, len(message.entities), ENTITY_LIMIT)
        return _Bubble(
            message.kind,
            tuple(map(_medium, message.media)),
            message_html(message, self.words, marks=self.marks),
            _box(message.link_preview),
            tuple(tuple(button for button in row if is_safe(button.url)) for row in message.buttons),
            self.digits("{:,}/{} · {}/{}".format(*counts)),
            self.words["foot"].format(*(self.digits(f"{number:,}") for number in counts)),
            counts[0] > limit or counts[2] > ENTITY_LIMIT,
            why,
        )


def _medium(attachment: Attachment) -> _Medium:
    url = attachment.url
    name = url.partition("?")[0].rstrip("/").rpartition("/")[2]
    return _Medium(url, _host(url), name, is_safe(url))


def _box(preview: LinkPreview) -> _Box | None:
    if preview.url is None:
        return None
    return _Box(
        preview.url,
        _host(preview.url),
        is_safe(preview.url),
        preview.prefer_large_media,
        preview.show_above_text,
    )


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
