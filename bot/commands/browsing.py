"""Finds what people want to read: search, archive, this day, at random; and says so, screen by screen.

Between ``updates.py``, which talks to Telegram, and the store. Keeps nothing: what a button needs is in the button,
sealed for its chat and person, and in the message above it. Words of people are neither stored nor logged.
"""

import asyncio
import base64
import hashlib
import hmac
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot import anniversary
from bot.clock import Clock
from bot.model import Calendar, Language, Message, Post
from bot.personal import House
from bot.screens import archive_screens, leafing
from bot.screens.archive_screens import Period
from bot.screens.leafing import Line, Reader, Screen
from bot.storage import browse, reports, search
from bot.storage.browse import Span
from bot.storage.database import Database
from bot.text import date_ranges, persian, snippet
from bot.text.query import SearchQuery, parse_query
from bot.text.snippet import Snippet

#: Hits, and posts of a day, on one screen.
PAGE = 5
#: Posts of /today, and of an answer to an inline query.
MOST_TODAY, INLINE_PAGE = 12, 10
#: Bytes of a seal; with the action they are far from the 64 that a button may carry.
_SEAL = 9
#: A post that is not older is not called one of the archive by those who look for it.
NEW = timedelta(days=30)
#: The words of titles are gathered anew after so long: that takes a seventh of a second.
SPELLINGS_KEPT = timedelta(minutes=5)
_NEWEST = 3  #: posts under a search that found nothing
#: Years of /archive at most: a keyboard has 100 buttons.
_MOST_YEARS = 90


