"""Parse one feed document. Runs in a child process that may be killed: feedparser can hang or raise on bad input.

Bytes in, plain dictionaries out (they must cross a process border). Decides the charset itself, since feedparser
trusts HTTP headers over bytes and so makes mojibake of half the Persian feeds; ``mending.py`` mends the markup. Touches
no network, no clock and no disk.
"""

import contextlib
import io
import json
import os
import re
import resource
from collections.abc import Mapping
from typing import Any

import feedparser

from bot.sources import mending
from bot.sources.mending import MAX_ENTRIES, Ending

#: Characters of one text; longer ones are cut and flagged.
MAX_TEXT_CHARS = 512 * 1024
MAX_TITLE_CHARS = 1024
MAX_TAGS = mending.MAX_TAGS
#: Of an address or a name.
MAX_SHORT_CHARS = 8 * 1024
#: In which the channel speaks of itself; only what is read past feedparser must keep to it.
MAX_HEAD_CHARS = 64 * 1024
#: JSON deeper than this is refused before Python's own recursion limit meets it.
MAX_JSON_DEPTH = 100

#: Encodings feeds are really in. utf-7 is left out on purpose: it lets text turn into markup.
CHARSETS = re.compile(
    r"utf-?8|utf-?16(le|be)?|utf-?32(le|be)?|us-ascii|ascii|iso-?8859-\d{1,2}|latin-?1|windows-125\d|cp125\d|koi8-[ru]|"
    r"gb2312|gbk|gb18030|big5|euc-(jp|kr)|shift[_-]jis|iso-2022-jp|macintosh|tis-620",
    re.IGNORECASE,
)
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_COMMENT = re.compile("<!--.*?(?:-->|\\Z)", re.DOTALL)
_HOUR = re.compile(r"<hour>\s*([0-9]{1,2})\s*</")
_DAY = re.compile(r"<day>\s*([a-z]{6,9})\s*</")
# A string, also one that never ends; or a bracket.
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|([\[{])|([\]}])', re.DOTALL)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""", re.IGNORECASE)

# feedparser's own setting: the drivers that it tries before the standard one.
feedparser.api.PREFERRED_XML_PARSERS.insert(0, "bot.sources.buffered_expat")


class NotAFeed(ValueError):
    """The document is none of the formats we know, or feedparser fails on it; the text says what it looks like."""


def set_up_child(memory_bytes: int, niceness: int) -> None:
    """Give this process so much address space and no more, and its place behind the others'.

    Here, since the child imports this module alone.
    """
    with contextlib.suppress(ValueError, OSError):  # a container may allow less already
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    os.nice(niceness)


def parse(body: bytes, content_type: str) -> dict[str, Any]:
    """Parse RSS, RDF, Atom or JSON Feed into plain values.

    A document has ``title home new_url language ttl_minutes update_minutes skip_hours skip_days ending strict
    entries``; ``strict`` is whether it is well-formed XML: then what one entry says depends on no other. An entry has
    ``guid title link published updated author tags summary content enclosures truncated``; dates are the publisher's
    own strings, and so are addresses, but for what xml:base says. Entries stand in the document's order.

    Raises: NotAFeed; and MemoryError, which says something of the process as well.
    """
    text = decode(body, content_type)
    if text.lstrip()[:1] in ("{", "["):
        return _parse_json(text)
    return _parse_xml(text)


# --- characters ----------------------------------------------------------------------------------------------


