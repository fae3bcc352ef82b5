"""(6) Look at what is in a chat without changing anything there: the outbox's eyes.

The Bot API cannot read a chat's history. What it can is told here, call by call; what follows from it,
``outbox/evidence.py`` decides. Nothing here writes to the chat that is looked at.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from telegram import (
    Bot,
    ChatMemberAdministrator,
    MessageOriginChannel,
    MessageOriginUser,
    ReplyParameters,
)
from telegram import Message as TelegramMessage
from telegram.error import BadRequest, TelegramError

from bot.model import Entity, Message, MessageKind
from bot.sender.refusals import explain
from bot.sender.sending import keyboard, link_preview_options, message_entities

#: A text that the server takes for empty, and refuses after all else was found right.
NOTHING = "\u200b"


class Match(StrEnum):
    """What an edit that would change nothing says of a message."""

    OURS = "ours"  #: it is just what we sent
    FOREIGN = "foreign"  #: somebody else's, or another of ours
    ABSENT = "absent"  #: there is none of that id


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as its copy shows it."""

    copy_id: int  #: of the copy, where it was forwarded to
    text: str
    entities: tuple[Entity, ...]
    kind: MessageKind | None  #: None for what we never send
    age: timedelta  #: between the message and its copy, by Telegram's own clock
    of_chat: int | None = None  #: the channel it was forwarded from, as Telegram says
    of_message: int | None = None  #: its id there
    by_user: int | None = None  #: who wrote it, where Telegram says so


class TelegramProbe:
    """Sees through one bot."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self.bot_id = int(bot.token.partition(":")[0])

    async def exists(self, chat_id: int, message_id: int) -> bool:
        """Whether there is a message: a reply to it that says nothing is refused for the one or the other.

        The server looks for the message first and at the text after that (Client.cpp, process_send_message_query).

        Raises: DeliveryError.
        """
        try:
            await self._bot.send_message(chat_id, NOTHING, reply_parameters=ReplyParameters(message_id))
        except BadRequest as error:
            said = error.message.lower()
            if "to be replied not found" in said:
                return False
            if "text must be non-empty" in said:
                return True
            raise explain(error, chat_id) from error
        except TelegramError as error:
            raise explain(error, chat_id) from error
        return True  # it cannot be: an empty message was sent

    async def compare(self, chat_id: int, message_id: int, message: Message) -> Match:
        """Whether a message is *message*, by an edit that would change nothing then. Only for chats whose messages
        of others the bot cannot edit: an edit of anything else would be one.

        Raises: DeliveryError.
        """
        try:
            if message.kind is MessageKind.TEXT:
                await self._bot.edit_message_text(
                    message.text,
                    chat_id,
                    message_id,
                    entities=message_entities(message),
                    link_preview_options=link_preview_options(message),
                    reply_markup=keyboard(message),
                )
            else:
                await self._bot.edit_message_caption(
                    chat_id,
                    message_id,
                    caption=message.text,
                    caption_entities=message_entities(message),
                    reply_markup=keyboard(message),
                )
        except BadRequest as error:
            said = error.message.lower()
            if "message is not modified" in said:
                return Match.OURS
            if "to edit not found" in said:
                return Match.ABSENT
            if "can't be edited" in said or "to edit" in said:  # also "there is no text in the message to edit"
                return Match.FOREIGN
            raise explain(error, chat_id) from error
        except TelegramError as error:
            raise explain(error, chat_id) from error
        return Match.OURS  # ours, and only its looks had been changed on the way

    async def may_edit_others(self, chat_id: int) -> bool:
        """Whether an edit could change what somebody else wrote.

        Raises: DeliveryError.
        """
        try:
            member = await self._bot.get_chat_member(chat_id, self.bot_id)
        except TelegramError as error:
            raise explain(error, chat_id) from error
        return not isinstance(member, ChatMemberAdministrator) or member.can_edit_messages is not False

    async def copy(self, place: int, chat_id: int, message_id: int) -> Seen | None:
        """Forward a message to *place*, in silence, and see what it is; None where there is none.

        Raises: DeliveryError, about *place* where that cannot be reached.
        """
        try:
            copied = await self._bot.forward_message(place, chat_id, message_id, disable_notification=True)
        except BadRequest as error:
            if "to forward not found" in error.message.lower():
                return None
            raise explain(error, place) from error
        except TelegramError as error:
            raise explain(error, place) from error
        return _seen(copied)

    async def remove(self, place: int, copy_id: int) -> None:
        """Delete a copy; one that is not there any more is as good.

        Raises: DeliveryError.
        """
        try:
            await self._bot.delete_message(place, copy_id)
        except BadRequest:
            return  # gone, or older than two days: a bot cannot delete that any more
        except TelegramError as error:
            raise explain(error, place) from error


def _seen(copied: TelegramMessage) -> Seen:
    origin = copied.forward_origin
    return Seen(
        copy_id=copied.message_id,
        text=copied.text or copied.caption or "",
        entities=tuple(
            Entity(
                entity.type,
                entity.offset,
                entity.length,
                url=entity.url,
                language=entity.language,
                unix_time=int(entity.unix_time.timestamp()) if entity.unix_time else None,
                date_time_format=entity.date_time_format,
            )
            for entity in (copied.entities or copied.caption_entities)
        ),
        kind=_kind(copied),
        age=copied.date - origin.date if origin else timedelta(),
        of_chat=origin.chat.id if isinstance(origin, MessageOriginChannel) else None,
        of_message=origin.message_id if isinstance(origin, MessageOriginChannel) else None,
        by_user=origin.sender_user.id if isinstance(origin, MessageOriginUser) else None,
    )


def _kind(message: TelegramMessage) -> MessageKind | None:
    if message.photo:
        return MessageKind.PHOTO
    if message.audio:
        return MessageKind.AUDIO
    if message.video:
        return MessageKind.VIDEO
    return MessageKind.TEXT if message.text else None
