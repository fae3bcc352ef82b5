"""HTML into text with spans: our templates' own, and what feeds send.

``parse`` reads the small HTML our templates write; ``blocks`` reads any HTML, cleaned by nh3 first, into paragraphs,
headings and the like, as a person would set them. Both walk a flat list of tags, so that depth costs nothing. Must
not fail on any input and must not let a link through that Telegram refuses; knows no feed and no channel.
"""

import html as entities_of_html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from bot.text.richtext import RichText, Span, normalise
from bot.text.tables import Table
from bot.text.tags import BLOCKS, LIMIT_CHARS, STYLES, VOID, Token, cleaned, is_hidden, link_target, tokens

BlockKind = Literal["paragraph", "heading", "item", "quote", "pre", "caption", "byline", "footer", "table", "rule"]

LIMIT_BLOCKS = 5000  #: of one entry; those of hostile ones would take seconds


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or its like. ``rich`` has the span its kind asks for: bold, blockquote, pre."""

    kind: BlockKind
    rich: RichText


# --- our templates ------------------------------------------------------------------------------------------


def parse(html: str, *, base_url: str | None = None) -> RichText:
    """The text of our own templates: a newline is a line break, unknown tags go, their text stays; never fails."""
    texts: list[str] = []
    size = 0
    opened: list[tuple[str, Span | None]] = []
    spans: list[Span] = []
    for token in tokens(html):
        if not token.name:
            texts.append(token.text)
            size += len(token.text)
        elif token.name == "br":
            texts.append("\n")
            size += 1
        elif not token.closes:
            opened.append((token.name, _opened_span(token, size, base_url)))
            _give_language(opened)
        else:
            spans += _closed_spans(opened, token.name, size)
    spans += (replace(span, end=size) for _, span in opened if span)
    return normalise(RichText("".join(texts), tuple(spans)))


def _opened_span(token: Token, at: int, base_url: str | None) -> Span | None:
    if token.name in STYLES:
        language = token.language() if token.name == "code" else None
        return Span(STYLES[token.name], at, at, language=language)
    if token.name == "pre":
        return Span("pre", at, at, language=token.language())
    if token.name == "blockquote":
        return Span("expandable_blockquote" if "expandable" in token.attribute_map() else "blockquote", at, at)
    if token.name == "a" and (url := link_target(token.attribute_map().get("href", ""), base_url)):
        return Span("text_link", at, at, url=url)
    if token.name == "tg-time" and (moment := token.moment()):
        return Span("date_time", at, at, unix_time=moment[0], date_time_format=moment[1])
    return None


def _give_language(opened: list[tuple[str, Span | None]]) -> None:
    """``pre`` takes the language of the ``code`` that begins with it."""
    if len(opened) < 2 or opened[-1][0] != "code" or opened[-2][0] != "pre":
        return
    pre, code = opened[-2][1], opened[-1][1]
    if pre and code and pre.start == code.start:
        opened[-2] = ("pre", Span("pre", pre.start, pre.end, language=code.language or pre.language))
        opened[-1] = ("code", None)


def _closed_spans(opened: list[tuple[str, Span | None]], name: str, at: int) -> list[Span]:
    for index in range(len(opened) - 1, -1, -1):
        if opened[index][0] == name:
            span = opened.pop(index)[1]
            return [replace(span, end=at)] if span else []
    return []


_OPEN_TAG = {
    "bold": "b",
    "italic": "i",
    "underline": "u",
    "strikethrough": "s",
    "spoiler": "tg-spoiler",
    "code": "code",
    "blockquote": "blockquote",
}


def to_html(rich: RichText) -> str:
    """HTML that ``parse`` reads back; safe to put into a template's output."""
    spans = normalise(rich).spans
    containers = [span for span in spans if span.type not in _SPLIT]
    styles = [span for span in spans if span.type in _SPLIT]
    edges = sorted({0, len(rich.text), *(edge for span in spans for edge in (span.start, span.end))})
    out: list[str] = []
    for start, end in pairwise(edges):
        out += (_open_tag(span) for span in containers if span.start == start)
        on = [span for span in styles if span.start <= start < span.end]
        out += (_open_tag(span) for span in on)
        out.append(escape(rich.text[start:end]))
        out += (_close_tag(span) for span in reversed(on))
        out += (_close_tag(span) for span in reversed(containers) if span.end == end)
    return "".join(out)


