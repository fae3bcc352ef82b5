"""One document into plain entries: characters, mending, formats, refusals. In this process, unlike in the bot."""

import contextlib
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources import document, mending
from bot.sources.document import NotAFeed
from bot.sources.mending import Ending
from tests.fakes.publisher import atom, rss

PERSIAN = "ماه کامل بر فراز تپه‌ها"
FRENCH = "L'été déjà à la rivière, où le blé mûrit"


def _parse(body: bytes | str, content_type: str = "application/rss+xml") -> Any:
    raw = body if isinstance(body, bytes) else body.encode()
    parsed = document.parse(raw, content_type)
    pickle.dumps(parsed).decode("latin-1")  # crosses a process border
    return parsed


def _feed(item: str, head: str = "") -> str:
    return f'{head}<rss version="2.0"><channel><title>Garden</title><item>{item}</item></channel></rss>'


def _entry(item: str, head: str = "") -> Any:
    (entry,) = _parse(_feed(item, head))["entries"]
    return entry


def _declared(encoding: str | None, title: str, charset: str, *, language: str = "") -> bytes:
    declaration = f'<?xml version="1.0" encoding="{encoding}"?>' if encoding else ""
    return _feed(f"<title>{title}</title>{language}", declaration).encode(charset)


# --- characters ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type", "title"),
    [
        (_declared("utf-8", PERSIAN, "utf-8"), "text/xml; charset=iso-8859-1", PERSIAN),
        (_declared("iso-8859-1", PERSIAN, "utf-8"), "text/xml", PERSIAN),
        (_declared(None, PERSIAN, "utf-8"), "text/xml", PERSIAN),
        (_declared("utf-8", "سلام دنيا", "windows-1256"), "text/xml; charset=utf-8", "سلام دنيا"),
        (_declared("windows-1256", "سلام", "windows-1256"), "text/xml", "سلام"),
        (_declared(None, "سلام", "windows-1256"), "text/xml; charset=Windows-1256", "سلام"),
        (_declared(None, FRENCH * 3, "latin-1"), "text/xml", FRENCH * 3),
        (_declared(None, "Été près de la forêt dérivée", "latin-1"), "text/xml", "Été près de la forêt dérivée"),
        (_declared("latin-1", FRENCH, "latin-1"), "text/xml; charset=utf-8", FRENCH),
        (_declared("rot13", PERSIAN, "utf-8"), "text/xml", PERSIAN),
        (_declared("zlib", PERSIAN, "utf-8"), "text/xml; charset=unknown", PERSIAN),
        (_declared("utf-16", PERSIAN, "utf-16"), "text/xml; charset=utf-8", PERSIAN),
        (_declared("utf-16", PERSIAN, "utf-16-le"), "text/xml", PERSIAN),
        (_declared("utf-16", PERSIAN, "utf-16-be"), "text/xml", PERSIAN),
        (_declared("utf-32", PERSIAN, "utf-32"), "text/xml", PERSIAN),
        (b"\xef\xbb\xbf" + _declared("windows-1256", PERSIAN, "utf-8"), "text/xml", PERSIAN),
        (b"\xef\xbb\xbf\n" + _declared("utf-8", PERSIAN, "utf-8"), "text/xml", PERSIAN),
        (_declared("koi8-r", "Сад и луна", "koi8-r"), "text/xml", "Сад и луна"),
        (_declared(None, "Сад и луна", "windows-1251"), "text/xml; charset=windows-1251", "Сад и луна"),
        (_declared("shift_jis", "月と庭", "shift_jis"), "text/xml", "月と庭"),
        (_declared("iso-2022-jp", "月と庭", "iso-2022-jp"), "text/xml", "月と庭"),
        (_declared("utf-8", PERSIAN, "utf-8"), 'text/xml; charset="a\0b"', PERSIAN),
        (_declared("utf-8", PERSIAN, "utf-8"), ";;;=charset==;", PERSIAN),
        (_declared("utf-7", "a+ADw-b", "ascii"), "text/xml; charset=utf-7", "a+ADw-b"),
    ],
    ids=["header-lies", "declaration-lies", "nothing-said", "1256-called-utf8", "1256", "1256-by-header", "french",
         "french-accents", "latin-1", "rot13", "zlib", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "bom",
         "bom-and-line", "koi8", "1251", "shift-jis", "iso-2022", "nul-in-header", "odd-header", "utf-7"],
)  # fmt: skip
def test_bytes_count_for_more_than_what_is_said_of_them(body: bytes, content_type: str, title: str) -> None:
    assert [entry["title"] for entry in _parse(body, content_type)["entries"]] == [title]


