"""What the page of columns says about the columns of a list of products or stock."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from app.columns import ProductField
from app.intake import values, wares
from app.intake.headings import is_forbidden
from app.intake.lists import Listing
from app.intake.notes import Note, Tone
from app.intake.ware_columns import option_named
from app.intake.wares import StockReader, WareReader, Ways, decide
from app.staging import Problem

_LOOKED_AT = 300
_RIGHT = {
    "price": "amounts", "cost": "amounts", "on_hand": "whole numbers", "quantity": "whole numbers",
    "low_stock": "whole numbers", "replenishment_days": "numbers of days",
    "warranty_months": "numbers of months", "status": "known words", "category": "names",
    "subcategory": "names", "tracks_stock": "a clear yes or no",
    "discontinued": "a clear yes or no", "barcode": "readable",
}  # fmt: skip


def product_notes(listing: Listing, mapping: Mapping[str, Any], country: str) -> dict[str, Note]:
    """A note for each column of a list of products, from a bounded sample of the rows."""
    return _notes(WareReader, listing, mapping, country)


def stock_notes(listing: Listing, mapping: Mapping[str, Any], country: str) -> dict[str, Note]:
    """The same for a list of opening stock."""
    return _notes(StockReader, listing, mapping, country)


def _notes(
    kind: type[WareReader], listing: Listing, mapping: Mapping[str, Any], country: str
) -> dict[str, Note]:
    ways = decide(listing.sample, mapping, country)
    reader = kind(listing.header, mapping, ways)
    rows = [row for row in listing.sample.rows[:_LOOKED_AT] if row.broken is None]
    problems = [problem for row in rows for problem in reader.said(row)[1]]
    return {
        header: _note(header, mapping.get(header), listing.sample.column(i)[:_LOOKED_AT],
                      len(rows), problems, ways)
        for i, header in enumerate(listing.header)
    }  # fmt: skip


def _note(
    header: str,
    field: StrEnum | None,
    cells: Sequence[str],
    rows: int,
    problems: Sequence[Problem],
    ways: Ways,
) -> Note:
    if field is None:
        return Note("Never imported" if is_forbidden(header) else "Left out", Tone.NONE)
    said = [cell for cell in cells if values.clean(cell)]
    if not said:
        return Note("All are empty, which is fine", Tone.GOOD)
    wrong = sum(problem.column == header for problem in problems)
    if wrong:
        return _share(str(field), len(said), wrong)
    return _special(field, header, said, ways) or _emptiness(len(said), rows)


def _share(field: str, said: int, wrong: int) -> Note:
    right = max(0, round(100 * (said - wrong) / said))
    what = _RIGHT.get(field, "fine")
    if right == 0:
        return Note(f"None are {what}: is this the right field?", Tone.LOOK)
    return Note(f"{min(right, 99)} % are {what}", Tone.GOOD if right >= 90 else Tone.LOOK)


def _special(field: StrEnum, header: str, said: Sequence[str], ways: Ways) -> Note | None:
    if str(field) in ("price", "cost") and any("," in c or "." in c for c in said):
        return Note(f"Cents behind a {'comma' if ways.comma[str(field)] else 'point'}", Tone.GOOD)
    if name := option_named(header):
        return Note(f"The option “{name}”", Tone.GOOD)
    if field is ProductField.GROUP:
        return Note("Rows with the same word are one product", Tone.GOOD)
    if field is ProductField.CATEGORY and any(len(wares.levels(cell)) > 1 for cell in said):
        return Note("Several levels become a branch", Tone.GOOD)
    return None


def _emptiness(said: int, rows: int) -> Note:
    empty = round(100 * (rows - said) / rows) if rows else 0
    if empty >= 5:
        return Note(f"{min(empty, 99)} % are empty, which is fine", Tone.GOOD)
    return Note("Recognised", Tone.GOOD)
