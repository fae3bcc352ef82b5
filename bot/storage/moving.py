"""Everything that is stored, into another database: in batches that a second try goes on from, compared in the end.

For ``qasedak db move``, and for ``backup`` of a PostgreSQL database. Functions of ``Database`` objects of their own,
from a command without an event loop. While a move is not finished the target says so in place of its schema, and
nothing else opens it. The search index is no part of it: each database makes its own.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    MetaData,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from bot.errors import ConfigError, StorageError
from bot.progress import Progress
from bot.storage import search
from bot.storage.database import HEAD, UNFINISHED, Database
from bot.storage.schema import engine_migrations, metadata, pace_shares, paces, posts, search_places, unindexed

#: Rows carried, and posts indexed, in one transaction of the target.
_BATCH, _INDEX_BATCH = 1_000, 200
#: What each database makes of the posts by itself.
_MADE_ANEW = (search_places, unindexed)
#: What is said of the processes at work on a database, and of the engine that wakes them.
_OF_ITS_OWN = (engine_migrations, paces, pace_shares)
#: Of each table, the rows that the target has; under "" whence they come. Gone when the move is finished.
_progress = Table(
    "move_progress",
    MetaData(),
    Column("name", Text, primary_key=True),
    Column("note", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("is_done", Boolean, nullable=False),
)
_version = Table("alembic_version", MetaData(), Column("version_num", Text))


@dataclass(frozen=True, slots=True)
class Moved:
    """What is in the target now, compared with the source."""

    rows: dict[str, int]  #: by table
    indexed: int  #: posts that can be searched
    is_resumed: bool


def move(source: Database, target: Database, tell: Progress, *, batch: int = _BATCH) -> Moved:
    """Carry everything over; the source stays as it is, and nobody writes to it meanwhile.

    A move that was broken off goes on where it was; should the source have changed since, it begins anew.

    Raises: ConfigError, when one of the two is in use, or the target is not empty. StorageError.
    """
    if source.url == target.url:
        raise ConfigError(f"--to: {target.name} is the database that is moved; name another")
    with ExitStack() as held:
        for database in (source, target):
            held.enter_context(database.claim_for_run())
            _require_unused(database)
        is_resumed = _begin(source, target)
        rows = source.write_now(_carry, target, tell, batch, is_resumed=is_resumed)
        indexed = _index(target, tell)
        target.write_now(_finish)
    return Moved(rows, indexed, is_resumed)


def copy_to_file(source: Database, target: Database, tell: Progress) -> dict[str, int]:
    """One consistent look at a running PostgreSQL database into a new SQLite file; its posts are indexed when it runs.

    Raises: StorageError.
    """
    _begin(source, target)
    rows = source.read_now(_carry_snapshot, target, tell)
    target.write_now(_put_down_for_index)
    target.write_now(_finish)
    return rows


def _require_unused(database: Database) -> None:
    """On PostgreSQL no file says who runs: whoever else is connected might write."""
    if database.path is not None:
        return
    others = database.read_now(
        lambda connection: connection.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        ).scalar_one()
    )
    if others:
        raise ConfigError(f"{database.name}: {others} other connections use it; stop what runs on it, then try again")


def _begin(source: Database, target: Database) -> bool:
    """Make sure that the target is empty, or half full of this source; whether it is the latter."""
    source.require_current()
    revision = target.revision()
    if revision == UNFINISHED:
        begun = target.read_now(_begun)
        if begun != _source_note(source):
            raise ConfigError(
                f"{target.name}: half of another database is in it ({begun}); finish that move, or name an empty one"
            )
        return True
    if revision is None:
        target.migrate()
    elif revision != HEAD:
        raise ConfigError(f"{target.name}: has the schema of another version ({revision}); name an empty database")
    full = target.read_now(_first_with_rows)
    if full is not None:
        raise ConfigError(f"{target.name}: is not empty (it has {full}); name an empty database")
    target.write_now(_mark, _source_note(source))
    return False


def _source_note(source: Database) -> str:
    return f"{source.name}, schema {HEAD}"


def _begun(connection: Connection) -> str:
    return str(connection.execute(select(_progress.c.note).where(_progress.c.name == "")).scalar_one())


def _first_with_rows(connection: Connection) -> str | None:
    for table in _carried():
        if connection.execute(select(table).limit(1)).first() is not None:
            return table.name
    return None


def _mark(connection: Connection, note: str) -> None:
    _progress.create(connection)
    connection.execute(insert(_progress).values(name="", note=note, rows=0, is_done=False))
    connection.execute(update(_version).values(version_num=UNFINISHED))


def _carry_snapshot(connection: Connection, target: Database, tell: Progress) -> dict[str, int]:
    connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    return _carry_all(connection, target, tell, _BATCH)


def _carry(connection: Connection, target: Database, tell: Progress, batch: int, *, is_resumed: bool) -> dict[str, int]:
    """All tables, in the transaction of the source's only writer."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        names = ", ".join(table.name for table in metadata.sorted_tables)
        connection.execute(text(f"LOCK TABLE {names} IN SHARE MODE"))
    try:
        return _carry_all(connection, target, tell, batch)
    except _Differs:
        if not is_resumed:
            raise
        target.write_now(_empty)  # the source went on after the first try
        return _carry_all(connection, target, tell, batch)


