"""The pages as a client gets them, over a real socket: what is drawn, what is refused, what can never get in."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError, StorageError
from bot.model import (
    Attachment,
    Button,
    Calendar,
    Channel,
    DeliveryState,
    Digits,
    Entity,
    LinkPreview,
    Message,
    MessageKind,
    Shown,
)
from bot.web.drawing import message_html
from bot.web.site import LoadSent, Site
from tests.fakes.front import FakeFront, nothing_sent
from tests.fakes.vitals import FakeVitals

NOW = datetime(2026, 11, 23, 10, 45, tzinfo=UTC)
FA = Channel(name="main", chat="@night_sky_fa")
EN = Channel(name="english", chat="-1001234567890", language="en", timezone="Europe/London")
TITLES = {"main": "آسمان شب", "english": "Night Sky"}
ALBUM = tuple(Attachment(f"https://sky.example/{number}.jpg") for number in (1, 2))
PERSIAN = Message(
    "ماه کامل\n\u200fدوشنبه ۲ آذر ۱۴۰۵ (\u2067۲۳ نوامبر ۲۰۲۶\u2069)\n\nThe moon is full.\n#نجوم",
    (Entity("bold", 0, 8), Entity("text_link", 0, 8, url="https://sky.example/moon")),
)

Client = TestClient[Request, Application]


def shown(
    *parts: Message,
    state: DeliveryState = DeliveryState.SENT,
    sent_at: datetime | None = NOW,
    due_at: datetime = NOW,
    error: str | None = None,
    number: int = 1,
) -> Shown:
    is_sent = state is DeliveryState.SENT
    return Shown(number, number, state, parts, due_at, sent_at if is_sent else None, error)


@asynccontextmanager
async def site_of(
    posts: Sequence[Shown] = (),
    *,
    channels: Mapping[str, Channel] | None = None,
    token: str | None = None,
    is_preview: bool = True,
    load: Callable[[str, str], Awaitable[Sequence[Shown]]] | None = None,
    vitals: FakeVitals | None = None,
    front: FakeFront | None = None,
    load_sent: LoadSent = nothing_sent,
) -> AsyncIterator[Client]:
    async def load_posts(channel: str, template: str) -> Sequence[Shown]:
        return posts

    site = Site(
        channels={"main": FA, "english": EN} if channels is None else channels,
        load=load or load_posts,
        titles=TITLES,
        is_preview=is_preview,
        token=token,
        now=lambda: NOW,
        vitals=vitals or FakeVitals(),
        front=front or FakeFront(),
        load_sent=load_sent,
    )
    async with TestClient(TestServer(site.application())) as client:
        yield client


async def page_of(posts: Sequence[Shown], path: str = "/preview/main", *, channel: Channel = FA) -> str:
    async with site_of(posts, channels={"main": channel}) as client:
        response = await client.get(path)
        assert response.status == 200
        return await response.text()


def draw(text: str, *entities: Entity, marks: bool = False) -> str:
    return str(message_html(Message(text, entities), marks=marks))


def line(inside: str, direction: str = "ltr") -> str:
    return f'<p class="line" dir="{direction}">{inside}</p>'


# --- lines and directions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("ماه", "rtl"),
        ("Moon ماه", "ltr"),
        ("ماه Moon", "rtl"),
        ("۱۴۰۵/۰۹/۰۲", "ltr"),
        ("\u200f۱۴۰۵/۰۹/۰۲", "rtl"),
        ("\u2067ماه\u2069 Moon", "ltr"),
        ("\u2066#Space\u2069", "ltr"),
        ("\u200f\u2066#Space\u2069", "rtl"),
        ("🌕 ماه", "rtl"),
    ],
    ids=[
        "persian",
        "english_first",
        "persian_first",
        "digits",
        "marked_digits",
        "isolate_skipped",
        "only_isolate",
        "marked_isolate",
        "emoji",
    ],
)
def test_the_first_strong_letter_of_a_line_decides_its_direction(text: str, direction: str) -> None:
    assert f'<p class="line" dir="{direction}">' in draw(text)


def test_every_line_is_a_paragraph_of_its_own() -> None:
    assert draw("ماه\nMoon\n\nماه") == line("ماه", "rtl") + line("Moon") + line("<br>") + line("ماه", "rtl")


async def test_the_page_takes_language_and_direction_of_its_channel() -> None:
    assert '<html lang="fa" dir="rtl">' in await page_of([])
    assert '<html lang="en" dir="ltr">' in await page_of([], channel=EN)


# --- entities ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entity", "html"),
    [
        ("bold", "<b>moon</b>"),
        ("italic", "<i>moon</i>"),
        ("underline", "<u>moon</u>"),
        ("strikethrough", "<s>moon</s>"),
        ("code", "<code>moon</code>"),
        ("spoiler", '<span class="spoiler" tabindex="0" title="Hidden text">moon</span>'),
        ("date_time", "moon"),
        ("never_heard_of", "moon"),
    ],
)
def test_a_style_is_its_element_and_an_unknown_one_is_plain(entity: str, html: str) -> None:
    assert draw("a moon rose", Entity(entity, 2, 4)) == line(f"a {html} rose")


def test_offsets_count_utf16_units_so_emoji_before_an_entity_do_not_shift_it() -> None:
    assert draw("🌕🌖 moon", Entity("bold", 5, 4)) == line("🌕🌖 <b>moon</b>")
    assert draw("🌕 moon 🌖!", Entity("italic", 0, 2), Entity("bold", 8, 2)) == line("<i>🌕</i> moon <b>🌖</b>!")


def test_nested_entities_nest_and_crossing_ones_are_closed_and_opened_again() -> None:
    assert draw("abcd", Entity("italic", 1, 2), Entity("bold", 0, 4)) == line("<b>a<i>bc</i>d</b>")
    assert draw("abcd", Entity("bold", 0, 3), Entity("italic", 2, 2)) == line("<b>ab<i>c</i></b><i>d</i>")


def test_an_entity_over_several_lines_is_drawn_in_each() -> None:
    assert draw("ab\ncd", Entity("bold", 0, 5)) == line("<b>ab</b>") + line("<b>cd</b>")


@pytest.mark.parametrize(
    "entity",
    [Entity("bold", 90, 4), Entity("bold", -9, 4), Entity("bold", 1, 0), Entity("bold", 2, -2)],
    ids=["after", "before", "empty", "negative"],
)
def test_an_entity_outside_the_text_is_left_out(entity: Entity) -> None:
    assert draw("moon", entity) == line("moon")


def test_a_quote_stands_alone_without_the_breaks_that_part_it() -> None:
    drawn = draw("one\nدو\nthree", Entity("blockquote", 4, 2))
    assert drawn == line("one") + f'<blockquote dir="rtl">{line("دو", "rtl")}</blockquote>' + line("three")


def test_two_quotes_in_a_row_have_no_line_between_them() -> None:
    drawn = draw("a\nb\n\nc", Entity("blockquote", 0, 1), Entity("blockquote", 2, 1))
    assert drawn == "".join(f'<blockquote dir="ltr">{line(letter)}</blockquote>' for letter in "ab") + line(
        "<br>"
    ) + line("c")


def test_a_long_expandable_quote_can_be_folded_and_a_short_one_is_whole() -> None:
    text = "one\ntwo\nthree\nfour"
    assert draw(text, Entity("expandable_blockquote", 0, len(text))).startswith('<details class="quote" dir="ltr">')
    assert draw("one", Entity("expandable_blockquote", 0, 3)).startswith("<blockquote")


def test_code_keeps_its_lines_and_names_its_language() -> None:
    drawn = draw("a = 1\nb = #x", Entity("pre", 0, 11, language="python"))
    assert drawn.startswith('<pre dir="ltr"><b>python</b><code><span class="line" dir="ltr">a = 1</span>')
    assert "live" not in drawn


# --- what is live ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "live"),
    [
        ("see #stars now", '<span class="live">#stars</span>'),
        ("#آسمان_شب", '<span class="live">#آسمان_شب</span>'),
        ("\u2066#Space\u2069", '<span class="live">#Space</span>'),
        ("ask @night_sky", '<a href="https://t.me/night_sky" rel="noreferrer noopener">@night_sky</a>'),
        ("try /latest", '<span class="live">/latest</span>'),
        ("costs $USD", '<span class="live">$USD</span>'),
        ("(https://sky.example/a?b=1&c).", '(<a href="https://sky.example/a?b=1&amp;c" rel="noreferrer noopener">'),
        ("sky.org/moon", '<a href="https://sky.org/moon" rel="noreferrer noopener">sky.org/moon</a>'),
        ("tg://resolve?domain=x", '<a href="tg://resolve?domain=x" rel="noreferrer noopener">'),
        ("me@sky.org", '<span class="live">me@sky.org</span>'),
    ],
    ids=["hashtag", "persian", "isolated", "mention", "command", "cashtag", "url", "bare_domain", "tg", "email"],
)
def test_what_telegram_links_by_itself_is_live(text: str, live: str) -> None:
    assert live in draw(text)


@pytest.mark.parametrize(
    "text",
    [
        "#\u2060stars",
        "@\u2060night_sky",
        "/\u2060latest",
        "$\u2060USD",
        "#1",
        "and/or",
        "a@b",
        "/usr/bin",
        "x#y",
        "end.Then",
    ],
)
def test_what_telegram_leaves_alone_is_plain(text: str) -> None:
    assert draw(text) == line(text)


def test_inside_a_link_nothing_else_is_live() -> None:
    drawn = draw("read #stars", Entity("text_link", 0, 11, url="https://sky.example/"))
    assert drawn == line('<a href="https://sky.example/" rel="noreferrer noopener">read #stars</a>')


def test_of_two_links_over_each_other_the_first_counts() -> None:
    one, two = "https://one.example/", "https://two.example/"
    drawn = draw("abcd", Entity("text_link", 0, 3, url=one), Entity("text_link", 1, 3, url=two))
    assert drawn.count("<a ") == 1
    assert one in drawn


# --- strangers' text ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        " javascript:x",
        "file:///etc/x",
        "//x",
        "http://[",
    ],
)
def test_an_address_that_a_browser_would_run_is_no_link(url: str) -> None:
    assert draw("moon", Entity("text_link", 0, 4, url=url)) == line('<span class="live">moon</span>')


async def test_hostile_text_is_shown_and_never_run() -> None:
    hostile = '<script>alert("x")</script>&amp;\'"'
    message = Message(
        hostile,
        (Entity("text_link", 0, 3, url='https://x.example/"><script>'), Entity("pre", 10, 4, language="<script>")),
        LinkPreview('javascript:"><script>'),
    )
    posts = [shown(message), shown(message, state=DeliveryState.DEAD, error=hostile)]
    channel = replace(FA, chat=hostile)
    async with site_of(posts, channels={"<script>": channel}) as client:
        page = await (await client.get("/preview/%3Cscript%3E?marks=1&token=%22%3E%3Cscript%3E")).text()
        missing = await (await client.get("/preview/%3Cscript%3Ex")).text()
    for text in (page, missing):
        assert "<script" not in text
        assert 'href="javascript' not in text
    assert "&lt;script&gt;" in page
    assert "&amp;amp;" in page


class _Reader(HTMLParser):
    """The text of a page as a browser shows it, and whether its elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.opened: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag != "br":
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


