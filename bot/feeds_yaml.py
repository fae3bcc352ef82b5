"""The form of feeds.yaml: its sections and keys as pydantic models, and their mistakes in words.

A key stands here only if something reads it. Called by ``config.py``, which turns sections into records; the JSON
Schema that ``qasedak schema`` prints comes from here too.
"""

import difflib
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import ErrorDetails

from bot.model import (
    Calendar,
    Digits,
    Language,
    Media,
    Months,
    OnUncertain,
    OnWeekdayMismatch,
    SummaryOptions,
)
from bot.yaml_file import Place, YamlFile

#: Asking a publisher more often is bad manners, whoever wants it.
SHORTEST_INTERVAL = timedelta(minutes=15)
_SPAN = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
#: Keys of the contract that this version does not read yet: refused, since a setting that does nothing is a lie.
NOT_YET = frozenset(
    {
        "imports", "open", "keep", "local_time", "length", "paid_broadcast", "buttons", "quiet_hours", "max_per_hour",
        "overflow", "on_edit", "digest", "approve", "same_story", "reply_to_linked", "include", "exclude", "full_text",
        "replay",
    }
)  # fmt: skip


def _span(value: Any) -> Any:
    """Read "30m"; an int or a float has no unit and is refused."""
    if isinstance(value, timedelta):
        return value
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found or int(found[1]) == 0:
        raise ValueError("must be a span such as 30m, 6h or 30d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _chat(value: Any) -> Any:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not re.fullmatch(r"@[A-Za-z][A-Za-z0-9_]{3,31}|-?\d{3,20}", text):
        raise ValueError('must be "@name", in quotes, or a numeric id such as -1001234567890')
    return text


def _date_form(value: Any) -> Any:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if text not in ("full", "compact", "time", "none", *"12345678"):
        raise ValueError("must be full, compact, time, none, or a number from 1 to 8")
    return text


Span = Annotated[
    timedelta,
    BeforeValidator(_span),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["30m", "30d"]}),
]
Chat = Annotated[str, BeforeValidator(_chat), WithJsonSchema({"type": ["string", "integer"], "examples": ["@example"]})]
DateForm = Annotated[
    str,
    BeforeValidator(_date_form),
    WithJsonSchema({"enum": ["full", "compact", "time", "none", *range(1, 9)]}),
]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
HeaderValue = Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


class Section(BaseModel):
    """A mapping of the file: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class SummarySection(Section):
    """How long a summary may be."""

    sentences: int = Field(3, ge=1, le=20)
    """At most this many sentences."""
    max_chars: int = Field(600, ge=80, le=3000)
    """At most this many characters."""

    def options(self) -> SummaryOptions:
        """As the record that the renderer knows."""
        return SummaryOptions(self.sentences, self.max_chars)


class ChannelKeys(Section):
    """What a channel, the defaults, and a single route may set."""

    thread: int | None = Field(None, ge=1)
    """Topic of a forum."""
    language: Language = "fa"
    """Language of dates and labels; default: the bot's."""
    only: list[LanguageCode] = Field(default_factory=list)
    """Posts in these languages only; default: all."""
    timezone: str = "Asia/Tehran"
    """Time zone of its dates, an IANA name; default: the bot's."""
    calendars: list[Calendar] = Field(default_factory=lambda: [Calendar.JALALI, Calendar.GREGORIAN], min_length=1)
    """Calendars of the date line, in order."""
    months: Months = Months.IRANIAN
    """Names of the Jalali months."""
    digits: Digits = Digits.AUTO
    """Digits of dates."""
    date: DateForm = "full"
    """Form of the date line."""
    lunar_offset: int = Field(0, ge=-1, le=1)
    """Days between the local lunar date and Umm al-Qura's."""
    template: str | None = None
    """A name under templates, or default or compact."""
    summary: Annotated[SummarySection | Literal["off"], Field(union_mode="left_to_right")] = Field(
        default_factory=SummarySection
    )
    """How long summaries are, or off."""
    media: Media = Media.PREVIEW
    """What happens to a post's picture."""
    source: Literal["auto", "always", "never"] = "auto"
    """Whether the source is named; auto: where a channel has two feeds or more."""
    footer: str = Field("", max_length=500)
    """Last line of every post."""
    hashtags: int = Field(3, ge=0, le=20)
    """At most this many hashtags."""
    silent: bool = False
    """Without sound."""
    max_age: Span = timedelta(days=30)
    """Older posts of HTTP feeds are stored, not sent."""

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        return _zone(name)


class ChannelSection(ChannelKeys):
    """The defaults of all channels."""


class NamedChannelSection(ChannelSection):
    """A chat that receives posts."""

    chat: Chat
    """Its @name in quotes, or its numeric id."""


class RouteSection(ChannelSection):
    """A channel in a feed's ``to``, with keys for this route only."""

    channel: str
    """Name of the channel."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ZoneInfo raises the last for a directory such as "Asia"
        raise ValueError(f"no time zone is called {name!r}; write an IANA name such as Asia/Tehran") from None
    return name


class BotSection(Section):
    """The bot itself."""

    timezone: str = "Asia/Tehran"
    """IANA name: dates and times."""
    language: Language = "fa"
    """Labels and replies unless a chat says otherwise."""
    admins: list[Annotated[int, Field(gt=0)]] = Field(default_factory=list)
    """Telegram user ids that may use admin commands."""
    admin_chat: int | None = None
    """Where reports go; default: the first admin."""
    contact: str | None = Field(None, pattern=r"^https?://\S+$|^\S+@\S+$")
    """An address that publishers can write to; goes into the User-Agent."""
    on_uncertain: OnUncertain = OnUncertain.RESEND
    """What happens to a send whose outcome cannot be known."""
    rate: int = Field(28, ge=1, le=1000)
    """Messages a second, all chats."""
    chat_rate: int = Field(20, ge=1, le=1000)
    """Messages in a minute to a group or channel."""

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        return _zone(name)


class SourceSection(Section):
    """What feeds and archives have in common."""

    title: str | None = Field(None, max_length=200)
    """A name of our own; default: the feed's."""
    to: list[Annotated[RouteSection | str, Field(union_mode="left_to_right")]] | None = None
    """Channels; [] is none; may be left out where there is one channel."""
    backfill: Literal["all"] | Annotated[int, Field(ge=0)] = 0
    """Posts of the first reading that are published."""
    hashtags: list[str] = Field(default_factory=list, max_length=20)
    """Hashtags of every post."""
    language: Literal["auto"] | LanguageCode = "auto"
    """Language of its posts; auto: found post by post."""

    @property
    def backfill_count(self) -> int | None:
        """``all`` as None."""
        return None if self.backfill == "all" else int(self.backfill)


