"""docs/configuration.md, made of the code: ``python -m tests.configuration_page`` writes it.

Meanings are those of the JSON Schema and the comments of .env.example; forms and defaults come from the schema and the
settings, examples from examples/every-key.yaml. A test compares what is written with what would be.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.config import feeds_yaml
from bot.config.reading import Settings

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "configuration.md"
EXAMPLE = ROOT / "examples" / "every-key.yaml"

INTRODUCTION = """\
# Configuration

<!-- Made by `make docs` from the schema of feeds.yaml, .env.example and examples/every-key.yaml: change those. -->

Two things say what Qasedak does. **The environment**, or `.env` beside feeds.yaml, holds secrets and the places of this
machine. **feeds.yaml** holds what is read and where it goes; it is meant to be kept under version control and reviewed.
Almost nothing has to be written: what you leave out has the default below.

- `qasedak check` names all mistakes at once: `feeds.yaml:14:5: unknown key 'evry' under feeds.some-feed; did you mean
  'every'?` With `--online` it asks publishers and Telegram too. Exit code 2 says that something must be corrected.
- A running bot takes up changes by itself, or at `/reload` or SIGHUP: all of the file or nothing. A file with a mistake
  in it leaves the old one in force, and the admin is told why.
- The file is YAML 1.2: `on`, `off`, `no` and `1:30` are text; `@name` and `#tag` need quotes. `${NAME}` in a value is
  taken from the environment or `.env`, so that the file itself holds no secret.
- Editors that know JSON Schema complete and explain the keys: the first line of the sample names
  [feeds.schema.json](feeds.schema.json), which `qasedak schema` prints.
- Every key in one file, to look things up: `examples/every-key.yaml`.
"""

#: The sections in order: the heading, what it is, its name in the schema, and where the example has one.
SECTIONS: Sequence[tuple[str, str, str, Sequence[str | int]]] = (
    ("Sections", "Each may be left out.", "", ()),
    ("bot", "", "BotSection", ("bot",)),
    (
        "channels",
        "`channels: {NAME: {...}}`, names of your own. Every key but `chat` may stand under `defaults` too, where it "
        "holds for all channels, and in an item of a feed's `to`, where it holds for that route alone.",
        "NamedChannelSection",
        ("channels", "main"),
    ),
    ("summary", "Of a channel: these keys, or `off`.", "SummarySection", ("channels", "main", "summary")),
    (
        "quiet_hours",
        'Of a channel: hours such as `"23:00-07:00"`, these keys, a list of both, or `off`.',
        "QuietHoursSection",
        ("channels", "main", "quiet_hours"),
    ),
    ("approve", "Of a channel: `true`, `false`, or these keys.", "ApproveSection", ("channels", "main", "approve")),
    ("digest", "Of a channel: these keys, or `off`.", "DigestSection", ("channels", "main", "digest")),
    ("feeds", "`feeds: {NAME: {...}}`; the name is the one used everywhere.", "FeedSection", ("feeds", "sky")),
    (
        "to",
        "An item of a feed's or an archive's `to` is the name of a channel, or these keys; all keys of a channel but "
        "`chat` may stand beside them.",
        "RouteSection",
        ("feeds", "sky", "to", 1),
    ),
    (
        "archives",
        "`archives: {NAME: {...}}`; see [archives.md](archives.md).",
        "ArchiveSection",
        ("archives", "old-blog"),
    ),
    ("replay", "Of an archive.", "ReplaySection", ("archives", "old-blog", "replay")),
)
_TEMPLATES = """
### templates

`templates: {NAME: ...}` holds lines of text with the names of a post's values between `{{` and `}}`; they are listed in
[templates.md](templates.md). `default`, `compact` and `full` are there without being written."""


def page() -> str:
    """The whole document."""
    example = YAML(typ="safe").load(EXAMPLE.read_text(encoding="utf-8"))
    lines = [INTRODUCTION, *_environment(), "", "## feeds.yaml"]
    for heading, said, name, at in SECTIONS:
        lines += ["", f"### {heading}", "", *([said, ""] if said else []), *_table(name, _found(example, at))]
    return "\n".join([*lines, _TEMPLATES]).rstrip() + "\n"


# --- the environment -----------------------------------------------------------------------------------------


def _environment() -> Iterator[str]:
    yield "## The environment\n"
    yield "An empty value counts as not set. A wrong one ends the program with exit code 2, and is not shown.\n"
    yield "| name | what it does; what it must be | default | example |"
    yield "|---|---|---|---|"
    told = environment_meanings()
    for field in Settings.model_fields.values():
        meaning, example = told[str(field.validation_alias)]
        meaning, default = _with_default(meaning, _setting(field.default))
        must_be = str(field.description).partition(";")[0]
        yield _row(f"`{field.validation_alias}`", f"{meaning}<br>→ {must_be}", default, f"`{example}`")


def _setting(default: Any) -> str:
    number = int(default) if isinstance(default, bool | float) else default
    return "none" if default is None else f"`{number}`"


def environment_meanings() -> dict[str, tuple[str, str]]:
    """What .env.example says of each name, and the value that it shows there."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return {
        name: (" ".join(line[2:] for line in comment.splitlines()), value)
        for comment, name, value in re.findall(r"((?:^# .*\n)+)^#([A-Z_]+)=(.*)$", text, flags=re.MULTILINE)
    }


