"""Remember the items of an XML feed, so that only the new ones among them are parsed again. Pure functions on bytes.

Used by ``feed.py`` between the hash of a whole body and the parser. What is remembered (``Memory``) is kept beside the
feed's validators: a hash of each item, and the keys by which its entry is known. No decision may change by it. So
whatever is unusual here (items within items or within comments, a DOCTYPE, another charset than UTF-8, entries that
share a guid or a link) is a doubt, and a doubt means that the whole document is parsed.

Nothing here understands XML: an item is what stands between two tags. What that cannot see, the strict parser does:
only items of well-formed documents are remembered, and a document that is well-formed stays so without some of them.
"""

import json
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import blake2b
from itertools import islice, pairwise
from typing import Any

from bot import identity
from bot.model import Entry, Hints, Keys, Reading

#: Changes whenever ``document.py``, ``feed.py`` or ``identity.py`` make other entries or other keys of the same bytes:
#: what an earlier version remembered is forgotten.
VERSION = 2
#: Documents with more are parsed whole: not all of their entries are read.
MAX_ITEMS = 1000
#: Of what surrounds the items; a longer one is no feed of ours to be clever about.
MAX_FRAME_BYTES = 256 * 1024
#: Of the feed's own title, address and hints, as JSON.
MAX_HEAD_BYTES = 16 * 1024

_HASH_BYTES = 12
_PREFIX = struct.Struct(">HH")  # VERSION, length of the head
_RECORD = struct.Struct(f"{_HASH_BYTES}sB16s16s16s16s")
_HAS_GUID, _HAS_LINK, _IS_DATED = 1, 2, 4
_EDGES = tuple(
    (re.compile(rb"<%b[\s/>]" % name), re.compile(rb"</%b\s*>" % name)) for name in (b"item", b"entry")
)  # fmt: skip
#: Stretches in which a tag is none: how they open and how they close.
_VERBATIM = ((b"<![CDATA[", b"]]>"), (b"<!--", b"-->"), (b"<?", b"?>"))
_TAG = re.compile(rb"<[^<>]*+>")
_SCOPE = (b"xmlns", b"xml:base", b"version")
#: Hints that stand in the document; the others come with each answer.
_DOCUMENT_HINTS = ("ttl", "skip_hours", "skip_days")


# --- the items of a document ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the items of a document stand, and hashes of its parts."""

    body: bytes
    spans: tuple[tuple[int, int], ...]
    items: tuple[bytes, ...]  #: the hash of each
    frame: bytes  #: of all that is no item
    scope: bytes  #: of the tags round the items that give meaning to what is in them: namespaces, xml:base

    def without(self, known: Mapping[bytes, object]) -> bytes:
        """The document less the items whose hashes are *known*."""
        kept, at = bytearray(), 0
        for (start, end), digest in zip(self.spans, self.items, strict=True):
            if digest in known:
                kept += self.body[at:start]
                at = end
        return bytes(kept + self.body[at:])


def find(body: bytes) -> Layout | None:
    """Find the items of an XML feed; None where there is none, or any doubt."""
    spans = _spans(body) if _is_utf8(body) else None
    if not spans or not _is_plain(body, spans[0][0]):
        return None
    edges = [0, *(edge for span in spans for edge in span)]
    if any(not _ends_outside(body, edges, *pair) for pair in _VERBATIM if pair[0] in body):
        return None
    outside = [*edges, len(body)]
    gaps = [body[start:end].strip() for start, end in zip(outside[::2], outside[1::2], strict=True)]
    frame = b"\n".join(filter(None, gaps))
    items = tuple(blake2b(body[start:end], digest_size=_HASH_BYTES).digest() for start, end in spans)
    if len(frame) > MAX_FRAME_BYTES or len(set(items)) < len(items):
        return None
    scope = b"".join(tag for tag in _TAG.findall(frame) if any(word in tag for word in _SCOPE))
    return Layout(body, tuple(spans), items, _digest(frame), _digest(scope))


