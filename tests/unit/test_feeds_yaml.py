"""Mistakes in feeds.yaml: each said in one line, at its place, with what to do; all of them at once."""

import re
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import feeds_yaml
from bot.config import Config, read_config
from bot.errors import ConfigError
from bot.yaml_file import MAX_ALIASES, YamlFile

Problems = Callable[..., list[str]]

CHANNEL = 'channels:\n  main:\n    chat: "@example"\n'  #: the next line is 4
FEED = "feeds:\n  sky:\n    url: https://example.org/feed.xml\n"
BOTH = CHANNEL + FEED  #: the next line is 7
ARCHIVE = CHANNEL + "archives:\n  old:\n    path: blog.txt\n"  #: the next line is 7


@pytest.fixture
def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Problems:
    """Read a file called feeds.yaml and tell what is wrong with it."""
    monkeypatch.chdir(tmp_path)
    Path("blog.txt").touch()

    def read(text: str | bytes, **environment: str) -> list[str]:
        Path("feeds.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
        try:
            read_config(Path("feeds.yaml"), environment=environment, with_token=False)
        except ConfigError as error:
            return error.problems
        return []

    return read


# --- one line for each mistake -------------------------------------------------------------------------------


def case(name: str, *values: object) -> Any:
    return pytest.param(*values, id=name)


# What is said more than once. In what is said, "…" is the section.
CHAT = 'must be "@name", in quotes, or a numeric id such as -1001234567890'
WEB = "must be a whole address that begins with http:// or https://"
SUMMARY = "must be off, or keys and values such as {sentences: 3, max_chars: 600}"
HOURS, WHOLE_DAY = 'must be hours such as "23:00-07:00", in quotes', 'a whole day is "00:00-24:00"'
COMMA = "the Persian comma (،) does not separate items; write a plain one (,)"

#: The fourth line of a file, below ``chat``.
IN_CHANNEL = [
    case("channel", "langauge: fa", 5, "unknown key 'langauge' under …; did you mean 'language'?"),
    case("summary", "summary: {sentence: 2}", 15, "unknown key 'sentence' under ….summary; did you mean 'sentences'?"),
    case("word-for-a-number", "hashtags: many", 15, "….hashtags must be a whole number, not 'many'"),
    case("persian-digits", "hashtags: ۳", 15, "….hashtags must be a whole number, not '۳'"),
    case("fraction-for-a-number", "hashtags: 1.5", 15, "….hashtags must be a whole number, not 1.5"),
    case("switch-for-a-number", "hashtags: true", 15, "….hashtags must be a whole number, not true"),
    case("offset", "lunar_offset: -2", 19, "….lunar_offset must be -1 or more, not -2"),
    case("thread", "thread: 0", 13, "….thread must be 1 or more, not 0"),
    case("switch", "silent: yes", 13, "….silent must be true or false, not 'yes'"),
    case("list-is-text", "only: fa", 11, "….only must be a list, not 'fa'; write [fa]"),
    case("list-is-text-with-commas", "only: fa، en", 11, "….only must be a list, not 'fa، en'; write [fa, en]"),
    case("language", "language: farsi", 15, "….language must be fa or en, not 'farsi'"),
    case("language-in-a-list", "only: [fa, Farsi]", 16, "….only must be a code such as fa or en, not 'Farsi'"),
    case(
        "zone-is-a-folder", "timezone: Asia", 15, "….timezone must be an IANA time zone such as Asia/Tehran, not 'Asia'"
    ),
    case("calendar", "calendars: [persian]", 17, "….calendars must be jalali, gregorian or lunar, not 'persian'"),
    case("calendar-twice", "calendars: [jalali, jalali]", 16, "….calendars must name each calendar once"),
    case("no-calendar", "calendars: []", 16, "….calendars must not be empty"),
    case("months", "months: persian", 13, "….months must be iranian, afghan or kurdish, not 'persian'"),
    case("digits", "digits: arabic", 13, "….digits must be auto, fa or latin, not 'arabic'"),
    case("date", "date: 9", 11, "….date must be full, compact, time, none, or a number from 1 to 8, not 9"),
    case("button-twice", "buttons: [read, read]", 14, "….buttons must name each button once"),
    case("button", "buttons: [like]", 15, "….buttons must be read, share, subscribe or more, not 'like'"),
    case("media", "media: film", 12, "….media must be preview, photo, album or none, not 'film'"),
    case("source", "source: true", 13, "….source must be auto, always or never, not true"),
    case("summary-is-a-word", "summary: none", 14, f"….summary {SUMMARY}, not 'none'"),
    case("summary-is-a-number", "summary: 3", 14, f"….summary {SUMMARY}, not 3"),
    case("sentences", "summary: {sentences: 99}", 26, "….summary.sentences must be 20 or less, not 99"),
    case("age", "max_age: 30", 14, "….max_age must be a span such as 30m, 6h or 30d, not 30"),
    case("age-without-end", "max_age: 999999w", 14, "….max_age must be 36525d or less, not '999999w'"),
    case("hours", "quiet_hours: night", 18, f"….quiet_hours {HOURS}, not 'night'; {WHOLE_DAY}"),
    case(
        "hours-of-no-length", 'quiet_hours: "7:00-07:00"', 18, f"….quiet_hours {HOURS}, not '7:00-07:00'; {WHOLE_DAY}"
    ),
    case("hours-in-a-list", 'quiet_hours: ["23-7"]', 19, f"….quiet_hours {HOURS}, not '23-7'; {WHOLE_DAY}"),
    case(
        "hours-are-a-number",
        "quiet_hours: 23",
        18,
        '….quiet_hours must be hours such as "23:00-07:00", or keys and values such as {hours: "23:00-07:00"}, not 23',
    ),
    case(
        "day-of-hours",
        'quiet_hours: {hours: "23:00-07:00", days: [fri]}',
        48,
        "….quiet_hours.days must be monday, tuesday, wednesday, thursday, friday, saturday or sunday, not 'fri'",
    ),
    case(
        "key-of-hours",
        'quiet_hours: {hours: "23:00-07:00", day: [friday]}',
        41,
        "unknown key 'day' under ….quiet_hours; did you mean 'days'?",
    ),
    case(
        "hours-without-end",
        'quiet_hours: ["06:00-18:00", "18:00-06:00"]',
        18,
        "….quiet_hours must leave some time of the week for posts",
    ),
    case("budget", "max_per_hour: 0", 19, "….max_per_hour must be off, or a number of posts from 1 to 1000, not 0"),
    case(
        "approve",
        "approve: maybe",
        14,
        "….approve must be true or false, or keys and values such as {after: 6h, then: skip}, not 'maybe'",
    ),
    case("approve-then", "approve: {then: wait}", 21, "….approve.then must be skip or post, not 'wait'"),
    case("key-of-approve", "approve: {afer: 6h}", 15, "unknown key 'afer' under ….approve; did you mean 'after'?"),
    case("overflow", "overflow: drop", 15, "….overflow must be wait or digest, not 'drop'"),
    case(
        "digest",
        "digest: weekly",
        13,
        "….digest must be off, or keys and values such as {every: week, on: saturday, at: \"09:00\"}, not 'weekly'",
    ),
    case("digest-every", "digest: {every: month}", 21, "….digest.every must be day or week, not 'month'"),
    case("key-of-digest", "digest: {evry: day}", 14, "unknown key 'evry' under ….digest; did you mean 'every'?"),
    case("template", "template: compat", 15, "unknown template 'compat'; did you mean 'compact'?"),
    case("unquoted-footer", "footer: #sky", 13, 'put quotes round it: "#sky"'),
    case("persian-comma-in-a-list", "calendars: [jalali، gregorian]", 23, COMMA),
]
#: The seventh line, below ``url``.
IN_FEED = [
    case("feed", "evry: 30m", 5, "unknown key 'evry' under …; did you mean 'every'?"),
    case(
        "route",
        "to: [{channel: main, templat: compact}]",
        26,
        "unknown key 'templat' under ….to; did you mean 'template'?",
    ),
    case("route-without-channel", "to: [{template: compact}]", 10, "'channel' is missing under ….to; add it"),
    case("key-is-empty", "every:", 5, "….every has no value; write one, or remove this"),
    case("optional-key-is-empty", "title:", 5, "….title has no value; write one, or remove this"),
    case("text-is-a-number", "title: 1984", 12, "….title must be text, not 1984; put quotes round it"),
    case("text-is-long", f"title: {'x' * 201}", 12, "….title must not be longer than 200 characters"),
    case(
        "to-is-a-mapping",
        "to: {channel: main}",
        9,
        "….to must be a list, not keys and values; put [ ] round it, or a dash before it",
    ),
    case(
        "to-holds-a-number",
        "to: [12]",
        10,
        "….to must hold names of channels, or keys and values such as {channel: main}, not 12",
    ),
    case("to-holds-nothing", "to: [~]", 10, "….to has no value; write one, or remove this"),
    case("filter-is-text", "include: moon", 14, "….include must be a list, not 'moon'; write [moon]"),
    case(
        "filter-without-words",
        "exclude: [moon, '!!']",
        21,
        "….exclude must hold a letter or a digit, not '!!'; for signs write an expression such as re:!!",
    ),
    case(
        "filter-is-no-expression",
        "to: [{channel: main, include: [moon, 're:a(?=b)']}]",
        42,
        "….to.include must be an expression that RE2 knows (invalid perl operator: (?=), not 're:a(?=b)'",
    ),
    case(
        "filter-is-empty",
        "include: ['title:re:']",
        15,
        "….include must not be empty after re:, not 'title:re:'; write the expression",
    ),
    case(
        "value-in-a-route",
        "to: [{channel: main, media: big}]",
        33,
        "….to.media must be preview, photo, album or none, not 'big'",
    ),
    case(
        "language-of-a-feed",
        "language: persian",
        15,
        "….language must be auto, or a code such as fa or en, not 'persian'",
    ),
    case(
        "every-too-often",
        "every: 14m",
        12,
        "….every must be 15m or more, not '14m'; publishers block readers that ask more often",
    ),
    case("every-sixty", "every: 1:30", 12, "….every must be a span such as 30m, 6h or 30d, not '1:30'"),
    case("backfill-word", "backfill: some", 15, "….backfill must be 0, a number of posts, or all, not 'some'"),
    case("backfill-negative", "backfill: -1", 15, "….backfill must be 0, a number of posts, or all, not -1"),
    case("backfill-switch", "backfill: true", 15, "….backfill must be 0, a number of posts, or all, not true"),
    case(
        "header-name",
        "headers: {Who are you: me}",
        28,
        "….headers.Who are you must be named with letters, digits and hyphens",
    ),
    case("header-value", "headers: {X-Who: سلام}", 22, "….headers.X-Who must be one line of ASCII characters"),
    case("channel", "to: [mian]", 10, "unknown channel 'mian' in ….to; did you mean 'main'?"),
    case("channel-twice", "to: [main, main]", 16, "'main' stands twice in ….to; remove one"),
    case("unquoted-hashtag", "hashtags: [#نجوم]", 16, 'put quotes round it: "#نجوم"'),
    case("persian-comma-in-hashtags", "hashtags: [نجوم، ماه]", 20, COMMA),
    case(
        "variable-not-set",
        'headers: {X-Key: "${SKY_KEY}"}',
        22,
        "${SKY_KEY} is not set; set it in the environment or in .env",
    ),
]
#: The seventh line, below ``path``.
IN_ARCHIVE = [
    case(
        "archive",
        "on_weekday_mismath: post",
        5,
        "unknown key 'on_weekday_mismath' under …; did you mean 'on_weekday_mismatch'?",
    ),
    case(
        "archive-format",
        "format: atom",
        13,
        "….format must be auto, dated-text, markdown, blogger, wordpress, telegram or jsonfeed, not 'atom'",
    ),
    case("replay-at", "replay: {at: [9]}", 19, '….replay.at must be a time of day such as "09:00", in quotes, not 9'),
    case(
        "replay-pick",
        'replay: {at: ["9:00"], pick: new}',
        34,
        "….replay.pick must be oldest, random or on-this-day, not 'new'",
    ),
    case("replay-without-times", "replay: {at: []}", 18, "….replay.at must not be empty"),
    case("mismatch", "on_weekday_mismatch: keep", 26, "….on_weekday_mismatch must be hold, post or skip, not 'keep'"),
]
#: Inside ``bot: {}``, the only line.
IN_BOT = [
    case("bot", "timezon: UTC", 7, "unknown key 'timezon' under …; did you mean 'timezone'?"),
    case("number-too-small", "rate: 0", 13, "….rate must be 1 or more, not 0"),
    case("number-too-large", "chat_rate: 5000", 18, "….chat_rate must be 1000 or less, not 5000"),
    case("zone", "timezone: Tehran", 17, "….timezone must be an IANA time zone such as Asia/Tehran, not 'Tehran'"),
    case("admins-in-words", 'admins: [1, "@me"]', 19, "….admins must be a whole number, not '@me'"),
    case("admins-no-list", "admins: 5", 15, "….admins must be a list, not 5; write [5]"),
    case("admin-is-a-group", "admins: [-5]", 16, "….admins must be 1 or more, not -5"),
    case("admin-chat", "admin_chat: me", 19, "….admin_chat must be a whole number, not 'me'"),
    case("contact", "contact: me", 16, "….contact must be a web address or a mail address, not 'me'"),
    case("keep", "keep: 3h", 13, "….keep must be forever, or a span of a day or more such as 400d, not '3h'"),
    case("on-uncertain", "on_uncertain: drop", 21, "….on_uncertain must be resend or hold, not 'drop'"),
    case("persian-comma-in-braces", "timezone: UTC، language: fa", 20, COMMA),
    case("tag", "timezone: !!str UTC", 17, "the tag !!str is not used in this file; remove it"),
    case("quote-not-closed", 'timezone: "UTC', 17, "this quote is not closed; close it"),
]
WHOLE = [
    case("top", "chanels: {}\n", "1:1", "unknown key 'chanels'; did you mean 'channels'?"),
    case(
        "like-none",
        "zebra: {}\n",
        "1:1",
        "unknown key 'zebra'; there is archives, bot, channels, defaults, feeds, imports, tags, templates",
    ),
    case("defaults", "defaults: {lang: fa}\n", "1:12", "unknown key 'lang' under defaults; did you mean 'language'?"),
    case(
        "number-for-a-name",
        CHANNEL + "feeds:\n  5:\n    url: https://example.org\n    evry: 1h\n",
        "7:5",
        "unknown key 'evry' under feeds.5; did you mean 'every'?",
    ),
    case(
        "feed-without-url", CHANNEL + "feeds:\n  sky: {title: Sky}\n", "5:3", "'url' is missing under feeds.sky; add it"
    ),
    case(
        "archive-without-path",
        CHANNEL + "archives:\n  old: {title: Old}\n",
        "5:3",
        "'path' is missing under archives.old; add it",
    ),
    case(
        "channel-without-chat",
        "channels:\n  main:\n    language: fa\n",
        "2:3",
        "'chat' is missing under channels.main; add it",
    ),
    case(
        "key-twice",
        CHANNEL + "    silent: true\n    silent: false\n",
        "5:5",
        "'silent' stands twice in the same place; remove one",
    ),
    case(
        "name-twice",
        BOTH + "  sky:\n    url: https://example.org/2\n",
        "7:3",
        "'sky' stands twice in the same place; remove one",
    ),
    case("empty-name", 'channels:\n  "": {chat: "@example"}\n', "2:3", "a key must be a name; write one"),
    case("list-as-key", "tags: {[a]: b}\n", "1:8", "a key must be a name; write one"),
    case("file-is-text", "hello\n", "1:1", "feeds.yaml must hold keys and values, not 'hello'; indent them below it"),
    case("file-is-a-list", "- a\n", "1:1", "feeds.yaml must hold keys and values, not a list; indent them below it"),
    case(
        "feeds-are-a-list",
        CHANNEL + "feeds:\n  - url: x\n",
        "5:3",
        "feeds must hold keys and values, not a list; indent them below it",
    ),
    case(
        "feed-is-text",
        CHANNEL + "feeds:\n  sky: https://example.org\n",
        "5:8",
        "feeds.sky must hold keys and values, not 'https://example.org'; indent them below it",
    ),
    case("section-is-empty", CHANNEL + "feeds:\n", "4:1", "feeds has no value; write one, or remove this"),
    case(
        "text-is-a-template",
        "templates:\n  mine: {{ title }}\n",
        "2:9",
        "put quotes round a text that begins with {{, or put it below a |",
    ),
    case(
        "url-without-scheme",
        CHANNEL + "feeds:\n  sky: {url: example.org}\n",
        "5:14",
        f"feeds.sky.url {WEB}, not 'example.org'",
    ),
    case(
        "url-with-a-bad-port",
        CHANNEL + "feeds:\n  sky: {url: 'http://a:b/'}\n",
        "5:14",
        f"feeds.sky.url {WEB}, not 'http://a:b/'",
    ),
    case(
        "url-with-a-space",
        CHANNEL + "feeds:\n  sky: {url: 'http://a/b c'}\n",
        "5:14",
        f"feeds.sky.url {WEB}, not 'http://a/b c'",
    ),
    case(
        "chat-without-sigil",
        "channels:\n  main: {chat: example}\n",
        "2:16",
        f"channels.main.chat {CHAT}, not 'example'",
    ),
    case(
        "chat-is-a-link",
        "channels:\n  main: {chat: t.me/example}\n",
        "2:16",
        f"channels.main.chat {CHAT}, not 't.me/example'",
    ),
    case(
        "chat-in-persian-digits",
        "channels:\n  main: {chat: -۱۰۰۱۲۳}\n",
        "2:16",
        f"channels.main.chat {CHAT}, not '-۱۰۰۱۲۳'",
    ),
    case("tag-is-a-number", "tags: {moon: 1}\n", "1:14", "tags.moon must be text, not 1; put quotes round it"),
    case(
        "feed-and-archive",
        BOTH + "archives:\n  sky:\n    path: blog.txt\n",
        "8:3",
        "'sky' names a feed and an archive; rename one of them",
    ),
    case(
        "channel-of-a-route",
        BOTH + "    to:\n      - channel: mian\n",
        "8:18",
        "unknown channel 'mian' in feeds.sky.to; did you mean 'main'?",
    ),
    case(
        "no-channel-at-all", FEED + "    to: [main]\n", "4:10", "unknown channel 'main' in feeds.sky.to; there is none"
    ),
    case(
        "no-channel-named",
        CHANNEL + '  other: {chat: "@other"}\n' + FEED,
        "6:3",
        "feeds.sky does not say which channel it goes to; add to: [main]",
    ),
    case(
        "template-in-defaults",
        "defaults: {template: mine}\n",
        "1:22",
        "unknown template 'mine'; there is compact, default, full",
    ),
    case(
        "template-of-a-route",
        BOTH + "    to:\n      - channel: main\n        template: defalt\n",
        "9:19",
        "unknown template 'defalt'; did you mean 'default'?",
    ),
    case(
        "no-such-file",
        CHANNEL + "archives:\n  old:\n    path: posts/*.txt\n",
        "6:11",
        "no file matches archives.old.path, 'posts/*.txt'; it is relative to the folder of feeds.yaml",
    ),
    case(
        "path-is-a-folder",
        CHANNEL + "archives:\n  old:\n    path: .\n",
        "6:11",
        "archives.old.path names a folder; name its files, such as ./*.txt",
    ),
    case(
        "no-path",
        CHANNEL + "archives:\n  old: {path: ''}\n",
        "5:15",
        "archives.old.path must be the path of a file, or a pattern such as archive/*.txt, not ''",
    ),
    case("unquoted-chat", "channels:\n  main:\n    chat: @example\n", "3:11", 'put quotes round it: "@example"'),
    case(
        "unquoted-chat-in-braces",
        "channels: {main: {chat: @example, language: fa}}\n",
        "1:25",
        'put quotes round it: "@example"',
    ),
    case(
        "unquoted-last-hashtag",
        BOTH + "    hashtags: [sky, #moon]\n    every: 1h\n",
        "7:21",
        'put quotes round it: "#moon"',
    ),
    case("unquoted-hashtag-with-dash", BOTH + "    hashtags:\n      - #sky\n", "8:9", 'put quotes round it: "#sky"'),
    case("persian-comma-after-quotes", 'channels: {main: {chat: "@example"، language: fa}}\n', "1:35", COMMA),
    case("tag-of-ones-own", "bot: !mine {timezone: UTC}\n", "1:6", "the tag !mine is not used in this file; remove it"),
    case(
        "aliases",
        "tags: &a {a: b}\nx: [" + "*a, " * 51 + "]\n",
        "2:205",
        "more than 50 aliases (*name); write them out",
    ),
    case(
        "no-anchor",
        "tags: *other\n",
        "1:7",
        "nothing is called &other; if *other is meant as text, put quotes round it",
    ),
    case("alias-inside-itself", "tags: &a {a: *a}\n", "1:7", "aliases repeat this without end; write it out"),
    case("tab", "bot:\n\ttimezone: UTC\n", "2:1", "a tab cannot indent; use spaces"),
    case("backquote", "bot: `x\n", "1:6", "a text cannot begin with `; put quotes round it"),
    case(
        "two-colons",
        "bot: a: b\n",
        "1:7",
        "no key can stand here; indent it like its neighbours, or put quotes round a text with a colon in it",
    ),
    case("brace-not-closed", "bot: {timezone: UTC\n", "1:6", "this is not closed, or a comma is missing in it; add }"),
    case(
        "two-documents",
        "bot: {}\n---\ntags: {}\n",
        "2:1",
        "one file holds one document; remove this --- or what follows it",
    ),
    case("deep", "[" * 200, "1:51", "nested more than 50 deep; nothing in this file needs that"),
    case("not-utf-8", b"bot: {contact: \xe9}\n", "1:1", "these bytes are not UTF-8 text; save the file as UTF-8"),
    case("picture", b"\x89PNG\r\n\x1a\n\x00\x00\x00", "1:1", "these bytes are not UTF-8 text; save the file as UTF-8"),
    case("nul-bytes", b"\x00\x01\x02", "1:1", "this is not YAML: it holds the character U+0000; save it as plain text"),
]


@pytest.mark.parametrize(("line", "column", "said"), IN_CHANNEL)
def test_a_mistake_in_a_channel_is_told(line: str, column: int, said: str, problems: Problems) -> None:
    assert problems(f"{CHANNEL}    {line}\n") == [f"feeds.yaml:4:{column}: {said.replace('…', 'channels.main')}"]


@pytest.mark.parametrize(("line", "column", "said"), IN_FEED)
def test_a_mistake_in_a_feed_is_told(line: str, column: int, said: str, problems: Problems) -> None:
    assert problems(f"{BOTH}    {line}\n") == [f"feeds.yaml:7:{column}: {said.replace('…', 'feeds.sky')}"]


@pytest.mark.parametrize(("line", "column", "said"), IN_ARCHIVE)
def test_a_mistake_in_an_archive_is_told(line: str, column: int, said: str, problems: Problems) -> None:
    assert problems(f"{ARCHIVE}    {line}\n") == [f"feeds.yaml:7:{column}: {said.replace('…', 'archives.old')}"]


@pytest.mark.parametrize(("keys", "column", "said"), IN_BOT)
def test_a_mistake_in_the_bots_section_is_told(keys: str, column: int, said: str, problems: Problems) -> None:
    assert problems(f"bot: {{{keys}}}\n") == [f"feeds.yaml:1:{column}: {said.replace('…', 'bot')}"]


@pytest.mark.parametrize(("text", "place", "said"), WHOLE)
def test_a_mistake_anywhere_is_told(text: str | bytes, place: str, said: str, problems: Problems) -> None:
    assert problems(text)[0] == f"feeds.yaml:{place}: {said}"


# --- templates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "place", "words"),
    [
        pytest.param("|\n    {{ title }}\n    {{ titel }}\n", "4:5", "'titel'", id="name-in-a-block"),
        pytest.param("|\n    {{ title }}\n\n      {% if date %}\n", "5:7", "endif", id="syntax-in-a-block"),
        pytest.param("|\n    {{ title | big }}\n", "3:5", "'big'", id="filter"),
        pytest.param(">\n    {{ title }}\n    {{ titel }}\n", "2:9", "'titel'", id="name-in-a-folded-text"),
        pytest.param('"{{ titel }}"\n', "2:9", "'titel'", id="name-in-quotes"),
    ],
)
def test_an_unused_template_is_checked_too(template: str, place: str, words: str, problems: Problems) -> None:
    (problem,) = problems(f"templates:\n  mine: {template}")
    assert problem.startswith(f"feeds.yaml:{place}: templates.mine: ")
    assert words in problem


