"""Decide which vanished post a new entry of an archive is: one whose title, date or text its owner corrected.

Pure. An archive's posts have no guid of their own: what they are known by comes from date and title, so a correction
of either looks like one post gone and another come. ``storage/revisions.py`` asks for those that ``identity.match``
found new. Likeness is that of the words: shared runs of four of them among all (Jaccard's index), which an edit
lowers little and another text does not reach.
"""

import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from bot.model import Entry
from bot.text import persian

RUN_WORDS = 4
#: Likeness from which two texts are one, and that for texts with the same title or of the same day.
ALIKE = 0.5
ALIKE_IF_VOUCHED = 0.25

_TAG = re.compile(r"<[^<>]*>")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Version:
    """What is compared, of an entry and of a stored post."""

    title: str
    day: date | None
    runs: frozenset[int]

    @classmethod
    def of(cls, entry: Entry) -> "Version":
        """Of what an entry says; spelling with Arabic letters or digits makes no difference."""
        text = html.unescape(_TAG.sub(" ", entry.content or entry.summary or ""))
        words = _WORD.findall(persian.search_fold(text))
        runs = (tuple(words[at : at + RUN_WORDS]) for at in range(max(len(words) - RUN_WORDS + 1, bool(words))))
        day = entry.published.date() if entry.published else None
        return cls(persian.key_fold(entry.title or ""), day, frozenset(map(hash, runs)))

    def likeness(self, other: "Version") -> float:
        """Between 0 and 1."""
        return _likeness(self, other, len(self.runs & other.runs))

    def shares_title(self, other: "Version") -> bool:
        """Whether both have one title."""
        return bool(self.title) and self.title == other.title

    def shares_day(self, other: "Version") -> bool:
        """Whether both are of one day."""
        return self.day is not None and self.day == other.day


class _Pair(NamedTuple):
    likeness: float
    at: int  #: of the new one
    post_id: int


def find_revised(new: Sequence[Version], gone: Mapping[int, Version], others: Sequence[Version]) -> dict[int, int]:
    """For the places of new entries the ids of the *gone* posts that they are; each post at most once, the best first.

    *others* are posts of the same archive that are still there. Where one of them is like the gone one too, its
    source repeats itself, a weekly bulletin for one: then only a title or day of its own proves anything.
    """
    found: dict[int, int] = {}
    taken: set[int] = set()
    for likeness, at, post_id in sorted(_pairs(new, gone), key=lambda pair: (-pair.likeness, pair.at, pair.post_id)):
        if at not in found and post_id not in taken and _is_one(new[at], gone[post_id], likeness, others):
            found[at] = post_id
            taken.add(post_id)
    return found


def _pairs(new: Sequence[Version], gone: Mapping[int, Version]) -> Iterator[_Pair]:
    posts_with: defaultdict[int, list[int]] = defaultdict(list)
    for post_id, version in gone.items():
        for run in version.runs:
            posts_with[run].append(post_id)
    for at, version in enumerate(new):
        shared = Counter(post_id for run in version.runs for post_id in posts_with.get(run, ()))
        for post_id, count in shared.items():
            likeness = _likeness(version, gone[post_id], count)
            if likeness >= ALIKE_IF_VOUCHED:
                yield _Pair(likeness, at, post_id)


def _likeness(one: Version, other: Version, shared: int) -> float:
    return shared / (len(one.runs) + len(other.runs) - shared) if shared else 0.0


def _is_one(entry: Version, post: Version, likeness: float, others: Sequence[Version]) -> bool:
    family = [other for other in others if post.likeness(other) >= ALIKE]
    title_vouches = entry.shares_title(post) and not any(post.shares_title(other) for other in family)
    day_vouches = entry.shares_day(post) and not any(post.shares_day(other) for other in family)
    return title_vouches or day_vouches or (likeness >= ALIKE and not family)
