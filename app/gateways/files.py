"""Files that outlive a request: kept under random names, in a folder or wherever storage is."""

import hashlib
import os
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.errors import DomainError

_NAME = re.compile(r"[0-9a-f]{32}")


class TooLarge(DomainError):
    sentence = "This file is larger than {megabytes} MB: split the list and import the parts."


class FileGone(DomainError):
    sentence = "The uploaded file is no longer here: upload it again."


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is kept: its name in the storage, its SHA-256, its size in bytes."""

    name: str
    checksum: str
    size: int


class Files(Protocol):
    """Where uploaded files lie."""

    def keep(self, parts: Iterable[bytes], *, most: int) -> Kept: ...

    def path(self, name: str) -> Path: ...

    def drop(self, name: str) -> None: ...


class DeskFiles:
    """Files in one folder of this machine."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def keep(self, parts: Iterable[bytes], *, most: int) -> Kept:
        """Write the parts to a new file, never more than `most` bytes. Raises `TooLarge`.

        The file appears under its name only when it is whole.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = secrets.token_hex(16)
        unfinished = self.directory / f"{name}.part"
        digest, size = hashlib.sha256(), 0
        try:
            with os.fdopen(_private(unfinished), "wb") as file:
                for part in parts:
                    size += len(part)
                    if size > most:
                        raise TooLarge(megabytes=f"{most / 1_000_000:,.0f}")
                    digest.update(part)
                    file.write(part)
            unfinished.rename(self.directory / name)
        finally:
            unfinished.unlink(missing_ok=True)
        return Kept(name, digest.hexdigest(), size)

    def path(self, name: str) -> Path:
        """Where the file lies. Raises `FileGone`, also for every name that is none of ours."""
        path = self.directory / name
        if not _NAME.fullmatch(name) or not path.is_file():
            raise FileGone
        return path

    def drop(self, name: str) -> None:
        """Forget a file; one that is gone already is fine."""
        with suppress(FileGone):
            self.path(name).unlink(missing_ok=True)


def _private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
