"""What became free is offered to the waitlist, soon after and in a transaction of its own."""

from datetime import datetime

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from app import clock
from app.operations.outbox import enqueue
from models.bookings import Booking
from models.class_sessions import ClassSession, SessionStatus
from models.waitlist import WaitlistEntry, WaitStatus

FILL, FILL_TIME = "tasks.waitlist.fill", "tasks.waitlist.fill_time"
FILL_CLASS = "tasks.waitlist.fill_class"


def cancelled(session: Session, booking: Booking) -> None:
    """Let the time or the seats of a booking that was called off go to who waits, if any do."""
    if booking.class_session_id is not None:
        found = session.get(ClassSession, booking.class_session_id)
        if found is None or found.status != SessionStatus.SCHEDULED:
            return
    if _wanted(session, booking.vendor_id, booking.starts_at):
        enqueue(session, FILL, vendor_id=booking.vendor_id, booking_id=booking.id)


def moved(
    session: Session,
    of: Booking | ClassSession,
    *,
    starts_at: datetime,
    ends_at: datetime,
    staff_id: int,
) -> None:
    """Let the time that a booking or a class gave up go to who waits, if any do."""
    if _wanted(session, of.vendor_id, starts_at):
        enqueue(
            session, FILL_TIME, vendor_id=of.vendor_id, staff_id=staff_id,
            starts_at=starts_at.isoformat(), ends_at=ends_at.isoformat(),
            freed_at=clock.now().isoformat(),
        )  # fmt: skip


def seats(session: Session, found: ClassSession) -> None:
    """Let seats that a class was given go to who waits, if any do."""
    if _wanted(session, found.vendor_id, found.starts_at):
        enqueue(
            session, FILL_CLASS, vendor_id=found.vendor_id, class_session_id=found.id,
            freed_at=clock.now().isoformat(),
        )  # fmt: skip


def _wanted(session: Session, vendor_id: int, starts_at: datetime) -> bool:
    """Whether anybody waits for what begins then; most vendors have nobody to ask."""
    if starts_at <= clock.now():
        return False
    return bool(session.scalar(select(exists().where(*_waiting(vendor_id, starts_at)))))


def _waiting(vendor_id: int, starts_at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        WaitlistEntry.vendor_id == vendor_id,
        WaitlistEntry.status == WaitStatus.WAITING,
        WaitlistEntry.latest >= starts_at,
    )
