"""Points 15 to 39 of polite polling (docs/polling.md): when a feed is asked, and what becomes of failures.

One test for each point, numbered as there. The rules themselves are tables in ``tests/unit/test_manners.py`` and
``test_health.py``; here they hold for a real server, a real database and a clock that moves when it is told.
"""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from aiohttp import web

from bot.health import Health
from bot.poller import Polled
from bot.sources.parsing import Parser
from bot.storage.database import Database
from tests.builders import a_channel, a_feed, a_subscription
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import rss
from tests.integration.test_poller import ProgrammedSource
from tests.origin import Origin, an_origin, tulips

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
#: A feed drifts upward by up to a tenth of its interval.
DRIFT = 1.1
#: Of a feed that says when it may be asked again, so that nothing else decides.
HEADERS = {"ETag": '"1"'}


@pytest.fixture
async def origin(sqlite: Database, clock: FakeClock, parser: Parser) -> AsyncIterator[Origin]:
    async with an_origin(sqlite, clock, parser) as opened:
        yield opened


def _at_least(waited: timedelta, span: timedelta) -> bool:
    return span <= waited <= span * DRIFT + SECOND


async def _first(origin: Origin, body: bytes | None = None, **served: object) -> timedelta:
    """Serve a feed, read it once, and tell how long it is left alone then."""
    origin.publisher.serve("/feed", tulips(1) if body is None else body, **{"etag": '"1"', **served})  # type: ignore[arg-type]
    await origin.follow()
    assert (await origin.poll()).failed == 0
    return await origin.wait()


# --- when to poll --------------------------------------------------------------------------------------------


async def test_15_the_floor_holds_over_restarts_and_counts_from_the_end_of_a_reading(origin: Origin) -> None:
    async def slow(request: web.BaseRequest) -> web.Response:
        origin.clock.advance(4 * MINUTE)
        return web.Response(body=tulips(1), headers=HEADERS, content_type="text/xml")

    origin.publisher.handle("/feed", slow)
    await origin.follow(every=2 * HOUR)
    await origin.poll()
    assert _at_least(await origin.wait(), 2 * HOUR)
    origin.restart()
    await origin.follow(every=2 * HOUR)
    assert (await origin.poll(2 * HOUR - SECOND)).feed_ids == set()


async def test_16_a_publisher_without_validators_is_asked_four_times_less(origin: Origin) -> None:
    assert _at_least(await _first(origin), HOUR)
    origin.publisher.serve("/feed", tulips(1))
    await origin.poll(DAY)
    assert _at_least(await origin.wait(), 2 * HOUR)


@pytest.mark.parametrize(
    ("headers", "span"),
    [
        ({"Cache-Control": "max-age=7200"}, 2 * HOUR),
        ({"Cache-Control": "max-age=7200", "Age": "1800"}, 90 * MINUTE),
        ({"Cache-Control": "max-age=7200", "Age": "7000"}, HOUR),
        ({"Cache-Control": 'max-age="7200"'}, 2 * HOUR),
        ({"Cache-Control": "Max-Age=7200, public"}, 2 * HOUR),
        ({"Cache-Control": "max-age=-1"}, HOUR),
        ({"Cache-Control": "max-age=0, no-cache, must-revalidate"}, HOUR),
        ({"Cache-Control": "s-maxage=9000"}, HOUR),
        ({"Cache-Control": "max-age=999999999"}, DAY),
        ([("Cache-Control", "public"), ("Cache-Control", "max-age=7200")], 2 * HOUR),
    ],
)
async def test_17_max_age_less_age_is_a_floor_of_24_hours_at_most(
    origin: Origin, headers: dict[str, str], span: timedelta
) -> None:
    assert _at_least(await _first(origin, headers=headers), span)


async def test_17_it_holds_on_a_304_too(origin: Origin) -> None:
    await _first(origin)
    origin.publisher.serve("/feed", tulips(1), etag='"1"', headers={"Cache-Control": "max-age=7200"})
    assert (await origin.poll(DAY)).unchanged == 1
    assert _at_least(await origin.wait(), 2 * HOUR)


