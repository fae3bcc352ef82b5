"""Promises of the project that no single module keeps: documents that are current, files that stay small."""

import ast
import json
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from bot.config import feeds_yaml
from bot.config.reading import Settings
from bot.model import DeliveryState
from tests.log_scan import PRIVATE

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "bot").rglob("*.py"))
LONGEST_MODULE = 600
LONGEST_FUNCTION = 60
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(ROOT)) for path in MODULES])
def test_each_module_says_what_it_is_for_and_stays_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    assert text.count("\n") <= LONGEST_MODULE
    if "migrations/versions" in str(path):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, node.name


def test_invisible_characters_are_written_as_escapes() -> None:
    for path in [*MODULES, *(ROOT / "tests").rglob("*.py")]:
        assert not re.search(
            "[\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]", path.read_text(encoding="utf-8")
        ), path


def test_the_schema_that_the_sample_names_is_current() -> None:
    written = json.loads((ROOT / "docs" / "feeds.schema.json").read_text(encoding="utf-8"))
    assert written == feeds_yaml.json_schema(), "run `qasedak schema > docs/feeds.schema.json`"
    assert "docs/feeds.schema.json" in (ROOT / "feeds.yaml").read_text(encoding="utf-8").splitlines()[0]


def test_every_setting_of_the_environment_is_explained() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for field in Settings.model_fields.values():
        assert str(field.validation_alias) in example


def test_no_words_are_translated_twice() -> None:
    """The second would win in silence: a button said "a post" where it posts."""
    text = (ROOT / "bot/locales/fa/LC_MESSAGES/qasedak.po").read_text(encoding="utf-8")
    ids = re.findall(r'^msgid ((?:"[^\n]*"\n)+)', text, re.MULTILINE)
    assert [each for each, count in Counter(ids).items() if count > 1] == []


def test_every_word_for_people_has_its_persian() -> None:
    said = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                is_label = isinstance(node.func, ast.Name) and node.func.id == "t"
                is_call = isinstance(node.func, ast.Call) and getattr(node.func.func, "id", "") == "translator"
                said |= {node.args[0].value} if is_label or is_call else set()
    with (ROOT / "bot/locales/fa/LC_MESSAGES/qasedak.po").open("rb") as text:
        messages = [message for message in read_po(text) if message.id]
    catalog = {message.id if isinstance(message.id, str) else message.id[0]: message for message in messages}
    assert len(said) > 20
    assert said <= catalog.keys()
    assert all(message.string and all(message.string) for message in catalog.values())
    for message in catalog.values():
        assert set(re.findall(r"{\w+}", str(message.id))) == set(re.findall(r"{\w+}", str(message.string)))


def test_a_log_line_is_a_fixed_event_with_nothing_private_beside_it() -> None:
    lines = 0
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if getattr(node.func.value, "id", "") == "log" and node.func.attr in LEVELS:
                assert isinstance(node.args[0], ast.Constant), f"{path}:{node.lineno}"
                assert not {each.arg for each in node.keywords} & PRIVATE, f"{path}:{node.lineno}"
                lines += 1
    assert lines > 50


def test_lock_files_carry_hashes_and_no_addresses() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-scale.lock", "requirements-docs.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "index-url" not in text


def test_every_environment_has_what_the_program_needs_in_one_version() -> None:
    def pinned(name: str) -> set[tuple[str, str]]:
        text = (ROOT / name).read_text(encoding="utf-8")
        return set(re.findall(r"^([\w.-]+)==([\w.]+)", text, flags=re.MULTILINE))

    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = {re.split(r"[<>=\[ ]", each)[0].casefold().replace(".", "-") for each in needed}
    assert names <= {name for name, _ in pinned("requirements.lock")}
    assert pinned("requirements.lock") <= pinned("requirements-scale.lock") <= pinned("requirements-dev.lock")


def test_the_make_targets_of_the_contract_are_there() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {"install", "run", "test", "check", "bench", "lock", "image", "crash", "soak", "fuzz", "shots"} <= {*targets}
    assert len(targets) == len(set(targets)), "a target is written twice, and make takes the last"
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tests/**/*.py")]
    named = {name for page in pages for name in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))}
    assert named <= {*targets}


def test_every_state_of_a_delivery_is_drawn_where_it_is_decided() -> None:
    drawing = (
        ast.get_docstring(ast.parse((ROOT / "bot" / "outbox" / "delivering.py").read_text(encoding="utf-8"))) or ""
    )
    for state in DeliveryState:
        assert state in drawing
