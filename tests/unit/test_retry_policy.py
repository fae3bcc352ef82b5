"""When a failed delivery is tried again: a pure function of the error, the tries and the clock."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.errors import RetryLater
from bot.outbox.delivering import FIRST_RETRY, GIVE_UP_AFTER, LONGEST_RETRY, retry_at
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
