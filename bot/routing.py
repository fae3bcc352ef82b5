"""Decide, for one new post and one subscription, whether the post goes out. Pure; called by ``storage/``.

A verdict comes with its reason in words, since people ask. So it is decided here how many of a crowd go out, and
whether a change of a post's words counts. What a first reading finds is not decided here: it is
the baseline, out of which the store takes the newest ``backfill`` posts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import filters
from bot.model import Entry, FeedKind, Flag, OnWeekdayMismatch, Subscription, Verdict

#: Of posts that come in a crowd so many are published, the newest.
CROWD_NEWEST = 3
#: So many new posts of one reading are a crowd. Few feeds list more, so a feed that was not read for days is none.
CROWD = 51
#: Some feeds put the present time into every text: after so many edits a change of words counts no more.
MOST_EDITS = 5
#: A change that comes sooner after the last is kept and does not count.
EDIT_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Decision:
    """PENDING: enqueue it. Anything else: do not, for the reason given."""

    verdict: Verdict
    reason: str


GO = Decision(Verdict.PENDING, "")


def decide(entry: Entry, subscription: Subscription, now: datetime) -> Decision:
    """Say what becomes of a post that was not there at the last reading."""
    channel = subscription.channel
    if filtered := rejection(entry, subscription):
        return Decision(Verdict.FILTERED, filtered)
    # Archives are exempt: an old post added to one is what its owner wants to publish.
    if subscription.feed.kind is FeedKind.HTTP and entry.published is not None:
        age = now - entry.published
        if age > channel.max_age:
            return Decision(
                Verdict.TOO_OLD, f"{_in_words(age)} old when it appeared; max_age is {_in_words(channel.max_age)}"
            )
    return GO


def rejection(entry: Entry, subscription: Subscription) -> str | None:
    """Say what of its words or language keeps a post out of a route, or None; whatever its age.

    The filters of the feed's name come first, then those of the route: a post must pass both.
    """
    only, feed = subscription.channel.only, subscription.feed
    if only and entry.language not in only:
        return f"its language is {entry.language or 'unknown'}; only {', '.join(only)} goes here"
    return filters.rejection(feed.include, feed.exclude, entry) or filters.rejection(
        subscription.include, subscription.exclude, entry
    )


def has_filters(subscription: Subscription) -> bool:
    """Whether the words of a post must be looked at before it goes this way."""
    feed = subscription.feed
    return bool(feed.include or feed.exclude or subscription.include or subscription.exclude)


def _in_words(span: timedelta) -> str:
    return f"{span.days}d" if span.days else f"{span.seconds // 3600}h"


def silence(new: int, *, is_republished: bool, is_resumed: bool) -> str | None:
    """Say why of so many new posts only the ``CROWD_NEWEST`` go out, or None where all of them do."""
    if new <= CROWD_NEWEST:
        return None
    if is_republished:
        return "the feed was republished"
    if is_resumed:
        return "came while nobody received the feed"
    return f"one of {new} that came at once" if new >= CROWD else None


def edit_acts(edit_count: int, last_edit_at: datetime | None, now: datetime) -> bool:
    """Whether one more change of a post's words counts."""
    return edit_count < MOST_EDITS and (last_edit_at is None or now - last_edit_at >= EDIT_PAUSE)


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
