"""How far long work is: told by whoever does it, shown or not by whoever called. A leaf; prints nothing."""

from typing import Protocol


class Progress(Protocol):
    """What work tells while it goes on. It may be called often, and costs next to nothing."""

    def __call__(self, what: str, done: int, total: int | None = None) -> None:
        """So many of so many are *done* of *what*; None: nobody knows how many there are."""


def unseen(what: str, done: int, total: int | None = None) -> None:
    """Nobody looks."""
