"""The coming days in advance: the outbox, the replays and the digests, on a copy and with a clock of its own.

Nothing leaves the machine and nothing is changed: what is stored is copied, feeds are not read, and messages go
nowhere. What the clock shows jumps from one thing that is due to the next. Called by ``qasedak simulate``.
"""

import asyncio
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.config.reading import Config
from bot.model import Subscription, Then
from bot.outbox import digest
from bot.outbox.delivering import Outbox
from bot.outbox.digester import Digester
from bot.outbox.gate import Gate
from bot.replay import Replayer
from bot.sender import LocalPreview
from bot.storage import approvals, copying, ingest, timetable, waits
from bot.storage.database import Database
from bot.storage.feeds import Routes
from bot.storage.timetable import Event

_SECOND = timedelta(seconds=1)


class RehearsalClock:
    """Shows what it is set to; to sleep is to set it on."""

    def __init__(self, now: datetime) -> None:
        self._began = self._now = now

    def now(self) -> datetime:
        """The time of the rehearsal."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since it began."""
        return (self._now - self._began).total_seconds()

    def set(self, now: datetime) -> None:
        """Go on to *now*, never back."""
        self._now = max(self._now, now)

    async def sleep(self, seconds: float) -> None:
        """Take no real time."""
        self.set(self._now + timedelta(seconds=max(seconds, 0)))
        await asyncio.sleep(0)


class _Nowhere(LocalPreview):
    """Takes the messages of a bot and sends them nowhere."""

    def __init__(self, clock: RehearsalClock, bot_id: int) -> None:
        super().__init__(clock)
        self.bot_id = bot_id
        self._resolved: dict[str, int] = {}

    async def resolve(self, chat: str) -> int:
        """A number that no chat has, since nobody is asked."""
        return self._resolved.setdefault(chat, -1 - len(self._resolved))


async def rehearse(source: Database, bot_id: int, config: Config, now: datetime, days: int) -> list[Event]:
    """What would happen from *now* on, if no feed brought anything new.

    Raises: StorageError.
    """
    with tempfile.TemporaryDirectory(prefix="qasedak-") as folder:
        copy = Database(f"sqlite:///{Path(folder) / 'rehearsal.db'}")
        try:
            await asyncio.to_thread(copy.migrate)
            await asyncio.to_thread(copying.copy, source, copy)
            return await _Rehearsal(copy, bot_id, config, now).run(now + timedelta(days=days))
        finally:
            await copy.close()


class _Rehearsal:
    def __init__(self, copy: Database, bot_id: int, config: Config, now: datetime) -> None:
        self._copy, self._bot_id, self._config, self._began = copy, bot_id, config, now
        self._clock = RehearsalClock(now)
        self._held_by: dict[int, str] = {}

    async def run(self, end: datetime) -> list[Event]:
        """Let the days go by."""
        copy, clock, config = self._copy, self._clock, self._config
        routes = await copy.write(ingest.adopt, self._bot_id, config.feeds, config.subscriptions, clock.now())
        await copy.write(waits.reconsider, self._bot_id, clock.now())
        replayer = Replayer(copy, clock, routes=routes)
        digester = Digester(copy, clock, routes=routes)
        outbox = Outbox(
            copy,
            _Nowhere(clock, self._bot_id),
            clock,
            subscriptions=routes.subscriptions,
            gate=Gate(copy, digester),
            pace=config.pace,
            on_uncertain=config.on_uncertain,
        )
        while clock.now() <= end:
            await replayer.replay_due()
            await digester.digest_due()
            expiries = await self._expire(routes)
            soon = (await outbox.deliver_due()).wait_until
            self._held_by |= await copy.read(timetable.waits, self._bot_id)
            lane_at = await copy.read(timetable.next_lane_at, self._bot_id)
            clock.set(_next(clock.now(), [soon, lane_at, *expiries, *_slots(routes, clock.now()), end + _SECOND]))
        return await copy.read(timetable.events, self._bot_id, self._began, self._held_by)

    async def _expire(self, routes: Routes) -> list[datetime]:
        """Decide what time decides, as if the admins had been asked at once; return when there is more of it."""
        later = []
        for asked in await self._copy.read(approvals.undecided, self._bot_id):
            route = routes.subscriptions.get(asked.subscription_id)
            plan = route.channel.approve if route else None
            now = self._clock.now()
            if plan is None:
                await self._copy.write(approvals.decide, asked, now, due_at=now)
            elif plan.after is not None:
                at = asked.expires_at or asked.held_at + plan.after
                if at <= now:
                    due_at = now if plan.then is Then.POST else None
                    await self._copy.write(approvals.decide, asked, now, due_at=due_at)
                else:
                    later.append(at)
        return later


def _next(now: datetime, moments: Iterable[datetime | None]) -> datetime:
    """The next moment at which something is due; what was not done in its time is tried a second later."""
    return min(max(moment, now + _SECOND) for moment in moments if moment is not None)


def _slots(routes: Routes, now: datetime) -> Iterator[datetime]:
    """When replays and digests come next."""
    for route in routes.subscriptions.values():
        zone = ZoneInfo(route.channel.timezone)
        if route.channel.digest:
            yield digest.next_slot(route.channel.digest, zone, now)
        yield from _replays(route, zone, now)


def _replays(route: Subscription, zone: ZoneInfo, now: datetime) -> Iterator[datetime]:
    today = now.astimezone(zone).date()
    for clock in route.feed.replay.at if route.feed.replay else ():
        for day in (today, today + timedelta(days=1)):
            slot = datetime.combine(day, clock, zone).astimezone(UTC)
            if slot > now:
                yield slot
