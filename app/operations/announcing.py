"""What becomes of a booking is told to its customer, by a message."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.operations import messages
from models.bookings import Booking
from models.messages import MessageEvent as Event
from models.messages import purpose_of


def promise(
    session: Session, booking: Booking, event: Event, *, was: datetime | None = None
) -> None:
    """Let the customer hear of it once this transaction is through; `was` is the time before."""
    messages.compose(
        session, customer_id=booking.customer_id, purpose=purpose_of(event), event=event,
        booking_id=booking.id, words=None if was is None else {"before": was.isoformat()},
    )  # fmt: skip
