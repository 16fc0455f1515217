"""Files in: a CSV or PDF list becomes typed rows, and problems with line and page."""

from app.intake.apart import staged_rows, staged_rows_of_two
from app.intake.lists import Limits, Listing, Unreadable
from app.intake.notes import Note, Tone, readings
from app.intake.opening import open_list
from app.intake.portable import drop_reading
from app.intake.proposals import missing_identity
from app.intake.rows import Decisions, decide, typed, typed_rows
from app.intake.sales import Marks, SaleReader, marks_of
from app.intake.samples import RawRow, Sample
from app.intake.subjects import reading, row_reader

__all__ = [
    "Decisions",
    "Limits",
    "Listing",
    "Marks",
    "Note",
    "RawRow",
    "SaleReader",
    "Sample",
    "Tone",
    "Unreadable",
    "decide",
    "drop_reading",
    "marks_of",
    "missing_identity",
    "open_list",
    "reading",
    "readings",
    "row_reader",
    "staged_rows",
    "staged_rows_of_two",
    "typed",
    "typed_rows",
]
