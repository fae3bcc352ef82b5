"""Which post an entry is: keys, voids, and the canonical link that nobody sees."""

import re
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot import identity
from bot.identity import Known, Likeness, canonical_link, identify
from bot.model import Enclosure, Entry, Flag, Keys
from tests.builders import an_entry
from tests.scenarios import HOME, SCENARIOS, Scenario

# --- the table -----------------------------------------------------------------------------------------------


class _Store:
    """What the store does with documents, without a store."""

    def __init__(self) -> None:
        self.known, self.bodies = Known(), dict[int, bytes]()

    def read(self, *entries: Entry) -> tuple[int, int]:
        """New and edited posts."""
        document = identity.without_repeats(identity.document_of(entries, home=HOME), identity.oldest_first)
        found = identity.resolve(document, self.known)
        edited = sum(self.bodies[post_id] != one.keys.body for post_id, one in found.known.items())
        new = {len(self.bodies) + number: one for number, one in enumerate(identity.oldest_first(found.new))}
        for post_id, keys in [*found.learned, *((post_id, one.keys) for post_id, one in new.items())]:
            self._learn(post_id, keys)
        for post_id, one in (found.known | new).items():
            before = self.known.posts.get(post_id, Likeness(None, None, b""))
            self.known.posts[post_id] = replace(
                before, title=one.entry.title, published=one.entry.published, body=one.keys.body
            )
            self.bodies[post_id] = one.keys.body
        return len(new), edited

    def _learn(self, post_id: int, keys: Keys) -> None:
        own = keys.guid or keys.link
        self.known.contents.setdefault(keys.content, post_id)
        if not own:
            self.known.contents[keys.content] = post_id
        before = self.known.posts.get(post_id, Likeness(None, None, b""))
        guids, links = before.guids, before.links
        if keys.guid:
            self.known.guids[keys.guid] = post_id
            guids |= {keys.guid}
        if keys.link:
            self.known.links[keys.link] = post_id
            links |= {keys.link}
        self.known.posts[post_id] = replace(before, guids=guids, links=links)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))
def test_of_a_second_document_exactly_this_is_new(scenario: Scenario) -> None:
    store = _Store()
    store.read(*scenario.before)
    assert store.read(*scenario.after) == (scenario.new, scenario.edited)
    for again in (scenario.after, (), scenario.after):
        assert store.read(*again) == (0, 0)


# --- ids -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "ident"),
    [
        (an_entry(guid=" tag:a,2026:B\n"), "tag:a,2026:B"),
        (an_entry(guid="  ", link="http://Sky.example/1?utm_source=x#top"), "https://sky.example/1"),
        (an_entry(guid=None, link="mailto:a@sky.example"), None),
        (an_entry(guid="g" * 5000), None),
    ],
    ids=["guid", "link", "content", "long"],
)
def test_the_id_is_the_guid_else_the_link_else_a_hash(entry: Entry, ident: str | None) -> None:
    (found,) = identify([entry])
    if ident is None:
        assert re.fullmatch("[ch]-[0-9a-f]{32}", found.keys.ident)
    else:
        assert found.keys.ident == ident


def test_a_guid_of_entries_with_different_links_is_void_and_flagged() -> None:
    both = identify([an_entry(1), an_entry(2, guid="guid-1")])
    assert [found.keys.guid for found in both] == [None, None]
    assert all(found.entry.flags == (Flag.GUID_UNRELIABLE,) for found in both)
    assert [found.keys.ident for found in both] == ["https://sky.example/1", "https://sky.example/2"]


def test_entries_without_guid_or_link_are_told_apart_by_what_they_enclose() -> None:
    silent = Entry(enclosures=(Enclosure("https://sky.example/1.mp3", "audio/mpeg"),))
    first, second = identify([silent, replace(silent, enclosures=(Enclosure("https://sky.example/2.mp3", ""),))])
    assert first.keys.ident != second.keys.ident


def test_what_a_reader_sees_makes_the_body_and_dates_and_authors_do_not() -> None:
    def body(**changes: Any) -> bytes:
        return identify([an_entry(**changes)])[0].keys.body

    assert body(published=None, author="Sara", tags=("moon",)) == body()
    assert (
        len({body(), body(title="x"), body(content="<p>x</p>"), body(enclosures=(Enclosure("https://a/b", ""),))}) == 4
    )


