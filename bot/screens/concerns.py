"""What needs a person, in order and in words: the truth of the card in the admin chat and of /status. Pure.

Money and trust come first: rights, messages that may be there twice, posts that nobody will get, a feed that never
worked. Then feeds that were well once. A thing that an admin paused needs nobody.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot import health, labels, render
from bot.health import FeedState, Health
from bot.labels import translator
from bot.model import DeliveryState, Language
from bot.storage.overview import ChannelFigures
from bot.storage.status import FeedStatus
from bot.storage.watchlist import Double, Held
from bot.text import persian
from bot.text.dates import DateStyle, format_date
from bot.web.words import Speech, kind_of

#: One card; the rest stands on the status page.
MOST = 10
_FEEDS = (Health.GONE, Health.FAILING, Health.REPUBLISHED, Health.SILENT, Health.MOVED)


class Do(StrEnum):
    """What the button of a concern does."""

    CHECK = "check"  #: look whether it is well again
    PAUSE = "pause"
    SEEN = "seen"  #: nothing: somebody knows


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing that needs a person."""

    key: str  #: what it is, and of what: the same as long as it is the same thing
    line: str  #: in words, as the output of a template
    do: Do
    is_urgent: bool  #: told at once, not with the day's card
    name: str = ""  #: of the channel or feed that its button is about


@dataclass(frozen=True, slots=True)
class Facts:
    """What is looked at."""

    channels: Mapping[str, ChannelFigures]  #: by name
    titles: Mapping[str, str]
    feeds: Sequence[FeedStatus]
    doubles: Sequence[Double]
    held: Held
    dead: Held
    paused: Collection[tuple[str, str]] = ()  #: kind and name of what an admin paused


def concerns(facts: Facts, speech: Speech) -> list[Concern]:
    """Everything that needs a person, the gravest first."""
    found = [
        *(_rights(name, one, facts, speech) for name, one in facts.channels.items() if one.paused or one.error),
        *_doubles(facts.doubles, speech),
        *_stuck(DeliveryState.HELD, facts.held, speech),
        *_stuck(DeliveryState.DEAD, facts.dead, speech),
        *(
            _feed(feed, speech)
            for state in _FEEDS
            for feed in facts.feeds
            if feed.state.health is state and ("feed", feed.name) not in facts.paused
        ),
    ]
    return sorted(found, key=lambda concern: not concern.is_urgent)  # a stable sort


def _rights(name: str, figures: ChannelFigures, facts: Facts, speech: Speech) -> Concern:
    t = translator(speech.language)
    problem = figures.paused or figures.error or ""
    is_right = kind_of(problem) == "rights"
    said = t("I may not post") if is_right else speech.failure(problem)
    line = t("{title}: {problem}.", title=render.furniture(facts.titles.get(name, name)), problem=said)
    if figures.waiting:
        line += " " + t("{n} post is waiting.", "{n} posts are waiting.", n=figures.waiting)
    if is_right:
        line += "\n" + t("In Telegram: channel administrators → Qasedak → Post messages")
    return Concern(f"rights:{name}", line, Do.CHECK, True, name)


def _doubles(doubles: Sequence[Double], speech: Speech) -> list[Concern]:
    if not doubles:
        return []
    t, first = translator(speech.language), doubles[0]
    title = render.furniture(first.title or t("Untitled"))
    if len(doubles) == 1:
        line = t(
            "One message may have gone out twice: “{title}” to {chat}.", title=title, chat=render.furniture(first.chat)
        )
    else:
        line = t("{n} messages may have gone out twice, the last: “{title}”.", n=len(doubles), title=title)
    return [Concern(f"double:{first.delivery_id}", line, Do.SEEN, True)]


def _stuck(state: DeliveryState, held: Held, speech: Speech) -> list[Concern]:
    if not held.count:
        return []
    t = translator(speech.language)
    queue = persian.isolate("/queue", "ltr") if speech.language == "fa" else "/queue"
    if state is DeliveryState.DEAD:
        said = t("{n} post could not be sent: {why}. See {queue}",
                 "{n} posts could not be sent, the last: {why}. See {queue}",
                 n=held.count, why=speech.failure(held.error), queue=queue)  # fmt: skip
    else:
        said = t("{n} post is held until you decide. See {queue}", "{n} posts are held until you decide. See {queue}",
                 n=held.count, queue=queue)  # fmt: skip
    return [Concern(f"{state}:{held.last_id}", said, Do.SEEN, True)]


def _feed(feed: FeedStatus, speech: Speech) -> Concern:
    """As the status page says it; one that never worked is a mistake in feeds.yaml."""
    health_of, was_never_read = feed.state.health, feed.succeeded_at is None
    name = str(render.furniture(feed.name))
    line = _feed_line(feed, name, speech)
    do = {Health.FAILING: Do.CHECK, Health.SILENT: Do.PAUSE}.get(health_of, Do.SEEN)
    return Concern(f"feed:{health_of}:{feed.name}", line, do, was_never_read, feed.name)


def _feed_line(feed: FeedStatus, name: str, speech: Speech) -> str:
    t, language = translator(speech.language), speech.language
    if feed.state.health is Health.REPUBLISHED:
        said = t("{feed}: was republished; its known posts were not sent again.", feed=name)
    else:
        reason = str(render.furniture(feed.error or "-"))
        change = health.Change(name, FeedState(), feed.state, reason)
        said = health.describe(change, speech.now, language, labels.catalog(language))
    return t("{feed_line}", feed_line=said)


# --- the card ------------------------------------------------------------------------------------------------


def card(shown: Sequence[Concern], at: datetime, speech: Speech) -> str:
    """The card's words, as the output of a template: how many things, when, and each with its number."""
    lines = [f"<b>{_heading(len(shown), speech.language)}</b>", _moment(at, speech), ""]
    lines += [f"{speech.number(number)}. {concern.line}" for number, concern in enumerate(shown, 1)]
    return "\n".join(lines)


def _moment(at: datetime, speech: Speech) -> str:
    style = DateStyle(speech.language, (speech.calendar,))
    day = format_date(at, speech.zone, style, date_only=True)
    clock = f"{at.astimezone(speech.zone):%H:%M}"
    return translator(speech.language)(
        "{day}, {time}", day=day, time=persian.to_persian_digits(clock) if speech.language == "fa" else clock
    )


def _heading(count: int, language: Language) -> str:
    t = translator(language)
    numbers = {
        1: t("One thing needs you"), 2: t("Two things need you"), 3: t("Three things need you"),
        4: t("Four things need you"), 5: t("Five things need you"),
    }  # fmt: skip
    return numbers.get(count) or t("{n} things need you", n=count)


def cleared(language: Language) -> str:
    """In the place of a card of which nothing is left."""
    return translator(language)("Everything on this card is settled.")


def label(do: Do, number: int, speech: Speech) -> str:
    """The button of an item."""
    t = translator(speech.language)
    said = {Do.CHECK: t("Check again"), Do.PAUSE: t("Pause"), Do.SEEN: t("Seen")}[do]
    return f"{speech.number(number)}. {said}"
