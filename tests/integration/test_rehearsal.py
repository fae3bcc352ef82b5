"""The coming days in advance: what would go out when, and why not; with nothing sent and nothing changed."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, select
from typer.testing import CliRunner

from bot.cli import cli, open_rooms
from bot.config.reading import Config
from bot.model import Approval, DigestPlan, Every, FeedKind, Overflow, QuietHours, Replay, Subscription, Then
from bot.rehearsal import rehearse
from bot.storage.database import Database
from bot.storage.schema import metadata
from bot.storage.timetable import Event
from tests.builders import a_channel, a_feed, a_subscription, an_entry
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender
from tests.stage import Stage

TEHRAN = ZoneInfo("Asia/Tehran")


def everything(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    return {table.name: [tuple(row) for row in connection.execute(select(table))] for table in metadata.sorted_tables}


async def rehearsed(stage: Stage, *routes: Subscription, days: int = 2) -> list[Event]:
    """Of what is stored, with feeds.yaml as it is; nothing may change by it."""
    config = Config(
        Path("feeds.yaml"), feeds=tuple(route.feed for route in routes), subscriptions=routes,
        channels={route.channel.name: route.channel for route in routes},
    )  # fmt: skip
    before = await stage.database.read(everything)
    found = await rehearse(stage.database, stage.sender.bot_id, config, stage.clock.now(), days)
    assert await stage.database.read(everything) == before
    assert stage.sender.sent == []
    return found


def told(events: list[Event]) -> list[tuple[str, str, str]]:
    """What, when in Tehran, and which."""
    return [
        (event.what, f"{event.at.astimezone(TEHRAN):%d %H:%M}" if event.at else "-", event.title) for event in events
    ]


async def test_it_says_when_each_post_goes_out_and_what_held_it(stage: Stage) -> None:
    quiet = (QuietHours(time(11), time(13)),)
    route = a_subscription(channel=a_channel(quiet_hours=quiet, max_per_hour=2))
    await stage.adopt(route)
    await stage.read(an_entry(0))
    await stage.read(an_entry(0), an_entry(1), an_entry(2), an_entry(3))
    events = await rehearsed(stage, route)
    assert told(events) == [
        ("post", "23 13:00", "Moon number 1"),
        ("post", "23 13:00", "Moon number 2"),
        ("post", "23 14:00", "Moon number 3"),
    ]
    assert [event.why for event in events] == ["quiet hours", "quiet hours", "max_per_hour"]
    assert events[0].feed == "sky"
    assert events[0].channel == "main"


async def test_it_says_when_digests_and_replays_come_and_what_they_take_in(stage: Stage) -> None:
    plan = DigestPlan(Every.DAY, time(21), instead=True)
    route = a_subscription(channel=a_channel(digest=plan))
    blog = a_feed("blog", kind=FeedKind.ARCHIVE, url="/a/*.txt", replay=Replay((time(9),)))
    archive = a_subscription(feed=blog, channel=a_channel("old", chat="-1002222222222"))
    await stage.adopt(route, archive)
    await stage.read(an_entry(0))
    await stage.read(an_entry(50), an_entry(51), an_entry(52), feed="blog")
    await stage.digester().digest_due()
    await stage.read(an_entry(0), an_entry(1), an_entry(2))
    found = told(await rehearsed(stage, route, archive))
    assert ("digest", "23 21:00", "2 posts") in found
    assert [each for each in found if each[0] == "replay"] == [
        ("replay", "24 09:00", "Moon number 50"), ("replay", "25 09:00", "Moon number 51"),
    ]  # fmt: skip
    assert [each for each in found if each[0] == "merged"] == [
        ("merged", "23 21:00", "Moon number 1"), ("merged", "23 21:00", "Moon number 2"),
    ]  # fmt: skip


async def test_it_says_what_an_overflow_merges_and_what_time_decides(lite: Stage) -> None:
    full = a_subscription(channel=a_channel(max_per_hour=1, overflow=Overflow.DIGEST))
    six_hours = Approval(timedelta(hours=6), Then.POST)
    asks = a_subscription(feed=a_feed("sea"), channel=a_channel("two", chat="-1002222222222", approve=six_hours))
    never = a_subscription(feed=a_feed("hill"), channel=a_channel("three", chat="-1003333333333", approve=Approval()))
    await lite.adopt(full, asks, never)
    for name in ("sky", "sea", "hill"):
        await lite.read(an_entry(0), feed=name)
        await lite.read(*(replace(an_entry(n), title=f"{name} {n}") for n in range(4)), feed=name)
    events = await rehearsed(lite, full, asks, never, days=1)
    found = told(events)
    assert ("digest", "23 12:30", "2 posts") in found
    assert {each for each in found if each[0] == "merged"} == {("merged", "23 12:30", f"sky {n}") for n in (2, 3)}
    assert ("post", "23 17:30", "sea 1") in found
    assert {(event.what, event.at, event.why) for event in events if event.feed == "hill"} == {
        ("held", None, "an admin's approval")
    }


async def test_it_says_what_was_filtered_and_why(lite: Stage) -> None:
    route = a_subscription(channel=a_channel(only=("fa",)))
    await lite.adopt(route)
    await lite.read(an_entry(0))
    await lite.read(an_entry(0), an_entry(1))
    (event,) = await rehearsed(lite, route)
    assert (event.what, event.title) == ("filtered", "Moon number 1")
    assert "its language is en" in event.why


async def test_a_rehearsal_is_over_at_its_last_day(lite: Stage) -> None:
    archive = a_subscription(feed=a_feed("blog", kind=FeedKind.ARCHIVE, url="/a/*.txt", replay=Replay((time(9),))))
    await lite.adopt(archive)
    await lite.read(*(an_entry(n) for n in range(9)), feed="blog")
    found = told(await rehearsed(lite, archive, days=3))
    assert [when for _what, when, _title in found] == ["24 09:00", "25 09:00", "26 09:00"]
    assert lite.clock.now() < datetime(2026, 11, 24, tzinfo=TEHRAN)


def test_the_command_prints_one_object_for_each_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("feeds.yaml").write_text(
        'channels: {main: {chat: "-1001111111111", quiet_hours: "00:00-23:59"}}\n'
        "feeds: {sky: {url: https://sky.example/feed.xml, backfill: 1}}\n"
    )
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'q.db'}")

    async def fill() -> None:
        database = Database(f"sqlite:///{tmp_path / 'q.db'}")
        await asyncio.to_thread(database.migrate)
        stage = Stage(database, clock, FakeSender(clock, bot_id=0))
        await stage.adopt(a_subscription(feed=a_feed(backfill=1)))
        await stage.read(an_entry(1))
        await database.close()

    asyncio.run(fill())
    open_rooms("simulate")
    ended = CliRunner().invoke(cli, ["simulate", "--days", "2", "--json"])
    (event,) = [json.loads(line) for line in ended.stdout.splitlines()]
    assert (event["what"], event["channel"], event["feed"], event["title"]) == (
        "backfill", "main", "sky", "Moon number 1",
    )  # fmt: skip
    assert event["at"].endswith("20:29:00Z")  # 23:59 in Tehran
    assert event["why"] == "quiet hours"
    assert "Moon number 1" in CliRunner().invoke(cli, ["simulate"]).stdout
