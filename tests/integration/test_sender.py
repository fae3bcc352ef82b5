"""Every answer of the Bot API, through a real python-telegram-bot client, to what is to be done next."""

import inspect
import json
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest
import telegram.error
from telegram import Bot

from bot import errors
from bot.model import Attachment, Button, Entity, LinkPreview, Message, MessageKind
from bot.outbox import fallback
from bot.sender import (
    HANDLED,
    AiohttpRequest,
    LocalPreview,
    Match,
    NotSent,
    TelegramProbe,
    TelegramSender,
    explain,
    open_bot,
)
from tests.fakes.bot_api import TOKEN, BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.clock import FakeClock

CHANNEL, PERSON = -1001111111111, 42
HELLO = Message("Hello", (Entity("bold", 0, 5),))


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as running:
        running.add_chat(Chat(CHANNEL, type="channel", title="Sky", username="sky_news", status="administrator"))
        running.add_chat(Chat(PERSON, type="private", started=True))
        yield running


@pytest.fixture
async def sender(api: BotApi, clock: FakeClock) -> AsyncIterator[TelegramSender]:
    bot = open_bot(TOKEN, api.base_url.removesuffix("/bot"))
    await bot.initialize()
    yield TelegramSender(bot, clock)
    await bot.shutdown()


async def test_a_message_goes_out_as_text_and_entities(api: BotApi, sender: TelegramSender, clock: FakeClock) -> None:
    message = Message(
        "A full moon\nby @someone",
        (Entity("bold", 0, 11), Entity("text_link", 0, 11, url="https://sky.example/1")),
        link_preview=LinkPreview("https://sky.example/1.jpg", prefer_large_media=True, show_above_text=True),
        silent=True,
    )
    answer = await sender.send(CHANNEL, message)
    (sent,) = api.sent
    assert (answer.message_id, answer.sent_at) == (sent.message_id, clock.now())
    assert sent.text == message.text
    assert {entity["type"] for entity in sent.entities} == {"bold", "text_link"}
    (call,) = api.calls("sendMessage")
    assert "parse_mode" not in call.params
    assert str(call.params["disable_notification"]).lower() == "true"
    assert "https://sky.example/1.jpg" in str(call.params["link_preview_options"])


async def test_a_moment_goes_out_as_telegrams_own_entity(api: BotApi, sender: TelegramSender) -> None:
    moment = Entity("date_time", 0, 5, unix_time=1_700_000_000, date_time_format="Dt")
    await sender.send(CHANNEL, Message("today", (moment,)))
    (call,) = api.calls("sendMessage")
    (sent,) = json.loads(str(call.params["entities"]))
    assert sent == {
        "type": "date_time", "offset": 0, "length": 5, "unix_time": 1_700_000_000, "date_time_format": "Dt",
    }  # fmt: skip


async def test_a_message_without_a_picture_has_its_preview_turned_off(api: BotApi, sender: TelegramSender) -> None:
    await sender.send(CHANNEL, HELLO)
    (call,) = api.calls("sendMessage")
    assert "is_disabled" in str(call.params["link_preview_options"])


async def test_the_general_topic_is_left_out_of_the_call(api: BotApi, sender: TelegramSender) -> None:
    """Its id is 1, and Telegram answers "message thread not found" to it."""
    api.add_chat(Chat(-1003, type="supergroup", status="administrator", topics={12: "Moon"}))
    await sender.send(-1003, Message("a", thread=1))
    await sender.send(-1003, Message("b", thread=12))
    first, second = api.calls("sendMessage")
    assert "message_thread_id" not in first.params
    assert str(second.params["message_thread_id"]) == "12"


