"""An archive on disk: files, encodings, batches, order, and the words of what goes wrong."""

import os
import shutil
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from time import process_time
from zoneinfo import ZoneInfo

import pytest

from bot.errors import ArchiveError
from bot.model import Entry, Feed, FeedKind, Flag, Reading, Validators
from bot.sources import archive, formats
from bot.sources.archive_memory import Memory, key_of
from bot.sources.dated_text import guid, parse
from bot.sources.formats import ArchiveFormat
from bot.text import markup
from tests.builders_archive import SKY, Written, dump

ROOT = Path(__file__).parents[2]
ARCHIVES = ROOT / "tests" / "data" / "archives"
SAMPLE = ROOT / "examples" / "archive"
REAL = ROOT.parent / "shared" / "archive"
TEHRAN = ZoneInfo("Asia/Tehran")
TEXT = dump(SKY)
IDS = [guid(post) for post in parse(TEXT)][::-1]


def feed(pattern: Path | str, language: str | None = None) -> Feed:
    return Feed(name="old-blog", kind=FeedKind.ARCHIVE, url=str(pattern), language=language)


def read(pattern: Path | str, seen: Validators | None = None) -> list[Reading]:
    return list(archive.read(feed(pattern), seen or Validators(), TEHRAN))


def entries(pattern: Path | str) -> list[Entry]:
    return [entry for reading in read(pattern) for entry in reading.entries]


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    path = tmp_path / "blog.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def daily(count: int) -> list[Written]:
    """One post a day, newest first."""
    newest = date(2020, 1, 1)
    return [Written(newest - timedelta(days=n), f"Day {n}", ("It was dark.",)) for n in range(count)]


# --- batches -----------------------------------------------------------------------------------------------


def test_posts_come_oldest_first(blog: Path) -> None:
    (reading,) = read(blog)
    assert [entry.guid for entry in reading.entries] == IDS
    assert (reading.modified, reading.last) == (True, True)
    assert reading.validators.digest == archive.fingerprint(feed(blog))


def test_the_language_of_the_feed_is_that_of_its_entries(blog: Path) -> None:
    (reading,) = archive.read(feed(blog, language="fa"), Validators(), TEHRAN)
    assert {entry.language for entry in reading.entries} == {"fa"}


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        pytest.param(archive.BATCH, [archive.BATCH], id="one_full_batch"),
        pytest.param(archive.BATCH + 1, [archive.BATCH, 1], id="one_more"),
        pytest.param(2 * archive.BATCH, [archive.BATCH] * 2, id="two_full_batches"),
    ],
)
def test_a_large_archive_comes_in_batches_and_the_last_one_says_so(
    tmp_path: Path, count: int, sizes: list[int]
) -> None:
    (tmp_path / "blog.txt").write_text(dump(daily(count)), encoding="utf-8")
    readings = read(tmp_path / "*.txt")
    assert [len(reading.entries) for reading in readings] == sizes
    assert [reading.last for reading in readings] == [False] * (len(sizes) - 1) + [True]
    assert {reading.validators for reading in readings[:-1]} <= {Validators()}
    published = [entry.published for reading in readings for entry in reading.entries]
    assert all(earlier < later for earlier, later in pairwise(published) if earlier and later)


def test_posts_of_all_files_are_in_one_order(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "a.txt").write_text(dump(SKY[:1]), encoding="utf-8")
    (tmp_path / "deep" / "b.txt").write_text(dump(SKY[2:]), encoding="utf-8")
    (tmp_path / "deep" / "er" / "c.txt").write_text(dump(SKY[1:2]), encoding="utf-8")
    assert [entry.guid for entry in entries(tmp_path / "**" / "*.txt")] == IDS


def test_posts_of_one_day_keep_their_order_and_undated_ones_come_last(tmp_path: Path) -> None:
    text = (
        "۱۳۹۷ مهر ۳۱, جمعه\n\nNowhere\n\nNo such day.\n\n"
        "۱۳۹۷ مهر ۸, یکشنبه\n\nEvening\n\nIt was dark.\n\n"
        "۱۳۹۷ مهر ۸, یکشنبه\n\nMorning\n\nIt was light.\n\n"
        "۱۳۹۷ مهر ۱, یکشنبه\n\nAutumn\n\nIt was here.\n"
    )
    (tmp_path / "blog.txt").write_text(text, encoding="utf-8")
    found = entries(tmp_path / "blog.txt")
    assert [entry.title for entry in found] == ["Autumn", "Morning", "Evening", "Nowhere"]
    assert found[-1].flags == (Flag.INVALID_DATE,)


