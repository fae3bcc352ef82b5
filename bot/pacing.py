"""Decide when the next message may go out. Pure but for the bot-wide pace, which lives as long as the process.

Telegram publishes no exact limits: about 30 messages a second for a bot, one a second for a chat, 20 a minute for a
group or channel (Bots FAQ, "My bot is hitting limits"). A slot is dated by its answer, not by its request: the
server counts when it handles a message. Called by ``outbox.py``; sends nothing itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

#: The minute of groups and channels, with half a second for clocks that differ.
WINDOW = timedelta(seconds=60.5)
#: One a second for a chat, of which this many may come at once.
BURST = 3


@dataclass(frozen=True, slots=True)
class Pace:
    """The limits of feeds.yaml: ``rate`` and ``chat_rate``."""

    per_second: int = 28
    per_chat_minute: int = 20


def chat_ready_at(recent: Sequence[datetime], now: datetime, *, is_group: bool, pace: Pace) -> datetime:
    """When a chat may get its next message; *recent* says when its last ones were answered, oldest first.

    >>> from datetime import UTC
    >>> at = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    >>> (chat_ready_at([at] * 3, at, is_group=False, pace=Pace()) - at).total_seconds()
    3.0
    """
    ready = now
    if len(recent) >= BURST:
        ready = max(ready, recent[-BURST] + timedelta(seconds=BURST))
    if is_group and len(recent) >= pace.per_chat_minute:
        ready = max(ready, recent[-pace.per_chat_minute] + WINDOW)
    return ready


class BotPace:
    """At most ``per_second`` messages of one bot in any second, evenly apart.

    Evenly, since what is spaced on its way out may bunch up on its way in: a burst of 28 and a delay of a tenth of a
    second would be 31 in the server's second.
    """

    def __init__(self, pace: Pace) -> None:
        self._apart = timedelta(microseconds=-(-1_000_000 // pace.per_second))  # rounded up
        self._next: datetime | None = None

    def reserve(self, now: datetime) -> timedelta:
        """Take the next free slot; return how long to wait for it.

        Slots are taken in order and in advance, so that twenty lanes that ask at once do not all go at once.
        """
        at = max(now, self._next or now)
        self._next = at + self._apart
        return at - now
