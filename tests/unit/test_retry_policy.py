"""When a failed delivery is tried again: a pure function of the error, the tries and the clock."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import RetryLater
from bot.outbox.delivering import FIRST_RETRY, GIVE_UP_AFTER, LONGEST_RETRY, retry_at
from bot.outbox.settlement import repeat_at
from tests.builders import NOW


def test_telegrams_own_word_on_when_to_come_back_is_kept() -> None:
    error = RetryLater("flood", after=timedelta(seconds=10072))
    assert retry_at(error, 1, NOW, NOW) == NOW + timedelta(seconds=10072)


def test_the_first_retry_comes_soon() -> None:
    assert retry_at(RetryLater("no network"), 1, NOW, NOW) == NOW + FIRST_RETRY


@given(st.integers(1, 10_000))
def test_retries_grow_apart_up_to_an_hour(attempts: int) -> None:
    error = RetryLater("no network")
    this, following = retry_at(error, attempts, NOW, NOW), retry_at(error, attempts + 1, NOW, NOW)
    assert this is not None
    assert following is not None
    assert this <= following <= NOW + LONGEST_RETRY


def test_nothing_is_given_up_before_seven_days() -> None:
    error, created = RetryLater("no network"), NOW - GIVE_UP_AFTER
    assert retry_at(error, 200, created, NOW) is not None
    assert retry_at(error, 200, created - timedelta(seconds=1), NOW) is None


@pytest.mark.parametrize(
    ("attempts", "was_repeated", "seconds"),
    [(1, False, 0), (9, False, 0), (2, True, 40), (3, True, 80), (4, True, 160), (5, True, None), (9, True, None)],
)
def test_a_blind_repeat_waits_longer_each_time_and_ends(attempts: int, was_repeated: bool, seconds: int | None) -> None:
    wanted = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert repeat_at(attempts, NOW, was_repeated=was_repeated) == wanted
