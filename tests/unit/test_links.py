"""Payloads of deep links, and stretches of time as people write them."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import links
from bot.links import Link
from bot.text.spans import parse_span


@given(st.integers(0, 2**53))
def test_a_link_comes_back_as_what_it_was(number: int) -> None:
    for payload, link in (
        (links.to_feed(number), Link(feed_id=number)),
        (links.to_more(number), Link(more_of=number)),
        (links.to_post(number), Link(post_id=number)),
    ):
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", payload)
        assert links.read(payload) == link


@given(st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=30))
def test_a_hashtag_comes_back_or_is_too_long(tag: str) -> None:
    payload = links.to_tag(f"#{tag}")
    assert payload is None or links.read(payload) == Link(tag=tag)
    assert payload is not None or len(tag.encode()) > 46


@given(st.text(max_size=80))
def test_no_payload_is_too_odd_to_read(payload: str) -> None:
    found = links.read(payload)
    assert found is None or (links.to_tag(found.tag) if found.tag else payload) == payload


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("7d", timedelta(days=7)),
        ("7 days", timedelta(days=7)),
        ("۷ روز", timedelta(days=7)),
        ("۷روز", timedelta(days=7)),
        ("یک هفته", timedelta(days=7)),
        ("a week", timedelta(days=7)),
        ("هفته", timedelta(days=7)),
        ("12h", timedelta(hours=12)),
        ("۱۲ ساعت", timedelta(hours=12)),
        ("دو ماه", timedelta(days=60)),
        ("30 Minutes", timedelta(minutes=30)),
        ("", None),
        ("7", None),
        ("0d", None),
        ("400d", None),
        ("seven moons", None),
        ("7d 2h 5m", None),
    ],
)
def test_a_stretch_of_time_is_read_in_both_languages(text: str, span: timedelta | None) -> None:
    assert parse_span(text) == span
