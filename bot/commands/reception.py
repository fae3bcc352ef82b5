"""Takes updates in: each chat's one after the other, different chats' at the same time, and no more than one may ask.

Between python-telegram-bot, which reads updates, and ``updates.py``, which answers them. What waits for its chat's
turn holds no place that another chat could use; what is over somebody's limit ends here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from telegram import Message, Update
from telegram.ext import BaseUpdateProcessor

from bot.clock import Clock
from bot.commands.allowance import GROUP, INLINE, PERSON, Allowances, Verdict
from bot.commands.recall import Recall

#: Updates answered at the same time. Most of their time is waiting for Telegram.
MOST_AT_ONCE = 64
#: What python-telegram-bot counts is what came in; how much of it is answered at a time is decided here.
_UNCOUNTED = 1_000_000
Tell = Callable[[Update], Awaitable[None]]


@dataclass(slots=True)
class _Turn:
    """A chat's turn, and how many updates hold or want it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = 0


class Reception(BaseUpdateProcessor):
    """Keeps a chat's answers in order while chats are answered at the same time. *tell* says that it is too much."""

    def __init__(self, clock: Clock, recall: Recall, tell: Tell) -> None:
        super().__init__(_UNCOUNTED)
        self._places = asyncio.Semaphore(MOST_AT_ONCE)
        self._clock, self._recall, self._tell = clock, recall, tell
        self._allowances = Allowances()
        self._turns: dict[tuple[str, int], _Turn] = {}

    async def do_process_update(self, update: object, coroutine: Awaitable[None]) -> None:
        """Answer an update in its chat's turn; or say, once, that it was too much."""
        if not isinstance(update, Update):
            await coroutine
            return
        verdict = self._may(update)
        if verdict is not Verdict.GO:
            getattr(coroutine, "close", lambda: None)()  # it is never begun
            if verdict is Verdict.DROP:
                return
            coroutine = self._tell(update)
        key = _key_of(update)
        turn = self._turns.setdefault(key, _Turn())
        turn.wanted += 1
        try:
            async with turn.lock, self._places:
                await coroutine
        finally:
            turn.wanted -= 1
            if not turn.wanted:
                del self._turns[key]

    def _may(self, update: Update) -> Verdict:
        now = self._clock.monotonic()
        if update.inline_query:
            return self._allowances.take("inline", update.inline_query.from_user.id, INLINE, now)
        if update.my_chat_member or not is_for_us(update, self._recall):
            return Verdict.GO
        user, chat = update.effective_user, update.effective_chat
        of_person = self._allowances.take("person", user.id, PERSON, now) if user else Verdict.GO
        if of_person is not Verdict.GO or chat is None or chat.type == "private" or update.callback_query:
            return of_person
        return self._allowances.take("group", chat.id, GROUP, now)

    async def initialize(self) -> None:
        """Nothing to prepare."""

    async def shutdown(self) -> None:
        """Nothing to give back."""


def is_for_us(update: Update, recall: Recall) -> bool:
    """Whether somebody wants an answer: in a group, people talk with one another, also about what we said."""
    if update.callback_query is not None:
        return True
    if edited := update.edited_message:
        is_private = edited.chat.type == "private"
        return is_private and recall.is_corrected(edited.chat_id, edited.message_id, said(edited))
    message = update.message
    if message is None:
        return False
    if message.chat.type == "private":
        return bool(said(message) or message.effective_attachment)  # not what Telegram itself notes in a chat
    if (message.text or "").startswith("/"):
        return True
    user_id = message.from_user.id if message.from_user else 0
    return replied_to(message) is not None and recall.asked(message.chat_id, user_id) is not None


def replied_to(message: Message | None) -> int | None:
    """Which message of ours somebody replies to."""
    replied = message.reply_to_message if message else None
    if message is None or replied is None or replied.from_user is None:
        return None
    return replied.message_id if replied.from_user.id == int(message.get_bot().id) else None


def said(message: Message) -> str:
    """The words of a message; those under a picture too."""
    return message.text or message.caption or ""


def _key_of(update: Update) -> tuple[str, int]:
    if update.inline_query:  # they come as one types, in no order that matters
        return "inline", update.update_id
    chat, user = update.effective_chat, update.effective_user
    return "chat", chat.id if chat else user.id if user else 0
