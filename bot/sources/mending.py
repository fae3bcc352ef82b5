"""Mend an XML document before feedparser sees it: what pushes it off its strict path, or into quadratic time.

Runs in the child process, between ``document.py``, which decided on the characters, and feedparser. What the document
says stays, but for what is beyond every feed: entries over a thousand, tags over a hundred, entities of a DOCTYPE.
"""

import html.entities
import re
from array import array
from collections.abc import Iterable
from enum import StrEnum

#: Entries beyond these are not read: no channel wants a thousand posts at once.
MAX_ENTRIES = 1000
#: Of one entry. feedparser compares each new one with all before it.
MAX_TAGS = 100
#: A tag with more attributes than this sends feedparser into quadratic time.
MAX_ATTRIBUTES = 500
#: At each end of a document, to see which end is the newer one.
ENTRIES_TO_DATE_BY = 5

_DECLARATION = re.compile(r"<\?xml[^<>]*+(?<=\?)>", re.IGNORECASE)
#: XML 1.0 section 2.2: these are no characters of a document.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# What stands before the first element, up to a DOCTYPE; possessive, so that it fails in linear time.
_DOCTYPE = re.compile(
    r"\A((?:[^<]++|<\?.*?\?>|<!--.*?-->)*+)<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.IGNORECASE | re.DOTALL
)
# A stretch in which & and < mean nothing.
_VERBATIM = r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)"
_QUOTED = r""""[^"<]*"|'[^'<]*'"""
# That stretch; or a reference, or an ampersand that is none; or a tag that is suspiciously long. Each branch that looks
# far ahead ends at the end of the text, or at the next "<".
_MARKUP = re.compile(
    rf"(?P<verbatim>{_VERBATIM})"
    r"|&(?!(?-i:amp|lt|gt|quot|apos);)(?:\#(?:x(?P<hex>[0-9a-f]+)|(?P<decimal>[0-9]+));?|(?P<name>[a-z][a-z0-9]*);)?"
    rf"|(?P<tag><[a-z](?=[^<]{{{2 * MAX_ATTRIBUTES}}})(?:[^<>\"']|{_QUOTED})*+)",
    re.IGNORECASE | re.DOTALL,
)
_NAMESPACE = re.compile(r"\bxmlns(?::[\w.-]*)?\s*=")  # of these any number is cheap
_REFERENCE = re.compile(r"&#(?:x(?P<hex>[0-9a-f]+)|(?P<decimal>[0-9]+));?", re.IGNORECASE)
# That stretch again; or where an entry or one of its categories begins or ends, the whole tag where it can be had.
_STRUCTURE = re.compile(
    rf"{_VERBATIM}|<(?P<closes>/?)(?:\w+:)?(?:(?P<entry>item|entry)|(?P<category>category|subject|keywords))(?=[\s/>])"
    rf"(?P<rest>(?:[^<>\"']|{_QUOTED})*+>)?",
    re.IGNORECASE | re.DOTALL,
)
_END = re.compile(r"</(?:\w+:)?(?:rss|feed|rdf|channel)\s*>", re.IGNORECASE)
_DATE = re.compile(
    r"<(?:\w+:)?(?:pubdate|published|updated|date|issued|modified)(?=[\s>])[^<>]*>\s*(?:<!\[CDATA\[)?([^<\]]{4,80})",
    re.IGNORECASE,
)


class Refused(ValueError):
    """The document would cost too much, and is no honest feed; the text says why."""


class Ending(StrEnum):
    """How a document ends."""

    WHOLE = "whole"
    UNCLOSED = "unclosed"  #: after an entry, but more of them may have been meant to follow
    TORSO = "torso"  #: within an entry


def mend(text: str) -> str:
    """Bring a document onto feedparser's strict path.

    Raises: Refused.
    """
    text = legal(_DECLARATION.sub("", text, count=1))
    # Entities of a DOCTYPE are the billion laughs; none of them is needed to read a feed.
    text = _without_excess(_DOCTYPE.sub(r"\1", text, count=1))
    return _MARKUP.sub(_mended, text).strip()


def legal(text: str) -> str:
    """A text without what XML, PostgreSQL and Telegram do not take for characters."""
    return _ILLEGAL.sub("", text)


