"""What an order leaves behind once it is fulfilled: what was handed out, interests, numbers.

What each of these numbers is, `app.operations.truth` says.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from app import clock
from app.operations import benefits, interests, memberships, packages, prices
from app.operations.truth import SETTLED
from models.bookings import Booking, BookingStatus
from models.memberships import MembershipPlan
from models.orders import LineKind, Order, OrderLine
from models.packages import Package
from models.products import Product, Variant
from models.services import Service
from models.words import Channel, InterestKind


def settle(session: Session, order: Order) -> None:
    """The order counts from now on, once. A service with a booking counts when that is completed.

    The caller holds the order, and has moved its status.
    """
    order.fulfilled_at = clock.now()
    session.flush()  # refusals of the order itself come before its effects
    benefits.settled(session, order)
    if order.customer_id is None:
        return
    interests.hold(session, order.customer_id)
    _hand_over(session, order, order.customer_id)
    if order.refunded or _has_visits(session, order):
        interests.rebuild(session, customer_ids=[order.customer_id])
        return
    counting = [line for line in order.lines if line.booking_id is None]
    for line in sorted(counting, key=lambda line: (line.kind, line.id)):
        _remember(session, order.customer_id, line, order.fulfilled_at)
    _count(session, order, counting, order.customer_id)


def recount(session: Session, order: Order) -> None:
    """Let the customer's numbers follow money that was given back, or came after all.

    The caller holds the order. What has not been fulfilled does not count yet, and stays so.
    What made the order cheaper, or was earned by it, follows too.
    """
    benefits.given_back(session, order)
    if order.customer_id is not None and order.status in SETTLED:
        interests.rebuild(session, customer_ids=[order.customer_id])


def has_sold(session: Session, booking: Booking) -> bool:
    """Whether an order that counts has sold this booking; the caller holds the customer."""
    sold = (
        select(Order.id)
        .join(
            OrderLine,
            and_(OrderLine.vendor_id == Order.vendor_id, OrderLine.order_id == Order.id),
        )
        .where(
            OrderLine.vendor_id == booking.vendor_id, OrderLine.booking_id == booking.id,
            Order.status.in_(SETTLED),
        )
    )  # fmt: skip
    return session.scalars(sold).first() is not None


def _has_visits(session: Session, order: Order) -> bool:
    """Whether it sells bookings that are completed: they counted with their own price so far."""
    ids = [line.booking_id for line in order.lines if line.booking_id is not None]
    done = select(Booking.id).where(Booking.id.in_(ids), Booking.status == BookingStatus.COMPLETED)
    return bool(ids) and session.scalars(done.limit(1)).first() is not None


def _hand_over(session: Session, order: Order, customer_id: int) -> None:
    channel = Channel(order.channel)
    for line in order.lines:
        for piece in range(line.quantity):
            if line.package is not None:
                packages.give(
                    session, customer_id, line.package, channel, order_id=order.id,
                    paid=prices.piece(line.gross, line.quantity, piece),
                )  # fmt: skip
            elif line.plan is not None:
                memberships.hand_over(
                    session, order_id=order.id, customer_id=customer_id, plan=line.plan,
                    channel=channel,
                )  # fmt: skip


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
        spent=line.net,
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


def _count(session: Session, order: Order, counting: list[OrderLine], customer_id: int) -> None:
    def brought(kind: LineKind) -> Decimal:
        return sum((line.net for line in counting if line.kind == kind), Decimal("0.00"))

    services, products = brought(LineKind.SERVICE), brought(LineKind.PRODUCT)
    visits = (line.gross for line in order.lines if line.booking_id is not None)
    booked = sum(visits, Decimal("0.00"))
    interests.count(
        session,
        customer_id=customer_id,
        orders=1,
        services=services,
        products=products,
        others=order.total - booked - services - products,
        order_at=order.placed_at,
    )
