"""Bring a database to this version's schema. Alembic lives here alone.

Imported by ``database.py`` only when a database is not current: a running bot never needs Alembic's 10 MB.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

FOLDER = Path(__file__).with_name("migrations")


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run what is missing up to a revision, in the caller's transaction."""
    settings = Config()
    settings.set_main_option("script_location", str(FOLDER))
    settings.attributes["connection"] = connection
    command.upgrade(settings, revision)


def is_known(revision: str) -> bool:
    """Whether this version has ever heard of a revision."""
    settings = Config()
    settings.set_main_option("script_location", str(FOLDER))
    return any(script.revision == revision for script in ScriptDirectory.from_config(settings).walk_revisions())
