"""(3) Keep what a reading brought: posts, their keys, their deliveries and the validators, in one transaction each.

Called by ``poller.py`` with one batch of a reading. Validators are saved with the last batch and not before: if they
were, the next answer "not modified" would hide what was lost. Which post an entry is, ``identity.py`` decides; what
goes out, ``routing.py``, and ``enqueue.py`` puts it into the outbox.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, func, insert, select, update

from bot import identity, routing
from bot.errors import StorageError
from bot.identity import Document, Identified, Known, Likeness, Recent, Resolved
from bot.model import FUTURE, Entry, Feed, FeedKind, Ingested, Keys, OnEdit, OnWeekdayMismatch, Reading, Subscription
from bot.storage import edits, own_posts, revisions, search
from bot.storage.configured import reconcile
from bot.storage.dialects import in_chunks, upsert_all
from bot.storage.enqueue import enqueue_backfill, publish, publish_to_subscribers
from bot.storage.feeds import Claim, Routes, columns_of_validators
from bot.storage.schema import feeds, post_keys, posts, subscriptions

#: Posts among which those of a republished feed are looked for.
RECENT = 500
#: When a key was last seen is kept to the day: every reading would write every key otherwise.
SEEN_PAUSE = timedelta(days=1)


def ingest(connection: Connection, claim: Claim, reading: Reading, routes: Routes, now: datetime) -> Ingested:
    """Store what is new, note what changed, and enqueue a delivery for every chat that wants it.

    During a first reading nothing is enqueued until the last batch: then the newest ``backfill`` posts are, oldest
    first, and all the others are the baseline. Entries that the reading left out are decided upon like the others.

    Raises: StorageError, when another process has taken the feed over.
    """
    row = _require_lease(connection, claim)
    feed = routes.feeds[claim.feed_id]
    wanting = routes.of_feed(claim.feed_id)
    known = Known(exact=_unpacked(row.last_shown or b""), weak_guids=row.guid_unreliable)
    document = _document(feed, reading, known)
    stale = _look_up(connection, feed, document, known, now)
    found = identity.resolve(document, known)
    if reading.gone:
        found = _with_revised(connection, feed.id, reading, found)
    # Archives come oldest first, and know no brake.
    crowd = _Crowd(identity.oldest_first(found.new) if feed.kind is FeedKind.HTTP else found.new)
    if feed.kind is FeedKind.HTTP and not claim.is_first:
        crowd = _brake(connection, feed.id, document, known, found, is_resumed=row.resumed)
    acting, changed = _update_posts(connection, feed, found.known, now)
    edits.ask(connection, [one.id for one in wanting if one.channel.on_edit is OnEdit.EDIT], acting, now)
    changed |= _update_posts(connection, feed, crowd.again, now, are_silent=True)[1]
    due = _release_held(connection, feed, found.known)
    stored = _insert_posts(connection, feed, crowd.new, now, is_old=claim.is_first)
    search.put_down(connection, changed.keys() | stored.keys())
    learned = [*found.learned, *((post_id, one.keys) for post_id, one in crowd.again.items())]
    _mark_seen(connection, feed.id, learned, stale, now)
    _learn_keys(connection, feed.id, known, learned, stored, now)
    enqueued = 0
    silent = dict.fromkeys(list(stored)[: -routing.CROWD_NEWEST], crowd.silence) if crowd.silence else {}
    if not claim.is_first:
        due |= {post_id: one.entry for post_id, one in stored.items() if not _held(one.entry, feed)}
        enqueued = publish(connection, due, wanting, now, silent=silent)
        enqueued += publish_to_subscribers(
            connection, routes.bot_id, feed, due, now, silent, is_resumed=bool(row.resumed)
        )
    # Of a first reading nothing is enqueued before its end, so it is asked once.
    if reading.last if claim.is_first else own_posts.may_be_own(reading.entries):
        enqueued -= sum(own_posts.mark_own(connection, target_id) for target_id in _targets_of(connection, wanting))
    if document.shares_guids and not row.guid_unreliable:
        connection.execute(update(feeds).where(feeds.c.id == feed.id).values(guid_unreliable=True))
    if reading.last:
        shown = {}
        if feed.kind is FeedKind.HTTP:
            shown = found.exact | {one.exact: post_id for post_id, one in (crowd.again | stored).items()}
            shown |= {other: shown[newest] for other, newest in document.repeats.items()}
        _save_reading(connection, claim, reading, shown, now)
        if claim.is_first and reading.modified:
            enqueued += sum(enqueue_backfill(connection, subscription, now) for subscription in wanting)
    return Ingested(
        len(stored), len(acting), enqueued, claim.is_first, len(silent), crowd.silence or "", crowd.is_republished
    )


def _targets_of(connection: Connection, wanting: Sequence[Subscription]) -> list[int]:
    ids = [subscription.id for subscription in wanting]
    return list(connection.execute(_TARGETS, {"ids": ids}).scalars()) if ids else []


def _require_lease(connection: Connection, claim: Claim) -> Row[*tuple[Any, ...]]:
    """What is kept of the feed beside its validators."""
    row = connection.execute(_LEASED_FEED, {"feed_id": claim.feed_id}).one_or_none()
    if row is None or row.lease_no != claim.lease_no:
        raise StorageError(f"feed {claim.feed_id}: another process has taken it over; nothing was stored")
    return row


def _unpacked(packed: bytes) -> dict[bytes, int]:
    """Records of 24 bytes: a hash, and the number of a post."""
    starts = range(0, len(packed), 24)
    return {packed[at : at + 16]: int.from_bytes(packed[at + 16 : at + 24]) for at in starts}


def _document(feed: Feed, reading: Reading, known: Known) -> Document:
    document = identity.document_of(
        reading.entries, reading.present, home=reading.home, shown=known.exact, keys_of_entries=reading.keys
    )
    if feed.kind is FeedKind.HTTP:
        return identity.without_repeats(document, identity.oldest_first)
    kept = [found for found in document.entries if not routing.is_skipped(found.entry, feed.on_weekday_mismatch)]
    return identity.without_repeats(replace(document, entries=kept), list)


def _with_revised(connection: Connection, feed_id: int, reading: Reading, found: Resolved) -> Resolved:
    """Let corrected entries of an archive be the posts that they are."""
    matched = [post_id for post_id, _keys in found.learned]
    post_of = revisions.find_revised(connection, feed_id, reading.gone, found.new, matched)
    revised = {post_of[one.keys.ident]: one for one in found.new if one.keys.ident in post_of}
    return replace(
        found,
        new=[one for one in found.new if one.keys.ident not in post_of],
        known=found.known | revised,
        learned=[*found.learned, *((post_id, one.keys) for post_id, one in revised.items())],
    )


# --- what is known -------------------------------------------------------------------------------------------


def _look_up(connection: Connection, feed: Feed, document: Document, known: Known, now: datetime) -> set[bytes]:
    """Find the posts that the keys of a document lead to, and what the doubtful ones of them are like.

    Returns the keys that were not seen for a day, or of an archive all: ``revisions.py`` asks what a reading has found.
    """
    pause = SEEN_PAUSE if feed.kind is FeedKind.HTTP else timedelta()
    hashes = {digest for one in document.keys for digest in (one.guid, one.link, one.content) if digest}
    tables = {"G": known.guids, "L": known.links, "C": known.contents}
    stale = set()
    for some in in_chunks(sorted(hashes)):
        for row in connection.execute(_KNOWN_KEYS, {"feed_id": feed.id, "kinds": list(tables), "hashes": some}):
            tables[row.kind][bytes(row.hash)] = row.post_id
            if now - row.last_seen_at >= pause:
                stale.add(bytes(row.hash))
    known.posts.update(_likenesses(connection, sorted(known.doubtful(document))))
    return stale


def _likenesses(connection: Connection, post_ids: Sequence[int]) -> dict[int, Likeness]:
    keys: dict[tuple[int, str], set[bytes]] = {}
    likenesses = {}
    for some in in_chunks(post_ids):
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


@dataclass(frozen=True, slots=True)
class _Crowd:
    """What is new of a reading after the brake, in publishing order."""

    new: list[Identified]
    again: dict[int, Identified] = field(default_factory=dict)  #: posts that came under other keys
    silence: str | None = None  #: why only the newest of the new ones are published
    is_republished: bool = False


def _brake(
    connection: Connection, feed_id: int, document: Document, known: Known, found: Resolved, *, is_resumed: bool
) -> _Crowd:
    """Keep a feed that changed its ids, or comes with its whole past, from flooding anybody."""
    new, again, is_republished = identity.oldest_first(found.new), dict[int, Identified](), False
    if identity.is_mass_change(len(new), document.size):
        recent = connection.execute(
            select(posts.c.id, posts.c.title, posts.c.published_at)
            .where(posts.c.feed_id == feed_id)
            .order_by(posts.c.effective_at.desc(), posts.c.id.desc())
            .limit(RECENT)
        )
        again = identity.find_again(found, known, [Recent(*row) for row in recent])
        same = {id(one) for one in again.values()}
        new = [one for one in new if id(one) not in same]
        is_republished = identity.is_mass_change(len(new), document.size) and identity.is_republished(
            new, _newest(connection, feed_id)
        )
    silence = routing.silence(len(new), is_republished=is_republished, is_resumed=is_resumed)
    return _Crowd(new, again, silence, is_republished)


def _newest(connection: Connection, feed_id: int) -> datetime | None:
    """The latest date that an entry of the feed bore and that was no mistake."""
    newest: datetime | None = connection.execute(
        select(func.max(posts.c.effective_at, type_=posts.c.effective_at.type)).where(
            posts.c.feed_id == feed_id, posts.c.published_at == posts.c.effective_at
        )
    ).scalar_one_or_none()
    return newest


# --- posts ---------------------------------------------------------------------------------------------------


def _update_posts(
    connection: Connection, feed: Feed, found: Mapping[int, Identified], now: datetime, *, are_silent: bool = False
) -> tuple[list[int], dict[int, Entry]]:
    """Keep the newest words of posts; name those whose change counts, and all. Of a feed dates alone are none.

    The words are kept also where the change counts no more: what waits, and what is searched, is the newest. What the
    owner of an archive corrects always counts, dates too.
    """
    acting, changed = list[int](), dict[int, Entry]()
    is_archive = feed.kind is FeedKind.ARCHIVE
    state = select(posts.c.id, posts.c.body, posts.c.published_at, posts.c.edit_count, posts.c.last_edit_at)
    for some in in_chunks(list(found)):
        for row in connection.execute(state.where(posts.c.id.in_(some))).all():
            one = found[row.id]
            counts = False
            if bytes(row.body) != one.keys.body:
                counts = is_archive or (not are_silent and routing.edit_acts(row.edit_count, row.last_edit_at, now))
                _update_words(connection, row, one, now if counts else None)
                changed[row.id] = one.entry
            if is_archive and row.published_at != one.entry.published:
                at = effective_at(one.entry, now)
                counts = revisions.correct_date(connection, row.id, one.entry, at) or counts
                changed[row.id] = one.entry
            acting += [row.id] if counts else []
    return acting, changed


def _update_words(
    connection: Connection, row: Row[*tuple[Any, ...]], one: Identified, edited_at: datetime | None
) -> None:
    values = _columns(one.entry) | {"version": posts.c.version + 1, "body": one.keys.body}
    values |= {"edit_count": row.edit_count + 1, "last_edit_at": edited_at} if edited_at else {}
    del values["published_at"], values["date_only"], values["article"]
    connection.execute(update(posts).where(posts.c.id == row.id).values(**values))


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
        "enclosures": [asdict(enclosure) for enclosure in entry.enclosures],
        "flags": [str(flag) for flag in entry.flags],
    }


def _release_held(connection: Connection, feed: Feed, found: Mapping[int, Identified]) -> dict[int, Entry]:
    """Let go of posts whose archive was corrected; those that are to be published now."""
    if feed.kind is not FeedKind.ARCHIVE:
        return {}
    due = {}
    corrected = [post_id for post_id, one in found.items() if not _held(one.entry, feed)]
    for some in in_chunks(corrected):
        held = select(posts.c.id, posts.c.is_old).where(posts.c.id.in_(some), posts.c.held.is_not(None))
        for row in connection.execute(held).all():
            entry = found[row.id].entry
            flags = [str(flag) for flag in entry.flags]
            connection.execute(update(posts).where(posts.c.id == row.id).values(held=None, flags=flags))
            # Of a first reading with a backfill of N nobody can say any more whether this one was among them.
            if feed.backfill is None or not row.is_old:
                due[row.id] = entry
    return due


def _held(entry: Entry, feed: Feed) -> str | None:
    return routing.held_reason(entry, feed.on_weekday_mismatch)


def _insert_posts(
    connection: Connection, feed: Feed, new: Sequence[Identified], now: datetime, *, is_old: bool
) -> dict[int, Identified]:
    """Store entries; give them back by their ids, in the order given."""
    if not new:
        return {}
    idents = _free_idents(connection, feed.id, [one.keys for one in new])
    rows = [
        {
            "feed_id": feed.id,
            "ident": ident,
            "first_seen_at": now,
            "effective_at": effective_at(one.entry, now),
            "is_old": is_old,
            "held": _held(one.entry, feed),
            "body": one.keys.body,
            **_columns(one.entry),
        }
        for ident, one in zip(idents, new, strict=True)
    ]
    by_ident = dict(zip(idents, new, strict=True))
    stored = connection.execute(_NEW_POSTS, rows)
    return {row.id: by_ident[row.ident] for row in sorted(stored, key=lambda row: row.id)}


def _free_idents(connection: Connection, feed_id: int, keys: Sequence[Keys]) -> list[str]:
    """The entries' own ids, unless another post of the feed has one: then the content tells them apart."""

    def taken_among(idents: Sequence[str]) -> set[str]:
        return set(connection.execute(_TAKEN_IDENTS, {"feed_id": feed_id, "idents": idents}).scalars())

    taken = taken_among([one.ident for one in keys])
    free = []
    for one in keys:
        ident, tries = one.ident, 0
        while ident in taken or (tries and taken_among([ident])):
            tries += 1
            ident = f"{one.ident}#{one.content.hex()}" + (f"-{tries}" if tries > 1 else "")
        taken.add(ident)
        free.append(ident)
    return free


