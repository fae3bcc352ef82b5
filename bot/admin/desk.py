"""What an admin may do to the configuration from a chat: find feeds, look at one, add or remove it, have it read again.

Behind ``adding.py`` and ``feed_list.py``, which talk, and in front of ``config/reading.py`` and
``config/feeds_edit.py``, which know the file. The file on disk is the truth: it is read anew before it is changed, and
a file with mistakes is never written to.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot import identity, manners, places
from bot.admin.adding import Added, Sample
from bot.clock import Clock
from bot.config import feeds_import
from bot.config.feeds_edit import NewFeed, feed_yaml, feeds_yaml, name_for, replace_file, without_feed
from bot.config.opml import Outline
from bot.config.reading import Config
from bot.errors import ConfigError, NotWritten
from bot.identity import Identified
from bot.manners import NextCheck, Rhythm
from bot.model import Changes, Feed, FeedKind, Hints, Reading, Validators
from bot.sources import archive
from bot.sources.discovery import Candidate, Discovery
from bot.sources.feed import FeedSource
from bot.turns import HostTurns

#: Posts that are shown before a feed is added.
SHOWN = 3
#: Batches of an archive that a look takes: enough to see how it is read.
BATCHES = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """What a feed says now."""

    title: str | None
    found: tuple[Identified, ...]  #: oldest first
    again: NextCheck  #: when it would be asked again, and why then


class Desk:
    """The configuration as an admin handles it. ``read`` reads a file as the program would at its start."""

    def __init__(
        self,
        turns: HostTurns,
        feeds: FeedSource,
        clock: Clock,
        *,
        config: Callable[[], Config],
        read: Callable[[Path], Config],
        reload: Callable[[], Awaitable[Changes]],
    ) -> None:
        self._turns = turns
        self._feeds = feeds
        self._clock = clock
        self._config = config
        self._read = read
        self._reload = reload
        self._writing = asyncio.Lock()

    def channels(self) -> Sequence[str]:
        """The names of the channels of feeds.yaml."""
        return list(self._config().channels)

    def name_of(self, url: str) -> str | None:
        """The feed of feeds.yaml that has this address."""
        return _name_of(self._config(), url)

    def private(self) -> Collection[str]:
        """The feeds whose address holds a secret: no list that leaves the machine names them."""
        return self._config().private

    async def find(self, url: str) -> list[Candidate]:
        """The feeds of an address.

        Raises: SourceError.
        """
        return await Discovery(self._turns.fetch, self._feeds).find(url, self._clock.now())

    async def sample(self, url: str) -> Sample:
        """A feed as it is now, for somebody who is about to add it.

        Raises: SourceError.
        """
        now = self._clock.now()
        seen = await self.look(Feed(url, FeedKind.HTTP, url), None)
        entries = [found.entry for found in seen.found]
        return Sample(seen.title, tuple(reversed(entries[-SHOWN:])), seen.again.at - now)

    async def look(self, feed: Feed, rhythm: Rhythm | None) -> Seen:
        """Read a feed as it is now, and store nothing; *rhythm* is what is known of it.

        Raises: SourceError.
        """
        now = self._clock.now()
        readings, seen = await self._read_now(feed)
        title = readings[0].title if readings else None
        home = readings[0].home if readings else None
        entries = [entry for reading in readings for entry in reading.entries]
        found = identity.oldest_first(identity.identify(entries, home=home))
        dates = [each.entry.published for each in found if each.entry.published and each.entry.published <= now]
        hints = readings[-1].hints if readings else Hints()
        has_validators = seen.etag is not None or seen.last_modified is not None
        again = manners.next_check(feed, hints, rhythm or manners.learn(dates), now, has_validators=has_validators)
        return Seen(title, tuple(found), again)

    async def _read_now(self, feed: Feed) -> tuple[list[Reading], Validators]:
        if feed.kind is FeedKind.ARCHIVE:
            batches = archive.read(feed, Validators(), self._config().zone)
            return await asyncio.to_thread(lambda: list(islice(batches, BATCHES))), Validators()
        answer = await self._turns.fetch(feed, Validators())
        reading, _ending = await self._feeds.parse(feed, answer, self._clock.now())
        return [reading], answer.validators

    async def add(self, url: str, title: str | None, channel: str) -> Added:
        """Write a feed into feeds.yaml and begin to read it.

        Raises: NotWritten, with the lines to paste; then the file is as it was.
        """
        async with self._writing:
            path = self._config().path
            name = name_for(title, url, ())
            try:
                now = await asyncio.to_thread(self._read, path)
                there = _name_of(now, url)
                if there is not None:
                    return Added(there, is_new=False)
                name = name_for(title, url, [feed.name for feed in now.feeds])
                await asyncio.to_thread(feeds_import.write, now, [NewFeed(name, url, (channel,))], self._read)
                await self._reload()
            except ConfigError as error:
                raise NotWritten(error.problems[0], feed_yaml(name, url, [channel])) from error
        return Added(name)

    async def add_all(self, outlines: Sequence[Outline], channel: str | None) -> list[str]:
        """Write the feeds of a list into feeds.yaml at once; return the names of those that are new.

        Raises: NotWritten, with the lines to paste; then the file is as it was.
        """
        added: list[NewFeed] = []
        async with self._writing:
            path = self._config().path
            try:
                now = await asyncio.to_thread(self._read, path)
                added, _known = feeds_import.new_feeds(outlines, now, [channel] if channel else [])
                if added:
                    await asyncio.to_thread(feeds_import.write, now, added, self._read)
                    await self._reload()
            except ConfigError as error:
                lines = added or feeds_import.new_feeds(outlines, self._config(), [channel] if channel else [])[0]
                raise NotWritten(error.problems[0], feeds_yaml(lines)) from error
        return [feed.name for feed in added]

    async def remove(self, name: str) -> bool:
        """Take a feed out of feeds.yaml, or out of the file it is imported from; False where none names it.

        Raises: ConfigError; then the files are as they were.
        """
        async with self._writing:
            now = await asyncio.to_thread(self._read, self._config().path)
            is_removed = await asyncio.to_thread(self._take_out, now, name)
            if is_removed:
                await self._reload()
        return is_removed

    def _take_out(self, now: Config, name: str) -> bool:
        imported = [Path(name) for pattern in now.files[1:] for name in places.files_of(pattern)]
        for path in (now.path, *imported):
            before = path.read_bytes().decode("utf-8")
            after = without_feed(before, name)
            if after is None:
                continue

            def check(beside: Path, path: Path = path, before: str = before) -> None:
                """The new file has all that the old one had but this feed."""
                if _sections(beside.read_text("utf-8"), "") != _sections(before, name):
                    raise ConfigError(f"{path}: has a form in which no feed can be removed; remove it by hand")
                if path == now.path:
                    self._read(beside)

            replace_file(path, after, check)
            return True
        return False

    async def reload(self) -> Changes:
        """Have feeds.yaml read again.

        Raises: ConfigError; then everything goes on as before.
        """
        async with self._writing:
            return await self._reload()


def _name_of(config: Config, url: str) -> str | None:
    return next((feed.name for feed in config.feeds if feed.url == url), None)


def _sections(text: str, without: str) -> Any:
    """What a file means, but for one feed; a section with nothing in it is none."""
    try:
        values = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:  # others lean on what was taken out
        raise ConfigError("feeds.yaml has a form in which no feed can be removed; remove it by hand") from error
    if not isinstance(values, dict):
        return values
    for section in ("feeds", "archives"):
        among = values.get(section)
        if isinstance(among, dict):
            values[section] = {name: value for name, value in among.items() if name != without} or None
    return values
