"""A message as HTML, the way Telegram draws it: entities as elements, each line with its own direction.

Pure; for the pages. Everything in a message comes from strangers: text is escaped in one place (``_visible``), and
only http, https and tg addresses become links.

Directions follow Telegram, not HTML: each line of a message is a paragraph, and its first strong letter decides.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from bot.model import Message
from bot.text import persian
from bot.text.richtext import RichText, Span

#: What screen readers say of folded and hidden text.
WORDS: Final = {"quote": "Folded quote", "spoiler": "Hidden text"}

_QUOTES: Final = ("blockquote", "expandable_blockquote")
_BLOCKS: Final = (*_QUOTES, "pre")
#: A quote this short is shown whole by Telegram, expandable or not.
_SHORT_QUOTE: Final = (3, 120)
_STYLES: Final = {"bold": "b", "italic": "i", "underline": "u", "strikethrough": "s", "code": "code"}
#: What Telegram makes live by itself (td/telegram/MessageEntity.cpp); U+2060 behind a sigil prevents it.
_LIVE = re.compile(
    r"(?P<url>(?<![\w/@.:#$-])(?:(?:https?|tg)://[^\s<>\"«»\u200e\u200f\u2060\u2066-\u2069]+"
    r"|(?:[a-z0-9-]+\.)+(?:com|org|net|ir|io|me|info|dev|app|co|tv|edu|gov|uk|de|fr|eu)(?![\w@.-]*[\w@])"
    r"(?:[/?][^\s<>\"«»\u200e\u200f\u2060\u2066-\u2069]*)?))"
    r"|(?P<email>(?<![\w.+-])[a-z0-9.+_-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+)"
    r"|(?P<mention>(?<!\w)@[a-z0-9_]{3,32}(?!\w))"
    r"|(?P<hashtag>(?<![\w\u200c\u00b7])\#(?=[\d_\u200c\u00b7]*[^\W\d_])[\w\u200c\u00b7]{1,256}(?!\#))"
    r"|(?P<cashtag>(?<![\w$\u200c\u00b7])\$(?-i:1INCH|[A-Z]{1,8})(?![\w$]))"
    r"|(?P<bot_command>(?<![\w/<>])/[a-z0-9_]{1,64}(?:@[a-z0-9_]{3,32})?(?![\w/<>]))",
    re.IGNORECASE,
)
_LINKS: Final = ("text_link", "url", "email", "mention", "hashtag", "cashtag", "bot_command", "phone_number")
_AFTER_URL: Final = ".,;:!?)]}'\"…،؛؟"
_MARKS: Final = {
    "\u00ad": "SHY",
    "\u061c": "ALM",
    "\u200b": "ZWSP",
    "\u200c": "ZWNJ",
    "\u200d": "ZWJ",
    "\u200e": "LRM",
    "\u200f": "RLM",
    "\u202a": "LRE",
    "\u202b": "RLE",
    "\u202c": "PDF",
    "\u202d": "LRO",
    "\u202e": "RLO",
    "\u2060": "WJ",
    "\u2066": "LRI",
    "\u2067": "RLI",
    "\u2068": "FSI",
    "\u2069": "PDI",
    "\ufeff": "BOM",
}
_MARK = re.compile(f"([{''.join(_MARKS)}])")


def message_html(message: Message, words: Mapping[str, str] = WORDS, *, marks: bool = False) -> Markup:
    """The text of a message as Telegram draws it; ``marks`` makes what is invisible visible."""
    rich = _rich(message)
    return Markup("").join(_Drawing(words, marks).blocks(_with_live(rich), _BLOCKS))


def _rich(message: Message) -> RichText:
    """Offsets in UTF-16 units become indexes; what lies outside the text or within a character is clipped."""
    text = re.sub("[\ud800-\udfff]", "\ufffd", message.text)
    places = [0]  # the character that each unit belongs to
    for index, character in enumerate(text):
        places += [index + 1] * (2 if character > "\uffff" else 1)
    spans = (
        Span(
            entity.type,
            places[min(max(entity.offset, 0), len(places) - 1)],
            places[min(max(entity.offset + entity.length, 0), len(places) - 1)],
            entity.url,
            entity.language,
        )
        for entity in message.entities
    )
    return RichText(text, tuple(span for span in spans if span.start < span.end))


def _with_live(rich: RichText) -> RichText:
    """With what Telegram links by itself, and without a link inside another."""
    solid = [span for span in rich.spans if span.type in (*_LINKS, "code", "pre")]
    found: list[Span] = []
    for live in _LIVE.finditer(rich.text):
        start, text = live.start(), live[0]
        if live.lastgroup == "url":
            text = _bare_url(text)
        span = Span(live.lastgroup or "", start, start + len(text))
        if not any(_overlap(span, other) for other in solid):
            found.append(span)
    kept: list[Span] = []
    for span in sorted((*rich.spans, *found), key=lambda span: (span.start, -span.end)):
        if span.type not in _LINKS or not any(other.type in _LINKS and _overlap(span, other) for other in kept):
            kept.append(span)
    return RichText(rich.text, tuple(kept))


def _bare_url(text: str) -> str:
    """Without the punctuation of the sentence around it; a bracket that it opens itself stays."""
    while text and text[-1] in _AFTER_URL and not (text[-1] == ")" and text.count("(") >= text.count(")")):
        text = text[:-1]
    return text


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Draws rich text: blocks of lines of pieces."""

    words: Mapping[str, str]
    marks: bool

    def blocks(self, rich: RichText, types: tuple[str, ...]) -> Iterator[Markup]:
        """Quotes and code stand alone, without the line breaks that part them from the text around."""
        at, walls = 0, [span for span in rich.spans if span.type in types]
        for wall in walls:
            if wall.start >= at:
                yield self._between(rich, at, wall.start)
                yield self._block(rich.slice(wall.start, wall.end), wall)
                at = wall.end
        yield self._between(rich, at, len(rich))

    def _between(self, rich: RichText, start: int, end: int) -> Markup:
        """The lines between two blocks, or between one and an end of the text."""
        piece = rich.slice(start, end)
        if start > 0 and piece.text.startswith("\n"):
            piece = piece.slice(1)
        if not piece:
            return Markup("")
        if end < len(rich) and piece.text.endswith("\n"):
            piece = piece.slice(0, len(piece) - 1)
        return self.lines(piece, "p")

    def _block(self, rich: RichText, wall: Span) -> Markup:
        # The break at the end of a quote is not one more line of it.
        rich = rich.slice(0, len(rich.text.rstrip("\n")) or None)
        direction = _direction(rich.text.partition("\n")[0])
        if wall.type == "pre":
            label = Markup("<b>{}</b>").format(wall.language) if wall.language else ""
            return Markup('<pre dir="{}">{}<code>{}</code></pre>').format(direction, label, self.lines(rich, "span"))
        if wall.type == "blockquote" or (rich.text.count("\n") < _SHORT_QUOTE[0] and len(rich) <= _SHORT_QUOTE[1]):
            inside = Markup("").join(self.blocks(rich, ("pre",)))
            return Markup('<blockquote dir="{}">{}</blockquote>').format(direction, inside)
        return Markup(
            '<details class="quote" dir="{}"><summary title="{}"><span class="fold">{}</span></summary></details>'
        ).format(direction, self.words["quote"], self.lines(rich, "span"))

    def lines(self, rich: RichText, tag: str) -> Markup:
        return Markup("").join(self._line(line, tag) for line in rich.lines())

    def _line(self, rich: RichText, tag: str) -> Markup:
        inside = Markup("").join(self._pieces(rich)) or Markup("<br>")
        return Markup('<{tag} class="line" dir="{direction}">{inside}</{tag}>').format(
            tag=tag, direction=_direction(rich.text), inside=inside
        )

    def _pieces(self, rich: RichText) -> Iterator[Markup]:
        """Elements always nest, also where spans do not: the inner one is closed and opened again."""
        spans = [span for span in rich.spans if span.type not in _BLOCKS]
        edges = sorted({0, len(rich), *(span.start for span in spans), *(span.end for span in spans)})
        opened: list[Span] = []
        for start, end in pairwise(edges):
            keep = next((index for index, span in enumerate(opened) if span.end <= start), len(opened))
            again = [span for span in opened[keep:] if span.end > start]
            yield from (self._tags(span, rich)[1] for span in reversed(opened[keep:]))
            opening = again + [span for span in spans if span.start == start]
            yield from (self._tags(span, rich)[0] for span in opening)
            opened = opened[:keep] + opening
            yield self._visible(rich.text[start:end])
        yield from (self._tags(span, rich)[1] for span in reversed(opened))

    def _tags(self, span: Span, rich: RichText) -> tuple[Markup, Markup]:
        if tag := _STYLES.get(span.type):
            return Markup("<{}>").format(tag), Markup("</{}>").format(tag)
        if span.type == "spoiler":
            opening = Markup('<span class="spoiler" tabindex="0" title="{}">').format(self.words["spoiler"])
            return opening, Markup("</span>")
        if span.type in _LINKS:
            url = _target(span, rich.text[span.start : span.end])
            if is_safe(url):
                return Markup('<a href="{}" rel="noreferrer noopener">').format(url), Markup("</a>")
            return Markup('<span class="live">'), Markup("</span>")
        return Markup(""), Markup("")

    def _visible(self, text: str) -> Markup:
        if not self.marks:
            return escape(text)
        return Markup("").join(
            _mark_box(piece) if piece in _MARKS else escape(piece) for piece in _MARK.split(text) if piece
        )


def _mark_box(mark: str) -> Markup:
    """The name of a mark in a box, outside what the mark isolates; the mark still works."""
    box = Markup('<bdi class="mark">{}</bdi>').format(_MARKS[mark])
    return mark + box if mark in (persian.PDI, "\u202c") else box + mark


def _target(span: Span, text: str) -> str | None:
    match span.type:
        case "text_link":
            return span.url
        case "url":
            return text if "://" in text else f"https://{text}"
        case "mention":
            return f"https://t.me/{text[1:]}"
    return None


def _direction(line: str) -> persian.Direction:
    """As Telegram's clients decide; a line without letters goes left to right."""
    return persian.first_strong(line) or "ltr"


def is_safe(url: str | None) -> bool:
    """Whether a page may lead there: nothing that a browser would run."""
    try:
        return urlsplit(url or "").scheme in ("http", "https", "tg")
    except ValueError:
        return False
