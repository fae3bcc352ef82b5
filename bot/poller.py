"""(1) Ask the feeds that are due: claim, read, identify, ingest; then decide when to ask again.

The first of the six files that a post passes. ``poll_due`` is the only way anything is read. It sends nothing: what
it enqueues, ``outbox.py`` finds. The decisions at the top are pure.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from bot.clock import Clock
from bot.errors import ArchiveError, BotError, FeedGone, FetchError, SourceError, StorageError
from bot.model import Feed, FeedKind, Hints, Ingested, Reading, Validators
from bot.sources import archive
from bot.storage import feeds, ingest
from bot.storage.database import Database
from bot.storage.feeds import Claim, NextCheck, Routes

log = structlog.get_logger()

#: Longer than any reading may take: the fetch and the parser have deadlines of their own.
LEASE = timedelta(minutes=5)
#: Requests under way at the same time, each to another host.
CONCURRENCY = 32
#: No feed is left alone longer than this unless its publisher says so.
LONGEST_INTERVAL = timedelta(hours=24)
#: An archive is looked at this often; a look costs one ``stat`` a file.
ARCHIVE_INTERVAL = timedelta(seconds=60)
#: 429 without a Retry-After.
TOO_MANY = timedelta(hours=1)
#: Feeds drift apart by up to this part of their interval, upward only, so that they do not all come due at once.
JITTER = 0.1


# --- policy: pure --------------------------------------------------------------------------------------------


def next_check(feed: Feed, hints: Hints, now: datetime) -> NextCheck:
    """When to ask again after a good answer: our floor, or what the publisher says if that is longer, 24 h at most."""
    if feed.kind is FeedKind.ARCHIVE:
        return NextCheck(now + ARCHIVE_INTERVAL, "archives are looked at every minute")
    longest, why = feed.every, f"your floor {_minutes(feed.every)}"
    for hint, words in ((hints.ttl, _minutes), (hints.max_age, _seconds)):
        if hint:
            longest = max(longest, min(hint, LONGEST_INTERVAL))
            why += f", publisher says {words(hint)}"
    if hints.retry_after:
        longest = max(longest, hints.retry_after)
        why += f", publisher asks to wait {_seconds(hints.retry_after)}"
    return NextCheck(_drifted(feed, longest, now), why)


def check_after_failure(feed: Feed, error: BotError, failures: int, now: datetime) -> NextCheck:
    """When to ask again after *failures* failures in a row, this one not counted."""
    if feed.kind is FeedKind.ARCHIVE:
        return NextCheck(now + ARCHIVE_INTERVAL, "the archive cannot be read")
    if isinstance(error, StorageError):  # the publisher did nothing wrong
        return NextCheck(_drifted(feed, feed.every, now), "what was read could not be stored")
    doubled = 2 ** min(failures, 10)
    longest = max(feed.every, min(feed.every * doubled, LONGEST_INTERVAL))
    why = f"failed {failures + 1} times in a row" if failures else "failed once"
    retry_after = _retry_after(error)
    if _is_too_many(error) and retry_after is None:
        longest = max(longest, min(TOO_MANY * doubled, LONGEST_INTERVAL))
    if retry_after is not None:
        longest = max(longest, retry_after)
        why += f", publisher asks to wait {_seconds(retry_after)}"
    return NextCheck(_drifted(feed, longest, now), why)


def host_free_at(error: BotError, again: NextCheck, spacing: timedelta, now: datetime) -> datetime:
    """When the host of a feed that failed may be asked for another.

    429 and Retry-After speak for the whole host: RFC 6585 section 4 leaves it open, and hosts mean it so.
    """
    retry_after = _retry_after(error)
    if retry_after is not None:
        return now + max(retry_after, spacing)
    return again.at if _is_too_many(error) else now + spacing


def _retry_after(error: BotError) -> timedelta | None:
    return error.retry_after if isinstance(error, SourceError) else None


def _is_too_many(error: BotError) -> bool:
    return isinstance(error, FetchError) and error.status == 429


def _drifted(feed: Feed, span: timedelta, now: datetime) -> datetime:
    return now + span * (1 + JITTER * _phase(feed.name))


def _phase(name: str) -> float:
    """A feed's own place between 0 and 1: the same after every restart."""
    return int.from_bytes(blake2b(name.encode(), digest_size=2).digest()) / 0xFFFF


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f}m"


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f}s"


