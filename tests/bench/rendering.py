"""What a post costs on its way into messages, beside RSS-to-Telegram-Bot's formatter on the same HTML.

The two sides are processes of their own, in turns, each timed by its own CPU clock: other work on the machine does
not count. Alone: `python -m tests.bench --only rendering`.
"""

import json
import os
import statistics
import subprocess
import tempfile
import time

from bot.model import Entry
from bot.render import render
from tests.bench import posts
from tests.bench.polling import PEERS, ROOT
from tests.builders import a_channel, a_feed, a_post, a_subscription

ROUNDS = 5  #: in turns; of each post the cheapest counts, since others work on the machine, too
GOAL_MS = 3.0
GOAL_RATIO = 0.5


def compare(count: int = posts.COUNT) -> None:
    """Print what the posts cost each side."""
    what, found = posts.read()
    found = found[:count]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as shared:
        json.dump([_for_peers(entry) for entry in found], shared)
        shared.flush()
        rounds = [(_ours(found), _theirs(shared.name)) for _ in range(ROUNDS)]
    ours = [min(costs) for costs in zip(*(ours for ours, _ in rounds), strict=True)]
    sizes = statistics.median(len(entry.fullest or "") for entry in found)
    print(f"\nrendering, CPU ms a post; {len(found)} posts ({what}), half of them over {sizes:.0f} characters of HTML")
    print(f"{'':<34}{'median':>8}{'mean':>8}{'p95':>8}   ours / theirs at the median, in sum (goal)")
    _row("Qasedak, summary included", ours, f"goal {GOAL_MS:g} at the median")
    for name in rounds[0][1]:
        theirs = [min(costs) for costs in zip(*(peer[name] for _, peer in rounds), strict=True)]
        median = statistics.median(ours) / statistics.median(theirs)
        _row(f"RSStT, {name}", theirs, f"{median:.2f}, {sum(ours) / sum(theirs):.2f} ({GOAL_RATIO:g})")


def _row(name: str, costs: list[float], note: str) -> None:
    median, mean, late = statistics.median(costs), statistics.mean(costs), statistics.quantiles(costs, n=20)[-1]
    print(f"{name:<34}{median:>8.2f}{mean:>8.2f}{late:>8.2f}   {note}")


def _ours(found: list[Entry]) -> list[float]:
    feed = a_feed(title="Sky Notes")
    subscription = a_subscription(feed, a_channel(source=True, footer="@sky_news"))
    stored = [a_post(entry) for entry in found]
    render(stored[0], subscription)  # the template is compiled once in a bot's life
    costs = []
    for post in stored:
        before = time.process_time()
        render(post, subscription)
        costs.append((time.process_time() - before) * 1000)
    return costs


def _for_peers(entry: Entry) -> dict[str, object]:
    """As feedparser gives it."""
    content = [{"type": "text/html", "value": entry.fullest}]
    return {"content": content, "title": entry.title, "link": entry.link, "author": entry.author}


def _theirs(path: str) -> dict[str, list[float]]:
    """Costs by what is counted; nothing where the peers' environment was not made."""
    if not PEERS.exists():
        return {}
    with tempfile.TemporaryDirectory() as folder:
        command = [str(PEERS), "-m", "tests.bench.peer_rendering", folder, path]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        answer = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=600)
    found: dict[str, list[float]] = json.loads(answer.stdout)
    return found
