"""Figures by day for /stats: posts that came, deliveries that went out, deliveries that did not. Only reads."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Connection, func, select, type_coerce

from bot.model import DeliveryState
from bot.storage.schema import EPOCH, deliveries, feed_names, posts, subscriptions

#: What a picture shows.
DAYS = 30
#: Every zone there is has an offset of whole quarters.
_QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Tally:
    """Figures of the last days, oldest first, today last."""

    days: tuple[date, ...]
    posts: tuple[int, ...]  #: that were first seen on that day
    sent: tuple[int, ...]
    failed: tuple[int, ...]  #: given up, or held for a person after a try, by the day of the last one


def tally(connection: Connection, bot_id: int, now: datetime, zone: ZoneInfo) -> Tally:
    """Count the days before *now* as *zone* divides them."""
    today = now.astimezone(zone).date()
    days = tuple(today - timedelta(days=DAYS - 1 - number) for number in range(DAYS))
    since = datetime.combine(days[0], datetime.min.time(), zone)
    tried_at = func.coalesce(deliveries.c.attempt_at, deliveries.c.created_at, type_=deliveries.c.due_at.type)
    of_bot = deliveries.c.bot_id == bot_id
    came = _by_quarter(posts.c.first_seen_at).where(posts.c.first_seen_at >= since)
    sent = _by_quarter(deliveries.c.sent_at).where(
        of_bot, deliveries.c.sent_at >= since, deliveries.c.state == DeliveryState.SENT
    )
    # What waits for an admin's yes was never tried, and is no failure.
    is_stuck = (deliveries.c.state == DeliveryState.HELD) & (deliveries.c.attempts > 0)
    failed = _by_quarter(tried_at).where(
        of_bot, tried_at >= since, (deliveries.c.state == DeliveryState.DEAD) | is_stuck
    )
    found = [_counted(connection, question, zone) for question in (came, sent, failed)]
    rows = [tuple(counted[day] for day in days) for counted in found]
    return Tally(days, rows[0], rows[1], rows[2])


def _by_quarter(column: Any) -> Any:
    quarter = type_coerce(column, BigInteger) // (_QUARTER // timedelta(milliseconds=1))
    return select(quarter.label("quarter"), func.count().label("number")).group_by(quarter)


def _counted(connection: Connection, question: Any, zone: ZoneInfo) -> Counter[date]:
    found: Counter[date] = Counter()
    for row in connection.execute(question):
        found[(EPOCH + row.quarter * _QUARTER).astimezone(zone).date()] += row.number
    return found


def stored(connection: Connection) -> int:
    """How many posts there are."""
    return int(connection.execute(select(func.count()).select_from(posts)).scalar_one())


@dataclass(frozen=True, slots=True)
class FeedTally:
    """What there is of one feed."""

    posts: int
    waiting: int  #: deliveries of its routes that are still to go out


def of_feed(connection: Connection, bot_id: int, name: str) -> FeedTally:
    """The figures of the feed of that name."""
    feed_id = select(feed_names.c.feed_id).where(feed_names.c.name == name).scalar_subquery()
    there = connection.execute(select(func.count()).select_from(posts).where(posts.c.feed_id == feed_id)).scalar_one()
    routes = select(subscriptions.c.id).where(
        subscriptions.c.bot_id == bot_id, subscriptions.c.feed_name == name, ~subscriptions.c.own
    )
    waiting = connection.execute(
        select(func.count())
        .select_from(deliveries)
        .where(deliveries.c.subscription_id.in_(routes), deliveries.c.state == DeliveryState.PENDING)
    ).scalar_one()
    return FeedTally(int(there), int(waiting))
