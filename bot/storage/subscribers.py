"""Subscribers' own subscriptions: what a person or group follows by itself, and how new posts reach all of them.

Functions of a transaction. Who may do this to a chat is decided before (``commands/rights.py``). There may be a hundred
thousand of these: nothing here is kept in memory, and what concerns all followers of a feed is one statement.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from bot.model import PREVIEW_BOT, DeliveryClass, DeliveryState, Feed, FeedKind
from bot.storage import records
from bot.storage.addresses import host_of_url
from bot.storage.dialects import insert_into
from bot.storage.schema import (
    chats,
    deliveries,
    feed_names,
    feeds,
    lanes,
    metadata,
    posts,
    subscriptions,
    targets,
)

#: Feeds and hashtags that one chat may follow.
MOST_OF_A_CHAT = 100
#: Feeds that are read only because somebody sent their address, and how often at most.
MOST_OPEN, OPEN_EVERY = 1_000, timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Place:
    """A chat, and the forum topic in it (0: none), as a bot sees it."""

    bot_id: int
    chat_id: int
    thread: int = 0


@dataclass(frozen=True, slots=True)
class Followed:
    """A feed or a hashtag that a chat follows. One of ``feed_id`` and ``tag`` is there."""

    id: int
    feed_id: int | None
    tag: str | None  #: as it was written
    title: str
    muted_until: datetime | None


class Outcome(StrEnum):
    """How an attempt to follow something ended."""

    NEW = "new"
    ALREADY = "already"
    TOO_MANY = "too many"


# --- following -----------------------------------------------------------------------------------------------


def _target_id(connection: Connection, place: Place) -> int | None:
    """The target of a place; a channel of feeds.yaml that is this chat is the same one: nothing comes twice."""
    found: int | None = connection.execute(
        select(targets.c.id)
        .where(targets.c.bot_id == place.bot_id, targets.c.chat_id == place.chat_id)
        .where(targets.c.thread == place.thread)
        .order_by(targets.c.channel.desc(), targets.c.id)
    ).scalar()
    return found


def _open_target(connection: Connection, place: Place) -> int:
    target_id = _target_id(connection, place)
    if target_id is not None:
        return target_id
    lane = insert_into(connection, lanes).values(bot_id=place.bot_id, chat_id=place.chat_id)
    connection.execute(lane.on_conflict_do_nothing())
    made: int = connection.execute(
        insert(targets)
        .values(bot_id=place.bot_id, chat=str(place.chat_id), thread=place.thread, channel="", chat_id=place.chat_id)
        .returning(targets.c.id)
    ).scalar_one()
    return made


def _is_of(place: Place) -> ColumnElement[bool]:
    """The condition for a subscription to be this place's own."""
    there = select(targets.c.id).where(
        targets.c.bot_id == place.bot_id, targets.c.chat_id == place.chat_id, targets.c.thread == place.thread
    )
    return and_(subscriptions.c.own, subscriptions.c.target_id.in_(there))


def follow_feed(connection: Connection, place: Place, feed_id: int, now: datetime) -> Outcome:
    """Have a feed's new posts sent to a place from now on."""
    is_received = exists().where(subscriptions.c.feed_id == feed_id, subscriptions.c.active)
    was_received = bool(connection.execute(select(is_received)).scalar())
    outcome = _follow(connection, place, subscriptions.c.feed_id == feed_id, {"feed_id": feed_id}, str(feed_id), now)
    if outcome is Outcome.NEW and not was_received:
        # What came while nobody received it is not new to anybody; and it is asked as soon as its turn comes.
        connection.execute(
            update(feeds).where(feeds.c.id == feed_id, feeds.c.baseline_at.is_not(None)).values(resumed=True)
        )
    return outcome


def follow_tag(connection: Connection, place: Place, tag: str, folded: str, now: datetime) -> Outcome:
    """Have new posts of any feed that carry a hashtag sent to a place from now on; *folded* is what is compared."""
    return _follow(connection, place, subscriptions.c.tag == folded, {"tag": folded}, tag, now)


