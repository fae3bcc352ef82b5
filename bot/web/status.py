"""The status page at ``/``: asks the database what it shows, and puts it together. Changes nothing but for ``retry``.

Server-rendered, without scripts; every address in it is relative, so that a proxy may serve it at any path.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from jinja2 import Template
from yarl import URL

from bot import __version__, standing
from bot.clock import Clock
from bot.model import PREVIEW_BOT, Calendar, Channel, Language, Subscription
from bot.pacing import Pace
from bot.storage import lanes, overview, reports, status
from bot.storage.database import Database
from bot.storage.overview import ChannelFigures, FeedFigures
from bot.storage.pauses import Kind
from bot.web import charts, rows
from bot.web.preview_words import page_templates
from bot.web.words import Moment, Speech, page_words, state_words

MOST_TROUBLES, MOST_NOTICES = 50, 50
REFRESH = 60  #: seconds until a browser loads the page again
#: A year takes a while to count and to draw, and changes slowly.
YEAR_IS_KEPT = timedelta(minutes=1)
CALENDAR_OF: Mapping[Language, Calendar] = {"fa": Calendar.JALALI, "en": Calendar.GREGORIAN}


@dataclass(frozen=True, slots=True)
class Setup:
    """What feeds.yaml says, as far as the page tells it; replaced when the file is read again."""

    path: str
    loaded_at: datetime
    language: Language
    zone: ZoneInfo
    pace: Pace
    channels: Mapping[str, Channel]
    subscriptions: tuple[Subscription, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see: the query of the address."""

    query: Mapping[str, str]
    may_act: bool = False  #: they have the token, where there is one

    def address(self, **changes: str | None) -> str:
        """The page's own address with parts of its query changed; None takes one away."""
        changed = {name: value for name, value in {**self.query, **changes}.items() if value is not None}
        return str(URL.build(path="./", query=changed)) if changed else "./"

    def elsewhere(self, path: str) -> str:
        """Another page's address, for whoever may see this one."""
        token = self.query.get("token")
        return str(URL.build(path=path, query={"token": token} if token else {}))

    def number(self, name: str, default: int) -> int:
        """A number of the query."""
        text = self.query.get(name, "")
        return int(text) if text.isdecimal() and len(text) < 6 else default


