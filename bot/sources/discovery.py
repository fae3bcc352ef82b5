"""Find the feeds of a web page, for people who have its address and not the feed's.

Beside the path of a post: ``looking.py`` and ``admin/adding.py`` ask it, nothing is stored. What a page says comes
first, then what the address itself says (hosts whose feeds have known places are not asked for the page at all), and
last a few usual places on the page's own host. The finding is pure; ``Discovery`` fetches through the function it is
given, which brings its manners and its guards. Pages are never trusted: what they name is an address of the web or
nothing.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import parse_qs, urljoin, urlsplit

from bot.errors import FetchError, ParseError
from bot.model import Feed, FeedKind, Validators
from bot.sources.feed import FeedSource
from bot.sources.fetch import Answer
from bot.sources.page import looks_like_page, page_text
from bot.text import markup
from bot.text.tags import Token, tokens

#: A page says which feeds it has near its beginning.
PAGE_CHARS = 1024 * 1024
#: More than a person wants to choose among.
MOST_FOUND = 10
#: Requests for usual places, when the page names none.
MOST_GUESSES = 6
GUESSES = ("/feed", "/rss", "/atom.xml", "/feed.xml", "/index.xml", "/rss.xml", "/feed.json", "/?feed=rss2")
#: Where the programs that make pages put their feeds; they say who they are in ``meta name=generator``.
GUESSES_BY_GENERATOR = {
    "wordpress": ("/feed/", "/?feed=rss2"),
    "blogger": ("/feeds/posts/default",),
    "ghost": ("/rss/",),
    "hugo": ("/index.xml",),
    "jekyll": ("/feed.xml",),
    "gatsby": ("/rss.xml",),
    "drupal": ("/rss.xml",),
}

Fetch = Callable[[Feed, Validators], Awaitable[Answer]]


class Kind(StrEnum):
    """What a page says a feed is."""

    RSS = "rss"
    ATOM = "atom"
    JSON = "json"
    FEED = "feed"  #: it does not say


@dataclass(frozen=True, slots=True)
class Candidate:
    """A feed that a page has, or may have: nobody has read it yet."""

    url: str
    title: str | None = None
    kind: Kind = Kind.FEED


# --- what an address says ------------------------------------------------------------------------------------


def known(url: str) -> list[Candidate]:
    """The feeds of an address whose host puts them where everybody knows; empty for others, and for feeds."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    except ValueError:
        return []
    if parts.scheme not in ("http", "https") or looks_like_feed(url):
        return []
    steps = [step for step in parts.path.split("/") if step]
    found = [
        *_of_youtube(host, steps, parse_qs(parts.query)),
        *_of_github(host, steps),
        *_of_forum(host, steps),
        *_of_blog_host(parts.scheme, parts.netloc, host, steps),
    ]
    return [candidate for candidate in found if _web_address(candidate.url)]


_YOUTUBE = "https://www.youtube.com/feeds/videos.xml"
_CHANNEL_ID = r"UC[A-Za-z0-9_-]{22}"


def _of_youtube(host: str, steps: list[str], query: dict[str, list[str]]) -> Iterator[Candidate]:
    """A handle (/@name) is not among these: only its page says which channel it is."""
    if host not in ("youtube.com", "music.youtube.com"):
        return
    playlist = query.get("list", [""])[0]
    if re.fullmatch(r"[A-Za-z0-9_-]{10,64}", playlist):
        yield Candidate(f"{_YOUTUBE}?playlist_id={playlist}", kind=Kind.ATOM)
    elif len(steps) > 1 and steps[0] == "channel" and re.fullmatch(_CHANNEL_ID, steps[1]):
        yield Candidate(f"{_YOUTUBE}?channel_id={steps[1]}", kind=Kind.ATOM)
    elif len(steps) > 1 and steps[0] == "user" and re.fullmatch(r"[A-Za-z0-9_-]+", steps[1]):
        yield Candidate(f"{_YOUTUBE}?user={steps[1]}", kind=Kind.ATOM)


_OF_GITHUB = """about apps collections contact customer-stories enterprise events explore features issues login
    marketplace new notifications orgs pricing pulls search security settings site sponsors stars topics trending"""
_NO_OWNERS = frozenset(_OF_GITHUB.split())  #: first steps of its own pages


