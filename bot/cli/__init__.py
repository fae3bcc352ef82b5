"""The commands of ``qasedak``: the only place that prints and that ends the process.

``terminal.py`` is what they stand on; each other room holds commands of a kind. A call opens the room of its command
alone: all of them take nearly two seconds to import, and most need neither Telegram nor the web.
"""

import importlib
import sys
from collections.abc import Iterator
from typing import Annotated, NoReturn

import typer

from bot import __version__
from bot.cli.terminal import cli, fail
from bot.errors import BotError, ConfigError, StorageError, TokenRejected

__all__ = ["ROOMS", "cli", "main", "open_rooms"]

#: The commands of each room; both stand in the order of ``--help``.
ROOMS = {
    "running": ("run", "worker", "once"),
    "checking": ("check", "schema"),
    "planning": ("plan",),
    "rehearsing": ("simulate",),
    "lists": ("opml",),
    "stored": ("posts", "search", "why", "deliveries", "retry", "status"),
    "sources": ("read", "preview"),
    "texts": ("date", "summary"),
    "keeping": ("db", "backup", "archive"),
    "diagnosing": ("doctor",),
}


def main() -> NoReturn:
    """Run the command line; every error of ours becomes a line and an exit code."""
    open_rooms(sys.argv[1] if len(sys.argv) > 1 else "")
    try:
        cli()
    except ConfigError as error:
        fail(error.problems, 2)
    except (TokenRejected, StorageError) as error:
        fail([str(error)], 2)
    except BotError as error:
        fail([str(error)], 1)
    sys.exit(0)


def open_rooms(called: str = "") -> None:
    """Import the room of a command; all, where the word is none of them: help and completion name every command."""
    for room in [room for room, commands in ROOMS.items() if called in commands] or ROOMS:
        importlib.import_module(f"bot.cli.{room}")


def _version(wanted: bool) -> Iterator[None] | None:
    if wanted:
        typer.echo(f"qasedak {__version__}")
        raise typer.Exit
    return None


@cli.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
