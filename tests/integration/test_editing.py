"""``on_edit: edit``: a message that is out is changed in place when its post changes, and never posted again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, select

from bot.errors import ChatGone, MessageRejected, RetryLater, Uncertain
from bot.model import Attachment, Button, Message, MessageKind, OnEdit
from bot.outbox import editing
from bot.storage import edits as store
from bot.storage import lane_heads, lanes
from bot.storage.lanes import Lane
from bot.storage.schema import edits
from tests.builders import a_channel, a_feed, a_subscription, an_entry
from tests.stage import Stage

BEFORE, AFTER = an_entry(1), an_entry(1, title="Moon number one")
MINUTE = timedelta(minutes=1)


async def a_post_that_is_out(stage: Stage, on_edit: OnEdit = OnEdit.EDIT) -> None:
    await stage.adopt(a_subscription(channel=a_channel(language="en", on_edit=on_edit)))
    await stage.read(an_entry(90))
    await stage.read(BEFORE)
    await stage.deliver_until_idle(stage.outbox())
    assert len(stage.sender.sent) == 1


async def pass_by(stage: Stage, span: timedelta = MINUTE) -> None:
    stage.clock.advance(span)
    await stage.outbox().deliver_due()


async def wishes(stage: Stage) -> list[tuple[object, object]]:
    def run(connection: Connection) -> list[tuple[object, object]]:
        return [(row.due_at, row.error) for row in connection.execute(select(edits))]

    return await stage.database.read(run)


async def test_a_corrected_post_changes_its_message_once(stage: Stage) -> None:
    await a_post_that_is_out(stage)
    await stage.read(AFTER)
    for _time in range(3):
        await pass_by(stage)
    ((chat_id, message_id, message),) = stage.sender.edited
    assert (chat_id, message_id) == (-1001111111111, 1)
    assert message.text.startswith("Moon number one\n")
    assert len(stage.sender.sent) == 1
    assert await wishes(stage) == [(None, None)]


async def test_ignore_leaves_the_message_as_it_was(lite: Stage) -> None:
    await a_post_that_is_out(lite, OnEdit.IGNORE)
    await lite.read(AFTER)
    await pass_by(lite)
    assert lite.sender.edited == []


async def test_what_nobody_sees_changes_nothing(lite: Stage) -> None:
    """The summary is three sentences; the fourth is not in the message."""
    three = "<p>The moon is full. It stands over the hills. Binoculars are enough.</p>"
    await lite.adopt(a_subscription(channel=a_channel(language="en", on_edit=OnEdit.EDIT)))
    await lite.read(an_entry(90))
    await lite.read(an_entry(1, summary=three, content=f"{three}<p>Last words of old.</p>"))
    await lite.deliver_until_idle(lite.outbox())
    await lite.read(an_entry(1, summary=three, content=f"{three}<p>Other last words.</p>"))
    await pass_by(lite)
    assert lite.sender.edited == []
    assert await wishes(lite) == [(None, None)]


@pytest.mark.parametrize(("hours", "count"), [(47, 1), (49, 0)], ids=["within-two-days", "after-them"])
async def test_older_messages_stay_as_they_are(lite: Stage, hours: int, count: int) -> None:
    await a_post_that_is_out(lite)
    lite.clock.advance(timedelta(hours=hours))
    await lite.read(AFTER)
    await pass_by(lite)
    assert len(lite.sender.edited) == count


async def test_a_post_that_changes_all_the_time_is_followed_five_times_at_most(lite: Stage) -> None:
    await a_post_that_is_out(lite)
    for number in range(12):
        lite.clock.advance(timedelta(minutes=6))
        await lite.read(replace(BEFORE, title=f"It is {number} past"))
        await pass_by(lite)
    assert len(lite.sender.edited) == 5


async def test_a_change_before_the_post_is_out_goes_out_with_it(lite: Stage) -> None:
    await lite.adopt(a_subscription(channel=a_channel(language="en", on_edit=OnEdit.EDIT)))
    await lite.read(an_entry(90))
    await lite.read(BEFORE)
    await lite.read(AFTER)
    outbox = lite.outbox()
    await lite.deliver_until_idle(outbox)
    await pass_by(lite)
    assert lite.sender.titles() == ["Moon number one"]
    assert (lite.sender.edited, await wishes(lite)) == ([], [(None, None)])


@pytest.mark.parametrize(
    "fault", [RetryLater("no connection"), Uncertain("no answer"), RetryLater("flood", after=timedelta(seconds=30))]
)
async def test_a_fault_that_passes_costs_no_change(lite: Stage, fault: Exception) -> None:
    await a_post_that_is_out(lite)
    lite.sender.faults.append(fault)
    await lite.read(AFTER)
    await pass_by(lite)
    assert lite.sender.edited == []
    await pass_by(lite)
    assert len(lite.sender.edited) == 1


@pytest.mark.parametrize("fault", [MessageRejected("message to edit not found"), ChatGone("chat not found")])
async def test_a_message_that_an_admin_deleted_is_let_go(lite: Stage, fault: Exception) -> None:
    await a_post_that_is_out(lite)
    lite.sender.faults.append(fault)
    await lite.read(AFTER)
    for _time in range(3):
        await pass_by(lite)
    assert lite.sender.edited == []
    assert await wishes(lite) == [(None, str(fault))]
    assert await lite.states() == ["sent"]


async def test_a_process_that_dies_before_it_knows_changes_the_message_again(stage: Stage) -> None:
    """The same words twice harm nothing; a change that is forgotten would."""

    class Died(BaseException):
        pass

    await a_post_that_is_out(stage)
    await stage.read(AFTER)
    stage.sender.faults.append(Died())  # type: ignore[arg-type]  # as if the machine went down in the call
    stage.clock.advance(MINUTE)
    with pytest.raises(BaseExceptionGroup):
        await stage.outbox().deliver_due()
    await pass_by(stage)
    assert len(stage.sender.edited) == 1
    assert await wishes(stage) == [(None, None)]


async def test_changes_keep_the_pace_of_the_chat(lite: Stage) -> None:
    channel = a_channel(language="en", on_edit=OnEdit.EDIT)
    await lite.adopt(a_subscription(a_feed(backfill=None), channel))
    await lite.read(*(an_entry(number) for number in range(1, 31)))
    outbox = lite.outbox()
    await lite.deliver_until_idle(outbox)
    lite.clock.advance(timedelta(minutes=2))
    await lite.read(*(an_entry(number, title=f"Changed {number}") for number in range(1, 31)))
    for _second in range(59):
        await outbox.deliver_due()
        lite.clock.advance(timedelta(seconds=1))
    assert len(lite.sender.edited) == 20
    for _second in range(30):
        await outbox.deliver_due()
        lite.clock.advance(timedelta(seconds=1))
    assert len(lite.sender.edited) == 30


async def test_a_visit_of_a_lane_never_looks_at_all_that_was_sent_there(lite: Stage) -> None:
    """With 100,000 deliveries in a channel, each visit took 190 ms."""
    await a_post_that_is_out(lite)
    lane = Lane(lite.sender.bot_id, -1001111111111, 0, lite.clock.now())

    def plans(connection: Connection) -> list[str]:
        asked: list[tuple[str, Any]] = []
        note = lambda _c, _cursor, statement, values, _x, _many: asked.append((statement, values))  # noqa: E731
        event.listen(connection, "before_cursor_execute", note)
        visit = lane_heads.Visit(lane, lite.clock.now(), 20, MINUTE)
        for count in (1, 2):
            lane_heads.look_all(connection, [visit] * count)
        store.due(connection, lane, lite.clock.now(), limit=10)
        lanes.release_all(connection, [lanes.Return(lane, None)])
        event.remove(connection, "before_cursor_execute", note)
        raw = connection.connection.cursor()
        return [row[3] for statement, values in asked for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", values)]

    steps = [step for step in await lite.database.write(plans) if " deliveries " in step]
    assert len(steps) > 4
    for step in steps:
        assert any(narrow in step for narrow in ("sent_at>?", "state=?", "INTEGER PRIMARY KEY")), step


# --- what is changed: pure -----------------------------------------------------------------------------------

TEXT = Message("old", buttons=((Button("Read", "https://sky.example"),),))
PHOTO = Message("old", kind=MessageKind.PHOTO, media=(Attachment("https://sky.example/moon.jpg"),))
ALBUM = replace(PHOTO, kind=MessageKind.ALBUM, media=PHOTO.media * 3)


@pytest.mark.parametrize(
    ("old", "new", "ids", "changed"),
    [
        ([TEXT], [TEXT], [7], []),
        ([TEXT], [replace(TEXT, text="new")], [7], [(7, "new")]),
        ([TEXT], [replace(TEXT, buttons=())], [7], [(7, "old")]),
        ([TEXT], [replace(TEXT, silent=True, thread=3)], [7], []),
        ([TEXT, TEXT, TEXT], [TEXT, replace(TEXT, text="new"), TEXT], [7, 8, 9], [(8, "new")]),
        ([TEXT], [replace(TEXT, text="new"), TEXT], [7], [(7, "new")]),
        ([TEXT, TEXT], [replace(TEXT, text="new")], [7, 8], [(7, "new")]),
        ([ALBUM, TEXT], [ALBUM, replace(TEXT, text="new")], [7, 8, 9, 10], [(10, "new")]),
        ([ALBUM], [replace(ALBUM, text="new")], [7, 8, 9], [(7, "new")]),
        ([TEXT], [replace(PHOTO, text="short", instead=replace(TEXT, text="new"))], [7], [(7, "new")]),
        ([PHOTO], [replace(TEXT, text="new")], [7], [(7, "new")]),
        ([PHOTO], [replace(TEXT, text="n" * 1025)], [7], []),
    ],
    ids=[
        "nothing", "text", "buttons", "how-it-was-sent", "one-of-three", "no-new-part", "a-part-too-many",
        "behind-an-album", "caption-of-an-album", "text-stays-text", "photo-stays-photo", "too-long-for-a-caption",
    ],
)  # fmt: skip
def test_only_parts_that_say_something_else_are_changed(
    old: list[Message], new: list[Message], ids: list[int], changed: list[tuple[int, str]]
) -> None:
    found = editing.changes(old, new, ids)
    assert [(change.message_id, change.message.text) for change in found] == changed
    assert all(change.message.kind is old[change.part].kind for change in found)
    assert all(change.message.media == old[change.part].media for change in found)
