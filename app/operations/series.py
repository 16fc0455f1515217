"""Series: the same booking every week, two weeks or month; previewed, then all of it or nothing."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.database import refusals
from app.errors import DomainError, NotFound
from app.operations import announcing, bookings, interests, rhythms, schedules
from app.operations.customers import still_here
from app.operations.moves import locked
from models.booking_series import BookingSeries
from models.bookings import Booking, BookingStatus
from models.services import Service, ServiceKind
from models.staff import StaffMember
from models.vendors import Vendor
from models.words import Channel

HALF_AN_HOUR = timedelta(minutes=30)
MOST_PROPOSED = 3
STILL_TO_COME = (BookingStatus.PENDING, BookingStatus.CONFIRMED)
REPEATED = (ServiceKind.APPOINTMENT, ServiceKind.LAB_TEST)


class Scope(StrEnum):
    THIS = "this"
    FOLLOWING = "following"


class Conflict(DomainError):
    sentence = "Nothing was {done}. Number {number}, {when}: {why}"


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


class NoSeries(DomainError):
    sentence = "This booking is no part of a series: change the booking itself."


class NoScope(DomainError):
    sentence = "Choose what to change: this one, or this and the following."
    field = "scope"


class NoChange(DomainError):
    sentence = "Nothing would change: choose another hour or another member of staff."
    field = "starts"


class IsPast(DomainError):
    sentence = "What has begun or is over stays as it is: choose one that is still to come."


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
    zone = _zone(session, service.vendor_id)
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
) -> BookingSeries:
    """Book a series, all of it or nothing; `fixes` says by number which key of the preview to take.

    Refuses with `Conflict`, which names the first one that cannot be had and why.
    """
    service = _service(session, service_id, staff_id)
    zone = _zone(session, service.vendor_id)
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
    for one in wanted:
        with _named(zone, "booked", one.number, one.starts_at):
            bookings.book(
                session, customer_id=customer_id, service_id=service_id, staff_id=one.staff_id,
                starts_at=one.starts_at, channel=channel, note=note, series_id=series.id,
                series_number=one.number,
            )  # fmt: skip
    return series


def change(
    session: Session,
    *,
    booking_id: int,
    scope: str = Scope.THIS,
    starts: time | None = None,
    staff_id: int | None = None,
) -> list[Booking]:
    """Give this one, or this and the following, another hour or another member of staff.

    All or nothing; the ones that were changed. What has begun stays as it is, and so does one
    that was moved by itself before. The hour is the vendor's wall time, on each one's own day.
    """
    if starts is None and staff_id is None:
        raise NoChange
    series, chosen, following = _from(session, booking_id, scope)
    zone = _zone(session, series.vendor_id)
    agreed = [one for one in following if _as_agreed(series, chosen, one, zone)]
    for one in (chosen, *agreed):
        day = _local(one, zone).date() if one is chosen else _agreed_day(series, one)
        begins = rhythms.local_start(day, starts or _local(one, zone).time(), zone).starts_at
        with _named(zone, "changed", one.series_number, begins):
            bookings.reschedule(
                session, booking_id=one.id, starts_at=begins, staff_id=staff_id or one.staff_id
            )
    if scope == Scope.FOLLOWING:
        series.starts = starts or series.starts
        series.staff_id = staff_id or series.staff_id
    session.flush()  # what is read next is as agreed now
    return [chosen, *agreed]


def end(
    session: Session,
    *,
    booking_id: int,
    scope: str = Scope.FOLLOWING,
    by: str = "vendor",
    reason: str | None = None,
) -> list[Booking]:
    """Cancel this one, or this and all that follow; the ones that were cancelled.

    What has begun or is over stays as it is. `by` says who calls it off: fees follow from that.
    """
    _, chosen, following = _from(session, booking_id, scope)
    return [
        bookings.cancel(session, booking_id=one.id, by=by, reason=reason)
        for one in (chosen, *following)
    ]


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


def _zone(session: Session, vendor_id: int) -> str:
    return session.scalars(select(Vendor.time_zone).where(Vendor.id == vendor_id)).one()


def _occurrences(
    zone: str, staff_id: int | None, starts_on: date, starts: time, rhythm: str, times: int
) -> list[Occurrence]:
    found = []
    for number, day in enumerate(rhythms.days(starts_on, rhythm, times), start=1):
        begins = rhythms.local_start(day, starts, zone)
        note = f"The clocks skip {starts:%H:%M}" if begins.skipped else None
        if note:
            note += f" that day: it begins at {_at(begins.starts_at, zone):%H:%M}."
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
        Fix(key, f"{says}, at {_at(moved.starts_at, zone):%H:%M}")
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
    customer = still_here(session, series.customer_id)
    if customer is None or customer.vendor_id != series.vendor_id:
        raise schedules.CannotBook(
            "This customer is not here any more: choose one.", field="customer_id"
        )
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


def _from(
    session: Session, booking_id: int, scope: str
) -> tuple[BookingSeries, Booking, list[Booking]]:
    """The series, held, the booking that was chosen, and those after it that `scope` means."""
    if scope not in set(Scope):
        raise NoScope
    known = session.get(Booking, booking_id)
    if known is None:
        raise NotFound
    if known.series_id is None or known.series_number is None:
        raise NoSeries
    series = locked(session, BookingSeries, known.series_id)
    standing = (
        select(Booking)
        .where(Booking.vendor_id == series.vendor_id, Booking.series_id == series.id)
        .where(Booking.series_number >= known.series_number)
        .where(Booking.starts_at > clock.now(), Booking.status.in_(STILL_TO_COME))
        .order_by(Booking.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {one.id: one for one in session.scalars(standing)}
    if booking_id not in found:
        raise IsPast
    chosen = found.pop(booking_id)
    return series, chosen, list(found.values()) if scope == Scope.FOLLOWING else []


def _as_agreed(series: BookingSeries, chosen: Booking, one: Booking, zone: str) -> bool:
    """Whether a booking still goes with the others, at the hour of the series or of `chosen`."""
    day = _agreed_day(series, one)
    hours = ((series.starts, series.staff_id), (_local(chosen, zone).time(), chosen.staff_id))
    return any(
        one.staff_id == staff_id
        and one.starts_at == rhythms.local_start(day, starts, zone).starts_at
        for starts, staff_id in hours
    )


def _agreed_day(series: BookingSeries, one: Booking) -> date:
    return rhythms.day(series.starts_on, series.rhythm, one.series_number or 1)


def _local(one: Booking, zone: str) -> datetime:
    return _at(one.starts_at, zone)


def _at(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone))


@contextmanager
def _named(zone: str, done: str, number: int | None, at: datetime) -> Iterator[None]:
    """A refusal of one occurrence, the database's too, says which one it is about."""
    try:
        with refusals():
            yield
    except DomainError as refusal:
        when = announcing.moment(at, ZoneInfo(zone))
        raise Conflict(
            done=done, number=number, when=when, why=refusal, field=refusal.field
        ) from refusal
