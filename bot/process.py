"""Which process holds a lease, and whether it is surely dead: so that a restart need not wait for leases to end.

A leaf; reads ``/proc`` where there is one. "Surely" is meant: a process of another machine, of another boot, or of
another pid namespace (a container beside ours on the same volume) cannot be judged and counts as alive.
"""

import os
from functools import cache
from pathlib import Path


@cache
def owner() -> str:
    """This process's name in leases: boot, pid namespace, pid, and when it started."""
    return f"{_world()} {os.getpid()} {_started(os.getpid())}"


def is_surely_dead(name: str) -> bool:
    """Whether the process that was called *name* has ended."""
    world, _, rest = name.rpartition(" ")[0].rpartition(" ")
    started = name.rpartition(" ")[2]
    if not _world() or world != _world() or not rest.isdecimal():
        return False
    # Pids come again; a start time within one boot does not, for the same pid.
    return _started(int(rest)) != started


def _world() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
    return f"{boot} {namespace}"


def _started(pid: int) -> str:
    """Clock ticks since boot (proc(5), field 22 of stat); "" when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The second field is a name in brackets and may hold anything, brackets too.
    state, *numbers = stat.rpartition(")")[2].split()
    # A zombie only waits for its parent to notice; it runs no more code.
    return "" if state in ("Z", "X") else numbers[18]
