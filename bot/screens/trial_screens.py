"""What admins see of a feed that is read dry, and of its newest post as it would appear. Pure, as ``leafing.py``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from bot import render
from bot.errors import SourceError
from bot.labels import translator
from bot.model import Entry, Feed, Message
from bot.screens import intervals
from bot.screens.admin_replies import why_unread
from bot.screens.leafing import Button, Reader, Screen
from bot.storage.stuck import Posted
from bot.text import dates
from bot.web.words import speech_for

#: Entries that are named.
SHOWN = 5
_TITLE, _PROBLEM = 120, 300  # characters


@dataclass(frozen=True, slots=True)
class Came:
    """An entry that a feed lists now."""

    entry: Entry
    is_known: bool
    fate: str  #: where it would go


@dataclass(frozen=True, slots=True)
class Trial:
    """What a dry reading brought."""

    feed: Feed
    title: str | None
    came: Sequence[Came]  #: newest first
    again_after: timedelta
    why: str
    is_first: bool  #: it was never read for good


def reading(feed: Feed, reader: Reader) -> Screen:
    """While a feed is read."""
    return Screen(
        render.lay_out(
            translator(reader.language)("Reading {feed} …", feed=render.furniture(feed.name)), reader.language
        )
    )


def checked(trial: Trial, key: str, reader: Reader) -> Screen:
    """What came."""
    t, came = translator(reader.language), trial.came
    lines = [_heading(trial.feed, trial.title)]
    if not came:
        lines.append(t("It answered, and lists no posts."))
    else:
        fresh = sum(not each.is_known for each in came)
        said = t("{n} post came", "{n} posts came", n=len(came))
        lines.append(said + t("; ") + (t("{n} of them new", n=fresh) if fresh else t("none of them new")) + ".")
    if trial.is_first and came:
        lines.append(_first(trial.feed, reader))
    style = dates.DateStyle(language=reader.language, form="compact")
    for each in came[:SHOWN]:
        title = render.furniture((each.entry.title or t("Untitled"))[:_TITLE])
        link = Markup('<a href="{}">{}</a>').format(each.entry.link, title) if each.entry.link else title
        day = (
            dates.format_date(each.entry.published, reader.zone, style, date_only=each.entry.date_only)
            if each.entry.published
            else t("without a date")
        )
        lines += ["", f"• {link}", day, t("known already") if each.is_known else each.fate]
    lines += ["", intervals.asked_every(trial.again_after, trial.why, reader.language)]
    lines.append(t("Nothing was stored or sent."))
    return Screen(render.lay_out("\n".join(lines), reader.language), _buttons(key, reader))


def _heading(feed: Feed, title: str | None) -> str:
    name = render.furniture(feed.name)
    shown = feed.title or title
    return f"<b>{render.furniture(shown[:_TITLE])}</b> · {name}" if shown else f"<b>{name}</b>"


def _first(feed: Feed, reader: Reader) -> str:
    """Silence explains itself: what was there before the first reading is not published."""
    t = translator(reader.language)
    if feed.backfill is None:
        return t("It was never read for good; then all of these are published.")
    if feed.backfill == 0:
        return t("It was never read for good; then none of these is published (backfill: 0), and the next new one is.")
    return t("It was never read for good; then the newest {n} are published.", n=feed.backfill)


def fate(goes: Sequence[str], stays: Sequence[tuple[str, str]], reader: Reader) -> str:
    """Where a new entry would go."""
    t = translator(reader.language)
    if not goes and not stays:
        return t("new; no channel receives this feed")
    said = (
        [t("goes to {channels}", channels=t(", ").join(str(render.furniture(each)) for each in goes))] if goes else []
    )
    said += [
        t("not to {channel}: {reason}", channel=render.furniture(title), reason=render.furniture(why))
        for title, why in stays
    ]
    return t("; ").join([t("new"), *said])


def unreadable(feed: Feed, key: str, error: SourceError, reader: Reader) -> Screen:
    """It could not be read."""
    t = translator(reader.language)
    lines = [_heading(feed, None), t("I could not read it:"), why_unread(error, reader.language)]
    lines += ["", str(render.furniture(str(error)[:_PROBLEM]))]
    return Screen(render.lay_out("\n".join(lines), reader.language), (_buttons(key, reader)[0][:1],))


def _buttons(key: str, reader: Reader) -> tuple[tuple[Button, ...], ...]:
    t = translator(reader.language)
    return ((Button(t("Check again"), f"A.check.{key}"), Button(t("Preview"), f"A.preview.{key}")),)


# --- the newest post -----------------------------------------------------------------------------------------


def nothing_stored(feed: Feed, key: str, reader: Reader, *, has_channel: bool) -> Screen:
    """There is no post to show, or nowhere that it would appear."""
    t = translator(reader.language)
    if not has_channel:
        return Screen(
            render.lay_out(t("There is no channel in feeds.yaml yet. Please add one first."), reader.language)
        )
    said = t("No post of {feed} is stored yet.", feed=render.furniture(feed.name))
    return Screen(render.lay_out(said, reader.language), ((Button(t("Read it now, dry"), f"A.check.{key}"),),))


def previewed(
    parts: Sequence[Message],
    channel: str,
    route: tuple[int, int] | None,
    key: str,
    others: Sequence[tuple[str, str]],
    link: str | None,
    reader: Reader,
) -> Screen:
    """The post, and under it what may be done with it."""
    t = translator(reader.language)
    title = render.furniture(channel)
    lines = [
        t("So it appears in {channel}.", channel=title)
        if parts
        else t("It has nothing to show in {channel}.", channel=title)
    ]
    if link:
        lines.append(Markup('<a href="{}">{}</a>').format(link, t("It is there already.")))
    elif route is None:
        lines.append(t("This feed does not go there: its `to` in feeds.yaml does not name it."))
    rows: list[tuple[Button, ...]] = []
    if parts and route is not None and not link:
        rows.append((Button(t("Post this one now"), f"A.post.{route[0]}.{route[1]}"),))
    rows += [
        (Button(t("In {channel}", channel=name[:30]), f"A.preview.{key}.{channel_key}"),)
        for name, channel_key in others[:8]
    ]
    return Screen(render.lay_out("\n".join(lines), reader.language), tuple(rows), ahead=tuple(parts))


def posted(done: Posted, channel: str, quiet: datetime | None, now: datetime, reader: Reader) -> Screen:
    """In the place of the card under a post, when its button was pressed."""
    t, title = translator(reader.language), render.furniture(channel)
    match done:
        case Posted.QUEUED if quiet is not None:
            until = speech_for(reader.language, reader.zone, now).moment(quiet).full
            said = t(
                "It is in the queue of {channel}, and goes out when quiet hours end: {moment}.",
                channel=title,
                moment=until,
            )
        case Posted.QUEUED:
            said = t("It is on its way to {channel}.", channel=title)
        case Posted.WAITS:
            said = t("It is in the queue of {channel} already.", channel=title)
        case Posted.SENT:
            said = t("{channel} has it already.", channel=title)
        case Posted.GONE:
            said = t("That post, or its way to {channel}, is no longer there.", channel=title)
    return Screen(render.lay_out(said, reader.language))
