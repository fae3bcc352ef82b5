"""Fetch the page that an entry links to and have the article taken out of it, in a child process.

Beside ``feed.py``: that reads feeds, this reads what they link to, for feeds with ``full_text``. The requests are those
of the ``fetch`` it is given: manners and guards are its. Decides nothing about which articles are wanted.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pebble import ProcessExpired

from bot.errors import ParseError
from bot.model import Feed, FeedKind, Validators
from bot.sources import extraction
from bot.sources.children import CHILD_BYTES, REST_SECONDS, Children
from bot.sources.fetch import Answer
from bot.sources.page import looks_like_page

#: A page that takes longer is hostile or hopeless; its child is killed.
EXTRACT_SECONDS = 10
#: A child is made anew after so many pages: what they left behind ends with it.
MOST_PAGES = 50
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
    """Reads articles, one at a time."""

    def __init__(self, *, seconds: float = EXTRACT_SECONDS, rest_after: float = REST_SECONDS) -> None:
        self._children = Children(seconds, rest_after=rest_after, most_tasks=MOST_PAGES, niceness=NICENESS)

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
        try:
            return await self._children.run(extraction.extract, body, content_type, url)
        except extraction.NoArticle as error:
            raise ParseError(f"{error}; the feed's own text is used") from error
        except TimeoutError:
            raise ParseError(f"its page took over {self._children.seconds:g} s; the feed's own text is used") from None
        except MemoryError:
            raise ParseError(f"its page took over {CHILD_BYTES >> 20} MiB; the feed's own text is used") from None
        except ProcessExpired as error:
            raise ParseError(f"extraction died of it (exit {error.exitcode}); the feed's own text is used") from error
        # Whatever a library makes of a page: the post is more important than its article.
        except Exception as error:
            raise ParseError(f"extraction failed ({type(error).__name__}); the feed's own text is used") from error

    def close(self) -> None:
        """End the child."""
        self._children.close()
