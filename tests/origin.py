"""A publisher, a clock and a poller: the way of a feed from a real server on loopback into a real database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from bot.model import Feed, Subscription
from bot.poller import Polled, Poller
from bot.sources.feed import FeedSource
from bot.sources.fetch import Fetcher
from bot.sources.parsing import Parser
from bot.storage import ingest
from bot.storage.database import Database
from bot.storage.feeds import Routes
from bot.storage.schema import deliveries, posts
from bot.storage.schema import feeds as feed_table
from tests.builders import a_feed, a_subscription
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import Publisher, Request, rss

TEHRAN = ZoneInfo("Asia/Tehran")


@asynccontextmanager
async def an_origin(database: Database, clock: FakeClock, parser: Parser, **of_fetcher: Any) -> AsyncIterator["Origin"]:
    """A publisher with nothing to say yet, and a poller with no feed to ask."""
    async with Publisher(now=clock) as publisher:
        fetcher = Fetcher(
            user_agent="Qasedak/test",
            contact="https://qasedak.example/",
            **{"allow_private_networks": True, **of_fetcher},
        )
        try:
            yield Origin(publisher, clock, database, fetcher, parser)
        finally:
            await fetcher.close()


class Origin:
    """What a test of manners needs: serve, poll, and look at requests and rows."""

    def __init__(
        self, publisher: Publisher, clock: FakeClock, database: Database, fetcher: Fetcher, parser: Parser
    ) -> None:
        self.publisher, self.clock, self.database, self.fetcher = publisher, clock, database, fetcher
        self.source = FeedSource(fetcher, parser, zone=TEHRAN)
        self.routes = Routes({}, {})
        self.restart()

    def restart(self) -> None:
        """A new process on the same database."""
        self.poller = Poller(
            self.database,
            self.source,
            self.clock,
            routes=self.routes,
            zone=TEHRAN,
            host_spacing=timedelta(seconds=1),
        )

    async def configure(self, *received: Feed | Subscription, unreceived: tuple[Feed, ...] = ()) -> None:
        """What reading feeds.yaml does; a feed alone goes to one channel."""
        wanted = [found if isinstance(found, Subscription) else a_subscription(found) for found in received]
        configured = list({found.feed.name: found.feed for found in wanted}.values())
        self.routes = self.poller.routes = await self.database.write(
            ingest.adopt, 1, [*configured, *unreceived], wanted, self.clock.now()
        )

    async def follow(self, path: str = "/feed", **changes: Any) -> Feed:
        """Configure one feed of the publisher, asked every half hour at most."""
        feed = a_feed("garden", **{"url": self.publisher.url(path), **changes})
        await self.configure(feed)
        return feed

    async def poll(self, after: timedelta = timedelta(), **options: Any) -> Polled:
        """One pass, *after* some time, to its very end."""
        self.clock.advance(after)
        polled = await self.poller.poll_due(**options)
        polled.add(await self.poller.finish())
        return polled

    async def ask(self, after: timedelta = timedelta(days=3)) -> Request:
        """One pass so much later that the feed is due whatever it said; the last request that came of it."""
        self.publisher.forget()
        await self.poll(after)
        return self.publisher.requests[-1]

    async def wait(self, name: str = "garden") -> timedelta:
        """How long a feed is left alone from now on."""
        waits: timedelta = (await self.row(name)).next_check_at - self.clock.now()
        return waits

    async def row(self, name: str = "garden") -> Any:
        """A feed as it is stored."""
        feed_id = next(found.id for found in self.routes.feeds.values() if found.name == name)

        def run(connection: Connection) -> Any:
            return connection.execute(select(feed_table).where(feed_table.c.id == feed_id)).one()

        return await self.database.read(run)

    async def titles(self) -> list[str]:
        """Of all stored posts, as they came."""

        def run(connection: Connection) -> list[str]:
            return [str(title) for title in connection.execute(select(posts.c.title).order_by(posts.c.id)).scalars()]

        return await self.database.read(run)

    async def enqueued(self) -> list[str]:
        """Titles of the posts that are on their way to somebody, in order."""

        def run(connection: Connection) -> list[str]:
            query = select(posts.c.title).join(deliveries).order_by(deliveries.c.id)
            return [str(title) for title in connection.execute(query).scalars()]

        return await self.database.read(run)


def tulips(*numbers: int, **fields: Any) -> bytes:
    """A small feed; its posts have no dates, so that its rhythm stays unknown."""
    items = [{"title": f"Tulips {n}", "guid": f"tulips-{n}", "link": f"https://garden.example/{n}"} for n in numbers]
    return rss(items=items, **fields)
