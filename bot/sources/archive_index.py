"""Where the posts of an archive lie, found without holding them: a post's place, its day and its hash.

Between ``archive.py``, which knows when to read, and the formats. A dated text is cut into blocks (``blocks.py``),
which are read again when their turn comes; the entries of an export wait in a temporary file. What stands as it stood
at the last reading (``archive_memory.py``) is left out.
"""

import codecs
import os
import pickle
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, time
from hashlib import blake2b
from itertools import groupby, pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple
from zoneinfo import ZoneInfo

import structlog

from bot import places
from bot.errors import ArchiveError
from bot.model import Entry, Feed, Flag
from bot.sources import archive_text, blocks, dated_text, exports, formats
from bot.sources.archive_memory import DIGEST_BYTES, Memory, dump, key_of, split, stamp_of
from bot.sources.dated_text import DatedPost, Header
from bot.sources.formats import ArchiveFormat
from bot.sources.line_roles import date_of

#: Part of every hash: a grammar that reads differently must read everything again.
GRAMMAR = b"archive 3"
_UNDATED = 1 << 62
_HEADER_LOOKS = "\u06f1\u06f3\u06f9\u06f7 مهر \u06f8, یکشنبه"

log = structlog.get_logger(__name__)


def find_files(pattern: str) -> list[Path]:
    """The files of a pattern, by name.

    Raises: ArchiveError, when there is none.
    """
    if os.path.isdir(pattern):
        raise ArchiveError(f"{pattern}: is a directory; name its files, such as {os.path.join(pattern, '*.txt')}")
    names = [name for name in places.files_of(pattern) if os.path.isfile(name)]
    if (stray := places.stray(pattern, names)) is not None:
        raise ArchiveError(f"{stray}: is a link that leads out of its folder; name that file by itself, or remove it")
    paths = sorted(map(Path, names))
    if not paths:
        raise ArchiveError(f"{pattern}: no file matches; correct the path, or put the archive there")
    return paths


def unreadable(path: Path, error: OSError) -> ArchiveError:
    """The error of a file that the disk refuses."""
    return exports.wrong(
        path, f"cannot be read ({error.strerror or error})", "check that it exists and who may read it"
    )


class _Place(NamedTuple):
    """Where a block or an entry lies, and what only its neighbours can tell of it."""

    at: int  #: seconds since 1970
    file: int
    turn: int  #: its place in the file, or that from the end less than 0 where the newest stand first
    offset: int
    size: int
    digest: bytes
    key: bytes = b""  #: of an entry; a block's posts are yet to be told apart
    is_foreign: bool = False
    breaks_order: bool = False


