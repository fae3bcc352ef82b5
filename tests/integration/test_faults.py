"""What breaks outside: disk, database, clock, names, the Bot API. When it ends the bot goes on; nothing is lost.

With python-telegram-bot's own client against the fake Bot API, on a clock that only the test moves.
"""

import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.model import OnUncertain
from bot.outbox.delivering import Outbox
from bot.outbox.evidence import Evidence
from bot.pacing import Pace
from bot.sender import TelegramProbe, TelegramSender, open_bot
from bot.storage.database import Database
from tests.builders import a_channel, a_subscription, an_entry
from tests.fakes.bot_api import BOT_ID, TOKEN, BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender
from tests.stage import Stage

CHANNEL, ADMIN = -1001111111111, 42
COUNT = 5
HOUR = timedelta(hours=1)


@pytest.fixture
async def api(clock: FakeClock) -> AsyncIterator[BotApi]:
    async with BotApi(now=clock, monotonic=clock.monotonic) as running:
        running.add_chat(Chat(CHANNEL, type="channel", status="administrator", can_edit_messages=True))
        running.add_chat(Chat(ADMIN, type="private", started=True))
        yield running


@pytest.fixture
async def impatient(tmp_path: Path, sqlite: Database, clock: FakeClock) -> AsyncIterator[Stage]:
    """A stage whose database waits for nobody."""
    database = Database(f"sqlite:///{tmp_path / 'q.db'}", busy_ms=20)
    yield Stage(database, clock, FakeSender(clock))
    await database.close()


@asynccontextmanager
async def an_outbox(
    stage: Stage, api_url: str, step: Callable[[str], None] = lambda _name: None
) -> AsyncIterator[Outbox]:
    bot = open_bot(TOKEN, api_url)
    for request in bot._request:  # getMe would need the network that a test takes away
        await request.initialize()

    async def to_whom() -> Sequence[int]:
        return (ADMIN,)

    yield Outbox(
        stage.database,
        TelegramSender(bot, stage.clock),
        stage.clock,
        subscriptions=stage.routes.subscriptions,
        pace=Pace(),
        on_uncertain=OnUncertain.HOLD,
        evidence=Evidence(stage.database, TelegramProbe(bot), stage.clock, bot_id=BOT_ID, places=to_whom),
        step=step,
    )
    for request in bot._request:
        await request.shutdown()


async def posts_for_a_channel(stage: Stage) -> None:
    await stage.adopt(a_subscription(channel=a_channel(chat=str(CHANNEL))))
    await stage.read(an_entry(0))
    await stage.read(an_entry(0), *(an_entry(number) for number in range(1, COUNT + 1)))


def assert_all_arrived_once(api: BotApi) -> None:
    said = [str(message.body["text"]).split("\n")[0] for message in api.chats[CHANNEL].messages.values()]
    assert said == [f"Moon number {number}" for number in range(1, COUNT + 1)]


@pytest.mark.parametrize("when", ["before the attempt is committed", "before the send", "after the send"])
async def test_a_full_disk(impatient: Stage, api: BotApi, when: str) -> None:
    """SQLite's own refusal: the file may grow no more, and then it may."""
    await posts_for_a_channel(impatient)
    seen = 0

    def let_grow(pages: int) -> Callable[[Connection], None]:
        def limit(connection: Connection) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

        return limit

    def fill(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count=1")  # SQLite takes what there is
        connection.exec_driver_sql("CREATE TABLE ballast (x)")
        while True:
            connection.exec_driver_sql("INSERT INTO ballast VALUES (zeroblob(100))")

    def fail(name: str) -> None:
        nonlocal seen
        seen += name == when
        if seen == 2 and name == when:
            impatient.database.write_now(fill)

    async with an_outbox(impatient, api.base_url.removesuffix("/bot"), step=fail) as outbox:
        delivered = await outbox.deliver_due()
        assert any("the disk is full; make room" in problem for problem in delivered.faults)
        await impatient.database.write(let_grow(2**30))
        impatient.clock.advance(timedelta(minutes=1))
        seen = 100
        await impatient.deliver_until_idle(outbox)
    assert_all_arrived_once(api)
    assert await impatient.states() == ["sent"] * COUNT


async def test_a_database_that_another_program_locks(tmp_path: Path, impatient: Stage, api: BotApi) -> None:
    await posts_for_a_channel(impatient)
    other = sqlite3.connect(tmp_path / "q.db", isolation_level=None, check_same_thread=False)
    seen = 0

    def lock(name: str) -> None:
        nonlocal seen
        seen += name == "after the send"
        if seen == 2 and name == "after the send":
            other.execute("BEGIN IMMEDIATE")

    async with an_outbox(impatient, api.base_url.removesuffix("/bot"), step=lock) as outbox:
        delivered = await outbox.deliver_due()
        assert any("another program holds a lock" in problem for problem in delivered.faults)
        other.execute("ROLLBACK")
        seen = 100
        impatient.clock.advance(timedelta(minutes=1))
        await impatient.deliver_until_idle(outbox)
    other.close()
    assert_all_arrived_once(api)


@pytest.mark.parametrize("jump", [-HOUR, timedelta(days=1)], ids=["an-hour-back", "a-day-forward"])
async def test_a_clock_that_is_set(lite: Stage, api: BotApi, jump: timedelta) -> None:
    """In the middle of the pace, with one send uncertain: what had seconds to go has seconds to go."""
    await posts_for_a_channel(lite)
    api.fault("drop_after", containing="Moon number 2")
    async with an_outbox(lite, api.base_url.removesuffix("/bot")) as outbox:
        await outbox.deliver_due()
        assert await lite.states() == ["sent", "uncertain"] + ["pending"] * (COUNT - 2)
        lite.clock.jump(jump)
        await lite.deliver_until_idle(outbox, within=timedelta(minutes=2))
    assert_all_arrived_once(api)


async def test_a_bot_api_that_is_gone_for_an_hour(lite: Stage, api: BotApi) -> None:
    await posts_for_a_channel(lite)
    async with an_outbox(lite, api.base_url.removesuffix("/bot")) as outbox:
        port = api.port
        await api.stop()
        for _minute in range(60):
            await outbox.deliver_due()
            lite.clock.advance(timedelta(minutes=1))
        await api.start(port)
        await lite.deliver_until_idle(outbox)
    assert_all_arrived_once(api)


async def test_names_that_nobody_resolves(lite: Stage, api: BotApi, monkeypatch: pytest.MonkeyPatch) -> None:
    await posts_for_a_channel(lite)
    real, is_gone = socket.getaddrinfo, True

    def resolve(host: Any, *rest: Any, **named: Any) -> Any:
        if host != "bot-api.example":
            return real(host, *rest, **named)
        if is_gone:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real("127.0.0.1", *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    async with an_outbox(lite, f"http://bot-api.example:{api.port}") as outbox:
        for _minute in range(5):
            await outbox.deliver_due()
            lite.clock.advance(timedelta(minutes=1))
        assert await lite.states() == ["pending"] * COUNT
        is_gone = False
        await lite.deliver_until_idle(outbox)
    assert_all_arrived_once(api)
