"""A post waits for an admin: shown as it will appear, decided by a button, once, by somebody who may."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from telegram import Update, User

from bot.admin.approvals import Approvals, Office
from bot.model import Approval, Channel, OnEdit, Then
from bot.outbox.delivering import Outbox
from bot.screens.approval_cards import Reader, scheduled_for
from bot.sender import TelegramSender, open_bot
from bot.storage import approvals as rows
from bot.storage import lanes, reports
from bot.storage.database import Database
from bot.storage.schema import approvals as table
from tests.builders import a_channel, a_subscription, an_entry
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender
from tests.stage import Stage
from tests.written import route

TEHRAN = ZoneInfo("Asia/Tehran")
SARA, STRANGER, CHANNEL = 42, 7, -1001111111111
MARKS = re.compile("[\u200e\u200f\u2060\u2066-\u2069]")


@dataclass(slots=True)
class Desk:
    """A channel that asks, an admin, and the bot between them."""

    stage: Stage
    api: BotApi
    sender: TelegramSender
    clock: FakeClock
    outbox: Outbox
    approvals: Approvals

    async def read(self, *numbers: int) -> None:
        await self.stage.read(*(an_entry(each) for each in numbers))
        await self.turn()

    async def turn(self) -> list[str]:
        """What happens every second, for some seconds."""
        problems = []
        for _second in range(4):
            await self.outbox.deliver_due()
            problems += await self.approvals.ask_due()
            self.clock.advance(timedelta(seconds=1))
        await self.outbox.deliver_due()
        return problems

    def titles(self, chat: int) -> list[str]:
        return [MARKS.sub("", text).split("\n")[0] for text in self.api.texts(chat)]

    def buttons(self) -> dict[str, str]:
        message = [sent for sent in self.api.sent if sent.chat_id == SARA][-1].message
        board = message.get("reply_markup", {}).get("inline_keyboard", [])
        return {button["text"]: button["callback_data"] for row in board for button in row}

    async def press(self, data: str, user: int = SARA) -> str:
        card = [sent for sent in self.api.sent if sent.chat_id == SARA][-1]
        update = self.api.crowd.callback(user, SARA, card.message_id, data)
        query = Update.de_json(update, self.sender._bot).callback_query
        assert query
        await self.approvals.press(query, SARA, card.message_id, "en")
        return str(self.api.calls("answerCallbackQuery")[-1].params.get("text") or "")

    async def reply(self, prompt_id: int, text: str, user: int = SARA) -> bool:
        who = User.de_json(self.api.methods.book.person(user), self.sender._bot)
        return await self.approvals.take_title(SARA, prompt_id, text, who)


@pytest.fixture
async def desk(database: Database, clock: FakeClock) -> AsyncIterator[Desk]:
    async with BotApi() as api:
        api.add_chat(Chat(CHANNEL, type="channel", title="Night Sky", status="administrator"))
        for user, name in ((SARA, "Sara"), (STRANGER, "Eve")):
            api.methods.book.person(user, language_code="en", first_name=name)
            api.add_chat(Chat(user, type="private", started=True))
        bot = open_bot(TOKEN, api.base_url.removesuffix("/bot"))
        await bot.initialize()
        sender = TelegramSender(bot, clock)
        fake = FakeSender(clock)
        fake.bot_id = sender.bot_id
        stage = Stage(database, clock, fake)
        await configure(stage, a_channel(language="en", approve=Approval(timedelta(hours=6))))
        fake_outbox = stage.outbox()
        outbox = fake_outbox
        outbox._sender = sender

        async def office() -> Office:
            return Office(SARA, Reader("en", TEHRAN), stage.routes.subscriptions, frozenset({SARA}))

        approvals = Approvals(bot, sender, database, clock, compose=outbox.compose, office=office)
        yield Desk(stage, api, sender, clock, outbox, approvals)
        await bot.shutdown()


async def configure(stage: Stage, channel: Channel) -> None:
    await stage.adopt(a_subscription(channel=channel))
    await stage.read(an_entry(0))


async def test_a_post_is_shown_as_it_will_appear_and_goes_out_when_an_admin_says_yes(desk: Desk) -> None:
    await desk.read(0, 1)
    assert desk.api.texts(CHANNEL) == []
    shown, card = desk.api.texts(SARA)
    assert MARKS.sub("", card) == "For “Night Sky” · until 17:30, or it is not posted"
    assert await desk.stage.database.read(reports.count_waiting, desk.sender.bot_id) == 1
    assert list(desk.buttons()) == ["Post it", "Skip", "Edit title", "Schedule"]
    assert await desk.press(desk.buttons()["Post it"]) == ""
    await desk.turn()
    assert desk.api.texts(CHANNEL) == [shown]
    (edited,) = desk.api.calls("editMessageText")
    assert MARKS.sub("", str(edited.params["text"])) == "Posted by Sara, 11:30"
    (row,) = await desk.stage.database.read(lambda c: c.execute(select(table)).all())
    assert (row.decision, row.decided_by, row.decided_name) == ("post", SARA, "Sara")


async def test_what_an_admin_skips_is_not_sent_and_holds_up_nothing(desk: Desk) -> None:
    await desk.read(0, 1)
    first = desk.buttons()
    await desk.press(first["Skip"])
    await desk.read(0, 1, 2)
    await desk.press(desk.buttons()["Post it"])
    await desk.turn()
    assert desk.titles(CHANNEL) == ["Moon number 2"]
    assert "decided already" in await desk.press(first["Post it"])
    assert await desk.stage.states() == ["dropped", "sent"]


@pytest.mark.parametrize(("then", "count"), [(Then.SKIP, 0), (Then.POST, 1)])
async def test_time_decides_when_nobody_does(desk: Desk, then: Then, count: int) -> None:
    await configure(desk.stage, a_channel(language="en", approve=Approval(timedelta(hours=6), then)))
    desk.outbox.subscriptions = desk.stage.routes.subscriptions
    await desk.read(0, 1)
    old = desk.buttons()
    desk.clock.advance(timedelta(hours=5, minutes=59))
    await desk.turn()
    assert desk.api.texts(CHANNEL) == []
    desk.clock.advance(timedelta(minutes=1))
    await desk.turn()
    assert len(desk.api.texts(CHANNEL)) == count
    assert "decided already" in await desk.press(old["Post it"])


async def test_key_channels_approve_after(desk: Desk) -> None:
    assert await decided(desk, "after: 2h, then: post", 119) == 0
    desk.clock.advance(timedelta(minutes=1))
    await desk.turn()
    assert len(desk.api.texts(CHANNEL)) == 1


@pytest.mark.parametrize(
    ("keys", "count"), [("after: 1h", 0), ("after: 1h, then: skip", 0), ("after: 1h, then: post", 1)]
)
async def test_key_channels_approve_then(desk: Desk, keys: str, count: int) -> None:
    assert await decided(desk, keys, 60) == count


async def decided(desk: Desk, keys: str, minutes: int) -> int:
    """How many posts of a channel went out when nobody decided for so long."""
    await desk.stage.adopt(route(f"language: en, approve: {{{keys}}}"))
    desk.outbox.subscriptions = desk.stage.routes.subscriptions
    await desk.read(0)
    await desk.read(0, 1)
    desk.clock.advance(timedelta(minutes=minutes))
    await desk.turn()
    return len(desk.api.texts(CHANNEL))


async def test_what_a_channel_pays_for_costs_nothing_where_an_admin_is_asked(desk: Desk) -> None:
    await configure(desk.stage, a_channel(language="en", approve=Approval(), paid_broadcast=True))
    desk.outbox.subscriptions = desk.stage.routes.subscriptions
    await desk.read(0, 1)
    await desk.press(desk.buttons()["Post it"])
    await desk.turn()
    assert {sent.chat_id: sent.is_paid for sent in desk.api.sent if sent.event == "send"} == {
        SARA: False,
        CHANNEL: True,
    }


async def test_only_admins_decide_and_only_by_the_buttons_of_that_card(desk: Desk) -> None:
    await desk.read(0, 1)
    right = desk.buttons()["Post it"]
    assert await desk.press(right, user=STRANGER) == "Only an admin of the bot may do that."
    for forged in ("approve AAAAAAAAAAAAAAAA yes", right.replace("yes", "now"), "approve", right + " x"):
        assert "decided already" in await desk.press(forged)
    await desk.turn()
    assert desk.api.texts(CHANNEL) == []


async def test_an_admin_may_choose_a_time(desk: Desk) -> None:
    await desk.read(0, 1)
    schedule = desk.buttons()["Schedule"]
    await desk.press(schedule)
    board = desk.api.calls("editMessageReplyMarkup")[-1].params["reply_markup"]
    assert "Tomorrow, 09:00" in str(board)
    await desk.press(schedule.replace("when", "morning"))
    desk.clock.advance(datetime(2026, 11, 24, 8, 59, 50, tzinfo=TEHRAN) - desk.clock.now())
    await desk.turn()
    assert desk.api.texts(CHANNEL) == []
    desk.clock.advance(timedelta(seconds=10))
    await desk.turn()
    assert desk.titles(CHANNEL) == ["Moon number 1"]


async def test_an_admin_may_give_another_title_and_decides_about_the_post_as_it_is_then(desk: Desk) -> None:
    await desk.read(0, 1)
    first = desk.buttons()
    assert await desk.press(first["Edit title"]) == ""
    prompt = desk.api.sent[-1]
    assert MARKS.sub("", prompt.text) == "The new title of “Moon number 1”? Send it as a reply to this message."
    assert not await desk.reply(prompt.message_id, "A stranger's title", user=STRANGER)
    assert not await desk.reply(prompt.message_id - 1, "An answer to something else")
    assert await desk.reply(prompt.message_id, "A full\nmoon, at last")
    assert [MARKS.sub("", str(call.params["text"])) for call in desk.api.calls("editMessageText")] == [
        "Title changed by Sara, 11:30"
    ]
    assert "decided already" in await desk.press(first["Post it"])  # it was shown with another title
    desk.clock.advance(timedelta(hours=1))
    await desk.turn()
    shown, card = desk.api.texts(SARA)[-2:]
    assert shown.startswith("A full moon, at last\n")
    assert MARKS.sub("", card) == "For “Night Sky” · until 17:30, or it is not posted"  # no more time for it
    await desk.press(desk.buttons()["Post it"])
    await desk.turn()
    assert desk.api.texts(CHANNEL) == [shown]
    assert not await desk.reply(prompt.message_id, "Too late")
    (row,) = await desk.stage.database.read(lambda c: c.execute(select(table)).all())
    assert (row.titled_by, row.titled_name, row.decision) == (SARA, "Sara", "post")


async def test_a_correction_by_the_publisher_keeps_an_admins_title(desk: Desk) -> None:
    channel = a_channel(language="en", approve=Approval(timedelta(hours=6)), on_edit=OnEdit.EDIT)
    await configure(desk.stage, channel)
    desk.outbox.subscriptions = desk.stage.routes.subscriptions
    await desk.read(0, 1)
    await desk.press(desk.buttons()["Edit title"])
    await desk.reply(desk.api.sent[-1].message_id, "A full moon, at last")
    await desk.turn()
    await desk.press(desk.buttons()["Post it"])
    await desk.turn()
    desk.clock.advance(timedelta(minutes=10))
    await desk.stage.read(an_entry(1, content="<p>Rain hides it from everybody this evening.</p>"))
    await desk.turn()
    ((_chat_id, _message_id, message),) = desk.stage.sender.edited
    assert message.text.startswith("A full moon, at last\n")
    assert "Rain hides it" in message.text


async def test_posts_go_out_when_feeds_yaml_asks_for_no_approval_any_more(desk: Desk) -> None:
    await desk.read(0, 1)
    await configure(desk.stage, a_channel(language="en"))
    desk.outbox.subscriptions = desk.stage.routes.subscriptions
    await desk.turn()
    assert desk.titles(CHANNEL) == ["Moon number 1"]


async def test_an_operators_retry_is_a_yes(desk: Desk) -> None:
    await desk.read(0, 1)
    (asked,) = await desk.stage.database.read(rows.undecided, desk.sender.bot_id)
    await desk.stage.database.write(lanes.revive, desk.sender.bot_id, [asked.delivery_id], desk.clock.now())
    await desk.turn()
    assert desk.titles(CHANNEL) == ["Moon number 1"]


async def test_in_the_preview_nobody_is_asked(lite: Stage) -> None:
    lite.sender.bot_id = 0
    await configure(lite, a_channel(approve=Approval()))
    await lite.read(an_entry(0), an_entry(1))
    await lite.outbox().deliver_due()
    assert lite.sender.titles() == ["Moon number 1"]


def test_an_evening_that_is_over_is_no_time() -> None:
    late = datetime(2026, 11, 23, 21, 30, tzinfo=TEHRAN)
    assert scheduled_for("evening", late, TEHRAN) is None
    assert scheduled_for("evening", late - timedelta(hours=9), TEHRAN) == late - timedelta(minutes=30)


async def test_the_admins_chat_gets_no_more_than_any_other(desk: Desk) -> None:
    await desk.stage.read(*(an_entry(each) for each in range(9)))
    await desk.outbox.deliver_due()
    asked_at = []
    for _second in range(20):
        before = len(desk.api.texts(SARA))
        await desk.approvals.ask_due()
        asked_at += [desk.clock.now()] * (len(desk.api.texts(SARA)) - before)
        desk.clock.advance(timedelta(seconds=1))
    assert len(asked_at) == 16
    # A post and its card every two seconds; `once` waits for it.
    assert asked_at[-1] - asked_at[0] == timedelta(seconds=14)
    await desk.stage.read(*(an_entry(each) for each in range(9, 12)))
    await desk.outbox.deliver_due()
    before, began = len(desk.api.texts(SARA)), desk.clock.now()
    await desk.approvals.ask_due(is_patient=True)
    assert len(desk.api.texts(SARA)) - before == 6
    assert desk.clock.now() - began == timedelta(seconds=4)
