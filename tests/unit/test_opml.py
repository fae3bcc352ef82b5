"""Lists of feeds: those of others are read, ours are read by others, and none of them harms."""

import contextlib
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import opml
from bot.config.opml import Outline
from bot.errors import ConfigError
from bot.model import Feed, FeedKind

LISTS = Path(__file__).resolve().parents[1] / "data/opml"
AT = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
SKY = "https://sky.example/feed.xml"
GARDEN = "https://garden.example/feed?format=atom&lang=fa"


def a_list(body: str, before: str = "") -> bytes:
    return f'{before}<opml version="2.0"><head/><body>{body}</body></opml>'.encode()


def test_an_export_of_rss_to_telegram_bot_keeps_the_titles_that_people_gave() -> None:
    assert opml.read((LISTS / "rsstt.opml").read_bytes()).outlines == (
        Outline(SKY, "آسمان شب"),
        Outline(GARDEN, "Garden & Orchard"),
        Outline("http://old.example/rss", "بی‌نام"),
    )


def test_an_export_of_flowerss_keeps_its_titles() -> None:
    assert opml.read((LISTS / "flowerss.opml").read_bytes()).outlines == (
        Outline(SKY, "Sky Notes"),
        Outline(GARDEN, 'Garden "Orchard"'),
    )


def test_a_list_of_a_reader_is_read_through_its_folders_and_small_mistakes() -> None:
    found = opml.read((LISTS / "reader.opml").read_bytes())
    assert found.outlines == (
        Outline(SKY, "Sky Notes"),
        Outline("https://bare.example/feed?a=1&b=2", "Bare"),
        Outline("http://cast.example/rss", "feed:"),
        Outline("https://untitled.example/feed"),
    )
    assert found.skipped == ("Secrets: file:///etc/passwd is no web address",)


BOMBS = {
    "billion-laughs": a_list(
        '<outline text="&c;" type="rss" xmlUrl="https://a.example/"/>',
        '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>',
    ),
    "a-file": a_list(
        '<outline text="&secret;" type="rss" xmlUrl="https://a.example/"/>',
        '<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">]>',
    ),
    "of-attributes": a_list(
        '<outline type="rss" xmlUrl="https://a.example/"/>',
        '<!DOCTYPE opml [<!ATTLIST outline text CDATA "given by nobody">]>',
    ),
}


@pytest.mark.parametrize("document", BOMBS.values(), ids=BOMBS.keys())
def test_nothing_that_a_list_declares_is_expanded(document: bytes) -> None:
    (outline,) = opml.read(document).outlines
    assert outline.url == "https://a.example/"
    assert outline.title in (None, "&c;", "&secret;")


REFUSED = {
    "no-xml": (b"feeds: {}", "not well-formed"),
    "cut-off": (a_list("")[:-8], "not well-formed"),
    "a-feed": (b"<rss><channel/></rss>", "no OPML"),
    "empty": (b"", "not well-formed"),
    "too-deep": (a_list("<outline>" * 60 + "</outline>" * 60), "over 50 deep"),
    "too-many": (
        a_list("".join(f'<outline xmlUrl="https://a.example/{n}"/>' for n in range(5_001))),
        "more than 5000 feeds",
    ),
    "too-large": (b" " * (8 * 1024 * 1024 + 1), "larger than 8 MB"),
    "attributes": (a_list("<outline " + " ".join(f'a{n}="1"' for n in range(2000)) + "/>"), "500 attributes"),
}


@pytest.mark.parametrize(("document", "problem"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_list_is_refused_with_what_to_do(document: bytes, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        opml.read(document)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1256"])
def test_a_list_is_read_in_whatever_characters_it_came(encoding: str) -> None:
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?><opml><body><outline text="آسمان" xmlUrl="{SKY}"/></body></opml>'
    )
    assert opml.read(text.encode(encoding)).outlines == (Outline(SKY, "آسمان"),)


def test_what_is_written_is_read_back_with_names_and_intervals() -> None:
    feeds = [
        Feed("sky", FeedKind.HTTP, SKY, title='«آسمان» & "sky" <b>', every=timedelta(hours=2)),
        Feed("باغ", FeedKind.HTTP, GARDEN),
        Feed("old", FeedKind.ARCHIVE, "/srv/archive/*.txt"),
    ]
    written = opml.write(opml.outlines_of(feeds).outlines, "Feeds", AT)
    assert opml.read(written.encode()).outlines == (
        Outline(SKY, '«آسمان» & "sky" <b>', "sky", timedelta(hours=2)),
        Outline(GARDEN, None, "باغ", timedelta(minutes=30)),
    )
    # Of OPML 2.0, "Subscription lists": each line has type, text and xmlUrl.
    lines = ET.fromstring(written).findall("./body/outline")
    assert [(line.get("type"), line.get("text"), line.get("xmlUrl")) for line in lines] == [
        ("rss", '«آسمان» & "sky" <b>', SKY),
        ("rss", "باغ", GARDEN),
    ]
    assert ET.fromstring(written).findtext("./head/dateCreated") == "Sun, 29 Nov 2026 12:00:00 GMT"


def test_a_list_that_is_given_away_holds_no_password() -> None:
    feeds = [
        Feed("paid", FeedKind.HTTP, "https://reader:hunter2@paid.example:8443/feed?id=1"),
        Feed("keyed", FeedKind.HTTP, "https://keyed.example/feed?key=s3cret"),
    ]
    found = opml.outlines_of(feeds, private={"keyed"})
    assert [outline.url for outline in found.outlines] == ["https://paid.example:8443/feed?id=1"]
    assert found.skipped == (
        "paid: without the user name and password of its address",
        "keyed: left out, its address holds a ${VARIABLE}",
    )


@given(st.text(max_size=300), st.text(max_size=40))
def test_any_title_and_name_survive_or_are_tamed(title: str, name: str) -> None:
    written = opml.write([Outline(SKY, title or None, name or None)], title, AT)
    (outline,) = opml.read(written.encode("utf-8", "surrogatepass").replace(b"\xed", b"")).outlines
    assert outline.url == SKY
    for text in (outline.title or "", outline.name or ""):
        assert len(text) <= opml.MAX_TITLE_CHARS
        assert not any(character < " " for character in text)


@given(st.binary(max_size=400))
def test_bytes_of_any_kind_are_read_or_refused(document: bytes) -> None:
    for whole in (document, a_list("")[:-14] + document + b"</body></opml>"):
        with contextlib.suppress(ConfigError):
            opml.read(whole)
