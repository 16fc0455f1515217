"""Stock: promised to orders, sold, taken back; every change is a move in the ledger.

The database adds the moves up (`variants.on_hand`, `variants.reserved`) and lets neither fall below
zero, nor more be promised than there is unless the variant may be ordered back.
"""

from typing import Any

from sqlalchemy import and_, func, literal, select, union_all
from sqlalchemy.orm import Session

from app.errors import REFUSALS, DomainError
from app.operations import shelves
from models.orders import LineKind, OrderLine
from models.shipments import ShipmentLine
from models.stock import MoveKind, StockMove


class OutOfStock(DomainError):
    sentence = (
        "Of {what} only {left} can be had and {wanted} were asked for:"
        " order fewer, or receive more first."
    )


class NotOnHand(DomainError):
    sentence = (
        "Of {what} only {left} can be handed over and {wanted} are wanted: receive more first."
    )


class TooFew(DomainError):
    sentence = "There are not so many: reload the page to see how many are left."
    field = "quantity"


REFUSALS |= {
    "ck_variants_reserved_is_on_hand_or_on_order": TooFew,
    "ck_variants_on_hand_not_negative": TooFew,
}


def reserve(session: Session, *, order_id: int) -> None:
    """Promise an order its goods, all of them or none: `OutOfStock` names what is short.

    What the order was promised already is not promised twice. The caller holds the order.
    """
    wanted = OrderLine.quantity - OrderLine.handed_over - _moved_for(StockMove.reserved)
    wished = (
        _of_line(MoveKind.RESERVATION, on_hand=literal(0), reserved=wanted)
        .where(OrderLine.order_id == order_id, OrderLine.kind == LineKind.PRODUCT)
        .where(wanted > 0)
    )
    shelves.move(session, wished, OutOfStock)


def release(session: Session, *, order_id: int) -> None:
    """Free what an order was promised and has not got: it is called off. The caller holds it."""
    promised = _moved_for(StockMove.reserved)
    wished = (
        _of_line(MoveKind.RELEASE, on_hand=literal(0), reserved=-promised)
        .where(OrderLine.order_id == order_id, OrderLine.kind == LineKind.PRODUCT)
        .where(promised > 0)
    )
    shelves.move(session, wished, OutOfStock)


def sell(session: Session, *, shipment_id: int) -> None:
    """The goods of a shipment leave the shelf, and with them the promise that they would.

    `NotOnHand` when they are not here, as after an order of what had to be ordered back. The
    caller holds the order.
    """
    pieces = ShipmentLine.quantity
    promised = func.least(pieces, _moved_for(StockMove.reserved))
    sold = _of_line(MoveKind.SALE, on_hand=-pieces, reserved=-promised)
    shelves.move(session, _in_shipment(sold, shipment_id), NotOnHand)


def undo_sale(session: Session, *, shipment_id: int) -> None:
    """The goods of a shipment that failed are back on the shelf, and promised to their order again.

    Only for what `sell` took: a shipment that was packed and no more took nothing. The caller
    holds the order.
    """
    back = func.least(ShipmentLine.quantity, -_moved_for(StockMove.on_hand))
    returned = _of_line(MoveKind.RETURN, on_hand=back, reserved=literal(0))
    promised = _of_line(MoveKind.RESERVATION, on_hand=literal(0), reserved=back)
    parts = (_in_shipment(part, shipment_id).where(back > 0) for part in (returned, promised))
    shelves.move(session, union_all(*parts), NotOnHand)


# --- behind the verbs ---------------------------------------------------------------------


def _of_line(kind: MoveKind, *, on_hand: Any, reserved: Any) -> Any:
    return shelves.wish(
        OrderLine, kind, variant_id=OrderLine.variant_id, on_hand=on_hand, reserved=reserved
    )


def _moved_for(column: Any) -> Any:
    """What all moves for an order's line come to, in one of the two columns."""
    return (
        select(func.coalesce(func.sum(column), 0))
        .where(StockMove.vendor_id == OrderLine.vendor_id)
        .where(StockMove.order_line_id == OrderLine.id)
        .correlate(OrderLine)
        .scalar_subquery()
    )


def _in_shipment(wished: Any, shipment_id: int) -> Any:
    same = and_(
        ShipmentLine.vendor_id == OrderLine.vendor_id, ShipmentLine.order_line_id == OrderLine.id
    )
    return wished.join(ShipmentLine, same).where(ShipmentLine.shipment_id == shipment_id)
