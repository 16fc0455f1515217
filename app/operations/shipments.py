"""Shipments: goods of an order that are packed, handed over, delivered, or come back undelivered.

Goods leave the stock when they are handed over. When all goods of an order are delivered, it is
fulfilled and counts.
"""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError, NotFound
from app.operations import covers, happenings, settling, stock
from app.operations.customers import clean
from app.operations.happenings import Event
from app.operations.moves import locked, move
from models.orders import LineKind, Order, OrderLine, OrderStatus
from models.shipments import SHIPMENT_TRANSITIONS, Shipment, ShipmentLine, ShipmentStatus

LONGEST = 120
LONGEST_REASON = 500
COUNTED = ["pieces", "handed_over", "delivered", "returned"]
"""What the database counts of an order's goods."""


class NothingToPack(DomainError):
    sentence = "Nothing is left to pack: everything ordered is in a shipment."
    field = "quantity"


class TooManyPacked(DomainError):
    sentence = "Of {what} only {left} are left to pack: write at most {left}."


class NotToBePacked(DomainError):
    sentence = "This order is {status}: only a placed one is packed."


class NotOfThisOrder(DomainError):
    sentence = "A line is not of this order: reload the page and try again."


class NeedsReason(DomainError):
    sentence = "Say what went wrong: write a reason."
    field = "reason"


def pack(
    session: Session,
    *,
    order_id: int,
    quantities: Mapping[int, int] | None = None,
    carrier: str | None = None,
    tracking: str | None = None,
) -> Shipment:
    """Put goods of a placed order together: `quantities` by the ids of its lines, else all left.

    Refuses more than is left to pack of a line, at `lines.<id>`.
    """
    order = locked(session, Order, order_id)
    if order.status != OrderStatus.PLACED:
        raise NotToBePacked(status=order.status)
    chosen = _chosen(order, quantities)
    if not chosen:
        raise NothingToPack
    return _packed(session, order, chosen, carrier, tracking)


def hand_over(
    session: Session,
    *,
    shipment_id: int,
    carrier: str | None = None,
    tracking: str | None = None,
) -> Shipment:
    """The goods leave: with the carrier, or with the customer. `stock.NotOnHand` names what lacks.

    Carrier and tracking number replace those written when it was packed, where they are given.
    """
    order, shipment = _held(session, shipment_id)
    _move(shipment, ShipmentStatus.HANDED_OVER)
    _tell(shipment, carrier, tracking)
    _leave(session, order, shipment)
    _happened(session, order, shipment, Event.ORDER_SHIPPED)
    return shipment


def deliver(session: Session, *, shipment_id: int) -> Shipment:
    """The goods are with the customer: covers begin, and with the last of them the order counts."""
    order, shipment = _held(session, shipment_id)
    _deliver(session, order, shipment)
    if order.status == OrderStatus.PLACED and order.delivered >= order.pieces:
        order.status = OrderStatus.FULFILLED
        settling.settle(session, order)
    _happened(session, order, shipment, Event.ORDER_DELIVERED)
    return shipment


def fail(session: Session, *, shipment_id: int, reason: str | None) -> Shipment:
    """The goods did not arrive and are here again: in stock, promised to the order, to be packed.

    The `reason` is wanted.
    """
    why = clean(reason, "reason", longest=LONGEST_REASON)
    if why is None:
        raise NeedsReason
    order, shipment = _held(session, shipment_id)
    had_left = shipment.status == ShipmentStatus.HANDED_OVER
    _move(shipment, ShipmentStatus.FAILED)
    shipment.failed_at, shipment.failure = clock.now(), why
    session.flush()  # the pieces are to be packed again
    if had_left:
        stock.undo_sale(session, shipment_id=shipment.id)
    session.refresh(order, COUNTED)
    return shipment


def track(
    session: Session,
    *,
    shipment_id: int,
    carrier: str | None = None,
    tracking: str | None = None,
) -> Shipment:
    """Write down who carries it and under which number; what is not given stays as it was."""
    _, shipment = _held(session, shipment_id)
    _tell(shipment, carrier, tracking)
    return shipment


# --- for orders, which hold the order ------------------------------------------------------


def hand_out(session: Session, order: Order) -> None:
    """Everything of a held order that is not delivered yet is, at once: what was not packed too."""
    under_way = select(Shipment).where(
        Shipment.order_id == order.id,
        Shipment.status.in_([ShipmentStatus.PACKED, ShipmentStatus.HANDED_OVER]),
    )
    for shipment in session.scalars(under_way.order_by(Shipment.id).with_for_update()).all():
        _deliver(session, order, shipment)
    if left := _chosen(order, None):
        _deliver(session, order, _packed(session, order, left, None, None))


