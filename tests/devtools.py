"""A page in a real browser, asked over the browser's own protocol: axe's findings, and what it says of the page.

Scripts of ours run beside the page's Content-Security-Policy, as a developer's console does.
"""

import asyncio
import itertools
import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import aiohttp

from tests.shots import BROWSER_FLAGS, find_chromium

_TIME_LIMIT = 60.0  # seconds for one page


class Tab:
    """One page."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def tell(self, method: str, **params: Any) -> dict[str, Any]:
        """Call the protocol and wait for the answer; events that come meanwhile are passed over."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            answer = await self._socket.receive_json()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return dict(answer["result"])

    async def open(self, url: str, width: int) -> None:
        """Load a page into a window as wide as that."""
        await self.tell("Page.enable")
        await self.tell(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        await self.tell("Page.navigate", url=url)
        is_there = "document.readyState == 'complete' && location.href != 'about:blank'"
        while not await self.value(is_there):  # noqa: ASYNC110 (the browser tells no event of ours)
            await asyncio.sleep(0.02)

    async def value(self, script: str) -> Any:
        """What a script comes to, promises waited for."""
        result = await self.tell("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def be(self, scheme: str) -> None:
        """Be light or dark."""
        await self.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    async def findings(self) -> list[str]:
        """What axe has against the page, a line each: rule, weight, and where."""
        await self.tell("Runtime.evaluate", expression=axe())
        found = json.loads(await self.value("axe.run(document).then(found => JSON.stringify(found.violations))"))
        return [f"{one['id']} ({one['impact']}): {one['nodes'][0]['target']} {one['help']}" for one in found]


def axe() -> str:
    """axe-core's script, which its Python package carries."""
    return (resources.files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")


@asynccontextmanager
async def a_tab() -> AsyncIterator[Tab]:
    """A browser of its own with one page; it is ended by its own process group."""
    browser = find_chromium()
    assert browser is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            browser,
            *BROWSER_FLAGS,
            f"--user-data-dir={profile}",
            "--remote-debugging-port=0",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(_TIME_LIMIT), aiohttp.ClientSession() as session:
                port = await _port(Path(profile) / "DevToolsActivePort")
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    (page,) = [one for one in await answer.json() if one["type"] == "page"]
                async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    yield Tab(socket)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _port(written: Path) -> int:
    while not (written.exists() and written.stat().st_size):  # noqa: ASYNC110, ASYNC240 (a file of the browser's)
        await asyncio.sleep(0.02)
    return int(written.read_text().splitlines()[0])  # noqa: ASYNC240
