"""Tells that files of archives, or of feeds.yaml, changed, sooner than the next look would.

A hint and no more: where a folder cannot be watched (it is not there, the system has no such service, a network
drive) nothing is said, and the look every minute finds what changed. Reads no file.
"""

import asyncio
import fnmatch
import glob
from collections.abc import Callable, Collection
from pathlib import Path

import structlog
from watchfiles import Change, awatch

#: Changes that come close together are told once: an editor makes several of one.
DEBOUNCE_MS = 500

log = structlog.get_logger()


async def watch(patterns: Collection[str], on_change: Callable[[], None], stop: asyncio.Event) -> None:
    """Call *on_change* after a file of *patterns* came, went or was written to, until *stop* is set."""
    folders: dict[Path, bool] = {}
    for folder, is_deep in filter(None, map(folder_of, patterns)):
        folders[folder] = folders.get(folder, False) or is_deep

    def is_ours(_change: Change, path: str) -> bool:
        # Our own database may lie in the same folder: to hear of its changes would make another.
        return any(is_of_pattern(path, pattern) for pattern in patterns)

    async with asyncio.TaskGroup() as group:
        for is_deep in set(folders.values()):
            some = [folder for folder, deep in folders.items() if deep is is_deep]
            group.create_task(_watch(some, is_ours, on_change, stop, is_deep=is_deep))


def folder_of(pattern: str) -> tuple[Path, bool] | None:
    """The folder in which files of a pattern may come and go, and whether those below it count too.

    None where there is no such folder yet.
    """
    folder = Path(pattern).parent
    is_deep = False
    while not folder.is_dir() and glob.has_magic(str(folder)):
        folder, is_deep = folder.parent, True
    return (folder, is_deep) if folder.is_dir() else None


def is_of_pattern(path: str, pattern: str) -> bool:
    """Whether a file may belong to a pattern; rather too often than too seldom."""
    return path == pattern or fnmatch.fnmatch(path, pattern.replace("**/", "*"))


async def _watch(
    folders: list[Path],
    is_ours: Callable[[Change, str], bool],
    on_change: Callable[[], None],
    stop: asyncio.Event,
    *,
    is_deep: bool,
) -> None:
    try:
        async for _changes in awatch(
            *folders, watch_filter=is_ours, debounce=DEBOUNCE_MS, stop_event=stop, recursive=is_deep
        ):
            on_change()
    except OSError as error:
        log.info("files not watched", folders=[str(folder) for folder in folders], problem=str(error))