def test_a_post_in_two_files_comes_once_as_the_later_file_has_it(tmp_path: Path) -> None:
    (tmp_path / "2018.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "2019.txt").write_text(TEXT.replace("The garden rests.", "The garden sleeps."), encoding="utf-8")
    found = entries(tmp_path / "*.txt")
    assert [entry.guid for entry in found] == IDS
    assert "sleeps" in (found[1].content or "")


def test_a_file_without_headers_is_passed_over_where_others_have_some(blog: Path) -> None:
    (blog.parent / "notes.txt").write_text("The moon is new.\n", encoding="utf-8")
    assert len(entries(blog.parent / "*.txt")) == 3


def test_headers_above_nothing_are_one_empty_reading(tmp_path: Path) -> None:
    (tmp_path / "blog.txt").write_text("۱۳۹۷ مهر ۸, یکشنبه\n", encoding="utf-8")
    (reading,) = read(tmp_path / "blog.txt")
    assert (reading.entries, reading.modified, reading.last) == ((), True, True)


# --- what changed ------------------------------------------------------------------------------------------


def test_unchanged_files_are_not_read_again(blog: Path) -> None:
    (first,) = read(blog)
    (second,) = read(blog, first.validators)
    assert second == Reading(modified=False, validators=first.validators)


def grow(blog: Path) -> None:
    blog.write_text(TEXT + "\n", encoding="utf-8")


def touch(blog: Path) -> None:
    os.utime(blog, ns=(1, 1))


def put_beside(blog: Path) -> None:
    (blog.parent / "new.txt").write_text(TEXT, encoding="utf-8")


def rename(blog: Path) -> None:
    blog.rename(blog.with_name("other.txt"))


@pytest.mark.parametrize("change", [grow, touch, put_beside, rename], ids=["grown", "written", "added", "renamed"])
def test_any_change_of_the_files_is_seen_and_ids_stay(blog: Path, change: Callable[[Path], None]) -> None:
    pattern = blog.parent / "*.txt"
    (first,) = read(pattern)
    change(blog)
    (second,) = read(pattern, first.validators)
    assert second.modified
    assert second.validators.digest != first.validators.digest
    assert Memory.load(second.validators.items).keys() == Memory.load(first.validators.items).keys()
    assert second.gone == frozenset()
    assert second.entries == ()
    assert [entry.guid for entry in entries(pattern)] == IDS


# --- encodings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"], ids=["plain", "marked", "utf16", "utf32"]
)
def test_unicode_is_read_with_and_without_a_mark(blog: Path, encoding: str) -> None:
    blog.write_bytes(TEXT.encode(encoding))
    assert [entry.guid for entry in entries(blog)] == IDS


def test_big_endian_text_is_known_by_its_mark(blog: Path) -> None:
    blog.write_bytes(("\ufeff" + TEXT).encode("utf-16-be"))
    assert [entry.guid for entry in entries(blog)] == IDS


def test_the_old_encoding_of_persian_is_a_guess(blog: Path) -> None:
    blog.write_bytes("1397 مهر 8, يكشنبه\r\n\r\nماه نو\r\n\r\nآسمان تاريك است.\r\n".encode("cp1256"))
    (entry,) = entries(blog)
    assert (entry.title, entry.published) == ("ماه نو", datetime(2018, 9, 29, 20, 30, tzinfo=UTC))


def test_a_file_cut_inside_a_letter_is_still_utf_8(blog: Path) -> None:
    blog.write_bytes((TEXT + "باغ").encode()[:-1])
    assert [entry.guid for entry in entries(blog)] == IDS


# --- what goes wrong ---------------------------------------------------------------------------------------


def test_a_pattern_that_matches_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"none\.txt: no file matches; correct the path"):
        read(tmp_path / "none.txt")


def test_a_folder_is_no_pattern(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"is a directory; name its files, such as .*\*\.txt"):
        archive.fingerprint(feed(tmp_path))


def test_text_without_a_header_is_an_error_that_shows_one(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("The moon is new.\n", encoding="utf-8")
    with pytest.raises(ArchiveError, match=r"notes\.txt: no dated header found; .*'۱۳۹۷ مهر ۸, یکشنبه'"):
        read(tmp_path / "*.txt")


def test_bytes_that_are_no_text_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "moon.txt").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    with pytest.raises(ArchiveError, match=r"moon\.txt: is not text; name other files"):
        read(tmp_path / "moon.txt")


def test_a_file_that_nobody_may_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "loop.txt").symlink_to("/proc/self/mem")
    with pytest.raises(ArchiveError, match=r"loop\.txt: cannot be read \(.*\); check"):
        read(tmp_path / "loop.txt")


def test_a_name_with_brackets_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "blog [old].txt"
    path.write_text(TEXT, encoding="utf-8")
    assert [entry.guid for entry in entries(path)] == IDS


# --- formats -----------------------------------------------------------------------------------------------

FORMATS = [pytest.param(form, id=form) for form in ("markdown", "blogger", "wordpress", "telegram", "jsonfeed")]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("is_named", [True, False], ids=["named", "found_out"])
def test_every_format_is_read_again_only_where_it_changed(tmp_path: Path, form: str, is_named: bool) -> None:
    copy = shutil.copytree(ARCHIVES / form, tmp_path / form)
    exported = replace(feed(copy / "*.*"), format=form if is_named else "auto")
    (first,) = archive.read(exported, Validators(), TEHRAN)
    direct = {
        entry.guid for path in copy.iterdir() for entry in formats.read_entries(path, ArchiveFormat(form), TEHRAN, None)
    }
    assert {entry.guid for entry in first.entries} == direct
    published = [entry.published or datetime.max.replace(tzinfo=UTC) for entry in first.entries]
    assert published == sorted(published)
    for path in copy.iterdir():
        os.utime(path, (1, 1))
    (second,) = archive.read(exported, first.validators, TEHRAN)
    assert (second.modified, second.entries, second.gone) == (True, (), frozenset())
    (third,) = archive.read(exported, second.validators, TEHRAN)
    assert not third.modified


