"""How everything stands: feeds, lanes, the queue and the loops, as rows to look at. Writes nothing but the loops."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, LargeBinary, case, delete, func, select

from bot import process
from bot.health import FeedState, Health
from bot.model import DeliveryState, FeedKind
from bot.storage import pauses
from bot.storage.dialects import upsert
from bot.storage.feeds import state_of, will_be_read
from bot.storage.pauses import Pause
from bot.storage.schema import deliveries, feed_names, feeds, lanes, loops, subscriptions, targets

#: Deliveries in these states are still to go out.
WAITING = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNCERTAIN)
#: A process of another machine that is late by so much does not come back; nobody else can tell that it died.
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """A feed of feeds.yaml, by its name."""

    name: str
    kind: FeedKind
    state: FeedState
    is_read: bool  #: somebody receives it, and it is not gone
    next_check_at: datetime
    next_check_why: str
    attempted_at: datetime | None
    succeeded_at: datetime | None
    error: str | None
    title: str | None = None  #: its own


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """A chat that something waits for, or that is paused."""

    chat_id: int
    channels: tuple[str, ...]  #: of feeds.yaml
    waiting: int
    waiting_since: datetime | None  #: since when the oldest of them is due; None where none is
    paused: str | None


@dataclass(frozen=True, slots=True)
class LoopStatus:
    """A loop of a running process."""

    succeeded_at: datetime  #: when it last ended well; at first, when it was started
    late_at: datetime  #: when it must have done so again


@dataclass(frozen=True, slots=True)
class Status:
    """Everything at one moment."""

    feeds: tuple[FeedStatus, ...]
    lanes: tuple[LaneStatus, ...]
    queue: dict[str, int]  #: deliveries by state
    loops: dict[str, LoopStatus]  #: of running processes, by name; of several that have one, the one that is best
    pauses: tuple[Pause, ...] = ()  #: what admins paused


def load(connection: Connection, bot_id: int, now: datetime, *, of_process: str | None = None) -> Status:
    """How everything stands for one bot; the loops of one process, or of all."""
    counted = connection.execute(
        select(deliveries.c.state, func.count().label("number"))
        .where(deliveries.c.bot_id == bot_id)
        .group_by(deliveries.c.state)
    )
    return Status(
        feeds=tuple(_feeds(connection)),
        lanes=tuple(_lanes(connection, bot_id, now)),
        queue={row.state: row.number for row in counted},
        loops=_loops(connection, of_process),
        pauses=tuple(pauses.load(connection, bot_id, now)),
    )


def _loops(connection: Connection, of_process: str | None) -> dict[str, LoopStatus]:
    latest = [func.max(column, type_=column.type) for column in (loops.c.succeeded_at, loops.c.late_at)]
    rows = select(loops.c.name, *latest).group_by(loops.c.name).order_by(loops.c.name)
    if of_process is not None:
        rows = rows.where(loops.c.process == of_process)
    return {name: LoopStatus(succeeded_at, late_at) for name, succeeded_at, late_at in connection.execute(rows)}


def unwell(connection: Connection) -> list[FeedStatus]:
    """The feeds that are not well: few, where all of them may be thousands."""
    return _feeds(connection, feeds.c.health != Health.OK)


def _feeds(connection: Connection, *conditions: Any) -> list[FeedStatus]:
    # What its source remembers of a feed may be megabytes, and says nothing here.
    small = [column for column in feeds.c if not isinstance(column.type, LargeBinary)]
    rows = connection.execute(
        select(*small, feed_names.c.name, will_be_read().label("is_read"))
        .join(feed_names, feed_names.c.feed_id == feeds.c.id)
        .where(feed_names.c.active, *conditions)
        .order_by(feed_names.c.name)
    )
    return [
        FeedStatus(
            name=row.name,
            kind=FeedKind(row.kind),
            state=state_of(row),
            is_read=bool(row.is_read),
            next_check_at=row.next_check_at,
            next_check_why=row.next_check_why,
            attempted_at=row.attempted_at,
            succeeded_at=row.succeeded_at,
            error=row.error,
            title=row.title,
        )
        for row in rows
    ]


def _lanes(connection: Connection, bot_id: int, now: datetime) -> list[LaneStatus]:
    is_waiting = deliveries.c.state.in_(WAITING)
    due_at = case((deliveries.c.due_at <= now, deliveries.c.due_at))
    rows = connection.execute(
        select(
            lanes.c.chat_id,
            lanes.c.paused,
            func.count(deliveries.c.id).label("waiting"),
            func.min(due_at, type_=deliveries.c.due_at.type).label("since"),
        )
        .select_from(lanes)
        .join(targets, (targets.c.bot_id == lanes.c.bot_id) & (targets.c.chat_id == lanes.c.chat_id))
        .outerjoin(deliveries, (deliveries.c.target_id == targets.c.id) & is_waiting)
        .where(lanes.c.bot_id == bot_id)
        .group_by(lanes.c.chat_id, lanes.c.paused)
        .order_by(lanes.c.chat_id)
    ).all()
    channels = _channels(connection, bot_id)
    return [
        LaneStatus(row.chat_id, channels.get(row.chat_id, ()), row.waiting, row.since, row.paused)
        for row in rows
        if row.waiting or row.paused
    ]


def _channels(connection: Connection, bot_id: int) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    query: Any = (
        select(targets.c.chat_id, targets.c.channel)
        .where(targets.c.bot_id == bot_id, targets.c.id.in_(select(subscriptions.c.target_id)), targets.c.channel != "")
        .order_by(targets.c.channel)
        .distinct()
    )
    for row in connection.execute(query):
        found[row.chat_id] = (*found.get(row.chat_id, ()), row.channel)
    return found


def begin(connection: Connection, at: datetime, late_at: Mapping[str, datetime]) -> None:
    """Loops of this process begin, each to end well by its time; what dead processes left is cleared away."""
    found = connection.execute(select(loops.c.process, func.max(loops.c.late_at)).group_by(loops.c.process)).all()
    is_alone = connection.dialect.name == "sqlite"  # ``Database.claim_for_run`` sees to that
    gone = [name for name, late in found if is_alone or process.is_surely_dead(name) or late < at - FORGOTTEN_AFTER]
    connection.execute(delete(loops).where(loops.c.process.in_([*gone, process.owner()])))
    for name, by in late_at.items():
        beat(connection, name, at, by)


def beat(connection: Connection, name: str, at: datetime, late_at: datetime) -> None:
    """Note that a loop of this process ended well, and by when it must do so again."""
    values = {"succeeded_at": at, "late_at": late_at}
    upsert(connection, loops, {"process": process.owner(), "name": name}, values)


def forget(connection: Connection, name: str) -> None:
    """A loop of this process is another's now."""
    connection.execute(delete(loops).where(loops.c.process == process.owner(), loops.c.name == name))


def end(connection: Connection) -> None:
    """This process runs no more: a loop that was stopped is not late."""
    connection.execute(delete(loops).where(loops.c.process == process.owner()))


def others_run(connection: Connection, now: datetime) -> bool:
    """Whether another process is at work on this database; one that is surely dead, or late by much, is not."""
    others = select(loops.c.process).where(loops.c.process != process.owner(), loops.c.late_at > now).distinct()
    return not all(process.is_surely_dead(name) for name in connection.execute(others).scalars())
