"""Alembic's entry: runs migrations on the connection that ``storage/database.py`` hands over."""

from alembic import context

from bot.storage.schema import is_compared, metadata

# render_as_batch: SQLite alters a table by writing it anew.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    include_name=is_compared,
)
context.run_migrations()
