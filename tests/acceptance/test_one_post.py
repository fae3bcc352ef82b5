"""One post through all six files: from a publisher and an archive to a channel, by ``qasedak once``."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.child import Installation
from tests.fakes.bot_api import BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.publisher import Publisher, rss

CHANNEL = -1001111111111
ARCHIVE = """\
۱۴۰۴ آذر ۲, یکشنبه

A notebook for the night sky

Write one line every clear evening. After a year the planets will have moved across the page.

Keep the notebook dry, and date every line.

۱۴۰۳ مهر ۸, یکشنبه

کاشت سیر در پاییز

سیر سرما را دوست دارد. پیش از یخبندان آن را در خاک بکارید.
"""


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as running:
        running.add_chat(Chat(CHANNEL, type="channel", title="Sky", username="sky_news", status="administrator"))
        yield running


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    async with Publisher() as running:
        yield running


def a_document(*numbers: int) -> bytes:
    return rss(
        "Sky Notes",
        [
            {
                "title": f"Moon number {number}",
                "link": f"https://sky.example/{number}",
                "guid": f"sky-{number}",
                "pubDate": f"Fri, 20 Nov 2026 06:{number:02}:00 GMT",
                "description": f"The moon of evening {number} stands over the hills. Binoculars are enough.",
            }
            for number in numbers
        ],
        link="https://sky.example/",
    )


@pytest.fixture
def bot(tmp_path: Path, api: BotApi, publisher: Publisher) -> Installation:
    installation = Installation(tmp_path)
    installation.use_bot(api.base_url.removesuffix("/bot"))
    publisher.serve("/feed.xml", a_document(3, 2, 1), etag='"one"')
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "posts.txt").write_text(ARCHIVE, encoding="utf-8")
    installation.configure(
        f"""
