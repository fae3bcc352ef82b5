"""(4) Change messages that are out, where the words of their post changed or another post joined its story.

What is to be changed is decided by pure functions; ``Editor`` carries it out for ``delivering.py``, which holds the
lane and keeps the pace. Nothing is ever posted again: a part that is new has no place, and one that is gone stays as it
is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.clock import Clock
from bot.errors import ChatGone, DeliveryError, MessageRejected, RetryLater, Uncertain
from bot.model import Delivery, Message, MessageKind
from bot.outbox.ties import CAPTION_LIMIT
from bot.storage import edits, lanes
from bot.storage.database import Database
from bot.storage.edits import EDITABLE, Edit
from bot.storage.lanes import Lane

log = structlog.get_logger()

FIRST_RETRY = timedelta(seconds=10)
#: Looked at in one visit of a lane.
BATCH = 10


# --- what is to be changed: pure -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """A message of Telegram, which part of its delivery it is, and what it shall say."""

    message_id: int
    part: int
    message: Message


def changes(old: Sequence[Message], new: Sequence[Message], message_ids: Sequence[int]) -> list[Change]:
    """The parts whose visible text is another one now, or whose buttons are."""
    found: list[Change] = []
    first = 0
    for number, (was, wanted) in enumerate(zip(old, new, strict=False)):
        becomes = _in_place_of(was, wanted)
        if becomes is not None and first < len(message_ids) and becomes != was:
            found.append(Change(message_ids[first], number, becomes))
        first += was.count
    return found


def _in_place_of(was: Message, wanted: Message) -> Message | None:
    """What a message may become: its text, entities and buttons; never another kind, other media or another chat."""
    same_kind: Message | None = wanted
    while same_kind is not None and same_kind.kind is not was.kind:
        same_kind = same_kind.instead
    said = same_kind or wanted
    if was.kind is not MessageKind.TEXT and len(said.text.encode("utf-16-le")) // 2 > CAPTION_LIMIT:
        return None
    return replace(was, text=said.text, entities=said.entities, buttons=said.buttons)


def retry_at(attempts: int, now: datetime) -> datetime:
    """When to try again after *attempts* tries: later and later, an hour at most."""
    return now + min(FIRST_RETRY * 2.0 ** min(attempts, 20), timedelta(hours=1))


# --- acting --------------------------------------------------------------------------------------------------


class EditsMessages(Protocol):
    """The way to Telegram, or to the local preview (``sender/``)."""

    async def edit(self, chat_id: int, message_id: int, message: Message) -> None:
        """Put other words in the place of a message's; the same ones again are no error.

        Raises: DeliveryError.
        """


class Editor:
    """Changes what is due in one lane after the other."""

    def __init__(
        self,
        database: Database,
        sender: EditsMessages,
        clock: Clock,
        *,
        render: Callable[[Delivery], Awaitable[Sequence[Message]]],
        turn: Callable[[Lane, int], AbstractAsyncContextManager[None]],
        lease: timedelta,
    ) -> None:
        self._database = database
        self._sender = sender
        self._clock = clock
        self._render = render
        self._turn = turn  # of the bot's own pace
        self._lease = lease

    async def serve(self, lane: Lane, recent: list[datetime], ready_at: Callable[[], datetime]) -> datetime | None:
        """Change what may be changed now; return when to go on, None when nothing is left.

        *recent* grows by what was done, and *ready_at* says when the chat may get the next one.

        Raises: LeaseLost.
        """
        for edit in await self._database.read(edits.due, lane, self._clock.now(), limit=BATCH):
            if edit.sent_at < self._clock.now() - EDITABLE:
                await self._database.write(edits.done, edit, "older than 48 hours: it stays as it is")
                continue
            if (at := ready_at()) > self._clock.now():
                return at
            if (put_off := await self._change(lane, edit, recent)) is not None:
                return put_off
        return None

    async def _change(self, lane: Lane, edit: Edit, recent: list[datetime]) -> datetime | None:
        """Change every part that is to be changed; return when to go on, where it could not be done."""
        delivery = edit.delivery
        parts = list(delivery.parts)
        try:
            for change in changes(parts, await self._render(delivery), delivery.message_ids):
                async with self._turn(lane, 1):
                    await self._database.write(lanes.renew, lane, self._clock.now() + self._lease)
                    await self._edit(lane, change)
                recent.append(self._clock.now())
                parts[change.part] = change.message
                await self._database.write(edits.changed, edit, parts, self._clock.now())
                log.info("message changed", delivery=delivery.id, chat_id=lane.chat_id, message_id=change.message_id)
        except (MessageRejected, ChatGone) as error:
            # It was deleted, or is too old for Telegram: there is nothing to be mended, and nobody need act.
            log.info("message not changed", delivery=delivery.id, problem=str(error))
            await self._database.write(edits.done, edit, str(error))
            return None
        except DeliveryError as error:
            after = error.after if isinstance(error, RetryLater) else None
            now = self._clock.now()
            at = now + after if after is not None else retry_at(edit.attempts, now)
            log.warning("message not changed yet", delivery=delivery.id, problem=str(error))
            await self._database.write(edits.put_off, edit, at, str(error))
            return at
        await self._database.write(edits.done, edit)
        return None

    async def _edit(self, lane: Lane, change: Change) -> None:
        """One call, that ends well before the lease does."""
        try:
            async with asyncio.timeout(self._lease.total_seconds() * 0.75):
                await self._sender.edit(lane.chat_id, change.message_id, change.message)
        except TimeoutError:
            raise Uncertain("no answer in time") from None