def note(folder: Path, name: str, title: str, body: str) -> None:
    (folder / name).write_text(f"---\nid: {title}\ntitle: {title}\ndate: 2018-09-30\n---\n{body}\n", encoding="utf-8")


def test_of_many_files_the_one_that_changed_is_opened_and_what_went_is_named(tmp_path: Path) -> None:
    for name in ("a.md", "b.md", "c.md"):
        note(tmp_path, name, f"post {name}", "The moon is new.")
    (first,) = read(tmp_path / "*.md")
    assert len(first.entries) == 3
    note(tmp_path, "b.md", "post b.md", "The moon is full.")
    (tmp_path / "c.md").unlink()
    same = tmp_path / "a.md"
    status = same.stat()
    same.write_bytes(b"x" * status.st_size)  # who opened it would find no post
    os.utime(same, ns=(status.st_atime_ns, status.st_mtime_ns))
    (second,) = read(tmp_path / "*.md", first.validators)
    assert [entry.guid for entry in second.entries] == ["post b.md"]
    assert second.gone == {key_of(Entry(guid="post c.md"))}


def test_an_id_in_two_files_comes_once_also_when_the_hidden_one_changes(tmp_path: Path) -> None:
    note(tmp_path, "1.md", "moon", "The first words.")
    note(tmp_path, "2.md", "moon", "The last words.")
    (first,) = read(tmp_path / "*.md")
    assert ["last" in (entry.content or "") for entry in first.entries] == [True]
    note(tmp_path, "1.md", "moon", "Other first words.")
    (second,) = read(tmp_path / "*.md", first.validators)
    assert second.entries == ()


def test_texts_and_exports_may_lie_in_one_folder(blog: Path) -> None:
    note(blog.parent, "moon.md", "moon", "The moon is new.")
    found = entries(blog.parent / "*.*")
    assert sorted(filter(None, (entry.guid for entry in found))) == sorted([*IDS, "moon"])


def test_memory_does_not_grow_with_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "BATCH", 10)  # few and long posts: to trace memory costs more than to read

    def peak(count: int) -> int:
        path = tmp_path / f"{count}.txt"
        body = "It was dark, and nobody in the garden said a word. " * 400
        newest = date(2020, 1, 1)
        path.write_text(dump(Written(newest - timedelta(days=n), f"Day {n}", (body,)) for n in range(count)), "utf-8")
        tracemalloc.start()
        for _reading in archive.read(feed(path), Validators(), TEHRAN):
            pass
        _now, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(250) < 1.5 * peak(125)  # files of 5 and of 2.5 MB


# --- whole archives ----------------------------------------------------------------------------------------


def test_six_thousand_posts_take_time_in_proportion(tmp_path: Path) -> None:
    def seconds(count: int) -> float:
        path = tmp_path / f"{count}.txt"
        path.write_text(dump(daily(count)), encoding="utf-8")
        start = process_time()
        assert len(entries(path)) == count
        return process_time() - start

    # Twenty times as many in less than eighty times the time: far from both noise and a square.
    assert seconds(6_000) < 80 * seconds(300)


def test_the_sample_is_read_without_a_flag() -> None:
    found = entries(SAMPLE / "*.txt")
    assert len(found) >= 14
    assert {entry.flags for entry in found} == {()}
    paragraphs = [len(markup.plain(entry.content or "").splitlines()) for entry in found]
    assert all(2 <= count <= 6 for count in paragraphs)
    published = [entry.published.astimezone(TEHRAN).date() for entry in found if entry.published]
    assert [day.year for day in published if (day.month, day.day) == (11, 23)] == [2023, 2025]
    assert (SAMPLE / ".qasedak-sample").read_bytes() == b""


def test_the_real_archive_gives_its_five_posts() -> None:
    if not REAL.is_dir():
        pytest.skip("the real archive is not part of the project")
    found = entries(REAL / "*.txt")
    assert [entry.published.astimezone(TEHRAN).date() for entry in found if entry.published] == [
        date(2018, 9, 7),
        date(2018, 9, 15),
        date(2018, 9, 17),
        date(2018, 9, 23),
        date(2018, 9, 30),
    ]
    (path,) = REAL.glob("*.txt")
    lines = path.read_text(encoding="utf-8").split("\n")
    assert [entry.title for entry in found] == [lines[number - 1].strip() for number in (85, 61, 36, 19, 3)]
    assert [len(markup.plain(entry.content or "").splitlines()) for entry in found] == [47, 16, 13, 9, 5]
    assert {entry.flags for entry in found} == {()}
