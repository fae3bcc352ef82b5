"""The counter at which admins are served: between ``updates.py``, which takes updates, and ``admin/control.py``.

Speaks Telegram; what an answer says is decided behind it. An answer that takes a while goes on in a task of its own,
one a person: nobody else waits for a slow publisher, and a new one ends the old one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from telegram import CallbackQuery, Document
from telegram import Message as TelegramMessage
from telegram.constants import ChatAction

from bot.admin.control import Control, Errand
from bot.commands.recall import Recall
from bot.commands.showing import Showing
from bot.config import opml
from bot.errands import Errands
from bot.errors import DeliveryError
from bot.screens import leafing, replies
from bot.screens.leafing import Reader, Screen

log = structlog.get_logger()

#: An answer that takes longer is none.
LONGEST_ERRAND = timedelta(minutes=3)
_LISTS = (".opml", ".xml")
_LIST_TYPES = ("text/x-opml", "text/x-opml+xml", "application/xml", "text/xml")


class Counter:
    """Serves admins in their private chats."""

    def __init__(self, control: Control, showing: Showing, recall: Recall) -> None:
        self._control, self._showing, self._recall = control, showing, recall
        self._errands = Errands()

    async def close(self) -> None:
        """End what is under way."""
        await self._errands.close()

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        await self._errands.idle()

    async def take_message(self, message: TelegramMessage, asked: str, text: str, user_id: int, reader: Reader) -> bool:
        """Answer what an admin says: a command, what one had asked for, a list of feeds; False for anything else."""
        if message.document is not None:
            return await self._take_document(message, message.document, user_id, reader)
        name, _, argument = text.partition(" ")
        command, _, addressed = name[1:].partition("@")
        if not text.startswith("/"):
            command, argument = asked, text
        elif addressed and addressed.lower() != (self._showing.bot.username or "").lower():
            return False
        answer = await self._control.command(command.lower(), argument.strip(), user_id, reader) if command else None
        if answer is None:
            return False
        await self._answer(answer, message.chat_id, user_id, reader)
        return True

    async def _take_document(self, message: TelegramMessage, document: Document, user_id: int, reader: Reader) -> bool:
        if not _is_list(document):
            return False

        async def fetch() -> bytes:
            if (document.file_size or 0) > opml.MAX_BYTES:
                return bytes(opml.MAX_BYTES + 1)  # said by whoever reads it
            file = await document.get_file()
            return bytes(await file.download_as_bytearray())

        errand = await self._control.document(fetch, user_id, reader)
        if errand is None:
            return False
        await self._answer(errand, message.chat_id, user_id, reader)
        return True

    async def press(self, query: CallbackQuery, message: TelegramMessage, action: str, reader: Reader) -> None:
        """A button of an admin's screen."""
        user_id, chat_id = query.from_user.id, message.chat_id
        answer = await self._control.press(action, user_id, reader)
        # Whoever chose by a button is asked no more.
        self._recall.ask(chat_id, user_id, answer.awaits if isinstance(answer, Screen) else "")
        if answer is None or isinstance(answer, str):
            await query.answer(answer or leafing.not_yours(reader.language), show_alert=True)
            return
        if isinstance(answer, Screen):
            await self._showing.replace(chat_id, message.message_id, answer, user_id)
        elif answer.meanwhile is not None:
            await self._showing.replace(chat_id, message.message_id, answer.meanwhile, user_id)
            self._begin(answer, message.message_id, chat_id, user_id, reader)
        await query.answer()

    async def _answer(self, answer: Screen | Errand, chat_id: int, user_id: int, reader: Reader) -> None:
        if isinstance(answer, Screen):
            self._recall.ask(chat_id, user_id, answer.awaits)
            await self._showing.show(chat_id, answer, user_id)
            return
        shown = None
        if answer.meanwhile is not None:
            shown = await self._showing.show(chat_id, answer.meanwhile, user_id)
        else:
            await self._showing.bot.send_chat_action(chat_id, ChatAction.UPLOAD_PHOTO)
        self._begin(answer, shown, chat_id, user_id, reader)

    # --- what takes a while ----------------------------------------------------------------------------------

    def _begin(self, errand: Errand, shown: int | None, chat_id: int, user_id: int, reader: Reader) -> None:
        """Go on in a task; an older one of the same person is ended."""

        async def work() -> None:
            screen = await self._done(errand.work, reader)
            if shown is None:
                await self._showing.show(chat_id, screen, user_id)
            else:
                await self._showing.replace(chat_id, shown, screen, user_id)

        self._errands.begin(user_id, self._guarded(work))

    async def _done(self, work: Callable[[], Awaitable[Screen]], reader: Reader) -> Screen:
        try:
            async with asyncio.timeout(LONGEST_ERRAND.total_seconds()):
                return await work()
        except Exception:  # a task's top: whoever waits is told that nothing comes
            log.exception("errand failed")
            return Screen(replies.failed(reader.language))

    @staticmethod
    async def _guarded(work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except DeliveryError as error:
            log.warning("answer not sent", problem=str(error))


def _is_list(document: Document) -> bool:
    name = (document.file_name or "").lower()
    return name.endswith(_LISTS) or document.mime_type in _LIST_TYPES
