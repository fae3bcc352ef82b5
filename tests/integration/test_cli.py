"""The commands as a person or a script calls them: what is printed where, and the exit codes.

Through ``main``, the real boundary of errors; commands that need a publisher in the same test run in a process.
"""

import asyncio
import json
import os
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog
import typer

from bot import __version__, cli
from bot.cli import terminal
from bot.config import feeds_yaml
from bot.render import TEMPLATES
from bot.storage import status
from bot.storage.database import Database
from tests.builders_archive import SKY, dump
from tests.fakes.bot_api import BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.publisher import Publisher, rss

ENTRY_KEYS = [
    "id", "title", "link", "published", "updated", "date_only", "author", "language", "tags", "summary", "text",
    "enclosures", "flags",
]  # fmt: skip
DELIVERY_KEYS = ["delivery", "post", "chat", "state", "attempts", "message_ids", "due", "error"]
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

BLOG = dump(SKY)
ITEMS = [
    {
        "guid": f"moon-{number}",
        "title": f"Moon number {number}",
        "link": f"https://sky.example/{number}",
        "pubDate": datetime(2026, 11, 20 - number, 6, 0, tzinfo=UTC),
        "content": f"<p>The moon of evening {number} stands over the hills.</p><p>Binoculars are enough.</p>",
        "author": "Sara",
        "categories": ("moon", "night sky"),
        "enclosure": f"https://sky.example/{number}.jpg",
    }
    for number in (1, 2, 3)
]
JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Garden notes",
    "items": [
        {
            "id": "tulips",
            "url": "https://garden.example/tulips",
            "title": "Tulips",
            "content_html": "<p>Plant the bulbs before the first frost.</p>",
            "date_published": "2026-11-01T10:00:00+03:30",
        }
    ],
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """Standard output of ``--json``: one object a line and nothing else."""
        return [json.loads(line) for line in self.out.splitlines()]


def call(*arguments: str) -> Ended:
    """Run a command in this process, as the shell would."""
    before, sys.argv = sys.argv, ["qasedak", *arguments]
    out, err = StringIO(), StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            cli.main()
    finally:
        sys.argv = before
        structlog.reset_defaults()  # it holds on to the standard error of this call
    assert "Traceback" not in err.getvalue()
    return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())


