"""Points 1 to 14 and 40 to 65 of polite polling (docs/polling.md): what goes over the wire, and what comes back.

One test for each point, numbered as there, against a real server on loopback. Points 15 to 39 are in
``test_polite_timing.py``.
"""

import gzip
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import web

from bot.health import Health
from bot.sources.fetch import MAX_BODY_BYTES
from bot.sources.parsing import Parser
from bot.storage.database import Database
from tests.builders import a_channel, a_feed, a_subscription
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import Publisher
from tests.origin import Origin, an_origin, tulips

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


@pytest.fixture
async def origin(sqlite: Database, clock: FakeClock, parser: Parser) -> AsyncIterator[Origin]:
    async with an_origin(sqlite, clock, parser, deadline=timedelta(seconds=1)) as opened:
        yield opened


# --- conditional requests ------------------------------------------------------------------------------------


@pytest.mark.parametrize("etag", ['"abc"', 'W/"abc"', "abc", '"abc-gzip"', '"' + "x" * 4000 + '"'])
async def test_01_an_etag_goes_back_byte_for_byte(origin: Origin, etag: str) -> None:
    origin.publisher.serve("/feed", tulips(1), etag=etag)
    await origin.follow()
    await origin.poll()
    assert (await origin.ask()).header("If-None-Match") == etag.encode()


@pytest.mark.parametrize("etag", ['"' + "x" * 8192 + '"', '"café"'], ids=["8-KiB", "not-ascii"])
async def test_01_an_etag_that_cannot_go_back_unchanged_does_not_go_back(origin: Origin, etag: str) -> None:
    origin.publisher.serve("/feed", tulips(1), etag=etag)
    await origin.follow()
    await origin.poll()
    assert (await origin.ask()).header("If-None-Match") is None
    assert await origin.titles() == ["Tulips 1"]


@pytest.mark.parametrize("date", ["Mon, 1 Jan 2024 00:00:00 GMT", "2024-01-01", "Mon, 01 Jan 2024 00:00:00 -0000"])
async def test_02_last_modified_goes_back_verbatim(origin: Origin, date: str) -> None:
    origin.publisher.serve("/feed", tulips(1), last_modified=date)
    await origin.follow()
    await origin.poll()
    assert (await origin.ask()).header("If-Modified-Since") == date.encode()


async def test_03_both_validators_go_back_where_both_are_known(origin: Origin) -> None:
    origin.publisher.serve("/feed", tulips(1), etag='"1"', last_modified="yesterday")
    await origin.follow()
    await origin.poll()
    asked = await origin.ask()
    assert (asked.header("If-None-Match"), asked.header("If-Modified-Since")) == (b'"1"', b"yesterday")


async def test_04_no_validator_is_sent_at_first_nor_where_none_is_known(origin: Origin) -> None:
    origin.publisher.serve("/feed", tulips(1))
    await origin.follow()
    await origin.poll()
    await origin.poll(DAY)
    for asked in origin.publisher.requests:
        assert asked.header("If-None-Match") is None
        assert asked.header("If-Modified-Since") is None
    assert len(origin.publisher.requests) == 2


async def test_05_validators_of_a_body_that_could_not_be_read_are_not_kept(origin: Origin) -> None:
    origin.publisher.serve("/feed", tulips(1), etag='"1"')
    await origin.follow()
    await origin.poll()
    origin.publisher.serve("/feed", b"<html>Sorry</html>", etag='"2"')
    assert (await origin.poll(DAY)).failed == 1
    origin.publisher.serve("/feed", tulips(2, 1), etag='"2"')
    assert (await origin.poll(2 * DAY)).new == 1
    assert origin.publisher.requests[-1].header("If-None-Match") == b'"1"'


async def test_06_a_304_may_bring_newer_validators(origin: Origin) -> None:
    origin.publisher.serve("/feed", tulips(1), etag='"1"')
    await origin.follow()
    await origin.poll()
    origin.publisher.serve("/feed", b"", status=304, etag='"2"', last_modified="today")
    assert (await origin.poll(DAY)).unchanged == 1
    asked = await origin.ask()
    assert (asked.header("If-None-Match"), asked.header("If-Modified-Since")) == (b'"2"', b"today")


