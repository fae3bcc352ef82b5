"""The poller on a real database: who is asked, when, and what becomes of failures. Sources are programmed."""

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, select

from bot.errors import FeedGone, FetchError, ParseError, StorageError
from bot.model import Feed, FeedKind, Hints, Reading, Subscription, Validators
from bot.poller import LEASE, Polled, Poller
from bot.sources.feed import FeedSource
from bot.sources.fetch import Fetcher
from bot.sources.parsing import Parser
from bot.storage import feeds, ingest
from bot.storage.database import Database
from bot.storage.schema import deliveries, hosts, posts
from bot.storage.schema import feeds as feed_table
from tests.builders import NOW, a_feed, a_subscription, an_entry
from tests.builders_archive import SKY, Written, dump
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import Publisher, rss

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
TEHRAN = ZoneInfo("Asia/Tehran")
Outcome = Reading | Exception | asyncio.Event
#: Of a publisher who sends validators; with no post yet its feed is asked every hour.
NOTHING_NEW = Reading(validators=Validators(b'"1"'))


class ProgrammedSource:
    """Gives each address its outcomes in turn, the last one for ever; an event is waited for."""

    def __init__(self, clock: FakeClock) -> None:
        self.outcomes: dict[str, list[Outcome]] = defaultdict(lambda: [NOTHING_NEW])
        self.is_asked = asyncio.Event()
        self.asked: list[tuple[str, datetime, Validators]] = []
        self._clock = clock

    async def read(self, feed: Feed, seen: Validators, now: datetime) -> AsyncIterator[Reading]:
        self.asked.append((feed.name, self._clock.now(), seen))
        self.is_asked.set()
        outcomes = self.outcomes[feed.name]
        outcome = outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
        if isinstance(outcome, asyncio.Event):
            await outcome.wait()
        elif isinstance(outcome, Exception):
            raise outcome
        else:
            yield outcome

    def names(self) -> list[str]:
        names = [name for name, _at, _seen in self.asked]
        self.asked.clear()
        return names


