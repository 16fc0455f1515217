"""What comes after an order: parcels, returns, papers, covers."""

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from models.covers import Cover, WarrantyClaim
from models.invoices import Invoice
from models.orders import Order, OrderLine
from models.returns import ProductReturn, ReturnLine
from models.shipments import Shipment, ShipmentLine
from tests.make.rows import NOON, number, of_vendor, saved


def shipment(session: Session, *, order: Order, **fields: Any) -> Shipment:
    """All goods of the order, packed."""
    goods = [line for line in order.lines if line.kind == "product"]
    order.pieces = sum(line.quantity for line in goods)
    row = saved(session, Shipment(order_id=order.id, **of_vendor(fields, order)))
    for line in goods:
        piece = ShipmentLine(
            shipment_id=row.id, order_line_id=line.id, quantity=line.quantity,
            vendor_id=row.vendor_id,
        )  # fmt: skip
        saved(session, piece)
    return row


def product_return(session: Session, *, order: Order, **fields: Any) -> ProductReturn:
    """Asked for, of one piece of the order's first line."""
    values = {"order_id": order.id, "number": number()} | of_vendor(fields, order)
    row = saved(session, ProductReturn(**values))
    piece = ReturnLine(
        return_id=row.id, order_line_id=order.lines[0].id, quantity=1, reason="Too small",
        vendor_id=row.vendor_id,
    )  # fmt: skip
    saved(session, piece)
    session.refresh(row, ["lines"])
    return row


def invoice(session: Session, *, order: Order, **fields: Any) -> Invoice:
    n = number()
    values = {
        "order_id": order.id, "kind": "receipt", "number": n, "total": order.total,
        "tax": order.tax, "content": {}, "stored_as": f"{n}.pdf", "checksum": f"{n:064x}",
    } | of_vendor(fields, order)  # fmt: skip
    return saved(session, Invoice(**values))


def cover(session: Session, *, line: OrderLine | None = None, **fields: Any) -> Cover:
    """A warranty of two years of what an order's line sold."""
    values = {
        "kind": "warranty", "name": "Something", "starts_on": NOON.date(),
        "ends_on": NOON.date() + timedelta(days=730), "order_line_id": line.id if line else None,
    } | of_vendor(fields, line)  # fmt: skip
    return saved(session, Cover(**values))


def warranty_claim(session: Session, *, cover: Cover, **fields: Any) -> WarrantyClaim:
    values = {"cover_id": cover.id, "number": number(), "problem": "Broken"} | of_vendor(
        fields, cover
    )
    return saved(session, WarrantyClaim(**values))
