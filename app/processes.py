"""Child processes that never outlive us, and the lock that keeps data with one owner."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

# Runs in the child before the real program: become the user, ask the kernel for a signal when the
# parent dies (changing the user would forget it, hence this order), then turn into the program.
# A script, not preexec_fn: Python must not run between fork and exec of a process with threads.
_LAUNCH = """
import ctypes, os, sys
parent, signal, uid, gid, directory, *command = sys.argv[1:]
library = ctypes.CDLL(None)
if uid != '-1':
    os.setgroups([]); os.setgid(int(gid)); os.setuid(int(uid))
if sys.platform == 'linux':
    library.prctl(1, int(signal), 0, 0, 0)
    if os.getppid() != int(parent):
        os._exit(1)
os.chdir(directory)
os.execv(command[0], command)
"""


@dataclass(frozen=True, slots=True)
class User:
    """Whom a child runs as; -1 stays who we are."""

    uid: int = -1
    gid: int = -1


MYSELF = User()


def spawn(
    command: Sequence[str | Path],
    *,
    log: IO[bytes] | int,
    user: User = MYSELF,
    directory: Path = Path("/"),
    environment: Mapping[str, str] | None = None,
    when_orphaned: int = signal.SIGTERM,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a program that is told (`when_orphaned`) when the starting thread's process dies.

    It leads a process group of its own, so that a Ctrl-C at the terminal reaches us alone. Linux
    keeps the promise at our death; elsewhere a left-over server is stopped at the next start.
    Start children from a thread that lives as long as they shall: the kernel counts the thread.
    """
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), str(int(when_orphaned)),
         str(user.uid), str(user.gid), str(directory), *map(str, command)],
        stdin=stdin, stdout=log, stderr=log, env=environment, start_new_session=True,
    )  # fmt: skip


def stop(child: subprocess.Popen[bytes], signals: Sequence[int], patience: float) -> None:
    """Send one signal after the other, waiting `patience` seconds for each, SIGKILL at last.

    What the child left behind in its process group goes with it.
    """
    for number in signals:
        if child.poll() is not None:
            break
        child.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(patience)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def finish(process: psutil.Process, signals: Sequence[int], patience: float) -> None:
    """The same for a process that is not our child (left over from a killed owner)."""
    for number in signals:
        with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
            process.send_signal(number)
            process.wait(patience)
        if not process.is_running():
            return


def start_time(pid: int) -> float | None:
    """When a process began, which tells it from a later one with the same number; None: gone."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except (psutil.Error, ValueError, OverflowError):
        return None


@dataclass(slots=True)
class Lock:
    """The mark of the one process that owns a directory's data, and what it says of itself.

    The kernel frees it when that process ends, however it ends, so it is never stale.
    """

    path: Path
    file: IO[str] | None = field(default=None, repr=False)

    def take(self) -> bool:
        """Become the owner; False when another process is."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        file = os.fdopen(descriptor, "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self.file = file
        return True

    def say(self, **facts: Any) -> None:
        """Leave word for other processes (and for whoever comes after a crash)."""
        assert self.file is not None
        text = json.dumps({**facts, "pid": os.getpid(), "since": start_time(os.getpid())})
        self.file.seek(0)
        self.file.write(text)
        self.file.truncate()
        self.file.flush()

    def heard(self) -> dict[str, Any]:
        """What the owner, present or last, said of itself; empty when nothing readable."""
        try:
            facts = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}

    def owner_lives(self) -> bool:
        """Whether the process that spoke last still runs."""
        facts = self.heard()
        pid, then = facts.get("pid"), facts.get("since")
        since = start_time(pid) if isinstance(pid, int) else None
        # Seconds of grace: the system's clock, from which it is worked out, may be set meanwhile.
        return since is not None and isinstance(then, float) and abs(since - then) < 5

    def free(self) -> None:
        """Stop being the owner."""
        if self.file is not None:
            self.file.truncate(0)
            self.file.close()
            self.file = None
