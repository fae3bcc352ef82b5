"""Whose turn it is to ask a host, for requests beside the reading of feeds: articles, and pages that people name.

One request at a time to a host, with a pause between two, whoever asks. The poller's own turns are part of its claims;
these take the same rows, so that no process asks a host that another is asking.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

from bot.clock import Clock
from bot.errors import FetchError
from bot.model import Feed, Validators
from bot.sources.fetch import Answer
from bot.storage import feeds
from bot.storage.addresses import host_of
from bot.storage.database import Database

#: Longer than one request may take.
LEASE = timedelta(seconds=70)


class Fetches(Protocol):
    """What asks (``sources/fetch.py``)."""

    async def fetch(self, feed: Feed, seen: Validators) -> Answer:
        """Ask for *feed*.

        Raises: FetchError.
        """


class HostTurns:
    """Takes turns through the database, beside the poller and other processes."""

    def __init__(self, fetcher: Fetches, database: Database, clock: Clock, spacing: timedelta) -> None:
        self._fetcher = fetcher
        self._database = database
        self._clock = clock
        self._spacing = spacing

    async def fetch(
        self, feed: Feed, seen: Validators, *, held: str = "", patience: timedelta = timedelta(seconds=30)
    ) -> Answer:
        """Ask for *feed* when it is its host's turn; *held* is the host whose claim the caller has.

        Raises: FetchError, also when the host is busy for longer than *patience*.
        """
        host = host_of(feed)
        if host == held:
            await self._clock.sleep(self._spacing.total_seconds())
            return await self._fetcher.fetch(feed, seen)
        deadline = self._clock.now() + patience
        while True:
            until, free_at = self._clock.now() + LEASE, self._spacing
            try:
                if await self._database.write(feeds.take_host, host, self._clock.now(), until):
                    return await self._fetcher.fetch(feed, seen)
            except FetchError as error:
                free_at = max(free_at, error.retry_after or timedelta())
                raise
            finally:
                # Also of a turn that was taken while its taker was being cancelled.
                await self._database.write(feeds.free_host, host, until, self._clock.now() + free_at)
            if self._clock.now() >= deadline:
                raise FetchError(f"{host.partition(':')[0]}: is busy with other readings; try again in a minute")
            await self._clock.sleep(max(self._spacing.total_seconds(), 0.2))


class SpacedFetcher:
    """The same for commands that look and open no database: a pause before each request to a host but the first."""

    def __init__(
        self, fetcher: Fetches, spacing: timedelta, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._fetcher = fetcher
        self._spacing = spacing
        self._sleep = sleep
        self._asked: set[str] = set()

    async def fetch(self, feed: Feed, seen: Validators) -> Answer:
        """Ask for *feed*, after the pause that its host is owed.

        Raises: FetchError.
        """
        host = host_of(feed)
        if host in self._asked:
            await self._sleep(self._spacing.total_seconds())
        self._asked.add(host)
        return await self._fetcher.fetch(feed, seen)
