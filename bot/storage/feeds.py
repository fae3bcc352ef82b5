"""Which feeds and routes there are, which feeds are due, and how their readings ended. Functions of a transaction."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    type_coerce,
    update,
)

from bot import manners, process
from bot.health import FeedState, Health
from bot.manners import NextCheck, Rhythm, Trail
from bot.model import PREVIEW_BOT, Feed, FeedKind, Subscription, Validators
from bot.storage import own_posts, subscribers
from bot.storage.addresses import host_of_url
from bot.storage.dialects import among, insert_into, upsert
from bot.storage.schema import feed_names, feeds, hosts, lanes, post_keys, posts, subscriptions, targets

#: The rhythm of a feed is that of its last posts.
RHYTHM_POSTS = 11


# --- what is configured --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Routes:
    """The configured feeds and subscriptions, with the ids the store gave them."""

    feeds: dict[int, Feed]  #: by feed id; of names that share an address, the first
    subscriptions: dict[int, Subscription]  #: by subscription id; subscribers' own are not here: there may be many
    bot_id: int = PREVIEW_BOT
    _by_feed: dict[int, list[Subscription]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for wanted in self.subscriptions.values():
            self._by_feed.setdefault(wanted.feed.id, []).append(wanted)

    def of_feed(self, feed_id: int) -> list[Subscription]:
        """The subscriptions that want posts of this feed."""
        return self._by_feed.get(feed_id, [])


def resolve_target(connection: Connection, target_id: int, chat_id: int, now: datetime) -> None:
    """Keep the numeric chat id of a target, and open its lane."""
    bot_id = connection.execute(
        update(targets).where(targets.c.id == target_id).values(chat_id=chat_id, error=None).returning(targets.c.bot_id)
    ).scalar_one()
    upsert(connection, lanes, {"bot_id": bot_id, "chat_id": chat_id}, {"next_at": now})
    subscribers.join(connection, target_id)
    own_posts.mark_own(connection, target_id)


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A target whose numeric chat id is not known yet."""

    target_id: int
    channel: str
    chat: str


def unresolved(connection: Connection, bot_id: int) -> list[Unresolved]:
    """Targets in use whose "@name" Telegram has still to be asked about."""
    rows = connection.execute(
        select(targets.c.id, targets.c.channel, targets.c.chat).where(
            targets.c.bot_id == bot_id,
            targets.c.chat_id.is_(None),
            exists().where(subscriptions.c.target_id == targets.c.id, subscriptions.c.active),
        )
    )
    return [Unresolved(row.id, row.channel, row.chat) for row in rows]


def forget_chat_id(connection: Connection, bot_id: int, chat_id: int) -> None:
    """Ask Telegram again about "@names" that led to this chat: the name may have moved to another."""
    connection.execute(
        update(targets)
        .where(targets.c.bot_id == bot_id, targets.c.chat_id == chat_id, targets.c.chat.startswith("@"))
        .values(chat_id=None)
    )


# --- what is due ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """A feed taken for one reading. Whoever holds a newer ``lease_no`` has taken it over."""

    feed_id: int
    lease_no: int
    validators: Validators
    is_first: bool
    host: str
    state: FeedState
    subscribers: int = 0  #: chats that follow it by themselves


