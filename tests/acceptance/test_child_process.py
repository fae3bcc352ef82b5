"""``qasedak run`` as people run it: a process, signals, a page, a second start."""

import asyncio
import os
import signal
import socket
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.child import Installation, mortals, terminate
from tests.fakes.bot_api import BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.publisher import Publisher, rss

CHANNEL = -1001111111111
COUNT = 6


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi(strict=True) as running:
        running.add_chat(Chat(CHANNEL, type="channel", title="Sky", username="sky_news", status="administrator"))
        yield running


@pytest.fixture
async def bot(tmp_path: Path, api: BotApi) -> AsyncIterator[Installation]:
    items = [
        {"title": f"Moon number {number}", "guid": f"sky-{number}", "link": f"https://sky.example/{number}"}
        for number in range(COUNT, 0, -1)
    ]
    async with Publisher() as publisher:
        publisher.serve("/feed.xml", rss("Sky Notes", items))
        installation = Installation(tmp_path)
        installation.use_bot(api.base_url.removesuffix("/bot"))
        installation.configure(
            f"""
bot: {{admins: [42]}}
channels: {{main: {{chat: "@sky_news"}}}}
feeds: {{sky: {{url: "{publisher.url("/feed.xml")}", backfill: all}}}}
"""
        )
        yield installation


async def test_sigterm_during_sending_ends_the_process_and_the_next_start_goes_on(
    bot: Installation, api: BotApi
) -> None:
    async with bot.running() as process:
        await api.wait_sent(1)
        api.fault("delay", method="sendMessage", seconds=0.5, times=0)
        await api.wait_sent(2)
        began = asyncio.get_running_loop().time()
        code, errors = await terminate(process)
        assert asyncio.get_running_loop().time() - began < 20
    assert (code, "Traceback" in errors) == (0, False)
    before = len(api.sent)
    assert before < COUNT
    api.faults.clear()
    async with bot.running():
        await api.wait_sent(before + 1)
    titles = [text.split("\n")[0] for text in api.texts(CHANNEL)]
    assert titles == [f"Moon number {number}" for number in range(1, len(titles) + 1)]
    assert api.violations == []


async def test_sigkill_during_a_send_loses_nothing_and_the_row_says_what_is_uncertain(
    bot: Installation, api: BotApi
) -> None:
    """The kill falls where it hurts most: Telegram has the message, and the process never learns of it."""
    api.fault("delay_after", method="sendMessage", seconds=30, times=1, skip=1)
    # Not too fast a clock: the kill has to come before the send's own deadline does, on a busy machine too.
    async with mortals(bot, speed=4) as bots:
        pid = await bots.start()
        await api.wait_sent(2)
        os.kill(pid, signal.SIGKILL)
        await bots.wait()
        states = [row["state"] for row in await bot.json_of("deliveries")]
        assert states == ["sent", "sending"] + ["pending"] * (COUNT - 2)
        await bots.start()
        assert await bots.wait() == 0
    titles = [text.split("\n")[0] for text in api.texts(CHANNEL)]
    # In a channel the next process looks, finds the second, and does not send it again.
    assert titles == [f"Moon number {number}" for number in range(1, COUNT + 1)]


async def test_a_second_run_on_one_database_is_refused_and_names_the_first(bot: Installation, api: BotApi) -> None:
    async with bot.running() as process:
        await api.wait_sent(1)
        code, _output, errors = await bot.call("run")
    assert code == 2
    assert f"already in use by process {process.pid}" in errors


async def test_the_start_says_what_an_operator_wants_to_know(bot: Installation, api: BotApi) -> None:
    api.chats[CHANNEL].can_post_messages = False
    bot.environment["QASEDAK_HTTP_PORT"] = str(_free_port())
    async with bot.running() as process:
        lines = await _lines_until(process, "Next reading")
        _code, rest = await terminate(process)
    said = "\n".join(lines)
    assert "Configuration  feeds.yaml" in said
    assert "Database       " in said
    assert "Bot            @" in said
    assert "✗ main: the bot may not post; in Telegram: channel administrators -> the bot -> Post messages" in said
    assert f"Preview        http://127.0.0.1:{bot.environment['QASEDAK_HTTP_PORT']}/preview/main" in said
    assert bot.environment["TELEGRAM_BOT_TOKEN"].partition(":")[2] not in said + rest


