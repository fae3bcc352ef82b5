"""What a process does, and what it leaves to others: each role alone, one after the other on one database."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import App
from bot.clock import Clock
from bot.config.reading import Settings, read_config
from bot.loops import Loop
from bot.roles import EVERYTHING, Role, written
from bot.storage import reports
from bot.storage.database import Database
from tests.fakes.bot_api import BOT_ID, TOKEN, BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.publisher import Publisher, rss

CHANNEL, PERSON = -1001000000001, 1001
PATIENCE = 10


@dataclass(slots=True)
class House:
    """A bot's world, in which processes are started."""

    api: BotApi
    publisher: Publisher
    settings: Settings

    @asynccontextmanager
    async def process(self, *roles: Role) -> AsyncIterator[App]:
        config = read_config(Path(self.settings.config), environment={}, with_token=True)
        app = App(self.settings, config, lambda _line: None, roles=frozenset(roles))
        running = asyncio.create_task(app.run())
        try:
            yield app
        finally:
            app.stop()
            await running
            await app.close()


@pytest.fixture
async def house(tmp_path: Path, migrated_file: Path) -> AsyncIterator[House]:
    shutil.copy(migrated_file, tmp_path / "q.db")
    async with BotApi() as api, Publisher() as publisher:
        api.add_chat(Chat(CHANNEL, type="channel", status="administrator"))
        publisher.serve("/feed", rss("Sky", [{"title": "The moon", "guid": "1"}]))
        path = tmp_path / "feeds.yaml"
        path.write_text(
            f"bot: {{admins: [{PERSON}], language: en}}\nchannels: {{c: {{chat: '{CHANNEL}'}}}}\n"
            f"feeds: {{sky: {{url: '{publisher.url('/feed')}', backfill: all}}}}\n"
        )
        settings = Settings(
            token=TOKEN,
            api_url=api.base_url.removesuffix("/bot"),
            database_url=f"sqlite:///{tmp_path / 'q.db'}",
            config=str(path),
            http_port=0,
            host_spacing=0.0,
            allow_private_networks=True,
        )
        yield House(api, publisher, settings)


async def test_each_role_is_a_part_of_its_own(house: House) -> None:
    house.api.crowd.private_message(PERSON, "/help", language_code="en")
    async with house.process(Role.POLL) as app, asyncio.timeout(PATIENCE):
        while not await app.database.read(reports.delivery_rows, BOT_ID):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        assert await app._vitals.is_ready()
    asked = len(house.publisher.requests)
    assert (asked, house.api.texts(), house.api.calls("getUpdates")) == (1, [], [])

    async with house.process(Role.DELIVER) as app:
        await house.api.wait_sent(1)
        assert await app._vitals.is_ready()
    assert [text.partition("\n")[0] for text in house.api.texts(CHANNEL)] == ["The moon"]
    assert (house.api.texts(PERSON), house.api.calls("getUpdates")) == ([], [])

    async with house.process(Role.ANSWER) as app:
        await house.api.until(lambda: bool(house.api.texts(PERSON)))
        assert app._site is None
    assert len(house.publisher.requests) == asked


class OneReading:
    """A crew that reads once, and does nothing else that it is not called for."""

    def __init__(self, database: Database, bot_id: int, loops: Sequence[Loop], clock: Clock, **_options: Any) -> None:
        self._loops = {loop.name: loop for loop in loops}
        self._at_work: list[asyncio.Task[object]] = []

    async def start(self) -> None:
        self.call(Role.POLL, "poll")

    def call(self, role: Role, name: str) -> None:
        assert self._loops[name].role is role
        self._at_work.append(asyncio.ensure_future(self._loops[name].act()))

    def is_at_work(self) -> bool:
        return True

    async def stop(self) -> None:
        await asyncio.gather(*self._at_work)


async def test_workers_are_called_to_deliver_what_one_of_them_has_read(house: House) -> None:
    config = read_config(Path(house.settings.config), environment={}, with_token=True)
    app = App(house.settings, config, lambda _line: None, roles=frozenset({Role.POLL, Role.DELIVER}))
    running = asyncio.create_task(app.run(OneReading))
    await house.api.wait_sent(1)
    app.stop()
    await running
    await app.close()
    assert [text.partition("\n")[0] for text in house.api.texts(CHANNEL)] == ["The moon"]


async def test_pages_are_a_part_of_their_own(house: House) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    house.settings = house.settings.model_copy(update={"http_port": port})
    async with house.process(Role.WEB) as app, aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE):
        while not await app._vitals.is_ready():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        for path, status in (("/healthz", 200), ("/readyz", 200), ("/", 200)):
            async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
                assert answer.status == status, path
    assert (house.publisher.requests, house.api.calls("getUpdates"), house.api.sent) == ([], [], [])


@pytest.mark.parametrize("role", Role)
async def test_every_loop_belongs_to_one_role(role: Role, house: House) -> None:
    config = read_config(Path(house.settings.config), environment={}, with_token=True)
    names = {}
    for roles in (frozenset({role}), EVERYTHING - {role}, EVERYTHING):
        app = App(house.settings, config, lambda _line: None, roles=roles)
        names[roles] = [loop.name for loop in app.loops()]
        await app.close()
    alone, others, together = names.values()
    assert sorted(alone + others) == sorted(together)


def test_roles_are_written_as_they_are_read() -> None:
    assert written({Role.WEB, Role.POLL}) == "poll, web"
