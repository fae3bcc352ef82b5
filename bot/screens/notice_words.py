"""What the admin chat is told, in its language: lines of the poller and of others, which are English where they begin.

Pure. A line that is not known stays as it is.
"""

import re

from bot import render
from bot.labels import translator
from bot.model import Language
from bot.text import persian

_SILENT = re.compile(
    r"(?P<feed>.+?): (?P<n>\d+) posts read, none published \(backfill: (?P<backfill>\w+)\)\. "
    r"The next new one will be\. To post one now: /preview .*"
)
_ANNOUNCED = re.compile(
    r"(?P<feed>.+?): its publisher says that it is at (?P<url>\S+) now; it is still read where it was\. "
    r"If that is right, write it as its url in feeds\.yaml"
)


def said(line: str, language: Language) -> str:
    """A line as the output of a template: words of feeds in it are words alone."""
    t = translator(language)
    if found := _SILENT.fullmatch(line):
        return t(
            "{feed}: {n} posts read, none published (backfill: {backfill}). The next new one will be. "
            "To post one now: {command}",
            feed=render.furniture(found["feed"]),
            n=int(found["n"]),
            backfill=found["backfill"],
            command=_command(f"/preview {found['feed']}", language),
        )
    if found := _ANNOUNCED.fullmatch(line):
        return t(
            "{feed}: its publisher says that it is at {url} now; it is still read where it was. "
            "If that is right, write it as its url in feeds.yaml.",
            feed=render.furniture(found["feed"]),
            url=render.furniture(found["url"]),
        )
    return str(render.furniture(line))


def _command(words: str, language: Language) -> str:
    shown = str(render.furniture(words)) if "<" in words else words
    return persian.isolate(shown, "ltr") if language == "fa" else shown
