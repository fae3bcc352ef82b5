"""Read-only questions: what commands print and pages show. Functions of a transaction that only reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from bot.model import Delivery, DeliveryState, Post, Shown, Verdict, Wait
from bot.storage import lane_heads, records
from bot.storage.schema import admins, deliveries, feed_names, feeds, posts, subscriptions, targets, verdicts


@dataclass(frozen=True, slots=True)
class ChatVerdict:
    """What became of a post in one chat."""

    chat: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class PostReport:
    """A stored post and what became of it."""

    feed: str
    post: Post
    verdict: Verdict
    reason: str
    chats: tuple[ChatVerdict, ...]


#: What a delivery's state means for its post.
VERDICT_OF = {
    DeliveryState.PENDING: Verdict.PENDING,
    DeliveryState.SENDING: Verdict.PENDING,
    DeliveryState.UNCERTAIN: Verdict.PENDING,
    DeliveryState.SENT: Verdict.DELIVERED,
    DeliveryState.HELD: Verdict.HELD,
    DeliveryState.DEAD: Verdict.DEAD,
    DeliveryState.DROPPED: Verdict.FILTERED,
}
#: Of several chats' verdicts, the one that the post is called by: what needs a person first.
_WEIGHT = [
    Verdict.DEAD, Verdict.HELD, Verdict.PENDING, Verdict.DELIVERED, Verdict.DUPLICATE, Verdict.TOO_OLD,
    Verdict.FILTERED, Verdict.BASELINE,
]  # fmt: skip


def post_reports(
    connection: Connection, bot_id: int, feed: str | None = None, post_ids: Sequence[int] | None = None
) -> list[PostReport]:
    """Every stored post, or those of these ids, oldest first, with its verdict for each chat of *bot_id*."""
    names = _feed_names(connection)
    wanted = {feed_id for feed_id, name in names.items() if feed is None or name == feed}
    if feed is not None:
        wanted |= set(connection.execute(select(feed_names.c.feed_id).where(feed_names.c.name == feed)).scalars())
    routes = _routes(connection, bot_id)
    found = _outcomes(connection, bot_id, post_ids)
    rows = connection.execute(
        select(*posts.c, feeds.c.title.label("feed_title"), feeds.c.home.label("feed_home"))
        .join(feeds, feeds.c.id == posts.c.feed_id)
        .where(posts.c.feed_id.in_(wanted), *([] if post_ids is None else [posts.c.id.in_(post_ids)]))
        .order_by(posts.c.effective_at, posts.c.id)
    )
    return [_report(feed or names.get(row.feed_id, ""), row, routes.get(row.feed_id, []), found) for row in rows]


def _feed_names(connection: Connection) -> dict[int, str]:
    rows = connection.execute(
        select(feed_names.c.feed_id, feed_names.c.name).order_by(feed_names.c.active, feed_names.c.name.desc())
    )
    return {row.feed_id: row.name for row in rows}


def known_feeds(connection: Connection) -> set[str]:
    """Every name that a feed ever had in feeds.yaml."""
    return set(connection.execute(select(feed_names.c.name)).scalars())


def _routes(connection: Connection, bot_id: int) -> dict[int, list[tuple[int, str]]]:
    """For each feed the targets that receive it, with how they are called."""
    routes: dict[int, list[tuple[int, str]]] = {}
    for row in connection.execute(
        select(subscriptions.c.feed_id, targets.c.id, targets.c.chat)
        .join(targets, targets.c.id == subscriptions.c.target_id)
        .where(subscriptions.c.bot_id == bot_id, subscriptions.c.active, ~subscriptions.c.own)
        .order_by(subscriptions.c.id)
    ):
        targets_of = routes.setdefault(row.feed_id, [])
        if (row.id, row.chat) not in targets_of:
            targets_of.append((row.id, row.chat))
    return routes


def _outcomes(
    connection: Connection, bot_id: int, post_ids: Sequence[int] | None
) -> dict[tuple[int, int], tuple[Verdict, str]]:
    digest = deliveries.alias()
    some_verdicts = [] if post_ids is None else [verdicts.c.post_id.in_(post_ids)]
    some_deliveries = [] if post_ids is None else [deliveries.c.post_id.in_(post_ids)]
    outcomes = {
        (row.post_id, row.target_id): (Verdict(row.verdict), row.reason)
        for row in connection.execute(
            select(verdicts)
            .join(targets, targets.c.id == verdicts.c.target_id)
            .where(targets.c.bot_id == bot_id, *some_verdicts)
        )
    }
    for row in connection.execute(
        select(
            deliveries.c.post_id, deliveries.c.target_id, deliveries.c.state, deliveries.c.error,
            digest.c.state.label("in_digest"),
        )
        .outerjoin(digest, (digest.c.digest_id == deliveries.c.digest_id) & (digest.c.kind == "digest"))
        .where(deliveries.c.bot_id == bot_id, deliveries.c.post_id.is_not(None), *some_deliveries)
    ):  # fmt: skip
        # What went out in a digest fares as the digest does.
        outcomes[row.post_id, row.target_id] = (VERDICT_OF[DeliveryState(row.in_digest or row.state)], row.error or "")
    return outcomes


def _report(
    name: str,
    row: Row[*tuple[Any, ...]],
    routes: Sequence[tuple[int, str]],
    outcomes: dict[tuple[int, int], tuple[Verdict, str]],
) -> PostReport:
    chats = []
    for target_id, chat in routes:
        default = (Verdict.HELD, row.held) if row.held else (Verdict.BASELINE, _baseline_reason(row))
        verdict, reason = outcomes.get((row.id, target_id), default)
        chats.append(ChatVerdict(chat, verdict, reason))
    verdict, reason = overall(chats) if chats else (Verdict.UNROUTED, "no channel receives this feed")
    return PostReport(name, records.post_of(row), verdict, reason, tuple(chats))


def _baseline_reason(row: Row[*tuple[Any, ...]]) -> str:
    return "there at the first reading" if row.is_old else "there before this chat was added"


def overall(chats: Sequence[ChatVerdict]) -> tuple[Verdict, str]:
    """One verdict for a post out of its chats': ``partly`` when it reached some and is still to reach others."""
    found = {chat.verdict: chat for chat in reversed(chats)}
    waiting = {Verdict.PENDING, Verdict.HELD, Verdict.DEAD} & found.keys()
    if Verdict.DELIVERED in found and waiting:
        return Verdict.PARTLY, f"not in {', '.join(chat.chat for chat in chats if chat.verdict in waiting)} yet"
    chosen = next(verdict for verdict in _WEIGHT if verdict in found)
    return chosen, found[chosen].reason


