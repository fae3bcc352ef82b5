"""Articles out of pages: the words, in their charset, and nothing of what stands round them."""

import pytest

from bot.sources.extraction import NoArticle, extract
from bot.text import markup
from tests.articles import ENGLISH, ENGLISH_WORDS, NOISE, PERSIAN, PERSIAN_WORDS, page

URL = "https://garden.example/notes/tulips"


@pytest.mark.parametrize(
    ("html", "title", "words"),
    [
        pytest.param(ENGLISH, "When to plant tulips", ENGLISH_WORDS, id="english"),
        pytest.param(PERSIAN, "پیاز لاله را کی بکاریم؟", PERSIAN_WORDS, id="persian"),
    ],
)
def test_the_article_is_taken_and_the_rest_is_not(html: str, title: str, words: tuple[str, ...]) -> None:
    article, picture = extract(html.encode(), "text/html; charset=utf-8", URL)
    assert markup.plain(article).split("\n") == list(words)
    assert picture == "https://garden.example/pictures/tulips.jpg"
    assert not any(noise in article for noise in (*NOISE, title))


@pytest.mark.parametrize(
    ("content_type", "head"),
    [
        ("text/html; charset=windows-1256", ""),
        ("text/html", '<meta http-equiv="Content-Type" content="text/html; charset=windows-1256">'),
        ("text/html", ""),
    ],
    ids=["header", "meta", "nothing-says"],
)
def test_persian_pages_are_read_in_their_charset(content_type: str, head: str) -> None:
    # windows-1256 has no Persian yeh and no zero width space but the joiner.
    words = tuple(paragraph.replace("ی", "ي").replace("ٔ", "") for paragraph in PERSIAN_WORDS)
    html = page("لاله", words, language="fa", head=head).replace('<meta charset="utf-8">', "")
    html = html.replace("ٔ", "").replace("ی", "ي")
    article, _picture = extract(html.encode("windows-1256"), content_type, URL)
    assert "پياز لاله را پيش از نخستين" in article


def test_markup_survives_and_links_are_absolute() -> None:
    extra = (
        "<h2>Depth</h2><ul><li>sound bulbs</li><li>light soil</li></ul><blockquote>Cold wakes the tulip.</blockquote>"
        '<p>See <a href="../depth">how deep</a> and <strong>how far apart</strong>.</p>'
    )
    article, _picture = extract(page("Tulips", ENGLISH_WORDS, extra=extra).encode(), "text/html", URL)
    for wanted in ("<h2>Depth</h2>", "<li>light soil</li>", "<blockquote>", "<strong>how far apart</strong>"):
        assert wanted in article
    assert '<a href="https://garden.example/depth">how deep</a>' in article


def test_nothing_that_acts_is_left() -> None:
    extra = (
        '<p onclick="alert(1)">Press <a href="javascript:alert(1)">here</a> for a picture of tulips in the spring.</p>'
        '<iframe src="https://evil.example"></iframe><form><input name="a"></form>'
        '<p><img src="x" onerror="alert(1)"></p>'
    )
    article, _picture = extract(page("Tulips", ENGLISH_WORDS, extra=extra).encode(), "text/html", URL)
    for unwanted in ("onclick", "javascript:", "onerror", "<iframe", "<form", "<input", "<script"):
        assert unwanted not in article


@pytest.mark.parametrize(
    ("content", "picture"),
    [
        ("https://img.example/a.jpg?w=1&amp;h=2", "https://img.example/a.jpg?w=1&h=2"),
        ("//img.example/a.jpg", "https://img.example/a.jpg"),
        ("", None),
        ("data:image/png;base64,AAAA", None),
        ("javascript:alert(1)", None),
        ("https://[broken", None),
        ("https://img.example/" + "a" * 3000, None),
    ],
    ids=["absolute", "without-scheme", "empty", "data", "javascript", "broken", "too-long"],
)
def test_the_picture_is_an_address_of_the_web_or_none(content: str, picture: str | None) -> None:
    html = ENGLISH.replace("/pictures/tulips.jpg", content)
    assert extract(html.encode(), "text/html", URL)[1] == picture


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<html><body>",
        "<html><body><p>We value your privacy. <button>Accept all</button></p></body></html>",
        "<html><body><form><input type=password><p>Log in to go on reading this article.</p></form></body></html>",
        "\x00\x01\x02" * 1000,
        "<div>" * 60_000,
        "<p>" + "<b>" * 110_000,
        "<" * 200_000,
    ],
    ids=["empty", "bare", "cookies", "login", "binary", "deep", "many", "brackets"],
)
def test_what_is_no_article_is_refused(html: str) -> None:
    with pytest.raises(NoArticle):
        extract(html.encode(), "text/html", URL)
