"""Decide, for one new post and one subscription, whether the post goes out. Pure; called by ``storage/ingest.py``.

A verdict comes with its reason in words, since people ask. What a first reading finds is not decided here: it is
the baseline, out of which the store takes the newest ``backfill`` posts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.model import Entry, FeedKind, Flag, OnWeekdayMismatch, Subscription, Verdict


@dataclass(frozen=True, slots=True)
class Decision:
    """PENDING: enqueue it. Anything else: do not, for the reason given."""

    verdict: Verdict
    reason: str


GO = Decision(Verdict.PENDING, "")


def decide(entry: Entry, subscription: Subscription, now: datetime) -> Decision:
    """Say what becomes of a post that was not there at the last reading."""
    channel = subscription.channel
    if channel.only and entry.language not in channel.only:
        return Decision(
            Verdict.FILTERED, f"its language is {entry.language or 'unknown'}; only {', '.join(channel.only)} goes here"
        )
    # Archives are exempt: an old post added to one is what its owner wants to publish.
    if subscription.feed.kind is FeedKind.HTTP and entry.published is not None:
        age = now - entry.published
        if age > channel.max_age:
            return Decision(
                Verdict.TOO_OLD, f"{_in_words(age)} old when it appeared; max_age is {_in_words(channel.max_age)}"
            )
    return GO


def _in_words(span: timedelta) -> str:
    return f"{span.days}d" if span.days else f"{span.seconds // 3600}h"


def held_reason(entry: Entry, on_weekday_mismatch: OnWeekdayMismatch) -> str | None:
    """Say why a post must wait for a person before it goes anywhere, or None."""
    if Flag.INVALID_DATE in entry.flags:
        return "its date does not exist in its calendar; correct it in the archive"
    if Flag.WEEKDAY_MISMATCH in entry.flags and on_weekday_mismatch is OnWeekdayMismatch.HOLD:
        return "its weekday is not that day's; correct it, or set on_weekday_mismatch: post"
    return None


def is_skipped(entry: Entry, on_weekday_mismatch: OnWeekdayMismatch) -> bool:
    """Whether the archive's owner wants entries like this one left out altogether."""
    return Flag.WEEKDAY_MISMATCH in entry.flags and on_weekday_mismatch is OnWeekdayMismatch.SKIP
