"""How long ago, in words: units, civil days, both languages and both directions."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.labels import catalog
from bot.model import Language
from bot.text.relative import ago

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # 12:30 in Tehran
TEHRAN = ZoneInfo("Asia/Tehran")


def said(before_now: timedelta, language: Language, zone: ZoneInfo = TEHRAN) -> str:
    return ago(NOW - before_now, NOW, language, zone, catalog(language))


MOMENTS: dict[str, tuple[timedelta, str, str]] = {
    "now": (timedelta(), "just now", "همین حالا"),
    "seconds": (timedelta(seconds=59), "just now", "همین حالا"),
    "seconds-ahead": (timedelta(seconds=-59), "just now", "همین حالا"),
    "a-minute": (timedelta(minutes=1), "1 minute ago", "۱ دقیقه پیش"),
    "minutes": (timedelta(minutes=59, seconds=59), "59 minutes ago", "۵۹ دقیقه پیش"),
    "an-hour": (timedelta(hours=1), "1 hour ago", "۱ ساعت پیش"),
    "hours": (timedelta(hours=2, minutes=50), "2 hours ago", "۲ ساعت پیش"),
    "this-morning": (timedelta(hours=12, minutes=29), "12 hours ago", "۱۲ ساعت پیش"),
    "last-evening": (timedelta(hours=12, minutes=31), "yesterday", "دیروز"),
    "just-before-midnight": (timedelta(hours=11), "11 hours ago", "۱۱ ساعت پیش"),
    "yesterday": (timedelta(hours=36), "yesterday", "دیروز"),
    "days": (timedelta(hours=37), "2 days ago", "۲ روز پیش"),
    "week": (timedelta(days=7), "1 week ago", "۱ هفته پیش"),
    "weeks": (timedelta(days=29), "4 weeks ago", "۴ هفته پیش"),
    "month": (timedelta(days=30), "1 month ago", "۱ ماه پیش"),
    "months": (timedelta(days=364), "12 months ago", "۱۲ ماه پیش"),
    "year": (timedelta(days=365), "1 year ago", "۱ سال پیش"),
    "years": (timedelta(days=3000), "8 years ago", "۸ سال پیش"),
    "in-a-minute": (timedelta(minutes=-1), "in 1 minute", "۱ دقیقه دیگر"),
    "in-hours": (timedelta(hours=-3), "in 3 hours", "۳ ساعت دیگر"),
    "tomorrow": (timedelta(hours=-24), "tomorrow", "فردا"),
    "in-days": (timedelta(days=-3), "in 3 days", "۳ روز دیگر"),
    "in-weeks": (timedelta(days=-15), "in 2 weeks", "۲ هفته دیگر"),
    "in-months": (timedelta(days=-70), "in 2 months", "۲ ماه دیگر"),
    "in-a-year": (timedelta(days=-400), "in 1 year", "۱ سال دیگر"),
}


@pytest.mark.parametrize(("before_now", "english", "persian"), MOMENTS.values(), ids=MOMENTS.keys())
def test_a_moment_is_said_in_the_largest_unit_that_has_passed(
    before_now: timedelta, english: str, persian: str
) -> None:
    assert said(before_now, "en") == english
    assert said(before_now, "fa") == persian


def test_days_are_those_of_the_zone() -> None:
    evening = timedelta(hours=13)  # 23:30 in Tehran, 20:00 in London; and today in Sydney, where it is 20:00 now
    assert said(evening, "en") == "yesterday"
    assert said(evening, "en", ZoneInfo("Australia/Sydney")) == "13 hours ago"


@given(st.integers(-(10**9), 10**9))
def test_every_distance_has_words_of_its_language_alone(seconds: int) -> None:
    distance = timedelta(seconds=seconds)
    assert re.fullmatch(r"[a-z0-9 ]+", said(distance, "en"))
    assert not re.search(r"[A-Za-z0-9{}]", said(distance, "fa"))
