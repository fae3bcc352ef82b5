"""The commands of ``qasedak``: the only place that prints and that ends the process.

Results go to standard output, with ``--json`` one object a line and nothing else; words for people go to standard
error. Exit codes: 0 done, 1 some of the work failed, 2 the configuration or the call is wrong.
"""

import asyncio
import dataclasses
import json
import logging
import os
import shlex
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from datetime import date as day
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo

import structlog
import typer
from rich.console import Console

from bot import __version__, feeds_yaml, looking, standing
from bot.app import App
from bot.config import Config, Settings, read_config, read_settings
from bot.errors import BotError, ConfigError, StorageError, TokenRejected
from bot.looking import Found
from bot.model import DeliveryState, Entry, LinkPreview, Message, SummaryOptions
from bot.sources import markdown
from bot.sources.discovery import Candidate
from bot.storage import lanes, reports, search, status
from bot.storage.database import Database
from bot.text import dates, markup, summary
from bot.text.date_ranges import DateRange, parse_range
from bot.text.query import parse_query

cli = typer.Typer(
    name="qasedak",
    help="From feeds and a local archive to Telegram channels, with dates in two calendars.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
db = typer.Typer(help="The database.", no_args_is_help=True)
cli.add_typer(db, name="db")
archive = typer.Typer(help="The archive of everything that was read.", no_args_is_help=True)
cli.add_typer(archive, name="archive")

T = TypeVar("T")

_BATCH = 500  #: posts in memory at once
WIDTH_OF_PIPE = 250  #: where nobody sees where a line would break, none does
_SHOWN = 20  #: hits of a search, for people

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def main() -> NoReturn:
    """Run the command line; every error of ours becomes a line and an exit code."""
    try:
        cli()
    except ConfigError as error:
        _fail(error.problems, 2)
    except (TokenRejected, StorageError) as error:
        _fail([str(error)], 2)
    except BotError as error:
        _fail([str(error)], 1)
    sys.exit(0)


def _fail(problems: Iterable[str], code: int) -> NoReturn:
    for problem in problems:
        typer.echo(problem, err=True)
    sys.exit(code)


def _say(line: str) -> None:
    typer.echo(line, err=True)


# --- the bot -------------------------------------------------------------------------------------------------


@cli.command()
def run() -> None:
    """Do everything, until SIGTERM or SIGINT; a second signal quits at once, SIGHUP reads feeds.yaml again."""

    async def until_stopped(app: App) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, app.reload_soon)
        await app.run()

    _with_app(until_stopped, log_level="INFO")


