"""Whether a new post goes out, and why not."""

from datetime import timedelta

import pytest

from bot import routing
from bot.model import Entry, FeedKind, Flag, OnWeekdayMismatch, Verdict
from tests.builders import NOW, a_channel, a_feed, a_subscription, an_entry

HOLD, POST, SKIP = OnWeekdayMismatch.HOLD, OnWeekdayMismatch.POST, OnWeekdayMismatch.SKIP
WRONG_DAY, NO_DAY = an_entry(flags=(Flag.WEEKDAY_MISMATCH,)), an_entry(flags=(Flag.INVALID_DATE,))


@pytest.mark.parametrize(
    ("entry", "only", "verdict"),
    [
        (an_entry(language="en"), (), Verdict.PENDING),
        (an_entry(language="en"), ("fa", "en"), Verdict.PENDING),
        (an_entry(language="en"), ("fa",), Verdict.FILTERED),
        (an_entry(language=None), ("fa",), Verdict.FILTERED),
        (an_entry(published=None), (), Verdict.PENDING),
        (an_entry(published=NOW - timedelta(days=30)), (), Verdict.PENDING),
        (an_entry(published=NOW - timedelta(days=30, seconds=1)), (), Verdict.TOO_OLD),
        (an_entry(published=NOW + timedelta(days=300)), (), Verdict.PENDING),
    ],
)
def test_languages_and_age_decide(entry: Entry, only: tuple[str, ...], verdict: Verdict) -> None:
    decision = routing.decide(entry, a_subscription(channel=a_channel(only=only)), NOW)
    assert decision.verdict is verdict
    assert bool(decision.reason) is (verdict is not Verdict.PENDING)


def test_an_old_post_of_an_archive_goes_out() -> None:
    subscription = a_subscription(a_feed(kind=FeedKind.ARCHIVE))
    assert routing.decide(an_entry(published=NOW - timedelta(days=9000)), subscription, NOW) == routing.GO


def test_the_reason_names_both_spans() -> None:
    subscription = a_subscription(channel=a_channel(max_age=timedelta(hours=12)))
    decision = routing.decide(an_entry(published=NOW - timedelta(days=3, hours=1)), subscription, NOW)
    assert decision.reason == "3d old when it appeared; max_age is 12h"


@pytest.mark.parametrize(
    ("entry", "setting", "held", "skipped"),
    [
        (an_entry(), HOLD, False, False),
        (WRONG_DAY, HOLD, True, False),
        (WRONG_DAY, POST, False, False),
        (WRONG_DAY, SKIP, False, True),
        (NO_DAY, HOLD, True, False),
        (NO_DAY, POST, True, False),
        (NO_DAY, SKIP, True, False),
    ],
)
def test_a_wrong_weekday_waits_as_its_owner_wants_and_an_impossible_date_always(
    entry: Entry, setting: OnWeekdayMismatch, held: bool, skipped: bool
) -> None:
    assert (routing.held_reason(entry, setting) is not None) is held
    assert routing.is_skipped(entry, setting) is skipped


@pytest.mark.parametrize(
    ("new", "is_republished", "is_resumed", "reason"),
    [
        (50, False, False, None),
        (51, False, False, "one of 51 that came at once"),
        (3, False, True, None),
        (4, False, True, "came while nobody received the feed"),
        (5, True, True, "the feed was republished"),
    ],
)
def test_of_a_crowd_only_the_newest_go_out(
    new: int, is_republished: bool, is_resumed: bool, reason: str | None
) -> None:
    assert routing.silence(new, is_republished=is_republished, is_resumed=is_resumed) == reason


@pytest.mark.parametrize(
    ("edits", "since", "acts"),
    [(0, None, True), (4, 10, True), (4, 9, False), (5, 900, False)],
    ids=["first", "after-ten-minutes", "sooner", "sixth"],
)
def test_an_edit_counts_unless_there_were_many_or_one_just_now(edits: int, since: int | None, acts: bool) -> None:
    last = None if since is None else NOW - timedelta(minutes=since)
    assert routing.edit_acts(edits, last, NOW) is acts
