"""A look at everything that tests log: no token, no password, no key of an address, nothing that people said.

``conftest.py`` puts it into every test; ``tests/acceptance/test_logs.py`` looks at a whole run in a process of its own.
"""

import logging
import re
from collections.abc import Iterable
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

#: By what it is; each would be one whatever its words are.
SECRETS = {
    "a bot's token": re.compile(r"\b\d{5,}:[A-Za-z0-9_-]{6,}"),
    "a password in an address": re.compile(r"://[^/\s:@'\"]*:(?!\*+@)[^/\s@'\"]+@"),
    "a key in a query": re.compile(r"[?&](?:key|token|secret|password|api_?key|auth|sig)=[^&\s'\"]+", re.IGNORECASE),
    "a bearer": re.compile(r"\b(?:bearer|basic) [A-Za-z0-9+/=_-]{6,}", re.IGNORECASE),
}
#: Names under which private words or whole texts would be logged.
PRIVATE = frozenset({"text", "body", "message", "words", "query", "caption", "content", "payload", "token", "secret"})


def leaks(said: str, names: Iterable[str] = ()) -> list[str]:
    """What should not be in a line, and under which names."""
    found = [f"{what}: {said}" for what, pattern in SECRETS.items() if pattern.search(said)]
    return found + [f"{name}: {said}" for name in names if name in PRIVATE]


class Scan(logging.Handler):
    """What was logged and should not have been, in the order in which it was."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """As a processor of structlog."""
        self.found += leaks(repr({name: value for name, value in event.items() if name != "exc_info"}), event)
        return event

    def emit(self, record: logging.LogRecord) -> None:
        """As a handler of what libraries log."""
        self.found += leaks(record.getMessage())

    def processors(self) -> list[Any]:
        """structlog's own, behind this one."""
        return [self, *structlog.get_config()["processors"]]
