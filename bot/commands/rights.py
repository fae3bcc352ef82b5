"""Who may change what a chat gets. Pure decisions about what Telegram says of a chat's members; it is asked elsewhere.

A private chat belongs to its person. A group is changed by its administrators who may change its info, a channel by
those who may post in it. Rights are looked at when a command comes and again when a button is pressed: between the two
somebody may have lost them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

#: Who speaks for administrators that hide their names (Bot API: GroupAnonymousBot).
ANONYMOUS = 1087968824


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who sent a command or pressed a button, and where."""

    chat_id: int
    user_id: int
    is_private: bool
    thread: int = 0
    sender_chat_id: int | None = None  #: the chat in whose name they spoke

    @property
    def is_anonymous(self) -> bool:
        """Whether an administrator of this very chat spoke in its name."""
        return self.sender_chat_id == self.chat_id and self.user_id == ANONYMOUS


@dataclass(frozen=True, slots=True)
class Member:
    """What Telegram says of somebody in a chat."""

    status: str  #: creator, administrator, member, restricted, left, kicked
    may_change: bool = False  #: change its info; of a channel: post
    may_send: bool = True  #: of a restricted member
    is_anonymous: bool = False


class Refusal(StrEnum):
    """Why somebody may not, or why it would be of no use."""

    NOT_AN_ADMIN = "not an admin"
    UNKNOWN_CALLER = "unknown caller"  #: hidden, so that nobody can tell what they may do elsewhere
    NO_SUCH_CHAT = "no such chat"
    BOT_MAY_NOT_SEND = "the bot may not send"


def may_change(member: Member) -> bool:
    """Whether a member may change what the chat gets."""
    return member.status == "creator" or (member.status == "administrator" and member.may_change)


def may_change_hidden(administrators: Sequence[Member]) -> bool:
    """Whether somebody who spoke in a group's name may: only if all who could have been it may."""
    hidden = [member for member in administrators if member.is_anonymous]
    return bool(hidden) and all(map(may_change, hidden))


def may_send(bot: Member, *, is_channel: bool) -> bool:
    """Whether the bot may send to a chat."""
    if is_channel:
        return bot.status == "administrator" and bot.may_change
    return bot.status in ("creator", "administrator", "member") or (bot.status == "restricted" and bot.may_send)
