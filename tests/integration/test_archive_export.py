"""``qasedak archive export`` and ``read --format``: what went in comes out, and can go in again.

Through ``main``, on a database that ``once`` filled from a feed and an archive.
"""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.builders_archive import SKY, dump
from tests.fakes.publisher import Publisher, rss
from tests.integration.test_cli import ITEMS, call, call_apart

ARCHIVES = Path(__file__).resolve().parents[1] / "data" / "archives"
#: What must come back; a summary is made anew from the text, and ids are told apart from flags.
KEPT = ["id", "title", "link", "published", "updated", "date_only", "author", "language", "tags", "text", "enclosures"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database of six posts."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "blog.txt").write_text(dump(SKY), encoding="utf-8")

    async def live() -> None:
        async with Publisher() as publisher:
            publisher.serve("/feed", rss("Sky notes", ITEMS))
            (folder / "feeds.yaml").write_text(
                f'feeds:\n  sky: {{url: "{publisher.url("/feed")}", to: []}}\n'
                "archives:\n  old: {path: blog.txt, to: []}\n"
                'channels: {main: {chat: "@example"}}\n'
            )
            ended = await call_apart(folder, "once")
            assert ended.code == 0, ended.err

    asyncio.run(live())
    return folder


@pytest.fixture
def here(filled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(filled)
    return filled


def kept(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(({name: entry[name] for name in KEPT} for entry in entries), key=lambda entry: str(entry["id"]))


def test_every_post_is_written_and_counted(here: Path, tmp_path: Path) -> None:
    ended = call("archive", "export", "--to", str(tmp_path / "out" / "posts"))
    assert (ended.code, ended.out, ended.err) == (0, f"{tmp_path / 'out' / 'posts'}: 6 posts\n", "")
    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.md"))
    assert [path.rpartition("/")[0] for path in written] == ["out/posts/old"] * 3 + ["out/posts/sky"] * 3
    assert written[0].startswith("out/posts/old/2018-09-15-باغ-در-شهریور-")
    assert written[3].startswith("out/posts/sky/2026-11-17-moon-number-3-")


@pytest.mark.parametrize("feed", ["sky", "old"])
def test_what_went_in_can_come_out_and_go_in(feed: str, here: Path, tmp_path: Path) -> None:
    call("archive", "export", "--to", str(tmp_path))
    stored = call("posts", "--feed", feed, "--json").lines
    ended = call("read", str(tmp_path / feed / "*.md"), "--format", "markdown", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert kept(ended.lines) == kept(stored)
    # Oldest first, as archives are.
    assert [entry["published"] for entry in ended.lines] == sorted(entry["published"] for entry in stored)


def test_an_export_over_an_export_changes_nothing(here: Path, tmp_path: Path) -> None:
    call("archive", "export", "--to", str(tmp_path))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.md")}
    call("archive", "export", "--to", str(tmp_path))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.md")} == before


def test_both_calendars_stand_in_the_front_matter(here: Path, tmp_path: Path) -> None:
    call("archive", "export", "--to", str(tmp_path))
    (path,) = (tmp_path / "old").glob("2018-09-30-*")
    assert 'date: "2018-09-30"\njalali: "1397-07-08"\n' in path.read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_is_a_wrong_call(here: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("The garden rests.")
    ended = call("archive", "export", "--to", str(tmp_path / "file"))
    assert (ended.code, ended.out) == (2, "")
    assert "cannot be written" in ended.err


def test_without_a_database_nothing_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ended = call("archive", "export", "--to", "out")
    assert (ended.code, ended.out) == (2, "")
    assert list(tmp_path.iterdir()) == []


# --- read --format -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "titles"),
    [
        ("blogger/backup.xml", [None, "ماه نو پشت ابر"]),
        ("blogger/takeout.atom", ["Tulips before the frost"]),
        ("wordpress/garden.xml", ["باغ در اسفند – کارهای ماه"]),
        ("telegram/channel.json", ["اعتدال پاییزی", None]),
        ("jsonfeed/garden-1.0.json", ["لاله"]),
        ("markdown/hugo-tulips.md", ["Tulips before the frost"]),
        ("markdown/draft.md", []),
    ],
)
def test_an_export_is_read_by_what_it_is(path: str, titles: list[str | None], tmp_path: Path) -> None:
    ended = call("read", str(ARCHIVES / path), "--json")
    assert (ended.code, ended.err) == (0, "")
    assert [entry["title"] for entry in ended.lines] == titles


@pytest.mark.parametrize("form", ["blogger", "wordpress", "telegram", "jsonfeed", "markdown"])
def test_a_format_can_be_named(form: str, tmp_path: Path) -> None:
    for path in (ARCHIVES / form).iterdir():
        shutil.copyfile(path, tmp_path / f"{path.name}.copy")
    ended = call("read", str(tmp_path / "*.copy"), "--format", form, "--json")
    assert (ended.code, ended.err) == (0, "")
    published = [entry["published"] for entry in ended.lines]
    assert len(published) >= 2
    assert published == sorted(published)


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        pytest.param(["https://sky.example/feed", "--format", "blogger"], 2, "only files can be", id="url"),
        pytest.param(["{}/blogger/backup.xml", "--format", "telegram"], 1, "'{{' is missing", id="other-format"),
        pytest.param(["{}/telegram", "--format", "telegram"], 1, "is a directory", id="folder"),
        pytest.param(["{}/none/*.md", "--format", "markdown"], 2, "no file matches", id="no-match"),
    ],
)
def test_what_is_no_such_export_is_said(arguments: list[str], code: int, why: str, tmp_path: Path) -> None:
    ended = call("read", *(argument.format(ARCHIVES) for argument in arguments), "--json")
    assert (ended.code, ended.out) == (code, "")
    assert why.format() in ended.err
