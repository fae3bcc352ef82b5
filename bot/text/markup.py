"""HTML into text with spans: our templates' own, and what feeds send.

``parse`` reads the small HTML our templates write, ``to_html`` writes it; ``blocks`` (``text/typesetting.py``) reads
any HTML, ``images`` its pictures. Must not fail on any input and must not let a link through that Telegram refuses;
knows no feed and no channel.
"""

import html as entities_of_html
import re
from bisect import bisect_left
from dataclasses import replace
from itertools import pairwise

from bot.text.richtext import RichText, Span, normalise
from bot.text.tags import STYLES, Token, cleaned, is_hidden, link_target, tokens
from bot.text.typesetting import LIMIT_BLOCKS as LIMIT_BLOCKS
from bot.text.typesetting import Block as Block
from bot.text.typesetting import blocks as blocks
from bot.text.typesetting import flow as flow
from bot.text.typesetting import is_emoji
from bot.text.typesetting import plain as plain

# --- our templates ------------------------------------------------------------------------------------------


def parse(html: str, *, base_url: str | None = None) -> RichText:
    """The text of our own templates: a newline is a line break, unknown tags go, their text stays; never fails."""
    return normalise(read(html, base_url=base_url))


def read(html: str, *, base_url: str | None = None) -> RichText:
    """``parse`` with the spans as they are written, for who is going to change the text before they matter."""
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
    return RichText("".join(texts), tuple(spans))


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
    begin: dict[int, list[Span]] = {}
    end_at: dict[int, list[Span]] = {}
    for span in spans:
        begin.setdefault(span.start, []).append(span)
        end_at.setdefault(span.end, []).insert(0, span)
    on: list[Span] = []  # the styles of the stretch
    out: list[str] = []
    edges = sorted({0, len(rich.text), *begin, *end_at})
    for start, end in pairwise(edges):
        out += (_open_tag(span) for span in begin.get(start, ()) if span.type not in _SPLIT)
        on = [span for span in (*on, *begin.get(start, ())) if span.type in _SPLIT and span.end > start]
        out += (_open_tag(span) for span in on)
        out.append(escape(rich.text[start:end]))
        out += (_close_tag(span) for span in reversed(on))
        out += (_close_tag(span) for span in end_at.get(end, ()) if span.type not in _SPLIT)
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


# --- pictures ------------------------------------------------------------------------------------------------

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
    if is_hidden(token) or _EMOJI_CLASS.search(attributes.get("class", "")) or is_emoji(attributes.get("alt", "")):
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
_SIGIL = re.compile("[/@#$]")
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
    edges = sorted({(span.start, span.end) for span in solid})
    ends = [end for _, end in edges]  # ascending: such spans do not overlap in a block

    def is_solid(index: int) -> bool:
        nth = bisect_left(ends, index)
        return nth < len(edges) and edges[nth][0] < index

    return rich.edited([(index, 0, _WORD_JOINER) for index in _behind_sigils(rich.text) if not is_solid(index)])


def _behind_sigils(text: str) -> list[int]:
    live = [sigil for at in _SIGIL.finditer(text) if (sigil := _LIVE.match(text, at.start()))]
    addresses = [range(*address.span()) for address in _ADDRESS.finditer(text)] if live else []
    found: list[int] = []
    for sigil in live:
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
