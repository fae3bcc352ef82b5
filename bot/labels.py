"""The words people see, from gettext catalogs in ``locales/``: Persian beside English, a third is one .po file away.

A leaf: reads its own package's files once, on first use. English is the text in the code.
"""

from collections.abc import Callable
from functools import cache
from importlib import resources
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

DOMAIN = "qasedak"


@cache
def catalog(language: str) -> NullTranslations:
    """The catalog of a language; one that is not there says everything in English."""
    source = resources.files("bot") / "locales" / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not source.is_file():
        return NullTranslations()
    with source.open("rb") as text:
        compiled = BytesIO()
        write_mo(compiled, read_po(text, locale=language))
    compiled.seek(0)
    return Translations(compiled, domain=DOMAIN)


def translator(language: str) -> Callable[..., str]:
    """A function that says an English text in *language*, its ``{names}`` filled in."""

    def translate(message: str, **values: object) -> str:
        said: str = catalog(language).gettext(message)
        return said.format(**values) if values else said

    return translate
