"""Everything on one machine: servers, demo data, web, worker and relay, until Ctrl-C."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from app import schema
from app.database import connect
from app.embedded import AlreadyRunning
from app.errors import DomainError
from app.installation import Servers, postgres_home, servers
from app.processes import Lock, spawn, stop
from app.settings import settings

ROOT = Path(__file__).parent.parent
SLUGS = ("aurora", "cityvet", "pawhouse", "ironworks", "greencart", "lumen")
PASSWORD = "backroom-demo"  # noqa: S105  known to everybody; refused outside the demo
RESTARTS = 3
"""How often a part that dies is started again, in the life of the demo."""
KEPT_LOG = 5_000_000
"""Bytes of a log that the next start begins anew; one older log is kept."""


class PortInUse(DomainError):
    sentence = "Port {port} is in use: stop what listens there, or choose another with PORT=."


class PortForbidden(DomainError):
    sentence = "Port {port} may not be listened on: choose one from 1024 to 65535 with PORT=."


class PartGone(DomainError):
    sentence = "{name} stopped: see {log}."


class NotReady(DomainError):
    sentence = "The panel was not ready within {seconds} seconds ({reason}): see {log}."


class Stopped(BaseException):
    """Somebody asked the demo to end."""


@contextmanager
def stopping() -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM and a closed terminal into one orderly end, which no second ends."""

    def end(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise Stopped

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check_port(port: int) -> None:
    """Refuse a port that cannot be listened on, before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise PortForbidden(port=port) from error
        except OSError as error:
            raise PortInUse(port=port) from error


@dataclass(slots=True)
class Part:
    """One process of the demo and its log."""

    name: str
    arguments: Sequence[str]
    log: Path
    environment: dict[str, str]
    needed: bool = False
    """Without it there is no demo."""
    child: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    again_at: float = field(default=0.0)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.child = spawn(
                [sys.executable, "-m", "app", *self.arguments],
                log=log,
                directory=ROOT,
                environment=self.environment,
            )

    def tend(self) -> None:
        """Start the part again when it died, later each time; in the end let it be."""
        if self.child is not None and (code := self.child.poll()) is not None:
            stop(self.child, (), patience=0)  # what is left of its group
            self.child = None
            self._died(code)
        elif self.child is None and 0 < self.again_at <= time.monotonic():
            self.again_at = 0.0
            self.start()

    def _died(self, code: int) -> None:
        if self.restarts < RESTARTS:
            self.restarts += 1
            self.again_at = time.monotonic() + 2.0 ** (self.restarts - 1)
            say(f"The {self.name} stopped (exit code {code}) and is started again: see {self.log}.")
        elif self.needed:
            raise PartGone(name=f"The {self.name}", log=self.log)
        else:
            say(f"The {self.name} stopped again (exit code {code}) and stays so: see {self.log}.")

    def stop(self, patience: float = 15) -> None:
        """End it: what it is doing may be finished within `patience` seconds."""
        if self.child is not None:
            stop(self.child, (signal.SIGTERM,), patience)
            self.child = None


def say(line: str) -> None:
    """Tell the person at the terminal; a closed terminal is no reason to fail."""
    with suppress(OSError):
        print(line, flush=True)


def run(port: int) -> None:
    """Start all parts, fill an empty database, and tend them until Ctrl-C or SIGTERM.

    Refuses a port or data in use before anything is started. No process is left at the end.
    """
    address = f"http://127.0.0.1:{port}"
    os.environ["DEMO"] = "true"
    settings.cache_clear()
    _refuse_second()
    check_port(port)
    try:
        with stopping(), servers(broker=True, own=True, note=address) as found:
            say("PostgreSQL and Redis run.")
            fill(found)
            with _parts(found, port, address) as parts:
                _wait_until_ready(address, parts)
                _greet(address)
                _tend(found, parts)
    except Stopped:
        say("Stopped.")


def _refuse_second() -> None:
    """A second demo on the same data hears of the first, whatever port it was given."""
    home = postgres_home(settings().var)
    lock = Lock(home.absolute() / "lock")
    if not settings().database_url and lock.owner_lives():
        facts = lock.heard()
        raise AlreadyRunning(directory=home, pid=facts["pid"], address=facts.get("note") or "-")


def fill(found: Servers) -> None:
    """Bring the database up to date, and fill it when it has no vendor."""
    from app import seed

    schema.upgrade(found.owner, login=schema.login_of(found.database_url))
    engine = connect(found.database_url, pool_size=2)
    try:
        if seed.is_empty():
            say("Filling in six vendors with two years of demo data ...")
            seed.seed()
            seed.date_the_trail(found.owner)
    finally:
        engine.dispose()


@contextmanager
def _parts(found: Servers, port: int, address: str) -> Iterator[list[Part]]:
    var = settings().var.absolute()
    environment = {
        **os.environ, **found.told(), "VAR": str(var), "PUBLIC_URL": address,
        "SECRET_KEY": settings().secret_key or _kept_secret(var), "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    environment.pop("OWNER_DATABASE_URL", None)  # nobody changes the structure from here on
    environment |= _post(var)
    logs = var / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    parts = [
        Part(name, arguments, _turned(logs / f"{name}.log"), environment, needed)
        for name, arguments, needed in (
            ("web", ("serve", "--port", str(port)), True),
            ("worker", ("worker", "--beat"), False),
            ("relay", ("relay",), False),
        )
    ]
    try:
        for part in parts:
            part.start()
        yield parts
    finally:
        _stop_together(parts)


def _post(var: Path) -> dict[str, str]:
    """What nobody brings in the demo lies in a folder, as if it had gone out."""
    known, folder = settings(), (var / "outbox").as_uri()
    post = {} if known.sms_url else {"SMS_URL": folder}
    if not known.smtp_url:
        post |= {"SMTP_URL": folder, "MAIL_FROM": "Backroom <no-reply@backroom.example>"}
    return post


def _stop_together(parts: Sequence[Part]) -> None:
    for part in parts:
        if part.child is not None and part.child.poll() is None:
            part.child.terminate()
    for part in parts:
        part.stop()


def _kept_secret(var: Path) -> str:
    """The demo's own key, the same at the next start, so that people stay signed in."""
    path = var / "secret_key"
    with suppress(OSError):
        if len(kept := path.read_text().strip()) >= 32:
            return kept
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret := secrets.token_urlsafe(32))
    return secret


