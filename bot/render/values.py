"""What a template may name: the values of one post for one channel, safe to put into its lines.

Read by ``render`` and by ``templates.py``, which checks templates with an example. The words of others come out as
they are to be shown, live in nothing; nothing here knows how a template arranges them. What is costly is made only
where the template names it.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from datetime import date as Day
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from bot import anniversary
from bot.labels import direction_of, translator
from bot.model import Entry, Feed, FeedKind, Post, Subscription, SummaryOptions
from bot.render import content
from bot.render.lines import body, furniture, isolated_sigils
from bot.text import dates, markup, persian, summary
from bot.text.persian import Direction

#: For checking templates without a post.
NAMES = frozenset(
    {
        "author", "content", "date", "event_date", "footer", "hashtags", "link", "occasion", "published", "source",
        "summary", "t", "tags", "title",
    }
)  # fmt: skip


def values(
    post: Post, subscription: Subscription, names: Collection[str] = NAMES, *, replayed_on: Day | None = None
) -> dict[str, Any]:
    """What a template may name; of ``summary`` and ``content`` what is in ``names``."""
    entry, channel = post.entry, subscription.channel
    t = translator(channel.language)
    direction = direction_of(channel.language)
    title = entry.title or content.first_sentence(entry)
    published = Published(post, subscription)
    hashtag = Hashtags(subscription.tags, direction)
    made: dict[str, Any] = {
        "title": body(title or _name(post, subscription), entry.language),
        "link": entry.link or "",
        "occasion": _occasion(post, subscription, replayed_on),
        "date": published.form(channel.date),
        "published": published,
        "author": furniture(_author(entry)),
        "source": _source(post, subscription) if title else Markup(),  # else it stands for the title
        "tags": [Tag(word, hashtag) for word in entry.tags],
        "hashtags": hashtag.line(subscription.hashtags, entry.tags, channel.hashtags),
        "footer": Markup(isolated_sigils(str(escape(channel.footer)), direction)),  # noqa: S704 (escaped)
        "t": lambda message, **words: Label(t(message, **words)),
        "_hashtags": hashtag,
    }
    if "summary" in names:
        made["summary"] = content.summary_of(_summary(entry, title, channel.summary), entry.language)
    if "content" in names:
        made["content"] = content.content_of(entry, title)
    if "event_date" in names:
        made["event_date"] = EventDate(post, subscription)
    return made


def is_old(post: Post, feed: Feed) -> bool:
    """Old posts say so, and come without sound (PRODUCT 1.7)."""
    return post.is_old or feed.kind is FeedKind.ARCHIVE


_ADDRESS = re.compile(r"\S+@\S+|https?://\S+")


def _author(entry: Entry) -> str:
    """A name: where a feed has no more than somebody's address, it is nobody's business."""
    return _ADDRESS.sub("", entry.author or "").strip(" ()<>,;")


def _summary(entry: Entry, title: str, options: SummaryOptions | None) -> str:
    return summary.choose(entry.summary, entry.fullest, title, options) if options else ""


def _occasion(post: Post, subscription: Subscription, replayed_on: Day | None) -> str:
    """Why an old post comes now."""
    t = translator(subscription.channel.language)
    if replayed_on is not None:
        posted = post.effective_at.astimezone(ZoneInfo(subscription.home_timezone)).date()
        years = anniversary.years_ago(posted, replayed_on)
        if years == 1:
            return t("On this day, a year ago") + " · "
        if years:
            return t("On this day, {years} year ago", "On this day, {years} years ago", years=years) + " · "
    return t("From the archive") + " · " if is_old(post, subscription.feed) else ""


# --- dates ---------------------------------------------------------------------------------------------------


class Label(Markup):
    """Words of the template itself: a line of nothing else has no value in it."""


class Published:
    """The post's date, in whatever form the template asks for; by itself with its time, where the feed gives one."""

    def __init__(self, post: Post, subscription: Subscription) -> None:
        self._post = post
        self._subscription = subscription

    def __str__(self) -> str:
        form = self._subscription.channel.date
        return self.form("moment" if form == "full" else form)

    def __html__(self) -> str:
        return self.__str__()

    @cached_property
    def _when(self) -> datetime:
        return self._post.effective_at

    @property
    def _is_civil_day(self) -> bool:
        return self._post.entry.date_only

    @property
    def _has_time(self) -> bool:
        return not self._is_civil_day and self._when == self._post.entry.published

    def form(self, form: str) -> Markup:
        """The date in one of the forms of ``text/dates.py``; none where the channel wants none."""
        channel = self._subscription.channel
        if channel.date == "none":
            return Markup()
        style = dates.DateStyle(
            language=channel.language,
            calendars=channel.calendars,
            months=channel.months,
            digits=channel.digits,
            form=form if self._has_time or form != "time" else "full",
            lunar_offset=channel.lunar_offset,
        )
        # A civil day is that day everywhere: it is not moved to the channel's zone.
        zone = ZoneInfo(self._subscription.home_timezone if self._is_civil_day else channel.timezone)
        shown = escape(dates.format_date(self._when, zone, style, date_only=not self._has_time))
        if not channel.local_time or not self._has_time or not shown:
            return shown
        # Long date and short time of the reader's own zone; clients that do not know it show our text.
        return Markup('<tg-time unix="{}" format="Dt">{}</tg-time>').format(int(self._when.timestamp()), shown)


