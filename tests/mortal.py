"""``qasedak once`` in processes that are killed: ``python -m tests.mortal BEGAN SPEED`` in an installation's folder.

Each line on standard input starts one, on a clock that runs SPEED times as fast; its pid is printed, and when it has
ended its pid again with its exit status. A line with the address of a database starts a ``qasedak worker`` on it
instead, beside those that run already; nobody waits for it, and it parses by itself: what its children would cost is
not what such a test is about. All are forks of one process that has imported everything, since 300 starts
of an interpreter would be most of what a crash test costs. Nothing but memory is shared: a SIGKILL is as real.
"""

import asyncio
import importlib
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import structlog

from bot import roles
from bot.app import App
from bot.config.reading import read_config, read_settings
from bot.sources import document
from bot.sources.parsing import Parser
from tests.fast_clock import FastClock


def once(clock: FastClock) -> int:
    """What the command does, on another clock: 0 when nothing is left to do."""
    settings = read_settings()
    config = read_config(Path(settings.config), environment=settings.variables(), with_token=True)

    async def live() -> int:
        app = App(settings, config, lambda line: print(line, file=sys.stderr), clock)
        try:
            return (await app.once(forced=False)).later
        finally:
            await app.close()

    return min(asyncio.run(live()), 100)


async def parse(self: Parser, body: bytes, content_type: str) -> dict[str, Any]:
    """In this very process."""
    return document.parse(body, content_type)


def work(clock: FastClock, database_url: str) -> int:
    """What ``qasedak worker`` does, until SIGTERM."""
    Parser.parse = parse  # type: ignore[method-assign]
    os.environ["DATABASE_URL"] = database_url
    settings = read_settings()
    config = read_config(Path(settings.config), environment=settings.variables(), with_token=True)

    async def live() -> None:
        app = App(settings, config, lambda _line: None, clock, roles.OF_WORKERS)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, app.stop)
        try:
            await app.run(importlib.import_module("bot.workers").PostgresCrew)
        finally:
            await app.close()

    asyncio.run(live())
    return 0


def main() -> None:
    # Standard output is the caller's.
    level = logging.getLevelNamesMapping()[os.environ.get("QASEDAK_LOG_LEVEL", "critical").upper()]
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    clock = FastClock(float(sys.argv[1]), float(sys.argv[2]))
    for needed in sys.argv[3:]:
        importlib.import_module(needed)
    alive: set[int] = set()
    for line in sys.stdin:  # and with its end everybody ends
        alive = {pid for pid in alive if os.waitpid(pid, os.WNOHANG) == (0, 0)}
        pid = os.fork()
        if pid == 0:
            os._exit(work(clock, line.strip()) if line.strip() else once(clock))
        print(pid, flush=True)
        if line.strip():
            alive.add(pid)
            continue
        _pid, status = os.waitpid(pid, 0)
        print(pid, os.waitstatus_to_exitcode(status), flush=True)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
