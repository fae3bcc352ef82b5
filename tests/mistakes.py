"""Broken configurations, and the exact message that each gets: the rows of ``docs/mistakes.md``.

The tests of ``config/`` hold every row to be true; ``python -m tests.mistakes`` writes the page. What a row writes
stands in the smallest file around it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "mistakes.md"

CHANNEL = 'channels:\n  main:\n    chat: "@example"\n'  #: the next line is 4
FEED = "feeds:\n  sky:\n    url: https://example.org/feed.xml\n"
BOTH = CHANNEL + FEED  #: the next line is 7
ARCHIVE = CHANNEL + "archives:\n  old:\n    path: blog.txt\n"  #: the next line is 7


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


# --- the environment -----------------------------------------------------------------------------------------

_TOKEN = "must be a token such as 123456:ABC-DEF; copy it anew from @BotFather"
_DATABASE = "must be sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME"
_CORRECT = "; correct it in the environment or .env"
_PORT = f"must be a number from 0 to 65535{_CORRECT}"
_SECONDS = f"must be a number of seconds, at most 86400{_CORRECT}"
_ADDRESS = f"must be an address that begins with http:// or https://{_CORRECT}"
_WEBHOOK = "a webhook needs its address and its secret; set it, or remove the other"
_ROLES = f"must be one or more of poll, deliver, answer, web, with commas between them{_CORRECT}"
_HERE = "https://b.example/telegram"
#: What is set, and the one message. A value is never repeated: it may be a secret.
IN_ENVIRONMENT: list[Any] = [
    case("token", {"TELEGRAM_BOT_TOKEN": "s3cret"}, f"TELEGRAM_BOT_TOKEN: {_TOKEN}"),
    case("token-with-a-space", {"TELEGRAM_BOT_TOKEN": "123:s3cret here"}, f"TELEGRAM_BOT_TOKEN: {_TOKEN}"),
    case("api-address", {"TELEGRAM_API_URL": "s3cret"}, f"TELEGRAM_API_URL: {_ADDRESS}"),
    case("other-database", {"DATABASE_URL": "mysql://me:s3cret@host/q"}, f"DATABASE_URL: {_DATABASE}{_CORRECT}"),
    case("no-colon", {"DATABASE_URL": "postgresql//me:s3cret@host/q"}, f"DATABASE_URL: {_DATABASE}{_CORRECT}"),
    case(
        "port-of-a-database",
        {"DATABASE_URL": "postgresql://me:s3cret@host:a/q"},
        f"DATABASE_URL: {_DATABASE}{_CORRECT}",
    ),
    case("in-memory", {"DATABASE_URL": "sqlite:///:memory:"}, f"DATABASE_URL: {_DATABASE}{_CORRECT}"),
    case("port-in-words", {"QASEDAK_HTTP_PORT": "s3cret"}, f"QASEDAK_HTTP_PORT: {_PORT}"),
    case("port-too-large", {"QASEDAK_HTTP_PORT": "65536"}, f"QASEDAK_HTTP_PORT: {_PORT}"),
    case("spacing-below-zero", {"QASEDAK_HOST_SPACING": "-1"}, f"QASEDAK_HOST_SPACING: {_SECONDS}"),
    case("spacing-no-number", {"QASEDAK_HOST_SPACING": "nan"}, f"QASEDAK_HOST_SPACING: {_SECONDS}"),
    case(
        "private-networks",
        {"QASEDAK_ALLOW_PRIVATE_NETWORKS": "s3cret"},
        f"QASEDAK_ALLOW_PRIVATE_NETWORKS: must be 1 or 0{_CORRECT}",
    ),
    case("log", {"QASEDAK_LOG": "xml"}, f"QASEDAK_LOG: must be json or console{_CORRECT}"),
    case(
        "log-level",
        {"QASEDAK_LOG_LEVEL": "loud"},
        f"QASEDAK_LOG_LEVEL: must be debug, info, warning, error or critical{_CORRECT}",
    ),
    case("role-that-is-none", {"QASEDAK_ROLES": "poll, s3cret"}, f"QASEDAK_ROLES: {_ROLES}"),
    case("roles-without-comma", {"QASEDAK_ROLES": "pollweb"}, f"QASEDAK_ROLES: {_ROLES}"),
    case("ping", {"QASEDAK_PING_URL": "s3cret"}, f"QASEDAK_PING_URL: {_ADDRESS}"),
    case("webhook-without-secret", {"QASEDAK_WEBHOOK_URL": _HERE}, f"QASEDAK_WEBHOOK_SECRET: {_WEBHOOK}"),
    case(
        "webhook-without-address", {"QASEDAK_WEBHOOK_SECRET": "s3cret-of-sixteen"}, f"QASEDAK_WEBHOOK_URL: {_WEBHOOK}"
    ),
    case(
        "webhook-without-pages",
        {"QASEDAK_WEBHOOK_URL": _HERE, "QASEDAK_WEBHOOK_SECRET": "s3cret-of-sixteen", "QASEDAK_HTTP_PORT": "0"},
        "QASEDAK_HTTP_PORT: 0 turns off what a webhook arrives at; set a port, or remove the webhook",
    ),
    case(
        "webhook-not-answered-by-pages",
        {"QASEDAK_WEBHOOK_URL": _HERE, "QASEDAK_WEBHOOK_SECRET": "s3cret-of-sixteen", "QASEDAK_ROLES": "answer"},
        "QASEDAK_ROLES: answer by webhook needs web too; add it, or remove the webhook",
    ),
    case(
        "webhook-elsewhere",
        {"QASEDAK_WEBHOOK_URL": "https://b.example/hook", "QASEDAK_WEBHOOK_SECRET": "s3cret-of-sixteen"},
        f"QASEDAK_WEBHOOK_URL: must be the public https:// address of /telegram, ending so{_CORRECT}",
    ),
    case(
        "webhook-secret-too-short",
        {"QASEDAK_WEBHOOK_URL": _HERE, "QASEDAK_WEBHOOK_SECRET": "s3cret"},
        f"QASEDAK_WEBHOOK_SECRET: must be 16 to 256 of A-Z, a-z, 0-9, _ and -{_CORRECT}",
    ),
]


# --- the page ------------------------------------------------------------------------------------------------

_TOP = """\
# Mistakes, and what is said of them

