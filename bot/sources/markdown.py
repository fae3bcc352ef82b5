"""Posts as Markdown files with YAML front matter: those of Hugo, Jekyll and Obsidian, and those we write ourselves.

One file is one post. Reading knows the keys of the three programs, and dates in either calendar. Writing keeps a
post's HTML as it is: as one block of raw HTML, which every Markdown program shows, and with Hugo's ``markup: html``,
by which reading knows to take it back unchanged.
"""

import base64
import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.model import Enclosure, Entry, Post
from bot.sources import document, exports
from bot.sources.exports import Moment, read_moment, web_link
from bot.text import dates, persian
from bot.text.calendars import GREGORIAN_MONTHS_EN

_FRONT_CHARS = 128 * 1024
_SUMMARY_CHARS = 32 * 1024  #: of a summary in it
#: A head of this size may end within the front matter.
_LONG_HEAD = 16 * 1024
_MAX_DEPTH = 20
_KEY = re.compile(r"(?:#.*\n\s*)*[\w\"'][\w \"'-]*:(?:\s|\Z)")
_JEKYLL_NAME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})-.+")
_HEADING = re.compile(r"\s*#[ \t]+([^\n]+?)[ \t#]*(?:\n|\Z)")
_RAW = "html"  #: of ``markup``: the body is HTML, and ours
_WRAPPER = "<div>\n", "\n</div>"

#: Keys that mean the same to one program or another, the surest first.
_GUID = ("id", "guid", "slug")
_PUBLISHED = ("date", "published", "created", "created_at", "pubdate", "publishdate")
_UPDATED = ("updated", "lastmod", "last_modified_at", "modified", "date_modified")
_LINK = ("link", "url", "canonical_url", "permalink")
_AUTHOR = ("author", "authors")
_TAGS = ("tags", "categories", "category", "keywords")
_SUMMARY = ("summary", "description", "excerpt")
_LANGUAGE = ("language", "lang")
_IMAGE = ("image", "cover", "featured_image", "thumbnail")
_NO, _YES = ("false", "no", "off"), ("true", "yes", "on")

Fields = Mapping[str, Node]


# --- reading -------------------------------------------------------------------------------------------------


def has_front_matter(text: str) -> bool:
    """Whether a text, or a file's head, begins with lines of keys between two lines of dashes."""
    front, rest = _split(text)
    if front is None and len(rest) >= _LONG_HEAD and rest.startswith("---"):
        front = rest
    return front is not None and _KEY.match(front.removeprefix("---").lstrip()) is not None


def read_entries(path: Path, zone: ZoneInfo, language: str | None) -> Iterator[Entry]:
    """The post of a file; none where it is a draft or a page.

    Raises: ArchiveError.
    """
    front, body = _split(exports.read_whole(path))
    fields = _fields(path, front or "")
    if _is_public_post(fields):
        yield _entry(path, fields, body, zone, language)


def _split(text: str) -> tuple[str | None, str]:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if not re.match(r"---[ \t]*\n", lines):
        return None, lines
    start = lines.index("\n") + 1
    end = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE).search(lines, start, start + _FRONT_CHARS)
    # A lone line of dashes is a rule across the page.
    return (lines[start : end.start()], lines[end.end() :]) if end else (None, lines)


def _fields(path: Path, front: str) -> Fields:
    """The front matter as nodes: 1397-02-31 is a day of its calendar, and as a YAML timestamp an error."""
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = _MAX_DEPTH
    try:
        root = yaml.compose(front)
    except (YAMLError, ValueError, AssertionError, RecursionError) as error:
        mark = error.problem_mark or error.context_mark if isinstance(error, MarkedYAMLError) else None
        at = f" at line {mark.line + 2}" if mark else ""
        raise exports.wrong(
            path, f"has front matter that is not YAML{at}", "correct what stands between the two lines of ---"
        ) from None
    if root is None:
        return {}
    if not isinstance(root, MappingNode):
        raise exports.wrong(path, "has front matter without keys", "write it as key: value")
    return {
        key.value.strip().lower().replace(" ", "_"): value
        for key, value in reversed(root.value)  # of a key written twice the first counts
        if isinstance(key, ScalarNode)
    }


def _is_public_post(fields: Fields) -> bool:
    keys = ("draft", "published", "publish", "layout", "type", "status")
    says = {name: _text(fields, (name,)).lower() for name in keys}
    return (
        says["draft"] not in _YES
        and says["published"] not in _NO
        and says["publish"] not in _NO
        and says["status"] not in ("draft", "private")
        and "page" not in (says["layout"], says["type"])
    )


