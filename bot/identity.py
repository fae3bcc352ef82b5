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
from collections.abc import Callable, Container, Iterable, Sequence
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
    # The look back stands behind the digit: a pattern that begins with one is searched for much faster.
    rf"\d(?<![\d,.]\d)[\d,.]{{,15}} (?:comments?|views?|points?|repl(?:y|ies)|likes?|"
    rf"{'|'.join(persian.search_fold(word) for word in ('نظر', 'دیدگاه', 'بازدید'))})\b"
)
#: Within this span a changed guid at one link is one post; two posts of one link are further apart.
SAME_POST = timedelta(hours=48)
#: From so many entries on, four fifths of a document being new is a mass change.
MASS_LEAST = 5
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
    exact: bytes = b""  #: of all it says: the next document may show it as it is


@dataclass(frozen=True, slots=True)
class Document:
    """What one reading shows. What is left out, since it is known exactly as it is, takes part by its keys."""

    entries: list[Identified]
    left_out: dict[bytes, Keys]  #: by what they say exactly
    shares_guids: bool  #: one guid stands on entries with different links
    repeats: dict[bytes, bytes] = field(default_factory=dict)  #: what other versions say exactly, and the ones kept

    @property
    def keys(self) -> list[Keys]:
        """The keys of everything in the document."""
        return [*(found.keys for found in self.entries), *self.left_out.values()]

    @property
    def size(self) -> int:
        """How many entries the document has; what stands there several times counts once."""
        return len({_best(keys) for keys in self.keys})


def identify(entries: Sequence[Entry], *, home: str | None = None) -> list[Identified]:
    """Give each entry of one document its keys, in the order received."""
    return document_of(entries, home=home).entries


def found_again(ident: str, entry: Entry) -> Identified:
    """An entry that is stored already, with the id it is known by."""
    return Identified(entry, replace(keys_of(entry, None, None), ident=ident))


def document_of(
    entries: Sequence[Entry],
    left_out: Sequence[Keys] = (),
    *,
    home: str | None = None,
    shown: Container[bytes] = (),
    keys_of_entries: Sequence[Keys | None] = (),
) -> Document:
    """Give each entry of one document its keys, in the order received.

    A guid on entries with different links says nothing, nor does a link that different entries share or that is the
    feed's home page: these are void for this document. Entries that say nothing at all count for nothing. *left_out*
    are the ``raw_keys`` of what the source left out; what was *shown* exactly so by the last document joins them, so
    that it makes no difference what a source leaves out. *keys_of_entries* are the ``raw_keys`` of the entries, where
    the caller has them.
    """
    raw = keys_of_entries or [raw_keys(entry) for entry in entries]
    said = [(entry, keys) for entry, keys in zip(entries, raw, strict=True) if keys is not None]
    everything = [*(keys for _entry, keys in said), *left_out]
    guids = _shared((keys.guid, keys.link) for keys in everything if keys.link)
    links = _shared(
        (keys.link, keys.content if keys.guid in guids else keys.guid or keys.content) for keys in everything
    )
    if home_link := canonical_link(home):
        links.add(_digest("L", home_link))
    new = [(entry, keys) for entry, keys in said if _exact(keys) not in shown]
    left_out = [*left_out, *(keys for _entry, keys in said if _exact(keys) in shown)]
    return Document(
        [_identified(entry, keys, guids, links) for entry, keys in new],
        {_exact(keys): _without(keys, guids, links) for keys in left_out},
        bool(guids),
    )


def raw_keys(entry: Entry) -> Keys | None:
    """The keys of an entry by itself, none of them void; None for one that says nothing and counts for nothing."""
    return keys_of(entry, _clean_guid(entry.guid), canonical_link(entry.link)) if _says_something(entry) else None


def _identified(entry: Entry, keys: Keys, guids: set[bytes], links: set[bytes]) -> Identified:
    valid = _without(keys, guids, links)
    if valid == keys:
        return Identified(entry, keys, _exact(keys))
    guid = _clean_guid(entry.guid) if valid.guid else None
    if guid is None and keys.guid is not None:
        entry = replace(entry, flags=(*entry.flags, Flag.GUID_UNRELIABLE))
    link = canonical_link(entry.link) if valid.link else None
    return Identified(entry, _keys(guid, link, keys.content, keys.body), _exact(keys))


def _without(keys: Keys, guids: set[bytes], links: set[bytes]) -> Keys:
    guid, link = (None if keys.guid in guids else keys.guid), (None if keys.link in links else keys.link)
    return replace(keys, guid=guid, link=link)


