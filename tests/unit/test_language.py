"""Which language a post is in: by its letters first, by its declaration where they do not tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.language import detect

TITLES = {
    "fa": [
        "ماه کامل بر فراز تپه\u200cها",
        "چگونه گل سرخ بکاریم",
        "در باغ ما چه خبر است",
        "تقويم سال نو را از كجا بگيريم",  # typed on an Arabic keyboard
        "آموزش نجوم با Python",
        "بارش شهابی اسدی امشب",
        "سلام",
    ],
    "ar": [
        "القمر بدر فوق التلال",
        "كيف تزرع الورد في الحديقة",
        "التقويم الهجري لهذا العام",
        "رصد النجوم من سطح البيت",
        "هذه أول ليلة من الربيع",
        "دليل مراقبة الكواكب مع Stellarium",
    ],
    "ckb": [
        "مانگ لە سەر گردەکان هەڵات",
        "چۆن گوڵ بچێنین",
        "ڕۆژژمێری ساڵی نوێ",
        "ئاسمانی شەو",
        "باخچەکەمان لە بەهاردا",
    ],
    "kmr": [
        "Heyva nû li ser çiyayan derket",
        "Kulîlkên bihara nû",
        "Teleskopa xwe çêke",
        "Salnameya rojê û heyvê",
        "Roja me di nav stêran de stêrkek e",
    ],
    "en": [
        "A full moon over the hills",
        "How to plant roses",
        "Café at the observatory: Brötzmann’s telescope",
        "Calendars",
        "The word نوروز and its calendar",
    ],
    "und": ["Луна над холмами", "丘の上の満月", "🌕 2018", ""],
}


@pytest.mark.parametrize(
    ("title", "language"), [(title, language) for language, titles in TITLES.items() for title in titles]
)
def test_a_title_alone_tells_its_language(title: str, language: str) -> None:
    assert detect(title, "", None) == language


@pytest.mark.parametrize("declared", ["en", "en-US", "fa", "fa-IR", "ar", None, "", "English"])
@pytest.mark.parametrize("language", ["fa", "ar", "ckb", "kmr", "en"])
def test_letters_overrule_a_declaration_that_they_contradict(language: str, declared: str | None) -> None:
    title, body = TITLES[language][0], " ".join(TITLES[language])
    assert detect(title, body, declared) == language


@pytest.mark.parametrize(
    ("title", "declared", "language"),
    [
        ("Der Mond über den Hügeln", "de", "de"),
        ("Der Mond scheint", "de-AT", "de"),
        ("La lune au-dessus des collines", "fr_FR", "fr"),
        ("La fête des êtres", "fr", "fr"),
        ("Bahçede ilkbahar", "TR", "tr"),
        ("Ay", "ku", "kmr"),
        ("Луна над холмами", "ru", "ru"),
        ("Луна над холмами", "en", "und"),
        ("丘の上の満月", "ja-JP", "ja"),
        ("چاند پہاڑوں پر", "ur", "ur"),
        ("د سپوږمۍ رڼا", "ps", "ps"),
        ("محمد", "ar", "ar"),
        ("محمد", "fa", "fa"),
        ("محمد", None, "fa"),
        ("2018", "fa-IR", "fa"),
        ("Moon", "fa", "en"),
    ],
)
def test_a_declaration_decides_where_letters_do_not(title: str, declared: str | None, language: str) -> None:
    assert detect(title, "", declared) == language


def test_the_body_helps_a_title_in_another_language() -> None:
    body = "در این نوشته می\u200cگوییم که نرم\u200cافزار آسمان\u200cنما را چگونه باید نصب کرد و چه نشان می\u200cدهد."
    assert detect("Stellarium 24", body, None) == "fa"


def test_only_the_beginning_of_the_body_counts() -> None:
    assert detect("The moon", "The garden. " * 25 + "ماه " * 1000, None) == "en"


@given(st.text(max_size=60), st.text(max_size=60), st.none() | st.text(max_size=6))
def test_any_text_has_an_answer(title: str, body: str, declared: str | None) -> None:
    answer = detect(title, body, declared)
    assert answer.isalpha()
    assert answer == answer.lower()
    assert 2 <= len(answer) <= 3