class Seal:
    """Marks actions so that a button works in one chat, for one person, and cannot be made up."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(f"buttons {secret}".encode()).digest()

    def close(self, action: str, chat_id: int, user_id: int) -> str:
        """What a button carries."""
        return f"b{self._mark(action, chat_id, user_id)}{action}"

    def open(self, carried: str, chat_id: int, user_id: int) -> str | None:
        """The action of a button that was made for this person in this chat; None for any other text."""
        length = 1 + _SEAL * 4 // 3
        action = carried[length:]
        right = self.close(action, chat_id, user_id)
        # Half a surrogate pair may come too: it is no button, and no reason to fail.
        is_ours = hmac.compare_digest(*(each.encode(errors="surrogatepass") for each in (carried, right)))
        return action if is_ours else None

    def _mark(self, action: str, chat_id: int, user_id: int) -> str:
        said = f"{chat_id} {user_id} {action}".encode(errors="surrogatepass")
        return base64.urlsafe_b64encode(hmac.digest(self._key, said, "sha256")[:_SEAL]).decode()


@dataclass(frozen=True, slots=True)
class Shared:
    """A post that an inline query offers."""

    post_id: int
    title: str
    description: str
    message: Message


class Browsing:
    """Answers with screens. ``bot_id`` is whose messages the links lead to; ``house`` is replaced as feeds.yaml is."""

    def __init__(self, database: Database, clock: Clock, *, bot_id: int, zone: ZoneInfo, house: House) -> None:
        self._database, self._clock = database, clock
        self._bot_id, self.zone, self.house = bot_id, zone, house
        self.bot_name = ""  #: ours, as links to the bot carry it
        self._spellings: dict[str, str] = {}
        self._spelled_until = clock.now()

    def _reader(self, language: Language) -> Reader:
        return Reader(language, self.zone)

    def _today(self) -> date:
        return self._clock.now().astimezone(self.zone).date()

    async def press(self, action: str, shown: str, language: Language) -> Screen | str | None:
        """The screen that a button asks for, given the text above it, or a toast; None where there is none any more."""
        match action.split("."):
            case ["s", page] if page.isdecimal() and len(page) < 5:
                query = leafing.query_of(shown)
                return None if query is None else await self.search(query, language, int(page))
            case ["n"]:
                return await self._search_nearest(leafing.query_of(shown) or "", language)
            case ["a", "j" | "g" as calendar, *numbers] if all(n.isdecimal() and len(n) < 5 for n in numbers):
                return await self._leaf(calendar, [int(number) for number in numbers], language)
            case [archive_screens.EMPTY]:
                return archive_screens.no_posts(language)
            case ["r"]:
                return await self.draw(language)
        return None

    # --- search ----------------------------------------------------------------------------------------------

    async def search(self, words: str, language: Language, page: int = 0) -> Screen:
        """A page of what these words find; asks for some where there are none."""
        reader = self._reader(language)
        shown = persian.clean_line(words)[: leafing.QUERY_LENGTH]
        query = self._parse(shown)
        if query.is_empty:
            return leafing.ask_for_words(reader)
        first = page * PAGE
        found = await self._database.read(search.find, query, PAGE, first, zone=self.zone, now=self._clock.now())
        if not found.total:
            newest = await self._database.read(reports.latest_posts, _NEWEST)
            return leafing.no_hits(shown, await self._nearest(query), await self._lines(newest), reader)
        if not found.hits:  # a page that is no longer there
            return await self.search(shown, language, (found.total - 1) // PAGE)
        lines = await self._lines([hit.post for hit in found.hits])
        hits = [
            replace(line, title=hit.title, snippet=hit.snippet) for line, hit in zip(lines, found.hits, strict=True)
        ]
        return leafing.hits(shown, hits, found.total, first, PAGE, reader, search.CANDIDATES)

    async def _nearest(self, query: SearchQuery) -> str | None:
        """The nearest spelling, if it finds something."""
        if self._clock.now() >= self._spelled_until:
            self._spellings = await self._database.read(browse.title_words)
            self._spelled_until = self._clock.now() + SPELLINGS_KEPT
        nearest = await asyncio.to_thread(browse.nearest_words, query, self._spellings)
        if nearest is None:
            return None
        asked = self._parse(nearest)
        found = await self._database.read(search.find, asked, 1, 0, zone=self.zone, now=self._clock.now())
        return nearest if found.total else None

    async def _search_nearest(self, words: str, language: Language) -> Screen:
        return await self.search(await self._nearest(self._parse(words)) or words, language)

    async def latest(self, count: int, feed: str | None, language: Language) -> Screen:
        """The newest posts, of one feed or of all."""
        found = await self._database.read(reports.latest_posts, count, feed)
        return leafing.newest(await self._lines(found), self._clock.now(), self._reader(language))

    async def _lines(self, posts: Sequence[Post]) -> list[Line]:
        links = await self._links(posts)
        return [Line(self._named(post), leafing.leads_to(post, links, self.bot_name), _title(post)) for post in posts]

    def _named(self, post: Post) -> Post:
        """The post with the title that feeds.yaml gives its feed; who asks for it knows that it is not of today."""
        feed = self.house.feeds.get(post.feed_id)
        is_old = post.is_old and self._clock.now() - post.effective_at > NEW
        return replace(post, feed_title=(feed and feed.title) or post.feed_title, is_old=is_old)

    def _parse(self, words: str) -> SearchQuery:
        """The query; feeds are known by the titles of feeds.yaml too."""
        query = parse_query(words, self._today())
        if not query.feeds:
            return query
        names = {persian.key_fold(feed.title or ""): feed.name for feed in self.house.feeds.values()}
        return replace(query, feeds=tuple(names.get(persian.key_fold(each), each) for each in query.feeds))

    async def _links(self, posts: Sequence[Post]) -> dict[int, str]:
        return await self._database.read(browse.message_links, self._bot_id, [post.id for post in posts])

    async def offer(self, words: str, offset: int, language: Language) -> list[Shared]:
        """The posts that an inline query offers; the newest, while nothing was typed."""
        query = self._parse(words)
        found = await self._database.read(
            search.find, query, INLINE_PAGE, offset, zone=self.zone, now=self._clock.now()
        )
        links = await self._links([hit.post for hit in found.hits])
        reader = self._reader(language)
        return [
            Shared(
                hit.post.id,
                hit.title.text,
                hit.snippet.text,
                leafing.card(self._named(hit.post), links.get(hit.post.id) or hit.post.entry.link, reader),
            )
            for hit in found.hits
        ]

    # --- the archive -----------------------------------------------------------------------------------------

    async def archive(self, words: str, language: Language) -> Screen:
        """``/archive [year month]``: the newest year that has posts, or the year or the month that is named."""
        calendar = Calendar.JALALI if language == "fa" else Calendar.GREGORIAN
        if not words.strip():
            ends = await self._ends()
            newest = Period(calendar, archive_screens.period_of(ends[1], calendar).year if ends else 0)
            return await self._parts(newest, language)
        if month := date_ranges.parse_month(words, self._today()):
            period = archive_screens.period_of(month.first, month.calendar)
            return await self._parts(period.parent, language)
        stretch = date_ranges.parse_range(words, self._today())
        if stretch is None:
            return archive_screens.unknown_month(self._reader(language))
        period = archive_screens.period_of(stretch.first, stretch.calendar)
        is_year = period.parent.parent.days() == (stretch.first, stretch.last)
        return await self._parts(period.parent.parent if is_year else period.parent, language)

    async def _leaf(self, calendar: str, numbers: Sequence[int], language: Language) -> Screen | None:
        """A period by the numbers of a button; the fourth is a page of its posts."""
        chosen = Calendar.GREGORIAN if calendar == "g" else Calendar.JALALI
        year, month, day, page, *more = (*numbers, 0, 0, 0, 0)
        period = Period(chosen, year, month, day)
        try:
            if year:
                period.days()
        except (ValueError, OverflowError):
            return None
        if any(more) or (not period.year and any(numbers)):
            return None
        return await self._day(period, page, language) if period.day else await self._parts(period, language)

    async def _parts(self, period: Period, language: Language) -> Screen:
        ends = await self._ends()
        parts = _parts_of(period, ends) if ends else []
        counts = await self._database.read(browse.counts, [self._span(*part.days()) for part in parts])
        counted = list(zip(parts, counts, strict=True))
        if period.kind == "year":  # there may be many without posts, and they have no place to keep
            counted = [(part, count) for part, count in counted if count]
        return archive_screens.archive(period, counted, ends, self._reader(language))

    async def _ends(self) -> tuple[date, date] | None:
        """The first day that has posts, and the last."""
        ends = await self._database.read(browse.ends)
        return (ends[0].astimezone(self.zone).date(), ends[1].astimezone(self.zone).date()) if ends else None

    async def _day(self, period: Period, page: int, language: Language) -> Screen:
        span = self._span(*period.days())
        (total,) = await self._database.read(browse.counts, [span])
        page = min(page, max(total - 1, 0) // PAGE)
        found = await self._database.read(browse.posts_in, [span], PAGE, page * PAGE)
        lines, reader = await self._lines(found), self._reader(language)
        return archive_screens.archive_day(period, lines, total, page * PAGE, PAGE, reader)

    def _span(self, first: date, last: date) -> Span:
        start, end = (datetime.combine(day, time(), self.zone) for day in (first, last + timedelta(days=1)))
        return Span(start, end)

    # --- this day, at random ---------------------------------------------------------------------------------

    async def on_this_day(self, language: Language) -> Screen:
        """Posts of past years whose anniversary is today, in either calendar."""
        ends = await self._ends()
        spans = [self._span(day, day) for day in anniversary.past_days(self._today(), ends[0])] if ends else []
        found = await self._database.read(browse.posts_in, spans, MOST_TODAY)
        return leafing.on_this_day(await self._lines(found), self._clock.now(), self._reader(language))

    async def post(self, post_id: int, language: Language) -> Screen | None:
        """One post, as a deep link asks for it; None where people may not see it."""
        post = await self._database.read(browse.post, post_id)
        if post is None:
            return None
        link = await self._page_of(post)
        return Screen(leafing.card(self._named(post), link, self._reader(language), whole=link is None))

    async def _page_of(self, post: Post) -> str | None:
        """Where a post can be read outside of this chat; None where nowhere: then all of it is shown here."""
        return (await self._links([post])).get(post.id) or post.entry.link

    async def draw(self, language: Language) -> Screen:
        """A post at random."""
        post = await self._database.read(browse.drawn_post, random.random())  # noqa: S311 (a draw among public posts)
        link = await self._page_of(post) if post else None
        return leafing.random_card(self._named(post) if post else None, link, self._reader(language))


def _parts_of(period: Period, ends: tuple[date, date]) -> list[Period]:
    """The years that may have posts, the months of a year, the days of a month."""
    calendar = period.calendar
    if period.kind == "year":
        first, last = (archive_screens.period_of(end, calendar).year for end in ends)
        return [Period(calendar, year) for year in range(max(first, last - _MOST_YEARS), last + 1)]
    if period.kind == "month":
        return [Period(calendar, period.year, month) for month in range(1, 13)]
    first_day, last_day = period.days()
    return [Period(calendar, period.year, period.month, day) for day in range(1, (last_day - first_day).days + 2)]


def _title(post: Post) -> Snippet:
    return snippet.cut(persian.strip_controls(post.entry.title or ""), (), search.TITLE_LENGTH)
