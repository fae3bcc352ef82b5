"""(2) Get the bytes of a feed over HTTP: conditional, bounded, and never from an address that is not public.

Knows nothing of feed formats. Redirects are followed by hand, since each hop is a new question of manners and of
safety; bodies are inflated here, since a client that inflates by itself can be made to fill the memory.
"""

import asyncio
import ipaddress
import re
import socket
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from http.client import responses
from types import SimpleNamespace
from urllib.parse import quote, unquote, urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractCookieJar
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from bot import __version__
from bot.errors import FeedGone, FetchError
from bot.model import Feed, FeedKind, Hints, Validators

#: The whole of a fetch, redirects included. aiohttp's own time-outs are per read: a slow drip would never end.
DEADLINE = timedelta(seconds=60)
CONNECT_TIMEOUT = timedelta(seconds=5)
READ_TIMEOUT = timedelta(seconds=15)
#: Of the decoded body.
MAX_BODY_BYTES = 10 * 1024 * 1024
#: Beyond a mebibyte a body that inflates more than this is an attack.
MAX_INFLATION = 100
#: RFC 1952 2.2: a gzip file may have several members; one that has thousands takes quadratic time.
MAX_GZIP_MEMBERS = 100
GZIP_MAGIC = b"\x1f\x8b"
MAX_REDIRECTS = 5
#: Longer validators are dropped, not the feed.
MAX_VALIDATOR_BYTES = 4096
#: No hint of a publisher moves the next reading further away than this; Retry-After may, up to its own cap.
LONGEST_HINT = timedelta(hours=24)
LONGEST_RETRY_AFTER = timedelta(days=7)
ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json;q=0.9, application/xml;q=0.8, text/xml;q=0.8, "
    "*/*;q=0.1"
)
REDIRECTS = (301, 302, 303, 307, 308)
PERMANENT = (301, 308)
#: Below 1024 live mail servers and the like, that a feed's address could be made to talk to.
WELL_KNOWN_PORTS = (80, 443)
#: Everything printable stays as the publisher wrote it: some take ``%2F`` and ``/`` for two things.
_ON_THE_WIRE = "".join(map(chr, range(0x21, 0x7F)))
_BAD_ADDRESS = "its address, or that of a redirect, cannot be asked; correct its url in feeds.yaml"
_AUTHORITY = re.compile(r"\A[^:/?#]*://[^/?#]*")
_USERINFO = re.compile(r"(?<=://)[^/?#]*@")
_MAX_AGE = re.compile(r'(?:^|[,\s])max-age="?([0-9]{1,9})', re.IGNORECASE)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a publisher answered. ``body`` is None when nothing changed (304)."""

    url: str  #: where it came from, after redirects; without user name and password
    body: bytes | None
    content_type: str = ""
    validators: Validators = field(default_factory=Validators)
    hints: Hints = field(default_factory=Hints)


class PrivateAddress(OSError):
    """The name leads to an address that is not public."""


class Fetcher:
    """One client for all feeds: keeps connections, no cookies, no credentials of the environment.

    ``contact`` is replaced when feeds.yaml is read again.
    """

    def __init__(
        self,
        *,
        user_agent: str = f"Qasedak/{__version__}",
        contact: str | None = None,
        allow_private_networks: bool = False,
        deadline: timedelta = DEADLINE,
        connect_timeout: timedelta = CONNECT_TIMEOUT,
        read_timeout: timedelta = READ_TIMEOUT,
    ) -> None:
        self._user_agent = user_agent
        self.contact = contact
        self._allow_private = allow_private_networks
        self._deadline = deadline
        self._timeout = aiohttp.ClientTimeout(
            sock_connect=connect_timeout.total_seconds(), sock_read=read_timeout.total_seconds()
        )
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def fetch(self, feed: Feed, seen: Validators) -> Answer:
        """Ask for *feed*, saying what we have *seen*.

        Raises: FetchError, FeedGone.
        """
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                return await self._follow(feed, seen)
        except TimeoutError:
            seconds = f"{self._deadline.total_seconds():g}"
            raise FetchError(f"too slow, or no complete answer within {seconds} s; it is tried again later") from None
        except aiohttp.ClientConnectorError as error:
            raise _unreachable(error) from error
        except aiohttp.ClientConnectionError as error:
            raise FetchError(f"the connection broke ({type(error).__name__}); it is tried again later") from error
        except aiohttp.ClientPayloadError as error:
            raise FetchError("was cut off on the way; it is tried again later") from error
        except aiohttp.InvalidURL as error:
            raise FetchError(_BAD_ADDRESS) from error
        except aiohttp.ClientError as error:
            raise FetchError(f"not a usable answer ({type(error).__name__}); open the address in a browser") from error
        # yarl, idna and the codecs answer some addresses with these. Their texts may hold the address, and so a
        # password.
        except (ValueError, OSError) as error:
            raise FetchError(_BAD_ADDRESS) from error

    async def call(self, url: str) -> None:
        """Ask for an address that is no feed, for the sake of being heard.

        Raises: FetchError, FeedGone.
        """
        await self.fetch(Feed("", FeedKind.HTTP, url), Validators())

    async def _follow(self, feed: Feed, seen: Validators) -> Answer:
        configured, credentials = _without_userinfo(feed.url)
        private = {**feed.headers}
        if credentials and "authorization" not in {name.lower() for name in private}:
            private["Authorization"] = credentials
        url = feed.moved_to or configured
        path = _Path()
        for _hop in range(MAX_REDIRECTS + 1):
            if url in path.visited:
                raise FetchError(f"redirects in a circle at {display_url(url)}; open the address in a browser")
            path.visited.add(url)
            own = private if _may_hear(url, configured) else {}
            place = _place(url, own)
            headers = self._headers(feed, own)
            headers.update(_conditions(place, seen))
            async with self._get(url, headers) as response:
                if response.status in REDIRECTS and "Location" in response.headers:
                    url = _target(url, response.headers["Location"])
                    path.follow(url, response)
                    continue
                answer = await _answer(url, place, response, seen)
                return replace(answer, hints=path.with_its_hints(answer.hints))
        raise FetchError(f"more than {MAX_REDIRECTS} redirects; open the address in a browser")

    @asynccontextmanager
    async def _get(self, url: str, headers: CIMultiDict[str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask once; once more only where a connection that was kept turns out to be closed by the other side."""
        kept: list[str] = []
        try:
            response = await self._send(url, headers, kept)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if not kept:
                raise
            response = await self._send(url, headers, [])
        async with response:
            yield response

    async def _send(self, url: str, headers: CIMultiDict[str], kept: list[str]) -> aiohttp.ClientResponse:
        return await self._client().get(_wire_url(url), headers=headers, allow_redirects=False, trace_request_ctx=kept)

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            watch = aiohttp.TraceConfig()
            watch.on_connection_reuseconn.append(_note_kept)
            self._session = aiohttp.ClientSession(
                trace_configs=[watch],
                connector=aiohttp.TCPConnector(limit=32, limit_per_host=1, socket_factory=self._open_socket),
                cookie_jar=_no_cookies(),
                timeout=self._timeout,
                auto_decompress=False,
                trust_env=False,
                max_field_size=65536,
            )
            # It would ask twice whenever a connection breaks, as aiohttp's own test client knows.
            self._session._retry_connection = False
        return self._session

    def _open_socket(self, address: tuple[object, ...]) -> socket.socket:
        """Where every connection attempt passes, whatever wrote its address: a name, a literal, a redirect."""
        family, kind, protocol, _name, where = address
        if not self._allow_private and not is_public(str(where[0])):  # type: ignore[index]  # (host, port, ...)
            # One text for all addresses of a name: only then does aiohttp hand the exception on as it is.
            raise PrivateAddress("leads to an address that is not public")
        return socket.socket(family, kind, protocol)  # type: ignore[arg-type]

    def _headers(self, feed: Feed, own: Mapping[str, str]) -> CIMultiDict[str]:
        # Publishers count readers by the number of subscribers that a feed reader names there.
        who = [f"+{self.contact}"] if self.contact else []
        who += [f"{feed.subscribers} subscribers"] if feed.subscribers else []
        agent = f"{self._user_agent} ({'; '.join(who)})" if who else self._user_agent
        headers = CIMultiDict({"User-Agent": agent, "Accept": ACCEPT, "Accept-Encoding": "gzip, deflate"})
        headers.update(own)
        return headers


