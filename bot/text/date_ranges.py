"""Reads stretches of time as people write them in commands and searches: a month, a year, last week, from-to, 7 days.

Both calendars, the three digit sets, Persian and English words; what one date is, ``parse_dates`` knows. ``today`` is
given: no clock is read here. A week begins on Saturday in Persian words and on Monday in English ones; a month or a
year that is counted from today is Jalali in Persian words and Gregorian in English ones.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from bot.model import Calendar
from bot.text import calendars, persian
from bot.text.parse_dates import parse_date, parse_month_line

_LONGEST = 120  #: characters; more is no stretch of time
_SATURDAY, _MONDAY = 5, 0

_UNITS: dict[str, tuple[str, ...]] = {
    "day": ("day", "days", "روز"),
    "week": ("week", "weeks", "هفته"),
    "month": ("month", "months", "ماه"),
    "year": ("year", "years", "سال"),
}
#: Of spans only: "m" is minutes there, as in feeds.yaml, and d, h, w are not words of a sentence.
_SPAN_UNITS: dict[str, tuple[str, ...]] = {
    "second": ("second", "seconds", "sec", "s", "ثانیه"),
    "minute": ("minute", "minutes", "min", "m", "دقیقه"),
    "hour": ("hour", "hours", "h", "ساعت"),
    **_UNITS,
    "day": (*_UNITS["day"], "d"),
    "week": (*_UNITS["week"], "w"),
}
#: Nothing tells which month or year a span means: they are of these lengths.
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, **{unit: days * 86400 for unit, days in _DAYS.items()}}
_NUMBERS: dict[str, int] = {
    word: number
    for number, words in enumerate(
        (
            *(("one", "a", "an", "یک", "یه"), ("two", "دو"), ("three", "سه"), ("four", "چهار"), ("five", "پنج")),
            *(("six", "شش"), ("seven", "هفت"), ("eight", "هشت"), ("nine", "نه"), ("ten", "ده")),
            *(("eleven", "یازده"), ("twelve", "دوازده")),
        ),
        1,
    )
    for word in words
}
#: Days and years that are named by how far they are from today.
_NAMED: dict[str, tuple[str, int]] = {
    **dict.fromkeys(("today", "امروز"), ("day", 0)),
    **dict.fromkeys(("yesterday", "دیروز"), ("day", -1)),
    **dict.fromkeys(("tomorrow", "فردا"), ("day", 1)),
    **dict.fromkeys(("day before yesterday", "the day before yesterday", "پریروز"), ("day", -2)),
    **dict.fromkeys(("day after tomorrow", "the day after tomorrow", "پسفردا", "پس فردا"), ("day", 2)),
    "امسال": ("year", 0),
    "پارسال": ("year", -1),
    "پیرارسال": ("year", -2),
}


def _any_of(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))


def _by_word(units: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {word: unit for unit, words in units.items() for word in words}


_UNIT_OF, _SPAN_UNIT_OF = _by_word(_UNITS), _by_word(_SPAN_UNITS)
_COUNT = f"(?:(?P<digits>[0-9]{{1,4}}) ?|(?P<word>{_any_of(_NUMBERS)}) )"
_UNIT = f"(?P<unit>{_any_of(_UNIT_OF)})(?: ی)?"
_SPAN_PATTERN = re.compile(f"{_COUNT}(?P<unit>{_any_of(_SPAN_UNIT_OF)})")
#: The unit so many units from today's; the sign is that of the count where there is one.
_NEAR_PATTERNS = tuple(
    (steps, re.compile(form))
    for steps, form in (
        (0, f"(?:this|این|همین) {_UNIT}"),
        (0, f"{_UNIT} جاری"),
        (-1, f"(?:the )?(?:last|previous|past) {_UNIT}"),
        (-1, f"{_UNIT} (?:گذشته|پیش|قبل)"),
        (-1, f"{_COUNT}{_UNIT} (?:ago|پیش|قبل)"),
        (1, f"(?:the )?next {_UNIT}"),
        (1, f"{_UNIT} (?:آینده|بعد|دیگر)"),
        (1, f"in {_COUNT}{_UNIT}"),
        (1, f"{_COUNT}{_UNIT} (?:from now|بعد|دیگر)"),
    )
)
#: So many units that end today.
_RUNNING_PATTERNS = tuple(
    re.compile(form) for form in (f"(?:the )?(?:last|past) {_COUNT}{_UNIT}", f"{_COUNT}{_UNIT} (?:گذشته|اخیر)")
)
_BETWEEN_ENDS = re.compile(
    r"\s*(?:\.\.+|[\u2013\u2014\u2026\u2192])\s*|\s+(?:-|تا|to|till|until|through)\s+|(?<=\d{4})-(?=\d{4})",
    re.IGNORECASE,
)
_FROM = re.compile(r"(?:از|from|since)\s+", re.IGNORECASE)
_BETWEEN_AND = re.compile(r"(?:بین|between)\s+(?P<first>.+)\s+(?:و|and)\s+(?P<last>.+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DateRange:
    """Days from ``first`` to ``last``, both included, and the calendar they were written in."""

    first: date
    last: date
    calendar: Calendar


def parse_range(text: str, today: date) -> DateRange | None:
    """The days that this text means; None for any other text, and where the end is before the beginning.

    "2 weeks ago" is that calendar week, "last 2 weeks" the fourteen days that end today; a beginning alone ("از ۱۳۹۷",
    "since 2018") lasts until today. A month's name without a year is a word like any other: "مهر" is also affection.
    """
    line = persian.clean_line(text)
    if not line or len(line) > _LONGEST:
        return None
    return _parse_one(line, today) or _parse_two_ends(line, today)


def _parse_one(line: str, today: date) -> DateRange | None:
    parsed = parse_date(line)
    if parsed is not None:
        return DateRange(parsed.day, parsed.day, parsed.calendar) if parsed.day else None
    month = parse_month_line(line)
    if month is not None and month.year:
        return _month(month.calendar, month.year, month.month or 1, 1 if month.month else 12)
    return _parse_relative(line, today)


def _month(calendar: Calendar, year: int, month: int, count: int = 1) -> DateRange | None:
    """So many months from that one on, whose number may be outside its year; None where the calendars end."""
    try:
        first, after = (_first_of_month(calendar, year * 12 + month - 1 + more) for more in (0, count))
    except (ValueError, OverflowError):
        return None
    return DateRange(first, after - timedelta(days=1), calendar)


def _first_of_month(calendar: Calendar, number: int) -> date:
    year, month = divmod(number, 12)
    return calendars.from_jalali(year, month + 1, 1) if calendar is Calendar.JALALI else date(year, month + 1, 1)


def _parse_relative(line: str, today: date) -> DateRange | None:
    words = persian.search_fold(line)
    calendar = Calendar.JALALI if persian.dominant_direction(words) == "rtl" else Calendar.GREGORIAN
    if words in _NAMED:
        return _near(*_NAMED[words], calendar, today)
    for steps, pattern in _NEAR_PATTERNS:
        if match := pattern.fullmatch(words):
            return _near(_UNIT_OF[match["unit"]], steps * _count(match), calendar, today)
    for pattern in _RUNNING_PATTERNS:
        if (match := pattern.fullmatch(words)) and (count := _count(match)):
            return _running(_UNIT_OF[match["unit"]], count, calendar, today)
    return None


def _count(match: re.Match[str]) -> int:
    """The number written, 1 where the pattern has none."""
    found = match.groupdict()
    if found.get("digits"):
        return int(found["digits"])
    return _NUMBERS[found["word"]] if found.get("word") else 1


def _near(unit: str, steps: int, calendar: Calendar, today: date) -> DateRange | None:
    try:
        if unit in ("day", "week"):
            days = 7 if unit == "week" else 1
            first = today + timedelta(days=days * steps)
            if unit == "week":
                week_begins = _SATURDAY if calendar is Calendar.JALALI else _MONDAY
                first -= timedelta(days=(first.weekday() - week_begins) % 7)
            return DateRange(first, first + timedelta(days=days - 1), calendar)
        year, month, _ = _parts(calendar, today)
    except (ValueError, OverflowError):
        return None
    if unit == "year":
        return _month(calendar, year + steps, 1, 12)
    return _month(calendar, year, month + steps)


def _parts(calendar: Calendar, day: date) -> tuple[int, int, int]:
    if calendar is Calendar.JALALI:
        jalali = calendars.to_jalali(day)
        return jalali.year, jalali.month, jalali.day
    return day.year, day.month, day.day


def _running(unit: str, count: int, calendar: Calendar, today: date) -> DateRange | None:
    try:
        if unit in ("day", "week"):
            days = count * (7 if unit == "week" else 1)
            return DateRange(today - timedelta(days=days - 1), today, calendar)
        year, month, day = _parts(calendar, today)
    except (ValueError, OverflowError):
        return None
    there = _month(calendar, year, month - count * (12 if unit == "year" else 1))
    # From the day after this day of that month, or after its last day where it is shorter.
    return there and DateRange(min(there.first + timedelta(days=day), there.last + timedelta(days=1)), today, calendar)


def _parse_two_ends(line: str, today: date) -> DateRange | None:
    for first, last in _two_ends(line):
        for whole_last in _completed(last, first.split()[:1], []):
            end = _parse_one(whole_last, today)
            if not end:
                continue
            words = whole_last.split()
            for whole_first in _completed(first, [], words):
                begin = _parse_one(whole_first, today)
                if begin:
                    return DateRange(begin.first, end.last, end.calendar) if begin.first <= end.last else None
    if open_end := _FROM.match(line):
        begin = _parse_one(line[open_end.end() :], today)
        return DateRange(begin.first, today, begin.calendar) if begin and begin.first <= today else None
    return None


def _two_ends(line: str) -> Iterator[tuple[str, str]]:
    if between := _BETWEEN_AND.fullmatch(line):
        yield between["first"], between["last"]
    start = match.end() if (match := _FROM.match(line)) else 0
    for separator in _BETWEEN_ENDS.finditer(line, start):
        if (first := line[start : separator.start()]) and (last := line[separator.end() :]):
            yield first, last


def _completed(end: str, heads: list[str], tail: list[str]) -> Iterator[str]:
    """An end as it is, and with what the other end says for both: 1 to 8 *Mehr 1397*, *Sept* 1 to 8, 2018."""
    yield end
    for head in heads:
        yield f"{head} {end}"
    for size in range(1, len(tail)):
        yield f"{end} {' '.join(tail[-size:])}"


def parse_month(text: str, today: date) -> DateRange | None:
    """The month that this text names, relative ones and that of a date included; None for anything else.

    Without a year it is the latest month of that name that has begun.
    """
    line = persian.clean_line(text)
    if not line or len(line) > _LONGEST:
        return None
    parsed = parse_date(line)
    if parsed is not None and parsed.day:
        return _month(parsed.calendar, *_parts(parsed.calendar, parsed.day)[:2])
    month = parse_month_line(line)
    if month is None:
        words = persian.search_fold(line)
        match = next((match for _, pattern in _NEAR_PATTERNS if (match := pattern.fullmatch(words))), None)
        return _parse_relative(line, today) if match and _UNIT_OF[match["unit"]] == "month" else None
    if month.month is None:
        return None
    year = month.year or _parts(month.calendar, today)[0]
    found = _month(month.calendar, year, month.month)
    if found and not month.year and found.first > today:
        return _month(month.calendar, year - 1, month.month)
    return found


def parse_span(text: str) -> timedelta | None:
    """A length of time: "7d", "۷ روز", "two weeks"; None for anything else, and for none at all.

    A month is 30 days, a year 365.
    """
    line = persian.clean_line(text)
    match = _SPAN_PATTERN.fullmatch(persian.search_fold(line)) if len(line) <= _LONGEST else None
    return timedelta(seconds=_count(match) * _SECONDS[_SPAN_UNIT_OF[match["unit"]]]) or None if match else None