async def test_the_admin_chat_hears_of_a_right_that_is_missing_and_of_a_silent_first_reading(
    bot: Installation, api: BotApi
) -> None:
    api.add_chat(Chat(42, type="private", started=True))
    written = (bot.folder / "feeds.yaml").read_text(encoding="utf-8")
    bot.configure(written.replace("backfill: all", "backfill: 0"))
    async with bot.running():
        await api.until(lambda: bool(api.texts(42)))
    assert "۶ نوشته خوانده شد و هیچ\u200cکدام منتشر نشد (backfill: 0)" in api.texts(42)[0]
    assert "/preview sky" in api.texts(42)[0]
    (bot.folder / "q.db").unlink()
    bot.configure(written)
    api.chats[CHANNEL].can_post_messages = False
    async with bot.running():
        await api.until(lambda: len(api.texts(42)) == 2)
    assert "اجازهٔ ارسال ندارم" in api.texts(42)[1]


async def test_without_a_token_the_page_shows_the_channel(bot: Installation, api: BotApi) -> None:
    del bot.environment["TELEGRAM_BOT_TOKEN"]
    port = _free_port()
    bot.environment["QASEDAK_HTTP_PORT"] = str(port)
    async with bot.running() as process:
        await _lines_until(process, '"delivery": 6')
        page = await asyncio.to_thread(_get, f"http://127.0.0.1:{port}/preview/main")
        assert await asyncio.to_thread(_get, f"http://127.0.0.1:{port}/healthz") == "ok"
    assert "Moon number 6" in page
    assert "چیزی به تلگرام نرفته" in page
    assert api.requests == []


async def test_a_taken_port_is_one_line_and_exit_code_2(bot: Installation) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        bot.environment["QASEDAK_HTTP_PORT"] = str(server.sockets[0].getsockname()[1])
        code, _output, errors = await bot.call("run")
    assert code == 2
    assert "port taken" in errors
    assert "Traceback" not in errors


async def test_pages_off_loopback_need_a_token(bot: Installation) -> None:
    bot.environment |= {"QASEDAK_HTTP_HOST": "0.0.0.0", "QASEDAK_HTTP_PORT": "1"}
    code, _output, errors = await bot.call("run")
    assert code == 2
    assert "set QASEDAK_HTTP_TOKEN" in errors


async def test_the_claim_link_makes_the_first_admin_once(bot: Installation, api: BotApi) -> None:
    bot.configure((bot.folder / "feeds.yaml").read_text(encoding="utf-8").replace("bot: {admins: [42]}", ""))
    async with bot.running() as process:
        lines = await _lines_until(process, "Next reading")
        (claim,) = [line for line in lines if "to become admin" in line]
        payload = claim.partition("?start=")[2].split(" ")[0]
        api.crowd.private_message(7, "/start claim_wrong", "en")
        await api.until(lambda: len(api.texts(7)) == 1)
        assert "Your id: 7" in api.texts(7)[0]
        api.crowd.private_message(7, f"/start {payload}", "en")
        await api.until(lambda: len(api.texts(7)) == 2)
        assert api.texts(7)[1].startswith("You are this bot's admin now.")
        api.crowd.private_message(8, f"/start {payload}", "en")
        await api.until(lambda: len(api.texts(8)) == 1)
        assert "admin now" not in api.texts(8)[0]
    async with bot.running() as process:
        lines = await _lines_until(process, "Next reading")
    assert not [line for line in lines if "to become admin" in line]


async def _lines_until(process: asyncio.subprocess.Process, sign: str) -> list[str]:
    assert process.stderr is not None
    lines: list[str] = []
    async with asyncio.timeout(25):
        while not lines or sign not in lines[-1]:
            line = (await process.stderr.readline()).decode().rstrip()
            if not line and process.stderr.at_eof():
                raise AssertionError("\n".join(lines))
            lines.append(line)
    return lines


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
