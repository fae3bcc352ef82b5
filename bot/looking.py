"""Look at a source without a database: what ``read``, ``preview`` and ``check --online`` do.

The same source, identity and rendering as the real path; nothing is stored, nothing is sent.
"""

import glob
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from bot import full_text, identity, render
from bot.config.reading import Config, Settings, archive_pattern
from bot.errors import BotError, ConfigError, DeliveryError, ParseError
from bot.identity import Identified
from bot.model import (
    ANY_BOT,
    Channel,
    DeliveryState,
    Feed,
    FeedKind,
    Message,
    Post,
    Reading,
    Shown,
    Subscription,
    Validators,
)
from bot.progress import Progress, unseen
from bot.render import dressing
from bot.sender import TelegramSender, open_bot, shut_down, username_of
from bot.sources import archive, discovery, formats
from bot.sources.article import ArticleReader
from bot.sources.discovery import Candidate, Discovery
from bot.sources.feed import FeedSource
from bot.sources.fetch import Answer, Fetcher
from bot.sources.formats import ArchiveFormat
from bot.sources.parsing import Parser
from bot.turns import Fetches, SpacedFetcher
from bot.web import preview

#: Which of the feeds of a page is meant; raises ConfigError when nobody can say.
Choose = Callable[[str, Sequence[Candidate]], Candidate]


class Format(StrEnum):
    """What kind of file a source is."""

    AUTO = "auto"
    FEED = "feed"
    DATED_TEXT = ArchiveFormat.DATED_TEXT
    MARKDOWN = ArchiveFormat.MARKDOWN
    BLOGGER = ArchiveFormat.BLOGGER
    WORDPRESS = ArchiveFormat.WORDPRESS
    TELEGRAM = ArchiveFormat.TELEGRAM
    JSON_FEED = ArchiveFormat.JSON_FEED


#: Formats in which a file is part of an archive, whatever it looks like.
_ARCHIVES = tuple(form for form in Format if form not in (Format.AUTO, Format.FEED))


@dataclass(frozen=True, slots=True)
class Look:
    """The entries of a source, identified, in the source's own order."""

    feed: Feed
    title: str | None
    entries: list[Identified]


