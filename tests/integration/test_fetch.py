"""The bytes of a feed, politely and safely, against a real server on loopback."""

import asyncio
import base64
import gzip
import re
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot import __version__
from bot.errors import FeedGone, FetchError
from bot.model import Feed, Validators
from bot.sources import fetch
from bot.sources.fetch import Answer, Fetcher
from tests.builders import a_feed
from tests.fakes.publisher import Headers, Publisher, rss

BODY = rss(items=[{"title": "Tulips", "guid": "1"}])
AGENT = "Qasedak/test (+https://sky.example/)"
MIB = 1 << 20


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    async with Publisher() as server:
        yield server


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async for opened in _opened(user_agent=AGENT, allow_private_networks=True, deadline=timedelta(seconds=0.8)):
        yield opened


@pytest.fixture
async def guarded() -> AsyncIterator[Fetcher]:
    """As it is by default: only public addresses."""
    async for opened in _opened(user_agent=AGENT, deadline=timedelta(seconds=5)):
        yield opened


async def _opened(**settings: Any) -> AsyncIterator[Fetcher]:
    opened = Fetcher(**settings)
    yield opened
    await opened.close()


async def _get(
    fetcher: Fetcher, url: str, seen: Validators | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    return await fetcher.fetch(a_feed(url=url, headers=headers or {}), seen or Validators())


async def _problem(fetcher: Fetcher, url: str) -> FetchError:
    with pytest.raises(FetchError) as caught:
        await _get(fetcher, url)
    assert type(caught.value) in (FetchError, FeedGone)
    str(caught.value).encode()  # goes into the database
    return caught.value


# --- the request ---------------------------------------------------------------------------------------------


async def test_a_request_says_who_asks_and_nothing_else(publisher: Publisher, fetcher: Fetcher) -> None:
    publisher.serve("/feed", BODY, headers={"Set-Cookie": "a=b"})
    for _poll in range(2):
        assert (await _get(fetcher, publisher.url("/feed"))).body == BODY
    for request in publisher.requests:
        assert request.method == "GET"
        assert {name.lower(): value for name, value in request.headers} == {
            b"host": f"127.0.0.1:{publisher.port}".encode(),
            b"user-agent": AGENT.encode(),
            b"accept": fetch.ACCEPT.encode(),
            b"accept-encoding": b"gzip, deflate",
        }


async def test_a_client_that_is_told_no_name_says_the_programs_and_its_version(publisher: Publisher) -> None:
    publisher.serve("/feed", BODY)
    fetcher = Fetcher(allow_private_networks=True)
    await _get(fetcher, publisher.url("/feed"))
    await fetcher.close()
    assert (b"user-agent", f"Qasedak/{__version__}".encode()) in [
        (name.lower(), value) for name, value in publisher.requests[0].headers
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/a%2Fb/%7e~+;|[]?x=%20&y=a+b%2525&z[]=1",
        "/a/../b//c/./d",
        "//a//b",
        "/%D8%A2%d8%a8",
        "/?null",
        "/a'b\"c<d>{e}\\f^`",
        "/x@y:z?u=http://a/b",
    ],
)
async def test_an_address_is_asked_as_it_was_written(publisher: Publisher, fetcher: Fetcher, path: str) -> None:
    await _problem(fetcher, publisher.url(path) + "#fragment")
    assert publisher.paths() == [path]


async def test_what_cannot_go_on_the_wire_is_encoded(publisher: Publisher, fetcher: Fetcher) -> None:
    await _problem(fetcher, publisher.url("/آب b?x=é%20"))
    await _problem(fetcher, publisher.origin + "?x=1")
    assert publisher.paths() == ["/%D8%A2%D8%A8%20b?x=%C3%A9%20", "/?x=1"]


async def test_a_feed_s_own_headers_replace_ours(publisher: Publisher, fetcher: Fetcher) -> None:
    await _get_404(publisher, fetcher, {"user-agent": "Own", "X-Key": "1"})
    (request,) = publisher.requests
    assert [value for name, value in request.headers if name.lower() == b"user-agent"] == [b"Own"]
    assert request.header("X-Key") == b"1"


async def _get_404(publisher: Publisher, fetcher: Fetcher, headers: Mapping[str, str]) -> None:
    with pytest.raises(FetchError):
        await _get(fetcher, publisher.url("/none"), headers=headers)


