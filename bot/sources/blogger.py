"""Blogger's exports: the old "Back up content" (Atom with kinds) and the newer feed.atom of Takeout.

Both are Atom in which posts lie among pages, comments, settings and templates; what each entry is says a category of
the kind scheme, or ``blogger:type``. Drafts and what is in the bin are left out.
"""

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.model import Enclosure, Entry
from bot.sources import exports
from bot.sources.exports import read_moment, web_link
from bot.sources.xml_records import Element, read_records

_KIND = "/kind#"
_KIND_SCHEME = "http://schemas.google.com/g/2005#kind"
_WANTED = frozenset(
    (
        *("id", "title", "link", "published", "updated", "category", "content", "summary", "author", "name"),
        *("blogger:type", "blogger:status", "blogger:trashed", "blogger:filename", "app:control", "app:draft"),
    )
)


def read_entries(path: Path, zone: ZoneInfo, language: str | None) -> Iterator[Entry]:
    """The posts of an export, in its order.

    Raises: ArchiveError.
    """
    home = None
    for found in read_records(path, "feed", frozenset(("entry", "link")), _WANTED):
        if found.name == "entry":
            if _is_public_post(found):
                yield _entry(found, home, zone, language)
        elif found.attributes.get("rel", "alternate") == "alternate":
            home = home or web_link(found.attributes.get("href"))


def _is_public_post(entry: Element) -> bool:
    kinds = [term for term in map(_term, entry.every("category")) if _KIND in term]
    kind = entry.text("blogger:type") or (kinds[0].rpartition("#")[2] if kinds else "post")
    control = entry.first("app:control")
    is_draft = control is not None and control.text("app:draft").lower() == "yes"
    is_live = (entry.text("blogger:status") or "LIVE").upper() == "LIVE"
    return kind.lower() == "post" and is_live and not is_draft and not entry.text("blogger:trashed")


def _term(category: Element) -> str:
    return category.attributes.get("term", "")


def _entry(entry: Element, home: str | None, zone: ZoneInfo, language: str | None) -> Entry:
    links = [(link.attributes.get("rel", "alternate"), link.attributes) for link in entry.every("link")]
    address = next((found.get("href") for rel, found in links if rel == "alternate" and found.get("href")), None)
    content = entry.first("content")
    author = entry.first("author")
    return exports.make_entry(
        guid=entry.text("id"),
        title=entry.text("title"),
        # Takeout has the path alone, and no address of the blog.
        link=web_link(address, home) or web_link(entry.text("blogger:filename"), home),
        published=read_moment(entry.text("published"), zone),
        updated=read_moment(entry.text("updated"), zone),
        author=author.text("name") if author else None,
        tags=tuple(
            _term(category)
            for category in entry.every("category")
            if category.attributes.get("scheme") != _KIND_SCHEME and _KIND not in _term(category)
        ),
        summary=entry.text("summary"),
        content=content.value if content else None,
        enclosures=tuple(
            Enclosure(url, found.get("type", ""))
            for rel, found in links
            if rel == "enclosure" and (url := web_link(found.get("href"), home))
        ),
        is_cut=content is not None and content.is_cut,
        language=language,
    )
