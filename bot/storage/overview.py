"""What the status page shows beyond how everything stands: figures of feeds and channels, what is in trouble, notices.

Reads; ``add_notices`` alone writes. Each question costs what the page shows, not what the database holds.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    case,
    delete,
    distinct,
    func,
    insert,
    or_,
    select,
    text,
    type_coerce,
)

from bot.model import DeliveryState, Verdict, Wait
from bot.storage.schema import EPOCH, deliveries, feed_names, lanes, notices, posts, targets, verdicts
from bot.storage.status import WAITING

DAYS = 30  #: what the figures of a feed cover
KEPT_NOTICES = 1_000
#: Every zone there is has an offset of whole quarters.
_QUARTER = timedelta(minutes=15)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class FeedFigures:
    """What became of a feed's posts lately."""

    by_day: tuple[int, ...] = (0,) * DAYS  #: oldest first, today last
    passed: int = 0
    filtered: int = 0
    duplicates: int = 0


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """What waits for a channel, and what it got."""

    waiting: int = 0
    first_due_at: datetime | None = None
    last_due_at: datetime | None = None
    sent_at: datetime | None = None  #: the last post
    sent_this_hour: int = 0
    paused: str | None = None  #: what right is missing
    error: str | None = None  #: why its chat could not be found


@dataclass(frozen=True, slots=True)
class Trouble:
    """A delivery that did not go as it should."""

    delivery_id: int
    channel: str
    title: str | None
    state: DeliveryState
    attempts: int
    due_at: datetime
    error: str
    wait: Wait | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A line that the admin was to be told."""

    at: datetime
    text: str


def feed_figures(
    connection: Connection, bot_id: int, names: Sequence[str], now: datetime, zone: ZoneInfo
) -> dict[str, FeedFigures]:
    """The figures of these feeds over ``DAYS`` days."""
    ids = {
        row.name: row.feed_id
        for row in connection.execute(
            select(feed_names.c.name, feed_names.c.feed_id).where(feed_names.c.name.in_(names))
        )
    }
    today = now.astimezone(zone).date()
    first = datetime.combine(today - timedelta(days=DAYS - 1), datetime.min.time(), zone)
    lately = and_(posts.c.feed_id.in_(set(ids.values())), posts.c.effective_at >= first)
    by_day: dict[int, Counter[date]] = {}
    quarter = type_coerce(posts.c.effective_at, BigInteger) // (_QUARTER // _MS)
    for row in connection.execute(
        select(posts.c.feed_id, quarter.label("quarter"), func.count().label("number"))
        .where(lately)
        .group_by(posts.c.feed_id, quarter)
    ):
        by_day.setdefault(row.feed_id, Counter())[_day_of(row.quarter, zone)] += row.number
    passed = _count_posts(
        connection,
        select(posts.c.feed_id, func.count(distinct(posts.c.id)).label("number"))
        .join(deliveries, deliveries.c.post_id == posts.c.id)
        .where(lately, deliveries.c.bot_id == bot_id, deliveries.c.state != DeliveryState.DROPPED),
    )
    left_out = {
        verdict: _count_posts(
            connection,
            select(posts.c.feed_id, func.count(distinct(posts.c.id)).label("number"))
            .join(verdicts, verdicts.c.post_id == posts.c.id)
            .join(targets, targets.c.id == verdicts.c.target_id)
            .where(lately, targets.c.bot_id == bot_id, verdicts.c.verdict == verdict),
        )
        for verdict in (Verdict.FILTERED, Verdict.DUPLICATE)
    }
    days = [today - timedelta(days=DAYS - 1 - number) for number in range(DAYS)]
    return {
        name: FeedFigures(
            by_day=tuple(by_day.get(feed_id, Counter())[day] for day in days),
            passed=passed.get(feed_id, 0),
            filtered=left_out[Verdict.FILTERED].get(feed_id, 0),
            duplicates=left_out[Verdict.DUPLICATE].get(feed_id, 0),
        )
        for name, feed_id in ids.items()
    }


def _count_posts(connection: Connection, query: Any) -> dict[int, int]:
    return {row.feed_id: row.number for row in connection.execute(query.group_by(posts.c.feed_id))}


def _day_of(quarter: int, zone: ZoneInfo) -> date:
    return (EPOCH + quarter * _QUARTER).astimezone(zone).date()


def posts_by_day(connection: Connection, first: date, last: date, zone: ZoneInfo) -> Counter[date]:
    """How many posts are dated each of these days; held ones are nobody's business yet."""
    quarter = type_coerce(posts.c.effective_at, BigInteger) // (_QUARTER // _MS)
    since, until = (datetime.combine(day, datetime.min.time(), zone) for day in (first, last + timedelta(days=1)))
    found: Counter[date] = Counter()
    for row in connection.execute(
        select(quarter.label("quarter"), func.count().label("number"))
        .where(posts.c.effective_at >= since, posts.c.effective_at < until, posts.c.held.is_(None))
        .group_by(quarter)
    ):
        found[_day_of(row.quarter, zone)] += row.number
    return found


