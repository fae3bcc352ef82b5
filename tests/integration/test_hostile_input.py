"""Hostile and bad input, by the path of production: a publisher, HTTP, a child process, a reading.

``PROOFS`` names for each of the 85 known cases the test that proves what becomes of it; most of them are here.
"""

import ast
import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from bot.errors import SourceError
from bot.model import Flag, Reading, Validators
from bot.sources.feed import FeedSource
from bot.sources.fetch import Fetcher
from bot.sources.parsing import Parser
from bot.storage.database import Database
from bot.storage.schema import posts
from bot.text import markup
from tests.builders import NOW, a_feed, all_words
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import Publisher, atom, rss
from tests.integration.test_poller import Bench

TESTS = Path(__file__).resolve().parents[1]
PERSIAN = "ماه کامل بر فراز تپه‌ها"
TEHRAN = ZoneInfo("Asia/Tehran")
SEEN = Validators(b'"old"', None, b"old")
#: No document may take longer, on a machine that has nothing else to do.
LIMIT_SECONDS = 20

pytestmark = pytest.mark.timeout(3 * LIMIT_SECONDS)


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    async with Publisher() as server:
        yield server


@pytest.fixture(scope="module")
def parser() -> Any:
    opened = Parser(seconds=2.5 * LIMIT_SECONDS)  # this machine may have much else to do
    yield opened
    opened.close()


@pytest.fixture
async def source(parser: Parser) -> AsyncIterator[FeedSource]:
    fetcher = Fetcher(user_agent="Qasedak/test", allow_private_networks=True)
    yield FeedSource(fetcher, parser, zone=TEHRAN)
    await fetcher.close()


async def _read(source: FeedSource, url: str) -> Reading:
    (reading,) = [reading async for reading in source.read(a_feed(url=url), SEEN, NOW)]
    _is_fit_to_store(reading)
    return reading


_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _is_fit_to_store(reading: Reading) -> None:
    """Whatever came: characters that PostgreSQL and Telegram take, links into the web, a bounded number of each."""
    assert not _UNFIT.search(all_words(reading))
    assert len(reading.entries) <= 1000
    for entry in reading.entries:
        assert re.match("https?://", entry.link or "http://")
        assert len(entry.title or "") <= 1024
        assert len(entry.tags) <= 100
        assert len(entry.enclosures) <= 20


@dataclass(frozen=True)
class Case:
    """A row of the list, and what must come of it: titles, or the words of a refusal."""

    row: int
    words: str
    body: bytes | str
    outcome: list[str | None] | str
    content_type: str | None = "application/rss+xml"
    also: Callable[[Reading], bool] = lambda _reading: True


def _feed(items: str, head: str = "", namespaces: str = "") -> str:
    return f'{head}<rss version="2.0"{namespaces}><channel><title>Garden</title>{items}</channel></rss>'


def _item(inside: str, head: str = "") -> str:
    return _feed(f"<item><title>One</title>{inside}</item>", head)


def _titled(title: str, head: str = "") -> str:
    return _feed(f"<item><title>{title}</title></item>", head)


def _html(description: str) -> str:
    return _item(f"<description><![CDATA[{description}]]></description>")


def _declared(encoding: str, title: str, charset: str) -> bytes:
    return _titled(title, f'<?xml version="1.0" encoding="{encoding}"?>').encode(charset, "surrogatepass")


def _shows(text: str) -> Callable[[Reading], bool]:
    """The entry's text as people will see it."""
    return lambda reading: text in markup.plain(reading.entries[0].content or "")


def _hides(text: str) -> Callable[[Reading], bool]:
    return lambda reading: text not in markup.plain(reading.entries[0].content or "")


TWO = '<rss version="2.0"><channel><item><title>Two</title><guid>2</guid></item><item><title>One</title><guid>1</guid>'
END = "</item></channel></rss>"
LAUGHS = '<!ENTITY l0 "ha">' + "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
JSON_ITEMS: list[Any] = [None, "x", {"id": 7, "title": "Seven"}, {"id": None, "title": "None", "authors": 3}]
MANY = [f"Moon {number}" for number in range(1200)]


def _is_torso(reading: Reading) -> bool:
    return reading.is_cut_off and reading.validators == SEEN


