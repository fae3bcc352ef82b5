"""(3) Put posts into the outbox, or keep the reason why not. Functions of a transaction.

Called by ``ingest.py`` for what a reading brought, and by ``replays.py``. Which posts are new, it does not decide.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Executable, and_, bindparam, exists, insert, or_, select, update

from bot import routing
from bot.model import Channel, DeliveryClass, Entry, Feed, SameStory, Subscription, Verdict
from bot.routing import Decision
from bot.storage import edits, own_posts, records, stories, subscribers
from bot.storage.dialects import in_chunks, upsert_all
from bot.storage.schema import deliveries, lanes, posts, subscriptions, targets, verdicts
from bot.text import persian

#: Stored posts whose words are in memory at once.
LOOKED_AT = 200


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
    if not due:
        return 0
    stories.lock(connection, wanting)
    count = 0
    for subscription in wanting:
        decisions = {post_id: routing.decide(entry, subscription, now) for post_id, entry in due.items()}
        decisions |= {
            post_id: Decision(Verdict.BASELINE, why)
            for post_id, why in silent.items()
            if post_id in decisions and decisions[post_id].verdict is Verdict.PENDING
        }
        going = [post_id for post_id, decision in decisions.items() if decision.verdict is Verdict.PENDING]
        keep_verdicts(connection, subscription, decisions)
        count += _enqueue_untold(connection, subscription, now, DeliveryClass.LIVE, going)
    return count


def _enqueue_untold(
    connection: Connection, subscription: Subscription, now: datetime, turn: DeliveryClass, post_ids: Sequence[int]
) -> int:
    """Enqueue posts, of live ones in the order of their ids, else by date; not those whose story is told there."""
    told = stories.find_told(connection, subscription, post_ids)
    keep_verdicts(
        connection, subscription, {post_id: Decision(Verdict.DUPLICATE, one.reason) for post_id, one in told.items()}
    )
    if subscription.channel.same_story is SameStory.MENTION:
        edits.mention(connection, {post_id: one.delivery_id for post_id, one in told.items() if one.delivery_id}, now)
    going = [post_id for post_id in post_ids if post_id not in told]
    stories.remember(connection, going)
    return enqueue(connection, subscription, now, turn, going)


def publish_to_subscribers(
    connection: Connection,
    bot_id: int,
    feed: Feed,
    due: Mapping[int, Entry],
    now: datetime,
    silent: Collection[int],
    *,
    is_resumed: bool,
) -> int:
    """One delivery for each post and each place that follows its feed or a hashtag of it by itself.

    What no channel gets, such as old posts and all but the newest of a crowd, no subscriber gets. Of a feed that
    *is_resumed*, only what is surely from after a place began to follow it: nobody knows when the rest came.
    """
    anybody = Subscription(feed, Channel("", ""))
    going = {
        post_id: {persian.key_fold(tag) for tag in entry.tags} - {""}
        for post_id, entry in due.items()
        if post_id not in silent and routing.decide(entry, anybody, now) == routing.GO
    }
    return subscribers.enqueue(connection, bot_id, feed.id, going, now, is_resumed=is_resumed)


def keep_verdicts(connection: Connection, subscription: Subscription, decisions: Mapping[int, Decision]) -> None:
    """Keep why posts stay out of a target. Two names of one address may lead to one: the later verdict stands."""
    staying = {post_id: one for post_id, one in decisions.items() if one.verdict is not Verdict.PENDING}
    if not staying:
        return
    of_route = select(subscriptions.c.target_id).where(subscriptions.c.id == subscription.id)
    target_id = connection.execute(of_route).scalar_one()
    rows = [
        {"post_id": post_id, "target_id": target_id, "verdict": one.verdict, "reason": one.reason}
        for post_id, one in staying.items()
    ]
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
    )
    if not routing.has_filters(subscription):
        newest = newest.limit(backfill)
    ids = [row.id for row in connection.execute(newest)]
    if routing.has_filters(subscription):
        ids = _newest_that_pass(connection, subscription, ids, backfill)
    stories.lock(connection, [subscription])
    return _enqueue_untold(connection, subscription, now, DeliveryClass.BACKFILL, ids[::-1])


def _newest_that_pass(
    connection: Connection, subscription: Subscription, newest: Sequence[int], wanted: int | None
) -> list[int]:
    """Of posts, newest first, so many as their words let through; those that they do not get their verdict."""
    passing: list[int] = []
    filtered: dict[int, Decision] = {}
    for at in range(0, len(newest), LOOKED_AT):
        some = newest[at : at + LOOKED_AT]
        rows = connection.execute(select(posts).where(posts.c.id.in_(some)))
        entries = {row.id: records.post_of(row).entry for row in rows}
        for post_id in some:
            if len(passing) == wanted:
                break
            reason = routing.rejection(entries[post_id], subscription)
            if reason is None:
                passing.append(post_id)
            else:
                filtered[post_id] = Decision(Verdict.FILTERED, reason)
        if len(passing) == wanted:
            break
    keep_verdicts(connection, subscription, filtered)
    return passing


def enqueue(
    connection: Connection, subscription: Subscription, now: datetime, turn: DeliveryClass, post_ids: Sequence[int]
) -> int:
    """Put posts into the outbox, live ones in the order of their ids, others by date, and wake the lane.

    A post already there stays as it is.
    """
    count = 0
    for some in in_chunks(post_ids):
        asked = {"subscription_id": subscription.id, "post_ids": some, "now": now}
        # Counted by what comes back: psycopg does not tell the number of rows of such a statement.
        count += len(connection.execute(_deliveries(turn), asked).all())
    if count:
        wake_lane(connection, subscription.id, now)
    return count


def wake_lane(connection: Connection, subscription_id: int, now: datetime) -> None:
    """Have the outbox look at the lane of a subscription as soon as it may."""
    connection.execute(_woken_lane(), {"subscription_id": subscription_id, "now": now})


# Made once: to put one of them together costs SQLAlchemy more than SQLite needs to carry it out.


@cache
def _deliveries(turn: DeliveryClass) -> Executable:
    already = exists().where(
        and_(
            deliveries.c.bot_id == subscriptions.c.bot_id,
            deliveries.c.target_id == subscriptions.c.target_id,
            deliveries.c.post_id == posts.c.id,
            deliveries.c.kind == "post",
        )
    )
    now = bindparam("now", type_=deliveries.c.due_at.type)
    waiting = records.waiting(subscriptions, posts.c.id, turn, now)
    by_date = () if turn is DeliveryClass.LIVE else (posts.c.effective_at,)
    rows = (
        select(*waiting.values())
        .select_from(subscriptions.join(posts, posts.c.id.in_(bindparam("post_ids", expanding=True))))
        .where(subscriptions.c.id == bindparam("subscription_id"), ~already)
        .order_by(*by_date, posts.c.id)
    )
    return insert(deliveries).from_select(list(waiting), rows).returning(deliveries.c.id)


@cache
def _woken_lane() -> Executable:
    now = bindparam("now", type_=lanes.c.next_at.type)
    lane = (
        select(targets.c.bot_id, targets.c.chat_id)
        .join(subscriptions, subscriptions.c.target_id == targets.c.id)
        .where(subscriptions.c.id == bindparam("subscription_id"))
        .subquery()
    )
    return (
        update(lanes)
        .where(
            exists().where(lanes.c.bot_id == lane.c.bot_id, lanes.c.chat_id == lane.c.chat_id),
            or_(lanes.c.next_at.is_(None), lanes.c.next_at > now),
        )
        .values(next_at=now)
    )
