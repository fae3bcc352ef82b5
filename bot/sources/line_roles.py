"""What each line of a post is to it: paragraph, heading, byline, caption, signature and the like.

Called by ``dated_text.py`` with the lines of one post. A role is found by a line's form and its place among the
others, never by what it says; it changes no word, but for the dateline, which it cuts from the first paragraph.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import pairwise

from bot.text import dates, persian

_HEADER_CHARS = range(6, 71)  #: shorter or longer lines are never dates
TITLE_CHARS = 200  #: a longer first line is the body of a post without a title
_HEADING_CHARS = 200  #: of a heading in a block of its own
_GLUED_HEADING_CHARS = 80  #: of a heading on the first line of a block
_CAPTION_CHARS = 300
_ALT_CHARS = 40  #: of an alternative text that begins the caption below it
_NEAR = 0.9  #: likeness from which two lines are one caption said twice

_CLOSERS = "\"'\u201d\u2019\u00bb)]\u203a"
_TERMINALS = (".", "!", "?", "\u061f", "\u2026", ":", "\u061b", "\u06d4")
_SENTENCE_END_INSIDE = re.compile(r"\w{3}[.!?\u061f\u2026] ")
_DIGITS = "0-9\u0660-\u0669\u06f0-\u06f9"
_DIGIT = f"[{_DIGITS}]"
_ANY_DIGIT = re.compile(_DIGIT)
_TWO_NUMBERS = re.compile(f"{_DIGIT}[^{_DIGITS}]+{_DIGIT}")

_IMAGE_URL = re.compile(r"https?://\S+\.(?:jpe?g|png|gif|webp|avif|svg|bmp)(?:[?#]\S*)?", re.IGNORECASE)
_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_CAPTION = re.compile(r"(?:عکس|تصویر|تصوير|photo|image|picture|figure|caption)\s*(?:by\b|:).+", re.IGNORECASE)
_BYLINE = re.compile(
    r"(?:(?:(?i:analysis|written|posted|reported|translated|edited|photos?) )?[Bb]y:? [^\Wa-z\d_].*"
    r"|(?i:author|writer|translator|source)\s*:.+"
    r"|(?:نویسنده|نويسنده|مترجم|منبع|برگردان|گزارش از|از|عکاس)\s*:.+"
    "|به قلم[\u200c ]?[یي]? .+|(?:نوشته|ترجمه)(?:\u0654|\u200c?[یي])? .+|(?:نوشت|ترجم)\u06c0 .+)"
)
# What Blogger prints below a post, in English and in Persian.
_FOOTER = re.compile(
    r"posted by\b.{1,100}"
    r"|(?:ارسال|نوشته|منتشر) شده (?:توسط|در)\b.{1,100}"
    rf"|در ساعت {_DIGIT}{{1,2}}:{_DIGIT}{{2}}\b.{{0,20}}"
    rf"|(?:{_DIGIT}+|no|هیچ|هيچ|بدون) (?:comments?|نظر|دیدگاه|ديدگاه)(?:[یي]|ات|\u200c?ها)?(?: موجود نیست| نیست)?\W*"
    "|(?:labels|tags|برچسب[\u200c ]?ها)(?:\\s*:.{0,200})?",
    re.IGNORECASE,
)
_MERIDIEM = re.compile(r"(?:[ap]\.m\.|[بق]\.ظ\.)$", re.IGNORECASE)
_DASH = re.compile(r"\s+[-\u2013\u2014]+\s+|[\u2013\u2014]")
_COMMA = re.compile("[,\u060c]\\s*")
_DATELINE_CHARS = 80
_PLACE_CHARS = 40


class Role(StrEnum):
    """What a line is to its post. Only paragraphs are summarised."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    LEAD = "lead"  #: what stands between title and byline
    BYLINE = "byline"
    CAPTION = "caption"
    IMAGE = "image"  #: the address of a picture
    LINK = "link"  #: another address on a line of its own
    SIGNATURE = "signature"
    BODY_DATE = "body_date"
    DATELINE = "dateline"  #: "Place, day -", cut from the front of the first paragraph
    FOOTER = "footer"  #: what the blog's software printed
    TITLE_DUP = "title_dup"  #: the title once more
    ALT_DUP = "alt_dup"  #: the caption once more


_BELOW = frozenset({Role.SIGNATURE, Role.BODY_DATE, Role.FOOTER, Role.BYLINE, Role.LINK})


@dataclass(frozen=True, slots=True)
class Line:
    """A cleaned line of a post; never empty."""

    role: Role
    text: str


# --- one line ----------------------------------------------------------------------------------------------


def date_of(line: str) -> dates.ParsedDate | None:
    """The date that a cleaned line is, or None."""
    # The cheap questions first: nearly every line of an archive is prose.
    return dates.parse_date(line) if len(line) in _HEADER_CHARS and has_two_numbers(line) else None


def has_two_numbers(line: str) -> bool:
    """Whether a line has room for a year and a day: no date is written without the two in figures."""
    return _TWO_NUMBERS.search(line) is not None


