"""Nobody acts on a chat that is not theirs: who may do what, by command, by button and by deep link, as tables."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Connection, select

from bot import links
from bot.commands.following import Following, Listener
from bot.commands.rights import ANONYMOUS
from bot.personal import House
from bot.storage import subscribers
from bot.storage.database import Database
from bot.storage.schema import chats, subscriptions
from bot.storage.subscribers import Place
from tests.builders import NOW
from tests.conversations import CHANNEL, GROUP, MARKS, World, buttons, taken_in, world
from tests.fakes.bot_api import BOT_ID
from tests.fakes.bot_api_chats import Chat
from tests.fakes.clock import FakeClock

SARA, OMID, MINA = 7, 9, 10
GARDENS, OTHER_GROUP = -1004444444444, -1005555555555
MAY = {"can_change_info": True}

RESTRICTED = {"status": "restricted", "is_member": True, "until_date": 0} | dict.fromkeys(
    (
        "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
        "can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages",
        "can_add_web_page_previews", "can_change_info", "can_invite_users", "can_pin_messages", "can_manage_topics",
        "can_edit_tag", "can_react_to_messages",
    ),
    True,
)  # fmt: skip

#: How somebody stands in the group, and whether they may change what it gets.
STANDINGS: dict[str, tuple[str | dict[str, Any], bool]] = {
    "creator": ("creator", True),
    "admin": ({"status": "administrator", **MAY}, True),
    "admin without the right": ({"status": "administrator"}, False),
    "member": ("member", False),
    "restricted": (RESTRICTED, False),
    "stranger": ("left", False),
    "banned": ("kicked", False),
}
#: Who may have spoken in the group's name, and whether all of them may.
HIDDEN: dict[str, tuple[dict[int, str | dict[str, Any]], bool]] = {
    "hidden creator": ({OMID: {"status": "creator", "is_anonymous": True}}, True),
    "hidden admin": ({OMID: {"status": "administrator", "is_anonymous": True, **MAY}}, True),
    "hidden admin without the right": ({OMID: {"status": "administrator", "is_anonymous": True}}, False),
    "one of two hidden admins may not": (
        {
            OMID: {"status": "administrator", "is_anonymous": True, **MAY},
            MINA: {"status": "administrator", "is_anonymous": True},
        },
        False,
    ),
    "no admin is hidden": ({OMID: {"status": "administrator", **MAY}}, False),
}
COMMANDS = (
    "/follow #moon",
    "/subscribe sky",
    "/digest day",
    "/mute sky 7d",
    "/settings Europe/Berlin",
    "/language fa",
    "/unsubscribe sky",
)
REFUSED = "Only an admin of the chat may do that."


@pytest.fixture
async def there(sqlite: Database, clock: FakeClock) -> AsyncIterator[World]:
    async with world(sqlite, clock) as running:
        running.api.chats[GROUP].members = {OMID: "creator"}
        await say(running, OMID, "/language en")
        yield running


async def say(there: World, user: int, text: str, chat_id: int = GROUP, *, as_chat: int | None = None) -> str:
    """Say something in a group, in the name of a chat if one is given; the bot's answer."""
    api, before = there.api, len(there.api.sent)
    body = api.book.add_message(api.chats[chat_id], {"text": text}, sender=user)
    if as_chat is not None:
        body["sender_chat"] = api.chats[as_chat].brief()
    api.inject({"message": body})
    await api.until(lambda: len(api.sent) > before)
    return MARKS.sub("", api.sent[-1].text)


async def press(there: World, user: int, data: str, message_id: int, chat_id: int = GROUP) -> str:
    """Press a button, real or made up; the toast, "" where there was none."""
    answers = there.api.methods.answers
    before = len(answers)
    there.api.crowd.callback(user, chat_id, message_id, data)
    await there.api.until(lambda: len(answers) > before)
    return str(answers[-1].get("text") or "")


async def kept(there: World) -> list[Any]:
    """Everything that people chose and follow."""

    def run(connection: Connection) -> list[Any]:
        own = select(subscriptions.c.target_id, subscriptions.c.feed_id, subscriptions.c.tag, subscriptions.c.active)
        followed = connection.execute(own.add_columns(subscriptions.c.muted_until).where(subscriptions.c.own))
        return [*followed.all(), *connection.execute(select(chats)).all()]

    return await there.stage.database.read(run)