_SPLIT = ("bold", "italic", "underline", "strikethrough", "spoiler")


def escape(text: str) -> str:
    """Text as HTML that stands for it, in element or attribute."""
    return entities_of_html.escape(text)


def _open_tag(span: Span) -> str:
    if span.type == "text_link":
        return f'<a href="{escape(span.url or "")}">'
    if span.type == "date_time":
        shown = f' format="{span.date_time_format}"' if span.date_time_format else ""
        return f'<tg-time unix="{span.unix_time}"{shown}>'
    if span.type == "pre":
        return f'<pre><code class="language-{escape(span.language)}">' if span.language else "<pre>"
    if span.type == "expandable_blockquote":
        return "<blockquote expandable>"
    return f"<{_OPEN_TAG[span.type]}>"


def _close_tag(span: Span) -> str:
    if span.type == "text_link":
        return "</a>"
    if span.type == "date_time":
        return "</tg-time>"
    if span.type == "pre":
        return "</code></pre>" if span.language else "</pre>"
    return f"</{_OPEN_TAG.get(span.type, 'blockquote')}>"


# --- what feeds send ----------------------------------------------------------------------------------------

_ROLES: dict[str, BlockKind] = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "heading"),
    "figcaption": "caption",
    "caption": "caption",
    "address": "byline",
    "footer": "footer",
    "blockquote": "quote",
}
_LOOKS_LIKE_HTML = re.compile(r"</?[a-zA-Z][^<>]*>|<!--|<!\[CDATA\[")
#: A text without a tag that turns into one: some publishers escape their HTML once too often.
_ESCAPED_TWICE = re.compile(
    r"\s*<(?:p|div|span|a|b|i|em|strong|img|br|h[1-6]|[uo]l|table|figure|blockquote)(?:\s[^<>]*)?/?>", re.IGNORECASE
)
_UNSEEN = {
    **dict.fromkeys(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xAD, 0xFEFF)), ""),
    **dict.fromkeys("\u2028\u2029", "\n"),
}  #: the others are spaces
_ANY_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_SPACE = re.compile(r"[ \t\n\r\x0b\x0c\u00a0]+")
_SUPERSCRIPT = str.maketrans(
    "0123456789+-=()ni",
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b\u207c\u207d\u207e\u207f\u2071",
)
_SUBSCRIPT = str.maketrans(
    "0123456789+-=()", "\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089\u208a\u208b\u208c\u208d\u208e"
)


def blocks(html: str, *, base_url: str | None = None, limit_chars: int = LIMIT_CHARS) -> list[Block]:
    """Any HTML, or plain text, as the blocks a person would set.

    ``limit_chars`` of the source are read. Text without a tag has one paragraph a line.
    """
    source = _ANY_UNSEEN.sub(lambda found: _UNSEEN.get(found[0], " "), html[:limit_chars])
    if not _LOOKS_LIKE_HTML.search(source):
        source = entities_of_html.unescape(source)
        if not _ESCAPED_TWICE.match(source):
            lines = (_SPACE.sub(" ", line).strip() for line in source.split("\n"))
            return [Block("paragraph", RichText(line)) for line in lines if line][:LIMIT_BLOCKS]
    walk = _Walk(base_url)
    for token in tokens(cleaned(source)):
        if len(walk.found) >= LIMIT_BLOCKS:
            break
        walk.take(token)
    return walk.finish()


