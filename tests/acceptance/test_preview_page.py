"""The preview page in a real browser: what it understood of the page, and that it drew it.

Skipped where there is no Chromium.
"""

import re
import struct
from pathlib import Path

import pytest

from bot.model import Entity, LinkPreview, Message, Shown
from tests.shots import dump_dom, find_chromium, sample, showing, shown, take_picture

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="chromium is not installed")

PNG = b"\x89PNG\r\n\x1a\n"


async def dom_of(posts: list[Shown], path: str) -> str:
    async with showing({"fa": posts, "en": posts}) as address:
        return await dump_dom(address + path)


async def test_a_persian_channel_is_right_to_left_and_its_english_lines_are_not() -> None:
    dom = await dom_of(sample("fa"), "/preview/fa")
    assert '<html lang="fa" dir="rtl">' in dom
    assert "پیش\u200cنمایش؛ چیزی به تلگرام نرفته" in dom
    assert re.search(r'<p class="line" dir="rtl"><a href="https://daftar[^>]*><b>ماه کامل', dom)
    assert re.search(r'<p class="line" dir="ltr"><a href="https://sky-notes[^>]*><b>A full moon', dom)
    assert re.search(r'<p class="line" dir="rtl">\u200fیکشنبه ۱ آذر ۱۴۰۵ \(\u2067۲۲ نوامبر ۲۰۲۶\u2069\)', dom)
    assert '<blockquote dir="rtl">' in dom


async def test_an_english_channel_is_left_to_right_and_its_persian_lines_are_not() -> None:
    dom = await dom_of(sample("en"), "/preview/en")
    assert '<html lang="en" dir="ltr">' in dom
    assert re.search(r'<p class="line" dir="rtl"><a href="https://daftar[^>]*><b>ماه کامل', dom)
    assert re.search(r'<p class="line" dir="ltr">Sunday, 22 November 2026 \(\u2067۱ آذر ۱۴۰۵\u2069\)', dom)


async def test_the_browser_changes_nothing_in_crossing_entities_quotes_and_code() -> None:
    text = "🌕 moon over hills\nquote\nb = 2\nend"
    crossing = (Entity("bold", 0, 12), Entity("italic", 8, 10), Entity("blockquote", 19, 5), Entity("pre", 25, 5))
    dom = await dom_of([shown(1, [Message(text, crossing)])], "/preview/en")
    assert (
        '<div class="text"><p class="line" dir="ltr"><b>🌕 moon <i>over</i></b><i> hills</i></p>'
        '<blockquote dir="ltr"><p class="line" dir="ltr">quote</p></blockquote>'
        '<pre dir="ltr"><code><span class="line" dir="ltr">b = 2</span></code></pre>'
        '<p class="line" dir="ltr">end</p></div>'
    ) in dom


async def test_hostile_posts_do_not_run_in_the_browser() -> None:
    hostile = '<script>document.title = "taken"</script><img src=x onerror="document.title=1"><style>*{display:none}'
    message = Message(hostile, (Entity("text_link", 0, 5, url="javascript:document.title=1"),), LinkPreview(hostile))
    dom = await dom_of([shown(1, [message], error=hostile)], "/preview/en?marks=1")
    assert "<title>Night Sky</title>" in dom
    assert not re.search(r"<(script|img|style)", dom)
    assert "&lt;script&gt;" in dom


async def test_pictures_are_drawn_and_dark_is_not_light(tmp_path: Path) -> None:
    async with showing({"fa": sample("fa")}) as address:
        for scheme in ("light", "dark"):
            await take_picture(f"{address}/preview/fa", tmp_path / f"{scheme}.png", (500, 900), scheme)
    light, dark = (tmp_path / "light.png").read_bytes(), (tmp_path / "dark.png").read_bytes()
    for picture in (light, dark):
        assert picture.startswith(PNG)
        assert struct.unpack(">II", picture[16:24]) == (500, 900)
        assert len(picture) > 20_000
    assert light != dark