def _exact(keys: Keys) -> bytes:
    parts = (keys.guid or bytes(16), keys.link or bytes(16), keys.content, keys.body)
    return blake2b(b"".join(parts), digest_size=16).digest()


def _best(keys: Keys) -> bytes:
    """The key by which an entry is known best."""
    return keys.guid or keys.link or keys.content


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


def link_key(link: str | None) -> bytes | None:
    """The hash by which posts of any feed that link to this page are found; None for what is no page."""
    canonical = canonical_link(link)
    return _digest("L", canonical) if canonical else None


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
    host = re.sub(r"[\s.]+\Z", "", host.strip())
    if ":" in host:
        return f"[{host}]"
    try:
        return host.encode("idna").decode()
    except UnicodeError:  # not a host name by IDNA 2003: as good a key as it is
        return host


def _is_tracking(pair: str) -> bool:
    return bool(TRACKING.fullmatch(pair.partition("=")[0]) or TRACKING.fullmatch(pair))


def oldest_first(identified: Sequence[Identified]) -> list[Identified]:
    """Order entries of one document for publishing: by date where each has one, else from its end to its beginning.

    Documents list the newest first; of equal dates the one further down is the older.
    """
    backwards = list(reversed(identified))
    dates = [found.entry.published for found in backwards]
    if any(date is None for date in dates):
        return backwards
    return [found for _date, found in sorted(zip(dates, backwards, strict=True), key=lambda pair: pair[0])]  # type: ignore[arg-type, return-value]  # none is None here


def without_repeats(document: Document, order: Callable[[Sequence[Identified]], list[Identified]]) -> Document:
    """Of an entry that stands in a document several times keep the newest version: the last when put in *order*.

    Only its own versions are looked at: whether another entry is there, or has no date, must not matter. A version
    that was left out is older than one that was not.
    """
    versions: dict[bytes, list[Identified]] = {}
    for found in document.entries:
        versions.setdefault(_best(found.keys), []).append(found)
    kept = [same[0] if len(same) == 1 else order(same)[-1] for same in versions.values()]
    repeats = {
        other.exact: newest.exact
        for newest, same in zip(kept, versions.values(), strict=True)
        for other in same
        if other.exact != newest.exact
    }
    return replace(document, entries=kept, repeats=repeats)


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
    posts: dict[int, Likeness] = field(default_factory=dict)  #: those that ``doubtful`` asks for
    exact: dict[bytes, int] = field(default_factory=dict)  #: what the last document showed, and which posts that was
    #: The feed has shown one guid on entries with different links: from then on a guid decides only where no link does.
    weak_guids: bool = False

    def doubtful(self, document: Document) -> set[int]:
        """The posts that must be compared with an entry before it can be said which it is."""
        found: set[int | None] = set()
        unsure = [keys for exact, keys in document.left_out.items() if exact not in self.exact]
        for keys in [*(one.keys for one in document.entries), *unsure]:
            by_guid = _in(self.guids, keys.guid)
            if by_guid is None or (self.weak_guids and keys.link):
                found |= {by_guid, _in(self.links, keys.link), _in(self.contents, keys.content)}
        return {post_id for post_id in found if post_id is not None}


def _in(table: dict[bytes, int], key: bytes | None) -> int | None:
    return table.get(key) if key is not None else None


@dataclass(frozen=True, slots=True)
class Resolved:
    """Which posts the entries of a document are."""

    new: list[Identified]
    known: dict[int, Identified]  #: for each post the entry that speaks for it; none where that one was left out
    learned: list[tuple[int, Keys]]  #: of everything that is known: its post and its keys
    exact: dict[bytes, int]  #: for the next document


def resolve(document: Document, known: Known) -> Resolved:
    """Find the post of each entry; the order of the document does not matter.

    What stood in the last document exactly so is the same post whatever the keys of its neighbours, and no edit: this
    is why it may be left out. Several entries may be one post, known by aliases: the best key, and of equal ones the
    smallest, speaks for it. What was left out and is not known cannot be stored, and is passed over.
    """
    present = _present_keys(document.keys)
    spoken: dict[int, tuple[int, bytes]] = {}
    resolved = Resolved([], {}, [], {})
    items = [(found.exact, found.keys, found) for found in document.entries]
    for exact, keys, found in [*items, *((exact, keys, None) for exact, keys in document.left_out.items())]:
        is_as_it_was = found is None and exact in known.exact
        matched = (
            (known.exact[exact], 0) if is_as_it_was else match(keys, found.entry if found else None, known, present)
        )
        if matched is None:
            if found is not None:
                resolved.new.append(found)
            continue
        post_id, strength = matched
        resolved.learned.append((post_id, keys))
        resolved.exact[exact] = post_id
        rank = (strength, _best(keys))
        if post_id not in spoken or rank < spoken[post_id]:
            spoken[post_id] = rank
            resolved.known.pop(post_id, None)
            if found is not None:
                resolved.known[post_id] = found
    return resolved


