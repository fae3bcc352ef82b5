"""(2) Read an HTTP feed: fetch its bytes, have them parsed in a child process, make entries of the outcome.

Stands between ``fetch.py`` (bytes) and ``document.py`` (the child). Stores nothing and decides nothing about identity.
"""

import asyncio
import multiprocessing
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

from pebble import ProcessExpired, ProcessPool

from bot.errors import ParseError
from bot.model import Enclosure, Entry, Feed, Flag, Reading, Validators
from bot.sources import document
from bot.sources.document import Ending
from bot.sources.fetch import LONGEST_HINT, Answer, Fetcher
from bot.text import dates, language, markup, persian

#: A document that takes longer is hostile or hopeless; its child is killed.
PARSE_SECONDS = 20
#: A child that got no document for so long is ended; the next one costs half a second more.
REST_SECONDS = 120
#: Address space of a child.
PARSE_BYTES = 512 * 1024 * 1024
#: Dates outside of these are a publisher's mistake, and as good as none.
EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)  # just past the zero of Unix clocks, by far the commonest wrong date
FURTHEST_AHEAD = timedelta(days=366)
#: Of an entry's markup; its beginning is in the language of the rest.
LANGUAGE_CHARS = 4000
_TAG_OR_REFERENCE = re.compile(r"<[^<>]*>|&#?\w+;")


