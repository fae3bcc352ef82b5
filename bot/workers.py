"""Scale-out: Procrastinate wakes workers on PostgreSQL, which run the very same loops as ``schedule.py`` does.

A job says no more than "look what is due": which feed and which chat, rows with leases decide (``storage/``), so that a
job run twice, or never, harms nothing. Every loop is a periodic task that is queued once at most; whoever is free takes
it, goes on while there is work, and calls the next worker when there is more than one can take. Jobs leave no rows.

The only place that knows Procrastinate. Holds no policy.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager

from bot.clock import Clock
from bot.errors import BotError
from bot.loops import Loop, guarded
from bot.roles import Role
from bot.storage import engine
from bot.storage.database import Database

log = structlog.get_logger()

#: No loop is woken more often: what has more to do goes on by itself.
WAKE = timedelta(seconds=2)
#: A job ends after this, so that others in its queue have their turn.
LONGEST_JOB = timedelta(seconds=10)
#: A worker is called to help at most this often by another.
CALL_PAUSE = timedelta(milliseconds=200)
#: Jobs of workers that died are cleared away.
SWEEP = timedelta(minutes=1)
#: A worker that does not say so often that it lives is dead to Procrastinate after three times as long.
HEARTBEAT = timedelta(seconds=10)
#: Where the database is away.
TRY_AGAIN = timedelta(seconds=1)


def install(database: Database) -> None:
    """Make or renew Procrastinate's tables, beside ours.

    Raises: StorageError.
    """
    database.migrate()
    scripts = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    migrations = {path.stem: path.read_text(encoding="utf-8") for path in scripts}
    database.write_now(engine.bring_up, SchemaManager.get_schema(), migrations)


def cron_of(span: timedelta) -> str:
    """A span as Procrastinate's clock has it; the sixth field is seconds.

    >>> [cron_of(timedelta(seconds=seconds)) for seconds in (2, 600, 21600)]
    ['* * * * * */2', '*/10 * * * *', '0 */6 * * *']
    """
    seconds = int(span.total_seconds())
    if seconds < 60:
        return f"* * * * * */{seconds}"
    return f"*/{seconds // 60} * * * *" if seconds < 3600 else f"0 */{seconds // 3600} * * *"


class PostgresCrew:
    """This process among the workers of one bot. Each role is a queue, of which it runs one job at a time."""

    def __init__(
        self,
        database: Database,
        bot_id: int,
        loops: Sequence[Loop],
        clock: Clock,
        *,
        patience: timedelta,
        on_fatal: Callable[[BotError], None],
    ) -> None:
        self._clock = clock
        self._patience = patience  # with jobs under way at the end
        self._on_fatal = on_fatal
        self._connector = PsycopgConnector(conninfo=database.conninfo, min_size=1, max_size=4)
        self._bot_id = bot_id
        self._apps = {role: self._app(role, [loop for loop in loops if loop.role is role]) for role in _roles(loops)}
        self._at_work: list[asyncio.Task[None]] = []
        self._wanted: set[str] = set()  # loops that others are to be called to
        self._calls: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    def _named(self, name: str) -> str:
        """Several bots may share a database; their work they do not."""
        return f"{name} {self._bot_id}"

    def _app(self, role: Role, loops: Sequence[Loop]) -> App:
        app = App(connector=self._connector)
        for loop in loops:
            self._register(app, loop)
        self._register(app, Loop(f"sweep {role}", SWEEP, role, lambda: self._sweep(app, role)))
        return app

    def _register(self, app: App, loop: Loop) -> None:
        name, every = self._named(loop.name), max(loop.every, WAKE)

        async def run(timestamp: int) -> None:  # noqa: ARG001 (Procrastinate says when it was due)
            await guarded(loop.name, lambda: self._work(app, loop, every), self._on_fatal)

        task = app.task(name=name, queue=self._named(loop.role), queueing_lock=name)(run)
        app.periodic(cron=cron_of(every))(task)

    async def _work(self, app: App, loop: Loop, every: timedelta) -> None:
        """Pass after pass while more is to be done soon; after a while others have their turn."""
        until = self._clock.monotonic() + LONGEST_JOB.total_seconds()
        while (again := await loop.act()) is not None and again < LONGEST_JOB and not self._stopping:
            if self._clock.monotonic() >= until:
                await self._defer(app, loop.name)
                return
            await self._clock.sleep(min(again, every).total_seconds())

    async def _defer(self, app: App, name: str) -> None:
        with contextlib.suppress(AlreadyEnqueued, ConnectorException):  # the next wake-up comes by itself
            await app.tasks[self._named(name)].defer_async(timestamp=0)

    def call(self, role: Role, name: str) -> None:
        """There is more to do than one process takes: have the next free worker begin now."""
        if role not in self._apps or self._stopping:
            return
        self._wanted.add(name)
        if name not in self._calls or self._calls[name].done():
            self._calls[name] = asyncio.create_task(self._call(self._apps[role], name))

    async def _call(self, app: App, name: str) -> None:
        while name in self._wanted:
            self._wanted.discard(name)
            await self._defer(app, name)
            await asyncio.sleep(CALL_PAUSE.total_seconds())

    async def _sweep(self, app: App, role: Role) -> None:
        """Take away what dead workers had in hand. It need not be done again: the next wake-up finds the same rows."""
        for job in await app.job_manager.get_stalled_jobs(queue=self._named(role)):
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
            log.warning("job of a dead worker cleared away", job=job.task_name)

    # --- at work ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to take work.

        Raises: StorageError, when the database is not there.
        """
        await self._connector.open_async()
        self._at_work = [asyncio.create_task(self._take_work(role, app)) for role, app in self._apps.items()]

    async def _take_work(self, role: Role, app: App) -> None:
        """Whatever becomes of the connection, a worker goes on."""
        while not self._stopping:
            try:
                await app.run_worker_async(
                    queues=[self._named(role)],
                    name=f"{role} of bot {self._bot_id}",
                    concurrency=1,
                    delete_jobs="always",
                    install_signal_handlers=False,
                    update_heartbeat_interval=HEARTBEAT.total_seconds(),
                    stalled_worker_timeout=3 * HEARTBEAT.total_seconds(),
                    shutdown_graceful_timeout=self._patience.total_seconds(),
                )
            except ConnectorException as error:
                log.error("no work taken", role=role, problem=str(error.__cause__ or error))
            except Exception:
                log.exception("worker crashed", role=role)
            if not self._stopping:
                await asyncio.sleep(TRY_AGAIN.total_seconds())

    def is_at_work(self) -> bool:
        """Whether every role is still being worked at."""
        return bool(self._at_work) and not any(task.done() for task in self._at_work)

    async def stop(self) -> None:
        """Take no more work; wait for what is under way, and cancel what takes too long."""
        self._stopping = True
        for task in [*self._at_work, *self._calls.values()]:
            task.cancel()  # Procrastinate's answer is to finish its jobs
        await asyncio.gather(*self._at_work, *self._calls.values(), return_exceptions=True)
        await self._connector.close_async()


def _roles(loops: Sequence[Loop]) -> list[Role]:
    return [role for role in Role if any(loop.role is role for loop in loops)]
