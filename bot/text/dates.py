"""Dates as people read them: the date line of a post in two calendars, with the marks that keep it in order.

The door to dates: what reads them (``parse_dates.py``) and converts them (``calendars.py``) is exported here too.
Local and Jalali time exist nowhere else; a day is always taken after ``astimezone``. Reads no clock.

Every layout was checked against UAX #9: without the isolates a Gregorian date inside a Persian line shows its year
first, and a line of digits and slashes alone has no direction.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from bot.model import Calendar, Digits, Language, Months
from bot.text.calendars import (
    GREGORIAN_MONTHS,
    GREGORIAN_MONTHS_EN,
    JALALI_MONTHS,
    JALALI_MONTHS_LATIN,
    LUNAR_MONTHS,
    LUNAR_MONTHS_EN,
    WEEKDAYS,
    JalaliDate,
    from_jalali,
    is_jalali_leap,
    to_jalali,
    to_lunar,
    weekday_name,
)
from bot.text.date_ranges import DateRange, parse_month, parse_range, parse_span
from bot.text.parse_dates import FeedDate, ParsedDate, parse_any_date, parse_date, parse_feed_date
from bot.text.persian import LRI, PDI, RLI, RLM, ZWJ, ZWNJ, to_arabic_digits, to_persian_digits

__all__ = [
    "DateRange",
    "DateStyle",
    "FeedDate",
    "JalaliDate",
    "ParsedDate",
    "describe",
    "format_date",
    "format_days",
    "from_jalali",
    "is_jalali_leap",
    "name_day",
    "parse_any_date",
    "parse_date",
    "parse_feed_date",
    "parse_month",
    "parse_range",
    "parse_span",
    "short_date",
    "to_jalali",
    "to_lunar",
    "weekday_name",
]

_Script = Literal["fa", "ckb", "en"]  # whose words, order and digits a piece is written in

_JALALI_ERA = f"ه{ZWJ}.ش."
_LUNAR_ERA = f"ه{ZWJ}.ق."
#: Zones with a name in Persian; any other is named by its offset.
_CITIES = {
    "Asia/Tehran": "تهران",
    "Asia/Kabul": "کابل",
    "Asia/Baghdad": "بغداد",
    "Asia/Dubai": "دبی",
    "Asia/Kolkata": "هند",
    "Europe/Istanbul": "استانبول",
    "Europe/Berlin": "برلین",
    "Europe/Paris": "پاریس",
    "Europe/London": "لندن",
    "Europe/Stockholm": "استکهلم",
    "America/New_York": "نیویورک",
    "America/Toronto": "تورنتو",
    "America/Los_Angeles": f"لس{ZWNJ}آنجلس",
    "Australia/Sydney": "سیدنی",
}


@dataclass(frozen=True, slots=True)
class DateStyle:
    """How a channel writes its dates. ``form`` is full, moment, compact, time, none, or the number of a template."""

    language: Language
    calendars: tuple[Calendar, ...] = (Calendar.JALALI, Calendar.GREGORIAN)
    months: Months = Months.IRANIAN
    digits: Digits = Digits.AUTO
    form: str = "full"
    lunar_offset: int = 0


@dataclass(frozen=True, slots=True)
class _Day:
    """A civil day on its way to a channel: what the layouts below are made of."""

    day: date
    style: DateStyle
    moment: datetime | None = None  #: its local time, where one is to be shown

    @property
    def script(self) -> _Script:
        return self.persian_script if self.style.language == "fa" else "en"

    @property
    def persian_script(self) -> _Script:
        """Whose words stand in brackets of an English line too."""
        return "ckb" if self.style.months is Months.KURDISH else "fa"

    def parts(self, calendar: Calendar) -> tuple[int, int, int] | None:
        """Year, month and day; None for a lunar date outside its table."""
        match calendar:
            case Calendar.JALALI:
                jalali = to_jalali(self.day)
                return jalali.year, jalali.month, jalali.day
            case Calendar.LUNAR:
                return to_lunar(self.day, self.style.lunar_offset)
        return self.day.year, self.day.month, self.day.day

    def calendars(self) -> list[Calendar]:
        """The calendars to show, in order; Gregorian alone where none of them knows the day."""
        known = [calendar for calendar in dict.fromkeys(self.style.calendars) if self.parts(calendar)]
        if self.style.language != "fa" and Calendar.GREGORIAN in known:
            # The order is one option with one default, the Persian one; English lines begin with their own calendar.
            known.sort(key=lambda calendar: calendar is not Calendar.GREGORIAN)
        return known or [Calendar.GREGORIAN]

    def digits(self, text: str, script: _Script) -> str:
        if self.style.digits is Digits.LATIN or (self.style.digits is Digits.AUTO and script == "en"):
            return text
        if self.style.digits is Digits.AUTO and script == "ckb":
            return to_arabic_digits(text)
        return to_persian_digits(text)

    def weekday(self, script: _Script) -> str:
        return WEEKDAYS[script][self.day.weekday()]

    def words(self, calendar: Calendar, script: _Script) -> str:
        """Day, month and year: ۸ مهر ۱۳۹۷, ٨ی ڕەزبەری ١٣٩٧, 30 September 2018, 8 Mehr 1397 AP; "" if unknown."""
        parts = self.parts(calendar)
        if parts is None:
            return ""
        year, month, day = parts
        name = self.month(calendar, month, script)
        if script == "ckb":
            return self.digits(f"{day}ی {name}ی {year}", script)
        era = {Calendar.JALALI: " AP", Calendar.LUNAR: " AH"}.get(calendar, "") if script == "en" else ""
        return self.digits(f"{day} {name} {year}{era}", script)

    def month(self, calendar: Calendar, number: int, script: _Script) -> str:
        months = self.style.months
        match calendar:
            case Calendar.JALALI:
                names = (JALALI_MONTHS_LATIN if script == "en" else JALALI_MONTHS)[months]
            case Calendar.LUNAR:
                names = LUNAR_MONTHS_EN if script == "en" else LUNAR_MONTHS
            case _:
                names = GREGORIAN_MONTHS_EN if script == "en" else GREGORIAN_MONTHS[months]
        return names[number - 1]


def format_date(when: datetime, zone: ZoneInfo, style: DateStyle, *, date_only: bool) -> str:
    """The date line: of the civil day that ``when`` falls on in ``zone``, marks included; "" for the form none.

    The time is shown by the forms that have one, unless ``date_only``. A lunar date that is not known is left out.
    ValueError for a form that does not exist.
    """
    if style.form == "none" or not style.calendars:
        return ""
    if style.form not in _FORMS:
        raise ValueError(f"no date form named {style.form!r}")
    local = when.astimezone(zone)
    return _FORMS[style.form](_Day(local.date(), style, None if date_only else local))


def _full(shown: _Day) -> str:
    return _english_full(shown) if shown.script == "en" else _persian_full(shown)


def _persian_full(shown: _Day, clock: str = "") -> str:
    first, *others = shown.calendars()
    return RLM + _with_weekday(shown, first) + clock + _in_brackets(shown, others)


def _with_weekday(shown: _Day, calendar: Calendar) -> str:
    script = shown.script
    comma = {"fa": "", "ckb": "،", "en": ","}[script]
    return f"{shown.weekday(script)}{comma} {shown.words(calendar, script)}"


def _in_brackets(shown: _Day, calendars: list[Calendar]) -> str:
    """Persian words in both languages: an English line gives the Jalali date as its readers write it."""
    if not calendars:
        return ""
    words = " · ".join(shown.words(calendar, shown.persian_script) for calendar in calendars)
    return f" ({RLI}{words}{PDI})"


def _english_full(shown: _Day, clock: str = "") -> str:
    first, *others = shown.calendars()
    return _with_weekday(shown, first) + clock + _in_brackets(shown, others)


def _moment(shown: _Day) -> str:
    """The full form with the time of day in the channel's own zone, which its readers do not need to be told."""
    clock = shown.digits(f"{shown.moment:%H:%M}", shown.script) if shown.moment else ""
    if shown.script == "en":
        return _english_full(shown, f", {clock}" if clock else "")
    word = "کاتژمێر" if shown.script == "ckb" else "ساعت"
    return _persian_full(shown, f"، {word} {clock}" if clock else "")


