"""The rows of a long list, read by a process of its own: reading and storing run side by side."""

import gc
import json
import marshal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import app
from app.intake.lists import Limits, Unreadable
from app.intake.opening import open_list
from app.intake.rows import typed_rows
from models.imports import Field
from models.staging import Staged, staged

_ROOT = Path(app.__file__).resolve().parents[1]
_PIECE, _SIZE = 1000, 8


@contextmanager
def staged_rows_apart(
    path: Path,
    *,
    filename: str,
    limits: Limits,
    mapping: Mapping[str, Field | None],
    country: str,
    start_line: int = 0,
    skip: int = 0,
) -> Iterator[Iterator[Staged]]:
    """`staged` of what `typed_rows` of the same list says, without its first `skip` rows.

    The process starts at once and ends with the block. The rows raise `Unreadable` where those of
    the list do, and `RuntimeError` when the process dies.
    """
    asked = {
        "path": str(path.resolve()), "filename": filename, "limits": asdict(limits),
        "fields": list(mapping.values()), "country": country, "start_line": start_line,
        "skip": skip,
    }  # fmt: skip
    with subprocess.Popen(  # noqa: S603  our own program, no shell
        [sys.executable, "-m", "app.intake.apart", json.dumps(asked)], cwd=_ROOT,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as child:  # fmt: skip
        try:
            yield _told_by(child)
        finally:
            child.kill()


def _told_by(child: subprocess.Popen[bytes]) -> Iterator[Staged]:
    while piece := _said(child):
        yield from piece


def _said(child: subprocess.Popen[bytes]) -> list[Any]:
    assert child.stdout is not None
    size = int.from_bytes(child.stdout.read(_SIZE))
    piece = child.stdout.read(size)
    if not size or len(piece) < size:
        raise RuntimeError("the process that reads the list has ended before its time")
    told = marshal.loads(piece)  # noqa: S302  what our own program wrote
    if isinstance(told, str):
        raise Unreadable(told)
    return told  # type: ignore[no-any-return]


def _say(told: list[Any] | str) -> None:
    """A piece with its size before it: read at once, not value by value."""
    piece = marshal.dumps(told)
    sys.stdout.buffer.write(len(piece).to_bytes(_SIZE) + piece)


def main(asked: dict[str, Any]) -> None:
    """Write the rows to the standard output, in pieces, or why the list is refused."""
    gc.disable()  # rows hold no rings, and they are many
    try:
        path, limits = Path(asked["path"]), Limits(**asked["limits"])
        listing = open_list(path, filename=asked["filename"], limits=limits)
        named = [Field(field) if field else None for field in asked["fields"]]
        mapping = dict(zip(listing.header, named, strict=True))
        rows = typed_rows(listing, mapping, asked["country"], asked["start_line"], asked["skip"])
        while piece := [staged(row) for row in islice(rows, _PIECE)]:
            _say(piece)
        _say([])
    except Unreadable as refusal:
        _say(str(refusal))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
