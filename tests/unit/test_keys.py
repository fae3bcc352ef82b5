"""For every key of feeds.yaml a test named after it, which proves that the key changes what the bot does.

``test_every_key_has_a_test_named_after_it`` walks the schema and looks for ``test_key_...`` in all tests. Here are
those that need no database; the others are in ``tests/integration``. Each says what is without the key, and with it.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot import manners, replay, routing
from bot.config.feeds_yaml import json_schema
from bot.model import Enclosure, Entry, Flag, Hints, MessageKind, Pick, Wait
from bot.outbox import digest, gate
from bot.pacing import BotPace, chat_ready_at
from bot.storage.replays import Candidate
from bot.text.persian import RLM
from tests.builders import an_entry
from tests.written import configured, messages, route, text

TESTS = Path(__file__).parents[1]
_TEST = re.compile(r"^(?:async )?def (test_key_\w+)\(", re.MULTILINE)
#: What holds keys; a key of ``defaults`` or of a route is one of a channel, and tested there.
SECTIONS = {"bot", "channels", "feeds", "archives", "defaults"}

AT = datetime(2026, 11, 23, 21, 5, tzinfo=UTC)  #: the next day in Tehran, a quarter to one
SENTENCES = (
    "The moon is full over the hills tonight. Binoculars are enough to see the great plains of lava. "
    "Look east half an hour after sunset, when the sky is still blue. The tides are high for three days. "
    "Gardeners plant garlic by the waning moon, and nobody knows why. The next full moon comes at Yalda."
)
MOON = an_entry(
    title="A full moon over the hills",
    link="https://sky.example/moon",
    published=AT,
    tags=("Moon", "Night Sky", "Hills", "Tides"),
    content=f"<p>{SENTENCES}</p>",
    enclosures=tuple(Enclosure(f"https://sky.example/{number}.jpg", "image/jpeg") for number in range(2)),
)
LONG = an_entry(content=f"<p>{SENTENCES}</p>" * 30)
TEHRAN, NOW = ZoneInfo("Asia/Tehran"), datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  #: Monday, half past eleven there


# --- every key has one ---------------------------------------------------------------------------------------


def keys(node: Mapping[str, Any], schema: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every key below a node of the schema."""
    for name, value in node.get("properties", {}).items():
        yield (*path, name)
        for section in sections(value, schema):
            yield from keys(section, schema, (*path, name))


