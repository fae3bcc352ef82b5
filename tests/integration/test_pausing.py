"""What admins pause is kept, and goes out when it is resumed; what they leave out, or want now, does that."""

from datetime import timedelta
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from bot import standing
from bot.errors import Uncertain
from bot.model import DeliveryState, Verdict
from bot.storage import inquiry, pauses, reports, status, stuck, subscribers, waits
from bot.storage.pauses import Kind, Pause
from bot.storage.schema import doubles
from bot.storage.stuck import Posted
from bot.storage.subscribers import Place
from tests.builders import NOW, a_channel, a_feed, a_subscription, an_entry
from tests.stage import Stage

CHANNEL, FEED = Pause(Kind.CHANNEL, "main", NOW), Pause(Kind.FEED, "sky", NOW)
WITHIN = timedelta(seconds=10)


async def three_wait(stage: Stage) -> None:
    await stage.adopt(a_subscription(), a_subscription(feed=a_feed("garden"), channel=a_channel("other", chat="-1002")))
    for feed in ("sky", "garden"):
        await stage.read(an_entry(0), feed=feed)
    await stage.read(an_entry(0), *(an_entry(number) for number in (1, 2, 3)))


async def pause(stage: Stage, what: Pause) -> int:
    return await stage.database.write(pauses.begin, stage.sender.bot_id, what, stage.clock.now())


async def resume(stage: Stage, what: Pause) -> int | None:
    return await stage.database.write(pauses.end, stage.sender.bot_id, what, stage.clock.now())


@pytest.mark.parametrize("what", [CHANNEL, FEED], ids=["channel", "feed"])
async def test_what_is_paused_is_kept_and_goes_out_in_order_when_it_is_resumed(stage: Stage, what: Pause) -> None:
    await three_wait(stage)
    assert await pause(stage, what) == 3
    outbox = stage.outbox()
    await outbox.deliver_due()
    await stage.read(*(an_entry(number) for number in range(5)))  # one that comes meanwhile is kept too
    stage.clock.advance(timedelta(days=3))  # longer than a look ahead
    await outbox.deliver_due()
    # A new process, and another reading of feeds.yaml, go by it.
    await stage.database.write(waits.reconsider, stage.sender.bot_id, stage.clock.now())
    await stage.outbox().deliver_due()
    assert stage.sender.sent == []
    assert await resume(stage, what) == 4
    stage.clock.advance(timedelta(seconds=1))
    await stage.deliver_until_idle(outbox, within=WITHIN)
    assert stage.sender.titles() == [f"Moon number {number}" for number in (1, 2, 3, 4)]
    assert await resume(stage, what) is None


async def test_a_pause_ends_by_itself(lite: Stage) -> None:
    await three_wait(lite)
    await pause(lite, Pause(Kind.CHANNEL, "main", NOW, NOW + timedelta(hours=1)))
    outbox = lite.outbox()
    lite.clock.advance(timedelta(minutes=59))
    await outbox.deliver_due()
    assert lite.sender.sent == []
    lite.clock.advance(timedelta(minutes=1))
    await lite.deliver_until_idle(outbox, within=WITHIN)
    assert len(lite.sender.sent) == 3
    assert await lite.database.read(pauses.load, lite.sender.bot_id, lite.clock.now()) == []


async def test_a_pause_holds_up_nobody_else(lite: Stage) -> None:
    await three_wait(lite)
    await lite.read(an_entry(0), an_entry(9, title="Tulips", link="https://garden.example/9"), feed="garden")
    await pause(lite, FEED)
    await lite.outbox().deliver_due()
    assert [chat for chat, _text, _at in lite.sender.sent] == [-1002]


