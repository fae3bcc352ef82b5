"""The grammar of dated text: the dump of a blog in which a date line stands above each post.

``archive.py`` gives it the text of one file; it gives back posts whose lines have roles, and turns a post into an
Entry. It opens no file, knows no path and repairs nothing: a wrong weekday or an impossible day becomes a flag.

    archive = [preamble] 1*post
    post    = header title *(blank / block)        block: lines with no blank line between them

A file keeps to one form of header, its *dialect*: that of its first line, or else the commonest date with a weekday
that stands alone. A date in any other form belongs to the body it stands in. Headers order and identify posts;
dates inside bodies do neither.
"""

import base64
import hashlib
import html
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bot.model import Calendar, Entry, Flag
from bot.text import dates, persian
from bot.text.language import detect

# Written out: str.splitlines() also splits at U+001C to U+001E, which are no line ends in any dump.
_LINE_END = re.compile("\r\n|[\n\r\v\f\u0085\u2028\u2029]")

_HEADER_CHARS = range(6, 71)  #: shorter or longer lines are never dates
_TITLE_CHARS = 200  #: a longer first line is the body of a post without a title
_HEADING_CHARS = 200  #: of a heading in a block of its own
_GLUED_HEADING_CHARS = 80  #: of a heading on the first line of a block
_CAPTION_CHARS = 300
_ALT_CHARS = 40  #: of an alternative text that begins the caption below it
_NEAR = 0.9  #: likeness from which two lines are one caption said twice

_CLOSERS = "\"'\u201d\u2019\u00bb)]\u203a"
_TERMINALS = (".", "!", "?", "\u061f", "\u2026", ":", "\u061b", "\u06d4")
_SENTENCE_END_INSIDE = re.compile(r"\w{3}[.!?\u061f\u2026] ")
_DIGIT = "[0-9\u0660-\u0669\u06f0-\u06f9]"
_ANY_DIGIT = re.compile(_DIGIT)

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
_FURNITURE = frozenset({Role.SIGNATURE, Role.BODY_DATE, Role.FOOTER, Role.LINK})
_UNSHOWN = frozenset({Role.TITLE_DUP, Role.ALT_DUP, Role.DATELINE})


@dataclass(frozen=True, slots=True)
class Line:
    """A cleaned line of a post; never empty."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class DatedPost:
    """A post as the file has it."""

    day: date | None  #: the header's; None when no such day exists
    title: str | None
    lines: tuple[Line, ...]
    flags: tuple[Flag, ...] = ()
    number: int = 1  #: 2, 3, ... of several posts with one day and title, counted from the oldest
    event_date: date | None = None  #: of the dateline, or else the first date inside the body


class _Header(NamedTuple):
    at: int
    date: dates.ParsedDate
    is_foreign: bool


# --- posts -------------------------------------------------------------------------------------------------


def parse(text: str) -> list[DatedPost]:
    """Every post of a file, in the file's order. Empty when the text has no header; never raises."""
    lines = _cleaned_lines(text)
    headers = _headers(lines)
    ends = (*(header.at for header in headers[1:]), len(lines))
    posts: list[DatedPost] = []
    for header, end in zip(headers, ends, strict=False):
        for part in _split_at_footers(lines[header.at + 1 : end]):
            post = _post(header, part)
            if post is not None:
                posts.append(post)
    return _numbered(_with_order_breaks(posts))


def looks_like(text: str) -> bool:
    """Whether there is at least one header."""
    return bool(_headers(_cleaned_lines(text)))


def is_newest_first(posts: Sequence[DatedPost]) -> bool:
    """The order of a file; dumps are newest first unless their dates rise."""
    days = [post.day for post in posts if post.day is not None]
    rising = sum(earlier < later for earlier, later in pairwise(days))
    falling = sum(earlier > later for earlier, later in pairwise(days))
    return falling >= rising


def _cleaned_lines(text: str) -> list[str]:
    return [persian.clean_line(line) for line in _LINE_END.split(text)]


# --- headers -----------------------------------------------------------------------------------------------


def _headers(lines: Sequence[str]) -> list[_Header]:
    dated = dict(_dates_that_open_a_block(lines))
    dialect = _dialect(lines, dated)
    if dialect is None:
        return []
    headers: list[_Header] = []
    for at, found in dated.items():
        if _speech(found) == dialect:
            headers.append(_Header(at, found, is_foreign=False))
        elif (
            found.calendar == dialect.calendar
            and _is_sure(found)
            and _is_isolated(lines, at)
            # Right below a header it is that post's title.
            and any(lines[headers[-1].at + 1 if headers else 0 : at])
        ):
            headers.append(_Header(at, found, is_foreign=True))
    return headers


