"""Gaps: a time or seats that became free, and who of the waitlist would come."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import Session, joinedload

from app import clock, days
from app.errors import DomainError
from app.operations import schedules
from models.bookings import Booking, BookingStatus
from models.customers import Customer
from models.services import Service, ServiceKind
from models.waitlist import WaitlistEntry, WaitStatus
from models.words import Channel

STANDING = (BookingStatus.PENDING, BookingStatus.CONFIRMED, BookingStatus.CHECKED_IN)
MOST_LOOKED_AT = 500
MOST_DAYS = 60
WISH, NARROW, HOURS = 10.0, 10.0, 3.0


@dataclass(frozen=True, slots=True)
class Gap:
    """A time of a member of staff (None: of nobody) or, with `class_session_id`, seats in a class.

    `service_id` narrows who fits to those who wait for this service.
    """

    vendor_id: int
    zone: str
    starts_at: datetime
    ends_at: datetime
    staff_id: int | None
    service_id: int | None = None
    class_session_id: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who would come, when (UTC), and why they are where they are in the ranking."""

    entry: WaitlistEntry
    starts_at: datetime
    ends_at: datetime
    staff_id: int | None
    score: float
    why: str


def in_line(session: Session, gap: Gap) -> Iterator[Candidate]:
    """Who fits a gap, those who have waited longest first; looked up one by one."""
    return (one for one in _suited(session, gap) if not _is_busy(session, one))


def ranked(session: Session, gap: Gap, *, limit: int) -> list[Candidate]:
    """The best who fit a gap: by the days they wait, whom they asked for, how little suits them."""
    found = sorted(_suited(session, gap), key=lambda one: -one.score)
    return list(islice((one for one in found if not _is_busy(session, one)), max(0, limit)))


def _suited(session: Session, gap: Gap) -> Iterator[Candidate]:
    """Whom a gap suits, wherever else they may be then, in the order of the line."""
    times = _Times(session, gap)
    for entry in session.scalars(_waiting(gap)).all():
        if (span := times.of(entry)) is not None:
            yield _ranked(gap, entry, *span)


def went_by(session: Session, entry: WaitlistEntry, gap: Gap, *, since: datetime) -> bool:
    """Whether this customer has let the gap go by: an offer of it since it became free at `since`.

    Who gave it up is not asked either, unless they joined the line after that.
    """
    query = (
        select(Booking.id)
        .where(Booking.vendor_id == gap.vendor_id, Booking.customer_id == entry.customer_id)
        .where(Booking.status == BookingStatus.CANCELLED, _same(gap))
        .where(Booking.cancelled_at >= entry.created_at)
        .where(or_(Booking.cancelled_at >= since, Booking.held_until.is_(None)))
    )
    return session.execute(query.limit(1)).first() is not None


def offered_now(session: Session, gap: Gap) -> bool:
    """Whether somebody is offered this time already."""
    return (
        session.execute(
            select(Booking.id)
            .where(Booking.vendor_id == gap.vendor_id, _same(gap))
            .where(Booking.held_until.is_not(None), Booking.status == BookingStatus.PENDING)
            .limit(1)
        ).first()
        is not None
    )


# --- who waits ----------------------------------------------------------------------------


def _same(gap: Gap) -> ColumnElement[bool]:
    """The condition that a booking is of this gap."""
    if gap.class_session_id is not None:
        return Booking.class_session_id == gap.class_session_id
    return and_(
        Booking.staff_id.is_not_distinct_from(gap.staff_id),
        Booking.starts_at < gap.ends_at, Booking.ends_at > gap.starts_at,
        Booking.starts_at > gap.starts_at - timedelta(days=366),
    )  # fmt: skip


def _waiting(gap: Gap) -> Select[WaitlistEntry]:
    query = (
        select(WaitlistEntry)
        .join(Customer, of_entry(Customer, WaitlistEntry.customer_id))
        .join(Service, of_entry(Service, WaitlistEntry.service_id))
        .where(WaitlistEntry.vendor_id == gap.vendor_id)
        .where(WaitlistEntry.status == WaitStatus.WAITING)
        .where(Customer.archived_at.is_(None), Service.is_active)
        .where(or_(WaitlistEntry.staff_id.is_(None), WaitlistEntry.staff_id == gap.staff_id))
        .options(joinedload(WaitlistEntry.customer), joinedload(WaitlistEntry.service))
        .options(joinedload(WaitlistEntry.staff_member))
        .order_by(WaitlistEntry.queued_at, WaitlistEntry.id)
        .limit(MOST_LOOKED_AT)
        .execution_options(populate_existing=True)
    )
    if gap.service_id is not None:
        query = query.where(WaitlistEntry.service_id == gap.service_id)
    within = and_(
        WaitlistEntry.class_session_id.is_(None),
        WaitlistEntry.earliest < gap.ends_at, WaitlistEntry.latest > gap.starts_at,
    )  # fmt: skip
    if gap.class_session_id is None:
        return query.where(within, Service.kind != ServiceKind.CLASS)
    return query.where(or_(WaitlistEntry.class_session_id == gap.class_session_id, within))


