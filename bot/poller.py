"""(1) Ask the feeds that are due: claim, read, identify, ingest; then decide when to ask again.

The first of the six files that a post passes. ``poll_due`` is the only way anything is read. It sends nothing: what
it enqueues, ``outbox/delivering.py`` finds. When to ask again is decided in ``manners.py``, how a feed is in
``health.py``.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from bot import health, manners
from bot.clock import Clock
from bot.errors import ArchiveError, BotError, SourceError, StorageError
from bot.health import Change, FeedState
from bot.model import Feed, FeedKind, Ingested, Reading, Validators
from bot.progress import Progress, unseen
from bot.sources import archive
from bot.storage import feeds, ingest, settling, status
from bot.storage.database import Database
from bot.storage.feeds import Claim, Routes
from bot.storage.settling import Unchanged

log = structlog.get_logger()

#: Longer than any reading may take: the fetch and the parser have deadlines of their own, and archives renew it.
LEASE = timedelta(minutes=10)
#: Requests under way at the same time, each to another host.
CONCURRENCY = 32
#: A pass waits so long for its readings; those that take longer go on, and the next pass counts them.
PATIENCE = timedelta(seconds=1)
#: A clock that moved by more than this since the last look was set, or the machine slept.
LEAP = timedelta(minutes=2)


def explain_silence(feed: Feed, ingested: Ingested) -> str | None:
    """Say why posts were read and not published: silence looks like a fault."""
    if ingested.silenced and not ingested.republished:  # of a feed that was republished its health tells
        published = ingested.new - ingested.silenced
        return (
            f"{feed.name}: {ingested.new} new posts, of which the newest {published} are published: {ingested.silence}."
        )
    if not ingested.first_reading or ingested.enqueued or not ingested.new:
        return None
    backfill = "all" if feed.backfill is None else feed.backfill
    said = f"{feed.name}: {ingested.new} posts read, none published (backfill: {backfill}). The next new one will be."
    return f"{said} To post one now: /preview {feed.name}"


# --- what it needs -------------------------------------------------------------------------------------------


class HttpSource(Protocol):
    """Reads feeds over HTTP (``sources/feed.py``)."""

    def read(self, feed: Feed, seen: Validators, now: datetime) -> AsyncIterator[Reading]:
        """Batches of entries.

        Raises: SourceError.
        """


class Articles(Protocol):
    """Puts the text of articles into what a feed brought (``full_text.py``)."""

    async def complete(self, feed: Feed, claim: Claim, reading: Reading) -> Reading:
        """The reading, its new entries with their articles as far as they can be had."""


@dataclass(slots=True)
class Polled:
    """What one pass did."""

    read: int = 0
    unchanged: int = 0
    failed: int = 0
    new: int = 0
    edited: int = 0
    feed_ids: set[int] = field(default_factory=set)
    notices: list[str] = field(default_factory=list)  #: one line each, for whoever looks at the terminal
    for_admin: list[str] = field(default_factory=list)  #: of them, what the admin chat is told as well
    changes: list[Change] = field(default_factory=list)  #: feeds that entered or left a state

    def add(self, other: "Polled") -> None:
        """Add up two passes."""
        self.read += other.read
        self.unchanged += other.unchanged
        self.failed += other.failed
        self.new += other.new
        self.edited += other.edited
        self.feed_ids |= other.feed_ids
        self.notices += other.notices
        self.for_admin += other.for_admin
        self.changes += other.changes


class Poller:
    """Reads the configured feeds. ``routes`` and ``zone`` are replaced when feeds.yaml is read again."""

    def __init__(
        self,
        database: Database,
        source: HttpSource,
        clock: Clock,
        *,
        routes: Routes,
        zone: ZoneInfo,
        host_spacing: timedelta,
        articles: Articles | None = None,
        step: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._routes = routes
        self.more: Callable[[], None] = _nobody  #: called when more may be due than one process takes
        self.news: Callable[[], None] = _nobody  #: called when something waits to be delivered that did not before
        self.learn: Callable[[], Awaitable[None]] = _nothing  #: called when a feed is due that ``routes`` do not have
        self._database = database
        self._source = source
        self._clock = clock
        self.zone = zone
        self._host_spacing = host_spacing
        self._articles = articles
        #: Called between steps with their names; the crash test dies in it.
        self._step = step
        self._under_way: dict[asyncio.Task[None], int] = {}  # the feed that each reads
        self._strange: set[int] = set()  # feeds of which we know nothing
        self._polled = Polled()
        self._looked_at = clock.now()
        self._unchanged: dict[int, Unchanged] = {}  # readings that wait to be settled, by feed
        self._settling = asyncio.Lock()
        self.tell: Progress = unseen  #: somebody may watch
        self._stored = 0  # new posts since the start, for them

    @property
    def routes(self) -> Routes:
        """What feeds.yaml says."""
        return self._routes

    @routes.setter
    def routes(self, routes: Routes) -> None:
        self._routes = routes
        self._strange.clear()

    async def start(self) -> None:
        """Before the first pass of a process: what became overdue meanwhile is asked in turn, not at once."""
        now = self._looked_at = self._clock.now()
        if await self._database.read(status.others_run, now):  # nothing stood still
            return
        await self._database.write(feeds.distrust_future, self.routes.feeds, now)
        await self._database.write(feeds.spread_overdue, self.routes.feeds, now)

    async def mind_the_clock(self) -> None:
        """Before each pass of a running process: a clock that was set, or stood still, must not stop or flood us."""
        before, now = self._looked_at, self._clock.now()
        self._looked_at = now
        if abs(now - before) > LEAP and await self._database.read(status.others_run, now):
            return  # one clock of several says nothing
        if now < before - LEAP:
            log.warning("clock went back", by_seconds=(before - now).total_seconds())
            await self._database.write(feeds.shift, now - before)
        elif now > before + LEAP:
            log.info("clock went ahead", by_seconds=(now - before).total_seconds())
            await self._database.write(feeds.spread_overdue, self.routes.feeds, now)

    async def poll_due(
        self,
        limit: int = CONCURRENCY,
        *,
        among: Collection[int] | None = None,
        forced: bool = False,
        is_patient: bool = False,
    ) -> Polled:
        """Begin up to *limit* readings that are due, each of another host; return what has ended within ``PATIENCE``.

        One that takes longer goes on and is counted by a later pass: a slow publisher delays nobody else. Archives
        that are being written to are left for the next time; if *is_patient*, they are waited for.
        """
        room = min(limit, CONCURRENCY - len(self._under_way))
        claims = await self._claim(room, among, forced=forced) if room else []
        if claims and len(claims) == room:
            self.more()
        for claim in claims:
            self._polled.feed_ids.add(claim.feed_id)
            task = asyncio.create_task(self._poll(claim, is_patient=is_patient))
            self._under_way[task] = claim.feed_id
            task.add_done_callback(self._under_way.pop)
        if self._under_way:
            try:
                await asyncio.wait(list(self._under_way), timeout=PATIENCE.total_seconds())
            except asyncio.CancelledError:
                await self.stop()
                raise
        polled, self._polled = self._polled, Polled()
        return polled

    async def finish(self) -> Polled:
        """Wait for the readings that are under way."""
        finished = Polled()
        while self._under_way:
            finished.add(await self.poll_due(limit=0))
        return finished

    async def _claim(self, limit: int, among: Collection[int] | None, *, forced: bool) -> list[Claim]:
        # A lease that ran out is somebody else's trouble; what we read ourselves we do not begin again.
        besides = {*self._under_way.values(), *self._strange} if among is None else set(self._under_way.values())
        claims = await self._database.write(
            feeds.claim_due,
            self._clock.now(),
            limit=limit,
            lease=LEASE,
            among=None if among is None else set(among) - besides,
            besides=besides if among is None else (),
            forced=forced,
        )
        if any(claim.feed_id not in self.routes.feeds for claim in claims):
            await self.learn()
            # What is still not known is in a feeds.yaml that is not ours yet, or not any more.
            self._strange |= {claim.feed_id for claim in claims} - self.routes.feeds.keys()
        return claims

    async def stop(self) -> None:
        """Give back what is being read."""
        under_way = list(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def poll_all_due(self, *, forced: bool = False) -> Polled:
        """Read everything that is due, waiting for the spacing of hosts; with *forced*, every feed once."""
        polled, waiting = Polled(), set(self.routes.feeds)
        patience = self._host_spacing * (manners.HUB_SPACING + 1) + timedelta(seconds=1)
        while waiting or self._under_way:
            begun = await self.poll_due(among=waiting, forced=forced, is_patient=True)
            polled.add(begun)
            waiting -= begun.feed_ids
            ended = polled.read + polled.unchanged + polled.failed
            self.tell("feeds", ended, len(self.routes.feeds) if forced else None)
            if begun.feed_ids or self._under_way:
                continue
            at = await self._database.read(feeds.claimable_at, waiting, forced=forced)
            if at is None or at > self._clock.now() + patience:
                break
            await self._clock.sleep(max((at - self._clock.now()).total_seconds(), 0.01))
        return polled

    async def _poll(self, claim: Claim, *, is_patient: bool) -> None:
        polled = Polled()
        try:
            await self._read_one(claim, polled, is_patient=is_patient)
        finally:
            self._polled.add(polled)

    async def _read_one(self, claim: Claim, polled: Polled, *, is_patient: bool) -> None:
        """Whatever goes wrong with a feed ends here: the others go on."""
        known = self.routes.feeds.get(claim.feed_id)
        if known is None:  # it left feeds.yaml a moment ago
            await self._database.write(feeds.release, claim, host_free_at=self._clock.now())
            return
        following = len(self.routes.of_feed(known.id)) + claim.subscribers
        feed = replace(known, moved_to=claim.state.moved_to, subscribers=following)
        try:
            ingested, batch = await self._read_and_ingest(feed, claim, is_patient=is_patient)
            await self._settle(feed, claim, ingested, batch, polled)
        except BotError as error:
            polled.failed += 1
            polled.notices.append(f"{feed.name}: {error}")
            log.warning("feed failed", feed=feed.name, failures=claim.state.failures + 1, problem=str(error))
            await self._settle_failure(feed, claim, error, polled)
        except asyncio.CancelledError:
            # What was asked was asked: the host keeps its distance also after a restart.
            free_at = self._clock.now() + self._host_spacing
            await self._database.write(feeds.release, claim, host_free_at=free_at)
            raise
        except Exception as error:  # one feed's bug must not end the reading of the others
            polled.failed += 1
            polled.notices.append(f"{feed.name}: failed ({type(error).__name__}); this is a bug, please report it")
            log.exception("feed crashed", feed=feed.name)
            problem = SourceError(f"a bug of ours: {type(error).__name__}; please report it")
            await self._settle_failure(feed, claim, problem, polled)

    async def _read_and_ingest(self, feed: Feed, claim: Claim, *, is_patient: bool) -> tuple[Ingested, Reading]:
        """What was stored of all batches, and the batch that came last."""
        total = Ingested(first_reading=claim.is_first)
        batch = Reading(modified=False)
        async for batch in self._readings(feed, claim.validators, is_patient=is_patient):
            self._step("after the reading")
            if not batch.modified:
                break
            if feed.full_text and self._articles is not None:
                batch = await self._articles.complete(feed, claim, batch)
            if claim.feed_id not in self.routes.feeds:  # it left feeds.yaml while it was read
                break
            done = await self._database.write(ingest.ingest, claim, batch, self.routes, self._clock.now())
            self._step("after the ingestion")
            if done.enqueued or done.edited:
                self.news()
            self._stored += done.new
            self.tell("new posts", self._stored)
            if not batch.last:  # of a long archive, which may take longer than a lease
                await self._database.write(feeds.renew, claim, self._clock.now() + LEASE)
            total = total.plus(done)
        return total, batch

    async def _readings(self, feed: Feed, seen: Validators, *, is_patient: bool) -> AsyncIterator[Reading]:
        if feed.kind is FeedKind.HTTP:
            async for reading in self._source.read(feed, seen, self._clock.now()):
                yield reading
            return
        now = self._clock.now().timestamp()
        if is_patient and await asyncio.to_thread(archive.is_being_written, feed, now):
            await self._clock.sleep(archive.SETTLE.total_seconds())
        # Files block; each batch is read on a thread of its own.
        batches = archive.read(feed, seen, self.zone, now=None if is_patient else now)
        while (batch := await asyncio.to_thread(_next_batch, batches)) is not None:
            yield batch

    async def _settle(self, feed: Feed, claim: Claim, ingested: Ingested, batch: Reading, polled: Polled) -> None:
        now = self._clock.now()
        state, seen = claim.state, batch.validators
        rhythm = state.rhythm
        if ingested.new and feed.kind is FeedKind.HTTP:  # an archive has no rhythm, and is never silent
            rhythm = await self._database.read(feeds.rhythm_of, feed.id)
        after = health.after_reading(
            state, feed.moved_to or feed.url, batch.hints.moved_to, rhythm, now, is_republished=ingested.republished
        )
        has_validators = seen.etag is not None or seen.last_modified is not None
        again = manners.next_check(feed, batch.hints, rhythm, now, has_validators=has_validators)
        if batch.modified:
            after = replace(after, announced=_announced(feed, batch))
        free_at = manners.host_free_at(None, again, claim.host, self._host_spacing, now)
        if batch.modified or after.moved_to != state.moved_to:
            seen_too = None if batch.modified else seen
            await self._database.write(
                feeds.settle, claim, now, again, host_free_at=free_at, state=after, validators=seen_too
            )
        else:
            await self._settle_with_others(Unchanged(claim, now, again, free_at, after, seen))
        self._note_change(feed, state, after, str(ingested.silenced or ""), polled)
        polled.new += ingested.new
        polled.edited += ingested.edited
        if not batch.modified:
            polled.unchanged += 1
            return
        polled.read += 1
        log.info("feed read", feed=feed.name, new=ingested.new, edited=ingested.edited, enqueued=ingested.enqueued)
        self._explain(feed, ingested, batch, polled)

    async def _settle_with_others(self, ended: Unchanged) -> None:
        """Settle together what ends while another transaction runs: one costs more than what most of them write."""
        self._unchanged[ended.claim.feed_id] = ended
        async with self._settling:
            if self._unchanged.get(ended.claim.feed_id) is not ended:
                return  # whoever had the lock before has taken it along
            together, self._unchanged = self._unchanged, {}
            try:
                await self._database.write(settling.settle_unchanged, list(together.values()))
            except BaseException:
                del together[ended.claim.feed_id]
                self._unchanged = together | self._unchanged  # each of the others tries for itself
                raise

    def _explain(self, feed: Feed, ingested: Ingested, batch: Reading, polled: Polled) -> None:
        if batch.is_cut_off:
            cut = f"{feed.name}: ends in the middle of an entry; the rest is read when the publisher sends it whole"
            polled.notices.append(cut)
            log.warning("feed cut off", feed=feed.name)
        elif self.routes.of_feed(feed.id) and (silence := explain_silence(feed, ingested)):
            polled.notices.append(silence)
            polled.for_admin.append(silence)
            log.info("nothing published", feed=feed.name, why=silence)

    async def _settle_failure(self, feed: Feed, claim: Claim, error: BotError, polled: Polled) -> None:
        now = self._clock.now()
        state = claim.state
        again = manners.check_after_failure(feed, error, state.failures, now)
        after = health.after_failure(state, error, now)
        if after.moved_to != state.moved_to:
            again = manners.NextCheck(now + self._host_spacing, "its address died; asked where it had moved to")
        try:
            await self._database.write(
                feeds.settle,
                claim,
                now,
                again,
                host_free_at=manners.host_free_at(error, again, claim.host, self._host_spacing, now),
                state=after,
                error=str(error),
            )
        except StorageError as problem:
            # The lease runs out by itself, and the feed is read again.
            log.error("failure not recorded", feed=feed.name, problem=str(problem))
        else:
            self._note_change(feed, state, after, str(error), polled)

    def _note_change(self, feed: Feed, before: FeedState, after: FeedState, reason: str, polled: Polled) -> None:
        if after.announced and after.announced != before.announced:
            hint = (
                f"{feed.name}: its publisher says that it is at {after.announced} now; it is still read where it was. "
                f"If that is right, write it as its url in feeds.yaml"
            )
            polled.notices.append(hint)
            polled.for_admin += [hint] if not feed.is_open else []
            log.info("feed announced another address", feed=feed.name)
        found = health.change(feed.name, before, after, reason)
        if found is not None:
            polled.changes.append(found)
            log.info("feed changed state", feed=feed.name, before=str(before.health), after=str(after.health))


def _nobody() -> None:
    """Nobody is called."""


async def _nothing() -> None:
    """Nothing is to be learned."""


def _announced(feed: Feed, batch: Reading) -> str | None:
    """Where the document says that it lives now, if that is not where it was read."""
    return batch.announced if batch.announced not in (feed.url, feed.moved_to) else None


def _next_batch(batches: Iterator[Reading]) -> Reading | None:
    try:
        return next(batches, None)
    except OSError as error:
        raise ArchiveError(f"cannot be read ({error}); check the files and their rights") from error
