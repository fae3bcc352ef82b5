"""Parse one feed document. Runs in a child process that may be killed: feedparser can hang or raise on bad input.

Bytes in, plain dictionaries out (they must cross a process border). Decides the charset itself, since feedparser
trusts HTTP headers over bytes and so makes mojibake of half the Persian feeds; mends what would push feedparser off
its strict path. Touches no network, no clock and no disk.
"""

import io
import json
import re
from collections.abc import Mapping
from typing import Any

import feedparser

#: Entries beyond these are not read: no channel wants a thousand posts at once.
MAX_ENTRIES = 1000
#: Characters of one text; longer ones are cut and flagged.
MAX_TEXT_CHARS = 512 * 1024
MAX_TITLE_CHARS = 1024
MAX_TAGS = 100
#: A tag with more attributes than this sends feedparser into quadratic time.
MAX_ATTRIBUTES_BYTES = 64 * 1024
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
_CHARACTER_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]+)|([0-9]+));?")
_BARE_AMPERSAND = re.compile(r"&(?!(?:#\d+|#x[0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);)")
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.IGNORECASE | re.DOTALL)
_LONG_TAG = re.compile(rf"<[A-Za-z][^<>]{{{MAX_ATTRIBUTES_BYTES}}}")


class NotAFeed(ValueError):
    """The document is none of the formats we know; the text says what it looks like."""


def parse(body: bytes, content_type: str, url: str) -> dict[str, Any]:
    """Parse RSS, RDF, Atom or JSON Feed into ``{"title", "home", "language", "ttl_minutes", "cut_off", "entries"}``.

    ``cut_off`` says that the document ends too early: its last entry is a torso.

    An entry has ``guid title link published updated author tags summary content enclosures truncated``; dates are the
    publisher's own strings. Entries stand in the document's order.

    Raises: NotAFeed.
    """
    text = decode(body, content_type)
    if text.lstrip()[:1] in ("{", "["):
        return _parse_json(text)
    return _parse_xml(text, url)


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
    # A few bad bytes in a UTF-8 document cost those characters, not all the others.
    if damaged.count("\ufffd") * 100 < len(damaged):
        return damaged
    return body.decode("windows-1256" if _looks_persian(body) else "windows-1252", "replace")


def _looks_persian(body: bytes) -> bool:
    """Whether bytes make more sense as windows-1256: most of the high ones are Arabic letters there."""
    high = [byte for byte in body if byte >= 0x80]
    letters = sum(byte in b"\x81\x8d\x8e\x90\x98\x9d" or 0xC1 <= byte <= 0xED for byte in high)
    return b"<language>fa" in body or b"<language>ar" in body or (len(high) > 20 and letters * 10 > len(high) * 9)


def _mend(text: str) -> str:
    """Bring a document onto feedparser's strict path, without changing what it says."""
    text = _DECLARATION.sub("", text, count=1)
    text = _ILLEGAL.sub("", text)
    text = _CHARACTER_REFERENCE.sub(_legal_reference, text)
    if "<!DOCTYPE" in text[:4096] or "<!doctype" in text[:4096]:
        # Entities of a DOCTYPE are the billion laughs; none of them is needed to read a feed.
        text = _DOCTYPE.sub("", text, count=1)
    if _LONG_TAG.search(text):
        raise NotAFeed("one of its tags is longer than 64 KiB; it is not read")
    return text.strip()


def _legal_reference(found: re.Match[str]) -> str:
    number = int(found[1], 16) if found[1] else int(found[2]) if len(found[2]) < 9 else 0
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF or (number < 0x20 and number not in (9, 10, 13)):
        return "\ufffd"
    return found[0] if found[0].endswith(";") else found[0] + ";"


# --- XML -----------------------------------------------------------------------------------------------------


