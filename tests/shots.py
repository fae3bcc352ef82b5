"""Pictures of the pages by a real browser, into ``var/shots``: ``python -m tests.shots``.

Also the browser of the acceptance tests. It talks to nobody but the page, keeps its profile in a directory of its
own, and is ended by its own process id.
"""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.model import (
    Channel,
    DeliveryState,
    Enclosure,
    Entity,
    Entry,
    Feed,
    FeedKind,
    Language,
    LinkPreview,
    Media,
    Message,
    Post,
    PostButton,
    Shown,
    Subscription,
)
from bot.render import lay_out
from bot.render.dressing import dress
from bot.text.richtext import utf16_length
from bot.web.site import Site
from tests.fakes.front import FakeFront, nothing_sent
from tests.fakes.vitals import FakeVitals
from tests.panel import CHANNELS as PANEL_CHANNELS
from tests.panel import TITLES as PANEL_TITLES
from tests.panel import a_panel

DIRECTORY = Path(__file__).parents[1] / "var" / "shots"
NOW = datetime(2026, 11, 23, 10, 45, tzinfo=UTC)
SIZES = {"phone": (412, 4300), "desktop": (1100, 1500)}
STATUS_SIZES = {"phone": (412, 7000), "desktop": (1180, 3000)}
TOKEN = "for-the-pictures"
SCHEMES = {"dark": 0, "light": 1}  #: Blink's mojom::PreferredColorScheme
CHANNELS = {
    "fa": Channel(name="fa", chat="@night_sky_fa", language="fa"),
    "en": Channel(name="en", chat="@night_sky", language="en", timezone="Europe/London"),
}
TITLES = {"fa": "آسمان شب", "en": "Night Sky"}

_TIME_LIMIT = 60.0  # seconds for one picture
BROWSER_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


def find_chromium() -> str | None:
    """The browser's path, None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium", path="/usr/bin")


async def dump_dom(url: str, *flags: str) -> str:
    """The page's DOM as the browser made it."""
    return (await _run(*flags, "--dump-dom", url)).decode()


async def take_picture(url: str, path: Path, size: tuple[int, int], scheme: str) -> None:
    """Write a PNG of the page as a window of ``size`` shows it."""
    await _run(
        f"--screenshot={path}",
        f"--window-size={size[0]},{size[1]}",
        f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
        url,
    )


async def _run(*arguments: str) -> bytes:
    browser = find_chromium()
    if browser is None:
        raise FileNotFoundError("chromium is not installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            browser,
            *BROWSER_FLAGS,
            f"--user-data-dir={profile}",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(_TIME_LIMIT):
                output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)  # its own group: the renderers go with it
                await process.wait()
    return output


@asynccontextmanager
async def showing(posts: Mapping[str, Sequence[Shown]], *, is_preview: bool = True) -> AsyncIterator[str]:
    """A site of the two channels with these posts; its address."""

    async def load(channel: str, template: str) -> Sequence[Shown]:
        return posts.get(channel, ())

    site = Site(
        channels=CHANNELS,
        load=load,
        titles=TITLES,
        is_preview=is_preview,
        token=None,
        now=lambda: NOW,
        vitals=FakeVitals(),
        front=FakeFront(),
        load_sent=nothing_sent,
    )
    await site.start("127.0.0.1", 0)
    try:
        yield site.url
    finally:
        await site.stop()


# --- the posts of the pictures ---------------------------------------------------------------------------------

_MOON = Entry(
    guid="moon",
    title="ماه کامل بر فراز تپه\u200cها",
    link="https://daftar.example/1405/moon",
    published=datetime(2026, 11, 22, 17, 30, tzinfo=UTC),
    language="fa",
    tags=("نجوم", "آسمان شب", "Space"),
    summary="<p>ماه امشب کامل است. با دوربین دوچشمی هم می\u200cتوان دید. "
    "برنامهٔ Stellarium ساعت طلوع را نشان می\u200cدهد.</p>",
)
_HILLS = Entry(
    guid="hills",
    title="A full moon over the hills",
    link="https://sky-notes.example/2026/full-moon",
    published=datetime(2026, 11, 22, 17, 30, tzinfo=UTC),
    language="en",
    tags=("astronomy", "Space", "نجوم"),
    summary="<p>The moon is full tonight. Binoculars are enough. Look east after sunset, over the \u201cتپه\u201d.</p>",
    enclosures=(Enclosure("https://sky-notes.example/pictures/hills.jpg", "image/jpeg"),),
)
_GARDEN = {
    "fa": """<b>کارهای این هفتهٔ باغ</b>

۱. پیاز لاله را پیش از یخبندان بکارید؛ <i>عمق ۱۵ سانتی\u200cمتر</i>.
۲. برگ\u200cها را <s>بسوزانید</s> <u>کود کنید</u>.
۳. پاسخ معما: <tg-spoiler>بیدمشک</tg-spoiler>
<blockquote>درختی که امروز می\u200cکارید سایهٔ فرداست.</blockquote>
دما را با این دستور بخوانید:
<pre><code class="language-sh">sensor --read soil</code></pre>
راهنما: https://garden.example/guide و @garden_notes""",
    "en": """<b>This week in the garden</b>

1. Plant tulips before the frost, <i>15 cm deep</i>.
2. <s>Burn</s> <u>compost</u> the leaves.
3. The riddle's answer: <tg-spoiler>pussy willow</tg-spoiler>
<blockquote>The tree you plant today is tomorrow's shade.</blockquote>
Read the temperature with <code>sensor</code>:
<pre><code class="language-sh">sensor --read soil</code></pre>
See https://garden.example/guide and @garden_notes""",
}
_FOLDED = {
    "fa": ("تاریخچهٔ تقویم", "بند {}: هر سال با برابری روز و شب آغاز می\u200cشود و ماه\u200cها نام\u200cهای کهن دارند."),
    "en": (
        "A history of the calendar",
        "Part {}: each year begins when day and night are equal; months have old names.",
    ),
}


