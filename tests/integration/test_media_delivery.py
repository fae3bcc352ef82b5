"""Whatever Telegram says of a picture, its post arrives once and with all of its words.

The real outbox and the real python-telegram-bot client against the fake Bot API: every media error of botapi.md 2.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import FetchError
from bot.model import Enclosure, Feed, Media, PostButton, Validators
from bot.outbox.delivering import Outbox
from bot.pacing import Pace
from bot.sender import TelegramSender, open_bot
from bot.sources.fetch import Answer
from bot.sources.picture import fetch_picture
from bot.storage.database import Database
from tests.builders import a_channel, a_feed, a_subscription, an_entry
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.clock import FakeClock
from tests.stage import Stage

NEWS, SKY = -1001111111111, -1002222222222
PICTURES = tuple(Enclosure(f"https://sky.example/{number}.jpg", "image/jpeg") for number in range(3))


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as running:
        for chat_id in (NEWS, SKY):
            running.add_chat(Chat(chat_id, type="channel", title="Sky", status="administrator"))
        yield running


@pytest.fixture
def photos() -> dict[str, bytes]:
    """What we can fetch ourselves, by address."""
    return {}


@pytest.fixture
async def telegram(api: BotApi, sqlite: Database, clock: FakeClock, photos: dict[str, bytes]) -> AsyncIterator[Stage]:
    """A stage whose sender is the real one."""

    async def fetch(url: str) -> bytes:
        if url not in photos:
            raise FetchError("it is not there for us either")
        return photos[url]

    bot = open_bot(TOKEN, api.base_url.removesuffix("/bot"))
    await bot.initialize()
    yield Stage(sqlite, clock, TelegramSender(bot, clock, fetch=fetch))  # type: ignore[arg-type]  # it sends as the fake one does
    await bot.shutdown()


async def open_outbox(stage: Stage, wanted: dict[int, Media], **channel: Any) -> Outbox:
    """An outbox for channels that get every new post of one feed."""
    channels = [
        a_channel(str(chat), chat=str(chat), media=media, language="en", **channel) for chat, media in wanted.items()
    ]
    await stage.adopt(*(a_subscription(a_feed(), channel) for channel in channels))
    await stage.read(an_entry(0))
    return stage.outbox(pace=Pace(per_second=1000, per_chat_minute=1000))


async def deliver(stage: Stage, outbox: Outbox, number: int, **entry: Any) -> None:
    """A new post with three pictures comes and goes out."""
    await stage.read(an_entry(number, **{"enclosures": PICTURES, **entry}))
    await stage.deliver_until_idle(outbox)


REFUSALS = [
    "failed to get HTTP URL content",
    "wrong type of the web page content",
    "wrong file identifier/HTTP URL specified",
    "wrong HTTP URL specified",
    "invalid file HTTP URL specified: URL host is empty",
    "wrong remote file identifier specified: Wrong string length",
    "IMAGE_PROCESS_FAILED",
    "PHOTO_INVALID_DIMENSIONS",
    "photo has unsupported extension. Use one of .jpg, .jpeg, .gif, .png, .tif or .bmp",
    "can't upload file by URL",
    "can't use file of type Photo as Document",
    "MEDIA_CAPTION_TOO_LONG",
    "message caption is too long",
    "group send failed",
    'failed to send message #2 with the error message "WEBPAGE_CURL_FAILED"',
    "not enough rights to send photos to the chat",
    "CHAT_SEND_PHOTOS_FORBIDDEN",
]


async def test_a_picture_that_telegram_refuses_costs_the_picture_and_not_the_post(api: BotApi, telegram: Stage) -> None:
    """One channel wants photos, the other albums."""
    outbox = await open_outbox(telegram, {NEWS: Media.PHOTO, SKY: Media.ALBUM})
    for number, refusal in enumerate(REFUSALS, 1):
        fault = api.refuse(400, f"Bad Request: {refusal}", method="sendPhoto|sendMediaGroup", times=0)
        await deliver(telegram, outbox, number)
        api.faults.remove(fault)
        both = api.sent[2 * number - 2 :]
        assert {sent.chat_id for sent in both} == {NEWS, SKY}
        assert len(both) == 2
        for sent in both:
            assert sent.method == "sendMessage", refusal
            assert sent.text.startswith(f"Moon number {number}\n"), refusal
            assert sent.message["link_preview_options"]["url"] == PICTURES[0].url, refusal
    assert await telegram.states() == ["sent"] * 2 * len(REFUSALS)


async def test_buttons_lead_where_they_say_and_a_refused_one_costs_the_buttons_alone(
    api: BotApi, telegram: Stage
) -> None:
    outbox = await open_outbox(telegram, {NEWS: Media.PHOTO}, buttons=tuple(PostButton))
    await deliver(telegram, outbox, 1)
    api.refuse(400, "Bad Request: inline keyboard button URL 'x' is invalid: Wrong HTTP URL", method="sendPhoto")
    await deliver(telegram, outbox, 2)
    first, second = api.sent
    keyboard = first.message["reply_markup"]["inline_keyboard"]
    feed_id = next(iter(telegram.routes.feeds))
    assert [[button["url"] for button in row] for row in keyboard] == [
        ["https://sky.example/1", "https://t.me/share/url?url=https%3A%2F%2Fsky.example%2F1"],
        [f"https://t.me/{api.book.me['username']}?start={wish}_{feed_id}" for wish in "fm"],
    ]
    assert second.method == "sendPhoto"
    assert "reply_markup" not in second.message
    assert await telegram.states() == ["sent", "sent"]


async def test_an_album_goes_out_without_the_picture_that_cannot_be_had(api: BotApi, telegram: Stage) -> None:
    outbox = await open_outbox(telegram, {NEWS: Media.ALBUM})
    api.methods.broken_urls[PICTURES[1].url] = "WEBPAGE_CURL_FAILED"
    await deliver(telegram, outbox, 1)
    assert [sent.method for sent in api.sent] == ["sendMediaGroup"] * 2
    assert [row["message_ids"] for row in await telegram.rows()] == [[1, 2]]
    api.methods.broken_urls[PICTURES[2].url] = "WEBPAGE_CURL_FAILED"
    await deliver(telegram, outbox, 2)
    assert [sent.method for sent in api.sent[2:]] == ["sendPhoto"]


async def test_a_picture_goes_to_the_next_chats_by_its_file_id_until_telegram_forgets_it(
    api: BotApi, telegram: Stage
) -> None:
    outbox = await open_outbox(telegram, {NEWS: Media.PHOTO, SKY: Media.PHOTO})
    await telegram.read(an_entry(1, enclosures=PICTURES))
    await outbox.deliver_due()
    await deliver(telegram, outbox, 2)
    given = [str(call.params["photo"]) for call in api.calls("sendPhoto")]
    assert given[0] == PICTURES[0].url
    assert not any(photo.startswith("http") for photo in given[2:])
    api.methods._files.clear()
    await deliver(telegram, outbox, 3)
    again = [call for call in api.calls("sendPhoto")[4:] if call.outcome == "ok"]
    assert len(again) == 2
    assert str(again[0].params["photo"]) == PICTURES[0].url
    assert await telegram.states() == ["sent"] * 6
    assert len(api.sent) == 6


async def test_a_picture_that_telegram_cannot_fetch_is_fetched_by_us_once_and_known_by_its_id_from_then_on(
    api: BotApi, telegram: Stage, photos: dict[str, bytes]
) -> None:
    photos[PICTURES[0].url] = b"\xff\xd8\xff the moon"
    outbox = await open_outbox(telegram, {NEWS: Media.PHOTO, SKY: Media.PHOTO})
    for picture in PICTURES:
        api.methods.broken_urls[picture.url] = "WEBPAGE_CURL_FAILED"
    await telegram.read(an_entry(1, enclosures=PICTURES[:1]))
    await telegram.deliver_until_idle(outbox)
    await deliver(telegram, outbox, 2, enclosures=PICTURES[:1])
    uploads = [call for call in api.calls("sendPhoto") if call.files]
    assert {call.files["photo"] for call in uploads} == {b"\xff\xd8\xff the moon"}
    assert [sent.method for sent in api.sent] == ["sendPhoto"] * 4
    assert len(uploads) <= 2  # two chats at once may both have had to ask
    await deliver(telegram, outbox, 3, enclosures=PICTURES[1:2])
    assert [sent.method for sent in api.sent[4:]] == ["sendMessage"] * 2
    assert await telegram.states() == ["sent"] * 6


@pytest.mark.parametrize(
    ("body", "is_photo"),
    [
        (b"\xff\xd8\xff\xe0 jpeg", True),
        (b"\x89PNG\r\n\x1a\n png", True),
        (b"RIFF\0\0\0\0WEBP webp", True),
        (b"<html>you are a robot</html>", False),
        (b"\xff\xd8\xff" + bytes(10_000_000), False),
        (None, False),
    ],
    ids=["jpeg", "png", "webp", "page", "too-large", "nothing"],
)
async def test_only_photos_are_handed_over(body: bytes | None, is_photo: bool) -> None:
    async def fetch(asked: Feed, seen: Validators) -> Answer:
        assert (asked.url, seen, asked.headers["Accept"][:10]) == ("https://sky.example/1", Validators(), "image/jpeg")
        return Answer(asked.url, body)

    if is_photo:
        assert await fetch_picture(fetch, "https://sky.example/1") == body
    else:
        with pytest.raises(FetchError, match="goes out without it"):
            await fetch_picture(fetch, "https://sky.example/1")


async def test_the_items_of_an_album_count_in_the_pace_of_a_channel(api: BotApi, telegram: Stage) -> None:
    outbox = await open_outbox(telegram, {NEWS: Media.ALBUM})
    for number in range(1, 4):
        await telegram.read(an_entry(number, enclosures=PICTURES))
    await outbox.deliver_due()
    assert len(api.sent) == 3
    await telegram.deliver_until_idle(outbox, within=timedelta(seconds=20))
    assert len(api.sent) == 9


async def test_every_item_of_an_album_is_known_by_its_id_and_a_recording_is_one(api: BotApi, telegram: Stage) -> None:
    outbox = await open_outbox(telegram, {NEWS: Media.ALBUM})
    sound = Enclosure("https://sky.example/1.mp3", "audio/mpeg", size=1000)
    await deliver(telegram, outbox, 1)
    await deliver(telegram, outbox, 2, enclosures=(sound,))
    assert [row["message_ids"] for row in await telegram.rows()] == [[1, 2, 3], [4]]
    assert api.sent[-1].method == "sendAudio"
