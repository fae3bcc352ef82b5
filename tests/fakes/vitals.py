"""A process that is as well as a test says."""

from dataclasses import dataclass


@dataclass(slots=True)
class FakeVitals:
    is_well: bool = True

    async def is_ready(self) -> bool:
        return self.is_well

    async def exposition(self) -> bytes:
        return b"qasedak_late 0\n"
