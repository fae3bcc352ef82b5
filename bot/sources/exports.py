"""What the formats of exports share: opening a file, its limits, dates as people write them, the making of an Entry.

Below ``blogger.py``, ``wordpress.py`` and their like, and knows none of them. Whatever is wrong with a file becomes an
ArchiveError that names the file, or a flag on its entry; it repairs nothing that would change what an author said.
"""

import codecs
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TextIO
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

from bot.errors import ArchiveError
from bot.model import Enclosure, Entry, Flag
from bot.sources import document
from bot.text import dates, markup, persian
from bot.text.language import detect

CHUNK_BYTES = 64 * 1024
#: A file that is read as a whole; longer ones are no posts.
MAX_WHOLE_BYTES = 16 * 1024 * 1024
#: Of an entry's markup; its beginning is in the language of the rest.
_LANGUAGE_CHARS = 4000
# XML 1.0 section 2.2: these are no characters of a document, and no database takes the halves of surrogate pairs.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TAG_OR_REFERENCE = re.compile(r"<[^<>]*>|&#?\w+;")
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was written. ``day`` is the civil day as it stands there, in UTC where a zone stands with it."""

    at: datetime | None = None
    date_only: bool = False
    day: date | None = None
    flags: tuple[Flag, ...] = ()


def wrong(path: Path, what: str, advice: str = "export it again") -> ArchiveError:
    """The error of a file."""
    return ArchiveError(f"{path}: {what}; {advice}")


# --- files ---------------------------------------------------------------------------------------------------


def read_head(path: Path, size: int = CHUNK_BYTES) -> str:
    """The beginning of a file as text; a letter that the cut goes through is lost."""
    with path.open("rb") as file:
        raw = file.read(size)
    try:
        return codecs.getincrementaldecoder(_encoding(raw))("strict").decode(raw)
    except UnicodeDecodeError:
        return document.decode(raw, "")


def read_whole(path: Path) -> str:
    """A text file of bearable size, its line ends plain.

    Raises: ArchiveError.
    """
    with path.open("rb") as file:
        raw = file.read(MAX_WHOLE_BYTES + 1)
    if len(raw) > MAX_WHOLE_BYTES:
        raise wrong(path, f"is over {MAX_WHOLE_BYTES >> 20} MB, which no single post is", "name other files")
    text = document.decode(raw, "")
    if "\0" in text:
        raise wrong(path, "is not text", "name other files, or save it as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def open_text(path: Path) -> TextIO:
    """A file to be read piece by piece, in the encoding of its mark or in UTF-8, which alone JSON allows."""
    with path.open("rb") as file:
        encoding = _encoding(file.read(4))
    return path.open(encoding=encoding, errors="strict", newline="")


def _encoding(raw: bytes) -> str:
    return next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8-sig")


# --- texts ---------------------------------------------------------------------------------------------------


def legal(text: str) -> str:
    """Text without what is no character."""
    return _ILLEGAL.sub("", text)


def web_link(link: str | None, base: str | None = None) -> str | None:
    """An absolute address of the web, or None."""
    if not link or not link.strip():
        return None
    try:
        absolute = urljoin(base or "", legal(link).strip())
        parts = urlsplit(absolute)
    except ValueError:
        return None
    is_address = parts.scheme in ("http", "https") and parts.hostname and not re.search(r"\s", absolute)
    return absolute if is_address else None


# --- dates ---------------------------------------------------------------------------------------------------


def read_moment(text: str | None, zone: ZoneInfo) -> Moment:
    """A date in any form and calendar that the product knows; a civil day, or a time without a zone, is one of *zone*.

    A text that is no date, or the date of no day, gives no instant and a flag; nothing gives nothing.
    """
    written = " ".join((text or "").split())
    if not written:
        return Moment()
    parsed = dates.parse_date(written)
    if parsed is not None:
        if parsed.day is None:
            return Moment(flags=(Flag.INVALID_DATE,))
        flags = (Flag.WEEKDAY_MISMATCH,) if parsed.weekday_is_wrong else ()
        return _moment(parsed.day, parsed.time, zone, flags)
    found = dates.parse_feed_date(written)
    if found is None:
        return Moment(flags=(Flag.INVALID_DATE,))
    if found.date_only or found.no_zone:
        return _moment(found.instant.date(), None if found.date_only else found.instant.time(), zone, ())
    return Moment(found.instant, day=found.instant.date())


def _moment(day: date, clock: time | None, zone: ZoneInfo, flags: tuple[Flag, ...]) -> Moment:
    at = datetime.combine(day, clock or time(), zone).astimezone(UTC)
    return Moment(at, clock is None, day, flags if clock is None else (*flags, Flag.NO_ZONE))


# --- entries -------------------------------------------------------------------------------------------------


def make_entry(
    *,
    guid: str | None,
    title: str | None = None,
    link: str | None = None,
    published: Moment,
    updated: Moment | None = None,
    author: str | None = None,
    tags: tuple[str, ...] = (),
    summary: str | None = None,
    content: str | None = None,
    enclosures: tuple[Enclosure, ...] = (),
    is_cut: bool = False,
    language: str | None = None,
    declared: str | None = None,
) -> Entry:
    """An entry within the limits of every other source. ``language`` is final; ``declared`` is the entry's own word."""
    updated = updated or Moment()
    # What has an impossible date waits for a person; another date would hide that.
    shown = published if published.at or published.flags else updated
    flags = dict.fromkeys(shown.flags)
    limit = document.MAX_TEXT_CHARS
    if is_cut or len(content or "") > limit or len(summary or "") > limit:
        flags[Flag.TRUNCATED] = None
    name = markup.clean_title(legal(title or ""))[: document.MAX_TITLE_CHARS] or None
    body, short = (legal(text or "").strip()[:limit] or None for text in (content, summary))
    cleaned = (persian.clean_line(legal(tag)[: document.MAX_SHORT_CHARS]) for tag in tags)
    return Entry(
        guid=legal(guid or "").strip() or None,
        title=name,
        link=link,
        published=shown.at,
        updated=updated.at,
        date_only=shown.date_only,
        author=markup.clean_title(legal(author or ""))[: document.MAX_SHORT_CHARS] or None,
        language=language or detect(name or "", _beginning(body or short or ""), declared),
        tags=tuple(dict.fromkeys(filter(None, cleaned)))[: document.MAX_TAGS],
        summary=short,
        content=body,
        enclosures=enclosures,
        flags=tuple(flags),
    )


def _beginning(html: str) -> str:
    return " ".join(_TAG_OR_REFERENCE.sub(" ", html[:_LANGUAGE_CHARS]).split())[:300]
