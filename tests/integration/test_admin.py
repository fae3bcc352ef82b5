"""/addfeed and /reload: the whole bot in this process, a fake Telegram, a publisher, and a feeds.yaml on disk."""

import asyncio
import os
import re
import signal
import stat
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from bot.admin.adding import PATIENCE
from bot.app import App
from bot.commands.opening import LOOKS
from bot.config.reading import Settings, compare, read_config
from bot.model import Feed, FeedKind
from bot.storage import people, subscribers
from bot.storage.database import Database
from bot.storage.schema import feeds
from tests.builders import NOW
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import Publisher, rss
from tests.tdlib import accepted

ADMIN, OTHER_ADMIN, REPORTS, STRANGER, CHANNEL = 42, 43, 44, 7, -1001111111111
MARKS = re.compile("[\u200e\u200f\u2060\u2066-\u2069]")
HTML = "text/html; charset=utf-8"
FILE = f"""\
# Our feeds. The order is ours too.
bot: {{admins: [{ADMIN}, {OTHER_ADMIN}], language: en, admin_chat: {REPORTS}}}

channels:
  main: {{chat: "{CHANNEL}", language: en}} # the only one

feeds:
  sky: # daily
    url: http://127.0.0.1:9/feed
    to: []

# The end.
"""
ITEMS = [
    {"title": f"Tulips {number}", "guid": str(number), "link": f"https://garden.example/{number}",
     "pubDate": NOW - timedelta(days=5 - number)}
    for number in range(1, 6)
]  # fmt: skip


@dataclass(slots=True)
class Office:
    """A running bot, its people and its file."""

    app: App
    api: BotApi
    publisher: Publisher
    clock: FakeClock
    path: Path
    said: list[str] = field(default_factory=list)

    def text(self, user: int = ADMIN) -> str:
        """What the newest message to somebody says now, without invisible marks."""
        sent = [sent for sent in self.api.sent if sent.chat_id == user]
        return MARKS.sub("", sent[-1].text) if sent else ""

    def buttons(self, user: int = ADMIN) -> dict[str, str]:
        """Of that message: what they carry, by label."""
        message = [sent for sent in self.api.sent if sent.chat_id == user][-1].message
        rows = message.get("reply_markup", {}).get("inline_keyboard", [])
        return {MARKS.sub("", button["text"]): button["callback_data"] for row in rows for button in row}

    async def until(self, text: str, user: int = ADMIN) -> str:
        """Wait for an answer that has *text* in it."""
        try:
            await self.api.until(lambda: text in self.text(user))
        except TimeoutError:
            raise AssertionError(f"{text!r} is not in {self.text(user)!r}") from None
        return self.text(user)

    async def ask(self, said: str, text: str, *, user: int = ADMIN, language: str = "en") -> str:
        self.api.crowd.private_message(user, said, language)
        return await self.until(text, user)

    async def press(self, data: str, *, user: int = ADMIN, chat: int | None = None) -> str:
        """Press a button of the newest message of a chat; the toast, "" for none."""
        chat = user if chat is None else chat
        message_id = [sent for sent in self.api.sent if sent.chat_id == chat][-1].message_id
        return await self.press_on(message_id, data, user=user, chat=chat)

    async def press_on(self, message_id: int, data: str, *, user: int = ADMIN, chat: int = ADMIN) -> str:
        count = len(self.api.calls("answerCallbackQuery"))
        self.api.crowd.callback(user, chat, message_id, data)
        await self.api.until(lambda: len(self.api.calls("answerCallbackQuery")) > count)
        return str(self.api.calls("answerCallbackQuery")[-1].params.get("text") or "")

    async def ready_to_add(self) -> dict[str, str]:
        """A dialogue that waits for its yes."""
        self.publisher.serve("/feed", rss("Garden notes", ITEMS))
        await self.ask(f"/addfeed {self.publisher.url('/feed')}", "What is there now is not sent")
        return self.buttons()

    def feeds(self) -> dict[str, str]:
        config = read_config(self.path, environment={}, with_token=True)
        return {feed.name: feed.url for feed in config.feeds}


