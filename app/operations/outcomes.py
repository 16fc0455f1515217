"""What becomes of a booking: confirmed, here, done, called off, not come; and what that costs."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock, days
from app.errors import DomainError, NotFound
from app.operations import (
    announcing,
    booking_uses,
    claims,
    consumption,
    covers,
    earning,
    freeing,
    happenings,
    interests,
    policies,
    settling,
)
from app.operations.customers import clean
from app.operations.moves import locked, move
from app.operations.policies import Fee
from models.bookings import BOOKING_TRANSITIONS, Booking, BookingStatus, CancelledBy
from models.messages import MessageEvent as Event
from models.services import Service
from models.staff import StaffMember
from models.vendors import Vendor
from models.words import InterestKind

BLOCKING = (BookingStatus.PENDING, BookingStatus.CONFIRMED, BookingStatus.CHECKED_IN)
LONGEST_REASON = 500
NO_FEE = Decimal("0.00")


class NotYet(DomainError):
    sentence = "This booking begins only on {when}: wait until then, or cancel it."


class NeedsReason(DomainError):
    sentence = "Say why: write a reason."


class NotSomebody(DomainError):
    sentence = "Say who it is: the customer, the vendor or the system."
    field = "by"


def confirm(session: Session, *, booking_id: int) -> Booking:
    """Say yes to a booking that was only asked for, or offered."""
    booking = _stepped(
        session, booking_id, BookingStatus.CONFIRMED, only_from=BookingStatus.PENDING
    )
    booking.held_until = None
    booking.sequence += 1
    session.flush()  # a booking that stands asks the exclusion constraints
    if booking.starts_at > clock.now():
        announcing.promise(session, booking, Event.BOOKING_CONFIRMED)
    return booking


def check_in(session: Session, *, booking_id: int) -> Booking:
    """The customer is here."""
    booking = _stepped(session, booking_id, BookingStatus.CHECKED_IN)
    booking.checked_in_at = clock.now()
    session.flush()  # one change, one line in the trail
    return booking


def complete(session: Session, *, booking_id: int) -> Booking:
    """The service was given: from now on it is a visit, and what the customer is interested in.

    What the service uses up leaves the stock, as far as it is there. A no-show that came after all
    is corrected this way too, and owes nothing for it.
    """
    booking = locked(session, Booking, booking_id)
    was_no_show = booking.status == BookingStatus.NO_SHOW
    booking.status = move(
        "booking", BOOKING_TRANSITIONS, BookingStatus(booking.status), BookingStatus.COMPLETED
    )
    booking.completed_at = clock.now()
    _owe(booking, NO_FEE, None)
    session.flush()  # one change, one line in the trail
    consumption.consume(session, booking_id=booking.id)  # shelves are held before customers
    booking_uses.given(session, booking, was_no_show=was_no_show)
    _record_visit(session, booking, was_no_show=was_no_show)
    earning.of_visit(session, booking)
    covers.start_of_service(session, booking_id=booking.id)
    announcing.promise(session, booking, Event.BOOKING_COMPLETED)
    return booking


def cancel(
    session: Session,
    *,
    booking_id: int,
    reason: str | None = None,
    by: str = CancelledBy.VENDOR,
    waive: str | None = None,
) -> Booking:
    """Call a booking off; its time, seats and rooms are free again, and offered to who waits.

    A customer owes what the terms say that the booking was made under; `waive` is why it is let
    go. What the vendor or the system calls off costs nothing. Uses of a package or a membership
    that were held for it are forfeited where a fee would be owed, else they are free again.
    """
    whose = who(by)
    booking = _stepped(session, booking_id, BookingStatus.CANCELLED)
    now, was_offer = clock.now(), booking.held_until is not None
    fee = _fee_of_cancelling(booking, whose, now)
    _owe(booking, fee.amount, waive)
    booking.cancelled_at, booking.cancelled_by = now, whose
    booking.cancel_reason = clean(reason, "reason", longest=LONGEST_REASON)
    booking.sequence += 1
    session.flush()  # who waits finds the time free
    booking_uses.called_off(session, booking, too_late=bool(fee.percent) and waive is None)
    if booking.ends_at > now and not was_offer:
        announcing.promise(session, booking, Event.BOOKING_CANCELLED)
    if booking.overbooked is None:  # what blocked nobody frees nothing
        freeing.cancelled(session, booking)
    return booking


def cancellation(session: Session, *, booking_id: int, by: str, at: datetime | None = None) -> Fee:
    """What calling a booking off would cost at `at` (an aware moment; empty: now), and why."""
    booking = session.get(Booking, booking_id)
    if booking is None:
        raise NotFound
    return _fee_of_cancelling(booking, who(by), at or clock.now())


def mark_no_show(session: Session, *, booking_id: int, waive: str | None = None) -> Booking:
    """The customer did not come and owes what the terms say; refused before the booking begins.

    `waive` is why the fee is let go.
    """
    booking = _stepped(session, booking_id, BookingStatus.NO_SHOW)
    if booking.starts_at > clock.now():  # what was moved is rolled back with the refusal
        raise NotYet(when=_when(session, booking))
    fee = policies.of_not_coming(booking.terms, price=booking.price)
    _owe(booking, fee.amount, waive)
    booking.sequence += 1
    session.flush()  # one change, one line in the trail
    booking_uses.called_off(session, booking, too_late=bool(fee.percent) and waive is None)
    interests.hold(session, booking.customer_id)
    interests.count(session, customer_id=booking.customer_id, no_shows=1)
    happenings.tell(
        session, happenings.Event.BOOKING_NO_SHOW, customer_id=booking.customer_id,
        booking_id=booking.id,
    )  # fmt: skip
    return booking


def reopen(session: Session, *, booking_id: int) -> Booking:
    """Take a no-show and its fee back: the booking stands again, if its slot is still free."""
    booking = _stepped(
        session, booking_id, BookingStatus.CONFIRMED, only_from=BookingStatus.NO_SHOW
    )
    _owe(booking, NO_FEE, None)
    booking.sequence += 1
    session.flush()  # a booking that stands again asks the exclusion constraints
    booking_uses.stands_again(session, booking)
    interests.hold(session, booking.customer_id)
    interests.count(session, customer_id=booking.customer_id, no_shows=-1)
    return booking


# --- behind the verbs ---------------------------------------------------------------------


def _stepped(
    session: Session,
    booking_id: int,
    to: BookingStatus,
    *,
    only_from: BookingStatus | None = None,
) -> Booking:
    """The booking with its new status, not yet written: a verb is one change in the trail."""
    booking = locked(session, Booking, booking_id)
    ways = BOOKING_TRANSITIONS
    if only_from is not None:
        ways = {**{status: frozenset() for status in BookingStatus}, only_from: frozenset({to})}
    status = move("booking", ways, BookingStatus(booking.status), to)
    if to in BLOCKING:
        hold(session, booking)
    booking.status = status
    return booking


def hold(session: Session, booking: Booking) -> None:
    """Let nobody else book this one's person and rooms: two at once would wait for each other."""
    hold_staff(session, booking.staff_id)
    claims.hold_of(session, booking)