async def call_apart(folder: Path, *arguments: str, **environment: str) -> Ended:
    """Run a command in a process of its own, with a publisher on loopback allowed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments,
        cwd=folder,
        env={**os.environ, "QASEDAK_ALLOW_PRIVATE_NETWORKS": "1", "QASEDAK_HOST_SPACING": "0", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert b"Traceback" not in err
    return Ended(process.returncode or 0, out.decode(), err.decode())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which commands run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sources(here: Path) -> Path:
    """A folder with one source of each kind, and no feeds.yaml."""
    (here / "notes").mkdir()
    (here / "notes" / "blog.txt").write_text(BLOG, encoding="utf-8")
    (here / "sky.xml").write_bytes(rss("Sky notes", ITEMS))
    (here / "garden.json").write_text(json.dumps(JSON_FEED))
    return here


# --- without anything ----------------------------------------------------------------------------------------


def test_the_version_is_told(here: Path) -> None:
    assert call("--version") == Ended(0, f"qasedak {__version__}\n", "")


#: CONTRACT, "Commands": what scripts rely on.
COMMANDS: dict[str, set[str]] = {
    "run": set(),
    "once": {"--now", "--json"},
    "worker": set(),
    "check": {"--online", "--json"},
    "plan": {"--json"},
    "schema": set(),
    "read": {"--format", "--json"},
    "preview": {"--channel", "--limit", "--json", "--html"},
    "date": {"--json"},
    "summary": {"--sentences", "--json"},
    "posts": {"--feed", "--json"},
    "deliveries": {"--state", "--json"},
    "retry": set(),
    "why": set(),
    "simulate": {"--days", "--json"},
    "doctor": set(),
    "search": {"--from", "--to", "--json"},
    "status": {"--json"},
    "opml import": {"--write"},
    "opml export": set(),
    "archive export": {"--to"},
    "db upgrade": set(),
    "db move": {"--to"},
    "backup": set(),
}


def commands(group: Any, words: str = "") -> dict[str, Any]:
    """Every command by its words."""
    found: dict[str, Any] = {}
    for name, each in group.commands.items():
        whole = f"{words} {name}".strip()
        found |= commands(each, whole) if hasattr(each, "commands") else {whole: each}
    return found


def test_every_command_and_option_is_there_and_explained(here: Path) -> None:
    cli.open_rooms()
    known = commands(typer.main.get_command(cli.cli))
    assert known.keys() == COMMANDS.keys()
    for name, options in COMMANDS.items():
        assert options <= {option for each in known[name].params for option in each.opts}, name
        assert known[name].help.split("\n")[0].endswith("."), name
        for each in known[name].params:
            assert getattr(each, "help", None), f"{name} {each.name}"


def test_each_command_stands_in_the_room_that_is_opened_for_it() -> None:
    cli.open_rooms()
    rooms: dict[str, list[str]] = {}
    for name, each in typer.main.get_command(cli.cli).commands.items():  # type: ignore[attr-defined]
        one = next(iter(each.commands.values())) if hasattr(each, "commands") else each
        rooms.setdefault(one.callback.__module__.rpartition(".")[2], []).append(name)
    assert {room: sorted(names) for room, names in rooms.items()} == {
        room: sorted(names) for room, names in cli.ROOMS.items()
    }


async def test_what_needs_neither_telegram_nor_a_feed_imports_neither() -> None:
    asked = "import sys; sys.argv = ['qasedak', 'date', '1397/07/08']; from bot.cli import main\n"
    asked += "try: main()\nfinally: print(sorted({'telegram', 'aiohttp', 'feedparser', 'alembic'} & set(sys.modules)))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", asked, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert out.decode().splitlines()[-1] == "[]"


async def test_help_names_every_command_in_the_order_of_use(here: Path) -> None:
    ended = await call_apart(here, "--help")
    assert ended.code == 0
    for name in {words.split()[0] for words in COMMANDS}:
        assert re.search(rf"\b{name}\b", ended.out)
    groups = ["Run it", "Before it runs", "What happened", "Look at something", "The database and the archive"]
    assert groups == sorted(groups, key=ended.out.index)
    assert "\x1b" not in ended.out, "what is piped is plain"


def test_names_of_feeds_yaml_are_completed(here: Path) -> None:
    assert terminal.channel_names() == terminal.feed_names() == []
    (here / "feeds.yaml").write_text(
        'channels: {main: {chat: "@example"}}\nfeeds: {sky: {url: https://sky.example/}}\n'
    )
    assert (terminal.channel_names(), terminal.feed_names()) == (["main"], ["sky"])
    (here / "feeds.yaml").write_text("channels: [")
    assert terminal.channel_names() == []


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["nonsense"], id="unknown-command"),
        pytest.param(["read"], id="missing-argument"),
        pytest.param(["read", "x", "--format", "pdf"], id="unknown-format"),
        pytest.param(["deliveries", "--state", "lost"], id="unknown-state"),
        pytest.param(["retry", "first"], id="no-number"),
        pytest.param(["preview", "x", "--limit", "0"], id="limit"),
    ],
)
def test_a_wrong_call_is_explained_on_standard_error(arguments: list[str], here: Path) -> None:
    ended = call(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Usage" in ended.err


def test_the_schema_is_json(here: Path) -> None:
    ended = call("schema")
    assert (ended.code, json.loads(ended.out), ended.err) == (0, feeds_yaml.json_schema(), "")


@pytest.mark.parametrize(
    "text",
    ["2018-09-30", "1397/07/08", "۸ مهر ۱۳۹۷", "8 Mehr 1397", "30 September 2018"],
    ids=["gregorian", "jalali", "persian", "transliterated", "english"],
)
def test_a_date_is_told_in_every_calendar(text: str, here: Path) -> None:
    (described,) = call("date", "--json", text).lines
    assert described == {
        "gregorian": "2018-09-30",
        "jalali": "1397-07-08",
        "lunar": "1440-01-20",
        "weekday": "sunday",
        "fa": described["fa"],
        "en": described["en"],
    }
    assert "یکشنبه ۸ مهر ۱۳۹۷" in described["fa"]
    assert "Sunday, 30 September 2018" in described["en"]


def test_a_date_may_be_several_words(here: Path) -> None:
    ended = call("date", "30", "September", "2018")
    assert (ended.code, ended.err) == (0, "")
    assert "1397-07-08" in ended.out


@pytest.mark.parametrize(("text", "why"), [("soon", "is not a date"), ("1404/12/30", "is no day of its calendar")])
def test_what_is_no_date_ends_with_one(text: str, why: str, here: Path) -> None:
    ended = call("date", text, "--json")
    assert (ended.code, ended.out) == (1, "")
    assert why in ended.err


def test_a_file_is_summarised(here: Path) -> None:
    Path("garden.txt").write_text("Plant the bulbs in autumn.\n\nWater them once. Then wait until spring.\n")
    ended = call("summary", "garden.txt", "--sentences", "2", "--json")
    (summary,) = ended.lines
    assert (ended.code, ended.err, list(summary)) == (0, "", ["sentences"])
    assert len(summary["sentences"]) == 2
    assert call("summary", "garden.txt", "--sentences", "2").out.splitlines() == summary["sentences"]


@pytest.mark.parametrize(("name", "why"), [("none.txt", "No such file"), (".", "Is a directory"), ("bad", "not UTF-8")])
def test_a_file_that_cannot_be_summarised_is_a_wrong_call(name: str, why: str, here: Path) -> None:
    Path("bad").write_bytes(b"\xff\xfe\xff")
    ended = call("summary", name)
    assert (ended.code, ended.out) == (2, "")
    assert why in ended.err


# --- read ----------------------------------------------------------------------------------------------------


def assert_is_entry(entry: dict[str, Any]) -> None:
    """The form that CONTRACT gives ``read``."""
    assert list(entry) == ENTRY_KEYS
    assert isinstance(entry["id"], str)
    for name in ("title", "link", "author", "language"):
        assert entry[name] is None or isinstance(entry[name], str), name
    for name in ("published", "updated"):
        assert entry[name] is None or INSTANT.fullmatch(entry[name]), name
    assert isinstance(entry["date_only"], bool)
    assert isinstance(entry["summary"], str)
    assert isinstance(entry["text"], str)
    assert all(isinstance(tag, str) for tag in entry["tags"] + entry["flags"])
    assert all(list(enclosure) == ["url", "type"] for enclosure in entry["enclosures"])


def test_a_feed_file_is_read(sources: Path) -> None:
    ended = call("read", "sky.xml", "--json")
    assert (ended.code, ended.err, len(ended.lines)) == (0, "", 3)
    for entry in ended.lines:
        assert_is_entry(entry)
    assert ended.lines[0] == {
        "id": "moon-1",
        "title": "Moon number 1",
        "link": "https://sky.example/1",
        "published": "2026-11-19T06:00:00Z",
        "updated": None,
        "date_only": False,
        "author": "Sara",
        "language": "en",
        "tags": ["moon", "night sky"],
        "summary": "The moon of evening 1 stands over the hills. Binoculars are enough.",
        "text": "The moon of evening 1 stands over the hills.\nBinoculars are enough.",
        "enclosures": [{"url": "https://sky.example/1.jpg", "type": "image/jpeg"}],
        "flags": [],
    }


def test_a_json_feed_is_read(sources: Path) -> None:
    (entry,) = call("read", "garden.json", "--json").lines
    assert_is_entry(entry)
    assert (entry["id"], entry["title"], entry["published"]) == ("tulips", "Tulips", "2026-11-01T06:30:00Z")
    assert entry["text"] == "Plant the bulbs before the first frost."


@pytest.mark.parametrize("path", ["notes/blog.txt", "notes/*.txt", "**/blog.txt"], ids=["file", "pattern", "anywhere"])
def test_an_archive_is_read(path: str, sources: Path) -> None:
    ended = call("read", path, "--json")
    assert (ended.code, ended.err) == (0, "")
    for entry in ended.lines:
        assert_is_entry(entry)
    assert [entry["title"] for entry in ended.lines] == ["باغ در شهریور", "The first day of autumn", "ماه نو پشت ابر"]
    assert ended.lines[1]["text"].splitlines() == [
        "Day and night are equal today.",
        "From tomorrow the nights are longer.",
        "The garden rests.",
    ]
    # 00:00 of the day in the bot's zone, Tehran's where nothing is written.
    assert (ended.lines[2]["published"], ended.lines[2]["date_only"]) == ("2018-09-29T20:30:00Z", True)
    assert all(entry["id"].startswith("ar1-") for entry in ended.lines)


async def test_a_url_is_read(here: Path) -> None:
    async with Publisher() as publisher:
        publisher.serve("/feed", rss("Sky notes", ITEMS))
        ended = await call_apart(here, "read", publisher.url("/feed"), "--json")
    assert (ended.code, ended.err) == (0, "")
    assert [entry["id"] for entry in ended.lines] == ["moon-1", "moon-2", "moon-3"]
    for entry in ended.lines:
        assert_is_entry(entry)
    assert os.listdir(here) == []


async def test_the_headers_of_a_configured_feed_are_sent_when_it_is_read(here: Path) -> None:
    async with Publisher() as publisher:
        publisher.serve("/feed", rss("Sky notes", ITEMS))
        feed = f"{{url: '{publisher.url('/feed')}', headers: {{X-Who: me}}, language: de}}"
        (here / "feeds.yaml").write_text(f"feeds: {{sky: {feed}}}\n")
        ended = await call_apart(here, "read", publisher.url("/feed"), "--json")
        assert publisher.requests[0].header("X-Who") == b"me"
    assert {entry["language"] for entry in ended.lines} <= {"de", "en"}


def test_entries_are_listed_for_people(sources: Path) -> None:
    assert call("read", "sky.xml").out.splitlines()[0] == "2026-11-19 06:00Z  Moon number 1  https://sky.example/1"
    assert call("read", "notes/blog.txt").out.splitlines()[-1] == "2018-09-30  ماه نو پشت ابر"


def test_a_feeds_yaml_that_is_there_gives_the_zone(sources: Path) -> None:
    Path("feeds.yaml").write_text("bot: {timezone: UTC}\n")
    assert call("read", "notes/blog.txt", "--json").lines[-1]["published"] == "2018-09-30T00:00:00Z"


def test_a_broken_feeds_yaml_is_said_before_anything_is_read(sources: Path) -> None:
    Path("feeds.yaml").write_text("bot: {timezone: nowhere}\n")
    ended = call("read", "notes/blog.txt", "--json")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("feeds.yaml:1:17: bot.timezone must be")


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        pytest.param(["none.txt"], 2, "none.txt: no file matches", id="no-such-file"),
        pytest.param(["notes/*.md"], 2, "notes/*.md: no file matches", id="no-match"),
        pytest.param(["none.xml", "--format", "feed"], 2, "cannot be read (No such file", id="no-such-feed-file"),
        pytest.param(["notes"], 1, "is a directory; name its files", id="folder"),
        pytest.param(["notes/blog.txt", "--format", "feed"], 1, "", id="archive-read-as-a-feed"),
        pytest.param(["garden.json", "--format", "dated-text"], 1, "no dated header", id="feed-read-as-an-archive"),
        pytest.param(
            ["https://sky.example/feed", "--format", "dated-text"], 2, "only files can be", id="url-as-archive"
        ),
        pytest.param(["http://127.0.0.1:9999/feed"], 1, "is not public", id="private-address"),
    ],
)
def test_what_cannot_be_read_is_said(arguments: list[str], code: int, why: str, sources: Path) -> None:
    ended = call("read", *arguments, "--json")
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.strip()
    assert why in ended.err


# --- preview -------------------------------------------------------------------------------------------------

TWO_CHANNELS = """\
channels:
  fa: {chat: "@example_fa", footer: "@example_fa"}
  en: {chat: "@example_en", language: en, source: always}
