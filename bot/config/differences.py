"""What feeds.yaml would change in the database, in words: feeds and channels added, removed, renamed, moved, rerouted.

Pure: two layouts in, a list out. ``qasedak plan`` prints it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.model import FeedKind
from bot.sources.fetch import display_url
from bot.storage.layout import Layout

KEPT = "its posts are kept, and it is not read any more"
BACK = "was here before; its posts are known"
SAME_CHAT = "the same chat, by another name: its posts stay with it"
NEW_CHAT = "another chat: it gets what is new from now on"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that would change."""

    what: str  #: feed | channel
    name: str
    change: str  #: added | removed | renamed | moved | rerouted
    before: str | tuple[str, ...] | None = None
    after: str | tuple[str, ...] | None = None
    note: str | None = None


def differences(before: Layout, after: Layout) -> list[Difference]:
    """All that differs: feeds first, each kind in the order of names."""
    channels = _renamed_channels(before, after)
    feeds = _renamed_feeds(before, after)
    found = [*_feeds(before, after, feeds), *_routes(before, after, feeds, channels)]
    return sorted(found, key=lambda one: one.name) + sorted(
        _channels(before, after, channels), key=lambda one: one.name
    )


def _renamed_feeds(before: Layout, after: Layout) -> dict[str, str]:
    """Names by those that they take the place of: the same address under a new name."""
    left = {name: feed for name, feed in before.names.items() if after.names.get(name) != feed}
    found: dict[str, str] = {}
    for name in sorted(name for name, feed in after.names.items() if before.names.get(name) != feed):
        was = next((old for old in sorted(left) if left[old] == after.names[name] and old not in found), None)
        if was is not None:
            found[was] = name
    return found


def _feeds(before: Layout, after: Layout, renamed: Mapping[str, str]) -> Iterator[Difference]:
    removed = sorted(before.names.keys() - after.names.keys() - renamed.keys())
    kept = sorted(name for name, feed in before.names.items() if after.names.get(name) == feed)
    names_of = {before.names[name]: name for name in reversed(kept)}
    for name, feed in after.names.items():
        address = _shown(after, feed)
        old_name = next((old for old, new in renamed.items() if new == name), None)
        was = before.names.get(old_name or name)
        if old_name is not None:
            yield Difference("feed", name, "renamed", old_name, name, "its posts stay with it")
        if was == feed:
            if before.feeds[feed] != after.feeds[feed]:
                yield Difference("feed", name, "moved", _shown(before, feed), address, "its posts stay with it")
            continue
        if feed in before.feeds:
            other = names_of.get(feed)
            note = f"shares its address with {other}: fetched and stored once" if other else BACK
        elif was is not None:
            note = f"a new feed: {names_of.get(was, 'another name')} keeps the posts of {_shown(before, was)}"
        elif removed:
            note = (
                f"a new feed, since its name and its address are new; if it is {' or '.join(removed[:3])}, change one "
                "of the two first, and the other after the next start"
            )
        else:
            note = "new"
        yield Difference("feed", name, "added", None, address, note)
    for name in removed:
        yield Difference("feed", name, "removed", _shown(before, before.names[name]), None, KEPT)


def _shown(layout: Layout, feed: int) -> str:
    kind, url = layout.feeds[feed]
    return display_url(url) if kind is FeedKind.HTTP else url


def _routes(
    before: Layout, after: Layout, feeds: Mapping[str, str], channels: Mapping[str, str]
) -> Iterator[Difference]:
    was = _channels_of(before)
    now = _channels_of(after)
    old_name = {new: old for old, new in feeds.items()}
    for name in after.names:
        if name not in before.names and name not in old_name:
            continue
        old = {channels.get(channel, channel) for channel in was.get(old_name.get(name, name), set())}
        new = now.get(name, set())
        if old != new:
            note = f"{', '.join(sorted(new - old))} gets what is new from now on" if new - old and old else None
            yield Difference("feed", name, "rerouted", tuple(sorted(old)), tuple(sorted(new)), note)


def _channels_of(layout: Layout) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for feed, target in layout.routes:
        found.setdefault(feed, set()).add(layout.chats[target][0])
    return found


def _renamed_channels(before: Layout, after: Layout) -> dict[str, str]:
    names = {channel for channel, _, _ in after.chats.values()}
    return {
        before.chats[target][0]: channel
        for target, (channel, _, _) in after.chats.items()
        if target in before.chats and before.chats[target][0] not in names
    }


def _channels(before: Layout, after: Layout, renamed: Mapping[str, str]) -> Iterator[Difference]:
    was, now = _chats_of(before), _chats_of(after)
    stayed = before.chats.keys() & after.chats.keys()
    for name, chat in now.items():
        old_name = next((old for old, new in renamed.items() if new == name), None)
        if old_name is not None:
            yield Difference("channel", name, "renamed", old_name, name, "its posts stay with it")
        elif name not in was:
            yield Difference("channel", name, "added", None, chat)
        elif was[name] != chat:
            is_same = any(before.chats[target][0] == name == after.chats[target][0] for target in stayed)
            change, note = ("renamed", SAME_CHAT) if is_same else ("moved", NEW_CHAT)
            yield Difference("channel", name, change, was[name], chat, note)
    for name in was.keys() - now.keys() - renamed.keys():
        yield Difference("channel", name, "removed", was[name], None, "nothing is sent there any more")


def _chats_of(layout: Layout) -> dict[str, str]:
    return {channel: f"{chat}, topic {thread}" if thread else chat for channel, chat, thread in layout.chats.values()}
