"""``paid_broadcast: true``: every send of the channel says so, and does not wait for the free limits.

The real outbox and the real python-telegram-bot client, against the fake Bot API with Telegram's limits.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.model import Enclosure, Media
from bot.pacing import PAID, BotPace
from bot.sender import TelegramSender, open_bot
from bot.storage.database import Database
from tests.builders import a_channel, a_feed, a_subscription, an_entry
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.clock import FakeClock
from tests.stage import Stage

FREE, PAYING = -1001111111111, -1002222222222
PICTURES = tuple(Enclosure(f"https://sky.example/{number}.jpg", "image/jpeg") for number in range(2))
SOUND = (Enclosure("https://sky.example/moon.mp3", "audio/mpeg", 1_000_000),)
FILM = (Enclosure("https://sky.example/moon.mp4", "video/mp4", 1_000_000),)


@pytest.fixture
async def api(clock: FakeClock) -> AsyncIterator[BotApi]:
    async with BotApi(strict=True, now=clock, monotonic=clock.monotonic) as running:
        for chat_id in (FREE, PAYING):
            running.add_chat(Chat(chat_id, type="channel", title="Sky", status="administrator"))
        yield running


@pytest.fixture
async def telegram(api: BotApi, sqlite: Database, clock: FakeClock) -> AsyncIterator[Stage]:
    bot = open_bot(TOKEN, api.base_url.removesuffix("/bot"))
    await bot.initialize()
    yield Stage(sqlite, clock, TelegramSender(bot, clock))  # type: ignore[arg-type]  # it sends as the fake one does
    await bot.shutdown()


async def test_a_channel_that_pays_does_not_wait_for_the_free_limits(api: BotApi, telegram: Stage) -> None:
    channels = (a_channel("free", chat=str(FREE)), a_channel("paying", chat=str(PAYING), paid_broadcast=True))
    await telegram.adopt(*(a_subscription(a_feed(), channel) for channel in channels))
    await telegram.read()
    outbox = telegram.outbox()
    began = telegram.clock.now()
    await telegram.read(*(an_entry(number) for number in range(1, 31)))
    await telegram.deliver_until_idle(outbox)
    of = {chat: [sent for sent in api.sent if sent.chat_id == chat] for chat in (FREE, PAYING)}
    assert {chat: {sent.is_paid for sent in sent_there} for chat, sent_there in of.items()} == {
        FREE: {False},
        PAYING: {True},
    }
    took = {chat: sent_there[-1].mono - sent_there[0].mono for chat, sent_there in of.items()}
    assert [len(sent_there) for sent_there in of.values()] == [30, 30]
    assert took[PAYING] < 2
    assert took[FREE] > 60
    assert telegram.clock.now() - began > timedelta(minutes=1)
    assert api.violations == []


async def test_every_kind_of_message_says_that_it_is_paid_for(api: BotApi, telegram: Stage) -> None:
    channel = a_channel(chat=str(PAYING), media=Media.ALBUM, paid_broadcast=True)
    await telegram.adopt(a_subscription(a_feed(), channel))
    await telegram.read()
    outbox = telegram.outbox()
    for number, enclosures in enumerate(((), PICTURES[:1], PICTURES, SOUND, FILM)):
        await telegram.read(an_entry(number, enclosures=enclosures))
        await telegram.deliver_until_idle(outbox)
    assert [sent.method for sent in api.sent] == [
        "sendMessage",
        "sendPhoto",
        *["sendMediaGroup"] * 2,
        "sendAudio",
        "sendVideo",
    ]
    assert all(sent.is_paid for sent in api.sent)


def test_a_bot_that_pays_sends_a_thousand_a_second_and_no_more() -> None:
    pace, now, sent = BotPace(PAID), 0.0, 0
    while now < 1:
        if wait := pace.wait(now):
            now += wait
        else:
            pace.begin(now)
            pace.end(now)
            sent += 1
    assert 900 <= sent <= 1000
