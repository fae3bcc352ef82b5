"""The tables of the engine that wakes workers, in the database whose rows they work on. Functions of a transaction.

What they are is Procrastinate's to say, and ``workers.py`` hands its SQL on; here it is remembered how far they are.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, insert, select

from bot.storage.database import MIGRATION_LOCK
from bot.storage.dialects import one_at_a_time
from bot.storage.schema import engine_migrations


def bring_up(connection: Connection, schema: str, migrations: Mapping[str, str]) -> None:
    """Make the engine's tables, or bring them from where they are to the newest of *migrations*, under a lock."""
    one_at_a_time(connection, MIGRATION_LOCK)
    had = set(connection.execute(select(engine_migrations.c.name)).scalars())
    missing = sorted(migrations.keys() - had)
    plain = connection.execution_options(no_parameters=True)  # a % in it is a %
    for script in [schema] if not had else [migrations[name] for name in missing]:
        plain.exec_driver_sql(script)
    if missing:
        connection.execute(insert(engine_migrations), [{"name": name} for name in missing])
