"""Which vanished post a new entry is: likeness of words, titles and days."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Entry
from bot.revision import Version, find_revised

DAY = datetime(2018, 9, 30, tzinfo=UTC)
WORDS = [f"word{number}" for number in range(60)]


def version(words: list[str], title: str = "Moon", days: int = 0) -> Version:
    return Version.of(Entry(title=title, published=DAY + timedelta(days=days), content=f"<p>{' '.join(words)}</p>"))


@pytest.mark.parametrize(
    ("kept", "title", "days", "is_same"),
    [
        pytest.param(60, "Sun", 9, True, id="all_words"),
        pytest.param(45, "Sun", 9, True, id="three_quarters"),
        pytest.param(20, "Sun", 9, False, id="a_third"),
        pytest.param(20, "Moon", 9, True, id="a_third_and_the_title"),
        pytest.param(20, "Sun", 0, True, id="a_third_and_the_day"),
        pytest.param(10, "Moon", 0, False, id="a_sixth_and_both"),
    ],
)
def test_as_much_must_be_left_of_a_post(kept: int, title: str, days: int, is_same: bool) -> None:
    assert find_revised([version(WORDS[:kept], title, days)], {7: version(WORDS)}, []) == ({0: 7} if is_same else {})


def test_arabic_letters_and_digits_make_no_difference() -> None:
    persian = Version.of(Entry(title="کتاب", content="<p>کتابی در ۱۲ باغ یکی یکی خوانده شد</p>"))
    arabic = Version.of(Entry(title="كتاب", content="<div>كتابي در ١٢ باغ يكي يكي خوانده شد</div>"))
    assert arabic == persian


def test_the_likest_is_taken_first_and_each_post_once() -> None:
    gone = {1: version(WORDS[:40]), 2: version(WORDS)}
    assert find_revised([version(WORDS), version(WORDS[:40])], gone, []) == {0: 2, 1: 1}
    assert find_revised([version(WORDS), version(WORDS)], {1: version(WORDS)}, []) == {0: 1}


def test_where_a_source_repeats_itself_only_what_is_its_own_vouches() -> None:
    others = [version([*WORDS[:55], "other"], days=-7)]
    last_week, this_week = version(WORDS, days=-14), version([*WORDS[:57], "new"])
    assert find_revised([this_week], {7: last_week}, others) == {}
    assert find_revised([version(WORDS[:50], days=-14)], {7: last_week}, others) == {0: 7}


def test_posts_without_words_are_like_nothing() -> None:
    assert find_revised([version([])], {7: version([])}, []) == {}


@given(st.lists(st.sampled_from(WORDS[:6]), max_size=12), st.lists(st.sampled_from(WORDS[:6]), max_size=12))
def test_likeness_is_the_same_both_ways_and_never_over_one(one: list[str], other: list[str]) -> None:
    likeness = version(one).likeness(version(other))
    assert 0 <= likeness <= 1
    assert likeness == version(other).likeness(version(one))
    assert version(one).likeness(version(one)) == bool(one)
