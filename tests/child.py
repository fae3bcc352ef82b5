"""The bot as a child process: started, watched and ended by its own process id."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.bot_api import TOKEN

ROOT = Path(__file__).resolve().parents[1]
#: Every wait of these tests ends, whatever went wrong.
PATIENCE = 30.0
#: How much faster than outside time runs for those that are killed.
SPEED = 20


@dataclass(slots=True)
class Installation:
    """A folder with a feeds.yaml and a database, and the environment in which commands run there."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def configure(self, text: str) -> None:
        (self.folder / "feeds.yaml").write_text(text, encoding="utf-8")

    def use_bot(self, api_url: str, token: str = TOKEN) -> None:
        self.environment |= {"TELEGRAM_API_URL": api_url, "TELEGRAM_BOT_TOKEN": token}

    def variables(self) -> Mapping[str, str]:
        """The environment of the commands."""
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        return {
            **kept,
            "PYTHONPATH": str(ROOT),  # the checkout that the tests are of, whatever is installed
            "DATABASE_URL": f"sqlite:///{self.folder / 'q.db'}",
            "QASEDAK_ALLOW_PRIVATE_NETWORKS": "1",
            "QASEDAK_HOST_SPACING": "0",
            "QASEDAK_HTTP_PORT": "0",
            "PYTHONWARNINGS": "error",
            **self.environment,
        }

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", *arguments,
            cwd=self.folder,
            env=self.variables(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def call(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command to its end: its exit code, standard output and standard error."""
        process = await self.start(*arguments)
        try:
            async with asyncio.timeout(PATIENCE):
                output, errors = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        return process.returncode or 0, output.decode(), errors.decode()

    async def json_of(self, *arguments: str) -> list[dict[str, Any]]:
        """The objects that a command with ``--json`` prints; nothing else may be there."""
        _code, output, _errors = await self.call(*arguments, "--json")
        return [json.loads(line) for line in output.splitlines()]

    @asynccontextmanager
    async def running(self, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """``qasedak run``, ended by SIGTERM if it is still there."""
        process = await self.start("run", *arguments)
        try:
            yield process
        finally:
            if process.returncode is None:
                await terminate(process)


async def terminate(process: asyncio.subprocess.Process) -> tuple[int, str]:
    """SIGTERM, then wait: the exit code and what was said on standard error."""
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(PATIENCE):
            _output, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, errors.decode()


@dataclass(slots=True)
class Mortals:
    """The process that starts the bot again and again (``tests/mortal.py``)."""

    process: asyncio.subprocess.Process

    async def start(self, database_url: str = "") -> int:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{database_url}\n".encode())
        return int(await self._line())

    async def wait(self) -> int:
        """The exit status of the one that was started last."""
        return int((await self._line()).split()[1])

    async def _line(self) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE * 20):  # 400 messages of the long form, on a machine that is busy elsewhere
            return (await self.process.stdout.readline()).decode()


@asynccontextmanager
async def mortals(
    installation: Installation, *needed: str, began: float | None = None, speed: int = SPEED
) -> AsyncIterator[Mortals]:
    """*needed* are modules to have before the first fork; *began* is when their clock did, by ``time.monotonic``."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.mortal", str(time.monotonic() if began is None else began), str(speed), *needed,
        cwd=installation.folder, env=installation.variables(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Mortals(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
