"""Feeds of the wild, by the path that the bot takes: every one is read, and what others found in them we find."""

import html
import json
import re
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.model import Entry, Feed, FeedKind
from bot.sources.feed import FeedSource
from bot.sources.fetch import Answer, Fetcher
from bot.sources.parsing import Parser
from tests.builders import NOW

#: Where we differ from the manifest, and why that is right.
DISAGREEMENTS = {
    # "8:19 pm CEST" is 18:19 UTC; the parsers behind the manifest lost the "pm".
    "rome__xml_yweather.xml": {("published", 0, "2014-04-20T18:19:00Z", "2014-04-20T08:19:00Z")},
    # "2022-12-17" without a time is 00:00 of that day in bot.timezone (contract), here Tehran's.
    "feed-rs__rss1_rss_1.0_debian.xml": {("published", 0, "2022-12-16T20:30:00Z", "2022-12-17T00:00:00Z")},
}


async def test_every_feed_of_the_corpus_is_read_as_others_read_it(shared: Path) -> None:
    folder = shared / "corpus"
    cases = json.loads((folder / "manifest.json").read_text())["cases"]
    fetcher, parser = Fetcher(user_agent="Qasedak/test"), Parser()
    source = FeedSource(fetcher, parser, zone=ZoneInfo("Asia/Tehran"))
    found = {}
    try:
        for case in cases:
            body = (folder / case["file"]).read_bytes()
            feed = Feed(case["file"], FeedKind.HTTP, "")
            reading, _ending = await source.parse(feed, Answer("", body), NOW)
            assert len(reading.entries) == case["entries"], case["file"]
            if differences := _differences(reading.entries, case["all_entries"] or []):
                found[case["file"]] = differences
    finally:
        parser.close()
    assert len(cases) == 86
    assert found == DISAGREEMENTS


def _differences(entries: tuple[Entry, ...], expected: list[list[str | None]]) -> set[tuple[str, int, str, str]]:
    differences = set()
    for number, (entry, (title, link, published)) in enumerate(zip(entries, expected, strict=False)):
        for name, ours, theirs in (
            ("title", _normalised(entry.title), title),
            ("link", entry.link, link),
            ("published", _in_utc(entry.published), published),
        ):
            if (ours or "") != (theirs or ""):
                differences.add((name, number, ours or "", theirs or ""))
    return differences


def _normalised(title: str | None) -> str:
    """As the manifest's ``normalisation`` says."""
    before, text = None, title or ""
    while before != text:
        before, text = text, html.unescape(text)
    return unicodedata.normalize("NFC", " ".join(re.sub(r"<[^>]*>", "", text).split()))


def _in_utc(instant: datetime | None) -> str | None:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if instant else None
