"""Whether this process does its work: the beats of its loops, and who is told of them.

One truth for all who ask: ``/readyz``, the bar of the status page, ``qasedak status``, the ping and the metrics. It is
in the database, as the last time that each loop ended well and the time by which it must do so again. Changes nothing
else, and decides nothing about posts.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from prometheus_client import generate_latest
from prometheus_client.core import CollectorRegistry, Metric
from prometheus_client.metrics_core import GaugeMetricFamily

from bot import metrics, process, standing
from bot.clock import Clock
from bot.errors import SourceError, StorageError
from bot.health import Health
from bot.model import DeliveryState
from bot.roles import EVERYTHING, Role
from bot.storage import status
from bot.storage.database import Database
from bot.storage.status import Status
from bot.supervisor import Supervisor

log = structlog.get_logger()

#: A beat is written this often at most; between two of them a loop is believed.
BEAT = timedelta(seconds=30)
#: A loop may miss this many of its turns, and a pass takes a while: 10 s of sends, each of up to 30 s.
MISSED_TURNS, PASS_TAKES = 2, timedelta(seconds=90)
#: A loop that did not end for this long after it was late hangs, and nothing but a new process helps. A pass of sends
#: that each take their whole time-out is late and does not hang.
HANGS_AFTER = timedelta(minutes=10)
#: A healthy process calls ``QASEDAK_PING_URL`` this often; services that listen for it count minutes.
PING_EVERY = timedelta(seconds=60)
#: Loops without which nothing is read or sent. A ping says that those of them that run here have gone round.
CYCLE = {"poll", "deliver"}
#: getUpdates waits half a minute for something to come, and python-telegram-bot as long after a failure.
UPDATES = timedelta(seconds=30)

Call = Callable[[str], Awaitable[object]]


def allowed(every: timedelta) -> timedelta:
    """How long a loop that runs so often may take until it ends well again."""
    return every * (MISSED_TURNS + 1) + PASS_TAKES


class Vitals:
    """Feels the pulse of one process. ``call`` fetches an address, guarded as every other request of ours is."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        bot_id: int,
        supervisor: Supervisor,
        roles: frozenset[Role] = EVERYTHING,
        ping_url: str | None = None,
        call: Call | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._bot_id = bot_id
        self._supervisor = supervisor
        self._roles = roles
        self._has_begun = False
        self.pulse_every = supervisor.pulse_every  #: how often ``watch`` is to be called; None: never
        self._ping_url = ping_url
        self._call = call
        self._written: dict[str, datetime] = {}  # when the beat of each loop was last put down
        self._by: dict[str, datetime] = {}  # when each loop must have ended again, well or not
        self._well: set[str] = set()  # loops that have ended well in this process
        self._heard_at = clock.now()
        self._pinged_at: datetime | None = None

    # --- loops -----------------------------------------------------------------------------------------------

    async def begin(self, loops: Mapping[str, timedelta]) -> None:
        """Loops that run so often have just been started: each has its time to end for the first time."""
        now = self._heard_at = self._clock.now()
        self._by = {name: now + allowed(every) for name, every in loops.items()}
        await self._database.write(status.begin, now, self._by)
        self._has_begun = True
        self._supervisor.ready()

    async def ended(self, loop: str, every: timedelta, *, well: bool) -> None:
        """A pass of a loop is over. Jobs that were not there at the beginning are no loops of ours."""
        if loop not in self._by:
            return
        now = self._clock.now()
        self._by[loop] = now + allowed(every)
        if not well:
            return
        self._well.add(loop)
        if now - self._written.get(loop, now - BEAT) >= BEAT:
            self._written[loop] = now
            await self._database.write(status.beat, loop, now, now + allowed(every) + BEAT)

    def heard(self) -> None:
        """Telegram answered when it was asked for updates."""
        self._heard_at = self._clock.now()

    async def note_updates(self, *, are_ours: bool = True) -> None:
        """Put down when Telegram last answered. Called at intervals: what is heard is heard in another place.

        Where another process hears of updates, none of ours are late.
        """
        if are_ours:
            late_at = self._heard_at + allowed(UPDATES) + BEAT
            await self._database.write(status.beat, "updates", self._heard_at, late_at)
        else:
            await self._database.write(status.forget, "updates")

    async def end(self) -> None:
        """Nothing runs any more."""
        self._supervisor.stopping()
        self._has_begun = False
        await self._database.write(status.end)

    # --- who asks --------------------------------------------------------------------------------------------

    async def late(self) -> list[str]:
        """What is late of what this process does, a line each; before it begins and after its end, it is."""
        if not self._has_begun:
            return ["nothing runs yet"]
        now = self._clock.now()
        found = await self._database.read(status.load, self._bot_id, now, of_process=process.owner())
        return standing.late(standing.of_roles(found, self._roles), now)

    async def is_ready(self) -> bool:
        """Whether polling, delivery and updates are on time; no answer of the database is no."""
        try:
            return not await self.late()
        except StorageError as error:
            log.error("not ready", problem=str(error))
            return False

    async def exposition(self) -> bytes:
        """What Prometheus reads: what was counted here, and what the database knows now.

        Raises: StorageError.
        """
        now = self._clock.now()
        found = await self._database.read(status.load, self._bot_id, now)
        known = CollectorRegistry()
        known.register(_Known(gauges(found, now)))
        return generate_latest(metrics.REGISTRY) + generate_latest(known)

    async def ping(self) -> None:
        """Call the address that waits to hear from us, if all is well and it was not called lately."""
        now = self._clock.now()
        is_due = self._pinged_at is None or now - self._pinged_at >= PING_EVERY
        if self._ping_url and is_due and self._well.issuperset(self._by.keys() & CYCLE) and not await self.late():
            self._pinged_at = now
            await self.ping_now()

    async def ping_now(self) -> None:
        """Call that address. Nothing depends on the answer."""
        if not self._ping_url or self._call is None:
            return
        try:
            await self._call(self._ping_url)
        except SourceError as error:
            # Whoever has the path may ping in our name; it stays out of the log.
            path = urlsplit(self._ping_url).path.strip("/")
            log.warning("ping failed", problem=str(error).replace(path, "…") if path else str(error))

    async def watch(self) -> None:
        """Let the supervisor leave us alone, unless a loop hangs: one that fails each time still goes round."""
        now = self._clock.now()
        hanging = sorted(name for name, by in self._by.items() if now > by + HANGS_AFTER)
        if hanging:
            log.error("loop hangs", loops=hanging)
        else:
            self._supervisor.alive()


