"""What holds posts back before they are sent: quiet hours of the channel's clock, and so many an hour."""

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


# --- so many an hour -----------------------------------------------------------------------------------------


async def hours_of(stage: Stage, count: int) -> list[tuple[int, str]]:
    """Let time pass, five minutes at once; when each message came, in minutes since the first, and its title."""
    outbox = stage.outbox()
    for _five_minutes in range(12 * count):
        await outbox.deliver_due()
        stage.clock.advance(timedelta(seconds=2))
        await outbox.deliver_due()
        stage.clock.advance(timedelta(minutes=5, seconds=-2))
    first = stage.sender.sent[0][2]
    return [((at - first) // timedelta(minutes=1), text.split("\n")[0]) for _chat, text, at in stage.sender.sent]


async def test_no_more_go_out_in_any_hour_and_the_others_follow_in_order(stage: Stage) -> None:
    await a_stage_with(stage, 5, a_subscription(channel=a_channel(max_per_hour=2)))
    assert await hours_of(stage, 3) == [
        (0, "Moon number 1"), (0, "Moon number 2"), (60, "Moon number 3"), (60, "Moon number 4"),
        (120, "Moon number 5"),
    ]  # fmt: skip


async def test_a_budget_is_the_whole_channels_and_that_of_a_route_its_own(stage: Stage) -> None:
    channel = a_channel(max_per_hour=2)
    routes = [a_subscription(feed=a_feed(name), channel=channel) for name in ("sky", "sea")]
    alone = a_subscription(feed=a_feed("hill"), channel=a_channel(max_per_hour=1), has_own_budget=True)
    await stage.adopt(*routes, alone)
    for name, number in (("sky", 0), ("sea", 10), ("hill", 20)):
        link = f"https://{name}.example/"
        await stage.read(an_entry(number, link=link), feed=name)
        await stage.read(*(an_entry(number + n, link=f"{link}{n}") for n in range(3)), feed=name)
    assert await hours_of(stage, 3) == [
        (minute, f"Moon number {number}") for minute, number in ((0, 1), (0, 2), (0, 21), (60, 11), (60, 12), (60, 22))
    ]


async def test_a_restart_does_not_forget_what_went_out_within_the_hour(stage: Stage) -> None:
    await a_stage_with(stage, 4, a_subscription(channel=a_channel(max_per_hour=2)))
    for _restart in range(3):
        await stage.deliver_until_idle(stage.outbox(), within=timedelta(seconds=4))
    assert stage.sender.titles() == ["Moon number 1", "Moon number 2"]
