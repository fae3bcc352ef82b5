"""Make the store agree with feeds.yaml: which feeds there are, under which names, and what leads where.

Functions of a transaction. What is as it was costs nothing but a look: with ten thousand feeds a reload writes what
changed. History stays: the same address under a new name is a rename, the same name with a new address a move.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from bot.health import FeedState, Health
from bot.model import PREVIEW_BOT, Channel, Feed, Subscription
from bot.storage.addresses import host_of
from bot.storage.dialects import one_at_a_time, upsert
from bot.storage.feeds import Routes, columns_of_state, resolve_target
from bot.storage.schema import feed_names, feeds, subscriptions, targets

#: Of PostgreSQL: workers that start together would each find that a feed is not there yet.
_LOCK = 0x0A5EDA5


def reconcile(
    connection: Connection,
    bot_id: int,
    configured: Sequence[Feed],
    wanted: Sequence[Subscription],
    now: datetime,
) -> tuple[Routes, list[int]]:
    """Make the database agree with feeds.yaml; return the routes, and the ids of subscriptions that are new.

    What left the file becomes inactive and is kept.
    """
    one_at_a_time(connection, _LOCK)
    ids, addresses = _reconcile_names(connection, configured, now)
    read: dict[int, Feed] = {}
    # Of names that share a place, the one that has its address goes first; another may have moved there.
    for feed in sorted(configured, key=lambda feed: addresses[ids[feed.name]] != feed.url):
        found = replace(feed, id=ids[feed.name])
        first = read.get(found.id)
        read[found.id] = _together(first, found) if first else found
    placed = [replace(each, feed=replace(each.feed, id=ids[each.feed.name])) for each in wanted]
    kept, new = _reconcile_routes(connection, bot_id, placed, ids, now)
    return Routes(read, kept, bot_id), new


def _together(first: Feed, other: Feed) -> Feed:
    """One reading for two names of one address."""
    return replace(first, every=min(first.every, other.every), full_text=first.full_text or other.full_text)


# --- names ---------------------------------------------------------------------------------------------------


def _reconcile_names(
    connection: Connection, configured: Sequence[Feed], now: datetime
) -> tuple[dict[str, int], dict[int, str]]:
    """The ids of feeds by their names, and the addresses by those."""
    stored = {row.name: row for row in connection.execute(_NAMES)}
    places, addresses = dict[tuple[str, str], int](), dict[int, str]()
    for row in connection.execute(select(feeds.c.id, feeds.c.kind, feeds.c.url, feeds.c.merged_into)):
        places[row.kind, row.url] = row.merged_into or row.id
        addresses[row.id] = row.url
    in_file = {(feed.kind.value, feed.url) for feed in configured}
    moved: set[tuple[str, str]] = set()
    ids: dict[str, int] = {}
    for feed in configured:
        place = (feed.kind.value, feed.url)
        feed_id = places.get(place)
        old = stored.get(feed.name)
        if feed_id is None and old and old.kind == feed.kind and (old.kind, old.url) not in in_file | moved:
            feed_id = old.id
            moved.add((old.kind, old.url))  # two names of one address may part: the first takes the history with it
            del places[old.kind, old.url]
            _move(connection, old.id, feed, now)
        if feed_id is None:
            values = {"kind": feed.kind, "url": feed.url, "host": host_of(feed), "next_check_at": now}
            feed_id = int(connection.execute(_NEW_FEED, {**values, "next_check_why": "new"}).scalar_one())
        places[place] = ids[feed.name] = feed_id
        addresses.setdefault(feed_id, feed.url)
        if old is not None and not old.active:
            _reawaken(connection, feed_id, now)
        if old is None or not old.active or old.id != feed_id:
            upsert(connection, feed_names, {"name": feed.name}, {"feed_id": feed_id, "active": True})
    gone = [name for name, row in stored.items() if row.active and name not in ids]
    if gone:
        connection.execute(_GONE_NAME, [{"gone": name} for name in gone])
    return ids, addresses


def _move(connection: Connection, feed_id: int, feed: Feed, now: datetime) -> None:
    """Give a feed its new address. Validators were the old address's, and so were its troubles; they go."""
    state = columns_of_state(FeedState())
    del state["newest_at"], state["gap_seconds"]  # what it says is the same
    connection.execute(
        update(feeds)
        .where(feeds.c.id == feed_id)
        .values(
            url=feed.url, host=host_of(feed), etag=None, last_modified=None, digest=None, validators_url=None,
            items=None, error=None, next_check_at=now, next_check_why="moved", **state,
        )
    )  # fmt: skip


def _reawaken(connection: Connection, feed_id: int, now: datetime) -> None:
    """Ask a feed again that came back into feeds.yaml, also one that was gone: that is how a person says so."""
    connection.execute(
        update(feeds)
        .where(feeds.c.id == feed_id, or_(feeds.c.gone, feeds.c.failures > 0))
        .values(
            gone=False, gone_since=None, failures=0, parse_failures=0, failing_since=None, error=None,
            health=Health.OK, health_since=now, next_check_at=now, next_check_why="back in feeds.yaml",
        )
    )  # fmt: skip