<!-- Made by `make docs` from tests/mistakes.py: change that. -->

All mistakes of feeds.yaml come at once, one a line, in the order of the file: where it stands, what it is, what to
write instead. The exit code is 2; a running bot goes on with what it had. Every row here is a test, and what is said is
said exactly so. The places are those of the smallest file that has the mistake. Values of the environment are never
repeated: they may be secrets.
"""


def page() -> str:
    """All rows as Markdown."""
    parts = [_TOP]
    for heading, rows in _groups():
        parts += [f"## {heading}\n", "| written | said |", "|---|---|"]
        parts += [f"| {_code(written)} | {_code(said)} |" for written, said in rows]
        parts.append("")
    return "\n".join(parts).rstrip("\n") + "\n"


def _groups() -> Iterator[tuple[str, Sequence[tuple[str, str]]]]:
    for heading, line, name, cases in (
        ("In a channel", 4, "channels.main", IN_CHANNEL),
        ("In a feed", 7, "feeds.sky", IN_FEED),
        ("In an archive", 7, "archives.old", IN_ARCHIVE),
        ("In `bot`", 1, "bot", IN_BOT),
    ):
        said = [f"feeds.yaml:{line}:{at.values[1]}: {at.values[2].replace('…', name)}" for at in cases]
        yield heading, [(at.values[0], words) for at, words in zip(cases, said, strict=True)]
    texts = [each.values for each in WHOLE if isinstance(each.values[0], str) and len(each.values[0]) < 150]
    yield "Anywhere", [(text, f"feeds.yaml:{place}: {said}") for text, place, said in texts]
    settings = [
        ("\n".join(f"{name}={value}" for name, value in each.values[0].items()), each.values[1])
        for each in IN_ENVIRONMENT
    ]
    yield "In the environment", settings


def _code(text: str) -> str:
    """In a cell of a table: a line of code for each line."""
    lines = text.rstrip("\n").replace("\t", "→").replace("|", "\\|").split("\n")
    return "<br>".join(f"`` {line} ``" if "`" in line else f"`{line}`" for line in lines if line)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
