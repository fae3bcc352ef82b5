"""(3) Put posts into the outbox, or keep the reason why not. Functions of a transaction.

Called by ``ingest.py`` for what a reading brought, and by ``replays.py``. Which posts are new, it does not decide.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, func, insert, literal, or_, select, true, update

from bot import routing
from bot.model import Channel, DeliveryClass, DeliveryState, Entry, Feed, Subscription, Verdict
from bot.storage import own_posts, subscribers
from bot.storage.dialects import upsert_all
from bot.storage.schema import deliveries, lanes, posts, subscriptions, targets, verdicts
from bot.text import persian


def publish(
    connection: Connection,
    due: Mapping[int, Entry],
    wanting: Sequence[Subscription],
    now: datetime,
    *,
    silent: Mapping[int, str],
) -> int:
    """One delivery, or one verdict, for each post and subscription; *silent* says of posts why they stay behind.

    Posts go out in the order of their ids.
    """
    count = 0
    rows: list[dict[str, Any]] = []
    for subscription in wanting:
        going = []
        for post_id, entry in due.items():
            decision = routing.decide(entry, subscription, now)
            if decision.verdict is Verdict.PENDING and post_id in silent:
                decision = routing.Decision(Verdict.BASELINE, silent[post_id])
            if decision.verdict is Verdict.PENDING:
                going.append(post_id)
            else:
                rows.append(
                    {
                        "post_id": post_id,
                        "target_id": subscription.id,
                        "verdict": decision.verdict,
                        "reason": decision.reason,
                    }
                )
        if going:
            chosen = select(posts.c.id, posts.c.id.label("place")).where(posts.c.id.in_(going))
            count += enqueue(connection, subscription, now, DeliveryClass.LIVE, chosen)
    _keep_verdicts(connection, rows)
    return count


def publish_to_subscribers(
    connection: Connection, bot_id: int, feed: Feed, due: Mapping[int, Entry], now: datetime, silent: Collection[int]
) -> int:
    """One delivery for each post and each place that follows its feed or a hashtag of it by itself.

    What no channel gets, such as old posts and all but the newest of a crowd, no subscriber gets.
    """
    anybody = Subscription(feed, Channel("", ""))
    going = {
        post_id: {persian.key_fold(tag) for tag in entry.tags} - {""}
        for post_id, entry in due.items()
        if post_id not in silent and routing.decide(entry, anybody, now) == routing.GO
    }
    return subscribers.enqueue(connection, bot_id, feed.id, going, now)


def _keep_verdicts(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Two names of one address may lead to one target: the later verdict stands."""
    if not rows:
        return
    target_of = {
        row.id: row.target_id
        for row in connection.execute(
            select(subscriptions.c.id, subscriptions.c.target_id).where(
                subscriptions.c.id.in_({row["target_id"] for row in rows})
            )
        )
    }
    rows = [row | {"target_id": target_of[row["target_id"]]} for row in rows]
    upsert_all(connection, verdicts, rows, ["post_id", "target_id"])


def enqueue_backfill(connection: Connection, subscription: Subscription, now: datetime) -> int:
    """Publish the newest ``backfill`` stored posts of a feed, oldest first; the others are the baseline."""
    backfill = subscription.feed.backfill
    if backfill == 0:
        return 0
    target_id = select(subscriptions.c.target_id).where(subscriptions.c.id == subscription.id).scalar_subquery()
    newest = (
        select(posts.c.id, posts.c.effective_at)
        .where(
            posts.c.feed_id == subscription.feed.id,
            posts.c.held.is_(None),
            ~own_posts.is_already_there(posts.c.id, target_id),
            *([posts.c.language.in_(subscription.channel.only)] if subscription.channel.only else []),
        )
        .order_by(posts.c.effective_at.desc(), posts.c.id.desc())
        .limit(backfill)
        .subquery()
    )
    place = func.row_number().over(order_by=(newest.c.effective_at, newest.c.id))
    return enqueue(connection, subscription, now, DeliveryClass.BACKFILL, select(newest.c.id, place.label("place")))


def enqueue(
    connection: Connection,
    subscription: Subscription,
    now: datetime,
    turn: DeliveryClass,
    chosen: Select[*tuple[Any, ...]],
) -> int:
    """Put the *chosen* posts (id, place) into the outbox in that order, and wake the lane.

    A post already there stays as it is.
    """
    wanted = chosen.subquery()
    route = subscriptions.alias()
    already = exists().where(
        and_(
            deliveries.c.bot_id == route.c.bot_id,
            deliveries.c.target_id == route.c.target_id,
            deliveries.c.post_id == wanted.c.id,
            deliveries.c.kind == "post",
        )
    )
    names = [
        "bot_id", "target_id", "post_id", "kind", "subscription_id", "turn", "state", "due_at", "parts", "message_ids",
        "created_at",
    ]  # fmt: skip
    rows = (
        select(
            route.c.bot_id,
            route.c.target_id,
            wanted.c.id,
            literal("post"),
            route.c.id,
            literal(int(turn)),
            literal(DeliveryState.PENDING.value),
            literal(now, deliveries.c.due_at.type),
            literal([], deliveries.c.parts.type),
            literal([], deliveries.c.message_ids.type),
            literal(now, deliveries.c.created_at.type),
        )
        .select_from(route.join(wanted, true()))
        .where(route.c.id == subscription.id, ~already)
        .order_by(wanted.c.place)
    )
    # Counted by what comes back: psycopg does not tell the number of rows of such a statement.
    count = len(connection.execute(insert(deliveries).from_select(names, rows).returning(deliveries.c.id)).all())
    if count:
        wake_lane(connection, subscription.id, now)
    return count


def wake_lane(connection: Connection, subscription_id: int, now: datetime) -> None:
    """Have the outbox look at the lane of a subscription as soon as it may."""
    lane = (
        select(targets.c.bot_id, targets.c.chat_id)
        .join(subscriptions, subscriptions.c.target_id == targets.c.id)
        .where(subscriptions.c.id == subscription_id)
        .subquery()
    )
    connection.execute(
        update(lanes)
        .where(
            exists().where(lanes.c.bot_id == lane.c.bot_id, lanes.c.chat_id == lane.c.chat_id),
            or_(lanes.c.next_at.is_(None), lanes.c.next_at > now),
        )
        .values(next_at=now)
    )
