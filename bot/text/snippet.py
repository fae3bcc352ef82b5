"""Shows where a text meets a query: a stretch of it round the best place, and which of its letters to set in bold.

Works on text as people see it, not on the folded copy that is searched, so that what is shown is what was written.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.text.query import Term, Where, with_neighbours
from bot.text.words import words

LENGTH = 160  #: characters of a snippet
_BEFORE = 40  #: of them before the first word found
#: Words with the marks and joiners that belong to them.
_CHUNK = re.compile("[^\\W_](?:[\\w\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u0640\u200d]|\u200c(?=\\w))*")
_READ = 20_000  #: characters in which a place is looked for


@dataclass(frozen=True, slots=True)
class Snippet:
    """A stretch of text; ``marks`` are the (start, end) of what was found in it, in characters."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class _Chunk:
    start: int
    end: int
    forms: frozenset[str]  #: in any of which it may be asked for


def mark(text: str, terms: Sequence[Term]) -> Snippet:
    """The whole text with what was found in it."""
    return Snippet(text, tuple(_found(text, terms)))


def cut(text: str, terms: Sequence[Term], length: int = LENGTH) -> Snippet:
    """The part of a text that has most of what was found, on one line, with ellipses where it was cut."""
    line = " ".join(text[:_READ].split())
    marks = _found(line, terms)
    best = _best_start(marks, length)
    start = max(0, min(best - _BEFORE, len(line) - length))
    if start:  # at the beginning of a word
        start = line.find(" ", start - 1, best) + 1 or best
    end = len(line)
    if end - start > length:
        end = line.rfind(" ", start + length // 2, start + length + 1)
        end = end if end > 0 else start + length
    ahead = "…" if start else ""
    shift = start - len(ahead)
    kept = tuple((first - shift, last - shift) for first, last in marks if first >= start and last <= end)
    shown = line[start:end] if end == len(line) else line[start:end].rstrip(" ,.،؛;") + "…"
    return Snippet(ahead + shown, kept)


def _best_start(marks: Sequence[tuple[int, int]], length: int) -> int:
    """Where most marks follow within a snippet's length; the first such place."""
    counts = [sum(1 for other in marks if start <= other[0] < start + length - _BEFORE) for start, _ in marks]
    return marks[counts.index(max(counts))][0] if marks else 0


def _found(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    if all(term.where is Where.TAG for term in terms):
        return []
    chunks = list(_chunks(text))
    found: set[tuple[int, int]] = set()
    for term, (_, *joined) in zip(terms, with_neighbours(terms), strict=True):
        if term.where is not Where.TAG:
            found |= {place for each in (term, *(Term((form,)) for form in joined)) for place in _matches(chunks, each)}
    return _merged(sorted(found))


def _chunks(text: str) -> Iterable[_Chunk]:
    for match in _CHUNK.finditer(text):
        yield _Chunk(match.start(), match.end(), _forms(match[0]))


# A language says most things with few words, and a page of hits has thousands.
@lru_cache(maxsize=20_000)
def _forms(chunk: str) -> frozenset[str]:
    folded = words(chunk)
    return frozenset({word.form for word in folded} | {part for word in folded for part in word.parts})


def _matches(chunks: Sequence[_Chunk], term: Term) -> Iterable[tuple[int, int]]:
    """Every run of chunks that is the term; a form may be spread over two chunks, as an affix written apart is."""
    for first in range(len(chunks)):
        at = first
        for number, form in enumerate(term.forms):
            begins = term.is_prefix and number == len(term.forms) - 1
            taken = _taken(chunks, at, form, begins=begins)
            if not taken:
                break
            at += taken
        else:
            yield chunks[first].start, chunks[at - 1].end


def _taken(chunks: Sequence[_Chunk], at: int, form: str, *, begins: bool) -> int:
    if at >= len(chunks):
        return 0
    if form in chunks[at].forms or (begins and any(other.startswith(form) for other in chunks[at].forms)):
        return 1
    if at + 1 < len(chunks):
        following = chunks[at + 1].forms
        if any(form.startswith(one) and form[len(one) :] in following for one in chunks[at].forms):
            return 2
    return 0


def _merged(marks: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in marks:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
