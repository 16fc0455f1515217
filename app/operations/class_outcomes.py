"""What became of a class: given, with everybody who came."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import clock, days
from app.errors import DomainError
from app.operations import class_plans, consumption, outcomes
from app.operations.class_plans import CalledOff
from app.operations.moves import move
from app.operations.zones import zone_of
from models.bookings import Booking, BookingStatus, CancelledBy
from models.class_sessions import SESSION_TRANSITIONS, ClassSession, SessionStatus
from models.customers import Customer
from models.waitlist import WaitStatus

UNCONFIRMED = "The class was over before the place was confirmed"


class NotBegun(DomainError):
    sentence = "This class begins only on {when}: wait until then, or call it off."


def complete(session: Session, *, class_session_id: int) -> ClassSession:
    """Write down that a class was given: everybody in it came, but who was marked as not come.

    A booking that nobody marked counts as a visit, because a tick that was forgotten must not
    cost a customer a fee: mark who did not come first, for a visit cannot be taken back. A place
    that was never confirmed, or only offered, is given up at no cost, and nobody waits for one
    any more. Refuses `NotBegun` before it begins, `CalledOff`, and `CannotMove` the second time.
    """
    found = class_plans.hold(session, class_session_id=class_session_id)
    if found.status == SessionStatus.CANCELLED:
        raise CalledOff
    status = move(
        "class", SESSION_TRANSITIONS, SessionStatus(found.status), SessionStatus.COMPLETED
    )
    if found.starts_at > clock.now():
        zone = ZoneInfo(zone_of(session, found.vendor_id))
        raise NotBegun(when=days.moment(found.starts_at, zone))
    found.status = status  # first, so that nobody is offered its seats
    for entry in class_plans.waiting(session, found):
        entry.status, entry.booking_id, entry.held_until = WaitStatus.EXPIRED, None, None
    standing = class_plans.standing(session, found)
    consumption.hold_used(session, service_id=found.service_id)  # shelves are held before customers
    _hold_customers(session, {booking.customer_id for booking in standing})
    for booking in standing:
        if booking.status == BookingStatus.PENDING:
            outcomes.cancel(
                session, booking_id=booking.id, by=CancelledBy.SYSTEM, reason=UNCONFIRMED
            )
        else:
            outcomes.complete(session, booking_id=booking.id)
    session.flush()  # who led it, and its room, are free from here on
    return found


def marks(session: Session, *, class_session_id: int) -> Mapping[BookingStatus, int]:
    """How many bookings of a class are in which status."""
    counted = (
        select(Booking.status, func.count())
        .join(ClassSession, ClassSession.id == Booking.class_session_id)
        .where(ClassSession.id == class_session_id, Booking.vendor_id == ClassSession.vendor_id)
        .group_by(Booking.status)
    )
    return {BookingStatus(status): count for status, count in session.execute(counted)}


def _hold_customers(session: Session, ids: set[int]) -> None:
    """All of them in the order of their ids, so that two classes at once do not cross."""
    rows = select(Customer.id).where(Customer.id.in_(ids)).order_by(Customer.id)
    session.execute(rows.with_for_update(key_share=True))
