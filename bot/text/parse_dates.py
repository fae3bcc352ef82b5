"""Reads dates that people write and dates that feeds carry.

``parse_date`` takes one whole line and nothing that merely contains a date: in an archive a line either is a date or
is prose. ``parse_any_date`` takes more, for people who ask about a date: lunar dates, and lines of several calendars
such as our own. ``parse_feed_date`` takes what stands in the date elements of feeds. All match whole patterns only;
none guesses at an ambiguous order, and none looks at the clock. What they accept is in the tables of this module.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from datetime import time as clock_time  # a field is called time
from typing import Literal
from zoneinfo import ZoneInfo

from bot.model import Calendar
from bot.text import calendars, persian

Order = Literal["ymd", "dmy", "mdy"]
DigitClass = Literal["latin", "persian", "arabic"]

_MIN_LENGTH, _MAX_LENGTH = 6, 70
#: Years that a month's name or an era may stand with, and years that numbers alone may mean.
_NAMED_YEARS = {
    Calendar.JALALI: range(1000, 1700),
    Calendar.GREGORIAN: range(1000, 2201),
    Calendar.LUNAR: range(1000, 1700),
}
_NUMERIC_YEARS = {Calendar.JALALI: range(1000, 1500), Calendar.GREGORIAN: range(1800, 2201)}
# "مه" is also fog, and "می" the beginning of half of all verbs: May only with a year of our times.
_DOUBTFUL_MAY = ("می", "مه")
_DOUBTFUL_MAY_FROM = 1700

_GREGORIAN_VARIANTS: dict[int, tuple[str, ...]] = {
    1: ("Jan",),
    2: ("Feb", "فبریه"),
    3: ("Mar",),
    4: ("Apr", "آپریل"),
    5: ("می", "مه"),
    6: ("Jun", "ژوین"),
    7: ("Jul", "جولایی", "ژوییه", "ژولای"),
    8: ("Aug", "آگوست", "آگست", "اوگست"),
    9: ("Sep", "Sept"),
    10: ("Oct",),
    11: ("Nov",),
    12: ("Dec", "کانونی یەکەم"),
}
_JALALI_VARIANTS: dict[int, tuple[str, ...]] = {
    2: ("Ardibehesht",),
    5: ("امرداد", "Amordad"),
    6: ("Sunbula", "Sonbula"),
    10: ("Day",),
    11: ("Dalwa",),
    12: ("اسپند", "Espand"),
}
_WEEKDAY_VARIANTS: dict[int, tuple[str, ...]] = {
    0: ("Mon",),
    1: ("Tue", "Tues"),
    2: ("Wed", "چارشنبه"),
    3: ("Thu", "Thur", "Thurs"),
    4: ("Fri", "آدینه", "جومعە"),
    5: ("Sat",),
    6: ("Sun",),
}
_ERAS = {
    Calendar.JALALI: ("ه.ش", "هجری شمسی", "هجری خورشیدی", "شمسی", "خورشیدی", "AP", "SH"),
    Calendar.GREGORIAN: ("میلادی", "م", "AD", "CE"),
}
# Without apostrophes and the hyphens of Latin words, which are written in every way.
_LUNAR_VARIANTS: dict[int, tuple[str, ...]] = {
    1: ("محرم الحرام", "Moharram"),
    2: ("صفر المظفر",),
    3: ("ربیع الاولی", "ربیع اول", "Rabi al Awwal"),
    4: ("ربیع الاخر", "ربیع دوم", "Rabi al Thani", "Rabi al Akhir"),
    5: ("جمادی الاولی", "جمادی اول", "Jumada al Awwal", "Jumada al Ula"),
    6: ("جمادی الاخر", "جمادی الاخره", "جمادی دوم", "Jumada al Thani", "Jumada al Akhira"),
    7: ("رجب المرجب",),
    8: ("شعبان المعظم",),
    9: ("رمضان المبارک", "Ramazan"),
    10: ("شوال المکرم", "Shavval"),
    11: ("ذی القعده", "ذوالقعده", "Dhu al Qadah", "Dhul Qadah", "Zulqadah"),
    12: ("ذی الحجه", "ذوالحجه", "Dhu al Hijjah", "Zulhijjah"),
}
_LUNAR_ERAS = ("ه.ق", "هجری قمری", "قمری", "AH")
_FORENOON = ("am", "ق.ظ", "صبح", "قبل از ظهر", "پیش از ظهر")
_AFTERNOON = ("pm", "ب.ظ", "عصر", "بعد از ظهر")

_MARKS = re.compile("[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed]")
_DATE_LETTERS = str.maketrans(
    {
        **dict.fromkeys("\u064a\u0649\u06d2", "\u06cc"),  # forms of ye
        "\u0643": "\u06a9",
        **dict.fromkeys("\u06c0\u0629\u06d5\u06be", "\u0647"),  # forms of he
        **dict.fromkeys("\u0622\u0623\u0625\u0671", "\u0627"),  # forms of alef
    }
)
_LATIN_JOINTS = re.compile("['\u2018\u2019\u02bb\u02bc]|(?<=[A-Za-z])-(?=[A-Za-z])")
_FILLERS = re.compile("[\\s\u200c\u200d,،]+")
_DOTS_OF_WORDS = re.compile(r"(?<![0-9])\.|\.(?![0-9])")
_SPACES_AT_WORDS = re.compile("(?<![0-9]) | (?![0-9])")
_PERSIAN_DIGIT = re.compile("[\u06f0-\u06f9]")
_ARABIC_DIGIT = re.compile("[\u0660-\u0669]")


@dataclass(frozen=True, slots=True)
class ParsedDate:
    """A date as somebody wrote it. ``day`` is Gregorian, and None where its calendar has no such day."""

    day: date | None
    calendar: Calendar
    order: Order
    digits: DigitClass
    named_month: bool
    weekday: int | None = None  #: the weekday written, in ``date.weekday()`` numbers
    weekday_first: bool = False
    time: clock_time | None = None

    @property
    def weekday_is_wrong(self) -> bool:
        """Whether the weekday written is not that day's; the day itself is what counts."""
        return self.weekday is not None and self.day is not None and self.day.weekday() != self.weekday