_EVENT_DATE = re.compile(r'\bdata-event-date="(\d{4}-\d\d-\d\d)"')


class EventDate(Published):
    """The day that the text of an archive's post tells of, where its first line names one; else nothing."""

    @cached_property
    def day(self) -> Day | None:
        """The civil day."""
        found = _EVENT_DATE.search(self._post.entry.fullest or "") if _is_archive(self._subscription) else None
        return Day.fromisoformat(found[1]) if found else None

    @cached_property
    def _when(self) -> datetime:
        zone = ZoneInfo(self._subscription.home_timezone)
        return datetime.combine(self.day, time(), zone).astimezone(UTC) if self.day else self._post.effective_at

    @property
    def _is_civil_day(self) -> bool:
        return True

    def __bool__(self) -> bool:
        return self.day is not None

    def form(self, form: str) -> Markup:
        """As of ``published``."""
        return super().form(form) if self.day else Markup()


def _is_archive(subscription: Subscription) -> bool:
    # On the web anybody could write the attribute.
    return subscription.feed.kind is FeedKind.ARCHIVE


# --- where it comes from -------------------------------------------------------------------------------------


def _name(post: Post, subscription: Subscription) -> str:
    return subscription.feed.title or post.feed_title or subscription.feed.name


def _source(post: Post, subscription: Subscription) -> Markup:
    """The feed's name, leading to its page; the isolate stands outside of the link."""
    if not subscription.channel.source:
        return Markup()
    shown = markup.neutralise(persian.strip_controls(_name(post, subscription))).strip()
    home = post.feed_home or _site(post.entry.link)
    if not shown or not home or _is_archive(subscription):
        return furniture(shown)
    return Markup('\u2068<a href="{}">{}</a>\u2069').format(home, shown)


def _site(link: str | None) -> str | None:
    parts = urlsplit(link or "")
    return f"{parts.scheme}://{parts.netloc}/" if parts.netloc else None


# --- hashtags ------------------------------------------------------------------------------------------------

#: What is longer is a sentence, or keywords that nothing but spaces parts.
_LONGEST_TAG = 50
#: What blogs file a post under that nobody filed, as ``key_fold`` has it.
_NO_CATEGORY = frozenset(
    map(
        persian.key_fold,
        (
            "uncategorized", "uncategorised", "unclassified", "no category", "بدون دسته بندی", "بدون دسته",
            "دسته بندی نشده", "غير مصنف", "non class\u00e9", "sin categor\u00eda", "sem categoria", "senza categoria",
            "unkategorisiert", "nicht kategorisiert", "bez kategorii", "без рубрики", "geen categorie",
        ),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hashtags:
    """Makes hashtags of words, in the language that reads in the channel's direction."""

    pairs: Mapping[str, str]
    direction: Direction

    def line(self, fixed: Collection[str], own: Collection[str], limit: int) -> Markup:
        """At most ``limit`` of the post's own, after the feed's fixed ones; each once."""
        found: dict[str, str] = {}
        for word in fixed:
            self._add(word, found)
        most = len(found) + limit
        for word in list(own)[: 10 * (limit + 1)]:
            if len(found) == most:
                break
            if len(word) <= _LONGEST_TAG and persian.key_fold(word) not in _NO_CATEGORY:
                self._add(word, found)
        return Markup(" ".join(isolated_sigils(tag, self.direction) for tag in found.values()))  # noqa: S704 (no HTML)

    def _add(self, word: str, found: dict[str, str]) -> None:
        tag = persian.hashtag(self._in_language(word))
        if tag:
            found.setdefault(persian.key_fold(tag), tag)

    def _in_language(self, word: str) -> str:
        """One taxonomy for two languages: of a pair, the side that reads in the channel's direction."""
        key = persian.key_fold(word)
        for pair in self.pairs.items():
            if key in (persian.key_fold(pair[0]), persian.key_fold(pair[1])):
                return next((side for side in pair if persian.dominant_direction(side) == self.direction), word)
        return word


class Tag(Markup):
    """A word that the publisher filed the post under; ``word`` as it was written, for hashtags."""

    word: str

    def __new__(cls, word: str, hashtags: Hashtags) -> "Tag":
        """Shown as a piece of furniture."""
        tag = super().__new__(cls, furniture(hashtags._in_language(word)))
        tag.word = word
        return tag
