"""Builds the text of dumps: each post under the header that Blogger and ICU print, newest first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from bot.model import Months
from bot.text import calendars, persian


@dataclass(frozen=True, slots=True)
class Written:
    """A post to be written; ``blocks`` stand apart by empty lines."""

    day: date
    title: str
    blocks: tuple[str, ...]

    def text(self) -> str:
        return "\n\n".join((header(self.day), self.title, *self.blocks)) + "\n"


def header(day: date) -> str:
    """The day as CLDR writes it in Persian, in full."""
    jalali = calendars.to_jalali(day)
    month = calendars.JALALI_MONTHS[Months.IRANIAN][jalali.month - 1]
    numbers = persian.to_persian_digits(f"{jalali.year} {month} {jalali.day}")
    return f"{numbers}, {calendars.WEEKDAYS['fa'][day.weekday()]}"


def dump(posts: Iterable[Written]) -> str:
    """The posts in the order given."""
    return "\n".join(post.text() for post in posts)


#: Three posts, newest first; the oldest has every kind of line.
SKY = (
    Written(date(2018, 9, 30), "ماه نو پشت ابر", ("امشب ماه نو است. آسمان تاریک می\u200cماند.",)),
    Written(
        date(2018, 9, 23),
        "The first day of autumn",
        ("Day and night are equal today.\nFrom tomorrow the nights are longer.", "The garden rests."),
    ),
    Written(
        date(2018, 9, 15),
        "باغ در شهریور",
        (
            "کارهای این ماه\nنوشتهٔ گروه باغ",
            "تهران، ۲۲ شهریور ۱۳۹۷ - پیازها را بکارید.\nخاک را نم\u200cدار نگه دارید.",
            "آبیاری\nروزهای گرم دو بار آب بدهید.",
            "گل نرگس\nگل نرگس در گلدان سفالی",
            "گروه باغ\n۲۳ شهریور ۱۳۹۷",
        ),
    ),
)
