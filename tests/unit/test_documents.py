"""Documents that say what the program does: each test fails when one lags behind the code, or the code behind it."""

import ast
import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from bot import cli
from bot.commands.conversation import CHANGING
from bot.config import feeds_yaml
from bot.config import reading as config
from bot.config.reading import Settings
from bot.model import DeliveryState
from bot.screens import replies
from bot.web.site import Site
from tests.builders import NOW
from tests.configuration_page import EXAMPLE, PAGE, SECTIONS, environment_meanings, page
from tests.fakes.front import FakeFront, nothing_sent
from tests.fakes.vitals import FakeVitals

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = [ROOT / "README.md", ROOT / "README.fa.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
#: What was decided once is not what is so today.
CURRENT = [path for path in DOCUMENTS if path.name != "decisions.md"]
COMMANDS = (DOCS / "commands.md").read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands under a heading."""
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


# --- configuration ---------------------------------------------------------------------------------------------


def test_the_page_of_keys_and_settings_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_the_sample_of_every_key_has_every_key_and_is_taken() -> None:
    read = config.read_config(EXAMPLE, environment={"SKY_TOKEN": "x"}, with_token=False)
    assert {feed.name for feed in read.feeds} == {"sky", "garden", "old-blog"}
    schema, written = feeds_yaml.json_schema(), YAML(typ="safe").load(EXAMPLE.read_text(encoding="utf-8"))
    channel = schema["$defs"]["ChannelSection"]["properties"].keys()
    for heading, _, name, at in SECTIONS:
        keys = (schema["$defs"][name] if name else schema)["properties"].keys()
        found = written
        for step in at:
            found = found[step]
        assert (keys - channel if name == "RouteSection" else keys) <= found.keys(), heading


def test_what_editors_write_as_a_default_is_taken() -> None:
    schema, written = feeds_yaml.json_schema(), YAML(typ="safe").load(EXAMPLE.read_text(encoding="utf-8"))
    tried = 0
    for _, _, name, at in SECTIONS:
        for key, found in (schema["$defs"][name] if name else schema)["properties"].items():
            if "default" in found:
                feeds_yaml.Document.model_validate(_with(written, (*at, key), found["default"]))
                tried += 1
    assert tried > 30


def _with(whole: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A copy with another value at *path*."""
    if not path:
        return value
    if isinstance(whole, list):
        return [_with(one, path[1:], value) if number == path[0] else one for number, one in enumerate(whole)]
    return {**whole, path[0]: _with(whole.get(path[0]), path[1:], value)}


def test_settings_are_explained_one_by_one_and_nothing_else_is() -> None:
    known = {str(field.validation_alias) for field in Settings.model_fields.values()}
    assert environment_meanings().keys() == known
    for path in CURRENT:
        named = set(re.findall(r"\b(?:QASEDAK|TELEGRAM|DATABASE)_[A-Z_]+\b", path.read_text(encoding="utf-8")))
        assert named <= known, path


# --- commands and addresses --------------------------------------------------------------------------------------


def command_line() -> Mapping[str, set[str]]:
    """Every command, by its words, with its long options."""

    def walk(command: Any, words: str) -> Iterator[tuple[str, set[str]]]:
        for name, each in getattr(command, "commands", {}).items():
            yield from walk(each, f"{words} {name}".strip())
        if not hasattr(command, "commands"):
            yield words, {name for each in command.params for name in each.opts if name.startswith("--")} - {"--help"}

    cli.open_rooms()
    return dict(walk(typer.main.get_command(cli.cli), ""))


def test_every_command_stands_in_the_table_with_its_options_and_no_other() -> None:
    rows = dict(
        re.findall(r"^\| `qasedak ([a-z]+(?: [a-z]+)?)([^`]*)`", section(COMMANDS, "On the command line"), re.MULTILINE)
    )
    known = command_line()
    assert rows.keys() == known.keys()
    assert {name: set(re.findall(r"--[a-z-]+", options)) for name, options in rows.items()} == known


@pytest.mark.parametrize("path", CURRENT, ids=[path.name for path in CURRENT])
def test_what_a_document_tells_to_type_exists(path: Path) -> None:
    known = {words.split()[0] for words in command_line()}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = path.read_text(encoding="utf-8")
    code = (
        "\n".join(re.findall(r"```(?:sh)?\n(.*?)```", text, re.DOTALL))
        + "\n"
        + "\n".join(re.findall(r"`([^`\n]+)`", text))
    )
    assert set(re.findall(r"(?:^|bin/|\s)qasedak ([a-z]+)", code, re.MULTILINE)) <= known
    assert set(re.findall(r"^make ([a-z-]+)", code, re.MULTILINE)) <= targets


def test_every_command_of_the_bot_stands_in_the_table_and_no_other() -> None:
    guide = set(re.findall(r"/([a-z]+)", replies.guide("en", None, for_admin=True).text))
    told = set(re.findall(r"`/([a-z]+)", section(COMMANDS, "In Telegram")))
    assert told == guide | set(CHANGING) | {"start", "help"}


def test_every_address_stands_in_the_table_and_no_other() -> None:
    async def nothing(_channel: str, _template: str) -> list[Any]:
        return []

    site = Site(channels={}, load=nothing, titles={}, is_preview=True, token=None, now=lambda: NOW, vitals=FakeVitals(),
                front=FakeFront(), load_sent=nothing_sent, webhook_path="/telegram")  # fmt: skip
    answered = {str(resource.canonical) for resource in site.application().router.resources()}
    told = set(re.findall(r"^\| `(/[^`]*)`", section(COMMANDS, "Over HTTP"), re.MULTILINE))
    helpers = {"/retry", "/static/{name}.css"}
    assert told == {path.replace("{form}", "atom") for path in answered} - helpers


# --- links, indexes, twins -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", DOCUMENTS, ids=[path.name for path in DOCUMENTS])
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text):
        address, _, anchor = (link[0] or link[1]).partition("#")
        if "://" in address:
            continue
        target = path.parent / address if address else path
        assert target.exists(), address
        # A site can be made of docs/ only if nothing leads out of it.
        assert path.parent != DOCS or target.resolve().is_relative_to(DOCS), address
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}, (
                anchor
            )