def unpack(session: Session, order: Order) -> None:
    """What was packed for a held order, and has not left, is put back: the order is called off."""
    packed = select(Shipment).where(
        Shipment.order_id == order.id, Shipment.status == ShipmentStatus.PACKED
    )
    for shipment in session.scalars(packed.order_by(Shipment.id).with_for_update()).all():
        _move(shipment, ShipmentStatus.FAILED)
        shipment.failed_at, shipment.failure = clock.now(), "The order was cancelled"
    session.flush()  # nothing of it is packed any more


# --- behind the verbs ---------------------------------------------------------------------


def _held(session: Session, shipment_id: int) -> tuple[Order, Shipment]:
    """The shipment and its order as they stand, held: the order first, as everywhere."""
    order_id = session.scalar(select(Shipment.order_id).where(Shipment.id == shipment_id))
    if order_id is None:
        raise NotFound
    return locked(session, Order, order_id), locked(session, Shipment, shipment_id)


def _move(shipment: Shipment, to: ShipmentStatus) -> None:
    was = ShipmentStatus(shipment.status)
    shipment.status = move("shipment", SHIPMENT_TRANSITIONS, was, to)


def _happened(session: Session, order: Order, shipment: Shipment, event: Event) -> None:
    """Rules may speak of each parcel; what is handed over the counter is no parcel."""
    happenings.tell(
        session, event, customer_id=order.customer_id, order_id=order.id,
        occasion=f"{event}:shipment:{shipment.id}",
    )  # fmt: skip


def _tell(shipment: Shipment, carrier: str | None, tracking: str | None) -> None:
    shipment.carrier = clean(carrier, "carrier", longest=LONGEST) or shipment.carrier
    shipment.tracking = clean(tracking, "tracking", longest=LONGEST) or shipment.tracking


def _chosen(order: Order, quantities: Mapping[int, int] | None) -> list[tuple[OrderLine, int]]:
    """How many pieces of which line to pack; lines of which none are wanted are left out."""
    goods = {line.id: line for line in order.lines if line.kind == LineKind.PRODUCT}
    if quantities is None:
        quantities = {n: line.quantity - line.packed for n, line in goods.items()}
    if not quantities.keys() <= goods.keys():
        raise NotOfThisOrder
    for number, wanted in quantities.items():
        left = goods[number].quantity - goods[number].packed
        if not 0 <= wanted <= left:
            raise TooManyPacked(what=goods[number].name, left=left, field=f"lines.{number}")
    return [(goods[n], wanted) for n, wanted in sorted(quantities.items()) if wanted]


def _packed(
    session: Session,
    order: Order,
    chosen: list[tuple[OrderLine, int]],
    carrier: str | None,
    tracking: str | None,
) -> Shipment:
    goods = (line.quantity for line in order.lines if line.kind == LineKind.PRODUCT)
    order.pieces = sum(goods)  # of an order that was placed before pieces were counted
    shipment = Shipment(
        vendor_id=order.vendor_id, order_id=order.id, status=ShipmentStatus.PACKED,
        packed_at=clock.now(),
        lines=[
            ShipmentLine(vendor_id=order.vendor_id, order_line_id=line.id, quantity=quantity)
            for line, quantity in chosen
        ],
    )  # fmt: skip
    _tell(shipment, carrier, tracking)
    session.add(shipment)
    session.flush()  # the database counts what is packed
    _recount(session, order)
    return shipment


def _leave(session: Session, order: Order, shipment: Shipment) -> None:
    shipment.handed_over_at = clock.now()
    session.flush()  # the database counts what was handed over
    stock.sell(session, shipment_id=shipment.id)
    session.refresh(order, COUNTED)


def _deliver(session: Session, order: Order, shipment: Shipment) -> None:
    was, now = shipment.status, clock.now()
    _move(shipment, ShipmentStatus.DELIVERED)
    shipment.delivered_at = now
    if was == ShipmentStatus.PACKED:
        _leave(session, order, shipment)
    else:
        session.flush()  # the database counts what was delivered
    covers.start(session, shipment_id=shipment.id)
    _recount(session, order)


def _recount(session: Session, order: Order) -> None:
    """Read what the database has counted on the order and its lines."""
    session.refresh(order, COUNTED)
    lines = select(OrderLine).where(OrderLine.order_id == order.id)
    session.scalars(lines.execution_options(populate_existing=True)).all()
