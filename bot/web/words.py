"""What the status page says, in the language, calendar and zone in which it is asked for. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot import health, labels
from bot.health import FeedState, Health
from bot.model import Calendar, DeliveryState, Language
from bot.standing import Late
from bot.storage.status import FeedStatus
from bot.text import persian, relative
from bot.text.dates import DateStyle, format_date
from bot.text.persian import FSI, LRI, PDI
from bot.web import preview_words

SIGNS: Final[Mapping[str, str]] = {
    Health.OK: "✓",
    Health.MOVED: "→",
    Health.SILENT: "…",
    Health.REPUBLISHED: "↻",
    Health.FAILING: "!",
    Health.GONE: "✕",
    **preview_words.SIGNS,
}
#: What an error says, by its own text (``sender/refusals.py`` and ``outbox/delivering.py`` write it); the first that
#: fits.
_KINDS: Final = (
    (r"administrator|right|may not post|write_forbidden|not enough rights", "rights"),
    (r"chat not found|blocked|deactivated|kicked|not in this group|not a member", "absent"),
    (r"asks to wait|too many requests|retry after", "wait"),
    (r"may have (been sent|arrived)|process ended|in time|connection to the bot api broke", "uncertain"),
    (r"no connection|network", "network"),
    (r"route left", "unrouted"),
)


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant as people say it, and as machines do."""

    iso: str
    ago: str
    full: str  #: the day in both calendars, and the time


@dataclass(frozen=True, slots=True)
class Speech:
    """How the page speaks."""

    language: Language
    calendar: Calendar
    zone: ZoneInfo
    now: datetime

    @property
    def direction(self) -> str:
        """Of the page."""
        return "rtl" if self.language == "fa" else "ltr"

    def number(self, count: int) -> str:
        """A count in the language's digits."""
        return persian.to_persian_digits(f"{count:,}") if self.language == "fa" else f"{count:,}"

    def of(self, used: int, allowed: int | None) -> str:
        """What is used of what is allowed, where that is limited."""
        if allowed is None:
            return self.number(used)
        t = labels.translator(self.language)
        return t("{used} of {allowed}", used=self.number(used), allowed=self.number(allowed))

    def name_year(self, year: int) -> str:
        """A year in the language's digits."""
        return persian.to_persian_digits(str(year)) if self.language == "fa" else str(year)

    def moment(self, at: datetime) -> Moment:
        """An instant in words."""
        local = at.astimezone(self.zone)
        both = (Calendar.JALALI, Calendar.GREGORIAN)
        style = DateStyle(self.language, both if self.calendar is Calendar.JALALI else both[::-1])
        clock = f"{local:%H:%M}"
        day = format_date(at, self.zone, style, date_only=True)
        return Moment(
            iso=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            ago=relative.ago(at, self.now, self.language, self.zone, labels.catalog(self.language)),
            full=f"{day}، {persian.to_persian_digits(clock)}" if self.language == "fa" else f"{day}, {clock}",
        )

    # --- sentences -------------------------------------------------------------------------------------------

    def bar(self, late: int) -> str:
        """The one sentence at the top."""
        t = labels.translator(self.language)
        if not late:
            return t("Everything is on time")
        return t("1 thing is late") if late == 1 else t("{count} things are late", count=self.number(late))

    def late(self, found: Late) -> str:
        """Something that should have happened by now."""
        t = labels.translator(self.language)
        ago = self.moment(self.now - found.span).ago
        match found.what:
            case "loop":
                return t("Loop {name} last ended well {ago}; see the log, or restart.", name=_code(found.name), ago=ago)
            case "feed":
                return t("Feed {name}: its reading was due {ago}.", name=_code(found.name), ago=ago)
            case "chat":
                return self._counted(
                    "Chat {name}: {count} post is waiting, due {ago}.",
                    "Chat {name}: {count} posts are waiting, the first was due {ago}.",
                    found.waiting,
                    name=_code(found.name),
                    ago=ago,
                )

    def feed_needs(self, feed: FeedStatus) -> str:
        """What a person should do about a feed that is not well."""
        if feed.state.health is Health.REPUBLISHED:
            t = labels.translator(self.language)
            said = t("{feed}: was republished; its known posts were not sent again.", feed=_code(feed.name))
        else:
            reason = f"{LRI}{feed.error or '-'}{PDI}"
            change = health.Change(_code(feed.name), FeedState(), feed.state, reason)
            said = health.describe(change, self.now, self.language, labels.catalog(self.language))
        return said

    def paused(self, until: datetime | None) -> str:
        """That an admin paused something, and for how long."""
        t = labels.translator(self.language)
        return t("paused until {moment}", moment=self.moment(until).full) if until else t("paused")

    def more_feeds(self, count: int) -> str:
        """There is more than is told."""
        return labels.translator(self.language)("{count} more feeds are not well; see below.", count=self.number(count))

    def channel_needs(self, title: str, waiting: int, problem: str) -> str:
        """What a person should do about a channel that nothing can be sent to."""
        told = f"{FSI}{title}{PDI}"
        if not waiting:
            return labels.translator(self.language)("{channel}: {problem}.", channel=told, problem=problem)
        return self._counted(
            "{channel}: {problem}. {count} post is waiting.",
            "{channel}: {problem}. {count} posts are waiting.",
            waiting,
            channel=told,
            problem=problem,
        )

    def stuck_needs(self, state: DeliveryState, count: int) -> str:
        """What a person should do about deliveries that wait for one."""
        if state is DeliveryState.DEAD:
            return self._counted(
                "{count} post could not be sent; see below.", "{count} posts could not be sent; see below.", count
            )
        return self._counted(
            "{count} post is held until you decide; see below.",
            "{count} posts are held until you decide; see below.",
            count,
        )

    def _counted(self, one: str, many: str, count: int, **values: str) -> str:
        said: str = labels.catalog(self.language).ngettext(one, many, count)
        return said.format(count=self.number(count), **values)

    def every(self, span: timedelta) -> str:
        """How often something happens, as the summary of why."""
        t, minutes = labels.translator(self.language), max(round(span.total_seconds() / 60), 1)
        if minutes < 120:
            return t("every {count} min, why", count=self.number(minutes))
        return t("every {count} h, why", count=self.number(round(minutes / 60)))

    def failure(self, error: str) -> str:
        """What an error means; its own words stand beside it, folded."""
        t = labels.translator(self.language)
        match kind_of(error):
            case "rights":
                return t("I may not post there")
            case "absent":
                return t("I cannot find that chat, or it has left me")
            case "wait":
                return t("Telegram asks me to wait")
            case "uncertain":
                return t("It may have been sent: no clear answer came")
            case "network":
                return t("Telegram could not be reached")
            case "unrouted":
                return t("Its route left feeds.yaml")
        return t("Telegram does not take this message") if error else t("No reason is known")


