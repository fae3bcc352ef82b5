"""What the status page says of channels, feeds and deliveries: decisions about rows of the database. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.health import Health
from bot.model import Channel, DeliveryState, Subscription
from bot.outbox import digest
from bot.outbox.quiet_hours import quiet_until
from bot.pacing import BURST, WINDOW, Pace
from bot.standing import WORST_FIRST
from bot.storage.overview import ChannelFigures, FeedFigures, Trouble
from bot.storage.status import FeedStatus
from bot.text.persian import search_fold
from bot.web import charts
from bot.web.words import SIGNS, Moment, Speech

MOST_NEEDS = 10  #: feeds that the page asks a person to look at; the others stand in its table
PAGE = 50  #: feeds of a page: 1,000 would be a megabyte


@dataclass(frozen=True, slots=True)
class State:
    """A state with a sign and a word: never by colour alone."""

    name: str
    sign: str
    word: str


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel as the page shows it."""

    name: str
    title: str
    chat: str
    count: int  #: what waits
    waiting: str
    sent: Moment | None
    queue_out: Moment | None
    this_hour: str
    quiet_until: Moment | None
    problem: str  #: in words; "" where posts can go out
    raw_problem: str


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A feed as the page shows it."""

    name: str
    title: str
    state: State
    newest: Moment | None
    next_reading: Moment | None
    every: str  #: how often it is asked really; "" where it is not
    why: str
    spark: str
    count: str  #: posts of the month
    passed: str
    filtered: str
    duplicates: str


@dataclass(frozen=True, slots=True)
class TroubleRow:
    """A delivery that did not go as it should, as the page shows it."""

    number: int
    channel: str
    title: str
    state: State
    attempts: str
    next_attempt: Moment | None
    problem: str
    raw: str
    may_retry: bool


def channel_row(channel: Channel, title: str, figures: ChannelFigures, pace: Pace, speech: Speech) -> ChannelRow:
    """What the page says of a channel."""
    quiet = quiet_until(channel.quiet_hours, ZoneInfo(channel.timezone), speech.now)
    out_at = last_out_at(figures, pace, channel.max_per_hour, speech.now, quiet)
    problem = figures.paused or figures.error or ""
    return ChannelRow(
        name=channel.name,
        title=title,
        chat=channel.chat,
        count=figures.waiting,
        waiting=speech.number(figures.waiting),
        sent=speech.moment(figures.sent_at) if figures.sent_at else None,
        queue_out=speech.moment(out_at) if out_at else None,
        this_hour=speech.of(figures.sent_this_hour, channel.max_per_hour),
        quiet_until=speech.moment(quiet) if quiet else None,
        problem=speech.failure(problem) if problem else "",
        raw_problem=problem,
    )


def last_out_at(
    figures: ChannelFigures, pace: Pace, per_hour: int | None, now: datetime, quiet: datetime | None
) -> datetime | None:
    """About when the last post that waits for a channel will be out; None where none waits, or a right is missing."""
    if not figures.waiting or figures.paused or figures.last_due_at is None:
        return None
    begins = max(now, figures.first_due_at or now, quiet or now)
    minutes, rest = divmod(figures.waiting - 1, pace.per_chat_minute)
    paced = begins + minutes * WINDOW + timedelta(seconds=max(rest + 1 - BURST, 0))
    if per_hour is not None and figures.waiting > (room := max(per_hour - figures.sent_this_hour, 0)):
        paced = begins + math.ceil((figures.waiting - room) / per_hour) * timedelta(hours=1)
    return max(paced, figures.last_due_at)


def matching(feeds: Iterable[FeedStatus], query: str, language_words: Mapping[str, str]) -> list[FeedStatus]:
    """Feeds of whose name, title or state *query* is a part, the worst first."""
    wanted = search_fold(query).strip()
    found = [
        feed
        for feed in feeds
        if not wanted
        or wanted in search_fold(f"{feed.name} {feed.title or ''}")
        or wanted in (feed.state.health, search_fold(language_words[feed.state.health]))
    ]
    return sorted(found, key=lambda feed: (WORST_FIRST.index(feed.state.health), feed.name))


def pages_of(count: int) -> int:
    """How many pages *count* feeds have; at least one."""
    return max(math.ceil(count / PAGE), 1)


def feed_row(feed: FeedStatus, figures: FeedFigures, speech: Speech, said: Mapping[str, str]) -> FeedRow:
    """What the page says of a feed."""
    newest = feed.state.rhythm.newest_at
    health = feed.state.health
    return FeedRow(
        name=feed.name,
        title=feed.title or "",
        state=State(health, SIGNS[health], said[health]),
        newest=speech.moment(newest) if newest else None,
        next_reading=speech.moment(feed.next_check_at) if feed.is_read else None,
        every=speech.every(feed.next_check_at - feed.attempted_at) if feed.is_read and feed.attempted_at else "",
        why=feed.error or feed.next_check_why,
        spark=charts.spark(figures.by_day, "rtl" if speech.language == "fa" else "ltr"),
        count=speech.number(sum(figures.by_day)),
        passed=speech.number(figures.passed),
        filtered=speech.number(figures.filtered),
        duplicates=speech.number(figures.duplicates),
    )


def trouble_row(trouble: Trouble, title: str, speech: Speech, said: Mapping[str, str]) -> TroubleRow:
    """What the page says of a delivery in trouble."""
    will_be_tried = trouble.state in (DeliveryState.PENDING, DeliveryState.UNCERTAIN)
    return TroubleRow(
        number=trouble.delivery_id,
        channel=title,
        title=trouble.title or "",
        state=State(trouble.state, SIGNS[trouble.state], said[trouble.state]),
        attempts=speech.number(trouble.attempts),
        next_attempt=speech.moment(max(trouble.due_at, speech.now)) if will_be_tried else None,
        problem=speech.failure(trouble.error),
        raw=trouble.error,
        may_retry=trouble.state in (DeliveryState.DEAD, DeliveryState.HELD),
    )


def needs(
    feeds: Sequence[FeedStatus], channels: Sequence[ChannelRow], queue: Mapping[str, int], speech: Speech
) -> list[str]:
    """What a person has to look at: rights and stuck posts first, then feeds."""
    lines = [speech.channel_needs(row.title, row.count, row.problem) for row in channels if row.problem]
    lines += [
        speech.stuck_needs(state, queue[state])
        for state in (DeliveryState.HELD, DeliveryState.DEAD)
        if queue.get(state)
    ]
    unwell = [feed for feed in feeds if feed.state.health is not Health.OK]
    lines += [speech.feed_needs(feed) for feed in unwell[:MOST_NEEDS]]
    return [*lines, speech.more_feeds(len(unwell) - MOST_NEEDS)] if len(unwell) > MOST_NEEDS else lines


def next_digest(channels: Iterable[Channel], now: datetime) -> tuple[str, datetime] | None:
    """The channel whose digest comes first, and when."""
    slots = [
        (digest.next_slot(channel.digest, ZoneInfo(channel.timezone), now), channel.name)
        for channel in channels
        if channel.digest
    ]
    at, name = min(slots, default=(None, ""))
    return (name, at) if at else None


def next_replay(subscriptions: Iterable[Subscription], now: datetime) -> tuple[str, datetime] | None:
    """The archive whose turn comes first, and when."""
    slots = [
        (next_slot(subscription.feed.replay.at, ZoneInfo(subscription.channel.timezone), now), subscription.feed.name)
        for subscription in subscriptions
        if subscription.feed.replay
    ]
    at, name = min(slots, default=(None, ""))
    return (name, at) if at else None


def next_slot(times: Sequence[time], zone: ZoneInfo, now: datetime) -> datetime:
    """The first of these times of day, on the wall of *zone*, that is still to come."""
    today = now.astimezone(zone).date()
    days = (today, today + timedelta(days=1), today + timedelta(days=2))
    return min(slot for day in days for at in times if (slot := datetime.combine(day, at, zone).astimezone(UTC)) > now)
