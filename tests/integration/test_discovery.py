"""From a web page to its feeds: what is asked, how often, when asking ends; and ``qasedak read`` of pages."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.errors import FetchError
from bot.model import Feed, FeedKind, Validators
from bot.sources.discovery import MOST_GUESSES, Discovery
from bot.sources.feed import FeedSource
from bot.sources.fetch import Fetcher
from bot.sources.parsing import Parser
from bot.storage import addresses, feeds
from bot.storage.database import Database
from bot.turns import HostTurns, SpacedFetcher
from tests.builders import NOW
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import Publisher, rss
from tests.integration.test_cli import call_apart

HTML = "text/html; charset=utf-8"
GARDEN = rss("Garden notes", [{"title": "Tulips", "guid": "1", "link": "https://garden.example/1"}])
LINK = '<html><head><link rel="alternate" type="application/rss+xml" title="{}" href="{}"></head>'


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    async with Publisher() as running:
        yield running


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    opened = Fetcher(user_agent="Qasedak/test", allow_private_networks=True)
    yield opened
    await opened.close()


@pytest.fixture
async def discovery(fetcher: Fetcher, clock: FakeClock) -> AsyncIterator[Discovery]:
    parser = Parser()
    spaced = SpacedFetcher(fetcher, timedelta(seconds=2), clock.sleep)
    yield Discovery(spaced.fetch, FeedSource(fetcher, parser, zone=ZoneInfo("Asia/Tehran")))
    await asyncio.to_thread(parser.close)


async def find(discovery: Discovery, publisher: Publisher, path: str) -> list[str]:
    """The paths of what was found."""
    found = await discovery.find(publisher.url(path), NOW)
    return [candidate.url.removeprefix(publisher.origin) for candidate in found]


async def test_the_address_of_a_feed_is_its_own(discovery: Discovery, publisher: Publisher) -> None:
    publisher.serve("/anything", GARDEN)
    (candidate,) = await discovery.find(publisher.url("/anything"), NOW)
    assert (candidate.url, candidate.title) == (publisher.url("/anything"), "Garden notes")
    assert publisher.paths() == ["/anything"]


async def test_what_a_page_names_costs_one_request(discovery: Discovery, publisher: Publisher) -> None:
    publisher.serve("/notes/", LINK.format("Garden", "rss"), content_type=HTML)
    assert await find(discovery, publisher, "/notes/") == ["/notes/rss"]
    assert publisher.paths() == ["/notes/"]


async def test_addresses_are_relative_to_where_redirects_led(discovery: Discovery, publisher: Publisher) -> None:
    publisher.redirect("/old", "/new/place")
    publisher.serve("/new/place", LINK.format("", "rss"), content_type=HTML)
    assert await find(discovery, publisher, "/old") == ["/new/rss"]


async def test_usual_places_are_tried_with_pauses_until_one_is_a_feed(
    discovery: Discovery, publisher: Publisher, clock: FakeClock
) -> None:
    publisher.serve("/", "<html>Welcome", content_type=HTML)
    publisher.serve("/rss", "<html>Not here", content_type=HTML)  # a page that says 200 for what is not there
    publisher.serve("/atom.xml", GARDEN)
    assert await find(discovery, publisher, "/") == ["/atom.xml"]
    assert publisher.paths() == ["/", "/feed", "/rss", "/atom.xml"]
    assert clock.monotonic() == 6


async def test_a_page_without_feeds_costs_few_requests(discovery: Discovery, publisher: Publisher) -> None:
    publisher.serve("/", "<html>Welcome", content_type=HTML)
    assert await find(discovery, publisher, "/") == []
    assert len(publisher.requests) == 1 + MOST_GUESSES


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_a_host_that_refuses_a_guess_is_not_asked_again(
    discovery: Discovery, publisher: Publisher, status: int
) -> None:
    publisher.serve("/", "<html>Welcome", content_type=HTML)
    publisher.serve("/feed", b"no", status=status)
    assert await find(discovery, publisher, "/") == []
    assert publisher.paths() == ["/", "/feed"]


async def test_what_is_no_page_is_not_searched(discovery: Discovery, publisher: Publisher) -> None:
    publisher.serve("/picture", b"\x89PNG\r\n" + bytes(1000), content_type="image/png")
    assert await find(discovery, publisher, "/picture") == []
    assert publisher.paths() == ["/picture"]


async def test_a_page_in_an_old_persian_charset_is_understood(discovery: Discovery, publisher: Publisher) -> None:
    page = LINK.format("خوراک باغچه", "/rss") + "<p>" + "باغچه در پاییز آرام است " * 20
    publisher.serve("/", page.replace("ی", "ي").encode("windows-1256"), content_type="text/html")
    (candidate,) = await discovery.find(publisher.url("/"), NOW)
    assert candidate.title == "خوراک باغچه"


async def test_an_address_that_cannot_be_asked_is_an_error(discovery: Discovery, publisher: Publisher) -> None:
    with pytest.raises(FetchError, match="404"):
        await discovery.find(publisher.url("/"), NOW)


async def test_pages_on_private_addresses_are_not_asked(publisher: Publisher) -> None:
    guarded, parser = Fetcher(user_agent="Qasedak/test"), Parser()
    try:
        finder = Discovery(guarded.fetch, FeedSource(guarded, parser, zone=ZoneInfo("UTC")))
        with pytest.raises(FetchError, match="not public"):
            await finder.find(publisher.url("/"), NOW)
    finally:
        await guarded.close()
    assert publisher.requests == []


# --- whose turn it is ----------------------------------------------------------------------------------------


async def test_a_host_that_another_is_asking_is_waited_for(
    database: Database, fetcher: Fetcher, publisher: Publisher, clock: FakeClock
) -> None:
    publisher.serve("/feed", GARDEN)
    place = Feed("garden", FeedKind.HTTP, publisher.url("/feed"))
    host = addresses.host_of(place)
    busy_until = clock.now() + timedelta(seconds=5)
    assert await database.write(feeds.take_host, host, clock.now(), busy_until)
    turns = HostTurns(fetcher, database, clock, timedelta(seconds=1))
    await turns.fetch(place, Validators())
    assert clock.now() >= busy_until
    # And it keeps its distance to the next one.
    now = clock.now()
    assert not await database.write(feeds.take_host, host, now, now)
    assert await database.write(feeds.take_host, host, now + timedelta(seconds=1), now + timedelta(seconds=1))


async def test_a_host_that_stays_busy_is_left_alone(
    sqlite: Database, fetcher: Fetcher, publisher: Publisher, clock: FakeClock
) -> None:
    place = Feed("garden", FeedKind.HTTP, publisher.url("/feed"))
    await sqlite.write(feeds.take_host, addresses.host_of(place), clock.now(), clock.now() + timedelta(hours=1))
    turns = HostTurns(fetcher, sqlite, clock, timedelta(seconds=1))
    with pytest.raises(FetchError, match="busy"):
        await turns.fetch(place, Validators())
    assert publisher.requests == []


async def test_a_host_that_asks_to_wait_is_waited_for_by_everybody(
    sqlite: Database, fetcher: Fetcher, publisher: Publisher, clock: FakeClock
) -> None:
    publisher.serve("/feed", b"later", status=429, headers={"Retry-After": "600"})
    place = Feed("garden", FeedKind.HTTP, publisher.url("/feed"))
    turns = HostTurns(fetcher, sqlite, clock, timedelta(seconds=1))
    with pytest.raises(FetchError, match="429"):
        await turns.fetch(place, Validators())
    later = clock.now() + timedelta(seconds=599)
    assert not await sqlite.write(feeds.take_host, addresses.host_of(place), later, later)


# --- qasedak read --------------------------------------------------------------------------------------------


async def test_the_one_feed_of_a_page_is_read(tmp_path: Path, publisher: Publisher) -> None:
    publisher.serve("/", LINK.format("Garden", "/rss"), content_type=HTML)
    publisher.serve("/rss", GARDEN)
    ended = await call_apart(tmp_path, "read", publisher.url("/"), "--json")
    assert [entry["title"] for entry in ended.lines] == ["Tulips"]
    assert (ended.code, ended.err) == (0, f"{publisher.url('/')}: is a page; its feed is {publisher.url('/rss')}\n")


@pytest.mark.parametrize("command", ["read", "preview"])
async def test_a_script_is_told_the_several_feeds_of_a_page(tmp_path: Path, publisher: Publisher, command: str) -> None:
    page = LINK.format("Garden", "/rss") + LINK.format("Tulips", "/tulips?a=1&b=2")
    publisher.serve("/", page, content_type=HTML)
    ended = await call_apart(tmp_path, command, publisher.url("/"), "--json")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        f"{publisher.url('/')}: is a page with 2 feeds; name one of them:",
        f"  qasedak {command} {publisher.url('/rss')}  # Garden",
        f"  qasedak {command} '{publisher.url('/tulips?a=1&b=2')}'  # Tulips",
    ]
    assert publisher.paths() == ["/"]


async def test_a_person_at_a_terminal_chooses(tmp_path: Path, publisher: Publisher) -> None:
    publisher.serve("/", LINK.format("Tulips", "/tulips") + LINK.format("Garden", "/rss"), content_type=HTML)
    publisher.serve("/rss", GARDEN)
    ours, theirs = os.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "read", publisher.url("/"),
        cwd=tmp_path,
        env={**os.environ, "QASEDAK_ALLOW_PRIVATE_NETWORKS": "1", "QASEDAK_HOST_SPACING": "0", "TERM": "dumb"},
        stdin=theirs, stdout=asyncio.subprocess.PIPE, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, b"7\n2\n")
    out, _nothing = await process.communicate()
    os.close(ours)
    assert process.returncode == 0
    assert b"Tulips" in out
    assert publisher.paths() == ["/", "/rss"]


async def test_a_page_without_feeds_is_no_feed(tmp_path: Path, publisher: Publisher) -> None:
    publisher.serve("/", "<html>Welcome", content_type=HTML)
    ended = await call_apart(tmp_path, "read", publisher.url("/"), "--json")
    assert (ended.code, ended.out) == (1, "")
    assert "a web page, not a feed" in ended.err


async def test_a_configured_address_is_read_as_it_is_written(tmp_path: Path, publisher: Publisher) -> None:
    publisher.serve("/", LINK.format("Garden", "/rss"), content_type=HTML)
    (tmp_path / "feeds.yaml").write_text(f"feeds: {{sky: {{url: '{publisher.url('/')}'}}}}\n")
    ended = await call_apart(tmp_path, "read", publisher.url("/"), "--json")
    assert ended.code == 1
    assert publisher.paths() == ["/"]