def kind_of(error: str) -> str:
    """What sort of thing an error of Telegram is; "" where that is not known."""
    lowered = error.lower()
    return next((kind for sign, kind in _KINDS if re.search(sign, lowered)), "")


def speech_for(language: Language, zone: ZoneInfo, now: datetime) -> Speech:
    """How a chat is spoken to: in the calendar of its language."""
    return Speech(language, Calendar.JALALI if language == "fa" else Calendar.GREGORIAN, zone, now)


def _code(name: str) -> str:
    """A technical name inside a sentence of either direction."""
    return f"{LRI}{name}{PDI}"


def state_words(language: Language) -> dict[str, str]:
    """The states of feeds and deliveries, in words."""
    t = labels.translator(language)
    return {
        Health.OK: t("fine"),
        Health.MOVED: t("moved"),
        Health.SILENT: t("silent"),
        Health.REPUBLISHED: t("republished"),
        Health.FAILING: t("cannot be read"),
        Health.GONE: t("not asked any more"),
        DeliveryState.PENDING: t("waiting"),
        DeliveryState.SENDING: t("being sent"),
        DeliveryState.SENT: t("sent"),
        DeliveryState.UNCERTAIN: t("uncertain"),
        DeliveryState.HELD: t("held"),
        DeliveryState.DEAD: t("not sent"),
        DeliveryState.DROPPED: t("dropped"),
    }


def page_words(language: Language) -> dict[str, str]:
    """Headings and labels of the template."""
    t = labels.translator(language)
    return {
        **_words_of_tables(language),
        "title": t("Qasedak: how it stands"),
        "is_preview": t("Preview: nothing was sent to Telegram"),
        "needs": t("Needs you"),
        "paused": t("What is paused"),
        "next": t("Next"),
        "reading": t("Reading"),
        "sending": t("Sending"),
        "digest": t("Digest"),
        "replay": t("Replay"),
        "nothing": t("nothing planned"),
        "channels": t("Channels"),
        "queue": t("Queue"),
        "last_post": t("Last post"),
        "queue_out": t("Queue is out"),
        "this_hour": t("This hour"),
        "quiet_until": t("Quiet until"),
        "rights": t("Rights"),
        "rights_fine": t("I may post"),
        "preview": t("Preview"),
        "as_feed": t("As a feed"),
        "no_channels": t("There is no channel in feeds.yaml yet."),
        "never": t("never"),
        "year": t("Posts by day"),
        "less": t("fewer"),
        "more": t("more"),
        "by_month": t("By month"),
        "month_name": t("Month"),
        "posts": t("Posts"),
        "previous_year": t("Previous year"),
        "next_year": t("Next year"),
        "notices": t("Last notices"),
        "no_notices": t("Nothing was to be told yet."),
        "time": t("Time"),
        "version": t("Version"),
        "database": t("Database"),
        "configuration": t("Configuration"),
        "loaded": t("loaded"),
        "language": t("Language"),
        "calendar": t("Calendar"),
        "jalali": t("Jalali"),
        "gregorian": t("Gregorian"),
        "refreshing": t("This page is loaded again every minute."),
        "refresh_off": t("Stop that"),
        "refresh_on": t("Load it again every minute"),
    }


def _words_of_tables(language: Language) -> dict[str, str]:
    t = labels.translator(language)
    return {
        "feeds": t("Feeds"),
        "feed": t("Feed"),
        "state": t("State"),
        "newest": t("Newest post"),
        "next_reading": t("Next reading"),
        "why": t("why"),
        "month": t("30 days"),
        "passed": t("Passed"),
        "filtered": t("Filtered"),
        "duplicates": t("Duplicates"),
        "filter": t("Filter"),
        "filter_label": t("Part of a name or title"),
        "show_all": t("Show all"),
        "no_feeds": t("No feed is called that."),
        "no_feeds_yet": t("There is no feed in feeds.yaml yet."),
        "not_read": t("nobody receives it"),
        "previous_page": t("Previous page"),
        "next_page": t("Next page"),
        "troubles": t("Deliveries in trouble"),
        "no_troubles": t("None."),
        "post": t("Post"),
        "no_title": t("without a title"),
        "attempts": t("Attempts"),
        "next_attempt": t("Next attempt"),
        "problem": t("Problem"),
        "raw": t("In its own words"),
        "retry": t("Try again"),
        "retry_how": t("in a terminal:"),
    }
