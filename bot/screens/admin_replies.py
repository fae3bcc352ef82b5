"""What the bot says to its admins while they add a feed or have feeds.yaml read: pure functions, in both languages.

Beside ``replies.py``, which speaks to everybody. Called by ``admin/adding.py``.
"""

from collections.abc import Sequence
from datetime import timedelta

from markupsafe import Markup, escape

from bot import labels, render
from bot.errors import FeedGone, FetchError, ParseError, SourceError
from bot.labels import translator
from bot.model import Entry, Language, Message
from bot.text import persian

#: Of an address or a problem in a message.
SHOWN_CHARS = 300
#: Of a button.
BUTTON_CHARS = 40


def ask_address(language: Language) -> Message:
    """/addfeed without an address."""
    return _say(language, translator(language)("Send the address of a feed, or of the site that has it."))


def no_address(text: str, language: Language) -> Message:
    """What came is no address of the web."""
    return _say(language, translator(language)("I cannot read this address: {url}", url=_foreign(text)))


def no_channel(language: Language) -> Message:
    """There is nowhere to send to."""
    return _say(language, translator(language)("There is no channel in feeds.yaml yet. Please add one first."))


def unknown_channel(name: str, names: Sequence[str], language: Language) -> Message:
    """No channel has that name."""
    t = translator(language)
    listed = ", ".join(map(_foreign, names))
    return _say(
        language,
        t("There is no channel called {name}.", name=_foreign(name)) + "\n" + t("There is: {names}", names=listed),
    )


def looking(url: str, language: Language) -> Message:
    """While a page or a feed is fetched."""
    return _say(language, translator(language)("Looking at {url} …", url=_foreign(url)))


def nothing_found(url: str, language: Language) -> Message:
    """A page without feeds."""
    return _say(language, translator(language)("I found no feed at {url}", url=_foreign(url)))


def unreadable(url: str, error: SourceError, language: Language) -> Message:
    """An address that cannot be asked, or a feed that cannot be read; below, what only an operator can use."""
    said = translator(language)("I could not read {url}", url=_foreign(url))
    return _say(language, f"{said}\n{why_unread(error, language)}\n\n{_foreign(str(error))}")


def why_unread(error: SourceError, language: Language) -> str:
    """What an error of a source means to who is no operator."""
    t = translator(language)
    match error:
        case ParseError():
            return t("What is there is no feed that I can read.")
        case FeedGone():
            return t("Its publisher says that it is gone for good.")
        case FetchError(is_unknown_host=True):
            return t("There is no such site.")
        case FetchError(status=404):
            return t("There is no such page.")
        case FetchError(status=401 | 403):
            return t("Its site does not let me in.")
        case FetchError(status=int(status)) if status == 429 or status >= 500:
            return t("Its site is busy or broken. Try again later.")
    return t("Its site gave no answer that I can use.")


def which_feed(found: Sequence[tuple[str | None, str]], language: Language) -> Message:
    """Titles and addresses of several feeds; the buttons below have the same numbers."""
    lines = [f"<b>{translator(language)('Several feeds are there. Which one?')}</b>"]
    for number, (title, url) in enumerate(found, 1):
        shown = persian.to_persian_digits(str(number)) if language == "fa" else str(number)
        lines += ["", f"{shown}. {render.furniture(title)}" if title else f"{shown}.", str(_foreign(url))]
    return _say(language, "\n".join(lines))


def which_channel(language: Language) -> Message:
    """Which of several channels."""
    return _say(language, translator(language)("Which channel is it for?"))


def already_there(name: str, language: Language) -> Message:
    """The address is in feeds.yaml."""
    return _say(language, translator(language)("This feed is there already: {name}", name=_foreign(name)))


