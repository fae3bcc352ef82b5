"""feeds.yaml as admins change it from a chat: lists come in, feeds go out, and what is somebody's own stays."""

from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.admin.desk import Desk
from bot.config.opml import Outline
from bot.config.reading import Config, read_config
from bot.errors import ConfigError, NotWritten
from bot.model import Changes
from tests.fakes.clock import FakeClock

FILE = """\
# Ours.
channels: {main: {chat: "-1001111111111"}}
imports: [more/*.yaml]
feeds:
  sky: {url: https://sky.example/feed, to: [main]} # daily
"""
MORE = "# More.\nfeeds:\n  garden: # quiet\n    url: https://garden.example/feed\n    to: [main]\n"


class Office:
    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.path, self.more = folder / "feeds.yaml", folder / "more" / "a.yaml"
        self.more.parent.mkdir()
        self.path.write_text(FILE, encoding="utf-8")
        self.more.write_text(MORE, encoding="utf-8")
        self.config = self.read(self.path)
        self.reloads = 0
        nobody = cast("Any", None)
        self.desk = Desk(nobody, nobody, clock, config=lambda: self.config, read=self.read, reload=self.reload)

    def read(self, path: Path) -> Config:
        return read_config(path, environment={}, with_token=True)

    async def reload(self) -> Changes:
        self.config = self.read(self.path)
        self.reloads += 1
        return Changes()


@pytest.fixture
def office(tmp_path: Path, clock: FakeClock) -> Office:
    return Office(tmp_path, clock)


async def test_a_feed_is_taken_out_of_the_file_that_names_it(office: Office) -> None:
    assert await office.desk.remove("garden")
    assert office.more.read_text() == "# More.\nfeeds: {}\n"
    assert office.path.read_text() == FILE
    assert [feed.name for feed in office.config.feeds] == ["sky"]
    assert await office.desk.remove("sky")
    assert office.path.read_text() == FILE.replace(FILE.splitlines()[-1] + "\n", "").replace("feeds:", "feeds: {}")
    assert not await office.desk.remove("sky")
    assert office.reloads == 2


async def test_a_feed_on_which_others_lean_is_not_taken_out(office: Office) -> None:
    leaning = FILE.replace("  sky: {url: https://sky.example/feed, to: [main]} # daily\n",
                           "  sky: &sky\n    url: https://sky.example/feed\n    to: [main]\n  moon:\n    <<: *sky\n"
                           "    url: https://moon.example/feed\n")  # fmt: skip
    office.path.write_text(leaning, encoding="utf-8")
    with pytest.raises(ConfigError):
        await office.desk.remove("sky")
    assert office.path.read_text() == leaning


async def test_a_file_with_mistakes_is_left_alone(office: Office) -> None:
    office.path.write_text(FILE + "feds: {}\n", encoding="utf-8")
    with pytest.raises(ConfigError):
        await office.desk.remove("sky")
    with pytest.raises(NotWritten) as caught:
        await office.desk.add_all([Outline("https://moon.example/feed", "Moon")], "main")
    assert office.path.read_text() == FILE + "feds: {}\n"
    assert "unknown key 'feds'" in caught.value.problems[0]


async def test_the_feeds_of_a_list_are_written_at_once(office: Office) -> None:
    wanted = [
        Outline("https://sky.example/feed", "Sky"),
        Outline("https://moon.example/feed", "Moon notes"),
        Outline("https://sun.example/", name="sun", every=timedelta(hours=6)),
    ]
    assert await office.desk.add_all(wanted, "main") == ["moon-notes", "sun"]
    assert office.path.read_text() == FILE + (
        '  moon-notes:\n    url: https://moon.example/feed\n    title: "Moon notes"\n    to: [main]\n'
        "  sun:\n    url: https://sun.example/\n    to: [main]\n    every: 6h\n"
    )
    assert await office.desk.add_all(wanted, "main") == []
    assert await office.desk.add_all([Outline("https://own.example/", "Own")], None) == ["own"]
    assert office.reloads == 2


async def test_a_file_that_cannot_be_read_gives_the_lines_to_paste(office: Office) -> None:
    office.path.unlink()
    with pytest.raises(NotWritten):
        await office.desk.add_all([Outline("https://moon.example/feed", "Moon")], "main")
