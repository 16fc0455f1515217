"""Time off: who is away, what is in its way, and what becomes of that; nothing before a yes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app import clock, days
from app.database import refusals
from app.errors import DomainError, NotFound
from app.operations import bookings, class_sessions, detours, outcomes, waitlist
from app.operations.customers import clean
from app.operations.decisions import Choice, Do, NotAChoice
from app.operations.detours import Detour
from app.operations.hours import Span
from app.operations.moves import locked
from app.operations.schedules import Slot, TooLong
from app.operations.waitlist import AlreadyWaiting
from app.operations.zones import instant
from app.tenancy import current_actor
from models.bookings import Booking, BookingStatus
from models.class_sessions import ClassSession, SessionStatus
from models.schedules import TimeOff, TimeOffKind
from models.staff import StaffMember
from models.vendors import Vendor
from models.waitlist import WaitlistEntry, WaitStatus
from models.words import Channel

MOST = 500
"""More bookings than this are decided about in parts."""

LONGEST = timedelta(days=366)
WAITS_FOR = timedelta(days=28)
"""How long after the time off somebody is kept on the waitlist."""

TO_COME = (BookingStatus.PENDING, BookingStatus.CONFIRMED)


class BookingsChanged(DomainError):
    sentence = "The bookings in this time have changed meanwhile: look at them again, and decide."


class Undecided(DomainError):
    sentence = "Say what becomes of every booking: {count} are still open."


class EndsBeforeItBegins(DomainError):
    sentence = "The time off ends before it begins: choose a later end."
    field = "ends_at"


class TooMany(DomainError):
    sentence = "More than {most} bookings are in this time: take it off in shorter parts."


class NotHere(DomainError):
    sentence = "This member of staff does not work here: choose another."
    field = "staff_id"


class NotPossible(DomainError):
    sentence = "The booking of {customer} on {when} cannot be changed: {why}"


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


class Left(NamedTuple):
    """A booking that stays as it is when time off is given back, and why."""

    booking_id: int
    why: str


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What giving time off back has done: the bookings that are as before, and the others."""

    back: Sequence[int]
    left: Sequence[Left]


def preview(
    session: Session, *, staff_id: int | None, starts_at: datetime, ends_at: datetime
) -> Plan:
    """What is in the way of time off (of the whole vendor without `staff_id`); changes nothing.

    Times without an offset are the vendor's wall time. Bookings and classes that are still to
    come are in the way; proposals are as of now, and as if this time were off.
    """
    vendor = _vendor(session, staff_id)
    span = _span(vendor, starts_at, ends_at)
    found, classes = _in_the_way(session, vendor, staff_id, span)
    detours_of = detours.find(
        session, vendor_id=vendor.id, staff_id=staff_id, span=span, bookings=found, classes=classes
    )
    return Plan(
        staff_id, *span,
        bookings=[_affected(one, detours_of[Booking, one.id]) for one in found],
        classes=[_affected_class(one, detours_of[ClassSession, one.id]) for one in classes],
        seen=_seen(staff_id, span, found, classes),
    )  # fmt: skip


def take(
    session: Session,
    *,
    staff_id: int | None,
    starts_at: datetime,
    ends_at: datetime,
    decisions: Mapping[int, Choice],
    seen: str,
    class_decisions: Mapping[int, Choice] | None = None,
    reason: str | None = None,
) -> TimeOff:
    """Take time off, and do with what is in its way what was decided: all of it or nothing.

    `decisions` by booking and `class_decisions` by class, for each of the plan that `seen` is of.
    Refuses with `BookingsChanged` when it is not so any more, with `Undecided` when one is
    missing, and with `NotPossible` naming the booking for which a choice is not possible.
    """
    vendor = _vendor(session, staff_id)
    span = _span(vendor, starts_at, ends_at)
    _hold(session, vendor.id, staff_id)
    found, classes = _in_the_way(session, vendor, staff_id, span, held=True)
    if _seen(staff_id, span, found, classes) != seen:
        raise BookingsChanged
    chosen = _chosen(found, decisions)
    chosen_classes = _chosen(classes, class_decisions or {})
    off = TimeOff(
        vendor_id=vendor.id, staff_id=staff_id, kind=TimeOffKind.OFF, starts_at=span[0],
        ends_at=span[1], reason=clean(reason, "reason", longest=outcomes.LONGEST_REASON),
    )  # fmt: skip
    session.add(off)
    session.flush()  # from here on nobody is booked in this time
    changes = []
    for one, choice in sorted(chosen, key=_gives_way_first):
        with _about(vendor, one.customer.full_name, one.starts_at):
            changes.append(_done(session, one, choice, off))
    for session_, choice in chosen_classes:
        with _about(vendor, "the class", session_.starts_at):
            _done_with_class(session, session_, choice, off)
    off.changes = [change for change in changes if change] or None
    session.flush()  # the row is complete for whoever reads it next
    return off


