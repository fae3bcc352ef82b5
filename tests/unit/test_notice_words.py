"""What the admin chat is told in its own language; words of feeds in it stay words."""

from datetime import timedelta

import pytest

from bot import poller
from bot.model import Ingested
from bot.screens import notice_words
from bot.screens.intervals import asked_every, reasons
from tests.builders import a_feed
from tests.conversations import MARKS


def test_a_silent_first_reading_is_explained_in_persian() -> None:
    line = poller.explain_silence(a_feed(), Ingested(new=20, first_reading=True)) or ""
    assert MARKS.sub("", notice_words.said(line, "fa")) == (
        "sky: ۲۰ نوشته خوانده شد و هیچ‌کدام منتشر نشد (backfill: 0). نوشتهٔ تازهٔ بعدی منتشر می‌شود. "
        "برای ارسال یکی همین حالا: /preview sky"
    )
    assert MARKS.sub("", notice_words.said(line, "en")) == line


@pytest.mark.parametrize("language", ["fa", "en"])
def test_a_line_that_is_not_known_is_words_alone(language: str) -> None:
    said = notice_words.said("<b>sky</b>: /stop @everyone", "fa" if language == "fa" else "en")
    assert "<b>" not in said
    assert "/stop" not in said


WHY = {
    "your floor 30m, rhythm 12m, publisher says 2520s": "کف شما ۳۰ دقیقه، آهنگ خودش ۱۲ دقیقه، ناشر می‌گوید ۲۵۲۰ ثانیه",
    "failed 3 times in a row, publisher asks to wait 60s": "۳ بار پیاپی ناموفق، ناشر می‌خواهد ۶۰ ثانیه صبر کنیم",
    "gone; asked once more, since such words are said by accident": "رفته؛ برای اطمینان یک بار دیگر خوانده می‌شود",
    "something that nobody knows": "something that nobody knows",
}


@pytest.mark.parametrize(("why", "said"), WHY.items())
def test_the_real_interval_is_explained(why: str, said: str) -> None:
    assert reasons(why, "fa") == said
    assert reasons(why, "en") == why


def test_an_interval_is_said_in_its_own_unit() -> None:
    why = "your floor 30m, publisher says 2520s"
    assert asked_every(timedelta(minutes=42), why, "en") == f"asked every 42m: {why}"
    assert asked_every(timedelta(hours=12), why, "en").startswith("asked every 12h:")
    assert asked_every(timedelta(days=3), why, "en").startswith("asked every 3 days:")
