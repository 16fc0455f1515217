"""Bookings: promised, and moved. The exclusion constraints judge who has a slot."""

from datetime import datetime
from decimal import Decimal
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.database import insert_quickly
from app.money import rounded
from app.operations import (
    announcing,
    booking_times,
    booking_uses,
    claims,
    deals,
    freeing,
    parties,
    perks,
    policies,
)
from app.operations.booking_times import NoNights
from app.operations.deals import ClassIsFull
from app.operations.hours import Span, Wall
from app.operations.moves import locked
from app.operations.outcomes import (
    NeedsReason,
    NotSomebody,
    NotYet,
    cancel,
    cancellation,
    check_in,
    complete,
    confirm,
    mark_no_show,
    reasoned,
    reopen,
    who,
)
from app.operations.policies import Fee, MayNotMove, MovedTooOften
from app.operations.schedules import CannotBook, EndsBeforeStart, RoomTaken, SlotTaken
from app.operations.unfinished import lacks_outcome, needs_outcome
from models.bookings import Booking, BookingStatus, CancelledBy
from models.messages import MessageEvent as Event
from models.services import Service, ServiceKind
from models.vendors import Vendor
from models.words import Channel

__all__ = [
    "CannotBook",
    "ClassIsFull",
    "EndsBeforeStart",
    "Fee",
    "MayNotMove",
    "MovedTooOften",
    "NeedsReason",
    "NoNights",
    "NotSomebody",
    "NotYet",
    "RoomTaken",
    "SlotTaken",
    "book",
    "cancel",
    "cancellation",
    "check_in",
    "complete",
    "confirm",
    "lacks_outcome",
    "mark_no_show",
    "needs_outcome",
    "reopen",
    "reschedule",
]


NO_DEPOSIT = Decimal("0.00")
MOVABLE = (BookingStatus.PENDING, BookingStatus.CONFIRMED)


def book(
    session: Session,
    *,
    customer_id: int,
    service_id: int,
    starts_at: datetime,
    ends_at: datetime | None = None,
    staff_id: int | None = None,
    channel: Channel = Channel.WALK_IN,
    price: Decimal | None = None,
    note: str | None = None,
    anyway: str | None = None,
    seats: int = 1,
    class_session_id: int | None = None,
    nights: int | None = None,
    series_id: int | None = None,
    series_number: int | None = None,
    status: BookingStatus = BookingStatus.PENDING,
    held_until: datetime | None = None,
    use: bool = False,
    holding_id: int | None = None,
    membership_id: int | None = None,
) -> Booking:
    """Promise a slot; whether it is free is the database's decision, so two clicks cannot both win.

    Times without an offset are wall time where the vendor is. Without `ends_at` it lasts as long
    as `staff_id` needs for it; a stay goes from check-in to check-out, by `nights` or the day of
    `ends_at`; a class has its own times and person. Without `price` that of the staff member, the
    nights and the seats is frozen, and with it the deposit and the terms. `anyway` is the reason
    for which it may overlap: then it blocks nobody and claims no room. With `held_until` it is an
    offer. Refuses as `schedules.check` does, and with `ClassIsFull` and `NoNights`.

    A member has the member's price. With `use` it is paid for by what the customer has that ends
    first, or by the package or the membership that is named: then it costs nothing, and a use a
    place, or a night, is held. Refuses `NothingToUse`, and `MembersOnly` to who is no member.
    """
    found = parties.between(
        session, customer_id=customer_id, service_id=service_id, staff_id=staff_id
    )
    service, wall = found.service, found.wall
    channel, status = Channel(channel), _first(status, held_until)
    reason = reasoned(anyway, "anyway")
    _check_seats(service, seats)
    if service.kind == ServiceKind.CLASS:
        deal = deals.of_class(session, service, wall, class_session_id, seats, channel, reason)
    else:
        when = booking_times.wanted(service, wall, starts_at, ends_at, nights)
        deal = deals.of_time(
            session, service, wall, when, staff_id, channel, reason,
            offer=found.offer, needs=found.needs,
        )  # fmt: skip
    agreed = perks.agreed(
        session, service, deal, wall, customer_id, seats, asked=found.has_perks,
        use=use or holding_id is not None or membership_id is not None,
        named=(holding_id, membership_id), price=price,
    )  # fmt: skip
    values = dict(
        vendor_id=service.vendor_id,
        public_ref=uuid4(),
        customer_id=customer_id,
        service_id=service_id,
        staff_id=deal.staff_id,
        kind=service.kind,
        channel=channel,
        status=status,
        price=agreed.price,
        deposit=NO_DEPOSIT if agreed.pot else service.deposit,
        seats=seats,
        class_session_id=deal.class_session_id,
        series_id=series_id,
        series_number=series_number,
        terms=found.terms,
        overbooked=reason,
        held_until=held_until,
        note=note or None,
        **deal.times,
    )
    booking = insert_quickly(session, Booking, values)  # the exclusion constraints give a verdict
    claims.take(session, booking, deal.units)
    if agreed.pot is not None:
        booking_uses.hold(session, booking, service, agreed.pot, agreed.uses)
    if status == BookingStatus.CONFIRMED and booking.starts_at > clock.now():
        announcing.promise(session, booking, Event.BOOKING_CONFIRMED)
    return booking


