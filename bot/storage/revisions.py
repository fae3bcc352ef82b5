"""Which stored posts the corrected entries of an archive are. Functions of a transaction, for ``ingest.py``.

Looks up what ``revision.py`` decides about, and decides nothing.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select, update

from bot import revision
from bot.identity import Identified
from bot.model import Entry
from bot.revision import Version
from bot.storage.dialects import in_chunks
from bot.storage.schema import feeds, post_keys, posts

#: As many gone posts are compared word by word; of more than these, those that share a title or a date.
COMPARED = 1_000
#: As many posts that are still there show whether a source repeats itself.
OTHERS = 50


def find_revised(
    connection: Connection,
    feed_id: int,
    gone: Collection[bytes],
    new: Sequence[Identified],
    matched: Collection[int],
) -> dict[str, int]:
    """For the idents of *new* entries the posts that they are, among those with a key that is *gone*.

    *matched* are the posts of this batch's other entries.
    """
    missing = _missing(connection, feed_id, gone) - set(matched) if gone and new else set()
    candidates = _versions(connection, missing, new)
    if not candidates:
        return {}
    others = connection.execute(
        select(posts.c.title, posts.c.published_at, posts.c.content, posts.c.summary)
        .where(posts.c.feed_id == feed_id)
        .order_by(posts.c.effective_at.desc())
        .add_columns(posts.c.id)
        .limit(OTHERS + min(len(missing), COMPARED))
    )
    found = revision.find_revised(
        [Version.of(one.entry) for one in new],
        candidates,
        [_version(row) for row in others if row.id not in missing][:OTHERS],
    )
    return {new[at].keys.ident: post_id for at, post_id in found.items()}


def _missing(connection: Connection, feed_id: int, gone: Collection[bytes]) -> set[int]:
    """Posts whose keys are gone, but for those that an earlier batch of this reading found again."""
    rows = [
        row
        for some in in_chunks(sorted(gone))
        for row in connection.execute(
            select(post_keys.c.post_id).where(post_keys.c.feed_id == feed_id, post_keys.c.hash.in_(some))
        )
    ]
    missing = {row.post_id for row in rows}
    last_end = select(feeds.c.attempted_at).where(feeds.c.id == feed_id).scalar_subquery()
    for some in in_chunks(sorted(missing)):
        missing -= set(
            connection.execute(
                select(post_keys.c.post_id).where(post_keys.c.post_id.in_(some), post_keys.c.last_seen_at > last_end)
            ).scalars()
        )
    return missing


def _versions(connection: Connection, post_ids: Collection[int], new: Sequence[Identified]) -> dict[int, Version]:
    columns = select(posts.c.id, posts.c.title, posts.c.published_at, posts.c.content, posts.c.summary)
    if len(post_ids) > COMPARED:
        titles = {one.entry.title for one in new if one.entry.title}
        instants = {one.entry.published for one in new if one.entry.published}
        columns = columns.where(or_(posts.c.title.in_(titles), posts.c.published_at.in_(instants)))
    return {
        row.id: _version(row)
        for some in in_chunks(sorted(post_ids))
        for row in connection.execute(columns.where(posts.c.id.in_(some)))
    }


def _version(row: Any) -> Version:
    return Version.of(Entry(title=row.title, published=row.published_at, content=row.content, summary=row.summary))


def correct_date(connection: Connection, post_id: int, entry: Entry, effective_at: datetime) -> bool:
    """Give a post the date that its archive has now; True when it had another one.

    An archive's date is its owner's word. Publishers of feeds re-date what they like, and are not followed.
    """
    if entry.published is None:
        return False
    changed = connection.execute(
        update(posts)
        .where(posts.c.id == post_id, or_(posts.c.published_at.is_(None), posts.c.published_at != entry.published))
        .values(published_at=entry.published, date_only=entry.date_only, effective_at=effective_at)
    ).rowcount
    return bool(changed)