class FeedSection(SourceSection):
    """A feed on the web."""

    url: str = Field(pattern=r"^https?://[^\s/]+\S*$")
    """Its address."""
    every: Span = timedelta(minutes=30)
    """Shortest time between two readings; 15m at least."""
    headers: dict[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")], Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")]
    ] = Field(default_factory=dict)
    """Request headers, for feeds that ask who reads."""

    @field_validator("every")
    @classmethod
    def _is_polite(cls, every: timedelta) -> timedelta:
        if every < SHORTEST_INTERVAL:
            raise ValueError("is under 15m; publishers block readers that ask more often, write 15m or more")
        return every


class ArchiveSection(SourceSection):
    """A local archive of posts."""

    path: str = Field(min_length=1)
    """Its files, relative to this one; * and ** are wildcards."""
    format: Literal["auto", "dated-text"] = "auto"
    """What kind of files they are."""
    on_weekday_mismatch: OnWeekdayMismatch = OnWeekdayMismatch.HOLD
    """What happens to a post whose weekday is wrong."""


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
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Document.model_json_schema()}


# --- mistakes in words ---------------------------------------------------------------------------------------


def explain(error: ValidationError, file: YamlFile) -> list[tuple[Place, str]]:
    """Every mistake with its place."""
    return [_explain(problem, file) for problem in error.errors() if not _is_other_branch(problem)]


def _is_other_branch(problem: ErrorDetails) -> bool:
    """Of "either a name or a mapping", pydantic reports both; the branch that the writer did not mean is noise."""
    wanted_mapping = "RouteSection" in problem["loc"] or "SummarySection" in problem["loc"]
    return wanted_mapping and problem["type"] == "model_type"


def _explain(problem: ErrorDetails, file: YamlFile) -> tuple[Place, str]:
    # Branches of a union are in pydantic's path, but not in the file.
    path = tuple(
        part
        for part in problem["loc"]
        if part not in ("RouteSection", "SummarySection", "str", "literal['off']", "literal['all']", "literal['auto']")
        and not str(part).startswith(("constrained-", "function-"))
    )
    key, under = path[-1] if path else "", ".".join(str(part) for part in path[:-1])
    where = f" under {under}" if under else ""
    name = ".".join(str(part) for part in path) or file.path.name
    given = problem.get("input")
    match problem["type"]:
        case "extra_forbidden" if key in NOT_YET:
            return file.key(path), f"'{key}'{where} is not known to this version yet; remove it"
        case "extra_forbidden":
            return file.key(path), f"unknown key '{key}'{where}" + suggest(str(key), _known_keys(path))
        case "missing":
            return file.key(path[:-1]), f"'{key}' is missing{where}; add it"
        case "dict_type" | "model_type" | "model_attributes_type":
            return file.value(path), f"{name} must hold keys and values, not {_kind(given)}; indent them below it"
        case "list_type":
            return file.value(path), f"{name} must be a list; write [{given}]"
        case "enum" | "literal_error":
            expected = str(problem.get("ctx", {}).get("expected", "")).replace("'", "")
            return file.value(path), f"{name} is {given!r}; write {expected}"
        case "string_type":
            return file.value(path), f"{name} must be text, not {_kind(given)}; put quotes round it"
        case "int_type" | "int_parsing" | "int_from_float":
            return file.value(path), f"{name} must be a whole number, not {given!r}"
        case "bool_type" | "bool_parsing":
            return file.value(path), f"{name} must be true or false, not {given!r}"
        case _:
            said = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
            said = re.sub(r"String should match pattern.*", "has not the right form", said)
            return file.value(path), f"{name} {said[:1].lower()}{said[1:]} (it is {given!r})"


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: f"the text {value!r}", type(None): "nothing"}
    return names.get(type(value), f"the number {value!r}" if isinstance(value, int | float) else repr(value))


def _known_keys(path: tuple[str | int, ...]) -> Iterable[str]:
    """The keys that may stand beside the last one of *path*."""
    section: type[Section] = Document
    for part in path[:-1]:
        name = str(part)
        if section is Document and name in ("bot", "defaults"):
            section = BotSection if name == "bot" else ChannelSection
        elif section is Document and name in ("channels", "feeds", "archives"):
            section = {"channels": NamedChannelSection, "feeds": FeedSection, "archives": ArchiveSection}[name]  # type: ignore[assignment]  # mypy joins the three to their metaclass
        elif name == "summary":
            section = SummarySection
        elif name == "to":
            section = RouteSection
    return section.model_fields


def suggest(wrong: str, known: Iterable[str]) -> str:
    """ "; did you mean 'every'?", or the list of what there is."""
    names = list(known)
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; there is {', '.join(sorted(names)[:12])}" if names else "; there is none"
