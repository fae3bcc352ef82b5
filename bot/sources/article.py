"""Fetch the page that an entry links to and have the article taken out of it, in a child process.

Beside ``feed.py``: that reads feeds, this reads what they link to, for feeds with ``full_text``. The requests are those
of the ``fetch`` it is given: manners and guards are its. Decides nothing about which articles are wanted.
"""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pebble import ProcessExpired, ProcessPool

from bot.errors import ParseError
from bot.model import Feed, FeedKind, Validators
from bot.sources import extraction
from bot.sources.document import set_up_child
from bot.sources.fetch import Answer
from bot.sources.page import looks_like_page

#: A page that takes longer is hostile or hopeless; its child is killed.
EXTRACT_SECONDS = 10
#: A child that got no page for so long is ended.
REST_SECONDS = 120
#: Address space of a child.
EXTRACT_BYTES = 512 * 1024 * 1024
#: Reading feeds goes first.
NICENESS = 10
ACCEPT = "text/html, application/xhtml+xml;q=0.9"

Fetch = Callable[[Feed, Validators], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Article:
    """What a page says, as clean HTML, and the address of its picture."""

    html: str
    picture: str | None = None


class ArticleReader:
    """Reads articles, one at a time; its child is started when first needed and ended when nothing came for a while."""

    def __init__(self, *, seconds: float = EXTRACT_SECONDS, rest_after: float = REST_SECONDS) -> None:
        self._seconds = seconds
        self._rest_after = rest_after
        self._pool: ProcessPool | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._under_way = 0

    async def read(self, url: str, fetch: Fetch) -> Article:
        """The article at an address.

        Raises: FetchError; ParseError, when what is there is no article.
        """
        # Without the feed's own headers: what opens the feed is no business of the pages it links to.
        answer = await fetch(Feed(url, FeedKind.HTTP, url, headers={"Accept": ACCEPT}), Validators())
        body = answer.body or b""
        if not looks_like_page(body, answer.content_type):
            raise ParseError("what it links to is not a web page; the feed's own text is used")
        html, picture = await self._extract(body, answer.content_type, answer.url)
        return Article(html, picture)

    async def _extract(self, body: bytes, content_type: str, url: str) -> tuple[str, str | None]:
        if self._resting is not None:
            self._resting.cancel()
        self._under_way += 1
        future = self._running_pool().schedule(
            extraction.extract, args=(body, content_type, url), timeout=self._seconds
        )
        try:
            extracted: tuple[str, str | None] = await asyncio.wrap_future(future)
        except extraction.NoArticle as error:
            raise ParseError(f"{error}; the feed's own text is used") from error
        except TimeoutError:
            raise ParseError(f"its page took over {self._seconds:g} s; the feed's own text is used") from None
        except MemoryError:
            raise ParseError(f"its page took over {EXTRACT_BYTES >> 20} MiB; the feed's own text is used") from None
        except ProcessExpired as error:
            raise ParseError(f"extraction died of it (exit {error.exitcode}); the feed's own text is used") from error
        except asyncio.CancelledError:
            future.cancel()  # type: ignore[no-untyped-call]  # pebble has no annotations here
            raise
        # Whatever a library makes of a page: the post is more important than its article.
        except Exception as error:
            raise ParseError(f"extraction failed ({type(error).__name__}); the feed's own text is used") from error
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._resting = asyncio.get_running_loop().call_later(self._rest_after, self._rest)
        return extracted

    def _running_pool(self) -> ProcessPool:
        if self._pool is not None and not self._pool.active:  # one that broke takes no more work
            self.close()
        if self._pool is None:
            self._pool = ProcessPool(
                max_workers=1,
                max_tasks=50,
                initializer=set_up_child,
                initargs=(EXTRACT_BYTES, NICENESS),
                context=multiprocessing.get_context("forkserver"),
            )
        return self._pool

    def _rest(self) -> None:
        # On a thread: to join a process blocks.
        asyncio.get_running_loop().run_in_executor(None, _end, self._pool)
        self._pool = None

    def close(self) -> None:
        """End the child."""
        if self._resting is not None:
            self._resting.cancel()
        _end(self._pool)
        self._pool = None


def _end(pool: ProcessPool | None) -> None:
    if pool is not None:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()
