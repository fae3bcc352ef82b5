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

DOMAIN = "qasedak"
#: Where the catalogs are: a folder for each language.
LOCALES = Path(__file__).parent / "locales"

_DIGITS: dict[str, Callable[[str], str]] = {
    "arabext": persian.to_persian_digits,
    "arab": persian.to_arabic_digits,
}  #: by CLDR's name of a numbering system; others are written with ASCII digits


@cache
def catalog(language: str, locales: Path = LOCALES) -> NullTranslations:
    """The catalog of a language; one that is not there says everything in English."""
    source = locales / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not source.is_file():
        return NullTranslations()
    with source.open("rb") as text:
        compiled = BytesIO()
        write_mo(compiled, read_po(text, locale=language))
    compiled.seek(0)
    return Translations(compiled, domain=DOMAIN)


def translator(language: str, locales: Path = LOCALES) -> Callable[..., str]:
    """A function that says an English text in *language*, its ``{names}`` filled in.

    ``t("{n} post", "{n} posts", n=3)`` takes the form that the language has for the first of the values. Whole numbers
    get the language's digits.
    """
    words = catalog(language, locales)
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


@cache
def _digits(language: str) -> Callable[[str], str]:
    try:
        system = Locale.parse(language).default_numbering_system
    except (UnknownLocaleError, ValueError):
        return str
    return _DIGITS.get(system, str)
