"""The fake Telegram against the real client: python-telegram-bot on its stock transport.

What other tests take on trust is proved here: that an error comes out as the class the program will meet, and
that a fault does what its name says.
"""

import asyncio
import contextlib
import json
import ssl
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    LinkPreviewOptions,
    MessageEntity,
    MessageOriginChannel,
    ReplyParameters,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest

from tests.fakes.bot_api import BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.clock import FakeClock

CHANNEL = -1001000000001
GROUP = -1001000000002
BASIC = -4001
READER = 71
TLS = ssl.create_default_context()  # one for all: making it is most of the cost of a client


@pytest.fixture(autouse=True)
def _spans_are_timedeltas(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without it python-telegram-bot warns whenever it makes a RetryAfter, and warnings are errors here.
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


@pytest_asyncio.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        server.add_chat(Chat(CHANNEL, title="Garden", username="Garden_News"))
        server.add_chat(Chat(GROUP, "supergroup", status="member", topics={12: "Bulbs", 13: "Seeds"}))
        server.chats[GROUP].closed_topics.append(13)
        server.add_chat(Chat(BASIC))
        server.add_chat(Chat(READER, title="Reader"))
        yield server


@pytest_asyncio.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    async with client(api) as stock:
        yield stock


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


def client(api: BotApi, token: str | None = None, read_timeout: float = 5.0) -> Bot:
    requests = [HTTPXRequest(read_timeout=read_timeout, httpx_kwargs={"verify": TLS}) for _ in range(2)]
    return Bot(token or api.token, base_url=api.base_url, request=requests[0], get_updates_request=requests[1])


# --- Telegram: what succeeds ---------------------------------------------------------------------------------


async def test_a_post_comes_back_as_a_channel_gives_it(api: BotApi, bot: Bot) -> None:
    entities = [MessageEntity("bold", 0, 5), MessageEntity("text_link", 6, 4, url="https://garden.example/a")]
    preview = LinkPreviewOptions(url="https://garden.example/p.jpg", prefer_large_media=True, show_above_text=True)
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Read", url="https://garden.example/a")]])
    message = await bot.send_message(
        "@garden_news", "Tulip here #bulbs \n", entities=entities, link_preview_options=preview, reply_markup=keyboard
    )
    assert (message.chat.id, message.message_id, message.from_user) == (CHANNEL, 1, None)
    assert message.sender_chat is not None
    assert message.text == "Tulip here #bulbs"
    assert [(entity.type, entity.offset) for entity in message.entities] == [
        ("bold", 0),
        ("text_link", 6),
        ("hashtag", 11),
    ]
    assert message.link_preview_options == preview
    assert message.reply_markup == keyboard
    (sent,) = api.sent
    assert (sent.seq, sent.event, sent.text, len(sent.entities)) == (1, "send", "Tulip here #bulbs", 2)
    assert api.requests[-1].outcome == "ok"


async def test_channels_number_their_own_messages_and_private_chats_share_numbers(api: BotApi, bot: Bot) -> None:
    api.add_chat(Chat(72))
    api.chats[CHANNEL].last_id = 40
    chats = [CHANNEL, READER, GROUP, 72, CHANNEL, BASIC]
    assert [(await bot.send_message(chat, "x")).message_id for chat in chats] == [41, 1, 1, 2, 42, 3]


async def test_a_forward_names_where_and_when_the_post_was(api: BotApi, bot: Bot) -> None:
    post = await bot.send_message(CHANNEL, "a post")
    forward = await bot.forward_message(READER, CHANNEL, post.message_id)
    origin = forward.forward_origin
    assert isinstance(origin, MessageOriginChannel)
    assert (origin.chat.id, origin.message_id, origin.date, forward.text) == (CHANNEL, 1, post.date, "a post")
    copy = await bot.copy_message(READER, CHANNEL, post.message_id)
    assert api.chats[READER].messages[copy.message_id].body["text"] == "a post"
    await bot.delete_message(READER, forward.message_id)
    assert [sent.event for sent in api.sent] == ["send", "send", "send", "delete"]


async def test_pictures_go_by_address_and_albums_share_a_group(bot: Bot) -> None:
    photo = await bot.send_photo(CHANNEL, "https://garden.example/1.jpg", caption="one")
    album = await bot.send_media_group(
        CHANNEL, [InputMediaPhoto(photo.photo[-1].file_id), InputMediaPhoto("https://garden.example/2.jpg")]
    )
    assert photo.caption == "one"
    assert [part.message_id for part in album] == [2, 3]
    assert album[0].media_group_id == album[1].media_group_id
    assert album[0].photo[-1].file_id == photo.photo[-1].file_id


async def test_an_edit_changes_the_text_and_takes_the_keyboard_it_is_not_given(api: BotApi, bot: Bot) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Like", callback_data="like:1")]])
    message = await bot.send_message(CHANNEL, "old", reply_markup=keyboard)
    edited = await bot.edit_message_text("new", CHANNEL, message.message_id)
    assert not isinstance(edited, bool)
    assert (edited.text, edited.reply_markup) == ("new", None)
    assert [(sent.event, sent.text) for sent in api.sent] == [("send", "old"), ("edit", "new")]


async def test_topics_replies_and_files_arrive(api: BotApi, bot: Bot) -> None:
    first = await bot.send_message(GROUP, "in the topic", message_thread_id=12)
    reply = await bot.send_message(GROUP, "again", reply_parameters=ReplyParameters(first.message_id))
    await bot.send_document(READER, b"<opml/>", filename="feeds.opml")
    assert (first.message_thread_id, first.is_topic_message) == (12, True)
    assert reply.reply_to_message is not None
    assert api.requests[-1].files == {"document": b"<opml/>"}


async def test_chats_and_their_members_are_told(api: BotApi, bot: Bot) -> None:
    api.chats[CHANNEL].members = {READER: "creator", 72: {"status": "administrator", "can_post_messages": False}}
    chat = await bot.get_chat("@Garden_News")
    assert (chat.id, chat.title) == (CHANNEL, "Garden")
    assert (await bot.get_chat_member(CHANNEL, READER)).status == "creator"
    assert (await bot.get_chat_member(CHANNEL, 99)).status == "left"
    administrators = await bot.get_chat_administrators(CHANNEL)
    assert [member.user.id for member in administrators] == [bot.id, READER, 72]


async def test_the_bot_describes_itself(api: BotApi, bot: Bot) -> None:
    assert (await bot.get_me()).username == "pigeon_test_bot"
    await bot.set_my_commands([BotCommand("start", "Begin")], language_code="en")
    await bot.set_my_description("Posts about gardens", "en")
    await bot.set_my_short_description("Gardens")
    assert api.methods.profile["description", "default", "en"] == "Posts about gardens"
    assert [command.command for command in await bot.get_my_commands(language_code="en")] == ["start"]


# --- Telegram: what it refuses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "error", "said"),
    [
        pytest.param({"status": "kicked"}, Forbidden, "Forbidden: bot was kicked from the channel chat", id="kicked"),
        pytest.param(
            {"status": "left"}, Forbidden, "Forbidden: bot is not a member of the channel chat", id="not-member"
        ),
        pytest.param({"status": "member"}, BadRequest, "Need administrator rights in the channel chat", id="demoted"),
        pytest.param(
            {"can_post_messages": False}, BadRequest, "Need administrator rights in the channel chat", id="no-right"
        ),
        pytest.param({"send_error": "CHAT_WRITE_FORBIDDEN"}, BadRequest, "Chat_write_forbidden", id="raw-code"),
        pytest.param({"migrated_to": GROUP}, ChatMigrated, "Group migrated to supergroup", id="migrated"),
    ],
)
async def test_a_channel_that_does_not_let_the_bot_post(
    api: BotApi, bot: Bot, state: dict[str, Any], error: type[TelegramError], said: str
) -> None:
    for name, value in state.items():
        setattr(api.chats[CHANNEL], name, value)
    with pytest.raises(error) as caught:
        await bot.send_message(CHANNEL, "x")
    assert caught.value.message.startswith(said)
    assert api.sent == []


