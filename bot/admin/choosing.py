"""Which feed, which channel: what an admin's command is about, by its words or by a button. Pure.

A button carries a short digest of the name: names may be long, and stay what they are when feeds.yaml is read again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from zoneinfo import ZoneInfo

from bot import render
from bot.labels import translator
from bot.model import Channel, Feed, FeedKind, Language, Subscription
from bot.pacing import Pace
from bot.screens.leafing import Button, Reader, Screen
from bot.storage.pauses import Kind
from bot.text import persian

#: Feeds on one screen.
PAGE = 8
_LABEL = 40  #: characters on a button


@dataclass(frozen=True, slots=True)
class Configured:
    """What feeds.yaml says now, with the numbers that the store gave it."""

    language: Language = "fa"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Tehran"))
    channels: Mapping[str, Channel] = field(default_factory=dict)
    feeds: Mapping[int, Feed] = field(default_factory=dict)
    routes: Mapping[int, Subscription] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)  #: of channels, as Telegram says
    templates: Mapping[str, str] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)
    path: Path = field(default_factory=Path)

    def title(self, channel: str) -> str:
        """How people call a channel."""
        return self.titles.get(channel, channel)

    def feed_named(self, name: str) -> Feed | None:
        """The feed of that name."""
        return next((feed for feed in self.names if feed.name == name), None)

    @property
    def names(self) -> Sequence[Feed]:
        """Every feed by its own name: two names of one address are two."""
        named = {route.feed.name: route.feed for route in self.routes.values()}
        named |= {feed.name: feed for feed in self.feeds.values() if feed.name and feed.name not in named}
        return sorted(named.values(), key=lambda feed: feed.name)


@dataclass(frozen=True, slots=True)
class Named:
    """A feed or channel of feeds.yaml, as buttons carry it."""

    kind: Kind
    name: str

    @property
    def key(self) -> str:
        """What a button carries of it."""
        return self.kind[0] + blake2b(self.name.encode(), digest_size=6).hexdigest()


def all_named(configured: Configured, kinds: Iterable[Kind] = Kind) -> list[Named]:
    """What may be chosen, feeds first."""
    wanted = set(kinds)
    feeds = [Named(Kind.FEED, feed.name) for feed in configured.names] if Kind.FEED in wanted else []
    channels = [Named(Kind.CHANNEL, name) for name in configured.channels] if Kind.CHANNEL in wanted else []
    return [*feeds, *channels]


def by_key(key: str, configured: Configured) -> Named | None:
    """What a button is about; None where that left feeds.yaml."""
    return next((each for each in all_named(configured) if each.key == key), None)


def by_words(words: str, configured: Configured, kinds: Iterable[Kind] = Kind) -> Named | None:
    """What somebody means: its name, its address or its title; the beginning of one will do."""
    among = all_named(configured, kinds)
    if exact := next((each for each in among if each.name == words), None):
        return exact
    wanted = persian.key_fold(words)
    spelled = {each: _spellings(each, configured) for each in among}
    if same := [each for each, said in spelled.items() if wanted and wanted in said]:
        return same[0]
    near = [each for each, said in spelled.items() if wanted and any(one.startswith(wanted) for one in said)]
    return near[0] if len(near) == 1 else None


def _spellings(each: Named, configured: Configured) -> set[str]:
    if each.kind is Kind.CHANNEL:
        channel = configured.channels[each.name]
        said = [each.name, configured.title(each.name), channel.chat]
    else:
        feed = configured.feed_named(each.name)
        said = [each.name, (feed and feed.title) or "", feed.url if feed and feed.kind is FeedKind.HTTP else ""]
    return {persian.key_fold(one) for one in said} - {""}


def choose(
    verb: str, question: str, among: Sequence[Named], configured: Configured, reader: Reader, page: int = 0
) -> Screen:
    """Ask which one: a button each, page by page."""
    t = translator(reader.language)
    if not among:
        nothing = t("There is no feed in feeds.yaml yet. {command} adds one.", command=slash("addfeed", reader))
        return Screen(render.lay_out(nothing, reader.language))
    page = min(page, (len(among) - 1) // PAGE)
    shown = among[page * PAGE :][:PAGE]
    rows: list[tuple[Button, ...]] = [
        (Button(label(each, configured, reader), f"A.{verb}.{each.key}"),) for each in shown
    ]
    turns = []
    if page:
        turns.append(Button(t("Previous"), f"A.{verb}.p{page - 1}"))
    if page * PAGE + len(shown) < len(among):
        turns.append(Button(t("Next"), f"A.{verb}.p{page + 1}"))
    buttons = (*rows, *([tuple(turns)] if turns else []))
    return Screen(render.lay_out(question, reader.language), buttons, awaits=verb)


def slash(command: str, reader: Reader) -> str:
    """A command inside a line: isolated where the line runs the other way, so that its slash stays in front."""
    return persian.isolate(f"/{command}", "ltr") if reader.language == "fa" else f"/{command}"


def label(each: Named, configured: Configured, reader: Reader) -> str:
    """A feed or channel on a button."""
    t = translator(reader.language)
    if each.kind is Kind.CHANNEL:
        return t("Channel {name}", name=configured.title(each.name))[:_LABEL]
    return each.name[:_LABEL]


def unknown(words: str, among: Sequence[Named], reader: Reader) -> Screen:
    """Nothing is called that."""
    t = translator(reader.language)
    lines = [t("feeds.yaml has nothing called {name}.", name=render.furniture(words[:100]))]
    if among:
        listed = t(", ").join(str(render.furniture(each.name)) for each in among[:20])
        lines.append(t("There is: {names}", names=listed))
    return Screen(render.lay_out("\n".join(lines), reader.language))


def page_of(key: str) -> int | None:
    """The page that a button turns to; None for a button that chooses."""
    number = key.removeprefix("p")
    return int(number) if key.startswith("p") and number.isdecimal() and len(number) < 5 else None
