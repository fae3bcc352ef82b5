"""What a whole run of the bot says in its log: everything that happened, and no secret and nothing private.

One process does all that the acceptance path does, with a secret in every place that can hold one, at the level debug.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.child import Installation, terminate
from tests.fakes.bot_api import BotApi
from tests.fakes.bot_api_chats import Chat
from tests.fakes.publisher import Publisher, rss

CHANNEL, OTHER = -1001111111111, -1002222222222
PERSON, ADMIN = 7, 42
PRIVATE = "my-diagnosis-is-nobodys-business"
#: By where each stands; none of them may be said.
SECRETS = {
    "the token": "TEST-TOKEN",
    "a password in an address": "feed-passw0rd",
    "a key in a query": "query-k3y",
    "a header": "header-s3cret",
    "the token of the pages": "page-t0ken",
    "the path of the ping": "ping-p4th",
    "what a person says": PRIVATE,
}


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as running:
        running.add_chat(Chat(CHANNEL, type="channel", title="Sky", username="sky_news", status="administrator"))
        yield running


async def test_no_secret_and_nothing_private_is_ever_logged(tmp_path: Path, api: BotApi) -> None:
    async with Publisher() as publisher:
        publisher.serve("/feed.xml", rss("Sky", [{"title": f"Moon {n}", "guid": f"{n}"} for n in (2, 1)]))
        publisher.serve("/broken.xml", b"<html>no feed", content_type="text/html")
        installation = Installation(tmp_path)
        installation.use_bot(api.base_url.removesuffix("/bot"))
        place = publisher.url("/").removeprefix("http://").rstrip("/")
        installation.configure(
            f"""
bot: {{admins: [{ADMIN}]}}
channels: {{main: {{chat: "@sky_news"}}, closed: {{chat: "{OTHER}"}}}}
feeds:
  sky: {{url: "http://me:feed-passw0rd@{place}/feed.xml?key=query-k3y", backfill: all, to: [main, closed],
         headers: {{X-Key: header-s3cret}}}}
  broken: {{url: "http://me:feed-passw0rd@{place}/broken.xml?key=query-k3y", to: [main]}}
  missing: {{url: "http://me:feed-passw0rd@{place}/missing.xml?key=query-k3y", to: [main]}}
"""
        )
        installation.environment |= {
            "QASEDAK_LOG": "json",
            "QASEDAK_LOG_LEVEL": "debug",
            "QASEDAK_HTTP_TOKEN": "page-t0ken",
            "QASEDAK_PING_URL": publisher.url("/ping-p4th/missing"),
        }
        # What goes wrong on the way: a flood, a broken connection, an answer to a person that is refused.
        api.fault("error", method="sendMessage", code=429, description="Too Many Requests: retry after 1",
                  parameters={"retry_after": 1}, chat_id=CHANNEL)  # fmt: skip
        api.fault("drop_before", method="sendMessage", chat_id=PERSON)
        api.fault("error", method="sendMessage", code=400, description="Bad Request: message text is empty",
                  chat_id=PERSON)  # fmt: skip
        async with installation.running() as process:
            await api.wait_sent(2)
            for text in (f"/search {PRIVATE}", PRIVATE, f"/{PRIVATE}", f"https://{PRIVATE}.example/"):
                api.crowd.private_message(PERSON, text, "en")
            await api.until(lambda: len(api.texts(PERSON)) >= 3)
            async with asyncio.timeout(25):
                while not any("ping-p4th" in path for path in publisher.paths()):  # noqa: ASYNC110 (it tells nobody)
                    await asyncio.sleep(0.1)
            code, said = await terminate(process)
    assert code == 0
    told = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    events = {line["event"] for line in told}
    # The run did what it was for: a scan of silence would prove nothing.
    assert {"delivered", "feed failed", "answer not sent", "ping failed", "stopping"} <= events
    for where, secret in SECRETS.items():
        assert secret not in said, where
    # One outcome is one line: an event in the past or a state, with what it is about.
    assert all({"event", "level", "timestamp"} <= line.keys() for line in told)
    assert sum(line["event"] == "delivered" for line in told) == 2
    assert not any("exception" in line for line in told)
