"""What holds deliveries back before they are tried: put off, and looked at again. Functions of a transaction."""

from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from bot.model import Delivery, DeliveryState, Wait
from bot.storage import lanes
from bot.storage.lanes import Lane
from bot.storage.schema import deliveries
from bot.storage.schema import lanes as lane_table


def sent_since(connection: Connection, target_id: int, subscription_id: int | None, since: datetime) -> list[datetime]:
    """When a chat's deliveries of late went out, oldest first: all of them, or those of one subscription."""
    of_one = [] if subscription_id is None else [deliveries.c.subscription_id == subscription_id]
    rows = connection.execute(
        select(deliveries.c.sent_at)
        .where(
            deliveries.c.target_id == target_id,
            deliveries.c.sent_at > since,
            deliveries.c.state == DeliveryState.SENT,
            *of_one,
        )
        .order_by(deliveries.c.sent_at)
    )
    return list(rows.scalars())


def put_off(connection: Connection, lane: Lane, delivery: Delivery, wait: Wait, until: datetime) -> int:
    """Let a delivery, and all of its route that nobody has tried, wait until then; return how many that changed.

    Raises: LeaseLost.
    """
    lanes.require_lease(connection, lane)
    return connection.execute(
        update(deliveries)
        .where(
            deliveries.c.target_id == delivery.target_id,
            deliveries.c.subscription_id == delivery.subscription_id,
            deliveries.c.state == DeliveryState.PENDING,
            deliveries.c.due_at < until,
            or_(deliveries.c.attempts == 0, deliveries.c.id == delivery.id),
        )
        .values(due_at=until, wait=wait)
    ).rowcount


def reconsider(connection: Connection, bot_id: int, now: datetime) -> None:
    """Have everything that waits looked at again, since feeds.yaml may say something else now."""
    waiting = update(deliveries).where(
        deliveries.c.bot_id == bot_id,
        deliveries.c.state == DeliveryState.PENDING,
        deliveries.c.wait != Wait.SCHEDULED,
        deliveries.c.due_at > now,
    )
    if connection.execute(waiting.values(due_at=now)).rowcount:
        connection.execute(
            update(lane_table).where(lane_table.c.bot_id == bot_id, lane_table.c.next_at > now).values(next_at=now)
        )
