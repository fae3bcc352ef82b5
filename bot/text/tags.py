"""HTML as a flat list of tags and texts, cleaned and bounded.

The bottom of ``text/markup.py``: what a tag is, which survive, how deep they may nest, what a reader would not see,
where a link leads. Linear in the size of what it reads; makes no text of it.
"""

import html as entities_of_html
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urljoin

import nh3

from bot.text.richtext import telegram_url

#: More of one entry is never read, nor deeper (polling.md 3, rows 15 and 21).
LIMIT_CHARS = 512 * 1024
LIMIT_DEPTH = 200

_TAG = re.compile(r"<(?P<close>/?)(?P<name>[a-zA-Z][a-zA-Z0-9-]*)(?P<attributes>[^<>]*)>")
_ATTRIBUTE = re.compile(r"""([a-zA-Z_:][\w:.-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?""")
_LANGUAGE = re.compile(r"(?:^|\s)(?:language|lang|highlight-source|brush)[-:]\s*([\w+#.-]{1,32})(?=\s|;|$)")


class Token(NamedTuple):
    """A stretch of text (``name`` empty), or a tag. A tuple, because a long post has thousands."""

    text: str = ""
    name: str = ""
    closes: bool = False
    attributes: str = ""

    def attribute_map(self) -> dict[str, str]:
        """Names in lower case; of one written twice the first counts."""
        found: dict[str, str] = {}
        for name, double, single, bare in _ATTRIBUTE.findall(self.attributes):
            found.setdefault(name.lower(), entities_of_html.unescape(double or single or bare))
        return found

    def language(self) -> str | None:
        """The programming language its class names."""
        found = _LANGUAGE.search(self.attribute_map().get("class", ""))
        return found[1] if found else None

    def moment(self) -> tuple[int, str | None] | None:
        """The Unix time of a ``tg-time`` and the letters, in Telegram's order, of how clients are to show it."""
        attributes = self.attribute_map()
        if not re.fullmatch("[0-9]{1,10}", attributes.get("unix", "")):
            return None
        letters = attributes.get("format", "").replace("R", "r")
        return int(attributes["unix"]), "".join(sorted(letters, key="rwdDtT".find)) or None


def tokens(html: str) -> Iterator[Token]:
    """Texts, unescaped, and tags in order. What looks like no tag is text."""
    text, *tags = _TAG.split(html)
    new, unescape = tuple.__new__, entities_of_html.unescape  # half the time of Token(...), and there are thousands
    if text:
        yield Token(unescape(text))
    for closes, name, attributes, behind in zip(*[iter(tags)] * 4, strict=True):
        yield new(Token, ("", name.lower(), closes == "/", attributes))
        if behind:
            yield new(Token, (unescape(behind), "", False, ""))


def link_target(href: str, base_url: str | None = None) -> str | None:
    """The absolute address Telegram accepts, or None: its text stays, the link goes."""
    href = href.strip()
    if not href:
        return None
    if base_url:
        try:
            href = urljoin(base_url, href)
        except ValueError:
            return None
    return telegram_url(href)


STYLES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "cite": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
    "kbd": "code",
    "samp": "code",
    "tt": "code",
}
_BLOCK_NAMES = """address article aside blockquote caption center dd details div dl dt figcaption figure footer h1 h2 h3
    h4 h5 h6 header hgroup li main ol p pre section summary table tbody td tfoot th thead tr ul"""
BLOCKS = frozenset(_BLOCK_NAMES.split())  #: elements that begin and end on lines of their own
VOID = frozenset(("br", "hr", "img"))

_GONE = """applet audio button canvas datalist dialog embed form frameset head iframe input map math meter nav noembed
    noframes noscript object option plaintext progress script select style svg template textarea title video xmp"""
_CLEANER = nh3.Cleaner(
    tags={*BLOCKS, *STYLES, *VOID, "a", "q", "span", "sub", "sup", "small", "mark", "picture"},
    clean_content_tags=set(_GONE.split()),
    attributes={
        "*": {"class", "hidden", "style", "aria-hidden"},
        "a": {"href"},
        "img": {"src", "srcset", "alt", "width", "height", "data-src", "data-lazy-src", "data-original"},
        "ol": {"start"},
        "li": {"value"},
    },
    url_schemes={"http", "https", "tg"},
    link_rel=None,
)
#: Such as an image within its own address.
_HUGE = 16384  #: characters
HUGE_TAG = re.compile(rf"<[a-zA-Z/][^<>]{{{_HUGE},}}>?")
#: Elements that HTML closes by itself, or that have no end: many in a row are not deep.
_SHALLOW = frozenset(
    (*VOID, "p", "li", "dt", "dd", "td", "th", "tr", "tbody", "thead", "tfoot", "wbr", "source", "col")
)


def cleaned(html: str) -> str:
    """Well-formed HTML of known elements; scripts, forms, players and the like are gone with what is in them."""
    html = html[:LIMIT_CHARS]
    if len(html) > _HUGE:
        html = HUGE_TAG.sub("", html)
    return _CLEANER.clean(_flattened(html))


def _flattened(html: str) -> str:
    """Without the tags beyond the depth limit: the cleaner's time is quadratic in some of them."""
    if html.count("<") <= LIMIT_DEPTH:
        return html
    out: list[str] = []
    dropped: Counter[str] = Counter()
    depth = at = 0
    for tag in _TAG.finditer(html):
        name = tag["name"].lower()
        if name in _SHALLOW:
            continue
        if not tag["close"] and depth < LIMIT_DEPTH:
            depth += 1
        elif tag["close"] and not dropped[name]:
            depth = max(0, depth - 1)
        else:
            dropped[name] += -1 if tag["close"] else 1
            out.append(html[at : tag.start()])
            at = tag.end()
    return "".join((*out, html[at:]))


#: Most classes and styles hide nothing: what a look at the whole tag rules out need not be taken apart.
_MAY_HIDE = (
    "hidden", "display", "visibility", "font-size",
    "sr-only", "screen-reader", "assistive", "headerlink", "editsection",
)  # fmt: skip
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![\d.]*[1-9])", re.IGNORECASE
)
_HIDDEN_CLASS = re.compile(
    r"(?:^|\s)(?:sr-only|screen-reader-text|visually-?hidden|assistive-text|headerlink|mw-editsection)(?=\s|$)"
)


def is_hidden(token: Token) -> bool:
    """Whether a reader of the page would not see it."""
    if not token.attributes:
        return False
    written = token.attributes.lower()
    for sign in _MAY_HIDE:  # not any(): a generator takes as long as all of this
        if sign in written:
            break
    else:
        return False
    attributes = token.attribute_map()
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or bool(_HIDDEN_STYLE.search(attributes.get("style", "")))
        or bool(_HIDDEN_CLASS.search(attributes.get("class", "")))
    )
