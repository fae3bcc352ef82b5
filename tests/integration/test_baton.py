"""One process of a bot asks Telegram for updates; when it is gone, another does."""

import asyncio
from pathlib import Path

from sqlalchemy import text

from bot.app import App
from bot.config.reading import Settings, read_config
from bot.roles import Role
from bot.storage.baton import Baton
from bot.storage.database import Database
from tests.fakes.bot_api import TOKEN, BotApi

PERSON = 1001


async def test_one_has_it_until_it_drops_it_or_its_connection_breaks(
    shared_database: Database, shared_url: str
) -> None:
    other = Database(shared_url)
    one, two, of_another_bot = Baton(shared_database, 1), Baton(other, 1), Baton(other, 2)
    assert [await one.take(), await two.take(), await of_another_bot.take()] == [True, False, True]
    assert [await one.take(), await two.take()] == [True, False]
    await shared_database.write(
        lambda connection: connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
                "WHERE locktype = 'advisory' AND datname = current_database()"
            )
        )
    )
    assert [await one.take(), await two.take(), await one.take()] == [False, True, False]
    await two.drop()
    assert await one.take()
    await one.drop()
    await of_another_bot.drop()
    await other.close()


async def test_on_sqlite_there_is_nobody_else(sqlite: Database) -> None:
    baton = Baton(sqlite, 1)
    assert await baton.take()
    await baton.drop()


async def test_updates_are_asked_for_by_one_and_then_by_the_other(tmp_path: Path, shared_url: str) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_text(f"bot: {{admins: [{PERSON}], language: en}}")
    async with BotApi() as api:
        settings = Settings(
            token=TOKEN,
            api_url=api.base_url.removesuffix("/bot"),
            database_url=shared_url,
            config=str(path),
            http_port=0,
        )
        config = read_config(path, environment={}, with_token=True)
        apps, running = [], []
        for _ in range(2):
            apps.append(App(settings, config, lambda _line: None, roles=frozenset({Role.ANSWER})))
            running.append(asyncio.create_task(apps[-1].run()))
            await api.until(lambda: bool(api.calls("getUpdates")))
        api.crowd.private_message(PERSON, "/help", language_code="en")
        await api.until(lambda: len(api.texts(PERSON)) == 1)
        listening = [app._answering is not None and app._answering.is_listening for app in apps]
        assert listening == [True, False]
        apps[0].stop()
        await asyncio.wait_for(is_listening(apps[1]), 15)
        api.crowd.private_message(PERSON, "/help", language_code="en")
        await api.until(lambda: len(api.texts(PERSON)) == 2)
        for app in apps:
            app.stop()
        await asyncio.gather(*running)
        for app in apps:
            await app.close()
    assert len(api.texts(PERSON)) == 2


async def is_listening(app: App) -> None:
    while app._answering is None or not app._answering.is_listening:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