def _is_utf8(body: bytes) -> bool:
    """Whether ``document.decode`` takes it for UTF-8, and would do so too with less of it."""
    if b"\0" in body or b"\x1b" in body:  # UTF-16, ISO-2022
        return False
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_plain(body: bytes, first: int) -> bool:
    """Whether ``document.py`` mends nothing that it would look for elsewhere in less of the document."""
    head = body[:first].lower()
    return b"<!doctype" not in head and (b"<?xml" in head or b"<?xml" not in body.lower())


def _spans(body: bytes) -> list[tuple[int, int]]:
    """From each opening tag to its closing one; none where they do not alternate."""
    found: list[tuple[int, int]] = []
    for opening, closing in _EDGES:
        starts = [tag.start() for tag in islice(opening.finditer(body), MAX_ITEMS + 1)]
        ends = [tag.end() for tag in islice(closing.finditer(body), MAX_ITEMS + 1)]
        edges = [edge for pair in zip(starts, ends, strict=False) for edge in pair]
        if len(starts) != len(ends) or len(starts) > MAX_ITEMS or edges != sorted(edges) or (starts and found):
            return []
        found += zip(starts, ends, strict=True)
    return found


def _ends_outside(body: bytes, edges: list[int], opening: bytes, closing: bytes) -> bool:
    """Whether no edge lies within such a stretch: the last one to open before it has closed before it."""
    for start, end in pairwise(edges):
        opened = body.rfind(opening, start, end)
        if opened >= 0 and body.find(closing, opened + len(opening), end) < 0:
            return False
    return True


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()


