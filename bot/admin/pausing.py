"""/pause and /resume: an admin lets a feed or a channel rest. Called by ``control.py``; ``outbox/gate.py`` obeys.

A pause is in the database: it outlives a restart, and every process of the bot goes by it. Who asks has been asked for
their right before anything comes here.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from bot import render
from bot.admin import choosing
from bot.admin.choosing import Configured, Named, slash
from bot.clock import Clock
from bot.labels import translator
from bot.screens.leafing import Button, Reader, Screen
from bot.storage import pauses
from bot.storage.database import Database
from bot.storage.pauses import Kind, Pause
from bot.text.spans import parse_span
from bot.web.words import Speech, speech_for

log = structlog.get_logger()

#: What a button pauses for; 0: until somebody resumes it.
HOURS = (0, 1, 24, 7 * 24)


class Pausing:
    """Answers with screens. *configured* is what feeds.yaml says at each time."""

    def __init__(self, database: Database, clock: Clock, bot_id: int, configured: Callable[[], Configured]) -> None:
        self._database, self._clock, self._bot_id, self._configured = database, clock, bot_id, configured

    async def pause(self, words: str, reader: Reader) -> Screen:
        """``/pause feed|channel [duration]``; alone it asks."""
        configured = self._configured()
        if not words:
            return self._ask(reader)
        named, span = _named_span(words, configured)
        if named is None:
            return choosing.unknown(words, choosing.all_named(configured), reader)
        return (
            await self._begin(named, self._clock.now() + span, reader)
            if span
            else self._ask_for_how_long(named, reader)
        )

    async def resume(self, words: str, reader: Reader) -> Screen:
        """``/resume [feed|channel]``: alone it shows what is paused."""
        t, paused = translator(reader.language), await self._paused()
        if not paused:
            return self._say(t("Nothing is paused."), reader)
        if not words:
            return self._show(paused, reader)
        named = choosing.by_words(words, self._configured())
        found = next((each for each in paused if named and (each.kind, each.name) == (named.kind, named.name)), None)
        if found is None:  # it may have left feeds.yaml since
            found = next((each for each in paused if each.name == words), None)
        return await self._end(found, reader) if found else self._show(paused, reader)

    async def press(self, verb: str, parts: Sequence[str], reader: Reader) -> Screen | None:
        """A button of these screens."""
        configured = self._configured()
        match verb, parts:
            case "pause", [turned] if (page := choosing.page_of(turned)) is not None:
                return self._ask(reader, page)
            case "pause", [key] if named := choosing.by_key(key, configured):
                return self._ask_for_how_long(named, reader)
            case "pause", [key, hours] if (named := choosing.by_key(key, configured)) and hours in map(str, HOURS):
                until = self._clock.now() + timedelta(hours=int(hours)) if hours != "0" else None
                return await self._begin(named, until, reader)
            case "resume", []:
                paused = await self._paused()
                return self._show(paused, reader) if paused else None
            case "resume", [key]:
                paused = await self._paused()
                found = next((each for each in paused if Named(each.kind, each.name).key == key), None)
                return await self._end(found, reader) if found else None
        return None

    # --- what is asked ---------------------------------------------------------------------------------------

    def _ask(self, reader: Reader, page: int = 0) -> Screen:
        configured, t = self._configured(), translator(reader.language)
        among = [*choosing.all_named(configured, [Kind.CHANNEL]), *choosing.all_named(configured, [Kind.FEED])]
        return choosing.choose("pause", t("What shall be paused?"), among, configured, reader, page)

    def _ask_for_how_long(self, named: Named, reader: Reader) -> Screen:
        t = translator(reader.language)
        lines = [t("{what}: pause for how long?", what=self._what(named, reader)), "", self._difference(reader)]
        names = (t("Until I say so"), t("An hour"), t("A day"), t("A week"))
        buttons = [Button(name, f"A.pause.{named.key}.{hours}") for name, hours in zip(names, HOURS, strict=True)]
        rows = (tuple(buttons[:1]), tuple(buttons[1:]))
        return Screen(render.lay_out("\n".join(lines), reader.language), rows)

    @staticmethod
    def _difference(reader: Reader) -> str:
        """What it is not (PRODUCT 5): the words are near each other."""
        t = translator(reader.language)
        mute, latest = slash("mute", reader), slash("latest", reader)
        return "\n".join(
            [
                t("Paused: posts are kept, and sent when it is resumed."),
                t("Muted ({mute}): a chat is not sent them; they are still in {latest}.", mute=mute, latest=latest),
                t("Silent: they are sent, without sound."),
            ]
        )

    # --- what is done ----------------------------------------------------------------------------------------

    async def _paused(self) -> list[Pause]:
        return await self._database.read(pauses.load, self._bot_id, self._clock.now())

    async def _begin(self, named: Named, until: datetime | None, reader: Reader) -> Screen:
        now, t = self._clock.now(), translator(reader.language)
        pause = Pause(named.kind, named.name, now, until)
        waiting = await self._database.write(pauses.begin, self._bot_id, pause, now)
        log.info("paused by an admin", kind=str(named.kind), name=named.name, until=until and until.isoformat())
        speech = speech_for(reader.language, reader.zone, now)
        lines = [f"{self._what(named, reader)}: {speech.paused(until)}."]
        if waiting:
            lines.append(t("{n} post that was waiting is kept.", "{n} posts that were waiting are kept.", n=waiting))
        lines += ["", self._difference(reader)]
        rows = ((Button(t("Resume"), f"A.resume.{named.key}"),),)
        return Screen(render.lay_out("\n".join(lines), reader.language), rows)

    async def _end(self, pause: Pause, reader: Reader) -> Screen:
        t, now = translator(reader.language), self._clock.now()
        released = await self._database.write(pauses.end, self._bot_id, pause, now)
        log.info("resumed by an admin", kind=str(pause.kind), name=pause.name, waiting=released)
        said = t("{what} goes on.", what=self._what(Named(pause.kind, pause.name), reader))
        if released:
            said += " " + t(
                "{n} post that was kept goes out now.", "{n} posts that were kept go out now, in order.", n=released
            )
        return self._say(said, reader)

    def _show(self, paused: Sequence[Pause], reader: Reader) -> Screen:
        t, configured = translator(reader.language), self._configured()
        speech: Speech = speech_for(reader.language, reader.zone, self._clock.now())
        named = [Named(each.kind, each.name) for each in paused]
        lines = [f"<b>{t('What is paused')}</b>", t("Tap what shall go on."), ""]
        lines += [
            f"• {self._what(name, reader)}: {speech.paused(each.until)}"
            for name, each in zip(named, paused, strict=True)
        ]
        rows = tuple((Button(choosing.label(name, configured, reader), f"A.resume.{name.key}"),) for name in named)
        return Screen(render.lay_out("\n".join(lines), reader.language), rows)

    def _what(self, named: Named, reader: Reader) -> str:
        t = translator(reader.language)
        if named.kind is Kind.CHANNEL:
            return t("Channel {name}", name=render.furniture(self._configured().title(named.name)))
        return t("Feed {name}", name=render.furniture(named.name))

    @staticmethod
    def _say(words: str, reader: Reader) -> Screen:
        return Screen(render.lay_out(words, reader.language))


def _named_span(words: str, configured: Configured) -> tuple[Named | None, timedelta | None]:
    """What is meant, and the stretch of time behind it: two words or one."""
    parts = words.split()
    for size in (2, 1):
        span = parse_span(" ".join(parts[-size:])) if len(parts) > size else None
        named = choosing.by_words(" ".join(parts[:-size]), configured) if span else None
        if named is not None:
            return named, span
    return choosing.by_words(words, configured), None
