"""What SQLite and PostgreSQL share and SQLAlchemy spells apart: insert or update, and long lists of keys."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

#: Bound parameters of one statement; SQLite's own limit is 32,766.
CHUNK = 5_000


def upsert(
    connection: Connection,
    table: Any,
    key: dict[str, Any],
    values: dict[str, Any],
    *,
    on_insert: dict[str, Any] | None = None,
) -> None:
    """Insert a row, or update the one with this unique *key*; *on_insert* is set on the first only."""
    statement = insert_into(connection, table).values(**key, **values, **(on_insert or {}))
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


def upsert_all(connection: Connection, table: Any, rows: Sequence[dict[str, Any]], key: Sequence[str]) -> None:
    """Insert *rows*, or update those with this unique *key* in every other column given; all rows have the same."""
    if not rows:
        return
    statement = insert_into(connection, table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    if changed:
        statement = statement.on_conflict_do_update(index_elements=list(key), set_=changed)
    else:
        statement = statement.on_conflict_do_nothing()
    connection.execute(statement, rows)


def insert_into(connection: Connection, table: Any) -> Any:
    """An insert that may say what happens on a conflict."""
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def in_chunks(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Parts of a list that one statement can bind."""
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))