def _entry(path: Path, fields: Fields, body: str, zone: ZoneInfo, language: str | None) -> Entry:
    is_raw = _text(fields, ("markup",)).lower() == _RAW
    title = _text(fields, ("title",))
    if is_raw:
        content = body.strip().removeprefix(_WRAPPER[0]).removesuffix(_WRAPPER[1])
    else:
        heading = _HEADING.match(body)
        if heading and not title:
            title, body = heading[1], body[heading.end() :]
        content = to_html(body[: document.MAX_TEXT_CHARS])
    published = read_moment(_date(fields) or ("" if is_raw else _date_of_name(path)), zone)
    summary = _text(fields, _SUMMARY)
    return exports.make_entry(
        guid=_text(fields, _GUID) or _guid(published, title, body),
        title=title,
        link=_address(fields, _LINK),
        published=published,
        updated=read_moment(_text(fields, _UPDATED), zone),
        author=", ".join(_texts(fields, _AUTHOR)),
        tags=tuple(_texts(fields, ("tags",))) if is_raw else _tags(fields),
        summary=summary if is_raw else html.escape(summary, quote=False),
        content=content,
        enclosures=tuple(_enclosures(fields)),
        is_cut=len(body) > document.MAX_TEXT_CHARS,
        language=language,
        declared=_text(fields, _LANGUAGE) or None,
    )


def _date(fields: Fields) -> str:
    # Jekyll's "published" is yes or no.
    return next((text for name in _PUBLISHED if (text := _text(fields, (name,))).lower() not in ("", *_YES)), "")


def _date_of_name(path: Path) -> str:
    """Jekyll's posts have their date there and nowhere else."""
    name = _JEKYLL_NAME.fullmatch(path.stem)
    return name[1] if name else ""


def _guid(published: Moment, title: str, body: str) -> str:
    """What a post is known by that names nothing itself; like those of dated text, never its path."""
    day = published.day.isoformat() if published.day else ""
    parts = ["md1", day, persian.key_fold(title or body[:4096])]
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
    return "md1-" + base64.b32encode(digest).decode("ascii")[:16].lower()


def _enclosures(fields: Fields) -> Iterator[Enclosure]:
    picture = _address(fields, _IMAGE)
    if picture:
        yield Enclosure(picture, "image/*")
    listed = fields.get("enclosures")
    for node in listed.value if isinstance(listed, SequenceNode) else ():
        if isinstance(node, MappingNode):
            inner = {str(key.value): value for key, value in node.value}
            if url := _address(inner, ("url",)):
                yield Enclosure(url, _text(inner, ("type",)))


def _tags(fields: Fields) -> tuple[str, ...]:
    """Of every key that has some; one text holds several, as Jekyll and Obsidian allow."""
    found: list[str] = []
    for name in _TAGS:
        node = fields.get(name)
        if isinstance(node, ScalarNode):
            text = _text(fields, (name,))
            found += re.split("[,\u060c]", text) if re.search("[,\u060c]", text) else text.split()
        else:
            found += _texts(fields, (name,))
    return tuple(tag.strip().lstrip("#") for tag in found)


def _address(fields: Fields, names: Sequence[str]) -> str | None:
    return next((url for name in names if (url := web_link(_text(fields, (name,))))), None)


def _text(fields: Fields, names: Sequence[str]) -> str:
    """The first of the keys that has a text."""
    for name in names:
        texts = _texts(fields, (name,))
        if texts:
            return texts[0]
    return ""


def _texts(fields: Fields, names: Sequence[str]) -> list[str]:
    """The texts of the first of the keys that has any: one, those of a list, or the names of its members."""
    for name in names:
        node = fields.get(name)
        members = node.value if isinstance(node, SequenceNode) else [node]
        found = [text for member in members if (text := _own_text(member))]
        if found:
            return found
    return []


def _own_text(node: Any) -> str:
    if isinstance(node, MappingNode):
        node = next((value for key, value in node.value if key.value == "name"), None)
    if not isinstance(node, ScalarNode):
        return ""
    is_null = node.style is None and node.value in ("~", "null", "Null", "NULL")
    return "" if is_null else exports.legal(str(node.value)).strip()


# --- Markdown to HTML ----------------------------------------------------------------------------------------

_WIKI_LINK = re.compile(r"(!?)\[\[([^\[\]\n|]{1,200})(?:\|([^\[\]\n]{0,200}))?\]\]")


def to_html(text: str) -> str:
    """Markdown as HTML; CommonMark with tables, and Obsidian's links between notes as their words."""
    return str(_RENDERER.render(text)).strip()


