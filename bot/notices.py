"""Tell the admin what needs a person: straight to ``admin_chat``, each thing at most once a day.

Beside the outbox, not through it: a notice that says that sending fails must not wait for sending. What cannot be told
is in the log, and nothing depends on it.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from bot import render
from bot.clock import Clock
from bot.errors import DeliveryError, StorageError
from bot.model import Language
from bot.outbox.delivering import Sender
from bot.screens import notice_words

log = structlog.get_logger()

#: The same thing is not said again before this.
SILENCE = timedelta(hours=24)


class Notices:
    """What was told lately is kept in memory: a restart may say a thing twice, and never leaves it unsaid."""

    def __init__(
        self,
        sender: Sender,
        clock: Clock,
        *,
        chat_id: int | None,
        language: Language,
        keep: Callable[[Sequence[str], datetime], Awaitable[None]],
    ) -> None:
        self._sender = sender
        self._keep = keep  # the log of the status page
        self._kept: dict[str, datetime] = {}
        self._clock = clock
        self._chat_id = chat_id
        self._language = language
        self._told: dict[str, datetime] = {}

    def configure(self, chat_id: int | None, language: Language) -> None:
        """Go on with what feeds.yaml says now."""
        self._chat_id, self._language = chat_id, language

    def forget(self, lines: Iterable[str]) -> None:
        """What is over is news when it comes again."""
        for line in lines:
            self._told.pop(line, None)
            self._kept.pop(line, None)

    async def note(self, lines: Iterable[str]) -> None:
        """Put *lines* down for the status page; the card in the admin chat tells of them in its own words."""
        now = self._clock.now()
        await self._put_down([line for line in dict.fromkeys(lines) if self._is_new(line, self._kept, now)], now)

    @staticmethod
    def _is_new(line: str, before: Mapping[str, datetime], now: datetime) -> bool:
        return now - before.get(line, now - SILENCE) >= SILENCE

    async def tell(self, lines: Iterable[str]) -> None:
        """Send the *lines* that were not told within a day, as one message."""
        now = self._clock.now()
        lines = list(dict.fromkeys(lines))
        await self.note(lines)
        fresh = [line for line in lines if self._is_new(line, self._told, now)]
        if self._chat_id is None or not fresh:
            return
        shown = [notice_words.said(line, self._language) for line in fresh]
        message = render.lay_out("\n".join(f"• {line}" for line in shown), self._language)
        try:
            await self._sender.send(self._chat_id, message)
        except DeliveryError as error:
            log.warning("admin not told", problem=str(error))
        else:
            self._told |= dict.fromkeys(fresh, now)

    async def _put_down(self, lines: Sequence[str], now: datetime) -> None:
        """Also what nobody can be told, or not now: whoever looks at the page sees it."""
        if not lines:
            return
        self._kept |= dict.fromkeys(lines, now)
        try:
            await self._keep(lines, now)
        except StorageError as error:
            log.warning("notices not kept", problem=str(error))
