"""What Telegram looks at in the parameters of a call before it looks at anything else.

Pure functions over parameters; the chats are in ``bot_api_chats.py``. Descriptions of errors are Telegram's own
(Bot API 10.0, TDLib), except those that begin with "fake:": there Telegram would accept what this program must
never send.
"""

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
ENTITY_LIMIT = 100
_RAW_LIMIT = 1 << 15  # bytes of a text parameter, before parsing

PREFIXES = {
    400: "Bad Request: ",
    401: "Unauthorized: ",
    403: "Forbidden: ",
    404: "Not Found: ",
    409: "Conflict: ",
    429: "Too Many Requests: ",
    500: "Internal Server Error: ",
}

# Types a bot may send; what Telegram finds by itself (hashtag, url, ...) it accepts and finds again.
_FOUND_BY_TELEGRAM = {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"}
_STYLES = {"bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre"}
_QUOTES = {"blockquote", "expandable_blockquote"}
_NEEDS = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id", "date_time": "unix_time"}
_ENTITY_TYPES = _FOUND_BY_TELEGRAM | _STYLES | _QUOTES | set(_NEEDS)

# Telegram counts a text of these alone as empty.
_BLANK = (
    " \n\t\r\u00a0\u2800\u3000\u034f\u00ad\ufeff"
    + "".join(map(chr, range(0x2000, 0x2010)))
    + "\u2028\u2029\u202f\u205f\u2060"
)

_SEEN = re.compile(
    r"(?P<url>https?://[^\s<>\"]*[^\s<>\".,;:!?)\u060c\u061b\u061f])"
    r"|(?P<email>\b[\w.+-]+@[\w-]+\.[a-z]{2,}\b)"
    r"|(?P<mention>(?<!\w)@[A-Za-z]\w{3,31}\b)"
    r"|(?P<hashtag>(?<![\w#])#(?=[\w\u200c]*[^\W\d_])[\w\u200c]{1,256})"
    r"|(?P<bot_command>(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?\b)"
)

Params = Mapping[str, Any]
Entities = list[dict[str, Any]]


class Refusal(Exception):
    """Telegram's answer to a call it does not carry out."""

    def __init__(self, code: int, message: str, parameters: Mapping[str, Any] | None = None) -> None:
        self.code = code
        self.description = describe(code, message)
        self.parameters = dict(parameters or {})
        super().__init__(self.description)


def describe(code: int, message: str) -> str:
    """Put Telegram's prefix before a message; raw codes (SOME_CODE) keep their capitals."""
    prefix = PREFIXES.get(code, "")
    if message.startswith(prefix.rstrip(": ") or "\0"):
        return message
    is_raw = len(message) > 1 and (message[1] == "_" or message[1].isupper())
    return prefix + (message if is_raw else message[:1].lower() + message[1:])


def bad(message: str) -> Refusal:
    """A refusal with code 400, which most are."""
    return Refusal(400, message)


# --- reading a parameter -------------------------------------------------------------------------------------


def whole(params: Params, name: str, default: int = 0) -> int:
    """An integer parameter; like Telegram, anything else counts as absent."""
    try:
        return int(params.get(name) or default)
    except ValueError:
        return default


def flag(params: Params, name: str) -> bool:
    return str(params.get(name, "")).lower() in {"true", "1"}


def parsed(params: Params, name: str, kind: type, message: str) -> Any:
    """A JSON parameter, None where absent or empty; not JSON or not a ``kind``: refused with ``message``."""
    value = params.get(name)
    if value in (None, ""):
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise bad(message) from None
    if not isinstance(value, kind):
        raise bad(message)
    return value


# --- text ----------------------------------------------------------------------------------------------------


def units(text: str) -> int:
    """Length in UTF-16 code units, which is how Telegram measures offsets."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def raw_text(params: Params, name: str, *, empty: str | None = None) -> tuple[str, Entities]:
    """The text (or caption) and its entities as sent; ``empty`` is the error where there is none."""
    text = str(params.get(name) or "")
    if not text and empty is not None:
        raise bad(empty)
    if len(text.encode("utf-8", "surrogatepass")) > _RAW_LIMIT:
        raise bad("Text is too long")
    if params.get("parse_mode"):
        raise bad("fake: parse_mode was used; this program sends entities")
    key = "entities" if name == "text" else "caption_entities"
    return text, parsed(params, key, list, "can't parse entities JSON object") or []


def normalise(text: str, entities: Entities) -> tuple[str, Entities]:
    """Check every entity against the text and trim both as Telegram does."""
    if len(entities) > ENTITY_LIMIT:
        raise bad(f"fake: {len(entities)} entities; Telegram ignores those after the {ENTITY_LIMIT}th")
    starts = _symbol_starts(text)
    for entity in entities:
        _check_entity(entity, starts)
    kept = [dict(entity) for entity in entities if entity["length"] > 0 and _is_usable(entity)]
    kept.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    text = text.rstrip(" \n")
    lead = units(text) - units(text.lstrip(" \n"))
    cut = min([lead, *(entity["offset"] for entity in kept)])
    text = text[cut:]  # blanks are one unit each
    size = units(text)
    for entity in kept:
        entity["offset"] -= cut
        entity["length"] = min(entity["length"], size - entity["offset"])
    return text, [entity for entity in kept if entity["length"] > 0]


def _symbol_starts(text: str) -> set[int]:
    starts, position = {0}, 0
    for symbol in text:
        position += 2 if ord(symbol) > 0xFFFF else 1
        starts.add(position)
    return starts


def _check_entity(entity: Any, starts: set[int]) -> None:
    if not isinstance(entity, dict):
        raise bad("Can't parse MessageEntity: expected an Object")
    kind, offset, length = entity.get("type"), entity.get("offset"), entity.get("length")
    if kind not in _ENTITY_TYPES:
        raise bad("Can't parse MessageEntity: Unsupported type specified")
    if not isinstance(offset, int) or not isinstance(length, int):
        raise bad('Can\'t parse MessageEntity: Field "offset" must be of type Number')
    needed = _NEEDS.get(kind)
    if needed and not entity.get(needed):
        raise bad(f"Can't parse MessageEntity: Can't find field \"{needed}\"")
    if offset < 0:
        raise bad(f"Receive an entity with incorrect offset {offset}")
    if length < 0:
        raise bad(f"Receive an entity with incorrect length {length}")
    size, end = max(starts), offset + length
    if offset > size:
        raise bad(f"Entity begins after the end of the text at UTF-16 offset {offset}")
    if end > size:
        raise bad(f"Entity beginning at UTF-16 offset {offset} ends after the end of the text at UTF-16 offset {end}")
    if offset not in starts:
        raise bad(f"Entity begins in a middle of a UTF-16 symbol at UTF-16 offset {offset}")
    if end not in starts:
        raise bad(f"Entity beginning at UTF-16 offset {offset} ends in a middle of a UTF-16 symbol")


def _is_usable(entity: Mapping[str, Any]) -> bool:
    # Telegram drops such a link silently and keeps its text.
    return entity["type"] != "text_link" or is_link(entity["url"])


def is_link(url: str) -> bool:
    """Whether Telegram would make a link of it: a known scheme, and a host with a dot or an address."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme in {"tg", "ton"}:
        return True
    host = parts.hostname or ""
    if ":" in host:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return True
    return parts.scheme in {"http", "https", "tonsite"} and "." in host.strip(".")


def non_empty(text: str, limit: int, too_long: str) -> None:
    """Refuse a text that shows nothing or is over ``limit`` UTF-16 units (Telegram's own count is kinder)."""
    if not text.strip(_BLANK):
        raise bad("Text must be non-empty")
    within(text, limit, too_long)


def within(text: str, limit: int, too_long: str) -> None:
    if units(text) > limit:
        raise bad(too_long)


def with_found(text: str, entities: Entities) -> Entities:
    """The entities as they come back: with the hashtags, addresses and names Telegram finds by itself.

    An approximation: bare domains, cashtags and telephone numbers are not found.
    """
    taken = [
        range(entity["offset"], entity["offset"] + entity["length"])
        for entity in entities
        if entity["type"] in {"text_link", "text_mention", "code", "pre"} | _FOUND_BY_TELEGRAM
    ]
    found: Entities = []
    for match in _SEEN.finditer(text):
        offset, length = units(text[: match.start()]), units(match.group())
        if not any(offset < span.stop and span.start < offset + length for span in taken):
            found.append({"type": str(match.lastgroup), "offset": offset, "length": length})
    return sorted(entities + found, key=lambda entity: (entity["offset"], -entity["length"]))


# --- previews and keyboards ----------------------------------------------------------------------------------


def preview(params: Params) -> dict[str, Any] | None:
    """``link_preview_options`` as Telegram keeps them: without an address the size means nothing."""
    options = parsed(params, "link_preview_options", dict, "can't parse link preview options JSON object")
    if not options:
        return None
    if not options.get("url"):
        options = {key: value for key, value in options.items() if not key.startswith("prefer_")}
    return {key: value for key, value in options.items() if value}


def markup(params: Params) -> dict[str, Any] | None:
    return parsed(params, "reply_markup", dict, "object expected as reply markup")  # type: ignore[no-any-return]


def keyboard(sent: Mapping[str, Any] | None, chat_type: str) -> dict[str, Any] | None:
    """The inline keyboard to show, None where there is none; other markups show nothing in a message."""
    if not sent:
        return None
    rows = sent.get("inline_keyboard")
    if rows is None:
        if chat_type == "channel":
            raise bad("inline keyboard expected")
        return None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    if sum(map(len, rows)) > 100:
        raise bad("reply markup is too long")
    for row in rows:
        for button in row:
            _check_button(button, chat_type)
    return {"inline_keyboard": [row for row in rows if row]} if any(rows) else None


def _check_button(button: Any, chat_type: str) -> None:
    if not isinstance(button, dict) or not button.get("text"):
        raise bad('can\'t parse inline keyboard button: Field "text" must be non-empty')
    if "url" in button:
        if not is_link(button["url"]):
            raise bad(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
    elif "callback_data" in button:
        if not 1 <= len(button["callback_data"].encode()) <= 64:
            raise bad("BUTTON_DATA_INVALID")
    elif any(key.startswith("switch_inline_query") for key in button):
        if chat_type == "channel":
            raise bad("BUTTON_TYPE_INVALID")
    elif "web_app" in button:
        if chat_type != "private":
            raise bad("BUTTON_TYPE_INVALID")
    elif "copy_text" not in button:
        raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