async def test_07_a_200_without_a_validator_clears_the_old_one(origin: Origin) -> None:
    origin.publisher.serve("/feed", tulips(1), etag='"1"', last_modified="today")
    await origin.follow()
    await origin.poll()
    origin.publisher.serve("/feed", tulips(1))
    await origin.poll(DAY)
    asked = await origin.ask()
    assert (asked.header("If-None-Match"), asked.header("If-Modified-Since")) == (None, None)


async def test_08_validators_are_dropped_with_the_address_or_the_credentials(origin: Origin) -> None:
    for path in ("/feed", "/other"):
        origin.publisher.serve(path, tulips(1), etag='"1"')
    await origin.follow()
    await origin.poll()
    await origin.follow("/other")
    assert (await origin.ask()).header("If-None-Match") is None
    assert (await origin.ask()).header("If-None-Match") == b'"1"'
    await origin.follow("/other", headers={"Authorization": "Bearer moon"})
    assert (await origin.ask()).header("If-None-Match") is None
    assert (await origin.ask()).header("If-None-Match") == b'"1"'


async def test_09_a_304_that_nobody_asked_for_is_a_failure_and_the_next_question_is_plain(origin: Origin) -> None:
    origin.publisher.serve("/feed", b"", status=304, etag='"1"')
    await origin.follow()
    polled = await origin.poll()
    assert (polled.failed, polled.unchanged) == (1, 0)
    assert (await origin.ask()).header("If-None-Match") is None


async def test_10_the_same_body_is_no_news_and_another_one_is_whatever_its_etag_says(origin: Origin) -> None:
    origin.publisher.serve("/feed", tulips(1))
    await origin.follow()
    assert (await origin.poll()).read == 1
    assert (await origin.poll(DAY)).unchanged == 1

    async def constant(request: web.BaseRequest) -> web.Response:
        return web.Response(body=tulips(2, 1), headers={"ETag": '"always"', "Content-Type": "text/xml"})

    origin.publisher.serve("/feed", tulips(1), etag='"always"')
    await origin.poll(DAY)
    origin.publisher.handle("/feed", constant)
    assert (await origin.poll(DAY)).new == 1


async def test_11_expires_0_takes_no_validator_away(origin: Origin) -> None:
    origin.publisher.serve("/feed", tulips(1), etag='"1"', headers={"Expires": "0"})
    await origin.follow()
    await origin.poll()
    assert (await origin.ask()).header("If-None-Match") == b'"1"'


async def test_12_no_part_of_a_feed_is_asked_for(origin: Origin) -> None:
    origin.publisher.serve("/feed", tulips(1), etag='"1"', headers={"Accept-Ranges": "bytes", "IM": "feed"})
    await origin.follow()
    for _time in range(2):
        asked = await origin.ask()
        assert (asked.header("Range"), asked.header("A-IM")) == (None, None)


async def test_13_a_reading_by_hand_is_conditional_and_obeys_retry_after(origin: Origin) -> None:
    origin.publisher.serve("/feed", tulips(1), etag='"1"')
    await origin.follow()
    await origin.poll()
    assert (await origin.poll(MINUTE, forced=True)).unchanged == 1
    origin.publisher.serve("/feed", b"", status=503, headers={"Retry-After": "600"})
    assert (await origin.poll(MINUTE, forced=True)).failed == 1
    assert (await origin.poll(9 * MINUTE, forced=True)).feed_ids == set()
    assert (await origin.poll(2 * MINUTE, forced=True)).failed == 1


async def test_14_a_reading_is_one_get_and_nothing_beside_it(origin: Origin) -> None:
    origin.publisher.serve("/feed", tulips(1, link=origin.publisher.url("/")), etag='"1"')
    await origin.follow()
    await origin.poll()
    await origin.poll(DAY)
    assert [(asked.method, asked.path_qs) for asked in origin.publisher.requests] == [("GET", "/feed")] * 2


# --- redirects -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [302, 303, 307])
async def test_40_a_temporary_redirect_is_followed_and_the_next_question_starts_over(
    origin: Origin, status: int
) -> None:
    origin.publisher.redirect("/feed", "/now", status)
    origin.publisher.serve("/now", tulips(1))
    await origin.follow()
    for days in range(5):
        await origin.poll(days * DAY)
    assert origin.publisher.paths() == ["/feed", "/now"] * 5
    assert (await origin.row()).moved_to is None


