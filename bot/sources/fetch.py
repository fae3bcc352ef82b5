"""(2) Get the bytes of a feed over HTTP: conditional, bounded, and never from an address that is not public.

Knows nothing of feed formats. Redirects are followed by hand, since each hop is a new question of manners and of
safety; bodies are inflated here, since a client that inflates by itself can be made to fill the memory.
"""

import asyncio
import ipaddress
import re
import socket
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractCookieJar
from multidict import CIMultiDictProxy
from yarl import URL

from bot.errors import FeedGone, FetchError
from bot.model import Feed, Hints, Validators

#: The whole of a fetch, redirects included. aiohttp's own time-outs are per read: a slow drip would never end.
DEADLINE = timedelta(seconds=60)
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 15.0
#: Of the decoded body.
MAX_BODY_BYTES = 10 * 1024 * 1024
#: Beyond a mebibyte a body that inflates more than this is an attack.
MAX_INFLATION = 100
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


@dataclass(frozen=True, slots=True)
class Answer:
    """What a publisher answered. ``body`` is None when nothing changed (304)."""

    url: str  #: where it came from, after redirects
    body: bytes | None
    content_type: str = ""
    validators: Validators = field(default_factory=Validators)
    hints: Hints = field(default_factory=Hints)


class PrivateAddress(OSError):
    """The name leads to an address that is not public."""


class Fetcher:
    """One client for all feeds: keeps connections, no cookies, no credentials of the environment."""

    def __init__(self, *, user_agent: str, allow_private_networks: bool = False) -> None:
        self._user_agent = user_agent
        self._allow_private = allow_private_networks
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
            async with asyncio.timeout(DEADLINE.total_seconds()):
                return await self._follow(feed, seen)
        except TimeoutError:
            raise FetchError(f"no complete answer within {DEADLINE.seconds} s; it is tried again later") from None
        except aiohttp.ClientConnectorError as error:
            raise FetchError(_connection_problem(error)) from error
        except aiohttp.ClientConnectionError as error:
            raise FetchError(f"the connection broke ({type(error).__name__}); it is tried again later") from error
        except aiohttp.ClientError as error:
            raise FetchError(f"not a usable answer ({type(error).__name__}); open the address in a browser") from error
        except PrivateAddress as error:
            raise FetchError(str(error)) from error
        # yarl and idna answer some addresses with these; none of them is an aiohttp.ClientError.
        except (ValueError, OSError) as error:
            raise FetchError(f"the address cannot be asked ({error}); correct its url in feeds.yaml") from error

    async def _follow(self, feed: Feed, seen: Validators) -> Answer:
        url, visited = feed.url, set[str]()
        for _hop in range(MAX_REDIRECTS + 1):
            if url in visited:
                raise FetchError(f"redirects in a circle at {display_url(url)}; open the address in a browser")
            visited.add(url)
            own = _origin(url) == _origin(feed.url)
            headers = self._headers(url, seen, feed.headers if own else {})
            async with self._client().get(
                _wire_url(url), headers=headers, allow_redirects=False, auth=_userinfo(url) if own else None
            ) as response:
                if response.status in REDIRECTS and "Location" in response.headers:
                    url = _target(url, response.headers["Location"])
                    continue
                return await _answer(url, response, seen)
        raise FetchError(f"more than {MAX_REDIRECTS} redirects; open the address in a browser")

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=32, limit_per_host=1, socket_factory=self._open_socket),
                cookie_jar=_no_cookies(),
                timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT, sock_read=READ_TIMEOUT),
                auto_decompress=False,
                trust_env=False,
                max_field_size=65536,
            )
        return self._session

    def _open_socket(self, address: tuple[object, ...]) -> socket.socket:
        """Where every connection attempt passes, whatever wrote its address: a name, a literal, a redirect."""
        family, kind, protocol, _name, where = address
        host = str(where[0])  # type: ignore[index]  # a socket address: (host, port, ...)
        if not self._allow_private and not is_public(host):
            raise PrivateAddress(
                f"leads to {host}, which is not a public address; set QASEDAK_ALLOW_PRIVATE_NETWORKS=1 if it is yours"
            )
        return socket.socket(family, kind, protocol)  # type: ignore[arg-type]

    def _headers(self, url: str, seen: Validators, extra: Mapping[str, str]) -> dict[str, str]:
        headers = {"User-Agent": self._user_agent, "Accept": ACCEPT, "Accept-Encoding": "gzip, deflate", **extra}
        if seen.url == url:  # a validator is sent only to the address that gave it
            for name, value in (("If-None-Match", seen.etag), ("If-Modified-Since", seen.last_modified)):
                # aiohttp cannot send other bytes unchanged, and a changed validator is worse than none.
                if value is not None and all(0x20 <= byte <= 0x7E for byte in value):
                    headers[name] = value.decode("ascii")
        return headers


def _no_cookies() -> AbstractCookieJar:
    return aiohttp.DummyCookieJar()


def _wire_url(url: str) -> URL:
    """As written: some publishers take ``%2F`` and ``/`` for two things. Only what cannot go on the wire is encoded."""
    without_fragment = url.partition("#")[0]
    parts = urlsplit(without_fragment)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FetchError(f"{display_url(url)} is not an http or https address; correct it in feeds.yaml")
    bare = without_fragment.replace(f"{parts.netloc}", parts.netloc.rpartition("@")[2], 1)
    return URL(bare, encoded=bare.isascii() and " " not in bare)


def _userinfo(url: str) -> aiohttp.BasicAuth | None:
    parts = urlsplit(url)
    return aiohttp.BasicAuth(parts.username, parts.password or "") if parts.username else None


