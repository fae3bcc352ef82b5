"""At Telegram's real pace, on the real clock: no limit is broken, and the allowed rate is used.

Short in ``make test``, ten minutes in ``make soak``.
"""

import asyncio
from pathlib import Path

from bot.clock import SystemClock
from bot.model import OnUncertain
from bot.outbox import Outbox
from bot.pacing import Pace
from bot.sender import TelegramSender, open_bot
from bot.storage.database import Database
from tests.builders import a_channel, a_feed, a_subscription, an_entry
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender
from tests.stage import Stage


async def test_the_pace_is_kept_and_used(tmp_path: Path, soak_seconds: int) -> None:
    people = list(range(1000, 1000 + 40))
    database = Database(f"sqlite:///{tmp_path / 'q.db'}")
    await asyncio.to_thread(database.migrate)
    # Forty people and a channel: together more than the bot may send, so that its own limit is what holds.
    stage = Stage(database, FakeClock(SystemClock().now()), FakeSender(FakeClock()))
    chats = [a_channel(f"p{person}", chat=str(person)) for person in people] + [a_channel("sky", chat="-1001111111111")]
    feed = a_feed(backfill=None)
    await stage.adopt(*(a_subscription(feed=feed, channel=channel) for channel in chats))
    await stage.read(*(an_entry(number) for number in range(1, soak_seconds + 60)))
    async with BotApi(strict=True) as api:
        api.add_chat(Chat(-1001111111111, type="channel", title="Sky", status="administrator"))
        for person in people:
            api.add_chat(Chat(person, type="private", started=True))
        bot = open_bot(TOKEN, api.base_url.removesuffix("/bot"))
        await bot.initialize()
        outbox = Outbox(
            database,
            TelegramSender(bot),
            SystemClock(),
            subscriptions=stage.routes.subscriptions,
            pace=Pace(),
            on_uncertain=OnUncertain.RESEND,
        )
        loop = asyncio.get_running_loop()
        began = loop.time()
        loop.call_later(soak_seconds, outbox.stop)
        while loop.time() - began < soak_seconds:
            await outbox.deliver_due()
            await asyncio.sleep(0.05)
        sent, took = len(api.sent), loop.time() - began
        await bot.shutdown()
    await database.close()
    assert api.violations == []
    assert sent > 0.9 * 28 * took * 0.9
