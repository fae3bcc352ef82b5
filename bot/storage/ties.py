"""Which message a delivery replies to, and which posts it names. Functions of a transaction that only reads."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, literal_column, select

from bot import identity
from bot.model import Delivery
from bot.storage.schema import deliveries, feed_names, feeds, mentions, post_keys, posts, targets

_MESSAGE = re.compile(r"https?://(?:t\.me|telegram\.me)/(?:c/(\d+)|([A-Za-z]\w+))/(?:\d+/)?(\d+)/?(?:\?.*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mention:
    """A post of another feed that tells the same story."""

    source: str
    link: str | None


@dataclass(frozen=True, slots=True)
class Ties:
    """What was found for one delivery."""

    reply_to: int | None = None  #: a message of the same chat
    mentions: tuple[Mention, ...] = ()


def find(connection: Connection, delivery: Delivery, links: Sequence[str]) -> Ties:
    """What a delivery is tied to now; *links* are those of its post, none where it shall not reply."""
    return Ties(_reply_to(connection, delivery, links) if links else None, _mentions(connection, delivery.id))


def _reply_to(connection: Connection, delivery: Delivery, links: Sequence[str]) -> int | None:
    """The message of the first link that leads to a post of this very chat, or to a message of it."""
    target = connection.execute(
        select(targets.c.id, targets.c.chat, targets.c.chat_id)
        .join(deliveries, deliveries.c.target_id == targets.c.id)
        .where(deliveries.c.id == delivery.id)
    ).one()
    hashes = {link: identity.link_key(link) for link in links}
    rows = connection.execute(
        select(post_keys.c.hash, deliveries.c.message_ids)
        .join(deliveries, deliveries.c.post_id == post_keys.c.post_id)
        # Not bound: SQLite takes a partial index only where it can read the condition.
        .where(post_keys.c.kind == literal_column("'L'"), post_keys.c.hash.in_(filter(None, hashes.values())))
        .where(deliveries.c.target_id == target.id, deliveries.c.sent_at.is_not(None), deliveries.c.id != delivery.id)
        .order_by(deliveries.c.id.desc())
    ).all()
    sent = {bytes(row.hash): row.message_ids[0] for row in rows if row.message_ids}
    for link in links:
        message_id = sent.get(hashes[link] or b"") or _message_of(link, target.chat, target.chat_id)
        if message_id is not None:
            return int(message_id)
    return None


def _message_of(link: str, chat: str, chat_id: int | None) -> int | None:
    """The number of the message that a t.me link names, where that is in this chat."""
    found = _MESSAGE.fullmatch(link)
    if not found:
        return None
    bare, name, number = found.groups()
    is_here = f"@{name}".lower() == chat.lower() if name else f"-100{bare}" == str(chat_id)
    return int(number) if is_here else None


def _mentions(connection: Connection, delivery_id: int) -> tuple[Mention, ...]:
    name = (
        select(func.min(feed_names.c.name))
        .where(feed_names.c.feed_id == feeds.c.id, feed_names.c.active)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(func.coalesce(feeds.c.title, name, "").label("source"), posts.c.link)
        .select_from(mentions)
        .join(posts, posts.c.id == mentions.c.post_id)
        .join(feeds, feeds.c.id == posts.c.feed_id)
        .where(mentions.c.delivery_id == delivery_id)
        .order_by(posts.c.id)
    )
    return tuple(Mention(row.source, row.link) for row in rows)
