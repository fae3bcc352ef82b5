"""Messages that are to be changed in place: asked for with the change of a post, done by whoever holds the lane.

Functions of a transaction. To change a message twice to the same words harms nothing, so a crash costs nothing: the
wish stays until it is known to be done.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, literal, or_, select, update

from bot.model import Delivery, DeliveryState, Message
from bot.storage import lane_heads, records
from bot.storage.dialects import insert_into
from bot.storage.lanes import Lane
from bot.storage.schema import deliveries, edits, lanes, mentions, targets

#: Older messages stay as they are (polling.md, section 2): nobody reads them again, and some chats would be surprised.
EDITABLE = timedelta(hours=48)
#: Where a wish is kept: what is not out yet may have been rendered a moment ago.
_WISHED = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNCERTAIN, DeliveryState.SENT)


@dataclass(frozen=True, slots=True)
class Edit:
    """A message that is out and is to be looked at again. ``asked`` grows with every wish."""

    delivery: Delivery
    sent_at: datetime
    asked: int
    attempts: int


def ask(connection: Connection, subscription_ids: Collection[int], post_ids: Collection[int], now: datetime) -> None:
    """Have the messages of posts looked at again that went, or will go, by these routes."""
    if subscription_ids and post_ids:
        _ask(connection, deliveries.c.subscription_id.in_(subscription_ids) & deliveries.c.post_id.in_(post_ids), now)


def mention(connection: Connection, told: Mapping[int, int], now: datetime) -> None:
    """Have messages name posts: *told* holds by post the delivery that is to name it."""
    rows = [{"delivery_id": delivery_id, "post_id": post_id} for post_id, delivery_id in told.items()]
    if rows:
        connection.execute(insert_into(connection, mentions).on_conflict_do_nothing(), rows)
        _ask(connection, deliveries.c.id.in_(set(told.values())), now)


def _ask(connection: Connection, chosen: ColumnElement[bool], now: datetime) -> None:
    wished = select(deliveries.c.id, literal(now, edits.c.due_at.type), literal(1)).where(
        chosen,
        deliveries.c.kind == "post",
        deliveries.c.state.in_(_WISHED),
        or_(deliveries.c.sent_at.is_(None), deliveries.c.sent_at > now - EDITABLE),
    )
    statement = insert_into(connection, edits).from_select(["delivery_id", "due_at", "asked"], wished)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["delivery_id"], set_={"due_at": now, "asked": edits.c.asked + 1, "attempts": 0}
        )
    )
    chats = select(targets.c.chat_id).join(deliveries, deliveries.c.target_id == targets.c.id).where(chosen)
    bots = select(deliveries.c.bot_id).where(chosen)
    connection.execute(
        update(lanes)
        .where(lanes.c.bot_id.in_(bots), lanes.c.chat_id.in_(chats))
        .where(or_(lanes.c.next_at.is_(None), lanes.c.next_at > now))
        .values(next_at=now)
    )


def due(connection: Connection, lane: Lane, now: datetime, *, limit: int) -> list[Edit]:
    """What is to be changed in a lane's chat now, in the order in which it was sent."""
    rows = connection.execute(
        select(edits.c.delivery_id, edits.c.asked, edits.c.attempts, deliveries.c.sent_at)
        .join(deliveries, deliveries.c.id == edits.c.delivery_id)
        .where(_is_in(lane), edits.c.due_at <= now, deliveries.c.state == DeliveryState.SENT)
        .order_by(deliveries.c.sent_at, deliveries.c.id)
        .limit(limit)
    ).all()
    found = lane_heads.load(connection, deliveries.c.id.in_([row.delivery_id for row in rows]), limit=limit)
    by_id = {delivery.id: delivery for delivery in found}
    return [Edit(by_id[row.delivery_id], row.sent_at, row.asked, row.attempts) for row in rows]


def changed(connection: Connection, edit: Edit, parts: Sequence[Message], now: datetime) -> None:
    """One part of a message says something else now; what the page shows follows."""
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == edit.delivery.id)
        .values(parts=[records.json_of(part) for part in parts])
    )
    connection.execute(
        update(edits).where(edits.c.delivery_id == edit.delivery.id).values(edited_at=now, attempts=0, error=None)
    )


def done(connection: Connection, edit: Edit, reason: str | None = None) -> None:
    """Nothing more is to be changed, or it cannot be, for the reason given; a newer wish stays."""
    connection.execute(
        update(edits)
        .where(edits.c.delivery_id == edit.delivery.id, edits.c.asked == edit.asked)
        .values(due_at=None, attempts=0, error=reason)
    )


def put_off(connection: Connection, edit: Edit, due_at: datetime, error: str) -> None:
    """Try again at *due_at*."""
    connection.execute(
        update(edits)
        .where(edits.c.delivery_id == edit.delivery.id)
        .values(due_at=due_at, attempts=edits.c.attempts + 1, error=error)
    )


def _is_in(lane: Lane) -> ColumnElement[bool]:
    in_lane = select(targets.c.id).where(targets.c.bot_id == lane.bot_id, targets.c.chat_id == lane.chat_id)
    # + 0: the few edits are to be looked at, not all deliveries of the chat.
    return (deliveries.c.target_id + 0).in_(in_lane)
