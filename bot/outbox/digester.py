"""Make digests when their time has come: collect, lay out, put into the outbox. Beside the path of a post.

Called every half minute by ``schedule.py``, and by ``gate.py`` for what had no room in an hour. What is due, what
belongs in it and how it looks, ``digest.py`` decides. A digest is kept with its messages in one transaction with the
slot that is done: it is made once, whoever is restarted when, and sent as any other delivery.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from bot import links
from bot.clock import Clock
from bot.labels import translator
from bot.model import (
    Channel,
    Delivery,
    DigestPlan,
    Every,
    Feed,
    FeedKind,
    Post,
    Subscription,
    SummaryOptions,
)
from bot.outbox import digest
from bot.outbox.digest import Group, Line, Period, Sent
from bot.personal import House, plan_of
from bot.storage import digests, own_digests
from bot.storage.database import Database
from bot.storage.digests import Slot, Told
from bot.storage.feeds import Routes
from bot.storage.own_digests import DueChat, DuePlace
from bot.text import summary

log = structlog.get_logger()

#: Subscribers' digests that are made in one go; a second go follows soon.
MOST_CHATS = 200


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
    """Makes digests. ``routes`` and ``house`` are replaced when feeds.yaml is read again."""

    def __init__(self, database: Database, clock: Clock, *, routes: Routes, names: Names | None = None) -> None:
        self.routes = routes
        self.house = House()
        self._database = database
        self._clock = clock
        self._names = names

    # --- by the clock ----------------------------------------------------------------------------------------

    async def digest_due(self) -> int:
        """Make every digest whose slot has come, of channels and of subscribers; return how many were enqueued."""
        return sum([await self._digest(plan) for plan in await self._plans()]) + await self._own_due()

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

    # --- for subscribers -------------------------------------------------------------------------------------

    async def _own_due(self) -> int:
        now = self._clock.now()
        chats = await self._database.read(own_digests.due, self.routes.bot_id, now, MOST_CHATS)
        return sum([await self._digest_of_chat(chat) for chat in chats])

    async def _digest_of_chat(self, chat: DueChat) -> int:
        now, plan, made = self._clock.now(), plan_of(chat.options), 0
        zone = ZoneInfo(chat.options.timezone or self.house.timezone)
        if plan is not None:
            for place in await self._database.read(own_digests.places, chat):
                made += await self._digest_of_place(chat, place, plan, digest.last_slot(plan, zone, now))
        following = digest.next_slot(plan, zone, now) if plan else None
        await self._database.write(own_digests.plan_next, chat.bot_id, chat.chat_id, following)
        return made

    async def _digest_of_place(self, chat: DueChat, place: DuePlace, plan: DigestPlan, at: datetime) -> int:
        last = await self._database.read(digests.last_done, place.target_id, plan.name)
        if last is not None and last.at >= at:
            return 0
        channel = self.house.channel(chat.options, chat.chat_id, place.thread)
        period = digest.period_of(plan, ZoneInfo(channel.timezone), at, last.end if last else None)
        slot = Slot(place.target_id, plan.name, at, at)
        # What waits is told to the last: of a week that ended days ago, too.
        told = await self._database.read(digests.collect, place.target_id, place.subscription_ids, period.begin, at)
        told = [each for each in told if each.is_waiting]
        if not told:
            await self._database.write(digests.skip, slot)
            return 0
        feed = Feed("", FeedKind.HTTP, "")
        first = Subscription(feed, channel, place.subscription_ids[0], home_timezone=self.house.timezone)
        title = translator(channel.language)("What you follow")
        return await self._make(slot, first, plan.every, period, told, title)

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
        self,
        slot: Slot,
        subscription: Subscription,
        every: Every | None,
        period: Period,
        told: Sequence[Told],
        title: str | None = None,
    ) -> int:
        channel = subscription.channel
        days = period.days(ZoneInfo(channel.timezone))
        groups = await self._groups(subscription, told)
        if title is None:
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
            groups.append(Group(self._title_of_feed(route_of[feed_id], found[0]), counts[feed_id], lines, more))
        return groups

    def _title_of_feed(self, route: Subscription | None, post: Post) -> str:
        """As the route has it; of a subscriber's own, as feeds.yaml does."""
        feed = route.feed if route else self.house.feeds.get(post.feed_id)
        return (feed.title if feed else None) or post.feed_title or (feed.name if feed else "")


def _line(post: Post, link: str | None, subscription: Subscription) -> Line:
    entry = post.entry
    title = entry.title or summary.choose(entry.summary, entry.fullest, None, SummaryOptions(sentences=1))
    # A civil day is that day everywhere.
    zone = ZoneInfo(subscription.home_timezone if entry.date_only else subscription.channel.timezone)
    return Line(title, link or entry.link, post.effective_at, zone)
