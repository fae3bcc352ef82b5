"""What an admin posts in a channel by hand is known: its links are not posted again, and people find it."""

import asyncio
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import telegram

from bot.commands.hand_posts import HandPosts, entry_of
from bot.commands.updates import ALLOWED_UPDATES, Commands
from bot.model import OnEdit, SameStory
from bot.sender import open_bot
from bot.storage import reports, search
from bot.text.query import parse_query
from tests.builders import NOW, a_channel, a_subscription, an_entry
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.bot_api_chats import Chat
from tests.stage import Stage

CHANNEL = -1001111111111
ZONE = ZoneInfo("Asia/Tehran")
LINK = "https://sky.example/1"


def by_hand(text: str, number: int = 77, chat_id: int = CHANNEL, **more: Any) -> telegram.Message:
    entities = [
        {"type": "url", "offset": text.index(word), "length": len(word)}
        for word in text.split()
        if word.startswith("http")
    ]
    body: Mapping[str, Any] = {
        "message_id": number,
        "date": int(NOW.timestamp()),
        "chat": {"id": chat_id, "type": "channel", "title": "Night Sky", "username": "night_sky"},
        **({"text": text, "entities": entities} if text else {}),
        **more,
    }
    message = telegram.Message.de_json(dict(body), None)
    assert message is not None
    return message


async def a_channel_with(stage: Stage, **changes: Any) -> HandPosts:
    """A feed with its baseline, and what keeps posts made by hand."""
    await stage.adopt(a_subscription(channel=a_channel(language="en", **changes)))
    await stage.read(an_entry(90))
    return HandPosts(stage.database, stage.sender.bot_id, stage.clock, lambda: stage.routes.subscriptions.values())


async def found(stage: Stage, words: str) -> list[tuple[str | None, str | None]]:
    await stage.database.write(search.index_waiting, 100)
    query = parse_query(words, NOW.date())
    page = await stage.database.read(search.find, query, 5, 0, zone=ZONE, now=NOW)
    return [(hit.post.entry.title, hit.post.entry.link) for hit in page.hits]


async def test_a_link_posted_by_hand_is_not_posted_again(stage: Stage) -> None:
    hand_posts = await a_channel_with(stage)
    await hand_posts.note(by_hand(f"Look at this moon!\n{LINK}?utm_source=me"))
    await stage.read(an_entry(1), an_entry(2))
    await stage.deliver_until_idle(stage.outbox())
    assert stage.sender.titles() == ["Moon number 2"]
    shown = await stage.database.read(reports.post_reports, stage.sender.bot_id, "sky")
    (report,) = (report for report in shown if report.post.ident == "guid-1")
    assert (report.verdict, report.reason) == (
        "duplicate",
        "it links to the same page as what was posted there by hand",
    )


async def test_a_post_that_waits_is_taken_back_when_an_admin_was_quicker(stage: Stage) -> None:
    hand_posts = await a_channel_with(stage, on_edit=OnEdit.EDIT)
    await stage.read(an_entry(1), an_entry(2))
    await stage.read(an_entry(1, title="Corrected meanwhile"), an_entry(2))  # and its message was to be changed
    await hand_posts.note(by_hand(f"By hand: {LINK}"))
    await stage.deliver_until_idle(stage.outbox())
    assert stage.sender.titles() == ["Moon number 2"]


@pytest.mark.parametrize(
    ("chat_id", "changes"),
    [(-1002222222222, {}), (CHANNEL, {"same_story": SameStory.OFF})],
    ids=["another-chat", "same-story-off"],
)
async def test_else_nothing_is_held_back(lite: Stage, chat_id: int, changes: dict[str, Any]) -> None:
    hand_posts = await a_channel_with(lite, **changes)
    await lite.read(an_entry(1))
    await hand_posts.note(by_hand(f"By hand: {LINK} https://sky.example/2", chat_id=chat_id))
    await lite.read(an_entry(1), an_entry(2))
    await lite.deliver_until_idle(lite.outbox())
    assert lite.sender.titles() == ["Moon number 1", "Moon number 2"]


async def test_people_find_it_with_a_link_to_the_message(stage: Stage) -> None:
    hand_posts = await a_channel_with(stage)
    await hand_posts.note(by_hand("رصد گروهی جمعه\nساعت هشت کنار دریاچه"))
    assert await found(stage, "درياچه") == [("رصد گروهی جمعه", "https://t.me/night_sky/77")]


async def test_an_edit_by_hand_changes_what_is_found_and_makes_no_second_post(stage: Stage) -> None:
    hand_posts = await a_channel_with(stage)
    await hand_posts.note(by_hand("We meet on Friday"))
    await hand_posts.note(by_hand("We meet on Saturday", edit_date=int(NOW.timestamp()) + 60))
    assert await found(stage, "friday") == []
    assert [title for title, _link in await found(stage, "saturday")] == ["We meet on Saturday"]


def test_captions_count_and_pictures_without_words_do_not() -> None:
    photo = [{"file_id": "a", "file_unique_id": "b", "width": 9, "height": 9}]
    with_caption = entry_of(by_hand("", photo=photo, caption="Moon\n\nA & B"))
    assert with_caption is not None
    assert (with_caption.title, with_caption.content) == ("Moon", "<p>Moon</p><p>A &amp; B</p>")
    assert entry_of(by_hand("", photo=photo)) is None


async def test_telegrams_updates_lead_there(lite: Stage) -> None:
    assert {"channel_post", "edited_channel_post"} <= set(ALLOWED_UPDATES)
    async with BotApi() as api:
        api.add_chat(Chat(CHANNEL, type="channel", title="Sky", username="sky_news", status="administrator"))
        bot = open_bot(TOKEN, api.base_url.removesuffix("/bot"))
        commands = Commands(
            bot, lite.database, lite.clock, language="en", zone=ZONE, admins=[], on_conflict=lambda _problem: None
        )
        commands.hand_posts = await a_channel_with(lite)
        await commands.start()
        try:
            api.crowd.channel_post(CHANNEL, "Group watch at the lake")
            async with asyncio.timeout(20):
                while not await found(lite, "lake"):
                    pass
        finally:
            await commands.stop()
    assert [title for title, _link in await found(lite, "lake")] == ["Group watch at the lake"]