# --- together ------------------------------------------------------------------------------------------------


def test_all_mistakes_come_at_once_in_the_order_of_the_file(problems: Problems) -> None:
    text = """\
bot:
  timezone: Tehran
  admins: [me]
defaults: {template: nope}
channels:
  main:
    chat: example
    footer: #sky
    footer: "@x"
feeds:
  sky:
    url: https://example.org/feed.xml
    evry: 30m
    to: [mian]
    headers: {Authorization: "${NOT_SET}"}
archives:
  sky:
    path: none/*.txt
templates:
  mine: "{{ titel }}"
"""
    found = problems(text)
    assert [problem.split(": ")[0].removeprefix("feeds.yaml:") for problem in found] == [
        "2:13", "3:12", "4:22", "7:11", "8:13", "9:5", "13:5", "14:10", "15:30", "17:3", "18:11", "20:9",
    ]  # fmt: skip


def test_the_same_list_comes_every_time(problems: Problems) -> None:
    text = "b: 1\na: 2\n" + CHANNEL + "    silent: x\n    only: y\n"
    assert problems(text) == problems(text)


def test_a_wrong_key_in_what_an_alias_repeats_is_shown_where_it_is_written(problems: Problems) -> None:
    text = CHANNEL + "feeds:\n  a: &a {url: 'https://a.example', evry: 1h}\n  b:\n    <<: *a\n"
    assert [problem[:16] for problem in problems(text)] == ["feeds.yaml:5:36:", "feeds.yaml:5:36:"]