def explain_silence(feed: Feed, ingested: Ingested) -> str | None:
    """After a first reading that published nothing, say so and why: silence looks like a fault."""
    if not ingested.first_reading or ingested.enqueued or not ingested.new:
        return None
    backfill = "all" if feed.backfill is None else feed.backfill
    return f"{feed.name}: {ingested.new} posts read, none published (backfill: {backfill}). The next new one will be."


# --- what it needs -------------------------------------------------------------------------------------------


class HttpSource(Protocol):
    """Reads feeds over HTTP (``sources/feed.py``)."""

    def read(self, feed: Feed, seen: Validators, now: datetime) -> AsyncIterator[Reading]:
        """Batches of entries.

        Raises: SourceError.
        """


@dataclass(slots=True)
class Polled:
    """What one pass did."""

    read: int = 0
    unchanged: int = 0
    failed: int = 0
    new: int = 0
    edited: int = 0
    feed_ids: set[int] = field(default_factory=set)
    notices: list[str] = field(default_factory=list)  #: one line each, for a person
    silences: list[str] = field(default_factory=list)  #: of them, why nothing was published

    def add(self, other: "Polled") -> None:
        """Add up two passes."""
        self.read += other.read
        self.unchanged += other.unchanged
        self.failed += other.failed
        self.new += other.new
        self.edited += other.edited
        self.feed_ids |= other.feed_ids
        self.notices += other.notices
        self.silences += other.silences


