"""Feeds with ``full_text``: articles of new entries only, politely, once; and no post is lost to a bad page."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from bot.full_text import MOST, FullText
from bot.identity import identify
from bot.model import Feed
from bot.poller import Polled, Poller
from bot.sources.article import ArticleReader
from bot.sources.feed import FeedSource
from bot.sources.fetch import Fetcher
from bot.sources.parsing import Parser
from bot.storage import articles, ingest, reports
from bot.storage.database import Database
from bot.storage.feeds import Routes
from bot.storage.schema import deliveries
from bot.text import markup
from bot.turns import HostTurns
from tests.articles import ENGLISH, ENGLISH_WORDS, PERSIAN, PERSIAN_WORDS, page
from tests.builders import NOW, a_feed, a_subscription, an_entry
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import Publisher, rss
from tests.fakes.sender import FakeSender
from tests.integration.test_cli import call_apart
from tests.stage import Stage
from tests.written import configured

HTML = "text/html; charset=utf-8"
DAY = timedelta(days=1)
TEHRAN = ZoneInfo("Asia/Tehran")


@dataclass(slots=True)
class Garden:
    """A publisher of summaries, and a poller that reads its feed."""

    publisher: Publisher
    poller: Poller
    database: Database
    clock: FakeClock
    full_text: FullText

    async def configure(self, **changes: Any) -> None:
        settings = {"url": self.publisher.url("/feed"), "full_text": True, **changes}
        feed = a_feed("garden", **settings)
        self.poller.routes = await self.database.write(
            ingest.adopt, 1, [feed], [a_subscription(feed)], self.clock.now()
        )

    def publish(self, *names: str, **fields: Any) -> None:
        """A feed of teasers; the last one named is the newest."""
        self.publisher.serve("/feed", rss(items=[
            {"title": f"Title of {name}", "guid": name, "link": self.publisher.url(f"/{name}"),
             "pubDate": NOW + timedelta(minutes=place), "description": f"A teaser of {name}.", **fields}
            for place, name in enumerate(names)
        ]))  # fmt: skip

    async def poll(self) -> Polled:
        self.clock.advance(DAY)
        polled = await self.poller.poll_due()
        polled.add(await self.poller.finish())
        return polled

    async def texts(self) -> dict[str, str]:
        """By title, what each post says, a paragraph a line."""
        found = await self.database.read(reports.post_reports, 1)
        entries = [report.post.entry for report in found]
        return {str(entry.title): markup.plain(entry.fullest or entry.summary or "") for entry in entries}

    def asked(self) -> list[str]:
        """For what, since the last time; the feed itself is left out."""
        paths = [path for path in self.publisher.paths() if path != "/feed"]
        self.publisher.forget()
        return paths


@pytest.fixture
async def garden(sqlite: Database, clock: FakeClock) -> AsyncIterator[Garden]:
    database = sqlite  # what asks it is tried on both below
    fetcher = Fetcher(user_agent="Qasedak/test", allow_private_networks=True)
    parser, reader = Parser(), ArticleReader(seconds=60)
    async with Publisher() as publisher:
        full_text = FullText(database, reader, HostTurns(fetcher, database, clock, timedelta(seconds=1)))
        poller = Poller(
            database,
            FeedSource(fetcher, parser, zone=TEHRAN),
            clock,
            routes=Routes({}, {}),
            zone=TEHRAN,
            host_spacing=timedelta(seconds=1),
            articles=full_text,
        )
        made = Garden(publisher, poller, database, clock, full_text)
        await made.configure()
        made.publish("old")
        publisher.serve("/old", ENGLISH, content_type=HTML)
        assert (await made.poll()).read == 1
        yield made
    await fetcher.close()
    await asyncio.to_thread(parser.close)
    await asyncio.to_thread(reader.close)


async def test_only_new_entries_have_their_articles_fetched_and_once(garden: Garden) -> None:
    assert garden.asked() == []  # a first reading publishes nothing
    garden.publisher.serve("/english", ENGLISH, content_type=HTML)
    garden.publisher.serve("/persian", PERSIAN, content_type=HTML)
    garden.publish("old", "english", "persian")
    assert (await garden.poll()).new == 2
    assert garden.asked() == ["/persian", "/english"]  # newest first
    assert await garden.texts() == {
        "Title of old": "A teaser of old.",
        "Title of english": "\n".join(ENGLISH_WORDS),
        "Title of persian": "\n".join(PERSIAN_WORDS),
    }
    garden.publish("english", "persian", "old")
    polled = await garden.poll()
    assert (polled.new, polled.edited, garden.asked()) == (0, 0, [])


@pytest.mark.parametrize(("keys", "paths"), [("", []), (", full_text: true", ["/english"])])
async def test_key_feeds_full_text(garden: Garden, keys: str, paths: list[str]) -> None:
    (subscription,) = configured(feed=f"url: '{garden.publisher.url('/feed')}'{keys}").subscriptions
    garden.poller.routes = await garden.database.write(
        ingest.adopt, 1, [subscription.feed], [subscription], garden.clock.now()
    )
    garden.publisher.serve("/english", ENGLISH, content_type=HTML)
    garden.publish("old", "english")
    await garden.poll()
    assert garden.asked() == paths


async def test_the_feed_is_asked_with_a_pause_before_each_article(garden: Garden) -> None:
    names = [f"n{number}" for number in range(3)]
    for name in names:
        garden.publisher.serve(f"/{name}", ENGLISH, content_type=HTML)
    garden.publish(*names)
    before = garden.clock.monotonic()
    await garden.poll()
    assert len(garden.asked()) == 3
    assert garden.publisher.most_at_once <= 1
    assert garden.clock.monotonic() - before == DAY.total_seconds() + 3


async def test_a_change_of_the_article_is_no_edit_and_an_edit_keeps_the_article(garden: Garden) -> None:
    garden.publisher.serve("/tulips", ENGLISH, content_type=HTML)
    garden.publish("tulips")
    await garden.poll()
    garden.publisher.serve("/tulips", PERSIAN, content_type=HTML)
    garden.publish("tulips", author="Sara")
    assert (await garden.poll()).edited == 0
    garden.publish("tulips", description="Another teaser.")
    assert (await garden.poll()).edited == 1
    assert (await garden.texts())["Title of tulips"] == "\n".join(ENGLISH_WORDS)
    assert garden.asked() == ["/tulips"]


async def test_without_full_text_no_page_is_asked_for(garden: Garden) -> None:
    await garden.configure(full_text=False)
    garden.publish("tulips")
    assert (await garden.poll()).new == 1
    assert garden.asked() == []


async def test_a_backfill_fetches_as_many_as_it_publishes(garden: Garden) -> None:
    for name in ("a", "b", "c", "d"):
        garden.publisher.serve(f"/{name}", ENGLISH, content_type=HTML)
    garden.publish("a", "b", "c", "d")
    other = a_feed("other", url=garden.publisher.url("/feed?other"), full_text=True, backfill=2)
    garden.poller.routes = await garden.database.write(
        ingest.adopt, 1, [other], [a_subscription(other)], garden.clock.now()
    )
    await garden.poll()
    assert [path for path in garden.asked() if "feed" not in path] == ["/d", "/c"]
    assert (await garden.texts())["Title of d"] == "\n".join(ENGLISH_WORDS)


async def test_a_flood_of_entries_costs_few_requests_and_loses_none(garden: Garden) -> None:
    names = [f"n{number}" for number in range(MOST + 10)]
    for name in names:
        garden.publisher.serve(f"/{name}", ENGLISH, content_type=HTML)
    garden.publish(*names)
    assert (await garden.poll()).new == MOST + 10
    assert garden.asked() == [f"/{name}" for name in reversed(names[10:])]


BAD_PAGES = ["gone", "forbidden", "empty", "picture", "login", "binary", "cut", "dropped", "hangs", "drips", "circle",
             "bomb", "deep", "feed", "huge", "not-http"]  # fmt: skip


@pytest.mark.parametrize("kind", BAD_PAGES)
async def test_a_bad_page_costs_the_article_and_not_the_post(garden: Garden, kind: str) -> None:
    publisher = garden.publisher
    match kind:
        case "forbidden":
            publisher.serve("/new", "no", status=403, content_type=HTML)
        case "empty":
            publisher.serve("/new", "", content_type=HTML)
        case "picture":
            publisher.serve("/new", ENGLISH, content_type="image/jpeg")
        case "login":
            publisher.serve("/new", "<html><body><form>Log in to read on</form></body></html>", content_type=HTML)
        case "binary":
            publisher.serve("/new", bytes(range(256)) * 100, content_type=HTML)
        case "cut":
            publisher.truncate("/new", ENGLISH.encode()[:500], length=5000, content_type=HTML)
        case "dropped":
            publisher.drop("/new")
        case "hangs":
            publisher.hang("/new")
            garden.full_text.longest_each = 0.5
        case "drips":
            publisher.drip("/new", ENGLISH.encode() * 10)
            garden.full_text.longest_each = 0.5
        case "circle":
            publisher.redirect("/new", "/new")
        case "bomb":
            publisher.serve("/new", b"<p>" + bytes(3 << 20), content_type=HTML, gzip=True)
        case "deep":
            publisher.serve("/new", "<html><body>" + "<div>" * 49_000 + ENGLISH, content_type=HTML)
        case "feed":
            publisher.redirect("/new", "/feed")
        case "huge":
            publisher.serve("/new", b"<p>" + b"x" * (11 << 20), content_type=HTML)
        case "not-http":
            publisher.redirect("/new", "file:///etc/passwd")
    garden.publish("old", "new")
    polled = await garden.poll()
    assert (polled.new, polled.failed) == (1, 0)
    assert (await garden.texts())["Title of new"] == "A teaser of new."
    garden.asked()
    assert ((await garden.poll()).new, garden.asked()) == (0, [])


async def test_one_bad_page_costs_the_others_nothing(garden: Garden) -> None:
    garden.publisher.serve("/good", ENGLISH, content_type=HTML)
    garden.publish("good", "missing")
    await garden.poll()
    texts = await garden.texts()
    assert (texts["Title of good"], texts["Title of missing"]) == ("\n".join(ENGLISH_WORDS), "A teaser of missing.")


@pytest.mark.parametrize("status", [403, 429, 503])
async def test_a_host_that_refuses_a_page_is_not_asked_for_the_next(garden: Garden, status: int) -> None:
    garden.publisher.serve("/a", ENGLISH, content_type=HTML)
    garden.publisher.serve("/b", "no", status=status, content_type=HTML)
    garden.publish("a", "b")
    assert (await garden.poll()).new == 2
    assert garden.asked() == ["/b"]


async def test_a_host_whose_pages_fail_is_soon_left_alone(garden: Garden) -> None:
    garden.publish(*(f"missing{number}" for number in range(10)))
    assert (await garden.poll()).new == 10
    assert len(garden.asked()) == 3


async def test_a_redirected_article_is_read(garden: Garden) -> None:
    garden.publisher.redirect("/new", "/elsewhere/tulips")
    garden.publisher.serve("/elsewhere/tulips", ENGLISH, content_type=HTML)
    garden.publish("new")
    await garden.poll()
    assert (await garden.texts())["Title of new"] == "\n".join(ENGLISH_WORDS)


async def test_an_article_on_another_host_waits_for_that_host_s_turn(garden: Garden) -> None:
    async with Publisher() as elsewhere:
        elsewhere.serve("/tulips", ENGLISH, content_type=HTML)
        garden.publish("new", link=elsewhere.url("/tulips"))
        await garden.poll()
        assert elsewhere.paths() == ["/tulips"]
    assert (await garden.texts())["Title of new"] == "\n".join(ENGLISH_WORDS)


async def test_an_article_on_a_private_address_is_not_asked_for(garden: Garden) -> None:
    """The feed's own host is let through by hand: a real one would be public."""
    guarded, opened = Fetcher(user_agent="Qasedak/test"), Fetcher(user_agent="t", allow_private_networks=True)
    parser, reader = Parser(), ArticleReader()
    turns = HostTurns(guarded, garden.database, garden.clock, timedelta())
    poller = Poller(
        garden.database, FeedSource(opened, parser, zone=TEHRAN), garden.clock, routes=garden.poller.routes,
        zone=TEHRAN, host_spacing=timedelta(), articles=FullText(garden.database, reader, turns),
    )  # fmt: skip
    garden.publisher.serve("/new", ENGLISH, content_type=HTML)
    garden.publish("new")
    garden.clock.advance(DAY)
    try:
        polled = await poller.poll_due()
        polled.add(await poller.finish())
        assert polled.new == 1
        assert (await garden.texts())["Title of new"] == "A teaser of new."
        assert garden.asked() == []
    finally:
        for fetcher in (guarded, opened):
            await fetcher.close()
        await asyncio.to_thread(parser.close)
        await asyncio.to_thread(reader.close)


