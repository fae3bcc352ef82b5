"""The one seam through which the program asks for the time or waits. Tests put a clock of their own here."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """What the poller and the outbox know of time."""

    def now(self) -> datetime:
        """Aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds since some moment; nobody sets it, and it counts while the machine sleeps."""

    async def sleep(self, seconds: float) -> None:
        """Let others run for *seconds*."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Wall time: what is stored must mean the same after a restart."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Where there is one, the clock that goes on in suspend: a lease runs out there too."""
        return time.clock_gettime(_STEADY)

    async def sleep(self, seconds: float) -> None:
        """Sleep on the event loop."""
        await asyncio.sleep(seconds)