_TYPES = ["bold", "italic", "code", "pre", "blockquote", "expandable_blockquote", "text_link", "spoiler", "hashtag"]
_ENTITIES = st.builds(
    Entity,
    st.sampled_from(_TYPES),
    st.integers(-3, 40),
    st.integers(-3, 40),
    st.sampled_from(["https://sky.example/", "javascript:x", None]),
)


@given(st.text("ab<&>\"'\n #@/:.🌕ماه\u200f\u2066\u2069\ud800", max_size=40), st.lists(_ENTITIES, max_size=6))
def test_any_text_with_any_entities_is_shown_whole_in_elements_that_nest(text: str, entities: list[Entity]) -> None:
    reader = _Reader()
    reader.feed(draw(text, *entities))
    reader.close()
    assert not reader.opened
    assert "".join(reader.text) == text.replace("\n", "").replace("\ud800", "\ufffd")
    assert reader.tags <= {"p", "br", "b", "i", "code", "pre", "blockquote", "details", "summary", "span", "a"}


# --- marks -------------------------------------------------------------------------------------------------------


def test_the_switch_shows_marks_in_boxes_outside_what_they_isolate() -> None:
    box = '<bdi class="mark">{}</bdi>'.format
    assert draw("\u200f\u2066#\u2060x\u2069", marks=True) == line(
        f"{box('RLM')}\u200f{box('LRI')}\u2066#{box('WJ')}\u2060x\u2069{box('PDI')}", "rtl"
    )


