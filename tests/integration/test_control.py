"""Admin commands and their buttons are admins' alone, in their own chats: at every command and at every press."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.admin.feed_list import PATIENCE
from bot.labels import translator
from bot.screens import replies
from bot.storage import people, reports
from bot.storage.database import Database
from tests.builders import NOW
from tests.conversations import GROUP, MARKS, World, buttons, world
from tests.fakes.clock import FakeClock
from tests.office import EVENTS

ADMIN, PERSIAN_ADMIN, SARA, CLAIMED = 1, 2, 7, 99
#: Answered by the control; the others of the menu are ``admin/adding.py``'s.
COMMANDS = tuple(name for name in replies.ADMIN_MENU if name not in ("addfeed", "reload"))
#: What to say, and which of its buttons to press.
SCREENS = {
    "/status": "Look again", "/queue": "1. Send again", "/pause sky": "A day", "/check": "sky", "/preview": "sky",
    "/removefeed winter": "Yes, remove it", "/why": "Mars at dawn", "/preview sky": "Post this one now",
}  # fmt: skip


@pytest.fixture
async def there(sqlite: Database, clock: FakeClock) -> AsyncIterator[World]:
    async with world(sqlite, clock) as running:
        await EVENTS["(one post fails, one is held)"](running.stage)
        yield running


async def say(there: World, user: int, text: str, language: str = "en") -> str:
    before = len(there.api.sent)
    there.api.crowd.private_message(user, text, language)
    await there._settled()
    return "\n".join(MARKS.sub("", sent.text) for sent in there.api.sent[before:])


async def press(there: World, user: int, data: str, chat: int, message_id: int) -> str:
    """The toast, "" for none."""
    there.api.crowd.callback(user, chat, message_id, data)
    await there._settled()
    return MARKS.sub("", str(there.api.methods.answers[-1].get("text") or ""))


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_of_admins_is_unknown_to_everybody_else(there: World, command: str) -> None:
    assert await say(there, SARA, f"/{command} sky") == "I don't know that command. See /help"
    assert "I don't know that command" not in await say(there, ADMIN, f"/{command}")


async def test_in_a_group_even_an_admin_gets_nothing_of_it(there: World) -> None:
    name = there.api.methods.book.me["username"]
    before = len(there.api.sent)
    for command in COMMANDS:
        there.api.crowd.group_message(GROUP, ADMIN, f"/{command}@{name}")
        await there._settled()
    answers = {MARKS.sub("", sent.text) for sent in there.api.sent[before:]}
    assert answers == {"این دستور را نمی‌شناسم. راهنما: /help"}


async def before_and_after(there: World) -> tuple[object, ...]:
    """What a press could have changed."""
    deliveries = [(row["state"], row["error"], row["due"]) for row in await there.stage.rows()]
    return deliveries, set(there.stage.routes.feeds)


@pytest.mark.parametrize("said", SCREENS)
async def test_a_former_admins_buttons_do_nothing(there: World, said: str) -> None:
    """The right is looked at when it is pressed, not when the button was made."""
    await there.stage.database.write(people.add_admin, CLAIMED, NOW)
    await say(there, CLAIMED, said)
    shown = there.api.sent[-1]
    data = buttons(shown)[SCREENS[said]]
    await there.stage.database.write(people.remove_admin, CLAIMED)
    was = await before_and_after(there)
    assert await press(there, CLAIMED, data, CLAIMED, shown.message_id) == "Only an admin of the bot may do that."
    assert await before_and_after(there) == was
    assert not await there.stage.database.read(reports.admin_ids)


async def test_one_admins_buttons_are_not_anothers_nor_a_strangers(there: World) -> None:
    await say(there, ADMIN, "/queue")
    shown = there.api.sent[-1]
    data = buttons(shown)["1. Send again"]
    was = await before_and_after(there)
    for user in (PERSIAN_ADMIN, SARA):
        await say(there, user, "/start")  # their chat with the bot
        message_id = [sent for sent in there.api.sent if sent.chat_id == user][-1].message_id
        assert await press(there, user, data, user, message_id)
    assert await before_and_after(there) == was


FORGED = (
    "A.status", "A.queue.all", "A.queue.r1.0", "A.queue.d1.0", "A.removefeed.f000000000000.yes", "A.post.1.1",
    "A.pause.c000000000000.0", "A.opml.xxxxxxxx.none", "b" + "A" * 12 + "A.queue.all", "b" + "A" * 12 + "A.", "A.", "A",
)  # fmt: skip


async def test_made_up_buttons_do_nothing(there: World) -> None:
    await say(there, ADMIN, "/status")
    shown, was = there.api.sent[-1], await before_and_after(there)
    for data in FORGED:
        for user in (ADMIN, SARA):
            await press(there, user, data, ADMIN, shown.message_id)
    assert await before_and_after(there) == was


SEALED_GARBAGE = (
    "A.", "A.queue", "A.queue.r.0", "A.queue.rX.0", "A.queue.x1.0", "A.queue.p-1", "A.queue.p99999999", "A.why.x",
    "A.why." + "9" * 30, "A.check.", "A.check.p", "A.check.f00", "A.preview.p99999", "A.preview.x.y.z", "A.post.x.y",
    "A.post.1", "A.post.999.999", "A.pause.", "A.pause.x.0", "A.pause.x.y.z", "A.resume.x", "A.removefeed.x.yes",
    "A.removefeed.x", "A.opml.x.y", "A.opml.x", "A.nothing", "A.status.x",
)  # fmt: skip


async def test_garbage_that_was_sealed_all_the_same_is_answered_and_changes_nothing(there: World) -> None:
    """As after feeds.yaml, or the program, changed under a button."""
    await say(there, ADMIN, "/status")
    shown, was = there.api.sent[-1], await before_and_after(there)
    for action in SEALED_GARBAGE:
        data = there.commands.showing._seal.close(action, ADMIN, ADMIN)
        toast = await press(there, ADMIN, data, ADMIN, shown.message_id)
        assert "failed" not in toast, action
    assert await before_and_after(there) == was


async def test_a_list_is_added_once_and_is_forgotten(there: World, clock: FakeClock) -> None:
    await there.play(iter(["Admin uploads rsstt.opml"]))
    shown = [sent for sent in there.api.sent if sent.chat_id == ADMIN][-1]
    data = buttons(shown)["Only for subscribers"]
    assert await press(there, ADMIN, data, ADMIN, shown.message_id) == ""
    assert "are not yours" in await press(there, ADMIN, data, ADMIN, shown.message_id)
    await there.play(iter(["Admin uploads rsstt.opml"]))
    shown = [sent for sent in there.api.sent if sent.chat_id == ADMIN][-1]
    clock.advance(PATIENCE + timedelta(seconds=1))
    assert "are not yours" in await press(there, ADMIN, buttons(shown)["Cancel"], ADMIN, shown.message_id)


async def test_a_file_that_is_no_list_is_said(there: World) -> None:
    there.api.crowd.document(ADMIN, "feeds.opml", b"<html>no list</html>", "en")
    await there._settled()
    assert "I could not read that list:" in MARKS.sub("", there.api.sent[-1].text)


@pytest.mark.parametrize(("user", "language"), [(ADMIN, "en"), (PERSIAN_ADMIN, "fa")])
async def test_an_admins_chat_has_the_menu_of_admins(there: World, user: int, language: str) -> None:
    await say(there, user, f"/language {language}", language)
    menu = there.api.methods.profile["commands", f"chat:{user}", ""]
    t = translator(language)
    assert [(each["command"], each["description"]) for each in menu[:13]] == [
        (name, t(words)) for name, words in replies.ADMIN_MENU.items()
    ]
    assert [each["command"] for each in menu[13:]] == [
        each["command"] for each in there.api.methods.profile["commands", "default", language]
    ]


async def test_who_becomes_or_is_no_longer_an_admin_gets_the_other_menu(there: World) -> None:
    profile, commands = there.api.methods.profile, there.commands
    assert ("commands", f"chat:{SARA}", "") not in profile
    commands.configure("en", commands._browsing.zone, [SARA], commands._following.house)
    await there.api.until(lambda: ("commands", f"chat:{SARA}", "") in profile)
    assert profile["commands", f"chat:{SARA}", ""][0]["command"] == "status"
    assert ("commands", f"chat:{PERSIAN_ADMIN}", "") not in profile
