"""Scripted conversations, word for word, by long polling: the transcripts are read by eye before they are kept."""

import re

import pytest

from bot.commands.conversation import CHANGING
from bot.commands.menus import MENU
from bot.model import Months
from bot.screens import replies, settings_screens
from bot.storage.database import Database
from bot.text import calendars, zones
from tests.conversations import FOLDER, feeds, played
from tests.fakes.clock import FakeClock

TRANSCRIPTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.txt"))}
#: Of those of admins, two have their own conversation with feeds.yaml (``test_admin.py``).
COMMANDS = {"start", *MENU, *CHANGING, *replies.ADMIN_MENU} - {"addfeed", "reload"}
#: Buttons that differ by their place in a grid alone: weekdays, months, cities.
GRIDS = {
    *("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su", "ش", "ی", "د", "س", "چ", "پ", "ج"),
    *(name[:3] for name in calendars.GREGORIAN_MONTHS_EN),
    *(*calendars.JALALI_MONTHS_LATIN[Months.IRANIAN], *calendars.JALALI_MONTHS[Months.IRANIAN]),
    *calendars.GREGORIAN_MONTHS[Months.IRANIAN],
    *(zones.city_of(zone, language) for zone in settings_screens.ZONES for language in replies.LANGUAGE_NAMES),
}
SOURCES = {name for feed in feeds() for name in (feed.title, feed.name)} | {"کاشت سیر"}


def kind_of(button: str) -> str:
    """A button without what differs from one of its kind to the next: numbers, values, titles."""
    label = re.sub(r"^✓ |^[0-9۰-۹]+\. |: .*| \([0-9۰-۹]+\)$|(?<=^Search for) .*|(?<=^جستجوی) .*", "", button)
    if label in GRIDS or label in SOURCES or re.fullmatch("#.*|[0-9۰-۹]+|باغ [0-9]+", label):
        return "one of many"
    return label


@pytest.mark.parametrize("name", TRANSCRIPTS)
async def test_the_bot_says_what_the_transcript_says(name: str, sqlite: Database, clock: FakeClock) -> None:
    assert await played(TRANSCRIPTS[name], sqlite, clock) == TRANSCRIPTS[name]


def test_every_conversation_is_there_in_both_languages() -> None:
    languages: dict[str, set[str]] = {"en": set(), "fa": set()}
    for name in TRANSCRIPTS:
        languages[name[-2:]].add(name[:-3])
    assert languages["en"] == languages["fa"]


@pytest.mark.parametrize("language", ["en", "fa"])
def test_every_command_is_said_and_every_button_pressed_in_both_languages(language: str) -> None:
    lines = "\n".join(text for name, text in TRANSCRIPTS.items() if name.endswith(language)).split("\n")
    said = {found[1] for line in lines if (found := re.match(r"\w[^:]*: /(\w+)", line))}
    assert said >= COMMANDS
    shown = {kind_of(each) for line in lines if line.startswith("    [") for each in re.findall(r"\[(.*?)\]", line)}
    pressed = {kind_of(found[1]) for line in lines if (found := re.search(r" taps \[(.*)\]$", line))}
    # A conversation changes its language now and then: its buttons are those of the other one's.
    assert {each for each in shown - pressed if bool(re.search("[ا-ی]", each)) is (language == "fa")} == set()