async def test_marks_are_invisible_until_asked_for_and_the_switch_goes_both_ways() -> None:
    plain = await page_of([shown(PERSIAN)], "/preview/main?limit=5")
    boxed = await page_of([shown(PERSIAN)], "/preview/main?limit=5&marks=1")
    assert 'class="mark"' not in plain
    assert 'href="/preview/main?limit=5&amp;marks=1"' in plain
    assert '<bdi class="mark">RLM</bdi>' in boxed
    assert 'href="/preview/main?limit=5"' in boxed


# --- the channel -------------------------------------------------------------------------------------------------


async def test_the_header_names_the_channel_and_counts_what_was_sent() -> None:
    posts = [shown(PERSIAN), shown(PERSIAN), shown(PERSIAN, state=DeliveryState.DEAD)]
    persian, english = await page_of(posts), await page_of(posts[:1], channel=EN)
    assert "<bdi>آسمان شب</bdi>" in persian
    assert '<bdi dir="ltr">@night_sky_fa</bdi>' in persian
    assert "۲ نوشته" in persian
    assert "1 post<" in english


@pytest.mark.parametrize(
    ("channel", "words"),
    [(FA, "پیش\u200cنمایش؛ چیزی به تلگرام نرفته"), (EN, "Preview: nothing was sent to Telegram")],
    ids=["persian", "english"],
)
async def test_the_banner_is_there_in_a_preview_only(channel: Channel, words: str) -> None:
    assert words in await page_of([], channel=channel)
    async with site_of(channels={"main": channel}, is_preview=False) as client:
        assert words not in await (await client.get("/preview/main")).text()


