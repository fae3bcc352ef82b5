"""Who may do what, and what a chat chose. Functions of a transaction."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from bot.model import ChatOptions
from bot.storage import records
from bot.storage.dialects import upsert
from bot.storage.schema import admins, chats


def add_admin(connection: Connection, user_id: int, now: datetime) -> None:
    """Make somebody an admin who came by the claim link."""
    upsert(connection, admins, {"user_id": user_id}, {"claimed_at": now})


def remove_admin(connection: Connection, user_id: int) -> None:
    """Forget an admin who came by the claim link."""
    connection.execute(delete(admins).where(admins.c.user_id == user_id))


def choose_language(connection: Connection, bot_id: int, chat_id: int, language: str) -> None:
    """Keep the language that a chat asked for."""
    upsert(connection, chats, {"bot_id": bot_id, "chat_id": chat_id}, {"language": language})


def language_of(connection: Connection, bot_id: int, chat_id: int) -> str | None:
    """The language a chat chose; None when it never did."""
    return connection.execute(
        select(chats.c.language).where(chats.c.bot_id == bot_id, chats.c.chat_id == chat_id)
    ).scalar_one_or_none()


def options(connection: Connection, bot_id: int, chat_id: int) -> ChatOptions:
    """What a chat chose; the defaults where it never did."""
    row = connection.execute(select(chats).where(chats.c.bot_id == bot_id, chats.c.chat_id == chat_id)).first()
    return records.options_of(row.options, row.language) if row else ChatOptions()


def choose(connection: Connection, bot_id: int, chat_id: int, chosen: ChatOptions) -> None:
    """Keep what a chat chose."""
    values = {"language": chosen.language, "options": records.json_of_options(chosen)}
    upsert(connection, chats, {"bot_id": bot_id, "chat_id": chat_id}, values)
