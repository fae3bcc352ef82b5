"""When a channel may speak: its quiet hours and plans as records, and what a delivery waits for.

A leaf under ``model.py``, which hands these on. What they mean on a clock, ``outbox/quiet_hours.py``,
``outbox/gate.py`` and ``outbox/digest.py`` say.
"""

from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum


class Weekday(StrEnum):
    """Days of the week, in the order of ``date.weekday()``."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"

    @property
    def number(self) -> int:
        """0 is Monday."""
        return list(Weekday).index(self)


class Overflow(StrEnum):
    """What becomes of posts for which an hour has no room."""

    WAIT = "wait"  #: they go out one by one, as there is room
    DIGEST = "digest"  #: they go out as one digest when there is room again


class Every(StrEnum):
    """How often a digest comes."""

    DAY = "day"
    WEEK = "week"


class Wait(StrEnum):
    """What a delivery waits for before its first attempt (``outbox/gate.py``)."""

    QUIET = "quiet"  #: until the channel's quiet hours are over
    BUDGET = "budget"  #: until the hour has room for it
    OVERFLOW = "overflow"  #: the same; what waits then goes as one digest
    DIGEST = "digest"  #: for the next digest, which takes its place
    APPROVAL = "approval"  #: for an admin's button
    SCHEDULED = "scheduled"  #: for the time that an admin chose
    PAUSED = "paused"  #: for an admin who resumes its feed or channel


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of the channel's clock in which nothing goes out; over midnight where they end before they begin."""

    start: time
    end: time  #: 00:00 is the day's end; as the start too, they are the whole day
    days: frozenset[int] = frozenset()  #: weekdays on which they begin, Monday is 0; empty: every day


@dataclass(frozen=True, slots=True)
class DigestPlan:
    """When a digest comes, in the channel's zone, and whether it takes the place of single posts."""

    every: Every
    at: time
    on: int = 0  #: of a week: the weekday, Monday is 0
    instead: bool = False

    @property
    def name(self) -> str:
        """What tells two plans of one chat apart: when they come."""
        return f"{self.every} {self.on if self.every is Every.WEEK else '*'} {self.at:%H:%M}"


class Then(StrEnum):
    """What happens to a post that no admin decided about in time."""

    SKIP = "skip"
    POST = "post"


@dataclass(frozen=True, slots=True)
class Approval:
    """Each post waits for an admin's button."""

    after: timedelta | None = None  #: how long, from when the admins were asked; None: until somebody presses
    then: Then = Then.SKIP
