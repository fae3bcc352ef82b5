"""(3) Keep what a reading brought: posts, their keys, their deliveries and the validators, in one transaction each.

Called by ``poller.py`` with one batch of a reading. Validators are saved with the last batch and not before: if they
were, the next answer "not modified" would hide what was lost.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, func, insert, literal, or_, select, true, update

from bot import identity, routing
from bot.errors import StorageError
from bot.identity import Identified, Known, Likeness
from bot.model import (
    FUTURE,
    DeliveryClass,
    DeliveryState,
    Entry,
    Feed,
    FeedKind,
    Ingested,
    Keys,
    OnWeekdayMismatch,
    Reading,
    Subscription,
    Verdict,
)
from bot.storage import own_posts, revisions, search
from bot.storage.feeds import Claim, Routes, reconcile, upsert
from bot.storage.schema import deliveries, feeds, lanes, post_keys, posts, subscriptions, targets, verdicts

#: Bound parameters of one statement; SQLite's own limit is 32,766.
CHUNK = 5_000


def ingest(connection: Connection, claim: Claim, reading: Reading, routes: Routes, now: datetime) -> Ingested:
    """Store what is new, note what changed, and enqueue a delivery for every chat that wants it.

    During a first reading nothing is enqueued until the last batch: then the newest ``backfill`` posts are, oldest
    first, and all the others are the baseline.

    Raises: StorageError, when another process has taken the feed over.
    """
    _require_lease(connection, claim)
    feed = routes.feeds[claim.feed_id]
    wanting = routes.of_feed(claim.feed_id)
    new = edited = enqueued = 0
    identified = _worth_keeping(feed, reading)
    known = _look_up(connection, feed.id, [found.keys for found in identified])
    present = identity.present_keys(identified)
    revised = _find_revised(connection, feed.id, reading, identified, known, present)
    changed: dict[int, Entry] = {}
    for found in identified:
        post_id = identity.match(found, known, present)
        if post_id is None:
            post_id = revised.get(found.keys.ident)
        is_new = is_due = post_id is None
        if post_id is None:
            post_id = _insert_post(connection, feed, found, now, is_old=claim.is_first)
            new += 1
            changed[post_id] = found.entry
        else:
            is_edited = _update_post(connection, post_id, found)
            if feed.kind is FeedKind.ARCHIVE:
                at = effective_at(found.entry, now)
                is_edited = revisions.correct_date(connection, post_id, found.entry, at) or is_edited
            edited += is_edited
            if is_edited:
                changed[post_id] = found.entry
            is_due = _release_held(connection, post_id, found.entry, feed)
        _learn_keys(connection, feed.id, post_id, found.keys, now, is_new=is_new)
        known.learn(found, post_id)
        if is_due and not claim.is_first:
            enqueued += _enqueue_new(connection, post_id, found.entry, feed, wanting, now)
    search.index(connection, changed)
    # Of a first reading nothing is enqueued before its end, so it is asked once.
    if reading.last if claim.is_first else own_posts.may_be_own(reading.entries):
        enqueued -= sum(own_posts.mark_own(connection, target_id) for target_id in _targets_of(connection, wanting))
    if reading.last:
        _save_reading(connection, claim, reading, now)
        if claim.is_first and reading.modified:
            enqueued += sum(enqueue_backfill(connection, subscription, now) for subscription in wanting)
    return Ingested(new, edited, enqueued, first_reading=claim.is_first)


def _targets_of(connection: Connection, wanting: Sequence[Subscription]) -> list[int]:
    ids = [subscription.id for subscription in wanting]
    found = select(subscriptions.c.target_id).where(subscriptions.c.id.in_(ids)).distinct()
    return list(connection.execute(found).scalars())


def _require_lease(connection: Connection, claim: Claim) -> None:
    held = connection.execute(
        select(feeds.c.lease_no).where(feeds.c.id == claim.feed_id).with_for_update()
    ).scalar_one_or_none()
    if held != claim.lease_no:
        raise StorageError(f"feed {claim.feed_id}: another process has taken it over; nothing was stored")


def _worth_keeping(feed: Feed, reading: Reading) -> list[Identified]:
    """The entries of a reading in the order in which they are published."""
    identified = [
        found
        for found in identity.identify(reading.entries, home=reading.home)
        if not routing.is_skipped(found.entry, feed.on_weekday_mismatch)
    ]
    if feed.kind is FeedKind.HTTP:  # archives come oldest first
        identified = identity.oldest_first(identified)
    return identity.without_repeats(identified)


def _find_revised(
    connection: Connection,
    feed_id: int,
    reading: Reading,
    identified: Sequence[Identified],
    known: Known,
    present: frozenset[bytes],
) -> dict[str, int]:
    """The posts that corrected entries are, by the entries' idents."""
    if not reading.gone:
        return {}
    matches = [identity.match(found, known, present) for found in identified]
    new = [found for found, post_id in zip(identified, matches, strict=True) if post_id is None]
    matched = {post_id for post_id in matches if post_id is not None}
    return revisions.find_revised(connection, feed_id, reading.gone, new, matched)


