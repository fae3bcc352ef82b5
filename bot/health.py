"""The health of a feed: a state machine, moved on by each reading, pure.

    state        entered when                                             left when
    -----------  -------------------------------------------------------  ----------------------------------------
    ok           nothing below holds
    moved        its permanent redirect is proven: it is read there       feeds.yaml has the new address
    silent       nothing new for 12 times its usual gap, 4 days at least  something new comes
    republished  known posts came under new names (the brake of           the next reading that brings no such thing
                 ``storage/ingest.py``)
    failing      3 failures of one kind in a row; of a first reading 1    a reading succeeds
    gone         410 twice, 24 h apart; or 20 refusals over 30 days: it   feeds.yaml has another address, or the feed
                 is not asked any more                                    left the file and came back

Of several that hold the lowest in this list counts. Entering a state is told once, and so is leaving it; the words
are here, in the caller's catalog. Stores and sends nothing: ``poller.py`` keeps the state, ``app.py`` tells it.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from gettext import NullTranslations

from bot import manners
from bot.errors import BotError, FetchError, ParseError, StorageError
from bot.manners import Rhythm, Trail
from bot.model import Language
from bot.text import persian

#: Failures in a row of one kind until a person is told.
FAILURES = 3
#: A second 410 counts when it comes so long after the first: such words are said by accident.
GONE_AFTER = timedelta(hours=24)
#: Statuses that refuse us, or deny that there is such a page; after so many over so long nobody asks any more.
REFUSALS = (401, 403, 404, 451)
REFUSED_TIMES = 20
REFUSED_FOR = timedelta(days=30)
#: A feed is silent after this many of its usual gaps, and never before this span is over.
SILENT_GAPS = 12
SILENT_AFTER = timedelta(days=4)
DAY = timedelta(days=1)


class Health(StrEnum):
    """How a feed is."""

    OK = "ok"
    FAILING = "failing"
    GONE = "gone"
    MOVED = "moved"
    SILENT = "silent"
    REPUBLISHED = "republished"


@dataclass(frozen=True, slots=True)
class FeedState:
    """What is remembered of a feed from reading to reading."""

    health: Health = Health.OK
    since: datetime | None = None  #: when it entered that state; None before the first reading
    failures: int = 0  #: in a row, of all kinds
    parse_failures: int = 0  #: of them, answers that were no feed
    failing_since: datetime | None = None
    gone_since: datetime | None = None  #: the first 410 in a row
    gone: bool = False
    trail: Trail | None = None
    moved_to: str | None = None  #: the address that is asked instead of that of feeds.yaml
    announced: str | None = None  #: the address that the document itself says it has now: shown, and not asked
    rhythm: Rhythm = field(default_factory=Rhythm)


@dataclass(frozen=True, slots=True)
class Change:
    """A feed that entered or left a state."""

    feed: str
    before: FeedState
    after: FeedState
    reason: str = ""  #: the error's own words, or the count of posts that came again


def after_reading(
    state: FeedState, url: str, redirected_to: str | None, rhythm: Rhythm, now: datetime, *, is_republished: bool
) -> FeedState:
    """The state after a good answer; *redirected_to* is where the permanent redirects of *url* led."""
    trail = manners.follow(state.trail, redirected_to, now)
    moved_to = state.moved_to
    if trail is not None and manners.is_proven(trail, url, now):
        moved_to, trail = trail.to, None
    after = FeedState(trail=trail, moved_to=moved_to, announced=state.announced, rhythm=rhythm)
    if is_republished:
        health = Health.REPUBLISHED
    elif is_silent(rhythm, now):
        health = Health.SILENT
    else:
        health = Health.MOVED if moved_to else Health.OK
    return _entered(state, after, health, now)


def after_failure(state: FeedState, error: BotError, now: datetime) -> FeedState:
    """The state after a reading that failed."""
    if isinstance(error, StorageError):  # ours, not the publisher's
        return state
    status = error.status if isinstance(error, FetchError) else None
    after = replace(
        state,
        failures=state.failures + 1,
        parse_failures=state.parse_failures + isinstance(error, ParseError),
        failing_since=state.failing_since or now,
        gone_since=(state.gone_since or now) if status == 410 else None,
    )
    if state.trail is not None and (status in (404, 410) or is_nameless(error)):
        # The old address died before its redirect was proven: where it led is all that is left.
        after = FeedState(moved_to=state.trail.to, announced=state.announced, rhythm=state.rhythm)
        return _entered(state, after, Health.MOVED, now)
    if after.gone_since is not None and now - after.gone_since >= GONE_AFTER:
        return _entered(state, replace(after, gone=True), Health.GONE, now)
    if status in REFUSALS and _is_refused_for_good(after, now):
        return _entered(state, replace(after, gone=True), Health.GONE, now)
    is_failing = max(after.parse_failures, after.failures - after.parse_failures) >= FAILURES or state.since is None
    return _entered(state, after, Health.FAILING, now) if is_failing else after


def is_nameless(error: BotError) -> bool:
    """Whether the host has no address any more."""
    return isinstance(error, FetchError) and error.is_unknown_host


def _is_refused_for_good(state: FeedState, now: datetime) -> bool:
    refusals = state.failures - state.parse_failures
    return state.failing_since is not None and now - state.failing_since >= REFUSED_FOR and refusals >= REFUSED_TIMES


def is_silent(rhythm: Rhythm, now: datetime) -> bool:
    """Whether a feed has said nothing for far longer than it usually does."""
    if rhythm.newest_at is None or rhythm.gap is None:
        return False
    return now - rhythm.newest_at > max(rhythm.gap * SILENT_GAPS, SILENT_AFTER)


def _entered(before: FeedState, after: FeedState, health: Health, now: datetime) -> FeedState:
    is_same = before.health is health and before.since is not None
    return replace(after, health=health, since=before.since if is_same else now)


def change(feed: str, before: FeedState, after: FeedState, reason: str = "") -> Change | None:
    """What a person should hear of, if anything.

    A feed that was silent before we knew it is no news, nor is it that one that moved once goes on after a failure.
    """
    is_news = after.health is not before.health and after.since != before.since
    if not is_news or (before.since is None and after.health is not Health.FAILING):
        return None
    return Change(feed, before, after, reason)


# --- words ---------------------------------------------------------------------------------------------------


def describe(change: Change, now: datetime, language: Language, words: NullTranslations) -> str:
    """One line for the admin, from the caller's catalog of *language*."""
    state = change.after

    def number(count: int) -> str:
        return persian.to_persian_digits(str(count)) if language == "fa" else str(count)

    days = (now - (state.rhythm.newest_at or now)).days
    count, rhythm = _usually(state.rhythm, words)
    return _words_of(change, words).format(
        feed=change.feed,
        reason=change.reason,
        times=number(state.failures),
        url=state.moved_to,
        days=words.ngettext("{n} day", "{n} days", days).format(n=number(days)),
        rhythm=rhythm.format(n=number(count)),
    )


