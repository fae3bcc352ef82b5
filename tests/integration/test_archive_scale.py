"""The short form of `make archive-scale`: what it measures is what it says."""

import re
from pathlib import Path

import pytest

from tests.archive_at_scale import measure_reading, measure_storing, write

STEPS = [("first", 300), ("unchanged", 0), ("appended", 1)]


def told(output: str) -> list[tuple[str, int]]:
    return [(step, int(count)) for step, count in re.findall(r"^  (\w+) +(\d+) posts", output, re.MULTILINE)]


def test_a_grown_archive_gives_the_one_post(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, 300, 2)
    measure_reading(tmp_path)
    assert told(capsys.readouterr().out) == STEPS


async def test_a_grown_archive_is_stored_as_the_one_post(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, 300, 2)
    await measure_storing(tmp_path)
    assert told(capsys.readouterr().out) == STEPS
