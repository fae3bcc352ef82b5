"""Archives' folders are watched: a change is told at once, and what cannot be watched is no error."""

import asyncio
from pathlib import Path

import pytest

from bot.watch import folder_of, is_of_pattern, watch


@pytest.mark.parametrize("pattern", ["*.txt", "**/*.txt", "deep/*.txt", "blog.txt"])
async def test_a_change_is_told(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "deep").mkdir()
    told, stop = asyncio.Event(), asyncio.Event()

    watching = asyncio.create_task(watch([str(tmp_path / pattern)], told.set, stop))
    path = tmp_path / ("deep/blog.txt" if "deep" in pattern or "**" in pattern else "blog.txt")
    async with asyncio.timeout(30):
        written = 0
        while not told.is_set():  # it takes a moment until the watching begins
            written += 1
            path.write_text("x" * written)
            try:
                await asyncio.wait_for(told.wait(), 1)
            except TimeoutError:
                continue
        stop.set()
        await watching


async def test_a_folder_that_is_not_there_is_left_to_the_next_look(tmp_path: Path) -> None:
    told = asyncio.Event()
    async with asyncio.timeout(5):
        await watch([str(tmp_path / "none" / "*.txt")], told.set, asyncio.Event())
    assert not told.is_set()


def test_the_folder_of_a_pattern_is_the_last_without_a_wildcard(tmp_path: Path) -> None:
    (tmp_path / "a [1]").mkdir()
    assert folder_of(str(tmp_path / "*.txt")) == (tmp_path, False)
    assert folder_of(str(tmp_path / "**" / "*.txt")) == (tmp_path, True)
    assert folder_of(str(tmp_path / "*" / "x" / "*.txt")) == (tmp_path, True)
    assert folder_of(str(tmp_path / "a [1]" / "*.txt")) == (tmp_path / "a [1]", False)


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        pytest.param("/blog/old.txt", "/blog/*.txt", True, id="by_wildcard"),
        pytest.param("/blog/old.txt", "/blog/**/*.txt", True, id="at_the_top_of_any_depth"),
        pytest.param("/blog/a/b/old.txt", "/blog/**/*.txt", True, id="at_any_depth"),
        pytest.param("/blog/old [1].txt", "/blog/old [1].txt", True, id="with_brackets"),
        pytest.param("/blog/q.db-wal", "/blog/*.txt", False, id="our_own_database"),
    ],
)
def test_a_change_counts_where_its_file_may_belong_to_the_archive(path: str, pattern: str, expected: bool) -> None:
    assert is_of_pattern(path, pattern) is expected
