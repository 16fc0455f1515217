"""What a counter has at hand: what is often sold there, and who has come today to be paid for."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session, joinedload

from models.bookings import Booking, BookingStatus
from models.orders import LineKind, Order, OrderLine

OFTEN = 7
LOOKED_AT = 500
"""How many of the latest orders tell what is often sold."""
MOST_BOOKINGS = 200
_STANDS = (BookingStatus.CONFIRMED, BookingStatus.CHECKED_IN, BookingStatus.COMPLETED)


def often_sold(session: Session, *, vendor_id: int) -> list[str]:
    """What stands most often on the vendor's latest orders: `service:12`, the most frequent first.

    What belongs to a booking comes along with that, so it is not among them.
    """
    latest = (
        select(Order.id)
        .where(Order.vendor_id == vendor_id, Order.placed_at.is_not(None))
        .order_by(Order.placed_at.desc())
        .limit(LOOKED_AT)
        .scalar_subquery()
    )
    item = func.coalesce(OrderLine.variant_id, OrderLine.service_id)
    found = session.execute(
        select(OrderLine.kind, item)
        .where(
            OrderLine.vendor_id == vendor_id,
            OrderLine.order_id.in_(latest),
            OrderLine.kind.in_([LineKind.PRODUCT, LineKind.SERVICE]),
            OrderLine.booking_id.is_(None),
        )
        .group_by(OrderLine.kind, item)
        .order_by(func.count().desc(), OrderLine.kind, item)
        .limit(OFTEN)
    )
    return [f"{kind}:{number}" for kind, number in found]


def unpaid_bookings(
    session: Session, *, vendor_id: int, since: datetime, until: datetime
) -> Sequence[Booking]:
    """The bookings that begin between two moments, stand, and are on no order yet; by time."""
    sold = exists().where(
        OrderLine.vendor_id == Booking.vendor_id, OrderLine.booking_id == Booking.id
    )
    asked = and_(Booking.status == BookingStatus.PENDING, Booking.held_until.is_(None))
    query = (
        select(Booking)
        .where(
            Booking.vendor_id == vendor_id,
            Booking.starts_at >= since,
            Booking.starts_at < until,
            or_(Booking.status.in_(_STANDS), asked),
            ~sold,
        )
        .options(
            joinedload(Booking.customer),
            joinedload(Booking.service),
            joinedload(Booking.staff_member),
        )
        .order_by(Booking.starts_at, Booking.id)
        .limit(MOST_BOOKINGS)
    )
    return session.scalars(query).all()
