"""The export of a channel as an archive of that channel: nothing is repeated, and every post has its address."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, select

from bot.model import Entry, FeedKind, Subscription
from bot.storage import feeds, replays, reports
from bot.storage.schema import posts, targets
from tests.builders import a_channel, a_feed, a_subscription, an_entry
from tests.stage import Stage

NUMBER = 1111111111
HERE = a_channel(chat=f"-100{NUMBER}")
NAMED = a_channel(chat="@sky_news")
ELSEWHERE = a_channel("second", chat="-1002222222222")
BOT = 123456


def an_export(**changes: Any) -> Any:
    return a_feed("export", kind=FeedKind.ARCHIVE, url="/export/result.json", backfill=None, **changes)


def a_message(number: int, chat: str = f"c/{NUMBER}") -> Entry:
    return an_entry(number, guid=f"tg-{NUMBER}-{number}", link=f"https://t.me/{chat}/{number}")


async def ask(stage: Stage, query: Any) -> list[Any]:
    def run(connection: Connection) -> list[Any]:
        return [row[0] if len(row) == 1 else tuple(row) for row in connection.execute(query)]

    return await stage.database.read(run)


async def verdicts(stage: Stage) -> list[list[tuple[str, str]]]:
    found = await stage.database.read(reports.post_reports, stage.sender.bot_id)
    return [[(chat.chat, str(chat.verdict)) for chat in report.chats] for report in found]


def route(channel: Any) -> Subscription:
    return a_subscription(an_export(), channel)


async def test_what_a_channel_said_itself_is_not_sent_to_it_again(stage: Stage) -> None:
    await stage.adopt(route(HERE), route(ELSEWHERE))
    await stage.read(a_message(1), a_message(2), feed="export")
    await stage.read(a_message(3), feed="export")
    assert await verdicts(stage) == [[(HERE.chat, "duplicate"), (ELSEWHERE.chat, "pending")]] * 3
    (report, *_others) = await stage.database.read(reports.post_reports, stage.sender.bot_id)
    assert report.chats[0].reason == "it is in this chat already: its archive is an export of the chat"
    assert await ask(stage, select(posts.c.link)) == [f"https://t.me/c/{NUMBER}/{number}" for number in (1, 2, 3)]


async def test_a_channel_known_by_name_is_found_when_telegram_says_which_it_is(stage: Stage) -> None:
    await stage.adopt(route(NAMED))
    await stage.read(a_message(1), a_message(2), feed="export")
    assert await verdicts(stage) == [[(NAMED.chat, "pending")]] * 2
    (target,) = await ask(stage, select(targets.c.id))
    await stage.database.write(feeds.resolve_target, target, -(100 * 10**10 + NUMBER), stage.clock.now())
    await stage.read(a_message(3), feed="export")
    assert await verdicts(stage) == [[(NAMED.chat, "duplicate")]] * 3
    assert await ask(stage, select(posts.c.link).order_by(posts.c.id)) == [
        f"https://t.me/sky_news/{number}" for number in (1, 2, 3)
    ]


async def test_an_export_that_names_its_channel_needs_nobody_to_ask(stage: Stage) -> None:
    await stage.adopt(route(NAMED))
    await stage.read(a_message(1, "Sky_News"), feed="export")
    assert await verdicts(stage) == [[(NAMED.chat, "duplicate")]]


async def test_a_route_that_comes_later_finds_its_own_posts_too(stage: Stage) -> None:
    await stage.adopt(route(ELSEWHERE))
    await stage.read(a_message(1), feed="export")
    await stage.adopt(route(ELSEWHERE), route(HERE))
    assert await verdicts(stage) == [[(ELSEWHERE.chat, "pending"), (HERE.chat, "duplicate")]]


async def test_a_backfill_counts_what_may_be_sent(lite: Stage) -> None:
    export = replace(an_export(), backfill=1)
    await lite.adopt(a_subscription(export, HERE))
    await lite.read(an_entry(1), a_message(2), feed="export")
    assert await verdicts(lite) == [[(HERE.chat, "pending")], [(HERE.chat, "duplicate")]]


async def test_a_replay_leaves_out_what_the_channel_has(lite: Stage) -> None:
    await lite.adopt(a_subscription(replace(an_export(), backfill=0), HERE))
    await lite.read(an_entry(1), a_message(2), feed="export")
    lite.clock.advance(timedelta(days=1))
    (subscription,) = lite.routes.subscriptions.values()
    candidates = await lite.database.read(replays.unpublished, subscription)
    assert [candidate.id for candidate in candidates] == await ask(
        lite, select(posts.c.id).where(posts.c.ident == "guid-1")
    )


async def test_messages_of_another_chat_are_news(lite: Stage) -> None:
    await lite.adopt(route(ELSEWHERE))
    await lite.read(a_message(1), feed="export")
    assert await verdicts(lite) == [[(ELSEWHERE.chat, "pending")]]
