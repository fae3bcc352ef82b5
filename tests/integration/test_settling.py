"""Feeds that had nothing new are given back many at a time, each by its own right."""

from datetime import timedelta

from sqlalchemy import Connection, select, update

from bot.manners import NextCheck
from bot.model import Validators
from bot.storage import feeds, ingest, settling
from bot.storage.database import Database
from bot.storage.schema import feeds as feed_table
from bot.storage.schema import hosts
from bot.storage.settling import Unchanged
from tests.builders import NOW, a_feed, a_subscription

LEASE, LATER = timedelta(minutes=5), NOW + timedelta(hours=1)


async def _claimed(database: Database, count: int) -> list[Unchanged]:
    configured = [a_feed(f"sky{n}") for n in range(count)]
    routes = await database.write(ingest.adopt, 1, configured, [a_subscription(feed) for feed in configured], NOW)
    claims = await database.write(feeds.claim_due, NOW, limit=count, lease=LEASE, among=routes.feeds)
    assert [claim.lease_no for claim in claims] == [1] * count
    return [
        Unchanged(claim, NOW, NextCheck(LATER, "for a test"), LATER, claim.state, Validators(etag=b'"%d"' % number))
        for number, claim in enumerate(claims)
    ]


async def test_many_feeds_are_given_back_at_once(database: Database) -> None:
    ended = await _claimed(database, 3)
    await database.write(settling.settle_unchanged, ended)

    def settled(connection: Connection) -> None:
        rows = connection.execute(select(feed_table).order_by(feed_table.c.id)).all()
        assert [row.etag for row in rows] == [b'"0"', b'"1"', b'"2"']
        assert {(row.next_check_at, row.succeeded_at, row.lease_until, row.failures) for row in rows} == {
            (LATER, NOW, None, 0)
        }
        assert set(connection.execute(select(hosts.c.next_at)).scalars()) == {LATER}

    await database.read(settled)


async def test_a_feed_that_another_process_took_over_is_left_alone_with_its_host(database: Database) -> None:
    ended = await _claimed(database, 2)
    lost, kept = ended[0].claim, ended[1].claim

    def take_over(connection: Connection) -> None:
        connection.execute(update(feed_table).where(feed_table.c.id == lost.feed_id).values(lease_no=2))

    await database.write(take_over)
    await database.write(settling.settle_unchanged, ended)

    def look(connection: Connection) -> tuple[dict[int, bytes | None], dict[str, object]]:
        etags = connection.execute(select(feed_table.c.id, feed_table.c.etag)).all()
        free = connection.execute(select(hosts.c.name, hosts.c.next_at)).all()
        return {row.id: row.etag for row in etags}, {row.name: row.next_at for row in free}

    etags, free = await database.read(look)
    assert etags == {lost.feed_id: None, kept.feed_id: b'"1"'}
    assert free == {lost.host: NOW + LEASE, kept.host: LATER}