@pytest.mark.parametrize("userinfo", ["sara:p%40ss", "sara:پنهان", "sara", ":p%40ss"])
async def test_a_name_and_a_password_become_a_header_and_are_shown_nowhere(
    publisher: Publisher, fetcher: Fetcher, userinfo: str
) -> None:
    publisher.serve("/feed", BODY, etag='"1"')
    url = publisher.url("/feed").replace("http://", f"http://{userinfo}@")
    answer = await _get(fetcher, url)
    name, _colon, password = userinfo.replace("%40", "@").partition(":")
    expected = b"Basic " + base64.b64encode(f"{name}:{password}".encode())
    assert publisher.requests[0].header("Authorization") == expected
    assert answer.url == publisher.url("/feed")
    assert answer.validators.url is not None
    assert re.fullmatch(re.escape(answer.url) + " [0-9a-f]{4}", answer.validators.url)
    assert (await _get(fetcher, url, answer.validators)).body is None
    publisher.redirect("/feed", publisher.url("/feed"))
    publisher.redirect("/round", "/round")
    for broken in (url, url.replace("/feed", "/round"), url.replace("/feed", "/none"), url.replace("127", "256")):
        problem = str(await _problem(fetcher, broken))
        assert "sara" not in problem
        assert "ss" not in problem.replace("address", "").replace("process", "")


# --- validators ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "etag", ['"abc"', 'W/"abc"', "abc", '"a-gzip"', '"' + "x" * 4000 + '"', '"a  b\\"'],
    ids=["strong", "weak", "bare", "suffixed", "long", "odd"],
)  # fmt: skip
@pytest.mark.parametrize(
    "date", [None, "Mon, 1 Jan 2024 00:00:00 GMT", "2024-01-01", "Mon, 01 Jan 2024 00:00:00 -0000"],
    ids=["none", "unpadded", "iso", "minus-zero"],
)  # fmt: skip
async def test_validators_go_back_byte_for_byte(
    publisher: Publisher, fetcher: Fetcher, etag: str, date: str | None
) -> None:
    publisher.serve("/feed", BODY, etag=etag, last_modified=date)
    first = await _get(fetcher, publisher.url("/feed"))
    second = await _get(fetcher, publisher.url("/feed"), first.validators)
    assert second.body is None
    assert second.validators == first.validators
    asked, asked_again = publisher.requests
    assert (asked.header("If-None-Match"), asked.header("If-Modified-Since")) == (None, None)
    assert asked_again.header("If-None-Match") == etag.encode()
    assert asked_again.header("If-Modified-Since") == (date.encode() if date else None)


@pytest.mark.parametrize("etag", [b'"caf\xe9"', b'"\xd8\xa2"', b'"' + b"x" * 5000 + b'"', b'"a\tb"', b""])
async def test_a_validator_that_cannot_go_back_unchanged_is_dropped(
    publisher: Publisher, fetcher: Fetcher, etag: bytes
) -> None:
    publisher.raw("/feed", b"HTTP/1.1 200 OK\r\nETag: " + etag + b"\r\n\r\n" + BODY)
    answer = await _get(fetcher, publisher.url("/feed"))
    assert (answer.body, answer.validators) == (BODY, Validators(url=publisher.url("/feed")))


async def test_a_304_keeps_validators_and_takes_newer_ones(publisher: Publisher, fetcher: Fetcher) -> None:
    url = publisher.url("/feed")
    seen = Validators(b'"1"', b"yesterday", b"digest", url)
    publisher.raw("/feed", b'HTTP/1.1 304 Not Modified\r\nETag: "2"\r\nCache-Control: max-age=7200\r\n\r\n')
    answer = await _get(fetcher, url, seen)
    assert answer.validators == replace(seen, etag=b'"2"')
    assert answer.hints.max_age == timedelta(hours=2)


async def test_a_200_without_a_validator_clears_it(publisher: Publisher, fetcher: Fetcher) -> None:
    publisher.serve("/feed", BODY)
    seen = Validators(b'"1"', b"yesterday", b"digest", publisher.url("/feed"))
    assert (await _get(fetcher, publisher.url("/feed"), seen)).validators == Validators(url=publisher.url("/feed"))


