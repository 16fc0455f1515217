"""The embedded PostgreSQL."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import psutil
from sqlalchemy import URL

from app.embedded.places import (
    MAJOR,
    existing,
    make_private,
    open_to_all,
    postgres_user,
    programs_for,
)
from app.embedded.refusals import NotReachable
from app.embedded.servers import Embedded
from app.processes import MYSELF, Lock, finish, spawn, start_time

SOCKET_PATH_LIMIT = 100
"""The kernel takes 107 bytes (103 on macOS) including the file's name, with a little to spare."""

USUAL: Mapping[str, str] = {
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "120",
    "max_wal_size": "2GB",  # a long import does not write every page twice
    "wal_buffers": "32MB",  # two lanes of an import do not wait for the log to be written
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",  # the details of a refusal name people
}
FAST: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "64MB",
}
"""For tests only: quick, and lost with the machine."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an embedded PostgreSQL answers: a socket in a directory that is private to its user."""

    socket_dir: str
    port: int

    def url(self, dbname: str = "postgres", user: str = "postgres") -> str:
        """A SQLAlchemy URL for one of its databases."""
        query = {"host": self.socket_dir}
        if self.port != 5432:
            query["port"] = str(self.port)
        return URL.create(
            "postgresql+psycopg", username=user, database=dbname, query=query
        ).render_as_string(hide_password=False)


class Postgres(Embedded):
    """An embedded PostgreSQL 18. Its superuser is `postgres`; sorting is by code point."""

    name = "PostgreSQL"
    ends_with = (signal.SIGINT, signal.SIGQUIT)  # fast, then immediate shutdown

    def __init__(self, directory: Path, log: Path | None = None) -> None:
        super().__init__(directory, log)
        self.data = self.directory / "data"
        self.address = Address("", 0)
        self.user = MYSELF
        self._temporary: str | None = None

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        log: Path | None = None,
        note: str = "",
    ) -> Self:
        """Start on `directory` (made if need be), cleaning up after a killed owner.

        With `port` it also listens on 127.0.0.1, for roles that have a password. `note` is what
        others are told who try to start on the same data. Raises `AlreadyRunning`.
        """
        server = cls(directory, log)
        if os.geteuid() == 0 and not open_to_all(existing(server.directory)):
            raise NotReachable(directory=server.directory)
        last = server._own(note)
        try:
            server._start(last, port, {**USUAL, **(settings or {})}, note)
        except BaseException:
            server.stop()
            raise
        return server

    def url(self, dbname: str = "postgres", user: str = "postgres") -> str:
        """A SQLAlchemy URL for one of its databases."""
        return self.address.url(dbname, user)

    def stop(self) -> None:
        """End the server cleanly and give its directory free."""
        super().stop()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def _start(
        self, last: Mapping[str, Any], port: int | None, settings: Mapping[str, str], note: str
    ) -> None:
        self.user = postgres_user(self.data)
        programs = programs_for(self.user)
        self._end_left_over(last)
        self._initialise(programs, settings)
        self.address = Address(self._socket_dir(), port or 5432)
        self.lock.say(note=note or self.address.socket_dir, **self._whereabouts())
        options = {
            **settings,
            "listen_addresses": "127.0.0.1" if port else "",
            "unix_socket_directories": self.address.socket_dir,
            "port": str(self.address.port),
        }
        command: list[str | Path] = [programs / "bin" / "postgres", "-D", self.data]
        for key, value in options.items():
            command += ["-c", f"{key}={value}"]
        with self._log() as log:
            self.child = self._spawn(command, log)
        self._wait_until_ready()

    def _whereabouts(self) -> dict[str, Any]:
        return {
            "socket_dir": self.address.socket_dir,
            "port": self.address.port,
            "temporary": self._temporary,
        }

    @contextmanager
    def _log(self) -> Iterator[IO[bytes]]:
        with self.log.open("ab") as file:
            yield file

    def _spawn(self, command: list[str | Path], log: IO[bytes]) -> subprocess.Popen[bytes]:
        # An environment of our own: no PG* variable and no locale of the caller has a say.
        return spawn(
            command, log=log, user=self.user, directory=self.directory,
            environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            when_orphaned=signal.SIGINT,
        )  # fmt: skip

    def _initialise(self, programs: Path, settings: Mapping[str, str]) -> None:
        """Make the data directory if there is none; a run that was cut short leaves none."""
        if self.data.exists():
            return self._check_version()
        draft = self.directory / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        make_private(draft, self.user)
        command: list[str | Path] = [
            programs / "bin" / "initdb", "-D", draft, "-U", "postgres", "-E", "UTF8",
            "--auth-local=trust", "--auth-host=scram-sha-256", "--locale=C",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        ]  # fmt: skip
        if settings.get("fsync") == "off":
            command.append("--no-sync")
        with self._log() as log:
            self.child = self._spawn(command, log)
        status, self.child = self.child.wait(), None
        if status != 0:
            raise self._did_not_start()
        draft.rename(self.data)
        return None

    def _check_version(self) -> None:
        with suppress(OSError):
            if (found := (self.data / "PG_VERSION").read_text().strip()) == MAJOR:
                return
            raise self._did_not_start(f"the data are of version {found}, the programs of {MAJOR}")
        raise self._did_not_start(f"{self.data} is no database")

    def _socket_dir(self) -> str:
        """A private directory with a short and plain name; `directory/run` if it is that."""
        usual = str(self.directory / "run")
        plain = re.fullmatch(r"[\w/. +@-]+", usual, re.ASCII)
        if plain and len(usual) + len("/.s.PGSQL.65535.lock") <= SOCKET_PATH_LIMIT:
            return str(make_private(Path(usual), self.user))
        self._temporary = tempfile.mkdtemp(prefix="backroom-", dir="/tmp")
        return str(make_private(Path(self._temporary), self.user))

    def _wait_until_ready(self, patience: float = 300) -> None:
        """Long enough for recovery after a crash."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not self.alive:
                raise self._did_not_start()
            pid, status = _postmaster(self.data)
            if self.child and pid == self.child.pid and status == "ready":
                return
            time.sleep(0.01)
        raise self._did_not_start(f"it was not ready within {patience:.0f} seconds")

    def _end_left_over(self, last: Mapping[str, Any]) -> None:
        """End every server on this data whose owner was killed, and forget its number."""
        for process in _servers_on(self.data):
            finish(process, (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL), patience=20)
        # Numbers are given again (soon, in a container): an unrelated process that now has the old
        # one would keep PostgreSQL from starting. The lock tells that no owner lives.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        if isinstance(left := last.get("temporary"), str) and left.startswith("/tmp/backroom-"):  # noqa: S108
            shutil.rmtree(left, ignore_errors=True)


def _postmaster(data: Path) -> tuple[int, str]:
    """The server's process and status as it wrote them itself."""
    with suppress(OSError, ValueError, IndexError):
        lines = (data / "postmaster.pid").read_text().splitlines()
        return int(lines[0]), lines[7].strip()
    return 0, ""


