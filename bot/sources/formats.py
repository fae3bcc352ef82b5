"""The formats of archives: which one a file is in, and its entries.

The door for ``archive.py``: one module a format behind it. What a format means is theirs; here it is found out, and
what the disk refuses becomes an ArchiveError.
"""

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.errors import ArchiveError
from bot.model import Entry
from bot.sources import blogger, dated_text, exports, json_feed, markdown, telegram_export, wordpress


class ArchiveFormat(StrEnum):
    """What kind of files an archive has; the names of feeds.yaml."""

    AUTO = "auto"
    DATED_TEXT = "dated-text"
    MARKDOWN = "markdown"
    BLOGGER = "blogger"
    WORDPRESS = "wordpress"
    TELEGRAM = "telegram"
    JSON_FEED = "jsonfeed"


_MARKDOWN_ENDINGS = (".md", ".markdown", ".mdown", ".mkd")
_TEXT_ENDINGS = (".txt", ".text", "")
# Namespaces and ids that no other program writes.
_WORDPRESS = re.compile(r"http://wordpress\.org/export/")
_BLOGGER = re.compile(r"<blogger:(?:type|status)>|schemas\.google\.com/blogger/\d{4}/?(?:kind)?#")
_JSON_FEED = re.compile(r'(?<!\\)"version"\s*:\s*"https:(?:\\?/){2}jsonfeed\.org(?:\\?/)version')
_ITEMS = re.compile(r'(?<!\\)"items"\s*:\s*\[')
_MESSAGES = re.compile(r'(?<!\\)"(?:messages"\s*:\s*\[|(?:left_)?chats"\s*:\s*\{)')


def detect(path: Path) -> ArchiveFormat | None:
    """The format of a file by how it begins; its ending decides only between texts. None where it is none of them.

    Raises: ArchiveError, when it cannot be read.
    """
    try:
        head = exports.read_head(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    start = head.lstrip()[:1]
    if start == "<":
        return _of_xml(head)
    if start == "{":
        return _of_json(head)
    return None if "\0" in head else _of_text(head, path.suffix.lower())


def _of_xml(head: str) -> ArchiveFormat | None:
    if _WORDPRESS.search(head):
        return ArchiveFormat.WORDPRESS
    return ArchiveFormat.BLOGGER if _BLOGGER.search(head) else None


def _of_json(head: str) -> ArchiveFormat | None:
    if _JSON_FEED.search(head):
        return ArchiveFormat.JSON_FEED
    if _MESSAGES.search(head):
        return ArchiveFormat.TELEGRAM
    return ArchiveFormat.JSON_FEED if _ITEMS.search(head) else None


def _of_text(head: str, ending: str) -> ArchiveFormat | None:
    if markdown.has_front_matter(head):
        return ArchiveFormat.MARKDOWN
    if dated_text.looks_like(head):
        return ArchiveFormat.DATED_TEXT
    if ending in _MARKDOWN_ENDINGS:
        return ArchiveFormat.MARKDOWN
    return ArchiveFormat.DATED_TEXT if ending in _TEXT_ENDINGS and head.strip() else None


def read_entries(path: Path, form: ArchiveFormat, zone: ZoneInfo, language: str | None) -> Iterator[Entry]:
    """The entries of one file in its own order, read as they are asked for; drafts, pages and the like are left out.

    A civil day begins in *zone*. *language* is what all entries are in; None lets each tell by its words.

    Raises: ArchiveError, also after some entries.
    """
    found = detect(path) if form is ArchiveFormat.AUTO else form
    if found is None:
        known = ", ".join(known for known in ArchiveFormat if known is not ArchiveFormat.AUTO)
        raise exports.wrong(path, "is in no format I know", f"name its format, one of: {known}")
    try:
        yield from _READERS[found](path, zone, language)
    except OSError as error:
        raise _unreadable(path, error) from error


def _read_dated_text(path: Path, zone: ZoneInfo, language: str | None) -> Iterator[Entry]:
    for post in dated_text.parse(exports.read_whole(path)):
        yield dated_text.to_entry(post, zone, language)


_READERS: dict[ArchiveFormat, Callable[[Path, ZoneInfo, str | None], Iterator[Entry]]] = {
    ArchiveFormat.DATED_TEXT: _read_dated_text,
    ArchiveFormat.MARKDOWN: markdown.read_entries,
    ArchiveFormat.BLOGGER: blogger.read_entries,
    ArchiveFormat.WORDPRESS: wordpress.read_entries,
    ArchiveFormat.TELEGRAM: telegram_export.read_entries,
    ArchiveFormat.JSON_FEED: json_feed.read_entries,
}


def _unreadable(path: Path, error: OSError) -> ArchiveError:
    return exports.wrong(path, f"cannot be read ({error.strerror or error})", "check that it is there and readable")
