"""A channel as a feed: what was sent, as Atom (RFC 4287), RSS 2.0 or JSON Feed 1.1. Pure.

Each item leads to its message on t.me and has two dates, those of the post and of the message, and the day in both
calendars in words. What is published is the message itself, which everybody in the channel saw.
"""

import json
import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from zoneinfo import ZoneInfo

from yarl import URL

from bot import __version__
from bot.model import PREVIEW_BOT, Calendar, Channel
from bot.storage.sent import SentPost
from bot.text.dates import DateStyle, format_date, to_jalali
from bot.web.drawing import message_html

LIMIT = 50  #: messages of a document
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: XML 1.0, 2.2: every other character makes a document unreadable.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TITLE_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Syndicated:
    """A channel and what it got, the newest first."""

    channel: Channel
    title: str
    bot_id: int
    own_url: str  #: of the document
    home_timezone: str  #: the bot's: a date without a time is a civil day there
    sent: Sequence[SentPost]

    @property
    def updated_at(self) -> datetime:
        """When the newest message was sent."""
        return max((one.sent_at for one in self.sent), default=_EPOCH)

    @property
    def home(self) -> str | None:
        """The channel on the web, if it has a public name."""
        chat = self.channel.chat
        return f"https://t.me/{chat[1:]}" if chat.startswith("@") and self.bot_id != PREVIEW_BOT else None


def message_url(one: SentPost, bot_id: int) -> str | None:
    """Where a message stands on t.me; None in the preview and where Telegram has no such address.

    Source: https://core.telegram.org/api/links#message-links
    """
    if bot_id == PREVIEW_BOT:
        return None
    if one.chat.startswith("@"):
        return f"https://t.me/{one.chat[1:]}/{one.message_id}"
    inner = str(one.chat_id)
    return f"https://t.me/c/{inner[4:]}/{one.message_id}" if inner.startswith("-100") else None


# --- what every form says ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Item:
    ident: str
    title: str
    url: str | None
    source_url: str | None
    published: datetime
    sent: datetime
    dates: str  #: the day in both calendars, in words
    jalali: str
    gregorian: str
    html: str
    tags: tuple[str, ...]
    author: str | None


def _item(one: SentPost, about: Syndicated) -> _Item:
    entry, published = one.post.entry, one.post.effective_at
    zone = ZoneInfo(about.home_timezone if entry.date_only else about.channel.timezone)
    style = DateStyle(about.channel.language, (Calendar.JALALI, Calendar.GREGORIAN), about.channel.months)
    day = published.astimezone(zone).date()
    jalali = to_jalali(day)
    first_line = next((line for part in one.parts for line in part.text.splitlines() if line.strip()), "")
    return _Item(
        ident=_uuid(f"{about.bot_id} {one.chat_id} {one.delivery_id}"),
        title=_clean(entry.title or first_line[:_TITLE_LENGTH] or str(one.message_id)),
        url=message_url(one, about.bot_id),
        source_url=_web_address(entry.link or ""),
        published=published,
        sent=one.sent_at,
        dates=format_date(published, zone, style, date_only=True),
        jalali=f"{jalali.year:04}-{jalali.month:02}-{jalali.day:02}",
        gregorian=day.isoformat(),
        html=_clean("".join(str(message_html(part)) for part in one.parts)),
        tags=tuple(_clean(tag) for tag in entry.tags if tag.strip()),
        author=_clean(entry.author) if entry.author and entry.author.strip() else None,
    )


