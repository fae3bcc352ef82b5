"""The ladder for long texts: ``cut``, ``quote``, ``split``; what is left out, what stays, and where the seams fall."""

import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model import Length, Message, SummaryOptions
from bot.render import render
from bot.text.cutting import cut, split
from bot.text.richtext import RichText, entities, utf16_length
from tests.builders import a_channel, a_post, a_subscription, an_entry
from tests.tdlib import accepted, live

ENGLISH = "Bed {} has tulips; they are red, and late. Water it <a href='https://garden.example/{}'>every evening</a>!"
PERSIAN = "باغچهٔ {} لاله دارد؛ سرخ‌اند، و دیر می‌رسند. آیا آبش دادید؟ <b>هر شب</b> آب می‌خواهد…"


def parts(content: str, *, limit: int = 4096, template: str = "full", **channel: Any) -> list[Message]:
    route = a_channel(**{"language": "en", "template": template, "source": True, "footer": "@garden", **channel})
    found = render(a_post(an_entry(content=content)), a_subscription(channel=route), limit_utf16=limit)
    for message in found:
        assert 0 < utf16_length(message.text) <= limit
        assert len(message.entities) <= 100
        assert accepted(message.text, message.entities) == (message.text, message.entities)
    return found


def paragraphs(sentence: str, count: int, of: int = 5) -> str:
    return "".join(
        "<p>" + " ".join(sentence.format(f"{number}{nth}", number) for nth in range(of)) + "</p>"
        for number in range(count)
    )


def words(text: str) -> list[str]:
    return re.findall(r"[\w\u200c]+", text)


def kinds(message: Message) -> set[str]:
    return {entity.type for entity in message.entities}


@pytest.mark.parametrize("length", list(Length))
def test_a_text_that_fits_is_one_message_with_all_of_it(length: Length) -> None:
    (message,) = parts(paragraphs(ENGLISH, 1), length=length)
    assert words(message.text).count("tulips") == 5
    assert "…" not in message.text
    assert "(1/" not in message.text


@pytest.mark.parametrize(("language", "sentence"), [("en", ENGLISH), ("fa", PERSIAN)])
def test_cut_leaves_text_out_at_the_end_of_a_sentence_and_nothing_below_it(language: str, sentence: str) -> None:
    (message,) = parts(paragraphs(sentence, 30), length=Length.CUT, language=language)
    assert utf16_length(message.text) > 3800
    assert re.search(r"([.!؟] …|[^ ]…)\n\n\S", message.text)
    assert message.text.rstrip("\u2069").endswith("@garden")
    assert "expandable_blockquote" not in kinds(message)


def test_quote_keeps_the_first_paragraphs_open_and_cuts_the_quote() -> None:
    (message,) = parts(paragraphs(ENGLISH, 30))
    (quote,) = [entity for entity in message.entities if entity.type == "expandable_blockquote"]
    inside = message.text[quote.offset : quote.offset + quote.length]
    assert inside.endswith("! …")
    assert message.text[: quote.offset].count("tulips") == 10
    assert message.text[quote.offset + quote.length :].startswith("\n\nSource: ")


def test_split_sends_all_of_it_with_the_title_first_and_the_footer_last() -> None:
    found = parts(paragraphs(ENGLISH, 30), length=Length.SPLIT)
    assert len(found) == 3
    assert [message.text.split("\n")[-1] for message in found] == [f"\u200e({n}/3)" for n in (1, 2, 3)]
    assert [("Moon number 1" in message.text, "@garden" in message.text) for message in found] == [
        (True, False), (False, False), (False, True)
    ]  # fmt: skip
    assert sum(message.text.count("tulips") for message in found) == 150


def test_parts_in_persian_are_numbered_in_persian() -> None:
    found = parts(paragraphs(PERSIAN, 30), length=Length.SPLIT, language="fa")
    assert [message.text.split("\n")[-1] for message in found] == [f"\u200f({n} از ۳)" for n in "۱۲۳"]


def test_a_text_without_end_is_ten_parts_and_says_that_it_goes_on() -> None:
    found = parts(paragraphs(ENGLISH, 900), length=Length.SPLIT)
    assert len(found) in (9, 10)
    assert re.search(r"[.!] …\n\nSource:", found[-1].text)


def test_more_entities_than_telegram_reads_are_not_sent_and_links_outlive_styles() -> None:
    content = "".join(f"<p><b>bed</b> <i>{n}</i> <a href='https://garden.example/{n}'>link</a></p>" for n in range(80))
    for length in (Length.CUT, Length.QUOTE):
        (message,) = parts(content, length=length)
        assert sum(entity.type == "text_link" for entity in message.entities) == 82
    found = parts(content, length=Length.SPLIT)
    assert len(found) == 3
    assert sum(entity.type == "italic" for message in found for entity in message.entities) == 80


