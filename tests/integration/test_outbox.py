"""The outbox's state machine: what each answer of Telegram leads to, and what a restart finds."""

import asyncio
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import Connection, select, update

from bot import process
from bot.errors import (
    ChatGone,
    ChatMigrated,
    MessageRejected,
    RetryLater,
    RightsMissing,
    StorageError,
    TokenRejected,
    Uncertain,
)
from bot.model import PREVIEW_BOT, Calendar, Message, OnUncertain, SentMessage
from bot.pacing import Pace
from bot.storage import lane_heads, lanes, records
from bot.storage.lane_heads import Visit
from bot.storage.lanes import Lane, LeaseLost
from bot.storage.schema import deliveries, targets
from bot.storage.schema import lanes as lane_table
from tests.builders import a_channel, a_feed, a_subscription, an_entry
from tests.fakes.sender import FakeSender
from tests.stage import Stage

CHANNEL = -1001111111111


async def a_stage_with(stage: Stage, count: int) -> None:
    """A baseline, and then *count* new posts."""
    await stage.adopt()
    await stage.read(an_entry(0))
    await stage.read(an_entry(0), *(an_entry(number) for number in range(1, count + 1)))


async def test_new_posts_go_out_once_oldest_first(stage: Stage) -> None:
    await a_stage_with(stage, 3)
    await stage.deliver_until_idle(stage.outbox())
    assert stage.sender.titles() == ["Moon number 1", "Moon number 2", "Moon number 3"]
    await stage.deliver_until_idle(stage.outbox())
    assert len(stage.sender.sent) == 3
    assert await stage.states() == ["sent"] * 3


async def test_the_message_is_the_post_in_the_channels_own_form(lite: Stage) -> None:
    await lite.adopt(a_subscription(channel=a_channel(language="en", calendars=(Calendar.GREGORIAN,), silent=True)))
    await lite.read(an_entry(99))
    await lite.read(an_entry(99), an_entry(1))
    await lite.deliver_until_idle(lite.outbox())
    (message,) = lite.sender.messages
    assert "Friday, 20 November 2026" in message.text
    assert message.silent


async def test_a_chat_waits_when_telegram_says_so_and_keeps_its_order(stage: Stage) -> None:
    await a_stage_with(stage, 2)
    stage.sender.faults.append(RetryLater("flood", after=timedelta(seconds=120)))
    outbox = stage.outbox()
    delivered = await outbox.deliver_due()
    assert (stage.sender.sent, delivered.wait_until) == ([], None)
    stage.clock.advance(timedelta(seconds=119))
    await outbox.deliver_due()
    assert stage.sender.sent == []
    stage.clock.advance(timedelta(seconds=1))
    await stage.deliver_until_idle(outbox)
    assert stage.sender.titles() == ["Moon number 1", "Moon number 2"]


async def test_a_chat_that_must_wait_does_not_hold_another(stage: Stage) -> None:
    await stage.adopt(a_subscription(), a_subscription(channel=a_channel("other", chat="-1002222222222")))
    await stage.read(an_entry(99))
    await stage.read(an_entry(99), an_entry(1))
    stage.sender.faults.append(RetryLater("flood", after=timedelta(hours=2)))
    await stage.outbox().deliver_due()
    assert len(stage.sender.sent) == 1
    assert sorted(await stage.states()) == ["pending", "sent"]


async def test_a_crowded_chat_delays_no_other(stage: Stage) -> None:
    """Each visit of a lane sends what its pace allows and gives its place to another."""
    full, quiet = a_feed("sky", backfill=None), a_feed("garden", backfill=None)
    await stage.adopt(a_subscription(full), a_subscription(quiet, a_channel("other", chat="-1002222222222")))
    await stage.read(*(an_entry(number) for number in range(60)))
    outbox = stage.outbox()
    await outbox.deliver_due()
    sent, began = len(stage.sender.sent), stage.clock.now()
    assert sent < 5
    await stage.read(an_entry(1), feed="garden")
    await outbox.deliver_due()
    assert [each[0] for each in stage.sender.sent[sent:]] == [-1002222222222]
    assert stage.clock.now() - began < timedelta(seconds=1)


async def test_a_short_wait_is_announced_so_that_once_can_wait_for_it(lite: Stage) -> None:
    await a_stage_with(lite, 1)
    lite.sender.faults.append(RetryLater("flood", after=timedelta(seconds=20)))
    assert (await lite.outbox().deliver_due()).wait_until == lite.clock.now() + timedelta(seconds=20)