REFUSALS = [
    (400, "Bad Request: message is too long", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: MESSAGE_TOO_LONG", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: text must be non-empty", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: BUTTON_DATA_INVALID", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: chat not found", PERSON, errors.ChatGone),
    (400, "Bad Request: chat not found", CHANNEL, errors.RightsMissing),
    (403, "Forbidden: bot was blocked by the user", PERSON, errors.ChatGone),
    (403, "Forbidden: user is deactivated", PERSON, errors.ChatGone),
    (403, "Forbidden: bot can't initiate conversation with a user", PERSON, errors.ChatGone),
    (403, "Forbidden: the bot can't send messages to the bot", PERSON, errors.ChatGone),
    (403, "Forbidden: bot was kicked from the channel chat", CHANNEL, errors.RightsMissing),
    (403, "Forbidden: bot is not a member of the channel chat", CHANNEL, errors.RightsMissing),
    (400, "Bad Request: need administrator rights in the channel chat", CHANNEL, errors.RightsMissing),
    (400, "Bad Request: not enough rights to send text messages to the chat", CHANNEL, errors.RightsMissing),
    (400, "Bad Request: have no write access to the chat", CHANNEL, errors.RightsMissing),
    (400, "Bad Request: CHAT_WRITE_FORBIDDEN", CHANNEL, errors.RightsMissing),
    (400, "Bad Request: CHAT_ADMIN_REQUIRED", CHANNEL, errors.RightsMissing),
    (400, "Bad Request: CHAT_SEND_PLAIN_FORBIDDEN", CHANNEL, errors.RightsMissing),
    (400, "Bad Request: CHAT_RESTRICTED", CHANNEL, errors.RightsMissing),
    (400, "Bad Request: USER_BANNED_IN_CHANNEL", CHANNEL, errors.RightsMissing),
    (400, "Bad Request: message thread not found", CHANNEL, errors.RightsMissing),
    (400, "Bad Request: TOPIC_CLOSED", CHANNEL, errors.RightsMissing),
    (400, "Bad Request: PEER_ID_INVALID", CHANNEL, errors.RightsMissing),
    (400, "Bad Request: failed to get HTTP URL content", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: wrong type of the web page content", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: PHOTO_INVALID_DIMENSIONS", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: not enough rights to send photos to the chat", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: CHAT_SEND_PHOTOS_FORBIDDEN", CHANNEL, errors.MessageRejected),
    (401, "Unauthorized", CHANNEL, errors.TokenRejected),
    (404, "Not Found", CHANNEL, errors.TokenRejected),
    (409, "Conflict: terminated by other getUpdates request", CHANNEL, errors.RetryLater),
    (500, "Internal Server Error: restart", CHANNEL, errors.Uncertain),
    (504, "Gateway Timeout", CHANNEL, errors.Uncertain),
    (
        400,
        'Bad Request: can\'t parse entities: unsupported start tag "p" at byte offset 2',
        CHANNEL,
        errors.MessageRejected,
    ),
    (400, "Bad Request: text is too long", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: message caption is too long", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: MEDIA_CAPTION_TOO_LONG", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: message text is empty", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: chat_id is empty", PERSON, errors.ChatGone),
    (403, "Forbidden: bot can't send messages to bots", PERSON, errors.ChatGone),
    (403, "Forbidden: bot was kicked from the group chat", CHANNEL, errors.RightsMissing),
    (403, "Forbidden: bot was kicked from the supergroup chat", CHANNEL, errors.RightsMissing),
    (403, "Forbidden: bot is not a member of the supergroup chat", CHANNEL, errors.RightsMissing),
    (403, "Forbidden: the group chat was deleted", CHANNEL, errors.RightsMissing),
    (400, "Bad Request: TOPIC_DELETED", CHANNEL, errors.RightsMissing),
    (400, "Bad Request: wrong file identifier/HTTP URL specified", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: wrong HTTP URL specified", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: invalid file HTTP URL specified: Wrong port number", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: wrong remote file identifier specified: Wrong string length", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: IMAGE_PROCESS_FAILED", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: can't upload file by URL", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: group send failed", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: message to be replied not found", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: BUTTON_TYPE_INVALID", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: reply markup is too long", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: inline keyboard expected", CHANNEL, errors.MessageRejected),
    (401, "Unauthorized: invalid token specified", CHANNEL, errors.TokenRejected),
    (409, "Conflict: can't use getUpdates method while webhook is active", CHANNEL, errors.RetryLater),
    (502, "Bad Gateway", CHANNEL, errors.Uncertain),
    (400, "Bad Request: EXTERNAL_URL_INVALID", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: photo has unsupported extension; use .jpg", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: not enough rights to send videos to the chat", CHANNEL, errors.MessageRejected),
    (400, "Bad Request: not enough rights to send documents to the chat", CHANNEL, errors.MessageRejected),
    (
        400,
        'Bad Request: failed to send message #2 with the error message "WEBPAGE_CURL_FAILED"',
        CHANNEL,
        errors.MessageRejected,
    ),
    (
        400,
        "Bad Request: inline keyboard button URL 'http://localhost' is invalid: wrong HTTP URL",
        CHANNEL,
        errors.MessageRejected,
    ),
    (
        400,
        "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        CHANNEL,
        errors.MessageRejected,
    ),
    (409, "Conflict: terminated by setWebhook request", CHANNEL, errors.RetryLater),
    (421, "Misdirected Request: unallowed token specified", CHANNEL, errors.TokenRejected),
]


@pytest.mark.parametrize(
    ("code", "description", "chat", "expected"),
    REFUSALS,
    ids=[f"{row[0]}-{row[1].split(': ')[-1].replace(' ', '-')}-{row[2]}" for row in REFUSALS],
)
async def test_each_refusal_says_what_to_do_next(
    api: BotApi, sender: TelegramSender, code: int, description: str, chat: int, expected: type[Exception]
) -> None:
    api.refuse(code, description)
    with pytest.raises(errors.DeliveryError) as raised:
        await sender.send(chat, HELLO)
    assert type(raised.value) is expected
    assert TOKEN.partition(":")[2] not in str(raised.value)


#: What Telegram says to an edit, and whether it is as good as done. What is gone or too old is never posted again.
EDITED = [
    (
        "message is not modified: specified new message content and reply markup are exactly the same as a current "
        "content and reply markup of the message",
        True,
    ),
    ("message to edit not found", False),
    ("message can't be edited", False),
    ("there is no text in the message to edit", False),
    ("there is no caption in the message to edit", False),
    ("MESSAGE_TOO_LONG", False),
]


@pytest.mark.parametrize(("said", "is_done"), EDITED, ids=[row[0][:40].replace(" ", "-") for row in EDITED])
async def test_each_refusal_of_an_edit_says_whether_it_is_done(
    api: BotApi, sender: TelegramSender, said: str, is_done: bool
) -> None:
    out = await sender.send(CHANNEL, HELLO)
    api.refuse(400, f"Bad Request: {said}")
    with nullcontext() if is_done else pytest.raises(errors.MessageRejected):
        await sender.edit(CHANNEL, out.message_id, replace(HELLO, text="Goodbye"))


#: What Telegram says to the questions of a look into a chat (``probing.py``), by the question.
LOOKED = [
    ("exists", "message to be replied not found", False),
    ("exists", "text must be non-empty", True),
    ("copy", "message to forward not found", None),
    ("remove", "message to delete not found", None),
    ("remove", "message can't be deleted", None),
    ("compare", "message to edit not found", Match.ABSENT),
    ("compare", "message can't be edited", Match.FOREIGN),
    ("compare", "there is no text in the message to edit", Match.FOREIGN),
    ("compare", "message is not modified: specified new message content", Match.OURS),
]


@pytest.mark.parametrize(("question", "said", "answer"), LOOKED, ids=[f"{row[0]}-{row[1][:25]}" for row in LOOKED])
async def test_each_refusal_of_a_question_is_an_answer(
    api: BotApi, sender: TelegramSender, question: str, said: str, answer: object
) -> None:
    probe = TelegramProbe(sender._bot)
    api.refuse(400, f"Bad Request: {said}")
    match question:
        case "exists":
            assert await probe.exists(CHANNEL, 7) is answer
        case "copy":
            assert await probe.copy(PERSON, CHANNEL, 7) is answer
        case "compare":
            assert await probe.compare(CHANNEL, 7, HELLO) is answer
        case _:
            await probe.remove(PERSON, 7)


async def test_words_go_out_where_their_entities_are_refused(api: BotApi, sender: TelegramSender) -> None:
    bold = Message("A full moon", (Entity("bold", 0, 11),))
    api.refuse(400, "Bad Request: can't parse entities: the bold one")
    with pytest.raises(errors.MessageRejected) as raised:
        await sender.send(CHANNEL, bold)
    assert fallback.plainer(bold, raised.value) == Message("A full moon")
    assert fallback.plainer(Message("A full moon"), raised.value) is None


async def test_a_flood_limit_says_for_how_long(api: BotApi, sender: TelegramSender) -> None:
    api.flood(17)
    with pytest.raises(errors.RetryLater) as raised:
        await sender.send(CHANNEL, HELLO)
    assert raised.value.after == timedelta(seconds=17)


async def test_a_flood_limit_inside_an_albums_error_is_found(api: BotApi, sender: TelegramSender) -> None:
    api.refuse(400, 'Bad Request: failed to send message #2 with the error message "Too Many Requests: retry after 8"')
    with pytest.raises(errors.RetryLater) as raised:
        await sender.send(CHANNEL, HELLO)
    assert raised.value.after == timedelta(seconds=8)


async def test_a_flood_limit_of_a_whole_album_is_uncertain(api: BotApi, sender: TelegramSender) -> None:
    """The server hands an album on item by item: some may be out."""
    api.refuse(400, 'Bad Request: failed to send message #2 with the error message "Too Many Requests: retry after 8"')
    with pytest.raises(errors.Uncertain):
        await sender.send(CHANNEL, Message("Hills", kind=MessageKind.ALBUM, media=(PICTURE, PICTURE)))


PICTURE = Attachment("https://sky.example/1.jpg")
READ = ((Button("Read", "https://sky.example/1"), Button("Share", "https://t.me/share/url?url=x")),)


@pytest.mark.parametrize(
    ("kind", "method"),
    [(MessageKind.PHOTO, "sendPhoto"), (MessageKind.AUDIO, "sendAudio"), (MessageKind.VIDEO, "sendVideo")],
)
async def test_media_goes_out_with_its_caption_and_its_file_id_works_as_well_as_the_address(
    api: BotApi, sender: TelegramSender, kind: MessageKind, method: str
) -> None:
    message = Message(
        "Hills\nby night", (Entity("bold", 0, 5),), kind=kind, media=(PICTURE,), silent=True, buttons=READ
    )
    answer = await sender.send(CHANNEL, message)
    (file_id,) = answer.file_ids
    again = await sender.send(CHANNEL, replace(message, media=(replace(PICTURE, file_id=file_id),)))
    first, second = api.calls(method)
    name = method.removeprefix("send").lower()
    assert (first.params[name], second.params[name]) == (PICTURE.url, file_id)
    assert (answer.message_ids, again.message_ids) == ((1,), (2,))
    for sent in api.sent:
        assert (sent.text, sent.entities) == (message.text, [{"type": "bold", "offset": 0, "length": 5}])
        assert sent.message["reply_markup"]["inline_keyboard"][0][1]["url"] == READ[0][1].url


@pytest.mark.parametrize("kind", [MessageKind.TEXT, MessageKind.PHOTO])
async def test_a_message_is_changed_in_place_and_keeps_its_buttons(
    api: BotApi, sender: TelegramSender, kind: MessageKind
) -> None:
    media = () if kind is MessageKind.TEXT else (PICTURE,)
    message = Message("old", kind=kind, media=media, buttons=READ)
    out = await sender.send(CHANNEL, message)
    changed = replace(message, text="new", entities=(Entity("bold", 0, 3),))
    for _time in range(2):  # the same words again are no error
        await sender.edit(CHANNEL, out.message_id, changed)
    last = api.sent[-1]
    assert (last.event, last.text, last.entities) == ("edit", "new", [{"type": "bold", "offset": 0, "length": 3}])
    assert last.message["reply_markup"]["inline_keyboard"][0][1]["url"] == READ[0][1].url
    with pytest.raises(errors.MessageRejected):
        await sender.edit(CHANNEL, out.message_id + 7, changed)


async def test_a_reply_goes_out_also_where_what_it_replies_to_is_gone(api: BotApi, sender: TelegramSender) -> None:
    first = await sender.send(CHANNEL, HELLO)
    await sender.send(CHANNEL, replace(HELLO, reply_to=first.message_id))
    await sender.send(CHANNEL, replace(HELLO, reply_to=999))
    _first, second, third = api.calls("sendMessage")
    assert json.loads(str(second.params["reply_parameters"]))["message_id"] == first.message_id
    assert json.loads(str(third.params["reply_parameters"]))["allow_sending_without_reply"] is True
    assert len(api.sent) == 3


async def test_an_album_has_its_caption_once_and_an_id_for_each_item(api: BotApi, sender: TelegramSender) -> None:
    other = Attachment("https://sky.example/2.jpg")
    album = Message("Hills", (Entity("bold", 0, 5),), kind=MessageKind.ALBUM, media=(PICTURE, other), thread=1)
    answer = await sender.send(CHANNEL, album)
    assert answer.message_ids == (1, 2)
    assert len(set(answer.file_ids)) == 2
    assert [sent.text for sent in api.sent] == ["Hills", ""]
    assert "message_thread_id" not in api.calls("sendMediaGroup")[0].params


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("failed to get HTTP URL content", (True, None, False)),
        ('failed to send message #3 with the error message "WEBPAGE_CURL_FAILED"', (True, 3, False)),
        ("inline keyboard button URL 'x' is invalid: Wrong HTTP URL", (False, None, True)),
        ("BUTTON_URL_INVALID", (False, None, True)),
        ("message is too long", (False, None, False)),
        ("message caption is too long", (True, None, False)),
    ],
)
async def test_a_refusal_says_what_of_the_message_was_refused(
    api: BotApi, sender: TelegramSender, said: str, what: tuple[bool, int | None, bool]
) -> None:
    api.refuse(400, f"Bad Request: {said}")
    with pytest.raises(errors.MessageRejected) as raised:
        await sender.send(CHANNEL, HELLO)
    assert (raised.value.media, raised.value.item, raised.value.buttons) == what


