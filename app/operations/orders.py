"""Orders: drafted, placed with a number, fulfilled, completed, called off.

Placing freezes prices and taxes and promises the goods; fulfilment is when an order counts: it
hands out packages and memberships, and it moves the customer's interests and numbers, once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import clock
from app.errors import ChangedMeanwhile, DomainError
from app.operations import (
    benefits,
    happenings,
    interests,
    items,
    memberships,
    numbers,
    settling,
    shipments,
    shipping_methods,
    stock,
    taxes,
)
from app.operations.benefits import NOTHING_ASKED, Asked
from app.operations.customers import still_here
from app.operations.lines import DraftLine, set_lines
from app.operations.moves import locked, move
from app.operations.prices import NOTHING
from app.tenancy import current_actor
from models.bookings import Booking, BookingStatus
from models.customers import Customer
from models.orders import ORDER_TRANSITIONS, Handing, LineKind, Order, OrderStatus
from models.vendors import Vendor
from models.words import Channel

__all__ = [
    "Discount",
    "DraftLine",
    "blank",
    "cancel",
    "complete",
    "fulfil",
    "known",
    "place",
    "save_draft",
]


class NothingOrdered(DomainError):
    sentence = "This order is empty: add a line first."
    field = "lines"


class NeedsCustomer(DomainError):
    sentence = "A package or a membership belongs to somebody: choose the customer first."
    field = "customer_id"


class NotADraft(DomainError):
    sentence = "This order is {status}, so its lines stand: cancel it and write a new one."


class CannotOrder(DomainError):
    sentence = "This customer is not here any more: choose one, or sell without a customer."
    field = "customer_id"


class BookingGone(DomainError):
    sentence = "The booking of {what} does not stand any more: remove that line."
    field = "lines"


class HandedOverAlready(DomainError):
    sentence = "Some of it has left already: take that back as a return instead."


@dataclass(frozen=True, slots=True)
class Discount:
    """What is taken off a whole order, and why."""

    amount: Decimal = NOTHING
    why: str | None = None


def save_draft(
    session: Session,
    *,
    lines: Sequence[DraftLine],
    order_id: int | None = None,
    customer_id: int | None = None,
    channel: Channel = Channel.WALK_IN,
    note: str | None = None,
    seen: datetime | None = None,
    handing: str = Handing.COUNTER,
    shipping_method_id: int | None = None,
    ship_to: Mapping[str, str | None] | None = None,
    discount: Discount | None = None,
    request_key: UUID | None = None,
    asked: Asked = NOTHING_ASKED,
) -> Order:
    """Write down a draft as the form shows it: `lines` replace what was there, matched by their id.

    A new draft without `order_id`; an anonymous sale without `customer_id`. `seen` is the
    `updated_at` that the form was opened with: `ChangedMeanwhile` if somebody was faster.
    Taxes are those of now. A delivery without `ship_to` goes to the address in the customer's
    file. The same `request_key` again gives the order it made, placed or not, as it stands now.
    What is `asked` for is held for it if it is limited; what it held before and is not asked for
    any more is let go.
    """
    if order_id is None and request_key is not None:
        sent_before = known(session, request_key)
        if sent_before is not None:
            return sent_before
    if order_id is None:
        order = blank(session, customer_id, request_key)
    else:
        order = _draft(session, order_id, seen)
    _check_customer(session, customer_id, order.vendor_id)
    order.customer_id = customer_id
    order.channel = Channel(channel)
    order.note = note or None
    _send(session, order, handing, shipping_method_id, ship_to)
    off = discount or Discount()
    method = order.shipping_method
    with items.at_hand(session, ((line.kind, line.item_id) for line in lines)):
        set_lines(
            session, order, lines, discount=off.amount, why=off.why, method=method, asked=asked
        )
        taxes.put_on(session, order)
    if order_id is not None:
        order.updated_at = func.now()  # lines alone count as a change too
    session.add(order)
    session.flush()  # ids of the lines, and what the database says about them
    benefits.hold(session, order, asked)
    if order_id is not None:
        session.refresh(order, ["updated_at"])
    return order


def place(session: Session, *, order_id: int) -> Order:
    """Make a draft binding: its goods are promised, its taxes frozen, its number without gaps.

    `stock.OutOfStock` says of which product how many are left.
    """
    order = locked(session, Order, order_id)
    placed = _next(order, OrderStatus.PLACED)
    if not order.lines:
        raise NothingOrdered
    _check_holder(session, order)
    if order.handing == Handing.DELIVERY:
        shipping_methods.check_complete(order.ship_to)
    benefits.redeem(session, order)
    with items.at_hand(session, map(items.named_by, order.lines)):
        taxes.put_on(session, order)
        pieces = _freeze_goods(session, order)
    _take_over_bookings(session, order)
    session.flush()  # what is promised is read from the lines
    stock.reserve(session, order_id=order.id)
    order.number = numbers.draw(session, vendor_id=order.vendor_id, series="orders")
    order.status, order.placed_at, order.pieces = placed, clock.now(), pieces
    order.parked_at = None
    session.flush()  # the number is taken
    happenings.tell(
        session, happenings.Event.ORDER_PLACED, customer_id=order.customer_id, order_id=order.id
    )
    return order


def fulfil(session: Session, *, order_id: int) -> Order:
    """Everything is in the customer's hands: from now on the order counts."""
    order = locked(session, Order, order_id)
    fulfilled = _next(order, OrderStatus.FULFILLED)
    shipments.hand_out(session, order)
    order.status = fulfilled
    settling.settle(session, order)
    return order


