"""What embedded servers have in common: an owner, a log, a clean end."""

import re
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from app.embedded.places import make
from app.embedded.refusals import AlreadyRunning, DidNotStart
from app.processes import Lock, stop


def _last_line(log: Path) -> str:
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4000))
        lines = file.read().decode(errors="replace").split("\n")
        telling = [line for line in lines if re.search("FATAL|ERROR|error:|#", line)] or lines
        return next((line.strip() for line in reversed(telling) if line.strip()), "no reason given")
    return "no reason given"


class Embedded:
    """A server of ours on a directory of its own: one owner at a time, gone when the owner is."""

    name: ClassVar[str]
    ends_with: ClassVar[tuple[int, ...]] = (signal.SIGTERM,)
    """The signals that end it, the gentle one first."""

    def __init__(self, directory: Path, log: Path | None) -> None:
        self.directory = directory.expanduser().absolute()
        self.log = log or self.directory / f"{self.name.lower()}.log"
        self.lock = Lock(self.directory / "lock")
        self.child: subprocess.Popen[bytes] | None = None

    def _own(self, note: str) -> dict[str, Any]:
        """Take the directory, or refuse; what its last owner said is returned."""
        make(self.directory)
        make(self.log.parent)
        if not self.lock.take():
            facts = self.lock.heard()
            raise AlreadyRunning(
                directory=self.directory,
                pid=facts.get("pid", "unknown"),
                address=facts.get("note") or "starting",
            )
        last = self.lock.heard()
        self.lock.say(note=note)
        return last

    def _did_not_start(self, reason: str | None = None) -> DidNotStart:
        reason = reason or _last_line(self.log)
        return DidNotStart(name=self.name, reason=reason, log=self.log)

    @property
    def alive(self) -> bool:
        """Whether the server's process still runs."""
        return self.child is not None and self.child.poll() is None

    def stop(self) -> None:
        """End the server cleanly (its data are on disk afterwards) and give the directory free."""
        if self.child is not None:
            stop(self.child, self.ends_with, patience=30)
            self.child = None
        self.lock.free()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.stop()
