"""What one pass of ``qasedak once`` did, added up. Filled by ``app.py``, told by the command."""

from dataclasses import dataclass, field

from bot.outbox.delivering import Delivered
from bot.poller import Polled


@dataclass(slots=True)
class Once:
    """What one pass did; ``later`` deliveries wait for something that is not worth waiting for."""

    polled: Polled = field(default_factory=Polled)
    sent: int = 0
    dead: int = 0
    later: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing failed."""
        return not (self.polled.failed or self.dead or self.problems)

    def add(self, delivered: Delivered) -> None:
        """Count what one round of the outbox did."""
        self.sent += delivered.sent
        self.dead += delivered.dead
        self.problems += [*delivered.problems, *delivered.faults]
