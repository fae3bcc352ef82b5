"""Read the environment and feeds.yaml into frozen records, or say everything that is wrong with them, and where.

Only ``app.py`` and ``cli`` import this; everybody else is handed the records of ``model.py``. It opens the
configuration files and looks at which archive files exist; it opens no database and no connection.
"""

import glob
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot import places, render, roles
from bot.config.feeds_yaml import (
    ArchiveSection,
    ChannelSection,
    DigestSection,
    Document,
    FeedSection,
    RouteSection,
    approval,
    quiet_records,
)
from bot.config.yaml_file import KeyPath, Problem, YamlFile
from bot.config.yaml_imports import read_whole
from bot.config.yaml_mistakes import explain, shown, suggest
from bot.errors import ConfigError
from bot.model import (
    Changes,
    Channel,
    Feed,
    FeedKind,
    Language,
    Media,
    OnUncertain,
    Replay,
    Subscription,
    SummaryOptions,
)
from bot.pacing import Pace
from bot.roles import EVERYTHING, Role

#: The chat of the sample feeds.yaml; nothing is ever sent there.
PLACEHOLDER_CHAT = "@your_channel"
#: A folder with this file in it holds sample posts; they never reach a real chat.
SAMPLE_MARK = ".qasedak-sample"


class Settings(BaseSettings):
    """The environment, as CONTRACT names it; a ``.env`` beside feeds.yaml fills what is not set.

    A description says what the value must be: it ends up in messages, since the value itself must not.
    """

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, populate_by_name=True, frozen=True)

    token: str | None = Field(
        None,
        pattern=r"^\d{1,20}:[A-Za-z0-9_-]+$",
        repr=False,
        description="a token such as 123456:ABC-DEF; copy it anew from @BotFather",
        validation_alias="TELEGRAM_BOT_TOKEN",
    )
    api_url: str = Field(
        "https://api.telegram.org",
        pattern=r"^https?://[^\s/]+\S*$",
        description="an address that begins with http:// or https://",
        validation_alias="TELEGRAM_API_URL",
    )
    database_url: str = Field(
        "sqlite:///var/qasedak.db",
        # As SQLAlchemy splits it; what it cannot split it would repeat in its error, password and all.
        pattern=r"^(sqlite:///[^:?].*|postgresql(\+\w+)?://(.*@)?(\[[^\]]*\]|[^/:?\[\]]*)(:\d+)?([/?].*)?)$",
        repr=False,
        description="sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME",
        validation_alias="DATABASE_URL",
    )
    config: str = Field("feeds.yaml", description="the path of a file", validation_alias="QASEDAK_CONFIG")
    http_host: str = Field("127.0.0.1", description="the name of a host", validation_alias="QASEDAK_HTTP_HOST")
    http_port: int = Field(
        8080, ge=0, le=65535, description="a number from 0 to 65535", validation_alias="QASEDAK_HTTP_PORT"
    )
    http_token: str | None = Field(None, repr=False, description="text", validation_alias="QASEDAK_HTTP_TOKEN")
    webhook_url: str | None = Field(
        None,
        pattern=r"^https://[^\s/?#]+(/[^\s?#]*)?/telegram$",
        description="the public https:// address of /telegram, ending so",
        validation_alias="QASEDAK_WEBHOOK_URL",
    )
    webhook_secret: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_-]{16,256}$",
        repr=False,
        description="16 to 256 of A-Z, a-z, 0-9, _ and -",
        validation_alias="QASEDAK_WEBHOOK_SECRET",
    )
    ping_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/]+\S*$",
        repr=False,
        description="an address that begins with http:// or https://",
        validation_alias="QASEDAK_PING_URL",
    )
    host_spacing: float = Field(
        1.0, ge=0, le=86400, description="a number of seconds, at most 86400", validation_alias="QASEDAK_HOST_SPACING"
    )
    allow_private_networks: bool = Field(False, description="1 or 0", validation_alias="QASEDAK_ALLOW_PRIVATE_NETWORKS")
    role_names: str | None = Field(
        None,
        pattern=rf"^[\s,]*(({'|'.join(Role)})([\s,]+|$))+$",
        description=f"one or more of {', '.join(Role)}, with commas between them",
        validation_alias="QASEDAK_ROLES",
    )
    log_format: str | None = Field(
        None, pattern="^(json|console)$", description="json or console", validation_alias="QASEDAK_LOG"
    )
    log_level: str | None = Field(
        None,
        pattern="^(?i:debug|info|warning|error|critical)$",
        description="debug, info, warning, error or critical",
        validation_alias="QASEDAK_LOG_LEVEL",
    )

    def contradictions(self) -> list[str]:
        """What does not fit together, a line each."""
        has_url, has_secret = self.webhook_url is not None, self.webhook_secret is not None
        found = []
        if has_url != has_secret:
            missing = "QASEDAK_WEBHOOK_SECRET" if has_url else "QASEDAK_WEBHOOK_URL"
            found.append(f"{missing}: a webhook needs its address and its secret; set it, or remove the other")
        if has_url and self.http_port == 0:
            found.append("QASEDAK_HTTP_PORT: 0 turns off what a webhook arrives at; set a port, or remove the webhook")
        named = self.roles()
        if has_url and Role.ANSWER in named and Role.WEB not in named:
            found.append("QASEDAK_ROLES: answer by webhook needs web too; add it, or remove the webhook")
        return found

    def roles(self, default: frozenset[Role] = EVERYTHING) -> frozenset[Role]:
        """What this process does; *default* where nobody said."""
        return roles.read(self.role_names) if self.role_names else default

    def variables(self) -> dict[str, str]:
        """What ``${NAME}`` in feeds.yaml may name: the environment, and ``.env`` beside the file."""
        return variables_beside(Path(self.config))


