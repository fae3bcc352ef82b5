"""The formats of archives: what each export means, how it is told apart, and what hostile files get."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.feeds_yaml import ArchiveSection
from bot.errors import ArchiveError
from bot.model import Enclosure, Entry, Flag
from bot.sources import exports, formats, markdown, telegram_export, wordpress
from bot.sources.formats import ArchiveFormat
from bot.text import markup, persian
from tests.builders import a_post, an_entry

ARCHIVES = Path(__file__).resolve().parents[1] / "data" / "archives"
TEHRAN = ZoneInfo("Asia/Tehran")
FILES = sorted(path for path in ARCHIVES.glob("*/*") if path.is_file())
FORMATS = {
    "blogger": ArchiveFormat.BLOGGER,
    "wordpress": ArchiveFormat.WORDPRESS,
    "telegram": ArchiveFormat.TELEGRAM,
    "jsonfeed": ArchiveFormat.JSON_FEED,
    "markdown": ArchiveFormat.MARKDOWN,
}

WXR = (
    '<?xml version="1.0"?>\n<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:wp="http://wordpress.org/export/1.2/"><channel>'
)
WXR_END = "</channel></rss>"
CHAT = '{"name": "Sky", "type": "public_channel", "id": 77, "messages": ['


def read(path: Path, form: ArchiveFormat = ArchiveFormat.AUTO, language: str | None = None) -> list[Entry]:
    return list(formats.read_entries(path, form, TEHRAN, language))


def read_text(folder: Path, text: str | bytes, form: ArchiveFormat, name: str = "export") -> list[Entry]:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path, form)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def plain(entry: Entry) -> list[str]:
    return markup.plain(entry.content or "").splitlines()


# --- telling them apart --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}/{path.name}" for path in FILES])
def test_each_export_is_known_by_how_it_begins(path: Path, tmp_path: Path) -> None:
    assert formats.detect(path) is FORMATS[path.parent.name]
    renamed = tmp_path / "export.txt"
    shutil.copyfile(path, renamed)
    if path.name != "obsidian.md":
        assert formats.detect(renamed) is FORMATS[path.parent.name]


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        pytest.param("a.md", "Just words.\n", ArchiveFormat.MARKDOWN, id="markdown-by-its-ending"),
        pytest.param(
            "a.md", "2018/09/30\n\nMoon\n\nText.\n", ArchiveFormat.DATED_TEXT, id="dated-text-called-markdown"
        ),
        pytest.param("a.txt", "---\ntitle: Moon\n---\nText.\n", ArchiveFormat.MARKDOWN, id="markdown-called-text"),
        pytest.param("a.txt", "Just words.\n", ArchiveFormat.DATED_TEXT, id="text-by-its-ending"),
        pytest.param("a.pdf", "Just words.\n", None, id="words-in-something-else"),
        pytest.param("a.md", "\0\1\2", None, id="no-text"),
        pytest.param("a.md", "", ArchiveFormat.MARKDOWN, id="empty"),
        pytest.param("a.json", '{"chats": {"list": []}}', ArchiveFormat.TELEGRAM, id="a-whole-account"),
        pytest.param("a.json", '{"a": "\\"messages\\": ["}', None, id="json-that-speaks-of-messages"),
        pytest.param("a.xml", "<rss><channel/></rss>", None, id="a-feed"),
    ],
)
def test_the_ending_of_a_name_decides_only_between_texts(
    name: str, text: str, form: ArchiveFormat | None, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert formats.detect(tmp_path / name) is form


def test_long_front_matter_is_known_by_its_first_key(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("---\ntitle: Moon\n" + "# a remark\n" * 10_000 + "---\nText.\n", encoding="utf-8")
    assert formats.detect(path) is ArchiveFormat.MARKDOWN


def test_a_file_of_no_format_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="is in no format I know; name its format, one of: dated-text, markdown"):
        read_text(tmp_path, b"\x89PNG\0\0", ArchiveFormat.AUTO)


@pytest.mark.parametrize("form", ArchiveFormat)
def test_a_file_that_is_not_there_is_an_archive_error(form: ArchiveFormat, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="none: cannot be read"):
        read(tmp_path / "none", form)
    with pytest.raises(ArchiveError, match="cannot be read"):
        read(tmp_path, form)


# --- Blogger -------------------------------------------------------------------------------------------------


def test_a_backup_of_blogger_gives_its_public_posts() -> None:
    moon, equinox = read(ARCHIVES / "blogger" / "backup.xml")
    assert moon == Entry(
        guid="tag:blogger.com,1999:blog-7001.post-12",
        title="ماه نو پشت ابر",
        link="http://aseman.example/2018/09/new-moon.html",
        published=utc(2018, 9, 30, 5, 45),
        updated=utc(2018, 10, 1, 3, 30),
        author="Sara",
        language="fa",
        tags=("ماه", "رصد"),
        content=moon.content,
    )
    assert plain(moon) == ["امشب ماه نو است.", "آسمان تاریک می\u200cماند."]
    assert (equinox.title, equinox.author) == (None, "Navid")
    assert equinox.enclosures == (Enclosure("http://aseman.example/equinox.mp3", "audio/mpeg"),)


def test_takeout_gives_live_posts_only() -> None:
    (tulips,) = read(ARCHIVES / "blogger" / "takeout.atom")
    assert (tulips.guid, tulips.title) == ("tag:blogger.com,1999:blog-7002.post-21", "Tulips before the frost")
    assert (tulips.author, tulips.tags, tulips.published) == ("Mina", ("tulips",), utc(2024, 11, 1, 8))
    # The file has the path of its page alone.
    assert tulips.link is None


def test_a_path_of_takeout_is_an_address_where_the_blog_has_one(tmp_path: Path) -> None:
    text = (ARCHIVES / "blogger" / "takeout.atom").read_text(encoding="utf-8")
    with_home = text.replace("<entry>", "<link rel='alternate' href='https://garden.example/'/><entry>", 1)
    (tulips,) = read_text(tmp_path, with_home, ArchiveFormat.BLOGGER)
    assert tulips.link == "https://garden.example/2024/11/tulips-before-the-frost.html"


# --- WordPress -----------------------------------------------------------------------------------------------


def test_an_export_of_wordpress_gives_its_public_posts() -> None:
    (esfand,) = read(ARCHIVES / "wordpress" / "garden.xml")
    assert esfand == Entry(
        guid="https://bagh.example/?p=41",
        title="باغ در اسفند – کارهای ماه",
        link="https://bagh.example/1402/12/esfand/",
        published=utc(2024, 2, 20, 6, 30),
        updated=utc(2024, 2, 21, 6, 30),
        author="مینا باغبان",
        language="fa",
        tags=("بهار", "نرگس"),
        summary="<p>کارهای ماه آخر سال.</p>",
        content=esfand.content,
    )
    assert plain(esfand) == ["پیازها را از خاک بیرون بیاورید."]
    assert markup.images(esfand.content or "") == ["https://bagh.example/narges.jpg"]


def test_an_old_export_has_paragraphs_captions_and_a_wall_clock() -> None:
    (autumn,) = read(ARCHIVES / "wordpress" / "sky-2009.xml")
    assert (autumn.published, autumn.flags) == (utc(2009, 9, 23, 5), (Flag.NO_ZONE,))
    assert plain(autumn) == [
        "Day and night are equal today. From tomorrow the nights are longer.",
        "It rests [1] now.",
        "spring  1",
        "autumn  3",
    ]
    assert [(block.kind, block.rich.text) for block in markup.blocks(autumn.content or "")][1:3] == [
        ("caption", "The sun at noon"),
        ("heading", "The garden"),
    ]
    assert autumn.tags == ()
    assert autumn.enclosures == (Enclosure("http://sky.example/talk.mp3", "audio/mpeg"),)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("One.\n\nTwo.", "<p>One.</p>\n<p>Two.</p>"),
        ("One.\r\nTwo.", "<p>One.<br>\nTwo.</p>"),
        ("<ul>\n<li>a</li>\n</ul>\n\nAfter", "<ul>\n<li>a</li>\n</ul>\n<p>After</p>"),
        ("<!--more-->", ""),
        ('[embed width="3"]https://sky.example/v[/embed]', "<p>https://sky.example/v</p>"),
        ('[caption id="x"]no picture[/caption]', "<p>no picture</p>"),
        ('[caption]<img src="a.jpg"> A & <b>b</b>[/caption]', None),
        ("<pre>a\n\nb</pre>", "<pre>a\n\nb</pre>"),
    ],
    ids=["paragraphs", "lines", "lists", "comments", "embeds", "bare-caption", "rich-caption", "listings"],
)
def test_what_authors_typed_becomes_what_readers_saw(typed: str, shown: str | None) -> None:
    figure = '<figure><img src="a.jpg"><figcaption>A & <b>b</b></figcaption></figure>'
    assert wordpress.paragraphs(typed) == (figure if shown is None else shown)


# --- Telegram ------------------------------------------------------------------------------------------------


def test_an_exported_channel_gives_its_messages_with_words() -> None:
    equinox, forms = read(ARCHIVES / "telegram" / "channel.json")
    assert equinox == Entry(
        guid="tg-1234567890-2",
        title="اعتدال پاییزی",
        link="https://t.me/c/1234567890/2",
        published=utc(2024, 9, 22, 5),
        updated=utc(2024, 9, 22, 6),
        author="سارا",
        language="fa",
        tags=("پاییز",),
        content="<p>امروز روز و شب برابرند. &lt; تا فردا &gt;<br>"
        '<a href="https://sky.example/table?a=1&amp;b=2">جدول</a></p>\n<p>#پاییز</p>',
    )
    assert (forms.title, forms.author) == (None, "Garden notes")
    assert forms.content == (
        "<p>One of each: <i>italic</i>, <u>underline</u>, <s>strike</s>, <tg-spoiler>hidden</tg-spoiler>, "
        '<code>x&lt;y</code>, <a href="https://sky.example/a">sky.example/a</a>, '
        '<a href="https://t.me/garden_notes">@garden_notes</a></p>\n'
        '<pre><code class="language-python">a = 1\nb = 2</code></pre>\n'
        "<blockquote><p>First.</p><p>Second.</p></blockquote>\n<p>The end.</p>"
    )


def test_an_old_export_has_wall_clocks_and_ids_of_its_time() -> None:
    spring, radishes = read(ARCHIVES / "telegram" / "before-2021.json")
    assert (spring.guid, spring.link) == ("tg-1234565408-7", "https://t.me/c/1234565408/7")
    assert (spring.published, spring.updated, spring.flags) == (utc(2020, 3, 20, 3, 50), None, (Flag.NO_ZONE,))
    assert plain(spring) == ["Spring begins today. Sow the radishes."]
    assert (radishes.title, plain(radishes)) == ("🌱 Radishes.", ["They need three weeks."])


@pytest.mark.parametrize(
    ("pieces", "title", "rest"),
    [
        ([("bold", "Moon"), ("plain", "\nIt is new.")], "Moon", ["It is new."]),
        ([("bold", "Moon\nIt is new.")], "Moon", ["It is new."]),
        ([("bold", "The moon is new. "), ("plain", "Look up.")], "The moon is new.", ["Look up."]),
        ([("plain", "🌙 "), ("bold", "Moon"), ("plain", "\n\nNew.")], "🌙 Moon", ["New."]),
        ([("bold", "Moon")], "Moon", []),
        ([("bold", "The moon"), ("plain", " is new.")], None, ["The moon is new."]),
        ([("plain", "The "), ("bold", "moon"), ("plain", "\nis new.")], None, ["The moon is new."]),
        ([("bold", "m" * 201), ("plain", "\nNew.")], None, ["m" * 201 + " New."]),
    ],
    ids=["line", "line-of-a-longer-run", "sentence", "ornament", "alone", "first-words", "inside", "too-long"],
)
def test_a_bold_beginning_is_the_title(
    pieces: list[tuple[str, str]], title: str | None, rest: list[str], tmp_path: Path
) -> None:
    entities = [{"type": kind, "text": text} for kind, text in pieces]
    message = {"id": 1, "type": "message", "date_unixtime": "1726813800", "text_entities": entities}
    (entry,) = read_text(tmp_path, CHAT + json.dumps(message) + "]}", ArchiveFormat.TELEGRAM)
    assert (entry.title, plain(entry)) == (title, rest)


@pytest.mark.parametrize(
    ("head", "link", "guid"),
    [
        ({"type": "public_channel", "id": 77}, "https://t.me/c/77/1", "tg-77-1"),
        ({"type": "public_supergroup", "id": -10077}, "https://t.me/c/77/1", "tg-77-1"),
        ({"type": "public_channel", "id": 77, "username": "sky_notes"}, "https://t.me/sky_notes/1", "tg-77-1"),
        ({"type": "personal_chat", "id": 77}, None, "tg-77-1"),
    ],
    ids=["channel", "as-bots-count", "with-a-name", "with-a-person"],
)
def test_a_message_has_an_address_where_its_chat_has_one(
    head: dict[str, object], link: str | None, guid: str, tmp_path: Path
) -> None:
    message = {"id": 1, "type": "message", "date_unixtime": "1726813800", "text": "Moon."}
    (entry,) = read_text(tmp_path, json.dumps({**head, "messages": [message]}), ArchiveFormat.TELEGRAM)
    assert (entry.link, entry.guid) == (link, guid)
    assert telegram_export.message_of(guid) == (77, 1)


def test_the_guid_of_another_source_names_no_message() -> None:
    assert telegram_export.message_of("tg-77-1-2") is None
    assert telegram_export.message_of("ar1-abc") is None


def test_a_whole_account_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="is the export of a whole account; open the channel's menu"):
        read_text(tmp_path, '{"about": "x", "chats": {"about": "x", "list": []}}', ArchiveFormat.TELEGRAM)


# --- JSON Feed -----------------------------------------------------------------------------------------------


def test_a_json_feed_is_read_with_addresses_made_whole() -> None:
    venus, moon = read(ARCHIVES / "jsonfeed" / "sky.json")
    assert (venus.guid, venus.link) == ("https://sky.example/2", "https://sky.example/2")
    assert (venus.published, venus.author, venus.tags) == (utc(2023, 5, 4, 14, 30), "Navid, Sara", ("venus", "evening"))
    assert [enclosure.url for enclosure in venus.enclosures] == [
        "https://sky.example/venus.jpg",
        "https://sky.example/venus.mp3",
    ]
    assert (moon.guid, moon.date_only, plain(moon)) == ("1", True, ["The moon is young.", "It sets early."])


def test_a_jalali_date_in_a_json_feed_is_that_day() -> None:
    (tulips,) = read(ARCHIVES / "jsonfeed" / "garden-1.0.json")
    assert (tulips.published, tulips.date_only, tulips.author) == (utc(2023, 10, 31, 20, 30), True, "مینا")


def test_an_archive_may_be_longer_than_a_feed(tmp_path: Path) -> None:
    items = [{"id": str(number), "content_text": "Moon."} for number in range(2500)]
    feed = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items})
    entries = read_text(tmp_path, feed, ArchiveFormat.JSON_FEED)
    assert [entry.guid for entry in entries] == [str(number) for number in range(2500)]


# --- Markdown ------------------------------------------------------------------------------------------------


def test_a_post_of_hugo_is_read() -> None:
    (tulips,) = read(ARCHIVES / "markdown" / "hugo-tulips.md")
    assert tulips == Entry(
        guid="tulips",
        title="Tulips before the frost",
        published=utc(2024, 11, 1, 4, 30),
        updated=utc(2024, 11, 1, 20, 30),
        author="Mina, Navid",
        language="en",
        tags=("tulips", "night frost"),
        summary="A hand deep &amp; no deeper.",
        content=tulips.content,
        enclosures=(Enclosure("https://garden.example/tulips.jpg", "image/*"),),
    )
    assert plain(tulips)[0] == "Plant the bulbs a hand deep."
    assert "<table>" in (tulips.content or "")
    assert markup.images(tulips.content or "") == ["https://garden.example/bed.jpg"]


def test_a_post_of_jekyll_has_its_date_in_its_name() -> None:
    (moon,) = read(ARCHIVES / "markdown" / "1397-07-08-mah.md")
    assert (moon.published, moon.date_only) == (utc(2018, 9, 29, 20, 30), True)
    assert (moon.title, moon.author, moon.tags) == ("ماه نو پشت ابر", "سارا", ("ماه", "رصد"))
    assert (moon.guid or "").startswith("md1-")


def test_a_note_of_obsidian_has_its_title_above_its_text() -> None:
    (roses,) = read(ARCHIVES / "markdown" / "obsidian.md")
    assert (roses.title, roses.link) == ("Roses in spring", "https://garden.example/roses")
    assert (roses.published, roses.tags) == (utc(2023, 5, 20, 20, 30), ("garden", "roses"))
    assert plain(roses) == ["Prune them, see how and Roses.", "a = [[1]]"]


@pytest.mark.parametrize(
    "key",
    ["draft: true", "published: false", "publish: no", "layout: page", "type: page", "status: draft"],
)
def test_drafts_and_pages_are_left_out(key: str, tmp_path: Path) -> None:
    assert read_text(tmp_path, f"---\ntitle: Moon\n{key}\n---\nText.\n", ArchiveFormat.MARKDOWN) == []


@pytest.mark.parametrize(
    ("written", "published", "date_only", "flags"),
    [
        ("2018-09-30", utc(2018, 9, 29, 20, 30), True, ()),
        ("1397-07-08", utc(2018, 9, 29, 20, 30), True, ()),
        ("1397-02-31", utc(2018, 5, 20, 19, 30), True, ()),
        ("۸ مهر ۱۳۹۷", utc(2018, 9, 29, 20, 30), True, ()),
        ('"2018-09-30"', utc(2018, 9, 29, 20, 30), True, ()),
        ("2018-09-30T10:00:00+02:00", utc(2018, 9, 30, 8), False, ()),
        ("2018-09-30 10:00:00 +0330", utc(2018, 9, 30, 6, 30), False, ()),
        ("2018-09-30 10:00", utc(2018, 9, 30, 6, 30), False, (Flag.NO_ZONE,)),
        ("Saturday, 30 September 2018", utc(2018, 9, 29, 20, 30), True, (Flag.WEEKDAY_MISMATCH,)),
        ("2018-02-30", None, False, (Flag.INVALID_DATE,)),
        ("1398-12-30", None, False, (Flag.INVALID_DATE,)),
        ("2018-02-30T10:00:00Z", None, False, (Flag.INVALID_DATE,)),
        ("soon", None, False, (Flag.INVALID_DATE,)),
        ("~", None, False, ()),
    ],
    ids=[
        "gregorian", "jalali", "jalali-that-yaml-has-not", "words", "quoted", "offset", "hugo", "no-zone",
        "wrong-weekday", "no-such-day", "no-such-jalali-day", "no-such-instant", "words-that-are-no-date", "nothing",
    ],
)  # fmt: skip
def test_dates_are_read_in_either_calendar(
    written: str, published: datetime | None, date_only: bool, flags: tuple[Flag, ...], tmp_path: Path
) -> None:
    (entry,) = read_text(tmp_path, f"---\ntitle: Moon\ndate: {written}\n---\nText.\n", ArchiveFormat.MARKDOWN)
    assert (entry.published, entry.date_only, entry.flags) == (published, date_only, flags)


def test_a_post_without_an_id_is_known_by_day_and_title(tmp_path: Path) -> None:
    text = "---\ntitle: {}\ndate: {}\n---\n{}\n"
    (first,) = read_text(tmp_path, text.format("ماه نو", "1397-07-08", "One."), ArchiveFormat.MARKDOWN, "a.md")
    (moved,) = read_text(tmp_path, text.format("ماه\u200cنو", "2018-09-30", "Two."), ArchiveFormat.MARKDOWN, "b.md")
    (other,) = read_text(tmp_path, text.format("ماه نو", "1397-07-09", "One."), ArchiveFormat.MARKDOWN)
    assert first.guid == moved.guid != other.guid


def test_the_language_of_an_archive_is_that_of_its_entries() -> None:
    for path in FILES:
        assert {entry.language for entry in read(path, language="ckb")} <= {"ckb"}


# --- writing Markdown ----------------------------------------------------------------------------------------

BODIES = {
    "paragraphs": "<p>One.</p>\n\n<p>Two *stars* and # signs.</p>",
    "plain-lines": "One.\n\nTwo.\n    four spaces\n---\nthree",
    "listing": "<pre>a\n\n\nb\n   \nc</pre><p>After.</p>",
    "tag-on-lines": '<p>See <a\n\n href="https://sky.example/">the\n\nsky</a>.</p>',
    "picture": '<p>Look.</p>\n\n<img src="https://sky.example/a.jpg" alt="two\n\nlines">',
    "looks-like-front-matter": "---\ntitle: other\n---\n<p>x</p>",
    "escaped": "&lt;p&gt;no tag &amp; no paragraph",
    "our-wrapper": "<div>\n<p>x</p>\n</div>",
    "windows": "One.\r\n\r\nTwo.",
}


def round_trip(entry: Entry, folder: Path, *, ident: str = "the-id") -> Entry:
    name, text = markdown.write(a_post(entry, ident=ident), "sky", TEHRAN)
    (folder / name).write_text(text, encoding="utf-8")
    assert formats.detect(folder / name) is ArchiveFormat.MARKDOWN
    (found,) = read(folder / name)
    return found


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_was_written_is_read_back(body: str, tmp_path: Path) -> None:
    entry = an_entry(
        guid=None,
        title='Moon: "new" #1 \u2028 {x}',
        updated=utc(2026, 11, 21, 6, 30),
        author="Sara & Navid",
        tags=("night sky", "a: b"),
        summary="<p>Short.</p>",
        content=body,
        enclosures=(Enclosure("https://sky.example/a.mp3", "audio/mpeg"), Enclosure("https://sky.example/b", "")),
    )
    found = round_trip(entry, tmp_path)
    assert replace(found, content=None) == replace(
        entry, guid="the-id", title=markup.clean_title(entry.title or ""), content=None
    )
    assert markup.plain(found.content or "") == markup.plain(body)
    assert markup.images(found.content or "") == markup.images(body)


def test_a_raw_block_has_no_line_that_would_end_it() -> None:
    for body in BODIES.values():
        _, text = markdown.write(a_post(an_entry(content=body)), "sky", TEHRAN)
        block = text.split("---\n\n", 1)[1]
        assert block.startswith("<div>\n")
        assert "\n\n" not in block
        # A program that does not know the key shows the same text.
        if "<" in body:
            assert markup.plain(markdown.to_html(block)) == markup.plain(body)


@pytest.mark.parametrize(
    ("published", "written"),
    [
        (utc(2018, 9, 29, 20, 30), 'date: "2018-09-30"\njalali: "1397-07-08"\n'),
        (utc(1799, 3, 1, 20, 34, 16), 'date: "2 March 1799"\n'),
        (None, ""),
    ],
    ids=["day", "day-long-ago", "none"],
)
def test_a_day_without_a_time_stays_that_day(published: datetime | None, written: str, tmp_path: Path) -> None:
    entry = an_entry(published=published, date_only=published is not None)
    _, text = markdown.write(a_post(entry), "sky", TEHRAN)
    assert written in text
    found = round_trip(entry, tmp_path)
    assert (found.published, found.date_only) == (published, published is not None)


def test_a_summary_as_long_as_a_post_is_its_text(tmp_path: Path) -> None:
    long = "<p>" + "The moon is new. " * 4000 + "</p>"
    found = round_trip(an_entry(content=None, summary=long), tmp_path)
    assert markup.plain(found.content or "") == markup.plain(long)


@pytest.mark.parametrize(
    "title",
    ["../../etc/passwd", "CON", "a/b\\c:d*e?", ". .", "ماه نو " * 60, "🌙" * 300, "漢" * 300, "\0\n", "", "x" * 500],
    ids=["path", "reserved", "signs", "dots", "persian", "emoji", "wide", "controls", "empty", "long"],
)
def test_names_of_files_are_safe_everywhere(title: str) -> None:
    name, _ = markdown.write(a_post(an_entry(title=title)), "sky", TEHRAN)
    assert name == Path(name).name
    assert len(name) <= 120
    assert len(name.encode()) <= 255
    assert all(character.isalnum() or character in "-." for character in name)
    assert name.startswith("2026-11-20-")
    assert name.endswith(".md")


def test_posts_with_one_title_have_names_of_their_own() -> None:
    names = {
        markdown.write(a_post(an_entry(guid=guid)), feed, TEHRAN)[0]
        for guid, feed in (("a", "sky"), ("b", "sky"), ("a", "moon"))
    }
    assert len(names) == 3


@pytest.mark.parametrize("name", ["../up", "a/b", "con", ".hidden", "", "x" * 300, "a b", "\u200f"])
def test_a_feeds_folder_is_one_folder(name: str) -> None:
    folder = markdown.folder_name(name)
    assert folder == Path(folder).name
    assert folder.strip(".")
    assert len(folder) <= 60
    assert folder.lower() != "con"


def test_a_feeds_folder_is_called_like_the_feed() -> None:
    assert [markdown.folder_name(name) for name in ("sky-notes", "باغ", "old_blog")] == ["sky-notes", "باغ", "old_blog"]


@given(
    title=st.text(max_size=60),
    body=st.text(alphabet=st.sampled_from("ab <>&;\n\t\r-#*`pre/\"'\u200c\u2028م"), max_size=120),
    tag=st.text(max_size=20),
)
def test_any_post_comes_back_as_it_went(
    title: str, body: str, tag: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stored = an_entry(
        title=markup.clean_title(exports.legal(title)) or None,
        tags=tuple(filter(None, [persian.clean_line(exports.legal(tag))])),
        content=body.strip() or None,
    )
    folder = tmp_path_factory.mktemp("written")
    found = round_trip(stored, folder)
    assert replace(found, content=None, language=None) == replace(stored, content=None, language=None)
    assert markup.plain(found.content or "") == markup.plain(body.replace("\r\n", "\n").replace("\r", "\n"))


# --- hostile files -------------------------------------------------------------------------------------------

DEEP = 10_000
HOSTILE: dict[str, tuple[ArchiveFormat, str | bytes, str]] = {
    "billion-laughs": (
        ArchiveFormat.WORDPRESS,
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><rss><channel/></rss>',
        "declares a DOCTYPE",
    ),
    "external-entity": (
        ArchiveFormat.BLOGGER,
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><feed>&a;</feed>',
        "declares a DOCTYPE",
    ),
    "deep-xml": (ArchiveFormat.WORDPRESS, WXR + "<item>" + "<a>" * DEEP, "is nested over 200 deep"),
    "endless-tag": (ArchiveFormat.WORDPRESS, WXR + "<item a='" + "a" * 2_000_000, "holds a tag of over 1 MB"),
    "cut-off-xml": (ArchiveFormat.WORDPRESS, WXR + "<item><title>Moon", "was cut off"),
    "xml-in-another-encoding": (ArchiveFormat.BLOGGER, "<feed>سلام</feed>".encode("cp1256"), "is not well-formed"),
    "xml-in-no-encoding": (ArchiveFormat.BLOGGER, '<?xml version="1.0" encoding="moon"?><feed/>', "cannot be decoded"),
    "xml-of-something-else": (ArchiveFormat.WORDPRESS, "<html><body/></html>", "holds no <channel>"),
    "no-xml": (ArchiveFormat.BLOGGER, "Moon", "is not well-formed"),
    "empty-xml": (ArchiveFormat.BLOGGER, "", "was cut off"),
    "deep-json": (ArchiveFormat.TELEGRAM, '{"messages": ' + "[" * DEEP, "nested deeper"),
    "deep-message": (ArchiveFormat.TELEGRAM, CHAT + '{"a": ' * DEEP, "nested deeper"),
    "deep-item": (ArchiveFormat.JSON_FEED, '{"items": [{"x": ' + "[" * 300 + "]" * 300 + "}]}", "nested deeper"),
    "cut-off-json": (ArchiveFormat.TELEGRAM, CHAT + '{"id": 1, "type": "mess', "was cut off"),
    "cut-off-between": (ArchiveFormat.TELEGRAM, CHAT + '{"id": 1},', "was cut off"),
    "broken-json": (ArchiveFormat.TELEGRAM, CHAT + '{"id" 1}]}', "is broken JSON"),
    "number-of-a-book": (ArchiveFormat.TELEGRAM, '{"id": ' + "1" * 5000 + "}", "a number that is none"),
    "json-in-another-encoding": (ArchiveFormat.TELEGRAM, '{"name": "سلام"}'.encode("cp1256"), "is not UTF-8"),
    "json-of-something-else": (ArchiveFormat.TELEGRAM, '{"a": 1}', "is no chat of Telegram"),
    "another-json": (ArchiveFormat.JSON_FEED, '{"a": 1}', "is no JSON Feed"),
    "no-object": (ArchiveFormat.JSON_FEED, "[]", "'{' is missing"),
    "front-matter-that-is-no-yaml": (ArchiveFormat.MARKDOWN, "---\ntitle: [1, 2\n---\n", "is not YAML at line"),
    "deep-front-matter": (ArchiveFormat.MARKDOWN, "---\na: " + "[" * DEEP + "\n---\n", "is not YAML"),
    "front-matter-without-keys": (ArchiveFormat.MARKDOWN, "---\nMoon\n---\n", "front matter without keys"),
    "nul-in-markdown": (ArchiveFormat.MARKDOWN, "Moon\0", "is not text"),
    "nul-in-dated-text": (ArchiveFormat.DATED_TEXT, "2018/09/30\0", "is not text"),
}  # fmt: skip


@pytest.mark.parametrize(("form", "text", "what"), HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_cannot_be_read_is_refused_with_its_name(
    form: ArchiveFormat, text: str | bytes, what: str, tmp_path: Path
) -> None:
    with pytest.raises(ArchiveError) as refused:
        read_text(tmp_path, text, form, "hostile")
    said = str(refused.value)
    assert said.startswith(f"{tmp_path / 'hostile'}: ")
    assert what in said
    assert "; " in said  # what to do


def test_aliases_in_front_matter_multiply_nothing(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))]
    front = "\n".join([*lines, "tags: *a11", "title: Moon"])
    (entry,) = read_text(tmp_path, f"---\n{front}\n---\nText.\n", ArchiveFormat.MARKDOWN)
    assert (entry.title, entry.tags) == ("Moon", ())


def test_tags_of_yaml_make_no_objects(tmp_path: Path) -> None:
    front = "title: !!python/object/apply:os.system [ls]\nauthor: !moon Sara"
    (entry,) = read_text(tmp_path, f"---\n{front}\n---\nText.\n", ArchiveFormat.MARKDOWN)
    assert (entry.title, entry.author) == ("ls", "Sara")


def test_control_characters_cost_themselves_and_not_the_archive(tmp_path: Path) -> None:
    item = "<item><title>Mo\x08on\0</title><wp:status>publish</wp:status></item>"
    (entry,) = read_text(tmp_path, WXR + item + WXR_END, ArchiveFormat.WORDPRESS)
    assert entry.title == "Moon"
    message = '{"id": 1, "type": "message", "date_unixtime": "1726813800", "text": "New \0\\u0000\\ud800moon"}'
    (entry,) = read_text(tmp_path, CHAT + message + "]}", ArchiveFormat.TELEGRAM)
    assert entry.content == "<p>New moon</p>"


@pytest.mark.parametrize("charset", ["utf-16", "windows-1256"])
def test_xml_is_read_in_the_encoding_it_declares(charset: str, tmp_path: Path) -> None:
    item = "<item><title>سلام</title></item>"
    text = WXR.replace('"1.0"?', f'"1.0" encoding="{charset}"?', 1) + item + WXR_END
    (entry,) = read_text(tmp_path, text.encode(charset), ArchiveFormat.WORDPRESS)
    assert entry.title == "سلام"


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16"])
def test_a_mark_of_the_encoding_is_no_part_of_json_or_markdown(mark: str, tmp_path: Path) -> None:
    chat = CHAT + '{"id": 1, "type": "message", "date_unixtime": "1726813800", "text": "سلام"}]}'
    (entry,) = read_text(tmp_path, chat.encode(mark), ArchiveFormat.AUTO, "a.json")
    assert entry.content == "<p>سلام</p>"
    (entry,) = read_text(tmp_path, "---\ntitle: سلام\n---\nText.\n".encode(mark), ArchiveFormat.AUTO, "a.md")
    assert entry.title == "سلام"


def test_a_text_over_the_limit_is_cut_and_flagged(tmp_path: Path) -> None:
    item = f"<item><title>Moon</title><content:encoded>{'moon ' * 200_000}</content:encoded></item>"
    (entry,) = read_text(tmp_path, WXR + item + WXR_END, ArchiveFormat.WORDPRESS)
    assert entry.flags == (Flag.TRUNCATED,)
    assert len(entry.content or "") <= 512 * 1024
    (entry,) = read_text(tmp_path, "moon " * 200_000, ArchiveFormat.MARKDOWN)
    assert entry.flags == (Flag.TRUNCATED,)


def _wordpress_item(number: int) -> str:
    return f"<item><title>Moon {number}</title><guid>{number}</guid><wp:status>publish</wp:status></item>\n"


def _message(number: int) -> str:
    return f'{{"id": {number}, "type": "message", "date_unixtime": "1726813800", "text": "Moon {number}"}},\n'


@pytest.mark.parametrize(
    ("form", "head", "part"),
    [(ArchiveFormat.WORDPRESS, WXR, _wordpress_item), (ArchiveFormat.TELEGRAM, CHAT, _message)],
    ids=["xml", "json"],
)
def test_entries_come_while_the_file_is_read(
    form: ArchiveFormat, head: str, part: Callable[[int], str], tmp_path: Path
) -> None:
    path = tmp_path / "export"
    path.write_text(head + "".join(map(part, range(20_000))))  # never ends
    entries = formats.read_entries(path, form, TEHRAN, "en")
    for number in range(10):
        assert next(entries).guid in (str(number), f"tg-77-{number}")
    with pytest.raises(ArchiveError, match="was cut off"):
        list(entries)


@given(path=st.sampled_from([path for path in FILES if path.parent.name != "markdown"]), share=st.floats(0, 1))
def test_where_a_chunk_ends_changes_nothing(path: Path, share: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    raw = path.read_bytes()
    start = raw.index(b"?>") + 2 if b"?>" in raw else 0
    edge = start + int(share * (len(raw) - start))
    shifted = tmp_path_factory.mktemp("shifted") / "export"
    shifted.write_bytes(raw[:start] + b" " * (exports.CHUNK_BYTES - edge) + raw[start:])
    assert read(shifted, FORMATS[path.parent.name]) == read(path)


SAMPLES = {
    form: [path.read_bytes() for path in FILES if FORMATS[path.parent.name] is form] for form in FORMATS.values()
}


@st.composite
def damaged(draw: st.DrawFn) -> tuple[ArchiveFormat, bytes]:
    """A real export that something happened to, or nothing but bytes."""
    form = draw(st.sampled_from(sorted(SAMPLES)))
    if draw(st.integers(0, 3)) == 0:
        return form, draw(st.binary(max_size=200))
    raw = draw(st.sampled_from(SAMPLES[form]))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(raw)))
        wedge = draw(
            st.binary(max_size=8) | st.sampled_from([b'"', b"<", b"]]>", b"---\n", b"\0", b"{", b"null", b"&x;"])
        )
        raw = raw[:at] + wedge + raw[at + draw(st.integers(0, 40)) :]
    return form, raw


@given(exported=damaged())
def test_any_bytes_are_entries_or_an_archive_error(
    exported: tuple[ArchiveFormat, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    form, raw = exported
    path = tmp_path_factory.mktemp("damaged") / "export"
    path.write_bytes(raw)
    formats.detect(path)
    try:
        entries = read(path, form)
    except ArchiveError:
        return
    for entry in entries:
        markup.plain(entry.content or "")
        json.dumps([entry.title, entry.content, entry.guid, entry.tags], ensure_ascii=False).encode()


def test_feeds_yaml_knows_every_format() -> None:
    assert set(get_args(ArchiveSection.model_fields["format"].annotation)) == set(ArchiveFormat)
