"""The bundle of a bug report: all that helps, from an installation in whatever state, and none of its secrets."""

import base64
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from bot.storage import overview
from bot.storage.database import HEAD, Database
from bot.storage.schema import chats, deliveries, feeds, notices, posts, targets
from tests.builders import NOW
from tests.full_database import fill
from tests.integration.test_cli import call

TOKEN = "123456:AAE-PLANTEDabcdefghijklmnopqrstuvwx"
PERSON, ADMIN = 987654321, 192837465
ENVIRONMENT = {
    "TELEGRAM_BOT_TOKEN": TOKEN,
    "QASEDAK_HTTP_TOKEN": "PLANTED-page",
    "QASEDAK_WEBHOOK_URL": "https://bot.example/telegram",
    "QASEDAK_WEBHOOK_SECRET": "PLANTED-webhook-secret",
    "QASEDAK_PING_URL": "https://ping.example/PLANTED-uuid",
}
FILE = f"""\
imports: [more/*.yaml]
bot: {{admins: [{ADMIN}]}}
channels: {{main: {{chat: "@example"}}}}
feeds:
  sky:
    url: https://me:PLANTED%40@sky.example/feed?format=atom&key=PLANTED-key
    headers:
      Authorization: "Bearer PLANTED-header"
      X-Key: "${{SKY_KEY}}"
"""
MORE = "feeds: {moon: {url: 'https://moon.example/${MOON}/feed', headers: {Cookie: 'id=PLANTED-cookie'}}}\n"
ENV_FILE = "SKY_KEY=PLANTED-from-env-file\nMOON=pla-not-shown\n"


@pytest.fixture
def here(tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with something secret in every corner."""
    monkeypatch.chdir(tmp_path)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for path, text in (("feeds.yaml", FILE), ("more/moon.yaml", MORE), (".env", ENV_FILE)):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "var").mkdir()
    shutil.copy(migrated_file, tmp_path / "var/qasedak.db")
    database = Database("sqlite:///var/qasedak.db")
    database.write_now(plant)
    database.dispose()
    return tmp_path


def plant(connection: Connection) -> None:
    fill(connection)
    address = "https://me:PLANTED%40@sky.example/feed?key=PLANTED-key"
    connection.execute(update(feeds).values(url=feeds.c.url + address, error=f"{address} answered 500", health="ok"))
    connection.execute(update(feeds).values(moved_to=address, announced_url=address, next_check_why="floor"))
    connection.execute(update(posts).values(title="PLANTED title", content="<p>PLANTED private text</p>"))
    connection.execute(
        update(deliveries).values(bot_id=123456, state="dead", error=f'{TOKEN}: "PLANTED title" refused', parts=[])
    )
    connection.execute(update(targets).values(bot_id=123456, channel="", chat=str(PERSON)))
    connection.execute(update(targets).where(targets.c.id == 1).values(chat_id=PERSON))
    connection.execute(update(chats).where(chats.c.chat_id == -1_001_234_567_890).values(chat_id=PERSON))
    connection.execute(update(notices).values(text=f"x {PERSON}"))
    overview.add_notices(connection, [f'twice: "PLANTED title" to {PERSON}; {TOKEN}; {ADMIN}'], NOW)


def bundle_of(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name).decode() for name in opened.namelist()}


def assert_nothing_is_told(parts: dict[str, str]) -> None:
    hidden = ["PLANTED", "pla-not-shown", "AAE-", str(PERSON), str(ADMIN)]
    for secret in ("me:PLANTED@", TOKEN, "PLANTED-page", "me:PLANTED%40"):
        hidden.append(base64.b64encode(secret.encode()).decode().rstrip("="))
    for name, text in parts.items():
        for secret in hidden:
            assert secret.lower() not in (name + text).lower(), (name, secret)


def test_all_that_helps_is_in_it_and_no_secret(here: Path) -> None:
    ended = call("doctor", "bundle.zip")
    assert (ended.code, ended.out) == (0, "bundle.zip: 10 parts\n")
    assert (here / "bundle.zip").stat().st_mode & 0o777 == 0o600
    parts = bundle_of(here / "bundle.zip")
    assert_nothing_is_told(parts)
    told = {name: json.loads(text) for name, text in parts.items() if name.endswith(".json")}
    assert told["versions.json"]["schema"] == HEAD
    assert "python-telegram-bot" in told["versions.json"]["packages"]
    settings = told["settings.json"]
    assert settings["TELEGRAM_BOT_TOKEN"] == settings["QASEDAK_PING_URL"] == "set"
    assert settings["DATABASE_URL"] == "not set"
    assert settings["QASEDAK_HTTP_PORT"] == 8080
    database = told["database.json"]
    assert (database["database"], database["revision"], database["rows"]["posts"]) == ("var/qasedak.db", HEAD, 5)
    assert told["status.json"]["feeds"]
    assert told["status.json"]["late"]
    assert {each["state"] for each in told["deliveries.json"]} == {"dead"}
    assert "twice" in parts["notices.txt"]
    assert "url: https://" in parts["configuration/feeds.yaml"]
    assert "sky.example/feed?format=" in parts["configuration/feeds.yaml"]
    assert '"${SKY_KEY}"' in parts["configuration/feeds.yaml"]
    assert "moon.example/${MOON}/feed" in parts["configuration/more/moon.yaml"]
    assert parts["check.txt"]


BROKEN = {
    "yaml": ("feeds.yaml", FILE + "  sky: [\n    headers:\n      A: PLANTED\n", "check.txt", "feeds.yaml:"),
    "no-yaml": ("feeds.yaml", None, "check.txt", "feeds.yaml"),
    "no-database": ("var/qasedak.db", None, "database.json", "no such database yet"),
    "a-broken-database": ("var/qasedak.db", "a list" * 100, "database.json", "not a SQLite database"),
}


@pytest.mark.parametrize(("path", "text", "part", "problem"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_broken_is_said_and_the_rest_stays(
    path: str, text: str | None, part: str, problem: str, here: Path
) -> None:
    (here / path).unlink()
    if text is not None:
        (here / path).write_text(text)
    assert call("doctor", "bundle.zip").code == 0
    parts = bundle_of(here / "bundle.zip")
    assert problem in parts[part]
    assert {"versions.json", "settings.json", "check.txt", "database.json"} <= parts.keys()
    assert_nothing_is_told(parts)


def test_a_wrong_environment_and_a_server_that_is_down_are_said(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:PLANTED@127.0.0.1:1/q?sslpassword=PLANTED2")
    assert call("doctor", "down.zip").code == 0
    parts = bundle_of(here / "down.zip")
    assert "PostgreSQL does not answer" in parts["database.json"]
    assert_nothing_is_told(parts)
    monkeypatch.setenv("QASEDAK_HTTP_PORT", "PLANTED")
    assert call("doctor", "wrong.zip").code == 0
    parts = bundle_of(here / "wrong.zip")
    assert "QASEDAK_HTTP_PORT: must be a number" in parts["check.txt"]
    assert_nothing_is_told(parts)


def test_a_file_that_is_there_is_not_replaced(here: Path) -> None:
    (here / "bundle.zip").write_text("mine")
    ended = call("doctor", "bundle.zip")
    assert (ended.code, ended.err) == (2, "bundle.zip: is there already; name a new file\n")
    assert (here / "bundle.zip").read_text() == "mine"
    assert call("doctor", "nowhere/bundle.zip").code == 2
