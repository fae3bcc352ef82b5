"""What SQLite and PostgreSQL share and SQLAlchemy spells apart: insert or update, and long lists of keys."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, Connection, Dialect, Text, TypeDecorator, bindparam, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

#: Bound parameters of one statement; SQLite's own limit is 32,766.
CHUNK = 5_000


def among(column: ColumnElement[int], name: str) -> ColumnElement[bool]:
    """Whether a column is one of many whole numbers, which are one parameter called *name*.

    ``in_`` makes a parameter of each number: to write a thousand down takes longer than to look them up, and each
    length of the list is another statement, which PostgreSQL has to plan.
    """
    return _Among(column, bindparam(name, type_=_Numbers()))


class _Numbers(TypeDecorator[Iterable[int]]):
    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        is_sqlite = dialect.name == "sqlite"
        return dialect.type_descriptor(Text() if is_sqlite else postgresql.ARRAY(BigInteger))

    def process_bind_param(self, value: Iterable[int] | None, dialect: Dialect) -> Any:
        numbers = list(value or ())
        return json.dumps(numbers) if dialect.name == "sqlite" else numbers


class _Among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> "_Among":  # noqa: ARG002 (SQLAlchemy's signature)
        """It is a condition already: as a value SQLite would compare it with 1, and use no index."""
        return self


@compiles(_Among, "sqlite")
def _among_sqlite(element: _Among, compiler: Any, **options: Any) -> str:
    column, numbers = (compiler.process(each, **options) for each in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({numbers})))"  # noqa: S608 (a column and a parameter)


@compiles(_Among, "postgresql")
def _among_postgresql(element: _Among, compiler: Any, **options: Any) -> str:
    column, numbers = (compiler.process(each, **options) for each in element.clauses)
    return f"({column} = ANY ({numbers}))"


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
    if rows:
        connection.execute(_upsert(connection.dialect.name, table, tuple(key), tuple(rows[0])), rows)


@cache
def _upsert(dialect: str, table: Any, key: tuple[str, ...], names: tuple[str, ...]) -> Any:
    """Made once for all: to put a statement together costs SQLAlchemy more than SQLite needs to carry it out."""
    statement = _insert(dialect, table)
    changed = {name: statement.excluded[name] for name in names if name not in key}
    if changed:
        return statement.on_conflict_do_update(index_elements=list(key), set_=changed)
    return statement.on_conflict_do_nothing()


def insert_into(connection: Connection, table: Any) -> Any:
    """An insert that may say what happens on a conflict."""
    return _insert(connection.dialect.name, table)


def _insert(dialect: str, table: Any) -> Any:
    return (sqlite if dialect == "sqlite" else postgresql).insert(table)


def one_at_a_time(connection: Connection, key: int) -> None:
    """Let no other transaction that asks for this *key* go on before this one ends. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def in_chunks(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Parts of a list that one statement can bind."""
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))