def _parse_xml(text: str, url: str) -> dict[str, Any]:
    parsed = feedparser.parse(
        io.BytesIO(_mend(text).encode("utf-8")),
        response_headers={"content-type": "application/xml; charset=utf-8", "content-location": url},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not parsed.get("version") and not parsed.entries:
        raise NotAFeed(_looks_like(text))
    channel = parsed.feed
    cut_off = bool(parsed.bozo and _is_cut_off(text))
    return {
        "title": _text(channel, "title"),
        "home": _text(channel, "link"),
        "language": _text(channel, "language"),
        "ttl_minutes": _minutes(channel),
        "cut_off": cut_off,
        "entries": [_entry(entry) for entry in parsed.entries[:MAX_ENTRIES]],
    }


def _looks_like(text: str) -> str:
    head = text[:2048].lower()
    if "<html" in head or "<!doctype html" in head:
        return "it is a web page, not a feed; open it and look for its RSS or Atom address"
    return "it is no RSS, Atom or JSON feed; open the address in a browser"


def _is_cut_off(text: str) -> bool:
    return not re.search(r"</(?:\w+:)?(?:rss|feed|rdf|channel)\s*>", text[-2000:], re.IGNORECASE)


def _text(element: Mapping[str, Any], name: str) -> str | None:
    # "in", not get(): feedparser answers get("updated") with the published date.
    value = element[name] if name in element else None  # noqa: SIM401
    return value if isinstance(value, str) and value.strip() else None


def _minutes(channel: Mapping[str, Any]) -> int | None:
    """RSS ttl, or the RDF syndication module's period and frequency, in minutes; None where nonsense."""
    ttl = (_text(channel, "ttl") or "").strip()
    if ttl.isdigit() and 0 < int(ttl[:9]) <= 7 * 24 * 60:
        return int(ttl)
    period = {"hourly": 60, "daily": 1440, "weekly": 10080, "monthly": 43200, "yearly": 525600}.get(
        (_text(channel, "sy_updateperiod") or "").strip().lower()
    )
    frequency = (_text(channel, "sy_updatefrequency") or "1").strip()
    return period // int(frequency) if period and frequency.isdigit() and 0 < int(frequency[:9]) <= period else None


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
            "link": _text(entry, "link"),
            "published": _text(entry, "published") or _text(entry, "created"),
            "updated": _text(entry, "updated"),
            "author": _text(entry, "author"),
            "tags": [tag.get("term") or tag.get("label") for tag in entry.get("tags", ())],
            "summary": summary,
            "content": content,
            "enclosures": _enclosures(entry),
        }
    )


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
    entry["tags"] = [tag.strip() for tag in entry["tags"] if isinstance(tag, str) and tag.strip()][:MAX_TAGS]
    return entry


# --- JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1) ---------------------------------------------------------


def _parse_json(text: str) -> dict[str, Any]:
    depth = 0
    for bracket in re.findall(r'"(?:[^"\\]|\\.)*"|([\[{])|([\]}])', text):
        depth += 1 if bracket[0] else -1 if bracket[1] else 0
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
        "cut_off": False,
        "entries": [_json_entry(item) for item in document["items"][:MAX_ENTRIES] if isinstance(item, dict)],
    }


def _json_entry(item: Mapping[str, Any]) -> dict[str, Any]:
    html, text = _string(item.get("content_html")), _string(item.get("content_text"))
    authors = item.get("authors") if isinstance(item.get("authors"), list) else [item.get("author")]
    names = [_string(author.get("name")) for author in authors or () if isinstance(author, dict)]
    attachments = item.get("attachments") if isinstance(item.get("attachments"), list) else []
    enclosures = [
        {"url": str(part.get("url")), "type": _string(part.get("mime_type")) or ""}
        for part in attachments or ()
        if isinstance(part, dict) and _string(part.get("url"))
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
    return _ILLEGAL.sub("", value) if value.strip() else None


def _as_html(text: str) -> str:
    """Plain text keeps its lines: ``content_text`` is not HTML, and its ``<`` is a less-than sign."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"<p>{part.strip()}</p>" for part in re.split(r"\n\s*\n", escaped) if part.strip()).replace(
        "\n", "<br>"
    )