def delivery_rows(connection: Connection, bot_id: int, state: DeliveryState | None = None) -> list[dict[str, Any]]:
    """The outbox in its order, as the contract's JSON has it."""
    rows = connection.execute(
        select(*deliveries.c, targets.c.chat_id, targets.c.chat)
        .join(targets, targets.c.id == deliveries.c.target_id)
        .where(deliveries.c.bot_id == bot_id, *([deliveries.c.state == state] if state else []))
        .order_by(deliveries.c.id)
    )
    return [
        {
            "delivery": row.id,
            "post": row.post_id,
            "chat": row.chat_id if row.chat_id is not None else row.chat,
            "state": row.state,
            "attempts": row.attempts,
            "message_ids": row.message_ids,
            "due": row.due_at,
            "error": row.error,
        }
        for row in rows
    ]


def count_waiting(connection: Connection, bot_id: int) -> int:
    """Deliveries that are still to go out."""
    return connection.execute(
        select(func.count())
        .select_from(deliveries)
        .where(
            deliveries.c.bot_id == bot_id,
            deliveries.c.state.in_([DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNCERTAIN])
            | ((deliveries.c.state == DeliveryState.HELD) & (deliveries.c.wait == Wait.APPROVAL)),
        )
    ).scalar_one()


def pending_in_channel(connection: Connection, bot_id: int, channel: str, limit: int) -> list[Delivery]:
    """What waits for a channel, in the order in which it goes."""
    return lane_heads.load(
        connection,
        targets.c.bot_id == bot_id,
        targets.c.channel == channel,
        deliveries.c.state.in_([DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNCERTAIN]),
        limit=limit,
    )