# --- routes --------------------------------------------------------------------------------------------------


def _reconcile_routes(
    connection: Connection, bot_id: int, wanted: Sequence[Subscription], names: dict[str, int], now: datetime
) -> tuple[dict[int, Subscription], list[int]]:
    """The subscriptions of feeds.yaml by their ids, and the ids of those that are new."""
    rows = connection.execute(_ROUTES, {"bot_id": bot_id}).all()
    stored: dict[tuple[int, str], Any] = {(row.target_id, row.feed_name): row for row in rows}
    # A route follows its feed to a new name: what waits in it still goes out.
    nameless: defaultdict[tuple[int, int], list[Any]] = defaultdict(list)
    for row in rows:
        if row.active and row.feed_name not in names:
            nameless[row.target_id, row.feed_id].append(row)
    in_file = {(each.channel.chat, each.channel.thread or 0) for each in wanted}
    targets_of: dict[tuple[str, int, str], int] = {}
    kept: dict[int, Subscription] = {}
    new: list[int] = []
    for subscription in wanted:
        channel, feed = subscription.channel, subscription.feed
        to = (channel.chat, channel.thread or 0, channel.name)
        if to not in targets_of:
            if channel.chat.lstrip("-").isdigit():
                _rename_target(connection, bot_id, channel, in_file)
            targets_of[to] = _upsert_target(connection, bot_id, subscription, now)
        target_id = targets_of[to]
        known = stored.get((target_id, feed.name))
        if known is None and nameless[target_id, feed.id]:
            known = nameless[target_id, feed.id].pop(0)
            connection.execute(_KEPT_ROUTE, {"of_route": known.id, "feed_name": feed.name})
        if known is None:
            values = {"bot_id": bot_id, "target_id": target_id, "own": False, "feed_name": feed.name}
            values |= {"feed_id": feed.id, "active": True, "created_at": now}
            subscription_id = int(connection.execute(_NEW_ROUTE, values).scalar_one())
            new.append(subscription_id)
        else:
            subscription_id = known.id
            if not known.active or known.feed_id != feed.id:
                connection.execute(_KEPT_ROUTE, {"of_route": known.id, "feed_id": feed.id, "active": True})
        kept[subscription_id] = replace(subscription, id=subscription_id)
    gone = [row.id for row in rows if row.active and row.id not in kept]
    if gone:
        connection.execute(_GONE_ROUTE, [{"of_route": subscription_id} for subscription_id in gone])
    return kept, sorted(new)


def _rename_target(connection: Connection, bot_id: int, channel: Channel, in_file: set[tuple[str, int]]) -> None:
    """A chat that was called "@name" and is called by its number now is the same: what is in it is not sent again."""
    thread = channel.thread or 0
    alike = connection.execute(
        select(targets.c.id, targets.c.chat)
        .where(targets.c.bot_id == bot_id, targets.c.chat_id == int(channel.chat), targets.c.thread == thread)
        .order_by(targets.c.id)
    ).all()
    left = [row.id for row in alike if (row.chat, thread) not in in_file]
    if left and all(row.chat != channel.chat for row in alike):
        connection.execute(update(targets).where(targets.c.id == left[0]).values(chat=channel.chat))


def _upsert_target(connection: Connection, bot_id: int, subscription: Subscription, now: datetime) -> int:
    channel = subscription.channel
    key = {"bot_id": bot_id, "chat": channel.chat, "thread": channel.thread or 0}
    upsert(connection, targets, key, {"channel": channel.name})
    row = connection.execute(select(targets.c.id, targets.c.chat_id).filter_by(**key)).one()
    if row.chat_id is None:
        if bot_id == PREVIEW_BOT:  # the preview has no chat ids of its own: each target is one
            resolve_target(connection, row.id, row.id, now)
        elif channel.chat.lstrip("-").isdigit():
            resolve_target(connection, row.id, int(channel.chat), now)
    return int(row.id)


# Made once: to put a statement together costs SQLAlchemy more than SQLite needs to carry it out.
_NAMES = select(feed_names.c.name, feed_names.c.active, feeds.c.id, feeds.c.kind, feeds.c.url).join(
    feeds, feed_names.c.feed_id == feeds.c.id
)
_NEW_FEED = insert(feeds).returning(feeds.c.id)
_GONE_NAME = update(feed_names).where(feed_names.c.name == bindparam("gone")).values(active=False)
_ROUTES = (
    select(
        subscriptions.c.id,
        subscriptions.c.target_id,
        subscriptions.c.feed_id,
        subscriptions.c.feed_name,
        subscriptions.c.active,
    )
    .where(subscriptions.c.bot_id == bindparam("bot_id"), ~subscriptions.c.own)
    .order_by(subscriptions.c.id)
)
_NEW_ROUTE = insert(subscriptions).returning(subscriptions.c.id)
_KEPT_ROUTE = update(subscriptions).where(subscriptions.c.id == bindparam("of_route"))
_GONE_ROUTE = _KEPT_ROUTE.values(active=False)