def test_a_few_bad_bytes_cost_no_other_letter() -> None:
    body = _declared("utf-8", f"{PERSIAN}@@@", "utf-8").replace(b"@@@", b"\xed\xa0\x80")
    assert _parse(body)["entries"][0]["title"] == PERSIAN + "\ufffd" * 3


def test_a_short_persian_title_in_a_long_english_feed_of_windows_1256_is_persian() -> None:
    english = "<description>" + "The moon stands over the hills. " * 400 + "</description>"
    body = _feed(f"<title>ماه کامل</title>{english}").encode("windows-1256")
    assert _parse(body)["entries"][0]["title"] == "ماه کامل"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a\0b\x08\x0b\x1bc", "abc"),
        ("a&#0;b&#8;", "a\ufffdb\ufffd"),
        ("a&#xD800;b", "a\ufffdb"),
        ("a&#x110000;b&#99999999999999999999;", "a\ufffdb\ufffd"),
        ("a&#xFFFE;b&#x1F319;", "a\ufffdb\U0001f319"),
        ("a&#9;b &#65 c", "a\tb A c"),
        ("<![CDATA[a&#xD800;b &#38; c & d]]>", "a\ufffdb &#38; c & d"),
        ("AT&T <3", "AT&T <3"),
        ("Salt & pepper &amp; oil &", "Salt & pepper & oil &"),
        ("A&nbsp;&laquo;B&raquo; &eacute;&Eacute; &me; &LT;", "A\xa0«B» éÉ &me; <"),
        ("&lt;b&gt;bold&lt;/b&gt;", "<b>bold</b>"),
    ],
    ids=["controls", "zero", "surrogate", "too-large", "noncharacter", "no-semicolon", "cdata", "angle", "bare",
         "named", "escaped"],
)  # fmt: skip
def test_what_is_no_character_is_mended_or_left_out(written: str, read: str) -> None:
    title = _entry(f"<title>{written}</title><link>https://a.example/?a=1&b=2&amp;c=3</link>")["title"]
    assert title == read


def test_a_link_with_bare_ampersands_is_whole() -> None:
    assert _entry("<title>x</title><link>https://a.example/?a=1&b=2&amp;c=3</link>")["link"] == (
        "https://a.example/?a=1&b=2&c=3"
    )


# --- markup that is meant badly ------------------------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "head",
    [
        f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "ha">{LAUGHS}]>',
        f'<?xml version="1.0"?>{" " * 9000}<!-- <rss> --><!doctype rss SYSTEM "x" [<!ENTITY l0 "ha">{LAUGHS}] >',
        f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "]>">{LAUGHS}]>',
        f'<!DOCTYPE rss [<!ENTITY l9 "{"x" * 100_000}">]>',
        '<!DOCTYPE rss [<!ENTITY l9 SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE rss PUBLIC "C:\\data" "C:\\data" [<!ENTITY l9 "C:\\data">]>',
    ],
    ids=["laughs", "padded", "tricky", "quadratic", "file", "network", "backslash"],
)
def test_entities_of_a_doctype_mean_nothing(head: str) -> None:
    title = _entry("<title>A &l9; B</title>" + "<category>&l9;</category>" * 200, head)["title"]
    assert len(title) < 20
    assert title.startswith("A ")


