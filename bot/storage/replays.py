"""Slots of replays: which were filled, and what is left to fill them with. Functions of a transaction."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, insert, select

from bot import routing
from bot.model import DeliveryClass, Subscription, Verdict
from bot.routing import Decision
from bot.storage import records, stories
from bot.storage.enqueue import enqueue, keep_verdicts
from bot.storage.schema import deliveries, posts, replays, subscriptions, verdicts


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored post that its chat never got."""

    id: int
    effective_at: datetime


def is_free(connection: Connection, subscription_id: int, slot: datetime) -> bool:
    """Whether a slot is still to be filled. One from before the route was made is not: the route starts at now."""
    is_route_older = select(subscriptions.c.id).where(
        subscriptions.c.id == subscription_id, subscriptions.c.created_at <= slot
    )
    taken = select(replays.c.slot_at).where(replays.c.subscription_id == subscription_id, replays.c.slot_at == slot)
    return connection.execute(is_route_older).first() is not None and connection.execute(taken).first() is None


def unpublished(connection: Connection, subscription: Subscription) -> list[Candidate]:
    """What a chat never got of a feed, oldest first; posts that wait for a person are left out."""
    target = select(subscriptions.c.target_id).where(subscriptions.c.id == subscription.id).scalar_subquery()
    only = subscription.channel.only
    rows = connection.execute(
        select(posts.c.id, posts.c.effective_at)
        .where(
            posts.c.feed_id == subscription.feed.id,
            posts.c.held.is_(None),
            ~exists().where(deliveries.c.post_id == posts.c.id, deliveries.c.target_id == target),
            ~exists().where(
                verdicts.c.post_id == posts.c.id,
                verdicts.c.target_id == target,
                verdicts.c.verdict.in_([Verdict.DUPLICATE, Verdict.FILTERED]),
            ),
            *([posts.c.language.in_(only)] if only else []),
        )
        .order_by(posts.c.effective_at, posts.c.id)
    )
    return [Candidate(row.id, row.effective_at) for row in rows]


def reject(connection: Connection, subscription: Subscription, post_id: int) -> bool:
    """Whether a post's words keep it out, or its story is told; it gets its verdict, and is not ``unpublished``."""
    row = connection.execute(select(posts).where(posts.c.id == post_id)).one()
    reason = routing.rejection(records.post_of(row).entry, subscription)
    decision = Decision(Verdict.FILTERED, reason) if reason is not None else None
    if told := stories.find_told(connection, subscription, [post_id]).get(post_id):
        decision = Decision(Verdict.DUPLICATE, told.reason)
    if decision is not None:
        keep_verdicts(connection, subscription, {post_id: decision})
    return decision is not None


def fill(connection: Connection, subscription: Subscription, slot: datetime, post_id: int | None, now: datetime) -> int:
    """Note that a slot is done, and enqueue its post; 0 where another process was first or there is no post."""
    if not is_free(connection, subscription.id, slot):
        return 0
    connection.execute(insert(replays).values(subscription_id=subscription.id, slot_at=slot, post_id=post_id))
    if post_id is None:
        return 0
    return enqueue(connection, subscription, now, DeliveryClass.REPLAY, [post_id])
