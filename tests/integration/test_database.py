"""The database under both engines: migrations, transactions, what a failure says."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, insert, select

from bot.errors import ConfigError, StorageError
from bot.storage import migration
from bot.storage.database import HEAD, Database
from bot.storage.dialects import among
from bot.storage.schema import admins, is_compared, metadata
from tests.builders import NOW


def _add(connection: Connection, user_id: int) -> None:
    connection.execute(insert(admins).values(user_id=user_id, claimed_at=NOW))


def _ids(connection: Connection) -> list[int]:
    return list(connection.execute(select(admins.c.user_id)).scalars())


async def test_the_migrations_lead_to_the_schema_of_the_code(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(
            compare_metadata(MigrationContext.configure(connection, opts={"include_name": is_compared}), metadata)
        )

    assert await database.read(differences) == []


def test_head_is_the_newest_migration() -> None:
    newest = sorted(path.name for path in (migration.FOLDER / "versions").glob("[0-9]*.py"))[-1]
    assert newest.startswith(f"{HEAD}_")
    assert migration.is_known(HEAD)


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    before, after = await asyncio.to_thread(database.migrate)
    assert before == after


async def test_two_processes_may_migrate_at_the_same_time(database_url: str) -> None:
    first, second = Database(database_url), Database(database_url)
    try:
        await asyncio.gather(asyncio.to_thread(first.migrate), asyncio.to_thread(second.migrate))
        assert await second.read(_ids) == []
    finally:
        await first.close()
        await second.close()


async def test_what_a_failed_transaction_wrote_is_undone(database: Database) -> None:
    def add_and_fail(connection: Connection) -> None:
        _add(connection, 1)
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        await database.write(add_and_fail)
    assert await database.read(_ids) == []


async def test_a_reader_cannot_write_to_sqlite(sqlite: Database) -> None:
    with pytest.raises(StorageError, match="not writable"):
        await sqlite.read(_add, 1)


async def test_a_cancelled_writer_still_waits_for_its_transaction(database: Database) -> None:
    writing = asyncio.create_task(database.write(_add, 7))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await database.read(_ids) == [7]


async def test_instants_come_back_as_they_went_in(database: Database) -> None:
    await database.write(_add, 1)
    found = await database.read(lambda connection: connection.execute(select(admins.c.claimed_at)).scalar_one())
    assert found == NOW


async def test_a_locked_database_says_who_to_ask(tmp_path: Path) -> None:
    path = tmp_path / "q.db"
    database = Database(f"sqlite:///{path}", busy_ms=20)
    await asyncio.to_thread(database.migrate)
    other = sqlalchemy.create_engine(f"sqlite:///{path}")
    try:
        with other.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            with pytest.raises(StorageError, match="another program holds a lock"):
                await database.write(_add, 1)
            connection.rollback()
        await database.write(_add, 1)  # it goes on as soon as the lock is gone
    finally:
        other.dispose()
        await database.close()


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "q.db"
    path.write_text("a shopping list\n" * 100)
    database = Database(f"sqlite:///{path}")
    with pytest.raises(StorageError, match=r"q\.db: not a SQLite database; name another"):
        await asyncio.to_thread(database.migrate)
    await database.close()


async def test_a_database_of_a_newer_version_is_refused(sqlite: Database) -> None:
    def pretend(connection: Connection) -> None:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    await sqlite.write(pretend)
    with pytest.raises(StorageError, match="newer Qasedak"):
        await asyncio.to_thread(sqlite.migrate)


async def test_a_missing_database_is_not_made_by_a_question(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(StorageError, match="no such database yet"):
        database.require_current()
    await database.close()
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("url", ["mysql://x", "nonsense", "sqlite://"], ids=["mysql", "nonsense", "no-path"])
def test_an_address_of_no_known_database_is_a_mistake_of_the_operator(url: str) -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL"):
        Database(url)


async def test_a_second_run_on_one_file_is_refused_and_names_the_first(tmp_path: Path) -> None:
    first, second = Database(f"sqlite:///{tmp_path / 'q.db'}"), Database(f"sqlite:///{tmp_path / 'q.db'}")
    with (
        first.claim_for_run(),
        pytest.raises(ConfigError, match=r"already in use by process \d+; stop that one"),
        second.claim_for_run(),
    ):
        pass
    with second.claim_for_run():
        pass
    await first.close()
    await second.close()


@pytest.mark.parametrize("wanted", [[], [1], [-(10**13), 0, 10**15], list(range(-50, 2_000))])
async def test_a_long_list_is_one_parameter_and_finds_what_the_list_holds(
    database: Database, wanted: list[int]
) -> None:
    there = [-(10**13), -50, 1, 2, 10**15]
    statement = select(admins.c.user_id).where(among(admins.c.user_id, "ids"), admins.c.user_id != 2)

    def find(connection: Connection) -> set[int]:
        for user_id in there:
            _add(connection, user_id)
        assert not statement.compile(connection.engine).string.count(",")
        return set(connection.execute(statement, {"ids": wanted}).scalars())

    assert await database.write(find) == {number for number in there if number in wanted and number != 2}
