"""The text of big files, part by part, in whatever encoding they are.

Below ``archive_index.py``; knows no format. A file that is not UTF-8 is copied as UTF-8 first, so that a place in it
is a place in bytes.
"""

import codecs
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import structlog

from bot.errors import ArchiveError
from bot.sources import exports

_CHUNK = 1 << 20
# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DAMAGE = 0.01  #: share of undecodable characters that is still a damaged file and no other encoding

log = structlog.get_logger(__name__)


def read_parts(path: Path, file: BinaryIO, start: int) -> Iterator[str]:
    """The rest of a UTF-8 file in parts.

    Raises: UnicodeDecodeError; ArchiveError, where it is no text.
    """
    file.seek(start)
    decoder = codecs.getincrementaldecoder("utf-8")()
    while raw := file.read(_CHUNK):
        text = decoder.decode(raw)
        if "\0" in text:
            raise _no_text(path)
        yield text
    decoder.decode(b"", True)


def append_as_utf8(path: Path, copy: BinaryIO) -> int:
    """Append a file to *copy* as UTF-8, and return where it begins there.

    Raises: ArchiveError, where it is no text.
    """
    encoding, errors = _encoding(path)
    if errors:
        log.warning("archive.encoding_guessed", path=str(path), advice="save the file as UTF-8")
    start = copy.seek(0, os.SEEK_END)
    for text in _decoded(path, encoding, errors or "strict"):
        if "\0" in text:
            raise _no_text(path)
        copy.write(text.encode())
    return start


def _encoding(path: Path) -> tuple[str, str]:
    """By its byte order mark, else UTF-8, else Windows-1256, which was the encoding of Persian before.

    With it how to treat errors, "" where there are none.
    """
    with path.open("rb") as file:
        start = file.read(4)
    encoding = next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8")
    damaged = foreign = 0
    try:
        for _text in _decoded(path, encoding, "strict"):
            pass
    except UnicodeDecodeError:
        for text in _decoded(path, encoding, "replace"):
            foreign += len(text) - len(text.encode("ascii", "ignore"))
            damaged += text.count("\ufffd")
    else:
        return encoding, ""
    # A copy that was cut inside a letter is still what it was.
    if encoding != "utf-8" or damaged <= max(1, foreign * _DAMAGE) < foreign:
        return encoding, "replace"
    return "cp1256", "replace"


def _decoded(path: Path, encoding: str, errors: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    with path.open("rb") as file:
        while raw := file.read(_CHUNK):
            yield decoder.decode(raw)
    yield decoder.decode(b"", True)


def _no_text(path: Path) -> ArchiveError:
    return exports.wrong(path, "is not text", "name other files, or save it as UTF-8")
