"""feeds.yaml in a few words, for tests of its keys: what is written there goes the whole way through ``config/``."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.config.reading import Config, read_config
from bot.model import Entry, Message, Subscription
from bot.render.dressing import dress
from tests.builders import NOW, a_post

CHAT = -1001111111111


def configured(
    channel: str = "", *, feed: str = "", bot: str = "", rest: str = "", source: str = "feeds", **files: str
) -> Config:
    """A channel and a feed, or an archive, with these keys besides those that must be there; beside *files*."""
    place = "url: https://example.org/feed.xml" if source == "feeds" else "path: blog.txt"
    chat = "" if "chat:" in channel else f'chat: "{CHAT}", '
    text = (
        f"bot: {{{bot}}}\n"
        f"channels:\n  main: {{{chat}{channel}}}\n"
        f"{source}:\n  sky: {{{'' if 'url:' in feed or 'path:' in feed else place + ', '}{feed}}}\n"
        f"{rest}\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, content in {
            "blog.txt": "",
            **{name.replace("_", "."): words for name, words in files.items()},
        }.items():
            (Path(folder) / name).write_text(content, encoding="utf-8")
        path = Path(folder) / "feeds.yaml"
        path.write_text(text, encoding="utf-8")
        return read_config(path, environment={}, with_token=False)


def route(channel: str = "", **keys: Any) -> Subscription:
    """The one route of such a file."""
    (subscription,) = configured(channel, **keys).subscriptions
    return subscription


def messages(entry: Entry, channel: str = "", **keys: Any) -> Sequence[Message]:
    """What an entry becomes there."""
    return dress(
        a_post(entry, feed_title="Sky Notes", first_seen=entry.published or NOW), route(channel, **keys), bot="a_bot"
    )


def text(entry: Entry, channel: str = "", **keys: Any) -> str:
    """The same as one text."""
    return "\n".join(message.text for message in messages(entry, channel, **keys))
