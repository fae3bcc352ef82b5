"""The server of the pages: who may see what, addresses, and headers.

Beside the path of a post: it reads through the ``load`` it is given and changes nothing. The pages themselves are
``preview.py`` and ``web/``; no page loads anything from another host, but for the pictures of posts where they
are asked for.
"""

import errno
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final, Protocol

import structlog
from aiohttp import ETag, web
from prometheus_client import CONTENT_TYPE_LATEST
from yarl import URL

from bot import render
from bot.errors import BotError, ConfigError
from bot.model import Channel, Language, Shown
from bot.web import preview, status, syndication
from bot.web.preview_words import WORDS
from bot.web.status import Asked
from bot.web.syndication import Syndicated

log = structlog.get_logger()

_PREFIX: Final = re.compile(r"(/[\w.~-]+)*")
#: Where updates arrive; a proxy may keep the path that the outside world sees, so that one is known too.
WEBHOOK_PATH = "/telegram"
DEFAULT_LIMIT = 100  #: posts of a page that asks for no number

#: The posts of a channel, by its own template or by the one that is named.
Load = Callable[[str, str], Awaitable[Sequence[Shown]]]
#: What a channel got, for the document at that address; the second is what the channel is called.
LoadSent = Callable[[Channel, str, str], Awaitable[Syndicated]]
#: Readers of feeds may keep a document for so many seconds.
_FEED_IS_FRESH = 300

#: For whoever watches the process, who has no token; they say yes or no, and nothing else.
_OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", "/static/preview.css", "/static/status.css"})
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action {forms}; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY.format(forms="'none'"),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Vital(Protocol):
    """What the pages ask about the process (``vitals.py``)."""

    async def is_ready(self) -> bool:
        """Whether polling, delivery and updates are on time."""

    async def exposition(self) -> bytes:
        """What Prometheus reads.

        Raises: StorageError.
        """


class Front(Protocol):
    """The page at ``/`` (``web/status.py``)."""

    async def html(self, asked: Asked) -> str:
        """The page.

        Raises: StorageError.
        """

    async def retry(self, delivery_id: int) -> None:
        """Let a delivery be tried again.

        Raises: StorageError.
        """


