"""Walk-ins: somebody stands there, is found or taken in, booked from now on, and checked in."""

from typing import NoReturn

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import clock
from app.contact import fold, normal_phone
from app.errors import DomainError
from app.operations import bookings, customers, diaries, schedules
from app.operations.schedules import CannotBook, SlotTaken
from models.bookings import Booking, BookingStatus
from models.customers import Customer
from models.services import Service, ServiceKind
from models.staff import StaffMember
from models.vendors import Counter, Vendor
from models.words import Channel

SERIES = "walk_ins"


class WhichOne(DomainError):
    sentence = "Several customers have this {what}: choose one of them from the list."


def begin(
    session: Session,
    *,
    service_id: int,
    staff_id: int | None = None,
    customer_id: int | None = None,
    name: str | None = None,
    phone: str | None = None,
    anyway: str | None = None,
    nights: int | None = None,
    use: bool = False,
) -> Booking:
    """Book somebody who stands there, from this minute on, and check them in.

    They are known by id, by phone or by name, else taken in with what they say; who says nothing
    becomes a numbered walk-in. Without `staff_id` whoever is free does it. `anyway`, `nights`
    and `use` as in `bookings.book`, whose refusals these are.
    """
    service = session.get(Service, service_id)
    if service is None:
        raise CannotBook(
            "This service is not offered any more: choose another.", field="service_id"
        )
    if customer_id is None:
        customer_id = welcome(session, vendor_id=service.vendor_id, name=name, phone=phone)
    now = clock.now().replace(second=0, microsecond=0)
    if staff_id is None:
        staff_id = _whoever_is_free(session, service)
    booking = bookings.book(
        session,
        customer_id=customer_id,
        service_id=service_id,
        starts_at=now,
        staff_id=staff_id,
        channel=Channel.WALK_IN,
        status=BookingStatus.CONFIRMED,
        anyway=anyway,
        nights=nights,
        use=use,
    )
    return bookings.check_in(session, booking_id=booking.id)


# --- who it is ----------------------------------------------------------------------------


def welcome(
    session: Session, *, vendor_id: int, name: str | None = None, phone: str | None = None
) -> int:
    """The id of whoever says this name or number: known, else taken in; without both a number.

    Refuses with `WhichOne` when several are called so.
    """
    said = customers.clean(name, "name", longest=customers.LONGEST["full_name"])
    number = _number(session, vendor_id, phone)
    known = _with_phone(session, vendor_id, number, said) if number else None
    if known is None and said and not number:
        known = _called(session, vendor_id, said)
    if known is not None:
        if said and not (known.full_name or known.company):
            customers.change(session, customer_id=known.id, full_name=said)
        return known.id
    called = said or (None if number else _next_name(session, vendor_id))
    return customers.register(
        session, vendor_id=vendor_id, full_name=called, phone=number, channel=Channel.WALK_IN
    ).id


def _number(session: Session, vendor_id: int, phone: str | None) -> str | None:
    said = customers.clean(phone, "phone")
    if said is None:
        return None
    number = normal_phone(said, session.get_one(Vendor, vendor_id).country)
    if number is None:
        raise customers.CannotRead(
            "This is no phone number: write it with its area code, or with + and the code of"
            " its country.", field="phone",
        )  # fmt: skip
    return number


def _with_phone(session: Session, vendor_id: int, number: str, name: str | None) -> Customer | None:
    """Who has the number; of a family that shares one, who is called so.

    A file without a name is theirs, whatever they are called. Another name is somebody new.
    """
    found = _files(session, vendor_id, or_(Customer.phone == number, Customer.phone_2 == number))
    if name is not None:
        namesakes = [file for file in found if fold(file.full_name or "") == fold(name)]
        found = namesakes or [file for file in found if not file.full_name and not file.company]
    return _only(found, "phone number", "phone")


def _called(session: Session, vendor_id: int, name: str) -> Customer | None:
    """Who is called exactly so, whatever the case and the accents."""
    found = _files(session, vendor_id, Customer.sort_name == fold(name)[:200])
    return _only([f for f in found if fold(f.full_name or "") == fold(name)], "name", "name")


def _files(session: Session, vendor_id: int, condition: ColumnElement[bool]) -> list[Customer]:
    query = select(Customer).where(
        Customer.vendor_id == vendor_id, Customer.archived_at.is_(None), condition
    )
    return list(session.scalars(query.order_by(Customer.id).limit(20)))


def _only(found: list[Customer], what: str, field: str) -> Customer | None:
    if len(found) > 1:
        raise WhichOne(field=field, what=what)
    return found[0] if found else None


def _next_name(session: Session, vendor_id: int) -> str:
    """Walk-in 0118: drawn from the vendor's counter, locked until this transaction ends."""
    first = insert(Counter).values(vendor_id=vendor_id, series=SERIES, value=1)
    drawn = first.on_conflict_do_update(
        index_elements=["vendor_id", "series"], set_={"value": Counter.value + 1}
    ).returning(Counter.value)
    return f"Walk-in {session.scalars(drawn).one():04d}"


# --- who does it --------------------------------------------------------------------------


def _whoever_is_free(session: Session, service: Service) -> int | None:
    """The first who can do it and is free now; nobody where nobody is needed, or works there."""
    able, _ = diaries.offers_of(session, service)
    if service.kind in (ServiceKind.STAY, ServiceKind.CLASS) or not able:
        return None
    # All of them at once and in one order: two who come at the same moment get different people.
    people = select(StaffMember.id).where(StaffMember.id.in_(able)).order_by(StaffMember.id)
    session.execute(people.with_for_update(key_share=True))
    now = clock.now().replace(second=0, microsecond=0)
    free = schedules.free_staff(session, service_id=service.id, starts_at=now)
    return free[0] if free else _nobody(session, service)


def _nobody(session: Session, service: Service) -> NoReturn:
    """Say why: the vendor is closed, the room is taken; else everybody is busy."""
    schedules.check(
        session, service_id=service.id, staff_id=None, starts_at=clock.now(),
        channel=Channel.WALK_IN,
    )  # fmt: skip
    raise SlotTaken("Nobody is free for this now: choose another time.", field="staff_id")
