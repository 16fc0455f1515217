"""What pays for a booking instead of money: held when it is booked, gone when it is given."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.operations import entitlements, included, package_uses
from app.operations.entitlements import NothingToUse, Pot
from models.bookings import Booking
from models.memberships import UseStatus
from models.packages import EntryKind
from models.services import Service


def first(
    session: Session,
    *,
    customer_id: int,
    service: Service,
    at: datetime,
    uses: int,
    holding_id: int | None = None,
    membership_id: int | None = None,
) -> Pot:
    """What pays for a service: the pot that is named, else the one that ends first."""
    found = entitlements.of(session, customer_id=customer_id, vendor_id=service.vendor_id, at=at)
    named = holding_id is not None or membership_id is not None
    for pot in found.pots_for(service, uses):
        if not named or (pot.holding_id, pot.membership_id) == (holding_id, membership_id):
            return pot
    raise NothingToUse(field="holding_id" if named else "use")


def is_there(
    session: Session, *, customer_id: int, service: Service, at: datetime, uses: int = 1
) -> bool:
    """Whether something the customer has would pay for so many uses of a service."""
    found = entitlements.of(session, customer_id=customer_id, vendor_id=service.vendor_id, at=at)
    return bool(found.pots_for(service, uses))


def hold(session: Session, booking: Booking, service: Service, pot: Pot, uses: int) -> None:
    """Keep uses for a booking; of two who ask for the last ones, one gets them."""
    if pot.holding_id is not None:
        package_uses.hold(
            session, holding_id=pot.holding_id, customer_id=booking.customer_id,
            service_id=service.id, at=booking.starts_at, uses=uses, booking_id=booking.id,
        )  # fmt: skip
    elif pot.membership_id is not None:
        included.hold(
            session, membership_id=pot.membership_id, customer_id=booking.customer_id,
            service=service, at=booking.starts_at, uses=uses, booking_id=booking.id,
        )  # fmt: skip


def given(session: Session, booking: Booking, *, was_no_show: bool = False) -> None:
    """The service was given: what was held for it is used.

    Who came after all has used it too, as far as it is still there.
    """
    if was_no_show:
        for entry in package_uses.latest(session, EntryKind.FORFEIT, booking_id=booking.id):
            package_uses.take_anew(session, entry, EntryKind.USE)
        for entry in package_uses.latest(session, EntryKind.RELEASE, booking_id=booking.id):
            package_uses.take_again(session, entry, EntryKind.USE)
    package_uses.end_holds(session, EntryKind.USE, booking_id=booking.id)
    was = (UseStatus.HELD, UseStatus.FORFEITED, UseStatus.RELEASED)
    included.move(session, UseStatus.USED, *was[: 3 if was_no_show else 1], booking_id=booking.id)


def called_off(session: Session, booking: Booking, *, too_late: bool) -> None:
    """Nobody came, or will: what was held is free again, or forfeited where a fee would be owed."""
    kind = EntryKind.FORFEIT if too_late else EntryKind.RELEASE
    package_uses.end_holds(session, kind, booking_id=booking.id)
    to = UseStatus.FORFEITED if too_late else UseStatus.RELEASED
    included.move(session, to, UseStatus.HELD, booking_id=booking.id)


def stands_again(session: Session, booking: Booking) -> None:
    """It was no no-show: what that had cost is held again, and what was let go, if it is there."""
    for entry in package_uses.latest(session, EntryKind.FORFEIT, booking_id=booking.id):
        package_uses.take_anew(session, entry, EntryKind.HOLD)
    for entry in package_uses.latest(session, EntryKind.RELEASE, booking_id=booking.id):
        if not package_uses.take_again(session, entry, EntryKind.HOLD):
            raise NothingToUse("What paid for it is used up meanwhile: book it anew.")
    was = UseStatus.FORFEITED, UseStatus.RELEASED
    included.move(session, UseStatus.HELD, *was, booking_id=booking.id)


def paid_by(session: Session, booking_id: int) -> list[tuple[str, str, str]]:
    """What pays for a booking: a name, its address in the panel, and how far it has come."""
    rows = [
        (one.holding.package.name, f"/admin/package-holding/details/{one.holding_id}", said)
        for one, said in package_uses.story(session, booking_id=booking_id)
    ]
    for taken in included.taken_for(session, booking_id=booking_id):
        membership = taken.period.membership
        rows.append(
            (membership.plan.name, f"/admin/membership/details/{membership.id}", taken.status)
        )
    return rows
