"""Digests that subscribers chose: whose is due, and what it is made of. Functions of a transaction.

A chat's next time stands in its row, so that a look costs what is due and not what there is. ``digests.py`` keeps what
was made, for channels and subscribers alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from bot.model import ChatOptions, DeliveryState, Wait
from bot.storage import records
from bot.storage.schema import chats, deliveries, lanes, subscriptions, targets


@dataclass(frozen=True, slots=True)
class DueChat:
    """A chat whose digest's time has come."""

    bot_id: int
    chat_id: int
    options: ChatOptions


@dataclass(frozen=True, slots=True)
class DuePlace:
    """One target of such a chat, with what it follows."""

    target_id: int
    thread: int
    subscription_ids: tuple[int, ...]


def due(connection: Connection, bot_id: int, now: datetime, limit: int) -> list[DueChat]:
    """The chats whose time has come, longest waiting first."""
    rows = connection.execute(
        select(chats)
        .where(chats.c.bot_id == bot_id, chats.c.next_digest_at <= now)
        .order_by(chats.c.next_digest_at)
        .limit(limit)
    )
    return [DueChat(row.bot_id, row.chat_id, records.options_of(row.options, row.language)) for row in rows]


def places(connection: Connection, chat: DueChat) -> list[DuePlace]:
    """What is followed in the places of a chat."""
    rows = connection.execute(
        select(targets.c.id, targets.c.thread, subscriptions.c.id.label("subscription_id"))
        .join(subscriptions, subscriptions.c.target_id == targets.c.id)
        .where(targets.c.bot_id == chat.bot_id, targets.c.chat_id == chat.chat_id)
        .where(subscriptions.c.own, subscriptions.c.active)
        .order_by(targets.c.id, subscriptions.c.id)
    )
    found: dict[tuple[int, int], list[int]] = {}
    for row in rows:
        found.setdefault((row.id, row.thread), []).append(row.subscription_id)
    return [DuePlace(target_id, thread, tuple(ids)) for (target_id, thread), ids in found.items()]


def plan_next(connection: Connection, bot_id: int, chat_id: int, at: datetime | None) -> None:
    """Keep when a chat's next digest is due; None: it gets none."""
    connection.execute(
        update(chats).where(chats.c.bot_id == bot_id, chats.c.chat_id == chat_id).values(next_digest_at=at)
    )


def reconsider(connection: Connection, bot_id: int, chat_id: int, now: datetime) -> None:
    """Have what waits for a chat's digest looked at again: it chose another time, or none."""
    there: Sequence[int] = (
        connection.execute(select(targets.c.id).where(targets.c.bot_id == bot_id, targets.c.chat_id == chat_id))
        .scalars()
        .all()
    )
    waiting = (
        deliveries.c.target_id.in_(there),
        deliveries.c.state == DeliveryState.PENDING,
        deliveries.c.wait == Wait.DIGEST,
    )
    if connection.execute(update(deliveries).where(*waiting).values(due_at=now)).rowcount:
        connection.execute(
            update(lanes).where(lanes.c.bot_id == bot_id, lanes.c.chat_id == chat_id).values(next_at=now)
        )