def claim_due(
    connection: Connection,
    now: datetime,
    *,
    limit: int,
    lease: timedelta,
    among: Iterable[int] | None = None,
    besides: Collection[int] = (),
    forced: bool = False,
) -> list[Claim]:
    """Take up to *limit* of the feeds that are due, longest overdue first, at most one a host.

    Those *among* some, or all that have a name in feeds.yaml or are followed by their address, *besides* some.

    An HTTP feed that nobody receives is read once and then left alone. *forced* takes feeds whatever their
    interval; a host's spacing, Retry-After (kept as the host's) and ``gone`` hold all the same.
    """
    which = {"at": now, "besides": besides, "most": limit * 4}  # room for those that share a host
    which |= {} if among is None else {"feed_ids": among}
    due = connection.execute(_due(of_some=among is not None, forced=forced), which).all()
    chosen: dict[str, tuple[int, str]] = {}
    for feed_id, host in due:
        if len(chosen) < limit:
            chosen.setdefault(host or f"file {feed_id}", (feed_id, host))
    free = _take_hosts(connection, {host for _id, host in chosen.values() if host}, now, now + lease)
    taken = [feed_id for feed_id, host in chosen.values() if not host or host in free]
    if not taken:
        return []
    values = {"lease_until": now + lease, "lease_owner": process.owner()}
    # Whole rows only of those that are taken: what a feed remembers of its items is large.
    rows = {row.id: row for row in connection.execute(_TAKEN, {"feed_ids": taken, **values})}
    following = subscribers.count(connection, taken)
    return [_claim(rows[feed_id], following.get(feed_id, 0)) for feed_id in taken]


def _has_a_name() -> Any:
    """Asked of the few that are due: a list of a hundred thousand would be sent with each claim."""
    return or_(
        _some(feed_names.c.feed_id == feeds.c.id, feed_names.c.active),
        _some(subscriptions.c.feed_id == feeds.c.id, subscriptions.c.own, subscriptions.c.active),
    )


def _some(*conditions: Any) -> Any:
    """``exists``, looked up row by row: for one beside an OR PostgreSQL reads the whole table into a hash."""
    return select(literal(1)).where(*conditions).correlate(feeds).limit(1).scalar_subquery().is_not(None)


@cache
def _due(*, of_some: bool, forced: bool) -> Select[int, str]:
    return (
        select(feeds.c.id, feeds.c.host)
        .outerjoin(hosts, hosts.c.name == feeds.c.host)
        .where(
            among(feeds.c.id, "feed_ids") if of_some else _has_a_name(),
            feeds.c.id.not_in(bindparam("besides", expanding=True)),
            or_(feeds.c.lease_until.is_(None), feeds.c.lease_until <= bindparam("at")),
            or_(hosts.c.next_at.is_(None), hosts.c.next_at <= bindparam("at")),
            will_be_read(),
            *([] if forced else [feeds.c.next_check_at <= bindparam("at")]),
        )
        .order_by(feeds.c.next_check_at, feeds.c.id)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True, of=feeds)
    )


def _take_hosts(connection: Connection, names: Collection[str], now: datetime, until: datetime) -> set[str]:
    """Keep hosts to ourselves until their requests are settled; return those where no other process was quicker."""
    if not names:
        return set()
    is_sqlite = connection.dialect.name == "sqlite"
    # By name: processes that take hosts in different orders would wait for each other for ever.
    listed = json.dumps(sorted(names)) if is_sqlite else sorted(names)
    taken = _TAKE_HOSTS_SQLITE if is_sqlite else _TAKE_HOSTS_POSTGRESQL
    return set(connection.execute(taken, {"names": listed, "at": now, "until": until}).scalars().all())


def take_host(connection: Connection, host: str, now: datetime, until: datetime) -> bool:
    """Keep one host to ourselves; False when another was quicker."""
    return bool(_take_hosts(connection, {host}, now, until))


def free_host(connection: Connection, host: str, until: datetime, at: datetime) -> None:
    """Let a host that was taken *until* be asked again from *at* on; of one that another has taken since, nothing."""
    connection.execute(update(hosts).where(hosts.c.name == host, hosts.c.next_at == until).values(next_at=at))


def _claim(row: Row[*tuple[Any, ...]], following: int) -> Claim:
    return Claim(
        feed_id=row.id,
        lease_no=row.lease_no,
        validators=Validators(row.etag, row.last_modified, row.digest, row.validators_url, row.items),
        is_first=row.baseline_at is None,
        host=row.host,
        state=state_of(row),
        subscribers=following,
    )


