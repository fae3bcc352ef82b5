"""``opml``: what others export comes into feeds.yaml, whose comments stay; what goes out comes in again."""

from pathlib import Path

import pytest

from bot.config.opml import read
from bot.config.reading import read_config
from tests.integration.test_cli import call

LISTS = Path(__file__).resolve().parents[1] / "data/opml"
CHANNELS = 'channels:\n  main: {chat: "@example"} # ours\n'
FILE = CHANNELS + "feeds:\n  # the sky\n  sky:\n    url: https://sky.example/feed.xml # hourly\n# the end\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_list_is_printed_as_yaml_to_paste(here: Path) -> None:
    ended = call("opml", "import", str(LISTS / "rsstt.opml"))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "feeds:\n"
        "  sky:\n    url: https://sky.example/feed.xml\n"
        '    title: "آسمان شب"\n'
        "  garden-orchard:\n    url: https://garden.example/feed?format=atom&lang=fa\n"
        '    title: "Garden & Orchard"\n'
        "  old:\n    url: http://old.example/rss\n"
        '    title: "بی\u200cنام"\n'
    )
    (here / "feeds.yaml").write_text(CHANNELS + ended.out)
    assert call("check").code == 0


@pytest.mark.parametrize(("name", "added"), [("rsstt.opml", 2), ("flowerss.opml", 1), ("reader.opml", 3)])
def test_a_list_is_added_to_a_file_whose_comments_stay(name: str, added: int, here: Path) -> None:
    path = here / "feeds.yaml"
    path.write_text(FILE)
    ended = call("opml", "import", str(LISTS / name), "--write")
    assert ended.code == 0
    assert ended.out == f"feeds.yaml: {added} feeds added\n"
    assert "sky: is in feeds.yaml already" in ended.err
    text = path.read_text()
    assert all(comment in text for comment in ("# ours", "# the sky", "# hourly", "# the end"))
    listed = {outline.url for outline in read((LISTS / name).read_bytes()).outlines}
    assert {feed.url for feed in read_config(path, environment={}, with_token=False).feeds} == listed
    again = call("opml", "import", str(LISTS / name), "--write")
    assert (again.code, again.out) == (0, "")
    assert path.read_text() == text


def test_an_export_comes_in_again_with_names_titles_and_intervals(here: Path, tmp_path: Path) -> None:
    path = here / "feeds.yaml"
    feeds = (
        "feeds:\n  sky: {url: https://sky.example/feed.xml, title: 'آسمان {شب}', every: 2h}\n"
        "  پیام: {url: 'https://garden.example/feed'}\n  paid: {url: 'https://me:hunter2@paid.example/feed'}\n"
    )
    path.write_text(CHANNELS + feeds)
    exported = call("opml", "export")
    assert exported.code == 0
    assert "hunter2" not in exported.out + exported.err
    assert exported.err == "paid: without the user name and password of its address\n"
    before = {feed.name: feed for feed in read_config(path, environment={}, with_token=False).feeds}
    (here / "list.opml").write_text(exported.out)
    path.write_text(CHANNELS)
    assert call("opml", "import", "list.opml", "--write").code == 0
    after = {feed.name: feed for feed in read_config(path, environment={}, with_token=False).feeds}
    assert after.pop("paid").url == "https://paid.example/feed"
    assert after == {name: feed for name, feed in before.items() if name != "paid"}


def test_a_variable_in_a_list_is_not_filled_in(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "s3cret")
    (here / "feeds.yaml").write_text(CHANNELS)
    (here / "list.opml").write_text(
        '<opml><body><outline text="a ${KEY}" xmlUrl="https://evil.example/?${KEY}"/></body></opml>'
    )
    assert call("opml", "import", "list.opml", "--write").code == 0
    (feed,) = read_config(here / "feeds.yaml", environment={"KEY": "s3cret"}, with_token=False).feeds
    assert feed.url == "https://evil.example/?$%7BKEY%7D"
    assert feed.title == "a $ {KEY}"


def test_with_several_channels_one_is_named(here: Path) -> None:
    (here / "feeds.yaml").write_text('channels: {a: {chat: "@aaaa"}, b: {chat: "@bbbb"}}\n')
    listed = str(LISTS / "flowerss.opml")
    ended = call("opml", "import", listed)
    assert (ended.code, ended.err) == (2, "--to: there are several channels; name one of a, b\n")
    ended = call("opml", "import", listed, "--to", "aa")
    assert (ended.code, ended.err) == (2, "--to: no channel is called 'aa'; did you mean 'a'?\n")
    assert call("opml", "import", listed, "--to", "b", "--write").code == 0
    config = read_config(here / "feeds.yaml", environment={}, with_token=False)
    assert {route.channel.name for route in config.subscriptions} == {"b"}


WRONG = {
    "no-file": (["nothing.opml"], "nothing.opml: cannot be read (No such file or directory); name an OPML file"),
    "no-opml": (["feeds.yaml"], "the list is not well-formed"),
    "no-feeds": (["empty.opml"], "empty.opml: lists no feeds; export it again"),
}


@pytest.mark.parametrize(("arguments", "problem"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_list_is_a_wrong_call(arguments: list[str], problem: str, here: Path) -> None:
    (here / "feeds.yaml").write_text(FILE)
    (here / "empty.opml").write_text("<opml><body><outline text='a folder'/></body></opml>")
    for more in ([], ["--write"]):
        ended = call("opml", "import", *arguments, *more)
        assert (ended.code, ended.out) == (2, "")
        assert problem in ended.err
        assert (here / "feeds.yaml").read_text() == FILE
