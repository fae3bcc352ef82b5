"""Asks Telegram who somebody is in a chat, and what the bot may do there. ``rights.py`` decides what follows of that.

Nothing is remembered between two questions: rights are those of this moment.
"""

from dataclasses import dataclass

from telegram import Bot, ChatMember, ChatMemberAdministrator, ChatMemberOwner, ChatMemberRestricted
from telegram.error import BadRequest, Forbidden

from bot.commands import rights
from bot.commands.rights import Caller, Member, Refusal


@dataclass(frozen=True, slots=True)
class Answer:
    """The chat that somebody may change, or why not."""

    chat_id: int = 0
    refusal: Refusal | None = None


def member_of(found: ChatMember, *, is_channel: bool) -> Member:
    """A ChatMember of the Bot API as ``rights.py`` knows it."""
    if isinstance(found, ChatMemberAdministrator):
        may = bool(found.can_post_messages if is_channel else found.can_change_info)
        return Member(found.status, may_change=may, is_anonymous=found.is_anonymous)
    if isinstance(found, ChatMemberOwner):
        return Member(found.status, may_change=True, is_anonymous=found.is_anonymous)
    if isinstance(found, ChatMemberRestricted):
        return Member(found.status, may_send=found.is_member and found.can_send_messages)
    return Member(found.status)


class Permissions:
    """Whether somebody may change what a chat gets. Network troubles are raised as TelegramError."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def here(self, caller: Caller) -> Answer:
        """Of the chat in which somebody speaks."""
        if caller.is_private:
            return Answer(caller.chat_id) if caller.chat_id == caller.user_id else _no(Refusal.NOT_AN_ADMIN)
        if caller.is_anonymous:
            found = await self._bot.get_chat_administrators(caller.chat_id)
            may = rights.may_change_hidden([member_of(each, is_channel=False) for each in found])
        elif caller.sender_chat_id is not None:  # a channel speaks in its discussion group: it has no rights there
            may = False
        else:
            may = await self._may_change(caller.chat_id, caller.user_id, is_channel=False)
        if not may:
            return _no(Refusal.NOT_AN_ADMIN)
        return await self._if_bot_may(caller.chat_id, is_channel=False)

    async def elsewhere(self, caller: Caller, chat: str) -> Answer:
        """Of a chat that is named by its @name or number."""
        if caller.is_anonymous or caller.sender_chat_id is not None:
            return _no(Refusal.UNKNOWN_CALLER)
        try:
            found = await self._bot.get_chat(chat if chat.startswith("@") else int(chat))
            if found.type == "private":
                return Answer(found.id) if found.id == caller.user_id else _no(Refusal.NOT_AN_ADMIN)
            is_channel = found.type == "channel"
            if not await self._may_change(found.id, caller.user_id, is_channel=is_channel):
                return _no(Refusal.NOT_AN_ADMIN)
            return await self._if_bot_may(found.id, is_channel=is_channel)
        except (BadRequest, Forbidden):  # no such chat, or its members are not for us to see
            return _no(Refusal.NO_SUCH_CHAT)

    async def _may_change(self, chat_id: int, user_id: int, *, is_channel: bool) -> bool:
        found = await self._bot.get_chat_member(chat_id, user_id)
        return rights.may_change(member_of(found, is_channel=is_channel))

    async def _if_bot_may(self, chat_id: int, *, is_channel: bool) -> Answer:
        own = await self._bot.get_chat_member(chat_id, self._bot.id)
        if rights.may_send(member_of(own, is_channel=is_channel), is_channel=is_channel):
            return Answer(chat_id)
        return _no(Refusal.BOT_MAY_NOT_SEND)


def _no(refusal: Refusal) -> Answer:
    return Answer(refusal=refusal)