@pytest.mark.parametrize(
    "head",
    ["", "<?xml version='1.0'?>", "\ufeff\n <?xml version='1.0'?>", "Warning: in line 3\n<?xml version='1.0'?>",
     "<?xml version='1.0'?><?xml-stylesheet href='a'?>", "<!-- a --><!DOCTYPE rss>", "\x00\n"],
    ids=["none", "declaration", "bom", "warning", "stylesheet", "doctype", "nul"],
)  # fmt: skip
def test_what_stands_before_a_feed_does_no_harm(head: str) -> None:
    assert _entry(f"<title>{PERSIAN}</title>", head)["title"] == PERSIAN


def test_a_doctype_within_a_text_is_text() -> None:
    html = "<![CDATA[<p>Begin with <!DOCTYPE html></p>]]>"
    assert "<!DOCTYPE html>" in _entry(f"<title>x</title><description>{html}</description>")["content"]


def test_a_tag_of_hundreds_of_attributes_is_refused_and_a_long_picture_is_not() -> None:
    attributes = " ".join(f'a{n}="1"' for n in range(600))
    with pytest.raises(NotAFeed, match="over 500 attributes"):
        _parse(_feed(f"<title {attributes}>x</title>"))
    picture = f'<img src="data:image/png;base64,{"A" * 100_000}==">'
    for text in (f"<![CDATA[{picture}]]>", picture.replace(">", "/>")):
        assert "base64" in _entry(f"<title>x</title><description>{text}</description>")["content"]


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "text",
    ["<" * 50_000, "&" * 300_000, "<!--" * 60_000, "<![CDATA[" * 30_000, "<a " * 60_000, "&#" * 100_000, "]" * 100_000,
     "<?xml " * 60_000, "<?" * 100_000, "<item " * 60_000, "<category a='" * 30_000, "<skipHours>" * 60_000,
     '\\"' * 100_000, "<!DOCTYPE a [" * 30_000, "</item" * 60_000, "<pubDate>" * 60_000, "<a:" * 60_000],
    ids=["angles", "ampersands", "comments", "cdata", "tags", "references", "brackets", "declarations", "instructions",
         "items", "categories", "hours", "quotes", "doctypes", "ends", "dates", "prefixes"],
)  # fmt: skip
def test_repetition_is_mended_in_linear_time(text: str) -> None:
    for hostile in (text, "<!DOCTYPE rss [" + text, "{" + text, '{"' + text):
        with contextlib.suppress(NotAFeed):
            _parse(_feed(f"<title>x</title><description><![CDATA[{hostile}]]></description>"))
        with contextlib.suppress(NotAFeed):
            document._parse_json(hostile)
        mending.mend(hostile)
        mending.find_ending(hostile)
        document._skipped(hostile)


# --- what it is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<!DOCTYPE html><html><head><title>Log in</title></head><body><form></form></body></html>", "a web page"),
        ("<html><body><item><title>x</title></item></body></html>", "a web page"),
        ("Service unavailable", "no RSS, Atom or JSON"),
        ("<opml><body/></opml>", "no RSS, Atom or JSON"),
        ("%PDF-1.7 \x00\x01", "no RSS, Atom or JSON"),
        ("[" * 200_000, "deeper than any feed"),
        ('{"items": [' + '{"a":' * 200_000, "deeper than any feed"),
        ('{"items": [1, 2', "broken"),
        ("{", "broken"),
        ("[]", "no list of items"),
        ('{"version": "https://jsonfeed.org/version/1.1"}', "no list of items"),
        ('{"items": {"a": 1}}', "no list of items"),
        ('<?xml version="1.0"?><rss version="2.0"><channel><title>Gard', "cut off before its first"),
    ],
    ids=["page", "page-with-item", "words", "opml", "pdf", "deep-list", "deep-object", "broken", "brace", "list",
         "no-items", "items-object", "cut-off"],
)  # fmt: skip
def test_what_is_no_feed_says_what_it_looks_like(body: str, words: str) -> None:
    with pytest.raises(NotAFeed, match=words):
        _parse(body)


