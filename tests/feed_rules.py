"""What the W3C feed validator and the specifications ask of a feed, as far as a document of ours can break it.

RFC 4287, RSS 2.0 with its best practices, JSON Feed 1.1. Each function names the faults of a document, a line each.
"""

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any

ATOM, DC = "{http://www.w3.org/2005/Atom}", "{http://purl.org/dc/elements/1.1/}"
#: RFC 3986 in full, ASCII alone: RSS knows no IRIs.
_URI = re.compile(r"(?:https?://|urn:uuid:|tg://)[0-9A-Za-z;/?:@&=+$.\-_!~*'()%,#\[\]]+")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_RFC822 = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*")
_UNSAFE = {"script", "style", "meta", "embed", "object", "iframe", "form", "base", "link"}
_OF_FEED = {"id", "title", "updated", "author", "generator", "link", "entry"}
_OF_ENTRY = {"id", "title", "published", "updated", "author", "link", "category", "summary", "content"}
_OF_CHANNEL = {"title", "link", "description", "language", "lastBuildDate", "generator", f"{ATOM}link", "item"}
_OF_ITEM = {"title", "link", "guid", "pubDate", f"{ATOM}updated", f"{DC}creator", "category", "description"}


def atom_faults(written: bytes) -> list[str]:
    """RFC 4287."""
    return list(_atom(ET.fromstring(written)))


def _atom(feed: ET.Element) -> Iterator[str]:
    if feed.tag != f"{ATOM}feed":
        yield f"root {feed.tag}"
    language = feed.get("{http://www.w3.org/XML/1998/namespace}lang", "")
    if not _LANGUAGE.fullmatch(language):
        yield f"xml:lang {language!r}"
    entries = feed.findall(f"{ATOM}entry")
    for parent, known in ((feed, _OF_FEED), *((entry, _OF_ENTRY) for entry in entries)):
        yield from (f"unknown {one.tag}" for one in parent if one.tag.removeprefix(ATOM) not in known)
        for name in ("id", "title", "updated"):
            if len(parent.findall(f"{ATOM}{name}")) != 1:
                yield f"{name} is not there once"
        yield from _uris(parent.findtext(f"{ATOM}id") for _ in (1,))
        for name in ("updated", "published"):
            yield from (f"{name} {one.text}" for one in parent.findall(f"{ATOM}{name}") if not _is_instant(one.text))
        links = parent.findall(f"{ATOM}link")
        yield from _uris(link.get("href") for link in links)
        kinds = Counter((link.get("rel"), link.get("type")) for link in links)
        yield from (f"two links of {kind}" for kind, count in kinds.items() if count > 1)
        yield from ("author without a name" for one in parent.findall(f"{ATOM}author/{ATOM}name") if not one.text)
        yield from ("blank category" for one in parent.findall(f"{ATOM}category") if not one.get("term"))
    yield from _twice(entry.findtext(f"{ATOM}id") for entry in entries)
    if not feed.findall(f"{ATOM}author") and not all(entry.findall(f"{ATOM}author") for entry in entries):
        yield "nobody is the author"
    if [link.get("type") for link in feed.findall(f"{ATOM}link") if link.get("rel") == "self"] != [
        "application/atom+xml"
    ]:
        yield "no link to itself"
    for entry in entries:
        content = entry.find(f"{ATOM}content")
        if content is None or content.get("type") != "html":
            yield "no content of HTML"
        else:
            yield from html_faults(content.text or "")


def rss_faults(written: bytes) -> list[str]:
    """RSS 2.0."""
    return list(_rss(ET.fromstring(written)))