async def test_an_outage_ends_in_everything_sent_once_and_in_order(stage: Stage) -> None:
    await a_stage_with(stage, 3)
    stage.sender.faults.extend([RetryLater("no connection")] * 5)
    await stage.deliver_until_idle(stage.outbox())
    assert stage.sender.titles() == ["Moon number 1", "Moon number 2", "Moon number 3"]


async def test_after_seven_days_of_outage_a_delivery_is_dead_and_says_why(lite: Stage) -> None:
    await a_stage_with(lite, 1)
    lite.sender.faults.extend([RetryLater("no connection")] * 2)
    assert (await lite.outbox().deliver_due()).dead == 0
    lite.clock.advance(timedelta(days=8))
    assert (await lite.outbox().deliver_due()).dead == 1
    (row,) = await lite.rows()
    assert row["state"] == "dead"
    assert "given up after 7 days" in str(row["error"])


async def test_a_post_that_waited_for_weeks_before_its_first_try_is_tried_again_all_the_same(lite: Stage) -> None:
    await a_stage_with(lite, 1)
    lite.clock.advance(timedelta(days=20))
    lite.sender.faults.append(RetryLater("no connection"))
    await lite.deliver_until_idle(lite.outbox(), within=timedelta(seconds=20))
    assert lite.sender.titles() == ["Moon number 1"]


async def test_a_refused_message_is_dead_and_the_next_one_goes_on(stage: Stage) -> None:
    await a_stage_with(stage, 2)
    stage.sender.faults.append(MessageRejected("message is too long"))
    await stage.deliver_until_idle(stage.outbox())
    assert await stage.states() == ["dead", "sent"]
    assert stage.sender.titles() == ["Moon number 2"]


async def test_a_retried_delivery_begins_anew(stage: Stage) -> None:
    await a_stage_with(stage, 1)
    stage.sender.faults.append(MessageRejected("message is too long"))
    await stage.deliver_until_idle(stage.outbox())
    assert await stage.database.write(lanes.revive, stage.sender.bot_id, None, stage.clock.now()) == 1
    await stage.deliver_until_idle(stage.outbox())
    assert await stage.states() == ["sent"]


async def test_missing_rights_stop_the_lane_and_lose_nothing(stage: Stage) -> None:
    await a_stage_with(stage, 2)
    stage.sender.faults.append(RightsMissing("need administrator rights"))
    outbox = stage.outbox()
    await stage.deliver_until_idle(outbox, within=timedelta(minutes=1))
    assert stage.sender.sent == []
    assert await stage.states() == ["pending", "pending"]
    assert await stage.database.write(lanes.resume, stage.sender.bot_id, CHANNEL, stage.clock.now())
    await stage.deliver_until_idle(outbox)
    assert stage.sender.titles() == ["Moon number 1", "Moon number 2"]


async def test_a_restart_tries_paused_lanes_again(lite: Stage) -> None:
    await a_stage_with(lite, 1)
    lite.sender.faults.append(RightsMissing("need administrator rights"))
    await lite.outbox().deliver_due()
    outbox = lite.outbox()
    await outbox.resume_paused()
    await lite.deliver_until_idle(outbox)
    assert await lite.states() == ["sent"]


async def test_everything_for_a_chat_that_is_gone_is_dead_after_one_try(stage: Stage) -> None:
    await a_stage_with(stage, 3)
    stage.sender.faults.append(ChatGone("bot was blocked by the user"))
    await stage.deliver_until_idle(stage.outbox())
    assert await stage.states() == ["dead"] * 3
    assert not stage.sender.faults
    assert stage.sender.sent == []


async def test_a_group_that_migrated_takes_its_lane_along(stage: Stage) -> None:
    await a_stage_with(stage, 2)
    stage.sender.faults.append(ChatMigrated("upgraded", new_chat_id=-1009999999999))
    await stage.deliver_until_idle(stage.outbox())
    assert [chat for chat, _text, _at in stage.sender.sent] == [-1009999999999] * 2


async def test_a_wrong_token_stops_the_outbox_and_keeps_the_posts(lite: Stage) -> None:
    await a_stage_with(lite, 2)
    lite.sender.faults.append(TokenRejected("TELEGRAM_BOT_TOKEN: Telegram does not know this token"))
    with pytest.raises(TokenRejected):
        await lite.outbox().deliver_due()
    assert await lite.states() == ["pending", "pending"]


