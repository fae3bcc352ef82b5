"""Scripted conversations, word for word, by long polling: the transcripts are read by eye before they are kept."""

import pytest

from bot.storage.database import Database
from tests.conversations import FOLDER, played
from tests.fakes.clock import FakeClock

TRANSCRIPTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.txt"))}


@pytest.mark.parametrize("name", TRANSCRIPTS)
async def test_the_bot_says_what_the_transcript_says(name: str, sqlite: Database, clock: FakeClock) -> None:
    assert await played(TRANSCRIPTS[name], sqlite, clock) == TRANSCRIPTS[name]


def test_every_conversation_is_there_in_both_languages() -> None:
    languages: dict[str, set[str]] = {"en": set(), "fa": set()}
    for name in TRANSCRIPTS:
        languages[name[-2:]].add(name[:-3])
    assert languages["en"] == languages["fa"]
