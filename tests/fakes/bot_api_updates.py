"""What people do to the fake Telegram, and the queue the bot reads it from.

Long polling waits in real time, up to 50 seconds as Telegram does. Nothing is pushed to a webhook: a test that
wants that posts ``pending`` itself.
"""

import asyncio
import re
from datetime import datetime
from typing import Any

from tests.fakes.bot_api_chats import Chat, ChatBook
from tests.fakes.bot_api_checks import Params, Refusal, bad, parsed, units, whole

#: Not sent unless asked for by name in allowed_updates.
_ON_REQUEST = {"chat_member", "message_reaction", "message_reaction_count"}
_COMMAND = re.compile(r"/[A-Za-z0-9_]{1,64}(?:@\w+)?")


class Updates:
    """The queue: ``pending`` holds what the bot has not confirmed yet."""

    def __init__(self) -> None:
        self.pending: list[dict[str, Any]] = []
        self.webhook: dict[str, Any] = {}  #: parameters of setWebhook, empty while there is none
        #: What Telegram would say of its last try to deliver.
        self.webhook_error: tuple[datetime, str] | None = None
        self._next_id = 1000
        self._allowed: set[str] | None = None
        self._poller = object()
        self._news = asyncio.Event()
        self._closed = False

    def put(self, update: Params) -> dict[str, Any]:
        """Queue an update (numbered here unless it has a number), if the bot asked for its kind."""
        whole_update = {"update_id": self._next_id} | dict(update)
        self._next_id = whole_update["update_id"] + 1
        kind = next(key for key in whole_update if key != "update_id")
        if kind in self._allowed if self._allowed is not None else kind not in _ON_REQUEST:
            self.pending.append(whole_update)
            self.wake()
        return whole_update

    async def get(self, params: Params) -> list[dict[str, Any]]:
        """getUpdates."""
        if self.webhook:
            raise Refusal(
                409,
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
            )
        self.allow(params)
        self._confirm(whole(params, "offset"))
        self._poller = poller = object()
        self.wake()
        try:
            async with asyncio.timeout(max(0, min(whole(params, "timeout"), 50))):
                while not self.pending and self._poller is poller and not self._closed:
                    await self._news.wait()
        except TimeoutError:
            pass
        if self._poller is not poller:
            raise Refusal(
                409, "terminated by other getUpdates request; make sure that only one bot instance is running"
            )
        return self.pending[: max(1, min(whole(params, "limit", 100), 100))]

    def allow(self, params: Params) -> None:
        """Keep ``allowed_updates`` where a call names them; an empty list is the default again."""
        named = parsed(params, "allowed_updates", list, "can't parse allowed_updates JSON object")
        if named is not None:
            self._allowed = set(named) or None

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            self.pending = self.pending[offset:]
        elif offset:
            self.pending = [update for update in self.pending if update["update_id"] >= offset]

    def wake(self) -> None:
        """Let every poller look again."""
        self._news.set()
        self._news = asyncio.Event()

    def set_webhook(self, params: Params) -> bool:
        """setWebhook: kept, and long polling ends."""
        if not str(params.get("url") or "").startswith("https://"):
            raise bad("bad webhook: An HTTPS URL must be provided for webhook")
        self.allow(params)
        self.webhook = dict(params)
        self._poller = object()
        self.wake()
        return True

    def delete_webhook(self, params: Params) -> bool:
        self.webhook = {}
        if str(params.get("drop_pending_updates", "")).lower() == "true":
            self.pending = []
        return True

    def webhook_info(self, _params: Params) -> dict[str, Any]:
        """getWebhookInfo."""
        told = {
            "url": self.webhook.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": len(self.pending),
        }
        if self.webhook_error:
            at, message = self.webhook_error
            told |= {"last_error_date": int(at.timestamp()), "last_error_message": message}
        return told

    def open(self) -> None:
        self._closed = False

    def close(self) -> None:
        """Send every poller home."""
        self._closed = True
        self.wake()