async def test_an_uncertain_send_blocks_its_lane_and_is_settled_after_ten_seconds(stage: Stage) -> None:
    await a_stage_with(stage, 2)
    stage.sender.faults.append(Uncertain("the connection broke"))
    outbox = stage.outbox()
    delivered = await outbox.deliver_due()
    assert await stage.states() == ["uncertain", "pending"]
    assert delivered.wait_until == stage.clock.now() + timedelta(seconds=10)
    stage.clock.advance(timedelta(seconds=9))
    await outbox.deliver_due()
    assert stage.sender.sent == []
    stage.clock.advance(timedelta(seconds=1))
    await stage.deliver_until_idle(outbox)
    assert stage.sender.titles() == ["Moon number 1", "Moon number 2"]


async def test_on_uncertain_hold_leaves_the_decision_to_a_person(stage: Stage) -> None:
    await a_stage_with(stage, 2)
    stage.sender.faults.append(Uncertain("the connection broke"))
    await stage.deliver_until_idle(stage.outbox(on_uncertain=OnUncertain.HOLD))
    assert await stage.states() == ["held", "sent"]
    assert stage.sender.titles() == ["Moon number 2"]


async def test_a_send_that_never_has_a_clear_answer_is_tried_five_times_and_then_a_persons(stage: Stage) -> None:
    """Something on the way that breaks every answer would fill a chat with copies."""
    await a_stage_with(stage, 2)
    stage.sender.faults += [Uncertain("the connection broke")] * 5
    await stage.deliver_until_idle(stage.outbox())
    assert await stage.states() == ["held", "sent"]
    assert [row["attempts"] for row in await stage.rows()] == [5, 1]
    assert not stage.sender.faults


async def test_tries_that_surely_failed_do_not_keep_an_uncertain_one_from_being_repeated(stage: Stage) -> None:
    await a_stage_with(stage, 1)
    stage.sender.faults += [RetryLater("down")] * 7 + [Uncertain("the connection broke")]
    await stage.deliver_until_idle(stage.outbox())
    assert await stage.states() == ["sent"]


async def test_a_channel_gets_no_more_than_its_minute_across_restarts(lite: Stage) -> None:
    await a_stage_with(lite, 30)
    for _restart in range(200):
        outbox = lite.outbox(pace=Pace(per_chat_minute=5))
        await outbox.deliver_due()
        lite.clock.advance(timedelta(seconds=2))
    times = [at for _chat, _text, at in lite.sender.sent]
    assert len(times) == 30
    for start in times:
        assert sum(start <= at < start + timedelta(seconds=60) for at in times) <= 5


async def test_live_posts_go_before_backfill(lite: Stage) -> None:
    await lite.adopt(a_subscription(feed=a_feed(backfill=None)))
    await lite.read(*(an_entry(number) for number in range(1, 8)))
    await lite.outbox().deliver_due()
    await lite.read(*(an_entry(number) for number in range(1, 8)), an_entry(50))
    await lite.deliver_until_idle(lite.outbox())
    titles = lite.sender.titles()
    assert titles.index("Moon number 50") < titles.index("Moon number 7")
    assert len(titles) == 8


async def test_a_name_is_resolved_once_and_asked_again_only_later_when_unknown(lite: Stage) -> None:
    await lite.adopt(a_subscription(channel=a_channel(chat="@example")))
    await lite.read(an_entry(99))
    await lite.read(an_entry(99), an_entry(1))
    outbox = lite.outbox()
    delivered = await outbox.deliver_due()
    assert delivered.problems == ["channel main: chat @example: Chat not found"]
    lite.sender.names["@example"] = CHANNEL
    await outbox.deliver_due()
    assert lite.sender.sent == []
    lite.clock.advance(timedelta(minutes=6))
    await lite.deliver_until_idle(outbox)
    assert [chat for chat, _text, _at in lite.sender.sent] == [CHANNEL]


async def test_the_preview_is_not_paced_and_holds_no_grudge(lite: Stage) -> None:
    lite.sender.bot_id = PREVIEW_BOT
    await a_stage_with(lite, 30)
    await lite.outbox(pace=Pace(1, 1)).deliver_due()
    assert len(lite.sender.sent) == 30


async def test_a_route_that_left_the_file_sends_nothing_more(lite: Stage) -> None:
    await a_stage_with(lite, 1)
    lite.routes.subscriptions.clear()
    await lite.deliver_until_idle(lite.outbox())
    assert lite.sender.sent == []
    assert await lite.states() == ["dropped"]


