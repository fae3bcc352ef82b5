"""``run``, ``worker`` and ``once``: the bot at work, until it is told to stop."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar

import typer

from bot.app import App
from bot.cli.bars import shown_progress
from bot.cli.terminal import RUN, AsJson, cli, configured, print_json, say, workers
from bot.errors import ConfigError
from bot.roles import EVERYTHING, OF_WORKERS, Role

T = TypeVar("T")


@cli.command(rich_help_panel=RUN)
def run() -> None:
    """Do everything, until SIGTERM or SIGINT; a second signal quits at once, SIGHUP reads feeds.yaml again."""

    async def until_stopped(app: App) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, app.reload_soon)
        await app.run()

    _with_app(until_stopped, log_level="INFO")


@cli.command(rich_help_panel=RUN)
def worker() -> None:
    """Take work from PostgreSQL beside other processes, until SIGTERM or SIGINT; SIGHUP reads feeds.yaml again."""

    async def until_stopped(app: App) -> None:
        if not app.database.is_shared:
            raise ConfigError(
                "DATABASE_URL: workers share their work through PostgreSQL; write postgresql://... there, "
                "or run `qasedak run`, which needs no other"
            )
        engine = workers()
        await asyncio.to_thread(engine.install, app.database)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, app.reload_soon)
        await app.run(engine.PostgresCrew)

    _with_app(until_stopped, log_level="INFO", default_roles=OF_WORKERS)


@cli.command(rich_help_panel=RUN)
def once(
    now: Annotated[bool, typer.Option("--now", help="Every feed, whatever its interval.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make one pass: read what is due, deliver what is due, exit."""
    with shown_progress() as tell:
        done = _with_app(lambda app: app.once(forced=now, tell=tell))
    for line in [*done.polled.notices, *done.problems]:
        say(line)
    counts = {
        "feeds": {"read": done.polled.read, "unchanged": done.polled.unchanged, "failed": done.polled.failed},
        "posts": {"new": done.polled.new, "edited": done.polled.edited},
        "deliveries": {"sent": done.sent, "later": done.later, "dead": done.dead},
    }
    if as_json:
        print_json(counts)
    else:
        for what, of_it in counts.items():
            typer.echo(f"{what:<11}" + ", ".join(f"{count} {name}" for name, count in of_it.items()))
    raise typer.Exit(0 if done.is_clean else 1)


def _with_app(
    act: Callable[[App], Coroutine[Any, Any, T]],
    log_level: str = "ERROR",
    default_roles: frozenset[Role] = EVERYTHING,
) -> T:
    settings, config = configured(log_level)

    async def live() -> T:
        app = App(settings, config, say, roles=settings.roles(default_roles))
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