async def test_18_expires_counts_only_without_max_age_and_from_the_server_s_own_date(origin: Origin) -> None:
    wrong = origin.clock.now() - 700 * DAY
    times = {"Date": format_datetime(wrong), "Expires": format_datetime(wrong + 3 * HOUR)}
    assert _at_least(await _first(origin, headers=times), 3 * HOUR)
    origin.publisher.serve("/feed", tulips(1), etag='"2"', headers={**times, "Cache-Control": "max-age=7200"})
    await origin.poll(DAY)
    assert _at_least(await origin.wait(), 2 * HOUR)


@pytest.mark.parametrize(
    ("ttl", "span"),
    [("120", 2 * HOUR), ("0", HOUR), ("-5", HOUR), ("soon", HOUR), ("2000", DAY), ("20000", HOUR)],
    ids=["two-hours", "zero", "negative", "no-number", "over-a-day", "over-a-week"],
)
async def test_19_ttl_is_a_floor_of_24_hours_at_most(origin: Origin, ttl: str, span: timedelta) -> None:
    assert _at_least(await _first(origin, tulips(1, extra=f"<ttl>{ttl}</ttl>")), span)


@pytest.mark.parametrize(
    ("period", "frequency", "span"), [("daily", "4", 6 * HOUR), ("weekly", "1", DAY), ("hourly", "2", HOUR)]
)
async def test_20_update_period_by_frequency_is_a_floor_of_24_hours_at_most(
    origin: Origin, period: str, frequency: str, span: timedelta
) -> None:
    said = f"<sy:updatePeriod>{period}</sy:updatePeriod><sy:updateFrequency>{frequency}</sy:updateFrequency>"
    assert _at_least(await _first(origin, tulips(1, extra=said)), span)


async def test_21_skipped_hours_and_days_are_left_alone(origin: Origin) -> None:
    # It is 8:00 UTC on a Monday; nine o'clock is skipped, and so is ten.
    hours = "<skipHours><hour>9</hour><hour>10</hour></skipHours>"
    await _first(origin, tulips(1, extra=hours))
    assert 3 * HOUR <= await origin.wait() < 4 * HOUR
    origin.publisher.serve("/feed", tulips(1, extra="<skipDays><day>Tuesday</day></skipDays>"), etag='"2"')
    await origin.poll(15 * HOUR + 30 * MINUTE)
    assert await origin.wait() >= 24.5 * HOUR
    every = "".join(f"<hour>{hour}</hour>" for hour in range(24))
    origin.publisher.serve("/feed", tulips(1, extra=f"<skipHours>{every}</skipHours>"), etag='"3"')
    await origin.poll(2 * DAY)
    assert _at_least(await origin.wait(), HOUR)


def _posts_every(gap: timedelta, newest: datetime) -> bytes:
    items = [{"title": f"Tulips {n}", "guid": str(n), "pubDate": newest - n * gap} for n in range(10)]
    return rss(items=items)


async def test_22_the_interval_is_half_of_what_is_usual_between_two_posts(origin: Origin) -> None:
    assert _at_least(await _first(origin, _posts_every(4 * HOUR, origin.clock.now())), 2 * HOUR)


async def test_22_an_idle_feed_is_asked_twice_a_day_and_as_before_when_it_wakes(origin: Origin) -> None:
    now = origin.clock.now()
    assert _at_least(await _first(origin, _posts_every(4 * HOUR, now - 40 * DAY)), 12 * HOUR)
    woken = {"title": "Awake", "guid": "awake", "pubDate": now + DAY}
    old = [{"title": f"Tulips {n}", "guid": str(n), "pubDate": now - 40 * DAY - n * 4 * HOUR} for n in range(9)]
    origin.publisher.serve("/feed", rss(items=[woken, *old]), etag='"2"')
    assert (await origin.poll(DAY)).new == 1
    assert _at_least(await origin.wait(), 2 * HOUR)