class StatusPage:
    """Draws the page. ``setup`` is replaced when feeds.yaml is read again, ``titles`` when Telegram was asked."""

    def __init__(self, database: Database, clock: Clock, *, bot_id: int, setup: Setup) -> None:
        self.setup = setup
        self.titles: Mapping[str, str] = {}  #: of channels, as Telegram says
        self._database = database
        self._clock = clock
        self._bot_id = bot_id
        self._years: dict[tuple[int, Calendar, Language], tuple[datetime, charts.HeatMap]] = {}

    def speech(self, asked: Asked) -> Speech:
        """How the page speaks to whoever asks so."""
        wanted = asked.query.get("lang")
        language: Language = "fa" if wanted == "fa" else "en" if wanted == "en" else self.setup.language
        named = asked.query.get("calendar")
        chosen = {"jalali": Calendar.JALALI, "gregorian": Calendar.GREGORIAN}.get(named or "", CALENDAR_OF[language])
        return Speech(language, chosen, self.setup.zone, self._clock.now())

    async def html(self, asked: Asked) -> str:
        """The page.

        Raises: StorageError.
        """
        speech, read = self.speech(asked), self._database.read
        found = await read(status.load, self._bot_id, speech.now)
        late = standing.lateness(found, speech.now)
        said = state_words(speech.language)
        resting = {one.name for one in found.pauses if one.kind == Kind.FEED}  # they need nobody
        channels = await self._channels(speech)
        feeds = rows.matching(found.feeds, asked.query.get("q", ""), said)
        page = min(max(asked.number("page", 1), 1), rows.pages_of(len(feeds)))
        shown = feeds[(page - 1) * rows.PAGE : page * rows.PAGE]
        figures = await read(
            overview.feed_figures, self._bot_id, [feed.name for feed in shown], speech.now, self.setup.zone
        )
        troubles = await read(overview.troubles, self._bot_id, MOST_TROUBLES)
        notices = await read(overview.last_notices, MOST_NOTICES)
        return _template().render(
            asked=asked,
            speech=speech,
            words=page_words(speech.language),
            refresh=0 if asked.query.get("refresh") == "0" else REFRESH,
            bar=speech.bar(len(late) if found.loops else 1),
            is_well=bool(found.loops) and not late,
            is_preview=self._bot_id == PREVIEW_BOT,
            late=[speech.late(one) for one in late],
            needs=rows.needs(
                [feed for feed in rows.matching(found.feeds, "", said) if feed.name not in resting],
                channels,
                found.queue,
                speech,
            ),
            paused=[(one.name, speech.paused(one.until)) for one in found.pauses],
            coming=await self._coming(speech),
            channels=channels,
            query=asked.query.get("q", ""),
            feeds=[rows.feed_row(feed, figures.get(feed.name, FeedFigures()), speech, said) for feed in shown],
            feed_count=speech.number(len(feeds)),
            page=page,
            pages=rows.pages_of(len(feeds)),
            troubles=[rows.trouble_row(one, self._title(one.channel), speech, said) for one in troubles],
            year=(year := await self._year(asked, speech)),
            year_name=speech.name_year(year.year),
            notices=[(speech.moment(notice.at), notice.text) for notice in notices],
            version=__version__,
            database=self._database.name,
            size=speech.number(round(await read(overview.size_bytes) / 2**20)),
            setup=self.setup,
            loaded=speech.moment(self.setup.loaded_at),
        )

    async def retry(self, delivery_id: int) -> None:
        """Let a delivery that is dead or held be tried again; any other stays as it is.

        Raises: StorageError.
        """
        await self._database.write(lanes.revive, self._bot_id, [delivery_id], self._clock.now())

    def _title(self, channel: str) -> str:
        return self.titles.get(channel, channel)

    async def _channels(self, speech: Speech) -> list[rows.ChannelRow]:
        figures = await self._database.read(
            overview.channel_figures, self._bot_id, list(self.setup.channels), speech.now
        )
        return [
            rows.channel_row(channel, self._title(name), figures.get(name, ChannelFigures()), self.setup.pace, speech)
            for name, channel in self.setup.channels.items()
        ]

    async def _coming(self, speech: Speech) -> list[tuple[str, str, Moment | None]]:
        """What comes next, by the word that it is called: whose turn it is, and when."""
        reading = await self._database.read(reports.next_reading_at)
        sending = await self._database.read(overview.next_sending_at, self._bot_id)
        digest = rows.next_digest(self.setup.channels.values(), speech.now)
        replay = rows.next_replay(self.setup.subscriptions, speech.now)
        words = page_words(speech.language)
        return [
            (words[word], found[0], speech.moment(max(found[1], speech.now))) if found else (words[word], "", None)
            for word, found in (("reading", reading), ("sending", sending), ("digest", digest), ("replay", replay))
        ]

    async def _year(self, asked: Asked, speech: Speech) -> charts.HeatMap:
        this_year = charts.year_of(speech.now.astimezone(speech.zone).date(), speech.calendar)
        year = asked.number("year", this_year)
        try:
            first, last = charts.days_of(year, speech.calendar)
        except (ValueError, OverflowError):  # no such year in that calendar
            year = this_year
            first, last = charts.days_of(year, speech.calendar)
        key = (year, speech.calendar, speech.language)
        kept_at, drawn = self._years.get(key, (speech.now, None))
        if drawn is None or not timedelta() <= speech.now - kept_at < YEAR_IS_KEPT:
            counts = await self._database.read(overview.posts_by_day, first, last, speech.zone)
            drawn = charts.heat_map(counts, year, speech.calendar, speech.language)
            # One year at a time: whoever asks for all of them must not fill the memory.
            self._years = {key: (speech.now, drawn)}
        return drawn


@cache
def _template() -> Template:
    return page_templates().get_template("status.html")


def stylesheet() -> str:
    """The style of this page."""
    return (resources.files("bot") / "templates" / "status.css").read_text(encoding="utf-8")
