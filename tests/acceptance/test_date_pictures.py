"""The eight date templates drawn by a real browser, each on a line of its own and in a sentence of either direction.

Writes ``var/shots/dates.png`` for people to look at, and asks the browser where it put each word: left of what.
Skipped where there is no Chromium.
"""

import html
import json
import re
import struct
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.text.dates import DateStyle, format_date
from bot.text.persian import first_strong, isolate
from tests.shots import DIRECTORY, dump_dom, find_chromium, take_picture

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="chromium is not installed")

NOON = datetime(2018, 9, 30, 9, 0, tzinfo=UTC)
TEMPLATES = {
    form: format_date(NOON, ZoneInfo("Asia/Tehran"), DateStyle("fa", form=form), date_only=False) for form in "12345678"
}
#: The words of each template from left to right, as a reader sees them.
ON_SCREEN = {
    "1": "۲۰۱۸ سپتامبر ۳۰ ۱۳۹۷ مهر ۸ یکشنبه",
    "2": "30 September 2018 ۱۳۹۷ مهر ۸ یکشنبه",
    "3": "2018-09-30 ۱۳۹۷/۰۷/۰۸",
    "4": "یکشنبه ۸ مهر ۱۳۹۷",
    "5": "Sunday 30 September 2018 ۱۳۹۷ مهر ۸",
    "6": "Sun 30 Sep 2018 8 Mehr 1397 AP",
    "7": "30 Sep 2018 09:00 UTC تهران وقت به ۱۲:۳۰ ساعت ش ه ۱۳۹۷ مهر ۸ یکشنبه",
    "8": "۲۰۱۸ سپتامبر ۳۰ ۱۴۴۰ محرم ۲۰ ۱۳۹۷ مهر ۸",
}
STYLE = """body { font: 20px/1.7 sans-serif; margin: 16px; width: 940px } h2 { font-size: 15px; margin: 8px 0 0 }
p { margin: 0; border-bottom: 1px solid #ccc }"""
#: Puts into the title, for each paragraph, the words of its date in the order of their left edges.
SCRIPT = """
const seen = {};
for (const date of document.querySelectorAll("[data-date]")) {
  const words = [];
  const walker = document.createTreeWalker(date, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    for (const found of walker.currentNode.data.matchAll(/[\\p{L}\\p{Nd}]+(?:[/:-][\\p{Nd}]+)*/gu)) {
      const range = document.createRange();
      range.setStart(walker.currentNode, found.index);
      range.setEnd(walker.currentNode, found.index + found[0].length);
      words.push([range.getBoundingClientRect().left, found[0]]);
    }
  }
  words.sort((one, other) => one[0] - other[0]);
  seen[date.id] = words.map((word) => word[1]).join(" ");
}
document.title = JSON.stringify(seen);
"""


def page() -> str:
    """Each template alone, and isolated as our messages do it in a Persian and in an English paragraph."""
    parts = []
    for form, shown in TEMPLATES.items():
        alone = html.escape(shown)
        isolated = isolate(f'<span id="{{}}-{form}" data-date>{alone}</span>', first_strong(shown))
        parts.append(
            f'<h2>{form}</h2><p dir="auto"><span id="alone-{form}" data-date>{alone}</span></p>'
            f'<p dir="rtl">ماه کامل: {isolated.format("rtl")} · باغ</p>'
            f'<p dir="ltr">A full moon: {isolated.format("ltr")} · Garden</p>'
        )
    return f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style>{"".join(parts)}<script>{SCRIPT}</script>'


@pytest.fixture
def address(tmp_path: Path) -> str:
    path = tmp_path / "dates.html"
    path.write_text(page(), encoding="utf-8")
    return path.as_uri()


async def test_the_browser_draws_every_template_in_order(address: str) -> None:
    dom = await dump_dom(address)
    title = re.search("<title>(.*?)</title>", dom)
    assert title is not None
    seen = json.loads(html.unescape(title[1]))
    assert seen == {f"{where}-{form}": ON_SCREEN[form] for form in TEMPLATES for where in ("alone", "rtl", "ltr")}


async def test_the_templates_have_their_picture(address: str) -> None:
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    path = DIRECTORY / "dates.png"
    path.unlink(missing_ok=True)
    await take_picture(address, path, (980, 1200), "light")
    picture = path.read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture[16:24]) == (980, 1200)
