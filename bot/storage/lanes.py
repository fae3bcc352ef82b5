"""The outbox's side of the store: lanes, what waits in them, and how attempts ended. Functions of a transaction.

Whoever holds a lane's lease is the only one to send to its chat. Every write here names the lease; a write that
comes back with ``LeaseLost`` did nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, Row, bindparam, delete, func, or_, select, type_coerce, update

from bot import process
from bot.model import Delivery, DeliveryClass, DeliveryState, Message, Post, SentMessage, Wait
from bot.storage import records, sightings, subscribers
from bot.storage.dialects import upsert
from bot.storage.schema import chats, deliveries, edits, feeds, hosts, lanes, pace_shares, posts, subscriptions, targets

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


@dataclass(frozen=True, slots=True)
class Waiting:
    """What stands in a lane: deliveries in the order they must go, and what was sent of late."""

    head: tuple[Delivery, ...]  #: what is due; or the one that blocks the lane, due or not
    recent: tuple[datetime, ...]  #: when the messages of the pacing window went out, oldest first


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
    due = (
        select(lanes.c.chat_id)
        .where(
            lanes.c.bot_id == bot_id,
            lanes.c.next_at <= now,
            lanes.c.paused.is_(None),
            or_(lanes.c.lease_until.is_(None), lanes.c.lease_until <= now),
            lanes.c.chat_id.not_in(besides),
        )
        .order_by(lanes.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    claimed = connection.execute(
        update(lanes)
        .where(lanes.c.bot_id == bot_id, lanes.c.chat_id.in_(due))
        .values(lease_until=now + lease, lease_owner=process.owner(), lease_no=lanes.c.lease_no + 1)
        .returning(lanes.c.chat_id, lanes.c.lease_no)
    ).all()
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


# Built once: a select of so many columns costs more to build than to run.
_LOADED = (
    select(
        *deliveries.c, targets.c.chat_id, targets.c.thread, subscriptions.c.own, subscriptions.c.active,
        chats.c.language.label("chosen_language"), chats.c.options, feeds.c.title.label("feed_title"),
        feeds.c.home.label("feed_home"),
        *(column.label(f"of_post_{column.name}") for column in posts.c),
    )
    .join(targets, targets.c.id == deliveries.c.target_id)
    .join(subscriptions, subscriptions.c.id == deliveries.c.subscription_id)
    .outerjoin(chats, (chats.c.bot_id == targets.c.bot_id) & (chats.c.chat_id == targets.c.chat_id))
    .outerjoin(posts, posts.c.id == deliveries.c.post_id)  # a digest has none
    .outerjoin(feeds, feeds.c.id == posts.c.feed_id)
    .order_by(deliveries.c.turn, deliveries.c.id)
)  # fmt: skip
_IN_LANE = select(targets.c.id).where(
    targets.c.bot_id == bindparam("of_bot"), targets.c.chat_id == bindparam("of_chat")
)
_RECENT = (
    select(deliveries.c.sent_at, deliveries.c.message_ids)
    .where(deliveries.c.target_id.in_(_IN_LANE), deliveries.c.sent_at > bindparam("since"))
    .order_by(deliveries.c.sent_at)
)
_CHANGED = (
    select(edits.c.edited_at)
    .join(deliveries, deliveries.c.id == edits.c.delivery_id)
    # + 0: the few edits are to be looked at, not all deliveries of the chat.
    .where((deliveries.c.target_id + 0).in_(_IN_LANE), edits.c.edited_at > bindparam("since"))
)
_FIRST_BLOCKING = _LOADED.where(
    deliveries.c.target_id.in_(_IN_LANE),
    # Said once more for the index: else SQLite looks at everything that ever went there.
    deliveries.c.state.in_([DeliveryState.PENDING, *BLOCKING]),
    or_(
        deliveries.c.state.in_(BLOCKING),
        # What quiet hours or a budget hold back holds up nobody else, also when it was tried before.
        (deliveries.c.state == DeliveryState.PENDING) & (deliveries.c.attempts > 0) & deliveries.c.wait.is_(None),
    ),
).limit(1)
_DUE = _LOADED.where(
    deliveries.c.target_id.in_(_IN_LANE),
    deliveries.c.state == DeliveryState.PENDING,
    deliveries.c.due_at <= bindparam("now"),
).limit(bindparam("most", type_=Integer))


def look(connection: Connection, lane: Lane, now: datetime, *, limit: int, window: timedelta) -> Waiting:
    """See what stands in a lane. A delivery that blocks it comes alone."""
    which = {"of_bot": lane.bot_id, "of_chat": lane.chat_id}
    since = which | {"since": now - window}
    answered = [row.sent_at for row in connection.execute(_RECENT, since) for _part in row.message_ids]
    sent = tuple(sorted([*answered, *connection.execute(_CHANGED, since).scalars()]))
    blocking = [_delivery(row) for row in connection.execute(_FIRST_BLOCKING, which)]
    if blocking:
        return Waiting(tuple(blocking), sent)
    pending = connection.execute(_DUE, which | {"now": now, "most": limit})
    return Waiting(tuple(_delivery(row) for row in pending), sent)


def load(connection: Connection, *conditions: Any, limit: int) -> list[Delivery]:
    """Read deliveries with their posts, in the order in which they go."""
    return [_delivery(row) for row in connection.execute(_LOADED.where(*conditions).limit(limit))]


def _delivery(row: Row[*tuple[Any, ...]]) -> Delivery:
    return Delivery(
        id=row.id,
        chat_id=row.chat_id,
        post=_post(row) if row.post_id is not None else None,
        subscription_id=row.subscription_id,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        due_at=row.due_at,
        parts=tuple(records.message_of(part) for part in row.parts),
        message_ids=tuple(row.message_ids),
        created_at=row.created_at,
        attempt_at=row.attempt_at,
        is_replay=row.turn == DeliveryClass.REPLAY,
        own=records.options_of(row.options, row.chosen_language) if row.own and row.active else None,
        thread=row.thread,
        target_id=row.target_id,
        first_attempt_at=row.first_attempt_at,
        is_approved=row.approved_at is not None,
        wait=Wait(row.wait) if row.wait else None,
    )


def _post(row: Row[*tuple[Any, ...]]) -> Post:
    """The post as this delivery tells it: an admin may have given it another title."""
    post = records.post_of(row, prefix="of_post_")
    return replace(post, entry=replace(post.entry, title=row.title)) if row.title else post


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


_LEASED = (
    update(lanes)
    .where(lanes.c.bot_id == bindparam("of_bot"), lanes.c.chat_id == bindparam("of_chat"))
    .values(lease_until=bindparam("until"))
)
_BEGUN = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("of_delivery"))
    .values(
        state=DeliveryState.SENDING,
        attempts=deliveries.c.attempts + 1,
        first_attempt_at=func.coalesce(deliveries.c.first_attempt_at, bindparam("at", type_=deliveries.c.due_at.type)),
        attempt_at=bindparam("at", type_=deliveries.c.due_at.type),
        parts=bindparam("said", type_=deliveries.c.parts.type),
        wait=None,
    )
)
_ARRIVED = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("of_delivery"))
    .values(state=DeliveryState.SENT, message_ids=bindparam("ids"), sent_at=bindparam("at"), error=None)
)
_RELEASED = (
    update(lanes)
    .where(
        lanes.c.bot_id == bindparam("of_bot"),
        lanes.c.chat_id == bindparam("of_chat"),
        lanes.c.lease_no == bindparam("of_lease"),
    )
    .values(lease_until=None, next_at=bindparam("at"))
)


def begin_all(connection: Connection, attempts: Sequence[Attempt]) -> list[Lane | Exception]:
    """pending -> sending, committed before anything leaves; the leases are renewed for it."""
    ours = _still_ours(
        connection, [(one.lane, one.delivery) for one in attempts], (DeliveryState.PENDING, DeliveryState.SENDING)
    )
    begun = [one for one, is_ours in zip(attempts, ours, strict=True) if is_ours]
    if begun:
        connection.execute(
            _LEASED,
            [{"of_bot": one.lane.bot_id, "of_chat": one.lane.chat_id, "until": one.lease_until} for one in begun],
        )
        connection.execute(
            _BEGUN,
            [
                {"of_delivery": one.delivery.id, "at": one.at, "said": [records.json_of(part) for part in one.parts]}
                for one in begun
            ],
        )
    return [
        replace(one.lane, lease_until=one.lease_until) if is_ours else LeaseLost()
        for one, is_ours in zip(attempts, ours, strict=True)
    ]


def _still_ours(
    connection: Connection, held: Sequence[tuple[Lane, Delivery]], states: Sequence[DeliveryState]
) -> list[bool]:
    """Compare before the swap: whose lease is another's now, or whose delivery moved, is not ours. Locks the lanes."""
    bot_id = held[0][0].bot_id
    chat_ids = [lane.chat_id for lane, _delivery in held]
    lease = select(lanes.c.chat_id, lanes.c.lease_no).where(lanes.c.bot_id == bot_id, lanes.c.chat_id.in_(chat_ids))
    numbers = {
        row.chat_id: row.lease_no for row in connection.execute(lease.order_by(lanes.c.chat_id).with_for_update())
    }
    where = deliveries.c.id.in_([delivery.id for _lane, delivery in held]) & deliveries.c.state.in_(states)
    there = set(connection.execute(select(deliveries.c.id).where(where)).scalars())
    return [numbers.get(lane.chat_id) == lane.lease_no and delivery.id in there for lane, delivery in held]


