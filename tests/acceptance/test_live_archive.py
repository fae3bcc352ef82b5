"""``qasedak run`` while the owner of an archive works on it."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from tests.builders_archive import SKY, Written, dump
from tests.child import Installation
from tests.fakes.bot_api import BotApi
from tests.fakes.bot_api_chats import Chat

CHANNEL = -1001111111111


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi(strict=True) as running:
        running.add_chat(Chat(CHANNEL, type="channel", title="Sky", username="sky_news", status="administrator"))
        yield running


async def test_a_post_that_is_added_is_published_long_before_the_next_look(api: BotApi, tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    installation.use_bot(api.base_url.removesuffix("/bot"))
    blog = tmp_path / "blog.txt"  # beside the database, whose changes are none of the archive
    blog.write_text(dump(SKY), encoding="utf-8")
    installation.configure(
        """
bot: {admins: [42]}
channels: {main: {chat: "@sky_news"}}
archives: {old: {path: "*.txt", backfill: 1}}
"""
    )
    async with installation.running():
        await api.wait_sent(1, within=60)
        new = Written(date(2018, 10, 7), "Rain at last", ("It rained all night, and the garden is green.",))
        blog.write_text(f"{new.text()}\n{dump(SKY)}", encoding="utf-8")
        await api.wait_sent(2, within=30)
    assert [SKY[0].title in api.sent[0].text, new.title in api.sent[1].text] == [True, True]