def _dates_that_open_a_block(lines: Sequence[str]) -> Iterator[tuple[int, dates.ParsedDate]]:
    for at, line in enumerate(lines):
        found = _date_of(line) if at == 0 or not lines[at - 1] else None
        if found is not None:
            yield at, found


def _date_of(line: str) -> dates.ParsedDate | None:
    # The cheap questions first: nearly every line of an archive is prose.
    return dates.parse_date(line) if len(line) in _HEADER_CHARS and _ANY_DIGIT.search(line) else None


class _Dialect(NamedTuple):
    order: str
    calendar: Calendar
    digits: str
    named_month: bool
    has_weekday: bool
    weekday_first: bool


def _speech(found: dates.ParsedDate) -> _Dialect:
    has_weekday = found.weekday is not None
    return _Dialect(
        found.order,
        found.calendar,
        found.digits,
        found.named_month,
        has_weekday,
        has_weekday and found.weekday_first,
    )


def _dialect(lines: Sequence[str], dated: dict[int, dates.ParsedDate]) -> _Dialect | None:
    first = next((at for at, line in enumerate(lines) if line), None)
    if first in dated:
        return _speech(dated[first])
    spoken = Counter(_speech(found) for at, found in dated.items() if _is_isolated(lines, at) and _is_usual(found))
    return max(spoken, key=spoken.__getitem__) if spoken else None


def _is_usual(found: dates.ParsedDate) -> bool:
    # Day, month, year in figures is too easily something else to be a file's own form.
    return found.weekday is not None and (found.named_month or found.order != "dmy")


def _is_sure(found: dates.ParsedDate) -> bool:
    return found.day is not None and _is_usual(found) and not found.weekday_is_wrong


def _is_isolated(lines: Sequence[str], at: int) -> bool:
    return (at == 0 or not lines[at - 1]) and (at + 1 == len(lines) or not lines[at + 1])


# --- several posts under one header ------------------------------------------------------------------------


