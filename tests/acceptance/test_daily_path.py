"""The days of an operator, from an empty folder to an upgrade, by the commands and the chat that people use."""

import asyncio
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.storage.database import HEAD
from tests.acceptance.test_child_process import _free_port, _get, _lines_until
from tests.child import PATIENCE, ROOT, Installation
from tests.fakes.bot_api import BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.publisher import Publisher, rss
from tests.integration.test_cli import Ended, call

CHANNEL, ADMIN = -1001111111111, 42
FEEDS = ("sky", "garden", "kitchen")


class Operator:
    """Somebody in the folder of an installation."""

    def __init__(self, installation: Installation, publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
        self.installation = installation
        self._publisher = publisher
        self._monkeypatch = monkeypatch

    async def type(self, *arguments: str) -> Ended:
        """A command, in the environment of the bot."""
        for name, value in self.installation.variables().items():
            self._monkeypatch.setenv(name, value)
        return await asyncio.to_thread(call, *arguments)

    async def until_states(self, *states: str) -> None:
        """Until the outbox, which is another process's, is so."""
        async with asyncio.timeout(PATIENCE):
            while await self._states() != list(states):  # noqa: ASYNC110 (nothing of it can be waited for)
                await asyncio.sleep(0.1)

    async def _states(self) -> list[str]:
        return [line["state"] for line in (await self.type("deliveries", "--json")).lines]

    def write(self, *feeds: str, mistake: str = "") -> None:
        """A feeds.yaml with these feeds."""
        lines = [f'  {name}: {{url: "{self._publisher.url(f"/{name}.xml")}", backfill: 1}}\n' for name in feeds]
        self.installation.configure(
            f"bot: {{admins: [{ADMIN}], language: en}}\n"
            f'channels: {{main: {{chat: "@sky_news", language: en}}}}\nfeeds:\n{"".join(lines)}{mistake}'
        )


def restore(folder: Path) -> None:
    for path in folder.glob("q.db*"):
        path.unlink()
    shutil.copy(folder / "backup.db", folder / "q.db")


@pytest.fixture
async def publisher() -> Any:
    async with Publisher() as running:
        for name in FEEDS:
            running.serve(f"/{name}.xml", rss(name.title(), [{"title": f"News of the {name}", "guid": name}]))
        yield running


async def test_the_daily_path_of_an_operator(
    tmp_path: Path, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = Installation(tmp_path, {"QASEDAK_HTTP_PORT": str(_free_port())})
    operator = Operator(here, publisher, monkeypatch)

    # An empty folder, then the sample.
    ended = await operator.type("check")
    assert (ended.code, ended.out) == (2, "")
    assert "feeds.yaml: no such file" in ended.err
    shutil.copy(ROOT / "feeds.yaml", tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    assert (await operator.type("check")).code == 0
    assert {one["name"] for one in (await operator.type("plan", "--json")).lines} >= {
        "main",
        "quanta",
        "sky-and-garden",
    }

    # A channel and a feed of one's own.
    async with BotApi(strict=True) as api:
        api.add_chat(Chat(CHANNEL, type="channel", title="Sky", username="sky_news", status="administrator"))
        api.add_chat(Chat(ADMIN, type="private", started=True))
        here.use_bot(api.base_url.removesuffix("/bot"))
        operator.write("sky")
        assert (await operator.type("check")).code == 0
        (feed, channel) = (await operator.type("plan", "--json")).lines
        assert (feed["name"], feed["change"], channel["after"]) == ("sky", "added", "@sky_news")
        await _a_day(operator, api, tmp_path)
        assert api.violations == []


async def _a_day(operator: Operator, api: BotApi, folder: Path) -> None:
    def posted() -> list[str]:
        return [text.split("\n")[0] for text in api.texts(CHANNEL)]

    def told(words: str) -> Callable[[], bool]:
        return lambda: any(words in text for text in api.texts(ADMIN))

    async with operator.installation.running() as process:
        await api.until(lambda: posted() == ["News of the sky"])

        # A feed is added to the file.
        operator.write("sky", "garden")
        process.send_signal(signal.SIGHUP)
        await api.until(lambda: len(posted()) == 2)
        assert (await operator.type("plan")).err == "feeds.yaml: changes nothing\n"

        # The file breaks, the bot goes on, the admin hears of it; and of the end of it.
        operator.write("sky", "garden", mistake="  kitchen: {url: https://kitchen.example/, evry: 1h}\n")
        process.send_signal(signal.SIGHUP)
        await api.until(told("unknown key 'evry'"))
        assert "did you mean 'every'?" in (await operator.type("check")).err
        operator.write("sky", "garden")
        before = len(api.texts(ADMIN))
        process.send_signal(signal.SIGHUP)
        await api.until(lambda: len(api.texts(ADMIN)) > before)

        # The page.
        page = await asyncio.to_thread(
            _get, f"http://127.0.0.1:{operator.installation.environment['QASEDAK_HTTP_PORT']}/"
        )
        assert all(word in page for word in ("sky", "garden", "Sky"))

        # What comes while the channel is paused waits for it.
        api.crowd.private_message(ADMIN, "/pause main", "en")
        await api.until(lambda: len(api.texts(ADMIN)) > before + 1)
        operator.write(*FEEDS)
        process.send_signal(signal.SIGHUP)
        await operator.until_states("sent", "sent", "pending")
        assert len(posted()) == 2
        api.crowd.private_message(ADMIN, "/resume main", "en")
        await api.until(lambda: len(posted()) == 3)
        await operator.until_states("sent", "sent", "sent")
        assert (await operator.type("backup", "backup.db")).code == 0

    # The disk fails; the copy takes its place, and nothing is sent again.
    before_it = await operator.type("deliveries", "--json")
    restore(folder)
    assert (await operator.type("db", "upgrade")).out.endswith(f"q.db: schema {HEAD}\n")
    assert [line["post"] for line in (await operator.type("deliveries", "--json")).lines] == [
        line["post"] for line in before_it.lines
    ]
    async with operator.installation.running() as process:
        await _lines_until(process, "Next reading")
    assert sorted(posted()) == ["News of the garden", "News of the kitchen", "News of the sky"]
    await operator.until_states("sent", "sent", "sent")
    assert (await operator.type("doctor", "report.zip")).code == 0
