"""What docs/security.md guards against and no other test looks at: files, templates, and headers of our own answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot import places, render
from bot.config.reading import read_config
from bot.errors import ArchiveError, ConfigError
from bot.render import check_template
from bot.sources.archive_index import find_files
from bot.web.site import Site
from tests.builders import NOW, a_post, a_subscription, an_entry
from tests.fakes.front import FakeFront, nothing_sent
from tests.fakes.vitals import FakeVitals

# --- templates -----------------------------------------------------------------------------------------------


def test_what_looks_like_a_template_in_a_feed_is_text() -> None:
    hostile = "{{ 7 * 7 }} {% for x in (1, 2) %}x{% endfor %} {{ config }} {# gone #}"
    (message,) = render.render(a_post(an_entry(1, title=hostile, summary=f"<p>{hostile}</p>")), a_subscription())
    assert message.text.startswith(hostile)


@pytest.mark.parametrize(
    "text",
    [
        "{% include '/etc/passwd' %}",
        "{% extends 'status.html' %}",
        "{% import '/etc/passwd' as words %}",
        "{{ ''.__class__.__mro__ }}",
        "{{ self.__init__.__globals__ }}",
        "{{ range }}",
        "{{ cycler.__init__ }}",
    ],
)
def test_a_template_reaches_no_file_and_no_insides(text: str) -> None:
    assert check_template(text)


# --- files -----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An archive with a link among its files that leads to what is nobody's business, and one that does not."""
    blog = tmp_path / "archive"
    blog.mkdir()
    (tmp_path / "secret.txt").write_text("2018/09/30\nA secret\n", encoding="utf-8")
    (blog / "moon.txt").write_text("2018/09/30\nMoon\n", encoding="utf-8")
    (blog / "again.txt").symlink_to("moon.txt")
    (blog / "way-out.txt").symlink_to(tmp_path / "secret.txt")
    return blog


def test_a_link_among_an_archives_files_cannot_lead_out_of_its_folder(folder: Path) -> None:
    with pytest.raises(ArchiveError, match=r"way-out\.txt: is a link that leads out of its folder; name that file"):
        find_files(str(folder / "*.txt"))
    (folder / "way-out.txt").unlink()
    assert [path.name for path in find_files(str(folder / "*.txt"))] == ["again.txt", "moon.txt"]


def test_who_names_a_link_means_it(folder: Path) -> None:
    assert find_files(str(folder / "way-out.txt")) == [folder / "way-out.txt"]


def test_a_folder_may_be_a_link_itself(folder: Path, tmp_path: Path) -> None:
    (folder / "way-out.txt").unlink()
    (tmp_path / "here [2]").symlink_to(folder)
    assert len(find_files(str(tmp_path / "here [[]2]" / "**" / "*.txt"))) == 2


def test_a_link_to_a_folder_leads_out_like_one_to_a_file(folder: Path, tmp_path: Path) -> None:
    (folder / "way-out.txt").unlink()
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "diary.txt").write_text("2018/09/30\nMine\n", encoding="utf-8")
    (folder / "deep").symlink_to(tmp_path / "private")
    pattern = str(folder / "*" / "*.txt")
    assert places.stray(pattern, places.files_of(pattern)) == str(folder / "deep" / "diary.txt")


def configuration(folder: Path, text: str) -> list[str]:
    (folder / "feeds.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        read_config(folder / "feeds.yaml", environment={}, with_token=False)
    return raised.value.problems


def test_check_says_which_file_of_an_archive_leads_out(folder: Path, tmp_path: Path) -> None:
    (problem,) = configuration(tmp_path, "archives: {blog: {path: archive/*.txt, to: []}}\n")
    assert "feeds.yaml:1:25: archives.blog.path: 'way-out.txt' is a link that leads out of its folder" in problem


def test_an_import_that_leads_out_is_not_taken(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.yaml").write_text("bot: {admins: [666]}\n", encoding="utf-8")
    (folder / "more.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    (problem,) = configuration(tmp_path, "imports: [archive/*.yaml]\n")
    assert "more.yaml is a link that leads out of its folder; import that file by itself" in problem


@pytest.mark.parametrize("url", ["file:///etc/passwd", "/etc/passwd", "ftp://sky.example/feed", "gopher://sky.example"])
def test_a_feed_is_no_file(url: str, tmp_path: Path) -> None:
    (problem,) = configuration(tmp_path, f"feeds: {{sky: {{url: {url}, to: []}}}}\n")
    assert "must be a whole address that begins with http:// or https://" in problem


# --- answers -----------------------------------------------------------------------------------------------------


def a_site() -> Site:
    async def nothing(_channel: str, _template: str) -> list[Any]:
        return []

    return Site(channels={}, load=nothing, titles={}, is_preview=False, token="moonlight", now=lambda: NOW,
                vitals=FakeVitals(), front=FakeFront(), load_sent=nothing_sent)  # fmt: skip


@pytest.mark.parametrize("query", ["q=a%0d%0aSet-Cookie:%20x=1", "q=%0aLocation:%20https://evil.example", "%0d%0a=x"])
async def test_no_query_becomes_a_header(query: str) -> None:
    async with TestClient(TestServer(a_site().application())) as client:
        answer = await client.post(f"/retry?token=moonlight&{query}", data={"delivery": "1"}, allow_redirects=False)
        assert answer.status == 303
        assert "Set-Cookie" not in answer.headers
        assert len(answer.headers.getall("Location")) == 1
        assert answer.headers["Location"].startswith("./?")


HEADERS: Mapping[str, str] = {"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/static/status.css", 200),
        ("GET", "/feeds/none.atom?token=moonlight", 404),
        ("GET", "/static/..%2f..%2fetc%2fpasswd?token=moonlight", 404),
        ("GET", "/preview/..%2f..%2fetc%2fpasswd?token=moonlight", 404),
        ("GET", "/preview/main", 403),
        ("DELETE", "/?token=moonlight", 405),
        ("GET", "/retry?token=moonlight", 405),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics?token=moonlight", 200),
        ("POST", "/telegram?token=moonlight", 404),
    ],
)
async def test_every_answer_has_its_policies_errors_too(method: str, path: str, status: int) -> None:
    async with TestClient(TestServer(a_site().application())) as client:
        answer = await client.request(method, path + ("?token=moonlight" if path == "/" else ""), allow_redirects=False)
        assert answer.status == status
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert HEADERS.items() <= answer.headers.items()
        assert "root:" not in await answer.text()
