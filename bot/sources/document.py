"""Parse one feed document. Runs in a child process that may be killed: feedparser can hang or raise on bad input.

Bytes in, plain dictionaries out (they must cross a process border). Decides the charset itself, since feedparser
trusts HTTP headers over bytes and so makes mojibake of half the Persian feeds; mends what would push feedparser off
its strict path. Touches no network, no clock and no disk.
"""

import contextlib
import html.entities
import io
import json
import re
import resource
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import feedparser

#: Entries beyond these are not read: no channel wants a thousand posts at once.
MAX_ENTRIES = 1000
#: Characters of one text; longer ones are cut and flagged.
MAX_TEXT_CHARS = 512 * 1024
MAX_TITLE_CHARS = 1024
MAX_TAGS = 100
#: A tag with more attributes than this sends feedparser into quadratic time.
MAX_ATTRIBUTES = 500
#: Of an address or a name.
MAX_SHORT_CHARS = 8 * 1024
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
_DECLARATION = re.compile(r"<\?xml[^>]*?\?>", re.IGNORECASE)
_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""", re.IGNORECASE)
#: XML 1.0 section 2.2: these are no characters of a document.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# What stands before the first element, up to a DOCTYPE; possessive, so that it fails in linear time.
_DOCTYPE = re.compile(
    r"\A((?:[^<]++|<\?.*?\?>|<!--.*?-->)*+)<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.IGNORECASE | re.DOTALL
)
# A stretch in which & and < mean nothing; or a reference, or an ampersand that is none; or a tag that is suspiciously
# long. Each branch that looks far ahead ends at the end of the text, or at the next "<".
_MARKUP = re.compile(
    r"(?P<verbatim><!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z))"
    r"|&(?:\#(?:x(?P<hex>[0-9a-f]+)|(?P<decimal>[0-9]+));?|(?P<name>[a-z][a-z0-9]*);)?"
    rf"|(?P<tag><[a-z][^<>]{{{2 * MAX_ATTRIBUTES}}}[^<>]*)",
    re.IGNORECASE | re.DOTALL,
)
_REFERENCE = re.compile(r"&#(?:x(?P<hex>[0-9a-f]+)|(?P<decimal>[0-9]+));?", re.IGNORECASE)


_ENTRY_EDGE = re.compile(r"<(?P<closes>/?)(?:\w+:)?(?:item|entry)(?=[\s>])", re.IGNORECASE)
_END = re.compile(r"</(?:\w+:)?(?:rss|feed|rdf|channel)\s*>", re.IGNORECASE)


class Ending(StrEnum):
    """How a document ends."""

    WHOLE = "whole"
    UNCLOSED = "unclosed"  #: after an entry, but more of them may have been meant to follow
    TORSO = "torso"  #: within an entry


class NotAFeed(ValueError):
    """The document is none of the formats we know; the text says what it looks like."""


def limit_memory(size_bytes: int) -> None:
    """Give this process so much address space and no more. Here, since the child imports this module alone."""
    with contextlib.suppress(ValueError, OSError):  # a container may allow less already
        resource.setrlimit(resource.RLIMIT_AS, (size_bytes, size_bytes))


def parse(body: bytes, content_type: str) -> dict[str, Any]:
    """Parse RSS, RDF, Atom or JSON Feed into ``{"title", "home", "language", "ttl_minutes", "ending", "entries"}``.

    An entry has ``guid title link published updated author tags summary content enclosures truncated``; dates are the
    publisher's own strings, and so are addresses, but for what xml:base says. Entries stand in the document's order.

    Raises: NotAFeed.
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
            pass
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


def _mend(text: str) -> str:
    """Bring a document onto feedparser's strict path, without changing what it says."""
    text = _ILLEGAL.sub("", _DECLARATION.sub("", text, count=1))
    # Entities of a DOCTYPE are the billion laughs; none of them is needed to read a feed.
    return _MARKUP.sub(_mended, _DOCTYPE.sub(r"\1", text, count=1)).strip()


def _mended(found: re.Match[str]) -> str:
    if found["verbatim"]:
        return _REFERENCE.sub(_legal_reference, found[0])
    if found["tag"]:
        if found["tag"].count("=") > MAX_ATTRIBUTES:
            raise NotAFeed(f"one of its tags has over {MAX_ATTRIBUTES} attributes; it is not read")
        return "<" + _MARKUP.sub(_mended, found[0][1:])
    if found["hex"] or found["decimal"]:
        return _legal_reference(found)
    if found["name"]:
        return _named_entity(found["name"]) or f"&amp;{found['name']};"
    return "&amp;"


def _legal_reference(found: re.Match[str]) -> str:
    digits = found["hex"] or found["decimal"]
    number = int(digits, 16 if found["hex"] else 10) if len(digits) < 9 else 0
    if number > 0x10FFFF or (number not in (9, 10, 13) and _ILLEGAL.match(chr(number))):
        return "\ufffd"
    return found[0] if found[0].endswith(";") else found[0] + ";"


def _named_entity(name: str) -> str | None:
    """An entity of HTML as itself, since no DOCTYPE declares it; XML's own five stay."""
    if name in ("amp", "lt", "gt", "quot", "apos"):
        return f"&{name};"
    return "".join(f"&#{ord(character)};" for character in html.entities.html5.get(name + ";", "")) or None


