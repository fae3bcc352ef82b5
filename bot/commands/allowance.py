"""How much one person, or one group, may ask of the bot. Pure but for what it remembers of the last minutes.

A bucket each: so many at once, and so many a second from then on. The first refusal is told, the next ones are not:
an answer to each would be what the limit is there to prevent.
"""

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and so many a second."""

    burst: float
    per_second: float


#: Commands, texts and buttons of one person: far more than fingers do.
PERSON = Rate(60, 1)
#: Telegram itself takes 20 messages a minute for a group (Bots FAQ).
GROUP = Rate(20, 20 / 60)
#: One query for each letter that is typed.
INLINE = Rate(40, 4)
#: Buckets that are remembered; the ones that were idle longest are full again anyway.
_MOST = 10_000


class Verdict(Enum):
    """What becomes of an update."""

    GO = auto()
    TELL = auto()  #: too much, for the first time: say so
    DROP = auto()


class _Bucket(NamedTuple):
    left: float
    at: float
    is_told: bool


class Allowances:
    """Buckets by key; time is in seconds of a clock that nobody sets."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[tuple[str, int], _Bucket] = OrderedDict()

    def take(self, kind: str, key: int, rate: Rate, now: float) -> Verdict:
        """Use one of what *key* may ask for."""
        old = self._buckets.pop((kind, key), _Bucket(rate.burst, now, is_told=False))
        left = min(rate.burst, old.left + (now - old.at) * rate.per_second)
        verdict = Verdict.GO if left >= 1 else Verdict.DROP if old.is_told else Verdict.TELL
        if verdict is Verdict.GO:
            # Who was told is told again only after having been quiet for a while.
            bucket = _Bucket(left - 1, now, old.is_told and left <= rate.burst / 2)
        else:
            bucket = _Bucket(left, now, is_told=True)
        self._buckets[kind, key] = bucket
        if len(self._buckets) > _MOST:
            self._buckets.popitem(last=False)
        return verdict
