"""Stretches of time as people write them: what they mean on one Monday, and what is left alone."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Calendar
from bot.text.calendars import to_jalali
from bot.text.dates import DateRange, parse_month, parse_range, parse_span
from bot.text.persian import to_arabic_digits, to_persian_digits

J, G = Calendar.JALALI, Calendar.GREGORIAN
TODAY = date(2026, 11, 23)  # a Monday: 2 Azar 1405

RANGES: dict[str, tuple[str, str, str, Calendar]] = {
    "date": ("۸ مهر ۱۳۹۷", "2018-09-30", "2018-09-30", J),
    "iso-date": ("2018-09-30", "2018-09-30", "2018-09-30", G),
    "month": ("مهر ۱۳۹۷", "2018-09-23", "2018-10-22", J),
    "month-latin": ("Mehr 1397", "2018-09-23", "2018-10-22", J),
    "month-afghan": ("میزان ۱۳۹۷", "2018-09-23", "2018-10-22", J),
    "month-word": ("مهرماه سال ۱۳۹۷", "2018-09-23", "2018-10-22", J),
    "month-year-first": ("۱۳۹۷ مهر", "2018-09-23", "2018-10-22", J),
    "month-numbers": ("1397/07", "2018-09-23", "2018-10-22", J),
    "month-numbers-apart": ("1397 7", "2018-09-23", "2018-10-22", J),
    "leap-esfand": ("اسفند ۱۳۹۹", "2021-02-19", "2021-03-20", J),
    "month-iso": ("2018-09", "2018-09-01", "2018-09-30", G),
    "month-english": ("September 2018", "2018-09-01", "2018-09-30", G),
    "month-short": ("Sept 2018", "2018-09-01", "2018-09-30", G),
    "month-gregorian-in-persian": ("سپتامبر ۲۰۱۸", "2018-09-01", "2018-09-30", G),
    "leap-february": ("02/2024", "2024-02-01", "2024-02-29", G),
    "year": ("1397", "2018-03-21", "2019-03-20", J),
    "year-persian": ("۱۳۹۷", "2018-03-21", "2019-03-20", J),
    "year-arabic": ("١٣٩٧", "2018-03-21", "2019-03-20", J),
    "year-word": ("سال ۱۳۹۷", "2018-03-21", "2019-03-20", J),
    "year-era": ("۱۳۹۷ ه.ش.", "2018-03-21", "2019-03-20", J),
    "year-gregorian": ("2018", "2018-01-01", "2018-12-31", G),
    "today": ("Today", "2026-11-23", "2026-11-23", G),
    "today-persian": ("امروز", "2026-11-23", "2026-11-23", J),
    "yesterday": ("yesterday", "2026-11-22", "2026-11-22", G),
    "yesterday-persian": ("دیروز", "2026-11-22", "2026-11-22", J),
    "yesterday-arabic-keyboard": ("ديروز", "2026-11-22", "2026-11-22", J),
    "tomorrow": ("tomorrow", "2026-11-24", "2026-11-24", G),
    "tomorrow-persian": ("فردا", "2026-11-24", "2026-11-24", J),
    "this-week": ("this week", "2026-11-23", "2026-11-29", G),
    "this-week-persian": ("این هفته", "2026-11-21", "2026-11-27", J),
    "last-week": ("last week", "2026-11-16", "2026-11-22", G),
    "last-week-persian": ("هفتهٔ گذشته", "2026-11-14", "2026-11-20", J),
    "last-week-before": ("هفته پیش", "2026-11-14", "2026-11-20", J),
    "last-week-ye": ("هفته\u200cی پیش", "2026-11-14", "2026-11-20", J),
    "this-month": ("this month", "2026-11-01", "2026-11-30", G),
    "this-month-persian": ("این ماه", "2026-11-22", "2026-12-21", J),
    "last-month": ("last month", "2026-10-01", "2026-10-31", G),
    "last-month-persian": ("ماه گذشته", "2026-10-23", "2026-11-21", J),
    "last-year": ("last year", "2025-01-01", "2025-12-31", G),
    "last-year-persian": ("سال قبل", "2025-03-21", "2026-03-20", J),
    "last-year-word": ("پارسال", "2025-03-21", "2026-03-20", J),
    "days-ago": ("3 days ago", "2026-11-20", "2026-11-20", G),
    "days-ago-persian": ("۳ روز پیش", "2026-11-20", "2026-11-20", J),
    "days-ago-in-a-word": ("سه روز پیش", "2026-11-20", "2026-11-20", J),
    "weeks-ago": ("two weeks ago", "2026-11-09", "2026-11-15", G),
    "weeks-ago-persian": ("۲ هفته پیش", "2026-11-07", "2026-11-13", J),
    "months-ago": ("a month ago", "2026-10-01", "2026-10-31", G),
    "months-ago-over-a-year": ("۱۲ ماه پیش", "2025-11-22", "2025-12-21", J),
    "last-days": ("last 7 days", "2026-11-17", "2026-11-23", G),
    "last-days-persian": ("۷ روز گذشته", "2026-11-17", "2026-11-23", J),
    "last-months": ("past 3 months", "2026-08-24", "2026-11-23", G),
    "last-months-persian": ("سه ماه اخیر", "2026-08-25", "2026-11-23", J),
    "from-to": ("از ۱ مهر ۱۳۹۷ تا ۸ مهر ۱۳۹۷", "2018-09-23", "2018-09-30", J),
    "dash": ("1397/07/01 - 1397/07/08", "2018-09-23", "2018-09-30", J),
    "dots": ("2018-09-01..2018-09-08", "2018-09-01", "2018-09-08", G),
    "to": ("Sept 1 2018 to Sept 8 2018", "2018-09-01", "2018-09-08", G),
    "en-dash": ("2018-09-01\u20132018-09-08", "2018-09-01", "2018-09-08", G),
    "between": ("between 2017 and 2018", "2017-01-01", "2018-12-31", G),
    "between-persian": ("بین مهر ۱۳۹۷ و آذر ۱۳۹۷", "2018-09-23", "2018-12-21", J),
    "one-month-for-both": ("۱ تا ۸ مهر ۱۳۹۷", "2018-09-23", "2018-09-30", J),
    "one-year-for-both": ("از ۱ مهر تا ۸ آبان ۱۳۹۷", "2018-09-23", "2018-10-30", J),
    "one-month-for-both-english": ("September 1 to 8, 2018", "2018-09-01", "2018-09-08", G),
    "months": ("مهر تا آذر ۱۳۹۷", "2018-09-23", "2018-12-21", J),
    "years": ("1396-1397", "2017-03-21", "2019-03-20", J),
    "until-today": ("از ۱۴۰۰ تا امروز", "2021-03-21", "2026-11-23", J),
    "open": ("از ۱۴۰۰", "2021-03-21", "2026-11-23", J),
    "since": ("since September 2018", "2018-09-01", "2026-11-23", G),
}


@pytest.mark.parametrize(("text", "first", "last", "calendar"), RANGES.values(), ids=RANGES.keys())
def test_a_range_is_read(text: str, first: str, last: str, calendar: Calendar) -> None:
    assert parse_range(text, TODAY) == DateRange(date.fromisoformat(first), date.fromisoformat(last), calendar)


@pytest.mark.parametrize(
    "text",
    [
        *("", "مهر", "دی", "March", "باغ", "the moon", "a week", "۷ روز", "7d", "1397/13", "97/07", "12", "3000"),
        *("1397/12/30", "۱۳۹۸ تا ۱۳۹۷", "today to yesterday", "از فردا", "از باغ تا ماه", "5 تا", "تا ۱۳۹۷", "..", "-"),
        *("9999 years ago", "9999 سال پیش", "last 9999 years", "last 0 days", "some days ago", "2018 " * 40),
    ],
)
def test_what_is_no_range_is_left_alone(text: str) -> None:
    assert parse_range(text, TODAY) is None


@given(st.dates(date(1850, 1, 1), date(2150, 1, 1)), st.integers(0, 3))
def test_a_week_begins_on_its_own_day_and_weeks_leave_no_gap(today: date, steps: int) -> None:
    for form, begins in (("{} weeks ago", 0), ("{} هفته پیش", 5)):
        week, before = (parse_range(form.format(ago), today) for ago in (steps, steps + 1))
        assert week is not None
        assert before is not None
        assert week.first.weekday() == begins
        assert (week.last - week.first).days == 6
        assert before.last == week.first - timedelta(days=1)
        assert week.first <= today - timedelta(weeks=steps) <= week.last


@given(st.dates(date(1850, 1, 1), date(2120, 1, 1)))
def test_every_day_is_in_its_month_and_its_year_in_both_calendars(day: date) -> None:
    jalali = to_jalali(day)
    for text in (f"{jalali.year}/{jalali.month:02}", f"{jalali.year}", f"{day:%Y-%m}", f"{day:%B %Y}", f"{day:%Y}"):
        for written in (text, to_persian_digits(text), to_arabic_digits(text)):
            found = parse_range(written, TODAY)
            assert found is not None
            assert found.first <= day <= found.last


@given(st.text(max_size=40) | st.lists(st.sampled_from(sorted(" ".join(row[0] for row in RANGES.values()).split()))))
def test_any_words_are_read_or_left_alone(words: str | list[str]) -> None:
    text = words if isinstance(words, str) else " ".join(words)
    found = parse_range(text, TODAY)
    assert found is None or found.first <= found.last


MONTHS: dict[str, tuple[str, str | None]] = {
    "with-year": ("مهر ۱۳۹۷", "2018-09-23"),
    "numbers": ("1397 7", "2018-09-23"),
    "date": ("1397/07/08", "2018-09-23"),
    "name-of-this-year": ("مهر", "2026-09-23"),
    "name-of-last-year": ("دی", "2025-12-22"),
    "name-of-now": ("آذر", "2026-11-22"),
    "english-name": ("December", "2025-12-01"),
    "this": ("این ماه", "2026-11-22"),
    "last": ("last month", "2026-10-01"),
    "ago": ("2 months ago", "2026-09-01"),
    "doubtful-may": ("می", None),
    "may-with-year": ("می ۲۰۱۸", "2018-05-01"),
    "year": ("1397", None),
    "day": ("دیروز", None),
    "year-ago": ("last year", None),
    "running": ("last 2 months", None),
    "words": ("باغ", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize(("text", "first"), MONTHS.values(), ids=MONTHS.keys())
def test_a_month_is_read(text: str, first: str | None) -> None:
    found = parse_month(text, TODAY)
    assert (found and found.first.isoformat()) == first
    assert found is None or 28 <= (found.last - found.first).days + 1 <= 31


SPANS: dict[str, tuple[str, timedelta | None]] = {
    "days": ("7d", timedelta(days=7)),
    "persian": ("۷ روز", timedelta(days=7)),
    "arabic-digits-joined": ("٧روز", timedelta(days=7)),
    "weeks": ("2 weeks", timedelta(weeks=2)),
    "one-week": ("یک هفته", timedelta(weeks=1)),
    "w": ("1w", timedelta(weeks=1)),
    "minutes": ("30m", timedelta(minutes=30)),
    "minutes-persian": ("سی دقیقه", None),
    "hours": ("۲۴ ساعت", timedelta(days=1)),
    "an-hour": ("an hour", timedelta(hours=1)),
    "month": ("1 month", timedelta(days=30)),
    "year": ("یک سال", timedelta(days=365)),
    "none-at-all": ("0d", None),
    "no-unit": ("7", None),
    "no-number": ("روز", None),
    "words": ("ماه نو", None),
    "ago": ("7 days ago", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize(("text", "span"), SPANS.values(), ids=SPANS.keys())
def test_a_span_is_read(text: str, span: timedelta | None) -> None:
    assert parse_span(text) == span