class Index:
    """The posts of an archive that *before* does not know, in the order of their days. To be closed."""

    def __init__(self, feed: Feed, zone: ZoneInfo, before: Memory) -> None:
        self._feed, self._zone, self._before = feed, zone, before
        self._paths = find_files(feed.url)
        self._records: list[bytearray] = []
        self._stamps: list[bytes] = []
        self._places: list[_Place] = []
        #: Of each key where it stands last: the file, and the place in it.
        self._last: dict[bytes, tuple[int, int]] = {}
        self._has_posts = False
        self._spool: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 (closed by ``close``)
        self._sources = _Sources(self._paths, self._spool)
        try:
            for number, path in enumerate(self._paths):
                self._add(number, path)
            if not self._has_posts:
                raise _no_header(self._paths[0])
        except BaseException:
            self.close()
            raise
        self._places.sort(key=lambda place: place[:3])

    def close(self) -> None:
        """Let go of all files."""
        self._sources.close()
        self._spool.close()

    # --- after ``entries`` ran out ---------------------------------------------------------------------------

    def memory(self) -> bytes:
        """What the next reading is to know."""
        return dump(zip(self._stamps, map(bytes, self._records), strict=True))

    def keys(self) -> set[bytes]:
        """The keys of all posts that are there."""
        return {key for records in self._records for _digest, key in split(bytes(records))}

    # --- finding ---------------------------------------------------------------------------------------------

    def _add(self, number: int, path: Path) -> None:
        try:
            self._stamps.append(stamp_of(path))
            self._records.append(bytearray(self._before.records_of(self._stamps[number]) or b""))
            if self._records[number]:
                self._has_posts = True
                self._last |= {key: (number, 0) for _digest, key in split(bytes(self._records[number]))}
                return
            form = ArchiveFormat(self._feed.format)
            if form is ArchiveFormat.AUTO:
                form = formats.detect(path) or ArchiveFormat.DATED_TEXT
            if form is ArchiveFormat.DATED_TEXT:
                self._add_blocks(number, path)
            else:
                self._add_entries(number, path, form)
        except OSError as error:
            raise unreadable(path, error) from error

    def _add_blocks(self, number: int, path: Path) -> None:
        try:
            with path.open("rb") as file:
                found = _Blocks.of(number, path, file, 0, self._zone)
        except UnicodeDecodeError:
            self._sources.is_copied.add(number)
            start = archive_text.append_as_utf8(path, self._spool)
            found = _Blocks.of(number, path, self._spool, start, self._zone)
        if len(found.places) > 1 and found.all_weekdays_wrong:
            log.warning(
                "archive.weekdays_all_wrong", path=str(path), advice="its exporter counted leap years or zones wrongly"
            )
        self._has_posts = self._has_posts or found.any_header
        self._places += found.in_order()

    def _add_entries(self, number: int, path: Path, form: ArchiveFormat) -> None:
        self._has_posts = True
        places = []
        for turn, entry in enumerate(formats.read_entries(path, form, self._zone, self._feed.language)):
            digest, key = _digest_of_entry(entry), key_of(entry)
            self._records[number] += digest + key
            self._last[key] = number, turn
            if digest not in self._before:
                at = int(entry.published.timestamp()) if entry.published else _UNDATED
                places.append(_Place(at, number, turn, *self.put_by(entry), digest, key))
        days = [place.at for place in places if place.at != _UNDATED]
        # Most exports begin with the oldest; of what shares a second the order of the file decides.
        is_falling = sum(b < a for a, b in pairwise(days)) > sum(b > a for a, b in pairwise(days))
        self._places += [place._replace(turn=-place.turn - 1) for place in places] if is_falling else places

    def put_by(self, entry: Entry) -> tuple[int, int]:
        """Keep an entry on disk; where it lies, and its size."""
        raw = pickle.dumps(entry, pickle.HIGHEST_PROTOCOL)
        offset = self._spool.seek(0, os.SEEK_END)
        self._spool.write(raw)
        return offset, len(raw)

    def take(self, offset: int, size: int) -> Entry:
        """An entry that was put by."""
        self._spool.seek(offset)
        entry: Entry = pickle.loads(self._spool.read(size))  # noqa: S301 (our own file, that has no name)
        return entry

    # --- reading ---------------------------------------------------------------------------------------------

    def entries(self) -> Iterator[Entry]:
        """The entries that are not known just so, oldest first; of a dated text all of a day that has such a one.

        For what shares a day and a title is numbered together. A post that stands several times comes once, as the
        last file by name has it.

        Raises: ArchiveError.
        """
        for _at, group in groupby(self._places, key=lambda place: place.at):
            places = list(group)
            if all(place.digest in self._before for place in places):
                for place in places:
                    for key in self._before.keys_of(place.digest):
                        self._records[place.file] += place.digest + key
            else:
                yield from self._of_a_day(places)

    def _of_a_day(self, places: Iterable[_Place]) -> Iterator[Entry]:
        found: dict[bytes, Entry] = {}
        for number, group in groupby(places, key=lambda place: place.file):
            met: Counter[tuple[date | None, str]] = Counter()
            for place in group:
                if place.key:
                    turn = place.turn if place.turn >= 0 else -place.turn - 1
                    if self._last[place.key] == (number, turn):
                        found[place.key] = self.take(place.offset, place.size)
                    continue
                for post in self._sources.posts(place):
                    entry = dated_text.to_entry(dated_text.with_number(post, met), self._zone, self._feed.language)
                    key = key_of(entry)
                    self._records[number] += place.digest + key
                    if self._last.get(key, (0, 0))[0] <= number:
                        found[key] = entry
        yield from found.values()


def _digest_of_entry(entry: Entry) -> bytes:
    said = repr(entry).encode("utf-8", "backslashreplace")
    return blake2b(said, digest_size=DIGEST_BYTES, person=GRAMMAR).digest()


