"""Which updates of Telegram were taken already. Functions of a transaction.

Telegram gives an update again until it hears that it was read, so that one may come twice: after a crash, or when two
processes meet. It keeps them for a day.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, exists, select

from bot.storage.dialects import insert_into
from bot.storage.schema import taken_updates

#: Twice as long as Telegram may give one again.
KEPT = timedelta(days=2)
#: Old ones are cleared away with every so many.
_CLEARED_EVERY = 256


def take(
    connection: Connection, bot_id: int, update_id: int, now: datetime, *, membership_of: int | None = None
) -> bool:
    """Take an update, once; False when it was taken.

    *membership_of* is the chat of which it says how the bot stands there: an older one that comes late is not taken.
    """
    if update_id % _CLEARED_EVERY == 0:
        connection.execute(delete(taken_updates).where(taken_updates.c.at < now - KEPT))
    if membership_of is not None:
        newer = exists().where(
            taken_updates.c.bot_id == bot_id,
            taken_updates.c.membership_of == membership_of,
            taken_updates.c.update_id > update_id,
        )
        if connection.execute(select(newer)).scalar():
            return False
    taken = insert_into(connection, taken_updates).values(
        bot_id=bot_id, update_id=update_id, at=now, membership_of=membership_of
    )
    return connection.execute(taken.on_conflict_do_nothing().returning(taken_updates.c.update_id)).first() is not None