def _words_of(change: Change, words: NullTranslations) -> str:
    say, state = words.gettext, change.after
    match state.health:
        case Health.FAILING:
            return words.ngettext(
                "{feed}: could not be read: {reason}",
                "{feed}: could not be read {times} times in a row: {reason}",
                state.failures,
            )
        case Health.GONE:
            return say("{feed}: is not asked any more. Remove it, or correct its url. Its last answer: {reason}")
        case Health.MOVED if state.moved_to != change.before.moved_to:
            return say("{feed}: has moved for good and is read at its new address. Put it into feeds.yaml: {url}")
        case Health.SILENT:
            return say("{feed}: nothing new for {days}; usually {rhythm}.")
        case Health.REPUBLISHED:
            return say("{feed}: was republished: {reason} known posts came under new names and were not sent again.")
        case _:
            return _words_of_leaving(change.before.health, words)


def _words_of_leaving(before: Health, words: NullTranslations) -> str:
    match before:
        case Health.SILENT:
            return words.gettext("{feed}: has something new again.")
        case Health.REPUBLISHED:
            return words.gettext("{feed}: brings new posts as usual again.")
        case _:
            return words.gettext("{feed}: is read again.")


def _usually(rhythm: Rhythm, words: NullTranslations) -> tuple[int, str]:
    """How often a feed has something, as people say it: a count, and the words it goes into."""
    gap = DAY if rhythm.gap is None else max(rhythm.gap, timedelta(minutes=1))
    for span, say in (
        (DAY, words.gettext("{n} a day")),
        (7 * DAY, words.gettext("{n} a week")),
        (30 * DAY, words.gettext("{n} a month")),
    ):
        if gap <= span:
            return round(span / gap), say
    return 0, words.gettext("less than once a month")