def _no_header(path: Path) -> ArchiveError:
    return ArchiveError(
        f"{path}: no dated header found; put a line with its date above each post, "
        f"such as '{_HEADER_LOOKS}' or 'Sunday, 30 September 2018', or name other files"
    )


# --- the blocks of dated texts -------------------------------------------------------------------------------


class _Blocks:
    """The blocks of one file."""

    def __init__(self) -> None:
        self.places: list[_Place] = []
        self.any_header = False
        self.all_weekdays_wrong = True

    @classmethod
    def of(cls, number: int, path: Path, file: BinaryIO, start: int, zone: ZoneInfo) -> "_Blocks":
        """Raises: UnicodeDecodeError, when it is not UTF-8."""
        found, offset = cls(), start
        dialect = blocks.find_dialect(blocks.pieces(archive_text.read_parts(path, file, start)))
        if dialect is None:
            return found
        found.any_header = True
        days: dict[date | None, int] = {}  # to ask a zone takes longer than to hash a post
        for block in blocks.cut(blocks.pieces(archive_text.read_parts(path, file, start)), dialect):
            raw = block.text.encode()
            if block.header is not None and block.has_body:
                day = block.header.date.day
                if (at := days.get(day)) is None:
                    at = days[day] = int(datetime.combine(day, time(), zone).timestamp()) if day else _UNDATED
                digest = _digest_of_block(raw, block.header.is_foreign)
                found.places.append(_Place(at, number, 0, offset, len(raw), digest, is_foreign=block.header.is_foreign))
                found.all_weekdays_wrong = found.all_weekdays_wrong and bool(day and block.header.date.weekday_is_wrong)
            offset += len(raw)
        return found

    def in_order(self) -> Iterator[_Place]:
        """The places with their turns and breaks of order."""
        newest_first = dated_text.days_fall([place.at for place in self.places if place.at != _UNDATED])
        before = _UNDATED
        for at, place in enumerate(self.places):
            dated = place.at != _UNDATED
            breaks = dated and before not in (_UNDATED, place.at) and (place.at > before) == newest_first
            before = place.at if dated else before
            turn = -at - 1 if newest_first else at
            # Not _replace(), which takes three times as long: there are as many as posts.
            yield _Place(
                place.at, place.file, turn, place.offset, place.size, place.digest, b"", place.is_foreign, breaks
            )


def _digest_of_block(raw: bytes, is_foreign: bool) -> bytes:
    # A copy with other line ends, or one more post below, leaves a post what it was.
    plain = raw.removeprefix(codecs.BOM_UTF8)
    if b"\r" in plain:
        plain = plain.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return blake2b(plain.strip(), digest_size=DIGEST_BYTES, person=GRAMMAR, salt=bytes([is_foreign])).digest()


class _Sources:
    """Reads blocks by their places, with one file open."""

    def __init__(self, paths: list[Path], copy: BinaryIO) -> None:
        self.is_copied: set[int] = set()  #: files whose text lies in *copy*, as UTF-8
        self._paths, self._copy = paths, copy
        self._number = -1
        self._file: BinaryIO | None = None

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def posts(self, place: _Place) -> list[DatedPost]:
        """The posts of a block, oldest first.

        Raises: ArchiveError, when it is not there any more.
        """
        path = self._paths[place.file]
        try:
            file = self._copy if place.file in self.is_copied else self._open(place.file)
            file.seek(place.offset)
            raw = file.read(place.size)
        except OSError as error:
            raise unreadable(path, error) from error
        first, *lines = dated_text.cleaned_lines(raw.decode("utf-8", "replace"))
        found = date_of(first)
        if found is None or _digest_of_block(raw, place.is_foreign) != place.digest:
            raise ArchiveError(f"{path}: changed while it was read; it is read again in a minute")
        posts = list(dated_text.parse_block(Header(found, place.is_foreign), lines))
        if posts and place.breaks_order:
            posts[0] = replace(posts[0], flags=(*posts[0].flags, Flag.ORDER_BREAK))
        return posts[::-1] if place.turn < 0 else posts

    def _open(self, number: int) -> BinaryIO:
        if self._file is None or number != self._number:
            self.close()
            self._file, self._number = self._paths[number].open("rb"), number
        return self._file
