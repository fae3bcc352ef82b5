"""The words of a text as a search compares them: one form for all the spellings of a Persian word.

A step behind ``persian.search_fold``, for indexing and for asking alike: what is not a letter or digit parts words, a
ZWNJ joins them, and so does a space before or after an affix that people write in three ways. The parts of a joined
word are words too, so that the one without its affix is found. Pure; the result is for comparing and is never shown.
"""

import re
import unicodedata
from dataclasses import dataclass

from bot.text import persian
from bot.text.persian import ZWNJ

#: Stands for a ZWNJ while the text is folded, which would make it a space. From Unicode's private use area.
_JOINER = "\ue000"
_JOINERS = re.compile(f"[{_JOINER}]+")
_WORD = re.compile(rf"[^\W_]+(?:{_JOINER}+[^\W_]+)*")
#: Written apart, with a ZWNJ or in one word: می روم and its like.
PREFIXES = frozenset({"می", "نمی"})
SUFFIXES = frozenset(("ها", "های", "هایی", "هایم", "هایت", "هایش", "هایمان", "هایتان", "هایشان", "تر", "تری", "ترین"))
#: The ezafe of a word that ends in he: خانه‌ی is خانهٔ, and both fold to خانه.
_HE, _YE = "ه", "ی"
_LATIN = re.compile("[\u00c0-\u024f\u1e00-\u1eff]")
#: A word longer than this is no word; PostgreSQL takes lexemes of 2,046 bytes.
LONGEST = 64


@dataclass(frozen=True, slots=True)
class Word:
    """A word in the form that is compared, with its parts where it is joined of several."""

    form: str
    parts: tuple[str, ...] = ()


def words(text: str) -> list[Word]:
    """The words of a text, in order; a phrase is a run of their forms."""
    folded = persian.search_fold(_JOINERS.sub(" ", text).replace(ZWNJ, _JOINER))
    folded = _LATIN.sub(_without_mark, folded)
    found: list[Word] = []
    open_parts: list[str] = []  # of a word that the next one belongs to
    for match in _WORD.finditer(folded):
        parts = [part[:LONGEST] for part in _JOINERS.split(match[0])]
        if len(parts) == 1 and parts[0] in SUFFIXES and found and not open_parts:
            last = found.pop()
            parts = [*(last.parts or (last.form,)), *parts]
        parts = open_parts + parts
        open_parts = []
        if len(parts) == 1 and parts[0] in PREFIXES:
            open_parts = parts
        else:
            found.append(_word(parts))
    if open_parts:
        found.append(_word(open_parts))
    return found


def _without_mark(letter: re.Match[str]) -> str:
    """A Latin letter without its accent; Persian letters keep theirs, since آ is not ا."""
    return unicodedata.normalize("NFD", letter[0])[0]


def _word(parts: list[str]) -> Word:
    if len(parts) > 1 and parts[-1] == _YE and parts[-2].endswith(_HE):
        parts = parts[:-1]
    form = "".join(parts)[:LONGEST]
    return Word(form, tuple(parts) if len(parts) > 1 else ())
