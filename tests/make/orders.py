"""Orders with their lines, and what they are put together from."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from models.customers import Customer
from models.orders import Order, OrderLine
from models.products import Variant
from models.shipping import ShippingMethod
from models.taxes import TaxClass, TaxRate
from tests.make.products import variant as _variant
from tests.make.rows import NOON, home_of, number, of_vendor, saved


def order(
    session: Session,
    *,
    customer: Customer | None = None,
    lines: int = 1,
    variant: Variant | None = None,
    **fields: Any,
) -> Order:
    """A placed order of `lines` lines, one piece of `variant` each; anonymous without customer."""
    home = home_of(of_vendor(fields, customer, variant))
    variant = variant or (_variant(session, **home) if lines else None)
    values = {
        "number": number(),
        "public_ref": uuid4(),
        "status": "placed",
        "placed_at": NOON,
        "total": variant.price * lines if variant else Decimal("0.00"),
    } | fields
    row = saved(session, Order(customer_id=customer.id if customer else None, **values))
    for _ in range(lines):
        saved(session, _line(row, variant=variant))
    session.refresh(row, ["lines"])
    return row


def order_line(
    session: Session, *, order: Order, variant: Variant | None = None, **fields: Any
) -> OrderLine:
    """One more line of `order`; its total is added to the order's."""
    if variant is None and fields.get("kind", "product") == "product":
        variant = _variant(session, vendor_id=order.vendor_id)
    row = _line(order, variant=variant, **fields)
    order.total += row.total
    return saved(session, row)


def _line(order: Order, *, variant: Variant | None, **fields: Any) -> OrderLine:
    price = fields.pop("unit_price", variant.price if variant else Decimal("10.00"))
    quantity = fields.pop("quantity", 1)
    discount = fields.pop("discount", Decimal("0.00"))
    values = {
        "vendor_id": order.vendor_id,
        "order_id": order.id,
        "kind": "product",
        "variant_id": variant.id if variant else None,
        "name": "Something",
        "position": number(),
        "total": price * quantity - discount,
    } | fields
    return OrderLine(quantity=quantity, unit_price=price, discount=discount, **values)


def tax_class(session: Session, **fields: Any) -> TaxClass:
    return saved(session, TaxClass(**{"name": f"Class {number()}"} | fields))


def tax_rate(session: Session, *, tax_class: TaxClass, **fields: Any) -> TaxRate:
    """23 % in Portugal since 2020."""
    values = {
        "tax_class_id": tax_class.id, "name": "IVA", "country": "PT", "percent": Decimal(23),
        "starts_on": date(2020, 1, 1),
    } | of_vendor(fields, tax_class)  # fmt: skip
    return saved(session, TaxRate(**values))


def shipping_method(session: Session, **fields: Any) -> ShippingMethod:
    values = {"name": f"Courier {number()}", "price": Decimal("4.90")}
    return saved(session, ShippingMethod(**values | fields))
