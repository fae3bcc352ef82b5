"""``opml``: feeds come in from other programs, and go out to them."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.terminal import CONFIGURE, channel_names, cli, configured, configured_if_there, now, say
from bot.config import feeds_import, opml, yaml_mistakes
from bot.config.feeds_edit import feeds_yaml
from bot.config.reading import Config, Settings, read_config
from bot.errors import ConfigError

lists = typer.Typer(help="Lists of feeds, from and for other programs.", no_args_is_help=True)
cli.add_typer(lists, name="opml", rich_help_panel=CONFIGURE)


@lists.command("import")
def import_feeds(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What a feed reader or a bot exported; - reads a pipe.")],
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to", metavar="CHANNEL", help="Where they go; needed with several.", autocompletion=channel_names
        ),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Add them to feeds.yaml, which keeps its comments.")] = False,
) -> None:
    """Print the feeds of a list as yaml for feeds.yaml, or add them; those that it has are left out."""
    settings, config = configured() if write else configured_if_there()
    channels = _destinations(config, to or [])
    found = opml.read(_bytes_of(file))
    added, known = feeds_import.new_feeds(found.outlines, config, channels)
    for line in [*found.skipped, *known]:
        say(line)
    if not found.outlines:
        raise ConfigError(f"{file}: lists no feeds; export it again")
    if write and added:
        feeds_import.write(config, added, lambda path: _read(path, settings))
        typer.echo(f"{config.path}: {len(added)} feeds added")
    elif added:
        typer.echo("feeds:\n" + feeds_yaml(added), nl=False)
    else:
        say(f"{config.path}: has all {len(found.outlines)} of them")


def _destinations(config: Config, to: list[str]) -> list[str]:
    for name in to:
        if config.channels and name not in config.channels:
            raise ConfigError(f"--to: no channel is called '{name}'" + yaml_mistakes.suggest(name, config.channels))
    if not to and len(config.channels) > 1:
        raise ConfigError(f"--to: there are several channels; name one of {', '.join(config.channels)}")
    return to


def _bytes_of(file: Path) -> bytes:
    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(opml.MAX_BYTES + 1)
        with file.open("rb") as opened:
            return opened.read(opml.MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}); name an OPML file") from error


def _read(path: Path, settings: Settings) -> Config:
    return read_config(path, environment=settings.variables(), with_token=settings.token is not None)


@lists.command("export")
def export_feeds() -> None:
    """Print the feeds of feeds.yaml as OPML, without the passwords of their addresses."""
    _settings, config = configured()
    found = opml.outlines_of(config.feeds, config.private)
    for line in found.skipped:
        say(line)
    typer.echo(opml.write(found.outlines, "Qasedak", now()), nl=False)
