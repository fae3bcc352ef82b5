"""Cuts a dated text into blocks, each a header with what stands below it, without holding the text.

Between ``archive.py``, which has files, and ``dated_text.py``, which says what a header is. Its cuts are those of
``dated_text.parse``; tests hold the two together. Reads no file.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from bot.sources import dated_text
from bot.sources.dated_text import Dialect, Header
from bot.sources.line_roles import date_of, has_two_numbers
from bot.text import dates, persian

#: Twice the longest date: longer lines are no headers, whatever would be left of them when they are cleaned.
_HEADER_CHARS = 140

_ENDS = "\n\r\v\f\u0085\u2028\u2029"
# What ``persian.clean_line`` leaves nothing of.
_BLANK = (
    " \t\x1c-\x1f\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ufeff\u200b\u2060\u00ad"
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
)
_PIECE_CHARS = 1 << 20
_TAIL_CHARS = 1 << 16
_NON_BLANK = re.compile(f"[^{_BLANK}{_ENDS}]")


class Block(NamedTuple):
    """A stretch of the text; without a header it is what stands above the first one."""

    header: Header | None
    text: str
    has_body: bool


class _Patterns(NamedTuple):
    first: re.Pattern[str]
    opening: re.Pattern[str]
    below: re.Pattern[str]
    blank_line: re.Pattern[str]

    @classmethod
    def of(cls, end: str, ends: str) -> "_Patterns":
        line = f"(?P<line>[^{ends}]{{6,{_HEADER_CHARS}}}+)(?={end}|\\Z)"
        blank_line = f"{end}[{_BLANK}]*+{end}"
        return cls(
            re.compile(f"(?:[{_BLANK}]*+{end})*+{line}"),
            re.compile(blank_line + line),
            re.compile(f"{end}[{_BLANK}]*+(?:{end}|\\Z)|\\Z"),
            re.compile(blank_line),
        )


# A pattern that begins with one letter is found several times faster than one that begins with a set.
_PLAIN = _Patterns.of("\n", "\n")
_ANY = _Patterns.of(f"(?>\r\n|[{_ENDS}])", _ENDS)


def _patterns(text: str) -> _Patterns:
    return _ANY if any(end in text for end in _ENDS[1:]) else _PLAIN


def pieces(chunks: Iterable[str], enough: int = _PIECE_CHARS) -> Iterator[str]:
    """The text again, cut below blank lines only: a line and its neighbours are in one piece of *enough* or more."""
    held: list[str] = []
    size, wanted = 0, enough
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size < wanted:
            continue
        text = "".join(held)
        at = _below_last_blank_line(text)
        if at:
            yield text[:at]
            text = text[at:]
        # Twice as much before the next look: a text without blank lines costs no square.
        held, size, wanted = [text], len(text), max(2 * len(text), enough)
    if size:
        yield "".join(held)


def _below_last_blank_line(text: str) -> int:
    # Never at the very end: a carriage return there may be half a line end.
    patterns = _patterns(text)
    for start in (max(len(text) - _TAIL_CHARS, 0), 0):
        at = 0
        for found in patterns.blank_line.finditer(text, start, len(text)):
            at = found.end() if found.end() < len(text) else at
        if at:
            return at
    return 0


def is_blank(text: str) -> bool:
    """Whether there is nothing to see."""
    return _NON_BLANK.search(text) is None


def find_dialect(whole: Iterable[str]) -> Dialect | None:
    """The form of the headers: that of the first line, or else the commonest date with a weekday that stands alone."""
    spoken: Counter[Dialect] = Counter()
    is_above = True
    for piece in whole:
        first = _NON_BLANK.search(piece) if is_above else None
        patterns = _patterns(piece)
        for line, found in _dates(piece, patterns):
            if first and line.start("line") <= first.start() < line.end("line"):
                return dated_text.speech(found)
            if dated_text.is_usual(found) and patterns.below.match(piece, line.end("line")):
                spoken[dated_text.speech(found)] += 1
        is_above = is_above and first is None
    return max(spoken, key=spoken.__getitem__) if spoken else None


def cut(whole: Iterable[str], dialect: Dialect) -> Iterator[Block]:
    """The blocks of pieces, in order; together they are the whole text."""
    header: Header | None = None
    parts: list[str] = []
    has_body = False
    for piece in whole:
        start = below = 0
        patterns = _patterns(piece)
        for line, found in _dates(piece, patterns):
            has_body = has_body or not is_blank(piece[below : line.start("line")])
            if dated_text.speech(found) == dialect:
                following = Header(found, is_foreign=False)
            elif (
                has_body  # right below a header it is that post's title
                and found.calendar == dialect.calendar
                and dated_text.is_sure(found)
                and patterns.below.match(piece, line.end("line"))
            ):
                following = Header(found, is_foreign=True)
            else:
                continue
            parts.append(piece[start : line.start("line")])
            yield Block(header, "".join(parts), has_body)
            header, parts, has_body = following, [], False
            start, below = line.span("line")
        parts.append(piece[start:])
        has_body = has_body or not is_blank(piece[below:])
    yield Block(header, "".join(parts), has_body)


def _dates(piece: str, patterns: _Patterns) -> Iterator[tuple[re.Match[str], dates.ParsedDate]]:
    """The dates that open a block."""
    first = patterns.first.match(piece)
    if first and (found := _date(first["line"])):
        yield first, found
    for line in patterns.opening.finditer(piece, first.end() if first else 0):
        if found := _date(line["line"]):
            yield line, found


def _date(line: str) -> dates.ParsedDate | None:
    return _parsed(line) if has_two_numbers(line) else None


@lru_cache(maxsize=1 << 14)  # the days of 45 years
def _parsed(line: str) -> dates.ParsedDate | None:
    return date_of(persian.clean_line(line))
