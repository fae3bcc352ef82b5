"""Decide when the next message may go out. Pure but for the bot-wide pace, which lives as long as the process.

Telegram publishes no exact limits: about 30 messages a second for a bot, one a second for a chat, 20 a minute for a
group or channel (Bots FAQ, "My bot is hitting limits"). A slot is dated by its answer, not by its request: the
server counts when it handles a message. Called by ``outbox/delivering.py``; sends nothing itself.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

#: The minute of groups and channels, with half a second for clocks that differ.
WINDOW = timedelta(seconds=60.5)
#: So far two machines' clocks may differ.
SKEW = timedelta(seconds=5)
#: Seconds too few to wait for.
TICK = 0.0001
#: So soon one looks again whether there is room, where nothing tells when there will be.
AGAIN = 0.05
#: One a second for a chat, of which this many may come at once.
BURST = 3
#: Seconds for which replies keep to the pace too, after Telegram asked us to wait.
CAREFUL = 600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The limits of feeds.yaml: ``rate`` and ``chat_rate``."""

    per_second: int = 28
    per_chat_minute: int = 20


#: Of messages that the bot pays for where they are over the free limits: Telegram takes 1,000 a second of them.
PAID = Pace(per_second=930)


def chat_ready_at(recent: Sequence[datetime], now: datetime, *, is_group: bool, pace: Pace, count: int = 1) -> datetime:
    """When a chat may get its next *count* messages; *recent* says when its last ones were answered, oldest first.

    >>> from datetime import UTC
    >>> at = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    >>> (chat_ready_at([at] * 3, at, is_group=False, pace=Pace()) - at).total_seconds()
    3.0
    """
    # A clock that was set back: what lies far ahead says nothing about the last minute.
    recent = [at for at in recent if at <= now + SKEW]
    # Never more messages than seconds, from BURST of both on: an album of ten has its chat rest for ten.
    ready = max((recent[-n] + timedelta(seconds=n) for n in range(BURST, len(recent) + 1)), default=now)
    room = max(pace.per_chat_minute - count, 0)
    if is_group and len(recent) > room:
        ready = max(ready, recent[-room - 1] + WINDOW)
    return max(ready, now)


