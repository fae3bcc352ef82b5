"""The chats of the fake Telegram: who may do what in them, their messages, and the record of what was sent.

Everything is an attribute a test may read and set at any time. Nothing here knows of HTTP or of parameters.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tests.fakes.bot_api_checks import Entities, Refusal, bad

PER_CHAT = (20, 60.0)  #: messages and seconds allowed to a group or channel
OVERALL = (30, 1.0)
PAID = (1000, 1.0)  #: of those sent with allow_paid_broadcast, which count for nothing else

_CONTENT = ("text", "entities", "caption", "caption_entities", "photo", "document", "link_preview_options")
_RIGHTS = (
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)


@dataclass(slots=True)
class Message:
    """``body`` is the Message object as Telegram would give it now; ``mine`` is true for the bot's own."""

    body: dict[str, Any]
    mine: bool


@dataclass(slots=True)
class Chat:
    """A chat and how the bot stands in it. An empty ``type`` follows from the id."""

    id: int
    type: str = ""
    title: str = ""
    username: str | None = None
    status: str = "administrator"  #: the bot's: administrator, member, left, kicked
    can_post_messages: bool = True  #: in a channel
    can_edit_messages: bool = False  #: those of others, in a channel
    can_delete_messages: bool = False  #: those of others
    can_send_messages: bool = True  #: as a plain member of a group
    can_send_photos: bool = True
    blocked: bool = False  #: the person blocked the bot
    started: bool = True  #: the person has written to the bot
    deactivated: bool = False
    migrated_to: int | None = None
    send_error: str | None = None  #: the server's code for every send: CHAT_WRITE_FORBIDDEN
    topics: dict[int, str] | None = None  #: of a forum: names by thread
    closed_topics: list[int] = field(default_factory=list)
    #: people by id: a status, or the fields of a ChatMember with one
    members: dict[int, str | dict[str, Any]] = field(default_factory=dict)
    linked_chat_id: int | None = None
    last_id: int = 0  #: of its messages; raise it to make a gap
    messages: dict[int, Message] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.type:
            self.type = "private" if self.id > 0 else "channel" if self.id < -(10**12) else "group"
        self.title = self.title or f"Chat {abs(self.id)}"
        self.members = {int(user): member for user, member in self.members.items()}

    @property
    def own_ids(self) -> bool:
        """Channels and supergroups number their own messages; the other chats of a bot share one sequence."""
        return self.type in {"channel", "supergroup"}

    @property
    def is_administered(self) -> bool:
        return self.status in {"administrator", "creator"}

    def brief(self) -> dict[str, Any]:
        """The Chat object of updates and messages."""
        name = {"first_name": self.title} if self.type == "private" else {"title": self.title}
        shown: dict[str, Any] = {"id": self.id, "type": self.type} | name
        shown |= {"username": self.username} if self.username else {}
        return shown | ({"is_forum": True} if self.topics is not None else {})

    def full(self) -> dict[str, Any]:
        """The ChatFullInfo object of getChat."""
        gifts = dict.fromkeys(
            ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), True
        )
        shown = self.brief() | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}
        return shown | ({"linked_chat_id": self.linked_chat_id} if self.linked_chat_id else {})


@dataclass(frozen=True, slots=True)
class Sent:
    """One thing that happened to a message because the bot asked."""

    seq: int
    mono: float
    event: Literal["send", "edit", "delete"]
    method: str
    chat_id: int
    message_id: int
    text: str  #: or the caption
    entities: Entities  #: the bot's own; ``message`` has those Telegram found too
    message: dict[str, Any]
    is_paid: bool = False


