"""Questions of people who leaf through what is stored: how much there is in which days, what, and where it was sent.

Functions of a transaction that only reads. Only posts that people may see (``search.is_visible``).
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from bot.model import DeliveryState, Post
from bot.storage import search
from bot.storage.schema import deliveries, posts, targets
from bot.text import persian
from bot.text.query import SearchQuery, Where
from bot.text.words import words

#: Titles in which a word that finds nothing is looked for in another spelling.
_TITLES = 2_000
_LIKE_ENOUGH = 0.72
_MOST_GUESSED = 6  #: words of a query


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time: from ``start`` to before ``end``."""

    start: datetime
    end: datetime


def ends(connection: Connection) -> tuple[datetime, datetime] | None:
    """When the earliest post was and when the latest; None where there is none."""
    row = connection.execute(
        select(func.min(posts.c.effective_at), func.max(posts.c.effective_at)).where(search.is_visible())
    ).one()
    return (row[0], row[1]) if row[0] is not None else None


def counts(connection: Connection, spans: Sequence[Span]) -> list[int]:
    """How many posts there are in each stretch."""
    if not spans:
        return []
    questions = [
        select(func.count())
        .select_from(posts)
        .where(posts.c.effective_at >= span.start, posts.c.effective_at < span.end, search.is_visible())
        .scalar_subquery()
        for span in spans
    ]
    return [int(count) for count in connection.execute(select(*questions)).one()]


def posts_in(connection: Connection, spans: Sequence[Span], limit: int, offset: int = 0) -> list[Post]:
    """The posts of these stretches, newest first."""
    if not spans:
        return []
    within = or_(*((posts.c.effective_at >= span.start) & (posts.c.effective_at < span.end) for span in spans))
    ids = connection.execute(
        select(posts.c.id)
        .where(within, search.is_visible())
        .order_by(posts.c.effective_at.desc(), posts.c.id.desc())
        .limit(limit)
        .offset(offset)
    ).scalars()
    return _loaded(connection, list(ids))


def _loaded(connection: Connection, ids: Sequence[int]) -> list[Post]:
    found = search.load(connection, ids)
    return [found[post_id][1] for post_id in ids if post_id in found]


def post(connection: Connection, post_id: int) -> Post | None:
    """One post, if people may see it."""
    visible = connection.execute(select(posts.c.id).where(posts.c.id == post_id, search.is_visible())).scalars()
    return next(iter(_loaded(connection, list(visible))), None)


def drawn_post(connection: Connection, number: float) -> Post | None:
    """The post that a number from 0 to 1 stands for; of a gap in the ids, the next one."""
    last = connection.execute(select(func.max(posts.c.id))).scalar_one()
    for start in (int(number * (last or 0)) + 1, 0):
        found = connection.execute(
            select(posts.c.id).where(posts.c.id >= start, search.is_visible()).order_by(posts.c.id).limit(1)
        ).scalar_one_or_none()
        if found is not None:
            return _loaded(connection, [found])[0]
    return None


def message_links(connection: Connection, bot_id: int, post_ids: Sequence[int]) -> dict[int, str]:
    """Where Telegram has these posts: the address of the message in a channel, a public one before a private one."""
    rows = connection.execute(
        select(deliveries.c.post_id, deliveries.c.message_ids, targets.c.chat, targets.c.chat_id, targets.c.thread)
        .join(targets, targets.c.id == deliveries.c.target_id)
        .where(
            deliveries.c.bot_id == bot_id,
            deliveries.c.post_id.in_(post_ids),
            deliveries.c.state == DeliveryState.SENT,
            targets.c.channel != "",  # a subscriber's chat is nobody else's
        )
        .order_by(deliveries.c.id)
    )
    found: dict[int, str] = {}
    for row in rows:
        link = message_link(row.chat, row.chat_id, row.thread, row.message_ids)
        if link and (row.post_id not in found or _is_private(found[row.post_id]) > _is_private(link)):
            found[row.post_id] = link
    return found


def message_link(chat: str, chat_id: int | None, thread: int, message_ids: Sequence[int]) -> str | None:
    """The address of a message, in the forms of core.telegram.org/api/links; None for chats that have none."""
    if not message_ids:
        return None
    place = f"{thread}/{message_ids[0]}" if thread > 1 else str(message_ids[0])
    if chat.startswith("@"):
        return f"https://t.me/{chat[1:]}/{place}"
    # -100 and then the number of a channel or supergroup; other chats have no addresses.
    number = str(chat_id if chat_id is not None else chat)
    return f"https://t.me/c/{number[4:]}/{place}" if number.startswith("-100") else None


def _is_private(link: str) -> bool:
    return link.startswith("https://t.me/c/")


def title_words(connection: Connection) -> dict[str, str]:
    """The words of the newest titles: by the form in which a search compares them, as they are written."""
    titles = connection.execute(
        select(posts.c.title)
        .where(posts.c.title.is_not(None), search.is_visible())
        .order_by(posts.c.effective_at.desc())
        .limit(_TITLES)
    ).scalars()
    return {word.form: part for title in titles for part in title.split() for word in words(part)}


def nearest_words(query: SearchQuery, known: Mapping[str, str]) -> str | None:
    """The query's words as titles spell them, where one of them is spelled otherwise; None where none is.

    Of a long query nothing is guessed: each word is compared with all that are known.
    """
    asked = [form for term in query.terms if term.where is Where.TEXT for form in term.forms]
    if not 0 < len(asked) <= _MOST_GUESSED:
        return None
    near = [form if form in known else _nearest(form, known) for form in asked]
    if None in near or near == asked:
        return None
    return " ".join(_shown(known[form]) for form in near if form)


def _nearest(form: str, known: Mapping[str, str]) -> str | None:
    close = difflib.get_close_matches(form, known, n=1, cutoff=_LIKE_ENOUGH)
    return close[0] if close else None


def _shown(word: str) -> str:
    """A word of a title without what stands around it."""
    return persian.strip_controls(word).strip("«»()[]{}\"'.,:;!?،؛؟…“”‘’")
