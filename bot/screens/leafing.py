"""What people leaf through: lists of posts, years and months, one post, each with the buttons under it.

Pure functions from facts to a ``Screen``; ``commands/browsing.py`` brings the facts, ``commands/updates.py`` talks to
Telegram. The first line of a list of hits holds the query between isolates: its buttons need nothing kept between two
presses.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from bot import links, render
from bot.labels import catalog, translator
from bot.model import Channel, Feed, FeedKind, Language, Message, Post, Subscription
from bot.render import dressing
from bot.text import dates, markup, persian, relative
from bot.text.snippet import Snippet

#: Characters of a query that are read and shown; a page of hits must hold it whole.
QUERY_LENGTH = 100
#: Stretches in bold of one snippet: a message has 100 entities.
_MOST_MARKS = 8
#: Of a post as new as this people are told how long ago it was.
LATELY = timedelta(days=7)
_QUERY = re.compile(f"{persian.FSI}([^\n]*?){persian.PDI}")


@dataclass(frozen=True, slots=True)
class Button:
    """What is under a message; pressed, it asks for ``action`` or opens ``url``."""

    text: str
    action: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A picture or a document that comes with a screen."""

    name: str
    content: bytes
    is_picture: bool = False


@dataclass(frozen=True, slots=True)
class Screen:
    """A message with its buttons, row by row."""

    message: Message
    buttons: tuple[tuple[Button, ...], ...] = ()
    awaits: str = ""  #: the command whose argument it asks for: what is written next is that
    ahead: tuple[Message, ...] = ()  #: messages above it, as they are
    file: File | None = None  #: the message is its caption


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


def leads_to(post: Post, messages: Mapping[int, str], bot: str) -> str | None:
    """Our message in a channel, else the publisher's page, else the post in a private chat with the bot."""
    return messages.get(post.id) or post.entry.link or (links.address(bot, links.to_post(post.id)) if bot else None)


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
    message = listing([_header(query, reader), place], lines, reader)
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
    return Screen(listing(ahead, newest, reader), (other,) if other else ())


def ask_for_words(reader: Reader) -> Screen:
    """``/search`` alone."""
    t = translator(reader.language)
    example = persian.isolate("/search " + t("moon"), None)
    asked = t("What shall I look for? Send it here, or like this: {example}", example=example)
    return Screen(_say(reader, asked), awaits="search")


# --- the newest ----------------------------------------------------------------------------------------------


def newest(lines: Sequence[Line], now: datetime, reader: Reader) -> Screen:
    """The newest posts, each with its two dates, how long ago that is where it is lately, and where it comes from."""
    t = translator(reader.language)
    if not lines:
        return Screen(_say(reader, t("There are no posts yet.")))
    return Screen(listing([f"<b>{t('Newest posts')}</b>"], lines, reader, now))


def _header(query: str, reader: Reader) -> str:
    t = translator(reader.language)
    return f"<b>{t('Search')}</b>: {render.furniture(query[:QUERY_LENGTH])}"


def query_of(text: str) -> str | None:
    """The query that a list of hits shows in its first line."""
    found = _QUERY.search(text.partition("\n")[0])
    return found[1] if found else None


def listing(ahead: Sequence[str], lines: Iterable[Line], reader: Reader, now: datetime | None = None) -> Message:
    """Posts one under the other below what is said ahead of them."""
    shown = list(ahead)
    for line in lines:
        shown += ["", *_lines(line, reader, now)]
    return _say(reader, "\n".join(shown))


def _lines(line: Line, reader: Reader, now: datetime | None = None) -> Iterable[str]:
    """Title, both dates and source, and the words found; of what is new at *now*, how long ago it was."""
    t, entry = translator(reader.language), line.post.entry
    title = Markup(persian.isolate(_marked(line.title) or escape(t("Untitled")), None))  # noqa: S704 (escaped)
    link = line.link or entry.link
    yield "• " + (Markup('<a href="{}">{}</a>').format(link, title) if link else title)
    style = dates.DateStyle(language=reader.language, form="compact")
    source = render.furniture(line.post.feed_title or "")
    if source and entry.link and line.link != entry.link:  # the title leads to our message
        source = Markup('<a href="{}">{}</a>').format(entry.link, source)
    at = line.post.effective_at
    shown_date = dates.format_date(at, reader.zone, style, date_only=entry.date_only)
    if now is not None and not entry.date_only and timedelta() <= now - at < LATELY:
        shown_date += " · " + relative.ago(at, now, reader.language, reader.zone, catalog(reader.language))
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


def card(post: Post, link: str | None, reader: Reader, *, whole: bool = False) -> Message:
    """One post as a channel would show it, in the reader's language; *whole* with all its text, as far as it fits."""
    feed = Feed(name=post.feed_title or "", kind=FeedKind.HTTP, url="", title=post.feed_title)
    channel = Channel(
        name="", chat="", language=reader.language, timezone=reader.zone.key, source=bool(post.feed_title),
        template="full" if whole else "default",
    )  # fmt: skip
    shown = replace(post, entry=replace(post.entry, link=link)) if link else post
    template = render.TEMPLATES[channel.template]
    made = dressing.dress(shown, Subscription(feed, channel, template_text=template, home_timezone=reader.zone.key))
    return made[0] if made else _say(reader, translator(reader.language)("Untitled"))


def random_card(post: Post | None, link: str | None, reader: Reader) -> Screen:
    """A post at random, and a button for the next one."""
    t = translator(reader.language)
    if post is None:
        return Screen(_say(reader, t("There are no posts yet.")))
    return Screen(card(post, link, reader, whole=link is None), ((Button(t("Another one"), "r"),),))


def not_yours(language: Language) -> str:
    """The toast over buttons that somebody else asked for, or that nobody ever made."""
    return translator(language)("These buttons are not yours. Send the command yourself.")
