"""Read the environment and feeds.yaml into frozen records, or say everything that is wrong with them, and where.

Only ``app.py`` and ``cli.py`` import this; everybody else is handed the records of ``model.py``. It opens the
configuration files and looks at which archive files exist; it opens no database and no connection.
"""

import glob
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot import render
from bot.errors import ConfigError
from bot.feeds_yaml import ArchiveSection, ChannelSection, Document, FeedSection, RouteSection, explain, suggest
from bot.model import Channel, Feed, FeedKind, Language, OnUncertain, Subscription, SummaryOptions
from bot.pacing import Pace
from bot.yaml_file import Place, YamlFile

#: The chat of the sample feeds.yaml; nothing is ever sent there.
PLACEHOLDER_CHAT = "@your_channel"
#: A folder with this file in it holds sample posts; they never reach a real chat.
SAMPLE_MARK = ".qasedak-sample"
#: Names of the contract that this version does not read yet: refused, since a setting that does nothing is a lie.
NOT_YET = ("QASEDAK_ROLES", "QASEDAK_WEBHOOK_URL", "QASEDAK_WEBHOOK_SECRET", "QASEDAK_PING_URL")


class Settings(BaseSettings):
    """The environment, as CONTRACT names it; a ``.env`` beside feeds.yaml fills what is not set."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, populate_by_name=True)

    token: str | None = Field(None, validation_alias="TELEGRAM_BOT_TOKEN")
    api_url: str = Field("https://api.telegram.org", validation_alias="TELEGRAM_API_URL")
    database_url: str = Field("sqlite:///var/qasedak.db", validation_alias="DATABASE_URL")
    config: str = Field("feeds.yaml", validation_alias="QASEDAK_CONFIG")
    http_host: str = Field("127.0.0.1", validation_alias="QASEDAK_HTTP_HOST")
    http_port: int = Field(8080, ge=0, le=65535, validation_alias="QASEDAK_HTTP_PORT")
    http_token: str | None = Field(None, validation_alias="QASEDAK_HTTP_TOKEN")
    host_spacing: float = Field(1.0, ge=0, validation_alias="QASEDAK_HOST_SPACING")
    allow_private_networks: bool = Field(False, validation_alias="QASEDAK_ALLOW_PRIVATE_NETWORKS")
    log_format: str | None = Field(None, pattern="^(json|console)$", validation_alias="QASEDAK_LOG")
    log_level: str | None = Field(None, pattern="^(?i:debug|info|warning|error)$", validation_alias="QASEDAK_LOG_LEVEL")

    def variables(self) -> dict[str, str]:
        """What ``${NAME}`` in feeds.yaml may name: the environment, and ``.env`` beside the file."""
        beside = Path(self.config).parent / ".env"
        written = dotenv_values(beside) if beside.is_file() else {}
        return {**{name: value for name, value in written.items() if value is not None}, **os.environ}

    @field_validator("token")
    @classmethod
    def _token_has_its_form(cls, token: str | None) -> str | None:
        if token is not None and not re.fullmatch(r"\d+:[A-Za-z0-9_-]+", token):
            raise ValueError("does not look like a token (123456:ABC-DEF...); copy it anew from @BotFather")
        return token


def read_settings() -> Settings:
    """Read the environment.

    Raises: ConfigError, never with a value in it: values may be secrets.
    """
    unknown = [name for name in NOT_YET if os.environ.get(name)]
    if unknown:
        raise ConfigError(
            [f"{name}: not known to this version yet; remove it from the environment" for name in unknown]
        )
    beside = Path(os.environ.get("QASEDAK_CONFIG") or "feeds.yaml").parent / ".env"
    try:
        return Settings(_env_file=beside if beside.is_file() else None)
    except ValidationError as error:
        names = {name: part.validation_alias for name, part in Settings.model_fields.items()}
        raise ConfigError(
            [
                f"{names.get(str(problem['loc'][0]), problem['loc'][0])}: "
                + problem["msg"].removeprefix("Value error, ")
                + "; correct the environment or .env"
                for problem in error.errors()
            ]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{beside}: cannot be read ({error}); give this user the right to it") from error


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
    pace: Pace = field(default_factory=Pace)
    channels: Mapping[str, Channel] = field(default_factory=dict)
    feeds: tuple[Feed, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    refused: tuple[str, ...] = ()  #: what is not sent although it is configured, and why

    templates: Mapping[str, str] = field(default_factory=lambda: render.TEMPLATES)

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
    file = YamlFile.open(path, environment)
    problems = list(file.problems)
    try:
        document = Document.model_validate(file.values)
    except ValidationError as error:
        raise ConfigError(_in_order(problems + explain(error, file))) from None
    problems += _check(document, file)
    if problems:
        raise ConfigError(_in_order(problems))
    return _build(document, file, path, with_token=with_token)


def _in_order(problems: list[tuple[Place, str]]) -> list[str]:
    unique = dict.fromkeys(sorted(problems, key=lambda problem: problem[0].sort_key))
    return [f"{place}: {what}" for place, what in unique]


def _check(document: Document, file: YamlFile) -> list[tuple[Place, str]]:
    """What no single key can know: names that must exist, names that must differ, files that must be there."""
    return [
        *_check_names(document, file),
        *_check_routes(document, file),
        *_check_archives(document, file),
        *_check_templates(document, file),
    ]


def _check_names(document: Document, file: YamlFile) -> Iterator[tuple[Place, str]]:
    for name in document.feeds.keys() & document.archives.keys():
        yield file.key(("archives", name)), f"'{name}' names a feed and an archive; rename one of them"


def _check_routes(document: Document, file: YamlFile) -> Iterator[tuple[Place, str]]:
    sources: list[tuple[str, str, FeedSection | ArchiveSection]] = [
        *(("feeds", name, section) for name, section in document.feeds.items()),
        *(("archives", name, section) for name, section in document.archives.items()),
    ]
    for kind, name, section in sources:
        if section.to is None:
            if len(document.channels) > 1:
                yield (
                    file.key((kind, name)),
                    f"{kind}.{name} does not say where to; add `to: [{next(iter(document.channels))}]`",
                )
            continue
        for place, item in enumerate(section.to):
            wanted = item if isinstance(item, str) else item.channel
            if wanted not in document.channels:
                yield (
                    file.value((kind, name, "to", place)),
                    f"unknown channel '{wanted}' in {kind}.{name}.to" + suggest(wanted, document.channels),
                )


def _check_archives(document: Document, file: YamlFile) -> Iterator[tuple[Place, str]]:
    for name, section in document.archives.items():
        pattern = _pattern(file.path, section.path)
        if not glob.glob(pattern, recursive=True) and not os.path.exists(pattern):
            yield (
                file.value(("archives", name, "path")),
                f"no file matches {section.path!r} of archives.{name}; it is relative to {file.path.name}",
            )


def _check_templates(document: Document, file: YamlFile) -> Iterator[tuple[Place, str]]:
    for name, text in document.templates.items():
        for problem in render.check_template(text):
            yield file.line_of_block(("templates", name), problem.line), f"{problem.message} in templates.{name}"
    known = {*document.templates, *render.TEMPLATES}
    places: list[tuple[tuple[str | int, ...], ChannelSection]] = [(("defaults",), document.defaults)]
    places += [(("channels", name), section) for name, section in document.channels.items()]
    for kind, sections in (("feeds", document.feeds), ("archives", document.archives)):
        for name, source in sections.items():
            places += [
                ((kind, name, "to", index), item)
                for index, item in enumerate(source.to or ())
                if isinstance(item, RouteSection)
            ]
    for path, section in places:
        if section.template is not None and section.template not in known:
            yield (
                file.value((*path, "template")),
                f"unknown template '{section.template}'" + suggest(section.template, known),
            )


def _pattern(path: Path, relative: str) -> str:
    return os.path.join(os.path.abspath(path.parent), os.path.expanduser(relative))


# --- from sections to records --------------------------------------------------------------------------------


def _build(document: Document, file: YamlFile, path: Path, *, with_token: bool) -> Config:
    bot = document.bot
    channels = {
        name: _channel(name, _merge(document.defaults, section), document, chat=section.chat)
        for name, section in document.channels.items()
    }
    feeds = [
        *(_http_feed(name, section) for name, section in document.feeds.items()),
        *(_archive_feed(name, section, path) for name, section in document.archives.items()),
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
        pace=Pace(bot.rate, bot.chat_rate),
        channels=channels,
        feeds=tuple(feeds),
        subscriptions=tuple(allowed),
        refused=tuple(refused),
        templates={**render.TEMPLATES, **document.templates},
    )


def _merge(*sections: ChannelSection) -> dict[str, Any]:
    """Later sections win; only keys that were written count."""
    merged: dict[str, Any] = {}
    for section in sections:
        merged |= {name: getattr(section, name) for name in section.model_fields_set}
    return merged


def _channel(name: str, written: Mapping[str, Any], document: Document, *, chat: str) -> Channel:
    values = {key: value for key, value in written.items() if key not in ("chat", "channel", "summary", "source")}
    if "calendars" in values:
        values["calendars"] = tuple(values["calendars"])
    if "only" in values:
        values["only"] = tuple(values["only"])
    summary = written.get("summary", "unwritten")
    return Channel(
        **{"timezone": document.bot.timezone, "language": document.bot.language, **values},
        name=name,
        chat=chat,
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
        backfill=section.backfill_count,
        headers=section.headers,
        language=None if section.language == "auto" else section.language,
    )


def _archive_feed(name: str, section: ArchiveSection, path: Path) -> Feed:
    return Feed(
        name=name,
        kind=FeedKind.ARCHIVE,
        url=_pattern(path, section.path),
        title=section.title,
        backfill=section.backfill_count,
        language=None if section.language == "auto" else section.language,
        on_weekday_mismatch=section.on_weekday_mismatch,
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
            template_text={**render.TEMPLATES, **document.templates}[channel.template],
            tags=document.tags,
            home_timezone=document.bot.timezone,
        )


def _channel_name(item: str | RouteSection) -> str:
    return item if isinstance(item, str) else item.channel


def _refuse_samples(subscriptions: list[Subscription], file: YamlFile) -> tuple[list[Subscription], list[str]]:
    """Take out what must never reach a real chat (PRODUCT 1.1), and say so once each."""
    allowed: list[Subscription] = []
    refused: dict[str, None] = {}
    for subscription in subscriptions:
        channel, feed = subscription.channel, subscription.feed
        if channel.chat == PLACEHOLDER_CHAT:
            place = file.value(("channels", channel.name, "chat"))
            refused[f"{place}: {PLACEHOLDER_CHAT} is the sample's placeholder; write your channel's @name there"] = None
        elif is_sample(feed):
            place = file.key(("archives", feed.name))
            refused[
                f"{place}: archives.{feed.name} is the sample; it is not sent to a real chat. Remove it from the file"
            ] = None
        else:
            allowed.append(subscription)
    return allowed, list(refused)


def is_sample(feed: Feed) -> bool:
    """Whether a feed is the archive that ships with the project."""
    if feed.kind is not FeedKind.ARCHIVE:
        return False
    folders = {Path(name).parent for name in glob.glob(feed.url, recursive=True)}
    return any((folder / SAMPLE_MARK).exists() for folder in folders)


def host_is_loopback(host: str) -> bool:
    """Whether pages served there can be seen from this machine only."""
    return host in ("localhost", "::1") or host.startswith("127.")


def display_database(url: str) -> str:
    """The database's address without its password."""
    return re.sub(r"(://[^:/@]+):[^@/]+@", r"\1:***@", url) if urlsplit(url).password else url
