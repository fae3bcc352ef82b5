"""``simulate``: the timetable of the coming days, with nothing sent or changed."""

import asyncio
import dataclasses
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli.terminal import CONFIGURE, WIDTH_OF_PIPE, AsJson, cli, configured, now, opened_database, print_json, say
from bot.rehearsal import rehearse


@cli.command(rich_help_panel=CONFIGURE)
def simulate(
    days: Annotated[int, typer.Option(min=1, max=60, help="How far to look.")] = 7, as_json: AsJson = False
) -> None:
    """Show when each post, digest and replay would go out, and what would be held, filtered or merged, and why."""
    _, config = configured()
    with opened_database() as (database, bot_id):
        found = asyncio.run(rehearse(database, bot_id, config, now(), days))
    if as_json:
        for event in found:
            print_json(dataclasses.asdict(event))
        return
    table = Table("when", "what", "channel", "feed", "title", "why")
    for event in found:
        at = f"{event.at.astimezone(config.zone):%Y-%m-%d %H:%M:%S}" if event.at else "-"
        table.add_row(at, event.what, event.channel, event.feed or "-", Text(event.title), Text(event.why))
    Console(width=None if sys.stdout.isatty() else WIDTH_OF_PIPE).print(table)
    if not found:
        say(f"nothing is stored that would go out in {days} days; feeds are not read for this")
