"""``posts``, ``search``, ``why``, ``deliveries``, ``retry`` and ``status``: what the database says."""

import dataclasses
import sys
from datetime import date as day
from typing import Annotated, Any

import typer
from rich.console import Console

from bot import identity, standing
from bot.cli.entries import entry_json
from bot.cli.terminal import (
    ASK,
    WIDTH_OF_PIPE,
    AsJson,
    cli,
    configured_if_there,
    feed_names,
    now,
    opened_database,
    print_json,
    say,
)
from bot.config import yaml_mistakes
from bot.errors import ConfigError
from bot.model import DeliveryState
from bot.reasons import Reasons
from bot.storage import inquiry, lanes, reports, search, status
from bot.text import dates
from bot.text.date_ranges import DateRange, parse_range
from bot.text.query import parse_query

OneFeed = Annotated[str | None, typer.Option(help="Of this feed only.", autocompletion=feed_names)]
Numbers = Annotated[
    list[int] | None, typer.Argument(metavar="DELIVERY", help="Numbers, as `qasedak deliveries` shows them.")
]

_SHOWN = 20  #: hits of a search, for people


@cli.command(rich_help_panel=ASK)
def posts(
    feed: OneFeed = None,
    as_json: AsJson = False,
) -> None:
    """Show stored posts and what became of them, oldest first."""
    with opened_database() as (database, bot_id):
        known = database.read_now(reports.known_feeds)
        if feed is not None and feed not in known:
            raise ConfigError(f"--feed: no feed is called '{feed}'" + yaml_mistakes.suggest(feed, known))
        found = database.read_now(reports.post_reports, bot_id, feed)
    for report in found:
        if as_json:
            print_json(_report_json(report))
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
        **entry_json(identity.found_again(report.post.ident, entry)),
    }


@cli.command("search", rich_help_panel=ASK)
def search_posts(
    query: Annotated[list[str], typer.Argument(metavar="QUERY", help='Words, "phrases", #tags, author:, feed:, days.')],
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="No earlier; in either calendar.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="No later than the end of that.")] = None,
    as_json: AsJson = False,
) -> None:
    """Search every stored post, the best first; a word may be the beginning of a longer one."""
    _, config = configured_if_there()
    at = now()
    today = at.astimezone(config.zone).date()
    begin, end = _stretch("--from", first, today), _stretch("--to", last, today)
    if begin and end and begin.first > end.last:
        raise ConfigError(f"--from: {begin.first} is after --to, {end.last}; turn them round")
    asked = dataclasses.replace(
        parse_query(" ".join(query), today), since=begin.first if begin else None, until=end.last if end else None
    )
    with opened_database() as (database, bot_id):
        page = database.read_now(
            search.find, asked, search.CANDIDATES if as_json else _SHOWN, 0, zone=config.zone, now=at
        )
        found = database.read_now(reports.post_reports, bot_id, None, [hit.post.id for hit in page.hits])
        missing = database.read_now(search.count_waiting)
    report_of = {report.post.id: report for report in found}
    for hit in page.hits:
        if as_json:
            row = {"score": round(hit.score, 6), "snippet": hit.snippet.text, "marks": hit.snippet.marks}
            print_json({**_report_json(report_of[hit.post.id]), **row})
        else:
            told = dates.describe(hit.post.effective_at.astimezone(config.zone).date())
            typer.echo(f"{hit.post.id:>6}  {told['gregorian']}  {told['jalali']}  {hit.feed}: {hit.title.text}")
            typer.echo(f"        {hit.snippet.text}")
    if not as_json and page.total > len(page.hits):
        say(f"{page.total - len(page.hits)} more; narrow the search, or --json for all")
    if missing:
        say(f"{missing} posts are not in the index yet; `qasedak run` and `qasedak once` put them there")


def _stretch(option: str, written: str | None, today: day) -> DateRange | None:
    if written is None:
        return None
    stretch = parse_range(written, today)
    if stretch is None:
        raise ConfigError(f"{option}: {written!r} is not a date I know; write it as 1397/07/08, 2018-09 or last week")
    return stretch


@cli.command(rich_help_panel=ASK)
def why(
    asked: Annotated[str, typer.Argument(metavar="LINK_OR_POST", help="A link, a message, a number or an id.")],
) -> None:
    """Say why a post was sent or was not, stage by stage; exit 1 where no post is known."""
    _settings, config = configured_if_there()
    at = now()
    with opened_database() as (database, bot_id):
        cases = database.read_now(inquiry.find, bot_id, asked, at)
        near = [] if cases else database.read_now(inquiry.feeds_of_host, asked)
    reasons = Reasons("en", config.zone, at, config.channels)
    told = [reasons.of(case) for case in cases] or [reasons.nothing(asked, near)]
    typer.echo("\n\n".join("\n".join(lines) for lines in told))
    raise typer.Exit(0 if cases else 1)


@cli.command(rich_help_panel=ASK)
def deliveries(
    state: Annotated[DeliveryState | None, typer.Option(help="In this state only.")] = None, as_json: AsJson = False
) -> None:
    """Show the outbox."""
    with opened_database() as (database, bot_id):
        found = database.read_now(reports.delivery_rows, bot_id, state)
    for row in found:
        if as_json:
            print_json(row)
        else:
            typer.echo(
                f"{row['delivery']:>6}  post {row['post']} to {row['chat']}: {row['state']}, {row['attempts']} attempts"
                + (f" ({row['error']})" if row["error"] else "")
            )


@cli.command(rich_help_panel=ASK)
def retry(
    ids: Numbers = None,
) -> None:
    """Make dead and held deliveries pending again: those named, or all that are dead."""
    with opened_database() as (database, bot_id):
        states = {row["delivery"]: row["state"] for row in database.read_now(reports.delivery_rows, bot_id)}
        unknown = [number for number in ids or () if number not in states]
        if unknown:
            raise ConfigError([f"{number}: no such delivery; see `qasedak deliveries`" for number in unknown])
        revived = database.write_now(lanes.revive, bot_id, ids or None, now())
    typer.echo(f"{revived} deliveries are pending again")
    refused = [number for number in ids or () if states[number] not in (DeliveryState.DEAD, DeliveryState.HELD)]
    for number in refused:
        say(f"{number}: is {states[number]}; only what is dead or held is tried again")
    raise typer.Exit(1 if refused else 0)


@cli.command("status", rich_help_panel=ASK)
def show_status(as_json: AsJson = False) -> None:
    """Show how feeds, chats and loops stand; exit 1 when something is late."""
    at = now()
    with opened_database() as (database, bot_id):
        found = database.read_now(status.load, bot_id, at)
    late = standing.late(found, at)
    if as_json:
        print_json(standing.as_json(found, late))
    else:
        console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_PIPE)
        console.print("Everything is on time." if not late else f"{len(late)} late:", highlight=False)
        for line in late:
            console.print(f"  {line}", highlight=False, markup=False)
        for table in standing.tables(found, at, configured_if_there()[1].zone):
            console.print()
            console.print(table)
    raise typer.Exit(1 if late else 0)
