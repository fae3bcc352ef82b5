"""``plan``: what it says is what the next start does, and by itself it changes nothing."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.config.differences import BACK, KEPT, NEW_CHAT, SAME_CHAT, Difference, differences
from bot.config.reading import Config, read_config
from bot.storage import feeds, ingest
from bot.storage.database import Database
from bot.storage.layout import Layout, before_and_after
from tests.integration.test_cli import call

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
BOT = 123456
CHANNELS = 'channels: {main: {chat: "@main_news"}, night: {chat: "-1001234567"}}\n'
SKY, MOON, SUN = (f"https://{name}.example/feed" for name in ("sky", "moon", "sun"))
FILE = f"{CHANNELS}feeds:\n  sky: {{url: {SKY}, to: [main]}}\n  moon: {{url: {MOON}, to: [main, night]}}\n"
STAYS = "its posts stay with it"

CASES = {
    "nothing": (FILE, []),
    "filters-are-no-difference": (FILE.replace("to: [main]", "to: [main], include: [x]"), []),
    "added": (
        FILE + f"  sun: {{url: {SUN}, to: [main]}}\n",
        [Difference("feed", "sun", "added", None, SUN, "new")],
    ),
    "shared": (
        FILE + f"  star: {{url: {SKY}, to: [main]}}\n",
        [Difference("feed", "star", "added", None, SKY, "shares its address with sky: fetched and stored once")],
    ),
    "removed": (
        FILE.replace(f"  sky: {{url: {SKY}, to: [main]}}\n", ""),
        [Difference("feed", "sky", "removed", SKY, None, KEPT)],
    ),
    "renamed": (FILE.replace("sky:", "heavens:"), [Difference("feed", "heavens", "renamed", "sky", "heavens", STAYS)]),
    "moved": (FILE.replace(SKY, SUN), [Difference("feed", "sky", "moved", SKY, SUN, STAYS)]),
    "both-changed": (
        FILE.replace(f"sky: {{url: {SKY}", f"sun: {{url: {SUN}"),
        [
            Difference("feed", "sky", "removed", SKY, None, KEPT),
            Difference(
                "feed", "sun", "added", None, SUN,
                "a new feed, since its name and its address are new; if it is sky, change one of the two first, "
                "and the other after the next start",
            ),
        ],
    ),
    "names-change-places": (
        FILE.replace(SKY, "HERE").replace(MOON, SKY).replace("HERE", MOON),
        [
            Difference("feed", "moon", "renamed", "sky", "moon", STAYS),
            Difference("feed", "moon", "rerouted", ("main",), ("main", "night"), "night gets what is new from now on"),
            Difference("feed", "sky", "renamed", "moon", "sky", STAYS),
            Difference("feed", "sky", "rerouted", ("main", "night"), ("main",), None),
        ],
    ),
    "rerouted": (
        FILE.replace("to: [main]", "to: [night]"),
        [Difference("feed", "sky", "rerouted", ("main",), ("night",), "night gets what is new from now on")],
    ),
    "to-nobody": (
        FILE.replace("to: [main]", "to: []"),
        [Difference("feed", "sky", "rerouted", ("main",), (), None)],
    ),
    "renamed-and-rerouted": (
        FILE.replace("sky:", "heavens:").replace("to: [main]", "to: [main, night]"),
        [
            Difference("feed", "heavens", "renamed", "sky", "heavens", STAYS),
            Difference(
                "feed", "heavens", "rerouted", ("main",), ("main", "night"), "night gets what is new from now on"
            ),
        ],
    ),
    "a-channel-is-renamed": (
        FILE.replace("main:", "first:").replace("[main", "[first"),
        [Difference("channel", "first", "renamed", "main", "first", STAYS)],
    ),
    "a-channel-moves": (
        FILE.replace("@main_news", "@other_news"),
        [Difference("channel", "main", "moved", "@main_news", "@other_news", NEW_CHAT)],
    ),
    "a-channel-is-added": (
        FILE.replace("main:", 'third: {chat: "@third_news", thread: 7}, main:').replace("[main]", "[main, third]"),
        [
            Difference("feed", "sky", "rerouted", ("main",), ("main", "third"), "third gets what is new from now on"),
            Difference("channel", "third", "added", None, "@third_news, topic 7"),
        ],
    ),
    "a-channel-is-removed": (
        FILE.replace("[main, night]", "[main]"),
        [
            Difference("feed", "moon", "rerouted", ("main", "night"), ("main",), None),
            Difference("channel", "night", "removed", "-1001234567", None, "nothing is sent there any more"),
        ],
    ),
    "a-password-is-not-shown": (
        FILE + "  paid: {url: 'https://me:hunter2@paid.example/feed?key=s3cret', to: [main]}\n",
        [Difference("feed", "paid", "added", None, "https://paid.example/feed?…", "new")],
    ),
}  # fmt: skip


def configuration(folder: Path, text: str) -> Config:
    (folder / "feeds.yaml").write_text(text)
    return read_config(folder / "feeds.yaml", environment={}, with_token=False)


async def adopt(database: Database, config: Config) -> None:
    await database.write(ingest.adopt, BOT, config.feeds, config.subscriptions, NOW)


async def look(database: Database, config: Config) -> tuple[Layout, Layout]:
    return await database.write(before_and_after, BOT, config.feeds, config.subscriptions, NOW)


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
async def test_what_is_said_is_what_the_next_start_does(
    text: str, expected: list[Difference], sqlite: Database, tmp_path: Path
) -> None:
    was, will_be = configuration(tmp_path, FILE), configuration(tmp_path, text)
    await adopt(sqlite, was)
    before, after = await look(sqlite, will_be)
    assert differences(before, after) == expected
    # Nothing of it happened.
    assert await look(sqlite, was) == (before, before)
    # And then all of it.
    await adopt(sqlite, will_be)
    assert await look(sqlite, will_be) == (after, after)


async def test_a_feed_that_comes_back_is_known(database: Database, tmp_path: Path) -> None:
    await adopt(database, configuration(tmp_path, FILE))
    await adopt(database, configuration(tmp_path, CASES["removed"][0]))
    layouts = await look(database, configuration(tmp_path, FILE))
    assert differences(*layouts) == [Difference("feed", "sky", "added", None, SKY, BACK)]


async def test_of_two_names_of_one_address_one_may_go_its_own_way(database: Database, tmp_path: Path) -> None:
    await adopt(database, configuration(tmp_path, CASES["shared"][0]))
    parted = CASES["shared"][0].replace(f"star: {{url: {SKY}", f"star: {{url: {SUN}")
    layouts = await look(database, configuration(tmp_path, parted))
    assert differences(*layouts) == [
        Difference("feed", "star", "added", None, SUN, f"a new feed: sky keeps the posts of {SKY}")
    ]


async def test_a_channel_that_is_called_by_its_number_now_is_the_same(database: Database, tmp_path: Path) -> None:
    await adopt(database, configuration(tmp_path, FILE))
    (unresolved,) = await database.read(feeds.unresolved, BOT)
    await database.write(feeds.resolve_target, unresolved.target_id, -1007654321, NOW)
    layouts = await look(database, configuration(tmp_path, FILE.replace("@main_news", "-1007654321")))
    assert differences(*layouts) == [Difference("channel", "main", "renamed", "@main_news", "-1007654321", SAME_CHAT)]


def test_the_command_compares_with_the_database_of_the_environment(
    tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", f"{BOT}:AAAA")
    config = configuration(tmp_path, FILE)
    # Before the first start everything is new, and no database is made.
    ended = call("plan", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert [(line["what"], line["name"], line["change"]) for line in ended.lines] == [
        ("feed", "moon", "added"), ("feed", "sky", "added"),
        ("channel", "main", "added"), ("channel", "night", "added"),
    ]  # fmt: skip
    assert list(tmp_path.iterdir()) == [tmp_path / "feeds.yaml"]
    (tmp_path / "var").mkdir()
    (tmp_path / "var/qasedak.db").write_bytes(migrated_file.read_bytes())
    database = Database("sqlite:///var/qasedak.db")
    asyncio.run(adopt(database, config))
    database.dispose()
    ended = call("plan")
    assert (ended.code, ended.out, ended.err) == (0, "", "feeds.yaml: changes nothing\n")
    configuration(tmp_path, CASES["renamed"][0])
    ended = call("plan", "--json")
    assert ended.lines == [
        {"what": "feed", "name": "heavens", "change": "renamed", "before": "sky", "after": "heavens", "note": STAYS}
    ]
    ended = call("plan")
    assert ended.code == 0
    assert all(word in ended.out for word in ("~", "heavens", "renamed", "sky", STAYS))
    (tmp_path / "feeds.yaml").write_text("feeds: {sky: {}}")
    assert call("plan").code == 2
