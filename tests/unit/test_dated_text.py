"""The grammar of dated text: headers, roles of lines, flags, and ids that outlive every copy of a file."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Flag
from bot.sources import dated_text
from bot.sources.dated_text import guid, parse, to_entry
from bot.sources.line_roles import Role
from bot.text import markup, persian
from tests.builders_archive import SKY, Written, dump, header

TEHRAN = ZoneInfo("Asia/Tehran")
DAY = date(2018, 9, 30)
HEADER = "۱۳۹۷ مهر ۸, یکشنبه"
OLDER = "۱۳۹۷ مهر ۱, یکشنبه"


def days(text: str) -> list[date | None]:
    return [post.day for post in parse(text)]


def roles(*blocks: str, title: str = "ماه نو") -> list[tuple[str, str]]:
    (post,) = parse("\n\n".join((HEADER, title, *blocks)))
    return [(line.role.value, line.text) for line in post.lines]


def flags(text: str) -> list[tuple[Flag, ...]]:
    return [post.flags for post in parse(text)]


# --- headers -----------------------------------------------------------------------------------------------


def test_a_post_is_a_header_a_title_and_its_lines() -> None:
    (post,) = parse(f"{HEADER}\n\nماه نو\n\nامشب آسمان تاریک است.\n")
    assert (post.day, post.title, post.number, post.flags) == (DAY, "ماه نو", 1, ())
    assert [(line.role, line.text) for line in post.lines] == [(Role.PARAGRAPH, "امشب آسمان تاریک است.")]


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(HEADER, id="cldr"),
        pytest.param("۱۳۹۷ میزان ۸, یکشنبه", id="afghan"),
        pytest.param("یکشنبه، ۸ مهر ۱۳۹۷", id="weekday_first"),
        pytest.param("۸ مهر ۱۳۹۷", id="no_weekday"),
        pytest.param("۱۳۹۷/۰۷/۰۸", id="jalali_figures"),
        pytest.param("2018-09-30", id="iso"),
        pytest.param("30/09/2018", id="day_month_year"),
        pytest.param("Sunday, September 30, 2018", id="english"),
        pytest.param("یکشنبه ۳۰ سپتامبر ۲۰۱۸", id="gregorian_in_persian"),
        pytest.param("8 Mehr 1397", id="latin_jalali"),
    ],
)
def test_the_form_of_the_first_line_is_the_files_own(form: str) -> None:
    assert days(f"{form}\n\nMoon\n\nIt is new.") == [DAY]


def test_text_above_the_first_header_belongs_to_no_post() -> None:
    text = f"Notes on sky and garden\n\n{HEADER}\n\nMoon\n\nIt is new.\n\n{OLDER}\n\nAutumn\n\nIt is here."
    assert [post.title for post in parse(text)] == ["Moon", "Autumn"]


def test_without_a_first_line_the_commonest_lonely_date_with_a_weekday_is_the_form() -> None:
    body = "It is new.\n\nMonday, 1 October 2018\n\nIt is thin."
    text = f"Notes\n\n{HEADER}\n\nMoon\n\n{body}\n\n{OLDER}\n\nAutumn\n\nIt is here."
    assert days(text) == [DAY, date(2018, 9, 23)]


def test_a_date_of_another_form_stays_in_the_body() -> None:
    found = roles("It is new.", "September 29, 2018", "It will be full.")
    assert found[1] == ("body_date", "September 29, 2018")


def test_a_lonely_date_of_another_calendar_stays_in_the_body_however_well_it_is_written() -> None:
    assert roles("It is new.", "Saturday, September 29, 2018", "It will be full.")[1][0] == "body_date"


def test_a_header_glued_to_the_line_above_is_none() -> None:
    assert days(f"{HEADER}\n\nMoon\n\nIt is new.\n{OLDER}\n\nMore.") == [DAY]


def test_a_date_inside_a_line_is_prose() -> None:
    assert roles(f"{OLDER} پاییز آمد.") == [("paragraph", f"{OLDER} پاییز آمد.")]


def test_another_form_of_the_same_calendar_is_a_header_when_it_stands_alone_with_the_right_weekday() -> None:
    text = f"{HEADER}\n\nMoon\n\nIt is new.\n\nیکشنبه ۱ مهر ۱۳۹۷\n\nAutumn\n\nIt is here."
    assert days(text) == [DAY, date(2018, 9, 23)]
    assert flags(text) == [(), (Flag.FOREIGN_DIALECT,)]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("جمعه ۱ مهر ۱۳۹۷", id="wrong_weekday"),
        pytest.param("۱ مهر ۱۳۹۷", id="no_weekday"),
        pytest.param("یکشنبه ۱ مهر ۱۳۹۷\nپاییز آمد.", id="not_alone"),
    ],
)
def test_another_form_is_no_header_when_anything_is_missing(line: str) -> None:
    assert days(f"{HEADER}\n\nMoon\n\nIt is new.\n\n{line}\n\nIt is here.") == [DAY]


def test_a_date_right_below_a_header_is_the_title() -> None:
    (post,) = parse(f"{HEADER}\n\nیکشنبه ۸ مهر ۱۳۹۷\n\nIt is new.")
    assert post.title == "یکشنبه ۸ مهر ۱۳۹۷"


def test_a_header_above_nothing_is_no_post() -> None:
    assert days(f"{HEADER}\n\n{OLDER}\n\nAutumn\n\nIt is here.\n\n۱۳۹۷ شهریور ۱۶, جمعه\n") == [date(2018, 9, 23)]


def test_a_line_too_long_for_a_title_is_the_text_of_a_post_without_one() -> None:
    (post,) = parse(f"{HEADER}\n\n{'The moon is new. ' * 20}")
    assert post.title is None
    assert [line.role for line in post.lines] == [Role.PARAGRAPH]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"{HEADER}\n\nMoon", True, id="dump"),
        pytest.param("The moon is new.\n\nIt is dark.", False, id="prose"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_dated_text_is_told_by_its_headers(text: str, expected: bool) -> None:
    assert dated_text.looks_like(text) is expected


# --- flags -------------------------------------------------------------------------------------------------


def test_a_wrong_weekday_is_flagged_and_the_day_stays() -> None:
    text = "۱۳۹۷ مهر ۸, جمعه\n\nMoon\n\nIt is new."
    assert days(text) == [DAY]
    assert flags(text) == [(Flag.WEEKDAY_MISMATCH,)]


@pytest.mark.parametrize(
    "form",
    [
        pytest.param("۱۴۰۴ اسفند ۳۰, جمعه", id="no_leap_year"),
        pytest.param("۱۳۹۷ مهر ۳۱, دوشنبه", id="month_of_thirty_days"),
    ],
)
def test_an_impossible_day_still_begins_a_post(form: str) -> None:
    text = f"{HEADER}\n\nMoon\n\nIt is new.\n\n{form}\n\nNowhere\n\nNo such day."
    assert days(text) == [DAY, None]
    assert flags(text) == [(), (Flag.INVALID_DATE,)]
    entry = to_entry(parse(text)[1], TEHRAN, None)
    assert (entry.published, entry.date_only) == (None, False)


def test_the_thirtieth_of_esfand_exists_in_leap_years() -> None:
    assert days("۱۴۰۳ اسفند ۳۰, پنجشنبه\n\nLeap\n\nOne more day.") == [date(2025, 3, 20)]


def test_a_newer_post_below_an_older_one_is_flagged() -> None:
    order = [date(2018, 9, 30), date(2018, 9, 15), date(2018, 9, 23), date(2018, 9, 7)]
    text = dump(Written(day, f"Day {day.day}", ("It was dark.",)) for day in order)
    assert flags(text) == [(), (), (Flag.ORDER_BREAK,), ()]


def test_a_file_that_is_oldest_first_has_an_order_of_its_own() -> None:
    order = [date(2018, 9, 7), date(2018, 9, 23), date(2018, 9, 15), date(2018, 9, 30)]
    text = dump(Written(day, f"Day {day.day}", ("It was dark.",)) for day in order)
    assert flags(text) == [(), (), (Flag.ORDER_BREAK,), ()]


# --- several posts under one header ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "footer",
    [
        pytest.param("Posted by Sara at 10:30 PM", id="english"),
        pytest.param("Posted by Sara at 10:30 p.m.\n\nNo comments:\n\nLabels: moon, sky", id="whole_footer"),
        pytest.param("ارسال شده توسط سارا در ۱۰:۳۰ ب.ظ", id="persian"),
        pytest.param("در ساعت ۲۲:۳۰", id="time"),
        pytest.param("۳ نظر:", id="comments"),
        pytest.param("هیچ نظری موجود نیست:", id="no_comments"),
        pytest.param("برچسب\u200cها: ماه، آسمان", id="labels"),
    ],
)
def test_a_footer_parts_two_posts_of_one_day(footer: str) -> None:
    posts = parse(f"{HEADER}\n\nMoon\n\nIt is new.\n\n{footer}\n\nGarden\n\nIt rests.\n\n{footer}\n")
    assert [(post.day, post.title, post.flags) for post in posts] == [(DAY, "Moon", ()), (DAY, "Garden", ())]
    assert [post.lines[0].text for post in posts] == ["It is new.", "It rests."]
    assert all(line.role is Role.FOOTER for post in posts for line in post.lines[1:])


def test_headings_alone_do_not_part_posts() -> None:
    assert len(parse(f"{HEADER}\n\nMoon\n\nIt is new.\n\nThe garden\n\nIt rests.\n\nThe river\n\nIt is low.")) == 1


def test_a_byline_above_the_text_is_no_footer() -> None:
    found = roles("Posted by Sara", "The moon is new.\nThe sky is dark.")
    assert [role for role, _ in found] == ["byline", "paragraph", "paragraph"]


def test_prose_that_begins_like_a_footer_is_prose() -> None:
    assert roles("It is new.", "در ساعت ۸ شب ماه طلوع می\u200cکند.", "It sets.")[1][0] == "paragraph"


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param(("The garden\nBy Sara", "It rests."), id="one_block"),
        pytest.param(("The garden", "By Sara", "It rests."), id="two_blocks"),
        pytest.param(("The garden\nBy Sara\nIt rests.",), id="with_its_text"),
        pytest.param(("Posted by Sara", "The garden rests."), id="footer_without_a_title_below"),
    ],
)
def test_weaker_signs_of_a_second_post_are_flagged(blocks: tuple[str, ...]) -> None:
    assert flags("\n\n".join((HEADER, "Moon", "It is new.", *blocks))) == [(Flag.MAYBE_MULTIPLE,)]


# --- roles -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        pytest.param(("Ｍoon\nIt is new.",), "title_dup paragraph", id="title_again_in_other_letters"),
        pytest.param(("What to see\nBy Sara", "It is new."), "lead byline paragraph", id="lead"),
        pytest.param(("It is worth a look.\nBy Sara", "It is new."), "lead byline paragraph", id="lead_sentence"),
        pytest.param(("Sky notes\nNo. 12", "It is new."), "lead lead paragraph", id="series"),
        pytest.param(("It is new.", "The garden", "It rests."), "paragraph heading paragraph", id="heading"),
        pytest.param(("It is new.", "The garden\nIt rests."), "paragraph heading paragraph", id="glued_heading"),
        pytest.param(("Why?\nIt is new.",), "paragraph paragraph", id="question"),
        pytest.param(("It is new.", "Sara"), "paragraph signature", id="signature"),
        pytest.param(("It is new.", "Sara\n29 September 2018"), "paragraph signature body_date", id="signed_and_dated"),
        pytest.param(("It is new.", "Half moon\nHalf moon"), "paragraph alt_dup caption", id="caption_twice"),
        pytest.param(
            ("It is new.", "On 1 May the garden opens\nOn 1 May, the garden opens"),
            "paragraph alt_dup caption",
            id="caption_nearly_twice",
        ),
        pytest.param(
            ("It is new.\nGarden\nGarden in rain\nIt rests.",), "paragraph alt_dup caption paragraph", id="alt"
        ),
        pytest.param(("It is new.", "عکس: ماه بر فراز باغ"), "paragraph caption", id="named_caption"),
        pytest.param(
            ("It is new.", "https://example.org/a.jpg\nThe moon above the garden"),
            "paragraph image caption",
            id="image",
        ),
        pytest.param(("It is new.", "https://example.org/about"), "paragraph link", id="link"),
        pytest.param(("ماه نو بر بام\nباغ در خواب", "رود در راه\nشب بر آب"), " ".join(["paragraph"] * 4), id="verse"),
        pytest.param(("New moon tonight",), "paragraph", id="one_bare_line"),
        pytest.param(("Bread\nSalt\nA candle", "It is new."), "lead lead lead paragraph", id="short_opening"),
        pytest.param(("It is new.", "Bread\nSalt", "It rests."), " ".join(["paragraph"] * 4), id="list"),
    ],
)
def test_every_line_has_its_role(blocks: tuple[str, ...], expected: str) -> None:
    assert " ".join(role for role, _ in roles(*blocks, title="MOON")) == expected


@pytest.mark.parametrize(
    ("opening", "dateline", "day"),
    [
        pytest.param("Shiraz, Sept. 14, 2018\u00a0- The", "Shiraz, Sept. 14, 2018 -", date(2018, 9, 14), id="place"),
        pytest.param("Sept. 13, 2018 \u2013 The", "Sept. 13, 2018 \u2013", date(2018, 9, 13), id="no_place"),
        pytest.param("2018-09-13\u2014The", "2018-09-13\u2014", date(2018, 9, 13), id="figures"),
        pytest.param("تهران، ۲۲ شهریور ۱۳۹۷ - The", "تهران، ۲۲ شهریور ۱۳۹۷ -", date(2018, 9, 13), id="persian"),
    ],
)
def test_a_dateline_is_cut_from_the_first_paragraph(opening: str, dateline: str, day: date) -> None:
    (post,) = parse(f"{HEADER}\n\nMoon\n\n{opening} moon is new.")
    assert [(line.role.value, line.text) for line in post.lines] == [
        ("dateline", dateline),
        ("paragraph", "The moon is new."),
    ]
    assert (post.day, post.event_date) == (DAY, day)
    assert to_entry(post, TEHRAN, None).content == f'<p data-event-date="{day}">The moon is new.</p>'


def test_a_dash_without_a_date_is_prose() -> None:
    assert roles("Shiraz, in autumn - the moon is new.") == [("paragraph", "Shiraz, in autumn - the moon is new.")]


def test_a_date_below_the_text_is_when_it_happened_and_not_when_it_was_posted() -> None:
    (post,) = parse(f"{HEADER}\n\nMoon\n\nIt is new.\n\nSara\nSeptember 29, 2018")
    assert (post.day, post.event_date) == (DAY, date(2018, 9, 29))


# --- entries -----------------------------------------------------------------------------------------------


def test_a_day_begins_in_the_zone_of_the_bot() -> None:
    (post,) = parse(f"{HEADER}\n\nMoon\n\nIt is new.")
    entry = to_entry(post, TEHRAN, "en")
    assert entry.published == datetime(2018, 9, 29, 20, 30, tzinfo=UTC)
    assert (entry.date_only, entry.language, entry.title) == (True, "en", "Moon")


@pytest.mark.parametrize("day", [date(2018, 3, 22), date(2022, 3, 22), date(2022, 9, 22)], ids=["gap", "last", "fold"])
def test_a_day_whose_midnight_the_clock_skipped_stays_that_day(day: date) -> None:
    (post,) = parse(f"{header(day)}\n\nMoon\n\nIt is new.")
    published = to_entry(post, TEHRAN, None).published
    assert published is not None
    assert published.astimezone(TEHRAN).date() == day


def test_roles_become_elements_and_text_is_escaped() -> None:
    lines = (
        "What <to> see\nBy Sara",
        'It is "new" & dark.',
        "Garden\n\nIt rests.",
        "https://example.org/a.jpg?b&c\nMoon > garden",
        "Half\nHalf moon",
        "Sara\n29 September 2018",
    )
    (post,) = parse("\n\n".join((HEADER, "MOON", *lines)))
    assert to_entry(post, TEHRAN, None).content == "\n".join(
        (
            "<header><h4>What &lt;to&gt; see</h4></header>",
            "<address>By Sara</address>",
            '<p data-event-date="2018-09-29">It is &quot;new&quot; &amp; dark.</p>',
            "<h3>Garden</h3>",
            "<p>It rests.</p>",
            '<figure><img src="https://example.org/a.jpg?b&amp;c" alt="Moon &gt; garden">'
            "<figcaption>Moon &gt; garden</figcaption></figure>",
            "<figure><figcaption>Half moon</figcaption></figure>",
            "<footer>Sara</footer>",
            "<footer>29 September 2018</footer>",
        )
    )


def test_only_paragraphs_are_the_text_of_an_entry() -> None:
    content = to_entry(parse(dump(SKY))[2], TEHRAN, None).content
    assert markup.plain(content or "").splitlines() == [
        "پیازها را بکارید.",
        "خاک را نم\u200cدار نگه دارید.",
        "روزهای گرم دو بار آب بدهید.",
    ]


def test_a_title_without_text_is_an_entry_without_content() -> None:
    (post,) = parse(f"{HEADER}\n\nMoon\n")
    assert to_entry(post, TEHRAN, None).content is None


# --- ids ---------------------------------------------------------------------------------------------------

TEXT = dump(SKY)
IDS = [guid(post) for post in parse(TEXT)]


def test_an_id_is_short_and_says_its_kind() -> None:
    assert [len(ident) for ident in IDS] == [20, 20, 20]
    assert all(ident.startswith("ar1-") and ident == ident.lower() for ident in IDS)
    assert len(set(IDS)) == 3
    assert to_entry(parse(TEXT)[0], TEHRAN, None).guid == IDS[0]


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(TEXT.replace("\n", "\r\n"), id="crlf"),
        pytest.param(TEXT.replace("\n", "\r"), id="cr"),
        pytest.param(TEXT.replace("\n", "\u2028"), id="line_separator"),
        pytest.param("\ufeff" + TEXT, id="byte_order_mark"),
        pytest.param(TEXT.replace("ی", "ي").replace("ک", "ك"), id="arabic_letters"),
        pytest.param(TEXT.translate(str.maketrans("۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩")), id="arabic_digits"),
        pytest.param(TEXT.replace("یکشنبه", "یک\u200cشنبه"), id="zwnj_weekday"),
        pytest.param(TEXT.replace("یکشنبه", "یک شنبه"), id="space_in_weekday"),
        pytest.param(TEXT.replace("\n", " \u00a0\n"), id="trailing_blanks"),
        pytest.param(TEXT.replace("\n\n", "\n\u00a0\n\n\n"), id="more_blank_lines"),
        pytest.param("\u200f" + TEXT.replace("\n", "\n\u200f"), id="direction_marks"),
        pytest.param(TEXT.rstrip("\n"), id="no_last_line_end"),
        pytest.param(TEXT.replace("تاریک می\u200cماند", "روشن است"), id="edited_body"),
        pytest.param(TEXT.replace("The first day of autumn", "THE FIRST DAY OF AUTUMN"), id="other_case"),
        pytest.param(TEXT.replace(", یکشنبه", "، یکشنبه"), id="persian_comma"),
    ],
)
def test_ids_outlive_how_a_file_is_written(copy: str) -> None:
    posts = parse(copy)
    assert [guid(post) for post in posts] == IDS
    assert [post.flags for post in posts] == [(), (), ()]
    assert [[line.role for line in post.lines] for post in posts] == [
        [line.role for line in post.lines] for post in parse(TEXT)
    ]


def test_a_post_put_above_changes_no_other_id() -> None:
    above = Written(date(2018, 10, 7), "باران", ("باران آمد.",)).text()
    assert [guid(post) for post in parse(f"{above}\n{TEXT}")][1:] == IDS


def test_one_day_and_title_twice_gives_two_ids_and_the_older_keeps_its_own() -> None:
    again = Written(SKY[0].day, SKY[0].title, ("ماه دوباره نو شد.",)).text()
    posts = parse(f"{again}\n{TEXT}")
    assert [post.number for post in posts] == [2, 1, 1, 1]
    assert [guid(post) for post in posts][1:] == IDS
    assert guid(posts[0]) not in IDS


def test_another_day_or_title_is_another_id() -> None:
    (post,) = parse(f"{HEADER}\n\nMoon\n\nIt is new.")
    others = parse(f"{HEADER}\n\nMoons\n\nIt is new.") + parse(f"{OLDER}\n\nMoon\n\nIt is new.")
    assert guid(post) not in [guid(other) for other in others]


# --- any text ----------------------------------------------------------------------------------------------

_LINES = st.sampled_from(
    [
        *("", "", "", "\u00a0", HEADER, OLDER, "۱۴۰۴ اسفند ۳۰, جمعه", "یکشنبه ۱ مهر ۱۳۹۷", "September 29, 2018"),
        *("Moon", "moon", "By Sara", "Posted by Sara", "۳ نظر:", "The garden", "Garden", "Sara"),
        *("https://example.org/a.png", "https://example.org/", "عکس: ماه", "Shiraz, 14 Sept 2018 - The moon is new."),
        *("It is new.", "The garden rests. " * 12, "باغ در خواب است.", "رود در راه", "<p>a & b</p>"),
    ]
)


def words(text: str) -> list[str]:
    return sorted(persian.clean_line(text).split())


@given(st.lists(_LINES | st.text(max_size=30), max_size=25), st.sampled_from(["\n", "\r\n", "\r", "\u2029"]))
def test_no_text_raises_and_no_word_of_a_post_is_lost(lines: list[str], line_end: str) -> None:
    posts = parse(line_end.join([HEADER, "", *lines]))
    kept = " ".join(f"{post.title or ''} {' '.join(line.text for line in post.lines)}" for post in posts)
    written = words(" ".join(lines))
    lost = [word for word in written if word not in words(kept)]
    headers = words(f"{HEADER} {OLDER} ۱۴۰۴ اسفند ۳۰, جمعه یکشنبه ۱ مهر ۱۳۹۷")
    assert [word for word in lost if word not in headers] == []
    for post in posts:
        entry = to_entry(post, TEHRAN, None)
        shown = words(markup.plain(entry.content or ""))
        for line in post.lines:
            if line.role is Role.PARAGRAPH and line.text.isascii() and line.text.isprintable():
                assert set(words(line.text)) <= set(shown)


@given(st.text(max_size=200))
def test_any_text_can_be_asked_about(text: str) -> None:
    assert dated_text.looks_like(text) or parse(text) == []
