"""The waitlist: who wants a time or a seat that is taken, and who is offered what became free."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError, NotFound
from app.operations import (
    announcing,
    bookings,
    class_sessions,
    gaps,
    interests,
    outcomes,
    schedules,
)
from app.operations.announcing import Event
from app.operations.customers import clean, still_here
from app.operations.gaps import Candidate, Gap
from app.operations.moves import locked, move
from app.operations.zones import instant
from app.tenancy import current_actor
from models.bookings import Booking, BookingStatus, CancelledBy
from models.class_sessions import ClassSession, SessionStatus
from models.services import Service
from models.staff import StaffMember
from models.vendors import Vendor
from models.waitlist import WAIT_TRANSITIONS, WaitlistEntry, WaitStatus
from models.words import Channel

HELD_MINUTES = 30
MOST_MINUTES = 7 * 24 * 60
LONGEST_WAIT = timedelta(days=366)
LONGEST_NOTE = 500
BATCH = 100
LONG_AGO = datetime(1990, 1, 1, tzinfo=UTC)
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
    announcing.promise(session, booking, Event.OFFER)
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
    gap = Gap(home, _zone(session, home), starts_at, ends_at, staff_id, service_id)
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
        found.vendor_id, _zone(session, found.vendor_id), found.starts_at, found.ends_at,
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
    zone = _zone(session, home)
    since = instant(starts_at, zone, field="starts_at")
    until = instant(ends_at, zone, field="ends_at")
    if until <= since:
        raise schedules.EndsBeforeStart
    return gaps.ranked(session, Gap(home, zone, since, until, staff_id, service_id), limit=limit)


# --- behind the verbs ---------------------------------------------------------------------


def _zone(session: Session, vendor_id: int) -> str:
    return session.scalars(select(Vendor.time_zone).where(Vendor.id == vendor_id)).one()


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
    zone, now = _zone(session, entry.vendor_id), clock.now()
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
        .where(WaitlistEntry.customer_id == entry.customer_id)
        .where(WaitlistEntry.service_id == entry.service_id, WaitlistEntry.status.in_(LIVE))
        .where(WaitlistEntry.class_session_id.is_not_distinct_from(entry.class_session_id))
        .where(WaitlistEntry.staff_id.is_not_distinct_from(entry.staff_id))
        .where(WaitlistEntry.from_time.is_not_distinct_from(entry.from_time))
        .where(WaitlistEntry.until_time.is_not_distinct_from(entry.until_time))
        .where(WaitlistEntry.earliest < entry.latest, WaitlistEntry.latest > entry.earliest)
    )
    if session.scalars(same.limit(1)).first() is not None:
        raise AlreadyWaiting
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
    zone = ZoneInfo(_zone(session, entry.vendor_id))
    return announcing.moment(entry.held_until or clock.now(), zone)


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
