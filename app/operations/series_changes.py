"""Series that changed their mind: this one, or this and the following, moved or ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock, days
from app.database import refusals
from app.errors import DomainError, NotFound
from app.operations import bookings, rhythms
from app.operations.moves import locked
from app.operations.zones import zone_of
from models.booking_series import BookingSeries
from models.bookings import Booking, BookingStatus

STILL_TO_COME = (BookingStatus.PENDING, BookingStatus.CONFIRMED)


class Scope(StrEnum):
    THIS = "this"
    FOLLOWING = "following"


class Conflict(DomainError):
    sentence = "Nothing was {done}. Number {number}, {when}: {why}"


class NoSeries(DomainError):
    sentence = "This booking is no part of a series: change the booking itself."


class NoScope(DomainError):
    sentence = "Choose what to change: this one, or this and the following."
    field = "scope"


class NoChange(DomainError):
    sentence = "Nothing would change: choose another hour or another member of staff."
    field = "starts"


class HourIsOver(DomainError):
    sentence = "This hour is over by now: choose a later one."
    field = "starts"


class IsPast(DomainError):
    sentence = "What has begun or is over stays as it is: choose one that is still to come."


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
    zone = zone_of(session, series.vendor_id)
    agreed = [one for one in following if _as_agreed(series, chosen, one, zone)]
    for one in (chosen, *agreed):
        day = _local(one, zone).date() if one is chosen else _agreed_day(series, one)
        begins = rhythms.local_start(day, starts or _local(one, zone).time(), zone).starts_at
        with named(zone, "changed", one.series_number, begins):
            if begins <= clock.now():
                raise HourIsOver
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
    return at_wall(one.starts_at, zone)


def at_wall(moment: datetime, zone: str) -> datetime:
    """What the wall shows at an instant."""
    return moment.astimezone(ZoneInfo(zone))


@contextmanager
def named(zone: str, done: str, number: int | None, at: datetime) -> Iterator[None]:
    """A refusal of one occurrence, the database's too, says which one it is about."""
    try:
        with refusals():
            yield
    except DomainError as refusal:
        when = days.moment(at, ZoneInfo(zone))
        raise Conflict(
            done=done, number=number, when=when, why=refusal, field=refusal.field
        ) from refusal