@pytest.mark.parametrize("status", [301, 308])
async def test_41_a_permanent_redirect_is_kept_after_three_readings_over_a_day(origin: Origin, status: int) -> None:
    origin.publisher.redirect("/feed", "/new", status)
    origin.publisher.serve("/new", tulips(1))
    await origin.follow()
    for after in (0 * HOUR, 23 * HOUR, HOUR):
        assert (await origin.row()).moved_to is None
        polled = await origin.poll(after, forced=True)
    assert [change.after.health for change in polled.changes] == [Health.MOVED]
    origin.publisher.forget()
    await origin.poll(DAY)
    assert origin.publisher.paths() == ["/new"]
    await origin.follow()  # feeds.yaml has the old address still
    await origin.poll(DAY)
    assert origin.publisher.paths() == ["/new"] * 2


async def test_41_only_the_permanent_hops_before_the_first_temporary_one_count(origin: Origin) -> None:
    origin.publisher.redirect("/feed", "/moved", 301)
    origin.publisher.redirect("/moved", "/busy", 302)
    origin.publisher.redirect("/busy", "/last", 301)
    origin.publisher.serve("/last", tulips(1))
    await origin.follow()
    for days in range(4):
        await origin.poll(days * DAY)
    assert (await origin.row()).moved_to == origin.publisher.url("/moved")


async def test_41_a_permanent_redirect_to_something_that_is_no_feed_is_not_kept(origin: Origin) -> None:
    origin.publisher.redirect("/feed", "/login", 301)
    origin.publisher.serve("/login", b"<html>Please log in</html>")
    await origin.follow()
    for days in range(6):
        await origin.poll(days * DAY)
    row = await origin.row()
    assert (row.moved_to, row.redirect_to) == (None, None)


async def test_42_an_address_that_dies_while_it_redirects_is_left_at_once(origin: Origin) -> None:
    origin.publisher.redirect("/feed", "/new", 301)
    origin.publisher.serve("/new", tulips(1))
    await origin.follow()
    await origin.poll()
    origin.publisher.remove("/feed")
    assert (await origin.poll(DAY)).failed == 1
    origin.publisher.forget()
    assert (await origin.poll(SECOND)).failed == 0
    assert origin.publisher.paths() == ["/new"]


async def test_43_two_feeds_that_meet_on_one_address_become_one_and_repeat_nothing(origin: Origin) -> None:
    old, new = (a_feed(name, url=origin.publisher.url(f"/{name}")) for name in ("old", "new"))
    channels = [a_subscription(old, a_channel("main")), a_subscription(new, a_channel("side", chat="-1002222222222"))]
    origin.publisher.serve("/old", tulips(1))
    origin.publisher.serve("/new", tulips(1))
    await origin.configure(*channels)
    await origin.poller.poll_all_due()
    origin.publisher.redirect("/old", "/new", 301)
    for _day in range(3):
        origin.clock.advance(DAY)
        await origin.poller.poll_all_due()
    for _restart in range(2):
        await origin.configure(*channels)
        assert len(origin.routes.feeds) == 1
    origin.publisher.serve("/new", tulips(2, 1))
    origin.publisher.forget()
    origin.clock.advance(DAY)
    polled = await origin.poller.poll_all_due()
    assert (polled.new, origin.publisher.paths()) == (1, ["/new"])
    assert await origin.enqueued() == ["Tulips 2"] * 2  # one for each channel


