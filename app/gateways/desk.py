"""The desk: announcements as files in a folder of this machine, for people to pass on."""

import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from app.settings import settings


class Announcements(Protocol):
    """What brings a plain text to whoever passes it on."""

    def deliver(self, *, text: str, key: str, customer_id: int) -> None: ...

    def forget(self, customer_id: int) -> None: ...

    def clear(self, before: datetime) -> int: ...


def gateway() -> Announcements:
    """The desk of this installation: the folder `outbox` beside its other files."""
    return DeskAnnouncements(settings().var.expanduser().absolute() / "outbox")


@dataclass(frozen=True, slots=True)
class DeskAnnouncements:
    """Announcements as files, readable by us alone; a repeat replaces its file."""

    directory: Path

    def deliver(self, *, text: str, key: str, customer_id: int) -> None:
        """Write one announcement to a customer down; the same `key` is the same announcement."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = re.sub(r"[^\w-]", "-", key, flags=re.ASCII)[:120]
        unfinished = self.directory / f"{name}.{customer_id}.part"
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        unfinished.rename(self.directory / f"{name}.{customer_id}.txt")

    def forget(self, customer_id: int) -> None:
        """Drop whatever was announced to a customer."""
        for path in self.directory.glob(f"*.{customer_id}.*"):
            path.unlink(missing_ok=True)

    def clear(self, before: datetime) -> int:
        """Drop what was announced before an aware moment; how many files these were."""
        old = [p for p in self.directory.glob("*.*") if p.stat().st_mtime < before.timestamp()]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)