def _wiki_link(state: StateInline, silent: bool) -> bool:
    """Notes cannot be reached from outside: a link becomes its text, an embedded note goes."""
    found = _WIKI_LINK.match(state.src, state.pos)
    if found is None:
        return False
    if not silent and not found[1]:
        state.pending += found[3] or found[2]
    state.pos = found.end()
    return True


def _renderer() -> MarkdownIt:
    renderer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    renderer.inline.ruler.before("link", "wiki_link", _wiki_link)
    return renderer


_RENDERER = _renderer()


# --- writing -------------------------------------------------------------------------------------------------

MAX_NAME_CHARS = 120
_MAX_NAME_BYTES = 200  #: of a name in UTF-8, where file systems stop at 255
#: YAML 1.2 section 5.1: these must be escaped, and so must what would hide in an editor.
_ESCAPED = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")
_TAG = re.compile(r"<(?:/?[a-zA-Z]|!--)[^<>]*>")
_SAFE_NAME = re.compile(r"\w[\w-]{0,59}")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)  # Windows
_EMPTY_LINE = re.compile(r"\n(?=[^\S\n]*\n)")


def write(post: Post, feed_name: str, zone: ZoneInfo) -> tuple[str, str]:
    """The name of a file for a post, and its text; ``read_entries`` gives the same entry back.

    Names are safe on every system, and differ for different posts. A day without a time is one of *zone*.
    """
    entry = post.entry
    day = post.effective_at.astimezone(zone).date()
    guid = entry.guid or post.ident
    name = file_name(day, entry.title or "", f"{feed_name}\0{guid}")
    is_short = len(entry.summary or "") <= _SUMMARY_CHARS
    fields = {
        "id": guid,
        "title": entry.title,
        "date": _written(entry.published, entry.date_only, zone),
        "jalali": _jalali(day) if entry.published else None,
        "updated": _written(entry.updated, False, zone),
        "link": entry.link,
        "author": entry.author,
        "tags": list(entry.tags),
        "language": entry.language,
        "feed": feed_name,
        "summary": entry.summary if is_short else None,
        "enclosures": [{"url": enclosure.url, "type": enclosure.type} for enclosure in entry.enclosures],
        "markup": _RAW,
    }
    front = "".join(f"{key}: {_yaml(value)}\n" for key, value in fields.items() if value)
    return name, f"---\n{front}---\n\n{_raw_block(entry.fullest or ('' if is_short else entry.summary or ''))}"


def file_name(day: date, title: str, key: str) -> str:
    """``2018-09-30-first-words-of-the-title-<hash of key>.md``."""
    digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:12]
    room = MAX_NAME_CHARS - len(f"{day}--{digest}.md")
    words = _slug(title)[:room].encode("utf-8")[: _MAX_NAME_BYTES - 30].decode("utf-8", "ignore").strip("-")
    return "-".join(part for part in (day.isoformat(), words, digest) if part) + ".md"


def folder_name(feed_name: str) -> str:
    """A feed's name as the name of a folder: as it is, where every system takes it."""
    if _SAFE_NAME.fullmatch(feed_name) and not _RESERVED.fullmatch(feed_name):
        return feed_name
    digest = hashlib.sha256(feed_name.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{_slug(feed_name)[:40]}-{digest}".strip("-")


def _slug(text: str) -> str:
    letters = unicodedata.normalize("NFC", text[:1000])
    return "-".join("".join(character if character.isalnum() else " " for character in letters).split()).lower()


def _written(moment: datetime | None, date_only: bool, zone: ZoneInfo) -> str | None:
    if moment is None:
        return None
    if not date_only:
        return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    day = moment.astimezone(zone).date()
    # In figures such a year would be read as one of the other calendar, or as none.
    return day.isoformat() if day.year >= 1800 else f"{day.day} {GREGORIAN_MONTHS_EN[day.month - 1]} {day.year}"


def _jalali(day: date) -> str:
    jalali = dates.to_jalali(day)
    return f"{jalali.year}-{jalali.month:02}-{jalali.day:02}"


def _yaml(value: object) -> str:
    """JSON is YAML but for a few characters."""
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def _raw_block(body: str) -> str:
    """HTML that ends nowhere for a Markdown program: its block would end at an empty line (CommonMark 4.6)."""
    text = exports.legal(body).replace("\r\n", "\n").replace("\r", "\n").strip()
    tags_on_one_line = _TAG.sub(lambda tag: tag[0].replace("\n", " "), text)
    unbroken = _EMPTY_LINE.sub("&#10;", tags_on_one_line)
    return f"{_WRAPPER[0]}{unbroken}{_WRAPPER[1]}\n" if unbroken else ""
