"""The embedded clock: APScheduler calls the poller, the outbox and the housekeeping at their intervals.

Holds no policy: what is due is decided by rows of the database, so a missed tick loses nothing. Work under way is
known here, so that stopping can wait for it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.errors import BotError
from bot.loops import OnEnded, guarded, nobody


class Schedule:
    """Runs each job at its interval, never twice at the same time."""

    def __init__(self, *, on_fatal: Callable[[BotError], None], on_ended: OnEnded = nobody) -> None:
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
                well = await guarded(name, job, self._on_fatal)
                await guarded(name, lambda: self._on_ended(name, span, well=well), self._on_fatal)
            finally:
                self._running.discard(task)

        self.loops[name] = span

        self._scheduler.add_job(
            run, "interval", seconds=span.total_seconds(), max_instances=1, coalesce=True, misfire_grace_time=None
        )
        self._scheduler.add_job(run, misfire_grace_time=None)

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
