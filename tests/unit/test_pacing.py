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


@given(
    st.lists(st.tuples(st.floats(0, 0.2), st.floats(0, 3), st.floats(0, 1)), min_size=40, max_size=160),
    st.integers(1, 30),
)
def test_telegram_never_sees_more_than_its_limit_in_a_second(
    delays: list[tuple[float, float, float]], rate: int
) -> None:
    """Whatever the delays: each message is handled at some moment between its beginning and its answer."""
    pace, at = BotPace(Pace(per_second=rate)), 0.0
    under_way: list[float] = []  # when they will be answered
    handled = []
    for pause, took, when in delays:
        at += pause
        while True:
            for answered in sorted(one for one in under_way if one <= at):
                pace.end(answered)
                under_way.remove(answered)
            if not (wait := pace.wait(at)):
                break
            at += wait
        pace.begin(at)
        under_way.append(at + took)
        handled.append(at + took * when)
    for moment in handled:
        assert sum(moment <= other < moment + 1 for other in handled) <= rate + max(1, rate // 14)


@given(st.floats(0, 0.06), st.sampled_from([10, 28, 30]))
def test_short_answers_leave_the_whole_rate(took: float, rate: int) -> None:
    pace, at, count = BotPace(Pace(per_second=rate)), 0.0, 0
    under_way: list[float] = []
    while at < 20:
        for answered in [one for one in under_way if one <= at]:
            pace.end(answered)
            under_way.remove(answered)
        if wait := pace.wait(at):
            at += max(wait, 0.001)  # no clock wakes anybody sooner
            continue
        pace.begin(at)
        under_way.append(at + took)
        count += 1
    assert count >= 0.95 * rate * 20


def posts_in_a_second(pace: BotPace, replies_a_second: int) -> int:
    """How many posts go out in the third second of so many replies."""
    count = 0
    for tick in range(3_000):
        at = tick / 1_000
        if replies_a_second and tick % (1_000 // replies_a_second) == 0:
            pace.begin_reply(at)
        if not pace.wait(at):
            pace.begin(at)
            pace.end(at)
            count += at >= 2
    return count


def test_posts_make_room_for_replies_and_keep_a_quarter() -> None:
    assert posts_in_a_second(BotPace(Pace(per_second=28)), 0) == 28
    assert posts_in_a_second(BotPace(Pace(per_second=28)), 20) in (9, 10, 11)
    assert posts_in_a_second(BotPace(Pace(per_second=28)), 50) in (6, 7, 8)


def test_a_machine_that_stood_still_makes_up_for_one_slot_only() -> None:
    pace = BotPace(Pace(per_second=10))
    gone = []
    for at in (0.0, 0.0, 0.1, 3.0, 3.0, 3.0):
        if not pace.wait(at):
            pace.begin(at)
            pace.end(at)
            gone.append(at)
    assert gone == [0.0, 0.1, 3.0, 3.0]


def test_an_album_counts_as_many_messages_as_it_has() -> None:
    album = [NOW] * 10
    assert chat_ready_at(album, NOW, is_group=False, pace=Pace()) == NOW + timedelta(seconds=10)
    assert chat_ready_at(album, NOW, is_group=True, pace=Pace(), count=10) == NOW + timedelta(seconds=10)
    assert chat_ready_at(album, NOW, is_group=True, pace=Pace(), count=11) == NOW + WINDOW
    bot = BotPace(Pace(per_second=28))
    for _album in range(3):
        bot.begin(0.0, count=10)
    assert bot.wait(10.0, count=10) > 0


def test_a_clock_that_was_set_back_does_not_stop_a_chat() -> None:
    recent = [NOW + timedelta(hours=1)] * 20
    assert chat_ready_at(recent, NOW, is_group=True, pace=Pace()) == NOW


def test_two_chats_told_to_wait_in_a_row_mean_the_whole_bot() -> None:
    pace, span = BotPace(Pace()), timedelta(seconds=9)
    assert not pace.flooded(1, 0.0, span)
    pace.taken()
    assert not pace.flooded(2, 0.0, span)
    assert not pace.flooded(2, 1.0, span)
    assert pace.wait(1.0) == 0
    assert pace.flooded(3, 1.0, span)
    assert (pace.held(1.0), pace.wait(1.0)) == (span, 9.0)
