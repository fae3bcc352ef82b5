"""What needs a person as the database knows it, who was told, and the card that tells. Functions of a transaction.

``screens/concerns.py`` finds the words; ``admin/daily_card.py`` talks to Telegram.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update

from bot.model import DeliveryState, Wait
from bot.storage.dialects import upsert, upsert_all
from bot.storage.schema import admin_cards, concerns, deliveries, doubles, posts, targets

#: A message that may be there twice is told of for so long; after that nobody will look any more.
DOUBLES_ARE_TOLD = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Double:
    """A message that its chat may have twice."""

    delivery_id: int
    chat_id: int | None
    chat: str  #: how the chat is called, as far as it is known here
    title: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """Deliveries that wait for a person."""

    count: int = 0
    last_id: int = 0
    error: str = ""  #: of the last of them


@dataclass(frozen=True, slots=True)
class Told:
    """When somebody was told of a concern, and when they said that they know."""

    told_at: datetime | None = None
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """The card in the admin chat."""

    chat_id: int
    message_id: int
    token: str
    sent_at: datetime
    keys: tuple[str, ...]
    shown: bytes


def doubles_of(connection: Connection, bot_id: int, now: datetime) -> list[Double]:
    """Messages that were sent again unseen, the last first."""
    rows = connection.execute(
        select(doubles.c.delivery_id, targets.c.chat_id, targets.c.channel, targets.c.chat, posts.c.title)
        .join(deliveries, deliveries.c.id == doubles.c.delivery_id)
        .join(targets, targets.c.id == deliveries.c.target_id)
        .outerjoin(posts, posts.c.id == deliveries.c.post_id)
        .where(deliveries.c.bot_id == bot_id, doubles.c.at > now - DOUBLES_ARE_TOLD)
        .order_by(doubles.c.at.desc(), doubles.c.delivery_id.desc())
    )
    return [Double(row.delivery_id, row.chat_id, row.channel or row.chat, row.title) for row in rows]


def held(connection: Connection, bot_id: int, state: DeliveryState) -> Held:
    """Deliveries that are dead, or held; not those that wait for a yes, which have cards of their own."""
    of_state = (
        deliveries.c.bot_id == bot_id,
        deliveries.c.state == state,
        func.coalesce(deliveries.c.wait, "") != Wait.APPROVAL,
    )
    row = connection.execute(
        select(func.count().label("number"), func.max(deliveries.c.id).label("last")).where(*of_state)
    ).one()
    if not row.number:
        return Held()
    error = connection.execute(select(deliveries.c.error).where(deliveries.c.id == row.last)).scalar_one()
    return Held(row.number, row.last, error or "")


def told(connection: Connection, bot_id: int) -> dict[str, Told]:
    """What people were told, by the keys of the concerns."""
    rows = connection.execute(select(concerns).where(concerns.c.bot_id == bot_id))
    return {row.key: Told(row.told_at, row.seen_at) for row in rows}


def mark_told(connection: Connection, bot_id: int, keys: Collection[str], at: datetime) -> None:
    """Somebody was told of these."""
    rows = [{"bot_id": bot_id, "key": key, "told_at": at} for key in keys]
    upsert_all(connection, concerns, rows, ["bot_id", "key"])


def mark_seen(connection: Connection, bot_id: int, key: str, at: datetime) -> None:
    """Somebody knows of one: it is not told again as long as it lasts."""
    upsert(connection, concerns, {"bot_id": bot_id, "key": key}, {"seen_at": at})


def forget_told(connection: Connection, bot_id: int, key: str) -> None:
    """If this one is there in a moment, people are to hear of it."""
    connection.execute(update(concerns).where(concerns.c.bot_id == bot_id, concerns.c.key == key).values(told_at=None))


def forget_settled(connection: Connection, bot_id: int, lasting: Collection[str], before: datetime) -> None:
    """What is settled may be told again when it returns; but not within a day of the last time."""
    settled = (concerns.c.bot_id == bot_id, concerns.c.key.not_in(lasting))
    connection.execute(update(concerns).where(*settled, concerns.c.seen_at.is_not(None)).values(seen_at=None))
    connection.execute(delete(concerns).where(*settled, func.coalesce(concerns.c.told_at, 0) < before))


def card(connection: Connection, bot_id: int) -> Card | None:
    """The card that is out."""
    row = connection.execute(select(admin_cards).where(admin_cards.c.bot_id == bot_id)).first()
    if row is None:
        return None
    return Card(row.chat_id, row.message_id, row.token, row.sent_at, tuple(row.keys), bytes(row.shown))


def keep_card(connection: Connection, bot_id: int, kept: Card) -> None:
    """This card is out now."""
    values: Mapping[str, object] = {
        "chat_id": kept.chat_id, "message_id": kept.message_id, "token": kept.token, "sent_at": kept.sent_at,
        "keys": list(kept.keys), "shown": kept.shown,
    }  # fmt: skip
    upsert(connection, admin_cards, {"bot_id": bot_id}, dict(values))


def forget_card(connection: Connection, bot_id: int) -> None:
    """No card is out."""
    connection.execute(delete(admin_cards).where(admin_cards.c.bot_id == bot_id))


def concerned(keys: Sequence[str], number: int) -> str | None:
    """The key that a card's button with this number is about."""
    return keys[number] if 0 <= number < len(keys) else None
