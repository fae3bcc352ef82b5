"""``keep``: texts of posts that left their feed are let go; what a post is known by never is."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from bot import retention
from bot.model import Entry, FeedKind
from bot.storage import reports, search
from bot.text.query import parse_query
from tests.builders import NOW, a_channel, a_feed, a_subscription, an_entry
from tests.stage import Stage

DAY = timedelta(days=1)
KEEP = 400 * DAY


async def texts(stage: Stage, feed: str = "sky") -> dict[str, bool]:
    """By id, whether a post still has its text."""
    shown = await stage.database.read(reports.post_reports, stage.sender.bot_id, feed)
    return {report.post.ident: report.post.entry.content is not None for report in shown}


async def let_go(stage: Stage, keep: timedelta | None = KEEP) -> int:
    return await retention.let_go(stage.database, stage.clock, keep)


async def test_texts_of_posts_that_left_their_feed_are_let_go_when_their_time_is_over(stage: Stage) -> None:
    await stage.adopt()
    await stage.read(an_entry(1), an_entry(2))
    stage.clock.advance(10 * DAY)
    await stage.read(an_entry(2))  # the first one has left
    stage.clock.advance(KEEP - 11 * DAY)
    assert await let_go(stage) == 0
    stage.clock.advance(2 * DAY)
    assert await let_go(stage) == 1
    assert await texts(stage) == {"guid-1": False, "guid-2": True}
    assert await let_go(stage) == 0


async def test_what_a_feed_still_lists_keeps_its_text_however_long_nothing_changes(stage: Stage) -> None:
    await stage.adopt()
    await stage.read(an_entry(1))
    stage.clock.advance(2 * KEEP)
    assert await let_go(stage) == 0
    assert await texts(stage) == {"guid-1": True}


async def test_a_post_that_returns_is_known_and_not_sent_again(stage: Stage) -> None:
    await stage.adopt()
    await stage.read(an_entry(90))
    await stage.read(an_entry(1))
    await stage.deliver_until_idle(stage.outbox())
    await stage.read(an_entry(91))
    await stage.deliver_until_idle(stage.outbox())
    stage.clock.advance(KEEP + DAY)
    assert await let_go(stage) == 2
    await stage.read(an_entry(1), an_entry(91))
    await stage.deliver_until_idle(stage.outbox())
    assert stage.sender.titles() == ["Moon number 1", "Moon number 91"]


async def test_the_words_leave_the_search_and_the_title_stays(lite: Stage) -> None:
    async def found(words: str) -> int:
        await lite.database.write(search.index_waiting, 100)
        query = parse_query(words, NOW.date())
        page = await lite.database.read(search.find, query, 9, 0, zone=ZoneInfo("UTC"), now=lite.clock.now())
        return page.total

    await lite.adopt()
    await lite.read(an_entry(1))
    await lite.read(an_entry(2, content="<p>Other</p>"))
    assert (await found("binoculars"), await found('"number 1"')) == (1, 1)
    lite.clock.advance(KEEP + DAY)
    await let_go(lite)
    assert (await found("binoculars"), await found('"number 1"')) == (0, 1)


async def test_archives_what_waits_and_whoever_keeps_for_ever_lose_nothing(lite: Stage) -> None:
    archive = a_feed("old", kind=FeedKind.ARCHIVE, url="/old/*.txt")
    paused = a_channel(chat="@nobody_there")  # never resolved: what goes there waits
    await lite.adopt(a_subscription(archive, a_channel()), a_subscription(channel=paused))
    await lite.read(an_entry(5), feed="old")
    await lite.read(an_entry(90))
    waiting: Entry = an_entry(1)
    await lite.read(waiting)
    await lite.read(an_entry(2))
    lite.clock.advance(KEEP + DAY)
    assert await let_go(lite, keep=None) == 0
    assert await let_go(lite) == 1
    assert await texts(lite) == {"guid-90": False, "guid-1": True, "guid-2": True}
    assert await texts(lite, "old") == {"guid-5": True}
