"""Have documents parsed in child processes that may be killed, so that a hostile one delays no other for long.

Stands between ``feed.py`` and ``document.py``, which runs in the children. Every document begins with the quick child,
which gives it a second; one that needs more starts again with the slow children, at a low priority. Knows nothing of
feeds, and decides nothing about what it hands on.
"""

import asyncio
import multiprocessing
from typing import Any

from pebble import ProcessExpired, ProcessPool

from bot.errors import ParseError
from bot.sources import document

#: So long a document may keep others waiting. Feeds of 300 kB take less than a tenth of it.
QUICK_SECONDS = 1
#: A document that takes longer is hostile or hopeless.
PARSE_SECONDS = 20
#: So that one hopeless document does not keep a long one waiting.
SLOW_CHILDREN = 2
#: They get what the bot and the quick child leave of the processor.
SLOW_NICENESS = 10
#: A child that got no document for so long is ended; the next one costs half a second more.
REST_SECONDS = 120
#: Address space of a child.
PARSE_BYTES = 512 * 1024 * 1024


class Parser:
    """The child processes that parse documents.

    They are started when first needed, killed when a document takes too long, and ended when nothing came for a while:
    an idle bot is one process.
    """

    def __init__(
        self, *, seconds: float = PARSE_SECONDS, quick_seconds: float = QUICK_SECONDS, rest_after: float = REST_SECONDS
    ) -> None:
        self._quick = _Children(min(quick_seconds, seconds), rest_after, count=1, niceness=0)
        self._slow = _Children(seconds, rest_after, count=SLOW_CHILDREN, niceness=SLOW_NICENESS)

    def is_resting(self) -> bool:
        """Whether there is no child."""
        return self._quick.is_resting() and self._slow.is_resting()

    async def parse(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Parse one document.

        Raises: ParseError, whatever went wrong in the child.
        """
        try:
            try:
                return await self._quick.parse(body, content_type)
            except TimeoutError:
                return await self._slow.parse(body, content_type)
        except TimeoutError:
            raise ParseError(
                f"parsing it took over {self._slow.seconds:g} s, and was ended; report it to the publisher"
            ) from None

    def close(self) -> None:
        """End the children."""
        self._quick.close()
        self._slow.close()


class _Children:
    """Those that share a queue and a limit."""

    def __init__(self, seconds: float, rest_after: float, *, count: int, niceness: int) -> None:
        self.seconds = seconds
        self._rest_after = rest_after
        self._count = count
        self._niceness = niceness
        self._pool: ProcessPool | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._under_way = 0

    def is_resting(self) -> bool:
        return self._pool is None

    async def parse(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Parse one document.

        Raises: ParseError; TimeoutError.
        """
        if self._resting is not None:
            self._resting.cancel()
        self._under_way += 1
        try:
            return await self._parse(body, content_type)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._resting = asyncio.get_running_loop().call_later(self._rest_after, self._rest)

    async def _parse(self, body: bytes, content_type: str) -> dict[str, Any]:
        future = self._running_pool().schedule(document.parse, args=(body, content_type), timeout=self.seconds)
        try:
            parsed: dict[str, Any] = await asyncio.wrap_future(future)
        except document.NotAFeed as error:
            raise ParseError(str(error)) from error
        except TimeoutError:
            raise
        except MemoryError:
            raise ParseError(f"parsing it took over {PARSE_BYTES >> 20} MiB; report it to the publisher") from None
        except ProcessExpired as error:
            raise ParseError(f"the parser died of it (exit {error.exitcode}); report it to the publisher") from error
        except asyncio.CancelledError:
            future.cancel()  # type: ignore[no-untyped-call]  # pebble has no annotations here
            raise
        # What else may come is a fault of ours, and still a failure of this document alone.
        except Exception as error:
            raise ParseError(f"the parser failed on it ({type(error).__name__}); report it to us") from error
        return parsed

    def _running_pool(self) -> ProcessPool:
        if self._pool is not None and not self._pool.active:  # one that broke takes no more work
            self.close()
        if self._pool is None:
            context = multiprocessing.get_context("forkserver")
            # Each child, and each that follows it, is then a fork of what has feedparser already.
            context.set_forkserver_preload([document.__name__])
            self._pool = ProcessPool(
                max_workers=self._count,
                max_tasks=200,
                initializer=document.set_up_child,
                initargs=(PARSE_BYTES, self._niceness),
                context=context,
            )
        return self._pool

    def _rest(self) -> None:
        # On a thread: to join a process blocks.
        asyncio.get_running_loop().run_in_executor(None, _end, self._pool)
        self._pool = None

    def close(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
        _end(self._pool)
        self._pool = None


def _end(pool: ProcessPool | None) -> None:
    if pool is not None:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()
