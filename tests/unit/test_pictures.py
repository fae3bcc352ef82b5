"""Which pictures and recordings a post has, by what publishers really write."""

import pytest

from bot.model import Enclosure
from bot.render import pictures
from bot.sources import document
from tests.builders import an_entry

SITE = "https://sky.example/files"


def an_image(name: str, **sides: int) -> Enclosure:
    return Enclosure(f"{SITE}/{name}", "image/jpeg", **sides)


@pytest.mark.parametrize(
    ("enclosures", "found"),
    [
        ([an_image("a.jpg"), an_image("b.jpg")], ["a.jpg", "b.jpg"]),
        ([an_image("a.jpg", width=320), an_image("b.jpg", width=1024)], ["b.jpg", "a.jpg"]),
        ([an_image("a.jpg", width=1600), an_image("b.jpg", width=4000)], ["a.jpg", "b.jpg"]),
        ([an_image("small.jpg", width=112), an_image("b.jpg")], ["b.jpg", "small.jpg"]),
        ([an_image("a-150x150.jpg"), an_image("a.jpg"), an_image("a-1024x768.jpg")], ["a-1024x768.jpg"]),
        ([an_image("a.jpg?w=150"), an_image("a.jpg")], ["a.jpg"]),
        ([an_image("script.php?id=1"), an_image("script.php?id=2")], ["script.php?id=1", "script.php?id=2"]),
        ([Enclosure(f"https://blog.example/{SITE}/a.jpg", "image/jpeg")], ["a.jpg"]),
        ([an_image("icon.png", width=30, height=30), an_image("line.png", width=900, height=2)], []),
        ([an_image("poster.jpg", width=9000, height=4000)], []),
        ([an_image("logo.svg"), an_image("photo.avif")], []),
        ([Enclosure("http://2.gravatar.com/avatar/24e7?s=96", "image/*")], []),
        ([Enclosure("https://avatars1.githubusercontent.com/u/753703?s=460", "image/*")], []),
        ([Enclosure("http://localhost/a.jpg", "image/jpeg"), Enclosure("data:image/png;base64,AA", "image/png")], []),
        ([Enclosure(f"{SITE}/a.webp", ""), Enclosure(f"{SITE}/b.pdf", "")], ["a.webp"]),
        ([Enclosure(f"{SITE}/a.mp3", "audio/mpeg")], []),
    ],
    ids=[
        "in-order", "wider-first", "wide-enough", "thumbnail-last", "sizes-of-one", "size-in-query", "scripts",
        "twice-whole", "icons", "too-large", "no-photo-format", "gravatar", "avatar", "no-address",
        "no-type", "recording",
    ],
)  # fmt: skip
def test_the_pictures_of_enclosures_best_first(enclosures: list[Enclosure], found: list[str]) -> None:
    entry = an_entry(enclosures=tuple(enclosures))
    assert [url.removeprefix(f"{SITE}/") for url in pictures.find(entry)] == found


def test_pictures_of_the_text_follow_and_thumbnails_come_last() -> None:
    text = (
        '<p>Moon<img src="/pixel.gif" width="1" height="1"><img class="emoji" src="/1f315.png" alt="\U0001f315">'
        '<img src="https://secure.gravatar.com/avatar/x"><img src="/files/body.jpg"><img src="files/second.png"></p>'
    )
    entry = an_entry(content=text, link="https://sky.example/", enclosures=(an_image("t.jpg", width=120),))
    assert pictures.find(entry) == (f"{SITE}/body.jpg", f"{SITE}/second.png", f"{SITE}/t.jpg")


def test_the_picture_of_a_fetched_page_counts_where_the_feed_has_none() -> None:
    entry = an_entry(article='<img src="https://sky.example/og.jpg"><p>Long.</p>')
    assert pictures.find(entry) == ("https://sky.example/og.jpg",)


FEED = """<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>Sky</title><item><title>a</title>
<enclosure url="https://sky.example/1.mp3" length="1200000" type="audio/mpeg"/>
<media:group><media:content url="https://sky.example/s.jpg" medium="image" width="320" height="240"/>
<media:content url="https://sky.example/l.jpg" type="image/jpeg" width="1280px" height="960.0" fileSize="90000"/>
</media:group>
<media:thumbnail url="https://sky.example/t.jpg" width="80" height="60"/></item></channel></rss>"""


def test_the_parser_tells_sizes_and_sides_where_the_feed_does() -> None:
    (entry,) = document.parse(FEED.encode(), "")["entries"]
    found = {one["url"][20:]: (one["type"], one["size"], one["width"], one["height"]) for one in entry["enclosures"]}
    assert found == {
        "1.mp3": ("audio/mpeg", 1_200_000, None, None),
        "s.jpg": ("image/*", None, 320, 240),
        "l.jpg": ("image/jpeg", 90_000, 1280, 960),
        "t.jpg": ("image/*", None, 80, 60),
    }


@pytest.mark.parametrize(
    ("recorded", "is_small"),
    [
        (Enclosure(f"{SITE}/1.mp3", "audio/mpeg", size=5_000_000), True),
        (Enclosure(f"{SITE}/1.mp4", "video/mp4", size=5_000_000), True),
        (Enclosure(f"{SITE}/1.mp3", "audio/mpeg", size=120_000_000), False),
        (Enclosure(f"{SITE}/1.mp3", "audio/mpeg"), False),
        (Enclosure(f"{SITE}/1.ogg", "audio/ogg", size=5_000_000), False),
        (Enclosure(f"{SITE}/1.mp3", ""), False),
    ],
    ids=["sound", "film", "large", "unknown", "not-played", "no-type"],
)
def test_a_recording_is_small_where_telegram_would_fetch_and_play_it(recorded: Enclosure, is_small: bool) -> None:
    entry = an_entry(enclosures=(an_image("a.jpg"), recorded))
    assert pictures.recording(entry) == recorded
    assert pictures.is_small(recorded) is is_small
