"""``qasedak once`` in processes that are killed: ``python -m tests.mortal BEGAN SPEED`` in an installation's folder.

Each line on standard input starts one, on a clock that runs SPEED times as fast; its pid is printed, and when it has
ended its pid again with its exit status. All are forks of one process that has imported everything, since 300 starts
of an interpreter would be most of what a crash test costs. Nothing but memory is shared: a SIGKILL is as real.
"""

import asyncio
import logging
import os
import sys
from pathlib import Path

import structlog

from bot.app import App
from bot.config import read_config, read_settings
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


def main() -> None:
    # Standard output is the caller's.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    clock = FastClock(float(sys.argv[1]), float(sys.argv[2]))
    for _line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os._exit(once(clock))
        print(pid, flush=True)
        _pid, status = os.waitpid(pid, 0)
        print(pid, os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
