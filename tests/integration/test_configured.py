"""What the store does with feeds.yaml: it writes what changed, and nothing else."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, event, select

from bot.storage import ingest
from bot.storage.database import Database
from bot.storage.feeds import Routes
from bot.storage.schema import targets
from tests.builders import NOW, a_channel, a_feed, a_subscription, an_entry
from tests.stage import Stage

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


async def test_a_channel_that_is_called_by_its_number_now_is_the_same(stage: Stage) -> None:
    """Its messages are edited, replied to and found as before, and nothing comes a second time."""
    feed, name, number = a_feed(backfill=9), a_channel(chat="@sky"), a_channel(chat="-1001234567890")
    stage.sender.names["@sky"] = int(number.chat)
    await stage.adopt(a_subscription(feed, name))
    await stage.read(an_entry(1))
    await stage.deliver_until_idle(stage.outbox())
    before, routes = await stage.rows(), stage.routes.subscriptions.keys()
    await stage.adopt(a_subscription(feed, number))
    assert stage.routes.subscriptions.keys() == routes
    await stage.read(an_entry(1))
    await stage.deliver_until_idle(stage.outbox())
    assert [(row["delivery"], row["state"]) for row in before] == [(1, "sent")]
    assert [(row["delivery"], row["state"]) for row in await stage.rows()] == [(1, "sent")]


async def test_two_names_of_one_chat_in_the_file_stay_two(stage: Stage) -> None:
    feed, name, number = a_feed(), a_channel("one", chat="@sky"), a_channel("two", chat="-1001234567890")
    stage.sender.names["@sky"] = int(number.chat)
    await stage.adopt(a_subscription(feed, name))
    await stage.deliver_until_idle(stage.outbox())
    await stage.adopt(a_subscription(feed, name), a_subscription(feed, number))

    def chats(connection: Connection) -> set[str]:
        return set(connection.execute(select(targets.c.chat)).scalars())

    assert await stage.database.read(chats) == {"@sky", "-1001234567890"}