def give_back(session: Session, *, time_off_id: int) -> GivenBack:
    """Undo time off: the time is free again, and its bookings are as before where that can be.

    Moved ones return to their time and person if they were not changed since; what was called
    off is booked anew at its old price and terms. Classes stay called off. What cannot return
    is left, with the reason.
    """
    off = locked(session, TimeOff, time_off_id)
    changes, vendor_id = off.changes or [], off.vendor_id
    _hold(session, vendor_id, off.staff_id)
    session.delete(off)
    session.flush()  # the time can be booked again
    back: list[int] = []
    left: list[Left] = []
    for change in changes:
        try:
            with refusals(), session.begin_nested():
                back.append(_returned(session, change))
        except DomainError as refusal:
            left.append(Left(change["booking_id"], str(refusal)))
    return GivenBack(back, left)


# --- what is in the way -------------------------------------------------------------------


def _vendor(session: Session, staff_id: int | None) -> Vendor:
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


def _span(vendor: Vendor, starts_at: datetime, ends_at: datetime) -> Span:
    starts = instant(starts_at, vendor.time_zone, field="starts_at")
    ends = instant(ends_at, vendor.time_zone, field="ends_at")
    if ends <= starts:
        raise EndsBeforeItBegins
    if ends - starts > LONGEST:
        raise TooLong
    return starts, ends