def sample(
    title: str | None, url: str, entries: Sequence[Entry], every: timedelta, channel: str, language: Language
) -> Message:
    """What would be added, before somebody says yes."""
    t = translator(language)
    lines = [f"<b>{render.furniture(title or url)}</b>", str(_foreign(url)), ""]
    if entries:
        lines.append(t("Its newest posts:"))
    for entry in entries:
        shown = render.furniture((entry.title or t("Untitled"))[:SHOWN_CHARS])
        linked = Markup('<a href="{}">{}</a>').format(entry.link, shown) if entry.link else shown
        lines.append(f"• {linked}")
    if not entries:
        lines.append(t("It has no posts now."))
    lines += [
        "",
        t("For the channel {channel}, read every {span}.", channel=_foreign(channel), span=_span(every, language)),
        t("What is there now is not sent; the next new post is."),
    ]
    return _say(language, "\n".join(lines))


def _span(span: timedelta, language: Language) -> str:
    minutes = max(1, round(span.total_seconds() / 60))
    words = labels.catalog(language)
    if minutes < 100:
        count, said = minutes, words.ngettext("{n} minute", "{n} minutes", minutes)
    else:
        count = round(minutes / 60)
        said = words.ngettext("{n} hour", "{n} hours", count)
    return said.format(n=persian.to_persian_digits(str(count)) if language == "fa" else str(count))


def added(name: str, channel: str, language: Language) -> Message:
    """It is in feeds.yaml and in use."""
    return _say(
        language,
        translator(language)(
            "Added: {name}. Its next new post goes to {channel}.", name=_foreign(name), channel=_foreign(channel)
        ),
    )


def not_written(problem: str, lines: str, language: Language) -> Message:
    """feeds.yaml could not be changed; what to paste."""
    t = translator(language)
    return _say(
        language,
        t("I could not write to feeds.yaml:")
        + f"\n{_foreign(problem)}\n\n"
        + t("For feeds.yaml:")
        + f"\n<pre>feeds:\n{escape(lines.rstrip())}</pre>",
    )


def cancelled(language: Language) -> Message:
    """Nothing was done."""
    return _say(language, translator(language)("Cancelled. Nothing was changed."))


def too_old(language: Language) -> str:
    """The toast of a button whose question is forgotten."""
    return translator(language)("This question is too old. Please send /addfeed again.")


def reloaded(changes: Sequence[tuple[str, Sequence[str]]], others: bool, language: Language) -> Message:
    """feeds.yaml was read again; what changed, as labels of ``labels_of_changes`` with names."""
    t = translator(language)
    lines = [t("feeds.yaml was read again.")]
    lines += [f"{label}: {', '.join(map(_foreign, names))}" for label, names in changes if names]
    if others:
        lines.append(t("Other settings changed."))
    if len(lines) == 1:
        lines.append(t("Nothing has changed in it."))
    return _say(language, "\n".join(lines))


def labels_of_changes(language: Language) -> tuple[str, str, str, str, str, str]:
    """Feeds added, removed and changed; then channels."""
    t = translator(language)
    return (
        t("New feeds"), t("Feeds removed"), t("Feeds changed"),
        t("New channels"), t("Channels removed"), t("Channels changed"),
    )  # fmt: skip


def not_reloaded(problems: Sequence[str], language: Language) -> Message:
    """feeds.yaml has mistakes."""
    t = translator(language)
    shown = "\n".join(problems[:10])[:2000]
    return _say(language, t("feeds.yaml has mistakes, so nothing was changed:") + f"\n<pre>{escape(shown)}</pre>")


def add_label(language: Language) -> str:
    """The button that says yes."""
    return translator(language)("Add")


def cancel_label(language: Language) -> str:
    """The button that says no."""
    return translator(language)("Cancel")


def choice_label(number: int, title: str, language: Language) -> str:
    """One of several feeds, on a button."""
    shown = persian.to_persian_digits(str(number)) if language == "fa" else str(number)
    return f"{shown}. {persian.strip_controls(title)}"[:BUTTON_CHARS]


def _foreign(text: str) -> Markup:
    """An address, a name or a problem inside a line of ours: shown as it is, left to right, live in nothing."""
    shown = text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"
    return render.furniture(shown)


def _say(language: Language, html: str) -> Message:
    return render.lay_out(html, language)
