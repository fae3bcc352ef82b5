"""How PostgreSQL finds what the hot paths ask for: by an index, whatever the tables grow to.

Sequential scans are made forbiddingly dear for the planner (``enable_seqscan = off``): it takes one then only where no
index can serve, which is what a missing index looks like. Which plan it takes for rows that are there, and how long
that takes with 100,000 feeds and 1,000,000 posts, ``make bench`` shows (``tests/bench/scaling.py``).
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from bot.manners import NextCheck
from bot.model import Reading, SentMessage
from bot.pacing import WINDOW, Wish
from bot.storage import feeds, ingest, lane_heads, lanes, paces, settling, updates
from bot.storage.database import Database
from bot.storage.lane_heads import Visit
from bot.storage.lanes import Arrival, Attempt
from bot.storage.settling import Unchanged
from tests.builders import NOW, a_channel, a_feed, a_subscription, an_entry
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender
from tests.stage import Stage

LEASE = timedelta(seconds=40)
#: A row a process, a bot or a kind: they do not grow with feeds, posts or chats.
SMALL = {"paces", "pace_shares", "loops"}


@dataclass
class Plans:
    """Statements as they were run, and how they would be."""

    taken: list[tuple[str, Any]] = field(default_factory=list)

    @contextmanager
    def watching(self, database: Database) -> Iterator[None]:
        def keep(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
            if statement.split()[0] in ("SELECT", "UPDATE", "DELETE", "INSERT"):
                self.taken.append((statement, parameters[0] if isinstance(parameters, list) else parameters))

        engines = (database._writer_engine, database._reader_engine)
        for engine in engines:
            event.listen(engine, "before_cursor_execute", keep)
        yield
        for engine in engines:
            event.remove(engine, "before_cursor_execute", keep)

    def explain(self, connection: Connection) -> list[str]:
        """Tables that are read from end to end, with the statements that do."""
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        found = []
        for statement, parameters in self.taken:
            plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
            plan = plan if isinstance(plan, list) else json.loads(plan)
            scanned = [node["Relation Name"] for node in nodes(plan[0]["Plan"]) if node["Node Type"] == "Seq Scan"]
            found += [f"{table}: {statement}" for table in scanned if table not in SMALL]
        return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


@pytest.fixture
async def stage(shared_database: Database) -> Stage:
    clock = FakeClock()
    made = Stage(shared_database, clock, FakeSender(clock))
    feed = a_feed(backfill=None)
    await made.adopt(*(a_subscription(feed, a_channel(name, chat=chat)) for name, chat in (("a", "-1"), ("b", "-2"))))
    return made


async def test_reading_finds_everything_by_an_index(stage: Stage) -> None:
    plans, now, database = Plans(), NOW, stage.database
    with plans.watching(database):
        (claim,) = await database.write(feeds.claim_due, now, limit=32, lease=LEASE)
        await database.write(ingest.ingest, claim, Reading((an_entry(1),)), stage.routes, now)
        again = NextCheck(now, "soon")
        await database.write(feeds.settle, claim, now, again, host_free_at=now, state=claim.state)
        ended = Unchanged(claim, now, again, now, claim.state, claim.validators)
        await database.write(settling.settle_unchanged, [ended])
    assert len(plans.taken) > 10
    assert await database.write(plans.explain) == []


async def test_delivering_finds_everything_by_an_index(stage: Stage) -> None:
    plans, now, database = Plans(), NOW, stage.database

    await stage.read(an_entry(1))
    with plans.watching(database):
        both = await database.write(lanes.claim, stage.sender.bot_id, now, limit=16, lease=LEASE)
        visits = [Visit(lane, now, 20, WINDOW) for lane in both]
        await database.read(lane_heads.look_all, visits)
        (waiting,) = await database.read(lane_heads.look_all, visits[:1])
        lane, (delivery,) = both[0], waiting.head
        await database.write(lanes.begin_all, [Attempt(lane, delivery, delivery.parts, now, now + LEASE)])
        await database.write(lanes.sent_all, [Arrival(lane, delivery, SentMessage(1, now))])
        await database.write(lanes.release_all, [lanes.Return(lane, None)])
        await database.write(paces.take, (1, "free"), Wish("a", 5), in_use=0, whole=30, lease=LEASE)
        await database.write(updates.take, 1, 256, now, membership_of=-1001)
    assert len(plans.taken) > 10
    assert await database.write(plans.explain) == []


async def test_a_missing_index_is_noticed(stage: Stage) -> None:
    plans = Plans()
    await stage.database.write(lambda connection: connection.execute(text("DROP INDEX ix_feeds_next_check_at")))
    with plans.watching(stage.database):
        await stage.database.write(feeds.claim_due, NOW, limit=32, lease=LEASE)
    assert [found.partition(":")[0] for found in await stage.database.write(plans.explain)] == ["feeds"]
