"""Quiet hours, against an oracle that looks at the clock on the wall every minute."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.model import QuietHours
from bot.outbox.quiet_hours import is_always_quiet, is_quiet, quiet_until

MINUTE = timedelta(minutes=1)
TEHRAN, BERLIN, UTC_ZONE = ZoneInfo("Asia/Tehran"), ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
NIGHT = QuietHours(time(23), time(7))
FRIDAY = 4


def oracle(hours: list[QuietHours], zone: ZoneInfo, now: datetime) -> datetime | None:
    """The first minute from *now* on whose time on the wall is in none of the hours; found by looking at each."""

    def is_in(each: QuietHours, local: datetime) -> bool:
        clock = local.hour * 60 + local.minute
        start = each.start.hour * 60 + each.start.minute
        end = (each.end.hour * 60 + each.end.minute) or 24 * 60
        of_day = [d in each.days or not each.days for d in (local.weekday(), (local.weekday() - 1) % 7)]
        return any(of_day[back] and start <= clock + back * 24 * 60 < end + (end <= start) * 24 * 60 for back in (0, 1))

    at = now
    while any(is_in(each, at.astimezone(zone)) for each in hours):
        at += MINUTE
        if at - now > timedelta(days=9):
            return None
    return at if at > now else None


@pytest.mark.parametrize(
    ("zone", "hours", "now", "until"),
    [
        # 00:30 to 03:30 UTC: Tehran is three and a half hours ahead.
        (TEHRAN, NIGHT, datetime(2026, 11, 23, 21, 0, tzinfo=UTC), datetime(2026, 11, 24, 3, 30, tzinfo=UTC)),
        (TEHRAN, NIGHT, datetime(2026, 11, 24, 3, 30, tzinfo=UTC), None),
        # Berlin, 29 March 2026: 02:00 is followed by 03:00, so that a quiet that ends at 02:30 ends there.
        (
            BERLIN,
            QuietHours(time(23), time(2, 30)),
            datetime(2026, 3, 28, 23, 0, tzinfo=UTC),
            datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        ),
        # 25 October 2026: 02:30 comes twice, and after the first the wall shows 02:00 again.
        (
            BERLIN,
            QuietHours(time(23), time(7)),
            datetime(2026, 10, 24, 22, 0, tzinfo=UTC),
            datetime(2026, 10, 25, 6, 0, tzinfo=UTC),
        ),
        (
            UTC_ZONE,
            QuietHours(time(0), time(0), frozenset({FRIDAY})),
            datetime(2026, 11, 27, 10, 0, tzinfo=UTC),
            datetime(2026, 11, 28, 0, 0, tzinfo=UTC),
        ),
        # The night of Friday ends on Saturday morning; that of Thursday is not quiet.
        (
            UTC_ZONE,
            QuietHours(time(23), time(7), frozenset({FRIDAY})),
            datetime(2026, 11, 28, 6, 59, tzinfo=UTC),
            datetime(2026, 11, 28, 7, 0, tzinfo=UTC),
        ),
        (UTC_ZONE, QuietHours(time(23), time(7), frozenset({FRIDAY})), datetime(2026, 11, 27, 6, 0, tzinfo=UTC), None),
    ],
    ids=[
        "over-midnight", "at-its-end", "end-in-a-gap", "over-a-fold", "a-whole-day", "night-of-friday",
        "night-before-friday",
    ],
)  # fmt: skip
def test_quiet_ends_when_the_clock_on_the_wall_says_so(
    zone: ZoneInfo, hours: QuietHours, now: datetime, until: datetime | None
) -> None:
    assert quiet_until([hours], zone, now) == until


ZONES = st.sampled_from(
    ["Asia/Tehran", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kabul"]
).map(ZoneInfo)
CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
DAYS = st.frozensets(st.integers(0, 6), max_size=3)
SPANS = st.lists(st.builds(QuietHours, CLOCKS, CLOCKS, DAYS), min_size=1, max_size=3).filter(
    lambda spans: all(each.start != each.end or each.end == time() for each in spans)
)
#: Near changes of the clocks, of which Apia's of 2011 left out a day, and anywhere else.
MOMENTS = st.one_of(
    st.builds(
        lambda change, minutes: change + minutes * MINUTE,
        st.sampled_from(
            [
                datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC),
                datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC),
                datetime(2022, 3, 21, 20, 30, tzinfo=UTC), datetime(2022, 9, 21, 19, 30, tzinfo=UTC),
                datetime(2026, 4, 4, 15, tzinfo=UTC), datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
                datetime(2011, 12, 30, 10, tzinfo=UTC),
            ]
        ),
        st.integers(-1500, 1500),
    ),
    st.builds(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + minutes * MINUTE, st.integers(0, 525_600)),
)  # fmt: skip


@given(SPANS, ZONES, MOMENTS)
@example([QuietHours(time(2, 30), time(2, 15))], BERLIN, datetime(2026, 3, 28, 12, tzinfo=UTC))
def test_quiet_ends_at_the_very_minute_at_which_the_wall_shows_another_time(
    spans: list[QuietHours], zone: ZoneInfo, now: datetime
) -> None:
    assert quiet_until(spans, zone, now) == oracle(spans, zone, now)


@given(SPANS)
def test_hours_are_always_quiet_when_no_minute_of_the_week_is_left(spans: list[QuietHours]) -> None:
    week = (datetime(2024, 1, 1, tzinfo=UTC) + minute * MINUTE for minute in range(7 * 24 * 60))
    assert is_always_quiet(spans) == all(is_quiet(spans, minute) for minute in week)
