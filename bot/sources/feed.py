"""(2) Read an HTTP feed: fetch its bytes, have them parsed in a child process, make entries of the outcome.

Stands between ``fetch.py`` (bytes) and ``parsing.py`` (the children). Stores nothing and decides nothing about
identity.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

from bot import identity
from bot.model import Enclosure, Entry, Feed, Flag, Hints, Reading, Validators
from bot.sources import document, known_items
from bot.sources.fetch import LONGEST_HINT, Answer, Fetcher
from bot.sources.known_items import Layout
from bot.sources.mending import Ending
from bot.sources.parsing import Parser
from bot.text import dates, language, markup, persian

#: Dates outside of these are a publisher's mistake, and as good as none.
EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)  # just past the zero of Unix clocks, by far the commonest wrong date
FURTHEST_AHEAD = timedelta(days=366)
#: Items of a longer body are looked for on a thread.
LONG_BODY_BYTES = 512 * 1024
#: Of an entry's markup; its beginning is in the language of the rest.
LANGUAGE_CHARS = 4000
_TAG_OR_REFERENCE = re.compile(r"<[^<>]*>|&#?\w+;")


class FeedSource:
    """Reads feeds over HTTP. ``zone`` is replaced when feeds.yaml is read again."""

    def __init__(self, fetcher: Fetcher, parser: Parser, *, zone: ZoneInfo) -> None:
        self._fetcher = fetcher
        self._parser = parser
        self.zone = zone

    async def read(self, feed: Feed, seen: Validators, now: datetime) -> AsyncIterator[Reading]:
        """Read a feed: one batch, or the word that nothing changed.

        Raises: SourceError.
        """
        if known_items.is_outdated(seen.items):  # read anew: "not modified" would keep what we made of it before
            seen = Validators()
        answer = await self._fetcher.fetch(feed, seen)
        if answer.body is None:
            unchanged = replace(answer.validators, items=seen.items)
            yield Reading(validators=unchanged, modified=False, hints=_still(answer, seen))
            return
        digest = sha256(answer.body).digest()
        validators = replace(answer.validators, digest=digest, items=seen.items)
        if digest == seen.digest:
            yield Reading(validators=validators, modified=False, hints=_still(answer, seen))
            return
        layout = await _find_items(answer.body)
        trimmed = await self._read_new(feed, answer, layout, seen, now) if layout else None
        if trimmed:
            yield replace(trimmed, validators=replace(validators, items=trimmed.validators.items))
            return
        reading, ending = await self._read_whole(feed, answer, layout, now)
        match ending:
            case Ending.WHOLE:
                yield replace(reading, validators=replace(validators, items=reading.validators.items))
            # Of a body that was cut off the validators are not kept: the next 304 would hide what is missing. Nor are
            # the items: what they were before may be changed by this reading.
            case Ending.UNCLOSED:
                yield replace(reading, validators=replace(seen, items=None))
            case Ending.TORSO:
                # Some publishers never send the whole: what came counts, also as a first reading.
                yield replace(
                    reading,
                    entries=reading.entries[:-1],
                    keys=reading.keys[:-1],
                    validators=replace(seen, items=None),
                    is_cut_off=True,
                )

    async def _read_new(
        self, feed: Feed, answer: Answer, layout: Layout, seen: Validators, now: datetime
    ) -> Reading | None:
        """Read what is new in a document; None where only the whole of it can be relied on."""
        memory = known_items.load(seen.items)
        known = known_items.known_in(layout, memory, answer.url) if memory else {}
        if not memory or not known:
            return None
        if len(known) == len(layout.items) and layout.frame == memory.frame:
            reading = known_items.reading_of(memory, known)
            reading = replace(reading, hints=known_items.hints_of_both(reading.hints, answer.hints))
        else:
            body = layout.without(known)
            parsed = await self._parser.parse(body, answer.content_type)
            if not parsed["strict"] or len(parsed["entries"]) != len(layout.items) - len(known):
                return None
            reading = await asyncio.to_thread(self._reading, feed, answer, parsed, now)
        found = known_items.remember(layout, reading, answer.url, known)
        if not found.items or not known_items.is_ordered_alone(reading.entries, known):
            return None
        return replace(
            reading, present=known_items.present(known), validators=Validators(items=known_items.dump(found))
        )

    async def _read_whole(
        self, feed: Feed, answer: Answer, layout: Layout | None, now: datetime
    ) -> tuple[Reading, Ending]:
        """Read a document with all its items, and remember them where the next reading may rely on it."""
        parsed = await self._parser.parse(answer.body or b"", answer.content_type)

        def make() -> Reading:
            reading = self._reading(feed, answer, parsed, now)
            found = known_items.remember(layout if parsed["strict"] else None, reading, answer.url)
            return replace(reading, validators=Validators(items=known_items.dump(found)))

        return await asyncio.to_thread(make), Ending(parsed["ending"])

    async def parse(self, feed: Feed, answer: Answer, now: datetime) -> tuple[Reading, Ending]:
        """Make a reading of a body, and say how the body ends; a torso is still among the entries.

        Without an address (a file on disk) relative links stay as they are written.
        """
        parsed = await self._parser.parse(answer.body or b"", answer.content_type)
        # On a thread: a thousand entries take long enough for other work to wait.
        return await asyncio.to_thread(self._reading, feed, answer, parsed, now), Ending(parsed["ending"])

    def _reading(self, feed: Feed, answer: Answer, parsed: dict[str, Any], now: datetime) -> Reading:
        entries = tuple(
            _entry(found, feed, answer.url, parsed["language"], self.zone, now) for found in parsed["entries"]
        )
        return Reading(
            entries=entries,
            keys=tuple(map(identity.raw_keys, entries)),
            title=markup.clean_title(parsed["title"] or "") or None,
            home=_web_link(answer.url, parsed["home"]),
            announced=_web_link(answer.url, parsed["new_url"]),
            language=parsed["language"],
            hints=replace(
                answer.hints,
                ttl=_ttl(parsed["ttl_minutes"], parsed["update_minutes"]),
                skip_hours=frozenset(parsed["skip_hours"]),
                skip_days=frozenset(parsed["skip_days"]),
            ),
        )


async def _find_items(body: bytes) -> Layout | None:
    if len(body) > LONG_BODY_BYTES:
        return await asyncio.to_thread(known_items.find, body)
    return known_items.find(body)


def _still(answer: Answer, seen: Validators) -> Hints:
    """The hints of a document that did not change: its own still hold."""
    return known_items.hints_of_both(known_items.load_hints(seen.items), answer.hints)


def _ttl(*hints: int | None) -> timedelta | None:
    """Of several hints, in minutes, the longest."""
    minutes = max((hint for hint in hints if hint), default=None)
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
            Enclosure(url, enclosure["type"], enclosure["size"], enclosure["width"], enclosure["height"])
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
