"""The text of a post as a message shows it: what ``{{ content }}`` stands for, and ``{{ summary }}``.

Blocks of the post's HTML become one text with spans: letters as they are displayed, nothing live, no title said twice.
Knows where the first paragraphs end, for what comes after them may go into an expandable quote.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from markupsafe import Markup

from bot.model import Entry
from bot.render.lines import BODY_MARK
from bot.text import cutting, markup, persian
from bot.text.markup import Block
from bot.text.richtext import ELLIPSIS, STYLES, RichText, entities, utf16_length
from bot.text.sentences import sentence_ends
from bot.text.tags import HUGE_TAG

#: No delivery shows more: ten messages.
LONGEST = 10 * 4096
_READ = 4 * LONGEST  #: characters of its HTML
#: About as much of a text stands open before an expandable quote; less than the other is not worth a quote.
_OPEN, _WORTH_FOLDING = 500, 300
#: A quote of the post's own that is longer can be expanded: Telegram shows three lines of it.
_LONG_QUOTE = 400
#: A sentence that stands for a missing title.
_TITLE_LENGTH = 200

_INDENT, _DEEPEST = "\u2003", 4  #: of a list within a list

_NUMBER = re.compile(r"( *)([0-9]+)\. ")


@dataclass(frozen=True, slots=True)
class Content:
    """A text, and where its first paragraphs end; None where all of it may stand open."""

    rich: RichText = field(default_factory=RichText)
    fold_at: int | None = None

    def __len__(self) -> int:
        return utf16_length(self.rich.text)

    def __str__(self) -> str:
        return self.__html__()

    def shortened(self, room_utf16: int) -> "Content":
        """The beginning within the room, ending in an ellipsis where something is left out."""
        return replace(self, rich=cutting.cut(self.rich, room_utf16) if room_utf16 > 0 else RichText())

    def with_entities(self, most: int) -> "Content":
        """With no more entities than these: of too many, styles go before links, and late ones before early ones."""
        if not self.rich.spans or len(entities(self.rich)) <= most:
            return self
        spans = sorted(self.rich.spans, key=lambda span: (span.type in STYLES, span.start))

        def first(count: int) -> RichText:
            return RichText(self.rich.text, tuple(spans[:count]))

        count = bisect_right(range(len(spans) + 1), most, key=lambda count: len(entities(first(count))))
        # What stood in a link that is gone would be live now.
        open_until = self.fold_at or 0
        kept = first(count - 1)
        before = markup.neutralise_rich(kept.slice(0, open_until))
        rich = before + markup.neutralise_rich(kept.slice(open_until))
        return Content(rich, None if self.fold_at is None else len(before))

    def folded(self) -> "Content":
        """What comes after the first paragraphs in an expandable quote."""
        rich, at = self.rich, self.fold_at
        if at is None or len(rich) - at < _WORTH_FOLDING:
            return self
        rest = rich.slice(at).strip()
        return Content(RichText.join("\n", (rich.slice(0, at).strip(), rest.marked("expandable_blockquote"))))

    def __html__(self) -> str:
        lines = markup.to_html(self.rich).split("\n") if self.rich else ()
        return str(Markup("\n").join(BODY_MARK + Markup(line) for line in lines))  # noqa: S704 (to_html escapes)


def first_sentence(entry: Entry) -> str:
    """What stands for the title of a post without one."""
    for block in _blocks(entry):
        if block.kind in ("paragraph", "item", "quote", "heading") and persian.key_fold(block.rich.text):
            line = _ITEM.sub("", block.rich.text.split("\n")[0])
            return cutting.cut(RichText(line[: _end_of_sentence(line)].strip()), _TITLE_LENGTH).text
    return ""


_ITEM = re.compile(r"(?: *[\u2022\u25e6] | *[0-9]+\. )")


def _end_of_sentence(line: str) -> int:
    return next(iter(sentence_ends(line)), len(line))


def summary_of(words: str, language: str | None) -> Content:
    """A summary, which is plain text, as a text that the ladder can cut."""
    return Content(RichText(markup.neutralise(persian.display(persian.strip_controls(words), language)).strip()))


def content_of(entry: Entry, title: str) -> Content:
    """The text of the post, without the title that stands above it already."""
    pieces: list[RichText] = []
    fold_at: int | None = None
    size = 0
    before: Block | None = None
    for block in _without_title(_without_galleries(list(_blocks(entry))), title):
        rich = _shown(block, entry.language)
        if before is not None:
            pieces.append(RichText(_gap(before, block)))
            size += len(pieces[-1])
        if fold_at is None and before is not None and before.kind != "heading" and size >= _OPEN:
            fold_at = size
        if fold_at is None and block.kind == "paragraph" and size + len(rich) > 2 * _OPEN:
            fold_at = _within(rich, size)
        pieces.append(rich)
        size += len(rich)
        before = block
        if size > LONGEST:
            break
    return Content(cutting.cut(_mended_end(RichText.join("", pieces)), LONGEST), fold_at)


#: How feeds show that they end early.
_TORN = re.compile(r"\s*(?:\[\s*(?:\u2026|\.{3})\s*\]|\(\s*(?:\u2026|\.{3})\s*\))\s*\Z")


def _mended_end(rich: RichText) -> RichText:
    torn = _TORN.search(rich.text, max(0, len(rich) - 20))
    return rich.slice(0, torn.start()) + RichText(ELLIPSIS) if torn else rich


def _without_galleries(blocks: list[Block]) -> list[Block]:
    """Below each picture of some pages stands the same link to it, 'View fullsize': pictures are shown elsewhere."""
    links = Counter(block.rich.text for block in blocks if _is_picture_link(block.rich))
    repeated = {text for text, times in links.items() if times > 1}
    return [block for block in blocks if block.rich.text not in repeated or not _is_picture_link(block.rich)]


def _is_picture_link(rich: RichText) -> bool:
    spans = rich.spans
    return len(spans) == 1 and len(rich) == spans[0].end - spans[0].start and bool(_PICTURE.search(spans[0].url or ""))


_PICTURE = re.compile(r"\.(?:jpe?g|png|gif|webp)(?:\?|\Z)", re.IGNORECASE)


def _gap(before: Block, block: Block) -> str:
    return "\n" if before.kind == "heading" or before.kind == block.kind == "item" else "\n\n"


def _within(rich: RichText, start: int) -> int | None:
    """Where a paragraph that is too long to stand open is folded: behind a sentence, and outside of its spans."""
    for at in sentence_ends(rich.text):
        if start + at >= _OPEN and not any(span.start < at < span.end for span in rich.spans):
            return start + at
    return None


def _blocks(entry: Entry) -> Iterator[Block]:
    yield from markup.blocks(_html(entry), base_url=entry.link, limit_chars=_READ)


def _html(entry: Entry) -> str:
    html = entry.fullest or entry.summary or ""
    return html if len(html) <= _READ else HUGE_TAG.sub("", html)


def _without_title(blocks: list[Block], title: str) -> list[Block]:
    """Pages repeat their title above the text; and a title that we borrowed is the first sentence."""
    key = persian.key_fold(title.rstrip("\u2026"))
    for number, block in enumerate(blocks[:3] if key else ()):
        text = block.rich.text
        if persian.key_fold(text) == key:
            return [*blocks[:number], *blocks[number + 1 :]]
        bare = len(text) - len(_ITEM.sub("", text))
        end = bare + _end_of_sentence(text[bare:].split("\n")[0])
        if persian.key_fold(text[bare:end]) == key:
            rest = block.rich.slice(0, bare) + block.rich.slice(end).strip()
            return [*blocks[:number], Block(block.kind, rest), *blocks[number + 1 :]]
    return blocks


def _shown(block: Block, language: str | None) -> RichText:
    """A block as it is displayed; the numbers of a Persian list are Persian."""
    rich = markup.neutralise_rich(RichText(persian.letters(block.rich.text, language), block.rich.spans))
    number = _NUMBER.match(rich.text) if block.kind == "item" else None
    if number and persian.dominant_direction(rich.text) == "rtl":
        rich = RichText(persian.to_persian_digits(number[0]) + rich.text[number.end() :], rich.spans)
    if block.depth > 1:
        rich = RichText(_INDENT * min(block.depth - 1, _DEEPEST)) + rich
    if block.kind == "quote" and len(rich) > _LONG_QUOTE:
        spans = (
            replace(span, type="expandable_blockquote") if span.type == "blockquote" else span for span in rich.spans
        )
        rich = RichText(rich.text, tuple(spans))
    return rich
