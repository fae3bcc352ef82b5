"""Who may do what, and what a chat chose. Functions of a transaction."""

from datetime import datetime

from sqlalchemy import Connection, select

from bot.storage.dialects import upsert
from bot.storage.schema import admins, chats


def add_admin(connection: Connection, user_id: int, now: datetime) -> None:
    """Make somebody an admin who came by the claim link."""
    upsert(connection, admins, {"user_id": user_id}, {"claimed_at": now})


def choose_language(connection: Connection, bot_id: int, chat_id: int, language: str) -> None:
    """Keep the language that a chat asked for."""
    upsert(connection, chats, {"bot_id": bot_id, "chat_id": chat_id}, {"language": language})


def language_of(connection: Connection, bot_id: int, chat_id: int) -> str | None:
    """The language a chat chose; None when it never did."""
    return connection.execute(
        select(chats.c.language).where(chats.c.bot_id == bot_id, chats.c.chat_id == chat_id)
    ).scalar_one_or_none()
