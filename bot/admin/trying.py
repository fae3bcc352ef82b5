"""/check and /preview: a feed is read dry, or its newest post shown as it would appear. Called by ``control.py``.

Nothing is stored and nothing sent, but for **Post this one now**, which puts a stored post into the outbox. Who asks
has been asked for their right before anything comes here.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from bot import routing
from bot.admin import choosing
from bot.admin.choosing import Configured, Named
from bot.clock import Clock
from bot.errors import SourceError
from bot.identity import Identified
from bot.labels import translator
from bot.manners import NextCheck, Rhythm
from bot.model import Channel, Feed, Subscription, Verdict
from bot.outbox.quiet_hours import quiet_until
from bot.reasons import Reasons
from bot.render import dressing
from bot.screens import trial_screens
from bot.screens.leafing import Reader, Screen
from bot.screens.trial_screens import Came, Trial
from bot.storage import browse, feeds, inquiry, reports, stuck
from bot.storage.database import Database
from bot.storage.pauses import Kind
from bot.storage.stuck import Posted

log = structlog.get_logger()


class Seen(Protocol):
    """What a feed says now (``desk.py``)."""

    @property
    def title(self) -> str | None:
        """Its own title."""

    @property
    def found(self) -> Sequence[Identified]:
        """Its entries, oldest first."""

    @property
    def again(self) -> NextCheck:
        """When it would be asked again, and why then."""


Look = Callable[[Feed, Rhythm | None], Awaitable[Seen]]


class Trying:
    """Answers with screens. *look* reads a feed and stores nothing; buttons that lead into the bot need *bot_name*."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        bot_id: int,
        configured: Callable[[], Configured],
        *,
        look: Look,
        bot_name: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._database, self._clock, self._bot_id, self._configured = database, clock, bot_id, configured
        self._look, self._bot_name = look, bot_name

    # --- /check ----------------------------------------------------------------------------------------------

    def ask_check(self, reader: Reader, page: int = 0) -> Screen:
        """/check alone."""
        question = translator(reader.language)("Which feed shall I read?")
        return self._ask("check", question, reader, page)

    def _ask(self, verb: str, question: str, reader: Reader, page: int) -> Screen:
        configured = self._configured()
        among = choosing.all_named(configured, [Kind.FEED])
        return choosing.choose(verb, question, among, configured, reader, page)

    def feed_of(self, words: str) -> Feed | None:
        """The feed that somebody means."""
        configured = self._configured()
        named = choosing.by_words(words, configured, [Kind.FEED])
        return configured.feed_named(named.name) if named else None

    def feed_by_key(self, key: str) -> Feed | None:
        """The feed of a button."""
        configured = self._configured()
        named = choosing.by_key(key, configured)
        return configured.feed_named(named.name) if named and named.kind is Kind.FEED else None

    def unknown(self, words: str, reader: Reader) -> Screen:
        """No feed is called that."""
        return choosing.unknown(words, choosing.all_named(self._configured(), [Kind.FEED]), reader)

    async def check(self, feed: Feed, reader: Reader) -> Screen:
        """Read a feed now, and say what came and what would become of it. It may take a while."""
        key = Named(Kind.FEED, feed.name).key
        try:
            seen = await self._look(feed, await self._rhythm(feed))
        except SourceError as error:
            return trial_screens.unreadable(feed, key, error, reader)
        now, configured = self._clock.now(), self._configured()
        feed_id = self._number(feed)
        keys = [each.keys for each in seen.found]
        known = await self._database.read(inquiry.known_among, feed_id, keys) if feed_id else [False] * len(keys)
        routes = [route for route in configured.routes.values() if route.feed.name == feed.name]
        reasons = Reasons(reader.language, reader.zone, now, configured.channels)
        came = [
            Came(each.entry, is_known, self._fate(each, routes, now, reasons, configured, reader))
            for each, is_known in reversed(list(zip(seen.found, known, strict=True)))
        ]
        is_first = feed_id is None or await self._database.read(inquiry.is_unread, feed_id)
        trial = Trial(feed, seen.title, came, seen.again.at - now, seen.again.why, is_first)
        return trial_screens.checked(trial, key, reader)

    @staticmethod
    def _fate(
        found: Identified, routes: Sequence[Subscription], now: datetime, reasons: Reasons, configured: Configured,
        reader: Reader,
    ) -> str:  # fmt: skip
        """Where a new entry would go, and why not elsewhere."""
        decided = [(configured.title(route.channel.name), routing.decide(found.entry, route, now)) for route in routes]
        goes = [title for title, decision in decided if decision.verdict is Verdict.PENDING]
        stays = [
            (title, reasons.refused(decision)) for title, decision in decided if decision.verdict is not Verdict.PENDING
        ]
        return trial_screens.fate(goes, stays, reader)

    async def _rhythm(self, feed: Feed) -> Rhythm | None:
        feed_id = self._number(feed)
        rhythm = await self._database.read(feeds.rhythm_of, feed_id) if feed_id else None
        return rhythm if rhythm and rhythm.newest_at else None

    def _number(self, feed: Feed) -> int | None:
        """What the store calls it."""
        configured = self._configured()
        return feed.id or next((each for each, known in configured.feeds.items() if known.url == feed.url), None)

    # --- /preview --------------------------------------------------------------------------------------------

    async def preview(self, words: str, reader: Reader) -> Screen:
        """``/preview feed [channel]``; alone it asks."""
        configured = self._configured()
        if not words:
            return self._ask_preview(reader)
        name, _, last = words.rpartition(" ")
        channel = choosing.by_words(last, configured, [Kind.CHANNEL]) if name else None
        feed = self.feed_of(words) or (self.feed_of(name) if channel else None)
        if feed is None:
            return self.unknown(words, reader)
        return await self._preview(feed, configured.channels[channel.name] if channel else None, reader)

    def _ask_preview(self, reader: Reader, page: int = 0) -> Screen:
        question = translator(reader.language)("Of which feed shall I show the newest post?")
        return self._ask("preview", question, reader, page)

    async def _preview(self, feed: Feed, channel: Channel | None, reader: Reader) -> Screen:
        configured = self._configured()
        key = Named(Kind.FEED, feed.name).key
        routes = [route for route in configured.routes.values() if route.feed.name == feed.name]
        route = next((each for each in routes if channel is None or each.channel.name == channel.name), None)
        shown_in = channel or (route.channel if route else next(iter(configured.channels.values()), None))
        posts = await self._database.read(reports.latest_posts, 1, feed.name)
        if not posts or shown_in is None:
            return trial_screens.nothing_stored(feed, key, reader, has_channel=shown_in is not None)
        (post,) = posts
        subscription = route or Subscription(
            feed, shown_in, template_text=configured.templates.get(shown_in.template, ""), home_timezone=reader.zone.key
        )
        parts = [
            replace(part, thread=None, reply_to=None)
            for part in dressing.dress(post, subscription, bot=self._bot_name())
        ]
        others = [
            (configured.title(each.channel.name), Named(Kind.CHANNEL, each.channel.name).key)
            for each in routes
            if each.channel.name != shown_in.name
        ]
        links = await self._database.read(browse.message_links, self._bot_id, [post.id])
        return trial_screens.previewed(
            parts, configured.title(shown_in.name), (route.id, post.id) if route else None, key, others,
            links.get(post.id), reader,
        )  # fmt: skip

    async def press(self, verb: str, parts: Sequence[str], reader: Reader) -> Screen | None:
        """A button of these screens, but for those that read a feed."""
        configured = self._configured()
        match verb, parts:
            case "check", [turned] if (page := choosing.page_of(turned)) is not None:
                return self.ask_check(reader, page)
            case "preview", [turned] if (page := choosing.page_of(turned)) is not None:
                return self._ask_preview(reader, page)
            case "preview", [key, *rest] if feed := self.feed_by_key(key):
                channel = choosing.by_key(rest[0], configured) if rest else None
                return await self._preview(feed, configured.channels.get(channel.name) if channel else None, reader)
            case "post", [route_id, post_id] if all(each.isdecimal() and len(each) < 19 for each in parts):
                return await self._post(int(route_id), int(post_id), reader)
        return None

    async def _post(self, route_id: int, post_id: int, reader: Reader) -> Screen | None:
        configured, now = self._configured(), self._clock.now()
        route = configured.routes.get(route_id)
        if route is None:
            return None
        done = await self._database.write(stuck.post_now, route, post_id, now)
        log.info("posted by an admin", post=post_id, channel=route.channel.name, outcome=str(done))
        quiet = quiet_until(route.channel.quiet_hours, ZoneInfo(route.channel.timezone), now)
        waits_until = quiet if done is Posted.QUEUED else None
        return trial_screens.posted(done, configured.title(route.channel.name), waits_until, now, reader)