def now() -> datetime:
    """The machine's time; a command asks once."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Tools:
    """What looking needs while it looks."""

    fetcher: Fetches
    feeds: FeedSource
    articles: ArticleReader


async def read_source(
    source: str, form: Format, settings: Settings, config: Config, choose: Choose, tell: Progress = unseen
) -> Look:
    """Read a URL, a feed file or an archive. Of a web page its feed is read: *choose* says which.

    Raises: SourceError, ConfigError.
    """
    async with _open_tools(settings, config) as tools:
        return await _read(source, form, config, tools, choose, tell)


@asynccontextmanager
async def _open_tools(settings: Settings, config: Config) -> AsyncIterator[_Tools]:
    fetcher = Fetcher(contact=config.contact, allow_private_networks=settings.allow_private_networks)
    parser, articles = Parser(), ArticleReader()
    try:
        spaced = SpacedFetcher(fetcher, timedelta(seconds=settings.host_spacing))
        yield _Tools(spaced, FeedSource(fetcher, parser, zone=config.zone), articles)
    finally:
        await fetcher.close()
        parser.close()
        articles.close()


async def _read(
    source: str, form: Format, config: Config, tools: _Tools, choose: Choose, tell: Progress = unseen
) -> Look:
    feed = _configured(source, config)
    if source.startswith(("http://", "https://")):
        if form not in (Format.AUTO, Format.FEED):
            raise ConfigError(f"{source}: only files can be {form}; leave --format out")
        feed, reading = await _read_address(feed or Feed(source, FeedKind.HTTP, source), tools, choose)
        readings = [reading]
    elif (named := _archive_format(source, form)) is not None:
        feed = feed or _archive(source)
        readings = _read_archive(replace(feed, format=named), config, tell)
    elif form is Format.FEED or (form is Format.AUTO and _is_feed_file(source)):
        feed = Feed(Path(source).name, FeedKind.HTTP, "")
        readings = [(await tools.feeds.parse(feed, Answer("", _read_file(source)), now()))[0]]
    else:
        feed = feed or _archive(source)
        readings = _read_archive(feed, config, tell)
    return _look(feed, readings)


def _read_archive(feed: Feed, config: Config, tell: Progress) -> list[Reading]:
    readings, count = list[Reading](), 0
    for reading in archive.read(feed, Validators(), config.zone):
        readings.append(reading)
        count += len(reading.entries)
        tell("posts", count)
    return readings


async def _read_address(feed: Feed, tools: _Tools, choose: Choose) -> tuple[Feed, Reading]:
    """The feed at an address, or the one that the page there has; what feeds.yaml names is read as it is."""
    is_named = feed.name != feed.url
    found = [] if is_named else discovery.known(feed.url)
    if not found:
        answer = await tools.fetcher.fetch(feed, Validators())
        try:
            return feed, (await tools.feeds.parse(feed, answer, now()))[0]
        except ParseError:
            found = [] if is_named else await Discovery(tools.fetcher.fetch, tools.feeds).find_in(answer, now())
            if not found:
                raise
    chosen = choose(feed.url, found)
    feed = Feed(chosen.url, FeedKind.HTTP, chosen.url)
    answer = await tools.fetcher.fetch(feed, Validators())
    return feed, (await tools.feeds.parse(feed, answer, now()))[0]


def _configured(source: str, config: Config) -> Feed | None:
    """The feed of feeds.yaml that *source* names by its address or its pattern."""
    pattern = os.path.normpath(archive_pattern(Path(), source))
    for feed in config.feeds:
        if (feed.url == source) if feed.kind is FeedKind.HTTP else (os.path.normpath(feed.url) == pattern):
            return feed
    return None


def _archive(source: str) -> Feed:
    if os.path.exists(source):
        return Feed(Path(source).name, FeedKind.ARCHIVE, os.path.abspath(source))
    pattern = archive_pattern(Path(), source)
    if not glob.glob(pattern, recursive=True):
        raise ConfigError(f"{source}: no file matches; name a URL, a feed file or an archive path")
    # "*.txt" is no name for an archive; the folder it lies in may be.
    folder = next(folder for folder in Path(os.path.abspath(source)).parents if not glob.has_magic(folder.name))
    return Feed(folder.name, FeedKind.ARCHIVE, pattern)


def _look(feed: Feed, readings: list[Reading]) -> Look:
    entries = [found for reading in readings for found in identity.identify(reading.entries, home=reading.home)]
    return Look(feed, next((reading.title for reading in readings if reading.title), None), entries)


def _archive_format(source: str, form: Format) -> ArchiveFormat | None:
    """The format that was named; of a file without one, what it looks like. A JSON Feed is a feed first."""
    if form is Format.AUTO and os.path.isfile(source):
        found = formats.detect(Path(source))
        return found if found not in (None, ArchiveFormat.DATED_TEXT, ArchiveFormat.JSON_FEED) else None
    return ArchiveFormat(form) if form in _ARCHIVES else None


def _is_feed_file(source: str) -> bool:
    """A feed begins with "<" or "{", after whatever mark its encoding has."""
    if not os.path.isfile(source):
        return False
    head = _read_file(source)[:200].lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")
    return head[:1] in (b"<", b"{")


def _read_file(source: str) -> bytes:
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise ConfigError(f"{source}: cannot be read ({error.strerror}); name a file that is there") from error


@dataclass(frozen=True, slots=True)
class Preview:
    """What the entries of a source would become in a channel."""

    subscription: Subscription
    posts: tuple[Post, ...]

    @property
    def messages(self) -> list[tuple[str, list[Message]]]:
        """Of each entry its id, and what it would become."""
        return [(post.ident, dressing.dress(post, self.subscription, bot=ANY_BOT)) for post in self.posts]

    def page(self) -> str:
        """The page that ``/preview/{channel}`` would be, with its pictures, and by each template that ships."""
        channel = self.subscription.channel
        others = {name: self._shown(name) for name in render.TEMPLATES if name != channel.template}
        frame = preview.Frame(channel.name, pictures=True, style=preview.stylesheet())
        return preview.channel_page(channel, self._shown(channel.template), frame, now(), others=others)

    def _shown(self, template: str) -> list[Shown]:
        own = self.subscription.channel
        text = self.subscription.template_text if template == own.template else render.TEMPLATES[template]
        route = replace(self.subscription, channel=replace(own, template=template), template_text=text)
        return [
            Shown(number, 0, DeliveryState.SENT, tuple(dressing.dress(post, route, bot=ANY_BOT)), now(), now())
            for number, post in enumerate(self.posts, 1)
        ]


async def preview_source(
    source: str, form: Format, settings: Settings, config: Config, channel: str | None, limit: int, choose: Choose
) -> Preview:
    """Render the newest *limit* entries of a source.

    Raises: SourceError; ConfigError, when there is no such channel.
    """
    _require_channel(config, channel)
    async with _open_tools(settings, config) as tools:
        look = await _read(source, form, config, tools, choose)
        is_web = look.feed.kind is FeedKind.HTTP
        chosen = identity.oldest_first(look.entries)[-limit:] if is_web else look.entries[-limit:]
        if look.feed.full_text:
            chosen = await _with_articles(chosen, tools)
    subscription = _subscription(config, channel, look.feed)
    at = now()
    posts = (Post(0, 0, found.keys.ident, found.entry, at, feed_title=look.title) for found in chosen)
    return Preview(subscription, tuple(posts))


async def _with_articles(chosen: list[Identified], tools: _Tools) -> list[Identified]:
    """As ``full_text`` would fill them, for as many as one reading would fetch."""
    newest = full_text.newest_first(found.entry for found in chosen)[: full_text.MOST]
    articles = await full_text.read_articles(tools.articles, tools.fetcher.fetch, newest)
    return [
        replace(found, entry=full_text.completed(found.entry, articles.get(found.entry.link or ""))) for found in chosen
    ]


def _require_channel(config: Config, name: str | None) -> None:
    """A wrong name is said before anything is read."""
    if name is not None and name not in config.channels:
        known = ", ".join(config.channels) or "none"
        raise ConfigError(f"{config.path}: no channel is called '{name}'; there is {known}")


def _subscription(config: Config, name: str | None, feed: Feed) -> Subscription:
    """The route of feeds.yaml from *feed* into the channel, or what such a route would be."""
    if name is None:
        channel = Channel("preview", "@preview", language=config.language, timezone=config.timezone, source=True)
        return Subscription(feed, channel, tags=config.tags, home_timezone=config.timezone)
    into = [subscription for subscription in config.subscriptions if subscription.channel.name == name]
    for subscription in into:
        if subscription.feed == feed:
            return subscription
    channel = config.channels[name]
    names_source = channel.source or any(subscription.channel.source for subscription in into)
    return Subscription(
        feed,
        replace(channel, source=names_source),
        template_text=config.template(channel),
        tags=config.tags,
        home_timezone=config.timezone,
    )


def warnings(settings: Settings, config: Config) -> list[str]:
    """What is right and may surprise all the same."""
    found = list(config.notes)
    if settings.token and config.channels and config.admin_chat is None:
        found += [
            "bot.admins: empty: nobody can get a copy of a message whose answer was lost, to see whether it arrived; "
            f"`on_uncertain: {config.on_uncertain}` alone decides about it. Name an admin who has started the bot"
        ]
    return found


async def check_online(settings: Settings, config: Config) -> list[str]:
    """Read each feed once, and ask Telegram for each chat and our rights in it; what fails, in words."""
    problems: list[str] = []
    async with _open_tools(settings, config) as tools:
        for feed in config.feeds:
            try:
                if feed.kind is FeedKind.HTTP:
                    async for _reading in tools.feeds.read(feed, Validators(), now()):
                        pass
                else:
                    for _batch in archive.read(feed, Validators(), config.zone):
                        pass
            except BotError as error:
                problems.append(f"{feed.name}: {error}")
    if settings.token:
        problems += await _check_chats(settings.token, settings.api_url, config)
    return problems


async def _check_chats(token: str, api_url: str, config: Config) -> list[str]:
    bot = open_bot(token, api_url)
    problems = []
    try:
        await username_of(bot)
        sender = TelegramSender(bot)
        for channel in config.channels.values():
            try:
                report = await sender.report(channel.chat)
            except DeliveryError as error:
                problems.append(f"channel {channel.name}: {error}")
            else:
                problems += [f"channel {channel.name}: {report.problem}"] if report.problem else []
    except DeliveryError as error:
        problems.append(f"Telegram: {error}")
    finally:
        await shut_down(bot)
    return problems
