"""What holds for every document: posts, keys and deliveries of random ones, on a real store.

Ids, links and words are few, so that entries share them in every way that no publisher has thought of yet.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Self

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, select

from bot import identity
from bot.manners import NextCheck
from bot.model import Entry, Ingested, Keys, Reading, Subscription
from bot.storage import feeds, ingest, migration
from bot.storage.schema import deliveries, post_keys, posts
from tests.builders import NOW, a_feed, a_subscription
from tests.scenarios import HOME

Pair = tuple[Connection, Connection]
MINUTE = timedelta(minutes=1)
LINKS = [None, HOME, *(f"https://sky.example/{n}" for n in range(4))]


def _entries(size: int, *, guids: Sequence[str | None]) -> st.SearchStrategy[list[Entry]]:
    entry = st.builds(
        Entry,
        guid=st.sampled_from(guids),
        title=st.sampled_from([None, "Moon", "Stars", "Comet"]),
        link=st.sampled_from(LINKS),
        published=st.none() | st.integers(0, 6).map(lambda days: NOW - timedelta(days=days)),
        content=st.sampled_from(["<p>Tonight.</p>", "<p>Tomorrow.</p>", "<p>Never.</p>"]),
    )
    return st.lists(entry, max_size=size)


FEW = _entries(6, guids=[None, "a", "b", "c"])
MANY = _entries(12, guids=[None, *"abcdefghijkl"])
DOCUMENTS = FEW | MANY


class Reader:
    """A feed read into a database in memory, which is empty again afterwards: thousands of documents are read here."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        wanted: list[Subscription] = [a_subscription()]
        self.routes = ingest.adopt(self.connection, 1, [a_feed()], wanted, NOW)
        self.now = NOW
        self.read([])  # the baseline

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.connection.rollback()

    def read(self, entries: Sequence[Entry], present: Sequence[Keys] = ()) -> Ingested:
        self.now += 20 * MINUTE
        (claim,) = feeds.claim_due(
            self.connection, self.now, limit=1, lease=MINUTE, among=self.routes.feeds, forced=True
        )
        reading = Reading(tuple(entries), present=tuple(present), home=HOME)
        done = ingest.ingest(self.connection, claim, reading, self.routes, self.now)
        feeds.settle(self.connection, claim, self.now, NextCheck(self.now, ""), host_free_at=self.now)
        return done

    def state(self) -> list[list[Any]]:
        """Posts, keys and deliveries."""
        words = [column for column in posts.c if column.name != "flags"]
        keys = [post_keys.c.kind, post_keys.c.hash, post_keys.c.post_id]
        return [
            [tuple(row) for row in self.connection.execute(query)]
            for query in (
                select(*words).order_by(posts.c.id),
                select(*keys).order_by(*keys),
                select(deliveries.c.post_id).order_by(deliveries.c.id),
            )
        ]


@pytest.fixture(scope="module")
def connections() -> Iterator[Pair]:
    one, other = (create_engine("sqlite://").connect() for _ in range(2))
    for connection in (one, other):
        migration.upgrade(connection)
        connection.commit()
    yield one, other
    for connection in (one, other):
        connection.close()
        connection.engine.dispose()


@given(history=st.lists(DOCUMENTS, max_size=2), document=DOCUMENTS)
def test_a_document_that_comes_again_brings_nothing(
    connections: Pair, history: list[list[Entry]], document: list[Entry]
) -> None:
    with Reader(connections[0]) as reader:
        for earlier in [*history, document]:
            reader.read(earlier)
        before = reader.state()
        assert reader.read(document) == Ingested()
        assert reader.state()[0] == before[0]


@given(first=DOCUMENTS, second=DOCUMENTS.flatmap(lambda listed: st.tuples(st.just(listed), st.permutations(listed))))
def test_the_order_of_a_document_decides_nothing_about_identity(
    connections: Pair, first: list[Entry], second: tuple[list[Entry], list[Entry]]
) -> None:
    whole = identity.document_of(second[0], home=HOME)
    assume(whole.size == len(whole.entries))  # of two versions of one entry the order says which is the newer
    with Reader(connections[0]) as one, Reader(connections[1]) as other:
        done = []
        for reader, document in zip((one, other), second, strict=True):
            reader.read(first)
            done.append(reader.read(document).new)
        assert done[0] == done[1]
        keys = [
            sorted((kind, digest) for kind, digest, _post in reader.state()[1] if kind != "C")
            for reader in (one, other)
        ]
        assert keys[0] == keys[1]


@given(document=MANY, days=st.lists(st.none() | st.integers(-900, 900), min_size=12, max_size=12))
def test_dates_decide_nothing_about_identity(connections: Pair, document: list[Entry], days: list[int | None]) -> None:
    dated = [
        replace(entry, published=None if moved is None else NOW + timedelta(days=moved))
        for entry, moved in zip(document, days, strict=False)
    ]
    with Reader(connections[0]) as reader:
        reader.read(document)
        assert reader.read(dated).new == 0


@st.composite
def _next_document(draw: st.DrawFn, document: list[Entry]) -> list[tuple[Entry, bool]]:
    """Some of a document, some of them changed, and others between; and which of them are as they were."""
    kept = [(entry, True) for entry in document if draw(st.booleans())]
    new = [(entry, entry in document) for entry in draw(DOCUMENTS)]
    return draw(st.permutations([*kept, *new]))


@given(data=st.data(), history=st.lists(DOCUMENTS, max_size=1), first=DOCUMENTS)
def test_leaving_out_what_is_known_changes_nothing(
    connections: Pair, data: st.DataObject, history: list[list[Entry]], first: list[Entry]
) -> None:
    with Reader(connections[0]) as whole, Reader(connections[1]) as trimmed:
        for document in [*history, first]:
            assert whole.read(document) == trimmed.read(document)
        document = first
        for _reading in range(2):
            following = data.draw(_next_document(document))
            entries = [entry for entry, is_known in following if not is_known]
            present = [keys for entry, is_known in following if is_known and (keys := identity.raw_keys(entry))]
            document = [entry for entry, _is_known in following]
            assert whole.read(document) == trimmed.read(entries, present)
            assert whole.state() == trimmed.state()