def variables_beside(config: Path) -> dict[str, str]:
    """The environment over the ``.env`` beside a configuration file.

    Raises: ConfigError.
    """
    beside = config.parent / ".env"
    try:
        written = dotenv_values(beside) if beside.is_file() else {}
    except OSError as error:
        raise ConfigError(f"{beside}: cannot be read ({error.strerror}); give this user the right to it") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{beside}: is not UTF-8 text; save it as UTF-8") from None
    # What is empty counts as not set, as in the settings.
    return {name: value for source in (written, os.environ) for name, value in source.items() if value}


def read_settings() -> Settings:
    """Read the environment.

    Raises: ConfigError, never with a value in it: values may be secrets.
    """
    config = Path(os.environ.get("QASEDAK_CONFIG") or "feeds.yaml")
    variables_beside(config)  # whether it can be read at all
    problems: list[str] = []
    try:
        settings = Settings(_env_file=config.parent / ".env")
    except ValidationError as error:
        problems += [_explain_setting(str(problem["loc"][0])) for problem in error.errors()]
    else:
        problems += settings.contradictions()
    if problems:
        raise ConfigError(problems)
    return settings


def _explain_setting(name: str) -> str:
    for field_name, part in Settings.model_fields.items():
        if name in (field_name, part.validation_alias):
            what, _, advice = str(part.description).partition("; ")
            return f"{part.validation_alias}: must be {what}; {advice or 'correct it in the environment or .env'}"
    raise AssertionError(name)


