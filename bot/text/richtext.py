"""Text with spans of meaning, and what Telegram makes of it.

The form every piece of a post has between its HTML and the Message: plain text, and spans that index it by code
points. Slicing, joining and editing keep the spans true; ``telegram_clean`` and ``entities`` foretell what Telegram's
own library (TDLib: ``clean_input_string``, ``fix_entities``) does to a text, so that it finds nothing left to change
and nothing to refuse. Knows no HTML (``text/markup.py``), no layout (``render/``) and no limits (``text/cutting.py``).
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from itertools import pairwise

from bot.model import Entity

ELLIPSIS = "\u2026"

#: Spans that a client draws upon letters; they may overlap.
STYLES = ("bold", "italic", "underline", "strikethrough", "spoiler")
_QUOTES = ("blockquote", "expandable_blockquote")
_SOLID = ("pre", "code", "date_time", "text_link")
#: Spans that a client draws as blocks of their own: a direction mark of their first line is inside.
BLOCKS = (*_QUOTES, "pre")
#: Who is outer among spans of equal extent (TDLib MessageEntity::get_type_priority).
_RANK = {name: rank for rank, name in enumerate((*_QUOTES, *_SOLID, *STYLES))}

MARKS = "\u200e\u200f"
ISOLATES = "\u2066\u2067\u2068"
POP = "\u2069"
DIRECTION = MARKS + ISOLATES + POP
#: Deleted by TDLib clean_input_string: separators, embeddings and overrides; three marks that draw vertical lines.
_DELETED = frozenset("\r\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u0333\u033f\u030a")
#: What is not left as it is: those, other controls, halves of surrogate pairs, marks in a row.
_UNCLEAN = re.compile(f"[{''.join(sorted(_DELETED))}\x00-\x09\x0b-\x1f\ud800-\udfff]|[{MARKS}]{{2}}")
#: What Telegram counts as no text at all (TDLib strip_empty_characters).
_EMPTY = re.compile(
    "[\\s\u1680\u180e\u2000-\u200f\u202e\u202f\u205f\u2060\u2066-\u2069\u2800\u3000\ufffc\ufeff\u00a0"
    "\U000e0000-\U000e007f]*"
)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text with a meaning: ``type`` is the Bot API's name, indexes are code points."""

    type: str
    start: int
    end: int
    url: str | None = None
    language: str | None = None
    unix_time: int | None = None
    date_time_format: str | None = None

    def at(self, start: int, end: int) -> "Span":
        """The same meaning for another stretch."""
        if start == self.start and end == self.end:
            return self
        return Span(self.type, start, end, self.url, self.language, self.unix_time, self.date_time_format)

    def _order(self) -> tuple[int, int, int]:
        return self.start, -self.end, _RANK.get(self.type, len(_RANK))


