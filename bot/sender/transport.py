"""The connection to the Bot API: python-telegram-bot's transport seam on aiohttp.

A quarter of httpx's CPU a message, and it says whether a request was written, which decides between "surely not sent"
and "uncertain". Knows no message; the token is in its addresses and never reaches a log.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import aiohttp
import structlog
from telegram import Bot, Update
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

log = structlog.get_logger()

#: Telegram's own server.
TELEGRAM = "https://api.telegram.org"
#: Below the pool's default idle time of most servers: a stale connection would make a send uncertain.
KEEPALIVE = 10.0
CONNECT_TIMEOUT = 10.0
#: The server may itself wait 8 s out a flood before it answers (NetQueryCreator.cpp), so 5 s would not do.
READ_TIMEOUT = 25.0


class NotSent(NetworkError):
    """The request surely never left: no connection was made."""


class AiohttpRequest(BaseRequest):
    """python-telegram-bot's transport seam on one aiohttp session."""

    def __init__(
        self,
        *,
        connections: int = 32,
        read_timeout: float = READ_TIMEOUT,
        on_answer: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_answer = on_answer  # called for each answer that is a yes
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
                body = await answer.read()
                if answer.status == 200:
                    self._on_answer()
                return answer.status, body
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(
                f"no connection to the Bot API ({type(error).__name__}); check the network, or TELEGRAM_API_URL"
            ) from error
        except TimeoutError as error:
            raise TimedOut("no answer from the Bot API in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(f"the connection to the Bot API broke ({type(error).__name__})") from error


class UpdatesRequest(AiohttpRequest):
    """The transport of getUpdates: what python-telegram-bot cannot read is emptied, or it would ask for it for ever."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> Any:
        """The answer as JSON."""
        answer = BaseRequest.parse_json_payload(payload)
        updates = answer.get("result")
        if isinstance(updates, list):
            answer["result"] = [update if _is_readable(update) else _emptied(update) for update in updates]
        return answer


def _is_readable(update: Any) -> bool:
    try:
        Update.de_json(update, None)
    except Exception as error:  # whatever it makes of what a later Bot API sends
        log.error("update not understood", update=update.get("update_id"), error=type(error).__name__)
        return False
    return True


def _emptied(update: Any) -> dict[str, Any]:
    return {"update_id": update["update_id"]}


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


def open_bot(token: str, api_url: str = TELEGRAM, *, on_updates: Callable[[], None] = lambda: None) -> Bot:
    """Make a client for *token*; nothing is asked yet. One pool for updates, which wait long, one for the rest.

    *on_updates* is called whenever Telegram answered the question for updates.
    """
    # python-telegram-bot 22 warns at every flood limit until it is told which type retry_after shall have.
    os.environ.setdefault("PTB_TIMEDELTA", "1")
    base = api_url.rstrip("/")
    return Bot(
        token,
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
        request=AiohttpRequest(),
        get_updates_request=UpdatesRequest(connections=2, on_answer=on_updates),
    )


async def shut_down(bot: Bot) -> None:
    """Close both of a bot's sessions."""
    await asyncio.gather(bot.shutdown(), return_exceptions=True)
