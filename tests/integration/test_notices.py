"""What an admin is told, where, and how often."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from bot.errors import ChatGone, StorageError
from bot.notices import Notices
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender

ADMIN = 42


async def _forget(lines: Sequence[str], at: datetime) -> None:
    """A log that nobody reads."""


def notices(
    clock: FakeClock,
    sender: FakeSender,
    chat_id: int | None = ADMIN,
    keep: Callable[[Sequence[str], datetime], Awaitable[None]] = _forget,
) -> Notices:
    return Notices(sender, clock, chat_id=chat_id, language="en", keep=keep)


async def test_the_admin_chat_gets_what_needs_a_person(clock: FakeClock) -> None:
    sender = FakeSender(clock)
    await notices(clock, sender).tell(["channel main: the bot may not post", "sky: 20 posts read, none published"])
    ((chat_id, text, _at),) = sender.sent
    assert chat_id == ADMIN
    assert "the bot may not post" in text
    assert "20 posts read" in text


async def test_the_same_thing_is_told_once_a_day(clock: FakeClock) -> None:
    sender = FakeSender(clock)
    telling = notices(clock, sender)
    for _hour in range(23):
        await telling.tell(["channel main: the bot may not post"])
        clock.advance(timedelta(hours=1))
    assert len(sender.sent) == 1
    clock.advance(timedelta(hours=1))
    await telling.tell(["channel main: the bot may not post"])
    assert len(sender.sent) == 2


async def test_something_new_is_told_without_the_old(clock: FakeClock) -> None:
    sender = FakeSender(clock)
    telling = notices(clock, sender)
    await telling.tell(["one"])
    await telling.tell(["one", "two"])
    assert ["two" in text and "one" not in text for _chat, text, _at in sender.sent] == [False, True]


async def test_an_admin_who_cannot_be_reached_harms_nothing_and_is_told_later(clock: FakeClock) -> None:
    sender = FakeSender(clock)
    telling = notices(clock, sender)
    sender.faults.append(ChatGone("bot was blocked by the user"))
    await telling.tell(["one"])
    await telling.tell(["one"])
    assert len(sender.sent) == 1


async def test_without_an_admin_chat_or_without_news_nothing_is_sent(clock: FakeClock) -> None:
    sender = FakeSender(clock)
    await notices(clock, sender, None).tell(["one"])
    await notices(clock, sender).tell([])
    assert sender.sent == []


async def test_what_is_told_is_kept_once_a_day_also_where_nobody_can_be_told(clock: FakeClock) -> None:
    kept: list[tuple[str, datetime]] = []

    async def keep(lines: Sequence[str], at: datetime) -> None:
        kept.extend((line, at) for line in lines)

    telling = notices(clock, FakeSender(clock), None, keep)
    began = clock.now()
    for lines in (["one"], ["one", "two"]):
        await telling.tell(lines)
        clock.advance(timedelta(hours=1))
    assert kept == [("one", began), ("two", began + timedelta(hours=1))]


async def test_a_log_that_cannot_be_written_keeps_nobody_from_being_told(clock: FakeClock) -> None:
    async def fail(lines: Sequence[str], at: datetime) -> None:
        raise StorageError("the disk is full")

    sender = FakeSender(clock)
    await notices(clock, sender, keep=fail).tell(["one"])
    assert len(sender.sent) == 1
