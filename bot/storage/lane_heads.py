"""What stands in lanes: deliveries in the order in which they must go, with their posts. Functions of a transaction.

Beside ``lanes.py``, which says whose lanes are and how attempts end. A crowd that gets one post has many lanes in which
one delivery waits: these are looked into together, and what they have in common is read once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Integer, Row, ScalarSelect, bindparam, or_, select

from bot.model import Delivery, DeliveryClass, DeliveryState, Post, Wait
from bot.storage import records
from bot.storage.dialects import among
from bot.storage.lanes import BLOCKING, SOONEST_WISH, Lane
from bot.storage.schema import chats, deliveries, edits, feeds, posts, subscriptions, targets


@dataclass(frozen=True, slots=True)
class Waiting:
    """What stands in a lane: deliveries in the order they must go, and what was sent of late."""

    head: tuple[Delivery, ...]  #: what is due; or the one that blocks the lane, due or not
    recent: tuple[datetime, ...]  #: when the messages of the pacing window went out, oldest first
    has_wishes: bool = False  #: messages that are out are to be changed now


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
    or_(*(deliveries.c.state == state for state in (DeliveryState.PENDING, *BLOCKING))),
    or_(
        *(deliveries.c.state == state for state in BLOCKING),
        # What quiet hours or a budget hold back holds up nobody else, also when it was tried before.
        (deliveries.c.state == DeliveryState.PENDING) & (deliveries.c.attempts > 0) & deliveries.c.wait.is_(None),
    ),
).limit(1)
_DUE = _LOADED.where(
    deliveries.c.target_id.in_(_IN_LANE),
    deliveries.c.state == DeliveryState.PENDING,
    deliveries.c.due_at <= bindparam("now"),
).limit(bindparam("most", type_=Integer))


@dataclass(frozen=True, slots=True)
class Visit:
    """A look into a lane: at most *limit* deliveries, and what was sent within *window*."""

    lane: Lane
    now: datetime
    limit: int
    window: timedelta


def look_all(connection: Connection, visits: Sequence[Visit]) -> list[Waiting]:
    """See what stands in lanes of one bot. Those in which one delivery waits are looked into together."""
    alone = _waiting_alone(connection, visits) if len(visits) > 1 else {}
    loaded = {each.id: each for each in _load_alike(connection, [one for one in alone.values() if one is not None])}
    sent = _sent_of_late(connection, [visit for visit in visits if visit.lane.chat_id in alone])
    wished = _wished(connection, visits)
    found = []
    for visit in visits:
        chat_id = visit.lane.chat_id
        if chat_id not in alone:
            found.append(replace(_look(connection, visit), has_wishes=chat_id in wished))
            continue
        head = loaded.get(alone[chat_id] or 0)
        is_blocking = head is not None and head.attempts > 0 and head.wait is None
        is_due = head is not None and (is_blocking or head.due_at <= visit.now)
        recent = tuple(sorted(sent.get(chat_id, ())))
        found.append(Waiting((head,) if head and is_due else (), recent, chat_id in wished))
    return found


def _pending(which: int) -> ScalarSelect[int]:
    return (
        select(deliveries.c.id)
        .where(deliveries.c.target_id == targets.c.id, deliveries.c.state == DeliveryState.PENDING)
        .order_by(deliveries.c.turn, deliveries.c.id)
        .limit(1)
        .offset(which)
        .scalar_subquery()
    )


_FIRST_TWO = select(
    targets.c.chat_id,
    _pending(0).label("first"),
    _pending(1).label("second"),
    select(deliveries.c.id)
    .where(deliveries.c.target_id == targets.c.id, or_(*(deliveries.c.state == state for state in BLOCKING)))
    .limit(1)
    .scalar_subquery()
    .label("blocking"),
).where(targets.c.bot_id == bindparam("of_bot"), among(targets.c.chat_id, "of_chats"))


def _waiting_alone(connection: Connection, visits: Sequence[Visit]) -> dict[int, int | None]:
    """Of each lane in which no more than one delivery waits, and none blocks it, its number; by chat."""
    which = {"of_bot": visits[0].lane.bot_id, "of_chats": [visit.lane.chat_id for visit in visits]}
    alone: dict[int, int | None] = {}
    crowded = set()
    for row in connection.execute(_FIRST_TWO, which):
        if row.second or row.blocking or (row.first and alone.get(row.chat_id)):
            crowded.add(row.chat_id)
        alone[row.chat_id] = row.first or alone.get(row.chat_id)
    return {chat_id: first for chat_id, first in alone.items() if chat_id not in crowded}


_BARE = (
    select(
        *deliveries.c, targets.c.chat_id, targets.c.thread, subscriptions.c.own, subscriptions.c.active,
        chats.c.language.label("chosen_language"), chats.c.options,
    )
    .join(targets, targets.c.id == deliveries.c.target_id)
    .join(subscriptions, subscriptions.c.id == deliveries.c.subscription_id)
    .outerjoin(chats, (chats.c.bot_id == targets.c.bot_id) & (chats.c.chat_id == targets.c.chat_id))
    .where(among(deliveries.c.id, "ids"))
)  # fmt: skip
_POSTS = (
    select(*posts.c, feeds.c.title.label("feed_title"), feeds.c.home.label("feed_home"))
    .join(feeds, feeds.c.id == posts.c.feed_id)
    .where(among(posts.c.id, "ids"))
)


def _load_alike(connection: Connection, ids: Sequence[int]) -> list[Delivery]:
    """Read deliveries, and each post of theirs once."""
    if not ids:
        return []
    rows = connection.execute(_BARE, {"ids": ids}).all()
    wanted = {row.post_id for row in rows if row.post_id is not None}
    told = {row.id: records.post_of(row) for row in connection.execute(_POSTS, {"ids": wanted})} if wanted else {}
    return [_delivery(row, _titled(told[row.post_id], row.title) if row.post_id is not None else None) for row in rows]


_SENT_THERE = (
    select(targets.c.chat_id, deliveries.c.sent_at, deliveries.c.message_ids)
    .join(targets, targets.c.id == deliveries.c.target_id)
    .where(
        targets.c.bot_id == bindparam("of_bot"),
        among(targets.c.chat_id, "of_chats"),
        deliveries.c.sent_at > bindparam("since"),
    )
)
_CHANGED_THERE = (
    select(targets.c.chat_id, edits.c.edited_at)
    .join(deliveries, deliveries.c.id == edits.c.delivery_id)
    .join(targets, targets.c.id == deliveries.c.target_id)
    # + 0: the few edits are to be looked at, not all deliveries of the chats.
    .where(
        targets.c.bot_id + 0 == bindparam("of_bot"),
        among(targets.c.chat_id + 0, "of_chats"),
        edits.c.edited_at > bindparam("since"),
    )
)


def _sent_of_late(connection: Connection, visits: Sequence[Visit]) -> dict[int, list[datetime]]:
    """When the messages of the pacing window went out, by chat."""
    if not visits:
        return {}
    which = {
        "of_bot": visits[0].lane.bot_id,
        "of_chats": [visit.lane.chat_id for visit in visits],
        "since": min(visit.now - visit.window for visit in visits),
    }
    sent: dict[int, list[datetime]] = {}
    for row in connection.execute(_SENT_THERE, which):
        sent.setdefault(row.chat_id, []).extend([row.sent_at] * len(row.message_ids))
    for changed in connection.execute(_CHANGED_THERE, which):
        sent.setdefault(changed.chat_id, []).append(changed.edited_at)
    return sent


def _wished(connection: Connection, visits: Sequence[Visit]) -> set[int]:
    """The chats in which something is to be changed now."""
    which = {"of_bot": visits[0].lane.bot_id, "of_chats": [visit.lane.chat_id for visit in visits]}
    now = max(visit.now for visit in visits)
    return {row.chat_id for row in connection.execute(SOONEST_WISH, which) if row.due_at <= now}


def _look(connection: Connection, visit: Visit) -> Waiting:
    """See what stands in one lane. A delivery that blocks it comes alone."""
    which = {"of_bot": visit.lane.bot_id, "of_chat": visit.lane.chat_id}
    since = which | {"since": visit.now - visit.window}
    answered = [row.sent_at for row in connection.execute(_RECENT, since) for _part in row.message_ids]
    sent = tuple(sorted([*answered, *connection.execute(_CHANGED, since).scalars()]))
    blocking = [_delivery(row, _post(row)) for row in connection.execute(_FIRST_BLOCKING, which)]
    if blocking:
        return Waiting(tuple(blocking), sent)
    pending = connection.execute(_DUE, which | {"now": visit.now, "most": visit.limit})
    return Waiting(tuple(_delivery(row, _post(row)) for row in pending), sent)


def load(connection: Connection, *conditions: Any, limit: int) -> list[Delivery]:
    """Read deliveries with their posts, in the order in which they go."""
    return [_delivery(row, _post(row)) for row in connection.execute(_LOADED.where(*conditions).limit(limit))]


def _delivery(row: Row[*tuple[Any, ...]], post: Post | None) -> Delivery:
    return Delivery(
        id=row.id,
        chat_id=row.chat_id,
        post=post,
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


def _post(row: Row[*tuple[Any, ...]]) -> Post | None:
    return _titled(records.post_of(row, prefix="of_post_"), row.title) if row.post_id is not None else None


def _titled(post: Post, title: str | None) -> Post:
    """The post as a delivery tells it: an admin may have given it another title."""
    return replace(post, entry=replace(post.entry, title=title)) if title else post