async def test_a_stopping_outbox_finishes_its_send_and_begins_no_other(lite: Stage) -> None:
    await a_stage_with(lite, 3)

    def stop_at_first_send(name: str) -> None:
        if name == "after the send":
            outbox.stop()

    outbox = lite.outbox(step=stop_at_first_send)
    await outbox.deliver_due()
    assert await lite.states() == ["sent", "pending", "pending"]
    await lite.deliver_until_idle(lite.outbox())
    assert len(lite.sender.sent) == 3


@pytest.mark.parametrize(
    "step",
    ["before the attempt is committed", "before the send", "after the send", "after the settlement"],
)
@pytest.mark.parametrize("which", [1, 2], ids=["first-post", "second-post"])
async def test_a_process_that_dies_at_any_step_loses_nothing(stage: Stage, step: str, which: int) -> None:
    """A dying process runs no more code: what it left in the database is all that the next one has.

    Twice is allowed for one step only: between Telegram's answer and its commit, and the row says so.
    """
    await a_stage_with(stage, 3)
    seen = 0

    def die(name: str) -> None:
        nonlocal seen
        seen += name == step
        if seen == which and name == step:
            raise Died

    with pytest.raises(BaseExceptionGroup):
        await stage.outbox(step=die).deliver_due()
    stage.clock.advance(timedelta(minutes=2))
    with structlog.testing.capture_logs() as logs:
        await stage.deliver_until_idle(stage.outbox())
    assert await stage.states() == ["sent"] * 3
    titles = stage.sender.titles()
    assert list(dict.fromkeys(titles)) == ["Moon number 1", "Moon number 2", "Moon number 3"]
    doubled = len(titles) - 3
    assert doubled == (1 if step == "after the send" else 0)
    repeated = [entry for entry in logs if entry["event"] == "uncertain send repeated"]
    assert len(repeated) == (1 if step in ("before the send", "after the send") else 0)


class Died(BaseException):
    """Not an Exception: nothing in the program may catch it."""


async def test_a_lane_taken_over_is_left_alone(stage: Stage) -> None:
    """A process that comes back after its lease writes nothing over the work of the one that took over."""
    await a_stage_with(stage, 1)

    def take_over(name: str) -> None:
        if name == "before the attempt is committed":
            stage.clock.advance(timedelta(minutes=2))
            taken = stage.database.write_now(
                lanes.claim, stage.sender.bot_id, stage.clock.now(), limit=1, lease=timedelta(minutes=1)
            )
            assert len(taken) == 1

    await stage.outbox(step=take_over).deliver_due()
    assert stage.sender.sent == []
    assert await stage.states() == ["pending"]


async def test_a_failing_database_ends_the_pass_and_not_the_program(lite: Stage) -> None:
    await a_stage_with(lite, 1)

    def fail(name: str) -> None:
        if name == "before the attempt is committed":
            raise StorageError("the disk is full; make room")

    delivered = await lite.outbox(step=fail).deliver_due()
    assert delivered.faults == ["the disk is full; make room"]
    lite.clock.advance(timedelta(minutes=1))
    await lite.deliver_until_idle(lite.outbox())
    assert await lite.states() == ["sent"]


async def test_a_restart_does_not_wait_for_the_lease_of_a_process_that_died(lite: Stage) -> None:
    """Only of one that is surely dead: another machine's, or a container's beside ours, is waited for."""
    await a_stage_with(lite, 1)
    leases = [
        await lite.database.write(
            lanes.claim, lite.sender.bot_id, lite.clock.now(), limit=1, lease=timedelta(seconds=40)
        )
    ]
    assert len(leases[0]) == 1

    def name_owner(connection: Connection, name: str) -> None:
        connection.execute(update(lane_table).values(lease_owner=name))

    now = lite.clock.now()
    await lite.database.write(name_owner, "some-boot pid:[4026531836] 12345 678")
    assert await lite.database.write(lanes.inherit, now) == 0
    world, pid, started = process.owner().rsplit(" ", 2)
    await lite.database.write(name_owner, f"{world} {pid} {int(started) - 1}")
    assert await lite.database.write(lanes.inherit, now) == 1
    await lite.deliver_until_idle(lite.outbox(), within=timedelta(seconds=2))
    assert await lite.states() == ["sent"]


