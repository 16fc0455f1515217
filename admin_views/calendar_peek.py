"""One booking, looked at without leaving the calendar: the facts, and what can be done with it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from admin_views.access import allowed
from admin_views.calendar_commands import seen_of
from admin_views.calendar_data import LOOKS
from admin_views.rendering import (
    clock_time,
    day,
    drawn,
    initials,
    look,
    minutes,
    money,
    phone,
    plural,
    span,
    speaking_in,
    word,
)
from admin_views.saving import zone_named
from app import clock
from app.errors import NotFound
from app.operations import policies
from app.operations.bookings import cancellation
from app.tenancy import current_actor
from models.bookings import BOOKING_TRANSITIONS, Booking, BookingStatus, CancelledBy
from models.class_sessions import ClassSession
from models.customers import Customer, called
from models.resources import Resource, ResourceClaim
from models.staff import StaffMember
from reports import calendar

MINUTE = timedelta(minutes=1)
STEPS = {
    BookingStatus.PENDING: ("confirm", "Confirm"),
    BookingStatus.CONFIRMED: ("check-in", "Check in"),
    BookingStatus.CHECKED_IN: ("complete", "Complete"),
    BookingStatus.NO_SHOW: ("reopen", "They came after all"),
}
"""What is most likely done next."""


def peek_of(session: Session, number: int) -> dict[str, Any]:
    """The dialog of a booking; `NotFound` when it is not the vendor's."""
    loads = (
        joinedload(Booking.customer), joinedload(Booking.service), joinedload(Booking.staff_member),
    )  # fmt: skip
    booking = session.get(Booking, number, options=loads)
    vendor_id = current_actor().vendor_id
    if booking is None or vendor_id is None or booking.vendor_id != vendor_id:
        raise NotFound
    zone = zone_named(calendar.zone_of(session, vendor_id=vendor_id))
    with speaking_in(zone):
        shown = facts(session, booking) | commands(session, booking)
        shown["starts"] = f"{booking.starts_at.astimezone(zone):%Y-%m-%dT%H:%M}"
        return {"html": drawn("panel/calendar_peek.html", shown)}


def facts(session: Session, booking: Booking) -> dict[str, Any]:
    """Who, what, when, with whom, for how much; and what to know beforehand."""
    customer = booking.customer
    reach = phone(customer.phone) if customer.phone else customer.email
    visits = plural(customer.visit_count, "visit") if customer.visit_count else "first visit"
    return {
        "id": booking.id, "name": called(customer), "initials": initials(called(customer)),
        "customer_url": f"/admin/customer/details/{customer.id}",
        "url": f"/admin/booking/details/{booking.id}",
        "sub": " · ".join(part for part in (visits, reach) if part),
        "look": look(booking.status, "booking"), "tint": LOOKS.get(booking.status, ""),
        "pairs": [
            ("Service", booking.service.name),
            ("When", times_of(booking), _buffer(booking)),
            ("With", _with(session, booking)),
            ("Price", money(booking.price), _money_beside(booking)),
            ("Booked", f"{word(booking.channel).lower()}, {day(booking.created_at)}"),
        ],
        "notes": _notes(booking, customer),
    }  # fmt: skip


def times_of(found: Booking | ClassSession) -> str:
    """20 Nov, 09:00–10:15; over midnight with both days."""
    begins, ends = clock_time(found.starts_at), clock_time(found.ends_at)
    times = span(begins, ends)
    if day(found.starts_at) != day(found.ends_at):
        times = f"{begins} – {day(found.ends_at)}, {ends}"
    return f"{day(found.starts_at)}, {times}"


def _buffer(booking: Booking) -> str:
    after: datetime | None = booking.with_buffer_after.upper
    spare = (after - booking.ends_at) // MINUTE if after else 0
    return f"+ {minutes(spare)} after" if spare > 0 else ""


def _with(session: Session, booking: Booking) -> str:
    rooms = rooms_of(session, booking, ResourceClaim.booking_id == booking.id)
    person = booking.staff_member.name if booking.staff_member else "nobody yet"
    return ", ".join([person, *rooms])


def rooms_of(
    session: Session, found: Booking | ClassSession, whose: ColumnElement[bool]
) -> list[str]:
    """The rooms and the equipment that it has, with the number of the unit where there are more."""
    claimed = (
        select(Resource.name, Resource.capacity, ResourceClaim.unit)
        .join(ResourceClaim, ResourceClaim.resource_id == Resource.id)
        .where(ResourceClaim.vendor_id == found.vendor_id, whose)
        .order_by(Resource.name, ResourceClaim.unit)
    )
    return [
        f"{row.name} {row.unit}" if row.capacity > 1 else row.name
        for row in session.execute(claimed)
    ]


def _money_beside(booking: Booking) -> str:
    said = []
    if booking.deposit:
        said.append(f"deposit {money(booking.deposit)}")
    if booking.fee:
        said.append(f"fee owed {money(booking.fee)}")
    return ", ".join(said)


def _notes(booking: Booking, customer: Customer) -> list[tuple[str, str]]:
    found = [("", booking.note), ("warn", customer.note)]
    if booking.overbooked:
        found.append(("warn", f"Booked over another: {booking.overbooked}"))
    if booking.fee_waived:
        found.append(("", f"Fee let go: {booking.fee_waived}"))
    return [(tone, text) for tone, text in found if text]


def commands(session: Session, booking: Booking) -> dict[str, Any]:
    """The buttons that fit how it stands, with what they cost before they are pressed."""
    if not allowed(current_actor().panel_role, "calendar", "move"):
        return {"step": None}
    status = BookingStatus(booking.status)
    ways = BOOKING_TRANSITIONS[status]
    begun = booking.starts_at <= clock.now()
    step = STEPS.get(status)
    may_move = status in (BookingStatus.PENDING, BookingStatus.CONFIRMED)
    no_show = BookingStatus.NO_SHOW in ways and begun
    found: dict[str, Any] = {
        "step": step,
        "also": [("complete", "Complete")] if _may_complete(status, begun) else [],
        "movable": may_move and booking.class_session_id is None,
        "seen": seen_of(booking),
        "no_show": policies.of_not_coming(booking.terms, price=booking.price) if no_show else None,
        "cancel": None,
    }
    if found["movable"]:
        found |= {
            "staff": people_here(session, booking.vendor_id),
            "staff_id": booking.staff_id or 0,
        }
    if BookingStatus.CANCELLED in ways:
        found["cancel"] = cancellation(session, booking_id=booking.id, by=CancelledBy.CUSTOMER)
    return found


def _may_complete(status: BookingStatus, begun: bool) -> bool:
    return begun and status in (BookingStatus.CONFIRMED, BookingStatus.NO_SHOW)


def people_here(session: Session, vendor_id: int) -> list[tuple[int, str]]:
    """Who works here, to be chosen; or nobody yet."""
    people = select(StaffMember.id, StaffMember.name).where(
        StaffMember.vendor_id == vendor_id, StaffMember.is_active
    )
    rows = session.execute(people.order_by(StaffMember.name)).all()
    return [(0, "Nobody yet"), *((row.id, row.name) for row in rows)]
