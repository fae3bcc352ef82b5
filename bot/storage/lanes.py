"""The outbox's side of the store: lanes, what waits in them, and how attempts ended. Functions of a transaction.

Whoever holds a lane's lease is the only one to send to its chat. Every write here names the lease; a write that
comes back with ``LeaseLost`` did nothing.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, bindparam, delete, func, or_, select, text, type_coerce, update

from bot import process
from bot.model import Delivery, DeliveryState, Message, SentMessage
from bot.storage import records, sightings, subscribers
from bot.storage.dialects import among, upsert
from bot.storage.schema import deliveries, edits, feeds, hosts, lanes, milliseconds, pace_shares, targets

#: Messages to be changed that are thought of when a lane is given back; the others come after them.
MOST_WISHES = 10_000
#: These stop everything behind them in their lane.
BLOCKING = (DeliveryState.SENDING, DeliveryState.UNCERTAIN)


class LeaseLost(Exception):
    """Another process has taken this lane over."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A chat whose deliveries we may send until ``lease_until``."""

    bot_id: int
    chat_id: int
    lease_no: int
    lease_until: datetime


# Statements are made once: to put one together costs more than to carry it out.
_DUE_LANES = (
    select(lanes.c.chat_id)
    .where(
        lanes.c.bot_id == bindparam("of_bot"),
        lanes.c.next_at <= bindparam("at"),
        lanes.c.paused.is_(None),
        or_(lanes.c.lease_until.is_(None), lanes.c.lease_until <= bindparam("at")),
        lanes.c.chat_id.not_in(bindparam("besides", expanding=True)),
    )
    .order_by(lanes.c.next_at)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
_CLAIM = (
    update(lanes)
    .where(lanes.c.bot_id == bindparam("of_bot"), lanes.c.chat_id.in_(_DUE_LANES))
    .values(
        lease_until=bindparam("lease", type_=lanes.c.lease_until.type),
        lease_owner=bindparam("owner"),
        lease_no=lanes.c.lease_no + 1,
    )
    .returning(lanes.c.chat_id, lanes.c.lease_no)
)


def claim(
    connection: Connection,
    bot_id: int,
    now: datetime,
    *,
    limit: int,
    lease: timedelta,
    besides: Collection[int] = (),
) -> list[Lane]:
    """Take up to *limit* lanes in which something may be due, longest waiting first.

    *besides* are chats that the caller is still serving: however long that takes, it is not dead.
    """
    which = {"of_bot": bot_id, "at": now, "most": limit, "besides": besides}
    claimed = connection.execute(_CLAIM, which | {"lease": now + lease, "owner": process.owner()}).all()
    return [Lane(bot_id, row.chat_id, row.lease_no, now + lease) for row in claimed]


def inherit(connection: Connection, now: datetime) -> int:
    """End the leases of processes that are surely dead, on lanes and on feeds; return how many.

    What they left is found as by anyone whose lease ran out: nobody is writing it any more.
    """
    ended = 0
    for table in (lanes, feeds):
        held = select(table.c.lease_owner).where(table.c.lease_until > now, table.c.lease_owner.is_not(None)).distinct()
        dead = [owner for owner in connection.execute(held).scalars() if process.is_surely_dead(owner)]
        theirs = table.c.lease_owner.in_(dead) & (table.c.lease_until > now)
        if table is feeds:  # a claim holds the host as well
            waiting = select(feeds.c.host).where(theirs)
            connection.execute(update(hosts).where(hosts.c.name.in_(waiting)).values(next_at=now))
        ended += connection.execute(update(table).where(theirs).values(lease_until=None)).rowcount
    sharing = connection.execute(select(pace_shares.c.process).distinct()).scalars()
    gone = [owner for owner in sharing if process.is_surely_dead(owner)]
    connection.execute(delete(pace_shares).where(pace_shares.c.process.in_(gone)))
    return ended


@dataclass(frozen=True, slots=True)
class Attempt:
    """A delivery that is about to be sent as *parts*."""

    lane: Lane
    delivery: Delivery
    parts: Sequence[Message]
    at: datetime
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Arrival:
    """The last part of a delivery is out."""

    lane: Lane
    delivery: Delivery
    last: SentMessage


@dataclass(frozen=True, slots=True)
class Return:
    """A lane that is given back, with the time when to look again; None: when what waits there is due."""

    lane: Lane
    next_at: datetime | None


Step = Attempt | Arrival | Return


def take_steps(connection: Connection, steps: Sequence[Step]) -> list[Lane | Exception]:
    """What many lanes of one bot have to write at a time, together: a commit waits for the disk.

    Each gets its lane, as it is held now, or ``LeaseLost``.
    """
    attempts = [step for step in steps if isinstance(step, Attempt)]
    arrivals = [step for step in steps if isinstance(step, Arrival)]
    returns = [step for step in steps if isinstance(step, Return)]
    begun = iter(begin_all(connection, attempts) if attempts else ())
    arrived = iter(sent_all(connection, arrivals) if arrivals else ())
    returned = iter(release_all(connection, returns) if returns else ())
    return [
        next(begun if isinstance(step, Attempt) else arrived if isinstance(step, Arrival) else returned)
        for step in steps
    ]


# One statement for all that get the same: SQLAlchemy takes longer over the parameters of one row than SQLite over it.
_THESE_LANES = (lanes.c.bot_id == bindparam("of_bot")) & among(lanes.c.chat_id, "of_chats")
_LEASED = update(lanes).where(_THESE_LANES).values(lease_until=bindparam("until"))
_BEGUN = (
    update(deliveries)
    .where(among(deliveries.c.id, "of_deliveries"))
    .values(
        state=DeliveryState.SENDING,
        attempts=deliveries.c.attempts + 1,
        first_attempt_at=func.coalesce(deliveries.c.first_attempt_at, bindparam("at", type_=deliveries.c.due_at.type)),
        attempt_at=bindparam("at", type_=deliveries.c.due_at.type),
        parts=bindparam("said", type_=deliveries.c.parts.type),
        wait=None,
    )
)
# Rows that differ, as one parameter: an array of [delivery, message ids, instant].
_ARRIVED = {
    "sqlite": text(
        "UPDATE deliveries SET state = 'sent', error = NULL, message_ids = json_extract(value, '$[1]'),"
        " sent_at = json_extract(value, '$[2]') FROM json_each(:arrived)"
        " WHERE deliveries.id = json_extract(value, '$[0]')"
    ),
    "postgresql": text(
        "UPDATE deliveries SET state = 'sent', error = NULL, message_ids = value -> 1,"
        " sent_at = CAST(value ->> 2 AS bigint) FROM json_array_elements(CAST(:arrived AS json)) AS rows (value)"
        " WHERE deliveries.id = CAST(value ->> 0 AS bigint)"
    ),
}
_RELEASED = update(lanes).where(_THESE_LANES).values(lease_until=None, next_at=bindparam("at"))


def begin_all(connection: Connection, attempts: Sequence[Attempt]) -> list[Lane | Exception]:
    """pending -> sending, committed before anything leaves; the leases are renewed for it.

    They begin together, at the last one's time: nothing leaves before all of them are written down.
    """
    ours = _still_ours(
        connection, [(one.lane, one.delivery) for one in attempts], (DeliveryState.PENDING, DeliveryState.SENDING)
    )
    begun = [one for one, is_ours in zip(attempts, ours, strict=True) if is_ours]
    until = max(one.lease_until for one in attempts)
    if begun:
        of_chats = [one.lane.chat_id for one in begun]
        connection.execute(_LEASED, {"of_bot": begun[0].lane.bot_id, "of_chats": of_chats, "until": until})
    # A crowd gets the same words.
    alike: dict[int, list[Attempt]] = {}
    for one in begun:
        alike.setdefault(id(one.parts), []).append(one)
    at = max(one.at for one in attempts)
    for group in alike.values():
        said = [records.json_of(part) for part in group[0].parts]
        connection.execute(_BEGUN, {"of_deliveries": [one.delivery.id for one in group], "at": at, "said": said})
    return [
        replace(one.lane, lease_until=until) if is_ours else LeaseLost()
        for one, is_ours in zip(attempts, ours, strict=True)
    ]


_LEASE_NUMBERS = (
    select(lanes.c.chat_id, lanes.c.lease_no).where(_THESE_LANES).order_by(lanes.c.chat_id).with_for_update()
)
_STILL_IN = select(deliveries.c.id).where(
    among(deliveries.c.id, "ids"), deliveries.c.state.in_(bindparam("states", expanding=True))
)


def _still_ours(
    connection: Connection, held: Sequence[tuple[Lane, Delivery]], states: Sequence[DeliveryState]
) -> list[bool]:
    """Compare before the swap: whose lease is another's now, or whose delivery moved, is not ours. Locks the lanes."""
    numbers = _lease_numbers(connection, [lane for lane, _delivery in held])
    which = {"ids": [delivery.id for _lane, delivery in held], "states": states}
    there = set(connection.execute(_STILL_IN, which).scalars().all())
    return [numbers.get(lane.chat_id) == lane.lease_no and delivery.id in there for lane, delivery in held]


def _lease_numbers(connection: Connection, held: Sequence[Lane]) -> dict[int, int]:
    """The numbers of the leases that lanes of one bot have now, by chat. Locks the lanes."""
    which = {"of_bot": held[0].bot_id, "of_chats": [lane.chat_id for lane in held]}
    return dict(connection.execute(_LEASE_NUMBERS, which).all())


def part_sent(
    connection: Connection, lane: Lane, delivery: Delivery, sent: SentMessage, until: datetime
) -> tuple[Lane, Delivery]:
    """One part of several is out; it will not be sent again. The lease is renewed for the next."""
    renewed = renew(connection, lane, until)
    ids = (*delivery.message_ids, *sent.message_ids)
    _move(connection, delivery, (DeliveryState.SENDING,), message_ids=list(ids), sent_at=sent.sent_at)
    sightings.raise_to(connection, lane.bot_id, lane.chat_id, ids[-1])
    return renewed, replace(delivery, message_ids=ids)


def sent_all(connection: Connection, arrivals: Sequence[Arrival]) -> list[Lane | Exception]:
    """sending -> sent: the last parts are out."""
    ours = _still_ours(connection, [(one.lane, one.delivery) for one in arrivals], (DeliveryState.SENDING,))
    arrived = [one for one, is_ours in zip(arrivals, ours, strict=True) if is_ours]
    if arrived:
        rows = [
            (one.delivery.id, (*one.delivery.message_ids, *one.last.message_ids), milliseconds(one.last.sent_at))
            for one in arrived
        ]
        connection.execute(_ARRIVED[connection.dialect.name], {"arrived": json.dumps(rows)})
        sightings.raise_all(
            connection, [(one.lane.bot_id, one.lane.chat_id, one.last.message_ids[-1]) for one in arrived]
        )
    return [one.lane if is_ours else LeaseLost() for one, is_ours in zip(arrivals, ours, strict=True)]


def found(
    connection: Connection, lane: Lane, delivery: Delivery, ids: Sequence[int], now: datetime, *, is_all: bool
) -> None:
    """uncertain -> sent: it is in the chat under these ids; -> pending, where further parts of it are to go out."""
    renew(connection, lane, lane.lease_until)
    _move(
        connection,
        delivery,
        BLOCKING,
        state=DeliveryState.SENT if is_all else DeliveryState.PENDING,
        message_ids=[*delivery.message_ids, *ids],
        sent_at=delivery.attempt_at or now,
        due_at=now,
        error=None,
    )
    sightings.raise_to(connection, lane.bot_id, lane.chat_id, max(ids))


def put_back(connection: Connection, lane: Lane, delivery: Delivery, due_at: datetime, error: str | None) -> None:
    """sending or uncertain -> pending: surely not out, or sent again by choice; it keeps its place."""
    renew(connection, lane, lane.lease_until)
    _move(
        connection,
        delivery,
        (*BLOCKING, DeliveryState.PENDING),
        state=DeliveryState.PENDING,
        due_at=due_at,
        error=error,
    )


def end(connection: Connection, lane: Lane, delivery: Delivery, state: DeliveryState, error: str) -> None:
    """Any waiting state -> dead, held or uncertain, with the reason."""
    renew(connection, lane, lane.lease_until)
    _move(connection, delivery, (DeliveryState.PENDING, *BLOCKING), state=state, error=error)


def require_lease(connection: Connection, lane: Lane) -> None:
    """Raises: LeaseLost, where the lane is another's by now."""
    renew(connection, lane, lane.lease_until)


def renew(connection: Connection, lane: Lane, until: datetime) -> Lane:
    """Hold a lane until another time.

    Raises: LeaseLost, when it is held by somebody else now.
    """
    renewed = connection.execute(
        update(lanes)
        .where(lanes.c.bot_id == lane.bot_id, lanes.c.chat_id == lane.chat_id, lanes.c.lease_no == lane.lease_no)
        .values(lease_until=until)
    ).rowcount
    if not renewed:
        raise LeaseLost
    return replace(lane, lease_until=until)


def _move(connection: Connection, delivery: Delivery, from_states: Sequence[DeliveryState], **values: Any) -> None:
    """Compare and swap: a delivery that is no longer where we left it is somebody else's."""
    moved = connection.execute(
        update(deliveries).where(deliveries.c.id == delivery.id, deliveries.c.state.in_(from_states)).values(**values)
    ).rowcount
    if not moved:
        raise LeaseLost


_SOONEST_WAITING = (
    select(targets.c.chat_id, func.min(deliveries.c.due_at, type_=deliveries.c.due_at.type).label("due_at"))
    .join(deliveries, targets.c.id == deliveries.c.target_id)
    .where(
        targets.c.bot_id == bindparam("of_bot"),
        among(targets.c.chat_id, "of_chats"),
        deliveries.c.state.in_([DeliveryState.PENDING, *BLOCKING]),
    )
    .group_by(targets.c.chat_id)
)
# The limit keeps SQLite from beginning with all deliveries: the few wishes come first, and are looked up.
_WISH = (
    select(edits.c.delivery_id, edits.c.due_at)
    .where(edits.c.due_at.is_not(None))
    .order_by(edits.c.due_at)
    .limit(MOST_WISHES)
    .subquery()
)
SOONEST_WISH = (
    select(targets.c.chat_id, func.min(_WISH.c.due_at, type_=edits.c.due_at.type).label("due_at"))
    .select_from(_WISH.join(deliveries, deliveries.c.id == _WISH.c.delivery_id))
    .join(targets, targets.c.id == deliveries.c.target_id)
    .where(deliveries.c.state == DeliveryState.SENT)
    .where(
        targets.c.bot_id + 0 == bindparam("of_bot"),
        among(targets.c.chat_id + 0, "of_chats"),
    )
    .group_by(targets.c.chat_id)
)


def release_all(connection: Connection, given_back: Sequence[Return]) -> list[Lane | Exception]:
    """Give lanes back; what was lost meanwhile stays its new holder's, and that is no fault.

    A delivery enqueued meanwhile has moved ``next_at`` itself; the earlier of the two holds.
    """
    bot_id = given_back[0].lane.bot_id
    numbers = _lease_numbers(connection, [one.lane for one in given_back])
    ours = [one for one in given_back if numbers.get(one.lane.chat_id) == one.lane.lease_no]
    asked = [one.lane.chat_id for one in ours if one.next_at is None]
    due: dict[int, datetime] = {}
    for soonest in (_SOONEST_WAITING, SOONEST_WISH) if asked else ():
        for chat_id, due_at in connection.execute(soonest, {"of_bot": bot_id, "of_chats": asked}).all():
            due[chat_id] = min(due_at, due.get(chat_id, due_at))
    alike: dict[datetime | None, list[int]] = {}
    for one in ours:
        alike.setdefault(one.next_at or due.get(one.lane.chat_id), []).append(one.lane.chat_id)
    for at, chat_ids in alike.items():
        connection.execute(_RELEASED, {"of_bot": bot_id, "of_chats": chat_ids, "at": at})
    return [one.lane for one in given_back]


def pause(connection: Connection, bot_id: int, chat_id: int, reason: str) -> int | None:
    """Stop a lane until an admin of its chat acts; its deliveries stay.

    Return how many that are; None for a chat without a lane.
    """
    stopped = connection.execute(
        update(lanes).where(lanes.c.bot_id == bot_id, lanes.c.chat_id == chat_id).values(paused=reason)
    ).rowcount
    waiting = select(func.count()).where(
        deliveries.c.target_id.in_(
            select(targets.c.id).where(targets.c.bot_id == bot_id, targets.c.chat_id == chat_id)
        ),
        deliveries.c.state.in_([DeliveryState.PENDING, *BLOCKING]),
    )
    return connection.execute(waiting).scalar_one() if stopped else None


def resume(connection: Connection, bot_id: int, chat_id: int, now: datetime) -> bool:
    """Let a paused lane go on; True when it was paused."""
    resumed = connection.execute(
        update(lanes)
        .where(lanes.c.bot_id == bot_id, lanes.c.chat_id == chat_id, lanes.c.paused.is_not(None))
        .values(paused=None, next_at=now)
    ).rowcount
    return bool(resumed)


def resume_channel(connection: Connection, bot_id: int, channel: str, now: datetime) -> None:
    """Let the paused lane of a channel of feeds.yaml have another try."""
    chat_ids = select(targets.c.chat_id).where(targets.c.bot_id == bot_id, targets.c.channel == channel)
    connection.execute(
        update(lanes)
        .where(lanes.c.bot_id == bot_id, lanes.c.chat_id.in_(chat_ids), lanes.c.paused.is_not(None))
        .values(paused=None, next_at=now)
    )


def resume_all(connection: Connection, bot_id: int, now: datetime) -> None:
    """Let every paused lane of a bot have another try."""
    connection.execute(
        update(lanes).where(lanes.c.bot_id == bot_id, lanes.c.paused.is_not(None)).values(paused=None, next_at=now)
    )


def shift(connection: Connection, bot_id: int, by: timedelta) -> None:
    """Move everything that waits, as the clock was moved: what had a minute to go has a minute to go."""
    milliseconds = by // timedelta(milliseconds=1)

    def moved(column: Any) -> Any:
        return type_coerce(column, BigInteger) + milliseconds

    connection.execute(
        update(lanes)
        .where(lanes.c.bot_id == bot_id)
        .values(next_at=moved(lanes.c.next_at), lease_until=moved(lanes.c.lease_until))
    )
    connection.execute(
        update(deliveries)
        .where(deliveries.c.bot_id == bot_id, deliveries.c.state.in_([DeliveryState.PENDING, *BLOCKING]))
        .values(due_at=moved(deliveries.c.due_at), attempt_at=moved(deliveries.c.attempt_at))
    )


def revive(connection: Connection, bot_id: int, ids: Sequence[int] | None, now: datetime) -> int:
    """dead, or held by name -> pending; the lanes are woken. Return how many deliveries that was."""
    chosen = (
        deliveries.c.id.in_(ids) & deliveries.c.state.in_([DeliveryState.DEAD, DeliveryState.HELD])
        if ids is not None
        else deliveries.c.state == DeliveryState.DEAD
    )
    rows = connection.execute(
        update(deliveries)
        .where(deliveries.c.bot_id == bot_id, chosen)
        # It begins anew: its time to give up counts from here.
        .values(
            state=DeliveryState.PENDING,
            wait=None,
            approved_at=now,
            attempts=0,
            first_attempt_at=None,
            due_at=now,
            created_at=now,
            error=None,
        )
        .returning(deliveries.c.target_id)
    ).scalars()
    revived = list(rows)
    chat_ids = select(targets.c.chat_id).where(targets.c.id.in_(set(revived)))
    connection.execute(update(lanes).where(lanes.c.bot_id == bot_id, lanes.c.chat_id.in_(chat_ids)).values(next_at=now))
    return len(revived)


def bury(connection: Connection, lane: Lane, reason: str) -> int:
    """The chat is gone: everything that waits for it is dead. Return how many deliveries that was."""
    renew(connection, lane, lane.lease_until)
    in_lane = select(targets.c.id).where(targets.c.bot_id == lane.bot_id, targets.c.chat_id == lane.chat_id)
    return connection.execute(
        update(deliveries)
        .where(
            deliveries.c.target_id.in_(in_lane),
            deliveries.c.state.in_([DeliveryState.PENDING, DeliveryState.SENDING]),
        )
        .values(state=DeliveryState.DEAD, error=reason)
    ).rowcount


def migrate_chat(connection: Connection, lane: Lane, new_chat_id: int, now: datetime) -> None:
    """A group became a supergroup: its targets, and with them what waits, move to the new lane."""
    upsert(connection, lanes, {"bot_id": lane.bot_id, "chat_id": new_chat_id}, {"next_at": now})
    connection.execute(
        update(targets)
        .where(targets.c.bot_id == lane.bot_id, targets.c.chat_id == lane.chat_id)
        .values(chat_id=new_chat_id)
    )
    subscribers.move_chat(connection, lane.bot_id, lane.chat_id, new_chat_id)