def _compact(shown: _Day) -> str:
    if shown.script == "en":
        return _english_compact(shown)
    first, *others = (_numbers(shown, calendar) for calendar in shown.calendars())
    return RLM + first + (f" ({' · '.join(others)})" if others else "")


def _numbers(shown: _Day, calendar: Calendar) -> str:
    if calendar is Calendar.GREGORIAN:
        return f"{LRI}{shown.day.isoformat()}{PDI}"
    numbers = shown.digits("/".join(f"{part:02}" for part in shown.parts(calendar) or ()), shown.persian_script)
    return f"{numbers} {_LUNAR_ERA}" if calendar is Calendar.LUNAR else numbers


def _english_compact(shown: _Day) -> str:
    pieces = (
        shown.digits(_short_english(shown.day), "en") if calendar is Calendar.GREGORIAN else shown.words(calendar, "en")
        for calendar in shown.calendars()
    )
    return f"{shown.weekday('en')[:3]} {' · '.join(pieces)}"


def _short_english(day: date) -> str:
    return f"{day.day} {GREGORIAN_MONTHS_EN[day.month - 1][:3]} {day.year}"


def _timed(shown: _Day) -> str:
    if shown.script == "en":
        return _english_timed(shown)
    first, *others = shown.calendars()
    era = {Calendar.JALALI: f" {_JALALI_ERA}", Calendar.LUNAR: f" {_LUNAR_ERA}"}.get(first, "")
    line = RLM + _with_weekday(shown, first) + (era if shown.script == "fa" else "") + _persian_clock(shown)
    if others == [Calendar.GREGORIAN]:
        return (
            f"{line} ({LRI}{_short_english(shown.day)}{PDI})"
            if shown.moment is None
            else f"{line} ({_utc(shown.moment)})"
        )
    return line + _in_brackets(shown, others)


