"""``bot.text.richtext`` against Telegram's own library: what we send must come back unchanged."""

import contextlib
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model import Entity
from bot.text import markup
from bot.text.cutting import cut, split
from bot.text.richtext import (
    RichText,
    Span,
    edge_trim,
    entities,
    telegram_clean,
    telegram_url,
    utf16_length,
)
from tests import tdlib

_PIECES = [
    *(
        "a",
        "word",
        "ماه",
        "می\u200cرود",
        "é",
        "A\u030a",
        "e\u0301",
        "\u0333",
        "&",
        "<",
        ".",
        "؟",
        "Sentence one. ",
        "جمله. ",
    ),
    *(" ", "  ", "\n", "\n\n", "\t", "\r", "\u00a0", "\u202e", "\u200f", "\u200e", "\u2068", "\u2067", "\u2069"),
    *("😀", "👨\u200d👩\u200d👧", "🇮🇷", "longlonglonglong"),
]
_TYPES = [
    *("bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre", "text_link", "date_time"),
    *("blockquote", "expandable_blockquote"),
]


@st.composite
def _rich_texts(draw: st.DrawFn, *, pieces: int = 14) -> RichText:
    text = "".join(draw(st.lists(st.sampled_from(_PIECES), max_size=pieces)))
    index = st.integers(0, len(text))
    spans = []
    for _ in range(draw(st.integers(0, 7))):
        start, end = sorted((draw(index), draw(index)))
        kind = draw(st.sampled_from(_TYPES))
        url = draw(st.sampled_from(["https://example.org/x", "http://A.b", "http://localhost"]))
        language = draw(st.sampled_from([None, "python"]))
        unix_time = draw(st.sampled_from([1700000000, 2**31 - 1, 2**31, 0]))
        shown = draw(st.sampled_from([None, "wDT", "r", "dt", "rt", ""]))
        match kind:
            case "text_link":
                spans.append(Span(kind, start, end, url))
            case "pre":
                spans.append(Span(kind, start, end, language=language))
            case "date_time":
                spans.append(Span(kind, start, end, unix_time=unix_time, date_time_format=shown))
            case _:
                spans.append(Span(kind, start, end))
    return RichText(text, tuple(spans))


def _is_taken_as_it_is(rich: RichText) -> bool:
    return tdlib.accepted(rich.text, entities(rich)) == (rich.text, entities(rich))


# --- what Telegram makes of it ------------------------------------------------------------------------------


@given(_rich_texts())
def test_telegram_finds_nothing_to_change_in_a_cleaned_text(rich: RichText) -> None:
    cleaned = telegram_clean(rich)
    assert telegram_clean(cleaned) == cleaned
    assert not cleaned or _is_taken_as_it_is(cleaned)


@given(_rich_texts())
def test_telegram_refuses_no_entities_of_any_text(rich: RichText) -> None:
    if telegram_clean(rich):
        tdlib.accepted(rich.text, entities(rich))
        return
    with contextlib.suppress(tdlib.Refused):  # it has nothing to see
        assert not telegram_clean(RichText(tdlib.accepted(rich.text, entities(rich))[0]))


@given(_rich_texts())
def test_html_of_a_normal_text_reads_back_as_that_text(rich: RichText) -> None:
    cleaned = telegram_clean(rich)
    assert markup.parse(markup.to_html(cleaned)) == cleaned


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a\tb\x07c", "a b c", id="controls"),
        pytest.param("a\r\nb", "a\nb", id="carriage-return"),
        pytest.param("a\u202eb\u2028c", "abc", id="overrides-and-separators"),
        pytest.param("a \u200f\u200e\u200fب", "a \u200fب", id="run-of-marks"),
        pytest.param("A\u030angstrom", "\u00c5ngstrom", id="decomposed-ring"),
        pytest.param("  ماه  \n", "ماه", id="white-space-around"),
        pytest.param("\u200f\u2068\u2069 \u2800", "", id="nothing-to-see"),
        pytest.param("a\ud800b", "a\ufffdb", id="lone-surrogate"),
    ],
)
def test_characters_are_cleaned_as_telegram_cleans_them(text: str, expected: str) -> None:
    assert telegram_clean(RichText(text)).text == expected


def test_spans_stay_on_their_words_when_characters_go() -> None:
    rich = telegram_clean(RichText("a\r\u202e bold \u202cz", (Span("bold", 4, 8),)))
    assert rich.text[rich.spans[0].start : rich.spans[0].end] == "bold"


