"""A small Bot API server on loopback: Telegram as far as this program uses it, with faults on order.

In a test: ``async with BotApi() as api``, then ``Bot(api.token, base_url=api.base_url)``. For another process:
``python -m tests.fakes.bot_api --port 0`` prints {"port": N} and ends when its standard input closes; it is then
told and asked over the same port (``/_sent``, ``/_requests``, ``/_violations``, ``/_chat``, ``/_fault``,
``/_update``).

It checks what Telegram checks and remembers everything. It must not be kinder than Telegram where this program
could be wrong; where it is stricter its errors begin with "fake:".
"""

import argparse
import asyncio
import contextlib
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, Self, get_args

from aiohttp import web

from tests.fakes.bot_api_chats import Chat, ChatBook, Sent
from tests.fakes.bot_api_checks import Refusal
from tests.fakes.bot_api_methods import Methods
from tests.fakes.bot_api_updates import Crowd, Updates

BOT_ID = 123456
#: Seconds that a test waits for what must come: much more than a busy machine needs, for only a failure takes them.
PATIENCE = 30.0
TOKEN = f"{BOT_ID}:TEST-TOKEN"

Action = Literal[
    "drop_before",  # the connection closes, nothing was done
    "hang",  # nothing is done and no answer comes
    "delay",  # waits ``seconds``, or until ``gate`` is set, then works as always
    "error",  # nothing is done; ``code``, ``description`` and ``parameters`` are the answer
    "drop_after",  # done, then the connection closes
    "delay_after",  # done, and the answer comes ``seconds`` later
    "status_after",  # done, then HTTP ``code`` (502) with a page of a proxy
    "malformed",  # done, then a 200 that is not JSON
    "truncate",  # done, then half of the answer
]


@dataclass(slots=True, eq=False)  # two alike are two
class Fault:
    """What goes wrong, with which calls. The first fault that fits a call is used up by it.

    ``method`` is a regular expression for the whole name in any case; long polling is spared unless named.
    ``skip`` calls that fit pass first; then ``times`` are hit, 0 is for ever.
    """

    action: Action
    method: str = "(?!getUpdates).*"
    chat_id: int | None = None
    containing: str = ""  #: in the text or caption
    times: int = 1
    skip: int = 0
    seconds: float = 0.0
    code: int = 0
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    gate: asyncio.Event | None = None

    def __post_init__(self) -> None:
        if self.action not in get_args(Action):
            raise ValueError(f"no such fault: {self.action}")  # else a typo would be a fault that never happens

    def fits(self, call: "Call") -> bool:
        is_here = self.chat_id is None or self.chat_id == call.chat_id
        words = str(call.params.get("text") or call.params.get("caption") or "")
        return (
            is_here and self.containing in words and re.fullmatch(self.method, call.method, re.IGNORECASE) is not None
        )


@dataclass(slots=True)
class Call:
    """A request and what became of it. ``outcome`` is "open" while it has no answer, else "ok", "dropped",
    "malformed", "truncated" or the code and description of the error.
    """

    seq: int
    mono: float
    method: str
    chat_id: int | None  #: numeric, also where the call said @name; None if there is no such chat
    params: dict[str, Any]
    outcome: str = "open"
    processed: bool = False
    fault: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)


