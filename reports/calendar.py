"""The calendar's questions: what stands in a range of time, and whether it has changed.

Rows are plain values by name, for a page draws hundreds of them; instants are aware. What is called
off is not there, nor are the single places of a class: the class itself is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, TypeVar

import sqlalchemy
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    and_,
    any_,
    bindparam,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.database import in_drivers_words, quickly
from app.errors import DomainError
from models.bookings import Booking, BookingStatus
from models.class_sessions import ClassSession, SessionStatus
from models.customers import Customer
from models.schedules import TimeOff, WorkingHours
from models.services import Service, ServiceKind
from models.staff import StaffMember
from models.vendors import Vendor
from models.waitlist import WaitlistEntry, WaitStatus

MOST_DAYS = 42
MOST_ROWS = 1000
LONGEST = timedelta(days=3)
LONGEST_STAY = timedelta(days=62)
CAP = 1000

Row = sqlalchemy.Row[*tuple[Any, ...]]
"""What a question finds: its columns by name."""


class TooWide(DomainError):
    sentence = "A calendar shows 42 days at most: choose a later beginning or an earlier end."
    field = "to"


class Backwards(DomainError):
    sentence = "The end of these days lies before their beginning: choose a later end."
    field = "to"


class Booked(NamedTuple):
    """A booking as it is drawn: times in seconds since 1970, its last change in millionths of one.

    What it keeps free around it is None when it blocks nobody. A page has hundreds of them, and
    SQLAlchemy's rows take three times as long to be asked.
    """

    id: int
    staff_id: int | None
    service_id: int
    customer_id: int
    status: str
    channel: str
    kind: str
    series_id: int | None
    starts: int
    ends: int
    busy_from: int | None
    busy_to: int | None
    is_held: bool
    is_extra: bool
    seen: int
    full_name: str | None
    company: str | None
    email: str | None
    phone: str | None


class Taught(NamedTuple):
    """A class as it is drawn, in the same units."""

    id: int
    staff_id: int | None
    service_id: int
    status: str
    seats: int
    taken: int
    starts: int
    ends: int
    busy_from: int | None
    busy_to: int | None


Drawn = TypeVar("Drawn", Booked, Taught)


@dataclass(frozen=True, slots=True)
class Page:
    """At most `MOST_ROWS` rows by time; `after` asks for the next ones, None: there are no more."""

    rows: Sequence[Booked]
    after: tuple[int, int] | None


def check_range(since: datetime, until: datetime) -> None:
    """Refuse days that end before they begin, or more than `MOST_DAYS` (an hour is forgiven)."""
    if until <= since:
        raise Backwards
    if until - since > timedelta(days=MOST_DAYS, hours=1):
        raise TooWide


def _seconds(moment: Any) -> Any:
    """Seconds since 1970: a number is read ten times as fast as a moment with its zone."""
    return cast(func.extract("epoch", moment), BigInteger)


def _times(model: Any) -> tuple[Any, ...]:
    """When it is, and the time that is kept free around it (nothing when it blocks nobody)."""
    return (
        _seconds(model.starts_at).label("starts"),
        _seconds(model.ends_at).label("ends"),
        _seconds(func.lower(model.with_buffer_before)).label("busy_from"),
        _seconds(func.upper(model.with_buffer_after)).label("busy_to"),
    )


_WHO = (Customer.full_name, Customer.company, Customer.email, Customer.phone)
_WHAT = (
    Booking.id, Booking.staff_id, Booking.service_id, Booking.customer_id, Booking.status,
    Booking.channel, Booking.kind, Booking.series_id, *_times(Booking),
    Booking.held_until.is_not(None).label("is_held"),
    Booking.overbooked.is_not(None).label("is_extra"),
    cast(func.extract("epoch", Booking.updated_at) * 1_000_000, BigInteger).label("seen"),
)  # fmt: skip


def bookings(
    session: Session,
    *,
    vendor_id: int,
    since: datetime,
    until: datetime,
    staff_ids: Sequence[int] | None = None,
    after: tuple[int, int] | None = None,
    most: int = MOST_ROWS,
) -> Page:
    """A vendor's bookings that touch a time, by beginning; `staff_ids` leaves the others out.

    What began up to three days before is found too; stays have a question of their own. Refuses
    with `TooWide` and `Backwards`.
    """
    look: dict[str, Any] = {"most": most + 1} | _within(vendor_id, since, until, LONGEST)
    if staff_ids is not None:
        look["staff_ids"] = list(staff_ids)
    if after is not None:
        look["reached"], look["reached_id"] = datetime.fromtimestamp(after[0], UTC), after[1]
    wanted = _bookings(some=staff_ids is not None, later=after is not None)
    found = _read(session, Booked, wanted, look)
    last = found[most - 1] if len(found) > most else None
    return Page(found[:most], (last.starts, last.id) if last else None)


def stays(
    session: Session, *, vendor_id: int, since: datetime, until: datetime
) -> Sequence[Booked]:
    """Who stays over night in a time, by arrival; stays of up to two months are found."""
    look = _within(vendor_id, since, until, LONGEST_STAY)
    return _read(session, Booked, _stays(), look)


def classes(
    session: Session,
    *,
    vendor_id: int,
    since: datetime,
    until: datetime,
    staff_ids: Sequence[int] | None = None,
) -> Sequence[Taught]:
    """A vendor's classes that touch a time, with their places and how many are taken."""
    look = _within(vendor_id, since, until, LONGEST)
    if staff_ids is not None:
        look["staff_ids"] = list(staff_ids)
    return _read(session, Taught, _classes(some=staff_ids is not None), look)


