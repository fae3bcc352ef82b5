"""Child processes that work on what strangers sent, and may be killed: a hang or a crash there costs that work alone.

Used by ``parsing.py`` and ``article.py``, which know what is worked on. Children start when first needed and end when
nothing came for a while, so that an idle bot is one process. Turns no error into words: those are the callers'.
"""

import asyncio
import multiprocessing
from collections.abc import Callable
from typing import Any, TypeVar

from pebble import ProcessPool

from bot.sources import document

T = TypeVar("T")

#: Children that got no work for so long are ended; the next start costs half a second.
REST_SECONDS = 120
#: Address space of a child.
CHILD_BYTES = 512 * 1024 * 1024


class Children:
    """Processes that share a queue and a limit of time."""

    def __init__(
        self, seconds: float, *, rest_after: float = REST_SECONDS, count: int = 1, niceness: int = 0, most_tasks: int
    ) -> None:
        self.seconds = seconds
        self._rest_after = rest_after
        self._count = count
        self._niceness = niceness
        self._most_tasks = most_tasks
        self._pool: ProcessPool | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._under_way = 0

    def is_resting(self) -> bool:
        """Whether there is no child."""
        return self._pool is None

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call *function* in a child.

        Raises: what it raises; TimeoutError, MemoryError; pebble's ProcessExpired when the child died.
        """
        if self._resting is not None:
            self._resting.cancel()
        self._under_way += 1
        try:
            future = self._running_pool().schedule(function, args=arguments, timeout=self.seconds)
            try:
                done: T = await asyncio.wrap_future(future)
            except asyncio.CancelledError:
                future.cancel()  # type: ignore[no-untyped-call]  # pebble has no annotations here
                raise
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._resting = asyncio.get_running_loop().call_later(self._rest_after, self._rest)
        return done

    def _running_pool(self) -> ProcessPool:
        if self._pool is not None and not self._pool.active:  # one that broke takes no more work
            self.close()
        if self._pool is None:
            context = multiprocessing.get_context("forkserver")
            # Each child, and each that follows it, is then a fork of what has feedparser already.
            context.set_forkserver_preload([document.__name__])
            self._pool = ProcessPool(
                max_workers=self._count,
                max_tasks=self._most_tasks,
                initializer=document.set_up_child,
                initargs=(CHILD_BYTES, self._niceness),
                context=context,
            )
        return self._pool

    def _rest(self) -> None:
        # On a thread: to join a process blocks.
        asyncio.get_running_loop().run_in_executor(None, _end, self._pool)
        self._pool = None

    def close(self) -> None:
        """End the children."""
        if self._resting is not None:
            self._resting.cancel()
        _end(self._pool)
        self._pool = None


def _end(pool: ProcessPool | None) -> None:
    if pool is not None:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()
