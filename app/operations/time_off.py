"""Time off: who is away, what is in its way, and what becomes of that; nothing before a yes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app import days
from app.database import refusals
from app.errors import DomainError, NotFound
from app.operations import bookings, class_sessions, obstacles, outcomes, waitlist
from app.operations.customers import clean
from app.operations.decisions import Choice, Do, NotAChoice
from app.operations.giving_back import GivenBack, Left, give_back
from app.operations.obstacles import (
    LONGEST,
    MOST,
    Affected,
    EndsBeforeItBegins,
    NotHere,
    Plan,
    TooMany,
    preview,
)
from app.operations.waitlist import AlreadyWaiting
from models.bookings import Booking
from models.class_sessions import ClassSession
from models.schedules import TimeOff, TimeOffKind
from models.vendors import Vendor
from models.words import Channel

__all__ = [
    "LONGEST",
    "MOST",
    "Affected",
    "BookingsChanged",
    "EndsBeforeItBegins",
    "GivenBack",
    "Left",
    "NotHere",
    "NotPossible",
    "Plan",
    "TooMany",
    "Undecided",
    "find",
    "give_back",
    "preview",
    "take",
]

WAITS_FOR = timedelta(days=28)
"""How long after the time off somebody is kept on the waitlist."""


class BookingsChanged(DomainError):
    sentence = "The bookings in this time have changed meanwhile: look at them again, and decide."


class Undecided(DomainError):
    sentence = "Say what becomes of every booking: {count} are still open."


class NotPossible(DomainError):
    sentence = "The booking of {customer} on {when} cannot be changed: {why}"


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
    vendor = obstacles.vendor_of(session, staff_id)
    span = obstacles.span_of(vendor, starts_at, ends_at)
    obstacles.hold(session, vendor.id, staff_id)
    found, classes = obstacles.in_the_way(session, vendor, staff_id, span, held=True)
    if obstacles.seen_of(staff_id, span, found, classes) != seen:
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


def find(session: Session, *, time_off_id: int) -> TimeOff:
    """One exception to the hours; `NotFound` if it is not here."""
    off = session.get(TimeOff, time_off_id)
    if off is None:
        raise NotFound
    return off


# --- behind the verbs ---------------------------------------------------------------------


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