def test_a_missing_file_is_said_without_a_place(problems: Problems) -> None:
    with pytest.raises(ConfigError, match=r"^other\.yaml: no such file; write one \(see README\.md\)"):
        read_config(Path("other.yaml"), environment={}, with_token=False)


def test_a_folder_is_no_file(problems: Problems) -> None:
    with pytest.raises(ConfigError, match=r"^\.: is a directory; name the file in QASEDAK_CONFIG$"):
        read_config(Path("."), environment={}, with_token=False)


def test_a_secret_from_the_environment_is_in_no_message(problems: Problems) -> None:
    text = BOTH + '    headers: {X-Key: "${KEY}"}\n    title: "${KEY}"\n    every: ${KEY}\n    to: ["${KEY}"]\n'
    text += "    language: ${KEY}\n    hashtags: ${KEY}\ndefaults: {template: '${KEY}'}\n"
    found = problems(text, KEY="s3cret\nvalue" * 30)
    assert found
    assert "s3cret" not in "".join(found)


# --- what is no mistake --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("# nothing yet\n", id="comment"),
        pytest.param("\ufeff" + CHANNEL, id="byte-order-mark"),
        pytest.param(BOTH.replace("\n", "\r\n"), id="windows-lines"),
        pytest.param(CHANNEL + "    footer: on # as text\n    silent: false\n", id="words-stay-text"),
        pytest.param(CHANNEL + "    footer: 2018-09-30\n", id="a-date-stays-text"),
        pytest.param(BOTH + "    hashtags: ['#sky', 'a، b']\n", id="quoted"),
        pytest.param(BOTH + "    hashtags: [sky, # why\n      moon]\n", id="comment-in-a-list"),
        pytest.param(CHANNEL + "feeds:\n  a: &a {url: 'https://a.example'}\n  b: {<<: *a, every: 1h}\n", id="merge"),
        pytest.param("tags: &a {a: b}\nbot: {contact: '*a@b'}\n", id="anchor"),
        pytest.param(FEED, id="nobody-receives"),
    ],
)
def test_what_yaml_allows_is_read(text: str, problems: Problems) -> None:
    assert problems(text) == []


