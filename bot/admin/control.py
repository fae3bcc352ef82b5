"""The commands of admins, and their buttons: which is whose. Between ``commands/updates.py`` and the rooms that answer.

A right is asked for at every command and again at every press. Commands work in an admin's private chat alone: what
they show is nobody else's. What takes a while is an ``Errand``.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from bot.admin.feed_list import FeedList
from bot.admin.overseeing import Overseeing
from bot.admin.pausing import Pausing
from bot.admin.queueing import Queueing
from bot.admin.trying import Trying
from bot.screens import list_screens, replies, trial_screens
from bot.screens.leafing import Reader, Screen

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Errand:
    """An answer that takes a while: what is shown meanwhile, and how the answer comes."""

    meanwhile: Screen | None  #: None: the chat shows that somebody is busy
    work: Callable[[], Awaitable[Screen]]


Answer = Screen | Errand | str


class Rights(Protocol):
    """Who may (``commands/updates.py``)."""

    async def __call__(self, user_id: int) -> bool:
        """Whether somebody is an admin now."""


class Control:
    """Answers admins; anybody else gets nothing here."""

    def __init__(
        self,
        *,
        is_admin: Rights,
        overseeing: Overseeing,
        queueing: Queueing,
        pausing: Pausing,
        trying: Trying,
        feed_list: FeedList,
    ) -> None:
        self.is_admin = is_admin
        self._overseeing, self._queueing, self._pausing = overseeing, queueing, pausing
        self._trying, self._feed_list = trying, feed_list

    async def command(self, name: str, argument: str, user_id: int, reader: Reader) -> Screen | Errand | None:
        """The answer to a command of a private chat; None where it is none of these, or not an admin's."""
        if name not in replies.ADMIN_MENU or not await self.is_admin(user_id):
            return None
        match name:
            case "status":
                return await self._overseeing.status(reader)
            case "why":
                return await self._overseeing.why(argument, reader)
            case "stats":
                return Errand(None, lambda: self._overseeing.stats(reader))
            case "queue":
                return await self._queueing.queue(reader)
            case "retry":
                return await self._queueing.retry(argument, reader)
            case "pause":
                return await self._pausing.pause(argument, reader)
            case "resume":
                return await self._pausing.resume(argument, reader)
            case "check":
                return self._check(argument, reader)
            case "preview":
                return await self._trying.preview(argument, reader)
            case "removefeed":
                return await self._feed_list.remove(argument, reader)
            case "opml":
                return await self._feed_list.opml(reader)
        return None

    def _check(self, words: str, reader: Reader) -> Screen | Errand:
        if not words:
            return self._trying.ask_check(reader)
        feed = self._trying.feed_of(words)
        if feed is None:
            return self._trying.unknown(words, reader)
        return Errand(trial_screens.reading(feed, reader), lambda: self._trying.check(feed, reader))

    async def press(self, action: str, user_id: int, reader: Reader) -> Answer | None:
        """What a button asks for: a screen, an errand, words for a toast; None for one that is no more."""
        if not await self.is_admin(user_id):
            log.warning("pressed by nobody who may", user_id=user_id)
            return replies.not_allowed(reader.language)
        _mark, verb, *parts = action.split(".")
        match verb, parts:
            case "status", []:
                return await self._overseeing.status(reader)
            case "why", [number] if number.isdecimal() and len(number) < 19:
                return await self._overseeing.why(number, reader)
            case "queue", _:
                return await self._queueing.press(parts, reader)
            case (("pause" | "resume"), _):
                return await self._pausing.press(verb, parts, reader)
            case "check", [key] if feed := self._trying.feed_by_key(key):
                return Errand(trial_screens.reading(feed, reader), lambda: self._trying.check(feed, reader))
            case (("check" | "preview" | "post"), _):
                return await self._trying.press(verb, parts, reader)
            case (("removefeed" | "opml"), _):
                return await self._feed_list.press(verb, parts, reader)
        return None

    async def document(self, fetch: Callable[[], Awaitable[bytes]], user_id: int, reader: Reader) -> Errand | None:
        """A list of feeds that an admin sent; None where somebody else did. *fetch* gets its bytes."""
        if not await self.is_admin(user_id):
            return None

        async def read() -> Screen:
            return await self._feed_list.offer(await fetch(), reader)

        return Errand(list_screens.reading(reader), read)


def is_of_admins(action: str) -> bool:
    """Whether a button is one of these."""
    return action.startswith("A.")
