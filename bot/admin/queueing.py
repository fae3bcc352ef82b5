"""/queue and /retry: what waits, what is stuck, and what an admin does about it. Called by ``control.py``.

Who asks has been asked for their right before anything comes here. Sends nothing: what is put back, the outbox finds.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from bot import render
from bot.admin.choosing import Configured
from bot.clock import Clock
from bot.labels import translator
from bot.model import DeliveryState
from bot.screens import queue_screens
from bot.screens.leafing import Reader, Screen
from bot.screens.queue_screens import Queue
from bot.storage import lanes, overview, pauses, status, stuck
from bot.storage.database import Database
from bot.storage.pauses import Kind
from bot.web.words import speech_for

log = structlog.get_logger()


class Queueing:
    """Answers with screens. *configured* is what feeds.yaml says at each time."""

    def __init__(self, database: Database, clock: Clock, bot_id: int, configured: Callable[[], Configured]) -> None:
        self._database, self._clock, self._bot_id, self._configured = database, clock, bot_id, configured

    async def queue(self, reader: Reader, page: int = 0, said: str = "") -> Screen:
        """What waits and what is in trouble."""
        now, configured, read = self._clock.now(), self._configured(), self._database.read
        total = await read(overview.count_troubles, self._bot_id)
        page = min(page, max(total - 1, 0) // queue_screens.PAGE)
        found = await read(status.load, self._bot_id, now)
        figures = await read(overview.channel_figures, self._bot_id, list(configured.channels), now)
        paused = [each for each in await read(pauses.load, self._bot_id, now) if each.kind is Kind.CHANNEL]
        troubles = [
            replace(each, channel=configured.title(each.channel))
            for each in await read(overview.troubles, self._bot_id, queue_screens.PAGE, page * queue_screens.PAGE)
        ]
        shown = Queue(
            waiting=sum(found.queue.get(state, 0) for state in status.WAITING),
            channels={configured.title(name): one for name, one in figures.items()},
            troubles=troubles,
            total=total,
            page=page,
            dead=found.queue.get(DeliveryState.DEAD, 0),
            paused={configured.title(each.name): each.until for each in paused},
        )
        return queue_screens.queue(shown, speech_for(reader.language, reader.zone, now), reader, said)

    async def retry(self, words: str, reader: Reader) -> Screen:
        """``/retry [number ...]``: all that could not be sent, or those deliveries."""
        numbers = [int(word) for word in words.split() if word.isdecimal() and len(word) < 19]
        revived = await self._revive(numbers or None)
        return Screen(render.lay_out(_revived(revived, reader), reader.language))

    async def press(self, parts: Sequence[str], reader: Reader) -> Screen | None:
        """A button of the queue."""
        t = translator(reader.language)
        match parts:
            case ["all"]:
                return await self.queue(reader, 0, _revived(await self._revive(None), reader))
            case [turned] if turned[:1] == "p" and turned[1:].isdecimal() and len(turned) < 6:
                return await self.queue(reader, int(turned[1:]))
            case [chosen, page] if chosen[1:].isdecimal() and len(chosen) < 20 and page.isdecimal() and len(page) < 5:
                number = int(chosen[1:])
                if chosen[0] == "r":
                    said = _revived(await self._revive([number]), reader)
                elif chosen[0] == "d":
                    reason = "an admin left it out"
                    dropped = await self._database.write(stuck.drop, self._bot_id, [number], reason)
                    said = t("It is left out.") if dropped else t("It is no longer there.")
                else:
                    return None
                return await self.queue(reader, int(page), said)
        return None

    async def _revive(self, numbers: Sequence[int] | None) -> int:
        revived = await self._database.write(lanes.revive, self._bot_id, numbers, self._clock.now())
        log.info("put back by an admin", count=revived, chosen=numbers is not None)
        return revived


def _revived(count: int, reader: Reader) -> str:
    t = translator(reader.language)
    if not count:
        return t("There is nothing that failed.")
    return t("{n} post is in the queue again.", "{n} posts are in the queue again.", n=count)
