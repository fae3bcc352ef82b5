"""Time zones as people call them: by their cities, in both languages. Pure; the names of the cities are CLDR's."""

from collections.abc import Mapping
from functools import cache
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global

from bot.model import Language
from bot.text import persian

_LANGUAGES: tuple[Language, ...] = ("fa", "en")


def zone_named(text: str) -> str | None:
    """The zone that somebody wrote: Europe/Paris, paris, پاریس; in any case, spaces for underscores."""
    return _zones().get(_key(text))


def city_of(zone: str, language: Language) -> str:
    """How people call a zone: تهران, New York; of one that has no city, its own name."""
    canonical = get_global("zone_aliases").get(zone, zone)
    city = _cities(language).get(canonical, {}).get("city")
    return str(city) if city else _last_part(zone)


@cache
def _cities(language: Language) -> Mapping[str, Mapping[str, str]]:
    return Locale.parse(language).time_zones


def _last_part(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")


def _key(text: str) -> str:
    return persian.key_fold(text.replace("/", "1"))  # "Asia/Tehran" is not "asia tehran"


@cache
def _zones() -> dict[str, str]:
    found: dict[str, str] = {}
    names = sorted(available_timezones(), key=lambda zone: (zone in get_global("zone_aliases"), zone))
    for names_of in (
        lambda zone: [zone],
        lambda zone: [_last_part(zone)] if "/" in zone else [],
        # Of the zones of one city, that which is named after it comes first.
        lambda zone: [city_of(zone, each) for each in _LANGUAGES] if _last_part(zone) == city_of(zone, "en") else [],
        lambda zone: [city_of(zone, each) for each in _LANGUAGES],
    ):
        for zone in names:
            for name in names_of(zone):
                found.setdefault(_key(name), zone)
    return found
