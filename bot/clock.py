"""The one seam through which the program asks for the time or waits. Tests put a clock of their own here."""

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the poller and the outbox know of time."""

    def now(self) -> datetime:
        """Aware, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Let others run for *seconds*."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Wall time: what is stored must mean the same after a restart."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Sleep on the event loop."""
        await asyncio.sleep(seconds)