def test_the_index_names_every_document() -> None:
    named = set(re.findall(r"\]\(([a-z]+\.md)\)", (DOCS / "README.md").read_text(encoding="utf-8")))
    site = YAML(typ="safe").load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    in_site = [site["nav"][0], *(path for group in site["nav"][1:] for paths in group.values() for path in paths)]
    assert named == {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    assert sorted(in_site) == sorted({*named, "README.md"})


def test_the_readmes_of_both_languages_say_the_same() -> None:
    english, persian = (path.read_text(encoding="utf-8") for path in DOCUMENTS[:2])

    def bones(text: str) -> list[tuple[str, ...]]:
        """Depths of headings, what is to be typed, and where links lead, in order."""
        text = re.sub(r"\[[^]]*\]\(README(\.fa)?\.md\)", "", text)
        # Among Persian words what is to be typed says its direction; a dot in front would go to its end.
        text = re.sub(r'<code dir="ltr">(.*?)</code>', lambda found: f"`{html.unescape(found[1])}`", text)
        found = re.findall(r"^(#+) |```(.*?)```|(?<!`)`([^`\n]+)`(?!`)|\]\(([^)]+)\)", text, re.MULTILINE | re.DOTALL)
        return [tuple(part.strip() for part in each) for each in found]

    assert bones(persian) == bones(english)
    assert not re.search(r"(?<!`)`[^`\n]+`(?!`)", persian)


def test_the_drawing_names_files_that_are_there_and_every_state() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    (drawing,) = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    for name in re.findall(r"\b([a-z_]+(?:/[a-z_]+)?(?:\.py|/))(?!\w)", drawing):
        assert (ROOT / "bot" / name).exists(), name
    for name in re.findall(r"`(?:bot/)?([a-z_/]+(?:\.py|/))`", text):
        assert any((ROOT / "bot" / folder / name).exists() for folder in ("", "sources")), name
    assert [state for state in DeliveryState if not re.search(rf"\b{state}\b", drawing)] == []


# --- the threat model --------------------------------------------------------------------------------------------


def test_every_threat_names_tests_that_are_there() -> None:
    text = (DOCS / "security.md").read_text(encoding="utf-8")
    rows = [row for row in text.splitlines() if "`tests/" in row]
    threats = section(text, "Threats")
    assert [row for row in threats.splitlines() if row.startswith("| **") and row not in rows] == []
    assert len(rows) >= 11
    for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", "\n".join(rows)):
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert name in names, f"{path}::{name}"
