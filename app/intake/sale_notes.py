"""What the page of columns says about each column of a list of past sales."""

from collections.abc import Mapping

from app.intake.figures import decimal_mark, number
from app.intake.lists import Listing
from app.intake.notes import Note, Tone
from app.intake.values import DateOrder, clean, date_order, date_parts
from app.past_sales import SaleField

_LOOKED_AT = 300
_ORDERS = {
    DateOrder.DAY_FIRST: "Read as day-month-year",
    DateOrder.MONTH_FIRST: "Read as month-day-year",
    DateOrder.YEAR_FIRST: "Read as year-month-day",
}
_FIGURES = {SaleField.QUANTITY, SaleField.AMOUNT, SaleField.UNIT_PRICE}


def readings(
    listing: Listing, mapping: Mapping[str, SaleField | None], country: str
) -> dict[str, Note]:
    """A note for each column, from a bounded sample of the rows; all rows decide in the end."""
    return {
        header: _note(mapping.get(header), listing.sample.column(i)[:_LOOKED_AT], country)
        for i, header in enumerate(listing.header)
    }


def _note(field: SaleField | None, cells: list[str], country: str) -> Note:
    if field is None:
        return Note("Left out", Tone.NONE)
    said = [cell for cell in cells if clean(cell)]
    if not said:
        return Note("All are empty, which is fine", Tone.GOOD)
    if field is SaleField.DATE:
        return _date(said, country)
    if field in _FIGURES:
        mark = decimal_mark(said, country)
        wrong = sum(number(clean(cell), mark) is None for cell in said)
        if wrong:
            right = round(100 * (len(said) - wrong) / len(said))
            tone = Tone.GOOD if right >= 90 else Tone.LOOK
            return Note(f"{min(right, 99)} % are numbers", tone)
    if field in (SaleField.CUSTOMER, SaleField.EMAIL) and len(said) < len(cells):
        return Note("Where it is empty, the sale is anonymous", Tone.GOOD)
    return Note("Recognised", Tone.GOOD)


def _date(said: list[str], country: str) -> Note:
    in_doubt = [cell for cell in said if (parts := date_parts(cell)) and len(parts[0]) <= 2]
    if not in_doubt:
        return Note("Recognised", Tone.GOOD)
    order, proved = date_order(in_doubt, country)
    return Note(_ORDERS[order], Tone.GOOD if proved else Tone.LOOK)
