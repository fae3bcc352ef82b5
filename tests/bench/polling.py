"""What polling costs: ours, `reader` and RSS-to-Telegram-Bot against one publisher, and ours by number of feeds.

Each side is a process of its own, measured from here and all alike: CPU and resident memory of it and of all its
descendants. What the sides measured share are two cores and this publisher, so only ratios within one run say much.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".bench-venv" / "bin" / "python"
OURS = [sys.executable, "-c", "from tests.bench.our_poller import start; start()"]
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20
#: What each pass over all feeds meets: the generation of their items, and whether there are validators.
PASSES = {"cold": (0, 1), "304": (0, 1), "same body": (0, 0), "1 new of 20": (1, 1)}
#: Of a peer's cost for the same pass; (reader, RSS-to-Telegram-Bot).
GOALS: dict[str, tuple[float | None, float]] = {
    "cold": (0.3, 0.7), "304": (0.2, 0.75), "same body": (None, 0.03), "1 new of 20": (0.05, 0.12),
}  # fmt: skip


@dataclass(slots=True)
class Side:
    """What one program cost."""

    name: str
    feeds: int
    cpu_ms: dict[str, float] = field(default_factory=dict)  #: of one feed, by pass
    peak_mb: float = 0


# --- measuring -----------------------------------------------------------------------------------------------


def _family(pid: int) -> Iterator[list[str]]:
    """The lines of /proc/*/stat of a process and its descendants, from the third field on."""
    found: dict[int, list[str]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it may end at any time
            found[int(path.parent.name)] = path.read_text().rpartition(") ")[2].split()
    family = {pid}
    while more := {child for child, line in found.items() if int(line[1]) in family and child not in family}:
        family |= more
    return (found[member] for member in family if member in found)


def _cpu_ms(pid: int) -> float:
    """Of it and its descendants, also of those that ended."""
    return sum(TICK_MS * sum(map(int, line[11:15])) for line in _family(pid))


def _resident_mb(pid: int) -> float:
    return sum(PAGE_MB * int(line[21]) for line in _family(pid))


@contextlib.contextmanager
def _watched(side: Side, pid: int) -> Iterator[None]:
    """Note the largest memory."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            side.peak_mb = max(side.peak_mb, _resident_mb(pid))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


# --- running -------------------------------------------------------------------------------------------------


def run(name: str, command: list[str], feeds: int, passes: dict[str, tuple[int, int]], kind: str = "feed") -> Side:
    """Have a side make its passes against a publisher of its own."""
    side = Side(name, feeds)
    with (
        tempfile.TemporaryDirectory() as folder,
        _piped([sys.executable, "-m", "tests.bench.origin"]) as origin,
    ):
        assert origin.stdout
        port = json.loads(origin.stdout.readline())["port"]
        with _piped([*command, folder, str(port), str(feeds), kind]) as process:
            _expect(process, "ready")
            with _watched(side, process.pid):
                for what, (generation, validators) in passes.items():
                    address = f"http://127.0.0.1:{port}/set?generation={generation}&validators={validators}"
                    urllib.request.urlopen(address, timeout=10).close()
                    before = _cpu_ms(process.pid)
                    print("go", file=process.stdin, flush=True)
                    _expect(process, "done")
                    side.cpu_ms[what] = (_cpu_ms(process.pid) - before) / feeds
    return side


def _piped(command: list[str]) -> "subprocess.Popen[str]":
    """A process that ends when it is left, since its standard input does."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, env=environment, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def _expect(process: "subprocess.Popen[str]", word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == word:
            return
    raise SystemExit(f"{process.args!r} ended before its time; see above")


# --- comparing -----------------------------------------------------------------------------------------------


def compare(feeds: int, of_peers: int) -> None:
    """Print a table of ratios. The peers' heavy passes are measured on fewer feeds: a feed's cost is the same."""
    ours = run("Qasedak", OURS, feeds, PASSES)
    sides = [ours]
    if PEERS.exists():
        reader = run("reader", [str(PEERS), "-m", "tests.bench.peer_reader"], of_peers, PASSES)
        rsstt = run("RSStT", [str(PEERS), "-m", "tests.bench.peer_rsstt"], of_peers, PASSES)
        # It keeps nothing: what it costs in memory at many feeds is what is under way.
        sides += [reader, rsstt]
    print(f"\npolling, CPU ms a feed with all child processes; {feeds} feeds of 20 entries (peers: {of_peers})")
    print(f"{'':<12}" + "".join(f"{side.name:>10}" for side in sides) + "   ours / theirs (goal)")
    for what in PASSES:
        print(f"{what:<12}" + "".join(f"{side.cpu_ms[what]:>10.2f}" for side in sides) + "   " + _ratios(what, sides))
    peaks = [side.peak_mb for side in sides]
    print(f"{'peak MB':<12}" + "".join(f"{peak:>10.0f}" for peak in peaks) + "   " + _memory(peaks))


def _ratios(what: str, sides: list[Side]) -> str:
    ours, *peers = sides
    return ", ".join(
        f"{ours.cpu_ms[what] / max(peer.cpu_ms[what], 0.001):.3f}" + (f" ({goal:g})" if goal else "")
        for peer, goal in zip(peers, GOALS[what], strict=False)
    )


def _memory(peaks: list[float]) -> str:
    return f"{peaks[0] / peaks[2]:.2f} of RSStT's (1)" if len(peaks) == 3 else ""


# --- by number of feeds --------------------------------------------------------------------------------------


def scale(counts: list[int]) -> None:
    """Print and draw what a pass of answers 304 costs by the number of feeds: it is to be a straight line."""
    passes = {"cold": (0, 1), "304": (0, 1)}
    print("\nby number of feeds (one item each), CPU ms a feed")
    print(f"{'feeds':>7}{'cold':>9}{'304':>9}{'peak MB':>9}")
    totals = []
    for count in counts:
        side = run("Qasedak", OURS, count, passes, "small")
        print(f"{count:>7}{side.cpu_ms['cold']:>9.2f}{side.cpu_ms['304']:>9.2f}{side.peak_mb:>9.0f}", flush=True)
        totals.append(side.cpu_ms["304"] * count / 1000)
    drawing = ROOT / "var" / "bench" / "feeds.svg"
    drawing.parent.mkdir(parents=True, exist_ok=True)
    drawing.write_text(_drawn(counts, totals), encoding="utf-8")
    print(f"drawn in {drawing.relative_to(ROOT)}")


def _drawn(counts: list[int], seconds: list[float]) -> str:
    """Seconds by number of feeds, with the line from zero to the last of them."""
    points = [
        (60 + 500 * count / counts[-1], 340 - 300 * at / max(seconds))
        for count, at in zip(counts, seconds, strict=True)
    ]
    x, y = points[-1]
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/><text x="{x:.1f}" y="{y - 10:.1f}">{at:.1f} s</text>'
        f'<text x="{x:.1f}" y="360">{count}</text>'
        for (x, y), count, at in zip(points, counts, seconds, strict=True)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="400" font-family="sans-serif" font-size="13">'
        '<rect width="640" height="400" fill="white"/><g text-anchor="middle"><text x="310" y="385">feeds</text>'
        '<text x="310" y="20">CPU seconds for one pass in which every feed answers 304</text>'
        '<path d="M60 40V340H580" fill="none" stroke="black"/>'
        f'<path d="M60 340L{x:.1f} {y:.1f}" stroke="gray" stroke-dasharray="4"/>{marks}</g></svg>\n'
    )
