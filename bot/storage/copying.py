"""A copy of everything that is stored, in a database of its own: for a rehearsal, which must not touch the real one."""

from sqlalchemy import Connection, Table, insert, select, update

from bot.storage.database import Database
from bot.storage.schema import lanes, loops, metadata, search_places, unindexed

#: Rows carried at once: a post may have a whole article.
_BATCH = 500
#: What says nothing of what will be sent.
_LEFT_OUT = (loops, search_places, unindexed)


def copy(source: Database, target: Database) -> None:
    """Fill *target*, which is new, with one snapshot of *source*; nobody holds a lane there.

    Raises: StorageError.
    """
    source.read_now(_carry, target)
    target.write_now(_let_go)


def _carry(connection: Connection, target: Database) -> None:
    for table in metadata.sorted_tables:
        if table in _LEFT_OUT:
            continue
        rows = connection.execution_options(yield_per=_BATCH).execute(select(table)).mappings()
        for some in rows.partitions():
            target.write_now(_put, table, [dict(row) for row in some])


def _put(connection: Connection, table: Table, rows: list[dict[str, object]]) -> None:
    connection.execute(insert(table), rows)


def _let_go(connection: Connection) -> None:
    connection.execute(update(lanes).values(lease_until=None, lease_owner=None))
