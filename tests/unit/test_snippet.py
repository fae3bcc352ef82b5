"""What a hit shows: the right stretch, the right letters, in the spelling that was written."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from bot.text import snippet
from bot.text.query import parse_query
from bot.text.snippet import LENGTH, Snippet


def found(shown: Snippet) -> list[str]:
    return [shown.text[start:end] for start, end in shown.marks]


def cut(text: str, query: str, length: int = LENGTH) -> Snippet:
    return snippet.cut(text, parse_query(query, date(2026, 11, 23)).terms, length)


def test_what_was_found_is_marked_as_it_is_written() -> None:
    text = "امروز مي\u200cروم، فردا می روم و دیروز نمی\u200cرفتم."
    assert found(cut(text, "میروم")) == ["مي\u200cروم", "می روم"]


def test_a_beginning_marks_the_whole_word() -> None:
    assert found(cut("Moonlight over the moor.", "moon")) == ["Moonlight"]


def test_a_phrase_is_marked_where_it_is_whole() -> None:
    assert found(cut("A full garden, a full moon.", '"full moon"')) == ["full moon"]


def test_two_words_mark_the_one_they_are_written_as() -> None:
    assert found(cut("کتابخانهٔ شهر", "کتاب خانه")) == ["کتابخانهٔ"]


def test_the_stretch_is_cut_round_what_was_found() -> None:
    text = "stone " * 100 + "the moon " + "leaf " * 100
    shown = cut(text, "moon")
    assert found(shown) == ["moon"]
    assert shown.text.startswith("…stone")
    assert shown.text.endswith("leaf…")
    assert len(shown.text) <= LENGTH + 2


def test_where_most_was_found_is_shown() -> None:
    text = "moon " + "stone " * 100 + "moon over the garden " + "leaf " * 100
    assert found(cut(text, "moon garden")) == ["moon", "garden"]


def test_a_text_that_fits_is_shown_whole() -> None:
    assert cut("The moon over the garden.", "garden").text == "The moon over the garden."


def test_the_end_of_a_text_fills_the_stretch() -> None:
    shown = cut("stone " * 100 + "moon", "moon")
    assert found(shown) == ["moon"]
    assert len(shown.text) > LENGTH - 10


def test_without_a_find_it_is_the_beginning() -> None:
    assert cut("stone " * 100, "moon").text.startswith("stone")


@given(
    st.text("ab می\u200cروم #.\u064b\n ", max_size=400), st.text("ab می\u200cروم ", max_size=20), st.integers(20, 100)
)
def test_marks_are_always_inside_and_apart(text: str, query: str, length: int) -> None:
    shown = cut(text, query, length)
    assert len(shown.text) <= length + 2
    last = 0
    for start, end in shown.marks:
        assert last <= start < end <= len(shown.text)
        last = end
