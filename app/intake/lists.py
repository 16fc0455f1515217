"""What a list is, whatever file it came in: a header, rows, and limits that hold."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.errors import DomainError
from app.intake.proposals import propose
from app.intake.samples import RawRow, Sample
from app.staging import Field

SAMPLE_ROWS = 1000
SHOWN_ROWS = 5


class Unreadable(DomainError):
    """The whole file is refused."""

    sentence = "This file cannot be read as a list: save it as CSV and upload that."


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read before a file is refused. Seconds and bytes of `pdf_*` bound its reader."""

    max_bytes: int = 500_000_000
    max_rows: int = 2_000_000
    max_pages: int = 500
    max_cells: int = 500
    max_cell_chars: int = 100_000
    max_line_chars: int = 2_000_000
    max_page_chars: int = 100_000
    pdf_seconds: int = 600
    pdf_memory: int = 1_500_000_000


class Listing(ABC):
    """A customer list that was recognised and can be read as often as one likes."""

    kind: str  # "csv" or "pdf"
    encoding: str | None
    delimiter: str | None
    sample: Sample
    notes: Sequence[str] = ()  # what was left out, a sentence each

    @property
    def header(self) -> list[str]:
        """The columns' names, each one once; "Column 1", ... where the file has none."""
        return list(self.sample.header)

    @property
    def has_header(self) -> bool:
        """Whether the names come from the file."""
        return self.sample.has_header

    @property
    def samples(self) -> list[list[str]]:
        """The first rows that say something, for people to look at."""
        width = len(self.sample.header)
        return [
            [cell.strip() for cell in row.cells[:width]] for row in self.sample.rows[:SHOWN_ROWS]
        ]

    def proposal(self) -> dict[str, Field | None]:
        """What each column seems to be; None is not imported, no field is given twice."""

        return propose(self.sample)

    @abstractmethod
    def rows(self, start_line: int = 0) -> Iterator[RawRow]:
        """The rows in order, those before `start_line` left out; blank rows are none.

        Memory does not grow with the file. Raises `Unreadable` past the limit of rows.
        """

    def count(self) -> int:
        """How many rows there are; reads the file once."""
        return sum(1 for _ in self.rows())


def too_many_rows(limit: int) -> Unreadable:
    """The refusal of a list past its limit."""
    return Unreadable(
        f"This list has more than {limit:,} rows: split it and import the parts one by one."
    )


def unique_names(cells: Sequence[str], width: int) -> tuple[str, ...]:
    """Names for `width` columns: the cells, numbered where one is empty or said twice."""
    names: dict[str, None] = {}
    for index in range(width):
        cell = " ".join(cells[index].split()) if index < len(cells) else ""
        stem = cell[:200] or f"Column {index + 1}"
        name, copy = stem, 1
        while name in names:
            copy += 1
            name = f"{stem} ({copy})"
        names[name] = None
    return tuple(names)
