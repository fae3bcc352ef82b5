"""A channel as a feed: what a reader of feeds understands of it, and what the specifications ask for."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import feedparser
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from bot.model import PREVIEW_BOT, Channel, Entity, Message
from bot.storage import sent
from bot.storage.sent import SentPost
from bot.web import syndication
from bot.web.site import Site
from bot.web.syndication import FORMS, Syndicated, message_url
from tests.builders import NOW, a_channel, a_post, a_subscription, an_entry
from tests.fakes.front import FakeFront
from tests.fakes.vitals import FakeVitals
from tests.feed_rules import atom_faults, json_faults, rss_faults
from tests.stage import Stage

CHAT = -1001111111111
PUBLIC = a_channel(chat="@night_sky_fa")
ATOM = "{http://www.w3.org/2005/Atom}"
URL = "https://bot.example/feeds/main.atom"
HOSTILE = "]]></title><script>alert(1)</script>&amp; \x00\x0b\ufffe\ud800"


def a_sent(number: int = 1, text: str = "A full moon\nThe moon is full.", **changes: Any) -> SentPost:
    post = a_post(an_entry(number, tags=("Space", "نجوم"), author="Sara"), id=number)
    one = SentPost(
        number, "@night_sky_fa", CHAT, 70 + number, (Message(text),), NOW + number * timedelta(minutes=1), post
    )
    return replace(one, **changes)


def about(*found: SentPost, channel: Channel = PUBLIC, bot_id: int = 123456) -> Syndicated:
    return Syndicated(channel, "آسمان شب & Sky", bot_id, URL, "Asia/Tehran", found)


@asynccontextmanager
async def reader(*found: SentPost, token: str | None = None) -> AsyncIterator[TestClient[Any, Any]]:
    async def load_sent(channel: Channel, title: str, own_url: str) -> Syndicated:
        return replace(about(*found, channel=channel), title=title, own_url=own_url)

    async def nothing(_channel: str, _template: str) -> list[Any]:
        return []

    site = Site(
        channels={"main": PUBLIC},
        load=nothing,
        titles={"main": "آسمان شب"},
        is_preview=False,
        token=token,
        now=lambda: NOW,
        vitals=FakeVitals(),
        front=FakeFront(),
        load_sent=load_sent,
    )
    async with TestClient(TestServer(site.application())) as client:
        yield client


# --- what was sent ---------------------------------------------------------------------------------------------


async def test_what_reached_the_channel_comes_newest_first_and_nothing_else(stage: Stage) -> None:
    await stage.adopt(a_subscription())
    await stage.read()
    await stage.read(an_entry(1), an_entry(2))
    await stage.deliver_until_idle(stage.outbox())
    stage.clock.advance(timedelta(minutes=5))
    await stage.read(an_entry(3))
    found = await stage.database.read(sent.sent_posts, stage.sender.bot_id, "main", 50)
    assert [(one.post.entry.title, one.message_id, one.chat_id) for one in found] == [
        ("Moon number 2", 2, CHAT),
        ("Moon number 1", 1, CHAT),
    ]
    assert [one.parts[0].text.splitlines()[0] for one in found] == ["Moon number 2", "Moon number 1"]
    assert await stage.database.read(sent.sent_posts, stage.sender.bot_id, "other", 50) == []
    assert await stage.database.read(sent.sent_posts, PREVIEW_BOT, "main", 50) == []
    assert len(await stage.database.read(sent.sent_posts, stage.sender.bot_id, "main", 1)) == 1


@pytest.mark.parametrize(
    ("chat", "chat_id", "bot_id", "url"),
    [
        ("@night_sky_fa", CHAT, 1, "https://t.me/night_sky_fa/71"),
        (str(CHAT), CHAT, 1, "https://t.me/c/1111111111/71"),
        ("-4242", -4242, 1, None),
        ("@night_sky_fa", CHAT, PREVIEW_BOT, None),
    ],
    ids=["public", "private", "small group", "preview"],
)
def test_a_message_is_found_where_telegram_shows_it(chat: str, chat_id: int, bot_id: int, url: str | None) -> None:
    assert message_url(a_sent(chat=chat, chat_id=chat_id), bot_id) == url


# --- what a reader understands -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["atom", "rss"])
def test_a_reader_of_feeds_finds_no_fault_and_everything_in_it(form: str) -> None:
    write, _ = FORMS[form]
    read = feedparser.parse(write(about(a_sent(2), a_sent(1))))
    assert not read.bozo
    assert (read.feed.title, read.feed.link) == ("آسمان شب & Sky", "https://t.me/night_sky_fa")
    first = read.entries[0]
    assert (first.title, first.link, first.author) == ("Moon number 2", "https://t.me/night_sky_fa/72", "Sara")
    assert [tag.term for tag in first.tags] == ["Space", "نجوم"]
    assert first.published_parsed[:5] == (2026, 11, 20, 6, 2)
    assert first.updated_parsed[:5] == (2026, 11, 23, 8, 2)
    said = first.summary
    assert "جمعه ۲۹ آبان ۱۴۰۵ (\u2067۲۰ نوامبر ۲۰۲۶\u2069)" in said
    assert len({entry.id for entry in read.entries}) == 2


def test_the_atom_document_has_what_rfc_4287_asks_for() -> None:
    feed = ET.fromstring(syndication.atom(about(a_sent(2), a_sent(1))))
    assert feed.tag == f"{ATOM}feed"
    for parent in (feed, *feed.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(parent.findall(f"{ATOM}{name}")) == 1
        for at in (*parent.findall(f"{ATOM}updated"), *parent.findall(f"{ATOM}published")):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", at.text or "")
        assert (parent.findtext(f"{ATOM}id") or "").startswith("urn:uuid:")
        relations = [link.get("rel") for link in parent.findall(f"{ATOM}link")]
        assert len(relations) == len(set(relations))
        assert all((link.get("href") or "").startswith("https://") for link in parent.findall(f"{ATOM}link"))
    (own,) = [link for link in feed.findall(f"{ATOM}link") if link.get("rel") == "self"]
    assert own.get("href") == URL
    assert feed.findtext(f"{ATOM}author/{ATOM}name")
    assert feed.findtext(f"{ATOM}updated") == "2026-11-23T08:02:00Z"
    (entry, _) = feed.findall(f"{ATOM}entry")
    assert [link.get("href") for link in entry.findall(f"{ATOM}link")][1] == "https://sky.example/2"
    content = entry.find(f"{ATOM}content")
    assert content is not None
    assert content.get("type") == "html"


def test_the_rss_document_has_what_its_specification_asks_for() -> None:
    root = ET.fromstring(syndication.rss(about(a_sent(1))))
    channel = root.find("channel")
    assert channel is not None
    assert root.get("version") == "2.0"
    assert all(channel.findtext(name) for name in ("title", "link", "description", "lastBuildDate"))
    own = channel.find(f"{ATOM}link")
    assert own is not None
    assert (own.get("rel"), own.get("href")) == ("self", URL)
    item = channel.find("item")
    assert item is not None
    guid = item.find("guid")
    assert guid is not None
    assert guid.get("isPermaLink") == "false"
    assert parsedate_to_datetime(item.findtext("pubDate") or "") == datetime(2026, 11, 20, 6, 1, tzinfo=UTC)


def test_the_json_document_has_what_its_specification_asks_for() -> None:
    document = json.loads(syndication.json_feed(about(a_sent(1))))
    assert document["version"] == "https://jsonfeed.org/version/1.1"
    assert (document["feed_url"], document["home_page_url"]) == (URL, "https://t.me/night_sky_fa")
    (item,) = document["items"]
    assert isinstance(item["id"], str)
    assert (item["url"], item["external_url"]) == ("https://t.me/night_sky_fa/71", "https://sky.example/1")
    assert (item["date_published"], item["date_modified"]) == ("2026-11-20T06:01:00Z", "2026-11-23T08:01:00Z")
    assert item["_qasedak"] == {"jalali": "1405-08-29", "gregorian": "2026-11-20"}


def test_an_id_is_the_same_whatever_the_post_is_called_later() -> None:
    before = json.loads(syndication.json_feed(about(a_sent(1))))["items"][0]["id"]
    renamed = a_sent(1, post=a_post(an_entry(1, title="Another title")))
    assert json.loads(syndication.json_feed(about(renamed)))["items"][0]["id"] == before


@pytest.mark.parametrize("form", FORMS)
def test_hostile_words_stay_words_and_break_no_document(form: str) -> None:
    found = a_sent(1, HOSTILE, post=a_post(an_entry(1, title=HOSTILE, author=HOSTILE, tags=(HOSTILE,))))
    written = FORMS[form][0](replace(about(found), title=HOSTILE))
    if form == "json":
        assert "<script" not in json.loads(written)["items"][0]["content_html"]
    else:
        assert b"<script" not in written
        read = feedparser.parse(written)
        assert not read.bozo
        assert len(read.entries) == 1


@pytest.mark.parametrize("form", FORMS)
def test_a_channel_that_got_nothing_yet_is_an_empty_feed(form: str) -> None:
    written = FORMS[form][0](about())
    if form == "json":
        assert json.loads(written)["items"] == []
    else:
        read = feedparser.parse(written)
        assert (bool(read.bozo), read.entries) == (False, [])


# --- what validators say ---------------------------------------------------------------------------------------

RICH = Message(
    "Moon @sara_notes /start #Space\nSee the guide",
    (Entity("bold", 0, 4), Entity("text_link", 35, 5, url="https://garden.example/guide"), Entity("spoiler", 0, 4)),
)
DOCUMENTS: Mapping[str, Callable[[], Syndicated]] = {
    "plain": lambda: about(a_sent(2), a_sent(1)),
    "empty": about,
    "rich": lambda: about(a_sent(1, parts=(RICH, RICH))),
    "preview": lambda: about(a_sent(1), bot_id=PREVIEW_BOT),
    "private": lambda: about(a_sent(1, chat=str(CHAT)), channel=a_channel(chat=str(CHAT))),
    "no-title": lambda: about(a_sent(1, "", post=a_post(an_entry(1, title=None, author="", tags=("", " "))))),
    "address-in-persian": lambda: about(
        a_sent(1, post=a_post(an_entry(1, link="https://آسمان.example/ماه نو?q=«ماه»#آغاز")))
    ),
    "odd-addresses": lambda: about(
        *(
            a_sent(number, post=a_post(an_entry(number, link=link)))
            for number, link in enumerate(
                [
                    "javascript:alert(1)",
                    "/moon",
                    "https://",
                    "https://a.example/%zz|^`{}",
                    "mailto:x@y",
                    "https://[::1",
                ],
                1,
            )
        )
    ),
    "old": lambda: about(a_sent(1, post=a_post(an_entry(1, published=datetime(1971, 3, 21, tzinfo=UTC))))),
    "hostile": lambda: about(
        a_sent(1, HOSTILE, post=a_post(an_entry(1, title=HOSTILE, author=HOSTILE, tags=(HOSTILE,))))
    ),
}
FAULTS = {"atom": atom_faults, "rss": rss_faults, "json": json_faults}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_validator_finds_no_fault(name: str, form: str) -> None:
    assert FAULTS[form](FORMS[form][0](DOCUMENTS[name]())) == []


@pytest.mark.parametrize(
    ("form", "what", "instead", "fault"),
    [
        ("atom", b"<id>urn:uuid:", b"<id>moon:", "no full address"),
        ("atom", b'rel="self"', b'rel="related"', "no link to itself"),
        ("atom", b"T06:02:00Z", b" 06:02", "published"),
        ("atom", b"&lt;/p&gt;&lt;p class=", b"&lt;script class=", "<script>"),
        ("rss", b"Fri, 20 Nov", b"Sat, 20 Nov", "another day of the week"),
        ("rss", b'isPermaLink="false"', b'isPermaLink="true"', "a guid that would be an address"),
        ("rss", b"<link>https://t.me/night_sky_fa/72", b"<link>t.me/night_sky_fa/72", "no full address"),
        ("json", b'"language": "fa"', b'"language": ""', "language"),
    ],
)  # fmt: skip
def test_the_rules_find_what_they_look_for(form: str, what: bytes, instead: bytes, fault: str) -> None:
    written = FORMS[form][0](about(a_sent(2), a_sent(1)))
    assert what in written
    assert any(fault in found for found in FAULTS[form](written.replace(what, instead)))


# --- over HTTP -------------------------------------------------------------------------------------------------


async def test_each_form_has_its_type_and_says_its_own_address_without_the_token() -> None:
    async with reader(a_sent(1), token="s3cret") as client:
        for form, (_, media_type) in FORMS.items():
            response = await client.get(
                f"/feeds/main.{form}?token=s3cret",
                headers={"X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/bots/sky", "Host": "bot.example"},
            )
            written = await response.text()
            assert (response.status, response.content_type) == (200, media_type)
            assert f"https://bot.example/bots/sky/feeds/main.{form}" in written
            assert "s3cret" not in written
            assert response.headers["Referrer-Policy"] == "no-referrer"
        assert (await client.get("/feeds/main.atom")).status == 403
        assert (await client.get("/feeds/other.atom?token=s3cret")).status == 404
        assert (await client.get("/feeds/main.xml?token=s3cret")).status == 404


@pytest.mark.parametrize("lie", ["javascript", "https://evil.example/"])
async def test_what_a_proxy_cannot_have_said_is_not_believed(lie: str) -> None:
    async with reader(a_sent(1)) as client:
        response = await client.get("/feeds/main.atom", headers={"X-Forwarded-Proto": lie, "X-Forwarded-Prefix": lie})
        written = await response.text()
        assert lie not in written
        assert f'href="{client.make_url("/feeds/main.atom")}"' in written


async def test_a_reader_who_has_it_already_gets_the_headers_alone() -> None:
    async with reader(a_sent(1)) as client:

        async def ask(**headers: str) -> ClientResponse:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.get("/feeds/main.atom", headers=named)

        first = await ask()
        tag, modified = first.headers["ETag"], first.headers["Last-Modified"]
        assert tag.startswith('W/"')
        assert modified == format_datetime(NOW + timedelta(minutes=1), usegmt=True)
        for headers in ({"If_None_Match": tag}, {"If_None_Match": tag[2:]}, {"If_Modified_Since": modified}):
            again = await ask(**headers)
            assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", tag)
        older = format_datetime(NOW, usegmt=True)
        for headers in (
            {"If_None_Match": '"another"'},
            {"If_Modified_Since": older},
            {"If_None_Match": '"another"', "If_Modified_Since": modified},
        ):
            assert (await ask(**headers)).status == 200


async def test_it_is_packed_for_those_who_can_unpack_it() -> None:
    async with reader(*(a_sent(number) for number in range(1, 30))) as client:
        packed = await client.get("/feeds/main.rss", headers={"Accept-Encoding": "gzip"})
        plain = await client.get("/feeds/main.rss", headers={"Accept-Encoding": "identity"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in plain.headers
        assert await packed.read() == await plain.read()
        assert packed.headers["ETag"] == plain.headers["ETag"]
        assert plain.headers["Vary"] == "Accept-Encoding"
