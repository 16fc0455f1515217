"""The rows of a long list, read by two processes: this one and one of its own take turns."""

import gc
import json
import marshal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import app
from app.columns import FIELDS, Subject
from app.intake.lists import Limits, Listing
from app.intake.opening import open_list
from app.intake.samples import RawRow
from app.intake.subjects import Fields, row_reader
from app.staging import Staged

_ROOT = Path(app.__file__).resolve().parents[1]
_PIECE, _SIZE, _AHEAD = 1000, 8, 1 << 20


def staged_rows(
    listing: Listing,
    mapping: Fields,
    country: str,
    start_line: int = 0,
    subject: str = Subject.CUSTOMERS,
) -> Iterator[Staged]:
    """The rows of a list from that line on, typed and as they are staged."""
    return map(row_reader(subject, listing.sample, mapping, country), listing.rows(start_line))


def staged_rows_of_two(
    listing: Listing,
    path: Path,
    filename: str,
    limits: Limits,
    mapping: Fields,
    country: str,
    *,
    start_line: int = 0,
    subject: str = Subject.CUSTOMERS,
    alone: int = 10_000,
) -> Generator[Staged]:
    """The same as `staged_rows`; every other piece is read by another process.

    The first `alone` rows are read here, while that one gets ready. It ends with the generator.
    Raises `RuntimeError` when it ends sooner.
    """
    asked = {
        "path": str(path.resolve()), "filename": filename, "limits": asdict(limits),
        "fields": list(mapping.values()), "country": country, "start_line": start_line,
        "alone": alone, "subject": subject,
    }  # fmt: skip
    read = row_reader(subject, listing.sample, mapping, country)
    with _second(asked) as child:
        rows = listing.rows(start_line)
        yield from map(read, islice(rows, alone))
        for mine in cycle((True, False)):
            piece = list(islice(rows, _PIECE))
            if not piece:
                return
            yield from map(read, piece) if mine else _said(child, len(piece))


@contextmanager
def _second(asked: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(  # noqa: S603  our own program, no shell
        [sys.executable, "-m", "app.intake.apart", json.dumps(asked)], cwd=_ROOT, pipesize=_AHEAD,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as child:  # fmt: skip
        try:
            yield child
        finally:
            child.kill()


def _said(child: subprocess.Popen[bytes], rows: int) -> list[Staged]:
    assert child.stdout is not None
    size = int.from_bytes(child.stdout.read(_SIZE))
    piece = child.stdout.read(size)
    whole = size > 0 and len(piece) == size
    told: list[Staged] = marshal.loads(piece) if whole else []  # noqa: S302  our own program's words
    if len(told) != rows:
        raise RuntimeError("the second process that reads the list has ended before its time")
    return told


def _say(told: list[Staged]) -> None:
    """A piece with its size before it: read at once, not value by value."""
    piece = marshal.dumps(told)
    sys.stdout.buffer.write(len(piece).to_bytes(_SIZE) + piece)


def main(asked: dict[str, Any]) -> None:
    """Write every other piece of a list's rows to the standard output."""
    gc.disable()  # rows hold no rings, and they are many
    path, limits = Path(asked["path"]), Limits(**asked["limits"])
    subject, told = Subject(asked["subject"]), asked["fields"]
    listing = open_list(path, filename=asked["filename"], limits=limits, subject=subject)
    named = [FIELDS[subject](field) if field else None for field in told]
    mapping = dict(zip(listing.header, named, strict=True))
    read: Callable[[RawRow], Staged] = row_reader(
        subject, listing.sample, mapping, asked["country"]
    )
    rows = islice(listing.rows(asked["start_line"]), asked["alone"], None)
    for mine in cycle((False, True)):
        piece = list(islice(rows, _PIECE))
        if not piece:
            return
        if mine:
            _say([read(row) for row in piece])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
