"""Posts that a chat has already, since their archive is an export of that very chat. Functions of a transaction.

A Telegram export may be routed into the channel it came from, so that its posts can be searched and linked to; none
of them may be sent there again. Which chat and message an entry was, its guid says (``sources/telegram_export.py``).
"""

from collections.abc import Iterable

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from bot.model import PREVIEW_BOT, DeliveryState, Entry, FeedKind, Verdict
from bot.storage.schema import deliveries, feeds, posts, subscriptions, targets, verdicts

_GUID = "tg-"
REASON = "it is in this chat already: its archive is an export of the chat"


def may_be_own(entries: Iterable[Entry]) -> bool:
    """Whether any of the entries is a message of Telegram."""
    return any((entry.guid or "").startswith(_GUID) for entry in entries)


def mark_own(connection: Connection, target_id: int) -> int:
    """Give a target's own posts their verdict and their public links, and take back what waits to be sent of them.

    Called when posts came, when a route did, and when Telegram said which chat an "@name" is. Returns how many
    deliveries were taken back.
    """
    target = connection.execute(_TARGET, {"target_id": target_id}).one()
    if not target.has_archives:  # as of most: only an archive can be an export
        return 0
    is_own = _is_own(target.chat, None if target.bot_id == PREVIEW_BOT else target.chat_id)
    of_its_feeds = select(subscriptions.c.feed_id).join(feeds, feeds.c.id == subscriptions.c.feed_id)
    of_its_feeds = of_its_feeds.where(subscriptions.c.target_id == target_id, feeds.c.kind == FeedKind.ARCHIVE)
    own = and_(posts.c.feed_id.in_(of_its_feeds), is_own)
    has_verdict = exists().where(verdicts.c.post_id == posts.c.id, verdicts.c.target_id == target_id)
    connection.execute(
        insert(verdicts).from_select(
            ["post_id", "target_id", "verdict", "reason"],
            select(posts.c.id, literal(target_id), literal(Verdict.DUPLICATE.value), literal(REASON)).where(
                own, ~has_verdict
            ),
        )
    )
    if target.chat.startswith("@") and target.chat_id:
        inner, public = f"https://t.me/c/{_bare(target.chat_id)}/", f"https://t.me/{target.chat[1:]}/"
        connection.execute(
            update(posts)
            .where(own, posts.c.link.startswith(inner, autoescape=True))
            .values(link=func.replace(posts.c.link, inner, public))
        )
    return connection.execute(
        delete(deliveries).where(
            deliveries.c.target_id == target_id,
            deliveries.c.state == DeliveryState.PENDING,
            deliveries.c.attempt_at.is_(None),
            deliveries.c.post_id.in_(select(posts.c.id).where(own)),
        )
    ).rowcount


# Made once: to put a statement together costs SQLAlchemy more than SQLite needs to carry it out.
_TARGET = select(
    targets.c.bot_id,
    targets.c.chat,
    targets.c.chat_id,
    exists()
    .where(
        subscriptions.c.target_id == targets.c.id,
        feeds.c.id == subscriptions.c.feed_id,
        feeds.c.kind == FeedKind.ARCHIVE,
    )
    .label("has_archives"),
).where(targets.c.id == bindparam("target_id"))


def _is_own(chat: str, chat_id: int | None) -> ColumnElement[bool]:
    """Of a chat as feeds.yaml has it, and as Telegram numbers it where that is known."""
    numbers = {_bare(int(chat))} if chat.lstrip("-").isdigit() else set()
    numbers |= {_bare(chat_id)} if chat_id else set()
    conditions = [posts.c.ident.startswith(f"{_GUID}{number}-", autoescape=True) for number in sorted(numbers)]
    if chat.startswith("@"):
        link = f"https://t.me/{chat[1:]}/".lower()
        conditions.append(
            and_(posts.c.ident.startswith(_GUID), func.lower(posts.c.link).startswith(link, autoescape=True))
        )
    return or_(false(), *conditions)


def _bare(chat_id: int) -> int:
    """Without the -100 that bots put before the number of a channel."""
    return int(str(abs(chat_id)).removeprefix("100")) if str(chat_id).startswith("-100") else abs(chat_id)


def is_already_there(post_id: ColumnElement[int], target_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether ``mark_own`` found a post in a target."""
    return exists().where(
        verdicts.c.post_id == post_id,
        verdicts.c.target_id == target_id,
        verdicts.c.verdict == Verdict.DUPLICATE,
    )
