"""Which entries of a reading are not stored yet: their articles may be worth fetching. Changes nothing."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from bot.model import Keys
from bot.storage.dialects import in_chunks
from bot.storage.schema import post_keys


def unmet(connection: Connection, feed_id: int, entries: Sequence[Keys]) -> list[Keys]:
    """Those of the *entries* whose own key the feed never had, in their order.

    ``ingest.py`` may still know one again by another key; then its article was fetched for nothing, once.
    """
    own = {keys: keys.guid or keys.link or keys.content for keys in entries}
    wanted = sorted(set(own.values()))
    known: set[bytes] = set()
    for some in in_chunks(wanted):
        found = select(post_keys.c.hash).where(post_keys.c.feed_id == feed_id, post_keys.c.hash.in_(some))
        known |= {bytes(digest) for digest in connection.execute(found).scalars()}
    return [keys for keys in entries if own[keys] not in known]
