"""What the last reading of an archive left behind: of each file a stamp, of each post its hash and its key.

With it ``archive_index.py`` opens no file that is as it was, hands on no post that is, and can tell which posts were
there and are not any more. Kept as opaque bytes with the feed (``Validators.items``): 28 of them a post.
"""

import os
import unicodedata
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

from bot import identity
from bot.model import Entry

#: Of the layout of these bytes; others are as if there were none.
_VERSION = b"a1"
DIGEST_BYTES = 12  #: no two of a million posts share one
KEY_BYTES = 16
_STAMP_BYTES = 16
_COUNT_BYTES = 4
_RECORD_BYTES = DIGEST_BYTES + KEY_BYTES
_NOTHING = Entry()


def stamp_of(path: Path) -> bytes:
    """Which changes when the file is written to, or moved.

    Raises: OSError.
    """
    status = os.stat(path)
    return _hash(f"{path}\0{status.st_size}\0{status.st_mtime_ns}".encode("utf-8", "surrogateescape"))


def _hash(raw: bytes) -> bytes:
    return blake2b(raw, digest_size=_STAMP_BYTES).digest()


def key_of(entry: Entry) -> bytes:
    """The key by which the store knows an entry best (``identity.py``)."""
    guid = unicodedata.normalize("NFC", entry.guid.strip()) if entry.guid else None
    keys = identity.keys_of(_NOTHING, guid or None, identity.canonical_link(entry.link))
    return keys.guid or keys.link or identity.keys_of(entry, None, None).content


class Memory:
    """What one reading left behind; empty where there was none."""

    def __init__(self, files: dict[bytes, bytes] | None = None) -> None:
        self._files = files or {}
        self._keys_of: dict[bytes, tuple[bytes, ...]] = {}
        for records in self._files.values():
            for digest, key in split(records):
                self._keys_of[digest] = (*self._keys_of.get(digest, ()), key)

    @classmethod
    def load(cls, raw: bytes | None) -> "Memory":
        """Take the bytes that ``dump`` made."""
        if not raw or not raw.startswith(_VERSION):
            return cls()
        files, at = {}, len(_VERSION)
        while at < len(raw):
            stamp, at = raw[at : at + _STAMP_BYTES], at + _STAMP_BYTES
            size, at = int.from_bytes(raw[at : at + _COUNT_BYTES]) * _RECORD_BYTES, at + _COUNT_BYTES
            files[stamp], at = raw[at : at + size], at + size
        return cls(files)

    def records_of(self, stamp: bytes) -> bytes | None:
        """The records of a file that is as it was; None where it is not."""
        return self._files.get(stamp)

    def __contains__(self, digest: bytes) -> bool:
        """Whether a post was there, just so."""
        return digest in self._keys_of

    def keys_of(self, digest: bytes) -> tuple[bytes, ...]:
        """The keys of what had this hash; several where one header stood above several posts."""
        return self._keys_of.get(digest, ())

    def keys(self) -> set[bytes]:
        """The keys of all posts."""
        return {key for keys in self._keys_of.values() for key in keys}


def split(records: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The hash and the key of each record."""
    for at in range(0, len(records), _RECORD_BYTES):
        yield records[at : at + DIGEST_BYTES], records[at + DIGEST_BYTES : at + _RECORD_BYTES]


def dump(files: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Stamps and records as bytes."""
    parts = [_VERSION]
    for stamp, records in files:
        parts += stamp, (len(records) // _RECORD_BYTES).to_bytes(_COUNT_BYTES), records
    return b"".join(parts)
