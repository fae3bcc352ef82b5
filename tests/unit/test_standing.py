"""What is late, and what is not."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot import standing
from bot.health import FeedState
from bot.model import FeedKind
from bot.storage.status import FeedStatus, LaneStatus, LoopStatus, Status
from tests.builders import NOW

MINUTE = timedelta(minutes=1)


def _feed(overdue: timedelta, *, is_read: bool = True) -> FeedStatus:
    return FeedStatus("sky", FeedKind.HTTP, FeedState(), is_read, NOW - overdue, "", None, None, None)


def _lane(waiting_for: timedelta | None, paused: str | None = None) -> LaneStatus:
    return LaneStatus(-1, ("main",), 2, None if waiting_for is None else NOW - waiting_for, paused)


@pytest.mark.parametrize(
    ("status", "late"),
    [
        (Status((), (), {}, {}), []),
        (
            Status(
                (_feed(19 * MINUTE),),
                (_lane(9 * MINUTE), _lane(None)),
                {},
                {"poll": LoopStatus(NOW - 30 * MINUTE, NOW)},
            ),
            [],
        ),
        (Status((_feed(999 * MINUTE, is_read=False),), (), {}, {}), []),
        (
            Status((_feed(30 * MINUTE),), (), {}, {}),
            ["feed sky: its reading is 30 minutes overdue; is `qasedak run` running?"],
        ),
        (
            Status((), (_lane(3 * 60 * MINUTE),), {}, {}),
            ["chat main: 2 posts wait, the first for 3 hours"],
        ),
        (
            Status((), (_lane(3 * 24 * 60 * MINUTE, "may not post"),), {}, {}),
            ["chat main: 2 posts wait, the first for 3 days; may not post"],
        ),
        (
            Status((), (), {}, {"poll": LoopStatus(NOW - 4 * MINUTE, NOW - MINUTE), "deliver": LoopStatus(NOW, NOW)}),
            ["loop poll: last ended well 4 minutes ago; see the log, or restart"],
        ),
    ],
    ids=["nothing", "in time", "not read", "a feed", "a chat", "a paused chat", "a loop"],
)
def test_what_should_have_happened_by_now_is_late(status: Status, late: list[str]) -> None:
    assert standing.late(status, NOW) == late


def test_an_address_that_a_feed_announces_is_shown() -> None:
    feed = replace(_feed(timedelta()), state=FeedState(announced="https://sky.example/new"))
    shown, *_lanes = standing.tables(Status((feed,), (), {}, {}), NOW, ZoneInfo("UTC"))
    assert list(shown.columns[-1].cells) == ["says that it is at https://sky.example/new now"]
