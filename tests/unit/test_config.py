"""What feeds.yaml and the environment say reaches the records: each key, its default, and who inherits what."""

from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import render
from bot.config.feeds_yaml import ArchiveSection, BotSection, ChannelSection, FeedSection
from bot.config.reading import (
    PLACEHOLDER_CHAT,
    SAMPLE_MARK,
    Config,
    Settings,
    compare,
    host_is_loopback,
    read_config,
    read_settings,
)
from bot.errors import ConfigError
from bot.model import (
    Approval,
    Calendar,
    Channel,
    DigestPlan,
    Digits,
    Every,
    Feed,
    FeedKind,
    Length,
    Media,
    Months,
    OnEdit,
    OnUncertain,
    OnWeekdayMismatch,
    Overflow,
    Pick,
    PostButton,
    QuietHours,
    Replay,
    SameStory,
    Subscription,
    SummaryOptions,
    Then,
)
from bot.pacing import Pace
from bot.roles import OF_WORKERS, Role
from tests.mistakes import IN_ENVIRONMENT

Read = Callable[..., Config]

CHANNEL = 'channels:\n  main:\n    chat: "@example"\n'
FEED = "feeds:\n  sky:\n    url: https://example.org/feed.xml\n"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a text as feeds.yaml, beside an archive of one file."""
    (tmp_path / "blog.txt").touch()

    def read_text(text: str, *, with_token: bool = False, **environment: str) -> Config:
        path = tmp_path / "feeds.yaml"
        path.write_text(text, encoding="utf-8")
        return read_config(path, environment=environment, with_token=with_token)

    return read_text


def only(config: Config) -> Subscription:
    (subscription,) = config.subscriptions
    return subscription


# --- the smallest file ---------------------------------------------------------------------------------------


def test_the_smallest_file_works(read: Read) -> None:
    config = read("""\
