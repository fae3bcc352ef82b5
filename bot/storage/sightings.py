"""What is known of the messages of channels and supergroups: the newest id, and copies that wait to be deleted.

Written by the outbox with each message that is sent, by ``commands/updates.py`` with each that others post, and by
``outbox/evidence.py``, which looks for messages whose answer was lost. Functions of a transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from bot import process
from bot.storage.dialects import insert_into
from bot.storage.schema import chats, copies

#: A copy that a living process made is left to it for so long.
ABANDONED = timedelta(minutes=5)


def numbers_its_own(chat_id: int) -> bool:
    """Whether the messages of a chat have ids of their own, one after the other: channels and supergroups.

    People and basic groups share one sequence of the bot's.
    """
    return chat_id < -(10**12)


def raise_to(connection: Connection, bot_id: int, chat_id: int, message_id: int) -> None:
    """A message with this id was seen in a chat."""
    raise_all(connection, [(bot_id, chat_id, message_id)])


def raise_all(connection: Connection, seen: Sequence[tuple[int, int, int]]) -> None:
    """Messages were seen: bot, chat and id of each."""
    rows = [
        {"bot_id": bot_id, "chat_id": chat_id, "last_seen_id": message_id}
        for bot_id, chat_id, message_id in seen
        if numbers_its_own(chat_id)
    ]
    if not rows:
        return
    statement = insert_into(connection, chats)
    newer = func.coalesce(chats.c.last_seen_id, -1) < statement.excluded.last_seen_id
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["bot_id", "chat_id"], set_={"last_seen_id": statement.excluded.last_seen_id}, where=newer
        ),
        rows,
    )


def last_seen(connection: Connection, bot_id: int, chat_id: int) -> int | None:
    """The newest id that was seen in a chat; None where nobody looked yet."""
    return connection.execute(
        select(chats.c.last_seen_id).where(chats.c.bot_id == bot_id, chats.c.chat_id == chat_id)
    ).scalar_one_or_none()


@dataclass(frozen=True, slots=True)
class Copy:
    """A message that was forwarded to be looked at. ``copy_id`` is None where the process died over it."""

    id: int
    place: int  #: the chat it was forwarded to
    chat_id: int
    message_id: int
    copy_id: int | None


def plan_copy(connection: Connection, bot_id: int, place: int, chat_id: int, message_id: int, now: datetime) -> int:
    """Write down that a message is about to be forwarded to *place*; return the number of that line."""
    made: int = connection.execute(
        insert(copies)
        .values(
            bot_id=bot_id, place=place, chat_id=chat_id, message_id=message_id, planned_at=now, owner=process.owner()
        )
        .returning(copies.c.id)
    ).scalar_one()
    return made


def copy_made(connection: Connection, number: int, copy_id: int) -> None:
    """The copy is there, under this id."""
    connection.execute(update(copies).where(copies.c.id == number).values(copy_id=copy_id))


def forget_copy(connection: Connection, number: int) -> None:
    """There is no copy, or no more."""
    connection.execute(delete(copies).where(copies.c.id == number))


def abandoned_copies(connection: Connection, bot_id: int, now: datetime) -> Sequence[Copy]:
    """Copies whose process is dead, or silent for a long time."""
    owners = connection.execute(select(copies.c.owner).where(copies.c.bot_id == bot_id).distinct()).scalars().all()
    dead = [owner for owner in owners if process.is_surely_dead(owner)]
    rows = connection.execute(
        select(copies)
        .where(copies.c.bot_id == bot_id, or_(copies.c.owner.in_(dead), copies.c.planned_at < now - ABANDONED))
        .order_by(copies.c.id)
    )
    return [Copy(row.id, row.place, row.chat_id, row.message_id, row.copy_id) for row in rows]