@pytest.fixture
async def office(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Office]:
    path = tmp_path / "feeds.yaml"
    path.write_text(FILE, encoding="utf-8")
    async with BotApi() as api, Publisher() as publisher:
        api.add_chat(Chat(REPORTS))
        for user in (ADMIN, OTHER_ADMIN, STRANGER):
            api.methods.book.person(user, language_code="en")
        api.add_chat(Chat(CHANNEL, type="channel", title="Gardens", status="administrator"))
        settings = Settings(
            token=TOKEN,
            api_url=api.base_url.removesuffix("/bot"),
            database_url=f"sqlite:///{tmp_path / 'q.db'}",
            config=str(path),
            http_port=0,
            host_spacing=0.0,
            allow_private_networks=True,
        )
        said: list[str] = []
        app = App(settings, read_config(path, environment={}, with_token=True), said.append, clock)
        running = asyncio.create_task(app.run())
        await api.until(lambda: bool(api.calls("getUpdates")))
        yield Office(app, api, publisher, clock, path, said)
        app.stop()
        await running
        await app.close()


# --- the dialogue --------------------------------------------------------------------------------------------


async def test_a_feed_is_shown_and_added_and_read_at_once(office: Office) -> None:
    buttons = await office.ready_to_add()
    shown = office.text()
    assert shown.startswith(
        f"Garden notes\n{office.publisher.url('/feed')}\n\nIts newest posts:\n• Tulips 5\n• Tulips 4"
    )
    assert "Tulips 2" not in shown
    assert re.search(r"For the channel main, read every 1[23] hours\.", shown)
    assert list(buttons) == ["Add", "Cancel"]
    looks = len(office.publisher.paths())
    assert await office.press(buttons["Add"]) == ""
    assert await office.until("Added") == "Added: garden-notes. Its next new post goes to main."
    assert office.buttons() == {}
    written = office.path.read_text(encoding="utf-8")
    lines = f"  garden-notes:\n    url: {office.publisher.url('/feed')}\n    to: [main]\n"
    assert written == FILE.replace("    to: []\n", "    to: []\n" + lines)
    await office.api.until(lambda: office.publisher.paths()[looks:] == ["/feed"])
    assert {sent.message_id for sent in office.api.sent if sent.chat_id == ADMIN} == {office.api.sent[0].message_id}

    # The first reading is the baseline; what comes later goes out.
    office.publisher.serve("/feed", rss("Garden notes", [{"title": "Roses", "guid": "new", "pubDate": NOW}, *ITEMS]))
    await office.api.until(lambda: bool(office.api.texts(REPORTS)))  # "none published"
    office.clock.advance(timedelta(hours=14))
    await office.api.until(lambda: bool(office.api.texts(CHANNEL)))
    assert ["Roses" in text for text in office.api.texts(CHANNEL)] == [True]


async def test_it_speaks_persian(office: Office) -> None:
    office.publisher.serve("/feed", rss("دفتر باغچه", ITEMS))
    url = office.publisher.url("/feed")
    await office.ask("/language", "", language="fa")
    await office.ask(f"/addfeed {url}", "نوشتهٔ تازهٔ بعدی", language="fa")
    sent = [sent for sent in office.api.sent if sent.chat_id == ADMIN][-1]
    assert accepted(sent.text, ())[0] == sent.text
    assert re.search("برای کانال main؛ هر ۱[۲۳] ساعت", office.text())
    assert list(office.buttons()) == ["افزودن", "انصراف"]
    await office.press(office.buttons()["افزودن"])
    await office.until("افزوده شد")
    assert url in office.feeds().values()


