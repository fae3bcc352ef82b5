"""Every message of the sample archive and of the shared feeds, under each template and language: Telegram's own rules.

TDLib is the oracle: it must take text and entities as they are, and find nothing live that a feed brought.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.identity import identify
from bot.model import Entry, Feed, FeedKind, Language, Length, Message, Reading, Validators
from bot.render import TEMPLATES
from bot.render.dressing import dress
from bot.sources import archive
from bot.sources.feed import FeedSource
from bot.sources.fetch import Answer, Fetcher
from bot.sources.parsing import Parser
from bot.text.richtext import utf16_length
from tests.builders import a_channel, a_post, a_subscription
from tests.tdlib import accepted, live

ROOT = Path(__file__).resolve().parents[2]
ZONE = ZoneInfo("Asia/Tehran")
LANGUAGES: tuple[Language, ...] = ("fa", "en")


def check(reading: Reading, feed: Feed, lengths: Iterable[Length] = (Length.QUOTE,)) -> int:
    """Render each entry in every way; how many messages that was."""
    count = 0
    for found in identify(reading.entries, home=reading.home):
        for language in LANGUAGES:
            for template, length in product(TEMPLATES, lengths):
                messages = rendered(found.entry, feed, language, template, reading.title, length)
                assert messages
                for message in messages:
                    assert 0 < utf16_length(message.text) <= 4096
                    assert len(message.entities) <= 100
                    assert accepted(message.text, message.entities) == (message.text, message.entities)
                    # The channel's own handle and the hashtags are live; nothing else is, but addresses of the web.
                    kinds = {kind for kind, text in live(message.text, message.entities) if text != "@sky_news"}
                    assert kinds <= {
                        "Hashtag",
                        "Url",
                        "EmailAddress",
                        "PhoneNumber",
                        "BankCardNumber",
                        "MediaTimestamp",
                    }
                    count += 1
    return count


def rendered(
    entry: Entry, feed: Feed, language: Language, template: str, title: str | None, length: Length
) -> list[Message]:
    channel = a_channel(language=language, template=template, length=length, source=True, footer="@sky_news")
    subscription = a_subscription(feed=feed, channel=channel)
    return dress(a_post(entry, feed_title=title), subscription)


def test_every_message_of_the_sample_archive_is_taken_as_it_is() -> None:
    feed = Feed("sample", FeedKind.ARCHIVE, str(ROOT / "examples" / "archive" / "*.txt"))
    (reading,) = archive.read(feed, Validators(), ZONE)
    assert check(reading, feed) == len(reading.entries) * 2 * len(TEMPLATES) > 40


def test_every_message_of_the_real_archive_is_taken_as_it_is(shared: Path) -> None:
    feed = Feed("old", FeedKind.ARCHIVE, str(shared / "archive" / "*.txt"))
    (reading,) = archive.read(feed, Validators(), ZONE)
    assert check(reading, feed, Length) >= 5 * 2 * len(TEMPLATES) * len(Length)


@pytest.mark.timeout(1800)
async def test_every_message_of_the_shared_feeds_is_taken_as_it_is(shared: Path, whole_corpus: bool) -> None:
    folder, parser = shared / "corpus", Parser()
    source = FeedSource(Fetcher(user_agent="Qasedak/test"), parser, zone=ZONE)
    count = 0
    try:
        for case in json.loads((folder / "manifest.json").read_text())["cases"]:
            feed = Feed(case["file"], FeedKind.HTTP, "https://feeds.example/feed.xml")
            answer = Answer(
                "https://feeds.example/feed.xml", (folder / case["file"]).read_bytes(), case["content_type"]
            )
            reading, _ending = await source.parse(feed, answer, datetime(2026, 11, 23, tzinfo=UTC))
            entries = reading.entries if whole_corpus else reading.entries[:5]
            lengths = Length if whole_corpus else (Length.QUOTE,)
            count += check(Reading(entries=entries, title=reading.title, home=reading.home), feed, lengths)
    finally:
        parser.close()
    assert count > (10_000 if whole_corpus else 500)
