"""Bookings and classes whose time is over, and of which nobody said what became."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session, aliased, joinedload

from app import clock
from app.operations import policies
from app.tenancy import current_actor
from models.bookings import Booking, BookingStatus
from models.class_sessions import ClassSession, SessionStatus

OPEN = (BookingStatus.CONFIRMED, BookingStatus.CHECKED_IN)
"""What asks for an outcome once its time is over."""


def lacks_outcome(at: datetime) -> ColumnElement[bool]:
    """The condition that a booking's time was over at `at`, with its grace, and nobody said how."""
    return (Booking.status.in_(OPEN)) & _over(Booking, at)


def asked_alone() -> ColumnElement[bool]:
    """The condition that a booking is asked for by itself, and not with its class."""
    return _asked_alone(Booking)


def class_lacks_outcome(at: datetime) -> ColumnElement[bool]:
    """The condition that a class was over at `at`, and nobody said who of those in it came."""
    ended = at - timedelta(minutes=policies.GRACE_MINUTES)
    unsaid = exists().where(
        Booking.vendor_id == ClassSession.vendor_id,
        Booking.class_session_id == ClassSession.id,
        Booking.status.in_(OPEN),
    )
    return and_(
        ClassSession.status == SessionStatus.SCHEDULED, ClassSession.ends_at <= ended, unsaid
    )


def classes_needing_outcome(
    session: Session, *, at: datetime | None = None, limit: int = 100
) -> Sequence[ClassSession]:
    """Classes that are over and still to be completed; the latest first, at most `limit`.

    With service and staff at hand. `at` is an aware moment (empty: now).
    """
    query = (
        select(ClassSession)
        .where(class_lacks_outcome(at or clock.now()))
        .order_by(ClassSession.starts_at.desc(), ClassSession.id.desc())
        .limit(limit)
        .options(joinedload(ClassSession.service), joinedload(ClassSession.staff_member))
    )
    return session.scalars(query).all()


def needs_outcome(
    session: Session, *, at: datetime | None = None, limit: int = 100
) -> Sequence[Booking]:
    """Bookings whose time is over and of which nobody said what became; the latest first.

    Of those in a class nothing is asked one by one: the class is (`classes_needing_outcome`). At
    most `limit`, with customer, service and staff at hand. `at` is an aware moment.
    """
    # Newest first of each status is one walk along an index; of both at once it is a sort.
    parts = [_open(status, at or clock.now(), limit).subquery() for status in OPEN]
    found = union_all(*(select(part) for part in parts)).subquery()
    query = (
        select(Booking)
        .join(found, found.c.id == Booking.id)
        .order_by(Booking.starts_at.desc(), Booking.id.desc())
        .limit(limit)
        .options(
            joinedload(Booking.customer),
            joinedload(Booking.service),
            joinedload(Booking.staff_member),
        )
    )
    return session.scalars(query).all()


def _open(status: BookingStatus, at: datetime, limit: int) -> Select[int]:
    one = aliased(Booking)
    vendor_id = current_actor().vendor_id
    # said plainly: row security alone would walk the index of all vendors' bookings
    mine = true() if vendor_id is None else one.vendor_id == vendor_id
    return (
        select(one.id)
        .where(mine, one.status == status, one.starts_at < at, _over(one, at), _asked_alone(one))
        .order_by(one.starts_at.desc(), one.id.desc())
        .limit(limit)
    )


def _asked_alone(booking: Any) -> ColumnElement[bool]:
    with_its_class = exists().where(
        ClassSession.vendor_id == booking.vendor_id,
        ClassSession.id == booking.class_session_id,
        ClassSession.status == SessionStatus.SCHEDULED,
    )
    return or_(booking.class_session_id.is_(None), ~with_its_class)


def _over(booking: Any, at: datetime) -> ColumnElement[bool]:
    grace = func.coalesce(
        booking.terms["grace_minutes"].astext.cast(Integer), policies.GRACE_MINUTES
    )
    minutes = func.make_interval(0, 0, 0, 0, 0, grace)
    over: ColumnElement[bool] = booking.ends_at + minutes <= literal(at)
    return over
