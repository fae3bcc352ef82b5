"""Housekeeping: let go of the texts that ``keep`` does not want any longer. Called by ``schedule.py``, not often."""

from datetime import timedelta

import structlog

from bot.clock import Clock
from bot.storage import retention
from bot.storage.database import Database

log = structlog.get_logger()


async def let_go(database: Database, clock: Clock, keep: timedelta | None) -> int:
    """Drop the texts of posts that left their feed longer ago than *keep*, None being for ever; how many that was."""
    if keep is None:
        return 0
    before, dropped = clock.now() - keep, 0
    after: int | None = 0
    while after is not None:
        found, after = await database.read(retention.find, before, after)
        await database.write(retention.drop, found)
        dropped += len(found)
    if dropped:
        log.info("texts let go", posts=dropped)
    return dropped
