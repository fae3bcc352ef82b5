"""Decide about sends of unknown outcome, before their lanes go on. Called by the outbox, which holds the lane's lease.

``evidence.py`` looks into the chat; where it cannot say, ``on_uncertain`` of feeds.yaml does. Sends nothing itself:
what is to go out again is put back into its place.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.errors import DeliveryError
from bot.model import PREVIEW_BOT, Delivery, DeliveryState, Message, OnUncertain
from bot.outbox.evidence import Evidence, Finding
from bot.storage import lanes, stuck
from bot.storage.database import Database
from bot.storage.lanes import Lane

log = structlog.get_logger()

#: The server may still be working on a send whose connection broke.
SETTLE_AFTER = timedelta(seconds=10)
#: Nobody gets more copies of what never has a clear answer: something on the way breaks all of them.
MOST_TRIES = 5
#: A look at what came since may have to copy fifty messages, one a second.
LOOK_LEASE = timedelta(seconds=150)
#: How often copies that a dead process left are looked for.
CLEAN_AGAIN = timedelta(minutes=1)


# --- policy: pure --------------------------------------------------------------------------------------------


def settle_at(delivery: Delivery) -> datetime:
    """When an attempt of unknown outcome may be settled."""
    return (delivery.attempt_at or delivery.created_at) + SETTLE_AFTER


def repeat_at(attempts: int, now: datetime, *, was_repeated: bool) -> datetime | None:
    """When to send blindly again, later each time; None when that was tried often enough and a person is to look.

    Tries that surely failed count only where one was repeated already: after an outage the first is no reason to stop.
    """
    if not was_repeated:
        return now
    return now + SETTLE_AFTER * 2**attempts if attempts < MOST_TRIES else None


def unsent(parts: Sequence[Message], message_ids: Sequence[int]) -> Sequence[Message]:
    """The parts that are not out yet; an album has an id for each of its items."""
    out = len(message_ids)
    for index, part in enumerate(parts):
        if out <= 0:
            return parts[index:]
        if out < part.count:  # of an album the first items came through; its words went with the first
            return [replace(part, media=part.media[out:], text="", entities=()), *parts[index + 1 :]]
        out -= part.count
    return ()


class Settlement:
    """Settles for one bot; without *evidence* nobody can look."""

    def __init__(self, database: Database, clock: Clock, evidence: Evidence | None) -> None:
        self._database = database
        self._clock = clock
        self._evidence = evidence
        self._clean_at = clock.now()

    async def prepare(self, lane: Lane) -> None:
        """Before a send: know where a look would begin.

        Raises: DeliveryError.
        """
        if self._evidence is not None:
            await self._evidence.anchor(lane.chat_id)

    async def settle(self, lane: Lane, delivery: Delivery, on_uncertain: OnUncertain) -> datetime:
        """Decide about an attempt that may have gone through; return when to look at the lane again.

        Raises: DeliveryError, when it cannot be looked at now.
        """
        now = self._clock.now()
        if delivery.state is DeliveryState.SENDING:
            # Its lease is over, or we would not hold the lane: nobody is writing it any more.
            reason = "the process ended while it was being sent"
            await self._database.write(lanes.end, lane, delivery, DeliveryState.UNCERTAIN, reason)
        if settle_at(delivery) > now:
            return settle_at(delivery)
        finding = await self._look(lane, delivery)
        now = self._clock.now()
        if finding.ids is None:
            await self._settle_blindly(lane, delivery, finding.why, on_uncertain)
        elif finding.ids:
            is_all = not unsent(delivery.parts, [*delivery.message_ids, *finding.ids])
            log.info("uncertain send found", delivery=delivery.id, chat_id=lane.chat_id, ids=finding.ids)
            await self._database.write(lanes.found, lane, delivery, finding.ids, now, is_all=is_all)
        else:
            log.info("uncertain send not found", delivery=delivery.id, chat_id=lane.chat_id)
            await self._database.write(lanes.put_back, lane, delivery, now, "sent again: it had not arrived")
        return now

    async def _look(self, lane: Lane, delivery: Delivery) -> Finding:
        left = unsent(delivery.parts, delivery.message_ids)
        if self._evidence is None or not left or delivery.attempt_at is None:
            return Finding(None)
        # It may take a while: copies keep to a pace too.
        await self._database.write(lanes.renew, lane, self._clock.now() + LOOK_LEASE)
        return await self._evidence.look(lane.chat_id, left[0], delivery.attempt_at)

    async def _settle_blindly(self, lane: Lane, delivery: Delivery, why: str, on_uncertain: OnUncertain) -> None:
        """Nobody knows whether it arrived: what feeds.yaml says is done."""
        now = self._clock.now()
        if lane.bot_id == PREVIEW_BOT:
            # The preview shows what the database holds: there is nothing outside that could hold a second copy.
            await self._database.write(stuck.send_again, lane, delivery, now, now)
            return
        was_repeated = await self._database.read(stuck.was_sent_again, delivery.id)
        may_repeat = on_uncertain is OnUncertain.RESEND
        due_at = repeat_at(delivery.attempts, now, was_repeated=was_repeated) if may_repeat else None
        if due_at is not None:
            log.warning("uncertain send repeated", delivery=delivery.id, chat_id=lane.chat_id, why=why)
            await self._database.write(stuck.send_again, lane, delivery, due_at, now)
        else:
            log.warning("uncertain send held", delivery=delivery.id, chat_id=lane.chat_id, why=why)
            reason = "it may have been sent; look into the chat, then `qasedak retry` if it is not there"
            await self._database.write(lanes.end, lane, delivery, DeliveryState.HELD, reason)

    async def clean_up(self) -> None:
        """Now and then: delete copies that were left by a process that died."""
        now = self._clock.now()
        if self._evidence is None or now < self._clean_at:
            return
        self._clean_at = now + CLEAN_AGAIN
        try:
            await self._evidence.clean_up()
        except DeliveryError as error:
            log.warning("copies not cleaned away", problem=str(error))
