"""What one message costs before and behind its rendering: parsing and sending, as a ratio to a peer.

CPU is this process's own, the fake Bot API runs in another.
"""

import asyncio
import json
import resource
import statistics
import sys
from collections.abc import Awaitable, Callable

import aiohttp
import feedparser
from telegram import Bot, LinkPreviewOptions
from telegram.request import HTTPXRequest

from bot.model import Message
from bot.render import render
from bot.sender import TelegramSender, message_entities, open_bot
from bot.sources import document
from tests.builders import a_channel, a_post, a_subscription, an_entry
from tests.fakes.bot_api import TOKEN
from tests.fakes.publisher import rss

ROUNDS = 5
SENDS = 300
AT_ONCE = 16
CHAT = -1001111111111


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def send_all(send: Callable[[], Awaitable[object]]) -> float:
    """CPU milliseconds a message."""
    before = cpu_seconds()
    for _ in range(SENDS // AT_ONCE):
        await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    return (cpu_seconds() - before) * 1000 / (SENDS // AT_ONCE * AT_ONCE)


async def compare_sending() -> None:
    """Our transport against python-telegram-bot's own, through the same Bot class."""
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.bot_api", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdin is not None
    assert server.stdout is not None
    base = f"http://127.0.0.1:{json.loads(await server.stdout.readline())['port']}"
    stock = Bot(TOKEN, base_url=f"{base}/bot", request=HTTPXRequest(connection_pool_size=AT_ONCE))
    ours = open_bot(TOKEN, base)
    await ours.initialize()
    await stock.initialize()
    message = a_message()
    await _add_chat(base)
    sender = TelegramSender(ours)

    async def by_stock() -> object:
        return await stock.send_message(
            CHAT,
            message.text,
            entities=message_entities(message),
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )

    pairs = [(await send_all(lambda: sender.send(CHAT, message)), await send_all(by_stock)) for _ in range(ROUNDS)]
    report("send a message", pairs, "CPU ms", "stock python-telegram-bot", goal=0.35)
    await ours.shutdown()
    await stock.shutdown()
    server.stdin.close()
    await server.wait()


async def _add_chat(base: str) -> None:
    chat = {"id": CHAT, "type": "channel", "title": "Sky", "status": "administrator"}
    async with aiohttp.ClientSession() as session, session.post(f"{base}/_chat", json=chat) as answer:
        answer.raise_for_status()


def a_message() -> Message:
    words = "<p>" + "ماه امشب بالای تپه‌ها کامل است و با دوربین دوچشمی هم دیده می‌شود. " * 8 + "</p>"
    entry = an_entry(title="ماه کامل بر فراز تپه‌ها", content=words, language="fa", tags=("نجوم", "Space"))
    return render(a_post(entry), a_subscription(channel=a_channel(footer="@sky_news")))[0]


def compare_parsing() -> None:
    """Our way through feedparser against its defaults, on the same document."""
    body = "<p>" + "The moon stands over the hills tonight, and <b>binoculars</b> are enough. " * 40 + "</p>"
    items = [
        {"title": f"Moon {n}", "guid": str(n), "link": f"https://sky.example/{n}", "description": body}
        for n in range(20)
    ]
    feed = rss("Sky Notes", items)

    def timed(parse: Callable[[], object]) -> float:
        before = cpu_seconds()
        for _ in range(5):
            parse()
        return (cpu_seconds() - before) * 1000 / 5

    pairs = [
        (
            timed(lambda: document.parse(feed, "application/rss+xml")),
            timed(lambda: feedparser.parse(feed)),
        )
        for _ in range(ROUNDS)
    ]
    report("parse 20 entries", pairs, "CPU ms", "feedparser's defaults", goal=0.7)


def report(what: str, pairs: list[tuple[float, float]], unit: str, peer: str, *, goal: float) -> None:
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(our / their for our, their in pairs)
    print(f"{what:<22} {ours:8.2f} {unit}, {peer} {theirs:.2f}: ratio {ratio:.2f} (goal {goal} or less)")


def measure() -> None:
    print(f"{ROUNDS} rounds in turns, medians")
    asyncio.run(compare_sending())
    compare_parsing()
