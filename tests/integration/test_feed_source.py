"""From an address to entries: a real server, a real child process."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.errors import ParseError
from bot.model import Enclosure, Entry, Feed, Flag, Hints, Reading, Validators
from bot.sources import known_items
from bot.sources.feed import FeedSource
from bot.sources.fetch import Answer, Fetcher
from bot.sources.parsing import Parser
from tests.builders import NOW, a_feed
from tests.fakes.publisher import Publisher, rss

TWO = rss(items=[{"title": "Two", "guid": "2"}, {"title": "One", "guid": "1"}])
#: 120 s and more of feedparser's time: it looks for an e-mail address in every name.
HOSTILE = rss(items=[{"title": "x", "author": "x" * 600_000}])


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    async with Publisher() as server:
        yield server


@pytest.fixture(scope="module")
def parser() -> Any:
    """One child for the whole module, as for the whole of a run; its time is short."""
    opened = Parser(seconds=1.5)
    yield opened
    opened.close()


@pytest.fixture
async def source(parser: Parser) -> AsyncIterator[FeedSource]:
    fetcher = Fetcher(user_agent="Qasedak/test", allow_private_networks=True)
    yield FeedSource(fetcher, parser, zone=ZoneInfo("Asia/Tehran"))
    await fetcher.close()


async def _read(source: FeedSource, feed: Feed, seen: Validators | None = None) -> Reading:
    (reading,) = [reading async for reading in source.read(feed, seen or Validators(), NOW)]
    return reading


async def _entry(source: FeedSource, url: str = "https://sky.example/news/feed.xml", **item: Any) -> Entry:
    item = {"title": "The moon", "guid": "1", **item}
    reading, _ending = await source.parse(a_feed(), Answer(url, rss(items=[item])), NOW)
    return reading.entries[0]


# --- readings ------------------------------------------------------------------------------------------------


async def test_a_reading_is_what_the_feed_says(publisher: Publisher, source: FeedSource) -> None:
    body = rss(
        "باغ &amp; ماه",
        [
            {
                "title": "The <b>full</b> moon", "link": "/moon?a=1&b=2", "guid": "1", "author": "Sara &amp; Omid",
                "pubDate": "Mon, 23 Nov 2026 10:00:00 +0330", "description": "<p>It is full tonight.</p>",
                "categories": [" Moon ", "Sky"], "enclosure": "../moon.jpg",
            }
        ],
        link="/home", language="fa-IR", extra="<ttl>90</ttl>",
    )  # fmt: skip
    publisher.serve("/a/feed", body, headers={"Cache-Control": "max-age=60"}, etag='"1"')
    reading = await _read(source, a_feed(url=publisher.url("/a/feed")))
    assert (reading.title, reading.home, reading.language) == ("باغ & ماه", publisher.url("/home"), "fa-IR")
    assert reading.hints == Hints(timedelta(seconds=60), timedelta(minutes=90))
    assert (reading.modified, reading.last) == (True, True)
    assert reading.validators.etag == b'"1"'
    assert reading.entries == (
        Entry(
            guid="1",
            title="The full moon",
            link=publisher.url("/moon?a=1&b=2"),
            published=datetime(2026, 11, 23, 6, 30, tzinfo=UTC),
            author="Sara & Omid",
            language="en",
            tags=("Moon", "Sky"),
            content="<p>It is full tonight.</p>",
            enclosures=(Enclosure(publisher.url("/moon.jpg"), "image/jpeg"),),
        ),
    )


async def test_what_did_not_change_is_not_parsed(publisher: Publisher, source: FeedSource) -> None:
    feed = a_feed(url=publisher.url("/feed"))
    publisher.serve("/feed", TWO, etag='"1"')
    first = await _read(source, feed)
    not_modified = await _read(source, feed, first.validators)
    publisher.serve("/feed", TWO, etag='"2"')
    same_body = await _read(source, feed, first.validators)
    for reading in (not_modified, same_body):
        assert (reading.modified, reading.entries) == (False, ())
        assert reading.validators.digest == first.validators.digest
    assert not_modified.validators == first.validators
    assert same_body.validators.etag == b'"2"'


@pytest.mark.parametrize(
    ("cut", "titles", "is_cut_off"),
    [(b"<title>One", ["Two"], True), (b"</channel>", ["Two", "One"], False)],
    ids=["within-an-entry", "between-entries"],
)
async def test_of_a_feed_that_is_cut_off_the_whole_entries_are_kept_and_no_validators(
    publisher: Publisher, source: FeedSource, cut: bytes, titles: list[str], is_cut_off: bool
) -> None:
    seen = Validators(b'"0"', None, b"old", publisher.url("/feed"))
    publisher.serve("/feed", TWO[: TWO.index(cut)], etag='"1"')
    reading = await _read(source, a_feed(url=publisher.url("/feed")), seen)
    assert [entry.title for entry in reading.entries] == titles
    assert (reading.validators, reading.is_cut_off, reading.last) == (seen, is_cut_off, True)


async def test_what_an_older_version_read_is_read_anew(publisher: Publisher, source: FeedSource) -> None:
    publisher.serve("/feed", rss(items=[{"title": "The moon", "guid": "1"}]), etag='"1"')
    feed = a_feed(url=publisher.url("/feed"))
    seen = (await _read(source, feed)).validators
    assert not (await _read(source, feed, seen)).modified
    assert seen.items is not None
    older = replace(seen, items=(known_items.VERSION - 1).to_bytes(2) + seen.items[2:])
    again = await _read(source, feed, older)
    assert (again.modified, len(again.entries)) == (True, 1)
    assert publisher.requests[-1].header("If-None-Match") is None
    assert not (await _read(source, feed, again.validators)).modified


async def test_no_password_of_an_address_gets_into_links(publisher: Publisher, source: FeedSource) -> None:
    publisher.serve("/feed", rss(items=[{"title": "x", "link": "/1"}], link="/home"))
    reading = await _read(source, a_feed(url=publisher.url("/feed").replace("http://", "http://sara:secret@")))
    assert "secret" not in str(reading)
    assert reading.entries[0].link == publisher.url("/1")


# --- entries -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "absolute"),
    [
        ("1", "https://sky.example/news/1"),
        ("?p=1", "https://sky.example/news/feed.xml?p=1"),
        ("//moon.example/1", "https://moon.example/1"),
        ("https://moon.example/1#top", "https://moon.example/1#top"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("file:///etc/hostname", None),
        ("http://[foo/bar", None),
        ("http://", None),
    ],
)
async def test_links_are_absolute_and_lead_to_the_web(source: FeedSource, link: str, absolute: str | None) -> None:
    assert (await _entry(source, link=link)).link == absolute


@pytest.mark.parametrize(
    ("written", "published", "date_only", "flags"),
    [
        ("Mon, 23 Nov 2026 10:00:00 GMT", datetime(2026, 11, 23, 10, tzinfo=UTC), False, ()),
        ("Mon, 23 Nov 2026 10:00:00", datetime(2026, 11, 23, 10, tzinfo=UTC), False, (Flag.NO_ZONE,)),
        ("2026-11-23", datetime(2026, 11, 22, 20, 30, tzinfo=UTC), True, ()),
        ("1405/09/02", datetime(2026, 11, 22, 20, 30, tzinfo=UTC), True, ()),
        ("2026-11-23 10:00:00 +0330", datetime(2026, 11, 23, 6, 30, tzinfo=UTC), False, ()),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None, False, ()),
        ("0001-01-01T00:00:00Z", None, False, ()),
        ("9999-12-31T23:59:59-14:00", None, False, ()),
        ("Wed, 23 Feb 2028 10:00:00 GMT", None, False, ()),
        ("soon", None, False, ()),
        ("1" * 10_000, None, False, ()),
    ],
)
async def test_dates_are_instants_or_missing(
    source: FeedSource, written: str, published: datetime | None, date_only: bool, flags: tuple[Flag, ...]
) -> None:
    entry = await _entry(source, pubDate=written)
    assert (entry.published, entry.date_only, entry.flags) == (published, date_only, flags)


async def test_a_long_text_is_cut_and_says_so(source: FeedSource) -> None:
    entry = await _entry(source, title="x" * 5000, content="<p>" + "moon " * 200_000 + "</p>")
    assert len(entry.title or "") == 1024
    assert entry.flags == (Flag.TRUNCATED,)


async def test_the_language_is_found_in_the_words_and_else_declared(source: FeedSource) -> None:
    persian = "<p class='english words of markup'>" + "ماه امشب بر فراز تپه‌هاست. " * 3 + "</p>"
    assert (await _entry(source, title="Moon", content=persian)).language == "fa"
    reading, _ending = await source.parse(
        a_feed(language="fr"), Answer("", rss(items=[{"title": "La lune"}], language="en")), NOW
    )
    assert reading.entries[0].language == "fr"


# --- the child process ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"nothing", "no RSS, Atom or JSON"),
        (b"{", "broken"),
        (TWO.replace(b"<rss ", b'<rss xmlns:gml="http://www.opengis.net/gml" ').replace(
            b"</item>", b'<gml:Point srsName="EPSG:x"><gml:pos>1 2</gml:pos></gml:Point></item>'), "ValueError"),
    ],
    ids=["page", "words", "json", "feedparser-599"],
)  # fmt: skip
async def test_what_cannot_be_parsed_is_a_failure_of_that_feed(source: FeedSource, body: bytes, words: str) -> None:
    with pytest.raises(ParseError, match=words):
        await source.parse(a_feed(), Answer("", body), NOW)


async def test_a_document_that_takes_too_long_is_ended_and_the_next_is_parsed(source: FeedSource) -> None:
    with pytest.raises(ParseError, match=r"over 1.5 s, and was ended"):
        await source.parse(a_feed(), Answer("", HOSTILE), NOW)
    assert (await _entry(source)).title == "The moon"


async def test_others_wait_for_a_hostile_document_no_longer_than_its_limit(source: FeedSource) -> None:
    hostile = asyncio.create_task(source.parse(a_feed(), Answer("", HOSTILE), NOW))
    async with asyncio.timeout(6):
        assert (await _entry(source)).title == "The moon"
        with pytest.raises(ParseError):
            await hostile


async def test_a_document_that_eats_the_memory_is_a_failure_of_that_feed(source: FeedSource) -> None:
    huge = b"<rss version='2.0'><channel><title>" + b"<a>" * 3_000_000
    with pytest.raises(ParseError):
        await source.parse(a_feed(), Answer("", huge), NOW)
    assert (await _entry(source)).title == "The moon"


async def test_a_cancelled_reading_leaves_the_parser_usable(source: FeedSource) -> None:
    task = asyncio.create_task(source.parse(a_feed(), Answer("", HOSTILE), NOW))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await _entry(source)).title == "The moon"


async def test_a_closed_parser_starts_again() -> None:
    parser = Parser()
    for _time in range(2):
        assert (await parser.parse(TWO, ""))["entries"]
        await asyncio.to_thread(parser.close)


async def test_the_child_rests_when_nothing_comes_and_wakes_for_the_next_document() -> None:
    parser = Parser(rest_after=0.05)
    document = rss("Sky Notes", [{"title": "A full moon"}])
    try:
        assert parser.is_resting()
        await parser.parse(document, "")
        assert not parser.is_resting()
        async with asyncio.timeout(10):
            while not parser.is_resting():  # noqa: ASYNC110 (a property of a process, not of a task)
                await asyncio.sleep(0.01)
        assert len((await parser.parse(document, ""))["entries"]) == 1
    finally:
        parser.close()


async def test_a_language_given_in_the_file_is_that_of_every_entry(source: FeedSource) -> None:
    answer = Answer("https://sky.example/feed.xml", rss("Sky Notes", [{"title": "ماه کامل"}], language="fa"))
    for given, expected in ((None, "fa"), ("en", "en")):
        feed = a_feed(language=given)
        reading, _ending = await source.parse(feed, answer, NOW)
        assert [entry.language for entry in reading.entries] == [expected]
