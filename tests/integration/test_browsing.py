"""Leafing through what is stored, as conversations in both languages: search, archive, this day, at random, inline."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import anniversary
from bot.commands.browsing import PAGE, Seal
from bot.commands.updates import Commands
from bot.personal import House
from bot.sender import open_bot
from bot.storage.browse import message_link
from tests.builders import NOW, a_channel, a_feed, a_subscription, an_entry
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.bot_api_chats import Chat, Sent
from tests.stage import Stage

STRANGER, OTHER, CHANNEL = 7, 8, -1001111111111
MARKS = re.compile("[\u200e\u200f\u2066-\u2069]")
TEHRAN = ZoneInfo("Asia/Tehran")


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as running:
        yield running


@pytest.fixture
async def commands(api: BotApi, lite: Stage) -> AsyncIterator[Commands]:
    bot = open_bot(TOKEN, api.base_url.removesuffix("/bot"))
    feed = a_feed("sky", backfill=None)
    await lite.adopt(a_subscription(feed=feed, channel=a_channel(chat=str(CHANNEL), max_age=timedelta(days=9999))))
    await lite.read(
        *(
            an_entry(number, title=f"Garden {number}", published=NOW - timedelta(days=number))
            for number in range(1, 2 * PAGE + 2)
        ),
        an_entry(50, title="باغ پاییز", published=datetime(2018, 9, 30, 6, tzinfo=TEHRAN), language="fa"),
        an_entry(51, title="Eight years", published=datetime(2018, 11, 23, 6, tzinfo=TEHRAN)),
    )
    answering = Commands(
        bot,
        lite.database,
        lite.clock,
        language="fa",
        zone=TEHRAN,
        admins=[],
        house=House(lite.routes.feeds),
        on_conflict=lambda _problem: None,
    )
    await answering.start()
    yield answering
    await answering.stop()


def shown(sent: Sent) -> str:
    return MARKS.sub("", sent.text)


def buttons(sent: Sent) -> dict[str, str]:
    rows = sent.message.get("reply_markup", {}).get("inline_keyboard", [])
    return {MARKS.sub("", each["text"]): each["callback_data"] for row in rows for each in row}


async def ask(api: BotApi, text: str, language: str = "en") -> Sent:
    before = len(api.sent)
    api.crowd.private_message(STRANGER, text, language)
    await api.until(lambda: len(api.sent) > before)
    return api.sent[-1]


async def press(api: BotApi, sent: Sent, button: str, *, user: int = STRANGER) -> Sent:
    before = len(api.calls("answerCallbackQuery"))
    api.crowd.callback(user, sent.chat_id, sent.message_id, buttons(sent).get(button, button))
    await api.until(lambda: len(api.calls("answerCallbackQuery")) > before)
    return api.sent[-1]


@pytest.mark.parametrize(
    ("language", "following", "previous", "count"),
    [("en", "Next", "Previous", "1 to 5 of 11"), ("fa", "بعدی", "قبلی", "۱ تا ۵ از ۱۱")],
    ids=["en", "fa"],
)
async def test_a_search_is_one_message_whose_pages_are_turned(
    api: BotApi, commands: Commands, language: str, following: str, previous: str, count: str
) -> None:
    first = await ask(api, "/search garden", language)
    assert count in shown(first)
    second = await press(api, first, following)
    third = await press(api, second, following)
    again = await press(api, third, previous)
    assert [sent.event for sent in (second, third, again)] == ["edit"] * 3
    assert {sent.message_id for sent in (second, third, again)} == {first.message_id}
    titles = [re.findall("Garden ([0-9]+)$", shown(sent), re.MULTILINE) for sent in (first, second, third)]
    assert [len(page) for page in titles] == [5, 5, 1]
    assert {title for page in titles for title in page} == {str(number) for number in range(1, 12)}
    assert following not in buttons(third)
    assert again.text == second.text


async def test_what_was_found_is_bold_and_leads_somewhere(api: BotApi, commands: Commands) -> None:
    sent = await ask(api, "/search پاييز", "fa")
    of_text = {
        entity["type"]: sent.text.encode("utf-16-le")[2 * entity["offset"] :][: 2 * entity["length"]].decode(
            "utf-16-le"
        )
        for entity in sent.entities[1:]
    }
    assert of_text["bold"] == "پاییز"
    assert MARKS.sub("", of_text["text_link"]) == "باغ پاییز"
    assert sent.entities[1]["url"] == "https://sky.example/50"


async def test_a_post_that_was_sent_leads_to_its_message(api: BotApi, commands: Commands, lite: Stage) -> None:
    await lite.deliver_until_idle(lite.outbox())
    sent = await ask(api, '/search "Garden 3"')
    links = [entity["url"] for entity in sent.entities if entity["type"] == "text_link"]
    assert links[0].startswith("https://t.me/c/1111111111/")


@pytest.mark.parametrize(
    ("chat", "chat_id", "thread", "link"),
    [
        ("@sky_news", -1001111111111, 0, "https://t.me/sky_news/12"),
        ("@sky_news", -1001111111111, 7, "https://t.me/sky_news/7/12"),
        ("-1001111111111", -1001111111111, 0, "https://t.me/c/1111111111/12"),
        ("-5555", -5555, 0, None),
        ("42", 42, 0, None),
    ],
    ids=["public", "topic", "private", "small-group", "person"],
)
def test_messages_have_addresses_where_their_chat_has_one(
    chat: str, chat_id: int, thread: int, link: str | None
) -> None:
    assert message_link(chat, chat_id, thread, [12]) == link
    assert message_link(chat, chat_id, thread, []) is None


@pytest.mark.parametrize(("language", "words"), [("en", "I found nothing."), ("fa", "چیزی نیافتم.")], ids=["en", "fa"])
async def test_nothing_found_offers_the_nearest_spelling_and_the_newest(
    api: BotApi, commands: Commands, language: str, words: str
) -> None:
    sent = await ask(api, "gardin", language)
    assert words in shown(sent)
    assert "• Garden 1\n" in shown(sent)
    (label,) = buttons(sent)
    found = await press(api, sent, label)
    assert "• Garden 1\n" in shown(found)
    assert shown(found).splitlines()[0].endswith("Garden")


async def test_a_command_without_words_asks_for_them(api: BotApi, commands: Commands) -> None:
    assert shown(await ask(api, "/search")).startswith("What shall I look for?")
    assert shown(await ask(api, "/search", "fa")).startswith("دنبال چه بگردم؟")


FA = {"Back": "بازگشت", "1397": "۱۳۹۷", "All years": "همهٔ سال‌ها"}


@pytest.mark.parametrize(
    ("language", "path", "header"),
    [
        ("fa", ["همهٔ سال‌ها", "۱۳۹۷ (۲)", "مهر (۱)", "۸"], "آرشیو · یکشنبه ۸ مهر ۱۳۹۷ (۳۰ سپتامبر ۲۰۱۸)"),
        ("en", ["All years", "2018 (2)", "Sep (1)", "30"], "Archive · Sunday 30 September 2018 (8 Mehr 1397 AP)"),
        ("en", ["Jalali calendar", "All years", "1397 (2)", "Mehr (1)", "8"], "Archive · Sunday 8 Mehr 1397 AP"),
    ],
    ids=["persian", "english", "the-other-calendar"],
)
async def test_the_archive_goes_from_years_to_posts_in_one_message(
    api: BotApi, commands: Commands, language: str, path: list[str], header: str
) -> None:
    sent = first = await ask(api, "/archive", language)
    for button in path:
        assert button in buttons(sent)
        sent = await press(api, sent, button)
        assert (sent.event, sent.message_id) == ("edit", first.message_id)
    assert shown(sent).startswith(header)
    assert "• باغ پاییز" in shown(sent)
    for up in ("Back", "2018", "All years") if path[-1] == "30" else ("Back", "1397", "All years"):
        sent = await press(api, sent, up if language == "en" else FA[up])
    assert path[-3] in buttons(sent)


@pytest.mark.parametrize(
    ("language", "words", "header"),
    [
        ("fa", "۱۳۹۷ مهر", "آرشیو · مهر ۱۳۹۷"),
        ("en", "1397 Mehr", "Archive · Mehr 1397"),
        ("en", "September 2018", "Archive · September 2018"),
        ("fa", "۱۳۹۷", "آرشیو · ۱۳۹۷"),
        ("en", "tulips", "I don't know that month. For example: /archive September 2018"),
    ],
    ids=["persian-month", "jalali-month", "month", "year", "nonsense"],
)
async def test_a_month_can_be_named(api: BotApi, commands: Commands, language: str, words: str, header: str) -> None:
    assert shown(await ask(api, f"/archive {words}", language)).startswith(header)


async def test_a_post_that_is_nowhere_else_is_read_whole_in_the_bot(
    api: BotApi, commands: Commands, lite: Stage
) -> None:
    long = "".join(f"<p>Sentence {number} of a long evening under the stars.</p>" for number in range(40))
    await lite.read(an_entry(60, title="A letter", link=None, published=NOW - timedelta(hours=1), content=long))
    sent = await ask(api, "/latest 1")
    (link,) = [entity["url"] for entity in sent.entities if entity["type"] == "text_link"]
    assert link.startswith("https://t.me/pigeon_test_bot?start=p_")
    assert "Sentence 39" in (await ask(api, "/start " + link.partition("=")[2])).text


async def test_a_feed_is_called_as_feeds_yaml_calls_it(api: BotApi, commands: Commands, lite: Stage) -> None:
    feeds = {feed_id: replace(feed, title="Evening Sky") for feed_id, feed in lite.routes.feeds.items()}
    commands.configure("fa", TEHRAN, [], House(feeds))
    assert "· Evening Sky" in shown(await ask(api, "/latest 1"))
    assert "1 to 5 of 13" in shown(await ask(api, "/search feed:evening-sky"))
    assert "1 to 5 of 11" in shown(await ask(api, 'source:"evening sky" garden'))
    assert "Source: Evening Sky" in shown(await ask(api, "/random"))


async def test_a_spelling_that_finds_nothing_is_not_offered(api: BotApi, commands: Commands) -> None:
    assert not buttons(await ask(api, "gardin yeers"))  # both words are in titles, never in one post


async def test_this_day_brings_past_years(api: BotApi, commands: Commands) -> None:
    assert "8 years ago\n• Eight years\nFri 23 Nov 2018" in shown(await ask(api, "/today"))
    assert shown(await ask(api, "/today", "fa")).startswith(
        "در چنین روزی\nدوشنبه ۲ آذر ۱۴۰۵ (۲۳ نوامبر ۲۰۲۶)\n\n۸ سال پیش"
    )


async def test_a_post_at_random_is_shown_whole_and_another_takes_its_place(api: BotApi, commands: Commands) -> None:
    sent = await ask(api, "/random")
    assert "stands over the hills" in sent.text
    seen = {sent.text}
    for _ in range(20):
        last = await press(api, sent, "Another one")
        assert last.message_id == sent.message_id
        seen.add(last.text)
    assert len(seen) > 1


async def test_buttons_work_only_for_whom_they_were_made(api: BotApi, commands: Commands) -> None:
    group = api.add_chat(Chat(-1003333333333, type="supergroup", title="Gardeners", status="member"))
    before = len(api.sent)
    api.crowd.group_message(group.id, STRANGER, "/search garden")
    await api.until(lambda: len(api.sent) > before)
    sent = api.sent[-1]
    assert (await press(api, sent, "بعدی", user=OTHER)).event == "send"
    assert "برای شما نیست" in str(api.calls("answerCallbackQuery")[-1].params)
    assert (await press(api, sent, "بعدی")).event == "edit"


async def test_forged_buttons_change_nothing(api: BotApi, commands: Commands) -> None:
    sent = await ask(api, "/search garden")
    data = buttons(sent)["Next"]
    seal = Seal(TOKEN)
    for forged in ("b", "bs.1", data[:-1] + "9", data + "0", "b" + "\U0001f319" * 8, data.replace("b", "b ", 1)):
        assert await press(api, sent, forged) is sent
    for unknown in ("s", "s.x", "s.99999", "a", "a.j.0.1", "a.j.1404.12.30", "a.j.1404.13", "a.g.9999", "a.x", "r.1"):
        assert await press(api, sent, seal.close(unknown, STRANGER, STRANGER)) is sent
    assert all("not yours" in str(call.params) for call in api.calls("answerCallbackQuery"))


async def test_a_press_that_comes_twice_changes_nothing_twice(api: BotApi, commands: Commands) -> None:
    sent = await ask(api, "/search garden")
    data = buttons(sent)["Next"]
    second = await press(api, sent, data)
    assert await press(api, second, data) is second
    assert len(api.calls("answerCallbackQuery")) == 2


async def test_a_page_beyond_the_last_is_the_last(api: BotApi, commands: Commands) -> None:
    sent = await ask(api, "/search garden")
    last = await press(api, sent, Seal(TOKEN).close("s.400", STRANGER, STRANGER))
    assert "11 to 11 of 11" in shown(last)


@given(
    st.text("sarnj.0123456789", max_size=40), st.integers(-(2**52), 2**52), st.integers(1, 2**52), st.text(max_size=64)
)
def test_a_button_is_short_and_opens_for_one_person_in_one_chat(
    action: str, chat_id: int, user_id: int, forged: str
) -> None:
    seal = Seal("secret")
    carried = seal.close(action, chat_id, user_id)
    assert len(carried.encode()) <= 64
    assert seal.open(carried, chat_id, user_id) == action
    for other in ((carried, chat_id + 1, user_id), (carried, chat_id, user_id + 1), (forged, chat_id, user_id)):
        assert seal.open(*other) is None
    assert Seal("another").open(carried, chat_id, user_id) is None


async def inline(api: BotApi, text: str, offset: str = "") -> tuple[list[dict[str, Any]], str]:
    before = len(api.methods.answers)
    api.crowd.inline_query(STRANGER, text, offset)
    await api.until(lambda: len(api.methods.answers) > before)
    answer = api.methods.answers[-1]
    results = answer["results"]
    return (json.loads(results) if isinstance(results, str) else results), str(answer.get("next_offset") or "")


async def test_posts_are_found_and_shared_in_any_chat(api: BotApi, commands: Commands) -> None:
    (found,), _ = await inline(api, "پاییز")
    assert (found["type"], found["title"]) == ("article", "باغ پاییز")
    content = found["input_message_content"]
    assert MARKS.sub("", content["message_text"]).startswith("باغ پاییز\n")
    assert {entity["type"] for entity in content["entities"]} == {"bold", "text_link"}


async def test_without_words_the_newest_are_offered_page_by_page(api: BotApi, commands: Commands) -> None:
    first, following = await inline(api, "")
    rest, end = await inline(api, "", following)
    assert [result["title"] for result in first] == [f"Garden {number}" for number in range(1, 11)]
    assert following == "10"
    assert [result["title"] for result in rest] == ["Garden 11", "Eight years", "باغ پاییز"]
    assert end == ""
    assert (await inline(api, "", "garbage"))[0][0]["title"] == "Garden 1"


def test_the_days_of_past_years_are_those_that_the_replay_knows() -> None:
    today, earliest = NOW.date(), NOW.date() - timedelta(days=366 * 30)
    every = [today - timedelta(days=days) for days in range(1, 366 * 30)]
    for day in (today, date(2027, 3, 20), date(2026, 3, 20), date(2027, 2, 28)):
        expected = [past for past in every if earliest <= past < day and anniversary.years_ago(past, day)]
        assert [past for past in anniversary.past_days(day, earliest) if past <= every[0]] == expected
