"""Files in the JSON Feed format (jsonfeed.org): an archive in the form of a feed, and as long as it likes.

What an item says is ``document.py``'s knowledge, as it is for feeds; here the file is taken apart, since that one
reads no more than a feed's worth at once. The feed's own address and language count where they stand above the items.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.model import Enclosure, Entry
from bot.sources import document, exports
from bot.sources.exports import read_moment, web_link
from bot.sources.json_members import read_members

_BATCH = 200  #: fewer than ``document.MAX_ENTRIES``


def read_entries(path: Path, zone: ZoneInfo, language: str | None) -> Iterator[Entry]:
    """The items of a file, in its order.

    Raises: ArchiveError.
    """
    told: dict[str, Any] = {}
    batch: list[Any] = []
    for name, value in read_members(path, "items"):
        if name != "items":
            told[name] = value
            continue
        batch.append(value)
        if len(batch) == _BATCH:
            yield from _entries(path, batch, told, zone, language)
            batch = []
    yield from _entries(path, batch, told, zone, language)
    if not str(told.get("version")).startswith("https://jsonfeed.org/version/"):
        raise exports.wrong(path, "is no JSON Feed: its version does not say so", "name another format")


def _entries(
    path: Path, items: list[Any], told: dict[str, Any], zone: ZoneInfo, language: str | None
) -> Iterator[Entry]:
    try:
        feed = {"items": items, "home_page_url": told.get("home_page_url"), "language": told.get("language")}
        parsed = document.parse(json.dumps(feed).encode("ascii"), "")
    except (document.NotAFeed, RecursionError):
        raise exports.wrong(path, "is JSON nested deeper than any feed") from None
    for found in parsed["entries"]:
        yield exports.make_entry(
            guid=found["guid"],
            title=found["title"],
            link=web_link(found["link"], parsed["home"]),
            published=read_moment(found["published"], zone),
            updated=read_moment(found["updated"], zone),
            author=found["author"],
            tags=tuple(found["tags"]),
            summary=found["summary"],
            content=found["content"],
            enclosures=tuple(
                Enclosure(url, enclosure["type"], enclosure["size"])
                for enclosure in found["enclosures"]
                if (url := web_link(enclosure["url"], parsed["home"]))
            ),
            is_cut=found["truncated"],
            language=language,
            declared=parsed["language"],
        )
