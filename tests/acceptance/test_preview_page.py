"""The preview page in a real browser: what it understood of the page, and that it drew it.

Skipped where there is no Chromium.
"""

import re
import struct
from pathlib import Path

import pytest

from bot.model import Attachment, Button, Entity, LinkPreview, Message, MessageKind, Shown
from bot.web.preview import Frame, channel_page, stylesheet
from tests.shots import CHANNELS, NOW, dump_dom, find_chromium, sample, showing, shown, take_picture

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


#: Asked of the page in the browser, by a script that only the test puts in: what is seen before and after a press.
_LOOK = """<script>
const seen = () => [...document.querySelectorAll("main")].map(each => getComputedStyle(each).display != "none");
const width = name => Math.round(document.querySelector(name).getBoundingClientRect().width);
const mark = () => getComputedStyle(document.querySelector(".mark")).display != "none";
const told = [seen(), mark(), width(".bubble") == width(".keyboard")];
told.push(width(".media a") > 2 * width(".media a + a") - 9);
document.getElementById("tab-1").click();
document.getElementById("marks").click();
document.title = JSON.stringify([...told, seen(), mark()]);
</script>"""


async def test_a_page_that_stands_alone_changes_its_look_without_a_server(tmp_path: Path) -> None:
    media = tuple(Attachment(f"https://sky.example/{number}.jpg") for number in range(3))
    buttons = ((Button("Read", "https://sky.example/"), Button("Share", "https://sky.example/")),)
    posts = [
        shown(1, [Message("\u200fab", kind=MessageKind.ALBUM, media=media)]),
        shown(2, [Message("cd", buttons=buttons)]),
    ]
    frame = Frame("Sky", style=stylesheet())
    page = channel_page(CHANNELS["en"], posts[::-1], frame, NOW, others={"compact": posts})
    (tmp_path / "page.html").write_text(page + _LOOK, encoding="utf-8")
    dom = await dump_dom(f"file://{tmp_path}/page.html")
    assert "<title>[[true,false],false,true,true,[false,true],true]</title>" in dom


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
