"""``bot.open``: somebody sends the address of any feed, looks at it, and follows it. Beside ``conversation.py``.

The fetching is that of ``/addfeed`` with its guards, in a task of its own: nobody else's answer waits for a slow
publisher. What was found is kept in memory for a quarter of an hour, bound to the person and the chat. Feeds that came
so are nobody else's: no list and no search shows them.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.admin.adding import Sample
from bot.clock import Clock
from bot.commands.allowance import Allowances, Rate, Verdict
from bot.commands.following import Following, Listener
from bot.commands.rights import Caller
from bot.errands import Errands
from bot.errors import SourceError
from bot.screens import admin_replies, follow_screens, replies
from bot.screens.leafing import Button, Screen
from bot.sources.discovery import Candidate

log = structlog.get_logger()

PATIENCE = timedelta(minutes=15)
#: Addresses that one person may have looked at: so many at once, ten an hour from then on.
LOOKS = Rate(10, 10 / 3600)
#: Looks at the same time, of everybody together.
MOST_AT_ONCE = 4
#: Feeds of a page that are offered.
_MOST_FOUND = 8

Show = Callable[[Screen], Awaitable[None]]


class Finder(Protocol):
    """What ``admin/desk.py`` does for admins too."""

    async def find(self, url: str) -> list[Candidate]:
        """The feeds of an address. Raises: SourceError."""

    async def sample(self, url: str) -> Sample:
        """A feed as it is now. Raises: SourceError."""


@dataclass(slots=True)
class _Look:
    """What one person looks at."""

    caller: Caller
    to: Listener
    show: Show
    until: datetime
    name: str
    found: list[Candidate]
    chosen: Candidate | None = None
    title: str | None = None


class Opening:
    """Looks at addresses for people. *keep* gives a feed its place in the store; None where there is no room for it."""

    def __init__(
        self,
        finder: Finder,
        following: Following,
        clock: Clock,
        keep: Callable[[str, str | None], Awaitable[int | None]],
    ) -> None:
        self._finder, self._following, self._clock, self._keep = finder, following, clock, keep
        self._allowances = Allowances()
        self._places = asyncio.Semaphore(MOST_AT_ONCE)
        self._looks: dict[int, _Look] = {}
        self._errands = Errands()

    async def close(self) -> None:
        """End what is under way."""
        await self._errands.close()

    def may_look(self, caller: Caller) -> bool:
        """Whether somebody may have one more address looked at; counts it."""
        now = self._clock.monotonic()
        return self._allowances.take("look", caller.user_id, LOOKS, now) is Verdict.GO

    def look(self, url: str, caller: Caller, to: Listener, show: Show) -> None:
        """Find the feeds of an address, and show them in the place of the message that says so."""
        until = self._clock.now() + PATIENCE
        self._looks = {user: each for user, each in self._looks.items() if each.until > self._clock.now()}
        look = self._looks[caller.user_id] = _Look(caller, to, show, until, secrets.token_urlsafe(6), [Candidate(url)])
        self._start(look, self._find(look))

    async def press(self, action: str, caller: Caller) -> Screen | None:
        """A button of ours: a feed is chosen, or followed."""
        kind, _, rest = action.partition(".")
        name, _, number = rest.partition(".")
        look = self._looks.get(caller.user_id)
        is_theirs = look is not None and (look.caller.chat_id, look.name) == (caller.chat_id, name)
        if look is None or not is_theirs or self._clock.now() > look.until:
            return None
        if kind == "P" and number.isdecimal() and len(number) < 3 and int(number) < len(look.found):
            look.chosen = look.found[int(number)]
            self._start(look, self._sample(look))
            return Screen(admin_replies.looking(look.chosen.url, look.to.language))
        if kind == "Q" and look.chosen is not None:
            return await self._follow(look, look.chosen)
        return None

    async def _follow(self, look: _Look, chosen: Candidate) -> Screen:
        feed_id = await self._keep(chosen.url, look.title)
        if feed_id is None:
            return Screen(replies.no_room(look.to.language))
        return await self._following.follow_open(feed_id, look.title or chosen.url, look.to)

    # --- tasks -----------------------------------------------------------------------------------------------

    def _start(self, look: _Look, work: Awaitable[None]) -> None:
        """One task a person; an older one of theirs is ended."""
        user_id = look.caller.user_id
        self._errands.begin(user_id, self._guarded(look, work))

    async def _guarded(self, look: _Look, work: Awaitable[None]) -> None:
        try:
            async with self._places:
                await work
        except SourceError as error:
            url = (look.chosen or look.found[0]).url
            log.info("address not read", user_id=look.caller.user_id, error=type(error).__name__)
            await look.show(Screen(admin_replies.unreadable(url, error, look.to.language)))
        except Exception as error:  # a task's top: one bad page must not end without a word
            log.error("look failed", user_id=look.caller.user_id, error=type(error).__name__)
            await look.show(Screen(replies.failed(look.to.language)))

    async def _find(self, look: _Look) -> None:
        url, language = look.found[0].url, look.to.language
        look.found = (await self._finder.find(url))[:_MOST_FOUND]
        if not look.found:
            look.found = [Candidate(url)]
            await look.show(Screen(admin_replies.nothing_found(url, language)))
        elif len(look.found) == 1:
            look.chosen = look.found[0]
            await self._sample(look)
        else:
            found = [(each.title, each.url) for each in look.found]
            rows = tuple(
                (Button(admin_replies.choice_label(index + 1, title or address, language), f"P.{look.name}.{index}"),)
                for index, (title, address) in enumerate(found)
            )
            await look.show(Screen(admin_replies.which_feed(found, language), rows))

    async def _sample(self, look: _Look) -> None:
        if look.chosen is None:
            return
        sample = await self._finder.sample(look.chosen.url)
        look.title = sample.title or look.chosen.title
        titles = [entry.title for entry in sample.entries if entry.title]
        reader = self._following.reader(look.to)
        await look.show(follow_screens.found(look.title or look.chosen.url, titles, f"Q.{look.name}", reader))
