"""The date line: layouts to the character, and the order they are shown in."""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from bidi import get_display
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model import Calendar, Digits, Language, Months
from bot.text.dates import (
    DateStyle,
    describe,
    format_date,
    name_day,
    parse_any_date,
    parse_date,
    short_date,
)
from bot.text.persian import first_strong, isolate

J, G, L = Calendar.JALALI, Calendar.GREGORIAN, Calendar.LUNAR
TEHRAN = ZoneInfo("Asia/Tehran")
NOON = datetime(2018, 9, 30, 9, 0, tzinfo=UTC)  # 12:30 in Tehran, 8 Mehr 1397
MARKS = {"<RLM>": "\u200f", "<LRI>": "\u2066", "<RLI>": "\u2067", "<PDI>": "\u2069", "<ZWJ>": "\u200d"}


def marked(text: str) -> str:
    """The layouts of PRODUCT.md spell their marks out."""
    for name, mark in MARKS.items():
        text = text.replace(name, mark)
    return text


def line(style: DateStyle, when: datetime = NOON, zone: ZoneInfo = TEHRAN, *, date_only: bool = False) -> str:
    return format_date(when, zone, style, date_only=date_only)


# --- the date line ------------------------------------------------------------------------------------------

LAYOUTS: dict[tuple[Language, str], str] = {
    ("fa", "full"): "<RLM>یکشنبه ۸ مهر ۱۳۹۷ (<RLI>۳۰ سپتامبر ۲۰۱۸<PDI>)",
    ("en", "full"): "Sunday, 30 September 2018 (<RLI>۸ مهر ۱۳۹۷<PDI>)",
    ("fa", "compact"): "<RLM>۱۳۹۷/۰۷/۰۸ (<LRI>2018-09-30<PDI>)",
    ("en", "compact"): "Sun 30 Sep 2018 · 8 Mehr 1397 AP",
    ("fa", "time"): ("<RLM>یکشنبه ۸ مهر ۱۳۹۷ ه<ZWJ>.ش.، ساعت ۱۲:۳۰ به وقت تهران (<LRI>30 Sep 2018, 09:00 UTC<PDI>)"),
    ("en", "time"): "Sunday, 30 September 2018, 12:30 Tehran time (<RLI>۸ مهر ۱۳۹۷<PDI>)",
    ("fa", "1"): "<RLM>یکشنبه ۸ مهر ۱۳۹۷ (<RLI>۳۰ سپتامبر ۲۰۱۸<PDI>)",
    ("fa", "2"): "<RLM>یکشنبه ۸ مهر ۱۳۹۷ (<LRI>30 September 2018<PDI>)",
    ("fa", "3"): "<RLM>۱۳۹۷/۰۷/۰۸ (<LRI>2018-09-30<PDI>)",
    ("fa", "4"): "<RLM>۱۳۹۷ مهر ۸, یکشنبه",
    ("fa", "5"): "Sunday, 30 September 2018 (<RLI>۸ مهر ۱۳۹۷<PDI>)",
    ("fa", "6"): "Sun 30 Sep 2018 · 8 Mehr 1397 AP",
    ("fa", "7"): "<RLM>یکشنبه ۸ مهر ۱۳۹۷ ه<ZWJ>.ش.، ساعت ۱۲:۳۰ به وقت تهران (<LRI>30 Sep 2018, 09:00 UTC<PDI>)",
    ("fa", "8"): "<RLM>۸ مهر ۱۳۹۷ · ۲۰ محرم ۱۴۴۰ · <RLI>۳۰ سپتامبر ۲۰۱۸<PDI>",
    ("fa", "none"): "",
}


@pytest.mark.parametrize(("key", "expected"), LAYOUTS.items(), ids=["-".join(key) for key in LAYOUTS])
def test_every_form_has_its_layout(key: tuple[Language, str], expected: str) -> None:
    language, form = key
    assert line(DateStyle(language, form=form)) == marked(expected)


@pytest.mark.parametrize("form", "12345678")
def test_a_numbered_template_is_the_same_in_every_language_and_order(form: str) -> None:
    assert line(DateStyle("en", (L, G), form=form)) == line(DateStyle("fa", form=form))