class BotApi:
    """The server. What people do to the bot is in ``crowd``, its chats are in ``chats``.

    ``now`` dates messages; ``monotonic`` dates the records, and pacing in ``violations`` (only with ``strict``).
    """

    def __init__(
        self,
        *,
        token: str = TOKEN,
        now: Callable[[], datetime] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        strict: bool = False,
    ) -> None:
        self.token = token
        self.port = 0
        self.requests: list[Call] = []
        self.faults: list[Fault] = []
        self.book = ChatBook(
            int(token.partition(":")[0]), now=now or (lambda: datetime.now(UTC)), monotonic=monotonic, strict=strict
        )
        self.updates = Updates()
        self.crowd = Crowd(self.book, self.updates)
        self.methods = Methods(self.book, self.updates, self.crowd)
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Listen. After ``stop`` it may be started again on the same port, as after an outage."""
        self._closing.clear()
        self.updates.open()
        self._runner = web.ServerRunner(web.Server(self._serve, access_log=None), shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        self._closing.set()
        self.updates.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # --- what tests set and see ----------------------------------------------------------------------------

    @property
    def base_url(self) -> str:
        """For ``telegram.Bot``: the token is appended."""
        return f"http://127.0.0.1:{self.port}/bot"

    @property
    def chats(self) -> dict[int, Chat]:
        return self.book.chats

    @property
    def sent(self) -> list[Sent]:
        return self.book.sent

    @property
    def violations(self) -> list[str]:
        return self.book.violations

    def add_chat(self, chat: Chat) -> Chat:
        """Make a chat known; what is not known is "chat not found"."""
        self.chats[chat.id] = chat
        return chat

    def fault(self, action: Action, **settings: Any) -> Fault:
        """Order a fault: the fields of ``Fault`` by name."""
        ordered = Fault(action, **settings)
        self.faults.append(ordered)
        return ordered

    def refuse(self, code: int, description: str, **settings: Any) -> Fault:
        """Order an error by code and description."""
        return self.fault("error", code=code, description=description, **settings)

    def flood(self, retry_after: int, **settings: Any) -> Fault:
        """Order a 429: of one chat with ``chat_id``, else of the whole bot."""
        description = f"Too Many Requests: retry after {retry_after}"
        return self.refuse(429, description, parameters={"retry_after": retry_after}, **settings)

    def inject(self, update: Mapping[str, Any]) -> dict[str, Any]:
        """Queue any update."""
        return self.updates.put(update)

    def texts(self, chat_id: int | None = None) -> list[str]:
        """Texts sent (not edits), in order."""
        return [
            sent.text for sent in self.sent if sent.event == "send" and (chat_id is None or sent.chat_id == chat_id)
        ]

    def calls(self, method: str) -> list[Call]:
        """Requests of one method, however they ended."""
        return [call for call in self.requests if call.method.lower() == method.lower()]

    async def until(self, condition: Callable[[], bool], *, within: float = PATIENCE) -> None:
        """Wait until ``condition`` holds; it is asked again after every request. TimeoutError if it never does."""
        async with asyncio.timeout(within):
            while not condition():
                await self._changed.wait()

    async def wait_sent(self, count: int, *, within: float = PATIENCE) -> list[Sent]:
        """Wait until ``count`` things were sent, edited or deleted in all; gives them."""
        await self.until(lambda: len(self.sent) >= count, within=within)
        return list(self.sent)

    # --- serving -------------------------------------------------------------------------------------------

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith("/_"):
            return await self._control(request, path)
        if path.startswith(f"/file/bot{self.token}/documents/"):
            content = self.crowd.files.get(path.rpartition("/")[2])
            return web.Response(status=404) if content is None else web.Response(body=content)
        match = re.fullmatch(r"/bot([^/]+)/(\w+)", path)
        if match is None:
            return _refused(Refusal(404, "Not Found"))
        params, files = await _read(request)
        method = match.group(2)
        call = Call(len(self.requests) + 1, self.book.monotonic(), method, self._number(params), params, files=files)
        self.requests.append(call)
        self._tell()
        try:
            if match.group(1) != self.token:
                raise Refusal(401, "Unauthorized")
            return await self._carry_out(request, call)
        except Refusal as refusal:
            call.outcome = f"{refusal.code} {refusal.description}"
            return _refused(refusal)
        finally:
            self._tell()

    def _number(self, params: Mapping[str, Any]) -> int | None:
        try:
            return self.book.find(params.get("chat_id")).id
        except Refusal:
            return None

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _carry_out(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        if call.method.lower() != "getupdates":
            self.book.check_wait(call.chat_id, call.method)
        fault = self._take_fault(call)
        action = fault.action if fault else None
        call.fault = action
        if fault and action == "drop_before":
            return _drop(request, call)
        if fault and action == "hang":
            await self._closing.wait()
            return _drop(request, call)
        if fault and action == "error":
            raise self._ordered(fault)
        if fault and action == "delay":
            await (fault.gate.wait() if fault.gate else self._pause(fault.seconds))
        result = await self.methods.call(call.method, call.params)
        call.processed = True
        self._tell()
        if fault and action == "delay_after":
            await self._pause(fault.seconds)
        return self._reply(request, call, fault, {"ok": True, "result": result})

    def _take_fault(self, call: Call) -> Fault | None:
        for fault in self.faults:
            if not fault.fits(call):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            if fault.times == 1:
                self.faults.remove(fault)
            fault.times -= 1 if fault.times else 0
            return fault
        return None

    def _ordered(self, fault: Fault) -> Refusal:
        seconds = fault.parameters.get("retry_after")
        if seconds:
            self.book.told_to_wait(fault.chat_id, float(seconds))
        return Refusal(fault.code or 500, fault.description or "Internal Server Error: restart", fault.parameters)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()

    def _reply(
        self, request: web.BaseRequest, call: Call, fault: Fault | None, answer: Mapping[str, Any]
    ) -> web.StreamResponse:
        body = json.dumps(answer, ensure_ascii=False).encode()
        action = fault.action if fault else None
        if action == "drop_after":
            return _drop(request, call)
        if fault and action == "status_after":
            code = fault.code or 502
            call.outcome = f"{code} after it was done"
            page = f"<html><body><h1>{code}</h1></body></html>"
            return web.Response(status=code, text=page, content_type="text/html")
        if action == "malformed":
            call.outcome = "malformed"
            return web.Response(body=b'{"ok":tru', content_type="application/json")
        if action == "truncate":
            return _truncate(request, call, body)
        call.outcome = "ok"
        return web.Response(body=body, content_type="application/json")

    # --- control over HTTP ---------------------------------------------------------------------------------

    async def _control(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """GET reads, POST orders; each POST takes one JSON object or a list of them."""
        if request.method == "GET":
            shown = await self._show(path, request.query)
            return web.Response(status=404) if shown is None else web.json_response(shown)
        orders = {"/_chat": self._merge_chat, "/_fault": self._order_fault, "/_update": self._update}
        if path not in orders:
            return web.Response(status=404)
        sent = await request.json()
        try:
            done = [orders[path](order) for order in (sent if isinstance(sent, list) else [sent])]
        except (TypeError, ValueError, KeyError, AttributeError, Refusal) as error:
            return web.json_response({"error": repr(error)}, status=400)
        return web.json_response(done if isinstance(sent, list) else done[0])

    async def _show(self, path: str, query: Mapping[str, str]) -> Any:
        since, chat_id = int(query.get("since", 0)), query.get("chat_id")
        if path == "/_sent":
            with contextlib.suppress(TimeoutError):  # the caller sees how many there are
                await self.wait_sent(int(query.get("count", 0)), within=float(query.get("within", 5)))
            return [
                asdict(sent)
                for sent in self.sent
                if sent.seq > since and (chat_id is None or sent.chat_id == int(chat_id))
            ]
        if path == "/_requests":
            method = query.get("method", "").lower()
            return [
                {name: getattr(call, name) for name in Call.__slots__ if name != "files"}
                for call in self.requests
                if call.seq > since and method in ("", call.method.lower())
            ]
        if path == "/_violations":
            return self.violations
        if path == "/_chat" and chat_id is not None:
            chat = self.chats[int(chat_id)]
            return chat.full() | {"messages": [message.body for message in chat.messages.values()]}
        return None

    def _merge_chat(self, order: dict[str, Any]) -> dict[str, Any]:
        order = dict(order)
        number = int(order.pop("id"))
        known = {name.name for name in fields(Chat)} - {"messages"}
        if unknown := set(order) - known:
            raise TypeError(f"a chat has no {sorted(unknown)}")
        if order.get("topics"):
            order["topics"] = {int(thread): name for thread, name in order["topics"].items()}
        if order.get("members"):
            order["members"] = {int(user): member for user, member in order["members"].items()}
        chat = self.chats.get(number) or self.add_chat(Chat(number))
        for name, value in order.items():
            setattr(chat, name, value)
        return chat.full()

    def _order_fault(self, order: dict[str, Any]) -> dict[str, Any]:
        return asdict(self.fault(**order))

    def _update(self, order: dict[str, Any]) -> dict[str, Any]:
        """An Update, or {"do": a method of Crowd, ...its arguments}."""
        if "do" not in order:
            return self.inject(order)
        order = dict(order)
        name = str(order.pop("do"))
        if name.startswith("_"):
            raise AttributeError(name)
        done: dict[str, Any] = getattr(self.crowd, name)(**order)
        return done


async def _read(request: web.BaseRequest) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The parameters from the query, then from a form of either kind or JSON; files stand as attach://name."""
    params: dict[str, Any] = dict(request.query)
    files: dict[str, bytes] = {}
    if request.content_type == "application/json":
        params |= await request.json()
        return params, files
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            files[name] = value.file.read()
            value.file.close()
            params[name] = f"attach://{name}"
        else:
            params[name] = value
    return params, files


