"""How the processes of one bot part its pace among themselves. Functions of a transaction, on PostgreSQL alone.

One row of ``paces`` is the lock: whoever has it sees every share and may change its own. Time here is the database's,
the one clock that processes on several machines have in common. What a share means, ``pacing.py`` says.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, cast, delete, func, select, update

from bot.pacing import Wish, allot
from bot.storage.dialects import insert_into, upsert
from bot.storage.schema import EPOCH, pace_shares, paces

#: A bot, and free or paid.
Which = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Share:
    """What a process has of the pace, and how long Telegram wants to hear nothing from the bot."""

    most: int
    held: timedelta


def take(connection: Connection, which: Which, wish: Wish, *, in_use: int, whole: int, lease: timedelta) -> Share:
    """Set our share anew for as long as *lease*: as much as others leave, and no more than is ours.

    What is *in_use* stays ours until its second is over. Others that have more than their part now give it back with
    their own next call.
    """
    held_until = _lock(connection, which)
    now = _now(connection)
    rows = connection.execute(select(pace_shares).where(_of(pace_shares, which))).all()
    gone = [row.process for row in rows if row.until <= now and row.process != wish.owner]
    if gone:
        connection.execute(delete(pace_shares).where(_of(pace_shares, which), pace_shares.c.process.in_(gone)))
    mine = next((row for row in rows if row.process == wish.owner and row.until > now), None)
    since = mine.since if mine else now
    others = [row for row in rows if row.until > now and row.process != wish.owner]
    wishes = [(row.since, Wish(row.process, row.wanted, row.least)) for row in others] + [(since, wish)]
    ordered = [one for _since, one in sorted(wishes, key=lambda pair: (pair[0], pair[1].owner))]
    free = whole - sum(row.most for row in others)
    most = max(min(allot(whole, ordered)[wish.owner], free), in_use, 0)
    upsert(
        connection,
        pace_shares,
        {"bot_id": which[0], "kind": which[1], "process": wish.owner},
        # Whoever got what it needs goes to the end of the line.
        {
            "most": most, "wanted": wish.wanted, "least": wish.least, "until": now + lease,
            "since": now if mine is None or most >= wish.least > 1 else since,
        },
    )  # fmt: skip
    return Share(most, max(held_until - now, timedelta()) if held_until else timedelta())


def hold(connection: Connection, which: Which, span: timedelta) -> None:
    """Telegram wants to hear nothing from the bot for so long: every process is told with its next share."""
    held_until, until = _lock(connection, which), _now(connection) + span
    if held_until is None or held_until < until:
        connection.execute(update(paces).where(_of(paces, which)).values(held_until=until))


def _of(table: Any, which: Which) -> Any:
    return (table.c.bot_id == which[0]) & (table.c.kind == which[1])


def _lock(connection: Connection, which: Which) -> datetime | None:
    row = select(paces.c.held_until).where(_of(paces, which)).with_for_update()
    found = connection.execute(row).one_or_none()
    if found is None:
        connection.execute(
            insert_into(connection, paces).values(bot_id=which[0], kind=which[1]).on_conflict_do_nothing()
        )
        found = connection.execute(row).one()
    held_until: datetime | None = found.held_until
    return held_until


def _now(connection: Connection) -> datetime:
    """The moment of this call: the time of the transaction is older than the lock that it waited for."""
    milliseconds: Any = func.extract("epoch", func.clock_timestamp()) * 1000
    found: int = connection.execute(select(cast(milliseconds, BigInteger))).scalar_one()
    return EPOCH + timedelta(milliseconds=found)
