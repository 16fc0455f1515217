"""Numbers without gaps: each vendor counts each of its series for itself."""

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
