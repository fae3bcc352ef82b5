"""The mistakes of feeds.yaml in words: where each stands, what it is, and what to write instead.

Called by ``reading.py`` with what pydantic found. Decides nothing about keys: those are in ``feeds_yaml.py``.
"""

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.config.feeds_yaml import (
    ApproveSection,
    ArchiveSection,
    BotSection,
    ChannelSection,
    DigestSection,
    Document,
    FeedSection,
    NamedChannelSection,
    QuietHoursSection,
    RouteSection,
    Section,
    SummarySection,
)
from bot.config.yaml_file import PERSIAN_COMMA, Place, YamlFile
from bot.config.yaml_values import PATTERNS

#: Longest value that a message repeats.
SHOWN_CHARS = 40

_BRACKETS = "must be a list; put [ ] round it, or a dash before it"
#: Mistakes that are about how much there is: saying what is there would not help.
_SIZES = frozenset({"always_quiet", "string_too_long", "too_long", "too_short", "twice"})


def explain(error: ValidationError, file: YamlFile) -> list[tuple[Place, str]]:
    """Every mistake with its place: where it stands, what it is, what to write instead."""
    return [_explain(problem, file) for problem in error.errors()]


def _explain(problem: ErrorDetails, file: YamlFile) -> tuple[Place, str]:
    kind = problem["type"]
    path = _path_in_file(problem, file)
    key, under = str(path[-1]) if path else "", _name(path[:-1])
    where = f" under {under}" if under else ""
    if kind == "extra_forbidden":
        return file.key(path), f"unknown key {shown(key)}{where}" + suggest(key, _known_keys(path))
    if kind == "missing":
        return file.key(path[:-1]), f"'{key}' is missing{where}; add it"
    name = _name(path) or file.path.name
    if problem["input"] is None:
        return file.key(path), f"{name} has no value; write one, or remove this"
    written = file.written(path)
    must, _, advice = _demand(problem, written).partition("; ")
    # A header may be a password, and the terminal may be a log.
    is_told = "headers" not in path and kind not in _SIZES
    given = f", not {_given(problem['input'], written)}" if is_told else ""
    return file.value(path), f"{name} {must}{given}" + (f"; {advice}" if advice else "")


def _path_in_file(problem: ErrorDetails, file: YamlFile) -> tuple[str | int, ...]:
    """Pydantic's path without what is not in the file: the branches of unions, and its sign for a key."""
    path: tuple[str | int, ...] = ()
    for part in problem["loc"]:
        if file.holds((*path, part)):
            path = (*path, part)
    return (*path, problem["loc"][-1]) if problem["type"] == "missing" else path


def _name(path: Iterable[str | int]) -> str:
    """Keys with dots between; which item of a list is meant, its place says."""
    return ".".join(part for part in path if isinstance(part, str))


def _demand(problem: ErrorDetails, written: str | None) -> str:
    """What a value must be, and after "; " what to do."""
    context = problem.get("ctx", {})
    match problem["type"]:
        case "dict_type" | "model_type" | "model_attributes_type":
            return "must hold keys and values; indent them below it"
        case "list_type":
            return f"must be a list; write [{written.replace(PERSIAN_COMMA, ',')}]" if written else _BRACKETS
        case "enum" | "literal_error":
            return f"must be {context['expected'].replace(chr(39), '')}"
        case "string_type":
            return "must be text; put quotes round it"
        case "greater_than_equal" | "greater_than":
            return f"must be {context.get('ge', context.get('gt'))} or more"
        case "less_than_equal" | "less_than":
            return f"must be {context.get('le', context.get('lt'))} or less"
        case "string_too_long":
            return f"must not be longer than {context['max_length']} characters"
        case "too_long":
            return f"must not hold more than {context['max_length']}"
        case "too_short":
            return "must not be empty"
        case "string_pattern_mismatch":
            return PATTERNS[context["pattern"]]
        case _:
            return problem["msg"].removeprefix("Value error, ")


def _given(value: Any, written: str | None) -> str:
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list"
    text = str(value) if written is None else written
    return shown(text) if isinstance(value, str) else text[:SHOWN_CHARS]


def shown(text: str) -> str:
    """A text of the file in quotes, on one line and not too long."""
    return repr(text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…")


def _known_keys(path: tuple[str | int, ...]) -> Iterable[str]:
    """The keys that may stand beside the last one of *path*."""
    section: type[Section] = Document
    match [part for part in path[:-1] if isinstance(part, str)]:
        case ["bot"]:
            section = BotSection
        case ["defaults"]:
            section = ChannelSection
        case ["channels", _]:
            section = NamedChannelSection
        case ["feeds", _]:
            section = FeedSection
        case ["archives", _]:
            section = ArchiveSection
        case [*_, "summary"]:
            section = SummarySection
        case [*_, "approve"]:
            section = ApproveSection
        case [*_, "digest"]:
            section = DigestSection
        case [*_, "quiet_hours"]:
            section = QuietHoursSection
        case [_, _, "to"]:
            section = RouteSection
    return section.model_fields


def suggest(wrong: str, known: Iterable[str]) -> str:
    """ "; did you mean 'every'?", or the list of what there is."""
    names = sorted(known)
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; there is {', '.join(names[:20])}" if names else "; there is none"
