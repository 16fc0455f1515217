"""The rows of a long list, typed by a process of its own: reading and storing run side by side."""

import gc
import json
import marshal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, astuple, fields
from datetime import date
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any

import app
from app.intake.lists import Limits, Unreadable
from app.intake.opening import open_list
from app.intake.rows import typed_rows
from models.imports import Field, Problem, TypedRow

_ROOT = Path(app.__file__).resolve().parents[1]
_PIECE = 1000
_NAMES = [field.name for field in fields(TypedRow)]
_BIRTHDAY, _PROBLEMS = map(_NAMES.index, ("birthday", "problems"))
_values = attrgetter(*_NAMES)


@contextmanager
def typed_rows_apart(
    path: Path,
    *,
    filename: str,
    limits: Limits,
    mapping: Mapping[str, Field | None],
    country: str,
    start_line: int = 0,
    skip: int = 0,
) -> Iterator[Iterator[TypedRow]]:
    """What `typed_rows` of the same list says, without its first `skip` rows.

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


def _told_by(child: subprocess.Popen[bytes]) -> Iterator[TypedRow]:
    while piece := _said(child):
        yield from map(_unpacked, piece)


def _said(child: subprocess.Popen[bytes]) -> list[Any]:
    assert child.stdout is not None
    try:
        told = marshal.load(child.stdout)  # noqa: S302  what our own program wrote
    except (EOFError, ValueError, TypeError):
        raise RuntimeError("the process that reads the list has ended before its time") from None
    if isinstance(told, str):
        raise Unreadable(told)
    return told  # type: ignore[no-any-return]


def _packed(row: TypedRow) -> list[Any]:
    """The row in nothing but what marshal writes: no dates, no words of an enumeration."""
    packed = list(_values(row))
    if row.birthday:
        packed[_BIRTHDAY] = row.birthday.isoformat()
    if row.problems:
        packed[_PROBLEMS] = [_plain(problem) for problem in row.problems]
    return packed


def _plain(problem: Problem) -> list[Any]:
    return [str(v) if isinstance(v, str) else v for v in astuple(problem)]


def _unpacked(packed: list[Any]) -> TypedRow:
    if packed[_BIRTHDAY]:
        packed[_BIRTHDAY] = date.fromisoformat(packed[_BIRTHDAY])
    if packed[_PROBLEMS]:
        packed[_PROBLEMS] = tuple(map(_problem, packed[_PROBLEMS]))
    return TypedRow(*packed)


def _problem(plain: list[Any]) -> Problem:
    line, page, column, field, *rest = plain
    return Problem(line, page, column, Field(field) if field else None, *rest)


def main(asked: dict[str, Any]) -> None:
    """Write the typed rows to the standard output, in pieces, or why the list is refused."""
    say = sys.stdout.buffer
    gc.disable()  # rows hold no rings, and they are many
    try:
        path, limits = Path(asked["path"]), Limits(**asked["limits"])
        listing = open_list(path, filename=asked["filename"], limits=limits)
        named = [Field(field) if field else None for field in asked["fields"]]
        mapping = dict(zip(listing.header, named, strict=True))
        rows = typed_rows(listing, mapping, asked["country"], asked["start_line"], asked["skip"])
        while piece := [_packed(row) for row in islice(rows, _PIECE)]:
            marshal.dump(piece, say)
        marshal.dump([], say)
    except Unreadable as refusal:
        marshal.dump(str(refusal), say)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
