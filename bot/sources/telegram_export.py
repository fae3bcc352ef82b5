"""A chat as Telegram Desktop exports it to ``result.json``: each message with words becomes an entry.

An entry's guid is ``tg-<chat>-<message>``, both numbers as Telegram counts them, the chat's without the -100 that bots
put before it: who must find the message again takes it apart with ``message_of``. Left out are service messages, and
messages that are a picture or a file alone: the export names its copies on disk, which nobody can be sent.
"""

import html
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from bot.model import Entry, Flag
from bot.sources import exports
from bot.sources.exports import Moment, read_moment, web_link
from bot.sources.json_members import read_members

_TITLE_CHARS = 200
_GUID = re.compile(r"tg-([0-9]{1,16})-([0-9]{1,16})")
_USERNAME = re.compile(r"@?([A-Za-z][A-Za-z0-9_]{3,31})")
#: Chats whose messages have addresses; those of people and of small groups have none.
_LINKED = ("channel", "supergroup")
# Until 2021 exports had a channel's number with a flag bit above it (tdesktop, data_peer_id.h: the 64 bit ids).
_OLD_CHANNEL = 1 << 33
_STYLES = {"bold": "b", "italic": "i", "underline": "u", "strikethrough": "s", "code": "code", "spoiler": "tg-spoiler"}
_SENTENCE_ENDS = (".", "!", "?", "\u061f", "\u2026", ":", "\u06d4")
_GAP = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")


class _Piece(NamedTuple):
    kind: str
    text: str
    more: str = ""  #: a link's address, a listing's language


class _Chat(NamedTuple):
    id: int
    is_linked: bool
    username: str


def read_entries(path: Path, zone: ZoneInfo, language: str | None) -> Iterator[Entry]:
    """The messages of an exported chat, in its order: oldest first.

    Raises: ArchiveError, also for the export of a whole account: its chats are not all meant for publishing.
    """
    told: dict[str, Any] = {}
    chat = None
    for name, value in read_members(path, "messages"):
        if name in ("chats", "left_chats"):
            raise exports.wrong(
                path, "is the export of a whole account", "open the channel's menu and export its history alone"
            )
        if name != "messages":
            told[name] = value
            continue
        chat = chat or _chat(path, told)
        if isinstance(value, dict) and value.get("type") == "message":
            entry = _entry(value, chat, zone, language)
            if entry is not None:
                yield entry
    _chat(path, told)


def message_of(guid: str) -> tuple[int, int] | None:
    """The chat, without its -100, and the message that an entry's guid names; None of any other guid."""
    found = _GUID.fullmatch(guid)
    return (int(found[1]), int(found[2])) if found else None


def _chat(path: Path, told: dict[str, Any]) -> _Chat:
    number = _whole(told.get("id"))
    if number is None:
        raise exports.wrong(path, "is no chat of Telegram: it has no id above its messages")
    username = _USERNAME.fullmatch(str(told.get("username") or ""))
    is_linked = str(told.get("type")).endswith(_LINKED)
    digits = str(number).removeprefix("-100") if number < 0 else str(number)
    return _Chat(abs(int(digits)), is_linked, username[1] if username else "")


def _whole(value: Any) -> int | None:
    """A number, also one in quotes."""
    return int(value) if isinstance(value, int | str) and re.fullmatch(r"-?[0-9]{1,16}", str(value)) else None


# --- one message ---------------------------------------------------------------------------------------------


def _entry(message: dict[str, Any], chat: _Chat, zone: ZoneInfo, language: str | None) -> Entry | None:
    number = _whole(message.get("id"))
    pieces = _pieces(message)
    if number is None or number < 0 or not any(piece.text.strip() for piece in pieces):
        return None
    chat_id = _bare(chat.id) if "date_unixtime" not in message else chat.id
    title, body = _with_title(pieces)
    if chat.username:
        link = f"https://t.me/{chat.username}/{number}"
    else:
        link = f"https://t.me/c/{chat_id}/{number}" if chat.is_linked else ""
    author = message.get("author") or message.get("forwarded_from")
    return exports.make_entry(
        guid=f"tg-{chat_id}-{number}",
        title=title,
        link=link or None,
        published=_moment(message, "date", zone),
        updated=_moment(message, "edited", zone),
        author=author if isinstance(author, str) else None,
        tags=tuple(piece.text.strip().removeprefix("#") for piece in pieces if piece.kind == "hashtag"),
        content=_html(body),
        language=language,
    )


