"""What the status page knows, on both databases, and what it makes of how it is asked."""

import html
import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.errors import MessageRejected, RetryLater
from bot.model import DeliveryState
from bot.storage import overview, pauses
from bot.storage.overview import ChannelFigures
from bot.storage.pauses import Kind, Pause
from bot.web.rows import PAGE
from bot.web.status import Asked, StatusPage
from tests.builders import NOW, a_channel, a_feed, a_subscription, an_entry
from tests.panel import BOT, a_panel
from tests.stage import Stage

TEHRAN = ZoneInfo("Asia/Tehran")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[StatusPage]:
    async with a_panel(tmp_path / "panel.db") as opened:
        yield opened


async def text_of(shown: StatusPage, /, *, may_act: bool = False, **query: str) -> str:
    return html.unescape(await shown.html(Asked(query, may_act=may_act)))


# --- what the database knows -----------------------------------------------------------------------------------


async def test_figures_of_a_feed_are_those_of_its_last_thirty_days(stage: Stage) -> None:
    await stage.adopt(a_subscription(channel=a_channel(only=("en",))))
    await stage.read()
    await stage.read(
        an_entry(1, published=NOW - MINUTE),
        an_entry(2, published=NOW - DAY),
        an_entry(3, published=NOW - DAY, language="fa", title="ماه کامل", content="<p>ماه کامل بر فراز تپه</p>"),
        an_entry(4, published=NOW - 31 * DAY),
    )
    found = await stage.database.read(overview.feed_figures, BOT, ["sky", "nobody"], NOW, TEHRAN)
    figures = found.pop("sky")
    assert found == {}
    assert figures.by_day == (0,) * 28 + (2, 1)
    assert (figures.passed, figures.filtered, figures.duplicates) == (2, 1, 0)


async def test_posts_are_counted_by_the_day_of_the_zone(stage: Stage) -> None:
    await stage.adopt()
    midnight = NOW.replace(hour=20, minute=30) - DAY  # of Tehran
    await stage.read(an_entry(1, published=midnight - MINUTE), an_entry(2, published=midnight))
    counted = await stage.database.read(overview.posts_by_day, date(2026, 11, 22), date(2026, 11, 23), TEHRAN)
    assert counted == {date(2026, 11, 22): 1, date(2026, 11, 23): 1}
    assert await stage.database.read(overview.posts_by_day, date(2026, 11, 24), date(2026, 11, 30), TEHRAN) == {}


async def test_figures_of_a_channel_say_what_waits_and_what_it_got_this_hour(stage: Stage) -> None:
    await stage.adopt()
    await stage.read()
    await stage.read(an_entry(1))
    await stage.deliver_until_idle(stage.outbox())
    sent_at = stage.clock.now()
    stage.clock.advance(2 * MINUTE)
    await stage.read(an_entry(2), an_entry(3))
    now = stage.clock.now()

    async def figures() -> ChannelFigures:
        names = ["main", "other"]
        found = await stage.database.read(overview.channel_figures, BOT, names, stage.clock.now())
        assert found.keys() == {"main"}
        return found["main"]

    found = await figures()
    assert (found.waiting, found.first_due_at, found.last_due_at, found.sent_this_hour) == (2, now, now, 1)
    assert found.sent_at is not None
    assert abs(found.sent_at - sent_at) < MINUTE
    assert await stage.database.read(overview.next_sending_at, BOT) == ("main", now)
    stage.clock.advance(timedelta(hours=1))
    assert (await figures()).sent_this_hour == 0


async def test_troubles_are_what_died_waits_for_a_person_or_is_tried_again(stage: Stage) -> None:
    await stage.adopt()
    await stage.read()
    await stage.read(an_entry(1), an_entry(2), an_entry(3))
    stage.sender.faults.extend([MessageRejected("chat 1: too long"), RetryLater("chat 1: Telegram asks to wait 9 s")])
    await stage.outbox().deliver_due()
    found = await stage.database.read(overview.troubles, BOT, 50)
    assert [(one.title, one.state, one.error) for one in found] == [
        ("Moon number 2", DeliveryState.PENDING, "chat 1: Telegram asks to wait 9 s"),
        ("Moon number 1", DeliveryState.DEAD, "chat 1: too long"),
    ]
    assert len(await stage.database.read(overview.troubles, BOT, 1)) == 1


async def test_the_last_notices_are_kept_and_the_oldest_forgotten(stage: Stage) -> None:
    for number in range(0, overview.KEPT_NOTICES + 40, 20):
        lines = [f"line {number + step}" for step in range(20)]
        await stage.database.write(overview.add_notices, lines, NOW + number * MINUTE)
    found = await stage.database.read(overview.last_notices, 2000)
    assert (found[0].text, found[0].at) == (f"line {overview.KEPT_NOTICES + 39}", NOW + 1020 * MINUTE)
    assert len(found) == overview.KEPT_NOTICES
    assert await stage.database.read(overview.size_bytes) > 10_000


# --- what the page makes of it ---------------------------------------------------------------------------------


async def test_the_page_tells_top_to_bottom_what_the_product_promises(page: StatusPage) -> None:
    text = await text_of(page, lang="en")
    in_order = [
        "1 thing is late",
        "Loop \u2066updates\u2069 last ended well 5 minutes ago",
        ">Needs you<",
        "\u2068باغ ما\u2069: I may not post there.",
        "old-observatory\u2069: is not asked any more",
        ">Next<",
        "english</bdi> · in 5 days",
        "notebook</bdi> · in 6 hours",
        ">Channels<",
        ">@night_sky_fa<",
        "0 of 6",
        'href="preview/main"',
        ">Feeds <",
        '"ltr">old-observatory<',
        '"ltr">sky-notes<',
        '"ltr">sparrows<',
        ">Deliveries in trouble<",
        "Telegram does not take this message",
        "Bad Request: message is too long",
        ">Posts by day <",
        'class="heat"',
        ">Last notices<",
        "کانال «باغ ما»",
        "sky-notes: 11 posts read, none published",
        "/etc/qasedak/feeds.yaml",
        "loaded <time",
    ]
    places = [text.index(words, 1) for words in in_order]
    assert places == sorted(places)


