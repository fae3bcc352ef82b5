"""The bot's dialogues with its admins: ``/addfeed`` and ``/reload``. Beside ``commands/``, which hands them over.

One message is edited through a dialogue. What its buttons carry is a short random name and a choice: everything else is
kept here, bound to the person and the message, for a quarter of an hour. Who may do this is asked at every step. Pages
are fetched in tasks of their own: nobody else's answer waits for a slow publisher.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

import structlog
from telegram import Bot, CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.error import BadRequest, TelegramError

from bot.clock import Clock
from bot.errands import Errands
from bot.errors import BotError, ConfigError, NotWritten, SourceError
from bot.model import Changes, Entry, Language, Message
from bot.screens import admin_replies, replies
from bot.sender import message_entities
from bot.sources.discovery import Candidate

log = structlog.get_logger()

#: How long a question waits for its answer.
PATIENCE = timedelta(minutes=15)
#: What a button of ours carries: at most 64 bytes (Bot API, InlineKeyboardButton).
PREFIX = "addfeed"
Work = Callable[[], Awaitable[None]]
_PRESS = re.compile(rf"{PREFIX} ([A-Za-z0-9_-]{{8}}) (feed|channel|yes|no)(?: ([0-9]{{1,3}}))?")


@dataclass(frozen=True, slots=True)
class Sample:
    """A feed before it is added."""

    title: str | None
    entries: tuple[Entry, ...]  #: newest first
    every: timedelta  #: how often it will be asked


@dataclass(frozen=True, slots=True)
class Added:
    """What a feed is called in feeds.yaml; it may have been there already."""

    name: str
    is_new: bool = True


class Desk(Protocol):
    """The configuration as an admin handles it (``desk.py``)."""

    def channels(self) -> Sequence[str]:
        """Names of channels."""

    def name_of(self, url: str) -> str | None:
        """The feed that has this address."""

    async def find(self, url: str) -> list[Candidate]:
        """The feeds of an address. Raises: SourceError."""

    async def sample(self, url: str) -> Sample:
        """A feed as it is now. Raises: SourceError."""

    async def add(self, url: str, title: str | None, channel: str) -> Added:
        """Write it into feeds.yaml. Raises: NotWritten."""

    async def reload(self) -> Changes:
        """Read feeds.yaml again. Raises: ConfigError."""


class Stage(StrEnum):
    """What a dialogue waits for."""

    FETCHING = "fetching"  #: for a publisher; no button counts
    FEED = "feed"
    CHANNEL = "channel"
    ANSWER = "yes"


@dataclass(slots=True)
class Dialogue:
    """One /addfeed, from its address to its answer."""

    user_id: int
    chat_id: int
    language: Language
    url: str
    until: datetime
    channel: str | None = None
    name: str = field(default_factory=lambda: secrets.token_urlsafe(6))
    message_id: int = 0
    stage: Stage = Stage.FETCHING
    found: list[Candidate] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    chosen: Candidate | None = None
    title: str | None = None


class Admin:
    """Talks to admins. One dialogue a person: a new one ends the old one."""

    def __init__(self, bot: Bot, desk: Desk, clock: Clock, is_admin: Callable[[int], Awaitable[bool]]) -> None:
        self._bot = bot
        self._desk = desk
        self._clock = clock
        self._is_admin = is_admin
        self._dialogues: dict[int, Dialogue] = {}
        self._errands = Errands()

    async def close(self) -> None:
        """End what is under way."""
        await self._errands.close()

    # --- what is said ----------------------------------------------------------------------------------------

    async def take(self, command: str, argument: str, user_id: int, chat_id: int, language: Language) -> bool:
        """Answer a command of a private chat if it is one for admins, and this is one; False otherwise."""
        if command not in ("addfeed", "reload") or not await self._is_admin(user_id):
            return False
        if command == "reload":
            await self._send(chat_id, await self._reload(language))
        else:
            await self._begin(argument, user_id, chat_id, language)
        return True

    async def take_address(self, text: str, user_id: int, chat_id: int, language: Language) -> bool:
        """An admin's bare address begins the dialogue too."""
        is_address = re.match(r"https?://\S+\s*\Z", text, re.IGNORECASE)
        if not is_address or not await self._is_admin(user_id):
            return False
        await self._begin(text.strip(), user_id, chat_id, language)
        return True

    async def _reload(self, language: Language) -> Message:
        try:
            changes = await self._desk.reload()
        except ConfigError as error:
            return admin_replies.not_reloaded(error.problems, language)
        except BotError as error:
            return admin_replies.not_reloaded([str(error)], language)
        names = (
            changes.feeds_added, changes.feeds_removed, changes.feeds_changed,
            changes.channels_added, changes.channels_removed, changes.channels_changed,
        )  # fmt: skip
        labelled = list(zip(admin_replies.labels_of_changes(language), names, strict=True))
        return admin_replies.reloaded(labelled, changes.others, language)

    async def _begin(self, argument: str, user_id: int, chat_id: int, language: Language) -> None:
        written, _, channel = argument.partition(" ")
        channel = channel.strip()
        channels = self._desk.channels()
        if not written:
            await self._send(chat_id, admin_replies.ask_address(language))
            return
        url = web_address(written)
        if url is None:
            await self._send(chat_id, admin_replies.no_address(written, language))
        elif not channels:
            await self._send(chat_id, admin_replies.no_channel(language))
        elif channel and channel not in channels:
            await self._send(chat_id, admin_replies.unknown_channel(channel, channels, language))
        else:
            only = channels[0] if len(channels) == 1 else None
            dialogue = Dialogue(
                user_id, chat_id, language, url, self._clock.now() + PATIENCE, channel or only, channels=list(channels)
            )
            dialogue.message_id = await self._send(chat_id, admin_replies.looking(url, language))
            self._dialogues[user_id] = dialogue
            self._start(dialogue, lambda: self._look(dialogue))

    # --- what is pressed -------------------------------------------------------------------------------------

    async def press(self, query: CallbackQuery, chat_id: int, message_id: int, language: Language) -> None:
        """Answer a press on a button of ours, or one that pretends to be."""
        if not await self._is_admin(query.from_user.id):
            await query.answer(replies.not_allowed(language), show_alert=True)
            return
        found = _PRESS.fullmatch(query.data or "")
        dialogue = self._dialogues.get(query.from_user.id)
        is_ours = (
            found is not None
            and dialogue is not None
            and secrets.compare_digest(found[1], dialogue.name)
            and (dialogue.chat_id, dialogue.message_id) == (chat_id, message_id)
            and self._clock.now() <= dialogue.until
        )
        if found is None or dialogue is None or not is_ours or not self._answer(dialogue, found[2], found[3]):
            await query.answer(admin_replies.too_old(language), show_alert=True)
            return
        await query.answer()

    def _answer(self, dialogue: Dialogue, what: str, number: str | None) -> bool:
        """Go one step on; False when the dialogue does not wait for this answer."""
        index = int(number) if number else 0
        match what:
            case "no" if dialogue.stage is not Stage.FETCHING:
                self._end(dialogue)
                self._start(dialogue, lambda: self._show(dialogue, admin_replies.cancelled(dialogue.language)))
            case "feed" if dialogue.stage is Stage.FEED and number and index < len(dialogue.found):
                dialogue.chosen = dialogue.found[index]
                self._start(dialogue, lambda: self._look_closer(dialogue))
            case "channel" if dialogue.stage is Stage.CHANNEL and number and index < len(dialogue.channels):
                dialogue.channel = dialogue.channels[index]
                self._start(dialogue, lambda: self._look_closer(dialogue))
            case "yes" if dialogue.stage is Stage.ANSWER and number is None:
                self._end(dialogue)  # a second press finds nothing to add
                self._start(dialogue, lambda: self._add(dialogue))
            case _:
                return False
        return True

    def _end(self, dialogue: Dialogue) -> None:
        if self._dialogues.get(dialogue.user_id) is dialogue:
            del self._dialogues[dialogue.user_id]

    # --- what it does ----------------------------------------------------------------------------------------

    def _start(self, dialogue: Dialogue, work: Work) -> None:
        """One task a person; an older one of theirs is ended."""
        old = self._errands.end(dialogue.user_id)
        dialogue.stage = Stage.FETCHING
        self._errands.begin(dialogue.user_id, self._guarded(dialogue, work, old))

    async def _guarded(self, dialogue: Dialogue, work: Work, old: "asyncio.Task[None] | None") -> None:
        if old is not None:
            await asyncio.wait({old})  # what it holds of a host is given back then
        try:
            await work()
        except SourceError as error:
            self._end(dialogue)
            url = dialogue.chosen.url if dialogue.chosen else dialogue.url
            await self._try_to_show(dialogue, admin_replies.unreadable(url, error, dialogue.language))
        except TelegramError as error:
            log.warning("dialogue not shown", problem=error.message)
        except Exception:  # a task's top: one bad page must not end the dialogue without a word
            log.exception("dialogue failed")
            self._end(dialogue)
            await self._try_to_show(dialogue, replies.failed(dialogue.language))

    async def _try_to_show(self, dialogue: Dialogue, message: Message) -> None:
        try:
            await self._show(dialogue, message)
        except TelegramError as error:
            log.warning("dialogue not shown", problem=error.message)

    async def _look(self, dialogue: Dialogue) -> None:
        dialogue.found = await self._desk.find(dialogue.url)
        if not dialogue.found:
            self._end(dialogue)
            await self._show(dialogue, admin_replies.nothing_found(dialogue.url, dialogue.language))
        elif len(dialogue.found) == 1:
            dialogue.chosen = dialogue.found[0]
            await self._look_closer(dialogue)
        else:
            found = [(candidate.title, candidate.url) for candidate in dialogue.found]
            labels = [title or url for title, url in found]
            message = admin_replies.which_feed(found, dialogue.language)
            await self._ask(dialogue, Stage.FEED, message, self._choices(dialogue, "feed", labels))

    async def _look_closer(self, dialogue: Dialogue) -> None:
        """A feed is chosen: is it new, for which channel, and what is in it?"""
        language, chosen = dialogue.language, dialogue.chosen
        if chosen is None:
            return
        there = self._desk.name_of(chosen.url)
        if there is not None:
            self._end(dialogue)
            await self._show(dialogue, admin_replies.already_there(there, language))
            return
        if dialogue.channel is None:
            buttons = self._choices(dialogue, "channel", dialogue.channels)
            await self._ask(dialogue, Stage.CHANNEL, admin_replies.which_channel(language), buttons)
            return
        await self._show(dialogue, admin_replies.looking(chosen.url, language))
        sample = await self._desk.sample(chosen.url)
        dialogue.title = sample.title or chosen.title
        buttons = [[
            InlineKeyboardButton(admin_replies.add_label(language), callback_data=f"{PREFIX} {dialogue.name} yes"),
            self._cancel(dialogue),
        ]]  # fmt: skip
        message = admin_replies.sample(
            dialogue.title, chosen.url, sample.entries, sample.every, dialogue.channel, language
        )
        await self._ask(dialogue, Stage.ANSWER, message, buttons)

    async def _add(self, dialogue: Dialogue) -> None:
        language, chosen, channel = dialogue.language, dialogue.chosen, dialogue.channel
        if chosen is None or channel is None:
            return
        # Not to be ended half way by a new dialogue of the same person.
        adding = asyncio.shield(asyncio.ensure_future(self._desk.add(chosen.url, dialogue.title, channel)))
        try:
            added = await adding
        except NotWritten as error:
            await self._show(dialogue, admin_replies.not_written(error.problems[0], error.lines, language))
            return
        log.info("feed added", feed=added.name, user_id=dialogue.user_id)
        reply = admin_replies.added(added.name, channel, language)
        await self._show(dialogue, reply if added.is_new else admin_replies.already_there(added.name, language))

    # --- messages --------------------------------------------------------------------------------------------

    def _choices(self, dialogue: Dialogue, what: str, labels: Sequence[str]) -> list[list[InlineKeyboardButton]]:
        rows = [
            [
                InlineKeyboardButton(
                    admin_replies.choice_label(index + 1, label, dialogue.language),
                    callback_data=f"{PREFIX} {dialogue.name} {what} {index}",
                )
            ]
            for index, label in enumerate(labels[:50])
        ]
        return [*rows, [self._cancel(dialogue)]]

    def _cancel(self, dialogue: Dialogue) -> InlineKeyboardButton:
        label = admin_replies.cancel_label(dialogue.language)
        return InlineKeyboardButton(label, callback_data=f"{PREFIX} {dialogue.name} no")

    async def _ask(
        self, dialogue: Dialogue, stage: Stage, message: Message, buttons: list[list[InlineKeyboardButton]]
    ) -> None:
        dialogue.stage = stage
        await self._show(dialogue, message, InlineKeyboardMarkup(buttons))

    async def _show(self, dialogue: Dialogue, message: Message, buttons: InlineKeyboardMarkup | None = None) -> None:
        try:
            await self._bot.edit_message_text(
                message.text,
                dialogue.chat_id,
                dialogue.message_id,
                entities=message_entities(message),
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                reply_markup=buttons,
            )
        except BadRequest as error:
            if "not modified" not in error.message.lower():
                raise

    async def _send(self, chat_id: int, message: Message) -> int:
        sent = await self._bot.send_message(
            chat_id,
            message.text,
            entities=message_entities(message),
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )
        return int(sent.message_id)


def web_address(written: str) -> str | None:
    """An address as a person writes it, with or without its scheme; None for what is none."""
    text = written if "://" in written else f"https://{written}"
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and (parts.port or 80) > 0
    except ValueError:
        return None
    has_name = "." in (parts.hostname or "") or parts.hostname == "localhost" or ":" in (parts.hostname or "")
    # A password in a chat, or in a button, would be one that others read.
    is_plain = parts.username is None and len(text) <= 2048 and not re.search(r"[\s\x00-\x1f\x7f<>\"\\^`{}|]", text)
    return text if is_whole and has_name and is_plain else None
