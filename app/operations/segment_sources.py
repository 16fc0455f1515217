"""What customers bought, paid and did in a span of time, as rows of `customer_id` and a number.

What counts and on which day is decided in `app.operations.truth`: a visit is a completed booking,
at its start (or when it was completed, if that was earlier), an order counts when it is fulfilled.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    func,
    literal,
    or_,
    select,
    union_all,
)

from app.operations.conditions import is_any
from app.operations.segment_scope import Leaf, Scope, between
from app.operations.segment_terms import Op, Span, When
from app.operations.truth import SETTLED
from models.bookings import Booking, BookingStatus
from models.customers import Customer
from models.interests import CustomerInterest
from models.memberships import Membership
from models.orders import LineKind, Order, OrderLine
from models.packages import PackageHolding
from models.products import Product, Variant
from models.services import Service, ServiceKind
from models.words import InterestKind

Rows = list[Select[Any]]
SERVICE_KINDS = tuple(kind.value for kind in ServiceKind)
_OF_ORDER = and_(OrderLine.vendor_id == Order.vendor_id, OrderLine.order_id == Order.id)


def compared(rows: Rows, op: str, wanted: int | Decimal) -> Leaf:
    """Whose numbers add up to at least, at most or exactly so much; no row is nothing.

    They may add up to less than nothing: points do that were spent and then taken back.
    """
    every = (rows[0] if len(rows) == 1 else union_all(*rows)).subquery()
    total = func.sum(every.c.number)
    found = select(every.c.customer_id).group_by(every.c.customer_id)
    if op == Op.AT_LEAST and wanted <= 0:
        return Leaf(ids=found.having(total < wanted), negated=True)
    if op == Op.AT_LEAST:
        return Leaf(ids=found.having(total >= wanted))
    if op == Op.AT_MOST:
        return Leaf(ids=found.having(total > wanted), negated=True)
    if wanted == 0:
        return Leaf(ids=found.having(total != 0), negated=True)
    return Leaf(ids=found.having(total == wanted))


def summed(rows: Rows) -> Select[Any]:
    """What the rows add up to."""
    every = (rows[0] if len(rows) == 1 else union_all(*rows)).subquery()
    return select(func.coalesce(func.sum(every.c.number), 0))


def _rows(customer_id: Any, number: Any) -> Select[Any]:
    return select(customer_id.label("customer_id"), number.label("number"))


# --- what happened, and when -------------------------------------------------------------------


def _visits(scope: Scope, when: When | None, number: Any) -> Select[Any]:
    since, before = scope.within(when)
    visited = func.least(Booking.starts_at, Booking.completed_at)
    # The start is never before the visit: the index of starts answers for its beginning.
    early = [Booking.starts_at >= since] if since is not None else []
    return _rows(Booking.customer_id, number).where(
        Booking.status == BookingStatus.COMPLETED,
        *scope.mine(Booking.vendor_id, Booking.customer_id), *early,
        between(visited, since, before),
    )  # fmt: skip


def _orders(scope: Scope, when: When | None, number: Any) -> Select[Any]:
    return _rows(Order.customer_id, number).where(
        Order.status.in_(SETTLED), Order.customer_id.is_not(None),
        *scope.mine(Order.vendor_id, Order.customer_id),
        between(Order.fulfilled_at, *scope.within(when)),
    )  # fmt: skip


def _lines(scope: Scope, when: When | None, number: Any) -> Select[Any]:
    """Lines of orders that count, but for those that sold a booking: that counts as a visit."""
    lines = _orders(scope, when, number).join(OrderLine, _OF_ORDER)
    return lines.where(OrderLine.booking_id.is_(None))


# --- how often ---------------------------------------------------------------------------------


def visits(scope: Scope, when: When | None) -> Rows:
    """Visits."""
    return [_visits(scope, when, literal(1))]


def orders(scope: Scope, when: When | None) -> Rows:
    """Orders."""
    return [_orders(scope, when, literal(1))]


def is_timeless(when: When | None) -> bool:
    """Whether it is asked without a time, which the running numbers answer."""
    return when is None or when.span is Span.EVER


def _interests(scope: Scope, *which: ColumnElement[bool]) -> Rows:
    own = scope.mine(CustomerInterest.vendor_id, CustomerInterest.customer_id)
    rows = _rows(CustomerInterest.customer_id, CustomerInterest.times)
    return [rows.where(*own, *which, CustomerInterest.times > 0)]


def services(scope: Scope, when: When | None, ids: Sequence[int]) -> Rows:
    """How often these services were had."""
    if is_timeless(when):
        item = is_any(CustomerInterest.item_id, ids)
        return _interests(scope, is_any(CustomerInterest.kind, SERVICE_KINDS), item)
    return _services(scope, when, lambda column: is_any(column, ids))


def service_categories(scope: Scope, when: When | None, categories: Sequence[int]) -> Rows:
    """How often services of these categories were had."""
    if is_timeless(when):
        about = is_any(CustomerInterest.category_id, categories)
        return _interests(scope, is_any(CustomerInterest.kind, SERVICE_KINDS), about)
    which = select(Service.id).where(is_any(Service.category_id, categories))
    return _services(scope, when, lambda column: column.in_(which))


def service_kinds(scope: Scope, when: When | None, kinds: Sequence[str]) -> Rows:
    """How often services of these kinds were had."""
    if is_timeless(when):
        return _interests(scope, is_any(CustomerInterest.kind, kinds))
    which = select(Service.id).where(is_any(Service.kind, kinds))
    return _services(scope, when, lambda column: column.in_(which))


def _services(scope: Scope, when: When | None, meant: Any) -> Rows:
    return [
        _visits(scope, when, literal(1)).where(meant(Booking.service_id)),
        _lines(scope, when, OrderLine.quantity).where(meant(OrderLine.service_id)),
    ]


def products(scope: Scope, when: When | None, ids: Sequence[int]) -> Rows:
    """How many pieces of these products were bought."""
    if is_timeless(when):
        about = is_any(CustomerInterest.item_id, ids)
        return _interests(scope, CustomerInterest.kind == InterestKind.PRODUCT, about)
    which = select(Variant.id).where(is_any(Variant.product_id, ids))
    return [_lines(scope, when, OrderLine.quantity).where(OrderLine.variant_id.in_(which))]


def product_categories(scope: Scope, when: When | None, categories: Sequence[int]) -> Rows:
    """How many pieces of products of these categories were bought."""
    if is_timeless(when):
        about = is_any(CustomerInterest.category_id, categories)
        return _interests(scope, CustomerInterest.kind == InterestKind.PRODUCT, about)
    of_product = and_(Product.vendor_id == Variant.vendor_id, Product.id == Variant.product_id)
    which = select(Variant.id).join(Product, of_product)
    which = which.where(is_any(Product.category_id, categories))
    return [_lines(scope, when, OrderLine.quantity).where(OrderLine.variant_id.in_(which))]


def packages(scope: Scope, when: When | None, ids: Sequence[int]) -> Rows:
    """How many of these packages were bought, or given."""
    held = PackageHolding
    return [
        _rows(held.customer_id, literal(1)).where(
            *scope.mine(held.vendor_id, held.customer_id), is_any(held.package_id, ids),
            between(held.bought_at, *scope.within(when)),
        )
    ]  # fmt: skip


def plans(scope: Scope, when: When | None, ids: Sequence[int]) -> Rows:
    """How many memberships of these plans began."""
    return [
        _rows(Membership.customer_id, literal(1)).where(
            *scope.mine(Membership.vendor_id, Membership.customer_id),
            is_any(Membership.plan_id, ids),
            between(Membership.started_at, *scope.within(when)),
        )
    ]


# --- money -------------------------------------------------------------------------------------

MONEY = {
    "all": Customer.total_spent,
    "services": Customer.services_spent,
    "products": Customer.products_spent,
}
"""The running numbers of what was spent in all."""


def money(scope: Scope, when: When | None, what: str) -> Rows:
    """What was spent in a span of time; on services and products it is without tax.

    Money given back for a line is off that line, on its day, and what was given back for none is
    off its order: over all time it is what the running numbers say.
    """
    if what == "products":
        return [_lines(scope, when, OrderLine.net).where(OrderLine.kind == LineKind.PRODUCT)]
    if what == "services":
        lines = _lines(scope, when, OrderLine.net).where(OrderLine.kind == LineKind.SERVICE)
        return [lines, _came(scope, when, OrderLine.net)]
    return [
        _orders(scope, when, Order.total), _booked(scope, when), _given_back(scope, when),
        _came(scope, when, OrderLine.kept),
    ]  # fmt: skip


def _came(scope: Scope, when: When | None, amount: Any) -> Select[Any]:
    """What visits cost: what the line says that sold them, else their price."""
    sold = _sold(amount)
    return _visits(scope, when, func.coalesce(sold.c.amount, Booking.price)).outerjoin(
        sold, and_(sold.c.vendor_id == Booking.vendor_id, sold.c.booking_id == Booking.id)
    )


def _booked(scope: Scope, when: When | None) -> Select[Any]:
    """What is off totals of orders for the bookings they sold: each of these counts as a visit."""
    lines = _orders(scope, when, -OrderLine.gross).join(OrderLine, _OF_ORDER)
    return lines.where(OrderLine.booking_id.is_not(None))


def _given_back(scope: Scope, when: When | None) -> Select[Any]:
    """What is off totals of orders because money was given back, as `truth` says it: few rows."""
    of_booking = and_(Booking.vendor_id == OrderLine.vendor_id, Booking.id == OrderLine.booking_id)
    booked, came = OrderLine.booking_id.is_not(None), Booking.status == BookingStatus.COMPLETED

    def summed(what: Any, *those: Any) -> Any:
        return func.coalesce(func.sum(what).filter(*those), 0)

    counting = summed(OrderLine.kept, or_(~booked, came))
    for_no_line = Order.given_back - func.sum(OrderLine.refunded)
    left = func.greatest(counting - for_no_line, 0) - summed(OrderLine.kept, booked, came)
    lost = left - summed(OrderLine.gross, ~booked)
    orders = _orders(scope, when, lost).join(OrderLine, _OF_ORDER).outerjoin(Booking, of_booking)
    return orders.where(Order.refunded > 0).group_by(
        Order.id, Order.customer_id, Order.total, Order.paid, Order.refunded
    )


def _sold(amount: Any) -> Any:
    """What the lines that sold a booking bring, of orders that count."""
    sold = select(OrderLine.vendor_id, OrderLine.booking_id, amount.label("amount"))
    sold = sold.join(Order, _OF_ORDER)
    return sold.where(
        OrderLine.booking_id.is_not(None), Order.status.in_(SETTLED),
        Order.customer_id.is_not(None),
    ).subquery()  # fmt: skip