def _rss(root: ET.Element) -> Iterator[str]:
    channel = root.find("channel")
    if root.tag != "rss" or root.get("version") != "2.0" or channel is None or len(root) != 1:
        yield "no RSS 2.0 with one channel"
        return
    yield from (f"unknown {one.tag}" for one in channel if one.tag not in _OF_CHANNEL)
    yield from (f"no {name}" for name in ("title", "link", "description") if not channel.findtext(name))
    if not _LANGUAGE.fullmatch(channel.findtext("language", "")):
        yield "language"
    yield from _uris(channel.findtext("link") for _ in (1,))
    yield from _dates(channel.findtext("lastBuildDate") for _ in channel.findall("lastBuildDate"))
    own = channel.findall(f"{ATOM}link")
    if [(one.get("rel"), one.get("type")) for one in own] != [("self", "application/rss+xml")]:
        yield "no link to itself"
    yield from _uris(one.get("href") for one in own)
    items = channel.findall("item")
    yield from _twice(item.findtext("guid") for item in items)
    for item in items:
        yield from (f"unknown {one.tag}" for one in item if one.tag not in _OF_ITEM)
        counted = Counter(one.tag for one in item if one.tag not in ("category", f"{DC}creator"))
        yield from (f"{name} twice" for name, count in counted.items() if count > 1)
        yield from (f"no {name}" for name in ("title", "description", "guid", "pubDate") if not item.findtext(name))
        yield from _uris(item.findtext("link") for _ in item.findall("link"))
        yield from _dates(item.findtext("pubDate") for _ in (1,))
        yield from (f"updated {one.text}" for one in item.findall(f"{ATOM}updated") if not _is_instant(one.text))
        guid = item.find("guid")
        if guid is None or guid.get("isPermaLink") != "false":
            yield "a guid that would be an address"
        yield from ("blank category" for one in item.findall("category") if not (one.text or "").strip())
        yield from html_faults(item.findtext("description", ""))


def json_faults(written: bytes) -> list[str]:
    """JSON Feed 1.1."""
    return list(_json(json.loads(written.decode("utf-8"))))


def _json(document: dict[str, Any]) -> Iterator[str]:
    if document.get("version") != "https://jsonfeed.org/version/1.1" or not document.get("title"):
        yield "no JSON Feed with a title"
    if not _LANGUAGE.fullmatch(document.get("language", "")):
        yield "language"
    items = document["items"]
    yield from _uris(document[name] for name in ("home_page_url", "feed_url") if name in document)
    yield from _twice(item["id"] for item in items)
    for item in items:
        yield from ("an id that is no text" for _ in (1,) if not isinstance(item["id"], str))
        yield from _uris(item[name] for name in ("url", "external_url") if name in item)
        yield from (f"{name}" for name in ("date_published", "date_modified") if not _is_instant(item.get(name)))
        yield from ("blank tag" for tag in item.get("tags", ()) if not tag.strip())
        yield from ("author without a name" for author in item.get("authors", ()) if not author.get("name"))
        yield from html_faults(item["content_html"])


# --- what all of them ask ------------------------------------------------------------------------------------


def _uris(addresses: Iterable[str | None]) -> Iterator[str]:
    yield from (f"no full address: {one!r}" for one in addresses if not _URI.fullmatch(one or ""))


def _twice(names: Iterable[str | None]) -> Iterator[str]:
    yield from (f"{name} stands {count} times" for name, count in Counter(names).items() if count > 1 or not name)


def _is_instant(text: str | None) -> bool:
    if not _RFC3339.fullmatch(text or ""):
        return False
    return datetime.fromisoformat(text or "").year >= 1970


def _dates(texts: Iterable[str | None]) -> Iterator[str]:
    for text in texts:
        if not _RFC822.fullmatch(text or ""):
            yield f"no date: {text!r}"
        elif parsedate_to_datetime(text or "").strftime("%a") != (text or "")[:3]:
            yield f"another day of the week: {text}"


def html_faults(html: str) -> list[str]:
    """What is unsafe, or leads from an unknown place."""
    found = _Html()
    found.feed(html)
    return found.faults


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.faults += [f"<{tag}>"] if tag in _UNSAFE else []
        for name, value in attributes:
            if name.startswith("on") or name == "style":
                self.faults.append(f"{tag} {name}")
            elif name in ("href", "src") and not re.match(r"(?:https?|tg|mailto|tel):", value or ""):
                self.faults.append(f"{tag} leads to {value!r}")
