"""The desk: announcements as files in a folder of this machine, for people to pass on."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.settings import settings


class Announcements(Protocol):
    """What brings a plain text to whoever passes it on."""

    def deliver(self, *, text: str, key: str) -> None: ...


def gateway() -> Announcements:
    """The desk of this installation: the folder `outbox` beside its other files."""
    return DeskAnnouncements(settings().var.expanduser().absolute() / "outbox")


@dataclass(frozen=True, slots=True)
class DeskAnnouncements:
    """Announcements as files, readable by us alone; a repeat replaces its file."""

    directory: Path

    def deliver(self, *, text: str, key: str) -> None:
        """Write one announcement down; the same `key` is the same announcement."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = re.sub(r"[^\w-]", "-", key, flags=re.ASCII)[:120]
        unfinished = self.directory / f"{name}.part"
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        unfinished.rename(self.directory / f"{name}.txt")
