"""When a feed is asked again: pure decisions, as tables."""

from datetime import timedelta

import pytest

from bot import poller
from bot.errors import ArchiveError, BotError, FeedGone, FetchError, ParseError, StorageError
from bot.model import Feed, FeedKind, Hints, Ingested
from bot.storage.feeds import NextCheck
from tests.builders import NOW, a_feed

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
AN_ARCHIVE = a_feed(kind=FeedKind.ARCHIVE)
#: Feeds drift upward by up to a tenth.
DRIFT = 1 + poller.JITTER


def _assert_after(check: NextCheck, span: timedelta) -> None:
    assert NOW + span <= check.at <= NOW + span * DRIFT


@pytest.mark.parametrize(
    ("every", "hints", "span", "why"),
    [
        (30 * MINUTE, Hints(), 30 * MINUTE, "your floor 30m"),
        (30 * MINUTE, Hints(max_age=42 * MINUTE), 42 * MINUTE, "your floor 30m, publisher says 2520s"),
        (30 * MINUTE, Hints(max_age=SECOND), 30 * MINUTE, "your floor 30m, publisher says 1s"),
        (30 * MINUTE, Hints(ttl=2 * HOUR), 2 * HOUR, "your floor 30m, publisher says 120m"),
        (30 * MINUTE, Hints(ttl=2 * HOUR, max_age=3 * HOUR), 3 * HOUR, None),
        (30 * MINUTE, Hints(ttl=4 * HOUR, max_age=3 * HOUR), 4 * HOUR, None),
        (30 * MINUTE, Hints(ttl=9 * DAY), DAY, None),
        (30 * MINUTE, Hints(retry_after=5 * DAY), 5 * DAY, None),
        (30 * MINUTE, Hints(retry_after=SECOND), 30 * MINUTE, None),
        (48 * HOUR, Hints(), 48 * HOUR, "your floor 2880m"),
        (48 * HOUR, Hints(ttl=9 * DAY), 48 * HOUR, None),
    ],
)
def test_after_an_answer_the_longest_word_holds(
    every: timedelta, hints: Hints, span: timedelta, why: str | None
) -> None:
    check = poller.next_check(a_feed(every=every), hints, NOW)
    _assert_after(check, span)
    assert why is None or check.why == why


@pytest.mark.parametrize(
    ("error", "failures", "span"),
    [
        (FetchError("x"), 0, HOUR),
        (FetchError("x"), 1, 2 * HOUR),
        (ParseError("x"), 4, 16 * HOUR),
        (FetchError("x", status=404), 5, DAY),
        (FetchError("x"), 10_000, DAY),
        (FetchError("x", status=503, retry_after=MINUTE), 0, HOUR),
        (FetchError("x", status=503, retry_after=5 * DAY), 0, 5 * DAY),
        (FetchError("x", status=429, retry_after=MINUTE), 3, 8 * HOUR),
        (FetchError("x", status=429), 0, HOUR),
        (FetchError("x", status=429), 2, 4 * HOUR),
        (FetchError("x", status=429), 99, DAY),
        (StorageError("x"), 7, HOUR),
    ],
)
def test_failures_in_a_row_are_asked_about_less_and_less(error: BotError, failures: int, span: timedelta) -> None:
    _assert_after(poller.check_after_failure(a_feed(every=HOUR), error, failures, NOW), span)


def test_429_means_an_hour_even_where_the_floor_is_lower() -> None:
    feed = a_feed(every=15 * MINUTE)
    _assert_after(poller.check_after_failure(feed, FetchError("x", status=429), 0, NOW), HOUR)
    _assert_after(poller.check_after_failure(feed, FetchError("x", status=500), 0, NOW), 15 * MINUTE)


def test_no_back_off_is_shorter_than_the_floor() -> None:
    _assert_after(poller.check_after_failure(a_feed(every=3 * DAY), FetchError("x"), 9, NOW), 3 * DAY)


@pytest.mark.parametrize(
    ("error", "span"),
    [
        (FetchError("x", status=500), SECOND),
        (ParseError("x"), SECOND),
        (FeedGone("x", status=410), SECOND),
        (FetchError("x", status=503, retry_after=2 * MINUTE), 2 * MINUTE),
        (FetchError("x", status=429, retry_after=2 * MINUTE), 2 * MINUTE),
        (FetchError("x", status=429, retry_after=SECOND / 2), SECOND),
        (FetchError("x", status=429), 3 * HOUR),
        (StorageError("x"), SECOND),
    ],
)
def test_some_failures_hold_the_whole_host(error: BotError, span: timedelta) -> None:
    again = NextCheck(NOW + 3 * HOUR, "")
    assert poller.host_free_at(error, again, SECOND, NOW) == NOW + span


def test_archives_are_looked_at_every_minute_whatever_happens() -> None:
    for check in (
        poller.next_check(AN_ARCHIVE, Hints(ttl=DAY), NOW),
        poller.check_after_failure(AN_ARCHIVE, ArchiveError("x"), 50, NOW),
    ):
        assert check.at == NOW + MINUTE


def test_feeds_drift_apart_and_each_always_by_the_same() -> None:
    at = [poller.next_check(a_feed(f"feed-{n}"), Hints(), NOW).at for n in range(50)]
    assert len(set(at)) == 50
    assert at == [poller.next_check(a_feed(f"feed-{n}"), Hints(), NOW).at for n in range(50)]


@pytest.mark.parametrize(
    ("feed", "ingested", "explained"),
    [
        (a_feed(), Ingested(new=20, first_reading=True), "sky: 20 posts read, none published (backfill: 0). "
         "The next new one will be."),
        (a_feed(backfill=None), Ingested(new=20, first_reading=True), "sky: 20 posts read, none published "
         "(backfill: all). The next new one will be."),
        (a_feed(), Ingested(new=20, enqueued=1, first_reading=True), None),
        (a_feed(), Ingested(new=0, first_reading=True), None),
        (a_feed(), Ingested(new=20), None),
    ],
)  # fmt: skip
def test_only_a_first_silence_explains_itself(feed: Feed, ingested: Ingested, explained: str | None) -> None:
    assert poller.explain_silence(feed, ingested) == explained