async def test_each_day_is_announced_once_in_both_calendars_by_the_channels_zone() -> None:
    evening = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)  # past midnight in Tehran, not in London
    posts = [shown(PERSIAN, sent_at=evening), shown(PERSIAN)]
    persian = await page_of(posts, channel=replace(FA, calendars=(Calendar.JALALI,), date="none"))
    english = await page_of(posts, channel=EN)
    assert re.findall(r'<h2 class="day"><span dir="rtl">(.*?)</span>', persian) == [
        "\u200fدوشنبه ۲ آذر ۱۴۰۵ (\u2067۲۳ نوامبر ۲۰۲۶\u2069)"
    ]
    assert re.findall(r'<h2 class="day"><span dir="ltr">(.*?)</span>', english) == [
        "Sunday, 22 November 2026 (\u2067۱ آذر ۱۴۰۵\u2069)",
        "Monday, 23 November 2026 (\u2067۲ آذر ۱۴۰۵\u2069)",
    ]


@pytest.mark.parametrize(
    ("channel", "clock"),
    [
        (FA, "۱۴:۱۵"),
        (replace(FA, digits=Digits.LATIN), "14:15"),
        (EN, "10:45"),
        (replace(EN, digits=Digits.FA), "۱۰:۴۵"),
    ],
    ids=["persian", "persian_latin", "english", "english_persian"],
)
async def test_the_time_is_the_channels_own_in_its_digits(channel: Channel, clock: str) -> None:
    assert f'<time dir="ltr">{clock}</time>' in await page_of([shown(PERSIAN)], channel=channel)


async def test_the_foot_counts_utf16_units_and_entities() -> None:
    long = Message("🌕" * 620, (Entity("bold", 0, 2),) * 6)
    page = await page_of([shown(long)], channel=EN)
    assert "1,240/4096 · 6/100" in page
    assert "1,240 of 4,096 characters, 6 of 100 entities" in page
    assert "more than Telegram takes" not in page


async def test_a_message_over_a_limit_says_so() -> None:
    assert "more than Telegram takes" in await page_of([shown(Message("a" * 4097))], channel=EN)


async def test_a_post_in_parts_is_as_many_bubbles() -> None:
    assert (await page_of([shown(PERSIAN, PERSIAN)])).count('<div class="bubble">') == 2