async def test_the_feed_s_secrets_stay_with_the_feed(garden: Garden) -> None:
    await garden.configure(headers={"Authorization": "Bearer secret", "X-Key": "secret"})
    garden.publisher.serve("/new", ENGLISH, content_type=HTML)
    garden.publish("new")
    await garden.poll()
    (request,) = [request for request in garden.publisher.requests if request.path_qs == "/new"]
    assert b"secret" not in b"".join(value for _name, value in request.headers)


async def test_a_page_that_is_shorter_than_the_feed_s_own_text_is_not_taken(garden: Garden) -> None:
    garden.publisher.serve("/new", ENGLISH, content_type=HTML)
    garden.publish("new", content=f"<p>{'A long text of the feed itself about tulips. ' * 30}</p>")
    await garden.poll()
    assert "A long text of the feed itself" in (await garden.texts())["Title of new"]


async def test_the_page_s_picture_is_shown_where_the_entry_has_none(garden: Garden) -> None:
    garden.publisher.serve("/bare", ENGLISH, content_type=HTML)
    garden.publish("bare")
    await garden.poll()
    garden.publisher.serve("/pictured", page("Roses", PERSIAN_WORDS), content_type=HTML)
    garden.publish("pictured", enclosure="https://img.example/own.jpg")
    await garden.poll()
    found = {
        report.post.entry.title: report.post.entry for report in await garden.database.read(reports.post_reports, 1)
    }
    assert "/pictures/tulips.jpg" in str(found["Title of bare"].article)
    assert "/pictures/tulips.jpg" not in str(found["Title of pictured"].article)