# --- what is remembered of it --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of an item: the keys of its entry, before any of them was void."""

    keys: Keys  #: without ``ident``: nobody is shown it
    is_dated: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a document. Without items it still says what its head did."""

    url: str = ""
    frame: bytes = b""
    scope: bytes = b""
    title: str | None = None
    home: str | None = None
    language: str | None = None
    hints: Hints = field(default_factory=Hints)  #: those that stand in the document
    items: Mapping[bytes, Known] = field(default_factory=dict)  #: by hash


def remember(layout: Layout | None, reading: Reading, url: str, known: Mapping[bytes, Known] | None = None) -> Memory:
    """Remember a document that was parsed, the *known* items aside; without items where they tell too little.

    *layout* is None for a document that is to be parsed whole again.
    """
    memory = Memory(
        url,
        layout.frame if layout else b"",
        layout.scope if layout else b"",
        reading.title,
        reading.home,
        reading.language,
        hints_of_both(reading.hints, Hints()),
        _items(layout, reading, known or {}) if layout else {},
    )
    return memory if _are_apart(memory) else without_items(memory)


def without_items(memory: Memory) -> Memory:
    """Remember the head alone."""
    return Memory(memory.url, b"", b"", memory.title, memory.home, memory.language, memory.hints)


def _items(layout: Layout, reading: Reading, known: Mapping[bytes, Known]) -> dict[bytes, Known]:
    keys_of_entries = reading.keys or tuple(map(identity.raw_keys, reading.entries))
    new = [
        Known(keys, entry.published is not None) if keys else None  # it says nothing
        for entry, keys in zip(reading.entries, keys_of_entries, strict=True)
    ]
    if None in new or len(new) != sum(digest not in known for digest in layout.items):
        return {}
    those = iter(new)
    return {digest: known.get(digest) or next(those) for digest in layout.items}  # type: ignore[misc]  # none is None


def _are_apart(memory: Memory) -> bool:
    """Whether each entry has a guid or a link, and these to itself: then none is void, and none stands there twice."""
    guids = [known.keys.guid for known in memory.items.values() if known.keys.guid]
    links = [known.keys.link for known in memory.items.values() if known.keys.link]
    home = identity.keys_of(Entry(), None, identity.canonical_link(memory.home)).link
    return (
        bool(memory.items)
        and len(set(guids)) == len(guids)
        and len(set(links)) == len(links)
        and (home is None or home not in links)
        and all(known.keys.guid or known.keys.link for known in memory.items.values())
    )


def known_in(layout: Layout, memory: Memory, url: str) -> dict[bytes, Known]:
    """Those items of a document that are remembered and mean the same as then."""
    if (url, layout.scope) != (memory.url, memory.scope):
        return {}
    return {digest: memory.items[digest] for digest in layout.items if digest in memory.items}


def reading_of(memory: Memory, known: Mapping[bytes, Known]) -> Reading:
    """What parsing a document would tell that has nothing new, not even in its frame."""
    return Reading(
        present=present(known), title=memory.title, home=memory.home, language=memory.language, hints=memory.hints
    )


def present(known: Mapping[bytes, Known]) -> tuple[Keys, ...]:
    """The keys of known items, for a reading without their entries."""
    return tuple(item.keys for item in known.values())


def is_ordered_alone(entries: tuple[Entry, ...], known: Mapping[bytes, Known]) -> bool:
    """Whether new entries are published in the same order as if the *known* ones stood among them.

    One without a date anywhere in a document has all of it ordered by place (``identity.oldest_first``).
    """
    dated = all(item.is_dated for item in known.values())
    return len(entries) < 2 or dated or any(entry.published is None for entry in entries)


def hints_of_both(document: Hints, answer: Hints) -> Hints:
    """The hints that a document holds, and those that came with an answer."""
    return replace(answer, **{name: getattr(document, name) for name in _DOCUMENT_HINTS})


# --- as bytes ------------------------------------------------------------------------------------------------


def dump(memory: Memory) -> bytes | None:
    """As bytes, of about 80 for an item; None for a head that is too long."""
    head = {
        "url": memory.url,
        "frame": memory.frame.hex(),
        "scope": memory.scope.hex(),
        "title": memory.title,
        "home": memory.home,
        "language": memory.language,
        "hints": {name: _plain(getattr(memory.hints, name)) for name in _DOCUMENT_HINTS},
    }
    encoded = json.dumps(head, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if len(encoded) > MAX_HEAD_BYTES:
        return None
    records = (_record(digest, known) for digest, known in memory.items.items())
    return b"".join((_PREFIX.pack(VERSION, len(encoded)), encoded, *records))


def _plain(hint: Any) -> Any:
    if isinstance(hint, timedelta):
        return hint.total_seconds()
    return sorted(hint) if isinstance(hint, frozenset) else hint


def _record(digest: bytes, known: Known) -> bytes:
    keys = known.keys
    flags = bool(keys.guid) * _HAS_GUID | bool(keys.link) * _HAS_LINK | known.is_dated * _IS_DATED
    return _RECORD.pack(digest, flags, keys.guid or b"", keys.link or b"", keys.content, keys.body)


def load(blob: bytes | None) -> Memory | None:
    """Read it back; None where there is none of this version."""
    found = _parts(blob)
    if found is None:
        return None
    head, records = found
    return Memory(
        head["url"],
        bytes.fromhex(head["frame"]),
        bytes.fromhex(head["scope"]),
        head["title"],
        head["home"],
        head["language"],
        _hints(head["hints"]),
        dict(_records(records)),
    )


def is_outdated(blob: bytes | None) -> bool:
    """Whether another version remembered this: what it made of the same bytes may be wrong now."""
    return blob is not None and len(blob) >= _PREFIX.size and _PREFIX.unpack_from(blob)[0] != VERSION


def load_hints(blob: bytes | None) -> Hints:
    """Read back the hints alone: those of a document that did not change still hold."""
    found = _parts(blob)
    return _hints(found[0]["hints"]) if found else Hints()


def _parts(blob: bytes | None) -> tuple[dict[str, Any], bytes] | None:
    if blob is None or len(blob) < _PREFIX.size:
        return None
    version, length = _PREFIX.unpack_from(blob)
    if version != VERSION:
        return None
    end = _PREFIX.size + length
    return json.loads(blob[_PREFIX.size : end].decode("utf-8", "surrogatepass")), blob[end:]


def _hints(values: dict[str, Any]) -> Hints:
    return Hints(**{name: _hint(value) for name, value in values.items()})


def _hint(value: Any) -> Any:
    if isinstance(value, list):
        return frozenset(value)
    return None if value is None else timedelta(seconds=value)


def _records(records: bytes) -> Iterator[tuple[bytes, Known]]:
    for digest, flags, guid, link, content, body in _RECORD.iter_unpack(records):
        keys = Keys("", guid if flags & _HAS_GUID else None, link if flags & _HAS_LINK else None, content, body)
        yield digest, Known(keys, bool(flags & _IS_DATED))
