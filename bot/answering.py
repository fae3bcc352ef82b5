"""The part of a process that answers people: makes ``commands/`` and what it hands on to, starts and stops them.

Wiring for ``app.py``, which is the only one that makes it; what is answered is decided elsewhere.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from telegram import Bot

from bot.admin.adding import Admin
from bot.admin.approvals import Approvals, Office
from bot.admin.choosing import Configured
from bot.admin.control import Control
from bot.admin.daily_card import DailyCard
from bot.admin.desk import Desk
from bot.admin.feed_list import FeedList
from bot.admin.overseeing import Overseeing
from bot.admin.pausing import Pausing
from bot.admin.queueing import Queueing
from bot.admin.trying import Trying
from bot.clock import Clock
from bot.commands.claim import CLAIM_WINDOW, Claim
from bot.commands.counter import Counter
from bot.commands.hand_posts import HandPosts
from bot.commands.showing import Post
from bot.commands.updates import ALLOWED_UPDATES, Commands
from bot.config.reading import Config, Settings
from bot.errors import BotError, DeliveryError, TokenRejected
from bot.model import Changes
from bot.personal import House
from bot.sender import username_of
from bot.sources.feed import FeedSource
from bot.storage import reports
from bot.storage.baton import Baton
from bot.storage.database import Database
from bot.storage.feeds import Routes
from bot.turns import HostTurns
from bot.web.site import Site
from bot.web.webhook import Webhook, WebhookPlace

#: Until the Bot API answers for the first time.
RETRY_START = timedelta(seconds=30)
#: So long another process may still ask for updates that was told not to.
CONFLICT_PATIENCE = timedelta(minutes=1)

log = structlog.get_logger()


async def introduce(bot: Bot, clock: Clock, say: Callable[[str], None]) -> str:
    """Say who we are to Telegram; an outage is waited out. The bot's name.

    Raises: TokenRejected.
    """
    while True:
        try:
            return await username_of(bot)
        except TokenRejected:
            raise
        except DeliveryError as error:
            say(f"Telegram: {error}; trying again every {RETRY_START.seconds} s")
            await clock.sleep(RETRY_START.total_seconds())


@dataclass
class Answering:
    """What answers people, and what it needs of the rest of the process."""

    bot: Bot
    database: Database
    clock: Clock
    settings: Settings = field(kw_only=True)
    turns: HostTurns = field(kw_only=True)
    feeds: FeedSource = field(kw_only=True)
    pace: Callable[[int], AbstractAsyncContextManager[None]] = field(kw_only=True)
    office: Callable[[], Awaitable[Office]] = field(kw_only=True)  #: where admins are told, and how they read
    post: Post = field(kw_only=True)  #: hands a post over as the outbox would
    titles: Callable[[], Mapping[str, str]] = field(kw_only=True)  #: of channels, as Telegram says
    approvals: Approvals | None = field(kw_only=True)
    heard: Callable[[], None] = field(kw_only=True)  #: told whenever Telegram answered the question for updates
    state: Callable[[], tuple[Config, Routes, House]] = field(kw_only=True)  #: what feeds.yaml says now
    read_config: Callable[[Path], Config] = field(kw_only=True)
    reload: Callable[[], Awaitable[Changes]] = field(kw_only=True)
    keep_open: Callable[[str, str | None], Awaitable[int | None]] = field(kw_only=True)
    give_up: Callable[[BotError], None] = field(kw_only=True)
    say: Callable[[str], None] = field(kw_only=True)
    _commands: Commands | None = field(default=None, init=False)
    _webhook: Webhook | None = field(default=None, init=False)
    _baton: Baton = field(init=False)
    _conflicts: tuple[datetime, datetime] | None = field(default=None, init=False)  # the first and the last of a row

    def __post_init__(self) -> None:
        self._baton = Baton(self.database, int(self.bot.token.partition(":")[0]))

    @property
    def claim(self) -> Claim | None:
        """The link for the first admin, while there is none."""
        return self._commands.claim if self._commands else None

    async def start(self, site: Site | None) -> str:
        """Say who we are to Telegram and begin to answer; an outage is waited out. The bot's name.

        Raises: TokenRejected.
        """
        name = await introduce(self.bot, self.clock, self.say)
        self._commands = commands = self._make_commands()
        self._webhook = self._make_webhook(commands, site)
        config, _, _ = self.state()
        if not config.admins and not await self.database.read(reports.admin_ids):
            commands.claim = Claim(self.clock.now() + CLAIM_WINDOW)
        # Of several processes one asks for updates, see take_turn.
        commands.is_polled = commands.is_polled and not self.database.is_shared
        await commands.start()
        return name

    async def take_turn(self) -> None:
        """Ask for updates where no other process of the bot does; leave it where another took over. Once a second."""
        commands = self._commands
        if commands is None or self._webhook is not None or not self.database.is_shared:
            return
        has_it = await self._baton.take()
        if has_it and not commands.is_listening:
            log.info("asking for updates")
            self.heard()
            self._conflicts = None
            await commands.listen()
        elif not has_it and commands.is_listening:
            log.warning("another process asks for updates")
            await commands.leave()

    @property
    def is_listening(self) -> bool:
        """Whether updates come here, by webhook or since we ask for them."""
        return self._webhook is not None or (self._commands is not None and self._commands.is_listening)

    def _conflicted(self, problem: str) -> None:
        """Somebody else asks for updates of this bot: for a moment that is who had the baton before."""
        now = self.clock.now()
        since, last = self._conflicts or (now, now)
        since = since if now - last < CONFLICT_PATIENCE else now
        self._conflicts = (since, now)
        if not self.database.is_shared or now - since > CONFLICT_PATIENCE:
            self.give_up(TokenRejected(problem))

    def configure(self, config: Config, house: House) -> None:
        """Go on with what feeds.yaml says now."""
        if self._commands is not None:
            self._commands.configure(config.language, config.zone, config.admins, house)
            self._commands.is_open = config.is_open

    async def tend(self) -> None:
        """Let the card in the admin chat say what needs a person now."""
        if self._commands is not None and self._commands.card is not None and self.is_listening:
            await self._commands.card.tend()  # of several processes, the one that people talk to

    async def keep_webhook(self) -> None:
        """See that Telegram still knows where updates go, where it calls us."""
        if self._webhook is not None:
            await self._webhook.keep()

    async def stop(self) -> None:
        """Stop listening; the answer under way is finished."""
        if self._commands is not None:
            await self._commands.stop()
        await self._baton.drop()

    def _make_commands(self) -> Commands:
        config, _, house = self.state()
        commands = Commands(
            self.bot,
            self.database,
            self.clock,
            language=config.language,
            zone=config.zone,
            admins=config.admins,
            house=house,
            on_conflict=self._conflicted,
        )
        bot_id = int(self.bot.token.partition(":")[0])
        commands.hand_posts = HandPosts(
            self.database, bot_id, self.clock, lambda: self.state()[1].subscriptions.values()
        )
        desk = Desk(
            self.turns,
            self.feeds,
            self.clock,
            config=lambda: self.state()[0],
            read=self.read_config,
            reload=self.reload,
        )
        commands.pace = self.pace
        commands.showing.post = self.post
        commands.open(desk, self.keep_open)
        commands.is_open = config.is_open
        commands.approvals = self.approvals
        commands.admin = Admin(self.bot, desk, self.clock, commands.is_admin)
        commands.counter = Counter(self._make_control(desk, commands), commands.showing, commands.recall)
        return commands

    def _make_control(self, desk: Desk, commands: Commands) -> Control:
        bot_id = int(self.bot.token.partition(":")[0])
        shared = (self.database, self.clock, bot_id, self.configured)
        overseeing = Overseeing(*shared)
        commands.card = DailyCard(
            self.bot, commands.showing.answers, self.database, self.clock,
            office=self.office, facts=overseeing.what_needs,
        )  # fmt: skip
        return Control(
            is_admin=commands.is_admin,
            overseeing=overseeing,
            queueing=Queueing(*shared),
            pausing=Pausing(*shared),
            trying=Trying(*shared, look=desk.look, bot_name=lambda: self.bot.username),
            feed_list=FeedList(*shared, desk),
        )

    def configured(self) -> Configured:
        """What feeds.yaml says now, as admins see it."""
        config, routes, house = self.state()
        return Configured(
            language=config.language,
            zone=config.zone,
            channels=config.channels,
            feeds=house.feeds,
            routes=routes.subscriptions,
            titles=self.titles(),
            templates=config.templates,
            pace=config.pace,
        )

    def _make_webhook(self, commands: Commands, site: Site | None) -> Webhook | None:
        url, secret = self.settings.webhook_url, self.settings.webhook_secret
        if url is None or secret is None or site is None:
            return None
        commands.is_polled = False
        place = WebhookPlace(url, secret)
        webhook = Webhook(commands.bot, place, allowed_updates=ALLOWED_UPDATES, take=commands.take, heard=self.heard)
        site.receive = webhook.receive
        return webhook
