"""An entry as the JSON of the contract: what ``read``, ``posts`` and ``search`` print of it."""

from typing import Any

from bot.identity import Identified
from bot.model import SummaryOptions
from bot.text import markup, summary


def entry_json(found: Identified) -> dict[str, Any]:
    """What a source says of an entry, as text; *found* brings its identity."""
    entry = found.entry
    return {
        "id": found.keys.ident,
        "title": entry.title,
        "link": entry.link,
        "published": entry.published,
        "updated": entry.updated,
        "date_only": entry.date_only,
        "author": entry.author,
        "language": entry.language,
        "tags": list(entry.tags),
        "summary": summary.choose(entry.summary, entry.fullest, entry.title, SummaryOptions()),
        "text": markup.plain(entry.fullest or entry.summary or "", base_url=entry.link),
        "enclosures": [{"url": enclosure.url, "type": enclosure.type} for enclosure in entry.enclosures],
        "flags": [str(flag) for flag in entry.flags],
    }
