"""/status, /why and /stats: what an admin looks at. Called by ``control.py``; changes nothing.

Who asks has been asked for their right before anything comes here.
"""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from bot import __version__, standing
from bot.admin import plotting
from bot.admin.choosing import Configured
from bot.clock import Clock
from bot.model import DeliveryState
from bot.reasons import Reasons
from bot.screens import status_screens
from bot.screens.concerns import Facts, concerns
from bot.screens.leafing import Reader, Screen
from bot.screens.status_screens import Standing
from bot.storage import inquiry, overview, pauses, reports, status, tally, watchlist
from bot.storage.database import Database
from bot.storage.overview import ChannelFigures
from bot.storage.status import FeedStatus
from bot.storage.tally import Tally
from bot.web import rows
from bot.web.words import Speech, speech_for

log = structlog.get_logger()

#: Makes a picture of figures; raises ``plotting.NotDrawn``.
Draw = Callable[[Tally, Speech], Awaitable[bytes]]


class Overseeing:
    """Answers with screens. *configured* is what feeds.yaml says at each time."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        bot_id: int,
        configured: Callable[[], Configured],
        draw: Draw = plotting.draw,
    ) -> None:
        self._database, self._clock, self._bot_id, self._configured = database, clock, bot_id, configured
        self._draw = draw

    async def what_needs(self) -> Facts:
        """What the card tells of."""
        return await self.facts(await self._database.read(status.unwell))

    async def facts(self, feeds: Sequence[FeedStatus]) -> Facts:
        """What needs a person is told from these."""
        configured, now, read = self._configured(), self._clock.now(), self._database.read
        return Facts(
            channels=await read(overview.channel_figures, self._bot_id, list(configured.channels), now),
            titles=configured.titles,
            feeds=feeds,
            doubles=await read(watchlist.doubles_of, self._bot_id, now),
            held=await read(watchlist.held, self._bot_id, DeliveryState.HELD),
            dead=await read(watchlist.held, self._bot_id, DeliveryState.DEAD),
            paused={(each.kind, each.name) for each in await read(pauses.load, self._bot_id, now)},
        )

    def speech(self, reader: Reader) -> Speech:
        """How an admin is spoken to."""
        return speech_for(reader.language, reader.zone, self._clock.now())

    async def status(self, reader: Reader) -> Screen:
        """What runs, and what is late."""
        configured, speech, read = self._configured(), self.speech(reader), self._database.read
        found = await read(status.load, self._bot_id, speech.now)
        facts = await self.facts(found.feeds)
        channels = [
            rows.channel_row(
                channel, configured.title(name), facts.channels.get(name, ChannelFigures()), configured.pace, speech
            )
            for name, channel in configured.channels.items()
        ]
        shown = Standing(
            is_running=bool(found.loops),
            late=standing.lateness(found, speech.now),
            concerns=concerns(facts, speech),
            channels=channels,
            feeds=found.feeds,
            pauses=found.pauses,
            reading=await read(reports.next_reading_at),
            sending=await read(overview.next_sending_at, self._bot_id),
            version=__version__,
        )
        return status_screens.status(shown, speech, reader)

    async def why(self, asked: str, reader: Reader) -> Screen:
        """``/why link``: one post's way, stage by stage; alone it asks."""
        now, read = self._clock.now(), self._database.read
        if not asked:
            return status_screens.ask_why(await read(reports.latest_posts, status_screens.OFFERED), reader)
        cases = await read(inquiry.find, self._bot_id, asked, now)
        near = [] if cases else await read(inquiry.feeds_of_host, asked)
        channels = self._configured().channels
        reasons = Reasons(reader.language, reader.zone, now, channels, shown=status_screens.as_words)
        told = [reasons.of(case) for case in cases] or [reasons.nothing(asked, near)]
        return status_screens.why(told, reader)

    async def stats(self, reader: Reader) -> Screen:
        """The figures of a month, and a picture of its days."""
        speech, read = self.speech(reader), self._database.read
        found = await read(tally.tally, self._bot_id, speech.now, reader.zone)
        known = await read(status.load, self._bot_id, speech.now)
        try:
            picture = await self._draw(found, speech)
        except plotting.NotDrawn as error:
            log.warning("chart not drawn", problem=str(error))
            picture = None
        stored = await read(tally.stored)
        return status_screens.stats(found, picture, stored, known.feeds, speech)