async def test_a_migrated_group_brings_its_new_id(api: BotApi, sender: TelegramSender) -> None:
    api.add_chat(Chat(-500, type="group", status="member", migrated_to=-1005005005005))
    with pytest.raises(errors.ChatMigrated) as raised:
        await sender.send(-500, HELLO)
    assert raised.value.new_chat_id == -1005005005005


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "status_after", "malformed", "truncate"])
async def test_an_answer_that_may_hide_a_success_is_uncertain(api: BotApi, sender: TelegramSender, fault: str) -> None:
    api.fault(fault)  # type: ignore[arg-type]  # one of its literals
    with pytest.raises(errors.Uncertain):
        await sender.send(CHANNEL, HELLO)


async def test_an_answer_that_does_not_come_in_time_is_uncertain(api: BotApi) -> None:
    api.fault("delay_after", seconds=5)
    request = AiohttpRequest(read_timeout=0.2)
    bot = Bot(TOKEN, base_url=api.base_url, request=request, get_updates_request=AiohttpRequest())
    await request.initialize()
    with pytest.raises(errors.Uncertain):
        await TelegramSender(bot).send(CHANNEL, HELLO)
    assert len(api.sent) == 1
    await request.shutdown()


async def test_without_a_connection_nothing_was_sent(api: BotApi, sender: TelegramSender) -> None:
    await api.stop()
    # The kept connection is dead; aiohttp notices it before it writes, or the answer is uncertain.
    with pytest.raises((errors.RetryLater, errors.Uncertain)):
        await sender.send(CHANNEL, HELLO)
    with pytest.raises(errors.RetryLater, match="no connection to the Bot API"):
        await sender.send(CHANNEL, HELLO)