async def test_who_follows_a_paused_feed_by_themselves_waits_too(lite: Stage) -> None:
    await lite.adopt(feeds=[a_feed("sky")])
    sky = next(iter(lite.routes.feeds))
    await lite.read(an_entry(0))
    await lite.database.write(subscribers.follow_feed, Place(lite.sender.bot_id, 7, 0), sky, NOW)
    lite.clock.advance(timedelta(minutes=1))
    await lite.read(an_entry(0), an_entry(1, published=lite.clock.now()))
    assert await pause(lite, FEED) == 1
    outbox = lite.outbox()
    await lite.read(an_entry(0), an_entry(2, published=lite.clock.now()))
    await outbox.deliver_due()
    assert lite.sender.sent == []
    assert await resume(lite, FEED) == 2
    lite.clock.advance(timedelta(seconds=1))
    await lite.deliver_until_idle(outbox, within=WITHIN)
    assert lite.sender.titles() == ["Moon number 1", "Moon number 2"]


async def test_what_is_paused_is_not_late_and_says_why(lite: Stage) -> None:
    await three_wait(lite)
    await pause(lite, CHANNEL)
    lite.clock.advance(timedelta(hours=2))
    now = lite.clock.now()
    found = await lite.database.read(status.load, lite.sender.bot_id, now)
    assert [late for late in standing.lateness(found, now) if late.what == "chat"] == []
    assert standing.as_json(found, [])["paused"] == [{"kind": "channel", "name": "main", "until": None}]
    assert len(standing.tables(found, now, ZoneInfo("Asia/Tehran"))) == 3
    (case,) = await lite.database.read(inquiry.find, lite.sender.bot_id, "https://sky.example/1", now)
    assert str(case.chats[0].wait) == "paused"


# --- by hand -------------------------------------------------------------------------------------------------


async def test_what_an_admin_leaves_out_is_not_sent_and_holds_up_nobody(lite: Stage) -> None:
    await three_wait(lite)
    assert await lite.database.write(stuck.drop, lite.sender.bot_id, [2], "an admin left it out") == 1
    await lite.deliver_until_idle(lite.outbox(), within=WITHIN)
    assert lite.sender.titles() == ["Moon number 1", "Moon number 3"]
    # What is out, or another bot's, is left as it is.
    assert await lite.database.write(stuck.drop, lite.sender.bot_id, [1], "") == 0
    assert await lite.database.write(stuck.drop, lite.sender.bot_id + 1, [3], "") == 0


async def test_a_post_that_nobody_was_to_get_is_sent_when_an_admin_wants_it(lite: Stage) -> None:
    await three_wait(lite)
    route = next(each for each in lite.routes.subscriptions.values() if each.feed.name == "sky")
    (baseline,) = [each for each in await posts(lite) if each.verdict is Verdict.BASELINE]

    async def ask() -> Posted:
        return await lite.database.write(stuck.post_now, route, baseline.post.id, NOW)

    assert await ask() is Posted.QUEUED
    assert await ask() is Posted.WAITS
    await lite.deliver_until_idle(lite.outbox(), within=WITHIN)
    assert sorted(lite.sender.titles()) == [f"Moon number {number}" for number in range(4)]
    assert await ask() is Posted.SENT
    assert await lite.database.write(stuck.post_now, route, 999, NOW) is Posted.GONE


async def posts(stage: Stage) -> list[reports.PostReport]:
    return await stage.database.read(reports.post_reports, stage.sender.bot_id, "sky")


async def test_a_post_that_was_left_out_goes_out_after_all(lite: Stage) -> None:
    await three_wait(lite)
    route = next(each for each in lite.routes.subscriptions.values() if each.feed.name == "sky")
    await lite.database.write(stuck.drop, lite.sender.bot_id, [2], "an admin left it out")
    post_id = cast("int", (await lite.rows())[1]["post"])
    assert await lite.database.write(stuck.post_now, route, post_id, NOW) is Posted.QUEUED
    assert (await lite.states()).count(DeliveryState.PENDING) == 3


async def test_a_send_that_is_repeated_unseen_is_remembered(lite: Stage) -> None:
    await three_wait(lite)
    lite.sender.faults.append(Uncertain("no answer within 30 s"))
    await lite.deliver_until_idle(lite.outbox(), within=timedelta(seconds=30))
    assert await lite.database.read(
        lambda connection: list(connection.execute(select(doubles.c.delivery_id)).scalars())
    ) == [1]
