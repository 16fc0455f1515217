"""Requests to an application of this process: one event loop for all, one hop into it for each."""

import asyncio
import atexit
from contextlib import ExitStack
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import anyio.from_thread
import httpx2
from starlette.types import ASGIApp, Message


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    """A loop in a thread of its own, until the process ends."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(anyio.from_thread.start_blocking_portal()).call(
        asyncio.get_running_loop
    )


class InProcess(httpx2.BaseTransport):
    """What Starlette's test client does, without its thread and eight hops for every request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The whole answer; what the application raises is raised here."""
        body = request.read()
        told = asyncio.run_coroutine_threadsafe(_asked(self.app, request, body), _loop())
        start, content = told.result()
        return httpx2.Response(
            start["status"],
            headers=start["headers"],
            content=b"" if request.method == "HEAD" else content,
            request=request,
        )


async def _asked(app: ASGIApp, request: httpx2.Request, body: bytes) -> tuple[Message, bytes]:
    asked, done = [{"type": "http.request", "body": body}], asyncio.Event()
    starts: list[Message] = []
    pieces: list[bytes] = []

    async def receive() -> Message:
        if asked:
            return asked.pop()
        await done.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        assert not done.is_set()
        if message["type"] == "http.response.start":
            assert not starts
            starts.append(message)
            return
        assert message["type"] == "http.response.body"
        assert starts
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            done.set()

    await app(_scope(request), receive, send)
    assert done.is_set(), "The answer was not ended."
    return starts[0], b"".join(pieces)


def _scope(request: httpx2.Request) -> dict[str, Any]:
    url = request.url
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "path": unquote(url.path),
        "raw_path": url.raw_path.split(b"?", 1)[0],
        "root_path": "",
        "scheme": url.scheme,
        "query_string": url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("testclient", 50000),
        "server": (url.host, url.port or {"http": 80, "https": 443}[url.scheme]),
        "state": {},
    }