def _bare(chat_id: int) -> int:
    return chat_id - _OLD_CHANNEL if _OLD_CHANNEL <= chat_id < _OLD_CHANNEL + (1 << 32) else chat_id


def _moment(message: dict[str, Any], name: str, zone: ZoneInfo) -> Moment:
    """Seconds since 1970; in exports older than those, the wall clock of who exported."""
    seconds = _whole(message.get(f"{name}_unixtime"))
    if seconds is None:
        written = message.get(name)
        is_never = not isinstance(written, str) or written.startswith("1970-01-01")  # "edited" of what never was
        return Moment() if is_never else read_moment(exports.legal(str(written)), zone)
    if not 0 < seconds < 1 << 33:
        return Moment(flags=(Flag.INVALID_DATE,))
    at = datetime.fromtimestamp(seconds, UTC)
    return Moment(at, day=at.date())


def _pieces(message: dict[str, Any]) -> list[_Piece]:
    """``text_entities`` has all of the text; ``text`` is what exports before 2022 have."""
    written = message.get("text_entities") or message.get("text")
    parts = written if isinstance(written, list) else [written]
    found = []
    for part in parts:
        if isinstance(part, str):
            found.append(_Piece("plain", exports.legal(part)))
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            more = part.get("href") or part.get("language")
            found.append(
                _Piece(str(part.get("type")), exports.legal(part["text"]), more if isinstance(more, str) else "")
            )
    return found


def _with_title(pieces: Sequence[_Piece]) -> tuple[str | None, list[_Piece]]:
    """A first line, or a first sentence, in bold is the title, and no longer part of the text."""
    start = next((at for at, piece in enumerate(pieces) if any(map(str.isalnum, piece.text))), 0)
    end = start
    while end < len(pieces) and pieces[end].kind == "bold":
        end += 1
    ornaments = "".join(piece.text for piece in pieces[:start])
    bold = ornaments.lstrip() + "".join(piece.text for piece in pieces[start:end])
    line, _, below = bold.partition("\n")
    rest = list(pieces[end:])
    follows = "".join(piece.text for piece in rest[:1])
    ends_line = bool(below or "\n" in bold or not rest or follows.lstrip(" \t").startswith("\n"))
    if start == end or not (ends_line or line.rstrip().endswith(_SENTENCE_ENDS)):
        return None, list(pieces)
    if not 0 < len(line.strip()) <= _TITLE_CHARS:
        return None, list(pieces)
    return line.strip(), [_Piece("bold", below), *rest] if below.strip() else rest


# --- its text as HTML ----------------------------------------------------------------------------------------


def _html(pieces: Sequence[_Piece]) -> str | None:
    """Paragraphs at empty lines; quotations and listings stand between them."""
    blocks: list[str] = []
    open_paragraph: list[str] = []

    def close() -> None:
        text = "".join(open_paragraph).strip().removeprefix("<br>").removesuffix("<br>").strip()
        open_paragraph.clear()
        if text:
            blocks.append(f"<p>{text}</p>")

    for piece in pieces:
        if piece.kind in ("pre", "blockquote"):
            close()
            blocks.append(_block(piece))
            continue
        for at, part in enumerate(_GAP.split(piece.text)):
            if at:
                close()
            if part:
                open_paragraph.append(_inline(piece, part))
    close()
    return "\n".join(blocks) or None


def _block(piece: _Piece) -> str:
    text = html.escape(piece.text.strip("\n"))
    if piece.kind == "blockquote":
        return "<blockquote>" + "".join(f"<p>{_lines(part)}</p>" for part in _GAP.split(text)) + "</blockquote>"
    name = re.sub(r"[^\w+#.-]", "", piece.more)[:32]
    return f'<pre><code class="language-{name}">{text}</code></pre>' if name else f"<pre>{text}</pre>"


def _inline(piece: _Piece, part: str) -> str:
    text = _lines(html.escape(part))
    address = _address(piece)
    if address:
        return f'<a href="{html.escape(address)}">{text}</a>'
    tag = _STYLES.get(piece.kind)
    return f"<{tag}>{text}</{tag}>" if tag else text


def _address(piece: _Piece) -> str | None:
    match piece.kind:
        case "text_link":
            return web_link(piece.more)
        case "link":
            return web_link(piece.text if "://" in piece.text else f"https://{piece.text.strip()}")
        case "mention":
            name = _USERNAME.fullmatch(piece.text.strip())
            return f"https://t.me/{name[1]}" if name else None
    return None


def _lines(escaped: str) -> str:
    return escaped.replace("\n", "<br>")
