"""When a digest comes, what it covers, what it names and how it looks: pure functions."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Calendar, DigestPlan, Digits, Every, Message, Months
from bot.outbox import digest
from bot.outbox.digest import Group, Line, Sent
from bot.text import dates
from bot.text.dates import DateStyle
from bot.text.persian import FSI, LRM, PDI, RLI, RLM
from bot.text.richtext import utf16_length
from tests.builders import NOW, a_channel

TEHRAN, BERLIN = ZoneInfo("Asia/Tehran"), ZoneInfo("Europe/Berlin")
SATURDAYS = DigestPlan(Every.WEEK, time(9), 5)
DAILY = DigestPlan(Every.DAY, time(21))
#: 29 Aban 1405, the last day of PRODUCT's week.
FRIDAY = date(2026, 11, 20)


# --- when ----------------------------------------------------------------------------------------------------


def test_a_week_covers_the_seven_whole_days_before_its_slot() -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=TEHRAN)
    slot = digest.last_slot(SATURDAYS, TEHRAN, now)
    assert slot == datetime(2026, 11, 21, 9, tzinfo=TEHRAN)
    assert digest.period_of(SATURDAYS, TEHRAN, slot, None).days(TEHRAN) == (date(2026, 11, 14), FRIDAY)


def test_a_day_reaches_until_its_own_time() -> None:
    slot = digest.last_slot(DAILY, TEHRAN, datetime(2026, 11, 23, 22, tzinfo=TEHRAN))
    period = digest.period_of(DAILY, TEHRAN, slot, None)
    assert (period.begin, period.end) == tuple(datetime(2026, 11, day, 21, tzinfo=TEHRAN) for day in (22, 23))


def test_what_a_missed_slot_did_not_tell_is_told_by_the_next() -> None:
    slot = datetime(2026, 11, 23, 21, tzinfo=TEHRAN)
    told_until = slot - timedelta(days=3)
    assert digest.period_of(DAILY, TEHRAN, slot, told_until).begin == told_until
    assert digest.period_of(DAILY, TEHRAN, slot, slot - timedelta(days=300)).begin == slot - timedelta(days=1)


def test_a_week_in_which_the_clocks_change_has_seven_days_all_the_same() -> None:
    """In Berlin they went back on 25 October 2026."""
    plan = DigestPlan(Every.WEEK, time(9), 0)
    slot = digest.last_slot(plan, BERLIN, datetime(2026, 10, 26, 12, tzinfo=BERLIN))
    period = digest.period_of(plan, BERLIN, slot, None)
    assert period.days(BERLIN) == (date(2026, 10, 19), date(2026, 10, 25))
    assert period.end - period.begin == timedelta(days=7, hours=1)


@given(st.integers(0, 2 * 365 * 24 * 60), st.times(), st.sampled_from([None, *range(7)]))
def test_slots_follow_one_another_and_weeks_leave_no_gap(minutes: int, clock: time, on: int | None) -> None:
    plan = DigestPlan(Every.WEEK if on is not None else Every.DAY, clock.replace(second=0, microsecond=0), on or 0)
    now = NOW - timedelta(minutes=minutes)
    last, following = digest.last_slot(plan, BERLIN, now), digest.next_slot(plan, BERLIN, now)
    assert last <= now < following
    assert digest.last_slot(plan, BERLIN, following) == following
    assert digest.next_slot(plan, BERLIN, last) == following
    if plan.every is Every.WEEK:
        before, after = (digest.period_of(plan, BERLIN, slot, None) for slot in (last, following))
        assert before.end == after.begin


# --- what ----------------------------------------------------------------------------------------------------


def sent(feed: int, count: int) -> list[Sent]:
    return [Sent(feed * 10_000 + number, feed, NOW + timedelta(minutes=number)) for number in range(count)]


def test_the_newest_five_of_a_feed_are_named_and_the_fullest_feed_comes_first() -> None:
    chosen = digest.choose([*sent(1, 2), *sent(2, 8)])
    assert list(chosen.items()) == [(2, [20_007, 20_006, 20_005, 20_004, 20_003]), (1, [10_001, 10_000])]


@pytest.mark.parametrize(("feeds", "of_each"), [(21, 5), (30, 3), (90, 1), (300, 1)])
def test_many_feeds_are_named_with_fewer_posts_each(feeds: int, of_each: int) -> None:
    chosen = digest.choose([post for feed in range(feeds) for post in sent(feed, 6)])
    assert {len(post_ids) for post_ids in chosen.values()} == {of_each}
    assert sum(map(len, chosen.values())) <= digest.MOST_PARTS * digest.MOST_POSTS


# --- how it looks --------------------------------------------------------------------------------------------


def line(title: str, day: date, link: str | None = "https://t.me/example/7") -> Line:
    return Line(title, link, datetime.combine(day, time(12), TEHRAN), TEHRAN)


GROUPS = (
    Group(
        "دفتر آسمان",
        5,
        (line("بارش شهابی اسدی", date(2026, 11, 17)), line("A full moon over the hills", date(2026, 11, 15))),
    ),
    Group("Sky Notes", 1, (line("<b>Bold & #tag</b>", date(2026, 11, 14), None),)),
)
WEEK = (date(2026, 11, 14), FRIDAY)


def linked(message: Message) -> list[str]:
    spans = [entity for entity in message.entities if entity.type == "text_link"]
    return [message.text[entity.offset : entity.offset + entity.length] for entity in spans]


def test_a_persian_digest_is_laid_out_as_product_shows_it() -> None:
    (message,) = digest.lay_out(a_channel(), "آسمان شب", Every.WEEK, WEEK, 12, GROUPS)
    assert message.text.split("\n") == [
        "هفته‌ای که گذشت · آسمان شب",
        f"{RLM}شنبه ۲۳ تا جمعه ۲۹ آبان ۱۴۰۵ ({RLI}۱۴ تا ۲۰ نوامبر ۲۰۲۶{PDI})",
        f"{RLM}۱۲ نوشته از ۲ منبع",
        "",
        "دفتر آسمان (۵)",
        f"{RLM}• {FSI}بارش شهابی اسدی{PDI} · ۲۶ آبان",
        f"{RLM}• {FSI}A full moon over the hills{PDI} · ۲۴ آبان",
        f"{RLM}و ۳ نوشتهٔ دیگر",
        "",
        f"{RLM}{FSI}Sky Notes{PDI} (۱)",
        f"{RLM}• {FSI}<b>Bold & #\u2060tag</b>{PDI} · ۲۳ آبان",
        "",
        f"{RLM}و ۶ نوشتهٔ دیگر",
        f"{RLM}#مرور_هفته",
    ]
    assert [entity.type for entity in message.entities] == ["bold", "bold", "text_link", "text_link", "bold"]
    assert linked(message) == ["بارش شهابی اسدی", "A full moon over the hills"]
    assert message.link_preview.url is None


def test_an_english_digest_alike() -> None:
    channel = a_channel(language="en", silent=True, thread=7)
    (message,) = digest.lay_out(channel, "Night Sky", Every.WEEK, WEEK, 6, GROUPS)
    lines = message.text.split("\n")
    assert lines[:3] == [
        "The week · Night Sky",
        f"Saturday 14 to Friday 20 November 2026 ({RLI}۲۳ تا ۲۹ آبان ۱۴۰۵{PDI})",
        "6 posts from 2 sources",
    ]
    assert f"{LRM}• {FSI}بارش شهابی اسدی{PDI} · 17 Nov" in lines
    assert lines[7] == "and 3 more"
    assert lines[-1] == "#WeekInReview"
    assert (message.silent, message.thread) == (True, 7)


def test_the_digest_of_a_day_and_of_an_overflow_say_what_they_are() -> None:
    channel = a_channel(language="en", digits=Digits.FA)
    (day,) = digest.lay_out(channel, "Night Sky", Every.DAY, (FRIDAY, FRIDAY), 1, GROUPS[1:])
    assert day.text.split("\n")[:3] == [
        "The day · Night Sky", f"Friday, ۲۰ November ۲۰۲۶ ({RLI}۲۹ آبان ۱۴۰۵{PDI})", "1 post from 1 source",
    ]  # fmt: skip
    assert day.text.endswith("#DayInReview")
    (overflow,) = digest.lay_out(channel, "Night Sky", None, (FRIDAY, FRIDAY), 5, GROUPS[:1])
    assert overflow.text.startswith("Also new · Night Sky\n")
    assert "#" not in overflow.text


def test_more_leads_into_the_bot() -> None:
    group = Group("Sky", 9, (line("One", FRIDAY),), more="https://t.me/bot?start=latest_1")
    (message,) = digest.lay_out(a_channel(language="en"), "Night Sky", Every.WEEK, WEEK, 9, [group])
    assert linked(message) == ["One", "and 8 more"]


def test_a_digest_is_parted_before_the_limits_of_telegram_and_loses_no_line() -> None:
    groups = [
        Group(f"Feed {feed}", 6, tuple(line(f"{feed}-{number} " + "x" * 300, FRIDAY) for number in range(5)), "https://t.me/b")
        for feed in range(20)
    ]  # fmt: skip
    parts = digest.lay_out(a_channel(language="en"), "Night Sky", Every.WEEK, WEEK, 120, groups)
    assert len(parts) > 1
    for number, part in enumerate(parts, 1):
        assert part.text.count("•") <= digest.MOST_POSTS
        assert len(part.entities) <= digest.MOST_ENTITIES
        assert utf16_length(part.text) <= 4096
        assert f"({number}/{len(parts)})" in part.text
        assert ("The week" in part.text) == (number == 1)
        assert ("#WeekInReview" in part.text) == (number == len(parts))
    assert [text.split(" ")[0] for part in parts for text in linked(part) if text[0].isdigit()] == [
        f"{feed}-{number}" for feed in range(20) for number in range(5)
    ]


@pytest.mark.parametrize(
    ("style", "first", "last", "said"),
    [
        (DateStyle("fa"), date(2026, 11, 18), date(2026, 11, 24),
         f"{RLM}چهارشنبه ۲۷ آبان تا سه\u200cشنبه ۳ آذر ۱۴۰۵ ({RLI}۱۸ تا ۲۴ نوامبر ۲۰۲۶{PDI})"),
        (DateStyle("en"), date(2026, 12, 28), date(2027, 1, 3),
         f"Monday 28 December 2026 to Sunday 3 January 2027 ({RLI}۷ تا ۱۳ دی ۱۴۰۵{PDI})"),
        (DateStyle("fa", calendars=(Calendar.GREGORIAN,)), date(2026, 11, 14), FRIDAY,
         f"{RLM}شنبه ۱۴ تا جمعه ۲۰ نوامبر ۲۰۲۶"),
        (DateStyle("fa", months=Months.KURDISH, calendars=(Calendar.JALALI,)), date(2026, 11, 18), date(2026, 11, 24),
         f"{RLM}چوارشەممە ٢٧ی گەڵاڕێزان تا سێشەممە ٣ی سەرماوەزی ١٤٠٥"),
    ],
    ids=["over-a-month", "over-a-year", "one-calendar", "kurdish"],
)  # fmt: skip
def test_what_two_days_share_is_said_once(style: DateStyle, first: date, last: date, said: str) -> None:
    assert dates.format_days(first, last, style) == said


def test_a_made_up_slot_is_not_too_old() -> None:
    slot = datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert digest.is_made_up(DAILY, slot, slot + timedelta(hours=5))
    assert not digest.is_made_up(DAILY, slot, slot + timedelta(hours=6))
    assert digest.is_made_up(SATURDAYS, slot, slot + timedelta(hours=47))
