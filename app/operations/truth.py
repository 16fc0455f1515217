"""What customers' numbers and interests must be: worked out from what happened, in SQL.

The truth is in bookings, orders, refunds, holdings and memberships:
a visit is a completed booking, at its start (or when it was completed, if that was earlier);
an order counts once it is fulfilled, whether it is paid or still due.

`total_spent` is what the customer paid or is to pay: prices of visits and totals of orders, with
tax, packages, memberships, fees, shipping and tips, less what was given back. Money given back
counts whether it was for a line or for none; what was paid too much was never spent, and is given
back first (`Order.given_back`).
`services_spent`, `products_spent` and an interest's `spent` are what its lines brought
(`OrderLine.net`): after discounts, refunds for the line, and tax. What was given back for no line
is in the total alone.
A visit that a fulfilled order sold counts as that order's line, once it is completed; one that
none sold counts with its price, of which no tax is known.
Interests follow the catalogue as it stands: a service's kind and an item's category are today's.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import FromClause, Select, and_, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from models.bookings import Booking, BookingStatus
from models.customers import Customer
from models.memberships import Membership
from models.orders import LineKind, Order, OrderLine, OrderStatus
from models.packages import EntryKind, Package, PackageEntry, PackageHolding
from models.payments import CreditEntry, Payment, PaymentState, Refund, RefundLine, RefundState
from models.points import LoyaltyAccount, LoyaltyEntry, LoyaltyLot
from models.products import Product, Variant
from models.services import Service
from models.words import InterestKind

SETTLED = (OrderStatus.FULFILLED, OrderStatus.COMPLETED)
"""The statuses in which an order counts."""

KEY = ("vendor_id", "customer_id", "kind", "item_id")
"""What an interest is known by."""


def _visited_at() -> Any:
    return func.least(Booking.starts_at, Booking.completed_at)


def these(column: Any, customer_ids: Sequence[int] | None) -> list[Any]:
    """The condition that keeps to these customers, if any are named."""
    return [] if customer_ids is None else [column.in_(customer_ids)]


def true_numbers(customer_ids: Sequence[int] | None = None) -> Select[Any]:
    """The running numbers of customers as their bookings and orders tell them."""
    done, sold = Booking.status == BookingStatus.COMPLETED, _sold(customer_ids)
    visits = (
        select(
            Booking.vendor_id,
            Booking.customer_id,
            func.count().filter(done).label("visits"),
            func.count().filter(~done).label("no_shows"),
            func.sum(func.coalesce(sold.c.kept, Booking.price)).filter(done).label("spent"),
            func.sum(func.coalesce(sold.c.net, Booking.price)).filter(done).label("services"),
            func.max(_visited_at()).filter(done).label("last_at"),
        )
        .outerjoin(sold, _is_sold(sold))
        .where(Booking.status.in_([BookingStatus.COMPLETED, BookingStatus.NO_SHOW]))
        .where(*these(Booking.customer_id, customer_ids))
        .group_by(Booking.vendor_id, Booking.customer_id)
        .subquery("visits")
    )
    orders = _orders(customer_ids)
    lines, given = _lines(customer_ids), _given_back(customer_ids)
    services = func.coalesce(visits.c.services, 0) + func.coalesce(lines.c.services, 0)
    last_activity = func.greatest(Customer.created_at, visits.c.last_at, orders.c.last_at)
    return (
        select(
            Customer.id.label("customer_id"),
            func.coalesce(visits.c.visits, 0).label("visit_count"),
            func.coalesce(visits.c.no_shows, 0).label("no_show_count"),
            func.coalesce(orders.c.orders, 0).label("order_count"),
            services.label("services_spent"),
            func.coalesce(lines.c.products, 0).label("products_spent"),
            (
                func.coalesce(visits.c.spent, 0)
                + func.coalesce(orders.c.spent, 0)
                - func.coalesce(lines.c.booked, 0)
                - func.coalesce(given.c.lost, 0)
            ).label("total_spent"),
            visits.c.last_at.label("last_visit_at"),
            orders.c.last_at.label("last_order_at"),
            last_activity.label("last_activity_at"),
        )
        .outerjoin(visits, _same(visits))
        .outerjoin(orders, _same(orders))
        .outerjoin(lines, _same(lines))
        .outerjoin(given, _same(given))
        .where(*these(Customer.id, customer_ids))
    )


def _same(part: FromClause) -> Any:
    return and_(part.c.vendor_id == Customer.vendor_id, part.c.customer_id == Customer.id)


def _settled(customer_ids: Sequence[int] | None) -> list[Any]:
    return [
        Order.status.in_(SETTLED),
        Order.customer_id.is_not(None),
        *these(Order.customer_id, customer_ids),
    ]


def _orders(customer_ids: Sequence[int] | None) -> FromClause:
    return (
        select(
            Order.vendor_id,
            Order.customer_id,
            func.count().label("orders"),
            func.sum(Order.total).label("spent"),
            func.max(Order.placed_at).label("last_at"),
        )
        .where(*_settled(customer_ids))
        .group_by(Order.vendor_id, Order.customer_id)
        .subquery("orders_of")
    )


def _lines(customer_ids: Sequence[int] | None) -> FromClause:
    def summed(what: Any, *those: Any) -> Any:
        return func.sum(what).filter(*those)

    is_service, booked = OrderLine.kind == LineKind.SERVICE, OrderLine.booking_id.is_not(None)
    return (
        select(
            Order.vendor_id,
            Order.customer_id,
            summed(OrderLine.net, is_service, ~booked).label("services"),
            summed(OrderLine.net, OrderLine.kind == LineKind.PRODUCT).label("products"),
            summed(OrderLine.gross, booked).label("booked"),
        )
        .join(OrderLine, _line_of_order())
        .where(*_settled(customer_ids))
        .group_by(Order.vendor_id, Order.customer_id)
        .subquery("lines_of")
    )


def _sold(customer_ids: Sequence[int] | None) -> FromClause:
    """The lines of fulfilled orders that sold a booking: what it costs, and what it brings."""
    return (
        select(
            OrderLine.vendor_id,
            OrderLine.booking_id,
            OrderLine.kept.label("kept"),
            OrderLine.net.label("net"),
        )
        .join(Order, _line_of_order())
        .where(OrderLine.booking_id.is_not(None), *_settled(customer_ids))
        .subquery("sold")
    )


def _is_sold(sold: FromClause) -> Any:
    return and_(sold.c.vendor_id == Booking.vendor_id, sold.c.booking_id == Booking.id)


def _given_back(customer_ids: Sequence[int] | None) -> FromClause:
    """What orders no longer count for since money was given back, by customer: `lost`.

    What was given back for no line is taken from all that counts, and no order falls below
    nothing by it. A line with a booking counts once that is completed, and then as a visit.
    """
    booked, came = OrderLine.booking_id.is_not(None), Booking.status == BookingStatus.COMPLETED

    def summed(what: Any, *those: Any) -> Any:
        return func.coalesce(func.sum(what).filter(*those), 0)

    counting = summed(OrderLine.kept, or_(~booked, came))
    for_no_line = Order.given_back - summed(OrderLine.refunded)
    left = func.greatest(counting - for_no_line, 0) - summed(OrderLine.kept, booked, came)
    orders = (
        select(
            Order.vendor_id,
            Order.customer_id,
            (summed(OrderLine.gross, ~booked) - left).label("lost"),
        )
        .join(OrderLine, _line_of_order())
        .outerjoin(
            Booking,
            and_(Booking.vendor_id == OrderLine.vendor_id, Booking.id == OrderLine.booking_id),
        )
        .where(Order.refunded > 0, *_settled(customer_ids))
        .group_by(  # not by the key alone: whoever loads a database has put it aside
            Order.vendor_id, Order.customer_id, Order.id, Order.total, Order.paid, Order.refunded
        )
        .subquery("given_back_of")
    )
    return (
        select(orders.c.vendor_id, orders.c.customer_id, func.sum(orders.c.lost).label("lost"))
        .group_by(orders.c.vendor_id, orders.c.customer_id)
        .subquery("given_back")
    )


def _line_of_order() -> Any:
    return and_(OrderLine.vendor_id == Order.vendor_id, OrderLine.order_id == Order.id)


def true_interests(customer_ids: Sequence[int] | None = None) -> Select[Any]:
    """The interests of customers as bookings, orders, holdings and memberships tell them."""
    parts = union_all(
        _from_bookings(customer_ids),
        *_from_lines(customer_ids),
        _from_holdings(customer_ids),
        _from_memberships(customer_ids),
    ).subquery("bought")
    return select(
        *(parts.c[name] for name in KEY),
        func.max(parts.c.category_id).label("category_id"),
        func.sum(parts.c.times).label("times"),
        func.sum(parts.c.spent).label("spent"),
        func.max(parts.c.at).label("last_at"),
    ).group_by(*(parts.c[name] for name in KEY))


def _part(source: Any, kind: Any, item: Any, category: Any, times: Any, spent: Any, at: Any) -> Any:
    return select(
        source.vendor_id,
        source.customer_id,
        kind.label("kind"),
        item.label("item_id"),
        category.label("category_id"),
        times.label("times"),
        spent.label("spent"),
        at.label("at"),
    )


_ONE, _NOTHING, _NO_CATEGORY = literal(1), literal(Decimal(0)), literal(None, Service.id.type)


def _from_bookings(customer_ids: Sequence[int] | None) -> Any:
    sold = _sold(customer_ids)
    return (
        _part(
            Booking, Service.kind, Service.id, Service.category_id, _ONE,
            func.coalesce(sold.c.net, Booking.price), _visited_at(),
        )
        .outerjoin(sold, _is_sold(sold))
        .join(
            Service, and_(Service.vendor_id == Booking.vendor_id, Service.id == Booking.service_id)
        )
        .where(Booking.status == BookingStatus.COMPLETED, *these(Booking.customer_id, customer_ids))
    )  # fmt: skip


def _from_lines(customer_ids: Sequence[int] | None) -> list[Any]:
    """Packages and memberships bring money here; how often they were had, their own rows say."""
    line = OrderLine
    common = {"spent": line.net, "at": Order.fulfilled_at}

    def part(item: Any, kind: Any, category: Any, times: Any, *joins: tuple[Any, Any]) -> Any:
        query = _part(Order, kind, item.id, category, times, **common).join(line, _line_of_order())
        for table, condition in joins:
            query = query.join(table, and_(table.vendor_id == line.vendor_id, condition))
        return query.where(*_settled(customer_ids))

    pieces, none = line.quantity, literal(0)
    return [
        part(
            Product, literal(InterestKind.PRODUCT.value), Product.category_id, pieces,
            (Variant, Variant.id == line.variant_id), (Product, Product.id == Variant.product_id),
        ),
        part(Service, Service.kind, Service.category_id, pieces,
             (Service, and_(Service.id == line.service_id, line.booking_id.is_(None)))),
        part(Package, literal(InterestKind.PACKAGE.value), Package.category_id, none,
             (Package, Package.id == line.package_id)),
        _part(Order, literal(InterestKind.MEMBERSHIP.value), line.plan_id, _NO_CATEGORY, none,
              **common)
        .join(line, _line_of_order()).where(line.plan_id.is_not(None), *_settled(customer_ids)),
    ]  # fmt: skip


def _from_holdings(customer_ids: Sequence[int] | None) -> Any:
    held = PackageHolding
    return (
        _part(
            held, literal(InterestKind.PACKAGE.value), Package.id, Package.category_id, _ONE,
            _NOTHING, held.bought_at,
        )
        .join(Package, and_(Package.vendor_id == held.vendor_id, Package.id == held.package_id))
        .where(*these(held.customer_id, customer_ids))
    )  # fmt: skip


def _from_memberships(customer_ids: Sequence[int] | None) -> Any:
    return _part(
        Membership, literal(InterestKind.MEMBERSHIP.value), Membership.plan_id, _NO_CATEGORY,
        _ONE, _NOTHING, Membership.started_at,
    ).where(*these(Membership.customer_id, customer_ids))  # fmt: skip


# --- money --------------------------------------------------------------------------------


def _summed(rows: Any, key: Any, **sums: Any) -> FromClause:
    """Sums of a ledger by what it belongs to, and whose it is."""
    named = [func.sum(amount).label(name) for name, amount in sums.items()]
    grouped = rows.with_only_columns(key.class_.vendor_id, key.label("key"), *named)
    summed: FromClause = grouped.group_by(key.class_.vendor_id, key).subquery()
    return summed


def _beside(model: Any, ledger: FromClause, *names: str) -> Select[Any]:
    """Every row of a noun with its sums, nothing where its ledger is empty."""
    return select(
        model.id.label("id"), *(func.coalesce(ledger.c[name], 0).label(name) for name in names)
    ).outerjoin(ledger, and_(ledger.c.vendor_id == model.vendor_id, ledger.c.key == model.id))


_GIVEN = Refund.status != RefundState.FAILED


def true_payment_refunds() -> Select[Any]:
    """What was given back of each payment, as its refunds tell it: `id`, `refunded`."""
    given = select().where(_GIVEN)
    return _beside(Payment, _summed(given, Refund.payment_id, refunded=Refund.amount), "refunded")


def true_order_money() -> Select[Any]:
    """What was captured for each order and given back: `id`, `paid`, `refunded`."""
    taken = _summed(
        select().where(Payment.status == PaymentState.CAPTURED), Payment.order_id,
        paid=Payment.amount,
    )  # fmt: skip
    given = _summed(select().where(_GIVEN), Refund.order_id, refunded=Refund.amount)
    of_order = and_(given.c.vendor_id == Order.vendor_id, given.c.key == Order.id)
    paid = _beside(Order, taken, "paid")
    return paid.add_columns(func.coalesce(given.c.refunded, 0).label("refunded")).outerjoin(
        given, of_order
    )


def true_line_refunds() -> Select[Any]:
    """What was given back for each line of an order: `id`, `refunded`."""
    of_refund = and_(Refund.vendor_id == RefundLine.vendor_id, Refund.id == RefundLine.refund_id)
    rows = select().select_from(RefundLine).join(Refund, of_refund).where(_GIVEN)
    given = _summed(rows, RefundLine.order_line_id, refunded=RefundLine.amount)
    return _beside(OrderLine, given, "refunded")


def true_credit() -> Select[Any]:
    """The store credit of each customer, as the entries tell it: `id`, `store_credit`."""
    ledger = _summed(select(), CreditEntry.customer_id, store_credit=CreditEntry.amount)
    return _beside(Customer, ledger, "store_credit")


# --- uses of packages ---------------------------------------------------------------------


def true_uses() -> Select[Any]:
    """Where the uses of each package in hand are, as its entries tell it: `id`, and each number."""
    entry, before = PackageEntry, aliased(PackageEntry)
    kinds = EntryKind

    def of(*those: Any) -> Any:
        return func.coalesce(func.sum(entry.uses).filter(or_(*those)), 0)

    from_hold = before.kind == kinds.HOLD
    sums = {
        "uses": of(entry.kind == kinds.GRANT),
        "uses_held": of(entry.kind == kinds.HOLD) - of(from_hold),
        "uses_used": of(entry.kind == kinds.USE) - of(before.kind == kinds.USE),
        "uses_forfeited": of(entry.kind == kinds.FORFEIT) - of(before.kind == kinds.FORFEIT),
        "uses_expired": of(entry.kind == kinds.EXPIRE) - of(before.kind == kinds.EXPIRE),
        "uses_refunded": of(entry.kind == kinds.REFUND),
        "uses_left": of(entry.kind.in_([kinds.GRANT, kinds.RELEASE, kinds.RESTORE]))
        - of(
            entry.kind.in_([kinds.HOLD, kinds.EXPIRE, kinds.REFUND]),
            and_(entry.kind == kinds.USE, entry.of_id.is_(None)),
        ),
    }
    return (
        select(PackageHolding.id.label("id"), *(s.label(name) for name, s in sums.items()))
        .outerjoin(
            entry,
            and_(
                entry.vendor_id == PackageHolding.vendor_id, entry.holding_id == PackageHolding.id
            ),
        )
        .outerjoin(before, and_(before.vendor_id == entry.vendor_id, before.id == entry.of_id))
        .group_by(PackageHolding.id)
    )


# --- points -------------------------------------------------------------------------------


def true_points() -> Select[Any]:
    """What each account of points holds, as its entries tell it: `id`, `points`, `pending`."""
    sums = {"points": LoyaltyEntry.points, "pending": LoyaltyEntry.pending}
    return _beside(LoyaltyAccount, _summed(select(), LoyaltyEntry.account_id, **sums), *sums)


def true_lots() -> Select[Any]:
    """What is left of each lot of points: `id`, `remaining`, `pending`, `spend`."""
    sums = {
        "remaining": LoyaltyEntry.points, "pending": LoyaltyEntry.pending,
        "spend": LoyaltyEntry.spend,
    }  # fmt: skip
    of_lots = select().where(LoyaltyEntry.lot_id.is_not(None))
    return _beside(LoyaltyLot, _summed(of_lots, LoyaltyEntry.lot_id, **sums), *sums)