def complete(session: Session, *, order_id: int) -> Order:
    """Nothing is left to do; an order that was only placed is fulfilled with it."""
    order = locked(session, Order, order_id)
    was, completed = order.status, _next(order, OrderStatus.COMPLETED)
    if was == OrderStatus.PLACED:
        shipments.hand_out(session, order)
    order.status, order.completed_at = completed, clock.now()
    if was == OrderStatus.PLACED:
        settling.settle(session, order)
    return order


def cancel(session: Session, *, order_id: int, reason: str | None = None) -> Order:
    """Call an order off that was not fulfilled yet; a number once drawn stays with it.

    Its goods are free again, what was packed is unpacked. Its bookings stand, and may be sold by
    another order. `HandedOverAlready` when goods have left.
    """
    order = locked(session, Order, order_id)
    cancelled = _next(order, OrderStatus.CANCELLED)
    if order.handed_over:
        raise HandedOverAlready
    benefits.release(session, order)
    if order.status == OrderStatus.PLACED:
        shipments.unpack(session, order)
        stock.release(session, order_id=order.id)
        memberships.let_go(session, vendor_id=order.vendor_id, order_id=order.id)
    order.status, order.cancelled_at = cancelled, clock.now()
    order.cancel_reason, order.parked_at = reason or None, None
    for line in order.lines:
        line.booking_id = None
    return order


def known(session: Session, request_key: UUID) -> Order | None:
    """The order that the same request has made before, or makes right now: that is waited for."""
    key = func.hashtextextended(str(request_key), 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))
    mine = select(Order).where(Order.request_key == request_key)
    vendor_id = current_actor().vendor_id
    if vendor_id is not None:
        mine = mine.where(Order.vendor_id == vendor_id)
    return session.scalars(mine.with_for_update()).first()


def blank(
    session: Session, customer_id: int | None = None, request_key: UUID | None = None
) -> Order:
    """A draft without lines that nobody has written down: it can be priced, and thrown away."""
    vendor_id = current_actor().vendor_id
    if vendor_id is None and customer_id is not None:
        customer = session.get(Customer, customer_id)
        vendor_id = customer.vendor_id if customer else None
    if vendor_id is None:
        raise CannotOrder("Nobody's order: choose a customer, or enter a vendor from the menu.")
    includes = select(Vendor.prices_include_tax).where(Vendor.id == vendor_id)
    return Order(
        vendor_id=vendor_id, public_ref=uuid4(), status=OrderStatus.DRAFT, customer_id=customer_id,
        includes_tax=session.scalars(includes).one(), request_key=request_key,
        channel=Channel.WALK_IN,
    )  # fmt: skip