class Site:
    """The pages and the server under them. ``channels`` and ``titles`` may be replaced while it runs."""

    def __init__(
        self,
        *,
        channels: Mapping[str, Channel],
        load: Load,
        titles: Mapping[str, str],
        is_preview: bool,
        token: str | None,
        now: Callable[[], datetime],
        vitals: Vital,
        front: Front,
        load_sent: LoadSent,
        webhook_path: str | None = None,
    ) -> None:
        self.channels = channels
        self.titles = titles
        self.url = ""  #: where it listens, once it does
        self._load = load
        self._load_sent = load_sent
        self._webhook_paths = () if webhook_path is None else tuple({WEBHOOK_PATH, webhook_path})
        #: Takes what comes by webhook, once the bot listens, and says the status of the answer.
        self.receive: Callable[[str, bytes], Awaitable[int]] | None = None
        self._is_preview = is_preview
        self._token = token
        self._now = now
        self._vitals = vitals
        self._front_page = front
        self._styles = {"preview": preview.stylesheet(), "status": status.stylesheet()}
        self._runner: web.AppRunner | None = None

    def application(self) -> web.Application:
        """A new application that shows this site."""
        application = web.Application(middlewares=[self._guard])
        application.on_response_prepare.append(_set_headers)
        application.router.add_get("/", self._front)
        application.router.add_get("/healthz", self._health)
        application.router.add_get("/readyz", self._ready)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/preview/{channel}", self._preview)
        application.router.add_get("/feeds/{channel}.{form:atom|rss|json}", self._feed)
        for path in self._webhook_paths:
            application.router.add_post(path, self._telegram)
        application.router.add_post("/retry", self._retry)
        application.router.add_get("/static/{name:preview|status}.css", self._stylesheet)
        return application

    async def start(self, host: str, port: int) -> int:
        """Listen, on a free port where ``port`` is 0, and return the port.

        Raises: ConfigError.
        """
        runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except (OSError, OverflowError) as error:
            await runner.cleanup()
            raise ConfigError(_listening_problem(host, port, error)) from error
        self._runner = runner
        actual: int = runner.addresses[0][1]
        self.url = f"http://{_address(host, actual)}"
        return actual

    async def stop(self) -> None:
        """Stop listening; open answers get a second to end."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # --- answers -----------------------------------------------------------------------------------------------

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Ask for the token; say in words what went wrong."""
        is_open = request.path in _OPEN_PATHS or request.path in self._webhook_paths
        if not is_open and not self._is_allowed(request):
            return self._notice(request, 403, "no_token", "no_token_how")
        try:
            return await handler(request)
        except web.HTTPNotFound:
            known = "no_page_known" if self.channels else "no_channels"
            return self._notice(request, 404, "no_page", known, self._channel_links(request))
        except BotError as error:
            log.error("a page could not be shown", path=request.path, error=str(error))
            return self._notice(request, 503, "no_answer", "no_answer_how")

    def _is_allowed(self, request: web.Request) -> bool:
        if not self._token:
            return True
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        given = bearer.strip() if scheme.lower() == "bearer" else request.query.get("token", "")
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._token.encode())

    def _notice(
        self,
        request: web.Request,
        status: int,
        heading: str,
        words: str,
        links: Sequence[tuple[str, str, str]] = (),
    ) -> web.Response:
        """A page of a few words, in the language of the first channel."""
        language = self._language
        said = WORDS[language]
        filled = {"heading": said[heading], "note": said[words], "links": links, "root": _prefix(request)}
        return _html(status, preview.page(language, said[heading], style="", **filled))

    @property
    def _language(self) -> Language:
        return next((channel.language for channel in self.channels.values()), "en")

    def _channel_links(self, request: web.Request) -> list[tuple[str, str, str]]:
        """Address, title and chat of each channel."""
        return [
            (_preview_address(request, name), self.titles.get(name, name), channel.chat)
            for name, channel in self.channels.items()
        ]

    async def _front(self, request: web.Request) -> web.Response:
        page = await self._front_page.html(Asked(request.query, may_act=bool(self._token)))
        response = _html(200, page)
        response.headers["Content-Security-Policy"] = _POLICY.format(forms="'self'")
        return response

    async def _retry(self, request: web.Request) -> web.Response:
        """A button of the status page. Whoever has no token may look and not act: any page of any site could post."""
        if not self._token:
            return self._notice(request, 403, "no_token", "no_token_how")
        chosen = str((await request.post()).get("delivery", ""))
        if chosen.isdecimal() and len(chosen) < 19:
            await self._front_page.retry(int(chosen))
        back = str(URL.build(path="./", query=request.query))
        return web.Response(status=303, headers={"Location": f"{back}#troubles", "Cache-Control": "no-store"})

    async def _health(self, request: web.Request) -> web.Response:  # noqa: ARG002 (a handler's shape)
        return web.Response(text="ok")

    async def _ready(self, request: web.Request) -> web.Response:  # noqa: ARG002 (a handler's shape)
        is_ready = await self._vitals.is_ready()
        said = "ready" if is_ready else "late; `qasedak status` and the status page say what"
        return web.Response(status=200 if is_ready else 503, text=said, headers={"Cache-Control": "no-store"})

    async def _metrics(self, request: web.Request) -> web.Response:  # noqa: ARG002 (a handler's shape)
        return web.Response(body=await self._vitals.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _telegram(self, request: web.Request) -> web.Response:
        """An update, from whoever knows the secret. 503 before the bot listens: Telegram sends it again."""
        if self.receive is None:
            return web.Response(status=503)
        secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        return web.Response(status=await self.receive(secret, await request.read()))

    async def _stylesheet(self, request: web.Request) -> web.Response:
        return web.Response(text=self._styles[request.match_info["name"]], content_type="text/css", charset="utf-8")

    async def _feed(self, request: web.Request) -> web.Response:
        """A channel as a feed; nothing but the headers for a reader who has it already."""
        name = request.match_info["channel"]
        channel = self.channels.get(name)
        if channel is None:
            raise web.HTTPNotFound
        write, media_type = syndication.FORMS[request.match_info["form"]]
        about = await self._load_sent(channel, self.titles.get(name, name), _public_url(request))
        body = write(about)
        tag = sha256(body).hexdigest()[:32]
        headers = {"Cache-Control": f"private, max-age={_FEED_IS_FRESH}", "Vary": "Accept-Encoding"}
        if _is_known(request, tag, about.updated_at):
            response = web.Response(status=304, headers=headers)
        else:
            response = web.Response(body=body, content_type=media_type, charset="utf-8", headers=headers)
            response.enable_compression()
        response.etag = ETag(tag, is_weak=True)  # one for the body and for its packed form
        response.last_modified = about.updated_at
        return response

    async def _preview(self, request: web.Request) -> web.Response:
        name = request.match_info["channel"]
        channel = self.channels.get(name)
        if channel is None:
            raise web.HTTPNotFound
        marks, pictures = request.query.get("marks") == "1", request.query.get("pictures") == "1"
        tabs = list(dict.fromkeys((channel.template, *render.TEMPLATES)))
        template = request.query.get("template", "")
        template = template if template in tabs[1:] else ""
        frame = preview.Frame(
            title=self.titles.get(name, name),
            is_preview=self._is_preview,
            limit=_limit(request.query.get("limit", "")),
            marks=marks,
            pictures=pictures,
            root=_prefix(request),
            marks_address=_with_query(request, marks=None if marks else "1"),
            pictures_address=_with_query(request, pictures=None if pictures else "1"),
            older_address=_with_query(request, limit=str(preview.MAX_LIMIT)),
            templates=tuple(
                preview.Look(
                    tab,
                    ""
                    if tab == (template or channel.template)
                    else _with_query(request, template=tab if tab != channel.template else None),
                )
                for tab in tabs
            ),
            other_template=template,
        )
        response = _html(200, preview.channel_page(channel, await self._load(name, template), frame, self._now()))
        if pictures:  # they are their publishers'; the page asks for them without saying where it stands
            policy = _HEADERS["Content-Security-Policy"]
            response.headers["Content-Security-Policy"] = policy.replace(
                "img-src 'self'", "img-src 'self' https: http:"
            )
        return response


def _html(status: int, page: str) -> web.Response:
    # What no encoding can carry is never a reason not to show the rest.
    body = page.encode("utf-8", "replace")
    headers = {"Cache-Control": "no-store"}
    return web.Response(status=status, body=body, content_type="text/html", charset="utf-8", headers=headers)


async def _set_headers(request: web.Request, response: web.StreamResponse) -> None:  # noqa: ARG001 (a signal's shape)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


def _is_known(request: web.Request, tag: str, updated_at: datetime) -> bool:
    """RFC 9110 13.2.2: a tag outweighs a date; tags are compared weakly."""
    if request.if_none_match is not None:
        return any(known.value in (tag, "*") for known in request.if_none_match)
    since = request.if_modified_since
    return since is not None and updated_at.replace(microsecond=0) <= since


def _public_url(request: web.Request) -> str:
    """This document's address as its reader sees it, before a proxy; without the token, which is nobody else's."""
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme)
    if scheme not in ("http", "https"):
        scheme = request.scheme
    return str(request.url.with_scheme(scheme).with_path(_prefix(request) + request.path))


