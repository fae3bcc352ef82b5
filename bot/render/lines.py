"""From the output of a template to a text with spans: lines that vanish, lines that take their direction.

The last step of rendering a text, and the door for everything else that lays out a message (replies, cards). Lines of
text take their own direction, furniture the channel's (PRODUCT section 1, 3-4).
"""

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

from bot.labels import direction_of
from bot.model import Language, Message
from bot.text import cutting, markup, persian, richtext
from bot.text.persian import Direction
from bot.text.richtext import RichText

#: Longest text of one message in UTF-16 code units (Bot API, sendMessage).
MESSAGE_LIMIT = 4096
#: Entities of one message; Telegram forgets the others.
ENTITY_LIMIT = 100

#: Noncharacters (Unicode 23.7) say inside a rendering what a stretch is; input is cleaned of them.
BODY = "\ufdd0"  #: at the start of a line of the post's own text
FILLED = "\ufdd1"  #: a variable that had a value begins
EMPTY = "\ufdd2"  #: a variable that had none
END = "\ufdd3"  #: a value ends

BODY_MARK, EMPTY_MARK = Markup("\ufdd0"), Markup("\ufdd2")

_ANY_SIGN = re.compile(f"[{FILLED}{EMPTY}{END}]")


def lay_out(html: str, language: Language) -> Message:
    """Make one message of the output of a template of ours: line breaks are literal, lines get their direction."""
    return message_of(cutting.cut(set_lines(html, language), MESSAGE_LIMIT))


def set_lines(html: str, language: Language) -> RichText:
    """The text of a template's output as Telegram will have it, however long."""
    rich = markup.read("\n".join(_filled_lines(html)))
    return richtext.telegram_clean(_directed(rich, direction_of(language)))


def message_of(rich: RichText) -> Message:
    """A message of a text that ``set_lines`` made, or of a part of it."""
    return Message(rich.text, richtext.entities(rich)[:ENTITY_LIMIT])


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


# --- lines that vanish ---------------------------------------------------------------------------------------

_SEPARATOR = re.compile(r"\s+·\s+|^\s*·\s+|\s+·\s*$")
_EMPTY_LABEL = re.compile(f"[^{FILLED}{EMPTY}{END}<>]*:\\s*{EMPTY}")
_TAG = re.compile("<[^<>]*>")
#: The occasion, which ends in a separator, where no date follows.
_WAITING = re.compile(f"\\s+·\\s*{END}\\s*$")


def _filled_lines(laid_out: str) -> Iterator[str]:
    """Drop lines whose variables are all empty, runs of blank lines, and labels and separators of what is empty."""
    blank = True
    for line in laid_out.split("\n"):
        if EMPTY in line and FILLED not in line:
            continue
        if EMPTY in line:
            line = _without_gaps(line)
        shown = _ANY_SIGN.sub("", line if BODY in line else _WAITING.sub("", line)).rstrip()
        if shown or not blank:
            yield shown
        blank = not shown


def _without_gaps(line: str) -> str:
    """A line with some empty variables, without what stood round them. Tags stay: others may close them."""
    kept: list[str] = []
    tags = ""
    for segment in _SEPARATOR.split(line):
        if EMPTY in segment and FILLED not in segment:
            tags += "".join(_TAG.findall(segment))
        elif segment:
            kept.append(tags + _EMPTY_LABEL.sub("", segment).strip())
            tags = ""
    return " · ".join(kept) + tags


# --- direction -----------------------------------------------------------------------------------------------

_OWN_SIGNS = re.compile(f"[{BODY}]")
_SIGNS_AND_MARKS = re.compile(f"[{BODY}{richtext.MARKS}]")


def _directed(rich: RichText, direction: Direction) -> RichText:
    """Set the mark of each line that needs one, and take the signs out."""
    codes = [span for span in rich.spans if span.type == "pre"]
    edits: list[tuple[int, int, str]] = []
    starts: dict[int, int] = {}
    start = 0
    for line in rich.text.split("\n"):
        is_body = BODY in line
        first = start + line.startswith(BODY)
        starts[first] = start
        is_code = any(span.start <= first < span.end for span in codes)
        signs = _OWN_SIGNS if is_body or is_code else _SIGNS_AND_MARKS
        gone = [(start + sign.start(), 1, "") for sign in signs.finditer(line)]
        mark = "" if is_code else _body_mark(line.replace(BODY, "")) if is_body else _furniture_mark(line, direction)
        if mark and gone and gone[0][0] == start:
            gone[0] = (start, 1, mark)
        elif mark:
            gone.insert(0, (start, 0, mark))
        edits += gone
        start += len(line) + 1
    # The sign of a quote's first line stands before it: the quote begins with its line.
    spans = (
        span.at(starts.get(span.start, span.start), span.end) if "quote" in span.type else span for span in rich.spans
    )
    return RichText(rich.text, tuple(spans)).edited(edits)


def _body_mark(line: str) -> str:
    """Text takes the direction that most of its letters have; a mark only where the first letter has the other."""
    own = persian.dominant_direction(line)
    return persian.MARKS[own] if own and persian.first_strong(line) != own else ""


def _furniture_mark(line: str, direction: Direction) -> str:
    """The one mark a line of ours begins with: a date brings its own, others where they begin the wrong way."""
    bare = line.translate(_NO_MARKS)
    if not bare or line[0] in richtext.MARKS:
        return line[:1] if bare else ""
    # In a Persian line a leading "#" or "@" would hang at the wrong end even where the first letter is Persian.
    strong = persian.first_strong(bare[:1] if direction == "rtl" else bare)
    return "" if strong == direction else persian.MARKS[direction]


_NO_MARKS = dict.fromkeys(map(ord, richtext.MARKS))
