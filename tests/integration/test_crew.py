"""Procrastinate as we use it: loops as jobs, one at a time, more hands where there is more to do, and a clean end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import structlog
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, text

from bot import workers
from bot.clock import SystemClock
from bot.errors import BotError, TokenRejected
from bot.loops import Loop
from bot.roles import Role
from bot.storage.database import Database
from bot.workers import PostgresCrew

BOT = 7
PATIENCE = 20
SECOND = timedelta(seconds=1)


@pytest.fixture
async def database(worker_databases: Callable[[], str]) -> AsyncIterator[Database]:
    opened = Database(worker_databases())
    yield opened
    await opened.close()


@asynccontextmanager
async def a_crew(
    database: Database, *loops: Loop, on_fatal: Callable[[BotError], None] | None = None
) -> AsyncIterator[PostgresCrew]:
    told: list[BotError] = []
    crew = PostgresCrew(
        database, BOT, loops, SystemClock(), patience=timedelta(seconds=10), on_fatal=on_fatal or told.append
    )
    await crew.start()
    try:
        async with asyncio.timeout(PATIENCE):
            yield crew
    finally:
        await crew.stop()
    assert told == []


def poll(act: Callable[[], Awaitable[timedelta | None]], every: timedelta = SECOND) -> Loop:
    return Loop("poll", every, Role.POLL, act)


async def jobs(database: Database) -> list[tuple[str, str]]:
    def find(connection: Connection) -> list[tuple[str, str]]:
        rows = connection.execute(text("SELECT task_name, status FROM procrastinate_jobs ORDER BY id"))
        return [(row.task_name, row.status) for row in rows]

    return await database.read(find)


async def test_a_worker_goes_on_while_there_is_more_and_finishes_what_it_began(database: Database) -> None:
    begun, may_end, ended = asyncio.Semaphore(0), asyncio.Event(), list[int]()

    async def act() -> timedelta | None:
        begun.release()
        if len(ended) == 3:
            await may_end.wait()
        ended.append(len(ended))
        return timedelta(milliseconds=1)

    async with a_crew(database, poll(act)) as crew:
        for _ in range(4):
            await begun.acquire()
        assert crew.is_at_work()
        stopping = asyncio.create_task(crew.stop())
        await asyncio.sleep(0)
        may_end.set()
        await stopping
    assert ended == [0, 1, 2, 3]  # one job, and the pass that was under way
    assert not crew.is_at_work()
    assert ("poll 7", "doing") not in await jobs(database)


async def test_who_finds_more_than_it_can_take_calls_the_next(database: Database) -> None:
    entered, crews = [asyncio.Event(), asyncio.Event()], list[PostgresCrew]()

    def loop(number: int) -> Loop:
        async def act() -> timedelta | None:
            entered[number].set()
            crews[number].call(Role.POLL, "poll")
            await entered[1 - number].wait()  # who comes first has no end without the other
            return None

        return poll(act, timedelta(hours=1))  # nobody is woken by the clock

    other = Database(database.conninfo)
    async with a_crew(database, loop(0)) as one, a_crew(other, loop(1)) as two:
        crews += [one, two]
        one.call(Role.POLL, "poll")
        for event in entered:
            await event.wait()
    await other.close()


async def test_a_fault_ends_a_pass_and_no_worker_and_a_lost_token_is_told(database: Database) -> None:
    faults = iter([BotError("not now"), ValueError("a bug"), TokenRejected("no such bot")])
    told: asyncio.Queue[BotError] = asyncio.Queue()

    async def act() -> timedelta | None:
        raise next(faults)

    with structlog.testing.capture_logs() as logs:
        async with a_crew(database, poll(act), on_fatal=told.put_nowait) as crew:
            while told.empty():
                crew.call(Role.POLL, "poll")
                await asyncio.sleep(0.05)
    assert str(await told.get()) == "no such bot"
    assert [line["event"] for line in logs] == ["job failed", "job crashed"]


async def test_what_a_dead_worker_had_in_hand_is_cleared_away(database: Database) -> None:
    def die(connection: Connection) -> None:
        worker = connection.execute(
            text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id")
        ).scalar_one()
        connection.execute(
            text(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, status, worker_id, args) "
                "VALUES ('poll 7', 'keep 7', 'doing', :worker, '{}'), ('poll 8', 'keep 8', 'doing', :worker, '{}')"
            ),
            {"worker": worker},
        )

    await database.write(die)

    async def nothing() -> timedelta | None:
        return None

    with structlog.testing.capture_logs() as logs:
        async with a_crew(database, poll(nothing)):
            while ("keep 7", "doing") in await jobs(database):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    assert ("keep 8", "doing") in await jobs(database)  # another bot's
    assert [line["job"] for line in logs] == ["keep 7"]


def test_the_engines_tables_are_made_once_and_brought_up(
    shared_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = Database(shared_url)
    workers.install(database)
    workers.install(database)
    folder = tmp_path_factory.mktemp("sql")
    (folder / "99.00.00_01_next.sql").write_text("CREATE TABLE procrastinate_next (percent text DEFAULT '100 %');")
    monkeypatch.setattr(SchemaManager, "get_migrations_path", lambda: str(folder))
    workers.install(database)
    workers.install(database)
    database.read_now(lambda connection: connection.execute(text("SELECT percent FROM procrastinate_next")))
    database.dispose()