def _persian_clock(shown: _Day) -> str:
    if shown.moment is None:
        return ""
    clock = shown.digits(f"{shown.moment:%H:%M}", shown.script)
    if shown.script == "ckb":
        return f"، کاتژمێر {clock} {_offset(shown.moment)}"
    city = _CITIES.get(str(shown.moment.tzinfo))
    return f"، ساعت {clock} به وقت {city or _offset(shown.moment)}"


def _offset(moment: datetime) -> str:
    offset = f"{moment:%z}"
    return f"{LRI}UTC{offset[:3]}:{offset[3:5]}{PDI}"


def _utc(moment: datetime) -> str:
    there = moment.astimezone(UTC)
    return f"{LRI}{_short_english(there.date())}, {there:%H:%M} UTC{PDI}"


def _english_timed(shown: _Day) -> str:
    first, *others = shown.calendars()
    clock = ""
    if shown.moment is not None:
        clock = f", {shown.digits(f'{shown.moment:%H:%M}', 'en')} {_english_zone(shown.moment)}"
    return _with_weekday(shown, first) + clock + _in_brackets(shown, others)


def _english_zone(moment: datetime) -> str:
    area, _, city = str(moment.tzinfo).rpartition("/")
    if area and not area.startswith("Etc"):
        return f"{city.replace('_', ' ')} time"
    return "UTC" if not moment.utcoffset() else f"UTC{moment:%z}"


def _bilingual(shown: _Day) -> str:
    return f"{RLM}{_with_weekday(shown, Calendar.JALALI)} ({LRI}{shown.words(Calendar.GREGORIAN, 'en')}{PDI})"


def _archive_header(shown: _Day) -> str:
    # The pattern of ICU, "y MMMM d, EEEE", its ASCII comma included: what the archive reader reads.
    jalali = to_jalali(shown.day)
    script = shown.script
    words = f"{jalali.year} {shown.month(Calendar.JALALI, jalali.month, script)} {jalali.day}"
    return f"{RLM}{shown.digits(words, script)}, {shown.weekday(script)}"


def _triple(shown: _Day) -> str:
    script = shown.script
    jalali, lunar, gregorian = (
        shown.words(calendar, script) for calendar in (Calendar.JALALI, Calendar.LUNAR, Calendar.GREGORIAN)
    )
    return f"{RLM}{jalali} · {lunar + ' · ' if lunar else ''}{RLI}{gregorian}{PDI}"


