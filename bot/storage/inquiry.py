"""All that is known of one post's way, for `qasedak why` and /why. Functions of a transaction that only reads."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, func, or_, select

from bot import identity
from bot.model import DeliveryState, Keys, Post, Verdict, Wait
from bot.storage import reports, search
from bot.storage.dialects import in_chunks
from bot.storage.schema import deliveries, feed_names, feeds, lanes, post_keys, posts, subscriptions, targets

#: As many posts are told of where a link leads to several.
MOST = 5
#: Messages of a chat among which one is looked for by its number.
SEARCHED_MESSAGES = 5_000
HOUR = timedelta(hours=1)
_MESSAGE = re.compile(r"https?://(?:t\.me|telegram\.me)/(?:c/(\d+)|([A-Za-z]\w+))/(?:\d+/)?(\d+)/?(?:\?.*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class FeedCase:
    """How the reading of a post's feed stands."""

    names: tuple[str, ...]
    read_at: datetime | None
    next_at: datetime
    error: str | None


@dataclass(frozen=True, slots=True)
class ChatCase:
    """What became of a post in one chat."""

    channel: str  #: its name in feeds.yaml
    verdict: Verdict
    reason: str
    state: DeliveryState | None = None  #: None where it never came into the outbox
    attempts: int = 0
    due_at: datetime | None = None
    wait: Wait | None = None
    sent_at: datetime | None = None
    message_link: str | None = None
    error: str | None = None
    paused: str | None = None  #: why nothing goes to the chat now
    sent_in_hour: int = 0  #: posts that went there in the last hour


@dataclass(frozen=True, slots=True)
class Case:
    """A stored post and its way."""

    post: Post
    feed: FeedCase
    known_by: str  #: guid, link or content
    edit_count: int
    chats: tuple[ChatCase, ...]
    followers: int = 0  #: chats that follow by themselves and were sent it, or will be


def find(connection: Connection, bot_id: int, asked: str, now: datetime) -> list[Case]:
    """The posts that somebody asks about by a link, by one of our messages, by number or by id; the newest first."""
    ids = _ids(connection, bot_id, asked.strip())[:MOST]
    loaded = search.load(connection, ids)
    found = {report.post.id: report for report in reports.post_reports(connection, bot_id, None, ids)}
    return [
        _case(connection, bot_id, loaded[post_id][1], found[post_id].chats if post_id in found else (), now)
        for post_id in ids
    ]


def feeds_of_host(connection: Connection, asked: str) -> list[FeedCase]:
    """The feeds that would bring a post of this address, by its host: for a link that leads to no post."""
    host = (urlsplit(asked.strip()).hostname or "").removeprefix("www.") if "://" in asked else ""
    if not host:
        return []
    like = or_(*(feeds.c.url.contains(f"://{prefix}{host}", autoescape=True) for prefix in ("", "www.")))
    rows = connection.execute(select(feeds).where(feeds.c.kind == "http", like).order_by(feeds.c.id).limit(MOST))
    return [_feed_case(connection, row) for row in rows]


def known_among(connection: Connection, feed_id: int, keys: Sequence[Keys]) -> list[bool]:
    """Of entries that a feed lists, which are stored: known by their guid, their link or their words."""
    hashes = {digest for each in keys for digest in (each.guid, each.link, each.content) if digest is not None}
    known: set[bytes] = set()
    for some in in_chunks(sorted(hashes)):
        rows = connection.execute(
            select(post_keys.c.hash).where(post_keys.c.feed_id == feed_id, post_keys.c.hash.in_(some))
        )
        known.update(bytes(row.hash) for row in rows)
    return [bool(known & {each.guid, each.link, each.content}) for each in keys]


def is_unread(connection: Connection, feed_id: int) -> bool:
    """Whether a feed has not had its first reading yet."""
    found = connection.execute(select(feeds.c.baseline_at).where(feeds.c.id == feed_id)).first()
    return found is None or found.baseline_at is None


def _ids(connection: Connection, bot_id: int, asked: str) -> list[int]:
    if asked.isdecimal():
        return list(connection.execute(select(posts.c.id).where(posts.c.id == int(asked))).scalars())
    if message := _MESSAGE.fullmatch(asked):
        ids = _of_message(connection, bot_id, *message.groups())
        if ids:
            return ids
    key = identity.link_key(asked)
    linked = select(post_keys.c.post_id).where(post_keys.c.kind == "L", post_keys.c.hash == key)
    same = or_(posts.c.link == asked, posts.c.ident == asked, *([posts.c.id.in_(linked)] if key else []))
    return list(connection.execute(select(posts.c.id).where(same).order_by(posts.c.id.desc())).scalars())