CASES = [
    Case(1, "empty body", b"", "empty body"),
    Case(1, "white space", b" \r\n\t", "empty body"),
    Case(2, "html login page", "<!DOCTYPE html><html><head><title>Log in</title></head><form/></html>", "a web page"),
    Case(3, "html containing item", "<html><body><item><title>x</title></item></body></html>", "a web page"),
    *(
        Case(4, f"json feed as {kind}", json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Garden",
             "items": [{"id": "1", "title": PERSIAN, "url": "https://a.example/1"}]}), [PERSIAN], kind)
        for kind in ("application/feed+json", "text/html", "application/rss+xml", None)
    ),
    Case(5, "json with odd items", json.dumps({"items": JSON_ITEMS}), ["Seven", "None"],
         also=lambda reading: reading.entries[0].guid == "7"),
    Case(5, "json nested 200k deep", '{"items": [' + '{"a":' * 200_000, "deeper than any feed"),
    Case(5, "json number of 5000 digits", f'{{"items": [{{"id": {"1" * 5000}}}]}}', "broken"),
    Case(6, "truncated in mid-item", TWO[:-12], ["Two"], also=_is_torso),
    Case(7, "truncated in cdata", TWO + "<description><![CDATA[The moon", ["Two"], also=_is_torso),
    Case(8, "billion laughs", _titled("A &l9; B", f'<?xml version="1.0"?><!DOCTYPE rss [{LAUGHS}]>'), ["A &l9; B"]),
    Case(9, "quadratic blow-up", _titled("&e;" * 2000, f'<!DOCTYPE rss [<!ENTITY e "{"x" * 200_000}">]>'),
         [("&e;" * 2000)[:1024]]),
    Case(10, "external entity of a file", _titled("A &e;", '<!DOCTYPE rss [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
         ["A &e;"], also=lambda reading: "root:" not in repr(reading)),
    Case(12, "legal internal entity", _titled("By &me;", '<!DOCTYPE rss [<!ENTITY me "Sara">]>'), ["By &me;"]),
    Case(13, "doctype with a backslash", _titled("One", r'<!DOCTYPE rss PUBLIC "C:\data" [<!ENTITY d "C:\data">]>'),
         ["One"]),
    Case(14, "20k nested elements", _item("<a>" * 20_000 + "</a>" * 20_000), ["One"]),
    Case(15, "20k nested divs in html", _html("<div>" * 20_000 + "Tulips"), ["One"], also=_shows("Tulips")),
    Case(16, "5k nested xhtml", atom(items=[{"title": "One", "extra": '<content type="xhtml">'
         + '<div xmlns="http://www.w3.org/1999/xhtml">' * 5000 + "Tulips" + "</div>" * 5000 + "</content>"}]),
         ["One"], also=_shows("Tulips")),
    Case(17, "1500 nested atom sources", '<feed xmlns="http://www.w3.org/2005/Atom">' + "<entry><source>" * 1500
         + "</source></entry>" * 1500 + "</feed>", [None] * 1000),
    Case(18, "3000 nested items", _feed("<item>" * 3000 + "</item>" * 3000), [None] * 1000),
    Case(19, "1200 entries, the newest first", rss(items=[{"title": title, "guid": title,
         "pubDate": NOW - timedelta(hours=n)} for n, title in enumerate(MANY)]), [*MANY[:1000]]),
    Case(19, "1200 entries, the newest last", rss(items=[{"title": title, "guid": title,
         "pubDate": NOW - timedelta(days=90) + timedelta(hours=n)} for n, title in enumerate(MANY)]), [*MANY[200:]]),
    Case(19, "1200 entries of json, the newest last", json.dumps({"items": [{"id": title, "title": title,
         "date_published": f"{2000 + n // 12}-{n % 12 + 1:02}-01"} for n, title in enumerate(MANY)]}), [*MANY[200:]]),
    Case(20, "100k entries of 13 MB", _feed("<item><title>One</title></item>" * 420_000), "longer than 10 MiB"),
    Case(20, "20k entries", _feed("<item><title>One</title></item>" * 20_000), ["One"] * 1000),
    Case(21, "5 MB html entry", _html("<p>Tulips</p>" * 400_000), ["One"],
         also=lambda reading: reading.entries[0].flags == (Flag.TRUNCATED,)
         and len(reading.entries[0].content or "") == 512 * 1024),
    Case(22, "5 MB text", _item(f"<description>{'Tulips ' * 700_000}</description>"), ["One"],
         also=lambda reading: reading.entries[0].flags == (Flag.TRUNCATED,)),
    Case(22, "10 MB title", _titled("x" * 10_000_000), ["x" * 1024]),
    *(Case(row, f"{text} times {times}", _html("Tulips " + text * times), ["One"], also=_shows("Tulips"))
      for row, text, times in ((23, "<!--", 60_000), (24, "<", 200_000), (24, "<a ", 60_000), (24, "& ", 200_000))),
    Case(25, "one tag with 200k attributes", _item("<a " + " ".join(f'b{n}="1"' for n in range(200_000)) + "/>"),
         "over 500 attributes"),
    Case(25, "200k attributes behind a quoted angle", _item('<a b=">" ' + " ".join(f'b{n}=""' for n in range(200_000))
         + "/>"), "over 500 attributes"),
    *(Case(26, f"20k distinct tags as {name}", _item("".join(f"<{name}>{n}</{name}>" for n in range(20_000))), ["One"],
           also=lambda reading: reading.entries[0].tags == tuple(map(str, range(100))))
      for name in ("category", "CATEGORY", "dc:subject", "media:category")),
    Case(26, "20k distinct categories of atom", atom(items=[{"title": "One", "categories": map(str, range(20_000))}]),
         ["One"], also=lambda reading: reading.entries[0].tags == tuple(map(str, range(100)))),
    Case(27, "10k authors", _item("<author>Sara</author>" * 10_000), ["One"],
         also=lambda reading: reading.entries[0].author == "Sara"),
    Case(27, "10k contributors", atom(items=[{"title": "One", "extra": "<contributor><name>S</name></contributor>"
         * 10_000}]), ["One"]),
    Case(27, "20k pictures", rss(items=[{"title": "One", "extra": "".join(
         f'<media:content url="https://a.example/{n}.jpg" medium="image"/>' for n in range(20_000))}]), ["One"],
         also=lambda reading: len(reading.entries[0].enclosures) == 20),
    Case(28, "20k namespaces", _feed("<item><title>One</title></item>",
         namespaces="".join(f' xmlns:n{n}="urn:{n}"' for n in range(20_000))), ["One"]),
    Case(29, "200 KB of style", _html(f"<style>{'p {color: red} ' * 14_000}</style><p>Tulips</p>"), ["One"],
         also=lambda reading: _shows("Tulips")(reading) and _hides("color")(reading)),
    Case(30, "11 MB of one letter", b"A" * 11_000_000, "longer than 10 MiB"),
    Case(30, "10 MB of spaces", b"<rss>" + b" " * 10_000_000, "cut off before its first entry"),
    Case(31, "nul and escape in text", _titled("a\0b\x08\x0b\x1bc"), ["abc"]),
    Case(32, "references to nul", _titled("a&#0;b&#8;c"), ["a\ufffdb\ufffdc"]),
    Case(33, "reference to a surrogate", _titled("a&#xD800;b"), ["a\ufffdb"]),
    Case(34, "references beyond unicode", _titled("a&#x110000;b&#99999999999999999999;c"), ["a\ufffdb\ufffdc"]),
    Case(35, "bad references in html", _html("a&#xD800;b&#x110000;c&#0;d &amp;#xD800; Tulips"), ["One"],
         also=lambda reading: _shows("Tulips")(reading) and not _UNFIT.search(
             markup.plain(reading.entries[0].content or ""))),
    Case(35, "bad reference escaped twice", _titled("a&amp;#xD800;b&amp;amp;#0;c"), ["a\ufffdb\ufffdc"]),
    Case(36, "surrogate bytes in utf-8", _declared("utf-8", PERSIAN + "\ud800", "utf-8"), [PERSIAN + "\ufffd" * 3]),
    Case(37, "windows-1256 called utf-8", _declared("utf-8", "سلام دنيا", "windows-1256"), ["سلام دنيا"]),
    Case(38, "utf-8 called latin by the header", _titled(PERSIAN), [PERSIAN], "text/xml; charset=iso-8859-1"),
    Case(39, "utf-8 called latin by the declaration", _declared("iso-8859-1", PERSIAN, "utf-8"), [PERSIAN]),
    Case(40, "text/xml without charset", _titled(PERSIAN), [PERSIAN], "text/xml"),
    *(Case(41, f"{name} encoding", _declared(name, PERSIAN, "utf-8"), [PERSIAN], f"text/xml; charset={name}")
      for name in ("unheard-of", "rot13", "zlib")),
    Case(43, "utf-7 declared", _declared("utf-7", "a+ADw-b+AD4-", "ascii"), ["a+ADw-b+AD4-"]),
    Case(44, "utf-16 with a mark", _declared("utf-16", PERSIAN, "utf-16"), [PERSIAN]),
    Case(45, "mark and line before", "\ufeff\n" + _titled(PERSIAN, '<?xml version="1.0"?>'), [PERSIAN]),
    Case(45, "warning before", "Warning: Undefined variable in /feed.php\n" + _titled("One"), ["One"]),
    Case(45, "script after", _titled("One") + "<script>track()</script>", ["One"]),
    Case(46, "bare ampersands", _titled("AT&T <3") .replace("</item>", "<link>https://a.example/?a=1&b=2</link></item>"),
         ["AT&T <3"], also=lambda reading: reading.entries[0].link == "https://a.example/?a=1&b=2"),
    Case(47, "undeclared entities", _titled("A&nbsp;&laquo;B&raquo;"), ["A «B»"]),
    Case(48, "undeclared prefix", _feed("<item><title>Two</title><x:y>z</x:y></item><item><title>One</title></item>"),
         ["Two", "One"]),
    Case(49, "gzip that nobody declared", gzip.compress(_titled("One").encode()), ["One"]),
    *(Case(59, f"{link.partition(':')[0]} link", _item(f"<link>{link}</link><guid>{link}</guid>"), ["One"],
           also=lambda reading: reading.entries[0].link is None)
      for link in ("javascript:alert(1)", "data:text/html,x", "file:///etc/hostname")),
    Case(60, "link with a bad host", _item("<link>http://[foo/bar</link>"), ["One"],
         also=lambda reading: reading.entries[0].link is None),
    Case(62, "direction overrides", _titled("\u202eTulips\u202c می\u200cروند \u2067x\u2069"),
         ["Tulips می\u200cروند x"]),
    Case(83, "gml name that is no number", _feed('<item><g:Point srsName="EPSG:x"><g:pos>1 2</g:pos></g:Point></item>',
         namespaces=' xmlns:g="http://www.opengis.net/gml"'), "feedparser fails on it"),
    Case(84, "published without updated", _item("<pubDate>Mon, 23 Nov 2026 06:00:00 GMT</pubDate>"), ["One"],
         also=lambda reading: reading.entries[0].updated is None),
    *(Case(85, f"content type {kind}", _titled(PERSIAN), [PERSIAN], kind) for kind in (";;;=charset==;", "", None)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[f"row-{case.row}-{case.words.replace(' ', '-')}" for case in CASES])
async def test_a_bad_document_ends_as_it_should(publisher: Publisher, source: FeedSource, case: Case) -> None:
    publisher.serve("/feed", case.body, content_type=case.content_type, etag='"new"')
    if isinstance(case.outcome, str):
        with pytest.raises(SourceError, match=case.outcome):
            await _read(source, publisher.url("/feed"))
        return
    reading = await _read(source, publisher.url("/feed"))
    assert [entry.title for entry in reading.entries] == case.outcome
    assert case.also(reading)


def _at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


TEN, HALF_PAST_SIX = _at(2024, 1, 1, 10), _at(2024, 1, 1, 6, 30)
DATES: list[tuple[int, str, datetime | None]] = [
    (64, "0001-01-01T00:00:00Z", None),
    (65, "9999-12-31T23:59-14:00", None),
    (66, "0000-00-00", None),
    (66, "0001-01-01T00:00:00+14:00", None),
    (67, "10000-01-01T00:00:00Z", None),
    (67, "-0001-01-01T00:00:00Z", None),
    (68, "Mon, 01 Jan 2024 10:00:00", TEN),
    (69, "2024-01-01T10:00:00", TEN),
    (69, "2024-01-01", _at(2023, 12, 31, 20, 30)),
    (70, "2024-01-01 10:00:00 +0330", HALF_PAST_SIX),
    (71, "Mon, 01 Jan 2024 10:00:00 +0330", HALF_PAST_SIX),
    (71, "Mon, 01 Jan 2024 10:00:00 GMT+0330", HALF_PAST_SIX),
    (71, "Mon, 01 Jan 2024 10:00:00 +03:30", HALF_PAST_SIX),
    (71, "2024-01-01T10:00:00+03:30[Asia/Tehran]", HALF_PAST_SIX),
    (72, "Mon, 01 Jan 2024 10:00:00 IRST", HALF_PAST_SIX),
    (72, "Mon, 01 Jan 2024 10:00:00 MSK", _at(2024, 1, 1, 7)),
    (72, "Mon, 01 Jan 2024 10:00:00 CET", _at(2024, 1, 1, 9)),
    (73, "Mon, 01 Jan 2024 10:00:00 +9999", TEN),
    (74, "Fri, 01 Jan 2024 10:00:00 GMT", TEN),
    (74, "Mon, 01 Jan 24 10:00:00 GMT", TEN),
    (74, "mon, 01 jan 2024 10:00:00 gmt", TEN),
    (74, "Monday, 1 January 2024 10:00:00 GMT", TEN),
    (74, "01 Jan 2024 10:00:00 GMT", TEN),
    (74, "Mon, 01 Jan 2024 10:00:00Z", TEN),
    (74, "Mon Jan  1 10:00:00 2024", TEN),
    (75, "2024-01-01T10:00:60Z", _at(2024, 1, 1, 10, 0, 59)),
    (75, "2024-01-01T24:00:00Z", _at(2024, 1, 2)),
    (75, "2024-02-30T10:00:00Z", None),
    (75, "2024-01-01T25:61:00Z", None),
    (76, "1704103200", TEN),
    (76, "1704103200000", TEN),
    (77, "1402/10/11 10:00", HALF_PAST_SIX),
    (78, "دوشنبه ۱۱ دی ۱۴۰۲ - ۱۰:۰۰", HALF_PAST_SIX),
    (78, "۲۰۲۴-۰۱-۰۱T۱۰:۰۰:۰۰Z", TEN),
    (79, "01/02/2024", None),
    (79, "02.01.2024 10:00", _at(2024, 1, 2, 10)),
    (79, "1 janvier 2024", None),
    (80, "2024/6/29 15:07", _at(2024, 6, 29, 15, 7)),
    (80, "2024-W01-1", None),
    (80, "1" * 100_000, None),
    (80, "the day of the tulips", None),
    (81, "Mon, 01 Jan 2024 10:00:00 PM GMT", _at(2024, 1, 1, 22)),
    (82, "Thu, 01 Jan 2099 10:00:00 GMT", None),
]
NO_ZONE = {"Mon, 01 Jan 2024 10:00:00", "2024-01-01T10:00:00", "Mon, 01 Jan 2024 10:00:00 +9999"}


@pytest.mark.parametrize(
    ("row", "written", "published"), DATES, ids=[f"row-{row}-{written[:40]}" for row, written, _ in DATES]
)
async def test_a_date_is_an_instant_or_missing(
    publisher: Publisher, source: FeedSource, row: int, written: str, published: datetime | None
) -> None:
    publisher.serve("/feed", _item(f"<pubDate>{written}</pubDate>"))
    (entry,) = (await _read(source, publisher.url("/feed"))).entries
    assert entry.published == published
    assert written not in NO_ZONE or entry.flags == (Flag.NO_ZONE,)
    assert entry.date_only == (written == "2024-01-01")


async def test_an_external_dtd_is_not_asked_for(publisher: Publisher, source: FeedSource) -> None:  # row 11
    async with Publisher() as decoy:
        heads = (
            f'<!DOCTYPE rss SYSTEM "{decoy.url("/x.dtd")}">',
            f'<!DOCTYPE rss [<!ENTITY % e SYSTEM "{decoy.url("/x")}"> %e;]>',
            f'<!DOCTYPE rss [<!ENTITY f SYSTEM "{decoy.url("/x")}">]>',
            f'<?xml-stylesheet href="{decoy.url("/x.xsl")}"?>',
        )
        for head in heads:
            publisher.serve("/feed", _titled("A &f;", head))
            assert len((await _read(source, publisher.url("/feed"))).entries) == 1
        assert decoy.requests == []


async def test_a_charset_with_a_nul_is_no_charset(source: FeedSource, parser: Parser) -> None:  # row 42
    """No header can carry it as far as this; so it is given to the parser itself."""
    parsed = await parser.parse(_titled(PERSIAN).encode(), 'text/xml; charset="a\0b"')
    assert [entry["title"] for entry in parsed["entries"]] == [PERSIAN]


async def test_a_bad_charset_of_the_header_does_no_harm(publisher: Publisher, source: FeedSource) -> None:  # row 42
    body = _titled(PERSIAN).encode()
    for charset in (b'"a\tb"', b"\xff\xfe", b"utf-8; charset=rot13", b'"', b"'"):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=" + charset
        publisher.raw("/feed", head + f"\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        assert [entry.title for entry in (await _read(source, publisher.url("/feed"))).entries] == [PERSIAN]


async def test_a_document_that_came_twice_in_one_is_stored_once(  # row 45
    publisher: Publisher, source: FeedSource, sqlite: Database, clock: FakeClock
) -> None:
    bench = Bench(sqlite, clock)
    publisher.serve("/feed", (TWO + END) * 2)
    await bench.configure(a_feed("garden", url=publisher.url("/feed"), backfill=None))
    bench.restart(source)
    assert (await bench.poller.poll_all_due()).new == 2
    assert sorted(await bench.ask(select(posts.c.title))) == ["One", "Two"]


async def test_a_declared_gzip_is_inflated_once(publisher: Publisher, source: FeedSource) -> None:  # row 50
    publisher.serve("/feed", _titled(PERSIAN), gzip=True)
    assert [entry.title for entry in (await _read(source, publisher.url("/feed"))).entries] == [PERSIAN]


@pytest.mark.parametrize(
    ("link", "absolute"),
    [("1", "/a/1"), ("/1", "/1"), ("?p=1", "/a/feed?p=1"), ("//moon.example/1", "http://moon.example/1")],
)
async def test_a_relative_link_leads_from_the_feed(  # row 61
    publisher: Publisher, source: FeedSource, link: str, absolute: str
) -> None:
    publisher.redirect("/feed", "/a/feed")
    publisher.serve("/a/feed", _item(f"<link>{link}</link>"))
    (entry,) = (await _read(source, publisher.url("/feed"))).entries
    assert entry.link == (absolute if "moon" in absolute else publisher.url(absolute))


async def test_empty_and_shared_guids_lose_no_entry_and_empty_entries_are_none(  # row 63
    publisher: Publisher, source: FeedSource, sqlite: Database, clock: FakeClock
) -> None:
    items = [
        "<guid></guid><title>No guid</title>",
        "<guid>1</guid><title>One</title><link>https://a.example/1</link>",
        "<guid>1</guid><title>Another</title><link>https://a.example/2</link>",
        "",
        "<guid> </guid><title> </title>",
    ]
    publisher.serve("/feed", _feed("".join(f"<item>{item}</item>" for item in items)))
    bench = Bench(sqlite, clock)
    await bench.configure(a_feed("garden", url=publisher.url("/feed"), backfill=None))
    bench.restart(source)
    assert (await bench.poller.poll_all_due()).new == 3
    assert sorted(await bench.ask(select(posts.c.title))) == ["Another", "No guid", "One"]


# --- time ----------------------------------------------------------------------------------------------------

#: Minutes of feedparser's time: it looks for an e-mail address in every name.
HOSTILE = rss(items=[{"title": "x", "author": "x" * 600_000}])


async def test_fifty_feeds_are_read_on_time_while_hostile_ones_burn_their_limit(publisher: Publisher) -> None:
    parser = Parser(quick_seconds=0.5)
    fetcher = Fetcher(user_agent="Qasedak/test", allow_private_networks=True)
    source = FeedSource(fetcher, parser, zone=TEHRAN)
    for number in range(50):
        publisher.serve(f"/{number}", rss(items=[{"title": f"Moon {number}.{n}", "guid": f"{n}"} for n in range(20)]))
    publisher.serve("/hostile", HOSTILE)
    try:
        burning = [asyncio.create_task(_read(source, publisher.url("/hostile"))) for _feed in range(3)]
        async with asyncio.timeout(LIMIT_SECONDS):
            readings = await asyncio.gather(*(_read(source, publisher.url(f"/{number}")) for number in range(50)))
        assert [reading.entries[0].title for reading in readings] == [f"Moon {number}.0" for number in range(50)]
        assert not any(task.done() for task in burning)
        for task in burning:
            task.cancel()
        await asyncio.wait(burning)
    finally:
        await fetcher.close()
        await asyncio.to_thread(parser.close)


# --- the list ------------------------------------------------------------------------------------------------

HERE = "integration/test_hostile_input.py"
SOURCE = "integration/test_feed_source.py"
FETCH = "integration/test_fetch.py"
ELSEWHERE: dict[int, list[str]] = {
    11: [f"{HERE}::test_an_external_dtd_is_not_asked_for"],
    14: [f"{SOURCE}::test_a_document_that_takes_too_long_is_ended_and_the_next_is_parsed"],
    15: ["unit/test_markup.py::test_hostile_html_costs_little[nested]"],
    20: [f"{SOURCE}::test_a_document_that_eats_the_memory_is_a_failure_of_that_feed"],
    30: [f"{FETCH}::test_a_long_body_is_refused_before_it_is_read"],
    42: [f"{HERE}::test_a_charset_with_a_nul_is_no_charset", f"{HERE}::test_a_bad_charset_of_the_header_does_no_harm"],
    45: [f"{HERE}::test_a_document_that_came_twice_in_one_is_stored_once"],
    50: [f"{HERE}::test_a_declared_gzip_is_inflated_once"],
    51: [f"{FETCH}::test_bodies_that_lie_are_failures[bomb]", f"{FETCH}::test_bodies_that_lie_are_failures[twice]"],
    52: [
        f"{FETCH}::test_bodies_that_lie_are_failures[no-gzip]",
        f"{FETCH}::test_bodies_that_lie_are_failures[no-end]",
        f"{FETCH}::test_bodies_that_lie_are_failures[brotli]",
    ],
    53: [f"{FETCH}::test_a_slow_answer_ends_at_the_deadline[{manner}]" for manner in ("body", "head")],
    54: [f"{FETCH}::test_redirects_that_lead_nowhere_are_failures"],
    55: [
        f"{FETCH}::test_redirects_that_lead_nowhere_are_failures",
        f"{FETCH}::test_a_location_of_odd_bytes_is_asked_for_as_it_is",
    ],
    56: [
        f"{FETCH}::test_no_spelling_of_a_private_address_is_asked",
        f"{FETCH}::test_a_redirect_to_a_private_address_is_not_followed",
        f"{FETCH}::test_public_is_what_the_internet_routes",
    ],
    57: [f"{FETCH}::test_a_redirect_to_a_private_address_is_not_followed"],
    58: [
        f"{FETCH}::test_a_name_and_a_password_become_a_header_and_are_shown_nowhere",
        f"{SOURCE}::test_no_password_of_an_address_gets_into_links",
    ],
    61: [f"{HERE}::test_a_relative_link_leads_from_the_feed"],
    63: [f"{HERE}::test_empty_and_shared_guids_lose_no_entry_and_empty_entries_are_none"],
}
PROOFS: dict[int, list[str]] = {
    row: [
        *(f"{HERE}::test_a_bad_document_ends_as_it_should" for case in CASES if case.row == row),
        *(f"{HERE}::test_a_date_is_an_instant_or_missing" for of, _written, _found in DATES if of == row),
        *ELSEWHERE.get(row, ()),
    ]
    for row in range(1, 86)
}


def test_every_row_of_the_list_has_its_proof() -> None:
    assert [row for row, proofs in PROOFS.items() if not proofs] == []
    for proof in {proof for proofs in PROOFS.values() for proof in proofs}:
        path, _, name = proof.partition("::")
        name, _, variant = name.rstrip("]").partition("[")
        tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
        (function,) = (
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
        )
        said = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert not variant or variant in said, proof
        assert function