def state_of(row: Row[*tuple[Any, ...]]) -> FeedState:
    """The state of a feed from its row."""
    trail = Trail(row.redirect_to, row.redirect_since, row.redirect_times) if row.redirect_to else None
    gap = timedelta(seconds=row.gap_seconds) if row.gap_seconds is not None else None
    return FeedState(
        health=Health(row.health),
        since=row.health_since,
        failures=row.failures,
        parse_failures=row.parse_failures,
        failing_since=row.failing_since,
        gone_since=row.gone_since,
        gone=row.gone,
        trail=trail,
        moved_to=row.moved_to,
        announced=row.announced_url,
        rhythm=Rhythm(row.newest_at, gap),
    )


def columns_of_state(state: FeedState) -> dict[str, Any]:
    """How a feed is, as columns of its row."""
    trail, rhythm = state.trail, state.rhythm
    return {
        "health": state.health,
        "health_since": state.since,
        "failures": state.failures,
        "parse_failures": state.parse_failures,
        "failing_since": state.failing_since,
        "gone_since": state.gone_since,
        "gone": state.gone,
        "moved_to": state.moved_to,
        "announced_url": state.announced,
        "redirect_to": trail.to if trail else None,
        "redirect_since": trail.since if trail else None,
        "redirect_times": trail.times if trail else 0,
        "newest_at": rhythm.newest_at,
        "gap_seconds": int(rhythm.gap.total_seconds()) if rhythm.gap is not None else None,
    }


def ask_now(connection: Connection, name: str, now: datetime) -> None:
    """Have a feed read as soon as its host may be asked; not one that is gone."""
    feed_id = select(feed_names.c.feed_id).where(feed_names.c.name == name).scalar_subquery()
    connection.execute(
        update(feeds)
        .where(feeds.c.id == feed_id, feeds.c.gone.is_(False), feeds.c.next_check_at > now)
        .values(next_check_at=now, next_check_why="asked for by an admin")
    )


def rhythm_of(connection: Connection, feed_id: int) -> Rhythm:
    """How often a feed has something new, by its last posts."""
    last = connection.execute(_LAST_DATES, {"feed_id": feed_id}).scalars()
    return manners.learn(list(last))


def claimable_at(connection: Connection, these: Iterable[int], *, forced: bool) -> datetime | None:
    """When the first of *these* feeds may be claimed, its host's spacing included; None when none ever will."""
    at: list[Any] = [func.coalesce(hosts.c.next_at, 0), func.coalesce(feeds.c.lease_until, 0)]
    at += [] if forced else [feeds.c.next_check_at]
    latest = func.max if connection.dialect.name == "sqlite" else func.greatest
    found: datetime | None = connection.execute(
        select(func.min(latest(*at), type_=feeds.c.next_check_at.type))
        .select_from(feeds.outerjoin(hosts, hosts.c.name == feeds.c.host))
        .where(among(feeds.c.id, "feed_ids"), will_be_read()),
        {"feed_ids": these},
    ).scalar_one_or_none()
    return found


def will_be_read() -> Any:
    """The condition for a feed to be asked: not gone, and received by somebody, or an archive, or never read."""
    received = _some(subscriptions.c.feed_id == feeds.c.id, subscriptions.c.active)
    return and_(
        feeds.c.gone.is_(False),
        or_(feeds.c.kind == FeedKind.ARCHIVE, feeds.c.baseline_at.is_(None), received),
    )


def outcome_of(
    state: FeedState,
    now: datetime,
    next_check: NextCheck,
    *,
    error: str | None = None,
    validators: Validators | None = None,
) -> dict[str, Any]:
    """How a reading ended, as columns of the feed's row; the validators where they are not saved otherwise."""
    values = {
        "next_check_at": next_check.at,
        "next_check_why": next_check.why,
        "attempted_at": now,
        "lease_until": None,
        "error": error,
        **columns_of_state(state),
    }
    if error is None:
        values |= {"succeeded_at": now}
    return values | (columns_of_validators(validators) if validators else {})


