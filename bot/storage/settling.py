"""Give back many feeds at once that had nothing new: most readings are of this kind, and each costs little but this.

Functions of a transaction, beside ``feeds.settle``, which is for one feed and every outcome.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from bot.health import FeedState
from bot.manners import NextCheck
from bot.model import Validators
from bot.storage.dialects import among
from bot.storage.feeds import Claim, outcome_of
from bot.storage.schema import feeds, hosts


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A reading that brought nothing new, and when to ask again."""

    claim: Claim
    at: datetime
    next_check: NextCheck
    host_free_at: datetime
    state: FeedState
    validators: Validators  #: a 304 may bring newer ones


def settle_unchanged(connection: Connection, ended: Sequence[Unchanged]) -> None:
    """``settle`` for many at once. Nothing is written where the lease was lost."""
    ids = sorted(one.claim.feed_id for one in ended)
    lease_numbers = {row.id: row.lease_no for row in connection.execute(_HELD, {"feed_ids": ids})}
    kept = [one for one in ended if lease_numbers.get(one.claim.feed_id) == one.claim.lease_no]
    if kept:
        connection.execute(
            _FEED,
            [
                {
                    "feed_id": one.claim.feed_id,
                    **outcome_of(one.state, one.at, one.next_check, validators=one.validators),
                }
                for one in kept
            ],
        )
        free = [{"host_name": one.claim.host, "next_at": one.host_free_at} for one in kept if one.claim.host]
    if kept and free:
        free.sort(key=lambda host: str(host["host_name"]))  # as in claim_due
        connection.execute(_HOST, free)


# Made once: to put a statement together costs SQLAlchemy more than SQLite needs to carry it out.
_HELD = select(feeds.c.id, feeds.c.lease_no).where(among(feeds.c.id, "feed_ids")).order_by(feeds.c.id).with_for_update()
_FEED = update(feeds).where(feeds.c.id == bindparam("feed_id"))
_HOST = update(hosts).where(hosts.c.name == bindparam("host_name"))
