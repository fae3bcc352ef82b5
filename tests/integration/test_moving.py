"""To another database and back: everything is there, a second try goes on, and nothing is mixed up."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy
from sqlalchemy import delete, insert, select, update

from bot.errors import ConfigError, StorageError
from bot.progress import Progress, unseen
from bot.storage import backing_up, moving, reports, search
from bot.storage.database import HEAD, UNFINISHED, Database
from bot.storage.schema import admins, feeds, metadata, notices, posts, search_places, unindexed
from bot.text.query import parse_query
from tests.builders import NOW
from tests.conftest import postgresql_database
from tests.full_database import count, everything, fill
from tests.integration.test_cli import call


@pytest.fixture
def lite(migrated_file: Path, tmp_path: Path) -> Iterator[Database]:
    """SQLite with rows in every table."""
    shutil.copy(migrated_file, tmp_path / "source.db")
    opened = Database(f"sqlite:///{tmp_path / 'source.db'}")
    opened.write_now(fill)
    yield opened
    opened.dispose()


@pytest.fixture
def empty_lite(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'target.db'}")
    yield opened
    opened.dispose()


@pytest.fixture
def empty_server(empty_postgresql: str) -> Iterator[Database]:
    opened = Database(empty_postgresql)
    yield opened
    opened.dispose()


def test_everything_goes_to_postgresql_and_back(lite: Database, empty_server: Database, empty_lite: Database) -> None:
    before = lite.read_now(everything)
    assert all(before.values()), "a table is empty"
    told: list[tuple[str, int, int]] = []
    moved = moving.move(lite, empty_server, lambda what, done, total=None: told.append((what, done, total or 0)))
    assert moved.rows == {name: len(rows) for name, rows in before.items()}
    assert (moved.indexed, moved.is_resumed) == (len(before["posts"]), False)
    assert {what for what, _, _ in told} == {*before, "compared", "search index"}
    assert all(done <= total for _, done, total in told)
    assert empty_server.read_now(everything) == before == lite.read_now(everything)
    # Rows that come later are numbered behind those that came.
    for table in metadata.sorted_tables:
        if "id" in table.c:
            highest = lite.read_now(highest_id, table)
            assert next_id(empty_server, table.name) == highest + 1, table.name
    # Nobody is connected any more, as for a command of its own.
    empty_server.dispose()
    assert moving.move(empty_server, empty_lite, unseen).rows == moved.rows
    assert empty_lite.read_now(everything) == before
    for database in (empty_server, empty_lite):
        database.require_current()
        assert database.read_now(count, unindexed) == 0
        assert database.read_now(count, search_places) == len(before["posts"])
        found = database.read_now(search.find, parse_query("quoted", NOW.date()), 20, 0, zone=ZoneInfo("UTC"), now=NOW)
        assert found.total > 0


def highest_id(connection: sqlalchemy.Connection, table: sqlalchemy.Table) -> int:
    return int(max(connection.execute(select(table.c.id)).scalars()))


def next_id(database: Database, table: str) -> int:
    def ask(connection: sqlalchemy.Connection) -> int:
        name = sqlalchemy.text("SELECT nextval(pg_get_serial_sequence(:name, 'id'))")
        return int(connection.execute(name, {"name": table}).scalar_one())

    return database.write_now(ask)


class Broken(Exception):
    """The power, or the network."""


def test_a_move_that_is_broken_off_again_and_again_comes_to_its_end(lite: Database, empty_server: Database) -> None:
    tries, told = 0, 0

    def break_off(what: str, done: int, total: int | None = None) -> None:
        nonlocal told
        told += what != "compared"  # that takes no long time, and begins anew
        if told % 9 == 0:
            raise Broken

    while True:
        tries += 1
        try:
            moved = moving.move(lite, empty_server, break_off, batch=2)
        except Broken:
            assert empty_server.revision() == UNFINISHED
            with pytest.raises(StorageError, match="a move into it is not finished; run the same `qasedak db move`"):
                empty_server.migrate()
            with pytest.raises(StorageError, match="not finished"):
                empty_server.require_current()
            empty_server.dispose()
        else:
            break
    assert tries > 5
    assert moved.is_resumed
    assert empty_server.revision() == HEAD
    assert empty_server.read_now(everything) == lite.read_now(everything)


def break_at(table: str) -> Progress:
    def tell(what: str, done: int, total: int | None = None) -> None:
        if what == table:
            raise Broken

    return tell


def test_a_source_that_went_on_after_the_first_try_is_carried_anew(lite: Database, empty_lite: Database) -> None:
    with pytest.raises(Broken):
        moving.move(lite, empty_lite, break_at("deliveries"))
    lite.write_now(lambda connection: connection.execute(update(posts).values(title="corrected since")) and None)
    lite.write_now(lambda connection: connection.execute(delete(notices)) and None)
    assert moving.move(lite, empty_lite, unseen).is_resumed
    assert empty_lite.read_now(everything) == lite.read_now(everything)


def test_rows_that_did_not_arrive_as_they_were_are_found(lite: Database, empty_lite: Database) -> None:
    def spoil(what: str, done: int, total: int | None = None) -> None:
        if what == "deliveries":
            empty_lite.write_now(lambda connection: connection.execute(update(feeds).values(title="x")) and None)

    with pytest.raises(StorageError, match="feeds has 5 rows, 5 were expected, or their contents differ"):
        moving.move(lite, empty_lite, spoil)
    assert empty_lite.revision() == UNFINISHED


def test_a_target_that_is_not_empty_is_refused(lite: Database, empty_lite: Database) -> None:
    empty_lite.migrate()
    empty_lite.write_now(
        lambda connection: connection.execute(insert(admins).values(user_id=1, claimed_at=NOW)) and None
    )
    with pytest.raises(ConfigError, match="is not empty \\(it has admins\\); name an empty database"):
        moving.move(lite, empty_lite, unseen)


def test_half_of_another_database_is_not_gone_on_with(lite: Database, empty_lite: Database, tmp_path: Path) -> None:
    with pytest.raises(Broken):
        moving.move(lite, empty_lite, break_at("posts"))
    shutil.copy(tmp_path / "source.db", tmp_path / "other.db")
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    with pytest.raises(ConfigError, match=r"half of another database is in it \(.*source.db, schema"):
        moving.move(other, empty_lite, unseen)
    other.dispose()


def test_what_is_in_use_is_not_moved(lite: Database, empty_lite: Database, empty_server: Database) -> None:
    for target in (empty_lite, empty_server):
        with lite.claim_for_run(), pytest.raises(ConfigError, match=r"source\.db: already in use by process"):
            moving.move(lite, target, unseen)
    with pytest.raises(ConfigError, match="is the database that is moved"):
        moving.move(lite, Database(str(lite.url)), unseen)
    empty_server.migrate()
    empty_server.dispose()
    running = Database(empty_server.url.render_as_string(hide_password=False))
    running.require_current()
    for source, target in ((lite, empty_server), (empty_server, empty_lite)):
        with pytest.raises(ConfigError, match="1 other connections use it; stop what runs on it"):
            moving.move(source, target, unseen)
    running.dispose()


# --- backups ---------------------------------------------------------------------------------------------------


def test_a_backup_is_a_consistent_copy_while_somebody_writes(lite: Database, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    with lite.claim_for_run():
        lite.write_now(lambda connection: _write_and_back_up(connection, lite, file))
    before = lite.read_now(everything)
    assert len(before["admins"]) == 6
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir() if "backup" in path.name) == ["backup.db"]
    # It is whole by itself: moved elsewhere it is a database.
    restored = Database(f"sqlite:///{file.rename(tmp_path / 'restored.db')}")
    assert len(restored.read_now(everything)["admins"]) == 5
    assert restored.read_now(reports.count_posts) == 5
    restored.dispose()


def _write_and_back_up(connection: sqlalchemy.Connection, source: Database, file: Path) -> None:
    """In the middle of a transaction, of which the copy has nothing."""
    connection.execute(insert(admins).values(user_id=1, claimed_at=NOW))
    assert backing_up.back_up(source, file, unseen) > 0


def test_a_postgresql_is_backed_up_into_a_file_that_moves_back(
    lite: Database, empty_server: Database, postgresql: str, tmp_path: Path
) -> None:
    moving.move(lite, empty_server, unseen)
    before = empty_server.read_now(everything)
    backing_up.back_up(empty_server, tmp_path / "backup.db", unseen)
    copy = Database(f"sqlite:///{tmp_path / 'backup.db'}")
    assert copy.read_now(everything) == before
    assert copy.read_now(count, unindexed) == len(before["posts"])
    with postgresql_database(postgresql) as url:
        again = Database(url)
        assert moving.move(copy, again, unseen).indexed == len(before["posts"])
        assert again.read_now(everything) == before
        again.dispose()
    copy.dispose()


def test_a_backup_takes_no_files_place(lite: Database, tmp_path: Path) -> None:
    (tmp_path / "backup.db").write_text("older")
    with pytest.raises(ConfigError, match="is there already; name a new file"):
        backing_up.back_up(lite, tmp_path / "backup.db", unseen)
    assert (tmp_path / "backup.db").read_text() == "older"
    with pytest.raises(ConfigError, match="cannot be written \\(No such file or directory\\)"):
        backing_up.back_up(lite, tmp_path / "nowhere" / "backup.db", unseen)
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".tmp")]


def test_a_damaged_database_is_not_taken_for_a_backup(lite: Database, tmp_path: Path) -> None:
    lite.dispose()
    with sqlite3.connect(tmp_path / "source.db") as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_master SET rootpage = 3 WHERE name = 'notices'")
    with pytest.raises(StorageError, match=r"damaged|malformed"):
        backing_up.back_up(lite, tmp_path / "backup.db", unseen)
    assert not [path for path in tmp_path.iterdir() if "backup" in path.name]


def test_the_commands_move_back_up_and_restore(lite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lite.dispose()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///source.db")
    ended = call("backup", "copy.db")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("copy.db: ")
    assert call("backup", "copy.db").code == 2
    ended = call("db", "move", "--to", "sqlite:///moved.db")
    assert ended.code == 0
    assert ended.out.startswith("source.db -> moved.db: ")
    assert "rows in" in ended.out
    assert "5 posts indexed" in ended.out
    assert ended.err == "Set DATABASE_URL to the new database before the next start; the old one is as it was.\n"
    before = call("posts", "--json").out
    assert before
    for name in ("copy.db", "moved.db"):
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{name}")
        assert call("posts", "--json").out == before
    for address, problem in (
        ("sqlite:///moved.db", "--to: moved.db is the database that is moved; name another"),
        ("sqlite:///source.db", "; name an empty database"),
        ("mysql://x", "--to: only sqlite:///PATH and postgresql://... are known; correct it"),
        ("nonsense", "--to: not an address; write sqlite:///PATH or postgresql://..."),
    ):
        ended = call("db", "move", "--to", address)
        assert (ended.code, ended.out) == (2, "")
        assert problem in ended.err
