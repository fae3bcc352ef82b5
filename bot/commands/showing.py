"""Screens become messages of Telegram, with buttons sealed for one person; posts and files go with them.

Between ``updates.py``, which knows what came in, and ``answers.py``, which sends. Nothing is decided here.
"""

from collections.abc import Awaitable, Callable

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import TelegramError

from bot.answers import Answers
from bot.commands.browsing import Seal
from bot.model import Message
from bot.screens.leafing import File, Screen
from bot.sender import explain, message_entities

#: Hands a post over as the outbox would, with its pictures.
Post = Callable[[int, Message], Awaitable[object]]


class Showing:
    """Shows screens through one bot."""

    def __init__(self, bot: Bot, answers: Answers, seal: Seal) -> None:
        self.bot, self.answers = bot, answers
        self._seal = seal
        self.post: Post = answers.send

    def action_of(self, carried: str, chat_id: int, user_id: int) -> str | None:
        """What a button asks for that was made for this person in this chat; None for any other."""
        return self._seal.open(carried, chat_id, user_id)

    def buttons(self, screen: Screen, chat_id: int, user_id: int) -> InlineKeyboardMarkup | None:
        """The buttons of a screen, for one person in one chat."""
        rows = [
            [
                InlineKeyboardButton(each.text, callback_data=self._seal.close(each.action, chat_id, user_id))
                for each in row
            ]
            for row in screen.buttons
        ]
        return InlineKeyboardMarkup(rows) if rows else None

    async def show(self, chat_id: int, screen: Screen, owner: int) -> int:
        """Send a screen with all that belongs to it, its buttons for *owner*; the id of its message.

        Raises: DeliveryError.
        """
        for part in screen.ahead:
            await self.post(chat_id, part)
        buttons = self.buttons(screen, chat_id, owner)
        if screen.file is None:
            return await self.answers.send(chat_id, screen.message, buttons)
        return await self._send_file(chat_id, screen.file, screen.message, buttons)

    async def _send_file(self, chat_id: int, file: File, caption: Message, buttons: InlineKeyboardMarkup | None) -> int:
        send = self.bot.send_photo if file.is_picture else self.bot.send_document
        try:
            async with self.answers.pace(chat_id):
                sent = await send(
                    chat_id, file.content, caption=caption.text, caption_entities=message_entities(caption),
                    reply_markup=buttons, filename=file.name,
                )  # fmt: skip
        except TelegramError as error:
            raise explain(error, chat_id) from error
        return int(sent.message_id)

    async def replace(self, chat_id: int, message_id: int, screen: Screen, owner: int) -> None:
        """Put a screen in the place of a message; one with a post or a file comes below it.

        Raises: DeliveryError.
        """
        if screen.ahead or screen.file:
            await self.show(chat_id, screen, owner)
        else:
            await self.answers.edit(chat_id, message_id, screen.message, self.buttons(screen, chat_id, owner))