async def test_a_304_that_nobody_asked_for_is_a_failure(publisher: Publisher, fetcher: Fetcher) -> None:
    publisher.raw("/feed", b"HTTP/1.1 304 Not Modified\r\n\r\n")
    assert (await _problem(fetcher, publisher.url("/feed"))).status == 304


async def test_validators_go_only_to_the_address_that_gave_them(publisher: Publisher, fetcher: Fetcher) -> None:
    publisher.redirect("/feed", "/real")
    publisher.serve("/real", BODY, etag='"1"')
    first = await _get(fetcher, publisher.url("/feed"))
    assert (first.url, first.validators.url) == (publisher.url("/real"),) * 2
    assert (await _get(fetcher, publisher.url("/feed"), first.validators)).body is None
    assert [request.header("If-None-Match") for request in publisher.requests] == [None, None, None, b'"1"']


# --- redirects -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to", ["/real", "real", "../real", "//127.0.0.1:{port}/real#part", "{origin}/real"])
async def test_redirects_are_followed(publisher: Publisher, fetcher: Fetcher, status: int, to: str) -> None:
    publisher.redirect("/feed", to.format(port=publisher.port, origin=publisher.origin), status)
    publisher.serve("/real", BODY)
    answer = await _get(fetcher, publisher.url("/feed"))
    assert (answer.url, answer.body) == (publisher.url("/real"), BODY)


@pytest.mark.parametrize(
    ("to", "words", "requests"),
    [
        ("/feed", "in a circle", 1),
        ("", "in a circle", 1),
        ("/other", "in a circle", 2),
        ("/more0", "more than 5 redirects", 6),
        ("ftp://127.0.0.1/feed", "redirects to ftp:", 1),
        ("file:///etc/hostname", "redirects to file:", 1),
        ("javascript:alert(1)", "redirects to javascript:", 1),
        ("http://[::1/feed", "cannot be asked", 1),
        ("http://127.0.0.1:99999/feed", "", 1),
        ("http://127.0.0.1:port/feed", "cannot be asked", 1),
    ],
)
async def test_redirects_that_lead_nowhere_are_failures(
    publisher: Publisher, fetcher: Fetcher, to: str, words: str, requests: int
) -> None:
    publisher.redirect("/feed", to)
    publisher.redirect("/other", "/feed")
    for number in range(9):
        publisher.redirect(f"/more{number}", f"/more{number + 1}")
    assert words in str(await _problem(fetcher, publisher.url("/feed")))
    assert len(publisher.requests) == requests


async def test_a_location_of_odd_bytes_is_asked_for_as_it_is(publisher: Publisher, fetcher: Fetcher) -> None:
    publisher.raw("/feed", b"HTTP/1.1 302 Found\r\nLocation: /\xd8\xa2 \xe9?q#f\r\nContent-Length: 0\r\n\r\n")
    await _problem(fetcher, publisher.url("/feed"))
    assert publisher.paths() == ["/feed", "/%D8%A2%20%E9?q"]


async def test_credentials_and_own_headers_stay_at_their_origin(publisher: Publisher, fetcher: Fetcher) -> None:
    async with Publisher() as stranger:
        stranger.serve("/feed", BODY)
        stranger.redirect("/back", publisher.url("/home"))
        publisher.redirect("/near", "/home")
        publisher.redirect("/far", stranger.url("/feed").replace("http://", "http://eve:x@"))
        publisher.redirect("/round", stranger.url("/back"))
        publisher.serve("/home", BODY)
        for path in ("/near", "/far", "/round"):
            url = publisher.url(path).replace("http://", "http://sara:pw@")
            await _get(fetcher, url, headers={"X-Key": "1"})
        for request in (*publisher.requests, *stranger.requests):
            private = (request.header("Authorization"), request.header("X-Key"))
            assert private == ((b"Basic c2FyYTpwdw==", b"1") if request in publisher.requests else (None, None))
        assert stranger.paths() == ["/feed", "/back"]


