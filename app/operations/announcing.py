"""What becomes of a booking is told to its customer, as the vendor's rules have it."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.operations import happenings
from models.bookings import Booking
from models.messages import MessageEvent as Event


def promise(
    session: Session, booking: Booking, event: Event, *, was: datetime | None = None
) -> None:
    """Let the customer hear of it once this transaction is through; `was` is the time before."""
    happenings.tell(
        session, event, customer_id=booking.customer_id, booking_id=booking.id,
        words=None if was is None else {"before": was.isoformat()},
    )  # fmt: skip