class Poller:
    """Reads the configured feeds. ``routes`` is replaced when feeds.yaml is read again."""

    def __init__(
        self,
        database: Database,
        source: HttpSource,
        clock: Clock,
        *,
        routes: Routes,
        zone: ZoneInfo,
        host_spacing: timedelta,
        step: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self.routes = routes
        self._database = database
        self._source = source
        self._clock = clock
        self._zone = zone
        self._host_spacing = host_spacing
        #: Called between steps with their names; the crash test dies in it.
        self._step = step

    async def poll_due(
        self, limit: int = CONCURRENCY, *, among: Collection[int] | None = None, forced: bool = False
    ) -> Polled:
        """Read up to *limit* feeds that are due, each from another host, and return when all of them are done."""
        polled = Polled()
        claims = await self._database.write(
            feeds.claim_due,
            self._clock.now(),
            limit=limit,
            lease=LEASE,
            among=self.routes.feeds if among is None else among,
            forced=forced,
        )
        async with asyncio.TaskGroup() as group:
            for claim in claims:
                group.create_task(self._poll(claim, polled))
        return polled

    async def poll_all_due(self, *, forced: bool = False) -> Polled:
        """Read everything that is due, waiting for the spacing of hosts; with *forced*, every feed once."""
        polled, waiting = Polled(), set(self.routes.feeds)
        patience = self._host_spacing * 2 + timedelta(seconds=1)
        while waiting:
            done = await self.poll_due(among=waiting, forced=forced)
            polled.add(done)
            waiting -= done.feed_ids
            if done.feed_ids:
                continue
            at = await self._database.read(feeds.claimable_at, waiting, forced=forced)
            if at is None or at > self._clock.now() + patience:
                break
            await self._clock.sleep(max((at - self._clock.now()).total_seconds(), 0.01))
        return polled

    async def _poll(self, claim: Claim, polled: Polled) -> None:
        """Read one feed. Whatever goes wrong with it ends here: the others go on."""
        feed = self.routes.feeds[claim.feed_id]
        polled.feed_ids.add(feed.id)
        try:
            ingested, batch = await self._read_and_ingest(feed, claim)
            await self._settle(feed, claim, ingested, batch, polled)
        except BotError as error:
            polled.failed += 1
            polled.notices.append(f"{feed.name}: {error}")
            log.warning("feed failed", feed=feed.name, failures=claim.failures + 1, problem=str(error))
            await self._settle_failure(feed, claim, error)
        except asyncio.CancelledError:
            # What was asked was asked: the host keeps its distance also after a restart.
            free_at = self._clock.now() + self._host_spacing
            await self._database.write(feeds.release, claim, host_free_at=free_at)
            raise
        except Exception as error:  # one feed's bug must not end the reading of the others
            polled.failed += 1
            polled.notices.append(f"{feed.name}: failed ({type(error).__name__}); this is a bug, please report it")
            log.exception("feed crashed", feed=feed.name)
            await self._settle_failure(feed, claim, SourceError(f"a bug of ours: {type(error).__name__}"))

    async def _read_and_ingest(self, feed: Feed, claim: Claim) -> tuple[Ingested, Reading]:
        """What was stored of all batches, and the batch that came last."""
        new = edited = enqueued = 0
        batch = Reading(modified=False)
        async for batch in self._readings(feed, claim.validators):
            self._step("after the reading")
            done = await self._database.write(ingest.ingest, claim, batch, self.routes, self._clock.now())
            self._step("after the ingestion")
            new, edited, enqueued = new + done.new, edited + done.edited, enqueued + done.enqueued
        return Ingested(new, edited, enqueued, first_reading=claim.is_first), batch

    async def _readings(self, feed: Feed, seen: Validators) -> AsyncIterator[Reading]:
        if feed.kind is FeedKind.HTTP:
            async for reading in self._source.read(feed, seen, self._clock.now()):
                yield reading
            return
        # Files block; each batch is read on a thread of its own.
        batches = archive.read(feed, seen, self._zone)
        while (batch := await asyncio.to_thread(_next_batch, batches)) is not None:
            yield batch

    async def _settle(self, feed: Feed, claim: Claim, ingested: Ingested, batch: Reading, polled: Polled) -> None:
        now = self._clock.now()
        again = next_check(feed, batch.hints, now)
        await self._database.write(feeds.settle, claim, now, again, host_free_at=now + self._host_spacing)
        polled.new += ingested.new
        polled.edited += ingested.edited
        if not batch.modified:
            polled.unchanged += 1
            return
        polled.read += 1
        log.info("feed read", feed=feed.name, new=ingested.new, edited=ingested.edited, enqueued=ingested.enqueued)
        if batch.is_cut_off:
            cut = f"{feed.name}: ends in the middle of an entry; the rest is read when the publisher sends it whole"
            polled.notices.append(cut)
            log.warning("feed cut off", feed=feed.name)
        elif self.routes.of_feed(feed.id) and (silence := explain_silence(feed, ingested)):
            polled.notices.append(silence)
            polled.silences.append(silence)
            log.info("nothing published", feed=feed.name, why=silence)

    async def _settle_failure(self, feed: Feed, claim: Claim, error: BotError) -> None:
        now = self._clock.now()
        again = check_after_failure(feed, error, claim.failures, now)
        try:
            await self._database.write(
                feeds.settle,
                claim,
                now,
                again,
                host_free_at=host_free_at(error, again, self._host_spacing, now),
                error=str(error),
                gone=isinstance(error, FeedGone),
            )
        except StorageError as problem:
            # The lease runs out by itself, and the feed is read again.
            log.error("failure not recorded", feed=feed.name, problem=str(problem))


def _next_batch(batches: Iterator[Reading]) -> Reading | None:
    try:
        return next(batches, None)
    except OSError as error:
        raise ArchiveError(f"cannot be read ({error}); check the files and their rights") from error
