"""Whether a day is this very day of an earlier year, in the Jalali calendar or in the Gregorian. Pure.

Days that a year lacks are kept on the day before: posts of 30 Esfand on 29 Esfand of a common year, posts of 29
February on the 28th.
"""

from datetime import date, timedelta

from bot.text import calendars


def years_ago(posted: date, today: date) -> int | None:
    """How many years ago this very day was, in the Jalali calendar or else in the Gregorian; None where it is not."""
    then, now = calendars.to_jalali(posted), calendars.to_jalali(today)
    if then.year < now.year and (now.month, now.day) == _kept_jalali_day(then, now.year):
        return now.year - then.year
    if posted.year < today.year and (today.month, today.day) == _kept_gregorian_day(posted, today.year):
        return today.year - posted.year
    return None


def past_days(today: date, earliest: date) -> list[date]:
    """The days since *earliest* whose anniversary is today, in either calendar; the latest first."""
    now = calendars.to_jalali(today)
    found = set()
    for years in range(1, today.year - earliest.year + 2):
        if now.year <= years:
            break
        # Months of one number begin within a day of each other, so these cover what a leap year moves.
        jalali = calendars.from_jalali(now.year - years, now.month, min(now.day, 29))
        gregorian = date(today.year - years, today.month, min(today.day, 28))
        found |= {near + timedelta(days=more) for near in (jalali, gregorian) for more in range(4)}
    return sorted((day for day in found if day >= earliest and years_ago(day, today)), reverse=True)


def _kept_jalali_day(then: calendars.JalaliDate, year: int) -> tuple[int, int]:
    is_missing = (then.month, then.day) == (12, 30) and not calendars.is_jalali_leap(year)
    return (12, 29) if is_missing else (then.month, then.day)


def _kept_gregorian_day(then: date, year: int) -> tuple[int, int]:
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (2, 28) if (then.month, then.day) == (2, 29) and not is_leap else (then.month, then.day)