def _of_github(host: str, steps: list[str]) -> Iterator[Candidate]:
    if host != "github.com" or not steps or steps[0] in _NO_OWNERS:
        return
    owner, repository, section, *rest = *steps, *[""] * (4 - min(len(steps), 4))
    base = f"https://github.com/{owner}"
    if not repository:
        yield Candidate(f"{base}.atom", owner, Kind.ATOM)
        return
    base, name = f"{base}/{repository}", f"{owner}/{repository}"
    branch = "/".join(filter(None, rest))
    if section == "commits" and branch:
        yield Candidate(f"{base}/commits/{branch}.atom", f"{name}: commits to {branch}", Kind.ATOM)
        return
    wanted = [section] if section in ("releases", "tags", "commits") else ["releases", "commits"]
    for what in wanted:
        yield Candidate(f"{base}/{what}.atom", f"{name}: {what}", Kind.ATOM)


def _of_forum(host: str, steps: list[str]) -> Iterator[Candidate]:
    if host.removeprefix("old.").removeprefix("new.") != "reddit.com" or len(steps) < 2:
        return
    place = {"r": "r", "u": "user", "user": "user"}.get(steps[0])
    if place:
        shown = f"{'r' if place == 'r' else 'u'}/{steps[1]}"
        yield Candidate(f"https://www.reddit.com/{place}/{steps[1]}/.rss", shown, Kind.ATOM)


#: Ends of host names under which everybody has a blog, and where its feed is.
_BLOG_HOSTS = (
    ("substack.com", "/feed", Kind.RSS),
    ("medium.com", "/feed", Kind.RSS),
    ("tumblr.com", "/rss", Kind.RSS),
    ("blogfa.com", "/rss/", Kind.RSS),
    ("blog.ir", "/rss/", Kind.RSS),
    ("mihanblog.com", "/post/rss/", Kind.RSS),
    ("persianblog.ir", "/rss.xml", Kind.RSS),
)


def _of_blog_host(scheme: str, netloc: str, host: str, steps: list[str]) -> Iterator[Candidate]:
    base = f"{scheme}://{netloc.rpartition('@')[2]}"
    if host in ("medium.com", "virgool.io"):
        # A writer or a publication: what follows is one post of it.
        is_writer = bool(steps) and (
            steps[0].startswith("@") or (host == "medium.com" and steps[0] not in ("tag", "m"))
        )
        if is_writer:
            yield Candidate(f"https://{host}/feed/{steps[0]}", kind=Kind.RSS if host == "medium.com" else Kind.ATOM)
        elif host == "medium.com" and steps[:1] == ["tag"] and len(steps) > 1:
            yield Candidate(f"https://medium.com/feed/tag/{steps[1]}", kind=Kind.RSS)
    elif re.fullmatch(r"[a-z0-9-]+\.blogspot\.[a-z]{2,3}(?:\.[a-z]{2})?", host):
        yield Candidate(f"{base}/feeds/posts/default", kind=Kind.ATOM)
    elif host.endswith(".wordpress.com"):
        yield Candidate(base + _archive_path(steps) + "feed/", kind=Kind.RSS)
    else:
        for end, path, kind in _BLOG_HOSTS:
            if host.endswith("." + end):
                yield Candidate(base + path, kind=kind)


def _archive_path(steps: list[str]) -> str:
    """The part of a WordPress address that names a tag, a category or an author: each has a feed of its own."""
    return f"/{steps[0]}/{steps[1]}/" if len(steps) > 1 and steps[0] in ("tag", "category", "author") else "/"


_FEED_ADDRESS = re.compile(
    r"(?:^|[/.])(?:feeds?|rss2?|atom)(?:[/.]|$)|\.(?:rss|atom|rdf)$|/(?:feeds?|rss|atom|index|posts)[\w-]*\.(?:xml|json|php|aspx)$",
    re.IGNORECASE,
)
_FEED_QUERY = re.compile(
    r"(?:^|&)(?:feed|format|type|alt|output)=(?:rss2?|atom|rdf|feed|jsonfeed)(?:&|$)", re.IGNORECASE
)


def looks_like_feed(url: str) -> bool:
    """Whether an address is written as those of feeds are."""
    parts = urlsplit(url)
    return bool(_FEED_ADDRESS.search(parts.path) or _FEED_QUERY.search(parts.query))


