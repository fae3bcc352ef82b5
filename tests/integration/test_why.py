"""Why a post came or did not: each stage in plain words, in both languages."""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.errors import MessageRejected
from bot.model import Channel, Language, QuietHours
from bot.reasons import Reasons
from bot.storage import inquiry, lanes
from tests.builders import a_channel, a_feed, a_subscription, an_entry
from tests.stage import Stage

ZONE = ZoneInfo("Asia/Tehran")


async def why(stage: Stage, asked: str, language: Language = "en", channel: Channel | None = None) -> list[str]:
    now, bot_id = stage.clock.now(), stage.sender.bot_id
    cases = await stage.database.read(inquiry.find, bot_id, asked, now)
    near = await stage.database.read(inquiry.feeds_of_host, asked)
    reasons = Reasons(language, ZONE, now, {"main": channel or a_channel()})
    return [line for case in cases for line in reasons.of(case)] or reasons.nothing(asked, near)


async def a_post_that_is_out(stage: Stage, channel: Channel | None = None) -> None:
    stage.sender.names["@night_sky"] = -1001111111111
    await stage.adopt(a_subscription(a_feed(exclude=("mars",)), channel or a_channel(chat="@night_sky")))
    await stage.read(an_entry(90))
    await stage.read(an_entry(1), an_entry(2, title="Mars is near"))
    await stage.deliver_until_idle(stage.outbox())


@pytest.mark.parametrize(
    "asked", ["2", "guid-1", "http://SKY.example/1?utm_source=x", " https://t.me/Night_Sky/1?single "]
)
async def test_a_post_is_found_by_number_id_link_and_message(stage: Stage, asked: str) -> None:
    await a_post_that_is_out(stage)
    lines = await why(stage, asked)
    assert lines[0] == "Post 2: Moon number 1"
    assert lines[1].startswith("Read: sky, last read ")
    assert lines[2].startswith("Identity: known by its guid, first seen ")
    assert lines[3].startswith("Date: 3 days ago (2026-11-20 ")
    assert lines[5:7] == ["Channel main", "Filters: it passed"]
    assert lines[7].startswith("Outbox: sent just now (")
    assert lines[7].endswith(" https://t.me/night_sky/1")


@pytest.mark.parametrize(
    ("asked", "said"),
    [("guid-2", "Filters: filtered: exclude names mars"),
     ("guid-90", "Filters: not for publishing: it was there at the first reading (backfill)")],
    ids=["filtered", "baseline"],
)  # fmt: skip
async def test_what_was_not_sent_says_at_which_stage_it_stopped(lite: Stage, asked: str, said: str) -> None:
    await a_post_that_is_out(lite)
    assert (await why(lite, asked))[-1] == said


async def test_quiet_hours_and_the_budget_are_told_of_what_waits(lite: Stage) -> None:
    quiet = (QuietHours(time(0), time(23, 30), frozenset()),)
    channel = a_channel(quiet_hours=quiet, max_per_hour=4)
    await lite.adopt(a_subscription(channel=channel))
    await lite.read(an_entry(90))
    await lite.read(an_entry(1))
    await lite.outbox().deliver_due()
    lines = await why(lite, "guid-1", channel=channel)
    assert lines[7].startswith("Quiet hours: quiet now; it goes on in ")
    assert lines[8] == "Budget: 0 of 4 in the last 60 minutes"
    assert lines[9].startswith("Outbox: waits, and is tried in ")


async def test_what_telegram_refused_says_its_words_and_what_to_do(lite: Stage) -> None:
    lite.sender.faults.append(MessageRejected("chat -100: message is too strange"))
    await a_post_that_is_out(lite)
    assert (await why(lite, "guid-1"))[-1] == (
        "Outbox: given up; /retry or `qasedak retry` tries again; attempts: 1: chat -100: message is too strange"
    )


async def test_a_paused_chat_says_which_right_is_missing(lite: Stage) -> None:
    await a_post_that_is_out(lite)
    await lite.database.write(lanes.pause, lite.sender.bot_id, -1001111111111, "the bot may not post")
    await lite.read(an_entry(3))
    await lite.outbox().deliver_due()
    assert (await why(lite, "guid-3"))[-1] == "Outbox: waits; the chat is paused: the bot may not post"


async def test_a_link_that_leads_to_no_post_says_what_is_read_of_its_site(lite: Stage) -> None:
    await a_post_that_is_out(lite)
    near = await why(lite, "https://www.sky.example/never")
    assert near[0] == "No stored post is known by https://www.sky.example/never."
    assert near[1].startswith("Read: sky, last read ")
    far = await why(lite, "https://elsewhere.example/never")
    assert far[-1] == "No feed of that site is in feeds.yaml; /addfeed adds one."


async def test_in_persian_every_word_of_ours_is_persian(lite: Stage) -> None:
    await a_post_that_is_out(lite)
    lite.clock.advance(timedelta(hours=1))
    lines = await why(lite, "guid-2", "fa")
    assert lines[0] == "نوشتهٔ ۳: \u2068Mars is near\u2069"
    assert lines[-1] == "پالایه‌ها: کنار گذاشته شد: در exclude آمده: \u2068mars\u2069"
    assert all("\u2068" in line or not line or "کانال" in line for line in lines)
