"""What the admins of a channel post there by hand: posts of the chat itself, so that they are found and not repeated.

Functions of a transaction. Called by ``bot/commands/hand_posts.py`` for each post of a channel that is not ours.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from bot import identity
from bot.model import DeliveryState, Entry, FeedKind, Verdict
from bot.storage import search, stories
from bot.storage.dialects import upsert_all
from bot.storage.schema import deliveries, feeds, post_keys, posts, targets, verdicts

#: The reason that `qasedak posts` and `why` show.
BY_HAND = "an admin posted it by hand"
_NEVER = "its chat is not read: what is posted there comes by itself"


def keep(
    connection: Connection,
    bot_id: int,
    chat_id: int,
    title: str,
    entry: Entry,
    links: Sequence[str],
    now: datetime,
    compared: Sequence[int],
) -> int | None:
    """Keep a post of a channel's admin, or what an edit made of it; take back what waits and links to the same.

    None for a chat that no channel of feeds.yaml leads to. *title* is the chat's; *compared* are the subscriptions
    whose ``same_story`` is not off.
    """
    there = select(targets.c.id).where(
        targets.c.bot_id == bot_id, targets.c.chat_id == chat_id, targets.c.channel != ""
    )
    here = list(connection.execute(there).scalars())
    if not here:
        return None
    feed_id = _feed_of(connection, chat_id, title, now)
    post_id = _store(connection, feed_id, entry, now)
    search.put_down(connection, [post_id])
    stories.remember(connection, [post_id])
    rows = [{"post_id": post_id, "target_id": each, "verdict": Verdict.DELIVERED, "reason": BY_HAND} for each in here]
    upsert_all(connection, verdicts, rows, ["post_id", "target_id"])
    hashes = sorted({key for link in links if (key := identity.link_key(link))})
    keys = [{"feed_id": feed_id, "kind": "L", "hash": key, "post_id": post_id, "last_seen_at": now} for key in hashes]
    upsert_all(connection, post_keys, keys, ["feed_id", "kind", "hash"])
    _take_back(connection, compared, hashes)
    return post_id


def _feed_of(connection: Connection, chat_id: int, title: str, now: datetime) -> int:
    """The chat as a feed of its own: it has no name, is never asked, and holds the posts."""
    key = {"kind": FeedKind.CHAT, "url": address(chat_id)}
    found: int | None = connection.execute(select(feeds.c.id).filter_by(**key)).scalar()
    if found is None:
        values = {"title": title, "host": "", "next_check_at": now, "next_check_why": _NEVER, "baseline_at": now}
        found = connection.execute(insert(feeds).values(**key, **values).returning(feeds.c.id)).scalar_one()
    return found


def address(chat_id: int) -> str:
    """What a chat has in the place of a feed's address."""
    return f"chat {chat_id}"


def _store(connection: Connection, feed_id: int, entry: Entry, now: datetime) -> int:
    values: dict[str, Any] = {
        "title": entry.title,
        "link": entry.link,
        "updated_at": entry.updated,
        "author": entry.author,
        "language": entry.language,
        "content": entry.content,
        "body": identity.keys_of(entry, None, None).body,
    }
    found = connection.execute(
        update(posts)
        .where(posts.c.feed_id == feed_id, posts.c.ident == entry.guid)
        .values(**values, version=posts.c.version + 1)
        .returning(posts.c.id)
    ).scalar()
    if found is not None:
        return int(found)
    stored: int = connection.execute(
        insert(posts)
        .values(
            feed_id=feed_id, ident=entry.guid, published_at=entry.published, date_only=False, tags=[], enclosures=[],
            flags=[], first_seen_at=now, effective_at=entry.published or now, is_old=False, **values,
        )
        .returning(posts.c.id)
    ).scalar_one()  # fmt: skip
    return stored


def _take_back(connection: Connection, compared: Sequence[int], hashes: Sequence[bytes]) -> None:
    """What waits and was never tried, and links to the same pages, is a duplicate now."""
    if not compared or not hashes:
        return
    rows = connection.execute(
        select(deliveries.c.id, deliveries.c.post_id, deliveries.c.target_id)
        .join(post_keys, post_keys.c.post_id == deliveries.c.post_id)
        .where(
            deliveries.c.subscription_id.in_(compared),
            deliveries.c.kind == "post",
            deliveries.c.state == DeliveryState.PENDING,
            deliveries.c.attempt_at.is_(None),
            post_keys.c.kind == "L",
            post_keys.c.hash.in_(hashes),
        )
    ).all()
    taken = [row.id for row in rows]
    connection.execute(delete(deliveries).where(deliveries.c.id.in_(taken)))
    reason = "it links to the same page as what was posted there by hand"
    upsert_all(
        connection,
        verdicts,
        [
            {"post_id": row.post_id, "target_id": row.target_id, "verdict": Verdict.DUPLICATE, "reason": reason}
            for row in rows
        ],
        ["post_id", "target_id"],
    )
