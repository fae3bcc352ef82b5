"""``bot.text.markup``: our templates' HTML, and the HTML feeds send."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import markup
from bot.text.richtext import RichText, Span, entities, telegram_clean
from tests import tdlib

BASE = "https://garden.example/posts/1"


def _set(html: str) -> list[tuple[str, str]]:
    return [(block.kind, block.rich.text) for block in markup.blocks(html, base_url=BASE)]


def _spans(rich: RichText) -> list[tuple[str, str]]:
    return [(span.type, rich.text[span.start : span.end]) for span in rich.spans]


# --- our templates ------------------------------------------------------------------------------------------


def test_a_template_keeps_its_line_breaks_and_spaces() -> None:
    rich = markup.parse("<b>ماه</b>\n\n<i>two  spaces</i>")
    assert rich.text == "ماه\n\ntwo  spaces"
    assert _spans(rich) == [("bold", "ماه"), ("italic", "two  spaces")]


@pytest.mark.parametrize(
    ("html", "span"),
    [
        pytest.param("<strong>x</strong>", Span("bold", 0, 1), id="strong"),
        pytest.param("<em>x</em>", Span("italic", 0, 1), id="em"),
        pytest.param("<INS>x</INS>", Span("underline", 0, 1), id="ins"),
        pytest.param("<del>x</del>", Span("strikethrough", 0, 1), id="del"),
        pytest.param("<tg-spoiler>x</tg-spoiler>", Span("spoiler", 0, 1), id="spoiler"),
        pytest.param("<code>x</code>", Span("code", 0, 1), id="code"),
        pytest.param("<pre>x</pre>", Span("pre", 0, 1), id="pre"),
        pytest.param(
            '<pre><code class="language-python">x</code></pre>', Span("pre", 0, 1, language="python"), id="language"
        ),
        pytest.param("<blockquote>x</blockquote>", Span("blockquote", 0, 1), id="quote"),
        pytest.param("<blockquote expandable>x</blockquote>", Span("expandable_blockquote", 0, 1), id="expandable"),
        pytest.param(
            '<a href="https://example.org/?a=1&amp;b=2">x</a>',
            Span("text_link", 0, 1, url="https://example.org/?a=1&b=2"),
            id="link",
        ),
        pytest.param("<b>x", Span("bold", 0, 1), id="never-closed"),
    ],
)
def test_each_tag_of_a_template_makes_its_span(html: str, span: Span) -> None:
    assert markup.parse(html) == RichText("x", (span,))


@pytest.mark.parametrize(
    ("html", "text"),
    [
        pytest.param("a &lt; b &amp; c &hellip;", "a < b & c …", id="entities"),
        pytest.param("<blink>x</blink></p>", "x", id="unknown-tags"),
        pytest.param("1 < 2 and 3 > 2", "1 < 2 and 3 > 2", id="no-tags"),
        pytest.param("a<br>b<br/>c", "a\nb\nc", id="br"),
        pytest.param('<a href="/x">x</a><a href="javascript:y">y</a>', "xy", id="dropped-links"),
        pytest.param("&#xD800;&#0;", "\ufffd\ufffd", id="impossible-characters"),
    ],
)
def test_a_template_never_fails(html: str, text: str) -> None:
    assert markup.parse(html) == RichText(text)


@given(st.text(max_size=40), st.text(alphabet="<>/=\"'&; abpre", max_size=40))
def test_any_text_escaped_is_that_text_and_anything_parses(words: str, mess: str) -> None:
    assert markup.parse(markup.escape(words)).text == words
    markup.parse(mess)
    markup.blocks(mess)
    markup.images(mess)
    markup.clean_title(mess)


@pytest.mark.parametrize(
    "html",
    [
        "<b>a<i>b</i></b> c",
        '<a href="https://example.org/x">a</a> <b>b</b>',
        "<b><i><u><s>x</s></u></i></b> y",
        "<blockquote><b>x</b> y</blockquote>",
        '<pre><code class="language-python">x = 1</code></pre>',
        "<blockquote expandable>x\ny</blockquote>",
        "<code>x</code><b>y</b>",
        "🌙 <b>🌙</b> <i>ماه</i>",
        '<b>on</b> <tg-time unix="1700000000" format="Tw">14 Nov</tg-time>',
        '<tg-time unix="1700000000">14 Nov</tg-time> <tg-time format=R unix=5>then</tg-time>',
        '<tg-time unix="0" format="D">never</tg-time> <tg-time format="D">nor</tg-time>',
        '<b>x<tg-time unix="1700000000" format="D">y</tg-time></b>',
        '<a href="https://example.org/"><tg-time unix="1700000000" format="D">x</tg-time></a>',
    ],
)
def test_we_read_html_as_telegram_reads_it(html: str) -> None:
    rich = telegram_clean(markup.parse(html))
    assert (rich.text, entities(rich)) == tdlib.accepted(*tdlib.parsed(html))


def test_a_time_of_a_template_that_means_nothing_leaves_its_text() -> None:
    for attributes in ('unix="x"', 'unix="99999999999"', 'unix="1" format="rt"', 'unix="1" format="q"', ""):
        assert markup.parse(f"<tg-time {attributes}>14 Nov</tg-time>") == RichText("14 Nov")


# --- what feeds send ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        pytest.param("<p>a</p><p>b</p>", [("paragraph", "a"), ("paragraph", "b")], id="paragraphs"),
        pytest.param("<p>a\n  b&nbsp;\t c</p>", [("paragraph", "a b c")], id="white-space"),
        pytest.param("a<br>b<br><br>c", [("paragraph", "a\nb"), ("paragraph", "c")], id="breaks"),
        pytest.param("<div>a<div>b</div>c</div>", [("paragraph", c) for c in "abc"], id="divs"),
        pytest.param("<p>a<p>b", [("paragraph", "a"), ("paragraph", "b")], id="unclosed"),
        pytest.param("<h2>باغ</h2>text", [("heading", "باغ"), ("paragraph", "text")], id="heading"),
        pytest.param(
            "<ul><li>a<li><p>b</p><p>c</p></ul>", [("item", "• a"), ("item", "• b"), ("item", "c")], id="bullets"
        ),
        pytest.param(
            '<ol start="3"><li>a<ul><li>b</ul><li value="7">c<li>d</ol>',
            [("item", "3. a"), ("item", "◦ b"), ("item", "7. c"), ("item", "8. d")],
            id="numbers",
        ),
        pytest.param(
            "<blockquote><p>a</p><p>b<br>c</p></blockquote>d", [("quote", "a\n\nb\nc"), ("paragraph", "d")], id="quote"
        ),
        pytest.param(
            "<figure><img src=x.jpg alt='A garden'><figcaption>Roses</figcaption></figure>",
            [("caption", "Roses")],
            id="caption",
        ),
        pytest.param(
            "<address>By Sara</address><footer>The end</footer>",
            [("byline", "By Sara"), ("footer", "The end")],
            id="roles",
        ),
        pytest.param("a<hr><hr>b<hr>", [("paragraph", "a"), ("rule", "* * *"), ("paragraph", "b")], id="rules"),
        pytest.param("<pre>\n  a\n\tb\n</pre>", [("pre", "  a\n    b")], id="pre"),
        pytest.param("<pre><div>a</div><div>b</div></pre>", [("pre", "a\nb")], id="pre-of-lines"),
        pytest.param(
            "<table><tr><th>Moon<th>ماه</tr><tr><td>1<td>22</tr></table>",
            [("table", "\u200eMoon  \u200eماه\n\u200e1     \u200e22")],
            id="table",
        ),
        pytest.param(
            "<table><tr><td><p>a</p><p>b</p></td></tr></table>",
            [("paragraph", "a"), ("paragraph", "b")],
            id="layout-table",
        ),
        pytest.param(
            "H<sub>2</sub>O, x<sup>2</sup>, 1<sup>st</sup>", [("paragraph", "H₂O, x², 1st")], id="sub-and-sup"
        ),
        pytest.param("<q>moon</q>", [("paragraph", "“moon”")], id="inline-quote"),
        pytest.param(
            "a <img src=e.png alt='🌙'> b <img src=p.jpg alt='roses'>", [("paragraph", "a 🌙 b")], id="emoji-picture"
        ),
        pytest.param(
            "<style>p{}</style><script>x()</script><iframe>x</iframe><svg><text>x</text></svg><form>x</form>a",
            [("paragraph", "a")],
            id="gone-with-content",
        ),
        pytest.param(
            "<p hidden>x</p><p style='display: none'>x</p><b class='sr-only'>x</b><i aria-hidden=true>x</i>a",
            [("paragraph", "a")],
            id="hidden",
        ),
        pytest.param(
            "first\nsecond\n\nthird &amp; last",
            [("paragraph", p) for p in ("first", "second", "third & last")],
            id="plain-text",
        ),
        pytest.param("2 < 3 and 5 > 4", [("paragraph", "2 < 3 and 5 > 4")], id="no-tags-at-all"),
        pytest.param("<p>a\u202eb\u2066c\u00adд\x00</p>", [("paragraph", "abcд")], id="control-characters"),
        pytest.param("&lt;p&gt;a &amp;amp; b&lt;/p&gt;", [("paragraph", "a & b")], id="escaped-twice"),
        pytest.param("Use the &lt;p&gt; tag", [("paragraph", "Use the <p> tag")], id="about-html"),
        pytest.param("<p> </p><p>&nbsp;</p>", [], id="empty"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_html_is_set_as_a_person_would_set_it(html: str, expected: list[tuple[str, str]]) -> None:
    assert _set(html) == expected


def test_spans_of_feeds_are_kept_with_absolute_links() -> None:
    (block,) = markup.blocks(
        "<p>See <a href='../x?a=1&amp;b=2'>the <b>moon</b></a>, <code>look()</code></p>", base_url=BASE
    )
    assert _spans(block.rich) == [("text_link", "the moon"), ("bold", "moon"), ("code", "look()")]
    assert block.rich.spans[0].url == "https://garden.example/x?a=1&b=2"


@pytest.mark.parametrize(
    "href", ["mailto:a@example.org", "javascript:x", "http://localhost/", "#note", "", "http://[x"]
)
def test_a_link_telegram_would_refuse_is_dropped_and_its_text_stays(href: str) -> None:
    (block,) = markup.blocks(f"<p><a href='{href}'>x</a></p>")
    assert block.rich == RichText("x")


def test_a_link_round_code_wins_and_one_round_blocks_goes_on() -> None:
    (block,) = markup.blocks("<a href='https://example.org/'><code>look</code></a>")
    assert _spans(block.rich) == [("text_link", "look")]
    heading, text = markup.blocks("<a href='https://example.org/'><h3>a</h3><p>b</p></a>")
    assert _spans(heading.rich) == [("bold", "a"), ("text_link", "a")]
    assert _spans(text.rich) == [("text_link", "b")]


@pytest.mark.parametrize("tag", ["a href='https://g.example/'", "b", "code"])
def test_the_bullet_of_an_item_is_outside_of_what_the_item_begins_with(tag: str) -> None:
    (block,) = markup.blocks(f"<ul><li><{tag}>moon</{tag[:4].split()[0]}> and stars</ul>")
    assert block.rich.text == "\u2022 moon and stars"
    assert [(span.start, span.end) for span in block.rich.spans] == [(2, 6)]


def test_a_plain_text_loses_a_style_sheet_and_the_breaks_of_an_editor() -> None:
    text = (
        "The moon is full tonight over the hills in the east of\nthe town.\n"
        ".share a {\n  margin: 0;\n}\n.share .x { color: red; }\nBinoculars are enough."
    )
    found = [block.rich.text for block in markup.blocks(text)]
    assert found == ["The moon is full tonight over the hills in the east of the town.", "Binoculars are enough."]
    assert [block.rich.text for block in markup.blocks("Write {x} for {y}.")] == ["Write {x} for {y}."]


def test_blocks_carry_the_span_of_their_kind() -> None:
    found = markup.blocks("<h1>a</h1><blockquote>b</blockquote><pre class='lang-rust'>c</pre>")
    assert [_spans(block.rich) for block in found] == [[("bold", "a")], [("blockquote", "b")], [("pre", "c")]]
    assert found[2].rich.spans[0].language == "rust"
    assert markup.flow([*found, *markup.blocks("<ul><li>x<li>y</ul>")]).text == "a\n\nb\n\nc\n\n• x\n• y"


def test_plain_text_is_the_body_one_paragraph_a_line() -> None:
    html = (
        "<h2>Heading</h2><address>By Sara</address><p>One<br>line.</p><figcaption>cap</figcaption>"
        "<ul><li>item</ul><blockquote><p>q1</p><p>q2</p></blockquote><footer>end</footer>"
    )
    assert markup.plain(html) == "One line.\n• item\nq1\nq2"
    assert markup.plain("") == ""


_NASTY = {
    "nested": "<div>" * 10_000 + "x",
    "nested-lists": "<ul><li>x" * 30_000,
    "nested-tables": "<table><tr><td>x" * 20_000,
    "styles": "<b><i>x" * 50_000,
    "angles": "<" * 500_000,
    "open-tags": "<a " * 150_000,
    "ampersands": "&" * 300_000,
    "comments": "<!--" * 100_000,
    "attributes": "<a " + " ".join(f"a{index}=1" for index in range(60_000)) + ">x",
    "paragraphs": "<p>x" * 130_000,
    "five-megabytes": "<p>The moon is full. </p>" * 220_000,
    "words": "word " * 1_000_000,
}


@pytest.mark.parametrize("html", _NASTY.values(), ids=_NASTY)
def test_hostile_html_costs_little(html: str) -> None:
    start = time.process_time()
    markup.blocks(html)
    assert time.process_time() - start < 3


_FRAGMENTS = [
    *(
        "<p>",
        "</p>",
        "<br>",
        "<b>",
        "</b>",
        "<i>",
        "<a href='https://example.org/x?y=1'>",
        "</a>",
        "<a href='/'>",
        "<code>",
    ),
    *(
        "<pre>",
        "</pre>",
        "<pre><code class='language-c'>",
        "<blockquote>",
        "</blockquote>",
        "<ul><li>",
        "</ul>",
        "<ol>",
    ),
    *(
        "<h2>",
        "</h2>",
        "<table><tr><td>",
        "<td>",
        "</table>",
        "<span hidden>",
        "</span>",
        "<hr>",
        "<sup>",
        "2",
        "</sup>",
    ),
    *(
        "moon ",
        "ماه ",
        " ",
        "\n",
        "\u200f",
        "\u2067",
        "&nbsp;",
        "&lt;b&gt;",
        "&#8203;",
        "🌙",
        "</div>",
        "<u>",
        "<del>",
        "<q>",
    ),
    *("<img src=x alt='🌙'>", "<!-- x -->", "<figcaption>", "</code>", "<i>", "</i>", "A\u030a", "\t", "&", "<"),
]


@given(st.lists(st.sampled_from(_FRAGMENTS), max_size=25).map("".join))
def test_telegram_takes_whatever_a_feed_sends_unchanged(html: str) -> None:
    rich = telegram_clean(markup.flow(markup.blocks(html, base_url=BASE)))
    if rich:
        assert tdlib.accepted(rich.text, entities(rich)) == (rich.text, entities(rich))
        assert markup.parse(markup.to_html(rich)) == rich


# --- pictures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        pytest.param(
            "<img src='/a.jpg'><p><img src='b.jpg'>",
            ["https://garden.example/a.jpg", "https://garden.example/posts/b.jpg"],
            id="in-order",
        ),
        pytest.param("<img src='/a.jpg'><img src='/a.jpg'>", ["https://garden.example/a.jpg"], id="once"),
        pytest.param(
            "<img src='data:image/gif;base64,x' data-src='/a.jpg'>", ["https://garden.example/a.jpg"], id="lazy"
        ),
        pytest.param("<img srcset='/s.jpg 300w, /l.jpg 900w'>", ["https://garden.example/l.jpg"], id="srcset"),
        pytest.param("<img src='/a.jpg' width=1 height=1>", [], id="pixel"),
        pytest.param("<img src='https://stats.wordpress.com/b.gif?x'>", [], id="counter"),
        pytest.param("<img src='/a.png' class='wp-smiley'><img src='/b.png' alt='🌙'>", [], id="emoji"),
        pytest.param("<img src='/a.png' width='16' height='16'>", [], id="icon"),
        pytest.param("<div style='display:none'></div><img hidden src='/a.png'>", [], id="hidden"),
        pytest.param("<img src='javascript:x'><img><img src='http://['>", [], id="no-address"),
        pytest.param("no picture", [], id="none"),
    ],
)
def test_pictures_are_those_a_reader_sees(html: str, expected: list[str]) -> None:
    assert markup.images(html, base_url=BASE) == expected


# --- words of others ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("send /start now", "send /~start now", id="command"),
        pytest.param("(@qasedak) and @sky", "(@~qasedak) and @~sky", id="mentions"),
        pytest.param("#نجوم and #Space", "#~نجوم and #~Space", id="hashtags"),
        pytest.param("buy $MOON", "buy $~MOON", id="cashtag"),
        pytest.param("and/or 1/2 /usr/bin #1 C# $5 a@example.org", None, id="nothing-live"),
        pytest.param("https://example.org/@sara/#part and t.me/x?y=@z", None, id="addresses"),
        pytest.param("https://example.org/x)#tag", "https://example.org/x)#~tag", id="behind-an-address"),
    ],
)
def test_live_words_are_neutralised_behind_their_sigil(text: str, expected: str | None) -> None:
    wanted = (expected or text).replace("~", "\u2060")
    assert markup.neutralise(text) == wanted
    assert markup.neutralise(wanted) == wanted


_LIVE_PIECES = [
    *"/@#$ .aB1_-,:()«»،\u200c·",
    "ماه",
    "https://",
    "example.org",
    "/x",
    "@user",
    "#tag",
    "$ABC",
    "tg://resolve",
    "/start",
    "?q=",
]


@given(st.lists(st.sampled_from(_LIVE_PIECES), max_size=10).map("".join))
def test_telegram_finds_nothing_live_in_neutralised_text(text: str) -> None:
    found = {kind for kind, _ in tdlib.live(markup.neutralise(text))}
    assert not found & {"Mention", "Hashtag", "Cashtag", "BotCommand"}


def test_neutralising_leaves_links_and_code_alone() -> None:
    rich = markup.parse('#a <a href="https://example.org/">#b</a> <code>#c</code> <b>#d</b>')
    quiet = markup.neutralise_rich(rich)
    assert quiet.text == "#\u2060a #b #c #\u2060d"
    assert _spans(quiet) == [("text_link", "#b"), ("code", "#c"), ("bold", "#\u2060d")]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("A <b>full</b> moon", "A full moon", id="tags"),
        pytest.param("Sun &amp;amp; moon", "Sun & moon", id="escaped-twice"),
        pytest.param("&lt;em&gt;Sun&lt;/em&gt; &amp;quot;up&amp;quot;", 'Sun "up"', id="escaped-tags"),
        pytest.param("AT&T <3 2 < 3", "AT&T <3 2 < 3", id="no-markup"),
        pytest.param("a<br>b</p><p>c", "a b c", id="breaks"),
        pytest.param("  ماه\n\t نو ", "ماه نو", id="spaces"),
        pytest.param("می\u200cروم\u202e\u2067\u200f", "می\u200cروم", id="controls"),
        pytest.param("x<script>alert(1)</script>y", "xy", id="script"),
        pytest.param("vector<int> & friends", "vector<int> & friends", id="generic-type"),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_title_is_one_plain_line(raw: str, expected: str) -> None:
    assert markup.clean_title(raw) == expected