@pytest.mark.parametrize("standing", STANDINGS)
async def test_in_a_group_only_its_admins_change_what_it_gets(there: World, standing: str) -> None:
    there.api.chats[GROUP].members[MINA], may = STANDINGS[standing]
    for text in COMMANDS:
        before = await kept(there)
        answer = await say(there, MINA, text)
        assert (answer == REFUSED) is not may, text
        assert (await kept(there) == before) is not may, text
    assert (await say(there, MINA, "/stop") == REFUSED) is not may
    assert (await say(there, MINA, "/start " + links.to_feed(1)) == REFUSED) is not may
    assert "A full moon" in await say(there, MINA, "/latest")  # to read is everybody's


@pytest.mark.parametrize("hidden", HIDDEN)
async def test_who_speaks_in_the_groups_name_may_if_all_who_could_have_been_it_may(there: World, hidden: str) -> None:
    there.api.chats[GROUP].members, may = HIDDEN[hidden]
    for text in COMMANDS[:2]:
        before = await kept(there)
        answer = await say(there, ANONYMOUS, text, as_chat=GROUP)
        assert (answer == REFUSED) is not may, text
        assert (await kept(there) == before) is not may, text
    assert await say(there, ANONYMOUS, "/subscribe sky @night_sky", as_chat=GROUP) == (
        "I cannot see who you are. Send that command to me in private."
    )


async def test_a_channel_that_speaks_in_a_group_changes_nothing_there(there: World) -> None:
    before = await kept(there)
    assert await say(there, 136817688, "/subscribe sky", as_chat=CHANNEL) == REFUSED
    assert await kept(there) == before


async def test_a_hidden_admins_buttons_are_pressed_by_admins_alone(there: World) -> None:
    there.api.chats[GROUP].members = {OMID: {"status": "creator", "is_anonymous": True}, MINA: "member"}
    await say(there, ANONYMOUS, "/feeds", as_chat=GROUP)
    sent = there.api.sent[-1]
    before = await kept(there)
    assert await press(there, MINA, buttons(sent)["Sky Notes"], sent.message_id) == REFUSED
    assert await kept(there) == before
    assert await press(there, OMID, buttons(sent)["Sky Notes"], sent.message_id) == ""
    assert await kept(there) != before


@pytest.mark.parametrize("now", ["member", "left", "kicked", "admin without the right"])
async def test_a_former_admins_old_buttons_do_nothing(there: World, now: str) -> None:
    await say(there, OMID, "/subscribe sky")
    screens = {}
    for command in ("/feeds", "/settings", "/stop"):
        await say(there, OMID, command)
        screens[command] = there.api.sent[-1]
    there.api.chats[GROUP].members[OMID] = {"status": "administrator"} if now.startswith("admin") else now
    before = await kept(there)
    for command, label in (("/feeds", "✓ Sky Notes"), ("/settings", "Sound: on"), ("/stop", "Yes, delete")):
        sent = screens[command]
        assert await press(there, OMID, buttons(sent)[label], sent.message_id) == REFUSED
    assert await kept(there) == before


async def test_a_bot_that_may_not_write_says_so_instead_of_following(there: World) -> None:
    before = await kept(there)
    there.api.chats[CHANNEL].can_post_messages = False
    there.api.crowd.private_message(OMID, "/subscribe sky @night_sky", "en")
    await there.api.until(lambda: bool(there.api.texts(OMID)))
    assert there.api.texts(OMID) == ["I may not send messages there. Give me that right first."]
    assert await kept(there) == before


ELSEWHERE: dict[str, tuple[str, str | dict[str, Any], bool]] = {
    "creator": ("@night_sky", "creator", True),
    "admin who posts": ("@night_sky", {"status": "administrator", "can_post_messages": True}, True),
    "by number": (str(CHANNEL), "creator", True),
    "admin who does not post": ("@night_sky", {"status": "administrator", "can_post_messages": False}, False),
    "reader": ("@night_sky", "member", False),
    "stranger": ("@night_sky", "left", False),
    "unknown name": ("@nobody_there", "creator", False),
    "unknown number": ("-1009999999999", "creator", False),
    "somebody's private chat": ("@sara_private", "creator", False),
    "a group without the bot": (str(OTHER_GROUP), "creator", False),
}


