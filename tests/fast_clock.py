"""A clock that runs many times faster than the machine's, alike in every process that is given the same beginning.

For tests in which minutes of pacing and settling must really pass, in seconds.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FastClock:
    """``speed`` seconds a second since ``began``, a moment of ``time.monotonic``: one clock for the whole machine."""

    began: float
    speed: float

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self.began) * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)
