"""A stage for tests of the outbox: feeds adopted, entries ingested, an outbox with a fake Telegram."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bot.manners import NextCheck
from bot.model import Entry, Feed, OnUncertain, Reading, Subscription
from bot.outbox.delivering import Outbox
from bot.outbox.digester import Digester
from bot.outbox.gate import Gate
from bot.pacing import Pace
from bot.personal import House
from bot.storage import feeds, ingest, reports, search
from bot.storage.database import Database
from bot.storage.feeds import Routes
from tests.builders import a_subscription
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender


@dataclass(slots=True)
class Stage:
    """One bot on one database."""

    database: Database
    clock: FakeClock
    sender: FakeSender
    routes: Routes = field(default_factory=lambda: Routes({}, {}))

    async def adopt(self, *wanted: Subscription, feeds: Sequence[Feed] = ()) -> None:
        """What reading feeds.yaml does; *feeds* are those that go to no channel."""
        wanted = wanted or (() if feeds else (a_subscription(),))
        configured = [*{subscription.feed.name: subscription.feed for subscription in wanted}.values(), *feeds]
        self.routes = await self.database.write(
            ingest.adopt, self.sender.bot_id, configured, list(wanted), self.clock.now()
        )

    async def read(self, *entries: Entry, feed: str = "sky") -> None:
        """What one reading of a feed does."""
        feed_id = next(feed_id for feed_id, found in self.routes.feeds.items() if found.name == feed)
        now = self.clock.now()
        (claim,) = await self.database.write(
            feeds.claim_due, now, limit=1, lease=timedelta(minutes=5), among=[feed_id], forced=True
        )
        await self.database.write(ingest.ingest, claim, Reading(entries=entries), self.routes, now)
        await self.database.write(feeds.settle, claim, now, NextCheck(now, ""), host_free_at=now)
        await self.database.write(search.index_waiting, 1000)

    def digester(self) -> Digester:
        """Of a new process."""
        return Digester(self.database, self.clock, routes=self.routes)

    def outbox(
        self,
        *,
        on_uncertain: OnUncertain = OnUncertain.RESEND,
        pace: Pace | None = None,
        step: Callable[[str], None] = lambda _name: None,
    ) -> Outbox:
        """A new process."""
        return Outbox(
            self.database,
            self.sender,
            self.clock,
            subscriptions=self.routes.subscriptions,
            gate=Gate(self.database, self.digester()),
            pace=pace or Pace(),
            on_uncertain=on_uncertain,
            house=House(self.routes.feeds),
            step=step,
        )

    async def deliver_until_idle(self, outbox: Outbox, within: timedelta = timedelta(hours=1)) -> None:
        """Pass after pass, the clock going on by seconds, until nothing waits or *within* is over."""
        deadline = self.clock.now() + within
        while self.clock.now() < deadline:
            await outbox.deliver_due()
            if not await self.database.read(reports.count_waiting, self.sender.bot_id):
                return
            self.clock.advance(timedelta(seconds=1))

    async def states(self) -> list[str]:
        """Of every delivery, in order."""
        return [str(row["state"]) for row in await self.rows()]

    async def rows(self) -> Sequence[dict[str, object]]:
        """The outbox as ``qasedak deliveries`` shows it."""
        return await self.database.read(reports.delivery_rows, self.sender.bot_id)
