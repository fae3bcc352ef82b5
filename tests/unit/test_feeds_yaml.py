"""Mistakes in feeds.yaml: each said in one line, at its place, with what to do; all of them at once."""

import re
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.config import feeds_yaml
from bot.config.reading import Config, read_config
from bot.config.yaml_file import MAX_ALIASES, YamlFile
from bot.errors import ConfigError
from tests.mistakes import (
    ARCHIVE,
    BOTH,
    CHANNEL,
    FEED,
    IN_ARCHIVE,
    IN_BOT,
    IN_CHANNEL,
    IN_FEED,
    PAGE,
    WHOLE,
    page,
)

Problems = Callable[..., list[str]]


@pytest.fixture
def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Problems:
    """Read a file called feeds.yaml and tell what is wrong with it."""
    monkeypatch.chdir(tmp_path)
    Path("blog.txt").touch()

    def read(text: str | bytes, **environment: str) -> list[str]:
        Path("feeds.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
        try:
            read_config(Path("feeds.yaml"), environment=environment, with_token=False)
        except ConfigError as error:
            return error.problems
        return []

    return read


# --- one line for each mistake -------------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "column", "said"), IN_CHANNEL)
def test_a_mistake_in_a_channel_is_told(line: str, column: int, said: str, problems: Problems) -> None:
    assert problems(f"{CHANNEL}    {line}\n") == [f"feeds.yaml:4:{column}: {said.replace('…', 'channels.main')}"]


@pytest.mark.parametrize(("line", "column", "said"), IN_FEED)
def test_a_mistake_in_a_feed_is_told(line: str, column: int, said: str, problems: Problems) -> None:
    assert problems(f"{BOTH}    {line}\n") == [f"feeds.yaml:7:{column}: {said.replace('…', 'feeds.sky')}"]


@pytest.mark.parametrize(("line", "column", "said"), IN_ARCHIVE)
def test_a_mistake_in_an_archive_is_told(line: str, column: int, said: str, problems: Problems) -> None:
    assert problems(f"{ARCHIVE}    {line}\n") == [f"feeds.yaml:7:{column}: {said.replace('…', 'archives.old')}"]


@pytest.mark.parametrize(("keys", "column", "said"), IN_BOT)
def test_a_mistake_in_the_bots_section_is_told(keys: str, column: int, said: str, problems: Problems) -> None:
    assert problems(f"bot: {{{keys}}}\n") == [f"feeds.yaml:1:{column}: {said.replace('…', 'bot')}"]


@pytest.mark.parametrize(("text", "place", "said"), WHOLE)
def test_a_mistake_anywhere_is_told(text: str | bytes, place: str, said: str, problems: Problems) -> None:
    assert problems(text)[0] == f"feeds.yaml:{place}: {said}"


def test_the_page_of_mistakes_says_what_is_said() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "`python -m tests.mistakes` writes it"
    assert page().count("| `") + page().count("| ``") > 120


# --- templates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "place", "words"),
    [
        pytest.param("|\n    {{ title }}\n    {{ titel }}\n", "4:5", "'titel'", id="name-in-a-block"),
        pytest.param("|\n    {{ title }}\n\n      {% if date %}\n", "5:7", "endif", id="syntax-in-a-block"),
        pytest.param("|\n    {{ title | big }}\n", "3:5", "'big'", id="filter"),
        pytest.param(">\n    {{ title }}\n    {{ titel }}\n", "2:9", "'titel'", id="name-in-a-folded-text"),
        pytest.param('"{{ titel }}"\n', "2:9", "'titel'", id="name-in-quotes"),
    ],
)
def test_an_unused_template_is_checked_too(template: str, place: str, words: str, problems: Problems) -> None:
    (problem,) = problems(f"templates:\n  mine: {template}")
    assert problem.startswith(f"feeds.yaml:{place}: templates.mine: ")
    assert words in problem


# --- together ------------------------------------------------------------------------------------------------


