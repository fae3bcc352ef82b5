"""`make archive-scale`: time and peak memory of a large archive: read alone, then through poller and store into SQLite.

`python -m tests.archive_at_scale [POSTS] [FILES]`. Each of the two is a process of its own, for the memory's sake.
"""

import asyncio
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter, process_time
from zoneinfo import ZoneInfo

from bot.clock import SystemClock
from bot.model import Feed, FeedKind, Validators
from bot.poller import Polled, Poller
from bot.sources import archive
from bot.sources.feed import FeedSource
from bot.sources.fetch import Fetcher
from bot.sources.parsing import Parser
from bot.storage import ingest
from bot.storage.database import Database
from bot.storage.feeds import Routes
from tests.builders import a_subscription
from tests.builders_archive import Written

TEHRAN = ZoneInfo("Asia/Tehran")
BYTES = 3000  #: a post
WORDS = (
    *("ماه", "باغ", "آسمان", "شب", "روز", "درخت", "رود", "باران", "پاییز", "بهار", "ستاره", "گل", "نرگس", "خاک"),
    *("آب", "نور", "ابر", "باد", "the", "moon", "garden", "2018"),
)
APPENDED = Written(date(2026, 1, 1), "باران", ("باران آمد.",))


def written(count: int) -> Iterator[Written]:
    """Newest first, over 55 years."""
    chance = random.Random(7)
    for number in range(count):
        paragraphs, size = [], 0
        while size < BYTES:
            paragraphs.append(" ".join(chance.choices(WORDS, k=chance.randint(30, 90))) + ".")
            size += len(paragraphs[-1].encode())
        yield Written(date(2025, 1, 1) - timedelta(days=number * 20_000 // count), f"عنوان {number}", tuple(paragraphs))


def write(folder: Path, count: int, files: int) -> None:
    """The posts in files of equal numbers."""
    posts, each = written(count), -(-count // files)
    for number in range(files):
        with (folder / f"{number:05}.txt").open("w", encoding="utf-8") as file:
            for _ in range(min(each, count - number * each)):
                file.write(next(posts).text() + "\n")


def append(folder: Path) -> None:
    """One more post below the last of the first file."""
    with (folder / "00000.txt").open("a", encoding="utf-8") as file:
        file.write("\n" + APPENDED.text())


def a_feed(folder: Path) -> Feed:
    return Feed("old", FeedKind.ARCHIVE, str(folder / "*.txt"))


def read(folder: Path, seen: Validators) -> tuple[int, Validators]:
    """How many entries came, and what is known afterwards."""
    found, validators = 0, seen
    for reading in archive.read(a_feed(folder), seen, TEHRAN):
        found, validators = found + len(reading.entries), reading.validators
    return found, validators


def a_poller(database: Database, feed: Feed) -> Poller:
    source = FeedSource(Fetcher(user_agent="test", allow_private_networks=True), Parser(), zone=TEHRAN)
    routes = database.write_now(ingest.adopt, 1, [feed], [a_subscription(feed)], SystemClock().now())
    return Poller(
        database, source, SystemClock(), routes=routes or Routes({}, {}), zone=TEHRAN, host_spacing=timedelta()
    )


async def look(poller: Poller) -> Polled:
    """A look at the archive, as `run` makes it."""
    polled = await poller.poll_due(forced=True, is_patient=True)
    polled.add(await poller.finish())
    return polled


def measure_reading(folder: Path) -> None:
    seen = Validators()
    for step in ("first", "unchanged", "appended"):
        if step == "appended":
            append(folder)
        start = perf_counter(), process_time()
        found, seen = read(folder, seen)
        report(step, found, start)


async def measure_storing(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        database = Database(f"sqlite:///{place}/q.db")
        await asyncio.to_thread(database.migrate)
        poller = a_poller(database, a_feed(folder))
        for step in ("first", "unchanged", "appended"):
            if step == "appended":
                append(folder)
            start = perf_counter(), process_time()
            report(step, (await look(poller)).new, start)
        await database.close()


def report(step: str, found: int, start: tuple[float, float]) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    wall, cpu = perf_counter() - start[0], process_time() - start[1]
    print(f"  {step:10} {found:7} posts {wall:7.2f} s, {cpu:6.2f} s CPU, {peak:4} MB at most", flush=True)


def main(count: int = 100_000, files: int = 1) -> None:
    for step in ("read", "store"):
        with tempfile.TemporaryDirectory() as name:
            write(Path(name), count, files)
            size = sum(path.stat().st_size for path in Path(name).iterdir()) / 1e6
            print(f"{step}: {count} posts, {files} files, {size:.0f} MB", flush=True)
            subprocess.run([sys.executable, "-m", "tests.archive_at_scale", step, name], check=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["read", folder]:
            measure_reading(Path(folder))
        case ["store", folder]:
            asyncio.run(measure_storing(Path(folder)))
        case numbers:
            main(*map(int, numbers))
