"""A YAML 1.2 file with the place of everything in it: what ruamel.yaml knows, for messages that people can act on.

Called by ``config.py``. Knows nothing of what the keys mean. Refuses tags, floods of aliases and bytes that are not
YAML, since the file may come from somebody else.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.reader import ReaderError

from bot.errors import ConfigError

#: More than any hand writes, and few enough that they cannot be a bomb.
MAX_ALIASES = 50
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

Path_ = Sequence[str | int]


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
class YamlFile:
    """One file, read. ``values`` is plain Python; ``problems`` do not keep the rest from being checked."""

    path: Path
    values: Any
    problems: list[tuple[Place, str]] = field(default_factory=list)
    _root: Any = None

    @classmethod
    def open(cls, path: Path, environment: Mapping[str, str]) -> "YamlFile":
        """Read *path*, with ``${NAME}`` taken from *environment*.

        Raises: ConfigError.
        """
        root = _load(path)
        file = cls(path, None, [], root)
        values = file._plain(root, (), environment)
        return cls(path, {} if values is None else values, file.problems, root)

    def key(self, path: Path_) -> Place:
        """Where a key stands."""
        return self._place(path, value=False)

    def value(self, path: Path_) -> Place:
        """Where a key's value, or an item of a list, stands."""
        return self._place(path, value=True)

    def line_of_block(self, path: Path_, line: int) -> Place:
        """Where the *line*-th line of a block of text (``|``) stands; its text begins below its key."""
        key = self.key(path)
        return Place(key.file, key.line + line, 1)

    def _place(self, path: Path_, *, value: bool) -> Place:
        node, line, column = self._root, 0, 0
        for depth, part in enumerate(path):
            is_last = depth == len(path) - 1
            try:
                if isinstance(node, CommentedMap) and part in node:
                    line, column = node.lc.value(part) if value and is_last else node.lc.key(part)
                elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
                    line, column = node.lc.item(part)
                else:
                    break
            except (KeyError, TypeError):  # ruamel keeps no place for what a merge (<<) brought
                break
            node = node[part]
        return Place(str(self.path), line + 1, column + 1)

    def _plain(self, node: Any, path: tuple[str | int, ...], environment: Mapping[str, str]) -> Any:
        if isinstance(node, CommentedMap):
            return {str(key): self._plain(value, (*path, key), environment) for key, value in node.items()}
        if isinstance(node, CommentedSeq):
            return [self._plain(value, (*path, index), environment) for index, value in enumerate(node)]
        if isinstance(node, str):
            return self._substitute(str(node), path, environment)
        return node

    def _substitute(self, text: str, path: Path_, environment: Mapping[str, str]) -> str:
        for name in _VARIABLE.findall(text):
            if name not in environment:
                self.problems.append(
                    (self.value(path), f"${{{name}}} is not set; set it in the environment or in .env")
                )
        return _VARIABLE.sub(lambda found: environment.get(found[1], ""), text)


def _load(path: Path) -> Any:
    try:
        text = path.read_bytes().decode("utf-8-sig")
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
    try:
        _refuse_tricks(path, text)
        return YAML(typ="rt").load(text)
    except ReaderError as error:
        raise ConfigError(f"{path}:1:1: not YAML: character {error.character!r}; save it as plain text") from None
    except MarkedYAMLError as error:
        raise ConfigError(_explain(path, text, error)) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}:1:1: not YAML ({type(error).__name__}); correct it") from None


def _refuse_tricks(path: Path, text: str) -> None:
    aliases = 0
    for event in YAML(typ="rt").parse(text):
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        aliases += isinstance(event, AliasEvent)
        if aliases > MAX_ALIASES:
            raise ConfigError(f"{path}:{line}:{column}: more than {MAX_ALIASES} aliases (*name); write them out")
        tag = getattr(event, "tag", None)
        if tag:
            raise ConfigError(f"{path}:{line}:{column}: tag '{tag}'; tags are not used in this file, remove it")


def _explain(path: Path, text: str, error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    written = text.splitlines()[line] if line < len(text.splitlines()) else ""
    at = f"{path}:{line + 1}:{column + 1}"
    if isinstance(error, DuplicateKeyError):
        found = re.search(r'duplicate key "([^"]*)"', str(error.problem))
        return f"{at}: '{found[1] if found else '?'}' stands twice in the same place; remove one"
    if written[column : column + 1] == "@":
        return f'{at}: put quotes round it: "{written[column:].split(",")[0].strip(" ]}")}"'
    if "،" in written:
        return f"{at}: the Persian comma (،) does not separate items; write a plain one (,)"
    return f"{at}: {error.problem or 'not YAML'}; correct this line or the one above"
