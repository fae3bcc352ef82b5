"""Archives in parts and again: cut as the whole text would be, and only what is new is handed on."""

import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ArchiveError
from bot.model import Entry, Feed, FeedKind, Hints, Reading, Validators
from bot.sources import archive, blocks, dated_text
from bot.text import persian
from tests.builders_archive import SKY, Written, dump, header

ROOT = Path(__file__).parents[2]
TEHRAN = ZoneInfo("Asia/Tehran")
TEXT = dump(SKY)
NEW = Written(date(2018, 10, 7), "باران", ("باران آمد.",))
HEADER = header(date(2018, 9, 30))


def read(path: Path, seen: Validators | None = None, *, now: float | None = None) -> list[Reading]:
    feed = Feed(name="old-blog", kind=FeedKind.ARCHIVE, url=str(path))
    return list(archive.read(feed, seen or Validators(), TEHRAN, now=now))


def entries(path: Path, seen: Validators | None = None) -> list[Entry]:
    return [entry for reading in read(path, seen) for entry in reading.entries]


def of_the_whole(text: str) -> list[Entry]:
    posts = dated_text.parse(text)
    ordered = posts[::-1] if dated_text.is_newest_first(posts) else posts
    ordered = sorted(ordered, key=lambda post: post.day or date.max)
    return [dated_text.to_entry(post, TEHRAN, None) for post in ordered]


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    path = tmp_path / "blog.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


# --- in parts ----------------------------------------------------------------------------------------------

_ENDS = st.sampled_from(["\n", "\n", "\r\n", "\r", "\u2028", "\u0085", "\v"])
_LINES = st.sampled_from(
    [
        *("", "", "", "", "\u00a0", " \u200f", HEADER, header(date(2018, 9, 23)), f"\u200f{HEADER} "),
        *("۱۴۰۴ اسفند ۳۰, جمعه", "یکشنبه ۱ مهر ۱۳۹۷", "September 29, 2018", "Sunday, 30 September 2018", "2018-09-30"),
        *("Moon", "moon", "Posted by Sara", "۳ نظر:", "The garden", "It is new.", "The garden rests. " * 12),
        *("باغ در خواب است.", "رود در راه", "Shiraz, 14 Sept 2018 - The moon is new.", " " * 500 + "x"),
    ]
)
_TEXTS = st.lists(st.tuples(_LINES, _ENDS), max_size=40).map(lambda lines: "".join(map("".join, lines)))


@given(_TEXTS, st.integers(1, 9), st.booleans())
def test_blocks_are_those_of_the_whole_text(text: str, size: int, is_marked: bool) -> None:
    text = "\ufeff" * is_marked + text
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    dialect = blocks.find_dialect(blocks.pieces(parts, enough=1))
    assert (dialect is not None) == dated_text.looks_like(text)
    if dialect is None:
        return
    found = list(blocks.cut(blocks.pieces(parts, enough=1), dialect))
    assert "".join(block.text for block in found) == text
    posts = [
        post
        for block in found
        if block.header
        for post in dated_text.parse_block(block.header, dated_text.cleaned_lines(block.text)[1:])
    ]
    whole = dated_text.parse(text)
    assert [(post.day, post.title, post.lines) for post in posts] == [
        (post.day, post.title, post.lines) for post in whole
    ]
    assert all(set(post.flags) <= set(same.flags) for post, same in zip(posts, whole, strict=True))