def part_sent(
    connection: Connection, lane: Lane, delivery: Delivery, sent: SentMessage, until: datetime
) -> tuple[Lane, Delivery]:
    """One part of several is out; it will not be sent again. The lease is renewed for the next."""
    renewed = renew(connection, lane, until)
    ids = (*delivery.message_ids, *sent.message_ids)
    _move(connection, delivery, (DeliveryState.SENDING,), message_ids=list(ids), sent_at=sent.sent_at)
    sightings.raise_to(connection, lane.bot_id, lane.chat_id, ids[-1])
    return renewed, replace(delivery, message_ids=ids)


def sent_all(connection: Connection, arrivals: Sequence[Arrival]) -> list[Exception | None]:
    """sending -> sent: the last parts are out."""
    ours = _still_ours(connection, [(one.lane, one.delivery) for one in arrivals], (DeliveryState.SENDING,))
    arrived = [one for one, is_ours in zip(arrivals, ours, strict=True) if is_ours]
    if arrived:
        connection.execute(
            _ARRIVED,
            [
                {
                    "of_delivery": one.delivery.id,
                    "ids": [*one.delivery.message_ids, *one.last.message_ids],
                    "at": one.last.sent_at,
                }
                for one in arrived
            ],
        )
        sightings.raise_all(
            connection, [(one.lane.bot_id, one.lane.chat_id, one.last.message_ids[-1]) for one in arrived]
        )
    return [None if is_ours else LeaseLost() for is_ours in ours]


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


