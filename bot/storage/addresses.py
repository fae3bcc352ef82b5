"""Whom a request would burden: the name under which ``hosts`` keeps requests apart. Pure."""

from urllib.parse import urlsplit

from bot.model import Feed, FeedKind


def host_of(feed: Feed) -> str:
    """Host and port as written, "" for a file."""
    return "" if feed.kind is FeedKind.ARCHIVE else host_of_url(feed.url)


def host_of_url(url: str) -> str:
    """Host and port, the port also where the scheme says it."""
    parts = urlsplit(url)
    return f"{(parts.hostname or '').lower()}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