channels: {main: {chat: "@mychannel", language: fa}}
feeds: {sky: {url: https://example.org/feed.xml}}
""")
    channel = Channel("main", "@mychannel", language="fa")
    feed = Feed("sky", FeedKind.HTTP, "https://example.org/feed.xml")
    assert config.channels == {"main": channel}
    assert config.feeds == (feed,)
    assert config.subscriptions == (Subscription(feed, channel, template_text=render.TEMPLATES["default"]),)
    assert (config.timezone, config.language, config.admins, config.admin_chat) == ("Asia/Tehran", "fa", (), None)
    assert (config.contact, config.on_uncertain, config.pace) == (None, OnUncertain.RESEND, Pace(28, 20))
    assert (config.refused, config.tags, config.templates) == ((), {}, render.TEMPLATES)


def test_an_empty_file_configures_nothing(read: Read) -> None:
    config = read("")
    assert (config.channels, config.feeds, config.subscriptions) == ({}, (), ())


# --- each key ------------------------------------------------------------------------------------------------

#: What is written, the field of the record, and its value there.
OF_A_CHANNEL = {
    "thread": ("12", "thread", 12),
    "language": ("en", "language", "en"),
    "only": ("[fa, de]", "only", ("fa", "de")),
    "timezone": ("Europe/Berlin", "timezone", "Europe/Berlin"),
    "calendars": ("[lunar, jalali]", "calendars", (Calendar.LUNAR, Calendar.JALALI)),
    "months": ("afghan", "months", Months.AFGHAN),
    "digits": ("latin", "digits", Digits.LATIN),
    "date": ("3", "date", "3"),
    "buttons": ("[more, read]", "buttons", (PostButton.MORE, PostButton.READ)),
    "lunar_offset": ("-1", "lunar_offset", -1),
    "template": ("compact", "template", "compact"),
    "length": ("split", "length", Length.SPLIT),
    "summary": ("{sentences: 2, max_chars: 300}", "summary", SummaryOptions(2, 300)),
    "media": ("none", "media", Media.NONE),
    "source": ("always", "source", True),
    "footer": ('"@mychannel"', "footer", "@mychannel"),
    "hashtags": ("0", "hashtags", 0),
    "silent": ("true", "silent", True),
    "paid_broadcast": ("true", "paid_broadcast", True),
    "local_time": ("true", "local_time", True),
    "quiet_hours": (
        '{hours: "23:00-7:00", days: [friday]}',
        "quiet_hours",
        (QuietHours(time(23), time(7), frozenset({4})),),
    ),
    "max_per_hour": ("6", "max_per_hour", 6),
    "approve": ("{after: 6h, then: post}", "approve", Approval(timedelta(hours=6), Then.POST)),
    "overflow": ("digest", "overflow", Overflow.DIGEST),
    "digest": (
        '{every: week, on: friday, at: "20:00", instead: true}',
        "digest",
        DigestPlan(Every.WEEK, time(20), 4, instead=True),
    ),
    "max_age": ("6h", "max_age", timedelta(hours=6)),
    "on_edit": ("edit", "on_edit", OnEdit.EDIT),
    "same_story": ("mention", "same_story", SameStory.MENTION),
    "reply_to_linked": ("false", "reply_to_linked", False),
}
OF_A_FEED = {
    "url": ("https://b.example/feed", "url", "https://b.example/feed"),
    "title": ("دفتر آسمان", "title", "دفتر آسمان"),
    "every": ("15m", "every", timedelta(minutes=15)),
    "backfill": ("all", "backfill", None),
    "headers": ("{X-Who: me}", "headers", {"X-Who": "me"}),
    "full_text": ("true", "full_text", True),
    "language": ("fa", "language", "fa"),
    "include": ("[moon, 'title:sun']", "include", ("moon", "title:sun")),
    "exclude": ("['re:a+b']", "exclude", ("re:a+b",)),
}
OF_AN_ARCHIVE = {
    "title": ("Old", "title", "Old"),
    "backfill": ("5", "backfill", 5),
    "language": ("en", "language", "en"),
    "include": ("[moon, 'title:sun']", "include", ("moon", "title:sun")),
    "exclude": ("['re:a+b']", "exclude", ("re:a+b",)),
    "on_weekday_mismatch": ("skip", "on_weekday_mismatch", OnWeekdayMismatch.SKIP),
    "replay": (
        '{at: ["21:30", "9:00"], pick: on-this-day}',
        "replay",
        Replay((time(9, 0), time(21, 30)), Pick.ON_THIS_DAY),
    ),
}
OF_THE_BOT = {
    "timezone": ("UTC", "timezone", "UTC"),
    "language": ("en", "language", "en"),
    "admins": ("[5, 6]", "admins", (5, 6)),
    "admin_chat": ("-1001234567890", "admin_chat", -1001234567890),
    "contact": ("https://example.org/about", "contact", "https://example.org/about"),
    "on_uncertain": ("hold", "on_uncertain", OnUncertain.HOLD),
    "keep": ("400d", "keep", timedelta(days=400)),
    "open": ("true", "is_open", True),
    "rate": ("5", "pace", Pace(5, 20)),
    "chat_rate": ("6", "pace", Pace(28, 6)),
}


@pytest.mark.parametrize("key", OF_A_CHANNEL)
def test_a_key_of_a_channel_reaches_its_channel_and_its_routes(key: str, read: Read) -> None:
    written, field, value = OF_A_CHANNEL[key]
    assert getattr(Channel("main", "@example"), field) != value
    config = read(f"{CHANNEL}    {key}: {written}\n{FEED}")
    assert getattr(config.channels["main"], field) == value
    assert getattr(only(config).channel, field) == value


@pytest.mark.parametrize("key", OF_A_CHANNEL)
def test_a_key_of_the_defaults_reaches_every_channel(key: str, read: Read) -> None:
    written, field, value = OF_A_CHANNEL[key]
    config = read(f"defaults:\n  {key}: {written}\n{CHANNEL}{FEED}")
    assert getattr(config.channels["main"], field) == value
    assert getattr(only(config).channel, field) == value


@pytest.mark.parametrize("key", OF_A_CHANNEL)
def test_a_key_of_a_route_reaches_that_route_alone(key: str, read: Read) -> None:
    written, field, value = OF_A_CHANNEL[key]
    config = read(f"{CHANNEL}{FEED}    to:\n      - channel: main\n        {key}: {written}\n")
    assert getattr(only(config).channel, field) == value
    assert config.channels["main"] == Channel("main", "@example")


def test_a_route_may_have_filters_of_its_own(read: Read) -> None:
    text = CHANNEL + FEED + "    include: [moon]\n    to:\n"
    plain = read(text + "      - main\n")
    with_filters = read(text + "      - {channel: main, include: [hills], exclude: ['title:sun']}\n")
    subscription = only(with_filters)
    assert (subscription.feed.include, subscription.include, subscription.exclude) == (
        ("moon",), ("hills",), ("title:sun",)
    )  # fmt: skip
    assert compare(plain, with_filters).feeds_changed == ("sky",)


@pytest.mark.parametrize("key", OF_A_FEED)
def test_a_key_of_a_feed_reaches_the_feed(key: str, read: Read) -> None:
    written, field, value = OF_A_FEED[key]
    assert getattr(read(CHANNEL + FEED).feeds[0], field) == getattr(
        Feed("sky", FeedKind.HTTP, "https://example.org/feed.xml"), field
    )
    feed = read(
        CHANNEL
        + (FEED + f"    {key}: {written}\n" if key != "url" else FEED[: FEED.index("url")] + f"url: {written}\n")
    )
    assert getattr(feed.feeds[0], field) == value
    assert getattr(only(feed).feed, field) == value


@pytest.mark.parametrize("key", OF_AN_ARCHIVE)
def test_a_key_of_an_archive_reaches_the_feed(key: str, read: Read) -> None:
    written, field, value = OF_AN_ARCHIVE[key]
    text = CHANNEL + "archives:\n  old:\n    path: blog.txt\n"
    default = Feed("old", FeedKind.ARCHIVE, str(read(text).path.with_name("blog.txt")))
    assert read(text).feeds == (default,)
    (feed,) = read(text + f"    {key}: {written}\n").feeds
    assert getattr(feed, field) == value != getattr(default, field)


@pytest.mark.parametrize("key", OF_THE_BOT)
def test_a_key_of_the_bot_reaches_the_configuration(key: str, read: Read) -> None:
    written, field, value = OF_THE_BOT[key]
    assert getattr(read(f"bot: {{{key}: {written}}}\n"), field) == value != getattr(read(""), field)


def test_no_key_of_the_form_is_without_a_test() -> None:
    assert ChannelSection.model_fields.keys() == OF_A_CHANNEL.keys()
    assert FeedSection.model_fields.keys() == OF_A_FEED.keys() | {"to", "hashtags"}
    assert ArchiveSection.model_fields.keys() == OF_AN_ARCHIVE.keys() | {"to", "hashtags", "path", "format"}
    assert BotSection.model_fields.keys() == OF_THE_BOT.keys()


@pytest.mark.parametrize(("form", "value"), [("full", "full"), ("none", "none"), ("8", "8"), ('"8"', "8")])
def test_a_date_has_a_name_or_a_number(form: str, value: str, read: Read) -> None:
    assert read(f"{CHANNEL}    date: {form}\n").channels["main"].date == value


@pytest.mark.parametrize(
    ("written", "chat"), [('"@example"', "@example"), ("-1001234567890", "-1001234567890"), ('"12345"', "12345")]
)
def test_a_chat_is_a_name_or_an_id(written: str, chat: str, read: Read) -> None:
    assert read(f"channels: {{main: {{chat: {written}}}}}").channels["main"].chat == chat


@pytest.mark.parametrize(
    ("span", "meant"), [("15m", 900), ("90 m", 5400), ("6h", 21600), ("2d", 172800), ("1w", 604800)]
)
def test_a_span_has_a_unit(span: str, meant: int, read: Read) -> None:
    assert read(f"{CHANNEL}{FEED}    every: {span}\n").feeds[0].every == timedelta(seconds=meant)


def test_a_channel_of_albums_is_told_that_albums_have_no_buttons(read: Read) -> None:
    config = read("""\
defaults: {buttons: [read]}
channels:
  one:
    chat: "@one_channel"
    media: album
  two: {chat: "@two_channel", buttons: [read], media: photo}
feeds: {}
""")
    said = "channels.one: an album can have no buttons; posts of one picture, or none, have them"
    assert [note.partition(": ")[2] for note in config.notes] == [said]
    assert "/feeds.yaml:5:5: " in config.notes[0]


def test_a_summary_may_be_off(read: Read) -> None:
    assert read(f"{CHANNEL}    summary: off\n").channels["main"].summary is None


def test_half_a_summary_keeps_the_other_default(read: Read) -> None:
    assert read(f"{CHANNEL}    summary: {{sentences: 1}}\n").channels["main"].summary == SummaryOptions(1, 600)


@pytest.mark.parametrize(("written", "count"), [("0", 0), ("3", 3), ("all", None)])
def test_backfill_is_a_number_or_all(written: str, count: int | None, read: Read) -> None:
    assert read(f"{CHANNEL}{FEED}    backfill: {written}\n").feeds[0].backfill == count


def test_a_language_that_is_auto_is_found_post_by_post(read: Read) -> None:
    assert read(f"{CHANNEL}{FEED}    language: auto\n").feeds[0].language is None


@pytest.mark.parametrize("kind", ["feed", "archive"])
def test_fixed_hashtags_reach_the_route(kind: str, read: Read) -> None:
    source = FEED if kind == "feed" else "archives:\n  old:\n    path: blog.txt\n"
    assert only(read(CHANNEL + source)).hashtags == ()
    assert only(read(CHANNEL + source + '    hashtags: [moon, "#sky"]\n')).hashtags == ("moon", "#sky")


def test_a_template_of_ones_own_reaches_its_routes(read: Read) -> None:
    config = read(f"{CHANNEL}    template: mine\n{FEED}templates:\n  mine: '{{{{ title }}}}'\n")
    assert only(config).template_text == "{{ title }}" == config.template(config.channels["main"])
    assert config.templates == {**render.TEMPLATES, "mine": "{{ title }}"}


def test_a_shipped_template_can_be_replaced(read: Read) -> None:
    config = read(f"{CHANNEL}{FEED}templates:\n  default: '{{{{ link }}}}'\n")
    assert only(config).template_text == "{{ link }}"


def test_pairs_of_hashtags_and_the_bots_zone_reach_every_route(read: Read) -> None:
    config = read("bot: {timezone: UTC}\ntags: {تاریخ: History}\n" + CHANNEL + "    timezone: Europe/Berlin\n" + FEED)
    assert only(config).tags == {"تاریخ": "History"} == config.tags
    assert only(config).home_timezone == "UTC"
    assert only(config).channel.timezone == "Europe/Berlin"


@pytest.mark.parametrize("name", ["timezone", "language"])
def test_channels_inherit_zone_and_language_from_the_bot(name: str, read: Read) -> None:
    value = {"timezone": "UTC", "language": "en"}[name]
    assert getattr(read(f"bot: {{{name}: {value}}}\n{CHANNEL}").channels["main"], name) == value


def test_an_archives_path_is_relative_to_the_file(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    config = read(CHANNEL + "archives:\n  old:\n    path: '*.txt'\n    format: dated-text\n")
    assert config.feeds[0].url == str(tmp_path / "*.txt")


def test_a_folder_with_brackets_in_its_name_is_no_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "posts [1]"
    folder.mkdir()
    (folder / "blog.txt").touch()
    (folder / "feeds.yaml").write_text(CHANNEL + "archives:\n  old:\n    path: '*.txt'\n")
    assert read_config(folder / "feeds.yaml", environment={}, with_token=False).feeds


def test_the_environment_fills_variables_in_texts_and_numbers(read: Read) -> None:
    config = read(
        "bot: {admins: ['${ME}']}\n" + CHANNEL + FEED + '    headers: {Authorization: "Bearer ${SKY_KEY}"}\n',
        ME="77",
        SKY_KEY="abc",
    )
    assert config.admins == (77,)
    assert config.feeds[0].headers == {"Authorization": "Bearer abc"}


# --- who inherits --------------------------------------------------------------------------------------------


def test_a_feed_whose_address_holds_a_variable_is_known_as_private(read: Read) -> None:
    keyed = "  keyed:\n    url: https://keyed.example/feed?key=${KEY}\n"
    assert read(CHANNEL + FEED + keyed, KEY="s3cret").private == {"keyed"}


def test_a_channel_wins_over_the_defaults_and_a_route_over_both(read: Read) -> None:
    config = read("""\
defaults: {template: compact, digits: latin, hashtags: 1}
channels:
  main: {chat: "@example", digits: fa, hashtags: 2}
  other: {chat: "@other"}
feeds:
  sky:
    url: https://example.org/feed.xml
    to: [{channel: main, hashtags: 5}, other]
""")
    main, other = config.subscriptions
    assert (main.channel.template, main.channel.digits, main.channel.hashtags) == ("compact", Digits.FA, 5)
    assert main.template_text == render.TEMPLATES["compact"]
    assert (other.channel.template, other.channel.digits, other.channel.hashtags) == ("compact", Digits.LATIN, 1)
    assert config.channels["main"].hashtags == 2


def test_a_default_that_is_written_out_wins_too(read: Read) -> None:
    config = read(
        'defaults: {hashtags: 7, summary: off}\nchannels: {main: {chat: "@example", hashtags: 3, summary: {}}}'
    )
    assert (config.channels["main"].hashtags, config.channels["main"].summary) == (3, SummaryOptions())


def test_one_channel_need_not_be_named(read: Read) -> None:
    assert only(read(CHANNEL + FEED)).channel.name == "main"


def test_an_empty_to_is_for_subscribers_only(read: Read) -> None:
    config = read(CHANNEL + FEED + "    to: []\n")
    assert (len(config.feeds), config.subscriptions) == (1, ())


def test_two_names_may_share_an_address(read: Read) -> None:
    config = read(CHANNEL + FEED + "    language: fa\n  moon:\n    url: https://example.org/feed.xml\n")
    assert [(route.feed.name, route.feed.language) for route in config.subscriptions] == [("sky", "fa"), ("moon", None)]


SECOND = "  moon:\n    url: https://example.org/moon.xml\n"


def sources(config: Config) -> list[bool]:
    return [subscription.channel.source for subscription in config.subscriptions]


@pytest.mark.parametrize(
    ("keys", "plan"),
    [
        ("digest: {}", DigestPlan(Every.WEEK, time(9), 5)),
        ("digest: {every: week}\n    calendars: [gregorian, jalali]", DigestPlan(Every.WEEK, time(9), 0)),
        ("digest: {every: day, on: friday}", DigestPlan(Every.DAY, time(9), 0)),
        ("digest: off", None),
    ],
    ids=["saturday-of-the-jalali-week", "monday-elsewhere", "a-day-has-no-weekday", "off"],
)
def test_a_digest_comes_on_the_first_day_of_the_week(keys: str, plan: DigestPlan | None, read: Read) -> None:
    assert read(f"{CHANNEL}    {keys}\n").channels["main"].digest == plan


@pytest.mark.parametrize(("written", "plan"), [("true", Approval()), ("false", None), ("{}", Approval())])
def test_approval_may_wait_for_ever(written: str, plan: Approval | None, read: Read) -> None:
    assert read(f"{CHANNEL}    approve: {written}\n").channels["main"].approve == plan


def test_a_budget_of_a_route_is_its_own(read: Read) -> None:
    config = read(
        f"{CHANNEL}    max_per_hour: 6\nfeeds:\n  sky: {{url: https://a.example/}}\n"
        "  sea: {url: https://b.example/, to: [{channel: main, max_per_hour: off}]}\n"
    )
    found = {each.feed.name: (each.channel.max_per_hour, each.has_own_budget) for each in config.subscriptions}
    assert found == {"sky": (6, False), "sea": (None, True)}


def test_the_source_is_named_from_two_feeds_on(read: Read) -> None:
    assert sources(read(CHANNEL + FEED)) == [False]
    assert sources(read(CHANNEL + FEED + SECOND)) == [True, True]
    assert sources(read(CHANNEL + FEED + "archives:\n  old:\n    path: blog.txt\n")) == [True, True]


def test_a_feed_of_another_channel_does_not_count(read: Read) -> None:
    two = CHANNEL + '  other:\n    chat: "@other"\n' + FEED + "    to: [main]\n" + SECOND + "    to: [other]\n"
    assert sources(read(two)) == [False, False]


def test_the_source_is_named_as_written(read: Read) -> None:
    assert sources(read(CHANNEL + "    source: never\n" + FEED + SECOND)) == [False, False]
    assert sources(read(CHANNEL + "    source: always\n" + FEED)) == [True]
    route = "    to: [{channel: main, source: never}]\n"
    assert sources(read(CHANNEL + FEED + route + SECOND)) == [False, True]


def test_the_first_admin_gets_the_reports(read: Read) -> None:
    assert read("bot: {admins: [5, 6]}").admin_chat == 5
    assert read("bot: {admins: [5, 6], admin_chat: -100777}").admin_chat == -100777


# --- samples -------------------------------------------------------------------------------------------------

SAMPLE = f"""\
channels:
  main: {{chat: "{PLACEHOLDER_CHAT}"}}
  real: {{chat: "@example"}}
feeds:
  sky: {{url: https://example.org/feed.xml, to: [main, real]}}
archives:
  old: {{path: samples/*.txt, to: [real]}}
"""


@pytest.fixture
def sample_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "samples"
    folder.mkdir()
    (folder / "posts.txt").touch()
    (folder / SAMPLE_MARK).touch()
    return folder


def test_without_a_token_the_sample_fills_the_preview(read: Read, sample_folder: Path) -> None:
    config = read(SAMPLE)
    assert [(route.feed.name, route.channel.name) for route in config.subscriptions] == [
        ("sky", "main"),
        ("sky", "real"),
        ("old", "real"),
    ]
    assert config.refused == ()


def test_with_a_token_the_sample_reaches_nobody(read: Read, sample_folder: Path) -> None:
    config = read(SAMPLE, with_token=True)
    assert [(route.feed.name, route.channel.name) for route in config.subscriptions] == [("sky", "real")]
    assert [feed.name for feed in config.feeds] == ["sky", "old"]
    assert config.refused == (
        f"{config.path}:2:16: @your_channel is the sample's placeholder; write your channel's @name there",
        f"{config.path}:7:3: archives.old is the sample, which is not sent to a real chat; remove it, or the token",
    )


def test_names_of_chats_have_no_case(read: Read) -> None:
    assert read(CHANNEL.replace("@example", "@Your_Channel") + FEED, with_token=True).subscriptions == ()


def test_an_archive_of_ones_own_is_sent(read: Read, sample_folder: Path) -> None:
    (sample_folder / SAMPLE_MARK).unlink()
    config = read(SAMPLE.replace(PLACEHOLDER_CHAT, "@mine"), with_token=True)
    assert (len(config.subscriptions), config.refused) == (3, ())


def test_the_projects_own_file_is_a_sample() -> None:
    root = Path(__file__).parents[2]
    path = root / "feeds.yaml"
    assert read_config(path, environment={}, with_token=False).subscriptions
    config = read_config(path, environment={}, with_token=True)
    assert config.subscriptions == ()
    assert len(config.refused) == 2


# --- the environment -----------------------------------------------------------------------------------------

#: What is written, the field, and its value there.
ENVIRONMENT: dict[str, tuple[str, str, Any]] = {
    "TELEGRAM_BOT_TOKEN": ("123:abc_DEF-9", "token", "123:abc_DEF-9"),
    "TELEGRAM_API_URL": ("http://127.0.0.1:8081", "api_url", "http://127.0.0.1:8081"),
    "DATABASE_URL": (
        "postgresql://me:pa:ss@[::1]:5432/q?x=y",
        "database_url",
        "postgresql://me:pa:ss@[::1]:5432/q?x=y",
    ),
    "QASEDAK_CONFIG": ("other.yaml", "config", "other.yaml"),
    "QASEDAK_HTTP_HOST": ("::1", "http_host", "::1"),
    "QASEDAK_HTTP_PORT": ("0", "http_port", 0),
    "QASEDAK_HTTP_TOKEN": ("open sesame", "http_token", "open sesame"),
    "QASEDAK_WEBHOOK_URL": ("https://b.example/telegram", "webhook_url", "https://b.example/telegram"),
    "QASEDAK_WEBHOOK_SECRET": ("s3cret-of-sixteen", "webhook_secret", "s3cret-of-sixteen"),
    "QASEDAK_PING_URL": ("https://hc.example/ping", "ping_url", "https://hc.example/ping"),
    "QASEDAK_HOST_SPACING": ("0.25", "host_spacing", 0.25),
    "QASEDAK_ALLOW_PRIVATE_NETWORKS": ("1", "allow_private_networks", True),
    "QASEDAK_ROLES": ("poll, web", "role_names", "poll, web"),
    "QASEDAK_LOG": ("json", "log_format", "json"),
    "QASEDAK_LOG_LEVEL": ("DEBUG", "log_level", "DEBUG"),
}
DEFAULTS = {
    "token": None,
    "api_url": "https://api.telegram.org",
    "database_url": "sqlite:///var/qasedak.db",
    "config": "feeds.yaml",
    "http_host": "127.0.0.1",
    "http_port": 8080,
    "http_token": None,
    "webhook_url": None,
    "webhook_secret": None,
    "ping_url": None,
    "host_spacing": 1.0,
    "allow_private_networks": False,
    "role_names": None,
    "log_format": None,
    "log_level": None,
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_an_environment_the_defaults_hold(here: Path) -> None:
    assert read_settings().model_dump() == DEFAULTS


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_each_name_is_read(name: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written, field, value = ENVIRONMENT[name]
    monkeypatch.setenv(name, written)
    partner = _partner(name)
    for other, (its_own, _field, _value) in partner.items():
        monkeypatch.setenv(other, its_own)
    assert read_settings().model_dump() == DEFAULTS | {field: value} | {key: its for _, key, its in partner.values()}


def _partner(name: str) -> dict[str, tuple[str, str, Any]]:
    """What a setting must not be without."""
    names = {"QASEDAK_WEBHOOK_URL", "QASEDAK_WEBHOOK_SECRET"}
    return {other: ENVIRONMENT[other] for other in names - {name}} if name in names else {}


@pytest.mark.parametrize("name", [name for name in ENVIRONMENT if name != "QASEDAK_CONFIG"])
def test_each_name_is_read_from_the_file_beside_feeds_yaml(
    name: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, field, value = ENVIRONMENT[name]
    (here / "bot").mkdir()
    partner = _partner(name)
    lines = [f"{name}={written}", *(f"{other}={its_own}" for other, (its_own, _, _) in partner.items())]
    (here / "bot" / ".env").write_text("\n".join(lines))
    (here / ".env").write_text("QASEDAK_HTTP_PORT=1\nQASEDAK_LOG=console\n")
    monkeypatch.setenv("QASEDAK_CONFIG", "bot/feeds.yaml")
    expected = {"config": "bot/feeds.yaml", field: value} | {key: its for _, key, its in partner.values()}
    assert read_settings().model_dump() == DEFAULTS | expected


def test_secrets_are_not_shown_with_the_settings() -> None:
    settings = Settings(token="1:s3cret", database_url="postgresql://me:s3cret@host/q", http_token="s3cret")
    assert "s3cret" not in f"{settings!r} {settings}"


def test_no_setting_is_without_a_test() -> None:
    assert (
        {field for _written, field, _value in ENVIRONMENT.values()} == Settings.model_fields.keys() == DEFAULTS.keys()
    )


def test_the_environment_wins_over_the_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / ".env").write_text("QASEDAK_HTTP_PORT=1\nQASEDAK_LOG=json\nSKY_KEY=file\nMOON_KEY=file\n")
    monkeypatch.setenv("QASEDAK_HTTP_PORT", "2")
    monkeypatch.setenv("SKY_KEY", "environment")
    settings = read_settings()
    assert (settings.http_port, settings.log_format) == (2, "json")
    assert (settings.variables()["SKY_KEY"], settings.variables()["MOON_KEY"]) == ("environment", "file")


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_an_empty_value_counts_as_not_set(name: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "")
    assert read_settings().model_dump() == DEFAULTS
    assert name not in read_settings().variables()


def test_an_empty_value_lets_the_file_speak(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / ".env").write_text("QASEDAK_HTTP_PORT=1\nQASEDAK_LOG=\nSKY_KEY=file\n")
    monkeypatch.setenv("QASEDAK_HTTP_PORT", "")
    monkeypatch.setenv("SKY_KEY", "")
    settings = read_settings()
    assert (settings.http_port, settings.log_format, settings.variables()["SKY_KEY"]) == (1, None, "file")


@pytest.mark.parametrize(("variables", "problem"), IN_ENVIRONMENT)
@pytest.mark.parametrize("where", ["environment", "file"])
def test_a_wrong_value_is_refused_and_never_repeated(
    where: str, variables: dict[str, str], problem: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "environment":
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
    else:
        (here / ".env").write_text("".join(f'{name}="{value}"\n' for name, value in variables.items()))
    with pytest.raises(ConfigError) as caught:
        read_settings()
    assert caught.value.problems == [problem]
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_every_wrong_value_is_told_at_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QASEDAK_HTTP_PORT", "x")
    monkeypatch.setenv("QASEDAK_LOG", "x")
    monkeypatch.setenv("QASEDAK_ROLES", "x")
    with pytest.raises(ConfigError) as caught:
        read_settings()
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "QASEDAK_HTTP_PORT",
        "QASEDAK_ROLES",
        "QASEDAK_LOG",
    ]


@pytest.mark.parametrize(
    ("written", "roles"),
    [
        (None, OF_WORKERS),
        ("answer", {Role.ANSWER}),
        ("poll,deliver", {Role.POLL, Role.DELIVER}),
        (" web  answer, poll ", {Role.WEB, Role.ANSWER, Role.POLL}),
    ],
)
def test_a_process_has_the_roles_that_are_named_or_those_of_its_command(
    written: str | None, roles: set[Role], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if written:
        monkeypatch.setenv("QASEDAK_ROLES", written)
    settings = read_settings()
    assert settings.roles(OF_WORKERS) == roles
    assert settings.roles() == (roles if written else set(Role))


def test_a_file_that_is_no_text_is_refused(here: Path) -> None:
    (here / ".env").write_bytes(b"TELEGRAM_BOT_TOKEN=\xff\xfe\n")
    with pytest.raises(ConfigError, match=r"^\.env: is not UTF-8 text; save it as UTF-8$"):
        read_settings()


def test_a_folder_called_env_is_no_file(here: Path) -> None:
    (here / ".env").mkdir()
    assert read_settings().model_dump() == DEFAULTS


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("127.example.org", False),
        ("0.0.0.0", False),
        ("::", False),
    ],
)
def test_only_this_machine_sees_loopback(host: str, is_loopback: bool) -> None:
    assert host_is_loopback(host) is is_loopback


def test_an_archive_that_is_published_whole_has_nothing_to_replay(read: Read) -> None:
    archive = 'archives:\n  old:\n    path: blog.txt\n    backfill: all\n    replay: {at: ["9:00"]}\n'
    with pytest.raises(ConfigError, match=r"feeds\.yaml:8:5: archives\.old has backfill: all and replay"):
        read(CHANNEL + archive)
