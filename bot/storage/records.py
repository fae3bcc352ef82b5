"""Rows to records and back: the one place that knows how a post or a message lies in a row."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Row

from bot.model import (
    Attachment,
    Button,
    Enclosure,
    Entity,
    Entry,
    Flag,
    LinkPreview,
    Message,
    MessageKind,
    Post,
)


def post_of(row: Row[*tuple[Any, ...]], prefix: str = "") -> Post:
    """Read a post from a row of ``posts`` whose columns carry *prefix*; ``feed_title`` never carries it."""
    column = {name.removeprefix(prefix): value for name, value in row._mapping.items() if name.startswith(prefix)}
    return Post(
        id=column["id"],
        feed_id=column["feed_id"],
        ident=column["ident"],
        entry=Entry(
            title=column["title"],
            link=column["link"],
            published=column["published_at"],
            updated=column["updated_at"],
            date_only=column["date_only"],
            author=column["author"],
            language=column["language"],
            tags=tuple(column["tags"]),
            summary=column["summary"],
            content=column["content"],
            article=column["article"],
            enclosures=tuple(Enclosure(**enclosure) for enclosure in column["enclosures"]),
            flags=tuple(Flag(flag) for flag in column["flags"]),
        ),
        first_seen=column["first_seen_at"],
        feed_title=row._mapping.get("feed_title"),
        is_old=column["is_old"],
    )


def json_of(message: Message) -> dict[str, Any]:
    """A message as JSON; ``message_of`` reads it back."""
    return asdict(message)


def message_of(stored: dict[str, Any]) -> Message:
    """Read a message that ``json_of`` wrote."""
    return Message(
        text=stored["text"],
        entities=tuple(Entity(**entity) for entity in stored["entities"]),
        link_preview=LinkPreview(**stored["link_preview"]),
        silent=stored["silent"],
        thread=stored["thread"],
        kind=MessageKind(stored["kind"]),
        media=tuple(Attachment(**attachment) for attachment in stored["media"]),
        buttons=tuple(tuple(Button(**button) for button in row) for row in stored["buttons"]),
        instead=message_of(stored["instead"]) if stored["instead"] else None,
    )
