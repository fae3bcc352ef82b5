"""Three calendars: conversion of civil days between them, and what their months and weekdays are called.

The only importer of jdatetime and of hijridate, and only for conversion: their names, digits, parsing and locale
are not to be used (jdatetime keeps its locale per thread, so two tasks would share it). Knows civil days only, no
clock times and no zones.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import hijridate
import jdatetime

from bot.model import Language, Months

# Where the calendar of Iran leaves the 33-year rule: these years would be leap by it, and the next one is instead.
# The years are those of ICU (icu4c/source/i18n/persncal.cpp), computed from the March equinox at 52.5 degrees east.
_SHORTENED_YEARS = frozenset(
    (
        *(1502, 1601, 1634, 1667, 1700, 1733, 1766, 1799, 1832, 1865, 1898, 1931, 1964, 1997, 2030, 2059),
        *(2063, 2096, 2129, 2158, 2162, 2191, 2195, 2224, 2228, 2257, 2261, 2290, 2294, 2323, 2327, 2356),
        *(2360, 2389, 2393, 2422, 2426, 2455, 2459, 2488, 2492, 2521, 2525, 2554, 2558, 2587, 2591, 2620),
        *(2624, 2653, 2657, 2686, 2690, 2719, 2723, 2748, 2752, 2756, 2781, 2785, 2789, 2818, 2822, 2847),
        *(2851, 2855, 2880, 2884, 2888, 2913, 2917, 2921, 2946, 2950, 2954, 2979, 2983, 2987),
    )
)
_LONG_MONTHS_DAYS = 6 * 31  #: days of the first six Jalali months


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


#: Spellings are CLDR's. ``date.weekday()`` numbers: Monday first.
WEEKDAYS: dict[str, tuple[str, ...]] = {
    "fa": ("دوشنبه", "سه\u200cشنبه", "چهارشنبه", "پنجشنبه", "جمعه", "شنبه", "یکشنبه"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "ckb": ("دووشەممە", "سێشەممە", "چوارشەممە", "پێنجشەممە", "ھەینی", "شەممە", "یەکشەممە"),
}
#: Names of the Jalali months in the script of each tradition.
JALALI_MONTHS: dict[Months, tuple[str, ...]] = {
    Months.IRANIAN: _words("فروردین اردیبهشت خرداد تیر مرداد شهریور مهر آبان آذر دی بهمن اسفند"),
    Months.AFGHAN: _words("حمل ثور جوزا سرطان اسد سنبله میزان عقرب قوس جدی دلو حوت"),
    Months.KURDISH: _words(
        "خاکەلێوە گوڵان جۆزەردان پووشپەڕ گەلاوێژ خەرمانان ڕەزبەر گەڵاڕێزان سەرماوەز بەفرانبار ڕێبەندان ڕەشەمە"
    ),
}
#: The same in Latin letters, for English.
JALALI_MONTHS_LATIN: dict[Months, tuple[str, ...]] = {
    Months.IRANIAN: _words("Farvardin Ordibehesht Khordad Tir Mordad Shahrivar Mehr Aban Azar Dey Bahman Esfand"),
    Months.AFGHAN: _words("Hamal Sawr Jawza Saratan Asad Sonbola Mizan Aqrab Qaws Jadi Dalw Hut"),
    Months.KURDISH: _words(
        "Xakelêwe Gulan Cozerdan Pûşper Gelawêj Xermanan Rezber Gelarêzan Sermawez Befranbar Rêbendan Reşeme"
    ),
}
GREGORIAN_MONTHS_EN: tuple[str, ...] = _words(
    "January February March April May June July August September October November December"
)
#: Names of the Gregorian months among the readers of each tradition.
GREGORIAN_MONTHS: dict[Months, tuple[str, ...]] = {
    Months.IRANIAN: _words("ژانویه فوریه مارس آوریل مه ژوئن ژوئیه اوت سپتامبر اکتبر نوامبر دسامبر"),
    Months.AFGHAN: _words("جنوری فبروری مارچ اپریل می جون جولای اگست سپتمبر اکتوبر نومبر دسمبر"),
    Months.KURDISH: (
        *("کانوونی دووەم", "شوبات", "ئازار", "نیسان", "ئایار", "حوزەیران", "تەمووز", "ئاب", "ئەیلوول"),
        *("تشرینی یەکەم", "تشرینی دووەم", "کانوونی یەکەم"),
    ),
}
LUNAR_MONTHS: tuple[str, ...] = (
    *("محرم", "صفر", "ربیع\u200cالاول", "ربیع\u200cالثانی", "جمادی\u200cالاول", "جمادی\u200cالثانی"),
    *("رجب", "شعبان", "رمضان", "شوال", "ذیقعده", "ذیحجه"),
)
LUNAR_MONTHS_EN: tuple[str, ...] = (
    *("Muharram", "Safar", "Rabi\u02bb I", "Rabi\u02bb II", "Jumada I", "Jumada II"),
    *("Rajab", "Sha\u02bbban", "Ramadan", "Shawwal", "Dhu\u02bbl-Qi\u02bbdah", "Dhu\u02bbl-Hijjah"),
)


@dataclass(frozen=True, slots=True, order=True)
class JalaliDate:
    """A day of the calendar of Iran; in the same order as the days themselves."""

    year: int
    month: int
    day: int


def to_jalali(day: date) -> JalaliDate:
    """The Jalali name of a day, from 622-03-21 to 9998-03-19; ValueError outside."""
    year = day.year - 621
    if year > jdatetime.MAXYEAR or day < _new_year(year):
        year -= 1
    offset = (day - _new_year(year)).days
    if offset < _LONG_MONTHS_DAYS:
        return JalaliDate(year, offset // 31 + 1, offset % 31 + 1)
    offset -= _LONG_MONTHS_DAYS
    return JalaliDate(year, offset // 30 + 7, offset % 30 + 1)


@lru_cache(maxsize=256)
def _new_year(year: int) -> date:
    first: date = jdatetime.date(year, 1, 1, locale="fa_IR").togregorian()
    return first - timedelta(days=year - 1 in _SHORTENED_YEARS)


def from_jalali(year: int, month: int, day: int) -> date:
    """The day of that Jalali name; ValueError where the calendar has none, as 30 Esfand of a common year."""
    if not (1 <= month <= 12 and 1 <= day <= days_in_jalali_month(year, month)):
        raise ValueError(f"no such Jalali day: {year:04}-{month:02}-{day:02}")
    before = 31 * (month - 1) if month <= 7 else _LONG_MONTHS_DAYS + 30 * (month - 7)
    return _new_year(year) + timedelta(days=before + day - 1)


def days_in_jalali_month(year: int, month: int) -> int:
    """29, 30 or 31."""
    if month == 12:
        return 30 if is_jalali_leap(year) else 29
    return 31 if month <= 6 else 30


def is_jalali_leap(year: int) -> bool:
    """Whether Esfand of that year has 30 days."""
    return (_new_year(year + 1) - _new_year(year)).days == 366


def to_lunar(day: date, offset: int = 0) -> tuple[int, int, int] | None:
    """Year, month and day by Umm al-Qura, or None outside its table (1924-08-01 to 2077-11-16).

    ``offset`` days are added first: the calendar announced in Iran can run a day behind.
    """
    try:
        shifted = day + timedelta(days=offset)
        lunar = hijridate.Gregorian.fromdate(shifted).to_hijri()
    except OverflowError:
        return None
    return lunar.year, lunar.month, lunar.day


def from_lunar(year: int, month: int, day: int) -> date:
    """The day of that name by Umm al-Qura; ValueError where it has none, or none that its table knows."""
    try:
        found = hijridate.Hijri(year, month, day).to_gregorian()
    except OverflowError as unknown:
        raise ValueError(f"no lunar day in the table: {year:04}-{month:02}-{day:02}") from unknown
    return date(found.year, found.month, found.day)  # theirs is a class of its own


def weekday_name(day: date, language: Language) -> str:
    """The name of its weekday, in full."""
    return WEEKDAYS[language][day.weekday()]
