"""Posts that wait for an admin, and who decided what. Functions of a transaction; ``approvals.py`` asks the admins."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from bot.model import Delivery, DeliveryState, Message, Wait
from bot.storage import lane_heads, lanes, records
from bot.storage.dialects import upsert
from bot.storage.enqueue import wake_lane
from bot.storage.lanes import Lane
from bot.storage.schema import approvals, deliveries


@dataclass(frozen=True, slots=True)
class Asked:
    """A post that nobody has decided about."""

    delivery_id: int
    subscription_id: int
    token: str
    held_at: datetime
    expires_at: datetime | None
    chat_id: int | None  #: of the card; None: the admins were not asked yet
    message_id: int | None


def hold(connection: Connection, lane: Lane, delivery: Delivery, now: datetime) -> None:
    """pending -> held, until an admin decides.

    Raises: LeaseLost.
    """
    lanes.end(connection, lane, delivery, DeliveryState.HELD, "waits for an admin's button in the admin chat")
    connection.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(wait=Wait.APPROVAL))
    empty = dict.fromkeys(
        (
            "asked_at", "expires_at", "chat_id", "message_id", "decision", "decided_at", "decided_by", "decided_name",
            "prompt_id",
        )
    )  # fmt: skip
    row = {"token": secrets.token_urlsafe(12), "held_at": now, **empty}
    upsert(connection, approvals, {"delivery_id": delivery.id}, row)


def undecided(connection: Connection, bot_id: int) -> list[Asked]:
    """What waits for an admin, in the order in which it came."""
    rows = connection.execute(
        _asked().where(deliveries.c.bot_id == bot_id, approvals.c.decision.is_(None)).order_by(deliveries.c.id)
    )
    return [_record(row) for row in rows]


def find(connection: Connection, token: str) -> Asked | None:
    """What a button belongs to, while nobody has decided."""
    row = connection.execute(_asked().where(approvals.c.token == token, approvals.c.decision.is_(None))).first()
    return _record(row) if row else None


def find_prompted(connection: Connection, chat_id: int, prompt_id: int) -> Asked | None:
    """What a message asked for another title of, while nobody has decided."""
    row = connection.execute(
        _asked().where(
            approvals.c.chat_id == chat_id, approvals.c.prompt_id == prompt_id, approvals.c.decision.is_(None)
        )
    ).first()
    return _record(row) if row else None


def prompted(connection: Connection, asked: Asked, prompt_id: int) -> None:
    """A message asks for another title: the newest one is what counts."""
    connection.execute(
        update(approvals).where(approvals.c.delivery_id == asked.delivery_id).values(prompt_id=prompt_id)
    )


def retitle(connection: Connection, asked: Asked, title: str, now: datetime, *, by: int, name: str) -> bool:
    """Give a post another title for this delivery. Its card counts no more: it is to be shown anew.

    Return False where somebody has decided meanwhile.
    """
    changed = connection.execute(
        update(approvals)
        .where(approvals.c.delivery_id == asked.delivery_id, approvals.c.decision.is_(None))
        .values(message_id=None, prompt_id=None, titled_at=now, titled_by=by, titled_name=name)
    ).rowcount
    if changed:
        connection.execute(update(deliveries).where(deliveries.c.id == asked.delivery_id).values(title=title))
    return bool(changed)


def _asked() -> Select[*tuple[Any, ...]]:
    return (
        select(
            approvals.c.delivery_id, deliveries.c.subscription_id, approvals.c.token, approvals.c.held_at,
            approvals.c.expires_at, approvals.c.chat_id, approvals.c.message_id,
        )
        .join(deliveries, deliveries.c.id == approvals.c.delivery_id)
        .where(deliveries.c.state == DeliveryState.HELD, deliveries.c.wait == Wait.APPROVAL)
    )  # fmt: skip


def _record(row: Row[*tuple[Any, ...]]) -> Asked:
    return Asked(*row)


def load(connection: Connection, delivery_id: int) -> Delivery | None:
    """A delivery with its post."""
    return next(iter(lane_heads.load(connection, deliveries.c.id == delivery_id, limit=1)), None)


def shown(
    connection: Connection,
    asked: Asked,
    parts: Sequence[Message],
    expires_at: datetime | None,
    card: tuple[int, int],
    now: datetime,
) -> None:
    """The admins have seen these messages, with a card (chat and message) under them: they are what will be sent."""
    chat_id, message_id = card
    connection.execute(
        update(approvals)
        .where(approvals.c.delivery_id == asked.delivery_id)
        .values(asked_at=now, expires_at=expires_at, chat_id=chat_id, message_id=message_id)
    )
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == asked.delivery_id)
        .values(parts=[records.json_of(part) for part in parts])
    )


def decide(
    connection: Connection,
    asked: Asked,
    now: datetime,
    *,
    due_at: datetime | None,
    by: int | None = None,
    name: str | None = None,
) -> bool:
    """held -> pending at *due_at*, or dropped where that is None; False where somebody was first."""
    decision = "skip" if due_at is None else "post"
    decided = connection.execute(
        update(approvals)
        .where(approvals.c.delivery_id == asked.delivery_id, approvals.c.decision.is_(None))
        .values(decision=decision, decided_at=now, decided_by=by, decided_name=name)
    ).rowcount
    is_later = due_at is not None and due_at > now
    of_post = {"state": DeliveryState.PENDING, "approved_at": now, "due_at": due_at, "error": None}
    why = f"{name} decided not to post it" if by else "no admin decided in time"
    values = of_post if due_at else {"state": DeliveryState.DROPPED, "error": why}
    moved = connection.execute(
        update(deliveries)
        .where(
            deliveries.c.id == asked.delivery_id,
            deliveries.c.state == DeliveryState.HELD,
            deliveries.c.wait == Wait.APPROVAL,
        )
        .values(wait=Wait.SCHEDULED if is_later else None, **values)
    ).rowcount
    if moved and due_at is not None:
        wake_lane(connection, asked.subscription_id, now)
    return bool(decided and moved)
