"""``imports``: further files of the form of feeds.yaml, read as one with it; mistakes keep their own file and line."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bot.config.reading import Config, read_config
from bot.errors import ConfigError

MAIN = """\
imports: [more/*.yaml]
channels: {main: {chat: "@mychannel"}}
feeds:
  sky: {url: https://sky.example/feed}
"""
Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    def write_files(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        return Path("feeds.yaml")

    return write_files


def read(path: Path) -> Config:
    return read_config(path, environment={"HOST": "press.example"}, with_token=False)


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        read(path)
    return raised.value.problems


def test_sections_of_all_files_are_one(write: Write) -> None:
    path = write(
        {
            "feeds.yaml": MAIN,
            "more/b.yaml": "feeds: {press: {url: 'https://${HOST}/feed', to: [main, second]}}\n",
            "more/a.yaml": 'channels: {second: {chat: "@second"}}\ntags: {ماه: Moon}\nbot: {language: en}\n',
        }
    )
    with pytest.raises(ConfigError, match=r"feeds\.yaml:4:3: feeds\.sky does not say which channel"):
        read(path)
    write({"feeds.yaml": MAIN.replace("sky.example/feed", "sky.example/feed, to: [main]")})
    config = read(path)
    assert [feed.name for feed in config.feeds] == ["sky", "press"]
    assert list(config.channels) == ["main", "second"]
    assert (config.language, config.tags) == ("en", {"ماه": "Moon"})
    assert {route.channel.name for route in config.subscriptions if route.feed.name == "press"} == {"main", "second"}


def test_an_import_may_import_and_a_circle_ends(write: Write) -> None:
    path = write(
        {
            "feeds.yaml": MAIN,
            "more/a.yaml": "imports: [deep/*.yaml, ../feeds.yaml]\n",
            "more/deep/b.yaml": "feeds: {press: {url: https://press.example/feed}}\n",
        }
    )
    assert [feed.name for feed in read(path).feeds] == ["sky", "press"]


def test_an_archives_path_is_relative_to_its_own_file(write: Write, tmp_path: Path) -> None:
    path = write(
        {
            "feeds.yaml": MAIN,
            "more/a.yaml": "archives: {old: {path: texts/*.txt}}\n",
            "more/texts/one.txt": "1397/07/08\n\nText\n",
        }
    )
    assert read(path).feeds[1].url == str(tmp_path / "more/texts/*.txt")


@pytest.mark.parametrize(
    ("further", "said"),
    [
        ("feeds:\n  press: {url: nowhere}\n", "more/a.yaml:2:16: feeds.press.url must be a whole address"),
        ("feeds:\n  press: {evry: 1h}\n", "more/a.yaml:2:11: unknown key 'evry' under feeds.press"),
        ("feeds:\n  sky: {url: https://b.example}\n",
         "more/a.yaml:2:3: 'sky' under feeds stands in feeds.yaml:4:3 already; remove one"),
        ("archives:\n  sky: {path: a.txt}\n", "'sky' names a feed and an archive"),
        ("fedes: {}\n", "more/a.yaml:1:1: unknown key 'fedes'"),
        ("feeds: [sky]\n", "more/a.yaml:1:1: 'feeds' must hold keys and values in both files"),
        ("- feeds\n", "more/a.yaml:1:1: must hold sections such as feeds: and channels:"),
        ("feeds: {\n", "more/a.yaml:"),
        ("imports: [nothing.yaml]\n",
         "more/a.yaml:1:11: no file matches this import; it is relative to the folder of a.yaml"),
        ("imports: nothing.yaml\n", "more/a.yaml:1:10: imports must be a list"),
        ("templates:\n  big: |\n    {{ title }}\n    {{ titel }}\n", "more/a.yaml:4:5: templates.big: "),
        ("archives:\n  old: {path: none/*.txt}\n",
         "more/a.yaml:2:15: no file matches archives.old.path, 'none/*.txt'; it is relative to the folder of a.yaml"),
    ],
    ids=["value", "key", "twice", "feed-and-archive", "section", "list", "no-sections", "syntax", "no-file",
         "no-list", "template", "archive"],
)  # fmt: skip
def test_a_mistake_is_told_where_it_stands(write: Write, further: str, said: str) -> None:
    assert any(said in line for line in problems(write({"feeds.yaml": MAIN, "more/a.yaml": further})))


def test_an_import_that_names_nothing_is_a_mistake(write: Write) -> None:
    assert problems(write({"feeds.yaml": MAIN})) == [
        "feeds.yaml:1:11: no file matches this import; it is relative to the folder of feeds.yaml"
    ]
