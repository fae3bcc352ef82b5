"""The card in the admin chat: what it says, when it comes, how it changes, and who may press its buttons."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update
from telegram import Bot, CallbackQuery, User

from bot.admin.approvals import Office
from bot.admin.choosing import Configured
from bot.admin.daily_card import DailyCard
from bot.admin.overseeing import Overseeing
from bot.answers import Answers
from bot.model import DeliveryState, Language
from bot.screens.approval_cards import Reader
from bot.sender import open_bot, shut_down
from bot.storage import lanes, pauses
from bot.storage.schema import concerns, deliveries, doubles, feeds, targets
from bot.storage.schema import lanes as lane_table
from tests.builders import NOW, a_channel, a_feed, a_subscription, an_entry
from tests.conversations import MARKS, buttons
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.bot_api_chats import Chat, Sent
from tests.stage import Stage

ADMIN, STRANGER, SARA, CHANNEL = 1, 7, 8, -1001111111111
TEHRAN = ZoneInfo("Asia/Tehran")
RIGHTS = "need administrator rights in the channel chat"
DAY = timedelta(days=1)


@dataclass
class Desk:
    """A bot, its admin, a channel and a feed; ``card`` is that of one process."""

    api: BotApi
    stage: Stage
    bot: Bot
    card: DailyCard = field(init=False)
    language: Language = "en"
    admins: frozenset[int] = frozenset({ADMIN})

    def start(self) -> None:
        """Another process begins."""
        stage = self.stage

        def configured() -> Configured:
            channels = {route.channel.name: route.channel for route in stage.routes.subscriptions.values()}
            return Configured(channels=channels, titles={"main": "Night Sky" if self.language == "en" else "آسمان شب"})

        async def office() -> Office:
            return Office(ADMIN, Reader(self.language, TEHRAN), {}, self.admins)

        room = Overseeing(stage.database, stage.clock, stage.sender.bot_id, configured)
        self.card = DailyCard(
            self.bot, Answers(self.bot, stage.clock), stage.database, stage.clock, office=office, facts=room.what_needs
        )

    @property
    def sent(self) -> list[Sent]:
        """Cards that were sent; edits are not."""
        return [sent for sent in self.api.sent if sent.event == "send" and sent.chat_id == ADMIN]

    @property
    def now(self) -> str:
        """What the last message says."""
        return MARKS.sub("", [sent for sent in self.api.sent if sent.event != "delete"][-1].text)

    async def take_rights(self) -> None:
        await self.stage.database.write(lanes.pause, self.stage.sender.bot_id, CHANNEL, RIGHTS)

    async def silence(self, health: str = "silent") -> None:
        await self.change(
            update(feeds).values(health=health, health_since=NOW, newest_at=NOW - 4 * DAY, gap_seconds=8 * 3600)
        )

    async def double(self) -> None:
        """A post to Sara went out twice, perhaps."""
        await self.stage.database.write(
            lambda connection: connection.execute(doubles.insert().values(delivery_id=1, at=self.stage.clock.now()))
        )

    async def change(self, statement: Any) -> None:
        await self.stage.database.write(lambda connection: connection.execute(statement))

    async def press(self, label: str, *, user: int = ADMIN, data: str | None = None, message_id: int = 0) -> str:
        """The toast."""
        shown = [sent for sent in self.api.sent if sent.event != "delete"][-1]
        data = buttons(shown)[label] if data is None else data
        self.api.crowd.callback(user, ADMIN, message_id or shown.message_id, data)
        (update_made,) = self.api.updates.pending[-1:]
        asked = CallbackQuery(
            id=update_made["callback_query"]["id"],
            from_user=User(user, "A", is_bot=False),
            chat_instance="x",
            data=data,
        )
        asked.set_bot(self.bot)
        await self.card.press(asked, ADMIN, message_id or shown.message_id, self.language)
        return MARKS.sub("", str(self.api.methods.answers[-1].get("text") or ""))


@pytest.fixture
async def desk(lite: Stage) -> AsyncIterator[Desk]:
    await lite.adopt(a_subscription(feed=a_feed("sky-notes"), channel=a_channel(chat=str(CHANNEL))))
    await lite.read(an_entry(0), feed="sky-notes")
    await lite.read(
        an_entry(0), *(an_entry(number, title=f"Full moon {number}") for number in range(1, 8)), feed="sky-notes"
    )
    async with BotApi(now=lite.clock.now) as api:
        api.add_chat(Chat(ADMIN, title="A"))
        bot = open_bot(TOKEN, api.base_url.removesuffix("/bot"))
        await bot.initialize()
        made = Desk(api, lite, bot)
        made.start()
        yield made
        await shut_down(bot)


# --- what it says --------------------------------------------------------------------------------------------

ENGLISH = """\
Three things need you
Monday, 23 November 2026, 11:30

