"""Series: the same booking every week, two weeks or month; previewed, then all of it or nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError
from app.operations import booking_uses, bookings, interests, rhythms, schedules
from app.operations.customers import still_here
from app.operations.entitlements import NothingToUse
from app.operations.series_changes import (
    STILL_TO_COME,
    Conflict,
    IsPast,
    NoChange,
    NoScope,
    NoSeries,
    Scope,
    at_wall,
    change,
    end,
    named,
)
from app.operations.zones import zone_of
from models.booking_series import BookingSeries
from models.bookings import Booking
from models.services import Service, ServiceKind
from models.staff import StaffMember
from models.words import Channel

__all__ = [
    "AlreadyBegun",
    "Conflict",
    "Fix",
    "InThePast",
    "IsPast",
    "NoChange",
    "NoScope",
    "NoSeries",
    "NotRepeated",
    "NothingLeft",
    "Occurrence",
    "Scope",
    "UnknownFix",
    "begin",
    "change",
    "end",
    "preview",
]

HALF_AN_HOUR = timedelta(minutes=30)
MOST_PROPOSED = 3
REPEATED = (ServiceKind.APPOINTMENT, ServiceKind.LAB_TEST)


class AlreadyBegun(DomainError):
    sentence = "This customer has this series already: open it, and change it there."
    field = "starts_on"


class NotRepeated(DomainError):
    sentence = "A {kind} is booked one by one: choose an appointment or a lab test to repeat."
    field = "service_id"


class InThePast(DomainError):
    sentence = "A series begins today or later, at a time still to come: choose a later day."
    field = "starts_on"


class UnknownFix(DomainError):
    sentence = "There is no such fix for number {number}: look at the preview again."
    field = "fixes"


class NothingLeft(DomainError):
    sentence = "Every one of them is skipped, so nothing would be booked: keep at least one."
    field = "fixes"


@dataclass(frozen=True, slots=True)
class Fix:
    """A way out of a conflict: `key` is what `begin` takes, `says` is what people read.

    Keys are `skip`, `earlier`, `later` (half an hour), and `staff:` with the id of somebody else.
    """

    key: str
    says: str


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One of a series: its instant (UTC), what is in its way, and what can be done about it.

    `note` says that the clocks skip the hour that was meant, so that it begins later.
    """

    number: int
    starts_at: datetime
    staff_id: int | None
    note: str | None = None
    conflict: str | None = None
    fixes: tuple[Fix, ...] = ()


SKIP = Fix("skip", "Skip this one")


def preview(
    session: Session,
    *,
    service_id: int,
    staff_id: int | None,
    starts_on: date,
    starts: time,
    rhythm: str,
    occurrences: int,
    customer_id: int | None = None,
    channel: Channel = Channel.PHONE,
) -> list[Occurrence]:
    """Every one of a series with what is in its way; nothing is written.

    `starts` is the vendor's wall time, kept whatever the clocks do. Refuses more than a year of
    them, and a beginning in the past. Each fix that is proposed was free when it was looked up.
    """
    service = _service(session, service_id, staff_id)
    zone = zone_of(session, service.vendor_id)
    if customer_id is not None:
        _check_customer(session, customer_id, service.vendor_id)
    found = _occurrences(zone, staff_id, starts_on, starts, rhythm, occurrences)
    return [_looked_at(session, service, zone, one, channel) for one in found]


def begin(
    session: Session,
    *,
    customer_id: int,
    service_id: int,
    staff_id: int | None,
    starts_on: date,
    starts: time,
    rhythm: str,
    occurrences: int,
    fixes: Mapping[int, str] | None = None,
    channel: Channel = Channel.PHONE,
    note: str | None = None,
    use: bool = False,
) -> BookingSeries:
    """Book a series, all of it or nothing; `fixes` says by number which key of the preview to take.

    With `use` what the customer has pays for the first of them, as many as it is enough for; the
    others cost money. Refuses with `Conflict`, which names the first one that cannot be had and
    why, and `NothingToUse` where nothing pays for any.
    """
    service = _service(session, service_id, staff_id)
    zone = zone_of(session, service.vendor_id)
    found = _occurrences(zone, staff_id, starts_on, starts, rhythm, occurrences)
    wanted = list(_fixed(found, fixes or {}))
    series = _agreed(
        session,
        BookingSeries(
            vendor_id=service.vendor_id, customer_id=customer_id, service_id=service_id,
            staff_id=staff_id, rhythm=rhythms.understood(rhythm), occurrences=occurrences,
            starts_on=starts_on, starts=starts,
        ),
    )  # fmt: skip
    paid = 0
    for one in wanted:
        pays = use and booking_uses.is_there(
            session, customer_id=customer_id, service=service, at=one.starts_at
        )
        paid += pays
        with named(zone, "booked", one.number, one.starts_at):
            bookings.book(
                session, customer_id=customer_id, service_id=service_id, staff_id=one.staff_id,
                starts_at=one.starts_at, channel=channel, note=note, series_id=series.id,
                series_number=one.number, use=pays,
            )  # fmt: skip
    if use and not paid:  # what was booked is rolled back with the refusal
        raise NothingToUse(field="use")
    return series


