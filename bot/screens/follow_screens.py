"""What people see of what they follow: the sources, one of them, hashtags, muting, leaving. Pure, as ``leafing.py``.

An action that begins with a capital letter changes something: ``commands/updates.py`` asks for the right to, at the
moment of the press. Actions say what shall be, not "the other way round": pressed twice they do the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot import render
from bot.labels import translator
from bot.model import Every, Language, Message
from bot.screens.leafing import Button, Reader, Screen
from bot.text import dates, persian

#: Sources on one screen.
PAGE = 8
#: Days that a button mutes a source for.
MUTES = (1, 7, 30)
_TITLE = 40  #: characters on a button

Who = Literal["you", "chat"]


@dataclass(frozen=True, slots=True)
class Source:
    """A feed as a list shows it."""

    feed_id: int
    title: str
    is_followed: bool


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is followed."""

    id: int
    title: str
    feed_id: int | None = None  #: None: a hashtag
    muted_until: datetime | None = None
    is_ours: bool = True  #: a feed of feeds.yaml; what came by its address is in no list


def sources(page: int, shown: Sequence[Source], total: int, reader: Reader) -> Screen:
    """A page of the sources, each with a tap to follow or leave it."""
    t = translator(reader.language)
    head = f"<b>{t('Sources')}</b>\n"
    if not total:
        return Screen(_say(reader, head + t("There are no sources yet.")))
    place = t(
        "{first} to {last} of {total}",
        first=reader.number(page * PAGE + 1),
        last=reader.number(page * PAGE + len(shown)),
        total=reader.number(total),
    )
    rows: list[tuple[Button, ...]] = [
        (
            Button(
                ("✓ " if source.is_followed else "") + _button_title(source.title),
                f"T.{page}.{source.feed_id}.{int(not source.is_followed)}",
            ),
        )
        for source in shown
    ]
    turns = []
    if page:
        turns.append(Button(t("Previous"), f"f.{page - 1}"))
    if page * PAGE + len(shown) < total:
        turns.append(Button(t("Next"), f"f.{page + 1}"))
    rows += [tuple(turns)] if turns else []
    rows.append((Button(t("What you follow"), "m.0"),))
    words = t("Tap a source to follow it; tap it again to leave it.")
    return Screen(_say(reader, f"{head}{place}\n\n{words}"), tuple(rows))


def mine(page: int, items: Sequence[Item], total: int, now: datetime, reader: Reader, who: Who) -> Screen:
    """A page of what a chat follows; a tap opens one."""
    t = translator(reader.language)
    lines = [f"<b>{t('What you follow') if who == 'you' else t('What this chat follows')}</b>", ""]
    if not total:
        lines.append(t("Nothing yet. Choose a source, or send me a hashtag."))
    for item in items:
        muted = _muted(item, now, reader)
        lines.append(f"• {_name(item.title, item.feed_id)}" + (f" · {muted}" if muted else ""))
    rows: list[tuple[Button, ...]] = [(Button(_button_title(item.title), f"i.{item.id}"),) for item in items]
    turns = []
    if page:
        turns.append(Button(t("Previous"), f"m.{page - 1}"))
    if page * PAGE + len(items) < total:
        turns.append(Button(t("Next"), f"m.{page + 1}"))
    rows += [tuple(turns)] if turns else []
    rows.append((Button(t("Sources"), "f.0"),))
    return Screen(_say(reader, "\n".join(lines)), tuple(rows))


def item(shown: Item, now: datetime, reader: Reader) -> Screen:
    """One thing that is followed, and what can be done with it."""
    t = translator(reader.language)
    muted = _muted(shown, now, reader)
    rows: list[tuple[Button, ...]] = []
    if shown.feed_id is not None:
        rows += [(Button(t("Newest"), f"l.{shown.feed_id}"),)] if shown.is_ours else []
        if muted:
            rows.append((Button(t("Unmute"), f"M.{shown.id}.0"),))
        else:
            names = (t("Mute for a day"), t("A week"), t("A month"))
            rows.append(tuple(Button(name, f"M.{shown.id}.{days}") for name, days in zip(names, MUTES, strict=True)))
    rows.append((Button(t("Leave it"), f"E.{shown.id}"), Button(t("Back"), "m.0")))
    return Screen(
        _say(reader, f"<b>{_name(shown.title, shown.feed_id)}</b>" + (f"\n{muted}" if muted else "")), tuple(rows)
    )