def test_fifty_aliases_are_allowed(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"
    path.write_text("a: &a b\nc: [" + "*a, " * MAX_ALIASES + "]\n")
    assert YamlFile.open(path, {}).values["c"] == ["b"] * MAX_ALIASES


@pytest.mark.parametrize("repeat", ["[*{0}, *{0}]", "{{<<: [*{0}, *{0}]}}"], ids=["lists", "merges"])
def test_aliases_that_multiply_are_stopped(repeat: str, problems: Problems) -> None:
    letters = "abcdefghijklmnopqrstuvwxy"
    text = "tags: &a {x: y}\n" + "".join(
        f"{name}: &{name} {repeat.format(before)}\n" for before, name in pairwise(letters)
    )
    start = time.process_time()
    assert "aliases repeat this without end" in problems(text)[0]
    assert time.process_time() - start < 2


PIECES = st.sampled_from(
    [
        "bot", "channels", "feeds", "archives", "templates", "defaults", "tags", "to", "url", "summary", "chat", "path",
        "backfill", "every", ":", ": ", "\n", "\n  ", "\n    ", "- ", "{", "}", "[", "]", ", ", "\u060c", '"', "'", "|",
        ">", "&a ", "*a", "<<", "!x ", "#", "#tag", "@name", "off", "all", "1", "~", "${X}", "{{ title }}", "\t", "%",
        "?", "---", "\0", "\u200c", "سلام",
    ]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=40).map("".join) | st.binary(max_size=60))
