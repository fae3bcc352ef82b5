"""What an admin may do to the configuration from a chat: find feeds, look at one, add it, have feeds.yaml read again.

Behind ``admin.py``, which talks, and in front of ``config.py`` and ``feeds_edit.py``, which know the file. The file on
disk is the truth: it is read anew before it is changed, and a file with mistakes is never written to.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from bot import identity, manners
from bot.admin import Added, Sample
from bot.clock import Clock
from bot.config import Config
from bot.errors import ConfigError, NotWritten
from bot.feeds_edit import feed_yaml, name_for, replace_file, with_feed
from bot.model import Changes, Feed, FeedKind, Validators
from bot.sources.discovery import Candidate, Discovery
from bot.sources.feed import FeedSource
from bot.turns import HostTurns

#: Posts that are shown before a feed is added.
SHOWN = 3


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
        feed = Feed(url, FeedKind.HTTP, url)
        answer = await self._turns.fetch(feed, Validators())
        reading, _ending = await self._feeds.parse(feed, answer, now)
        entries = [
            found.entry for found in identity.oldest_first(identity.identify(reading.entries, home=reading.home))
        ]
        rhythm = manners.learn([entry.published for entry in entries if entry.published and entry.published <= now])
        seen = answer.validators
        has_validators = seen.etag is not None or seen.last_modified is not None
        again = manners.next_check(feed, reading.hints, rhythm, now, has_validators=has_validators)
        return Sample(reading.title, tuple(reversed(entries[-SHOWN:])), again.at - now)

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
                await asyncio.to_thread(self._write, now, name, url, channel)
                await self._reload()
            except ConfigError as error:
                raise NotWritten(error.problems[0], feed_yaml(name, url, [channel])) from error
        return Added(name)

    def _write(self, now: Config, name: str, url: str, channel: str) -> None:
        try:
            text = now.path.read_bytes().decode("utf-8")
        except OSError as error:
            raise ConfigError(f"{now.path}: cannot be read ({error.strerror}); add the feed by hand") from error

        def check(beside: Path) -> None:
            """The new file has the old one's feeds and channels, and this feed."""
            then = self._read(beside)
            before, after = ({feed.name: feed for feed in config.feeds} for config in (now, then))
            added = after.pop(name, None)
            if added is None or added.url != url or before != after or now.channels != then.channels:
                raise ConfigError(f"{now.path}: has a form in which no feed can be added; add it by hand")

        replace_file(now.path, with_feed(text, name, url, [channel]), check)

    async def reload(self) -> Changes:
        """Have feeds.yaml read again.

        Raises: ConfigError; then everything goes on as before.
        """
        async with self._writing:
            return await self._reload()


def _name_of(config: Config, url: str) -> str | None:
    return next((feed.name for feed in config.feeds if feed.url == url), None)