# --- feeds.yaml ----------------------------------------------------------------------------------------------


def _table(name: str, example: Mapping[str, Any]) -> Iterator[str]:
    yield "| key | what it does; what it may be | default | example |"
    yield "|---|---|---|---|"
    whole = feeds_yaml.json_schema()
    section = whole["$defs"][name] if name else whole
    inherited = whole["$defs"]["ChannelSection"]["properties"] if name == "RouteSection" else {}
    required = section.get("required", [])
    own = {key: found for key, found in section["properties"].items() if key not in inherited}
    for key in sorted(own, key=lambda key: key not in required):
        kind = whole["$defs"].get(own[key].get("$ref", "").rsplit("/", 1)[-1], {})
        said = own[key].get("description") or kind["description"]
        meaning, default = _with_default(said, _default(own[key], key in required))
        shown = "" if isinstance(example.get(key), dict) and not name else f"`{key}: {flow(example[key])}`"
        yield _row(f"`{key}`", f"{meaning}<br>→ {_form(own[key], whole['$defs'])}", default, shown)


def _found(example: Any, at: Sequence[str | int]) -> Any:
    for key in at:
        example = example[key]
    return example


def _with_default(meaning: str, default: str) -> tuple[str, str]:
    """A default that needs words stands in the meaning, after "default:"."""
    meaning, _, worded = " ".join(meaning.split()).partition("default: ")
    return (meaning.rstrip("; ") + ".").replace("..", "."), worded.rstrip(".") or default


def _default(found: Mapping[str, Any], is_required: bool) -> str:
    if is_required:
        return "**must be written**"
    empty: Any = [] if found.get("type") == "array" else {} if found.get("type") == "object" else None
    value = found.get("default", empty)
    return "none" if value in (None, [], {}, "") else f"`{flow(value)}`"


def _form(found: Mapping[str, Any], kinds: Mapping[str, Any]) -> str:
    """What a value may be, in words."""
    if "$ref" in found:
        kind = found["$ref"].rsplit("/", 1)[1]
        if kind.endswith("Section"):
            return f"[keys](#{next((heading for heading, _, name, _ in SECTIONS if name == kind), 'channels')})"
        return _form(kinds[kind], kinds)
    if "enum" in found:
        return ", ".join(f"`{flow(value)}`" for value in found["enum"])
    if "const" in found:
        return f"`{found['const']}`"
    if several := found.get("oneOf") or found.get("anyOf"):
        return " or ".join(dict.fromkeys(_form(one, kinds) for one in several))
    if found.get("type") == "array":
        return f"a list of: {_form(found['items'], kinds)}"
    if found.get("type") == "object":
        named = found.get("additionalProperties", {})
        return f"names of your own, with {_form(named, kinds)}" if "$ref" in named else "names and values"
    if found.get("type") == "integer":
        return _number(found)
    if found.get("type") == "boolean":
        return "`true`, `false`"
    return _text(found)


def _number(found: Mapping[str, Any]) -> str:
    least, most = found.get("minimum"), found.get("maximum")
    if least is None or most is None:
        return "a number" if least is None else f"a number from {least}"
    return f"a number from {least} to {most}"


#: What a pattern of the schema is called, by an example of what fits it and of what does not.
_KINDS = (
    ("a span: `30m`, `6h`, `30d`", "30m", "30"),
    ("a time of day, in quotes", "09:00", "9"),
    ("hours, in quotes", "23:00-07:00", "23"),
    ("`auto` or a code of a language", "auto", "a"),
    ("a code of a language", "fa", "auto"),
    ("a web address", "https://example.org", "example.org x"),
    ("an address of web or mail", "sara@example.org", "sara"),
)


def _text(found: Mapping[str, Any]) -> str:
    pattern = found.get("pattern")
    named = [
        name
        for name, fits, fits_not in _KINDS
        if pattern and re.search(pattern, fits) and not re.search(pattern, fits_not)
    ]
    if named:
        return named[0]
    return "text" if found.get("type") == "string" else '`"@name"` in quotes, or a number'


# --- how it is written ---------------------------------------------------------------------------------------


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def flow(value: Any) -> str:
    """A value as YAML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    plain = str(value) if isinstance(value, str) else json.dumps(value)
    return plain if _reads_back(plain, value) else json.dumps(value, ensure_ascii=False)


def _reads_back(plain: str, value: Any) -> bool:
    if re.match(r"\d+:", plain):  # YAML 1.1 takes it for a number
        return False
    try:
        return bool(YAML(typ="safe").load(f"[{plain}]") == [value])
    except YAMLError:
        return False


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
