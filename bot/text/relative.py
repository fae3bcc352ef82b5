"""How long ago something was, or how soon it will be, as people say it: 2 hours ago, yesterday, in 3 days.

Pure: the moment, the clock and the words are all given. The words are the caller's gettext catalog
(``bot.labels.catalog``); English stands here as its keys.
"""

from datetime import datetime
from gettext import NullTranslations
from zoneinfo import ZoneInfo

from bot.model import Language
from bot.text import persian

_MINUTE, _HOUR = 60, 3600
_HOURS_AT_MOST = 12  #: after that many, yesterday is "yesterday"
_WEEK, _MONTH, _YEAR = 7, 30, 365  # days


def ago(when: datetime, now: datetime, language: Language, zone: ZoneInfo, words: NullTranslations) -> str:
    """``when`` as seen from ``now``, rounded down to the largest unit of which one has passed.

    Days are civil days of ``zone``: 23:00 seen from noon of the next day is "yesterday".
    """
    seconds = int(abs((when - now).total_seconds()))
    days = abs((when.astimezone(zone).date() - now.astimezone(zone).date()).days)
    if seconds < _MINUTE:
        return words.gettext("just now")
    is_past = when < now
    if not days or seconds < _HOURS_AT_MOST * _HOUR:
        count = seconds // _HOUR or seconds // _MINUTE
        said = _clock_words(seconds, count, words, is_past=is_past)
    elif days == 1:
        return words.gettext("yesterday") if is_past else words.gettext("tomorrow")
    else:
        count = next(days // unit for unit in (_YEAR, _MONTH, _WEEK, 1) if days >= unit)
        said = _calendar_words(days, count, words, is_past=is_past)
    number = str(count)
    return said.format(n=persian.to_persian_digits(number) if language == "fa" else number)


def _clock_words(seconds: int, count: int, words: NullTranslations, *, is_past: bool) -> str:
    say = words.ngettext
    if seconds < _HOUR:
        if is_past:
            return say("{n} minute ago", "{n} minutes ago", count)
        return say("in {n} minute", "in {n} minutes", count)
    return say("{n} hour ago", "{n} hours ago", count) if is_past else say("in {n} hour", "in {n} hours", count)


def _calendar_words(days: int, count: int, words: NullTranslations, *, is_past: bool) -> str:
    say = words.ngettext
    if days < _WEEK:
        return say("{n} day ago", "{n} days ago", count) if is_past else say("in {n} day", "in {n} days", count)
    if days < _MONTH:
        return say("{n} week ago", "{n} weeks ago", count) if is_past else say("in {n} week", "in {n} weeks", count)
    if days < _YEAR:
        if is_past:
            return say("{n} month ago", "{n} months ago", count)
        return say("in {n} month", "in {n} months", count)
    return say("{n} year ago", "{n} years ago", count) if is_past else say("in {n} year", "in {n} years", count)
