"""Orders: drafted, placed with a number, fulfilled, completed, called off.

Fulfilment is when an order counts: it hands out packages and memberships, and it moves the
customer's interests and numbers, once.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import uuid4

from sqlalchemy import func
from sqlalchemy.orm import Session

from app import clock
from app.errors import ChangedMeanwhile, DomainError
from app.operations import interests, memberships, numbers, packages
from app.operations.customers import still_here
from app.operations.lines import DraftLine, set_lines
from app.operations.moves import locked, move
from app.tenancy import current_actor
from models.customers import Customer
from models.memberships import MembershipPlan
from models.orders import ORDER_TRANSITIONS, LineKind, Order, OrderLine, OrderStatus
from models.packages import Package
from models.products import Product, Variant
from models.services import Service
from models.words import Channel, InterestKind

__all__ = ["DraftLine", "cancel", "complete", "fulfil", "place", "save_draft"]


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


def save_draft(
    session: Session,
    *,
    lines: Sequence[DraftLine],
    order_id: int | None = None,
    customer_id: int | None = None,
    channel: Channel = Channel.WALK_IN,
    note: str | None = None,
    seen: datetime | None = None,
) -> Order:
    """Write down a draft as the form shows it: `lines` replace what was there, matched by their id.

    A new draft without `order_id`; an anonymous sale without `customer_id`. `seen` is the
    `updated_at` that the form was opened with: `ChangedMeanwhile` if somebody was faster.
    """
    order = _new(session, customer_id) if order_id is None else _draft(session, order_id, seen)
    _check_customer(session, customer_id, order.vendor_id)
    order.customer_id = customer_id
    order.channel = Channel(channel)
    order.note = note or None
    set_lines(session, order, lines)
    order.total = sum((line.total for line in order.lines), Decimal("0.00"))
    order.updated_at = func.now()  # lines alone count as a change too
    session.add(order)
    session.flush()  # ids of the lines, and what the database says about them
    session.refresh(order, ["updated_at"])
    return order


def place(session: Session, *, order_id: int) -> Order:
    """Make a draft binding: it gets the vendor's next number, without gaps."""
    order = locked(session, Order, order_id)
    placed = move("order", ORDER_TRANSITIONS, OrderStatus(order.status), OrderStatus.PLACED)
    if not order.lines:
        raise NothingOrdered
    _check_holder(session, order)
    order.number = numbers.draw(session, vendor_id=order.vendor_id, series="orders")
    order.status, order.placed_at = placed, clock.now()
    session.flush()  # the number is taken
    return order


def fulfil(session: Session, *, order_id: int) -> Order:
    """Everything was handed over: from now on the order counts."""
    order = locked(session, Order, order_id)
    _move(order, OrderStatus.FULFILLED)
    _settle(session, order)
    return order


def complete(session: Session, *, order_id: int) -> Order:
    """Nothing is left to do; an order that was only placed is fulfilled with it."""
    order = locked(session, Order, order_id)
    was = order.status
    _move(order, OrderStatus.COMPLETED)
    order.completed_at = clock.now()
    if was == OrderStatus.PLACED:
        _settle(session, order)
    return order


def cancel(session: Session, *, order_id: int, reason: str | None = None) -> Order:
    """Call an order off that was not fulfilled yet; a number once drawn stays with it."""
    order = locked(session, Order, order_id)
    _move(order, OrderStatus.CANCELLED)
    order.cancelled_at = clock.now()
    order.cancel_reason = reason or None
    return order


# --- behind the verbs ---------------------------------------------------------------------


def _move(order: Order, to: OrderStatus) -> None:
    order.status = move("order", ORDER_TRANSITIONS, OrderStatus(order.status), to)


def _new(session: Session, customer_id: int | None) -> Order:
    vendor_id = current_actor().vendor_id
    if vendor_id is None and customer_id is not None:
        customer = session.get(Customer, customer_id)
        vendor_id = customer.vendor_id if customer else None
    if vendor_id is None:
        raise CannotOrder("Nobody's order: choose a customer, or enter a vendor from the menu.")
    return Order(vendor_id=vendor_id, public_ref=uuid4(), status=OrderStatus.DRAFT)


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


def _check_holder(session: Session, order: Order) -> None:
    held = [line for line in order.lines if line.kind in (LineKind.PACKAGE, LineKind.MEMBERSHIP)]
    if held and order.customer_id is None:
        raise NeedsCustomer
    for line in held:
        if line.plan_id is not None and order.customer_id is not None:
            plan = session.get_one(MembershipPlan, line.plan_id)
            memberships.check_free(session, customer_id=order.customer_id, plan=plan)


def _settle(session: Session, order: Order) -> None:
    order.fulfilled_at = clock.now()
    session.flush()  # refusals of the order itself come before its effects
    if order.customer_id is None:
        return
    interests.hold(session, order.customer_id)
    _hand_over(session, order, order.customer_id)
    for line in sorted(order.lines, key=lambda line: (line.kind, line.id)):
        _remember(session, order.customer_id, line, order.fulfilled_at)
    _count(session, order, order.customer_id)


def _hand_over(session: Session, order: Order, customer_id: int) -> None:
    channel = Channel(order.channel)
    for line in order.lines:
        for _ in range(line.quantity):
            if line.package is not None:
                packages.give(session, customer_id, line.package, channel)
            elif line.plan is not None:
                memberships.begin(session, customer_id, line.plan, channel)


def _remember(session: Session, customer_id: int, line: OrderLine, at: datetime) -> None:
    """Remember a line; how often a package or membership was had, its handing over remembers."""
    reader = _ITEMS.get(LineKind(line.kind))
    if reader is None:  # fees and tips interest nobody
        return
    kind, item_id, category_id = reader(session, line)
    own_row = kind in (InterestKind.PACKAGE, InterestKind.MEMBERSHIP)
    interests.record(
        session,
        customer_id=customer_id,
        kind=kind,
        item_id=item_id,
        category_id=category_id,
        times=0 if own_row else line.quantity,
        spent=line.total,
        at=at,
    )


Item = tuple[InterestKind, int, int | None]


def _product(session: Session, line: OrderLine) -> Item:
    variant = session.get_one(Variant, line.variant_id)
    product = session.get_one(Product, variant.product_id, with_for_update={"read": True})
    return InterestKind.PRODUCT, product.id, product.category_id


def _service(session: Session, line: OrderLine) -> Item:
    service = session.get_one(Service, line.service_id, with_for_update={"read": True})
    return InterestKind(service.kind), service.id, service.category_id


def _package(session: Session, line: OrderLine) -> Item:
    package = session.get_one(Package, line.package_id, with_for_update={"read": True})
    return InterestKind.PACKAGE, package.id, package.category_id


def _plan(session: Session, line: OrderLine) -> Item:
    return InterestKind.MEMBERSHIP, session.get_one(MembershipPlan, line.plan_id).id, None


_ITEMS: dict[LineKind, Callable[[Session, OrderLine], Item]] = {
    LineKind.PRODUCT: _product,
    LineKind.SERVICE: _service,
    LineKind.PACKAGE: _package,
    LineKind.MEMBERSHIP: _plan,
}


def _count(session: Session, order: Order, customer_id: int) -> None:
    def spent(kind: LineKind) -> Decimal:
        return sum((line.total for line in order.lines if line.kind == kind), Decimal("0.00"))

    services, products = spent(LineKind.SERVICE), spent(LineKind.PRODUCT)
    interests.count(
        session,
        customer_id=customer_id,
        orders=1,
        services=services,
        products=products,
        others=order.total - services - products,
        order_at=order.placed_at,
    )
