"""Letters, digits, invisible characters and direction of Persian text, and of the text around it.

Three levels of folding, for three uses that must not be mixed: ``display`` is what people see, ``search_fold`` what
a search compares, ``key_fold`` what decides that two strings are the same. Only ``display`` may reach a message;
it never corrects spacing and never applies NFKC, which would rewrite ellipses and superscripts.
"""

import re
import unicodedata
from functools import cache
from typing import Literal

Direction = Literal["ltr", "rtl"]

LRM = "\u200e"
RLM = "\u200f"
#: The mark that begins a line of each direction.
MARKS: dict[Direction, str] = {"ltr": LRM, "rtl": RLM}
LRI = "\u2066"
RLI = "\u2067"
FSI = "\u2068"
PDI = "\u2069"
ZWNJ = "\u200c"
ZWJ = "\u200d"

HASHTAG_MAX = 256  #: TDLib cuts a hashtag there (td/telegram/MessageEntity.cpp)

_LATIN_DIGITS = "0123456789"
_PERSIAN_DIGITS = "۰۱۲۳۴۵۶۷۸۹"
_ARABIC_DIGITS = "٠١٢٣٤٥٦٧٨٩"
_TO_LATIN_DIGITS = str.maketrans(_PERSIAN_DIGITS + _ARABIC_DIGITS, _LATIN_DIGITS * 2)
_TO_PERSIAN_DIGITS = str.maketrans(_LATIN_DIGITS, _PERSIAN_DIGITS)
_TO_ARABIC_DIGITS = str.maketrans(_LATIN_DIGITS, _ARABIC_DIGITS)

_BIDI_CONTROLS = "\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069"
_INVISIBLE = re.compile(f"[\ufeff\u200b\u2060\u00ad{_BIDI_CONTROLS}]")
_EXOTIC_SPACES = "\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_EXOTIC_SPACE = re.compile(f"[{_EXOTIC_SPACES}]")
_SPACE_RUN = re.compile(f"[ {_EXOTIC_SPACES}]+")
# Telegram deletes U+2028 and U+2029; as spaces they at least keep two words apart.
_SPACE_LIKE = re.compile("[\t\u2028\u2029]")
# What no message may carry: C0 and C1, halves of surrogate pairs, noncharacters, marks that reorder what follows.
_CONTROLS = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_ANY_CONTROL = re.compile(f"{_CONTROLS.pattern}|{_SPACE_LIKE.pattern}")
_ARABIC_MARKS = re.compile(
    "[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]"
)
_YE_KAF = str.maketrans({"\u064a": "\u06cc", "\u0643": "\u06a9"})
_YE_HAMZA = "\u06cc\u0654"  # Persian ye + hamza above: NFKC composes it only from the Arabic ye
_SEARCH_LETTERS = str.maketrans(
    {
        "\u064a": "\u06cc",  # Arabic ye
        "\u0649": "\u06cc",  # alef maksura
        "\u06d2": "\u06cc",  # ye barree
        "\u0643": "\u06a9",  # Arabic kaf
        "\u06c0": "\u0647",  # he with ye above
        "\u0629": "\u0647",  # te marbuta
        "\u06d5": "\u0647",  # ae, the Kurdish vowel
        "\u06be": "\u0647",  # he doachashmee, a Kurdish h
        "\u0623": "\u0627",  # alef with hamza above; alef with madda is a letter of its own and stays
        "\u0625": "\u0627",  # alef with hamza below
        "\u0671": "\u0627",  # alef wasla
        "\u0624": "\u0648",  # waw with hamza
        ZWNJ: " ",
        ZWJ: None,
    }
)
_SEARCH_FOLDS = {
    chr(code): to if isinstance(to, str) else chr(to) if to else ""
    for code, to in (_SEARCH_LETTERS | _TO_LATIN_DIGITS).items()
}
# Few letters of a text are among them: to find those and leave the rest costs a fifth of str.translate.
_SEARCH_FOLDED = re.compile(f"[{''.join(_SEARCH_FOLDS)}]")
_LATIN_LETTER = re.compile("[A-Za-z]")
_HASHTAG_APOSTROPHES = re.compile("['\u2019\u02bc]")
_UNDERSCORES = re.compile("_+")
_NO_KEY = re.compile(r"[\W_]+")


