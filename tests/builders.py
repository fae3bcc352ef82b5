"""Records for tests: every default is valid, a test names only what it is about."""

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bot.model import Channel, Entry, Feed, FeedKind, Post, Subscription
from bot.render import TEMPLATES

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def a_feed(name: str = "sky", **changes: Any) -> Feed:
    return replace(Feed(name=name, kind=FeedKind.HTTP, url=f"https://{name}.example/feed.xml"), **changes)


def an_entry(number: int = 1, **changes: Any) -> Entry:
    entry = Entry(
        guid=f"guid-{number}",
        title=f"Moon number {number}",
        link=f"https://sky.example/{number}",
        published=datetime(2026, 11, 20, 6, number % 60, tzinfo=UTC),
        language="en",
        content=f"<p>The moon of evening {number} stands over the hills. Binoculars are enough to see it.</p>",
    )
    return replace(entry, **changes)


def a_channel(name: str = "main", **changes: Any) -> Channel:
    return replace(Channel(name=name, chat="-1001111111111"), **changes)


def a_subscription(feed: Feed | None = None, channel: Channel | None = None, **changes: Any) -> Subscription:
    channel = channel or a_channel()
    subscription = Subscription(
        feed=feed or a_feed(), channel=channel, template_text=TEMPLATES.get(channel.template, "")
    )
    return replace(subscription, **changes)


def a_post(entry: Entry | None = None, **changes: Any) -> Post:
    return replace(Post(id=1, feed_id=1, ident="guid-1", entry=entry or an_entry(), first_seen=NOW), **changes)


def all_words(record: Any) -> str:
    """Every string within a record, for what no string may hold."""
    if is_dataclass(record) and not isinstance(record, type):
        record = [getattr(record, part.name) for part in fields(record)]
    if isinstance(record, list | tuple | frozenset):
        return "\n".join(map(all_words, record))
    return record if isinstance(record, str) else ""
