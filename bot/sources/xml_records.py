"""Elements of a big XML file, one by one, in memory that does not grow with the file.

For the exports of blogs (``blogger.py``, ``wordpress.py``). Refuses a DOCTYPE, with which every bomb of XML begins,
before anything of it is expanded; refuses depth and endless tags. Knows the names that exports use, and no meaning.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from xml.parsers import expat  # entity declarations are refused below

from bot.sources import document, exports

MAX_DEPTH = 200
#: Elements of one record; a post has some dozens.
MAX_ELEMENTS = 10_000
#: One tag, comment or instruction: expat scans an unfinished one again with every chunk.
MAX_TAG_BYTES = 1024 * 1024
#: Bytes that XML 1.0 forbids and blogs contain nevertheless.
_CONTROL_BYTES = bytes(byte for byte in range(0x20) if byte not in b"\t\n\r")
#: What expat says of a document that ends too early.
_AT_THE_END = [
    expat.errors.codes[said]
    for said in (
        *(expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN),
        *(expat.errors.XML_ERROR_PARTIAL_CHAR, expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION),
    )
]
_PREFIXES = tuple(
    (re.compile(pattern), prefix)
    for pattern, prefix in (
        (r"http://www\.w3\.org/2005/Atom", ""),
        (r"http://purl\.org/rss/1\.0/modules/content/", "content:"),
        (r"http://purl\.org/dc/elements/1\.1/", "dc:"),
        (r"http://wordpress\.org/export/[\d.]+/excerpt/", "excerpt:"),
        (r"http://wordpress\.org/export/[\d.]+/", "wp:"),
        (r"http://purl\.org/atom/app#|http://www\.w3\.org/2007/app", "app:"),
        (r"http://schemas\.google\.com/blogger/\d{4}", "blogger:"),
    )
)


@dataclass(slots=True)
class Element:
    """A part of a record; ``parts`` are its own text and that of elements nobody asked for."""

    name: str
    attributes: Mapping[str, str]
    parts: list[str] = field(default_factory=list)
    size: int = 0
    is_cut: bool = False
    children: list["Element"] = field(default_factory=list)

    @property
    def value(self) -> str:
        """The text, without the white space round it."""
        return "".join(self.parts).strip()

    def first(self, name: str) -> "Element | None":
        """The first child of a name."""
        return next((child for child in self.children if child.name == name), None)

    def every(self, name: str) -> list["Element"]:
        """All children of a name."""
        return [child for child in self.children if child.name == name]

    def text(self, name: str) -> str:
        """The text of the first child of a name, "" where there is none."""
        child = self.first(name)
        return child.value if child else ""


def read_records(path: Path, container: str, records: frozenset[str], wanted: frozenset[str]) -> Iterator[Element]:
    """The children of *container* called as in *records*, with what they hold of *wanted*, in the file's order.

    Names are those of the exports: ``entry``, ``wp:status``; which version of its namespace a file uses is no matter.

    Raises: ArchiveError.
    """
    builder = _Builder(path, container, records, wanted)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = builder.refuse_doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.add_text
    fed = 0
    with path.open("rb") as file:
        is_wide = file.read(2) in (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
        file.seek(0)
        while True:
            chunk = file.read(exports.CHUNK_BYTES)
            fit = chunk if is_wide else chunk.translate(None, _CONTROL_BYTES)
            fed += len(fit)
            _parse(path, parser, fit, is_last=not chunk)
            if fed - parser.CurrentByteIndex > MAX_TAG_BYTES:
                raise exports.wrong(path, f"holds a tag of over {MAX_TAG_BYTES >> 20} MB", "no blog exports such")
            yield from builder.finished
            builder.finished.clear()
            if not chunk:
                break
    if not builder.has_container:
        raise exports.wrong(path, f"holds no <{container}>", "name another format, or export the blog again")


def _parse(path: Path, parser: expat.XMLParserType, chunk: bytes, *, is_last: bool) -> None:
    try:
        parser.Parse(chunk, is_last)
    except expat.ExpatError as error:
        at = f"line {error.lineno}, column {error.offset + 1}"
        what = (
            "was cut off"
            if is_last and error.code in _AT_THE_END
            else f"is not well-formed XML at {at} ({expat.ErrorString(error.code)})"
        )
        raise exports.wrong(path, what) from None
    except (ValueError, LookupError) as error:  # its declaration names an encoding that nobody knows
        raise exports.wrong(path, f"cannot be decoded ({error})", "save it as UTF-8") from None


class _Builder:
    """What expat calls; the record being read is a stack of elements, None within what nobody asked for."""

    def __init__(self, path: Path, container: str, records: frozenset[str], wanted: frozenset[str]) -> None:
        self.finished: list[Element] = []
        self._path = path
        self._container = container
        self._records = records
        self._wanted = wanted
        self._depth = 0
        self._container_depth = 0
        self._stack: list[Element | None] = []
        self._elements = 0

    @property
    def has_container(self) -> bool:
        return self._container_depth > 0

    def refuse_doctype(self, *_declared: object) -> None:
        raise exports.wrong(
            self._path, "declares a DOCTYPE, which no export does", "remove it, or export the blog again"
        )

    def start(self, raw_name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise exports.wrong(self._path, f"is nested over {MAX_DEPTH} deep", "no blog exports such a file")
        name = _short_name(raw_name)
        if self._stack:
            self._stack.append(self._inner(name, attributes))
        elif self._container_depth and self._depth == self._container_depth + 1 and name in self._records:
            self._elements = 0
            self._stack.append(Element(name, attributes))
        elif not self._container_depth and name == self._container:
            self._container_depth = self._depth

    def _inner(self, name: str, attributes: dict[str, str]) -> Element | None:
        outer = self._stack[-1]
        if outer is None:
            return None
        if name not in self._wanted:
            return outer if len(self._stack) > 1 else None
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            return None
        element = Element(name, attributes)
        outer.children.append(element)
        return element

    def add_text(self, text: str) -> None:
        element = self._stack[-1] if self._stack else None
        if element is None:
            return
        room = document.MAX_TEXT_CHARS - element.size
        element.is_cut = element.is_cut or len(text) > room
        if room > 0:
            element.parts.append(text[:room])
            element.size += len(element.parts[-1])

    def end(self, _raw_name: str) -> None:
        self._depth -= 1
        if self._stack:
            element = self._stack.pop()
            if not self._stack and element is not None:
                self.finished.append(element)


@lru_cache(maxsize=1000)
def _short_name(raw_name: str) -> str:
    space, _, name = raw_name.rpartition(" ")
    if not space:
        return name
    return next((prefix for pattern, prefix in _PREFIXES if pattern.fullmatch(space)), "other:") + name
