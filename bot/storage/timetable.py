"""What a rehearsal asks of its copy: when something is due next, and what happened. Functions of a transaction."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, or_, select

from bot.model import DeliveryClass, DeliveryState, Wait
from bot.storage.schema import deliveries, digests, feed_names, lanes, posts, targets, verdicts

#: Verdicts on posts that came before this are old news.
_LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the timetable."""

    at: datetime | None  #: None: at no time within the days that were looked at
    what: str  #: post, backfill, replay, digest, merged, held, waiting, filtered
    channel: str
    feed: str | None
    post: int | None
    title: str
    why: str = ""


_WHAT = {DeliveryClass.LIVE: "post", DeliveryClass.BACKFILL: "backfill", DeliveryClass.REPLAY: "replay"}
#: Why a delivery waits, in words.
_WHY = {
    Wait.QUIET: "quiet hours", Wait.BUDGET: "max_per_hour", Wait.OVERFLOW: "max_per_hour",
    Wait.DIGEST: "digest instead of single posts", Wait.APPROVAL: "an admin's approval",
    Wait.SCHEDULED: "an admin chose the time",
}  # fmt: skip


def next_lane_at(connection: Connection, bot_id: int) -> datetime | None:
    """When the next chat wants something; chats that are paused want nothing."""
    at: datetime | None = connection.execute(
        select(func.min(lanes.c.next_at, type_=lanes.c.next_at.type)).where(
            lanes.c.bot_id == bot_id, lanes.c.paused.is_(None)
        )
    ).scalar_one()
    return at


def waits(connection: Connection, bot_id: int) -> dict[int, str]:
    """What holds deliveries back at this moment, by their ids."""
    rows = connection.execute(
        select(deliveries.c.id, deliveries.c.wait).where(deliveries.c.bot_id == bot_id, deliveries.c.wait.is_not(None))
    )
    return {row.id: _WHY[Wait(row.wait)] for row in rows}


def events(connection: Connection, bot_id: int, since: datetime, held_by: dict[int, str]) -> list[Event]:
    """What was sent since then, told in a digest, held or kept back, in the order in which it happened."""
    found = [*_deliveries(connection, bot_id, since, held_by), *_kept_back(connection, bot_id, since)]
    return sorted(found, key=lambda event: (event.at is None, event.at or since))


def _deliveries(connection: Connection, bot_id: int, since: datetime, held_by: dict[int, str]) -> Iterator[Event]:
    rows = connection.execute(
        select(
            deliveries.c.id, deliveries.c.kind, deliveries.c.state, deliveries.c.turn, deliveries.c.sent_at,
            deliveries.c.post_id, deliveries.c.error, deliveries.c.wait, deliveries.c.digest_id, deliveries.c.due_at,
            posts.c.title, posts.c.feed_id, targets.c.channel, lanes.c.paused, digests.c.posts, digests.c.slot_at,
        )
        .join(targets, targets.c.id == deliveries.c.target_id)
        .outerjoin(posts, posts.c.id == deliveries.c.post_id)
        .outerjoin(digests, digests.c.id == deliveries.c.digest_id)
        .outerjoin(lanes, (lanes.c.bot_id == targets.c.bot_id) & (lanes.c.chat_id == targets.c.chat_id))
        .where(
            deliveries.c.bot_id == bot_id,
            or_(
                deliveries.c.sent_at >= since,
                deliveries.c.state.in_([DeliveryState.PENDING, DeliveryState.HELD]),
                (deliveries.c.state == DeliveryState.DROPPED) & (digests.c.slot_at >= since),
                (deliveries.c.state == DeliveryState.DROPPED) & deliveries.c.id.in_(held_by),
            ),
        )
        .order_by(deliveries.c.id)
    )  # fmt: skip
    names = _names(connection)
    for row in rows:
        feed, why = names.get(row.feed_id), held_by.get(row.id, "")
        if row.kind == "digest":
            told = f"{row.posts} posts"
            yield Event(row.sent_at, "digest" if row.sent_at else "waiting", row.channel, None, None, told, why)
        elif row.sent_at is not None:
            what = _WHAT[DeliveryClass(row.turn)]
            yield Event(row.sent_at, what, row.channel, feed, row.post_id, row.title or "", why)
        elif row.state == DeliveryState.DROPPED:
            merged = ("merged", row.slot_at) if row.digest_id else ("dropped", None)
            reason = why if row.digest_id else row.error or ""
            yield Event(merged[1], merged[0], row.channel, feed, row.post_id, row.title or "", reason)
        else:
            waits_for = _WHY[Wait(row.wait)] if row.wait else row.error or row.paused or "its turn"
            what = "held" if row.state == DeliveryState.HELD else "waiting"
            yield Event(None, what, row.channel, feed, row.post_id, row.title or "", row.paused or waits_for)


def _kept_back(connection: Connection, bot_id: int, since: datetime) -> Iterator[Event]:
    """Posts that wait for a person, and verdicts that were given since."""
    names = _names(connection)
    for row in connection.execute(
        select(posts.c.id, posts.c.title, posts.c.feed_id, posts.c.held).where(posts.c.held.is_not(None))
    ):
        yield Event(None, "held", "", names.get(row.feed_id), row.id, row.title or "", row.held)
    for given in connection.execute(
        select(posts.c.id, posts.c.title, posts.c.feed_id, targets.c.channel, verdicts.c.verdict, verdicts.c.reason)
        .join(posts, posts.c.id == verdicts.c.post_id)
        .join(targets, targets.c.id == verdicts.c.target_id)
        .where(targets.c.bot_id == bot_id, posts.c.first_seen_at >= since - _LATELY)
        .order_by(posts.c.id)
    ):
        why = f"{given.verdict}: {given.reason}"
        yield Event(None, "filtered", given.channel, names.get(given.feed_id), given.id, given.title or "", why)


def _names(connection: Connection) -> dict[int, str]:
    rows = connection.execute(
        select(feed_names.c.feed_id, feed_names.c.name).order_by(feed_names.c.active, feed_names.c.name.desc())
    )
    return {row.feed_id: row.name for row in rows}
