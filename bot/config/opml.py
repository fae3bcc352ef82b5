"""Lists of feeds as OPML, in and out: what feed readers and other bots export, and what they take.

Pure: bytes in, records out, and back. ``cli`` and ``admin/adding.py`` call it; ``feeds_edit.py`` writes what it read
into feeds.yaml. Nothing that a document declares is expanded, and nothing that it names is fetched.
"""

import re
import unicodedata
import xml.etree.ElementTree as ET  # to write; what is read goes through expat with a handler that refuses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlsplit, urlunsplit
from xml.parsers import expat

from bot.errors import ConfigError
from bot.model import Feed, FeedKind
from bot.sources import mending

#: Of a document; five thousand feeds with long titles have some two megabytes.
MAX_BYTES = 8 * 1024 * 1024
MAX_FEEDS = 5_000
#: Folders within folders.
MAX_DEPTH = 50
MAX_TITLE_CHARS = 200

#: OPML 2.0 lets attributes of others come in a namespace.
_NAMESPACE = "urn:x-qasedak:opml"
_NAME, _EVERY = "qasedak:name", "qasedak:every"
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]{0,100}?\bencoding\s*=\s*["']([\w.-]{1,40})["']""")
_MINUTES = re.compile(r"([0-9]{1,6})m")


@dataclass(frozen=True, slots=True)
class Outline:
    """One feed of a list."""

    url: str
    title: str | None = None
    name: str | None = None  #: as its feeds.yaml calls it, in a list that Qasedak wrote
    every: timedelta | None = None  #: likewise


@dataclass(frozen=True, slots=True)
class OutlineList:
    """What a document lists; ``skipped`` are the lines that name no feed that can be read, in words."""

    outlines: tuple[Outline, ...]
    skipped: tuple[str, ...] = ()


def read(document: bytes) -> OutlineList:
    """The feeds of an OPML document in its order, each address once, whatever folders they lie in.

    Small mistakes are mended as in feeds: bare ampersands, a wrong encoding, entities of HTML.

    Raises: ConfigError, when it is no OPML.
    """
    if len(document) > MAX_BYTES:
        raise ConfigError(f"the list is larger than {MAX_BYTES >> 20} MB; export fewer feeds at once")
    try:
        text = mending.mend(_decoded(document))
    except mending.Refused as error:
        raise ConfigError(f"the list is no OPML that can be read: {error}") from error
    builder = _Builder()
    # A declaration would contradict what the text is by now; and no mended text holds a DOCTYPE, whose entities would
    # be expanded.
    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = builder.refuse_doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    try:
        parser.Parse(text.encode("utf-8"), True)
    except expat.ExpatError as error:
        raise ConfigError(
            f"the list is not well-formed at line {error.lineno}, column {error.offset + 1} "
            f"({expat.ErrorString(error.code)}); export it again"
        ) from None
    if not builder.is_opml:
        raise ConfigError("the list is no OPML; name a file that a feed reader or a bot exported as OPML")
    return OutlineList(tuple(builder.found.values()), tuple(builder.skipped))


def _decoded(document: bytes) -> str:
    if document[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return document.decode("utf-16", "replace")
    declared = _DECLARED.match(document)
    for encoding in ("utf-8-sig", declared[1].decode("ascii") if declared else "windows-1252"):
        try:
            return document.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return document.decode("utf-8-sig", "replace")


class _Builder:
    """What expat calls."""

    def __init__(self) -> None:
        self.is_opml = False
        self.found: dict[str, Outline] = {}
        self.skipped: list[str] = []
        self._depth = 0

    def refuse_doctype(self, *_: object) -> None:
        raise ConfigError("the list has a DOCTYPE; take it out, feed readers write none")

    def start(self, element: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ConfigError(f"the list has folders within folders over {MAX_DEPTH} deep; flatten it")
        if self._depth == 1:
            self.is_opml = element.lower() == "opml"
        elif self.is_opml and element.lower() == "outline":
            self._take({key.lower(): value for key, value in attributes.items()})

    def end(self, _element: str) -> None:
        self._depth -= 1

    def _take(self, attributes: Mapping[str, str]) -> None:
        # Some write the address of a subscription as "url"; links to pages, which have a type of their own, do too.
        written = attributes.get("xmlurl") or (attributes.get("url") if attributes.get("type") == "rss" else None)
        if not written:
            return  # a folder, or a note
        title = _line(attributes.get("text") or attributes.get("title") or "") or None
        url = _address(written)
        if url is None:
            self.skipped.append(f"{_line(title or '') or 'a line'}: {_line(written)[:100]} is no web address")
            return
        if len(self.found) >= MAX_FEEDS:
            raise ConfigError(f"the list has more than {MAX_FEEDS} feeds; import it in parts")
        minutes = _MINUTES.fullmatch(attributes.get(_EVERY, ""))
        every = timedelta(minutes=int(minutes[1])) if minutes else None
        name = _line(attributes.get(_NAME, "")) or None
        # Where there is no title, lists say something else in its place.
        title = None if title in (url, written, name) else title
        self.found.setdefault(url, Outline(url, title, name, every))


def _line(text: str) -> str:
    """One line without control characters, of a bearable length."""
    words = "".join(character for character in " ".join(text.split()) if unicodedata.category(character) != "Cc")
    return words if len(words) <= MAX_TITLE_CHARS else words[: MAX_TITLE_CHARS - 1].rstrip() + "…"


def _address(written: str) -> str | None:
    url = written.strip()
    if url.lower().startswith("feed:"):  # feed://host/path and feed:https://host/path
        rest = url[5:]
        url = f"http:{rest}" if rest.startswith("//") else rest
    if re.search(r"[\s\x00-\x20\x7f]", url):
        return None
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 80) > 0
        return url if is_whole else None
    except ValueError:
        return None


def outlines_of(feeds: Iterable[Feed], private: Collection[str] = ()) -> OutlineList:
    """The feeds of feeds.yaml for a list that may be given away.

    Archives have no address. Those whose names are *private* hold a secret in theirs and are left out; a user name and
    a password before the host are taken out of the others'.
    """
    found, skipped = [], []
    for feed in feeds:
        if feed.kind is not FeedKind.HTTP:
            continue
        if feed.name in private:
            skipped.append(f"{feed.name}: left out, its address holds a ${{VARIABLE}}")
            continue
        public = _without_userinfo(feed.url)
        if public != feed.url:
            skipped.append(f"{feed.name}: without the user name and password of its address")
        found.append(Outline(public, feed.title, feed.name, feed.every))
    return OutlineList(tuple(found), tuple(skipped))


def _without_userinfo(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def write(outlines: Iterable[Outline], title: str, at: datetime) -> str:
    """An OPML 2.0 document. Our own names and intervals go with it, for another feeds.yaml."""
    root = ET.Element("opml", {"version": "2.0", "xmlns:qasedak": _NAMESPACE})
    head, body = ET.SubElement(root, "head"), ET.SubElement(root, "body")
    ET.SubElement(head, "title").text = mending.legal(title)
    ET.SubElement(head, "dateCreated").text = format_datetime(at.astimezone(UTC), usegmt=True)
    for outline in outlines:
        called = outline.title or outline.name or outline.url
        attributes = {"type": "rss", "text": called, "title": called, "xmlUrl": outline.url}
        attributes |= {_NAME: outline.name} if outline.name else {}
        attributes |= {_EVERY: f"{outline.every // timedelta(minutes=1)}m"} if outline.every else {}
        ET.SubElement(body, "outline", {key: mending.legal(value) for key, value in attributes.items()})
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
