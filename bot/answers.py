"""The way back to people: messages and edits that somebody waits for. Beside ``commands/updates.py``; knows no words.

Where Telegram asks to wait, or could not be reached, an answer is tried again: nobody asks a second time because of a
flood limit. That one may arrive twice is better than that none does; posts are another matter
(``outbox/delivering.py``).
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TypeVar

from telegram import Bot, ForceReply, InlineKeyboardMarkup, ReplyParameters
from telegram.error import BadRequest, TelegramError

from bot.clock import Clock
from bot.errors import RetryLater, Uncertain
from bot.model import Message
from bot.sender import explain, link_preview_options, message_entities

#: Tries of one answer, and the seconds that one waits for in all.
TRIES, PATIENCE = 4, 40.0
Keyboard = InlineKeyboardMarkup | ForceReply
T = TypeVar("T")


class Answers:
    """Sends and edits as one bot. DeliveryError where it is of no use."""

    def __init__(self, bot: Bot, clock: Clock) -> None:
        self._bot, self._clock = bot, clock
        #: Entered round each try, for a chat: the outbox makes room for it.
        self.pace: Callable[[int], AbstractAsyncContextManager[None]] = lambda _chat_id: nullcontext()
        self._is_closing = False

    def close(self) -> None:
        """Wait for nothing any more."""
        self._is_closing = True

    async def send(
        self, chat_id: int, message: Message, buttons: Keyboard | None = None, *, thread: int | None = None,
        reply_to: int | None = None,
    ) -> int:  # fmt: skip
        """Send a message; its id."""
        sent = await self._tried(
            chat_id,
            lambda: self._bot.send_message(
                chat_id,
                message.text,
                message_thread_id=thread,
                entities=message_entities(message),
                link_preview_options=link_preview_options(message),
                reply_markup=buttons,
                reply_parameters=ReplyParameters(reply_to, allow_sending_without_reply=True) if reply_to else None,
            ),
        )
        return sent.message_id

    async def edit(self, chat_id: int, message_id: int, message: Message, buttons: InlineKeyboardMarkup | None) -> None:
        """Put other words and buttons in the place of a message's; the same ones again are no error."""

        async def change() -> None:
            try:
                await self._bot.edit_message_text(
                    message.text,
                    chat_id,
                    message_id,
                    entities=message_entities(message),
                    link_preview_options=link_preview_options(message),
                    reply_markup=buttons,
                )
            except BadRequest as error:
                if "not modified" not in error.message.lower():
                    raise

        await self._tried(chat_id, change)

    async def _tried(self, chat_id: int, act: Callable[[], Awaitable[T]]) -> T:
        """Raises: DeliveryError."""
        waited = 0.0
        for tries in range(1, TRIES + 1):
            try:
                return await self._once(chat_id, act)
            except (RetryLater, Uncertain) as error:
                asked = error.after.total_seconds() if isinstance(error, RetryLater) and error.after else float(tries)
                waited += asked
                if tries == TRIES or waited > PATIENCE:
                    raise
                await self._wait(asked)
                if self._is_closing:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _once(self, chat_id: int, act: Callable[[], Awaitable[T]]) -> T:
        async with self.pace(chat_id):
            try:
                return await act()
            except TelegramError as error:
                raise explain(error, chat_id) from error

    async def _wait(self, seconds: float) -> None:
        """A second at a time: a bot that stops waits no longer."""
        while seconds > 0 and not self._is_closing:
            await self._clock.sleep(min(seconds, 1.0))
            seconds -= 1.0