def test_offsets_count_utf_16_units() -> None:
    rich = RichText("🌙 ماه", (Span("bold", 2, 5),))
    assert entities(rich) == (Entity("bold", 3, 3),)
    assert utf16_length(rich.text) == 6


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([("bold", 0, 3), ("bold", 3, 6)], [("bold", 0, 6)], id="equal-neighbours-are-one"),
        pytest.param([("bold", 0, 6), ("code", 0, 6)], [("code", 0, 6)], id="code-swallows-styles"),
        pytest.param([("text_link", 0, 6), ("code", 0, 6)], [("code", 0, 6)], id="code-swallows-links"),
        pytest.param([("text_link", 0, 6), ("text_link", 2, 4)], [("text_link", 0, 6)], id="outer-link-wins"),
        pytest.param(
            [("blockquote", 0, 6), ("expandable_blockquote", 1, 3)], [("blockquote", 0, 6)], id="quotes-do-not-nest"
        ),
        pytest.param(
            [("text_link", 0, 5), ("blockquote", 3, 6)],
            [("text_link", 0, 3), ("blockquote", 3, 6), ("text_link", 3, 5)],
            id="a-quote-parts-a-link",
        ),
        pytest.param([("bold", 2, 2), ("italic", 4, 9)], [("italic", 4, 6)], id="empty-and-too-long"),
    ],
)
def test_conflicts_of_spans_end_as_telegram_ends_them(
    spans: list[tuple[str, int, int]], expected: list[tuple[str, int, int]]
) -> None:
    urls = {"text_link": "https://example.org/"}
    rich = telegram_clean(RichText("abcdef", tuple(Span(*span, urls.get(span[0])) for span in spans)))
    assert [(span.type, span.start, span.end) for span in rich.spans] == expected


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param(("bold", 0, 9), [("bold", 0, 3), ("date_time", 3, 6), ("bold", 6, 9)], id="parts-styles"),
        pytest.param(("italic", 4, 5), [("date_time", 3, 6)], id="swallows-styles"),
        pytest.param(("text_link", 3, 6), [("date_time", 3, 6)], id="wins-over-an-equal-link"),
        pytest.param(("text_link", 0, 9), [("text_link", 0, 9)], id="is-lost-in-a-longer-link"),
        pytest.param(("code", 3, 6), [("code", 3, 6)], id="is-lost-in-code"),
        pytest.param(("blockquote", 0, 9), [("blockquote", 0, 9), ("date_time", 3, 6)], id="stays-in-a-quote"),
    ],
)
def test_a_time_is_as_solid_as_telegram_makes_it(
    other: tuple[str, int, int], expected: list[tuple[str, int, int]]
) -> None:
    url = "https://example.org/" if other[0] == "text_link" else None
    time = Span("date_time", 3, 6, unix_time=1700000000, date_time_format="wDT")
    given_spans = (Span(*other, url), time)
    rich = telegram_clean(RichText("abcdefghi", given_spans))
    assert [(span.type, span.start, span.end) for span in rich.spans] == expected
    as_they_are = tuple(
        Entity(each.type, each.start, each.end - each.start, each.url, None, each.unix_time, each.date_time_format)
        for each in given_spans
    )
    assert tdlib.accepted("abcdefghi", as_they_are) == (rich.text, entities(rich))


@pytest.mark.parametrize(
    ("unix_time", "shown"),
    [(None, None), (0, None), (-1, "D"), (2**31, "D"), (1, ""), (1, "rt"), (1, "tD"), (1, "dD"), (1, "x")],
)
def test_a_time_that_telegram_would_refuse_or_change_is_left_out(unix_time: int | None, shown: str | None) -> None:
    span = Span("date_time", 0, 4, unix_time=unix_time, date_time_format=shown)
    assert entities(RichText("moon", (span,))) == ()


def test_styles_are_split_where_a_link_begins_and_ends() -> None:
    rich = RichText("one two three", (Span("bold", 0, 13), Span("text_link", 4, 7, "https://example.org/")))
    assert [(each.type, each.offset, each.length) for each in entities(rich)] == [
        ("bold", 0, 3),
        ("text_link", 4, 3),
        ("bold", 4, 3),
        ("bold", 8, 5),
    ]


def test_marks_and_isolates_stay_outside_a_link_and_inside_a_quote() -> None:
    text = "\u200f\u2068ماه\u2069 "
    link = Span("text_link", 0, len(text), "https://example.org/")
    assert [(span.start, span.end) for span in edge_trim(RichText(text, (link,))).spans] == [(2, 5)]
    quote = Span("blockquote", 0, len(text))
    assert [(span.start, span.end) for span in edge_trim(RichText(text, (quote,))).spans] == [(0, 6)]


