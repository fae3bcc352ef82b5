"""Decide which post an entry is: pure functions on keys, no I/O.

An entry owns up to three keys: G, the publisher's guid; L, its canonical link; C, a hash of its title and text, which
decides only where neither of the others can. Dates never make an entry new: publishers re-date, post-date and
back-date. Called by ``storage/ingest.py``, which looks keys up and decides nothing, and by ``looking.py``.

What goes into a hash must never change its meaning: every stored post is known by it. So the text hashed is made here
and not by ``text/markup.py``, whose idea of a good text may improve.
"""

import html
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from urllib.parse import urlsplit, urlunsplit

from bot.model import Entry, Flag, Keys
from bot.text import persian

#: Query parameters that say how a reader came, not what the page is.
TRACKING = re.compile(
    r"utm_\w+|at_\w+|fbclid|gclid|yclid|mc_cid|mc_eid|igshid|_hsenc|_hsmi|mkt_tok|"
    r"(?:ref|source)=(?:.*(?:rss|feed).*)",
    re.IGNORECASE,
)
#: As much of a text as its content key covers: a longer one is told apart by then.
CONTENT_CHARS = 4096
#: Counters that change with every reading: an entry is not edited because one grew. Letters are as ``search_fold``
#: leaves them.
COUNTER = re.compile(
    rf"(?<![\d,.])\d[\d,.]{{,15}} (?:comments?|views?|points?|repl(?:y|ies)|likes?|"
    rf"{'|'.join(persian.search_fold(word) for word in ('نظر', 'دیدگاه', 'بازدید'))})\b"
)
#: Within this span a changed guid at one link is one post; two posts of one link are further apart.
SAME_POST = timedelta(hours=48)
#: Longer ids are shown, and indexed, as their hash: PostgreSQL's index takes 2,700 bytes.
MAX_IDENT_BYTES = 1000

# Linear on any input: each branch that looks far ahead ends at the end of the text.
_INVISIBLE_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)|<[^<>]*>", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Identified:
    """An entry with its keys; keys that several entries of the document share are void (None)."""

    entry: Entry
    keys: Keys


def identify(entries: Sequence[Entry], *, home: str | None = None) -> list[Identified]:
    """Give each entry of one document its keys, in the order received.

    A guid on entries with different links says nothing, nor does a link that different entries share or that is the
    feed's home page: these are void for this document. Entries that say nothing at all are left out.
    """
    said = [entry for entry in entries if _says_something(entry)]
    found = [keys_of(entry, _clean_guid(entry.guid), canonical_link(entry.link)) for entry in said]
    unreliable = _shared((keys.guid, keys.link) for keys in found if keys.link)
    reliable = [None if keys.guid in unreliable else keys.guid for keys in found]
    void = _shared((keys.link, guid or keys.content) for keys, guid in zip(found, reliable, strict=True))
    home_link = canonical_link(home)
    identified = []
    for entry, keys in zip(said, found, strict=True):
        guid, link = _clean_guid(entry.guid), canonical_link(entry.link)
        if keys.guid in unreliable:
            entry, guid = replace(entry, flags=(*entry.flags, Flag.GUID_UNRELIABLE)), None
        if keys.link in void or link == home_link:
            link = None
        identified.append(Identified(entry, _keys(guid, link, keys.content, keys.body)))
    return identified


def _says_something(entry: Entry) -> bool:
    return bool(entry.title or entry.link or entry.content or entry.summary or entry.enclosures)


def _clean_guid(guid: str | None) -> str | None:
    """Opaque and case-sensitive, but for the white space round it and its Unicode form."""
    return unicodedata.normalize("NFC", guid.strip()) or None if guid else None


def _shared(pairs: Iterable[tuple[bytes | None, bytes | None]]) -> set[bytes]:
    """Those first members that come with several second ones."""
    seconds: defaultdict[bytes, set[bytes | None]] = defaultdict(set)
    for first, second in pairs:
        if first:
            seconds[first].add(second)
    return {first for first, several in seconds.items() if len(several) > 1}


def keys_of(entry: Entry, guid: str | None, link: str | None) -> Keys:
    """Hash what identifies *entry*; *guid* and *link* are the ones still valid."""
    title = persian.search_fold(entry.title or "")
    text = _visible_text(entry.content or entry.summary or "")
    enclosed = sorted(canonical_link(enclosure.url) or enclosure.url for enclosure in entry.enclosures)
    content = _digest("C", title, text[:CONTENT_CHARS], *(() if title or text else enclosed))
    body = _digest("B", title, text, *enclosed)
    return _keys(guid, link, content, body)


def _visible_text(html_text: str) -> str:
    """Folded, without markup, white space and counters: what a reader would call a change changes it."""
    text = html.unescape(_INVISIBLE_MARKUP.sub("", html_text))
    return "".join(COUNTER.sub("", persian.search_fold(text)).split())


def _keys(guid: str | None, link: str | None, content: bytes, body: bytes) -> Keys:
    ident = guid or link or "c-" + content.hex()
    if len(ident.encode("utf-8", "replace")) > MAX_IDENT_BYTES:
        ident = "h-" + _digest("I", ident).hex()
    return Keys(
        ident=ident,
        guid=_digest("G", guid) if guid else None,
        link=_digest("L", link) if link else None,
        content=content,
        body=body,
    )


def _digest(kind: str, *parts: str) -> bytes:
    return blake2b("\0".join((kind, *parts)).encode("utf-8", "replace"), digest_size=16).digest()


