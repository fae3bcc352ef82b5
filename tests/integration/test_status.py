"""How everything stands: what the database knows, and what `qasedak status` says of it."""

from datetime import timedelta

from bot import standing
from bot.health import Health
from bot.storage import status
from bot.storage.status import LoopStatus
from tests.builders import NOW, a_channel, a_feed, a_subscription, an_entry
from tests.stage import Stage

MINUTE = timedelta(minutes=1)


async def _load(stage: Stage) -> status.Status:
    return await stage.database.read(status.load, stage.sender.bot_id, stage.clock.now())


async def test_a_new_feed_waits_for_its_first_reading(stage: Stage) -> None:
    await stage.adopt(a_subscription())
    found = await _load(stage)
    (feed,) = found.feeds
    assert (feed.name, feed.state.health, feed.is_read, feed.succeeded_at) == ("sky", Health.OK, True, None)
    assert (found.lanes, found.queue, found.loops) == ((), {}, {})


async def test_what_waits_is_counted_by_chat_and_by_state(stage: Stage) -> None:
    two = [a_subscription(channel=a_channel(f"c{n}", chat=f"-100{n}")) for n in (1, 2)]
    await stage.adopt(*two)
    await stage.read()
    stage.clock.advance(MINUTE)
    await stage.read(an_entry(1), an_entry(2))
    stage.clock.advance(15 * MINUTE)
    found = await _load(stage)
    assert [(lane.channels, lane.waiting, lane.waiting_since) for lane in found.lanes] == [
        ((f"c{n}",), 2, NOW + MINUTE) for n in (2, 1)
    ]
    assert found.queue == {"pending": 4}
    assert standing.late(found, stage.clock.now()) == [
        f"chat c{n}: 2 posts wait, the first for 15 minutes" for n in (2, 1)
    ]
    await stage.deliver_until_idle(stage.outbox())
    found = await _load(stage)
    assert (found.lanes, found.queue) == ((), {"sent": 4})


async def test_a_feed_under_two_names_is_shown_under_both(stage: Stage) -> None:
    feed = a_feed()
    await stage.adopt(a_subscription(feed), a_subscription(a_feed("twin", url=feed.url)))
    assert [found.name for found in (await _load(stage)).feeds] == ["sky", "twin"]


async def test_feeds_that_left_the_file_are_not_shown(stage: Stage) -> None:
    await stage.adopt(a_subscription(), a_subscription(a_feed("garden")))
    await stage.adopt(a_subscription())
    assert [found.name for found in (await _load(stage)).feeds] == ["sky"]


async def test_loops_say_when_they_last_ended_well_until_nobody_runs(stage: Stage) -> None:
    for minutes in (0, 1):
        at = NOW + minutes * MINUTE
        await stage.database.write(status.beat, "poll", at, at + MINUTE)
    await stage.database.write(status.beat, "deliver", NOW, NOW + 2 * MINUTE)
    assert (await _load(stage)).loops == {
        "deliver": LoopStatus(NOW, NOW + 2 * MINUTE),
        "poll": LoopStatus(NOW + MINUTE, NOW + 2 * MINUTE),
    }
    await stage.database.write(status.end)
    assert (await _load(stage)).loops == {}


async def test_the_whole_of_it_is_one_object(stage: Stage) -> None:
    await stage.adopt(a_subscription())
    shown = standing.as_json(await _load(stage), ["late"])
    assert list(shown) == ["late", "feeds", "lanes", "paused", "queue", "loops"]
    assert shown["feeds"] == [
        {
            "feed": "sky",
            "kind": "http",
            "state": "ok",
            "since": None,
            "failures": 0,
            "error": None,
            "moved_to": None,
            "announced": None,
            "read": None,
            "newest": None,
            "usual_gap_seconds": None,
            "next": NOW,
            "why": "new",
        }
    ]