def test_a_mention_whose_link_is_left_out_does_not_come_alive() -> None:
    content = "".join(f"<p>bed <a href='https://garden.example/{n}'>@sara{n}</a> is dry.</p>" for n in range(120))
    (message,) = parts(content)
    assert {kind for kind, text in live(message.text, message.entities) if text != "@garden"} <= {"MediaTimestamp"}
    (quote,) = [entity for entity in message.entities if entity.type == "expandable_blockquote"]
    assert message.text[quote.offset :].startswith("bed @")


def test_a_caption_is_shortened_to_a_sentence() -> None:
    """What ``media: photo`` asks for: the same message within 1,024."""
    options = SummaryOptions(sentences=20, max_chars=3000)
    leaves = (" ".join(f"leaf{number}{letter}" for letter in "abcdefgh") for number in range(30))
    content = "".join(f"<p>A {line} falls late.</p>" for line in leaves)
    (message,) = parts(content, limit=1024, template="default", summary=options)
    assert utf16_length(message.text) > 800
    assert re.search(r"late\.\n\nSource: |[.!] …\n\nSource: ", message.text)


def test_where_nothing_can_be_shortened_the_whole_is_cut() -> None:
    (message,) = render(a_post(an_entry(title="word " * 2000, content=None)), a_subscription(), limit_utf16=300)
    assert utf16_length(message.text) <= 300
    assert message.text.endswith("word…")


# --- seams ---------------------------------------------------------------------------------------------------

_WORDS = ["moon", "ماه", "می‌روم", "نور؛", "so,", "full.", "چرا؟", "آمد…", "👩‍🚀", "e\u0301té", "\u2068ماه moon\u2069"]


@st.composite
def marked_texts(draw: st.DrawFn) -> RichText:
    """Words with links, phrases and quotes of whole words, as feeds make them."""
    rich = RichText()
    for number in range(draw(st.integers(1, 40))):
        piece = RichText(" ".join(draw(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=3))))
        kind = draw(st.sampled_from([None, None, "bold", "text_link", "code"]))
        if kind:
            piece = piece.marked(kind, url="https://garden.example/" if kind == "text_link" else None)
        rich = piece if not number else rich + RichText(draw(st.sampled_from([" ", " ", " ", "\n", "\n\n"]))) + piece
    return rich


@settings(max_examples=40, deadline=None)
@given(marked_texts(), st.integers(90, 160), st.integers(6, 20))
def test_joined_parts_give_the_text_back_and_no_seam_is_within_anything(rich: RichText, limit: int, most: int) -> None:
    found = split(rich, limit, most)
    assert all(utf16_length(part.text) <= limit and len(entities(part)) <= most for part in found)
    assert "".join("".join(part.text for part in found).split()) == "".join(rich.text.split())
    at = 0
    for before, after in pairwise(found):
        at = rich.text.index(before.text, at) + len(before.text)
        assert rich.text[at].isspace()  # no word is parted, nor a grapheme
        assert before.text.count("\u2068") == before.text.count("\u2069")
        assert not any(span.type in ("text_link", "code") and span.start < at < span.end for span in rich.spans)
        assert after.text.strip() == after.text


@settings(max_examples=40, deadline=None)
@given(marked_texts(), st.integers(60, 160))
def test_a_cut_falls_outside_of_words_links_and_isolates(rich: RichText, limit: int) -> None:
    shorter = cut(rich, limit)
    if shorter == rich:
        return
    kept = len(shorter.text.removesuffix("…").rstrip())
    assert shorter.text[:kept] == rich.text[:kept]
    assert not rich.text[kept].isalnum()
    assert shorter.text.count("\u2068") == shorter.text.count("\u2069")
    for span in rich.spans:  # but for a comma that the ellipsis takes the place of
        if span.type in ("text_link", "code") and span.start < kept < span.end:
            assert not any(map(str.isalnum, rich.text[kept : span.end]))


def test_a_seam_prefers_a_sentence_to_a_clause_and_a_clause_to_a_word() -> None:
    for text, first in (
        ("Water the beds. Then rest, and look up", "Water the beds."),
        ("لاله‌ها را آب بده؛ سپس بنشین و ببین", "لاله‌ها را آب بده؛"),
        ("باغ کوچک من است، ولی پر از گل است", "باغ کوچک من است،"),
        ("Water the beds then rest and look up", "Water the beds then rest"),
    ):
        assert split(RichText(text), 26)[0].text == first


def test_a_link_longer_than_a_part_is_closed_and_opened_again() -> None:
    rich = RichText("moon " * 40).strip().marked("text_link", url="https://garden.example/")
    found = split(rich, 60)
    assert len(found) == 4
    assert all(span.url == "https://garden.example/" for part in found for span in part.spans)
    assert all((span.start, span.end) == (0, len(part)) for part in found for span in part.spans)
