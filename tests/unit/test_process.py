"""Whose lease may be ended: only that of a process that cannot come back."""

import subprocess
import sys

from bot import process


def test_this_process_is_alive() -> None:
    assert not process.is_surely_dead(process.owner())


def test_a_process_that_ended_is_surely_dead() -> None:
    ask = [sys.executable, "-c", "from bot import process; print(process.owner())"]
    child = subprocess.run(ask, capture_output=True, text=True, check=True)
    assert process.is_surely_dead(child.stdout.strip())


def test_a_pid_that_came_again_is_not_the_process_of_the_lease() -> None:
    world, pid, started = process.owner().rsplit(" ", 2)
    assert process.is_surely_dead(f"{world} {pid} {int(started) - 1}")


def test_nobody_judges_another_machine_another_container_or_nonsense() -> None:
    _world, pid, started = process.owner().rsplit(" ", 2)
    for name in (f"other-boot pid:[1] 99999999 {started}", f"{_world}x {pid} 1", "", "x", "a b c"):
        assert not process.is_surely_dead(name)
