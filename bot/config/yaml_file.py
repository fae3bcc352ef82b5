"""A YAML 1.2 file with the place of everything in it: what ruamel.yaml knows, for messages that people can act on.

Called by ``reading.py``. Knows nothing of what the keys mean. Values are built here, out of the tree of nodes, for
three reasons: every value keeps its place, also behind an alias; ``on``, ``1:30`` and ``2018-09-30`` stay text; and
nothing in the file can make an object. Where it is plain what was meant, the mistake is noted and the reading goes
on, so that one run shows all mistakes. Refuses floods of aliases, since the file may come from somebody else.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from bot.errors import ConfigError

#: More than any hand writes, and few enough to be read again by hand.
MAX_ALIASES = 50
#: Fifty aliases inside one another still multiply: so many repeated values are a bomb, not a file.
MAX_REPEATED = 10_000
MAX_DEPTH = 50
_YAML_TAG = "tag:yaml.org,2002:"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LINE_END = re.compile("\r\n|\n|\r")
#: A comment that was meant as a hashtag: comments have a space after their "#".
_UNQUOTED_TAG = re.compile(r"(?:^|(?<=[\s\[,{:]))#[^\W\d_][\w\u200c]*")
_TAG_FOR_VALUE = re.compile(r"[\s:]*(#[^\W\d_][\w\u200c]*)")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'")
PERSIAN_COMMA = "\u060c"
_USE_COMMA = f"the Persian comma ({PERSIAN_COMMA}) does not separate items; write a plain one (,)"

KeyPath = Sequence[str | int]
Problem = tuple["Place", str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; counted from 1, as editors do."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def sort_key(self) -> tuple[str, int, int]:
        """Top to bottom."""
        return self.file, self.line, self.column


@dataclass(frozen=True, slots=True)
class _Spot:
    """A key with its value, or an item of a list."""

    key: Place
    value: Place
    node: Node


@dataclass(frozen=True, slots=True)
class YamlFile:
    """One file, read. ``values`` is plain Python; ``problems`` do not keep the rest from being checked."""

    path: Path
    values: Any
    problems: list[Problem] = field(default_factory=list)
    _spots: Mapping[tuple[str | int, ...], _Spot] = field(default_factory=dict)
    _lines: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by file
    imported: tuple[str, ...] = ()  #: the patterns of all imports, from the root on

    @classmethod
    def open(cls, path: Path, environment: Mapping[str, str]) -> "YamlFile":
        """Read *path*, with ``${NAME}`` taken from *environment*.

        Raises: ConfigError, where nothing can be made of the file.
        """
        text = _read(path)
        lines = _LINE_END.split(text)
        root, tags = _compose(path, text, lines)
        reader = _Reader(path, lines, environment, tags)
        values = None if root is None else reader.plain(root, ())
        return cls(path, {} if values is None else values, reader.problems, reader.spots, {str(path): lines})

    def key(self, path: KeyPath) -> Place:
        """Where a key stands; of one that is not written, what it should stand under."""
        spot = self._nearest(path)
        return spot.key if spot else Place(str(self.path), 1, 1)

    def value(self, path: KeyPath) -> Place:
        """Where a key's value, or an item of a list, stands."""
        spot = self._nearest(path)
        return spot.value if spot else Place(str(self.path), 1, 1)

    def line_of_text(self, path: KeyPath, line: int) -> Place:
        """Where the *line*-th line of a text begins; only of a block (``|``) are the lines those of the file."""
        spot = self._nearest(path)
        lines = self._lines.get(spot.value.file, ()) if spot else ()
        if spot is None or getattr(spot.node, "style", None) != "|" or spot.value.line + line > len(lines):
            return self.value(path)
        written = lines[spot.value.line + line - 1]
        return Place(spot.value.file, spot.value.line + line, len(written) - len(written.lstrip()) + 1)

    def folder(self, path: KeyPath) -> Path:
        """The folder of the file in which something stands: what it names is relative to that."""
        return Path(self.key(path).file).parent

    def joined(self, other: "YamlFile") -> "YamlFile":
        """Both files as one; what they both hold is a mistake of the *other* one, and this one's stands."""
        values, problems = dict(self.values), [*self.problems, *other.problems]
        spots = dict(self._spots)
        for section, content in other.values.items():
            mine = values.get(section, {})
            if not (isinstance(content, dict) and isinstance(mine, dict)):
                if section in values:
                    problems.append((other.key((section,)), f"'{section}' must hold keys and values in both files"))
                else:
                    values[section] = content
                    spots |= other._below((section,))
                continue
            values[section] = {**mine, **{name: content[name] for name in content if name not in mine}}
            spots |= {at: spot for at, spot in other._spots.items() if at == (section,) and at not in spots}
            for name in content:
                if name in mine:
                    said = f"'{name}' under {section} stands in {self.key((section, name))} already; remove one"
                    problems.append((other.key((section, name)), said))
                else:
                    spots |= other._below((section, name))
        return YamlFile(self.path, values, problems, spots, {**self._lines, **other._lines})

    def without(self, section: str) -> "YamlFile":
        """All but one section; its place is forgotten too."""
        values = {name: content for name, content in self.values.items() if name != section}
        spots = {at: spot for at, spot in self._spots.items() if at[0] != section}
        return YamlFile(self.path, values, self.problems, spots, self._lines)

    def _below(self, path: tuple[str | int, ...]) -> dict[tuple[str | int, ...], _Spot]:
        return {at: spot for at, spot in self._spots.items() if at[: len(path)] == path}

    def holds(self, path: KeyPath) -> bool:
        """Whether something stands there."""
        return tuple(path) in self._spots

    def written(self, path: KeyPath) -> str | None:
        """The text that stands there, before ``${NAME}`` was filled in: what messages may show."""
        spot = self._spots.get(tuple(path))
        return str(spot.node.value) if spot and isinstance(spot.node, ScalarNode) else None

    def _nearest(self, path: KeyPath) -> _Spot | None:
        known = tuple(path)
        while known and known not in self._spots:
            known = known[:-1]
        return self._spots.get(known)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file; write one (see README.md), or name another in QASEDAK_CONFIG"
        ) from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a directory; name the file in QASEDAK_CONFIG") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give this user the right to read it") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path}:1:1: these bytes are not UTF-8 text; save the file as UTF-8") from None


