"""What the status page decides to say."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.health import FeedState, Health
from bot.model import Calendar, DeliveryState, DigestPlan, Every, FeedKind, Pick, Replay
from bot.pacing import Pace
from bot.standing import Late
from bot.storage.overview import ChannelFigures, FeedFigures, Trouble
from bot.storage.status import FeedStatus
from bot.web import rows
from bot.web.rows import last_out_at, matching, next_slot, pages_of
from bot.web.words import SIGNS, Speech, page_words, state_words
from tests.builders import NOW, a_channel, a_feed, a_subscription

TEHRAN = ZoneInfo("Asia/Tehran")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
EN = Speech("en", Calendar.GREGORIAN, TEHRAN, NOW)
FA = Speech("fa", Calendar.JALALI, TEHRAN, NOW)


def a_status(name: str, health: Health = Health.OK, title: str | None = None) -> FeedStatus:
    state, began = FeedState(health), NOW - 41 * MINUTE
    return FeedStatus(name, FeedKind.HTTP, state, True, NOW + MINUTE, "your floor 30m", began, NOW, None, title)


@pytest.mark.parametrize(
    ("figures", "per_hour", "quiet", "after"),
    [
        (ChannelFigures(waiting=3, last_due_at=NOW), None, None, 0 * SECOND),
        (ChannelFigures(waiting=10, last_due_at=NOW), None, None, 7 * SECOND),
        (ChannelFigures(waiting=41, last_due_at=NOW), None, None, 121 * SECOND),
        (ChannelFigures(waiting=1, last_due_at=NOW + HOUR), None, None, HOUR),
        (ChannelFigures(waiting=3, last_due_at=NOW), None, NOW + 5 * HOUR, 5 * HOUR),
        (ChannelFigures(waiting=7, last_due_at=NOW, sent_this_hour=5), 6, None, HOUR),
        (ChannelFigures(waiting=13, last_due_at=NOW), 6, None, 2 * HOUR),
        (ChannelFigures(), None, None, None),
        (ChannelFigures(waiting=3, last_due_at=NOW, paused="may not post"), None, None, None),
    ],
    ids=["at once", "a second each", "a minute's worth", "due later", "quiet", "budget", "two hours", "none", "paused"],
)
def test_when_the_last_that_waits_will_be_out(
    figures: ChannelFigures, per_hour: int | None, quiet: datetime | None, after: timedelta | None
) -> None:
    assert last_out_at(figures, Pace(), per_hour, NOW, quiet) == (None if after is None else NOW + after)


def test_feeds_are_found_by_name_title_and_state_the_worst_first() -> None:
    feeds = [a_status("a"), a_status("b", Health.GONE), a_status("moon", Health.FAILING, "دفتر آسمان")]
    said = state_words("fa")
    assert [feed.name for feed in matching(feeds, "", said)] == ["b", "moon", "a"]
    assert [feed.name for feed in matching(feeds, " MO ", said)] == ["moon"]
    assert [feed.name for feed in matching(feeds, "آسمان", said)] == ["moon"]
    assert [feed.name for feed in matching(feeds, "gone", said)] == ["b"]
    assert [feed.name for feed in matching(feeds, said[Health.FAILING], said)] == ["moon"]
    assert matching(feeds, "nowhere", said) == []


def test_a_feed_says_how_often_it_is_really_asked_and_why() -> None:
    row = rows.feed_row(a_status("sky"), FeedFigures((0,) * 29 + (2,), 1, 2, 3), EN, state_words("en"))
    assert (row.every, row.why) == ("every 42 min, why", "your floor 30m")
    assert (row.count, row.passed, row.filtered, row.duplicates) == ("2", "1", "2", "3")


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("2026-11-23T05:29:59", "2026-11-23T05:30:00"),
        ("2026-11-23T05:30:00", "2026-11-23T17:30:00"),
        ("2026-11-23T18:00:00", "2026-11-24T05:30:00"),
    ],
    ids=["in a second", "this one has come", "tomorrow"],
)
def test_the_next_replay_is_the_first_time_of_day_still_to_come(now: str, slot: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert next_slot([time(21), time(9)], TEHRAN, at) == datetime.fromisoformat(slot).replace(tzinfo=UTC)
    archive = a_feed("notebook", kind=FeedKind.ARCHIVE, replay=Replay((time(21), time(9)), Pick.OLDEST))
    found = rows.next_replay([a_subscription(), a_subscription(archive)], at)
    assert found == ("notebook", datetime.fromisoformat(slot).replace(tzinfo=UTC))
    assert rows.next_replay([a_subscription()], at) is None


def test_the_next_digest_is_that_of_the_channel_whose_turn_comes_first() -> None:
    at = datetime(2026, 11, 23, 10, 45, tzinfo=UTC)
    weekly = a_channel(name="week", digest=DigestPlan(Every.WEEK, time(9), 5))
    daily = a_channel(name="day", digest=DigestPlan(Every.DAY, time(20)))
    found = rows.next_digest([a_channel(), weekly, daily], at)
    assert found == ("day", datetime(2026, 11, 23, 16, 30, tzinfo=UTC))
    assert rows.next_digest([weekly], at) == ("week", datetime(2026, 11, 28, 5, 30, tzinfo=UTC))
    assert rows.next_digest([a_channel()], at) is None


def test_what_a_person_must_do_comes_by_weight_and_only_so_many_feeds_are_told() -> None:
    channel = rows.channel_row(
        a_channel(), "آسمان شب", ChannelFigures(waiting=7, paused="Forbidden: not enough rights"), Pace(), FA
    )
    ill = [a_status(f"f{number:02}", Health.SILENT) for number in range(12)]
    lines = rows.needs(ill, [channel], {"dead": 1, "held": 2}, FA)
    assert lines[0] == "کانال «\u2068آسمان شب\u2069»: اجازهٔ ارسال ندارم. ۷ نوشته نگه داشته\u200cام."
    assert lines[1].startswith("۲ نوشته نگه داشته شده")
    assert len(lines) == 3 + rows.MOST_NEEDS + 1
    assert lines[-1].startswith("۲ خوراک دیگر")
    assert rows.needs([a_status("sky")], [], {"sent": 9}, FA) == []
    assert rows.needs([], [], {"dead": 1}, EN) == ["1 post could not be sent; see below."]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("chat 1: Forbidden: not enough rights to send text messages to the chat", "I may not post there"),
        ("chat 1: Bad Request: chat not found", "I cannot find that chat, or it has left me"),
        ("chat 1: Telegram asks to wait 41 s", "Telegram asks me to wait"),
        ("no answer from the Bot API in time", "It may have been sent: no clear answer came"),
        ("no connection to the Bot API (TimeoutError); check the network", "Telegram could not be reached"),
        ("chat 1: Bad Request: message is too long", "Telegram does not take this message"),
        ("", "No reason is known"),
    ],
)
def test_an_error_is_said_in_words_with_its_own_beside_them(error: str, said: str) -> None:
    trouble = Trouble(7, "main", None, DeliveryState.DEAD, 3, NOW, error)
    row = rows.trouble_row(trouble, "Night Sky", EN, state_words("en"))
    assert (row.problem, row.raw, row.may_retry, row.next_attempt) == (said, error, True, None)


def test_every_state_has_a_word_and_a_sign_of_its_own_in_both_languages() -> None:
    states = {*Health, *DeliveryState}
    assert SIGNS.keys() == states
    for language in ("fa", "en"):
        said = state_words("fa" if language == "fa" else "en")
        assert said.keys() == states
        for kind in (Health, DeliveryState):
            assert len({said[state] for state in kind}) == len({SIGNS[state] for state in kind}) == len(list(kind))
    assert page_words("fa").keys() == page_words("en").keys()


def test_the_bar_counts_in_words() -> None:
    assert [EN.bar(late) for late in range(3)] == ["Everything is on time", "1 thing is late", "2 things are late"]
    assert [FA.bar(late) for late in (0, 2)] == ["همه\u200cچیز به\u200cوقت است", "۲ چیز دیر شده"]
    assert EN.late(Late("loop", "poll", 4 * MINUTE)) == (
        "Loop \u2066poll\u2069 last ended well 4 minutes ago; see the log, or restart."
    )
    assert EN.late(Late("chat", "main", HOUR, waiting=1)) == "Chat \u2066main\u2069: 1 post is waiting, due 1 hour ago."


def test_an_instant_is_told_in_both_calendars() -> None:
    assert EN.moment(NOW).full == "Monday, 23 November 2026 (\u2067۲ آذر ۱۴۰۵\u2069), 11:30"
    assert FA.moment(NOW).full == "\u200fدوشنبه ۲ آذر ۱۴۰۵ (\u2067۲۳ نوامبر ۲۰۲۶\u2069)، ۱۱:۳۰"
    assert FA.moment(NOW).iso == "2026-11-23T08:00:00Z"


def test_there_is_always_a_page() -> None:
    assert [pages_of(count) for count in (0, 1, 50, 51, 1000)] == [1, 1, 1, 2, 20]
