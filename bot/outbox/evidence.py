"""Find out whether a message of unknown outcome is in its chat. Called by the outbox before a lane goes on.

The Bot API gives no history and no key by which a send could be repeated safely. Channels and supergroups number their
messages one after the other, though, so that what came since the newest known one can be looked at, one by one:

    - in channels where the bot cannot edit what others wrote, by an edit that would change nothing: "message is not
      modified" is said of our own message alone;
    - elsewhere by a silent copy for an admin, which is compared with what was sent and deleted at once. Copies are
      written down before they are made: whatever happens, they are cleaned away.

What is found is never touched. Where neither way is open, or too much came since, the answer is that nobody knows.
The functions at the top are pure, or ask only what they are given.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import unquote

import structlog

from bot.clock import Clock
from bot.errors import ChatGone, DeliveryError, MessageRejected
from bot.model import Entity, Message, MessageKind
from bot.pacing import Pace, chat_ready_at
from bot.sender import Match, Seen
from bot.storage import sightings
from bot.storage.database import Database
from bot.storage.sightings import Copy

log = structlog.get_logger()

#: Ids have gaps: deleted messages. After so many that are absent nothing follows.
GAP = 20
#: So many ids are looked at, from the newest known one on.
LOOKED_AT = 50
#: Windows in a row that must be empty before doubling stops: a gap may be longer than one.
EMPTY_WINDOWS = 3
#: Telegram dates messages by whole seconds.
GRAIN = timedelta(seconds=2)
#: How long a copy's place waits between two of them at most, so that a lease outlives it.
LONGEST_PAUSE = timedelta(seconds=5)
#: What Telegram's server finds in a text by itself; it says nothing about who wrote it.
FOUND_BY_SERVER = frozenset({"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"})

Exists = Callable[[int], Awaitable[bool]]
Places = Callable[[], Awaitable[Sequence[int]]]


# --- policy: pure, or asking only its argument ----------------------------------------------------------------


async def newest_id(exists: Exists) -> int:
    """The highest id in a chat, 0 for an empty one: by doubling, then by bisection, over windows of ``GAP`` ids."""

    async def first_in_window(start: int) -> int | None:
        for message_id in range(start, start + GAP):
            if await exists(message_id):
                return message_id
        return None

    low, high, empty, at = 0, 0, 0, 1
    while empty < EMPTY_WINDOWS:
        found = await first_in_window(at)
        if found is None:
            high, empty = high or at, empty + 1
        else:
            low, high, empty = found, 0, 0
        at = max(at * 2, low + 1)
    while (middle := max((low + high) // 2, low + 1)) < high:
        found = await first_in_window(middle)
        if found is None:
            high = middle
        else:
            low = found
    return low


def is_ours(seen: Seen, message: Message, *, chat_id: int, message_id: int, bot_id: int, elapsed: timedelta) -> bool:
    """Whether a copy shows the attempt that was made *elapsed* ago, and not something like it."""
    kind = MessageKind.PHOTO if message.kind is MessageKind.ALBUM else message.kind
    if seen.of_chat is not None:  # a channel
        is_from_there = (seen.of_chat, seen.of_message) == (chat_id, message_id)
    else:
        is_from_there = seen.by_user == bot_id
    return (
        is_from_there
        and seen.kind is kind
        and seen.age <= elapsed + GRAIN
        and seen.text.strip() == message.text.strip()
        and _marks(seen.entities, message.text) == _marks(message.entities, message.text)
    )


def _marks(entities: Sequence[Entity], text: str) -> dict[tuple[object, ...], set[int]]:
    """What each kind of entity covers. Telegram splits and joins entities; what they cover stays."""
    length = len(text.rstrip().encode("utf-16-le")) // 2
    marks: dict[tuple[object, ...], set[int]] = {}
    for entity in entities:
        if entity.type in FOUND_BY_SERVER:
            continue
        # Telegram completes and escapes addresses.
        url = unquote(entity.url).rstrip("/").lower() if entity.url else None
        key = (entity.type, url, entity.language, entity.unix_time)
        covered = range(entity.offset, min(entity.offset + entity.length, length))
        marks.setdefault(key, set()).update(covered)
    return {key: covered for key, covered in marks.items() if covered}


# --- what it needs -------------------------------------------------------------------------------------------


class Probe(Protocol):
    """The Bot API's calls that show something (``sender/probing.py``). Each raises DeliveryError."""

    async def exists(self, chat_id: int, message_id: int) -> bool:
        """Whether there is a message; changes nothing."""

    async def compare(self, chat_id: int, message_id: int, message: Message) -> Match:
        """Whether it is *message*, by an edit."""

    async def may_edit_others(self, chat_id: int) -> bool:
        """Whether such an edit could change what somebody else wrote."""

    async def copy(self, place: int, chat_id: int, message_id: int) -> Seen | None:
        """Forward a message in silence; None where there is none."""

    async def remove(self, place: int, copy_id: int) -> None:
        """Delete a copy."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look brought: the ids under which the message is there, none, or None where nobody knows."""

    ids: tuple[int, ...] | None
    why: str = ""  #: nobody knows


