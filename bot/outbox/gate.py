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

from bot.model import PREVIEW_BOT, Channel, Delivery, Overflow, Subscription, Wait
from bot.outbox import digest
from bot.outbox.digester import Digester
from bot.outbox.quiet_hours import quiet_until
from bot.storage import approvals, pauses, waits
from bot.storage.database import Database
from bot.storage.lanes import Lane
from bot.storage.pauses import Kind, Pause

log = structlog.get_logger()

#: What ``max_per_hour`` counts in: any sixty minutes, not those of the clock, so that no two bursts meet.
HOUR = timedelta(hours=1)
#: What admins paused is asked for this often; it may be another process that they talk to.
PAUSES_ARE_KEPT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a delivery does not go yet, and until when."""

    wait: Wait
    until: datetime


def hold(channel: Channel, recent: Sequence[datetime], now: datetime) -> Hold | None:
    """What a post with the options of *channel* waits for; None where it may go.

    *recent* says when what counts in its budget went out, oldest first.
    """
    zone = ZoneInfo(channel.timezone)
    if channel.digest and channel.digest.instead:
        return Hold(Wait.DIGEST, digest.next_slot(channel.digest, zone, now))
    quiet = hold_digest(channel, now)
    room_at = room_in_hour_at(channel.max_per_hour, recent, now)
    if quiet or room_at <= now:
        return quiet
    return Hold(Wait.OVERFLOW if channel.overflow is Overflow.DIGEST else Wait.BUDGET, room_at)


def hold_digest(channel: Channel, now: datetime) -> Hold | None:
    """What a digest waits for: the end of quiet hours. It has its own time, and no budget counts it out."""
    quiet_end = quiet_until(channel.quiet_hours, ZoneInfo(channel.timezone), now)
    return Hold(Wait.QUIET, quiet_end) if quiet_end else None


def hold_paused(paused: Sequence[Pause], delivery: Delivery, subscription: Subscription, now: datetime) -> Hold | None:
    """What a delivery waits for of which an admin paused the feed or the channel: the longest of them."""
    ends = [pause.until or now + pauses.LOOK_AGAIN for pause in paused if _is_paused(pause, delivery, subscription)]
    return Hold(Wait.PAUSED, max(ends)) if ends else None


def _is_paused(pause: Pause, delivery: Delivery, subscription: Subscription) -> bool:
    if pause.kind is Kind.CHANNEL:
        return delivery.own is None and subscription.channel.name == pause.name
    if delivery.post is None:  # a digest tells of many
        return False
    # Two names may share an address: of a route, its own name counts.
    return delivery.post.feed_id == pause.feed_id if delivery.own else subscription.feed.name == pause.name


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

    def __init__(self, database: Database, digester: Digester) -> None:
        self._database = database
        self._digester = digester
        self._paused: Sequence[Pause] = ()
        self._asked_at: datetime | None = None

    async def opens(self, lane: Lane, delivery: Delivery, subscription: Subscription | None, now: datetime) -> bool:
        """Whether a delivery that is due may be sent now. Otherwise it is put off, and what is like it.

        One of which parts are out already goes on, and one without a route is the outbox's to drop.
        """
        if subscription is None or delivery.message_ids:
            return True
        held = hold_paused(await self._pauses(lane, now), delivery, subscription, now)
        if held is not None:
            return await self._put_off(lane, delivery, held)
        channel = subscription.channel
        # What the preview shows leaves the machine for nobody: there is no one to ask.
        if channel.approve and delivery.post and not delivery.is_approved and lane.bot_id != PREVIEW_BOT:
            await self._database.write(approvals.hold, lane, delivery, now)
            return False
        if delivery.post is None:
            held = hold_digest(channel, now)
        else:
            held = hold(channel, await self._recent(delivery, subscription, now), now)
            is_overflow = delivery.wait is Wait.OVERFLOW and channel.overflow is Overflow.DIGEST
            if held is None and is_overflow and await self._digester.gather(delivery, subscription):
                return False
        return held is None or await self._put_off(lane, delivery, held)

    async def _pauses(self, lane: Lane, now: datetime) -> Sequence[Pause]:
        if self._asked_at is None or abs(now - self._asked_at) >= PAUSES_ARE_KEPT:
            self._paused = await self._database.read(pauses.load, lane.bot_id, now)
            self._asked_at = now
        return self._paused

    async def _put_off(self, lane: Lane, delivery: Delivery, held: Hold) -> bool:
        count = await self._database.write(waits.put_off, lane, delivery, held.wait, held.until)
        if count:
            log.info("put off", chat_id=lane.chat_id, count=count, until=held.until.isoformat(), why=str(held.wait))
        return False

    async def _recent(self, delivery: Delivery, subscription: Subscription, now: datetime) -> Sequence[datetime]:
        """When what counts in the budget of a delivery went out within the hour."""
        if subscription.channel.max_per_hour is None:
            return ()
        alone = delivery.subscription_id if subscription.has_own_budget else None
        return await self._database.read(waits.sent_since, delivery.target_id, alone, now - HOUR)
