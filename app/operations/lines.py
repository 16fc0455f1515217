"""The lines of a draft order, as a form sends them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from app.errors import DomainError
from app.operations.prices import MOST, amount
from models.base import Base
from models.memberships import MembershipPlan
from models.orders import LineKind, Order, OrderLine
from models.packages import Package
from models.products import Variant
from models.services import Service

MOST_LINES = 500
MOST_PIECES = 100_000
MOST_HELD = 50


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A line as the form has it. `id` names a line of the same order; without, it is a new one.

    `item_id` is a variant, service, package or plan, as `kind` says; fees and tips have a name
    and a price instead. Without `unit_price` the catalogue's price is frozen.
    """

    kind: LineKind
    item_id: int | None = None
    quantity: int = 1
    unit_price: Decimal | None = None
    discount: Decimal = Decimal("0.00")
    name: str | None = None
    id: int | None = None


class LineRefused(DomainError):
    sentence = "This line cannot be sold: choose something that is on offer."


ITEMS: Mapping[LineKind, tuple[str, type[Base]]] = {
    LineKind.PRODUCT: ("variant_id", Variant),
    LineKind.SERVICE: ("service_id", Service),
    LineKind.PACKAGE: ("package_id", Package),
    LineKind.MEMBERSHIP: ("plan_id", MembershipPlan),
}


def set_lines(session: Session, order: Order, lines: Sequence[DraftLine]) -> None:
    """Make `order.lines` what the form says. Refusals name their row: `lines.2.quantity`."""
    if len(lines) > MOST_LINES:
        raise LineRefused(f"An order has at most {MOST_LINES} lines: write a second one.")
    known = {line.id: line for line in order.lines}
    kept: list[OrderLine] = []
    for row, line in enumerate(lines):
        kept.append(_written(session, order, known, line, f"lines.{row}"))
    if sum((line.total for line in kept), Decimal(0)) > MOST:
        raise LineRefused("The order is too dear to be true: check the prices.", field="lines")
    _number(order.lines, kept)
    order.lines = kept


def _written(
    session: Session, order: Order, known: dict[int, OrderLine], line: DraftLine, row: str
) -> OrderLine:
    """The stored line; a line of another order, or one named twice, is refused."""
    if line.id is not None and line.id not in known:
        raise LineRefused(
            "This line is not of this order: reload the page and try again.", field=f"{row}.id"
        )
    written = known.pop(line.id) if line.id is not None else OrderLine(vendor_id=order.vendor_id)
    for name, value in _values(session, order.vendor_id, line, row).items():
        setattr(written, name, value)
    return written


def _values(session: Session, vendor_id: int, line: DraftLine, row: str) -> dict[str, Any]:
    kind = LineKind(line.kind)
    name, price = _offer(session, vendor_id, kind, line, row)
    most = MOST_HELD if kind is LineKind.PACKAGE else MOST_PIECES
    if kind is LineKind.MEMBERSHIP:
        most = 1
    if not 1 <= line.quantity <= most:
        raise LineRefused(f"Write a quantity from 1 to {most:,}.", field=f"{row}.quantity")
    gross = amount(price, field=f"{row}.unit_price") * line.quantity
    discount = amount(line.discount, field=f"{row}.discount")
    if discount > gross:
        raise LineRefused(
            "The discount is more than the line costs: lower it.", field=f"{row}.discount"
        )
    if gross > MOST:
        raise LineRefused("This is too dear to be true: check it.", field=f"{row}.unit_price")
    items = {column: line.item_id if k is kind else None for k, (column, _) in ITEMS.items()}
    return items | {
        "kind": kind,
        "name": name,
        "quantity": line.quantity,
        "unit_price": amount(price),
        "discount": discount,
        "total": gross - discount,
    }


def _offer(
    session: Session, vendor_id: int, kind: LineKind, line: DraftLine, row: str
) -> tuple[str, Decimal]:
    """The name and the price that the line freezes."""
    if kind not in ITEMS:
        if line.unit_price is None:
            raise LineRefused("Write what it costs.", field=f"{row}.unit_price")
        return (line.name or "").strip() or kind.value.capitalize(), line.unit_price
    item: Any = None
    if line.item_id is not None:
        item = session.get(ITEMS[kind][1], line.item_id)
    if item is None or item.vendor_id != vendor_id:
        raise LineRefused(field=f"{row}.item_id")
    if not item.is_active and line.id is None:
        raise LineRefused(f"{item} is not sold any more: choose another.", field=f"{row}.item_id")
    return (line.name or "").strip() or str(item), (
        item.price if line.unit_price is None else line.unit_price
    )


def _number(before: Sequence[OrderLine], after: Sequence[OrderLine]) -> None:
    """Positions in the order of the form. Old positions are never taken twice within one save."""
    taken = max((line.position for line in before), default=0)
    stay = [line.position for line in after if line.position is not None]
    new = [line for line in after if line.position is None]
    if stay != sorted(stay) or list(after[len(stay) :]) != new:
        new = list(after)
        if taken + 1 > len(after) and min(line.position for line in before) > len(after):
            taken = 0
    for place, line in enumerate(new, start=taken + 1):
        line.position = place