def canonical_link(link: str | None) -> str | None:
    """The address by which one page is known, however it was linked; never shown to anyone.

    >>> canonical_link("http://Example.org:80/a?utm_source=rss&id=3#top")
    'https://example.org/a?id=3'
    >>> canonical_link("https://example.org")
    'https://example.org/'
    """
    try:
        parts = urlsplit(link.strip()) if link else None
        if parts is None or parts.scheme not in ("http", "https"):
            return None
        host, port = _canonical_host(parts.hostname or ""), parts.port
    except ValueError:  # a bracket without its partner, a port that is no number
        return None
    if not host:
        return None
    netloc = host if port in (None, 80, 443) else f"{host}:{port}"
    query = "&".join(pair for pair in map(str.strip, parts.query.split("&")) if pair and not _is_tracking(pair))
    # "#!" and "#/" name a page of a script-driven site; any other fragment is a place on the page.
    fragment = parts.fragment if parts.fragment[:1] in ("!", "/") else ""
    return urlunsplit(("https", netloc, parts.path or "/", query, fragment)).strip()


def _canonical_host(host: str) -> str:
    host = host.strip().rstrip(".")
    if ":" in host:
        return f"[{host}]"
    try:
        return host.encode("idna").decode()
    except UnicodeError:  # not a host name by IDNA 2003: as good a key as it is
        return host


def _is_tracking(pair: str) -> bool:
    return bool(TRACKING.fullmatch(pair.partition("=")[0]) or TRACKING.fullmatch(pair))


def oldest_first(identified: Sequence[Identified]) -> list[Identified]:
    """Order a document's entries for publishing: by date where each has one, else from its end to its beginning.

    Documents list the newest first; of equal dates the one further down is the older.
    """
    backwards = list(reversed(identified))
    dates = [found.entry.published for found in backwards]
    if any(date is None for date in dates):
        return backwards
    return [found for _date, found in sorted(zip(dates, backwards, strict=True), key=lambda pair: pair[0])]  # type: ignore[arg-type, return-value]  # none is None here


def without_repeats(ordered: Sequence[Identified]) -> list[Identified]:
    """Of an entry that stands in a document several times keep the last: given oldest first, its newest version."""
    newest: dict[bytes, Identified] = {}
    for found in ordered:
        key = found.keys.guid or found.keys.link or found.keys.content
        newest.pop(key, None)
        newest[key] = found
    return list(newest.values())


# --- matching ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Likeness:
    """What is compared where a key alone does not decide: of a stored post, or of an entry."""

    title: str | None
    published: datetime | None
    body: bytes
    guids: frozenset[bytes] = frozenset()  #: every guid and every link by which the post is known
    links: frozenset[bytes] = frozenset()

    def is_like(self, other: "Likeness") -> bool:
        """Whether two that share a link are one post."""
        title = persian.search_fold(self.title or "")
        if self.body == other.body or (title and title == persian.search_fold(other.title or "")):
            return True
        if self.published is None or other.published is None:
            return False
        return abs(self.published - other.published) < SAME_POST


@dataclass(frozen=True, slots=True)
class Known:
    """What the store holds of the keys a document shows: key hash to post id, and what those posts are like."""

    guids: dict[bytes, int] = field(default_factory=dict)
    links: dict[bytes, int] = field(default_factory=dict)
    contents: dict[bytes, int] = field(default_factory=dict)
    posts: dict[int, Likeness] = field(default_factory=dict)  #: those found by link or content

    def learn(self, found: Identified, post_id: int) -> None:
        """Know an entry again further down in its document."""
        entry, keys = found.entry, found.keys
        for table, key in ((self.guids, keys.guid), (self.links, keys.link), (self.contents, keys.content)):
            if key:
                table.setdefault(key, post_id)
        guids, links = (frozenset({key} if key else ()) for key in (keys.guid, keys.link))
        if before := self.posts.get(post_id):
            guids, links = guids | before.guids, links | before.links
        self.posts[post_id] = Likeness(entry.title, entry.published, keys.body, guids, links)


def present_keys(identified: Sequence[Identified]) -> frozenset[bytes]:
    """The key by which each entry of a document is known best: who has one of these has not vanished from it."""
    return frozenset(
        key
        for found in identified
        for key in (found.keys.guid, found.keys.link, *(() if _has_own(found.keys) else (found.keys.content,)))
        if key
    )


def _has_own(keys: Keys) -> bool:
    return keys.guid is not None or keys.link is not None


def match(found: Identified, known: Known, present: frozenset[bytes]) -> int | None:
    """Find the post that an entry is, or None where it is new; *present* are the ``present_keys`` of its document.

    1. A known guid decides. 2. An unknown guid with a known link is the same post only where that post's own guid has
    vanished from the document, since two entries may share a link, and where the two are alike. 3. Without a guid the
    link decides, without either the content. 4. A post that had neither, and vanished, is the same as an entry with
    its content. 5. Otherwise it is new.
    """
    keys = found.keys
    if keys.guid in known.guids:
        return known.guids[keys.guid]
    if keys.link in known.links:
        post_id = known.links[keys.link]
        post = known.posts[post_id]
        entry = Likeness(found.entry.title, found.entry.published, keys.body)
        if keys.guid is None or not post.guids or (not post.guids & present and post.is_like(entry)):
            return post_id
    if keys.content not in known.contents:
        return None
    post_id = known.contents[keys.content]
    post = known.posts[post_id]
    if _has_own(keys):
        is_same = not (post.guids or post.links or keys.content in present)
    else:
        is_same = not (post.guids | post.links) & present
    return post_id if is_same else None
