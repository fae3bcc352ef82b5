"""/removefeed and /opml: the list of feeds from a chat. Called by ``control.py``; ``desk.py`` knows the file.

A list that an admin sent is kept in memory for a quarter of an hour, until its buttons are pressed. Who asks has been
asked for their right before anything comes here.
"""

import asyncio
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.admin import choosing
from bot.admin.choosing import Configured, Named
from bot.clock import Clock
from bot.config import opml
from bot.config.opml import Outline
from bot.errors import ConfigError, NotWritten
from bot.labels import translator
from bot.model import Feed
from bot.screens import admin_replies, list_screens
from bot.screens.leafing import File, Reader, Screen
from bot.storage import tally
from bot.storage.database import Database
from bot.storage.pauses import Kind

log = structlog.get_logger()

#: How long a list waits for its answer, and how many may.
PATIENCE = timedelta(minutes=15)
_MOST_OFFERS = 20


class Editing(Protocol):
    """feeds.yaml as it is changed from a chat (``desk.py``)."""

    async def add_all(self, outlines: Sequence[Outline], channel: str | None) -> list[str]:
        """Write the feeds of a list; the names of those that are new. Raises: NotWritten."""

    async def remove(self, name: str) -> bool:
        """Take a feed out. Raises: ConfigError."""

    def private(self) -> Collection[str]:
        """Names of feeds whose address holds a secret."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Feeds of a list that somebody sent, which feeds.yaml does not have."""

    wanted: Sequence[Outline]
    until: datetime


class FeedList:
    """Answers with screens. *configured* is what feeds.yaml says at each time."""

    def __init__(
        self, database: Database, clock: Clock, bot_id: int, configured: Callable[[], Configured], editing: Editing
    ) -> None:
        self._database, self._clock, self._bot_id, self._configured = database, clock, bot_id, configured
        self._editing = editing
        self._offers: dict[str, Offer] = {}

    # --- removing --------------------------------------------------------------------------------------------

    async def remove(self, words: str, reader: Reader) -> Screen:
        """``/removefeed feed``: it asks first."""
        configured = self._configured()
        among = choosing.all_named(configured, [Kind.FEED])
        if not words:
            return self._ask(reader)
        named = choosing.by_words(words, configured, [Kind.FEED])
        return await self._ask_whether(named, reader) if named else choosing.unknown(words, among, reader)

    def _ask(self, reader: Reader, page: int = 0) -> Screen:
        configured, question = self._configured(), translator(reader.language)("Which feed shall be removed?")
        among = choosing.all_named(configured, [Kind.FEED])
        return choosing.choose("removefeed", question, among, configured, reader, page)

    async def _ask_whether(self, named: Named, reader: Reader) -> Screen:
        feed = self._configured().feed_named(named.name)
        if feed is None:
            return choosing.unknown(named.name, [], reader)
        figures = await self._database.read(tally.of_feed, self._bot_id, named.name)
        return list_screens.ask_whether(feed, named.key, figures, reader)

    async def _remove(self, named: Named, reader: Reader) -> Screen:
        try:
            is_removed = await self._editing.remove(named.name)
        except ConfigError as error:
            return list_screens.not_removed(named.name, error.problems[0], reader)
        log.info("feed removed by an admin", feed=named.name, removed=is_removed)
        return list_screens.removed(named.name, reader) if is_removed else list_screens.not_there(named.name, reader)

    # --- lists -----------------------------------------------------------------------------------------------

    async def opml(self, reader: Reader) -> Screen:
        """``/opml``: the list as a document."""
        now = self._clock.now()
        found = opml.outlines_of(self._feeds(), self._editing.private())
        document = opml.write(found.outlines, "Qasedak", now)
        return list_screens.exported(
            File("qasedak-feeds.opml", document.encode()), len(found.outlines), found.skipped, reader
        )

    def _feeds(self) -> Sequence[Feed]:
        return self._configured().names

    async def offer(self, document: bytes, reader: Reader) -> Screen:
        """A document that an admin sent: which of its feeds are new, and for which channel shall they be?"""
        try:
            found = await asyncio.to_thread(opml.read, document)
        except ConfigError as error:
            return list_screens.unreadable(error.problems[0], reader)
        known = {feed.url for feed in self._configured().feeds.values()}
        wanted = [each for each in found.outlines if each.url not in known]
        if not wanted:
            return list_screens.nothing_new(len(found.outlines), found.skipped, reader)
        token = secrets.token_urlsafe(6)
        now = self._clock.now()
        waiting = [(name, offer) for name, offer in self._offers.items() if offer.until > now][-_MOST_OFFERS:]
        self._offers = {**dict(waiting), token: Offer(wanted, now + PATIENCE)}
        configured = self._configured()
        channels = [
            (choosing.label(each, configured, reader), each.key)
            for each in choosing.all_named(configured, [Kind.CHANNEL])
        ]
        there = len(found.outlines) - len(wanted)
        return list_screens.offered(wanted, there, found.skipped, token, channels, reader)

    async def press(self, verb: str, parts: Sequence[str], reader: Reader) -> Screen | str | None:
        """A button of these screens."""
        configured = self._configured()
        match verb, parts:
            case "removefeed", [turned] if (page := choosing.page_of(turned)) is not None:
                return self._ask(reader, page)
            case "removefeed", ["no"]:
                return Screen(admin_replies.cancelled(reader.language))
            case "removefeed", [key] if named := choosing.by_key(key, configured):
                return await self._ask_whether(named, reader)
            case "removefeed", [key, "yes"] if (named := choosing.by_key(key, configured)) and named.kind is Kind.FEED:
                return await self._remove(named, reader)
            case "opml", [token, choice]:
                return await self._answer(token, choice, reader)
        return None

    async def _answer(self, token: str, choice: str, reader: Reader) -> Screen | None:
        offer = self._offers.pop(token, None)  # a second press finds nothing to add
        if offer is None or offer.until < self._clock.now():
            return None
        if choice == "no":
            return Screen(admin_replies.cancelled(reader.language))
        channel = choosing.by_key(choice, self._configured()) if choice != "none" else None
        if channel is None and choice != "none":
            return None
        try:
            names = await self._editing.add_all(offer.wanted, channel.name if channel else None)
        except NotWritten as error:
            return Screen(
                admin_replies.not_written(error.problems[0], error.lines[: list_screens.MOST_LINES], reader.language)
            )
        log.info("feeds added by an admin", count=len(names), channel=channel and channel.name)
        return list_screens.added(names, self._configured().title(channel.name) if channel else None, reader)