async def test_23_the_longest_of_all_words_holds_and_retry_after_above_them(origin: Origin) -> None:
    headers = {"Cache-Control": "max-age=7200"}
    longest = tulips(1, extra="<ttl>180</ttl><skipHours><hour>11</hour></skipHours>")
    await _first(origin, longest, headers=headers)
    assert 4 * HOUR <= await origin.wait() < 5 * HOUR
    origin.publisher.serve("/feed", longest, etag='"1"', headers={**headers, "Retry-After": "36000"})
    assert (await origin.poll(DAY)).unchanged == 1
    assert _at_least(await origin.wait(), 10 * HOUR)


async def _requests_a_second(origin: Origin, count: int, seconds: int) -> Counter[datetime]:
    source = ProgrammedSource(origin.clock)
    origin.source = source  # type: ignore[assignment]
    origin.restart()
    await origin.configure(*(a_feed(f"feed-{n}", every=15 * MINUTE) for n in range(count)))
    for _second in range(seconds):
        await origin.poll(SECOND)
    return Counter(at for _name, at, _seen in source.asked)


async def test_24_many_feeds_that_are_due_at_once_are_asked_a_few_a_second(origin: Origin) -> None:
    asked = await _requests_a_second(origin, 300, 12)
    assert (asked.total(), max(asked.values())) == (300, 32)
    # And they drift apart: the next time they are not due together.
    at = {(await origin.row(f"feed-{n}")).next_check_at for n in range(0, 300, 10)}
    assert len(at) == 30


async def test_25_after_a_stop_overdue_feeds_are_asked_in_turn(origin: Origin) -> None:
    await _requests_a_second(origin, 60, 3)
    source = origin.source = ProgrammedSource(origin.clock)  # type: ignore[assignment]
    origin.clock.advance(9 * HOUR)
    origin.restart()
    await origin.poller.start()
    per_minute = []
    for _minute in range(15):
        await origin.poll(MINUTE)
        per_minute.append(len(source.names()))
    assert sum(per_minute) == 60  # none for each slot that was missed
    assert max(per_minute) <= 5


async def test_25_new_feeds_wait_for_no_turn(origin: Origin) -> None:
    await _first(origin)
    origin.clock.advance(9 * HOUR)
    origin.restart()
    await origin.follow()
    new = [a_feed(f"new-{n}", url=f"http://127.0.0.{n + 2}:9999/") for n in range(5)]
    await origin.configure(*new, a_feed("garden", url=origin.publisher.url("/feed")))
    await origin.poller.start()
    assert len((await origin.poll()).feed_ids) == 6  # the one that is overdue has the first turn


async def test_26_five_restarts_in_a_minute_cost_no_request(origin: Origin) -> None:
    await _first(origin)
    origin.publisher.forget()
    for _restart in range(5):
        origin.restart()
        await origin.follow()
        await origin.poller.start()
        await origin.poll(10 * SECOND)
    assert origin.publisher.requests == []


async def test_27_an_address_that_many_follow_is_asked_once(origin: Origin) -> None:
    origin.publisher.serve("/feed", tulips(1))
    feed = a_feed("garden", url=origin.publisher.url("/feed"))
    chats = [a_subscription(feed, a_channel(f"c{n}", chat=f"-100{n}")) for n in range(5)]
    await origin.configure(*chats, a_subscription(a_feed("twin", url=feed.url)))
    await origin.poller.poll_all_due()
    assert len(origin.publisher.requests) == 1


async def test_28_a_feed_that_nobody_receives_is_not_asked(origin: Origin) -> None:
    origin.publisher.serve("/feed", tulips(1))
    await origin.configure(unreceived=(a_feed("garden", url=origin.publisher.url("/feed")),))
    for days in range(3):
        await origin.poll(days * DAY)
    assert len(origin.publisher.requests) == 1  # to know what it is