def decode(body: bytes, content_type: str) -> str:
    """Turn a body into text. What is valid multi-byte UTF-8 is UTF-8, whatever header or declaration say."""
    for mark, charset in _BOMS:
        if body.startswith(mark):
            return body.decode(charset, "replace").removeprefix("\ufeff")
    if not body.isascii():
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            pass  # then what is declared decides, and in the end the bytes
    elif b"\0" not in body and b"\x1b" not in body:
        return body.decode("ascii")
    head = body[:512]
    if head[:2] in (b"<\0", b"\0<"):
        return body.decode("utf-16-le" if head[:1] == b"<" else "utf-16-be", "replace")
    declared = _DECLARED.search(head)
    from_header = re.search(r"charset\s*=\s*[\"']?([A-Za-z0-9._-]+)", content_type or "", re.IGNORECASE)
    candidates = [found for found in (declared and declared[1].decode(), from_header and from_header[1]) if found]
    for charset in candidates:
        if CHARSETS.fullmatch(charset) and not re.match("utf-?8$", charset, re.IGNORECASE):
            try:
                return body.decode(charset)
            except (UnicodeDecodeError, LookupError):
                continue
    damaged = body.decode("utf-8", "replace")
    lost = damaged.count("\ufffd")
    # A few bad bytes in a UTF-8 document cost those characters, not all the others.
    if lost < sum(character > "\x7f" for character in damaged) - lost:
        return damaged
    return body.decode("windows-1256" if _looks_persian(body) else "windows-1252", "replace")


def _looks_persian(body: bytes) -> bool:
    """Whether bytes make more sense as windows-1256: whole words of them, and most of them Arabic letters there.

    The accented letters of French lie in the same range, but one by one between others.
    """
    high = [byte for byte in body if byte >= 0x80]
    letters = sum(byte in b"\x81\x8d\x8e\x90\x98\x9d" or 0xC1 <= byte <= 0xED for byte in high)
    in_words = sum(map(len, re.findall(rb"[\x80-\xff]{3,}", body)))
    if re.search(rb"<language>\s*(?:fa|ar)\b|xml:lang\s*=\s*[\"'](?:fa|ar)\b", body):
        return True
    return len(high) > 5 and letters * 10 > len(high) * 9 and in_words * 2 > len(high)


# --- XML -----------------------------------------------------------------------------------------------------


def _parse_xml(text: str) -> dict[str, Any]:
    parsed = _feedparser(_mend(text))
    if not parsed.get("version") and not parsed.entries:
        raise NotAFeed(_looks_like(text))
    ending = mending.find_ending(text) if parsed.bozo else Ending.WHOLE
    if ending is not Ending.WHOLE and not parsed.entries:
        raise NotAFeed("it was cut off before its first entry; it is tried again later")
    channel = parsed.feed
    return {
        "title": _text(channel, "title"),
        "home": _text(channel, "link"),
        "new_url": (_text(channel, "itunes_new-feed-url") or "")[:MAX_SHORT_CHARS] or None,
        "language": _text(channel, "language"),
        "ttl_minutes": _minutes(_text(channel, "ttl")),
        "update_minutes": _update_minutes(channel),
        **_skipped(text),
        "ending": ending,
        "strict": not parsed.bozo,
        "entries": [_entry(entry) for entry in parsed.entries[:MAX_ENTRIES]],
    }


def _mend(text: str) -> str:
    try:
        return mending.mend(text)
    except mending.Refused as error:
        raise NotAFeed(str(error)) from error