@dataclass(frozen=True, slots=True)
class FeedDate:
    """A date of a feed. ``instant`` is in UTC; of a ``date_only`` one it is 00:00 UTC of that civil day."""

    instant: datetime
    date_only: bool = False
    no_zone: bool = False  #: a time came without a zone and was taken as UTC


# --- one line -----------------------------------------------------------------------------------------------


def _compact(text: str) -> str:
    """The line as the patterns see it: letters folded, words run together, one space between two numbers."""
    folded = _MARKS.sub("", unicodedata.normalize("NFKC", text).casefold()).translate(_DATE_LETTERS)
    spaced = _FILLERS.sub(" ", _DOTS_OF_WORDS.sub(" ", persian.normalise_digits(folded)))
    return _SPACES_AT_WORDS.sub("", spaced.strip())


def _months() -> dict[str, tuple[Calendar, int]]:
    tables = (
        *((Calendar.JALALI, names) for names in calendars.JALALI_MONTHS.values()),
        *((Calendar.JALALI, names) for names in calendars.JALALI_MONTHS_LATIN.values()),
        *((Calendar.GREGORIAN, names) for names in calendars.GREGORIAN_MONTHS.values()),
        (Calendar.GREGORIAN, calendars.GREGORIAN_MONTHS_EN),
    )
    months = {_compact(name): (calendar, n) for calendar, names in tables for n, name in enumerate(names, 1)}
    for calendar, variants in ((Calendar.JALALI, _JALALI_VARIANTS), (Calendar.GREGORIAN, _GREGORIAN_VARIANTS)):
        months |= {_compact(name): (calendar, n) for n, names in variants.items() for name in names}
    return months


