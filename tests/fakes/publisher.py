"""A publisher's web server on loopback, programmed path by path, and builders of small feeds.

It answers conditional requests by comparing bytes, keeps every request as it came over the wire, and can be as
rude as publishers are: redirects, drips, dropped connections, lengths that lie. It must not tidy what it is
given; a test that wants a broken answer gets exactly that one.
"""

import asyncio
import gzip as gzip_format
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Self
from xml.sax.saxutils import escape, quoteattr

from aiohttp import web

RSS_TYPE = "application/rss+xml; charset=utf-8"

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Headers = Mapping[str, str] | Sequence[tuple[str, str]]
Fields = Mapping[str, Any]  #: of one item: see ``rss`` and ``atom``


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: ``path_qs`` and ``headers`` are what was on the wire, nothing decoded."""

    method: str
    path_qs: str
    headers: list[tuple[bytes, bytes]]
    time: datetime  #: by the publisher's clock, which a test may fake
    mono: float  #: by the real one

    def header(self, name: str) -> bytes | None:
        """The first value under ``name``, None if it was not sent."""
        wanted = name.lower().encode()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


class Publisher:
    """``async with Publisher() as publisher: publisher.serve("/feed", rss(...))``.

    A path is looked up with its query first, then without; what is not programmed is 404. Programming a path
    again replaces the answer.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] | None = None,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self.most_at_once = 0  #: the largest number of requests that were being answered together
        self.host = host
        self.port = 0
        self._tls = tls
        self._now = now or (lambda: datetime.now(UTC))
        self._handlers: dict[str, Handler] = {}
        self._open = 0
        self._closing = asyncio.Event()
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        # A header of 64 KiB is a case of its own; the default refuses above 8 KiB.
        server = web.Server(self._answer, access_log=None, max_line_size=65536, max_field_size=65536)
        self._runner = web.ServerRunner(server, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, 0, ssl_context=self._tls).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def origin(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"

    def url(self, path: str) -> str:
        """The address of a path, which is appended as it stands."""
        return self.origin + path

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [request.path_qs for request in self.requests]

    def forget(self) -> None:
        """Empty ``requests``; the programme stays."""
        self.requests.clear()
        self.most_at_once = 0

    # --- the programme -------------------------------------------------------------------------------------

    def serve(
        self,
        path: str,
        body: bytes | str,
        *,
        content_type: str | None = RSS_TYPE,
        status: int = 200,
        headers: Headers = (),
        etag: str | None = None,
        last_modified: str | None = None,
        gzip: bool = False,
    ) -> None:
        """Answer with ``body``, or 304 to a validator that equals ``etag`` or ``last_modified`` byte for byte.

        With both sent, If-None-Match decides alone (RFC 9110, 13.2.2). The 304 carries ``headers`` too.
        ``gzip`` compresses whether the client accepts it or not: what it accepts is in ``requests``.
        """
        content = body.encode() if isinstance(body, str) else body
        content = gzip_format.compress(content, mtime=0) if gzip else content
        sent = _pairs(headers)
        sent += [("ETag", etag)] if etag is not None else []
        sent += [("Last-Modified", last_modified)] if last_modified is not None else []
        described = sent + ([("Content-Type", content_type)] if content_type is not None else [])
        described += [("Content-Encoding", "gzip")] if gzip else []

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            if status == 200 and _is_unchanged(request, etag, last_modified):
                return web.Response(status=304, headers=sent)
            return web.Response(status=status, body=content, headers=described)

        self.handle(path, answer)

    def redirect(self, path: str, to: str, status: int = 302, *, headers: Headers = ()) -> None:
        """``to`` goes into Location as it stands: relative, empty, absolute, or nonsense."""
        self.serve(path, b"", content_type=None, status=status, headers=[*_pairs(headers), ("Location", to)])

    def handle(self, path: str, handler: Handler) -> None:
        """Give a path to a function of the test."""
        self._handlers[path] = handler

    def remove(self, path: str) -> None:
        """Let a path be 404 again."""
        self._handlers.pop(path, None)

    def raw(self, path: str, wire: bytes) -> None:
        """Write ``wire`` as the whole answer, status line included, and close the connection."""

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            _write(request, wire)
            return _hang_up(request)

        self.handle(path, answer)

    def drop(self, path: str) -> None:
        """Close the connection without a word."""
        self.raw(path, b"")

    def truncate(self, path: str, body: bytes, *, length: int, content_type: str = RSS_TYPE) -> None:
        """Promise ``length`` bytes in Content-Length, send ``body``, and close."""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
        self.raw(path, head.encode() + body)

    def cut_gzip(self, path: str, body: bytes, *, keep: int) -> None:
        """An honest length and only the first ``keep`` bytes of the gzip stream: nothing but gzip can tell."""
        content = gzip_format.compress(body, mtime=0)[:keep]
        self.serve(path, content, headers={"Content-Encoding": "gzip"})

    def drip(self, path: str, body: bytes, *, piece: int = 1, pause: float = 0.05, in_head: bool = False) -> None:
        """Send ``body`` in pieces with real pauses; ``in_head`` drips endless header lines before it instead."""

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            if in_head:
                _write(request, b"HTTP/1.1 200 OK\r\n")
                while not await self._closed_within(pause) and not _is_gone(request):
                    _write(request, b"X-Drip: 1\r\n")
                return _hang_up(request)
            _write(request, f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode())
            for start in range(0, len(body), piece):
                if _is_gone(request) or await self._closed_within(pause):
                    break
                _write(request, body[start : start + piece])
            return _hang_up(request)

        self.handle(path, answer)

    def hang(self, path: str) -> None:
        """Take the request and never answer."""

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            while not await self._closed_within(0.05) and not _is_gone(request):
                pass
            return _hang_up(request)

        self.handle(path, answer)

    async def _closed_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return False
        return True

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        target = request.raw_path
        self.requests.append(Request(request.method, target, list(request.raw_headers), self._now(), time.monotonic()))
        handler = self._handlers.get(target) or self._handlers.get(target.partition("?")[0])
        if handler is None:
            return web.Response(status=404, text="no such path")
        self._open += 1
        self.most_at_once = max(self.most_at_once, self._open)
        try:
            return await handler(request)
        finally:
            self._open -= 1


def _pairs(headers: Headers) -> list[tuple[str, str]]:
    return list(headers.items() if isinstance(headers, Mapping) else headers)


def _is_unchanged(request: web.BaseRequest, etag: str | None, last_modified: str | None) -> bool:
    sent = {key.lower(): value for key, value in request.raw_headers}
    if b"if-none-match" in sent:
        return etag is not None and sent[b"if-none-match"] == etag.encode()
    return last_modified is not None and sent.get(b"if-modified-since") == last_modified.encode()


def _write(request: web.BaseRequest, wire: bytes) -> None:
    if request.transport is not None:
        # Past aiohttp on purpose: it would add headers and refuse the broken ones.
        request.transport.write(wire)


def _is_gone(request: web.BaseRequest) -> bool:
    return request.transport is None or request.transport.is_closing()


def _hang_up(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return web.Response()  # goes nowhere; the protocol wants one


# --- feeds ---------------------------------------------------------------------------------------------------


def rss(
    title: str = "Garden notes",
    items: Sequence[Fields] = (),
    *,
    link: str = "https://garden.example/",
    language: str | None = None,
    description: str = "",
    extra: str = "",
) -> bytes:
    """An RSS 2.0 document.

    An item's fields: title, link, guid (not a permalink unless ``permalink`` is true), pubDate (text or an aware
    datetime), description, content, author, categories, enclosure (an address, or url/type/length by name), and
    ``extra`` like the parameter of that name: XML put in as it stands. What is absent is left out.
    """
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
        ' xmlns:media="http://search.yahoo.com/mrss/">',
        f"<channel>{_tag('title', title)}{_tag('link', link)}<description>{escape(description)}</description>",
        _tag("language", language) + extra,
        *(_rss_item(fields) for fields in items),
        "</channel></rss>",
    ]
    return "\n".join(parts).encode()


def _rss_item(fields: Fields) -> str:
    published = fields.get("pubDate")
    if isinstance(published, datetime):
        published = format_datetime(published)
    guid = fields.get("guid")
    permalink = "true" if fields.get("permalink") else "false"
    parts = [
        _tag("title", fields.get("title")),
        _tag("link", fields.get("link")),
        "" if guid is None else f'<guid isPermaLink="{permalink}">{escape(guid)}</guid>',
        _tag("pubDate", published),
        _tag("description", fields.get("description")),
        _tag("content:encoded", fields.get("content")),
        _tag("dc:creator", fields.get("author")),
        *(_tag("category", category) for category in fields.get("categories", ())),
    ]
    if "enclosure" in fields:
        attributes = {"length": "0", "type": "image/jpeg"} | _enclosure(fields)
        parts.append(_empty("enclosure", attributes))
    return f"<item>{''.join(parts)}{fields.get('extra', '')}</item>"


def _tag(name: str, text: str | None) -> str:
    return "" if text is None else f"<{name}>{escape(text)}</{name}>"


def _empty(name: str, attributes: Mapping[str, str]) -> str:
    return f"<{name} {' '.join(f'{key}={quoteattr(value)}' for key, value in attributes.items())}/>"


def _enclosure(fields: Fields) -> dict[str, str]:
    enclosure = fields["enclosure"]
    return {"url": enclosure} if isinstance(enclosure, str) else {key: str(value) for key, value in enclosure.items()}


def atom(
    title: str = "Garden notes",
    items: Sequence[Fields] = (),
    *,
    link: str = "https://garden.example/",
    feed_id: str = "urn:garden",
    updated: str | datetime = "2026-11-23T08:00:00Z",
    language: str | None = None,
    extra: str = "",
) -> bytes:
    """An Atom document from the same fields as ``rss``.

    guid becomes id, pubDate becomes published (and updated, unless ``updated`` is given), description becomes
    summary; content and description are HTML.
    """
    lang = "" if language is None else f" xml:lang={quoteattr(language)}"
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<feed xmlns="http://www.w3.org/2005/Atom"{lang}>{_tag("title", title)}{_tag("id", feed_id)}',
        _tag("updated", _iso(updated)) + _empty("link", {"href": link}) + extra,
        *(_atom_entry(fields) for fields in items),
        "</feed>",
    ]
    return "\n".join(parts).encode()


def _atom_entry(fields: Fields) -> str:
    published = _iso(fields.get("pubDate"))
    parts = [
        _tag("title", fields.get("title")),
        _tag("id", fields.get("guid")),
        "" if fields.get("link") is None else _empty("link", {"rel": "alternate", "href": fields["link"]}),
        _tag("published", published),
        _tag("updated", _iso(fields.get("updated", published))),
        "" if fields.get("author") is None else f"<author>{_tag('name', fields['author'])}</author>",
        *(_empty("category", {"term": category}) for category in fields.get("categories", ())),
    ]
    for name, key in (("summary", "description"), ("content", "content")):
        if fields.get(key) is not None:
            parts.append(f'<{name} type="html">{escape(fields[key])}</{name}>')
    if "enclosure" in fields:
        attributes = {"rel": "enclosure", "type": "image/jpeg"} | _enclosure(fields)
        attributes["href"] = attributes.pop("url")
        parts.append(_empty("link", attributes))
    return f"<entry>{''.join(parts)}{fields.get('extra', '')}</entry>"


def _iso(when: str | datetime | None) -> str | None:
    return when.isoformat() if isinstance(when, datetime) else when
