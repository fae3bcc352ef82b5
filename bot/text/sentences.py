"""Where sentences end, in English and Persian, and where paragraphs do in a text without markup.

Rules and a list of abbreviations, no model (persian.md 5.1: as good here as libraries of a hundred megabytes). Used
for summaries and for cutting and splitting messages. Must not change a word: it only finds places.
"""

import re
from itertools import pairwise

_BEHIND_MARKS = "\"'\u2019\u201d\u00bb)]}\u2069\u200e\u200f\u300d\u300f\uff09"
_CLOSERS = re.escape(_BEHIND_MARKS)
FULL_WIDTH = "\u3002\uff01\uff1f\uff61\u17d4\u104b"  #: they end a sentence with no space behind
_MARKS = f".!?\u061f\u06d4\u2026\u0964\u0589\u1362{FULL_WIDTH}"
_END = re.compile(rf"(?P<mark>[{_MARKS}]+)(?P<closers>[{_CLOSERS}]*)")
_TOKEN = re.compile(r"[^\s(\[{\"'\u2018\u201c\u00ab\u2066-\u2069\u200e\u200f]+$")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
_NEXT_WORD = re.compile(r"\s*[\"'\u2018\u201c\u00ab\u2066-\u2069\u200e\u200f]*(\w*)")
_NUMBERED = re.compile(r"\s*[\u200e\u200f]*\d{1,3}")
_PARENTHESIS = re.compile(r"\s*\([^()\n]{1,120}\)[.!?\u061f]?(?=\s|$)")
_BRACKET = re.compile(r"\s*\(")
_LOOK_BACK = 40

#: Never the end of a sentence.
_ABBREVIATIONS_LIST = """
    mr mrs ms mx dr prof st gen col maj sen rep gov sgt capt cmdr adm lt rev hon pres supt msgr mt ft messrs
    jan feb apr jun jul aug sep sept oct nov dec tue tues thu thur thurs fri
    vs cf viz ca fig figs vol eds pp approx dept univ assn bros e.g i.e eg ie ed nos
    bzw ggf evtl zzgl inkl vgl sog geb nr str sra godz np tzw ul"""
_ABBREVIATIONS = frozenset(_ABBREVIATIONS_LIST.split())
#: The end of a sentence only when a word follows that opens one.
_MAY_END_LIST = "inc ltd co corp jr sr etc a.m p.m am pm u.s u.k u.n e.u d.c b.c a.d ph.d m.d"
_MAY_END = frozenset(_MAY_END_LIST.split())
#: An abbreviation only before a number: most of them are words, too.
_BEFORE_NUMBER_LIST = "no p para art sec ch mar mon wed sat sun"
_BEFORE_NUMBER = frozenset(_BEFORE_NUMBER_LIST.split())
_OPENERS_LIST = """
    the a an in on at it its he she they we i you but however this that these those there when while after before
    as if for from by to and or so yet with what who why how where since although though his her their our my"""
_OPENERS = frozenset(_OPENERS_LIST.split())
_OPENING = "\"'\u2018\u201c\u00ab\u300c\u300e\uff08("
#: German writes the first of May as '1. Mai'; '12. The roses' is two sentences.
_AFTER_ORDINAL_LIST = (
    "januar februar m\u00e4rz april mai juni juli august september oktober november dezember jahrhundert"
)
_AFTER_ORDINAL = frozenset(_AFTER_ORDINAL_LIST.split())


def split_sentences(text: str) -> list[str]:
    """Stripped sentences in order; a line break always ends one."""
    found: list[str] = []
    for line in text.split("\n"):
        start = 0
        for end in (*sentence_ends(line), len(line)):
            if sentence := line[start:end].strip():
                found.append(sentence)
            start = end
    return found


_WRAPPED_LINE, _LONGEST_WRAPPED = 50, 120  #: characters of a line that an editor broke
_NEW_LINE = re.compile(r"[-*\u2022\u25e6\u2013\u2014>|]|\d+[.)] |https?://|#")
_EMPTY_LINES = re.compile(r"\n\s*\n")


