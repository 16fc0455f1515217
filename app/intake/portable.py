"""PDF lists: read once by a process of its own, then joined over the pages into one table."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import app
from app.contact import fold
from app.intake import shapes
from app.intake.headings import find_header, heading
from app.intake.lists import SAMPLE_ROWS, Limits, Listing, Unreadable, unique_names
from app.intake.proposals import missing_identity, propose
from app.intake.samples import RawRow, Sample

_ROOT = Path(app.__file__).resolve().parents[1]
_VERSION = "1"  # of what the reader writes; kept results of other versions are read again
Row = list[str | None]


@dataclass(slots=True)
class _Table:
    """Pieces that belong together: one header, the same columns, page after page."""

    width: int
    heading: list[Row]
    names: tuple[str, ...]
    rows: int = 0
    pieces: list[tuple[int, int]] = field(default_factory=list)  # piece number, rows to skip
    pages: set[int] = field(default_factory=set)
    first_rows: list[tuple[int, Row]] = field(default_factory=list)


class PortableListing(Listing):
    """A PDF with a table of customers on its pages."""

    kind = "pdf"
    encoding = None
    delimiter = None

    def __init__(self, path: Path, limits: Limits, work_dir: Path | None = None) -> None:
        self._read = _read_once(path, work_dir or self._own_folder(), limits)
        tables = _tables(self._read)
        if not tables:
            raise Unreadable("There is no table of customers in this PDF: use another file.")
        self._table = max(tables, key=_weight)
        self._skips = dict(self._table.pieces)
        self.notes = [_left_out(table) for table in tables if table is not self._table]
        self._width = self._table.width
        self._sample_all()

    def _own_folder(self) -> Path:
        """A folder that lives as long as this list is in use."""
        folder = tempfile.mkdtemp(prefix="backroom-pdf-")
        weakref.finalize(self, shutil.rmtree, folder, True)
        return Path(folder)

    def _sample_all(self) -> None:
        rows = []
        for row in self.rows():
            rows.append(row)
            if len(rows) >= SAMPLE_ROWS:
                break
        names = self._table.names
        self.sample = Sample(unique_names(names, self._width), bool(names), tuple(rows))

    def rows(self, start_line: int = 0) -> Iterator[RawRow]:
        line = 0
        for number, page, rows in _pieces(self._read):
            if number not in self._skips:
                continue
            for row in rows[self._skips[number] :]:
                line += 1
                if line >= start_line:
                    cells = tuple(cell or "" for cell in row)
                    yield RawRow(line, page, cells + ("",) * (self._width - len(cells)))


def _weight(table: _Table) -> tuple[bool, int]:
    """The table of customers is the longest one that says who somebody is."""
    rows = tuple(RawRow(0, page, tuple(c or "" for c in row)) for page, row in table.first_rows)
    header = unique_names(table.names, table.width)
    known = missing_identity(propose(Sample(header, bool(table.names), rows))) is None
    return (known, table.rows) if table.rows else (False, 0)


def _left_out(table: _Table) -> str:
    pages = sorted(table.pages)
    where = f"page {pages[0]}" if len(pages) == 1 else f"pages {pages[0]} to {pages[-1]}"
    return f"Another table with {table.width} columns and {table.rows} rows on {where} is left out."


# --- the reader's process ----------------------------------------------------------------


def _read_once(path: Path, folder: Path, limits: Limits) -> Path:
    """The reader's lines about this file, read now or kept from before."""
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    kept = folder / f"{digest[:32]}-{_VERSION}.jsonl"
    if not kept.exists():
        fresh = folder / f"{kept.name}.{os.getpid()}.part"
        try:
            _run_reader(path, fresh, limits)
            fresh.replace(kept)
        finally:
            fresh.unlink(missing_ok=True)
    return kept


def drop_reading(folder: Path, checksum: str) -> None:
    """Let go of what was read of the file with this SHA-256."""
    for kept in folder.glob(f"{checksum[:32]}-*.jsonl"):
        kept.unlink(missing_ok=True)