async def test_the_post_goes_out_although_its_article_fails(garden: Garden) -> None:
    garden.publish("new")
    await garden.poll()
    rows = await garden.database.read(lambda connection: connection.execute(select(deliveries.c.state)).scalars().all())
    assert list(rows) == ["pending"]


async def test_entries_are_unmet_until_they_are_stored(database: Database, clock: FakeClock) -> None:
    stage = Stage(database, clock, FakeSender(clock))
    await stage.adopt()
    known, by_link = an_entry(1), an_entry(2, guid=None)
    await stage.read(known, by_link)
    (feed_id,) = stage.routes.feeds
    entries = [an_entry(3), known, by_link, an_entry(4, guid=None), an_entry(5, guid=None, link=None)]
    keys = [found.keys for found in identify(entries)]
    assert await database.read(articles.unmet, feed_id, keys) == [keys[0], keys[3], keys[4]]
    assert await database.read(articles.unmet, feed_id + 1, keys) == keys


async def test_two_names_of_one_address_are_fetched_in_full_if_either_wants_it(garden: Garden) -> None:
    plain: Feed = a_feed("plain", url=garden.publisher.url("/feed"))
    full = replace(plain, name="full", full_text=True)
    routes = await garden.database.write(
        ingest.adopt, 1, [plain, full], [a_subscription(plain), a_subscription(full)], garden.clock.now()
    )
    assert [feed.full_text for feed in routes.feeds.values()] == [True]


