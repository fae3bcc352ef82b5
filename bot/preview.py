"""The preview page: a channel as Telegram would show it, from the very Messages that it gets. Pure.

``web.py`` serves it and ``qasedak preview --html`` writes it to a file. Works without JavaScript and loads nothing
from another host; Jinja escapes what ``drawing.py`` has not drawn.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bot.drawing import is_safe, message_html
from bot.model import Calendar, Channel, DeliveryState, Digits, Language, LinkPreview, Message, Shown
from bot.text import persian
from bot.text.dates import DateStyle, format_date, short_date
from bot.text.richtext import utf16_length

TEXT_LIMIT = 4096  #: UTF-16 units of a message (Bot API, sendMessage)
ENTITY_LIMIT = 100  #: of a message; Telegram forgets the others
MAX_LIMIT = 500  #: posts of a page

_QUEUED: Final = frozenset({DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNCERTAIN})
_SIGNS: Final = {
    DeliveryState.PENDING: "◷",
    DeliveryState.SENDING: "↑",
    DeliveryState.SENT: "✓",
    DeliveryState.UNCERTAIN: "?",
    DeliveryState.HELD: "‖",
    DeliveryState.DEAD: "✕",
    DeliveryState.DROPPED: "−",
}
WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "fa": {
        "banner": "پیش\u200cنمایش؛ چیزی به تلگرام نرفته",
        "post": "{} نوشته",
        "posts": "{} نوشته",
        "show_marks": "نمایش نشانه\u200cهای پنهان",
        "hide_marks": "پنهان کردن نشانه\u200cها",
        "older": "نوشته\u200cهای پیش\u200cتر",
        "empty": "هنوز چیزی اینجا نیست.",
        "queue": "در صف؛ هنوز نرفته",
        "picture": "تصویر",
        "spoiler": "متن پوشیده",
        "quote": "نقل\u200cقول تاشو",
        "foot": "{} از {} نویسه، {} از {} موجودیت",
        "over": "بیش از اندازهٔ تلگرام",
        "unrendered": "متن این نوشته هنوز ساخته نشده است.",
        "channels": "کانال\u200cها",
        "no_channels": "هنوز کانالی در feeds.yaml نیست.",
        "no_page": "چنین صفحه\u200cای نیست",
        "no_page_known": "این کانال\u200cها هست:",
        "no_token": "این صفحه رمز می\u200cخواهد",
        "no_token_how": "نشانی را با ?token=… باز کنید؛ همان رمز که در QASEDAK_HTTP_TOKEN است.",
        "no_answer": "نشد؛ پایگاه داده جواب نداد",
        "no_answer_how": "کمی بعد دوباره باز کنید. جزئیات در گزارش برنامه است.",
        "pending": "در صف؛ {when}",
        "next": "در صف؛ همین که نوبتش برسد",
        "sending": "در حال ارسال",
        "sent": "فرستاده شد",
        "uncertain": "شاید رفته باشد؛ پیگیری می\u200cشود",
        "held": "نگه داشته شده؛ منتظر تصمیم شما",
        "dead": "فرستاده نشد",
        "dropped": "کنار گذاشته شد",
    },
    "en": {
        "banner": "Preview: nothing was sent to Telegram",
        "post": "{} post",
        "posts": "{} posts",
        "show_marks": "Show invisible marks",
        "hide_marks": "Hide invisible marks",
        "older": "Older posts",
        "empty": "Nothing here yet.",
        "queue": "Waiting; not sent yet",
        "picture": "Picture",
        "spoiler": "Hidden text",
        "quote": "Folded quote",
        "foot": "{} of {} characters, {} of {} entities",
        "over": "more than Telegram takes",
        "unrendered": "The text of this post is not made yet.",
        "channels": "Channels",
        "no_channels": "There is no channel in feeds.yaml yet.",
        "no_page": "There is no such page",
        "no_page_known": "These channels exist:",
        "no_token": "This page asks for a token",
        "no_token_how": "Open its address with ?token=… as set in QASEDAK_HTTP_TOKEN.",
        "no_answer": "That failed: the database did not answer",
        "no_answer_how": "Open the page again later. The log says more.",
        "pending": "Waiting; due {when}",
        "next": "Waiting; goes at its next turn",
        "sending": "Being sent",
        "sent": "Sent",
        "uncertain": "May have been sent; being looked into",
        "held": "Held; waits for your decision",
        "dead": "Not sent",
        "dropped": "Decided against",
    },
}


@cache
def _pages() -> Environment:
    return Environment(
        loader=PackageLoader("bot", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def stylesheet() -> str:
    """The style of every page."""
    return (resources.files("bot") / "templates" / "preview.css").read_text(encoding="utf-8")


def page(language: Language, title: str, **values: object) -> str:
    """Fill the page's template: with a ``heading`` it is a page of a few words."""
    direction = "rtl" if language == "fa" else "ltr"
    return (
        _pages()
        .get_template("preview.html")
        .render(language=language, direction=direction, title=title, words=WORDS[language], **values)
    )


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds the posts: the page's own addresses, and whether anything left this machine."""

    title: str
    is_preview: bool = True
    limit: int = MAX_LIMIT
    marks: bool = False  #: invisible marks are shown
    marks_address: str = ""  #: the same page with or without them
    older_address: str = ""  #: the same page with more posts
    style: str = ""  #: set where the page stands alone: there is no server to ask for the stylesheet


def channel_page(channel: Channel, everything: Sequence[Shown], frame: Frame, now: datetime) -> str:
    """The page of one channel: what was sent, newest last, and what waits below it."""
    past = [shown for shown in everything if shown.state not in _QUEUED]
    queue = [shown for shown in everything if shown.state in _QUEUED]
    layout = _Layout(channel, now, frame.marks)
    return page(
        channel.language,
        frame.title,
        chat=channel.chat,
        initial=next((letter for letter in frame.title if letter.isalnum()), "#").upper(),
        colour=sum(channel.name.encode()) % 7,
        count=layout.count(sum(shown.state is DeliveryState.SENT for shown in past)),
        is_preview=frame.is_preview,
        marks=frame.marks,
        marks_address=frame.marks_address,
        older_address=frame.older_address if frame.limit < min(len(past), MAX_LIMIT) else "",
        past=layout.days(past[-frame.limit :]),
        queue=layout.days(queue[: frame.limit]),
        heading="",
        style=frame.style,
    )


@dataclass(frozen=True, slots=True)
class _Box:
    """A link preview. The page loads nothing from ``url``."""

    url: str
    host: str
    is_safe: bool
    is_large: bool
    is_above: bool


@dataclass(frozen=True, slots=True)
class _Bubble:
    """One message."""

    text: Markup
    box: _Box | None
    foot: str
    foot_words: str
    is_over: bool


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
            _SIGNS[shown.state],
            self.label(shown),
            shown.error or "",
            self.clock(local),
            tuple(self.bubble(part) for part in shown.parts),
        )

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

    def bubble(self, message: Message) -> _Bubble:
        counts = (utf16_length(message.text), TEXT_LIMIT, len(message.entities), ENTITY_LIMIT)
        return _Bubble(
            message_html(message, self.words, marks=self.marks),
            _box(message.link_preview),
            "{:,}/{} · {}/{}".format(*counts),
            self.words["foot"].format(*(self.digits(f"{number:,}") for number in counts)),
            counts[0] > TEXT_LIMIT or counts[2] > ENTITY_LIMIT,
        )


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