"""


def assert_is_message(message: dict[str, Any]) -> None:
    """The form that CONTRACT gives ``preview``."""
    assert list(message) == ["kind", "text", "entities", "media", "buttons", "link_preview"]
    assert message["kind"] == "text"
    units = len(message["text"].encode("utf-16-le")) // 2
    assert 0 < units <= 4096
    for entity in message["entities"]:
        assert {"type", "offset", "length"} <= entity.keys()
        assert entity["length"] > 0
        assert entity["offset"] + entity["length"] <= units
        assert None not in entity.values()
        assert ("url" in entity) == (entity["type"] == "text_link")
    assert message["media"] == message["buttons"] == []


def test_messages_are_shown_as_the_bot_api_takes_them(sources: Path) -> None:
    ended = call("preview", "sky.xml", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert [shown["entry"] for shown in ended.lines] == ["moon-3", "moon-2", "moon-1"]
    for shown in ended.lines:
        assert list(shown) == ["entry", "messages"]
        for message in shown["messages"]:
            assert_is_message(message)
    (message,) = ended.lines[-1]["messages"]
    assert message["text"].startswith("Moon number 1\n")
    assert {"type": "text_link", "offset": 0, "length": 13, "url": "https://sky.example/1"} in message["entities"]
    assert message["link_preview"] == {
        "url": "https://sky.example/1.jpg",
        "prefer_large_media": True,
        "show_above_text": True,
    }
    assert "Sky notes" in message["text"]


def test_an_archive_has_no_link_preview(sources: Path) -> None:
    for shown in call("preview", "notes/*.txt", "--json").lines:
        (message,) = shown["messages"]
        assert_is_message(message)
        assert message["link_preview"] is None


@pytest.mark.parametrize(
    ("path", "name"), [("notes/*.txt", "notes"), ("notes/**", "notes"), ("notes/blog.txt", "blog.txt")]
)
def test_an_archive_is_named_by_its_folder_or_file(path: str, name: str, sources: Path) -> None:
    for shown in call("preview", path, "--json").lines:
        assert f"\u2068{name}\u2069" in shown["messages"][0]["text"]


def test_the_newest_entries_are_shown(sources: Path) -> None:
    assert [shown["entry"] for shown in call("preview", "sky.xml", "--json", "--limit", "1").lines] == ["moon-1"]
    (shown,) = call("preview", "notes/blog.txt", "--json", "--limit", "1").lines
    assert "ماه نو پشت ابر" in shown["messages"][0]["text"]


def test_pictures_and_buttons_are_told_as_the_bot_api_wants_them(sources: Path) -> None:
    Path("feeds.yaml").write_text(
        'channels: {main: {chat: "@my_channel", language: en, media: album, buttons: [read, subscribe]}}\nfeeds: {}\n'
    )
    images = [{"url": f"https://garden.example/{number}.jpg", "mime_type": "image/jpeg"} for number in (1, 2)]
    item = {"id": "1", "url": "https://garden.example/1", "title": "Bulbs", "content_html": "<p>Plant them now.</p>"}
    for attachments, kind in ((images, "album"), (images[:1], "photo"), ([], "text")):
        feed = JSON_FEED | {"items": [item | {"attachments": attachments}]}
        Path("garden.json").write_text(json.dumps(feed))
        (message,) = call("preview", "garden.json", "--channel", "main", "--json").lines[0]["messages"]
        assert (message["kind"], message["media"]) == (kind, [image["url"] for image in attachments])
        assert message["link_preview"] is None
        read, follow = {"text": "Read", "url": "https://garden.example/1"}, "https://t.me/your_bot?start=f_0"
        wanted = [[read, {"text": "Follow in the bot", "url": follow}]]
        assert message["buttons"] == ([] if kind == "album" else wanted)


def test_a_channel_gives_language_and_footer(sources: Path) -> None:
    Path("feeds.yaml").write_text(TWO_CHANNELS)
    persian = call("preview", "sky.xml", "--channel", "fa", "--json").lines[0]["messages"][0]["text"]
    english = call("preview", "sky.xml", "--channel", "en", "--json").lines[0]["messages"][0]["text"]
    assert persian.endswith("\u2066@example_fa\u2069")
    assert "آبان" in persian.splitlines()[1]
    assert english.splitlines()[1].startswith("Tuesday, 17 November 2026")
    assert "Source: \u2068Sky notes\u2069" in english


def test_a_configured_source_is_shown_as_its_route_would_be(sources: Path) -> None:
    Path("feeds.yaml").write_text(
        TWO_CHANNELS
        + "archives:\n  old:\n    path: notes/*.txt\n    title: Old notes\n    hashtags: [garden]\n"
        + "    to: [{channel: en, summary: off}, fa]\n"
    )
    text = call("preview", "./notes/*.txt", "--channel", "en", "--json").lines[1]["messages"][0]["text"]
    assert "Old notes" in text
    assert "#garden" in text
    assert "Day and night" not in text
    # Without a title of its own, an archive is called as the file calls it.
    Path("feeds.yaml").write_text(TWO_CHANNELS + "archives: {old: {path: notes/blog.txt, to: [en]}}\n")
    assert "\u2068old\u2069" in call("preview", "notes/blog.txt", "--channel", "en", "--json").out


def test_a_source_that_is_not_configured_takes_nothing_from_other_routes(sources: Path) -> None:
    Path("feeds.yaml").write_text(
        TWO_CHANNELS + "archives:\n  old:\n    path: notes/*.txt\n    hashtags: [garden]\n"
        "    to: [{channel: en, template: compact}]\n"
    )
    text = call("preview", "sky.xml", "--channel", "en", "--json").lines[0]["messages"][0]["text"]
    assert "#garden" not in text
    assert "stands over the hills" in text


@pytest.mark.parametrize("with_file", [True, False], ids=["with-a-file", "without"])
def test_an_unknown_channel_is_a_wrong_call(with_file: bool, sources: Path) -> None:
    if with_file:
        Path("feeds.yaml").write_text(TWO_CHANNELS)
    ended = call("preview", "sky.xml", "--channel", "de", "--json")
    known = "fa, en" if with_file else "none"
    assert ended == Ended(2, "", f"feeds.yaml: no channel is called 'de'; there is {known}\n")


def test_messages_are_written_as_a_page(sources: Path) -> None:
    ended = call("preview", "sky.xml", "--html", "page.html")
    assert (ended.code, ended.out, ended.err) == (0, "", "page.html: 3 entries\n")
    page = Path("page.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("<main ") == page.count('type="radio"') == len(TEMPLATES)
    assert "Moon number 2" in page
    ended = call("preview", "sky.xml", "--html", "none/page.html")
    assert (ended.code, ended.out) == (2, "")
    assert "none/page.html: cannot be written" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["read", "sky.xml"],
        ["preview", "notes/*.txt"],
        ["date", "1397/07/08"],
        ["summary", "notes/blog.txt"],
        ["schema"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_looking_opens_no_database(arguments: list[str], sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///looked/q.db")
    before = sorted(sources.rglob("*"))
    assert call(*arguments).code == 0
    assert sorted(sources.rglob("*")) == before


# --- check ---------------------------------------------------------------------------------------------------

SMALLEST = """\
channels: {main: {chat: "@mychannel", language: fa}}
feeds: {sky: {url: https://example.org/feed.xml}}
"""
BROKEN = "channels: {main: {chat: example}}\nfeeds: {sky: {evry: 1h}}\n"
PROBLEMS = [
    'feeds.yaml:1:25: channels.main.chat must be "@name", in quotes, or a numeric id such as -1001234567890, '
    "not 'example'",
    "feeds.yaml:2:9: 'url' is missing under feeds.sky; add it",
    "feeds.yaml:2:15: unknown key 'evry' under feeds.sky; did you mean 'every'?",
]


def test_a_file_without_mistakes_is_fine(here: Path) -> None:
    Path("feeds.yaml").write_text(SMALLEST)
    ended = call("check")
    assert ended == Ended(0, "feeds.yaml: fine. 1 channels, 1 feeds and archives, 1 routes\n", "")
    assert call("check", "--json") == Ended(0, '{"ok": true, "problems": [], "warnings": []}\n', "")
    with Path("feeds.yaml").open("a") as written:
        written.write("defaults: {media: album, buttons: [read]}\n")
    noted = call("check")
    assert noted.code == 0
    assert "warning: feeds.yaml:1:12: channels.main: an album can have no buttons" in noted.err
    assert list(here.iterdir()) == [here / "feeds.yaml"]


def test_a_bot_without_anybody_to_copy_for_is_warned_of(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is wrong: an uncertain send is then decided by a setting alone."""
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "1:s3cret")
    Path("feeds.yaml").write_text(SMALLEST)
    ended = call("check")
    assert (ended.code, ended.err[:27]) == (0, "warning: bot.admins: empty:")
    Path("feeds.yaml").write_text("bot: {admins: [42]}\n" + SMALLEST)
    assert call("check").err == ""


def test_every_mistake_is_one_line(here: Path) -> None:
    Path("feeds.yaml").write_text(BROKEN)
    ended = call("check")
    assert (ended.code, ended.out, ended.err.splitlines()) == (2, "", PROBLEMS)
    ended = call("check", "--json")
    assert (ended.code, ended.lines, ended.err) == (2, [{"ok": False, "problems": PROBLEMS, "warnings": []}], "")


@pytest.mark.parametrize("arguments", [["once"], ["once", "--json"], ["run"]], ids=["once", "once-json", "run"])
def test_nothing_starts_with_a_broken_file(arguments: list[str], here: Path) -> None:
    Path("feeds.yaml").write_text(BROKEN)
    ended = call(*arguments)
    assert (ended.code, ended.out, ended.err.splitlines()) == (2, "", PROBLEMS)
    assert list(here.iterdir()) == [here / "feeds.yaml"]


def test_a_missing_file_is_said(here: Path) -> None:
    ended = call("check")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("feeds.yaml: no such file")


def test_another_file_can_be_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "conf").mkdir()
    Path("conf/bot.yaml").write_text(BROKEN)
    monkeypatch.setenv("QASEDAK_CONFIG", "conf/bot.yaml")
    assert call("check").err.splitlines() == [problem.replace("feeds.yaml", "conf/bot.yaml") for problem in PROBLEMS]


