"""The heat map and the sparks."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Calendar, Language
from bot.web import charts
from bot.web.charts import CELL, GAP, days_of, heat_map, level, spark

STEP = CELL + GAP
DAY = timedelta(days=1)


def test_the_first_day_of_1405_is_a_saturday_and_stands_at_the_top_right() -> None:
    drawn = heat_map({date(2026, 3, 21): 5}, 1405, Calendar.JALALI, "fa")
    (cell,) = drawn.cells
    assert (cell.x, cell.y, cell.day, cell.count) == (drawn.width - CELL, 0, "۱ فروردین ۱۴۰۵", 5)
    assert [label.text for label in drawn.weekdays] == ["ش", "ی", "د", "س", "چ", "پ", "ج"]


def test_a_gregorian_week_begins_on_monday_and_english_runs_from_the_left() -> None:
    drawn = heat_map({date(2026, 1, 1): 1, date(2026, 1, 5): 1}, 2026, Calendar.GREGORIAN, "en")
    assert [(cell.x, cell.y) for cell in drawn.cells] == [(0, 3 * STEP), (STEP, 0)]
    assert [label.text for label in drawn.months[:2]] == ["Jan", "Feb"]
    assert drawn.by_month[:2] == (("January", 2), ("February", 0))


@given(
    st.sampled_from([(1403, Calendar.JALALI), (1405, Calendar.JALALI), (2024, Calendar.GREGORIAN)]),
    st.sampled_from(["fa", "en"]),
    st.dictionaries(st.integers(0, 370), st.integers(1, 900), max_size=60),
)
def test_every_day_has_a_place_of_its_own_within_the_picture(
    which: tuple[int, Calendar], language: Language, counts: dict[int, int]
) -> None:
    first, last = days_of(*which)
    of_day = {first + number * DAY: count for number, count in counts.items()}
    drawn = heat_map(of_day, *which, language)
    within = {day: count for day, count in of_day.items() if day <= last}
    places = {(cell.x, cell.y) for cell in drawn.cells}
    assert len(places) == len(drawn.cells) == len(within)
    assert len(places) + drawn.empty.count("M") == (last - first).days + 1
    assert all(0 <= x <= drawn.width - CELL and 0 <= y <= drawn.height - CELL for x, y in places)
    assert drawn.total == sum(count for _, count in drawn.by_month) == sum(within.values())


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_a_day_with_posts_is_darker_than_one_without_and_the_busiest_is_darkest(count: int, more: int) -> None:
    most = count + more
    assert (level(count, most) == 0) is (count == 0)
    assert level(count, most) <= level(most, most) == 4


@pytest.mark.parametrize("year", [0, 99_999])
def test_a_year_that_no_calendar_has_is_refused(year: int) -> None:
    for calendar in (Calendar.JALALI, Calendar.GREGORIAN):
        with pytest.raises((ValueError, OverflowError)):
            charts.days_of(year, calendar)


def test_today_is_at_the_end_of_the_line_in_both_directions() -> None:
    assert spark([1, 0, 2], "ltr", height=10) == "M0 5h2v5h-2zM6 0h2v10h-2z"
    assert spark([1, 0, 2], "rtl", height=10) == "M0 0h2v10h-2zM6 5h2v5h-2z"
    assert spark([0, 0], "ltr") == ""
    assert "v1h" in spark([1, 900], "ltr"), "one post among many is still to be seen"
