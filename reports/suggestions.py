"""What a customer may want next: what is due again, and what others buy with what they have.

Only what is sold now, is not booked already and does not wait to be handed over. What they never
bought follows from `item_pairs`, of which each is known to be no chance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Numeric,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from models.bookings import Booking, BookingStatus
from models.customers import Customer
from models.interests import CustomerInterest
from models.memberships import MembershipPlan
from models.orders import Order, OrderLine, OrderStatus
from models.packages import Package
from models.pairs import ItemPair
from models.products import Product, ProductStatus, Variant
from models.services import Service
from models.usages import Usage, UsageKind
from models.words import InterestKind

DUE, TOGETHER = 3, 3
"""How many of each are shown."""
SOON, LOST = timedelta(days=14), timedelta(days=183)
"""From when on something is due again, and when it was given up."""
WAITS = timedelta(days=90)
"""An order that waits longer for its goods is forgotten."""
KNOWN = 40
"""Of what somebody bought, the last things tell what they like."""
CANDIDATES = 12

SERVICES = (
    InterestKind.APPOINTMENT, InterestKind.CLASS, InterestKind.LAB_TEST, InterestKind.STAY,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Again:
    """Why something is due: when it was had last, every how many days it is, and when again.

    `lasts`: that is how long the last purchase lasts, not the customer's own rhythm.
    """

    last_on: date
    every_days: int
    next_on: date
    lasts: bool


@dataclass(frozen=True, slots=True)
class Beside:
    """Why something fits: of those who bought the item that is named, this share bought it too.

    `usual` is the share of all customers who buy anything. Both are 0 to 1.
    """

    name: str
    share: Decimal
    usual: Decimal


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something to offer a customer; `variant_id` is the product's first one that is sold."""

    kind: InterestKind
    item_id: int
    name: str
    why: Again | Beside
    variant_id: int | None = None


def suggestions(session: Session, *, customer: Customer, now: datetime) -> list[Suggestion]:
    """What to offer a customer, at most `DUE` + `TOGETHER`: what is due first, then the likeliest.

    Whoever is late since before `LOST` is not expected to want that again.
    """
    today = now.date()
    asked = {
        "vendor_id": customer.vendor_id, "customer_id": customer.id, "now": now,
        "from": today - LOST, "until": today + SOON, "waits": now - WAITS,
    }  # fmt: skip
    found = session.connection().execute(_CANDIDATES, asked).all()
    items = _items(session, customer.vendor_id, found)
    due = [_due(one, items) for one in found if one.next_on is not None]
    beside = [_beside(one, items) for one in found if one.next_on is None]
    return [*_first(due, DUE), *_first(beside, TOGETHER)]


def _first(found: Iterable[Suggestion | None], most: int) -> list[Suggestion]:
    return [one for one in found if one is not None][:most]


def _due(one: Any, items: "Items") -> Suggestion | None:
    sold = items.get((one.kind, one.item_id))
    if sold is None or not sold.is_sold:
        return None
    why = Again(one.last_on, one.every_days, one.next_on, one.lasts)
    return Suggestion(InterestKind(one.kind), one.item_id, sold.name, why, sold.variant_id)


def _beside(one: Any, items: "Items") -> Suggestion | None:
    sold, had = items.get((one.kind, one.item_id)), items.get((one.with_kind, one.with_id))
    if sold is None or not sold.is_sold or had is None:
        return None
    why = Beside(had.name, one.share, one.usual)
    return Suggestion(InterestKind(one.kind), one.item_id, sold.name, why, sold.variant_id)


# --- what might be offered -------------------------------------------------------------------


def _of(model: Any) -> tuple[Any, Any]:
    return model.vendor_id == bindparam("vendor_id"), model.customer_id == bindparam("customer_id")


_NOW = bindparam("now", type_=DateTime(timezone=True))
_BOOKED = select(Booking.service_id).where(
    *_of(Booking),
    Booking.starts_at >= _NOW,
    Booking.status.in_([BookingStatus.PENDING, BookingStatus.CONFIRMED]),
)
_ORDERED = (
    select(Variant.product_id)
    .join(OrderLine, and_(OrderLine.vendor_id == Variant.vendor_id,
                          OrderLine.variant_id == Variant.id))
    .join(Order, and_(Order.vendor_id == OrderLine.vendor_id, Order.id == OrderLine.order_id))
    .where(
        *_of(Order),
        Order.status == OrderStatus.PLACED,
        Order.handed_over < Order.pieces,
        Order.placed_at >= bindparam("waits", type_=DateTime(timezone=True)),
    )
)  # fmt: skip


def _is_open(kind: Any, item: Any) -> Any:
    """Neither booked nor ordered already."""
    return and_(
        or_(kind.not_in(SERVICES), item.not_in(_BOOKED)),
        or_(kind != InterestKind.PRODUCT, item.not_in(_ORDERED)),
    )