@dataclass(frozen=True, slots=True)
class RichText:
    """Text and its spans. Any spans may overlap here; ``telegram_clean`` sorts them out at the end."""

    text: str = ""
    spans: tuple[Span, ...] = ()
    is_normal: bool = field(default=False, compare=False, repr=False)  #: ``normalise`` made it

    def __add__(self, other: "RichText") -> "RichText":
        shift = len(self.text)
        return RichText(self.text + other.text, self.spans + tuple(_shift(span, shift) for span in other.spans))

    def __bool__(self) -> bool:
        return bool(self.text)

    def __len__(self) -> int:
        return len(self.text)

    def slice(self, start: int, end: int | None = None) -> "RichText":
        """The text from ``start`` to before ``end``, indexes as in Python; spans are clipped."""
        start, end, _ = slice(start, end).indices(len(self.text))
        if start == 0 and end == len(self.text):
            return self
        clipped = (
            span.at(max(span.start, start) - start, min(span.end, end) - start)
            for span in self.spans
            if max(span.start, start) < min(span.end, end)
        )
        return RichText(self.text[start:end], tuple(clipped))

    def strip(self) -> "RichText":
        """Without white space at both ends."""
        start = len(self.text) - len(self.text.lstrip())
        return self.slice(start, max(start, len(self.text.rstrip())))

    def lines(self) -> "list[RichText]":
        """The lines without their breaks; a text without a break is one line."""
        found, start = [], 0
        for line in self.text.split("\n"):
            found.append(self.slice(start, start + len(line)))
            start += len(line) + 1
        return found

    def insert(self, index: int, text: str) -> "RichText":
        """With ``text`` put in at ``index``: inside the spans around it, outside those that begin or end there."""
        size = len(text)
        spans = tuple(
            span.at(span.start + size * (span.start >= index), span.end + size * (span.end > index))
            for span in self.spans
        )
        return RichText(self.text[:index] + text + self.text[index:], spans)

    def edited(self, edits: "Sequence[tuple[int, int, str]]") -> "RichText":
        """With stretches taken out and texts put in: (index, how many go, what comes), ascending and apart.

        As with ``insert``, a text put in where a span begins or ends stays outside of it; but where a quote begins it
        is inside, for in front of a quote it would be a line of its own.
        """
        if not edits:
            return self
        texts: list[str] = []
        indexes: list[int] = []
        shifts = [0]
        at = 0
        for index, gone, new in edits:
            texts += (self.text[at:index], new)
            at = index + gone
            indexes.append(index)
            shifts.append(shifts[-1] + len(new) - gone)
        texts.append(self.text[at:])

        def moved(position: int, nth: int) -> int:
            """``nth`` edits lie before; the last of them may have taken the place away."""
            if nth and position < edits[nth - 1][0] + edits[nth - 1][1]:
                return edits[nth - 1][0] + shifts[nth - 1] + len(edits[nth - 1][2])
            return position + shifts[nth]

        spans = (
            span.at(
                moved(span.start, (bisect_left if span.type in _QUOTES else bisect_right)(indexes, span.start)),
                moved(span.end, bisect_left(indexes, span.end)),
            )
            for span in self.spans
        )
        return RichText("".join(texts), tuple(span for span in spans if span.start < span.end))

    def marked(self, kind: str, *, url: str | None = None, language: str | None = None) -> "RichText":
        """With a span of that type over all of it; an empty text stays bare."""
        if not self.text:
            return self
        return RichText(self.text, (Span(kind, 0, len(self.text), url, language), *self.spans))

    @classmethod
    def join(cls, separator: str, parts: "Iterable[RichText]") -> "RichText":
        """The parts with ``separator`` between them, which no span covers."""
        texts: list[str] = []
        spans: list[Span] = []
        at = 0
        for part in parts:
            if texts:
                at += len(separator)
            texts.append(part.text)
            spans += (_shift(span, at) for span in part.spans)
            at += len(part.text)
        return cls(separator.join(texts), tuple(spans))


def _shift(span: Span, by: int) -> Span:
    return span.at(span.start + by, span.end + by)


_TWO_UNITS = re.compile("[\U00010000-\U0010ffff]")


def utf16_length(text: str) -> int:
    """Length as Telegram counts offsets and, to be safe, limits."""
    return len(text) + len(_TWO_UNITS.findall(text))


# --- what Telegram makes of it ------------------------------------------------------------------------------


def telegram_clean(rich: RichText) -> RichText:
    """What is left when Telegram has cleaned it: text, trimmed, with spans in their normal form.

    Doing it twice changes nothing. Empty when Telegram would call the text empty.
    """
    if _UNCLEAN.search(rich.text):
        text, places = _clean_characters(rich.text)
        moved = (span.at(places[span.start], places[span.end]) for span in _within(rich))
        rich = RichText(text, tuple(moved))
    rich = normalise(rich)
    if _EMPTY.fullmatch(rich.text):
        return RichText()
    # Telegram trims from the left only as far as the first entity: the indent of a pre stays.
    first_pre = min((span.start for span in rich.spans if span.type == "pre"), default=len(rich.text))
    start = min(len(rich.text) - len(rich.text.lstrip()), first_pre)
    return rich.slice(start, len(rich.text.rstrip()))


def edge_trim(rich: RichText) -> RichText:
    """Spans made shorter so that none begins or ends on white space, a direction mark or an isolate.

    Quotes and ``pre`` are blocks of their own: marks in them stay inside, and so does the indent of a ``pre``.
    """
    trimmed = (_trim(span, rich.text) for span in _within(rich))
    return RichText(rich.text, tuple(span for span in trimmed if span.start < span.end))


def _within(rich: RichText) -> Iterator[Span]:
    size = len(rich.text)
    for span in rich.spans:
        start, end = max(span.start, 0), min(span.end, size)
        if start < end:
            yield span.at(start, end)


