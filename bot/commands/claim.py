"""The link by which the first admin comes: printed at the first start, taken by whoever opens it in time."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: How long it works.
CLAIM_WINDOW = timedelta(minutes=15)


@dataclass(slots=True)
class Claim:
    """The link by which the first admin comes; works once, and for a while."""

    until: datetime
    payload: str = field(default_factory=lambda: "claim_" + secrets.token_urlsafe(16))
    is_open: bool = True

    def take(self, payload: str, now: datetime) -> bool:
        """Whether *payload* is the right one, in time, for the first time."""
        right = self.is_open and now <= self.until and secrets.compare_digest(payload.encode(), self.payload.encode())
        if right:
            self.is_open = False
        return right
