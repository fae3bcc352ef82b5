"""Put a feed into feeds.yaml, or take one out, without touching anything else: every other byte stays as it was.

Called by ``admin/desk.py`` for ``/addfeed``, ``/removefeed`` and ``/opml``. The place is found in the tree of nodes and
lines are inserted or taken out as text, since a file that is written anew from values loses its owner's layout even
where it keeps the comments. Whether the outcome means what it should is looked at before it takes the old file's place:
the new one comes by rename, or not at all.
"""

import json
import os
import re
import tempfile
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.errors import ConfigError

#: Of a name that is made here.
MAX_NAME_CHARS = 32
_PLAIN_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z")
_PLAIN_ADDRESS = re.compile(r"https?://[A-Za-z0-9._~/?=&%+@!$;*:-]*[A-Za-z0-9_~/=-]")


@dataclass(frozen=True, slots=True)
class NewFeed:
    """A feed that is to stand in feeds.yaml."""

    name: str
    url: str
    to: tuple[str, ...] = ()  #: channels; empty: nothing is written of them
    title: str | None = None
    every: timedelta | None = None


def name_for(title: str | None, url: str, taken: Collection[str]) -> str:
    """A name for a feed that is not among those *taken*: of its title where that is Latin, else of its host."""
    words = _slug(title or "")
    host = (urlsplit(url).hostname or "feed").removeprefix("www.")
    # "Notes" of a Persian title with one English word in it would be a poor name.
    is_latin = len(words) > 2 and sum(map(str.isalpha, words)) * 2 > sum(map(str.isalpha, title or ""))
    base = (words if is_latin else _slug(host.rpartition(".")[0] or host)) or "feed"
    base = base[:MAX_NAME_CHARS].strip("-")
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def _slug(text: str) -> str:
    words = "-".join(re.findall(r"[a-z0-9]+", text.lower()))
    return words if words[:1].isalpha() else f"feed-{words}" if words else ""


def feed_yaml(name: str, url: str, to: Sequence[str], indent: str = "  ") -> str:
    """The lines of one feed, to stand under ``feeds:``."""
    return feeds_yaml([NewFeed(name, url, tuple(to))], indent)


def feeds_yaml(added: Sequence[NewFeed], indent: str = "  ") -> str:
    """The lines of several."""
    lines = []
    for feed in added:
        lines.append(f"{indent}{_word(feed.name)}:")
        lines += [f"{indent}  {key}: {value}" for key, value in _keys(feed)]
    return "\n".join(lines) + "\n"


def _keys(feed: NewFeed) -> list[tuple[str, str]]:
    keys = [("url", _address(feed.url))]
    if feed.title:
        # Nor must what named itself have a variable filled in.
        keys.append(("title", json.dumps(feed.title.replace("${", "$ {"), ensure_ascii=False)))
    if feed.to:
        keys.append(("to", f"[{', '.join(map(_word, feed.to))}]"))
    if feed.every:
        minutes = feed.every // timedelta(minutes=1)
        keys.append(("every", f"{minutes}m" if minutes % 60 else f"{minutes // 60}h"))
    return keys


def _word(text: str) -> str:
    is_plain = _PLAIN_WORD.fullmatch(text) and text.lower() not in ("true", "false", "null", "yes", "no", "on", "off")
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def _address(url: str) -> str:
    # Whatever named the address, it must not have a variable of the environment filled in.
    url = url.replace("{", "%7B").replace("}", "%7D")
    return url if _PLAIN_ADDRESS.fullmatch(url) else json.dumps(url, ensure_ascii=False)


def _composed(text: str) -> Any:
    try:
        return YAML(typ="safe", pure=True).compose(text)
    except (YAMLError, ValueError, AssertionError, RecursionError) as error:
        raise ConfigError("feeds.yaml is not YAML; correct it, see `qasedak check`") from error


def with_feed(text: str, name: str, url: str, to: Sequence[str]) -> str:
    """The text of a feeds.yaml with one more feed, behind the others.

    Raises: ConfigError, where there is no place for it.
    """
    return with_feeds(text, [NewFeed(name, url, tuple(to))])


def with_feeds(text: str, added: Sequence[NewFeed]) -> str:
    """The same with several."""
    root = _composed(text)
    end = "\r\n" if "\r\n" in text else "\n"
    if root is not None and (not isinstance(root, MappingNode) or root.flow_style):
        raise ConfigError("feeds.yaml has no place for lines; add the feed by hand")
    feeds = _value_of(root, "feeds") if root is not None else None
    if feeds is None:
        before = text if not text or text.endswith("\n") else text + end
        return before + ("feeds:\n" + feeds_yaml(added)).replace("\n", end)
    if not isinstance(feeds, MappingNode):
        raise ConfigError("feeds.yaml has no keys under feeds; add the feed by hand")
    if feeds.flow_style:
        return _into_braces(text, feeds, added)
    column = feeds.value[0][0].start_mark.column
    lines = _LINE.findall(text)
    at = _last_line(feeds, lines) + 1
    # Comments that are indented like a feed's keys are its own.
    while at < len(lines) and re.match(rf" {{{column + 1},}}#", lines[at]):
        at += 1
    if not lines[at - 1].endswith("\n"):
        lines[at - 1] += end
    return "".join([*lines[:at], feeds_yaml(added, " " * column).replace("\n", end), *lines[at:]])