def test_every_exception_class_of_the_library_is_mapped() -> None:
    """Fails when python-telegram-bot brings a class that nobody has decided about."""
    theirs = {
        found
        for _name, found in inspect.getmembers(telegram.error, inspect.isclass)
        if issubclass(found, telegram.error.TelegramError)
    }
    assert theirs | {NotSent} == {*HANDLED, telegram.error.TelegramError}


def test_a_bare_error_of_the_library_is_uncertain() -> None:
    assert isinstance(explain(telegram.error.TelegramError("Invalid server response"), 1), errors.Uncertain)


async def test_a_name_is_resolved_to_its_id(sender: TelegramSender) -> None:
    assert await sender.resolve("@sky_news") == CHANNEL
    with pytest.raises(errors.RightsMissing, match="@nobody_here"):
        await sender.resolve("@nobody_here")


@pytest.mark.parametrize(
    ("may_post", "problem"), [(True, None), (False, "the bot may not post")], ids=["fine", "no-right"]
)
async def test_a_report_says_which_right_is_missing(
    api: BotApi, sender: TelegramSender, may_post: bool, problem: str | None
) -> None:
    api.chats[CHANNEL].can_post_messages = may_post
    report = await sender.report("@sky_news")
    assert report.title == "Sky"
    assert (report.problem or "").startswith(problem or "")
    assert bool(report.problem) == (problem is not None)


async def test_a_report_on_a_channel_that_does_not_know_us_says_what_to_do(api: BotApi, sender: TelegramSender) -> None:
    api.chats[CHANNEL].status = "left"
    with pytest.raises(errors.RightsMissing, match="make the bot an administrator there"):
        await sender.report(str(CHANNEL))


async def test_the_preview_takes_everything_and_sends_it_nowhere(clock: FakeClock) -> None:
    preview = LocalPreview(clock)
    first, second = await preview.send(1, HELLO), await preview.send(1, HELLO)
    assert (first.message_id, second.message_id) == (1, 2)
    assert first.sent_at == clock.now()
    with pytest.raises(errors.ChatGone):
        await preview.resolve("@sky_news")
