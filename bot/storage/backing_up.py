"""A consistent copy of the database in one SQLite file, while the bot runs: for ``qasedak backup``.

SQLite's own backup reads a snapshot and keeps nobody waiting. PostgreSQL's rows come as those of a move, out of one
snapshot too; its own tool is ``pg_dump``. Either file is a database: name it in ``DATABASE_URL``, or move it.
"""

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from bot.errors import ConfigError, StorageError
from bot.progress import Progress
from bot.storage import moving
from bot.storage.database import Database


def back_up(source: Database, file: Path, tell: Progress) -> int:
    """Write the copy, which nobody else may read, and return its size in bytes; an older file is never replaced.

    Raises: ConfigError, when the file is there or cannot be written. StorageError.
    """
    source.require_current()
    try:
        number, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".tmp", dir=file.parent)
        os.close(number)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written ({error.strerror}); name another file") from error
    beside = Path(name)
    try:
        file.touch(exist_ok=False)  # the name is ours from now on
        try:
            _fill(beside, source, tell)
            beside.replace(file)  # whole, or not at all
        except BaseException:
            file.unlink()
            raise
        return file.stat().st_size
    except FileExistsError:
        raise ConfigError(f"{file}: is there already; name a new file") from None
    except (sqlite3.Error, OSError) as error:
        raise StorageError(f"{file}: the copy could not be made ({error}); make room, or name another disk") from error
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                Path(name + end).unlink()


def _fill(beside: Path, source: Database, tell: Progress) -> None:
    if source.path is not None:
        with closing(sqlite3.connect(source.path)) as opened, closing(sqlite3.connect(beside)) as copy:
            opened.backup(copy)  # all pages in one step: one snapshot, and no writer makes it begin anew
    else:
        target = Database(f"sqlite:///{beside}")
        try:
            moving.copy_to_file(source, target, tell)
        finally:
            target.dispose()
    with closing(sqlite3.connect(beside)) as copy:
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, which is whole without another beside it
        (told,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if told != "ok":
        raise StorageError(f"{source.name}: is damaged ({told}); keep it, and restore an older copy")