def of_entry(table: Any, key: Any) -> ColumnElement[bool]:
    """The condition that joins a table to the waitlist by one of the entry's keys."""
    return and_(table.vendor_id == WaitlistEntry.vendor_id, table.id == key)


def _is_busy(session: Session, one: Candidate) -> bool:
    """Whether the customer is somewhere here at that time already."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    Booking.vendor_id == one.entry.vendor_id,
                    Booking.customer_id == one.entry.customer_id,
                    Booking.status.in_(STANDING),
                    Booking.kind != ServiceKind.STAY,  # whose pet is boarded may come themselves
                    Booking.starts_at < one.ends_at,
                    Booking.ends_at > one.starts_at,
                )
            )
        )
    )


# --- when they could come -----------------------------------------------------------------


class _Times:
    """The times within a gap at which a service can be booked, looked up once a service."""

    def __init__(self, session: Session, gap: Gap) -> None:
        self._session, self._gap = session, gap
        self._known: dict[int, list[tuple[datetime, datetime]]] = {}

    def of(self, entry: WaitlistEntry) -> tuple[datetime, datetime] | None:
        """The first time in the gap that suits an entry."""
        gap = self._gap
        if gap.class_session_id is not None:
            span = gap.starts_at, gap.ends_at
            named = entry.class_session_id == gap.class_session_id
            return span if named or suits(entry, *span, gap.zone) else None
        if entry.service_id not in self._known:
            self._known[entry.service_id] = list(self._free(entry.service))
        known = self._known[entry.service_id]
        return next((span for span in known if suits(entry, *span, gap.zone)), None)

    def _free(self, service: Service) -> Iterator[tuple[datetime, datetime]]:
        """The gap's own beginning, which may lie off the grid of slots, then the slots in it."""
        gap = self._gap
        if (first := self._first(service)) is not None:
            yield gap.starts_at, first
        if gap.staff_id is None or service.kind == ServiceKind.STAY:
            return
        for slot in schedules.free_slots(
            self._session, service_id=service.id, since=gap.starts_at, until=gap.ends_at,
            staff_ids=(gap.staff_id,), channel=Channel.PHONE,
        ):  # fmt: skip
            if slot.ends_at <= gap.ends_at:
                yield slot.starts_at, slot.ends_at

    def _first(self, service: Service) -> datetime | None:
        """The end of what begins with the gap; None if it cannot be booked, or lasts longer."""
        gap = self._gap
        try:
            fit = schedules.check(
                self._session, service_id=service.id, staff_id=gap.staff_id,
                starts_at=gap.starts_at, channel=Channel.PHONE,
                ends_at=gap.ends_at if service.kind == ServiceKind.STAY else None,
            )  # fmt: skip
        except DomainError:  # the answer is no, whatever the reason
            return None
        ends = gap.starts_at + timedelta(minutes=fit.minutes)
        return ends if ends <= gap.ends_at else None


def suits(entry: WaitlistEntry, starts_at: datetime, ends_at: datetime, zone: str) -> bool:
    """Whether a time lies in the days and hours (of the vendor's wall) that somebody waits for."""
    begins, over = starts_at.astimezone(ZoneInfo(zone)), ends_at.astimezone(ZoneInfo(zone))
    one_day = begins.date() == over.date()
    return (
        entry.earliest <= starts_at
        and ends_at <= entry.latest
        and (entry.from_time is None or begins.time() >= entry.from_time)
        and (entry.until_time is None or (one_day and over.time() <= entry.until_time))
    )


# --- the ranking --------------------------------------------------------------------------


def _ranked(gap: Gap, entry: WaitlistEntry, starts_at: datetime, ends_at: datetime) -> Candidate:
    waits = max(0, (clock.now() - entry.queued_at).days)
    left = max(timedelta(0), entry.latest - max(clock.now(), entry.earliest))
    score = (
        min(waits, MOST_DAYS)
        + WISH * (entry.staff_id is not None)
        + WISH * (entry.class_session_id is not None)
        + NARROW / (1 + left / timedelta(days=1))
        + HOURS * (entry.from_time is not None or entry.until_time is not None)
    )
    return Candidate(entry, starts_at, ends_at, gap.staff_id, score, _why(gap, entry, waits))


def _why(gap: Gap, entry: WaitlistEntry, waits: int) -> str:
    since = "since today" if waits == 0 else "for a day" if waits == 1 else f"for {waits} days"
    parts = [f"Waits {since}"]
    if entry.staff_member is not None:
        parts.append(f"asked for {entry.staff_member.name}")
    if entry.class_session_id is not None:
        parts.append("asked for this class")
    else:
        last = (entry.latest - timedelta(microseconds=1)).astimezone(ZoneInfo(gap.zone))
        parts.append(f"can come{_hours(entry)} until {days.day(last, last.tzinfo or UTC)}")
    return ", ".join(parts) + "."


def _hours(entry: WaitlistEntry) -> str:
    if entry.from_time and entry.until_time:
        return f" from {entry.from_time:%H:%M} to {entry.until_time:%H:%M}"
    if entry.from_time:
        return f" from {entry.from_time:%H:%M}"
    return f" before {entry.until_time:%H:%M}" if entry.until_time else ""
