"""Conversations with the bot, by long polling, in both languages; and what rights that come and go do to a lane."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from telegram import User

from bot.commands.claim import Claim
from bot.commands.menus import MENU
from bot.commands.updates import Commands
from bot.personal import House
from bot.screens.replies import choose_language
from bot.sender import open_bot
from bot.storage import people, reports, sightings
from tests.builders import NOW, a_feed, a_subscription, an_entry
from tests.conversations import buttons, taken_in
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.bot_api_chats import Chat
from tests.stage import Stage
from tests.tdlib import accepted
from tests.written import configured

ADMIN, STRANGER, CHANNEL = 42, 7, -1001111111111
MARKS = re.compile("[\u200e\u200f\u2066-\u2069]")


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as running:
        running.add_chat(Chat(CHANNEL, type="channel", title="آسمان شب", username="sky_news", status="administrator"))
        yield running


@pytest.fixture
async def commands(api: BotApi, lite: Stage) -> AsyncIterator[Commands]:
    bot = open_bot(TOKEN, api.base_url.removesuffix("/bot"))
    await lite.adopt(a_subscription(feed=a_feed("sky")))
    await lite.read(
        an_entry(1, title="ماه کامل", published=NOW - timedelta(days=1)),
        an_entry(2, title="Planting garlic", published=NOW - timedelta(days=400)),
    )
    answering = Commands(
        bot,
        lite.database,
        lite.clock,
        language="fa",
        zone=ZoneInfo("Asia/Tehran"),
        admins=[ADMIN],
        house=House(lite.routes.feeds),
        on_conflict=lambda _problem: None,
    )
    await answering.start()
    yield answering
    await answering.stop()


async def ask(api: BotApi, text: str, *, user: int = STRANGER, language: str = "en") -> str:
    """Say something to the bot and wait for its answer, shown without invisible marks."""
    before = len(api.texts(user))
    api.crowd.private_message(user, text, language)
    await api.until(lambda: len(api.texts(user)) > before)
    return MARKS.sub("", api.texts(user)[-1])


def bare(text: str) -> str:
    return MARKS.sub("", text)


CONVERSATION = [
    ("en", "/start", "Hello, I'm Qasedak."),
    ("fa", "/start", "سلام! من قاصدکم."),
    ("en", "/help", "Qasedak: a guide"),
    ("fa", "/help", "راهنمای قاصدک"),
    ("en", "/latest", "Newest posts\n\n• ماه کامل\n"),
    ("fa", "/latest", "تازه‌ترین نوشته‌ها\n\n• ماه کامل\n۱۴۰۵/۰۹/۰۱ (2026-11-22) · دیروز\n\n• Planting garlic\n"),
    ("en", "/latest 1", "Newest posts\n\n• ماه کامل\nSun 22 Nov 2026 · 1 Azar 1405 AP · yesterday"),
    ("fa", "/latest sky ۱", "تازه‌ترین نوشته‌ها"),
    ("en", "/latest moon", "There is no source called “moon”."),
    ("fa", "/latest ماه", "منبعی به نام «ماه» نداریم."),
    ("en", "/nonsense", "I don't know that command. See /help"),
    ("fa", "/nonsense", "این دستور را نمی‌شناسم. راهنما: /help"),
    ("en", "1397/07/08", "Sunday, 30 September 2018 (۸ مهر ۱۳۹۷)\nLunar (Umm al-Qura): 1440-01-20"),
    ("fa", "30 September 2018", "یکشنبه ۸ مهر ۱۳۹۷ (۳۰ سپتامبر ۲۰۱۸)\nقمری (ام‌القری): ۱۴۴۰-۰۱-۲۰"),
    ("fa", "۸ مهر ۱۳۹۷", "یکشنبه ۸ مهر ۱۳۹۷ (۳۰ سپتامبر ۲۰۱۸)"),
    ("en", "garlic", "Search: garlic\n1 to 1 of 1\n\n• Planting garlic\nSun 19 Oct 2025 · 27 Mehr 1404 AP"),
    ("fa", "ماه كامل", "جستجو: ماه كامل\n۱ تا ۱ از ۱\n\n• ماه کامل\n۱۴۰۵/۰۹/۰۱ (2026-11-22)"),
    ("fa", "۳۰ اسفند ۱۴۰۲", "چنین روزی در آن تقویم نیست."),
    ("en", "/date 8 Mehr 1397", "Sunday, 30 September 2018 (۸ مهر ۱۳۹۷)\nLunar"),
    ("fa", "/date", "امروز:\nدوشنبه ۲ آذر ۱۴۰۵ (۲۳ نوامبر ۲۰۲۶)"),
    ("en", "/date tulips", "That is not a date I know.\nTo convert a date, send it, or: /date 1397/07/08"),
    ("de", "/start", "سلام! من قاصدکم."),
]


@pytest.mark.parametrize(
    ("language", "said", "answer"), CONVERSATION, ids=[f"{row[0]}:{row[1]}" for row in CONVERSATION]
)
async def test_every_private_message_gets_its_answer(
    api: BotApi, commands: Commands, language: str, said: str, answer: str
) -> None:
    assert (await ask(api, said, language=language)).startswith(answer)
    (sent,) = [sent for sent in api.sent if sent.chat_id == STRANGER]
    # Hashtags, commands and the like that Telegram finds by itself are not ours.
    ours = [entity for entity in sent.entities if entity["type"] in ("bold", "text_link", "pre")]
    assert len(ours) == len(sent.entities)
    assert accepted(sent.text, ())[0] == sent.text


async def test_the_id_is_shown_only_while_there_is_no_admin(api: BotApi, commands: Commands, lite: Stage) -> None:
    assert "Your id" not in await ask(api, "/start")
    commands.admins = []
    assert await ask(api, "/start") == (await ask(api, "/start"))
    assert "Your id: 7" in await ask(api, "/start")
    await lite.database.write(people.add_admin, 1, NOW)
    assert "Your id" not in await ask(api, "/start")


async def test_key_bot_admins(api: BotApi, commands: Commands) -> None:
    """Who is named there is asked nothing, and while nobody is the bot tells people their id."""
    shown = []
    for keys in ("", "admins: [42]"):
        commands.admins = configured(bot=keys).admins
        shown.append("Your id" in await ask(api, "/start"))
        await ask(api, "/date")
    assert shown == [True, False]


async def test_the_claim_link_works_once_in_time_and_for_nobody_else(
    api: BotApi, commands: Commands, lite: Stage
) -> None:
    commands.admins = []
    commands.claim = Claim(until=lite.clock.now() + timedelta(minutes=15), payload="claim_right")
    assert "admin now" not in await ask(api, "/start claim_wrong")
    assert "admin now" in await ask(api, "/start claim_right")
    assert "admin now" not in await ask(api, "/start claim_right", user=8)
    assert await lite.database.read(reports.admin_ids) == {STRANGER}


async def test_a_claim_link_that_is_too_old_does_nothing(api: BotApi, commands: Commands, lite: Stage) -> None:
    commands.claim = Claim(until=lite.clock.now() - timedelta(seconds=1), payload="claim_right")
    assert "admin now" not in await ask(api, "/start claim_right")


async def test_the_other_language_is_one_tap_away_and_stays(api: BotApi, commands: Commands) -> None:
    await ask(api, "/start", language="fa")
    message = api.chats[STRANGER].messages[api.sent[-1].message_id]
    api.crowd.callback(STRANGER, STRANGER, api.sent[-1].message_id, buttons(api.sent[-1])["English"])
    await api.until(lambda: api.sent[-1].event == "edit")
    assert api.sent[-1].text.startswith("Hello, I'm Qasedak.")
    assert api.sent[-1].message_id == message.body["message_id"]
    assert await ask(api, "/nonsense", language="fa") == "I don't know that command. See /help"


async def test_forged_buttons_are_answered_and_do_nothing(api: BotApi, commands: Commands) -> None:
    await ask(api, "/start")
    for count, data in enumerate(("sample x", "language xx", "drop table", "", f"sample {CHANNEL}"), 1):
        api.crowd.callback(STRANGER, STRANGER, api.sent[-1].message_id, data)
        await api.until(lambda count=count: len(api.calls("answerCallbackQuery")) == count)  # type: ignore[misc]
    assert len(api.sent) == 1
    assert "Only an admin of the bot may do that." in str(api.calls("answerCallbackQuery")[-1].params)


async def test_an_admin_who_adds_the_bot_to_a_channel_gets_its_card_and_a_test_post(
    api: BotApi, commands: Commands
) -> None:
    api.crowd.private_message(ADMIN, "/start", "en")
    await api.until(lambda: len(api.texts(ADMIN)) == 1)
    api.crowd.channel_added(-1002222222222, ADMIN, title="Gardens", username="gardens_daily")
    await api.until(lambda: len(api.texts(ADMIN)) == 2)
    card = MARKS.sub("", api.texts(ADMIN)[-1])
    assert card.startswith("Gardens\n-1002222222222\nI may post here.")
    assert 'chat: "@gardens_daily"' in card
    api.crowd.callback(ADMIN, ADMIN, api.sent[-1].message_id, "sample -1002222222222")
    await api.until(lambda: len(api.texts(-1002222222222)) == 1)
    assert "If you can read this, Qasedak may post here." in api.texts(-1002222222222)[0]


async def test_a_stranger_who_adds_the_bot_gets_nothing(api: BotApi, commands: Commands) -> None:
    api.crowd.private_message(STRANGER, "/start", "en")
    await api.until(lambda: len(api.texts(STRANGER)) == 1)
    api.crowd.channel_added(-1002222222222, STRANGER, title="Gardens")
    await taken_in(api, commands)
    assert len(api.texts(STRANGER)) == 1


async def test_lost_rights_stop_the_lane_at_once_and_their_return_lets_it_go_on(
    api: BotApi, commands: Commands, lite: Stage
) -> None:
    api.crowd.bot_status(CHANNEL, ADMIN, "administrator", can_post_messages=False)
    await taken_in(api, commands)
    await lite.read(an_entry(1), an_entry(2), an_entry(3, published=NOW))
    await lite.outbox().deliver_due()
    assert lite.sender.sent == []
    assert await lite.states() == ["pending"]
    api.crowd.bot_status(CHANNEL, ADMIN, "administrator", can_post_messages=True)
    await taken_in(api, commands)
    await lite.deliver_until_idle(lite.outbox())
    assert await lite.states() == ["sent"]


async def test_the_admin_hears_at_once_of_rights_that_were_lost(api: BotApi, commands: Commands, lite: Stage) -> None:
    class Card:
        tended = 0

        async def tend(self) -> None:
            self.tended += 1

    card = Card()
    commands.card = card  # type: ignore[assignment]  # all of it that is asked
    await lite.read(an_entry(1), an_entry(2), an_entry(3, published=NOW))
    api.crowd.bot_status(CHANNEL, ADMIN, "administrator", can_post_messages=False)
    await taken_in(api, commands)
    assert card.tended == 1


async def test_what_others_post_in_a_channel_raises_the_id_from_which_is_looked(
    api: BotApi, commands: Commands, lite: Stage
) -> None:
    api.crowd.channel_post(CHANNEL, "One")
    api.crowd.channel_post(CHANNEL, "Two")
    await taken_in(api, commands)
    assert await lite.database.read(sightings.last_seen, int(TOKEN.partition(":")[0]), CHANNEL) == 2


async def test_in_a_group_only_what_is_meant_for_the_bot_is_answered(api: BotApi, commands: Commands) -> None:
    group = api.add_chat(Chat(-1003333333333, type="supergroup", title="Gardeners", status="member"))
    for text in ("good morning", "/unknown", "/help@some_other_bot"):
        api.crowd.group_message(group.id, STRANGER, text)
    await taken_in(api, commands)
    assert api.texts(group.id) == []
    me: dict[str, Any] = api.methods.book.me
    api.crowd.group_message(group.id, STRANGER, f"/help@{me['username']}")
    await api.until(lambda: len(api.texts(group.id)) == 1)


async def test_a_reply_to_a_question_of_ours_is_a_title_and_no_search(api: BotApi, commands: Commands) -> None:
    group = api.add_chat(Chat(-1003333333333, type="supergroup", title="Gardeners", status="member"))
    taken: list[tuple[int, int, str, int]] = []

    class Titles:
        async def take_title(self, chat_id: int, prompt_id: int, text: str, user: User) -> bool:
            taken.append((chat_id, prompt_id, text, user.id))
            return text != "garlic"

    commands.approvals = Titles()  # type: ignore[assignment]  # all of it that is asked
    for chat_id in (ADMIN, group.id):
        api.crowd.private_message(ADMIN, "/help", "en")
        prompt = (await commands.bot.send_message(chat_id, "The new title?")).message_id
        for text, replied in (("Moon", prompt), ("garlic", prompt), ("Moon", None)):
            content = {"text": text, "reply_to_message": api.chats[chat_id].messages[replied].body} if replied else {}
            api.inject({"message": api.book.add_message(api.chats[chat_id], content or {"text": text}, sender=ADMIN)})
        await taken_in(api, commands)
        assert taken == [(chat_id, prompt, "Moon", ADMIN), (chat_id, prompt, "garlic", ADMIN)]
        taken.clear()
    # What was no title is a question like any other, in private.
    assert [text.startswith("Search: garlic") for text in map(bare, api.texts(ADMIN))].count(True) == 1
    assert api.texts(group.id) == ["The new title?"]


async def test_the_menus_and_descriptions_are_set_in_every_language(api: BotApi, commands: Commands) -> None:
    profile = api.methods.profile
    for language, words in (("fa", "تازه‌ترین نوشته‌ها"), ("en", "Newest posts"), ("", "تازه‌ترین نوشته‌ها")):
        menu = profile["commands", "default", language]
        assert menu[0] == {"command": "latest", "description": words}
        assert [each["command"] for each in menu] == list(MENU)
        in_groups = [each["command"] for each in profile["commands", "all_group_chats", language]]
        assert in_groups == [name for name in MENU if name != "stop"]
        assert ("Persian and English" in profile["short_description", "default", language]) == (language == "en")
        assert ("each post once" in profile["description", "default", language]) == (language == "en")


async def test_the_menu_of_a_chat_follows_the_language_it_chose(api: BotApi, commands: Commands) -> None:
    await ask(api, "/language en", language="fa")
    assert api.methods.profile["commands", f"chat:{STRANGER}", ""][0]["description"] == "Newest posts"
    await ask(api, "/stop", language="fa")
    api.crowd.callback(STRANGER, STRANGER, api.sent[-1].message_id, buttons(api.sent[-1])["Yes, delete"])
    await api.until(lambda: ("commands", f"chat:{STRANGER}", "") not in api.methods.profile)


@pytest.mark.parametrize(
    ("chosen", "of_person", "expected"),
    [("en", "fa", "en"), (None, "fa", "fa"), (None, "en-GB", "en"), (None, "de", "fa"), (None, None, "fa")],
)
def test_a_chats_own_choice_comes_before_its_persons_language(
    chosen: str | None, of_person: str | None, expected: str
) -> None:
    assert choose_language(chosen, of_person, "fa") == expected
