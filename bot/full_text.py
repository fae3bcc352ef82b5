"""(1) Before a reading is stored, fetch the articles of its new entries, for feeds with ``full_text``.

Called by ``poller.py`` between ``read`` and ``ingest``, outside of every transaction. An article never enters identity:
keys are made of the feed's own text, so that a page that changes is no edit. Whatever goes wrong with an article costs
the article and not the post, and it is not asked for again.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import structlog

from bot import identity
from bot.errors import BotError, FetchError
from bot.model import Entry, Feed, FeedKind, Reading
from bot.render import pictures
from bot.sources.article import Article, ArticleReader, Fetch
from bot.sources.extraction import with_picture
from bot.storage import articles
from bot.storage.addresses import host_of
from bot.storage.database import Database
from bot.storage.feeds import Claim
from bot.text import markup
from bot.turns import HostTurns

log = structlog.get_logger()

#: Articles of one reading; a feed that brings more at once is best read by its own text.
MOST = 20
#: Of all articles of one reading: a part of the poller's lease.
LONGEST = 60.0
#: Of one article; a slow page must not eat the time of the others.
LONGEST_EACH = 20.0
#: Failures in a row after which no more pages of a host are asked for.
MOST_FAILURES = 3


class FullText:
    """Puts articles into the new entries of a reading; ``longest_each`` is in seconds, and may be changed."""

    def __init__(
        self,
        database: Database,
        reader: ArticleReader,
        turns: HostTurns,
        *,
        longest: float = LONGEST,
        longest_each: float = LONGEST_EACH,
    ) -> None:
        self._database = database
        self._reader = reader
        self._turns = turns
        self._longest = longest
        self.longest_each = longest_each

    async def complete(self, feed: Feed, claim: Claim, reading: Reading) -> Reading:
        """The reading with the articles of its new entries, newest first, as far as they can be had in time."""
        document = identity.document_of(
            reading.entries, reading.present, home=reading.home, keys_of_entries=reading.keys
        )
        unmet = set(await self._database.read(articles.unmet, feed.id, [one.keys for one in document.entries]))
        wanted = newest_first(one.entry for one in document.entries if one.keys in unmet)
        most = MOST if not claim.is_first else min(MOST, MOST if feed.backfill is None else feed.backfill)
        fetch: Fetch = partial(self._turns.fetch, held=claim.host)
        found = await read_articles(
            self._reader, fetch, wanted[:most], longest=self._longest, longest_each=self.longest_each
        )
        return replace(
            reading, entries=tuple(completed(entry, found.get(entry.link or "")) for entry in reading.entries)
        )


def newest_first(entries: Iterable[Entry]) -> list[Entry]:
    """Those that link to a page, in the order in which articles are worth most."""
    latest = datetime.max.replace(tzinfo=UTC)
    return sorted((entry for entry in entries if entry.link), key=lambda entry: entry.published or latest, reverse=True)


async def read_articles(
    reader: ArticleReader,
    fetch: Fetch,
    entries: Iterable[Entry],
    *,
    longest: float = LONGEST,
    longest_each: float = LONGEST_EACH,
) -> dict[str, Article]:
    """The articles of *entries* by their links; those that cannot be had are left out, with a note in the log."""
    found: dict[str, Article] = {}
    failures: dict[str, int] = {}
    deadline = asyncio.get_running_loop().time() + longest
    for entry in entries:
        link = entry.link or ""
        host = host_of(_page(link))
        left = deadline - asyncio.get_running_loop().time()
        if link in found or failures.get(host, 0) >= MOST_FAILURES:
            continue
        if left <= 0:
            log.info("articles left out", why=f"the others took over {longest:g} s")
            break
        try:
            async with asyncio.timeout(min(left, longest_each)):
                found[link] = await reader.read(link, fetch)
            failures[host] = 0
        except (BotError, TimeoutError) as error:
            failures[host] = failures.get(host, 0) + (MOST_FAILURES if _is_refusal(error) else 1)
            why = str(error) or f"took over {longest_each:g} s; the feed's own text is used"
            log.info("article not read", title=entry.title, host=host, why=why)
    return found


def _page(link: str) -> Feed:
    return Feed(link, FeedKind.HTTP, link)


def _is_refusal(error: BaseException) -> bool:
    """Whether a host asks to be left alone: the other pages of this reading are not asked for then."""
    return isinstance(error, FetchError) and (error.retry_after is not None or error.status in (403, 429, 503))


def completed(entry: Entry, article: Article | None) -> Entry:
    """The entry with its article, unless the feed's own text says as much."""
    if article is None:
        return entry
    if len(markup.plain(article.html)) <= len(markup.plain(entry.content or entry.summary or "")):
        log.info("article not taken", title=entry.title, why="the feed's own text is longer")
        return entry
    lacks_picture = article.picture and not pictures.find(entry)
    html = with_picture(article.html, article.picture or "") if lacks_picture else article.html
    return replace(entry, article=html)
