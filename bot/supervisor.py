"""Tell systemd how we are: ready, alive, stopping (sd_notify(3)). Without systemd every word goes nowhere.

A leaf. The protocol is a datagram to a socket that the environment names, so that no library is needed.
"""

import os
import socket
from collections.abc import Mapping
from datetime import timedelta

import structlog

log = structlog.get_logger()


class Supervisor:
    """Who started this process and watches it, as the environment says."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        environment = os.environ if environment is None else environment
        self._address = environment.get("NOTIFY_SOCKET", "")
        self.pulse_every = self._pulse_every(environment) if self._address else None  #: None: no watchdog

    @staticmethod
    def _pulse_every(environment: Mapping[str, str]) -> timedelta | None:
        patience = environment.get("WATCHDOG_USEC", "")
        is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        if not is_ours or not patience.isdecimal() or not int(patience):
            return None
        return timedelta(microseconds=int(patience)) / 3  # sd_watchdog_enabled(3) asks for half at most

    def ready(self) -> None:
        """Everything is started."""
        self._tell("READY=1")

    def alive(self) -> None:
        """Our loops go round: not to be killed and started again yet."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """We end by ourselves."""
        self._tell("STOPPING=1")

    def _tell(self, word: str) -> None:
        if not self._address:
            return
        # An address that begins with @ is in the abstract name space, which begins with a null byte (unix(7)).
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telling:
                telling.setblocking(False)  # a supervisor that does not listen must not stop the bot
                telling.sendto(word.encode(), address)
        except OSError as error:
            log.warning("supervisor not told", word=word, problem=error.strerror or str(error))