def test_whatever_stands_in_the_file_is_read_or_explained(problems: Problems, text: str | bytes) -> None:
    for problem in problems(text):
        assert re.match(r"feeds\.yaml:\d+:\d+: \S", problem)
        assert "\n" not in problem


# --- the schema ----------------------------------------------------------------------------------------------


def sections() -> list[type[feeds_yaml.Section]]:
    return [
        feeds_yaml.Document, feeds_yaml.BotSection, feeds_yaml.ChannelSection, feeds_yaml.NamedChannelSection,
        feeds_yaml.RouteSection, feeds_yaml.SummarySection, feeds_yaml.FeedSection, feeds_yaml.ArchiveSection,
    ]  # fmt: skip


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.__name__)
def test_the_schema_describes_every_key(section: type[feeds_yaml.Section]) -> None:
    schema = feeds_yaml.json_schema()
    described = schema if section is feeds_yaml.Document else schema["$defs"][section.__name__]
    assert described["additionalProperties"] is False
    assert described["properties"].keys() == section.model_fields.keys()
    for name, key in described["properties"].items():
        # A key that says no more than its type leaves the word to it.
        described_by = key | schema["$defs"].get(key.get("$ref", "").removeprefix("#/$defs/"), {}) | key
        assert described_by.get("description", "").endswith("."), name