def _follow(
    connection: Connection, place: Place, same: ColumnElement[bool], what: dict[str, Any], name: str, now: datetime
) -> Outcome:
    old = connection.execute(
        select(subscriptions.c.id, subscriptions.c.active).where(_is_of(place), same).order_by(subscriptions.c.id)
    ).first()
    if old is not None and old.active:
        return Outcome.ALREADY
    count = select(func.count()).select_from(subscriptions).where(_is_of(place), subscriptions.c.active)
    if connection.execute(count).scalar_one() >= MOST_OF_A_CHAT:
        return Outcome.TOO_MANY
    fresh = {"active": True, "paused": False, "muted_until": None, "created_at": now}
    if old is not None:
        connection.execute(update(subscriptions).where(subscriptions.c.id == old.id).values(**fresh))
    else:
        target_id = _open_target(connection, place)
        values = {"bot_id": place.bot_id, "own": True, "target_id": target_id, "feed_name": name, **what, **fresh}
        connection.execute(insert(subscriptions).values(values))
    return Outcome.NEW


def unfollow(connection: Connection, place: Place, *, feed_id: int | None = None, tag: str | None = None) -> bool:
    """End a subscription, and what still waits of it; False when there was none. *tag* is folded."""
    same = subscriptions.c.feed_id == feed_id if feed_id is not None else subscriptions.c.tag == tag
    ended = connection.execute(
        update(subscriptions)
        .where(_is_of(place), same, subscriptions.c.active)
        .values(active=False)
        .returning(subscriptions.c.id)
    ).scalars()
    return _drop_waiting(connection, ended.all(), "not followed any more")


def mute(connection: Connection, place: Place, feed_id: int, until: datetime | None) -> bool:
    """Send nothing of a feed to a place before *until*, None: go on at once; False when it is not followed."""
    muted = connection.execute(
        update(subscriptions)
        .where(_is_of(place), subscriptions.c.feed_id == feed_id, subscriptions.c.active)
        .values(muted_until=until)
        .returning(subscriptions.c.id)
    ).scalars()
    ids = muted.all()
    return _drop_waiting(connection, ids, "its source was muted") if until is not None else bool(ids)


def _drop_waiting(connection: Connection, ids: Sequence[int], reason: str) -> bool:
    if ids:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.subscription_id.in_(ids), deliveries.c.state == DeliveryState.PENDING)
            .values(state=DeliveryState.DROPPED, error=reason)
        )
    return bool(ids)


def followed(connection: Connection, place: Place) -> list[Followed]:
    """What a place follows, feeds first, in the order in which it began to."""
    name = select(feed_names.c.name).where(feed_names.c.feed_id == feeds.c.id, feed_names.c.active).limit(1)
    rows = connection.execute(
        select(
            *subscriptions.c,
            func.coalesce(feeds.c.title, name.limit(1).scalar_subquery(), feeds.c.url, "").label("title"),
        )
        .outerjoin(feeds, feeds.c.id == subscriptions.c.feed_id)
        .where(_is_of(place), subscriptions.c.active)
        .order_by(subscriptions.c.tag.is_not(None), subscriptions.c.created_at, subscriptions.c.id)
    )
    return [
        Followed(row.id, row.feed_id, row.feed_name if row.tag else None, row.title, row.muted_until) for row in rows
    ]


def titles(connection: Connection, feed_ids: Collection[int]) -> dict[int, str]:
    """What feeds call themselves, of those that do."""
    rows = connection.execute(select(feeds.c.id, feeds.c.title).where(feeds.c.id.in_(feed_ids), feeds.c.title != ""))
    return {row.id: row.title for row in rows}


def count(connection: Connection, feed_ids: Collection[int]) -> dict[int, int]:
    """How many places follow each of these feeds."""
    rows = connection.execute(
        select(subscriptions.c.feed_id, func.count().label("following"))
        .where(subscriptions.c.feed_id.in_(feed_ids), subscriptions.c.own, subscriptions.c.active)
        .group_by(subscriptions.c.feed_id)
    )
    return {row.feed_id: row.following for row in rows}


# --- feeds that came by their addresses (``bot.open``) -------------------------------------------------------


