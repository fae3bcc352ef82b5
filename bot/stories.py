"""Decide whether two titles tell one story. Pure; ``storage/stories.py`` asks, for posts of different feeds.

To hide a post that says something new is worse than to send one twice. So likeness alone is not enough: "earthquake
hits central Turkey" and "... Italy" share almost everything. Shared shingles, which are two words of meaning in a row,
find titles worth a look; then the words of the shorter one must all stand in the longer, in their order, and the
numbers must be the same. What may be added is a source's name, "Update:", "+ video", but not "part two". Titles of few
words prove nothing.

Measured on the 44 pairs of ``tests/unit/test_stories.py``: the best threshold on shared words, pairs of words or
trigrams alone puts 7 to 10 of them on the wrong side, some of them hidden; these rules 3, and each is sent twice.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise

from bot.text import persian
from bot.text.words import PREFIXES, SUFFIXES, Word, words

#: Two posts are of one story when their dates are no further apart.
WINDOW = timedelta(hours=48)
#: Fewer words of meaning are no story: "Weekly links".
LEAST_WORDS = 4
#: So much of the longer title must be in the shorter one.
LEAST_SHARE = 0.6
#: Longer titles are known by their beginning.
MOST_SHINGLES = 16

_NUMBER = re.compile(r"\d+(?:[.,٫٬]\d+)*")
#: Words that are put in and left out without another meaning, as ``words`` forms them.
_LIGHT_WORDS = (
    "a an the s is are was were be of to in on at by for with and its his her their it as from "
    "را و در به از با که این آن یک بر برای توسط تا هم شد است بود خود"
)
_LIGHT = frozenset(_LIGHT_WORDS.split())
#: What makes another story of a title when it is added.
_TELLING_WORDS = (
    "part parts episode chapter transcript review recap not no one two three second third "
    "قسمت بخش فصل دوم سوم چهارم دو سه نه نشد نقد"
)
_TELLING = frozenset(_TELLING_WORDS.split())


@dataclass(frozen=True, slots=True)
class Title:
    """What is compared of a title."""

    words: tuple[str, ...]  #: those of meaning, in order
    numbers: tuple[str, ...]

    @property
    def shingles(self) -> frozenset[int]:
        """Numbers for the pairs of words in it, signed and of 64 bits; empty for a title that proves nothing."""
        if len(self.words) < LEAST_WORDS:
            return frozenset()
        return frozenset(_number(*pair) for pair in list(pairwise(self.words))[:MOST_SHINGLES])


@lru_cache(maxsize=1024)
def read_title(title: str) -> Title:
    """Take from a title what is compared; spelling makes no difference."""
    folded = persian.search_fold(title)
    said = tuple(form for word in words(title) for form in _forms(word) if form not in _LIGHT)
    numbers = tuple(re.sub(r"[,.٫٬]", ".", number) for number in _NUMBER.findall(folded))
    return Title(said, numbers)


def _forms(word: Word) -> tuple[str, ...]:
    """A compound falls apart, since others write it in two words; affixes stay, since ``words`` joins them to one."""
    has_affix = not word.parts or word.parts[0] in PREFIXES or word.parts[-1] in SUFFIXES
    return (word.form,) if has_affix else word.parts


def is_same(one: Title, other: Title) -> bool:
    """Whether two titles tell one story.

    >>> is_same(read_title("Update: A full moon over the hills"), read_title("Full Moon Over the Hills tonight"))
    False
    >>> is_same(read_title("Update: A full moon over the hills"), read_title("Full Moon Over the Hills"))
    True
    """
    shorter, longer = sorted((one.words, other.words), key=len)
    if len(shorter) < LEAST_WORDS or len(shorter) < LEAST_SHARE * len(longer) or one.numbers != other.numbers:
        return False
    left = iter(longer)
    return all(word in left for word in shorter) and not _TELLING.intersection(Counter(longer) - Counter(shorter))


def _number(*pair: str) -> int:
    return int.from_bytes(blake2b("\0".join(pair).encode(), digest_size=8).digest(), signed=True)