ORDERS: dict[str, tuple[Language, tuple[Calendar, ...], str, str]] = {
    "gregorian-first": ("fa", (G, J), "full", "<RLM>یکشنبه ۳۰ سپتامبر ۲۰۱۸ (<RLI>۸ مهر ۱۳۹۷<PDI>)"),
    "jalali-alone": ("fa", (J,), "full", "<RLM>یکشنبه ۸ مهر ۱۳۹۷"),
    "gregorian-alone": ("fa", (G,), "full", "<RLM>یکشنبه ۳۰ سپتامبر ۲۰۱۸"),
    "lunar-third": ("fa", (J, G, L), "full", "<RLM>یکشنبه ۸ مهر ۱۳۹۷ (<RLI>۳۰ سپتامبر ۲۰۱۸ · ۲۰ محرم ۱۴۴۰<PDI>)"),
    "compact-lunar": ("fa", (J, G, L), "compact", "<RLM>۱۳۹۷/۰۷/۰۸ (<LRI>2018-09-30<PDI> · ۱۴۴۰/۰۱/۲۰ ه<ZWJ>.ق.)"),
    "compact-swapped": ("fa", (G, J), "compact", "<RLM><LRI>2018-09-30<PDI> (۱۳۹۷/۰۷/۰۸)"),
    "english-jalali": ("en", (J,), "full", "Sunday, 8 Mehr 1397 AP"),
    "english-gregorian": ("en", (G,), "full", "Sunday, 30 September 2018"),
    "english-three": ("en", (J, G, L), "compact", "Sun 30 Sep 2018 · 8 Mehr 1397 AP · 20 Muharram 1440 AH"),
    "time-jalali": ("fa", (J,), "time", "<RLM>یکشنبه ۸ مهر ۱۳۹۷ ه<ZWJ>.ش.، ساعت ۱۲:۳۰ به وقت تهران"),
    "nothing": ("fa", (), "full", ""),
}


@pytest.mark.parametrize(("language", "calendars", "form", "expected"), ORDERS.values(), ids=ORDERS.keys())
def test_calendars_choose_and_order_the_parts(
    language: Language, calendars: tuple[Calendar, ...], form: str, expected: str
) -> None:
    assert line(DateStyle(language, calendars, form=form)) == marked(expected)


def test_afghan_months_bring_their_own_gregorian_ones() -> None:
    style = DateStyle("fa", months=Months.AFGHAN)
    assert line(style) == marked("<RLM>یکشنبه ۸ میزان ۱۳۹۷ (<RLI>۳۰ سپتمبر ۲۰۱۸<PDI>)")


def test_kurdish_months_bring_sorani_grammar_and_digits() -> None:
    style = DateStyle("fa", months=Months.KURDISH)
    assert line(style) == marked("<RLM>یەکشەممە، ٨ی ڕەزبەری ١٣٩٧ (<RLI>٣٠ی ئەیلوولی ٢٠١٨<PDI>)")


@pytest.mark.parametrize(
    ("language", "digits", "expected"),
    [
        ("fa", Digits.LATIN, "<RLM>یکشنبه 8 مهر 1397 (<RLI>30 سپتامبر 2018<PDI>)"),
        ("fa", Digits.FA, "<RLM>یکشنبه ۸ مهر ۱۳۹۷ (<RLI>۳۰ سپتامبر ۲۰۱۸<PDI>)"),
        ("en", Digits.LATIN, "Sunday, 30 September 2018 (<RLI>8 مهر 1397<PDI>)"),
        ("en", Digits.FA, "Sunday, ۳۰ September ۲۰۱۸ (<RLI>۸ مهر ۱۳۹۷<PDI>)"),
    ],
)
def test_digits_may_be_chosen(language: Language, digits: Digits, expected: str) -> None:
    assert line(DateStyle(language, digits=digits)) == marked(expected)


def test_the_lunar_date_is_left_out_where_nobody_knows_it() -> None:
    far = datetime(2100, 1, 1, tzinfo=UTC)
    assert line(DateStyle("fa", (J, G, L)), far) == line(DateStyle("fa", (J, G)), far)
    assert line(DateStyle("fa", (L,)), far) == line(DateStyle("fa", (G,)), far)
    assert line(DateStyle("fa", form="8"), far).count("·") == 1


def test_a_lunar_offset_moves_the_lunar_date_alone() -> None:
    assert line(DateStyle("en", (G, L), form="compact", lunar_offset=-1)) == "Sun 30 Sep 2018 · 19 Muharram 1440 AH"


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="no date form named '9'"):
        line(DateStyle("fa", form="9"))


