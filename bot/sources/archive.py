"""Reads a local archive: the files of a glob pattern, as batches of entries, oldest first.

Step 2 of a post's way for what lies on disk. It decides whether anything changed and whether the files may be read
yet; what lies where is ``archive_index.py``'s business, what a file means that of its format. It never writes, never
follows what a file says, and takes nothing from names or places of files: an archive may be moved.

After a first reading only what changed is handed on, with the keys of what is not there any more: a post whose title
or date was corrected is both, and the store finds it again by its likeness. Synchronous: the caller gives it a thread.
"""

import hashlib
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import structlog

from bot.errors import ArchiveError
from bot.model import Feed, Hints, Reading, Validators
from bot.sources.archive_index import GRAMMAR, Index, find_files, unreadable
from bot.sources.archive_memory import Memory

BATCH = 100  #: entries a reading: as many as a transaction of 200 ms stores
SETTLE = timedelta(seconds=1)  #: a file that was written to more recently may still be written to

log = structlog.get_logger(__name__)


def fingerprint(feed: Feed) -> bytes:
    """A cheap digest that changes when a file of the archive comes, goes, grows or is written to."""
    digest = hashlib.sha256(GRAMMAR + feed.format.encode())
    for path in find_files(feed.url):
        try:
            status = path.stat()
        except OSError as error:
            raise unreadable(path, error) from error
        digest.update(f"\0{path}\0{status.st_size}\0{status.st_mtime_ns}".encode("utf-8", "surrogateescape"))
    return digest.digest()


def is_being_written(feed: Feed, now: float) -> bool:
    """Whether a file changed so lately before *now*, seconds since 1970, that it may not be whole."""
    # A time from the future is some other clock's.
    return any(0 <= now - path.stat().st_mtime < SETTLE.total_seconds() for path in find_files(feed.url))


def read(feed: Feed, seen: Validators, zone: ZoneInfo, *, now: float | None = None) -> Iterator[Reading]:
    """Batches of at most ``BATCH`` entries, oldest first and undated last, or one that says nothing changed.

    A post that stands in several files comes once, as the last of them by name has it. A file written to within
    ``SETTLE`` of *now*, or while it is read, waits for the next look; None is for people, who do not.

    Raises: ArchiveError.
    """
    digest = fingerprint(feed)
    if digest == seen.digest:
        yield Reading(modified=False, validators=seen)
        return
    before = Memory.load(seen.items)
    # Without a digest somebody wants everything again.
    index = _settled_index(feed, zone, before if seen.digest else Memory(), digest, now)
    if index is None:
        log.info("archive.not_settled", feed=feed.name)
        yield Reading(modified=False, validators=seen, hints=Hints(retry_after=SETTLE))
        return
    with closing(index):
        entries, gone = index.entries(), frozenset[bytes]()
        if were_there := before.keys():
            # Who is gone can be told when all that is there was seen.
            places = [index.put_by(entry) for entry in entries]
            entries, gone = (index.take(*place) for place in places), frozenset(were_there - index.keys())
        batch = tuple(islice(entries, BATCH))
        while following := tuple(islice(entries, BATCH)):
            yield Reading(batch, last=False, gone=gone)
            batch = following
        yield Reading(batch, Validators(digest=digest, items=index.memory()), gone=gone)


def _settled_index(feed: Feed, zone: ZoneInfo, known: Memory, digest: bytes, now: float | None) -> Index | None:
    """Where the posts are; None when the files are still being written."""
    if now is None:
        return Index(feed, zone, known)
    if is_being_written(feed, now):
        return None
    try:
        index = Index(feed, zone, known)
    except ArchiveError:
        if fingerprint(feed) == digest:
            raise
        return None
    if fingerprint(feed) != digest:
        index.close()
        return None
    return index
