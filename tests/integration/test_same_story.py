"""One story of several feeds is posted once: hidden, named, or sent, as ``same_story`` says."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from bot.model import Entry, Reading, SameStory, Subscription
from bot.storage import feeds, ingest, reports
from bot.storage.schema import shingles
from tests.builders import NOW, a_channel, a_feed, a_subscription, an_entry
from tests.stage import Stage

ENGLISH = a_channel(language="en")
TOLD = an_entry(1, title="Webb telescope finds water on a distant planet", link="https://sky.example/webb")
RETOLD = an_entry(
    2, title="Update: Webb Telescope Finds Water on Distant Planet", link="https://press.example/77?utm_source=rss"
)
OTHER = an_entry(3, title="Webb telescope finds methane on a distant planet", link="https://press.example/78")
SKY, PRESS = a_feed("sky", title="Sky Notes"), a_feed("press", title="The Press")


def routes(**changes: Any) -> tuple[Subscription, Subscription]:
    channel = a_channel(language="en", **changes)
    return a_subscription(SKY, channel), a_subscription(PRESS, channel)


async def told_twice(stage: Stage, *entries: Entry, **changes: Any) -> None:
    """Two feeds with their baselines; the first tells TOLD, the second then *entries*."""
    await stage.adopt(*routes(**changes))
    await stage.read(an_entry(90))
    await stage.read(an_entry(91, link="https://press.example/91"), feed="press")
    await stage.read(TOLD)
    await stage.read(*entries, feed="press")


async def verdicts_of(stage: Stage, feed: str) -> dict[str, tuple[str, str]]:
    found = await stage.database.read(reports.post_reports, stage.sender.bot_id, feed)
    return {report.post.ident: (report.verdict, report.reason) for report in found}


async def test_what_another_feed_told_is_hidden_and_says_whose_story_it_is(stage: Stage) -> None:
    same_page = an_entry(4, title="You must read this", link="http://SKY.example/webb#comments")
    await told_twice(stage, same_page, OTHER, RETOLD)
    await stage.deliver_until_idle(stage.outbox())
    assert stage.sender.titles() == [TOLD.title, OTHER.title]
    found = await verdicts_of(stage, "press")
    assert found["guid-2"] == ("duplicate", "it tells the same story as post 3 of sky")
    assert found["guid-4"] == ("duplicate", "it links to the same page as post 3 of sky")


@pytest.mark.parametrize(
    ("retold", "is_sent"),
    [
        (RETOLD, False),
        (an_entry(2, title=RETOLD.title, published=TOLD.published and TOLD.published - timedelta(hours=49)), True),
        (an_entry(2, title=RETOLD.title, published=TOLD.published and TOLD.published + timedelta(hours=47)), False),
    ],
    ids=["at-once", "two-days-before", "two-days-after"],
)
async def test_titles_are_compared_within_two_days(lite: Stage, retold: Entry, is_sent: bool) -> None:
    await told_twice(lite, retold)
    await lite.deliver_until_idle(lite.outbox())
    assert (retold.title in lite.sender.titles()) is is_sent


async def test_off_sends_every_one_of_them(lite: Stage) -> None:
    await told_twice(lite, RETOLD, same_story=SameStory.OFF)
    await lite.deliver_until_idle(lite.outbox())
    assert lite.sender.titles() == [TOLD.title, RETOLD.title]


async def test_one_feed_may_tell_a_story_twice(lite: Stage) -> None:
    await told_twice(lite)
    await lite.read(TOLD, RETOLD)
    await lite.deliver_until_idle(lite.outbox())
    assert lite.sender.titles() == [TOLD.title, RETOLD.title]


async def test_another_channel_is_told_all_the_same(lite: Stage) -> None:
    second = a_channel("second", chat="-1002222222222", language="en")
    await lite.adopt(*routes(), a_subscription(PRESS, second))
    await lite.read(an_entry(90))
    await lite.read(an_entry(91, link=None), feed="press")
    await lite.read(TOLD)
    await lite.read(RETOLD, feed="press")
    await lite.deliver_until_idle(lite.outbox())
    assert [chat for chat, _text, _at in lite.sender.sent] == [-1001111111111, -1002222222222]


async def test_what_will_never_be_sent_hides_nothing(lite: Stage) -> None:
    await lite.adopt(*routes(max_age=timedelta(hours=1)))
    await lite.read(an_entry(90))
    await lite.read(an_entry(91, link=None), feed="press")
    await lite.read(TOLD)
    fresh = an_entry(2, title=RETOLD.title, published=NOW, link=TOLD.link)
    await lite.read(fresh, feed="press")
    await lite.deliver_until_idle(lite.outbox())
    assert lite.sender.titles() == [RETOLD.title]


async def test_a_backfill_hides_what_is_told_already(stage: Stage) -> None:
    channel = a_channel(language="en")
    press = a_feed("press", backfill=3)
    await stage.adopt(a_subscription(SKY, channel), a_subscription(press, channel))
    await stage.read(an_entry(90))
    await stage.read(TOLD)
    await stage.read(OTHER, RETOLD, an_entry(4, link="https://press.example/4"), feed="press")
    await stage.deliver_until_idle(stage.outbox())
    assert stage.sender.titles() == [TOLD.title, OTHER.title, "Moon number 4"]


async def test_a_mention_joins_the_message_that_is_out(stage: Stage) -> None:
    await stage.adopt(*routes(same_story=SameStory.MENTION))
    await stage.read(an_entry(90))
    await stage.read(an_entry(91, link=None), feed="press")
    await stage.read(TOLD)
    outbox = stage.outbox()
    await stage.deliver_until_idle(outbox)
    await stage.read(RETOLD, feed="press")
    stage.clock.advance(timedelta(minutes=1))
    await outbox.deliver_due()
    assert stage.sender.titles() == [TOLD.title]
    ((chat_id, message_id, message),) = stage.sender.edited
    assert (chat_id, message_id) == (-1001111111111, 1)
    *rest, last = message.text.split("\n")
    assert "\n".join(rest) == stage.sender.messages[0].text
    assert last.replace("\u2068", "").replace("\u2069", "") == "Also: press"
    link = message.entities[-1]
    assert (link.type, link.url) == ("text_link", RETOLD.link)
    assert message.text.encode("utf-16-le")[link.offset * 2 : (link.offset + link.length) * 2].decode("utf-16-le")
    assert (await verdicts_of(stage, "press"))["guid-2"][0] == "duplicate"


async def test_a_mention_of_what_still_waits_goes_out_with_it(lite: Stage) -> None:
    await told_twice(lite, RETOLD, same_story=SameStory.MENTION)
    await lite.deliver_until_idle(lite.outbox())
    (message,) = lite.sender.messages
    assert "Also: " in message.text
    assert lite.sender.edited == []


async def test_feeds_that_tell_it_at_the_same_moment_are_decided_one_after_the_other(stage: Stage) -> None:
    await stage.adopt(*routes())
    await stage.read(an_entry(90))
    await stage.read(an_entry(91, link=None), feed="press")
    claims = await stage.database.write(
        feeds.claim_due, stage.clock.now(), limit=9, lease=timedelta(minutes=5), among=stage.routes.feeds, forced=True
    )
    by_name = {stage.routes.feeds[claim.feed_id].name: claim for claim in claims}
    readings = [(by_name["sky"], Reading(entries=(TOLD,))), (by_name["press"], Reading(entries=(RETOLD,)))]
    await asyncio.gather(
        *(
            stage.database.write(ingest.ingest, claim, reading, stage.routes, stage.clock.now())
            for claim, reading in readings
        )
    )
    await stage.deliver_until_idle(stage.outbox())
    assert len(stage.sender.sent) == 1


async def test_titles_are_found_by_an_index_and_not_by_a_scan(lite: Stage) -> None:
    await told_twice(lite, OTHER)

    def plan(connection: Connection) -> list[str]:
        wanted = select(shingles.c.post_id).where(shingles.c.shingle.in_([1, 2]), shingles.c.at.between(NOW, NOW))
        compiled = wanted.compile(connection.engine, compile_kwargs={"render_postcompile": True})
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", (1, 2, 0, 0))
        return [row[3] for row in rows]

    assert all("SEARCH" in step for step in await lite.database.read(plan))
