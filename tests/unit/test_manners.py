"""When a feed is asked again: pure decisions, as tables."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import manners, poller
from bot.errors import ArchiveError, BotError, FeedGone, FetchError, ParseError, StorageError
from bot.manners import NextCheck, Rhythm, Trail
from bot.model import Feed, FeedKind, Hints, Ingested
from tests.builders import NOW, a_feed

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
AN_ARCHIVE = a_feed(kind=FeedKind.ARCHIVE)
#: Feeds drift upward by up to a tenth.
DRIFT = 1 + manners.JITTER


def _assert_after(check: NextCheck, span: timedelta) -> None:
    assert NOW + span <= check.at <= NOW + span * DRIFT


#: A feed that has something new every 20 minutes: its rhythm asks for less than any floor.
BUSY = Rhythm(NOW - MINUTE, 20 * MINUTE)
DAILY = Rhythm(NOW - HOUR, DAY)


def _check(
    every: timedelta = 30 * MINUTE,
    hints: Hints | None = None,
    rhythm: Rhythm = BUSY,
    now: datetime = NOW,
    *,
    has_validators: bool = True,
) -> NextCheck:
    return manners.next_check(a_feed(every=every), hints or Hints(), rhythm, now, has_validators=has_validators)


@pytest.mark.parametrize(
    ("every", "hints", "span"),
    [
        (30 * MINUTE, Hints(), 30 * MINUTE),
        (30 * MINUTE, Hints(max_age=42 * MINUTE), 42 * MINUTE),
        (30 * MINUTE, Hints(max_age=SECOND), 30 * MINUTE),
        (30 * MINUTE, Hints(ttl=2 * HOUR), 2 * HOUR),
        (30 * MINUTE, Hints(ttl=2 * HOUR, max_age=3 * HOUR), 3 * HOUR),
        (30 * MINUTE, Hints(ttl=4 * HOUR, max_age=3 * HOUR), 4 * HOUR),
        (30 * MINUTE, Hints(ttl=9 * DAY), DAY),
        (30 * MINUTE, Hints(max_age=9 * DAY), DAY),
        (30 * MINUTE, Hints(retry_after=5 * DAY), 5 * DAY),
        (30 * MINUTE, Hints(retry_after=SECOND), 30 * MINUTE),
        (30 * MINUTE, Hints(ttl=4 * HOUR, retry_after=3 * HOUR), 4 * HOUR),
        (30 * MINUTE, Hints(ttl=4 * HOUR, retry_after=5 * HOUR), 5 * HOUR),
        (48 * HOUR, Hints(), 48 * HOUR),
        (48 * HOUR, Hints(ttl=9 * DAY), 48 * HOUR),
        # 8:00 on a Monday; what comes due in a skipped hour waits for the first that is open.
        (30 * MINUTE, Hints(skip_hours=frozenset({8})), HOUR),
        (30 * MINUTE, Hints(skip_hours=frozenset({8, 9, 10})), 3 * HOUR),
        (30 * MINUTE, Hints(skip_hours=frozenset({9})), 30 * MINUTE),
        (90 * MINUTE, Hints(skip_hours=frozenset({9}), skip_days=frozenset({1})), 2 * HOUR),
        (30 * MINUTE, Hints(skip_days=frozenset({0})), 16 * HOUR),
        (30 * MINUTE, Hints(skip_days=frozenset({0}), skip_hours=frozenset({0, 1})), 18 * HOUR),
        (30 * MINUTE, Hints(skip_hours=frozenset(range(24))), 30 * MINUTE),
        (30 * MINUTE, Hints(skip_days=frozenset(range(7))), 30 * MINUTE),
        (30 * MINUTE, Hints(skip_hours=frozenset({8}), retry_after=5 * HOUR), 5 * HOUR),
    ],
)
def test_after_an_answer_the_longest_word_holds(every: timedelta, hints: Hints, span: timedelta) -> None:
    _assert_after(_check(every, hints), span)


@pytest.mark.parametrize(
    ("rhythm", "span"),
    [
        (Rhythm(), HOUR),
        (Rhythm(NOW), HOUR),
        (BUSY, 30 * MINUTE),
        (Rhythm(NOW, 3 * HOUR), 90 * MINUTE),
        (DAILY, 12 * HOUR),
        (Rhythm(NOW, 20 * DAY), DAY),
        (Rhythm(NOW - 31 * DAY, HOUR), 12 * HOUR),
        (Rhythm(NOW - 61 * DAY, HOUR), DAY),
        (Rhythm(NOW - 61 * DAY), DAY),
    ],
)
def test_a_feed_is_asked_at_its_own_rhythm_above_the_floor(rhythm: Rhythm, span: timedelta) -> None:
    _assert_after(_check(rhythm=rhythm), span)


def test_a_feed_that_sends_everything_each_time_is_asked_less() -> None:
    _assert_after(_check(has_validators=False), 2 * HOUR)
    _assert_after(_check(12 * HOUR, has_validators=False), DAY)
    _assert_after(_check(rhythm=DAILY, has_validators=False), 12 * HOUR)


def test_the_reasons_are_said() -> None:
    hints = Hints(ttl=2 * HOUR, max_age=42 * MINUTE, skip_hours=frozenset({10}), retry_after=SECOND)
    assert _check(hints=hints, has_validators=False).why == (
        "your floor 30m, rhythm 10m, sends everything each time 120m, publisher says 120m, publisher says 2520s, "
        "publisher wants to be left alone until 11:00 UTC, publisher asks to wait 1s"
    )


@given(
    hours=st.frozensets(st.integers(0, 23), max_size=23),
    days=st.frozensets(st.integers(0, 6), max_size=6),
    minutes=st.integers(0, 20_000),
    name=st.text(max_size=8),
)
def test_nothing_is_asked_in_an_hour_that_is_to_be_skipped(
    hours: frozenset[int], days: frozenset[int], minutes: int, name: str
) -> None:
    hints = Hints(skip_hours=hours, skip_days=days)
    now = NOW + minutes * MINUTE
    check = manners.next_check(a_feed(name), hints, BUSY, now, has_validators=True)
    assert check.at.hour not in hours
    assert check.at.weekday() not in days
    assert now + 30 * MINUTE <= check.at <= now + 8 * DAY


@pytest.mark.parametrize(
    ("days_ago", "gap"),
    [
        ([], None),
        ([3], None),
        ([3, 3, 3], None),
        ([1, 2, 3, 4, 5], DAY),
        ([1, 1, 2, 9], 7 * DAY),
        ([1, 2, 100, 101, 104], DAY),
        ([1, 100], None),
    ],
    ids=["nothing", "one post", "one moment", "daily", "two gaps", "a pause is no rhythm", "only a pause"],
)
def test_a_rhythm_is_the_median_between_two_posts(days_ago: list[int], gap: timedelta | None) -> None:
    rhythm = manners.learn([NOW - days * DAY for days in days_ago])
    assert rhythm == Rhythm(NOW - min(days_ago) * DAY if days_ago else None, gap)


# --- failures ------------------------------------------------------------------------------------------------


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
        (FeedGone("x", status=410), 0, DAY),
        (StorageError("x"), 7, HOUR),
    ],
)
def test_failures_in_a_row_are_asked_about_less_and_less(error: BotError, failures: int, span: timedelta) -> None:
    _assert_after(manners.check_after_failure(a_feed(every=HOUR), error, failures, NOW), span)


def test_429_means_an_hour_even_where_the_floor_is_lower() -> None:
    feed = a_feed(every=15 * MINUTE)
    _assert_after(manners.check_after_failure(feed, FetchError("x", status=429), 0, NOW), HOUR)
    _assert_after(manners.check_after_failure(feed, FetchError("x", status=500), 0, NOW), 15 * MINUTE)


def test_no_back_off_is_shorter_than_the_floor() -> None:
    _assert_after(manners.check_after_failure(a_feed(every=3 * DAY), FetchError("x"), 9, NOW), 3 * DAY)


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
    assert manners.host_free_at(error, again, "sky.example:443", SECOND, NOW) == NOW + span


def test_hubs_that_carry_thousands_of_feeds_get_more_room() -> None:
    again = NextCheck(NOW + 3 * HOUR, "")
    for host, span in (("sky.example:443", 1), ("rsshub.app:443", 5), ("garden.substack.com:443", 5)):
        assert manners.host_free_at(None, again, host, SECOND, NOW) == NOW + span * SECOND


def test_overdue_feeds_share_a_quarter_of_an_hour_or_their_interval() -> None:
    assert [manners.spread(HOUR, place, 3) for place in range(3)] == [0 * MINUTE, 5 * MINUTE, 10 * MINUTE]
    assert manners.spread(6 * MINUTE, 1, 2) == 3 * MINUTE


# --- redirects -----------------------------------------------------------------------------------------------


def test_a_permanent_redirect_is_believed_after_three_times_and_a_day() -> None:
    trail = None
    proven = []
    for hours in (0, 1, 23, 25):
        trail = manners.follow(trail, "https://new.example/", NOW + hours * HOUR)
        assert trail is not None
        proven.append(manners.is_proven(trail, "https://old.example/", NOW + hours * HOUR))
    assert proven == [False, False, False, True]


def test_a_redirect_that_changes_or_ends_is_watched_anew() -> None:
    trail = manners.follow(Trail("https://new.example/", NOW, 2), "https://newer.example/", NOW + DAY)
    assert trail == Trail("https://newer.example/", NOW + DAY, 1)
    assert manners.follow(trail, None, NOW + 2 * DAY) is None


@pytest.mark.parametrize(
    ("old", "new", "at_once"),
    [
        ("http://sky.example/feed", "https://sky.example/feed", True),
        ("http://sky.example", "https://sky.example/", True),
        ("http://sky.example/feed?a", "https://sky.example/feed", False),
        ("http://sky.example/feed", "https://www.sky.example/feed", False),
        ("http://sky.example/feed", "http://sky.example/new", False),
    ],
)
def test_only_the_step_to_https_is_believed_at_once(old: str, new: str, at_once: bool) -> None:
    assert manners.is_proven(Trail(new, NOW, 1), old, NOW) is at_once


def test_a_step_back_from_https_is_never_believed() -> None:
    assert not manners.is_proven(Trail("http://sky.example/", NOW, 99), "https://sky.example/", NOW + 99 * DAY)


def test_archives_are_looked_at_every_minute_whatever_happens() -> None:
    for check in (
        manners.next_check(AN_ARCHIVE, Hints(ttl=DAY), Rhythm(), NOW, has_validators=False),
        manners.check_after_failure(AN_ARCHIVE, ArchiveError("x"), 50, NOW),
    ):
        assert check.at == NOW + MINUTE


def test_feeds_drift_apart_and_each_always_by_the_same() -> None:
    def all_at() -> list[datetime]:
        feeds = [a_feed(f"feed-{n}") for n in range(50)]
        return [manners.next_check(feed, Hints(), BUSY, NOW, has_validators=True).at for feed in feeds]

    assert len(set(all_at())) == 50
    assert all_at() == all_at()


@pytest.mark.parametrize(
    ("feed", "ingested", "explained"),
    [
        (a_feed(), Ingested(new=20, first_reading=True), "sky: 20 posts read, none published (backfill: 0). "
         "The next new one will be. To post one now: /preview sky"),
        (a_feed(backfill=None), Ingested(new=20, first_reading=True), "sky: 20 posts read, none published "
         "(backfill: all). The next new one will be. To post one now: /preview sky"),
        (a_feed(), Ingested(new=20, enqueued=1, first_reading=True), None),
        (a_feed(), Ingested(new=0, first_reading=True), None),
        (a_feed(), Ingested(new=20), None),
    ],
)  # fmt: skip
def test_only_a_first_silence_explains_itself(feed: Feed, ingested: Ingested, explained: str | None) -> None:
    assert poller.explain_silence(feed, ingested) == explained
