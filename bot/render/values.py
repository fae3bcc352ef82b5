"""What a template may name: the values of one post for one channel, safe to put into its lines.

Read by ``render`` and by ``templates.py``, which checks templates with an example. The words of others come out as
they are to be shown, live in nothing; nothing here knows how a template arranges them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from bot import anniversary
from bot.labels import translator
from bot.model import Channel, Entry, Feed, FeedKind, Post, Subscription, SummaryOptions
from bot.render.lines import BODY, body, direction_of, furniture, isolated_sigils
from bot.text import dates, persian, summary
from bot.text.persian import Direction

#: For checking templates without a post.
NAMES = frozenset(
    {"title", "link", "occasion", "date", "published", "summary", "author", "source", "hashtags", "footer", "t"}
)


def values(post: Post, subscription: Subscription, replayed_on: date | None = None) -> dict[str, Any]:
    """What a template may name."""
    entry, channel = post.entry, subscription.channel
    t = translator(channel.language)
    title, words = _title_and_summary(entry, channel)
    published = Published(post, subscription)
    return {
        "title": _linked(body(title, entry.language), entry.link),
        "link": entry.link or "",
        "occasion": _occasion(post, subscription, replayed_on),
        "date": published.form(channel.date),
        "published": published,
        "summary": body(words, entry.language),
        "author": furniture(entry.author or ""),
        "source": _source(post, subscription),
        "hashtags": _hashtags(entry, subscription),
        "footer": Markup(isolated_sigils(str(escape(channel.footer)), direction_of(channel.language))),  # noqa: S704 (escaped)
        "t": lambda message: Label(t(message)),
    }


def _occasion(post: Post, subscription: Subscription, replayed_on: date | None) -> str:
    """Why an old post comes now."""
    t = translator(subscription.channel.language)
    if replayed_on is not None:
        posted = post.effective_at.astimezone(ZoneInfo(subscription.home_timezone)).date()
        years = anniversary.years_ago(posted, replayed_on)
        if years == 1:
            return t("On this day, a year ago") + " · "
        if years:
            shown = str(years) if subscription.channel.language != "fa" else persian.to_persian_digits(str(years))
            return t("On this day, {years} years ago", years=shown) + " · "
    return t("From the archive") + " · " if is_old(post, subscription.feed) else ""


class Label(Markup):
    """Words of the template itself: a line of nothing else has no value in it."""


class Linked(Markup):
    """A title that knows where it leads; to every filter but ``link`` it is text."""

    leads_to: str | None

    def linked(self) -> Markup:
        """The title as a link, where there is something to link."""
        if not self.leads_to or not self:
            return self
        start = BODY if self.startswith(BODY) else ""
        return Markup('{}<a href="{}">{}</a>').format(start, self.leads_to, Markup(self[len(start) :]))  # noqa: S704 (escaped by _body)


def _linked(title: Markup, link: str | None) -> Linked:
    value = Linked(title)
    value.leads_to = link
    return value


@dataclass(frozen=True, slots=True)
class Published:
    """The post's date, in whatever form the template asks for."""

    post: Post
    subscription: Subscription

    def __str__(self) -> str:
        return self.form(self.subscription.channel.date)

    def form(self, form: str) -> Markup:
        """The date in one of the forms of ``text/dates.py``."""
        channel, entry = self.subscription.channel, self.post.entry
        style = dates.DateStyle(
            language=channel.language,
            calendars=channel.calendars,
            months=channel.months,
            digits=channel.digits,
            form=form,
            lunar_offset=channel.lunar_offset,
        )
        # A civil day is that day everywhere: it is not moved to the channel's zone.
        zone = ZoneInfo(self.subscription.home_timezone if entry.date_only else channel.timezone)
        shown = escape(dates.format_date(self.post.effective_at, zone, style, date_only=entry.date_only))
        if not channel.local_time or entry.date_only or not shown:
            return shown
        # Long date and short time of the reader's own zone; clients that do not know it show our text.
        moment = int(self.post.effective_at.timestamp())
        return Markup('<tg-time unix="{}" format="Dt">{}</tg-time>').format(moment, shown)


def is_old(post: Post, feed: Feed) -> bool:
    """Old posts say so, and come without sound (PRODUCT 1.7)."""
    return post.is_old or feed.kind is FeedKind.ARCHIVE


def _title_and_summary(entry: Entry, channel: Channel) -> tuple[str, str]:
    """Without a title, the first sentence stands for it and is not said twice."""
    options = channel.summary
    words = summary.choose(entry.summary, entry.fullest, entry.title, options) if options else ""
    if entry.title:
        return entry.title, words
    sentences = summary.choose(entry.summary, entry.fullest, None, options or SummaryOptions())
    first, *rest = summary.split_sentences(sentences) or [""]
    return first, " ".join(rest) if options else ""


def _source(post: Post, subscription: Subscription) -> Markup:
    name = subscription.feed.title or post.feed_title or subscription.feed.name
    return furniture(name) if subscription.channel.source else Markup()


def _hashtags(entry: Entry, subscription: Subscription) -> str:
    """At most the channel's number of the post's own, after the feed's fixed ones; each once."""
    direction = direction_of(subscription.channel.language)
    own = list(entry.tags)[: 10 * (subscription.channel.hashtags + 1)]
    own_left = subscription.channel.hashtags
    found: dict[str, str] = {}
    for index, word in enumerate([*subscription.hashtags, *own]):
        tag = persian.hashtag(_in_language(word, subscription.tags, direction))
        if not tag or persian.key_fold(tag) in found:
            continue
        if index >= len(subscription.hashtags):  # one of the post's own
            if own_left == 0:
                break
            own_left -= 1
        found[persian.key_fold(tag)] = tag
    return " ".join(isolated_sigils(tag, direction) for tag in found.values())


def _in_language(word: str, pairs: Mapping[str, str], direction: Direction) -> str:
    """One taxonomy for two languages: of a pair, the side that reads in the channel's direction."""
    key = persian.key_fold(word)
    for pair in pairs.items():
        if key in (persian.key_fold(pair[0]), persian.key_fold(pair[1])):
            return next((side for side in pair if persian.dominant_direction(side) == direction), word)
    return word