def _weekdays() -> dict[str, int]:
    weekdays = {_compact(name): n for names in calendars.WEEKDAYS.values() for n, name in enumerate(names)}
    return weekdays | {_compact(name): n for n, names in _WEEKDAY_VARIANTS.items() for name in names}


def _lunar_months() -> dict[str, tuple[Calendar, int]]:
    variants = ((n, name) for n, names in _LUNAR_VARIANTS.items() for name in names)
    tables = (*enumerate(calendars.LUNAR_MONTHS, 1), *enumerate(calendars.LUNAR_MONTHS_EN, 1), *variants)
    return {_compact(_LATIN_JOINTS.sub("", name)): (Calendar.LUNAR, n) for n, name in tables}


_MONTHS = _months()
_LUNAR_MONTHS = _lunar_months()
_ALL_MONTHS = _MONTHS | _LUNAR_MONTHS
_WEEKDAYS = _weekdays()
_ERA_CALENDARS = {_compact(era): calendar for calendar, eras in _ERAS.items() for era in eras}
_LUNAR_ERA_CALENDARS = {_compact(era): Calendar.LUNAR for era in _LUNAR_ERAS}
_ALL_ERA_CALENDARS = _ERA_CALENDARS | _LUNAR_ERA_CALENDARS


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


def _pattern(form: str, months: Iterable[str], eras: Iterable[str]) -> str:
    parts = {
        "first": f"(?P<first>{_any_of(_WEEKDAYS)})?",
        "last": f"(?P<last>{_any_of(_WEEKDAYS)})?",
        "month": f"(?P<name>{_any_of(months)})(?:ماه|ی)?",
        "era": f"(?P<era>{_any_of(eras)})",
        "y": "(?P<y>[0-9]{4})",
        "m": "(?P<m>[0-9]{1,2})",
        "d": "(?P<d>[0-9]{1,2})",
        "ordinal": "(?:st|nd|rd|th|ام|م|ی)",
        "s": "(?P<s>[/.-])",
    }
    return form.format(**parts)


def _line_pattern(form: str, months: Iterable[str], eras: Iterable[str]) -> re.Pattern[str]:
    halves = (*_FORENOON, *_AFTERNOON)
    clock = (
        "(?:(?:(?:در)?ساعت|at|t|[-–—|])? ?(?P<h>[0-9]{1,2}):(?P<mi>[0-9]{2})(?::(?P<sec>[0-9]{2}))?"
        f"(?P<half>{_any_of(_compact(half) for half in halves)})?)?"
    )
    return re.compile(_pattern(form, months, eras) + clock)


_NAMED_FORMS: tuple[tuple[Order, str], ...] = (
    ("ymd", "{first}(?:ap)?{y}{month}{d}{era}?{last}"),
    ("dmy", "{first}{d}{ordinal}?{month}{y}{era}?{last}"),
    ("mdy", "{first}{month}{d}(?:{ordinal}| ){y}{era}?{last}"),
)
_NUMERIC_FORMS: tuple[tuple[Order, str], ...] = (
    ("ymd", "{first}{y}{s}{m}(?P=s){d}{era}?{last}"),
    ("dmy", "{first}{d}{s}{m}(?P=s){y}{era}?{last}"),
)
_LINE_PATTERNS = tuple(
    (order, _line_pattern(form, _MONTHS, _ERA_CALENDARS)) for order, form in (*_NAMED_FORMS, *_NUMERIC_FORMS)
)
_LUNAR_PATTERNS = tuple(
    (order, _line_pattern(form, _LUNAR_MONTHS, _LUNAR_ERA_CALENDARS))
    # Numbers alone are never lunar: 1440/01/20 is of the other calendar of this century.
    for order, form in (*_NAMED_FORMS, *((order, form.replace("{era}?", "{era}")) for order, form in _NUMERIC_FORMS))
)


def parse_date(text: str) -> ParsedDate | None:
    """The date that this line is, or None where it is anything else or more than that.

    A month's name decides the calendar, else an era, else the year: 1000 to 1499 is Jalali.
    """
    return _parse_line(persian.clean_line(text), _LINE_PATTERNS)


