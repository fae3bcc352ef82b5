"""The commands of ``qasedak``: the only place that prints and that ends the process.

``terminal.py`` is what they stand on; each other room holds commands of a kind. Their order here is that of
``--help``.
"""

import sys
from collections.abc import Iterator
from typing import Annotated, NoReturn

import typer

from bot import __version__

# isort: off
from bot.cli import running, checking, planning, rehearsing, lists, stored, sources, keeping

# isort: on
from bot.cli.terminal import cli, fail
from bot.errors import BotError, ConfigError, StorageError, TokenRejected

__all__ = ["checking", "cli", "keeping", "lists", "main", "planning", "rehearsing", "running", "sources", "stored"]


def main() -> NoReturn:
    """Run the command line; every error of ours becomes a line and an exit code."""
    try:
        cli()
    except ConfigError as error:
        fail(error.problems, 2)
    except (TokenRejected, StorageError) as error:
        fail([str(error)], 2)
    except BotError as error:
        fail([str(error)], 1)
    sys.exit(0)


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
