"""What a channel got, with where it stands in its chat: rows for the channel as a feed. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from bot.model import DeliveryState, Message, Post
from bot.storage import records
from bot.storage.schema import deliveries, feeds, posts, targets


@dataclass(frozen=True, slots=True)
class SentPost:
    """A post as it went to a channel."""

    delivery_id: int
    chat: str  #: as written in feeds.yaml
    chat_id: int
    message_id: int  #: of its first part
    parts: tuple[Message, ...]
    sent_at: datetime
    post: Post


def sent_posts(connection: Connection, bot_id: int, channel: str, limit: int) -> list[SentPost]:
    """The last posts that reached a channel, the newest first."""
    columns = [column.label(f"post_{column.name}") for column in posts.c]
    rows = connection.execute(
        select(
            deliveries.c.id,
            deliveries.c.message_ids,
            deliveries.c.parts,
            deliveries.c.sent_at,
            targets.c.chat,
            targets.c.chat_id,
            feeds.c.title.label("feed_title"),
            *columns,
        )
        .join(targets, targets.c.id == deliveries.c.target_id)
        .join(posts, posts.c.id == deliveries.c.post_id)
        .join(feeds, feeds.c.id == posts.c.feed_id)
        .where(
            targets.c.bot_id == bot_id,
            targets.c.channel == channel,
            deliveries.c.state == DeliveryState.SENT,
            deliveries.c.sent_at.is_not(None),
        )
        .order_by(deliveries.c.sent_at.desc(), deliveries.c.id.desc())
        .limit(limit)
    )
    return [
        SentPost(
            delivery_id=row.id,
            chat=row.chat,
            chat_id=row.chat_id,
            message_id=row.message_ids[0],
            parts=tuple(records.message_of(part) for part in row.parts),
            sent_at=row.sent_at,
            post=records.post_of(row, "post_"),
        )
        for row in rows
        if row.message_ids
    ]
