"""Conversations with the bot as readable transcripts: what people say and press, and what the bot answers.

A line that begins with a name is said by that person; "Sara taps [Newest]" presses a button of the bot's last message
there, "Sara corrects: ..." changes her last message, "Sara shares: ..." types words after the bot's name in some other
chat. Everything indented is the bot's. ``python -m tests.conversations`` writes the answers anew, to be read by eye.
"""

import asyncio
import json
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.commands.rights import ANONYMOUS
from bot.commands.updates import Commands
from bot.model import Feed
from bot.personal import House
from bot.sender import open_bot
from bot.storage.database import Database
from tests.builders import NOW, a_channel, a_feed, a_subscription, an_entry
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.bot_api_chats import Chat, Sent
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender
from tests.office import EVENTS, counter_of
from tests.stage import Stage

FOLDER = Path(__file__).parent / "data" / "conversations"
MARKS = re.compile("[\u200e\u200f\u2066-\u2069]")
GROUP, CHANNEL, TOPIC = -1003333333333, -1001111111111, 5
#: Who may speak in a transcript: an id, a language, and the chat they speak in (None: their own).
PEOPLE: dict[str, tuple[int, str]] = {
    "Sara": (7, "en"),
    "سارا": (8, "fa"),
    "Omid": (9, "en"),
    "Mina": (10, "fa"),
    "Hidden": (ANONYMOUS, ""),
    "Admin": (1, "en"),
    "مدیر": (2, "fa"),
}
_SAID = re.compile(
    r"(?P<who>\w+)(?P<place> \(group\)| \(topic\))?(?P<how> replies| corrects| shares| sends)?: (?P<text>.*)"
)
_UPLOADED = re.compile(r"(?P<who>\w+) uploads (?P<file>\w+\.\w+)")
_TAPPED = re.compile(r"(?P<who>\w+)(?P<place> \(group\)| \(topic\))? taps \[(?P<button>.*)\]")


def feeds() -> list[Feed]:
    more = [a_feed(f"star-{number}", title=f"Star {number}") for number in range(1, 8)]
    return [a_feed("sky", title="Sky Notes"), a_feed("garden", title="باغ پاییز"), a_feed("winter"), *more]


@dataclass
class World:
    """The bot with a few posts, two people in private, and a group whose admin is Omid."""

    api: BotApi
    stage: Stage
    commands: Commands
    shown: list[str] = field(default_factory=list)
    said: dict[int, int] = field(default_factory=dict)  #: of each chat, the last message that a person wrote

    async def play(self, script: Iterator[str]) -> list[str]:
        """Carry out what people do; return the transcript."""
        for line in script:
            random.seed(line)  # posts at random are the same ones each time
            self.stage.clock.advance(timedelta(seconds=3))  # nobody is faster than that
            self.shown.append(line)
            if found := _TAPPED.fullmatch(line):
                await self._tap(found)
            elif found := _UPLOADED.fullmatch(line):
                await self._upload(found)
            elif event := EVENTS.get(line):
                await event(self.stage)
            elif found := _SAID.fullmatch(line):
                await self._say(found)
        return self.shown

    async def _settled(self) -> None:
        """Everything people did has been taken in, and what takes a while is done."""
        await taken_in(self.api, self.commands)
        if self.commands.counter:
            await self.commands.counter.idle()

    async def _upload(self, found: re.Match[str]) -> None:
        user, language = PEOPLE[found["who"]]
        before = len(self.api.sent)
        content = (FOLDER.parent / "opml" / found["file"]).read_bytes()
        self.api.crowd.document(user, found["file"], content, language)
        await self._settled()
        self._tell(before)

    def _place(self, found: re.Match[str]) -> tuple[int, int]:
        user, _language = PEOPLE[found["who"]]
        return user, GROUP if found["place"] else user

    async def _say(self, found: re.Match[str]) -> None:
        user, chat = self._place(found)
        before, crowd, how = len(self.api.sent), self.api.crowd, found["how"]
        text = found["text"].replace("\\n", "\n")
        if how == " shares":
            await self._share(user, text, PEOPLE[found["who"]][1])
            return
        if how == " corrects":
            crowd.correct(user, self.said[chat], text)
        elif how == " sends":
            crowd.file(user, *text.split(" ", 1))
        elif chat == user:
            update = crowd.private_message(user, text, PEOPLE[found["who"]][1], found["who"])
            self.said[chat] = update["message"]["message_id"]
        else:
            answered = [sent.message_id for sent in self.api.sent if sent.chat_id == chat][-1] if how else 0
            thread = TOPIC if found["place"] == " (topic)" else 0
            crowd.group_message(chat, user, text, thread=thread, reply_to=answered, as_chat=user == ANONYMOUS)
        await self._settled()
        self._tell(before)

    async def _share(self, user: int, text: str, language: str) -> None:
        before = len(self.api.methods.answers)
        self.api.book.person(user, language_code=language)
        self.api.crowd.inline_query(user, text)
        await self.api.until(lambda: len(self.api.methods.answers) > before)
        results = json.loads(self.api.methods.answers[-1]["results"])
        for result in results:
            self.shown.append(f"    <{result['title']}> {MARKS.sub('', result.get('description', ''))}".rstrip())
            shared = MARKS.sub("", result["input_message_content"]["message_text"])
            self.shown += [f"    | {line}".rstrip() for line in shared.split("\n")]
        if not results:
            self.shown.append("    (nothing)")

    async def _tap(self, found: re.Match[str]) -> None:
        user, chat = self._place(found)
        last = [sent for sent in self.api.sent if sent.chat_id == chat][-1]
        data = buttons(last).get(found["button"])
        if data is None:
            raise KeyError(f"{found[0]}: there is {list(buttons(last))}")
        before = len(self.api.sent)
        self.api.crowd.callback(user, chat, last.message_id, data)
        await self._settled()
        self._tell(before)
        if toast := self.api.methods.answers[-1].get("text"):
            self.shown.append(f"    (toast) {MARKS.sub('', str(toast))}")

    def _tell(self, before: int) -> None:
        for sent in self.api.sent[before:]:
            if sent.event == "edit":
                self.shown.append("    (in its place)")
            if thread := sent.message.get("message_thread_id"):
                self.shown.append(f"    (in topic {thread})")
            self.shown += [f"    (with a {kind})" for kind in ("photo", "document") if kind in sent.message]
            self.shown += [f"    | {line}".rstrip() for line in MARKS.sub("", sent.text).split("\n")]
            for row in sent.message.get("reply_markup", {}).get("inline_keyboard", []):
                self.shown.append("    " + " ".join(f"[{MARKS.sub('', each['text'])}]" for each in row))


