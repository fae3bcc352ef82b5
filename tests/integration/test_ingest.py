"""Readings become posts, verdicts and deliveries: on SQLite and on PostgreSQL."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update

from bot.errors import StorageError
from bot.manners import NextCheck
from bot.model import (
    DeliveryClass,
    Entry,
    Feed,
    FeedKind,
    Flag,
    Ingested,
    OnWeekdayMismatch,
    Reading,
    SameStory,
    Subscription,
    Validators,
    Verdict,
)
from bot.storage import feeds, ingest, reports
from bot.storage.database import Database
from bot.storage.feeds import Claim, Routes
from bot.storage.schema import deliveries, feed_names, lanes, post_keys, posts, subscriptions, targets, verdicts
from bot.storage.schema import feeds as feed_table
from tests.builders import NOW, a_channel, a_feed, a_subscription, an_entry
from tests.scenarios import HOME, SCENARIOS

BOT = 123456
MINUTE = timedelta(minutes=1)
VALIDATORS = Validators(b'"one"', b"Mon, 23 Nov 2026 08:00:00 GMT", b"d" * 32, "https://sky.example/feed.xml")
MAIN, SECOND = a_channel(), a_channel("second", chat="-1002222222222")
AN_ARCHIVE = a_feed("notes", kind=FeedKind.ARCHIVE, url="/notes/*.txt")
WRONG_DAY = an_entry(2, flags=(Flag.WEEKDAY_MISMATCH,))


class Store:
    """The store as the poller uses it, with the time standing still between readings."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOW
        self.routes = Routes({}, {})

    async def adopt(self, *wanted: Subscription, feeds: Sequence[Feed] = (), bot_id: int = BOT) -> None:
        configured = [*feeds_of(wanted), *feeds]
        self.now += MINUTE
        self.routes = await self.database.write(ingest.adopt, bot_id, configured, wanted, self.now)

    async def claim(self) -> Claim:
        (claim,) = await self.database.write(
            feeds.claim_due, self.now, limit=9, lease=MINUTE, among=self.routes.feeds, forced=True
        )
        return claim

    async def settle(self, claim: Claim) -> None:
        self.now += MINUTE
        await self.database.write(feeds.settle, claim, self.now, NextCheck(self.now, ""), host_free_at=self.now)

    async def read(self, *entries: Entry, batches: int = 1, **changes: Any) -> Ingested:
        """One reading of the only feed; the last batch's outcome."""
        claim = await self.claim()
        size = -(-len(entries) // batches) or 1
        for start in range(0, size * batches, size):
            last = start + size >= size * batches
            reading = Reading(tuple(entries[start : start + size]), VALIDATORS if last else Validators(), home=HOME)
            reading = replace(reading, **{"last": last, **changes})
            done = await self.database.write(ingest.ingest, claim, reading, self.routes, self.now)
        await self.settle(claim)
        return done

    async def ask(self, query: Any) -> list[Any]:
        def run(connection: Connection) -> list[Any]:
            return [row[0] if len(row) == 1 else tuple(row) for row in connection.execute(query)]

        return await self.database.read(run)

    async def sent_to(self, bot_id: int = BOT, chat: str = MAIN.chat) -> list[str]:
        """The idents of what waits for a chat, in the order in which it goes out."""
        return await self.ask(
            select(posts.c.ident)
            .select_from(deliveries.join(posts).join(targets, targets.c.id == deliveries.c.target_id))
            .where(deliveries.c.bot_id == bot_id, targets.c.chat == chat)
            .order_by(deliveries.c.turn, deliveries.c.id)
        )


def feeds_of(wanted: Sequence[Subscription]) -> list[Feed]:
    # A dict: two routes of one feed configure it once; a Feed with its headers cannot be hashed.
    return list({subscription.feed.name: subscription.feed for subscription in wanted}.values())


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def small(sqlite: Database) -> Store:
    """On SQLite alone, for decisions made in Python."""
    return Store(sqlite)


def entries(*numbers: int) -> list[Entry]:
    """Newest first, as feeds have them."""
    return [an_entry(number) for number in sorted(numbers, reverse=True)]


# --- the same post or a new one ------------------------------------------------------------------------------


async def test_of_a_second_document_exactly_this_is_published(store: Store) -> None:
    """One database and one feed a row: making databases takes longer than reading."""
    found, expected = {}, {}
    for number, (name, scenario) in enumerate(SCENARIOS.items()):
        await store.adopt(a_subscription(a_feed(f"sky-{number}"), a_channel(same_story=SameStory.OFF)))
        await store.read(*scenario.before)
        second = await store.read(*scenario.after)
        found[name] = [(second.new, second.edited, second.enqueued)]
        for again in (scenario.after, (), scenario.after):
            third = await store.read(*again)
            found[name].append((third.new, third.edited, third.enqueued))
        expected[name] = [(scenario.new, scenario.edited, scenario.new), *[(0, 0, 0)] * 3]
    assert found == expected


async def test_an_entry_that_was_away_for_long_is_not_new(small: Store) -> None:
    await small.adopt(a_subscription())
    await small.read(*entries(1, 2))
    for _reading in range(5):
        assert await small.read(*entries(2)) == Ingested()
    assert (await small.read(*entries(1, 2))).new == 0


async def test_an_edit_raises_the_version_once_and_sends_nothing(store: Store) -> None:
    await store.adopt(a_subscription())
    await store.read()
    await store.read(*entries(1))
    for _reading in range(2):
        await store.read(an_entry(1, title="Edited", published=NOW, tags=("moon",)))
    assert await store.ask(select(posts.c.title, posts.c.version, posts.c.published_at)) == [
        ("Edited", 2, an_entry(1).published)
    ]
    assert await store.sent_to() == ["guid-1"]


async def test_edits_count_five_times_at_most_and_not_too_fast_but_the_words_stay_the_newest(store: Store) -> None:
    await store.adopt(a_subscription())
    await store.read(*entries(1))
    counted = []
    for number, pause in enumerate([0, 2, 20, 20, 20, 20, 20]):
        store.now += pause * MINUTE
        counted.append((await store.read(an_entry(1, title=f"Edit {number}"))).edited)
    assert counted == [1, 0, 1, 1, 1, 1, 0]
    assert await store.ask(select(posts.c.title, posts.c.version, posts.c.edit_count)) == [("Edit 6", 8, 5)]


async def test_a_feed_that_used_one_guid_twice_is_known_by_its_links_from_then_on(store: Store) -> None:
    await store.adopt(a_subscription())
    await store.read(*entries(1, 2))
    one, other = an_entry(3, guid="same"), an_entry(4, guid="same")
    assert (await store.read(one, other)).new == 2
    assert await store.ask(select(feed_table.c.guid_unreliable)) == [True]
    # What was known by its guid is so still: by its link, and with another link by its words.
    moved = an_entry(1, link="https://sky.example/moved")
    assert await store.read(moved, an_entry(2, title="Edited")) == Ingested(edited=1)
    assert (await store.read(an_entry(5, guid="same"), an_entry(6, guid="guid-2"))).new == 2
    assert (await store.read(an_entry(7, link=None), an_entry(7, link=None, title="Edited"))).new == 1


async def test_when_a_key_was_last_seen_is_kept_to_the_day(small: Store) -> None:
    def oldest() -> Any:
        return small.ask(select(func.min(post_keys.c.last_seen_at)).where(post_keys.c.kind == "G"))

    await small.adopt(a_subscription())
    await small.read(*entries(1))
    first = await oldest()
    await small.read(*entries(1, 2))
    assert await oldest() == first
    small.now += timedelta(days=1)
    await small.read(*entries(1, 2, 3))
    assert await oldest() == [small.now - MINUTE]


async def test_an_id_longer_than_an_index_takes_is_kept_as_its_hash(store: Store) -> None:
    await store.adopt(a_subscription())
    guid = "".join(chr(0x4E00 + (number * 7919) % 20000) for number in range(4000))
    assert (await store.read(an_entry(1, guid=guid))).new == 1
    assert (await store.read(an_entry(1, guid=guid))).new == 0


async def test_an_id_that_another_post_has_is_made_its_own(small: Store) -> None:
    await small.adopt(a_subscription())
    taken = an_entry(1, guid="https://sky.example/2", link=None)
    await small.read(taken, an_entry(2, guid=None))
    idents = await small.ask(select(posts.c.ident).order_by(posts.c.ident))
    assert len(set(idents)) == 2
    assert idents[0] == "https://sky.example/2"


# --- the first reading ---------------------------------------------------------------------------------------


async def test_of_equal_dates_the_one_further_down_is_published_first(small: Store) -> None:
    await small.adopt(a_subscription(a_feed(backfill=2)))
    await small.read(*(an_entry(number, published=NOW) for number in (3, 2, 1)))
    assert await small.sent_to() == ["guid-2", "guid-3"]


@pytest.mark.parametrize(
    ("backfill", "sent"),
    [(0, []), (2, ["guid-3", "guid-4"]), (None, ["guid-1", "guid-2", "guid-3", "guid-4"])],
    ids=["none", "some", "all"],
)
@pytest.mark.parametrize("batches", [1, 2, 4], ids=["whole", "two-batches", "four-batches"])
async def test_a_first_reading_publishes_its_newest_oldest_first(
    small: Store, backfill: int | None, sent: list[str], batches: int
) -> None:
    await small.adopt(a_subscription(a_feed(backfill=backfill)))
    first = await small.read(*entries(1, 2, 3, 4), batches=batches)
    assert first.enqueued == len(sent)
    assert first.first_reading
    assert await small.sent_to() == sent
    assert set(await small.ask(select(posts.c.is_old))) == {True}
    assert set(await small.ask(select(deliveries.c.turn))) <= {DeliveryClass.BACKFILL}
    second = await small.read(*entries(4, 5))
    assert (second.new, second.enqueued, second.first_reading) == (1, 1, False)
    assert await small.ask(select(posts.c.is_old).where(posts.c.ident == "guid-5")) == [False]
    # The new one goes before those that wait from the backfill.
    assert await small.sent_to() == ["guid-5", *sent]


async def test_a_first_reading_that_never_ended_is_still_the_first(small: Store) -> None:
    await small.adopt(a_subscription(a_feed(backfill=1)))
    await small.read(*entries(1, 2), last=False)
    assert await small.sent_to() == []
    assert (await small.read(*entries(1, 2, 3))).first_reading
    assert await small.sent_to() == ["guid-3"]


async def test_a_first_reading_may_be_empty(small: Store) -> None:
    await small.adopt(a_subscription(a_feed(backfill=5)))
    await small.read()
    assert (await small.read(*entries(1))).enqueued == 1


async def test_a_first_answer_without_news_is_no_first_reading(small: Store) -> None:
    await small.adopt(a_subscription(a_feed(backfill=5)))
    await small.read(*entries(1), last=False)
    await small.read(modified=False)
    assert await small.sent_to() == []
    assert (await small.read(*entries(1))).first_reading


async def test_two_names_of_one_address_have_filters_of_their_own(store: Store) -> None:
    url = "https://sky.example/feed.xml"
    odd, even = a_feed("odd", url=url, exclude=("2",)), a_feed("even", url=url, include=("2", "4"))
    await store.adopt(a_subscription(odd), a_subscription(even, channel=SECOND, include=("re:number [24]",)))
    await store.read(an_entry(9))
    await store.read(*entries(1, 2, 3))
    assert await store.sent_to() == ["guid-1", "guid-3"]
    assert await store.sent_to(chat=SECOND.chat) == ["guid-2"]
    shown = await store.database.read(reports.post_reports, BOT, "odd")
    (report,) = (report for report in shown if report.post.ident == "guid-2")
    assert [(chat.verdict, chat.reason) for chat in report.chats] == [
        (Verdict.FILTERED, "exclude: 2"),
        (Verdict.PENDING, ""),
    ]


async def test_a_backfill_is_the_newest_posts_that_pass(store: Store) -> None:
    await store.adopt(a_subscription(a_feed(backfill=2, exclude=("title:re:[0369]$",))))
    await store.read(*entries(*range(10)))
    assert await store.sent_to() == ["guid-7", "guid-8"]
    filtered = select(posts.c.ident).join(verdicts).where(verdicts.c.verdict == Verdict.FILTERED)
    assert await store.ask(filtered) == ["guid-9"]  # the others are the baseline: nobody looked at their words


async def test_the_backfill_knows_no_age_but_knows_languages_and_holds(store: Store) -> None:
    archive = replace(AN_ARCHIVE, backfill=2)
    await store.adopt(a_subscription(archive, replace(MAIN, only=("en",))), a_subscription(archive, SECOND))
    old = [an_entry(number, published=datetime.fromisoformat(f"201{number}-01-01T00:00Z")) for number in range(1, 6)]
    old[3] = replace(old[3], language="fa")
    old[4] = replace(old[4], flags=(Flag.INVALID_DATE,))
    await store.read(*old)
    assert await store.sent_to() == ["guid-2", "guid-3"]
    assert await store.sent_to(chat=SECOND.chat) == ["guid-3", "guid-4"]


async def test_undated_and_future_posts_are_dated_when_they_were_seen(small: Store) -> None:
    await small.adopt(a_subscription())
    in_a_year = NOW + timedelta(days=365)
    await small.read(an_entry(1, published=in_a_year), an_entry(2, published=None), an_entry(3))
    found = dict(await small.ask(select(posts.c.ident, posts.c.effective_at)))
    assert found == {"guid-1": NOW + MINUTE, "guid-2": NOW + MINUTE, "guid-3": an_entry(3).published}


# --- what goes out later -------------------------------------------------------------------------------------


async def test_new_posts_go_out_oldest_first(small: Store) -> None:
    await small.adopt(a_subscription())
    await small.read()
    await small.read(*entries(1, 2, 3))
    assert await small.sent_to() == ["guid-1", "guid-2", "guid-3"]


async def test_what_does_not_go_out_says_why(store: Store) -> None:
    only_persian, young = replace(MAIN, only=("fa",)), replace(SECOND, max_age=timedelta(days=1))
    await store.adopt(a_subscription(channel=only_persian), a_subscription(channel=young))
    await store.read()
    await store.read(*entries(1))
    assert await store.ask(select(deliveries.c.id)) == []
    found = await store.ask(
        select(targets.c.channel, verdicts.c.verdict, verdicts.c.reason).join_from(verdicts, targets)
    )
    assert sorted(found) == [
        ("main", "filtered", "its language is en; only fa goes here"),
        ("second", "too-old", "3d old when it appeared; max_age is 1d"),
    ]


@pytest.mark.parametrize(
    ("setting", "sent", "stored"),
    [
        (OnWeekdayMismatch.HOLD, ["guid-1"], 2),
        (OnWeekdayMismatch.POST, ["guid-1", "guid-2"], 2),
        (OnWeekdayMismatch.SKIP, ["guid-1"], 1),
    ],
)
async def test_a_wrong_weekday_is_held_posted_or_left_out(
    small: Store, setting: OnWeekdayMismatch, sent: list[str], stored: int
) -> None:
    await small.adopt(a_subscription(replace(AN_ARCHIVE, on_weekday_mismatch=setting)))
    await small.read()
    await small.read(an_entry(1), WRONG_DAY)
    assert await small.sent_to() == sent
    assert len(await small.ask(select(posts.c.id))) == stored


async def test_a_held_post_goes_out_once_its_archive_is_corrected(store: Store) -> None:
    await store.adopt(a_subscription(AN_ARCHIVE))
    await store.read(an_entry(1))
    await store.read(an_entry(1), WRONG_DAY)
    assert await store.ask(select(posts.c.held).where(posts.c.held.is_not(None))) != []
    for _reading in range(2):
        await store.read(an_entry(1), replace(WRONG_DAY, flags=()))
    assert await store.sent_to() == ["guid-2"]
    assert set(await store.ask(select(posts.c.held))) == {None}


@pytest.mark.parametrize(("backfill", "sent"), [(0, []), (1, ["guid-1"]), (None, ["guid-2", "guid-1"])])
async def test_a_post_of_the_first_reading_that_is_corrected_goes_out_if_all_did(
    small: Store, backfill: int | None, sent: list[str]
) -> None:
    await small.adopt(a_subscription(replace(AN_ARCHIVE, backfill=backfill)))
    await small.read(an_entry(1), WRONG_DAY)
    await small.read(an_entry(1), replace(WRONG_DAY, flags=()))
    assert await small.sent_to() == sent


async def test_what_was_held_is_read_again_when_weekdays_no_longer_matter(store: Store) -> None:
    await store.adopt(a_subscription(AN_ARCHIVE))
    await store.read()
    await store.read(WRONG_DAY)
    assert await store.ask(select(feed_table.c.digest)) == [VALIDATORS.digest]
    await store.adopt(a_subscription(replace(AN_ARCHIVE, on_weekday_mismatch=OnWeekdayMismatch.POST)))
    assert await store.ask(select(feed_table.c.digest)) == [None]
    await store.read(WRONG_DAY)
    assert await store.sent_to() == ["guid-2"]


async def test_a_waiting_lane_is_woken(store: Store) -> None:
    await store.adopt(a_subscription())
    await store.read()

    def rest(connection: Connection) -> None:
        connection.execute(update(lanes).values(next_at=None))

    await store.database.write(rest)
    await store.read(*entries(1))
    assert await store.ask(select(lanes.c.next_at)) == [store.now - MINUTE]


# --- one transaction, one owner ------------------------------------------------------------------------------


async def test_a_lost_lease_stores_nothing(store: Store) -> None:
    await store.adopt(a_subscription())
    stale = await store.claim()
    store.now += 2 * MINUTE
    await store.claim()
    reading = Reading(tuple(entries(1)), VALIDATORS)
    with pytest.raises(StorageError, match="another process has taken it over"):
        await store.database.write(ingest.ingest, stale, reading, store.routes, store.now)
    settled = await store.database.write(
        feeds.settle, stale, store.now, NextCheck(store.now, ""), host_free_at=store.now
    )
    assert not settled
    assert await store.ask(select(posts.c.id)) == []
    assert await store.ask(select(feed_table.c.etag)) == [None]


async def test_validators_are_kept_with_the_last_batch_only(store: Store) -> None:
    def stored() -> Any:
        return store.ask(
            select(feed_table.c.etag, feed_table.c.last_modified, feed_table.c.digest, feed_table.c.validators_url)
        )

    await store.adopt(a_subscription())
    await store.read(*entries(1), last=False)
    assert await stored() == [(None, None, None, None)]
    await store.read(*entries(1, 2))
    assert await stored() == [(VALIDATORS.etag, VALIDATORS.last_modified, VALIDATORS.digest, VALIDATORS.url)]
    await store.read(*entries(3), last=False)
    assert await stored() == [(VALIDATORS.etag, VALIDATORS.last_modified, VALIDATORS.digest, VALIDATORS.url)]
    await store.read(modified=False, validators=Validators(b'"two"', digest=b"e" * 32))
    assert await stored() == [(b'"two"', None, b"e" * 32, None)]
    claim = await store.claim()
    assert claim.validators == Validators(b'"two"', digest=b"e" * 32)


async def test_a_batch_that_cannot_be_stored_leaves_nothing_behind(store: Store) -> None:
    await store.adopt(a_subscription())
    claim = await store.claim()
    # No text column of SQLite or PostgreSQL takes these; sources take them out.
    bad = an_entry(2, title="\ud800")
    with pytest.raises((StorageError, UnicodeEncodeError)):
        await store.database.write(ingest.ingest, claim, Reading((an_entry(1), bad), VALIDATORS), store.routes, NOW)
    assert await store.ask(select(posts.c.id)) == []
    assert await store.ask(select(post_keys.c.hash)) == []
    assert await store.ask(select(feed_table.c.etag)) == [None]


# --- feeds.yaml changes --------------------------------------------------------------------------------------


async def test_two_names_of_one_address_are_one_feed_and_one_delivery(store: Store) -> None:
    twin = a_feed("twin", url=a_feed().url, every=timedelta(minutes=15))
    await store.adopt(a_subscription(), a_subscription(twin), a_subscription(twin, SECOND))
    (feed,) = store.routes.feeds.values()
    assert feed.every == twin.every
    await store.read()
    assert (await store.read(*entries(1))).enqueued == 2
    assert await store.sent_to() == await store.sent_to(chat=SECOND.chat) == ["guid-1"]


async def test_a_channel_that_comes_later_starts_at_now(store: Store) -> None:
    feed = a_feed(backfill=None)
    await store.adopt(a_subscription(feed))
    await store.read(*entries(1))
    await store.adopt(a_subscription(feed), a_subscription(feed, SECOND))
    await store.read(*entries(1, 2))
    assert await store.sent_to(chat=SECOND.chat) == ["guid-2"]


async def test_a_channel_of_a_feed_that_was_read_for_nobody_starts_at_now(small: Store) -> None:
    feed = a_feed(backfill=None)
    await small.adopt(feeds=[feed])
    await small.read(*entries(1))
    await small.adopt(a_subscription(feed))
    assert await small.sent_to() == []
    await small.read(*entries(1, 2))
    assert await small.sent_to() == ["guid-2"]


@pytest.mark.parametrize(("backfill", "sent"), [(0, []), (1, ["guid-3"]), (None, ["guid-1", "guid-2", "guid-3"])])
async def test_what_the_preview_showed_was_not_sent_by_the_bot(
    small: Store, backfill: int | None, sent: list[str]
) -> None:
    feed = a_feed(backfill=backfill)
    await small.adopt(a_subscription(feed), bot_id=0)
    await small.read(*entries(1, 2))
    await small.read(*entries(1, 2, 3))
    shown = await small.sent_to(0)
    await small.adopt(a_subscription(feed))
    assert await small.sent_to() == sent
    assert await small.sent_to(0) == shown
    await small.adopt(a_subscription(feed))
    await small.adopt(a_subscription(feed), bot_id=0)
    assert await small.sent_to() == sent
    assert await small.sent_to(0) == shown


async def test_a_renamed_feed_keeps_its_history_and_what_waits(store: Store) -> None:
    await store.adopt(a_subscription())
    await store.read(*entries(1))
    await store.read(*entries(1, 2))
    await store.adopt(a_subscription(a_feed("heaven", url=a_feed().url, backfill=None)))
    assert (await store.read(*entries(1, 2))).new == 0
    assert await store.sent_to() == ["guid-2"]
    waiting = await store.ask(select(deliveries.c.subscription_id))
    assert waiting == list(store.routes.subscriptions)
    assert await store.ask(select(feed_names.c.name).where(feed_names.c.active)) == ["heaven"]


async def test_two_names_may_become_one(small: Store) -> None:
    twin, one = a_feed("twin", url=a_feed().url), a_feed("one", url=a_feed().url)
    await small.adopt(a_subscription(), a_subscription(twin))
    await small.adopt(a_subscription(one))
    assert len(small.routes.subscriptions) == 1
    assert len(await small.ask(select(subscriptions.c.id).where(subscriptions.c.active))) == 1


async def test_a_moved_feed_keeps_its_history_and_loses_its_validators(store: Store) -> None:
    await store.adopt(a_subscription())
    await store.read(*entries(1))
    await store.adopt(a_subscription(a_feed(url="https://moved.example:8443/feed")))
    claim = await store.claim()
    assert (claim.host, claim.is_first, claim.validators) == ("moved.example:8443", False, Validators())
    await store.settle(claim)
    assert await store.read(*entries(1, 2)) == Ingested(new=1, enqueued=1)


async def test_names_of_one_address_that_part_are_two_feeds_again(small: Store) -> None:
    twin = a_feed("twin", url=a_feed().url)
    await small.adopt(a_subscription(), a_subscription(twin))
    await small.adopt(
        a_subscription(a_feed(url="https://a.example/")), a_subscription(replace(twin, url="https://b.example/"))
    )
    assert sorted(feed.url for feed in small.routes.feeds.values()) == ["https://a.example/", "https://b.example/"]
    assert sorted(await small.ask(select(feed_table.c.url))) == ["https://a.example/", "https://b.example/"]


async def test_names_that_change_places_keep_their_addresses_history(small: Store) -> None:
    first, second = a_feed("first"), a_feed("second")
    await small.adopt(a_subscription(first), a_subscription(second))
    before = {feed.url: feed.id for feed in small.routes.feeds.values()}
    await small.adopt(a_subscription(replace(first, url=second.url)), a_subscription(replace(second, url=first.url)))
    assert {feed.url: feed.id for feed in small.routes.feeds.values()} == before


async def test_a_removed_feed_is_kept_but_not_read(small: Store) -> None:
    await small.adopt(a_subscription(), a_subscription(a_feed("other")))
    await small.adopt(a_subscription())
    assert (await small.claim()).feed_id in small.routes.feeds
    assert len(await small.ask(select(feed_table.c.id))) == 2
    assert await small.ask(select(feed_names.c.name).where(~feed_names.c.active)) == ["other"]
    assert await small.ask(select(subscriptions.c.feed_name).where(~subscriptions.c.active)) == ["other"]


async def test_a_route_that_left_and_returned_starts_at_now(small: Store) -> None:
    feed = a_feed(backfill=None)
    await small.adopt(a_subscription(feed))
    await small.read()
    await small.adopt(feeds=[AN_ARCHIVE])
    await small.adopt(a_subscription(feed))
    assert await small.read(*entries(1)) == Ingested(new=1, enqueued=1)
