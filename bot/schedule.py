"""The embedded clock: APScheduler calls the poller, the outbox and the housekeeping at their intervals.

Holds no policy: what is due is decided by rows of the database, so a missed tick loses nothing. Work under way is
known here, so that stopping can wait for it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.errors import BotError, TokenRejected

log = structlog.get_logger()


class OnEnded(Protocol):
    """Who is told that a pass of a loop is over (``vitals.py``)."""

    async def __call__(self, loop: str, every: timedelta, *, well: bool) -> None:
        """It runs so often, and ended well or not."""


async def _nobody(loop: str, every: timedelta, *, well: bool) -> None:
    """Nobody is told."""


class Schedule:
    """Runs each job at its interval, never twice at the same time."""

    def __init__(self, *, on_fatal: Callable[[BotError], None], on_ended: OnEnded = _nobody) -> None:
        # UTC: intervals know no zone, and the machine's own may be misconfigured.
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._running: set[asyncio.Task[object]] = set()
        self._on_fatal = on_fatal
        self._on_ended = on_ended
        self.loops: dict[str, timedelta] = {}  #: how often each job runs, by name

    def every(self, span: timedelta, name: str, job: Callable[[], Awaitable[object]]) -> None:
        """Call *job* at once and then every *span*; a tick that comes while it runs is left out."""

        async def run() -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 (APScheduler runs coroutines as tasks)
            self._running.add(task)
            try:
                well = await self._guarded(name, job)
                await self._guarded(name, lambda: self._on_ended(name, span, well=well))
            finally:
                self._running.discard(task)

        self.loops[name] = span

        self._scheduler.add_job(
            run, "interval", seconds=span.total_seconds(), max_instances=1, coalesce=True, misfire_grace_time=None
        )
        self._scheduler.add_job(run, misfire_grace_time=None)

    async def _guarded(self, name: str, job: Callable[[], Awaitable[object]]) -> bool:
        """Whether *job* ended well; what went wrong is in the log."""
        try:
            await job()
        except TokenRejected as error:
            self._on_fatal(error)
        except BotError as error:
            # The database is busy or its disk full: the next tick tries again.
            log.error("job failed", job=name, problem=str(error))
        except Exception:  # a loop's top: one bad pass must not end the program
            log.exception("job crashed", job=name)
        else:
            return True
        return False

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    async def stop(self, patience: timedelta) -> None:
        """Begin nothing more; wait for what is under way, and cancel what takes longer than *patience*."""
        if self._scheduler.running:
            self._scheduler.pause()
        running = set(self._running)
        if running:
            _done, late = await asyncio.wait(running, timeout=patience.total_seconds())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
