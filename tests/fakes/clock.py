"""A clock that moves only when a test says so.

Passed wherever the program takes ``now`` or ``sleep``. It must never look at the real time.
"""

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


class FakeClock:
    """Calling it gives the present instant, as does ``now``; both suit a ``Callable[[], datetime]``."""

    def __init__(self, start: datetime = START) -> None:
        if start.tzinfo is None:
            raise ValueError("the clock needs an aware datetime")
        self._wall = start.astimezone(UTC)
        self._elapsed = timedelta()

    def __call__(self) -> datetime:
        return self._wall

    def now(self) -> datetime:
        return self._wall

    def monotonic(self) -> float:
        """Seconds that have passed here; unlike ``now`` it never goes back."""
        return self._elapsed.total_seconds()

    def advance(self, span: timedelta) -> datetime:
        """Let time pass; gives the new instant."""
        if span < timedelta():
            raise ValueError("time does not pass backwards; jump() moves the wall clock alone")
        self._wall += span
        self._elapsed += span
        return self._wall

    def jump(self, span: timedelta) -> datetime:
        """Set the wall clock forward or back, as an administrator or NTP would: no time passes."""
        self._wall += span
        return self._wall

    async def sleep(self, seconds: float) -> None:
        """Take no real time: advance by ``seconds`` and let the other tasks have a turn.

        Of two tasks that sleep at once each moves the clock, so the time that passes is the sum.
        """
        self.advance(timedelta(seconds=max(seconds, 0)))
        await asyncio.sleep(0)