def deliveries_of(connection: Connection, ids: Sequence[int]) -> list[Delivery]:
    """These deliveries with their posts."""
    return lane_heads.load(connection, deliveries.c.id.in_(ids), limit=len(ids)) if ids else []


def shown_in_channel(connection: Connection, bot_id: int, channel: str, limit: int) -> list[Shown]:
    """What was sent to a channel, or died on the way, newest last."""
    rows = connection.execute(
        select(deliveries)
        .join(targets, targets.c.id == deliveries.c.target_id)
        .where(
            targets.c.bot_id == bot_id,
            targets.c.channel == channel,
            deliveries.c.state.in_([DeliveryState.SENT, DeliveryState.DEAD, DeliveryState.HELD]),
        )
        .order_by(func.coalesce(deliveries.c.sent_at, deliveries.c.due_at).desc(), deliveries.c.id.desc())
        .limit(limit)
    ).all()
    return [
        Shown(
            delivery_id=row.id,
            post_id=row.post_id,
            state=DeliveryState(row.state),
            parts=tuple(records.message_of(part) for part in row.parts),
            due_at=row.due_at,
            sent_at=row.sent_at,
            error=row.error,
        )
        for row in reversed(rows)
    ]


def count_posts(connection: Connection) -> int:
    """How many posts are stored."""
    return connection.execute(select(func.count()).select_from(posts)).scalar_one()


def all_posts(connection: Connection, after_id: int, limit: int) -> list[tuple[str, Post]]:
    """The next stored posts behind the one with that id, in the order they came, each with its feed's name.

    Of a feed with several names it is the first of those in use; a name that was never given is the feed's number.
    """
    names = _feed_names(connection)
    rows = connection.execute(
        select(*posts.c, feeds.c.title.label("feed_title"), feeds.c.home.label("feed_home"))
        .join(feeds, feeds.c.id == posts.c.feed_id)
        .where(posts.c.id > after_id)
        .order_by(posts.c.id)
        .limit(limit)
    )
    return [(names.get(row.feed_id, f"feed-{row.feed_id}"), records.post_of(row)) for row in rows]


def latest_posts(connection: Connection, limit: int, feed: str | None = None) -> list[Post]:
    """The newest stored posts that are not held, whatever became of them; of one feed, or of all that have a name."""
    of_feed = select(feed_names.c.feed_id).where(feed_names.c.name == feed if feed else feed_names.c.active)
    rows = connection.execute(
        select(*posts.c, feeds.c.title.label("feed_title"), feeds.c.home.label("feed_home"))
        .join(feeds, feeds.c.id == posts.c.feed_id)
        .where(posts.c.held.is_(None), posts.c.feed_id.in_(of_feed))
        .order_by(posts.c.effective_at.desc(), posts.c.id.desc())
        .limit(limit)
    )
    return [records.post_of(row) for row in rows]


def next_reading_at(connection: Connection) -> tuple[str, datetime] | None:
    """The feed that is asked next, and when."""
    row = connection.execute(
        select(feed_names.c.name, feeds.c.next_check_at)
        .join(feeds, feeds.c.id == feed_names.c.feed_id)
        .where(feed_names.c.active, feeds.c.gone.is_(False))
        .order_by(feeds.c.next_check_at)
        .limit(1)
    ).first()
    return (row.name, row.next_check_at) if row else None


def admin_ids(connection: Connection) -> set[int]:
    """Admins who came by the claim link."""
    return set(connection.execute(select(admins.c.user_id)).scalars())
