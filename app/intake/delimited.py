"""CSV and its relatives: encoding, delimiter and header are found, rows are streamed."""

import csv
import io
import math
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from app.intake.encodings import Encoding, detect
from app.intake.headings import Known, find_header, heading
from app.intake.lists import SAMPLE_ROWS, Limits, Listing, Unreadable, too_many_rows, unique_names
from app.intake.samples import RawRow, Sample

DELIMITERS = (",", ";", "\t", "|")
_HEAD_LINES = 400
_MAX_STRAY_QUOTES = 1000


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the cells of a line are kept apart."""

    delimiter: str
    skip_blanks: bool = False  # a quoted cell may stand behind a blank: a, "b, c"


class DelimitedListing(Listing):
    """A text file with one customer, or one of whatever it is about, a row."""

    kind = "csv"

    def __init__(
        self, path: Path, limits: Limits, known: Known = heading, *, nul_ok: bool = False
    ) -> None:
        self._path = path
        self._known = known
        self._limits = limits
        self._encoding: Encoding = detect(path, nul_ok=nul_ok)
        self.encoding = self._encoding.label
        with self._lines() as lines:
            head = list(islice(lines, _HEAD_LINES))
        self._first_line = 1
        if head and head[0].strip().lower().startswith("sep=") and len(head[0].strip()) <= 5:
            self._dialect = Dialect(head[0].strip()[4:] or "\t")
            self._first_line = 2
        else:
            self._dialect = dialect_of(head, known)
        self.delimiter = self._dialect.delimiter
        self._read_head()

    def _read_head(self) -> None:
        rows = [r for r in islice(self._all_rows(), SAMPLE_ROWS) if r.line >= self._first_line]
        if not rows:
            raise Unreadable("This file has no rows: choose the file that holds your list.")
        found = find_header([row.cells for row in rows], known=self._known)
        body = rows if found is None else rows[found + 1 :]
        width = _width(rows[found].cells if found is not None else (), body)
        names = unique_names(rows[found].cells, width) if found is not None else None
        if found is not None:
            self._first_line = rows[found].line + 1
        self._width = width
        header = names or unique_names((), width)
        self.sample = Sample(header, names is not None, tuple(body))

    def rows(self, start_line: int = 0) -> Iterator[RawRow]:
        first = max(start_line, self._first_line)
        count = 0
        for row in self._all_rows():
            if row.line < self._first_line:
                continue
            count += 1
            if count > self._limits.max_rows:
                raise too_many_rows(self._limits.max_rows)
            if row.line >= first:
                yield row

    @contextmanager
    def _lines(self) -> Iterator[Iterator[str]]:
        with self._path.open("rb") as binary:
            binary.seek(self._encoding.skip)
            with io.TextIOWrapper(
                binary, self._encoding.codec, errors=self._encoding.errors, newline=""
            ) as text:
                yield _bounded(text, self._limits.max_line_chars)

    def _all_rows(self) -> Iterator[RawRow]:
        with self._lines() as lines:
            yield from parse(lines, self._dialect, self._limits)


def _bounded(text: io.TextIOWrapper, limit: int) -> Iterator[str]:
    number = 0
    while line := text.readline(limit + 1):
        number += 1
        if len(line) > limit:
            raise Unreadable(
                f"Line {number} is longer than {limit:,} characters: this is not a list, or its "
                "line breaks were lost; save it as CSV again."
            )
        yield line


class _Lines:
    """Lines that can be put back, and that remember what the current row took of them."""

    def __init__(self, lines: Iterator[str], budget: int) -> None:
        self._lines = lines
        self._waiting: deque[str] = deque()
        self._budget = budget
        self._size = 0
        self.taken: list[str] = []
        self.ended = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self._size > self._budget:  # the reader stops as if the file ended here
            self.ended = True
            raise StopIteration
        line = self._waiting.popleft() if self._waiting else next(self._lines, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self.taken.append(line)
        self._size += len(line)
        return line

    def begin_row(self) -> None:
        self.taken.clear()
        self._size = 0
        self.ended = False

    def put_back_all_but_first(self) -> str:
        first, *rest = self.taken
        self._waiting.extendleft(reversed(rest))
        return first


def parse(lines: Iterable[str], dialect: Dialect, limits: Limits) -> Iterator[RawRow]:
    """The rows of `lines`, blank ones left out.

    A quotation mark that is never closed would swallow everything below it: such a row is
    given as `broken`, and reading goes on with the next line.
    """
    source = _Lines(iter(lines), limits.max_line_chars)
    csv.field_size_limit(limits.max_line_chars * 2)
    line, stray = 1, 0
    while True:
        for cells in csv.reader(
            source, delimiter=dialect.delimiter, skipinitialspace=dialect.skip_blanks
        ):
            if source.ended:
                break
            if cells and (cells[0].strip() or any(map(str.strip, cells))):
                yield _row(line, cells, limits)
            line += len(source.taken)
            source.begin_row()
        if not source.taken:
            return
        stray += 1
        if stray > _MAX_STRAY_QUOTES:
            raise Unreadable(
                "Too many quotation marks in this file are never closed: save it as CSV again."
            )
        first = source.put_back_all_but_first()
        yield RawRow(line, None, tuple(first.strip().split(dialect.delimiter)), "unclosed_quote")
        line += 1
        source.begin_row()


def _row(line: int, cells: list[str], limits: Limits) -> RawRow:
    if len(cells) > limits.max_cells:
        return RawRow(line, None, tuple(cells[: limits.max_cells]), "too_many_cells")
    if max(map(len, cells)) > limits.max_cell_chars:
        short = tuple(cell[:200] for cell in cells)
        return RawRow(line, None, short, "cell_too_long")
    return RawRow(line, None, tuple(cells))


def dialect_of(head: list[str], known: Known = heading) -> Dialect:
    """The delimiter by which the lines fall most evenly into the most cells."""
    candidates = [Dialect(d, skip) for skip in (False, True) for d in DELIMITERS]
    scores = [_evenness(head, candidate, known) for candidate in candidates]
    best = max(scores)
    return candidates[scores.index(best)] if best > 0 else Dialect(",")


def _evenness(head: list[str], dialect: Dialect, known: Known) -> float:
    rows = [row.cells for row in parse(head, dialect, Limits()) if row.broken != "unclosed_quote"]
    widths = [len(_trimmed(cells)) or 1 for cells in rows]
    full = Counter(len(cells) for cells in rows).most_common(1)
    if not full or full[0][0] < 2:
        return 0.0
    width, times = full[0]
    filled = sum(1 for w in widths if w > 1) / len(widths)
    return times / len(rows) * filled * math.log2(width) + (
        0.5 if find_header(rows[:10], strict=True, known=known) is not None else 0.0
    )


def _trimmed(cells: tuple[str, ...]) -> tuple[str, ...]:
    end = len(cells)
    while end and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def _width(header: tuple[str, ...], body: list[RawRow]) -> int:
    """How many columns there are: what the header has, without it what most rows have."""
    if header:
        ends = [len(_trimmed(row.cells)) for row in body[:200]]
        named = len(_trimmed(header))
        usual = Counter(ends).most_common(1)[0][0] if ends else named
        if usual > len(header) and ends.count(usual) >= 0.8 * len(ends):
            return usual  # the last columns have no name
        return max(named, min(usual, len(header)))
    widths = Counter(len(_trimmed(row.cells)) for row in body if not row.broken)
    if not widths:
        return len(body[0].cells)
    return max(width for width, times in widths.items() if times >= 0.1 * len(body))
