"""A mail server that does nothing but take mail, as fast as one process can, and note its name."""

import asyncio
import multiprocessing
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any

_NAME = re.compile(rb"^Message-ID:\s*(\S+)", re.I | re.M)


class Counterclerk(asyncio.Protocol):
    """One caller: the least of SMTP (RFC 5321) that a client needs."""

    def __init__(self, names: list[tuple[bytes, float]]) -> None:
        self.names, self.line, self.in_data = names, b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # a server's always is
        self.transport = transport
        self.transport.write(b"220 post.example\r\n")

    def data_received(self, data: bytes) -> None:
        self.line += data
        while True:
            end = b"\r\n.\r\n" if self.in_data else b"\r\n"
            head, found, rest = self.line.partition(end)
            if not found:
                return
            self.line = rest
            self.transport.write(self.taken(head) if self.in_data else self.answer(head))

    def taken(self, mail: bytes) -> bytes:
        self.in_data = False
        name = _NAME.search(mail)
        self.names.append((name[1] if name else b"", time.monotonic()))
        return b"250 taken\r\n"

    def answer(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"DATA":
            self.in_data = True
            return b"354 go on\r\n"
        if verb == b"QUIT":
            self.transport.write(b"221 bye\r\n")
            self.transport.close()
            return b""
        return b"250 fine\r\n"


@dataclass
class Post:
    """The server, and what it is asked."""

    port: int
    pipe: Connection
    lock: Lock = field(default_factory=Lock)

    def came(self) -> Counter[str]:
        """How often each mail came, by its Message-ID."""
        return Counter(name for name, _ in self._told())

    def count(self) -> int:
        return int(self._asked("count"))

    def last(self) -> float:
        """When the last mail was taken, by the clock of this machine."""
        return max(at for _, at in self._told())

    def _told(self) -> list[tuple[str, float]]:
        return [(name.decode(), at) for name, at in self._asked("names")]

    def forget(self) -> None:
        self._asked("forget")

    def _asked(self, word: str) -> Any:
        with self.lock:
            self.pipe.send(word)
            return self.pipe.recv()


@contextmanager
def office() -> Iterator[Post]:
    """The server in a process of its own, for the length of a block."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield Post(ours.recv(), ours)
    finally:
        process.kill()
        process.join()


def _serve(pipe: Connection) -> None:
    asyncio.run(_serving(pipe))


async def _serving(pipe: Connection) -> None:
    names: list[tuple[bytes, float]] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Counterclerk(names), "127.0.0.1", 0)

    def asked() -> None:
        word = pipe.recv()
        if word == "forget":
            names.clear()
        pipe.send(len(names) if word == "count" else list(names) if word == "names" else None)

    loop.add_reader(pipe.fileno(), asked)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()