def _look_up(connection: Connection, feed_id: int, keys: Sequence[Keys]) -> Known:
    """Find the posts that the keys of a document lead to, and what those not found by guid are like."""
    hashes = {digest for key in keys for digest in (key.guid, key.link, key.content) if digest}
    found: dict[str, dict[bytes, int]] = {"G": {}, "L": {}, "C": {}}
    for some in _chunks(sorted(hashes)):
        for row in connection.execute(
            select(post_keys.c.kind, post_keys.c.hash, post_keys.c.post_id).where(
                post_keys.c.feed_id == feed_id, post_keys.c.hash.in_(some)
            )
        ):
            found[row.kind][bytes(row.hash)] = row.post_id
    likely = sorted({*found["L"].values(), *found["C"].values()})
    return Known(found["G"], found["L"], found["C"], _likenesses(connection, likely))


def _likenesses(connection: Connection, post_ids: Sequence[int]) -> dict[int, Likeness]:
    keys: dict[tuple[int, str], set[bytes]] = {}
    likenesses = {}
    for some in _chunks(post_ids):
        for row in connection.execute(
            select(post_keys.c.post_id, post_keys.c.kind, post_keys.c.hash).where(post_keys.c.post_id.in_(some))
        ):
            keys.setdefault((row.post_id, row.kind), set()).add(bytes(row.hash))
        for post in connection.execute(
            select(posts.c.id, posts.c.title, posts.c.published_at, posts.c.body).where(posts.c.id.in_(some))
        ):
            guids, links = (frozenset(keys.get((post.id, kind), ())) for kind in ("G", "L"))
            likenesses[post.id] = Likeness(post.title, post.published_at, bytes(post.body), guids, links)
    return likenesses


