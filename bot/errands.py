"""Long work for people, in tasks of their own: nobody else's answer waits for it. A leaf; knows no work.

One errand a person: a new one ends the old.
"""

import asyncio
from collections.abc import Coroutine


class Errands:
    """What is under way, by the person it is for. The work itself must let no error out."""

    def __init__(self) -> None:
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def end(self, user_id: int) -> "asyncio.Task[None] | None":
        """Cancel somebody's errand; what is cancelled may be waited for."""
        old = self._tasks.pop(user_id, None)
        if old is not None:
            old.cancel()
        return old

    def begin(self, user_id: int, work: Coroutine[object, object, None]) -> None:
        """Go on in a task; an older one of the same person is ended."""
        self.end(user_id)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[user_id] = task
        task.add_done_callback(lambda done: self._forget(user_id, done))

    def _forget(self, user_id: int, done: "asyncio.Task[None]") -> None:
        if self._tasks.get(user_id) is done:
            del self._tasks[user_id]

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
