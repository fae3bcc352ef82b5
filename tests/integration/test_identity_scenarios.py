"""What a reader hears of a feed that changes: served, fetched, parsed, identified, stored and enqueued.

One row each: a publisher serves the first version, which is the baseline, then the others in turn; counted is what all
of them together made new, edited and sent.
"""

import unicodedata
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, func, select

from bot.model import SameStory, Verdict
from bot.poller import Polled, Poller
from bot.sources.feed import FeedSource
from bot.sources.fetch import Fetcher
from bot.sources.parsing import Parser
from bot.storage import feeds, ingest, reports
from bot.storage.database import Database
from bot.storage.schema import deliveries, posts
from tests.builders import a_channel, a_feed, a_subscription
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import Publisher, atom, rss

HOUR = timedelta(hours=1)
BOT = 1
Item = dict[str, Any]
Document = Callable[[int], bytes]


def item(number: int, **changes: Any) -> Item:
    fields = {
        "title": f"Bed number {number}",
        "guid": f"bed-{number}",
        "link": f"https://garden.example/beds/{number}",
        "pubDate": datetime(2026, 11, 20, tzinfo=UTC) + timedelta(minutes=number),
        "description": f"<p>What grows in bed {number}, and what it wants from us this week.</p>",
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def items(count: int = 6, **changes: Any) -> list[Item]:
    """Newest first; ``{}`` in a change is the entry's number."""
    return [
        item(n, **{key: value.format(n) if isinstance(value, str) else value for key, value in changes.items()})
        for n in range(count, 0, -1)
    ]


def of(*listed: Item, make: Callable[..., bytes] = rss) -> Document:
    """A document with these items. Its title counts the readings: each one has other bytes, so it is parsed."""
    return lambda reading: make(f"Garden notes {reading}", listed)


def raw(document: str) -> Document:
    return lambda reading: rss(f"Garden notes {reading}", extra=document)


@dataclass(frozen=True, slots=True)
class Row:
    before: Document
    after: list[Document] = field(default_factory=list)
    new: int = 0
    edited: int = 0
    sent: int | None = None  #: where it is not as many as are new


def cafe(form: Literal["NFC", "NFD"]) -> list[Item]:
    return [item(1, **{name: unicodedata.normalize(form, "Caf\u00e9") for name in ("title", "guid")}, link=None)]


SIX = items()
NOTHING = of()
ESCAPED = "<item><title>Roses</title><description>{}</description></item>"
LATER = [fields | {"pubDate": fields["pubDate"] + timedelta(days=2)} for fields in SIX]
OLDER = datetime(2026, 11, 1, tzinfo=UTC)

ROWS = {
    "same doc": Row(of(*SIX), [of(*SIX)]),
    "same doc to the byte": Row(lambda _: rss(items=SIX), [lambda _: rss(items=SIX)]),
    "reordered": Row(of(*SIX), [of(*SIX[::-1])]),
    "re-dated all": Row(of(*SIX), [of(*LATER)]),
    "edited title": Row(of(*SIX), [of(item(6, title="Bed six, corrected"), *SIX[1:])], edited=1),
    "guid changed same links": Row(of(*SIX), [of(*items(guid="urn:bed:{}"))]),
    "guid and link changed, same titles and dates": Row(
        of(*SIX), [of(*items(guid="urn:bed:{}", link="https://new.example/{}", description="<p>New words: {}</p>"))]
    ),
    "http->https in links and guids": Row(
        of(*items(guid="http://garden.example/{}", link="http://garden.example/{}")),
        [of(*items(guid="https://garden.example/{}", link="https://garden.example/{}"))],
    ),
    "utm added": Row(of(*SIX), [of(*items(link="https://garden.example/beds/{}?utm_source=rss&utm_medium=feed"))]),
    "utm added, no guid": Row(
        of(*items(guid=None)),
        [of(*items(guid=None, link="https://garden.example/beds/{}?utm_source=rss&utm_medium=feed"))],
    ),
    "www added, of four": Row(
        of(*items(4, guid=None)), [of(*items(4, guid=None, link="https://www.garden.example/beds/{}"))], new=4
    ),
    "www added, of six (brake)": Row(
        of(*items(guid=None)), [of(*items(guid=None, link="https://www.garden.example/beds/{}"))]
    ),
    "guid empty then filled": Row(of(*items(guid="")), [of(*SIX)]),
    "guid empty then filled, without links": Row(of(*items(guid="", link=None)), [of(*items(link=None))]),
    "entry disappears then returns after 3 polls": Row(of(*SIX), [*[of(*SIX[1:])] * 3, of(*SIX)]),
    "entry disappears then returns after 300 polls": Row(of(*SIX), [*[of(*SIX[1:2])] * 300, of(*SIX)]),
    "two items same guid different link": Row(
        NOTHING, [of(item(1, guid="bed"), item(2, guid="bed")), of(item(2, guid="bed"))], new=2
    ),
    "two items same guid different link, then one by one": Row(
        NOTHING,
        [of(item(1, guid="bed"), item(2, guid="bed")), of(item(3, guid="bed")), of(item(4, guid="bed"))],
        new=4,
    ),
    "two items same link different guid": Row(
        NOTHING, [of(item(1), item(2, link="https://garden.example/beds/1"))] * 2, new=2
    ),
    "duplicate item twice in the document": Row(NOTHING, [of(item(1), item(1))] * 2, new=1),
    "100 new at once": Row(of(*SIX), [of(*items(106))], new=100, sent=3),
    "100 new at once, older than what is known": Row(
        of(*SIX),
        [of(*(item(n, pubDate=OLDER + timedelta(minutes=n)) for n in range(106, 6, -1)))],
        new=100,
        sent=3,
    ),
    "ids, titles and texts changed, dates old": Row(
        of(*SIX),
        [of(*items(guid="x{}", link="https://new.example/{}", title="Plot {}", description="Soil {}", pubDate=OLDER))],
        new=6,
        sent=3,
    ),
    "all new after a while, dates new": Row(of(*SIX), [of(*(item(n) for n in range(26, 6, -1)))], new=20),
    "full, then empty, then full": Row(of(*SIX), [NOTHING, of(*SIX)]),
    "empty at first, then full": Row(NOTHING, [of(*SIX)], new=6),
    "Atom id only differs in case": Row(
        of(make=atom), [of(item(1, guid="urn:Bed", link=None), item(2, guid="urn:bed", link=None), make=atom)], new=2
    ),
    "trailing newline in guid": Row(of(*SIX), [of(*items(guid="bed-{}\n"))]),
    "CDATA vs escaped": Row(
        raw(ESCAPED.format("&lt;p&gt;Roses &amp;amp; thorns&lt;/p&gt;")),
        [raw(ESCAPED.format("<![CDATA[<p>Roses &amp; thorns</p>]]>"))],
    ),
    "NFC vs NFD": Row(of(*cafe("NFD")), [of(*cafe("NFC"))]),
    "isPermaLink flip": Row(
        of(*items(guid="https://garden.example/beds/{}", permalink=True, link=None)),
        [of(*items(guid="https://garden.example/beds/{}", permalink=False))],
    ),
}


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    async with Publisher() as server:
        yield server


class World:
    """A publisher's feeds, and a poller that reads them an hour apart."""

    def __init__(self, database: Database, publisher: Publisher, parser: Parser) -> None:
        self.database, self.publisher, self.clock = database, publisher, FakeClock()
        self._fetcher = Fetcher(user_agent="Qasedak/test", allow_private_networks=True)
        source = FeedSource(self._fetcher, parser, zone=ZoneInfo("Asia/Tehran"))
        self.poller = Poller(
            database, source, self.clock, routes=feeds.Routes({}, {}), zone=ZoneInfo("UTC"), host_spacing=timedelta()
        )

    async def play(self, row: Row) -> dict[str, int]:
        """Serve every version in turn; what came of all but the first."""
        found = {"new": 0, "edited": 0}
        await self.follow("garden")
        for reading, document in enumerate([row.before, *row.after]):
            self.publisher.serve("/garden", document(reading))
            polled = await self.poll()
            assert not polled.failed
            if reading:
                found["new"] += polled.new
                found["edited"] += polled.edited
        return found | {"sent": await self.count(deliveries.c.id)}

    async def poll(self, after: timedelta = HOUR) -> Polled:
        """One pass over all feeds, whatever their rhythm."""
        self.clock.advance(after)
        polled = await self.poller.poll_due(forced=True)
        polled.add(await self.poller.finish())
        return polled

    async def follow(self, *names: str) -> None:
        channel = a_channel(same_story=SameStory.OFF)  # both gardens tell of the same beds
        wanted = [a_subscription(a_feed(name, url=self.publisher.url(f"/{name}")), channel) for name in names]
        configured = [subscription.feed for subscription in wanted]
        self.poller.routes = await self.database.write(ingest.adopt, BOT, configured, wanted, self.clock.now())

    async def count(self, column: Any) -> int:
        def run(connection: Connection) -> int:
            return connection.execute(select(func.count(column))).scalar_one()

        return await self.database.read(run)

    async def verdicts(self) -> list[tuple[str, Verdict, str]]:
        found = await self.database.read(reports.post_reports, BOT)
        return [(report.post.entry.title or "", report.verdict, report.reason) for report in found]

    async def close(self) -> None:
        await self._fetcher.close()


@pytest.fixture
async def world(sqlite: Database, publisher: Publisher, parser: Parser) -> AsyncIterator[World]:
    opened = World(sqlite, publisher, parser)
    yield opened
    await opened.close()


def expected(row: Row) -> dict[str, int]:
    return {"new": row.new, "edited": row.edited, "sent": row.new if row.sent is None else row.sent}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
async def test_a_reader_hears_exactly_this(world: World, row: Row) -> None:
    assert await world.play(row) == expected(row)


@pytest.mark.parametrize(
    "name",
    [
        "edited title",
        "guid and link changed, same titles and dates",
        "two items same guid different link, then one by one",
        "100 new at once",
    ],
)
async def test_the_database_makes_no_difference(
    database: Database, publisher: Publisher, parser: Parser, name: str
) -> None:
    world = World(database, publisher, parser)
    try:
        assert await world.play(ROWS[name]) == expected(ROWS[name])
    finally:
        await world.close()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("100 new at once", "one of 100 that came at once"),
        ("100 new at once, older than what is known", "the feed was republished"),
        ("ids, titles and texts changed, dates old", "the feed was republished"),
    ],
)
async def test_what_a_crowd_leaves_behind_says_why(world: World, name: str, reason: str) -> None:
    await world.play(ROWS[name])
    later = [verdict for verdict in await world.verdicts() if verdict[2] != "there at the first reading"]
    assert [reason_given for _title, verdict, reason_given in later if verdict is Verdict.BASELINE] == [reason] * (
        ROWS[name].new - 3
    )
    pending = [title for title, verdict, _reason in later if verdict is Verdict.PENDING]
    assert pending == [title for title, _verdict, _reason in later][-3:]