# --- what a page says ----------------------------------------------------------------------------------------

_KINDS = {
    "application/rss+xml": Kind.RSS,
    "application/rss": Kind.RSS,
    "text/rss+xml": Kind.RSS,
    "application/rdf+xml": Kind.RSS,
    "application/atom+xml": Kind.ATOM,
    "application/atom": Kind.ATOM,
    "application/x.atom+xml": Kind.ATOM,
    "application/feed+json": Kind.JSON,
}
#: Types that many things have: such a link counts where its address is written as a feed's.
_VAGUE_TYPES = frozenset({"", "application/xml", "text/xml", "application/json", "application/rdf+xml"})
_OF_COMMENTS = re.compile("comment|replies|discussion|دیدگاه|نظرات|نظرها", re.IGNORECASE)
_FORMAT_WORDS = re.compile(r"\b(?:rss|atom|json|feeds?)\b|[\W\d_]+|خوراک|فید", re.IGNORECASE)
_UNSEEN = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style|textarea)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
#: Hosts that serve the feeds of others.
_FEED_SERVICES = re.compile(r"(?:^|\.)(?:feedburner\.com|feedproxy\.google\.com|feedpress\.me|feedblitz\.com)$")


def in_page(html: str, url: str) -> list[Candidate]:
    """The feeds that a page names, the likeliest first; its links in the head, or else what it links to in its text.

    Feeds of comments are left out where there is another, and so is a second format of the same feed.
    """
    seen = _UNSEEN.sub(" ", html)
    found = list(tokens(seen))
    base = next(
        (
            address
            for token in found
            if token.name == "base" and (address := _absolute(url, token.attribute_map().get("href", "")))
        ),
        url,
    )
    channel = _youtube_channel(html, url)
    linked = [channel] if channel else list(_linked(found, base))
    return _ranked(linked or list(_mentioned(found, base, url)), url)


def _linked(found: Iterable[Token], base: str) -> Iterator[Candidate]:
    for token in found:
        if token.name != "link" or token.closes:
            continue
        attributes = token.attribute_map()
        rel = attributes.get("rel", "").lower().split()
        kind = attributes.get("type", "").partition(";")[0].strip().lower()
        address = _absolute(base, attributes.get("href", ""))
        if address is None or not {"alternate", "feed"} & set(rel) or "stylesheet" in rel:
            continue
        if kind in _VAGUE_TYPES and "feed" not in rel and not looks_like_feed(address):
            continue
        if kind in _KINDS or kind in _VAGUE_TYPES:
            yield Candidate(address, _title(attributes.get("title", "")), _KINDS.get(kind, Kind.FEED))


def _mentioned(found: list[Token], base: str, url: str) -> Iterator[Candidate]:
    """Links in the text that are written as feeds' are, on the page's own site or a service for feeds."""
    host = _host(url)
    for index, token in enumerate(found):
        if token.name != "a" or token.closes:
            continue
        address = _absolute(base, token.attribute_map().get("href", ""))
        if address is None or not looks_like_feed(address):
            continue
        theirs = _host(address)
        if (
            theirs == host
            or theirs.endswith("." + host)
            or host.endswith("." + theirs)
            or _FEED_SERVICES.search(theirs)
        ):
            words = [next_one.text for next_one in found[index + 1 : index + 4] if not next_one.name]
            yield Candidate(address, _title(words[0]) if words else None)


def _absolute(base: str, href: str) -> str | None:
    href = re.sub(r"\Afeed:(?://)?(?=https?:)|\Afeed:(?=//)", "", href.strip(), flags=re.IGNORECASE)
    try:
        return _web_address(urljoin(base, href)) if href else None
    except ValueError:
        return None


def _web_address(url: str) -> str | None:
    """An address of the web as it may be asked and written down, or None.

    Braces are encoded: in feeds.yaml ``${NAME}`` would be filled in from the environment.
    """
    address = url.partition("#")[0].replace("{", "%7B").replace("}", "%7D")
    try:
        parts = urlsplit(address)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 80) > 0
    except ValueError:
        return None
    is_plain = parts.username is None and len(address) <= 2048 and not re.search(r"[\s\x00-\x1f\x7f<>\"\\]", address)
    return address if is_whole and is_plain else None


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def _title(text: str) -> str | None:
    return markup.clean_title(text)[:200].strip() or None