async def test_44_at_most_five_redirects_are_followed_and_no_circle(origin: Origin) -> None:
    for number in range(9):
        origin.publisher.redirect(f"/{number}", f"/{number + 1}")
    origin.publisher.redirect("/self", "")
    await origin.follow("/0")
    assert "more than 5 redirects" in (await origin.poll()).notices[0]
    assert len(origin.publisher.requests) == 6
    origin.publisher.forget()
    await origin.follow("/self")
    assert "redirects in a circle" in (await origin.poll(SECOND)).notices[0]
    assert len(origin.publisher.requests) == 1


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("ftp://sky.example/feed", "redirects to ftp:"),
        ("file:///etc/hostname", "redirects to file:"),
        ("http://127.0.0.1:25/feed", "port 25"),
        ("http://[foo/feed", "cannot be asked"),
    ],
    ids=["ftp", "file", "port", "bad-address"],
)
async def test_45_each_hop_is_checked_anew(origin: Origin, location: str, why: str) -> None:
    origin.publisher.redirect("/feed", location)
    await origin.follow()
    assert why in (await origin.poll()).notices[0]
    assert origin.publisher.paths() == ["/feed"]


async def test_46_credentials_stay_at_their_origin_and_validators_at_the_address_that_gave_them(
    origin: Origin,
) -> None:
    async with Publisher() as elsewhere:
        elsewhere.serve("/feed", tulips(1), etag='"there"')
        origin.publisher.redirect("/feed", elsewhere.url("/feed").replace("//", "//user:word@"))
        await origin.follow(headers={"Authorization": "Bearer moon", "X-Key": "stars"})
        await origin.poll()
        await origin.poll(DAY)
    first, second = elsewhere.requests
    for asked in (first, second):
        assert (asked.header("Authorization"), asked.header("X-Key")) == (None, None)
    assert second.header("If-None-Match") == b'"there"'
    for asked in origin.publisher.requests:
        assert (asked.header("Authorization"), asked.header("If-None-Match")) == (b"Bearer moon", None)


async def test_47_a_page_that_refreshes_to_another_is_not_followed(origin: Origin) -> None:
    page = f'<html><head><meta http-equiv="refresh" content="0; url={origin.publisher.url("/new")}"></head></html>'
    origin.publisher.serve("/feed", page, content_type="text/html")
    origin.publisher.serve("/new", tulips(1))
    await origin.follow()
    assert (await origin.poll()).failed == 1
    assert origin.publisher.paths() == ["/feed"]


# --- load on the origin --------------------------------------------------------------------------------------


async def _five_feeds(origin: Origin) -> None:
    for number in range(5):
        origin.publisher.serve(f"/{number}", tulips(number))
    await origin.configure(*(a_feed(f"garden-{n}", url=origin.publisher.url(f"/{n}")) for n in range(5)))


async def test_47_an_address_that_a_document_announces_is_shown_once_and_not_asked(origin: Origin) -> None:
    new = origin.publisher.url("/new")
    moved = tulips(1).replace(
        b"<channel>",
        b'<channel><itunes:new-feed-url xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">'
        + new.encode()
        + b"</itunes:new-feed-url>",
    )
    origin.publisher.serve("/feed", moved)
    origin.publisher.serve("/new", tulips(1, 2))
    await origin.follow()
    first = await origin.poll()
    origin.publisher.serve("/feed", moved.replace(b"Tulips 1", b"Tulips one"))
    second = await origin.poll(DAY)
    assert origin.publisher.paths() == ["/feed", "/feed"]
    assert [new in notice for notice in first.for_admin].count(True) == 1
    assert second.for_admin == []
    assert (await origin.row()).announced_url == new
    origin.publisher.serve("/feed", tulips(1))
    await origin.poll(DAY)
    assert (await origin.row()).announced_url is None


async def test_48_a_host_is_asked_one_thing_at_a_time(origin: Origin) -> None:
    await _five_feeds(origin)
    polled = await origin.poller.poll_all_due()
    assert (polled.read, origin.publisher.most_at_once) == (5, 1)


async def test_49_two_questions_to_a_host_are_a_second_apart(origin: Origin) -> None:
    await _five_feeds(origin)
    await origin.poller.poll_all_due()
    times = [asked.time for asked in origin.publisher.requests]
    assert all(later - earlier >= SECOND for earlier, later in pairwise(times))


async def test_50_no_more_than_32_questions_are_under_way(origin: Origin) -> None:
    feeds = [a_feed(f"feed-{n}", url=f"http://127.0.0.{n + 2}:9999/") for n in range(100)]
    await origin.configure(*feeds)
    assert len((await origin.poll(limit=100)).feed_ids) == 32


