"""What people and groups follow by themselves: from a subscription in the store to the messages that they get."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select

from bot.errors import ChatGone, ChatMigrated
from bot.model import OWN_SENTENCES, OWN_TEMPLATES, Calendar, ChatOptions, Digits, Language, Media
from bot.storage import feeds, people, records, subscribers
from bot.storage.schema import deliveries, edits
from bot.storage.subscribers import Outcome, Place
from bot.text import persian
from tests.builders import NOW, a_channel, a_feed, a_subscription, an_entry
from tests.stage import Stage

BOT, SARA, OMID, GROUP = 123456, 7, 8, -1003333333333
OLD, NEW = an_entry(1), an_entry(2)


async def follow(stage: Stage, chat_id: int, feed: str = "sky", thread: int = 0) -> Outcome:
    place = Place(stage.sender.bot_id, chat_id, thread)
    return await stage.database.write(subscribers.follow_feed, place, feed_id(stage, feed), stage.clock.now())


def feed_id(stage: Stage, name: str = "sky") -> int:
    return next(number for number, feed in stage.routes.feeds.items() if feed.name == name)


async def follow_tag(stage: Stage, chat_id: int, tag: str) -> Outcome:
    folded = persian.key_fold(tag)
    return await stage.database.write(
        subscribers.follow_tag, Place(stage.sender.bot_id, chat_id), tag, folded, stage.clock.now()
    )


async def a_followed_feed(stage: Stage, *chat_ids: int) -> None:
    """A feed that goes to no channel, read once, and then followed."""
    await stage.adopt(feeds=[a_feed("sky")])
    await stage.read(OLD)
    for chat_id in chat_ids:
        assert await follow(stage, chat_id) is Outcome.NEW
    await stage.read(OLD)  # the reading that settles what came while nobody followed


async def deliver(stage: Stage) -> list[tuple[int, str]]:
    """Chats and first lines of everything sent from now on."""
    before = len(stage.sender.sent)
    await stage.deliver_until_idle(stage.outbox())
    return sorted((chat_id, text.split("\n")[0]) for chat_id, text, _at in stage.sender.sent[before:])


async def test_a_new_post_reaches_everybody_who_follows_its_feed_and_nobody_else(stage: Stage) -> None:
    await a_followed_feed(stage, SARA, GROUP)
    assert await follow(stage, SARA) is Outcome.ALREADY
    await stage.read(OLD, NEW)
    assert await deliver(stage) == [(GROUP, "Moon number 2"), (SARA, "Moon number 2")]
    await stage.read(OLD, NEW)
    assert await deliver(stage) == []


async def test_nothing_that_was_there_before_is_sent(stage: Stage) -> None:
    await stage.adopt(feeds=[a_feed("sky")])
    await stage.read(OLD)
    await follow(stage, SARA)
    stage.clock.advance(timedelta(minutes=10))
    since = an_entry(20, published=stage.clock.now())
    undated = an_entry(21, published=None)
    # What came while nobody followed it, in one reading with what came since.
    await stage.read(since, undated, *(an_entry(number) for number in range(1, 3)))
    assert await deliver(stage) == [(SARA, "Moon number 20")]
    await stage.read(since, undated, *(an_entry(number) for number in range(1, 4)))
    assert await deliver(stage) == [(SARA, "Moon number 3")]


async def test_a_feed_for_subscribers_only_is_asked_while_somebody_follows_it(stage: Stage) -> None:
    await stage.adopt(feeds=[a_feed("sky")])
    await stage.read(OLD)
    among = [feed_id(stage)]
    assert await stage.database.read(feeds.claimable_at, among, forced=False) is None
    await follow(stage, SARA)
    await follow(stage, OMID)
    (claim,) = await stage.database.write(
        feeds.claim_due, stage.clock.now(), limit=1, lease=timedelta(minutes=1), among=among
    )
    assert claim.subscribers == 2
    await stage.database.write(feeds.release, claim, host_free_at=NOW)
    for chat_id in (SARA, OMID):
        await stage.database.write(subscribers.unfollow, Place(BOT, chat_id), feed_id=among[0])
    assert await stage.database.read(feeds.claimable_at, among, forced=False) is None


async def test_reading_the_configuration_again_ends_no_subscription(stage: Stage) -> None:
    await a_followed_feed(stage, SARA)
    await stage.adopt(a_subscription())
    await stage.adopt(feeds=[a_feed("sky")])
    await stage.read(OLD, NEW)
    assert await deliver(stage) == [(SARA, "Moon number 2")]


async def test_each_chat_gets_posts_in_its_own_form(stage: Stage) -> None:
    await a_followed_feed(stage, SARA, OMID)
    chosen = ChatOptions(
        language="en", calendars=(Calendar.GREGORIAN,), summary=0, silent=True, timezone="Pacific/Auckland"
    )
    await stage.database.write(people.choose, BOT, SARA, chosen)
    await stage.read(OLD, NEW)
    await deliver(stage)
    forms = {chat: message for (chat, *_), message in zip(stage.sender.sent, stage.sender.messages, strict=True)}
    assert "Friday, 20 November 2026" in forms[SARA].text
    assert "Binoculars" not in forms[SARA].text
    assert forms[SARA].silent
    assert "جمعه ۲۹ آبان ۱۴۰۵" in forms[OMID].text
    assert "Binoculars" in forms[OMID].text


async def test_a_hashtag_is_followed_over_all_feeds_and_however_it_is_spelled(stage: Stage) -> None:
    await stage.adopt(a_subscription(), a_subscription(feed=a_feed("garden")))
    for name in ("sky", "garden"):
        await stage.read(OLD, feed=name)
    assert await follow_tag(stage, SARA, "#شب_یلدا") is Outcome.NEW
    assert await follow_tag(stage, SARA, "#شب‌یلدا") is Outcome.ALREADY
    await follow(stage, SARA)
    tagged = replace(NEW, tags=("شب يلدا", "Moon"))
    await stage.read(OLD, tagged)
    await stage.read(OLD, replace(tagged, title="Garlic"), an_entry(3), feed="garden")
    assert [each for each in await deliver(stage) if each[0] == SARA] == [(SARA, "Garlic"), (SARA, "Moon number 2")]


async def test_a_muted_source_is_not_sent_and_comes_back_by_itself(stage: Stage) -> None:
    await a_followed_feed(stage, SARA)
    await stage.read(OLD, NEW)
    until = stage.clock.now() + timedelta(days=7)
    place = Place(BOT, SARA)
    assert await stage.database.write(subscribers.mute, place, feed_id(stage), until)
    assert not await stage.database.write(subscribers.mute, Place(BOT, OMID), feed_id(stage), until)
    await stage.read(OLD, NEW, an_entry(3))
    assert await deliver(stage) == []
    (followed,) = await stage.database.read(subscribers.followed, place)
    assert followed.muted_until == until
    stage.clock.advance(timedelta(days=7, seconds=1))
    await stage.read(OLD, NEW, an_entry(3), an_entry(4))
    assert await deliver(stage) == [(SARA, "Moon number 4")]


async def test_what_waits_is_not_sent_after_one_has_left_the_feed(stage: Stage) -> None:
    await a_followed_feed(stage, SARA)
    await stage.read(OLD, NEW)
    place = Place(BOT, SARA)
    assert await stage.database.write(subscribers.unfollow, place, feed_id=feed_id(stage))
    assert not await stage.database.write(subscribers.unfollow, place, feed_id=feed_id(stage))
    assert await deliver(stage) == []
    assert await stage.states() == ["dropped"]


async def test_a_chat_that_blocked_the_bot_gets_nothing_until_it_is_back(stage: Stage) -> None:
    await a_followed_feed(stage, SARA)
    await stage.read(OLD, NEW)
    stage.sender.faults.append(ChatGone("bot was blocked by the user"))
    assert await deliver(stage) == []
    await follow(stage, OMID)
    await stage.read(OLD, NEW)
    await stage.read(OLD, NEW, an_entry(3))
    assert await deliver(stage) == [(OMID, "Moon number 3")]
    await stage.database.write(subscribers.come_back, BOT, SARA)
    await stage.read(OLD, NEW, an_entry(3), an_entry(4))
    assert await deliver(stage) == [(SARA, "Moon number 4"), (OMID, "Moon number 4")]


async def test_a_group_that_becomes_a_supergroup_keeps_what_it_chose(lite: Stage) -> None:
    await a_followed_feed(lite, GROUP)
    await lite.database.write(people.choose, BOT, GROUP, ChatOptions(language="en"))
    await lite.read(OLD, NEW)
    lite.sender.faults.append(ChatMigrated("upgraded", new_chat_id=-1009))
    assert await deliver(lite) == [(-1009, "Moon number 2")]
    assert (await lite.database.read(people.options, BOT, -1009)).language == "en"
    assert len(await lite.database.read(subscribers.followed, Place(BOT, -1009))) == 1


async def test_a_channel_that_follows_what_is_routed_into_it_gets_it_once(stage: Stage) -> None:
    await stage.adopt(a_subscription(channel=a_channel(chat="@gardeners")))
    await stage.read(OLD)
    await follow(stage, GROUP)
    (target,) = await stage.database.read(feeds.unresolved, BOT)
    await stage.database.write(feeds.resolve_target, target.target_id, GROUP, stage.clock.now())
    await stage.read(OLD, NEW)
    assert await deliver(stage) == [(GROUP, "Moon number 2")]


async def test_a_topic_of_a_forum_has_subscriptions_of_its_own(lite: Stage) -> None:
    await lite.adopt(feeds=[a_feed("sky")])
    await lite.read(OLD)
    await follow(lite, GROUP, thread=12)
    assert await lite.database.read(subscribers.followed, Place(BOT, GROUP)) == []
    await lite.read(OLD)
    await lite.read(OLD, NEW)
    await deliver(lite)
    (message,) = lite.sender.messages
    assert message.thread == 12


def note_edits(connection: Connection) -> None:
    """Rows that point to deliveries, as those of an edit do."""
    connection.execute(insert(edits).from_select(["delivery_id"], select(deliveries.c.id)))


async def test_leaving_deletes_everything_about_a_person_and_nothing_of_others(stage: Stage) -> None:
    await a_followed_feed(stage, SARA, OMID)
    await follow_tag(stage, SARA, "#moon")
    await stage.database.write(people.choose, BOT, SARA, ChatOptions(language="en", silent=True))
    await stage.read(OLD, NEW)
    await deliver(stage)
    await stage.read(OLD, NEW, an_entry(3))
    await stage.database.write(note_edits)
    await stage.database.write(subscribers.forget, BOT, SARA)
    assert await deliver(stage) == [(OMID, "Moon number 3")]
    assert {row["chat"] for row in await stage.rows()} == {OMID}
    assert await stage.database.read(subscribers.followed, Place(BOT, SARA)) == []
    assert await stage.database.read(people.options, BOT, SARA) == ChatOptions()
    assert await follow(stage, SARA) is Outcome.NEW


async def test_one_chat_cannot_follow_without_end(lite: Stage) -> None:
    await lite.adopt()
    outcomes = [await follow_tag(lite, SARA, f"#tag{number}") for number in range(subscribers.MOST_OF_A_CHAT + 1)]
    assert outcomes.count(Outcome.NEW) == subscribers.MOST_OF_A_CHAT
    assert outcomes[-1] is Outcome.TOO_MANY


OPTIONS = st.builds(
    ChatOptions,
    language=st.sampled_from([None, *get_args(Language)]),
    timezone=st.sampled_from([None, "Asia/Tehran"]),
    calendars=st.sampled_from([(Calendar.JALALI,), (Calendar.GREGORIAN, Calendar.JALALI)]),
    digits=st.sampled_from(Digits),
    summary=st.sampled_from(OWN_SENTENCES),
    media=st.sampled_from(Media),
    silent=st.booleans(),
    template=st.sampled_from(OWN_TEMPLATES),
)


@given(OPTIONS)
def test_what_a_chat_chose_is_kept_as_it_is(chosen: ChatOptions) -> None:
    stored = records.json_of_options(chosen)
    assert records.options_of(stored, chosen.language) == chosen


def test_choices_of_another_version_are_the_default() -> None:
    stored = {"calendars": ["mayan"], "digits": "roman", "media": "hologram", "summary": 99, "template": "gold"}
    assert records.options_of(stored, "tlh") == ChatOptions()