@pytest.mark.parametrize(
    ("state", "said"),
    [
        pytest.param({"blocked": True}, "Forbidden: bot was blocked by the user", id="blocked"),
        pytest.param({"deactivated": True}, "Forbidden: user is deactivated", id="deactivated"),
        pytest.param({"started": False}, "Forbidden: bot can't initiate conversation with a user", id="never-started"),
    ],
)
async def test_a_person_the_bot_cannot_write_to(api: BotApi, bot: Bot, state: dict[str, Any], said: str) -> None:
    for name, value in state.items():
        setattr(api.chats[READER], name, value)
    with pytest.raises(Forbidden) as caught:
        await bot.send_message(READER, "x")
    assert caught.value.message == said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({"chat_id": 999}, "Chat not found", id="unknown-chat"),
        pytest.param({"chat_id": "@nobody_here"}, "Chat not found", id="unknown-name"),
        pytest.param({"text": ""}, "Message text is empty", id="no-text"),
        pytest.param({"text": "\u200f \u200b"}, "Text must be non-empty", id="blank-text"),
        pytest.param({"text": "x" * 4097}, "Message is too long", id="too-long"),
        pytest.param({"text": "\U0001f600" * 2049}, "Message is too long", id="too-long-in-units"),
        pytest.param({"text": "\u06af" * 16385}, "Text is too long", id="too-many-bytes"),
        pytest.param({"parse_mode": "HTML"}, "Fake: parse_mode was used", id="parse-mode"),
        pytest.param(
            {"entities": [MessageEntity("bold", 0, 2)]},
            "Entity beginning at utf-16 offset 0 ends after the end",
            id="past-end",
        ),
        pytest.param(
            {"text": "\U0001f600", "entities": [MessageEntity("bold", 1, 1)]},
            "Entity begins in a middle",
            id="inside-a-pair",
        ),
        pytest.param(
            {"entities": [MessageEntity("shiny", 0, 1)]},
            "Can't parse messageentity: unsupported type",
            id="unknown-entity",
        ),
        pytest.param({"entities": [MessageEntity("text_link", 0, 1)]}, "Can't parse messageentity", id="link-to-none"),
        pytest.param({"entities": [MessageEntity("bold", 0, 1)] * 101}, "Fake: 101 entities", id="too-many-entities"),
        pytest.param({"chat_id": GROUP, "message_thread_id": 9}, "Message thread not found", id="no-such-topic"),
        pytest.param({"chat_id": GROUP, "message_thread_id": 13}, "Topic_closed", id="closed-topic"),
        pytest.param({"reply_parameters": ReplyParameters(5)}, "Message to be replied not found", id="no-reply"),
        pytest.param(
            {"reply_markup": InlineKeyboardMarkup([[InlineKeyboardButton("b", callback_data="x" * 65)]])},
            "Button_data_invalid",
            id="long-button",
        ),
        pytest.param(
            {"reply_markup": InlineKeyboardMarkup([[InlineKeyboardButton("b", url="http://localhost")]])},
            "Inline keyboard button url 'http://localhost' is invalid: wrong http url",
            id="bad-button-address",
        ),
    ],
)
async def test_a_message_telegram_does_not_take(api: BotApi, bot: Bot, settings: dict[str, Any], said: str) -> None:
    call: dict[str, Any] = {"chat_id": CHANNEL, "text": "x"} | settings
    with pytest.raises(BadRequest) as caught:
        await bot.send_message(**call)
    assert caught.value.message.startswith(said)
    assert api.sent == []


