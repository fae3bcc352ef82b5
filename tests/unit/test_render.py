"""From a post to a message: PRODUCT section 3's layouts, directions and vanishing lines, character by character."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Calendar, Entity, FeedKind, Message, SummaryOptions
from bot.render import TEMPLATES, check_template, lay_out, render
from bot.text.persian import FSI, LRI, LRM, PDI, RLI, RLM
from bot.text.richtext import utf16_length
from tests.builders import a_channel, a_feed, a_post, a_subscription, an_entry
from tests.tdlib import accepted, live

MOON = an_entry(
    title="ماه کامل بر فراز تپه‌ها",
    link="https://sky.example/moon",
    published=datetime(2026, 11, 23, 6, 0, tzinfo=UTC),
    language="fa",
    content="<p>ماه امشب کامل است. با دوربین دوچشمی هم می‌توان دید.</p>",
    tags=("نجوم", "آسمان شب", "Space"),
)
FULL_MOON = an_entry(
    title="A full moon over the hills",
    link="https://sky.example/full",
    published=datetime(2026, 11, 23, 6, 0, tzinfo=UTC),
    language="en",
    content="<p>The moon is full tonight. Binoculars are enough.</p>",
    tags=("astronomy", "Space", "نجوم"),
)


def rendered(entry: Any = FULL_MOON, *, post: dict[str, Any] | None = None, **channel: Any) -> Message:
    subscription = a_subscription(channel=a_channel(**{"source": True, "footer": "@mychannel", **channel}))
    (message,) = render(a_post(entry, feed_title="Sky Notes", **(post or {})), subscription)
    return message


def test_a_persian_post_is_laid_out_as_the_product_shows_it() -> None:
    assert rendered(MOON).text == (
        "ماه کامل بر فراز تپه‌ها\n"
        f"{RLM}دوشنبه ۲ آذر ۱۴۰۵ ({RLI}۲۳ نوامبر ۲۰۲۶{PDI})\n"
        "\n"
        "ماه امشب کامل است. با دوربین دوچشمی هم می‌توان دید.\n"
        "\n"
        f"منبع: {FSI}Sky Notes{PDI}\n"
        f"{RLM}#نجوم #آسمان_شب {LRI}#Space{PDI}\n"
        f"{RLM}{LRI}@mychannel{PDI}"
    )


def test_an_english_post_is_laid_out_as_the_product_shows_it() -> None:
    assert rendered(FULL_MOON, language="en").text == (
        "A full moon over the hills\n"
        f"Monday, 23 November 2026 ({RLI}۲ آذر ۱۴۰۵{PDI})\n"
        "\n"
        "The moon is full tonight. Binoculars are enough.\n"
        "\n"
        f"Source: {FSI}Sky Notes{PDI}\n"
        f"#astronomy #Space {RLI}#نجوم{PDI}\n"
        "@mychannel"
    )


def test_the_title_is_bold_and_leads_to_the_article() -> None:
    message = rendered(language="en")
    length = len("A full moon over the hills")
    assert set(message.entities) == {
        Entity("text_link", 0, length, url="https://sky.example/full"),
        Entity("bold", 0, length),
        Entity("text_link", message.text.index("Sky Notes"), 9, url="https://sky.example/"),
    }


def test_the_compact_template_is_two_lines_without_a_preview() -> None:
    message = rendered(an_entry(title="Moon"), language="en", template="compact", footer="")
    assert message.text == f"Moon\nFri 20 Nov 2026 · 29 Aban 1405 AP · {FSI}Sky Notes{PDI}"


def test_a_channel_without_source_and_footer_has_no_such_lines() -> None:
    message = rendered(an_entry(tags=()), source=False, footer="", language="en")
    assert message.text.endswith("Binoculars are enough to see it.")
    assert "Source" not in message.text


def test_a_post_without_words_is_its_title_and_date() -> None:
    message = rendered(an_entry(content=None), source=False, footer="", language="en")
    assert message.text == f"Moon number 1\nFriday, 20 November 2026 ({RLI}۲۹ آبان ۱۴۰۵{PDI})"


def test_without_a_title_the_first_sentence_stands_for_it_and_is_not_repeated() -> None:
    words = "<p>The comet is back after sixty years. It rises before dawn in the east. Bring a warm coat.</p>"
    lines = rendered(an_entry(title=None, content=words), language="en").text.split("\n")
    assert lines[0] == "The comet is back after sixty years."
    assert "comet" not in "".join(lines[1:])
    assert "It rises before dawn" in lines[3]


@pytest.mark.parametrize(
    ("post", "kind"),
    [({"is_old": True}, FeedKind.HTTP), ({}, FeedKind.ARCHIVE)],
    ids=["found-by-the-first-reading", "from-an-archive"],
)
def test_old_posts_say_so_and_come_without_sound(post: dict[str, Any], kind: FeedKind) -> None:
    subscription = a_subscription(feed=a_feed(kind=kind), channel=a_channel())
    (message,) = render(a_post(MOON, **post), subscription)
    assert message.text.split("\n")[1].startswith("از آرشیو · دوشنبه ۲ آذر")
    assert message.silent


def test_a_live_post_comes_with_sound_unless_the_channel_is_silent() -> None:
    assert not rendered().silent
    assert rendered(silent=True).silent


def test_each_line_of_text_takes_the_direction_of_its_own_script() -> None:
    """A Persian title that begins with a Latin word is still a Persian line, and the other way round."""
    persian_line = rendered(an_entry(title="NASA تصویر تازه‌ای از ماه منتشر کرد", content=None), language="en")
    assert persian_line.text.startswith(f"{RLM}NASA")
    english_line = rendered(an_entry(title="ماه: a garden of the night sky", content=None))
    assert english_line.text.startswith(f"{LRM}ماه")


def test_marks_stay_outside_of_links_and_styles() -> None:
    message = rendered(an_entry(title="NASA تصویر تازه‌ای از ماه منتشر کرد", content=None), source=False)
    assert message.text[0] == RLM
    assert {entity.offset for entity in message.entities} == {1}


def test_feed_text_never_becomes_live() -> None:
    message = rendered(an_entry(title="Ask @everyone about /start, #one and $MOON", content=None, tags=()), footer="")
    assert live(message.text) == []


def test_direction_marks_of_the_feed_do_not_come_through() -> None:
    message = rendered(an_entry(title="abc \u202edef\u2067 ghi", content=None), language="en")
    assert message.text.split("\n")[0] == "abc def ghi"


def test_a_date_without_a_time_is_that_civil_day_in_every_zone() -> None:
    day = an_entry(published=datetime(2026, 11, 22, 20, 30, tzinfo=UTC), date_only=True)
    for zone in ("Asia/Tehran", "Pacific/Honolulu", "Pacific/Kiritimati"):
        message = rendered(day, language="en", timezone=zone, calendars=(Calendar.GREGORIAN,))
        assert "Monday, 23 November 2026" in message.text


def test_a_post_around_midnight_has_the_date_of_its_channels_zone() -> None:
    late = an_entry(published=datetime(2026, 11, 21, 20, 31, tzinfo=UTC))
    style: dict[str, Any] = {"language": "en", "calendars": (Calendar.GREGORIAN,)}
    assert "22 November 2026" in rendered(late, timezone="Asia/Tehran", **style).text
    assert "21 November 2026" in rendered(late, timezone="UTC", **style).text


def test_a_post_without_a_date_is_dated_when_it_was_first_seen() -> None:
    message = rendered(an_entry(published=None), language="en", calendars=(Calendar.GREGORIAN,))
    assert "Monday, 23 November 2026" in message.text


def test_keywords_that_only_spaces_part_are_no_hashtag() -> None:
    keywords = "moon full moon lunar eclipse november sky telescope binoculars"
    entry = an_entry(tags=(keywords, "garden of the night"))
    text = render(a_post(entry), a_subscription(channel=a_channel(language="en")))[0].text
    assert "#garden_of_the_night" in text
    assert "binoculars" not in text.split("#", 1)[1]


def test_hashtags_are_counted_without_the_fixed_ones_and_each_comes_once() -> None:
    entry = an_entry(tags=("One", "two", "Two", "three", "four"))
    subscription = a_subscription(channel=a_channel(language="en", hashtags=2), hashtags=("garden", "One"))
    (message,) = render(a_post(entry), subscription)
    assert message.text.split("\n")[-1] == "#garden #One #two #three"


def test_one_taxonomy_serves_two_languages() -> None:
    tags = {"تاریخ": "History"}
    for language, expected in (("fa", f"{RLM}#تاریخ"), ("en", "#History")):
        subscription = a_subscription(channel=a_channel(language=language), tags=tags)
        for word in ("history", "تاريخ"):
            (message,) = render(a_post(an_entry(tags=(word,))), subscription)
            assert message.text.split("\n")[-1] == expected


def test_a_summary_may_be_shorter_or_off() -> None:
    words = "<p>" + " ".join(f"Sentence number {n} speaks of the garden in spring." for n in range(12)) + "</p>"
    short = rendered(an_entry(content=words), language="en", summary=SummaryOptions(sentences=1, max_chars=600))
    assert short.text.count("Sentence number") == 1
    assert "Sentence" not in rendered(an_entry(content=words), language="en", summary=None).text


def test_a_forum_topic_goes_with_the_message() -> None:
    assert rendered(thread=12).thread == 12


# --- templates of the operator -------------------------------------------------------------------------------


def with_template(text: str, **changes: Any) -> Message:
    subscription = a_subscription(channel=a_channel(language="en", **changes), template_text=text)
    (message,) = render(a_post(FULL_MOON, feed_title="Sky Notes"), subscription)
    return message


def test_a_template_of_the_operator_decides_the_layout() -> None:
    assert with_template("{{ hashtags }}\n{{ title | upper }} ({{ published | date('compact') }})").text == (
        f"#astronomy #Space {RLI}#نجوم{PDI}\nA FULL MOON OVER THE HILLS (Mon 23 Nov 2026 · 2 Azar 1405 AP)"
    )


def test_a_line_whose_values_are_all_empty_vanishes_with_its_words() -> None:
    assert with_template("{{ title }}\nwritten by {{ author }}\n\n\n{{ footer }}\nend").text == (
        "A full moon over the hills\n\nend"
    )


def test_separators_with_nothing_beside_them_go() -> None:
    assert with_template("{{ author }} · {{ title }} · {{ footer }}").text == "A full moon over the hills"


def test_markup_of_a_template_cannot_be_refused() -> None:
    message = with_template("<b><i>{{ title }}</b> <blink>x</blink> <a href='javascript:alert(1)'>y</a> < & {{ link }}")
    assert accepted(message.text, message.entities)
    assert all(entity.url is None for entity in message.entities)


def test_a_quote_over_several_lines_stays_one_quote() -> None:
    message = lay_out("<blockquote>one\ntwo\nسه</blockquote>\n<pre>a b\n c</pre>", "fa")
    assert [entity.type for entity in message.entities] == ["blockquote", "pre"]
    assert accepted(message.text, message.entities)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a\n{{ titel }}", 2, "unknown name 'titel'"),
        ("a\nb\n{{ title | lnk }}", 3, "No filter named 'lnk'"),
        ("{{ title", 1, "unexpected end of template"),
        ("{% if title %}", 1, "Unexpected end of template"),
        ("{{ title | date('full') }}", 1, "the filter 'date' takes 'published'"),
        ("{{ title.__class__.__mro__ }}", 1, "unsafe"),
        ("a\n\n{{ link / 2 }}", 3, "cannot be filled in"),
        ("{{ title.colour }}", 1, "cannot be filled in (the value has no attribute 'colour'); correct it"),
    ],
    ids=["name", "filter", "open", "unclosed-if", "wrong-value", "sandbox", "type", "attribute"],
)
def test_a_template_with_a_mistake_is_found_before_any_post_comes(text: str, line: int, message: str) -> None:
    (problem,) = check_template(text)
    assert problem.line == line
    assert message in problem.message


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_the_templates_that_ship_have_no_mistake(name: str) -> None:
    assert check_template(TEMPLATES[name]) == []


# --- anything --------------------------------------------------------------------------------------------------

WORDS = st.text(
    st.sampled_from("abc ماه‌تپه۱۲3.،؟!?#@/$<>&\"'\n\t\u200c\u200f\u202e\u2066\u2069\u0000\ud800😀👩‍🚀e\u0301_-"),
    max_size=80,
)


@given(
    title=WORDS,
    content=WORDS,
    tag=WORDS,
    footer=WORDS,
    language=st.sampled_from(["fa", "en"]),
    name=st.sampled_from(sorted(TEMPLATES)),
)
def test_whatever_a_feed_says_telegram_takes_the_message_as_it_is(
    title: str, content: str, tag: str, footer: str, language: Any, name: str
) -> None:
    entry = an_entry(title=title or None, content=f"<p>{content}</p>", tags=(tag,))
    subscription = a_subscription(channel=a_channel(language=language, footer=footer, source=True, template=name))
    for message in render(a_post(entry, feed_title=title), subscription):
        assert 0 < utf16_length(message.text) <= 4096
        assert accepted(message.text, message.entities) == (message.text, message.entities)


def test_with_local_time_each_reader_sees_the_moment_in_their_own_zone() -> None:
    message = rendered(FULL_MOON, language="en", local_time=True)
    (moment,) = [entity for entity in message.entities if entity.type == "date_time"]
    assert (moment.unix_time, moment.date_time_format) == (int(datetime(2026, 11, 23, 6, tzinfo=UTC).timestamp()), "Dt")
    assert accepted(message.text, message.entities) == (message.text, message.entities)
    assert message.text == rendered(FULL_MOON, language="en").text


def test_a_civil_day_has_no_moment_to_show() -> None:
    day = an_entry(published=datetime(2026, 11, 22, 20, 30, tzinfo=UTC), date_only=True)
    assert "date_time" not in {entity.type for entity in rendered(day, local_time=True).entities}


def test_a_post_from_the_future_is_dated_when_it_was_first_seen() -> None:
    ahead = an_entry(published=datetime(2027, 11, 23, tzinfo=UTC))
    assert "23 November 2026" in rendered(ahead, language="en").text
