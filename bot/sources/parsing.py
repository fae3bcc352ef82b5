"""Have documents parsed in child processes that may be killed, so that a hostile one delays no other for long.

Stands between ``feed.py`` and ``document.py``, which runs in the children. Every document begins with a quick child,
which gives it a second; one that needs more starts again with the slow children, at a low priority. Knows nothing of
feeds, and decides nothing about what it hands on.
"""

import os
from typing import Any

from pebble import ProcessExpired

from bot.errors import ParseError
from bot.sources import document
from bot.sources.children import CHILD_BYTES, REST_SECONDS, Children

#: So long a document may keep others waiting. Feeds of 300 kB take less than a tenth of it.
QUICK_SECONDS = 1
#: More of them read faster than feeds come, and each takes 40 MB.
MOST_QUICK_CHILDREN = 8
#: A document that takes longer is hostile or hopeless.
PARSE_SECONDS = 20
#: So that one hopeless document does not keep a long one waiting.
SLOW_CHILDREN = 2
#: They get what the bot and the quick children leave of the processor.
SLOW_NICENESS = 10
#: A child is made anew after so many documents: what they left behind ends with it.
MOST_DOCUMENTS = 200


def quick_children() -> int:
    """One for each core but the one on which the bot itself works."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(max(cores - 1, 1), MOST_QUICK_CHILDREN)


class Parser:
    """The child processes that parse documents.

    One that takes too long over a document is killed.
    """

    def __init__(
        self, *, seconds: float = PARSE_SECONDS, quick_seconds: float = QUICK_SECONDS, rest_after: float = REST_SECONDS
    ) -> None:
        self._quick = Children(
            min(quick_seconds, seconds), rest_after=rest_after, most_tasks=MOST_DOCUMENTS, count=quick_children()
        )
        self._slow = Children(
            seconds,
            rest_after=rest_after,
            most_tasks=MOST_DOCUMENTS,
            count=SLOW_CHILDREN,
            niceness=SLOW_NICENESS,
        )

    def is_resting(self) -> bool:
        """Whether there is no child."""
        return self._quick.is_resting() and self._slow.is_resting()

    async def parse(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Parse one document.

        Raises: ParseError, whatever went wrong in the child.
        """
        try:
            try:
                return await _parse(self._quick, body, content_type)
            except TimeoutError:
                return await _parse(self._slow, body, content_type)
        except TimeoutError:
            raise ParseError(
                f"parsing it took over {self._slow.seconds:g} s, and was ended; report it to the publisher"
            ) from None

    def close(self) -> None:
        """End the children."""
        self._quick.close()
        self._slow.close()


async def _parse(children: Children, body: bytes, content_type: str) -> dict[str, Any]:
    """Raises: ParseError; TimeoutError."""
    try:
        return await children.run(document.parse, body, content_type)
    except document.NotAFeed as error:
        raise ParseError(str(error)) from error
    except TimeoutError:
        raise
    except MemoryError:
        raise ParseError(f"parsing it took over {CHILD_BYTES >> 20} MiB; report it to the publisher") from None
    except ProcessExpired as error:
        raise ParseError(f"the parser died of it (exit {error.exitcode}); report it to the publisher") from error
    # What else may come is a fault of ours, and still a failure of this document alone.
    except Exception as error:
        raise ParseError(f"the parser failed on it ({type(error).__name__}); report it to us") from error
