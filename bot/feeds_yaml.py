"""The form of feeds.yaml: its sections and keys as pydantic models, and their mistakes in words.

A key stands here only if something reads it. Called by ``config.py``, which turns sections into records; the JSON
Schema that ``qasedak schema`` prints comes from here too.
"""

import difflib
import re
from collections.abc import Iterable
from datetime import time, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    ValidationError,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from bot.model import Calendar, Digits, Language, Media, Months, OnUncertain, OnWeekdayMismatch, Pick, SummaryOptions
from bot.yaml_file import PERSIAN_COMMA, Place, YamlFile

#: Asking a publisher more often is bad manners, whoever wants it.
SHORTEST_INTERVAL = timedelta(minutes=15)
#: Longer spans are mistakes, and would leave the calendar when added to a date.
LONGEST_SPAN = timedelta(days=36525)
#: Keys of the contract that this version does not read yet: refused, since a setting that does nothing is a lie.
NOT_YET = frozenset(
    {
        "imports", "open", "keep", "length", "paid_broadcast", "buttons", "quiet_hours", "max_per_hour",
        "overflow", "on_edit", "digest", "approve", "same_story", "reply_to_linked", "include", "exclude",
    }
)  # fmt: skip
#: Longest value that a message repeats.
SHOWN_CHARS = 40

_BRACKETS = "must be a list; put [ ] round it, or a dash before it"
#: Mistakes that are about how much there is: saying what is there would not help.
_SIZES = frozenset({"string_too_long", "too_long", "too_short", "twice"})
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FEED_LANGUAGE = r"^(auto|[a-z]{2,3})$"
_LANGUAGE = r"^[a-z]{2,3}$"
_CONTACT = r"^(https?://\S+|[^\s@]+@[^\s@]+)$"
_PATH = r"^[^\x00]+$"
_HEADER_NAME = r"^[A-Za-z0-9._-]+$"
_HEADER_VALUE = r"^[\x20-\x7e]*$"
_PATTERNS = {
    _FEED_LANGUAGE: "must be auto, or a code such as fa or en",
    _LANGUAGE: "must be a code such as fa or en",
    _CONTACT: "must be a web address or a mail address",
    _PATH: "must be the path of a file, or a pattern such as archive/*.txt",
    _HEADER_NAME: "must be named with letters, digits and hyphens",
    _HEADER_VALUE: "must be one line of ASCII characters",
}


# --- values --------------------------------------------------------------------------------------------------
# Validators say what a value must be; ``explain`` adds where it stands and what is there instead. Numbers and
# switches may be text, since ${NAME} is.


def _whole(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a whole number")
    return value


def _switch(value: Any) -> Any:
    if value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _span(value: Any) -> Any:
    found = re.fullmatch(r"([0-9]{1,6})\s*([smhdw])", value.strip()) if isinstance(value, str) else None
    if not found or int(found[1]) == 0:
        raise ValueError("must be a span such as 30m, 6h or 30d")
    span = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if span > LONGEST_SPAN:
        raise ValueError(f"must be {LONGEST_SPAN.days}d or less")
    return span


def _interval(every: timedelta) -> timedelta:
    if every < SHORTEST_INTERVAL:
        raise ValueError("must be 15m or more; publishers block readers that ask more often")
    return every


def _backfill(value: Any) -> Any:
    if value == "all":
        return None
    try:
        count = _whole(value)
    except ValueError:
        count = -1
    if count < 0:
        raise ValueError("must be 0, a number of posts, or all")
    return count


def _chat(value: Any) -> Any:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not re.fullmatch(r"@[A-Za-z][A-Za-z0-9_]{3,31}|-?[1-9][0-9]{2,19}", text):
        raise ValueError('must be "@name", in quotes, or a numeric id such as -1001234567890')
    return text


def _time_of_day(value: Any) -> Any:
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", value) if isinstance(value, str) else None
    if not found:
        raise ValueError('must be a time of day such as "09:00", in quotes')
    return time(int(found[1]), int(found[2]))


def _date_form(value: Any) -> Any:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if text not in ("full", "compact", "time", "none", *"12345678"):
        raise ValueError("must be full, compact, time, none, or a number from 1 to 8")
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ZoneInfo raises the last for a directory such as "Asia"
        raise ValueError("must be an IANA time zone such as Asia/Tehran") from None
    return name


def _web_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 80) > 0
    except ValueError:  # a bracket without its partner, a port that is no number
        is_whole = False
    if not is_whole or re.search(r"\s", url):
        raise ValueError("must be a whole address that begins with http:// or https://")
    return url


def _each_once(calendars: list[Calendar]) -> list[Calendar]:
    if len(set(calendars)) < len(calendars):
        raise PydanticCustomError("twice", "must name each calendar once")
    return calendars


def _summary(value: Any) -> Any:
    if value != "off" and not isinstance(value, dict):
        raise ValueError("must be off, or keys and values such as {sentences: 3, max_chars: 600}")
    return value


