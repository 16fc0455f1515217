"""Rows as a file has them, and the first of them as a sample of its columns."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as the file has it. In a CSV `line` is where it starts, in a PDF its number.

    `broken` is the code of what makes the row unusable as a whole, if anything does.
    """

    line: int
    page: int | None
    cells: tuple[str, ...]
    broken: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """What is known of the columns before all rows are read."""

    header: tuple[str, ...]
    has_header: bool
    rows: tuple[RawRow, ...] = field(repr=False)

    def column(self, index: int) -> list[str]:
        """The cells of a column in the sampled rows, stripped, without the empty ones."""
        cells = (row.cells[index].strip() for row in self.rows if index < len(row.cells))
        return [cell for cell in cells if cell]