def _parse_line(line: str, patterns: tuple[tuple[Order, re.Pattern[str]], ...]) -> ParsedDate | None:
    if not _MIN_LENGTH <= len(line) <= _MAX_LENGTH:
        return None
    compact = _compact(line)
    for order, pattern in patterns:
        if match := pattern.fullmatch(compact):
            return _parsed(match.groupdict(), order, _digit_class(line))
    return None


def _digit_class(line: str) -> DigitClass:
    if _PERSIAN_DIGIT.search(line):
        return "persian"
    return "arabic" if _ARABIC_DIGIT.search(line) else "latin"


def _parsed(found: Mapping[str, str | None], order: Order, digits: DigitClass) -> ParsedDate | None:
    dated = _calendar_and_month(found)
    day = int(found["d"] or 0)
    clock = _clock(found)
    weekday = found["first"] or found["last"]
    if not dated or not 1 <= day <= 31 or (found["h"] and not clock) or (found["first"] and found["last"]):
        return None
    calendar, month = dated
    return ParsedDate(
        day=_civil_day(calendar, int(found["y"] or 0), month, day),
        calendar=calendar,
        order=order,
        digits=digits,
        named_month="name" in found,
        weekday=_WEEKDAYS[weekday] if weekday else None,
        weekday_first=found["first"] is not None,
        time=clock,
    )


def _calendar_and_month(found: Mapping[str, str | None]) -> tuple[Calendar, int] | None:
    year = int(found["y"] or 0)
    era = _ALL_ERA_CALENDARS.get(found["era"] or "")
    name = found.get("name")
    if name:
        calendar, month = _ALL_MONTHS[name]
        doubtful = name in _DOUBTFUL_MAY and year < _DOUBTFUL_MAY_FROM
        fits = year in _NAMED_YEARS[calendar] and era in (None, calendar) and not doubtful
        return (calendar, month) if fits else None
    month = int(found["m"] or 0)
    years = _NAMED_YEARS if era else _NUMERIC_YEARS
    for calendar in (era,) if era else (Calendar.JALALI, Calendar.GREGORIAN):
        if year in years[calendar] and 1 <= month <= 12:
            return calendar, month
    return None


def _clock(found: Mapping[str, str | None]) -> clock_time | None:
    if not found["h"]:
        return None
    hour = int(found["h"])
    half = found["half"] or ""
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + (12 if half in [_compact(word) for word in _AFTERNOON] else 0)
    try:
        return clock_time(hour, int(found["mi"] or 0), int(found["sec"] or 0))
    except ValueError:
        return None


def _civil_day(calendar: Calendar, year: int, month: int, day: int) -> date | None:
    to_day = {Calendar.JALALI: calendars.from_jalali, Calendar.LUNAR: calendars.from_lunar}.get(calendar, date)
    try:
        return to_day(year, month, day)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class ParsedMonth:
    """A month as somebody wrote it, or a year alone (``month`` None), or a name alone (``year`` None)."""

    calendar: Calendar
    year: int | None
    month: int | None


_MONTH_PATTERNS = tuple(
    re.compile(_pattern(form, _MONTHS, _ERA_CALENDARS))
    for form in (
        "{month}(?:سال|of)?{y}{era}?",
        "{y}{month}{era}?",
        "{y}[/. -]{m}{era}?",
        "{m}[/.-]{y}{era}?",
        "(?:سال|year)?{y}{era}?",
        "{month}",
    )
)
_SHORTEST_MONTH = 2  #: letters: دی


