"""What systemd hears of us."""

import os
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.supervisor import Supervisor


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(str(tmp_path / "notify"))
        there.settimeout(1)
        yield there


def test_systemd_hears_that_we_are_ready_alive_and_stopping(listening: socket.socket) -> None:
    supervisor = Supervisor({"NOTIFY_SOCKET": listening.getsockname()})
    supervisor.ready()
    supervisor.alive()
    supervisor.stopping()
    assert [listening.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_an_address_of_the_abstract_name_space_begins_with_an_at() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(f"\0qasedak-test-{os.getpid()}")
        there.settimeout(1)
        Supervisor({"NOTIFY_SOCKET": f"@qasedak-test-{os.getpid()}"}).ready()
        assert there.recv(100) == b"READY=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all"}], ids=["no systemd", "it went away"])
def test_nobody_who_listens_is_no_error(environment: dict[str, str]) -> None:
    Supervisor(environment).ready()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "180000000"}, 60),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": str(os.getpid())}, 60),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": "1"}, None),
        ({}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
    ids=["watched", "by our number", "another process", "not watched", "none", "no number"],
)
def test_the_pulse_is_three_times_as_fast_as_the_watchdog(environment: dict[str, str], seconds: int | None) -> None:
    found = Supervisor({"NOTIFY_SOCKET": "/run/x", **environment}).pulse_every
    assert found == (timedelta(seconds=seconds) if seconds else None)