def test_all_mistakes_come_at_once_in_the_order_of_the_file(problems: Problems) -> None:
    text = """\
bot:
  timezone: Tehran
  admins: [me]
defaults: {template: nope}
channels:
  main:
    chat: example
    footer: #sky
    footer: "@x"
feeds:
  sky:
    url: https://example.org/feed.xml
    evry: 30m
    to: [mian]
    headers: {Authorization: "${NOT_SET}"}
archives:
  sky:
    path: none/*.txt
templates:
  mine: "{{ titel }}"
"""
    found = problems(text)
    assert [problem.split(": ")[0].removeprefix("feeds.yaml:") for problem in found] == [
        "2:13", "3:12", "4:22", "7:11", "8:13", "9:5", "13:5", "14:10", "15:30", "17:3", "18:11", "20:9",
    ]  # fmt: skip


def test_the_same_list_comes_every_time(problems: Problems) -> None:
    text = "b: 1\na: 2\n" + CHANNEL + "    silent: x\n    only: y\n"
    assert problems(text) == problems(text)


def test_a_wrong_key_in_what_an_alias_repeats_is_shown_where_it_is_written(problems: Problems) -> None:
    text = CHANNEL + "feeds:\n  a: &a {url: 'https://a.example', evry: 1h}\n  b:\n    <<: *a\n"
    assert [problem[:16] for problem in problems(text)] == ["feeds.yaml:5:36:", "feeds.yaml:5:36:"]


def test_a_missing_file_is_said_without_a_place(problems: Problems) -> None:
    with pytest.raises(ConfigError, match=r"^other\.yaml: no such file; write one \(see README\.md\)"):
        read_config(Path("other.yaml"), environment={}, with_token=False)


def test_a_folder_is_no_file(problems: Problems) -> None:
    with pytest.raises(ConfigError, match=r"^\.: is a directory; name the file in QASEDAK_CONFIG$"):
        read_config(Path("."), environment={}, with_token=False)


def test_a_secret_from_the_environment_is_in_no_message(problems: Problems) -> None:
    text = BOTH + '    headers: {X-Key: "${KEY}"}\n    title: "${KEY}"\n    every: ${KEY}\n    to: ["${KEY}"]\n'
    text += "    language: ${KEY}\n    hashtags: ${KEY}\ndefaults: {template: '${KEY}'}\n"
    found = problems(text, KEY="s3cret\nvalue" * 30)
    assert found
    assert "s3cret" not in "".join(found)


# --- what is no mistake --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("# nothing yet\n", id="comment"),
        pytest.param("\ufeff" + CHANNEL, id="byte-order-mark"),
        pytest.param(BOTH.replace("\n", "\r\n"), id="windows-lines"),
        pytest.param(CHANNEL + "    footer: on # as text\n    silent: false\n", id="words-stay-text"),
        pytest.param(CHANNEL + "    footer: 2018-09-30\n", id="a-date-stays-text"),
        pytest.param(BOTH + "    hashtags: ['#sky', 'a، b']\n", id="quoted"),
        pytest.param(BOTH + "    hashtags: [sky, # why\n      moon]\n", id="comment-in-a-list"),
        pytest.param(CHANNEL + "feeds:\n  a: &a {url: 'https://a.example'}\n  b: {<<: *a, every: 1h}\n", id="merge"),
        pytest.param("tags: &a {a: b}\nbot: {contact: '*a@b'}\n", id="anchor"),
        pytest.param(FEED, id="nobody-receives"),
    ],
)
def test_what_yaml_allows_is_read(text: str, problems: Problems) -> None:
    assert problems(text) == []


