"""One more feed in a feeds.yaml: it means what it should, and every other byte is as it was."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.feeds_edit import name_for, replace_file, with_feed, without_feed
from bot.config.reading import read_config
from bot.config.yaml_file import YamlFile
from bot.errors import ConfigError

URL = "https://garden.example/feed"
CHANNELS = 'channels: {main: {chat: "@garden_news"}}\n'
ROOT = Path(__file__).resolve().parents[2]

SKY = "feeds:\n  sky:\n    url: https://sky.example/feed\n"
FILES = {
    "block": SKY,
    "no-newline-at-the-end": "feeds:\n  sky:\n    url: https://sky.example/feed",
    "comments": "feeds: # all of them\n  # the sky\n  sky: # ours\n    url: https://sky.example/feed # daily\n"
    "    # backfill: 3\n\n  # moon: later\n\n# the end\n",
    "something-behind": f"{SKY}    hashtags: [a, b]\n\ntags: {{ماه: Moon}}\n",
    "deep-indent": "feeds:\n    sky:\n        url: https://sky.example/feed\n",
    "list-at-the-end": f"{SKY}    to:\n    - main\ntags: {{}}\n",
    "route-with-keys": f"{SKY}    to:\n      - channel: main\n        footer: x\n",
    "folded-text-at-the-end": f"{SKY}    title: >-\n      The sky\n      at night\n\ntags: {{}}\n",
    "text-of-lines-at-the-end": f"{SKY}    title: |\n      The sky\n\n      at night\n\n# tags\ntags: {{}}\n",
    "text-at-the-very-end": f"{SKY}    title: |\n      The sky",
    "flow-feed": "feeds:\n  sky: {url: https://sky.example/feed}\n",
    "flow-feed-of-lines": "feeds:\n  sky: {\n    url: https://sky.example/feed,\n  }\ntags: {}\n",
    "flow": "feeds: {sky: {url: https://sky.example/feed}}\n",
    "flow-with-comma": "feeds: {sky: {url: https://sky.example/feed}, }\n",
    "flow-empty": "feeds: {}\n",
    "flow-of-lines": "feeds: {\n  sky: {url: https://sky.example/feed}\n  }\n",
    "none": "",
    "none-but-comments": "# no feeds yet",
    "anchors": "feeds:\n  sky: &sky\n    url: https://sky.example/feed\n  moon:\n    <<: *sky\n    url: https://moon.example/\n",
    "windows-lines": "feeds:\r\n  sky:\r\n    url: https://sky.example/feed\r\ntags: {}\r\n",
    "quoted": "'feeds':\n  \"sky\":\n    'url': 'https://sky.example/feed'\n",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_the_feed_is_there_and_everything_else_is_as_it_was(text: str, tmp_path: Path) -> None:
    text = (CHANNELS.replace("\n", "\r\n") if "\r\n" in text else CHANNELS) + text
    path = tmp_path / "feeds.yaml"

    def names(written: str) -> dict[str, str]:
        path.write_bytes(written.encode())
        return {feed.name: feed.url for feed in read_config(path, environment={}, with_token=False).feeds}

    before = names(text)
    after = with_feed(text, "garden", URL, ["main"])
    assert names(after) == before | {"garden": URL}
    # What was inserted is one stretch; without it the old text is left.
    same = next((at for at, pair in enumerate(zip(text, after, strict=False)) if pair[0] != pair[1]), len(text))
    assert after.endswith(text[same:])
    assert after.count("\r\n") in (0, after.count("\n"))


def test_the_sample_file_keeps_every_comment() -> None:
    text = (ROOT / "feeds.yaml").read_text(encoding="utf-8")
    after = with_feed(text, "garden", URL, ["main"]).splitlines()
    at = after.index("  garden:")
    assert after[at : at + 3] == ["  garden:", f"    url: {URL}", "    to: [main]"]
    assert after[:at] + after[at + 3 :] == text.splitlines()
    assert after[at - 1].strip() == "backfill: 2"


@pytest.mark.parametrize(
    "text",
    ["- a\n", "feeds: [a]\n", "feeds: x\n", "feeds:\n", "{feeds: {}}\n", "a: [\n", "feeds: {a: b # }\n}\n", "\t"],
    ids=["list", "feeds-list", "feeds-text", "feeds-empty", "all-in-braces", "broken", "comment-in-braces", "tab"],
)  # fmt: skip
def test_a_file_without_a_place_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        with_feed(text, "garden", URL, [])


@given(
    st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20),
    st.text(alphabet="abc%?&=#:;,'\"[]{}$*!@|>-\u06af", max_size=30),
)
def test_any_name_and_address_is_read_back_as_it_is(name: str, rest: str) -> None:
    url = f"https://garden.example/{rest}"
    for text in ("feeds:\n  sky: {url: x}\n", "feeds: {sky: {url: x}}\n"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "feeds.yaml"
            path.write_text(with_feed(text, f"n{name}", url, ["main"]), encoding="utf-8", newline="")
            values = YamlFile.open(path, {}).values
        assert values["feeds"][f"n{name}"]["url"] == url.replace("{", "%7B").replace("}", "%7D")


@pytest.mark.parametrize(
    ("title", "url", "taken", "name"),
    [
        ("Garden notes", URL, (), "garden-notes"),
        ("Garden notes", URL, ("garden-notes", "garden-notes-2"), "garden-notes-3"),
        ("دفتر باغچه", "https://www.garden.example/feed", (), "garden"),
        ("دفتر باغچه و گلدان‌های من blog", "https://blog.garden.example/feed", (), "blog-garden"),
        (None, "https://localhost:8080/feed", (), "localhost"),
        ("2026", "https://1.example/", (), "feed-2026"),
        ("A" * 100, URL, (), "a" * 32),
        ("!", "https://گل.example/", (), "feed"),
    ],
    ids=["title", "taken", "persian", "mixed", "local", "digits", "long", "nothing"],
)
def test_a_name_is_made_of_title_or_host(title: str | None, url: str, taken: tuple[str, ...], name: str) -> None:
    assert name_for(title, url, taken) == name


def test_a_file_is_replaced_at_once_with_its_rights_and_behind_its_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "feeds.yaml"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    replace_file(link, "new", lambda path: None)
    assert (real.read_text(), real.stat().st_mode & 0o777, link.is_symlink()) == ("new", 0o640, True)
    assert sorted(os.listdir(tmp_path)) == ["feeds.yaml", "real.yaml"]


def test_a_text_that_is_refused_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "feeds.yaml"
    path.write_text("old")

    def refuse(beside: Path) -> None:
        assert beside.read_text() == "new"
        raise ConfigError("no")

    with pytest.raises(ConfigError, match="no"):
        replace_file(path, "new", refuse)
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["feeds.yaml"])


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        replace_file(tmp_path / "nowhere" / "feeds.yaml", "new", lambda path: None)


# --- taking one out ------------------------------------------------------------------------------------------

WITHOUT = {
    "first, with its own comments": (
        "feeds: # all\n  # ours\n  sky: # daily\n    url: https://a\n    # its\n\n  garden: {url: https://b}\n# end\n",
        "feeds: # all\n  # ours\n\n  garden: {url: https://b}\n# end\n",
    ),
    "last": (
        "feeds:\n  garden: {url: https://b}\n  sky:\n    url: https://a\n    to: [x,\n      y]\n\n# end\n",
        "feeds:\n  garden: {url: https://b}\n\n# end\n",
    ),
    "the only one": ("feeds: # none\n  sky:\n    url: https://a\nbot: {}\n", "feeds: {} # none\nbot: {}\n"),
    "in braces, first": ("feeds: {sky: {url: https://a#x}, b: {url: https://b}}\n", "feeds: {b: {url: https://b}}\n"),
    "in braces, last": ("feeds: {b: {url: https://b}, sky: {url: https://a}}\n", "feeds: {b: {url: https://b}}\n"),
    "in braces, alone": ("feeds: {sky: {url: https://a}}\n", "feeds: {}\n"),
    "an archive": ("archives:\n  sky: {path: a/*.txt}\n  b: {path: b}\n", "archives:\n  b: {path: b}\n"),
    "windows lines": ("feeds:\r\n  sky:\r\n    url: https://a\r\n  b: {url: https://b}\r\n", "feeds:\r\n  b: {url: https://b}\r\n"),
    "no line end": ("feeds:\n  b: {url: https://b}\n  sky: {url: https://a}", "feeds:\n  b: {url: https://b}\n"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), WITHOUT.values(), ids=WITHOUT.keys())
def test_a_feed_is_taken_out_and_everything_else_stays(before: str, after: str) -> None:
    assert without_feed(before, "sky") == after


def test_a_feed_that_is_not_there_is_not_taken_out() -> None:
    assert without_feed("feeds:\n  garden: {url: https://b}\n", "sky") is None
    assert without_feed("bot: {}\n", "sky") is None


@pytest.mark.parametrize(
    "text",
    ["feeds: {sky: {url: https://a}, # why\n  b: {url: https://b}}\n", "feeds: [\n"],
    ids=["comment-in-braces", "no-yaml"],
)
def test_what_cannot_be_taken_out_cleanly_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        without_feed(text, "sky")
