"""What a customer has brought: the figures beside the time line, from the running numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Date,
    DateTime,
    Integer,
    Select,
    and_,
    bindparam,
    cast,
    func,
    literal,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session

from models.bookings import Booking, BookingStatus
from models.categories import Category
from models.customers import Customer
from models.interests import CustomerInterest
from models.memberships import MembershipPlan
from models.orders import LineKind, Order, OrderLine, OrderStatus
from models.packages import Package
from models.products import Product
from models.services import Service
from models.vendors import Vendor
from models.words import InterestKind

TOP = 5
MONTHS = 12


NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Interest:
    """Something the customer bought: what, how often, for how much without tax, when last."""

    kind: str
    name: str
    category: str | None
    times: int
    spent: Decimal
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Month:
    """What one month brought, by the vendor's calendar; `first` is its first day.

    Money is worked out as in `Revenue`, and stands in the month of the visit or the order.
    """

    first: Any
    services: Decimal
    products: Decimal


@dataclass(frozen=True, slots=True)
class Revenue:
    """What a customer brought by kind, after discounts, refunds for a line, and tax.

    `rest` makes it what was spent: tax, fees and tips, less what was given back for no line. A
    visit that no order sold counts with its price, of which no tax is known.
    """

    services: Decimal
    products: Decimal
    packages: Decimal
    memberships: Decimal
    shipping: Decimal
    rest: Decimal


@dataclass(frozen=True, slots=True)
class Figures:
    """The head of a customer's page. Money is the installation's; `every_days` is between visits.

    `spent` is with tax and less what was given back, whether it is paid or still due; so is
    `order_value`, what an order came to on average: None without orders. Orders count once they
    are fulfilled.
    """

    spent: Decimal
    revenue: Revenue
    visits: int
    orders: int
    no_shows: int
    order_value: Decimal | None
    every_days: int | None
    last_visit_at: datetime | None
    last_order_at: datetime | None
    next_visit_at: datetime | None
    next_visit: str | None
    interests: list[Interest]
    months: list[Month]


def figures(session: Session, *, customer: Customer, now: datetime) -> Figures:
    """The figures of a customer whose file is open: the numbers on it, and three small queries."""
    around = session.connection().execute(_AROUND, {**_whose(customer), "now": now}).one()
    return Figures(
        spent=customer.total_spent,
        revenue=_revenue(customer, around),
        visits=customer.visit_count,
        orders=customer.order_count,
        no_shows=customer.no_show_count,
        order_value=around.order_value,
        every_days=_every_days(customer, around.first_visit),
        last_visit_at=customer.last_visit_at,
        last_order_at=customer.last_order_at,
        next_visit_at=around.starts_at,
        next_visit=around.name,
        interests=interests(session, customer),
        months=months(session, customer, now),
    )


def _of(model: Any) -> tuple[Any, Any]:
    return model.vendor_id == bindparam("vendor_id"), model.customer_id == bindparam("customer_id")


def _revenue(customer: Customer, around: Any) -> Revenue:
    known = (
        customer.services_spent, customer.products_spent, around.packages or NOTHING,
        around.memberships or NOTHING, around.shipping or NOTHING,
    )  # fmt: skip
    return Revenue(*known, rest=customer.total_spent - sum(known, NOTHING))


COUNTING = (OrderStatus.FULFILLED, OrderStatus.COMPLETED)
_SETTLED = (*_of(Order), Order.status.in_(COUNTING))
_OF_ORDER = and_(OrderLine.vendor_id == Order.vendor_id, OrderLine.order_id == Order.id)


_ORDER_VALUE = select(func.avg(Order.total - Order.given_back)).where(*_SETTLED)
_SHIPPING = (
    select(func.sum(OrderLine.net))
    .select_from(Order)
    .join(OrderLine, _OF_ORDER)
    .where(
        *_SETTLED, Order.shipping_method_id.is_not(None), OrderLine.kind == LineKind.SHIPPING
    )
)  # fmt: skip


def _bought(kind: InterestKind) -> Any:
    """What interests of a kind brought: a row for each item, not for each time."""
    of_kind = and_(*_of(CustomerInterest), CustomerInterest.kind == kind)
    return select(func.sum(CustomerInterest.spent)).where(of_kind).scalar_subquery()


_NEXT_VISIT = (
    select(Booking.starts_at, Service.name)
    .join(Service, and_(Service.vendor_id == Booking.vendor_id, Service.id == Booking.service_id))
    .where(
        *_of(Booking),
        Booking.starts_at >= bindparam("now", type_=DateTime(timezone=True)),
        Booking.status.in_(["pending", "confirmed"]),
    )
    .order_by(Booking.starts_at)
    .limit(1)
)
_FIRST_VISIT = (
    select(func.least(Booking.starts_at, Booking.completed_at))
    .where(*_of(Booking), Booking.status == BookingStatus.COMPLETED)
    .order_by(Booking.starts_at)
    .limit(1)
)


def _around() -> Select[Any]:
    """What is next, what came first, what an order brings: asked together, each by its index."""
    coming = _NEXT_VISIT.subquery("coming")
    always = select(literal(1).label("one")).subquery("always")
    return select(
        coming.c.starts_at,
        coming.c.name,
        _ORDER_VALUE.scalar_subquery().label("order_value"),
        _SHIPPING.scalar_subquery().label("shipping"),
        _bought(InterestKind.PACKAGE).label("packages"),
        _bought(InterestKind.MEMBERSHIP).label("memberships"),
        _FIRST_VISIT.scalar_subquery().label("first_visit"),
    ).select_from(always.outerjoin(coming, true()))


_AROUND = _around()


def _every_days(customer: Customer, first: datetime | None) -> int | None:
    """The days from first to last visit, shared by the steps between; None before the second."""
    if customer.visit_count < 2 or customer.last_visit_at is None or first is None:
        return None
    steps = customer.visit_count - 1
    days: float = (customer.last_visit_at - first) / timedelta(days=1)
    return max(1, round(days / steps))


_ITEMS: Sequence[tuple[Any, Sequence[InterestKind]]] = (
    (
        Service,
        (
            InterestKind.APPOINTMENT,
            InterestKind.CLASS,
            InterestKind.LAB_TEST,
            InterestKind.STAY,
        ),
    ),
    (Product, (InterestKind.PRODUCT,)),
    (Package, (InterestKind.PACKAGE,)),
    (MembershipPlan, (InterestKind.MEMBERSHIP,)),
)


def _interests() -> Select[Any]:
    bought = CustomerInterest
    name = func.coalesce(*(model.name for model, _ in _ITEMS), "No longer sold")
    query = select(
        bought.kind, name.label("name"), Category.name.label("category"), bought.times,
        bought.spent, bought.last_at,
    )  # fmt: skip
    query = query.outerjoin(Category, Category.id == bought.category_id)
    for model, kinds in _ITEMS:
        same = and_(model.vendor_id == bought.vendor_id, model.id == bought.item_id)
        query = query.outerjoin(model, and_(bought.kind.in_(kinds), same))
    return (
        query.where(*_of(bought))
        .order_by(bought.spent.desc(), bought.times.desc(), bought.id)
        .limit(bindparam("top", type_=Integer))
    )


_INTERESTS = _interests()


def interests(session: Session, customer: Customer, top: int = TOP) -> list[Interest]:
    """What the customer spends most on; the most frequent first where the money is equal."""
    found = session.connection().execute(_INTERESTS, {**_whose(customer), "top": top})
    return [Interest(*row) for row in found]


def item_names(session: Session, bought: Sequence[CustomerInterest]) -> dict[tuple[str, int], str]:
    """What was bought, by kind and id: one query, a part of it for each kind that occurs."""
    asked: dict[str, set[int]] = {}
    for one in bought:
        asked.setdefault(one.kind, set()).add(one.item_id)
    parts = [
        select(literal(kind.value).label("kind"), model.id.label("id"), model.name.label("name"))
        .where(model.id.in_(sorted(asked[kind])))
        for model, kinds in _ITEMS for kind in kinds if kind in asked
    ]  # fmt: skip
    found = session.execute(union_all(*parts)) if parts else ()
    return {(row.kind, row.id): row.name for row in found}


def months(session: Session, customer: Customer, now: datetime) -> list[Month]:
    """The last twelve months, the present one last, each also when nothing was bought."""
    rows = session.connection().execute(_MONTHS, {**_whose(customer), "now": now})
    return [Month(row.first, row.services, row.products) for row in rows]


def _whose(customer: Customer) -> dict[str, int]:
    return {"vendor_id": customer.vendor_id, "customer_id": customer.id}


def _months() -> Select[Any]:
    zone = select(Vendor.time_zone).where(Vendor.id == bindparam("vendor_id")).scalar_subquery()
    now = bindparam("now", type_=DateTime(timezone=True))
    first_month = func.date_trunc("month", func.timezone(zone, now)) - func.make_interval(
        0, MONTHS - 1
    )
    since = func.timezone(zone, first_month)
    zero = literal(NOTHING)
    sold = (
        select(OrderLine.net)
        .join(Order, _OF_ORDER)
        .where(OrderLine.vendor_id == Booking.vendor_id, OrderLine.booking_id == Booking.id)
        .where(Order.status.in_(COUNTING))
        .correlate(Booking)
        .scalar_subquery()
    )
    visits = select(
        Booking.starts_at.label("at"), func.coalesce(sold, Booking.price).label("services"),
        zero.label("products"),
    ).where(
        *_of(Booking), Booking.status == BookingStatus.COMPLETED, Booking.starts_at >= since
    )  # fmt: skip

    def brought(*those: Any) -> Any:
        return func.coalesce(func.sum(OrderLine.net).filter(*those), 0)

    service = and_(OrderLine.kind == LineKind.SERVICE, OrderLine.booking_id.is_(None))
    lines = (
        select(Order.placed_at, brought(service), brought(OrderLine.kind == LineKind.PRODUCT))
        .join(OrderLine, _OF_ORDER)
        .where(*_SETTLED, Order.placed_at >= since)
        .group_by(Order.id)
    )
    bought = union_all(visits, lines).subquery("bought")
    step = select(func.generate_series(0, MONTHS - 1).label("n")).subquery("steps")
    month = first_month + func.make_interval(0, cast(step.c.n, Integer))
    same = func.date_trunc("month", func.timezone(zone, bought.c.at)) == month
    return (
        select(
            cast(month, Date).label("first"),
            func.coalesce(func.sum(bought.c.services), 0).label("services"),
            func.coalesce(func.sum(bought.c.products), 0).label("products"),
        )
        .select_from(step)
        .outerjoin(bought, same)
        .group_by(month)
        .order_by(month)
    )


_MONTHS = _months()
"""Built once: every customer's page asks it."""
