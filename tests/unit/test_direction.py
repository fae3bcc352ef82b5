"""PRODUCT 1.3 to 1.6, point by point: where lines begin, what is isolated, what is live and what is not."""

from typing import Any

import pytest
from bidi import get_display

from bot.model import Language
from bot.render import lay_out, render
from bot.text.persian import FSI, LRI, LRM, PDI, RLI, RLM
from tests.builders import a_channel, a_post, a_subscription, an_entry
from tests.tdlib import live


def lines(template: str, entry: Any = None, **channel: Any) -> list[str]:
    subscription = a_subscription(channel=a_channel(**channel), template_text=template)
    (message,) = render(a_post(entry or an_entry(title="x")), subscription)
    return message.text.split("\n")


# --- 3. direction of lines -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["fa", "en"])
@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("ماه کامل", ""),
        ("A full moon", ""),
        ("NASA عکسی از ماه داد", RLM),
        ("ماه: a garden of the sky", LRM),
        ("#1 ماه کامل", ""),
        ("۱۴۰۵", ""),
    ],
    ids=["persian", "english", "latin-first", "persian-first", "neutral-first", "no-letters"],
)
def test_lines_of_text_take_the_direction_of_their_dominant_script(text: str, mark: str, language: Language) -> None:
    """A mark only where the first strong letter differs, whatever the channel; in title, summary and body alike."""
    entry = an_entry(title=text, content=f"<p>One.</p><p>{text}</p>", tags=())
    title, *_, last = lines("{{ title }}\n\n{{ content }}", entry, language=language)
    assert title == mark + text
    if text != title:
        assert last == mark + text or last == "One."


@pytest.mark.parametrize(("language", "mark"), [("fa", RLM), ("en", LRM)])
def test_furniture_takes_the_direction_of_the_channel(language: Language, mark: str) -> None:
    other = {"fa": "Sky", "en": "آسمان"}[language]
    assert lay_out(f"{other} 1\n1 2\n{FSI}{other}{PDI}", language).text.split("\n") == [
        f"{mark}{other} 1", f"{mark}1 2", f"{mark}{FSI}{other}{PDI}"
    ]  # fmt: skip


def test_names_and_titles_within_furniture_are_isolated() -> None:
    entry = an_entry(author="Sara", tags=("نجوم",))
    assert lines("نوشتهٔ {{ author }}: {{ tags }}", entry) == [f"نوشتهٔ {FSI}Sara{PDI}: {FSI}نجوم{PDI}"]


# --- 4. hashtags, handles, commands --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "footer", "expected"),
    [
        ("fa", "@mychannel", f"{RLM}{LRI}@mychannel{PDI}"),
        ("fa", "جستجو: /search", f"جستجو: {LRI}/search{PDI}"),
        ("fa", "#نجوم #Space", f"{RLM}#نجوم {LRI}#Space{PDI}"),
        ("en", "@mychannel #نجوم", f"@mychannel {RLI}#نجوم{PDI}"),
        ("en", "/search", "/search"),
    ],
)
def test_what_reads_the_other_way_is_isolated_and_stays_live(language: Language, footer: str, expected: str) -> None:
    (line,) = lines("{{ footer }}", language=language, footer=footer)
    assert line == expected
    sigils = [word for word in footer.split() if word[0] in "@#/"]
    assert [text for _, text in live(line)] == sigils


def test_a_persian_line_of_hashtags_is_shown_in_its_order() -> None:
    """What people see, by the Unicode algorithm: first things at the right."""
    (line,) = lines("{{ hashtags }}", an_entry(tags=("نجوم", "Space")), language="fa")
    seen = get_display(line.replace(RLM, ""), base_dir="R")
    assert seen.index("#Space") < seen.index("موجن")


# --- 5. live things ------------------------------------------------------------------------------------------


def test_live_things_of_a_feed_are_quiet_and_those_of_the_operator_are_not() -> None:
    words = "@sara #moon /start $MOON"
    entry = an_entry(title=words, content=f"<p>{words}</p>", author=words, tags=())
    template = "{{ title }}\n{{ summary }}\n{{ content }}\n{{ author }}\n{{ source }}"
    subscription = a_subscription(channel=a_channel(language="en", source=True), template_text=template)
    (message,) = render(a_post(entry, feed_title=words), subscription)
    assert live(message.text) == []
    own = lines(f"{words}\n{{{{ footer }}}}", language="en", footer=words)
    assert [text for line in own for _, text in live(line)] == words.split() * 2


# --- 6. separators -------------------------------------------------------------------------------------------


def test_a_hashtag_never_grows_by_a_dot() -> None:
    """Telegram takes U+00B7 for a letter of a hashtag."""
    (line,) = lines("{{ hashtags }} · #own", an_entry(tags=("sky·watch", "moon")), language="en")
    assert [text for _, text in live(line)] == ["#sky_watch", "#moon", "#own"]
    (line,) = lines("{{ tags | hashtags }} · {{ footer }}", an_entry(tags=("moon",)), language="en", footer="")
    assert line == "#moon"
