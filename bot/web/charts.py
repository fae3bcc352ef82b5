"""The charts of the status page as shapes for its template: a year of days, and a month of one feed. Pure.

Plain SVG: no library that we found draws a year whose weeks begin on Saturday and run from right to left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from bot.model import Calendar, Language, Months
from bot.text.calendars import (
    GREGORIAN_MONTHS,
    GREGORIAN_MONTHS_EN,
    JALALI_MONTHS,
    JALALI_MONTHS_LATIN,
    WEEKDAYS,
    from_jalali,
    to_jalali,
)
from bot.text.dates import DateStyle, name_day

CELL, GAP = 11, 2  #: of a day, in units of the picture
_STEP = CELL + GAP
_LEVELS = 4
_SATURDAY, _MONDAY = 5, 0  # date.weekday()
_DAY = timedelta(days=1)

Side = Literal["ltr", "rtl"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A day. ``level`` is 0 where nothing is dated so, and grows to 4."""

    x: int
    y: int
    level: int
    day: str  #: its name, in the calendar of the year
    count: int


@dataclass(frozen=True, slots=True)
class Label:
    """A word beside the days, at its place."""

    x: int
    y: int
    text: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A year of days, a column for each week."""

    year: int
    width: int
    height: int
    cells: tuple[Cell, ...]  #: days with posts
    empty: str  #: the path of all the others
    months: tuple[Label, ...]
    weekdays: tuple[Label, ...]  #: their first letters, beside the first week
    by_month: tuple[tuple[str, int], ...]
    total: int
    busiest: Cell | None


def year_of(day: date, calendar: Calendar) -> int:
    """The year of a day in a calendar of the page."""
    return to_jalali(day).year if calendar is Calendar.JALALI else day.year


def days_of(year: int, calendar: Calendar) -> tuple[date, date]:
    """The first and the last day of a year; ValueError or OverflowError where the calendar has no such year."""
    if calendar is Calendar.JALALI:
        return from_jalali(year, 1, 1), from_jalali(year + 1, 1, 1) - _DAY
    return date(year, 1, 1), date(year, 12, 31)


def heat_map(counts: Mapping[date, int], year: int, calendar: Calendar, language: Language) -> HeatMap:
    """Draw a year. Its weeks begin on Saturday in the Jalali calendar, and run with the page's direction."""
    first, last = days_of(year, calendar)
    style, names = DateStyle(language), _month_names(calendar, language)
    begins = _SATURDAY if calendar is Calendar.JALALI else _MONDAY
    offset = (first.weekday() - begins) % 7
    weeks = ((last - first).days + offset) // 7 + 1
    width = weeks * _STEP - GAP
    most = max(counts.values(), default=0)
    cells, empty, months = [], [], []
    by_month = [0] * 12
    for number in range((last - first).days + 1):
        day = first + number * _DAY
        week, weekday = divmod(number + offset, 7)
        x = week * _STEP if language == "en" else width - CELL - week * _STEP
        y = weekday * _STEP
        month, of_month = _month_and_day(day, calendar)
        count = counts.get(day, 0)
        by_month[month - 1] += count
        if of_month == 1:
            months.append(Label(x if language == "en" else x + CELL, 0, _short(names[month - 1], calendar, language)))
        if count:
            cells.append(Cell(x, y, level(count, most), name_day(day, calendar, style), count))
        else:
            empty.append(f"M{x} {y}h{CELL}v{CELL}h-{CELL}z")
    return HeatMap(
        year=year,
        width=width,
        height=7 * _STEP - GAP,
        cells=tuple(cells),
        empty="".join(empty),
        months=tuple(months),
        weekdays=tuple(
            Label(-9 if language == "en" else width + 9, row * _STEP + CELL - 2, _initial((begins + row) % 7, language))
            for row in range(7)
        ),
        by_month=tuple(zip(names, by_month, strict=True)),
        total=sum(by_month),
        busiest=max(cells, key=lambda cell: cell.count, default=None),
    )


def _month_names(calendar: Calendar, language: Language) -> tuple[str, ...]:
    if calendar is Calendar.JALALI:
        return (JALALI_MONTHS if language == "fa" else JALALI_MONTHS_LATIN)[Months.IRANIAN]
    return GREGORIAN_MONTHS[Months.IRANIAN] if language == "fa" else GREGORIAN_MONTHS_EN


def _short(month: str, calendar: Calendar, language: Language) -> str:
    return month[:3] if calendar is Calendar.GREGORIAN and language == "en" else month


def _initial(weekday: int, language: Language) -> str:
    return WEEKDAYS[language][weekday][0]


def _month_and_day(day: date, calendar: Calendar) -> tuple[int, int]:
    if calendar is Calendar.JALALI:
        jalali = to_jalali(day)
        return jalali.month, jalali.day
    return day.month, day.day


def level(count: int, most: int) -> int:
    """How dark a day is: by its part of the busiest day, and never as light as a day without posts.

    >>> [level(count, 40) for count in (0, 1, 10, 11, 40)]
    [0, 1, 1, 2, 4]
    """
    return -(-count * _LEVELS // most) if count else 0


def spark(by_day: Sequence[int], side: Side, height: int = 18, step: int = 3) -> str:
    """The path of a small bar for each day; "" where there is none. Today is at the end of the line.

    >>> spark([0, 1, 2], "ltr", height=10)
    'M3 5h2v5h-2zM6 0h2v10h-2z'
    """
    most = max(by_day, default=0)
    days = by_day if side == "ltr" else list(reversed(by_day))
    bars = []
    for place, count in enumerate(days):
        tall = max(round(count * height / most), 1) if count else 0
        if tall:
            bars.append(f"M{place * step} {height - tall}h{step - 1}v{tall}h-{step - 1}z")
    return "".join(bars)
