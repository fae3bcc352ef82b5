"""A database of every version that is out there comes up to date, with all that was in it."""

import re
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, select, text

from bot import __version__
from bot.storage import reports, search
from bot.storage.database import HEAD, Database
from bot.storage.schema import is_compared, metadata, posts
from tests.integration.test_cli import call

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests/data/schemas"
SCRIPTS = sorted(FOLDER.glob("*.sql"))
Rows = dict[str, list[tuple[object, ...]]]


def load(url: str, script: Path) -> None:
    """What the script says, by the database's own program."""
    engine = sqlalchemy.create_engine(sqlalchemy.make_url(url))
    with engine.begin() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        if engine.dialect.name == "sqlite":
            raw.executescript(script.read_text(encoding="utf-8"))
        else:
            raw.execute(script.read_text(encoding="utf-8"))
    engine.dispose()


def stored(connection: Connection, columns: dict[str, list[str]]) -> Rows:
    """Every row, of these columns of each table."""
    return {
        table: sorted(
            (tuple(row) for row in connection.execute(text(f"SELECT {', '.join(names)} FROM {table}"))), key=repr
        )
        for table, names in columns.items()
    }


def known_columns(connection: Connection) -> dict[str, list[str]]:
    found = inspect(connection)
    return {
        table: [f'"{column["name"]}"' for column in found.get_columns(table)]
        for table in found.get_table_names()
        # What is made anew, and what only processes that run say.
        if not table.startswith(("alembic", "post_words", "unindexed", "loops"))
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=[path.stem for path in SCRIPTS])
def test_an_older_database_comes_up_to_date_with_all_that_was_in_it(
    script: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    revision, kind = script.stem.split(".")
    url = f"sqlite:///{tmp_path / 'q.db'}"
    if kind == "postgresql":
        server = sqlalchemy.make_url(request.getfixturevalue("empty_postgresql"))
        url = server.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    load(url, script)
    database = Database(url)
    try:
        columns = database.read_now(known_columns)
        before = database.read_now(stored, columns)
        assert all(rows for table, rows in before.items() if table != "search_places")
        assert database.migrate() == (revision, HEAD)
        assert database.read_now(stored, columns) == before
        assert database.read_now(differences) == []
        # And it is of use.
        database.require_current()
        assert len(database.read_now(reports.post_reports, 0, None)) == len(before["posts"])
        newest = database.read_now(lambda connection: connection.execute(select(posts.c.id)).scalars().all())
        assert len(newest) == len(before["posts"])
        database.write_now(search.index_waiting, 10)
    finally:
        database.dispose()


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"include_name": is_compared}), metadata))


def test_the_command_says_from_where_to_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///q.db")
    load("sqlite:///q.db", FOLDER / "0001.sqlite.sql")
    ended = call("posts")
    assert (ended.code, ended.err) == (2, "q.db: its schema is 0001; run `qasedak db upgrade`\n")
    assert call("db", "upgrade").out == f"q.db: schema {HEAD}, was 0001\n"
    assert call("db", "upgrade").out == f"q.db: schema {HEAD}\n"
    assert call("posts").code == 0


def test_a_version_that_is_released_keeps_its_schema() -> None:
    released = re.search(rf"^## \[{re.escape(__version__)}\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    kept = {path.name for path in SCRIPTS}
    assert not released or {f"{HEAD}.sqlite.sql", f"{HEAD}.postgresql.sql"} <= kept, "run `make schema`"
    assert {name.split(".")[1] for name in kept} == {"sqlite", "postgresql"}
    told = re.findall(r"^\| (\d{4}) \|", (FOLDER / "SOURCE.md").read_text(), re.MULTILINE)
    assert sorted(told * 2) == sorted(name[:4] for name in kept)