def columns_of_validators(seen: Validators) -> dict[str, Any]:
    """What makes the next request conditional, as columns of its row."""
    return {
        "etag": seen.etag, "last_modified": seen.last_modified, "digest": seen.digest, "validators_url": seen.url,
    }  # fmt: skip


def settle(
    connection: Connection,
    claim: Claim,
    now: datetime,
    next_check: NextCheck,
    *,
    host_free_at: datetime,
    state: FeedState | None = None,
    error: str | None = None,
    validators: Validators | None = None,
) -> bool:
    """Record how a reading ended and give the feed back; False when the lease was lost and nothing was written.

    *validators* are given where nothing was ingested: a 304 may bring newer ones.
    """
    state = state or claim.state
    values = outcome_of(state, now, next_check, error=error, validators=validators)
    has_moved = state.moved_to is not None and state.moved_to != claim.state.moved_to
    if has_moved:
        values |= {"host": host_of_url(state.moved_to or "")}
    held = {"of_feed": claim.feed_id, "of_lease": claim.lease_no}
    settled = connection.execute(_SETTLED, values | held).rowcount
    if settled and claim.host:
        connection.execute(_SETTLED_HOST, {"of_host": claim.host, "next_at": host_free_at})
    if settled and has_moved:
        _merge(connection, claim.feed_id, state.moved_to or "")
    return bool(settled)


# Made once: to put a statement together costs SQLAlchemy more than SQLite needs to carry it out.
_TAKEN = update(feeds).where(among(feeds.c.id, "feed_ids")).values(lease_no=feeds.c.lease_no + 1).returning(*feeds.c)
_SETTLED = update(feeds).where(feeds.c.id == bindparam("of_feed"), feeds.c.lease_no == bindparam("of_lease"))
_LAST_DATES = (
    select(posts.c.effective_at)
    .where(posts.c.feed_id == bindparam("feed_id"))
    .order_by(posts.c.effective_at.desc())
    .limit(RHYTHM_POSTS)
)
_TAKE_HOSTS = (
    "INSERT INTO hosts (name, next_at) SELECT value, :until FROM {names}"
    " ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at WHERE hosts.next_at <= :at RETURNING name"
)
_INSTANTS = bindparam("at", type_=hosts.c.next_at.type), bindparam("until", type_=hosts.c.next_at.type)
_TAKE_HOSTS_POSTGRESQL = text(_TAKE_HOSTS.format(names="unnest(CAST(:names AS text[])) AS value")).bindparams(
    *_INSTANTS
)
# "WHERE true": else SQLite would read ON as that of a join.
_TAKE_HOSTS_SQLITE = text(_TAKE_HOSTS.format(names="json_each(:names) WHERE true")).bindparams(*_INSTANTS)
_SETTLED_HOST = update(hosts).where(hosts.c.name == bindparam("of_host"))


def renew(connection: Connection, claim: Claim, until: datetime) -> None:
    """Keep a feed for longer: its reading is not at its end."""
    connection.execute(
        update(feeds).where(feeds.c.id == claim.feed_id, feeds.c.lease_no == claim.lease_no).values(lease_until=until)
    )


