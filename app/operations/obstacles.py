"""What is in the way of time off: bookings and classes, each with what is proposed for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app import clock
from app.errors import DomainError
from app.operations import detours
from app.operations.decisions import Do
from app.operations.detours import Detour
from app.operations.hours import Span
from app.operations.schedules import Slot, TooLong
from app.operations.zones import instant
from app.tenancy import current_actor
from models.bookings import Booking, BookingStatus
from models.class_sessions import ClassSession, SessionStatus
from models.staff import StaffMember
from models.vendors import Vendor

MOST = 500
"""More bookings than this are decided about in parts."""

LONGEST = timedelta(days=366)
TO_COME = (BookingStatus.PENDING, BookingStatus.CONFIRMED)


class EndsBeforeItBegins(DomainError):
    sentence = "The time off ends before it begins: choose a later end."
    field = "ends_at"


class TooMany(DomainError):
    sentence = "More than {most} bookings are in this time: take it off in shorter parts."


class NotHere(DomainError):
    sentence = "This member of staff does not work here: choose another."
    field = "staff_id"


@dataclass(frozen=True, slots=True)
class Affected:
    """A booking or a class in the way, and what is proposed for it.

    `others` can take over at the same time, `same_person` and `anybody` are the next free times;
    who cannot be moved (an offer that is not answered yet) can be kept or called off only.
    """

    booking: Booking | None
    class_session: ClassSession | None
    starts_at: datetime
    ends_at: datetime
    title: str
    who: str
    staff_id: int | None
    detour: Detour
    choices: tuple[Do, ...]

    @property
    def others(self) -> Sequence[tuple[int, str]]:
        """Ids and names of those who can take over at the same time."""
        return self.detour.others

    @property
    def same_person(self) -> Slot | None:
        """The next time that the same person has, if there is one within four weeks."""
        return self.detour.same_person

    @property
    def anybody(self) -> Slot | None:
        """The next time that anybody has, if there is one within four weeks."""
        return self.detour.anybody


@dataclass(frozen=True, slots=True)
class Plan:
    """What taking this time off would do; `seen` proves that the decisions are about this."""

    staff_id: int | None
    starts_at: datetime
    ends_at: datetime
    bookings: Sequence[Affected]
    classes: Sequence[Affected]
    seen: str


def preview(
    session: Session, *, staff_id: int | None, starts_at: datetime, ends_at: datetime
) -> Plan:
    """What is in the way of time off (of the whole vendor without `staff_id`); changes nothing.

    Times without an offset are the vendor's wall time. Bookings and classes that are still to
    come are in the way; proposals are as of now, and as if this time were off.
    """
    vendor = vendor_of(session, staff_id)
    span = span_of(vendor, starts_at, ends_at)
    found, classes = in_the_way(session, vendor, staff_id, span)
    detours_of = detours.find(
        session, vendor_id=vendor.id, staff_id=staff_id, span=span, bookings=found, classes=classes
    )
    return Plan(
        staff_id, *span,
        bookings=[_affected(one, detours_of[Booking, one.id]) for one in found],
        classes=[_affected_class(one, detours_of[ClassSession, one.id]) for one in classes],
        seen=seen_of(staff_id, span, found, classes),
    )  # fmt: skip


def vendor_of(session: Session, staff_id: int | None) -> Vendor:
    """The vendor of a member of staff, or the one acting."""
    if staff_id is None:
        vendor_id = current_actor().vendor_id
    else:
        vendor_id = session.scalar(
            select(StaffMember.vendor_id).where(StaffMember.id == staff_id, StaffMember.is_active)
        )
    if vendor_id is None:
        raise NotHere
    return session.get_one(Vendor, vendor_id)


def span_of(vendor: Vendor, starts_at: datetime, ends_at: datetime) -> Span:
    """The time that is taken off, as instants; refuses one that ends too early or too late."""
    starts = instant(starts_at, vendor.time_zone, field="starts_at")
    ends = instant(ends_at, vendor.time_zone, field="ends_at")
    if ends <= starts:
        raise EndsBeforeItBegins
    if ends - starts > LONGEST:
        raise TooLong
    return starts, ends


def in_the_way(
    session: Session, vendor: Vendor, staff_id: int | None, span: Span, *, held: bool = False
) -> tuple[list[Booking], list[ClassSession]]:
    """What is still to come and has time in the span, in order of ids when it is held."""
    begin, end = max(span[0], clock.now()), span[1]
    found = (
        select(Booking)
        .where(
            Booking.vendor_id == vendor.id,
            Booking.starts_at < end,
            Booking.starts_at > max(span[0] - LONGEST, clock.now()),
            Booking.ends_at > begin,
            Booking.status.in_(TO_COME),
            Booking.class_session_id.is_(None),
        )
        .options(joinedload(Booking.customer), joinedload(Booking.service))
        .order_by(Booking.id if held else Booking.starts_at, Booking.id)
        .limit(MOST + 1)
    )
    classes = (
        select(ClassSession)
        .where(
            ClassSession.vendor_id == vendor.id,
            ClassSession.starts_at < end,
            ClassSession.starts_at > max(span[0] - timedelta(days=3), clock.now()),
            ClassSession.ends_at > begin,
            ClassSession.status == SessionStatus.SCHEDULED,
        )
        .options(joinedload(ClassSession.service))
        .order_by(ClassSession.starts_at, ClassSession.id)
        .limit(MOST + 1)
    )
    if staff_id is not None:
        found = found.where(Booking.staff_id == staff_id)
        classes = classes.where(ClassSession.staff_id == staff_id)
    if held:
        found = found.with_for_update(of=Booking)
    fresh = {"populate_existing": True}
    rows = list(session.scalars(found.execution_options(**fresh)).unique())
    sessions = list(session.scalars(classes.execution_options(**fresh)).unique())
    if len(rows) + len(sessions) > MOST:
        raise TooMany(most=MOST)
    return sorted(rows, key=lambda one: (one.starts_at, one.id)), sessions


def seen_of(
    staff_id: int | None, span: Span, found: Sequence[Booking], classes: Sequence[ClassSession]
) -> str:
    """What the plan is about, in few letters: it changes with every booking in it."""
    facts = [
        (staff_id, span),
        [(b.id, b.sequence, b.status, b.staff_id, b.starts_at, b.ends_at) for b in found],
        [(c.id, c.staff_id, c.starts_at, c.ends_at) for c in classes],
    ]
    return sha256(repr(facts).encode()).hexdigest()[:32]


def hold(session: Session, vendor_id: int, staff_id: int | None) -> None:
    """Nobody else books these people until this is over; of all, in the order of ids."""
    query = select(StaffMember.id).where(StaffMember.vendor_id == vendor_id)
    if staff_id is not None:
        query = query.where(StaffMember.id == staff_id)
    session.execute(query.order_by(StaffMember.id).with_for_update(key_share=True))


# --- behind the verbs ---------------------------------------------------------------------


def _affected(booking: Booking, detour: Detour) -> Affected:
    if booking.held_until is not None:
        choices: tuple[Do, ...] = (Do.KEEP, Do.CANCEL)
    else:
        staff = (Do.STAFF,) if detour.others else ()
        move = (Do.MOVE,) if detour.same_person or detour.anybody else ()
        choices = (Do.KEEP, *staff, *move, Do.WAIT, Do.CANCEL)
    return Affected(
        booking, None, booking.starts_at, booking.ends_at, str(booking.service),
        str(booking.customer), booking.staff_id, detour, choices,
    )  # fmt: skip


def _affected_class(found: ClassSession, detour: Detour) -> Affected:
    staff = (Do.STAFF,) if detour.others else ()
    return Affected(
        None, found, found.starts_at, found.ends_at, str(found.service),
        f"{found.taken} of {found.seats} seats taken", found.staff_id, detour,
        (Do.KEEP, *staff, Do.CANCEL),
    )  # fmt: skip
