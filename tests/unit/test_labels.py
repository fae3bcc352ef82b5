"""The words of ours: plural rules and digits of each language; a third language is one .po file away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from bot import labels
from bot.labels import direction_of, translator
from bot.model import FeedKind, Length
from bot.render import TEMPLATES, render
from tests.builders import a_channel, a_feed, a_post, a_subscription, an_entry
from tests.tdlib import accepted

PERSIAN = labels.FOLDERS[0] / "fa" / "LC_MESSAGES" / "qasedak.po"


@pytest.fixture
def polish(tmp_path: Path) -> Iterator[Catalog]:
    """A pseudo-language: every label in braces of its own, with the three plural forms of Polish."""
    with PERSIAN.open("rb") as text:
        known = [message for message in read_po(text) if message.id]
    catalog = Catalog(locale="pl")
    for message in known:
        if isinstance(message.id, str):
            catalog.add(message.id, f"‹{message.id}›")
        else:
            catalog.add(message.id, tuple(f"‹{form}: {message.id[1]}›" for form in ("one", "few", "many")))
    path = tmp_path / "pl" / "LC_MESSAGES" / "qasedak.po"
    path.parent.mkdir(parents=True)
    with path.open("wb") as out:
        write_po(out, catalog)
    labels.FOLDERS.append(tmp_path)
    labels.catalog.cache_clear()
    yield catalog
    labels.FOLDERS.remove(tmp_path)
    labels.catalog.cache_clear()


def test_a_third_language_is_one_file_away(polish: Catalog) -> None:
    t = translator("pl")
    for message in polish:
        if isinstance(message.id, str) and message.id:
            assert t(message.id) == f"‹{message.id}›"
    forms = [t("On this day, {years} year ago", "On this day, {years} years ago", years=years) for years in (1, 2, 5)]
    assert forms == [
        "‹one: On this day, 1 years ago›", "‹few: On this day, 2 years ago›", "‹many: On this day, 5 years ago›"
    ]  # fmt: skip


@pytest.mark.usefixtures("polish")
@pytest.mark.parametrize("name", list(TEMPLATES))
def test_messages_speak_the_third_language(name: str) -> None:
    """``Language`` names the two of feeds.yaml; nothing below it knows that there are no others."""
    language: Any = "pl"
    channel = a_channel(language=language, template=name, source=True, length=Length.SPLIT)
    entry = an_entry(author="Sara", content="<p>The moon is full tonight.</p>" * 300)
    messages = render(a_post(entry), a_subscription(a_feed(kind=FeedKind.ARCHIVE), channel))
    said = "\n".join(message.text for message in messages)
    assert "‹From the archive›" in said
    assert "20 Nov" in said
    if name != "compact":
        assert "‹Source›: " in said
    if name == "full":
        assert "‹By› " in said
        assert "‹(1/3)›" in messages[0].text
    assert all(accepted(message.text, message.entities) == (message.text, message.entities) for message in messages)


def test_a_language_without_a_file_speaks_english() -> None:
    assert translator("xx")("Source") == translator("eo")("Source") == "Source"
    said = [
        translator("en")("On this day, {years} year ago", "On this day, {years} years ago", years=n) for n in (1, 3)
    ]
    assert said == ["On this day, 1 year ago", "On this day, 3 years ago"]


def test_numbers_in_labels_have_the_digits_of_the_language() -> None:
    for language, shown in (("fa", "(۲ از ۱۰)"), ("en", "(2/10)"), ("ckb", "(٢/١٠)"), ("xx", "(2/10)")):
        assert translator(language)("({number}/{count})", number=2, count=10) == shown
    persian = translator("fa")("On this day, {years} year ago", "On this day, {years} years ago", years=8)
    assert persian == "در چنین روزی، ۸ سال پیش"


def test_lines_begin_where_the_language_begins() -> None:
    assert {language: direction_of(language) for language in ("fa", "he", "ckb", "en", "pl", "xx")} == {
        "fa": "rtl", "he": "rtl", "ckb": "rtl", "en": "ltr", "pl": "ltr", "xx": "ltr"
    }  # fmt: skip
