"""A send whose answer was lost is looked for in its chat: found, it is not repeated; absent, it is sent again.

With python-telegram-bot's own client against the fake Bot API, on a clock that only the test moves.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import Bot

from bot.model import Attachment, Entity, Message, MessageKind, OnUncertain
from bot.outbox import evidence
from bot.outbox.delivering import Outbox
from bot.outbox.evidence import Evidence, is_ours, newest_id
from bot.pacing import Pace
from bot.sender import Seen, TelegramProbe, TelegramSender, open_bot
from bot.storage import sightings
from bot.storage.database import Database
from tests.builders import a_channel, a_subscription, an_entry
from tests.fakes.bot_api import BOT_ID, TOKEN, BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.clock import FakeClock
from tests.stage import Stage

CHANNEL, GROUP, PERSON, ADMIN = -1001111111111, -1002222222222, 1041, 42


@pytest.fixture
async def api(clock: FakeClock) -> AsyncIterator[BotApi]:
    async with BotApi(now=clock, monotonic=clock.monotonic) as running:
        running.add_chat(Chat(CHANNEL, type="channel", status="administrator", can_edit_messages=True))
        running.add_chat(Chat(GROUP, type="supergroup", status="administrator"))
        for person in (PERSON, ADMIN):
            running.add_chat(Chat(person, type="private", started=True))
        yield running


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    opened = open_bot(TOKEN, api.base_url.removesuffix("/bot"))
    await opened.initialize()
    yield opened
    await opened.shutdown()


Opener = Callable[..., Outbox]


@pytest.fixture
def opened(sqlite: Database, clock: FakeClock, bot: Bot, lite: Stage) -> Opener:
    """An outbox that sends through the client: each call is a process of its own."""

    def open_one(
        *,
        places: Sequence[int] = (ADMIN,),
        on_uncertain: OnUncertain = OnUncertain.HOLD,
        step: Callable[[str], None] = lambda _name: None,
    ) -> Outbox:
        async def to_whom() -> Sequence[int]:
            return places

        return Outbox(
            sqlite,
            TelegramSender(bot, clock),
            clock,
            subscriptions=lite.routes.subscriptions,
            pace=Pace(),
            on_uncertain=on_uncertain,
            evidence=Evidence(sqlite, TelegramProbe(bot), clock, bot_id=BOT_ID, places=to_whom),
            step=step,
        )

    return open_one


async def posts_for(stage: Stage, chat_id: int, count: int = 2) -> None:
    await stage.adopt(a_subscription(channel=a_channel(chat=str(chat_id))))
    await stage.read(an_entry(0))
    await stage.read(an_entry(0), *(an_entry(number) for number in range(1, count + 1)))


def in_chat(api: BotApi, chat_id: int) -> list[str]:
    """What stands in a chat now: first lines."""
    return [str(message.body.get("text")).split("\n")[0] for message in api.chats[chat_id].messages.values()]


WANTED = ["Moon number 1", "Moon number 2"]


@pytest.mark.parametrize("chat_id", [CHANNEL, GROUP], ids=["channel", "supergroup"])
@pytest.mark.parametrize("fault", ["drop_after", "status_after", "malformed", "truncate"])
async def test_what_arrived_is_not_sent_again(
    lite: Stage, api: BotApi, opened: Opener, chat_id: int, fault: str
) -> None:
    await posts_for(lite, chat_id)
    api.fault(fault, containing="Moon number 1")  # type: ignore[arg-type]  # one of its literals
    await lite.deliver_until_idle(opened())
    assert in_chat(api, chat_id) == WANTED
    assert await lite.states() == ["sent", "sent"]
    # The copy by which it was known is gone again, and made no sound.
    assert in_chat(api, ADMIN) == []
    (copied,) = api.calls("forwardMessage")
    assert str(copied.params["disable_notification"]).lower() == "true"
    rows = await lite.rows()
    assert [row["message_ids"] for row in rows] == [[number] for number in api.chats[chat_id].messages]


@pytest.mark.parametrize("chat_id", [CHANNEL, GROUP], ids=["channel", "supergroup"])
async def test_what_did_not_arrive_is_sent_again(lite: Stage, api: BotApi, opened: Opener, chat_id: int) -> None:
    await posts_for(lite, chat_id)
    api.fault("drop_before", containing="Moon number 1")
    await lite.deliver_until_idle(opened())
    assert in_chat(api, chat_id) == WANTED
    assert [row["attempts"] for row in await lite.rows()] == [2, 1]


async def test_where_others_post_at_the_same_time_nothing_is_lost_and_nothing_touched(
    lite: Stage, api: BotApi, opened: Opener
) -> None:
    await posts_for(lite, CHANNEL)
    for number in range(7):
        api.crowd.channel_post(CHANNEL, f"An older post {number}")
    outbox = opened()
    api.fault("drop_after", containing="Moon number 1")
    while not api.texts(CHANNEL):
        await outbox.deliver_due()
        lite.clock.advance(timedelta(seconds=1))
    others = ["Moon number 1", "Another admin's words", "/start", "Moon number 2"]
    for text in others:
        api.crowd.channel_post(CHANNEL, text)
    before = {number: dict(message.body) for number, message in api.chats[CHANNEL].messages.items()}
    await lite.deliver_until_idle(outbox)
    assert {number: api.chats[CHANNEL].messages[number].body for number in before} == before
    mine = [message for message in api.chats[CHANNEL].messages.values() if message.mine]
    assert [str(message.body["text"]).split("\n")[0] for message in mine] == WANTED
    assert in_chat(api, ADMIN) == []


async def test_a_channel_whose_other_posts_the_bot_cannot_edit_needs_no_copies(
    lite: Stage, api: BotApi, opened: Opener
) -> None:
    api.chats[CHANNEL].can_edit_messages = False
    await posts_for(lite, CHANNEL, 3)
    api.fault("drop_after", containing="Moon number 1", method="sendMessage")
    api.fault("drop_before", containing="Moon number 2", method="sendMessage")
    outbox = opened(places=())
    while not api.texts(CHANNEL):
        await outbox.deliver_due()
        lite.clock.advance(timedelta(seconds=1))
    api.crowd.channel_post(CHANNEL, "Another admin's words")
    await lite.deliver_until_idle(outbox)
    assert in_chat(api, CHANNEL) == ["Moon number 1", "Another admin's words", "Moon number 2", "Moon number 3"]
    assert (api.calls("forwardMessage"), [sent for sent in api.sent if sent.event == "edit"]) == ([], [])


@pytest.mark.parametrize("policy", list(OnUncertain))
async def test_without_a_place_for_copies_feeds_yaml_decides(
    lite: Stage, api: BotApi, opened: Opener, policy: OnUncertain
) -> None:
    await posts_for(lite, CHANNEL)
    api.fault("drop_after", containing="Moon number 1")
    api.chats[ADMIN].blocked = True
    await lite.deliver_until_idle(opened(on_uncertain=policy))
    held = policy is OnUncertain.HOLD
    assert await lite.states() == ["held" if held else "sent", "sent"]
    assert len(in_chat(api, CHANNEL)) == (2 if held else 3)


async def test_a_person_is_never_looked_at(lite: Stage, api: BotApi, opened: Opener) -> None:
    await posts_for(lite, PERSON)
    api.fault("drop_after", method="sendMessage", times=1)
    await lite.deliver_until_idle(opened(on_uncertain=OnUncertain.RESEND))
    assert in_chat(api, PERSON) == ["Moon number 1", *WANTED]


async def test_the_next_admin_gets_the_copy_where_the_first_cannot(lite: Stage, api: BotApi, opened: Opener) -> None:
    await posts_for(lite, CHANNEL)
    api.chats[PERSON].blocked = True
    api.fault("drop_after", containing="Moon number 1")
    await lite.deliver_until_idle(opened(places=(PERSON, ADMIN)))
    assert in_chat(api, CHANNEL) == WANTED


async def test_an_outage_during_the_look_decides_nothing(lite: Stage, api: BotApi, opened: Opener) -> None:
    await posts_for(lite, CHANNEL)
    api.fault("drop_after", containing="Moon number 1")
    outbox = opened()
    await outbox.deliver_due()
    assert await lite.states() == ["uncertain", "pending"]
    api.fault("drop_before", method="forwardMessage", times=1)
    lite.clock.advance(timedelta(seconds=10))
    await outbox.deliver_due()
    assert await lite.states() == ["uncertain", "pending"]
    await lite.deliver_until_idle(outbox)
    assert in_chat(api, CHANNEL) == WANTED


class Died(BaseException):
    """Not an Exception: nothing in the program may catch it."""


@pytest.mark.parametrize("is_answered", [False, True], ids=["before-the-answer", "before-the-deletion"])
async def test_a_copy_is_deleted_also_when_its_process_died(
    lite: Stage, sqlite: Database, api: BotApi, opened: Opener, bot: Bot, is_answered: bool
) -> None:
    api.crowd.channel_post(CHANNEL, "Another admin's words")
    api.crowd.private_message(ADMIN, "What an admin said before")
    number = await sqlite.write(sightings.plan_copy, BOT_ID, ADMIN, CHANNEL, 1, lite.clock.now())
    copied = await bot.forward_message(ADMIN, CHANNEL, 1)
    if is_answered:
        await sqlite.write(sightings.copy_made, number, copied.message_id)
    api.crowd.private_message(ADMIN, "What an admin said after")
    await opened().deliver_due()
    assert len(in_chat(api, ADMIN)) == 3  # its process may still live
    lite.clock.advance(timedelta(minutes=6))
    await opened().deliver_due()
    assert in_chat(api, ADMIN) == ["What an admin said before", "What an admin said after"]
    await opened().deliver_due()
    assert await sqlite.read(sightings.abandoned_copies, BOT_ID, lite.clock.now() + timedelta(days=1)) == []


async def test_the_newest_message_is_found_once_and_without_a_trace(
    lite: Stage, sqlite: Database, api: BotApi, opened: Opener
) -> None:
    for number in range(300):
        api.crowd.channel_post(CHANNEL, f"Older {number}")
    before = in_chat(api, CHANNEL)
    await posts_for(lite, CHANNEL)
    await lite.deliver_until_idle(opened())
    assert in_chat(api, CHANNEL) == [*before, *WANTED]
    asked = len(api.calls("sendMessage"))
    await lite.read(an_entry(0), an_entry(1), an_entry(2), an_entry(3))
    await lite.deliver_until_idle(opened())
    assert len(api.calls("sendMessage")) == asked + 1
    assert await sqlite.read(sightings.last_seen, BOT_ID, CHANNEL) == 303


async def test_an_album_of_which_a_part_came_through_is_completed(
    lite: Stage, sqlite: Database, api: BotApi, bot: Bot, clock: FakeClock
) -> None:
    media = tuple(Attachment(f"https://sky.example/{number}.jpg") for number in range(4))
    album = Message("A full moon", kind=MessageKind.ALBUM, media=media)
    await sqlite.write(sightings.raise_to, BOT_ID, CHANNEL, 0)
    now = clock.now()
    await TelegramSender(bot, clock).send(CHANNEL, replace(album, media=media[:3]))

    async def to_whom() -> Sequence[int]:
        return (ADMIN,)

    looking = Evidence(sqlite, TelegramProbe(bot), clock, bot_id=BOT_ID, places=to_whom)
    assert await looking.look(CHANNEL, album, now) == evidence.Finding((1, 2, 3))
    assert in_chat(api, ADMIN) == []


@given(st.sets(st.integers(1, 3000), max_size=60), st.integers(0, 400))
async def test_the_newest_id_is_found_across_gaps(scattered: set[int], solid: int) -> None:
    """Gaps shorter than a window are never taken for the end."""
    ids = set(range(1, solid + 1)) | {one for one in scattered if one <= solid + 18}
    assert await newest_id(_among(ids)) == max(ids, default=0)


def _among(ids: set[int]) -> evidence.Exists:
    async def exists(message_id: int) -> bool:
        return message_id in ids

    return exists


SENT = Message(
    "A full moon\nby @someone", (Entity("bold", 0, 11), Entity("text_link", 0, 11, url="https://sky.example"))
)
SEEN = Seen(
    copy_id=9,
    text=SENT.text,
    entities=(
        Entity("bold", 0, 6),
        Entity("bold", 6, 5),
        Entity("text_link", 0, 11, url="https://sky.example/"),
        Entity("mention", 15, 8),
    ),
    kind=MessageKind.TEXT,
    age=timedelta(seconds=20),
    of_chat=CHANNEL,
    of_message=7,
)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (SEEN, True),
        (replace(SEEN, of_chat=None, of_message=None, by_user=BOT_ID), True),
        (replace(SEEN, of_chat=None, of_message=None, by_user=PERSON), False),
        (replace(SEEN, text="A full moon"), False),
        (replace(SEEN, entities=SEEN.entities[:2]), False),
        (replace(SEEN, kind=MessageKind.PHOTO), False),
        (replace(SEEN, of_message=8), False),
        (replace(SEEN, of_chat=GROUP), False),
        (replace(SEEN, age=timedelta(minutes=1)), False),
    ],
    ids=["the-same", "in-a-group", "of-a-person", "words", "links", "picture", "other-id", "forwarded", "older"],
)
def test_what_proves_a_message_ours(seen: Seen, expected: bool) -> None:
    elapsed = timedelta(seconds=20)
    assert is_ours(seen, SENT, chat_id=CHANNEL, message_id=7, bot_id=BOT_ID, elapsed=elapsed) is expected
