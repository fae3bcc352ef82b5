"""Where every message waits for the bot's pace: posts in the order in which they came, replies to people past them.

Used by ``delivering.py``, and by ``commands/updates.py`` through it. The pace itself is ``pacing.py``. Where several
processes send for one bot, on PostgreSQL, each has a share of the pace that it takes for some seconds at a time: one
short transaction for all messages of half a second. Sends nothing, and knows no chat but by its number.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Literal

import structlog

from bot import process
from bot.clock import Clock
from bot.errors import RetryLater
from bot.pacing import BotPace, Pace, Wish
from bot.storage import paces
from bot.storage.database import Database

log = structlog.get_logger()

#: A share is taken for so long; whoever does not come again in this time has none.
SHARE = timedelta(seconds=5)
#: It is set anew so often while messages wait, and sooner where it is too small for the next.
ANEW, SOON = timedelta(milliseconds=500), timedelta(milliseconds=200)
#: We count on it for less long than others wait for it to end: what was begun within has the rest to be answered.
COUNTED_ON = timedelta(seconds=2)
#: Somebody waits for an answer no longer than this.
WORTH_WAITING = timedelta(seconds=40)


class Turnstile:
    """Lets the messages of one bot through. ``kind``: those that are paid for have a pace of their own."""

    def __init__(
        self, clock: Clock, bot_id: int, pace: Pace, database: Database | None, kind: Literal["free", "paid"] = "free"
    ) -> None:
        self.owner = process.owner()  #: whose share it is
        self._clock = clock
        self._which = (bot_id, kind)
        self._database = database if database is not None and database.is_shared else None
        self._wanted = pace
        self._pace = self._made(pace)
        self._next_turn = asyncio.Lock()  # those who wait do so in the order in which they came
        self._taking = asyncio.Lock()
        self._taken_at = -SHARE.total_seconds()
        self._waiting = 0

    def _made(self, pace: Pace) -> BotPace:
        made = BotPace(pace)
        if self._database is not None:
            made.share(0, self._clock.monotonic())
        return made

    def configure(self, pace: Pace) -> None:
        """Go on with what feeds.yaml says now."""
        if pace != self._wanted:
            self._wanted, self._pace = pace, self._made(pace)

    @asynccontextmanager
    async def turn(self, count: int) -> AsyncIterator[None]:
        """Wait until the bot may send *count* more messages; they are under way within.

        Raises: RetryLater, when Telegram wants to hear nothing.
        """
        pace = self._pace
        self._waiting += count
        try:
            async with self._next_turn:
                while (wait := await self._wait(pace, count)) > 0:
                    if held := pace.held(self._clock.monotonic()):
                        raise RetryLater("Telegram asks the bot to wait", after=held)
                    await self._clock.sleep(wait)
                pace.begin(self._clock.monotonic(), count)
        finally:
            self._waiting -= count
        try:
            yield
        finally:
            pace.end(self._clock.monotonic(), count)

    @asynccontextmanager
    async def answering(self, chat_id: int) -> AsyncIterator[None]:
        """A reply to a person is under way within: posts make room for it.

        Raises: RetryLater, with nothing sent, where Telegram wants to hear nothing from the bot for long.
        """
        pace = self._pace
        self._waiting += 1
        try:
            while (wait := await self._wait_to_reply(pace)) > 0:
                if (held := pace.held(self._clock.monotonic())) > WORTH_WAITING:
                    raise RetryLater("Telegram asks the bot to wait", after=held)
                await self._clock.sleep(wait)
            pace.begin_reply(self._clock.monotonic())
        finally:
            self._waiting -= 1
        try:
            yield
        except RetryLater as error:
            if error.after is not None:
                await self.flooded(chat_id, error.after)
            raise
        self.taken()

    async def _wait_to_reply(self, pace: BotPace) -> float:
        await self._wait(pace, 1)  # other processes make room too
        return pace.wait_to_reply(self._clock.monotonic())

    def look(self) -> None:
        """Called as the last step before writing.

        Raises: RetryLater, when our share ran out since our turn came: the process stood still.
        """
        if self._pace.has_lapsed(self._clock.monotonic()) and self._stood_still():
            raise RetryLater("stood still for longer than its share of the bot's pace lasts")

    def held(self) -> timedelta:
        """How long Telegram wants to hear nothing from the bot."""
        return self._pace.held(self._clock.monotonic())

    def taken(self) -> None:
        """Telegram took a message."""
        self._pace.taken()

    async def flooded(self, chat_id: int, after: timedelta) -> None:
        """Telegram asked a chat to wait; where it means the whole bot, every process hears of it."""
        if not self._pace.flooded(chat_id, self._clock.monotonic(), after):
            return
        log.warning("bot told to wait", seconds=after.total_seconds())
        if self._database is not None:
            await self._database.write(paces.hold, self._which, after)

    # --- the share -------------------------------------------------------------------------------------------

    def _stood_still(self) -> bool:
        return self._clock.monotonic() - self._taken_at >= SHARE.total_seconds()

    async def _wait(self, pace: BotPace, count: int) -> float:
        wait = pace.wait(self._clock.monotonic(), count)
        if self._database is None:
            return wait
        age = self._clock.monotonic() - self._taken_at
        if age >= (ANEW if pace.has_room(self._clock.monotonic(), count) else SOON).total_seconds():
            await self._take(self._database, pace, count)
            wait = pace.wait(self._clock.monotonic(), count)
        return min(wait, SOON.total_seconds())  # by then there may be more of it

    async def _take(self, database: Database, pace: BotPace, count: int) -> None:
        """Raises: StorageError."""
        before = self._taken_at
        async with self._taking:
            if self._taken_at > before:
                return  # somebody else did while we waited
            asked_at = self._clock.monotonic()
            in_use = pace.in_use(asked_at)
            wish = Wish(self.owner, in_use + 2 * self._waiting + 2, min(count, pace.whole))
            share = await database.write(paces.take, self._which, wish, in_use=in_use, whole=pace.whole, lease=SHARE)
            self._taken_at = asked_at
            pace.share(share.most, asked_at + COUNTED_ON.total_seconds())
            if share.held:
                pace.hold(asked_at + share.held.total_seconds())
