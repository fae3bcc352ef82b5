"""``check`` and ``schema``: what is wrong with feeds.yaml, and what may stand in it."""

import asyncio
import json
from typing import Annotated

import typer

from bot import looking
from bot.cli.terminal import CONFIGURE, AsJson, cli, configured, print_json, say
from bot.config import feeds_yaml
from bot.errors import ConfigError


@cli.command(rich_help_panel=CONFIGURE)
def check(
    online: Annotated[
        bool, typer.Option("--online", help="Also read each feed and ask Telegram for each chat.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say everything that is wrong with feeds.yaml, and where."""
    problems: list[str] = []
    warnings: list[str] = []
    code = 2
    try:
        settings, config = configured()
        problems, warnings = list(config.refused), looking.warnings(settings, config)
        if online and not problems:
            problems, code = asyncio.run(looking.check_online(settings, config)), 1
    except ConfigError as error:
        problems = error.problems
    if as_json:
        print_json({"ok": not problems, "problems": problems, "warnings": warnings})
        raise typer.Exit(code if problems else 0)
    if not problems:
        for warning in warnings:
            say(f"warning: {warning}")
        typer.echo(
            f"{config.path}: fine. {len(config.channels)} channels, {len(config.feeds)} feeds and archives, "
            f"{len(config.subscriptions)} routes"
        )
    else:
        for problem in problems:
            say(problem)
    raise typer.Exit(code if problems else 0)


@cli.command(rich_help_panel=CONFIGURE)
def schema() -> None:
    """Print the JSON Schema of feeds.yaml."""
    typer.echo(json.dumps(feeds_yaml.json_schema(), indent=2, ensure_ascii=False))