async def test_a_picture_is_a_link_and_nothing_is_loaded_from_its_host() -> None:
    preview = LinkPreview("https://sky.example/moon.jpg", prefer_large_media=True, show_above_text=True)
    page = await page_of([shown(Message("full moon tonight", (), preview))], channel=EN)
    box = page.index('<a class="box large" href="https://sky.example/moon.jpg" rel="noreferrer noopener"')
    assert box < page.index("full moon tonight")
    assert '<b class="host">sky.example</b>' in page
    assert not re.search(r"\ssrc=|url\(|<img|<iframe|<script", page)


@pytest.mark.parametrize(("pictures", "count"), [("", 0), ("?pictures=1", 3)], ids=["not-asked", "asked"])
async def test_pictures_are_loaded_only_where_they_are_asked_for(pictures: str, count: int) -> None:
    large = LinkPreview("https://sky.example/1.jpg", prefer_large_media=True, show_above_text=True)
    hidden = Attachment("javascript:alert(1)")
    album = Message("album", kind=MessageKind.ALBUM, media=(*ALBUM, hidden))
    async with site_of([shown(Message("moon", (), large)), shown(album)], channels={"main": EN}) as client:
        response = await client.get(f"/preview/main{pictures}")
        page = await response.text()
    assert page.count("<img ") == page.count('referrerpolicy="no-referrer"') == count
    assert ("img-src 'self' https: http:;" in response.headers["Content-Security-Policy"]) is bool(count)
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert all(f'href="{attachment.url}"' in page for attachment in ALBUM)
    assert "javascript:" not in page
    other = "Hide pictures" if count else "Show pictures"
    assert f'href="/preview/main{"" if count else "?pictures=1"}">{other}</a>' in page


async def test_a_caption_has_its_own_limit_and_its_picture_stands_above_it() -> None:
    photo = Message("x" * 1025, kind=MessageKind.PHOTO, media=ALBUM[:1])
    page = await page_of([shown(photo)], channel=EN)
    assert "1,025/1024 · 0/100 entities" in page
    assert "more than Telegram takes" in page
    assert page.index('<div class="media of-1">') < page.index("xxxx")


async def test_a_recording_is_shown_with_its_name() -> None:
    sound = Message("news", kind=MessageKind.AUDIO, media=(Attachment("https://sky.example/a/moon.mp3?x=1"),))
    page = await page_of([shown(sound)], channel=EN)
    assert '<a class="record audio" href="https://sky.example/a/moon.mp3?x=1"' in page
    assert "<bdi>moon.mp3</bdi>" in page


async def test_buttons_stand_under_their_message_row_by_row() -> None:
    rows = (
        (Button("Read", "https://sky.example/"), Button("Share <", "https://t.me/share/url?url=x")),
        (Button("Follow", "https://t.me/a_bot?start=f_1"), Button("Run", "javascript:alert(1)")),
    )
    page = await page_of([shown(Message("moon", buttons=rows))], channel=EN)
    (keyboard,) = re.findall(r'<div class="keyboard" dir="ltr">(.*?)</div>\n</div>', page, re.DOTALL)
    assert [re.findall("<bdi>(.*?)</bdi>", row) for row in keyboard.split("</div>")] == [
        ["Read", "Share &lt;"],
        ["Follow"],
    ]


async def test_another_template_is_a_tab_away() -> None:
    asked: list[tuple[str, str]] = []

    async def load(channel: str, template: str) -> Sequence[Shown]:
        asked.append((channel, template))
        return [shown(Message(template or "as it went out"))]

    async with site_of(channels={"main": replace(EN, template="own")}, load=load) as client:
        own = await (await client.get("/preview/main?marks=1")).text()
        compact = await (await client.get("/preview/main?marks=1&template=compact")).text()
        await client.get("/preview/main?template=nonsense")
    assert asked == [("main", ""), ("main", "compact"), ("main", "")]
    assert '<span aria-current="page"><bdi dir="ltr">own</bdi></span>' in own
    assert '<a href="/preview/main?marks=1&amp;template=compact"><bdi dir="ltr">compact</bdi></a>' in own
    assert '<a href="/preview/main?marks=1"><bdi dir="ltr">own</bdi></a>' in compact
    assert "What the posts would be with the template compact." in compact
    assert "What the posts would be" not in own


