"""Money for what is unused of a package: at what a use of it had cost."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Session

from app.operations import packages, prices, refunds
from app.operations.moves import locked
from models.orders import LineKind, Order, OrderLine
from models.packages import PackageHolding
from models.payments import Refund, Tender

NOTHING = Decimal("0.00")


def worth(session: Session, *, holding_id: int) -> Decimal:
    """What would be given back now: the part of what was paid that is unused.

    Never more than is left to give back of its line and its order; nothing for one that was given.
    """
    holding = session.get_one(PackageHolding, holding_id)
    if holding.paid is None or holding.order_id is None or not holding.uses:
        return NOTHING
    order = session.get_one(Order, holding.order_id)
    unused = prices.as_money(holding.paid * holding.uses_left / holding.uses)
    line = _line(order, holding)
    return min(unused, refunds.left(order), _left(order, line)) if line else NOTHING


def refund(
    session: Session,
    *,
    holding_id: int,
    reason: str,
    tender: Tender | None = None,
    request_key: UUID | None = None,
) -> list[Refund]:
    """Take a package back and give the money for what is unused, as it was paid or by `tender`.

    Refuses `packages.NotActive`, `packages.StillHeld`, and as `refunds.give` does.
    """
    why = refunds.reason_of(reason)
    found = session.get_one(PackageHolding, holding_id)
    if found.order_id is not None:
        locked(session, Order, found.order_id)  # whoever writes money holds the order first
    holding = locked(session, PackageHolding, holding_id)
    packages.check_takeable(holding)
    amount = worth(session, holding_id=holding_id)
    packages.take_back(session, holding)
    if amount <= 0 or holding.order_id is None:
        return []
    line = _line(session.get_one(Order, holding.order_id), holding)
    return refunds.give(
        session, order_id=holding.order_id, reason=why, tender=tender, request_key=request_key,
        lines=None if line is None else {line.id: amount},
    )  # fmt: skip


def _line(order: Order, holding: PackageHolding) -> OrderLine | None:
    """The line that sold it; of several of the same package the one of which most is left."""
    sold = [
        line
        for line in order.lines
        if line.kind == LineKind.PACKAGE and line.package_id == holding.package_id
    ]
    return max(sold, key=lambda line: _left(order, line), default=None)


def _left(order: Order, line: OrderLine | None) -> Decimal:
    return NOTHING if line is None else refunds.left_of_lines(order)[line.id]