def _uuid(name: str) -> str:
    """The same for ever, and unlike any other: it depends on numbers that neither a new name nor a move changes."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"qasedak:{name}").urn


def _web_address(link: str) -> str | None:
    """As RFC 3986 writes it, which every reader knows; None for what is no whole address of the web."""
    try:
        url = URL(link)
    except ValueError:
        return None
    return str(url) if url.scheme in ("http", "https") and url.host else None


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rfc822(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC))


# --- forms ---------------------------------------------------------------------------------------------------


def atom(about: Syndicated) -> bytes:
    """RFC 4287."""
    language = about.channel.language
    feed = ET.Element("feed", {"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": language})
    _add(feed, "id", _uuid(f"{about.bot_id} {about.channel.chat}"))
    _add(feed, "title", _clean(about.title))
    _add(feed, "updated", _rfc3339(about.updated_at))
    _add(_add(feed, "author"), "name", _clean(about.title))
    _add(feed, "generator", "Qasedak", version=__version__)
    _add(feed, "link", rel="self", type="application/atom+xml", href=about.own_url)
    if about.home:
        _add(feed, "link", rel="alternate", type="text/html", href=about.home)
    for item in (_item(one, about) for one in about.sent):
        entry = _add(feed, "entry")
        _add(entry, "id", item.ident)
        _add(entry, "title", item.title)
        _add(entry, "published", _rfc3339(item.published))
        _add(entry, "updated", _rfc3339(item.sent))
        if item.author:
            _add(_add(entry, "author"), "name", item.author)
        for relation, url in (("alternate", item.url), ("via", item.source_url)):
            if url:
                _add(entry, "link", rel=relation, href=url)
        for tag in item.tags:
            _add(entry, "category", term=tag)
        _add(entry, "summary", item.dates)
        _add(entry, "content", item.html, type="html")
    return _xml(feed)


def rss(about: Syndicated) -> bytes:
    """RSS 2.0; what it has no word for is said in Atom's and Dublin Core's."""
    spaces = {"xmlns:atom": "http://www.w3.org/2005/Atom", "xmlns:dc": "http://purl.org/dc/elements/1.1/"}
    root = ET.Element("rss", {"version": "2.0", **spaces})
    channel = _add(root, "channel")
    _add(channel, "title", _clean(about.title))
    _add(channel, "link", about.home or about.own_url)
    _add(channel, "description", _clean(about.title))
    _add(channel, "language", about.channel.language)
    if about.sent:
        _add(channel, "lastBuildDate", _rfc822(about.updated_at))
    _add(channel, "generator", f"Qasedak {__version__}")
    _add(channel, "atom:link", rel="self", type="application/rss+xml", href=about.own_url)
    for item in (_item(one, about) for one in about.sent):
        entry = _add(channel, "item")
        _add(entry, "title", item.title)
        if item.url or item.source_url:
            _add(entry, "link", item.url or item.source_url or "")
        _add(entry, "guid", item.ident, isPermaLink="false")
        _add(entry, "pubDate", _rfc822(item.published))
        _add(entry, "atom:updated", _rfc3339(item.sent))
        if item.author:
            _add(entry, "dc:creator", item.author)
        for tag in item.tags:
            _add(entry, "category", tag)
        _add(entry, "description", f"{item.html}<p>{item.dates}</p>")
    return _xml(root)


def json_feed(about: Syndicated) -> bytes:
    """JSON Feed 1.1."""
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": about.title,
        "home_page_url": about.home,
        "feed_url": about.own_url,
        "language": about.channel.language,
        "items": [_json_item(_item(one, about)) for one in about.sent],
    }
    return json.dumps(_without_none(document), ensure_ascii=False).encode("utf-8", "replace")


def _json_item(item: _Item) -> dict[str, Any]:
    return _without_none(
        {
            "id": item.ident,
            "url": item.url,
            "external_url": item.source_url,
            "title": item.title,
            "content_html": item.html,
            "summary": item.dates,
            "date_published": _rfc3339(item.published),
            "date_modified": _rfc3339(item.sent),
            "authors": [{"name": item.author}] if item.author else None,
            "tags": list(item.tags) or None,
            "_qasedak": {"jalali": item.jalali, "gregorian": item.gregorian},
        }
    )


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, name, attributes)
    element.text = text
    return element


def _xml(root: ET.Element) -> bytes:
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


#: By the ending of the address: how it is written, and the type that it has.
FORMS: Mapping[str, tuple[Callable[[Syndicated], bytes], str]] = {
    "atom": (atom, "application/atom+xml"),
    "rss": (rss, "application/rss+xml"),
    "json": (json_feed, "application/feed+json"),
}