@dataclass(slots=True)
class _Path:
    """The redirects of one fetch."""

    visited: set[str] = field(default_factory=set)
    is_permanent: bool = True  #: so far
    moved_to: str | None = None
    retry_after: timedelta | None = None

    def follow(self, url: str, response: aiohttp.ClientResponse) -> None:
        """Note a hop: only the permanent ones at the beginning say where a feed lives."""
        self.is_permanent = self.is_permanent and response.status in PERMANENT
        if self.is_permanent:
            self.moved_to = url
        asked = _hints(response.headers).retry_after  # RFC 9110 10.2.3: a redirect may carry one too
        self.retry_after = max(filter(None, (self.retry_after, asked)), default=None)

    def with_its_hints(self, hints: Hints) -> Hints:
        longest = max(filter(None, (self.retry_after, hints.retry_after)), default=None)
        return replace(hints, retry_after=longest, moved_to=self.moved_to)


async def _note_kept(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
    context.trace_request_ctx.append("kept")


def _no_cookies() -> AbstractCookieJar:
    return aiohttp.DummyCookieJar()


def _may_hear(url: str, configured: str) -> bool:
    """Whether an address may be told the feed's own headers: its origin may, and that by https instead of http."""
    (scheme, host, port), (other, own_host, own_port) = _origin(url), _origin(configured)
    is_upgrade = (other, own_port, scheme, port) == ("http", 80, "https", 443)
    return host == own_host and (is_upgrade or (scheme, port) == (other, own_port))


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _without_userinfo(url: str) -> tuple[str, str | None]:
    """The address without user name, password and fragment; and the Authorization that the first two make."""
    parts = urlsplit(url)
    credentials = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        credentials = f"Basic {b64encode(pair.encode()).decode()}"
    # Not put together again from its parts: that would tidy it.
    return _USERINFO.sub("", url.partition("#")[0], count=1), credentials


def _place(url: str, own: Mapping[str, str]) -> str:
    """Who gave a validator: the address, and what it was told of us, for it may answer each of its readers another."""
    told = "\n".join(f"{name.lower()}:{value}" for name, value in sorted(own.items()))
    # Two bytes tell that a password changed, and tell nobody what it was.
    return f"{url} {sha256(told.encode()).hexdigest()[:4]}" if told else url


def _conditions(place: str, seen: Validators) -> dict[str, str]:
    """What makes a request conditional. A validator is sent only to the place that gave it."""
    named = (("If-None-Match", seen.etag), ("If-Modified-Since", seen.last_modified))
    return {name: value.decode("ascii") for name, value in named if value and seen.url == place}


def _wire_url(url: str) -> URL:
    """The address as it was written; only what cannot go on the wire is encoded."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FetchError(f"{display_url(url)} is not an http or https address; correct it in feeds.yaml")
    if parts.port is not None and parts.port < 1024 and parts.port not in WELL_KNOWN_PORTS:
        raise FetchError(f"port {parts.port} of {display_url(url)} is no web server's; correct it in feeds.yaml")
    authority = URL.build(scheme=parts.scheme, host=parts.hostname, port=parts.port).raw_authority
    path = quote(_AUTHORITY.sub("", url, count=1), safe=_ON_THE_WIRE, errors="surrogateescape")
    return URL(f"{parts.scheme}://{authority}{path if path[:1] == '/' else '/' + path}", encoded=True)


def display_url(url: str) -> str:
    """An address for people and logs: no user name, no password, no query that may hold a key."""
    parts = urlsplit(url)
    query = "?…" if parts.query else ""
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"
    return shown.encode("utf-8", "replace").decode()  # a Location may hold bytes of any kind


def _target(url: str, location: str) -> str:
    target, _ignored = _without_userinfo(urljoin(url, location.strip()))
    scheme = urlsplit(target).scheme
    if scheme not in ("http", "https"):
        raise FetchError(f"redirects to {scheme}:, which is not followed; open the address in a browser")
    return target


def is_public(host: str) -> bool:
    """Whether a numeric address is one of the public internet, also when it hides an IPv4 address in an IPv6 one."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        hidden = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if hidden is None and address in _NAT64:
            hidden = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if hidden is not None:
            return is_public(str(hidden))
        return address in _GLOBAL_UNICAST and address.is_global
    return address.is_global and not address.is_multicast


def _unreachable(error: aiohttp.ClientConnectorError) -> FetchError:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        said = f"{error.host}: no such host, or no network; check the address and the connection"
        return FetchError(said, is_unknown_host=True)
    if isinstance(error.os_error, PrivateAddress):
        return FetchError(f"{error.host}: {error.os_error}; set QASEDAK_ALLOW_PRIVATE_NETWORKS=1 if it is yours")
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return FetchError(f"{error.host}: its certificate is not valid; it is asked again later")
    reason = error.os_error.strerror or error.os_error
    return FetchError(f"{error.host}: cannot be reached ({reason}); it is tried again later")


# --- the answer ----------------------------------------------------------------------------------------------


async def _answer(url: str, place: str, response: aiohttp.ClientResponse, seen: Validators) -> Answer:
    hints = _hints(response.headers)
    if response.status == 304 and _conditions(place, seen):
        return Answer(url, None, validators=_kept(response, seen), hints=hints)
    if response.status == 410:
        raise FeedGone("410: the publisher says it is gone for good; remove it, or correct its url", status=410)
    if response.status not in (200, 203, 226):
        reason = responses.get(response.status, "")  # the publisher's own words may be anything
        raise FetchError(
            f"answered {response.status} {reason}".rstrip() + "; open the address in a browser",
            status=response.status,
            retry_after=hints.retry_after,
        )
    body = await _read_body(response)
    if not body.strip():
        raise FetchError("answered with an empty body; it is tried again later", status=response.status)
    return Answer(
        url,
        body,
        response.headers.get("Content-Type", ""),
        Validators(_validator(response, b"etag"), _validator(response, b"last-modified"), url=place),
        hints,
    )


def _validator(response: aiohttp.ClientResponse, name: bytes) -> bytes | None:
    """A validator's bytes, or None for one that could not be sent back unchanged: a changed one is worse than none.

    aiohttp can send no other bytes than these as they are.
    """
    value = next((value for header, value in response.raw_headers if header.lower() == name), b"")
    is_sendable = len(value) <= MAX_VALIDATOR_BYTES and all(0x20 <= byte <= 0x7E for byte in value)
    return value if value and is_sendable else None


def _kept(response: aiohttp.ClientResponse, seen: Validators) -> Validators:
    """A 304 may bring newer validators (RFC 9111 4.3.4)."""
    return Validators(
        _validator(response, b"etag") or seen.etag,
        _validator(response, b"last-modified") or seen.last_modified,
        seen.digest,
        seen.url,
    )


async def _read_body(response: aiohttp.ClientResponse) -> bytes:
    encodings = [part.strip().lower() for part in ",".join(response.headers.getall("Content-Encoding", [])).split(",")]
    encodings = [encoding for encoding in encodings if encoding not in ("", "identity")]
    if len(encodings) > 1 or any(encoding not in ("gzip", "x-gzip", "deflate") for encoding in encodings):
        raise FetchError("its content encoding was not asked for; report it to the publisher")
    raw = bytearray()
    if (response.content_length or 0) > MAX_BODY_BYTES:
        raise _too_long()
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise _too_long()
    # Some servers send gzip files as they lie on the disk, and say nothing.
    if not encodings and raw[:2] == GZIP_MAGIC:
        encodings = ["gzip"]
    return _inflate(bytes(raw), encodings[0]) if encodings and raw else bytes(raw)


def _too_long() -> FetchError:
    return FetchError(f"longer than {MAX_BODY_BYTES >> 20} MiB; ask the publisher for a shorter feed")


def _inflate(raw: bytes, encoding: str) -> bytes:
    if encoding == "deflate":
        # RFC 9110 8.4.1.2 means zlib's format; some servers send the bare stream.
        bits = zlib.MAX_WBITS if raw[0] & 0x0F == 8 else -zlib.MAX_WBITS
    else:
        bits = zlib.MAX_WBITS | 16
    body, rest = b"", raw
    for _member in range(MAX_GZIP_MEMBERS):
        inflater = zlib.decompressobj(bits)
        try:
            body += inflater.decompress(rest, MAX_BODY_BYTES + 1 - len(body))
        except zlib.error as error:
            raise FetchError(f"its {encoding} encoding is broken; it is tried again later") from error
        if len(body) > MAX_BODY_BYTES or (len(body) > 1 << 20 and len(body) > MAX_INFLATION * len(raw)):
            raise FetchError(f"inflates beyond {MAX_BODY_BYTES >> 20} MiB or {MAX_INFLATION}-fold; it is not read")
        if not inflater.eof:
            raise FetchError("was cut off in the middle; it is tried again later")
        rest = inflater.unused_data
        if rest[:2] != GZIP_MAGIC:  # whatever else follows is padding
            return body
    raise FetchError("its gzip encoding has too many members; report it to the publisher")


def _hints(headers: CIMultiDictProxy[str]) -> Hints:
    date = _http_date(headers.get("Date")) or datetime.now(UTC)
    return Hints(max_age=_max_age(headers, date), retry_after=_retry_after(headers, date))


def _max_age(headers: CIMultiDictProxy[str], date: datetime) -> timedelta | None:
    """Cache-Control's max-age less Age; else Expires, relative to the server's own clock."""
    found = _MAX_AGE.search(",".join(headers.getall("Cache-Control", [])))
    if found:
        fresh = timedelta(seconds=int(found[1])) - (_seconds(headers.get("Age")) or timedelta())
    else:
        expires = _http_date(headers.get("Expires"))
        if expires is None:
            return None
        fresh = expires - date
    return min(fresh, LONGEST_HINT) if fresh > timedelta() else None


def _retry_after(headers: CIMultiDictProxy[str], date: datetime) -> timedelta | None:
    value = headers.get("Retry-After")
    after = _seconds(value)
    if after is None:
        until = _http_date(value)
        if until is None:
            return None
        after = until - date
    return min(after, LONGEST_RETRY_AFTER) if after > timedelta() else None


def _seconds(value: str | None) -> timedelta | None:
    return timedelta(seconds=int(value)) if value and re.fullmatch("[0-9]{1,9}", value.strip()) else None


def _http_date(value: str | None) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(value) if value else None
        if parsed is None:
            return None
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