NOT_THERE = Finding(())


class Evidence:
    """Looks into chats for one bot. ``places`` are where copies may go, the first that can be reached."""

    def __init__(
        self,
        database: Database,
        probe: Probe,
        clock: Clock,
        *,
        bot_id: int,
        places: Callable[[], Awaitable[Sequence[int]]],
    ) -> None:
        self._database = database
        self._probe = probe
        self._clock = clock
        self._bot_id = bot_id
        self._places = places
        self._one_at_a_time = asyncio.Lock()  # no burst of questions, however many chats are new
        self._copied: dict[int, deque[datetime]] = {}  # when each place got its last copies
        self._anchored: set[int] = set()

    async def anchor(self, chat_id: int) -> None:
        """Before the first send to a chat: find its newest message, from which a later look will go on.

        Raises: DeliveryError.
        """
        if chat_id in self._anchored or not sightings.numbers_its_own(chat_id):
            return
        if await self._database.read(sightings.last_seen, self._bot_id, chat_id) is None:
            async with self._one_at_a_time:
                newest = await newest_id(lambda message_id: self._probe.exists(chat_id, message_id))
            await self._database.write(sightings.raise_to, self._bot_id, chat_id, newest)
            log.info("newest message found", chat_id=chat_id, message_id=newest)
        self._anchored.add(chat_id)

    async def look(self, chat_id: int, message: Message, attempt_at: datetime) -> Finding:
        """Look for *message*, which may have been sent to a chat at *attempt_at*.

        Raises: DeliveryError.
        """
        if not sightings.numbers_its_own(chat_id):
            return Finding(None, "messages of this chat cannot be looked at")
        last_seen = await self._database.read(sightings.last_seen, self._bot_id, chat_id)
        if last_seen is None:
            return Finding(None, "nobody looked into this chat before the send")
        is_plain = message.kind is not MessageKind.ALBUM and bool(message.text)
        is_channel_of_others = is_plain and not await self._probe.may_edit_others(chat_id)
        async with self._one_at_a_time:
            if is_channel_of_others:
                return await self._look_by_edit(chat_id, message, last_seen)
            return await self._look_by_copy(chat_id, message, last_seen, attempt_at)

    async def _look_by_edit(self, chat_id: int, message: Message, last_seen: int) -> Finding:
        absent = 0
        for message_id in range(last_seen + 1, last_seen + LOOKED_AT + GAP + 1):
            match = await self._probe.compare(chat_id, message_id, message)
            if match is Match.OURS:
                return Finding((message_id,))
            absent = absent + 1 if match is Match.ABSENT else 0
            if absent == GAP:
                return NOT_THERE
        return Finding(None, f"more than {LOOKED_AT} messages came since")

    async def _look_by_copy(self, chat_id: int, message: Message, last_seen: int, attempt_at: datetime) -> Finding:
        if not message.text:
            return Finding(None, "without words it cannot be told from others")
        present, is_all = await self._present_since(chat_id, last_seen)
        if not present:
            return NOT_THERE
        # The newest first: what is older than the attempt ends the search, whatever came before it.
        for message_id in present if is_all else reversed(present):
            seen = await self._copy(chat_id, message_id)
            if seen is None:
                return Finding(None, "no admin to whom a copy could go")
            elapsed = self._clock.now() - attempt_at
            fits = is_ours(seen, message, chat_id=chat_id, message_id=message_id, bot_id=self._bot_id, elapsed=elapsed)
            if fits:
                return Finding(await self._album(chat_id, message_id, message, seen))
            if not is_all and seen.age > elapsed + GRAIN:
                return NOT_THERE
        return NOT_THERE if is_all else Finding(None, f"more than {LOOKED_AT} messages came since")

    async def _present_since(self, chat_id: int, last_seen: int) -> tuple[list[int], bool]:
        """The ids that exist after *last_seen*, and whether these are all; if not, the newest ``LOOKED_AT``."""
        present: list[int] = []
        absent, message_id = 0, last_seen
        while absent < GAP:
            message_id += 1
            if await self._probe.exists(chat_id, message_id):
                present.append(message_id)
                absent = 0
            else:
                absent += 1
            if len(present) == LOOKED_AT:
                break
        else:
            return present, True
        newest = await newest_id(lambda one: self._probe.exists(chat_id, one + last_seen)) + last_seen
        last = range(max(newest - LOOKED_AT, last_seen) + 1, newest + 1)
        return [one for one in last if await self._probe.exists(chat_id, one)], False

    async def _album(self, chat_id: int, first: int, message: Message, seen: Seen) -> tuple[int, ...]:
        """The items of an album that came through, beginning with the one that carries its words."""
        found = [first]
        for message_id in range(first + 1, first + message.count):
            item = await self._copy(chat_id, message_id)
            is_next = item is not None and item.kind is MessageKind.PHOTO and not item.text
            if item is None or not is_next or item.of_chat != seen.of_chat or item.by_user != seen.by_user:
                break
            found.append(message_id)
        return tuple(found)

    # --- copies ------------------------------------------------------------------------------------------------

    async def _copy(self, chat_id: int, message_id: int) -> Seen | None:
        """See a message by a copy; None where nobody can get one, or where it is not there any more."""
        for place in dict.fromkeys(await self._places()):
            await self._wait_for(place)
            number = await self._database.write(
                sightings.plan_copy, self._bot_id, place, chat_id, message_id, self._clock.now()
            )
            try:
                seen = await self._probe.copy(place, chat_id, message_id)
            except (ChatGone, MessageRejected) as error:
                log.info("no copy", place=place, chat_id=chat_id, problem=str(error))
                await self._database.write(sightings.forget_copy, number)
                continue
            if seen is None:
                await self._database.write(sightings.forget_copy, number)
                return None
            await self._database.write(sightings.copy_made, number, seen.copy_id)
            await self._clean(Copy(number, place, chat_id, message_id, seen.copy_id))
            return seen
        return None

    async def _wait_for(self, place: int) -> None:
        """Copies are messages: a place gets no more of them than any chat does."""
        recent = self._copied.setdefault(place, deque(maxlen=GAP))
        now = self._clock.now()
        ready_at = chat_ready_at(recent, now, is_group=place < 0, pace=Pace())
        await self._clock.sleep(max(min(ready_at - now, LONGEST_PAUSE), timedelta()).total_seconds())
        recent.append(self._clock.now())

    async def _clean(self, copy: Copy) -> None:
        try:
            await self._probe.remove(copy.place, copy.copy_id or 0)
        except DeliveryError as error:
            log.warning("copy left for later", place=copy.place, problem=str(error))
        else:
            await self._database.write(sightings.forget_copy, copy.id)

    async def clean_up(self) -> None:
        """Delete what dead processes left. Of a copy that was planned and not known to be made, see what became.

        Raises: DeliveryError.
        """
        left = await self._database.read(sightings.abandoned_copies, self._bot_id, self._clock.now())
        for copy in left:
            if copy.copy_id is not None:
                await self._clean(copy)
            else:
                await self._find_and_clean(copy)

    async def _find_and_clean(self, planned: Copy) -> None:
        """A process died between asking for a copy and knowing its id: it stands just before the next one."""
        number = await self._database.write(
            sightings.plan_copy,
            self._bot_id,
            planned.place,
            planned.chat_id,
            planned.message_id,
            self._clock.now(),
        )
        try:
            again = await self._probe.copy(planned.place, planned.chat_id, planned.message_id)
        except (ChatGone, MessageRejected):
            again = None
        await self._database.write(sightings.forget_copy, planned.id)
        if again is None:
            await self._database.write(sightings.forget_copy, number)
            return
        await self._database.write(sightings.copy_made, number, again.copy_id)
        await self._clean(Copy(number, planned.place, planned.chat_id, planned.message_id, again.copy_id))
        for message_id in range(again.copy_id - 1, max(again.copy_id - GAP, 0), -1):
            if not await self._probe.exists(planned.place, message_id):
                continue
            seen = await self._probe.copy(planned.place, planned.place, message_id)
            if seen is None:
                continue
            await self._probe.remove(planned.place, seen.copy_id)
            if replace(seen, copy_id=0, age=again.age) == replace(again, copy_id=0):
                await self._probe.remove(planned.place, message_id)
                return
