"""Which posts ``include`` and ``exclude`` let through, in both languages."""

import time
from collections.abc import Sequence

import pytest

from bot import filters, routing
from bot.model import Verdict
from tests.builders import NOW, a_feed, a_subscription, an_entry

MOON = an_entry(title="A full Moon over the hills", content="<p>Binoculars are enough.</p>", tags=("Sky",))
PERSIAN = an_entry(title="ماهِ كامل", content="<p>کتاب‌های نجوم را می‌خوانیم؛ سال ۱۴۰۵</p>", summary=None)


@pytest.mark.parametrize(
    ("pattern", "is_there"),
    [
        ("moon", True),
        ("mo", False),
        ("full moon", True),
        ("moon full", False),
        ("binoculars", True),
        ("title:binoculars", False),
        ("title: moon", True),
        ("sky", True),
        ("title:sky", False),
        ("re:MOO+N", True),
        ("re:^A full", True),
        ("title:re:hills$", True),
        ("re:hills$", False),
        ("title:re:binoc", False),
    ],
)
def test_a_pattern_is_words_in_a_row_or_an_expression(pattern: str, is_there: bool) -> None:
    assert filters.compiled(pattern).is_in(MOON) is is_there


@pytest.mark.parametrize(
    "pattern",
    [
        "ماه کامل",  # Persian kaf, without the kasra
        "كامل",
        "کتابهای نجوم",
        "کتاب های نجوم",
        "کتاب‌هاي نجوم",
        "کتاب",
        "ميخوانيم",
        "می خوانیم",
        "1405",
        "re:[0-9۰-۹]{4}",
        "re:كامل",
        "re:کتاب.های",
    ],
)
def test_no_spelling_of_a_persian_word_hides_it(pattern: str) -> None:
    assert filters.compiled(pattern).is_in(PERSIAN)


@pytest.mark.parametrize("pattern", ["نج", "ماهی", "title:نجوم"])
def test_a_part_of_a_persian_word_is_not_the_word(pattern: str) -> None:
    assert not filters.compiled(pattern).is_in(PERSIAN)


@pytest.mark.parametrize(
    ("include", "exclude", "reason"),
    [
        ((), (), None),
        (("sun", "moon"), (), None),
        (("sun", "rain"), (), "it says nothing of include: sun, rain"),
        ((), ("sun",), None),
        (("moon",), ("hills",), "exclude: hills"),
    ],
)
def test_one_of_include_and_none_of_exclude(include: Sequence[str], exclude: Sequence[str], reason: str | None) -> None:
    assert filters.rejection(include, exclude, MOON) == reason


def test_a_post_must_pass_its_feeds_filters_and_its_routes() -> None:
    feed = a_feed(include=("moon",))
    assert routing.decide(MOON, a_subscription(feed, include=("hills",)), NOW) == routing.GO
    for subscription in (a_subscription(feed, exclude=("hills",)), a_subscription(feed, include=("sea",))):
        assert routing.decide(MOON, subscription, NOW).verdict is Verdict.FILTERED
    assert routing.decide(an_entry(title="Sun", content=""), a_subscription(feed), NOW).verdict is Verdict.FILTERED


def test_no_expression_takes_long() -> None:
    """Python's own ``re`` would need longer than the universe has for this one."""
    began = time.perf_counter()
    assert not filters.compiled("re:(a+)+$").is_in(an_entry(content=f"<p>{'a' * 50_000}b</p>"))
    assert time.perf_counter() - began < 5
