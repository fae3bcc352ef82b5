"""Says which language a post is in: by its letters, a few words, and the feed's own word where letters cannot tell.

Tells apart what the product has to: fa, ar, ckb, kmr and en. Any other language is known by declaration only, and
undeclared text in Latin letters passes for English.
"""

import re
from collections import Counter
from typing import Literal

from bot.text.persian import ZWNJ

UNDETERMINED = "und"  #: ISO 639-2

_BODY_CHARS = 300
_SUBTAG = re.compile(r"\s*([A-Za-z]{2,3})(?![A-Za-z])")
_SAME = {"per": "fa", "fas": "fa", "prs": "fa", "ara": "ar", "eng": "en", "ku": "ku", "kur": "ku", "sdh": "ckb"}

_WORD = re.compile(r"[^\W\d_]+(?:\u200c[^\W\d_]+)*")
_ARABIC_LETTER = re.compile(
    "[\u0620-\u064a\u066e-\u06d3\u06d5\u06ee\u06ef\u06fa-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc]"
)
_LATIN_LETTER = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Written in Arabic letters too; without their declaration they would pass for Persian.
_OTHER_ARABIC_SCRIPT = frozenset(("ur", "ps", "sd", "ug", "azb", "mzn", "glk", "lrc", "bal", "pnb", "skr", "hac"))
#: Where text in Latin letters shows that the declaration does not speak of this post.
_NEVER_LATIN = _words(
    "fa ar ckb ur ps sd ug azb ru uk be bg mk el he yi hi bn ta te ml mr ne pa th lo my km ka hy am zh ja ko"
)
_OURS = frozenset(("fa", "ar", "ckb", "kmr", "ku", "en"))

_SORANI_LETTERS = frozenset("ڕڵۆێە")
_SORANI_ONSET = re.compile(r"\bئ")  # Sorani begins its vowels with it; Arabic and Persian words hardly ever do
_SORANI_SHARE = 0.05  # a fifth of Sorani is made of them; a Persian post may quote a Kurdish name
_PERSIAN_LETTERS = {"پ": 2, "چ": 2, "ژ": 2, "گ": 2, "ی": 1, "ک": 1, "ۀ": 1, ZWNJ: 2}
_ARABIC_LETTERS = {"ة": 2, "ى": 2, "أ": 1, "إ": 2, "ي": 1, "ك": 1, "ؤ": 1}
_WORD_WEIGHT = 3
_ARTICLE_WEIGHT = 2
# Words of one of the two only: "من", "به", "ما", "هم" are words of both.
_PERSIAN_WORDS = _words(
    "است از که در را با برای این آن تا یا های ها می شد شده کرد کند نیز شود بود خود دارد باید هر یک دو سه چه هست نیست "
    "شما ایشان اگر اما ولی چون پس روی زیر بالا همه هیچ دیگر کردن شدن بودن خواهد دهد داد ای"
)
_ARABIC_WORDS = _words(
    "في على إلى الى أن ان هذا هذه التي الذي عن مع كان كانت قد هو هي ذلك تلك كل ثم لم لن إن أو او عند منذ حول حتى لا "
    "يتم تم غير أي كما لكن"
)

_KURMANJI_LETTERS = frozenset("êîû")
_KURMANJI_WORDS = _words(
    "û ku jî yê yên xwe wî wê bû bûn kir kirin dike dikin ji heye tê ev ew wan li bi di de ser nav nû"
)
_KURMANJI_SHARE = 0.05
# Letters of languages that share some of Kurmanji's: French, Turkish, Romanian, German.
_NOT_KURMANJI = frozenset("éèàùëïâœæıığöüäßățñõãø")


def detect(title: str, body: str, declared: str | None) -> str:
    """The language of a post as a code of two or three letters; ``und`` where nothing tells.

    ``declared`` is the feed's or the entry's own word. It decides between languages that letters cannot tell
    apart, and yields where the letters contradict it.
    """
    text = f"{title} {body[:_BODY_CHARS]}".casefold()
    known = _primary(declared)
    match _script(text):
        case "arabic":
            return known if known in _OTHER_ARABIC_SCRIPT else _in_arabic_letters(text, known)
        case "latin":
            return _in_latin_letters(text, known)
        case "other":
            return UNDETERMINED if known is None or known in _OURS else known
    return known or UNDETERMINED


def _primary(declared: str | None) -> str | None:
    match = _SUBTAG.match(declared or "")
    if not match:
        return None
    subtag = match[1].lower()
    return _SAME.get(subtag, subtag)


def _script(text: str) -> Literal["arabic", "latin", "other"] | None:
    arabic, latin = len(_ARABIC_LETTER.findall(text)), len(_LATIN_LETTER.findall(text))
    other = sum(map(str.isalpha, text)) - arabic - latin
    if max(arabic, latin, other) <= 0:
        return None
    if other > arabic + latin:
        return "other"
    # Persian posts carry Latin names; English ones hardly ever carry so much Persian.
    return "arabic" if 2 * arabic >= latin else "latin"


def _in_arabic_letters(text: str, known: str | None) -> str:
    letters = Counter(text)
    sorani = sum(letters[letter] for letter in _SORANI_LETTERS) + len(_SORANI_ONSET.findall(text))
    if sorani >= _SORANI_SHARE * len(_ARABIC_LETTER.findall(text)):
        return "ckb"
    words = Counter(_WORD.findall(text))
    persian = sum(weight * letters.get(letter, 0) for letter, weight in _PERSIAN_LETTERS.items())
    persian += _WORD_WEIGHT * sum(n for word, n in words.items() if word in _PERSIAN_WORDS)
    arabic = sum(weight * letters.get(letter, 0) for letter, weight in _ARABIC_LETTERS.items())
    arabic += _WORD_WEIGHT * sum(n for word, n in words.items() if word in _ARABIC_WORDS)
    arabic += _ARTICLE_WEIGHT * sum(n for word, n in words.items() if word.startswith("ال") and len(word) > 3)
    if persian == arabic:
        return "ar" if known == "ar" else "fa"
    return "fa" if persian > arabic else "ar"


def _in_latin_letters(text: str, known: str | None) -> str:
    if known in ("ku", "kmr"):
        return "kmr"
    if known is not None and known != "en" and known not in _NEVER_LATIN:
        return known
    return "kmr" if _is_kurmanji(text) else "en"


def _is_kurmanji(text: str) -> bool:
    letters = Counter(text)
    own = sum(letters[letter] for letter in _KURMANJI_LETTERS)
    if not own or any(letter in letters for letter in _NOT_KURMANJI):
        return False
    words = _WORD.findall(text)
    return own >= _KURMANJI_SHARE * len(_LATIN_LETTER.findall(text)) or (
        4 * sum(word in _KURMANJI_WORDS for word in words) >= len(words)
    )