# --- the whole way -------------------------------------------------------------------------------------------


async def test_preview_and_posts_show_articles(tmp_path: Path) -> None:
    async with Publisher() as publisher:
        item = {"title": "Tulips", "guid": "1", "link": publisher.url("/tulips"), "description": "A teaser."}
        publisher.serve("/feed", rss(items=[item]))
        publisher.serve("/tulips", ENGLISH, content_type=HTML)
        (tmp_path / "feeds.yaml").write_text(
            "channels: {main: {chat: '@garden_test', language: en}}\n"
            f"feeds: {{garden: {{url: '{publisher.url('/feed')}', full_text: true, backfill: 1}}}}\n"
        )
        shown = await call_apart(tmp_path, "preview", publisher.url("/feed"), "--json")
        assert ENGLISH_WORDS[0] in shown.lines[0]["messages"][0]["text"]
        assert shown.lines[0]["messages"][0]["link_preview"]["url"] == publisher.url("/pictures/tulips.jpg")
        publisher.forget()
        assert (await call_apart(tmp_path, "once")).code == 0
        assert publisher.paths() == ["/feed", "/tulips"]
        posts = (await call_apart(tmp_path, "posts", "--json")).lines
    assert posts[0]["text"].split("\n") == list(ENGLISH_WORDS)
    assert posts[0]["verdict"] == "delivered"