def keep_feed(connection: Connection, feed: Feed, now: datetime) -> int | None:
    """The id of a feed by its address, made where it is new; None where there is no room for another."""
    there = select(func.coalesce(feeds.c.merged_into, feeds.c.id)).where(
        feeds.c.kind == feed.kind, feeds.c.url == feed.url
    )
    found: int | None = connection.execute(there).scalar()
    if found is not None:
        return found
    has_name = exists().where(feed_names.c.feed_id == feeds.c.id)
    kept = connection.execute(select(func.count()).select_from(feeds).where(~has_name)).scalar_one()
    if kept >= MOST_OPEN:
        return None
    values = {"kind": feed.kind, "url": feed.url, "host": host_of_url(feed.url), "title": feed.title}
    made: int = connection.execute(
        insert(feeds).values(**values, next_check_at=now, next_check_why="new").returning(feeds.c.id)
    ).scalar_one()
    return made


def open_feeds(connection: Connection, bot_id: int, known: Collection[int]) -> list[Feed]:
    """Feeds that somebody follows by their addresses, but for those that are *known*."""
    rows = connection.execute(
        select(feeds.c.id, feeds.c.url)
        .where(
            feeds.c.kind == FeedKind.HTTP,
            exists().where(
                subscriptions.c.feed_id == feeds.c.id,
                subscriptions.c.bot_id == bot_id,
                subscriptions.c.own,
                subscriptions.c.active,
            ),
        )
        .order_by(feeds.c.id)
    )
    return [open_feed(row.id, row.url) for row in rows if row.id not in known]


def open_feed(feed_id: int, url: str) -> Feed:
    """How a feed is read that came by its address."""
    return Feed(name=f"open-{feed_id}", kind=FeedKind.HTTP, url=url, id=feed_id, every=OPEN_EVERY, is_open=True)


# --- chats that come and go ----------------------------------------------------------------------------------


def leave(connection: Connection, bot_id: int, chat_id: int) -> None:
    """A chat blocked or removed the bot: nothing more is sent to it, until it may come back."""
    rest = connection.execute(
        update(subscriptions)
        .where(_is_in_chat(bot_id, chat_id), subscriptions.c.active)
        .values(active=False, paused=True)
        .returning(subscriptions.c.id)
    ).scalars()
    _drop_waiting(connection, rest.all(), "the chat left")


def come_back(connection: Connection, bot_id: int, chat_id: int) -> None:
    """A chat that left is there again: it gets what comes from now on."""
    connection.execute(
        update(subscriptions)
        .where(_is_in_chat(bot_id, chat_id), subscriptions.c.paused)
        .values(active=True, paused=False)
    )


def _is_in_chat(bot_id: int, chat_id: int) -> ColumnElement[bool]:
    there = select(targets.c.id).where(targets.c.bot_id == bot_id, targets.c.chat_id == chat_id)
    return and_(subscriptions.c.own, subscriptions.c.target_id.in_(there))


def join(connection: Connection, target_id: int) -> None:
    """A channel of feeds.yaml turned out to be a chat that follows by itself: the two become one target."""
    target = connection.execute(select(targets).where(targets.c.id == target_id)).one()
    others = select(targets.c.id).where(
        targets.c.bot_id == target.bot_id,
        targets.c.chat_id == target.chat_id,
        targets.c.thread == target.thread,
        targets.c.id != target_id,
    )
    connection.execute(
        update(subscriptions)
        .where(subscriptions.c.own, subscriptions.c.target_id.in_(others))
        .values(target_id=target_id)
    )


def move_chat(connection: Connection, bot_id: int, chat_id: int, new_chat_id: int) -> None:
    """A group became a supergroup: what it chose goes with it. Its targets are moved by ``lanes.migrate_chat``."""
    there = exists().where(chats.c.bot_id == bot_id, chats.c.chat_id == new_chat_id)
    if not connection.execute(select(there)).scalar():
        connection.execute(
            update(chats)
            .where(chats.c.bot_id == bot_id, chats.c.chat_id == chat_id)
            .values(chat_id=new_chat_id, last_seen_id=None)  # it numbers its messages anew
        )