def _chunks(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def _insert_post(connection: Connection, feed: Feed, found: Identified, now: datetime, *, is_old: bool) -> int:
    entry = found.entry
    post_id: int = connection.execute(
        insert(posts)
        .values(
            feed_id=feed.id,
            ident=_free_ident(connection, feed.id, found.keys),
            first_seen_at=now,
            effective_at=effective_at(entry, now),
            is_old=is_old,
            held=routing.held_reason(entry, feed.on_weekday_mismatch),
            body=found.keys.body,
            **_columns(entry),
        )
        .returning(posts.c.id)
    ).scalar_one()
    return post_id


def _free_ident(connection: Connection, feed_id: int, keys: Keys) -> str:
    """The entry's own id, unless another post of the feed has it: then the content tells them apart."""
    ident, tries = keys.ident, 0
    while connection.execute(select(posts.c.id).where(posts.c.feed_id == feed_id, posts.c.ident == ident)).first():
        tries += 1
        ident = f"{keys.ident}#{keys.content.hex()}" + (f"-{tries}" if tries > 1 else "")
    return ident


def effective_at(entry: Entry, now: datetime) -> datetime:
    """The instant that orders a post: its own date, unless it has none or claims to be from the future."""
    return entry.published if entry.published is not None and entry.published <= now + FUTURE else now


def _columns(entry: Entry) -> dict[str, Any]:
    return {
        "title": entry.title,
        "link": entry.link,
        "published_at": entry.published,
        "updated_at": entry.updated,
        "date_only": entry.date_only,
        "author": entry.author,
        "language": entry.language,
        "tags": list(entry.tags),
        "summary": entry.summary,
        "content": entry.content,
        "article": entry.article,
        "enclosures": [{"url": enclosure.url, "type": enclosure.type} for enclosure in entry.enclosures],
        "flags": [str(flag) for flag in entry.flags],
    }


def _update_post(connection: Connection, post_id: int, found: Identified) -> bool:
    """Keep the newest words of a post; True when what people see of it changed. Dates alone change nothing."""
    changed = connection.execute(
        update(posts)
        .where(posts.c.id == post_id, posts.c.body != found.keys.body)
        .values(
            version=posts.c.version + 1,
            body=found.keys.body,
            **{
                name: value
                for name, value in _columns(found.entry).items()
                if name not in ("published_at", "date_only", "article")
            },
        )
    ).rowcount
    return bool(changed)


def _release_held(connection: Connection, post_id: int, entry: Entry, feed: Feed) -> bool:
    """Let go of a post whose archive was corrected; True when it is to be published now."""
    if feed.kind is not FeedKind.ARCHIVE or routing.held_reason(entry, feed.on_weekday_mismatch):
        return False
    released = connection.execute(
        update(posts)
        .where(posts.c.id == post_id, posts.c.held.is_not(None))
        .values(held=None, flags=[str(flag) for flag in entry.flags])
        .returning(posts.c.is_old)
    ).first()
    # Of a first reading with a backfill of N nobody can say any more whether this one was among them.
    return released is not None and (feed.backfill is None or not released.is_old)


def _learn_keys(connection: Connection, feed_id: int, post_id: int, keys: Keys, now: datetime, *, is_new: bool) -> None:
    """Keys are kept for good: an entry that leaves its feed and returns is not new.

    A post's first content is kept too: it decides when another document voids the other keys. Later ones are not,
    since some feeds put the present time into every text.
    """
    content = keys.content if is_new or (keys.guid is None and keys.link is None) else None
    for kind, digest in (("G", keys.guid), ("L", keys.link), ("C", content)):
        if digest is not None:
            upsert(
                connection,
                post_keys,
                {"feed_id": feed_id, "kind": kind, "hash": digest},
                {"last_seen_at": now},
                on_insert={"post_id": post_id},
            )


def _enqueue_new(
    connection: Connection, post_id: int, entry: Entry, feed: Feed, wanting: Sequence[Subscription], now: datetime
) -> int:
    """One delivery, or one verdict, for each subscription."""
    if routing.held_reason(entry, feed.on_weekday_mismatch):
        return 0
    count = 0
    for subscription in wanting:
        decision = routing.decide(entry, subscription, now)
        if decision.verdict is Verdict.PENDING:
            count += enqueue(
                connection,
                subscription,
                now,
                DeliveryClass.LIVE,
                select(literal(post_id).label("id"), literal(0).label("place")),
            )
        else:
            target_id = connection.execute(
                select(subscriptions.c.target_id).where(subscriptions.c.id == subscription.id)
            ).scalar_one()
            # Two names of one address may lead to one target: the later verdict stands.
            upsert(
                connection,
                verdicts,
                {"post_id": post_id, "target_id": target_id},
                {"verdict": decision.verdict, "reason": decision.reason},
            )
    return count


def adopt(
    connection: Connection, bot_id: int, configured: Sequence[Feed], wanted: Sequence[Subscription], now: datetime
) -> Routes:
    """Agree with feeds.yaml. A bot that first meets a feed read for another gets its ``backfill`` of what is stored.

    A channel added to a feed that its bot knows, or that was read for nobody, starts at now instead.
    """
    feeds_of = select(subscriptions.c.feed_id)
    known = set(connection.execute(feeds_of.where(subscriptions.c.bot_id == bot_id)).scalars())
    of_others = set(connection.execute(feeds_of.where(subscriptions.c.bot_id != bot_id)).scalars())
    routes, new = reconcile(connection, bot_id, configured, wanted, now)
    read = set(connection.execute(select(feeds.c.id).where(feeds.c.baseline_at.is_not(None))).scalars())
    for target_id in _targets_of(connection, [routes.subscriptions[subscription_id] for subscription_id in new]):
        own_posts.mark_own(connection, target_id)
    for subscription in (routes.subscriptions[subscription_id] for subscription_id in new):
        if subscription.feed.id in (read & of_others) - known:
            enqueue_backfill(connection, subscription, now)
    for feed in routes.feeds.values():
        if feed.kind is FeedKind.ARCHIVE and feed.on_weekday_mismatch is OnWeekdayMismatch.POST:
            _reread_if_held(connection, feed.id, now)
    return routes


def _reread_if_held(connection: Connection, feed_id: int, now: datetime) -> None:
    """Have an archive read again although its files are the same: its posts are held no longer."""
    connection.execute(
        update(feeds)
        .where(feeds.c.id == feed_id, exists().where(posts.c.feed_id == feed_id, posts.c.held.is_not(None)))
        .values(digest=None, next_check_at=now, next_check_why="posts are held no longer")
    )


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


def _save_reading(connection: Connection, claim: Claim, reading: Reading, now: datetime) -> None:
    seen = reading.validators
    values: dict[str, Any] = {
        "etag": seen.etag, "last_modified": seen.last_modified, "digest": seen.digest, "validators_url": seen.url,
    }  # fmt: skip
    if reading.modified:
        values |= {"title": reading.title, "home": reading.home, "language": reading.language, "items": seen.items}
        if claim.is_first:
            values |= {"baseline_at": now}
    connection.execute(update(feeds).where(feeds.c.id == claim.feed_id).values(**values))
