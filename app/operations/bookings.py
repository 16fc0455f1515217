"""Bookings: promised, kept, moved, called off. The exclusion constraints judge who has a slot."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError
from app.operations import interests
from app.operations.customers import still_here
from app.operations.moves import locked, move
from app.operations.prices import amount
from app.operations.schedules import CannotBook, EndsBeforeStart
from app.operations.zones import instant
from models.bookings import BOOKING_TRANSITIONS, Booking, BookingStatus
from models.customers import Customer
from models.services import Service
from models.staff import StaffMember
from models.vendors import Vendor
from models.words import Channel, InterestKind


class NotYet(DomainError):
    sentence = "This booking begins only on {when}: wait until then, or cancel it."


def book(
    session: Session,
    *,
    customer_id: int,
    service_id: int,
    starts_at: datetime,
    ends_at: datetime | None = None,
    staff_id: int | None = None,
    channel: Channel = Channel.WALK_IN,
    price: Decimal | None = None,
    note: str | None = None,
) -> Booking:
    """Promise a slot; whether it is free is the database's decision, so two clicks cannot both win.

    Times without an offset are wall time where the vendor is. Without `ends_at` the service's
    minutes pass; without `price` the service's price is frozen. Refuses with `SlotTaken`.
    """
    customer = _customer(session, customer_id)
    service = _service(session, service_id, customer.vendor_id)
    _check_staff(session, staff_id, customer.vendor_id)
    zone = _zone(session, customer.vendor_id)
    booking = Booking(
        vendor_id=customer.vendor_id,
        public_ref=uuid4(),
        customer_id=customer_id,
        service_id=service_id,
        staff_id=staff_id,
        kind=service.kind,
        channel=Channel(channel),
        status=BookingStatus.PENDING,
        price=amount(service.price if price is None else price, field="price"),
        note=note or None,
        **_times(service, zone, starts_at, ends_at),
    )
    session.add(booking)
    session.flush()  # the id, and the verdict of the exclusion constraints
    return booking


def reschedule(
    session: Session,
    *,
    booking_id: int,
    starts_at: datetime,
    ends_at: datetime | None = None,
    staff_id: int | None = None,
) -> Booking:
    """Move a booking that still stands to another time and to `staff_id` (None: nobody yet).

    Without `ends_at` it stays as long as it was.
    """
    booking = locked(session, Booking, booking_id)
    if booking.status not in (BookingStatus.PENDING, BookingStatus.CONFIRMED):
        raise CannotBook("Only a booking that is still to come can be moved: book a new one.")
    _check_staff(session, staff_id, booking.vendor_id)
    zone = _zone(session, booking.vendor_id)
    length = booking.ends_at - booking.starts_at
    starts = instant(starts_at, zone, field="starts_at")
    times = _times(booking.service, zone, starts, ends_at or starts + length)
    for name, value in (*times.items(), ("staff_id", staff_id)):
        setattr(booking, name, value)
    session.flush()  # the verdict of the exclusion constraints
    return booking


def confirm(session: Session, *, booking_id: int) -> Booking:
    """Say yes to a booking that was only asked for."""
    return _moved(session, booking_id, BookingStatus.CONFIRMED, only_from=BookingStatus.PENDING)


def check_in(session: Session, *, booking_id: int) -> Booking:
    """The customer is here."""
    booking = _moved(session, booking_id, BookingStatus.CHECKED_IN)
    booking.checked_in_at = clock.now()
    return booking


def complete(session: Session, *, booking_id: int) -> Booking:
    """The service was given: from now on it is a visit, and what the customer is interested in.

    A no-show that came after all is corrected this way too.
    """
    booking = locked(session, Booking, booking_id)
    was_no_show = booking.status == BookingStatus.NO_SHOW
    booking.status = move(
        "booking", BOOKING_TRANSITIONS, BookingStatus(booking.status), BookingStatus.COMPLETED
    )
    booking.completed_at = clock.now()
    _record_visit(session, booking, was_no_show=was_no_show)
    return booking


def cancel(session: Session, *, booking_id: int, reason: str | None = None) -> Booking:
    """Call a booking off; the slot is free again."""
    booking = _moved(session, booking_id, BookingStatus.CANCELLED)
    booking.cancelled_at = clock.now()
    booking.cancel_reason = reason or None
    return booking


def mark_no_show(session: Session, *, booking_id: int) -> Booking:
    """The customer did not come; refused before the booking begins."""
    booking = _moved(session, booking_id, BookingStatus.NO_SHOW)
    if booking.starts_at > clock.now():  # what was moved is rolled back with the refusal
        zone = ZoneInfo(_zone(session, booking.vendor_id))
        raise NotYet(when=f"{booking.starts_at.astimezone(zone):%d %B at %H:%M}")
    interests.hold(session, booking.customer_id)
    interests.count(session, customer_id=booking.customer_id, no_shows=1)
    return booking


def reopen(session: Session, *, booking_id: int) -> Booking:
    """Take a no-show back: the booking stands again, if its slot is still free."""
    booking = _moved(session, booking_id, BookingStatus.CONFIRMED, only_from=BookingStatus.NO_SHOW)
    interests.hold(session, booking.customer_id)
    interests.count(session, customer_id=booking.customer_id, no_shows=-1)
    return booking


# --- behind the verbs ---------------------------------------------------------------------


def _moved(
    session: Session,
    booking_id: int,
    to: BookingStatus,
    *,
    only_from: BookingStatus | None = None,
) -> Booking:
    booking = locked(session, Booking, booking_id)
    was = BookingStatus(booking.status)
    ways = BOOKING_TRANSITIONS
    if only_from is not None:
        ways = {**{status: frozenset() for status in BookingStatus}, only_from: frozenset({to})}
    booking.status = move("booking", ways, was, to)
    session.flush()  # a booking that stands again asks the exclusion constraints
    return booking


def _record_visit(session: Session, booking: Booking, *, was_no_show: bool) -> None:
    service = session.get_one(Service, booking.service_id, with_for_update={"read": True})
    visit_at = min(booking.starts_at, booking.completed_at or booking.starts_at)
    interests.hold(session, booking.customer_id)
    interests.record(
        session,
        customer_id=booking.customer_id,
        kind=InterestKind(service.kind),
        item_id=service.id,
        category_id=service.category_id,
        times=1,
        spent=booking.price,
        at=visit_at,
    )
    interests.count(
        session,
        customer_id=booking.customer_id,
        visits=1,
        no_shows=-1 if was_no_show else 0,
        services=booking.price,
        visit_at=visit_at,
    )


def _times(
    service: Service, zone: str, starts_at: datetime, ends_at: datetime | None
) -> dict[str, Any]:
    """The four columns of time; a duration is elapsed minutes, whatever the clocks do meanwhile."""
    starts = instant(starts_at, zone, field="starts_at")
    if ends_at is None:
        ends = starts + timedelta(minutes=service.duration_minutes)
    else:
        ends = instant(ends_at, zone, field="ends_at")
    if ends <= starts:
        raise EndsBeforeStart
    before = timedelta(minutes=service.buffer_before_minutes)
    after = timedelta(minutes=service.buffer_after_minutes)
    return {
        "starts_at": starts,
        "ends_at": ends,
        "with_buffer_before": Range(starts - before, ends),
        "with_buffer_after": Range(starts, ends + after),
    }


def _customer(session: Session, customer_id: int) -> Customer:
    customer = still_here(session, customer_id)
    if customer is None:
        raise CannotBook("This customer is not here any more: choose one.", field="customer_id")
    return customer


def _service(session: Session, service_id: int, vendor_id: int) -> Service:
    service = session.get(Service, service_id)
    if service is None or service.vendor_id != vendor_id or not service.is_active:
        raise CannotBook(
            "This service is not offered any more: choose another.", field="service_id"
        )
    return service


def _check_staff(session: Session, staff_id: int | None, vendor_id: int) -> None:
    if staff_id is None:
        return
    # One after the other: of two that check the same slot at once the database kills one.
    staff = session.get(StaffMember, staff_id, with_for_update={"key_share": True})
    if staff is None or staff.vendor_id != vendor_id or not staff.is_active:
        raise CannotBook(
            "This member of staff does not work here: choose another.", field="staff_id"
        )


def _zone(session: Session, vendor_id: int) -> str:
    return session.scalars(select(Vendor.time_zone).where(Vendor.id == vendor_id)).one()