def is_title(line: str) -> bool:
    """Whether a line has the shape of a title."""
    return len(line) <= TITLE_CHARS and not line.endswith(".")


def is_footer(line: str) -> bool:
    """Whether a blog's software printed this line."""
    if len(line) > TITLE_CHARS + 20 or _FOOTER.fullmatch(line) is None:
        return False
    return not line.endswith(".") or _MERIDIEM.search(line) is not None


# --- the lines of one post ---------------------------------------------------------------------------------


class Body:
    """The lines of one post while their roles are being found; ``blocks[n]`` is the block of line ``n``."""

    def __init__(self, texts: list[str], blocks: list[int]) -> None:
        self.texts = texts
        self.blocks = blocks
        self.roles = [Role.PARAGRAPH] * len(texts)

    @classmethod
    def of(cls, lines: Sequence[str]) -> "Body":
        """Lines as they stand in the file, of which blank ones are empty."""
        texts, blocks, block = [], [], 0
        for line in lines:
            if line:
                texts.append(line)
                blocks.append(block)
            elif texts:
                block += blocks[-1] == block
        return cls(texts, blocks)

    def take_title(self) -> str | None:
        """Cut the title from the front, unless the first line is too long for one."""
        if len(self.texts[0]) > TITLE_CHARS:
            return None
        title = self.texts.pop(0)
        self.blocks.pop(0)
        self.roles.pop(0)
        return title

    def assign_roles(self, title: str | None) -> None:
        """Find the role of every line."""
        self._mark_certain(title)
        self._mark_captions()
        self._mark_bylines()
        self._mark_opening()
        self._mark_headings()
        self._mark_signatures()
        if Role.PARAGRAPH not in self.roles:  # verse, or a post of one bare line: something must be its text
            loose = {Role.HEADING, Role.LEAD, Role.SIGNATURE}
            self.roles = [Role.PARAGRAPH if role in loose else role for role in self.roles]

    def take_dateline(self) -> date | None:
        """Cut "Place, day -" from the first paragraph into a line of its own."""
        if Role.PARAGRAPH not in self.roles:
            return None
        at = self.roles.index(Role.PARAGRAPH)
        found = _dateline(self.texts[at])
        if found is None:
            return None
        length, day = found
        dateline, self.texts[at] = self.texts[at][:length].rstrip(), self.texts[at][length:].lstrip()
        self.texts.insert(at, dateline)
        self.roles.insert(at, Role.DATELINE)
        self.blocks.insert(at, self.blocks[at])
        return day

    def first_date(self) -> date | None:
        """The first date that stands on a line of its own."""
        written = (text for role, text in zip(self.roles, self.texts, strict=True) if role is Role.BODY_DATE)
        return next((found.day for text in written if (found := date_of(text)) and found.day), None)

    def may_hold_another(self) -> bool:
        """Whether a title-shaped line with a byline, or a footer, stands below one paragraph and above another."""
        shown = [role for role in self.roles if role is not Role.DATELINE]
        paragraphs = [at for at, role in enumerate(shown) if role is Role.PARAGRAPH]
        if not paragraphs:
            return False
        inner = shown[paragraphs[0] : paragraphs[-1] + 1]
        return any(
            (above is Role.HEADING and below is Role.BYLINE) or (above is Role.FOOTER and below is not Role.FOOTER)
            for above, below in pairwise(inner)
        )

    # In this order, each on what the ones before have left a paragraph.

    def _mark_certain(self, title: str | None) -> None:
        key = persian.key_fold(title) if title else ""
        for at, text in enumerate(self.texts):
            role = _own_role(text)
            below_image = at > 0 and self.roles[at - 1] is Role.IMAGE and not self._starts_block(at)
            if role is not None:
                self.roles[at] = role
            elif below_image and _could_be_caption(text):
                self.roles[at] = Role.CAPTION
            elif key and at < 3 and len(text) <= TITLE_CHARS and persian.key_fold(text) == key:
                self.roles[at] = Role.TITLE_DUP

    def _mark_captions(self) -> None:
        for at in range(len(self.texts) - 1):
            pair = self.texts[at], self.texts[at + 1]
            if (
                self.roles[at : at + 2] == [Role.PARAGRAPH] * 2
                and not self._starts_block(at + 1)
                and _say_the_same(*pair)
            ):
                self.roles[at : at + 2] = [Role.ALT_DUP, Role.CAPTION]

    def _mark_bylines(self) -> None:
        opening = sum(block == self.blocks[0] for block in self.blocks)
        for at, text in enumerate(self.texts):
            if self.roles[at] is Role.FOOTER and at < min(opening, 3) and _is_byline(text):
                self.roles[at] = Role.BYLINE  # "Posted by" above the text is no footer
            elif self.roles[at] is Role.PARAGRAPH and _is_byline(text):
                second = at > 0 and self._starts_block(at - 1) and not _is_prose(self.texts[at - 1])
                if self._starts_block(at) or self._ends_block(at) or second or at < min(opening, 3):
                    self.roles[at] = Role.BYLINE

    def _mark_opening(self) -> None:
        """Between title and text: what stands above the byline, or a few short lines that are no sentences."""
        opening = [at for at, block in enumerate(self.blocks) if block == self.blocks[0]]
        unmarked = [at for at in opening if self.roles[at] is Role.PARAGRAPH]
        byline = next((at for at in opening[:3] if self.roles[at] is Role.BYLINE), None)
        if byline is not None:
            leads = [at for at in unmarked if at < byline and len(self.texts[at]) <= _CAPTION_CHARS]
        elif len(unmarked) in (2, 3) and len(opening) < len(self.texts):
            short = all(len(self.texts[at]) <= 120 and not _is_prose(self.texts[at]) for at in unmarked)
            leads = unmarked if short and any(map(_is_prose, self.texts[len(opening) :])) else []
        else:
            leads = []
        for at in leads:
            self.roles[at] = Role.LEAD

    def _mark_headings(self) -> None:
        unmarked = Counter(block for block, role in zip(self.blocks, self.roles, strict=True) if role is Role.PARAGRAPH)
        for at, text in enumerate(self.texts):
            if self.roles[at] is not Role.PARAGRAPH or _is_prose(text):
                continue
            alone = unmarked[self.blocks[at]] == 1 and len(text) <= _HEADING_CHARS
            if alone or (self._starts_block(at) and self._heads_what_is_below(at)):
                self.roles[at] = Role.HEADING

    def _heads_what_is_below(self, at: int) -> bool:
        if self._ends_block(at):
            return False
        if self.roles[at + 1] is Role.BYLINE:
            return len(self.texts[at]) <= _HEADING_CHARS
        is_above_prose = self.roles[at + 1] is Role.PARAGRAPH and _is_prose(self.texts[at + 1])
        return is_above_prose and len(self.texts[at]) <= _GLUED_HEADING_CHARS

    def _mark_signatures(self) -> None:
        for at in range(1, len(self.texts)):
            above_date = self.roles[at] is Role.BODY_DATE and self._ends_block(at) and not self._starts_block(at)
            if (
                above_date
                and self.roles[at - 1] in (Role.PARAGRAPH, Role.HEADING)
                and not _is_prose(self.texts[at - 1])
            ):
                self.roles[at - 1] = Role.SIGNATURE
        for at in reversed(range(len(self.texts))):
            if self.roles[at] is Role.HEADING:
                self.roles[at] = Role.SIGNATURE  # it heads nothing
            elif self.roles[at] not in _BELOW:
                break

    def _starts_block(self, at: int) -> bool:
        return at == 0 or self.blocks[at - 1] != self.blocks[at]

    def _ends_block(self, at: int) -> bool:
        return at + 1 == len(self.blocks) or self.blocks[at + 1] != self.blocks[at]