def channel_figures(
    connection: Connection, bot_id: int, names: Collection[str], now: datetime
) -> dict[str, ChannelFigures]:
    """The figures of the channels of these names."""
    is_waiting, hour_ago = deliveries.c.state.in_(WAITING), now - timedelta(hours=1)
    instant = deliveries.c.due_at.type
    sent_at = select(func.max(deliveries.c.sent_at, type_=instant)).where(deliveries.c.target_id == targets.c.id)
    rows = connection.execute(
        select(
            targets.c.channel,
            targets.c.error,
            lanes.c.paused,
            func.count(case((is_waiting, deliveries.c.id))).label("waiting"),
            func.min(case((is_waiting, deliveries.c.due_at)), type_=instant).label("first_due_at"),
            func.max(case((is_waiting, deliveries.c.due_at)), type_=instant).label("last_due_at"),
            func.count(case((deliveries.c.sent_at > hour_ago, deliveries.c.id))).label("this_hour"),
            sent_at.correlate(targets).scalar_subquery().label("sent_at"),
        )
        .select_from(targets)
        .outerjoin(lanes, and_(lanes.c.bot_id == targets.c.bot_id, lanes.c.chat_id == targets.c.chat_id))
        .outerjoin(
            deliveries,
            and_(deliveries.c.target_id == targets.c.id, or_(is_waiting, deliveries.c.sent_at > hour_ago)),
        )
        .where(targets.c.bot_id == bot_id, targets.c.channel.in_(names))
        .group_by(targets.c.id, targets.c.channel, targets.c.error, lanes.c.paused)
        .order_by(targets.c.id)
    )
    return {
        row.channel: ChannelFigures(
            waiting=row.waiting,
            first_due_at=row.first_due_at,
            last_due_at=row.last_due_at,
            sent_at=row.sent_at,
            sent_this_hour=row.this_hour,
            paused=row.paused,
            error=row.error,
        )
        for row in rows
    }


def next_sending_at(connection: Connection, bot_id: int) -> tuple[str, datetime] | None:
    """The channel or chat that gets something next, and when it is due."""
    row = connection.execute(
        select(targets.c.channel, targets.c.chat, deliveries.c.due_at)
        .join(targets, targets.c.id == deliveries.c.target_id)
        .join(lanes, and_(lanes.c.bot_id == targets.c.bot_id, lanes.c.chat_id == targets.c.chat_id))
        .where(
            deliveries.c.target_id.in_(select(targets.c.id).where(targets.c.bot_id == bot_id)),
            deliveries.c.state.in_(WAITING),
            lanes.c.paused.is_(None),
        )
        .order_by(deliveries.c.due_at)
        .limit(1)
    ).first()
    return (row.channel or row.chat, row.due_at) if row else None


def _is_in_trouble(bot_id: int) -> ColumnElement[bool]:
    mine = select(targets.c.id).where(targets.c.bot_id == bot_id)
    stuck = (DeliveryState.DEAD, DeliveryState.HELD, DeliveryState.UNCERTAIN)
    was_tried = and_(deliveries.c.state == DeliveryState.PENDING, deliveries.c.attempts > 0)
    return and_(deliveries.c.target_id.in_(mine), or_(deliveries.c.state.in_(stuck), was_tried))


def count_troubles(connection: Connection, bot_id: int) -> int:
    """How many deliveries are in trouble."""
    counted = select(func.count()).select_from(deliveries).where(_is_in_trouble(bot_id))
    return int(connection.execute(counted).scalar_one())


def troubles(connection: Connection, bot_id: int, limit: int, offset: int = 0) -> list[Trouble]:
    """Deliveries that wait for a person or failed at least once, the newest first."""
    rows = connection.execute(
        select(
            deliveries.c.id,
            deliveries.c.state,
            deliveries.c.attempts,
            deliveries.c.due_at,
            deliveries.c.error,
            deliveries.c.wait,
            posts.c.title,
            targets.c.channel,
            targets.c.chat,
        )
        .outerjoin(posts, posts.c.id == deliveries.c.post_id)  # a digest has none
        .join(targets, targets.c.id == deliveries.c.target_id)
        .where(_is_in_trouble(bot_id))
        .order_by(deliveries.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [
        Trouble(
            delivery_id=row.id,
            channel=row.channel or row.chat,
            title=row.title,
            state=DeliveryState(row.state),
            attempts=row.attempts,
            due_at=row.due_at,
            error=row.error or "",
            wait=Wait(row.wait) if row.wait else None,
        )
        for row in rows
    ]


def add_notices(connection: Connection, lines: Sequence[str], at: datetime) -> None:
    """Keep what was to be told, and forget what is long past."""
    connection.execute(insert(notices), [{"at": at, "text": line} for line in lines])
    newest = select(notices.c.id).order_by(notices.c.id.desc()).limit(1).scalar_subquery()
    connection.execute(delete(notices).where(notices.c.id <= newest - KEPT_NOTICES))


def last_notices(connection: Connection, limit: int) -> list[Notice]:
    """The newest first."""
    rows = connection.execute(select(notices).order_by(notices.c.id.desc()).limit(limit))
    return [Notice(row.at, row.text) for row in rows]


def size_bytes(connection: Connection) -> int:
    """How large the database is."""
    if connection.dialect.name == "postgresql":
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    pages, size = (connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("page_count", "page_size"))
    return int(pages) * int(size)