async def test_each_message_says_why_it_is_as_it_is() -> None:
    photo = Message("moon", kind=MessageKind.PHOTO, media=ALBUM[:1])
    page = await page_of([shown(photo, number=12), shown(PERSIAN, state=DeliveryState.PENDING)], channel=EN)
    (first, second) = re.findall(r"<summary>why\?</summary>\n<ul>(.*?)</ul>", page)
    assert re.findall("<li>(.*?)</li>", first) == [
        "Post 12, delivery 12",
        "Sent: 23 Nov 10:45",
        "A picture&#39;s caption holds 1,024 characters; a longer text is shortened to a sentence.",
        "Should Telegram refuse the picture, the whole text goes out without it.",
        "Stage by stage: qasedak why 12",
    ]
    assert "Due: 23 Nov 10:45" in second


async def test_a_link_box_stands_below_the_text_unless_told_otherwise() -> None:
    page = await page_of([shown(Message("full moon tonight", (), LinkPreview("https://sky.example/")))], channel=EN)
    assert page.index("full moon tonight") < page.index('<a class="box"')


# --- what was not sent -------------------------------------------------------------------------------------------


async def test_what_waits_stands_below_what_was_sent_with_its_time() -> None:
    later = NOW + timedelta(hours=20)
    posts = [
        shown(Message("first")),
        shown(Message("second"), state=DeliveryState.PENDING),
        shown(Message("third"), state=DeliveryState.PENDING, due_at=later),
    ]
    page = await page_of(posts, channel=EN)
    assert page.index("first") < page.index("Waiting; not sent yet") < page.index("second") < page.index("third")
    assert "Waiting; goes at its next turn" in page
    assert "Waiting; due 24 Nov, 06:45" in page
    assert "در صف؛ ۳ آذر، ۱۰:۱۵" in await page_of(posts)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (DeliveryState.SENDING, "Being sent"),
        (DeliveryState.UNCERTAIN, "May have been sent"),
        (DeliveryState.HELD, "Held; waits"),
        (DeliveryState.DEAD, "Not sent"),
        (DeliveryState.DROPPED, "Decided against"),
    ],
    ids=str,
)
async def test_every_state_but_sent_is_said_in_words_with_its_error(state: DeliveryState, words: str) -> None:
    page = await page_of([shown(PERSIAN, state=state, error="chat not <found>")], channel=EN)
    assert f"</span> {words}" in page
    assert '<bdi class="error">chat not &lt;found&gt;</bdi>' in page
    assert 'class="state"' not in await page_of([shown(PERSIAN)])


async def test_a_post_without_messages_is_still_there() -> None:
    page = await page_of([shown(state=DeliveryState.HELD)], channel=EN)
    assert "The text of this post is not made yet." in page


# --- how many ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 100), ("?limit=2", 2), ("?limit=0", 1), ("?limit=9999", 130), ("?limit=many", 100), ("?limit=-1", 100)],
    ids=["default", "two", "zero", "huge", "word", "negative"],
)
async def test_the_newest_are_shown_as_many_as_asked_for(query: str, count: int) -> None:
    posts = [shown(Message(f"note {number}"), number=number) for number in range(130)]
    page = await page_of(posts, f"/preview/main{query}")
    assert page.count("<article") == count
    assert ">note 129<" in page
    assert ("limit=500" in page) == (count < 130)


# --- doors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/preview/main", "/preview/none", "/nowhere", "/healthz", "/static/preview.css"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_every_answer_has_its_safety_headers(path: str, method: str) -> None:
    async with site_of() as client:
        response = await client.request(method, path)
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'")
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("token", [None, "moonlight"], ids=["open", "guarded"])
async def test_health_is_a_word_and_never_asks_for_a_token(token: str | None) -> None:
    async with site_of(token=token) as client:
        response = await client.get("/healthz")
        assert (response.status, response.content_type, await response.text()) == (200, "text/plain", "ok")


async def test_head_answers_without_a_body() -> None:
    async with site_of([shown(PERSIAN)]) as client:
        response = await client.head("/preview/main")
        assert (response.status, await response.read()) == (200, b"")
        assert int(response.headers["Content-Length"]) > 1000