def release_all(connection: Connection, given_back: Sequence[tuple[Lane, datetime | None]]) -> list[Exception | None]:
    """Give lanes back, each with the time when to look again; None: when what waits there is due.

    A delivery enqueued meanwhile has moved ``next_at`` itself; the earlier of the two holds.
    """
    bot_id = given_back[0][0].bot_id
    asked = [lane.chat_id for lane, next_at in given_back if next_at is None]
    pending = (
        select(targets.c.chat_id, func.min(deliveries.c.due_at, type_=deliveries.c.due_at.type).label("due_at"))
        .join(deliveries, targets.c.id == deliveries.c.target_id)
        .where(
            targets.c.bot_id == bot_id,
            targets.c.chat_id.in_(asked),
            deliveries.c.state.in_([DeliveryState.PENDING, *BLOCKING]),
        )
        .group_by(targets.c.chat_id)
    )
    # The limit keeps SQLite from beginning with all deliveries: the few wishes come first, and are looked up.
    wishes = select(edits.c.delivery_id, edits.c.due_at).where(edits.c.due_at.is_not(None)).order_by(edits.c.due_at)
    wish = wishes.limit(MOST_WISHES).subquery()
    wished = (
        select(targets.c.chat_id, func.min(wish.c.due_at, type_=edits.c.due_at.type).label("due_at"))
        .select_from(wish.join(deliveries, deliveries.c.id == wish.c.delivery_id))
        .join(targets, targets.c.id == deliveries.c.target_id)
        .where(deliveries.c.state == DeliveryState.SENT)
        .where(targets.c.bot_id + 0 == bot_id, (targets.c.chat_id + 0).in_(asked))
        .group_by(targets.c.chat_id)
    )
    due: dict[int, datetime] = {}
    for soonest in (pending, wished) if asked else ():
        for row in connection.execute(soonest):
            due[row.chat_id] = min(row.due_at, due.get(row.chat_id, row.due_at))
    connection.execute(
        _RELEASED,
        [
            {
                "of_bot": lane.bot_id,
                "of_chat": lane.chat_id,
                "of_lease": lane.lease_no,
                "at": next_at or due.get(lane.chat_id),
            }
            for lane, next_at in given_back
        ],
    )
    return [None] * len(given_back)


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
