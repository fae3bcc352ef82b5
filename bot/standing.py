"""How everything stands, in words: what is late, and what `qasedak status` shows. Pure; ``cli`` prints it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from rich.table import Table

from bot import labels
from bot.health import Health
from bot.roles import Role
from bot.storage.status import FeedStatus, LaneStatus, Status
from bot.text import relative

#: Of what is due: long enough for a restart, and for feeds to be asked in turn after it.
LATE_READING = timedelta(minutes=20)
LATE_SENDING = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Late:
    """Something that should have happened by now."""

    what: Literal["loop", "feed", "chat"]
    name: str
    span: timedelta  #: a loop: since it last ended well; else how long it is overdue
    waiting: int = 0  #: of a chat: the posts that wait
    why: str | None = None  #: of a chat: what right is missing


def lateness(status: Status, now: datetime) -> list[Late]:
    """What should have happened by now; empty while everything is on time. The one truth for all who ask."""
    found = [Late("loop", name, now - loop.succeeded_at) for name, loop in status.loops.items() if now > loop.late_at]
    found += [
        Late("feed", feed.name, now - feed.next_check_at)
        for feed in status.feeds
        if feed.is_read and now - feed.next_check_at > LATE_READING
    ]
    found += [
        Late("chat", _called(lane), now - lane.waiting_since, lane.waiting, lane.paused)
        for lane in status.lanes
        if lane.waiting_since is not None and now - lane.waiting_since > LATE_SENDING
    ]
    return found


def of_roles(status: Status, roles: frozenset[Role]) -> Status:
    """What concerns a process with these roles: who only sends is not late when nobody reads."""
    return replace(
        status,
        feeds=status.feeds if Role.POLL in roles else (),
        lanes=status.lanes if Role.DELIVER in roles else (),
    )


def late(status: Status, now: datetime) -> list[str]:
    """The same in words for a terminal, a line each."""
    return [_said(found) for found in lateness(status, now)]


def _said(found: Late) -> str:
    span = _span(found.span)
    match found.what:
        case "loop":
            return f"loop {found.name}: last ended well {span} ago; see the log, or restart"
        case "feed":
            return f"feed {found.name}: its reading is {span} overdue; is `qasedak run` running?"
        case "chat":
            why = f"; {found.why}" if found.why else ""
            return f"chat {found.name}: {found.waiting} posts wait, the first for {span}{why}"


def _called(lane: LaneStatus) -> str:
    return ", ".join(lane.channels) or str(lane.chat_id)


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


# --- what is shown -------------------------------------------------------------------------------------------

#: What needs a person comes first.
WORST_FIRST = (Health.GONE, Health.FAILING, Health.REPUBLISHED, Health.SILENT, Health.MOVED, Health.OK)


def as_json(status: Status, late_lines: list[str]) -> dict[str, Any]:
    """The whole of it as one object; instants stay datetimes."""
    return {
        "late": late_lines,
        "feeds": [_feed_json(feed) for feed in status.feeds],
        "lanes": [
            {
                "chat": lane.chat_id,
                "channels": list(lane.channels),
                "waiting": lane.waiting,
                "since": lane.waiting_since,
                "paused": lane.paused,
            }
            for lane in status.lanes
        ],
        "paused": [{"kind": one.kind, "name": one.name, "until": one.until} for one in status.pauses],
        "queue": status.queue,
        "loops": {name: loop.succeeded_at for name, loop in status.loops.items()},
    }


def _feed_json(feed: FeedStatus) -> dict[str, Any]:
    state = feed.state
    return {
        "feed": feed.name,
        "kind": feed.kind,
        "state": state.health,
        "since": state.since,
        "failures": state.failures,
        "error": feed.error,
        "moved_to": state.moved_to,
        "announced": state.announced,
        "read": feed.succeeded_at,
        "newest": state.rhythm.newest_at,
        "usual_gap_seconds": int(state.rhythm.gap.total_seconds()) if state.rhythm.gap else None,
        "next": feed.next_check_at if feed.is_read else None,
        "why": feed.next_check_why,
    }


def tables(status: Status, now: datetime, zone: ZoneInfo) -> list[Table]:
    """Feeds, worst first, and the chats that something waits for."""
    shown = Table("feed", "state", "last read", "newest post", "next reading", "why", box=None)
    for feed in sorted(status.feeds, key=lambda feed: (WORST_FIRST.index(feed.state.health), feed.name)):
        shown.add_row(
            feed.name,
            str(feed.state.health),
            _ago(feed.succeeded_at, now, zone),
            _ago(feed.state.rhythm.newest_at, now, zone),
            _ago(feed.next_check_at, now, zone) if feed.is_read else "never",
            feed.error or _hint(feed) or feed.next_check_why,
        )
    paused = Table("paused", "until", box=None)
    for one in status.pauses:
        paused.add_row(
            f"{one.kind} {one.name}", f"{one.until.astimezone(zone):%Y-%m-%d %H:%M}" if one.until else "/resume"
        )
    further = [paused] if status.pauses else []
    if not status.lanes:
        return [shown, *further]
    lanes = Table("chat", "waiting", "since", "paused", box=None)
    for lane in status.lanes:
        lanes.add_row(_called(lane), str(lane.waiting), _ago(lane.waiting_since, now, zone), lane.paused or "")
    return [shown, lanes, *further]


def _hint(feed: FeedStatus) -> str:
    return f"says that it is at {feed.state.announced} now" if feed.state.announced else ""


def _ago(when: datetime | None, now: datetime, zone: ZoneInfo) -> str:
    return relative.ago(when, now, "en", zone, labels.catalog("en")) if when is not None else "-"
