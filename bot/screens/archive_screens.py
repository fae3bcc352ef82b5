"""The archive as people leaf through it: years, the months of one, the days of one as a calendar, posts. Pure.

Beside ``leafing.py``. A month and a day always stand in the same place of their grid; those without posts say so when
they are pressed. Telegram lays buttons out from left to right: Persian rows are turned, to be read from the right.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from bot import render
from bot.labels import direction_of, translator
from bot.model import Calendar, Language, Message, Months
from bot.screens.leafing import Button, Line, Reader, Screen, listing
from bot.text import calendars, dates, persian

#: What a place of the grid without posts asks for.
EMPTY = "ae"
_A_WEEK = 7
_IN_A_ROW = {"year": 3, "month": 3}
_SATURDAY, _MONDAY = 5, 0
#: By weekday, Monday first, as ``date.weekday`` counts.
_WEEKDAYS: Mapping[Language, str] = {"en": "Mo Tu We Th Fr Sa Su", "fa": "د س چ پ ج ش ی"}
_NO_POSTS = "·"


@dataclass(frozen=True, slots=True)
class Period:
    """A year, a month or a day of a calendar; zeros where it is no closer than that."""

    calendar: Calendar
    year: int = 0
    month: int = 0
    day: int = 0

    @property
    def action(self) -> str:
        """What a button that leads here asks for."""
        parts = [str(part) for part in (self.year, self.month, self.day) if part]
        return ".".join(("a", "g" if self.calendar is Calendar.GREGORIAN else "j", *parts))

    @property
    def kind(self) -> str:
        """What it is made of: years, months or days; "" for a day."""
        return "year" if not self.year else "month" if not self.month else "day" if not self.day else ""

    @property
    def parent(self) -> "Period":
        """What it is part of."""
        if self.day:
            return replace(self, day=0)
        return replace(self, month=0) if self.month else replace(self, year=0)

    def days(self) -> tuple[date, date]:
        """Its first day and its last; ValueError where the calendar has no such."""
        first = _day(self.calendar, self.year, self.month or 1, self.day or 1)
        if self.day:
            return first, first
        after = self.neighbour(1)
        return first, date.fromordinal(_day(self.calendar, after.year, after.month or 1, 1).toordinal() - 1)

    def neighbour(self, steps: int) -> "Period":
        """The year or month so many later."""
        if not self.month:
            return replace(self, year=self.year + steps)
        year, month = divmod(self.year * 12 + self.month - 1 + steps, 12)
        return replace(self, year=year, month=month + 1)


def _day(calendar: Calendar, year: int, month: int, day: int) -> date:
    return date(year, month, day) if calendar is Calendar.GREGORIAN else calendars.from_jalali(year, month, day)


def period_of(day: date, calendar: Calendar) -> Period:
    """The day as a period."""
    if calendar is Calendar.GREGORIAN:
        return Period(calendar, day.year, day.month, day.day)
    jalali = calendars.to_jalali(day)
    return Period(calendar, jalali.year, jalali.month, jalali.day)


def archive(
    period: Period, parts: Sequence[tuple[Period, int]], ends: tuple[date, date] | None, reader: Reader
) -> Screen:
    """The years, months or days of a period, with how many posts; *ends* are the first and last day that have any."""
    t = translator(reader.language)
    if ends is None:
        return Screen(_say(reader, f"{_header(period, reader)}\n\n{t('There are no posts yet.')}"))
    total = sum(count for _, count in parts)
    prompt = {"year": t("Choose a year:"), "month": t("Choose a month:"), "day": t("Choose a day:")}[period.kind]
    shown = [t("{count} post", "{count} posts", count=total), "", prompt] if total else [t("There are no posts here.")]
    buttons = [_button(part, count, reader) for part, count in parts]
    if period.kind == "day":
        rows = list(_weeks(period, buttons, reader))
    else:
        rows = list(_rows(buttons, _IN_A_ROW[period.kind], reader))
    rows += _ways(period, ends, reader)
    return Screen(_say(reader, "\n".join([_header(period, reader), *shown])), tuple(rows))


def _button(part: Period, count: int, reader: Reader) -> Button:
    if part.day:
        return Button(reader.number(part.day), part.action) if count else Button(_NO_POSTS, EMPTY)
    name = _short_name(part, reader)
    return Button(f"{name} ({reader.number(count)})", part.action) if count else Button(name, EMPTY)


def _rows(buttons: Sequence[Button], width: int, reader: Reader) -> Iterator[tuple[Button, ...]]:
    for start in range(0, len(buttons), width):
        yield _in_reading_order(buttons[start : start + width], reader)


def _weeks(month: Period, days: Sequence[Button], reader: Reader) -> Iterator[tuple[Button, ...]]:
    """A calendar: a week a row, under the first letters of its days."""
    begins = _SATURDAY if month.calendar is Calendar.JALALI else _MONDAY
    letters = _WEEKDAYS[reader.language].split()
    blank = Button(_NO_POSTS, EMPTY)
    yield _in_reading_order([Button(letters[(begins + day) % _A_WEEK], EMPTY) for day in range(_A_WEEK)], reader)
    before = (month.days()[0].weekday() - begins) % _A_WEEK
    places = [blank] * before + list(days)
    places += [blank] * (-len(places) % _A_WEEK)
    yield from _rows(places, _A_WEEK, reader)


def _ways(period: Period, ends: tuple[date, date], reader: Reader) -> list[tuple[Button, ...]]:
    """Buttons to what lies before and after, above, and to the other calendar."""
    t = translator(reader.language)
    if period.year:
        near = [period.neighbour(steps) for steps in (-1, 1)]
        before, after = (
            [Button(_short_name(each, reader), each.action)] if _has_any(each, ends) else [] for each in near
        )
        above = Button(t("All years") if period.kind == "month" else reader.number(period.year), period.parent.action)
        rows = [_in_reading_order([*before, above, *after], reader)]
    else:
        rows = []
    other = Calendar.GREGORIAN if period.calendar is Calendar.JALALI else Calendar.JALALI
    if period.kind != "day":
        name = t("Gregorian calendar") if other is Calendar.GREGORIAN else t("Jalali calendar")
        there = Period(other)
        if period.year:
            there = replace(there, year=period_of(max(period.days()[0], ends[0]), other).year)
        rows.append((Button(name, there.action),))
    return rows


def _has_any(period: Period, ends: tuple[date, date]) -> bool:
    """Whether it reaches into the time that has posts."""
    try:
        first, last = period.days()
    except (ValueError, OverflowError):
        return False
    return first <= ends[1] and last >= ends[0]


def _in_reading_order(row: Sequence[Button], reader: Reader) -> tuple[Button, ...]:
    return tuple(reversed(row)) if direction_of(reader.language) == "rtl" else tuple(row)


def archive_day(period: Period, lines: Sequence[Line], total: int, first: int, size: int, reader: Reader) -> Screen:
    """The posts of one day."""
    t = translator(reader.language)
    header = [_header(period, reader)] + ([] if lines else ["", t("There are no posts here.")])
    turns = []
    if first:
        turns.append(Button(t("Previous"), f"{period.action}.{first // size - 1}"))
    if first + len(lines) < total:
        turns.append(Button(t("Next"), f"{period.action}.{first // size + 1}"))
    rows = ([tuple(turns)] if turns else []) + [(Button(t("Back"), period.parent.action),)]
    return Screen(listing(header, lines, reader), tuple(rows))


def unknown_month(reader: Reader) -> Screen:
    """``/archive`` with words that are no month."""
    t = translator(reader.language)
    example = persian.isolate("/archive " + t("September 2018"), None)
    return Screen(_say(reader, t("I don't know that month. For example: {example}", example=example)))


def no_posts(language: Language) -> str:
    """The toast over a place of the grid without posts."""
    return translator(language)("There are no posts here.")


def _say(reader: Reader, html: str) -> Message:
    return render.lay_out(html, reader.language)


def _header(period: Period, reader: Reader) -> str:
    name = f" · {_long_name(period, reader)}" if period.year else ""
    return f"<b>{translator(reader.language)('Archive')}</b>{name}"


def _long_name(period: Period, reader: Reader) -> str:
    if period.day:
        style = dates.DateStyle(reader.language, calendars=(period.calendar,))
        both = dates.DateStyle(reader.language)
        day = period.days()[0]
        other = Calendar.GREGORIAN if period.calendar is Calendar.JALALI else Calendar.JALALI
        shown = dates.name_day(day, period.calendar, style), dates.name_day(day, other, both)
        return f"{calendars.weekday_name(day, reader.language)} {shown[0]} ({shown[1]})"
    year = reader.number(period.year)
    return f"{_month_name(period, reader)} {year}" if period.month else year


def _short_name(period: Period, reader: Reader) -> str:
    if not period.month:
        return reader.number(period.year)
    name = _month_name(period, reader)
    # The long ones would be cut on a phone, three in a row.
    return name[:3] if reader.language == "en" and period.calendar is Calendar.GREGORIAN else name


def _month_name(period: Period, reader: Reader) -> str:
    is_english, is_gregorian = reader.language == "en", period.calendar is Calendar.GREGORIAN
    if is_gregorian:
        names = calendars.GREGORIAN_MONTHS_EN if is_english else calendars.GREGORIAN_MONTHS[Months.IRANIAN]
    else:
        names = (calendars.JALALI_MONTHS_LATIN if is_english else calendars.JALALI_MONTHS)[Months.IRANIAN]
    return names[period.month - 1]