class Crowd:
    """People and admins: each method does one thing they do, and gives the update it caused."""

    def __init__(self, book: ChatBook, updates: Updates) -> None:
        self.book = book
        self.updates = updates
        self.files: dict[str, bytes] = {}  #: what people sent, by file_id
        self.open_queries: set[str] = set()  #: callback and inline queries that may be answered
        self._queries = 4_000_000

    def private_message(
        self, user_id: int, text: str, language_code: str = "fa", first_name: str = ""
    ) -> dict[str, Any]:
        """Somebody writes to the bot: the chat is there from now on, and the bot is not blocked in it."""
        person = self.book.person(user_id, language_code=language_code, first_name=first_name)
        chat = self.book.chats.setdefault(user_id, Chat(user_id, "private", person["first_name"]))
        chat.started, chat.blocked = True, False
        return self._message(chat, text, user_id)

    def document(self, user_id: int, name: str, content: bytes, language_code: str = "fa") -> dict[str, Any]:
        """Somebody sends the bot a file."""
        self.book.person(user_id, language_code=language_code)
        chat = self.book.chats.setdefault(user_id, Chat(user_id, "private", ""))
        chat.started, chat.blocked = True, False
        file_id = f"file-{len(self.files) + 1}"
        self.files[file_id] = content
        file = {"file_id": file_id, "file_unique_id": file_id, "file_name": name, "file_size": len(content)}
        return self.updates.put({"message": self.book.add_message(chat, {"document": file}, sender=user_id)})

    def group_message(
        self, chat_id: int, user_id: int, text: str, *, thread: int = 0, reply_to: int = 0, as_chat: bool = False
    ) -> dict[str, Any]:
        """Somebody writes in a group: in a topic, in reply to a message, or hidden, in the group's name."""
        chat = self.book.find(chat_id)
        more: dict[str, Any] = {"message_thread_id": thread, "is_topic_message": True} if thread else {}
        if reply_to:
            more["reply_to_message"] = chat.messages[reply_to].body
        if as_chat:
            more["sender_chat"] = chat.brief()
        return self._message(chat, text, user_id, more)

    def file(self, user_id: int, kind: str, caption: str = "") -> dict[str, Any]:
        """Somebody sends the bot a picture, a sticker, ..., which it knew before."""
        file: dict[str, Any] = {"file_id": f"a-{kind}", "file_unique_id": kind}
        file |= {"duration": 2} if kind == "voice" else {"width": 1, "height": 1}
        if kind == "sticker":
            file |= {"type": "regular", "is_animated": False, "is_video": False}
        content = {kind: [file] if kind == "photo" else file, "caption": caption}
        return self.updates.put({"message": self.book.add_message(self.book.find(user_id), content, sender=user_id)})

    def correct(self, user_id: int, message_id: int, text: str) -> dict[str, Any]:
        """Somebody changes what they wrote to the bot."""
        body = self.book.find(user_id).messages[message_id].body
        body |= {"text": text, "entities": _commands(text)}
        self.book.stamp_edit(body)
        return self.updates.put({"edited_message": body})

    def _message(self, chat: Chat, text: str, user_id: int, more: Params | None = None) -> dict[str, Any]:
        content = {"text": text, "entities": _commands(text)} | dict(more or {})
        return self.updates.put({"message": self.book.add_message(chat, content, sender=user_id)})

    def channel_post(self, chat_id: int, text: str, *, seen: bool = True) -> dict[str, Any]:
        """Another admin posts; ``seen`` false makes no update of it, as for a bot that was not running."""
        chat = self.book.find(chat_id)
        post = self.book.add_message(chat, {"text": text, "entities": _commands(text)}, sender=0)
        return self.updates.put({"channel_post": post}) if seen else {"channel_post": post}

    def channel_added(
        self,
        chat_id: int,
        user_id: int,
        title: str = "",
        username: str | None = None,
        can_post_messages: bool = True,
        status: str = "administrator",
    ) -> dict[str, Any]:
        """Somebody makes the bot an administrator of a channel or group; who does it is its creator if nobody is."""
        chat = self.book.chats.setdefault(chat_id, Chat(chat_id, status="left"))
        chat.title, chat.username = title or chat.title, username or chat.username
        if "creator" not in chat.members.values():
            chat.members.setdefault(user_id, "creator")
        return self.bot_status(chat_id, user_id, status, can_post_messages=can_post_messages)

    def bot_status(
        self, chat_id: int, user_id: int, status: str, *, can_post_messages: bool | None = None
    ) -> dict[str, Any]:
        """Somebody promotes, demotes or removes the bot; in a private chat "kicked" is blocking."""
        chat = self.book.find(chat_id)
        me = self.book.me["id"]
        if chat.type == "private":
            chat.status = "kicked" if chat.blocked else "member"
            chat.blocked = status == "kicked"
        was = self.book.member(chat, me)
        chat.status = status
        if can_post_messages is not None:
            chat.can_post_messages = can_post_messages
        change = {
            "chat": chat.brief(),
            "from": self.book.person(user_id),
            "date": int(self.book.now().timestamp()),
            "old_chat_member": was,
            "new_chat_member": self.book.member(chat, me),
        }
        return self.updates.put({"my_chat_member": change})

    def callback(self, user_id: int, chat_id: int, message_id: int, data: str) -> dict[str, Any]:
        """Somebody presses a button; ``data`` need not be on the keyboard, for a forged press has any."""
        chat = self.book.find(chat_id)
        number = self._query_number()
        query = {
            "id": number,
            "from": self.book.person(user_id),
            "message": chat.messages[message_id].body,
            "chat_instance": str(chat.id),
            "data": data,
        }
        return self.updates.put({"callback_query": query})

    def inline_query(self, user_id: int, text: str, offset: str = "") -> dict[str, Any]:
        """Somebody types @bot and ``text`` in any chat."""
        query = {"id": self._query_number(), "from": self.book.person(user_id), "query": text, "offset": offset}
        return self.updates.put({"inline_query": query})

    def _query_number(self) -> str:
        self._queries += 1
        self.open_queries.add(str(self._queries))
        return str(self._queries)


def _commands(text: str) -> list[dict[str, Any]]:
    return [
        {"type": "bot_command", "offset": units(text[: match.start()]), "length": len(match.group())}
        for match in _COMMAND.finditer(text)
        if match.start() == 0 or text[match.start() - 1].isspace()
    ]
