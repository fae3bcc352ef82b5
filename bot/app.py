"""The composition root: settings become objects, here and nowhere else; the order of starting and stopping.

Prints nothing: what a person should read goes through ``say``, which ``cli`` gives.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog
from yarl import URL

from bot import channel_posts, health, labels, metrics, retention
from bot.admin.approvals import Approvals, Office
from bot.answering import Answering, introduce
from bot.clock import Clock, SystemClock
from bot.config.reading import Config, Settings, compare, host_is_loopback, read_config
from bot.config.reloading import Reloader
from bot.errors import BotError, ConfigError
from bot.full_text import FullText
from bot.loops import Crew, Hire, Loop, once_round
from bot.model import Changes, Channel, Feed, FeedKind, Shown
from bot.notices import Notices
from bot.once import Once
from bot.outbox.delivering import Outbox
from bot.outbox.digester import Digester
from bot.outbox.evidence import Evidence
from bot.outbox.gate import Gate
from bot.personal import House
from bot.poller import Poller
from bot.progress import Progress, unseen
from bot.replay import Replayer
from bot.roles import EVERYTHING, Role
from bot.schedule import Schedule
from bot.screens.approval_cards import Reader
from bot.sender import LocalPreview, TelegramProbe, TelegramSender, open_bot, shut_down, username_of
from bot.sources.article import ArticleReader
from bot.sources.feed import FeedSource
from bot.sources.fetch import Fetcher
from bot.sources.parsing import Parser
from bot.sources.picture import fetch_picture
from bot.start_report import StartReport
from bot.storage import ingest, lanes, overview, reports, search, sent, subscribers, waits
from bot.storage.database import Database
from bot.storage.feeds import Routes
from bot.supervisor import Supervisor
from bot.turns import HostTurns
from bot.vitals import Vitals
from bot.watch import watch
from bot.web import syndication
from bot.web.site import Site
from bot.web.status import Setup, StatusPage
from bot.web.syndication import Syndicated

log = structlog.get_logger()

#: SIGTERM gives sends under way this long (contract: the process ends within 20 s).
STOP_PATIENCE = timedelta(seconds=15)
TICK = timedelta(seconds=1)
REPLAY_TICK = timedelta(seconds=30)
#: New posts go into the search index a moment later, in batches that keep no other transaction waiting.
INDEX_TICK, INDEX_BATCH = timedelta(seconds=1), 20
#: How often it is looked at whether Telegram still answers the question for updates, and whether all is well.
LISTEN_TICK, PING_TICK = timedelta(seconds=30), timedelta(seconds=1)
#: How often it is looked at whether something needs a person.
CARD_TICK = timedelta(seconds=30)
#: Rights may come back while no update tells us.
RETRY_PAUSED = timedelta(minutes=10)
#: Whether a worker still takes work.
CREW_TICK = timedelta(seconds=10)
#: Texts are kept for days at least.
KEEP_TICK = timedelta(hours=6)

Say = Callable[[str], None]


class App:
    """Everything that one process needs, made of *settings* and *config*. Open it with ``open``."""

    def __init__(
        self,
        settings: Settings,
        config: Config,
        say: Say,
        clock: Clock | None = None,
        roles: frozenset[Role] = EVERYTHING,
    ) -> None:
        self.settings, self.config, self.roles = settings, config, roles
        self._say = say
        self._clock = clock or SystemClock()
        self.database = Database(settings.database_url)
        self._fetcher = Fetcher(contact=config.contact, allow_private_networks=settings.allow_private_networks)
        self._parser = Parser()
        self._bot = open_bot(settings.token, settings.api_url, on_updates=self._heard) if settings.token else None
        self._sender = self._open_sender()
        self.routes = Routes({}, {})
        self._house = House()
        self._reader = ArticleReader()
        spacing = timedelta(seconds=settings.host_spacing)
        self._turns = HostTurns(self._fetcher, self.database, self._clock, spacing)
        self._feeds = FeedSource(self._fetcher, self._parser, zone=config.zone)
        self._poller = Poller(
            self.database,
            self._feeds,
            self._clock,
            routes=self.routes,
            zone=config.zone,
            host_spacing=spacing,
            articles=FullText(self.database, self._reader, self._turns),
        )
        self._digester = Digester(self.database, self._clock, routes=self.routes, names=self._sender)
        self._outbox = self._open_outbox()
        self._approvals = self._open_approvals()
        self._notices = Notices(
            self._sender,
            self._clock,
            chat_id=config.admin_chat if self._bot else None,
            language=config.language,
            keep=lambda lines, at: self.database.write(overview.add_notices, lines, at),
        )
        self._vitals = self._make_vitals()
        self._status_page = StatusPage(self.database, self._clock, bot_id=self.bot_id, setup=self._setup(config))
        self._replayer = Replayer(self.database, self._clock, routes=self.routes)
        self._reloader = Reloader(
            self._clock,
            path=config.path,
            files=lambda: self.config.files,
            apply=self._read_again,
            say=say,
            tell=self._notices.tell,
            forget=self._notices.forget,
            language=lambda: self.config.language,
        )
        self._site: Site | None = None
        self._answering = self._open_answering()
        self._are_archives_changed = False
        self._watch_anew = asyncio.Event()
        self._stop = asyncio.Event()
        self._fatal: BotError | None = None

    def _heard(self) -> None:
        self._vitals.heard()

    def _make_vitals(self) -> Vitals:
        return Vitals(
            self.database,
            self._clock,
            bot_id=self.bot_id,
            supervisor=Supervisor(),
            roles=self.roles,
            ping_url=self.settings.ping_url,
            call=self._fetcher.call,
        )

    def _setup(self, config: Config) -> Setup:
        """What the status page says of the configuration."""
        return Setup(
            path=str(config.path),
            loaded_at=self._clock.now(),
            language=config.language,
            zone=config.zone,
            pace=config.pace,
            channels=config.channels,
            subscriptions=config.subscriptions,
        )

    def _open_sender(self) -> TelegramSender | LocalPreview:
        if self._bot is None:
            return LocalPreview(self._clock)
        return TelegramSender(self._bot, self._clock, fetch=partial(fetch_picture, self._fetcher.fetch))

    def _open_approvals(self) -> Approvals | None:
        """Without a token there is nobody to ask, and nothing that leaves the machine."""
        if self._bot is None or not isinstance(self._sender, TelegramSender):
            return None
        return Approvals(
            self._bot, self._sender, self.database, self._clock,
            compose=self._outbox.compose, office=self._office, pace=self._outbox.turnstile.answering,
        )  # fmt: skip

    async def _office(self) -> Office:
        came = await self.database.read(reports.admin_ids)
        # Whoever came by the claim link stands for an admin_chat that nobody wrote.
        chat_id = self.config.admin_chat or min(came, default=None)
        reader = Reader(self.config.language, self.config.zone)
        return Office(chat_id, reader, self.routes.subscriptions, frozenset({*self.config.admins, *came}))

    def _open_outbox(self) -> Outbox:
        return Outbox(
            self.database,
            self._sender,
            self._clock,
            subscriptions=self.routes.subscriptions,
            gate=Gate(self.database, self._digester),
            pace=self.config.pace,
            on_uncertain=self.config.on_uncertain,
            evidence=self._evidence(),
        )

    @property
    def bot_id(self) -> int:
        """Whose deliveries these are; 0 is the preview."""
        return self._sender.bot_id

    def _evidence(self) -> Evidence | None:
        if self._bot is None:
            return None
        probe = TelegramProbe(self._bot)
        return Evidence(self.database, probe, self._clock, bot_id=probe.bot_id, places=self._copy_places)

    async def _copy_places(self) -> list[int]:
        """Where copies of uncertain messages may go: the admin chat, else an admin."""
        claimed = await self.database.read(reports.admin_ids)
        return [place for place in (self.config.admin_chat, *self.config.admins, *claimed) if place is not None]

    async def prepare(self) -> None:
        """Bring the database up to date, and into agreement with feeds.yaml."""
        await asyncio.to_thread(self.database.migrate)
        await self.database.write(lanes.inherit, self._clock.now())
        await self._adopt()

    async def _adopt(self) -> None:
        now = self._clock.now()
        routes, opened = await self._routes_of(self.config)
        await self.database.write(waits.reconsider, self.bot_id, now)
        self._follow(self.config, routes, opened)

    async def _routes_of(self, config: Config) -> tuple[Routes, list[Feed]]:
        """The routes of feeds.yaml in the store; and where it is open, the feeds that people follow by address."""
        now = self._clock.now()
        routes = await self.database.write(ingest.adopt, self.bot_id, config.feeds, config.subscriptions, now)
        if not config.is_open:
            return routes, []
        return routes, await self.database.read(subscribers.open_feeds, self.bot_id, routes.feeds)

    async def _learn(self) -> None:
        """Read what people follow by its address since another process of the bot answered them."""
        if self.config.is_open:
            found = await self.database.read(subscribers.open_feeds, self.bot_id, self.routes.feeds)
            self.routes.feeds.update({feed.id: feed for feed in found})

    async def _keep_open(self, url: str, title: str | None) -> int | None:
        """Read a feed from now on that somebody is about to follow by its address; None: no room."""
        feed = Feed("", FeedKind.HTTP, url, title=title)
        feed_id = await self.database.write(subscribers.keep_feed, feed, self._clock.now())
        if feed_id is not None:
            self.routes.feeds.setdefault(feed_id, subscribers.open_feed(feed_id, url))
        return feed_id

    async def reload(self) -> Changes:
        """Read feeds.yaml again and go by it at once; with a mistake in it, everything goes on as before.

        Raises: ConfigError, StorageError.
        """
        return await self._reloader.reload()

    async def _read_again(self) -> Changes:
        config = await asyncio.to_thread(self._read_config, self.config.path)
        now = self._clock.now()
        routes, opened = await self._routes_of(config)
        changes = compare(self.config, config)
        self._follow(config, routes, opened)
        await self.database.write(waits.reconsider, self.bot_id, now)
        return changes

    def _read_config(self, path: Path) -> Config:
        return read_config(path, environment=self.settings.variables(), with_token=self._bot is not None)

    def _follow(self, config: Config, routes: Routes, opened: Sequence[Feed]) -> None:
        """Hand everybody the new records. Nothing here waits: nobody sees half of them."""
        if (config.files, _archives(config)) != (self.config.files, _archives(self.config)):
            self._watch_anew.set()
        self.config, self.routes = config, routes
        self._poller.routes = self._replayer.routes = self._digester.routes = routes
        self._poller.zone, self._poller.learn = config.zone, self._learn
        self._feeds.zone = config.zone
        self._fetcher.contact = config.contact
        # People see the feeds of feeds.yaml; what somebody follows by its address is read, and nobody else's.
        house = self._house = House(dict(routes.feeds), config.language, config.timezone, config.tags, config.templates)
        self._digester.house = house
        routes.feeds.update({feed.id: feed for feed in opened})
        self._outbox.configure(routes.subscriptions, config.pace, config.on_uncertain, house)
        self._notices.configure(config.admin_chat if self._bot else None, config.language)
        self._status_page.setup = self._setup(config)
        if self._site is not None:
            self._site.channels = config.channels
            self._site.titles = {name: self._site.titles.get(name, name) for name in config.channels}
        if self._answering is not None:
            self._answering.configure(config, house)

    def reload_soon(self) -> "asyncio.Task[None]":
        """Read feeds.yaml again, and say how that went: what SIGHUP asks for."""
        self._reload_task = asyncio.get_running_loop().create_task(self._reloader.reload_and_say())
        return self._reload_task

    async def close(self) -> None:
        """Let go of everything, in the opposite order."""
        await self._fetcher.close()
        await asyncio.to_thread(self._parser.close)
        await asyncio.to_thread(self._reader.close)
        if self._bot is not None:
            await shut_down(self._bot)
        await self.database.close()

    # --- once --------------------------------------------------------------------------------------------------

    async def once(self, *, forced: bool, tell: Progress = unseen) -> Once:
        """One pass: read what is due, deliver what is due; *tell* hears how far it is."""
        self._poller.tell = tell
        done = Once(problems=list(self.config.refused))
        await self.prepare()
        if self._bot is not None:
            await username_of(self._bot)
        done.polled = await self._poller.poll_all_due(forced=forced)
        await self._replayer.replay_due()
        await self._digester.digest_due()
        await self._outbox.resume_paused()
        await self._deliver_once(done, tell)
        if self._approvals:
            done.problems += await self._approvals.ask_due(is_patient=True)
            await self._deliver_once(done, tell)  # those for which time ran out
        await self._index_waiting(tell)
        done.later = await self.database.read(reports.count_waiting, self.bot_id)
        if done.is_clean:
            await self._vitals.ping_now()
        return done

    async def _deliver_once(self, done: Once, tell: Progress) -> None:
        while not self._stop.is_set():
            delivered = await self._outbox.deliver_due()
            done.add(delivered)
            tell("deliveries", done.sent)
            if delivered.wait_until is None:
                break
            await self._sleep_until_stopped((delivered.wait_until - self._clock.now()).total_seconds())

    async def _sleep_until_stopped(self, seconds: float) -> None:
        waits = [asyncio.ensure_future(self._stop.wait()), asyncio.ensure_future(self._clock.sleep(max(seconds, 0.01)))]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    def stop(self) -> None:
        """Ask ``run`` or ``once`` to end; sends under way are finished."""
        self._stop.set()
        self._watch_anew.set()
        self._outbox.stop()

    # --- run ---------------------------------------------------------------------------------------------------

    async def run(self, hire: Hire | None = None) -> None:
        """Everything that is our part, until ``stop``; with other workers, where *hire* gets us into their crew.

        Raises: BotError, when it cannot go on.
        """
        with self.database.claim_for_run():
            await self.prepare()
            if Role.POLL in self.roles:
                await self._poller.start()
            if Role.WEB in self.roles:
                await self._start_site()
            schedule = Schedule(on_fatal=self._give_up, on_ended=self._vitals.ended)
            crew = self._hired(hire) if hire else None
            starting = asyncio.create_task(self._start_bot())
            watching = asyncio.create_task(self._watch_files())
            try:
                await self._report_start(starting)
                if crew is not None:
                    await self._join(crew, schedule)
                for loop in () if crew is not None else self.loops():
                    schedule.every(loop.every, loop.name, loop.act)
                await self._vitals.begin(schedule.loops)
                # Who looks at the loops is none of them: a ping that takes long makes nothing late.
                if self._answering is not None:
                    schedule.every(LISTEN_TICK, "listen", self._listen)
                    schedule.every(TICK, "take turn", self._answering.take_turn)
                    schedule.every(CARD_TICK, "card", self._answering.tend)
                schedule.every(PING_TICK, "ping", self._vitals.ping)
                schedule.every(TICK, "follow feeds.yaml", self._reloader.look)
                if self._vitals.pulse_every:
                    schedule.every(self._vitals.pulse_every, "watch", self._vitals.watch)
                schedule.start()
                await self._stop.wait()
            finally:
                log.info("stopping")
                self._outbox.stop()
                starting.cancel()
                watching.cancel()
                await asyncio.gather(starting, watching, return_exceptions=True)
                await asyncio.gather(schedule.stop(STOP_PATIENCE), *([crew.stop()] if crew else []))
                await self._poller.stop()
                await self._vitals.end()
                if self._answering is not None:
                    await self._answering.stop()
                if self._site is not None:
                    await self._site.stop()
        if self._fatal is not None:
            raise self._fatal

    def loops(self) -> list[Loop]:
        """What is done again and again by a process with our roles."""
        every = [
            Loop("poll", TICK, Role.POLL, self._poll),
            Loop("index", INDEX_TICK, Role.POLL, self._index_waiting),
            Loop("keep", KEEP_TICK, Role.POLL, self._let_go),
            Loop("deliver", TICK, Role.DELIVER, self._deliver),
            Loop("replay", REPLAY_TICK, Role.DELIVER, once_round(self._replayer.replay_due)),
            Loop("digest", REPLAY_TICK, Role.DELIVER, once_round(self._digester.digest_due)),
            Loop("resume", RETRY_PAUSED, Role.DELIVER, self._outbox.resume_paused),
        ]
        return [loop for loop in every if loop.role in self.roles]

    def _hired(self, hire: Hire) -> Crew:
        return hire(
            self.database, self.bot_id, self.loops(), self._clock, patience=STOP_PATIENCE, on_fatal=self._give_up
        )

    async def _join(self, crew: Crew, schedule: Schedule) -> None:
        """Work with others from here on, and call them when there is more than we can take."""
        self._poller.more = partial(crew.call, Role.POLL, "poll")
        self._poller.news = self._outbox.more = partial(crew.call, Role.DELIVER, "deliver")
        await crew.start()

        async def look() -> None:
            if not crew.is_at_work():
                raise BotError("no work is taken any more; restart this worker")

        schedule.every(CREW_TICK, "crew", look)

    def _give_up(self, error: BotError) -> None:
        self._fatal = error
        self.stop()

    async def _poll(self) -> timedelta | None:
        await self._poller.mind_the_clock()
        polled = await self._poller.poll_due()
        if self._are_archives_changed:
            self._are_archives_changed = False
            archives = [feed_id for feed_id, feed in self.routes.feeds.items() if feed.kind is FeedKind.ARCHIVE]
            polled.add(await self._poller.poll_due(among=archives, forced=True))
        if any(change.after.moved_to != change.before.moved_to for change in polled.changes):
            await self._adopt()  # where a feed moved to the address of another, their routes are one now
        words, now = labels.catalog(self.config.language), self._clock.now()
        ours = {feed.name for feed in self.config.feeds}  # no person is asked to mend what a subscriber sent
        changes = [change for change in polled.changes if change.feed in ours]
        await self._notices.note(health.describe(each, now, self.config.language, words) for each in changes)
        await self._notices.tell(polled.for_admin)
        metrics.polled(
            read=polled.read,
            unchanged=polled.unchanged,
            failed=polled.failed,
            new=polled.new,
            edited=polled.edited,
        )
        return timedelta() if polled.feed_ids else None

    async def _watch_files(self) -> None:
        """Look sooner at archives, and at feeds.yaml, when somebody changes them."""

        def on_change() -> None:
            self._are_archives_changed = True

        while not self._stop.is_set():
            self._watch_anew.clear()
            archives = _archives(self.config) if Role.POLL in self.roles else []
            async with asyncio.TaskGroup() as group:
                group.create_task(watch(archives, on_change, self._watch_anew))
                group.create_task(watch(self.config.files, self._reloader.hint, self._watch_anew))
            await self._watch_anew.wait()

    async def _deliver(self) -> timedelta | None:
        delivered = await self._outbox.deliver_due()
        unasked = await self._approvals.ask_due() if self._approvals else []
        await self._notices.note(delivered.problems)
        if delivered.problems and self._answering is not None:
            await self._answering.tend()  # a right that is missing is told at once
        await self._notices.tell([*delivered.faults, *unasked])
        metrics.delivered(sent=delivered.sent, dead=delivered.dead)
        return max(delivered.wait_until - self._clock.now(), timedelta()) if delivered.wait_until else None

    async def _let_go(self) -> None:
        await retention.let_go(self.database, self._clock, self.config.keep)

    async def _index_waiting(self, tell: Progress = unseen) -> None:
        done, indexed = 0, INDEX_BATCH
        while indexed == INDEX_BATCH and not self._stop.is_set():
            indexed = await self.database.write(search.index_waiting, INDEX_BATCH)
            done += indexed
            if tell is not unseen:
                tell("search index", done, done + await self.database.read(search.count_waiting))

    async def _listen(self) -> None:
        """See that updates come, and put down when they did."""
        if self._answering is not None:
            await self._answering.keep_webhook()
            await self._vitals.note_updates(are_ours=self._answering.is_listening)

    async def _start_site(self) -> None:
        settings = self.settings
        if settings.http_port == 0:
            return
        if not host_is_loopback(settings.http_host) and not settings.http_token:
            raise ConfigError(
                f"QASEDAK_HTTP_HOST: {settings.http_host} can be reached from other machines; set QASEDAK_HTTP_TOKEN"
            )
        self._site = Site(
            channels=self.config.channels,
            load=self.load_channel,
            titles={name: name for name in self.config.channels},
            is_preview=self._bot is None,
            token=settings.http_token,
            now=self._clock.now,
            vitals=self._vitals,
            front=self._status_page,
            load_sent=self._load_sent,
            webhook_path=URL(settings.webhook_url).path if settings.webhook_url else None,
        )
        await self._site.start(settings.http_host, settings.http_port)

    async def _load_sent(self, channel: Channel, title: str, own_url: str) -> Syndicated:
        """What a channel got, for the feed at that address."""
        found = await self.database.read(sent.sent_posts, self.bot_id, channel.name, syndication.LIMIT)
        return Syndicated(channel, title, self.bot_id, own_url, self.config.timezone, found)

    async def load_channel(self, name: str, template: str) -> Sequence[Shown]:
        """What the preview page shows of a channel; by another template than its own where one is named."""
        seen = channel_posts.Seen(self.database, self.bot_id, name, self.routes.subscriptions, self._sender.bot_name)
        return await (seen.by(template, self.config.templates[template]) if template else seen.as_sent())

    # --- the bot ------------------------------------------------------------------------------------------------

    def _open_answering(self) -> Answering | None:
        """Without a token nobody can ask."""
        if self._bot is None or Role.ANSWER not in self.roles:
            return None
        return Answering(
            self._bot,
            self.database,
            self._clock,
            settings=self.settings,
            turns=self._turns,
            feeds=self._feeds,
            pace=self._outbox.turnstile.answering,
            post=self._sender.send,
            office=self._office,
            titles=lambda: self._status_page.titles,
            approvals=self._approvals,
            heard=self._heard,
            state=lambda: (self.config, self.routes, self._house),
            read_config=self._read_config,
            reload=self.reload,
            keep_open=self._keep_open,
            give_up=self._give_up,
            say=self._say,
        )

    async def _start_bot(self) -> str | None:
        """Say who we are to Telegram, and answer people where that is our part."""
        if self._answering is not None:
            return await self._answering.start(self._site)
        return await introduce(self._bot, self._clock, self._say) if self._bot is not None else None

    async def _report_start(self, starting: "asyncio.Task[str | None]") -> None:
        report = StartReport(self._say, self.config, self._clock)
        report.tell_settings(self.database.name)
        report.tell_roles(self.roles)
        if self._bot is None:
            report.tell_no_bot()
        else:
            # A few seconds: an outage must not keep the page and the reading from starting.
            await asyncio.wait({starting}, timeout=10)
            if starting.done():
                report.tell_bot(starting.result() or "")
                if isinstance(self._sender, TelegramSender):
                    self._name_channels(await report.tell_channels(self._sender))
                report.tell_claim(starting.result() or "", self._answering.claim if self._answering else None)
        report.tell_pages(self._site.url if self._site else None)
        report.tell_next_reading(await self.database.read(reports.next_reading_at))

    def _name_channels(self, titles: Mapping[str, str]) -> None:
        self._status_page.titles = {**self._status_page.titles, **titles}
        if self._site is not None:
            self._site.titles = {**self._site.titles, **titles}


def _archives(config: Config) -> list[str]:
    return [feed.url for feed in config.feeds if feed.kind is FeedKind.ARCHIVE]
