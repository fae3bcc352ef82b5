"""Full text on both databases: what finds what, in which order, that nothing hidden is found, and by which plan."""

import asyncio
import random
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text, update

from bot.model import Entry
from bot.storage import browse, search
from bot.storage.database import Database
from bot.storage.schema import feed_names, posts
from bot.storage.search import Page
from bot.text.query import parse_query
from tests.builders import NOW, a_feed, a_subscription, an_entry
from tests.search_at_scale import fill, queries
from tests.stage import Stage

ZONE = ZoneInfo("Asia/Tehran")
#: By every fifth of the queries of tests/search_at_scale.py together, on either database.
FOUND_AMONG_400 = 2278


async def find(database: Database, query: str, limit: int = 10, offset: int = 0) -> Page:
    asked = parse_query(query, NOW.date())
    return await database.read(search.find, asked, limit, offset, zone=ZONE, now=NOW)


async def titles(database: Database, query: str) -> list[str | None]:
    return [hit.post.entry.title for hit in (await find(database, query)).hits]


def entry(number: int, title: str, content: str = "", **changes: object) -> Entry:
    return an_entry(number, title=title, content=f"<p>{content}</p>", **changes)


@pytest.fixture
async def filled(stage: Stage) -> Database:
    await stage.adopt(a_subscription(feed=a_feed("sky", title="Sky Notes")), a_subscription(feed=a_feed("garden")))
    await stage.read(
        entry(1, "می\u200cروم به باغ", tags=("گل\u200cها", "باغ"), language="fa"),
        entry(2, "می روم به کوه", "كتاب\u200cخانة شهر بزرگ است.", author="سارا نوری", language="fa"),
        entry(3, "میروم تا ستاره\u200cها", "ماه کامل بر فراز باغ", tags=("آسمان شب",), language="fa"),
        entry(4, "Moonlight over the hills", "A full garden, and a moon that is full.", author="Sara"),
        entry(5, "Planting", "Under the full moon, garlic.", published=NOW - timedelta(days=3000)),
    )
    await stage.read(entry(6, "Roses", "The café in the rose garden, 2018."), feed="garden")
    return stage.database


@pytest.mark.parametrize("query", ["می\u200cروم", "می روم", "میروم", "مي\u200cروم"], ids=ascii)
async def test_every_spelling_finds_every_spelling(filled: Database, query: str) -> None:
    assert len(await titles(filled, query)) == 3


QUERIES: list[tuple[str, set[str]]] = [
    ("کتابخانه", {"می روم به کوه"}),
    ("کتاب خانه", {"می روم به کوه"}),
    ("کتاب", {"می روم به کوه"}),
    ("ستاره", {"میروم تا ستاره\u200cها"}),
    ("باغ کامل", {"میروم تا ستاره\u200cها"}),
    ("moonli", {"Moonlight over the hills"}),
    ("CAFE", {"Roses"}),
    ('"full moon"', {"Planting"}),
    ('"روم به"', set()),
    ("#باغ", {"می\u200cروم به باغ"}),
    ("#گل_ها", {"می\u200cروم به باغ"}),
    ("#آسمان_شب", {"میروم تا ستاره\u200cها"}),
    ("#آسمان", set()),
    ("author:sara", {"Moonlight over the hills"}),
    ("نویسنده:سارا", {"می روم به کوه"}),
    ("author:garden", set()),
    ("feed:garden", {"Roses"}),
    ("feed:sky full", {"Moonlight over the hills", "Planting"}),
    ("feed:nothing", set()),
    ("full ۱۳۹۷", {"Planting"}),
    ("full September 2018", {"Planting"}),
    ("full last year", set()),
    ("garden 2018", {"Roses"}),
    ("nonsense", set()),
]


@pytest.mark.parametrize(("query", "found"), QUERIES, ids=[query for query, _ in QUERIES])
async def test_a_query_finds_what_it_says(filled: Database, query: str, found: set[str]) -> None:
    assert set(await titles(filled, query)) == found


async def test_a_title_comes_before_a_text_and_the_new_before_the_old(stage: Stage) -> None:
    await stage.adopt()
    await stage.read(
        entry(1, "Old", "A comet in the text.", published=NOW - timedelta(days=4000)),
        entry(2, "New", "A comet in the text.", published=NOW - timedelta(days=4)),
        entry(3, "A comet", "In the title.", published=NOW - timedelta(days=4000)),
    )
    assert await titles(stage.database, "comet") == ["A comet", "New", "Old"]


async def test_pages_are_parts_of_one_list(filled: Database) -> None:
    whole = await find(filled, "garden")
    first, second = await find(filled, "garden", 1, 0), await find(filled, "garden", 1, 1)
    assert whole.total == first.total == second.total == 2
    assert [*first.hits, *second.hits] == list(whole.hits)
    assert (await find(filled, "garden", 1, 2)).hits == ()


async def test_without_words_the_newest_come_first(filled: Database) -> None:
    page = await find(filled, "")
    instants = [hit.post.effective_at for hit in page.hits]
    assert page.total == 6
    assert instants == sorted(instants, reverse=True)


async def test_a_snippet_shows_where(filled: Database) -> None:
    (hit,) = (await find(filled, "کتابخانه")).hits
    ((start, end),) = hit.snippet.marks
    assert hit.snippet.text[start:end] == "كتاب\u200cخانة"
    assert hit.feed == "sky"


