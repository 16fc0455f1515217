"""The waitlist: who wants what is taken, who is offered what became free, and who would fit."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import clock
from app.errors import NotFound
from app.operations import gaps, outcomes, schedules
from app.operations.gaps import Candidate, Gap
from app.operations.moves import locked
from app.operations.offers import (
    HELD_MINUTES,
    NoOffer,
    NoTime,
    NotMinutes,
    OfferIsOver,
    accept,
    decline,
    end_run_out,
    lapse_due,
    leave,
    offer,
    vendors_with_due,
)
from app.operations.queues import (
    LIVE,
    LONGEST_WAIT,
    AlreadyWaiting,
    BadWindow,
    CannotWait,
    NoLongerWaits,
    OfferStands,
    OfOneClass,
    SeatsLeft,
    change,
    hold,
    join,
)
from app.operations.zones import instant, zone_of
from app.tenancy import current_actor
from models.bookings import Booking, BookingStatus
from models.class_sessions import ClassSession, SessionStatus
from models.staff import StaffMember
from models.waitlist import WaitlistEntry, WaitStatus

__all__ = [
    "HELD_MINUTES",
    "LIVE",
    "AlreadyWaiting",
    "BadWindow",
    "Candidate",
    "CannotWait",
    "NoLongerWaits",
    "NoOffer",
    "NoTime",
    "NotMinutes",
    "OfOneClass",
    "OfferIsOver",
    "OfferStands",
    "SeatsLeft",
    "accept",
    "change",
    "decline",
    "end_run_out",
    "fill",
    "fill_class",
    "fill_time",
    "hold",
    "join",
    "lapse_due",
    "leave",
    "offer",
    "vendors_with_due",
    "who_fits",
]

LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)


def fill(session: Session, *, booking_id: int, minutes: int = HELD_MINUTES) -> list[WaitlistEntry]:
    """Offer the time or the seats of a cancelled booking to the first of the line who fit.

    One offer for a time, one for a seat; none while one stands. Whoever let an offer of it go by
    since it became free is not asked again, nor is who gave it up. Twice is as good as once.
    """
    freed = session.get(Booking, booking_id, populate_existing=True)
    if freed is None or freed.status != BookingStatus.CANCELLED:
        return []
    if freed.class_session_id is not None:
        return fill_class(session, class_session_id=freed.class_session_id, minutes=minutes)
    origin = _origin(session, freed)
    offered = origin.held_until is not None
    return fill_time(
        session, staff_id=origin.staff_id, starts_at=origin.starts_at, ends_at=origin.ends_at,
        service_id=None if origin.staff_id else origin.service_id, minutes=minutes,
        freed_at=None if offered else origin.cancelled_at, vendor_id=origin.vendor_id,
    )  # fmt: skip


def fill_time(
    session: Session,
    *,
    staff_id: int | None,
    starts_at: datetime,
    ends_at: datetime,
    vendor_id: int | None = None,
    service_id: int | None = None,
    freed_at: datetime | None = None,
    minutes: int = HELD_MINUTES,
) -> list[WaitlistEntry]:
    """Offer a time of a member of staff to the first; it is free since `freed_at` (empty: ever)."""
    if starts_at <= clock.now():
        return []
    outcomes.hold_staff(session, staff_id)  # of two that fill the same gap the second sees it full
    home = _home(session, staff_id, vendor_id)
    gap = Gap(home, zone_of(session, home), starts_at, ends_at, staff_id, service_id)
    if gaps.offered_now(session, gap):
        return []
    for one in _untried(session, gap, freed_at):
        made = offer(
            session, entry_id=one.entry.id, minutes=minutes, staff_id=staff_id,
            starts_at=one.starts_at, ends_at=one.ends_at,
        )  # fmt: skip
        return [made]
    return []


def fill_class(
    session: Session,
    *,
    class_session_id: int,
    freed_at: datetime | None = None,
    minutes: int = HELD_MINUTES,
) -> list[WaitlistEntry]:
    """Offer the free seats of a class to as many of the line, one each, the longest waiting first.

    `freed_at` (aware; empty: when the last booking was cancelled) begins a new round.
    """
    found = locked(session, ClassSession, class_session_id)
    if found.status != SessionStatus.SCHEDULED or found.starts_at <= clock.now():
        return []
    gap = Gap(
        found.vendor_id, zone_of(session, found.vendor_id), found.starts_at, found.ends_at,
        found.staff_id, found.service_id, found.id,
    )  # fmt: skip
    line = _untried(session, gap, freed_at or _last_freed(session, found))
    return [
        offer(session, entry_id=one.entry.id, class_session_id=found.id, minutes=minutes)
        for one in islice(line, found.seats - found.taken)
    ]


def who_fits(
    session: Session,
    *,
    starts_at: datetime,
    ends_at: datetime,
    staff_id: int | None,
    service_id: int | None = None,
    vendor_id: int | None = None,
    limit: int = 10,
) -> list[Candidate]:
    """Who of the waitlist would come into a gap, the best first, each with a time and why.

    Ranked by the days they wait, whether they asked for this person, and how little else suits
    them. Times without an offset are the vendor's wall time. Archived customers are left out.
    """
    home = _home(session, staff_id, vendor_id)
    zone = zone_of(session, home)
    since = instant(starts_at, zone, field="starts_at")
    until = instant(ends_at, zone, field="ends_at")
    if until <= since:
        raise schedules.EndsBeforeStart
    return gaps.ranked(session, Gap(home, zone, since, until, staff_id, service_id), limit=limit)


# --- behind the verbs ---------------------------------------------------------------------


def _home(session: Session, staff_id: int | None, vendor_id: int | None) -> int:
    """The vendor of a gap: that of its member of staff, else the one acting."""
    if staff_id is not None:
        staff = session.get(StaffMember, staff_id)
        if staff is None:
            raise schedules.CannotDoIt("This member of staff does not work here: choose another.")
        return staff.vendor_id
    home = vendor_id or current_actor().vendor_id
    if home is None:
        raise NotFound
    return home


def _origin(session: Session, freed: Booking) -> Booking:
    """The booking whose cancelling freed the time of which `freed` was an offer."""
    if freed.held_until is None:
        return freed
    around = (
        select(Booking)
        .where(Booking.vendor_id == freed.vendor_id, Booking.status == BookingStatus.CANCELLED)
        .where(Booking.staff_id.is_not_distinct_from(freed.staff_id))
        .where(Booking.starts_at <= freed.starts_at, Booking.ends_at >= freed.ends_at)
        .where(Booking.starts_at > freed.starts_at - LONGEST_WAIT)
        .where(Booking.held_until.is_(None), Booking.class_session_id.is_(None))
        .order_by(Booking.cancelled_at.desc())
        .limit(1)
    )
    return session.scalars(around).first() or freed


def _last_freed(session: Session, found: ClassSession) -> datetime | None:
    """When somebody last gave a seat of a class back."""
    return session.scalar(
        select(func.max(Booking.cancelled_at))
        .where(Booking.vendor_id == found.vendor_id, Booking.class_session_id == found.id)
        .where(Booking.status == BookingStatus.CANCELLED, Booking.held_until.is_(None))
    )


def _untried(session: Session, gap: Gap, freed_at: datetime | None) -> Iterator[Candidate]:
    """Who fits and has not let it go by, each held; who is being served elsewhere is left out."""
    for one in gaps.in_line(session, gap):
        if gaps.went_by(session, one.entry, gap, since=freed_at or LONG_AGO):
            continue
        free = (
            select(WaitlistEntry.id)
            .where(WaitlistEntry.id == one.entry.id, WaitlistEntry.status == WaitStatus.WAITING)
            .with_for_update(skip_locked=True)
        )
        if session.scalars(free).first() is not None:
            yield one
