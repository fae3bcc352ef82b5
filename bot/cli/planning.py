"""``plan``: what feeds.yaml would change, before it does."""

import dataclasses
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli.terminal import CONFIGURE, WIDTH_OF_PIPE, AsJson, bot_id_of, cli, configured, now, print_json, say
from bot.config.differences import differences
from bot.config.reading import Settings
from bot.storage.database import Database
from bot.storage.layout import before_and_after

_SIGNS = {"added": "+", "removed": "-", "renamed": "~", "moved": "~", "rerouted": "~"}


@cli.command(rich_help_panel=CONFIGURE)
def plan(as_json: AsJson = False) -> None:
    """Say what feeds.yaml would change in the database: feeds and channels added, removed, renamed, moved, rerouted."""
    settings, config = configured()
    with _database_or_none(settings) as database:
        layouts = database.write_now(before_and_after, bot_id_of(settings), config.feeds, config.subscriptions, now())
    found = differences(*layouts)
    if as_json:
        for one in found:
            print_json(dataclasses.asdict(one))
        return
    if not found:
        say(f"{config.path}: changes nothing")
        return
    table = Table("", "what", "name", "change", "from", "to", "note")
    for one in found:
        cells = (
            _SIGNS[one.change],
            one.what,
            one.name,
            one.change,
            _cell(one.before),
            _cell(one.after),
            one.note or "",
        )
        table.add_row(*map(Text, cells))
    Console(width=None if sys.stdout.isatty() else WIDTH_OF_PIPE).print(table)


def _cell(value: str | tuple[str, ...] | None) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "no channel"
    return value or "-"


@contextmanager
def _database_or_none(settings: Settings) -> Iterator[Database]:
    """The database of the environment; where there is none yet, an empty one that is gone afterwards."""
    database = Database(settings.database_url)
    with tempfile.TemporaryDirectory(prefix="qasedak-") as folder:
        if database.path is not None and not database.path.exists():
            database.dispose()
            database = Database(f"sqlite:///{Path(folder) / 'empty.db'}")
            database.migrate()
        try:
            database.require_current()
            yield database
        finally:
            database.dispose()