def _run_reader(path: Path, target: Path, limits: Limits) -> None:
    bounds = {
        "pages": limits.max_pages,
        "page_chars": limits.max_page_chars,
        "rows": limits.max_rows,
        "cells": limits.max_cells,
        "cell_chars": limits.max_cell_chars,
        "seconds": limits.pdf_seconds,
        "memory": limits.pdf_memory,
    }
    command = [sys.executable, "-m", "app.paper.reader", str(path.resolve()),
               str(target.resolve()), json.dumps(bounds)]  # fmt: skip
    try:
        subprocess.run(  # noqa: S603  our own program, no shell
            command,
            cwd=_ROOT,
            timeout=limits.pdf_seconds + 10,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unreadable(_TOO_SLOW) from None
    last = _last(target)
    if "refused" in last:
        raise Unreadable(last["refused"])
    if "done" not in last:  # the system ended the reader: time or memory was up
        raise Unreadable(_TOO_SLOW)


_TOO_SLOW = (
    "This PDF takes more time or memory to read than a list may: print the list as a new PDF, "
    "or use a CSV."
)


def _last(target: Path) -> dict[str, Any]:
    if not target.exists():
        return {}
    with target.open("rb") as file:
        file.seek(max(0, target.stat().st_size - 4096))
        lines = file.read().splitlines()
    try:
        said = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _pieces(kept: Path) -> Iterator[tuple[int, int, list[Row]]]:
    with kept.open(encoding="utf-8") as file:
        for number, line in enumerate(file):
            said = json.loads(line)
            if "rows" in said:
                yield number, said["page"], said["rows"]


# --- joining the pages -------------------------------------------------------------------


def _tables(kept: Path) -> list[_Table]:
    tables: list[_Table] = []
    for number, page, rows in _pieces(kept):
        width = max(len(row) for row in rows)
        table, skip = _belongs(tables, rows, width, page)
        if table is None:
            table, skip = _new_table(rows, width)
            tables.append(table)
        table.pieces.append((number, skip))
        table.rows += len(rows) - skip
        table.pages.add(page)
        if len(table.first_rows) < 200:
            table.first_rows += [(page, row) for row in rows[skip:200]]
    return tables


def _belongs(
    tables: list[_Table], rows: list[Row], width: int, page: int
) -> tuple[_Table | None, int]:
    """The table that goes on here, and how many repeated header rows are to be skipped."""
    fitting = [table for table in reversed(tables) if table.width == width]
    for table in fitting:
        repeated = _repeated(table, rows)
        if repeated:
            return table, repeated
    if not fitting:
        return None, 0
    # A second table on one page need not use words we know to have a header of its own.
    own = find_header([_texts(row) for row in rows], strict=page not in fitting[0].pages)
    return (None, 0) if own is not None and fitting[0].names else (fitting[0], 0)


def _repeated(table: _Table, rows: list[Row]) -> int:
    """How many rows at the top say the table's header again, a title above it included."""
    said = [_key(row) for row in table.heading if any(row)]
    if not table.names or not said:
        return 0
    for start in range(min(4, len(rows))):
        if [_key(row) for row in rows[start : start + len(said)]] == said:
            return start + len(said)
    return 0


def _key(row: Sequence[str | None]) -> str:
    return fold("|".join("".join((cell or "").split()) for cell in row))


def _new_table(rows: list[Row], width: int) -> tuple[_Table, int]:
    texts = [_texts(row) for row in rows]
    found = find_header(texts)
    if found is None:
        return _Table(width, [], ()), 0
    first = _first_of_heading(rows, found)
    last = _last_of_heading(rows, found)
    heading_rows = rows[first : last + 1]
    return _Table(width, heading_rows, _names(heading_rows, width)), last + 1


def _texts(row: Row) -> tuple[str, ...]:
    return tuple(cell or "" for cell in row)


def _first_of_heading(rows: list[Row], found: int) -> int:
    """A header of two levels: the row above names groups of columns and holds no data."""
    first = found
    while first > 0:
        above = [cell for cell in rows[first - 1] if cell]
        if len(above) < 2 or any(map(shapes.is_data, above)):
            break
        first -= 1
    return first


def _last_of_heading(rows: list[Row], found: int) -> int:
    """A header over two lines: the row below has only words, where others have more."""
    last = found
    while last + 2 < len(rows):
        below = [cell for cell in rows[last + 1] if cell]
        empty_above = [not rows[last][i] for i in range(len(rows[last]))]
        fills = any(
            empty_above[i] and cell for i, cell in enumerate(rows[last + 1][: len(empty_above)])
        )
        known = sum(1 for cell in below if heading(cell))
        if not below or any(map(shapes.is_data, below)) or not (fills and known):
            break
        last += 1
    return last


def _names(heading_rows: list[Row], width: int) -> tuple[str, ...]:
    """One name a column: the levels from top to bottom, a group's name over all its columns."""
    names = [""] * width
    for level, row in enumerate(heading_rows):
        group = ""
        for index in range(width):
            cell = row[index] if index < len(row) else ""
            spanned = cell is None and level < len(heading_rows) - 1
            group = group if spanned else (cell or "")
            names[index] = f"{names[index]} {group}".strip()
    return tuple(names)