async def test_the_feeds_of_a_page_are_offered(office: Office) -> None:
    link = '<link rel="alternate" type="application/rss+xml" title="{}" href="{}">'
    page = "<html><head>" + link.format("Garden", "/rss") + link.format("Tulips", "/tulips")
    office.publisher.serve("/", page, content_type=HTML)
    office.publisher.serve("/tulips", rss("Tulips only", ITEMS))
    await office.ask(f"/addfeed {office.publisher.url('/')} main", "Which one?")
    assert list(office.buttons()) == ["1. Garden", "2. Tulips", "Cancel"]
    await office.press(office.buttons()["2. Tulips"])
    await office.until("Tulips only")
    await office.press(office.buttons()["Add"])
    await office.until("Added")
    assert office.feeds()["tulips-only"] == office.publisher.url("/tulips")


async def test_of_several_channels_one_is_chosen(office: Office) -> None:
    text = FILE.replace("\nfeeds:", '  other: {chat: "-1002222222222"}\n\nfeeds:')
    office.path.write_text(text, encoding="utf-8")
    await office.ask("/reload", "New channels: other")
    office.publisher.serve("/feed", rss("Garden notes", ITEMS))
    await office.ask(f"/addfeed {office.publisher.url('/feed')}", "Which channel")
    await office.press(office.buttons()["2. other"])
    await office.until("For the channel other")
    await office.press(office.buttons()["Add"])
    await office.until("Added")
    assert "to: [other]" in office.path.read_text(encoding="utf-8")


async def test_a_bare_address_begins_it_too_and_one_is_asked_for(office: Office) -> None:
    await office.ask("/addfeed", "Send the address")
    office.publisher.serve("/feed", rss("Garden notes", ITEMS))
    await office.ask(office.publisher.url("/feed"), "Garden notes")


async def test_nothing_changes_when_it_is_cancelled(office: Office) -> None:
    buttons = await office.ready_to_add()
    await office.press(buttons["Cancel"])
    await office.until("Cancelled")
    assert office.path.read_text(encoding="utf-8") == FILE
    assert "too old" in await office.press(buttons["Add"])
    assert office.path.read_text(encoding="utf-8") == FILE


async def test_a_feed_that_is_there_is_not_added_again(office: Office) -> None:
    await office.press((await office.ready_to_add())["Add"])
    await office.until("Added")
    await office.ask(f"/addfeed {office.publisher.url('/feed')}", "there already: garden-notes")
    assert len(office.feeds()) == 2


async def test_an_admin_of_the_claim_link_may_add_too(office: Office) -> None:
    await office.app.database.write(people.add_admin, 99, NOW)
    await office.ask("/addfeed", "Send the address", user=99)


async def test_admins_see_their_commands_in_the_guide(office: Office) -> None:
    assert "/addfeed Add a feed" in await office.ask("/help", "guide")
    assert "/addfeed" not in await office.ask("/help", "guide", user=STRANGER)


# --- what comes may be wrong ---------------------------------------------------------------------------------

GARBAGE = {
    "no-address": ("/addfeed hello", "I cannot read this address: hello"),
    "file": ("/addfeed file:///etc/passwd", "I cannot read this address"),
    "script": ("/addfeed javascript:alert(1)", "I cannot read this address"),
    "password": ("/addfeed https://me:secret@garden.example/feed", "I cannot read this address"),
    "variable": ("/addfeed https://garden.example/${DATABASE_URL}", "I cannot read this address"),
    "bracket": ("/addfeed https://[::1/feed", "I cannot read this address"),
    "port": ("/addfeed https://garden.example:99999/", "I cannot read this address"),
    "quote": ('/addfeed https://garden.example/"x', "I cannot read this address"),
    "very-long": ("/addfeed https://garden.example/" + "a" * 3000, "I cannot read this address"),
    "marks": ("/addfeed <b>https://garden.example</b>", "I cannot read this address"),
    "unknown-channel": ("/addfeed https://garden.example nowhere", "no channel called nowhere.\nThere is: main"),
    "channel-as-markup": ("/addfeed https://garden.example <b>", "There is no channel called <b>."),
}  # fmt: skip


