"""Shipments on screen: what is to be handed over, what is under way, what did not arrive."""

from typing import Any

from sqlalchemy.orm import Session, joinedload, selectinload
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.details import link_to
from admin_views.filters import Between, OneOf, of_vendor
from admin_views.lists import Col, Sort
from admin_views.saving import Command, Moves
from app.operations import shipments
from models.orders import Order
from models.shipments import SHIPMENT_TRANSITIONS, Shipment, ShipmentLine, ShipmentStatus

MOVED = {
    ShipmentStatus.PACKED: "packed_at", ShipmentStatus.HANDED_OVER: "handed_over_at",
    ShipmentStatus.DELIVERED: "delivered_at", ShipmentStatus.FAILED: "failed_at",
}  # fmt: skip
PARCEL = (("carrier", "Carrier (optional)"), ("tracking", "Tracking number (optional)"))


def can_become(shipment: Shipment, status: ShipmentStatus) -> bool:
    """Whether a shipment can make this move now."""
    return status in SHIPMENT_TRANSITIONS[ShipmentStatus(shipment.status)]


def _moving(verb: Any, to: ShipmentStatus) -> Moves:
    def run(session: Session, number: int, **words: str) -> None:
        verb(session, shipment_id=number, **words)

    return run, lambda shipment: can_become(shipment, to)


def contents(shipment: Shipment) -> str:
    """2 × Shampoo, 1 × Brush."""
    return ", ".join(f"{line.quantity} × {line.order_line.name}" for line in shipment.lines)


def carried(shipment: Shipment) -> str:
    """CTT, RR123; empty for what nobody carries."""
    return ", ".join(part for part in (shipment.carrier, shipment.tracking) if part)


COMMANDS = (
    Command(
        "hand-over", "Hand over", *_moving(shipments.hand_over, ShipmentStatus.HANDED_OVER),
        "The goods have left the stock.", icon="truck-delivery",
        ask=("Hand these goods over?", "They leave the stock; if they do not arrive they return."),
        inputs=PARCEL,
    ),
    Command(
        "deliver", "Delivered", *_moving(shipments.deliver, ShipmentStatus.DELIVERED),
        "The goods are delivered.", icon="circle-check", primary=True,
    ),
    Command(
        "track", "Change tracking",
        lambda session, number, **words: shipments.track(session, shipment_id=number, **words),
        lambda shipment: shipment.status == ShipmentStatus.HANDED_OVER,
        "The tracking is changed.", icon="barcode",
        ask=("Who carries it?", "What is left empty stays as it is."), inputs=PARCEL,
    ),
    Command(
        "fail", "Did not arrive", *_moving(shipments.fail, ShipmentStatus.FAILED),
        "The goods are back, and to be packed again.", icon="arrow-back-up", danger=True,
        ask=("Did these goods not arrive?", "They are back in stock, promised to the order."),
        inputs=(("reason", "What went wrong"),),
    ),
)  # fmt: skip


class ShipmentView(HouseView, model=Shipment):
    """Goods on their way."""

    name, name_plural, icon = "Shipment", "Shipments", "ti ti-truck-delivery"
    category, status_kind = "Sales", "shipment"
    can_create = can_edit = can_delete = False
    hint = "Packed on the page of an order"
    columns = (
        Col("order", "Order", value=lambda s: str(s.order)),
        Col("customer", "Customer", value=lambda s: s.order.customer and s.order.customer.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("status", "Status", "pill", pill_kind="shipment", css="c-status"),
        Col("carrier", "Carrier"),
        Col("tracking", "Tracking", optional=True),
        Col("packed_at", "Packed", "moment"),
        Col("delivered_at", "Delivered", "moment"),
    )
    sorts = declared(newest=Sort(Shipment.id, descending=True))
    filters = (
        OneOf("status", "Status", Shipment.status, icon="circle-dot", words=ShipmentStatus),
        of_vendor(Shipment.vendor_id),
        Between("packed", "Packed", Shipment.packed_at),
    )
    loads = (joinedload(Shipment.order).joinedload(Order.customer),)
    details_loads = (
        *loads, selectinload(Shipment.lines).joinedload(ShipmentLine.order_line),
    )  # fmt: skip
    details = (
        (
            "Shipment",
            (
                Col("order", "Order", value=lambda s: link_to("order", s.order)),
                Col("customer", "Customer", value=lambda s: link_to("customer", s.order.customer)),
                Col("carrier", "Carrier"),
                Col("tracking", "Tracking"),
                Col("packed_at", "Packed", "moment"),
                Col("handed_over_at", "Handed over", "moment"),
                Col("delivered_at", "Delivered", "moment"),
                Col("failed_at", "Came back", "moment"),
                Col("failure", "What went wrong"),
            ),
        ),
    )
    hides_empty = ("handed_over_at", "delivered_at", "failed_at", "failure", "customer")
    commands = COMMANDS
    empty = declared(
        icon="truck-delivery", title="Nothing was packed yet",
        text="Place an order, and pack its goods on its page.",
    )  # fmt: skip

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """What is in it."""
        columns = [("Item", False), ("Pieces", True)]
        rows = [[line.order_line.name, line.quantity] for line in record.lines]
        return {"lines": {"title": "Goods", "columns": columns, "rows": rows}}


VIEWS = [ShipmentView]
