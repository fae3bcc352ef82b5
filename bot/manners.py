"""When a feed may be asked again, and where it lives: the manners of polling, as pure decisions.

Used by ``poller.py`` after each reading. What is decided here is stored by ``storage/feeds.py``; nothing here looks at
a clock, a database or the network. The order of precedence is that of ``docs/polling.md``:

    the longest of (the operator's floor, the feed's own rhythm, the publisher's hints up to 24 h),
    moved out of the hours and days that the publisher wants to be left alone,
    then the longest of (that, Retry-After up to 7 days, back-off), then up to 10 % upward.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import pairwise
from urllib.parse import SplitResult, urlsplit

from bot.errors import BotError, FetchError, SourceError, StorageError
from bot.model import Feed, FeedKind, Hints

#: No feed is left alone longer than this unless its publisher says so, or the operator.
LONGEST_INTERVAL = timedelta(hours=24)
#: An archive is looked at this often; a look costs one ``stat`` a file.
ARCHIVE_INTERVAL = timedelta(seconds=60)
#: Of a feed whose rhythm is not known yet.
FIRST_INTERVAL = timedelta(minutes=60)
#: A feed that said nothing for so long is idle: it is asked twice a day, after twice that once.
IDLE_AFTER = timedelta(days=30)
#: A publisher who sends no validators sends everything each time: such a feed is asked this much less often.
WITHOUT_VALIDATORS = 4
#: 429 without a Retry-After.
TOO_MANY = timedelta(hours=1)
#: Of a restart, or of a machine that slept: what is overdue is asked over this span.
SPREAD = timedelta(minutes=15)
#: Nobody can have said to wait longer: the longest Retry-After that is believed, and the drift.
LONGEST_WAIT = timedelta(days=8)
#: Feeds drift apart by up to this part of their interval, upward only, so that they do not all come due at once.
JITTER = 0.1
#: Hosts that carry the feeds of thousands of publishers get this many times the spacing.
HUB_SPACING = 5
HUBS = ("rsshub.app", "feedburner.com", "feeds.feedburner.com", "youtube.com", "medium.com", "substack.com")
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class NextCheck:
    """When to ask again, and why then, in words."""

    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a feed has something new, learned from the dates of its last posts."""

    newest_at: datetime | None = None
    gap: timedelta | None = None  #: the median between two posts; None where fewer than two are known