def _servers_on(data: Path) -> list[psutil.Process]:
    """PostgreSQL's processes that work in `data`, the oldest (the one that leads) first."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.name().startswith("postgres") and process.cwd() == str(data.resolve()):
                found.append(process)
    return sorted(found, key=lambda process: start_time(process.pid) or 0.0)


def running(directory: Path) -> Address | None:
    """Where the embedded PostgreSQL on `directory` answers now, or None if none runs there."""
    lock = Lock(directory.expanduser().absolute() / "lock")
    facts = lock.heard()
    address = facts.get("socket_dir"), facts.get("port")
    match address:
        case (str(socket_dir), int(port)) if lock.owner_lives():
            ready = _postmaster(lock.path.parent / "data")[1] == "ready"
            return Address(socket_dir, port) if ready else None
    return None


@contextmanager
def scratch(settings: Mapping[str, str] = FAST) -> Iterator[Postgres]:
    """A PostgreSQL for the length of a block, thrown away with its data (tests, benchmarks)."""
    directory = Path(tempfile.mkdtemp(prefix="backroom-scratch-", dir=_scratch_root()))
    directory.chmod(0o711)
    try:
        with Postgres.start(directory, settings=settings) as server:
            yield server
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _scratch_root() -> str:
    """A directory for temporary data that PostgreSQL's user can reach."""
    usual = tempfile.gettempdir()
    return usual if os.geteuid() != 0 or open_to_all(Path(usual)) else "/tmp"  # noqa: S108