async def test_it_speaks_the_language_and_counts_in_the_calendar_that_are_asked_for(page: StatusPage) -> None:
    persian = await text_of(page)
    assert '<html lang="fa" dir="rtl">' in persian
    assert '<span class="count">۱۴۰۵</span>' in persian
    english = await text_of(page, lang="en")
    assert '<html lang="en" dir="ltr">' in english
    assert '<span class="count">2026</span>' in english
    assert '<span class="count">1405</span>' in await text_of(page, lang="en", calendar="jalali")
    assert '<span class="count">۲۰۲۵</span>' in await text_of(page, calendar="gregorian", year="2025")
    assert '<span class="count">۱۴۰۵</span>' in await text_of(page, year="99999"), "a year that no calendar has"


async def test_a_filter_leaves_the_feeds_that_it_fits_and_says_how_to_see_all(page: StatusPage) -> None:
    text = await text_of(page, lang="en", q="moon")
    assert re.findall(r'role="rowheader"><bdi dir="ltr">([\w-]+)', text) == ["moon-daily"]
    assert 'value="moon"' in text
    assert 'href="./?lang=en">Show all' in text
    assert "No feed is called that." in await text_of(page, lang="en", q="nowhere")


async def test_it_is_loaded_again_each_minute_unless_that_is_turned_off(page: StatusPage) -> None:
    assert '<meta http-equiv="refresh" content="60">' in await text_of(page)
    text = await text_of(page, refresh="0")
    assert "http-equiv" not in text
    assert 'name="refresh" value="0"' in text, "the filter keeps it"


async def test_only_who_has_the_token_gets_buttons_and_the_others_the_command(page: StatusPage) -> None:
    text = await text_of(page, lang="en")
    assert 'method="post"' not in text
    assert re.search(r"qasedak retry \d+", text)
    acting = await text_of(page, may_act=True, lang="en", token="s3cret")
    assert 'action="retry?token=s3cret"' in acting
    assert 'href="preview/main?token=s3cret"' in acting
    assert not re.search(r"qasedak retry \d+", acting)


async def test_a_retry_wakes_what_is_dead_and_nothing_else(page: StatusPage) -> None:
    (dead,) = re.findall(r'value="(\d+)">Try again', await text_of(page, may_act=True, lang="en"))[:1]
    await page.retry(int(dead))
    await page.retry(10**9)
    assert f'value="{dead}">Try again' not in await text_of(page, may_act=True, lang="en")


async def test_a_bot_that_is_well_says_so_and_has_no_card(tmp_path: Path) -> None:
    async with a_panel(tmp_path / "well.db", is_well=True, language="en") as page:
        await page._database.write(lambda connection: connection.exec_driver_sql("DELETE FROM deliveries"))
        text = await text_of(page)
    assert 'class="bar well"' in text
    assert "Everything is on time" in text
    assert "Needs you" not in text


async def test_hostile_names_and_errors_are_shown_and_never_run(stage: Stage, page: StatusPage) -> None:
    hostile = '<script>alert("x")</script>'
    await page._database.write(overview.add_notices, [hostile], NOW)
    page.titles = {"main": hostile}
    written = await page.html(Asked({"q": hostile, "token": hostile, "year": hostile, "lang": hostile}))
    assert "<script" not in written
    assert "&lt;script&gt;" in written
    assert 'href="javascript' not in written


async def test_many_feeds_come_in_pages(tmp_path: Path) -> None:
    async with a_panel(tmp_path / "many.db", feed_count=PAGE + 3) as page:
        first, second = await text_of(page, lang="en"), await text_of(page, lang="en", page="2")
        beyond = await text_of(page, lang="en", page="77")
    rows = [re.findall(r'role="rowheader"><bdi dir="ltr">([\w-]+)', text) for text in (first, second)]
    assert [len(names) for names in rows] == [PAGE, 4]
    assert not set(rows[0]) & set(rows[1])
    assert 'href="./?lang=en&page=2#feeds"' in first
    assert re.findall(r'role="rowheader"><bdi dir="ltr">([\w-]+)', beyond) == rows[1], "past the end is the end"
    assert len(first.encode()) < 150_000


async def test_a_feed_of_two_names_has_the_same_figures_under_both(stage: Stage) -> None:
    feed = a_feed()
    await stage.adopt(a_subscription(feed), a_subscription(a_feed("twin", url=feed.url)))
    await stage.read(an_entry(1, published=NOW - MINUTE))
    found = await stage.database.read(overview.feed_figures, BOT, ["sky", "twin"], NOW, TEHRAN)
    assert found["sky"] == found["twin"]
    assert found["sky"].by_day[-1] == 1


async def test_what_admins_paused_is_shown_while_it_rests(page: StatusPage) -> None:
    assert "What is paused" not in await text_of(page, lang="en")
    await page._database.write(pauses.begin, BOT, Pause(Kind.FEED, "sky-notes", NOW, NOW + DAY), NOW)
    shown = re.sub("<[^>]*>", "", await text_of(page, lang="en"))
    assert "sky-notes · paused until Tuesday, 24 November 2026" in shown
