"""Texts that are too long: cut at a sentence, or parted into several.

Both look for the place where a person would stop: a paragraph, a line, a sentence, a clause, a word, and at worst
between two graphemes; not within a link, a phrase in bold or an isolate where there is another place. Lengths are
UTF-16 code units. Used by ``render/length.py``; must not change a character but at the seams.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable

from bot.text.richtext import BLOCKS, DIRECTION, ELLIPSIS, ISOLATES, MARKS, POP, RichText, entities, utf16_length
from bot.text.sentences import sentence_ends

#: More open isolates than these are an attack on the layout, not a layout.
_MOST_ISOLATES = 8
_JOINERS = "\u200c\u200d"
_CUT_TAIL = " \t\n\u00a0,;:\u060c\u061b-\u2013\u2014([{\u00ab\u201c\u2018\"'" + DIRECTION


def cut(rich: RichText, limit_utf16: int) -> RichText:
    """The beginning of ``rich`` within the limit, ending in an ellipsis; unchanged where it fits.

    Cut behind a sentence where that keeps half of what is allowed, else behind a word; a word longer than the limit
    is cut between two graphemes.
    """
    if utf16_length(rich.text) <= limit_utf16:
        return rich
    room = limit_utf16 - 1
    while room > 0:
        head = _head(rich, room)
        closed = _with_ellipsis(rich, head)
        if head <= 0 or (over := utf16_length(closed.text) - limit_utf16) <= 0:
            return closed if head > 0 else RichText(ELLIPSIS[:limit_utf16])
        room = utf16_length(rich.text[:head]) - over
    return RichText(ELLIPSIS[: max(limit_utf16, 0)])


def _head(rich: RichText, room: int) -> int:
    """Where to cut within ``room``; 0 where a word is longer than that and has but one grapheme."""
    text = rich.text
    end = _index_within(text, room)
    at = _place(rich, end, (sorted({*_line_ends(text, end), *_sentence_ends(text, end)}), _word_ends(text, end)))
    return at or _last_space(text, end) or grapheme_start(text, end)


def _with_ellipsis(rich: RichText, end: int) -> RichText:
    kept = rich.text[:end].rstrip(_CUT_TAIL)
    while rich.text[len(kept) : end].startswith(POP) and _open_isolates(kept):
        kept += POP  # an isolate that is whole stays whole; the ellipsis is not of it
    head = rich.slice(0, len(kept))
    at_sentence = kept[-1:] in ".!?\u061f\u06d4\u2026" or kept[-2:-1] in ".!?\u061f\u06d4\u2026"
    if kept.endswith(ELLIPSIS):
        tail = ""
    else:
        tail = f" {ELLIPSIS}" if kept and at_sentence else ELLIPSIS
    tail += POP * len(_open_isolates(kept))
    # A block goes on to the end of its line: an ellipsis behind it would stand on a line of its own.
    spans = (
        span.at(span.start, len(kept) + len(tail)) if span.type in BLOCKS and span.end == len(kept) else span
        for span in head.spans
    )
    return RichText(kept + tail, tuple(spans))


def _index_within(text: str, room: int) -> int:
    """The greatest index whose text before it is within ``room`` UTF-16 units."""
    used = 0
    for index, character in enumerate(text):
        used += 1 + (character > "\uffff")
        if used > room:
            return index
    return len(text)


def _last_space(text: str, end: int) -> int:
    """The end of the last whole word within ``end``, 0 when there is none."""
    at = end
    while at > 0 and not (at == len(text) or text[at].isspace()):
        at -= 1
    while at > 0 and text[at - 1].isspace():
        at -= 1
    return at


def grapheme_start(text: str, end: int) -> int:
    """The nearest index at or before ``end`` that parts no grapheme; ``end`` where there is none."""
    at = end
    while 0 < at < len(text) and _joins(text, at):
        at -= 1
    return at or end


def _joins(text: str, at: int) -> bool:
    """Whether the characters on both sides of ``at`` are drawn as one."""
    before, after = text[at - 1], text[at]
    if after in _JOINERS or before in _JOINERS or unicodedata.category(after) in ("Mn", "Me", "Mc"):
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":
        return True
    if "\U0001f1e6" <= before <= "\U0001f1ff" and "\U0001f1e6" <= after <= "\U0001f1ff":
        run = 0
        while at - run > 0 and "\U0001f1e6" <= text[at - run - 1] <= "\U0001f1ff":
            run += 1
        return run % 2 == 1
    return False


def _open_isolates(text: str) -> str:
    """The isolates of the last line that are still open: they end with the line anyway."""
    open_ones: list[str] = []
    for character in text[text.rfind("\n") + 1 :]:
        if character in ISOLATES:
            open_ones.append(character)
        elif character == POP and open_ones:
            open_ones.pop()
    return "".join(open_ones)


def split(rich: RichText, limit_utf16: int = 4096, limit_entities: int = 100) -> list[RichText]:
    """Parts within both limits: cut at a paragraph, else a line, a sentence, a word.

    The parts give the text back but for white space at the seams; isolates left open by a seam are closed in one
    part and opened again in the next, which also repeats the direction mark of the line.
    """
    depth = _deepest_isolate(rich.text)
    room = limit_utf16 - depth
    parts: list[RichText] = []
    start, prefix = 0, ""
    while start < len(rich):
        window = rich.slice(start, start + limit_utf16 + 1)  # one more, to see whether a word ends there
        end = _fitting(window, room - len(prefix), limit_entities)
        if start + end == len(rich):
            parts.append(RichText(prefix) + window)
            break
        at = _seam(window, end)
        head = RichText(prefix) + window.slice(0, len(window.text[:at].rstrip()))
        if head.text.strip(DIRECTION):
            parts.append(head + RichText(POP * min(depth, len(_open_isolates(head.text)))))
        start, prefix = _next_start(rich, start + at, depth)
    return parts


def _deepest_isolate(text: str) -> int:
    """How many isolates stand open at most; 0 for more than anybody means, which are not kept balanced."""
    deepest = depth = 0
    for character in text:
        if character in ISOLATES:
            depth += 1
            deepest = max(deepest, depth)
        elif character == POP:
            depth = max(0, depth - 1)
        elif character == "\n":
            depth = 0
    return deepest if deepest <= _MOST_ISOLATES else 0


def _fitting(window: RichText, room: int, limit_entities: int) -> int:
    """How much of the beginning of ``window`` is within both limits."""
    end = max(1, _index_within(window.text, room))
    starts = [entity.offset for entity in entities(window.slice(0, end))]
    if len(starts) > limit_entities:
        end = min(end, max(1, _index_within(window.text, starts[limit_entities])))
    return end


def _seam(window: RichText, end: int) -> int:
    """Where to part the text within ``end``: the best kind of place that keeps at least half."""
    text = window.text
    for separator in ("\n\n", "\n"):
        at = text.rfind(separator, end // 2, end + len(separator))
        if at > 0 and text[:at].strip():
            return min(at, end)
    at = _place(window, end, (_sentence_ends(text, end), _clause_ends(text, end), _word_ends(text, end)))
    # A word longer than half a part, or a script without spaces, is parted between two graphemes.
    return at if text[:at].strip(DIRECTION + " \n") else grapheme_start(text, end)


def _next_start(rich: RichText, at: int, depth: int) -> tuple[int, str]:
    """Where the part behind the seam ``at`` begins, and what opens again in front of it."""
    text = rich.text
    start = at
    while start < len(text) and text[start].isspace():
        start += 1
    if "\n" in text[at:start]:
        in_pre = any(span.type == "pre" and span.start < at < span.end for span in rich.spans)
        return (text.rfind("\n", at, start) + 1 if in_pre else start), ""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    mark = line[:1] if line[:1] in tuple(MARKS) else ""
    return start, mark + _open_isolates(line)[:depth]


# --- places -------------------------------------------------------------------------------------------------

_CLAUSE_END = re.compile(r"[;,:\u060c\u061b](?=\s)")
#: A style over more is no phrase: it may be parted like any text.
_PHRASE = 200


def _place(rich: RichText, end: int, kinds: tuple[list[int], ...]) -> int:
    """The last place of the best kind that keeps half of ``end``; 0 where none does. Within a whole only at need."""
    wholes = _wholes(rich)
    near = [[at for at in places if end // 2 <= at <= end] for places in kinds]
    for places in near:
        for at in reversed(places):
            if not _is_within(wholes, at):
                return at
    return next((places[-1] for places in near if places), 0)


def _line_ends(text: str, end: int) -> list[int]:
    return [at for at in range(end // 2, end + 1) if text[at : at + 1] == "\n" and text[:at].strip()]


def _sentence_ends(text: str, end: int) -> list[int]:
    return [at for at in sentence_ends(text[: end + 1]) if at <= end and text[at : at + 1].isspace()]


def _clause_ends(text: str, end: int) -> list[int]:
    return [found.end() for found in _CLAUSE_END.finditer(text, end // 2, end + 1) if found.end() <= end]


def _word_ends(text: str, end: int) -> list[int]:
    return [at for at in range(max(1, end // 2), end + 1) if text[at : at + 1].isspace() and not text[at - 1].isspace()]


def _wholes(rich: RichText) -> list[tuple[int, int]]:
    """Stretches that belong together, sorted and apart: links, code, phrases, isolates."""
    found: list[tuple[int, int]] = []
    open_at: list[int] = []
    for index, character in enumerate(rich.text):
        if character in ISOLATES:
            open_at.append(index)
        elif character == POP and open_at:
            start = open_at.pop()
            found += [(start, index + 1)] if not open_at else []
        elif character == "\n":
            open_at.clear()
    for span in rich.spans:
        if span.type not in BLOCKS and (span.type in ("text_link", "code") or span.end - span.start <= _PHRASE):
            found.append((span.start, span.end))
    return _united(found)


def _united(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    united: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if united and start < united[-1][1]:
            united[-1] = united[-1][0], max(end, united[-1][1])
        else:
            united.append((start, end))
    return united


def _is_within(wholes: list[tuple[int, int]], at: int) -> bool:
    nth = bisect_right(wholes, (at,)) - 1
    return nth >= 0 and wholes[nth][0] < at < wholes[nth][1]