async def test_edits_deletes_and_copies_name_what_is_not_there(api: BotApi, bot: Bot) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Like", callback_data="1")]])
    mine = (await bot.send_message(CHANNEL, "mine", reply_markup=keyboard)).message_id
    theirs = api.crowd.channel_post(CHANNEL, "theirs")["channel_post"]["message_id"]
    photo = (await bot.send_photo(CHANNEL, "https://garden.example/1.jpg")).message_id
    refused = {
        "Message is not modified: specified new message content": bot.edit_message_reply_markup(
            CHANNEL, mine, reply_markup=keyboard
        ),
        "Message is not modified": bot.edit_message_text("mine", CHANNEL, mine, reply_markup=keyboard),
        "Message to edit not found": bot.edit_message_reply_markup(CHANNEL, 50),
        "Message can't be edited": bot.edit_message_reply_markup(CHANNEL, theirs),
        "There is no text in the message to edit": bot.edit_message_text("x", CHANNEL, photo),
        "Message_too_long": bot.edit_message_text("x" * 4097, CHANNEL, mine),
        "Message to delete not found": bot.delete_message(CHANNEL, 50),
        "Message can't be deleted": bot.delete_message(CHANNEL, theirs),
        "Message to forward not found": bot.forward_message(READER, CHANNEL, 50),
        "Message to copy not found": bot.copy_message(READER, CHANNEL, 50),
    }
    for said, attempt in refused.items():
        with pytest.raises(BadRequest) as caught:
            await attempt
        assert caught.value.message.startswith(said)


