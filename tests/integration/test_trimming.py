"""Items that are known are not parsed again, and nobody can tell: the same entries, the same posts, the same messages.

Each test reads twice, once by a source that remembers items and once by one that forgets them before each reading.
"""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from bot.model import Feed, Reading, Validators
from bot.poller import Poller
from bot.sources import document, known_items
from bot.sources.feed import FeedSource
from bot.sources.fetch import Answer, Fetcher
from bot.sources.parsing import Parser
from bot.storage import feeds, ingest
from bot.storage.database import Database
from bot.storage.schema import deliveries, post_keys, posts, verdicts
from bot.storage.schema import feeds as feed_table
from tests.builders import NOW, a_channel, a_feed, a_subscription
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import Fields, Publisher, atom, rss

TEHRAN = ZoneInfo("Asia/Tehran")
DAY = timedelta(days=1)
IGNORED = ("last_seen_at", "items", "lease_owner")


class ParserHere(Parser):
    """Parses in this process, and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.parsed: list[bytes] = []

    async def parse(self, body: bytes, content_type: str) -> dict[str, Any]:
        self.parsed.append(body)
        return document.parse(body, content_type)


class Shelf(Fetcher):
    """Answers with the body that was put there last; no network."""

    def __init__(self) -> None:
        super().__init__(user_agent="Qasedak/test")
        self.body = b""
        self.url = "https://sky.example/feed.xml"

    async def fetch(self, feed: Feed, seen: Validators) -> Answer:
        return Answer(self.url, self.body, "application/xml")


class Forgetful(FeedSource):
    """Reads every document whole."""

    async def read(self, feed: Feed, seen: Validators, now: datetime) -> AsyncIterator[Reading]:
        async for reading in super().read(feed, replace(seen, items=None), now):
            yield reading


class Desk:
    """One source without network and processes."""

    def __init__(self, kind: type[FeedSource] = FeedSource) -> None:
        self.shelf, self.parser = Shelf(), ParserHere()
        self.source = kind(self.shelf, self.parser, zone=TEHRAN)

    async def read(self, body: bytes, seen: Validators | None = None) -> Reading:
        self.shelf.body = body
        self.parser.parsed.clear()
        (reading,) = [found async for found in self.source.read(a_feed(), seen or Validators(), NOW)]
        return reading


def an_item(number: int, **changes: Any) -> Fields:
    item = {
        "title": f"Moon {number}",
        "guid": f"moon-{number}",
        "link": f"https://sky.example/{number}",
        "pubDate": NOW - DAY * (20 - number),
        "description": f"<p>The moon of evening {number} stands over the hills.</p>",
    }
    return {**item, **changes}


FOUR = [an_item(n) for n in (4, 3, 2, 1)]
FIVE = [an_item(5), *FOUR]


# --- readings ------------------------------------------------------------------------------------------------


async def test_of_a_document_with_one_new_item_that_one_is_parsed() -> None:
    desk = Desk()
    first = await desk.read(rss(items=FOUR))
    second = await desk.read(rss(items=FIVE), first.validators)
    (parsed,) = desk.parser.parsed
    assert parsed.count(b"<item>") == 1
    assert [entry.guid for entry in second.entries] == ["moon-5"]
    assert len(second.present) == 4
    whole = await desk.read(rss(items=FIVE))
    assert second == replace(whole, entries=whole.entries[:1], present=second.present)


async def test_a_document_of_known_items_is_not_parsed() -> None:
    desk = Desk()
    first = await desk.read(rss(items=FOUR, language="en", extra="<ttl>90</ttl>"))
    second = await desk.read(rss(items=FOUR[::-1], language="en", extra="<ttl>90</ttl>"), first.validators)
    assert desk.parser.parsed == []
    assert second.validators.digest != first.validators.digest
    assert second == replace(first, entries=(), present=second.present, validators=second.validators)
    assert second.hints.ttl == timedelta(minutes=90)


async def test_a_new_head_is_read_without_the_items() -> None:
    desk = Desk()
    first = await desk.read(rss("Sky", FOUR))
    second = await desk.read(rss("Moon", FOUR, language="fa", extra="<ttl>60</ttl>"), first.validators)
    assert b"<item>" not in desk.parser.parsed[0]
    assert (second.title, second.language, second.hints.ttl) == ("Moon", "fa", timedelta(hours=1))
    assert (second.entries, len(second.present)) == ((), 4)


async def test_hints_of_a_document_hold_until_it_changes(publisher: Publisher) -> None:
    fetcher = Fetcher(user_agent="Qasedak/test", allow_private_networks=True)
    source, feed = FeedSource(fetcher, ParserHere(), zone=TEHRAN), a_feed(url=publisher.url("/feed"))
    seen = Validators()
    try:
        for etag in ('"1"', '"1"', '"2"'):  # read, not modified, the same body
            publisher.serve("/feed", rss(items=FOUR, extra="<ttl>90</ttl>"), etag=etag)
            (reading,) = [found async for found in source.read(feed, seen, NOW)]
            assert reading.hints.ttl == timedelta(minutes=90)
            seen = reading.validators
        assert not reading.modified
    finally:
        await fetcher.close()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (rss(items=FOUR), rss(items=[an_item(5, guid="moon-4"), *FOUR])),
        (rss(items=FOUR), rss(items=[an_item(5, link="https://sky.example/4"), *FOUR])),
        (rss(items=FOUR), rss(items=[*FIVE, FIVE[0]])),
        (rss(items=[an_item(1, pubDate=None)]), rss(items=[an_item(2), an_item(3), an_item(1, pubDate=None)])),
        (rss(items=FOUR), rss(items=FIVE).replace(b"<channel>", b'<channel xml:base="https://moon.example/">')),
        (rss(items=FOUR), rss(items=FIVE).replace(b"<title>Moon 5", b"<title>Moon 5</b>")),
        (rss(items=FOUR), rss(items=FIVE).replace(b"<title>Moon 5", b"<title>Moon 5<item>")),
        (rss(items=FOUR), rss(items=FOUR).replace(b"</channel>", b"<Item><title>x</title></Item></channel>")),
        (rss(items=FOUR), rss(items=FIVE, link="https://sky.example/4")),
        (rss(items=FOUR), rss(items=FIVE).decode().encode("utf-16")),
        (rss(items=FOUR), rss(items=FIVE)[:-30]),
        (rss(items=FOUR), rss(items=FIVE)[:-330]),
        (rss(items=FOUR), atom(items=FOUR)),
        (rss(items=FOUR), json.dumps({"items": [{"id": "moon-4", "title": "x"}]}).encode()),
    ],
    ids=[
        "guid-of-a-known-one", "link-of-a-known-one", "one-twice", "undated-among-dated", "another-base", "broken",
        "nested", "item-in-capitals", "link-of-the-new-home", "another-charset", "unclosed", "torso", "another-format",
        "json",
    ],
)  # fmt: skip
async def test_at_any_doubt_the_whole_document_is_read(before: bytes, after: bytes) -> None:
    desk = Desk()
    first = await desk.read(before)
    assert known_items.load(first.validators.items)
    second = await desk.read(after, first.validators)
    assert desk.parser.parsed[-1] == after
    assert second == await Desk(Forgetful).read(after, replace(first.validators, items=None))
    assert second.present == ()


async def test_a_redirect_to_another_address_makes_all_items_new() -> None:
    desk = Desk()
    first = await desk.read(rss(items=[an_item(1, link="/1")]))
    desk.shelf.url = "https://moon.example/feed.xml"
    second = await desk.read(rss("x", items=[an_item(1, link="/1")]), first.validators)
    assert [entry.link for entry in second.entries] == ["https://moon.example/1"]


async def test_version_grows_when_the_same_bytes_come_to_mean_something_else() -> None:
    """Fails where entries or keys are made differently than before: raise VERSION, then set the new hash here."""
    made = b""
    for body in (rss(items=FOUR), atom(items=FOUR), rss(items=[{"title": "a &amp; <b>", "link": "/1?utm_id=1"}])):
        made += (await Desk().read(body)).validators.items or b""
    assert (known_items.VERSION, blake2b(made, digest_size=8).hexdigest()) == (2, "05eaaa0dc99c9c96")


async def test_in_feeds_of_the_wild_the_entries_stay_what_they_are(shared: Path) -> None:
    folder = shared / "corpus"
    cases = json.loads((folder / "manifest.json").read_text())["cases"]
    trimmed = 0
    for case in cases:
        body, desk = (folder / case["file"]).read_bytes(), Desk()
        whole = await desk.read(body)
        layout, memory = known_items.find(body), known_items.load(whole.validators.items)
        if layout is None or memory is None or len(memory.items) < 2:
            continue
        known = dict(list(memory.items.items())[1::2])
        seen = Validators(items=known_items.dump(replace(memory, items=known)))
        reading = await desk.read(body, seen)
        if reading.present:
            assert reading == replace(whole, entries=whole.entries[::2], present=reading.present), case["file"]
            trimmed += 1
        all_known = await desk.read(body, Validators(items=whole.validators.items))
        assert desk.parser.parsed == []
        assert all_known == replace(whole, entries=(), present=all_known.present), case["file"]
    assert trimmed == 27


# --- what is stored ------------------------------------------------------------------------------------------


class World:
    """A database, and a poller that reads into it."""

    def __init__(self, folder: Path, kind: type[FeedSource]) -> None:
        self.clock, self.desk = FakeClock(), Desk(kind)
        self.database = Database(f"sqlite:///{folder / kind.__name__}.db")
        self.database.migrate()
        self.poller = Poller(
            self.database, self.desk.source, self.clock,
            routes=feeds.Routes({}, {}), zone=TEHRAN, host_spacing=timedelta(),
        )  # fmt: skip

    async def follow(self, feed: Feed) -> None:
        wanted = a_subscription(feed, a_channel(max_age=DAY * 9999))
        self.poller.routes = await self.database.write(ingest.adopt, 1, [feed], [wanted], self.clock.now())

    async def read(self, body: bytes) -> None:
        self.clock.advance(DAY * 8)  # nobody waits longer
        self.desk.shelf.body = body
        polled = await self.poller.poll_due()
        polled.add(await self.poller.finish())
        assert (len(polled.feed_ids), polled.failed) == (1, 0), polled.notices

    async def state(self) -> dict[str, list[Any]]:
        (feed_id,) = self.poller.routes.feeds
        return await self.database.read(_state, feed_id)


def _state(connection: Connection, feed_id: int) -> dict[str, list[Any]]:
    """Everything that was decided; not when a key was last seen, which decides nothing. Ids are counted from 1."""
    ids = list(connection.execute(select(posts.c.id).where(posts.c.feed_id == feed_id).order_by(posts.c.id)).scalars())
    queries = {
        "posts": select(posts).where(posts.c.feed_id == feed_id).order_by(posts.c.id),
        "keys": select(post_keys).where(post_keys.c.feed_id == feed_id).order_by(post_keys.c.kind, post_keys.c.hash),
        "deliveries": select(deliveries).where(deliveries.c.post_id.in_(ids)).order_by(deliveries.c.id),
        "verdicts": select(verdicts).where(verdicts.c.post_id.in_(ids)).order_by(verdicts.c.post_id),
        "feed": select(feed_table).where(feed_table.c.id == feed_id),
    }

    def plain(name: str, row: Any) -> dict[str, Any]:
        values = {key: value for key, value in row._asdict().items() if key not in IGNORED and key != "id"}
        post_id = row.id if name == "posts" else values.get("post_id")
        return values | ({"post_id": ids.index(post_id) + 1} if post_id else {})

    return {name: [plain(name, row) for row in connection.execute(query)] for name, query in queries.items()}


@pytest.fixture(scope="module")
def worlds() -> Iterator[tuple[World, World]]:
    """For all examples: each has a feed of its own."""
    with tempfile.TemporaryDirectory() as folder:
        both = World(Path(folder), FeedSource), World(Path(folder), Forgetful)
        yield both
        for world in both:
            asyncio.run(world.database.close())


async def _read_in_both(worlds: tuple[World, World], bodies: Sequence[bytes]) -> int:
    """Have both worlds read the documents in turn, and compare after each; how many readings were cheap."""
    cheap, number = 0, worlds[0].clock.now().timestamp()
    feed = a_feed(f"sky-{number:.0f}")
    for world in worlds:
        await world.follow(feed)
    for body in bodies:
        for world in worlds:
            world.desk.parser.parsed.clear()
            await world.read(body)
        cheap += body not in worlds[0].desk.parser.parsed
        remembering, forgetting = [await world.state() for world in worlds]
        assert remembering == forgetting
    return cheap


STORIES = {
    "edited": ([FOUR, [an_item(4, title="Sun 4"), *FOUR[1:]], FOUR], 2),
    "reordered": ([FOUR, FOUR[::-1], [*FOUR[::-1], an_item(5)]], 2),
    "gone and back": ([FOUR, FOUR[:1], FOUR, FIVE], 3),
    "gone, edited and back": ([FOUR, FOUR[:3], [*FOUR[:3], an_item(1, title="Sun 1")], FOUR], 3),
    "a new one each time": ([FOUR[n:] for n in (3, 2, 1, 0)], 3),
    "two new at once, not in order": ([FOUR, [an_item(5), an_item(7), an_item(6), *FOUR]], 1),
    "two new at once, the known undated": (
        [[an_item(1, pubDate=None)], [an_item(5), an_item(6), an_item(1, pubDate=None)]], 0
    ),
    "guids moved": ([FOUR, [an_item(5, guid="new"), *FOUR], [an_item(4, guid="urn:4"), *FOUR[1:]]], 2),
    "guid moved while the old is there": ([FOUR, [an_item(5, link="https://sky.example/4"), *FOUR], FOUR], 0),
    "guid moved twice, one of them there": (
        [
            [an_item(1, guid="a"), an_item(9)],
            [an_item(1, guid="b"), an_item(9)],
            [an_item(2, guid="a"), an_item(9)],
            [an_item(1, guid="c"), an_item(2, guid="a"), an_item(9)],
        ],
        3,
    ),
    "one link for two, then for one": (
        [[an_item(1), an_item(2, link="https://sky.example/1")], [an_item(1)], [an_item(1, guid="x")]], 0
    ),
    "an older version below": (
        [FOUR, [an_item(4, title="Sun 4", pubDate=NOW), *FOUR], FOUR, [an_item(5), *FOUR]], 1
    ),
    "all new": ([FOUR, [an_item(n) for n in (14, 13, 12, 11)]], 0),
    "empty and full again": ([FOUR, [], FOUR, FIVE], 1),
    "without guids": ([[an_item(n, guid=None) for n in numbers] for numbers in ((1, 2), (1, 2, 3), (2, 3))], 2),
    "without links": ([[an_item(n, link=None) for n in numbers] for numbers in ((1, 2), (1, 2, 3), (2, 3))], 2),
}  # fmt: skip


@pytest.mark.parametrize(("documents", "cheap"), STORIES.values(), ids=list(STORIES))
async def test_what_becomes_of_a_feed_does_not_depend_on_what_is_remembered(
    worlds: tuple[World, World], documents: list[list[Fields]], cheap: int
) -> None:
    assert await _read_in_both(worlds, [rss(items=items) for items in documents]) == cheap


async def test_a_changed_head_and_a_cut_body_decide_the_same(worlds: tuple[World, World]) -> None:
    edited = rss("Moon", [an_item(4, title="Sun 4"), *FOUR[1:]])
    bodies = [
        rss("Sky", FOUR),
        rss("Moon", FOUR, language="fa"),
        edited[: edited.index(b"</channel>")],  # stored, but without validators
        rss("Moon", FOUR),
        rss("Moon", FIVE, link="https://sky.example/4"),
        rss("Moon", FIVE),
    ]
    assert await _read_in_both(worlds, bodies) == 1


_item = st.builds(
    lambda number, changes: an_item(number, **changes),
    st.integers(1, 5),
    st.fixed_dictionaries(
        {},
        optional={
            "title": st.sampled_from(["Sun", None]),
            "guid": st.sampled_from(["moon-1", "moon-2", "urn:3", None]),
            "link": st.sampled_from(["https://sky.example/1", "https://garden.example/", None]),
            "pubDate": st.sampled_from([NOW, NOW - DAY * 300, None]),
        },
    ),
)
_documents = st.lists(st.lists(_item, max_size=5), min_size=2, max_size=4)


@settings(max_examples=40)  # each is up to four documents in two databases
@given(documents=_documents, title=st.lists(st.sampled_from(["Sky", "Moon"]), min_size=4, max_size=4))
def test_no_decision_changes_by_trimming(
    worlds: tuple[World, World], documents: list[list[Fields]], title: list[str]
) -> None:
    bodies = [rss(title[n], items) for n, items in enumerate(documents)]
    asyncio.run(_read_in_both(worlds, bodies))


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    async with Publisher() as server:
        yield server
