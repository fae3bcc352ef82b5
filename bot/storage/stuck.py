"""Deliveries that are a person's business: sent twice perhaps, left out, or put into the queue by hand.

Functions of a transaction. What is tried again is ``lanes.revive``'s; what is in trouble, ``overview.troubles`` lists.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, select, update

from bot.model import PREVIEW_BOT, Delivery, DeliveryClass, DeliveryState, Subscription
from bot.storage import lanes
from bot.storage.dialects import upsert
from bot.storage.enqueue import enqueue
from bot.storage.lanes import Lane
from bot.storage.schema import deliveries, doubles, posts, subscriptions, verdicts

#: What may be left out: nobody is sending it, and nobody is finding out whether it was sent.
_MAY_BE_DROPPED = (DeliveryState.PENDING, DeliveryState.HELD, DeliveryState.DEAD)


class Posted(StrEnum):
    """What became of a post that an admin wants sent now."""

    QUEUED = "queued"
    WAITS = "waits"  #: it was in the queue before
    SENT = "sent"  #: it is there already
    GONE = "gone"  #: there is no such post or route any more


def send_again(connection: Connection, lane: Lane, delivery: Delivery, due_at: datetime, now: datetime) -> None:
    """uncertain -> pending, unseen: the chat may get it twice, and an admin is told so.

    Raises: LeaseLost.
    """
    lanes.put_back(connection, lane, delivery, due_at, "sent again: the first try may have arrived")
    if lane.bot_id != PREVIEW_BOT:
        upsert(connection, doubles, {"delivery_id": delivery.id}, {"at": now})


def was_sent_again(connection: Connection, delivery_id: int) -> bool:
    """Whether a try without a clear answer was repeated before."""
    return connection.execute(select(doubles.c.at).where(doubles.c.delivery_id == delivery_id)).first() is not None


def drop(connection: Connection, bot_id: int, ids: Sequence[int], reason: str) -> int:
    """pending, held or dead -> dropped; return how many that were."""
    return connection.execute(
        update(deliveries)
        .where(deliveries.c.bot_id == bot_id, deliveries.c.id.in_(ids), deliveries.c.state.in_(_MAY_BE_DROPPED))
        .values(state=DeliveryState.DROPPED, error=reason, wait=None)
    ).rowcount


def post_now(connection: Connection, subscription: Subscription, post_id: int, now: datetime) -> Posted:
    """Put one stored post into the outbox, whatever was decided about it; who asks for it has approved it."""
    route = connection.execute(
        select(subscriptions.c.bot_id, subscriptions.c.target_id).where(
            subscriptions.c.id == subscription.id, subscriptions.c.active
        )
    ).first()
    if route is None or connection.execute(select(posts.c.id).where(posts.c.id == post_id)).first() is None:
        return Posted.GONE
    here = (deliveries.c.target_id == route.target_id, deliveries.c.post_id == post_id, deliveries.c.kind == "post")
    there = connection.execute(select(deliveries.c.id, deliveries.c.state).where(*here)).first()
    if there is not None and there.state == DeliveryState.SENT:
        return Posted.SENT
    if there is not None and there.state in (DeliveryState.DEAD, DeliveryState.HELD, DeliveryState.DROPPED):
        connection.execute(
            update(deliveries).where(deliveries.c.id == there.id).values(state=DeliveryState.DEAD, digest_id=None)
        )
        lanes.revive(connection, route.bot_id, [there.id], now)
        return Posted.QUEUED
    if there is not None:
        return Posted.WAITS
    enqueue(connection, subscription, now, DeliveryClass.LIVE, [post_id])
    connection.execute(update(deliveries).where(*here).values(approved_at=now))
    connection.execute(delete(verdicts).where(verdicts.c.post_id == post_id, verdicts.c.target_id == route.target_id))
    return Posted.QUEUED
