"""Pacing never goes over a limit and never waits without need."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.pacing import BURST, WINDOW, BotPace, Pace, chat_ready_at
from tests.builders import NOW


def test_a_chat_that_got_nothing_may_have_a_message_at_once() -> None:
    assert chat_ready_at([], NOW, is_group=True, pace=Pace()) == NOW


def test_a_small_burst_is_let_through_and_then_one_a_second() -> None:
    recent = [NOW] * BURST
    assert chat_ready_at(recent[:-1], NOW, is_group=False, pace=Pace()) == NOW
    assert chat_ready_at(recent, NOW, is_group=False, pace=Pace()) == NOW + timedelta(seconds=BURST)


def test_the_twenty_first_message_of_a_minute_waits_in_a_group_and_not_in_private() -> None:
    recent = [NOW - timedelta(seconds=40) + timedelta(seconds=2 * index) for index in range(20)]
    assert chat_ready_at(recent, NOW, is_group=True, pace=Pace()) == recent[0] + WINDOW
    assert chat_ready_at(recent, NOW, is_group=False, pace=Pace()) == NOW


def test_chat_rate_is_the_number_of_the_minute() -> None:
    recent = [NOW - timedelta(seconds=30), NOW - timedelta(seconds=20)]
    assert chat_ready_at(recent, NOW, is_group=True, pace=Pace(per_chat_minute=2)) == recent[0] + WINDOW


@given(st.lists(st.floats(0, 3), min_size=30, max_size=80), st.integers(1, 20))
def test_no_window_ever_holds_more_than_its_limit(waits: list[float], per_minute: int) -> None:
    """However impatiently messages come, what goes out keeps both limits."""
    sent: list[object] = []
    at, pace = NOW, Pace(per_chat_minute=per_minute)
    recent: list[type(NOW)] = []  # type: ignore[valid-type]
    for wait in waits:
        at = max(
            at + timedelta(seconds=wait), chat_ready_at(recent, at + timedelta(seconds=wait), is_group=True, pace=pace)
        )
        recent.append(at)
        sent.append(at)
    for index, start in enumerate(recent):
        minute = [moment for moment in recent[index:] if moment < start + timedelta(seconds=60)]
        burst = [moment for moment in recent[index:] if moment < start + timedelta(seconds=BURST)]
        assert len(minute) <= per_minute
        assert len(burst) <= BURST


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=120), st.integers(1, 30))
def test_a_bot_never_sends_more_than_its_rate_in_any_second(waits: list[float], rate: int) -> None:
    window, at, slots = BotPace(Pace(per_second=rate)), NOW, []
    for wait in waits:
        at += timedelta(seconds=wait)
        slots.append(at + window.reserve(at))
    for index, start in enumerate(slots):
        assert sum(start <= slot < start + timedelta(seconds=1) for slot in slots[index:]) <= rate


def test_a_bot_that_rested_sends_at_once() -> None:
    window = BotPace(Pace(per_second=10))
    assert [window.reserve(NOW), window.reserve(NOW)] == [timedelta(), timedelta(milliseconds=100)]
    assert window.reserve(NOW + timedelta(seconds=5)) == timedelta()