def sections(value: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The mappings that a value may be or hold."""
    if "$ref" in value:
        yield schema["$defs"][value["$ref"].rpartition("/")[2]]
    for branch in (
        *value.get("anyOf", ()),
        *value.get("oneOf", ()),
        value.get("items"),
        value.get("additionalProperties"),
    ):
        if isinstance(branch, dict):
            yield from sections(branch, schema)


def name_of(path: tuple[str, ...], of_a_channel: set[str]) -> str | None:
    """The name of the test; None where another key's says it."""
    if path[0] == "defaults" and len(path) > 1:
        return None
    if path[1:2] == ("to",) and len(path) > 2:
        return None if path[2] in of_a_channel else "test_key_to_" + "_".join(path[2:])
    return None if path[0] in SECTIONS and len(path) == 1 and path[0] != "defaults" else "test_key_" + "_".join(path)


def test_every_key_has_a_test_named_after_it() -> None:
    schema = json_schema()
    paths = list(keys(schema, schema))
    of_a_channel = {path[1] for path in paths if path[0] == "channels" and len(path) > 1}
    wanted = {name for path in paths if (name := name_of(path, of_a_channel))}
    found = {name for file in TESTS.rglob("test_*.py") for name in _TEST.findall(file.read_text(encoding="utf-8"))}
    assert len(wanted) > 80
    assert wanted - found == set(), "a key without a test that it changes something"
    assert found - wanted == set(), "a test of a key that is not there"


# --- how messages look ---------------------------------------------------------------------------------------


def test_key_channels_thread() -> None:
    assert [message.thread for message in (*messages(MOON), *messages(MOON, "thread: 12"))] == [None, 12]


def test_key_channels_language() -> None:
    assert "سه\u200cشنبه ۳ آذر ۱۴۰۵" in text(MOON)
    assert "Tuesday, 24 November 2026" in text(MOON, "language: en")


def test_key_channels_timezone() -> None:
    assert "00:35" in text(MOON, "language: en, date: time")
    assert "21:05" in text(MOON, "language: en, date: time, timezone: UTC")


def test_key_channels_calendars() -> None:
    assert "۱۴۰۵" in text(MOON)
    assert "۱۴۰۵" not in text(MOON, "calendars: [gregorian]")
    assert "جمادی" in text(MOON, "calendars: [lunar]")


def test_key_channels_months() -> None:
    assert "آذر" in text(MOON)
    assert "قوس" in text(MOON, "months: afghan")
    assert "سەرماوەز" in text(MOON, "months: kurdish")


def test_key_channels_digits() -> None:
    assert "۱۴۰۵" in text(MOON)
    assert "1405" in text(MOON, "digits: latin")


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("full", f"{RLM}سه\u200cشنبه ۳ آذر ۱۴۰۵ (\u2067۲۴ نوامبر ۲۰۲۶\u2069)"),
        ("compact", f"{RLM}۱۴۰۵/۰۹/۰۳ (\u20662026-11-24\u2069)"),
        ("2", f"{RLM}سه\u200cشنبه ۳ آذر ۱۴۰۵ (\u206624 November 2026\u2069)"),
        ("4", f"{RLM}۱۴۰۵ آذر ۳, سه\u200cشنبه"),
        ("5", "Tuesday, 24 November 2026 (\u2067۳ آذر ۱۴۰۵\u2069)"),
        ("6", "Tue 24 Nov 2026 · 3 Azar 1405 AP"),
    ],
)
def test_key_channels_date(form: str, line: str) -> None:
    shown = text(MOON, f"date: {form}").split("\n")[1]
    assert shown.removeprefix(RLM) == line.removeprefix(RLM)
    assert "۱۴۰۵" not in text(MOON, "date: none")


def test_key_channels_lunar_offset() -> None:
    assert ["۱۴ جمادی" in text(MOON, f"calendars: [lunar], lunar_offset: {days}") for days in (0, 1)] == [True, False]


def test_key_channels_local_time() -> None:
    kinds = [[each.type for each in messages(MOON, keys)[0].entities] for keys in ("", "local_time: true")]
    assert ["date_time" in found for found in kinds] == [False, True]


def test_key_channels_template() -> None:
    assert len(text(MOON, "template: compact").split("\n")) == 2
    assert "Yalda" not in text(MOON)
    assert "Yalda" in text(MOON, "template: full")


def test_key_channels_length() -> None:
    cut, quote, split = (messages(LONG, f"template: full, length: {length}") for length in ("cut", "quote", "split"))
    assert [len(cut), len(quote)] == [1, 1]
    assert len(split) > 1
    assert [any("quote" in each.type for each in found[0].entities) for found in (cut, quote)] == [False, True]


def test_key_channels_summary() -> None:
    assert "The moon is full over the hills tonight." in text(MOON)
    assert "The moon is full over the hills tonight." not in text(MOON, "summary: off")


def test_key_channels_summary_sentences() -> None:
    def count(keys: str) -> int:
        return text(MOON, keys).count(". ") + text(MOON, keys).count(".\n")

    assert [count("summary: {sentences: 1}"), count("")] == [1, 3]


def test_key_channels_summary_max_chars() -> None:
    short, usual = (text(MOON, keys) for keys in ("summary: {max_chars: 80}", ""))
    assert len(short) < len(usual) - 80


def test_key_channels_media() -> None:
    kinds = {media: messages(MOON, f"media: {media}")[0] for media in ("preview", "photo", "album", "none")}
    assert [message.kind for message in kinds.values()] == [
        MessageKind.TEXT, MessageKind.PHOTO, MessageKind.ALBUM, MessageKind.TEXT,
    ]  # fmt: skip
    assert [kinds[media].link_preview.url is not None for media in ("preview", "none")] == [True, False]


