"""Kill it anywhere: SIGKILL at a random moment, start again, until nothing waits.

Short in ``make test``; in ``make crash`` 300 runs (``--crash-runs``) of 40 posts to four channels and six people. The
fake Bot API misbehaves as the real one does: late answers, connections broken before and after processing, 502 after
processing, floods. Everything must arrive, in order; in channels once, in private chats a second time only where the
outbox says that the first try was uncertain. Time runs faster than outside (``tests/mortal.py``).
"""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.storage import reports
from bot.storage.database import Database
from tests.child import Installation, mortals
from tests.fakes.bot_api import BOT_ID, Action, BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.publisher import Publisher, rss

#: Copies of what is uncertain go there.
ADMIN = 42
FAULTS: list[Action] = ["drop_before", "drop_after", "status_after", "delay_after", "malformed", "truncate"]


@dataclass(frozen=True, slots=True)
class Size:
    """How much one run sends."""

    channels: int
    people: int
    posts: int  #: of each of two feeds
    longest: float  #: seconds until the kill

    @property
    def channel_ids(self) -> list[int]:
        return [-1001000000000 - number for number in range(self.channels)]

    @property
    def chat_ids(self) -> list[int]:
        return [*self.channel_ids, *(1040 + number for number in range(self.people))]


SHORT, LONG = Size(2, 2, 3, 0.8), Size(4, 6, 20, 4.0)


def title(feed: str, number: int) -> str:
    return f"{feed} number {number}"


@asynccontextmanager
async def a_bot(folder: Path, api: BotApi, size: Size) -> AsyncIterator[Installation]:
    channels = "".join(f'  c{index}: {{chat: "{chat}"}}\n' for index, chat in enumerate(size.chat_ids))
    names = ", ".join(f"c{index}" for index in range(len(size.chat_ids)))
    async with Publisher() as publisher:
        feeds = ""
        for feed in ("moon", "star"):
            items = [{"title": title(feed, n), "guid": f"{feed}-{n}"} for n in range(size.posts, 0, -1)]
            publisher.serve(f"/{feed}.xml", rss(feed, items))
            feeds += f'  {feed}: {{url: "{publisher.url(f"/{feed}.xml")}", backfill: all, to: [{names}]}}\n'
        installation = Installation(folder)
        installation.use_bot(api.base_url.removesuffix("/bot"))
        installation.configure(f"bot: {{admins: [{ADMIN}]}}\nchannels:\n{channels}feeds:\n{feeds}")
        yield installation


def begin_anew(api: BotApi, folder: Path, size: Size) -> None:
    for left in folder.glob("q.db*"):
        left.unlink()
    api.book.sent.clear()
    api.faults.clear()
    api.add_chat(Chat(ADMIN, type="private"))
    for chat_id in size.chat_ids:
        api.add_chat(
            Chat(chat_id, type="channel", status="administrator") if chat_id < 0 else Chat(chat_id, type="private")
        )


def make_trouble(api: BotApi, chance: random.Random, within: int) -> None:
    """A handful of the faults that the real server has, at random places."""
    for _ in range(4):
        api.fault(chance.choice(FAULTS), containing=" number ", skip=chance.randrange(within), seconds=0.3)
    api.fault("drop_before", skip=chance.randrange(within))  # any call: also one that only looks
    api.flood(1, containing=" number ", skip=chance.randrange(within))


@pytest.mark.timeout(4 * 3600)
async def test_a_process_killed_anywhere_loses_nothing_and_repeats_only_what_was_uncertain(
    tmp_path: Path, crash_runs: int
) -> None:
    size = LONG if crash_runs > 10 else SHORT
    repeated = 0
    async with BotApi() as api, a_bot(tmp_path, api, size) as installation, mortals(installation) as bots:
        for run in range(crash_runs):
            chance = random.Random(run)
            begin_anew(api, tmp_path, size)
            make_trouble(api, chance, within=size.posts * len(size.chat_ids))
            pid = await bots.start()
            await asyncio.sleep(chance.uniform(0.0, size.longest))  # the moment of the kill is what is tested
            os.kill(pid, signal.SIGKILL)
            await bots.wait()
            for _start in range(10):
                await bots.start()
                if await bots.wait() == 0:
                    break
            repeated += check(api, tmp_path, size, run)
    print(f"{crash_runs} runs, {repeated} messages repeated in private chats")


def check(api: BotApi, folder: Path, size: Size, run: int) -> int:
    """Nothing lost, order kept, and copies only of what was uncertain; how many copies there were."""
    database = Database(f"sqlite:///{folder / 'q.db'}")
    rows = database.read_now(reports.delivery_rows, BOT_ID)
    database.dispose()
    assert {row["state"] for row in rows} == {"sent"}, run
    assert len(rows) == 2 * size.posts * len(size.chat_ids), run
    copies = 0
    for chat_id in size.chat_ids:
        titles = [text.split("\n")[0] for text in api.texts(chat_id)]
        for feed in ("moon", "star"):
            wanted = [title(feed, number) for number in range(1, size.posts + 1)]
            gone = [one for one in titles if one.startswith(feed)]
            assert list(dict.fromkeys(gone)) == wanted, (run, chat_id)
            # A copy comes right behind its original: a lane goes on only when its head is settled.
            assert gone == sorted(gone, key=wanted.index), (run, chat_id)
            if chat_id < 0:
                assert gone == wanted, (run, chat_id)
            copies += len(gone) - len(wanted)
    # Each try but the last may have left a copy: the one that came after it says that it was uncertain.
    tries = [int(str(row["attempts"])) for row in rows if int(str(row["chat"])) > 0]
    assert copies <= sum(tries) - len(tries), (run, sorted(tries)[-5:])
    assert api.chats[ADMIN].messages == {}, run
    return copies
