"""A database with rows in every table, made from the schema: a table that comes later is filled too."""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    Table,
    Text,
    func,
    insert,
    inspect,
    select,
)

from bot.model import DeliveryState, Wait
from bot.storage.schema import (
    EPOCH,
    Instant,
    engine_migrations,
    metadata,
    pace_shares,
    paces,
    search_places,
    unindexed,
)

#: Persian with its joiners, an astral character, quotes, a backslash, line ends.
_WORDS = 'ماه\u200cها \U0001f319 "quoted" it\'s \\ line\nend'
#: What is read again, and not only carried.
_MEANT: dict[str, Any] = {
    "enclosures": [{"url": "https://sky.example/1.jpg", "type": "image/jpeg", "size": 10}],
    "tags": ["ماه", "moon"],
    "flags": ["no_zone"],
}
#: What the databases make by themselves.
MADE_ANEW = (search_places, unindexed)
#: Neither is what is said of the processes at work there, and of what wakes them.
OF_ITS_OWN = (engine_migrations, pace_shares, paces)


def fill(connection: Connection, rows: int = 5) -> None:
    """So many rows a table; each points to the row of its number in others."""
    ids: dict[str, list[Any]] = {}
    for table in metadata.sorted_tables:
        if table in MADE_ANEW:
            continue
        if not inspect(connection).has_table(table.name):
            continue  # of a later version
        known = {column["name"] for column in inspect(connection).get_columns(table.name)}
        lines = [_row(table, number, ids) for number in range(rows)]
        connection.execute(insert(table), [{name: row[name] for name in row.keys() & known} for row in lines])
        (first, *_) = table.primary_key.columns
        if first.name in known:
            ids[table.name] = list(connection.execute(select(first).order_by(first)).scalars())


def _row(table: Table, number: int, ids: dict[str, list[Any]]) -> dict[str, Any]:
    # Columns that may be empty are in some rows.
    return {
        column.name: None if column.nullable and _is_empty(column, number) else _value(table, column, number, ids)
        for column in table.columns
        if column.name != "id"
    }


def _is_empty(column: Column[Any], number: int) -> bool:
    return number == 0 if column.name == "held" else number % 3 == 1  # a post that is held is not found


def _value(table: Table, column: Column[Any], number: int, ids: dict[str, list[Any]]) -> Any:
    for key in column.foreign_keys:
        return ids[key.column.table.name][number]
    kind = column.type
    if isinstance(kind, Instant):
        return EPOCH + timedelta(days=20_000 * (1 - number), milliseconds=7 * number + 1)
    if isinstance(kind, JSON):
        if column.name in _MEANT:
            return _MEANT[column.name]
        return [{"text": _WORDS, "offset": number, "none": None, "b": 1, "a": [True]}] if number else []
    if isinstance(kind, LargeBinary):
        return bytes([0, 255, number]) * 7
    if isinstance(kind, Boolean):
        return number % 2 == 0
    if isinstance(kind, Integer):
        is_small = kind.__class__.__name__ in ("Integer", "SmallInteger")
        return number if is_small else -1_001_234_567_890 - number
    assert isinstance(kind, Text), f"{table.name}.{column.name}: what would stand there?"
    if column.name == "wait":
        return list(Wait)[number % len(Wait)]
    if column.name == "state":
        return list(DeliveryState)[number % len(DeliveryState)]
    return {"kind": "http"}.get(column.name, f"{_WORDS} {number}") if table.name == "feeds" else f"{_WORDS} {number}"


def everything(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table that is carried, in one order on both databases."""
    return {
        table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
        for table in metadata.sorted_tables
        if table not in (*MADE_ANEW, *OF_ITS_OWN)
    }


def count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()