def display_url(url: str) -> str:
    """An address for people and logs: no user name, no password, no query that may hold a key."""
    parts = urlsplit(url)
    query = "?…" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _target(url: str, location: str) -> str:
    target = urljoin(url, location.strip())
    parts = urlsplit(target)
    if parts.scheme not in ("http", "https"):
        raise FetchError(f"redirects to {parts.scheme}:, which is not followed; open the address in a browser")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def is_public(host: str) -> bool:
    """Whether a numeric address is one of the public internet, also when it hides an IPv4 address in an IPv6 one."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        hidden = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if hidden is None and address in ipaddress.ip_network("64:ff9b::/96"):  # NAT64
            hidden = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if hidden is not None:
            return is_public(str(hidden))
    return address.is_global and not address.is_multicast


def _connection_problem(error: aiohttp.ClientConnectorError) -> str:
    if isinstance(error.os_error, PrivateAddress):
        return str(error.os_error)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"{error.host}: no such host, or no network; check the address and the connection"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return f"{error.host}: its certificate is not valid; it is asked again later"
    return f"{error.host}: cannot be reached ({error.os_error.strerror or error.os_error}); it is tried again later"


# --- the answer ----------------------------------------------------------------------------------------------


async def _answer(url: str, response: aiohttp.ClientResponse, seen: Validators) -> Answer:
    hints = _hints(response.headers)
    if response.status == 304:
        return Answer(url, None, validators=_kept(response, seen), hints=hints)
    if response.status == 410:
        raise FeedGone("410: the publisher says it is gone for good; remove it, or correct its url", status=410)
    if response.status not in (200, 203, 226):
        raise FetchError(
            f"answered {response.status} {response.reason or ''}".rstrip() + "; open the address in a browser",
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
        Validators(_validator(response, b"etag"), _validator(response, b"last-modified"), url=url),
        hints,
    )


def _validator(response: aiohttp.ClientResponse, name: bytes) -> bytes | None:
    value = next((value for header, value in response.raw_headers if header.lower() == name), None)
    return value if value and len(value) <= MAX_VALIDATOR_BYTES else None


def _kept(response: aiohttp.ClientResponse, seen: Validators) -> Validators:
    """A 304 may bring newer validators (RFC 9111 4.3.4)."""
    return Validators(
        _validator(response, b"etag") or seen.etag,
        _validator(response, b"last-modified") or seen.last_modified,
        seen.digest,
        seen.url,
    )


async def _read_body(response: aiohttp.ClientResponse) -> bytes:
    encodings = [part.strip().lower() for part in response.headers.get("Content-Encoding", "").split(",")]
    encodings = [encoding for encoding in encodings if encoding not in ("", "identity")]
    if len(encodings) > 1 or any(encoding not in ("gzip", "x-gzip", "deflate") for encoding in encodings):
        raise FetchError(f"its encoding {', '.join(encodings)} was not asked for; report it to the publisher")
    raw = bytearray()
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise FetchError(f"longer than {MAX_BODY_BYTES >> 20} MiB; ask the publisher for a shorter feed")
    # Some servers send gzip files as they lie on the disk, and say nothing.
    if not encodings and raw[:2] == b"\x1f\x8b":
        encodings = ["gzip"]
    return _inflate(bytes(raw), encodings[0]) if encodings else bytes(raw)


def _inflate(raw: bytes, encoding: str) -> bytes:
    if encoding == "deflate":
        # RFC 9110 8.4.1.2 means zlib's format; some servers send the bare stream.
        bits = zlib.MAX_WBITS if raw[:1] and raw[0] & 0x0F == 8 else -zlib.MAX_WBITS
    else:
        bits = zlib.MAX_WBITS | 16
    inflater = zlib.decompressobj(bits)
    try:
        body = inflater.decompress(raw, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise FetchError(f"its {encoding} encoding is broken ({error}); it is tried again later") from error
    if len(body) > MAX_BODY_BYTES or (len(body) > 1 << 20 and len(body) > MAX_INFLATION * len(raw)):
        raise FetchError(f"inflates beyond {MAX_BODY_BYTES >> 20} MiB or {MAX_INFLATION}-fold; it is not read")
    if not inflater.eof:
        raise FetchError("was cut off in the middle; it is tried again later")
    return body


def _hints(headers: CIMultiDictProxy[str]) -> Hints:
    date = _http_date(headers.get("Date")) or datetime.now(UTC)
    return Hints(max_age=_max_age(headers, date), retry_after=_retry_after(headers, date))


def _max_age(headers: CIMultiDictProxy[str], date: datetime) -> timedelta | None:
    """Cache-Control's max-age less Age; else Expires, relative to the server's own clock."""
    found = re.search(r'\bmax-age="?(\d{1,9})"?', ",".join(headers.getall("Cache-Control", [])), re.IGNORECASE)
    if found:
        age = headers.get("Age", "0")
        fresh = timedelta(seconds=int(found[1]) - (int(age) if age.isdigit() and len(age) < 10 else 0))
    else:
        expires = _http_date(headers.get("Expires"))
        if expires is None:
            return None
        fresh = expires - date
    return min(fresh, LONGEST_HINT) if fresh > timedelta() else None


def _retry_after(headers: CIMultiDictProxy[str], date: datetime) -> timedelta | None:
    value = headers.get("Retry-After", "").strip()
    if value.isdigit() and len(value) < 10:
        after = timedelta(seconds=int(value))
    else:
        until = _http_date(value)
        if until is None:
            return None
        after = until - date
    return min(after, LONGEST_RETRY_AFTER) if after > timedelta() else None


def _http_date(value: str | None) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(value) if value else None
    except (ValueError, OverflowError, IndexError):
        return None
    if parsed is None:
        return None
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