# --- from text to nodes --------------------------------------------------------------------------------------


class _Composer(Composer):
    """Notes what this file may not hold, while the nodes are made."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False
        self.aliases = 0
        self.tags: list[tuple[Any, str]] = []

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        if isinstance(event, AliasEvent):
            self.aliases += 1
            if self.aliases > MAX_ALIASES:
                raise MarkedYAMLError(None, None, _TOO_MANY_ALIASES, event.start_mark)
        elif getattr(event, "ctag", None):
            self.tags.append((event.start_mark, str(event.ctag).replace(_YAML_TAG, "!!")))
        return super().compose_node(parent, index)


_TOO_MANY_ALIASES = f"more than {MAX_ALIASES} aliases (*name); write them out"


def _compose(path: Path, text: str, lines: Sequence[str]) -> tuple[Node | None, list[Problem]]:
    """The tree of the file, and the tags in it.

    Raises: ConfigError, when the file is not YAML.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _Composer
    yaml.max_depth = MAX_DEPTH
    try:
        root = yaml.compose(text)
    except ReaderError as error:
        raise ConfigError(
            f"{path}:1:1: this is not YAML: it holds the character U+{error.character:04X}; save it as plain text"
        ) from None
    except MarkedYAMLError as error:
        raise ConfigError(_explain(path, lines, error)) from None
    except (YAMLError, ValueError, AssertionError, RecursionError):
        raise ConfigError(f"{path}:1:1: this is not YAML; correct it") from None
    return root, [
        (_place(path, mark), f"the tag {tag} is not used in this file; remove it") for mark, tag in yaml.composer.tags
    ]


def _place(path: Path, mark: Any) -> Place:
    return Place(str(path), mark.line + 1, mark.column + 1)