def _split_at_footers(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut where a footer is followed by another title and text: the only evidence that is accepted.

    A title-like line alone proves nothing: long posts are full of headings.
    """
    start, at = 0, 0
    while at < len(lines):
        if not _is_footer(lines[at]):
            at += 1
            continue
        footer = at
        while at < len(lines) and (not lines[at] or _is_footer(lines[at])):
            at += 1
        if _has_title_and_text(lines, start, footer) and _has_title_and_text(lines, at, len(lines)):
            yield lines[start:at]
            start = at
    yield lines[start:]


def _has_title_and_text(lines: Sequence[str], start: int, end: int) -> bool:
    # By index: a slice for each footer would make a long day under one header quadratic.
    filled = (lines[at] for at in range(start, end) if lines[at] and not _is_footer(lines[at]))
    title = next(filled, None)
    return title is not None and _is_title(title) and next(filled, None) is not None


def _is_title(line: str) -> bool:
    return len(line) <= _TITLE_CHARS and not line.endswith(".")


def _is_footer(line: str) -> bool:
    if len(line) > _TITLE_CHARS + 20 or _FOOTER.fullmatch(line) is None:
        return False
    return not line.endswith(".") or _MERIDIEM.search(line) is not None


# --- one post ----------------------------------------------------------------------------------------------


def _post(header: _Header, lines: Sequence[str]) -> DatedPost | None:
    body = _Body.of(lines)
    if not body.texts:
        return None
    title = body.take_title()
    body.assign_roles(title)
    event_date = body.take_dateline()
    flags = []
    if header.date.day is None:
        flags.append(Flag.INVALID_DATE)
    elif header.date.weekday_is_wrong:
        flags.append(Flag.WEEKDAY_MISMATCH)
    if header.is_foreign:
        flags.append(Flag.FOREIGN_DIALECT)
    if body.may_hold_another():
        flags.append(Flag.MAYBE_MULTIPLE)
    return DatedPost(
        day=header.date.day,
        title=title,
        lines=tuple(map(Line, body.roles, body.texts)),
        flags=tuple(flags),
        event_date=event_date or body.first_date(),
    )


def _with_order_breaks(posts: list[DatedPost]) -> list[DatedPost]:
    newest_first = is_newest_first(posts)
    flagged: list[DatedPost] = []
    before: date | None = None
    for post in posts:
        breaks = before and post.day and post.day != before and (post.day > before) == newest_first
        flagged.append(replace(post, flags=(*post.flags, Flag.ORDER_BREAK)) if breaks else post)
        before = post.day or before
    return flagged


def _numbered(posts: list[DatedPost]) -> list[DatedPost]:
    """Number what shares day and title from the oldest on: a newer post above changes no older one's id."""
    step = -1 if is_newest_first(posts) else 1
    met: Counter[tuple[date | None, str]] = Counter()
    numbered: list[DatedPost] = []
    for post in posts[::step]:
        same = (post.day, persian.key_fold(post.title or ""))
        met[same] += 1
        numbered.append(replace(post, number=met[same]) if met[same] > 1 else post)
    return numbered[::step]


class _Body:
    """The lines of one post while their roles are being found; ``blocks[n]`` is the block of line ``n``."""

    def __init__(self, texts: list[str], blocks: list[int]) -> None:
        self.texts = texts
        self.blocks = blocks
        self.roles = [Role.PARAGRAPH] * len(texts)

    @classmethod
    def of(cls, lines: Sequence[str]) -> "_Body":
        texts, blocks, block = [], [], 0
        for line in lines:
            if line:
                texts.append(line)
                blocks.append(block)
            elif texts:
                block += blocks[-1] == block
        return cls(texts, blocks)

    def take_title(self) -> str | None:
        if len(self.texts[0]) > _TITLE_CHARS:
            return None
        title = self.texts.pop(0)
        self.blocks.pop(0)
        self.roles.pop(0)
        return title

    def assign_roles(self, title: str | None) -> None:
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
        written = (text for role, text in zip(self.roles, self.texts, strict=True) if role is Role.BODY_DATE)
        return next((found.day for text in written if (found := _date_of(text)) and found.day), None)

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
            elif key and at < 3 and len(text) <= _TITLE_CHARS and persian.key_fold(text) == key:
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
    if _is_footer(text):
        return Role.FOOTER
    if _URL.fullmatch(text):
        return Role.IMAGE if _IMAGE_URL.fullmatch(text) else Role.LINK
    if len(text) <= _HEADING_CHARS and _CAPTION.fullmatch(text):
        return Role.CAPTION
    if _date_of(text) is not None:
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


# --- entries -----------------------------------------------------------------------------------------------


def to_entry(post: DatedPost, zone: ZoneInfo, language: str | None) -> Entry:
    """The post as every source says it; its day begins in ``zone``, its roles become elements."""
    published = None
    if post.day is not None:
        published = datetime.combine(post.day, time(), zone).astimezone(UTC)
    return Entry(
        guid=guid(post),
        title=post.title,
        published=published,
        date_only=published is not None,
        language=language or detect(post.title or "", " ".join(line.text for line in post.lines)[:300], None),
        content="\n".join(_elements(post)) or None,
        flags=post.flags,
    )


def guid(post: DatedPost) -> str:
    """What the post is known by, in every dump it stands in."""
    # Never of path, place or body: a file that was moved, grown or corrected keeps its posts.
    parts = ["ar1", post.day.isoformat() if post.day else "", persian.key_fold(post.title or "")]
    if post.number > 1:
        parts.append(str(post.number))
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
    return "ar1-" + base64.b32encode(digest).decode("ascii")[:16].lower()


def _elements(post: DatedPost) -> Iterator[str]:
    shown = [line for line in post.lines if line.role not in _UNSHOWN]
    day = f' data-event-date="{post.event_date.isoformat()}"' if post.event_date else ""
    at = 0
    while at < len(shown):
        role, text = shown[at].role, html.escape(shown[at].text)
        at += 1
        if role is Role.PARAGRAPH:
            yield f"<p{day}>{text}</p>"
            day = ""
        elif role is Role.HEADING:
            yield f"<h3>{text}</h3>"
        elif role is Role.LEAD:
            yield f"<header><h4>{text}</h4></header>"
        elif role is Role.BYLINE:
            yield f"<address>{text}</address>"
        elif role is Role.CAPTION:
            yield f"<figure><figcaption>{text}</figcaption></figure>"
        elif role is Role.IMAGE:
            caption = html.escape(shown[at].text) if at < len(shown) and shown[at].role is Role.CAPTION else ""
            at += bool(caption)
            below = f"<figcaption>{caption}</figcaption>" if caption else ""
            yield f'<figure><img src="{text}" alt="{caption}">{below}</figure>'
        elif role in _FURNITURE:
            yield f"<footer>{text}</footer>"