# --- the body ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (gzip.compress(BODY), [("Content-Encoding", "gzip")]),
        (gzip.compress(BODY), [("Content-Encoding", "X-GZIP")]),
        (gzip.compress(BODY), [("Content-Encoding", "identity, gzip")]),
        (gzip.compress(BODY) + b"\0" * 100, [("Content-Encoding", "gzip")]),
        (gzip.compress(BODY[:100]) + gzip.compress(BODY[100:]), [("Content-Encoding", "gzip")]),
        (zlib.compress(BODY), [("Content-Encoding", "deflate")]),
        (zlib.compress(BODY)[2:-4], [("Content-Encoding", "deflate")]),
        (gzip.compress(BODY), []),
        (BODY, [("Content-Encoding", "identity")]),
        (BODY, [("Content-Encoding", "")]),
    ],
    ids=["gzip", "x-gzip", "identity-gzip", "padded", "members", "deflate", "bare-deflate", "undeclared", "identity",
         "none"],
)  # fmt: skip
async def test_bodies_are_inflated(
    publisher: Publisher, fetcher: Fetcher, content: bytes, headers: Sequence[tuple[str, str]]
) -> None:
    publisher.serve("/feed", content, headers=headers)
    assert (await _get(fetcher, publisher.url("/feed"))).body == BODY


@pytest.mark.parametrize(
    ("content", "headers", "words"),
    [
        (b"", {}, "empty body"),
        (b" \r\n\t", {}, "empty body"),
        (b"", {"Content-Encoding": "gzip"}, "empty body"),
        (gzip.compress(b""), {"Content-Encoding": "gzip"}, "empty body"),
        (b"x" * (10 * MIB + 1), {}, "longer than 10 MiB"),
        (gzip.compress(b"x" * (10 * MIB + 1)), {"Content-Encoding": "gzip"}, "inflates beyond"),
        (gzip.compress(b"x" * 2 * MIB), {"Content-Encoding": "gzip"}, "inflates beyond"),
        (gzip.compress(b"x" * 2 * MIB), {}, "inflates beyond"),
        (gzip.compress(b"") * 500, {"Content-Encoding": "gzip"}, "too many members"),
        (gzip.compress(BODY)[:-9], {"Content-Encoding": "gzip"}, "cut off"),
        (gzip.compress(BODY)[:-4], {"Content-Encoding": "gzip"}, "cut off"),
        (gzip.compress(BODY)[:1], {"Content-Encoding": "gzip"}, "cut off"),
        (zlib.compress(BODY)[:-1], {"Content-Encoding": "deflate"}, "cut off"),
        (b"not gzip", {"Content-Encoding": "gzip"}, "broken"),
        (gzip.compress(gzip.compress(BODY)), {"Content-Encoding": "gzip, gzip"}, "not asked for"),
        (gzip.compress(BODY), [("Content-Encoding", "gzip"), ("Content-Encoding", "gzip")], "not asked for"),
        (BODY, {"Content-Encoding": "br"}, "not asked for"),
        (BODY, {"Content-Encoding": "\u00e9"}, "not asked for"),
    ],
    ids=["empty", "blank", "empty-gzip", "gzip-of-nothing", "long", "bomb", "ratio", "undeclared-bomb", "members",
         "no-end", "no-trailer", "one-byte", "cut-deflate", "no-gzip", "twice", "two-headers", "brotli", "odd"],
)  # fmt: skip
async def test_bodies_that_lie_are_failures(
    publisher: Publisher, fetcher: Fetcher, content: bytes, headers: Headers, words: str
) -> None:
    publisher.serve("/feed", content, headers=headers)
    assert words in str(await _problem(fetcher, publisher.url("/feed")))