def _value_of(root: MappingNode, key: str) -> Node | None:
    return next((value for found, value in root.value if isinstance(found, ScalarNode) and found.value == key), None)


def _into_braces(text: str, feeds: MappingNode, added: Sequence[NewFeed]) -> str:
    end = feeds.end_mark.index - 1
    before = text[:end].rstrip()
    # ruamel.yaml counts what it reads; what is no closing brace was not understood.
    if text[end : end + 1] != "}" or "#" in text[feeds.start_mark.index : end]:
        raise ConfigError("feeds.yaml has no place for lines under feeds; add the feed by hand")
    comma = "" if before.endswith(("{", ",")) else ","
    space = "" if before.endswith("{") else " "
    inner = [f"{_word(feed.name)}: {{{', '.join(f'{key}: {value}' for key, value in _keys(feed))}}}" for feed in added]
    return f"{before}{comma}{space}{', '.join(inner)}{text[len(before) :]}"


def _last_line(node: Any, lines: Sequence[str]) -> int:
    """The line on which what is written of a node ends: the end that the parser tells lies behind its comments."""
    if isinstance(node, MappingNode) and not node.flow_style and node.value:
        key, value = node.value[-1]
        return _last_line(key if _is_empty(value) else value, lines)
    if isinstance(node, SequenceNode) and not node.flow_style and node.value:
        return _last_line(node.value[-1], lines)
    if isinstance(node, ScalarNode) and node.style in ("|", ">"):
        last: int = node.end_mark.line - (node.end_mark.column == 0)
        while not lines[min(last, len(lines) - 1)].strip():
            last -= 1
        return last
    last_line: int = node.end_mark.line
    return last_line


def _is_empty(node: Any) -> bool:
    return isinstance(node, ScalarNode) and node.value == "" and node.style is None


def without_feed(text: str, name: str) -> str | None:
    """The text of a feeds.yaml without a feed or an archive; None where it names none of that name.

    The comments above it stay: they may speak of more than one feed.

    Raises: ConfigError, where it cannot be taken out.
    """
    root = _composed(text)
    for section in ("feeds", "archives"):
        among = _value_of(root, section) if isinstance(root, MappingNode) else None
        if not isinstance(among, MappingNode):
            continue
        names = [key.value if isinstance(key, ScalarNode) else None for key, _value in among.value]
        if name in names:
            place = names.index(name)
            return _out_of_braces(text, among, place) if among.flow_style else _out_of_lines(text, root, among, place)
    return None


def _out_of_lines(text: str, root: MappingNode, among: MappingNode, place: int) -> str:
    lines = _LINE.findall(text)
    key, value = among.value[place]
    first, column = key.start_mark.line, key.start_mark.column
    last = _last_line(key if _is_empty(value) else value, lines) + 1
    while last < len(lines) and re.match(rf" {{{column + 1},}}#", lines[last]):  # comments of its own
        last += 1
    before = lines[first][:column]
    if before.strip() or root.flow_style:
        raise ConfigError("feeds.yaml has a form in which no feed can be removed; remove it by hand")
    kept = [*lines[:first], *lines[last:]]
    if len(among.value) == 1:  # a section with nothing in it says so
        head = next(found for found, node in root.value if node is among).start_mark.line
        kept[head] = re.sub(
            r":([ \t]*)(#.*)?(\r?\n|\r)?\Z",
            lambda m: f": {{}}{m[1] if m[2] else ''}{m[2] or ''}{m[3] or ''}",
            kept[head],
        )
    return "".join(kept)


def _out_of_braces(text: str, among: MappingNode, place: int) -> str:
    key, value = among.value[place]
    if place + 1 < len(among.value):
        start, end = key.start_mark.index, among.value[place + 1][0].start_mark.index
    else:
        start = among.value[place - 1][1].end_mark.index if place else key.start_mark.index
        end = value.end_mark.index
    if "#" in re.sub(r"""(['"]).*?\1|\S#""", "", text[start:end]):
        raise ConfigError("feeds.yaml has a comment there; remove the feed by hand")
    return text[:start] + text[end:]


def replace_file(path: Path, text: str, check: Callable[[Path], None]) -> None:
    """Put *text* in the place of a file at once, after *check* has seen it beside the old one.

    Raises: ConfigError, when it cannot be written, or what *check* raises; the file is as it was then.
    """
    target = Path(os.path.realpath(path))  # a link stays a link
    try:
        if not os.access(target, os.W_OK):  # a rename would get past that, and somebody meant it
            raise PermissionError(13, "it is read-only")
        number, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    beside = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fchmod(file.fileno(), target.stat().st_mode & 0o7777)
            os.fsync(file.fileno())
        check(beside)
        beside.replace(target)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{path}: cannot be written ({error.strerror}); change it by hand")
