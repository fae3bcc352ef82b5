"""A bot that has seen much, behind its status page: for pictures, for tests in a browser, and for its size.

`make page-scale` (``python -m tests.panel``) measures the page with 1,000 feeds: its bytes, and how long it takes.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select, update

from bot.health import Health
from bot.model import (
    Channel,
    DeliveryClass,
    DeliveryState,
    DigestPlan,
    Every,
    FeedKind,
    Language,
    Pick,
    Replay,
    Verdict,
)
from bot.pacing import Pace
from bot.storage import ingest, overview
from bot.storage.database import Database
from bot.storage.feeds import Routes, resolve_target, unresolved
from bot.storage.schema import deliveries, feed_names, feeds, lanes, loops, posts, subscriptions, verdicts
from bot.web.status import Asked, Setup, StatusPage
from tests.builders import a_feed, a_subscription
from tests.fakes.clock import FakeClock

NOW = datetime(2026, 11, 23, 10, 45, tzinfo=UTC)
BOT = 123456
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CHANNELS = {
    "main": Channel(name="main", chat="@night_sky_fa", max_per_hour=6),
    "english": Channel(
        name="english", chat="@night_sky", language="en", digest=DigestPlan(Every.WEEK, clock_time(9), 5)
    ),
    "garden": Channel(name="garden", chat="-1003333333333"),
}
CHATS = {"main": -1001111111111, "english": -1002222222222, "garden": -1003333333333}
TITLES = {"main": "آسمان شب", "english": "Night Sky", "garden": "باغ ما"}
POST_TITLES = ("ماه کامل بر فراز تپه\u200cها", "A full moon over the hills", "Planting garlic")
SICK = {
    "sky-notes": (Health.SILENT, None),
    "old-observatory": (Health.GONE, "410 Gone; remove it, or correct its url"),
    "tulips": (Health.FAILING, "tulips.example: cannot be reached (Connection refused); it is tried again later"),
    "daftar": (Health.MOVED, None),
    "compost": (Health.REPUBLISHED, None),
}
NAMES = [*SICK, "planets", "moon-daily", "seeds", "meteors", "orchard", "sparrows"]


@asynccontextmanager
async def a_panel(
    path: Path, *, feed_count: int = len(NAMES), is_well: bool = False, language: Language = "fa"
) -> AsyncIterator[StatusPage]:
    """The status page over a database at *path*, which is made."""
    database = Database(f"sqlite:///{path}")
    await asyncio.to_thread(database.migrate)
    names = [*NAMES, *(f"feed-{number:04}" for number in range(len(NAMES), feed_count))][:feed_count]
    wanted = [a_subscription(a_feed(name), CHANNELS["main"]) for name in names]
    wanted += [a_subscription(a_feed(name), channel) for name in names[:4] for channel in list(CHANNELS.values())[1:]]
    archive = a_feed("notebook", kind=FeedKind.ARCHIVE, url="/srv/notebook/*.txt")
    plan = Replay((clock_time(9), clock_time(21)), Pick.OLDEST)
    wanted.append(a_subscription(replace(archive, replay=plan), CHANNELS["main"]))
    routes = await database.write(
        ingest.adopt, BOT, list({one.feed.name: one.feed for one in wanted}.values()), wanted, NOW - 60 * DAY
    )
    await database.write(_fill, routes, is_well=is_well)
    page = StatusPage(database, FakeClock(NOW), bot_id=BOT, setup=_setup(routes, language))
    page.titles = TITLES
    try:
        yield page
    finally:
        await database.close()


def _setup(routes: Routes, language: Language) -> Setup:
    return Setup(
        path="/etc/qasedak/feeds.yaml",
        loaded_at=NOW - 3 * HOUR,
        language=language,
        zone=ZoneInfo("Asia/Tehran"),
        pace=Pace(),
        channels=CHANNELS,
        subscriptions=tuple(routes.subscriptions.values()),
    )


def _fill(connection: Connection, routes: Routes, *, is_well: bool) -> None:
    chosen = random.Random(7)
    names = {row.feed_id: row.name for row in connection.execute(select(feed_names))}
    for target in unresolved(connection, BOT):
        resolve_target(connection, target.target_id, CHATS[target.channel], NOW)
    for feed_id, name in names.items():
        health, error = (Health.OK, None) if is_well else SICK.get(name, (Health.OK, None))
        newest = NOW - (9 * DAY if health is Health.SILENT else chosen.randint(1, 50) * HOUR)
        connection.execute(
            update(feeds)
            .where(feeds.c.id == feed_id)
            .values(
                title=f"The {name} notes",
                health=health,
                health_since=NOW - 3 * DAY,
                failures=4 if error else 0,
                error=error,
                gone=health is Health.GONE,
                moved_to="https://daftar.example/new.xml" if health is Health.MOVED else None,
                newest_at=newest,
                gap_seconds=8 * 3600,
                baseline_at=NOW - 60 * DAY,
                attempted_at=NOW - 20 * MINUTE,
                succeeded_at=NOW - 20 * MINUTE,
                next_check_at=NOW + chosen.randint(1, 40) * MINUTE,
                next_check_why="your floor 30m, its own rhythm 42m, publisher says 2520s",
            )
        )
    connection.execute(insert(posts), [row for feed_id in names for row in _posts_of(feed_id, chosen)])
    _deliver(connection, chosen)
    for loop in ("poll", "deliver", "updates"):
        late_at = NOW - MINUTE if loop == "updates" and not is_well else NOW + HOUR
        connection.execute(
            insert(loops).values(name=loop, process="one", succeeded_at=NOW - 5 * MINUTE, late_at=late_at)
        )
    if not is_well:
        connection.execute(
            update(lanes)
            .where(lanes.c.chat_id == CHATS["garden"])
            .values(paused="chat -1003333333333: Forbidden: bot is not an administrator; make the bot an administrator")
        )
    for number in range(12):
        overview.add_notices(
            connection, [f"sky-notes: {number} posts read, none published"], NOW - (30 - number) * HOUR
        )
    overview.add_notices(connection, ["کانال «باغ ما»: اجازهٔ ارسال ندارم. ۷ نوشته نگه داشته\u200cام."], NOW - 2 * HOUR)


def _posts_of(feed_id: int, chosen: random.Random) -> list[dict[str, Any]]:
    rows = []
    for number in range(30):
        at = NOW - timedelta(days=chosen.triangular(0, 400, 0), hours=chosen.randint(0, 20))
        rows.append(
            {
                "feed_id": feed_id,
                "ident": f"post-{number}",
                "title": chosen.choice(
                    ["ماه کامل بر فراز تپه\u200cها", "A full moon over the hills", "Planting garlic"]
                ),
                "link": f"https://sky.example/{feed_id}/{number}",
                "published_at": at,
                "date_only": False,
                "tags": [],
                "enclosures": [],
                "flags": [],
                "body": b"",
                "first_seen_at": at,
                "effective_at": at,
                "is_old": False,
            }
        )
    return rows


def _deliver(connection: Connection, chosen: random.Random) -> None:
    routes = connection.execute(select(subscriptions)).all()
    of_feed: dict[int, list[Any]] = {}
    for route in routes:
        of_feed.setdefault(route.feed_id, []).append(route)
    rows: list[dict[str, Any]] = []
    left_out: list[dict[str, Any]] = []
    for post in connection.execute(select(posts.c.id, posts.c.feed_id, posts.c.effective_at)).all():
        for route in of_feed[post.feed_id]:
            lot = chosen.random()
            if lot < 0.2:
                verdict = Verdict.FILTERED if lot < 0.12 else Verdict.DUPLICATE
                left_out.append(
                    {"post_id": post.id, "target_id": route.target_id, "verdict": verdict, "reason": "exclude: moon"}
                )
                continue
            rows.append(_delivery(post, route, DeliveryState.SENT))
    for number, (state, error) in enumerate(
        [
            (DeliveryState.DEAD, "chat -1002222222222: Bad Request: message is too long"),
            (DeliveryState.HELD, "it may have been sent; look into the chat, then `qasedak retry` if it is not there"),
            (DeliveryState.PENDING, "chat -1002222222222: Telegram asks to wait 41 s"),
            (DeliveryState.PENDING, None),
            (DeliveryState.PENDING, None),
        ]
    ):
        rows[-1 - number * 7] |= {"state": state, "error": error, "attempts": 2 if error else 0, "sent_at": None}
        rows[-1 - number * 7] |= {"due_at": NOW + number * MINUTE}
    connection.execute(insert(deliveries), rows)
    connection.execute(insert(verdicts), left_out)


def _delivery(post: Any, route: Any, state: DeliveryState) -> dict[str, Any]:
    return {
        "bot_id": BOT,
        "target_id": route.target_id,
        "post_id": post.id,
        "kind": "post",
        "subscription_id": route.id,
        "turn": DeliveryClass.LIVE,
        "state": state,
        "due_at": post.effective_at,
        "attempts": 1,
        "parts": [],
        "message_ids": [post.id],
        "error": None,
        "created_at": post.effective_at,
        "sent_at": post.effective_at + 5 * MINUTE,
    }


async def main() -> None:
    """Bytes and milliseconds with 1,000 feeds: the first page, and one whose year is counted already."""
    with tempfile.TemporaryDirectory() as folder:
        async with a_panel(Path(folder) / "q.db", feed_count=1000) as page:
            spans = []
            for _ in range(12):
                began = time.perf_counter(), time.process_time()
                html = await page.html(Asked({}))
                spans.append(((time.perf_counter() - began[0]) * 1000, (time.process_time() - began[1]) * 1000))
            size = len(html.encode())
            (first, _), (wall, cpu) = spans[0], sorted(spans[1:])[5]
            # On a machine that others use, the figure of the CPU says more.
            print(f"1,000 feeds: {size:,} bytes")
            print(f"{first:.0f} ms at first, then {wall:.0f} ms ({cpu:.0f} ms of CPU), the median of 11")
            if size > 150_000:
                sys.exit("over 150,000 bytes")


if __name__ == "__main__":
    asyncio.run(main())