async def test_a_picture_that_cannot_be_fetched_is_refused_alone_and_in_an_album(api: BotApi, bot: Bot) -> None:
    broken, good = "https://garden.example/gone.jpg", "https://garden.example/1.jpg"
    api.methods.broken_urls[broken] = "WEBPAGE_CURL_FAILED"
    with pytest.raises(BadRequest, match="Failed to get http url content"):
        await bot.send_photo(CHANNEL, broken)
    with pytest.raises(BadRequest, match='Failed to send message #2 with the error message "webpage_curl_failed"'):
        await bot.send_media_group(CHANNEL, [InputMediaPhoto(good), InputMediaPhoto(broken)])
    with pytest.raises(BadRequest, match="Message caption is too long"):
        await bot.send_photo(CHANNEL, good, caption="x" * 1025)
    assert api.sent == []


async def test_a_wrong_token_and_an_unknown_method(api: BotApi, bot: Bot) -> None:
    with pytest.raises(InvalidToken):
        async with client(api, "123456:OTHER"):
            pass  # entering asks getMe
    with pytest.raises(EndPointNotFound):
        await bot.do_api_request("sendRichMessage", api_kwargs={"chat_id": CHANNEL})
    assert [call.outcome for call in api.requests[-2:]] == ["401 Unauthorized", "404 Not Found: method not found"]


async def test_a_flood_is_told_in_the_body_and_the_header(api: BotApi, http: aiohttp.ClientSession, bot: Bot) -> None:
    api.flood(7, chat_id=CHANNEL, times=2)
    await bot.send_message(READER, "another chat")
    with pytest.raises(RetryAfter) as caught:
        await bot.send_message("@garden_news", "x")
    assert caught.value.retry_after == timedelta(seconds=7)
    async with http.get(f"{api.base_url}{api.token}/sendMessage?chat_id={CHANNEL}&text=x") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
        body = await answer.json()
    assert body == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 7",
        "parameters": {"retry_after": 7},
    }
    await bot.send_message(CHANNEL, "x")


# --- Telegram: faults ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "error", "said", "is_sent"),
    [
        pytest.param({"action": "drop_before"}, NetworkError, "Server disconnected", False, id="drop-before"),
        pytest.param({"action": "drop_after"}, NetworkError, "Server disconnected", True, id="drop-after"),
        pytest.param({"action": "status_after"}, NetworkError, "Bad Gateway (502)", True, id="status-after"),
        pytest.param({"action": "malformed"}, TelegramError, "Invalid server response", True, id="malformed"),
        pytest.param({"action": "truncate"}, NetworkError, "peer closed connection", True, id="truncate"),
        pytest.param({"action": "error"}, NetworkError, "Internal Server Error: restart", False, id="error"),
        pytest.param({"action": "hang"}, TimedOut, "Timed out", False, id="hang"),
        pytest.param({"action": "delay_after", "seconds": 60}, TimedOut, "Timed out", True, id="delay-after"),
    ],
)
async def test_a_fault_does_what_its_name_says(
    api: BotApi,
    caplog: pytest.LogCaptureFixture,
    order: dict[str, Any],
    error: type[TelegramError],
    said: str,
    is_sent: bool,
) -> None:
    async with client(api, read_timeout=0.2) as bot:
        api.fault(**order)
        with pytest.raises(error) as caught:
            await bot.send_message(CHANNEL, "x")
        assert said in caught.value.message
        assert type(caught.value) is error
        assert [sent.text for sent in api.sent] == (["x"] if is_sent else [])
        await bot.send_message(CHANNEL, "y")
    assert not [record for record in caplog.records if record.name.startswith("aiohttp") or record.name == "asyncio"]