@pytest.mark.parametrize("path", ["/preview/none", "/preview/", "/nowhere"])
async def test_a_page_that_is_not_there_names_the_channels(path: str) -> None:
    async with site_of() as client:
        response = await client.get(path)
        page = await response.text()
    assert (response.status, response.content_type) == (404, "text/html")
    assert "Night Sky" in page
    assert "/preview/main" in page


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, ""),
        ({"Authorization": "Bearer moonshine"}, ""),
        ({"Authorization": "Basic moonlight"}, ""),
        ({"Authorization": "Bearer"}, "?token=moonlight"),
        ({}, "?token=moonligh"),
        ({}, "?token="),
        ({}, "?token=%F0%9F%8C%95"),
    ],
    ids=["none", "wrong", "basic", "empty_bearer", "shorter", "empty", "emoji"],
)
@pytest.mark.parametrize("path", ["/", "/preview/main", "/nowhere"])
async def test_without_the_token_a_page_is_refused_and_tells_nothing(
    path: str, headers: dict[str, str], query: str
) -> None:
    async with site_of([shown(PERSIAN)], token="moonlight") as client:
        response = await client.get(path + query, headers=headers, allow_redirects=False)
        page = await response.text()
    assert response.status == 403
    assert "QASEDAK_HTTP_TOKEN" in page
    assert "night_sky" not in page


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"Authorization": "Bearer moonlight"}, ""),
        ({"authorization": "bearer  moonlight"}, ""),
        ({}, "?token=moonlight"),
    ],
    ids=["bearer", "lower_case", "query"],
)
async def test_with_the_token_a_page_opens(headers: dict[str, str], query: str) -> None:
    async with site_of([shown(PERSIAN)], token="moonlight") as client:
        assert (await client.get(f"/preview/main{query}", headers=headers)).status == 200


async def test_a_token_of_the_address_goes_along_with_every_link_of_ours() -> None:
    async with site_of([shown(PERSIAN)], token="moonlight") as client:
        missing = await (await client.get("/nowhere?token=moonlight")).text()
        page = await (await client.get("/preview/main?token=moonlight")).text()
    assert 'href="/preview/main?token=moonlight"' in missing
    assert 'href="/preview/main?token=moonlight&amp;marks=1"' in page


async def test_a_silent_database_is_said_in_words() -> None:
    async def fail(channel: str, template: str) -> Sequence[Shown]:
        raise StorageError("the database is locked: secret-place")

    async with site_of(load=fail) as client:
        response = await client.get("/preview/english")
        page = await response.text()
    assert response.status == 503
    assert "پایگاه داده جواب نداد" in page
    assert "secret-place" not in page


async def test_channels_and_titles_can_be_replaced_while_it_runs() -> None:
    site = Site(
        channels={"main": FA},
        load=_nothing,
        titles={},
        is_preview=True,
        token=None,
        now=lambda: NOW,
        vitals=FakeVitals(),
        front=FakeFront(),
        load_sent=nothing_sent,
    )
    async with TestClient(TestServer(site.application())) as client:
        assert (await client.get("/preview/english")).status == 404
        site.channels = {"english": EN}
        site.titles = {"english": "Night Sky over Town"}
        assert "Night Sky over Town" in await (await client.get("/preview/english")).text()
        assert (await client.get("/preview/main")).status == 404


# --- the server --------------------------------------------------------------------------------------------------


async def _nothing(channel: str, template: str) -> Sequence[Shown]:
    return ()


def _site() -> Site:
    return Site(
        channels={"main": FA},
        load=_nothing,
        titles={},
        is_preview=True,
        token=None,
        now=lambda: NOW,
        vitals=FakeVitals(),
        front=FakeFront(),
        load_sent=nothing_sent,
    )


async def test_a_site_starts_on_a_free_port_and_stops() -> None:
    site = _site()
    port = await site.start("127.0.0.1", 0)
    assert site.url == f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{site.url}/healthz") as response:
            assert response.status == 200
        await site.stop()
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get(f"{site.url}/healthz")
    await site.stop()


