"""What people leaf through: lists of posts, years and months, one post, each with the buttons under it.

Pure functions from facts to a ``Screen``; ``browsing.py`` brings the facts, ``commands.py`` talks to Telegram. The
first line of a list of hits holds the query between isolates: its buttons need nothing kept between two presses.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from bot import dressing, render
from bot.labels import catalog, translator
from bot.model import Calendar, Channel, Feed, FeedKind, Language, Message, Months, Post, Subscription
from bot.text import calendars, dates, markup, persian, relative
from bot.text.snippet import Snippet

#: Characters of a query that are read and shown; a page of hits must hold it whole.
QUERY_LENGTH = 100
#: Stretches in bold of one snippet: a message has 100 entities.
_MOST_MARKS = 8
_BUTTONS_IN_A_ROW = {"year": 3, "month": 2, "day": 4}
_QUERY = re.compile(f"{persian.FSI}([^\n]*?){persian.PDI}")


@dataclass(frozen=True, slots=True)
class Button:
    """What is under a message; pressed, it asks for ``action`` or opens ``url``."""

    text: str
    action: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Screen:
    """A message with its buttons, row by row."""

    message: Message
    buttons: tuple[tuple[Button, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A post in a list: where it leads, and what to show of it."""

    post: Post
    link: str | None
    title: Snippet
    snippet: Snippet | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a screen is for."""

    language: Language
    zone: ZoneInfo

    def number(self, value: int) -> str:
        """In the digits of the language."""
        return persian.to_persian_digits(str(value)) if self.language == "fa" else str(value)


def leads_to(post: Post, messages: Mapping[int, str]) -> str | None:
    """Our message in a channel, else the publisher's page."""
    return messages.get(post.id) or post.entry.link


# --- hits ----------------------------------------------------------------------------------------------------


def hits(query: str, lines: Sequence[Line], total: int, first: int, size: int, reader: Reader, most: int) -> Screen:
    """A page of what was found; *first* counts from 0, and *total* may be *most* or more."""
    t = translator(reader.language)
    shown_total = reader.number(total)
    if total >= most:
        shown_total = t("more than {count}", count=reader.number(most - 1))
    place = t(
        "{first} to {last} of {total}",
        first=reader.number(first + 1),
        last=reader.number(first + len(lines)),
        total=shown_total,
    )
    message = _list([_header(query, reader), place], lines, reader)
    turns = []
    if first:
        turns.append(Button(t("Previous"), f"s.{first // size - 1}"))
    if first + len(lines) < total:
        turns.append(Button(t("Next"), f"s.{first // size + 1}"))
    return Screen(message, (tuple(turns),) if turns else ())


def no_hits(query: str, nearest: str | None, newest: Sequence[Line], reader: Reader) -> Screen:
    """Nothing was found: the nearest spelling, and the newest posts."""
    t = translator(reader.language)
    ahead = [_header(query, reader), t("I found nothing.")]
    if newest:
        ahead += ["", t("Newest posts") + ":"]
    other = (Button(t("Search for {words}", words=persian.isolate(nearest[:40], None)), "n"),) if nearest else ()
    return Screen(_list(ahead, newest, reader), (other,) if other else ())


def ask_for_words(reader: Reader) -> Screen:
    """``/search`` alone."""
    t = translator(reader.language)
    example = persian.isolate("/search " + t("moon"), None)
    return Screen(_say(reader, t("What shall I look for? Send it here, or like this: {example}", example=example)))


def _header(query: str, reader: Reader) -> str:
    t = translator(reader.language)
    return f"<b>{t('Search')}</b>: {render.furniture(query[:QUERY_LENGTH])}"


def query_of(text: str) -> str | None:
    """The query that a list of hits shows in its first line."""
    found = _QUERY.search(text.partition("\n")[0])
    return found[1] if found else None


def _list(ahead: Sequence[str], lines: Iterable[Line], reader: Reader) -> Message:
    shown = list(ahead)
    for line in lines:
        shown += ["", *_lines(line, reader)]
    return _say(reader, "\n".join(shown))