#: What ruamel.yaml says, and what to do about it. Looked at in order, after the mistakes that have a name here.
_SYNTAX = (
    (r"more than \d+ aliases.*", r"\g<0>"),
    (r"found character '\\t'.*", "a tab cannot indent; use spaces"),
    (r"found character .(.). that cannot start any token", r"a text cannot begin with \1; put quotes round it"),
    (r"found undefined alias '(.*)'", r"nothing is called &\1; if *\1 is meant as text, put quotes round it"),
    (r"expected alphabetic or numeric character.*", "a text cannot begin with * or &; put quotes round it"),
    (r"mapping values are not allowed here", "no key can stand here; indent it like its neighbours, or put quotes "
     "round a text with a colon in it"),
    (r"expected <block end>.*", "this does not belong to what stands before it; indent it like its neighbours, or put "
     "quotes round the text"),
    (r"found unexpected end of stream|found unexpected document separator", "this quote is not closed; close it"),
    (r"expected ',' or '([]}])'.*", r"this is not closed, or a comma is missing in it; add \1"),
    (r"could not find expected ':'", "a colon is missing after this key; add it"),
    (r"found unknown escape character '(.*)'", r"\\\1 means nothing between double quotes; write \\\\\1, or use "
     "single quotes"),
    (r"but found another document", "one file holds one document; remove this --- or what follows it"),
    (r"sequence entries are not allowed here", "a list cannot begin on the line of its key; put it below"),
    (r"expected the node content.*", "a value is missing here; write one"),
    (r"maximum depth .*", f"nested more than {MAX_DEPTH} deep; nothing in this file needs that"),
)  # fmt: skip


def _explain(path: Path, lines: Sequence[str], error: MarkedYAMLError) -> str:
    problem = str(error.problem)
    mark = error.problem_mark or error.context_mark
    named = _named_mistake(lines, error)
    if named:
        line, column, said = named
        return f"{path}:{line + 1}:{column + 1}: {said}"
    if error.context_mark and re.match(r"expected ',' or|found unexpected (end of stream|document)", problem):
        mark = error.context_mark  # where it was opened; the other end is often the end of the file
    at = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else f"{path}:1:1"
    for pattern, said in _SYNTAX:
        found = re.fullmatch(pattern, problem, re.DOTALL)
        if found:
            return f"{at}: {found.expand(said)}"
    return f"{at}: this is not YAML ({' '.join(problem.split())}); correct it"


def _named_mistake(lines: Sequence[str], error: MarkedYAMLError) -> tuple[int, int, str] | None:
    """An unquoted @name or #tag, or a Persian comma: the mistakes that this file invites (PRODUCT 1.2)."""
    end = error.problem_mark or error.context_mark
    if end is None:
        return None
    written = _line(lines, end.line)
    if written[end.column : end.column + 1] == "@":
        return end.line, end.column, _quote(re.split(r"[\s,\]}]", written[end.column :])[0])
    start = error.context_mark if error.context_mark and "flow" in str(error.context) else end
    for number in range(min(start.line, end.line), end.line + 1):
        shown = _without_quoted(_line(lines, number))
        comma = shown.find(PERSIAN_COMMA)
        if comma >= 0 and (number < end.line or comma <= end.column):
            return number, comma, _USE_COMMA
    if "expected ',' or" in str(error.problem) or "expected the node content" in str(error.problem):
        # A comment swallows the end of a list: the parser stops somewhere below it.
        for number in range(end.line, -1, -1):
            found = _UNQUOTED_TAG.search(_without_quoted(_line(lines, number)))
            if found and "[" in _line(lines, number)[: found.start()]:
                return number, found.start(), _quote(found[0])
    return None


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number] if number < len(lines) else ""


def _without_quoted(line: str) -> str:
    """The line with quoted texts blanked, every column kept."""
    return _QUOTED.sub(lambda found: " " * len(found[0]), line)


def _quote(text: str) -> str:
    return f'put quotes round it: "{text}"'


# --- from nodes to values ------------------------------------------------------------------------------------


