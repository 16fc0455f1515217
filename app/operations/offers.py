"""Offers: a slot or a seat held for one person of the line, until they answer or time is up."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app import clock, days
from app.errors import DomainError
from app.operations import announcing, bookings, class_sessions, gaps, schedules
from app.operations.customers import still_here
from app.operations.moves import locked, move
from app.operations.zones import zone_of
from models.bookings import Booking, BookingStatus, CancelledBy
from models.class_sessions import ClassSession, SessionStatus
from models.messages import MessageEvent as Event
from models.waitlist import WAIT_TRANSITIONS, WaitlistEntry, WaitStatus
from models.words import Channel

HELD_MINUTES = 30
MOST_MINUTES = 7 * 24 * 60
BATCH = 100


class NotMinutes(DomainError):
    sentence = "An offer is held from 1 minute to 7 days: say for how many minutes."
    field = "minutes"


class NoTime(DomainError):
    sentence = "Say which time is offered: choose one that is still to come."
    field = "starts_at"


class NoOffer(DomainError):
    sentence = "No offer stands here: it was answered, taken back, or went to somebody else."


class OfferIsOver(DomainError):
    sentence = "This offer was held until {when}: it goes to the next one who waits."


def leave(session: Session, *, entry_id: int) -> WaitlistEntry:
    """Take somebody out of the line; what was held for them goes to the next."""
    entry = locked(session, WaitlistEntry, entry_id)
    status, held = _step(entry, WaitStatus.CANCELLED), entry.booking_id
    _let_go(entry, status)
    _free(session, held, "Taken off the waitlist")
    return entry


def offer(
    session: Session,
    *,
    entry_id: int,
    starts_at: datetime | None = None,
    staff_id: int | None = None,
    class_session_id: int | None = None,
    ends_at: datetime | None = None,
    minutes: int = HELD_MINUTES,
) -> WaitlistEntry:
    """Hold a slot, or a seat in a class, for one person for so many minutes, and tell them.

    A pending booking holds it, so whether it is free is the database's decision, as ever. It is
    held until the time itself at the longest. Notice does not count: the vendor offers it.
    Refuses as `bookings.book` and `class_sessions.join` do.
    """
    if not 1 <= minutes <= MOST_MINUTES:
        raise NotMinutes
    entry = locked(session, WaitlistEntry, entry_id)
    status = _step(entry, WaitStatus.OFFERED)
    until = clock.now() + timedelta(minutes=minutes)
    class_id = class_session_id or entry.class_session_id
    if class_id is not None:
        booking = _seat(session, entry, class_id, until)
    else:
        booking = _slot(session, entry, starts_at, ends_at, staff_id, until)
    if booking.starts_at <= clock.now():
        raise NoTime
    booking.channel = entry.channel  # how they came; that they waited let them book by phone
    booking.held_until = min(until, booking.starts_at)
    entry.status, entry.booking_id, entry.held_until = status, booking.id, booking.held_until
    entry.offers += 1
    session.flush()  # one live offer a booking, says the index
    announcing.promise(session, booking, Event.BOOKING_OFFERED)
    return entry


def accept(session: Session, *, entry_id: int) -> Booking:
    """Say yes to an offer while it is held: the booking stands. Of two clicks the first counts."""
    entry = locked(session, WaitlistEntry, entry_id)
    booking = _offered(session, entry)
    if entry.held_until is None or entry.held_until <= clock.now():
        raise OfferIsOver(when=_when(session, entry))
    if still_here(session, entry.customer_id) is None:
        raise schedules.CannotBook("This customer is not here any more: decline the offer.")
    entry.status, entry.held_until = _step(entry, WaitStatus.BOOKED), None
    return bookings.confirm(session, booking_id=booking.id)


def decline(session: Session, *, entry_id: int) -> WaitlistEntry:
    """Say no to an offer: the next one is asked, and this one waits on, at the end of the line."""
    entry = locked(session, WaitlistEntry, entry_id)
    booking = _offered(session, entry)
    _back_in_line(session, entry)
    _free(session, booking.id, "The offer was declined")
    return entry


def lapse_due(session: Session, *, limit: int = BATCH) -> list[WaitlistEntry]:
    """End the offers that nobody answered in time, and let them go on; at most so many at once.

    The time goes to the next one, and who let it lapse waits on at the end of the line. An offer
    that staff settled meanwhile, by its booking, is settled here too.
    """
    now = clock.now()
    due = (
        select(WaitlistEntry, Booking)
        .join(Booking, gaps.of_entry(Booking, WaitlistEntry.booking_id))
        .where(WaitlistEntry.status == WaitStatus.OFFERED)
        .where(or_(WaitlistEntry.held_until <= now, Booking.status != BookingStatus.PENDING))
        .order_by(WaitlistEntry.held_until, WaitlistEntry.id)
        .limit(limit)
        .with_for_update(of=WaitlistEntry, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    found = session.execute(due).all()
    for entry, booking in found:
        _settle(session, entry, booking)
    return [entry for entry, _ in found]


def end_run_out(session: Session) -> int:
    """End the waiting whose last day is over; how many these were."""
    ended = session.execute(
        update(WaitlistEntry)
        .where(WaitlistEntry.status == WaitStatus.WAITING, WaitlistEntry.latest <= clock.now())
        .values(status=WaitStatus.EXPIRED)
        .returning(WaitlistEntry.id)
    )
    return len(ended.all())


def vendors_with_due(session: Session) -> Sequence[int]:
    """Which vendors have offers or waiting that are over."""
    now = clock.now()
    offered = (
        select(WaitlistEntry.vendor_id)
        .join(Booking, gaps.of_entry(Booking, WaitlistEntry.booking_id))
        .where(WaitlistEntry.status == WaitStatus.OFFERED)
        .where(or_(WaitlistEntry.held_until <= now, Booking.status != BookingStatus.PENDING))
    )
    over = select(WaitlistEntry.vendor_id).where(
        WaitlistEntry.status == WaitStatus.WAITING, WaitlistEntry.latest <= now
    )
    return sorted(set(session.scalars(offered.union(over))))


# --- behind the verbs ---------------------------------------------------------------------


def _seat(
    session: Session, entry: WaitlistEntry, class_session_id: int, until: datetime
) -> Booking:
    return class_sessions.join(
        session, class_session_id=class_session_id, customer_id=entry.customer_id,
        channel=Channel.PHONE, status=BookingStatus.PENDING, held_until=until,
    )  # fmt: skip


def _slot(
    session: Session,
    entry: WaitlistEntry,
    starts_at: datetime | None,
    ends_at: datetime | None,
    staff_id: int | None,
    until: datetime,
) -> Booking:
    if starts_at is None:
        raise NoTime
    return bookings.book(
        session, customer_id=entry.customer_id, service_id=entry.service_id,
        starts_at=starts_at, ends_at=ends_at, staff_id=staff_id or entry.staff_id,
        channel=Channel.PHONE, held_until=until,
    )  # fmt: skip


def _step(entry: WaitlistEntry, to: WaitStatus) -> WaitStatus:
    return move("waitlist entry", WAIT_TRANSITIONS, WaitStatus(entry.status), to)


def _offered(session: Session, entry: WaitlistEntry) -> Booking:
    """The booking that holds what is offered, held."""
    if entry.status != WaitStatus.OFFERED or entry.booking_id is None:
        raise NoOffer
    booking = locked(session, Booking, entry.booking_id)
    if booking.status != BookingStatus.PENDING:
        raise NoOffer
    return booking


def _let_go(entry: WaitlistEntry, to: WaitStatus) -> None:
    entry.status, entry.booking_id, entry.held_until = to, None, None


def _back_in_line(session: Session, entry: WaitlistEntry) -> None:
    """At the end of the line; out of it, if there is nothing left to wait for."""
    over = entry.latest <= clock.now()
    if entry.class_session_id is not None:
        found = session.get_one(ClassSession, entry.class_session_id)
        over = found.status != SessionStatus.SCHEDULED or found.starts_at <= clock.now()
    _let_go(entry, _step(entry, WaitStatus.EXPIRED if over else WaitStatus.WAITING))
    entry.queued_at = clock.now()


def _settle(session: Session, entry: WaitlistEntry, booking: Booking) -> None:
    if booking.status == BookingStatus.PENDING:
        _back_in_line(session, entry)
        _free(session, booking.id, "The offer was not answered in time")
    elif booking.status in (BookingStatus.CANCELLED, BookingStatus.NO_SHOW):
        _back_in_line(session, entry)
    else:
        entry.status, entry.held_until = _step(entry, WaitStatus.BOOKED), None
    session.flush()  # what is read next is settled


def _free(session: Session, booking_id: int | None, reason: str) -> None:
    """Give back what was held; who waits is offered it."""
    if booking_id is None:
        return
    booking = locked(session, Booking, booking_id)
    if booking.status == BookingStatus.PENDING:
        bookings.cancel(session, booking_id=booking_id, by=CancelledBy.SYSTEM, reason=reason)


def _when(session: Session, entry: WaitlistEntry) -> str:
    zone = ZoneInfo(zone_of(session, entry.vendor_id))
    return days.moment(entry.held_until or clock.now(), zone)
