"""The pace of one bot that several processes share, on PostgreSQL."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import process
from bot.clock import SystemClock
from bot.errors import RetryLater
from bot.outbox.turnstile import SHARE, Turnstile
from bot.pacing import Pace, Wish, allot, whole_of
from bot.storage import lanes, paces, status
from bot.storage.database import Database
from tests.builders import NOW
from tests.fakes.clock import FakeClock

BOT = 1
WHICH = (BOT, "free")


# --- who gets what -------------------------------------------------------------------------------------------


@given(
    st.integers(1, 40),
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 10)), min_size=1, max_size=12),
)
def test_no_more_is_allotted_than_there_is_and_nobody_starves_for_another(
    whole: int, wanted: list[tuple[int, int]]
) -> None:
    wishes = [Wish(f"p{index}", max(want, least), least) for index, (want, least) in enumerate(wanted)]
    shares = allot(whole, wishes)
    assert sum(shares.values()) <= whole
    assert all(shares[wish.owner] in range(wish.wanted + 1) for wish in wishes)
    assert shares[wishes[0].owner] >= min(wishes[0].least, whole) or wishes[0].least > whole
    served = [wish for wish in wishes if shares[wish.owner]]
    if sum(shares.values()) < whole:  # what is left over nobody wanted
        assert all(shares[wish.owner] == wish.wanted for wish in served)
    for one, other in itertools.permutations(served, 2):
        richer = shares[one.owner] > max(shares[other.owner] + 1, one.least)
        assert not richer or shares[other.owner] == other.wanted


# --- shares in the database ----------------------------------------------------------------------------------


async def take(database: Database, owner: str, wanted: int, in_use: int = 0, least: int = 1) -> int:
    wish = Wish(owner, wanted, least)
    return (await database.write(paces.take, WHICH, wish, in_use=in_use, whole=30, lease=timedelta(minutes=1))).most


async def test_shares_are_never_more_than_the_whole_and_even_out(shared_database: Database) -> None:
    assert await take(shared_database, "a", 60) == 30
    assert await take(shared_database, "b", 60) == 0  # until the other comes again
    assert await take(shared_database, "a", 60, in_use=20) == 20  # those are still under way
    assert await take(shared_database, "b", 60) == 10
    assert await take(shared_database, "a", 60, in_use=4) == 15
    assert await take(shared_database, "b", 60) == 15
    assert await take(shared_database, "a", 3) == 3
    assert await take(shared_database, "b", 60) == 27


async def test_a_share_that_nobody_comes_for_ends(shared_database: Database) -> None:
    wish = Wish("a", 60)
    await shared_database.write(paces.take, WHICH, wish, in_use=0, whole=30, lease=timedelta(milliseconds=-1))
    assert await take(shared_database, "b", 60) == 30


async def test_the_share_of_a_dead_process_is_inherited_at_once(shared_database: Database) -> None:
    world = process.owner().rpartition(" ")[0].rpartition(" ")[0]
    await take(shared_database, f"{world} 999999999 1", 60)
    await shared_database.write(lanes.inherit, NOW)
    assert await take(shared_database, "b", 60) == 30


async def test_an_album_waits_until_there_is_room_for_all_of_it(shared_database: Database) -> None:
    assert await take(shared_database, "a", 60) == 30
    assert await take(shared_database, "b", 60, least=10) == 0
    assert await take(shared_database, "a", 60) == 15
    assert await take(shared_database, "b", 60, least=10) == 15


async def test_what_telegram_asks_of_the_bot_every_process_hears(shared_database: Database) -> None:
    await shared_database.write(paces.hold, WHICH, timedelta(minutes=5))
    await shared_database.write(paces.hold, WHICH, timedelta(minutes=1))
    wish = Wish("b", 1)
    share = await shared_database.write(paces.take, WHICH, wish, in_use=0, whole=30, lease=SHARE)
    assert timedelta(minutes=4) < share.held <= timedelta(minutes=5)
    other = await shared_database.write(paces.take, (BOT, "paid"), wish, in_use=0, whole=30, lease=SHARE)
    assert other.held == timedelta()


# --- turnstiles ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def processes(url: str, count: int) -> AsyncIterator[list[Turnstile]]:
    """Turnstiles that each think they are a process of their own."""
    databases = [Database(url) for _ in range(count)]
    turnstiles = [Turnstile(SystemClock(), BOT, Pace(), database) for database in databases]
    for number, turnstile in enumerate(turnstiles):
        turnstile.owner = f"p{number}"
    yield turnstiles
    for database in databases:
        await database.close()


async def test_processes_together_use_the_rate_and_never_more(shared_url: str, soak_seconds: int) -> None:
    clock, begun, ended, seconds = SystemClock(), list[float](), list[float](), soak_seconds / 2

    async def send(turnstile: Turnstile, until: float) -> None:
        while clock.monotonic() < until:
            async with turnstile.turn(1):
                begun.append(clock.monotonic())
                await asyncio.sleep(0.02)
                ended.append(clock.monotonic())

    async with processes(shared_url, 4) as turnstiles:
        began = clock.monotonic()
        senders = [send(turnstile, began + seconds) for turnstile in turnstiles for _ in range(4)]
        await asyncio.gather(*senders)
    # Telegram handles a message at some moment between its beginning and its answer.
    for moments in (begun, sorted(ended)):
        assert most_within_a_second(moments) <= whole_of(Pace())
    print(f"{len(begun) / seconds:.1f} a second of 28")


def most_within_a_second(moments: Sequence[float]) -> int:
    return max(sum(at <= other < at + 1 for other in moments) for at in moments)


async def test_a_process_that_stood_still_does_not_write_on_a_share_of_long_ago(shared_database: Database) -> None:
    clock = FakeClock()
    turnstile = Turnstile(clock, BOT, Pace(), shared_database)
    async with turnstile.turn(1):
        turnstile.look()
        clock.advance(SHARE)
        with pytest.raises(RetryLater):
            turnstile.look()


async def test_a_flood_limit_of_the_bot_holds_another_process_too(shared_url: str) -> None:
    async with processes(shared_url, 2) as (one, other):
        await one.flooded(1, timedelta(minutes=1))
        await one.flooded(2, timedelta(minutes=1))
        with pytest.raises(RetryLater):
            async with other.turn(1):
                pass


# --- who else is at work -------------------------------------------------------------------------------------


async def test_loops_of_several_processes_are_one_for_who_looks_and_each_ends_its_own(
    shared_database: Database,
) -> None:
    await shared_database.write(status.begin, NOW, {"poll": NOW + timedelta(minutes=1)})
    assert not await shared_database.read(status.others_run, NOW)
    with pytest.MonkeyPatch.context() as other:
        other.setattr(process, "owner", lambda: "elsewhere 1 1")
        assert await shared_database.read(status.others_run, NOW)
        late = NOW + timedelta(minutes=3)
        await shared_database.write(status.begin, NOW + timedelta(seconds=5), {"poll": late})
    found = await shared_database.read(status.load, BOT, NOW)
    assert found.loops["poll"].late_at == late
    await shared_database.write(status.end)
    assert (await shared_database.read(status.load, BOT, NOW)).loops["poll"].late_at == late
    # One of another machine that never says again that it lives is forgotten.
    await shared_database.write(status.begin, late + status.FORGOTTEN_AFTER + timedelta(seconds=1), {})
    assert (await shared_database.read(status.load, BOT, NOW)).loops == {}