def test_key_channels_buttons() -> None:
    (plain,), (message,) = messages(MOON), messages(MOON, "language: en, buttons: [share, read]")
    assert plain.buttons == ()
    assert [button.text for row in message.buttons for button in row] == ["Share", "Read"]


def test_key_channels_source() -> None:
    assert ["Sky Notes" in text(MOON, keys) for keys in ("", "source: always", "source: never")] == [False, True, False]
    two = "  sun: {url: https://example.org/sun}"
    assert [
        [found.channel.source for found in configured(keys, rest=two).subscriptions] for keys in ("", "source: never")
    ] == [[True, True], [False, False]]


def test_key_channels_footer() -> None:
    assert ["@my_sky" in text(MOON, keys) for keys in ("", 'footer: "@my_sky"')] == [False, True]


def test_key_channels_hashtags() -> None:
    assert [text(MOON, keys).count("#") for keys in ("hashtags: 0", "", "hashtags: 4")] == [0, 3, 4]


def test_key_channels_silent() -> None:
    assert [message.silent for message in (*messages(MOON), *messages(MOON, "silent: true"))] == [False, True]


def test_key_channels_paid_broadcast() -> None:
    assert [message.is_paid for message in (*messages(MOON), *messages(MOON, "paid_broadcast: true"))] == [False, True]


def test_key_tags() -> None:
    assert "#Moon" in text(MOON)
    assert "#ماه" in text(MOON, rest="tags: {ماه: Moon}")


def test_key_templates() -> None:
    mine = 'templates: {mine: "{{ title | upper }}"}'
    assert text(MOON, "template: mine", rest=mine) == "A FULL MOON OVER THE HILLS"
    assert text(MOON, rest='templates: {default: "just {{ title }}"}').endswith("just A full moon over the hills")


def test_key_defaults() -> None:
    assert "Tuesday" in text(MOON, rest="defaults: {language: en}")
    assert "Tuesday" not in text(MOON, "language: fa", rest="defaults: {language: en}")


def test_key_imports() -> None:
    more = "channels: {second: {chat: '@second'}}\n"
    names = [
        set(configured(rest=rest, feed="to: [main]", more_yaml=more).channels) for rest in ("", "imports: [more.yaml]")
    ]
    assert names == [{"main"}, {"main", "second"}]


def test_key_to_channel() -> None:
    two = "defaults: {}\nimports: [more.yaml]"
    more = "channels: {second: {chat: '@second'}}\n"
    for name in ("main", "second"):
        config = configured(feed=f"to: [{{channel: {name}, template: compact}}]", rest=two, more_yaml=more)
        assert [(each.channel.name, each.channel.template) for each in config.subscriptions] == [(name, "compact")]


def test_key_bot_timezone() -> None:
    assert "00:35" in text(MOON, "language: en, date: time")
    assert "21:05" in text(MOON, "language: en, date: time", bot="timezone: UTC")


def test_key_bot_language() -> None:
    assert "Tuesday" not in text(MOON)
    assert "Tuesday" in text(MOON, bot="language: en")


def of_both_kinds(kind: str, keys: str) -> str:
    return text(MOON, "source: always", feed=keys, source=kind)


def test_key_feeds_title() -> None:
    assert ["Our sky" in of_both_kinds("feeds", keys) for keys in ("", "title: Our sky")] == [False, True]


def test_key_archives_title() -> None:
    assert ["Our sky" in of_both_kinds("archives", keys) for keys in ("", "title: Our sky")] == [False, True]


def test_key_feeds_hashtags() -> None:
    assert ["#fixed" in of_both_kinds("feeds", keys) for keys in ("", "hashtags: [fixed]")] == [False, True]


def test_key_archives_hashtags() -> None:
    assert ["#fixed" in of_both_kinds("archives", keys) for keys in ("", "hashtags: [fixed]")] == [False, True]