@cli.command()
def once(
    now: Annotated[bool, typer.Option("--now", help="Every feed, whatever its interval.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make one pass: read what is due, deliver what is due, exit."""
    done = _with_app(lambda app: app.once(forced=now))
    for line in [*done.polled.notices, *done.problems]:
        _say(line)
    counts = {
        "feeds": {"read": done.polled.read, "unchanged": done.polled.unchanged, "failed": done.polled.failed},
        "posts": {"new": done.polled.new, "edited": done.polled.edited},
        "deliveries": {"sent": done.sent, "later": done.later, "dead": done.dead},
    }
    if as_json:
        _print_json(counts)
    else:
        for what, of_it in counts.items():
            typer.echo(f"{what:<11}" + ", ".join(f"{count} {name}" for name, count in of_it.items()))
    raise typer.Exit(0 if done.is_clean else 1)


def _with_app(act: Callable[[App], Coroutine[Any, Any, T]], log_level: str = "ERROR") -> T:
    settings, config = _configured(log_level)

    async def live() -> T:
        app = App(settings, config, _say)
        _stop_on_signals(app)
        try:
            return await act(app)
        finally:
            await app.close()

    return asyncio.run(live())


def _stop_on_signals(app: App) -> None:
    loop = asyncio.get_running_loop()

    def first() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            # Rows of the database say what was under way: leaving at once loses nothing.
            loop.add_signal_handler(number, lambda: os._exit(1))
        app.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, first)


def _configured(log_level: str = "ERROR") -> tuple[Settings, Config]:
    settings = read_settings()
    _set_up_logging(settings, log_level)
    config = read_config(Path(settings.config), environment=settings.variables(), with_token=settings.token is not None)
    return settings, config


def _set_up_logging(settings: Settings, default_level: str = "ERROR") -> None:
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


# --- configuration -------------------------------------------------------------------------------------------


@cli.command()
def check(
    online: Annotated[
        bool, typer.Option("--online", help="Also read each feed and ask Telegram for each chat.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say everything that is wrong with feeds.yaml, and where."""
    problems, code = [], 2
    try:
        settings, config = _configured()
        problems = list(config.refused)
        if online and not problems:
            problems, code = asyncio.run(looking.check_online(settings, config)), 1
    except ConfigError as error:
        problems = error.problems
    if as_json:
        _print_json({"ok": not problems, "problems": problems})
    elif not problems:
        typer.echo(
            f"{config.path}: fine. {len(config.channels)} channels, {len(config.feeds)} feeds and archives, "
            f"{len(config.subscriptions)} routes"
        )
    else:
        for problem in problems:
            _say(problem)
    raise typer.Exit(code if problems else 0)


@cli.command()
def schema() -> None:
    """Print the JSON Schema of feeds.yaml."""
    typer.echo(json.dumps(feeds_yaml.json_schema(), indent=2, ensure_ascii=False))


# --- looking at sources --------------------------------------------------------------------------------------

Source = Annotated[str, typer.Argument(help="A URL, a feed file, or an archive path.", metavar="SOURCE")]
Format = Annotated[looking.Format, typer.Option("--format", help="What kind of file it is.")]


@cli.command()
def read(source: Source, format: Format = looking.Format.AUTO, as_json: AsJson = False) -> None:  # noqa: A002 (the flag's name)
    """Show the entries of a source; nothing is stored or sent."""
    settings, config = _configured_if_there()
    for found in asyncio.run(looking.read_source(source, format, settings, config, _choose_feed)).entries:
        if as_json:
            _print_json(_entry_json(found))
        else:
            entry = found.entry
            typer.echo(f"{_when(entry, config.zone)}  {entry.title or '(no title)'}  {entry.link or ''}".rstrip())


def _configured_if_there() -> tuple[Settings, Config]:
    """A feeds.yaml that is there gives zone and language; none is needed."""
    settings = read_settings()
    _set_up_logging(settings)
    path = Path(settings.config)
    if path.exists() or os.environ.get("QASEDAK_CONFIG"):
        return settings, read_config(path, environment=settings.variables(), with_token=False)
    return settings, Config(path)


def _choose_feed(page: str, found: Sequence[Candidate]) -> Candidate:
    """One feed is read; of several a person at a terminal chooses, and a script must name one."""
    if len(found) == 1:
        _say(f"{page}: is a page; its feed is {found[0].url}")
        return found[0]
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        command = sys.argv[1] if len(sys.argv) > 1 else "read"
        lines = [f"  qasedak {command} {shlex.quote(candidate.url)}{_comment(candidate)}" for candidate in found]
        raise ConfigError([f"{page}: is a page with {len(found)} feeds; name one of them:", *lines])
    for number, candidate in enumerate(found, 1):
        _say(f"{number:>3}  {candidate.url}{_comment(candidate)}")
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


def _entry_json(found: Found) -> dict[str, Any]:
    entry = found.entry
    return {
        "id": found.keys.ident,
        "title": entry.title,
        "link": entry.link,
        "published": entry.published,
        "updated": entry.updated,
        "date_only": entry.date_only,
        "author": entry.author,
        "language": entry.language,
        "tags": list(entry.tags),
        "summary": summary.choose(entry.summary, entry.fullest, entry.title, SummaryOptions()),
        "text": markup.plain(entry.fullest or entry.summary or "", base_url=entry.link),
        "enclosures": [dataclasses.asdict(enclosure) for enclosure in entry.enclosures],
        "flags": [str(flag) for flag in entry.flags],
    }


@cli.command()
def preview(
    source: Source,
    channel: Annotated[str | None, typer.Option(help="A channel of feeds.yaml.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many entries.")] = 20,
    format: Format = looking.Format.AUTO,  # noqa: A002
    as_json: AsJson = False,
    html: Annotated[Path | None, typer.Option(help="Write them as a page to this file.")] = None,
) -> None:
    """Show the messages that the entries of a source would become."""
    settings, config = _configured_if_there()
    shown = asyncio.run(looking.preview_source(source, format, settings, config, channel, limit, _choose_feed))
    for ident, messages in shown.messages:
        if as_json:
            _print_json({"entry": ident, "messages": [_message_json(message) for message in messages]})
        elif html is None:
            typer.echo("\n\n".join(message.text for message in messages) + "\n\n" + "-" * 40)
    if html is not None:
        try:
            html.write_text(shown.page(), encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{html}: cannot be written ({error.strerror}); name another file") from error
        _say(f"{html}: {len(shown.messages)} entries")


def _message_json(message: Message) -> dict[str, Any]:
    """As the Bot API has it, so that it can be sent as it is."""
    return {
        "kind": "text",
        "text": message.text,
        "entities": [
            {name: value for name, value in dataclasses.asdict(entity).items() if value is not None}
            for entity in message.entities
        ],
        "media": [],
        "buttons": [],
        "link_preview": dataclasses.asdict(message.link_preview) if message.link_preview != LinkPreview() else None,
    }


@cli.command()
def date(text: Annotated[list[str], typer.Argument(metavar="TEXT")], as_json: AsJson = False) -> None:
    """Convert a date, in any of three calendars, to all of them."""
    written = " ".join(text)
    parsed = dates.parse_any_date(written)
    if parsed is None or parsed.day is None:
        what = "is no day of its calendar" if parsed else "is not a date I know"
        _fail([f"{written!r} {what}; write it as 1397/07/08, 2018-09-30 or 8 Mehr 1397"], 1)
    described = dates.describe(parsed.day)
    if as_json:
        _print_json(described)
    else:
        for name, value in described.items():
            typer.echo(f"{name:<10} {value or '-'}")


@cli.command("summary")
def summarise(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    sentences: Annotated[int, typer.Option(min=1, max=20)] = 3,
    as_json: AsJson = False,
) -> None:
    """Summarise a text file, one paragraph a line."""
    try:
        paragraphs = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"{file}: cannot be read ({reason}); name a text file in UTF-8") from error
    chosen = summary.summarise(paragraphs, title=None, sentences=sentences)
    if as_json:
        _print_json({"sentences": chosen})
    else:
        for sentence in chosen:
            typer.echo(sentence)


# --- looking into the database -------------------------------------------------------------------------------


@cli.command()
def posts(feed: Annotated[str | None, typer.Option(help="Of this feed only.")] = None, as_json: AsJson = False) -> None:
    """Show stored posts and what became of them, oldest first."""
    with _Opened() as (database, bot_id):
        known = database.read_now(reports.known_feeds)
        if feed is not None and feed not in known:
            raise ConfigError(f"--feed: no feed is called '{feed}'" + feeds_yaml.suggest(feed, known))
        found = database.read_now(reports.post_reports, bot_id, feed)
    for report in found:
        if as_json:
            _print_json(_report_json(report))
        else:
            reason = f" ({report.reason})" if report.reason else ""
            typer.echo(f"{report.post.id:>6}  {report.verdict}{reason}  {report.feed}: {report.post.entry.title or ''}")


def _report_json(report: reports.PostReport) -> dict[str, Any]:
    entry = report.post.entry
    return {
        "feed": report.feed,
        "post": report.post.id,
        "verdict": report.verdict,
        "reason": report.reason,
        "chats": [dataclasses.asdict(chat) for chat in report.chats],
        **_entry_json(looking.found_again(report.post.ident, entry)),
    }


@cli.command("search")
def search_posts(
    query: Annotated[list[str], typer.Argument(metavar="QUERY", help='Words, "phrases", #tags, author:, feed:, days.')],
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="No earlier; in either calendar.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="No later than the end of that.")] = None,
    as_json: AsJson = False,
) -> None:
    """Search every stored post, the best first; a word may be the beginning of a longer one."""
    _, config = _configured_if_there()
    now = looking.now()
    today = now.astimezone(config.zone).date()
    begin, end = _stretch("--from", first, today), _stretch("--to", last, today)
    if begin and end and begin.first > end.last:
        raise ConfigError(f"--from: {begin.first} is after --to, {end.last}; turn them round")
    asked = dataclasses.replace(
        parse_query(" ".join(query), today), since=begin.first if begin else None, until=end.last if end else None
    )
    with _Opened() as (database, bot_id):
        page = database.read_now(
            search.find, asked, search.CANDIDATES if as_json else _SHOWN, 0, zone=config.zone, now=now
        )
        found = database.read_now(reports.post_reports, bot_id, None, [hit.post.id for hit in page.hits])
        missing = database.read_now(search.count_waiting)
    report_of = {report.post.id: report for report in found}
    for hit in page.hits:
        if as_json:
            row = {"score": round(hit.score, 6), "snippet": hit.snippet.text, "marks": hit.snippet.marks}
            _print_json({**_report_json(report_of[hit.post.id]), **row})
        else:
            told = dates.describe(hit.post.effective_at.astimezone(config.zone).date())
            typer.echo(f"{hit.post.id:>6}  {told['gregorian']}  {told['jalali']}  {hit.feed}: {hit.title.text}")
            typer.echo(f"        {hit.snippet.text}")
    if not as_json and page.total > len(page.hits):
        _say(f"{page.total - len(page.hits)} more; narrow the search, or --json for all")
    if missing:
        _say(f"{missing} posts are not in the index yet; `qasedak run` and `qasedak once` put them there")


def _stretch(option: str, written: str | None, today: day) -> DateRange | None:
    if written is None:
        return None
    stretch = parse_range(written, today)
    if stretch is None:
        raise ConfigError(f"{option}: {written!r} is not a date I know; write it as 1397/07/08, 2018-09 or last week")
    return stretch


@cli.command()
def deliveries(
    state: Annotated[DeliveryState | None, typer.Option(help="In this state only.")] = None, as_json: AsJson = False
) -> None:
    """Show the outbox."""
    with _Opened() as (database, bot_id):
        found = database.read_now(reports.delivery_rows, bot_id, state)
    for row in found:
        if as_json:
            _print_json(row)
        else:
            typer.echo(
                f"{row['delivery']:>6}  post {row['post']} to {row['chat']}: {row['state']}, {row['attempts']} attempts"
                + (f" ({row['error']})" if row["error"] else "")
            )


@cli.command()
def retry(ids: Annotated[list[int] | None, typer.Argument(metavar="[DELIVERY ...]")] = None) -> None:
    """Make dead and held deliveries pending again: those named, or all that are dead."""
    with _Opened() as (database, bot_id):
        states = {row["delivery"]: row["state"] for row in database.read_now(reports.delivery_rows, bot_id)}
        unknown = [number for number in ids or () if number not in states]
        if unknown:
            raise ConfigError([f"{number}: no such delivery; see `qasedak deliveries`" for number in unknown])
        revived = database.write_now(lanes.revive, bot_id, ids or None, looking.now())
    typer.echo(f"{revived} deliveries are pending again")
    refused = [number for number in ids or () if states[number] not in (DeliveryState.DEAD, DeliveryState.HELD)]
    for number in refused:
        _say(f"{number}: is {states[number]}; only what is dead or held is tried again")
    raise typer.Exit(1 if refused else 0)


@cli.command(name="status")
def show_status(as_json: AsJson = False) -> None:
    """Show how feeds, chats and loops stand; exit 1 when something is late."""
    now = looking.now()
    with _Opened() as (database, bot_id):
        found = database.read_now(status.load, bot_id, now)
    late = standing.late(found, now)
    if as_json:
        _print_json(standing.as_json(found, late))
    else:
        console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_PIPE)
        console.print("Everything is on time." if not late else f"{len(late)} late:", highlight=False)
        for line in late:
            console.print(f"  {line}", highlight=False, markup=False)
        for table in standing.tables(found, now, _configured_if_there()[1].zone):
            console.print()
            console.print(table)
    raise typer.Exit(1 if late else 0)


@db.command()
def upgrade() -> None:
    """Bring the database's schema to this version."""
    settings = read_settings()
    _set_up_logging(settings)
    database = Database(settings.database_url)
    try:
        before, after = database.migrate()
    finally:
        database.dispose()
    typer.echo(f"{database.name}: schema {after}" + ("" if before == after else f", was {before or 'empty'}"))


@archive.command()
def export(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to write to; made if need be.")],
) -> None:
    """Write every stored post as a Markdown file; what goes in can come out."""
    _, config = _configured_if_there()
    written = 0
    with _Opened() as (database, _):
        last_id = 0
        while found := database.read_now(reports.all_posts, last_id, _BATCH):
            for feed, post in found:
                name, text = markdown.write(post, feed, config.zone)
                _write_file(to / markdown.folder_name(feed) / name, text)
            written += len(found)
            last_id = found[-1][1].id
            if sys.stderr.isatty():
                typer.echo(f"\r{written} posts", nl=False, err=True)
    if written and sys.stderr.isatty():
        _say("")
    typer.echo(f"{to}: {written} posts")


def _write_file(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}); name another folder") from error


class _Opened:
    """The database of the environment, with the id of the bot whose deliveries are meant."""

    def __enter__(self) -> tuple[Database, int]:
        settings = read_settings()
        _set_up_logging(settings)
        self._database = Database(settings.database_url)
        self._database.require_current()
        return self._database, int((settings.token or "0").partition(":")[0])

    def __exit__(self, *_exception: object) -> None:
        self._database.dispose()


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, default=_as_json))


def _as_json(value: object) -> str:
    """Instants as RFC 3339 in UTC."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} has no JSON form")


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