def sample(language: Language) -> list[Shown]:
    """Posts of every kind: what was sent on two days, what failed, what waits."""
    channel = CHANNELS[language]
    own, foreign = (_MOON, _HILLS) if language == "fa" else (_HILLS, _MOON)
    pictures = tuple(Enclosure(f"https://garden.example/{number}.jpg", "image/jpeg") for number in range(3))
    sound = (Enclosure("https://sky-notes.example/podcast/the-moon-of-november.mp3", "audio/mpeg", size=9_000_000),)
    with_photo, with_album = (
        replace(channel, media=media, buttons=tuple(PostButton)) for media in (Media.PHOTO, Media.ALBUM)
    )
    linked = replace(
        lay_out(_GARDEN[language], language), link_preview=LinkPreview("https://garden.example/guide?week=47")
    )
    return [
        shown(1, _messages(own, channel), sent_at=NOW - timedelta(hours=17)),
        shown(2, [linked], sent_at=NOW - timedelta(hours=3)),
        shown(3, _messages(foreign, channel), sent_at=NOW - timedelta(hours=2)),
        shown(8, _messages(replace(own, enclosures=pictures), with_photo), sent_at=NOW - timedelta(hours=1)),
        shown(9, _messages(replace(foreign, enclosures=pictures), with_album), sent_at=NOW - timedelta(minutes=50)),
        shown(10, _messages(replace(own, enclosures=sound), with_photo), sent_at=NOW - timedelta(minutes=9)),
        shown(4, [_folded(*_FOLDED[language])], sent_at=NOW - timedelta(minutes=5)),
        shown(5, _messages(own, channel), DeliveryState.DEAD, error="Bad Request: CHAT_WRITE_FORBIDDEN"),
        shown(6, _messages(own, channel), DeliveryState.PENDING),
        shown(7, _messages(foreign, channel), DeliveryState.PENDING, due_at=NOW + timedelta(hours=20)),
    ]


def _folded(title: str, part: str) -> Message:
    quote = "\n".join(part.format(number) for number in range(1, 5))
    entities = (
        Entity("bold", 0, utf16_length(title)),
        Entity("expandable_blockquote", utf16_length(title) + 1, utf16_length(quote)),
    )
    return Message(f"{title}\n{quote}", entities)


def _messages(entry: Entry, channel: Channel) -> list[Message]:
    feed = Feed(name="sky", kind=FeedKind.HTTP, url="https://sky-notes.example/feed.xml", title="Sky Notes")
    post = Post(1, 1, entry.guid or "", entry, NOW)
    route = Subscription(feed, replace(channel, source=True, footer=channel.chat))
    return dress(post, route, bot="night_sky_bot")


def shown(
    number: int,
    parts: Sequence[Message],
    state: DeliveryState = DeliveryState.SENT,
    *,
    sent_at: datetime | None = None,
    due_at: datetime = NOW,
    error: str | None = None,
) -> Shown:
    """A delivery in a few words; a sent one without a time went now."""
    return Shown(number, number, state, tuple(parts), due_at, sent_at, error)


@asynccontextmanager
async def showing_status(folder: Path, *, language: Language = "fa", is_well: bool = False) -> AsyncIterator[str]:
    """The status page of a bot that has seen much; its address."""

    async def nothing(_channel: str, _template: str) -> Sequence[Shown]:
        return ()

    async with a_panel(folder / f"{language}.db", language=language, is_well=is_well) as page:
        site = Site(
            channels=PANEL_CHANNELS,
            load=nothing,
            titles=PANEL_TITLES,
            is_preview=False,
            token=TOKEN,
            now=lambda: NOW,
            vitals=FakeVitals(),
            front=page,
            load_sent=nothing_sent,
        )
        await site.start("127.0.0.1", 0)
        try:
            yield f"{site.url}/?token={TOKEN}&refresh=0"
        finally:
            await site.stop()


async def main() -> None:
    """Every page in every look."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for language in CHANNELS:
            async with showing_status(Path(folder), language="fa" if language == "fa" else "en") as address:
                for scheme in SCHEMES:
                    for name, size in STATUS_SIZES.items():
                        path = DIRECTORY / f"status-{language}-{scheme}-{name}.png"
                        await take_picture(address, path, size, scheme)
                        print(path)
    async with showing({language: sample(language) for language in ("fa", "en")}) as address:
        for language in CHANNELS:
            for scheme in SCHEMES:
                for name, size in SIZES.items():
                    path = DIRECTORY / f"preview-{language}-{scheme}-{name}.png"
                    await take_picture(f"{address}/preview/{language}", path, size, scheme)
                    print(path)


if __name__ == "__main__":
    if find_chromium() is None:
        sys.exit("chromium is not installed; it takes the pictures")
    asyncio.run(main())