def _present_keys(document: Sequence[Keys]) -> frozenset[bytes]:
    """The key by which each entry of a document is known best: who has one of these has not vanished from it."""
    return frozenset(
        key for keys in document for key in (keys.guid, keys.link, *(() if _has_own(keys) else (keys.content,))) if key
    )


def _has_own(keys: Keys) -> bool:
    return keys.guid is not None or keys.link is not None


def match(keys: Keys, entry: Entry | None, known: Known, present: frozenset[bytes]) -> tuple[int, int] | None:
    """Find the post that an entry is, and by which rule; None where it is new. *present* is what its document shows.

    0. A known guid decides. 1. An unknown guid with a known link is the same post only where that post's own guid has
    vanished from the document, since two entries may share a link, and where the two are alike; without a guid the
    link decides, unless that post's own guid is there. 2. Where guids are weak the link goes first, and a guid is
    heard if its post has no link, or lost it and still says the same. 3. Without either the content decides; a post
    that had neither, and vanished, is the same as an entry with its content. Otherwise the entry is new.
    """
    by_guid, by_link = _in(known.guids, keys.guid), _in(known.links, keys.link)
    is_weak = known.weak_guids and keys.link is not None
    if by_guid is not None and not is_weak:
        return by_guid, 0
    if by_link is not None:
        post = known.posts[by_link]
        is_gone = not post.guids & present
        if is_weak or (is_gone if keys.guid is None else not post.guids or (is_gone and _is_like(post, keys, entry))):
            return by_link, 1
    if by_guid is not None:
        post = known.posts[by_guid]
        if not post.links or (not post.links & present and post.body == keys.body):
            return by_guid, 2
    by_content = _in(known.contents, keys.content)
    if by_content is None:
        return None
    post = known.posts[by_content]
    if _has_own(keys):
        is_same = not (post.guids or post.links or keys.content in present)
    else:
        is_same = not (post.guids | post.links) & present
    return (by_content, 3) if is_same else None


def _is_like(post: Likeness, keys: Keys, entry: Entry | None) -> bool:
    return post.is_like(Likeness(entry.title if entry else None, entry.published if entry else None, keys.body))


# --- a feed that was republished -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recent:
    """A stored post as the brake looks for it."""

    id: int
    title: str | None
    published: datetime | None


def is_mass_change(new: int, size: int) -> bool:
    """Whether so much of a document is new that it is rather the same in another form."""
    return size >= MASS_LEAST and new >= MASS_LEAST and new * 5 >= size * 4


def find_again(resolved: Resolved, known: Known, recent: Sequence[Recent]) -> dict[int, Identified]:
    """Of a mass change, the entries that are posts after all: of one content, one link, or one title and date.

    A post that stands in the document in its own right is not taken, nor is one taken twice.
    """
    by_title = {key: post.id for post in reversed(recent) if (key := _title_and_date(post.title, post.published))}
    taken = {post_id for post_id, _keys in resolved.learned}
    again: dict[int, Identified] = {}
    for found in resolved.new:
        entry, keys = found.entry, found.keys
        key = _title_and_date(entry.title, entry.published)
        for post_id in (
            _in(known.contents, keys.content),
            _in(known.links, keys.link),
            by_title.get(key) if key else None,
        ):
            if post_id is not None and post_id not in taken:
                taken.add(post_id)
                again[post_id] = found
                break
    return again


def _title_and_date(title: str | None, published: datetime | None) -> tuple[str, datetime] | None:
    """To the second. Weekly columns have one title: without a date it says nothing."""
    folded = persian.search_fold(title or "")
    return (folded, published.replace(microsecond=0)) if folded and published else None


def is_republished(new: Sequence[Identified], newest: datetime | None) -> bool:
    """Whether at least half of what is new is older than the *newest* that is known."""
    dates = [found.entry.published for found in new]
    return newest is not None and 2 * sum(date is not None and date < newest for date in dates) >= len(dates)