class ChatBook:
    """All chats of one bot, with its rules of access and its records.

    ``violations`` fills only when ``strict``: sends over the public limits, and calls to a chat that was told to
    wait.
    """

    def __init__(
        self, bot_id: int, *, now: Callable[[], datetime], monotonic: Callable[[], float], strict: bool
    ) -> None:
        self.chats: dict[int, Chat] = {}
        self.people: dict[int, dict[str, Any]] = {}
        self.sent: list[Sent] = []
        self.violations: list[str] = []
        self.strict = strict
        self.monotonic = monotonic
        self.now = now
        self.me: dict[str, Any] = {
            "id": bot_id,
            "is_bot": True,
            "first_name": "Pigeon",
            "username": "pigeon_test_bot",
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": True,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }
        self._shared_id = 0
        self._paces: dict[int | str | None, deque[float]] = {}
        self._waits: dict[int | None, float] = {}

    # --- finding -------------------------------------------------------------------------------------------

    def find(self, chat_id: Any) -> Chat:
        """By number or @name, whatever the bot may do there."""
        if chat_id in (None, ""):
            raise bad("chat_id is empty")
        name = str(chat_id)
        if name.startswith("@"):
            for chat in self.chats.values():
                if (chat.username or "").lower() == name[1:].lower() and chat.type != "private":
                    return chat
            raise bad("chat not found")
        try:
            return self.chats[int(name)]
        except (KeyError, ValueError):
            raise bad("chat not found") from None

    def open(self, chat_id: Any, *, writing: bool) -> Chat:
        """By number or @name, if the bot may read there, or write and edit."""
        chat = self.find(chat_id)
        if chat.deactivated and writing:
            raise Refusal(403, "user is deactivated")
        if chat.migrated_to is not None:
            migrated = {"migrate_to_chat_id": chat.migrated_to}
            raise Refusal(400, "group chat was upgraded to a supergroup chat", migrated)
        if chat.type == "private":
            return chat
        if chat.status == "kicked":
            raise Refusal(403, f"bot was kicked from the {chat.type} chat")
        if chat.status == "left" and (writing or chat.username is None):
            raise Refusal(403, f"bot is not a member of the {chat.type} chat")
        if writing and chat.type == "channel" and not (chat.is_administered and chat.can_post_messages):
            raise bad("need administrator rights in the channel chat")
        return chat

    def allow_send(self, chat: Chat, what: str = "text messages") -> None:
        """What only the server knows, and says last."""
        if chat.type == "private":
            if not chat.started:
                raise Refusal(403, "bot can't initiate conversation with a user")
            if chat.blocked:
                raise Refusal(403, "bot was blocked by the user")
        elif not chat.is_administered and not (
            chat.can_send_messages and (what == "text messages" or chat.can_send_photos)
        ):
            raise bad(f"not enough rights to send {what} to the chat")
        if chat.send_error:
            raise bad(chat.send_error)

    def person(self, user_id: int, *, language_code: str | None = None, first_name: str = "") -> dict[str, Any]:
        """The User object of somebody; a new language or name is kept."""
        user = self.people.setdefault(
            user_id, {"id": user_id, "is_bot": False, "first_name": f"Person {user_id}", "language_code": "fa"}
        )
        user |= {"language_code": language_code} if language_code else {}
        user |= {"first_name": first_name} if first_name else {}
        return dict(user)

    def member(self, chat: Chat, user_id: int) -> dict[str, Any]:
        """A ChatMember object, of the bot itself too."""
        if user_id == self.me["id"]:
            rights = {"can_post_messages": chat.can_post_messages, "can_edit_messages": chat.can_edit_messages}
            shown = {"status": chat.status, "can_delete_messages": chat.can_delete_messages}
            return _member(self.me | {}, shown | (rights if chat.type == "channel" else {}))
        known = chat.members.get(user_id, "left")
        return _member(self.person(user_id), {"status": known} if isinstance(known, str) else known)

    # --- messages ------------------------------------------------------------------------------------------

    def add_message(self, chat: Chat, content: Mapping[str, Any], *, sender: int | None = None) -> dict[str, Any]:
        """Number, date and keep a message; ``sender`` None is the bot. A channel's posts have no author."""
        body: dict[str, Any] = {"message_id": self._next_id(chat), "date": self._stamp(), "chat": chat.brief()}
        if chat.type == "channel":
            body["sender_chat"] = chat.brief()
        else:
            body["from"] = dict(self.me) if sender is None else self.person(sender)
            for key in ("can_join_groups", "can_read_all_group_messages", "supports_inline_queries"):
                body["from"].pop(key, None)
        body |= {key: value for key, value in content.items() if value not in (None, [], {})}
        chat.messages[body["message_id"]] = Message(body, mine=sender is None)
        return body

    def _next_id(self, chat: Chat) -> int:
        if chat.own_ids:
            chat.last_id += 1
            return chat.last_id
        self._shared_id = max(self._shared_id, chat.last_id) + 1
        chat.last_id = self._shared_id
        return self._shared_id

    def _stamp(self) -> int:
        return int(self.now().timestamp())

    def copied(self, message: Message) -> dict[str, Any]:
        """The content of a message without what belongs to its chat."""
        return {key: message.body[key] for key in _CONTENT if key in message.body}

    def origin(self, message: Message) -> dict[str, Any]:
        """The MessageOrigin object of a forward."""
        body = message.body
        if "forward_origin" in body:
            return dict(body["forward_origin"])
        if body["chat"]["type"] == "channel":
            shown = {"type": "channel", "date": body["date"], "chat": body["chat"]}
            return shown | {"message_id": body["message_id"]}
        return {"type": "user", "date": body["date"], "sender_user": body["from"]}

    def stamp_edit(self, body: dict[str, Any]) -> None:
        body["edit_date"] = self._stamp()

    # --- records -------------------------------------------------------------------------------------------

    def record(
        self,
        event: Literal["send", "edit", "delete"],
        method: str,
        chat: Chat,
        body: Mapping[str, Any],
        entities: Entities | None = None,
        *,
        is_paid: bool = False,
    ) -> None:
        mono = self.monotonic()
        text = body.get("text") or body.get("caption") or ""
        message = dict(body)
        seq = len(self.sent) + 1
        self.sent.append(
            Sent(seq, mono, event, method, chat.id, body["message_id"], text, list(entities or []), message, is_paid)
        )
        if self.strict and event == "send" and is_paid:
            self._pace("paid", mono, PAID)
        elif self.strict and event == "send":
            if chat.type != "private":
                self._pace(chat.id, mono, PER_CHAT)
            self._pace(None, mono, OVERALL)

    def _pace(self, key: int | str | None, mono: float, limit: tuple[int, float]) -> None:
        most, span = limit
        times = self._paces.setdefault(key, deque())
        times.append(mono)
        while times and times[0] <= mono - span:
            times.popleft()
        if len(times) > most:
            where = "overall" if key is None else f"to {key}"
            self.violations.append(f"{len(times)} messages {where} within {span:g} s at {mono:.3f}")

    def told_to_wait(self, chat_id: int | None, seconds: float) -> None:
        """Remember a 429, of one chat or (None) of the bot."""
        self._waits[chat_id] = self.monotonic() + seconds

    def check_wait(self, chat_id: int | None, method: str) -> None:
        """Note a call that came before the wait was over."""
        mono = self.monotonic()
        for key in dict.fromkeys((None, chat_id)):
            if self.strict and mono < self._waits.get(key, mono):
                left = self._waits[key] - mono
                self.violations.append(f"{method} to {chat_id} came {left:.3f} s before its retry_after was over")


def _member(user: dict[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    status = shown["status"]
    filled: dict[str, Any] = {"user": user}
    if status == "administrator":
        filled |= dict.fromkeys(_RIGHTS, False) | {"can_manage_chat": True}
    elif status == "creator":
        filled["is_anonymous"] = False
    elif status == "kicked":
        filled["until_date"] = 0
    return filled | dict(shown)
