"""Long work shows on a terminal how far it is, and nowhere else."""

import re
import sys
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import pytest

from bot.cli.bars import shown_progress
from tests.builders_archive import SKY, dump
from tests.integration.test_cli import call

COLOUR = re.compile(r"\x1b\[[0-9;]+m")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _a_usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def _drawn(stream: StringIO) -> str:
    with redirect_stderr(stream), shown_progress() as tell:
        tell("posts", 3, 7)
        tell("feeds", 1)
    return stream.getvalue()


def test_a_terminal_gets_a_bar_for_each_kind_of_work_which_then_goes() -> None:
    drawn = _drawn(Terminal())
    assert COLOUR.search(drawn)
    plain = COLOUR.sub("", drawn)
    assert re.search(r"posts .*3/7", plain)
    assert re.search(r"feeds .*1/[?]", plain)
    assert plain.endswith("\x1b[2K")  # the last that is done is to wipe a line


def test_without_colours_where_none_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    drawn = _drawn(Terminal())
    assert not COLOUR.search(drawn)
    assert "3/7" in drawn


def test_a_pipe_and_a_terminal_that_cannot_draw_get_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _drawn(StringIO()) == ""
    monkeypatch.setenv("TERM", "dumb")
    assert _drawn(Terminal()) == ""


def test_a_terminal_is_left_alone_until_there_is_something_to_tell() -> None:
    stream = Terminal()
    with redirect_stderr(stream), shown_progress():
        assert sys.stderr is stream  # what is asked meanwhile is seen at once
    assert stream.getvalue() == ""


def test_commands_that_take_long_tell_how_far_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("blog.txt").write_text(dump(SKY), encoding="utf-8")
    Path("feeds.yaml").write_text(
        'channels: {main: {chat: "@example"}}\narchives: {old: {path: blog.txt, backfill: 2}}\n'
    )

    def draw(stream: StringIO, *arguments: str) -> str:
        monkeypatch.setattr("tests.integration.test_cli.StringIO", lambda: stream)
        assert call(*arguments).code == 0
        return COLOUR.sub("", stream.getvalue())

    count = len(SKY)
    assert f"{count}/?" in draw(Terminal(), "read", "blog.txt")
    once = draw(Terminal(), "once", "--now")
    for told in (rf"new posts .*{count}/[?]", "feeds .*1/1", "deliveries .*2/[?]", f"search index .*{count}/{count}"):
        assert re.search(told, once), told
    assert f"{count}/{count}" in draw(Terminal(), "archive", "export", "--to", "out")
