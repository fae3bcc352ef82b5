"""What this process counts for Prometheus. ``docs/operations.md`` explains every name; a test holds the two together.

A leaf that everybody may count with. What the database knows (feeds by state, the queue) is not counted here:
``vitals.py`` reads it when somebody asks.
"""

from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

from bot.model import Post

# A second series for each counter would say when the process began. Untyped there.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()

READINGS = Counter(
    "qasedak_readings", "Readings of feeds and archives that have ended.", ["outcome"], registry=REGISTRY
)
POSTS = Counter("qasedak_posts", "Posts that readings found new, or edited.", ["change"], registry=REGISTRY)
DELIVERIES = Counter("qasedak_deliveries", "Deliveries that have ended in this process.", ["state"], registry=REGISTRY)
#: Upper bounds in seconds: from a feed that is asked every quarter of an hour to one that is asked once a day.
LATENCY = Histogram(
    "qasedak_latency_seconds",
    "From the time that a post claims to be published to the time it was sent; live posts with a time only.",
    buckets=(60, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 57_600, 86_400, 172_800),
    registry=REGISTRY,
)
API_ERRORS = Counter(
    "qasedak_api_errors", "Calls of the Bot API that failed, by what has to be done next.", ["kind"], registry=REGISTRY
)
for _outcome in ("read", "unchanged", "failed"):  # a counter that is not there yet cannot be watched for growing
    READINGS.labels(_outcome)
for _state in ("sent", "dead"):
    DELIVERIES.labels(_state)


def polled(*, read: int, unchanged: int, failed: int, new: int, edited: int) -> None:
    """Count what a pass of the poller did."""
    for outcome, readings in (("read", read), ("unchanged", unchanged), ("failed", failed)):
        READINGS.labels(outcome).inc(readings)
    for change, posts in (("new", new), ("edited", edited)):
        POSTS.labels(change).inc(posts)


def delivered(*, sent: int, dead: int) -> None:
    """Count what a pass of the outbox did."""
    DELIVERIES.labels("sent").inc(sent)
    DELIVERIES.labels("dead").inc(dead)


def observe_latency(post: Post, sent_at: datetime, *, is_replay: bool) -> None:
    """Note how long a post took from its publisher to the chat. What is old on purpose says nothing of our pace."""
    if not (is_replay or post.is_old or post.entry.date_only or post.entry.published is None):
        LATENCY.observe(max((sent_at - post.entry.published).total_seconds(), 0))
