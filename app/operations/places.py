"""Seats and rooms: triggers keep them beside the bookings, and here it is proved that they do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from models.bookings import Booking, BookingStatus
from models.class_sessions import ClassSession, SessionStatus
from models.resources import ResourceClaim

BLOCKING = (BookingStatus.PENDING, BookingStatus.CONFIRMED, BookingStatus.CHECKED_IN)
_TIMES = ("starts_at", "with_buffer_before", "with_buffer_after")


@dataclass(frozen=True, slots=True)
class Misplaced:
    """Something that is not what the bookings and classes say. No such thing is the law."""

    noun: str
    row_id: int
    what: str
    kept: Any
    true: Any


def drift(session: Session, *, limit: int = 1000) -> list[Misplaced]:
    """Every class whose seats, and claim whose times, differ from the bookings; at most `limit`.

    Over the vendor acting, or all of them for the marketplace.
    """
    session.flush()  # what is not yet written would look like drift
    return [*_seats(session, limit), *_claims(session, limit)]


def _seats(session: Session, limit: int) -> list[Misplaced]:
    standing = and_(
        Booking.vendor_id == ClassSession.vendor_id,
        Booking.class_session_id == ClassSession.id,
        Booking.status != BookingStatus.CANCELLED,
    )
    true = func.coalesce(func.sum(Booking.seats), 0)
    query = (
        select(ClassSession.id, ClassSession.taken, true)
        .outerjoin(Booking, standing)
        .group_by(ClassSession.id, ClassSession.taken)
        .having(ClassSession.taken != true)
        .order_by(ClassSession.id)
        .limit(limit)
    )
    return [Misplaced("class", row[0], "taken", row[1], row[2]) for row in session.execute(query)]


def _claims(session: Session, limit: int) -> list[Misplaced]:
    of_bookings = _astray(Booking, ResourceClaim.booking_id, Booking.status.in_(BLOCKING), limit)
    of_classes = _astray(
        ClassSession,
        ResourceClaim.class_session_id,
        ClassSession.status == SessionStatus.SCHEDULED,
        limit,
    )
    names = ("held", *_TIMES)
    return [
        Misplaced("claim", row[0], name, row[1 + i], row[1 + len(names) + i])
        for query in (of_bookings, of_classes)
        for row in session.execute(query)
        for i, name in enumerate(names)
        if row[1 + i] != row[1 + len(names) + i]
    ]


def _astray(
    leader: type[Booking] | type[ClassSession], key: Any, holds: ColumnElement[bool], limit: int
) -> Select[Any]:
    """The claims that do not follow what they are for."""
    pairs: Sequence[tuple[Any, Any]] = [
        (ResourceClaim.held, holds),
        *((getattr(ResourceClaim, name), getattr(leader, name)) for name in _TIMES),
    ]
    return (
        select(ResourceClaim.id, *(kept for kept, _ in pairs), *(true for _, true in pairs))
        .join(leader, and_(leader.vendor_id == ResourceClaim.vendor_id, leader.id == key))
        .where(or_(*(kept.is_distinct_from(true) for kept, true in pairs)))
        .order_by(ResourceClaim.id)
        .limit(limit)
    )
