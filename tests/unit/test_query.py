"""What a text asks for: words, phrases, tags, feeds, authors and days, in both languages."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.query import LONGEST, MOST_TERMS, SearchQuery, Term, Where, parse_query

TODAY = date(2026, 11, 23)


def asked(text: str) -> SearchQuery:
    return parse_query(text, TODAY)


def test_the_last_word_may_be_a_beginning() -> None:
    assert asked("full moo").terms == (Term(("full",)), Term(("moo",), is_prefix=True))


def test_of_two_letters_nothing_is_guessed() -> None:
    assert asked("full mo").terms == (Term(("full",)), Term(("mo",)))


@pytest.mark.parametrize("text", ['"full moon"', "“full moon”", "«full moon»"], ids=["straight", "curly", "guillemets"])
def test_a_phrase_is_one_term(text: str) -> None:
    assert asked(text).terms == (Term(("full", "moon")),)


def test_a_quote_that_is_never_closed_is_no_sign() -> None:
    assert asked('"full moon').terms == (Term(("full",)), Term(("moon",), is_prefix=True))


def test_a_tag_is_asked_for_as_a_whole() -> None:
    assert asked("#آسمان_شب").terms == (Term(("آسمانشب",), Where.TAG),)


@pytest.mark.parametrize("text", ["author:sara", "نویسنده:sara", 'by:"sara"'])
def test_an_author_is_asked_for_in_both_languages(text: str) -> None:
    assert asked(text).terms == (Term(("sara",), Where.AUTHOR),)


@pytest.mark.parametrize("text", ["feed:sky-notes", 'source:"sky-notes"', "منبع:sky-notes"])
def test_a_feed_is_asked_for_by_its_name(text: str) -> None:
    assert asked(text).feeds == ("sky-notes",)


def test_other_words_with_a_colon_are_words() -> None:
    assert [term.forms for term in asked("ratio:3 http://sky.example").terms] == [
        ("ratio",), ("3",), ("http",), ("sky",), ("example",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words", "first", "last"),
    [
        ("نوروز ۱۴۰۲", ["نوروز"], date(2023, 3, 21), date(2024, 3, 19)),
        ("مهر ۱۳۹۷", [], date(2018, 9, 23), date(2018, 10, 22)),
        ("moon September 2018", ["moon"], date(2018, 9, 1), date(2018, 9, 30)),
        ("last week garden", ["garden"], date(2026, 11, 16), date(2026, 11, 22)),
        ("باغ از ۱۴۰۰ تا ۱۴۰۲", ["باغ"], date(2021, 3, 21), date(2024, 3, 19)),
        ("moon 2018-09-30", ["moon"], date(2018, 9, 30), date(2018, 9, 30)),
        ("since 2018 moon", ["moon"], date(2018, 1, 1), TODAY),
    ],
    ids=["year", "month", "english-month", "relative", "from-to", "day", "since"],
)
def test_days_are_taken_out_of_the_words(text: str, words: list[str], first: date, last: date) -> None:
    query = asked(text)
    assert ([term.forms[0] for term in query.terms], query.earliest, query.latest) == (words, first, last)


def test_days_are_given_back_as_words_on_request() -> None:
    literal = asked("apollo 2018").literal()
    assert literal is not None
    assert [term.forms for term in literal.terms] == [("apollo",), ("2018",)]
    assert (literal.earliest, literal.latest) == (None, None)
    assert asked("apollo").literal() is None


@pytest.mark.parametrize("text", ["", "   ", "«»", '""', "!?", "\u200c\u200f"])
def test_what_has_no_words_asks_for_nothing(text: str) -> None:
    assert asked(text).is_empty


@given(st.text(max_size=2 * LONGEST) | st.text('"«»#:" ماه moon۱۳۹۷feedauthor\u200c', max_size=LONGEST))
def test_any_text_is_a_query(text: str) -> None:
    query = asked(text)
    assert len(query.terms) <= MOST_TERMS
    assert all(form.isalnum() for term in (*query.terms, *query.spare) for form in term.forms)
