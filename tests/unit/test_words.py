"""The form in which words are compared: the spellings of one Persian word meet, different words do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.words import LONGEST, words


def forms(text: str) -> list[str]:
    return [word.form for word in words(text)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("می\u200cروم", "می روم"),
        ("می\u200cروم", "میروم"),
        ("نمی\u200cبینم", "نمی بینم"),
        ("كتاب", "کتاب"),
        ("علي", "علی"),
        ("كتاب\u200cها", "کتاب ها"),
        ("کتاب\u200cهای", "کتابهای"),
        ("خانهٔ", "خانه\u200cی"),
        ("خانۀ", "خانه"),
        ("مسأله", "مساله"),
        ("مؤمن", "مومن"),
        ("۱۳۹۷", "1397"),
        ("١٣٩٧", "1397"),
        ("مُهر", "مهر"),
        ("کـــتاب", "کتاب"),
        ("ﻻله", "لاله"),
        ("CAFÉ", "cafe"),
        ("Straße", "strasse"),
    ],
    ids=[
        "zwnj-space", "zwnj-joined", "negation", "kaf", "ye", "plural-space", "plural-joined", "ezafe", "he-with-ye",
        "alef-hamza", "waw-hamza", "persian-digits", "arabic-digits", "harakat", "tatweel", "ligature", "accent",
        "sharp-s",
    ],
)  # fmt: skip
def test_spellings_of_one_word_have_one_form(one: str, other: str) -> None:
    assert forms(one) == forms(other)


@pytest.mark.parametrize(("one", "other"), [("آرام", "ارام"), ("مسئله", "مسله"), ("ماه", "ماهی")])
def test_different_words_stay_apart(one: str, other: str) -> None:
    assert forms(one) != forms(other)


def test_the_parts_of_a_joined_word_are_kept_for_those_who_write_one_of_them() -> None:
    (library,) = words("کتاب\u200cخانه")
    assert (library.form, library.parts) == ("کتابخانه", ("کتاب", "خانه"))


def test_punctuation_and_signs_part_words() -> None:
    assert forms("moon-rise, #باغ_گل (۳.۵)!") == ["moon", "rise", "باغ", "گل", "3", "5"]


@given(st.text(max_size=200))
def test_forms_are_letters_and_digits_and_never_too_long(text: str) -> None:
    for word in words(text):
        for form in (word.form, *word.parts):
            assert form.isalnum()
            assert len(form) <= LONGEST


@given(st.text(max_size=80))
def test_a_form_is_its_own_form(text: str) -> None:
    for form in forms(text):
        assert "".join(forms(form)) == form
