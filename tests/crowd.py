"""`make crowd`: fifty people type at once, 2,000 updates in a minute, while posts are read and delivered.

The bot is a process of its own; people, Telegram and the clock are in this one. Every answer says what it answers, so
that each chat's order is known. The channels get the posts of an archive, and a post that is written meanwhile.
"""

import argparse
import asyncio
import re
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.child import Installation
from tests.fakes.bot_api import BotApi
from tests.fakes.bot_api_chats import Chat

PEOPLE, UPDATES, SECONDS = 50, 2_000, 60.0
GOAL = 0.3
CHANNELS = range(-1001111111105, -1001111111100)
FIRST = 1_000  #: the first person's id
LATE = "The comet that came meanwhile"
_POST = (
    "۱۳۹۷ مهر {day}\n\nEvening {day}\n\nThe moon of evening {day} stands over the hills, and stars are above it.\n\n"
)


@dataclass
class Figures:
    """What came of it."""

    took: list[float] = field(default_factory=list)
    asked: int = 0
    unordered: int = 0
    posts: int = 0  #: delivered while people typed
    late: float | None = None  #: seconds from writing a post to its delivery

    @property
    def is_good(self) -> bool:
        """Whether all that was promised holds."""
        return (
            len(self.took) == self.asked and not self.unordered and median(self.took) < GOAL
            and self.posts > 0 and self.late is not None
        )  # fmt: skip

    def __str__(self) -> str:
        ordered = sorted(round(span * 1_000) for span in self.took)
        late = f"went out after {self.late:.1f} s" if self.late is not None else "did not go out"
        return (
            f"{len(ordered)} of {self.asked} answered, {self.unordered} out of order\n"
            f"median {median(ordered):.0f} ms (goal {GOAL * 1_000:.0f}), p95 {ordered[int(len(ordered) * 0.95)]} ms, "
            f"longest {ordered[-1]} ms\n{self.posts} posts delivered meanwhile; one that was written meanwhile {late}"
        )


def question(number: int) -> tuple[str, str]:
    """What somebody sends as their update of that number, and what its answer says."""
    if number % 2:
        day = f"{number % 28 + 1} March {1900 + number}"
        return f"/date {day}", day
    return f"moon {number}", f"moon {number}"


def configure(installation: Installation) -> Path:
    """Five channels that get twenty-nine posts of an archive, oldest first; the file that it is."""
    archive = installation.folder / "evenings.txt"
    archive.write_text("".join(_POST.format(day=day) for day in range(29, 0, -1)), encoding="utf-8")
    channels = "".join(f'  c{abs(chat) % 100}: {{chat: "{chat}", language: en}}\n' for chat in CHANNELS)
    names = ", ".join(f"c{abs(chat) % 100}" for chat in CHANNELS)
    installation.configure(
        f"bot: {{language: en}}\nchannels:\n{channels}"
        f"archives:\n  evenings: {{path: evenings.txt, to: [{names}], backfill: all}}\n"
    )
    return archive


async def play(updates: int, seconds: float, people: int) -> Figures:
    """Start the bot, let people type, and count."""
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder))
        archive = configure(installation)
        async with BotApi() as api:
            for chat in CHANNELS:
                api.add_chat(Chat(chat, type="channel", title=f"Channel {chat}", status="administrator"))
            installation.use_bot(api.base_url.removesuffix("/bot"))
            async with installation.running():
                await api.until(lambda: any(sent.chat_id in CHANNELS for sent in api.sent), within=120)
                await _type(api, archive, figures, updates, seconds, people)
    return figures


async def _type(api: BotApi, archive: Path, figures: Figures, updates: int, seconds: float, people: int) -> None:
    before = len(api.sent)
    asked: dict[int, list[tuple[str, float]]] = {FIRST + person: [] for person in range(people)}
    begun, written = time.monotonic(), 0.0
    for number in range(updates):
        await asyncio.sleep(max(0.0, begun + number * seconds / updates - time.monotonic()))
        person = FIRST + number % people
        text, answer = question(number // people)
        asked[person].append((answer, time.monotonic()))
        api.crowd.private_message(person, text, "en")
        if number == updates // 4:
            await asyncio.to_thread(_write_more, archive)
            written = time.monotonic()
    figures.posts = sum(sent.chat_id in CHANNELS for sent in api.sent[before:])
    await _answered(api, updates)
    figures.asked = updates
    for person, questions in asked.items():
        answers = [sent for sent in api.sent if sent.chat_id == person]
        for (answer, at), sent in zip(questions, answers, strict=False):
            figures.took.append(sent.mono - at)
            figures.unordered += answer not in re.sub("[\u2066-\u2069]", "", sent.text)
    try:
        await api.until(lambda: any(LATE in sent.text for sent in api.sent), within=120)
    except TimeoutError:
        return
    figures.late = next(sent.mono for sent in api.sent if LATE in sent.text) - written


def _write_more(archive: Path) -> None:
    older = archive.read_text(encoding="utf-8")
    archive.write_text(f"۱۳۹۷ مهر ۳۰\n\n{LATE}\n\nNobody had foretold it.\n\n{older}", encoding="utf-8")


async def _answered(api: BotApi, updates: int) -> None:
    def count() -> int:
        return sum(sent.chat_id >= FIRST for sent in api.sent)

    try:
        await api.until(lambda: count() >= updates, within=120)
    except TimeoutError:
        print(f"only {count()} were answered")


def main() -> None:
    """Play once and say what came of it; 1 where a promise is broken."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--updates", type=int, default=UPDATES)
    options.add_argument("--seconds", type=float, default=SECONDS)
    options.add_argument("--people", type=int, default=PEOPLE)
    given = options.parse_args()
    figures = asyncio.run(play(given.updates, given.seconds, given.people))
    print(figures)
    sys.exit(0 if figures.is_good else 1)


if __name__ == "__main__":
    main()