def whole_of(pace: Pace) -> int:
    """How many messages of the bot Telegram may have before it within one second: 30 for 28, its own limit."""
    return pace.per_second + max(1, pace.per_second // 14)


@dataclass(frozen=True, slots=True)
class Wish:
    """How much of the bot's pace a process could use at the moment."""

    owner: str
    wanted: int
    least: int = 1  #: what its next message takes: an album goes out as one


def allot(whole: int, wishes: Sequence[Wish]) -> dict[str, int]:
    """Part *whole* among processes: what each needs for its next message, then evenly up to what each wants.

    >>> allot(30, [Wish("a", 40), Wish("b", 3), Wish("c", 40)])
    {'a': 14, 'b': 3, 'c': 13}
    """
    shares = {}
    left = whole
    for wish in wishes:
        shares[wish.owner] = wish.least if wish.least <= left else 0
        left -= shares[wish.owner]
    hungry = [wish for wish in wishes if shares[wish.owner]]
    while left and (hungry := [wish for wish in hungry if shares[wish.owner] < wish.wanted]):
        poorest = min(hungry, key=lambda wish: shares[wish.owner])
        shares[poorest.owner] += 1
        left -= 1
    return shares


class BotPace:
    """At most ``per_second`` messages of one bot in any second, evenly apart. In seconds of a clock that nobody sets.

    What is spaced on its way out may bunch up on its way in: a machine that stood still, a network that did. So what
    is under way and what was answered within the last second are counted together. Telegram handles a message before it
    answers; of all that it handles within one second, the last to begin sees all the others under way or just
    answered. Their number is therefore never over ``per_second`` and a fourteenth (30 for 28, Telegram's own
    limit), whatever the delays; up to 70 ms for an answer it costs nothing.

    Several processes of one bot share that number: each counts its own messages against its share (``share``), and the
    shares together are never more than the whole.

    **Replies** to people are no part of that: Telegram's limit is one on notifications, and somebody waits. They go at
    once, and posts make room for them, down to a quarter of the whole. For a while after a flood limit they wait as
    posts do.
    """

    def __init__(self, pace: Pace) -> None:
        self.whole = whole_of(pace)
        self._per_second = pace.per_second
        self._apart = 1 / pace.per_second
        self._most, self._most_until = self.whole, math.inf
        self._next = 0.0
        self._under_way = 0
        self._answered: deque[float] = deque()
        self._replied: deque[float] = deque()
        self._careful_until = 0.0
        self._flooded: set[int] = set()  # chats that were told to wait since any message was taken
        self._held_until = 0.0

    def share(self, most: int, until: float) -> None:
        """*most* of the whole are ours *until* then, and the same part of the rate."""
        self._most, self._most_until = most, until
        self._apart = self.whole / (self._per_second * most) if most else AGAIN

    def has_lapsed(self, now: float) -> bool:
        """Whether our share is over: others may have it by now."""
        return now >= self._most_until

    def in_use(self, now: float) -> int:
        """How much of the share is taken: what is under way, and what was answered within the last second."""
        for gone in (self._answered, self._replied):
            while gone and gone[0] <= now - 1:
                gone.popleft()
        return self._under_way + len(self._answered) + self._room_made()

    def _room_made(self) -> int:
        """What posts leave to replies."""
        return min(len(self._replied), self.whole - max(1, self.whole // 4))

    def has_room(self, now: float, count: int = 1) -> bool:
        """Whether the share is large enough for *count* more messages, whenever their turn comes."""
        used = self.in_use(now)
        return now < self._most_until and used + min(count, self.whole - self._room_made()) <= self._most

    def wait(self, now: float, count: int = 1) -> float:
        """How long the next *count* messages have to wait; 0 when they may go: then ``begin`` is called at once."""
        if now >= self._most_until:
            return AGAIN
        due = max(self._next, self._held_until)
        if not self.has_room(now, count):
            # With nothing answered one can only look again.
            oldest = min((gone[0] for gone in (self._answered, self._replied) if gone), default=None)
            due = max(due, now + min(self._apart, AGAIN) if oldest is None else oldest + 1)
        return due - now if due - now > TICK else 0.0

    def wait_to_reply(self, now: float) -> float:
        """How long a reply has to wait; 0 when it may go: then ``begin_reply`` is called at once."""
        return self.wait(now) if now < self._careful_until else max(self._held_until - now, 0.0)

    def begin_reply(self, now: float) -> None:
        """A reply goes out."""
        if now < self._careful_until:
            self._next = max(self._next, now - self._apart) + self._apart
        self._replied.append(now)

    def begin(self, now: float, count: int = 1) -> None:
        """*count* messages go out. One slot is made up for: a sleep ends late, and the next must not pay for it."""
        self._next = max(self._next, now - self._apart) + self._apart * count
        self._under_way += count

    def end(self, now: float, count: int = 1) -> None:
        """They were answered, or never will be."""
        self._under_way -= count
        self._answered.extend([now] * count)

    def hold(self, until: float) -> None:
        """Telegram wants to hear nothing from the bot until then: another process was told so."""
        self._held_until = max(self._held_until, until)
        self._careful_until = max(self._careful_until, until + CAREFUL)

    def held(self, now: float) -> timedelta:
        """How long Telegram wants to hear nothing from the bot."""
        return timedelta(seconds=max(self._held_until - now, 0.0))

    def taken(self) -> None:
        """Telegram took a message: the bot as a whole is under no flood limit."""
        self._flooded.clear()

    def flooded(self, chat_id: int, now: float, after: timedelta) -> bool:
        """Telegram asked a chat to wait; True when it means the whole bot, which then waits as long.

        A flood limit does not say whose it is. Two chats in a row without a message taken in between are no chance:
        each chat keeps to its own limit.
        """
        self._careful_until = now + CAREFUL
        self._flooded.add(chat_id)
        if len(self._flooded) > 1:
            self.hold(now + after.total_seconds())
        return len(self._flooded) > 1