def _lines(line: Line, reader: Reader) -> Iterable[str]:
    """Title, both dates and source, and the words found."""
    t, entry = translator(reader.language), line.post.entry
    title = Markup(persian.isolate(_marked(line.title) or escape(t("Untitled")), None))  # noqa: S704 (escaped)
    link = line.link or entry.link
    yield "• " + (Markup('<a href="{}">{}</a>').format(link, title) if link else title)
    style = dates.DateStyle(language=reader.language, form="compact")
    source = render.furniture(line.post.feed_title or "")
    if source and entry.link and line.link != entry.link:  # the title leads to our message
        source = Markup('<a href="{}">{}</a>').format(entry.link, source)
    shown_date = dates.format_date(line.post.effective_at, reader.zone, style, date_only=entry.date_only)
    yield shown_date + (f" · {source}" if source else "")
    if line.snippet and line.snippet.text:
        yield render.as_body(_marked(line.snippet))


def _marked(snippet: Snippet) -> Markup:
    """The words found in bold; live in nothing."""
    raw, shown = snippet.text, markup.neutralise(snippet.text)
    at: list[int] = []  # where each character of the raw text went: neutralising only puts some between them
    for position, character in enumerate(shown):
        if len(at) < len(raw) and character == raw[len(at)]:
            at.append(position)
    at.append(len(shown))
    html, done = Markup(), 0
    for start, end in snippet.marks[:_MOST_MARKS]:
        html += escape(shown[done : at[start]]) + Markup("<b>{}</b>").format(shown[at[start] : at[end]])
        done = at[end]
    return html + escape(shown[done:])


def _say(reader: Reader, html: str) -> Message:
    return render.lay_out(html, reader.language)


# --- the archive ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Period:
    """A year, a month or a day of a calendar; zeros where it is no closer than that."""

    calendar: Calendar
    year: int = 0
    month: int = 0
    day: int = 0

    @property
    def action(self) -> str:
        """What a button that leads here asks for."""
        parts = [str(part) for part in (self.year, self.month, self.day) if part]
        return ".".join(("a", "g" if self.calendar is Calendar.GREGORIAN else "j", *parts))

    @property
    def kind(self) -> str:
        """What it is made of: years, months or days; "" for a day."""
        return "year" if not self.year else "month" if not self.month else "day" if not self.day else ""

    @property
    def parent(self) -> "Period":
        """What it is part of."""
        if self.day:
            return replace(self, day=0)
        return replace(self, month=0) if self.month else replace(self, year=0)

    def days(self) -> tuple[date, date]:
        """Its first day and its last; ValueError where the calendar has no such."""
        first = _day(self.calendar, self.year, self.month or 1, self.day or 1)
        if self.day:
            return first, first
        year, month = (self.year, self.month + 1) if 0 < self.month < 12 else (self.year + 1, 1)
        return first, date.fromordinal(_day(self.calendar, year, month, 1).toordinal() - 1)


def _day(calendar: Calendar, year: int, month: int, day: int) -> date:
    return date(year, month, day) if calendar is Calendar.GREGORIAN else calendars.from_jalali(year, month, day)


def period_of(day: date, calendar: Calendar) -> Period:
    """The day as a period."""
    if calendar is Calendar.GREGORIAN:
        return Period(calendar, day.year, day.month, day.day)
    jalali = calendars.to_jalali(day)
    return Period(calendar, jalali.year, jalali.month, jalali.day)


def archive(period: Period, parts: Sequence[tuple[Period, int]], reader: Reader) -> Screen:
    """The years, months or days of a period that have posts, with how many."""
    t = translator(reader.language)
    prompt = {"year": t("Choose a year:"), "month": t("Choose a month:"), "day": t("Choose a day:")}[period.kind]
    if not parts:
        prompt = t("There are no posts yet.") if period.kind == "year" else t("There are no posts here.")
    width = _BUTTONS_IN_A_ROW[period.kind]
    grid = [Button(f"{_short_name(part, reader)} ({reader.number(count)})", part.action) for part, count in parts]
    rows = [tuple(grid[start : start + width]) for start in range(0, len(grid), width)]
    other = Calendar.GREGORIAN if period.calendar is Calendar.JALALI else Calendar.JALALI
    if period.kind != "year":
        rows.append((Button(t("Back"), period.parent.action),))
    elif parts:
        name = t("Gregorian calendar") if other is Calendar.GREGORIAN else t("Jalali calendar")
        rows.append((Button(name, Period(other).action),))
    return Screen(_say(reader, f"{_archive_header(period, reader)}\n\n{prompt}"), tuple(rows))


