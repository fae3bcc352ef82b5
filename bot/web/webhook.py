"""Updates by webhook instead of long polling: whom we believe that they are Telegram, and that Telegram knows the way.

Beside ``commands/updates.py``, which answers: an update is put in its queue and Telegram has its answer at once. The
secret is compared in constant time; who does not know it learns nothing, not even whether what they sent was an update.
"""

import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from telegram import Bot
from telegram.error import TelegramError

from bot.errors import TokenRejected
from bot.sender import explain

log = structlog.get_logger()

#: In which Telegram sends the secret (Bot API, setWebhook).
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 (a name)


@dataclass(frozen=True, slots=True)
class WebhookPlace:
    """Where Telegram sends updates, and the word by which we know it."""

    url: str
    secret: str


class Webhook:
    """One bot's webhook. ``take`` gets each update as Telegram wrote it; ``heard`` is called while the way is open."""

    def __init__(
        self,
        bot: Bot,
        place: WebhookPlace,
        *,
        allowed_updates: list[str],
        take: Callable[[dict[str, Any]], Awaitable[None]],
        heard: Callable[[], None],
    ) -> None:
        self._bot = bot
        self._place = place
        self._allowed_updates = allowed_updates
        self._take = take
        self._heard = heard
        self._is_set = False
        self._failed_at: datetime | None = None  # of the last delivery that Telegram says failed

    async def receive(self, secret: str, body: bytes) -> int:
        """Take what was sent to us; return the status to answer with."""
        if not hmac.compare_digest(secret.encode("utf-8", "surrogateescape"), self._place.secret.encode()):
            log.warning("forged update refused")
            return 403
        try:
            update = json.loads(body)
        except ValueError:
            return 400
        if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
            return 400
        self._heard()
        await self._take(update)
        return 200

    async def keep(self) -> None:
        """See that Telegram sends updates to us, and say what it complains of. Called at the start and every minute.

        Raises: TokenRejected; other troubles are left for the next time.
        """
        try:
            await self._keep()
        except TelegramError as error:
            explained = explain(error, "webhook")
            if isinstance(explained, TokenRejected):
                raise explained from error
            log.warning("webhook not looked at", problem=str(explained))

    async def _keep(self) -> None:
        found = await self._bot.get_webhook_info()
        # At the start in any case: nobody tells whether Telegram knows the secret that is ours now.
        if not self._is_set or found.url != self._place.url:
            await self._bot.set_webhook(
                self._place.url, secret_token=self._place.secret, allowed_updates=self._allowed_updates
            )
            self._is_set = True
            self._failed_at = found.last_error_date
            log.info("webhook set")
        elif found.last_error_date is not None and found.last_error_date != self._failed_at:
            self._failed_at = found.last_error_date
            log.warning("updates not delivered", problem=found.last_error_message, waiting=found.pending_update_count)
            return
        self._heard()