def test_with_a_token_the_sample_does_not_pass(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("feeds.yaml").write_text(SMALLEST.replace("@mychannel", "@your_channel"))
    assert call("check").code == 0
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "1:s3cret")
    ended = call("check")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("feeds.yaml:1:25: @your_channel is the sample's placeholder")
    assert call("check", "--json").lines[0]["ok"] is False


def test_a_wrong_environment_is_said_without_its_values(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("feeds.yaml").write_text(SMALLEST)
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "s3cret")
    for command in ("check", "once", "posts", "schema"):
        ended = call(command)
        assert "s3cret" not in ended.out + ended.err
        assert ended.code == (0 if command == "schema" else 2)


@pytest.mark.parametrize("trouble", ["none", "sources", "token"])
async def test_checking_online_reads_each_feed_and_asks_for_each_chat(trouble: str, here: Path) -> None:
    async with Publisher() as publisher, BotApi() as api:
        if trouble != "sources":
            publisher.serve("/feed", rss("Sky notes", ITEMS))
            api.add_chat(Chat(-1001234567890, status="administrator", username="mychannel"))
        if trouble == "token":
            api.fault("error", method="getMe", code=401, description="Unauthorized", times=0)
        (here / "feeds.yaml").write_text(SMALLEST.replace("https://example.org/feed.xml", publisher.url("/feed")))
        ended = await call_apart(
            here, "check", "--online", "--json",
            TELEGRAM_BOT_TOKEN=api.token, TELEGRAM_API_URL=api.base_url.removesuffix("/bot"),
        )  # fmt: skip
        assert api.sent == []
    (told,) = ended.lines
    begin = {"none": [], "sources": ["sky: ", "channel main: "], "token": ["Telegram: "]}[trouble]
    assert (ended.code, ended.err, told["ok"]) == (1 if begin else 0, "", not begin)
    assert [problem.startswith(start) for problem, start in zip(told["problems"], begin, strict=True)] == [True] * len(
        begin
    )
    assert api.token not in ended.out
    assert os.listdir(here) == ["feeds.yaml"]