def parse_month_line(text: str) -> ParsedMonth | None:
    """The month or the year that this line is, or None where it is anything else or more than that."""
    line = persian.clean_line(text)
    if not _SHORTEST_MONTH <= len(line) <= _MAX_LENGTH:
        return None
    compact = _compact(line)
    match = next((match for pattern in _MONTH_PATTERNS if (match := pattern.fullmatch(compact))), None)
    if match is None:
        return None
    found = {"y": None, "era": None, **match.groupdict()}
    name = found.get("name")
    if name and not found["y"]:
        return None if name in _DOUBTFUL_MAY else ParsedMonth(_MONTHS[name][0], None, _MONTHS[name][1])
    if not name and "m" not in found:
        # January decides a year's calendar as well as any month does.
        dated = _calendar_and_month({**found, "m": "1"})
        return ParsedMonth(dated[0], int(found["y"] or 0), None) if dated else None
    dated = _calendar_and_month(found)
    return ParsedMonth(dated[0], int(found["y"] or 0), dated[1]) if dated else None


_BETWEEN_CALENDARS = re.compile("[()·|\n]+")
_CLOCK_AND_PLACE = re.compile(r"[,،]?\s*(?:ساعت|کاتژمێر|at)?\s*\d{1,2}:\d{2}.*$")
_MOST_CALENDARS = 3


def parse_any_date(text: str) -> ParsedDate | None:
    """The date that somebody asks about: what ``parse_date`` reads, a lunar date, or one day in several calendars.

    Of several the first that is not lunar counts. None where they disagree; a lunar one may be a day off, as the
    calendar that is announced can be, and so may one whose time is another zone's.
    """
    line = _BETWEEN_CALENDARS.sub("\n", text[: _MOST_CALENDARS * _MAX_LENGTH])
    pieces = [piece for written in line.split("\n") if (piece := persian.clean_line(written).strip(" ,،"))]
    if len(pieces) <= 1:
        return _parse_piece(pieces[0]) if pieces else None
    found = [parsed for piece in pieces if (parsed := _parse_piece(_CLOCK_AND_PLACE.sub("", piece)))]
    if len(found) != len(pieces) or len(found) > _MOST_CALENDARS:
        return None
    found.sort(key=lambda parsed: parsed.calendar is Calendar.LUNAR)
    timed = all(_CLOCK_AND_PLACE.search(piece) for piece in pieces)
    agreed = all(_agree(found[0], other, may_differ=timed) for other in found[1:])
    return found[0] if agreed else next((parsed for parsed in found if parsed.day is None), None)


def _parse_piece(piece: str) -> ParsedDate | None:
    return parse_date(piece) or _parse_line(_LATIN_JOINTS.sub("", piece), _LUNAR_PATTERNS)


def _agree(one: ParsedDate, other: ParsedDate, *, may_differ: bool) -> bool:
    if one.day is None or other.day is None:
        return False
    return abs(one.day - other.day) <= timedelta(days=may_differ or other.calendar is Calendar.LUNAR)


# --- dates of feeds -----------------------------------------------------------------------------------------

_FEED_TEXT_MAX = 120  #: characters; more is no date, and no pattern should see it
_FEED_YEARS = range(1971, 2201)
_JALALI_FEED_YEARS = range(1300, 1500)
_TEHRAN = ZoneInfo("Asia/Tehran")
_MAX_OFFSET = timedelta(hours=14)

