"""Kill it anywhere: SIGKILL at a random moment, start again, until nothing waits.

Short in ``make test``, long in ``make crash`` (``--crash-runs``). The fake Bot API misbehaves as the real one does:
late answers, connections broken before and after processing, 502 after processing, floods. Everything must arrive,
in order; a second copy is allowed only where the outbox says that the first try was uncertain.
"""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.child import Installation
from tests.fakes.bot_api import Action, BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.publisher import Publisher, rss

CHANNELS = [-1001111111111, -1002222222222]
PEOPLE = [1041, 1042, 1043]
COUNT = 6
FAULTS: list[Action] = ["drop_before", "drop_after", "status_after", "delay_after", "malformed"]


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as running:
        for chat_id in CHANNELS:
            running.add_chat(Chat(chat_id, type="channel", title="Sky", status="administrator"))
        for chat_id in PEOPLE:
            running.add_chat(Chat(chat_id, type="private", started=True))
        yield running


@pytest.fixture
async def bot(tmp_path: Path, api: BotApi) -> AsyncIterator[Installation]:
    items = [{"title": f"Moon number {number}", "guid": f"sky-{number}"} for number in range(COUNT, 0, -1)]
    channels = "".join(f'  c{index}: {{chat: "{chat}"}}\n' for index, chat in enumerate([*CHANNELS, *PEOPLE]))
    names = ", ".join(f"c{index}" for index in range(len(CHANNELS) + len(PEOPLE)))
    async with Publisher() as publisher:
        publisher.serve("/feed.xml", rss("Sky Notes", items))
        installation = Installation(tmp_path)
        installation.use_bot(api.base_url.removesuffix("/bot"))
        installation.configure(
            f"channels:\n{channels}"
            f'feeds: {{sky: {{url: "{publisher.url("/feed.xml")}", backfill: all, to: [{names}]}}}}\n'
        )
        yield installation


def make_trouble(api: BotApi, chance: random.Random) -> None:
    """A handful of the faults that the real server has, at random places."""
    for _ in range(4):
        api.fault(chance.choice(FAULTS), method="sendMessage", times=1, skip=chance.randrange(20), seconds=0.3)
    api.flood(1, method="sendMessage", skip=chance.randrange(20))


async def test_a_process_killed_anywhere_loses_nothing_and_repeats_only_what_was_uncertain(
    bot: Installation, api: BotApi, crash_runs: int
) -> None:
    chance = random.Random(crash_runs)
    make_trouble(api, chance)
    for _run in range(crash_runs):
        process = await bot.start("run")
        await asyncio.sleep(chance.uniform(1.5, 4.5))  # the moment of the kill is what is tested
        process.send_signal(signal.SIGKILL)
        await process.wait()
    for _pass in range(10):
        await bot.call("once")
        states = {row["state"] for row in await bot.json_of("deliveries")}
        if states == {"sent"}:
            break
    assert states == {"sent"}
    wanted = [f"Moon number {number}" for number in range(1, COUNT + 1)]
    for chat_id in [*CHANNELS, *PEOPLE]:
        titles = [text.split("\n")[0] for text in api.texts(chat_id)]
        assert list(dict.fromkeys(titles)) == wanted, chat_id
        # A copy comes right behind its original: a lane goes on only when its head is settled.
        assert titles == sorted(titles, key=wanted.index), chat_id
    rows = await bot.json_of("deliveries")
    copies = len(api.sent) - len(rows)
    tried_again = sum(row["attempts"] > 1 for row in rows)
    assert 0 <= copies <= tried_again
