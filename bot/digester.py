"""Make digests when their time has come: collect, lay out, put into the outbox. Beside the path of a post.

Called every half minute by ``schedule.py``, and by ``gate.py`` for what had no room in an hour. What is due, what
belongs in it and how it looks, ``digest.py`` decides. A digest is kept with its messages in one transaction with the
slot that is done: it is made once, whoever is restarted when, and sent as any other delivery.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from bot import digest, links
from bot.clock import Clock
from bot.digest import Group, Line, Period, Sent
from bot.model import Channel, Delivery, DigestPlan, Every, Post, Subscription, SummaryOptions
from bot.storage import digests
from bot.storage.database import Database
from bot.storage.digests import Slot, Told
from bot.storage.feeds import Routes
from bot.text import summary

log = structlog.get_logger()


class Names(Protocol):
    """Who knows what chats are called, and the bot itself (``sender/``)."""

    @property
    def bot_name(self) -> str | None:
        """Where "and 3 more" leads; None until it is known."""

    async def title_of(self, channel: Channel) -> str:
        """What a channel is called."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """The subscriptions of one chat that are told together."""

    target_id: int
    plan: DigestPlan
    subscriptions: tuple[Subscription, ...]

    @property
    def first(self) -> Subscription:
        return self.subscriptions[0]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.first.channel.timezone)


class Digester:
    """Makes digests. ``routes`` is replaced when feeds.yaml is read again."""

    def __init__(self, database: Database, clock: Clock, *, routes: Routes, names: Names | None = None) -> None:
        self.routes = routes
        self._database = database
        self._clock = clock
        self._names = names

    # --- by the clock ----------------------------------------------------------------------------------------

    async def digest_due(self) -> int:
        """Make every digest whose slot has come; return how many were enqueued."""
        return sum([await self._digest(plan) for plan in await self._plans()])

    async def _plans(self) -> list[_Plan]:
        planned = [each for each in self.routes.subscriptions.values() if each.channel.digest]
        if not planned:
            return []
        target_of = await self._database.read(digests.targets_of, [each.id for each in planned])
        grouped: dict[tuple[int, str], list[Subscription]] = {}
        for each in planned:
            if each.id in target_of and each.channel.digest:
                grouped.setdefault((target_of[each.id], each.channel.digest.name), []).append(each)
        return [
            _Plan(target_id, found[0].channel.digest, tuple(found))
            for (target_id, _name), found in grouped.items()
            if found[0].channel.digest
        ]

    async def _digest(self, due: _Plan) -> int:
        now = self._clock.now()
        at = digest.last_slot(due.plan, due.zone, now)
        last = await self._database.read(digests.last_done, due.target_id, due.plan.name)
        if last is not None and (last.at >= at or not digest.is_made_up(due.plan, at, now)):
            return 0
        period = digest.period_of(due.plan, due.zone, at, last.end if last else None)
        slot = Slot(due.target_id, due.plan.name, at, period.end)
        ids = [each.id for each in due.subscriptions]
        # A plan begins at now, with the slot that comes next; so the last one counts as done.
        told = await self._database.read(digests.collect, due.target_id, ids, period.begin, period.end) if last else []
        if not told:
            await self._database.write(digests.skip, slot)
            return 0
        return await self._make(slot, due.first, due.plan.every, period, told)

    # --- for want of room ------------------------------------------------------------------------------------

    async def gather(self, delivery: Delivery, subscription: Subscription) -> bool:
        """Make one digest of all that waits with *delivery* for room in the hour; False where it waits alone."""
        told = await self._database.read(digests.overflowing, delivery)
        if delivery.id not in {each.delivery_id for each in told}:
            return True  # it was told a moment ago, with one that stood before it
        if len(told) < 2:
            return False
        now = self._clock.now()
        period = Period(min(now, *(each.at for each in told)), now)
        slot = Slot(delivery.target_id, digests.OVERFLOW, now, now)
        return bool(await self._make(slot, subscription, None, period, told))

    # --- both ------------------------------------------------------------------------------------------------

    async def _make(
        self, slot: Slot, subscription: Subscription, every: Every | None, period: Period, told: Sequence[Told]
    ) -> int:
        channel = subscription.channel
        days = period.days(ZoneInfo(channel.timezone))
        groups = await self._groups(subscription, told)
        title = await self._names.title_of(channel) if self._names else channel.name
        parts = digest.lay_out(channel, title, every, days, len(told), groups)
        try:
            made = await self._database.write(digests.make, slot, told, subscription.id, parts, self._clock.now())
        except digests.Changed:
            return 0
        if made:
            log.info("digest made", channel=channel.name, plan=slot.plan, posts=len(told), parts=len(parts))
        return int(made)

    async def _groups(self, subscription: Subscription, told: Sequence[Told]) -> list[Group]:
        chosen = digest.choose([Sent(each.post_id, each.feed_id, each.at) for each in told])
        named = {post_id for of_feed in chosen.values() for post_id in of_feed}
        posts = await self._database.read(digests.load_posts, named)
        ours = {each.post_id: each.link for each in told}
        counts = Counter(each.feed_id for each in told)
        route_of = {each.feed_id: self.routes.subscriptions.get(each.subscription_id) for each in told}
        bot, groups = self._names.bot_name if self._names else None, []
        for feed_id, post_ids in chosen.items():
            found = [posts[post_id] for post_id in post_ids]
            lines = tuple(_line(post, ours[post.id], subscription) for post in found)
            more = links.address(bot, links.to_more(feed_id)) if bot else None
            groups.append(Group(_feed_title(route_of[feed_id], found[0]), counts[feed_id], lines, more))
        return groups


def _line(post: Post, link: str | None, subscription: Subscription) -> Line:
    entry = post.entry
    title = entry.title or summary.choose(entry.summary, entry.fullest, None, SummaryOptions(sentences=1))
    # A civil day is that day everywhere.
    zone = ZoneInfo(subscription.home_timezone if entry.date_only else subscription.channel.timezone)
    return Line(title, link or entry.link, post.effective_at, zone)


def _feed_title(route: Subscription | None, post: Post) -> str:
    name = route.feed.name if route else ""
    return (route.feed.title if route else None) or post.feed_title or name
