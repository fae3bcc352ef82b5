"""The picture of /stats is drawn by a child process, once for real; without one there are figures alone."""

import sys
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, update

from bot.admin import plotting
from bot.admin.choosing import Configured
from bot.admin.overseeing import Overseeing
from bot.admin.plotting import NotDrawn
from bot.model import DeliveryState
from bot.screens.leafing import Reader
from bot.storage import tally
from bot.storage.schema import deliveries
from bot.storage.tally import Tally
from bot.web.words import speech_for
from tests.builders import NOW, an_entry
from tests.stage import Stage

TEHRAN = ZoneInfo("Asia/Tehran")
DAYS = tuple(date(2026, 10, 25) + timedelta(days=number) for number in range(30))
FOUND = Tally(DAYS, (0,) * 29 + (3,), tuple(range(30)), (0,) * 30)


async def test_a_child_draws_a_picture() -> None:
    picture = await plotting.draw(FOUND, speech_for("fa", TEHRAN, NOW))
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(picture[start : start + 4]) for start in (16, 20))
    assert (width, height) == (1200, 960)


def test_the_child_is_told_words_and_digits_of_the_language() -> None:
    wanted = plotting.wanted(FOUND, speech_for("fa", TEHRAN, NOW))
    assert [row["title"] for row in wanted["rows"]] == [
        "نوشته‌های تازه، روز به روز (۳)", "فرستاده‌شده، روز به روز (۴۳۵)", "ناموفق، روز به روز (۰)",
    ]  # fmt: skip
    assert (wanted["rtl"], wanted["ticks"][0]) == (True, {"at": 29, "label": "۲ آذر"})
    english = plotting.wanted(FOUND, speech_for("en", TEHRAN, NOW))
    assert (english["rtl"], english["ticks"][0]["label"], english["digits"]) == (False, "23 Nov", {})


async def test_a_child_that_cannot_draw_is_no_misfortune(monkeypatch: pytest.MonkeyPatch, lite: Stage) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(NotDrawn):
        await plotting.draw(FOUND, speech_for("en", TEHRAN, NOW))
    room = Overseeing(lite.database, lite.clock, lite.sender.bot_id, Configured)
    screen = await room.stats(Reader("en", TEHRAN))
    assert screen.file is None
    assert screen.message.text.startswith("The last 30 days\nNew posts: 0 · last week 0, today 0")


async def test_days_are_counted_as_the_zone_divides_them(stage: Stage) -> None:
    stage.clock.jump(datetime(2026, 11, 22, 20, 45, tzinfo=UTC) - NOW)  # 0:15 of the 23rd in Tehran
    await stage.adopt()
    await stage.read(an_entry(0))
    await stage.read(an_entry(0), *(an_entry(number) for number in (1, 2, 3)))
    await stage.deliver_until_idle(stage.outbox(), within=timedelta(seconds=10))
    await stage.database.write(
        lambda connection: connection.execute(
            update(deliveries).where(deliveries.c.id == 3).values(state=DeliveryState.DEAD)
        )
    )
    found = await stage.database.read(tally.tally, stage.sender.bot_id, stage.clock.now(), TEHRAN)
    assert (found.days[-1], len(found.days)) == (date(2026, 11, 23), 30)
    assert (found.posts[-1], found.sent[-1], found.failed[-1]) == (4, 2, 1)
    assert sum(found.posts[:-1]) == 0
    assert await stage.database.read(tally.stored) == 4


async def test_what_waits_for_an_admin_untried_is_no_failure(lite: Stage) -> None:
    await lite.adopt()
    await lite.read(an_entry(0))
    await lite.read(an_entry(0), an_entry(1), an_entry(2))

    def hold(connection: Connection, delivery_id: int, attempts: int) -> None:
        held = update(deliveries).where(deliveries.c.id == delivery_id)
        connection.execute(held.values(state=DeliveryState.HELD, attempts=attempts))

    await lite.database.write(hold, 1, 0)
    await lite.database.write(hold, 2, 1)
    found = await lite.database.read(tally.tally, lite.sender.bot_id, lite.clock.now(), TEHRAN)
    assert found.failed[-1] == 1
