"""The picture of /stats: what is to be drawn goes to a child process, a PNG comes back. The child is ``plotter.py``."""

import asyncio
import json
import sys
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from bot.labels import direction_of, translator
from bot.storage.tally import Tally
from bot.text import persian
from bot.text.dates import DateStyle, short_date
from bot.web.words import Speech

#: A child that draws for longer is ended. The first one of a machine looks through its fonts.
DEADLINE_SECONDS = 60
#: A day in so many has its name below.
_TICK = 7
NOON = time(12)


class NotDrawn(Exception):
    """The child could not draw: the library is not there, or it took too long."""


async def draw(found: Tally, speech: Speech) -> bytes:
    """A PNG of the days.

    Raises: NotDrawn.
    """
    process = None
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.admin.plotter",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(DEADLINE_SECONDS):
            picture, problem = await process.communicate(json.dumps(wanted(found, speech)).encode())
    except (OSError, TimeoutError) as error:
        raise NotDrawn(f"{type(error).__name__}: {error}") from error
    finally:
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode or not picture.startswith(b"\x89PNG"):
        raise NotDrawn(problem.decode(errors="replace").strip().rpartition("\n")[2] or "no picture came")
    return picture


def wanted(found: Tally, speech: Speech) -> dict[str, Any]:
    """What the child is told: the figures, and everything in words."""
    t = translator(speech.language)
    titles = (t("New posts, a day"), t("Sent messages, a day"), t("Failed, a day"))
    counts = (found.posts, found.sent, found.failed)
    style = DateStyle(speech.language, (speech.calendar,))
    last = len(found.days) - 1
    ticks = [
        {"at": at, "label": short_date(datetime.combine(found.days[at], NOON, UTC), ZoneInfo("UTC"), style)}
        for at in range(last, -1, -_TICK)
    ]
    return {
        "rows": [
            {"title": f"{title} ({speech.number(sum(row))})", "counts": row}
            for title, row in zip(titles, counts, strict=True)
        ],
        "ticks": ticks,
        "rtl": direction_of(speech.language) == "rtl",
        "digits": dict(zip("0123456789", persian.to_persian_digits("0123456789"), strict=True))
        if speech.language == "fa"
        else {},
    }
