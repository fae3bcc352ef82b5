"""Items of a document that were there before: found, cut out, remembered, and left alone at any doubt."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Hints, Reading
from bot.sources import document, known_items, mending
from bot.sources.known_items import Layout, Memory
from tests.builders import an_entry
from tests.fakes.publisher import atom, rss

URL = "https://sky.example/feed.xml"
THREE = [
    {"title": f"Moon {n}", "guid": str(n), "link": f"https://sky.example/{n}", "description": f"<p>{n}</p>"}
    for n in (3, 2, 1)
]
RSS, ATOM = rss("Sky", THREE), atom("Sky", THREE)
RDF = (
    b'<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><channel>'
    b'<title>Sky</title><items><rdf:Seq><rdf:li resource="1"/></rdf:Seq></items></channel>'
    b'<item rdf:about="2"><title>Moon 2</title></item><item rdf:about="1"><title>Moon 1</title></item></rdf:RDF>'
)


def _layout(body: bytes) -> Layout:
    layout = known_items.find(body)
    assert layout is not None
    return layout


# --- finding -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "count"), [(RSS, 3), (ATOM, 3), (RDF, 2)], ids=["rss", "atom", "rdf"])
def test_the_items_of_each_format_are_found(body: bytes, count: int) -> None:
    layout = _layout(body)
    assert len(layout.items) == count
    parsed = document.parse(layout.without(dict.fromkeys(layout.items[::2])), "")
    assert [entry["title"] for entry in parsed["entries"]] == ["Moon 2" if count == 3 else "Moon 1"]
    assert document.parse(layout.without(dict.fromkeys(layout.items)), "")["entries"] == []


def _with(*, head: str = "", item: str = "", between: str = "") -> bytes:
    return rss("Sky", [{"title": "a", "extra": item}, {"title": "b"}], extra=head).replace(
        b"</item>\n<item>", b"</item>\n" + between.encode() + b"<item>"
    )


@pytest.mark.parametrize(
    "body",
    [
        _with(item="<item><title>x</title></item>"),
        _with(item="<description><![CDATA[</item>]]></description>"),
        _with(item="<description><![CDATA[<item>]]></description>"),
        _with(item="<!-- </item><item> -->"),
        _with(item="<?x </item><item> ?>"),
        _with(between="<!-- <item><title>old</title></item> -->"),
        _with(between="<!-- "),
        _with(between="<item/>"),
        _with(between="<item>"),
        _with(item="<entry>x</entry>"),
        RSS.replace(b"<item>", b"<rss:item>").replace(b"</item>", b"</rss:item>"),
        b'<!DOCTYPE rss [<!ENTITY a "b">]>' + RSS.partition(b"\n")[2],
        RSS.decode().encode("utf-16"),
        RSS.replace(b"Moon", b"Mo\xffn"),
        RSS.replace(b"Moon", b"\x1b$B"),
        RSS.partition(b"\n")[2].replace(b"Moon 1", b"<![CDATA[<?xml version='1.0'?>]]>"),
        RSS[: RSS.rindex(b"</item>")],
        rss("Sky", []),
        rss("Sky", [{"title": "a"}, {"title": "a"}]),
        rss("Sky", [{"title": str(n)} for n in range(known_items.MAX_ITEMS + 1)]),
        _with(head=f"<x>{'y' * known_items.MAX_FRAME_BYTES}</x>"),
        b'{"items": []}',
        b"",
    ],
    ids=[
        "nested", "closed-in-cdata", "opened-in-cdata", "closed-in-a-comment", "in-an-instruction", "commented-out",
        "open-comment", "empty-tag", "opened-twice", "items-and-entries", "prefixed", "doctype", "utf-16", "not-utf-8",
        "iso-2022", "declaration-in-an-item", "cut-off", "no-items", "twice-the-same", "too-many", "endless-head",
        "json", "nothing",
    ],
)  # fmt: skip
def test_any_doubt_is_left_to_the_parser(body: bytes) -> None:
    assert known_items.find(body) is None


def test_no_more_items_are_looked_for_than_are_read() -> None:
    assert known_items.MAX_ITEMS <= mending.MAX_ENTRIES


def test_markup_in_a_text_is_no_doubt() -> None:
    html = "<description><![CDATA[<!-- more --><?php ?><p>a</p>]]></description><!-- x --><items/><entryway/>"
    assert len(_layout(_with(item=html)).items) == 2


@pytest.mark.parametrize(
    ("change", "frame", "scope"),
    [
        ((b"</item>\n<item>", b"</item>\n\n   <item>"), True, True),
        ((b"<title>Sky</title>", b"<title>Moon</title>"), False, True),
        ((b"<channel>", b'<channel xml:base="https://moon.example/">'), False, False),
        ((b"xmlns:dc=", b"xmlns:dublin="), False, False),
    ],
    ids=["white-space", "title", "base", "namespace"],
)
def test_what_stands_round_the_items_is_told_apart(change: tuple[bytes, bytes], frame: bool, scope: bool) -> None:
    before, after = _layout(RSS), _layout(RSS.replace(*change))
    assert before.items == after.items
    assert (before.frame == after.frame, before.scope == after.scope) == (frame, scope)


@given(
    st.lists(
        st.sampled_from(
            ["<item>", "</item>", "<item a=''>", "<item/>", "</item >", "<entry>", "</entry>", "<!--", "-->", "<!-->",
             "<![CDATA[", "]]>", "<?", "?>", "<p>", "</p>", "x", " "]
        ),
        max_size=14,
    )
)  # fmt: skip
def test_what_is_cut_from_a_well_formed_document_is_whole_entries(pieces: list[str]) -> None:
    """The scan knows no XML; whatever it finds in what the strict parser accepts must be what that finds."""
    body = ("<?xml version='1.0'?><rss version='2.0'><channel>" + "".join(pieces) + "</channel></rss>").encode()
    layout = known_items.find(body)
    parsed = document.parse(body, "")
    if layout is None or not parsed["strict"]:
        return
    assert len(layout.items) == len(parsed["entries"])
    rest = document.parse(layout.without(dict.fromkeys(layout.items)), "")
    assert (rest["strict"], rest["entries"]) == (True, [])


# --- remembering ---------------------------------------------------------------------------------------------

READING = Reading(
    entries=(an_entry(3), an_entry(2, guid=None), an_entry(1, link=None, published=None)),
    title="آسمان",
    home="https://sky.example/",
    hints=Hints(timedelta(minutes=1), timedelta(hours=1), skip_hours=frozenset({0, 5}), skip_days=frozenset({4})),
)


def _memory(reading: Reading = READING) -> Memory:
    return known_items.remember(_layout(RSS), reading, URL)


def test_what_is_remembered_is_read_back() -> None:
    memory = _memory()
    blob = known_items.dump(memory)
    assert blob is not None
    assert known_items.load(blob) == replace(
        memory,
        items={digest: replace(known, keys=replace(known.keys, ident="")) for digest, known in memory.items.items()},
    )
    assert known_items.load_hints(blob) == replace(READING.hints, max_age=None)
    assert [known.is_dated for known in memory.items.values()] == [True, True, False]


def test_an_item_costs_less_than_eighty_bytes() -> None:
    small, large = known_items.dump(known_items.without_items(_memory())), known_items.dump(_memory())
    assert small is not None
    assert large is not None
    assert len(large) - len(small) < 3 * 80 + 96


@pytest.mark.parametrize("blob", [None, b"", b"\0", b"\xff\xff\0\x02{}"], ids=["none", "empty", "short", "version"])
def test_what_another_version_remembered_is_forgotten(blob: bytes | None) -> None:
    assert known_items.load(blob) is None
    assert known_items.load_hints(blob) == Hints()


def test_a_title_without_end_is_not_remembered() -> None:
    assert known_items.dump(_memory(replace(READING, title="x" * known_items.MAX_HEAD_BYTES))) is None


@pytest.mark.parametrize(
    "changes",
    [
        [{}, {"guid": "guid-3"}, {}],
        [{}, {"link": "http://sky.example/3#top"}, {}],
        [{"link": "https://sky.example"}, {}, {}],
        [{"guid": None, "link": None}, {}, {}],
        [{"guid": "1", "link": None, "title": None, "content": None}, {}, {}],
        [{}, {}],
        [{}, {}, {}, {}],
    ],
    ids=["same-guid", "same-link", "link-to-the-home-page", "no-key", "says-nothing", "too-few", "too-many"],
)
def test_a_document_whose_entries_are_not_apart_is_parsed_whole_again(changes: list[dict[str, str | None]]) -> None:
    entries = tuple(an_entry(3 - n, **change) for n, change in enumerate(changes))
    memory = _memory(replace(READING, entries=entries))
    assert memory == known_items.without_items(_memory())


def test_items_are_known_only_where_they_mean_the_same() -> None:
    memory, layout = _memory(), _layout(RSS)
    assert list(known_items.known_in(layout, memory, URL)) == list(layout.items)
    assert known_items.known_in(layout, memory, "https://moon.example/feed.xml") == {}
    assert known_items.known_in(replace(layout, scope=b""), memory, URL) == {}
    assert len(known_items.known_in(_layout(RSS.replace(b"Moon 2", b"Sun 2")), memory, URL)) == 2


def test_of_known_and_new_items_each_keeps_its_own_keys() -> None:
    memory, edited = _memory(), _layout(RSS.replace(b"Moon 2", b"Sun 2"))
    known = known_items.known_in(edited, memory, URL)
    new = an_entry(2, title="Sun 2")
    after = known_items.remember(edited, replace(READING, entries=(new,)), URL, known)
    assert list(after.items) == list(edited.items)
    first, second, third = (item.keys for item in after.items.values())
    before = [item.keys for item in memory.items.values()]
    assert (first, third) == (before[0], before[2])
    assert second.guid is not None
    assert second.body != before[1].body


@pytest.mark.parametrize(
    ("known", "new", "alone"),
    [
        ([True], [None, None], True),
        ([True, False], [1], True),
        ([True, False], [1, 2], False),
        ([True, False], [1, None], True),
        ([True, True], [1, 2], True),
    ],
    ids=["new-undated", "one-new", "known-undated", "both-undated", "all-dated"],
)
def test_new_entries_stand_in_order_alone_unless_a_date_is_missing_elsewhere(
    known: list[bool], new: list[int | None], alone: bool
) -> None:
    remembered = {bytes([n]): replace(next(iter(_memory().items.values())), is_dated=d) for n, d in enumerate(known)}
    entries = tuple(an_entry(n or 1, **({} if n else {"published": None})) for n in new)
    assert known_items.is_ordered_alone(entries, remembered) is alone
