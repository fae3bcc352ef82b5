"""Updates by webhook: the way there, who is believed, and the way back to polling."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import structlog
from aiohttp.test_utils import TestClient, TestServer
from telegram import Bot

from bot.commands.updates import ALLOWED_UPDATES, Commands
from bot.errors import TokenRejected
from bot.sender import open_bot, shut_down
from bot.web.site import Site
from bot.web.webhook import SECRET_HEADER, Webhook, WebhookPlace
from tests.builders import NOW, a_channel
from tests.fakes.bot_api import TOKEN, BotApi, Fault
from tests.fakes.front import FakeFront, nothing_sent
from tests.fakes.vitals import FakeVitals
from tests.stage import Stage

PLACE = WebhookPlace("https://bot.example/bots/sky/telegram", "right-Secret_1")
PERSON = 7


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as running:
        yield running


def commands(api: BotApi, lite: Stage, *, is_polled: bool) -> Commands:
    answering = Commands(
        open_bot(TOKEN, api.base_url.removesuffix("/bot")),
        lite.database,
        lite.clock,
        language="en",
        zone=ZoneInfo("Asia/Tehran"),
        admins=[42],
        on_conflict=lambda _problem: None,
    )
    answering.is_polled = is_polled
    return answering


class Heard(list[str]):
    """What was noted, in order."""

    def __call__(self) -> None:
        self.append("heard")

    async def take(self, update: dict[str, Any]) -> None:
        self.append(f"update {update['update_id']}")


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    opened = open_bot(TOKEN, api.base_url.removesuffix("/bot"))
    await opened.initialize()
    api.requests.clear()
    yield opened
    await shut_down(opened)


def webhook(bot: Bot, noted: Heard, place: WebhookPlace = PLACE) -> Webhook:
    return Webhook(bot, place, allowed_updates=ALLOWED_UPDATES, take=noted.take, heard=noted)


# --- who is believed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "body", "status"),
    [
        (PLACE.secret, b'{"update_id": 5}', 200),
        ("wrong", b'{"update_id": 5}', 403),
        ("", b'{"update_id": 5}', 403),
        (PLACE.secret[:-1], b'{"update_id": 5}', 403),
        ("\udcff", b'{"update_id": 5}', 403),
        ("wrong", b"no update", 403),
        (PLACE.secret, b"no json", 400),
        (PLACE.secret, b"\xff\xfe", 400),
        (PLACE.secret, b"[]", 400),
        (PLACE.secret, b'{"update_id": "5"}', 400),
    ],
    ids=["right", "wrong", "none", "shorter", "bytes", "both wrong", "no json", "no text", "list", "no number"],
)
async def test_an_update_is_taken_from_who_knows_the_secret_and_nobody_else(
    bot: Bot, secret: str, body: bytes, status: int
) -> None:
    noted = Heard()
    with structlog.testing.capture_logs() as logs:
        assert await webhook(bot, noted).receive(secret, body) == status
    assert noted == (["heard", "update 5"] if status == 200 else [])
    assert [line["event"] for line in logs] == (["forged update refused"] if status == 403 else [])
    assert PLACE.secret not in str(logs)


async def test_the_page_takes_updates_at_its_own_path_and_at_the_one_that_a_proxy_keeps(bot: Bot) -> None:
    async def nothing(_channel: str, _template: str) -> list[Any]:
        return []

    noted = Heard()
    site = Site(
        channels={"main": a_channel()},
        load=nothing,
        titles={},
        is_preview=False,
        token="page-token",
        now=lambda: NOW,
        vitals=FakeVitals(),
        front=FakeFront(),
        load_sent=nothing_sent,
        webhook_path="/bots/sky/telegram",
    )
    headers = {SECRET_HEADER: PLACE.secret}
    async with TestClient(TestServer(site.application())) as client:
        assert (await client.post("/telegram", data=b'{"update_id": 4}', headers=headers)).status == 503, "not yet"
        site.receive = webhook(bot, noted).receive
        for path in ("/telegram", "/bots/sky/telegram"):
            assert (await client.post(path, data=b'{"update_id": 5}', headers=headers)).status == 200
        assert (await client.post("/telegram", data=b'{"update_id": 6}')).status == 403
        assert (await client.post("/telegram", data=BytesIO(b"x" * 2_000_000), headers=headers)).status == 413
        assert (await client.get("/telegram")).status == 405
        assert (await client.get("/")).status == 403, "the pages still ask for their token"
    assert noted == ["heard", "update 5"] * 2


async def test_without_a_webhook_there_is_no_such_page() -> None:
    async def nothing(_channel: str, _template: str) -> list[Any]:
        return []

    site = Site(
        channels={},
        load=nothing,
        titles={},
        is_preview=False,
        token=None,
        now=lambda: NOW,
        vitals=FakeVitals(),
        front=FakeFront(),
        load_sent=nothing_sent,
    )
    async with TestClient(TestServer(site.application())) as client:
        assert (await client.post("/telegram", data=b"{}")).status == 404


# --- the way there -----------------------------------------------------------------------------------------------


async def test_telegram_is_told_the_way_once_and_again_when_it_lost_it(api: BotApi, bot: Bot) -> None:
    noted = Heard()
    kept = webhook(bot, noted)
    for _ in range(3):
        await kept.keep()
    assert api.updates.webhook["url"] == PLACE.url
    assert api.updates.webhook["secret_token"] == PLACE.secret
    calls = [call.method.lower() for call in api.requests]
    assert calls == ["getwebhookinfo", "setwebhook", "getwebhookinfo", "getwebhookinfo"]
    api.updates.webhook = {}
    await kept.keep()
    assert api.updates.webhook["url"] == PLACE.url
    assert noted == ["heard"] * 4


async def test_a_secret_that_was_changed_is_told_at_the_start(api: BotApi, bot: Bot) -> None:
    await webhook(bot, Heard()).keep()
    await webhook(bot, Heard(), replace(PLACE, secret="another")).keep()
    assert api.updates.webhook["secret_token"] == "another"


async def test_what_telegram_complains_of_is_said_once_and_is_not_on_time(api: BotApi, bot: Bot) -> None:
    noted = Heard()
    kept = webhook(bot, noted)
    await kept.keep()
    api.updates.webhook_error = (datetime(2026, 11, 23, tzinfo=UTC), "Wrong response from the webhook: 502")
    with structlog.testing.capture_logs() as logs:
        await kept.keep()
        await kept.keep()
    assert noted == ["heard", "heard"], "the second look finds nothing new"
    assert [line["problem"] for line in logs] == ["Wrong response from the webhook: 502"]


async def test_an_outage_is_waited_out_and_a_wrong_token_is_the_end(api: BotApi, bot: Bot) -> None:
    noted = Heard()
    kept = webhook(bot, noted)
    api.faults.append(Fault("error", "setWebhook", code=429, description="Too Many Requests: retry after 5"))
    with structlog.testing.capture_logs() as logs:
        await kept.keep()
    assert (noted, [line["event"] for line in logs]) == ([], ["webhook not looked at"])
    await kept.keep()
    assert noted == ["heard"]
    api.faults.append(Fault("error", "getWebhookInfo", code=401, description="Unauthorized"))
    with pytest.raises(TokenRejected):
        await kept.keep()


# --- both ways of listening ----------------------------------------------------------------------------------------


async def test_an_update_that_came_by_webhook_is_answered(api: BotApi, lite: Stage) -> None:
    answering = commands(api, lite, is_polled=False)
    await answering.start()
    try:
        assert "getupdates" not in {call.method.lower() for call in api.requests}
        api.updates.webhook = {"url": PLACE.url}
        kept = Webhook(answering.bot, PLACE, allowed_updates=ALLOWED_UPDATES, take=answering.take, heard=lambda: None)
        api.crowd.private_message(PERSON, "/start", "en")
        (update,) = api.updates.pending
        assert await kept.receive(PLACE.secret, json.dumps(update).encode()) == 200
        await api.until(lambda: bool(api.texts(PERSON)))
        assert await kept.receive(PLACE.secret, b'{"update_id": 1, "message": {"text": 7}}') == 200, "ours to survive"
    finally:
        await answering.stop()


async def test_going_back_to_polling_takes_the_webhook_away(api: BotApi, bot: Bot, lite: Stage) -> None:
    await webhook(bot, Heard()).keep()
    answering = commands(api, lite, is_polled=True)
    await answering.start()
    try:
        api.crowd.private_message(PERSON, "/start", "en")
        await api.until(lambda: bool(api.texts(PERSON)))
        assert api.updates.webhook == {}
    finally:
        await answering.stop()