async def test_faults_are_counted_and_aimed(api: BotApi, bot: Bot) -> None:
    api.fault("drop_before", method="send.*", chat_id=CHANNEL, skip=1, times=2)
    outcomes = []
    for chat in (CHANNEL, READER, CHANNEL, CHANNEL, CHANNEL):
        try:
            await bot.send_message(chat, "x")
            outcomes.append("ok")
        except NetworkError:
            outcomes.append("dropped")
    assert outcomes == ["ok", "ok", "dropped", "dropped", "ok"]
    assert api.faults == []
    assert [call.outcome for call in api.calls("sendMessage")] == outcomes


async def test_two_faults_that_are_alike_are_two(api: BotApi, bot: Bot) -> None:
    for _ in range(2):
        api.fault("drop_before", method="sendMessage", skip=1)
    for outcome in ("ok", "dropped", "dropped", "ok"):
        with contextlib.nullcontext() if outcome == "ok" else pytest.raises(NetworkError):
            await bot.send_message(CHANNEL, "x")
    assert api.faults == []


async def test_pacing_is_watched_only_when_asked() -> None:
    clock = FakeClock()
    async with BotApi(strict=True, now=clock, monotonic=clock.monotonic) as api, client(api) as bot:
        api.add_chat(Chat(CHANNEL))
        api.add_chat(Chat(READER))
        for _ in range(21):
            await bot.send_message(CHANNEL, "x")
            clock.advance(timedelta(seconds=3))
        assert api.violations == []
        clock.advance(timedelta(minutes=1))
        for _ in range(21):
            await bot.send_message(CHANNEL, "x")
        for _ in range(10):
            await bot.send_message(READER, "x")
        api.flood(5, chat_id=READER)
        with pytest.raises(RetryAfter):
            await bot.send_message(READER, "x")
        clock.advance(timedelta(seconds=2))
        await bot.send_message(READER, "x")
    assert [line.split(" at ")[0] for line in api.violations] == [
        f"21 messages to {CHANNEL} within 60 s",
        "31 messages overall within 1 s",
        f"sendMessage to {READER} came 3.000 s before its retry_after was over",
    ]


# --- Telegram: updates ---------------------------------------------------------------------------------------


async def test_long_polling_waits_for_an_update_and_repeats_it_until_confirmed(api: BotApi, bot: Bot) -> None:
    waiting = asyncio.create_task(bot.get_updates(timeout=30))
    await api.until(lambda: bool(api.calls("getUpdates")))
    injected = api.crowd.private_message(READER, "/start feed_42")
    (update,) = await waiting
    assert update.message is not None
    assert update.message.text == "/start feed_42"
    assert update.message.entities[0].type == "bot_command"
    assert update.effective_user is not None
    assert update.effective_user.language_code == "fa"
    assert [again.update_id for again in await bot.get_updates(timeout=0)] == [injected["update_id"]]
    assert await bot.get_updates(offset=injected["update_id"] + 1, timeout=0) == ()


