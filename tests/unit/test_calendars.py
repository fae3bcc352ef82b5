"""Three calendars: every day against two sources that are not ours, and what a calendar does not have."""

import csv
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import hijridate
import persiantools.jdatetime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.calendars import (
    JalaliDate,
    days_in_jalali_month,
    from_jalali,
    from_lunar,
    is_jalali_leap,
    to_jalali,
    to_lunar,
    weekday_name,
)

NOWRUZ = Path(__file__).parents[1] / "data" / "nowruz.csv"
SHARED_LENGTHS = (31,) * 6 + (30,) * 5  #: of the first eleven months; Esfand takes what is left of the year


def new_years() -> list[date]:
    """1 Farvardin of every year from 1 on."""
    lines = (line for line in NOWRUZ.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    rows = list(csv.DictReader(lines))
    assert [int(row["jalali_year"]) for row in rows] == list(range(1, len(rows) + 1))
    return [date.fromisoformat(row["new_year"]) for row in rows]


def test_every_day_from_622_to_2222_is_where_the_table_of_new_years_puts_it() -> None:
    day = date(622, 3, 21)
    for year, (new_year, next_new_year) in enumerate(pairwise(new_years()), 1):
        assert day == new_year
        esfand = (next_new_year - new_year).days - sum(SHARED_LENGTHS)
        assert is_jalali_leap(year) == (esfand == 30)
        for month, length in enumerate((*SHARED_LENGTHS, esfand), 1):
            for number in range(1, length + 1):
                assert to_jalali(day) == JalaliDate(year, month, number)
                assert from_jalali(year, month, number) == day
                day += timedelta(days=1)
    assert day > date(2124, 12, 31)


def test_every_day_of_1200_to_1600_is_converted_both_ways_as_another_library_does() -> None:
    theirs = persiantools.jdatetime.JalaliDate
    day, end = date(1821, 3, 21), date(2222, 3, 21)  # of 1200 and 1601
    while day < end:
        expected = theirs.to_jalali(day)  # type: ignore[no-untyped-call]
        ours = to_jalali(day)
        assert (ours.year, ours.month, ours.day) == (expected.year, expected.month, expected.day)
        assert from_jalali(ours.year, ours.month, ours.day) == day
        day += timedelta(days=1)


@given(st.integers(1, 9376), st.integers(1, 12), st.integers(1, 29))
def test_a_jalali_day_survives_the_round_trip(year: int, month: int, day: int) -> None:
    assert to_jalali(from_jalali(year, month, day)) == JalaliDate(year, month, day)


@given(st.dates(date(622, 3, 22), date(9990, 1, 1)))
def test_the_next_day_has_the_next_jalali_date(day: date) -> None:
    assert to_jalali(day) < to_jalali(day + timedelta(days=1))


@pytest.mark.parametrize("year", [1391, 1395, 1399, 1403, 1408, 1441, 1498, 1503, 1602])
def test_a_leap_year_has_a_thirtieth_of_esfand(year: int) -> None:
    assert is_jalali_leap(year)
    assert to_jalali(from_jalali(year, 12, 30) + timedelta(days=1)) == JalaliDate(year + 1, 1, 1)


@pytest.mark.parametrize("year", [1397, 1404, 1407, 1409, 1437, 1502, 1601])
def test_a_common_year_has_none(year: int) -> None:
    assert not is_jalali_leap(year)
    with pytest.raises(ValueError, match="no such Jalali day"):
        from_jalali(year, 12, 30)


@pytest.mark.parametrize("parts", [(1397, 0, 1), (1397, 13, 1), (1397, 1, 0), (1397, 1, 32), (1397, 7, 31)])
def test_a_day_that_no_calendar_has_is_refused(parts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="no such Jalali day"):
        from_jalali(*parts)


def test_the_year_1503_begins_where_the_equinox_puts_it() -> None:
    assert to_jalali(date(2124, 3, 19)) == JalaliDate(1502, 12, 29)
    assert to_jalali(date(2124, 3, 20)) == JalaliDate(1503, 1, 1)


def test_the_months_of_a_year_add_up() -> None:
    for year in (1403, 1404):
        months = [days_in_jalali_month(year, month) for month in range(1, 13)]
        assert months == [*SHARED_LENGTHS, 30 if year == 1403 else 29]


def test_the_lunar_date_is_umm_al_quras_moved_by_the_offset() -> None:
    assert to_lunar(date(2018, 9, 30)) == (1440, 1, 20)
    assert to_lunar(date(2018, 9, 30), -1) == (1440, 1, 19)
    assert to_lunar(date(2018, 9, 30), 1) == (1440, 1, 21)


@pytest.mark.parametrize("day", [date(1924, 7, 31), date(2077, 11, 17), date.min, date.max])
def test_there_is_no_lunar_date_outside_its_table(day: date) -> None:
    assert to_lunar(day) is None


def test_every_month_of_the_lunar_table_is_converted_both_ways() -> None:
    for year in range(1343, 1501):
        for month in range(1, 13):
            length = hijridate.Hijri(year, month, 1).month_length()
            for number in (1, length):
                assert to_lunar(from_lunar(year, month, number)) == (year, month, number)
            with pytest.raises(ValueError, match="day must be"):
                from_lunar(year, month, length + 1)


@pytest.mark.parametrize(("year", "month"), [(1342, 12), (1501, 1), (1440, 13)])
def test_a_lunar_month_outside_the_table_is_refused(year: int, month: int) -> None:
    with pytest.raises(ValueError, match=r"month must be|no lunar day in the table"):
        from_lunar(year, month, 1)


def test_weekdays_are_spelled_as_cldr_spells_them() -> None:
    week = [date(2018, 9, 29) + timedelta(days=n) for n in range(7)]
    assert [weekday_name(day, "fa") for day in week] == [
        *("شنبه", "یکشنبه", "دوشنبه", "سه\u200cشنبه", "چهارشنبه", "پنجشنبه", "جمعه")
    ]
    assert [weekday_name(day, "en") for day in week[:2]] == ["Saturday", "Sunday"]