# --- what goes out -------------------------------------------------------------------------------------------


def passes(entry: Entry, channel: str = "", **keys: Any) -> bool:
    return routing.decide(entry, route(channel, **keys), AT + timedelta(days=40)) == routing.GO


FRESH = an_entry(
    title="A full moon", published=AT + timedelta(days=39), content="<p>Over the hills.</p>", language="en"
)


def test_key_channels_only() -> None:
    assert [passes(FRESH, keys) for keys in ("", "only: [fa]", "only: [fa, en]")] == [True, False, True]


def test_key_channels_max_age() -> None:
    assert [passes(MOON, keys) for keys in ("", "max_age: 41d")] == [False, True]
    assert passes(MOON, source="archives")


def check_filters(kind: str, key: str) -> None:
    without, with_word = (passes(FRESH, feed=keys, source=kind) for keys in (f"{key}: [winter]", f"{key}: [hills]"))
    assert (without, with_word) == ((False, True) if key == "include" else (True, False))


def test_key_feeds_include() -> None:
    check_filters("feeds", "include")


def test_key_feeds_exclude() -> None:
    check_filters("feeds", "exclude")


def test_key_archives_include() -> None:
    check_filters("archives", "include")


def test_key_archives_exclude() -> None:
    check_filters("archives", "exclude")


def test_key_to_include() -> None:
    assert [passes(FRESH, feed=f"to: [{{channel: main, include: [{word}]}}]") for word in ("hills", "winter")] == [
        True,
        False,
    ]


def test_key_to_exclude() -> None:
    assert [passes(FRESH, feed=f"to: [{{channel: main, exclude: [{word}]}}]") for word in ("hills", "winter")] == [
        False,
        True,
    ]


def test_key_feeds_to() -> None:
    assert [len(configured(feed=keys).subscriptions) for keys in ("", "to: []", "to: [main]")] == [1, 0, 1]


def test_key_archives_to() -> None:
    counts = [len(configured(feed=keys, source="archives").subscriptions) for keys in ("", "to: []", "to: [main]")]
    assert counts == [1, 0, 1]


def test_key_archives_on_weekday_mismatch() -> None:
    wrong = an_entry(flags=(Flag.WEEKDAY_MISMATCH,))
    found = [
        route(feed=keys, source="archives").feed.on_weekday_mismatch
        for keys in ("", *map("on_weekday_mismatch: {}".format, ("hold", "post", "skip")))
    ]
    assert [routing.held_reason(wrong, each) is not None for each in found] == [True, True, False, False]
    assert [routing.is_skipped(wrong, each) for each in found] == [False, False, False, True]


# --- when it goes out ----------------------------------------------------------------------------------------


def waits_for(keys: str, now: datetime = NOW, recent: int = 0) -> tuple[str, datetime] | None:
    held = gate.hold(route(keys).channel, [NOW - timedelta(minutes=10)] * recent, now)
    return (held.wait.value, held.until.astimezone(TEHRAN)) if held else None


def at(hour: int, minute: int = 0, day: int = 23) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=TEHRAN)


def test_key_channels_quiet_hours() -> None:
    assert waits_for("") is None
    assert waits_for('quiet_hours: "11:00-12:00"') == (Wait.QUIET, at(12))
    assert waits_for('quiet_hours: ["11:00-12:00", "12:00-13:00"]') == (Wait.QUIET, at(13))


def test_key_channels_quiet_hours_hours() -> None:
    hours = [waits_for(f'quiet_hours: {{hours: "{hours}"}}') for hours in ("11:00-12:00", "12:00-13:00")]
    assert hours == [(Wait.QUIET, at(12)), None]


def test_key_channels_quiet_hours_days() -> None:
    days = [waits_for(f'quiet_hours: {{hours: "11:00-12:00", days: [{day}]}}') for day in ("monday", "friday")]
    assert days == [(Wait.QUIET, at(12)), None]


