"""A stretch of time as people write it to the bot: 7d, 2 weeks, ۷ روز, یک هفته. Pure."""

import re
from datetime import timedelta

from bot.text import persian

#: Longer ones are no intention.
LONGEST = timedelta(days=366)
_UNITS = {
    "m": timedelta(minutes=1), "min": timedelta(minutes=1), "minute": timedelta(minutes=1),
    "دقیقه": timedelta(minutes=1),
    "h": timedelta(hours=1), "hour": timedelta(hours=1), "ساعت": timedelta(hours=1),
    "d": timedelta(days=1), "day": timedelta(days=1), "روز": timedelta(days=1),
    "w": timedelta(weeks=1), "week": timedelta(weeks=1), "هفته": timedelta(weeks=1),
    "month": timedelta(days=30), "ماه": timedelta(days=30),
    "year": timedelta(days=365), "سال": timedelta(days=365),
}  # fmt: skip
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "یک": 1, "یه": 1, "دو": 2, "سه": 3, "چهار": 4, "پنج": 5, "شش": 6,
    "هفت": 7, "ده": 10,
}  # fmt: skip
_SPAN = re.compile(r"(?:(\d{1,4})\s*|([^\W\d_]+)\s+)?([^\W\d_]+)")


def parse_span(text: str) -> timedelta | None:
    """The stretch of time that a text names, up to a year; None where it names none.

    >>> parse_span("7d") == parse_span("۷ روز") == parse_span("یک هفته") == timedelta(days=7)
    True
    """
    found = _SPAN.fullmatch(persian.search_fold(persian.normalise_digits(text)).strip())
    if found is None:
        return None
    number, name = found[1] or found[2] or "1", found[3]
    unit = _FOLDED.get(name) or _FOLDED.get(name.removesuffix("s"))
    count = int(number) if number.isdecimal() else _FOLDED_NUMBERS.get(number)
    if unit is None or not count:
        return None
    span = unit * count
    return span if span <= LONGEST else None


_FOLDED = {persian.search_fold(name): unit for name, unit in _UNITS.items()}
_FOLDED_NUMBERS = {persian.search_fold(name): number for name, number in _NUMBERS.items()}
