"""HTML of feeds as a person would set it: paragraphs, headings, lists, quotes, tables.

``blocks`` reads any HTML, cleaned by nh3 first, walking a flat list of tags, so that depth costs nothing. Must not
fail on any input, and must not let through what a reader of the page would not see. Behind the door of
``text/markup.py``.
"""

import html as entities_of_html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bot.text.richtext import MARKS, RichText, Span, normalise
from bot.text.sentences import unwrapped
from bot.text.tables import Table
from bot.text.tags import BLOCKS, LIMIT_CHARS, STYLES, VOID, Token, cleaned, is_hidden, link_target, tokens

BlockKind = Literal["paragraph", "heading", "item", "quote", "pre", "caption", "byline", "footer", "table", "rule"]

LIMIT_BLOCKS = 5000  #: of one entry; those of hostile ones would take seconds


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or its like. ``rich`` has the span its kind asks for: bold, blockquote, pre."""

    kind: BlockKind
    rich: RichText
    depth: int = 0  #: of an item: how many lists it stands in


#: Elements whose end means something.
_LEFT = BLOCKS | {"q", "sub", "sup"}
_ROLES: dict[str, BlockKind] = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "heading"),
    "figcaption": "caption",
    "caption": "caption",
    "address": "byline",
    "footer": "footer",
    "blockquote": "quote",
}
#: A tag, or one that was cut off among its attributes.
_LOOKS_LIKE_HTML = re.compile(r"</?[a-zA-Z][^<>]*>|<!--|<!\[CDATA\[|<[a-zA-Z][\w-]*\s+[\w-]+=[^<>]*$")
_CDATA = re.compile(r"\s*<!\[CDATA\[(.*?)(?:\]\]>)?\s*", re.DOTALL)
#: A text without a tag that turns into one: some publishers escape their HTML once too often.
_ESCAPED_TWICE = re.compile(
    r"\s*<(?:p|div|span|a|b|i|em|strong|img|br|h[1-6]|[uo]l|table|figure|blockquote)(?:\s[^<>]*)?/?>", re.IGNORECASE
)
#: What no text has: marks and isolates (those of a message are ours), halves of pairs, noncharacters, zero width.
_UNSEEN = {
    **dict.fromkeys(
        "\xad\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff", ""
    ),
    **dict.fromkeys("\u2028\u2029", "\n"),
}  #: the others are spaces
_ANY_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufeff"
    "\ufffe\uffff]"
)
#: All white space but a single plain one, which is to stay as it is.
_SPACE = re.compile(r"(?:[\t\n\r\x0b\x0c\u00a0]| (?=[ \t\n\r\x0b\x0c\u00a0]))[ \t\n\r\x0b\x0c\u00a0]*")
_SUPERSCRIPT = str.maketrans(
    "0123456789+-=()ni",
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b\u207c\u207d\u207e\u207f\u2071",
)
_SUBSCRIPT = str.maketrans(
    "0123456789+-=()", "\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089\u208a\u208b\u208c\u208d\u208e"
)


def blocks(
    html: str, *, base_url: str | None = None, limit_chars: int = LIMIT_CHARS, words_only: bool = False
) -> list[Block]:
    """Any HTML, or plain text, as the blocks a person would set.

    ``limit_chars`` of the source are read. Text without a tag has one paragraph a line. With ``words_only`` blocks have
    no spans but those of links, whose addresses are as written: it takes half the time.
    """
    source = _seen(html[:limit_chars])
    if wrapped := _CDATA.fullmatch(source):
        source = wrapped[1]
    if not _LOOKS_LIKE_HTML.search(source):
        source = _seen(entities_of_html.unescape(source))
        if not _ESCAPED_TWICE.match(source):
            lines = (_SPACE.sub(" ", line).strip() for line in unwrapped(_without_styles(source)))
            return [Block("paragraph", RichText(line)) for line in lines if line][:LIMIT_BLOCKS]
    walk = _Walk(base_url, words_only=words_only)
    found, take = walk.found, walk.take  # a long post has thousands of tokens
    for token in tokens(_seen(cleaned(source))):  # &#8238; was not seen before
        if len(found) >= LIMIT_BLOCKS:
            break
        take(token)
    return walk.finish()


#: Rules of a style sheet whose tags a publisher took away.
_STYLE_RULE = re.compile(r"^[ \t]*[.#@][\w .:#>,*()-]{1,120}\{[^{}]{0,3000}\}[ \t]*$", re.MULTILINE)


def _without_styles(source: str) -> str:
    return _STYLE_RULE.sub("", source) if source.count("{") > 1 else source


def _seen(text: str) -> str:
    return _ANY_UNSEEN.sub(lambda found: _UNSEEN.get(found[0], " "), text)


class _Walk:
    """One pass over the tags of clean HTML, which are balanced; the state of the block being read."""

    def __init__(self, base_url: str | None, *, words_only: bool = False) -> None:
        self._base_url = base_url
        self._words_only = words_only
        self.found: list[Block] = []
        self._texts: list[str] = []
        self._size = 0
        self._ends_in_space = True
        self._spans: list[Span] = []
        self._open: dict[str, tuple[int, int, str | None]] = {}  # type -> depth, start, url
        self._stack: list[tuple[str, str | None]] = []  # tag, type of span it opened
        self._hidden_at: int | None = None
        self._roles: list[BlockKind] = []
        self._lists: list[int | None] = []  # the next number; None for bullets
        self._marker = ""
        self._pre: list[str | None] = []  # languages
        self._quote_from: int | None = None
        self._tables: list[Table] = []
        self._shift: list[dict[int, int]] = []
        self._breaks = 0

    def take(self, token: Token) -> None:
        text, name, closes, _attributes = token
        if not name:
            if self._hidden_at is None:
                self._add_text(text)
        elif name in VOID:
            if self._hidden_at is None:
                self._take_void(token)
        elif closes:
            self._close(name)
        else:
            self._enter(token)

    def finish(self) -> list[Block]:
        self._flush()
        while self.found and self.found[-1].kind == "rule":
            self.found.pop()
        return self.found

    # text

    def _add_text(self, text: str) -> None:
        if self._shift:
            text = _shifted(text, self._shift[-1])
        if self._pre:
            self._append(text.replace("\r", "").expandtabs(4))
            return
        text = _SPACE.sub(" ", text)
        if self._ends_in_space:
            text = text.lstrip(" ")
        if not text:
            return
        if self._marker:
            self._append(text)
            return
        self._texts.append(text)
        self._size += len(text)
        self._ends_in_space = text[-1] == " "
        self._breaks = 0

    def _append(self, text: str) -> None:
        if self._marker and text.strip():
            begins = self._size
            self._texts.append(self._marker)
            self._size += len(self._marker)
            self._marker = ""
            # What the item begins with is a link or code; its bullet is not.
            for name, (depth, start, url) in self._open.items():
                if start == begins:
                    self._open[name] = (depth, self._size, url)
        self._texts.append(text)
        self._size += len(text)
        self._ends_in_space = text[-1:] in (" ", "\n")
        self._breaks = 0

    def _take_void(self, token: Token) -> None:
        if token.name == "img":
            alt = token.attribute_map().get("alt", "").strip()
            if is_emoji(alt):
                self._append(alt)
        elif token.name == "hr":
            self._flush()
            if self.found and self.found[-1].kind != "rule":
                self.found.append(Block("rule", RichText("* * *")))
        elif self._pre:
            self._append("\n")
        elif self._breaks:
            self._flush()
        elif self._size:
            self._append("\n")
            self._breaks = 1

    # tags

    def _enter(self, token: Token) -> None:
        name = token.name
        if token.attributes and self._hidden_at is None and is_hidden(token):
            self._hidden_at = len(self._stack)
        span_type = None
        if self._hidden_at is None:
            if name in BLOCKS:
                self._enter_block(token)
            elif name == "q":
                self._append("\u201c")
            elif name in ("sub", "sup"):
                self._shift.append(_SUBSCRIPT if name == "sub" else _SUPERSCRIPT)
            else:
                span_type = self._open_span(token)
        self._stack.append((name, span_type))

    def _enter_block(self, token: Token) -> None:
        name = token.name
        if self._pre and name != "pre":
            return
        self._flush()
        if name in _ROLES:
            self._roles.append(_ROLES[name])
            if name == "blockquote" and self._quote_from is None:
                self._quote_from = len(self.found)
        elif name in ("ol", "ul"):
            self._lists.append(_number(token, "start", 1) if name == "ol" else None)
        elif name == "li":
            self._marker = self._next_marker(token)
        elif name == "pre":
            self._pre.append(token.language())
        elif name == "table":
            self._tables.append(Table(len(self.found)))
        elif self._tables:
            self._tables[-1].enter(name, len(self.found))

    def _next_marker(self, token: Token) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "\u2022 " if len(self._lists) < 2 else "\u25e6 "
        number = _number(token, "value", number)
        self._lists[-1] = number + 1
        return f"{number}. "

    def _open_span(self, token: Token) -> str | None:
        if self._pre:
            if token.name == "code" and self._pre[-1] is None:
                self._pre[-1] = token.language()
            return None
        if self._words_only and token.name != "a":
            return None
        span_type = STYLES.get(token.name)
        url = None
        if token.name == "a":
            href = token.attribute_map().get("href", "")
            url = href if self._words_only else link_target(href, self._base_url)
            span_type = "text_link" if url else None
        if span_type is None or (span_type == "code" and "text_link" in self._open):
            return None  # Telegram would keep the code and lose the link (botapi.md 1.1)
        depth, start, outer = self._open.get(span_type, (0, self._size, url))
        self._open[span_type] = (depth + 1, start, outer)
        return span_type

    def _close(self, name: str) -> None:
        stack = self._stack
        while stack:
            opened, span_type = stack.pop()
            if self._hidden_at is None:
                if span_type or opened in _LEFT:  # most tags within a line mean nothing
                    self._leave(opened, span_type)
            elif self._hidden_at == len(stack):
                self._hidden_at = None
            if opened == name:
                return

    def _leave(self, name: str, span_type: str | None) -> None:
        if span_type:
            depth, start, url = self._open[span_type]
            if depth > 1:
                self._open[span_type] = (depth - 1, start, url)
            else:
                del self._open[span_type]
                self._spans.append(Span(span_type, start, self._size, url))
        elif name == "q":
            self._append("\u201d")
        elif name in ("sub", "sup"):
            self._shift.pop()
        elif name in BLOCKS:
            self._leave_block(name)

    def _leave_block(self, name: str) -> None:
        if self._pre and name != "pre":
            if name in ("div", "p", "li", "tr") and self._texts and not self._texts[-1].endswith("\n"):
                self._append("\n")
            return
        self._flush()
        if name in _ROLES:
            self._roles.pop()
            if name == "blockquote" and "quote" not in self._roles:
                self._end_quote()
        elif name in ("ol", "ul"):
            self._lists.pop()
        elif name == "li":
            self._marker = ""
        elif name == "pre":
            self._pre.pop()
        elif name == "table":
            self._end_table()
        elif self._tables:
            self._tables[-1].leave(name, [block.rich.text for block in self.found[self._tables[-1].cell_from :]])

    # blocks

    def _flush(self) -> None:
        """End the block being read; spans still open go on in the next."""
        self._ends_in_space, self._breaks = True, 0
        if not self._size:
            self._spans.clear()
            return
        spans = list(self._spans)
        for span_type, (depth, start, url) in self._open.items():
            spans.append(Span(span_type, start, self._size, url))
            self._open[span_type] = (depth, 0, url)
        rich = RichText("".join(self._texts), tuple(span for span in spans if span.start < span.end))
        self._texts, self._spans, self._size = [], [], 0
        if not rich.text.strip():
            return
        kind = self._kind()
        if kind == "pre":
            text = rich.text.strip("\n").rstrip()
            self.found.append(Block(kind, RichText(text).marked("pre", language=self._pre[-1])))
            return
        rich = _tidy_lines(rich)
        if rich.spans and not self._words_only:
            rich = normalise(rich)
        depth = len(self._lists) if kind == "item" else 0
        self.found.append(Block(kind, rich.marked("bold") if kind == "heading" else rich, depth))

    def _kind(self) -> BlockKind:
        if self._pre:
            return "pre"
        if self._roles:
            return self._roles[-1]
        return "item" if self._lists else "paragraph"

    def _end_quote(self) -> None:
        start = self._quote_from or 0
        self._quote_from = None
        found = self.found[start:]
        if found and all(block.kind == "quote" for block in found):
            joined = RichText.join("\n\n", (block.rich for block in found))
            self.found[start:] = [Block("quote", joined.marked("blockquote"))]
        else:
            self.found[start:] = [
                Block(block.kind, block.rich.marked("blockquote")) if block.kind == "quote" else block
                for block in found
            ]

    def _end_table(self) -> None:
        table = self._tables.pop()
        if not self._tables and (text := table.drawn()):
            captions = [block for block in self.found[table.start :] if block.kind == "caption"]
            self.found[table.start :] = [*captions, Block("table", RichText(text).marked("pre"))]
        elif self._tables:
            self._tables[-1].is_layout = True


def _number(token: Token, name: str, default: int) -> int:
    written = token.attribute_map().get(name, "")
    return int(written) if re.fullmatch(r"-?[0-9]{1,6}", written) else default


def _shifted(text: str, table: dict[int, int]) -> str:
    """Raised or lowered, where every character has such a form."""
    return text.translate(table) if text and all(ord(character) in table for character in text) else text


def _tidy_lines(rich: RichText) -> RichText:
    if "\n" not in rich.text:
        return rich.strip()
    return RichText.join("\n", (line.strip() for line in rich.strip().lines()))


def is_emoji(alt: str) -> bool:
    """Whether the words that stand for a picture are an emoji: then it is shown as that."""
    if not 0 < len(alt) <= 16:
        return False
    return any(unicodedata.category(character) == "So" for character in alt) and all(
        unicodedata.category(character) in ("So", "Sk", "Mn", "Me", "Cf") or character in "0123456789#*"
        for character in alt
    )


def flow(found: Iterable[Block]) -> RichText:
    """The blocks as one text: items on lines, the others with an empty line between."""
    text = RichText()
    last: Block | None = None
    for block in found:
        if last is not None:
            text += RichText("\n" if last.kind == block.kind == "item" else "\n\n")
        text += block.rich
        last = block
    return text


_NO_MARKS = dict.fromkeys(map(ord, MARKS))
_READ_AS_TEXT = ("paragraph", "item", "quote", "pre", "table")


def plain(html: str, *, base_url: str | None = None) -> str:
    """The body's text, one paragraph a line: without headings, captions, bylines and footers."""
    lines: list[str] = []
    for block in blocks(html, base_url=base_url):
        if block.kind in ("pre", "table"):
            lines += (line.translate(_NO_MARKS).rstrip() for line in block.rich.text.split("\n"))
        elif block.kind in _READ_AS_TEXT:
            lines += (paragraph.replace("\n", " ") for paragraph in block.rich.text.split("\n\n"))
    return "\n".join(line for line in lines if line.strip())
