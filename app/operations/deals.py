"""What a booking agrees on: the time that fits, or is to overlap for a reason; seats in a class."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import REFUSALS, DomainError
from app.operations import booking_times, claims, schedules
from app.operations.claims import Units
from app.operations.diaries import Offer
from app.operations.hours import Wall
from app.operations.outcomes import hold_staff
from app.operations.schedules import CannotBook
from models.class_sessions import ClassSession, SessionStatus
from models.services import Service, ServiceKind, StaffService
from models.words import Channel


class ClassIsFull(DomainError):
    sentence = "This class is full: put the customer on the waitlist."
    field = "seats"


REFUSALS["ck_class_sessions_taken_fits_the_seats"] = ClassIsFull


@dataclass(frozen=True, slots=True)
class Deal:
    """What is agreed: the columns of time, the units to claim, and what all of it costs."""

    times: Mapping[str, Any]
    price: Decimal
    units: Units
    staff_id: int | None = None
    class_session_id: int | None = None


def of_time(
    session: Session,
    service: Service,
    wall: Wall,
    when: tuple[datetime, datetime | None],
    staff_id: int | None,
    channel: Channel,
    anyway: str | None,
    *,
    offer: Offer | None = None,
    needs: bool = True,
    moving: int | None = None,
) -> Deal:
    """A time that fits, or is to overlap for the reason `anyway`; nobody takes it meanwhile.

    With `offer` the member of staff is held and does it, else both are seen to here. Refuses as
    `schedules.check` does; what overlaps needs only somebody who can do it.
    """
    if offer is None:
        check_staff(session, staff_id, service.vendor_id)
    if anyway is not None:
        return _overlapping(session, service, wall, when, staff_id)
    if needs:
        claims.hold(session, vendor_id=service.vendor_id, service_id=service.id)
    starts, ends = when
    fit = schedules.fit(
        session, service=service, wall=wall, starts_at=starts, ends_at=ends, channel=channel,
        offer=offer or schedules.how(session, service, staff_id), ignore_booking_id=moving,
        needs=needs,
    )  # fmt: skip
    span = starts, ends or booking_times.lasting(starts, fit.minutes)
    return Deal(booking_times.columns(service, span), fit.price, fit.units, staff_id=staff_id)


def _overlapping(
    session: Session,
    service: Service,
    wall: Wall,
    when: tuple[datetime, datetime | None],
    staff_id: int | None,
) -> Deal:
    minutes, price = schedules.offer_of(session, service_id=service.id, staff_id=staff_id)
    starts, ends = when[0], when[1] or booking_times.lasting(when[0], minutes)
    if service.kind == ServiceKind.STAY:
        price *= booking_times.nights_of(wall, starts, ends)
    times = booking_times.columns(service, (starts, ends), blocks=False)
    return Deal(times, price, {}, staff_id=staff_id)


def of_class(
    session: Session,
    service: Service,
    wall: Wall,
    class_session_id: int | None,
    seats: int,
    channel: Channel,
    anyway: str | None,
) -> Deal:
    """Seats in a class: its time and person; whether they are left is the database's decision."""
    if class_session_id is None:
        raise CannotBook("A class has its own times: choose one of them.", field="starts_at")
    if anyway is not None:
        raise CannotBook("A class takes as many as it has seats: give it more.", field="anyway")
    # One after the other: whoever calls the class off is waited for.
    found = session.get(
        ClassSession, class_session_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if found is None or found.service_id != service.id:
        raise CannotBook("This class is not here: choose another.", field="class_session_id")
    if found.status != SessionStatus.SCHEDULED:
        raise CannotBook("This class does not take place: choose another.")
    schedules.check_reach(service, wall, found.starts_at, channel)
    times = {
        name: getattr(found, name)
        for name in ("starts_at", "ends_at", "with_buffer_before", "with_buffer_after")
    }
    price = _price_of_a_seat(session, service, found.staff_id) * seats
    return Deal(times, price, {}, staff_id=found.staff_id, class_session_id=found.id)


def _price_of_a_seat(session: Session, service: Service, staff_id: int | None) -> Decimal:
    """The price of whoever leads the class, even if they would not be chosen for it any more."""
    own = session.scalar(
        select(StaffService.price)
        .where(StaffService.vendor_id == service.vendor_id)
        .where(StaffService.service_id == service.id, StaffService.staff_id == staff_id)
    )
    return service.price if own is None else own


def check_staff(session: Session, staff_id: int | None, vendor_id: int) -> None:
    """Refuse who does not work there; nobody else books the others until this is over."""
    if staff_id is None:
        return
    # One after the other: of two that check the same slot at once the database kills one.
    staff = hold_staff(session, staff_id)
    if staff is None or staff.vendor_id != vendor_id or not staff.is_active:
        raise CannotBook(
            "This member of staff does not work here: choose another.", field="staff_id"
        )
