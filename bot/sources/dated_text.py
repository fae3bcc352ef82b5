"""The grammar of dated text: the dump of a blog in which a date line stands above each post.

It is given the text of a file, or of a part that begins with a header; it gives back posts whose lines have roles
(``line_roles.py``), and turns a post into an Entry. It opens no file, knows no path and repairs nothing: a wrong
weekday or an impossible day becomes a flag.

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
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bot.model import Calendar, Entry, Flag
from bot.sources.line_roles import Body, Line, Role, date_of, is_footer, is_title
from bot.text import dates, persian
from bot.text.language import detect

# Written out: str.splitlines() also splits at U+001C to U+001E, which are no line ends in any dump.
_LINE_END = re.compile("\r\n|[\n\r\v\f\u0085\u2028\u2029]")
_FURNITURE = frozenset({Role.SIGNATURE, Role.BODY_DATE, Role.FOOTER, Role.LINK})
_UNSHOWN = frozenset({Role.TITLE_DUP, Role.ALT_DUP, Role.DATELINE})


@dataclass(frozen=True, slots=True)
class DatedPost:
    """A post as the file has it."""

    day: date | None  #: the header's; None when no such day exists
    title: str | None
    lines: tuple[Line, ...]
    flags: tuple[Flag, ...] = ()
    number: int = 1  #: 2, 3, ... of several posts with one day and title, counted from the oldest
    event_date: date | None = None  #: of the dateline, or else the first date inside the body


class Header(NamedTuple):
    """A date line that begins a post."""

    date: dates.ParsedDate
    is_foreign: bool  #: in another form than the file's


# --- posts -------------------------------------------------------------------------------------------------


def parse(text: str) -> list[DatedPost]:
    """Every post of a file, in the file's order. Empty when the text has no header; never raises."""
    lines = cleaned_lines(text)
    headers = _headers(lines)
    ends = (*(at for at, _header in headers[1:]), len(lines))
    posts: list[DatedPost] = []
    for (at, header), end in zip(headers, ends, strict=False):
        posts += parse_block(header, lines[at + 1 : end])
    return _numbered(_with_order_breaks(posts))


def parse_block(header: Header, lines: Sequence[str]) -> Iterator[DatedPost]:
    """The posts under one header, without what only their neighbours can tell: number and order."""
    for part in _split_at_footers(lines):
        post = _post(header, part)
        if post is not None:
            yield post


def looks_like(text: str) -> bool:
    """Whether there is at least one header."""
    return bool(_headers(cleaned_lines(text)))


def is_newest_first(posts: Sequence[DatedPost]) -> bool:
    """The order of a file; dumps are newest first unless their dates rise."""
    return days_fall([post.day.toordinal() for post in posts if post.day is not None])


def days_fall(days: Sequence[int]) -> bool:
    """Whether days stand newest first, or in no order."""
    rising = sum(earlier < later for earlier, later in pairwise(days))
    falling = sum(earlier > later for earlier, later in pairwise(days))
    return falling >= rising


def cleaned_lines(text: str) -> list[str]:
    """The lines as the grammar reads them: blank ones are empty."""
    return [persian.clean_line(line) for line in _LINE_END.split(text)]


# --- headers -----------------------------------------------------------------------------------------------


def _headers(lines: Sequence[str]) -> list[tuple[int, Header]]:
    dated = dict(_dates_that_open_a_block(lines))
    dialect = _dialect(lines, dated)
    if dialect is None:
        return []
    headers: list[tuple[int, Header]] = []
    for at, found in dated.items():
        if speech(found) == dialect:
            headers.append((at, Header(found, is_foreign=False)))
        elif (
            found.calendar == dialect.calendar
            and is_sure(found)
            and _is_isolated(lines, at)
            # Right below a header it is that post's title.
            and any(lines[headers[-1][0] + 1 if headers else 0 : at])
        ):
            headers.append((at, Header(found, is_foreign=True)))
    return headers


def _dates_that_open_a_block(lines: Sequence[str]) -> Iterator[tuple[int, dates.ParsedDate]]:
    for at, line in enumerate(lines):
        found = date_of(line) if at == 0 or not lines[at - 1] else None
        if found is not None:
            yield at, found


class Dialect(NamedTuple):
    """A form of header."""

    order: str
    calendar: Calendar
    digits: str
    named_month: bool
    has_weekday: bool
    weekday_first: bool


def speech(found: dates.ParsedDate) -> Dialect:
    """The form in which a date is written."""
    has_weekday = found.weekday is not None
    return Dialect(
        found.order,
        found.calendar,
        found.digits,
        found.named_month,
        has_weekday,
        has_weekday and found.weekday_first,
    )


def _dialect(lines: Sequence[str], dated: dict[int, dates.ParsedDate]) -> Dialect | None:
    first = next((at for at, line in enumerate(lines) if line), None)
    if first in dated:
        return speech(dated[first])
    spoken = Counter(speech(found) for at, found in dated.items() if _is_isolated(lines, at) and is_usual(found))
    return max(spoken, key=spoken.__getitem__) if spoken else None


def is_usual(found: dates.ParsedDate) -> bool:
    """Whether a date with nothing else to vouch for it may be a header: it has a weekday."""
    # Day, month, year in figures is too easily something else to be a file's own form.
    return found.weekday is not None and (found.named_month or found.order != "dmy")


def is_sure(found: dates.ParsedDate) -> bool:
    """Whether it may be a header in a form that is not the file's own."""
    return found.day is not None and is_usual(found) and not found.weekday_is_wrong


def _is_isolated(lines: Sequence[str], at: int) -> bool:
    return (at == 0 or not lines[at - 1]) and (at + 1 == len(lines) or not lines[at + 1])


# --- several posts under one header ------------------------------------------------------------------------


def _split_at_footers(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut where a footer is followed by another title and text: the only evidence that is accepted.

    A title-like line alone proves nothing: long posts are full of headings.
    """
    start, at = 0, 0
    while at < len(lines):
        if not is_footer(lines[at]):
            at += 1
            continue
        footer = at
        while at < len(lines) and (not lines[at] or is_footer(lines[at])):
            at += 1
        if _has_title_and_text(lines, start, footer) and _has_title_and_text(lines, at, len(lines)):
            yield lines[start:at]
            start = at
    yield lines[start:]


def _has_title_and_text(lines: Sequence[str], start: int, end: int) -> bool:
    # By index: a slice for each footer would make a long day under one header quadratic.
    filled = (lines[at] for at in range(start, end) if lines[at] and not is_footer(lines[at]))
    title = next(filled, None)
    return title is not None and is_title(title) and next(filled, None) is not None


# --- one post ----------------------------------------------------------------------------------------------


def _post(header: Header, lines: Sequence[str]) -> DatedPost | None:
    body = Body.of(lines)
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


def with_number(post: DatedPost, met: Counter[tuple[date | None, str]]) -> DatedPost:
    """The post with its number among those *met*, which it joins; to be asked from the oldest post on."""
    same = (post.day, persian.key_fold(post.title or ""))
    met[same] += 1
    return replace(post, number=met[same]) if met[same] > 1 else post


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
    return [with_number(post, met) for post in posts[::step]][::step]


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
