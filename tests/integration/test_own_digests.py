"""Digests that people chose for themselves: single posts wait for them, and come together once."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.commands.following import Following, Listener
from bot.model import DeliveryState
from bot.personal import House
from bot.storage import subscribers
from bot.storage.subscribers import Place
from tests.builders import a_feed, an_entry
from tests.fakes.bot_api import BOT_ID
from tests.stage import Stage

SARA, OMID = Listener(Place(BOT_ID, 7), "en"), Listener(Place(BOT_ID, 8), "fa")


async def followed(stage: Stage, *listeners: Listener) -> Following:
    """A feed that these follow; nothing of it is new."""
    await stage.adopt(feeds=[a_feed("sky", title="Sky Notes")])
    await stage.read(an_entry(1))
    following = Following(stage.database, stage.clock, House(stage.routes.feeds))
    for each in listeners:
        await following.subscribe("sky", each)
    await stage.read(an_entry(1))
    return following


async def at(stage: Stage, day: int, hour: int) -> list[str]:
    """Let it be that time in Tehran, and everything happen that is due; what was sent, by first lines."""
    before = len(stage.sender.sent)
    await stage.outbox().deliver_due()
    when = datetime(2026, 11, day, hour, tzinfo=UTC) - timedelta(hours=3, minutes=30)
    stage.clock.advance(when - stage.clock.now())
    digester = stage.digester()
    digester.house = House(stage.routes.feeds)
    await digester.digest_due()
    await digester.digest_due()
    for _second in range(4):
        await stage.outbox().deliver_due()
        stage.clock.advance(timedelta(seconds=1))
    return [text.split("\n")[0] for _chat, text, _at in stage.sender.sent[before:]]


async def test_posts_wait_for_the_digest_of_the_day_and_come_in_it_once(stage: Stage) -> None:
    following = await followed(stage, SARA)
    await following.digest(SARA, "daily")
    await stage.read(an_entry(1), an_entry(2), an_entry(3))
    assert await at(stage, 23, 20) == []
    assert await at(stage, 24, 9) == ["The day · What you follow"]
    text = stage.sender.messages[-1].text
    assert "2 posts from 1 source" in text
    assert all(words in text for words in ("Sky Notes", "Moon number 2", "Moon number 3"))
    assert await at(stage, 24, 12) == []
    await stage.read(an_entry(1), an_entry(2), an_entry(3), an_entry(4))
    assert await at(stage, 25, 9) == ["The day · What you follow"]
    assert "Moon number 2" not in stage.sender.messages[-1].text
    assert await at(stage, 26, 9) == []  # nothing new: nothing is sent


async def test_a_weeks_digest_comes_when_the_week_begins_and_holds_what_came_at_once(lite: Stage) -> None:
    following = await followed(lite, OMID)
    await following.digest(OMID, "هفتگی")
    await lite.read(an_entry(1), an_entry(2))
    assert await at(lite, 27, 9) == []
    (title,) = await at(lite, 28, 9)  # a Saturday
    assert "هفته‌ای که گذشت" in title
    assert "Moon number 2" in lite.sender.messages[-1].text


async def test_who_leaves_the_digest_gets_what_waited_and_nothing_is_lost(stage: Stage) -> None:
    following = await followed(stage, SARA, OMID)
    await following.digest(SARA, "day")
    await stage.read(an_entry(1), an_entry(2))
    assert await at(stage, 23, 14) == ["Moon number 2"]  # Omid's
    await following.digest(SARA, "off")
    assert await at(stage, 23, 15) == ["Moon number 2"]
    assert await at(stage, 24, 9) == []


async def test_a_night_without_the_bot_is_told_when_it_is_back(lite: Stage) -> None:
    following = await followed(lite, SARA)
    await following.digest(SARA, "day")
    await lite.read(an_entry(1), an_entry(2))
    assert await at(lite, 23, 20) == []
    assert await at(lite, 26, 22) == ["The day · What you follow"]


async def test_what_was_muted_or_left_is_in_no_digest(lite: Stage) -> None:
    following = await followed(lite, SARA)
    await following.digest(SARA, "day")
    await lite.read(an_entry(1), an_entry(2))
    await at(lite, 23, 14)
    await lite.database.write(subscribers.unfollow, SARA.place, feed_id=next(iter(lite.routes.feeds)))
    assert await at(lite, 24, 9) == []
    assert await lite.states() == [DeliveryState.DROPPED]


@pytest.mark.parametrize("words", ["sometimes", "off", "خاموش"])
async def test_words_that_choose_no_digest_let_posts_come_one_by_one(lite: Stage, words: str) -> None:
    following = await followed(lite, SARA)
    await following.digest(SARA, words)
    await lite.read(an_entry(1), an_entry(2))
    assert await at(lite, 23, 14) == ["Moon number 2"]