def test_the_indent_of_a_pre_stays() -> None:
    rich = telegram_clean(RichText("\n    if moon:\n        look()\n", (Span("pre", 0, 29),)))
    assert rich.text == "    if moon:\n        look()"
    assert rich.spans == (Span("pre", 0, len(rich.text)),)
    assert _is_taken_as_it_is(rich)


# --- addresses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("HTTP://Example.ORG", "http://example.org/", id="case-and-slash"),
        pytest.param("https://example.org?a=1", "https://example.org/?a=1", id="query-without-path"),
        pytest.param("https://example.org/ماه نو", "https://example.org/ماه%20نو", id="spaces"),
        pytest.param("https://آسمان.example/x", "https://آسمان.example/x", id="persian-host"),
        pytest.param("https://me:pw@example.org/", "https://example.org/", id="credentials"),
        pytest.param("http://example.org:080/", "http://example.org:80/", id="port"),
        pytest.param("http://[2001:db8::1]/x", "http://[2001:db8::1]/x", id="ipv6"),
        pytest.param("tg://resolve?domain=qasedak", "tg://resolve?domain=qasedak", id="tg"),
        pytest.param("http://localhost/x", None, id="no-dot"),
        pytest.param("https://example..org/", None, id="empty-label"),
        pytest.param("http://example.org:99999/", None, id="wild-port"),
        pytest.param("http://[::zz]/", None, id="no-ipv6"),
        pytest.param("mailto:a@example.org", None, id="mailto"),
        pytest.param("javascript:alert(1)", None, id="javascript"),
        pytest.param("tg://user?id=1", None, id="somebody"),
        pytest.param("https:///x", None, id="no-host"),
        pytest.param("//example.org/x", None, id="no-scheme"),
        pytest.param("https://exa mple.org/", None, id="space-in-host"),
    ],
)
def test_addresses_take_telegrams_form_or_are_dropped(url: str, expected: str | None) -> None:
    assert telegram_url(url) == expected
    if expected is not None:
        assert _is_taken_as_it_is(RichText("x", (Span("text_link", 0, 1, expected),)))


_URL_PIECES = [
    "http",
    "https",
    "tg",
    "://",
    ":",
    "/",
    "//",
    ".",
    "@",
    "?",
    "#",
    "example",
    "org",
    "80",
    " ",
    "\\",
    "%",
    "[",
    "]",
]


@given(st.lists(st.sampled_from([*_URL_PIECES, "ماه", "\u202e", "\u200c", "_", "-", "😀", "\n", "::1"]), max_size=9))
def test_every_address_let_through_is_taken_unchanged(pieces: list[str]) -> None:
    for start in ("", "https://", "http://example.org", "tg://"):
        url = telegram_url(start + "".join(pieces))
        assert url is None or _is_taken_as_it_is(RichText("x", (Span("text_link", 0, 1, url),)))


# --- the record ---------------------------------------------------------------------------------------------


def test_joining_and_slicing_keep_spans_on_their_words() -> None:
    moon = RichText("ماه", (Span("bold", 0, 3),))
    joined = RichText.join(" · ", [moon, RichText("sky"), moon])
    assert joined.spans == (Span("bold", 0, 3), Span("bold", 12, 15))
    assert joined.slice(1, 13) == RichText("اه · sky · م", (Span("bold", 0, 2), Span("bold", 11, 12)))
    assert (moon + moon).spans == (Span("bold", 0, 3), Span("bold", 3, 6))
    assert [line.text for line in RichText("a\n\nb").lines()] == ["a", "", "b"]
    assert RichText(" a ", (Span("bold", 0, 3),)).strip() == RichText("a", (Span("bold", 0, 1),))


@settings(max_examples=50, deadline=None)
@given(_rich_texts())
def test_lines_joined_again_are_the_text(rich: RichText) -> None:
    joined = RichText.join("\n", rich.lines())
    assert joined.text == rich.text
    assert all(joined.text[span.start : span.end].count("\n") == 0 for span in joined.spans)


@pytest.mark.parametrize(
    ("at", "expected"), [(0, (1, 3)), (1, (0, 3)), (2, (0, 2))], ids=["before", "inside", "behind"]
)
def test_an_insertion_at_an_edge_stays_outside_the_span(at: int, expected: tuple[int, int]) -> None:
    (span,) = RichText("ab", (Span("bold", 0, 2),)).insert(at, "\u2060").spans
    assert (span.start, span.end) == expected


