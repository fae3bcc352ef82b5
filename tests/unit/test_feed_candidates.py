"""What pages and addresses say about feeds: found, ranked, and never an address that is none of the web."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources.discovery import MOST_FOUND, MOST_GUESSES, Kind, guesses, in_page, known, looks_like_feed

PAGE = "https://garden.example/notes/"
CHANNEL = "UC" + "a1-_" * 5 + "bc"


def found(html: str, url: str = PAGE) -> list[str]:
    return [candidate.url for candidate in in_page(html, url)]


ADDRESSES = [
    ("youtube-channel", f"https://www.youtube.com/channel/{CHANNEL}/videos", f"channel_id={CHANNEL}"),
    ("youtube-playlist", "https://youtube.com/watch?v=x&list=PLabcdefghijk", "playlist_id=PLabcdefghijk"),
    ("youtube-user", "https://m.youtube.com/user/gardener", "videos.xml?user=gardener"),
    ("reddit", "https://old.reddit.com/r/gardening/top/?t=week", "https://www.reddit.com/r/gardening/.rss"),
    ("reddit-user", "https://www.reddit.com/u/gardener", "https://www.reddit.com/user/gardener/.rss"),
    ("github-releases", "https://github.com/a/b/releases/tag/v1", "https://github.com/a/b/releases.atom"),
    ("github-branch", "https://github.com/a/b/commits/fix/one", "https://github.com/a/b/commits/fix/one.atom"),
    ("github-owner", "https://github.com/gardener", "https://github.com/gardener.atom"),
    ("medium", "https://medium.com/@gardener/tulips-1a2b", "https://medium.com/feed/@gardener"),
    ("medium-tag", "https://medium.com/tag/gardening", "https://medium.com/feed/tag/gardening"),
    ("medium-own-host", "https://gardener.medium.com/tulips", "https://gardener.medium.com/feed"),
    ("substack", "https://tulips.substack.com/p/spring", "https://tulips.substack.com/feed"),
    ("blogspot", "https://tulips.blogspot.com/2020/05/", "https://tulips.blogspot.com/feeds/posts/default"),
    ("blogspot-of-a-country", "http://tulips.blogspot.co.uk/", "http://tulips.blogspot.co.uk/feeds/posts/default"),
    ("wordpress-tag", "https://tulips.wordpress.com/tag/bulbs/", "https://tulips.wordpress.com/tag/bulbs/feed/"),
    ("wordpress", "https://tulips.wordpress.com/2020/05/01/a/", "https://tulips.wordpress.com/feed/"),
    ("blogfa", "http://laleh.blogfa.com/post/12", "http://laleh.blogfa.com/rss/"),
    ("bayan", "https://laleh.blog.ir/1400/01/02/a", "https://laleh.blog.ir/rss/"),
    ("virgool", "https://virgool.io/@laleh/a-b-c", "https://virgool.io/feed/@laleh"),
]


@pytest.mark.parametrize(("url", "feed"), [row[1:] for row in ADDRESSES], ids=[row[0] for row in ADDRESSES])
def test_hosts_whose_feeds_have_known_places_are_not_asked(url: str, feed: str) -> None:
    assert len(known(url)) == 1
    assert known(url)[0].url.endswith(feed)


def test_a_repository_has_releases_and_commits() -> None:
    assert [candidate.url.rpartition("/")[2] for candidate in known("https://github.com/a/b")] == [
        "releases.atom", "commits.atom",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/a/b/releases.atom",
        "https://github.com/topics/astronomy",
        "https://github.com/",
        f"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}",
        "https://www.youtube.com/@gardener",
        "https://tulips.blogspot.com/feeds/posts/default/-/bulbs",
        "https://www.reddit.com/r/gardening/.rss",
        "https://garden.example/",
        "https://blogspot.com.garden.example/",
        "https://substack.com/",
        "https://[broken",
        "ftp://tulips.substack.com/",
    ],
)
def test_feeds_and_unknown_hosts_say_nothing_by_their_address(url: str) -> None:
    assert known(url) == []


PAGES = [
    ("rss", '<link rel="alternate" type="application/rss+xml" href="/rss">', ["https://garden.example/rss"]),
    ("atom", "<LINK HREF=atom TYPE=application/atom+xml REL=alternate>", [PAGE + "atom"]),
    ("json", '<link rel=alternate type="application/feed+json; charset=utf-8" href=f.json>', [PAGE + "f.json"]),
    ("rel-feed", '<link rel="feed" href="/all">', ["https://garden.example/all"]),
    ("two-rels", '<link rel="alternate feed" type="text/html" href="/a"><link rel="feed alternate" href="/b">',
     ["https://garden.example/b"]),
    ("no-type", '<link rel="alternate" href="/feed.xml">', ["https://garden.example/feed.xml"]),
    ("odd-type", '<link rel="alternate" type="text/xml" href="/rss.xml">', ["https://garden.example/rss.xml"]),
    ("other-host", '<link rel=alternate type=application/rss+xml href="//feeds.example/x">', ["https://feeds.example/x"]),
    ("entities", '<link rel=alternate type=application/rss+xml href="/?feed=rss2&amp;tag=a">',
     ["https://garden.example/?feed=rss2&tag=a"]),
    ("base", '<base href="https://tulips.example/en/"><link rel=alternate type=application/rss+xml href="rss">',
     ["https://tulips.example/en/rss"]),
    ("feed-scheme", '<link rel=alternate type=application/rss+xml href="feed:https://garden.example/rss">',
     ["https://garden.example/rss"]),
    ("feed-scheme-with-slashes", '<link rel=alternate type=application/rss+xml href="feed://garden.example/rss">',
     ["https://garden.example/rss"]),
    ("fragment", '<link rel=alternate type=application/rss+xml href="/rss#top">', ["https://garden.example/rss"]),
    ("persian-title", '<link rel=alternate type=application/rss+xml title="خوراک باغچه" href=/rss>',
     ["https://garden.example/rss"]),
    ("in-the-text", '<p><a href="/feed/">Subscribe</a> <a href="/tulips">Tulips</a>', ["https://garden.example/feed/"]),
    ("service-in-the-text", '<a href="https://feeds.feedburner.com/garden/rss">RSS</a>',
     ["https://feeds.feedburner.com/garden/rss"]),
    ("oembed", '<link rel=alternate type="application/json+oembed" href="/oembed?format=json">', []),
    ("api", '<link rel=alternate type="application/json" href="/wp-json/wp/v2/posts/1">', []),
    ("translation", '<link rel=alternate hreflang=fa href="/fa/">', []),
    ("commented-out", "<!-- <link rel=alternate type=application/rss+xml href=/rss> -->", []),
    ("in-a-script", "<script>'<link rel=alternate type=application/rss+xml href=/rss>'</script>", []),
    ("of-another-site", '<a href="https://tulips.example/feed">their feed</a>', []),
    ("javascript", '<link rel=alternate type=application/rss+xml href="javascript:alert(1)">', []),
    ("file", '<link rel=alternate type=application/rss+xml href="file:///etc/passwd">', []),
    ("no-host", '<link rel=alternate type=application/rss+xml href="http://">', []),
    ("password", '<link rel=alternate type=application/rss+xml href="https://me:secret@garden.example/rss">', []),
    ("broken-bracket", '<link rel=alternate type=application/rss+xml href="https://[::1/rss">', []),
    ("itself", f'<link rel=alternate type=application/rss+xml href="{PAGE}">', []),
    ("empty", "", []),
]  # fmt: skip


@pytest.mark.parametrize(("html", "feeds"), [row[1:] for row in PAGES], ids=[row[0] for row in PAGES])
def test_a_page_names_its_feeds(html: str, feeds: list[str]) -> None:
    assert found(f"<html><head>{html}") == feeds


def link(href: str, title: str = "", kind: str = "rss") -> str:
    return f'<link rel="alternate" type="application/{kind}+xml" title="{title}" href="{href}">'


def test_feeds_of_comments_come_only_where_there_is_no_other() -> None:
    comments = link("/comments/feed/", "Garden notes &raquo; Comments Feed")
    assert found(comments + link("/feed/", "Garden notes &raquo; Feed")) == ["https://garden.example/feed/"]
    assert found(comments) == ["https://garden.example/comments/feed/"]
    assert found(link("/a", "باغچه » خوراک دیدگاه‌ها") + link("/b", "باغچه » خوراک")) == ["https://garden.example/b"]


def test_a_second_format_of_one_feed_is_left_out_and_another_feed_is_not() -> None:
    page = link("/a", "Garden (RSS)") + link("/b", "Garden (Atom)", "atom") + link("/c", "Garden: tulips")
    assert found(page) == ["https://garden.example/a", "https://garden.example/c"]
    assert found(link("/a") + link("/b", kind="atom")) == ["https://garden.example/a", "https://garden.example/b"]


def test_kind_and_title_are_what_the_page_says() -> None:
    (candidate,) = in_page(link("/a", "  Tulips &amp;\n bulbs ", "atom"), PAGE)
    assert (candidate.title, candidate.kind) == ("Tulips & bulbs", Kind.ATOM)


def test_what_the_head_names_comes_before_what_the_text_links_to() -> None:
    assert found(f'<a href="/feed">x</a>{link("/rss")}') == ["https://garden.example/rss"]


def test_a_handle_s_page_tells_its_channel() -> None:
    for page in (
        f'<link rel="canonical" href="https://www.youtube.com/channel/{CHANNEL}">',
        f'<script>{{"externalId":"{CHANNEL}"}}</script>',
        link(f"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}"),
    ):
        assert found(page, "https://www.youtube.com/@gardener") == [
            f"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}"
        ]


def test_no_page_can_name_a_variable_of_the_environment() -> None:
    (address,) = found(link("/rss?x=${DATABASE_URL}"))
    assert address == "https://garden.example/rss?x=$%7BDATABASE_URL%7D"


def test_a_page_of_thousands_of_feeds_offers_few() -> None:
    assert len(found("".join(link(f"/{number}") for number in range(5000)))) == MOST_FOUND


@given(st.text(alphabet="<>=\"' /abhreflinkty:&;#-!\u06a9\u200c", max_size=300))
def test_any_page_gives_addresses_of_the_web_or_nothing(html: str) -> None:
    for candidate in in_page(f'<link rel=alternate type=application/rss+xml href="{html}', PAGE):
        assert candidate.url.startswith(("http://", "https://"))
        assert not set(candidate.url) & set(' <>"\\{}\n')


@pytest.mark.parametrize(
    ("html", "url", "first"),
    [
        ("", PAGE, "/feed"),
        ('<meta name="generator" content="WordPress 6.5">', PAGE, "/feed/"),
        ("<meta content='Hugo 0.120' name='generator'>", PAGE, "/index.xml"),
        ("", "https://social.example/@gardener", "/@gardener.rss"),
        ("", "https://garden.example/tag/tulips/page/2/", "/tag/tulips/feed/"),
    ],
    ids=["unknown", "wordpress", "hugo", "fediverse", "tag"],
)
def test_usual_places_are_few_and_on_the_page_s_own_host(html: str, url: str, first: str) -> None:
    places = guesses(html, url)
    host = url.split("/")[2]
    assert places[0] == f"https://{host}{first}"
    assert len(places) == len(set(places)) == MOST_GUESSES
    assert all(place.startswith(f"https://{host}/") for place in places)


@pytest.mark.parametrize(
    ("url", "is_feed"),
    [
        ("https://a.example/feed", True),
        ("https://a.example/blog/index.xml", True),
        ("https://a.example/rss.aspx", True),
        ("https://a.example/?feed=rss2", True),
        ("https://a.example/.rss", True),
        ("https://a.example/feeding-birds", False),
        ("https://a.example/what-is-rss.html", False),
        ("https://a.example/sitemap.xml", False),
    ],
)
def test_feeds_are_known_by_how_their_address_is_written(url: str, is_feed: bool) -> None:
    assert looks_like_feed(url) is is_feed
