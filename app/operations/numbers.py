"""Numbers without gaps: each vendor counts each of its series for itself."""

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.vendors import Counter

SERIES = frozenset({"orders", "receipts", "invoices", "credit_notes", "returns", "claims"})
"""What is numbered: a word of another spelling would begin at 1 again."""


def draw(session: Session, *, vendor_id: int, series: str) -> int:
    """The next number of one of the vendor's `SERIES`, from 1 on.

    Nobody else draws from the series until this transaction ends, and one that is rolled back
    gives its number back: there is neither a gap nor a double. Draw late, what follows waits.
    """
    if series not in SERIES:
        raise ValueError(f"{series!r} is not numbered: add it to SERIES.")
    first = insert(Counter).values(vendor_id=vendor_id, series=series, value=1)
    drawn = first.on_conflict_do_update(
        index_elements=["vendor_id", "series"], set_={"value": Counter.value + 1}
    ).returning(Counter.value)
    return session.scalars(drawn).one()


def draw_many(session: Session, *, vendor_id: int, series: str, count: int) -> int:
    """Draw `count` numbers at once; the one before the first of them."""
    last = draw(session, vendor_id=vendor_id, series=series) + count - 1
    one_series = (Counter.vendor_id == vendor_id, Counter.series == series)
    session.execute(update(Counter).where(*one_series).values(value=last))
    return last - count


def give_back(session: Session, *, vendor_id: int, series: str, last: int) -> None:
    """Count on from `last`, the highest number that is left: those above are nobody's any more."""
    one_series = (Counter.vendor_id == vendor_id, Counter.series == series)
    session.execute(update(Counter).where(*one_series, Counter.value > last).values(value=last))