TWO = (
    '<rss version="2.0"><channel><item><title>Two</title></item>\n<item><title>One</title>'
    "<description><![CDATA[<p>An <item> is closed by </item>.</p>]]></description></item></channel></rss>"
)


@pytest.mark.parametrize(
    ("body", "ending", "titles"),
    [
        (TWO, Ending.WHOLE, ["Two", "One"]),
        (TWO + "<script>track()</script>" * 300, Ending.WHOLE, ["Two", "One"]),
        (TWO.replace("</title>", "</titel>", 1), Ending.WHOLE, None),
        (TWO[: TWO.index("\n")], Ending.UNCLOSED, ["Two"]),
        (TWO[: TWO.index("</channel>")], Ending.UNCLOSED, ["Two", "One"]),
        (TWO[: TWO.index("One") + 2], Ending.TORSO, ["Two", None]),
        (TWO[: TWO.index("is closed")], Ending.TORSO, ["Two", "One"]),
        (atom(items=[{"title": "x"}]).decode()[:-8], Ending.UNCLOSED, ["x"]),
    ],
    ids=["whole", "script-after", "broken-inside", "between", "before-the-end", "in-a-title", "in-cdata", "atom"],
)
def test_where_a_document_was_cut_off_is_seen(body: str, ending: Ending, titles: list[str] | None) -> None:
    parsed = _parse(body)
    assert parsed["ending"] == ending
    if titles is not None:
        assert [entry["title"] for entry in parsed["entries"]] == titles


# --- entries -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "link"),
    [
        ("<link>https://a.example/1</link>", "https://a.example/1"),
        ('<guid isPermaLink="true">https://a.example/1</guid>', "https://a.example/1"),
        ("<guid>https://a.example/1</guid>", "https://a.example/1"),
        ('<guid isPermaLink="false">https://a.example/1</guid>', None),
        ("<guid>1</guid>", None),
        ("<guid>/1</guid>", None),
        ("<guid>1</guid><link>https://a.example/1</link>", "https://a.example/1"),
        ("<link>/1</link><guid>/1</guid>", "/1"),
        ("<guid></guid><link>  </link>", None),
    ],
)
def test_a_guid_is_a_link_only_where_it_is_an_address(item: str, link: str | None) -> None:
    assert _entry(f"<title>x</title>{item}")["link"] == link


def test_dates_are_the_publisher_s_own_words_and_no_other_date_stands_in() -> None:
    entry = _entry("<title>x</title><pubDate>1402/10/11 10:00</pubDate>")
    assert (entry["published"], entry["updated"]) == ("1402/10/11 10:00", None)


def test_texts_pictures_and_tags_are_found() -> None:
    (entry,) = _parse(
        rss(
            items=[
                {
                    "title": "x", "description": "short", "content": "<p>long one</p>", "author": "Sara",
                    "categories": ["Moon", " ", "Sky"],
                    "enclosure": {"url": "https://a.example/1.mp3", "type": "audio/mpeg"},
                    "extra": '<media:content url="https://a.example/1.jpg" medium="image"/>'
                    '<media:thumbnail url="https://a.example/t.jpg"/>',
                }
            ]
        )
    )["entries"]  # fmt: skip
    assert (entry["summary"], entry["content"], entry["author"]) == ("short", "<p>long one</p>", "Sara")
    assert entry["tags"] == ["Moon", "Sky"]
    assert [(enclosure["url"], enclosure["type"]) for enclosure in entry["enclosures"]] == [
        ("https://a.example/1.mp3", "audio/mpeg"),
        ("https://a.example/1.jpg", "image/*"),
        ("https://a.example/t.jpg", "image/*"),
    ]