# --- what Prometheus reads -----------------------------------------------------------------------------------


class _Known:
    """Gauges in the form in which the library collects them."""

    def __init__(self, families: list[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        """All of them."""
        return [*self._families]


def gauges(found: Status, now: datetime) -> list[GaugeMetricFamily]:
    """How everything stands, as figures."""
    feeds = GaugeMetricFamily("qasedak_feeds", "Feeds of feeds.yaml by state.", labels=["state"])
    for health in Health:
        feeds.add_metric([health], sum(feed.state.health is health for feed in found.feeds))
    queue = GaugeMetricFamily("qasedak_queue", "Deliveries by state.", labels=["state"])
    for state in DeliveryState:
        queue.add_metric([state], found.queue.get(state, 0))
    loops = GaugeMetricFamily(
        "qasedak_loop_age_seconds", "Since a loop of the running process last ended well.", labels=["loop"]
    )
    for name, loop in found.loops.items():
        loops.add_metric([name], max((now - loop.succeeded_at).total_seconds(), 0))
    lag = GaugeMetricFamily(
        "qasedak_lag_seconds", "How long the first of what is due has been waiting.", labels=["stage"]
    )
    readings = [now - feed.next_check_at for feed in found.feeds if feed.is_read]
    sends = [now - lane.waiting_since for lane in found.lanes if lane.waiting_since]
    for stage, waits in (("reading", readings), ("sending", sends)):
        lag.add_metric([stage], max((wait.total_seconds() for wait in (*waits, timedelta())), default=0))
    paused = sum(lane.paused is not None for lane in found.lanes)
    late = len(standing.late(found, now))
    return [
        feeds,
        queue,
        loops,
        lag,
        GaugeMetricFamily("qasedak_lanes_paused", "Chats that a right is missing in.", value=paused),
        GaugeMetricFamily("qasedak_late", "Things that should have happened by now: 0 when ready.", value=late),
    ]