# --- behind the verbs ---------------------------------------------------------------------


def _service(session: Session, service_id: int, staff_id: int | None) -> Service:
    """What is repeated; refuses who does not do it."""
    service = session.get(Service, service_id)
    if service is None or not service.is_active:
        raise schedules.CannotBook(
            "This service is not offered any more: choose another.", field="service_id"
        )
    if service.kind not in REPEATED:
        raise NotRepeated(kind=service.kind)
    schedules.offer_of(session, service_id=service_id, staff_id=staff_id)
    return service


def _occurrences(
    zone: str, staff_id: int | None, starts_on: date, starts: time, rhythm: str, times: int
) -> list[Occurrence]:
    found = []
    for number, day in enumerate(rhythms.days(starts_on, rhythm, times), start=1):
        begins = rhythms.local_start(day, starts, zone)
        note = f"The clocks skip {starts:%H:%M}" if begins.skipped else None
        if note:
            note += f" that day: it begins at {at_wall(begins.starts_at, zone):%H:%M}."
        found.append(Occurrence(number, begins.starts_at, staff_id, note))
    if found[0].starts_at <= clock.now():
        raise InThePast
    return found


def _looked_at(
    session: Session, service: Service, zone: str, one: Occurrence, channel: Channel
) -> Occurrence:
    conflict = _conflict(session, service, one, channel)
    if conflict is None:
        return one
    nearby = [
        Fix(key, f"{says}, at {at_wall(moved.starts_at, zone):%H:%M}")
        for key, says in (("earlier", "Half an hour earlier"), ("later", "Half an hour later"))
        if _conflict(session, service, moved := _shifted(one, key), channel) is None
    ]
    others = _others(session, service, one)
    return replace(one, conflict=conflict, fixes=(*others, *nearby, SKIP))


def _conflict(session: Session, service: Service, one: Occurrence, channel: Channel) -> str | None:
    """Why this one cannot be had, as a sentence."""
    if one.starts_at <= clock.now():
        return str(InThePast())
    try:
        schedules.check(
            session, service_id=service.id, staff_id=one.staff_id, starts_at=one.starts_at,
            channel=channel,
        )  # fmt: skip
    except DomainError as refusal:  # the preview's very answer
        return str(refusal)
    return None


def _others(session: Session, service: Service, one: Occurrence) -> list[Fix]:
    """Who could do it at the same time instead."""
    if one.staff_id is None:
        return []
    free = schedules.free_staff(
        session, service_id=service.id, starts_at=one.starts_at, but=(one.staff_id,)
    )[:MOST_PROPOSED]
    named = select(StaffMember.id, StaffMember.name).where(StaffMember.id.in_(free))
    names = {row.id: row.name for row in session.execute(named)}
    return [Fix(f"staff:{other}", f"With {names[other]}") for other in free]


def _shifted(one: Occurrence, key: str) -> Occurrence:
    by = -HALF_AN_HOUR if key == "earlier" else HALF_AN_HOUR
    return replace(one, starts_at=one.starts_at + by)


def _fixed(found: Sequence[Occurrence], fixes: Mapping[int, str]) -> Iterator[Occurrence]:
    """The occurrences to book, each as its fix says."""
    unknown = set(fixes) - {one.number for one in found}
    if unknown:
        raise UnknownFix(number=min(unknown))
    if all(fixes.get(one.number) == SKIP.key for one in found):
        raise NothingLeft
    for one in found:
        key = fixes.get(one.number)
        if key is None:
            yield one
        elif key != SKIP.key:
            yield _with(one, key)


def _with(one: Occurrence, key: str) -> Occurrence:
    if key in ("earlier", "later"):
        return _shifted(one, key)
    word, _, number = key.partition(":")
    if word != "staff" or not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise UnknownFix(number=one.number)
    return replace(one, staff_id=int(number))


def _agreed(session: Session, series: BookingSeries) -> BookingSeries:
    """The series written down, unless the same one is there: two clicks make one."""
    _check_customer(session, series.customer_id, series.vendor_id)
    interests.hold(session, series.customer_id)  # of two clicks the second sees the first
    same = (
        select(BookingSeries.id)
        .join(Booking, Booking.series_id == BookingSeries.id)
        .where(BookingSeries.vendor_id == series.vendor_id)
        .where(BookingSeries.customer_id == series.customer_id)
        .where(BookingSeries.service_id == series.service_id)
        .where(BookingSeries.rhythm == series.rhythm)
        .where(BookingSeries.starts_on == series.starts_on, BookingSeries.starts == series.starts)
        .where(Booking.vendor_id == series.vendor_id, Booking.status.in_(STILL_TO_COME))
    )
    if session.scalars(same.limit(1)).first() is not None:
        raise AlreadyBegun
    session.add(series)
    session.flush()  # the id
    return series


def _check_customer(session: Session, customer_id: int, vendor_id: int) -> None:
    customer = still_here(session, customer_id)
    if customer is None or customer.vendor_id != vendor_id:
        raise schedules.CannotBook(
            "This customer is not here any more: choose one.", field="customer_id"
        )