def _read(
    session: Session, shape: type[Drawn], wanted: tuple[str, dict[str, Any]], look: dict[str, Any]
) -> list[Drawn]:
    statement, own = wanted
    return list(map(shape._make, quickly(session.connection(), statement, own | look)))


def _within(vendor_id: int, since: datetime, until: datetime, longest: timedelta) -> dict[str, Any]:
    check_range(since, until)
    return {
        "vendor_id": vendor_id, "since": since, "until": until, "begun": since - longest,
    }  # fmt: skip


# --- the questions, each built once: putting one together takes longer than its answer -------

_MOMENT = Booking.starts_at.type
_VENDOR: Any = bindparam("vendor_id", type_=BigInteger)
_SINCE: Any = bindparam("since", type_=_MOMENT)
_UNTIL: Any = bindparam("until", type_=_MOMENT)
_BEGUN: Any = bindparam("begun", type_=_MOMENT)
"""The earliest beginning that is looked for: the bound on the other side, for the index."""
_STAFF: Any = bindparam("staff_ids", type_=ARRAY(BigInteger))


@cache
def _bookings(*, some: bool, later: bool) -> tuple[str, dict[str, Any]]:
    """Of some of the staff only; later than what has been read."""
    wanted = _shown().where(*_touching(Booking), Booking.kind != ServiceKind.STAY)
    if some:
        wanted = wanted.where(Booking.staff_id == any_(_STAFF))
    if later:
        reached = bindparam("reached", type_=_MOMENT), bindparam("reached_id", type_=BigInteger)
        wanted = wanted.where(func.row(Booking.starts_at, Booking.id) > func.row(*reached))
    wanted = wanted.order_by(Booking.starts_at, Booking.id).limit(bindparam("most"))
    return in_drivers_words(wanted)


@cache
def _stays() -> tuple[str, dict[str, Any]]:
    wanted = _shown().where(*_staying()).order_by(Booking.starts_at)
    return in_drivers_words(wanted.limit(MOST_ROWS))


@cache
def _classes(*, some: bool) -> tuple[str, dict[str, Any]]:
    wanted: Select[Any] = select(
        ClassSession.id, ClassSession.staff_id, ClassSession.service_id, ClassSession.status,
        ClassSession.seats, ClassSession.taken, *_times(ClassSession),
    ).where(
        ClassSession.vendor_id == _VENDOR,
        ClassSession.status != SessionStatus.CANCELLED,
        *_touching(ClassSession),
    )  # fmt: skip
    if some:
        wanted = wanted.where(ClassSession.staff_id == any_(_STAFF))
    wanted = wanted.order_by(ClassSession.starts_at, ClassSession.id).limit(MOST_ROWS)
    return in_drivers_words(wanted)


def _shown() -> Select[Any]:
    """Of the vendor, still standing, not a single place of a class; and whose it is."""
    whose = and_(Customer.vendor_id == Booking.vendor_id, Customer.id == Booking.customer_id)
    return select(*_WHAT, *_WHO).join(Customer, whose).where(
        Booking.vendor_id == _VENDOR,
        Booking.status != BookingStatus.CANCELLED,
        Booking.class_session_id.is_(None),
    )  # fmt: skip


def _touching(model: Any) -> list[ColumnElement[bool]]:
    return [model.starts_at >= _BEGUN, model.starts_at < _UNTIL, model.ends_at > _SINCE]


def _staying() -> list[ColumnElement[bool]]:
    """By the index over services: of all bookings two months back these are few."""
    rooms = select(Service.id).where(Service.vendor_id == _VENDOR, Service.kind == ServiceKind.STAY)
    return [
        Booking.service_id.in_(rooms),
        Booking.kind == ServiceKind.STAY,
        Booking.starts_at >= cast(_SINCE, _MOMENT) - LONGEST_STAY,
        Booking.starts_at < _UNTIL,
        Booking.ends_at > _SINCE,
    ]


# --- has anything changed? ------------------------------------------------------------------


def fingerprint(session: Session, *, vendor_id: int, since: datetime, until: datetime) -> str:
    """A word that changes when a booking, class, hour or waitlist entry of these days does.

    Counts and sums of the moments of change: a maximum alone would miss what began earlier and
    was committed later than another change.
    """
    look = _within(vendor_id, since, until, LONGEST)
    rows = session.connection().execute(_FINGERPRINT, look)
    return "-".join(f"{row.many}.{row.moved or 0}" for row in rows)