def archive_day(period: Period, lines: Sequence[Line], total: int, first: int, size: int, reader: Reader) -> Screen:
    """The posts of one day."""
    t = translator(reader.language)
    header = [_archive_header(period, reader)] + ([] if lines else ["", t("There are no posts here.")])
    turns = []
    if first:
        turns.append(Button(t("Previous"), f"{period.action}.{first // size - 1}"))
    if first + len(lines) < total:
        turns.append(Button(t("Next"), f"{period.action}.{first // size + 1}"))
    rows = ([tuple(turns)] if turns else []) + [(Button(t("Back"), period.parent.action),)]
    return Screen(_list(header, lines, reader), tuple(rows))


def unknown_month(reader: Reader) -> Screen:
    """``/archive`` with words that are no month."""
    t = translator(reader.language)
    example = persian.isolate("/archive " + t("September 2018"), None)
    return Screen(_say(reader, t("I don't know that month. For example: {example}", example=example)))


def _archive_header(period: Period, reader: Reader) -> str:
    name = f" · {_long_name(period, reader)}" if period.year else ""
    return f"<b>{translator(reader.language)('Archive')}</b>{name}"


def _long_name(period: Period, reader: Reader) -> str:
    if period.day:
        style = dates.DateStyle(reader.language, calendars=(period.calendar,))
        both = dates.DateStyle(reader.language)
        day = period.days()[0]
        other = Calendar.GREGORIAN if period.calendar is Calendar.JALALI else Calendar.JALALI
        shown = dates.name_day(day, period.calendar, style), dates.name_day(day, other, both)
        return f"{calendars.weekday_name(day, reader.language)} {shown[0]} ({shown[1]})"
    year = reader.number(period.year)
    return f"{_short_name(period, reader)} {year}" if period.month else year


def _short_name(period: Period, reader: Reader) -> str:
    if period.day:
        return reader.number(period.day)
    if not period.month:
        return reader.number(period.year)
    is_english, is_gregorian = reader.language == "en", period.calendar is Calendar.GREGORIAN
    if is_gregorian:
        names = calendars.GREGORIAN_MONTHS_EN if is_english else calendars.GREGORIAN_MONTHS[Months.IRANIAN]
    else:
        names = (calendars.JALALI_MONTHS_LATIN if is_english else calendars.JALALI_MONTHS)[Months.IRANIAN]
    return names[period.month - 1]


# --- this day, one post, buttons -----------------------------------------------------------------------------


def on_this_day(lines: Sequence[Line], now: datetime, reader: Reader) -> Screen:
    """Posts of this day of past years, year by year."""
    t = translator(reader.language)
    today = dates.format_date(now, reader.zone, dates.DateStyle(reader.language), date_only=True)
    shown = [f"<b>{t('On this day')}</b>", today]
    if not lines:
        shown += ["", t("No post of a past year is from this day.")]
    heading = ""
    for line in lines:
        words = catalog(reader.language)
        years = relative.ago(line.post.effective_at, now, reader.language, reader.zone, words)
        shown += ["", *([f"<b>{years}</b>"] if years != heading else []), *_lines(line, reader)]
        heading = years
    return Screen(_say(reader, "\n".join(shown)))


def card(post: Post, link: str | None, reader: Reader) -> Message:
    """One post as a channel would show it, in the reader's language."""
    feed = Feed(name=post.feed_title or "", kind=FeedKind.HTTP, url="", title=post.feed_title)
    channel = Channel(
        name="", chat="", language=reader.language, timezone=reader.zone.key, source=bool(post.feed_title)
    )
    shown = replace(post, entry=replace(post.entry, link=link)) if link else post
    template = render.TEMPLATES[channel.template]
    made = dressing.dress(shown, Subscription(feed, channel, template_text=template, home_timezone=reader.zone.key))
    return made[0] if made else _say(reader, translator(reader.language)("Untitled"))


def random_card(post: Post | None, link: str | None, reader: Reader) -> Screen:
    """A post at random, and a button for the next one."""
    t = translator(reader.language)
    if post is None:
        return Screen(_say(reader, t("There are no posts yet.")))
    return Screen(card(post, link, reader), ((Button(t("Another one"), "r"),),))


def not_yours(language: Language) -> str:
    """The toast over buttons that somebody else asked for, or that nobody ever made."""
    return translator(language)("These buttons are not yours. Send the command yourself.")
