"""The first thing an operator reads: what was started, with what, what is missing, and what comes next.

``app.py`` says when; nothing is decided here.
"""

from collections.abc import Callable
from datetime import datetime

from bot.clock import Clock
from bot.commands.claim import CLAIM_WINDOW, Claim
from bot.config.reading import Config
from bot.errors import DeliveryError
from bot.model import Channel
from bot.roles import EVERYTHING, Role, written
from bot.sender import TelegramSender

Say = Callable[[str], None]


class StartReport:
    """Says it line by line."""

    def __init__(self, say: Say, config: Config, clock: Clock) -> None:
        self._say, self._config, self._clock = say, config, clock

    def tell_settings(self, database: str) -> None:
        """What was read, and where it is kept."""
        self._say(f"Configuration  {self._config.path}")
        self._say(f"Database       {database}")

    def tell_roles(self, roles: frozenset[Role]) -> None:
        """What this process leaves to others."""
        if roles != EVERYTHING:
            self._say(f"Roles          {written(roles)}")

    def tell_no_bot(self) -> None:
        """There is no token."""
        self._say("Bot            none: without TELEGRAM_BOT_TOKEN nothing leaves this machine")

    def tell_bot(self, name: str) -> None:
        """Who we are to Telegram."""
        self._say(f"Bot            @{name}")

    def tell_claim(self, name: str, claim: Claim | None) -> None:
        """How the first admin comes."""
        if claim is not None:
            minutes = int(CLAIM_WINDOW.total_seconds() // 60)
            link = f"https://t.me/{name}?start={claim.payload}"
            self._say(f"Admin          Open {link} within {minutes} minutes to become admin")

    async def tell_channels(self, sender: TelegramSender) -> dict[str, str]:
        """Each channel with a tick, or a cross and what is missing; their titles by name."""
        titles: dict[str, str] = {}
        real = {subscription.channel.chat for subscription in self._config.subscriptions}
        for channel in self._config.channels.values():
            if channel.chat in real:
                self._say(f"Channel        {await self._describe(sender, channel, titles)}")
        return titles

    async def _describe(self, sender: TelegramSender, channel: Channel, titles: dict[str, str]) -> str:
        try:
            report = await sender.report(channel.chat)
        except DeliveryError as error:
            return f"✗ {channel.name}: {error}"
        titles[channel.name] = report.title
        return f"✗ {channel.name}: {report.problem}" if report.problem else f"✓ {channel.name} ({report.title})"

    def tell_pages(self, url: str | None) -> None:
        """What is left out of the routes, and where the pages are."""
        for refusal in self._config.refused:
            self._say(f"Not sent       {refusal}")
        if url is not None:
            self._say(f"Status         {url}/")
            for name in self._config.channels:
                self._say(f"Preview        {url}/preview/{name}")

    def tell_next_reading(self, following: tuple[str, datetime] | None) -> None:
        """Which feed is read next, and when."""
        if following is not None:
            name, at = following
            local = max(at, self._clock.now()).astimezone(self._config.zone)
            self._say(f"Next reading   {name}, {local:%Y-%m-%d %H:%M:%S} {self._config.timezone}")