@pytest.mark.parametrize(("said", "answer"), GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_is_answered_and_asks_nobody(office: Office, said: str, answer: str) -> None:
    assert answer in await office.ask(said, answer[:20])
    assert office.publisher.requests == []
    assert office.path.read_text(encoding="utf-8") == FILE


@pytest.mark.parametrize(
    ("body", "content_type", "answer"),
    [
        (b"<html><body>Nothing here</body></html>", HTML, "I found no feed at"),
        (b"\x89PNG" + bytes(500), "image/png", "I found no feed at"),
        (None, "", "I could not read"),
    ],
    ids=["page-without-feeds", "picture", "nothing-there"],
)
async def test_an_address_without_a_feed_is_said(
    office: Office, body: bytes | None, content_type: str, answer: str
) -> None:
    if body is not None:
        office.publisher.serve("/", body, content_type=content_type)
    await office.ask(f"/addfeed {office.publisher.url('/')}", answer)
    assert office.path.read_text(encoding="utf-8") == FILE


async def test_a_hostile_feed_s_words_are_only_words(office: Office) -> None:
    office.publisher.serve("/feed", rss("<b>@everyone</b> /stop", [{"title": "[x](tg://user?id=1) <a>", "guid": "1"}]))
    shown = await office.ask(f"/addfeed {office.publisher.url('/feed')}", "is not sent")
    assert "[x](tg://user?id=1)" in shown
    sent = [sent for sent in office.api.sent if sent.chat_id == ADMIN][-1]
    assert {entity["type"] for entity in sent.message.get("entities", ())} <= {"bold", "url", "text_link"}


async def test_a_page_that_hangs_keeps_nobody_waiting(office: Office) -> None:
    office.publisher.hang("/")
    await office.ask(f"/addfeed {office.publisher.url('/')}", "Looking at")
    assert "guide" in await office.ask("/help", "guide", user=STRANGER)
    # And the next dialogue takes its place.
    await office.ready_to_add()


# --- who may -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["/addfeed", "/addfeed https://garden.example/feed", "/reload", "/ADDFEED x"])
async def test_a_stranger_gets_the_hint_for_unknown_commands(office: Office, said: str) -> None:
    assert await office.ask(said, "know", user=STRANGER) == "I don't know that command. See /help"
    assert office.publisher.requests == []


async def test_a_stranger_s_address_is_no_dialogue(office: Office) -> None:
    assert "I do not read that address." in await office.ask(office.publisher.url("/feed"), "address", user=STRANGER)
    assert office.publisher.requests == []


async def test_in_a_group_even_an_admin_adds_nothing(office: Office) -> None:
    group = office.api.add_chat(Chat(-1003333333333, type="supergroup", title="Gardeners", status="member"))
    name = office.api.methods.book.me["username"]
    office.api.crowd.group_message(group.id, ADMIN, f"/addfeed@{name} {office.publisher.url('/feed')}")
    await office.until("I don't know that command", group.id)
    assert office.publisher.requests == []


Forge = Callable[[dict[str, str]], str]
FORGED: dict[str, Forge] = {
    "of-nobody": lambda _buttons: "addfeed AAAAAAAA yes",
    "without-a-name": lambda _buttons: "addfeed yes",
    "with-more": lambda buttons: buttons["Add"] + " 1",
    "another-stage": lambda buttons: buttons["Add"].replace("yes", "feed 0"),
    "another-channel": lambda buttons: buttons["Add"].replace("yes", "channel 0"),
    "a-negative-choice": lambda buttons: buttons["Add"].replace("yes", "feed -1"),
    "a-huge-choice": lambda buttons: buttons["Add"].replace("yes", "feed 99999999"),
    "an-address": lambda buttons: buttons["Add"].replace("yes", "https://x.example"),
    "other-letters": lambda buttons: buttons["Add"].replace("yes", "YES"),
    "another-script": lambda buttons: buttons["Add"].replace("yes", "feed \u06f1"),
    "only-the-word": lambda _buttons: "addfeed",
    "with-a-line-break": lambda buttons: buttons["Add"] + "\n",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
async def test_a_forged_button_does_nothing(office: Office, forge: Forge) -> None:
    buttons = await office.ready_to_add()
    shown = office.text()
    assert "too old" in await office.press(forge(buttons))
    assert (office.text(), office.path.read_text(encoding="utf-8")) == (shown, FILE)


async def test_a_stranger_cannot_press_an_admin_s_button(office: Office) -> None:
    buttons = await office.ready_to_add()
    message_id = office.api.sent[-1].message_id
    assert "Only an admin" in await office.press_on(message_id, buttons["Add"], user=STRANGER)
    office.api.crowd.private_message(STRANGER, "/start", "en")
    await office.until("Hello", STRANGER)
    assert "Only an admin" in await office.press(buttons["Add"], user=STRANGER)
    assert office.path.read_text(encoding="utf-8") == FILE


async def test_another_admin_cannot_press_it_either(office: Office) -> None:
    buttons = await office.ready_to_add()
    message_id = office.api.sent[-1].message_id
    assert "too old" in await office.press_on(message_id, buttons["Add"], user=OTHER_ADMIN)
    await office.ask("/help", "guide", user=OTHER_ADMIN)
    assert "too old" in await office.press(buttons["Add"], user=OTHER_ADMIN)
    assert office.path.read_text(encoding="utf-8") == FILE


async def test_a_button_counts_on_its_own_message_only(office: Office) -> None:
    buttons = await office.ready_to_add()
    await office.ask("/help", "guide")
    assert "too old" in await office.press(buttons["Add"])


async def test_who_is_no_admin_any_more_may_press_nothing(office: Office) -> None:
    buttons = await office.ready_to_add()
    office.path.write_text(FILE.replace(f"[{ADMIN}, ", "["), encoding="utf-8")
    await office.app.reload()
    assert "Only an admin" in await office.press(buttons["Add"])
    assert len(office.feeds()) == 1


async def test_an_old_question_is_not_answered(office: Office) -> None:
    buttons = await office.ready_to_add()
    office.clock.advance(PATIENCE + timedelta(seconds=1))
    assert "too old" in await office.press(buttons["Add"])
    assert office.path.read_text(encoding="utf-8") == FILE


async def test_a_new_dialogue_ends_the_old_one(office: Office) -> None:
    old = await office.ready_to_add()
    message_id = office.api.sent[-1].message_id
    await office.ready_to_add()
    assert "too old" in await office.press_on(message_id, old["Add"])


async def test_two_presses_add_one_feed(office: Office) -> None:
    buttons = await office.ready_to_add()
    message_id = office.api.sent[-1].message_id
    for _press in range(3):
        office.api.crowd.callback(ADMIN, ADMIN, message_id, buttons["Add"])
    await office.until("Added")
    await office.api.until(lambda: len(office.api.calls("answerCallbackQuery")) == 3)
    assert list(office.feeds()) == ["sky", "garden-notes"]


# --- the file may be wrong -----------------------------------------------------------------------------------


async def test_a_file_with_mistakes_is_not_written_to(office: Office) -> None:
    buttons = await office.ready_to_add()
    broken = FILE + "feds: {}\n"
    office.path.write_text(broken, encoding="utf-8")
    await office.press(buttons["Add"])
    shown = await office.until("I could not write to feeds.yaml")
    assert "unknown key 'feds'" in shown
    assert shown.endswith(
        f"For feeds.yaml:\nfeeds:\n  garden-notes:\n    url: {office.publisher.url('/feed')}\n    to: [main]"
    )
    assert office.path.read_text(encoding="utf-8") == broken


async def test_a_file_that_cannot_be_written_gives_the_lines_to_paste(office: Office) -> None:
    buttons = await office.ready_to_add()
    office.path.write_text("feeds: [", encoding="utf-8")
    if os.getuid():
        office.path.write_text(FILE, encoding="utf-8")
        office.path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        await office.press(buttons["Add"])
        assert "garden-notes:" in await office.until("I could not write to feeds.yaml")
    finally:
        office.path.parent.chmod(0o755)


async def test_what_was_written_by_hand_meanwhile_is_kept(office: Office) -> None:
    buttons = await office.ready_to_add()
    by_hand = FILE.replace("    to: []\n", "    to: []\n  garden-notes: {url: https://other.example/, to: []}\n")
    office.path.write_text(by_hand, encoding="utf-8")
    await office.press(buttons["Add"])
    await office.until("Added: garden-notes-2")
    assert set(office.feeds()) == {"sky", "garden-notes", "garden-notes-2"}


# --- /reload -------------------------------------------------------------------------------------------------


async def test_a_reload_says_what_changed(office: Office) -> None:
    assert await office.ask("/reload", "again") == "feeds.yaml was read again.\nNothing has changed in it."
    changed = FILE.replace("127.0.0.1:9/feed", "127.0.0.1:9/rss") + "tags: {ماه: Moon}\n"
    changed = changed.replace("\n# The end", "  moon: {url: https://moon.example/, to: [main]}\n# The end")
    office.path.write_text(changed, encoding="utf-8")
    assert await office.ask("/reload", "moon") == (
        "feeds.yaml was read again.\nNew feeds: moon\nFeeds changed: sky\nOther settings changed."
    )
    office.path.write_text(FILE, encoding="utf-8")
    assert "Feeds removed: moon" in await office.ask("/reload", "removed")
    assert "“moon”" in await office.ask("/latest moon", "no source")


async def test_a_reload_of_a_file_with_mistakes_changes_nothing(office: Office) -> None:
    office.path.write_text(FILE.replace("to: []", "evry: 1h") + "moon: 1\n", encoding="utf-8")
    shown = await office.ask("/reload", "mistakes")
    assert "unknown key 'evry'" in shown
    assert "unknown key 'moon'" in shown
    assert [feed.name for feed in office.app.config.feeds] == ["sky"]
    office.path.unlink()
    assert "no such file" in await office.ask("/reload", "no such file")
    assert [subscription.feed.name for subscription in office.app.routes.subscriptions.values()] == []


async def test_a_reload_changes_who_asks_and_where_days_begin(office: Office) -> None:
    url = office.publisher.url("/feed")
    late = {"title": "Tulips at night", "guid": "night", "pubDate": datetime(2026, 11, 22, 22, 30, tzinfo=UTC)}
    office.publisher.serve("/feed", rss("Garden notes", [late]))
    text = FILE.replace("to: []", f"to: []\n  garden: {{url: {url}, backfill: 1}}")
    office.path.write_text(text, encoding="utf-8")
    await office.app.reload()
    await office.api.until(lambda: any("Tulips" in text for text in office.api.texts(CHANNEL)))
    # 2:00 of the 23rd in Tehran, which is where days begin unless the file says otherwise.
    assert "23 November 2026" in await office.ask("/random", "Tulips at night")
    zoned = text.replace("bot: {", "bot: {timezone: UTC, contact: 'https://garden.example/', ")
    office.path.write_text(zoned, encoding="utf-8")
    await office.app.reload()
    assert "22 November 2026" in await office.ask("/random", "22 November")
    office.publisher.serve("/other", rss("Other notes", [late]))
    await office.ask(f"/addfeed {office.publisher.url('/other')}", "What is there now is not sent")
    agent = office.publisher.requests[-1].header("User-Agent")
    assert agent is not None
    assert b"+https://garden.example/" in agent


async def test_a_reload_takes_effect_at_once(office: Office) -> None:
    office.publisher.serve("/feed", rss("Garden notes", ITEMS))
    text = FILE.replace("to: []", "to: []\n  garden: {url: " + office.publisher.url("/feed") + ", backfill: 1}")
    office.path.write_text(text.replace("language: en, admin", "language: fa, admin"), encoding="utf-8")
    await office.app.reload()
    await office.api.until(lambda: any("Tulips 5" in text for text in office.api.texts(CHANNEL)))
    assert "سلام" in await office.ask("/start", "سلام", user=8, language="de")


async def test_sighup_reads_the_file_again_and_says_so(office: Office) -> None:
    office.path.write_text("moon: 1\n", encoding="utf-8")
    await office.app.reload_soon()
    assert any(
        "unknown key 'moon'" in line and line.endswith("The configuration stays as it was") for line in office.said
    )
    office.path.write_text(FILE, encoding="utf-8")
    await office.app.reload_soon()
    assert f"Configuration  {office.path}, read again" in office.said


async def test_the_file_is_followed_and_the_admin_hears_of_a_mistake_and_of_its_end(office: Office) -> None:
    async def save(text: str, done: Callable[[], bool]) -> None:
        office.path.write_text(text, encoding="utf-8")
        async with asyncio.timeout(20):
            while not done():
                office.clock.advance(timedelta(seconds=1))  # a file must be still for a moment
                await asyncio.sleep(0.05)

    office.publisher.serve("/feed", rss("Garden notes", ITEMS))
    await save(FILE + "moon: 1\n", lambda: "unknown key 'moon'" in office.text(REPORTS))
    assert office.text(REPORTS).startswith("• feeds.yaml has mistakes, so nothing was changed: ")
    text = FILE.replace("to: []", "to: []\n  garden: {url: " + office.publisher.url("/feed") + ", backfill: 1}")
    await save(text, lambda: any("Tulips 5" in text for text in office.api.texts(CHANNEL)))
    assert "feeds.yaml is right again" in office.text(REPORTS)


async def test_the_signal_is_heard_by_the_running_program(tmp_path: Path) -> None:
    (tmp_path / "feeds.yaml").write_text("feeds: {}\n", encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run",
        cwd=tmp_path,
        env={**os.environ, "QASEDAK_HTTP_PORT": "0"},
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        async with asyncio.timeout(30):
            while b"Bot " not in await process.stderr.readline():
                pass
            process.send_signal(signal.SIGHUP)
            while b"feeds.yaml, read again" not in (line := await process.stderr.readline()):
                assert line
    finally:
        process.terminate()
        await process.communicate()
    assert process.returncode == 0


def test_a_feed_that_comes_into_a_channel_changes_no_other(tmp_path: Path) -> None:
    """The second feed makes the channel name its sources: that is no news about the first."""
    path = tmp_path / "feeds.yaml"

    def read(feeds: str) -> Any:
        path.write_text(f"channels: {{main: {{chat: '{CHANNEL}'}}}}\nfeeds: {{{feeds}}}\n")
        return read_config(path, environment={}, with_token=False)

    one, two = read("a: {url: https://a.example}"), read("a: {url: https://a.example}, b: {url: https://b.example}")
    changes = compare(one, two)
    assert (changes.feeds_added, changes.feeds_changed, changes.channels_changed, changes.others) == (
        ("b",),
        (),
        (),
        False,
    )
    assert compare(two, one).feeds_removed == ("b",)
    assert compare(one, read("a: {url: https://a.example, hashtags: [x]}")).feeds_changed == ("a",)


# --- bot.open ------------------------------------------------------------------------------------------------


async def open_to_all(office: Office) -> None:
    office.path.write_text(FILE.replace("admins:", "open: true, admins:"), encoding="utf-8")
    await office.app.reload()


async def test_where_it_is_open_anybody_follows_a_feed_by_its_address(office: Office) -> None:
    await open_to_all(office)
    office.publisher.serve("/feed", rss("Garden notes", ITEMS))
    address = office.publisher.url("/feed")
    assert "Tulips 5" in await office.ask(address, "What is there now is not sent", user=STRANGER)
    looked = office.buttons(STRANGER)["Follow"]
    assert await office.press(looked, user=STRANGER) == ""
    assert "You now follow Garden notes." in office.text(STRANGER)
    await read_once(office)
    newer = {"title": "Tulips 6", "guid": "6", "link": "https://garden.example/6", "pubDate": NOW}
    office.publisher.serve("/feed", rss("Garden notes", [*ITEMS, newer]))
    await office.app.database.write(
        lambda connection: connection.execute(update(feeds).values(next_check_at=office.clock.now()))
    )
    assert "Tulips 6" in await office.until("Tulips 6", STRANGER)
    # It is nobody else's, and no admin is bothered with it.
    assert "I found nothing." in await office.ask("Tulips", "found nothing", user=OTHER_ADMIN)
    assert "Garden notes" not in await office.ask("/feeds", "Sources", user=OTHER_ADMIN)
    assert office.feeds().keys() == {"sky"}


async def test_key_bot_open(office: Office) -> None:
    office.publisher.serve("/feed", rss("Garden notes", ITEMS))
    address = office.publisher.url("/feed")
    assert "I do not read that address" in await office.ask(address, "that address", user=STRANGER)
    await open_to_all(office)
    assert "Tulips 5" in await office.ask(address, "What is there now is not sent", user=STRANGER)


async def read_once(office: Office) -> None:
    """Wait until what somebody follows by its address has been read for the first time."""
    (feed,) = await office.app.database.read(subscribers.open_feeds, office.app.bot_id, [])

    def is_read(connection: Connection) -> bool:
        return connection.execute(select(feeds.c.succeeded_at).where(feeds.c.id == feed.id)).scalar() is not None

    async with asyncio.timeout(10):
        while not await office.app.database.read(is_read):
            office.clock.advance(timedelta(seconds=1))
            await office.ask("/date", "Today is", user=OTHER_ADMIN)


async def test_of_a_page_with_several_feeds_one_is_chosen(office: Office) -> None:
    await open_to_all(office)
    links = "".join(
        f'<link rel="alternate" type="application/rss+xml" title="{name}" href="/{name}">'
        for name in ("tulips", "herbs")
    )
    office.publisher.serve("/", f"<html><head>{links}</head></html>", content_type=HTML)
    office.publisher.serve("/herbs", rss("Herbs", ITEMS))
    await office.ask(f"/subscribe {office.publisher.url('/')}", "Which one?", user=STRANGER)
    label = next(label for label in office.buttons(STRANGER) if "herbs" in label)
    await office.press(office.buttons(STRANGER)[label], user=STRANGER)
    assert "Herbs" in await office.until("What is there now is not sent", STRANGER)
    office.clock.advance(PATIENCE + timedelta(seconds=1))
    assert await office.press(office.buttons(STRANGER)["Follow"], user=STRANGER)
    assert "Herbs" not in await office.ask("/mine", "What you follow", user=STRANGER)


async def test_nobody_has_addresses_looked_at_without_end(office: Office) -> None:
    await open_to_all(office)
    office.publisher.serve("/nothing", "no feed here", content_type="text/plain")
    for number in range(int(LOOKS.burst)):
        address = office.publisher.url(f"/nothing?{number}")
        await office.ask(address, f"nothing?{number}", user=STRANGER)
    assert "faster than I can follow" in await office.ask(office.publisher.url("/more"), "faster", user=STRANGER)


async def test_only_so_many_feeds_are_read_by_their_addresses(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribers, "MOST_OPEN", 2)
    kept = [
        await sqlite.write(subscribers.keep_feed, Feed("", FeedKind.HTTP, f"https://{name}.example/feed"), NOW)
        for name in ("one", "two", "one", "three")
    ]
    assert kept == [1, 2, 1, None]