async def test_a_long_body_is_refused_before_it_is_read(publisher: Publisher, fetcher: Fetcher) -> None:
    publisher.raw("/feed", b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n<rss")
    assert "longer than 10 MiB" in str(await _problem(fetcher, publisher.url("/feed")))


# --- failures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [206, 401, 403, 404, 418, 429, 451, 500, 503, 599])
async def test_a_status_is_a_failure_that_names_it(publisher: Publisher, fetcher: Fetcher, status: int) -> None:
    publisher.serve("/feed", BODY, status=status)
    problem = await _problem(fetcher, publisher.url("/feed"))
    assert (problem.status, problem.retry_after) == (status, None)
    assert str(status) in str(problem)
    assert len(publisher.requests) == 1


async def test_410_is_for_good(publisher: Publisher, fetcher: Fetcher) -> None:
    publisher.serve("/feed", BODY, status=410)
    assert isinstance(await _problem(fetcher, publisher.url("/feed")), FeedGone)


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 \xff\xfe\r\n\r\n",
        b"HTTP/1.1 500 \xd8\xff\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + BODY[:100],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabcde\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nA\0: b\r\n\r\n" + BODY,
    ],
    ids=["nothing", "garbage", "odd-status", "odd-reason", "no-location", "short", "unterminated", "bad-chunk",
         "bad-length", "header-flood", "bad-header"],
)  # fmt: skip
async def test_broken_answers_are_failures(publisher: Publisher, fetcher: Fetcher, wire: bytes) -> None:
    publisher.raw("/feed", wire)
    await _problem(fetcher, publisher.url("/feed"))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/feed",
        "http://" + "a" * 300 + "/",
        "http://a b/",
        "http://[foo/",
        "http://127.0.0.1:x/",
        "http://127.0.0.1:99999/",
        "http://\udc80/",
        "http://\u2100/",
        "http://..",
        "http://",
        "ftp://127.0.0.1/",
        "nonsense",
        "",
    ],
    ids=["refused", "long-label", "space", "bracket", "port", "big-port", "surrogate", "not-normal", "dots", "no-host",
         "scheme", "words", "empty"],
)  # fmt: skip
async def test_addresses_that_cannot_be_asked_are_failures(fetcher: Fetcher, url: str) -> None:
    await _problem(fetcher, url)


async def test_a_header_that_would_be_two_is_a_failure(publisher: Publisher, fetcher: Fetcher) -> None:
    publisher.serve("/feed", BODY)
    with pytest.raises(FetchError):
        await _get(fetcher, publisher.url("/feed"), headers={"X": "a\r\nY: b"})
    assert publisher.requests == []


@pytest.mark.parametrize("manner", ["hang", "body", "head", "redirects"])
async def test_a_slow_answer_ends_at_the_deadline(publisher: Publisher, manner: str) -> None:
    fetcher = Fetcher(user_agent=AGENT, allow_private_networks=True, deadline=timedelta(seconds=0.3))
    match manner:
        case "hang":
            publisher.hang("/feed")
        case "body":
            publisher.drip("/feed", BODY)
        case "head":
            publisher.drip("/feed", b"", in_head=True)
        case "redirects":
            publisher.redirect("/feed", "/slow")
            publisher.drip("/slow", BODY)
    try:
        assert "within 0.3 s" in str(await _problem(fetcher, publisher.url("/feed")))
    finally:
        await fetcher.close()


async def test_a_silent_server_is_left_before_the_deadline(publisher: Publisher) -> None:
    publisher.hang("/feed")
    fetcher = Fetcher(user_agent=AGENT, allow_private_networks=True, read_timeout=timedelta(seconds=0.1))
    try:
        assert "too slow" in str(await _problem(fetcher, publisher.url("/feed")))
    finally:
        await fetcher.close()


# --- hints ---------------------------------------------------------------------------------------------------

DATE = ("Date", "Mon, 23 Nov 2020 08:00:00 GMT")  # years off, as some servers' clocks are


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("Cache-Control", "max-age=7200")], 7200),
        ([("Cache-Control", "public, Max-Age=60, s-maxage=9")], 60),
        ([("Cache-Control", "public"), ("Cache-Control", 'max-age="60"')], 60),
        ([("Cache-Control", "max-age=7200"), ("Age", "7000")], 200),
        ([("Cache-Control", "max-age=60"), ("Age", "7000")], None),
        ([("Cache-Control", "max-age=60"), ("Age", "²")], 60),
        ([("Cache-Control", "s-maxage=60")], None),
        ([("Cache-Control", "max-age=-1")], None),
        ([("Cache-Control", "max-age=0, no-cache, no-store")], None),
        ([("Cache-Control", "max-age=99999999999999")], 86400),
        ([DATE, ("Expires", "Mon, 23 Nov 2020 11:00:00 GMT")], 10800),
        ([DATE, ("Expires", "Monday, 23-Nov-20 11:00:00 GMT")], 10800),
        ([DATE, ("Expires", "Mon Nov 23 11:00:00 2020")], 10800),
        ([DATE, ("Expires", "Mon, 23 Nov 2020 07:00:00 GMT")], None),
        ([DATE, ("Expires", "Mon, 23 Nov 2020 11:00:00 GMT"), ("Cache-Control", "max-age=60")], 60),
        ([("Expires", "0")], None),
        ([("Expires", "Fri, 31 Dec 9999 23:59:59 -1200")], None),
        ([("Expires", "Thu, 99 Foo 2020")], None),
        ([], None),
    ],
)
async def test_the_publisher_s_word_on_freshness_is_heard(
    publisher: Publisher, fetcher: Fetcher, headers: Sequence[tuple[str, str]], seconds: int | None
) -> None:
    publisher.serve("/feed", BODY, headers=headers)
    hints = (await _get(fetcher, publisher.url("/feed"))).hints
    assert hints.max_age == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize("status", [429, 503, 404])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("Mon, 23 Nov 2020 09:00:00 GMT", 3600),
        ("Mon, 23 Nov 2020 07:00:00 GMT", None),
        ("99999999", 7 * 86400),
        ("-5", None),
        ("0", None),
        ("soon", None),
        ("1.5", None),
    ],
)
async def test_retry_after_is_heard_in_both_forms(
    publisher: Publisher, fetcher: Fetcher, status: int, value: str, seconds: int | None
) -> None:
    publisher.serve("/feed", b"", status=status, headers=[DATE, ("Retry-After", value)])
    problem = await _problem(fetcher, publisher.url("/feed"))
    assert problem.retry_after == (None if seconds is None else timedelta(seconds=seconds))


