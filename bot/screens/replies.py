"""What the bot says to people: pure functions from facts to messages, in Persian and English.

Called by ``commands/updates.py``, which talks to Telegram. The words are PRODUCT's; English stands here, Persian in the
catalogs of ``locales/``. Only commands that exist are named.
"""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from markupsafe import escape

from bot import render
from bot.labels import translator
from bot.model import Language, Message
from bot.text import dates, persian

#: Posts of one /latest.
LATEST = 5
MOST = 20
#: The admin menu (PRODUCT section 5), with its English words.
ADMIN_MENU = {
    "status": "What runs, what is late",
    "queue": "Waiting and stuck posts",
    "preview": "See a feed's posts",
    "check": "Read a feed now",
    "why": "Why was it (not) sent",
    "addfeed": "Add a feed",
    "removefeed": "Remove a feed",
    "pause": "Pause a feed or channel",
    "resume": "Go on",
    "retry": "Send failed posts again",
    "reload": "Reload feeds.yaml",
    "stats": "Figures and chart",
    "opml": "List of feeds",
}

OTHER_LANGUAGE: dict[Language, Language] = {"fa": "en", "en": "fa"}
LANGUAGE_NAMES: dict[Language, str] = {"fa": "فارسی", "en": "English"}


def choose_language(chosen: str | None, of_person: str | None, of_bot: Language) -> Language:
    """What the chat chose, else the person's Telegram where it is one of ours, else the bot's."""
    for language in (chosen, (of_person or "").partition("-")[0]):
        if language == "fa":
            return "fa"
        if language == "en":
            return "en"
    return of_bot


def welcome(language: Language, *, user_id: int | None) -> Message:
    """The first screen; *user_id* is shown while the bot has no admins."""
    t = translator(language)
    shown = "\n\n" + t("Your id: {user_id}", user_id=user_id) if user_id is not None else ""
    return _say(
        language,
        t("Hello, I'm Qasedak.")
        + "\n"
        + t(
            "I bring you new posts from the sources you choose: each post once, "
            "with a summary and its date in two calendars."
        )
        + "\n\n"
        + t("Follow a source below, or just send me")
        + "\n• "
        + t("a word, to search every post;")
        + "\n• "
        + t("a date, to convert it.")
        + shown,
    )


def guide(language: Language, bot: str | None, *, for_admin: bool = False) -> Message:
    """The answer to /help; *bot* is the bot's @name."""
    t = translator(language)
    groups = {
        t("Reading"): {
            "latest": t("Newest posts"),
            "search": t("Search; for example: Nowruz 2023"),
            "archive": t("Browse by month"),
            "today": t("On this day, past years"),
            "random": t("A post at random"),
        },
        t("Following"): {
            "feeds": t("Sources to follow"),
            "mine": t("What you follow"),
            "follow": t("Follow a hashtag"),
            "mute": t("Silence a source for some days"),
            "digest": t("A daily or weekly roundup, instead of single posts"),
        },
        t("Tools"): {
            "date": t("Convert a date"),
            "settings": t("Language, calendar, pictures"),
            "stop": t("Leave and delete all your data"),
        },
    }
    if for_admin:
        groups[t("For admins")] = {name: t(words) for name, words in ADMIN_MENU.items()}
    lines = [f"<b>{t('Qasedak: a guide')}</b>", t("Tap a command; if it needs something, it asks.")]
    for name, commands in groups.items():
        lines += ["", f"<b>{name}</b>", *(f"{_command(each, language)} {words}" for each, words in commands.items())]
    handle = persian.isolate(f"@{bot or ''}", "ltr") if language == "fa" else f"@{bot or ''}"
    lines += ["", t("In any chat, type {bot} and a word to share a post there.", bot=handle)]
    return _say(language, "\n".join(lines))


def _command(name: str, language: Language) -> str:
    """A command inside a line: isolated where the line runs the other way, so that its slash stays in front."""
    return persian.isolate(f"/{name}", "ltr") if language == "fa" else f"/{name}"


def converted_date(text: str, language: Language) -> Message | None:
    """A date in every calendar; None when the text is no date."""
    parsed = dates.parse_any_date(text)
    if parsed is None:
        return None
    if parsed.day is None:
        return _say(language, translator(language)("Its calendar has no such day."))
    return _say(language, "\n".join(_every_calendar(parsed.day, language)))