def _changes(model: Any, *conditions: ColumnElement[bool]) -> Select[Any]:
    moved = func.sum(func.extract("epoch", model.updated_at) * literal(1_000_000))
    return select(
        func.count().label("many"), func.mod(moved, literal(10**12)).label("moved")
    ).where(*conditions)


def _fingerprint() -> sqlalchemy.CompoundSelect[Any]:
    """Every calendar that is open asks it every three seconds."""
    parts: list[tuple[Any, tuple[Any, ...]]] = [
        (Booking, tuple(_touching(Booking))),
        (Booking, tuple(_staying())),
        (ClassSession, tuple(_touching(ClassSession))),
        (TimeOff, (TimeOff.starts_at < _UNTIL, TimeOff.ends_at > _SINCE)),
        (WorkingHours, ()),
        (StaffMember, ()),
        (WaitlistEntry, (WaitlistEntry.status.in_([WaitStatus.WAITING, WaitStatus.OFFERED]),)),
    ]
    return union_all(
        *(_changes(model, model.vendor_id == _VENDOR, *which) for model, which in parts)
    )


_FINGERPRINT = _fingerprint()


# --- who works there, and what they do ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where a calendar is drawn: the vendor's zone, its staff and what they do, by id."""

    zone: str
    staff: Mapping[int, Row]
    services: Mapping[int, Row]


def zone_of(session: Session, *, vendor_id: int) -> str:
    """The zone whose days the vendor's are."""
    return session.execute(_ZONE, {"vendor_id": vendor_id}).scalar_one()


def place(session: Session, *, vendor_id: int) -> Place:
    """The vendor with its staff (those who left too, for what they once did) and services."""
    look = {"vendor_id": vendor_id}
    return Place(
        zone_of(session, vendor_id=vendor_id),
        {row.id: row for row in session.execute(_PEOPLE, look)},
        {row.id: row for row in session.execute(_OFFERED, look)},
    )


_ZONE = select(Vendor.time_zone).where(Vendor.id == _VENDOR)
_PEOPLE = (
    select(StaffMember.id, StaffMember.name, StaffMember.title, StaffMember.is_active)
    .where(StaffMember.vendor_id == _VENDOR)
    .order_by(StaffMember.name)
)
_OFFERED = select(Service.id, Service.name, Service.kind).where(Service.vendor_id == _VENDOR)


# --- beside the calendar ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiting:
    """The first few rows of a panel beside the calendar, and how many there are (capped)."""

    rows: Sequence[Any]
    count: int


_SIDE = (
    Booking.id, Booking.service_id, Booking.staff_id, Booking.starts_at, Booking.ends_at,
    Booking.status, Booking.held_until,
)  # fmt: skip


def to_confirm(session: Session, *, vendor_id: int, now: datetime, most: int = 6) -> Waiting:
    """Bookings to come that wait for a yes, the soonest first; offers to the waitlist do not."""
    mine = [
        Booking.vendor_id == vendor_id,
        Booking.status == BookingStatus.PENDING,
        Booking.starts_at >= now,
        Booking.held_until.is_(None),
    ]
    whose = and_(Customer.vendor_id == Booking.vendor_id, Customer.id == Booking.customer_id)
    wanted = select(*_SIDE, *_WHO).join(Customer, whose).where(*mine)
    rows = session.execute(wanted.order_by(Booking.starts_at, Booking.id).limit(most)).all()
    known = len(rows) if len(rows) < most else _capped(session, Booking.starts_at, mine)
    return Waiting(rows, known)


def waitlist(session: Session, *, vendor_id: int, most: int = 6) -> Waiting:
    """Who waits, offers that stand first, then by place in the line."""
    mine = [
        WaitlistEntry.vendor_id == vendor_id,
        WaitlistEntry.status.in_([WaitStatus.WAITING, WaitStatus.OFFERED]),
    ]
    whose = and_(
        Customer.vendor_id == WaitlistEntry.vendor_id, Customer.id == WaitlistEntry.customer_id
    )
    wanted = (
        select(
            WaitlistEntry.id, WaitlistEntry.service_id, WaitlistEntry.staff_id,
            WaitlistEntry.earliest, WaitlistEntry.latest, WaitlistEntry.status,
            WaitlistEntry.held_until, *_WHO,
        )
        .join(Customer, whose)
        .where(*mine)
        .order_by(WaitlistEntry.status, WaitlistEntry.queued_at, WaitlistEntry.id)
        .limit(most)
    )  # fmt: skip
    rows = session.execute(wanted).all()
    at = WaitlistEntry.queued_at
    return Waiting(rows, len(rows) if len(rows) < most else _capped(session, at, mine))


def _capped(
    session: Session, column: InstrumentedAttribute[datetime], mine: Sequence[ColumnElement[bool]]
) -> int:
    rows = select(column).where(*mine).limit(CAP + 1).subquery()
    return session.scalar(select(func.count()).select_from(rows)) or 0