def _muted(item: Item, now: datetime, reader: Reader) -> str:
    if item.muted_until is None or item.muted_until <= now:
        return ""
    return translator(reader.language)("muted until {date}", date=_day(item.muted_until, reader))


def _day(when: datetime, reader: Reader) -> str:
    style = dates.DateStyle(reader.language, form="compact")
    return dates.format_date(when, reader.zone, style, date_only=True)


def followed(
    title: str,
    feed_id: int | None,
    reader: Reader,
    who: Who,
    *,
    is_new: bool,
    is_ours: bool = True,
    digest: Every | None = None,
) -> Screen:
    """Something is followed now, or was already; *digest* is what its posts come in."""
    t = translator(reader.language)
    feed = _name(title, feed_id)
    if not is_new:
        words = t("You follow {feed} already.") if who == "you" else t("This chat follows {feed} already.")
    elif digest is None and who == "you":
        words = t("You now follow {feed}. New posts will arrive here.")
    elif digest is None:
        words = t("This chat now follows {feed}. New posts will arrive here.")
    elif who == "you":
        words = t("You now follow {feed}. New posts come with your roundup.")
    else:
        words = t("This chat now follows {feed}. New posts come with its roundup.")
    end = t("Undo") if is_new else t("Leave it")
    undo = Button(end, f"U.{feed_id}") if feed_id is not None else Button(t("What you follow"), "m.0")
    newest = (Button(t("Newest"), f"l.{feed_id}"),) if feed_id is not None and is_ours else ()
    roundup = (Button(t("As a digest") if digest is None else t("Roundup"), "d"),) if feed_id is not None else ()
    return Screen(_say(reader, words.format(feed=feed)), ((*newest, *roundup, undo),))


def left(title: str, feed_id: int | None, reader: Reader, who: Who, *, was_followed: bool = True) -> Screen:
    """Something is not followed any more, or never was."""
    t = translator(reader.language)
    if who == "you":
        words = t("You no longer follow {feed}.") if was_followed else t("You do not follow {feed}.")
    else:
        words = t("This chat no longer follows {feed}.") if was_followed else t("This chat does not follow {feed}.")
    again = ((Button(t("Follow"), f"W.{feed_id}"),),) if feed_id is not None else ()
    return Screen(_say(reader, words.format(feed=_name(title, feed_id))), again)


def elsewhere(title: str, chat: str, reader: Reader, *, is_followed: bool) -> Screen:
    """What a chat named by its @name follows now, or no longer."""
    t = translator(reader.language)
    words = t("{chat} now follows {feed}.") if is_followed else t("{chat} no longer follows {feed}.")
    return Screen(_say(reader, words.format(chat=persian.isolate(chat, "ltr"), feed=_shown(title))))


def too_many(most: int, reader: Reader) -> Screen:
    """A chat follows as much as one may."""
    t = translator(reader.language)
    words = t("That would be more than {count}, which is as many as one chat may follow.", count=reader.number(most))
    return Screen(_say(reader, words), ((Button(t("What you follow"), "m.0"),),))


def ask_tag(reader: Reader) -> Screen:
    """``/follow`` alone, or with what is no hashtag."""
    t = translator(reader.language)
    example = persian.isolate("/follow #" + t("moon"), None)
    return Screen(_say(reader, t("Which hashtag? For example: {example}", example=example)), awaits="follow")


def ask_mute(items: Sequence[Item], now: datetime, reader: Reader) -> Screen:
    """``/mute`` alone: which source?"""
    t = translator(reader.language)
    feeds = [item for item in items if item.feed_id is not None][:PAGE]
    if not feeds:
        return mine(0, [], 0, now, reader, "you")
    example = persian.isolate(f"/mute {feeds[0].title[:_TITLE]} " + t("7 days"), None)
    words = t("Which source shall be silent, and for how long? Tap one, or: {example}", example=example)
    rows = tuple((Button(_button_title(item.title), f"i.{item.id}"),) for item in feeds)
    return Screen(_say(reader, words), rows, awaits="mute")


