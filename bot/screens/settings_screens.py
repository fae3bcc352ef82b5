"""What a chat chose, and the buttons that change it. Pure, as ``leafing.py``.

Each button shows the present value, and a tap takes the next one. It carries the value to come: pressed twice, it does
the same. The zone has a screen of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot import render
from bot.labels import translator
from bot.model import OWN_SENTENCES, OWN_TEMPLATES, Calendar, ChatOptions, Digits, Every, Language, Media
from bot.screens.leafing import Button, Reader, Screen
from bot.text import dates, persian, zones

LANGUAGE_NAMES: Mapping[Language, str] = {"fa": "فارسی", "en": "English"}
#: Zones on buttons; any other one can be written.
ZONES = (
    "Asia/Tehran", "Asia/Kabul", "Asia/Dushanbe", "Asia/Dubai", "Europe/Istanbul", "Europe/Berlin", "Europe/London",
    "Europe/Stockholm", "America/Toronto", "America/New_York", "America/Los_Angeles", "Australia/Sydney",
)  # fmt: skip
_JALALI, _GREGORIAN = Calendar.JALALI, Calendar.GREGORIAN
CALENDARS = ((_JALALI, _GREGORIAN), (_GREGORIAN, _JALALI), (_JALALI,), (_GREGORIAN,))


def _calendars(text: str) -> tuple[Calendar, ...]:
    chosen = tuple({"j": _JALALI, "g": _GREGORIAN}[letter] for letter in text)
    if chosen not in CALENDARS:
        raise ValueError(text)
    return chosen


def _one_of(values: Sequence[Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        return {str(value): value for value in values}[text]

    return read


def _zone(text: str) -> str:
    name = zones.zone_named(text)
    if name is None:
        raise ValueError(text)
    return name


#: For each choice, how a button's text becomes a value; ValueError or KeyError where it is none.
_READ: Mapping[str, Callable[[str], Any]] = {
    "language": _one_of(("fa", "en")),
    "calendars": _calendars,
    "digits": _one_of(tuple(Digits)),
    "summary": _one_of(OWN_SENTENCES),
    "media": _one_of(tuple(Media)),
    "silent": lambda text: {"1": True, "0": False}[text],
    "timezone": _zone,
    "template": _one_of(OWN_TEMPLATES),
}


def changed(options: ChatOptions, key: str, text: str) -> ChatOptions | None:
    """The options with one of them changed; None for what no button says."""
    try:
        return replace(options, **{key: _READ[key](text)})
    except (KeyError, ValueError):
        return None


def settings(options: ChatOptions, reader: Reader, timezone: str) -> Screen:
    """All choices with their present values. *timezone* is the one in use."""
    t = translator(reader.language)
    rows = [
        (t("Language"), LANGUAGE_NAMES[reader.language], "language", "en" if reader.language == "fa" else "fa"),
        (
            t("Calendars"),
            _calendar_names(options.calendars, reader.language),
            "calendars",
            "".join(calendar.value[0] for calendar in _after(CALENDARS, options.calendars)),
        ),
        (t("Digits"), _digit_names(reader.language)[options.digits], "digits", _after(tuple(Digits), options.digits)),
        (t("Summary"), _sentences(options.summary, reader), "summary", _after(OWN_SENTENCES, options.summary)),
        (t("Pictures"), _media_names(reader.language)[options.media], "media", _after(tuple(Media), options.media)),
        (t("Sound"), t("off") if options.silent else t("on"), "silent", int(not options.silent)),
        (
            t("Layout"),
            t("compact") if options.template == "compact" else t("full"),
            "template",
            _after(OWN_TEMPLATES, options.template),
        ),
    ]
    buttons = [(Button(f"{name}: {value}", f"O.{key}.{following}"),) for name, value, key, following in rows]
    buttons.insert(-1, (Button(f"{t('Time zone')}: {zones.city_of(timezone, reader.language)}", "oz"),))
    buttons.append((Button(t("Back"), "h"),))
    words = f"<b>{t('Settings')}</b>\n{t('How posts come here. Tap a line to change it.')}"
    return Screen(render.lay_out(words, reader.language), tuple(buttons))


def choose_zone(reader: Reader, timezone: str) -> Screen:
    """Zones to choose from; another city may be written."""
    t = translator(reader.language)
    grid = [
        Button(("✓ " if name == timezone else "") + zones.city_of(name, reader.language), f"O.timezone.{name}")
        for name in ZONES
    ]
    rows = [tuple(grid[start : start + 2]) for start in range(0, len(grid), 2)]
    rows.append((Button(t("Back"), "o"),))
    example = persian.isolate("/settings " + zones.city_of("Europe/Paris", reader.language), None)
    words = f"<b>{t('Time zone')}</b>\n{t('Another city: send its name, or like this: {example}', example=example)}"
    return Screen(render.lay_out(words, reader.language), tuple(rows), awaits="settings")


def unknown_zone(text: str, reader: Reader) -> Screen:
    """A zone that there is not."""
    t = translator(reader.language)
    said = t("I know no city or time zone called “{name}”.", name=render.furniture(text[:60]))
    return Screen(render.lay_out(said, reader.language), ((Button(t("Time zone"), "oz"),),))


def languages(reader: Reader) -> Screen:
    """``/language`` alone."""
    t = translator(reader.language)
    row = tuple(Button(name, f"G.{language}") for language, name in LANGUAGE_NAMES.items())
    return Screen(render.lay_out(t("Which language shall I speak here?"), reader.language), (row,))


#: How people write it.
_DIGESTS = {
    "off": "off", "no": "off", "خاموش": "off", "نه": "off", "day": "day", "daily": "day", "روز": "day", "روزانه": "day",
    "week": "week", "weekly": "week", "هفته": "week", "هفتگی": "week",
}  # fmt: skip


def digest_named(words: str) -> str | None:
    """off, day or week, as somebody wrote it; None for anything else."""
    folded = {persian.search_fold(name): value for name, value in _DIGESTS.items()}
    return folded.get(persian.search_fold(words.strip()))


def digests(present: Every | None, reader: Reader) -> Screen:
    """``/digest`` alone."""
    t = translator(reader.language)
    names = {"off": t("Post by post"), "day": t("Once a day"), "week": t("Once a week")}
    shown = present.value if present else "off"
    rows = tuple((Button(("✓ " if name == shown else "") + words, f"D.{name}"),) for name, words in names.items())
    return Screen(render.lay_out(t("How shall new posts come?"), reader.language), rows)


def digest_chosen(present: Every | None, at: datetime | None, reader: Reader) -> Screen:
    """What comes from now on, and when."""
    t = translator(reader.language)
    back = ((Button(t("Back"), "d"),),)
    if at is None:
        return Screen(render.lay_out(t("New posts come one by one, as they appear."), reader.language), back)
    style = dates.DateStyle(reader.language, form="compact")
    day = dates.format_date(at, reader.zone, style, date_only=True)
    words = (
        t("New posts come together once a day at {time}; the first time on {date}.")
        if present is Every.DAY
        else t("New posts come together once a week at {time}; the first time on {date}.")
    )
    clock = f"{at.astimezone(reader.zone):%H:%M}"
    shown = persian.to_persian_digits(clock) if reader.language == "fa" else clock
    return Screen(render.lay_out(words.format(time=shown, date=day), reader.language), back)


def _after(values: Sequence[Any], present: Any) -> Any:
    return values[(values.index(present) + 1) % len(values)] if present in values else values[0]


def _calendar_names(calendars: Sequence[Calendar], language: Language) -> str:
    t = translator(language)
    names = {Calendar.JALALI: t("Jalali"), Calendar.GREGORIAN: t("Gregorian"), Calendar.LUNAR: t("lunar")}
    return t(", ").join(names[calendar] for calendar in calendars)


def _digit_names(language: Language) -> Mapping[Digits, str]:
    return {Digits.AUTO: translator(language)("as the language"), Digits.FA: "۱۲۳", Digits.LATIN: "123"}


def _media_names(language: Language) -> Mapping[str, str]:
    t = translator(language)
    return {
        "preview": t("large, in the preview"),
        "photo": t("as a photo"),
        "album": t("all of them"),
        "none": t("none"),
    }


def _sentences(count: int, reader: Reader) -> str:
    t = translator(reader.language)
    if not count:
        return t("none")
    return t("one sentence") if count == 1 else t("{n} sentences", n=reader.number(count))