def test_everything_has_a_limit() -> None:
    long = "x" * (document.MAX_TEXT_CHARS + 1)
    entry = _entry(
        f"<title>{long}</title><link>https://a.example/{long}</link>"
        f"<description>{long}</description>" + "".join(f"<category>{n}</category>" for n in range(300))
    )
    assert entry["truncated"]
    assert len(entry["content"]) == document.MAX_TEXT_CHARS
    assert max(len(entry[name]) for name in ("title", "link")) <= document.MAX_SHORT_CHARS
    assert len(entry["tags"]) == document.MAX_TAGS
    assert len(_parse(rss(items=[{"title": "x"}] * 1200))["entries"]) == mending.MAX_ENTRIES


@pytest.mark.parametrize(
    ("extra", "minutes"),
    [
        ("<ttl>90</ttl>", (90, None)), ("<ttl>0</ttl>", (None, None)), ("<ttl>-5</ttl>", (None, None)),
        ("<ttl>1h</ttl>", (None, None)), ("<ttl>99999</ttl>", (None, None)), ("<ttl>²</ttl>", (None, None)),
        ("<ttl>1.5</ttl>", (None, None)), ("", (None, None)),
        ("<sy:updatePeriod>hourly</sy:updatePeriod>", (None, 60)),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", (None, 360)),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", (None, None)),
        ("<sy:updatePeriod>sometimes</sy:updatePeriod>", (None, None)),
        ("<ttl>90</ttl><sy:updatePeriod> Daily </sy:updatePeriod>", (90, 1440)),
    ],
)  # fmt: skip
def test_a_feed_says_how_often_it_changes(extra: str, minutes: tuple[int | None, int | None]) -> None:
    parsed = _parse(rss(items=[{"title": "x"}], extra=extra))
    assert (parsed["ttl_minutes"], parsed["update_minutes"]) == minutes


def _hours(*hours: int) -> str:
    return f"<skipHours>{''.join(f'<hour>{hour}</hour>' for hour in hours)}</skipHours>"


@pytest.mark.parametrize(
    ("extra", "hours", "days"),
    [
        (_hours(0, 5, 23), [0, 5, 23], []),
        (_hours(24, 1), [0, 1], []),
        ("<skipHours>\n <hour> 7 </hour>\n <hour>x</hour><hour>-3</hour><hour>25</hour></skipHours>", [7], []),
        (_hours(*range(24)), [], []),
        (_hours(*range(1, 25)), [], []),
        (_hours(*range(1, 24)), list(range(1, 24)), []),
        ("<skipDays><day>Friday</day><day>SATURDAY</day><day>Fri</day><day>Jomeh</day></skipDays>", [], [4, 5]),
        (f"<skipDays>{''.join(f'<day>{day}</day>' for day in document._WEEKDAYS)}</skipDays>", [], []),
        (f"<!-- {_hours(3)} -->", [], []),
        (f"<!-- <item> -->{_hours(3)}", [3], []),
        (f"{_hours(3)}<SKIPDAYS><DAY>monday</DAY></SKIPDAYS>", [3], [0]),
        ("x" * document.MAX_HEAD_CHARS + _hours(3), [], []),
        ("<skipHours><hour>3</hour>", [], []),
    ],
    ids=["hours", "24", "nonsense", "all", "all-to-24", "all-but-one", "days", "all-days", "comment", "after-a-comment",
         "capitals", "too-far", "unclosed"],
)  # fmt: skip
def test_a_feed_says_when_not_to_ask(extra: str, hours: list[int], days: list[int]) -> None:
    parsed = _parse(rss(items=[{"title": "x", "description": _hours(9)}], extra=extra))
    assert (parsed["skip_hours"], parsed["skip_days"]) == (hours, days)


# --- JSON Feed -----------------------------------------------------------------------------------------------