# --- XML -----------------------------------------------------------------------------------------------------


def _parse_xml(text: str) -> dict[str, Any]:
    parsed = feedparser.parse(
        io.BytesIO(_mend(text).encode("utf-8")),
        # No content-location: feedparser would make a link of a guid such as "1".
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not parsed.get("version") and not parsed.entries:
        raise NotAFeed(_looks_like(text))
    ending = _ending(text) if parsed.bozo else Ending.WHOLE
    if ending is not Ending.WHOLE and not parsed.entries:
        raise NotAFeed("it was cut off before its first entry; it is tried again later")
    channel = parsed.feed
    return {
        "title": _text(channel, "title"),
        "home": _text(channel, "link"),
        "language": _text(channel, "language"),
        "ttl_minutes": _minutes(channel),
        "ending": ending,
        "entries": [_entry(entry) for entry in parsed.entries[:MAX_ENTRIES]],
    }


def _looks_like(text: str) -> str:
    head = text[:2048].lower()
    if "<html" in head or "<!doctype html" in head:
        return "it is a web page, not a feed; open it and look for its RSS or Atom address"
    return "it is no RSS, Atom or JSON feed; open the address in a browser"


def _ending(text: str) -> Ending:
    edges = list(_ENTRY_EDGE.finditer(text))
    if _END.search(text, edges[-1].end() if edges else 0):
        return Ending.WHOLE
    return Ending.TORSO if edges and not edges[-1]["closes"] else Ending.UNCLOSED


def _text(element: Mapping[str, Any], name: str) -> str | None:
    # "in", not get(): feedparser answers get("updated") with the published date.
    value = element[name] if name in element else None  # noqa: SIM401
    return value if isinstance(value, str) and value.strip() else None


def _minutes(channel: Mapping[str, Any]) -> int | None:
    """RSS ttl, or the RDF syndication module's period and frequency, in minutes; None where nonsense."""
    ttl = (_text(channel, "ttl") or "").strip()
    if _is_number(ttl) and 0 < int(ttl) <= 7 * 24 * 60:
        return int(ttl)
    period = {"hourly": 60, "daily": 1440, "weekly": 10080, "monthly": 43200, "yearly": 525600}.get(
        (_text(channel, "sy_updateperiod") or "").strip().lower()
    )
    frequency = (_text(channel, "sy_updatefrequency") or "1").strip()
    return period // int(frequency) if period and _is_number(frequency) and 0 < int(frequency) <= period else None


def _is_number(text: str) -> bool:
    return re.fullmatch("[0-9]{1,9}", text) is not None


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


def _enclosures(entry: Mapping[str, Any]) -> list[dict[str, str]]:
    found = [
        *((link.get("href"), link.get("type")) for link in entry.get("links", ()) if link.get("rel") == "enclosure"),
        *((media.get("url"), media.get("type") or _medium(media)) for media in entry.get("media_content", ())),
        *((media.get("url"), "image/*") for media in entry.get("media_thumbnail", ())),
        (entry["image"].get("href"), "image/*") if isinstance(entry.get("image"), Mapping) else (None, None),
    ]
    unique = {str(url): str(kind or "") for url, kind in reversed(found) if url}
    return [{"url": url, "type": kind} for url, kind in reversed(unique.items())][:20]


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
    for bracket in re.finditer(r'"(?:[^"\\]|\\.)*+"|([\[{])|([\]}])', text):
        depth += 1 if bracket[1] else -1 if bracket[2] else 0
        if depth > MAX_JSON_DEPTH:
            raise NotAFeed("its JSON is nested deeper than any feed; it is not read")
    try:
        document = json.loads(text, strict=False)
    except ValueError:
        raise NotAFeed("its JSON is broken; it is tried again later") from None
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise NotAFeed("it is JSON, but not a JSON Feed: it has no list of items; open the address in a browser")
    return {
        "title": _string(document.get("title")),
        "home": _string(document.get("home_page_url")),
        "language": _string(document.get("language")),
        "ttl_minutes": None,
        "ending": Ending.WHOLE,
        "entries": [_json_entry(item) for item in document["items"][:MAX_ENTRIES] if isinstance(item, dict)],
    }


def _json_entry(item: Mapping[str, Any]) -> dict[str, Any]:
    html, text = _string(item.get("content_html")), _string(item.get("content_text"))
    authors = item.get("authors") if isinstance(item.get("authors"), list) else [item.get("author")]
    names = [_string(author.get("name")) for author in authors or () if isinstance(author, dict)]
    attachments = item.get("attachments") if isinstance(item.get("attachments"), list) else []
    enclosures = [
        {"url": address, "type": _string(part.get("mime_type")) or ""}
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
            "enclosures": ([{"url": image, "type": "image/*"}] if image else []) + enclosures,
        }
    )


def _string(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    cleaned = _ILLEGAL.sub("", value)
    return cleaned if cleaned.strip() else None


def _as_html(text: str) -> str:
    """Plain text keeps its lines: ``content_text`` is not HTML, and its ``<`` is a less-than sign."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"<p>{part.strip()}</p>" for part in re.split(r"\n\s*\n", escaped) if part.strip()).replace(
        "\n", "<br>"
    )
