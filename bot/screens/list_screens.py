"""What admins see of the list of feeds: whether one shall go, and lists that come and go as OPML. Pure."""

from collections.abc import Sequence

from bot import render
from bot.config.opml import Outline
from bot.labels import translator
from bot.model import Feed
from bot.screens.leafing import Button, File, Reader, Screen
from bot.storage.tally import FeedTally

#: Feeds, and lines that were left out, that are named; characters of yaml that a message has room for.
SHOWN, MOST_SKIPPED, MOST_LINES = 15, 5, 2000
_TITLE = 80


def ask_whether(feed: Feed, key: str, figures: FeedTally, reader: Reader) -> Screen:
    """Before a feed is removed: what becomes of what it brought."""
    t = translator(reader.language)
    lines = [f"<b>{t('Remove the feed {name}?', name=render.furniture(feed.name))}</b>"]
    if feed.title:
        lines.append(str(render.furniture(feed.title[:_TITLE])))
    lines += ["", t("It leaves feeds.yaml; comments and everything else there stay.")]
    if figures.posts:
        lines.append(
            t("Its {n} post stays in search and archive.", "Its {n} posts stay in search and archive.", n=figures.posts)
        )
    if figures.waiting:
        lines.append(
            t("{n} post that waits is not sent then.", "{n} posts that wait are not sent then.", n=figures.waiting)
        )
    buttons = ((Button(t("Yes, remove it"), f"A.removefeed.{key}.yes"), Button(t("No"), "A.removefeed.no")),)
    return Screen(render.lay_out("\n".join(lines), reader.language), buttons)


def removed(name: str, reader: Reader) -> Screen:
    """It is out."""
    t = translator(reader.language)
    return _say(t("{name} is out of feeds.yaml and is not read any more.", name=render.furniture(name)), reader)


def not_there(name: str, reader: Reader) -> Screen:
    """Somebody was quicker."""
    return _say(
        translator(reader.language)("feeds.yaml has no feed called {name} any more.", name=render.furniture(name)),
        reader,
    )


def not_removed(name: str, problem: str, reader: Reader) -> Screen:
    """The file could not be changed."""
    t = translator(reader.language)
    said = t("I could not take {name} out of feeds.yaml:", name=render.furniture(name))
    return _say(f"{said}\n{render.furniture(problem)}", reader)


# --- OPML ----------------------------------------------------------------------------------------------------


def exported(file: File, count: int, skipped: Sequence[str], reader: Reader) -> Screen:
    """The list goes with this as a document."""
    t = translator(reader.language)
    lines = [t("{n} feed, for any feed reader.", "{n} feeds, for any feed reader.", n=count)]
    lines += [*_skipped(skipped, reader), t("Send me such a file, and I offer to add what is new in it.")]
    return Screen(render.lay_out("\n".join(lines), reader.language), file=file)


def _skipped(skipped: Sequence[str], reader: Reader) -> list[str]:
    if not skipped:
        return []
    t = translator(reader.language)
    lines = [t("Left out or changed:"), *(f"• {render.furniture(each)}" for each in skipped[:MOST_SKIPPED])]
    return [*lines, t("and {n} more", n=len(skipped) - MOST_SKIPPED)] if len(skipped) > MOST_SKIPPED else lines


def reading(reader: Reader) -> Screen:
    """While a list is fetched."""
    return _say(translator(reader.language)("Reading the list …"), reader)


def unreadable(problem: str, reader: Reader) -> Screen:
    """It is no list of feeds."""
    t = translator(reader.language)
    return _say(f"{t('I could not read that list:')}\n{render.furniture(problem)}", reader)


def nothing_new(count: int, skipped: Sequence[str], reader: Reader) -> Screen:
    """Every feed of the list is there already, or it has none."""
    t = translator(reader.language)
    said = t("All {n} feeds of this list are there already.", n=count) if count else t("This list has no feeds.")
    return _say("\n".join([said, *_skipped(skipped, reader)]), reader)


def offered(
    wanted: Sequence[Outline],
    there: int,
    skipped: Sequence[str],
    token: str,
    channels: Sequence[tuple[str, str]],
    reader: Reader,
) -> Screen:
    """What is new in a list, and a button for each channel that it may go to."""
    t = translator(reader.language)
    lines = [f"<b>{t('{n} new feed', '{n} new feeds', n=len(wanted))}</b>"]
    if there:
        lines.append(t("{n} more is there already.", "{n} more are there already.", n=there))
    lines.append("")
    lines += [f"• {render.furniture((each.title or each.url)[:_TITLE])}" for each in wanted[:SHOWN]]
    if len(wanted) > SHOWN:
        lines.append(t("and {n} more", n=len(wanted) - SHOWN))
    lines += ["", *_skipped(skipped, reader)] if skipped else []
    lines += ["", t("They are written into feeds.yaml. What they have now is not sent; what is new then is. Where to?")]
    rows: list[tuple[Button, ...]] = [(Button(label, f"A.opml.{token}.{key}"),) for label, key in channels[:20]]
    rows.append((Button(t("Only for subscribers"), f"A.opml.{token}.none"), Button(t("Cancel"), f"A.opml.{token}.no")))
    return Screen(render.lay_out("\n".join(lines), reader.language), tuple(rows))


def added(names: Sequence[str], channel: str | None, reader: Reader) -> Screen:
    """They are in feeds.yaml and in use."""
    t = translator(reader.language)
    shown = t(", ").join(str(render.furniture(name)) for name in names[:SHOWN])
    lines = [t("{n} feed was added: {names}", "{n} feeds were added: {names}", n=len(names), names=shown)]
    if len(names) > SHOWN:
        lines.append(t("and {n} more", n=len(names) - SHOWN))
    if channel:
        lines.append(t("What is new in them goes to {channel}.", channel=render.furniture(channel)))
    return _say("\n".join(lines), reader)


def _say(words: str, reader: Reader) -> Screen:
    return Screen(render.lay_out(words, reader.language))