def _trim(span: Span, text: str) -> Span:
    marks = "" if span.type in BLOCKS else DIRECTION
    start, end = span.start, span.end
    while end > start and (text[end - 1].isspace() or text[end - 1] in marks):
        end -= 1
    while start < end and (text[start].isspace() or text[start] in marks):
        start += 1
    if span.type == "pre" and start < end:
        start = max(span.start, text.rfind("\n", span.start, start) + 1)
    return span.at(start, end)


def _clean_characters(text: str) -> tuple[str, Sequence[int]]:
    """The characters Telegram leaves, and for every index of ``text`` (and its end) where it is now."""
    if not _UNCLEAN.search(text):
        return text, range(len(text) + 1)
    out: list[str] = []
    places: list[int] = []
    for character in text:
        places.append(len(out))
        if character == "\u030a" and out and len(composed := unicodedata.normalize("NFC", out[-1] + character)) == 1:
            out[-1] = composed  # a decomposed a-ring: Telegram would leave a bare a
        elif character in _DELETED:
            continue
        elif character < " " and character != "\n":
            out.append(" ")
        elif "\ud800" <= character <= "\udfff":
            out.append("\ufffd")
        else:
            if character in MARKS and out and out[-1] in MARKS:
                out.pop()  # of a run of marks Telegram makes all but the last ZWNJ
                places[-1] -= 1
            out.append(character)
    places.append(len(out))
    return "".join(out), places


def normalise(rich: RichText) -> RichText:
    """Spans as Telegram leaves them, styles still whole: sorted, none empty, none in conflict.

    Quotes do not nest: the outer one stays. Links, times, ``code`` and ``pre`` do not overlap: the first and longest
    stays, of equal ones ``pre``, then ``code``, then the time. Styles end where one of them but a link begins. What
    touches its equal is one, but for times.
    """
    if rich.is_normal:
        return rich
    spans = sorted(_within(rich), key=Span._order)
    if all(span.end < following.start for span, following in pairwise(spans)):
        trimmed = (_trim(_checked(span), rich.text) for span in spans)
        return RichText(rich.text, tuple(span for span in trimmed if span.start < span.end), is_normal=True)
    quotes = _outermost(edge_trim(_only(rich, _QUOTES)).spans)
    edges = sorted({edge for quote in quotes for edge in (quote.start, quote.end)})
    checked = [_checked(span) for span in spans]
    links = _joined_links([span for span in checked if span.type == "text_link"])
    solid = [*links, *(span for span in checked if span.type in ("code", "pre", "date_time"))]
    pieces = tuple(piece for span in solid for piece in _pieces(span, edges))
    solid = _outermost(edge_trim(RichText(rich.text, pieces)).spans)
    walls = [span for span in solid if span.type != "text_link"]
    styles = tuple(
        piece
        for name in STYLES
        for whole in _united(span for span in spans if span.type == name)
        for piece in _outside(whole, walls)
    )
    styles = edge_trim(RichText(rich.text, styles)).spans
    return RichText(rich.text, tuple(sorted((*quotes, *solid, *styles), key=Span._order)), is_normal=True)


def _only(rich: RichText, types: tuple[str, ...]) -> RichText:
    return RichText(rich.text, tuple(span for span in rich.spans if span.type in types))


def _checked(span: Span) -> Span:
    """Empty where Telegram would refuse it, its address as Telegram has it."""
    if span.type == "text_link":
        url = telegram_url(span.url or "")
        return span if url == span.url else replace(span, url=url) if url else span.at(span.start, span.start)
    is_known = _is_time(span) if span.type == "date_time" else span.type in _RANK
    return span if is_known else span.at(span.start, span.start)


_TIME_FORMAT = re.compile("r|w?[dD]?[tT]?")
_LAST_TIME = 2**31 - 1


def _is_time(span: Span) -> bool:
    """Whether it is a time that Telegram does not refuse, in the spelling it gives back."""
    if not 0 < (span.unix_time or 0) <= _LAST_TIME:
        return False
    shown = span.date_time_format
    return shown is None or bool(shown and _TIME_FORMAT.fullmatch(shown))


