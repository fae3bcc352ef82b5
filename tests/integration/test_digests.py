"""Digests: made once, of what was sent or of what waits for them, and what an hour had no room for."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.model import Channel, DigestPlan, Every, Overflow, QuietHours, Subscription, Verdict
from bot.outbox.delivering import Outbox
from bot.outbox.digester import Digester
from bot.storage import reports, waits
from tests.builders import a_channel, a_feed, a_subscription, an_entry
from tests.stage import Stage

TEHRAN = ZoneInfo("Asia/Tehran")
DAY = timedelta(days=1)
#: The stage begins on Monday, 23 November 2026, at 11:30 in Tehran.
DAILY = DigestPlan(Every.DAY, time(21))


def a_route(name: str = "sky", **options: Any) -> Subscription:
    channel = replace(a_channel(language="en", digest=DAILY), **options)
    return a_subscription(feed=a_feed(name, title=f"The {name}"), channel=channel)


class NightSky:
    bot_name = "a_bot"

    async def title_of(self, channel: Channel) -> str:
        return "Night Sky" if channel.name == "main" else ""


async def new_posts(stage: Stage, *numbers: int, feed: str = "sky") -> None:
    await stage.read(*(an_entry(each, link=f"https://{feed}.example/{each}") for each in numbers), feed=feed)


async def begun(stage: Stage, *routes: Subscription) -> Outbox:
    """The routes are there, their feeds read once, their plans begun."""
    await stage.adopt(*(routes or (a_route(),)))
    for route in routes or (a_route(),):
        await new_posts(stage, 0, feed=route.feed.name)
    await stage.digester().digest_due()
    return stage.outbox()


async def at(stage: Stage, outbox: Outbox, hour: int, minute: int = 0, day: int = 23) -> None:
    """Let it be that time in Tehran; everything that is due happens."""
    stage.clock.advance(datetime(2026, 11, day, hour, minute, tzinfo=TEHRAN) - stage.clock.now())
    await stage.digester().digest_due()
    for _second in range(5):
        await outbox.deliver_due()
        stage.clock.advance(timedelta(seconds=1))


async def test_a_digest_tells_what_was_sent_since_the_last_one_by_feed_with_our_links(stage: Stage) -> None:
    outbox = await begun(stage, a_route("sky"), a_route("sea"))
    await new_posts(stage, 1, 2)
    await new_posts(stage, 11, feed="sea")
    await outbox.deliver_due()
    await at(stage, outbox, 20, 59)
    assert len(stage.sender.sent) == 3
    await at(stage, outbox, 21)
    lines = stage.sender.messages[3].text.split("\n")
    assert lines[0] == "The day · main"
    assert lines[2] == "3 posts from 2 sources"
    assert [line for line in lines if line.startswith("The ")][1:] == ["The sky (2)", "The sea (1)"]
    links = [entity.url for entity in stage.sender.messages[3].entities if entity.type == "text_link"]
    assert links == ["https://t.me/c/1111111111/2", "https://t.me/c/1111111111/1", "https://t.me/c/1111111111/3"]


async def test_a_digest_is_made_once_whoever_is_restarted_when(stage: Stage) -> None:
    outbox = await begun(stage)
    await new_posts(stage, 1)
    await outbox.deliver_due()
    for minute in range(4):
        await at(stage, stage.outbox(), 21, minute)
    assert stage.sender.titles() == ["Moon number 1", "The day · main"]
    await new_posts(stage, 2)
    await at(stage, stage.outbox(), 21, 10)
    await at(stage, stage.outbox(), 21, day=24)
    assert stage.sender.titles()[2:] == ["Moon number 2", "The day · main"]
    assert "Moon number 1" not in stage.sender.messages[3].text


async def test_what_a_digest_does_not_name_is_a_press_away_in_the_bot(lite: Stage) -> None:
    outbox = await begun(lite)
    await new_posts(lite, *range(1, 8))
    await outbox.deliver_due()
    await at(lite, outbox, 20, 59)
    lite.clock.advance(timedelta(minutes=2))
    digester = Digester(lite.database, lite.clock, routes=lite.routes, names=NightSky())
    assert await digester.digest_due() == 1
    await outbox.deliver_due()
    assert lite.sender.titles()[-1] == "The day · Night Sky"
    assert "and 2 more" in lite.sender.messages[-1].text
    assert lite.sender.messages[-1].entities[-1].url == "https://t.me/a_bot?start=m_1"


async def test_a_digest_with_nothing_to_tell_is_not_sent(stage: Stage) -> None:
    outbox = await begun(stage)
    for day in (23, 24, 25):
        await at(stage, outbox, 21, day=day)
    assert stage.sender.sent == []


@pytest.mark.parametrize(
    ("hours", "count"), [(5, 1), (7, 0)], ids=["made-up-within-six-hours", "told-by-the-next-after-them"]
)
async def test_a_slot_missed_while_stopped_is_made_up_once(lite: Stage, hours: int, count: int) -> None:
    outbox = await begun(lite)
    await new_posts(lite, 1)
    await outbox.deliver_due()
    lite.clock.advance(datetime(2026, 11, 25, 21, tzinfo=TEHRAN) + timedelta(hours=hours) - lite.clock.now())
    for _tick in range(3):
        await lite.digester().digest_due()
        await lite.outbox().deliver_due()
    assert len(lite.sender.sent) == 1 + count
    await at(lite, lite.outbox(), 21, day=26)
    assert "Moon number 1" in lite.sender.messages[-1].text
    assert lite.sender.titles()[1:] == ["The day · main"]


async def test_instead_sends_no_single_posts_and_tells_all_of_them_once(stage: Stage) -> None:
    plan = DigestPlan(Every.DAY, time(21), instead=True)
    outbox = await begun(stage, a_route(digest=plan))
    await new_posts(stage, 1, 2)
    await at(stage, outbox, 20, 59)
    assert stage.sender.sent == []
    assert await stage.database.read(reports.count_waiting, stage.sender.bot_id) == 2
    await at(stage, outbox, 21)
    await at(stage, outbox, 21, day=24)
    assert stage.sender.titles() == ["The day · main"]
    assert "https://sky.example/2" in [entity.url for entity in stage.sender.messages[0].entities]
    assert await stage.database.read(reports.count_waiting, stage.sender.bot_id) == 0
    found = await stage.database.read(reports.post_reports, stage.sender.bot_id)
    assert [each.verdict for each in found] == [Verdict.BASELINE, Verdict.DELIVERED, Verdict.DELIVERED]


async def test_posts_go_out_alone_when_the_digest_that_stood_for_them_left_feeds_yaml(stage: Stage) -> None:
    outbox = await begun(stage, a_route(digest=DigestPlan(Every.DAY, time(21), instead=True)))
    await new_posts(stage, 1)
    await outbox.deliver_due()
    await stage.adopt(a_route(digest=None))
    await stage.database.write(waits.reconsider, stage.sender.bot_id, stage.clock.now())
    await stage.outbox().deliver_due()
    assert stage.sender.titles() == ["Moon number 1"]


async def test_a_digest_waits_for_the_end_of_quiet_hours_and_not_for_a_budget(lite: Stage) -> None:
    outbox = await begun(lite, a_route(quiet_hours=(QuietHours(time(20), time(22)),), max_per_hour=1))
    await new_posts(lite, 1, 2)
    await at(lite, outbox, 19, 30)
    await at(lite, outbox, 21)
    assert lite.sender.titles() == ["Moon number 1"]
    await at(lite, outbox, 22)
    assert lite.sender.titles() == ["Moon number 1", "Moon number 2", "The day · main"]


# --- what an hour has no room for ----------------------------------------------------------------------------


FULL = a_channel(language="en", max_per_hour=2, overflow=Overflow.DIGEST)


async def test_what_an_hour_has_no_room_for_goes_out_as_one_digest(stage: Stage) -> None:
    await stage.adopt(a_subscription(feed=a_feed(title="The sky"), channel=FULL))
    await new_posts(stage, 0)
    await new_posts(stage, *range(1, 8))
    outbox = stage.outbox()
    await at(stage, outbox, 11, 31)
    assert stage.sender.titles() == ["Moon number 1", "Moon number 2"]
    await at(stage, outbox, 12, 30)
    assert len(stage.sender.sent) == 2
    await at(stage, outbox, 12, 32)
    assert stage.sender.titles() == ["Moon number 1", "Moon number 2", "Also new · main"]
    assert "5 posts from 1 source" in stage.sender.messages[2].text
    await at(stage, outbox, 15)
    assert len(stage.sender.sent) == 3


async def test_a_post_that_overflows_alone_goes_out_as_itself(stage: Stage) -> None:
    await stage.adopt(a_subscription(channel=FULL))
    await new_posts(stage, 0)
    await new_posts(stage, 1, 2, 3)
    outbox = stage.outbox()
    await at(stage, outbox, 11, 31)
    await at(stage, outbox, 12, 32)
    assert stage.sender.titles() == ["Moon number 1", "Moon number 2", "Moon number 3"]


async def test_the_digest_of_the_day_tells_what_an_overflow_told_too(lite: Stage) -> None:
    outbox = await begun(lite, a_route(max_per_hour=1, overflow=Overflow.DIGEST))
    await new_posts(lite, 1, 2, 3)
    await at(lite, outbox, 11, 31)
    await at(lite, outbox, 12, 32)
    await at(lite, outbox, 21)
    assert lite.sender.titles() == ["Moon number 1", "Also new · main", "The day · main"]
    assert "3 posts from 1 source" in lite.sender.messages[2].text
