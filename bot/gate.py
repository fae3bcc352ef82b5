"""Between the outbox and the sender: whether a delivery may go now, or what it waits for.

The outbox asks of every delivery that is due. What may not go yet is put off to the time when it may, and with it
everything of its route: it leaves the lane to others and keeps its place among its own. ``hold`` is pure; ``Gate``
carries it out. Sends nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from bot.model import Channel, Delivery, Subscription, Wait
from bot.quiet_hours import quiet_until
from bot.storage import waits
from bot.storage.database import Database
from bot.storage.lanes import Lane

log = structlog.get_logger()

#: What ``max_per_hour`` counts in: any sixty minutes, not those of the clock, so that no two bursts meet.
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a delivery does not go yet, and until when."""

    wait: Wait
    until: datetime


def hold(channel: Channel, recent: Sequence[datetime], now: datetime) -> Hold | None:
    """What a delivery with the options of *channel* waits for; None where it may go.

    *recent* says when what counts in its budget went out, oldest first.
    """
    quiet_end = quiet_until(channel.quiet_hours, ZoneInfo(channel.timezone), now)
    if quiet_end:
        return Hold(Wait.QUIET, quiet_end)
    room_at = room_in_hour_at(channel.max_per_hour, recent, now)
    return Hold(Wait.BUDGET, room_at) if room_at > now else None


def room_in_hour_at(most: int | None, recent: Sequence[datetime], now: datetime) -> datetime:
    """When one more may go, if only *most* go in any hour.

    >>> from datetime import UTC
    >>> at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    >>> [room_in_hour_at(2, [at] * count, at + timedelta(minutes=50)).minute for count in (1, 2)]
    [50, 0]
    """
    if most is None or len(recent) < most:
        return now
    return max(now, recent[-most] + HOUR)


class Gate:
    """Holds deliveries back; knows nothing of how they are sent."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def opens(self, lane: Lane, delivery: Delivery, subscription: Subscription | None, now: datetime) -> bool:
        """Whether a delivery that is due may be sent now. Otherwise it is put off, and what is like it.

        One of which parts are out already goes on, and one without a route is the outbox's to drop.
        """
        if subscription is None or delivery.message_ids:
            return True
        recent: Sequence[datetime] = ()
        if subscription.channel.max_per_hour is not None:
            alone = delivery.subscription_id if subscription.has_own_budget else None
            recent = await self._database.read(waits.sent_since, delivery.target_id, alone, now - HOUR)
        held = hold(subscription.channel, recent, now)
        if held is None:
            return True
        count = await self._database.write(waits.put_off, lane, delivery, held.wait, held.until)
        if count:
            log.info("put off", chat_id=lane.chat_id, count=count, until=held.until.isoformat(), why=str(held.wait))
        return False
