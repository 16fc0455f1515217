"""Packages in customers' hands; a package that is paid for is sold as a line of an order."""

from datetime import timedelta

from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError
from app.operations import interests
from app.operations.customers import still_here
from app.operations.moves import locked
from models.packages import HoldingStatus, Package, PackageHolding
from models.words import Channel, InterestKind


class CannotHandOut(DomainError):
    sentence = "This package is not offered any more: choose another."


class NotActive(DomainError):
    sentence = "This package is {status} already: reload the page to see where it stands."


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


def give(session: Session, customer_id: int, package: Package, channel: Channel) -> PackageHolding:
    """The same for one that was sold already, whether or not it is still on offer."""
    session.refresh(package, with_for_update={"read": True})  # its category stays as it is
    now = clock.now()
    holding = PackageHolding(
        vendor_id=package.vendor_id,
        customer_id=customer_id,
        package_id=package.id,
        channel=Channel(channel),
        uses=package.uses,
        uses_left=package.uses,
        bought_at=now,
        expires_at=now + timedelta(days=package.valid_days) if package.valid_days else None,
    )
    session.add(holding)
    session.flush()  # the id
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
    """Take a package back that is still in use; what was bought stays in the customer's history."""
    holding = locked(session, PackageHolding, holding_id)
    if holding.status != HoldingStatus.ACTIVE:
        raise NotActive(status=holding.status.replace("_", " "))
    holding.status = HoldingStatus.CANCELLED
    return holding