async def test_a_chat_that_is_done_ends_no_wait_of_another(lite: Stage) -> None:
    """`once` would leave the other's posts: each pass served one of the two, and told of that one's wait alone."""
    few, many = a_channel("few"), a_channel("many", chat="-1002222222222")
    wanted = [a_subscription(channel=few), a_subscription(channel=many), a_subscription(a_feed("garden"), many)]
    await lite.adopt(*wanted)
    for feed in ("sky", "garden"):
        await lite.read(an_entry(99), feed=feed)
    outbox = lite.outbox(pace=Pace(per_chat_minute=5))

    async def deliver_all() -> None:
        while (wait_until := (await outbox.deliver_due()).wait_until) is not None:
            lite.clock.advance(max(wait_until - lite.clock.now(), timedelta()))

    await lite.read(an_entry(99), *(an_entry(number) for number in range(1, 5)), feed="garden")
    await deliver_all()
    # One chat has its minute all but full, the other has a burst and a little more: it is done a minute before.
    await lite.read(an_entry(99), *(an_entry(number) for number in range(5, 9)))
    await deliver_all()
    assert await lite.states() == ["sent"] * (4 + 4 + 4)


async def test_a_pass_that_ends_with_work_left_says_so(lite: Stage) -> None:
    """`once` stops when nothing is worth waiting for: what a pass had no time for is."""
    feed = a_feed()
    people = [a_channel(f"p{number}", chat=str(1000 + number)) for number in range(60)]
    await lite.adopt(*(a_subscription(feed=feed, channel=person) for person in people))
    await lite.read(an_entry(99))
    await lite.read(an_entry(99), an_entry(1))
    outbox = lite.outbox(pace=Pace(per_second=1))
    delivered = await outbox.deliver_due()
    assert 0 < delivered.sent < len(people)
    assert delivered.wait_until == lite.clock.now()
    while (await outbox.deliver_due()).wait_until is not None:
        pass
    assert await lite.states() == ["sent"] * len(people)


async def test_the_parts_of_a_post_keep_to_the_minute_of_their_chat(lite: Stage) -> None:
    """Parts that must wait do so in the outbox, and go on where they stopped."""
    await a_stage_with(lite, 2)
    parts = [records.json_of(Message(f"Part {number}")) for number in range(8)]

    def begin(connection: Connection) -> None:
        connection.execute(
            update(deliveries).where(deliveries.c.id == 1).values(parts=parts, message_ids=[1], attempts=1)
        )

    await lite.database.write(begin)
    outbox = lite.outbox(pace=Pace(per_chat_minute=4))
    await outbox.deliver_due()
    assert len(lite.sender.sent) == 3
    assert await lite.states() == ["pending", "pending"]
    await lite.deliver_until_idle(outbox)
    assert await lite.states() == ["sent", "sent"]
    assert lite.sender.titles() == [*(f"Part {number}" for number in range(1, 8)), "Moon number 2"]
    times = [at for _chat, _text, at in lite.sender.sent]
    for start in times:
        assert sum(start <= at < start + timedelta(seconds=60) for at in times) <= 4


async def test_lanes_are_looked_into_together_as_each_would_be_alone(stage: Stage) -> None:
    """What stands in lanes of many kinds: nothing, one, several, blocked, tried before, put off, in a topic."""
    chats = [a_channel(f"c{number}", chat=str(-1001000000000 - number)) for number in range(8)]
    chats[7] = a_channel("topic", chat=chats[6].chat, thread=12)
    feeds = [a_feed(f"f{number}") for number in range(8)]
    await stage.adopt(*(a_subscription(*pair) for pair in zip(feeds, chats, strict=True)))
    for number, feed in enumerate(feeds):
        await stage.read(an_entry(0), feed=feed.name)
        await stage.read(*(an_entry(each) for each in range(1, (0, 1, 3, 1, 1, 1, 1, 1)[number] + 1)), feed=feed.name)
    now, bot_id = stage.clock.now(), stage.sender.bot_id

    def arrange(connection: Connection) -> None:
        of = {
            row.chat_id: row.id for row in connection.execute(select(deliveries.c.id, targets.c.chat_id).join(targets))
        }
        for number, values in (
            (3, {"state": "uncertain", "attempts": 1, "attempt_at": now}),
            (4, {"attempts": 1, "attempt_at": now, "due_at": now + timedelta(minutes=1)}),
            (5, {"due_at": now + timedelta(hours=1), "wait": "quiet"}),
        ):
            connection.execute(update(deliveries).where(deliveries.c.id == of[int(chats[number].chat)]).values(values))

    await stage.database.write(arrange)
    claimed = await stage.database.write(lanes.claim, bot_id, now, limit=20, lease=timedelta(seconds=40))
    assert len(claimed) == 7
    visits = [Visit(lane, now, 20, timedelta(seconds=60)) for lane in claimed]
    together = await stage.database.read(lane_heads.look_all, visits)
    alone = [(await stage.database.read(lane_heads.look_all, [visit]))[0] for visit in visits]
    assert together == alone
    assert sorted(len(each.head) for each in together) == [0, 0, 1, 1, 1, 2, 3]


