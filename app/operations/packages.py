"""Packages in customers' hands; a package that is paid for is sold as a line of an order."""

from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError
from app.operations import interests, package_uses
from app.operations.customers import still_here
from app.operations.moves import locked
from models.packages import EntryKind, HoldingStatus, Package, PackageEntry, PackageHolding
from models.words import Channel, InterestKind


class CannotHandOut(DomainError):
    sentence = "This package is not offered any more: choose another."


class NotActive(DomainError):
    sentence = "This package is {status} already: reload the page to see where it stands."


class StillHeld(DomainError):
    sentence = "{held} of its uses are held for bookings to come: cancel those bookings first."


class NotLater(DomainError):
    sentence = "It would end no later than now: choose a day that is still to come."
    field = "until"


def hand_out(
    session: Session, *, customer_id: int, package_id: int, channel: Channel = Channel.WALK_IN
) -> PackageHolding:
    """Give a customer a package with all its uses, valid from now for the package's days."""
    customer = still_here(session, customer_id)
    if customer is None:
        raise CannotHandOut("This customer is not here any more: choose one.", field="customer_id")
    package = session.get(Package, package_id)
    if package is None or package.vendor_id != customer.vendor_id or not package.is_active:
        raise CannotHandOut(field="package_id")
    return give(session, customer_id, package, channel)


def give(
    session: Session,
    customer_id: int,
    package: Package,
    channel: Channel,
    *,
    order_id: int | None = None,
    paid: Decimal | None = None,
) -> PackageHolding:
    """The same for one that was sold already for `paid`, whether or not it is still on offer."""
    session.refresh(package, with_for_update={"read": True})  # its category stays as it is
    now = clock.now()
    holding = PackageHolding(
        vendor_id=package.vendor_id,
        customer_id=customer_id,
        package_id=package.id,
        channel=Channel(channel),
        bought_at=now,
        expires_at=now + timedelta(days=package.valid_days) if package.valid_days else None,
        order_id=order_id,
        paid=paid,
    )
    session.add(holding)
    session.flush()  # the id
    package_uses.write(session, holding, EntryKind.GRANT, package.uses)
    interests.hold(session, customer_id)
    interests.record(
        session,
        customer_id=customer_id,
        kind=InterestKind.PACKAGE,
        item_id=package.id,
        category_id=package.category_id,
        times=1,
        spent=interests.NOTHING,
        at=now,
    )
    return holding


def cancel(session: Session, *, holding_id: int) -> PackageHolding:
    """Take a package back that is still in use; what was bought stays in the customer's history.

    No money is given back: `package_refunds.refund` does both. Refuses `StillHeld`, `NotActive`.
    """
    holding = locked(session, PackageHolding, holding_id)
    check_takeable(holding)
    take_back(session, holding)
    return holding


def check_takeable(holding: PackageHolding) -> None:
    """Refuse a package that is in nobody's hands any more, or whose uses are held."""
    if holding.status != HoldingStatus.ACTIVE:
        raise NotActive(status=holding.status.replace("_", " "))
    if holding.uses_held:
        raise StillHeld(held=holding.uses_held)


def take_back(session: Session, holding: PackageHolding) -> int:
    """Take what is left of a package that is held; how many uses that were."""
    left = holding.uses_left
    if left:
        package_uses.write(session, holding, EntryKind.REFUND, left)
    holding.status = HoldingStatus.CANCELLED
    return left


def extend(session: Session, *, holding_id: int, until: datetime) -> PackageHolding:
    """Let a package be valid until another moment; what had run out can be used again."""
    if until <= clock.now():
        raise NotLater
    holding = locked(session, PackageHolding, holding_id)
    if holding.status == HoldingStatus.CANCELLED:
        raise NotActive(status="taken back")
    holding.expires_at = until
    session.flush()  # it is valid from here on
    for entry in _run_out(session, holding):
        package_uses.restore(session, entry_id=entry.id)
    holding.status = package_uses.status_of(holding)
    return holding


def expire(session: Session, *, now: datetime, most: int = 1000) -> int:
    """End packages that have run out; what is left of them goes. How many these were.

    What is held for a booking stays until the booking has its outcome.
    """
    due = (
        select(PackageHolding)
        .where(PackageHolding.status == HoldingStatus.ACTIVE, PackageHolding.expires_at <= now)
        .order_by(PackageHolding.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    found = session.scalars(due).all()
    for holding in found:
        if holding.uses_left:
            package_uses.write(session, holding, EntryKind.EXPIRE, holding.uses_left)
        holding.status = HoldingStatus.EXPIRED
    session.flush()  # the next ones are read without these
    return len(found)


def sold_by(session: Session, *, order_id: int, package_id: int | None) -> list[int]:
    """The packages in hand that an order sold, by their ids."""
    query = select(PackageHolding.id).where(
        PackageHolding.order_id == order_id, PackageHolding.package_id == package_id
    )
    return list(session.scalars(query.order_by(PackageHolding.id)))


def _run_out(session: Session, holding: PackageHolding) -> list[PackageEntry]:
    """Its entries that ran out and were not restored."""
    known = select(PackageEntry.of_id).where(
        PackageEntry.holding_id == holding.id, PackageEntry.of_id.is_not(None)
    )
    expired = select(PackageEntry).where(
        PackageEntry.holding_id == holding.id, PackageEntry.kind == EntryKind.EXPIRE,
        PackageEntry.id.not_in(known),
    )  # fmt: skip
    return list(session.scalars(expired.order_by(PackageEntry.id)))