class _Walk:
    """One pass over the tags of clean HTML, which are balanced; the state of the block being read."""

    def __init__(self, base_url: str | None) -> None:
        self._base_url = base_url
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
        if not token.name:
            if self._hidden_at is None:
                self._add_text(token.text)
        elif token.name in VOID:
            if self._hidden_at is None:
                self._take_void(token)
        elif token.closes:
            self._close(token.name)
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
        if text:
            self._append(text)

    def _append(self, text: str) -> None:
        if self._marker and text.strip():
            self._texts.append(self._marker)
            self._size += len(self._marker)
            self._marker = ""
        self._texts.append(text)
        self._size += len(text)
        self._ends_in_space = text[-1:] in (" ", "\n")
        self._breaks = 0

    def _take_void(self, token: Token) -> None:
        if token.name == "img":
            alt = token.attribute_map().get("alt", "").strip()
            if _is_emoji(alt):
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
        if self._hidden_at is None and is_hidden(token):
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
        span_type = STYLES.get(token.name)
        url = None
        if token.name == "a":
            url = link_target(token.attribute_map().get("href", ""), self._base_url)
            span_type = "text_link" if url else None
        if span_type is None or (span_type == "code" and "text_link" in self._open):
            return None  # Telegram would keep the code and lose the link (botapi.md 1.1)
        depth, start, outer = self._open.get(span_type, (0, self._size, url))
        self._open[span_type] = (depth + 1, start, outer)
        return span_type

    def _close(self, name: str) -> None:
        while self._stack:
            opened, span_type = self._stack.pop()
            hidden = self._hidden_at is not None
            if self._hidden_at == len(self._stack):
                self._hidden_at = None
            if not hidden:
                self._leave(opened, span_type)
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
        spans = list(self._spans)
        for span_type, (depth, start, url) in self._open.items():
            spans.append(Span(span_type, start, self._size, url))
            self._open[span_type] = (depth, 0, url)
        rich = RichText("".join(self._texts), tuple(span for span in spans if span.start < span.end))
        self._texts, self._spans, self._size = [], [], 0
        self._ends_in_space, self._breaks = True, 0
        if not rich.text.strip():
            return
        kind = self._kind()
        if kind == "pre":
            text = rich.text.strip("\n").rstrip()
            self.found.append(Block(kind, RichText(text).marked("pre", language=self._pre[-1])))
            return
        rich = normalise(_tidy_lines(rich))
        self.found.append(Block(kind, rich.marked("bold") if kind == "heading" else rich))

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
    return RichText.join("\n", (line.strip() for line in rich.strip().lines()))


def _is_emoji(alt: str) -> bool:
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


_READ_AS_TEXT = ("paragraph", "item", "quote", "pre", "table")


def plain(html: str, *, base_url: str | None = None) -> str:
    """The body's text, one paragraph a line: without headings, captions, bylines and footers."""
    lines: list[str] = []
    for block in blocks(html, base_url=base_url):
        if block.kind in ("pre", "table"):
            lines += (line.rstrip() for line in block.rich.text.split("\n"))
        elif block.kind in _READ_AS_TEXT:
            lines += (paragraph.replace("\n", " ") for paragraph in block.rich.text.split("\n\n"))
    return "\n".join(line for line in lines if line.strip())


_TRACKER = re.compile(
    r"feeds\.feedburner\.com/~|feedsportal\.com|doubleclick\.net|(?:stats|pixel)\.(?:wordpress\.com|wp\.com)"
    r"|/(?:pixel|spacer|blank|clear|transparent|1x1|beacon|track(?:ing|er)?)\b[^/]*(?:\.gif|\.png|\.php|\?|$)"
    r"|/(?:emoji|twemoji|smil(?:ie|ey)s|emoticons?)/|_icon[_.-]",
    re.IGNORECASE,
)
_PIXEL, _ICON = 3, 48  #: sides of what counts readers, and of what adorns
_EMOJI_CLASS = re.compile(r"(?:^|[\s_-])(?:emoji|smiley|twemoji|wp-smiley)(?=[\s_-]|$)")


def images(html: str, *, base_url: str | None = None) -> list[str]:
    """Absolute addresses of the pictures a reader sees, in order, each once; no pixels that count, no emoji."""
    found: dict[str, None] = {}
    if "<img" not in html.lower():
        return []
    for token in tokens(cleaned(html)):
        if token.name == "img" and (url := _image(token, base_url)):
            found.setdefault(url)
    return list(found)


