"""What feeds.yaml made of the database: names, addresses, routes. And what another file would make of it, undone again.

Functions of a transaction, for ``qasedak plan``. Nothing here decides how the two differ: ``config/differences.py``
does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from bot.model import Feed, FeedKind, Subscription
from bot.storage import ingest
from bot.storage.schema import feed_names, feeds, subscriptions, targets


@dataclass(frozen=True, slots=True)
class Layout:
    """The names that are in use, and what stands behind them."""

    feeds: dict[int, tuple[FeedKind, str]]  #: kind and address by id, also of those that no name leads to any more
    names: dict[str, int]  #: feed ids by the names that feeds.yaml has
    chats: dict[int, tuple[str, str, int]]  #: by target: channel, chat, topic
    routes: frozenset[tuple[str, int]]  #: name of the feed, target


def before_and_after(
    connection: Connection, bot_id: int, configured: Sequence[Feed], wanted: Sequence[Subscription], now: datetime
) -> tuple[Layout, Layout]:
    """How it is, and how it would be if a bot started with these feeds and routes; nothing of that stays.

    It is done and undone, not foretold: what ``plan`` says is what ``run`` does.
    """
    before = _layout(connection, bot_id)
    with connection.begin_nested() as point:
        ingest.adopt(connection, bot_id, configured, wanted, now)
        after = _layout(connection, bot_id)
        point.rollback()
    return before, after


def _layout(connection: Connection, bot_id: int) -> Layout:
    routed = connection.execute(
        select(subscriptions.c.feed_name, targets.c.id, targets.c.channel, targets.c.chat, targets.c.thread)
        .join(targets, targets.c.id == subscriptions.c.target_id)
        .where(subscriptions.c.bot_id == bot_id, subscriptions.c.active, ~subscriptions.c.own)
    ).all()
    return Layout(
        {
            row.id: (FeedKind(row.kind), row.url)
            for row in connection.execute(select(feeds.c.id, feeds.c.kind, feeds.c.url))
        },
        {
            row.name: row.feed_id
            for row in connection.execute(select(feed_names.c.name, feed_names.c.feed_id).where(feed_names.c.active))
        },
        {row.id: (row.channel, row.chat, row.thread) for row in routed},
        frozenset((row.feed_name, row.id) for row in routed),
    )
