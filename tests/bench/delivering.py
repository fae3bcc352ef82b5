"""What the outbox costs in the database: one post for 100,000 chats, put into the outbox, claimed and settled.

On SQLite, in the writer's own thread, without the network; then the whole path through the fake Bot API, limits off.
"""

import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
import structlog
from sqlalchemy import Connection, insert

from bot.clock import SystemClock
from bot.model import DeliveryState, OnUncertain, SentMessage
from bot.outbox.delivering import Outbox
from bot.pacing import WINDOW, Pace
from bot.personal import House
from bot.sender import TelegramSender, open_bot
from bot.storage import lane_heads, lanes, subscribers
from bot.storage.database import Database
from bot.storage.lane_heads import Visit
from bot.storage.lanes import Arrival, Attempt
from bot.storage.schema import lanes as lane_table
from bot.storage.schema import subscriptions, targets
from tests.builders import a_channel, a_feed, a_subscription, an_entry
from tests.fakes.bot_api import BOT_ID, TOKEN
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender
from tests.stage import Stage

LEASE = timedelta(seconds=40)
AT_ONCE = 500


async def a_crowd(database: Database, count: int) -> Stage:
    """A feed that *count* people follow, and a post that is not in the outbox yet."""
    stage = Stage(database, FakeClock(SystemClock().now()), FakeSender(FakeClock()))
    channel = a_channel("nobody", chat="-1001")
    await stage.adopt(a_subscription(a_feed(backfill=0), channel))
    await stage.read(an_entry(1))
    feed_id = next(iter(stage.routes.feeds))

    def follow(connection: Connection) -> None:
        now = stage.clock.now()
        people = range(1000, 1000 + count)
        rows = [
            {"bot_id": BOT_ID, "chat": str(one), "thread": 0, "channel": "", "chat_id": one, "id": one}
            for one in people
        ]
        connection.execute(insert(targets), rows)
        connection.execute(insert(lane_table), [{"bot_id": BOT_ID, "chat_id": one} for one in people])
        connection.execute(
            insert(subscriptions),
            [
                {
                    "id": one, "bot_id": BOT_ID, "feed_id": feed_id, "target_id": one, "feed_name": "sky",
                    "created_at": now, "active": True, "own": True,
                }
                for one in people
            ],
        )  # fmt: skip

    await database.write(follow)
    return stage


def enqueue(connection: Connection, stage: Stage) -> int:
    feed_id = next(iter(stage.routes.feeds))
    return subscribers.enqueue(connection, BOT_ID, feed_id, {1: frozenset()}, stage.clock.now(), is_resumed=False)


class Spent:
    """Seconds by what they went to, on the wall and of a processor: on a shared machine the second says more."""

    def __init__(self) -> None:
        self._seconds: dict[str, tuple[float, float]] = {}

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        wall, cpu = self._seconds.get(what, (0.0, 0.0))
        began = time.perf_counter() - wall, time.process_time() - cpu
        yield
        self._seconds[what] = time.perf_counter() - began[0], time.process_time() - began[1]

    def of(self, what: str, count: int) -> str:
        wall, cpu = self._seconds[what]
        return f"{wall / count:.2f} s, {cpu / count:.2f} s of a processor"

    def rate(self, what: str, count: int) -> str:
        wall, cpu = self._seconds[what]
        return f"{count / wall:8.0f} a second, {count / cpu:.0f} in a second of a processor"


async def measure_database(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'q.db'}")
        await asyncio.to_thread(database.migrate)
        stage = await a_crowd(database, count)
        spent = Spent()
        with spent.on("enqueue"):
            made = await database.write(enqueue, stage)
        print(f"{'enqueue':<22} {made} deliveries of one post in {spent.of('enqueue', 1)} (goal 3 s for 100,000)")
        now, done = stage.clock.now(), 0
        while done < min(count, 10_000):
            with spent.on("settle"):
                claimed = await database.write(lanes.claim, BOT_ID, now, limit=AT_ONCE, lease=LEASE)
            with spent.on("look"):
                visits = [Visit(lane, now, 1, WINDOW) for lane in claimed]
                found = await database.read(lane_heads.look_all, visits)
            heads = [(lane, each.head[0]) for lane, each in zip(claimed, found, strict=True) if each.head]
            with spent.on("settle"):
                attempts = [Attempt(lane, one, one.parts, now, now + LEASE) for lane, one in heads]
                await database.write(lanes.begin_all, attempts)
                arrivals = [Arrival(lane, one, SentMessage(done + n, now)) for n, (lane, one) in enumerate(heads)]
                await database.write(lanes.sent_all, arrivals)
                await database.write(lanes.release_all, [lanes.Return(lane, None) for lane in claimed])
            done += len(claimed)
        print(f"{'claim and settle':<22} {spent.rate('settle', done)}, in batches of {AT_ONCE} (goal 20,000)")
        print(f"{'look into lanes':<22} {spent.rate('look', done)}")
        await database.close()


async def measure_path(count: int) -> None:
    """Everything that happens to a message, limits off."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.bot_api", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdin is not None
    assert server.stdout is not None
    base = f"http://127.0.0.1:{json.loads(await server.stdout.readline())['port']}"
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'q.db'}")
        await asyncio.to_thread(database.migrate)
        stage = await a_crowd(database, count)
        async with aiohttp.ClientSession() as session:
            chats = [{"id": 1000 + n, "type": "private"} for n in range(count)]
            async with session.post(f"{base}/_chat", json=chats) as answer:
                answer.raise_for_status()
        await database.write(enqueue, stage)
        bot = open_bot(TOKEN, base)
        await bot.initialize()
        outbox = Outbox(
            database,
            TelegramSender(bot),
            SystemClock(),
            subscriptions=stage.routes.subscriptions,
            pace=Pace(per_second=1000),
            on_uncertain=OnUncertain.RESEND,
            house=House(feeds=stage.routes.feeds),
        )
        began, before = time.perf_counter(), time.process_time()
        sent = 0
        while sent < count:
            delivered = await outbox.deliver_due()
            sent += delivered.sent
            if not delivered.sent:
                break
        took, cpu = time.perf_counter() - began, time.process_time() - before
        states = set(await stage.states())
        assert states == {DeliveryState.SENT.value}, states
        print(f"{'outbox to Bot API':<22} {sent / took:8.0f} messages a second, {cpu * 1000 / sent:.2f} CPU ms each")
        await bot.shutdown()
        await database.close()
    server.stdin.close()
    await server.wait()


def measure(count: int) -> None:
    asyncio.run(measure_database(count))
    asyncio.run(measure_path(min(count, 3_000)))