@pytest.mark.parametrize("counter", ["12 comments", "1,204 views", "۳ نظر", "۱۲ دیدگاه", "۵ بازديد"])
def test_a_counter_is_not_part_of_the_text(counter: str) -> None:
    with_counter = an_entry(content=f"<p>The moon.</p> <small>{counter}</small>")
    assert identify([with_counter])[0].keys.body == identify([an_entry(content="<p>The moon.</p>")])[0].keys.body


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "text",
    ["<" * 200_000, "<!--" * 60_000, "1,1" * 100_000, "<a " * 60_000, "</script " * 60_000, "&#" * 100_000],
    ids=["angles", "comments", "digits", "tags", "scripts", "references"],
)
def test_hostile_texts_are_hashed_in_linear_time(text: str) -> None:
    assert len(identify([an_entry(content=text)])) == 1


# --- order ---------------------------------------------------------------------------------------------------


def test_dates_order_a_document_whatever_its_order() -> None:
    for order in permutations([an_entry(1), an_entry(2), an_entry(3)]):
        found = identity.oldest_first(identify(order))
        assert [one.entry.guid for one in found] == ["guid-1", "guid-2", "guid-3"]


def test_without_dates_or_with_equal_ones_the_end_is_the_oldest() -> None:
    date = an_entry().published
    for published in (None, date):
        found = identity.oldest_first(identify([an_entry(n, published=published) for n in (3, 2, 1)]))
        assert [one.entry.guid for one in found] == ["guid-1", "guid-2", "guid-3"]


# --- links ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "canonical"),
    [
        ("https://example.org", "https://example.org/"),
        ("HTTP://user:pw@Example.ORG:80/A?b=1&a=2", "https://example.org/A?b=1&a=2"),
        ("https://example.org:443/a/", "https://example.org/a/"),
        ("https://example.org:8443/a", "https://example.org:8443/a"),
        ("https://example.org./a", "https://example.org/a"),
        ("https://دفتر.example/آب", "https://xn--pgbjh6d.example/آب"),
        ("http://[2606:4700::1]:80/a", "https://[2606:4700::1]/a"),
        ("https://example.org/#!/moon", "https://example.org/#!/moon"),
        ("https://example.org/#/moon", "https://example.org/#/moon"),
        ("https://example.org/a#moon", "https://example.org/a"),
        ("https://example.org/a?ref=rss&ref=moon&source=my-feed", "https://example.org/a?ref=moon"),
        ("https://example.org/a?fbclid=1&UTM_Source=x&at_medium=y&_hsenc=z&id=7", "https://example.org/a?id=7"),
        ("ftp://example.org/a", None),
        ("javascript:alert(1)", None),
        ("/a", None),
        ("http://[foo/bar", None),
        ("http://example.org:x/", None),
        ("http://./", None),
        ("", None),
        (None, None),
    ],
)
def test_one_page_has_one_canonical_link(link: str | None, canonical: str | None) -> None:
    assert canonical_link(link) == canonical


_words = st.text("abcdefghij-._~%2F", min_size=1, max_size=8)
_pairs = st.lists(st.tuples(st.sampled_from("bcdfg"), _words).map("=".join), max_size=4)
_tracking = st.lists(
    st.sampled_from(["utm_source=rss", "utm_medium=x", "fbclid=1", "gclid=2", "mc_cid=3", "ref=feed", "at_campaign=4"]),
    max_size=4,
)


@given(path=_words, pairs=_pairs, tracking=_tracking, at=st.randoms(use_true_random=False), secure=st.booleans())
def test_no_way_of_linking_to_a_page_changes_its_canonical_link(
    path: str, pairs: list[str], tracking: list[str], at: object, secure: bool
) -> None:
    plain = f"https://example.org/{path}?{'&'.join(pairs)}"
    mixed = list(pairs)
    for parameter in tracking:
        mixed.insert(at.randint(0, len(mixed)), parameter)  # type: ignore[attr-defined]
    scheme = "https://EXAMPLE.org:443" if secure else "http://Example.org:80"
    assert canonical_link(f" {scheme}/{path}?{'&'.join(mixed)}#part\n") == canonical_link(plain)


@example("0\x0c.", "", "http://")
@given(st.text(), st.text(), st.sampled_from(["", "http://", "https://a", "https://a/", "http://a?", "http://[", "#!"]))
def test_any_text_has_a_canonical_link_or_none_and_it_is_its_own(before: str, after: str, start: str) -> None:
    for text in (start + before, start + before + "#" + after, before):
        once = canonical_link(text)
        assert canonical_link(once) == once


@given(st.lists(st.builds(Entry, *[st.none() | st.text(max_size=20)] * 3, content=st.none() | st.text()), max_size=4))
def test_identifying_never_fails_and_says_the_same_twice(entries: list[Entry]) -> None:
    once = identify(entries)
    assert [found.keys for found in once] == [found.keys for found in identify(entries)]