def _image(token: Token, base_url: str | None) -> str | None:
    attributes = token.attribute_map()
    if is_hidden(token) or _EMOJI_CLASS.search(attributes.get("class", "")) or _is_emoji(attributes.get("alt", "")):
        return None
    sides = [
        int(side) for name in ("width", "height") if (side := attributes.get(name, "").removesuffix("px")).isdecimal()
    ]
    if sides and (min(sides) <= _PIXEL or max(sides) <= _ICON):
        return None
    largest = attributes.get("srcset", "").strip().rpartition(", ")[2].split(" ")[0]
    named = (attributes.get(name, "") for name in ("data-src", "data-lazy-src", "data-original", "src"))
    for address in (*named, largest):
        url = link_target(address, base_url) if address else None
        if url and url.startswith("http") and not _TRACKER.search(url):
            return url
    return None


# --- words of others ----------------------------------------------------------------------------------------

_WORD_JOINER = "\u2060"
#: A link the reader's client makes by itself: its inside must stay as it is. Stops short of what may not belong to it.
_ADDRESS = re.compile(
    r"(?<![\w/@.:#$-])(?:https?://[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}|tg://[a-z0-9_-]+"
    r"|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|ir|io|me|info|dev|app|co|tv|edu|gov|uk|de|fr|eu)(?=[/?]))"
    r"(?::\d{1,5})?(?![\w.:@-])(?:[/?#][\w\-.~:/?#@!$&'*+,;=%]*)?",
    re.IGNORECASE,
)
_LIVE = re.compile(
    r"(?<![\w/<>])/(?=[A-Za-z0-9_]{1,64}(?![\w/<>]))"  # /command; not and/or, not /usr/bin
    r"|(?<!\w)@(?=[A-Za-z0-9_])"  # @mention; not an e-mail address
    r"|(?<![\w\u200c\u00b7])\#(?=[\d_\u200c\u00b7]*[^\W\d_])"  # a hashtag has a letter: not #1
    r"|(?<![\w$\u200c\u00b7])\$(?=[A-Z]|1INCH)"
)


def neutralise(text: str) -> str:
    """Text whose commands, mentions, hashtags and cashtags are no longer live (PRODUCT 1.5)."""
    out: list[str] = []
    at = 0
    for index in _behind_sigils(text):
        out += (text[at:index], _WORD_JOINER)
        at = index
    return "".join((*out, text[at:]))


def neutralise_rich(rich: RichText) -> RichText:
    """``neutralise`` where Telegram looks: links, code and pre are left alone."""
    solid = [span for span in rich.spans if span.type in ("text_link", "code", "pre")]
    for index in reversed(_behind_sigils(rich.text)):
        if not any(span.start < index <= span.end for span in solid):
            rich = rich.insert(index, _WORD_JOINER)
    return rich


def _behind_sigils(text: str) -> list[int]:
    addresses = [range(*address.span()) for address in _ADDRESS.finditer(text)]
    found: list[int] = []
    for sigil in _LIVE.finditer(text):
        while addresses and addresses[0].stop <= sigil.start():
            addresses.pop(0)
        if not addresses or sigil.start() not in addresses[0]:
            found.append(sigil.end())
    return found


_TITLE_TAG = re.compile(
    r"<(script|style)\b[^<>]*>.*?</\1\s*>|<!--.*?-->|</?(?:a|abbr|acronym|b|big|blockquote|br|cite|code|del|dfn|div|em|"
    r"font|h[1-6]|hr|i|img|ins|kbd|li|mark|nobr|ol|p|q|s|samp|script|small|span|strike|strong|style|sub|sup|tt|u|ul|"
    r"var|wbr)\b[^<>]*>",
    re.IGNORECASE | re.DOTALL,
)
_TITLE_LIMIT = 4096
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u206f\ufeff\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")


def clean_title(html_or_text: str) -> str:
    """One line of plain text; escaping done twice or three times is undone."""
    text = html_or_text[:_TITLE_LIMIT]
    for _ in range(3):
        unescaped = entities_of_html.unescape(text)
        if unescaped == text:
            break
        text = unescaped
    text = _TITLE_TAG.sub(_title_gap, text)
    return _CONTROL.sub(" ", _INVISIBLE.sub("", text)).strip()


def _title_gap(tag: re.Match[str]) -> str:
    return " " if re.match(r"</?(?:br|p|div|h[1-6]|li|blockquote|hr|[ou]l)\b", tag[0], re.IGNORECASE) else ""