def _own_role(text: str) -> Role | None:
    """The role a line has wherever it stands."""
    if is_footer(text):
        return Role.FOOTER
    if _URL.fullmatch(text):
        return Role.IMAGE if _IMAGE_URL.fullmatch(text) else Role.LINK
    if len(text) <= _HEADING_CHARS and _CAPTION.fullmatch(text):
        return Role.CAPTION
    if date_of(text) is not None:
        return Role.BODY_DATE
    return None


def _is_prose(text: str) -> bool:
    """Whether a line reads as a paragraph: it ends like a sentence, holds one, or is too long for a heading."""
    if len(text) > _HEADING_CHARS or text.rstrip(_CLOSERS).endswith(_TERMINALS):
        return True
    return len(text) > _GLUED_HEADING_CHARS and _SENTENCE_END_INSIDE.search(text) is not None


def _is_byline(text: str) -> bool:
    return len(text) <= _GLUED_HEADING_CHARS and not _is_prose(text) and _BYLINE.fullmatch(text) is not None


def _could_be_caption(text: str) -> bool:
    return len(text) <= (_HEADING_CHARS if _is_prose(text) else _CAPTION_CHARS)


def _say_the_same(alt: str, caption: str) -> bool:
    if max(len(alt), len(caption)) > _CAPTION_CHARS:
        return False
    if alt == caption:
        return True
    if _is_prose(alt) or _is_prose(caption):
        return False
    if len(alt) <= _ALT_CHARS and re.match(rf"{re.escape(alt)}\b", caption):
        return True
    likeness = SequenceMatcher(None, alt, caption, autojunk=False)
    return likeness.real_quick_ratio() >= _NEAR and likeness.quick_ratio() >= _NEAR and likeness.ratio() >= _NEAR


def _dateline(text: str) -> tuple[int, date] | None:
    """The length of a dateline with its dash, and its day."""
    for dash in _DASH.finditer(text, 0, _DATELINE_CHARS):
        if not text[dash.end() :].strip():
            return None
        head = text[: dash.start()]
        places = [comma for comma in _COMMA.finditer(head) if not _ANY_DIGIT.search(head, 0, comma.start())]
        for start in (0, *(comma.end() for comma in places)):
            found = dates.parse_date(head[start:]) if start <= _PLACE_CHARS else None
            if found is not None and found.day is not None:
                return dash.end(), found.day
    return None
