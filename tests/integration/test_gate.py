"""What holds posts back before they are sent: quiet hours of the channel's clock."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.errors import RetryLater
from bot.model import QuietHours, Subscription
from bot.storage import reports, waits
from tests.builders import a_channel, a_feed, a_subscription, an_entry
from tests.stage import Stage

TEHRAN = ZoneInfo("Asia/Tehran")
#: The stage begins at 11:30 in Tehran.
NOON = QuietHours(time(11), time(13))


def quiet() -> Subscription:
    return a_subscription(channel=a_channel(quiet_hours=(NOON,)))


async def a_stage_with(stage: Stage, count: int, *routes: Subscription) -> None:
    await stage.adopt(*routes)
    await stage.read(an_entry(0))
    await stage.read(an_entry(0), *(an_entry(number) for number in range(1, count + 1)))


async def test_what_quiet_hours_hold_goes_out_after_them_in_order(stage: Stage) -> None:
    await a_stage_with(stage, 3, quiet())
    outbox = stage.outbox()
    await outbox.deliver_due()
    assert stage.sender.sent == []
    assert await stage.database.read(reports.count_waiting, stage.sender.bot_id) == 3
    stage.clock.advance(timedelta(hours=1, minutes=29, seconds=59))
    await stage.read(*(an_entry(number) for number in range(5)))
    await outbox.deliver_due()
    assert stage.sender.sent == []
    stage.clock.advance(timedelta(seconds=1))
    await stage.deliver_until_idle(outbox, within=timedelta(seconds=10))
    assert stage.sender.titles() == [f"Moon number {number}" for number in range(1, 5)]
    assert stage.sender.sent[0][2].astimezone(TEHRAN).time() == time(13)


async def test_a_pass_in_quiet_hours_announces_no_wait_that_once_would_sit_out(lite: Stage) -> None:
    await a_stage_with(lite, 1, quiet())
    assert (await lite.outbox().deliver_due()).wait_until is None


async def test_a_route_without_quiet_hours_is_not_held_by_those_of_another(stage: Stage) -> None:
    breaking = a_subscription(feed=a_feed("breaking"), channel=a_channel())
    await a_stage_with(stage, 2, quiet(), breaking)
    await stage.read(an_entry(50, link="https://breaking.example/50"), feed="breaking")
    await stage.read(an_entry(50), an_entry(51, link="https://breaking.example/51"), feed="breaking")
    await stage.deliver_until_idle(stage.outbox(), within=timedelta(seconds=10))
    assert stage.sender.titles() == ["Moon number 51"]


async def test_a_post_that_failed_before_quiet_hours_waits_for_their_end_and_holds_up_nobody(stage: Stage) -> None:
    breaking = a_subscription(feed=a_feed("breaking"), channel=a_channel())
    later = QuietHours(time(11, 31), time(13))
    await a_stage_with(stage, 1, a_subscription(channel=a_channel(quiet_hours=(later,))), breaking)
    await stage.read(an_entry(50, link="https://breaking.example/50"), feed="breaking")
    stage.sender.faults.append(RetryLater("flood", after=timedelta(minutes=2)))
    outbox = stage.outbox()
    await outbox.deliver_due()
    stage.clock.advance(timedelta(minutes=2))
    await stage.read(an_entry(50), an_entry(51, link="https://breaking.example/51"), feed="breaking")
    await stage.deliver_until_idle(outbox, within=timedelta(seconds=10))
    assert stage.sender.titles() == ["Moon number 51"]
    stage.clock.advance(datetime(2026, 11, 23, 13, tzinfo=TEHRAN) - stage.clock.now())
    await outbox.deliver_due()
    assert stage.sender.titles() == ["Moon number 51", "Moon number 1"]


async def test_hours_that_left_feeds_yaml_hold_nothing_any_more(stage: Stage) -> None:
    await a_stage_with(stage, 2, quiet())
    await stage.outbox().deliver_due()
    await stage.adopt(a_subscription())
    await stage.database.write(waits.reconsider, stage.sender.bot_id, stage.clock.now())
    await stage.deliver_until_idle(stage.outbox())
    assert stage.sender.titles() == ["Moon number 1", "Moon number 2"]
    assert stage.clock.now() < datetime(2026, 11, 23, 11, 31, tzinfo=TEHRAN)