class _Reader:
    """Makes plain values of the nodes of one file; notes their places, and what is wrong with them."""

    def __init__(
        self, path: Path, lines: Sequence[str], environment: Mapping[str, str], problems: list[Problem]
    ) -> None:
        self.problems = problems
        self.spots: dict[tuple[str | int, ...], _Spot] = {}
        self._path, self._lines, self._environment = path, lines, environment
        self._seen: set[int] = set()
        self._repeated = 0

    def plain(self, node: Node, path: tuple[str | int, ...]) -> Any:
        """The value of *node*, which stands at *path*."""
        self._count(node, len(path))
        if isinstance(node, MappingNode):
            if _line(self._lines, node.start_mark.line).startswith("{{", node.start_mark.column):
                place = _place(self._path, node.start_mark)
                self.problems.append((place, "put quotes round a text that begins with {{, or put it below a |"))
                return ""
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self._item(found, (*path, index)) for index, found in enumerate(self._items(node))]
        return self._scalar(node, path)

    def _count(self, node: Node, depth: int) -> None:
        """Aliases inside aliases multiply, and one inside itself never ends.

        Raises: ConfigError.
        """
        self._repeated += id(node) in self._seen
        self._seen.add(id(node))
        if self._repeated > MAX_REPEATED or depth > MAX_DEPTH:
            raise ConfigError(f"{_place(self._path, node.start_mark)}: aliases repeat this without end; write it out")

    def _mapping(self, node: MappingNode, path: tuple[str | int, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value, is_own in self._pairs(node):
            place = _place(self._path, key.start_mark)
            if not isinstance(key, ScalarNode) or not key.value:
                self.problems.append((place, "a key must be a name; write one"))
            elif key.value in values:
                if is_own:
                    self.problems.append((place, f"'{key.value}' stands twice in the same place; remove one"))
            else:
                below = (*path, str(key.value))
                tag = self._tag_after(key.end_mark.line, key.end_mark.column, value)
                self.spots[below] = _Spot(place, tag[0] if tag else self._value_place(value, place), value)
                values[str(key.value)] = tag[1] if tag else self.plain(value, below)
        return values

    def _pairs(self, node: MappingNode, depth: int = 0) -> Iterator[tuple[Node, Node, bool]]:
        """Keys and values; those that ``<<`` brings come last, since what is written wins."""
        merged = [value for key, value in node.value if str(key.tag) == _YAML_TAG + "merge"]
        yield from ((key, value, True) for key, value in node.value if str(key.tag) != _YAML_TAG + "merge")
        for value in merged:
            for source in value.value if isinstance(value, SequenceNode) else [value]:
                if isinstance(source, MappingNode):
                    self._count(source, depth)
                    yield from ((key, brought, False) for key, brought, _ in self._pairs(source, depth + 1))
                else:
                    self.problems.append(
                        (_place(self._path, value.start_mark), "<< takes keys and values; name an alias of some")
                    )

    def _value_place(self, node: Node, key: Place) -> Place:
        """A value that is not written has no place of its own: ruamel.yaml puts it where the next key begins."""
        return key if _is_empty(node) else _place(self._path, node.start_mark)

    def _items(self, node: SequenceNode) -> list[Node]:
        """The items; one that holds a Persian comma is taken for the several that were meant."""
        items: list[Node] = []
        for found in node.value:
            if node.flow_style and isinstance(found, ScalarNode) and not found.style and PERSIAN_COMMA in found.value:
                place = _place(self._path, found.start_mark)
                column = place.column + found.value.index(PERSIAN_COMMA)
                self.problems.append((Place(place.file, place.line, column), _USE_COMMA))
                items += [
                    ScalarNode(found.ctag, part.strip(), found.start_mark, found.end_mark)
                    for part in found.value.split(PERSIAN_COMMA)
                ]
            else:
                items.append(found)
        return items

    def _item(self, node: Node, path: tuple[str | int, ...]) -> Any:
        tag = self._tag_after(node.start_mark.line, node.start_mark.column, node)
        place = tag[0] if tag else _place(self._path, node.start_mark)
        self.spots[path] = _Spot(place, place, node)
        return tag[1] if tag else self.plain(node, path)

    def _tag_after(self, line: int, column: int, node: Node) -> tuple[Place, str] | None:
        """The hashtag that YAML took for a comment, where a value should stand."""
        found = _TAG_FOR_VALUE.match(_line(self._lines, line), column)
        if found is None or not _is_empty(node):
            return None
        place = Place(str(self._path), line + 1, found.start(1) + 1)
        self.problems.append((place, _quote(found[1])))
        return place, found[1]

    def _scalar(self, node: Node, path: tuple[str | int, ...]) -> Any:
        text, tag = str(node.value), str(node.tag).removeprefix(_YAML_TAG)
        try:
            match tag:
                case "null":
                    return None
                case "bool" if text.lower() in ("true", "false"):  # "on" and "yes" are text, whatever %YAML says
                    return text.lower() == "true"
                case "int":
                    return int(text)
                case "float":
                    return float(text)
        except ValueError:  # 0x1F, .inf, a thousand digits: nothing here means those
            pass
        return self._substitute(text, path)

    def _substitute(self, text: str, path: KeyPath) -> str:
        for name in dict.fromkeys(_VARIABLE.findall(text)):
            if name not in self._environment:
                place = self.spots[tuple(path)].value if path else Place(str(self._path), 1, 1)
                self.problems.append((place, f"${{{name}}} is not set; set it in the environment or in .env"))
        return _VARIABLE.sub(lambda found: self._environment.get(found[1], found[0]), text)


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value == "" and str(node.tag) == _YAML_TAG + "null"
