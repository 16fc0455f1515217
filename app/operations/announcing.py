"""Announcements: what customers are to hear of their bookings, in words, where the vendor is."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock, days
from app.contact import display_phone
from app.operations.outbox import enqueue
from models.bookings import Booking, BookingStatus
from models.customers import Customer
from models.resources import Resource, ResourceClaim, ResourceKind
from models.vendors import Vendor

TASK, FORGET_TASK = "tasks.bookings.announce", "tasks.bookings.forget"


class Announcement(NamedTuple):
    """Words for a customer, and for which."""

    customer_id: int
    text: str


class Event(StrEnum):
    CONFIRMED = "confirmed"
    MOVED = "moved"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    OFFER = "offer"


_TITLES = {
    Event.CONFIRMED: "Your booking is confirmed.",
    Event.MOVED: "Your booking was moved.",
    Event.CANCELLED: "Your booking was cancelled.",
    Event.COMPLETED: "Thank you for coming.",
    Event.OFFER: "A place has become free for you.",
}

_TRUE_OF = {
    Event.CONFIRMED: {BookingStatus.CONFIRMED},
    Event.MOVED: {BookingStatus.PENDING, BookingStatus.CONFIRMED},
    Event.CANCELLED: {BookingStatus.CANCELLED},
    Event.COMPLETED: {BookingStatus.COMPLETED},
    Event.OFFER: {BookingStatus.PENDING},
}


def promise(
    session: Session, booking: Booking, event: Event, *, was: datetime | None = None
) -> None:
    """Let the customer hear of it once this transaction is through; `was` is the time before."""
    more: dict[str, Any] = {} if was is None else {"was": was.isoformat()}
    enqueue(
        session, TASK, vendor_id=booking.vendor_id, booking_id=booking.id, event=event.value, **more
    )


def forget(session: Session, *, vendor_id: int, customer_ids: Sequence[int]) -> None:
    """Let what was announced to these customers go once this transaction is through."""
    enqueue(session, FORGET_TASK, vendor_id=vendor_id, customer_ids=list(customer_ids))


def compose(
    session: Session, *, booking_id: int, event: str, was: str | None = None, currency: str
) -> Announcement | None:
    """The announcement in plain English and the vendor's time; None when it is not true any more.

    It needs neither an e-mail address nor a phone number: without them the desk says it.
    """
    booking = session.get(Booking, booking_id)
    happened = Event(event)
    if booking is None or not _still_true(booking, happened):
        return None
    vendor = session.get_one(Vendor, booking.vendor_id)
    zone = ZoneInfo(vendor.time_zone)
    when = days.span(booking.starts_at, booking.ends_at, zone, year=True)
    lines = [
        ("For", booking.customer.name),
        ("What", _what(booking)),
        ("When", f"{when} ({vendor.time_zone})"),
        ("Before", days.moment(datetime.fromisoformat(was), zone, year=True) if was else None),
        ("Where", ", ".join(filter(None, (vendor.name, vendor.city)))),
        ("Room", _rooms(session, booking)),
        *_dues(booking, happened, currency),
        ("Why", booking.cancel_reason if happened is Event.CANCELLED else None),
        ("Answer", _until(booking, zone) if happened is Event.OFFER else None),
    ]
    told = "\n".join(f"{name + ':':<9}{_line(value)}" for name, value in lines if value)
    words = f"{_TITLES[happened]}\n\n{told}\n\n{_line(_reach(booking.customer))}\n"
    return Announcement(booking.customer_id, words)


def _still_true(booking: Booking, event: Event) -> bool:
    held = booking.held_until is not None and booking.held_until > clock.now()
    return booking.status in _TRUE_OF[event] and (held or event is not Event.OFFER)


def _what(booking: Booking) -> str:
    places = f", {booking.seats} places" if booking.seats > 1 else ""
    with_whom = f", with {booking.staff_member.name}" if booking.staff_member else ""
    return f"{booking.service.name}{places}{with_whom}"


def _rooms(session: Session, booking: Booking) -> str:
    """The rooms held for it; where there are several of a kind, with the number."""
    query = (
        select(Resource.name, Resource.capacity, ResourceClaim.unit)
        .join(Resource, Resource.id == ResourceClaim.resource_id)
        .where(ResourceClaim.vendor_id == booking.vendor_id)
        .where(ResourceClaim.booking_id == booking.id, ResourceClaim.held)
        .where(Resource.kind == ResourceKind.ROOM)
        .order_by(Resource.name, ResourceClaim.unit)
    )
    return ", ".join(
        f"{name} {unit}" if capacity > 1 else name
        for name, capacity, unit in session.execute(query)
    )


def _dues(booking: Booking, event: Event, currency: str) -> list[tuple[str, str | None]]:
    def money(value: Decimal) -> str | None:
        return f"{value:,.2f} {currency}" if value else None

    if event is Event.CANCELLED:
        return [("Fee", money(booking.fee))]
    return [("Price", money(booking.price)), ("Deposit", money(booking.deposit))]


def _until(booking: Booking, zone: tzinfo) -> str | None:
    if booking.held_until is None:
        return None
    return f"until {days.moment(booking.held_until, zone, year=True)}; then the next one is asked"


def _reach(customer: Customer) -> str:
    """How the customer can be told."""
    phones = [display_phone(p) for p in (customer.phone, customer.phone_2) if p]
    ways = [*phones, *([customer.email] if customer.email else [])]
    if not ways:
        return "To be told in person: no phone number or e-mail address is known."
    return f"To be told by {' or '.join(ways)}."


def _line(words: str) -> str:
    """One line, whatever somebody put into a name."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())