def _template(language: Language, layout: Callable[[_Day], str]) -> Callable[[_Day], str]:
    """A layout in the language and the two calendars it was drawn for, whatever the channel's."""

    def format_template(shown: _Day) -> str:
        both = (Calendar.JALALI, Calendar.GREGORIAN)
        return layout(replace(shown, style=replace(shown.style, language=language, calendars=both)))

    return format_template


_FORMS: dict[str, Callable[[_Day], str]] = {
    "full": _full,
    "compact": _compact,
    "time": _timed,
    "moment": _moment,
    "1": _template("fa", _full),
    "2": _template("fa", _bilingual),
    "3": _template("fa", _compact),
    "4": _template("fa", _archive_header),
    "5": _template("en", _full),
    "6": _template("en", _compact),
    "7": _template("fa", _timed),
    "8": _template("fa", _triple),
}


def name_day(day: date, calendar: Calendar, style: DateStyle) -> str:
    """Day, month and year in one calendar, without marks; "" where the lunar date is not known."""
    shown = _Day(day, style)
    return shown.words(calendar, shown.script)


def format_days(first: date, last: date, style: DateStyle) -> str:
    """From one civil day to another, marks included: شنبه ۲۳ تا جمعه ۲۹ آبان ۱۴۰۵ (۱۴ تا ۲۰ نوامبر ۲۰۲۶).

    What both days share is said once, with the second.
    """
    begin, end = _Day(first, style), _Day(last, style)
    calendar, *others = (each for each in end.calendars() if begin.parts(each))
    if first == last:
        line = _with_weekday(end, calendar)
    else:
        line = _from_to(begin, end, calendar, end.script, with_weekdays=True)
    brackets = " · ".join(
        _from_to(begin, end, each, end.persian_script) if first != last else end.words(each, end.persian_script)
        for each in others
    )
    return ("" if end.script == "en" else RLM) + line + (f" ({RLI}{brackets}{PDI})" if brackets else "")


def _from_to(begin: _Day, end: _Day, calendar: Calendar, script: _Script, *, with_weekdays: bool = False) -> str:
    year, month, day = begin.parts(calendar) or (0, 0, 0)
    end_year, end_month, _ = end.parts(calendar) or (0, 0, 0)
    if year != end_year:
        since = begin.words(calendar, script)
    elif month != end_month:
        name = begin.month(calendar, month, script)
        since = begin.digits(f"{day}{'ی' if script == 'ckb' else ''} {name}", script)
    else:
        since = begin.digits(str(day), script)
    sides = (since, end.words(calendar, script))
    if with_weekdays:
        sides = (f"{begin.weekday(script)} {sides[0]}", f"{end.weekday(script)} {sides[1]}")
    return f" {'to' if script == 'en' else 'تا'} ".join(sides)


def short_date(when: datetime, zone: ZoneInfo, style: DateStyle) -> str:
    """Day and month for lists, in the style's first calendar and without marks: ۲۶ آبان, 17 Nov."""
    shown = _Day(when.astimezone(zone).date(), style)
    calendar, script = shown.calendars()[0], shown.script
    _, month, day = shown.parts(calendar) or (0, shown.day.month, shown.day.day)
    name = shown.month(calendar, month, script)
    if script == "en" and calendar is Calendar.GREGORIAN:
        name = name[:3]
    genitive = "ی" if script == "ckb" else ""
    return shown.digits(f"{day}{genitive} {name}", script)


def describe(day: date) -> dict[str, str | None]:
    """The day in every calendar and both languages, as ``qasedak date --json`` prints it."""
    jalali, lunar = to_jalali(day), to_lunar(day)
    midnight = datetime.combine(day, time(), UTC)
    return {
        "gregorian": day.isoformat(),
        "jalali": f"{jalali.year:04}-{jalali.month:02}-{jalali.day:02}",
        "lunar": None if lunar is None else f"{lunar[0]:04}-{lunar[1]:02}-{lunar[2]:02}",
        "weekday": weekday_name(day, "en").lower(),
        "fa": format_date(midnight, ZoneInfo("UTC"), DateStyle("fa"), date_only=True),
        "en": format_date(midnight, ZoneInfo("UTC"), DateStyle("en"), date_only=True),
    }