@given(_TEXTS)
def test_an_archive_is_read_as_its_whole_text_would_be(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "blog.txt"
    path.write_bytes(text.encode())
    if dated_text.looks_like(text):
        assert entries(path) == of_the_whole(text)
    else:
        with pytest.raises(ArchiveError, match="no dated header found"):
            entries(path)


@pytest.mark.parametrize("folder", ["examples", "../shared"], ids=["sample", "real"])
def test_archives_at_hand_are_read_as_their_whole_text_would_be(folder: str) -> None:
    paths = sorted((ROOT / folder / "archive").glob("*.txt"))
    if not paths:
        pytest.skip("the real archive is not part of the project")
    for path in paths:
        assert entries(path) == of_the_whole(path.read_text(encoding="utf-8-sig"))


def test_what_is_blank_to_the_grammar_is_blank_here() -> None:
    ends = "\n\r\v\f\u0085\u2028\u2029"
    nothing = {chr(code) for code in range(0x11000) if not persian.clean_line(chr(code))} - set(ends)
    blank = {chr(code) for code in range(0x11000) if blocks.is_blank(chr(code))}
    assert blank - set(ends) == nothing


# --- again -------------------------------------------------------------------------------------------------


def prepend(text: str) -> bytes:
    return f"{NEW.text()}\n{text}".encode()


def append(text: str) -> bytes:
    return f"{text}\n{NEW.text()}".encode()


@pytest.mark.parametrize("change", [prepend, append], ids=["above", "below"])
def test_of_a_file_that_grew_only_the_new_post_comes(blog: Path, change: Callable[[str], bytes]) -> None:
    (first,) = read(blog)
    blog.write_bytes(change(TEXT))
    (second,) = read(blog, first.validators)
    assert [entry.title for entry in second.entries] == [NEW.title]
    (third,) = read(blog, second.validators)
    assert third == Reading(modified=False, validators=second.validators)


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(TEXT.replace("\n", "\r\n").encode(), id="crlf"),
        pytest.param(TEXT.encode("utf-8-sig"), id="marked"),
        pytest.param(TEXT.encode("utf-16"), id="utf16"),
    ],
)
def test_a_copy_that_looks_the_same_brings_nothing(blog: Path, copy: bytes) -> None:
    (first,) = read(blog)
    blog.write_bytes(copy)
    (second,) = read(blog, first.validators)
    assert second.entries == ()
    assert second.modified


def test_an_edited_post_comes_with_the_others_of_its_day_only(blog: Path) -> None:
    (first,) = read(blog)
    blog.write_text(TEXT.replace("The garden rests.", "The garden sleeps."), encoding="utf-8")
    (second,) = read(blog, first.validators)
    assert [entry.title for entry in second.entries] == ["The first day of autumn"]


def test_without_its_digest_everything_comes_again(blog: Path) -> None:
    (first,) = read(blog)
    (second,) = read(blog, Validators(items=first.validators.items))
    assert second == first


def test_of_two_thousand_posts_the_one_that_was_appended_comes(tmp_path: Path) -> None:
    path = tmp_path / "blog.txt"
    newest = date(2018, 10, 1)
    posts = [Written(newest - timedelta(days=n), f"Day {n}", ("It was dark. " * 100,)) for n in range(2000)]
    path.write_text(dump(posts), encoding="utf-8")
    readings = read(path)
    assert sum(len(reading.entries) for reading in readings) == 2000
    path.write_text(dump([*posts, NEW]), encoding="utf-8")
    (again,) = read(path, readings[-1].validators)
    assert [entry.title for entry in again.entries] == [NEW.title]


# --- half-written ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "is_read"),
    [
        pytest.param(0, False, id="just_written"),
        pytest.param(0.9, False, id="a_moment_ago"),
        pytest.param(1, True, id="settled"),
        pytest.param(-60, True, id="another_clock"),
    ],
)
def test_a_file_that_was_just_written_waits(blog: Path, age: float, is_read: bool) -> None:
    os.utime(blog, (1_000_000, 1_000_000))
    (reading,) = read(blog, now=1_000_000 + age)
    assert reading.modified is is_read
    if not is_read:
        assert reading == Reading(modified=False, hints=Hints(retry_after=archive.SETTLE))


def test_a_file_that_changes_between_two_batches_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "blog.txt"
    newest = date(2020, 1, 1)
    text = dump(Written(newest - timedelta(days=n), f"Day {n}", ("It was dark.",)) for n in range(1200))
    path.write_text(text, encoding="utf-8")
    feed = Feed(name="old-blog", kind=FeedKind.ARCHIVE, url=str(path))
    readings = archive.read(feed, Validators(), TEHRAN)
    assert next(readings).last is False
    path.write_text(NEW.text() + text, encoding="utf-8")
    with pytest.raises(ArchiveError, match="changed while it was read"):
        list(readings)