async def test_a_taken_port_names_the_setting_to_change() -> None:
    first, second = _site(), _site()
    port = await first.start("127.0.0.1", 0)
    try:
        with pytest.raises(ConfigError) as caught:
            await second.start("127.0.0.1", port)
    finally:
        await first.stop()
    assert str(caught.value) == (
        f"127.0.0.1:{port}: port taken by another program; set QASEDAK_HTTP_PORT to another, or 0"
    )


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [("127.0.0.1", 70000, "there is no such port"), ("192.0.2.1", 8080, "set QASEDAK_HTTP_HOST")],
    ids=["port", "host"],
)
async def test_a_place_that_cannot_be_listened_at_is_a_configuration_error(host: str, port: int, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        await _site().start(host, port)


# --- for whoever watches the process -------------------------------------------------------------------------------


@pytest.mark.parametrize("is_well", [True, False])
async def test_readiness_is_told_to_everybody_and_names_nothing(is_well: bool) -> None:
    async with site_of(token="s3cret", vitals=FakeVitals(is_well)) as client:
        response = await client.get("/readyz")
        said = await response.text()
    assert (response.status, said.split(";")[0]) == ((200, "ready") if is_well else (503, "late"))
    assert response.headers["Cache-Control"] == "no-store"
    assert not any(name in said for name in TITLES)


async def test_metrics_are_for_those_who_have_the_token() -> None:
    async with site_of(token="s3cret") as client:
        assert (await client.get("/metrics")).status == 403
        response = await client.get("/metrics", headers={"Authorization": "Bearer s3cret"})
        assert (response.status, await response.text()) == (200, "qasedak_late 0\n")
        assert response.headers["Content-Type"].startswith("text/plain; version=")


# --- the page at / -------------------------------------------------------------------------------------------------


async def test_the_front_is_told_how_it_is_asked_and_whether_they_may_act() -> None:
    front = FakeFront()
    async with site_of(token="s3cret", front=front) as client:
        response = await client.get("/?token=s3cret&q=moon")
        assert response.status == 200
        assert "form-action 'self'" in response.headers["Content-Security-Policy"]
    async with site_of(front=front) as client:
        await client.get("/")
        assert (await client.get("/static/status.css")).content_type == "text/css"
        assert (await client.get("/static/other.css")).status == 404
    assert [(asked.query.get("q"), asked.may_act) for asked in front.asked] == [("moon", True), (None, False)]


@pytest.mark.parametrize(
    ("token", "path", "delivery", "status", "retried"),
    [
        ("s3cret", "/retry?token=s3cret&lang=fa", "17", 303, [17]),
        ("s3cret", "/retry", "17", 403, []),
        (None, "/retry", "17", 403, []),
        ("s3cret", "/retry?token=s3cret", "all", 303, []),
        ("s3cret", "/retry?token=s3cret", "9" * 30, 303, []),
    ],
    ids=["with the token", "without it", "where there is none", "no number", "no such number"],
)
async def test_only_who_has_the_token_may_have_a_delivery_tried_again(
    token: str | None, path: str, delivery: str, status: int, retried: list[int]
) -> None:
    front = FakeFront()
    async with site_of(token=token, front=front) as client:
        response = await client.post(path, data={"delivery": delivery}, allow_redirects=False)
    assert (response.status, front.retried) == (status, retried)
    if status == 303:
        assert response.headers["Location"].startswith("./?token=s3cret")


async def test_what_is_only_to_be_looked_at_cannot_be_posted_to() -> None:
    async with site_of() as client:
        assert [(await client.post(path)).status for path in ("/", "/metrics", "/readyz")] == [405] * 3
        assert (await client.get("/retry")).status == 405


# --- behind a proxy ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "root"),
    [("/bots/sky", "/bots/sky"), ("/bots/sky/", "/bots/sky"), ("//evil.example", ""), ('/"><script>', ""), ("", "")],
    ids=["a path", "with a slash", "another host", "hostile", "none"],
)
async def test_pages_lead_to_each_other_under_the_path_of_a_proxy(prefix: str, root: str) -> None:
    async with site_of([shown(PERSIAN)]) as client:
        headers = {"X-Forwarded-Prefix": prefix}
        page = await (await client.get("/preview/main", headers=headers)).text()
        missing = await (await client.get("/nowhere", headers=headers)).text()
    for written in (page, missing):
        assert f'href="{root}/static/preview.css"' in written
        assert "evil" not in written
        assert "<script" not in written
    assert f'href="{root}/preview/main?marks=1"' in page
    assert f'href="{root}/preview/main"' in missing