def muted(shown: Item, until: datetime | None, reader: Reader) -> Screen:
    """A source was muted, or is not any more."""
    t = translator(reader.language)
    back = Button(t("Back"), "m.0")
    if until is None:
        return Screen(_say(reader, t("{feed} is not muted any more.", feed=_shown(shown.title))), ((back,),))
    words = t(
        "{feed} is muted until {date}: nothing of it is sent. Its posts are still in {command}.",
        feed=_shown(shown.title),
        date=_day(until, reader),
        command=persian.isolate("/latest", "ltr") if reader.language == "fa" else "/latest",
    )
    return Screen(_say(reader, words), ((Button(t("Unmute"), f"M.{shown.id}.0"), back),))


def unknown_source(words: str, reader: Reader) -> Screen:
    """No source has that name."""
    t = translator(reader.language)
    said = t("There is no source called “{name}”.", name=_shown(words[:100]))
    return Screen(_say(reader, said), ((Button(t("Sources"), "f.0"),),))


def offer(title: str, feed_id: int, reader: Reader) -> Screen:
    """A source that somebody sent the address of."""
    t = translator(reader.language)
    words = t("I know this source: {feed}", feed=_shown(title))
    return Screen(_say(reader, words), ((Button(t("Follow"), f"W.{feed_id}"), Button(t("Newest"), f"l.{feed_id}")),))


def found(title: str, newest: Sequence[str], action: str, reader: Reader) -> Screen:
    """A feed that nobody here knew, as it is now."""
    t = translator(reader.language)
    lines = [f"<b>{_shown(title)}</b>", *(f"• {_shown(each)}" for each in newest)]
    lines += ["", t("What is there now is not sent; the next new post is.")]
    return Screen(_say(reader, "\n".join(lines)), ((Button(t("Follow"), action),),))


def unknown_address(reader: Reader) -> Screen:
    """An address that is none of our sources."""
    t = translator(reader.language)
    return Screen(_say(reader, t("I do not read that address.")), ((Button(t("Sources"), "f.0"),),))


def ask_source(command: str, chat: str, reader: Reader) -> Screen:
    """``/subscribe @chat`` without a source."""
    t = translator(reader.language)
    example = persian.isolate(f"/{command} " + t("name") + f" {chat}", None)
    return Screen(_say(reader, t("Which source? For example: {example}", example=example)))


def ask_stop(reader: Reader, who: Who, *, is_admin: bool) -> Screen:
    """``/stop`` asks first."""
    t = translator(reader.language)
    words = t("Delete everything I keep about you?") if who == "you" else t("Delete everything I keep about this chat?")
    if is_admin:
        words += "\n" + t("You will not be this bot's admin any more.")
    return Screen(
        _say(reader, words),
        (
            (
                Button(t("Yes, delete"), "X.1"),
                Button(t("No"), "x"),
            ),
        ),
    )


def stopped(reader: Reader) -> Screen:
    """Everything is deleted."""
    t = translator(reader.language)
    start = persian.isolate("/start", "ltr") if reader.language == "fa" else "/start"
    return Screen(_say(reader, t("Done. Come back any time: {start}", start=start)))


def not_stopped(reader: Reader) -> Screen:
    """Nothing is deleted."""
    return Screen(_say(reader, translator(reader.language)("Nothing was deleted.")))


def _name(title: str, feed_id: int | None) -> str:
    """A feed's title is live in nothing; a hashtag, which has no feed, is one."""
    return _shown(title) if feed_id is not None else persian.isolate(title, None)


def _shown(title: str) -> str:
    return str(render.furniture(title)) or "?"


def _button_title(title: str) -> str:
    line = persian.clean_line(title)
    return line if len(line) <= _TITLE else line[: _TITLE - 1].rstrip() + "…"


def _say(reader: Reader, html: str) -> Message:
    return render.lay_out(html, reader.language)


def refused(language: Language, reason: str) -> str:
    """Why somebody may not do that: a toast, or a reply."""
    t = translator(language)
    return {
        "not an admin": t("Only an admin of the chat may do that."),
        "unknown caller": t("I cannot see who you are. Send that command to me in private."),
        "no such chat": t("I am not in that chat. Add me there first."),
        "the bot may not send": t("I may not send messages there. Give me that right first."),
    }[reason]
