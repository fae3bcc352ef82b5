"""Long work for people goes on in tasks, one a person."""

import asyncio

from bot.errands import Errands


async def _wait_for(door: asyncio.Event, done: list[str], name: str) -> None:
    await door.wait()
    done.append(name)


async def test_a_new_errand_ends_the_older_one_of_the_same_person_alone() -> None:
    errands, door = Errands(), asyncio.Event()
    done: list[str] = []
    errands.begin(1, _wait_for(door, done, "first"))
    errands.begin(2, _wait_for(door, done, "another's"))
    errands.begin(1, _wait_for(door, done, "second"))
    door.set()
    await errands.idle()
    assert sorted(done) == ["another's", "second"]


async def test_closing_leaves_no_errand_under_way() -> None:
    errands, door = Errands(), asyncio.Event()
    done: list[str] = []
    errands.begin(1, _wait_for(door, done, "first"))
    await errands.close()
    await errands.idle()
    door.set()
    assert done == []
