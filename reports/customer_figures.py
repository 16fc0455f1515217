"""What a customer has brought and may bring: the figures beside the time line.

They cost the same for whoever has one order or ten thousand: they are running numbers, roll-ups
and a few rows found by an index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    DateTime,
    Integer,
    Select,
    and_,
    bindparam,
    case,
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
from models.orders import Order, OrderStatus
from models.packages import Package
from models.products import Product
from models.scores import CustomerScore
from models.services import Service
from models.usages import Usage, UsageKind
from models.words import InterestKind
from reports import customer_months
from reports.customer_months import Month

TOP = 5
VALUED = 100
"""The last orders, of which the average is taken."""

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
class Revenue:
    """What a customer brought by kind, after discounts, refunds for a line, and tax.

    `extras` are shipping, fees and tips, less what was given back for no line; None while the
    roll-up does not have the latest yet, and then they are in the rest. `rest` makes it what was
    spent: the tax. A visit that no order sold counts with its price, of which no tax is known.
    """

    services: Decimal
    products: Decimal
    packages: Decimal
    memberships: Decimal
    extras: Decimal | None
    rest: Decimal


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be expected of a customer; None where it is not known (yet).

    `next_on` is the day of the next visit by their own rhythm of `every_days`, whether one is
    booked or not. `segment` and the chance that they come back (0 to 1) are those of `as_of`;
    `purchases` and `value` are expected within twelve months of it, `worth` is that of one.
    """

    next_on: date | None
    every_days: int | None
    segment: str | None
    chance: Decimal | None
    purchases: Decimal | None
    value: Decimal | None
    worth: Decimal | None
    as_of: date | None


@dataclass(frozen=True, slots=True)
class Figures:
    """The head of a customer's page. Money is the installation's.

    `every_days` is between visits: the rhythm by which the next is expected, else their mean.
    `spent` is with tax and less what was given back, whether it is paid or still due; so is
    `order_value`, what the last orders came to on average: None without orders. Orders count once
    they are fulfilled.
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
    outlook: Outlook


def figures(session: Session, *, customer: Customer, now: datetime) -> Figures:
    """The figures of a customer whose file is open: the numbers on it, and a few small queries."""
    around = session.connection().execute(_AROUND, {**_whose(customer), "now": now}).one()
    kept = customer_months.kept(session, customer, now)
    expected = outlook(session, customer)
    return Figures(
        spent=customer.total_spent,
        revenue=_revenue(customer, around, kept),
        visits=customer.visit_count,
        orders=customer.order_count,
        no_shows=customer.no_show_count,
        order_value=around.order_value,
        every_days=expected.every_days or _every_days(customer, around.first_visit),
        last_visit_at=customer.last_visit_at,
        last_order_at=customer.last_order_at,
        next_visit_at=around.starts_at,
        next_visit=around.name,
        interests=interests(session, customer),
        months=customer_months.fresh(session, customer, now, kept),
        outlook=expected,
    )


def _of(model: Any) -> tuple[Any, Any]:
    return model.vendor_id == bindparam("vendor_id"), model.customer_id == bindparam("customer_id")


def _revenue(customer: Customer, around: Any, kept: customer_months.Kept) -> Revenue:
    packages, memberships = around.packages or NOTHING, around.memberships or NOTHING
    extras = None
    if customer_months.is_complete(customer, kept):
        extras = kept.other - packages - memberships
    known = (customer.services_spent, customer.products_spent, packages, memberships)
    rest = customer.total_spent - sum(known, extras or NOTHING)
    return Revenue(*known, extras=extras, rest=rest)


COUNTING = (OrderStatus.FULFILLED, OrderStatus.COMPLETED)
_LAST_ORDERS = (
    select((Order.total - Order.given_back).label("value"))
    .where(*_of(Order), Order.status.in_(COUNTING))
    .order_by(Order.placed_at.desc())
    .limit(VALUED)
    .subquery("last_orders")
)
_ORDER_VALUE = select(func.avg(_LAST_ORDERS.c.value))


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
    """The first few of services, of products, and of what is prepaid."""
    of_service = CustomerInterest.kind.in_(_ITEMS[0][1])
    group = case((of_service, 1), (CustomerInterest.kind == InterestKind.PRODUCT, 2), else_=3)
    most = (CustomerInterest.spent.desc(), CustomerInterest.times.desc(), CustomerInterest.id)
    ranked = (
        select(
            CustomerInterest,
            func.row_number().over(partition_by=group, order_by=most).label("nth"),
        )
        .where(*_of(CustomerInterest))
        .subquery("ranked")
    )
    bought = ranked.c
    name = func.coalesce(*(model.name for model, _ in _ITEMS), "No longer sold")
    query = select(
        bought.kind, name.label("name"), Category.name.label("category"), bought.times,
        bought.spent, bought.last_at,
    )  # fmt: skip
    query = query.select_from(ranked).outerjoin(Category, Category.id == bought.category_id)
    for model, kinds in _ITEMS:
        same = and_(model.vendor_id == bought.vendor_id, model.id == bought.item_id)
        query = query.outerjoin(model, and_(bought.kind.in_(kinds), same))
    return query.where(bought.nth <= bindparam("top", type_=Integer)).order_by(
        bought.spent.desc(), bought.times.desc(), bought.id
    )


_INTERESTS = _interests()


def interests(session: Session, customer: Customer, top: int = TOP) -> list[Interest]:
    """What they spend most on, `top` of services, of products, and of what is prepaid each.

    The most frequent comes first where the money is equal.
    """
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


def outlook(session: Session, customer: Customer) -> Outlook:
    """What is to be expected of a customer, as it was worked out last."""
    return Outlook(*session.connection().execute(_OUTLOOK, _whose(customer)).one())


def _whose(customer: Customer) -> dict[str, int]:
    return {"vendor_id": customer.vendor_id, "customer_id": customer.id}


def _outlook() -> Any:
    score, visit = CustomerScore, Usage
    of_visits = and_(*_of(visit), visit.kind == UsageKind.VISIT, visit.item_id == 0)
    each = score.value_12m / func.nullif(score.expected_12m, 0)
    always = select(literal(1).label("one")).subquery("always")
    return (
        select(
            visit.next_on, visit.interval_days, score.segment, score.p_alive, score.expected_12m,
            score.value_12m, func.coalesce(each, score.revenue / score.days), score.as_of,
        )
        .select_from(always.outerjoin(score, and_(*_of(score))).outerjoin(visit, of_visits))
    )  # fmt: skip


_OUTLOOK = _outlook()