def _outermost(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for span in sorted(spans, key=Span._order):
        if not found or span.start >= found[-1].end:
            found.append(span)
    return found


def _united(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for span in sorted(spans, key=Span._order):
        if found and span.start <= found[-1].end:
            found[-1] = found[-1].at(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def _outside(span: Span, walls: list[Span]) -> Iterator[Span]:
    """The pieces of ``span`` that no wall covers; walls are sorted and apart."""
    start = span.start
    for index in range(bisect_right(walls, start, key=_end), len(walls)):
        wall = walls[index]
        if wall.start >= span.end:
            break
        if start < wall.start:
            yield span.at(start, wall.start)
        start = wall.end
    if start < span.end:
        yield span.at(start, span.end)


def _end(span: Span) -> int:
    return span.end


def _pieces(span: Span, edges: list[int]) -> Iterator[Span]:
    """``span`` parted at each of the sorted edges within it."""
    start = span.start
    for index in range(bisect_right(edges, start), bisect_left(edges, span.end)):
        yield span.at(start, edges[index])
        start = edges[index]
    if start < span.end:
        yield span.at(start, span.end)


def _joined_links(links: list[Span]) -> list[Span]:
    found: list[Span] = []
    for span in links:
        last = found[-1] if found else None
        if last and last.start < span.start == last.end and last.url == span.url:
            found[-1] = last.at(last.start, span.end)
        else:
            found.append(span)
    return found


def entities(rich: RichText) -> tuple[Entity, ...]:
    """The spans in their normal form as the Bot API wants them, for the text as it is.

    For a text that went through ``telegram_clean`` they are exactly what Telegram keeps: styles are split where
    other entities begin or end, as TDLib's ``split_entities`` does.
    """
    rich = normalise(rich)
    edges = {name: _split_edges(name, rich.spans) for name in {span.type for span in rich.spans}}
    pieces = tuple(piece for span in rich.spans for piece in _pieces(span, edges[span.type]))
    spans = sorted(edge_trim(RichText(rich.text, pieces)).spans, key=Span._order)
    offsets = _utf16_offsets(rich.text)
    return tuple(
        Entity(
            span.type,
            offsets[span.start],
            offsets[span.end] - offsets[span.start],
            span.url,
            span.language,
            span.unix_time,
            span.date_time_format,
        )
        for span in spans
    )


def _split_edges(name: str, spans: tuple[Span, ...]) -> list[int]:
    """Where a span of this type is parted: styles only."""
    if name not in STYLES:
        return []
    starts = {span.start for span in spans if span.type != name}
    return sorted(starts | {span.end for span in spans if span.type not in STYLES})


def _utf16_offsets(text: str) -> Sequence[int]:
    if not _TWO_UNITS.search(text):
        return range(len(text) + 1)
    offsets = [0]
    for character in text:
        offsets.append(offsets[-1] + 1 + (character > "\uffff"))
    return offsets


_URL = re.compile(
    r"(?P<scheme>https?)://(?:[^\s/?#\\@]*@)?(?P<host>\[[0-9a-f:.]+\]|[\w.\-\u00b7\u0300-\U000e0fff]+)"
    r"(?::(?P<port>\d{0,5}))?(?P<rest>[/?#].*)?",
    re.IGNORECASE,
)
_CAPITAL = re.compile("[A-Z]")
_TG_URL = re.compile(r"tg://[a-z_]+(?:\?[\x21-\x7e]+|/?)")
_URL_LIMIT = 4096


@lru_cache(maxsize=512)  # an address passes here several times on its way through a message
def telegram_url(url: str) -> str | None:
    """``url`` in the form Telegram gives it, or None where it would refuse it, and with it the whole message.

    Only http, https and tg are links; a host has a dot or is an address. Credentials are left out.
    """
    cleaned = _clean_characters(url.strip())[0].strip()
    if len(cleaned) > _URL_LIMIT:
        return None
    if _TG_URL.fullmatch(cleaned) and not cleaned.startswith("tg://user"):
        return cleaned if "?" in cleaned else cleaned.rstrip("/") + "/"
    match = _URL.fullmatch(cleaned)
    if match is None:
        return None
    host = _CAPITAL.sub(lambda letter: letter[0].lower(), match["host"])
    if not _is_host(host):
        return None
    port = int(match["port"] or 0)
    if port > 65535 or (match["port"] and not port):
        return None
    rest = (match["rest"] or "/").replace(" ", "%20").replace("\n", "%0A")
    return f"{match['scheme'].lower()}://{host}{f':{port}' if port else ''}{'' if rest[0] == '/' else '/'}{rest}"


def _is_host(host: str) -> bool:
    if host.startswith("["):
        try:
            IPv6Address(host[1:-1])
        except AddressValueError:
            return False
        return True
    labels = host.removesuffix(".").split(".")
    return len(labels) > 1 and all(labels)