class Bench:
    """A poller with its clock, its database and its source."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        self.database, self.clock = database, clock
        self.source = ProgrammedSource(clock)
        self.poller = self.a_poller()

    def a_poller(self, source: Any = None, **changes: Any) -> Poller:
        settings = {"routes": feeds.Routes({}, {}), "zone": TEHRAN, "host_spacing": SECOND, **changes}
        return Poller(self.database, source or self.source, self.clock, **settings)

    async def configure(self, *configured: Feed, unreceived: Sequence[Feed] = ()) -> None:
        wanted: list[Subscription] = [a_subscription(feed) for feed in configured]
        self.poller.routes = await self.database.write(
            ingest.adopt, 1, [*configured, *unreceived], wanted, self.clock.now()
        )

    def restart(self, source: Any = None, **changes: Any) -> None:
        self.poller = self.a_poller(source, routes=self.poller.routes, **changes)

    async def poll(self, after: timedelta = timedelta(), **options: Any) -> Polled:
        self.clock.advance(after)
        polled = await self.poller.poll_due(**options)
        polled.add(await self.poller.finish())
        return polled

    async def row(self, name: str) -> Any:
        (feed,) = (feed for feed in self.poller.routes.feeds.values() if feed.name == name)

        def run(connection: Connection) -> Any:
            return connection.execute(select(feed_table).where(feed_table.c.id == feed.id)).one()

        return await self.database.read(run)

    async def ask(self, query: Any) -> list[Any]:
        def run(connection: Connection) -> list[Any]:
            return list(connection.execute(query).scalars())

        return await self.database.read(run)


@pytest.fixture
def bench(database: Database, clock: FakeClock) -> Bench:
    return Bench(database, clock)


@pytest.fixture
def small(sqlite: Database, clock: FakeClock) -> Bench:
    return Bench(sqlite, clock)


def on_one_host(*names: str, **changes: Any) -> list[Feed]:
    return [a_feed(name, url=f"https://one.example/{name}", **changes) for name in names]


# --- who is asked --------------------------------------------------------------------------------------------


async def test_a_feed_is_asked_when_it_is_due_and_not_before(small: Bench) -> None:
    await small.configure(a_feed("a"))
    assert (await small.poll()).read == 1
    assert (await small.poll(59 * MINUTE)).feed_ids == set()
    assert (await small.poll(7 * MINUTE)).read == 1
    assert small.source.names() == ["a", "a"]


async def test_one_host_is_asked_one_thing_at_a_time_with_a_pause(bench: Bench) -> None:
    await bench.configure(*on_one_host("a", "b", "c"), a_feed("other"))
    assert (await bench.poll()).read == 2
    assert sorted(bench.source.names()) == ["a", "other"]
    assert (await bench.poll(SECOND / 2)).read == 0
    assert (await bench.poll(SECOND / 2)).read == 1
    assert (await bench.poll(SECOND)).read == 1
    assert (await bench.poll(SECOND)).read == 0
    assert bench.source.names() == ["b", "c"]


async def test_the_longest_overdue_goes_first_and_no_more_than_asked_for(small: Bench) -> None:
    await small.configure(*(a_feed(name, every=15 * MINUTE) for name in "abc"))
    await small.poll()
    small.source.names()
    rows = {name: (await small.row(name)).next_check_at for name in "abc"}
    first, second, _third = sorted(rows, key=lambda name: rows[name])
    assert (await small.poll(2 * HOUR, limit=2)).read == 2
    assert small.source.names() == [first, second]


async def test_two_processes_never_ask_one_host_together(bench: Bench) -> None:
    await bench.configure(*on_one_host("a", "b", "c", "d"))
    rival = Database(bench.database.url.render_as_string(hide_password=False))
    try:
        claims = await asyncio.gather(
            *(
                database.write(
                    feeds.claim_due, NOW, limit=9, lease=MINUTE, among=bench.poller.routes.feeds, forced=True
                )
                for database in (bench.database, rival) * 3
            )
        )
    finally:
        await rival.close()
    assert sum(map(len, claims)) == 1


async def test_a_host_is_kept_by_the_first_who_takes_it(bench: Bench) -> None:
    """What decides where two processes saw the host free, each about to take another of its feeds."""

    def take(connection: Connection, at: datetime) -> bool:
        return feeds.take_host(connection, "one.example:443", at, at + MINUTE)

    taken = [await bench.database.write(take, NOW + after) for after in (timedelta(), SECOND, MINUTE)]
    assert taken == [True, False, True]


async def test_an_unfinished_reading_is_taken_over_when_its_lease_is_over(bench: Bench) -> None:
    await bench.configure(a_feed("a"))
    among = bench.poller.routes.feeds
    for at in (NOW, NOW + LEASE):
        assert len(await bench.database.write(feeds.claim_due, at, limit=9, lease=LEASE, among=among)) == 1
        assert (await bench.poll()).read == 0
    assert (await bench.poll(2 * LEASE)).read == 1


async def test_a_restart_costs_no_request(bench: Bench) -> None:
    await bench.configure(a_feed("a"), a_feed("b"))
    bench.source.outcomes["b"] = [FetchError("down", status=500)]
    await bench.poll()
    bench.source.names()
    for _restart in range(5):
        bench.restart()
        await bench.configure(a_feed("a"), a_feed("b"))
        assert (await bench.poll(SECOND)).feed_ids == set()
    assert bench.source.names() == []


async def test_a_feed_for_nobody_is_read_once(small: Bench) -> None:
    await small.configure(unreceived=[a_feed("a")])
    small.source.outcomes["a"] = [ParseError("not yet"), Reading((an_entry(),))]
    assert (await small.poll()).failed == 1
    assert (await small.poll(HOUR)).new == 1
    for forced in (False, True):
        assert (await small.poll(DAY, forced=forced)).feed_ids == set()
    await small.configure(a_feed("a"))
    assert (await small.poll()).read == 1


async def test_an_archive_that_is_being_written_is_left_for_a_second_or_waited_for(
    small: Bench, tmp_path: Path
) -> None:
    path = tmp_path / "blog.txt"
    path.write_text(dump(SKY), encoding="utf-8")
    written = small.clock.now().timestamp() - 0.5
    os.utime(path, (written, written))
    await small.configure(a_feed("notes", kind=FeedKind.ARCHIVE, url=str(path)))
    assert (await small.poll()).new == 0
    assert (await small.poll()).feed_ids == set()
    small.clock.advance(SECOND)
    assert (await small.poll()).new == 3
    path.write_text(dump([Written(date(2018, 10, 7), "باران", ("باران آمد.",)), *SKY]), encoding="utf-8")
    written = small.clock.now().timestamp()
    os.utime(path, (written, written))
    assert (await small.poller.poll_all_due(forced=True)).new == 1
    assert small.clock.now().timestamp() == written + 1


async def test_a_long_archive_keeps_its_lease(small: Bench, tmp_path: Path) -> None:
    path = tmp_path / "blog.txt"
    newest = date(2020, 1, 1)
    path.write_text(dump(Written(newest - timedelta(days=n), f"Day {n}", ("Dark.",)) for n in range(250)), "utf-8")
    steps = []

    def slow(name: str) -> None:
        if name == "after the reading":
            steps.append(small.clock.advance(LEASE - SECOND))

    await small.configure(a_feed("notes", kind=FeedKind.ARCHIVE, url=str(path)))
    small.restart(step=slow)
    rival = small.a_poller(routes=small.poller.routes)
    taken = set()
    task = asyncio.create_task(small.poll())
    while not task.done():
        await asyncio.sleep(0)
        if len(steps) > 1 and not task.done():
            taken |= (await rival.poll_due()).feed_ids
    assert (await task).new == 250
    assert taken == set()


async def test_an_archive_for_nobody_is_read_always(small: Bench, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Sunday, 30 September 2018\nTulips\nThe tulips are out.\n", encoding="utf-8")
    await small.configure(unreceived=[a_feed("notes", kind=FeedKind.ARCHIVE, url=str(path))])
    polled = await small.poll()
    assert (polled.read, polled.new, polled.notices) == (1, 1, [])
    assert (await small.poll(MINUTE)).unchanged == 1
    path.write_text(path.read_text() + "\nMonday, 1 October 2018\nRoses\nThe roses are out.\n", encoding="utf-8")
    assert (await small.poll(MINUTE)).new == 1
    path.unlink()
    polled = await small.poll(MINUTE)
    assert (polled.failed, "no file matches" in polled.notices[0]) == (1, True)


async def test_a_feed_that_left_the_file_is_not_asked(small: Bench) -> None:
    await small.configure(a_feed("a"), a_feed("b"))
    await small.configure(a_feed("b"))
    await small.poll()
    assert small.source.names() == ["b"]


# --- everything at once --------------------------------------------------------------------------------------


async def test_one_pass_waits_for_the_spacing_of_hosts(bench: Bench) -> None:
    await bench.configure(*on_one_host("a", "b", "c"), *(a_feed(f"x{n}") for n in range(40)))
    polled = await bench.poller.poll_all_due()
    assert polled.read == 43
    at = {name: at - NOW for name, at, _seen in bench.source.asked}
    assert [at[name] >= SECOND * number for number, name in enumerate("abc")] == [True] * 3
    assert max(at.values()) < 10 * SECOND
    assert (await bench.poller.poll_all_due()).feed_ids == set()


async def test_a_forced_pass_asks_every_feed_once_but_those_that_are_gone_or_held(bench: Bench) -> None:
    gone, *held = [a_feed("gone"), *on_one_host("held", "neighbour")]
    failing, fine = a_feed("failing"), a_feed("fine")
    await bench.configure(gone)
    bench.source.outcomes["gone"] = [FeedGone("410", status=410)]
    for _time in range(2):
        assert (await bench.poll(25 * HOUR, forced=True)).failed == 1
    bench.source.outcomes |= {
        "held": [FetchError("busy", status=503, retry_after=HOUR)],
        "failing": [FetchError("down", status=500)],
    }
    await bench.configure(gone, *held, failing, fine)
    await bench.poller.poll_all_due()
    assert bench.source.names()[2:] == ["held", "failing", "fine"]
    bench.clock.advance(10 * SECOND)
    for _pass in range(2):
        polled = await bench.poller.poll_all_due(forced=True)
        assert sorted(bench.source.names()) == ["failing", "fine"]
        assert (polled.read, polled.failed) == (1, 1)
        bench.clock.advance(10 * SECOND)
    bench.clock.advance(HOUR)
    await bench.poller.poll_all_due(forced=True)
    assert sorted(bench.source.names()) == ["failing", "fine", "held", "neighbour"]


# --- failures ------------------------------------------------------------------------------------------------


async def test_failures_back_off_and_a_success_ends_it(small: Bench) -> None:
    down = FetchError("down")
    small.source.outcomes["a"] = [down, down, down, NOTHING_NEW, FetchError("down again")]
    await small.configure(a_feed("a", every=HOUR))
    assert (await small.poll()).failed == 1
    for span in (HOUR, 2 * HOUR, 4 * HOUR):
        assert (await small.poll(span * 0.99)).feed_ids == set()
        assert len((await small.poll(span * 0.11)).feed_ids) == 1
    row = await small.row("a")
    assert (row.failures, row.error, row.succeeded_at) == (0, None, small.clock.now())
    assert (await small.poll(1.1 * HOUR)).notices == ["a: down again"]
    row = await small.row("a")
    assert (row.failures, row.error, row.attempted_at) == (1, "down again", small.clock.now())


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (FetchError("busy", status=503, retry_after=2 * HOUR), 2 * HOUR),
        (FetchError("too many", status=429), HOUR),
        (FetchError("down", status=500), SECOND),
    ],
    ids=["retry-after", "429", "500"],
)
async def test_what_a_host_asks_for_holds_for_all_its_feeds(small: Bench, error: FetchError, wait: timedelta) -> None:
    await small.configure(*on_one_host("a", "b"), a_feed("other"))
    small.source.outcomes["a"] = [error]
    await small.poll()
    await small.poll(wait - timedelta(milliseconds=1))
    assert "b" not in small.source.names()
    await small.poll(wait * 0.1 + timedelta(milliseconds=1))
    assert "b" in small.source.names()


async def test_what_is_gone_is_not_asked_again_until_it_moves(small: Bench) -> None:
    await small.configure(a_feed("a"))
    gone = FeedGone("410: gone", status=410)
    small.source.outcomes["a"] = [gone, gone, NOTHING_NEW]
    assert (await small.poll()).failed == 1
    assert (await small.poll(23 * HOUR)).feed_ids == set()
    assert (await small.poll(4 * HOUR)).failed == 1
    for _try in range(3):
        assert (await small.poll(30 * DAY)).feed_ids == set()
    await small.configure(a_feed("a", url="https://elsewhere.example/"))
    assert (await small.poll()).read == 1


async def test_one_feed_s_trouble_is_not_another_s(bench: Bench) -> None:
    troubles: list[Exception] = [
        FetchError("down"),
        ParseError("odd"),
        StorageError("full"),
        ValueError("a bug"),
        RecursionError(),
    ]
    await bench.configure(*(a_feed(f"x{number}") for number in range(5)), a_feed("fine"))
    for number, trouble in enumerate(troubles):
        bench.source.outcomes[f"x{number}"] = [trouble]
    bench.source.outcomes["fine"] = [Reading((an_entry(),))]
    polled = await bench.poll()
    assert (polled.read, polled.failed, polled.new, len(polled.notices)) == (1, 5, 1, 6)
    assert [(await bench.row(f"x{number}")).failures for number in range(5)] == [1, 1, 0, 1, 1]
    assert (await bench.row("x3")).error == "a bug of ours: ValueError; please report it"
    # Nobody is asked again before its floor.
    assert (await bench.poll(29 * MINUTE)).feed_ids == set()


async def test_a_reading_that_fails_in_its_middle_keeps_the_old_validators(small: Bench) -> None:
    old = Validators(b'"old"', None, b"old", a_feed("a").url)

    class Breaking(ProgrammedSource):
        async def read(self, feed: Feed, seen: Validators, now: datetime) -> AsyncIterator[Reading]:
            self.asked.append((feed.name, now, seen))
            yield Reading((an_entry(1),), last=False)
            raise ParseError("the rest is broken")

    await small.configure(a_feed("a"))
    small.source.outcomes["a"] = [Reading((), old)]
    await small.poll()
    small.restart(breaking := Breaking(small.clock))
    polled = await small.poll(2 * HOUR)
    assert (polled.failed, await small.ask(select(posts.c.ident))) == (1, ["guid-1"])
    await small.poll(2 * HOUR)
    assert [seen for _name, _at, seen in breaking.asked] == [old, old]


async def test_a_feed_that_is_cut_off_says_so_and_what_came_is_published(small: Bench) -> None:
    """Some publishers never send the whole: to wait for it would be to wait for ever."""
    await small.configure(a_feed("a", backfill=None))
    small.source.outcomes["a"] = [Reading((an_entry(2),), is_cut_off=True), Reading((an_entry(2), an_entry(1)))]
    polled = await small.poll()
    assert polled.notices == ["a: ends in the middle of an entry; the rest is read when the publisher sends it whole"]
    await small.poll(DAY)
    assert await small.ask(select(posts.c.ident).join(deliveries).order_by(deliveries.c.id)) == ["guid-2", "guid-1"]


async def test_a_cancelled_reading_gives_its_feed_and_host_back(bench: Bench) -> None:
    await bench.configure(*on_one_host("a", "b"))
    bench.source.outcomes["a"] = [asyncio.Event(), Reading()]
    task = asyncio.create_task(bench.poller.poll_due())
    await bench.source.is_asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = await bench.row("a")
    assert (row.lease_until, row.failures, row.attempted_at) == (None, 0, None)
    assert await bench.ask(select(hosts.c.next_at)) == [NOW + SECOND]
    bench.restart()
    assert (await bench.poll(SECOND)).read == 1


async def test_the_steps_are_named_for_the_crash_test(small: Bench) -> None:
    steps: list[str] = []
    await small.configure(a_feed("a"))
    small.restart(step=steps.append)
    await small.poll()
    assert steps == ["after the reading", "after the ingestion"]


async def test_silence_at_first_is_explained_where_somebody_listens(small: Bench) -> None:
    await small.configure(a_feed("heard"), unreceived=[a_feed("unheard")])
    for name in ("heard", "unheard"):
        small.source.outcomes[name] = [Reading((an_entry(1), an_entry(2)))]
    assert (await small.poll()).notices == [
        "heard: 2 posts read, none published (backfill: 0). The next new one will be. To post one now: /preview heard"
    ]


async def test_hints_move_the_next_reading(small: Bench) -> None:
    await small.configure(a_feed("a"))
    unchanged = replace(NOTHING_NEW, modified=False, hints=Hints(max_age=3 * HOUR))
    small.source.outcomes["a"] = [unchanged, NOTHING_NEW]
    assert (await small.poll()).unchanged == 1
    row = await small.row("a")
    assert row.next_check_why == "your floor 30m, rhythm not known yet 60m, publisher says 10800s"
    assert 3 * HOUR <= row.next_check_at - NOW <= 3.3 * HOUR


async def test_what_waits_to_be_delivered_is_told_of_at_once_and_nothing_else_is(small: Bench) -> None:
    """Other loops of a worker are woken every two seconds."""
    told: list[None] = []
    small.poller.news = lambda: told.append(None)
    await small.configure(a_feed("a"))
    first, second = Reading((an_entry(1),)), Reading((an_entry(1), an_entry(2)))
    small.source.outcomes["a"] = [first, second, NOTHING_NEW]
    counts = []
    for _reading in range(3):
        await small.poll(5 * HOUR)
        counts.append(len(told))
    assert counts == [0, 1, 1]  # of a first reading nothing is published here


# --- the whole way -------------------------------------------------------------------------------------------


async def test_a_feed_is_read_from_a_server_into_the_database(small: Bench) -> None:
    fetcher, parser = Fetcher(user_agent="Qasedak/test", allow_private_networks=True), Parser()
    source = FeedSource(fetcher, parser, zone=TEHRAN)
    one, two = ({"title": f"Tulips {n}", "guid": f"{n}", "pubDate": NOW} for n in (1, 2))
    try:
        async with Publisher() as publisher:
            feed = a_feed("garden", url=publisher.url("/feed"))
            await small.configure(feed, replace(feed, name="twin"))
            small.restart(source)

            async def poll() -> tuple[int, int, int, int]:
                polled = await small.poll(5 * HOUR)
                return polled.read, polled.unchanged, polled.failed, polled.new

            publisher.serve("/feed", rss(items=[one]), etag='"1"')
            assert [await poll() for _poll in range(2)] == [(1, 0, 0, 1), (0, 1, 0, 0)]
            # What is broken keeps the old validators, so that the same ETag does not hide the good body.
            publisher.serve("/feed", b"<html>Sorry</html>", etag='"2"')
            assert await poll() == (0, 0, 1, 0)
            publisher.serve("/feed", rss(items=[two, one]), etag='"2"')
            assert await poll() == (1, 0, 0, 1)
            assert [request.header("If-None-Match") for request in publisher.requests] == [
                None, b'"1"', b'"1"', b'"1"',
            ]  # fmt: skip
            small.restart(source)
            assert await poll() == (0, 1, 0, 0)
        assert await small.ask(select(posts.c.title).join(deliveries)) == ["Tulips 2"]
    finally:
        await fetcher.close()
        await asyncio.to_thread(parser.close)