def test_fifty_aliases_are_allowed(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"
    path.write_text("a: &a b\nc: [" + "*a, " * MAX_ALIASES + "]\n")
    assert YamlFile.open(path, {}).values["c"] == ["b"] * MAX_ALIASES


@pytest.mark.parametrize("repeat", ["[*{0}, *{0}]", "{{<<: [*{0}, *{0}]}}"], ids=["lists", "merges"])
def test_aliases_that_multiply_are_stopped(repeat: str, problems: Problems) -> None:
    letters = "abcdefghijklmnopqrstuvwxy"
    text = "tags: &a {x: y}\n" + "".join(
        f"{name}: &{name} {repeat.format(before)}\n" for before, name in pairwise(letters)
    )
    start = time.process_time()
    assert "aliases repeat this without end" in problems(text)[0]
    assert time.process_time() - start < 2


PIECES = st.sampled_from(
    [
        "bot", "channels", "feeds", "archives", "templates", "defaults", "tags", "to", "url", "summary", "chat", "path",
        "backfill", "every", ":", ": ", "\n", "\n  ", "\n    ", "- ", "{", "}", "[", "]", ", ", "\u060c", '"', "'", "|",
        ">", "&a ", "*a", "<<", "!x ", "#", "#tag", "@name", "off", "all", "1", "~", "${X}", "{{ title }}", "\t", "%",
        "?", "---", "\0", "\u200c", "سلام",
    ]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=40).map("".join) | st.binary(max_size=60))
def test_whatever_stands_in_the_file_is_read_or_explained(problems: Problems, text: str | bytes) -> None:
    for problem in problems(text):
        assert re.match(r"feeds\.yaml:\d+:\d+: \S", problem)
        assert "\n" not in problem


# --- the schema ----------------------------------------------------------------------------------------------


def sections() -> list[type[feeds_yaml.Section]]:
    return [
        feeds_yaml.Document, feeds_yaml.BotSection, feeds_yaml.ChannelSection, feeds_yaml.NamedChannelSection,
        feeds_yaml.RouteSection, feeds_yaml.SummarySection, feeds_yaml.FeedSection, feeds_yaml.ArchiveSection,
    ]  # fmt: skip


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.__name__)
def test_the_schema_describes_every_key(section: type[feeds_yaml.Section]) -> None:
    schema = feeds_yaml.json_schema()
    described = schema if section is feeds_yaml.Document else schema["$defs"][section.__name__]
    assert described["additionalProperties"] is False
    assert described["properties"].keys() == section.model_fields.keys()
    for name, key in described["properties"].items():
        # A key that says no more than its type leaves the word to it.
        described_by = key | schema["$defs"].get(key.get("$ref", "").removeprefix("#/$defs/"), {}) | key
        assert described_by.get("description", "").endswith("."), name


def test_the_schema_offers_no_null() -> None:
    assert '"null"' not in str(feeds_yaml.json_schema()).replace("'", '"')


def test_the_schema_knows_both_forms_of_a_union() -> None:
    channel = feeds_yaml.json_schema()["$defs"]["NamedChannelSection"]["properties"]
    assert [branch.get("const", branch.get("$ref")) for branch in channel["summary"]["oneOf"]] == [
        "#/$defs/SummarySection",
        "off",
    ]
    feed = feeds_yaml.json_schema()["$defs"]["FeedSection"]["properties"]
    assert {"const": "all"} in feed["backfill"]["anyOf"]
    assert feed["to"]["items"]["oneOf"] == [{"$ref": "#/$defs/RouteSection"}, {"type": "string"}]


def test_every_key_of_the_projects_own_file_is_in_the_schema() -> None:
    root = Path(__file__).parents[2]
    config = read_config(root / "feeds.yaml", environment={}, with_token=False)
    assert isinstance(config, Config)
    file = YamlFile.open(root / "feeds.yaml", {})
    schema = feeds_yaml.json_schema()
    for kind, section in (
        ("feeds", "FeedSection"),
        ("archives", "ArchiveSection"),
        ("channels", "NamedChannelSection"),
    ):
        for keys in file.values[kind].values():
            assert keys.keys() <= schema["$defs"][section]["properties"].keys()