def effective_at(entry: Entry, now: datetime) -> datetime:
    """The instant that orders a post: its own date, unless it has none or claims to be from the future."""
    return entry.published if entry.published is not None and entry.published <= now + FUTURE else now


def _mark_seen(
    connection: Connection, feed_id: int, learned: Sequence[tuple[int, Keys]], stale: set[bytes], now: datetime
) -> None:
    """Note when keys were last seen, of those for which that is *stale*."""
    shown = {
        digest
        for _post_id, keys in learned
        for digest in (keys.guid, keys.link, None if keys.guid or keys.link else keys.content)
        if digest
    }
    for some in in_chunks(sorted(shown & stale)):
        connection.execute(_SEEN_KEYS, {"of_feed": feed_id, "hashes": some, "last_seen_at": now})


def _learn_keys(
    connection: Connection,
    feed_id: int,
    known: Known,
    learned: Sequence[tuple[int, Keys]],
    stored: Mapping[int, Identified],
    now: datetime,
) -> None:
    """Keys are kept for good: an entry that leaves its feed and returns is not new.

    A key belongs to the post that showed it last. A post's first content is kept too, unless another has it: it
    decides when another document voids the other keys. Later ones are not, since some feeds put the present time into
    every text.
    """
    owner: dict[tuple[str, bytes], int] = {}
    for post_id, one in stored.items():
        if one.keys.content not in known.contents:
            owner.setdefault(("C", one.keys.content), post_id)
    for post_id, keys in [*learned, *((post_id, one.keys) for post_id, one in stored.items())]:
        for kind, digest, table in (("G", keys.guid, known.guids), ("L", keys.link, known.links)):
            if digest is not None and table.get(digest) != post_id:
                owner[kind, digest] = post_id
        if keys.guid is None and keys.link is None and known.contents.get(keys.content) != post_id:
            owner["C", keys.content] = post_id
    rows = [
        {"feed_id": feed_id, "kind": kind, "hash": digest, "post_id": post_id, "last_seen_at": now}
        for (kind, digest), post_id in owner.items()
    ]
    upsert_all(connection, post_keys, rows, ["feed_id", "kind", "hash"])


