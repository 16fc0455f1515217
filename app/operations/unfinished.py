"""Bookings whose time is over, and of which nobody said what became."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, func, literal, select, union_all
from sqlalchemy.orm import Session, aliased, joinedload

from app import clock
from app.operations import policies
from models.bookings import Booking, BookingStatus

OPEN = (BookingStatus.CONFIRMED, BookingStatus.CHECKED_IN)
"""What asks for an outcome once its time is over."""


def lacks_outcome(at: datetime) -> ColumnElement[bool]:
    """The condition that a booking's time was over at `at`, with its grace, and nobody said how."""
    return (Booking.status.in_(OPEN)) & _over(Booking, at)


def needs_outcome(
    session: Session, *, at: datetime | None = None, limit: int = 100
) -> Sequence[Booking]:
    """Bookings whose time is over and of which nobody said what became; the latest first.

    At most `limit`, with customer, service and staff at hand. `at` is an aware moment.
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
    return (
        select(one.id)
        .where(one.status == status, one.starts_at < at, _over(one, at))
        .order_by(one.starts_at.desc(), one.id.desc())
        .limit(limit)
    )


def _over(booking: Any, at: datetime) -> ColumnElement[bool]:
    grace = func.coalesce(
        booking.terms["grace_minutes"].astext.cast(Integer), policies.GRACE_MINUTES
    )
    minutes = func.make_interval(0, 0, 0, 0, 0, grace)
    over: ColumnElement[bool] = booking.ends_at + minutes <= literal(at)
    return over