def normalise_digits(text: str) -> str:
    """Persian and Arabic-Indic digits as ASCII ones; everything else untouched."""
    return text.translate(_TO_LATIN_DIGITS)


def to_persian_digits(text: str) -> str:
    """ASCII digits as Persian ones."""
    return text.translate(_TO_PERSIAN_DIGITS)


def to_arabic_digits(text: str) -> str:
    """ASCII digits as the Arabic-Indic ones, which Sorani uses too."""
    return text.translate(_TO_ARABIC_DIGITS)


def clean_line(text: str) -> str:
    """One line without invisible characters and with plain single spaces; ZWNJ and ZWJ, which spell words, stay."""
    return _SPACE_RUN.sub(" ", _INVISIBLE.sub("", text)).strip()


def strip_controls(text: str) -> str:
    """Text from outside without what can break, reorder or forge a message.

    Isolates go too, balanced or not: the ones in a message are ours alone. Line feeds, ZWNJ and ZWJ stay.
    """
    return _CONTROLS.sub("", _SPACE_LIKE.sub(" ", text)) if _ANY_CONTROL.search(text) else text


def display(text: str, language: str | None) -> str:
    """Text as people see it; Arabic ye and kaf become Persian only where ``language`` is Persian."""
    return letters(_INVISIBLE.sub("", text), language)


def letters(text: str, language: str | None) -> str:
    """``display`` for a text without invisible characters, one character for each: spans stay true."""
    plain = _EXOTIC_SPACE.sub(" ", text)
    return plain.translate(_YE_KAF) if language == "fa" else plain


def search_fold(text: str) -> str:
    """What two spellings of one word have in common; words stay apart by single spaces."""
    if text.isascii():  # nothing below changes such a text, and it is most of what is read
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text).replace(ZWJ, "")).casefold()
    folded = unicodedata.normalize("NFKC", folded).replace(_YE_HAMZA, "\u0626")
    folded = _SEARCH_FOLDED.sub(lambda found: _SEARCH_FOLDS[found[0]], _ARABIC_MARKS.sub("", folded))
    return " ".join(unicodedata.normalize("NFC", folded).split())


def key_fold(text: str) -> str:
    """``search_fold`` without anything but letters and digits: with and without ZWNJ or space, one key."""
    return _NO_KEY.sub("", search_fold(text))


def first_strong(text: str) -> Direction | None:
    """The direction a client gives this paragraph: its first strong character outside isolates (UAX #9, P2)."""
    depth = 0
    for character in text:
        if character in (LRI, RLI, FSI):
            depth += 1
        elif character == PDI:
            depth = max(0, depth - 1)
        elif not depth and (direction := _direction(character)):
            return direction
    return None


@cache
def _direction(character: str) -> Direction | None:
    match unicodedata.bidirectional(character):
        case "L":
            return "ltr"
        case "R" | "AL":
            return "rtl"
    return None


def dominant_direction(text: str) -> Direction | None:
    """The direction most of its letters have; on a tie that of the first, and None where there are no letters."""
    if text.isascii():
        return "ltr" if _LATIN_LETTER.search(text) else None
    strong = [_direction(character) for character in text if character.isalpha()]
    ltr, rtl = strong.count("ltr"), strong.count("rtl")
    if ltr == rtl:
        return next((direction for direction in strong if direction), None)
    return "ltr" if ltr > rtl else "rtl"


def isolate(text: str, direction: Direction | None) -> str:
    """The text fenced off, so that it cannot reorder what stands around it; None lets its first letter decide."""
    opening = {"ltr": LRI, "rtl": RLI, None: FSI}[direction]
    return f"{opening}{text}{PDI}"


def hashtag(text: str) -> str | None:
    """``#words_of_it`` as Telegram recognises it whole, or None where no letter is left."""
    folded = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).translate(_YE_KAF)
    spelled = "".join(
        character if _is_hashtag_character(character) else "_"
        for character in _HASHTAG_APOSTROPHES.sub("", folded)
        if character not in (ZWJ, "\u0640") and not unicodedata.category(character).startswith("M")
    )
    name = _UNDERSCORES.sub("_", spelled).strip("_")[:HASHTAG_MAX]
    return f"#{name}" if any(character.isalpha() for character in name) else None


def _is_hashtag_character(character: str) -> bool:
    # TDLib: letters and decimal digits of any script, and the underscore.
    return character.isalpha() or character.isdecimal()