def forget(connection: Connection, bot_id: int, chat_id: int) -> None:
    """Delete everything that is kept about a chat but what feeds.yaml sends to it."""
    there = select(targets.c.id).where(targets.c.bot_id == bot_id, targets.c.chat_id == chat_id)
    own = select(subscriptions.c.id).where(_is_in_chat(bot_id, chat_id))
    theirs = select(deliveries.c.id).where(deliveries.c.subscription_id.in_(own))
    _delete_what_names(connection, deliveries.c.id, theirs)
    connection.execute(delete(deliveries).where(deliveries.c.subscription_id.in_(own)))
    connection.execute(delete(subscriptions).where(_is_in_chat(bot_id, chat_id)))
    is_routed = exists().where(subscriptions.c.target_id == targets.c.id)
    bare = select(targets.c.id).where(targets.c.id.in_(there), ~is_routed, targets.c.channel == "")
    _delete_what_names(connection, targets.c.id, bare)
    connection.execute(delete(targets).where(targets.c.id.in_(there), ~is_routed, targets.c.channel == ""))
    left = exists().where(targets.c.bot_id == bot_id, targets.c.chat_id == chat_id)
    connection.execute(delete(lanes).where(lanes.c.bot_id == bot_id, lanes.c.chat_id == chat_id, ~left))
    connection.execute(delete(chats).where(chats.c.bot_id == bot_id, chats.c.chat_id == chat_id))


def _delete_what_names(connection: Connection, key: Column[int], ids: Select[tuple[int]]) -> None:
    """Rows of any table that point to rows which are about to go: whatever tables there will be."""
    for table in reversed(metadata.sorted_tables):
        for column in table.columns:
            if column.references(key):
                connection.execute(delete(table).where(column.in_(ids)))


# --- posts to everybody who follows --------------------------------------------------------------------------


def enqueue(
    connection: Connection,
    bot_id: int,
    feed_id: int,
    tags_of: Mapping[int, Iterable[str]],
    now: datetime,
    *,
    is_resumed: bool,
) -> int:
    """One delivery of each post for each place that follows its feed or one of its tags; return how many.

    *tags_of* holds the posts with their folded tags, in the order in which they go out.
    """
    if bot_id == PREVIEW_BOT or not tags_of:
        return 0
    follows = subscriptions.c.feed_id == feed_id
    if is_resumed:
        follows &= posts.c.published_at >= subscriptions.c.created_at
    made = _insert(connection, bot_id, list(tags_of), follows, now)
    tags = {tag for own in tags_of.values() for tag in own}
    wanted = select(subscriptions.c.tag).where(subscriptions.c.own, subscriptions.c.active)
    met = set(connection.execute(wanted.where(subscriptions.c.tag.in_(tags)).distinct()).scalars()) if tags else set()
    for post_id, own in tags_of.items():
        if some := met.intersection(own):
            made += _insert(connection, bot_id, [post_id], subscriptions.c.tag.in_(some), now)
    if made:
        _wake(connection, bot_id, list(tags_of), now)
    return made


def _insert(
    connection: Connection, bot_id: int, post_ids: Sequence[int], follows: ColumnElement[bool], now: datetime
) -> int:
    waiting = records.waiting(subscriptions, posts.c.id, DeliveryClass.LIVE, literal(now, deliveries.c.due_at.type))
    rows = (
        select(*waiting.values())
        .select_from(subscriptions.join(posts, posts.c.id.in_(post_ids)))
        .where(
            subscriptions.c.own,
            subscriptions.c.active,
            subscriptions.c.bot_id == bot_id,
            follows,
            or_(subscriptions.c.muted_until.is_(None), subscriptions.c.muted_until <= now),
        )
        .order_by(posts.c.id, subscriptions.c.id)
    )
    # Somebody may follow a feed and a hashtag of it, and a channel may follow what is routed into it.
    statement = insert_into(connection, deliveries).from_select(list(waiting), rows).on_conflict_do_nothing()
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def _wake(connection: Connection, bot_id: int, post_ids: Sequence[int], now: datetime) -> None:
    waiting = (
        select(targets.c.chat_id)
        .join(deliveries, deliveries.c.target_id == targets.c.id)
        .where(deliveries.c.post_id.in_(post_ids), deliveries.c.state == DeliveryState.PENDING)
    )
    asleep = (
        select(lanes.c.chat_id)
        .where(lanes.c.bot_id == bot_id, lanes.c.chat_id.in_(waiting))
        .where(or_(lanes.c.next_at.is_(None), lanes.c.next_at > now))
        .order_by(lanes.c.chat_id)  # processes that take lanes in different orders would wait for each other for ever
        .with_for_update()
    )
    connection.execute(update(lanes).where(lanes.c.bot_id == bot_id, lanes.c.chat_id.in_(asleep)).values(next_at=now))