def _refused(refusal: Refusal) -> web.Response:
    answer: dict[str, Any] = {"ok": False, "error_code": refusal.code, "description": refusal.description}
    answer |= {"parameters": refusal.parameters} if refusal.parameters else {}
    wait = refusal.parameters.get("retry_after")
    headers = {"Retry-After": str(wait)} if wait else {}
    return web.json_response(answer, status=refusal.code, headers=headers)


def _drop(request: web.BaseRequest, call: Call) -> web.StreamResponse:
    call.outcome = "dropped"
    if request.transport is not None:
        request.transport.close()
    return web.Response()  # goes nowhere; the protocol wants one


def _truncate(request: web.BaseRequest, call: Call, body: bytes) -> web.StreamResponse:
    call.outcome = "truncated"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    if request.transport is not None:
        # Past aiohttp on purpose: it would not let a length lie.
        request.transport.write(head.encode() + body[: len(body) // 2])
        request.transport.close()
    return web.Response()


# --- as a process of its own ---------------------------------------------------------------------------------


async def serve(port: int, *, token: str, strict: bool) -> None:
    """Run until standard input closes."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def watch() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(stop.set)

    api = BotApi(token=token, strict=strict)
    await api.start(port)
    print(json.dumps({"port": api.port}), flush=True)
    # A thread, not connect_read_pipe: that refuses /dev/null and files.
    threading.Thread(target=watch, daemon=True).start()
    await stop.wait()
    await api.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.bot_api")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--strict", action="store_true", help="watch the pacing")
    given = parser.parse_args()
    asyncio.run(serve(given.port, token=given.token, strict=given.strict))


if __name__ == "__main__":
    main()