async def taken_in(api: BotApi, commands: Commands) -> None:
    """Wait until everything that people did has been answered, or taken in where it asks for no answer.

    Chats are answered beside each other: an answer in one says nothing of what came before it in another.
    """
    await api.until(lambda: not api.updates.pending)
    await commands._application.update_queue.join()


def buttons(sent: Sent) -> dict[str, str]:
    """What each button under a message carries."""
    rows: list[list[dict[str, Any]]] = sent.message.get("reply_markup", {}).get("inline_keyboard", [])
    return {MARKS.sub("", each["text"]): each.get("callback_data", "") for row in rows for each in row}


@asynccontextmanager
async def world(database: Database, clock: FakeClock) -> Any:
    """A bot that has read three feeds, and Telegram around it."""
    stage = Stage(database, clock, FakeSender(clock))
    configured = feeds()
    await stage.adopt(a_subscription(feed=configured[0], channel=a_channel(chat=str(CHANNEL))), feeds=configured[1:])
    await stage.read(
        an_entry(1, title="A full moon over the hills", published=NOW - timedelta(hours=5), tags=("moon",)),
        an_entry(2, title="Eight stars", published=NOW - timedelta(days=365 * 8 + 2), author="Sara"),
    )
    await stage.read(
        an_entry(3, title="کاشت سیر", published=NOW - timedelta(days=3)),
        *(an_entry(number, title=f"باغ {number}", published=NOW - timedelta(days=70)) for number in range(11, 17)),
        an_entry(20, title="شب یلدا", published=NOW - timedelta(days=700), link=None, tags=("شب",)),
        feed="garden",
    )
    async with BotApi(now=clock.now) as api:
        api.add_chat(
            Chat(
                GROUP, type="supergroup", title="Gardeners", status="member",
                members={9: {"status": "creator", "is_anonymous": True}, 10: "member"}, topics={TOPIC: "News"},
            )
        )  # fmt: skip
        api.add_chat(
            Chat(CHANNEL, type="channel", title="Night Sky", username="night_sky", status="administrator",
                 members={9: "creator"})
        )  # fmt: skip
        commands = Commands(
            open_bot(TOKEN, api.base_url.removesuffix("/bot")), database, clock,
            language="fa", zone=ZoneInfo("Asia/Tehran"), admins=[1, 2], house=House(stage.routes.feeds),
            on_conflict=lambda _problem: None,
        )  # fmt: skip
        commands.counter = counter_of(stage, commands)
        await commands.start()
        try:
            yield World(api, stage, commands)
        finally:
            await commands.stop()


def script_of(transcript: str) -> Iterator[str]:
    """What people do in a transcript: its lines that are not the bot's."""
    return (line for line in transcript.split("\n") if line and not line.startswith("    "))


async def played(transcript: str, database: Database, clock: FakeClock) -> str:
    """The transcript as it is now."""
    async with world(database, clock) as there:
        return "\n".join(await there.play(script_of(transcript))).strip() + "\n"


async def _write_all() -> None:
    for path in sorted(FOLDER.glob(sys.argv[1] if len(sys.argv) > 1 else "*.txt")):
        with tempfile.TemporaryDirectory() as folder:
            database = Database(f"sqlite:///{folder}/q.db")
            await asyncio.to_thread(database.migrate)
            path.write_text(await played(path.read_text(encoding="utf-8"), database, FakeClock(NOW)), encoding="utf-8")
            await database.close()


if __name__ == "__main__":
    asyncio.run(_write_all())