# --- the reading and the routes ------------------------------------------------------------------------------


def _save_reading(
    connection: Connection, claim: Claim, reading: Reading, shown: Mapping[bytes, int], now: datetime
) -> None:
    seen = reading.validators
    values = {**columns_of_validators(seen), "resumed": False}
    if reading.modified:
        values |= {"title": reading.title, "home": reading.home, "language": reading.language}
        values |= {"items": seen.items, "last_shown": _packed(shown)}
        if claim.is_first:
            values |= {"baseline_at": now}
    connection.execute(_READ_FEED, {"of_feed": claim.feed_id, **values})


def _packed(exact: Mapping[bytes, int]) -> bytes:
    return b"".join(digest + post_id.to_bytes(8) for digest, post_id in exact.items())


# --- statements ----------------------------------------------------------------------------------------------
# Made once: to put one of them together costs SQLAlchemy more than SQLite needs to carry it out.
# What an update sets is given beside what is bound.

_LEASED_FEED = (
    select(feeds.c.lease_no, feeds.c.guid_unreliable, feeds.c.resumed, feeds.c.last_shown)
    .where(feeds.c.id == bindparam("feed_id"))
    .with_for_update()
)
_TARGETS = select(subscriptions.c.target_id).where(subscriptions.c.id.in_(bindparam("ids", expanding=True))).distinct()
_KNOWN_KEYS = select(post_keys.c.kind, post_keys.c.hash, post_keys.c.post_id, post_keys.c.last_seen_at).where(
    post_keys.c.feed_id == bindparam("feed_id"),
    post_keys.c.kind.in_(bindparam("kinds", expanding=True)),
    post_keys.c.hash.in_(bindparam("hashes", expanding=True)),
)
_SEEN_KEYS = update(post_keys).where(
    post_keys.c.feed_id == bindparam("of_feed"), post_keys.c.hash.in_(bindparam("hashes", expanding=True))
)
_TAKEN_IDENTS = select(posts.c.ident).where(
    posts.c.feed_id == bindparam("feed_id"), posts.c.ident.in_(bindparam("idents", expanding=True))
)
_NEW_POSTS = insert(posts).returning(posts.c.id, posts.c.ident)
_READ_FEED = update(feeds).where(feeds.c.id == bindparam("of_feed"))


# --- feeds.yaml ----------------------------------------------------------------------------------------------


def adopt(
    connection: Connection, bot_id: int, configured: Sequence[Feed], wanted: Sequence[Subscription], now: datetime
) -> Routes:
    """Agree with feeds.yaml. A bot that first meets a feed read for another gets its ``backfill`` of what is stored.

    A channel added to a feed that its bot knows, or that was read for nobody, starts at now instead. A feed that was
    received by nobody for a time, and now is, has resumed: of what came meanwhile not all is published.
    """
    received = set(connection.execute(select(subscriptions.c.feed_id).where(subscriptions.c.active)).scalars())
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
    resumed = (read & {subscription.feed.id for subscription in routes.subscriptions.values()}) - received
    if resumed:
        connection.execute(update(feeds).where(feeds.c.id.in_(resumed)).values(resumed=True))
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
