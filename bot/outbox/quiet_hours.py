"""When a channel is quiet, and when it speaks again. Pure; asked by ``gate.py`` of every post that is due.

The clock on the channel's wall decides: what it shows twice is quiet twice, what it skips is not waited for. Hours that
end before they begin reach over midnight and belong to the day on which they begin.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.model import QuietHours

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
#: Hours return with the week; who is quiet for longer is quiet for ever.
_LONGEST = timedelta(days=9)


def is_quiet(hours: Sequence[QuietHours], local: datetime) -> bool:
    """Whether the wall clock's *local* time is in any of the hours.

    >>> night = QuietHours(time(23), time(7))
    >>> [is_quiet([night], datetime(2026, 11, 23, hour)) for hour in (22, 23, 6, 7)]
    [False, True, True, False]
    """
    return any(_holds(each, local) for each in hours)


def _holds(hours: QuietHours, local: datetime) -> bool:
    today, clock = local.weekday(), local.time()
    begins_today = not hours.days or today in hours.days
    if hours.start < hours.end:
        return begins_today and hours.start <= clock < hours.end
    began_yesterday = not hours.days or (today - 1) % 7 in hours.days
    return (begins_today and clock >= hours.start) or (began_yesterday and clock < hours.end)


def is_always_quiet(hours: Sequence[QuietHours]) -> bool:
    """Whether the hours leave no minute of the week: a gap would begin where one of them ends."""
    monday = datetime(2024, 1, 1)  # noqa: DTZ001 (a wall clock's time, of no zone)
    ends = [datetime.combine(monday + number * _DAY, each.end) for each in hours for number in range(7)]
    return bool(ends) and all(is_quiet(hours, end) for end in ends)


def quiet_until(hours: Sequence[QuietHours], zone: ZoneInfo, now: datetime) -> datetime | None:
    """When the quiet that holds now is over, in UTC; None where it is not quiet now, or never ends."""
    at = now.astimezone(zone)
    if not is_quiet(hours, at):
        return None
    while is_quiet(hours, at):
        at = _next_change(hours, at, zone)
        if at - now > _LONGEST:
            return None
    return at.astimezone(UTC)


def _next_change(hours: Sequence[QuietHours], at: datetime, zone: ZoneInfo) -> datetime:
    """The next instant at which the answer may be another: an edge of the hours, midnight, a change of the clocks."""
    wall = at.replace(tzinfo=None)
    edges = {time(), *(each.start for each in hours), *(each.end for each in hours)}
    days = (wall.date(), wall.date() + _DAY)
    edge = min(moment for day in days for clock in edges if (moment := datetime.combine(day, clock)) > wall)
    # Time that passes is added in UTC: across a change of the clocks the wall shows another sum.
    there = (at.astimezone(UTC) + (edge - wall)).astimezone(zone)
    return there if there.utcoffset() == at.utcoffset() else _change_of_clocks(at, there, zone)


def _change_of_clocks(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first second with another offset than *before*, which *after* has."""
    low, high = before.astimezone(UTC).replace(microsecond=0), after.astimezone(UTC)
    while high - low > _SECOND:
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before.utcoffset():
            low = middle
        else:
            high = middle
    return high.astimezone(zone)
