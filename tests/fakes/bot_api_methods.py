"""The methods of the fake Bot API: parameters in, the ``result`` Telegram would give out, or a Refusal.

The order of checks is the server's, so that of two faults the same one is named. What is not here is answered
404 "method not found".
"""

import hashlib
import inspect
import re
from collections.abc import Callable
from typing import Any

from tests.fakes import bot_api_checks as checks
from tests.fakes.bot_api_chats import Chat, ChatBook, Message
from tests.fakes.bot_api_checks import Params, Refusal, bad, parsed, units, whole
from tests.fakes.bot_api_updates import Crowd, Updates

_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current"
    " content and reply markup of the message"
)
_STALE = "query is too old and response timeout expired or query ID is invalid"

#: What the server's codes for a picture it cannot use are called in answers; in an album they stay codes.
_MEDIA_ERRORS = {
    "WEBPAGE_CURL_FAILED": "failed to get HTTP URL content",
    "WEBPAGE_MEDIA_EMPTY": "wrong type of the web page content",
    "MEDIA_EMPTY": "wrong file identifier/HTTP URL specified",
}


class Methods:
    """``await methods.call("sendMessage", params)``. What the bot said of itself is in ``profile``."""

    def __init__(self, book: ChatBook, updates: Updates, crowd: Crowd) -> None:
        self.book = book
        self.updates = updates
        self.crowd = crowd
        self.answers: list[dict[str, Any]] = []  #: parameters of answered callback and inline queries
        self.profile: dict[tuple[str, str, str], Any] = {}  #: (commands|name|..., scope, language)
        self.broken_urls: dict[str, str] = {}  #: server's code by address of a picture
        self._files: set[str] = set()
        self._table: dict[str, Callable[[Params], Any]] = {
            "getme": lambda _: self.book.me,
            "getchat": lambda params: self.book.open(params.get("chat_id"), writing=False).full(),
            "getchatmember": self._get_chat_member,
            "getchatadministrators": self._get_chat_administrators,
            "sendmessage": self._send_message,
            "sendphoto": lambda params: self._send_file(params, "photo"),
            "sendaudio": lambda params: self._send_file(params, "audio"),
            "sendvideo": lambda params: self._send_file(params, "video"),
            "senddocument": lambda params: self._send_file(params, "document"),
            "sendmediagroup": self._send_media_group,
            "sendchataction": lambda params: bool(self.book.open(params.get("chat_id"), writing=True)),
            "forwardmessage": lambda params: self._repeat(params, "forwardMessage"),
            "copymessage": lambda params: self._repeat(params, "copyMessage"),
            "editmessagetext": self._edit_text,
            "editmessagecaption": self._edit_caption,
            "editmessagereplymarkup": self._edit_markup,
            "deletemessage": self._delete,
            "getfile": self._get_file,
            "getupdates": self.updates.get,
            "setwebhook": self.updates.set_webhook,
            "getwebhookinfo": self.updates.webhook_info,
            "deletewebhook": self.updates.delete_webhook,
            "setmycommands": self._set_commands,
            "getmycommands": lambda params: self.profile.get(_place(params, "commands"), []),
            "deletemycommands": self._delete_commands,
            "setmyname": lambda params: self._describe(params, "name", 64),
            "setmydescription": lambda params: self._describe(params, "description", 512),
            "setmyshortdescription": lambda params: self._describe(params, "short_description", 120),
            "setchatmenubutton": lambda _: True,
            "setmydefaultadministratorrights": lambda _: True,
            "answercallbackquery": lambda params: self._answer(params, "callback_query_id"),
            "answerinlinequery": lambda params: self._answer(params, "inline_query_id"),
        }

    async def call(self, method: str, params: Params) -> Any:
        """Names of methods are matched as Telegram does, in any case."""
        function = self._table.get(method.lower())
        if function is None:
            raise Refusal(404, "Not Found: method not found")
        result = function(params)
        return await result if inspect.isawaitable(result) else result

    def _get_file(self, params: Params) -> dict[str, Any]:
        file_id = str(params.get("file_id") or "")
        if file_id not in self.crowd.files:
            raise bad("wrong file_id or the file is temporarily unavailable")
        size = len(self.crowd.files[file_id])
        return {
            "file_id": file_id,
            "file_unique_id": file_id[:12],
            "file_size": size,
            "file_path": f"documents/{file_id}",
        }

    # --- chats ---------------------------------------------------------------------------------------------

    def _get_chat_member(self, params: Params) -> dict[str, Any]:
        chat = self._open_list(params)
        return self.book.member(chat, whole(params, "user_id"))

    def _get_chat_administrators(self, params: Params) -> list[dict[str, Any]]:
        chat = self._open_list(params)
        if chat.type == "private":
            raise bad("there are no administrators in the private chat")
        people = [self.book.me["id"], *chat.members]
        members = [self.book.member(chat, user) for user in people]
        return [member for member in members if member["status"] in {"creator", "administrator"}]

    def _open_list(self, params: Params) -> Chat:
        chat = self.book.open(params.get("chat_id"), writing=False)
        if chat.status == "left":
            raise Refusal(403, f"bot is not a member of the {chat.type} chat")
        if chat.type == "channel" and not chat.is_administered:
            raise bad("member list is inaccessible")
        return chat

    # --- sending -------------------------------------------------------------------------------------------

    def _send_message(self, params: Params) -> dict[str, Any]:
        shown = checks.preview(params)
        text, entities = checks.raw_text(params, "text", empty="message text is empty")
        chat, extra = self._destination(params)
        text, entities = checks.normalise(text, entities)
        checks.non_empty(text, checks.TEXT_LIMIT, "message is too long")
        self.book.allow_send(chat)
        content = {"text": text, "entities": checks.with_found(text, entities), "link_preview_options": shown}
        return self._post(params, "sendMessage", chat, content | extra, entities)

    def _destination(self, params: Params) -> tuple[Chat, dict[str, Any]]:
        reply = parsed(params, "reply_parameters", dict, "can't parse reply parameters JSON object")
        sent_markup = checks.markup(params)
        chat = self.book.find(params.get("chat_id"))
        self.book.open(params.get("chat_id"), writing=chat.type != "channel")
        extra = self._topic(chat, whole(params, "message_thread_id"))
        if reply:
            replied = chat.messages.get(int(reply.get("message_id", 0)))
            if replied is None and not reply.get("allow_sending_without_reply"):
                raise bad("message to be replied not found")
            # Telegram shows one level of a thread of replies.
            shown = {key: value for key, value in replied.body.items() if key != "reply_to_message"} if replied else {}
            extra |= {"reply_to_message": shown} if shown else {}
        self.book.open(params.get("chat_id"), writing=True)
        extra["reply_markup"] = checks.keyboard(sent_markup, chat.type)
        return chat, extra

    def _topic(self, chat: Chat, thread: int) -> dict[str, Any]:
        if not thread or chat.topics is None:
            return {}
        if thread not in chat.topics:
            raise bad("message thread not found")
        if thread in chat.closed_topics:
            raise bad("TOPIC_CLOSED")
        return {"message_thread_id": thread, "is_topic_message": True}

    def _post(
        self, params: Params, method: str, chat: Chat, content: Params, entities: checks.Entities
    ) -> dict[str, Any]:
        body = self.book.add_message(chat, content)
        is_paid = checks.flag(params, "allow_paid_broadcast")
        self.book.record("send", method, chat, body, entities, is_paid=is_paid)
        return body

    def _send_file(self, params: Params, kind: str) -> dict[str, Any]:
        caption, entities = checks.raw_text(params, "caption")
        chat, extra = self._destination(params)
        caption, entities = checks.normalise(caption, entities)
        checks.within(caption, checks.CAPTION_LIMIT, "message caption is too long")
        self.book.allow_send(chat, f"{kind}s")
        content = self._file(str(params.get(kind) or ""), kind) | extra
        content |= {"caption": caption, "caption_entities": checks.with_found(caption, entities)}
        return self._post(params, f"send{kind.capitalize()}", chat, content, entities)

    def _file(self, source: str, kind: str, number: int | None = None) -> dict[str, Any]:
        code = self.broken_urls.get(source)
        if code and number is not None:
            raise bad(f'failed to send message #{number} with the error message "{code}"')
        if code:
            raise bad(_MEDIA_ERRORS.get(code, code))
        is_known = source in self._files or source.startswith(("http://", "https://", "attach://"))
        if not is_known:
            raise bad("wrong remote file identifier specified: Wrong string length")
        file_id = source if source in self._files else hashlib.sha256(source.encode()).hexdigest()[:40]
        self._files.add(file_id)
        if kind != "photo":
            length = {"duration": 60} if kind in ("audio", "video") else {}
            size = {"width": 640, "height": 360} if kind == "video" else {}
            return {kind: {"file_id": file_id, "file_unique_id": file_id[:12], "file_size": 1} | length | size}
        sizes = [("s", 90, 60), ("x", 900, 600)]
        return {
            "photo": [
                {"file_id": file_id, "file_unique_id": file_id[:12] + mark, "width": width, "height": height}
                for mark, width, height in sizes
            ]
        }

    def _send_media_group(self, params: Params) -> list[dict[str, Any]]:
        album = parsed(params, "media", list, "can't parse media JSON object") or []
        if not album:
            raise bad("there are no messages to send")
        if len(album) > 10:
            raise bad("too many messages to send as an album")
        if checks.markup(params):
            raise bad("fake: an album takes no reply_markup")
        chat, extra = self._destination(params)
        self.book.allow_send(chat, "photos")
        contents = [self._album_part(part, number) for number, part in enumerate(album, start=1)]
        group = {"media_group_id": str(13_000_000_000 + len(self.book.sent))} if len(album) > 1 else {}
        return [self._post(params, "sendMediaGroup", chat, content | extra | group, own) for content, own in contents]

    def _album_part(self, part: Params, number: int) -> tuple[dict[str, Any], checks.Entities]:
        caption, entities = checks.normalise(*checks.raw_text(part, "caption"))
        checks.within(caption, checks.CAPTION_LIMIT, "message caption is too long")
        content = self._file(str(part.get("media") or ""), str(part.get("type")), number)
        return content | {"caption": caption, "caption_entities": checks.with_found(caption, entities)}, entities

    def _repeat(self, params: Params, method: str) -> dict[str, Any]:
        source = self.book.open(params.get("from_chat_id"), writing=False)
        chat, extra = self._destination(params)
        message = source.messages.get(whole(params, "message_id"))
        is_forward = method == "forwardMessage"
        if message is None:
            raise bad("message to forward not found" if is_forward else "message to copy not found")
        self.book.allow_send(chat)
        content = self.book.copied(message) | extra
        if is_forward:
            content |= {"forward_origin": self.book.origin(message)}
        entities = content.get("entities") or content.get("caption_entities") or []
        body = self._post(params, method, chat, content, entities)
        return body if is_forward else {"message_id": body["message_id"]}

    # --- changing ------------------------------------------------------------------------------------------

    def _edit_text(self, params: Params) -> dict[str, Any]:
        shown = checks.preview(params)
        text, entities = checks.raw_text(params, "text", empty="message text is empty")
        sent_markup = checks.markup(params)
        chat, message = self._editable(params)
        if "text" not in message.body:
            raise bad("there is no text in the message to edit")
        text, entities = checks.normalise(text, entities)
        checks.non_empty(text, checks.TEXT_LIMIT, "MESSAGE_TOO_LONG")
        change = {"text": text, "entities": checks.with_found(text, entities), "link_preview_options": shown}
        return self._change("editMessageText", chat, message, change, checks.keyboard(sent_markup, chat.type), entities)

    def _edit_caption(self, params: Params) -> dict[str, Any]:
        caption, entities = checks.raw_text(params, "caption")
        sent_markup = checks.markup(params)
        chat, message = self._editable(params)
        if "text" in message.body:
            raise bad("there is no caption in the message to edit")
        caption, entities = checks.normalise(caption, entities)
        checks.within(caption, checks.CAPTION_LIMIT, "MEDIA_CAPTION_TOO_LONG")
        change = {"caption": caption, "caption_entities": checks.with_found(caption, entities)}
        keyboard = checks.keyboard(sent_markup, chat.type)
        return self._change("editMessageCaption", chat, message, change, keyboard, entities)

    def _editable(self, params: Params) -> tuple[Chat, Message]:
        chat = self.book.open(params.get("chat_id"), writing=True)
        message = chat.messages.get(whole(params, "message_id"))
        if message is None:
            raise bad("message to edit not found")
        is_foreign = not message.mine and not (chat.type == "channel" and chat.can_edit_messages)
        if is_foreign or "forward_origin" in message.body:
            raise bad("message can't be edited")
        return chat, message

    def _change(
        self,
        method: str,
        chat: Chat,
        message: Message,
        change: dict[str, Any],
        keyboard: dict[str, Any] | None,
        entities: checks.Entities,
    ) -> dict[str, Any]:
        change["reply_markup"] = keyboard  # leaving it out removes the keyboard
        changed = {key: value for key, value in (message.body | change).items() if value not in (None, [], {})}
        if changed == message.body:
            raise bad(_NOT_MODIFIED)
        self.book.stamp_edit(changed)
        message.body = changed
        self.book.record("edit", method, chat, changed, entities)
        return changed

    def _edit_markup(self, params: Params) -> dict[str, Any]:
        sent_markup = checks.markup(params)
        chat, message = self._editable(params)
        keyboard = checks.keyboard(sent_markup, chat.type)
        return self._change("editMessageReplyMarkup", chat, message, {}, keyboard, message.body.get("entities", []))

    def _delete(self, params: Params) -> bool:
        chat = self.book.open(params.get("chat_id"), writing=True)
        message = chat.messages.get(whole(params, "message_id"))
        if message is None:
            raise bad("message to delete not found")
        if not message.mine and chat.type != "private" and not chat.can_delete_messages:
            raise bad("message can't be deleted")
        del chat.messages[message.body["message_id"]]
        self.book.record("delete", "deleteMessage", chat, message.body)
        return True

    # --- the bot itself ------------------------------------------------------------------------------------

    def _set_commands(self, params: Params) -> bool:
        commands = parsed(params, "commands", list, "can't parse commands JSON object") or []
        if len(commands) > 100:
            raise bad("BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command.get("command", "")):
                raise bad("BOT_COMMAND_INVALID")
            if not 1 <= units(command.get("description", "")) <= 256:
                raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
        self.profile[_place(params, "commands")] = commands
        return True

    def _delete_commands(self, params: Params) -> bool:
        self.profile.pop(_place(params, "commands"), None)
        return True

    def _describe(self, params: Params, name: str, limit: int) -> bool:
        text = str(params.get(name) or "")
        if units(text) > limit:
            raise bad(f"fake: {name} is over {limit} characters")
        self.profile[_place(params, name)] = text
        return True

    def _answer(self, params: Params, key: str) -> bool:
        number = str(params.get(key) or "")
        if number not in self.crowd.open_queries:
            raise bad(_STALE)
        if units(str(params.get("text") or "")) > 200:
            raise bad("MESSAGE_TOO_LONG")
        results = parsed(params, "results", list, "can't parse inline query results JSON object") or []
        names = [str(result.get("id", "")) for result in results]
        if len(names) > 50 or len(set(names)) < len(names) or not all(1 <= len(name.encode()) <= 64 for name in names):
            raise bad("RESULT_ID_INVALID")
        self.crowd.open_queries.discard(number)
        self.answers.append(dict(params))
        return True


def _place(params: Params, name: str) -> tuple[str, str, str]:
    scope = parsed(params, "scope", dict, "can't parse BotCommandScope JSON object") or {"type": "default"}
    where = ":".join(str(scope[key]) for key in ("type", "chat_id", "user_id") if key in scope)
    return name, where, str(params.get("language_code") or "")
