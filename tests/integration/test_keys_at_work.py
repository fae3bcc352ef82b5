"""Keys of feeds.yaml that need a database, a publisher or files: each changes what the bot does.

With ``tests/unit/test_keys.py`` one for every key; names are looked at there.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot import retention
from bot.errors import ArchiveError, Uncertain
from bot.identity import identify
from bot.model import Entry, Feed, FeedKind, Validators
from bot.notices import Notices
from bot.sources import archive
from bot.sources.fetch import Fetcher
from bot.sources.parsing import Parser
from bot.storage import reports
from bot.storage.database import Database
from tests.builders import a_feed, an_entry
from tests.fakes.clock import FakeClock
from tests.origin import TEHRAN, Origin, an_origin, tulips
from tests.stage import Stage
from tests.written import CHAT, configured, route

FIRST = an_entry(1, title="Webb telescope finds water on a distant planet", link="https://sky.example/webb")
RETOLD = an_entry(2, title="Webb telescope finds water on a distant planet", link="https://press.example/webb")
LINKING = an_entry(3, content=f"<p>As <a href='{FIRST.link}'>said</a>.</p>")


async def run(stage: Stage, *rounds: Entry, keys: str = "", bot: str = "", rest: str = "", feed: str = "sky") -> None:
    """Feeds are read for the first time; then the entries of each round come, the first to sky, and go out."""
    config = configured(keys, bot=bot, rest=rest)
    await stage.adopt(*config.subscriptions)
    for name in {each.feed.name for each in config.subscriptions}:
        await stage.read(an_entry(90, link=f"https://{name}.example/90"), feed=name)
    outbox = stage.outbox(pace=config.pace, on_uncertain=config.on_uncertain)
    for number, entry in enumerate(rounds):
        await stage.read(entry, feed=feed if number else "sky")
        await stage.deliver_until_idle(outbox, within=timedelta(minutes=1))


# --- channels ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chat", [CHAT, -1002222222222])
async def test_key_channels_chat(lite: Stage, chat: int) -> None:
    await run(lite, FIRST, keys=f"chat: {chat}")
    assert [there for there, *_ in lite.sender.sent] == [chat]


@pytest.mark.parametrize(("keys", "edited"), [("", 0), ("on_edit: edit", 1)])
async def test_key_channels_on_edit(lite: Stage, keys: str, edited: int) -> None:
    await run(lite, FIRST, replace(FIRST, title="Webb telescope finds salt on a distant planet"), keys=keys)
    await lite.outbox().deliver_due()
    assert (len(lite.sender.sent), len(lite.sender.edited)) == (1, edited)


@pytest.mark.parametrize(("keys", "sent"), [("", 1), ("same_story: hide", 1), ("same_story: off", 2)])
async def test_key_channels_same_story(lite: Stage, keys: str, sent: int) -> None:
    await run(lite, FIRST, RETOLD, keys=keys, rest="  press: {url: https://press.example/feed}", feed="press")
    assert len(lite.sender.sent) == sent


@pytest.mark.parametrize(("keys", "reply_to"), [("", 1), ("reply_to_linked: false", None)])
async def test_key_channels_reply_to_linked(lite: Stage, keys: str, reply_to: int | None) -> None:
    await run(lite, FIRST, LINKING, keys=keys)
    assert lite.sender.messages[1].reply_to == reply_to


@pytest.mark.parametrize(
    ("keys", "states"), [("", ["sent"]), ("approve: false", ["sent"]), ("approve: true", ["held"])]
)
async def test_key_channels_approve(lite: Stage, keys: str, states: list[str]) -> None:
    await run(lite, FIRST, keys=keys)
    assert await lite.states() == states


# --- the bot -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "states"), [("", ["sent"]), ("on_uncertain: resend", ["sent"]), ("on_uncertain: hold", ["held"])]
)
async def test_key_bot_on_uncertain(lite: Stage, keys: str, states: list[str]) -> None:
    lite.sender.faults.append(Uncertain("no answer"))
    await run(lite, FIRST, bot=keys)
    assert await lite.states() == states


@pytest.mark.parametrize(("keys", "count"), [("", 0), ("keep: forever", 0), ("keep: 30d", 1)])
async def test_key_bot_keep(lite: Stage, keys: str, count: int) -> None:
    config = configured(bot=keys)
    await lite.adopt(*config.subscriptions)
    await lite.read(FIRST)
    await lite.read(RETOLD)
    lite.clock.advance(timedelta(days=31))
    assert await retention.let_go(lite.database, lite.clock, config.keep) == count


@pytest.mark.parametrize(
    ("keys", "chat"), [("admins: [5, 6]", 5), ("admins: [5], admin_chat: -1003333333333", -1003333333333)]
)
async def test_key_bot_admin_chat(lite: Stage, keys: str, chat: int) -> None:
    async def forget(*_lines: object) -> None:
        """A log that nobody reads."""

    notices = Notices(lite.sender, lite.clock, chat_id=configured(bot=keys).admin_chat, language="en", keep=forget)
    await notices.tell(["channel main: the bot may not post"])
    assert [there for there, *_ in lite.sender.sent] == [chat]


# --- feeds ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def origin(sqlite: Database, clock: FakeClock, parser: Parser) -> AsyncIterator[Origin]:
    async with an_origin(sqlite, clock, parser) as opened:
        for path in ("/feed", "/other"):
            opened.publisher.serve(path, tulips(1, 2, 3))
        yield opened


async def asked(origin: Origin, keys: str = "", path: str = "/feed") -> Feed:
    (subscription,) = configured(feed=f"url: '{origin.publisher.url(path)}'{', ' if keys else ''}{keys}").subscriptions
    await origin.configure(subscription)
    await origin.poll()
    return subscription.feed


@pytest.mark.parametrize("path", ["/feed", "/other"])
async def test_key_feeds_url(origin: Origin, path: str) -> None:
    await asked(origin, path=path)
    assert origin.publisher.paths() == [path]


@pytest.mark.parametrize(("keys", "sent"), [("", None), ("headers: {X-Who: me}", b"me")])
async def test_key_feeds_headers(origin: Origin, keys: str, sent: bytes | None) -> None:
    await asked(origin, keys)
    assert origin.publisher.requests[0].header("X-Who") == sent


@pytest.mark.parametrize(
    ("keys", "titles"),
    [
        ("", []),
        ("backfill: 2", ["Tulips 2", "Tulips 1"]),
        ("backfill: all", ["Tulips 3", "Tulips 2", "Tulips 1"]),
    ],
)
async def test_key_feeds_backfill(origin: Origin, keys: str, titles: list[str]) -> None:
    await asked(origin, keys)
    assert await origin.enqueued() == titles


@pytest.mark.parametrize(("keys", "language"), [("", "en"), ("language: fr", "fr")])
async def test_key_feeds_language(origin: Origin, keys: str, language: str) -> None:
    await asked(origin, keys)
    found = await origin.database.read(reports.post_reports, 1)
    assert {report.post.entry.language for report in found} == {language}


@pytest.mark.parametrize(("keys", "is_told"), [("", False), ("contact: 'https://sky.example/bot'", True)])
async def test_key_bot_contact(origin: Origin, keys: str, is_told: bool) -> None:
    fetcher = Fetcher(user_agent="Qasedak/test", contact=configured(bot=keys).contact, allow_private_networks=True)
    await fetcher.fetch(a_feed(url=origin.publisher.url("/feed")), Validators())
    await fetcher.close()
    agent = origin.publisher.requests[-1].header("User-Agent") or b""
    assert (b"+https://sky.example/bot" in agent) is is_told


# --- archives ------------------------------------------------------------------------------------------------

DATED = "۱۴۰۵ آذر ۲, دوشنبه\nماه کامل\n\nماه کامل است.\n"
MARKDOWN = "---\ntitle: A new moon\ndate: 2026-11-09\n---\nThe moon is new.\n"


def entries(folder: Path, keys: str) -> list[Entry]:
    (folder / "blog.txt").write_text(DATED, encoding="utf-8")
    (folder / "notes.txt").write_text(MARKDOWN, encoding="utf-8")
    feed = route(feed=keys, source="archives", notes_txt="").feed
    feed = replace(feed, url=str(folder / Path(feed.url).name))
    found = [entry for reading in archive.read(feed, Validators(), TEHRAN) for entry in reading.entries]
    return [each.entry for each in identify(found, home=None)]


def test_key_archives_path(tmp_path: Path) -> None:
    assert [[each.title for each in entries(tmp_path, f"path: {name}")] for name in ("blog.txt", "notes.txt")] == [
        ["ماه کامل"],
        ["A new moon"],
    ]


def test_key_archives_format(tmp_path: Path) -> None:
    assert [each.title for each in entries(tmp_path, "path: notes.txt, format: auto")] == ["A new moon"]
    with pytest.raises(ArchiveError, match="no dated header"):
        entries(tmp_path, "path: notes.txt, format: dated-text")


def test_key_archives_language(tmp_path: Path) -> None:
    assert [[each.language for each in entries(tmp_path, keys)] for keys in ("", "language: ckb")] == [["fa"], ["ckb"]]


@pytest.mark.parametrize(("keys", "count"), [("", 0), ("backfill: 1", 1), ("backfill: all", 2)])
async def test_key_archives_backfill(lite: Stage, keys: str, count: int) -> None:
    subscription = route(feed=keys, source="archives")
    assert subscription.feed.kind is FeedKind.ARCHIVE
    await lite.adopt(subscription)
    await lite.read(FIRST, LINKING)
    await lite.deliver_until_idle(lite.outbox())
    assert len(lite.sender.sent) == count
