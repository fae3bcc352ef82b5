"""What templates may say: the names, the filters, the layout ``full``, and lines that vanish."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.model import FeedKind, Length, Message
from bot.render import TEMPLATES, check_template, render
from bot.render.filters import FILTERS
from bot.render.templates import JINJA_FILTERS
from bot.render.values import NAMES
from bot.text.persian import FSI, LRI, LRM, PDI, RLI, RLM
from tests.builders import a_channel, a_feed, a_post, a_subscription, an_entry
from tests.tdlib import accepted

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
GARDEN = an_entry(
    title="A garden in autumn",
    link="https://garden.example/autumn",
    published=AT,
    author="Sara Roshan",
    content="<p>Leaves are food for the soil. Leave them.</p><p>Plant tulips now.</p>",
    tags=("Gardens", "باغ", "Autumn leaves"),
)


def said(template: str, entry: Any = GARDEN, *, feed: Any = None, post: Any = None, **channel: Any) -> Message:
    """One message of a template of the operator, in English."""
    route = a_channel(**{"language": "en", "source": True, **channel})
    subscription = a_subscription(feed=feed, channel=route, template_text=template, tags={"باغ": "Garden"})
    (message,) = render(a_post(entry, feed_title="Garden Notes", **(post or {})), subscription)
    assert accepted(message.text, message.entities) == (message.text, message.entities)
    return message


def spans(message: Message, kind: str) -> list[str]:
    units = message.text.encode("utf-16-le")
    return [
        units[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le")
        for entity in message.entities
        if entity.type == kind
    ]


# --- full ----------------------------------------------------------------------------------------------------


def test_the_full_template_is_laid_out_as_the_product_shows_it() -> None:
    expected = {
        "en": (
            "A garden in autumn\n"
            f"By {FSI}Sara Roshan{PDI}\n"
            f"Monday, 23 November 2026, 09:30 ({RLI}۲ آذر ۱۴۰۵{PDI})\n"
            "\n"
            "Leaves are food for the soil. Leave them.\n"
            "\n"
            "Plant tulips now.\n"
            "\n"
            f"Source: {FSI}Garden Notes{PDI}\n"
            "#Gardens #Garden #Autumn_leaves\n"
            "@garden"
        ),
        "fa": (
            "A garden in autumn\n"
            f"نوشتهٔ {FSI}Sara Roshan{PDI}\n"
            f"{RLM}دوشنبه ۲ آذر ۱۴۰۵، ساعت ۰۹:۳۰ ({RLI}۲۳ نوامبر ۲۰۲۶{PDI})\n"
            "\n"
            "Leaves are food for the soil. Leave them.\n"
            "\n"
            "Plant tulips now.\n"
            "\n"
            f"منبع: {FSI}Garden Notes{PDI}\n"
            f"{RLM}{LRI}#Gardens{PDI} #باغ {LRI}#Autumn_leaves{PDI}\n"
            f"{RLM}{LRI}@garden{PDI}"
        ),
    }
    for language, text in expected.items():
        message = said(TEMPLATES["full"], language=language, footer="@garden")
        assert message.text == text
        assert spans(message, "text_link") == ["A garden in autumn", "Garden Notes"]
        assert spans(message, "bold") == ["A garden in autumn"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"date_only": True, "published": datetime(2026, 11, 22, 20, 30, tzinfo=UTC)}, "Monday, 23 November 2026 ("),
        ({"published": None}, "Monday, 23 November 2026 ("),
        ({}, "Monday, 23 November 2026, 09:30 ("),
    ],
    ids=["civil-day", "no-date-in-the-feed", "moment"],
)
def test_a_time_is_shown_only_where_the_feed_gives_one(changes: dict[str, Any], expected: str) -> None:
    message = said(TEMPLATES["full"], an_entry(**{"published": AT, **changes}))
    assert expected in message.text


def test_a_long_text_stands_open_at_first_and_then_in_one_quote() -> None:
    paragraphs = [f"Bed {number} is {'very ' * 50}dry." for number in range(5)]
    entry = an_entry(title="Beds", content="".join(f"<p>{text}</p>" for text in paragraphs))
    message = said(TEMPLATES["full"], entry)
    (quote,) = spans(message, "expandable_blockquote")
    assert quote == "\n\n".join(paragraphs[2:])
    assert "\n\n".join(paragraphs[:2]) + "\n" + quote in message.text


def test_one_paragraph_without_end_is_folded_behind_a_sentence() -> None:
    text = " ".join(f"Row {number} has tulips and {'many ' * 12}weeds." for number in range(16))
    message = said(TEMPLATES["full"], an_entry(title="Rows", content=f"<p>{text}</p>"))
    (quote,) = spans(message, "expandable_blockquote")
    assert quote.startswith("Row ")
    assert " ".join((text[: text.index(quote)].strip(), quote)) == text


def test_links_below_the_pictures_of_a_gallery_are_left_out() -> None:
    links = "".join(f"<p><a href='/{number}.jpg?x=1'>View fullsize</a></p>" for number in range(3))
    text = f"<p>Frost.</p>{links}<p><a href='/plan.png'>The plan</a></p>"
    assert said("{{ content }}", replace(GARDEN, content=text)).text == "Frost.\n\nThe plan"


@pytest.mark.parametrize("end", ["[...]", " [&hellip;]", "(…)"])
def test_a_text_that_its_feed_tears_ends_in_an_ellipsis(end: str) -> None:
    assert said("{{ content }}", replace(GARDEN, content=f"<p>Leaves are food{end}</p>")).text == "Leaves are food…"


@pytest.mark.parametrize(
    ("author", "shown"),
    [
        ("Sara Roshan <sara@garden.example>", f"By {FSI}Sara Roshan{PDI}"),
        ("sara@garden.example (Sara Roshan)", f"By {FSI}Sara Roshan{PDI}"),
        ("https://garden.example/ Sara", f"By {FSI}Sara{PDI}"),
        ("sara@garden.example", "now"),
    ],
)
def test_an_author_is_a_name_and_no_address(author: str, shown: str) -> None:
    message = said("{{ t('By') }} {{ author }}\nnow", replace(GARDEN, author=author))
    assert message.text.split("\n")[0] == shown


def test_what_nobody_filed_is_no_hashtag_unless_the_operator_says_so() -> None:
    entry = replace(GARDEN, tags=("Uncategorized", "بدون دسته‌بندی", "Non classé", "Garden"))
    assert said("{{ hashtags }}", entry).text == "#Garden"
    fixed = a_subscription(
        channel=a_channel(language="en"), template_text="{{ hashtags }}", hashtags=("Uncategorized",)
    )
    (message,) = render(a_post(entry), fixed)
    assert message.text == "#Uncategorized #Garden"


def test_a_title_that_the_text_repeats_is_said_once() -> None:
    for content in ("<h1>A Garden in autumn</h1><p>Leaves.</p>", "<p>A garden in autumn</p><p>Leaves.</p>"):
        text = said("{{ title }}\n\n{{ content }}", an_entry(title="A garden in autumn", content=content)).text
        assert text == "A garden in autumn\n\nLeaves."


def test_a_post_without_a_title_begins_with_its_first_sentence_and_does_not_repeat_it() -> None:
    entry = an_entry(title=None, content="<p>Frost tonight. Cover the <b>roses</b>.</p><p>Water later.</p>")
    assert said("<b>{{ title }}</b>\n\n{{ content }}", entry).text == (
        "Frost tonight.\n\nCover the roses.\n\nWater later."
    )
    assert said("<b>{{ title }}</b>\n\n{{ summary }}", entry).text == (
        "Frost tonight.\n\nCover the roses. Water later."
    )


def test_a_post_without_any_words_is_named_after_its_feed() -> None:
    message = said("<b>{{ title | link }}</b>\n{{ content }}", an_entry(title=None, content="<img src=x.jpg>"))
    assert (message.text, spans(message, "text_link")) == ("Garden Notes", ["Garden Notes"])


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_old_posts_say_so_in_every_template_that_ships(name: str) -> None:
    for language, words in (("fa", "از آرشیو · "), ("en", "From the archive · ")):
        text = said(TEMPLATES[name], post={"is_old": True}, language=language).text
        assert next(line for line in text.split("\n")[1:] if line.startswith(words))


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_a_channel_that_wants_no_dates_has_none_in_any_template(name: str) -> None:
    assert "2026" not in said(TEMPLATES[name], date="none").text


# --- names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("author", f"{LRM}{FSI}Sara Roshan{PDI}"),
        ("content", "Leaves are food for the soil. Leave them.\n\nPlant tulips now."),
        ("date", f"Monday, 23 November 2026 ({RLI}۲ آذر ۱۴۰۵{PDI})"),
        ("event_date", f"Sunday, 22 November 2026 ({RLI}۱ آذر ۱۴۰۵{PDI})"),
        ("footer", "@garden"),
        ("hashtags", "#Gardens #Garden #Autumn_leaves"),
        ("link", "https://garden.example/autumn"),
        ("occasion", "From the archive"),
        ("published", f"Monday, 23 November 2026, 09:30 ({RLI}۲ آذر ۱۴۰۵{PDI})"),
        ("source", f"{LRM}{FSI}Garden Notes{PDI}"),
        ("summary", "Leaves are food for the soil. Leave them. Plant tulips now."),
        ("tags", f"{LRM}{FSI}Gardens{PDI} {FSI}Garden{PDI} {FSI}Autumn leaves{PDI}"),
        ("title", "A garden in autumn"),
    ],
)
def test_each_name_stands_for_a_value_of_the_post(name: str, expected: str) -> None:
    dated = replace(GARDEN, content=(GARDEN.content or "").replace("<p>", '<p data-event-date="2026-11-22">', 1))
    feed = a_feed(kind=FeedKind.ARCHIVE)
    assert said(f"{{{{ {name} }}}}", dated, feed=feed, footer="@garden").text == expected


def test_every_name_and_filter_is_explained_and_has_its_test() -> None:
    told = (Path(__file__).resolve().parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
    for name in [*NAMES, *FILTERS, *JINJA_FILTERS]:
        assert f"`{name}" in told, name
    tests = Path(__file__).read_text(encoding="utf-8")
    for name in [*FILTERS, *JINJA_FILTERS]:
        assert f"| {name}" in tests, name


def test_a_feed_of_the_web_cannot_say_what_day_it_tells_of() -> None:
    entry = an_entry(content='<p data-event-date="2026-11-22">x</p>')
    assert said("{{ title }} · {{ event_date }}", entry).text == "Moon number 1"


def test_the_source_leads_to_the_feeds_own_page() -> None:
    for post, url in (({"feed_home": "https://home.example/"}, "https://home.example/"), ({}, "https://sky.example/")):
        (link,) = said("{{ source }}", an_entry(), post=post).entities
        assert link.url == url


# --- filters -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ published | date('compact') }}", "Mon 23 Nov 2026 · 2 Azar 1405 AP"),
        ("{{ published | date(4) }}", f"{RLM}۱۴۰۵ آذر ۲, دوشنبه"),
        ("{{ title | truncate(9) }}", "A garden…"),
        ("{{ content | truncate(31) }}", "Leaves are food for the soil. …"),
        ("{{ tags | hashtags(2) }}", "#Gardens #Garden"),
        ("{{ 'spring bulbs' | hashtags }}", "#spring_bulbs"),
        ("{{ author | upper }}", f"{LRM}{FSI}SARA ROSHAN{PDI}"),
        ("{{ title | lower }}", "a garden in autumn"),
        ("{{ title | replace('autumn', 'spring') }}", "A garden in spring"),
        ("{{ tags | join(', ') }}", f"{LRM}{FSI}Gardens{PDI}, {FSI}Garden{PDI}, {FSI}Autumn leaves{PDI}"),
        ("{{ tags | first }} {{ tags | last }}", f"{LRM}{FSI}Gardens{PDI} {FSI}Autumn leaves{PDI}"),
        ("{{ tags | length }} {{ title | length }}", f"{LRM}3 18"),
        ("{{ '  x ' | trim }}{{ '' | default('y', true) }}", "xy"),
        ("{{ title | link('https://example.org/') }}", "A garden in autumn"),
    ],
)
def test_each_filter_changes_what_it_is_given(template: str, expected: str) -> None:
    assert said(template).text == expected


def test_letters_are_changed_between_the_tags_and_not_in_them() -> None:
    message = said("{{ title | link | upper | replace('GARDEN', '<b>&') }}")
    assert message.text == "A <b>& IN AUTUMN"
    assert [entity.url for entity in message.entities] == ["https://garden.example/autumn"]


def test_anything_can_lead_to_the_post_or_elsewhere() -> None:
    message = said(
        "{{ t('Source') | link }} {{ author | link('https://sara.example/') }} {{ 'x' | link('javascript:y') }}"
    )
    assert [entity.url for entity in message.entities] == ["https://garden.example/autumn", "https://sara.example/"]


def test_a_template_cannot_look_into_records_of_ours() -> None:
    for text in ("{{ content.rich }}", "{{ published._post }}", "{{ tags[0].word }}", "{{ t.__globals__ }}"):
        (problem,) = check_template(text)
        assert "unsafe" in problem.message


def test_a_template_must_be_good_for_a_post_that_has_nothing() -> None:
    for text in ("{{ tags[0] }}", "x\n{{ author.split(' ')[1] }}"):
        (problem,) = check_template(text)
        assert "cannot be filled in" in problem.message
    assert check_template("{{ tags | first }}{{ tags | last }}{{ author }}{{ event_date | date('compact') }}") == []


def test_a_post_that_breaks_a_template_comes_in_another_layout() -> None:
    """Every example has one tag or none; a third is what it cannot divide by."""
    template = "{{ title }} {{ 1 / (3 - tags | length) }}"
    assert check_template(template) == []
    assert said(template).text.startswith(f"A garden in autumn\nMonday, 23 November 2026 ({RLI}")


# --- lines that vanish ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ title }}\n{{ t('By') }} {{ author }}\nx", "T\nx"),
        ("{{ title }} · {{ t('By') }}: {{ author }}", "T"),
        ("{{ t('By') }}: {{ author }} {{ title }}", "T"),
        ("{{ author }} · {{ title }} · {{ author }}", "T"),
        ("{{ title }}\n\n{{ author }}\n\n\nx", "T\n\nx"),
        ("<i>{{ author }} · {{ title }}</i>", "T"),
        ("· x ·", "· x ·"),
    ],
    ids=["line", "dangling-label", "label-before", "separators", "blank-runs", "tags-stay", "no-variable"],
)
def test_what_stood_round_an_empty_value_goes_with_it(template: str, expected: str) -> None:
    message = said(template, an_entry(title="T", author=None))
    assert message.text == expected
    assert spans(message, "italic") == (["T"] if "<i>" in template else [])


def test_separators_and_labels_of_the_post_itself_stay() -> None:
    content = "<p>Note:</p><p>· one · two ·</p>"
    assert said("{{ title }}\n{{ content }}", an_entry(title="a · b:", content=content)).text == (
        "a · b:\nNote:\n\n· one · two ·"
    )


def test_blank_lines_within_code_stay() -> None:
    content = "<pre>one\n\n\n  two</pre>"
    assert said("{{ content }}", an_entry(content=content), length=Length.CUT).text == "one\n\n\n  two"