def test_key_channels_max_per_hour() -> None:
    assert waits_for("", recent=5) is None
    assert waits_for("max_per_hour: 5", recent=5) == (Wait.BUDGET, at(12, 20))


def test_key_channels_overflow() -> None:
    assert waits_for("max_per_hour: 5, overflow: wait", recent=5) == (Wait.BUDGET, at(12, 20))
    assert waits_for("max_per_hour: 5, overflow: digest", recent=5) == (Wait.OVERFLOW, at(12, 20))


def slot(keys: str) -> datetime:
    plan = route(f"digest: {{{keys}}}").channel.digest
    assert plan
    return digest.next_slot(plan, TEHRAN, NOW).astimezone(TEHRAN)


def test_key_channels_digest() -> None:
    assert route().channel.digest is None
    assert route("digest: off").channel.digest is None
    assert slot("every: week") == at(9, day=28)


def test_key_channels_digest_every() -> None:
    assert [slot(f"every: {every}") for every in ("day", "week")] == [at(9, day=24), at(9, day=28)]


def test_key_channels_digest_on() -> None:
    assert slot("every: week, on: friday") == at(9, day=27)


def test_key_channels_digest_at() -> None:
    assert slot('every: day, at: "21:30"') == at(21, 30)


def test_key_channels_digest_instead() -> None:
    assert waits_for("digest: {every: day, instead: false}") is None
    assert waits_for("digest: {every: day, instead: true}") == (Wait.DIGEST, at(9, day=24))


def test_key_bot_rate() -> None:
    def sent_in_a_second(keys: str) -> int:
        pace, now, sent = BotPace(configured(bot=keys).pace), 0.0, 0
        while now < 1:
            if wait := pace.wait(now):
                now += wait
            else:
                pace.begin(now)
                pace.end(now)
                sent += 1
        return sent

    assert sent_in_a_second("rate: 5") < 7 < 25 < sent_in_a_second("")


def test_key_bot_chat_rate() -> None:
    recent = [NOW - timedelta(seconds=50 - number) for number in range(20)]
    waits = [
        chat_ready_at(recent, NOW, is_group=True, pace=configured(bot=keys).pace) > NOW
        for keys in ("", "chat_rate: 60")
    ]
    assert waits == [True, False]


def next_check(keys: str) -> timedelta:
    quick = manners.Rhythm(NOW, timedelta(minutes=20))
    return manners.next_check(route(feed=keys).feed, Hints(), quick, NOW, has_validators=True).at - NOW


def test_key_feeds_every() -> None:
    usual, often, seldom = next_check(""), next_check("every: 15m"), next_check("every: 6h")
    assert timedelta(minutes=15) <= often < timedelta(minutes=17)
    assert timedelta(minutes=30) <= usual < timedelta(minutes=34)
    assert timedelta(hours=6) <= seldom < timedelta(hours=6.7)


def replayed(keys: str, now: datetime = NOW) -> int | None:
    plan = route(feed=keys, source="archives").feed.replay
    when = replay.slot_at(plan.at, TEHRAN, now) if plan else None
    if plan is None or when is None:
        return None
    days = (datetime(2010 + number, 11, 23 if number == 2 else 3 + number, 9, tzinfo=UTC) for number in range(4))
    posts = [Candidate(number, day) for number, day in enumerate(days)]
    chosen = replay.choose(posts, plan.pick, now.astimezone(TEHRAN).date(), TEHRAN, when)
    return chosen.id if chosen else None


def test_key_archives_replay() -> None:
    assert [replayed(keys) for keys in ("", 'replay: {at: ["09:00"]}')] == [None, 0]


def test_key_archives_replay_at() -> None:
    assert [replayed(f'replay: {{at: ["{clock}"]}}') for clock in ("09:00", "21:00")] == [0, None]


def test_key_archives_replay_pick() -> None:
    picks = [replayed(f'replay: {{at: ["09:00"], pick: {pick}}}') for pick in Pick]
    assert picks[0] == 0
    assert picks[2] == 2
