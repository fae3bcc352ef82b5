"""(6) Hand a message to the Bot API, or to the local preview; turn every error of python-telegram-bot into ours.

The transport under python-telegram-bot is aiohttp (``AiohttpRequest``): a quarter of httpx's CPU a message, and it
says whether a request was written, which decides between "surely not sent" and "uncertain".
"""

import asyncio
import itertools
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from telegram import Bot, ChatMember, ChatMemberAdministrator, LinkPreviewOptions, MessageEntity
from telegram.error import (
    BadRequest,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    PassportDecryptionError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.error import ChatMigrated as TelegramChatMigrated
from telegram.request import BaseRequest, RequestData

from bot.clock import Clock, SystemClock
from bot.errors import (
    ChatGone,
    ChatMigrated,
    DeliveryError,
    MessageRejected,
    RetryLater,
    RightsMissing,
    TokenRejected,
    Uncertain,
)
from bot.model import PREVIEW_BOT, Message, SentMessage

#: Telegram's own server.
TELEGRAM = "https://api.telegram.org"
#: Below the pool's default idle time of most servers: a stale connection would make a send uncertain.
KEEPALIVE = 10.0
CONNECT_TIMEOUT = 10.0
#: The server may itself wait 8 s out a flood before it answers (NetQueryCreator.cpp), so 5 s would not do.
READ_TIMEOUT = 25.0

# --- transport -----------------------------------------------------------------------------------------------


class NotSent(NetworkError):
    """The request surely never left: no connection was made."""


class AiohttpRequest(BaseRequest):
    """python-telegram-bot's transport seam on one aiohttp session."""

    def __init__(self, *, connections: int = 32, read_timeout: float = READ_TIMEOUT) -> None:
        self._connections = connections
        self._read_timeout = read_timeout
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float | None:
        """What getUpdates adds its own waiting time to."""
        return self._read_timeout

    async def initialize(self) -> None:
        """Open the session; cookies are kept by nobody and the environment's proxies are not asked."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=KEEPALIVE),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )

    async def shutdown(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002 (one deadline covers it)
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002
    ) -> tuple[int, bytes]:
        """Make one call; the URL holds the token and never reaches a message or a log."""
        if self._session is None:
            raise NotSent("the session is not open")
        timeout = aiohttp.ClientTimeout(
            connect=_seconds(connect_timeout, CONNECT_TIMEOUT),
            sock_connect=_seconds(connect_timeout, CONNECT_TIMEOUT),
            sock_read=_seconds(read_timeout, self._read_timeout),
        )
        try:
            async with self._session.request(method, url, data=_body(request_data), timeout=timeout) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(
                f"no connection to the Bot API ({type(error).__name__}); check the network, or TELEGRAM_API_URL"
            ) from error
        except TimeoutError as error:
            raise TimedOut("no answer from the Bot API in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(f"the connection to the Bot API broke ({type(error).__name__})") from error


def _seconds(given: Any, default: float) -> float:
    return float(given) if isinstance(given, int | float) else default


def _body(request_data: RequestData | None) -> Any:
    if request_data is None:
        return None
    if not request_data.multipart_data:
        return request_data.json_parameters
    form = aiohttp.FormData()
    for name, value in request_data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, media_type) in request_data.multipart_data.items():
        form.add_field(name, content, filename=filename, content_type=media_type)
    return form


def open_bot(token: str, api_url: str = TELEGRAM) -> Bot:
    """Make a client for *token*; nothing is asked yet. One pool for updates, which wait long, one for the rest."""
    # python-telegram-bot 22 warns at every flood limit until it is told which type retry_after shall have.
    os.environ.setdefault("PTB_TIMEDELTA", "1")
    base = api_url.rstrip("/")
    return Bot(
        token,
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
        request=AiohttpRequest(),
        get_updates_request=AiohttpRequest(connections=2),
    )


# --- sending -------------------------------------------------------------------------------------------------

#: What a channel's administrator must be allowed for us to post there, in Telegram's words.
POST_RIGHT = "Post messages"


@dataclass(frozen=True, slots=True)
class ChatReport:
    """What Telegram says of a configured chat. ``problem`` is None when posts can go out."""

    chat_id: int
    title: str
    problem: str | None


class TelegramSender:
    """Sends through one bot."""

    def __init__(self, bot: Bot, clock: Clock | None = None) -> None:
        self._bot = bot
        self._clock = clock or SystemClock()
        self.bot_id = int(bot.token.partition(":")[0])

    async def send(self, chat_id: int, message: Message) -> SentMessage:
        """Send one message as text + entities.

        Raises: DeliveryError, by what to do next.
        """
        try:
            answer = await self._bot.send_message(
                chat_id,
                message.text,
                entities=message_entities(message),
                link_preview_options=link_preview_options(message),
                disable_notification=message.silent,
                message_thread_id=message.thread if message.thread != 1 else None,  # 1 is General: it must be left out
            )
        except TelegramError as error:
            raise explain(error, chat_id) from error
        return SentMessage(answer.message_id, self._clock.now())

    async def resolve(self, chat: str) -> int:
        """Ask for the id of an "@name".

        Raises: DeliveryError.
        """
        try:
            found = await self._bot.get_chat(chat)
        except TelegramError as error:
            raise explain(error, chat) from error
        return int(found.id)

    async def report(self, chat: str) -> ChatReport:
        """Look at a chat and at the bot's rights in it.

        Raises: DeliveryError, when the chat is unknown or the network is down.
        """
        reference = int(chat) if chat.lstrip("-").isdigit() else chat
        try:
            found = await self._bot.get_chat(reference)
            member = await self._bot.get_chat_member(found.id, self.bot_id) if found.id < 0 else None
        except TelegramError as error:
            raise explain(error, chat) from error
        title = found.title or found.full_name or chat
        return ChatReport(int(found.id), title, _missing_right(member) if found.type == "channel" else _absence(member))


def _missing_right(member: ChatMember | None) -> str | None:
    if not isinstance(member, ChatMemberAdministrator):
        return f"the bot is not an administrator; in Telegram: channel administrators -> add it -> {POST_RIGHT}"
    if not member.can_post_messages:
        return f"the bot may not post; in Telegram: channel administrators -> the bot -> {POST_RIGHT}"
    return None


def _absence(member: ChatMember | None) -> str | None:
    gone = member is not None and member.status in (ChatMember.LEFT, ChatMember.BANNED)
    return "the bot is not in this group; add it" if gone else None


def link_preview_options(message: Message) -> LinkPreviewOptions:
    """A message's link preview in python-telegram-bot's class."""
    return LinkPreviewOptions(
        is_disabled=message.link_preview.url is None,
        url=message.link_preview.url,
        prefer_large_media=message.link_preview.prefer_large_media or None,
        show_above_text=message.link_preview.show_above_text or None,
    )


def message_entities(message: Message) -> list[MessageEntity]:
    """A message's entities in python-telegram-bot's class."""
    return [
        MessageEntity(
            entity.type,
            entity.offset,
            entity.length,
            url=entity.url,
            language=entity.language,
            unix_time=datetime.fromtimestamp(entity.unix_time, UTC) if entity.unix_time is not None else None,
            date_time_format=entity.date_time_format,
        )
        for entity in message.entities
    ]


class LocalPreview:
    """Takes every message and sends it nowhere: what the store keeps of a delivery is what the page shows."""

    bot_id = PREVIEW_BOT

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ids = itertools.count(1)

    async def send(self, chat_id: int, message: Message) -> SentMessage:  # noqa: ARG002 (the sender's signature)
        """Accept it."""
        return SentMessage(next(self._ids), self._clock.now())

    async def resolve(self, chat: str) -> int:
        """Never asked: the store gives a preview's targets their ids."""
        raise ChatGone(f"{chat}: the preview knows no chats; this is a bug, please report it")


# --- errors --------------------------------------------------------------------------------------------------

#: What the Bot API's 400 and 403 mean, by their text. It is the only thing to go by: the code is the same for all, and
#: python-telegram-bot lower-cases it. Sources: telegram-bot-api/Client.cpp, fail_query_with_error.
_RIGHTS = re.compile(
    r"need administrator rights|not enough rights|have no write access|chat_write_forbidden|chat_admin_required|"
    r"chat_send_\w+_forbidden|chat_restricted|user_banned_in_channel|message thread not found|topic_closed|"
    r"topic_deleted"
)
_OUTSIDE = re.compile(r"chat not found|bot was kicked|bot is not a member|the group chat was deleted|peer_id_invalid")
_GONE = re.compile(
    r"bot was blocked by the user|user is deactivated|can't initiate conversation|can't send messages to (the )?bot|"
    r"chat_id is empty"
)
_ALBUM_FLOOD = re.compile(r"too many requests: retry after (\d+)")
_MEDIA = re.compile(
    r"failed to get http url content|webpage_curl_failed|wrong type of the web page content|webpage_media_empty|"
    r"wrong file identifier|media_empty|wrong http url|invalid file http url|wrong remote file|image_process_failed|"
    r"photo_invalid_dimensions|photo has unsupported extension|can't upload file by url|group send failed"
)


def explain(error: TelegramError, chat: int | str) -> DeliveryError:
    """Say what to do next about an error of python-telegram-bot. Every class of it is named in ``HANDLED``."""
    for foreign, explained in HANDLED.items():
        if isinstance(error, foreign):
            return explained(error, chat)
    # "Invalid server response" and the like: an answer came, and it may have been a yes.
    return Uncertain(f"chat {chat}: {error.message}")


def _migrated(error: Any, chat: int | str) -> DeliveryError:
    return ChatMigrated(f"chat {chat} is now {error.new_chat_id}", new_chat_id=error.new_chat_id)


def _retry_after(error: Any, chat: int | str) -> DeliveryError:
    span: timedelta = error.retry_after  # a timedelta because of PTB_TIMEDELTA, see open_bot
    return RetryLater(f"chat {chat}: Telegram asks to wait {span.total_seconds():.0f} s", after=span)


def _forbidden(error: TelegramError, chat: int | str) -> DeliveryError:
    said = error.message.lower()
    if _GONE.search(said) and not _is_group(chat):
        return ChatGone(f"chat {chat}: {error.message}")
    return RightsMissing(
        f"chat {chat}: {error.message}; make the bot an administrator there with the right {POST_RIGHT}"
    )


def _bad_request(error: TelegramError, chat: int | str) -> DeliveryError:
    said = error.message.lower()
    if flood := _ALBUM_FLOOD.search(said):
        return RetryLater(f"chat {chat}: {error.message}", after=timedelta(seconds=int(flood[1])))
    if _RIGHTS.search(said) or (_OUTSIDE.search(said) and _is_group(chat)):
        return RightsMissing(
            f"chat {chat}: {error.message}; check its name, and make the bot an administrator there with the right "
            f"{POST_RIGHT}"
        )
    if _OUTSIDE.search(said) or _GONE.search(said):
        return ChatGone(f"chat {chat}: {error.message}")
    return MessageRejected(f"chat {chat}: {error.message}", media=bool(_MEDIA.search(said)))


def _is_group(chat: int | str) -> bool:
    """Groups and channels have negative ids; only they have public names that we are given."""
    return chat.startswith(("@", "-")) if isinstance(chat, str) else chat < 0


def _bad_token(_error: TelegramError, _chat: int | str) -> DeliveryError:
    return TokenRejected("TELEGRAM_BOT_TOKEN: Telegram does not know this token; copy it anew from @BotFather")


def _conflict(error: TelegramError, _chat: int | str) -> DeliveryError:
    return RetryLater(f"{error.message}; stop the other program that uses this token")


def _not_sent(error: TelegramError, _chat: int | str) -> DeliveryError:
    return RetryLater(error.message)


def _uncertain(error: TelegramError, chat: int | str) -> DeliveryError:
    if "misdirected request" in error.message.lower():  # 421: a Bot API server of one's own, which serves other bots
        return _bad_token(error, chat)
    return Uncertain(f"chat {chat}: {error.message}")


#: In order: BadRequest and TimedOut are NetworkErrors themselves.
HANDLED: dict[type[TelegramError], Callable[[Any, int | str], DeliveryError]] = {
    TelegramChatMigrated: _migrated,
    RetryAfter: _retry_after,
    Forbidden: _forbidden,
    EndPointNotFound: _bad_token,
    InvalidToken: _bad_token,
    Conflict: _conflict,
    BadRequest: _bad_request,
    NotSent: _not_sent,
    TimedOut: _uncertain,
    NetworkError: _uncertain,
    PassportDecryptionError: _uncertain,
}


async def shut_down(bot: Bot) -> None:
    """Close both of a bot's sessions."""
    await asyncio.gather(bot.shutdown(), return_exceptions=True)