def test_the_schema_offers_no_null() -> None:
    assert '"null"' not in str(feeds_yaml.json_schema()).replace("'", '"')


def test_the_schema_knows_both_forms_of_a_union() -> None:
    channel = feeds_yaml.json_schema()["$defs"]["NamedChannelSection"]["properties"]
    assert [branch.get("const", branch.get("$ref")) for branch in channel["summary"]["oneOf"]] == [
        "#/$defs/SummarySection",
        "off",
    ]
    feed = feeds_yaml.json_schema()["$defs"]["FeedSection"]["properties"]
    assert {"const": "all"} in feed["backfill"]["anyOf"]
    assert feed["to"]["items"]["oneOf"] == [{"$ref": "#/$defs/RouteSection"}, {"type": "string"}]


def test_every_key_of_the_projects_own_file_is_in_the_schema() -> None:
    root = Path(__file__).parents[2]
    config = read_config(root / "feeds.yaml", environment={}, with_token=False)
    assert isinstance(config, Config)
    file = YamlFile.open(root / "feeds.yaml", {})
    schema = feeds_yaml.json_schema()
    for kind, section in (
        ("feeds", "FeedSection"),
        ("archives", "ArchiveSection"),
        ("channels", "NamedChannelSection"),
    ):
        for keys in file.values[kind].values():
            assert keys.keys() <= schema["$defs"][section]["properties"].keys()