@pytest.mark.parametrize("form", ["full", "compact", "time", *"12345678"])
@pytest.mark.parametrize("language", ["fa", "en"])
def test_a_date_without_a_time_never_shows_one(language: Language, form: str) -> None:
    style = DateStyle(language, form=form)
    midnight = datetime(2018, 9, 29, 20, 30, tzinfo=UTC)  # of 30 September in Tehran
    assert line(style, midnight, date_only=True) == line(style, NOON, date_only=True)
    assert ":" not in line(style, midnight, date_only=True)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2024-03-19T20:29:00", "۲۹ اسفند"),
        ("2024-03-19T20:30:00", "۱ فروردین"),
        ("2022-06-21T19:29:00", "۳۱ خرداد"),
        ("2022-06-21T19:30:00", "۱ تیر"),
        ("2023-06-21T19:30:00", "۳۱ خرداد"),
        ("2023-06-21T20:30:00", "۱ تیر"),
    ],
    ids=["new-year-before", "new-year-after", "summer-before", "summer-after", "no-summer-time", "midnight-again"],
)
def test_the_day_changes_at_midnight_of_the_zone(instant: str, expected: str) -> None:
    assert short_date(datetime.fromisoformat(instant).replace(tzinfo=UTC), TEHRAN, DateStyle("fa")) == expected


@pytest.mark.parametrize(
    ("zone", "language", "part"),
    [
        ("Asia/Kabul", "fa", "، ساعت ۱۳:۳۰ به وقت کابل ("),
        ("Asia/Yerevan", "fa", "، ساعت ۱۳:۰۰ به وقت \u2066UTC+04:00\u2069 ("),
        ("America/New_York", "en", ", 05:00 New York time ("),
        ("UTC", "en", ", 09:00 UTC ("),
        ("Etc/GMT-3", "en", ", 12:00 UTC+0300 ("),
    ],
)
def test_a_time_names_its_zone(zone: str, language: Language, part: str) -> None:
    assert part in line(DateStyle(language, form="time"), zone=ZoneInfo(zone))


def test_lists_take_the_day_and_the_month_of_the_first_calendar() -> None:
    assert short_date(NOON, TEHRAN, DateStyle("fa")) == "۸ مهر"
    assert short_date(NOON, TEHRAN, DateStyle("fa", (G, J))) == "۳۰ سپتامبر"
    assert short_date(NOON, TEHRAN, DateStyle("en")) == "30 Sep"
    assert short_date(NOON, TEHRAN, DateStyle("en", (J,))) == "8 Mehr"


def test_a_day_may_be_named_in_one_calendar() -> None:
    assert name_day(date(2018, 9, 30), L, DateStyle("fa")) == "۲۰ محرم ۱۴۴۰"
    assert name_day(date(2100, 9, 30), L, DateStyle("fa")) == ""


def test_a_description_holds_the_day_in_every_calendar() -> None:
    assert describe(date(2018, 9, 30)) == {
        "gregorian": "2018-09-30",
        "jalali": "1397-07-08",
        "lunar": "1440-01-20",
        "weekday": "sunday",
        "fa": marked(LAYOUTS["fa", "full"]),
        "en": marked(LAYOUTS["en", "full"]),
    }
    assert describe(date(1821, 3, 21))["lunar"] is None


@pytest.mark.parametrize("form", ["full", "compact", "time", *"12345678"])
@pytest.mark.parametrize("language", ["fa", "en"])
@given(when=st.integers(-1_420_000_000, 5_680_000_000).map(lambda second: datetime.fromtimestamp(second, UTC)))
@settings(max_examples=20, deadline=None)
def test_marks_are_balanced_and_never_stand_in_a_row(language: Language, form: str, when: datetime) -> None:
    shown = line(DateStyle(language, (J, G, L), form=form), when)
    assert shown.count("\u2066") + shown.count("\u2067") == shown.count("\u2069")
    assert "\u200f\u200f" not in shown
    assert "\n" not in shown


@given(st.dates(date(1925, 1, 1), date(2150, 1, 1)))
def test_the_archive_form_is_read_back(day: date) -> None:
    parsed = parse_date(line(DateStyle("fa", form="4"), datetime(day.year, day.month, day.day, 12, tzinfo=UTC)))
    assert parsed is not None
    assert (parsed.day, parsed.weekday_is_wrong, parsed.order) == (day, False, "ymd")


@given(
    st.dates(date(1925, 1, 1), date(2077, 1, 1)),
    st.builds(
        DateStyle,
        language=st.sampled_from(["fa", "en"]),
        calendars=st.sampled_from([(J, G), (G, J), (J, G, L), (L, J), (J,), (G,)]),
        months=st.sampled_from(Months),
        digits=st.sampled_from(Digits),
        form=st.sampled_from(["full", "compact", *"12345678"]),
    ),
)
def test_every_line_without_a_time_is_read_back_where_dates_are_asked_for(day: date, style: DateStyle) -> None:
    shown = line(style, datetime(day.year, day.month, day.day, 12, tzinfo=UTC), date_only=True)
    parsed = parse_any_date(shown)
    assert parsed is not None, shown
    assert parsed.day == day