def _of_message(connection: Connection, bot_id: int, bare: str | None, name: str | None, number: str) -> list[int]:
    """The post that one of our messages carries, by the message's address."""
    is_there = (
        targets.c.chat_id == int(f"-100{bare}") if bare else func.lower(targets.c.chat) == f"@{(name or '').lower()}"
    )
    rows = connection.execute(
        select(deliveries.c.post_id, deliveries.c.message_ids)
        .join(targets, targets.c.id == deliveries.c.target_id)
        .where(targets.c.bot_id == bot_id, is_there, deliveries.c.sent_at.is_not(None))
        .order_by(deliveries.c.sent_at.desc())
        .limit(SEARCHED_MESSAGES)
    )
    return [row.post_id for row in rows if int(number) in row.message_ids][:1]


def _case(
    connection: Connection, bot_id: int, post: Post, verdicts: Sequence[reports.ChatVerdict], now: datetime
) -> Case:
    feed = connection.execute(select(feeds).where(feeds.c.id == post.feed_id)).one()
    kinds = set(connection.execute(select(post_keys.c.kind).where(post_keys.c.post_id == post.id)).scalars())
    edit_count: int = connection.execute(select(posts.c.edit_count).where(posts.c.id == post.id)).scalar_one()
    followers: int = connection.execute(
        select(func.count())
        .select_from(deliveries)
        .join(subscriptions, subscriptions.c.id == deliveries.c.subscription_id)
        .where(deliveries.c.post_id == post.id, deliveries.c.bot_id == bot_id, subscriptions.c.own)
    ).scalar_one()
    known_by = "guid" if "G" in kinds else "link" if "L" in kinds else "content"
    chats = tuple(_chat_case(connection, bot_id, post.id, each, now) for each in verdicts)
    return Case(post, _feed_case(connection, feed), known_by, edit_count, chats, followers)


def _feed_case(connection: Connection, row: Row[Any]) -> FeedCase:
    names = select(feed_names.c.name).where(feed_names.c.feed_id == row.id, feed_names.c.active)
    return FeedCase(
        tuple(connection.execute(names.order_by(feed_names.c.name)).scalars()),
        row.succeeded_at,
        row.next_check_at,
        row.error,
    )


def _chat_case(
    connection: Connection, bot_id: int, post_id: int, verdict: reports.ChatVerdict, now: datetime
) -> ChatCase:
    target = connection.execute(
        select(targets.c.id, targets.c.channel, targets.c.chat, targets.c.chat_id, lanes.c.paused)
        .outerjoin(lanes, (lanes.c.bot_id == targets.c.bot_id) & (lanes.c.chat_id == targets.c.chat_id))
        .where(targets.c.bot_id == bot_id, targets.c.chat == verdict.chat)
        .order_by(targets.c.id)
    ).first()
    if target is None:
        return ChatCase(verdict.chat, verdict.verdict, verdict.reason)
    recent: int = connection.execute(
        select(func.count())
        .select_from(deliveries)
        .where(deliveries.c.target_id == target.id, deliveries.c.sent_at > now - HOUR)
    ).scalar_one()
    row = connection.execute(
        select(deliveries).where(
            deliveries.c.target_id == target.id, deliveries.c.post_id == post_id, deliveries.c.kind == "post"
        )
    ).first()
    case = ChatCase(target.channel, verdict.verdict, verdict.reason, paused=target.paused, sent_in_hour=recent)
    if row is None:
        return case
    return ChatCase(
        target.channel,
        verdict.verdict,
        verdict.reason,
        DeliveryState(row.state),
        row.attempts,
        row.due_at,
        Wait(row.wait) if row.wait else None,
        row.sent_at,
        _link(target.chat, target.chat_id, row.message_ids),
        row.error,
        target.paused,
        recent,
    )


def _link(chat: str, chat_id: int | None, message_ids: Sequence[int]) -> str | None:
    if not message_ids:
        return None
    if chat.startswith("@"):
        return f"https://t.me/{chat[1:]}/{message_ids[0]}"
    bare = str(chat_id or "")
    return f"https://t.me/c/{bare.removeprefix('-100')}/{message_ids[0]}" if bare.startswith("-100") else None
