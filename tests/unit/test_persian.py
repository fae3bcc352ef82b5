"""Folding, cleaning, direction and hashtags: what must change, and what must not."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import persian
from bot.text.persian import FSI, LRI, LRM, PDI, RLI, RLM, ZWNJ

ARABIC_YE, ARABIC_KAF = "\u064a", "\u0643"
PERSIAN_TEXT = st.text(
    st.sampled_from(
        "ابپیكکيةهۀئأآؤءگ می۱۲٣4aZé\u200c\u200d\u0640\u064b\u0651\u0654\u0653\u0301\u00a0\u200f\u2067\u2069…²ﻻ"
    )
    | st.characters(exclude_categories=["Cs"]),
    max_size=30,
)


def test_digits_of_both_scripts_become_ascii_and_nothing_else_does() -> None:
    assert persian.normalise_digits("۱۳۹۷ و ١٤٤٠ و 2018 و ²") == "1397 و 1440 و 2018 و ²"


def test_ascii_digits_become_persian_or_arabic() -> None:
    assert persian.to_persian_digits("۸ Mehr 1397") == "۸ Mehr ۱۳۹۷"
    assert persian.to_arabic_digits("1397") == "١٣٩٧"


def test_a_clean_line_has_plain_spaces_and_no_invisible_marks() -> None:
    assert persian.clean_line("\ufeff\u200f  باغ\u00a0 \u2009گل\u00ad\u2067ها\u2069\t") == "باغ گلها"


def test_a_line_of_one_hard_space_is_blank() -> None:
    assert persian.clean_line("\u00a0") == ""


def test_joiners_that_spell_words_stay_in_a_clean_line() -> None:
    assert persian.clean_line("می\u200cروم ه\u200d.ش.") == "می\u200cروم ه\u200d.ش."


def test_controls_are_stripped_and_line_feeds_stay() -> None:
    assert persian.strip_controls("a\x00b\tc\nd\x1b\x7f\x85e\r\n") == "ab c\nde\n"


@pytest.mark.parametrize(
    "mark",
    [
        *"\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
        chr(0xD800),
        chr(0xDFFF),
        "\ufdd0",
        "\uffff",
    ],
    ids=ascii,
)
def test_what_reorders_or_breaks_a_message_is_stripped(mark: str) -> None:
    assert persian.strip_controls(f"ماه{mark} moon") == "ماه moon"


def test_line_separators_that_telegram_deletes_become_spaces() -> None:
    assert persian.strip_controls("moon\u2028rise") == "moon rise"


def test_what_spells_words_and_emoji_is_not_stripped() -> None:
    text = "می\u200cروم ه\u200d.ش. 👩\u200d🌾 ☀\ufe0f naïve"
    assert persian.strip_controls(text) == text


def test_arabic_letters_are_displayed_as_persian_in_persian_text_only() -> None:
    text = f"{ARABIC_KAF}تاب{ARABIC_YE}\u00a0…"
    assert persian.display(text, "fa") == "کتابی …"
    for language in ("ar", "ckb", "en", None):
        assert persian.display(text, language) == f"{ARABIC_KAF}تاب{ARABIC_YE} …"


def test_display_keeps_spelling_lines_and_typography() -> None:
    text = "می\u200cروم\nخانهٔ ما… x²"
    assert persian.display(text, "fa") == text
    assert persian.display(f"\u200f\u2067{text}\u2069", "fa") == text


SAME_WORDS = {
    "ye-kaf": ("كتابي", "کتابی"),
    "alef-maksura": ("موسى", "موسی"),
    "he-hamza": ("خانهٔ", "خانه"),
    "he-ye": ("خانۀ", "خانه"),
    "te-marbuta": ("دایرة", "دایره"),
    "alef-hamza": ("أحمد", "احمد"),
    "alef-below": ("إنسان", "انسان"),
    "alef-wasla": ("ٱسمان", "اسمان"),
    "waw-hamza": ("مؤمن", "مومن"),
    "tatweel": ("مـــاه", "ماه"),
    "harakat": ("مَاهُ", "ماه"),
    "tanwin": ("حتماً", "حتما"),
    "digits": ("۱۳۹۷ ١٤٤٠", "1397 1440"),
    "zwnj": ("می\u200cروم", "می روم"),
    "zwj": ("ه\u200d.ش.", "ه.ش."),
    "ligature": ("ﻻله", "لاله"),
    "case": ("MOON Straße", "moon strasse"),
    "wide": ("ＭＯＯＮ", "moon"),
    "ye-hamza": ("پا\u06cc\u0654یز", "پائیز"),
    "spaces": (" ماه\u00a0\u2003نو\n", "ماه نو"),
    "bidi": ("\u200fماه\u2069", "ماه"),
    "presentation-form": ("\ufee3\ufe8e\ufee9", "ماه"),
    "ligature-of-a-word": ("\ufdfa", "صلی الله علیه وسلم"),
    "dotless-ye": ("على", "علی"),
    "kurdish-he": ("ھەنگاو", "ههنگاو"),
    "superscript": ("m²", "m2"),
    "soft-hyphen": ("calen\u00addar", "calendar"),
    "decomposed": ("Cafe\u0301", "café"),
    "madda-of-two": ("ا\u0653ب", "آب"),
}
#: What search keeps apart and the key does not: spaces, joiners, punctuation.
SAME_KEYS = {
    "joiner-or-none": ("می\u200cروم", "میروم"),
    "space-or-none": ("می روم", "میروم"),
    "plural": ("باغ\u200cها", "باغها"),
    "era": ("ه\u200d.ش.", "هش"),
    "dots": ("U.S.", "US"),
    "quotes": ("«ماه نو»!", "ماه نو"),
    "dashes": ("آسمان\u2013شب", "آسمان شب"),
    "ellipsis": ("باغ\u2026", "باغ"),
    "comma-of-either-script": ("ماه، باغ", "ماه, باغ"),
}


@pytest.mark.parametrize(("written", "same_as"), SAME_WORDS.values(), ids=SAME_WORDS.keys())
def test_two_spellings_of_a_word_fold_alike(written: str, same_as: str) -> None:
    assert persian.search_fold(written) == persian.search_fold(same_as)
    assert persian.key_fold(written) == persian.key_fold(same_as)


@pytest.mark.parametrize(("written", "same_as"), SAME_KEYS.values(), ids=SAME_KEYS.keys())
def test_two_writings_of_a_title_have_one_key(written: str, same_as: str) -> None:
    assert persian.key_fold(written) == persian.key_fold(same_as)
    assert persian.search_fold(written) != persian.search_fold(same_as)


@pytest.mark.parametrize(
    ("one", "other"),
    [("آن", "ان"), ("پائیز", "پاییز"), ("می روم", "میروم")],
    ids=["alef-madda", "ye-hamza", "space"],
)
def test_search_keeps_what_tells_words_apart(one: str, other: str) -> None:
    assert persian.search_fold(one) != persian.search_fold(other)


def test_the_key_ignores_all_but_letters_and_digits() -> None:
    keys = {persian.key_fold(text) for text in ("می\u200cروم!", "می روم", "«ميروم»", "می\u200cروم…")}
    assert keys == {"میروم"}


@given(PERSIAN_TEXT)
def test_folding_twice_is_folding_once(text: str) -> None:
    folded = persian.search_fold(text)
    assert persian.search_fold(folded) == folded
    assert persian.key_fold(folded) == persian.key_fold(text)
    assert persian.clean_line(persian.clean_line(text)) == persian.clean_line(text)
    assert persian.strip_controls(persian.strip_controls(text)) == persian.strip_controls(text)


@given(PERSIAN_TEXT)
def test_folding_ignores_the_arabic_keyboard(text: str) -> None:
    typed = text.replace("ی", ARABIC_YE).replace("ک", ARABIC_KAF)
    if "\u0654" not in text:  # a hamza on the Arabic ye is another letter
        assert persian.search_fold(typed) == persian.search_fold(text)


# --- direction ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("moon ماه", "ltr"),
        ("ماه moon", "rtl"),
        ("۱۳۹۷/۰۷/۰۸ (2018)", None),
        ("«12» ماه", "rtl"),
        (f"{LRI}moon{PDI} ماه", "rtl"),
        (f"{FSI}ماه{RLI}نو{PDI}{PDI} moon", "ltr"),
        (f"{RLI}ماه", None),
        (f"{PDI}moon", "ltr"),
        (f"{RLM}moon", "rtl"),
        (f"{LRM}ماه", "ltr"),
        ("👩 #نجوم", "rtl"),
        ("", None),
    ],
)
def test_the_first_strong_character_outside_isolates_sets_the_direction(text: str, direction: str | None) -> None:
    assert persian.first_strong(text) == direction


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("Telescope برای همه کودکان ایران", "rtl"),
        ("ماه: a full moon over the hills", "ltr"),
        ("ab اب", "ltr"),
        ("اب ab", "rtl"),
        (f"{RLM}{RLM} a", "ltr"),
        ("2018 · ۱۳۹۷", None),
        ("", None),
    ],
)
def test_the_dominant_direction_is_that_of_most_letters(text: str, direction: str | None) -> None:
    assert persian.dominant_direction(text) == direction


def test_isolates_take_the_direction_they_are_given() -> None:
    assert persian.isolate("x", "ltr") == "\u2066x\u2069"
    assert persian.isolate("x", "rtl") == "\u2067x\u2069"
    assert persian.isolate("x", None) == "\u2068x\u2069"


# --- hashtags -----------------------------------------------------------------------------------------------

HASHTAGS = {
    "word": ("نجوم", "#نجوم"),
    "spaces": ("آسمان شب", "#آسمان_شب"),
    "zwnj": ("کتاب\u200cخانه", "#کتاب_خانه"),
    "arabic-letters": ("كتابي", "#کتابی"),
    "hamza-mark": ("خانهٔ ما", "#خانه_ما"),
    "harakat": ("مَاه", "#ماه"),
    "tatweel": ("مـاه", "#ماه"),
    "hash-already": ("#نجوم", "#نجوم"),
    "latin": ("Night Sky", "#Night_Sky"),
    "accent": ("Café", "#Café"),
    "decomposed-accent": ("Cafe\u0301", "#Café"),
    "punctuation": ("R&D / C++", "#R_D_C"),
    "apostrophe": ("Newton’s apple", "#Newtons_apple"),
    "digits": ("Apollo 11", "#Apollo_11"),
    "persian-digits": ("سال ۱۳۹۷", "#سال_۱۳۹۷"),
    "edges": ("  -moon-  ", "#moon"),
    "bidi": ("\u200fماه\u2069", "#ماه"),
    "emoji": ("moon 🌕 rise", "#moon_rise"),
    "zwj": ("ه\u200d.ش", "#ه_ش"),
    "digits-only": ("2018", None),
    "underscore-only": ("_", None),
    "empty": ("", None),
    "emoji-only": ("🌕", None),
}


@pytest.mark.parametrize(("text", "expected"), HASHTAGS.values(), ids=HASHTAGS.keys())
def test_a_hashtag_is_one_that_telegram_takes_whole(text: str, expected: str | None) -> None:
    assert persian.hashtag(text) == expected


@given(PERSIAN_TEXT)
def test_every_hashtag_is_letters_digits_and_underscores(text: str) -> None:
    tag = persian.hashtag(text * 20)
    if tag is not None:
        assert tag.startswith("#")
        assert 1 <= len(tag) - 1 <= persian.HASHTAG_MAX
        assert all(
            unicodedata.category(character)[0] in "L" or character.isdecimal() or character == "_"
            for character in tag[1:]
        )
        assert any(character.isalpha() for character in tag)


def test_a_long_hashtag_is_cut_where_telegram_would_cut_it() -> None:
    assert persian.hashtag("x" * 300) == "#" + "x" * 256


def test_the_names_of_marks_are_the_marks() -> None:
    marks = [unicodedata.name(mark) for mark in (RLM, LRM, LRI, RLI, FSI, PDI, ZWNJ)]
    assert marks == [
        *("RIGHT-TO-LEFT MARK", "LEFT-TO-RIGHT MARK", "LEFT-TO-RIGHT ISOLATE", "RIGHT-TO-LEFT ISOLATE"),
        *("FIRST STRONG ISOLATE", "POP DIRECTIONAL ISOLATE", "ZERO WIDTH NON-JOINER"),
    ]


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_letters_fold_as_they_do_beside_others(text: str) -> None:
    assert persian.search_fold(text) == persian.search_fold(text + "\u200f")
