"""The connection to SQLite or PostgreSQL: threads, transactions, migrations, and what a failure means.

Functions of a transaction take a ``Connection`` first and know nothing of threads; ``Database.write`` and
``Database.read`` run them off the event loop, one transaction each. SQLAlchemy's errors end here.
"""

import asyncio
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError

from bot.errors import ConfigError, StorageError
from bot.storage.dialects import one_at_a_time

P = ParamSpec("P")
R = TypeVar("R")

#: How long a writer waits for another program's transaction before it gives up, in milliseconds.
BUSY_MS = 10_000
WAL_TRIES = 40
#: How long a server may be away while it is restarted, in seconds, and how soon it is tried again.
PATIENCE, RECONNECT = 8.0, 0.2
#: PostgreSQL ended a transaction for the sake of another: serialization_failure, deadlock_detected.
PASSING = ("40001", "40P01")
#: The newest revision in ``migrations/versions``.
HEAD = "0005"
#: What stands in place of the revision while ``moving.py`` fills a database.
UNFINISHED = "moving"
#: Any constant: it keys PostgreSQL's advisory lock round migrations.
MIGRATION_LOCK = 0x0A5EDA4


class Database:
    """One database, one writer thread and one reader thread.

    SQLite takes one writer at a time anyway; on the second thread, reads of people's commands and pages never wait
    for it (WAL).
    """

    def __init__(self, url: str, *, busy_ms: int = BUSY_MS) -> None:
        self.url = _parse(url)
        self.path = None if self.url.get_backend_name() != "sqlite" else Path(self.url.database or "")
        self.is_shared = self.path is None  #: whether several processes may be at work on it
        self._was_there = False  # a server that never answered is not being restarted
        self._writer_engine = _create_engine(self.url, busy_ms, read_only=False)
        self._reader_engine = _create_engine(self.url, busy_ms, read_only=True)
        self._writer = ThreadPoolExecutor(1, "database-writer")
        self._reader = ThreadPoolExecutor(1, "database-reader")

    async def write(self, function: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run *function* in one transaction; it is committed when this returns.

        A cancelled caller still waits for the transaction: nobody is left guessing whether it happened.

        Raises: StorageError, with everything undone.
        """
        return await _wait(self._writer, lambda: self.write_now(function, *args, **kwargs))

    async def read(self, function: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run *function* on one consistent snapshot; it cannot write.

        Raises: StorageError.
        """
        return await _wait(self._reader, lambda: self.read_now(function, *args, **kwargs))

    def write_now(self, function: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """``write`` for callers without an event loop: commands that run and end."""
        return self._transact(self._writer_engine, lambda connection: function(connection, *args, **kwargs))

    def read_now(self, function: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """``read`` for callers without an event loop."""
        return self._transact(self._reader_engine, lambda connection: function(connection, *args, **kwargs))

    def _transact(self, engine: Engine, function: Callable[[Connection], R]) -> R:
        """One transaction; where a server is restarted, or two processes wait for each other, anew from its beginning.

        What is lost before the commit has surely changed nothing. What a lost commit did nobody knows: that is an
        error, and leases and compare-and-swap have the rest.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            with self._explain():
                try:
                    connection = engine.connect()
                except OperationalError:
                    if not self._was_there or time.monotonic() > deadline:
                        raise
                else:
                    self._was_there = self.is_shared
                    with connection:  # closed without a commit, all is undone
                        transaction = connection.begin()
                        try:
                            result = function(connection)
                        except DBAPIError as error:
                            if not _is_passing(error) or time.monotonic() > deadline:
                                raise
                        else:
                            transaction.commit()
                            return result
            time.sleep(RECONNECT)

    def migrate(self) -> tuple[str | None, str]:
        """Bring the schema to this version; return the revisions before and after.

        Safe beside other processes: on SQLite the whole migration is one transaction, on PostgreSQL it holds a lock.
        """
        self._make_folder()
        with self._explain(), self._writer_engine.begin() as connection:
            one_at_a_time(connection, MIGRATION_LOCK)
            before, after = _revision(connection), HEAD
            self._require_finished(before)
            if before != after:
                from bot.storage import migration  # not at the top: see there

                if before is not None and not migration.is_known(before):
                    raise StorageError(
                        f"{self.name}: written by a newer Qasedak (schema {before}); install that version or name "
                        f"another database in DATABASE_URL"
                    )
                migration.upgrade(connection)
            return before, after

    def require_current(self) -> None:
        """Refuse a database that was never made or needs ``qasedak db upgrade``."""
        if self.path is not None and not self.path.exists():
            raise StorageError(f"{self.name}: no such database yet; run `qasedak run` or `qasedak once` first")
        revision = self.revision()
        self._require_finished(revision)
        if revision != HEAD:
            raise StorageError(f"{self.name}: its schema is {revision or 'empty'}; run `qasedak db upgrade`")

    def _require_finished(self, revision: str | None) -> None:
        if revision == UNFINISHED:
            raise StorageError(f"{self.name}: a move into it is not finished; run the same `qasedak db move` again")

    def revision(self) -> str | None:
        """The schema that it has; None for one that is empty, or not there."""
        if self.path is not None and not self.path.exists():
            return None
        with self._explain(), self._reader_engine.begin() as connection:
            return _revision(connection)

    @property
    def conninfo(self) -> str:
        """The address of a PostgreSQL as its own tools write it, password and all."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    @property
    def name(self) -> str:
        """How the database is called in messages: no password."""
        return str(self.path) if self.path is not None else self.url.render_as_string(hide_password=True)

    @contextmanager
    def claim_for_run(self) -> Iterator[None]:
        """Hold the file beside a SQLite database that says who runs on it.

        Raises: ConfigError naming the first process, when a second ``run`` comes.
        """
        if self.path is None:
            yield
            return
        self._make_folder()
        try:
            handle = open(self.path.with_name(self.path.name + ".run"), "a+", encoding="ascii")  # noqa: SIM115
        except OSError as error:
            raise StorageError(
                f"{self.name}: not writable ({error.strerror}); give this user the right to it"
            ) from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.seek(0)
                first = handle.read().strip() or "unknown"
                raise ConfigError(
                    f"{self.name}: already in use by process {first}; stop that one, or name another DATABASE_URL"
                ) from None
            handle.truncate(0)
            handle.write(str(os.getpid()))
            handle.flush()
            yield

    def _make_folder(self) -> None:
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"{self.path.parent}: cannot be made ({error.strerror}); make it, or name another DATABASE_URL"
            ) from error

    async def close(self) -> None:
        """Let running transactions end, then disconnect."""
        loop = asyncio.get_running_loop()
        for executor in (self._writer, self._reader):
            await loop.run_in_executor(None, executor.shutdown)
        self.dispose()

    def dispose(self) -> None:
        """Disconnect; for callers without an event loop."""
        self._writer_engine.dispose()
        self._reader_engine.dispose()

    @contextmanager
    def _explain(self) -> Iterator[None]:
        """Turn SQLAlchemy's errors into ours, with what to do."""
        try:
            yield
        except DBAPIError as error:
            raise StorageError(f"{self.name}: {_advice(str(error.orig))}") from error
        except SQLAlchemyError as error:
            raise StorageError(f"{self.name}: {error}; this is a bug, please report it") from error


async def _wait(executor: ThreadPoolExecutor, function: Callable[[], R]) -> R:
    future = asyncio.get_running_loop().run_in_executor(executor, function)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        if not future.cancelled():
            future.exception()  # looked at: the cancellation is what the caller hears of
        raise


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the second for a port that is no number
        raise ConfigError("DATABASE_URL: not an address; write sqlite:///PATH or postgresql://...") from None
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise ConfigError("DATABASE_URL: only sqlite:///PATH and postgresql://... are known; correct it")
    return parsed


def _create_engine(url: URL, busy_ms: int, *, read_only: bool) -> Engine:
    if url.get_backend_name() == "postgresql":
        try:
            return create_engine(url, pool_pre_ping=True, pool_size=1, max_overflow=3)
        except ModuleNotFoundError:
            raise ConfigError("DATABASE_URL: PostgreSQL needs an extra; run `pip install 'qasedak[scale]'`") from None
    # One thread uses each engine for as long as the process lives, but commands come from any thread.
    engine = create_engine(url, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        # The driver must not begin transactions by itself: it would begin them as readers, and fail at the first write.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={busy_ms}")
        connection.execute("PRAGMA foreign_keys=ON")
        if read_only:
            connection.execute("PRAGMA query_only=ON")
        else:
            _write_ahead(connection)
            # NORMAL may lose the last commits with the power, and a lost commit here is a message sent twice.
            connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL. Two processes that do so at once get "locked" at once: busy_timeout does not cover it."""
    for attempt in range(WAL_TRIES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if attempt == WAL_TRIES - 1:
                raise
            time.sleep(0.05)
        else:
            return


def _is_passing(error: DBAPIError) -> bool:
    """Whether the transaction was ended for reasons that are not its own."""
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in PASSING


def _advice(problem: str) -> str:
    """What the operator can do about a database that refuses."""
    lowered = problem.lower()
    for sign, advice in (
        ("database is locked", "another program holds a lock on it for too long; close that program"),
        ("readonly database", "not writable; give this user the right to write it and its folder"),
        ("unable to open database file", "cannot be opened; check that its folder exists and is writable"),
        ("disk is full", "the disk is full; make room and start again"),
        ("file is not a database", "not a SQLite database; name another file in DATABASE_URL"),
        ("no such table", "not set up; run `qasedak db upgrade`"),
        ("connection refused", "PostgreSQL does not answer; start it, or correct DATABASE_URL"),
    ):
        if sign in lowered:
            return advice
    return f"{problem.splitlines()[0] if problem else 'unknown error'}; see the log of the database"


def _revision(connection: Connection) -> str | None:
    """The schema that a database has; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found
