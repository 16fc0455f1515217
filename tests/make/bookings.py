"""Bookings, classes, series, and the waiting line."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from models.booking_series import BookingSeries
from models.bookings import Booking
from models.class_sessions import ClassSession
from models.customers import Customer
from models.resources import Resource, ResourceClaim
from models.services import Service
from models.staff import StaffMember
from models.waitlist import WaitlistEntry
from tests.make.customers import somebody
from tests.make.rows import NOON, home_of, of_vendor, saved, slots
from tests.make.services import service as _service


def booking(
    session: Session,
    *,
    customer: Customer | None = None,
    service: Service | None = None,
    staff: StaffMember | None = None,
    **fields: Any,
) -> Booking:
    """A confirmed booking of an hour; each at another hour, unless `starts_at` says when."""
    home = home_of(of_vendor(dict(fields), customer, service, staff))
    customer = customer or somebody(session, home)
    service = service or _service(session, **home)
    starts_at = fields.pop("starts_at", None) or NOON + timedelta(hours=next(slots))
    ends_at = fields.pop("ends_at", None) or starts_at + timedelta(minutes=60)
    during: Range[datetime] = Range(starts_at, ends_at)
    values = {
        "public_ref": uuid4(),
        "kind": service.kind,
        "status": "confirmed",
        "price": service.price,
        "with_buffer_before": during,
        "with_buffer_after": during,
        "staff_id": staff.id if staff else None,
    } | of_vendor(fields, customer)
    row = Booking(
        customer_id=customer.id,
        service_id=service.id,
        starts_at=starts_at,
        ends_at=ends_at,
        **values,
    )
    return saved(session, row)


def class_session(
    session: Session,
    *,
    service: Service | None = None,
    staff: StaffMember | None = None,
    **fields: Any,
) -> ClassSession:
    """A class of an hour with six places; each at another hour, unless `starts_at` says when."""
    home = home_of(of_vendor(dict(fields), service, staff))
    service = service or _service(session, kind="class", capacity=6, **home)
    starts_at = fields.pop("starts_at", None) or NOON + timedelta(hours=next(slots))
    ends_at = fields.pop("ends_at", None) or starts_at + timedelta(minutes=60)
    during: Range[datetime] = Range(starts_at, ends_at)
    values = {
        "seats": service.capacity,
        "with_buffer_before": during,
        "with_buffer_after": during,
        "staff_id": staff.id if staff else None,
    } | of_vendor(fields, service)
    row = ClassSession(service_id=service.id, starts_at=starts_at, ends_at=ends_at, **values)
    return saved(session, row)


def claim(
    session: Session, *, resource: Resource, booking: Booking, **fields: Any
) -> ResourceClaim:
    values = {
        "unit": 1,
        "starts_at": booking.starts_at,
        "with_buffer_before": booking.with_buffer_before,
        "with_buffer_after": booking.with_buffer_after,
    } | of_vendor(fields, booking)
    values = {"booking_id": booking.id} | values
    return saved(session, ResourceClaim(resource_id=resource.id, **values))


def series(
    session: Session,
    *,
    customer: Customer | None = None,
    service: Service | None = None,
    **fields: Any,
) -> BookingSeries:
    home = home_of(of_vendor(dict(fields), customer, service))
    customer = customer or somebody(session, home)
    service = service or _service(session, **home)
    values = {
        "rhythm": "week",
        "occurrences": 4,
        "starts_on": date(2026, 11, 23),
        "starts": time(10),
    } | of_vendor(fields, customer)
    row = BookingSeries(customer_id=customer.id, service_id=service.id, **values)
    return saved(session, row)


def waitlist_entry(
    session: Session,
    *,
    customer: Customer | None = None,
    service: Service | None = None,
    **fields: Any,
) -> WaitlistEntry:
    """Somebody who waits for a service on any of the seven days after the noon of tests."""
    home = home_of(of_vendor(dict(fields), customer, service))
    customer = customer or somebody(session, home)
    service = service or _service(session, **home)
    values = {"earliest": NOON, "latest": NOON + timedelta(days=7)} | of_vendor(fields, customer)
    row = WaitlistEntry(customer_id=customer.id, service_id=service.id, **values)
    return saved(session, row)
