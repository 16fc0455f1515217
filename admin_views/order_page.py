"""What an order's page shows beside its columns: lines with their reasons, sums, shipments."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from admin_views.access import allowed
from admin_views.loaders import record_id
from admin_views.lookups import when_and_whom
from admin_views.places import country_name
from admin_views.policies import percent
from admin_views.rendering import moment, money, plural
from admin_views.shipments import COMMANDS, carried, contents
from app.errors import DomainError
from app.operations import prices, shipments
from app.operations.shipments import NotOfThisOrder
from app.tenancy import current_actor
from models.orders import LineKind, Order, OrderLine, OrderStatus
from models.shipments import Shipment, ShipmentLine


class NoPieces(DomainError):
    sentence = "This is no number of pieces: write a whole number."


WORDS = {
    prices.CATALOGUE: "Price of one", prices.TYPED: "Price of one, changed",
    prices.BOOKED: "Price of one", prices.DISCOUNT: "Discount",
    prices.SHARE: "Its part of the order's discount", prices.MEMBER: "Price for members",
    prices.PACKAGE: "Used from a package", prices.COUPON: "Offer",
    prices.REWARD: "Paid with points",
}  # fmt: skip
"""What a step is called; one that nobody has named here is shown by its own word."""


def sold(order: Order) -> dict[str, Any]:
    """The lines and the sums below them."""
    return {
        "rows": [_line(line, order) for line in order.lines],
        "sums": _sums(order),
        "total": money(order.total),
        "note": "Prices include tax" if order.includes_tax else "Prices are without tax",
    }


def _line(line: OrderLine, order: Order) -> dict[str, Any]:
    on_top = Decimal(0) if order.includes_tax else line.tax
    return {
        "name": line.name, "booking": line.booking_id,
        "when": when_and_whom(line.booking) if line.booking else _by(line),
        "quantity": line.quantity,
        "price": money(line.unit_price), "discount": money(-line.discount or None),
        "tax": None if line.tax_percent is None else percent(line.tax_percent),
        "total": money(line.total + on_top), "why": why(line),
    }  # fmt: skip


def _by(line: OrderLine) -> str | None:
    """Who did it, where no booking tells."""
    return line.staff_member.name if line.staff_member else None


def why(line: OrderLine) -> list[tuple[str, str, str]]:
    """The steps to a line's total: what, why, how much."""
    return [
        (
            WORDS.get(one["step"], one["step"].replace("_", " ").capitalize()),
            one["why"],
            money(Decimal(one["amount"]) * (-1 if one["step"] in prices.TAKEN else 1)),
        )
        for one in prices.steps_of(line)
    ]


def _sums(order: Order) -> list[tuple[str, str]]:
    """Discounts, and each tax by its name and rate."""
    rows: list[tuple[str, str]] = []
    taken = sum((line.discount for line in order.lines), Decimal(0))
    if taken:
        rows.append(("Discounts", money(-taken)))
    taxed: dict[tuple[str, Decimal], Decimal] = {}
    for line in order.lines:
        if line.tax_name is not None and line.tax_percent is not None:
            key = (line.tax_name, line.tax_percent)
            taxed[key] = taxed.get(key, Decimal(0)) + line.tax
    within = "of which " if order.includes_tax else ""
    rows += [(f"{within}{name} {percent(rate)}", money(tax)) for (name, rate), tax in taxed.items()]
    return rows


def address(order: Order) -> str | None:
    """Where it is sent, in one line."""
    if not order.ship_to:
        return None
    to = {**order.ship_to, "country": country_name(order.ship_to.get("country"))}
    place = " ".join(part for part in (to.get("postal_code"), to.get("city")) if part)
    parts = (to.get("name"), to.get("line1"), to.get("line2"), place, to.get("region"))
    return ", ".join(part for part in (*parts, to["country"]) if part)


def goods_status(order: Order) -> str | None:
    """How far the goods have come; nothing for what has none, or was never placed."""
    if not order.pieces or order.status in (OrderStatus.DRAFT, OrderStatus.CANCELLED):
        return None
    return str(order.fulfilment_status)


# --- shipments -----------------------------------------------------------------------------


def parcels(session: Session, order: Order) -> dict[str, Any] | None:
    """The shipments of an order, what can be done with each, and what is left to pack."""
    sent = session.scalars(
        select(Shipment)
        .where(Shipment.vendor_id == order.vendor_id, Shipment.order_id == order.id)
        .options(selectinload(Shipment.lines).joinedload(ShipmentLine.order_line))
        .order_by(Shipment.id)
    ).all()
    left = _left(order)
    if not sent and not left:
        return None
    role = current_actor().panel_role
    return {
        "rows": [_parcel(one, moves=allowed(role, "shipment", "move")) for one in sent],
        "left": left if allowed(role, "order", "move") else [],
        "pack_url": f"/admin/order/{order.id}/pack",
        "left_text": f"{plural(sum(one['left'] for one in left), 'piece')} to pack" if left else "",
    }


def _left(order: Order) -> list[dict[str, Any]]:
    if order.status != OrderStatus.PLACED:
        return []
    goods = (line for line in order.lines if line.kind == LineKind.PRODUCT)
    return [
        {"id": line.id, "name": line.name, "left": line.quantity - line.packed}
        for line in goods
        if line.packed < line.quantity
    ]


def _parcel(one: Shipment, *, moves: bool) -> dict[str, Any]:
    at = one.failed_at or one.delivered_at or one.handed_over_at or one.packed_at
    said = [carried(one), moment(at), one.failure]
    open_now = [c for c in COMMANDS if moves and c.when(one)]
    return {
        "id": one.id, "title": contents(one), "url": f"/admin/shipment/details/{one.id}",
        "status": one.status, "sub": " · ".join(part for part in said if part),
        "steps": [_step(one, c) for c in open_now],
    }  # fmt: skip


def _step(one: Shipment, wanted: Any) -> dict[str, Any]:
    title, text = wanted.ask or ("", "")
    number = f"{wanted.name}-{one.id}"
    return {
        "title": wanted.title, "url": f"/admin/shipment/do/{one.id}/{wanted.name}",
        "danger": wanted.danger, "dialog": number if wanted.ask else None, "question": title,
        "text": text,
        "inputs": [
            {"name": name, "label": label, "id": f"{number}-{name}"}
            for name, label, *_ in wanted.inputs
        ],
    }  # fmt: skip


def pack(session: Session, order_id: int, form: Mapping[str, str]) -> Shipment:
    """Pack what was typed: `line-<id>` holds how many pieces of that line."""
    typed = {name[5:]: text for name, text in form.items() if name.startswith("line-") and text}
    return shipments.pack(
        session,
        order_id=order_id,
        quantities={_line_id(name): _pieces(text) for name, text in typed.items()},
        carrier=form.get("carrier"),
        tracking=form.get("tracking"),
    )


def _line_id(text: str) -> int:
    number = record_id(text)
    if number is None:
        raise NotOfThisOrder
    return number


def _pieces(text: str) -> int:
    plain = text.strip()
    if not plain.isascii() or not plain.isdecimal() or len(plain) > 6:
        raise NoPieces
    return int(plain)
