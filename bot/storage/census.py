"""How much there is of everything, and not what: for a bug report. Functions of a transaction that only reads."""

from typing import Any

from sqlalchemy import Connection, func, select, text

from bot.storage.schema import chats, metadata, targets


def rows(connection: Connection) -> dict[str, int]:
    """How many rows each table has."""
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in metadata.sorted_tables
    }


def server(connection: Connection) -> dict[str, Any]:
    """Which program keeps the database, and how."""
    if connection.dialect.name == "postgresql":
        return {"server": connection.execute(text("SHOW server_version")).scalar_one()}
    return {"journal": connection.execute(text("PRAGMA journal_mode")).scalar_one()}


def private_chats(connection: Connection) -> set[int]:
    """Ids of people: a chat with a person has that person's id."""
    found = connection.execute(select(chats.c.chat_id).union(select(targets.c.chat_id))).scalars()
    return {chat for chat in found if chat is not None and chat > 0}