# --- cutting ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        pytest.param("The moon is full.", 17, "The moon is full.", id="fits"),
        pytest.param("The moon is full. Take a walk tonight.", 30, "The moon is full. …", id="sentence"),
        pytest.param("The moon rises late, over the hills", 22, "The moon rises late…", id="word"),
        pytest.param("Dr. Roshan watches the moon from home", 12, "Dr. Roshan…", id="not-an-abbreviation"),
        pytest.param("ماه امشب کامل است. با دوربین می\u200cتوان دید.", 30, "ماه امشب کامل است. …", id="persian"),
        pytest.param("می\u200cروم\u200cمی\u200cروم", 5, "می\u200cر…", id="zwnj-is-no-break"),
        pytest.param("👨\u200d👩\u200d👧👨\u200d👩\u200d👧", 12, "👨\u200d👩\u200d👧…", id="emoji-stay-whole"),
        pytest.param("ee\u0301e\u0301e\u0301", 5, "ee\u0301…", id="combining-marks"),
        pytest.param("a \u2068long title here\u2069 b", 12, "a \u2068long…\u2069", id="isolates-are-closed"),
        pytest.param("full moon", 1, "…", id="no-room"),
    ],
)
def test_a_cut_falls_behind_a_sentence_or_a_word(text: str, limit: int, expected: str) -> None:
    assert cut(RichText(text), limit).text == expected


def test_the_ellipsis_belongs_to_a_quote_but_not_to_a_link() -> None:
    text = "one two three four"
    rich = RichText(text, (Span("blockquote", 0, 18), Span("text_link", 0, 18, "https://example.org/")))
    shorter = cut(rich, 10)
    assert shorter.text == "one two…"
    assert {(span.type, span.end) for span in shorter.spans} == {("blockquote", 8), ("text_link", 7)}


@given(_rich_texts(pieces=40), st.integers(1, 80))
def test_a_cut_text_is_a_beginning_within_the_limit_that_telegram_takes(rich: RichText, limit: int) -> None:
    rich = telegram_clean(rich)
    shorter = cut(rich, limit)
    assert utf16_length(shorter.text) <= limit
    if utf16_length(rich.text) <= limit:
        assert shorter == rich
        return
    head = shorter.text.rstrip("\u2069").removesuffix("…").rstrip()
    assert rich.text.startswith(head)
    assert not head or unicodedata.category(rich.text[len(head)]) not in ("Mn", "Me")
    assert _is_balanced(shorter.text) or not _is_balanced(rich.text)
    assert not telegram_clean(shorter) or _is_taken_as_it_is(shorter)


def _is_balanced(text: str) -> bool:
    for line in text.split("\n"):
        depth = 0
        for character in line:
            depth += character in "\u2066\u2067\u2068"
            depth -= character == "\u2069" and depth > 0
        if depth:
            return False
    return True


# --- splitting ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("First one.\n\nSecond one here.", ["First one.", "Second one here."], id="paragraph"),
        pytest.param("First line\nSecond line x", ["First line", "Second line x"], id="line"),
        pytest.param("Is it full؟ Yes it is full.", ["Is it full؟", "Yes it is full."], id="sentence"),
        pytest.param("ماه کامل است… آسمان صاف است", ["ماه کامل است…", "آسمان صاف است"], id="persian-sentence"),
        pytest.param("one two three four five six", ["one two three four", "five six"], id="word"),
        pytest.param(
            "\u200fماه: \u2068one two three\u2069",
            ["\u200fماه: \u2068one two\u2069", "\u200f\u2068three\u2069"],
            id="isolate",
        ),
    ],
)
def test_a_long_text_is_parted_at_the_best_place(text: str, expected: list[str]) -> None:
    assert [part.text for part in split(RichText(text), 20)] == expected


def test_the_second_half_of_a_pre_keeps_its_indent() -> None:
    text = "while night:\n    look_up()\n    wait()"
    first, second = split(RichText(text, (Span("pre", 0, len(text)),)), 30)
    assert (first.text, second.text) == ("while night:\n    look_up()", "    wait()")
    assert second.spans == (Span("pre", 0, 10),)


def test_no_part_has_more_entities_than_telegram_reads() -> None:
    words = RichText.join(" ", [RichText("moon").marked("bold"), RichText("sky")] * 250)
    parts = split(words)
    assert [len(entities(part)) for part in parts] == [100, 100, 50]


@given(_rich_texts(pieces=50), st.integers(24, 90), st.integers(8, 14))
def test_parts_keep_both_limits_and_lose_nothing(rich: RichText, limit: int, most: int) -> None:
    rich = telegram_clean(rich)
    parts = split(rich, limit, most)
    for part in parts:
        assert utf16_length(part.text) <= limit
        assert len(entities(part)) <= most
        assert _is_balanced(part.text) or not _is_balanced(rich.text)
    assert _visible("".join(part.text for part in parts)) == _visible(rich.text)


def _visible(text: str) -> str:
    return re.sub("[\\s\u200e\u200f\u2066-\u2069]", "", text)
