"""The values of feeds.yaml: how each kind is written, and what it is then.

A validator says what a value must be; ``yaml_mistakes.py`` adds where it stands and what is there instead. Numbers and
switches may be text, since ${NAME} is. Knows no section and no key; called by ``feeds_yaml.py``.
"""

import re
from datetime import time, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from bot import filters
from bot.model import Calendar, PostButton

#: Asking a publisher more often is bad manners, whoever wants it.
SHORTEST_INTERVAL = timedelta(minutes=15)
#: Longer spans are mistakes, and would leave the calendar when added to a date.
LONGEST_SPAN = timedelta(days=36525)

FEED_LANGUAGE = r"^(auto|[a-z]{2,3})$"
LANGUAGE = r"^[a-z]{2,3}$"
CONTACT = r"^(https?://\S+|[^\s@]+@[^\s@]+)$"
PATH = r"^[^\x00]+$"
HEADER_NAME = r"^[A-Za-z0-9._-]+$"
HEADER_VALUE = r"^[\x20-\x7e]*$"
#: What each pattern asks for, in words.
PATTERNS = {
    FEED_LANGUAGE: "must be auto, or a code such as fa or en",
    LANGUAGE: "must be a code such as fa or en",
    CONTACT: "must be a web address or a mail address",
    PATH: "must be the path of a file, or a pattern such as archive/*.txt",
    HEADER_NAME: "must be named with letters, digits and hyphens",
    HEADER_VALUE: "must be one line of ASCII characters",
}
_CLOCK = "(?:[01]?[0-9]|2[0-3]):[0-5][0-9]"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


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


def polite_interval(every: timedelta) -> timedelta:
    """Refuse what publishers would block."""
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


def _filter(written: str) -> str:
    filters.compiled(written)
    return written


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


def each_once(calendars: list[Calendar]) -> list[Calendar]:
    """Refuse a calendar that is named twice."""
    if len(set(calendars)) < len(calendars):
        raise PydanticCustomError("twice", "must name each calendar once")
    return calendars


def each_button_once(buttons: list[PostButton]) -> list[PostButton]:
    """Refuse a button that is named twice."""
    if len(set(buttons)) < len(buttons):
        raise PydanticCustomError("twice", "must name each button once")
    return buttons


def summary_or_off(value: Any) -> Any:
    """Tell the two forms of ``summary`` apart."""
    if value != "off" and not isinstance(value, dict):
        raise ValueError("must be off, or keys and values such as {sentences: 3, max_chars: 600}")
    return value


def route(value: Any) -> Any:
    """Tell the two forms of an item of ``to`` apart."""
    if not isinstance(value, str | dict):
        raise ValueError("must hold names of channels, or keys and values such as {channel: main}")
    return value


def _hours(value: Any) -> Any:
    found = re.fullmatch(rf"({_CLOCK})\s*-\s*({_CLOCK}|24:00)", value.strip()) if isinstance(value, str) else None
    if not found or found[1].zfill(5) == found[2].zfill(5):
        raise ValueError('must be hours such as "23:00-07:00", in quotes; a whole day is "00:00-24:00"')
    start, end = (time(int(clock[:-3]) % 24, int(clock[-2:])) for clock in found.groups())
    return start, end


def quiet_or_off(value: Any) -> Any:
    """Tell the forms of ``quiet_hours`` apart."""
    if not isinstance(value, str | dict | list):
        raise ValueError('must be hours such as "23:00-07:00", or keys and values such as {hours: "23:00-07:00"}')
    return value


def _most_per_hour(value: Any) -> Any:
    try:
        count = None if value == "off" else _whole(value)
    except ValueError:
        count = 0
    if count is not None and not 1 <= count <= 1000:
        raise ValueError("must be off, or a number of posts from 1 to 1000")
    return count


def approve_or_not(value: Any) -> Any:
    """Tell the two forms of ``approve`` apart."""
    if not isinstance(value, dict) and value not in (True, False, "true", "false"):
        raise ValueError("must be true or false, or keys and values such as {after: 6h, then: skip}")
    return value


def digest_or_off(value: Any) -> Any:
    """Tell the two forms of ``digest`` apart."""
    if value != "off" and not isinstance(value, dict):
        raise ValueError('must be off, or keys and values such as {every: week, on: saturday, at: "09:00"}')
    return value


def form(value: Any) -> str:
    """The tag of the form that *value* has, where a list is one too."""
    if isinstance(value, list):
        return "{list}"
    return "{off}" if value == "off" else is_mapping(value)


def is_mapping(value: Any) -> str:
    """The tag of the form that *value* has."""
    return "{keys}" if isinstance(value, dict) else "{word}"


Whole = Annotated[int, BeforeValidator(_whole)]
UserId = Annotated[Whole, Field(ge=1, lt=2**53)]
Switch = Annotated[bool, BeforeValidator(_switch)]


def _keep(value: Any) -> Any:
    if value == "forever":
        return None
    try:
        span = _span(value)
    except ValueError:
        span = timedelta()
    if span < timedelta(days=1):
        raise ValueError("must be forever, or a span of a day or more such as 400d")
    return span


Span = Annotated[
    timedelta,
    BeforeValidator(_span),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^\s*[0-9]{1,6}\s*[smhdw]\s*$", "examples": ["30m", "30d"]}),
]
Keep = Annotated[
    timedelta | None,
    BeforeValidator(_keep),
    PlainSerializer(lambda keep: "forever" if keep is None else str(keep)),
    WithJsonSchema(
        {
            "anyOf": [{"const": "forever"}, {"type": "string", "pattern": r"^\s*[0-9]{1,6}\s*[smhdw]\s*$"}],
            "default": "forever",
            "examples": ["400d"],
        }
    ),
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
Hours = Annotated[
    tuple[time, time],
    BeforeValidator(_hours),
    PlainSerializer(lambda both: "-".join(f"{at:%H:%M}" for at in both)),
    WithJsonSchema(
        {"type": "string", "pattern": rf"^\s*{_CLOCK}\s*-\s*({_CLOCK}|24:00)\s*$", "examples": ["23:00-07:00"]}
    ),
]
MostPerHour = Annotated[
    int | None,
    BeforeValidator(_most_per_hour),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 1000}, {"const": "off"}]}),
]
Zone = Annotated[str, AfterValidator(_zone)]
FilterPattern = Annotated[
    str, AfterValidator(_filter), Field(max_length=1000, examples=["moon", "title:moon", "re:..."])
]
WebAddress = Annotated[str, AfterValidator(_web_address), Field(json_schema_extra={"pattern": r"^https?://\S+$"})]
LanguageCode = Annotated[str, Field(pattern=LANGUAGE)]
HeaderName = Annotated[str, Field(pattern=HEADER_NAME)]
HeaderValue = Annotated[str, Field(pattern=HEADER_VALUE)]
