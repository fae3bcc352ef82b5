"""When a digest is due, what it covers, and how it is laid out. Pure; ``digester.py`` acts on it.

A **slot** is one time of a plan, in the channel's zone. A week's digest covers the seven whole days before its slot, so
that its dates are true; a day's reaches until its own time, so that it is fresh. The layout is PRODUCT 4: feed by feed,
the newest five of each, one line a post, parted before Telegram's limits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from bot import render
from bot.labels import direction_of, translator
from bot.model import Calendar, Channel, DigestPlan, Digits, Every, Message
from bot.text import dates, persian, richtext

#: Telegram keeps 100 entities of a message (Bot API, MessageEntity); hashtags and the like count too.
MOST_ENTITIES = 90
MOST_POSTS = 40
#: Posts of one feed that are named; the others are counted.
NEWEST = 5
#: Messages of one digest: what is more floods the chat that asked for fewer.
MOST_PARTS = 3
#: In UTF-16 units: what Telegram allows, without room for the part's number and the hashtag.
LONGEST = render.MESSAGE_LIMIT - 150
#: Characters of a title.
TITLE_LENGTH = 120

_DAY = timedelta(days=1)
#: A slot that was missed by more is let go; what it would have told stands in the next one.
MAKE_UP = {Every.DAY: timedelta(hours=6), Every.WEEK: timedelta(days=2)}
SATURDAY, MONDAY = 5, 0


# --- when ----------------------------------------------------------------------------------------------------


def week_begins_on(calendars: Sequence[Calendar]) -> int:
    """The weekday that a week begins on: Saturday where the first calendar is Jalali, Monday elsewhere."""
    return SATURDAY if calendars[:1] == (Calendar.JALALI,) else MONDAY


def last_slot(plan: DigestPlan, zone: ZoneInfo, now: datetime) -> datetime:
    """The latest slot that has come, in UTC. A time that the clocks skip counts as before their change (fold 0)."""
    today = now.astimezone(zone).date()
    slots = (_slot_of(plan, zone, today - back * _DAY) for back in range(9))
    return next(slot for slot in slots if slot is not None and slot <= now)


def next_slot(plan: DigestPlan, zone: ZoneInfo, now: datetime) -> datetime:
    """The first slot that is still to come, in UTC."""
    today = now.astimezone(zone).date()
    slots = (_slot_of(plan, zone, today + ahead * _DAY) for ahead in range(9))
    return next(slot for slot in slots if slot is not None and slot > now)


def _slot_of(plan: DigestPlan, zone: ZoneInfo, day: date) -> datetime | None:
    if plan.every is Every.WEEK and day.weekday() != plan.on:
        return None
    return datetime.combine(day, plan.at, zone).astimezone(UTC)


def is_made_up(plan: DigestPlan, slot: datetime, now: datetime) -> bool:
    """Whether a slot is still worth filling."""
    return now - slot < MAKE_UP[plan.every]


@dataclass(frozen=True, slots=True)
class Period:
    """What a digest covers: from *begin* to before *end*."""

    begin: datetime
    end: datetime

    def days(self, zone: ZoneInfo) -> tuple[date, date]:
        """The first and the last civil day of it."""
        last = (self.end - timedelta(microseconds=1)).astimezone(zone)
        return self.begin.astimezone(zone).date(), last.date()


def period_of(plan: DigestPlan, zone: ZoneInfo, slot: datetime, told_until: datetime | None) -> Period:
    """What the digest of a slot covers; *told_until* is where the one before it ended, if there was one of late.

    What a missed slot did not tell is told by the next one.
    """
    day = slot.astimezone(zone).date()
    if plan.every is Every.WEEK:
        end = datetime.combine(day, time(), zone).astimezone(UTC)
        begin = datetime.combine(day - 7 * _DAY, time(), zone).astimezone(UTC)
    else:
        end, begin = slot, datetime.combine(day - _DAY, plan.at, zone).astimezone(UTC)
    if told_until is not None and begin - 4 * (end - begin) <= told_until < end:
        begin = told_until
    return Period(begin, end)


# --- what is in it -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """A post that belongs in a digest, before its words are read."""

    post_id: int
    feed: int
    at: datetime  #: of the post itself


def choose(posts: Sequence[Sent]) -> dict[int, list[int]]:
    """The posts that are named, by feed, the newest first; the feed with most posts first.

    Five of each feed; fewer, where so many feeds would need more than ``MOST_PARTS`` messages.
    """
    by_feed: dict[int, list[Sent]] = {}
    for post in sorted(posts, key=lambda post: (post.at, post.post_id), reverse=True):
        by_feed.setdefault(post.feed, []).append(post)
    ordered = sorted(by_feed.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    most = MOST_PARTS * (MOST_POSTS - NEWEST)
    newest = next((each for each in range(NEWEST, 1, -1) if sum(min(len(p), each) for _f, p in ordered) <= most), 1)
    return {feed: [post.post_id for post in found[:newest]] for feed, found in ordered[:most]}


# --- how it looks --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A post as a line."""

    title: str
    link: str | None
    at: datetime
    zone: ZoneInfo  #: where its day is counted


@dataclass(frozen=True, slots=True)
class Group:
    """A feed with its newest posts."""

    name: str
    count: int
    lines: tuple[Line, ...]
    more: str | None = None  #: where the others are