def _every_calendar(day: date, language: Language) -> list[str]:
    at = datetime.combine(day, time(), UTC)
    lines = [dates.format_date(at, ZoneInfo("UTC"), dates.DateStyle(language=language), date_only=True)]
    lunar = dates.describe(day)["lunar"]
    if lunar:
        shown = persian.to_persian_digits(lunar) if language == "fa" else lunar
        lines.append(translator(language)("Lunar (Umm al-Qura): {date}", date=persian.isolate(shown, "ltr")))
    return lines


def date_told(text: str, now: datetime, language: Language, zone: ZoneInfo) -> Message:
    """``/date [text]``: a date, or days that are named by their distance; without any it is today's, and an example."""
    if text.strip() and (converted := converted_date(text, language)):
        return converted
    t = translator(language)
    if days := dates.parse_range(text, now.astimezone(zone).date()):
        if days.first == days.last:
            return _say(language, "\n".join(_every_calendar(days.first, language)))
        return _say(language, dates.format_days(days.first, days.last, dates.DateStyle(language)))
    example = persian.isolate("/date 1397/07/08", "ltr")
    hint = t("To convert a date, send it, or: {example}", example=example)
    if text.strip():
        return _say(language, f"{t('That is not a date I know.')}\n{hint}")
    today = _every_calendar(now.astimezone(zone).date(), language)
    return _say(language, "\n".join([t("Today is"), *today, "", hint]))


def unknown_command(language: Language) -> Message:
    """A hint instead of silence."""
    return _say(
        language, translator(language)("I don't know that command. See {help}", help=_command("help", language))
    )


def only_words(language: Language) -> Message:
    """Somebody sent a picture, a sticker or a voice."""
    t = translator(language)
    words = t("I can only read text. Send me a word to search, or a date to convert. All commands: {help}",
              help=_command("help", language))  # fmt: skip
    return _say(language, words)


def plain(words: str, language: Language) -> Message:
    """Words without markup."""
    return _say(language, str(escape(words)))


def failed(language: Language) -> Message:
    """Something broke; it is in the log."""
    return _say(language, translator(language)("That failed and I have logged it. Please try again later."))


def too_fast(language: Language) -> Message:
    """Somebody asks faster than anybody reads."""
    return _say(language, translator(language)("That is faster than I can follow. Give me a minute, please."))


def no_room(language: Language) -> Message:
    """As many feeds are read by their addresses as may be."""
    return _say(language, translator(language)("I read as many feeds as I can. This one has no room any more."))


def became_admin(language: Language) -> Message:
    """The claim link worked."""
    return _say(
        language,
        translator(language)("You are this bot's admin now. Add me to your channel as an administrator who may post."),
    )


def channel_card(title: str, chat_id: int, problem: str | None, language: Language, username: str | None) -> Message:
    """What an admin needs after adding the bot to a channel: its id, our rights, and the yaml to paste."""
    t = translator(language)
    chat = f'"@{username}"' if username else str(chat_id)
    rights = (
        t("I may post here.") if problem is None else t("I may not post here yet: {problem}", problem=escape(problem))
    )
    return _say(
        language,
        f"<b>{render.furniture(title)}</b>\n"
        + persian.isolate(str(chat_id), "ltr")
        + f"\n{rights}\n\n"
        + t("For feeds.yaml:")
        + f"\n<pre>channels:\n  main:\n    chat: {escape(chat)}\n    language: {language}</pre>",
    )


def sample_post(language: Language) -> Message:
    """What "Send a test post" sends."""
    t = translator(language)
    return _say(
        language, f"<b>{t('A test post')}</b>\n" + t("If you can read this, Qasedak may post here. You can delete it.")
    )


def sample_sent(language: Language) -> str:
    """The toast after a test post."""
    return translator(language)("Sent.")


def not_allowed(language: Language) -> str:
    """The toast for somebody who may not press that button."""
    return translator(language)("Only an admin of the bot may do that.")


def _say(language: Language, html: str) -> Message:
    return render.lay_out(html, language)
