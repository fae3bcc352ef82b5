"""Which posts tell what another feed told in the same target. Functions of the transaction that enqueues them.

Two posts are of one story when they link to one page, or when ``bot/stories.py`` says so of their titles and their
dates are near. The earlier delivery is the story's; later posts are compared with it alone. Posts of one feed are
never compared: what its publisher lists twice is meant.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, bindparam, exists, literal_column, or_, select

from bot import stories
from bot.model import DeliveryState, FeedKind, SameStory, Subscription, Verdict
from bot.storage.dialects import in_chunks, upsert_all
from bot.storage.schema import (
    deliveries,
    feed_names,
    feeds,
    post_keys,
    posts,
    shingles,
    subscriptions,
    targets,
    verdicts,
)
from bot.stories import Title

#: Of a backfill, so many titles are compared, the newest; of older posts only the links.
MOST_TITLES = 1_000
#: What will not be sent tells nobody anything.
_UNTOLD = (DeliveryState.DEAD, DeliveryState.DROPPED)


@dataclass(frozen=True, slots=True)
class Told:
    """The post that told a story before, in words, and its delivery; None where an admin posted it by hand."""

    reason: str
    delivery_id: int | None


def lock(connection: Connection, wanting: Sequence[Subscription]) -> None:
    """Let nobody else decide about these routes' targets before this transaction ends.

    Two feeds may bring one story at the same moment: without it neither would see the other's.
    """
    ids = [subscription.id for subscription in wanting if subscription.channel.same_story is not SameStory.OFF]
    if ids:
        connection.execute(_LOCKED, {"ids": ids}).all()


def find_told(connection: Connection, subscription: Subscription, post_ids: Sequence[int]) -> dict[int, Told]:
    """Those of a feed's posts whose story is told in the route's target already, or is on its way there."""
    if subscription.channel.same_story is SameStory.OFF or not post_ids:
        return {}
    target = connection.execute(_TARGET, {"subscription_id": subscription.id, "feed_id": subscription.feed.id}).one()
    target_id: int = target.id
    if not target.is_shared and not _has_posts_by_hand(connection, target.chat_id):
        return {}
    found = _by_title(connection, target_id, subscription.feed.id, post_ids[-MOST_TITLES:])
    for some in in_chunks(post_ids):
        found |= _by_link(connection, target_id, some)
    return {post_id: told for post_id, (_order, told) in found.items()}


def remember(connection: Connection, post_ids: Sequence[int]) -> None:
    """Keep the titles of posts that go out, so that others can be compared with them."""
    rows = [
        {"shingle": shingle, "at": at, "post_id": post_id}
        for post_id, (title, at) in _titles(connection, post_ids[-MOST_TITLES:]).items()
        for shingle in sorted(title.shingles)
    ]
    upsert_all(connection, shingles, rows, ["shingle", "at", "post_id"])


def _has_posts_by_hand(connection: Connection, chat_id: int | None) -> bool:
    by_hand = exists().where(feeds.c.kind == FeedKind.CHAT, feeds.c.url == f"chat {chat_id}")
    return bool(connection.execute(select(by_hand)).scalar())


_Found = dict[int, tuple[int, Told]]  #: with the place of the other one: the first of several is named


def _by_link(connection: Connection, target_id: int, post_ids: Sequence[int]) -> _Found:
    rows = connection.execute(_WITH_LINKS, {"target_id": target_id, "post_ids": post_ids})
    return _first((row.post_id, row, "it links to the same page as") for row in rows)


def _by_title(connection: Connection, target_id: int, feed_id: int, post_ids: Sequence[int]) -> _Found:
    mine = {post_id: found for post_id, found in _titles(connection, post_ids).items() if found[0].shingles}
    with_shingle: defaultdict[int, list[int]] = defaultdict(list)
    for post_id, (title, _at) in mine.items():
        for shingle in title.shingles:
            with_shingle[shingle].append(post_id)
    if not mine:
        return {}
    instants = [at for _title, at in mine.values()]
    first, last = min(instants) - stories.WINDOW, max(instants) + stories.WINDOW
    alike: defaultdict[int, set[int]] = defaultdict(set)  # posts of ours, by others that tell the same
    compared: set[tuple[int, int]] = set()
    for some in in_chunks(sorted(with_shingle)):
        asked = {"feed_id": feed_id, "shingles": some, "first": first, "last": last}
        for shingle, other_id, title, at in connection.execute(_WITH_SHINGLES, asked):
            for post_id in with_shingle[shingle]:
                if (post_id, other_id) in compared:
                    continue
                compared.add((post_id, other_id))
                own, own_at = mine[post_id]
                if abs(at - own_at) <= stories.WINDOW and stories.is_same(stories.read_title(title), own):
                    alike[other_id].add(post_id)
    # Whether they were told here is asked of those alone: many titles share two words, few tell the same.
    rows = [
        row
        for some in in_chunks(sorted(alike))
        for row in connection.execute(_TOLD, {"target_id": target_id, "post_ids": some})
    ]
    return _first((post_id, row, "it tells the same story as") for row in rows for post_id in alike[row.other_id])


def _titles(connection: Connection, post_ids: Sequence[int]) -> dict[int, tuple[Title, Any]]:
    rows = [row for some in in_chunks(post_ids) for row in connection.execute(_TITLES, {"post_ids": some})]
    return {row.id: (stories.read_title(row.title), row.effective_at) for row in rows}


# --- statements ----------------------------------------------------------------------------------------------
# Made once: to put one of them together costs SQLAlchemy more than SQLite needs to answer it.


def _other() -> list[Any]:
    """Of the post that was first: its id, what it is called, and its delivery."""
    name = (
        select(feed_names.c.name)
        .where(feed_names.c.feed_id == posts.c.feed_id)
        .order_by(feed_names.c.active.desc(), feed_names.c.name)
        .limit(1)
        .scalar_subquery()
    )
    return [posts.c.id.label("other_id"), name.label("feed_name"), deliveries.c.id.label("delivery_id")]


def _is_delivery() -> Any:
    return and_(
        deliveries.c.target_id == bindparam("target_id"),
        deliveries.c.post_id == posts.c.id,
        deliveries.c.kind == "post",
        deliveries.c.state.not_in(_UNTOLD),
    )


def _is_told() -> Any:
    """It has a delivery, or is in the chat without one: an admin posted it by hand."""
    by_hand = exists().where(
        verdicts.c.post_id == posts.c.id,
        verdicts.c.target_id == bindparam("target_id"),
        verdicts.c.verdict == Verdict.DELIVERED,
    )
    return or_(deliveries.c.id.is_not(None), by_hand)


# Not bound: SQLite takes a partial index only where it can read the condition.
_LINK: Any = literal_column("'L'")
_mine, _theirs, _others = post_keys.alias(), post_keys.alias(), subscriptions.alias()
_these: Any = bindparam("post_ids", expanding=True)

#: By id: processes that lock in different orders would wait for each other for ever.
_LOCKED = (
    select(targets.c.id)
    .where(
        targets.c.id.in_(
            select(subscriptions.c.target_id).where(subscriptions.c.id.in_(bindparam("ids", expanding=True)))
        )
    )
    .order_by(targets.c.id)
    .with_for_update(key_share=True)
)
#: A route's target, and whether another feed ever led to it: else, as in most, nothing need be compared.
_TARGET = (
    select(
        targets.c.id,
        targets.c.chat_id,
        exists()
        .where(_others.c.target_id == targets.c.id, _others.c.feed_id != bindparam("feed_id"))
        .label("is_shared"),
    )
    .join(subscriptions, subscriptions.c.target_id == targets.c.id)
    .where(subscriptions.c.id == bindparam("subscription_id"))
)
_TITLES = select(posts.c.id, posts.c.title, posts.c.effective_at).where(posts.c.id.in_(_these), posts.c.title != "")
#: What is told in a target and links to where these posts do.
_WITH_LINKS = (
    select(_mine.c.post_id, *_other())
    .select_from(_mine)
    .join(_theirs, and_(_theirs.c.kind == _LINK, _theirs.c.hash == _mine.c.hash, _theirs.c.feed_id != _mine.c.feed_id))
    .join(posts, posts.c.id == _theirs.c.post_id)
    .outerjoin(deliveries, _is_delivery())
    .where(_mine.c.kind == _LINK, _mine.c.post_id.in_(_these), _is_told())
)
#: What other feeds have with one of these shingles.
_WITH_SHINGLES = (
    select(shingles.c.shingle, posts.c.id, posts.c.title, posts.c.effective_at)
    .join(posts, posts.c.id == shingles.c.post_id)
    .where(shingles.c.shingle.in_(bindparam("shingles", expanding=True)))
    .where(shingles.c.at.between(bindparam("first"), bindparam("last")), posts.c.feed_id != bindparam("feed_id"))
)
#: Those of some posts that are told in a target.
_TOLD = (
    select(*_other()).select_from(posts).outerjoin(deliveries, _is_delivery()).where(posts.c.id.in_(_these), _is_told())
)


def _first(found: Any) -> _Found:
    """Of several that told it before, the first one: by hand, then by the order of the deliveries."""
    told: _Found = {}
    for post_id, row, how in found:
        order = row.delivery_id or 0
        if post_id not in told or order < told[post_id][0]:
            what = f"post {row.other_id} of {row.feed_name}" if row.feed_name else "what was posted there by hand"
            told[post_id] = (order, Told(f"{how} {what}", row.delivery_id))
    return told
