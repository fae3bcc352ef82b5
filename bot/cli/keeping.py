"""``db``, ``backup`` and ``archive``: what keeps the database, and what takes something out of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.bars import shown_progress
from bot.cli.terminal import KEEP, cli, configured_if_there, opened_database, say, set_up_logging, workers
from bot.config.reading import read_settings
from bot.errors import ConfigError
from bot.sources import markdown
from bot.storage import backing_up, moving, reports
from bot.storage.database import Database

db = typer.Typer(help="Bring the database up to date, or move it.", no_args_is_help=True)
cli.add_typer(db, name="db", rich_help_panel=KEEP)
archive = typer.Typer(help="Take everything that was read along.", no_args_is_help=True)
cli.add_typer(archive, name="archive", rich_help_panel=KEEP)

_BATCH = 500  #: posts in memory at once


@db.command()
def upgrade() -> None:
    """Bring the database's schema to this version."""
    settings = read_settings()
    set_up_logging(settings)
    database = Database(settings.database_url)
    try:
        before, after = database.migrate()
        if database.is_shared:
            workers().install(database)
    finally:
        database.dispose()
    typer.echo(f"{database.name}: schema {after}" + ("" if before == after else f", was {before or 'empty'}"))


@db.command("move")
def move_to(
    to: Annotated[str, typer.Option("--to", metavar="URL", help="sqlite:///PATH or postgresql://..., an empty one.")],
) -> None:
    """Carry everything to another database, and compare; one that was broken off goes on where it was."""
    settings = read_settings()
    set_up_logging(settings)
    with closing_database(settings.database_url) as source, closing_database(to, "--to") as target:
        with shown_progress() as tell:
            moved = moving.move(source, target, tell)
        typer.echo(
            f"{source.name} -> {target.name}: {sum(moved.rows.values())} rows in {len(moved.rows)} tables, compared, "
            f"{moved.indexed} posts indexed" + ("; it went on from an earlier try" if moved.is_resumed else "")
        )
        say("Set DATABASE_URL to the new database before the next start; the old one is as it was.")


@cli.command(rich_help_panel=KEEP)
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file; it becomes a SQLite database.")],
) -> None:
    """Write a consistent copy of the database while the bot runs; to restore it, put it in the database's place."""
    settings = read_settings()
    set_up_logging(settings)
    with closing_database(settings.database_url) as source, shown_progress() as tell:
        size = backing_up.back_up(source, file, tell)
    typer.echo(f"{file}: {size} bytes")


@contextmanager
def closing_database(url: str, called: str = "DATABASE_URL") -> Iterator[Database]:
    """A database by its address.

    Raises: ConfigError, which names the address as *called*.
    """
    try:
        database = Database(url)
    except ConfigError as error:
        raise ConfigError([problem.replace("DATABASE_URL", called) for problem in error.problems]) from None
    try:
        yield database
    finally:
        database.dispose()


@archive.command()
def export(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to write to; made if need be.")],
) -> None:
    """Write every stored post as a Markdown file; what goes in can come out."""
    _, config = configured_if_there()
    written = 0
    with opened_database() as (database, _), shown_progress() as tell:
        last_id, total = 0, database.read_now(reports.count_posts)
        while found := database.read_now(reports.all_posts, last_id, _BATCH):
            for feed, post in found:
                name, text = markdown.write(post, feed, config.zone)
                _write_file(to / markdown.folder_name(feed) / name, text)
            written += len(found)
            last_id = found[-1][1].id
            tell("posts", written, total)
    typer.echo(f"{to}: {written} posts")


def _write_file(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}); name another folder") from error
