"""Stock: received, counted, used up, promised to orders, sold, taken back; all of it a ledger.

The database adds the moves up (`variants.on_hand`, `variants.reserved`) and lets neither fall below
zero, nor more be promised than there is unless the variant may be ordered back.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, func, literal, select, union_all
from sqlalchemy.orm import Session, contains_eager

from app.errors import REFUSALS, ChangedMeanwhile, DomainError, NotFound
from app.operations import shelves
from app.operations.customers import clean
from models.orders import LineKind, OrderLine
from models.products import Product, ProductStatus, Variant
from models.returns import ReturnLine
from models.shipments import ShipmentLine
from models.stock import MoveKind, StockMove

MOST = 1_000_000
"""Pieces that one move can be of."""
LONGEST_REASON = 500

LOW = and_(
    Variant.tracks_stock, Variant.is_active, Variant.on_hand - Variant.reserved <= Variant.low_stock
)
"""What there is too little of: so many are left, or fewer, as the variant says."""


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


class NotCounted(DomainError):
    sentence = "The stock of {what} is not counted: switch that on at its product first."


class NoQuantity(DomainError):
    sentence = "Write a whole number from {least} to {most:,}."
    field = "quantity"


class CountedSo(DomainError):
    sentence = "There are {counted} on hand already: nothing was changed."
    field = "counted"


class Promised(DomainError):
    sentence = (
        "{reserved} of {what} are promised to orders, so there cannot be only {left}:"
        " call an order off, or let it be ordered back."
    )
    field = "counted"


class SayWhy(DomainError):
    sentence = "Say why: write a reason."
    field = "reason"


class BackAlready(DomainError):
    sentence = "So many did not come back: reload the page to see what was received."
    field = "quantity"


REFUSALS |= {
    "ck_variants_reserved_is_on_hand_or_on_order": TooFew,
    "ck_variants_on_hand_not_negative": TooFew,
}


def receive(
    session: Session, *, variant_id: int, quantity: int, reason: str | None = None
) -> StockMove:
    """Goods came in: `quantity` more are on hand."""
    shelf = _held(session, variant_id)
    received = {"on_hand": _whole(quantity), "reason": _reason(reason)}
    return shelves.write(session, shelf, MoveKind.RECEIPT, received)


def adjust(
    session: Session, *, variant_id: int, counted: int, reason: str, seen: int | None = None
) -> StockMove:
    """Somebody counted, and so many are on hand; refuses fewer than are promised to orders.

    `seen` is what was on hand when counting began: `ChangedMeanwhile` if it moved since.
    """
    shelf = _held(session, variant_id)
    counted = _whole(counted, least=0, field="counted")
    if seen is not None and seen != shelf.on_hand:
        raise ChangedMeanwhile
    if counted == shelf.on_hand:
        raise CountedSo(counted=counted)
    if counted < shelf.reserved and not shelf.allows_backorder:
        raise Promised(what=str(shelf), reserved=shelf.reserved, left=counted)
    change = {"on_hand": counted - shelf.on_hand, "reason": _why(reason)}
    return shelves.write(session, shelf, MoveKind.ADJUSTMENT, change)


def write_off(session: Session, *, variant_id: int, quantity: int, reason: str) -> StockMove:
    """Goods are gone or spoilt; refuses `TooFew` when fewer are here and not promised to orders."""
    shelf = _held(session, variant_id)
    quantity, left = _whole(quantity), shelves.free(shelf)
    if quantity > left:
        raise TooFew(f"Only {left} of {shelf} can be written off: write {left} or fewer.")
    lost = {"on_hand": -quantity, "reason": _why(reason)}
    return shelves.write(session, shelf, MoveKind.WRITE_OFF, lost)


def take_back(session: Session, *, return_line_id: int, quantity: int) -> StockMove | None:
    """Goods that a customer returned are on the shelf again; None if their stock is not counted.

    Never more of a line than come back by it (`BackAlready`), however often it is asked. What is
    scrapped or goes to the supplier never comes here.
    """
    back = session.get(ReturnLine, return_line_id)
    if back is None or back.order_line.variant_id is None:
        raise NotFound
    shelf = shelves.hold(session, back.order_line.variant_id)
    if not shelf.tracks_stock:
        return None
    taken = select(func.coalesce(func.sum(StockMove.on_hand), 0)).where(
        StockMove.vendor_id == back.vendor_id, StockMove.return_line_id == back.id
    )
    if session.scalars(taken).one() + _whole(quantity) > back.quantity:
        raise BackAlready
    returned = {"on_hand": quantity, "return_line_id": back.id, "reason": back.reason}
    return shelves.write(session, shelf, MoveKind.RETURN, returned)


def low(session: Session, *, most: int = 100) -> Sequence[Variant]:
    """Of what there is too little, the least first; what is archived nobody misses."""
    query = (
        select(Variant)
        .join(Variant.product)
        .options(contains_eager(Variant.product))
        .where(LOW, Product.status != ProductStatus.ARCHIVED)
        .order_by(Variant.on_hand - Variant.reserved, Variant.id)
        .limit(most)
    )
    return session.scalars(query).all()


def reserve(session: Session, *, order_id: int) -> None:
    """Promise an order its goods, all of them or none: `OutOfStock` names what is short.

    What the order was promised already is not promised twice. The caller holds the order.
    """
    shelves.move(session, _to_promise, OutOfStock, of=order_id)


def release(session: Session, *, order_id: int) -> None:
    """Free what an order was promised and has not got: it is called off. The caller holds it."""
    shelves.move(session, _to_free, OutOfStock, of=order_id)


def sell(session: Session, *, shipment_id: int) -> None:
    """The goods of a shipment leave the shelf, and with them the promise that they would.

    `NotOnHand` when they are not here, as after an order of what had to be ordered back. The
    caller holds the order.
    """
    shelves.move(session, _to_sell, NotOnHand, of=shipment_id)


def undo_sale(session: Session, *, shipment_id: int) -> None:
    """The goods of a shipment that failed are back on the shelf, and promised to their order again.

    Only for what `sell` took: a shipment that was packed and no more took nothing. The caller
    holds the order.
    """
    shelves.move(session, _to_bring_back, NotOnHand, of=shipment_id)


# --- what is moved ------------------------------------------------------------------------


def _to_promise() -> Any:
    wanted = OrderLine.quantity - OrderLine.handed_over - _moved_for(StockMove.reserved)
    moved = _of_line(MoveKind.RESERVATION, on_hand=literal(0), reserved=wanted)
    return _in_order(moved).where(wanted > 0)


def _to_free() -> Any:
    promised = _moved_for(StockMove.reserved)
    moved = _of_line(MoveKind.RELEASE, on_hand=literal(0), reserved=-promised)
    return _in_order(moved).where(promised > 0)


def _to_sell() -> Any:
    pieces = ShipmentLine.quantity
    promised = func.least(pieces, _moved_for(StockMove.reserved))
    return _in_shipment(_of_line(MoveKind.SALE, on_hand=-pieces, reserved=-promised))


def _to_bring_back() -> Any:
    back = func.least(ShipmentLine.quantity, -_moved_for(StockMove.on_hand))
    returned = _of_line(MoveKind.RETURN, on_hand=back, reserved=literal(0))
    promised = _of_line(MoveKind.RESERVATION, on_hand=literal(0), reserved=back)
    return union_all(*(_in_shipment(part).where(back > 0) for part in (returned, promised)))


# --- behind the verbs ---------------------------------------------------------------------


def _held(session: Session, variant_id: int) -> Variant:
    shelf = shelves.hold(session, variant_id)
    if not shelf.tracks_stock:
        raise NotCounted(what=str(shelf))
    return shelf


def _whole(quantity: int, *, least: int = 1, field: str = "quantity") -> int:
    if not least <= quantity <= MOST:
        raise NoQuantity(least=least, most=MOST, field=field)
    return quantity


def _reason(words: str | None) -> str | None:
    return clean(words, "reason", longest=LONGEST_REASON)


def _why(words: str | None) -> str:
    said = _reason(words)
    if said is None:
        raise SayWhy
    return said


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


def _in_order(wished: Any) -> Any:
    return wished.where(OrderLine.order_id == shelves.OF, OrderLine.kind == LineKind.PRODUCT)


def _in_shipment(wished: Any) -> Any:
    same = and_(
        ShipmentLine.vendor_id == OrderLine.vendor_id, ShipmentLine.order_line_id == OrderLine.id
    )
    return wished.join(ShipmentLine, same).where(ShipmentLine.shipment_id == shelves.OF)
