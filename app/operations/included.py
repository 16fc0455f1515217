"""Uses that memberships include: taken for bookings and sales, never more than there are.

Whoever takes one holds the membership, so that of two who ask for the last one gets it.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.operations import entitlements
from app.operations.entitlements import NothingToUse
from app.operations.moves import locked
from models.memberships import IncludedUse, Membership, UseStatus
from models.services import Service


def hold(
    session: Session,
    *,
    membership_id: int,
    customer_id: int | None,
    service: Service,
    at: datetime,
    uses: int = 1,
    booking_id: int | None = None,
    order_line_id: int | None = None,
) -> IncludedUse:
    """Take uses of a service given at `at` that a membership of the customer's includes.

    Refuses `NothingToUse` where it includes none, or none is left of its period.
    """
    membership = locked(session, Membership, membership_id)
    found = entitlements.of(session, customer_id=customer_id, vendor_id=membership.vendor_id, at=at)
    pots = [pot for pot in found.pots_for(service, uses) if pot.membership_id == membership_id]
    if not pots or pots[0].benefit is None or pots[0].period_id is None:
        raise NothingToUse(
            f"{membership.plan.name} has nothing left that pays for {service.name}: take the money."
        )
    taken = IncludedUse(
        vendor_id=membership.vendor_id, period_id=pots[0].period_id,
        benefit_id=pots[0].benefit.id, booking_id=booking_id, order_line_id=order_line_id,
        uses=uses, at=clock.now(),
    )  # fmt: skip
    session.add(taken)
    session.flush()  # whoever is next counts it
    return taken


def taken_for(
    session: Session, *, booking_id: int | None = None, order_line_ids: Sequence[int] = ()
) -> list[IncludedUse]:
    """What is taken for a booking, or for lines of an order."""
    if booking_id is None and not order_line_ids:
        return []
    mine = (
        IncludedUse.booking_id == booking_id
        if booking_id is not None
        else IncludedUse.order_line_id.in_(order_line_ids)
    )
    return list(session.scalars(select(IncludedUse).where(mine).order_by(IncludedUse.id)))


def move(
    session: Session,
    to: UseStatus,
    *froms: UseStatus,
    booking_id: int | None = None,
    order_line_ids: Sequence[int] = (),
) -> None:
    """Let what is taken for a booking or for lines be used, released, forfeited, or held again."""
    for one in taken_for(session, booking_id=booking_id, order_line_ids=order_line_ids):
        if one.status in froms:
            one.status = to
    session.flush()  # whoever is next counts it