def _route(value: Any) -> Any:
    if not isinstance(value, str | dict):
        raise ValueError("must hold names of channels, or keys and values such as {channel: main}")
    return value


def _is_mapping(value: Any) -> str:
    return "{keys}" if isinstance(value, dict) else "{word}"


Whole = Annotated[int, BeforeValidator(_whole)]
UserId = Annotated[Whole, Field(ge=1, lt=2**53)]
Switch = Annotated[bool, BeforeValidator(_switch)]
Span = Annotated[
    timedelta,
    BeforeValidator(_span),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^\s*[0-9]{1,6}\s*[smhdw]\s*$", "examples": ["30m", "30d"]}),
]
Backfill = Annotated[
    int | None,
    BeforeValidator(_backfill),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"const": "all"}], "default": 0}),
]
Chat = Annotated[str, BeforeValidator(_chat), WithJsonSchema({"type": ["string", "integer"], "examples": ["@example"]})]
DateForm = Annotated[
    str, BeforeValidator(_date_form), WithJsonSchema({"enum": ["full", "compact", "time", "none", *range(1, 9)]})
]
TimeOfDay = Annotated[
    time,
    BeforeValidator(_time_of_day),
    PlainSerializer(lambda at: f"{at:%H:%M}"),
    WithJsonSchema({"type": "string", "pattern": r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$", "examples": ["09:00"]}),
]
Zone = Annotated[str, AfterValidator(_zone)]
WebAddress = Annotated[str, AfterValidator(_web_address), Field(json_schema_extra={"pattern": r"^https?://\S+$"})]
LanguageCode = Annotated[str, Field(pattern=_LANGUAGE)]
HeaderName = Annotated[str, Field(pattern=_HEADER_NAME)]
HeaderValue = Annotated[str, Field(pattern=_HEADER_VALUE)]


# --- sections ------------------------------------------------------------------------------------------------


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
    Discriminator(_is_mapping),
    BeforeValidator(_summary),
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
    calendars: Annotated[list[Calendar], AfterValidator(_each_once)] = Field(
        default_factory=lambda: [Calendar.JALALI, Calendar.GREGORIAN], min_length=1
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
    """A name under templates, or default or compact."""
    summary: Summary = Field(default_factory=SummarySection)
    """How long summaries are, or off."""
    media: Media = Media.PREVIEW
    """What happens to a post's picture."""
    source: Literal["auto", "always", "never"] = "auto"
    """Whether the source is named; auto: where a channel has two feeds or more."""
    footer: str = Field("", max_length=500)
    """Last line of every post."""
    hashtags: Whole = Field(3, ge=0, le=20)
    """At most this many hashtags of the post's own."""
    silent: Switch = False
    """Without sound."""
    max_age: Span = timedelta(days=30)
    """Older posts of HTTP feeds are stored, not sent."""


class NamedChannelSection(ChannelSection):
    """A chat that receives posts."""

    chat: Chat
    """Its @name in quotes, or its numeric id."""


class RouteSection(ChannelSection):
    """A channel in a feed's ``to``, with keys for this route only."""

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
    contact: str | None = Field(None, pattern=_CONTACT)
    """An address that publishers can write to; goes into the User-Agent."""
    on_uncertain: OnUncertain = OnUncertain.RESEND
    """What happens to a send whose outcome cannot be known."""
    rate: Whole = Field(28, ge=1, le=1000)
    """Messages a second, all chats."""
    chat_rate: Whole = Field(20, ge=1, le=1000)
    """Messages in a minute to a group or channel."""


Route = Annotated[
    Annotated[RouteSection, Tag("{keys}")] | Annotated[str, Tag("{word}")],
    Discriminator(_is_mapping),
    BeforeValidator(_route),
]


class SourceSection(Section):
    """What feeds and archives have in common."""

    title: str | None = Field(None, max_length=200)
    """A name of our own; default: the feed's."""
    to: list[Route] | None = None
    """Channels; [] is none; may be left out where there is one channel."""
    backfill: Backfill = 0
    """Posts of the first reading that are published: a number, or all."""
    hashtags: list[str] = Field(default_factory=list, max_length=20)
    """Hashtags of every post."""
    language: str = Field("auto", pattern=_FEED_LANGUAGE)
    """Language of its posts; auto: found post by post."""


class FeedSection(SourceSection):
    """A feed on the web."""

    url: WebAddress
    """Its address."""
    every: Annotated[Span, AfterValidator(_interval)] = timedelta(minutes=30)
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

    path: str = Field(pattern=_PATH)
    """Its files, relative to this one; * and ** are wildcards."""
    format: Literal["auto", "dated-text", "markdown", "blogger", "wordpress", "telegram", "jsonfeed"] = "auto"
    """What kind of files they are."""
    on_weekday_mismatch: OnWeekdayMismatch = OnWeekdayMismatch.HOLD
    """What happens to a post whose weekday is wrong."""
    replay: ReplaySection | None = None
    """Posts that were not published come back, one at each time."""


class Document(Section):
    """feeds.yaml."""

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


def json_schema() -> dict[str, Any]:
    """JSON Schema of feeds.yaml, for editors."""
    schema: dict[str, Any] = _without_null(Document.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _without_null(schema: Any) -> Any:
    """Pydantic's None means "not written" here; null in the file is a mistake, so the schema must not offer it."""
    if isinstance(schema, list):
        return [_without_null(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _without_null(part) for key, part in schema.items() if not (key == "default" and part is None)}
    branches = [branch for branch in kept.get("anyOf", ()) if branch != {"type": "null"}]
    if len(branches) == 1:
        del kept["anyOf"]
        return branches[0] | kept
    return kept


# --- mistakes in words ---------------------------------------------------------------------------------------


def explain(error: ValidationError, file: YamlFile) -> list[tuple[Place, str]]:
    """Every mistake with its place: where it stands, what it is, what to write instead."""
    return [_explain(problem, file) for problem in error.errors()]


def _explain(problem: ErrorDetails, file: YamlFile) -> tuple[Place, str]:
    kind = problem["type"]
    path = _path_in_file(problem, file)
    key, under = str(path[-1]) if path else "", _name(path[:-1])
    where = f" under {under}" if under else ""
    if kind == "extra_forbidden":
        if key in NOT_YET:
            return file.key(path), f"'{key}'{where} is not known to this version yet; remove it"
        return file.key(path), f"unknown key {shown(key)}{where}" + suggest(key, _known_keys(path))
    if kind == "missing":
        return file.key(path[:-1]), f"'{key}' is missing{where}; add it"
    name = _name(path) or file.path.name
    if problem["input"] is None:
        return file.key(path), f"{name} has no value; write one, or remove this"
    written = file.written(path)
    must, _, advice = _demand(problem, written).partition("; ")
    # A header may be a password, and the terminal may be a log.
    is_told = "headers" not in path and kind not in _SIZES
    given = f", not {_given(problem['input'], written)}" if is_told else ""
    return file.value(path), f"{name} {must}{given}" + (f"; {advice}" if advice else "")


def _path_in_file(problem: ErrorDetails, file: YamlFile) -> tuple[str | int, ...]:
    """Pydantic's path without what is not in the file: the branches of unions, and its sign for a key."""
    path: tuple[str | int, ...] = ()
    for part in problem["loc"]:
        if file.holds((*path, part)):
            path = (*path, part)
    return (*path, problem["loc"][-1]) if problem["type"] == "missing" else path


def _name(path: Iterable[str | int]) -> str:
    """Keys with dots between; which item of a list is meant, its place says."""
    return ".".join(part for part in path if isinstance(part, str))


def _demand(problem: ErrorDetails, written: str | None) -> str:
    """What a value must be, and after "; " what to do."""
    context = problem.get("ctx", {})
    match problem["type"]:
        case "dict_type" | "model_type" | "model_attributes_type":
            return "must hold keys and values; indent them below it"
        case "list_type":
            return f"must be a list; write [{written.replace(PERSIAN_COMMA, ',')}]" if written else _BRACKETS
        case "enum" | "literal_error":
            return f"must be {context['expected'].replace(chr(39), '')}"
        case "string_type":
            return "must be text; put quotes round it"
        case "greater_than_equal" | "greater_than":
            return f"must be {context.get('ge', context.get('gt'))} or more"
        case "less_than_equal" | "less_than":
            return f"must be {context.get('le', context.get('lt'))} or less"
        case "string_too_long":
            return f"must not be longer than {context['max_length']} characters"
        case "too_long":
            return f"must not hold more than {context['max_length']}"
        case "too_short":
            return "must not be empty"
        case "string_pattern_mismatch":
            return _PATTERNS[context["pattern"]]
        case _:
            return problem["msg"].removeprefix("Value error, ")


def _given(value: Any, written: str | None) -> str:
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list"
    text = str(value) if written is None else written
    return shown(text) if isinstance(value, str) else text[:SHOWN_CHARS]


def shown(text: str) -> str:
    """A text of the file in quotes, on one line and not too long."""
    return repr(text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…")


def _known_keys(path: tuple[str | int, ...]) -> Iterable[str]:
    """The keys that may stand beside the last one of *path*."""
    section: type[Section] = Document
    match [part for part in path[:-1] if isinstance(part, str)]:
        case ["bot"]:
            section = BotSection
        case ["defaults"]:
            section = ChannelSection
        case ["channels", _]:
            section = NamedChannelSection
        case ["feeds", _]:
            section = FeedSection
        case ["archives", _]:
            section = ArchiveSection
        case [*_, "summary"]:
            section = SummarySection
        case [_, _, "to"]:
            section = RouteSection
    return section.model_fields


def suggest(wrong: str, known: Iterable[str]) -> str:
    """ "; did you mean 'every'?", or the list of what there is."""
    names = sorted(known)
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; there is {', '.join(names[:20])}" if names else "; there is none"
