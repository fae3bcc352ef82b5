"""What the store does with feeds.yaml: it writes what changed, and nothing else."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, event

from bot.storage import ingest
from bot.storage.database import Database
from bot.storage.feeds import Routes
from tests.builders import NOW, a_channel, a_feed, a_subscription

BOT = 42


async def test_a_file_that_says_the_same_writes_nothing_and_one_that_says_more_writes_that(database: Database) -> None:
    channel = a_channel()
    feeds = [a_feed(f"feed-{number}", url=f"https://{number}.example/feed") for number in range(5)]

    async def adopt(count: int) -> tuple[Routes, list[str]]:
        written: list[str] = []

        def listen(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if not statement.startswith(("SELECT", "PRAGMA")):
                written.append(" ".join(statement.split()[:3]))

        def run(connection: Connection) -> Routes:
            event.listen(connection, "before_cursor_execute", listen)
            routed = [a_subscription(feed, channel) for feed in feeds[:count]]
            return ingest.adopt(connection, BOT, feeds[:count], routed, NOW + timedelta(days=1))

        return await database.write(run), written

    first, _ = await adopt(4)
    again, written = await adopt(4)
    assert again == first
    assert [said for said in written if "targets" not in said] == []
    more, written = await adopt(5)
    assert more.feeds.keys() - first.feeds.keys()
    assert len([said for said in written if "targets" not in said]) == 3  # a feed, its name, its route
    less, written = await adopt(3)
    assert less.feeds.keys() < first.feeds.keys()
    assert sorted(written)[-2:] == ["UPDATE feed_names SET", "UPDATE subscriptions SET"]
    back, written = await adopt(4)
    assert back == first
