"""Classes: planned, joined seat by seat, moved, called off and given, with everybody in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, joinedload

from app import clock
from app.errors import DomainError, NotFound
from app.operations import bookings
from app.operations.bookings import ClassIsFull
from app.operations.class_outcomes import NotBegun, complete, marks
from app.operations.class_plans import (
    MOST_SEATS,
    STANDING,
    CalledOff,
    CannotPlan,
    ClassIsOver,
    InThePast,
    LastsTooLong,
    NoSeats,
    NotAClass,
    TooFewSeats,
    call_off,
    checked_seats,
    held,
    hold,
    move,
    plan,
    set_seats,
)
from app.operations.moves import locked
from app.operations.unfinished import class_lacks_outcome, classes_needing_outcome
from models.bookings import Booking, BookingStatus
from models.class_sessions import ClassSession, SessionStatus
from models.waitlist import WaitlistEntry, WaitStatus
from models.words import Channel

__all__ = [
    "MOST_SEATS",
    "AlreadyIn",
    "CalledOff",
    "CannotPlan",
    "ClassIsFull",
    "ClassIsOver",
    "InThePast",
    "LastsTooLong",
    "NoSeats",
    "NotAClass",
    "NotBegun",
    "Roster",
    "TooFewSeats",
    "call_off",
    "class_lacks_outcome",
    "classes_needing_outcome",
    "complete",
    "hold",
    "join",
    "leave",
    "marks",
    "move",
    "plan",
    "roster",
    "set_seats",
]


class AlreadyIn(DomainError):
    sentence = "This customer is in this class already: cancel that booking, or choose another."
    field = "customer_id"


@dataclass(frozen=True, slots=True)
class Roster:
    """Who comes to a class, in the order they joined, and who waits for a seat."""

    class_session: ClassSession
    bookings: Sequence[Booking]
    waiting: Sequence[WaitlistEntry]

    @property
    def free(self) -> int:
        """Seats that nobody has, and that nobody is offered."""
        return self.class_session.seats - self.class_session.taken


def join(
    session: Session,
    *,
    class_session_id: int,
    customer_id: int,
    seats: int = 1,
    channel: Channel = Channel.WALK_IN,
    status: BookingStatus = BookingStatus.CONFIRMED,
    held_until: datetime | None = None,
) -> Booking:
    """Take seats in a class for a customer; the database counts them, so none is given twice.

    At the counter a class that has just begun can still be joined, online not.
    Refuses with `ClassIsFull`, `AlreadyIn`, `ClassIsOver`, `CalledOff`, `NoSeats`.
    """
    found = held(session, class_session_id)
    _check_open(found, Channel(channel))
    if checked_seats(seats) > found.seats - found.taken:
        raise ClassIsFull
    if _is_in(session, found, customer_id):
        raise AlreadyIn
    return bookings.book(
        session,
        customer_id=customer_id,
        service_id=found.service_id,
        starts_at=found.starts_at,
        ends_at=found.ends_at,
        staff_id=found.staff_id,
        channel=Channel(channel),
        seats=seats,
        class_session_id=found.id,
        status=status,
        held_until=held_until,
    )


def leave(
    session: Session, *, booking_id: int, by: str = "customer", reason: str | None = None
) -> Booking:
    """Give the seats of a booking back, by the terms it was made under; who waits is offered one.

    Refuses with `NotFound` what is not a booking of a class.
    """
    booking = locked(session, Booking, booking_id)
    if booking.class_session_id is None:
        raise NotFound
    return bookings.cancel(session, booking_id=booking_id, by=by, reason=reason)


def roster(session: Session, *, class_session_id: int) -> Roster:
    """Who comes, who came or did not, and who waits, the longest first."""
    found = session.get(ClassSession, class_session_id)
    if found is None:
        raise NotFound
    coming = (
        select(Booking)
        .where(Booking.vendor_id == found.vendor_id, Booking.class_session_id == found.id)
        .where(Booking.status != BookingStatus.CANCELLED)
        .options(joinedload(Booking.customer))
        .order_by(Booking.id)
    )
    waiting = (
        select(WaitlistEntry)
        .where(WaitlistEntry.vendor_id == found.vendor_id)
        .where(WaitlistEntry.class_session_id == found.id)
        .where(WaitlistEntry.status.in_((WaitStatus.WAITING, WaitStatus.OFFERED)))
        .options(joinedload(WaitlistEntry.customer))
        .order_by(WaitlistEntry.queued_at, WaitlistEntry.id)
    )
    return Roster(found, session.scalars(coming).all(), session.scalars(waiting).all())


# --- behind the verbs ---------------------------------------------------------------------


def _check_open(found: ClassSession, channel: Channel) -> None:
    if found.status == SessionStatus.CANCELLED:
        raise CalledOff
    far = channel in (Channel.ONLINE, Channel.PARTNER)
    until = found.starts_at if far else found.ends_at
    if until <= clock.now() or found.status != SessionStatus.SCHEDULED:
        raise ClassIsOver


def _is_in(session: Session, found: ClassSession, customer_id: int) -> bool:
    """Whether a customer has a seat; the class is held, so nobody else puts them in meanwhile."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    Booking.vendor_id == found.vendor_id,
                    Booking.class_session_id == found.id,
                    Booking.customer_id == customer_id,
                    Booking.status.in_(STANDING),
                )
            )
        )
    )
