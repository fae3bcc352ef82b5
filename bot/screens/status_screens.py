"""What admins see of how everything stands, of one post's way, and of the figures. Pure, as ``leafing.py``."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import escape

from bot import render
from bot.labels import translator
from bot.model import Post
from bot.screens import intervals
from bot.screens.concerns import Concern
from bot.screens.leafing import Button, File, Reader, Screen
from bot.standing import WORST_FIRST, Late
from bot.storage.pauses import Kind, Pause
from bot.storage.status import FeedStatus
from bot.storage.tally import Tally
from bot.text import markup
from bot.web.rows import ChannelRow
from bot.web.words import Speech, state_words

#: Lines of each kind on one screen.
MOST = 8
#: Posts that /why offers.
OFFERED = 5
_TITLE = 40  #: characters on a button


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything at one moment, as far as /status tells it."""

    is_running: bool
    late: Sequence[Late]
    concerns: Sequence[Concern]
    channels: Sequence[ChannelRow]
    feeds: Sequence[FeedStatus]
    pauses: Sequence[Pause]
    reading: tuple[str, datetime] | None
    sending: tuple[str, datetime] | None
    version: str


def status(found: Standing, speech: Speech, reader: Reader) -> Screen:
    """The answer to /status: what is late, what needs a person, what comes next, and each channel."""
    t = translator(reader.language)
    bar = speech.bar(len(found.late)) if found.is_running else t("Nothing runs: the program is being started, or ends")
    lines = [f"<b>{bar}</b>", speech.moment(speech.now).full]
    lines += [f"• {speech.late(one)}" for one in found.late[:MOST]]
    if found.concerns:
        lines += ["", f"<b>{t('Needs you')}</b>", *(f"• {one.line}" for one in found.concerns[:MOST])]
        lines += _more(len(found.concerns) - MOST, speech)
    lines += ["", f"<b>{t('Next')}</b>", *_next(found, speech)]
    if found.channels:
        lines += ["", f"<b>{t('Channels')}</b>"]
        lines += [f"• {_channel(row, found.pauses, speech)}" for row in found.channels[:MOST]]
        lines += _more(len(found.channels) - MOST, speech)
    lines += ["", f"<b>{t('Feeds')}</b>", _feeds(found.feeds, speech)]
    paused = [one for one in found.pauses if one.kind is Kind.FEED]
    lines += [f"• {render.furniture(one.name)}: {speech.paused(one.until)}" for one in paused[:MOST]]
    lines += ["", t("Qasedak {version}", version=f"\u2066{found.version}\u2069")]
    buttons = ((Button(t("Queue"), "A.queue.p0"), Button(t("Look again"), "A.status")),)
    return Screen(render.lay_out("\n".join(lines), reader.language), buttons)


def _more(count: int, speech: Speech) -> list[str]:
    return [translator(speech.language)("and {n} more", n=count)] if count > 0 else []


def _next(found: Standing, speech: Speech) -> list[str]:
    t = translator(speech.language)
    lines = []
    for word, coming in ((t("Reading"), found.reading), (t("Sending"), found.sending)):
        if coming is not None:
            when = speech.moment(max(coming[1], speech.now)).ago
            lines.append(f"{word}: {render.furniture(coming[0])}{t(', ')}{when}")
        else:
            lines.append(f"{word}: {t('nothing planned')}")
    return lines


def _channel(row: ChannelRow, pauses: Sequence[Pause], speech: Speech) -> str:
    t = translator(speech.language)
    said = [t("{n} waiting", n=row.count) if row.count else t("nothing waits")]
    said += [t("last post {ago}", ago=row.sent.ago)] if row.sent else []
    said += [t("quiet until {moment}", moment=row.quiet_until.full)] if row.quiet_until else []
    said += [speech.paused(one.until) for one in pauses if (one.kind, one.name) == (Kind.CHANNEL, row.name)]
    said += [row.problem] if row.problem else []
    return f"{render.furniture(row.title)}: {t('; ').join(said)}"


def _feeds(feeds: Sequence[FeedStatus], speech: Speech) -> str:
    t, words = translator(speech.language), state_words(speech.language)
    if not feeds:
        return t("There is no feed in feeds.yaml yet.")
    counted = Counter(feed.state.health for feed in feeds)
    return t(", ").join(
        f"{words[state]}: {speech.number(counted[state])}" for state in reversed(WORST_FIRST) if counted[state]
    )


# --- one post's way ------------------------------------------------------------------------------------------


def ask_why(posts: Sequence[Post], reader: Reader) -> Screen:
    """/why alone: the newest posts as buttons."""
    t = translator(reader.language)
    example = "/why https://…"
    shown = f"\u2066{example}\u2069" if reader.language == "fa" else example
    words = t("Which post? Choose one of the newest, or send its link: {example}", example=shown)
    rows = tuple((Button((post.entry.title or t("Untitled"))[:_TITLE], f"A.why.{post.id}"),) for post in posts)
    return Screen(render.lay_out(words, reader.language), rows, awaits="why")


def why(told: Sequence[Sequence[str]], reader: Reader) -> Screen:
    """What is known of one post, or of several that a link leads to, stage by stage; words in them ``as_words``."""
    shown = "\n\n".join("\n".join([f"<b>{first}</b>", *others]) for first, *others in told)
    return Screen(render.lay_out(shown, reader.language))


def as_words(text: str) -> str:
    """What a feed or an error says, inside a line of ours: words, and nothing that is live."""
    return str(escape(markup.neutralise(text)))


# --- figures -------------------------------------------------------------------------------------------------


def stats(found: Tally, picture: bytes | None, stored: int, feeds: Sequence[FeedStatus], speech: Speech) -> Screen:
    """The figures of a month, with the picture of its days where it could be drawn."""
    t = translator(speech.language)
    week, words = slice(-7, None), (t("New posts"), t("Sent"), t("Failed"))
    lines = [f"<b>{t('The last {n} days', n=len(found.days))}</b>"]
    for word, counts in zip(words, (found.posts, found.sent, found.failed), strict=True):
        lines.append(
            f"{word}: {speech.number(sum(counts))} · "
            + t(
                "last week {week}, today {today}",
                week=speech.number(sum(counts[week])),
                today=speech.number(counts[-1]),
            )
        )
    lines += [
        "",
        t("Stored posts: {posts} · feeds: {feeds}", posts=speech.number(stored), feeds=speech.number(len(feeds))),
    ]
    file = File("qasedak-stats.png", picture, is_picture=True) if picture else None
    return Screen(render.lay_out("\n".join(lines), speech.language), file=file)


def interval(feed: FeedStatus, speech: Speech) -> str:
    """How often a feed is asked really, and why."""
    asked_at = feed.attempted_at or speech.now
    return intervals.asked_every(
        max(feed.next_check_at - asked_at, timedelta(minutes=1)), feed.next_check_why, speech.language
    )