# --- the database --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["posts", "deliveries", "retry", "status"])
def test_without_a_database_nothing_is_shown_or_made(command: str, here: Path) -> None:
    ended = call(command)
    assert (ended.code, ended.out) == (2, "")
    assert "no such database yet" in ended.err
    assert list(here.iterdir()) == []


def test_the_schema_of_the_database_is_made_once(here: Path) -> None:
    first, second = call("db", "upgrade"), call("db", "upgrade")
    assert (first.code, second.code) == (0, 0)
    assert first.out.endswith(", was empty\n")
    assert second.out == first.out.replace(", was empty", "")
    assert Path("var/qasedak.db").is_file()
    for command in ("posts", "deliveries"):
        assert call(command, "--json") == Ended(0, "", "")
    assert call("retry") == Ended(0, "0 deliveries are pending again\n", "")


def test_on_postgresql_what_workers_need_is_made_too(
    shared_url: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", shared_url)
    assert call("db", "upgrade").code == 0
    with monkeypatch.context() as without:
        without.delitem(sys.modules, "bot.workers", raising=False)
        without.setitem(sys.modules, "procrastinate", None)
        ended = call("db", "upgrade")
    assert (ended.code, ended.err) == (2, "workers need an extra; run `pip install 'qasedak[scale]'`\n")


def test_workers_need_postgresql(here: Path) -> None:
    Path("feeds.yaml").write_text("{}")
    ended = call("worker")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("DATABASE_URL: workers share their work through PostgreSQL; write postgresql://...")
    assert not Path("var").exists()


def test_what_is_late_is_said_and_is_the_exit_code(here: Path) -> None:
    call("db", "upgrade")
    ended = call("status")
    assert (ended.code, ended.out.splitlines()[0], ended.err) == (0, "Everything is on time.", "")
    database = Database("sqlite:///var/qasedak.db")
    database.write_now(status.beat, "poll", datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC))
    database.dispose()
    ended = call("status")
    assert (ended.code, ended.out.splitlines()[0]) == (1, "1 late:")
    assert ended.out.splitlines()[1].strip().startswith("loop poll: last ended well")
    (shown,) = call("status", "--json").lines
    assert (len(shown["late"]), shown["loops"]) == (1, {"poll": "2026-11-23T00:00:00Z"})


