"""People who are customers of more than one vendor on show: the marketplace knows them as one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import Session

from models.bookings import Booking, BookingStatus
from models.customers import Customer, Person
from models.orders import Order

EACH = 12
LATELY = timedelta(days=40)


def make(session: Session, vendor_ids: Sequence[int], now: datetime) -> None:
    """A few regulars of each vendor turn up at the next one too, some of them at a third."""
    for number, (here, there) in enumerate(pairwise(vendor_ids)):
        known = session.scalars(_regulars(here, now)).all()
        seen = session.scalars(_regulars(there, now).where(~_with_parcels())).all()
        for at_home, away in zip(known, seen, strict=False):
            person = Person(full_name=at_home.full_name, email=at_home.email, phone=at_home.phone)
            session.add(person)
            session.flush()  # the id
            at_home.person_id = away.person_id = person.id
            away.full_name, away.email = at_home.full_name, at_home.email
            away.phone = at_home.phone
        if number % 2 == 0:
            _third(session, seen[: EACH // 2], vendor_ids[(number + 2) % len(vendor_ids)], now)
        session.flush()  # the next vendor's regulars are those who belong to nobody yet


def _third(session: Session, travellers: Sequence[Customer], vendor_id: int, now: datetime) -> None:
    files = session.scalars(_regulars(vendor_id, now).where(~_with_parcels())).all()
    for one, away in zip(travellers, files, strict=False):
        away.person_id = one.person_id
        away.full_name, away.email, away.phone = one.full_name, one.email, one.phone


def _regulars(vendor_id: int, now: datetime) -> Select[Customer]:
    """Customers who came lately, and who are nobody's person yet."""
    came = exists().where(
        Booking.vendor_id == Customer.vendor_id, Booking.customer_id == Customer.id,
        Booking.status == BookingStatus.COMPLETED, Booking.starts_at >= now - LATELY,
    )  # fmt: skip
    return (
        select(Customer)
        .where(
            Customer.vendor_id == vendor_id, Customer.email.is_not(None), came,
            Customer.phone.is_not(None), Customer.person_id.is_(None),
        )
        .order_by(Customer.id)
        .limit(EACH)
    )  # fmt: skip


def _with_parcels() -> ColumnElement[bool]:
    """Whose name stands on a parcel keeps it."""
    return exists().where(
        Order.vendor_id == Customer.vendor_id, Order.customer_id == Customer.id,
        Order.ship_to.is_not(None),
    )  # fmt: skip
