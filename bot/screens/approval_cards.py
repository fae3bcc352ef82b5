"""What admins read when a post waits for them: pure functions, in both languages (PRODUCT 6). Beside ``replies.py``."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot import render
from bot.labels import translator
from bot.model import Language, Message, Then
from bot.text import dates, persian


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: their language, and where their clock hangs."""

    language: Language
    zone: ZoneInfo


def card(title: str, expires_at: datetime | None, then: Then, now: datetime, reader: Reader) -> Message:
    """Under a post that waits: for which channel, until when, and what happens then."""
    t = translator(reader.language)
    line = t("For “{channel}”", channel=render.furniture(title))
    if expires_at is not None:
        until = _moment(expires_at, now, reader)
        late = t("until {time}, or it is not posted") if then is Then.SKIP else t("until {time}, or it is posted")
        line += " · " + late.format(time=until)
    return render.lay_out(line, reader.language)


def labels(reader: Reader) -> dict[str, str]:
    """What stands on the buttons, by what they carry."""
    t = translator(reader.language)
    clock = _digits("09:00", reader.language)
    return {
        "yes": t("Post it"),
        "no": t("Skip"),
        "title": t("Edit title"),
        "when": t("Schedule"),
        "hour": t("In an hour"),
        "evening": t("This evening, {time}", time=_digits("21:00", reader.language)),
        "morning": t("Tomorrow, {time}", time=clock),
        "back": t("Back"),
    }


def scheduled_for(choice: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The time that a button stands for; None for one that is no time, or that is over."""
    local = now.astimezone(zone)
    match choice:
        case "hour":
            return now + timedelta(hours=1)
        case "evening":
            evening = datetime.combine(local.date(), time(21), zone)
            return evening if evening > local else None
        case "morning":
            return datetime.combine(local.date() + timedelta(days=1), time(9), zone)
    return None


def decided(choice: str, name: str, now: datetime, reader: Reader, due_at: datetime | None = None) -> Message:
    """In the place of the card: who decided what, and when."""
    t = translator(reader.language)
    who = {"name": render.furniture(name), "time": _moment(now, now, reader)}
    if choice == "no":
        line = t("Skipped by {name}, {time}", **who)
    elif due_at is not None and due_at > now:
        line = t("Scheduled by {name}, for {time}", **(who | {"time": _moment(due_at, now, reader)}))
    else:
        line = t("Posted by {name}, {time}", **who)
    return render.lay_out(line, reader.language)


def title_wanted(title: str, reader: Reader) -> Message:
    """After a press on "Edit title": how the other one is given."""
    t = translator(reader.language)
    line = t("The new title of “{title}”? Send it as a reply to this message.", title=render.furniture(title))
    return render.lay_out(line, reader.language)


def retitled(name: str, now: datetime, reader: Reader) -> Message:
    """In the place of the card of a post that is shown again under another title."""
    t = translator(reader.language)
    line = t("Title changed by {name}, {time}", name=render.furniture(name), time=_moment(now, now, reader))
    return render.lay_out(line, reader.language)


def ran_out(then: Then, now: datetime, reader: Reader) -> Message:
    """In the place of the card, when nobody pressed in time."""
    t = translator(reader.language)
    line = t("Time is over: not posted, {time}") if then is Then.SKIP else t("Time is over: posted, {time}")
    return render.lay_out(line.format(time=_moment(now, now, reader)), reader.language)


def no_longer_asked(reader: Reader) -> Message:
    """In the place of the card, when feeds.yaml asks for no approval any more."""
    return render.lay_out(translator(reader.language)("This no longer needs a decision."), reader.language)


def too_late(language: Language) -> str:
    """A toast: somebody else was first."""
    return translator(language)("This has been decided already.")


def _moment(moment: datetime, now: datetime, reader: Reader) -> str:
    """A time of day, with its day where that is not today."""
    local = moment.astimezone(reader.zone)
    clock = _digits(f"{local:%H:%M}", reader.language)
    if local.date() == now.astimezone(reader.zone).date():
        return clock
    return f"{dates.short_date(moment, reader.zone, dates.DateStyle(reader.language))} {clock}"


def _digits(text: str, language: Language) -> str:
    return persian.to_persian_digits(text) if language == "fa" else text