@pytest.mark.parametrize(
    ("arguments", "code"), [(["once"], 2), (["db", "upgrade"], 2), (["posts"], 2)], ids=["once", "upgrade", "posts"]
)
def test_a_folder_that_cannot_be_made_is_said(
    arguments: list[str], code: int, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("feeds.yaml").write_text(SMALLEST)
    Path("taken").touch()
    monkeypatch.setenv("DATABASE_URL", "sqlite:///taken/q.db")
    ended = call(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith("taken")
    assert len(ended.err.splitlines()) == 1


def test_a_file_that_is_no_database_is_said(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("notes.txt").write_text("The garden rests. " * 100)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///notes.txt")
    ended = call("posts")
    assert (ended.code, ended.out) == (2, "")
    assert "notes.txt" in ended.err


# --- after one pass ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Passes:
    """A folder in which the bot ran without a token: twice, and a third time with the feed gone."""

    folder: Path
    first: Ended
    second: Ended
    third: Ended


@pytest.fixture(scope="module")
def passes(tmp_path_factory: pytest.TempPathFactory) -> Passes:
    folder = tmp_path_factory.mktemp("passes")
    (folder / "blog.txt").write_text(BLOG, encoding="utf-8")

    async def live() -> Passes:
        async with Publisher() as publisher:
            publisher.serve("/feed", rss("Sky notes", ITEMS), etag='"1"')
            (folder / "feeds.yaml").write_text(f"""\
channels:
  main: {{chat: "@example"}}
  quiet: {{chat: -1001234567890}}
feeds:
  sky: {{url: "{publisher.url("/feed")}", backfill: 2, to: [main]}}
archives:
  old: {{path: blog.txt, backfill: 1, to: [main]}}
""")
            first = await call_apart(folder, "once", "--json")
            second = await call_apart(folder, "once", "--json", "--now")
            publisher.remove("/feed")
            return Passes(folder, first, second, await call_apart(folder, "once", "--json", "--now"))

    return asyncio.run(live())


@pytest.fixture
def passed(passes: Passes, monkeypatch: pytest.MonkeyPatch) -> Passes:
    monkeypatch.chdir(passes.folder)
    return passes


def test_one_pass_tells_its_counts(passed: Passes) -> None:
    assert passed.first.code == 0
    assert passed.first.lines == [
        {
            "feeds": {"read": 2, "unchanged": 0, "failed": 0},
            "posts": {"new": 6, "edited": 0},
            "deliveries": {"sent": 3, "later": 0, "dead": 0},
        }
    ]


def test_a_second_pass_finds_nothing_new(passed: Passes) -> None:
    assert passed.second.code == 0
    (counts,) = passed.second.lines
    assert counts["feeds"] == {"read": 0, "unchanged": 2, "failed": 0}
    assert counts["posts"] == {"new": 0, "edited": 0}
    assert counts["deliveries"] == {"sent": 0, "later": 0, "dead": 0}


def test_a_feed_that_fails_ends_the_pass_with_one(passed: Passes) -> None:
    assert passed.third.code == 1
    assert passed.third.lines[0]["feeds"] == {"read": 0, "unchanged": 1, "failed": 1}
    assert "sky" in passed.third.err


def test_posts_are_told_with_their_verdicts(passed: Passes) -> None:
    ended = call("posts", "--json")
    assert (ended.code, ended.err) == (0, "")
    for post in ended.lines:
        assert list(post) == ["feed", "post", "verdict", "reason", "chats", *ENTRY_KEYS]
        assert_is_entry({key: post[key] for key in ENTRY_KEYS})
        assert isinstance(post["post"], int)
        assert [list(chat) for chat in post["chats"]] == [["chat", "verdict", "reason"]]
        assert post["chats"][0]["chat"] == "@example"
    assert [(post["feed"], post["id"].partition("-")[0], post["verdict"]) for post in ended.lines] == [
        ("old", "ar1", "baseline"),
        ("old", "ar1", "baseline"),
        ("old", "ar1", "delivered"),
        ("sky", "moon", "baseline"),
        ("sky", "moon", "delivered"),
        ("sky", "moon", "delivered"),
    ]
    published = [post["published"] for post in ended.lines]
    assert published == sorted(published)


def test_a_stored_post_is_told_as_it_was_read(passed: Passes) -> None:
    stored = {post["id"]: {key: post[key] for key in ENTRY_KEYS} for post in call("posts", "--json").lines}
    for entry in call("read", "blog.txt", "--json").lines:
        assert stored[entry["id"]] == entry


def test_posts_of_one_feed_are_told(passed: Passes) -> None:
    assert {post["feed"] for post in call("posts", "--feed", "old", "--json").lines} == {"old"}
    assert len(call("posts", "--feed", "sky").out.splitlines()) == 3


def test_the_standing_of_feeds_is_told(passed: Passes) -> None:
    ended = call("status")
    assert (ended.code, ended.err) == (0, "")
    shown = {line.split()[0]: line.split()[1] for line in ended.out.splitlines()[2:] if line}
    assert shown == {"feed": "state", "old": "ok", "sky": "ok"}
    (everything,) = call("status", "--json").lines
    assert [(feed["feed"], feed["failures"]) for feed in everything["feeds"]] == [("old", 0), ("sky", 1)]
    assert (everything["late"], everything["queue"]) == ([], {"sent": 3})


def test_a_search_tells_posts_as_posts_does_with_the_place_of_the_find(passed: Passes) -> None:
    ended = call("search", "moon", "number", "2", "--json")
    assert (ended.code, ended.err, len(ended.lines)) == (0, "", 1)
    found = dict(ended.lines[0])
    score, snippet, marks = (found.pop(name) for name in ("score", "snippet", "marks"))
    assert found in call("posts", "--feed", "sky", "--json").lines
    assert score > 0
    assert [snippet[start:end] for start, end in marks] == ["moon", "2"]


def test_why_tells_each_stage_of_a_posts_way(passed: Passes) -> None:
    told = call("why", str(call("posts", "--feed", "sky", "--json").lines[0]["post"]))
    assert (told.code, told.err) == (0, "")
    assert [line.split(":")[0] for line in told.out.splitlines()[1:4]] == ["Read", "Identity", "Date"]
    assert call("why", "https://elsewhere.example/x").code == 1


def test_a_search_shows_people_both_dates(passed: Passes) -> None:
    ended = call("search", '"number 2"')
    assert ended.code == 0
    assert re.match(r" +\d+  2026-11-18  1405-08-27  sky: Moon number 2\n +The moon of evening 2", ended.out)


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["--from", "1405/08/28"], 1),
        (["--to", "2026-11-17"], 1),
        (["--from", "آبان ۱۴۰۵", "--to", "November 2026"], 3),
        (["--to", "1404"], 0),
    ],
    ids=["from", "to", "both-calendars", "too-early"],
)
def test_a_search_can_be_kept_to_days_of_either_calendar(passed: Passes, arguments: list[str], count: int) -> None:
    assert len(call("search", "moon", *arguments, "--json").lines) == count


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--from", "moonday"], "--from: 'moonday' is not a date I know; write it as"),
        (["--from", "2026", "--to", "1397"], "--from: 2026-01-01 is after --to, 2019-03-20; turn them round"),
    ],
    ids=["no-date", "backwards"],
)
def test_days_that_make_no_sense_are_refused(passed: Passes, arguments: list[str], problem: str) -> None:
    ended = call("search", "moon", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(problem)


def test_the_outbox_is_told(passed: Passes) -> None:
    ended = call("deliveries", "--json")
    assert (ended.code, ended.err, len(ended.lines)) == (0, "", 3)
    for delivery in ended.lines:
        assert list(delivery) == DELIVERY_KEYS
        assert (delivery["state"], delivery["attempts"], delivery["error"]) == ("sent", 1, None)
        assert isinstance(delivery["delivery"], int)
        assert isinstance(delivery["chat"], int)
        assert all(isinstance(number, int) for number in delivery["message_ids"])
        assert len(delivery["message_ids"]) == 1
        assert INSTANT.fullmatch(delivery["due"])
    posts = {post["post"] for post in call("posts", "--json").lines if post["verdict"] == "delivered"}
    assert {delivery["post"] for delivery in ended.lines} == posts


def test_the_outbox_can_be_asked_for_one_state(passed: Passes) -> None:
    assert len(call("deliveries", "--state", "sent", "--json").lines) == 3
    assert call("deliveries", "--state", "dead", "--json") == Ended(0, "", "")


def test_another_bot_has_its_own_outbox(passed: Passes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "77:abc")
    assert call("deliveries", "--json") == Ended(0, "", "")


def test_an_unknown_delivery_cannot_be_tried_again(passed: Passes) -> None:
    ended = call("retry", "1", "4711")
    assert ended == Ended(2, "", "4711: no such delivery; see `qasedak deliveries`\n")


def test_what_was_sent_is_not_tried_again(passed: Passes) -> None:
    number = call("deliveries", "--json").lines[0]["delivery"]
    ended = call("retry", str(number))
    assert (ended.code, ended.out) == (1, "0 deliveries are pending again\n")
    assert ended.err == f"{number}: is sent; only what is dead or held is tried again\n"