# --- feeds.yaml ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Config:
    """What feeds.yaml says."""

    path: Path
    timezone: str = "Asia/Tehran"
    language: Language = "fa"
    admins: tuple[int, ...] = ()
    admin_chat: int | None = None
    contact: str | None = None
    on_uncertain: OnUncertain = OnUncertain.RESEND
    keep: timedelta | None = None  #: how long texts of posts that left their feed are kept; None: for ever
    is_open: bool = False  #: anybody may follow any feed by its address
    pace: Pace = field(default_factory=Pace)
    channels: Mapping[str, Channel] = field(default_factory=dict)
    feeds: tuple[Feed, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    refused: tuple[str, ...] = ()  #: what is not sent although it is configured, and why
    notes: tuple[str, ...] = ()  #: what works otherwise than one may think
    private: frozenset[str] = frozenset()  #: feeds whose address holds a ${VARIABLE}: no list that leaves names it
    tags: Mapping[str, str] = field(default_factory=dict)  #: hashtags that mean the same in two languages
    templates: Mapping[str, str] = field(default_factory=lambda: render.TEMPLATES)
    files: tuple[str, ...] = ()  #: patterns of all files that it was read from

    @property
    def zone(self) -> ZoneInfo:
        """The bot's time zone."""
        return ZoneInfo(self.timezone)

    def template(self, channel: Channel) -> str:
        """The text of a channel's template."""
        return self.templates[channel.template]


def read_config(path: Path, *, environment: Mapping[str, str], with_token: bool) -> Config:
    """Read feeds.yaml.

    With a token the sample's placeholder and the sample archive are left out of the routes, and ``refused`` says so.

    Raises: ConfigError with every problem found, each at its place.
    """
    file = read_whole(path, environment)
    problems = [*file.problems, *_check_names(file)]
    try:
        document = Document.model_validate(file.values)
    except ValidationError as error:
        raise ConfigError(_in_order(problems + explain(error, file))) from None
    if problems:
        raise ConfigError(_in_order(problems))
    return _build(document, file, with_token=with_token)


def _in_order(problems: list[Problem]) -> list[str]:
    unique = dict.fromkeys(sorted(problems, key=lambda problem: (problem[0].sort_key, problem[1])))
    return ["".join(map(_printable, f"{place}: {what}")) for place, what in unique]


def _printable(character: str) -> str:
    """One problem is one line: names and keys may hold anything. Persian words hold ZWNJ."""
    return character if character.isprintable() or character == "\u200c" else repr(character)[1:-1]


# --- names that must exist, and files --------------------------------------------------------------------------
# What no key can know by itself. These look at the plain values, whose forms are checked elsewhere at the same time:
# one mistake must not hide another.


def _check_names(file: YamlFile) -> Iterator[Problem]:
    yield from _check_sources(file)
    yield from _check_routes(file)
    yield from _check_archives(file)
    yield from _check_replays(file)
    yield from _check_templates(file)


def _mapping(value: Any, *keys: str | int) -> dict[str, Any]:
    """What stands under *keys*, where that is a mapping."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _sources(file: YamlFile) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Feeds and archives: the section, the name, the keys."""
    for kind in ("feeds", "archives"):
        for name in _mapping(file.values, kind):
            yield kind, name, _mapping(file.values, kind, name)


def _check_sources(file: YamlFile) -> Iterator[Problem]:
    feeds = _mapping(file.values, "feeds")
    for name in _mapping(file.values, "archives"):
        if name in feeds:
            yield file.key(("archives", name)), f"'{name}' names a feed and an archive; rename one of them"


def _check_routes(file: YamlFile) -> Iterator[Problem]:
    channels = _mapping(file.values, "channels")
    for kind, name, section in _sources(file):
        routes = section.get("to")
        if "to" not in section and len(channels) > 1:
            said = f"{kind}.{name} does not say which channel it goes to; add to: [{next(iter(channels))}]"
            yield file.key((kind, name)), said
        met: set[str] = set()
        for index, route in enumerate(routes if isinstance(routes, list) else ()):
            is_plain = isinstance(route, str)
            wanted = route if is_plain else _mapping(route).get("channel")
            if not isinstance(wanted, str):
                continue
            path = (kind, name, "to", index, *(() if is_plain else ("channel",)))
            place = file.value(path)
            if wanted in met:
                yield place, f"{_written(file, path)} stands twice in {kind}.{name}.to; remove one"
            elif wanted not in channels:
                yield place, f"unknown channel {_written(file, path)} in {kind}.{name}.to" + suggest(wanted, channels)
            met.add(wanted)


def _written(file: YamlFile, path: KeyPath) -> str:
    """As it stands in the file: what ${NAME} became may be a secret."""
    return shown(file.written(path) or "")


def _check_archives(file: YamlFile) -> Iterator[Problem]:
    for name in _mapping(file.values, "archives"):
        relative = _mapping(file.values, "archives", name).get("path")
        if not isinstance(relative, str) or not relative or "\0" in relative:
            continue
        path = ("archives", name, "path")
        pattern = archive_pattern(file.folder(path), relative)
        found = places.files_of(pattern)
        if not found:
            said = f"no file matches archives.{name}.path, {_written(file, path)}; "
            yield file.value(path), said + f"it is relative to the folder of {Path(file.value(path).file).name}"
        elif all(os.path.isdir(each) for each in found):
            example = os.path.join(file.written(path) or "", "*.txt")
            yield file.value(path), f"archives.{name}.path names a folder; name its files, such as {example}"
        elif (stray := places.stray(pattern, found)) is not None:
            said = f"archives.{name}.path: {shown(os.path.basename(stray))} is a link that leads out of its folder; "
            yield file.value(path), said + "name that file by itself, or remove it"


def _check_replays(file: YamlFile) -> Iterator[Problem]:
    for name in _mapping(file.values, "archives"):
        archive = _mapping(file.values, "archives", name)
        if "replay" in archive and archive.get("backfill") == "all":
            said = f"archives.{name} has backfill: all and replay; nothing would be left to replay, remove one of them"
            yield file.key(("archives", name, "replay")), said


def _check_templates(file: YamlFile) -> Iterator[Problem]:
    templates = _mapping(file.values, "templates")
    for name, text in templates.items():
        for problem in render.check_template(text) if isinstance(text, str) else ():
            yield file.line_of_text(("templates", name), problem.line), f"templates.{name}: {problem.message}"
    known = {*templates, *render.TEMPLATES}
    for path, wanted in _template_names(file):
        if isinstance(wanted, str) and wanted not in known:
            yield file.value(path), f"unknown template {_written(file, path)}" + suggest(wanted, known)


def _template_names(file: YamlFile) -> Iterator[tuple[KeyPath, Any]]:
    yield ("defaults", "template"), _mapping(file.values, "defaults").get("template")
    for name in _mapping(file.values, "channels"):
        yield ("channels", name, "template"), _mapping(file.values, "channels", name).get("template")
    for kind, name, section in _sources(file):
        routes = section.get("to")
        for index, route in enumerate(routes if isinstance(routes, list) else ()):
            yield (kind, name, "to", index, "template"), _mapping(route).get("template")


def archive_pattern(folder: Path, relative: str) -> str:
    """An archive's pattern from the root on; the folder's own name is no pattern, whatever is in it."""
    return os.path.join(glob.escape(os.path.abspath(folder)), os.path.expanduser(relative))


# --- from sections to records --------------------------------------------------------------------------------


def _build(document: Document, file: YamlFile, *, with_token: bool) -> Config:
    bot, path = document.bot, file.path
    channels = {
        name: _channel(name, _merge(document.defaults, section), document, chat=section.chat)
        for name, section in document.channels.items()
    }
    feeds = [
        *(_http_feed(name, section) for name, section in document.feeds.items()),
        *(_archive_feed(name, section, file.folder(("archives", name))) for name, section in document.archives.items()),
    ]
    subscriptions = list(_subscriptions(document, channels, feeds))
    allowed, refused = _refuse_samples(subscriptions, file) if with_token else (subscriptions, [])
    return Config(
        path=path,
        timezone=bot.timezone,
        language=bot.language,
        admins=tuple(bot.admins),
        admin_chat=bot.admin_chat or (bot.admins[0] if bot.admins else None),
        contact=bot.contact,
        on_uncertain=bot.on_uncertain,
        keep=bot.keep,
        is_open=bot.open,
        pace=Pace(bot.rate, bot.chat_rate),
        channels=channels,
        feeds=tuple(feeds),
        subscriptions=tuple(allowed),
        refused=tuple(refused),
        notes=tuple(_in_order(list(_notes(document, file)))),
        private=frozenset(name for name in document.feeds if "${" in (file.written(("feeds", name, "url")) or "")),
        tags=document.tags,
        templates={**render.TEMPLATES, **document.templates},
        files=(os.path.abspath(path), *file.imported),
    )


def _merge(*sections: ChannelSection) -> dict[str, Any]:
    """Later sections win; only keys that were written count."""
    merged: dict[str, Any] = {}
    for section in sections:
        merged |= {name: getattr(section, name) for name in section.model_fields_set}
    return merged


#: Keys of sections that a channel's record has not, or has otherwise.
_NOT_OF_A_CHANNEL = frozenset({"chat", "channel", "summary", "source", "include", "exclude"})


def _channel(name: str, written: Mapping[str, Any], document: Document, *, chat: str) -> Channel:
    values = {key: value for key, value in written.items() if key not in _NOT_OF_A_CHANNEL}
    if "calendars" in values:
        values["calendars"] = tuple(values["calendars"])
    for key in ("only", "buttons"):
        if key in values:
            values[key] = tuple(values[key])
    if "quiet_hours" in values:
        values["quiet_hours"] = quiet_records(values["quiet_hours"])
    if "approve" in values:
        values["approve"] = approval(values["approve"])
    planned = values.pop("digest", "off")
    summary = written.get("summary", "unwritten")
    calendars = values.get("calendars", Channel(name, chat).calendars)
    return Channel(
        **{"timezone": document.bot.timezone, "language": document.bot.language, **values},
        name=name,
        chat=chat,
        digest=planned.plan(calendars) if isinstance(planned, DigestSection) else None,
        summary=SummaryOptions() if summary == "unwritten" else summary.options() if summary != "off" else None,
        source=written.get("source", "auto") == "always",
    )


def _http_feed(name: str, section: FeedSection) -> Feed:
    return Feed(
        name=name,
        kind=FeedKind.HTTP,
        url=section.url,
        title=section.title,
        every=section.every,
        backfill=section.backfill,
        headers=section.headers,
        full_text=section.full_text,
        language=None if section.language == "auto" else section.language,
        include=tuple(section.include),
        exclude=tuple(section.exclude),
    )


def _archive_feed(name: str, section: ArchiveSection, folder: Path) -> Feed:
    return Feed(
        name=name,
        kind=FeedKind.ARCHIVE,
        url=archive_pattern(folder, section.path),
        title=section.title,
        backfill=section.backfill,
        language=None if section.language == "auto" else section.language,
        include=tuple(section.include),
        exclude=tuple(section.exclude),
        format=section.format,
        on_weekday_mismatch=section.on_weekday_mismatch,
        replay=Replay(tuple(sorted(set(section.replay.at))), section.replay.pick) if section.replay else None,
    )


def _subscriptions(document: Document, channels: Mapping[str, Channel], feeds: list[Feed]) -> Iterator[Subscription]:
    routes = [
        (feed, section, item)
        for feed in feeds
        for section in [document.feeds.get(feed.name) or document.archives[feed.name]]
        for item in (section.to if section.to is not None else list(channels))
    ]
    feeds_of: dict[str, set[str]] = {}
    for feed, _section, item in routes:
        feeds_of.setdefault(_channel_name(item), set()).add(feed.name)
    for feed, section, item in routes:
        name = _channel_name(item)
        written = _merge(
            document.defaults, document.channels[name], *([item] if isinstance(item, RouteSection) else [])
        )
        channel = _channel(name, written, document, chat=channels[name].chat)
        if written.get("source", "auto") == "auto":
            channel = replace(channel, source=len(feeds_of[name]) > 1)
        yield Subscription(
            feed=feed,
            channel=channel,
            hashtags=tuple(section.hashtags),
            include=tuple(item.include) if isinstance(item, RouteSection) else (),
            exclude=tuple(item.exclude) if isinstance(item, RouteSection) else (),
            template_text={**render.TEMPLATES, **document.templates}[channel.template],
            tags=document.tags,
            has_own_budget=isinstance(item, RouteSection) and "max_per_hour" in item.model_fields_set,
            home_timezone=document.bot.timezone,
        )


def _channel_name(item: str | RouteSection) -> str:
    return item if isinstance(item, str) else item.channel


def _notes(document: Document, file: YamlFile) -> Iterator[Problem]:
    """Where two keys of a channel do not go together (PRODUCT 1.9)."""
    for name, section in document.channels.items():
        merged = _merge(document.defaults, section)
        if merged.get("media") is Media.ALBUM and merged.get("buttons"):
            key = "buttons" if "buttons" in section.model_fields_set else "media"
            place = file.key(("channels", name, key) if key in section.model_fields_set else ("channels", name))
            yield place, f"channels.{name}: an album can have no buttons; posts of one picture, or none, have them"


def _refuse_samples(subscriptions: list[Subscription], file: YamlFile) -> tuple[list[Subscription], list[str]]:
    """Take out what must never reach a real chat (PRODUCT 1.1), and say so once each."""
    allowed: list[Subscription] = []
    refused: list[Problem] = []
    for subscription in subscriptions:
        channel, feed = subscription.channel, subscription.feed
        problems: list[Problem] = []
        if channel.chat.casefold() == PLACEHOLDER_CHAT:
            said = f"{PLACEHOLDER_CHAT} is the sample's placeholder; write your channel's @name there"
            problems.append((file.value(("channels", channel.name, "chat")), said))
        if is_sample(feed):
            said = f"archives.{feed.name} is the sample, which is not sent to a real chat; remove it, or the token"
            problems.append((file.key(("archives", feed.name)), said))
        refused += problems
        if not problems:
            allowed.append(subscription)
    return allowed, _in_order(refused)


def is_sample(feed: Feed) -> bool:
    """Whether a feed is the archive that ships with the project."""
    if feed.kind is not FeedKind.ARCHIVE:
        return False
    folders = {Path(name).parent for name in places.files_of(feed.url)}
    return any((folder / SAMPLE_MARK).exists() for folder in folders)


def compare(old: Config, new: Config) -> Changes:
    """What differs between two readings; a feed whose routes changed has changed."""
    was, now = ({feed.name: feed for feed in config.feeds} for config in (old, new))
    routes_were, routes_are = (
        {name: _routes(config, name) for name in was.keys() & now.keys()} for config in (old, new)
    )
    kept = [name for name in was.keys() & now.keys() if was[name] != now[name] or routes_were[name] != routes_are[name]]
    here, there = old.channels.keys(), new.channels.keys()
    return Changes(
        tuple(sorted(now.keys() - was.keys())),
        tuple(sorted(was.keys() - now.keys())),
        tuple(sorted(kept)),
        tuple(sorted(there - here)),
        tuple(sorted(here - there)),
        tuple(sorted(name for name in here & there if old.channels[name] != new.channels[name])),
        others=_without_parts(old) != _without_parts(new),
    )


def _without_parts(config: Config) -> Config:
    return replace(config, channels={}, feeds=(), subscriptions=(), refused=(), private=frozenset(), files=())


def _routes(config: Config, feed: str) -> list[tuple[Any, ...]]:
    # Whether the source is named follows from how many feeds a channel has: that is no change of a route.
    return [
        (
            replace(subscription.channel, source=False),
            subscription.hashtags,
            subscription.include,
            subscription.exclude,
        )
        for subscription in config.subscriptions
        if subscription.feed.name == feed
    ]


def host_is_loopback(host: str) -> bool:
    """Whether pages served there can be seen from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name; what it means is the network's to say, but for this one
        return host == "localhost"