async def test_what_is_held_or_left_the_configuration_is_not_found(filled: Database) -> None:
    def hide(connection: Connection) -> None:
        connection.execute(update(posts).where(posts.c.title == "Planting").values(held="wrong weekday"))
        connection.execute(update(feed_names).where(feed_names.c.name == "garden").values(active=False))

    assert len((await find(filled, "")).hits) == 6
    await filled.write(hide)
    assert await titles(filled, "planting") == []
    assert await titles(filled, "roses") == []
    assert len((await find(filled, "")).hits) == 4


async def test_an_edited_post_is_found_by_its_new_words_alone(stage: Stage) -> None:
    await stage.adopt()
    await stage.read(entry(1, "Tulips"))
    await stage.read(entry(1, "Crocuses"))
    assert await titles(stage.database, "tulips") == []
    assert await titles(stage.database, "crocuses") == ["Crocuses"]


async def test_what_was_stored_is_indexed_a_few_at_a_time(filled: Database) -> None:
    await filled.write(search.put_down, range(1, 7))
    await filled.write(search.put_down, [3, 4])
    assert await filled.read(search.count_waiting) == 6
    assert [await filled.write(search.index_waiting, 4) for _ in range(3)] == [4, 2, 0]
    assert await filled.read(search.count_waiting) == 0
    assert await titles(filled, "moonlight") == ["Moonlight over the hills"]


async def test_what_failed_to_be_stored_is_not_in_the_index(stage: Stage) -> None:
    await stage.adopt()
    await stage.read(entry(1, "Tulips"))

    def fail(connection: Connection) -> None:
        search.index(connection, {1: entry(1, "Crocuses")})
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 (ours)
        await stage.database.write(fail)
    assert await titles(stage.database, "tulips") == ["Tulips"]
    assert await titles(stage.database, "crocuses") == []


#: FTS5 and tsquery have languages of their own, in which most texts are errors.
NASTY = "'\"\\*:^&|!<->(){}+-~#=\x00 ماه moon NEAR AND\u200c۱۳"


async def test_no_text_whatever_fails(filled: Database) -> None:
    """A thousand texts, of the signs that a database could take for its own; and what hypothesis thinks of."""
    chosen = random.Random(1397)
    texts = ["".join(chosen.choices(NASTY, k=chosen.randint(1, 40))) for _ in range(900)]

    def ask_all(connection: Connection) -> None:
        for said in texts:
            page = search.find(connection, parse_query(said, NOW.date()), 3, 0, zone=ZONE, now=NOW)
            assert page.total >= len(page.hits)

    await filled.read(ask_all)

    @settings(max_examples=100, suppress_health_check=list(HealthCheck))
    @given(st.text(max_size=60) | st.text(NASTY, max_size=40))
    def ask(said: str) -> None:
        page = filled.read_now(search.find, parse_query(said, NOW.date()), 3, 0, zone=ZONE, now=NOW)
        assert page.total >= len(page.hits)

    await asyncio.to_thread(ask)


async def test_no_post_whatever_fails(stage: Stage) -> None:
    await stage.adopt()
    odd = "'; \\ \x07 '=f1':* \u200c\ue000 \U0001f319 ⅷ ² ﷽ नमस्ते 月 " + "a" * 5000 + " b" * 20_000
    await stage.read(entry(1, odd, odd, tags=("'", "=f1", "#"), author=odd))
    assert len(await titles(stage.database, "月")) == 1
    assert len(await titles(stage.database, "viii")) == 1


async def test_the_nearest_spelling_is_that_of_a_title(filled: Database) -> None:
    for wrong, right in (("plantng", "Planting"), ("مونlight", None), ("moonlght", "Moonlight"), ("planting", None)):
        query = parse_query(wrong, NOW.date())
        assert browse.nearest_words(query, await filled.read(browse.title_words)) == right
    long = parse_query(" ".join(f"plantng{number}" for number in range(7)), NOW.date())
    assert browse.nearest_words(long, await filled.read(browse.title_words)) is None


def _plan(connection: Connection) -> str:
    """How the database means to answer, as it says itself."""
    terms = parse_query("moon", NOW.date()).terms
    values: dict[str, object] = {"first": 0, "last": (1 << 63) - 1, "limit": 10}
    if connection.dialect.name == "sqlite":
        values |= {"matching": search.fts5(terms), "mask": (1 << 32) - 1}
        rows = connection.execute(text("EXPLAIN QUERY PLAN " + search.FTS5.text), values)
    else:
        connection.execute(search.PLANNER)
        rows = connection.execute(text("EXPLAIN " + search.PLACES.text), values | {"matching": search.tsquery(terms)})
    return "\n".join(str(row[-1]) for row in rows)


async def test_a_search_reads_the_index_and_never_every_post(database: Database) -> None:
    """The short form of `make search-scale`: the plan instead of the time; and what is found is the same on both."""
    await asyncio.to_thread(fill, database, 400)
    plan = await database.read(_plan)
    if database.path is None:
        assert "Bitmap Index Scan on ix_post_words_words" in plan
        assert "Seq Scan" not in plan
    else:
        first, second, *_ = plan.splitlines()
        assert first.startswith("SCAN post_words VIRTUAL TABLE INDEX")
        assert second.startswith("SEARCH posts USING INTEGER PRIMARY KEY")
        assert "TEMP B-TREE" not in plan
    found = [(await find(database, query, limit=1)).total for query in queries()[::5]]
    assert sum(found) == FOUND_AMONG_400