def learn(dates: list[datetime]) -> Rhythm:
    """The rhythm of a feed from the dates of its last posts, in any order.

    Posts of one moment are one event. A pause of over ``IDLE_AFTER`` is no part of the rhythm: a feed that wakes up is
    asked as often as before.
    """
    moments = sorted(set(dates))
    gaps = sorted(later - earlier for earlier, later in pairwise(moments) if later - earlier <= IDLE_AFTER)
    return Rhythm(moments[-1] if moments else None, gaps[len(gaps) // 2] if gaps else None)


def next_check(feed: Feed, hints: Hints, rhythm: Rhythm, now: datetime, *, has_validators: bool) -> NextCheck:
    """When to ask again after a good answer."""
    if feed.kind is FeedKind.ARCHIVE:
        if hints.retry_after:
            return NextCheck(now + hints.retry_after, "its files may still be written to")
        return NextCheck(now + ARCHIVE_INTERVAL, "archives are looked at every minute")
    span, why = feed.every, f"your floor {_minutes(feed.every)}"
    for longer, words in _reasons(feed, hints, rhythm, now, has_validators=has_validators):
        why += f", {words}"
        span = max(span, longer)
    at = now + span
    allowed = out_of_skipped(at, hints)
    if allowed != at:
        at, why = allowed, f"{why}, publisher wants to be left alone until {allowed:%H:%M} UTC"
    if hints.retry_after:
        at, why = max(at, now + hints.retry_after), f"{why}, publisher asks to wait {_seconds(hints.retry_after)}"
    drifted = _drifted(feed, at - now, now)
    if out_of_skipped(drifted, hints) != drifted:  # out of the open hour again: it drifts within that hour instead
        drifted = at + (at.replace(minute=59, second=59) - at) * _phase(feed.name)
    return NextCheck(drifted, why)


def _reasons(
    feed: Feed, hints: Hints, rhythm: Rhythm, now: datetime, *, has_validators: bool
) -> list[tuple[timedelta, str]]:
    own, why = interval_of(rhythm, now)
    reasons = [(own, f"{why} {_minutes(own)}")]
    if not has_validators:
        longer = min(feed.every * WITHOUT_VALIDATORS, LONGEST_INTERVAL)
        reasons.append((longer, f"sends everything each time {_minutes(longer)}"))
    if hints.ttl:
        reasons.append((min(hints.ttl, LONGEST_INTERVAL), f"publisher says {_minutes(hints.ttl)}"))
    if hints.max_age:
        reasons.append((min(hints.max_age, LONGEST_INTERVAL), f"publisher says {_seconds(hints.max_age)}"))
    return reasons


def interval_of(rhythm: Rhythm, now: datetime) -> tuple[timedelta, str]:
    """The interval that a feed's own rhythm asks for: half the usual time between two posts, 24 h at most."""
    if rhythm.newest_at is not None and now - rhythm.newest_at > IDLE_AFTER:
        is_long = now - rhythm.newest_at > 2 * IDLE_AFTER
        return (LONGEST_INTERVAL if is_long else LONGEST_INTERVAL / 2), "idle"
    if rhythm.gap is None:
        return FIRST_INTERVAL, "rhythm not known yet"
    return min(rhythm.gap / 2, LONGEST_INTERVAL), "rhythm"


def out_of_skipped(at: datetime, hints: Hints) -> datetime:
    """The first full hour from *at* on that RSS skipHours and skipDays leave open; *at* itself where they do.

    Whoever skips every hour, or every day, said nothing (RSS 2.0 means hours of GMT).
    """
    hours = hints.skip_hours if len(hints.skip_hours) < 24 else frozenset[int]()
    days = hints.skip_days if len(hints.skip_days) < 7 else frozenset[int]()
    while at.hour in hours or at.weekday() in days:
        at = at.replace(minute=0, second=0, microsecond=0) + HOUR
    return at


def check_after_failure(feed: Feed, error: BotError, failures: int, now: datetime) -> NextCheck:
    """When to ask again after *failures* failures in a row, this one not counted."""
    if feed.kind is FeedKind.ARCHIVE:
        return NextCheck(now + ARCHIVE_INTERVAL, "the archive cannot be read")
    if isinstance(error, StorageError):  # the publisher did nothing wrong
        return NextCheck(_drifted(feed, feed.every, now), "what was read could not be stored")
    doubled = 2 ** min(failures, 10)
    longest = max(feed.every, min(feed.every * doubled, LONGEST_INTERVAL))
    why = f"failed {failures + 1} times in a row" if failures else "failed once"
    retry_after = _retry_after(error)
    if _is_too_many(error) and retry_after is None:
        longest = max(longest, min(TOO_MANY * doubled, LONGEST_INTERVAL))
    if isinstance(error, FetchError) and error.status == 410:
        longest, why = max(longest, LONGEST_INTERVAL), "gone; asked once more, since such words are said by accident"
    if retry_after is not None:
        longest = max(longest, retry_after)
        why += f", publisher asks to wait {_seconds(retry_after)}"
    return NextCheck(_drifted(feed, longest, now), why)


# --- hosts ---------------------------------------------------------------------------------------------------


def host_free_at(error: BotError | None, again: NextCheck, host: str, spacing: timedelta, now: datetime) -> datetime:
    """When a host may be asked for another of its feeds.

    429 and Retry-After speak for the whole host: RFC 6585 section 4 leaves it open, and hosts mean it so.
    """
    free = now + spacing_of(host, spacing)
    if error is None:
        return free
    retry_after = _retry_after(error)
    if retry_after is not None:
        return max(now + retry_after, free)
    return max(again.at, free) if _is_too_many(error) else free


def spacing_of(host: str, spacing: timedelta) -> timedelta:
    """Between two requests to *host* (``name:port``)."""
    name = host.rpartition(":")[0]
    return spacing * HUB_SPACING if any(name == hub or name.endswith("." + hub) for hub in HUBS) else spacing


def spread(interval: timedelta, place: int, count: int) -> timedelta:
    """How long the *place*-th of *count* overdue feeds waits after a start."""
    return min(interval, SPREAD) * place / count


def _retry_after(error: BotError) -> timedelta | None:
    return error.retry_after if isinstance(error, SourceError) else None


def _is_too_many(error: BotError) -> bool:
    return isinstance(error, FetchError) and error.status == 429


def _drifted(feed: Feed, span: timedelta, now: datetime) -> datetime:
    return now + span * (1 + JITTER * _phase(feed.name))


def _phase(name: str) -> float:
    """A feed's own place between 0 and 1: the same after every restart."""
    return int.from_bytes(blake2b(name.encode(), digest_size=2).digest()) / 0xFFFF


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f}m"


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f}s"


# --- redirects -----------------------------------------------------------------------------------------------

#: A permanent redirect is believed when it was seen this often, over this time.
PROOFS = 3
PROVEN_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Trail:
    """A permanent redirect that is being watched."""

    to: str
    since: datetime
    times: int


def follow(trail: Trail | None, moved_to: str | None, now: datetime) -> Trail | None:
    """What is known of a permanent redirect after one more good reading."""
    if moved_to is None:
        return None
    if trail is None or trail.to != moved_to:
        return Trail(moved_to, now, 1)
    return Trail(trail.to, trail.since, trail.times + 1)


def is_proven(trail: Trail, url: str, now: datetime) -> bool:
    """Whether a feed lives at the end of its redirect from now on.

    The step from http to https at the same place is believed at once; that from https to http never.
    """
    old, new = urlsplit(url), urlsplit(trail.to)
    if (old.scheme, new.scheme) == ("https", "http"):
        return False
    if (old.scheme, new.scheme) == ("http", "https") and _place(old) == _place(new):
        return True
    return trail.times >= PROOFS and now - trail.since >= PROVEN_AFTER


def _place(parts: SplitResult) -> tuple[str | None, str, str]:
    return parts.hostname, parts.path or "/", parts.query
