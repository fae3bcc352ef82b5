"""What digests are made of and which were made. Functions of a transaction; ``outbox/digester.py`` decides."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select, update

from bot.model import Delivery, DeliveryClass, DeliveryState, Message, Post, Wait
from bot.storage import records
from bot.storage.browse import message_link
from bot.storage.enqueue import wake_lane
from bot.storage.schema import deliveries, digests, feeds, posts, subscriptions, targets

#: The plan of digests of what had no room in an hour.
OVERFLOW = "overflow"


@dataclass(frozen=True, slots=True)
class Slot:
    """One time of a plan of one chat."""

    target_id: int
    plan: str
    at: datetime
    end: datetime  #: what came until then is told


@dataclass(frozen=True, slots=True)
class Told:
    """A delivery that a digest tells of: a post that was sent, or that waits to be told."""

    delivery_id: int
    post_id: int
    feed_id: int
    subscription_id: int
    at: datetime  #: of the post itself
    link: str | None  #: of our message, where it has an address
    is_waiting: bool  #: the digest takes its place


def targets_of(connection: Connection, subscription_ids: Collection[int]) -> dict[int, int]:
    """The target of each subscription."""
    rows = connection.execute(
        select(subscriptions.c.id, subscriptions.c.target_id).where(subscriptions.c.id.in_(subscription_ids))
    )
    return {row.id: row.target_id for row in rows}


def last_done(connection: Connection, target_id: int, plan: str) -> Slot | None:
    """The last slot of a plan that is done."""
    row = connection.execute(
        select(digests.c.slot_at, digests.c.end_at)
        .where(digests.c.target_id == target_id, digests.c.plan == plan)
        .order_by(digests.c.slot_at.desc())
        .limit(1)
    ).first()
    return Slot(target_id, plan, row.slot_at, row.end_at) if row else None


def collect(
    connection: Connection, target_id: int, subscription_ids: Collection[int], begin: datetime, end: datetime
) -> list[Told]:
    """What a chat got of these subscriptions in a period, alone or in an overflow, and what waits for the digest.

    Old posts that were brought back are no news; those of a backfill are told only where they wait.
    """
    is_sent = and_(
        deliveries.c.state == DeliveryState.SENT,
        deliveries.c.turn == DeliveryClass.LIVE,
        deliveries.c.sent_at >= begin,
        deliveries.c.sent_at < end,
    )
    is_overflow = and_(digests.c.plan == OVERFLOW, digests.c.slot_at >= begin, digests.c.slot_at < end)
    is_waiting = and_(
        deliveries.c.state == DeliveryState.PENDING,
        deliveries.c.wait == Wait.DIGEST,
        deliveries.c.created_at < end,
    )
    return _told(connection, target_id, subscription_ids, or_(is_sent, is_overflow, is_waiting))


def overflowing(connection: Connection, delivery: Delivery) -> list[Told]:
    """What waits beside a delivery for room in the hour, itself included."""
    waits = and_(
        deliveries.c.state == DeliveryState.PENDING,
        deliveries.c.wait == Wait.OVERFLOW,
        deliveries.c.attempts == 0,
    )
    return _told(connection, delivery.target_id, None, waits)


def _told(
    connection: Connection, target_id: int, subscription_ids: Collection[int] | None, condition: ColumnElement[bool]
) -> list[Told]:
    of_some = [] if subscription_ids is None else [deliveries.c.subscription_id.in_(subscription_ids)]
    rows = connection.execute(
        select(
            deliveries.c.id, deliveries.c.post_id, deliveries.c.subscription_id, deliveries.c.state,
            deliveries.c.message_ids, posts.c.feed_id, posts.c.effective_at, targets.c.chat, targets.c.chat_id,
            targets.c.thread, targets.c.bot_id,
        )
        .join(posts, posts.c.id == deliveries.c.post_id)
        .join(targets, targets.c.id == deliveries.c.target_id)
        .outerjoin(digests, digests.c.id == deliveries.c.digest_id)
        .where(deliveries.c.target_id == target_id, deliveries.c.kind == "post", *of_some, condition)
        .order_by(deliveries.c.id)
    )  # fmt: skip
    return [
        Told(
            delivery_id=row.id,
            post_id=row.post_id,
            feed_id=row.feed_id,
            subscription_id=row.subscription_id,
            at=row.effective_at,
            # What the preview numbered is nowhere else.
            link=message_link(row.chat, row.chat_id, row.thread, row.message_ids) if row.bot_id else None,
            is_waiting=row.state == DeliveryState.PENDING,
        )
        for row in rows
    ]


def load_posts(connection: Connection, post_ids: Collection[int]) -> dict[int, Post]:
    """Posts with their words."""
    rows = connection.execute(
        select(*posts.c, feeds.c.title.label("feed_title"))
        .join(feeds, feeds.c.id == posts.c.feed_id)
        .where(posts.c.id.in_(post_ids))
    )
    return {row.id: records.post_of(row) for row in rows}


class Changed(Exception):
    """What was to be told is no longer as it was: nothing is done, and the next look decides anew."""


def skip(connection: Connection, slot: Slot) -> None:
    """Note that a slot is done without a message."""
    _note(connection, slot, 0)


def make(
    connection: Connection,
    slot: Slot,
    told: Sequence[Told],
    subscription_id: int,
    parts: Sequence[Message],
    now: datetime,
) -> bool:
    """Put a digest into the outbox, in the place of what waited for it; False where that was done before.

    Raises: Changed.
    """
    digest_id = _note(connection, slot, len(told))
    if digest_id is None:
        return False
    waiting = [each.delivery_id for each in told if each.is_waiting]
    if _take(connection, waiting, digest_id) != len(waiting):
        raise Changed
    bot_id = select(targets.c.bot_id).where(targets.c.id == slot.target_id).scalar_subquery()
    connection.execute(
        insert(deliveries).values(
            bot_id=bot_id,
            target_id=slot.target_id,
            kind="digest",
            digest_id=digest_id,
            subscription_id=subscription_id,
            turn=DeliveryClass.LIVE,
            state=DeliveryState.PENDING,
            due_at=now,
            parts=[records.json_of(part) for part in parts],
            message_ids=[],
            created_at=now,
        )
    )
    wake_lane(connection, subscription_id, now)
    return True


def _note(connection: Connection, slot: Slot, count: int) -> int | None:
    """Write a slot down; None where it is there already."""
    of_slot = (digests.c.target_id == slot.target_id, digests.c.plan == slot.plan, digests.c.slot_at == slot.at)
    if connection.execute(select(digests.c.id).where(*of_slot)).first() is not None:
        return None
    row = {"target_id": slot.target_id, "plan": slot.plan, "slot_at": slot.at, "end_at": slot.end, "posts": count}
    return int(connection.execute(insert(digests).values(row).returning(digests.c.id)).scalar_one())


def _take(connection: Connection, waiting: Sequence[int], digest_id: int) -> int:
    return connection.execute(
        update(deliveries)
        .where(
            deliveries.c.id.in_(waiting),
            deliveries.c.state == DeliveryState.PENDING,
            deliveries.c.wait.in_([Wait.DIGEST, Wait.OVERFLOW]),
        )
        .values(state=DeliveryState.DROPPED, digest_id=digest_id, wait=None, error="told in a digest")
    ).rowcount
