"""Decide which post an entry is: pure functions on keys, no I/O.

An entry owns up to three keys: G, the publisher's guid; L, its canonical link; C, a hash of its title and text,
used only where neither of the others exists. Dates never decide identity: publishers re-date, post-date and
back-date. Called by ``poller.py`` between reading and ingesting; the store looks keys up, nothing more.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from urllib.parse import urlsplit, urlunsplit

from bot.model import Entry, Flag, Keys
from bot.text import markup, persian

#: Query parameters that say how a reader came, not what the page is.
TRACKING = re.compile(
    r"utm_\w+|at_\w+|fbclid|gclid|yclid|mc_cid|mc_eid|igshid|_hsenc|_hsmi|mkt_tok|"
    r"(?:ref|source)=(?:.*(?:rss|feed).*)",
    re.IGNORECASE,
)
#: As much of a text as its content key covers: a longer one is told apart by then.
CONTENT_CHARS = 4096
#: Counters that change with every reading; an entry is not edited because one grew.
COUNTER = re.compile(r"\b\d[\d,.]*\s+(?:comments?|views?|points?|replies|likes?|نظر|دیدگاه|بازدید)\b")


@dataclass(frozen=True, slots=True)
class Identified:
    """An entry with its keys; keys that several entries of the document share are void (None)."""

    entry: Entry
    keys: Keys


def identify(entries: Sequence[Entry], *, home: str | None = None) -> list[Identified]:
    """Give each entry of one document its keys, in the order received.

    A guid on entries with different links says nothing, nor does a link that two entries share or that is the
    feed's home page: both are void for this document. Entries that say nothing at all are left out.
    """
    said = [
        entry for entry in entries if entry.title or entry.link or entry.content or entry.summary or entry.enclosures
    ]
    guids = [_clean_guid(entry.guid) for entry in said]
    links = [canonical_link(entry.link) for entry in said]
    unreliable = _guids_with_several_links(zip(guids, links, strict=True))
    shared = _links_with_several_guids(zip(guids, links, strict=True))
    home_link = canonical_link(home)
    identified = []
    for entry, guid, link in zip(said, guids, links, strict=True):
        if guid in unreliable:
            entry = replace(entry, flags=(*entry.flags, Flag.GUID_UNRELIABLE))
            guid = None
        if link in shared or link == home_link:
            link = None
        identified.append(Identified(entry, keys_of(entry, guid, link)))
    return identified


def _says_something(entry: Entry) -> bool:
    return bool(entry.title or entry.link or entry.content or entry.summary or entry.enclosures)


def _clean_guid(guid: str | None) -> str | None:
    """Opaque and case-sensitive, but for the white space round it and its Unicode form."""
    return unicodedata.normalize("NFC", guid.strip()) or None if guid else None


def _guids_with_several_links(pairs: Iterable[tuple[str | None, str | None]]) -> set[str | None]:
    distinct = Counter(guid for guid, _link in set(pairs) if guid)
    return {guid for guid, count in distinct.items() if count > 1}


def _links_with_several_guids(pairs: Iterable[tuple[str | None, str | None]]) -> set[str | None]:
    distinct = Counter(link for _guid, link in set(pairs) if link)
    return {link for link, count in distinct.items() if count > 1}


def keys_of(entry: Entry, guid: str | None, link: str | None) -> Keys:
    """Hash what identifies *entry*; *guid* and *link* are the ones still valid."""
    title = persian.search_fold(entry.title or "")
    text = markup.plain(entry.content or entry.summary or "")
    folded = persian.search_fold(text)
    content = _digest("C", title, folded[:CONTENT_CHARS], *(() if title or folded else _addresses(entry)))
    body = _digest("B", title, COUNTER.sub("", folded), *_addresses(entry))
    return Keys(
        ident=guid or link or "c-" + content.hex(),
        guid=_digest("G", guid) if guid else None,
        link=_digest("L", link) if link else None,
        content=content,
        body=body,
    )


def _addresses(entry: Entry) -> list[str]:
    return sorted(canonical_link(enclosure.url) or enclosure.url for enclosure in entry.enclosures)


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
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        host, port = parts.hostname.rstrip("."), parts.port
    except ValueError:  # a bracket without its partner, a port that is no number
        return None
    try:
        host = host.encode("idna").decode()
    except UnicodeError:  # not a host name by IDNA 2003: as good a key as it is
        host = host.lower()
    netloc = host if port in (None, 80, 443) else f"{host}:{port}"
    query = "&".join(pair for pair in parts.query.split("&") if pair and not _is_tracking(pair))
    # "#!" and "#/" name a page of a script-driven site; any other fragment is a place on the page.
    fragment = parts.fragment if parts.fragment[:1] in ("!", "/") else ""
    return urlunsplit(("https", netloc, parts.path or "/", query, fragment))


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


@dataclass(frozen=True, slots=True)
class Known:
    """What the store holds of the keys a document shows: key hash to post id."""

    guids: dict[bytes, int]
    links: dict[bytes, int]
    contents: dict[bytes, int]
    #: guid hashes of each post: an id that vanished from the document may have changed
    guids_of: dict[int, frozenset[bytes]]


def match(identified: Sequence[Identified], known: Known) -> list[int | None]:
    """For each entry the id of the post it is, or None where it is new.

    1. A known guid decides. 2. An unknown guid with a known link is the same post only where that post's own guid
    has vanished from the document: two entries may share a link. 3. Without a guid the link decides, without a link
    the content. 4. Otherwise it is new.
    """
    present = {found.keys.guid for found in identified if found.keys.guid}
    return [_match_one(found.keys, known, present) for found in identified]


def _match_one(keys: Keys, known: Known, present: set[bytes]) -> int | None:
    if keys.guid and keys.guid in known.guids:
        return known.guids[keys.guid]
    if keys.link and keys.link in known.links:
        post_id = known.links[keys.link]
        had_other_guid = known.guids_of.get(post_id, frozenset()) & present
        return None if keys.guid and had_other_guid else post_id
    if keys.guid is None and keys.link is None:
        return known.contents.get(keys.content)
    return None
