"""Reads a local archive: the files of a glob pattern, as batches of entries, oldest first.

Step 2 of a post's way for what lies on disk. It finds the files, decodes them, puts the posts of all of them in
order and hands them on; what a file means is the grammar's business (``dated_text.py``). It never writes, never
follows what a file says, and takes nothing from names or places of files: an archive may be moved.

Synchronous: the caller gives it a thread.
"""

import codecs
import glob
import hashlib
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from bot.errors import ArchiveError
from bot.model import Feed, Flag, Reading, Validators
from bot.sources import dated_text
from bot.sources.dated_text import DatedPost

BATCH = 500  #: entries a reading

#: Part of every fingerprint: a grammar that reads differently must read everything again.
_GRAMMAR = b"dated-text 1"
# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DAMAGE = 0.01  #: share of undecodable characters that is still a damaged file and no other encoding
_HEADER_LOOKS = "\u06f1\u06f3\u06f9\u06f7 مهر \u06f8, یکشنبه"

log = structlog.get_logger(__name__)


def fingerprint(pattern: str) -> bytes:
    """A cheap digest that changes when a file of the pattern comes, goes, grows or is written to."""
    digest = hashlib.sha256(_GRAMMAR)
    for path in _files(pattern):
        try:
            status = path.stat()
        except OSError as error:
            raise _unreadable(path, error) from error
        digest.update(f"\0{path}\0{status.st_size}\0{status.st_mtime_ns}".encode("utf-8", "surrogateescape"))
    return digest.digest()


def read(feed: Feed, seen: Validators, zone: ZoneInfo) -> Iterator[Reading]:
    """Batches of at most ``BATCH`` entries, oldest first and undated last, or one that says nothing changed.

    A post that stands in several files comes once, as the last of them by name has it. The fingerprint is taken
    before the files are read: what changes meanwhile is seen next time.
    """
    digest = fingerprint(feed.url)
    if digest == seen.digest:
        yield Reading(modified=False, validators=seen)
        return
    validators = Validators(digest=digest)
    posts = _posts(feed.url)
    for start in range(0, max(len(posts), 1), BATCH):
        entries = tuple(dated_text.to_entry(post, zone, feed.language) for post in posts[start : start + BATCH])
        yield Reading(entries, validators, last=start + BATCH >= len(posts))


def _posts(pattern: str) -> list[DatedPost]:
    found: dict[str, DatedPost] = {}
    paths = _files(pattern)
    any_header = False
    for path in paths:
        text, guessed = read_text(path)
        posts = dated_text.parse(text)
        any_header = any_header or bool(posts) or dated_text.looks_like(text)
        if guessed:
            log.warning("archive.encoding_guessed", path=str(path), advice="save the file as UTF-8")
        if len(posts) > 1 and all(Flag.WEEKDAY_MISMATCH in post.flags for post in posts):
            log.warning(
                "archive.weekdays_all_wrong", path=str(path), advice="its exporter counted leap years or zones wrongly"
            )
        for post in reversed(posts) if dated_text.is_newest_first(posts) else posts:
            found[dated_text.guid(post)] = post
    if not any_header:
        raise ArchiveError(
            f"{paths[0]}: no dated header found; put a line with its date above each post, "
            f"such as '{_HEADER_LOOKS}' or 'Sunday, 30 September 2018', or name other files"
        )
    return sorted(found.values(), key=_by_day)


def _by_day(post: DatedPost) -> date:
    return post.day or date.max


def _files(pattern: str) -> list[Path]:
    if os.path.isdir(pattern):
        raise ArchiveError(f"{pattern}: is a directory; name its files, such as {os.path.join(pattern, '*.txt')}")
    # A path with brackets in its name is a path before it is a pattern.
    names = [pattern] if os.path.isfile(pattern) else glob.glob(pattern, recursive=True)
    paths = sorted(path for path in map(Path, names) if path.is_file())
    if not paths:
        raise ArchiveError(f"{pattern}: no file matches; correct the path, or put the archive there")
    return paths


# --- one file ----------------------------------------------------------------------------------------------


def read_text(path: Path) -> tuple[str, bool]:
    """The text of a file, and whether its encoding is a guess.

    By its byte order mark, else UTF-8, else Windows-1256, which was the encoding of Persian before.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    text, guessed = _decode(raw)
    if "\0" in text:
        raise ArchiveError(f"{path}: is not text; name other files, or save it as UTF-8")
    return text, guessed


def _decode(raw: bytes) -> tuple[str, bool]:
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8")
    try:
        return raw.decode(encoding), False
    except UnicodeDecodeError:
        damaged = raw.decode(encoding, "replace")
    # A copy that was cut inside a letter is still what it was.
    foreign = sum(character > "\x7f" for character in damaged)
    if encoding != "utf-8" or damaged.count("\ufffd") <= max(1, foreign * _DAMAGE) < foreign:
        return damaged, True
    return raw.decode("cp1256", "replace"), True


def _unreadable(path: Path, error: OSError) -> ArchiveError:
    return ArchiveError(f"{path}: cannot be read ({error.strerror or error}); check that it exists and who may read it")