@pytest.mark.parametrize("case", ELSEWHERE)
async def test_another_chat_is_its_admins_too(there: World, case: str) -> None:
    target, standing, may = ELSEWHERE[case]
    api = there.api
    api.chats[CHANNEL].members = {MINA: standing}
    api.crowd.private_message(SARA, "/help", "en")
    api.chats[SARA].username = "sara_private"
    api.crowd.bot_status(GROUP, OMID, "member")
    api.add_chat(Chat(OTHER_GROUP, type="supergroup", status="left", members={MINA: "creator"}))
    await taken_in(api, there.commands)
    before = await kept(there)
    for text in (f"/subscribe sky {target}", f"/unsubscribe sky {target}"):
        asked = len(api.texts(MINA))
        api.crowd.private_message(MINA, text, "en")
        await api.until(lambda asked=asked: len(api.texts(MINA)) > asked)  # type: ignore[misc]
        assert ("follow" in api.texts(MINA)[-1]) is may, text
    assert (await kept(there) == before) is not may


async def test_made_up_and_borrowed_buttons_do_nothing(there: World) -> None:
    api = there.api
    await say(there, OMID, "/subscribe sky")
    await say(there, OMID, "/feeds")
    sent = api.sent[-1]
    right = buttons(sent)["✓ Sky Notes"]
    api.crowd.private_message(SARA, "/feeds", "en")
    await api.until(lambda: bool(api.texts(SARA)))
    of_sara = buttons(api.sent[-1])["Sky Notes"]
    before = await kept(there)
    made_up = [
        "", "b", "b" * 64, right[:-1], right + "0", right.replace("T.", "U."), right[:13] + "X.1", right[13:], "X.1",
        "T.0.1.1", "b" + "A" * 12 + "X.1", "T.0.1.1\n", of_sara, f"sample {GROUP}", "addfeed xxxxxxxx yes", "G.fa",
        "language fa",
    ]  # fmt: skip
    for data in made_up:
        await press(there, OMID, data, sent.message_id)
        assert await kept(there) == before, data
    assert await press(there, MINA, right, sent.message_id) == "These buttons are not yours. Send the command yourself."
    assert await press(there, SARA, right, api.sent[-1].message_id, SARA) == (
        "These buttons are not yours. Send the command yourself."
    )
    assert await kept(there) == before


async def test_a_button_pressed_again_does_nothing_twice(there: World) -> None:
    await say(there, OMID, "/settings")
    sent = there.api.sent[-1]
    for label in ("Sound: on", "Summary: 3 sentences"):
        await press(there, OMID, buttons(sent)[label], sent.message_id)
        once = await kept(there)
        await press(there, OMID, buttons(sent)[label], sent.message_id)
        assert await kept(there) == once


async def test_numbers_of_others_cannot_be_guessed(there: World) -> None:
    """What is followed is looked up in the place that asks, whatever number a button of its own carries."""
    place = Place(BOT_ID, SARA)
    await there.stage.database.write(subscribers.follow_feed, place, 1, NOW)
    (of_sara,) = await there.stage.database.read(subscribers.followed, place)
    speaking = Following(there.stage.database, there.stage.clock, House(there.stage.routes.feeds))
    mina = Listener(Place(BOT_ID, MINA), "en")
    for action in (f"E.{of_sara.id}", f"M.{of_sara.id}.7", f"i.{of_sara.id}"):
        await speaking.press(action, mina)
    assert await there.stage.database.read(subscribers.followed, place) == [of_sara]


GARBAGE = [
    "f_", "f_-1", "f_99999999999999", "f_ZZ", "p_", "p_zz", "t_", "t_!!!!", "t_" + "A" * 63, "t_gICA", "claim_guess",
    "a" * 64, "../../etc", "<b>", "f_1;drop", "%s%n", "\u202e",
]  # fmt: skip


async def test_deep_links_with_garbage_lead_to_the_first_screen(there: World) -> None:
    before = await kept(there)
    for count, payload in enumerate(GARBAGE, 1):
        there.api.crowd.private_message(SARA, f"/start {payload}", "en")
        await there.api.until(lambda count=count: len(there.api.texts(SARA)) == count)  # type: ignore[misc]
        assert there.api.texts(SARA)[-1].startswith("Hello, I'm Qasedak."), payload
    assert await kept(there) == before