def unwrapped(text: str) -> list[str]:
    """The paragraphs of a plain text: a line is one, but for lines that an editor broke within a sentence."""
    found: list[str] = []
    for chunk in _EMPTY_LINES.split(text):
        lines = [line for line in map(str.strip, chunk.split("\n")) if line]
        width = max(map(len, lines), default=0)
        goes_on = [_may_go_on(*both) for both in pairwise(lines)]
        # What an editor broke had no room for the next word; of headlines one below the other that is chance.
        had_room = [len(line) + len(then.split(maxsplit=1)[0]) < width for line, then in pairwise(lines)]
        is_wrapped = (
            width <= _LONGEST_WRAPPED
            and goes_on.count(True) > 1
            and not any(room for room, may in zip(had_room, goes_on, strict=True) if may)
        )
        for number, line in enumerate(lines):
            if number and goes_on[number - 1] and (is_wrapped or line[0].islower()):
                found[-1] += f" {line}"
            else:
                found.append(line)
    return found


def _may_go_on(line: str, following: str) -> bool:
    return (
        _WRAPPED_LINE <= len(line) <= _LONGEST_WRAPPED
        and not is_sentence(line)
        and line[-1] not in ":\uff1a"
        and not _NEW_LINE.match(following)
    )


def is_sentence(text: str) -> bool:
    """Whether it ends as one, and not as a label or a heading does."""
    bare = text.rstrip(_BEHIND_MARKS)
    return bool(bare) and bare[-1] in _MARKS


def sentence_ends(text: str) -> list[int]:
    """Indexes just behind each sentence that another text follows or that ends ``text``."""
    ends: list[int] = []
    skip_to = 0
    for match in _END.finditer(text):
        end = match.end()
        is_apart = end == len(text) or text[end].isspace() or match["mark"][-1] in FULL_WIDTH
        if not is_apart or match.start() < skip_to:
            continue
        if source := _PARENTHESIS.match(text, end) if match["closers"] else None:
            # '"... said so." (State TV) Then': the source belongs to what was said.
            end = skip_to = source.end()
        elif not _is_end(text, match, ends[-1] if ends else 0):
            continue
        ends.append(end)
    return ends


def _is_end(text: str, match: re.Match[str], sentence_start: int) -> bool:
    mark, closers, end = match["mark"], match["closers"], match.end()
    if end == len(text):
        return True
    if mark[-1] in FULL_WIDTH:
        # What a Japanese or a Chinese says in quotes goes on behind them: (quote) to itta.
        return not closers or text[end].isspace() or text[end] in _OPENING
    follows = _NEXT_WORD.match(text, end)
    word = follows[1] if follows else ""
    if closers and _BRACKET.match(text, end):
        return False
    if word[:1].islower() and word[:1].isascii():
        return False  # '"Really?" he asked', 'Yahoo! is', an unknown abbreviation
    if mark in ("...", "\u2026") or mark.startswith(".."):
        # ' ... ' stands for words left out; 'و' goes on with the sentence.
        return not text[: match.start()][-1:].isspace() and word != "\u0648"
    if mark == ".":
        return not _is_abbreviated(text, match, word, sentence_start)
    # A question or a cry within Persian quotes goes on behind them: «خوبی؟» پرسید.
    return not ("\u00bb" in closers and word[:1] and not word[:1].isascii())


def _is_abbreviated(text: str, match: re.Match[str], following: str, sentence_start: int) -> bool:
    dot = match.start()
    found = _TOKEN.search(text[max(sentence_start, dot - _LOOK_BACK) : dot])
    token = found[0].replace("\u200d", "").replace("\u200c", "") if found else ""
    folded, folded_next = token.casefold(), following.casefold()
    if folded in _ABBREVIATIONS:
        return True
    if folded in _BEFORE_NUMBER:
        return following[:1].isdigit()
    if folded in _MAY_END:
        return folded_next not in _OPENERS
    if _INITIALS.fullmatch(token):
        # 'J. Smith', 'U.S. troops', 'ه.ش. برگزار شد'; but 'in the U.S. The ...'
        return "." not in token or folded_next not in _OPENERS
    if token.isdecimal() and len(token) <= 2 and folded_next in _AFTER_ORDINAL:
        return True
    return _NUMBERED.fullmatch(text[sentence_start:dot]) is not None
