"""What Telegram keeps of ours: the file id of each picture and recording, by its address. Functions of a transaction.

An id is one bot's own and works in all of its chats: what was fetched for the first is not fetched again for the next.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b

from sqlalchemy import Connection, delete, select

from bot.model import Attachment, Message, MessageKind
from bot.storage.dialects import upsert
from bot.storage.schema import files

#: A post reaches its last chat sooner; an address may show another picture one day.
KEPT = timedelta(days=14)


def named(connection: Connection, bot_id: int, parts: Sequence[Message]) -> tuple[Message, ...]:
    """The same messages with the file ids that are known."""
    wanted = {_key(attachment, part) for part in parts for attachment in part.media}
    rows = connection.execute(
        select(files.c.address, files.c.file_id).where(files.c.bot_id == bot_id, files.c.address.in_(wanted))
    )
    known = {bytes(row.address): row.file_id for row in rows}
    return tuple(
        replace(
            part,
            media=tuple(
                replace(attachment, file_id=known.get(_key(attachment, part), attachment.file_id))
                for attachment in part.media
            ),
        )
        for part in parts
    )


def keep(connection: Connection, bot_id: int, sent: Message, file_ids: Iterable[str | None], now: datetime) -> None:
    """Remember how Telegram calls what a message carried; what is old is forgotten."""
    for attachment, file_id in zip(sent.media, file_ids, strict=False):
        if file_id is not None and file_id != attachment.file_id:
            key = {"bot_id": bot_id, "address": _key(attachment, sent)}
            upsert(connection, files, key, {"file_id": file_id, "kept_at": now})
    connection.execute(delete(files).where(files.c.kept_at < now - KEPT))


def forget(connection: Connection, bot_id: int, refused: Message) -> None:
    """Telegram does not know the file ids of a message any more."""
    addresses = [_key(attachment, refused) for attachment in refused.media if attachment.file_id]
    connection.execute(delete(files).where(files.c.bot_id == bot_id, files.c.address.in_(addresses)))


def _key(attachment: Attachment, part: Message) -> bytes:
    """The address, and what it was sent as: a photo's id is no recording's."""
    kind = MessageKind.PHOTO if part.kind is MessageKind.ALBUM else part.kind
    return blake2b(f"{kind}\0{attachment.url}".encode("utf-8", "replace"), digest_size=16).digest()