def _again() -> Select[Any]:
    expected = Usage.next_on.between(bindparam("from", type_=Date), bindparam("until", type_=Date))
    return (
        select(
            Usage.kind, Usage.item_id, Usage.last_on, Usage.interval_days.label("every_days"),
            Usage.next_on, (Usage.source == "product").label("lasts"),
            cast(null(), Text).label("with_kind"), cast(null(), BigInteger).label("with_id"),
            cast(null(), Numeric).label("share"), cast(null(), Numeric).label("usual"),
            func.row_number().over(order_by=(Usage.next_on, Usage.id)).label("nth"),
        )
        .where(*_of(Usage), Usage.kind != UsageKind.VISIT, expected)
        .where(_is_open(Usage.kind, Usage.item_id))
        .order_by("nth")
        .limit(CANDIDATES)
    )  # fmt: skip


def _fitting() -> Select[Any]:
    had = (
        select(CustomerInterest.kind, CustomerInterest.item_id)
        .where(*_of(CustomerInterest), CustomerInterest.times > 0)
        .order_by(CustomerInterest.last_at.desc(), CustomerInterest.id)
        .limit(KNOWN)
        .subquery("had")
    )
    own = (
        select(literal(1))
        .where(*_of(CustomerInterest))
        .where(CustomerInterest.kind == ItemPair.next_kind)
        .where(CustomerInterest.item_id == ItemPair.next_id)
        .correlate(ItemPair)
    )
    best = (
        select(ItemPair)
        .join(had, and_(ItemPair.kind == had.c.kind, ItemPair.item_id == had.c.item_id))
        .where(ItemPair.vendor_id == bindparam("vendor_id"), ~own.exists())
        .where(_is_open(ItemPair.next_kind, ItemPair.next_id))
        .ext(distinct_on(ItemPair.next_kind, ItemPair.next_id))
        .order_by(ItemPair.next_kind, ItemPair.next_id, ItemPair.share.desc(), ItemPair.id)
        .subquery("best")
    )
    pair = best.c
    likeliest = (pair.share.desc(), pair.lift.desc(), pair.id)
    return (
        select(
            pair.next_kind.label("kind"), pair.next_id.label("item_id"),
            cast(null(), Date).label("last_on"), cast(null(), BigInteger).label("every_days"),
            cast(null(), Date).label("next_on"), literal(False).label("lasts"),
            pair.kind.label("with_kind"), pair.item_id.label("with_id"), pair.share, pair.usual,
            func.row_number().over(order_by=likeliest).label("nth"),
        )
        .order_by("nth")
        .limit(CANDIDATES)
    )  # fmt: skip


def _candidates() -> Select[Any]:
    both = union_all(
        select(_again().subquery("again")), select(_fitting().subquery("fitting"))
    ).subquery("candidates")
    return select(both).order_by(both.c.next_on.is_(None), both.c.nth)


_CANDIDATES = _candidates()


# --- what it is called, and whether it is sold -----------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the catalogue as it stands."""

    name: str
    is_sold: bool
    variant_id: int | None


Items = dict[tuple[str, int], Item]

_VARIANT = (
    select(func.min(Variant.id))
    .where(Variant.vendor_id == Product.vendor_id, Variant.product_id == Product.id)
    .where(Variant.is_active)
    .correlate(Product)
    .scalar_subquery()
)
_CATALOGUE: Sequence[tuple[Any, Sequence[InterestKind], Any, Any]] = (
    (Service, SERVICES, Service.is_active, cast(null(), BigInteger)),
    (Product, (InterestKind.PRODUCT,),
     and_(Product.status == ProductStatus.ACTIVE, _VARIANT.is_not(None)), _VARIANT),
    (Package, (InterestKind.PACKAGE,), Package.is_active, cast(null(), BigInteger)),
    (MembershipPlan, (InterestKind.MEMBERSHIP,), MembershipPlan.is_active,
     cast(null(), BigInteger)),
)  # fmt: skip


def _items(session: Session, vendor_id: int, found: Sequence[Any]) -> Items:
    """The catalogue's word on what was found: one query, a part of it for each kind that occurs."""
    keys = {(one.kind, one.item_id) for one in found}
    keys |= {(one.with_kind, one.with_id) for one in found if one.with_kind is not None}
    parts = []
    for model, kinds, is_sold, variant in _CATALOGUE:
        ids = sorted({item for kind, item in keys if kind in kinds})
        if ids:
            part = select(
                literal(kinds[0].value).label("kind"), model.id.label("id"), model.name,
                is_sold.label("is_sold"), variant.label("variant_id"),
            )  # fmt: skip
            parts.append(part.where(model.vendor_id == vendor_id, model.id.in_(ids)))
    if not parts:
        return {}
    rows = session.connection().execute(union_all(*parts))
    known = {(row.kind, row.id): Item(row.name, row.is_sold, row.variant_id) for row in rows}
    service = SERVICES[0].value
    return {
        (kind, item): known[key]
        for kind, item in keys
        if (key := (service if kind in SERVICES else kind, item)) in known
    }