def _json(**item: Any) -> Any:
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Garden", "home_page_url": "https://a.example/"}
    (entry,) = _parse(json.dumps({**feed, "language": "fa", "items": [item]}), "text/html")["entries"]
    return entry


@pytest.mark.parametrize(
    ("item", "field", "value"),
    [
        ({"id": 17}, "guid", "17"),
        ({"id": True}, "guid", None),
        ({"id": "  "}, "guid", None),
        ({"id": "1", "url": "https://a.example/1", "external_url": "https://b.example"}, "link", "https://a.example/1"),
        ({"id": "1", "external_url": "https://b.example"}, "link", "https://b.example"),
        ({"author": {"name": "Sara"}}, "author", "Sara"),
        ({"authors": [{"name": "Sara"}, {"name": None}, "x", {"name": "Omid"}]}, "author", "Sara, Omid"),
        ({"authors": "Sara"}, "author", None),
        ({"content_text": "a < b\nc\n\nd & e"}, "content", "<p>a &lt; b<br>c</p><p>d &amp; e</p>"),
        ({"content_html": "<p>x</p>", "content_text": "y"}, "content", "<p>x</p>"),
        ({"tags": ["Moon", 3, None, "a\0\ud800b"]}, "tags", ["Moon", "ab"]),
        ({"tags": "Moon"}, "tags", []),
        ({"title": "a\0b\ud83d"}, "title", "ab"),
        ({"title": "\0"}, "title", None),
        ({"date_published": 5}, "published", None),
        (
            {"image": "https://a.example/1.jpg", "attachments": [{"url": "https://a.example/1.mp3"}, {"url": 3}, "x"]},
            "enclosures",
            [
                {"url": "https://a.example/1.jpg", "type": "image/*", "size": None, "width": None, "height": None},
                {"url": "https://a.example/1.mp3", "type": "", "size": None, "width": None, "height": None},
            ],
        ),
        ({"attachments": {"url": "x"}}, "enclosures", []),
    ],
)
def test_json_feeds_are_read_with_patience(item: dict[str, Any], field: str, value: Any) -> None:
    assert _json(**item)[field] == value


def test_a_json_feed_says_what_it_is_and_skips_what_is_no_item() -> None:
    parsed = _parse('\ufeff {"title": "باغ", "items": [null, "x", {"id": "1", "title": "a\nb"}]}')
    assert (parsed["title"], parsed["home"], parsed["language"]) == ("باغ", None, None)
    assert [entry["title"] for entry in parsed["entries"]] == ["a\nb"]


# --- anything ------------------------------------------------------------------------------------------------

_pieces = st.sampled_from(
    ["<rss version='2.0'>", "<channel>", "<item>", "</item>", "<title>", "</title>", "<![CDATA[", "]]>", "<!--", "-->",
     "&#xD800;", "&amp", "&x;", "<!DOCTYPE a [", "]>", "<feed xmlns='http://www.w3.org/2005/Atom'>", "<entry>",
     '{"items": [', '{"id":', '"', "}]", "\ud800", "\0", PERSIAN, " a='", "<?xml version='1.0' encoding='utf-16'?>"]
)  # fmt: skip


@given(st.lists(_pieces | st.text(max_size=5), max_size=30), st.sampled_from(["utf-8", "utf-16", "windows-1256"]))
def test_any_bytes_are_entries_without_odd_characters_or_an_exception(pieces: list[str], charset: str) -> None:
    """feedparser's own exceptions are let through: the child process is there for them."""
    text = "".join(pieces)
    mended = mending.mend(text)
    assert not mending._ILLEGAL.search(mended)
    decoded = document.decode(text.encode(charset, "surrogatepass" if "utf" in charset else "replace"), "")
    assert isinstance(decoded, str)
    try:
        parsed = document._parse_json(text)
    except NotAFeed:
        return
    json.dumps(parsed, ensure_ascii=False).encode()