channels: {{main: {{chat: "@sky_news", language: fa, footer: "@sky_news"}}}}
feeds: {{sky: {{url: "{publisher.url("/feed.xml")}", backfill: 1}}}}
archives: {{notebook: {{path: old/*.txt, backfill: all}}}}
"""
    )
    return installation


async def test_a_post_of_a_feed_and_of_an_archive_reach_the_channel_once(
    bot: Installation, api: BotApi, publisher: Publisher
) -> None:
    (done,) = await bot.json_of("once")
    assert done == {
        "feeds": {"read": 2, "unchanged": 0, "failed": 0},
        "posts": {"new": 5, "edited": 0},
        "deliveries": {"sent": 3, "later": 0, "dead": 0},
    }
    titles = [text.split("\n")[0] for text in api.texts(CHANNEL)]
    assert titles.index("کاشت سیر در پاییز") < titles.index("A notebook for the night sky")
    assert "Moon number 3" in titles

    # A second pass sends nothing, and asks nothing of a publisher whose turn it is not.
    (again,) = await bot.json_of("once")
    assert again["deliveries"] == {"sent": 0, "later": 0, "dead": 0}
    assert publisher.paths() == ["/feed.xml"]

    # A third one that is told to ask gets a 304, by the validator byte for byte.
    (forced,) = await bot.json_of("once", "--now")
    assert forced["feeds"] == {"read": 0, "unchanged": 2, "failed": 0}
    assert publisher.requests[-1].header("If-None-Match") == b'"one"'

    # What is new goes out, what was there does not come again.
    publisher.serve("/feed.xml", a_document(4, 3, 2, 1), etag='"two"')
    (fresh,) = await bot.json_of("once", "--now")
    assert fresh["posts"] == {"new": 1, "edited": 0}
    assert [text.split("\n")[0] for text in api.texts(CHANNEL)][3:] == ["Moon number 4"]
    assert len(api.texts(CHANNEL)) == 4

    verdicts = {post["title"]: post["verdict"] for post in await bot.json_of("posts")}
    assert verdicts["Moon number 1"] == "baseline"
    assert verdicts["Moon number 3"] == "delivered"
    states = {(row["state"], row["chat"]) for row in await bot.json_of("deliveries")}
    assert states == {("sent", CHANNEL)}


async def test_what_the_preview_showed_does_not_count_as_sent(bot: Installation, api: BotApi) -> None:
    token = bot.environment.pop("TELEGRAM_BOT_TOKEN")
    (shown,) = await bot.json_of("once")
    assert shown["deliveries"]["sent"] == 3
    assert api.sent == []
    bot.environment["TELEGRAM_BOT_TOKEN"] = token
    (sent,) = await bot.json_of("once")
    assert sent["deliveries"]["sent"] == 3
    assert len(api.texts(CHANNEL)) == 3


async def test_the_sample_archive_and_the_placeholder_never_reach_telegram(bot: Installation, api: BotApi) -> None:
    (bot.folder / "old" / ".qasedak-sample").touch()
    code, _output, errors = await bot.call("once")
    assert code == 1
    assert "archives.notebook is the sample, which is not sent to a real chat" in errors
    assert [text.split("\n")[0] for text in api.texts()] == ["Moon number 3"]

    written = (
        (bot.folder / "feeds.yaml").read_text(encoding="utf-8").replace('chat: "@sky_news"', 'chat: "@your_channel"')
    )
    bot.configure(written)
    code, _output, errors = await bot.call("once", "--now")
    assert code == 1
    assert "@your_channel is the sample's placeholder; write your channel's @name there" in errors
    assert len(api.sent) == 1


async def test_a_wrong_token_is_one_line_and_exit_code_2(bot: Installation, api: BotApi) -> None:
    bot.environment["TELEGRAM_BOT_TOKEN"] = "999:wrong"
    code, _output, errors = await bot.call("once")
    assert (code, len(errors.splitlines())) == (2, 1)
    assert errors.startswith("TELEGRAM_BOT_TOKEN: Telegram does not know this token")


async def test_a_channel_that_does_not_know_the_bot_loses_no_post(bot: Installation, api: BotApi) -> None:
    api.chats[CHANNEL].status = "left"
    code, _output, errors = await bot.call("once")
    assert code == 1
    assert "make the bot an administrator there" in errors
    assert "Traceback" not in errors
    assert {row["state"] for row in await bot.json_of("deliveries")} == {"pending"}
    api.chats[CHANNEL].status = "administrator"
    (done,) = await bot.json_of("once")
    assert done["deliveries"]["sent"] == 3


async def test_no_right_to_post_loses_no_post(bot: Installation, api: BotApi) -> None:
    api.chats[CHANNEL].can_post_messages = False
    (held,) = await bot.json_of("once")
    assert held["deliveries"] == {"sent": 0, "later": 3, "dead": 0}
    api.chats[CHANNEL].can_post_messages = True
    (done,) = await bot.json_of("once")
    assert done["deliveries"] == {"sent": 3, "later": 0, "dead": 0}


async def test_a_feed_that_is_a_web_page_is_one_line_and_does_not_stop_the_rest(
    bot: Installation, api: BotApi, publisher: Publisher
) -> None:
    publisher.serve("/feed.xml", b"<!DOCTYPE html><html><body>Log in, please</body></html>", content_type="text/html")
    code, _output, errors = await bot.call("once")
    assert code == 1
    assert errors.splitlines() == ["sky: it is a web page, not a feed; open it and look for its RSS or Atom address"]
    assert len(api.texts(CHANNEL)) == 2


async def test_an_outage_of_the_bot_api_loses_nothing(bot: Installation, api: BotApi) -> None:
    port = api.port
    await api.stop()
    code, _output, errors = await bot.call("once")
    assert code == 1
    assert errors.splitlines() == [
        "no connection to the Bot API (ClientConnectorError); check the network, or TELEGRAM_API_URL"
    ]
    await api.start(port)
    (done,) = await bot.json_of("once")
    assert done["deliveries"] == {"sent": 3, "later": 0, "dead": 0}
