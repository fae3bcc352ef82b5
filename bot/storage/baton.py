"""What one process of a bot holds at a time: asking Telegram for updates, which it lets only one do.

A lock of a PostgreSQL session: it ends with the process, whatever ends that, and another has it within a second or two.
On SQLite one process runs anyway. Decides nothing about what is done with it.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from bot.storage.database import Database

#: A machine that vanished is given up by the server after so many seconds, and a server that did by us.
_AWAY = 10


class Baton:
    """Taken and held by one process of a bot, until it drops it or its connection breaks."""

    def __init__(self, database: Database, bot_id: int) -> None:
        self._bot_id = bot_id
        self._connection: Connection | None = None
        self._thread = ThreadPoolExecutor(1, "baton") if database.is_shared else None
        if database.is_shared:
            self._engine = create_engine(
                database.url, isolation_level="AUTOCOMMIT", pool_size=1, connect_args=_connect_arguments()
            )

    async def take(self) -> bool:
        """Whether we have it, now or still; called every second or so by all who would like to."""
        if self._thread is None:
            return True
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._take)

    async def drop(self) -> None:
        """Let another have it."""
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._drop)
            self._thread.shutdown()
            self._engine.dispose()

    def _take(self) -> bool:
        try:
            if self._connection is not None:
                self._connection.execute(text("SELECT 1"))
                return True
            connection = self._engine.connect()
            taken = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
            if connection.execute(taken, {"name": f"qasedak updates of {self._bot_id}"}).scalar_one():
                self._connection = connection
                return True
            connection.close()
        except SQLAlchemyError:  # whoever cannot reach the database has nothing
            self._drop()
        return False

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()  # closed, not kept for the next: the lock goes with it
            self._connection.close()
            self._connection = None


def _connect_arguments() -> dict[str, object]:
    """Both ends notice when the other is gone."""
    server = f"-c tcp_keepalives_idle=2 -c tcp_keepalives_interval=2 -c tcp_keepalives_count={_AWAY // 2 - 1}"
    return {
        "options": f"{server} -c tcp_user_timeout={_AWAY * 1000}",
        "tcp_user_timeout": _AWAY * 1000,
        "connect_timeout": _AWAY,
    }