async def test_steps_of_many_lanes_are_taken_together_and_a_lost_lane_harms_no_other(stage: Stage) -> None:
    channels = [a_channel(f"c{number}", chat=f"-100{number}") for number in range(1, 5)]
    await stage.adopt(*(a_subscription(channel=channel) for channel in channels))
    await stage.read(an_entry(0))
    await stage.read(an_entry(1))
    now, bot_id, lease = stage.clock.now(), stage.sender.bot_id, timedelta(seconds=40)

    async def steps(*lanes_and: tuple[Lane, type]) -> list[Lane | Exception]:
        """An attempt, an arrival or a return of each lane."""
        made: list[lanes.Step] = []
        for lane, kind in lanes_and:
            (waiting,) = await stage.database.read(lane_heads.look_all, [Visit(lane, now, 1, timedelta(seconds=60))])
            if kind is lanes.Attempt:
                made.append(lanes.Attempt(lane, waiting.head[0], (Message("It is full."),), now, now + lease))
            elif kind is lanes.Arrival:
                made.append(lanes.Arrival(lane, waiting.head[0], SentMessage(7, now)))
            else:
                made.append(lanes.Return(lane, None))
        return await stage.database.write(lanes.take_steps, made)

    one, two, three, four = await stage.database.write(lanes.claim, bot_id, now, limit=9, lease=lease)
    one, two = _lanes(await steps((one, lanes.Attempt), (two, lanes.Attempt)))
    stage.clock.advance(timedelta(minutes=1))
    now = stage.clock.now()
    # All leases ran out, and another process takes two of the lanes.
    taken = await stage.database.write(
        lanes.claim, bot_id, now, limit=9, lease=lease, besides=[one.chat_id, three.chat_id]
    )
    assert {lane.chat_id for lane in taken} == {two.chat_id, four.chat_id}
    done = await steps((four, lanes.Attempt), (one, lanes.Arrival), (three, lanes.Return), (two, lanes.Arrival))
    assert [type(each) for each in done] == [LeaseLost, Lane, Lane, LeaseLost]
    of = await stage.database.read(states_by_chat)
    assert of == {one.chat_id: "sent", two.chat_id: "sending", three.chat_id: "pending", four.chat_id: "pending"}
    again = await stage.database.write(lanes.claim, bot_id, now, limit=9, lease=lease)
    assert three.chat_id in {lane.chat_id for lane in again}, "what was given back is there for anybody"


def _lanes(found: list[Lane | Exception]) -> list[Lane]:
    assert all(isinstance(each, Lane) for each in found)
    return found  # type: ignore[return-value]


def states_by_chat(connection: Connection) -> dict[int, str]:
    """Of each chat its first delivery's."""
    rows = connection.execute(
        select(targets.c.chat_id, deliveries.c.state).join(deliveries).order_by(deliveries.c.id.desc())
    )
    return {row.chat_id: row.state for row in rows}


async def test_chats_whose_answers_do_not_come_keep_no_other_from_being_served(lite: Stage) -> None:
    """More than three quarters of the places are taken, and stay so."""
    answered = asyncio.Event()

    class Slow(FakeSender):
        async def send(self, chat_id: int, message: Message) -> SentMessage:
            if chat_id > -1020:
                await answered.wait()
            elif chat_id == -1024:
                answered.set()  # the last of those that wait for a place
            return await super().send(chat_id, message)

    lite.sender = Slow(lite.clock)
    slow, others = range(-1014, -1000), range(-1024, -1019)
    await lite.adopt(
        *(a_subscription(channel=a_channel(f"c{-chat}", chat=str(chat))) for chat in [*slow[::-1], *others[::-1]])
    )
    await lite.read(an_entry(0))
    await lite.read(an_entry(0), an_entry(1))
    async with asyncio.timeout(20):
        await lite.deliver_until_idle(lite.outbox())
    assert set(await lite.states()) == {"sent"}
    assert {chat for chat, _text, _at in lite.sender.sent[:5]} == set(others)
