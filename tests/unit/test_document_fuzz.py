"""Any bytes into entries, in this process: a typed refusal, or records that are fit to store.

Feeds of all formats are mutated: pieces repeated, left out, moved from one to another, odd references put in, encoded.
``make fuzz`` runs it for long; what it found is kept by name.
"""

import json
import pickle
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import identity
from bot.sources import document, mending
from bot.sources.document import NotAFeed
from bot.sources.feed import FeedSource
from bot.sources.fetch import Answer, Fetcher
from bot.sources.parsing import Parser
from tests.builders import NOW, a_feed, all_words
from tests.fakes.publisher import atom, rss

ITEMS: list[dict[str, Any]] = [
    {
        "title": "ماه کامل &amp; باغ", "link": "/moon?a=1&b=2", "guid": "1", "author": "sara@garden.example (Sara)",
        "pubDate": "Mon, 23 Nov 2026 10:00:00 +0330", "description": "<p>It is <b>full</b> tonight.</p>",
        "categories": ["Moon", "باغ"], "enclosure": {"url": "moon.mp3", "type": "audio/mpeg", "length": "5"},
        "extra": '<media:group><media:content url="a.jpg" medium="image"/><media:thumbnail url="b.jpg"/></media:group>',
    },
    {"title": "Tulips", "pubDate": "1402/10/11", "content": "<div style='x'>They <i>bloom<br/></div>"},
]  # fmt: skip
RDF = (
    b'<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    b' xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="u:g">'
    b'<title>Garden</title><items><rdf:Seq><rdf:li rdf:resource="u:1"/></rdf:Seq></items></channel>'
    b'<item rdf:about="u:1"><title>One</title><link>https://a.example/1</link><dc:date>2026-11-23</dc:date>'
    b"<dc:creator>Sara</dc:creator><dc:subject>Moon</dc:subject></item></rdf:RDF>"
)
XHTML = atom(
    items=[
        {
            "title": "One",
            "extra": '<content type="xhtml" xml:base="/a/"><div xmlns="http://www.w3.org/1999/xhtml"><p>Tulips</p></div>'
            "</content><source><id>u:s</id><title>Sky</title></source><georss:point"
            ' xmlns:georss="http://www.georss.org/georss">45 10</georss:point>',
        }
    ]
)
JSON = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Garden",
        "items": [{"id": 1, "title": "One", "content_html": "<p>x</p>", "tags": ["a"], "authors": [{"name": "Sara"}],
                   "attachments": [{"url": "u", "mime_type": "audio/mpeg"}], "date_published": "2026-11-23T10:00:00Z"}],
    }
).encode()  # fmt: skip
FEEDS = [
    rss(items=ITEMS, extra="<ttl>60</ttl><skipHours><hour>3</hour></skipHours><image><url>i.png</url></image>"),
    atom(items=ITEMS), XHTML, RDF, JSON,
]  # fmt: skip
TOKENS = [
    b"&#0;", b"&#xD800;", b"&#x110000;", b"&#99999999999999999999;", b"&#x;", b"&amp", b"&;", b"&nbsp;", b"<![CDATA[",
    b"]]>", b"<!--", b"-->", b"<!DOCTYPE a [", b'<!ENTITY a "b">]>', b"<?xml", b"?>", b"<", b">", b'"', b"'", b"\0",
    b"\x1b", b"\xed\xa0\x80", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b", b"<item>", b"</item>", b"<entry>",
    b"</channel>", b"</title>", b"<title type='html'>", b"<link/>", b"<guid isPermaLink='true'>", b"<pubDate>",
    b"9999-12-31T23:59-14:00", b"0000-00-00", b"1" * 5000, b'{"items": [', b"[" * 150, b"NaN", b"1e999", b"\\ud800",
    b"http://[", b"javascript:x", b"mode='base64'", b" type='application/xhtml+xml'", b" xml:base='http://['",
    b" xml:lang='\xd9\x81'", b" xmlns='u'", b" xmlns:media=''", b"<g:Point xmlns:g='http://www.opengis.net/gml'"
    b" srsName='x'><g:pos>1 2</g:pos></g:Point>", b"C:\\data", b"encoding='utf-7'", b"encoding='utf-16'",
]  # fmt: skip
CHARSETS = ["utf-8", "utf-16", "utf-16-be", "utf-32", "windows-1256", "latin-1", "iso-2022-jp"]


def _parts(body: bytes) -> st.SearchStrategy[tuple[int, int]]:
    """A stretch of a body; most of the edges are those of its markup."""
    edges = [at for at in range(len(body)) if body[at] in b'<>&"{}[],'] or [0]
    place = st.sampled_from(edges) | st.integers(0, len(body))
    return st.tuples(place, place).map(lambda pair: (min(pair), max(pair)))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    body = draw(st.sampled_from(FEEDS))
    for change in draw(st.lists(st.sampled_from(["repeat", "delete", "splice", "token", "byte", "cut"]), max_size=6)):
        start, end = draw(_parts(body))
        piece = body[start:end]
        match change:
            case "repeat":
                piece *= draw(st.integers(2, 40)) if len(piece) < 500 else 2
            case "delete":
                piece = b""
            case "splice":
                other = draw(st.sampled_from(FEEDS))
                begin, stop = draw(_parts(other))
                piece = other[begin:stop]
            case "token":
                piece += draw(st.sampled_from(TOKENS) | st.binary(max_size=6)) * draw(st.integers(1, 3))
            case "byte":
                piece = bytes([draw(st.integers(0, 255))]) + piece[1:]
            case "cut":
                end = len(body)
                piece = b""
        body = body[:start] + piece + body[end:]
    charset = draw(st.sampled_from(CHARSETS) | st.just(""))
    return body.decode("utf-8", "replace").encode(charset, "xmlcharrefreplace") if charset else body


def _entries(body: bytes, content_type: str) -> tuple[Any, ...]:
    """What the child makes of it, carried over, and what the parent makes of that."""
    parsed = pickle.loads(pickle.dumps(document.parse(body, content_type)))
    source = FeedSource(Fetcher(user_agent="Qasedak/test"), Parser(), zone=ZoneInfo("Asia/Tehran"))
    reading = source._reading(a_feed(), Answer("https://garden.example/feed", b""), parsed, NOW)
    said = all_words(reading)
    assert mending.legal(said) == said
    assert len(reading.entries) <= mending.MAX_ENTRIES
    identity.identify(reading.entries, home=reading.home)
    return reading.entries


TYPES = st.sampled_from(["application/rss+xml", "text/xml; charset=utf-16", "text/html; charset=windows-1256", ";;="])


@given(mutated(), TYPES)
def test_a_mutated_feed_is_refused_or_fit_to_store(body: bytes, content_type: str) -> None:
    try:
        _entries(body, content_type)
    except NotAFeed:
        return


@given(st.binary(max_size=200) | st.lists(st.sampled_from(TOKENS), max_size=12).map(b"".join), TYPES)
def test_any_bytes_are_refused_or_fit_to_store(body: bytes, content_type: str) -> None:
    for whole in (body, b"<rss version='2.0'><channel><item><title>" + body, b'{"items": [{"title": ' + body + b"}]}"):
        try:
            _entries(whole, content_type)
        except NotAFeed:
            continue


@pytest.mark.parametrize("body", FEEDS, ids=["rss", "atom", "xhtml", "rdf", "json"])
def test_the_feeds_that_are_mutated_have_entries(body: bytes) -> None:
    assert _entries(body, "")
