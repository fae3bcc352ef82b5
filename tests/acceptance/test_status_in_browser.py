"""The status page in a real browser: no script of ours, nothing from elsewhere, nothing that axe finds serious.

Skipped where there is no Chromium.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import pytest

from bot.model import Language, Shown
from tests.devtools import a_tab
from tests.shots import find_chromium, sample, showing, showing_status

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="chromium is not installed")

LOOKS = [("light", 412), ("dark", 1180)]


@pytest.mark.parametrize("language", ["fa", "en"])
async def test_axe_finds_nothing_on_a_phone_and_a_desktop_light_and_dark(language: Language, tmp_path: Path) -> None:
    posts: Mapping[str, Sequence[Shown]] = {language: sample(language)}
    async with (
        showing_status(tmp_path, language=language) as status,
        showing(posts) as site,
        a_tab() as tab,
    ):
        # The other pages in one look each: together both languages are both light and dark.
        look = LOOKS[language == "en"]
        others = [(look, f"{site}/preview/{language}?marks=1"), (look, f"{site}/nothing-here")]
        for (scheme, width), address in [*product(LOOKS, [status]), *others]:
            await tab.be(scheme)
            await tab.open(address, width)
            assert await tab.findings() == []
            # What is wider than the window scrolls in a box of its own.
            assert await tab.value("document.documentElement.scrollWidth <= innerWidth")


async def test_the_browser_draws_the_page_without_scripts_and_from_this_host_alone(tmp_path: Path) -> None:
    async with showing_status(tmp_path) as address, a_tab() as tab:
        await tab.open(address, 1180)
        assert await tab.value("document.dir + document.documentElement.lang") == "rtlfa"
        assert await tab.value("document.scripts.length") == 0
        loaded = await tab.value("performance.getEntriesByType('resource').map(one => new URL(one.name).origin)")
        assert set(loaded) == {await tab.value("location.origin")}
        # Weeks run from right to left, and the first of the year begins on its own weekday.
        x_of = (
            "[...document.querySelectorAll('.heat text:not(.weekday)')].map(one => one.getBoundingClientRect().right)"
        )
        places = await tab.value(x_of)
        assert places == sorted(places, reverse=True)
        assert await tab.value("document.querySelectorAll('.heat .weekday')[0].textContent") == "ش"
        assert await tab.value("getComputedStyle(document.querySelector('.spark path + path')).fill") != "rgb(0, 0, 0)"


async def test_a_delivery_is_tried_again_by_its_button(tmp_path: Path) -> None:
    async with showing_status(tmp_path, language="en") as address, a_tab() as tab:
        await tab.open(address, 1180)
        buttons = "[...document.querySelectorAll('form[method=post] button')]"
        before = await tab.value(f"{buttons}.length")
        await tab.value(f"{buttons}[0].click()")
        while await tab.value(f"document.readyState == 'complete' ? {buttons}.length : {before}") == before:
            pass
        assert await tab.value(f"{buttons}.length") == before - 1
        assert await tab.value("document.querySelectorAll('.state.dead .sign, .state.held .sign').length") > 0
