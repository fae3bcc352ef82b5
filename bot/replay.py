"""Bring posts of an archive back, one at each of its times: the oldest, one at random, or one of this day.

Beside the path of a post: it enqueues what was not published, and the outbox sends it. Called every half minute by
``schedule.py``; what is due is decided here, by pure functions, from the channel's own clock.

A slot missed while the bot was stopped is made up once, within six hours; older ones are let go. What "this day" is,
``anniversary.py`` says.
"""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from bot import anniversary
from bot.clock import Clock
from bot.model import Pick, Subscription
from bot.storage import replays
from bot.storage.database import Database
from bot.storage.feeds import Routes
from bot.storage.replays import Candidate

log = structlog.get_logger()

#: A slot that was missed by more than this is let go.
MAKE_UP = timedelta(hours=6)
#: So many posts are looked at for a slot whose route has filters. What is rejected is not looked at again.
MOST_REJECTED = 200


# --- policy: pure --------------------------------------------------------------------------------------------


def slot_at(times: Sequence[time], zone: ZoneInfo, now: datetime) -> datetime | None:
    """The last slot that has come, if it is not too old to be made up; in UTC.

    A time that the clocks skip counts as if they had not changed yet (PEP 495, fold 0).
    """
    today = now.astimezone(zone).date()
    slots = [
        datetime.combine(day, at, zone).astimezone(UTC) for day in (today - timedelta(days=1), today) for at in times
    ]
    come = [slot for slot in slots if slot <= now < slot + MAKE_UP]
    return max(come, default=None)


def choose(
    candidates: Sequence[Candidate], pick: Pick, today: date, zone: ZoneInfo, slot: datetime
) -> Candidate | None:
    """Choose among what was not published; *candidates* come oldest first, *zone* is where their days are counted."""
    if pick is Pick.ON_THIS_DAY:
        days = ((post, post.effective_at.astimezone(zone).date()) for post in candidates)
        candidates = [post for post, day in days if anniversary.years_ago(day, today)]
    if not candidates:
        return None
    if pick is Pick.RANDOM:
        # Seeded with the slot: a second process that decides about it chooses the same.
        return random.Random(slot.isoformat()).choice(candidates)  # noqa: S311 (no secret)
    return candidates[0]


# --- acting --------------------------------------------------------------------------------------------------


class Replayer:
    """Enqueues replays. ``routes`` is replaced when feeds.yaml is read again."""

    def __init__(self, database: Database, clock: Clock, *, routes: Routes) -> None:
        self.routes = routes
        self._database = database
        self._clock = clock

    async def replay_due(self) -> int:
        """Fill every slot that has come; return how many posts were enqueued."""
        return sum([await self._replay(subscription) for subscription in self.routes.subscriptions.values()])

    async def _replay(self, subscription: Subscription) -> int:
        plan, now = subscription.feed.replay, self._clock.now()
        zone = ZoneInfo(subscription.channel.timezone)
        slot = slot_at(plan.at, zone, now) if plan else None
        if plan is None or slot is None or not await self._database.read(replays.is_free, subscription.id, slot):
            return 0
        candidates = await self._database.read(replays.unpublished, subscription)
        home, today = ZoneInfo(subscription.home_timezone), now.astimezone(zone).date()
        chosen = choose(candidates, plan.pick, today, home, slot)
        rejected = 0
        while chosen and await self._is_rejected(subscription, chosen):
            candidates.remove(chosen)
            rejected += 1
            chosen = choose(candidates, plan.pick, today, home, slot) if rejected < MOST_REJECTED else None
        filled = await self._database.write(replays.fill, subscription, slot, chosen.id if chosen else None, now)
        if filled:
            log.info(
                "replayed", feed=subscription.feed.name, channel=subscription.channel.name, post=chosen and chosen.id
            )
        return filled

    async def _is_rejected(self, subscription: Subscription, candidate: Candidate) -> bool:
        return await self._database.write(replays.reject, subscription, candidate.id)