def _merge(connection: Connection, feed_id: int, url: str) -> None:
    """Let a feed that moved to the address of another go on as that one: one reading, nothing sent twice.

    Its names and routes, its posts and the keys by which they are known go with it. Its row stays, to lead the old
    address there.
    """
    other = connection.execute(
        select(feeds.c.id)
        .where(or_(feeds.c.url == url, feeds.c.moved_to == url), feeds.c.merged_into.is_(None))
        .where(feeds.c.id != feed_id, feeds.c.kind == FeedKind.HTTP)
        .order_by(feeds.c.id)
    ).scalar()
    if other is None:
        return
    theirs = posts.alias()
    connection.execute(
        update(posts)
        .where(
            posts.c.feed_id == feed_id,
            ~exists().where(theirs.c.feed_id == other, theirs.c.ident == posts.c.ident),
        )
        .values(feed_id=other)
    )
    columns = ("kind", "hash", "post_id", "last_seen_at")
    mine = select(literal(other), *(post_keys.c[name] for name in columns)).where(post_keys.c.feed_id == feed_id)
    connection.execute(
        insert_into(connection, post_keys).from_select(["feed_id", *columns], mine).on_conflict_do_nothing()
    )
    for table in (feed_names, subscriptions):
        connection.execute(update(table).where(table.c.feed_id == feed_id).values(feed_id=other))
    connection.execute(update(feeds).where(feeds.c.id == feed_id).values(merged_into=other))
    connection.execute(update(feeds).where(feeds.c.merged_into == feed_id).values(merged_into=other))


def release(connection: Connection, claim: Claim, *, host_free_at: datetime | None = None) -> None:
    """Give a feed back unread, and its host: the process is stopping."""
    released = connection.execute(
        update(feeds).where(feeds.c.id == claim.feed_id, feeds.c.lease_no == claim.lease_no).values(lease_until=None)
    ).rowcount
    if released and claim.host and host_free_at is not None:
        connection.execute(update(hosts).where(hosts.c.name == claim.host).values(next_at=host_free_at))


# --- clocks that leap ----------------------------------------------------------------------------------------


def spread_overdue(connection: Connection, configured: Mapping[int, Feed], now: datetime) -> None:
    """After a stop, ask what is overdue one by one, the longest overdue first.

    New feeds wait for nothing, and archives burden nobody.
    """
    overdue = connection.execute(
        select(feeds.c.id)
        .where(among(feeds.c.id, "feed_ids"), feeds.c.kind == FeedKind.HTTP, will_be_read())
        .where(feeds.c.baseline_at.is_not(None), feeds.c.next_check_at <= now)
        .order_by(feeds.c.next_check_at, feeds.c.id),
        {"feed_ids": configured},
    ).scalars()
    ids = list(overdue)
    waiting = [
        {"overdue": feed_id, "next_check_at": now + manners.spread(configured[feed_id].every, place, len(ids))}
        for place, feed_id in enumerate(ids)
    ]
    if waiting[1:]:  # the first waits for nobody
        in_turn = update(feeds).where(feeds.c.id == bindparam("overdue"))
        connection.execute(in_turn.values(next_check_why="overdue; asked in turn after a stop"), waiting[1:])


def distrust_future(connection: Connection, configured: Mapping[int, Feed], now: datetime) -> None:
    """Ask now what waits longer than anybody could have said, and end leases that began in the future.

    The clock was ahead when they were written.
    """
    far = now + manners.LONGEST_WAIT
    for row in connection.execute(select(feeds.c.id, feeds.c.next_check_at).where(feeds.c.next_check_at > far)).all():
        feed = configured.get(row.id)
        if feed is not None and row.next_check_at > now + max(manners.LONGEST_WAIT, 2 * feed.every):
            connection.execute(update(feeds).where(feeds.c.id == row.id).values(next_check_at=now))
    connection.execute(update(hosts).where(hosts.c.next_at > far).values(next_at=now))
    connection.execute(update(feeds).where(feeds.c.lease_until > far).values(lease_until=None))


def shift(connection: Connection, by: timedelta) -> None:
    """Move everything that waits, as the clock was moved: what had a minute to go has a minute to go."""
    milliseconds = by // timedelta(milliseconds=1)
    for table, column in ((feeds, "next_check_at"), (feeds, "lease_until"), (hosts, "next_at")):
        moved = type_coerce(table.c[column], BigInteger) + milliseconds
        connection.execute(update(table).values({column: moved}))
