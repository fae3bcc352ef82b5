"""Posts of an archive come back: once each, at their times, with the words that say why."""

import dataclasses
from datetime import UTC, datetime, time, timedelta

import pytest

from bot.model import FeedKind, Pick, Replay
from bot.replay import Replayer
from tests.builders import a_channel, a_feed, a_subscription, an_entry
from tests.stage import Stage

DAY = timedelta(days=1)


def an_archive(pick: Pick, *, backfill: int = 0, exclude: tuple[str, ...] = ()) -> object:
    replay = Replay((time(9, 0), time(21, 0)), pick)
    feed = a_feed("blog", kind=FeedKind.ARCHIVE, url="/archive/*.txt", replay=replay, backfill=backfill)
    feed = dataclasses.replace(feed, exclude=exclude)
    return a_subscription(feed=feed, channel=a_channel(language="en"))


async def days_of(stage: Stage, count: int) -> list[str]:
    """Let *count* days go by, half an hour at a time, the bot running; what was sent, by title."""
    replayer, outbox = Replayer(stage.database, stage.clock, routes=stage.routes), stage.outbox()
    for _half_hour in range(48 * count):
        await replayer.replay_due()
        await outbox.deliver_due()
        stage.clock.advance(timedelta(minutes=30))
    return stage.sender.titles()


async def an_archive_of(stage: Stage, count: int, pick: Pick, *, backfill: int = 0) -> None:
    await stage.adopt(an_archive(pick, backfill=backfill))  # type: ignore[arg-type]  # a Subscription
    first = datetime(2020, 5, 1, 6, tzinfo=UTC)
    await stage.read(*(an_entry(number, published=first + number * DAY) for number in range(count)), feed="blog")


async def test_the_oldest_come_back_one_at_each_time_in_order(stage: Stage) -> None:
    await an_archive_of(stage, 5, Pick.OLDEST)
    assert await days_of(stage, 2) == [f"Moon number {number}" for number in range(4)]
    assert all(message.silent for message in stage.sender.messages)
    assert "From the archive · " in stage.sender.messages[0].text


async def test_at_random_none_comes_twice_and_all_of_them_come(lite: Stage) -> None:
    await an_archive_of(lite, 7, Pick.RANDOM)
    titles = await days_of(lite, 5)
    assert sorted(titles) == [f"Moon number {number}" for number in range(7)]
    assert titles != sorted(titles)


async def test_what_backfill_published_is_not_replayed(lite: Stage) -> None:
    await an_archive_of(lite, 4, Pick.OLDEST, backfill=2)
    titles = await days_of(lite, 3)
    assert sorted(titles) == [f"Moon number {number}" for number in range(4)]
    assert titles[:2] == ["Moon number 2", "Moon number 3"]


async def test_what_a_filter_keeps_out_leaves_its_slot_to_the_next(lite: Stage) -> None:
    await lite.adopt(an_archive(Pick.OLDEST, exclude=("0", "2")))  # type: ignore[arg-type]
    first = datetime(2020, 5, 1, 6, tzinfo=UTC)
    await lite.read(*(an_entry(number, published=first + number * DAY) for number in range(4)), feed="blog")
    assert await days_of(lite, 1) == ["Moon number 1", "Moon number 3"]


async def test_on_this_day_says_how_long_ago_it_was(lite: Stage) -> None:
    await lite.adopt(an_archive(Pick.ON_THIS_DAY))  # type: ignore[arg-type]
    await lite.read(
        an_entry(1, published=datetime(2018, 11, 23, 6, tzinfo=UTC)),
        an_entry(2, published=datetime(2018, 6, 1, 6, tzinfo=UTC)),
        an_entry(3, published=datetime(2025, 11, 24, 6, tzinfo=UTC)),
        feed="blog",
    )
    titles = await days_of(lite, 2)
    assert titles == ["Moon number 1", "Moon number 3"]
    assert "On this day, 8 years ago · Friday, 23 November 2018" in lite.sender.messages[0].text
    assert "On this day, a year ago · Monday, 24 November 2025" in lite.sender.messages[1].text


async def test_a_slot_is_filled_once_however_often_the_bot_is_started(stage: Stage) -> None:
    await an_archive_of(stage, 5, Pick.OLDEST)
    stage.clock.advance(timedelta(hours=10))  # 21:30 in Tehran
    for _restart in range(4):
        await Replayer(stage.database, stage.clock, routes=stage.routes).replay_due()
        await stage.outbox().deliver_due()
    assert stage.sender.titles() == ["Moon number 0"]


@pytest.mark.parametrize(("hours", "count"), [(5, 1), (7, 0)], ids=["within-six-hours", "after-them"])
async def test_a_slot_missed_while_stopped_is_made_up_once(lite: Stage, hours: int, count: int) -> None:
    await an_archive_of(lite, 5, Pick.OLDEST)
    replayer = Replayer(lite.database, lite.clock, routes=lite.routes)
    lite.clock.advance(timedelta(days=3, hours=9, minutes=30) + timedelta(hours=hours))  # since 21:00 of the third day
    for _tick in range(3):
        await replayer.replay_due()
        await lite.outbox().deliver_due()
    assert len(lite.sender.sent) == count


async def test_a_route_starts_at_now_and_makes_up_nothing_from_before_it(lite: Stage) -> None:
    lite.clock.advance(timedelta(hours=10))
    await an_archive_of(lite, 5, Pick.OLDEST)
    assert await Replayer(lite.database, lite.clock, routes=lite.routes).replay_due() == 0