async def test_a_first_reading_that_failed_is_no_baseline(world: World) -> None:
    await world.follow("garden")
    world.publisher.serve("/garden", b"<html>busy</html>")
    assert (await world.poll()).failed == 1
    world.publisher.serve("/garden", rss(items=SIX))
    assert (await world.poll(3 * HOUR)).new == 6
    assert await world.count(deliveries.c.id) == 0


async def test_of_what_came_while_a_feed_was_not_followed_the_newest_are_published(world: World) -> None:
    for name in ("garden", "orchard"):
        world.publisher.serve(f"/{name}", rss(items=SIX))
    await world.follow("garden", "orchard")
    for _feed in range(2):  # one request at a time to a host
        await world.poll()
    await world.follow("orchard")
    world.clock.advance(48 * HOUR)
    for name in ("garden", "orchard"):
        world.publisher.serve(f"/{name}", rss(items=items(10)))
    await world.follow("garden", "orchard")
    for _feed in range(2):
        await world.poll()
    assert await world.count(posts.c.id) == 20
    assert await world.count(deliveries.c.id) == 3 + 4
    reasons = [verdict for verdict in await world.verdicts() if verdict[2] == "came while nobody received the feed"]
    assert reasons == [("Bed number 7", Verdict.BASELINE, "came while nobody received the feed")]
    world.publisher.serve("/garden", rss(items=items(20)))
    await world.poll()
    assert await world.count(deliveries.c.id) == 3 + 4 + 10


async def test_a_second_channel_starts_at_now(world: World) -> None:
    world.publisher.serve("/garden", rss(items=SIX))
    await world.follow("garden")
    await world.poll()
    feed = a_feed("garden", url=world.publisher.url("/garden"))
    both = [a_subscription(feed), a_subscription(feed, a_channel("second", chat="-1002222222222"))]
    world.poller.routes = await world.database.write(ingest.adopt, BOT, [feed], both, world.clock.now())
    world.publisher.serve("/garden", rss(items=items(7)))
    await world.poll()
    assert await world.count(deliveries.c.id) == 2