async def test_51_a_connection_is_used_again_for_the_next_feed_of_a_host(origin: Origin) -> None:
    ports = set()

    async def answer(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.Response(body=tulips(1), content_type="text/xml")

    for number in range(5):
        origin.publisher.handle(f"/{number}", answer)
    await origin.configure(*(a_feed(f"garden-{n}", url=origin.publisher.url(f"/{n}")) for n in range(5)))
    await origin.poller.poll_all_due()
    assert (len(origin.publisher.requests), len(ports)) == (5, 1)
    assert origin.publisher.requests[0].header("Connection") != b"close"


async def test_52_http_1_1_is_enough(origin: Origin) -> None:
    versions = []

    async def answer(request: web.BaseRequest) -> web.Response:
        versions.append(request.version)
        return web.Response(body=tulips(1), content_type="text/xml")

    origin.publisher.handle("/feed", answer)
    await origin.follow()
    assert (await origin.poll()).read == 1
    assert versions == [(1, 1)]


# --- the request ---------------------------------------------------------------------------------------------


async def test_53_only_encodings_that_we_can_read_are_accepted_and_others_refused(origin: Origin) -> None:
    origin.publisher.serve("/feed", gzip.compress(tulips(1)), headers={"Content-Encoding": "gzip"})
    await origin.follow()
    assert (await origin.poll()).read == 1
    assert origin.publisher.requests[0].header("Accept-Encoding") == b"gzip, deflate"
    origin.publisher.serve("/feed", b"\x1b\x0e\x00\xf8", headers={"Content-Encoding": "br"})
    assert "content encoding was not asked for" in (await origin.poll(DAY)).notices[0]


async def test_54_the_user_agent_says_who_asks_where_to_complain_and_for_how_many(origin: Origin) -> None:
    origin.publisher.serve("/feed", tulips(1))
    feed = a_feed("garden", url=origin.publisher.url("/feed"))
    await origin.configure(unreceived=(feed,))
    assert (await origin.ask()).header("User-Agent") == b"Qasedak/test (+https://qasedak.example/)"
    await origin.configure(
        a_subscription(feed, a_channel("main")), a_subscription(feed, a_channel("side", chat="-1002222222222"))
    )
    agent = (await origin.ask()).header("User-Agent")
    assert agent == b"Qasedak/test (+https://qasedak.example/; 2 subscribers)"


async def test_55_feeds_are_preferred_and_anything_is_accepted(origin: Origin) -> None:
    origin.publisher.serve("/feed", tulips(1))
    await origin.follow()
    accept = (await origin.ask()).header("Accept")
    assert accept == (
        b"application/atom+xml, application/rss+xml, application/feed+json;q=0.9, application/xml;q=0.8, "
        b"text/xml;q=0.8, */*;q=0.1"
    )


async def test_56_no_cookie_is_ever_sent(origin: Origin) -> None:
    origin.publisher.redirect("/feed", "/new", headers={"Set-Cookie": "a=b"})
    origin.publisher.serve("/new", tulips(1), headers={"Set-Cookie": "c=d"})
    await origin.follow()
    await origin.poll()
    await origin.poll(DAY)
    assert [asked.header("Cookie") for asked in origin.publisher.requests] == [None] * 4


@pytest.mark.parametrize("path", ["/a%2Fb", "/a%7e~", "/a+b;c", "/a|b", "/[a]", "/a%25b", "/feed?x=1&&y=%C3%A9&x=2"])
async def test_57_the_address_is_asked_as_it_is_written_without_referer_or_additions(origin: Origin, path: str) -> None:
    origin.publisher.serve(path, tulips(1))
    await origin.follow(path + "#part")
    asked = await origin.ask()
    assert (asked.path_qs, asked.header("Referer")) == (path, None)


async def test_58_neither_proxies_nor_netrc_of_the_environment_are_used(
    origin: Origin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login moon password stars\n")
    netrc.chmod(0o600)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    monkeypatch.setenv("NETRC", str(netrc))
    origin.publisher.serve("/feed", tulips(1))
    await origin.follow()
    assert (await origin.ask()).header("Authorization") is None


async def test_59_a_password_in_the_address_goes_to_its_origin_and_is_shown_nowhere(
    origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    origin.publisher.serve("/feed", b"<html>", status=500)
    await origin.follow(url=origin.publisher.url("/feed").replace("//", "//moon:stars@"))
    polled = await origin.poll()
    assert origin.publisher.requests[0].header("Authorization") == b"Basic bW9vbjpzdGFycw=="
    row = await origin.row()
    captured = capsys.readouterr()
    assert "stars" not in " ".join([*polled.notices, row.error, row.next_check_why, captured.out, captured.err])


# --- transfer ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("manner", ["body", "head", "silence"])
async def test_60_a_fetch_ends_at_its_deadline_however_slowly_it_goes_on(origin: Origin, manner: str) -> None:
    if manner == "silence":
        origin.publisher.hang("/feed")
    else:
        origin.publisher.drip("/feed", tulips(1), pause=0.01, in_head=manner == "head")
    await origin.follow()
    polled = await origin.poller.poll_all_due()
    assert "no complete answer within 1 s" in polled.notices[0]


@pytest.mark.parametrize(
    "body",
    [b"A" * (MAX_BODY_BYTES + 1), gzip.compress(b"A" * 12_000_000), gzip.compress(gzip.compress(b"A" * 12_000_000))],
    ids=["plain", "bomb", "bomb-in-a-bomb"],
)
async def test_61_a_body_is_read_up_to_10_mib_and_no_further(origin: Origin, body: bytes) -> None:
    encoding = {"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
    origin.publisher.serve("/feed", body, headers=encoding)
    await origin.follow()
    polled = await origin.poller.poll_all_due()
    assert (polled.failed, polled.read) == (1, 0)


async def test_62_a_body_that_is_cut_off_is_a_failure(origin: Origin) -> None:
    await origin.follow()
    compressed = len(gzip.compress(tulips(1), mtime=0))
    origin.publisher.truncate("/feed", tulips(1), length=100_000)
    assert (await origin.poll()).failed == 1
    for keep in (compressed // 2, compressed - 4):
        origin.publisher.cut_gzip("/feed", tulips(1), keep=keep)
        assert "cut off in the middle" in (await origin.poll(2 * DAY)).notices[0]


@pytest.mark.parametrize(
    "address",
    ["http://[foo/", f"http://{'a' * 300}.example/", "http://sky.example:99999/", "http://\udcff.example/", "http:///"],
    ids=["bracket", "long-label", "port", "surrogate", "no-host"],
)
async def test_63_whatever_an_address_makes_libraries_raise_is_a_failure_of_that_feed(
    origin: Origin, address: str
) -> None:
    origin.publisher.serve("/feed", tulips(1))
    good, bad = a_feed("garden", url=origin.publisher.url("/feed")), a_feed("bad", url="http://bad.example/")
    await origin.configure(good, bad)
    routes = origin.routes.feeds
    bad_id = next(feed_id for feed_id, feed in routes.items() if feed.name == "bad")
    routes[bad_id] = a_feed("bad", url=address, id=bad_id)
    polled = await origin.poll()
    assert (polled.read, polled.failed) == (1, 1)
    assert "bug" not in polled.notices[0]


async def test_64_a_flood_of_headers_is_a_failure(origin: Origin) -> None:
    flood = b"HTTP/1.1 200 OK\r\n" + b"X-Sand: " + b"a" * 2_000_000 + b"\r\n\r\n" + tulips(1)
    origin.publisher.raw("/feed", flood)
    await origin.follow()
    assert (await origin.poll()).failed == 1


async def test_65_a_certificate_is_always_verified(origin: Origin) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).parents[1] / "data" / "self_signed.pem")
    async with Publisher(tls=context) as unknown:
        unknown.serve("/feed", tulips(1))
        await origin.follow(url=unknown.url("/feed"))
        polled = await origin.poll()
        assert polled.notices == ["garden: 127.0.0.1: its certificate is not valid; it is asked again later"]
        assert unknown.requests == []


def test_every_point_has_a_test() -> None:
    source = "".join((Path(__file__).parent / f"test_polite_{half}.py").read_text() for half in ("requests", "timing"))
    assert [point for point in range(1, 66) if f"def test_{point:02}_" not in source] == []