async def test_what_people_do_arrives_as_updates(api: BotApi, bot: Bot) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Like", callback_data="like:1")]])
    message = await bot.send_message(READER, "x", reply_markup=keyboard)
    crowd = api.crowd
    crowd.channel_added(-1001000000009, READER, "Stars", can_post_messages=True)
    crowd.bot_status(-1001000000009, READER, "kicked")
    crowd.bot_status(READER, READER, "kicked")
    crowd.callback(READER, READER, message.message_id, "like:1")
    crowd.inline_query(READER, "tulips")
    crowd.channel_post(CHANNEL, "by somebody else")
    crowd.group_message(GROUP, READER, "/help")
    api.inject({"chat_member": {}})  # not sent unless asked for
    added, removed, blocked, pressed, typed, posted, said = await bot.get_updates(timeout=0)
    assert added.my_chat_member is not None
    assert added.my_chat_member.new_chat_member.status == "administrator"
    assert removed.my_chat_member is not None
    assert removed.my_chat_member.difference()["status"] == ("administrator", "kicked")
    assert blocked.my_chat_member is not None
    assert blocked.my_chat_member.difference()["status"] == ("member", "kicked")
    assert api.chats[READER].blocked
    assert pressed.callback_query is not None
    assert pressed.callback_query.data == "like:1"
    await bot.answer_callback_query(pressed.callback_query.id, "Thanks")
    with pytest.raises(BadRequest, match="Query is too old"):
        await bot.answer_callback_query(pressed.callback_query.id)
    assert typed.inline_query is not None
    await bot.answer_inline_query(typed.inline_query.id, [])
    assert [answer.get("text") for answer in api.methods.answers] == ["Thanks", None]
    assert posted.channel_post is not None
    assert said.message is not None
    assert api.chats[-1001000000009].members == {READER: "creator"}


async def test_a_second_poller_ends_the_first_and_a_webhook_ends_both(api: BotApi, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=30))
    await api.until(lambda: len(api.calls("getUpdates")) == 1)
    async with client(api) as other:
        second = asyncio.create_task(other.get_updates(timeout=30))
        with pytest.raises(Conflict, match="terminated by other getUpdates request"):
            await first
        await bot.set_webhook("https://bot.example/telegram")
        with pytest.raises(Conflict):
            await second
    with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
        await bot.get_updates()
    assert (await bot.get_webhook_info()).url == "https://bot.example/telegram"
    await bot.delete_webhook()
    assert await bot.get_updates(timeout=0) == ()


async def test_stopping_sends_waiting_callers_home_and_starting_again_keeps_the_port(api: BotApi, bot: Bot) -> None:
    waiting = asyncio.create_task(bot.get_updates(timeout=50))
    await api.until(lambda: bool(api.calls("getUpdates")))
    port = api.port
    await api.stop()
    assert await waiting == ()
    with pytest.raises(NetworkError, match="ConnectError"):
        await bot.send_message(READER, "x")
    await api.start(port)
    await bot.send_message(READER, "x")
    assert api.texts(READER) == ["x"]


async def test_another_process_is_told_and_asked_over_http(http: aiohttp.ClientSession) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.fakes.bot_api", "--port", "0"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    origin = f"http://127.0.0.1:{json.loads(await process.stdout.readline())['port']}"
    await http.post(f"{origin}/_chat", json={"id": CHANNEL, "username": "garden", "members": {"71": "creator"}})
    await http.post(f"{origin}/_fault", json={"action": "drop_after", "method": "sendMessage"})
    await http.post(f"{origin}/_update", json={"do": "private_message", "user_id": READER, "text": "/start"})
    wrong = await http.post(f"{origin}/_chat", json={"id": CHANNEL, "colour": "red"})
    async with Bot("123456:TEST-TOKEN", base_url=f"{origin}/bot") as bot:
        assert len(await bot.get_updates(timeout=0)) == 1
        with pytest.raises(NetworkError):
            await bot.send_message("@garden", "x")
    sent = await (await http.get(f"{origin}/_sent?count=1&chat_id={CHANNEL}")).json()
    requests = await (await http.get(f"{origin}/_requests?method=sendMessage")).json()
    chat = await (await http.get(f"{origin}/_chat?chat_id={CHANNEL}")).json()
    process.stdin.close()
    assert await process.wait() == 0
    assert wrong.status == 400
    assert [(line["text"], line["message_id"]) for line in sent] == [("x", 1)]
    assert [(line["outcome"], line["processed"]) for line in requests] == [("dropped", True)]
    assert [message["text"] for message in chat["messages"]] == ["x"]
