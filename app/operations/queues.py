"""The line: who waits for a seat in a class, or for a service in a window of days and hours."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock, days
from app.errors import DomainError, NotFound
from app.operations import class_sessions, gaps, interests, schedules
from app.operations.customers import clean, still_here
from app.operations.moves import locked
from app.operations.zones import instant, zone_of
from models.bookings import Booking, BookingStatus
from models.class_sessions import ClassSession, SessionStatus
from models.services import Service
from models.waitlist import WaitlistEntry, WaitStatus
from models.words import Channel

LONGEST_WAIT = timedelta(days=366)
LONGEST_NOTE = 500
LIVE = (WaitStatus.WAITING, WaitStatus.OFFERED)


class CannotWait(DomainError):
    sentence = "Nobody can wait for this: choose a service or a class that is still to come."


class AlreadyWaiting(DomainError):
    sentence = "This customer waits for this already: change that entry instead."
    field = "customer_id"


class SeatsLeft(DomainError):
    sentence = "There are seats left in this class: book one instead of waiting."
    field = "class_session_id"


class BadWindow(DomainError):
    sentence = "The time to wait ends before it begins: choose a later end."
    field = "latest"


class NoLongerWaits(DomainError):
    sentence = "They do not wait any more: put them on the waitlist anew."


class OfferStands(DomainError):
    sentence = (
        "They are offered {when}, which would not suit them any more: let them answer first, or"
        " leave that time in."
    )
    field = "earliest"


class OfOneClass(DomainError):
    sentence = "They wait for one class, at its own time: leave the days, hours and person empty."
    field = "staff_id"


def join(
    session: Session,
    *,
    customer_id: int,
    service_id: int | None = None,
    class_session_id: int | None = None,
    staff_id: int | None = None,
    earliest: datetime | None = None,
    latest: datetime | None = None,
    from_time: time | None = None,
    until_time: time | None = None,
    channel: Channel = Channel.PHONE,
    note: str | None = None,
) -> WaitlistEntry:
    """Put a customer at the end of the line, for a seat in a class or a service in a window.

    `earliest` (empty: now) and `latest` bound the days, `from_time` and `until_time` the hours of
    the vendor's wall; the whole booking lies within. Nobody waits twice for the same.
    """
    customer = still_here(session, customer_id)
    if customer is None:
        raise schedules.CannotBook(
            "This customer is not here any more: choose one.", field="customer_id"
        )
    entry = WaitlistEntry(
        vendor_id=customer.vendor_id, customer_id=customer_id, staff_id=staff_id,
        channel=Channel(channel), queued_at=clock.now(), created_at=clock.now(),
        status=WaitStatus.WAITING, note=clean(note, "note", longest=LONGEST_NOTE),
    )  # fmt: skip
    if class_session_id is not None:
        _wait_for_class(session, entry, class_session_id)
    else:
        _wait_for_service(session, entry, service_id)
        _wait_within(session, entry, earliest, latest, from_time, until_time)
    interests.hold(session, customer_id)  # of two clicks the second sees the first
    _check_once(session, entry)
    session.add(entry)
    session.flush()  # the id
    return entry


def change(
    session: Session,
    *,
    entry_id: int,
    staff_id: int | None = None,
    earliest: datetime | None = None,
    latest: datetime | None = None,
    from_time: time | None = None,
    until_time: time | None = None,
    note: str | None = None,
) -> WaitlistEntry:
    """Let who waits ask for other days, hours or another person; their place in the line stays.

    Everything is said anew, as in `join`, and what is left out is not asked for any more; the
    service stays, and of who waits for one class only the note changes. What is offered to them
    stands: `OfferStands` refuses a wish that it would not fit any more. Refuses `NoLongerWaits`
    once the entry is settled, and `AlreadyWaiting` where another entry asks for the same.
    """
    entry = hold(session, entry_id=entry_id)
    if entry.status not in LIVE:
        raise NoLongerWaits
    offered = _offered(session, entry)
    suited = offered is not None and _suited_by(session, entry, offered)
    if entry.class_session_id is None:
        if staff_id not in (None, entry.staff_id):  # refuses who does not do it
            schedules.offer_of(session, service_id=entry.service_id, staff_id=staff_id)
        entry.staff_id = staff_id
        _wait_within(session, entry, earliest, latest, from_time, until_time)
        _check_once(session, entry)
    elif any(said is not None for said in (staff_id, earliest, latest, from_time, until_time)):
        raise OfOneClass
    if suited and offered is not None and not _suited_by(session, entry, offered):
        zone = ZoneInfo(zone_of(session, entry.vendor_id))
        raise OfferStands(when=days.moment(offered.starts_at, zone))
    entry.note = clean(note, "note", longest=LONGEST_NOTE)
    session.flush()  # one change, one line in the trail
    return entry


def hold(session: Session, *, entry_id: int) -> WaitlistEntry:
    """An entry with its customer, held in the order in which others hold them."""
    known = session.get(WaitlistEntry, entry_id)
    if known is None:
        raise NotFound
    interests.hold(session, known.customer_id)  # of two changes the second sees the first
    return locked(session, WaitlistEntry, entry_id)


# --- behind the verbs ---------------------------------------------------------------------


def _offered(session: Session, entry: WaitlistEntry) -> Booking | None:
    """The booking that holds a time for them now, if any."""
    booking = None if entry.booking_id is None else session.get(Booking, entry.booking_id)
    if booking is None or booking.status != BookingStatus.PENDING:
        return None
    over = entry.held_until is None or entry.held_until <= clock.now()
    return None if over else booking


def _suited_by(session: Session, entry: WaitlistEntry, booking: Booking) -> bool:
    """Whether a booking is what they wait for; a place in their class always is."""
    if entry.class_session_id is not None:
        return True
    zone = zone_of(session, entry.vendor_id)
    whom = entry.staff_id in (None, booking.staff_id)
    return whom and gaps.suits(entry, booking.starts_at, booking.ends_at, zone)


def _wait_for_class(session: Session, entry: WaitlistEntry, class_session_id: int) -> None:
    found = session.get(
        ClassSession, class_session_id, with_for_update={"read": True}, populate_existing=True
    )
    if found is None or found.vendor_id != entry.vendor_id:
        raise CannotWait(field="class_session_id")
    if found.status != SessionStatus.SCHEDULED or found.starts_at <= clock.now():
        raise CannotWait(field="class_session_id")
    if found.taken < found.seats:
        raise SeatsLeft
    entry.class_session_id, entry.service_id = found.id, found.service_id
    entry.staff_id = None
    entry.earliest, entry.latest = clock.now(), found.starts_at


def _wait_for_service(session: Session, entry: WaitlistEntry, service_id: int | None) -> None:
    service = None if service_id is None else session.get(Service, service_id)
    if service is None or service.vendor_id != entry.vendor_id or not service.is_active:
        raise CannotWait(field="service_id")
    if entry.staff_id is not None:  # refuses who does not do it
        schedules.offer_of(session, service_id=service.id, staff_id=entry.staff_id)
    entry.service_id = service.id


def _wait_within(
    session: Session,
    entry: WaitlistEntry,
    earliest: datetime | None,
    latest: datetime | None,
    from_time: time | None,
    until_time: time | None,
) -> None:
    zone, now = zone_of(session, entry.vendor_id), clock.now()
    if latest is None:
        raise BadWindow("Until when would they come? Choose a last day.")
    since = now if earliest is None else instant(earliest, zone, field="earliest")
    until = instant(latest, zone, field="latest")
    if until <= max(since, now):
        raise BadWindow
    if until - since > LONGEST_WAIT:
        raise BadWindow("Nobody waits longer than a year: choose an earlier end.")
    begins = from_time or None
    over = None if until_time in (None, time(0)) else until_time  # midnight is the day's end
    if begins is not None and over is not None and over <= begins:
        raise BadWindow("The hours end before they begin: choose a later hour.", field="until_time")
    entry.earliest, entry.latest, entry.from_time, entry.until_time = since, until, begins, over


def _check_once(session: Session, entry: WaitlistEntry) -> None:
    """Refuse who waits for the same already, or has a place in that class."""
    same = (
        select(WaitlistEntry.id)
        .where(WaitlistEntry.vendor_id == entry.vendor_id)
        .where(WaitlistEntry.id.is_distinct_from(entry.id))
        .where(WaitlistEntry.customer_id == entry.customer_id)
        .where(WaitlistEntry.service_id == entry.service_id, WaitlistEntry.status.in_(LIVE))
        .where(WaitlistEntry.class_session_id.is_not_distinct_from(entry.class_session_id))
        .where(WaitlistEntry.staff_id.is_not_distinct_from(entry.staff_id))
        .where(WaitlistEntry.from_time.is_not_distinct_from(entry.from_time))
        .where(WaitlistEntry.until_time.is_not_distinct_from(entry.until_time))
        .where(WaitlistEntry.earliest < entry.latest, WaitlistEntry.latest > entry.earliest)
    )
    if (known := session.scalars(same.limit(1)).first()) is not None:
        raise AlreadyWaiting(entry_id=known)
    if entry.class_session_id is None:
        return
    inside = (
        select(Booking.id)
        .where(Booking.vendor_id == entry.vendor_id)
        .where(Booking.class_session_id == entry.class_session_id)
        .where(Booking.customer_id == entry.customer_id, Booking.status.in_(gaps.STANDING))
    )
    if session.scalars(inside.limit(1)).first() is not None:
        raise class_sessions.AlreadyIn
