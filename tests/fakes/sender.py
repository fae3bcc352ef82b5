"""A Telegram that does what it is told, without HTTP: for tests of the outbox."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from bot.errors import ChatGone
from bot.model import Message, SentMessage
from tests.fakes.clock import FakeClock


@dataclass(slots=True)
class FakeSender:
    """``faults`` are raised one after the other, None standing for a send that works."""

    clock: FakeClock
    bot_id: int = 123456
    bot_name: str | None = "qasedak_bot"
    sent: list[tuple[int, str, datetime]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    edited: list[tuple[int, int, Message]] = field(default_factory=list)
    faults: deque[Exception | None] = field(default_factory=deque)
    names: dict[str, int] = field(default_factory=dict)

    async def send(self, chat_id: int, message: Message) -> SentMessage:
        fault = self.faults.popleft() if self.faults else None
        if fault is not None:
            raise fault
        self.sent.append((chat_id, message.text, self.clock.now()))
        self.messages.append(message)
        first = len(self.sent)
        return SentMessage(first, self.clock.now(), tuple(range(first + 1, first + message.count)))

    async def edit(self, chat_id: int, message_id: int, message: Message) -> None:
        fault = self.faults.popleft() if self.faults else None
        if fault is not None:
            raise fault
        self.edited.append((chat_id, message_id, message))

    async def resolve(self, chat: str) -> int:
        if chat not in self.names:
            raise ChatGone(f"chat {chat}: Chat not found")
        return self.names[chat]

    def titles(self, chat_id: int | None = None) -> list[str]:
        """First lines, in the order sent."""
        return [text.split("\n")[0] for chat, text, _at in self.sent if chat_id in (None, chat)]