def _feedparser(text: str) -> Any:
    try:
        return feedparser.parse(
            io.BytesIO(text.encode("utf-8")),
            # No content-location: feedparser would make a link of a guid such as "1".
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except MemoryError:
        raise
    # It raises re.error, ValueError, OverflowError, UnicodeError ... on odd documents: feedparser#599.
    except Exception as error:
        raise NotAFeed(f"feedparser fails on it ({type(error).__name__}); report it to the publisher") from error


def _looks_like(text: str) -> str:
    head = text[:2048].lower()
    if "<html" in head or "<!doctype html" in head:
        return "it is a web page, not a feed; open it and look for its RSS or Atom address"
    return "it is no RSS, Atom or JSON feed; open the address in a browser"


def _text(element: Mapping[str, Any], name: str) -> str | None:
    # "in", not get(): feedparser answers get("updated") with the published date.
    value = element[name] if name in element else None  # noqa: SIM401
    return value if isinstance(value, str) and value.strip() else None


def _minutes(ttl: str | None) -> int | None:
    """RSS ttl in minutes; None where it is nonsense."""
    ttl = (ttl or "").strip()
    return int(ttl) if _is_number(ttl) and 0 < int(ttl) <= 7 * 24 * 60 else None


def _update_minutes(channel: Mapping[str, Any]) -> int | None:
    """The RDF syndication module's period and frequency in minutes; None where they are nonsense."""
    period = {"hourly": 60, "daily": 1440, "weekly": 10080, "monthly": 43200, "yearly": 525600}.get(
        (_text(channel, "sy_updateperiod") or "").strip().lower()
    )
    frequency = (_text(channel, "sy_updatefrequency") or "1").strip()
    return period // int(frequency) if period and _is_number(frequency) and 0 < int(frequency) <= period else None


def _is_number(text: str) -> bool:
    return re.fullmatch("[0-9]{1,9}", text) is not None


def _skipped(text: str) -> dict[str, list[int]]:
    """The hours and days that RSS says not to ask in: read here, since feedparser keeps the last one of each only."""
    head = _COMMENT.sub("", mending.find_head(text[:MAX_HEAD_CHARS])).lower()
    hours, days = _HOUR.findall(_inside(head, "skiphours")), _DAY.findall(_inside(head, "skipdays"))
    skip_hours = {int(hour) % 24 for hour in hours if int(hour) <= 24}  # RSS 0.91 counted 1 to 24
    skip_days = {_WEEKDAYS.index(day) for day in days if day in _WEEKDAYS}
    return {
        # Who is never to be asked is mistaken.
        "skip_hours": sorted(skip_hours) if len(skip_hours) < 24 else [],
        "skip_days": sorted(skip_days) if len(skip_days) < 7 else [],
    }


def _inside(head: str, name: str) -> str:
    inside, end, _rest = head.partition(f"<{name}>")[2].partition(f"</{name}>")
    return inside if end else ""


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    summary = _text(entry, "summary")
    contents = [part.get("value") or "" for part in entry.get("content", ()) if part.get("value")]
    content = max(contents, key=len, default=None)
    if content is None or content == summary:
        content, summary = summary, None
    return _capped(
        {
            "guid": _text(entry, "id"),
            "title": _text(entry, "title"),
            "link": _link(entry),
            "published": _text(entry, "published") or _text(entry, "created"),
            "updated": _text(entry, "updated"),
            "author": _text(entry, "author"),
            "tags": [tag.get("term") or tag.get("label") for tag in entry.get("tags", ())],
            "summary": summary,
            "content": content,
            "enclosures": _enclosures(entry),
        }
    )


def _link(entry: Mapping[str, Any]) -> str | None:
    """The entry's link; a guid taken for one only where it is a whole address: feedparser takes "1" as well."""
    link = _text(entry, "link")
    is_guid = bool(entry.get("guidislink")) and link == _text(entry, "id")
    return None if link and is_guid and not re.match(r"\s*[a-z][a-z0-9+.-]*:", link, re.IGNORECASE) else link


def _enclosures(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    image = entry.get("image")
    found = [
        *(_enclosure(link, link.get("href"), link.get("type"), link.get("length")) for link in _enclosing(entry)),
        *(
            _enclosure(media, media.get("url"), media.get("type") or _medium(media), media.get("filesize"))
            for media in entry.get("media_content", ())
        ),
        *(_enclosure(media, media.get("url"), "image/*", None) for media in entry.get("media_thumbnail", ())),
        *([_enclosure(image, image.get("href"), "image/*", None)] if isinstance(image, Mapping) else ()),
    ]
    unique = {enclosure["url"]: enclosure for enclosure in reversed(found) if enclosure["url"]}
    return list(reversed(unique.values()))[:20]


def _enclosing(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [link for link in entry.get("links", ()) if link.get("rel") == "enclosure"]


def _enclosure(element: Mapping[str, Any], url: Any, kind: Any, size: Any) -> dict[str, Any]:
    return {
        "url": str(url or ""),
        "type": str(kind or ""),
        "size": _count(size),
        "width": _count(element.get("width")),
        "height": _count(element.get("height")),
    }


def _count(value: Any) -> int | None:
    """A number that a publisher wrote, also as 640.0 or 640px; 0 is how many of them say that they do not know."""
    found = re.match(r"\s*([0-9]{1,12})(?:\.0+)?(?:px)?\s*\Z", str(value))
    return int(found[1]) or None if found else None


def _medium(media: Mapping[str, Any]) -> str:
    return f"{media['medium']}/*" if media.get("medium") in ("image", "audio", "video") else ""


def _capped(entry: dict[str, Any]) -> dict[str, Any]:
    entry["truncated"] = any(len(entry[name] or "") > MAX_TEXT_CHARS for name in ("summary", "content"))
    for name in ("summary", "content"):
        entry[name] = entry[name][:MAX_TEXT_CHARS] if entry[name] else None
    entry["title"] = entry["title"][: MAX_TITLE_CHARS * 4] if entry["title"] else None
    for name in ("link", "author"):
        entry[name] = entry[name][:MAX_SHORT_CHARS] if entry[name] else None
    tags = [_string(tag) for tag in entry["tags"]]
    entry["tags"] = [tag.strip()[:MAX_SHORT_CHARS] for tag in tags if tag][:MAX_TAGS]
    return entry


# --- JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1) ---------------------------------------------------------


def _parse_json(text: str) -> dict[str, Any]:
    depth = 0
    for bracket in _JSON_TOKEN.finditer(text):
        depth += 1 if bracket[1] else -1 if bracket[2] else 0
        if depth > MAX_JSON_DEPTH:
            raise NotAFeed("its JSON is nested deeper than any feed; it is not read")
    try:
        document = json.loads(text, strict=False)
    except ValueError:
        raise NotAFeed("its JSON is broken; it is tried again later") from None
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise NotAFeed("it is JSON, but not a JSON Feed: it has no list of items; open the address in a browser")
    items = [item for item in document["items"] if isinstance(item, dict)]
    return {
        "title": _string(document.get("title")),
        "home": _string(document.get("home_page_url")),
        "language": _string(document.get("language")),
        "new_url": None,
        "ttl_minutes": None,
        "update_minutes": None,
        "skip_hours": [],
        "skip_days": [],
        "ending": Ending.WHOLE,
        "strict": False,
        "entries": [_json_entry(item) for item in _newest(items)],
    }


def _newest(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(items) <= MAX_ENTRIES:
        return items
    first, last = (
        [date for item in items[part] if (date := _string(item.get("date_published")))]
        for part in (slice(None, mending.ENTRIES_TO_DATE_BY), slice(-mending.ENTRIES_TO_DATE_BY, None))
    )
    return items[-MAX_ENTRIES:] if mending.is_oldest_first(first, last) else items[:MAX_ENTRIES]


def _json_entry(item: Mapping[str, Any]) -> dict[str, Any]:
    html, text = _string(item.get("content_html")), _string(item.get("content_text"))
    authors = item.get("authors") if isinstance(item.get("authors"), list) else [item.get("author")]
    names = [_string(author.get("name")) for author in authors or () if isinstance(author, dict)]
    attachments = item.get("attachments") if isinstance(item.get("attachments"), list) else []
    enclosures = [
        _enclosure({}, address, _string(part.get("mime_type")), part.get("size_in_bytes"))
        for part in attachments or ()
        if isinstance(part, dict) and (address := _string(part.get("url")))
    ]
    image = _string(item.get("image")) or _string(item.get("banner_image"))
    guid = item.get("id")
    return _capped(
        {
            # Numeric ids are their decimal string (version 1.1, "id").
            "guid": str(guid) if isinstance(guid, int | float) and not isinstance(guid, bool) else _string(guid),
            "title": _string(item.get("title")),
            "link": _string(item.get("url")) or _string(item.get("external_url")),
            "published": _string(item.get("date_published")),
            "updated": _string(item.get("date_modified")),
            "author": ", ".join(name for name in names if name) or None,
            "tags": item.get("tags") if isinstance(item.get("tags"), list) else [],
            "summary": _string(item.get("summary")),
            "content": html or (_as_html(text) if text else None),
            "enclosures": ([_enclosure({}, image, "image/*", None)] if image else []) + enclosures,
        }
    )


def _string(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    cleaned = mending.legal(value)
    return cleaned if cleaned.strip() else None


def _as_html(text: str) -> str:
    """Plain text keeps its lines: ``content_text`` is not HTML, and its ``<`` is a less-than sign."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"<p>{part.strip()}</p>" for part in re.split(r"\n\s*\n", escaped) if part.strip()).replace(
        "\n", "<br>"
    )