async def test_29_a_clock_that_is_set_back_stops_nothing(origin: Origin) -> None:
    await _first(origin)
    origin.clock.jump(-300 * DAY)
    await origin.poller.mind_the_clock()
    assert (await origin.poll(10 * MINUTE)).feed_ids == set()
    assert (await origin.poll(HOUR)).unchanged == 1
    origin.clock.jump(-300 * DAY)  # while it was stopped
    origin.restart()
    await origin.follow()
    await origin.poller.start()
    assert (await origin.poll()).unchanged == 1


async def test_29_a_clock_that_is_set_forward_floods_nobody(origin: Origin) -> None:
    await _requests_a_second(origin, 30, 2)
    origin.source.asked.clear()  # type: ignore[attr-defined]
    origin.clock.jump(300 * DAY)
    await origin.poller.mind_the_clock()
    assert len((await origin.poll()).feed_ids) == 1


# --- errors, back-off, gone ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 502, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_30_retry_after_is_obeyed_wherever_it_is_said(origin: Origin, status: int, form: str) -> None:
    date = origin.clock.now() - 50 * DAY  # the server's clock is wrong
    said = "18000" if form == "seconds" else format_datetime(date + 5 * HOUR)
    headers = {"Retry-After": said, "Date": format_datetime(date)}
    origin.publisher.serve("/feed", b"", status=status, headers=headers)
    await origin.follow()
    assert (await origin.poll()).failed == 1
    assert _at_least(await origin.wait(), 5 * HOUR)


async def test_30_a_redirect_may_say_it_too(origin: Origin) -> None:
    origin.publisher.redirect("/feed", "/new", headers={"Retry-After": "18000"})
    origin.publisher.serve("/new", tulips(1), etag='"1"')
    await origin.follow()
    await origin.poll()
    assert _at_least(await origin.wait(), 5 * HOUR)


@pytest.mark.parametrize(
    ("said", "span"), [("-5", 30 * MINUTE), ("soon", 30 * MINUTE), ("9999999", 7 * DAY), ("0", 30 * MINUTE)]
)
async def test_30_nonsense_is_ignored_and_7_days_are_the_most(origin: Origin, said: str, span: timedelta) -> None:
    origin.publisher.serve("/feed", b"", status=503, headers={"Retry-After": said})
    await origin.follow()
    await origin.poll()
    assert _at_least(await origin.wait(), span)


async def test_31_429_holds_the_whole_host_for_an_hour_and_longer_each_time(origin: Origin) -> None:
    origin.publisher.serve("/busy", b"", status=429)
    origin.publisher.serve("/other", tulips(1), etag='"1"')
    await origin.configure(*(a_feed(name, url=origin.publisher.url(f"/{name}")) for name in ("busy", "other")))
    await origin.poll()
    assert (await origin.poll(59 * MINUTE)).feed_ids == set()
    assert (await origin.poll(8 * MINUTE)).feed_ids != set()
    waits = []
    for _time in range(3):
        await origin.poll(2 * DAY)
        await origin.poll(SECOND)
        waits.append(await origin.wait("busy"))
    assert all(later > 1.7 * earlier for earlier, later in pairwise(waits))


async def test_32_failures_are_asked_about_less_and_less_until_one_succeeds(origin: Origin) -> None:
    origin.publisher.serve("/feed", b"", status=500)
    await origin.follow()
    waits = []
    for _time in range(8):
        await origin.poll(2 * DAY)
        waits.append(await origin.wait())
    doubled = [30 * MINUTE * 2**n for n in range(6)] + [DAY, DAY]
    assert all(_at_least(waited, span) for waited, span in zip(waits, doubled, strict=True))
    origin.publisher.serve("/feed", tulips(1), etag='"1"')
    await origin.poll(2 * DAY)
    assert _at_least(await origin.wait(), HOUR)


@pytest.mark.parametrize("status", [400, 403, 429, 451, 500])
async def test_33_a_refusal_is_not_asked_again_at_once(origin: Origin, status: int) -> None:
    origin.publisher.serve("/feed", b"", status=status)
    await origin.follow()
    await origin.poll()
    assert len(origin.publisher.requests) == 1


async def test_33_nor_is_a_connection_that_breaks(origin: Origin) -> None:
    origin.publisher.drop("/feed")
    await origin.follow()
    assert (await origin.poll()).failed == 1
    assert len(origin.publisher.requests) == 1