def _prefix(request: web.Request) -> str:
    """The path under which a proxy shows us, if it says so and could be right."""
    prefix = request.headers.get("X-Forwarded-Prefix", "").rstrip("/")
    return prefix if _PREFIX.fullmatch(prefix) else ""


def _listening_problem(host: str, port: int, error: OSError | OverflowError) -> str:
    place, remedy = _address(host, port), "set QASEDAK_HTTP_PORT to another, or 0"
    if isinstance(error, OverflowError):
        return f"{place}: there is no such port; {remedy}"
    if isinstance(error, PermissionError):
        return f"{place}: the system does not allow this port; {remedy}"
    if error.errno == errno.EADDRINUSE:
        return f"{place}: port taken by another program; {remedy}"
    return (
        f"{place}: cannot listen there ({error.strerror or error}); set QASEDAK_HTTP_HOST to an address of this machine"
    )


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _preview_address(request: web.Request, name: str) -> str:
    query = {"token": request.query["token"]} if "token" in request.query else {}
    return str(URL.build(path=f"{_prefix(request)}/preview/{name}", query=query))


def _with_query(request: web.Request, **changes: str | None) -> str:
    """This page's address with parts of its query changed; None takes one away."""
    query = {key: value for key, value in {**request.query, **changes}.items() if value is not None}
    return str(URL.build(path=_prefix(request) + request.path, query=query))


def _limit(text: str) -> int:
    return min(max(int(text), 1), preview.MAX_LIMIT) if text.isdecimal() and len(text) < 9 else DEFAULT_LIMIT
