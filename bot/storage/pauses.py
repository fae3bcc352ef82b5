"""What an admin paused, and what waits for it. Functions of a transaction; ``outbox/gate.py`` obeys, ``admin/`` talks.

A paused feed is still read: what is new is stored and put into the outbox, and stays there until it is resumed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Select, delete, or_, select, update

from bot.model import DeliveryState, Wait
from bot.storage.dialects import upsert
from bot.storage.schema import deliveries, feed_names, lanes, pauses, posts, subscriptions, targets

#: What waits for somebody to resume it is looked at again after this.
LOOK_AGAIN = timedelta(days=1)


class Kind(StrEnum):
    """What may be paused."""

    FEED = "feed"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Pause:
    """A feed or channel of feeds.yaml that nothing goes out from, or to."""

    kind: Kind
    name: str
    since: datetime
    until: datetime | None = None  #: None: until somebody resumes it
    feed_id: int | None = None  #: of a feed: what its posts are known by


def load(connection: Connection, bot_id: int, now: datetime) -> list[Pause]:
    """The pauses in force, in the order in which they began."""
    rows = connection.execute(
        select(*pauses.c, feed_names.c.feed_id)
        .outerjoin(feed_names, (feed_names.c.name == pauses.c.name) & (pauses.c.kind == Kind.FEED))
        .where(pauses.c.bot_id == bot_id, or_(pauses.c.until.is_(None), pauses.c.until > now))
        .order_by(pauses.c.since, pauses.c.name)
    )
    return [Pause(Kind(row.kind), row.name, row.since, row.until, row.feed_id) for row in rows]


def begin(connection: Connection, bot_id: int, pause: Pause, now: datetime) -> int:
    """Pause a feed or a channel; what waits there waits for it from now on. Return how many posts that is."""
    upsert(
        connection, pauses, {"bot_id": bot_id, "kind": pause.kind, "name": pause.name},
        {"since": pause.since, "until": pause.until},
    )  # fmt: skip
    _forget_past(connection, bot_id, now)
    return connection.execute(
        update(deliveries)
        .where(
            deliveries.c.id.in_(_concerned(bot_id, pause)),
            deliveries.c.state == DeliveryState.PENDING,
            deliveries.c.attempts == 0,
            or_(deliveries.c.wait.is_(None), deliveries.c.wait != Wait.SCHEDULED),
        )
        .values(wait=Wait.PAUSED, due_at=pause.until or now + LOOK_AGAIN)
    ).rowcount


def end(connection: Connection, bot_id: int, pause: Pause, now: datetime) -> int | None:
    """Let it go on; return how many posts waited. None where it was not paused."""
    ended = connection.execute(
        delete(pauses).where(pauses.c.bot_id == bot_id, pauses.c.kind == pause.kind, pauses.c.name == pause.name)
    ).rowcount
    if not ended:
        return None
    waiting = list(
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.id.in_(_concerned(bot_id, pause)),
                deliveries.c.state == DeliveryState.PENDING,
                deliveries.c.wait == Wait.PAUSED,
            )
            .values(wait=None, due_at=now)
            .returning(deliveries.c.target_id)
        ).scalars()
    )
    chat_ids = select(targets.c.chat_id).where(targets.c.id.in_(set(waiting)))
    connection.execute(
        update(lanes)
        .where(
            lanes.c.bot_id == bot_id,
            lanes.c.chat_id.in_(chat_ids),
            or_(lanes.c.next_at.is_(None), lanes.c.next_at > now),
        )
        .values(next_at=now)
    )
    return len(waiting)


def _concerned(bot_id: int, pause: Pause) -> Select[tuple[Any]]:
    """The deliveries that a pause is about."""
    if pause.kind is Kind.CHANNEL:
        return (
            select(deliveries.c.id)
            .join(targets, targets.c.id == deliveries.c.target_id)
            .where(targets.c.bot_id == bot_id, targets.c.channel == pause.name)
        )
    feed_id = select(feed_names.c.feed_id).where(feed_names.c.name == pause.name).scalar_subquery()
    return (
        select(deliveries.c.id)
        .join(posts, posts.c.id == deliveries.c.post_id)
        .join(subscriptions, subscriptions.c.id == deliveries.c.subscription_id)
        .where(
            deliveries.c.bot_id == bot_id,
            posts.c.feed_id == feed_id,
            or_(subscriptions.c.own, subscriptions.c.feed_name == pause.name),
        )
    )


def _forget_past(connection: Connection, bot_id: int, now: datetime) -> None:
    connection.execute(delete(pauses).where(pauses.c.bot_id == bot_id, pauses.c.until <= now))
