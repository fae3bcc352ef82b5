"""Goes by feeds.yaml as it is now: when it changes, or a file that it imports; on SIGHUP, and on ``/reload``.

All of it or nothing: with a mistake in it everything goes on as before, and the admin is told why, and when it is
mended. What is being written waits until it is still. Knows files by their stamps; what they say is ``app``'s.
"""

import asyncio
import glob
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path

import structlog

from bot.clock import Clock
from bot.errors import BotError, ConfigError
from bot.labels import translator
from bot.model import Changes, Language

#: How often files are looked at where nobody told of a change: a network drive, or a link that leads elsewhere now.
LOOK = timedelta(minutes=1)
#: A file that was not written to for so long is whole, as with archives.
SETTLE = timedelta(seconds=1)

#: When a file was written, how long it is, and which it is.
Stamp = tuple[int, int, int]

log = structlog.get_logger()


def stamps(patterns: Iterable[str]) -> dict[str, Stamp]:
    """The files of *patterns* as they are now."""
    found: dict[str, Stamp] = {}
    for pattern in patterns:
        for path in [pattern] if os.path.exists(pattern) else glob.glob(pattern, recursive=True):
            try:
                seen = os.stat(path)
            except OSError:  # gone in this moment
                continue
            found[path] = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
    return found


class Reloader:
    """Has the configuration read again. ``apply`` goes by what is there, or raises and leaves everything as it was."""

    def __init__(
        self,
        clock: Clock,
        *,
        path: Path,
        files: Callable[[], Sequence[str]],
        apply: Callable[[], Awaitable[Changes]],
        say: Callable[[str], None],
        tell: Callable[[Iterable[str]], Awaitable[None]],
        forget: Callable[[Iterable[str]], None],
        language: Callable[[], Language],
    ) -> None:
        self._clock = clock
        self._path = path
        self._files = files  # patterns: the main file, and what it imports
        self._apply = apply
        self._say = say
        self._tell, self._forget = tell, forget
        self._language = language
        self._reading = asyncio.Lock()
        self._read = stamps(files())
        self._moving: dict[str, Stamp] | None = None  # files that are others than those that were read
        self._still_since = 0.0  # by the steady clock
        self._mistake: str | None = None  # what the admin was told, and is still so
        self._is_hinted = False
        self._next_look = clock.monotonic() + LOOK.total_seconds()

    def hint(self) -> None:
        """Somebody saw a file change."""
        self._is_hinted = True

    async def look(self) -> None:
        """Called every second: read the files again when they changed and have been still for a moment."""
        now = self._clock.monotonic()
        is_time = now >= self._next_look
        if not (is_time or self._is_hinted or self._moving is not None):
            return
        if is_time:
            self._next_look = now + LOOK.total_seconds()
        self._is_hinted = False
        found = await asyncio.to_thread(stamps, self._files())
        if found == self._read:
            self._moving = None
            if is_time and self._mistake:  # it may be mended elsewhere: by a file that an import did not find
                await self.reload_and_say(is_news=False)
        elif self._moving != found:
            self._moving, self._still_since = found, now
        elif now - self._still_since >= SETTLE.total_seconds():
            self._moving = None
            await self.reload_and_say()

    async def reload(self) -> Changes:
        """Read everything again and go by it at once.

        Raises: ConfigError, StorageError; then everything goes on as before.
        """
        async with self._reading:
            self._read = before = await asyncio.to_thread(stamps, self._files())
            changes = await self._apply()
            # What is imported since was not looked at before it was read; what was, counts as it was then.
            self._read = await asyncio.to_thread(stamps, self._files())
            self._read |= {path: stamp for path, stamp in before.items() if path in self._read}
        log.info("feeds.yaml read again", added=changes.feeds_added, removed=changes.feeds_removed)
        await self._is_right()
        return changes

    async def reload_and_say(self, *, is_news: bool = True) -> None:
        """The same where nobody waits for an answer: what came of it is said, a mistake to the admin too.

        Where it is no news that something changed, the same mistake is not said again.
        """
        try:
            await self.reload()
        except BotError as error:
            mistake = self._described(error)
            if mistake != self._mistake or is_news:
                self._mistake = mistake
                log.warning("feeds.yaml not read again", problems=len(_problems(error)))  # the next line says which
                self._say(f"{error}\nThe configuration stays as it was")
                await self._tell([mistake])
        else:
            self._say(f"Configuration  {self._path}, read again")

    def _described(self, error: BotError) -> str:
        t = translator(self._language())
        problems = _problems(error)
        mistake = f"{t('feeds.yaml has mistakes, so nothing was changed:')} {problems[0]}"
        if len(problems) > 1:
            mistake += " " + t("(and {n} more; `qasedak check` names them)", n=len(problems) - 1)
        return mistake

    async def _is_right(self) -> None:
        if self._mistake is None:
            return
        t = translator(self._language())
        mended = t("feeds.yaml is right again and was read.")
        over, self._mistake = self._mistake, None
        await self._tell([mended])
        # The next time, both are news.
        self._forget([over, mended])


def _problems(error: BotError) -> list[str]:
    return error.problems if isinstance(error, ConfigError) else [str(error)]