def reschedule(
    session: Session,
    *,
    booking_id: int,
    starts_at: datetime,
    ends_at: datetime | None = None,
    staff_id: int | None = None,
    by: str = CancelledBy.VENDOR,
    anyway: str | None = None,
) -> Booking:
    """Move a booking that still stands to another time and to `staff_id` (None: nobody yet).

    Without `ends_at` it stays as long as it was. Price, deposit and terms go along; a stay of
    other nights costs so much more or less. By a customer it is moved as often as the terms say,
    and with the notice that was asked for. Refuses as `book` does, and with `MovedTooOften`.
    """
    booking = locked(session, Booking, booking_id)
    _check_movable(booking)
    if who(by) == CancelledBy.CUSTOMER:
        policies.check_moves(booking.terms, moves=booking.moves)
    service, wall = booking.service, _wall(session, booking.vendor_id)
    was, reason = (booking.starts_at, booking.ends_at), reasoned(anyway, "anyway")
    blocked = None if booking.overbooked else booking.staff_id
    when = _kept_length(service, wall, was, starts_at, ends_at)
    perks.check_length(session, booking, wall, was, when)
    if (when, staff_id) == (was, booking.staff_id) and reason is None and not booking.overbooked:
        return booking
    deal = deals.of_time(
        session, service, wall, when, staff_id,
        Channel(booking.channel) if by == CancelledBy.CUSTOMER else Channel.PHONE,
        reason, moving=booking.id,
    )  # fmt: skip
    units = claims.change(session, booking, deal.units, deal.times)
    booking.price = _price_of_nights(booking, wall, was, when)
    for name, value in (*deal.times.items(), ("staff_id", staff_id), ("overbooked", reason)):
        setattr(booking, name, value)
    booking.moves += by == CancelledBy.CUSTOMER
    booking.sequence += 1
    session.flush()  # the verdict of the exclusion constraints
    claims.take(session, booking, units)
    if booking.starts_at > clock.now():
        announcing.promise(
            session, booking, Event.BOOKING_MOVED, was=was[0] if when != was else None
        )
    if blocked is not None:
        freeing.moved(session, booking, starts_at=was[0], ends_at=was[1], staff_id=blocked)
    return booking


# --- what stays as it was -----------------------------------------------------------------------


def _kept_length(
    service: Service, wall: Wall, was: Span, starts_at: datetime, ends_at: datetime | None
) -> tuple[datetime, datetime]:
    """The new times; without an end as many nights, or as many minutes, as it was."""
    nights = None if ends_at is not None else booking_times.nights_of(wall, *was)
    starts, ends = booking_times.wanted(service, wall, starts_at, ends_at, nights)
    return starts, starts + (was[1] - was[0]) if ends is None else ends


def _price_of_nights(booking: Booking, wall: Wall, was: Span, when: Span) -> Decimal:
    """What the agreed price of a night comes to; of anything else the agreed price."""
    if booking.kind != ServiceKind.STAY:
        return booking.price
    before, after = (booking_times.nights_of(wall, *span) for span in (was, when))
    return booking.price if before == after else rounded(booking.price * after / before)


# --- what cannot be booked ----------------------------------------------------------------


def _check_movable(booking: Booking) -> None:
    if booking.status not in MOVABLE:
        raise CannotBook("Only a booking that is still to come can be moved: book a new one.")
    if booking.class_session_id is not None:
        raise CannotBook("This is a place in a class: cancel it, and book another class.")
    if booking.held_until is not None:
        raise CannotBook("This time is offered to somebody: wait for the answer.")


def _check_seats(service: Service, seats: int) -> None:
    if seats < 1:
        raise CannotBook("Nobody would come: book one place or more.", field="seats")
    if seats > 1 and service.kind != ServiceKind.CLASS:
        raise CannotBook("Only a class has places: book it once for everybody.", field="seats")


def _first(status: str, held_until: datetime | None) -> BookingStatus:
    """The status in which a booking begins."""
    allowed = MOVABLE if held_until is None else (BookingStatus.PENDING,)
    if status not in allowed:
        raise CannotBook("A booking begins as pending or confirmed.", field="status")
    return BookingStatus(status)


def _wall(session: Session, vendor_id: int) -> Wall:
    return Wall(session.scalars(select(Vendor.time_zone).where(Vendor.id == vendor_id)).one())
