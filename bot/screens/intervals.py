"""How often a feed is really asked, and why, in the reader's language. Pure.

The reasons are stored in English words (``manners.py``); the known ones are said here, and the others as they are.
"""

import re
from collections.abc import Iterator
from datetime import timedelta

from bot.labels import translator
from bot.model import Language


def asked_every(span: timedelta, why: str, language: Language) -> str:
    """``asked every 42m: your floor 30m, publisher says 2520s``, or alike."""
    t, minutes = translator(language), max(round(span.total_seconds() / 60), 1)
    if minutes < 100:
        said = t("asked every {n}m", n=minutes)
    elif minutes < 48 * 60:
        said = t("asked every {n}h", n=round(minutes / 60))
    else:
        said = t("asked every {n} days", n=round(minutes / (24 * 60)))
    return f"{said}: {reasons(why, language)}"


def reasons(why: str, language: Language) -> str:
    """Why a feed is asked when it is."""
    if language == "en":
        return why
    return translator(language)(", ").join(_said(each, language) for each in _apart(why))


def _apart(why: str) -> Iterator[str]:
    for part in re.split(r", (?!since such)", why):
        yield part.strip()


def _said(part: str, language: Language) -> str:
    t = translator(language)
    known = {
        r"your floor (\d+)m": "your floor {n}m",
        r"rhythm (\d+)m": "its own rhythm {n}m",
        r"idle (\d+)m": "idle, {n}m",
        r"rhythm not known yet (\d+)m": "rhythm not known yet, {n}m",
        r"sends everything each time (\d+)m": "sends everything each time, {n}m",
        r"publisher says (\d+)m": "publisher says {n}m",
        r"publisher says (\d+)s": "publisher says {n}s",
        r"publisher asks to wait (\d+)s": "publisher asks to wait {n}s",
        r"failed (\d+) times in a row": "failed {n} times in a row",
        r"failed once": "failed once",
        r"archives are looked at every minute": "archives are looked at every minute",
        r"the archive cannot be read": "the archive cannot be read",
        r"its files may still be written to": "its files may still be written to",
        r"what was read could not be stored": "what was read could not be stored",
        r"overdue; asked in turn after a stop": "overdue; asked in turn after a stop",
        r"its address died; asked where it had moved to": "its address died; asked where it had moved to",
        r"gone; asked once more, .*": "gone; asked once more to be sure",
    }
    for pattern, words in known.items():
        if found := re.fullmatch(pattern, part):
            return t(words, n=int(found[1])) if found.groups() else t(words)
    return part