@given(
    st.integers(-1_420_000_000, 3_370_000_000).map(lambda second: datetime.fromtimestamp(second, UTC)),
    st.builds(
        DateStyle,
        language=st.sampled_from(["fa", "en"]),
        calendars=st.sampled_from([(J, G), (G, J), (J, G, L)]),
        months=st.sampled_from(Months),
        form=st.sampled_from(["time", "7"]),
    ),
    st.sampled_from(["Asia/Tehran", "America/Los_Angeles", "Asia/Yerevan", "UTC"]),
)
def test_a_line_with_a_time_is_read_back_as_the_day_of_its_zone(when: datetime, style: DateStyle, zone: str) -> None:
    shown = line(style, when, ZoneInfo(zone))
    parsed = parse_any_date(shown)
    assert parsed is not None, shown
    assert parsed.day == when.astimezone(ZoneInfo(zone)).date()


#: The words of each template as they stand on the screen, from left to right. The library does not mirror brackets: the
#: one that closes stands at the left of a Persian pair.
ON_SCREEN: dict[str, str] = {
    "1": ")۲۰۱۸ | سپتامبر | ۳۰( | ۱۳۹۷ | مهر | ۸ | یکشنبه",
    "2": ")30 | September | 2018( | ۱۳۹۷ | مهر | ۸ | یکشنبه",
    "3": ")2018-09-30( | ۱۳۹۷/۰۷/۰۸",
    "4": "یکشنبه | ,۸ | مهر | ۱۳۹۷",
    "5": "Sunday, | 30 | September | 2018 | (۱۳۹۷ | مهر | ۸)",
    "6": "Sun | 30 | Sep | 2018 | · | 8 | Mehr | 1397 | AP",
    "7": ")30 | Sep | 2018, | 09:00 | UTC( | تهران | وقت | به | ۱۲:۳۰ | ساعت | ،.ش.ه | ۱۳۹۷ | مهر | ۸ | یکشنبه",
    "8": "۲۰۱۸ | سپتامبر | ۳۰ | · | ۱۴۴۰ | محرم | ۲۰ | · | ۱۳۹۷ | مهر | ۸",
}
SENTENCES = {"persian": ("ماه کامل: ", " · باغ"), "english": ("A full moon: ", " · Garden")}
INVISIBLE = re.compile("[\u200d-\u200f\u2066-\u2069]")
PERSIAN_WORD = re.compile("[\u0620-\u064a\u066e-\u06d3]+")


def on_screen(text: str) -> str:
    """The words from left to right, each spelled as it is read."""
    shown = INVISIBLE.sub("", get_display(text))
    return " | ".join(PERSIAN_WORD.sub(lambda word: word[0][::-1], shown).split(" "))


@pytest.mark.parametrize(("form", "expected"), ON_SCREEN.items())
def test_every_template_is_in_order_on_a_line_of_its_own(form: str, expected: str) -> None:
    assert on_screen(line(DateStyle("fa", form=form))) == expected


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("form", ON_SCREEN)
def test_every_template_keeps_its_order_when_isolated_in_a_sentence(form: str, language: str) -> None:
    before, after = SENTENCES[language]
    shown = line(DateStyle("fa", form=form))
    sentence = before + isolate(shown, first_strong(shown)) + after
    left, right = (before, after) if language == "english" else (after, before)
    expected = " | ".join((on_screen(left.strip()), ON_SCREEN[form], on_screen(right.strip())))
    assert on_screen(sentence) == expected


@pytest.mark.parametrize(
    ("language", "forms"), [("persian", "123478"), ("english", "56")], ids=["in-persian", "in-english"]
)
def test_in_a_sentence_of_its_own_direction_a_template_needs_no_isolate(language: str, forms: str) -> None:
    before, after = SENTENCES[language]
    for form in forms:
        assert ON_SCREEN[form] in on_screen(before + line(DateStyle("fa", form=form)) + after)


def test_without_its_isolate_the_english_date_would_be_torn() -> None:
    # Guards the tests above: the renderer used here does reorder what is not isolated.
    bare = line(DateStyle("fa", form="2")).replace("\u2066", "").replace("\u2069", "")
    assert "30 September 2018" not in get_display(bare)
