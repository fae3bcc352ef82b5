"""``date`` and ``summary``: what the bot makes of a date or a text; no source is read and no database opened."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.terminal import LOOK, AsJson, cli, fail, print_json
from bot.errors import ConfigError
from bot.text import dates, summary
from bot.text.sentences import unwrapped

Text = Annotated[list[str], typer.Argument(metavar="TEXT", help="1397/07/08, 2018-09-30, 8 Mehr 1397, ۸ مهر ۹۷.")]


@cli.command(rich_help_panel=LOOK)
def date(
    text: Text,
    as_json: AsJson = False,
) -> None:
    """Convert a date, in any of three calendars, to all of them."""
    written = " ".join(text)
    parsed = dates.parse_any_date(written)
    if parsed is None or parsed.day is None:
        what = "is no day of its calendar" if parsed else "is not a date I know"
        fail([f"{written!r} {what}; write it as 1397/07/08, 2018-09-30 or 8 Mehr 1397"], 1)
    described = dates.describe(parsed.day)
    if as_json:
        print_json(described)
    else:
        for name, value in described.items():
            typer.echo(f"{name:<10} {value or '-'}")


@cli.command("summary", rich_help_panel=LOOK)
def summarise(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A text in UTF-8.")],
    sentences: Annotated[int, typer.Option(min=1, max=20, help="At most so many.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Summarise a text file: one paragraph a line, or wrapped with empty lines between."""
    try:
        paragraphs = unwrapped(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"{file}: cannot be read ({reason}); name a text file in UTF-8") from error
    chosen = summary.summarise(paragraphs, title=None, sentences=sentences)
    if as_json:
        print_json({"sentences": chosen})
    else:
        for sentence in chosen:
            typer.echo(sentence)
