"""A configuration file with the files that its ``imports`` name, read as one; everything keeps its own place.

Called by ``reading.py``. A further file has the form of the first, imports too; paths in it are relative to itself.
Names are unique over all of them: what stands twice is a mistake, since no order of files should decide.
"""

import glob
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bot import places
from bot.config.yaml_file import Place, Problem, YamlFile
from bot.errors import ConfigError

#: More files than that are a mistake in a pattern.
MOST_FILES = 1_000


def read_whole(path: Path, environment: Mapping[str, str]) -> YamlFile:
    """Read *path* and all that it imports, each file once.

    Raises: ConfigError, where nothing can be made of one of them.
    """
    whole = first = YamlFile.open(path, environment)
    known = {os.path.realpath(path)}
    waiting, patterns = [first], []
    while waiting:
        importing = waiting.pop(0)
        imported = list(_patterns(importing, whole.problems))
        patterns += [pattern for _place, pattern in imported]
        for found in list(_imported(importing, imported, whole.problems)):
            if os.path.realpath(found) in known:
                continue
            known.add(os.path.realpath(found))
            if len(known) > MOST_FILES:
                raise ConfigError(f"{path}: imports lead to more than {MOST_FILES} files; name them more closely")
            further = _as_sections(YamlFile.open(found, environment))
            waiting.append(further)
            whole = whole.joined(further.without("imports"))
    return replace(whole, imported=tuple(patterns))


def _patterns(file: YamlFile, problems: list[Problem]) -> Iterator[tuple[Place, str]]:
    """What one imports, from the root on, and where it says so."""
    named = file.values.get("imports", []) if isinstance(file.values, dict) else []
    if not isinstance(named, list):
        problems.append((file.value(("imports",)), "imports must be a list; put [ ] round it, or a dash before it"))
    for index, pattern in enumerate(named if isinstance(named, list) else ()):
        if not isinstance(pattern, str) or not pattern or "\0" in pattern:
            continue
        full = os.path.join(glob.escape(os.path.abspath(file.path.parent)), os.path.expanduser(pattern))
        yield file.value(("imports", index)), full


def _imported(file: YamlFile, patterns: list[tuple[Place, str]], problems: list[Problem]) -> Iterator[Path]:
    """The files that one imports, in order."""
    for place, full in patterns:
        found = sorted(each for each in glob.glob(full, recursive=True) if not os.path.isdir(each))
        if (stray := places.stray(full, found)) is not None:
            said = "is a link that leads out of its folder; import that file by itself, or remove it"
            problems.append((place, f"{os.path.basename(stray)} {said}"))
            continue
        if not found:
            said = f"no file matches this import; it is relative to the folder of {file.path.name}"
            problems.append((place, said))
        # As the first file is named: messages show the path that a person would type.
        yield from (Path(file.path.parent, os.path.relpath(each, file.path.parent)) for each in found)


def _as_sections(file: YamlFile) -> YamlFile:
    """A further file holds sections too; one that does not is said and left out.

    Raises: ConfigError.
    """
    if not isinstance(file.values, dict):
        raise ConfigError(f"{file.path}:1:1: must hold sections such as feeds: and channels:")
    return file
