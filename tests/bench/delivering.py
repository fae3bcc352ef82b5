"""What the outbox costs in the database: one post for 100,000 chats, put into the outbox, claimed and settled.

On SQLite, in the writer's own thread, without the network; then the whole path through the fake Bot API, limits off.
"""

import asyncio
import json
import logging
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import aiohttp
import structlog
from sqlalchemy import Connection, insert

from bot.clock import SystemClock
from bot.model import DeliveryState, OnUncertain, SentMessage
from bot.outbox import Outbox
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


async def measure_database(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'q.db'}")
        await asyncio.to_thread(database.migrate)
        stage = await a_crowd(database, count)
        began = time.perf_counter()
        made = await database.write(enqueue, stage)
        took = time.perf_counter() - began
        print(f"{'enqueue':<22} {made} deliveries of one post in {took:.2f} s (goal {count} in 3 s for 100,000)")
        now, done, looked, spent = stage.clock.now(), 0, 0.0, 0.0
        while done < min(count, 10_000):
            began = time.perf_counter()
            claimed = await database.write(lanes.claim, BOT_ID, now, limit=AT_ONCE, lease=LEASE)
            claiming = time.perf_counter() - began
            visits = [Visit(lane, now, 1, WINDOW) for lane in claimed]
            waiting = zip(claimed, await database.read(lane_heads.look_all, visits), strict=True)
            looked += time.perf_counter() - began - claiming
            heads = [(lane, found.head[0]) for lane, found in waiting if found.head]
            began = time.perf_counter()
            attempts = [Attempt(lane, one, one.parts, now, now + LEASE) for lane, one in heads]
            await database.write(lanes.begin_all, attempts)
            arrivals = [Arrival(lane, one, SentMessage(done + n, now)) for n, (lane, one) in enumerate(heads)]
            await database.write(lanes.sent_all, arrivals)
            await database.write(lanes.release_all, [(lane, None) for lane in claimed])
            spent += claiming + time.perf_counter() - began
            done += len(claimed)
        rate = done / spent
        print(f"{'claim and settle':<22} {rate:8.0f} a second in batches of {AT_ONCE} (goal 20,000)")
        print(f"{'look into a lane':<22} {done / looked:8.0f} a second, one lane at a time")
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
