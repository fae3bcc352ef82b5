"""What every command of ``qasedak`` stands on: how it reads its settings, speaks, and ends.

Results go to standard output, with ``--json`` one object a line and nothing else; words for people go to standard
error. Exit codes: 0 done, 1 some of the work failed, 2 the configuration or the call is wrong. Knows no command.
"""

import importlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, NoReturn

import structlog
import typer

from bot.clock import SystemClock
from bot.config.reading import Config, Settings, read_config, read_settings
from bot.errors import BotError, ConfigError
from bot.storage.database import Database

cli = typer.Typer(
    name="qasedak",
    help="From feeds and a local archive to Telegram channels, with dates in two calendars.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)

#: What commands are for, as ``--help`` groups them.
RUN, CONFIGURE, ASK = "Run it", "Before it runs: feeds.yaml", "What happened, and why"
LOOK, KEEP = "Look at something outside; nothing is stored", "The database and the archive"

WIDTH_OF_PIPE = 250  #: where nobody sees where a line would break, none does

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def now() -> datetime:
    """The machine's time; a command asks once."""
    return SystemClock().now()


def workers() -> ModuleType:
    """What works on PostgreSQL: of an extra, and imported by nobody who does without.

    Raises: ConfigError.
    """
    try:
        return importlib.import_module("bot.workers")
    except ModuleNotFoundError:
        raise ConfigError("workers need an extra; run `pip install 'qasedak[scale]'`") from None


def fail(problems: Iterable[str], code: int) -> NoReturn:
    """Say what is wrong, and end."""
    for problem in problems:
        typer.echo(problem, err=True)
    sys.exit(code)


def say(line: str) -> None:
    """One line for people."""
    typer.echo(line, err=True)


def configured(log_level: str = "ERROR") -> tuple[Settings, Config]:
    """The environment and feeds.yaml, checked.

    Raises: ConfigError.
    """
    settings = read_settings()
    set_up_logging(settings, log_level)
    config = read_config(Path(settings.config), environment=settings.variables(), with_token=settings.token is not None)
    return settings, config


def set_up_logging(settings: Settings, default_level: str = "ERROR") -> None:
    """One line an outcome, on standard error: standard output belongs to results.

    Only ``run`` tells as it goes; the other commands say at the end what happened.
    """
    as_json = settings.log_format == "json" or (settings.log_format is None and not sys.stderr.isatty())
    last = structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[(settings.log_level or default_level).upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # Libraries log for their authors. httpx and python-telegram-bot would print the token, which is in every URL.
    logging.basicConfig(level=logging.CRITICAL)


def configured_if_there() -> tuple[Settings, Config]:
    """A feeds.yaml that is there gives zone and language; none is needed."""
    settings = read_settings()
    set_up_logging(settings)
    path = Path(settings.config)
    if path.exists() or os.environ.get("QASEDAK_CONFIG"):
        return settings, read_config(path, environment=settings.variables(), with_token=False)
    return settings, Config(path)


def channel_names() -> list[str]:
    """For completion: the channels of feeds.yaml; none where there is none to read."""
    return _names(lambda config: config.channels)


def feed_names() -> list[str]:
    """For completion: the feeds and archives of feeds.yaml."""
    return _names(lambda config: [feed.name for feed in config.feeds])


def _names(of: Callable[[Config], Iterable[str]]) -> list[str]:
    try:
        return list(of(configured_if_there()[1]))
    except BotError:  # whoever types is told when the command runs
        return []


@contextmanager
def opened_database() -> Iterator[tuple[Database, int]]:
    """The database of the environment, with the id of the bot whose deliveries are meant; any command may run beside
    ``run``.
    """
    settings = read_settings()
    set_up_logging(settings)
    database = Database(settings.database_url)
    try:
        database.require_current()
        yield database, bot_id_of(settings)
    finally:
        database.dispose()


def bot_id_of(settings: Settings) -> int:
    """The bot whose deliveries are meant: the number before its token's colon, 0 for the preview."""
    return int((settings.token or "0").partition(":")[0])


def print_json(value: Any) -> None:
    """One object on a line of standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=_as_json))


def _as_json(value: object) -> str:
    """Instants as RFC 3339 in UTC."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} has no JSON form")
