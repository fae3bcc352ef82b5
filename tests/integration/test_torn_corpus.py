"""Feeds of the wild, torn and mangled, through the poller into the store: nothing crashes, nothing is posted twice."""

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select, update

from bot.poller import Polled
from bot.sources.document import decode
from bot.sources.feed import FeedSource
from bot.sources.fetch import Fetcher
from bot.sources.parsing import Parser
from bot.storage.database import Database
from bot.storage.schema import deliveries, posts
from bot.storage.schema import feeds as feed_table
from tests.builders import a_feed
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import Publisher
from tests.integration.test_poller import TEHRAN, Bench

#: Of the corpus, in the short form.
SAMPLE = 5
JUNK = b"\r\n<br />\n<b>Notice</b>: Undefined index: page in <b>/srv/feed.php</b> on line <b>3</b><br />\n"
#: It ends in the middle of an entry as it is, so that its validators are not kept.
TORN = {"fastfeedparser__integration_osm-pl.xml"}
_DECLARATION = re.compile(r"\A\s*<[?]xml[^>]*>")

Mutation = Callable[[bytes], bytes]


def _cut(percent: int) -> Mutation:
    return lambda body: body[: len(body) * percent // 100]


def _flip(body: bytes) -> bytes:
    chance = random.Random(len(body))
    flipped = bytearray(body)
    for _flip in range(20):
        flipped[chance.randrange(len(body))] ^= chance.randrange(1, 256)
    return bytes(flipped)


def _encoded(charset: str) -> Mutation:
    def encode(body: bytes) -> bytes:
        text = decode(body, "")
        if text.lstrip().startswith("{"):
            return json.dumps(json.loads(text)).encode(charset)
        bare = _DECLARATION.sub("", text, count=1)
        return f'<?xml version="1.0" encoding="{charset}"?>{bare}'.encode(charset, "xmlcharrefreplace")

    return encode


MUTATIONS: dict[str, Mutation] = {
    **{f"cut at {percent} %": _cut(percent) for percent in (25, 50, 75, 95)},
    "20 bytes flipped": _flip,
    "junk before it": lambda body: JUNK + body,
    "in utf-16": _encoded("utf-16"),
    "in windows-1256": _encoded("windows-1256"),
}
#: All but this one say what the publisher said, or less.
LIES = "20 bytes flipped"


@dataclass
class Wild:
    """The corpus behind a publisher, each file under every address that wants it, and a store that reads them."""

    publisher: Publisher
    bench: Bench
    bodies: dict[str, bytes]

    async def publish(self, *kinds: str) -> None:
        self.addresses = {f"{kind}: {file}": (kind, file) for kind in kinds for file in self.bodies}
        paths = {name: f"/{number}" for number, name in enumerate(self.addresses)}
        self.paths = paths
        await self.bench.configure(
            *(a_feed(name, url=self.publisher.url(path), backfill=None) for name, path in paths.items())
        )

    def serve(self, *, mangled: bool) -> None:
        for name, (kind, file) in self.addresses.items():
            body = MUTATIONS[kind](self.bodies[file]) if mangled and kind in MUTATIONS else self.bodies[file]
            self.publisher.serve(self.paths[name], body, etag=f'"{hash(body)}"')

    async def read(self) -> Polled:
        self.bench.clock.advance(timedelta(days=2))
        polled = await self.bench.poller.poll_all_due(forced=True)
        assert len(polled.feed_ids) == len(self.addresses)
        for notice in polled.notices:
            assert not re.search(r"bug|took over|died", notice), notice
        return polled

    async def forget_validators(self) -> None:
        """As if nothing had ever been read; the posts stay."""

        def run(connection: Connection) -> None:
            nothing = dict.fromkeys(("etag", "last_modified", "digest", "validators_url", "items"))
            connection.execute(update(feed_table).values(nothing))

        await self.bench.database.write(run)

    async def stored(self) -> Counter[str]:
        """How many posts each feed has; none is on its way twice."""
        names = {feed.id: feed.name for feed in self.bench.poller.routes.feeds.values()}

        def run(connection: Connection) -> Counter[str]:
            counts = select(posts.c.feed_id, func.count()).group_by(posts.c.feed_id)
            sent = select(func.count(), func.count(func.distinct(deliveries.c.post_id))).select_from(deliveries)
            stored = Counter({names[feed_id]: count for feed_id, count in connection.execute(counts)})
            rows, delivered = connection.execute(sent).one()
            assert 0 < rows == delivered
            return stored

        return await self.bench.database.read(run)


@pytest.fixture
async def wild(shared: Path, sqlite: Database, clock: FakeClock, request: pytest.FixtureRequest) -> AsyncIterator[Wild]:
    folder = shared / "corpus"
    files = [case["file"] for case in json.loads((folder / "manifest.json").read_text())["cases"]]
    if not request.config.getoption("--whole-corpus"):
        files = files[:: len(files) // SAMPLE]
    fetcher, parser = Fetcher(user_agent="Qasedak/test", allow_private_networks=True), Parser()
    bench = Bench(sqlite, clock)
    bench.restart(FeedSource(fetcher, parser, zone=TEHRAN), host_spacing=timedelta(0))
    try:
        async with Publisher() as publisher:
            yield Wild(publisher, bench, {file: (folder / file).read_bytes() for file in files})
    finally:
        await fetcher.close()
        await asyncio.to_thread(parser.close)


async def test_what_was_read_is_not_new_again_with_validators_or_without(wild: Wild) -> None:
    await wild.publish("as it is")
    wild.serve(mangled=False)
    assert (await wild.read()).failed == 0
    first = await wild.stored()
    assert first.total() > len(wild.bodies)
    again = await wild.read()
    torn = len(TORN & wild.bodies.keys())
    assert (again.unchanged, again.read, again.new) == (len(wild.bodies) - torn, torn, 0)
    await wild.forget_validators()
    afresh = await wild.read()
    assert (afresh.unchanged, afresh.read, afresh.new) == (0, len(wild.bodies), 0)
    assert await wild.stored() == first


async def test_a_mangled_feed_posts_nothing_again_nor_does_the_good_one_after_it(wild: Wild) -> None:
    await wild.publish(*MUTATIONS)
    wild.serve(mangled=False)
    assert (await wild.read()).failed == 0
    good = await wild.stored()
    wild.serve(mangled=True)
    await wild.read()
    mangled = await wild.stored()
    assert {name for name in mangled - good if not name.startswith(LIES)} == set()
    wild.serve(mangled=False)
    assert (await wild.read()).new == 0
    assert await wild.stored() == mangled


async def test_a_feed_that_is_mangled_at_first_is_whole_in_the_end(wild: Wild) -> None:
    await wild.publish("as it is", *MUTATIONS)
    wild.serve(mangled=True)
    await wild.read()
    wild.serve(mangled=False)
    assert (await wild.read()).failed == 0
    stored = await wild.stored()
    whole = {file: stored[f"as it is: {file}"] for file in wild.bodies}
    kept = {name for name in wild.addresses if not name.startswith(LIES)}
    assert {name: stored[name] for name in kept} == {name: whole[wild.addresses[name][1]] for name in kept}
    await wild.forget_validators()
    assert (await wild.read()).new == 0
