"""From the output of a template to a text with spans: lines that vanish, lines that take their direction.

The last step of rendering a text, and the door for everything else that lays out a message (replies, cards). Lines of
text take their own direction, furniture the channel's (PRODUCT section 1, 3-4).
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from markupsafe import Markup, escape

from bot.model import Language, Message
from bot.text import cutting, markup, persian, richtext
from bot.text.persian import Direction
from bot.text.richtext import RichText

#: Longest text of one message in UTF-16 code units (Bot API, sendMessage).
MESSAGE_LIMIT = 4096

#: Noncharacters (Unicode 23.7) say inside a rendering what a stretch is; input is cleaned of them.
BODY = "\ufdd0"  #: at the start of a line of the post's own text
FILLED = "\ufdd1"  #: a variable that had a value
EMPTY = "\ufdd2"  #: a variable that had none
BODY_MARK, FILLED_MARK, EMPTY_MARK = Markup("\ufdd0"), Markup("\ufdd1"), Markup("\ufdd2")


def lay_out(html: str, language: Language) -> Message:
    """Make one message of the output of a template of ours: line breaks are literal, lines get their direction."""
    rich = markup.parse("\n".join(_filled_lines(html)))
    rich = richtext.telegram_clean(_directed(rich, direction_of(language)))
    rich = cutting.cut(rich, MESSAGE_LIMIT)
    return Message(rich.text, richtext.entities(rich))


def direction_of(language: Language) -> Direction:
    """Where a language's lines begin."""
    return "rtl" if language == "fa" else "ltr"


def body(text: str, language: str | None) -> Markup:
    """The post's own words: shown as written, live in nothing, each line marked as text."""
    shown = markup.neutralise(persian.display(persian.strip_controls(text), language)).strip()
    return Markup("\n").join(BODY_MARK + line for line in shown.split("\n")) if shown else Markup()


def as_body(html: Markup) -> Markup:
    """A line of a post's own words, already safe: it takes the direction that they have."""
    return BODY_MARK + html


def furniture(text: str) -> Markup:
    """A name or title of unknown direction inside a line of ours: isolated, and live in nothing."""
    shown = markup.neutralise(persian.strip_controls(text)).strip()
    return Markup(persian.isolate(str(escape(shown)), None)) if shown else Markup()  # noqa: S704 (escaped)


_SIGIL = re.compile(r"(?<!\S)[#@/]\w[\w\u200c]*")


def isolated_sigils(text: str, direction: Direction) -> str:
    """Hashtags, handles and commands of the other direction are isolated; they stay live inside (PRODUCT 1.4)."""

    def isolated(found: re.Match[str]) -> str:
        own = persian.dominant_direction(found[0])
        return found[0] if own in (None, direction) else persian.isolate(found[0], own)

    return _SIGIL.sub(isolated, text)


def _filled_lines(laid_out: str) -> Iterator[str]:
    """Drop lines whose variables are all empty, runs of blank lines, and separators with nothing beside them."""
    blank = True
    for line in laid_out.split("\n"):
        if EMPTY in line and FILLED not in line:
            continue
        shown = re.sub(f"[{FILLED}{EMPTY}]", "", line)
        shown = re.sub(r"^(?:\s*·\s+)+|(?:\s+·\s*)+$", "", shown).rstrip()
        if shown or not blank:
            yield shown
        blank = not shown


def _directed(rich: RichText, direction: Direction) -> RichText:
    """Set the mark of each line that needs one. From the last line up, so that earlier indexes stay true."""
    start = len(rich.text)
    for line in reversed(rich.text.split("\n")):
        start -= len(line)
        rich = _with_direction(rich, start, line, direction)
        start -= 1
    return rich


def _with_direction(rich: RichText, start: int, line: str, direction: Direction) -> RichText:
    is_code = any(span.type == "pre" and span.start <= start < span.end for span in rich.spans)
    if BODY in line or is_code:
        bare = line.replace(BODY, "")
        own = None if is_code else persian.dominant_direction(bare)
        mark = persian.MARKS[own] if own and persian.first_strong(bare) != own else ""
    else:
        bare = line.translate(_NO_MARKS)
        mark = _furniture_mark(line, bare, direction)
    for index in reversed(range(len(line))):
        if line[index] == BODY or (not is_code and BODY not in line and ord(line[index]) in _NO_MARKS):
            rich = _deleted(rich, start + index)
    return _inserted(rich, start, mark) if mark else rich


_NO_MARKS = dict.fromkeys(map(ord, persian.MARKS.values()))


def _furniture_mark(line: str, bare: str, direction: Direction) -> str:
    """The one mark a line of ours begins with: a date brings its own, others where they begin the wrong way."""
    if not bare or line[0] in persian.MARKS.values():
        return line[:1] if bare else ""
    # In a Persian line a leading "#" or "@" would hang at the wrong end even where the first letter is Persian.
    strong = persian.first_strong(bare[:1] if direction == "rtl" else bare)
    return "" if strong == direction else persian.MARKS[direction]


def _deleted(rich: RichText, index: int) -> RichText:
    spans = (
        replace(span, start=span.start - (span.start > index), end=span.end - (span.end > index)) for span in rich.spans
    )
    return RichText(rich.text[:index] + rich.text[index + 1 :], tuple(span for span in spans if span.start < span.end))


def _inserted(rich: RichText, index: int, mark: str) -> RichText:
    """A mark stays outside of links and styles, but inside of a quote: before it, it would be a line of its own."""
    quotes = {position for position, span in enumerate(rich.spans) if "quote" in span.type and span.start == index}
    wider = rich.insert(index, mark)
    spans = (replace(span, start=index) if position in quotes else span for position, span in enumerate(wider.spans))
    return RichText(wider.text, tuple(spans))