class _Differs(StorageError):
    """The target does not have what the source has."""


def _carry_all(connection: Connection, target: Database, tell: Progress, batch: int) -> dict[str, int]:
    for table in _carried():
        _carry_table(connection, table, target, tell, batch)
    rows: dict[str, int] = {}
    for table in _carried():
        here, there = _sum(connection, table), target.read_now(_sum, table)
        if here != there:
            raise _Differs(
                f"{target.name}: {table.name} has {there[0]} rows, {here[0]} were expected, or their contents differ; "
                "the move is not finished, try again"
            )
        rows[table.name] = here[0]
        tell("compared", len(rows), len(_carried()))
    return rows


def _carried() -> list[Table]:
    return [table for table in metadata.sorted_tables if table not in (*_MADE_ANEW, *_OF_ITS_OWN)]


def _carry_table(connection: Connection, table: Table, target: Database, tell: Progress, batch: int) -> None:
    total = connection.execute(select(func.count()).select_from(table)).scalar_one()
    done, is_done = target.read_now(_done, table)
    if is_done:
        return
    wanted = select(table).order_by(*table.primary_key.columns).offset(done)
    found = connection.execution_options(yield_per=batch).execute(wanted).mappings()
    tell(table.name, done, total)
    for some in found.partitions():
        done += len(some)
        target.write_now(_put, table, [dict(row) for row in some], done)
        tell(table.name, done, total)
    target.write_now(_put, table, [], done, is_done=True)


def _done(connection: Connection, table: Table) -> tuple[int, bool]:
    row = connection.execute(
        select(_progress.c.rows, _progress.c.is_done).where(_progress.c.name == table.name)
    ).one_or_none()
    return (row.rows, row.is_done) if row else (0, False)


def _put(
    connection: Connection, table: Table, rows: list[dict[str, object]], done: int, *, is_done: bool = False
) -> None:
    """Some rows, and in the same transaction how far it is."""
    if rows:
        connection.execute(insert(table), rows)
    connection.execute(delete(_progress).where(_progress.c.name == table.name))
    connection.execute(insert(_progress).values(name=table.name, note="", rows=done, is_done=is_done))


def _sum(connection: Connection, table: Table) -> tuple[int, int]:
    """How many rows a table has, and a sum over the hashes of all of them: each database has an order of its own."""
    count = total = 0
    for row in _rows(connection, table):
        count += 1
        total += int.from_bytes(sha256(repr(row).encode("utf-8", "surrogatepass")).digest()[:16])
    return count, total % (1 << 128)


def _rows(connection: Connection, table: Table) -> Iterator[tuple[object, ...]]:
    found = connection.execution_options(yield_per=_BATCH).execute(select(table))
    for some in found.partitions():
        for row in some:
            yield tuple(row)


def _empty(connection: Connection) -> None:
    for table in [*_MADE_ANEW, *reversed(_carried())]:
        connection.execute(delete(table))
    connection.execute(delete(_progress).where(_progress.c.name != ""))


def _index(target: Database, tell: Progress) -> int:
    target.write_now(_put_down_for_index)
    total = target.read_now(search.count_waiting)
    indexed = 0
    while some := target.write_now(search.index_waiting, _INDEX_BATCH):
        indexed += some
        tell("search index", indexed, total)
    return target.read_now(
        lambda connection: connection.execute(select(func.count()).select_from(search_places)).scalar_one()
    )


def _put_down_for_index(connection: Connection) -> None:
    known = [select(table.c.post_id) for table in _MADE_ANEW]
    missing = select(posts.c.id).where(*(posts.c.id.not_in(ids) for ids in known))
    connection.execute(insert(unindexed).from_select(["post_id"], missing))


def _finish(connection: Connection) -> None:
    """Let new rows be numbered behind those that came, and let the database be opened."""
    if connection.dialect.name == "postgresql":
        for table in metadata.sorted_tables:
            if "id" in table.c:
                connection.execute(
                    text(
                        f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), coalesce(max(id), 1),"  # noqa: S608 (our names)
                        f" max(id) IS NOT NULL) FROM {table.name}"
                    )
                )
        connection.execute(text("ANALYZE"))
    _progress.drop(connection)
    connection.execute(update(_version).values(version_num=HEAD))