1. Night Sky: I may not post. 7 posts are waiting.
In Telegram: channel administrators → Qasedak → Post messages
2. One message may have gone out twice: “Full moon 1” to Night Sky.
3. sky-notes: nothing new for 4 days; usually 3 a day."""
PERSIAN = """\
سه چیز به شما نیاز دارد
دوشنبه ۲ آذر ۱۴۰۵، ساعت ۱۱:۳۰

۱. کانال «آسمان شب»: اجازهٔ ارسال ندارم. ۷ نوشته نگه داشته‌ام.
در تلگرام: مدیران کانال ← قاصدک ← ارسال پیام
۲. یک پیام شاید دو بار رفته باشد: «Full moon 1» به آسمان شب.
۳. خوراک sky-notes: از ۴ روز پیش نوشتهٔ تازه نداشته؛ معمولاً روزی ۳ تا."""
LABELS: dict[Language, list[str]] = {
    "en": ["1. Check again", "2. Seen", "3. Pause"],
    "fa": ["۱. دوباره بررسی کن", "۲. دیدم", "۳. توقف"],
}


@pytest.mark.parametrize(("language", "text"), [("en", ENGLISH), ("fa", PERSIAN)])
async def test_the_card_says_what_needs_a_person_money_and_trust_first(
    desk: Desk, language: Language, text: str
) -> None:
    desk.language = language
    for happen in (desk.silence, desk.double, desk.take_rights):
        await happen()
    await desk.card.tend()
    assert desk.now == text
    assert list(buttons(desk.sent[-1])) == LABELS[language]
    assert desk.sent[-1].entities[0]["type"] == "bold"


async def test_people_are_called_by_their_names(desk: Desk) -> None:
    desk.api.add_chat(Chat(SARA, title="Sara"))
    await desk.double()
    await desk.change(update(targets).values(chat_id=SARA, chat=str(SARA), channel=""))
    await desk.card.tend()
    assert "“Full moon 1” to Sara." in desk.now


async def test_where_nothing_needs_a_person_nothing_is_said(desk: Desk) -> None:
    await desk.card.tend()
    assert desk.api.sent == []


async def test_what_could_not_be_sent_and_what_is_held_is_counted(desk: Desk) -> None:
    for number, state in ((1, DeliveryState.DEAD), (2, DeliveryState.DEAD), (3, DeliveryState.HELD)):
        await desk.change(update(deliveries).where(deliveries.c.id == number).values(state=state, error="too strange"))
    await desk.card.tend()
    assert "1. 1 post is held until you decide. See /queue\n2. 2 posts could not be sent, the last: " in desk.now


# --- when it comes -------------------------------------------------------------------------------------------


async def test_a_feed_waits_for_the_days_card_and_rights_do_not(desk: Desk) -> None:
    await desk.card.tend()  # 11:30: the day's look is done
    await desk.silence()
    await desk.card.tend()
    assert desk.sent == []
    await desk.take_rights()
    await desk.card.tend()
    assert desk.now.startswith("Two things need you")
    desk.stage.clock.advance(timedelta(hours=21, minutes=29))
    await desk.card.tend()
    assert len(desk.sent) == 1


async def test_a_feed_is_told_at_nine(desk: Desk) -> None:
    await desk.card.tend()
    await desk.silence()
    desk.stage.clock.advance(timedelta(hours=21, minutes=29))  # 8:59
    await desk.card.tend()
    assert desk.sent == []
    desk.stage.clock.advance(timedelta(minutes=1))
    await desk.card.tend()
    assert desk.now.startswith("One thing needs you")


async def test_a_feed_that_never_worked_is_a_mistake_and_told_at_once(desk: Desk) -> None:
    await desk.card.tend()
    await desk.change(update(feeds).values(health="failing", succeeded_at=None, failures=1, error="answered 404"))
    await desk.card.tend()
    assert "sky-notes: could not be read: answered 404" in desk.now


async def test_the_same_thing_is_told_once_a_day_also_by_another_process(desk: Desk) -> None:
    await desk.take_rights()
    for _hour in range(24):
        await desk.card.tend()
        desk.start()
        desk.stage.clock.advance(timedelta(hours=1))
    assert len(desk.sent) == 1
    await desk.card.tend()
    assert len(desk.sent) == 2


async def test_what_comes_and_goes_within_a_day_is_told_once(desk: Desk) -> None:
    for _time in range(3):
        await desk.take_rights()
        await desk.card.tend()
        await desk.change(update(lane_table).values(paused=None))
        await desk.card.tend()
    assert len(desk.sent) == 1
    assert desk.now == "Everything on this card is settled."


async def test_a_card_changes_as_things_are_settled_and_there_is_one(desk: Desk) -> None:
    await desk.silence()
    await desk.card.tend()
    first = desk.sent[0].message_id
    await desk.take_rights()
    await desk.card.tend()
    assert desk.now.startswith("Two things need you")
    assert [(sent.event, sent.message_id) for sent in desk.api.sent if sent.event == "delete"] == [("delete", first)]
    await desk.change(update(lane_table).values(paused=None))
    await desk.card.tend()
    await desk.card.tend()
    assert desk.now.startswith("One thing needs you")
    assert list(buttons(desk.api.sent[-1])) == ["1. Pause"]
    assert [sent.event for sent in desk.api.sent if sent.event == "edit"] == ["edit"]
    await desk.change(update(feeds).values(health="ok"))
    await desk.card.tend()
    assert desk.now == "Everything on this card is settled."
    assert buttons(desk.api.sent[-1]) == {}


async def test_an_admin_who_cannot_be_reached_is_told_later(desk: Desk) -> None:
    desk.api.refuse(403, "Forbidden: bot was blocked by the user")
    await desk.take_rights()
    await desk.card.tend()
    assert desk.sent == []
    await desk.card.tend()
    assert len(desk.sent) == 1


# --- buttons -------------------------------------------------------------------------------------------------


async def test_check_again_tries_and_what_is_still_wrong_is_news(desk: Desk) -> None:
    await desk.take_rights()
    await desk.card.tend()
    assert await desk.press("1. Check again") == "I am trying to post again."
    paused = await desk.stage.database.read(lambda connection: connection.execute(select(lane_table.c.paused)).scalar())
    assert paused is None
    await desk.take_rights()
    await desk.card.tend()
    assert len(desk.sent) == 2


async def test_check_again_reads_a_feed(desk: Desk) -> None:
    await desk.silence("failing")
    await desk.change(update(feeds).values(error="answered 500", failures=3, next_check_at=NOW + DAY))
    await desk.card.tend()
    assert await desk.press("1. Check again") == "I am reading it again."
    at = await desk.stage.database.read(lambda connection: connection.execute(select(feeds.c.next_check_at)).scalar())
    assert at == NOW


async def test_pause_lets_a_feed_rest_and_settles_it(desk: Desk) -> None:
    await desk.silence()
    await desk.card.tend()
    assert await desk.press("1. Pause") == "It rests until you say /resume."
    (paused,) = await desk.stage.database.read(pauses.load, desk.stage.sender.bot_id, NOW)
    assert paused.name == "sky-notes"
    assert desk.now == "Everything on this card is settled."


async def test_what_was_seen_is_not_told_again_until_it_comes_back(desk: Desk) -> None:
    await desk.change(update(deliveries).where(deliveries.c.id == 1).values(state=DeliveryState.DEAD, error="x"))
    await desk.card.tend()
    assert await desk.press("1. Seen") == "All right."
    for _day in range(3):
        desk.stage.clock.advance(DAY)
        await desk.card.tend()
    assert len(desk.sent) == 1
    await desk.change(update(deliveries).where(deliveries.c.id == 1).values(state=DeliveryState.PENDING))
    await desk.card.tend()
    await desk.change(update(deliveries).where(deliveries.c.id == 1).values(state=DeliveryState.DEAD))
    desk.stage.clock.advance(DAY)
    await desk.card.tend()
    assert len(desk.sent) == 2


async def test_nobody_but_an_admin_presses_and_only_buttons_of_the_card_that_is_out(desk: Desk) -> None:
    await desk.take_rights()
    await desk.card.tend()
    data = buttons(desk.sent[0])["1. Check again"]
    assert await desk.press("", user=STRANGER, data=data) == "Only an admin of the bot may do that."
    token = data.split(" ")[1]
    forged = (
        "card",
        "card x 0",
        f"card {'A' * 16} 0",
        f"card {token} 99",
        f"card {token} -1",
        f"card {token} 0 0",
        data + "\n",
    )
    for made_up in forged:
        assert await desk.press("", data=made_up) in ("This card is an old one.", "That is settled already.")
    other = desk.api.crowd.private_message(ADMIN, "hello")["message"]["message_id"]
    assert await desk.press("", data=data, message_id=other) == "This card is an old one."
    desk.admins = frozenset()  # an admin no more, when it is pressed
    assert await desk.press("", data=data) == "Only an admin of the bot may do that."
    paused = await desk.stage.database.read(lambda connection: connection.execute(select(lane_table.c.paused)).scalar())
    assert paused == RIGHTS
    seen = await desk.stage.database.read(
        lambda connection: list(connection.execute(select(concerns.c.seen_at)).scalars())
    )
    assert seen == [None]