def lay_out(
    channel: Channel, title: str, every: Every | None, days: tuple[date, date], count: int, groups: Sequence[Group]
) -> list[Message]:
    """The messages of a digest; *every* is None for one of what had no room in an hour. *title* is the chat's."""
    head = _head(channel, title, every, days, count, len(groups))
    blocks = [_block(group, channel) for group in groups]
    pages = _paged(blocks, channel)
    told = sum(len(group.lines) + (group.count - len(group.lines)) for group in groups)
    tail = [_hashtag(channel, every)] if every else []
    if count > told:
        tail = [_more(count - told, None, channel), *tail]
    messages = []
    for number, page in enumerate(pages, 1):
        lines = [*(head if number == 1 else []), *(line for block in page for line in ("", *block))]
        closing = [
            *([_part(number, len(pages), channel)] if len(pages) > 1 else []),
            *(tail if page is pages[-1] else []),
        ]
        message = render.lay_out("\n".join([*lines, *([""] if closing else []), *closing]), channel.language)
        messages.append(replace(message, silent=channel.silent, thread=channel.thread, is_paid=channel.paid_broadcast))
    return messages


def _head(
    channel: Channel, title: str, every: Every | None, days: tuple[date, date], count: int, feeds: int
) -> list[str]:
    t = translator(channel.language)
    what = {Every.DAY: t("The day"), Every.WEEK: t("The week"), None: t("Also new")}[every]
    posts = t("1 post") if count == 1 else t("{count} posts", count=_digits(count, channel))
    sources = t("1 source") if feeds == 1 else t("{count} sources", count=_digits(feeds, channel))
    lines = [f"<b>{what} · {_name(title, channel)}</b>", dates.format_days(*days, _style(channel))]
    return [*(line for line in lines if line), t("{posts} from {sources}", posts=posts, sources=sources)]


def _block(group: Group, channel: Channel) -> list[str]:
    lines = [f"<b>{_name(group.name, channel)} ({_digits(group.count, channel)})</b>"]
    lines += (_line(line, channel) for line in group.lines)
    left = group.count - len(group.lines)
    return [*lines, _more(left, group.more, channel)] if left else lines


def _line(line: Line, channel: Channel) -> str:
    title = render.furniture(_cut(line.title) or translator(channel.language)("Untitled"))
    linked = Markup('<a href="{}">{}</a>').format(line.link, title) if line.link else title
    mark = persian.MARKS[direction_of(channel.language)]
    return f"{mark}• {linked} · {dates.short_date(line.at, line.zone, _style(channel))}"


def _more(count: int, link: str | None, channel: Channel) -> str:
    words = translator(channel.language)("and {count} more", count=_digits(count, channel))
    linked = Markup('<a href="{}">{}</a>').format(link, words) if link else words
    return persian.RLM + linked if channel.language == "fa" else linked


def _hashtag(channel: Channel, every: Every) -> str:
    t = translator(channel.language)
    return t("#WeekInReview") if every is Every.WEEK else t("#DayInReview")


def _part(number: int, count: int, channel: Channel) -> str:
    shown = translator(channel.language)("({number}/{count})", number=number, count=count)
    return _numerals(shown, channel)


def _name(name: str, channel: Channel) -> str:
    """A name at the head of a line of its own: isolated only where it reads the other way."""
    direction = direction_of(channel.language)
    if persian.first_strong(name) == persian.dominant_direction(name) == direction:
        return str(escape(persian.strip_controls(name)))
    return str(render.furniture(name))


def _cut(title: str) -> str:
    title = " ".join(title.split())
    return title if len(title) <= TITLE_LENGTH else title[: TITLE_LENGTH - 1].rstrip() + richtext.ELLIPSIS


def _style(channel: Channel) -> dates.DateStyle:
    return dates.DateStyle(
        language=channel.language, calendars=channel.calendars, months=channel.months, digits=channel.digits
    )


def _digits(number: int, channel: Channel) -> str:
    return _numerals(str(number), channel)


def _numerals(text: str, channel: Channel) -> str:
    is_persian = channel.digits is Digits.FA or (channel.digits is Digits.AUTO and channel.language == "fa")
    return persian.to_persian_digits(text) if is_persian else text


def _paged(blocks: Sequence[list[str]], channel: Channel) -> list[list[list[str]]]:
    """The blocks, parted into messages; a feed's block is never torn."""
    return list(_pages(blocks, channel))


def _pages(blocks: Sequence[list[str]], channel: Channel) -> Iterator[list[list[str]]]:
    page: list[list[str]] = []
    posts, entities, length = 0, 1, 200  # the head's
    for block in blocks:
        shown = render.lay_out("\n".join(block), channel.language)
        more_posts = sum("•" in line for line in block)
        more_entities, more_length = len(shown.entities), richtext.utf16_length(shown.text) + 2
        is_full = posts + more_posts > MOST_POSTS or entities + more_entities > MOST_ENTITIES
        if page and (is_full or length + more_length > LONGEST):
            yield page
            page, posts, entities, length = [], 0, 0, 0
        page.append(block)
        posts, entities, length = posts + more_posts, entities + more_entities, length + more_length
    yield page