# Hours east of Greenwich. Where one name has several meanings, the one met most in feeds: IST is India's, BST is
# Britain's, CST and EST are America's.
_ZONES: dict[str, float] = {
    **dict.fromkeys(("z", "ut", "utc", "gmt", "wet"), 0),
    **dict.fromkeys(("bst", "cet", "mez", "west", "wat"), 1),
    **dict.fromkeys(("cest", "mesz", "eet", "sast", "cat"), 2),
    **dict.fromkeys(("eest", "msk", "trt", "eat"), 3),
    "irst": 3.5,
    **dict.fromkeys(("msd", "gst", "azt"), 4),
    **dict.fromkeys(("irdt", "aft"), 4.5),
    **dict.fromkeys(("pkt", "uzt", "tjt"), 5),
    "ist": 5.5,
    **dict.fromkeys(("hkt", "sgt", "awst"), 8),
    **dict.fromkeys(("jst", "kst"), 9),
    "acst": 9.5,
    "acdt": 10.5,
    "aest": 10,
    "aedt": 11,
    "nzst": 12,
    "nzdt": 13,
    "nst": -3.5,
    "ndt": -2.5,
    **dict.fromkeys(("brt", "art", "adt"), -3),
    **dict.fromkeys(("ast", "edt"), -4),
    **dict.fromkeys(("est", "cdt"), -5),
    **dict.fromkeys(("cst", "mdt"), -6),
    **dict.fromkeys(("mst", "pdt"), -7),
    **dict.fromkeys(("pst", "akdt"), -8),
    "akst": -9,
    "hst": -10,
}
_OFFSET = re.compile(r"(?:gmt|utc|ut)?\s*(?P<sign>[+-])(?P<hours>[0-9]{1,2}):?(?P<minutes>[0-9]{2})?")

_TIME = r"(?P<h>[0-9]{1,2}):(?P<mi>[0-9]{2})(?::(?P<sec>[0-9]{2})(?:[.,][0-9]+)?)?(?:\s*(?P<half>[ap])\.?m\b\.?)?"
_ZONE = r"(?P<zone>(?:gmt|utc|ut)?\s*[+-][0-9]{1,2}:?(?:[0-9]{2})?|[a-z]+(?![a-z_/]))"
_TAIL = rf"(?:\s*{_ZONE})?(?:\s*\[?(?P<place>[a-z_]+/[a-z_/+-]+)\]?)?(?:\s*\([^()]*\))?"
_WEEKDAY = r"(?:[a-z]+[.,\s]+)?"
_ORDINAL = "(?:st|nd|rd|th)?"
_FEED_PATTERNS = tuple(
    re.compile(pattern, re.ASCII | re.IGNORECASE)
    for pattern in (
        # W3CDTF, ISO 8601 and their looser relatives; the year first, in any of the two calendars
        rf"(?P<y>[0-9]{{4}})(?P<s>[-/.])(?P<m>[0-9]{{1,2}})(?P=s)(?P<d>[0-9]{{1,2}})"
        rf"(?:(?:t|\s*[,-]?\s+|\s*,\s*){_TIME}{_TAIL}|z|[+-][0-9]{{2}}:[0-9]{{2}})?",
        r"(?P<y>[0-9]{4})(?:-(?P<m>[0-9]{2}))?",
        r"(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})"
        rf"(?:t(?P<h>[0-9]{{2}}):?(?P<mi>[0-9]{{2}})(?::?(?P<sec>[0-9]{{2}})(?:[.,][0-9]+)?)?{_TAIL})?",
        # RFC 822 and what is sold as it
        rf"{_WEEKDAY}(?P<d>[0-9]{{1,2}}){_ORDINAL}[\s-]+(?P<name>[a-z]+)\.?,?[\s-]+(?P<y>[0-9]{{4}}|[0-9]{{2}})"
        rf"(?:(?:\s+at|\s+-)?[\s,]+{_TIME}{_TAIL})?",
        # the month first: American, and JavaScript's Date
        rf"{_WEEKDAY}(?P<name>[a-z]+)\.?\s+(?P<d>[0-9]{{1,2}}){_ORDINAL},?\s+(?P<y>[0-9]{{4}})"
        rf"(?:(?:\s+at|\s+-)?[\s,]+{_TIME}{_TAIL})?",
        # asctime and date(1)
        rf"{_WEEKDAY}(?P<name>[a-z]+)\s+(?P<d>[0-9]{{1,2}})\s+{_TIME}(?:\s+{_ZONE})?\s+(?P<y>[0-9]{{4}})",
        # dots are never American
        rf"(?P<d>[0-9]{{1,2}})\.(?P<m>[0-9]{{1,2}})\.(?P<y>[0-9]{{4}})(?:\s*[,-]?\s+{_TIME}{_TAIL})?",
    )
)
_EPOCH = re.compile("[0-9]{10}(?:[0-9]{3})?")