# --- behind the verbs ---------------------------------------------------------------------


def _next(order: Order, to: OrderStatus) -> OrderStatus:
    """The status, if the order can get there; set once all that goes with it is done."""
    return move("order", ORDER_TRANSITIONS, OrderStatus(order.status), to)


def _draft(session: Session, order_id: int, seen: datetime | None) -> Order:
    order = locked(session, Order, order_id)
    if order.status != OrderStatus.DRAFT:
        raise NotADraft(status=order.status)
    if seen is not None and seen != order.updated_at:
        raise ChangedMeanwhile
    return order


def _check_customer(session: Session, customer_id: int | None, vendor_id: int) -> None:
    if customer_id is None:
        return
    customer = still_here(session, customer_id)
    if customer is None or customer.vendor_id != vendor_id:
        raise CannotOrder


def _send(
    session: Session,
    order: Order,
    handing: str,
    method_id: int | None,
    ship_to: Mapping[str, str | None] | None,
) -> None:
    """How the goods get there. An address is kept for deliveries only."""
    order.handing = shipping_methods.handing_of(handing)
    order.shipping_method = shipping_methods.fitting(
        session, vendor_id=order.vendor_id, method_id=method_id, handing=order.handing,
        kept=method_id == order.shipping_method_id,
    )  # fmt: skip
    order.shipping_method_id = method_id
    order.ship_to = None
    if order.handing == Handing.DELIVERY:
        order.ship_to = shipping_methods.address(ship_to)
        if order.ship_to is None and order.customer_id is not None:
            order.ship_to = shipping_methods.address_of(session, order.customer_id)


def _check_holder(session: Session, order: Order) -> None:
    """Packages and memberships are somebody's; a membership that runs is renewed by the order."""
    held = [line for line in order.lines if line.kind in (LineKind.PACKAGE, LineKind.MEMBERSHIP)]
    if held and order.customer_id is None:
        raise NeedsCustomer
    plans = [line for line in held if line.kind == LineKind.MEMBERSHIP]
    for row, line in enumerate(sorted(plans, key=lambda line: line.plan_id or 0)):
        memberships.sell(
            session, order_id=order.id, customer_id=order.customer_id or 0,
            plan_id=line.plan_id or 0, membership_id=line.membership_id,
            again=line.plan_id in [other.plan_id for other in plans[:row]],
        )  # fmt: skip


def _freeze_goods(session: Session, order: Order) -> int:
    """What goods have cost the vendor, and how long they are covered, is that of today.

    How many pieces there are.
    """
    goods = [line for line in order.lines if line.kind == LineKind.PRODUCT]
    with items.at_hand(session, map(items.named_by, goods)) as held:
        for line in goods:
            variant = held[items.named_by(line)]
            line.cost, line.warranty_months = variant.cost, variant.warranty_months
    return sum(line.quantity for line in goods)


def _take_over_bookings(session: Session, order: Order) -> None:
    """A booking costs what the order charges for it: the numbers count it when it is completed."""
    ids = sorted(line.booking_id for line in order.lines if line.booking_id is not None)
    booked = {number: locked(session, Booking, number) for number in ids}
    counted = False
    for line in order.lines:
        if line.booking_id is None:
            continue
        booking = booked[line.booking_id]
        if booking.status in (BookingStatus.CANCELLED, BookingStatus.NO_SHOW):
            raise BookingGone(what=line.name)
        counted |= booking.status == BookingStatus.COMPLETED and booking.price != line.total
        booking.price = line.total
    if counted and order.customer_id is not None:
        interests.rebuild(session, customer_ids=[order.customer_id])
