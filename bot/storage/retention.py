"""What ``keep`` lets go: the texts of posts that left their feed long ago. Functions of a transaction.

Never identities: a post that returns after years is known, and its title, link, dates and verdicts stay. Archives are
not touched, since their files are their owner's, nor what admins posted by hand. Found by a reader, dropped by the
writer, so that no transaction is long.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, exists, or_, select, update

from bot.model import DeliveryState, FeedKind
from bot.storage import search
from bot.storage.schema import deliveries, feeds, post_keys, posts

#: Posts let go in one transaction.
CHUNK = 200
#: What still has to be rendered keeps its words.
_UNDONE = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNCERTAIN, DeliveryState.HELD)


def find(connection: Connection, before: datetime, after_id: int) -> tuple[list[int], int | None]:
    """The next posts behind *after_id* that no document of their feed showed since *before*, up to a chunk of them.

    With it where to go on; None at the end.
    """
    was_seen = exists().where(post_keys.c.post_id == posts.c.id, post_keys.c.last_seen_at >= before)
    is_waiting = exists().where(deliveries.c.post_id == posts.c.id, deliveries.c.state.in_(_UNDONE))
    rows = connection.execute(
        select(posts.c.id, posts.c.feed_id)
        .join(feeds, feeds.c.id == posts.c.feed_id)
        .where(
            feeds.c.kind == FeedKind.HTTP,
            posts.c.id > after_id,
            posts.c.first_seen_at < before,
            or_(posts.c.content.is_not(None), posts.c.summary.is_not(None), posts.c.article.is_not(None)),
            ~was_seen,
            ~is_waiting,
        )
        .order_by(posts.c.id)
        .limit(CHUNK)
    ).all()
    listed = _listed(connection, {row.feed_id for row in rows})
    return [row.id for row in rows if row.id not in listed], rows[-1].id if len(rows) == CHUNK else None


def _listed(connection: Connection, feed_ids: Collection[int]) -> set[int]:
    """Posts of the last document of their feeds: where that never changes, nothing is noted as seen."""
    packed = connection.execute(select(feeds.c.last_shown).where(feeds.c.id.in_(feed_ids))).scalars()
    return {int.from_bytes(each[at + 16 : at + 24]) for each in packed if each for at in range(0, len(each), 24)}


def drop(connection: Connection, post_ids: Collection[int]) -> None:
    """Let go of the texts of posts, in the search index too."""
    if post_ids:
        connection.execute(
            update(posts).where(posts.c.id.in_(post_ids)).values(summary=None, content=None, article=None)
        )
        search.put_down(connection, post_ids)
