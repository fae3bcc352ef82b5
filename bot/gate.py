"""Between the outbox and the sender: whether a delivery may go now, or what it waits for.

The outbox asks of every delivery that is due. What may not go yet is put off to the time when it may, and with it
everything of its route: it leaves the lane to others and keeps its place among its own. ``hold`` is pure; ``Gate``
carries it out. Sends nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from bot.model import Channel, Delivery, Subscription, Wait
from bot.quiet_hours import quiet_until
from bot.storage import waits
from bot.storage.database import Database
from bot.storage.lanes import Lane

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a delivery does not go yet, and until when."""

    wait: Wait
    until: datetime


def hold(channel: Channel, now: datetime) -> Hold | None:
    """What a delivery with the options of *channel* waits for; None where it may go."""
    quiet_end = quiet_until(channel.quiet_hours, ZoneInfo(channel.timezone), now)
    return Hold(Wait.QUIET, quiet_end) if quiet_end else None


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
        held = hold(subscription.channel, now)
        if held is None:
            return True
        count = await self._database.write(waits.put_off, lane, delivery, held.wait, held.until)
        if count:
            log.info("put off", chat_id=lane.chat_id, count=count, until=held.until.isoformat(), why=str(held.wait))
        return False