def _youtube_channel(html: str, url: str) -> Candidate | None:
    """The channel of a page such as youtube.com/@name: the canonical address, or the page's own script, names it."""
    if _host(url).removeprefix("m.") != "youtube.com":
        return None
    found = re.search(rf'channel_id=({_CHANNEL_ID})|rel="canonical" href="[^"]*/channel/({_CHANNEL_ID})"', html)
    found = found or re.search(rf'"externalId":"({_CHANNEL_ID})"', html)
    if found is None:
        return None
    return Candidate(f"{_YOUTUBE}?channel_id={next(filter(None, found.groups()))}", kind=Kind.ATOM)


def _ranked(found: Iterable[Candidate], url: str) -> list[Candidate]:
    by_address = {candidate.url: candidate for candidate in found if candidate.url != url.partition("#")[0]}
    main = [candidate for candidate in by_address.values() if not _is_of_comments(candidate)]
    chosen: dict[str, Candidate] = {}
    for candidate in main or by_address.values():
        what = _FORMAT_WORDS.sub(" ", candidate.title or "").strip().casefold()
        # Feeds without a title of their own are told apart by address.
        chosen.setdefault(what or candidate.url, candidate)
    return list(chosen.values())[:MOST_FOUND]


def _is_of_comments(candidate: Candidate) -> bool:
    return bool(_OF_COMMENTS.search(candidate.title or "") or _OF_COMMENTS.search(urlsplit(candidate.url).path))


def guesses(html: str, url: str) -> list[str]:
    """The usual places on a page's own host, the likeliest first."""
    steps = [step for step in urlsplit(url).path.split("/") if step]
    likely: list[str] = []
    if len(steps) == 1 and re.fullmatch(r"@[\w.]+", steps[0]):  # a profile of the Fediverse
        likely.append(f"/{steps[0]}.rss")
    if _archive_path(steps) != "/":
        likely.append(_archive_path(steps) + "feed/")
    generator = re.search(r"<meta[^<>]+name=[\"']?generator[\"']?[^<>]*>", html, re.IGNORECASE)
    for name, places in GUESSES_BY_GENERATOR.items():
        if generator and name in generator[0].lower():
            likely += places
    addresses = (_absolute(url, place) for place in dict.fromkeys((*likely, *GUESSES)))
    return [address for address in addresses if address][:MOST_GUESSES]


# --- asking --------------------------------------------------------------------------------------------------


class Discovery:
    """Finds the feeds of an address. ``fetch`` spaces its requests; ``feeds`` says what is a feed."""

    def __init__(self, fetch: Fetch, feeds: FeedSource) -> None:
        self._fetch = fetch
        self._feeds = feeds

    async def find(self, url: str, now: datetime) -> list[Candidate]:
        """The feeds of an address; the address itself where it is one; none where there are none.

        Raises: FetchError, when the address cannot be asked.
        """
        places = known(url)
        if places:
            return places
        answer = await self._fetch(_place(url), Validators())
        try:
            reading, _ending = await self._feeds.parse(_place(url), answer, now)
        except ParseError:
            return await self.find_in(answer, now)
        return [Candidate(url, reading.title)]

    async def find_in(self, page: Answer, now: datetime) -> list[Candidate]:
        """The feeds of a page that was fetched; where it names none, the first of the usual places that is one."""
        body = page.body or b""
        if not looks_like_page(body, page.content_type):
            return []
        html = page_text(body, page.content_type)[:PAGE_CHARS]
        # On a thread: a mebibyte of tags takes long enough for other work to wait.
        return await asyncio.to_thread(in_page, html, page.url) or await self._guess(guesses(html, page.url), now)

    async def _guess(self, addresses: Iterable[str], now: datetime) -> list[Candidate]:
        for address in addresses:
            try:
                answer = await self._fetch(_place(address), Validators())
                reading, _ending = await self._feeds.parse(_place(address), answer, now)
            except ParseError:
                continue
            except FetchError as error:
                if error.status in (404, 410, 406):
                    continue
                return []  # a host that refuses or fails is not asked again
            return [Candidate(address, reading.title)]
        return []


def _place(url: str) -> Feed:
    return Feed(url, FeedKind.HTTP, url)
