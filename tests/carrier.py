"""A real HTTP server on loopback that takes messages as a provider of SMS or push does."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self


class Carrier:
    """The server, for the length of a block: `taken` is what came, `answers` what it says."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status, self.body, self.silent = 200, b"{}", 0.0
        self.location: str | None = None
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version: ClassVar[str] = "HTTP/1.1"

            def do_POST(self) -> None:
                words = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                owner.headers.append({k.lower(): v for k, v in self.headers.items()})
                owner.taken.append(json.loads(words))
                owner.stop.wait(owner.silent)
                self.send_response(owner.status)
                if owner.location:
                    self.send_header("Location", owner.location)
                self.send_header("Content-Length", str(len(owner.body)))
                self.end_headers()
                self.wfile.write(owner.body)

            def log_message(self, *_: object) -> None:
                """Tests print nothing."""

        self.stop = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def url(self) -> str:
        """What SMS_URL or PUSH_URL names it by."""
        port = self.server.server_address[1]
        return f"json://shop:s3cret@127.0.0.1:{port}/sms?:to={{to}}&:key={{key}}"

    def waited(self, count: int, seconds: float = 5) -> list[dict[str, Any]]:
        """What was taken, once it is that many."""
        until = time.monotonic() + seconds
        while len(self.taken) < count and time.monotonic() < until:
            time.sleep(0.01)
        return self.taken