def _mended(found: re.Match[str]) -> str:
    if found["verbatim"]:
        return _REFERENCE.sub(_legal_reference, found[0])
    if found["tag"]:
        names = _NAMESPACE.sub("", re.sub(_QUOTED, "", found["tag"]))
        if names.count("=") > MAX_ATTRIBUTES:
            raise Refused(f"one of its tags has over {MAX_ATTRIBUTES} attributes; it is not read")
        return "<" + _MARKUP.sub(_mended, found[0][1:])
    if found["hex"] or found["decimal"]:
        return _legal_reference(found)
    if found["name"]:
        return _named_entity(found["name"]) or f"&amp;{found['name']};"
    return "&amp;"


def _legal_reference(found: re.Match[str]) -> str:
    digits = found["hex"] or found["decimal"]
    number = int(digits, 16 if found["hex"] else 10) if len(digits) < 9 else 0
    if number > 0x10FFFF or (number not in (9, 10, 13) and _ILLEGAL.match(chr(number))):
        return "\ufffd"
    return found[0] if found[0].endswith(";") else found[0] + ";"


def _named_entity(name: str) -> str | None:
    """An entity of HTML as itself, since no DOCTYPE declares it; XML's own five stay."""
    if name in ("amp", "lt", "gt", "quot", "apos"):
        return f"&{name};"
    return "".join(f"&#{ord(character)};" for character in html.entities.html5.get(name + ";", "")) or None


# --- what is too much ----------------------------------------------------------------------------------------


def _without_excess(text: str) -> str:
    starts, end, categories = array("q"), 0, 0
    for found in _STRUCTURE.finditer(text):
        if found["category"]:
            categories += 1
        elif found["entry"] and found["closes"]:
            end = found.end()
        elif found["entry"]:
            starts.append(found.start())
    if len(starts) > MAX_ENTRIES:
        text = _newest(text, starts, end)
    return _STRUCTURE.sub(_TagLimit(), text) if categories > MAX_TAGS else text


def _newest(text: str, starts: "array[int]", end: int) -> str:
    """The thousand newest entries, and what stands round them all."""
    first, last = text[starts[0] : starts[ENTRIES_TO_DATE_BY]], text[starts[-ENTRIES_TO_DATE_BY] :]
    if is_oldest_first(_DATE.findall(first), _DATE.findall(last)):
        return text[: starts[0]] + text[starts[-MAX_ENTRIES] :]
    return text[: starts[MAX_ENTRIES]] + (text[end:] if end > starts[-1] else "")


def is_oldest_first(first: Iterable[str], last: Iterable[str]) -> bool:
    """Whether the dates of a document's last entries are newer than those of its first; most have the newest first."""
    # Not at the top: the calendars take as long to import as most feeds to parse, and few are so long.
    from bot.text.parse_dates import parse_feed_date

    newest = [[found.instant for written in dates if (found := parse_feed_date(written))] for dates in (first, last)]
    return all(newest) and max(newest[0]) < max(newest[1])


class _TagLimit:
    """Gives tags of an entry over the limit a name that means nothing."""

    def __init__(self) -> None:
        self._count = 0
        self._renamed: list[bool] = []  # of those that are open

    def __call__(self, found: re.Match[str]) -> str:
        rest = found["rest"] or ""
        if found["entry"] and not found["closes"]:
            self._count, self._renamed = 0, []
        if not found["category"]:
            return found[0]
        if found["closes"]:
            is_renamed = bool(self._renamed) and self._renamed.pop()
            return f"</excess{rest}" if is_renamed else found[0]
        self._count += 1
        is_renamed = self._count > MAX_TAGS
        if not rest.endswith("/>"):
            self._renamed.append(is_renamed)
        return f"<excess{rest}" if is_renamed else found[0]


# --- where it ends -------------------------------------------------------------------------------------------


def find_ending(text: str) -> Ending:
    """Whether a document that is not well-formed was cut off, and where."""
    last = None
    for found in _STRUCTURE.finditer(text):
        last = found if found["entry"] else last
    if _END.search(text, last.end() if last else 0):
        return Ending.WHOLE
    return Ending.TORSO if last and not last["closes"] else Ending.UNCLOSED


def find_head(text: str) -> str:
    """What stands before the first entry."""
    for found in _STRUCTURE.finditer(text):
        if found["entry"]:
            return text[: found.start()]
    return text
