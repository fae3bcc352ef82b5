"""The fake publisher and the clock against a real client.

What the tests of polling take on trust is proved here: validators are compared byte for byte, a request is kept
as it came, and a rude publisher is rude in the way asked for.
"""

import gzip
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import feedparser
import pytest
import pytest_asyncio
from yarl import URL

from tests.fakes.clock import FakeClock
from tests.fakes.publisher import Publisher, atom, rss


@pytest_asyncio.fixture
async def publisher() -> AsyncIterator[Publisher]:
    async with Publisher(now=FakeClock()) as server:
        yield server


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


@pytest.mark.parametrize(
    "etag", ['"abc"', 'W/"abc"', "abc", '"' + "x" * 9000 + '"'], ids=["strong", "weak", "bare", "long"]
)
async def test_a_validator_must_come_back_byte_for_byte(
    publisher: Publisher, http: aiohttp.ClientSession, etag: str
) -> None:
    publisher.serve("/feed", rss(), etag=etag, last_modified="Mon, 1 Jan 2024 00:00:00 GMT")
    statuses = []
    for headers in (
        {},
        {"If-None-Match": etag},
        {"If-None-Match": etag + "x", "If-Modified-Since": "Mon, 1 Jan 2024 00:00:00 GMT"},
        {"If-Modified-Since": "Mon, 1 Jan 2024 00:00:00 GMT"},
        {"If-Modified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"},
    ):
        async with http.get(publisher.url("/feed"), headers=headers, max_field_size=65536) as answer:
            statuses.append(answer.status)
            assert answer.headers["ETag"] == etag
    assert statuses == [200, 304, 200, 304, 200]


async def test_requests_are_kept_as_they_came(publisher: Publisher, http: aiohttp.ClientSession) -> None:
    target = "/feed%2Fa|b;c+d%7e?x=%25&y"
    publisher.serve("/feed%2Fa|b;c+d%7e", rss())
    async with http.get(URL(publisher.url(target), encoded=True), headers={"X-Odd-Case": "1"}) as answer:
        assert answer.status == 200
    (request,) = publisher.requests
    assert (request.method, request.path_qs) == ("GET", target)
    assert (b"X-Odd-Case", b"1") in request.headers
    assert request.header("host") == publisher.origin.removeprefix("http://").encode()
    assert request.time == datetime(2026, 11, 23, 8, tzinfo=UTC)
    async with http.get(publisher.url("/other")) as answer:
        assert answer.status == 404


async def test_a_redirect_says_what_it_was_told(publisher: Publisher, http: aiohttp.ClientSession) -> None:
    publisher.redirect("/old", "/feed", 301)
    publisher.redirect("/self", "")
    publisher.serve("/feed", rss())
    async with http.get(publisher.url("/old")) as answer:
        assert (answer.status, [past.status for past in answer.history]) == (200, [301])
    async with http.get(publisher.url("/self"), allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "")
    assert publisher.paths() == ["/old", "/feed", "/self"]


async def test_gzip_is_whole_or_cut(publisher: Publisher, http: aiohttp.ClientSession) -> None:
    publisher.serve("/whole", rss(), gzip=True)
    publisher.cut_gzip("/cut", rss(), keep=40)
    async with http.get(publisher.url("/whole")) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(await answer.read()) == rss()
    async with http.get(publisher.url("/cut")) as answer:
        assert len(await answer.read()) == 40
        with pytest.raises(EOFError):
            gzip.decompress(await answer.read())


@pytest.mark.parametrize(
    ("path", "error"),
    [
        pytest.param("/drop", aiohttp.ServerDisconnectedError, id="dropped"),
        pytest.param("/truncate", aiohttp.ClientPayloadError, id="length-lies"),
        pytest.param("/hang", TimeoutError, id="hangs"),
        pytest.param("/drip", TimeoutError, id="drips"),
        pytest.param("/drip-head", TimeoutError, id="drips-headers"),
    ],
)
async def test_rude_publishers_are_rude(
    publisher: Publisher,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    path: str,
    error: type[Exception],
) -> None:
    publisher.drop("/drop")
    publisher.truncate("/truncate", b"<rss>", length=500)
    publisher.hang("/hang")
    publisher.drip("/drip", b"x" * 1000)
    publisher.drip("/drip-head", b"", in_head=True)
    with pytest.raises(error):
        async with http.get(publisher.url(path), timeout=aiohttp.ClientTimeout(total=0.2)) as answer:
            await answer.read()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_any_bytes_can_be_the_answer(publisher: Publisher, http: aiohttp.ClientSession) -> None:
    publisher.raw("/odd", b'HTTP/1.1 200 OK\r\nETag: "caf\xe9"\r\nContent-Length: 2\r\n\r\nok')
    async with http.get(publisher.url("/odd")) as answer:
        assert dict(answer.raw_headers)[b"ETag"] == b'"caf\xe9"'
        assert await answer.read() == b"ok"


@pytest.mark.parametrize("build", [rss, atom], ids=["rss", "atom"])
def test_built_feeds_say_what_they_were_given(build: Any) -> None:
    fields = {
        "title": "Tulips & <bulbs>",
        "link": "https://garden.example/1?a=1&b=2",
        "guid": "urn:1",
        "pubDate": datetime(2026, 11, 20, 6, 30, tzinfo=UTC),
        "description": "<p>Plant them now.</p>",
        "content": "<p>Plant them <b>now</b>.</p>",
        "author": "Nasrin",
        "categories": ["bulbs", "autumn"],
        "enclosure": {"url": "https://garden.example/1.jpg", "type": "image/png", "length": 5},
    }
    if build is atom:
        fields["title"] = "Tulips"  # feedparser unescapes nothing in a plain Atom title
    feed = feedparser.parse(build("Garden", [fields]))
    (entry,) = feed.entries
    assert not feed.bozo
    assert feed.feed.title == "Garden"
    assert (entry.title, entry.link, entry.id) == (fields["title"], fields["link"], "urn:1")
    assert entry.published_parsed[:5] == (2026, 11, 20, 6, 30)
    assert (entry.summary, entry.content[0].value) == (fields["description"], fields["content"])
    assert [tag.term for tag in entry.tags] == ["bulbs", "autumn"]
    assert (entry.enclosures[0].href, entry.enclosures[0].type) == ("https://garden.example/1.jpg", "image/png")
    assert entry.author == "Nasrin"


# --- the clock -----------------------------------------------------------------------------------------------


async def test_time_passes_only_when_told() -> None:
    clock = FakeClock()
    assert clock() == clock.now() == datetime(2026, 11, 23, 8, tzinfo=UTC)
    clock.advance(timedelta(minutes=5))
    await clock.sleep(30)
    clock.jump(timedelta(days=-1))
    assert clock.now() == datetime(2026, 11, 22, 8, 5, 30, tzinfo=UTC)
    assert clock.monotonic() == 330
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(timedelta(seconds=-1))
