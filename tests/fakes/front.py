"""A status page that says only how it was asked for."""

from dataclasses import dataclass, field

from bot.model import Channel
from bot.web.status import Asked
from bot.web.syndication import Syndicated


@dataclass(slots=True)
class FakeFront:
    asked: list[Asked] = field(default_factory=list)
    retried: list[int] = field(default_factory=list)

    async def html(self, asked: Asked) -> str:
        self.asked.append(asked)
        return "<!DOCTYPE html><title>Status</title>"

    async def retry(self, delivery_id: int) -> None:
        self.retried.append(delivery_id)


async def nothing_sent(channel: Channel, title: str, own_url: str) -> Syndicated:
    """A channel that got nothing yet."""
    return Syndicated(channel, title, 123456, own_url, "Asia/Tehran", ())