def _in_the_way(
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


def _seen(
    staff_id: int | None, span: Span, found: Sequence[Booking], classes: Sequence[ClassSession]
) -> str:
    """What the plan is about, in few letters: it changes with every booking in it."""
    facts = [
        (staff_id, span),
        [(b.id, b.sequence, b.status, b.staff_id, b.starts_at, b.ends_at) for b in found],
        [(c.id, c.staff_id, c.starts_at, c.ends_at) for c in classes],
    ]
    return sha256(repr(facts).encode()).hexdigest()[:32]


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


# --- what becomes of it -------------------------------------------------------------------


def _hold(session: Session, vendor_id: int, staff_id: int | None) -> None:
    """Nobody else books these people until this is over; of all, in the order of ids."""
    query = select(StaffMember.id).where(StaffMember.vendor_id == vendor_id)
    if staff_id is not None:
        query = query.where(StaffMember.id == staff_id)
    session.execute(query.order_by(StaffMember.id).with_for_update(key_share=True))


def _chosen(found: Sequence[Any], decisions: Mapping[int, Choice]) -> list[tuple[Any, Choice]]:
    if missing := sum(one.id not in decisions for one in found):
        raise Undecided(count=missing)
    return [(one, decisions[one.id].checked()) for one in found]


def _gives_way_first(chosen: tuple[Booking, Choice]) -> bool:
    """What is called off goes first: its time and room may be what another one takes."""
    return chosen[1].what not in (Do.WAIT, Do.CANCEL)


@contextmanager
def _about(vendor: Vendor, customer: str, starts_at: datetime) -> Iterator[None]:
    """A refusal says which booking it is about."""
    try:
        with refusals():
            yield
    except DomainError as refusal:
        when = days.moment(starts_at, ZoneInfo(vendor.time_zone))
        raise NotPossible(customer=customer, when=when, why=refusal) from refusal


def _done(
    session: Session, booking: Booking, choice: Choice, off: TimeOff
) -> dict[str, Any] | None:
    """Do what was decided; what was, to be written down, or None when nothing changed."""
    if choice.what == Do.KEEP:
        return None
    was = {
        "booking_id": booking.id,
        "did": choice.what.value,
        "starts_at": booking.starts_at.isoformat(),
        "ends_at": booking.ends_at.isoformat(),
        "staff_id": booking.staff_id,
        "status": booking.status,
    }
    if choice.what in (Do.WAIT, Do.CANCEL):
        outcomes.cancel(session, booking_id=booking.id, reason=off.reason)
        if choice.what == Do.WAIT:
            was["entry_id"] = _waits(session, booking, off)
        return was
    moved = bookings.reschedule(
        session, booking_id=booking.id, starts_at=choice.starts_at or booking.starts_at,
        staff_id=choice.staff_id,
    )  # fmt: skip
    return was | {"now_at": moved.starts_at.isoformat(), "now_with": moved.staff_id}


def _waits(session: Session, booking: Booking, off: TimeOff) -> int | None:
    """Put who was called off on the waitlist; None if they wait for this already."""
    try:
        entry = waitlist.join(
            session, customer_id=booking.customer_id, service_id=booking.service_id,
            latest=off.ends_at + WAITS_FOR, channel=Channel(booking.channel),
        )  # fmt: skip
    except AlreadyWaiting:
        return None
    return entry.id


def _done_with_class(session: Session, found: ClassSession, choice: Choice, off: TimeOff) -> None:
    if choice.what == Do.CANCEL:
        class_sessions.call_off(session, class_session_id=found.id, reason=off.reason)
    elif choice.what == Do.STAFF:
        class_sessions.move(
            session, class_session_id=found.id, starts_at=found.starts_at, ends_at=found.ends_at,
            staff_id=choice.staff_id,
        )  # fmt: skip
    elif choice.what != Do.KEEP:
        raise NotAChoice


# --- and back -----------------------------------------------------------------------------


def _returned(session: Session, change: Mapping[str, Any]) -> int:
    """The id of the booking that is again what it was; refuses when it cannot be."""
    booking = locked(session, Booking, change["booking_id"])
    starts, ends = (datetime.fromisoformat(change[name]) for name in ("starts_at", "ends_at"))
    if starts <= clock.now():
        raise NotAChoice("Its time is over.")
    if change["did"] in (Do.WAIT, Do.CANCEL):
        return _booked_anew(session, booking, change, starts, ends)
    as_we_left_it = (
        booking.starts_at == datetime.fromisoformat(change["now_at"])
        and booking.staff_id == change["now_with"]
        and booking.status in TO_COME
    )
    if not as_we_left_it:
        raise NotAChoice("It was changed since.")
    return bookings.reschedule(
        session, booking_id=booking.id, starts_at=starts, ends_at=ends, staff_id=change["staff_id"]
    ).id


def _booked_anew(
    session: Session, old: Booking, change: Mapping[str, Any], starts: datetime, ends: datetime
) -> int:
    if entry_id := change.get("entry_id"):
        entry = session.get(WaitlistEntry, entry_id)
        if entry is not None and entry.status == WaitStatus.BOOKED:
            raise NotAChoice("The customer has another time by now.")
        if entry is not None and entry.status in waitlist.LIVE:
            waitlist.leave(session, entry_id=entry_id)
    new = bookings.book(
        session, customer_id=old.customer_id, service_id=old.service_id, starts_at=starts,
        ends_at=ends, staff_id=change["staff_id"], channel=Channel.PHONE, price=old.price,
        note=old.note, status=BookingStatus(change["status"]),
    )  # fmt: skip
    new.channel, new.terms, new.deposit = old.channel, old.terms, old.deposit
    session.flush()  # the row is complete for whoever reads it next
    return new.id


def find(session: Session, *, time_off_id: int) -> TimeOff:
    """One exception to the hours; `NotFound` if it is not here."""
    off = session.get(TimeOff, time_off_id)
    if off is None:
        raise NotFound
    return off