def hold_staff(session: Session, staff_id: int | None) -> StaffMember | None:
    """A member of staff, whose time nobody else can book until this transaction ends."""
    if staff_id is None:
        return None
    return session.get(StaffMember, staff_id, with_for_update={"key_share": True})


def _fee_of_cancelling(booking: Booking, by: CancelledBy, at: datetime) -> Fee:
    return policies.of_cancelling(
        booking.terms, price=booking.price, starts_at=booking.starts_at, at=at, by=by
    )


def _owe(booking: Booking, fee: Decimal, waive: str | None) -> None:
    """Write down what is owed, or why it was let go."""
    why = reasoned(waive, "waive")
    booking.fee = NO_FEE if why else fee
    booking.fee_waived = why if fee else None


def reasoned(words: str | None, field: str) -> str | None:
    """A reason that is given, cleaned; refuses `NeedsReason` when it is empty."""
    if words is None:
        return None
    said = clean(words, field, longest=LONGEST_REASON)
    if said is None:
        raise NeedsReason(field=field)
    return said


def who(by: str) -> CancelledBy:
    """Who acts on a booking; refuses `NotSomebody`."""
    if by not in set(CancelledBy):
        raise NotSomebody
    return CancelledBy(by)


def _when(session: Session, booking: Booking) -> str:
    zone = session.scalars(select(Vendor.time_zone).where(Vendor.id == booking.vendor_id)).one()
    return days.moment(booking.starts_at, ZoneInfo(zone))


def _record_visit(session: Session, booking: Booking, *, was_no_show: bool) -> None:
    service = session.get_one(Service, booking.service_id, with_for_update={"read": True})
    visit_at = min(booking.starts_at, booking.completed_at or booking.starts_at)
    interests.hold(session, booking.customer_id)
    if settling.has_sold(session, booking):
        interests.rebuild(session, customer_ids=[booking.customer_id])
        return
    interests.record(
        session,
        customer_id=booking.customer_id,
        kind=InterestKind(service.kind),
        item_id=service.id,
        category_id=service.category_id,
        times=1,
        spent=booking.price,
        at=visit_at,
    )
    interests.count(
        session,
        customer_id=booking.customer_id,
        visits=1,
        no_shows=-1 if was_no_show else 0,
        services=booking.price,
        visit_at=visit_at,
    )
