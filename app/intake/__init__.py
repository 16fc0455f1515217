"""Files in: a CSV or PDF customer list becomes typed rows, and problems with line and page."""

from app.intake.lists import Limits, Listing, RawRow, Unreadable
from app.intake.opening import open_list
from app.intake.proposals import missing_identity
from app.intake.rows import Decisions, decide, typed, typed_rows

__all__ = [
    "Limits",
    "Listing",
    "RawRow",
    "Decisions",
    "Unreadable",
    "decide",
    "missing_identity",
    "open_list",
    "typed",
    "typed_rows",
]
