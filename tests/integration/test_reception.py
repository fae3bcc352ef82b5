"""Many people at once, one who asks too much, and updates that come twice, late, or after a restart."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import structlog

from bot.commands.allowance import GROUP as GROUP_RATE
from bot.commands.allowance import PERSON, Allowances, Rate, Verdict
from bot.commands.following import Following
from bot.commands.updates import Commands
from bot.errors import RetryLater
from bot.pacing import CAREFUL, Pace
from bot.personal import House
from bot.sender import open_bot
from bot.storage import subscribers
from bot.storage.database import Database
from bot.storage.subscribers import Place
from bot.storage.updates import KEPT, take
from tests.builders import NOW
from tests.conversations import GROUP, World, buttons, world
from tests.fakes.bot_api import BOT_ID, TOKEN
from tests.fakes.clock import FakeClock
from tests.stage import Stage

SARA = 7
PEOPLE, EACH = 50, 2


@pytest.fixture
async def there(sqlite: Database, clock: FakeClock) -> AsyncIterator[World]:
    async with world(sqlite, clock) as running:
        yield running


async def test_fifty_people_at_once_are_answered_soon_and_each_in_order(there: World) -> None:
    """The short form of `make crowd`: 100 of them, in the time of a processor that they may take."""
    api, begun = there.api, time.process_time()
    for number in range(EACH):
        for person in range(100, 100 + PEOPLE):
            text = f"/date {number + 1} Mehr 1397" if number % 2 else f"/search star {person} {number}"
            api.crowd.private_message(person, text, "en")
    await api.until(lambda: len(api.sent) == PEOPLE * EACH)
    assert (time.process_time() - begun) / (PEOPLE * EACH) < 60 / 2000
    for person in range(100, 100 + PEOPLE):
        answers = [sent for sent in api.sent if sent.chat_id == person]
        for number, sent in enumerate(answers):
            is_date = "Lunar" in sent.text
            assert is_date == bool(number % 2), f"{person} was answered out of order"


async def test_a_slow_answer_holds_its_own_chat_alone(there: World) -> None:
    api = there.api
    for person in (SARA, 8):
        api.crowd.private_message(person, "/help", "en")
    await api.until(lambda: len(api.sent) == 2)
    slow = asyncio.Event()
    api.fault("delay", method="sendMessage", chat_id=SARA, gate=slow)
    api.crowd.private_message(SARA, "/date 1 Mehr 1397", "en")
    api.crowd.private_message(SARA, "/help", "en")
    api.crowd.private_message(8, "/help", "en")
    await api.until(lambda: len(api.sent) == 3)
    slow.set()
    await api.until(lambda: len(api.sent) == 5)
    assert [sent.chat_id for sent in api.sent[2:]] == [8, SARA, SARA]
    assert "Lunar" in api.texts(SARA)[1]


async def test_one_person_cannot_fill_the_queue(there: World) -> None:
    api, burst = there.api, int(PERSON.burst)
    for _ in range(burst + 20):
        api.crowd.private_message(SARA, "/help", "en")
    api.crowd.private_message(8, "/help", "en")
    await api.until(lambda: bool(api.texts(8)) and len(api.texts(SARA)) == burst + 1)
    assert api.texts(SARA)[-1] == "That is faster than I can follow. Give me a minute, please."
    there.stage.clock.advance(timedelta(minutes=1))
    api.crowd.private_message(SARA, "/help", "en")
    await api.until(lambda: len(api.texts(SARA)) == burst + 2)
    assert "a guide" in api.texts(SARA)[-1]


async def test_what_people_say_to_each_other_is_nobodys_allowance(there: World) -> None:
    for number in range(int(GROUP_RATE.burst) * 2):
        there.api.crowd.group_message(GROUP, SARA, f"good morning {number}")
    there.api.crowd.group_message(GROUP, SARA, "/latest")
    await there.api.until(lambda: bool(there.api.texts(GROUP)))
    assert "A full moon" in there.api.texts(GROUP)[0]


async def test_an_update_that_comes_twice_is_answered_once(there: World) -> None:
    api = there.api
    update = api.crowd.private_message(SARA, "/subscribe sky", "en")
    await api.until(lambda: len(api.sent) == 1)
    api.updates.pending.append(update)
    api.updates.wake()
    api.crowd.private_message(SARA, "/help", "en")
    await api.until(lambda: any("a guide" in text for text in api.texts(SARA)))
    assert len(api.sent) == 2


async def test_an_update_that_comes_again_after_a_restart_changes_nothing(there: World, clock: FakeClock) -> None:
    api = there.api
    api.crowd.private_message(SARA, "/subscribe sky", "en")
    await api.until(lambda: len(api.sent) == 1)
    update = api.crowd.callback(SARA, SARA, api.sent[-1].message_id, buttons(api.sent[-1])["Undo"])
    await api.until(lambda: len(api.methods.answers) == 1)
    again = api.crowd.private_message(SARA, "/subscribe sky", "en")
    await api.until(lambda: len(api.texts(SARA)) == 2)
    await there.commands.stop()
    anew = Commands(
        open_bot(TOKEN, api.base_url.removesuffix("/bot")), there.stage.database, clock,
        language="fa", zone=ZoneInfo("Asia/Tehran"), admins=[], house=House(there.stage.routes.feeds),
        on_conflict=lambda _problem: None,
    )  # fmt: skip
    there.commands = anew
    api.updates.pending += [again, update]
    await anew.start()
    try:
        api.crowd.private_message(SARA, "/mine", "en")
        await api.until(lambda: len(api.texts(SARA)) == 3)
    finally:
        await anew.stop()
    assert "Sky Notes" in api.texts(SARA)[-1]


async def test_who_blocks_the_bot_is_left_alone_and_welcomed_back(there: World) -> None:
    api, place = there.api, Place(BOT_ID, SARA)
    api.crowd.private_message(SARA, "/subscribe sky", "en")
    await api.until(lambda: len(api.sent) == 1)
    for answers, (status, followed) in enumerate((("kicked", 0), ("member", 1)), 2):
        api.crowd.bot_status(SARA, SARA, status)
        api.crowd.private_message(SARA, "/help", "en")
        await api.until(lambda answers=answers: len(api.sent) == answers)  # type: ignore[misc]
        assert len(await there.stage.database.read(subscribers.followed, place)) == followed


async def test_old_news_of_how_the_bot_stands_in_a_chat_is_not_believed(database: Database) -> None:
    assert await database.write(take, BOT_ID, 5, NOW, membership_of=SARA)
    assert not await database.write(take, BOT_ID, 4, NOW, membership_of=SARA)
    assert await database.write(take, BOT_ID, 3, NOW, membership_of=GROUP)
    assert await database.write(take, BOT_ID, 6, NOW, membership_of=SARA)


async def test_numbers_of_updates_are_kept_for_two_days(database: Database) -> None:
    assert await database.write(take, BOT_ID, 1, NOW)
    assert not await database.write(take, BOT_ID, 1, NOW)
    assert await database.write(take, BOT_ID + 1, 1, NOW)
    assert await database.write(take, BOT_ID, 256, NOW + KEPT + timedelta(seconds=1))
    assert await database.write(take, BOT_ID, 1, NOW + KEPT)


async def test_a_failure_is_told_humanly_and_logged_without_a_word_of_anybody(
    there: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_words: Any) -> Any:
        raise ValueError("my secret words", TOKEN)

    monkeypatch.setattr(Following, "mine", fail)
    api = there.api
    with structlog.testing.capture_logs() as logs:
        api.crowd.private_message(SARA, "/mine my secret words", "en")
        await api.until(lambda: len(api.sent) == 1)
    assert api.texts(SARA) == ["That failed and I have logged it. Please try again later."]
    (told,) = [entry for entry in logs if entry["event"] == "update failed"]
    assert (told["error"], "conversation.py" in told["at"]) == ("ValueError", True)
    assert "secret" not in str(logs)
    assert TOKEN not in str(logs)
    api.crowd.private_message(SARA, "/help", "en")
    await api.until(lambda: len(api.sent) == 2)


@pytest.mark.parametrize("trouble", ["flood", "drop_before", "status_after"])
async def test_an_answer_is_tried_again(there: World, trouble: str) -> None:
    api = there.api
    if trouble == "flood":
        api.flood(7, method="sendMessage")
    else:
        api.fault(trouble, method="sendMessage")  # type: ignore[arg-type]  # one of its actions
    before = there.stage.clock.monotonic()
    api.crowd.private_message(SARA, "/help", "en")
    api.crowd.private_message(SARA, "/date 1 Mehr 1397", "en")
    await api.until(lambda: bool(api.texts(SARA)) and "Lunar" in api.texts(SARA)[-1])
    assert "a guide" in api.texts(SARA)[-2]
    assert there.stage.clock.monotonic() - before >= (7 if trouble == "flood" else 1)


async def test_a_flood_that_lasts_is_not_waited_for(there: World) -> None:
    api = there.api
    api.flood(3600, method="sendMessage")
    api.crowd.private_message(SARA, "/help", "en")
    api.crowd.private_message(SARA, "/date 1 Mehr 1397", "en")
    await api.until(lambda: len(api.texts(SARA)) == 1)
    assert "Lunar" in api.texts(SARA)[0]


async def test_only_a_correction_of_the_words_is_answered_again(there: World) -> None:
    api = there.api
    first = api.crowd.private_message(SARA, "stars", "en")["message"]["message_id"]
    await api.until(lambda: len(api.sent) == 1)
    api.crowd.correct(SARA, first, "stars")  # as when the preview of a link comes
    unknown = api.book.add_message(api.chats[SARA], {"text": "before the restart"}, sender=SARA)["message_id"]
    api.crowd.correct(SARA, unknown, "moon")
    api.crowd.correct(SARA, first, "full moon")
    await api.until(lambda: len(api.sent) == 2)
    assert (api.sent[1].event, api.sent[1].message_id) == ("edit", api.sent[0].message_id)
    assert "A full moon" in api.sent[1].text


async def test_in_a_group_a_reply_to_the_bot_is_its_own_only_after_a_question(there: World) -> None:
    api = there.api
    api.crowd.group_message(GROUP, SARA, "/latest 1")
    await api.until(lambda: len(api.sent) == 1)
    post = api.sent[0].message_id
    for _ in range(int(GROUP_RATE.burst) * 2):
        api.crowd.group_message(GROUP, SARA, "how nice", reply_to=post)
    api.crowd.group_message(GROUP, SARA, "/search")
    await api.until(lambda: len(api.sent) == 2)
    asked = api.sent[1]
    assert api.calls("sendMessage")[-1].params["reply_markup"] == '{"force_reply": true, "selective": true}'
    api.crowd.group_message(GROUP, 8, "sky", reply_to=asked.message_id)  # somebody else was not asked
    api.crowd.group_message(GROUP, SARA, "full moon", reply_to=asked.message_id)
    api.crowd.group_message(GROUP, SARA, "and this?", reply_to=asked.message_id)  # it was answered
    api.crowd.group_message(GROUP, SARA, "/latest 1")
    await api.until(lambda: len(api.sent) == 4)
    assert "A full moon" in api.sent[2].text


async def test_an_update_that_nobody_understands_holds_up_nobody(there: World) -> None:
    api = there.api
    api.crowd.private_message(SARA, "/help", "en")
    await api.until(lambda: len(api.sent) == 1)
    broken = api.book.add_message(api.chats[SARA], {"voice": {"of": "a later Bot API"}}, sender=SARA)
    api.inject({"message": broken})
    api.crowd.private_message(SARA, "/help", "en")
    await api.until(lambda: len(api.sent) == 2)


def test_a_bucket_fills_again_and_tells_once() -> None:
    allowances, rate = Allowances(), Rate(2, 0.5)
    verdicts: dict[float, list[Verdict]] = defaultdict(list)
    for at in (0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 2.0, 100.0, 100.0, 100.0):
        verdicts[at].append(allowances.take("person", SARA, rate, at))
    assert verdicts[0.0] == [Verdict.GO, Verdict.GO, Verdict.TELL, Verdict.DROP]
    assert verdicts[1.0] == [Verdict.DROP]
    assert verdicts[2.0] == [Verdict.GO, Verdict.DROP]
    assert verdicts[100.0] == [Verdict.GO, Verdict.GO, Verdict.TELL]
    assert allowances.take("person", 8, rate, 0.0) is Verdict.GO


async def test_replies_go_at_once_until_telegram_complains(lite: Stage) -> None:
    outbox = lite.outbox(pace=Pace(per_second=2))

    async def reply(chat_id: int) -> float:
        before = lite.clock.monotonic()
        async with outbox.turnstile.answering(chat_id):
            pass
        return lite.clock.monotonic() - before

    assert [await reply(SARA) for _ in range(6)] == [0.0] * 6
    with pytest.raises(RetryLater):
        async with outbox.turnstile.answering(SARA):
            raise RetryLater("flood", after=timedelta(seconds=3))
    assert sum([await reply(SARA) for _ in range(6)]) >= 2  # as fast as posts
    lite.clock.advance(timedelta(seconds=CAREFUL))
    assert [await reply(SARA) for _ in range(6)] == [0.0] * 6


async def test_when_telegram_wants_to_hear_nothing_for_long_an_answer_is_not_even_tried(lite: Stage) -> None:
    outbox = lite.outbox()
    for chat_id in (SARA, 8):  # two in a row: it is the whole bot
        with pytest.raises(RetryLater):
            async with outbox.turnstile.answering(chat_id):
                raise RetryLater("flood", after=timedelta(hours=1))
    with pytest.raises(RetryLater, match="asks the bot"):
        async with outbox.turnstile.answering(10):
            pytest.fail("it was tried")


async def test_every_message_and_edit_of_the_bot_is_paced(there: World) -> None:
    taken = []

    @asynccontextmanager
    async def pace(_chat_id: int) -> AsyncIterator[None]:
        taken.append(len(there.api.sent))
        yield

    there.commands.pace = pace
    there.api.crowd.private_message(SARA, "/settings", "en")
    await there.api.until(lambda: len(there.api.sent) == 1)
    sent = there.api.sent[0]
    there.api.crowd.callback(SARA, SARA, sent.message_id, buttons(sent)["Sound: on"])
    await there.api.until(lambda: len(there.api.sent) == 2)
    assert taken == [0, 1]
