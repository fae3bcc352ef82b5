"""Which slot has come, which day is this day, and which post is chosen: pure functions."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.anniversary import years_ago
from bot.model import Pick
from bot.replay import MAKE_UP, choose, slot_at
from bot.storage.replays import Candidate
from tests.builders import NOW

TEHRAN, BERLIN = ZoneInfo("Asia/Tehran"), ZoneInfo("Europe/Berlin")
MORNING = (time(9, 0),)


def at(hour: int, minute: int = 0, day: int = 23, zone: ZoneInfo = TEHRAN) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=zone)


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        (at(8, 59), None),
        (at(9, 0), at(9, 0)),
        (at(14, 59), at(9, 0)),
        (at(15, 0), None),
    ],
    ids=["before", "at-once", "made-up-within-six-hours", "let-go-after-them"],
)
def test_a_slot_is_made_up_within_six_hours(now: datetime, slot: datetime | None) -> None:
    assert slot_at(MORNING, TEHRAN, now) == slot


def test_a_slot_before_midnight_is_made_up_after_it() -> None:
    assert slot_at((time(23, 0),), TEHRAN, at(3, 0, day=24)) == at(23, 0)


def test_of_several_slots_only_the_last_is_made_up() -> None:
    assert slot_at((time(9), time(10), time(12)), TEHRAN, at(11, 30)) == at(10, 0)


def test_slots_follow_the_channels_clock_over_a_change_of_time() -> None:
    """In Berlin the clocks went back on 25 October 2026: nine o'clock came an hour later than the day before."""
    saturday = slot_at(MORNING, BERLIN, datetime(2026, 10, 24, 12, tzinfo=BERLIN))
    sunday = slot_at(MORNING, BERLIN, datetime(2026, 10, 25, 12, tzinfo=BERLIN))
    assert saturday is not None
    assert sunday is not None
    assert sunday - saturday == timedelta(hours=25)


def test_a_time_that_the_clocks_skip_comes_once() -> None:
    """02:30 does not exist in Berlin on 29 March 2026."""
    seen = {
        slot_at((time(2, 30),), BERLIN, datetime(2026, 3, 29, 0, tzinfo=BERLIN) + timedelta(minutes=minute))
        for minute in range(0, 300, 10)
    }
    assert len(seen - {None}) == 1


@given(st.integers(0, 10 * 365 * 24 * 60), st.lists(st.times(), min_size=1, max_size=5))
def test_a_slot_is_never_in_the_future_and_never_too_old(minutes: int, times: list[time]) -> None:
    moment = NOW - timedelta(minutes=minutes)
    slot = slot_at([each.replace(second=0, microsecond=0, tzinfo=None) for each in times], TEHRAN, moment)
    assert slot is None or slot <= moment < slot + MAKE_UP


@pytest.mark.parametrize(
    ("posted", "today", "years"),
    [
        (date(2018, 11, 23), date(2026, 11, 23), 8),  # 2 Azar in both years: Jalali comes first
        (date(2024, 11, 22), date(2026, 11, 23), 2),  # 2 Azar 1403 and 2 Azar 1405; not the same Gregorian day
        (date(2024, 11, 23), date(2026, 11, 23), 2),  # 23 November; 3 Azar then
        (date(2026, 11, 23), date(2026, 11, 23), None),
        (date(2025, 11, 24), date(2026, 11, 23), None),
        (date(2025, 3, 20), date(2026, 3, 20), 1),  # 30 Esfand 1403, kept on 29 Esfand of a common year
        (date(2025, 3, 20), date(2030, 3, 20), 5),  # 30 Esfand of 1408, a leap year
        (date(2024, 2, 29), date(2025, 2, 28), 1),
        (date(2024, 2, 29), date(2028, 2, 28), None),  # a leap year has its own 29th
        (date(2024, 2, 29), date(2028, 2, 29), 4),
    ],
    ids=[
        "both-calendars", "jalali-only", "gregorian-only", "today-itself", "another-day", "30-esfand-in-a-common-year",
        "30-esfand-in-a-leap-year", "29-february-in-a-common-year", "28-february-of-a-leap-year", "29-february",
    ],
)  # fmt: skip
def test_this_day_is_the_same_day_in_either_calendar(posted: date, today: date, years: int | None) -> None:
    assert years_ago(posted, today) == years


POSTS = [Candidate(number, NOW - timedelta(days=365 * 10 - number)) for number in range(20)]


def test_the_oldest_comes_first() -> None:
    assert choose(POSTS, Pick.OLDEST, date(2026, 11, 23), TEHRAN, NOW) == POSTS[0]


def test_a_random_choice_is_the_same_for_everyone_who_decides_about_the_slot() -> None:
    today = date(2026, 11, 23)
    chosen = {choose(POSTS, Pick.RANDOM, today, TEHRAN, NOW + timedelta(days=day)) for day in range(50)}
    assert len(chosen) > 10
    assert choose(POSTS, Pick.RANDOM, today, TEHRAN, NOW) == choose(POSTS, Pick.RANDOM, today, TEHRAN, NOW)


def test_nothing_is_chosen_where_nothing_fits() -> None:
    assert choose([], Pick.OLDEST, date(2026, 11, 23), TEHRAN, NOW) is None
    assert choose(POSTS[:1], Pick.ON_THIS_DAY, date(2026, 11, 23), TEHRAN, NOW) is None
