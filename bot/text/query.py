"""Reads what people write to search: words, "phrases", #tags, author:, feed:, and days in either calendar.

Pure and total: any text at all is a query, at worst an empty one. What a query finds, ``storage/search.py`` says. Every
term must be met; the last word may be the beginning of a longer one, as it is while somebody types. Stretches of time
(``date_ranges``) are taken out of the words, and given back as words where nothing was found in those days.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from bot.text import persian, words
from bot.text.date_ranges import DateRange, parse_range

LONGEST = 300  #: characters that are read; nobody searches for more
MOST_TERMS = 16
_SHORTEST_BEGINNING = 3  #: letters
_LONGEST_RANGE = 9  #: words: "from the 3rd of January 2018 until today"


class Where(StrEnum):
    """What part of a post a term looks at."""

    TEXT = "text"  #: title, text, tags and author
    AUTHOR = "author"
    TAG = "tag"  #: one tag as a whole


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a post must have: a word, or words in this order."""

    forms: tuple[str, ...]
    where: Where = Where.TEXT
    is_prefix: bool = False  #: the last form may go on


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What a post must meet to be found; empty, it is every post."""

    terms: tuple[Term, ...] = ()
    feeds: tuple[str, ...] = ()  #: names of feeds; any of them
    first: date | None = None  #: days that its words name, in the bot's zone, both included
    last: date | None = None
    since: date | None = None  #: days that were asked for beside the words
    until: date | None = None
    spare: tuple[Term, ...] = ()  #: the terms if what reads as days was meant as words; empty where there are none

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing in particular."""
        return not (self.terms or self.feeds or self.earliest or self.latest)

    @property
    def earliest(self) -> date | None:
        """The first day on which a post may be."""
        return max((day for day in (self.first, self.since) if day), default=None)

    @property
    def latest(self) -> date | None:
        """The last day on which it may be."""
        return min((day for day in (self.last, self.until) if day), default=None)

    def literal(self) -> "SearchQuery | None":
        """The same with the days of its words as words; None where they name none."""
        return replace(self, terms=self.spare, first=None, last=None, spare=()) if self.spare else None


_PIECE = re.compile(
    r"(?:(?P<key>[^\W\d_]{1,20})\s?:\s?)?[\"\u201c\u201d\u201e\u00ab\u00bb](?P<phrase>[^\"\u201c\u201d\u201e\u00ab\u00bb]*)"
    r"[\"\u201c\u201d\u00ab\u00bb]"
    r"|#(?P<tag>[\w\u200c\u200d]+)"
    r"|(?P<name>[^\W\d_]{1,20}):(?P<value>[^\s\"\u201c\u201d\u00ab\u00bb]+)"
    r"|(?P<word>\S+)"
)
_AUTHOR = frozenset({"author", "by", "نویسنده"})
_FEED = frozenset({"feed", "source", "منبع", "خوراک"})


@dataclass(slots=True)
class _Pieces:
    """What the first look at a text tells apart."""

    terms: list[Term]
    feeds: list[str]
    runs: list[list[str]]  #: bare words between everything else


def parse_query(text: str, today: date) -> SearchQuery:
    """The query that a text means; ``today`` is what "last week" is seen from."""
    pieces = _pieces(persian.clean_line(persian.strip_controls(text[:LONGEST].replace("\n", " "))))
    days: DateRange | None = None
    bare, with_days = list[Term](), list[Term]()
    for run in pieces.runs:
        found = None if days else _days_among(run, today)
        if found is None:
            bare += _word_terms(run)
            with_days += _word_terms(run)
            continue
        days, start, end = found
        bare += [*_word_terms(run[:start]), *_word_terms(run[end:])]
        with_days += _word_terms(run)
    query = SearchQuery(
        terms=_limited([*pieces.terms, *_typed(bare)]),
        feeds=tuple(dict.fromkeys(pieces.feeds))[:MOST_TERMS],
        first=days.first if days else None,
        last=days.last if days else None,
    )
    return replace(query, spare=_limited([*pieces.terms, *_typed(with_days)])) if days else query


def _pieces(line: str) -> _Pieces:
    found = _Pieces([], [], [[]])
    for match in _PIECE.finditer(line):
        part = match.groupdict()
        key = persian.search_fold(part["key"] or part["name"] or "")
        value = part["phrase"] if part["phrase"] is not None else part["value"]
        if key in _FEED and value:
            found.feeds.append(value.strip())
        elif key in _AUTHOR and value:
            found.terms += [Term((form,), Where.AUTHOR) for form in _forms(value)]
        elif part["tag"]:
            found.terms += _tag_terms(part["tag"])
        elif part["phrase"] is not None:
            found.runs[-1] += [part["key"]] if part["key"] else []
            forms = _forms(part["phrase"])
            found.terms += [Term(tuple(forms[:MOST_TERMS]))] if forms else []
        else:
            found.runs[-1].append(match[0])
            continue
        found.runs.append([])
    return found


def _tag_terms(tag: str) -> list[Term]:
    key = persian.key_fold(tag)
    return [Term((key[: words.LONGEST],), Where.TAG)] if key else []


def _forms(text: str) -> list[str]:
    return [word.form for word in words.words(text)]


def _days_among(run: list[str], today: date) -> tuple[DateRange, int, int] | None:
    """The longest run of words that is a stretch of time, and where it stands; of two, the first."""
    for size in range(min(len(run), _LONGEST_RANGE), 0, -1):
        for start in range(len(run) - size + 1):
            if days := parse_range(" ".join(run[start : start + size]).strip(",،"), today):
                return days, start, start + size
    return None


def _word_terms(run: list[str]) -> list[Term]:
    return [Term((form,)) for form in _forms(" ".join(run))]


def _typed(terms: list[Term]) -> list[Term]:
    """The last word is perhaps not whole yet; two letters begin half of all words, and so say nothing."""
    if not terms or len(terms[-1].forms[-1]) < _SHORTEST_BEGINNING:
        return terms
    return [*terms[:-1], replace(terms[-1], is_prefix=True)]


def _limited(terms: list[Term]) -> tuple[Term, ...]:
    # The words at the end are what was typed last.
    return tuple(dict.fromkeys(terms))[-MOST_TERMS:]


def with_neighbours(terms: Sequence[Term]) -> list[list[str]]:
    """For each term the forms that meet it, its own first: what was asked as two words may be written as one."""
    found = [[" ".join(term.forms)] for term in terms]
    for number in range(len(terms) - 1):
        pair = terms[number : number + 2]
        if all(term.where is Where.TEXT and len(term.forms) == 1 for term in pair):
            joined = "".join(term.forms[0] for term in pair)
            found[number].append(joined)
            found[number + 1].append(joined)
    return found
