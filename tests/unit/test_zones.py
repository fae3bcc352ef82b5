"""Time zones by their cities, in both languages."""

import pytest

from bot.screens.settings_screens import ZONES
from bot.text import zones


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Europe/Paris", "Europe/Paris"),
        ("europe/paris", "Europe/Paris"),
        ("Paris", "Europe/Paris"),
        ("پاريس", "Europe/Paris"),
        ("لوس آنجلس", "America/Los_Angeles"),
        ("new york", "America/New_York"),
        ("Buenos Aires", "America/Argentina/Buenos_Aires"),
        ("Denver", "America/Denver"),  # five zones have this city; one is named after it
        ("utc", "UTC"),
        ("Atlantis", None),
        ("", None),
    ],
    ids=ascii,
)
def test_a_zone_is_known_by_its_name_and_by_its_city(text: str, zone: str | None) -> None:
    assert zones.zone_named(text) == zone


def test_every_zone_on_a_button_is_called_by_its_city() -> None:
    for zone in ZONES:
        for language in ("fa", "en"):
            city = zones.city_of(zone, language)
            assert "/" not in city
            assert zones.zone_named(city) == zone