class Parser:
    """The child process that parses documents.

    It is started when first needed, killed when a document takes too long, and ended when nothing came for a while: an
    idle bot is one process.
    """

    def __init__(self, *, seconds: float = PARSE_SECONDS, rest_after: float = REST_SECONDS) -> None:
        self._seconds = seconds
        self._rest_after = rest_after
        self._pool: ProcessPool | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._under_way = 0

    def is_resting(self) -> bool:
        """Whether there is no child."""
        return self._pool is None

    async def parse(self, body: bytes, content_type: str) -> dict[str, Any]:
        """Parse one document.

        Raises: ParseError, whatever went wrong in the child.
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
        future = self._running_pool().schedule(document.parse, args=(body, content_type), timeout=self._seconds)
        try:
            parsed: dict[str, Any] = await asyncio.wrap_future(future)
        except document.NotAFeed as error:
            raise ParseError(str(error)) from error
        except TimeoutError:
            raise ParseError(
                f"parsing it took over {self._seconds:g} s, and was ended; report it to the publisher"
            ) from None
        except MemoryError:
            raise ParseError(f"parsing it took over {PARSE_BYTES >> 20} MiB; report it to the publisher") from None
        except ProcessExpired as error:
            raise ParseError(f"the parser died of it (exit {error.exitcode}); report it to the publisher") from error
        except asyncio.CancelledError:
            future.cancel()  # type: ignore[no-untyped-call]  # pebble has no annotations here
            raise
        # feedparser raises re.error, ValueError, OverflowError, UnicodeError ... on odd documents: feedparser#599.
        except Exception as error:
            raise ParseError(f"feedparser failed on it ({type(error).__name__}); report it to the publisher") from error
        return parsed

    def _running_pool(self) -> ProcessPool:
        if self._pool is not None and not self._pool.active:  # one that broke takes no more work
            self.close()
        if self._pool is None:
            self._pool = ProcessPool(
                max_workers=1,
                max_tasks=200,
                initializer=document.limit_memory,
                initargs=(PARSE_BYTES,),
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


class FeedSource:
    """Reads feeds over HTTP."""

    def __init__(self, fetcher: Fetcher, parser: Parser, *, zone: ZoneInfo) -> None:
        self._fetcher = fetcher
        self._parser = parser
        self._zone = zone

    async def read(self, feed: Feed, seen: Validators, now: datetime) -> AsyncIterator[Reading]:
        """Read a feed: one batch, or the word that nothing changed.

        Raises: SourceError.
        """
        answer = await self._fetcher.fetch(feed, seen)
        if answer.body is None:
            yield Reading(validators=answer.validators, modified=False, hints=answer.hints)
            return
        digest = sha256(answer.body).digest()
        validators = Validators(answer.validators.etag, answer.validators.last_modified, digest, answer.validators.url)
        if digest == seen.digest:
            yield Reading(validators=validators, modified=False, hints=answer.hints)
            return
        reading, ending = await self.parse(feed, answer, now)
        match ending:
            case Ending.WHOLE:
                yield replace(reading, validators=validators)
            # Of a body that was cut off the validators are not kept: the next 304 would hide what is missing.
            case Ending.UNCLOSED:
                yield replace(reading, validators=seen)
            case Ending.TORSO:
                # Some publishers never send the whole: what came counts, also as a first reading.
                yield replace(reading, entries=reading.entries[:-1], validators=seen, is_cut_off=True)

    async def parse(self, feed: Feed, answer: Answer, now: datetime) -> tuple[Reading, Ending]:
        """Make a reading of a body, and say how the body ends; a torso is still among the entries.

        Without an address (a file on disk) relative links stay as they are written.
        """
        parsed = await self._parser.parse(answer.body or b"", answer.content_type)
        # On a thread: a thousand entries take long enough for other work to wait.
        return await asyncio.to_thread(self._reading, feed, answer, parsed, now), Ending(parsed["ending"])

    def _reading(self, feed: Feed, answer: Answer, parsed: dict[str, Any], now: datetime) -> Reading:
        return Reading(
            entries=tuple(
                _entry(found, feed, answer.url, parsed["language"], self._zone, now) for found in parsed["entries"]
            ),
            title=markup.clean_title(parsed["title"] or "") or None,
            home=_web_link(answer.url, parsed["home"]),
            language=parsed["language"],
            hints=replace(answer.hints, ttl=_ttl(parsed["ttl_minutes"])),
        )


def _ttl(minutes: int | None) -> timedelta | None:
    return min(timedelta(minutes=minutes), LONGEST_HINT) if minutes else None


def _entry(found: dict[str, Any], feed: Feed, base: str, declared: str | None, zone: ZoneInfo, now: datetime) -> Entry:
    flags = [Flag.TRUNCATED] if found["truncated"] else []
    published = _date(found["published"], zone, now)
    updated = _date(found["updated"], zone, now)
    shown = published or updated
    if shown is not None and shown[2]:
        flags.append(Flag.NO_ZONE)
    title = markup.clean_title(found["title"] or "")[: document.MAX_TITLE_CHARS] or None
    content = found["content"]
    link = _web_link(base, found["link"])
    return Entry(
        guid=found["guid"],
        title=title,
        link=link,
        published=shown[0] if shown else None,
        updated=updated[0] if updated else None,
        date_only=shown[1] if shown else False,
        author=markup.clean_title(found["author"] or "") or None,
        language=feed.language or language.detect(title or "", _beginning(content or found["summary"] or ""), declared),
        tags=tuple(filter(None, (persian.clean_line(tag) for tag in found["tags"]))),
        summary=found["summary"],
        content=content,
        enclosures=tuple(
            Enclosure(url, enclosure["type"])
            for enclosure in found["enclosures"]
            if (url := _web_link(base, enclosure["url"]))
        ),
        flags=tuple(flags),
    )


def _beginning(html: str) -> str:
    """Enough of a text to tell its language by; exactness is not worth the time of a whole parse."""
    return " ".join(_TAG_OR_REFERENCE.sub(" ", html[:LANGUAGE_CHARS]).split())[:300]


def _date(text: str | None, zone: ZoneInfo, now: datetime) -> tuple[datetime, bool, bool] | None:
    """The instant, whether it is a date only, whether its zone is missing; None when there is none to believe."""
    found = dates.parse_feed_date(text) if text else None
    if found is None or not EARLIEST <= found.instant <= now + FURTHEST_AHEAD:
        return None
    if found.date_only:
        # 00:00 of that civil day where the bot lives (contract, "A date without a time").
        return found.instant.replace(tzinfo=zone).astimezone(UTC), True, False
    return found.instant, False, found.no_zone


def _web_link(base: str, link: str | None) -> str | None:
    """Make a link absolute; None where it leads to no page of the web. Without a base it stays as it is."""
    if not link or not link.strip() or not base:
        return link.strip() if link and link.strip() else None
    try:
        absolute = urljoin(base, link.strip())
        parts = urlsplit(absolute)
    except ValueError:
        return None
    return absolute if parts.scheme in ("http", "https") and parts.hostname else None
