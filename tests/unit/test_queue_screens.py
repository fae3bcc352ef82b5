"""What an admin can do about a delivery that did not go as it should, by what became of it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.model import DeliveryState, Language, Wait
from bot.screens.leafing import Reader
from bot.screens.queue_screens import Queue, queue
from bot.storage.overview import Trouble
from bot.web.words import speech_for

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Tehran")


def labels(language: Language, state: DeliveryState, wait: Wait | None = None) -> list[str]:
    """The buttons of one delivery in trouble."""
    trouble = Trouble(7, "Gardens", "The roses", state, 1, NOW, "an error", wait)
    found = Queue(waiting=0, channels={}, troubles=[trouble], total=1, page=0, dead=0, paused={})
    screen = queue(found, speech_for(language, ZONE, NOW), Reader(language, ZONE))
    return [button.text for button in screen.buttons[0]]


@pytest.mark.parametrize(
    ("state", "wait", "wanted"),
    [
        (DeliveryState.DEAD, None, ["1. Send again", "1. Leave out"]),
        (DeliveryState.HELD, None, ["1. Send again", "1. Leave out"]),
        (DeliveryState.HELD, Wait.APPROVAL, ["1. Post it", "1. Leave out"]),
        (DeliveryState.PENDING, None, ["1. Leave out"]),
        (DeliveryState.UNCERTAIN, None, ["Look again"]),
    ],
)
def test_a_delivery_has_the_buttons_that_its_state_allows(
    state: DeliveryState, wait: Wait | None, wanted: list[str]
) -> None:
    assert labels("en", state, wait) == wanted


def test_what_waits_for_a_yes_was_never_sent_in_persian_either() -> None:
    assert labels("fa", DeliveryState.HELD, Wait.APPROVAL)[0] == "۱. بفرست"
