"""Our side of the polling benchmark: the client, the poller and the store as the bot has them, SQLite included.

Started through ``polling.OURS``, which is as light a door as the bot's: the parser's child imports the main module.
A process that reads every feed once for each line on its standard input, and says when it is done.
"""

import asyncio
import logging
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from bot.clock import SystemClock
from bot.model import Feed, FeedKind
from bot.poller import Poller
from bot.sources.feed import FeedSource
from bot.sources.fetch import Fetcher
from bot.sources.parsing import Parser
from bot.storage import ingest
from bot.storage.database import Database
from bot.storage.feeds import Routes
from tests.bench.origin_address import address
from tests.builders import a_channel, a_subscription


class LeapingClock(SystemClock):
    """Real time; each pass is eight days later, so that every feed is due."""

    def __init__(self) -> None:
        self.passed = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.passed


async def main(folder: Path, port: int, count: int, kind: str) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    database, clock, parser = Database(f"sqlite:///{folder / 'ours.db'}"), LeapingClock(), Parser()
    fetcher = Fetcher(user_agent="Qasedak/bench", allow_private_networks=True)
    await asyncio.to_thread(database.migrate)
    feeds = [Feed(f"feed-{n}", FeedKind.HTTP, address(n, port, kind)) for n in range(count)]
    channel = a_channel(max_age=timedelta(days=999))
    wanted = [a_subscription(feed, channel) for feed in feeds]
    zone = ZoneInfo("Asia/Tehran")
    source = FeedSource(fetcher, parser, zone=zone)
    poller = Poller(database, source, clock, routes=Routes({}, {}), zone=zone, host_spacing=timedelta())
    poller.routes = await database.write(ingest.adopt, 1, feeds, wanted, clock.now())
    print("ready", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        clock.passed += timedelta(days=8)
        polled = await poller.poll_all_due()
        assert (len(polled.feed_ids), polled.failed) == (count, 0), polled.notices[:3]
        print("done", flush=True)
    await fetcher.close()
    parser.close()
    await database.close()


def start() -> None:
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
