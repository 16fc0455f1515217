"""Classes on the calendar: planned for weeks, moved, called off with everybody in them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from app import clock, days
from app.database import refusals
from app.errors import REFUSALS, DomainError, NotFound
from app.operations import (
    announcing,
    booking_times,
    bookings,
    claims,
    freeing,
    outcomes,
    rhythms,
    schedules,
)
from app.operations.hours import Span
from app.operations.moves import locked
from app.operations.schedules import CannotBook
from app.operations.zones import instant, zone_of
from models.booking_series import Rhythm
from models.bookings import Booking, BookingStatus
from models.class_sessions import ClassSession, SessionStatus
from models.messages import MessageEvent
from models.resources import ResourceClaim
from models.services import Service, ServiceKind
from models.waitlist import WaitlistEntry, WaitStatus
from models.words import Channel

STANDING = (BookingStatus.PENDING, BookingStatus.CONFIRMED, BookingStatus.CHECKED_IN)
MOST_SEATS = 10_000
"""More is a slip of the finger."""


class NotAClass(DomainError):
    sentence = "This service is not a class: choose one that is given as a class."
    field = "service_id"


class NoSeats(DomainError):
    sentence = "A class has from 1 to 10,000 seats: say how many."
    field = "seats"


class TooFewSeats(DomainError):
    sentence = "{taken} seats are taken: keep at least as many, or move somebody first."
    field = "seats"


class ClassIsOver(DomainError):
    sentence = "This class has begun or is over: choose one that is still to come."
    field = "starts_at"


class CalledOff(DomainError):
    sentence = "This class was called off: choose another one."


class InThePast(DomainError):
    sentence = "A class is planned ahead: choose a time that is still to come."
    field = "starts_at"


class LastsTooLong(DomainError):
    sentence = (
        "A class lasts three days at most, with the time before and after it: make it shorter."
    )
    field = "ends_at"


class CannotPlan(DomainError):
    sentence = "Nothing was planned. On {when}: {why}"
    field = "starts_at"


REFUSALS |= {
    "ck_class_sessions_seats_is_positive": NoSeats,
    "ck_class_sessions_lasts_three_days_at_most": LastsTooLong,
}


def plan(
    session: Session,
    *,
    service_id: int,
    starts_at: datetime,
    staff_id: int | None = None,
    seats: int | None = None,
    weeks: int = 1,
    note: str | None = None,
) -> list[ClassSession]:
    """Plan a class, once or for so many weeks at the same local hour; all of them or none.

    `starts_at` without an offset is wall time where the vendor is. Without `seats` there are as
    many as the service has places. A week whose hour the clocks skip begins that much later.
    """
    service = _class_service(session, service_id)
    places = checked_seats(service.capacity if seats is None else seats)
    zone = zone_of(session, service.vendor_id)
    planned = []
    for begins in _weekly(starts_at, zone, weeks):
        one = ClassSession(
            vendor_id=service.vendor_id, service_id=service.id, seats=places, taken=0,
            status=SessionStatus.SCHEDULED, note=note or None,
        )  # fmt: skip
        with _of_week(zone, begins, weeks):
            planned.append(_settled(session, one, staff_id=staff_id, starts_at=begins))
    return planned


def move(
    session: Session,
    *,
    class_session_id: int,
    starts_at: datetime,
    ends_at: datetime | None = None,
    staff_id: int | None = None,
) -> ClassSession:
    """Move a class that is still to come, with everybody in it; they are told.

    Without `ends_at` it lasts as long as it did; without `staff_id` the same person leads it.
    """
    found = _with_everybody(session, class_session_id)
    zone = zone_of(session, found.vendor_id)
    starts = instant(starts_at, zone, field="starts_at")
    if ends_at is None:
        ends = starts + (found.ends_at - found.starts_at)
    else:
        ends = instant(ends_at, zone, field="ends_at")
    leads = found.staff_id if staff_id is None else staff_id
    given_up = found.staff_id, (found.starts_at, found.ends_at)
    found.sequence += 1
    _settled(session, found, staff_id=leads, starts_at=starts, ends_at=ends)
    for entry in waiting(session, found):
        entry.earliest, entry.latest = min(entry.earliest, clock.now()), found.starts_at
        entry.held_until = entry.held_until and min(entry.held_until, found.starts_at)
    for booking in standing(session, found):
        _follow(session, booking, found)
    session.flush()  # what is read next is at its new time
    _give_up(session, found, *given_up)
    return found


def set_seats(session: Session, *, class_session_id: int, seats: int) -> ClassSession:
    """Give a class more or fewer seats, at least as many as are taken; who waits hears of more."""
    found = _to_come(session, class_session_id)
    if checked_seats(seats) < found.taken:
        raise TooFewSeats(taken=found.taken)
    found.seats = seats
    session.flush()  # the verdict of the check
    freeing.seats(session, found)
    return found


def call_off(session: Session, *, class_session_id: int, reason: str | None = None) -> ClassSession:
    """Call a class off, with all its bookings, at no cost for anybody; nobody waits for it now."""
    found = _with_everybody(session, class_session_id)
    found.status = SessionStatus.CANCELLED  # first, so that nobody is offered its seats
    found.sequence += 1
    for entry in waiting(session, found):
        entry.status, entry.booking_id, entry.held_until = WaitStatus.EXPIRED, None, None
    for booking in standing(session, found):
        bookings.cancel(session, booking_id=booking.id, reason=reason or "The class was called off")
    session.flush()  # who leads it, and its room, are free from here on
    _give_up(session, found, found.staff_id, (found.starts_at, found.ends_at))
    return found


# --- behind the verbs ---------------------------------------------------------------------


def _class_service(session: Session, service_id: int) -> Service:
    service = session.get(Service, service_id)
    if service is None or not service.is_active:
        raise CannotBook(
            "This service is not offered any more: choose another.", field="service_id"
        )
    if service.kind != ServiceKind.CLASS:
        raise NotAClass
    return service


def checked_seats(seats: int) -> int:
    """So many seats, if a class can have them."""
    if not 1 <= seats <= MOST_SEATS:
        raise NoSeats
    return seats


def _weekly(starts_at: datetime, zone: str, weeks: int) -> list[datetime]:
    """The first beginning as it was asked for, the others at its local hour."""
    first = instant(starts_at, zone, field="starts_at")
    local = first.astimezone(ZoneInfo(zone))
    days = rhythms.days(local.date(), Rhythm.WEEK, weeks, field="weeks")
    hour = local.time()
    return [first, *(rhythms.local_start(day, hour, zone).starts_at for day in days[1:])]


def _settled(
    session: Session,
    found: ClassSession,
    *,
    staff_id: int | None,
    starts_at: datetime,
    ends_at: datetime | None = None,
) -> ClassSession:
    """The class at its time, with who leads it and its rooms; or the refusal of that time."""
    if starts_at <= clock.now():
        raise InThePast
    service = session.get_one(Service, found.service_id)
    outcomes.hold_staff(session, staff_id)
    claims.hold(session, vendor_id=service.vendor_id, service_id=service.id)
    fit = schedules.check(
        session, service_id=service.id, staff_id=staff_id, starts_at=starts_at, ends_at=ends_at,
        channel=Channel.PHONE, ignore_class_session_id=found.id,
    )  # fmt: skip
    span = starts_at, booking_times.lasting(starts_at, fit.minutes)
    session.execute(delete(ResourceClaim).where(*_claimed(found)))
    for name, value in (*booking_times.columns(service, span).items(), ("staff_id", staff_id)):
        setattr(found, name, value)
    session.add(found)
    session.flush()  # the id, and the verdict of the constraints
    _claim(session, found, fit.units)
    return found


def _give_up(session: Session, found: ClassSession, staff_id: int | None, span: Span) -> None:
    """The hour of who led the class is free for who waits for them."""
    if staff_id is not None:
        freeing.moved(session, found, starts_at=span[0], ends_at=span[1], staff_id=staff_id)


def _claimed(found: ClassSession) -> tuple[ColumnElement[bool], ...]:
    return (
        ResourceClaim.vendor_id == found.vendor_id,
        ResourceClaim.class_session_id == found.id,
    )


def _claim(session: Session, found: ClassSession, units: claims.Units) -> None:
    """Take the rooms and the equipment of a class."""
    times = {
        name: getattr(found, name)
        for name in ("vendor_id", "starts_at", "with_buffer_before", "with_buffer_after")
    }
    session.add_all(
        ResourceClaim(class_session_id=found.id, resource_id=resource_id, unit=unit, **times)
        for resource_id, chosen in units.items()
        for unit in chosen
    )
    session.flush()  # the verdict of the exclusion constraints


@contextmanager
def _of_week(zone: str, starts_at: datetime, weeks: int) -> Iterator[None]:
    """Of several weeks a refusal says which one it is about."""
    if weeks == 1:
        yield
        return
    try:
        with refusals():
            yield
    except DomainError as refusal:
        when = days.moment(starts_at, ZoneInfo(zone))
        raise CannotPlan(when=when, why=refusal, field=refusal.field) from refusal


def held(session: Session, class_session_id: int) -> ClassSession:
    """The class, held: from here on nobody takes or gives back a seat of it."""
    session.flush()  # what is read again below
    return locked(session, ClassSession, class_session_id)


def _to_come(session: Session, class_session_id: int) -> ClassSession:
    found = held(session, class_session_id)
    if found.status == SessionStatus.CANCELLED:
        raise CalledOff
    if found.starts_at <= clock.now() or found.status != SessionStatus.SCHEDULED:
        raise ClassIsOver
    return found


def hold(session: Session, *, class_session_id: int) -> ClassSession:
    """A class and all who have or want a seat, held in the order in which others hold them."""
    known = session.get(ClassSession, class_session_id)
    if known is None:
        raise NotFound
    waiting(session, known)
    standing(session, known)
    return held(session, class_session_id)


def _with_everybody(session: Session, class_session_id: int) -> ClassSession:
    """The class, still to come, and all who have or want a seat, held."""
    hold(session, class_session_id=class_session_id)
    return _to_come(session, class_session_id)


def standing(session: Session, found: ClassSession) -> Sequence[Booking]:
    """The bookings that have seats, as they are now, in the order of their ids."""
    query = (
        select(Booking)
        .where(Booking.vendor_id == found.vendor_id, Booking.class_session_id == found.id)
        .where(Booking.status.in_(STANDING))
        .order_by(Booking.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return session.scalars(query).all()


def _follow(session: Session, booking: Booking, found: ClassSession) -> None:
    """A booking goes where its class goes, and calendars and customers hear of it."""
    was = booking.starts_at
    for name in ("starts_at", "ends_at", "with_buffer_before", "with_buffer_after", "staff_id"):
        setattr(booking, name, getattr(found, name))
    booking.held_until = booking.held_until and min(booking.held_until, found.starts_at)
    booking.sequence += 1
    announcing.promise(session, booking, MessageEvent.BOOKING_MOVED, was=was)


def waiting(session: Session, found: ClassSession) -> Sequence[WaitlistEntry]:
    """Who waits for this class, or is offered a seat of it, held in the order of their ids."""
    query = (
        select(WaitlistEntry)
        .where(WaitlistEntry.vendor_id == found.vendor_id)
        .where(WaitlistEntry.class_session_id == found.id)
        .where(WaitlistEntry.status.in_((WaitStatus.WAITING, WaitStatus.OFFERED)))
        .order_by(WaitlistEntry.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return session.scalars(query).all()
