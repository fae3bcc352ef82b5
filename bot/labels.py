"""The words people see, from gettext catalogs in ``locales/``: Persian beside English, a third is one .po file away.

A leaf: reads its own package's files once, on first use. English is the text in the code.
"""

from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from bot.text import persian
from bot.text.persian import Direction

DOMAIN = "qasedak"
#: Where catalogs are looked for, a folder for each language; a test adds one of its own.
FOLDERS = [Path(__file__).parent / "locales"]

_DIGITS: dict[str, Callable[[str], str]] = {
    "arabext": persian.to_persian_digits,
    "arab": persian.to_arabic_digits,
}  #: by CLDR's name of a numbering system; others are written with ASCII digits


@cache
def catalog(language: str) -> NullTranslations:
    """The catalog of a language; one that is not there says everything in English."""
    sources = (folder / language / "LC_MESSAGES" / f"{DOMAIN}.po" for folder in FOLDERS)
    source = next((source for source in sources if source.is_file()), None)
    if source is None:
        return NullTranslations()
    with source.open("rb") as text:
        compiled = BytesIO()
        write_mo(compiled, read_po(text, locale=language))
    compiled.seek(0)
    return Translations(compiled, domain=DOMAIN)


def translator(language: str) -> Callable[..., str]:
    """A function that says an English text in *language*, its ``{names}`` filled in.

    ``t("{n} post", "{n} posts", n=3)`` takes the form that the language has for the first of the values. Whole numbers
    get the language's digits.
    """
    words = catalog(language)
    digits = _digits(language)

    def translate(message: str, plural: str | None = None, /, **values: object) -> str:
        if plural is None:
            said: str = words.gettext(message)
        else:
            said = words.ngettext(
                message, plural, next(number for number in values.values() if isinstance(number, int))
            )
        shown = {name: digits(str(value)) if isinstance(value, int) else value for name, value in values.items()}
        return said.format(**shown) if values else said

    return translate


def direction_of(language: str) -> Direction:
    """Where a language's lines begin."""
    locale = _locale(language)
    return "rtl" if locale is not None and locale.text_direction == "rtl" else "ltr"


def _digits(language: str) -> Callable[[str], str]:
    locale = _locale(language)
    return _DIGITS.get(locale.default_numbering_system, str) if locale is not None else str


@cache
def _locale(language: str) -> Locale | None:
    try:
        return Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        return None
