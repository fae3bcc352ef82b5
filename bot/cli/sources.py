"""``read`` and ``preview``: look at a source; no database is opened."""

import asyncio
import dataclasses
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bot import looking
from bot.cli.bars import shown_progress
from bot.cli.entries import entry_json
from bot.cli.terminal import LOOK, AsJson, channel_names, cli, configured_if_there, print_json, say
from bot.errors import ConfigError
from bot.model import Entry, LinkPreview, Message
from bot.sources.discovery import Candidate

Source = Annotated[str, typer.Argument(help="A URL, a feed file, or an archive path.", metavar="SOURCE")]
Format = Annotated[looking.Format, typer.Option("--format", help="What kind of file it is.")]


@cli.command(rich_help_panel=LOOK)
def read(source: Source, format: Format = looking.Format.AUTO, as_json: AsJson = False) -> None:  # noqa: A002 (the flag's name)
    """Show the entries of a source; nothing is stored or sent."""
    settings, config = configured_if_there()
    with shown_progress() as tell:
        look = asyncio.run(looking.read_source(source, format, settings, config, _choose_feed, tell))
    for found in look.entries:
        if as_json:
            print_json(entry_json(found))
        else:
            entry = found.entry
            typer.echo(f"{_when(entry, config.zone)}  {entry.title or '(no title)'}  {entry.link or ''}".rstrip())


def _choose_feed(page: str, found: Sequence[Candidate]) -> Candidate:
    """One feed is read; of several a person at a terminal chooses, and a script must name one."""
    if len(found) == 1:
        say(f"{page}: is a page; its feed is {found[0].url}")
        return found[0]
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        command = sys.argv[1] if len(sys.argv) > 1 else "read"
        lines = [f"  qasedak {command} {shlex.quote(candidate.url)}{_comment(candidate)}" for candidate in found]
        raise ConfigError([f"{page}: is a page with {len(found)} feeds; name one of them:", *lines])
    for number, candidate in enumerate(found, 1):
        say(f"{number:>3}  {candidate.url}{_comment(candidate)}")
    while True:
        number = int(typer.prompt(f"Which feed, 1 to {len(found)}", type=int, default=1, err=True))
        if 0 < number <= len(found):
            return found[number - 1]


def _comment(candidate: Candidate) -> str:
    return f"  # {candidate.title}" if candidate.title else ""


def _when(entry: Entry, zone: ZoneInfo) -> str:
    if entry.published is None:
        return "no date"
    # A civil day is 00:00 of the bot's zone: in UTC it would be another day.
    return f"{entry.published.astimezone(zone):%Y-%m-%d}" if entry.date_only else f"{entry.published:%Y-%m-%d %H:%M}Z"


@cli.command(rich_help_panel=LOOK)
def preview(
    source: Source,
    channel: Annotated[str | None, typer.Option(help="A channel of feeds.yaml.", autocompletion=channel_names)] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many entries.")] = 20,
    format: Format = looking.Format.AUTO,  # noqa: A002
    as_json: AsJson = False,
    html: Annotated[Path | None, typer.Option(help="Write them as a page to this file.")] = None,
) -> None:
    """Show the messages that the entries of a source would become."""
    settings, config = configured_if_there()
    shown = asyncio.run(looking.preview_source(source, format, settings, config, channel, limit, _choose_feed))
    for ident, messages in shown.messages if as_json or html is None else ():
        if as_json:
            print_json({"entry": ident, "messages": [_message_json(message) for message in messages]})
        elif html is None:
            typer.echo("\n\n".join(message.text for message in messages) + "\n\n" + "-" * 40)
    if html is not None:
        try:
            html.write_text(shown.page(), encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{html}: cannot be written ({error.strerror}); name another file") from error
        say(f"{html}: {len(shown.posts)} entries")


def _message_json(message: Message) -> dict[str, Any]:
    """As the Bot API has it, so that it can be sent as it is."""
    return {
        "kind": message.kind,
        "text": message.text,
        "entities": [
            {name: value for name, value in dataclasses.asdict(entity).items() if value is not None}
            for entity in message.entities
        ],
        "media": [attachment.url for attachment in message.media],
        "buttons": [[dataclasses.asdict(button) for button in row] for row in message.buttons],
        "link_preview": dataclasses.asdict(message.link_preview) if message.link_preview != LinkPreview() else None,
    }
