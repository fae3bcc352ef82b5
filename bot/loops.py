"""What a process does again and again, each by its role; and how a pass is kept from ending the process.

``app.py`` lists the loops. ``schedule.py`` runs them by a clock of the process's own; ``workers.py`` has processes take
them from PostgreSQL, so that each is run by whoever is free. A leaf of both.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from bot.clock import Clock
from bot.errors import BotError, TokenRejected
from bot.roles import Role
from bot.storage.database import Database

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Loop:
    """Something done every so often. ``act`` may say how soon it has more to do than that."""

    name: str
    every: timedelta
    role: Role
    act: Callable[[], Awaitable[timedelta | None]]


def once_round(act: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
    """A pass after which there is nothing more to do soon, whatever it says."""

    async def run() -> None:
        await act()

    return run


class Crew(Protocol):
    """The workers of one bot, seen from one of them (``workers.py``)."""

    async def start(self) -> None:
        """Begin to take work."""

    def call(self, role: Role, name: str) -> None:
        """There is more to do in a loop than one process takes."""

    def is_at_work(self) -> bool:
        """Whether work is still taken here."""

    async def stop(self) -> None:
        """Take no more, and finish what is under way."""


class Hire(Protocol):
    """How a process joins them."""

    def __call__(
        self,
        database: Database,
        bot_id: int,
        loops: Sequence[Loop],
        clock: Clock,
        *,
        patience: timedelta,
        on_fatal: Callable[[BotError], None],
    ) -> Crew:
        """With its part of the loops."""


class OnEnded(Protocol):
    """Who is told that a pass of a loop is over (``vitals.py``)."""

    async def __call__(self, loop: str, every: timedelta, *, well: bool) -> None:
        """It runs so often, and ended well or not."""


async def nobody(loop: str, every: timedelta, *, well: bool) -> None:
    """Nobody is told."""


async def guarded(name: str, act: Callable[[], Awaitable[object]], on_fatal: Callable[[BotError], None]) -> bool:
    """Whether *act* ended well; what went wrong is in the log, or is told where nothing can go on."""
    try:
        await act()
    except TokenRejected as error:
        on_fatal(error)
    except BotError as error:
        # The database is busy or its disk full: the next tick tries again.
        log.error("job failed", job=name, problem=str(error))
    except Exception:  # a loop's top: one bad pass must not end the program
        log.exception("job crashed", job=name)
    else:
        return True
    return False