async def test_33_but_a_connection_that_was_kept_too_long_is_made_anew(origin: Origin) -> None:
    broken = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        if len(origin.publisher.requests) == 2:  # on the connection of the first
            broken.append(request.transport.get_extra_info("peername"))
            request.transport.close()
        return web.Response(body=tulips(1), content_type="text/xml")

    for path in ("/one", "/two"):
        origin.publisher.handle(path, answer)
    await origin.configure(*(a_feed(name, url=origin.publisher.url(f"/{name}")) for name in ("one", "two")))
    polled = await origin.poller.poll_all_due()
    assert (polled.read, polled.failed, len(broken)) == (2, 0, 1)
    assert origin.publisher.paths() == ["/one", "/two", "/two"]


async def test_34_gone_twice_a_day_apart_is_gone_and_said_once(origin: Origin) -> None:
    await _first(origin)
    origin.publisher.serve("/feed", b"", status=410)
    changes = []
    for _time in range(5):
        changes += (await origin.poll(27 * HOUR)).changes
    assert len(origin.publisher.requests) == 3
    assert [change.after.health for change in changes] == [Health.GONE]
    assert await origin.titles() == ["Tulips 1"]


async def test_34_a_feed_that_left_the_file_and_came_back_is_asked_again(origin: Origin) -> None:
    origin.publisher.serve("/feed", b"", status=410)
    await origin.follow()
    for _time in range(2):
        await origin.poll(27 * HOUR)
    await origin.configure()
    origin.publisher.serve("/feed", tulips(1))
    await origin.follow()
    assert (await origin.poll(SECOND)).read == 1


async def test_35_thirty_days_of_refusals_are_the_end(origin: Origin) -> None:
    await _first(origin)
    origin.publisher.serve("/feed", b"", status=404)
    changes = []
    for _day in range(60):
        changes += (await origin.poll(DAY * DRIFT)).changes
    assert [change.after.health for change in changes] == [Health.FAILING, Health.GONE]
    assert 20 <= len(origin.publisher.requests) - 1 <= 35


async def test_36_answers_that_are_no_feed_count_apart_and_cost_no_validator(origin: Origin) -> None:
    await _first(origin)
    for number in range(4):
        origin.publisher.serve("/feed", b"<html>Checking your browser</html>", etag=f'"odd-{number}"')
        await origin.poll(2 * DAY)
    row = await origin.row()
    assert (row.failures, row.parse_failures, row.etag, row.health) == (4, 4, b'"1"', "failing")


async def test_37_an_empty_body_is_a_failure_and_not_an_empty_feed(origin: Origin) -> None:
    origin.publisher.serve("/feed", b" \n")
    await origin.follow()
    assert "empty body" in (await origin.poll()).notices[0]
    assert (await origin.row()).baseline_at is None


async def test_38_a_feed_that_shrinks_loses_nothing_and_one_that_grows_back_repeats_nothing(origin: Origin) -> None:
    await _first(origin, tulips(*range(20, 0, -1)))
    for number, body in enumerate([tulips(), tulips(20), tulips(*range(20, 0, -1))]):
        origin.publisher.serve("/feed", body, etag=f'"{number}-more"')
        polled = await origin.poll(2 * DAY)
        assert (polled.failed, polled.new) == (0, 0)
    assert (len(await origin.titles()), await origin.enqueued()) == (20, [])


async def test_39_one_notice_when_it_breaks_and_one_when_it_is_mended(origin: Origin) -> None:
    await _first(origin)
    total = Polled()
    for status in [500] * 8 + [200] * 3:
        origin.publisher.serve("/feed", tulips(1), etag='"1"', status=status)
        total.add(await origin.poll(2 * DAY))
    assert total.failed == 8
    assert [(change.before.health, change.after.health) for change in total.changes] == [
        (Health.OK, Health.FAILING),
        (Health.FAILING, Health.OK),
    ]
    assert "500" in total.changes[0].reason
