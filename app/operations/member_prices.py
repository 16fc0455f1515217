"""Member prices: what a membership takes off services and products by itself."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy.orm import Session

from app.errors import DomainError
from app.operations import entitlements, prices
from app.operations.entitlements import Entitlements
from app.operations.rungs import Asked, Benefit, Rung
from models.orders import LineKind, Order, OrderLine
from models.products import Product, Variant
from models.services import Service

_KINDS = (LineKind.SERVICE, LineKind.PRODUCT)


def apply(session: Session, order: Order, lines: Sequence[OrderLine], asked: Asked) -> None:
    """Take the best discount of the customer's memberships off each line that it is about.

    What was booked has its price from then, and what was typed is agreed. A service for members
    only is refused to who is none, at its row.
    """
    if not asked.automatic:
        return
    rows = [
        (row, line)
        for row, line in enumerate(lines)
        if line.kind in _KINDS and line.booking_id is None
    ]
    if not rows:
        return
    found = entitlements.of(session, customer_id=order.customer_id, vendor_id=order.vendor_id)
    for row, line in rows:
        item = _item(session, line)
        if item is None:
            continue
        if isinstance(item, Service):
            _check_access(session, item, found, row)
        _lower(line, item, found)


MEMBER_PRICE = Benefit(Rung.PRICE, apply)


def _item(session: Session, line: OrderLine) -> Service | Product | None:
    if line.service_id is not None:
        return session.get(Service, line.service_id)
    variant = None if line.variant_id is None else session.get(Variant, line.variant_id)
    return None if variant is None else variant.product


def _check_access(session: Session, service: Service, found: Entitlements, row: int) -> None:
    try:
        entitlements.check_access(session, service, found)
    except DomainError as refusal:
        refusal.field = f"lines.{row}.item_id"
        raise


def _lower(line: OrderLine, item: Service | Product, found: Entitlements) -> None:
    offer = found.discount(item)
    if offer is None or prices.steps_of(line, prices.TYPED):
        return
    percent, member = offer
    off = prices.as_money(line.total * percent / Decimal(100))
    why = f"{member.name}: {percent.normalize():f}% off"
    prices.lower(line, off, prices.MEMBER, why, source=member.membership_id)