# --- addresses that are not public ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True), ("64:ff9b::808:808", True), ("2002:808:808::1", True),
        ("127.0.0.1", False), ("127.9.9.9", False), ("10.1.2.3", False), ("172.16.0.1", False),
        ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False),
        ("0.1.2.3", False), ("192.0.2.1", False), ("198.18.0.1", False), ("224.0.0.1", False), ("240.0.0.1", False),
        ("255.255.255.255", False), ("::", False), ("::1", False), ("fe80::1%eth0", False), ("fc00::1", False),
        ("fec0::1", False), ("ff02::1", False), ("2001:db8::1", False), ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False), ("::127.0.0.1", False), ("::ffff:0:127.0.0.1", False),
        ("64:ff9b::7f00:1", False), ("64:ff9b::a9fe:a9fe", False), ("64:ff9b:1::1", False),
        ("2002:7f00:1::", False), ("2002:a00:1::1", False), ("2001:0:0:0:0:0:f5ff:fffe", False),
    ],
)  # fmt: skip
def test_public_is_what_the_internet_routes(host: str, public: bool) -> None:
    assert fetch.is_public(host) is public


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "0x7f.1", "2130706433", "127.1", "0177.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"],
)
async def test_no_spelling_of_a_private_address_is_asked(guarded: Fetcher, publisher: Publisher, host: str) -> None:
    publisher.serve("/feed", BODY)
    problem = str(await _problem(guarded, f"http://{host}:{publisher.port}/feed"))
    assert publisher.requests == []
    # aiohttp refuses most of the odd spellings by itself; no test should rest on that.
    assert "QASEDAK_ALLOW_PRIVATE_NETWORKS=1" in problem or "cannot be asked" in problem


async def test_a_redirect_to_a_private_address_is_not_followed(publisher: Publisher) -> None:
    """The first hop is let through as if it were public; the second is looked at like the first."""

    class OnlyItsOwnPort(Fetcher):
        def _open_socket(self, address: tuple[object, ...]) -> Any:
            self._allow_private = address[4][1] == publisher.port  # type: ignore[index]
            return super()._open_socket(address)

    async with Publisher() as inside:
        inside.serve("/secret", BODY)
        publisher.redirect("/feed", inside.url("/secret"))
        fetcher = OnlyItsOwnPort(user_agent=AGENT)
        try:
            assert "not public" in str(await _problem(fetcher, publisher.url("/feed")))
        finally:
            await fetcher.close()
        assert publisher.paths() == ["/feed"]
        assert inside.requests == []


async def test_one_host_is_asked_one_thing_at_a_time(publisher: Publisher, fetcher: Fetcher) -> None:
    publisher.drip("/feed", BODY, piece=200, pause=0.01)
    feeds = [Feed(f"n{n}", a_feed().kind, publisher.url("/feed")) for n in range(4)]
    await asyncio.gather(*(fetcher.fetch(feed, Validators()) for feed in feeds))
    assert publisher.most_at_once == 1