def parse_feed_date(text: str) -> FeedDate | None:
    """The date of a feed's element, or None where it is not certain what it says.

    Seconds are the finest unit kept. A Jalali date is Tehran's where it names no zone. Years outside 1971 to 2200
    are no dates: feeds use them for "unknown".
    """
    if len(text) > _FEED_TEXT_MAX:
        return None
    line = persian.normalise_digits(persian.clean_line(text))
    try:
        found = _feed_date(line) or _written_feed_date(line)
    except (ValueError, OverflowError):
        return None
    return found if found and found.instant.year in _FEED_YEARS else None


def _feed_date(line: str) -> FeedDate | None:
    if _EPOCH.fullmatch(line):
        return FeedDate(datetime.fromtimestamp(int(line[:10]), UTC))
    for pattern in _FEED_PATTERNS:
        if (match := pattern.fullmatch(line)) and (day := _feed_day(match.groupdict())):
            return _feed_instant(day, match.groupdict())
    return None


def _feed_day(found: Mapping[str, str | None]) -> date | None:
    year, month, day = (int(found.get(part) or fallback) for part, fallback in (("y", 0), ("m", 1), ("d", 1)))
    if name := found.get("name"):
        calendar, month = _MONTHS.get(name.casefold(), (None, 0))
        if calendar is not Calendar.GREGORIAN:
            return None
    if len(found["y"] or "") == 2:
        year += 2000 if year < 50 else 1900  # RFC 5322, 4.3
    if year in _JALALI_FEED_YEARS and found.get("d"):
        return calendars.from_jalali(year, month, day)
    return date(year, month, day)


def _feed_instant(day: date, found: Mapping[str, str | None]) -> FeedDate:
    if not found.get("h"):
        return FeedDate(datetime.combine(day, clock_time(), UTC), date_only=True)
    hour, minute, second = (int(found[part] or 0) for part in ("h", "mi", "sec"))
    if found.get("half") and hour <= 12:
        hour = hour % 12 + (12 if found["half"] in ("p", "P") else 0)
    if (hour, minute, second) == (24, 0, 0):
        hour, day = 0, day + timedelta(days=1)
    wall = datetime.combine(day, clock_time(hour, minute, min(second, 59) if second <= 60 else second))
    zone = _zone(found)
    if zone is None and int(found["y"] or 0) in _JALALI_FEED_YEARS:
        zone = _TEHRAN
    return FeedDate(wall.replace(tzinfo=zone or UTC).astimezone(UTC), no_zone=zone is None)


def _zone(found: Mapping[str, str | None]) -> tzinfo | None:
    """None where none is named, or none that could be: single letters but Z mean nothing (RFC 5322, 4.3)."""
    name = (found.get("zone") or "").casefold()
    if match := _OFFSET.fullmatch(name):
        hours, minutes = int(match["hours"]), int(match["minutes"] or 0)
        offset = timedelta(hours=hours, minutes=minutes)
        if offset > _MAX_OFFSET or minutes > 59:
            return None
        return timezone(-offset if match["sign"] == "-" else offset)
    if name in _ZONES:
        return timezone(timedelta(hours=_ZONES[name]))
    return _place(found.get("place") or "")


def _place(name: str) -> ZoneInfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _written_feed_date(line: str) -> FeedDate | None:
    """Dates in words or in the Jalali calendar, which ``parse_date`` knows; 01/02/2024 stays unknown."""
    parsed = parse_date(line)
    if parsed is None or parsed.day is None or not (parsed.named_month or parsed.calendar is Calendar.JALALI):
        return None
    if parsed.time is None:
        return FeedDate(datetime.combine(parsed.day, clock_time(), UTC), date_only=True)
    zone = _TEHRAN if parsed.calendar is Calendar.JALALI else None
    wall = datetime.combine(parsed.day, parsed.time, zone or UTC)
    return FeedDate(wall.astimezone(UTC), no_zone=zone is None)
