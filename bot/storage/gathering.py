"""Do in one transaction what many ask for at the same time: a commit waits for the disk, however much it holds,
and a question costs nearly as much for one as for many.

Between the outbox's lanes and ``lanes.py``. Whoever comes while a transaction runs waits for the next and shares it;
alone, nobody waits longer than before. Knows nothing of what is done.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy import Connection

from bot.storage.database import Database

Item = TypeVar("Item")
Result = TypeVar("Result")


class Gathering(Generic[Item, Result]):
    """Calls *function* with a list of items; it returns a result, or an exception to raise, for each of them."""

    def __init__(
        self,
        database: Database,
        function: Callable[[Connection, Sequence[Item]], Sequence[Result | Exception]],
        *,
        is_reading: bool = False,
    ) -> None:
        self._run_in = database.read if is_reading else database.write
        self._function = function
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._running = asyncio.Lock()

    async def __call__(self, item: Item) -> Result:
        """Have *item* done, with whatever else waits.

        Raises: what came for this item; StorageError, with nothing of them all done.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        async with self._running:
            if not future.done():  # else whoever ran before did this one too
                await self._run()
        return await future

    async def _run(self) -> None:
        gathered, self._waiting = self._waiting, []
        try:
            results = await self._run_in(self._function, [item for item, _future in gathered])
        except Exception as error:
            for _item, future in gathered:
                _settle(future, error)
        except asyncio.CancelledError:
            # It was done all the same, and nobody is left to say how: the others end like this one.
            for _item, future in gathered:
                future.cancel()
            raise
        else:
            for (_item, future), result in zip(gathered, results, strict=True):
                _settle(future, result)


def _settle(future: "asyncio.Future[Result]", result: Result | Exception) -> None:
    if future.done():  # its caller was cancelled
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
