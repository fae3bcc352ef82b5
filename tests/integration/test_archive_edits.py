"""An archive whose owner corrects it, through poller and store: no post comes twice, none is lost, ids stay."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, select

from bot.model import FeedKind
from bot.poller import Polled, Poller
from bot.sources.feed import FeedSource
from bot.sources.fetch import Fetcher
from bot.sources.parsing import Parser
from bot.storage import ingest
from bot.storage.database import Database
from bot.storage.feeds import Routes
from bot.storage.schema import deliveries, posts
from tests.builders import a_feed, a_subscription
from tests.builders_archive import Written, dump, header
from tests.fakes.clock import FakeClock

TEHRAN = ZoneInfo("Asia/Tehran")
WORDS = {
    "en": "the moon stood over hills that evening and every garden below was white with frost until morning came",
    "fa": "آن شب ماه بالای تپه\u200cها ایستاده بود و باغ\u200cهای پایین تا صبح از یخبندان سفید بودند و کسی بیدار نبود",
}


def prose(seed: int, language: str) -> str:
    """Two dozen words that no other number gives in this order."""
    words = WORDS[language].split()
    return " ".join(f"{words[(seed * 5 + at * (seed + 2)) % len(words)]} {seed * 31 + at}" for at in range(16)) + "."


def a_blog(language: str) -> list[Written]:
    """Four posts, newest first."""
    titles = {
        "en": ["A white night", "Tulips in pots", "The comet returns", "Rain at last"],
        "fa": ["شب سفید", "لاله در گلدان", "دنباله\u200cدار برمی\u200cگردد", "باران آمد"],
    }[language]
    return [
        Written(date(2018, 9, 30) - timedelta(days=9 * at), title, (prose(at, language), prose(at + 10, language)))
        for at, title in enumerate(titles)
    ]


NEW = Written(date(2018, 10, 8), "ماه نو", ("امشب ماه نو است و آسمان تا صبح تاریک می\u200cماند.",))


class Blog:
    """One file, read by a poller into a database, and what there is afterwards."""

    def __init__(self, database: Database, clock: FakeClock, folder: Path) -> None:
        self.path = folder / "blog.txt"
        self._database, self._clock = database, clock
        source = FeedSource(Fetcher(user_agent="t", allow_private_networks=True), Parser(), zone=TEHRAN)
        self._poller = Poller(database, source, clock, routes=Routes({}, {}), zone=TEHRAN, host_spacing=timedelta(0))

    async def adopt(self, **changes: Any) -> None:
        feed = a_feed("blog", kind=FeedKind.ARCHIVE, url=str(self.path.parent / "*.txt"), **changes)
        self._poller.routes = await self._database.write(
            ingest.adopt, 1, [feed], [a_subscription(feed)], self._clock.now()
        )

    async def read(self, text: str | bytes) -> Polled:
        """Write the file and have it looked at, a minute after the last time."""
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return await self.look()

    async def look(self) -> Polled:
        self._clock.advance(timedelta(minutes=1))
        polled = await self._poller.poll_due(forced=True)
        polled.add(await self._poller.finish())
        return polled

    async def ask(self, query: Any) -> list[Any]:
        def run(connection: Connection) -> list[Any]:
            return [row[0] if len(row) == 1 else tuple(row) for row in connection.execute(query)]

        return await self._database.read(run)

    async def idents(self) -> dict[str, str | None]:
        return dict(await self.ask(select(posts.c.ident, posts.c.title)))

    async def published(self) -> list[str]:
        return await self.ask(select(posts.c.title).select_from(deliveries.join(posts)).order_by(deliveries.c.id))


@pytest.fixture
async def blog(sqlite: Database, clock: FakeClock, tmp_path: Path) -> Blog:
    made = Blog(sqlite, clock, tmp_path)
    await made.adopt()
    return made


# --- copies ------------------------------------------------------------------------------------------------


def with_arabic_letters(text: str) -> bytes:
    digits = {ord(persian): arabic for persian, arabic in zip("۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩", strict=True)}
    return text.replace("ی", "ي").replace("ک", "ك").translate(digits).encode()


COPIES: dict[str, Callable[[str], bytes]] = {
    "arabic_letters_and_digits": with_arabic_letters,
    "crlf": lambda text: text.replace("\n", "\r\n").encode(),
    "marked": lambda text: text.encode("utf-8-sig"),
    "utf16": lambda text: text.encode("utf-16"),
    "weekday_with_zwnj": lambda text: text.replace("یکشنبه", "یک\u200cشنبه").encode(),
    "blank_lines_at_the_end": lambda text: f"{text}\n\n\n".encode(),
    "nothing_changed": lambda text: text.encode(),
}


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES.keys())
async def test_a_copy_changes_no_post_and_one_put_above_is_new(
    blog: Blog, language: str, copy: Callable[[str], bytes]
) -> None:
    text = dump(a_blog(language))
    assert (await blog.read(text)).new == 4
    before = await blog.idents()
    again = await blog.read(copy(text))
    assert (again.new, again.edited) == (0, 0)
    assert (await blog.idents()).keys() == before.keys()
    grown = await blog.read(copy(f"{NEW.text()}\n{text}"))
    assert (grown.new, grown.edited) == (1, 0)
    assert await blog.published() == [NEW.title if copy is not with_arabic_letters else NEW.title.replace("ک", "ك")]


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES.keys())
async def test_a_copy_of_the_real_archive_changes_no_post(
    blog: Blog, shared: Path, copy: Callable[[str], bytes]
) -> None:
    (path,) = (shared / "archive").glob("*.txt")
    text = path.read_text(encoding="utf-8")
    assert (await blog.read(text)).new == 5
    before = await blog.idents()
    again = await blog.read(copy(f"{NEW.text()}\n{text}"))
    assert (again.new, again.edited) == (1, 0)
    assert before.keys() < (await blog.idents()).keys()


# --- corrections -------------------------------------------------------------------------------------------


def retitled(post: Written) -> Written:
    return replace(post, title="The night in white" if post.title.isascii() else "آن شب که سفید بود")


def redated(post: Written) -> Written:
    return replace(post, day=post.day - timedelta(days=1))


def both(post: Written) -> Written:
    return retitled(redated(post))


def halved(post: Written) -> Written:
    return replace(post, blocks=post.blocks[:1])


def half_and_retitled(post: Written) -> Written:
    return retitled(halved(post))


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize("correct", [retitled, redated, both, halved, half_and_retitled])
async def test_a_corrected_post_keeps_its_id_and_is_not_published_again(
    blog: Blog, language: str, correct: Callable[[Written], Written]
) -> None:
    newest, *older = a_blog(language)
    await blog.read(dump([newest, *older]))
    before = await blog.idents()
    corrected = correct(newest)
    for text in (dump([NEW, corrected, *older]), dump([corrected, *older, NEW]), dump([NEW, corrected, *older])):
        await blog.read(text)
        after = await blog.idents()
        assert after.keys() >= before.keys()
        assert len(after) == 5
    assert await blog.published() == [NEW.title]
    stored = await blog.ask(select(posts.c.title, posts.c.published_at, posts.c.effective_at).order_by(posts.c.id))
    title, published, effective = stored[3]
    assert title == corrected.title
    assert published == effective
    assert published.astimezone(TEHRAN).date() == corrected.day


async def test_an_edit_is_told_once(blog: Blog) -> None:
    newest, *older = a_blog("en")
    await blog.read(dump([newest, *older]))
    changed = await blog.read(dump([retitled(newest), *older]))
    assert (changed.new, changed.edited, changed.read) == (0, 1, 1)
    redone = await blog.read(dump([redated(retitled(newest)), *older]))
    assert (redone.new, redone.edited) == (0, 1)
    os.utime(blog.path, (1, 1))
    same = await blog.look()
    assert (same.new, same.edited, same.unchanged) == (0, 0, 0)


@pytest.mark.parametrize("correct", [retitled, both])
async def test_a_post_of_the_real_archive_that_is_corrected_keeps_its_id(
    blog: Blog, shared: Path, correct: Callable[[Written], Written]
) -> None:
    (path,) = (shared / "archive").glob("*.txt")
    text = path.read_text(encoding="utf-8")
    await blog.read(text)
    before = await blog.idents()
    first, _, title, *rest = text.split("\n")
    post = correct(Written(date(2018, 9, 30), title, ()))
    assert header(date(2018, 9, 30)) == first
    again = await blog.read("\n".join((header(post.day), "", post.title, *rest)))
    assert (again.new, again.edited) == (0, 1)
    assert (await blog.idents()).keys() == before.keys()


async def test_a_post_of_the_real_archive_that_is_cut_in_half_keeps_its_id(blog: Blog, shared: Path) -> None:
    (path,) = (shared / "archive").glob("*.txt")
    lines = path.read_text(encoding="utf-8").split("\n")
    await blog.read("\n".join(lines))
    before = await blog.idents()
    second = lines.index(header(date(2018, 9, 23)))
    again = await blog.read("\n".join([*lines[: second // 2], "", *lines[second:]]))
    assert (again.new, again.edited) == (0, 1)
    assert (await blog.idents()).keys() == before.keys()


async def test_what_leaves_the_file_stays_and_may_return(blog: Blog) -> None:
    newest, *older = a_blog("en")
    await blog.read(dump([newest, *older]))
    assert (await blog.read(dump(older))).new == 0
    assert len(await blog.idents()) == 4
    back = await blog.read(dump([newest, *older]))
    assert (back.new, back.edited) == (0, 0)


async def test_a_post_that_takes_the_place_of_another_is_new(blog: Blog) -> None:
    newest, *older = a_blog("en")
    await blog.read(dump([newest, *older]))
    for other in (replace(newest, title="Fog", blocks=(prose(40, "en"),)), replace(NEW, day=newest.day)):
        assert (await blog.read(dump([other, *older]))).new == 1


def bulletin(day: date) -> Written:
    return Written(day, "The sky this week", (prose(3, "en") + " " + prose(4, "en") + f" The moon rises at {day}.",))


async def test_a_bulletin_that_says_nearly_the_same_every_week_is_new_every_week(blog: Blog) -> None:
    weeks = [date(2018, 9, 30) - timedelta(weeks=week) for week in range(4)]
    await blog.read(dump(map(bulletin, weeks)))
    # The oldest leaves, the next one comes.
    rolled = await blog.read(dump(map(bulletin, [weeks[0] + timedelta(weeks=1), *weeks[:-1]])))
    assert (rolled.new, rolled.edited) == (1, 0)


async def test_every_date_of_a_long_archive_may_be_corrected(blog: Blog) -> None:
    days = [date(2018, 9, 30) - timedelta(days=3 * at) for at in range(700)]
    many = [Written(day, f"Day {at}", (prose(at, "en"),)) for at, day in enumerate(days)]
    assert (await blog.read(dump(many))).new == 700
    before = await blog.idents()
    shifted = await blog.read(dump(map(redated, many)))
    assert (shifted.new, shifted.edited) == (0, 700)
    assert await blog.idents() == before


async def test_a_day_that_does_not_exist_is_published_when_it_is_corrected(blog: Blog) -> None:
    await blog.read(dump(a_blog("en")))
    wrong = NEW.text().replace(header(NEW.day), "۱۳۹۷ مهر ۳۱, سه\u200cشنبه")
    assert (await blog.read(f"{wrong}\n{dump(a_blog('en'))}")).new == 1
    assert await blog.published() == []
    corrected = await blog.read(f"{NEW.text()}\n{dump(a_blog('en'))}")
    assert (corrected.new, corrected.edited) == (0, 1)
    assert await blog.published() == [NEW.title]
    (found,) = await blog.ask(select(posts.c.published_at).where(posts.c.title == NEW.title))
    assert found.astimezone(TEHRAN).date() == NEW.day