def _turned(log: Path) -> Path:
    if log.exists() and log.stat().st_size > KEPT_LOG:
        log.replace(log.with_suffix(".log.1"))
    return log


def _wait_until_ready(address: str, parts: Sequence[Part], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    reason = "no answer"
    while time.monotonic() < deadline:
        for part in parts:
            part.tend()
        ready, reason = _ready(address)
        if ready:
            return
        time.sleep(0.2)
    raise NotReady(seconds=round(seconds), reason=reason, log=parts[0].log)


def _ready(address: str) -> tuple[bool, str]:
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=5) as answer:  # noqa: S310
            return answer.status == 200, str(answer.status)
    except urllib.error.HTTPError as error:
        return False, f"{error.code} {_briefly(error.read())}"
    except (OSError, ValueError) as error:
        return False, type(error).__name__


def _briefly(body: bytes) -> str:
    with suppress(ValueError):
        return json.dumps(json.loads(body))[:300]
    return ""


def _tend(found: Servers, parts: Sequence[Part]) -> None:
    while True:
        for part in parts:
            part.tend()
        for server in (found.postgres, found.redis):
            if server is not None and not server.alive:
                raise PartGone(name=server.name, log=server.log)
        time.sleep(0.5)


def _greet(address: str) -> None:
    people = ["admin@backroom.example", "analyst@backroom.example"]
    for slug in SLUGS:
        people.append(f"manager@{slug}.example   staff@{slug}.example")
    lines = [f"  {line}" for line in people]
    say("\n".join([
        "", f"Backroom runs at {address}/admin", "", f"Sign in with the password {PASSWORD} as",
        *lines, "", f"Logs are in {settings().var.absolute() / 'logs'}. Ctrl-C stops everything.",
    ]))  # fmt: skip
