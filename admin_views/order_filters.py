"""The filters of orders by what was sold: kinds, items, categories, coupons.

An order is found by its lines. Figures lead to these lists, so each filter counts what they count.
What few orders have is looked up by the lines; else each order is asked for its lines.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, or_, select
from sqlalchemy.orm import Session

from admin_views.category_filters import OfCategory
from admin_views.few import looked_up, one_of
from admin_views.filters import MOST_VALUES, OneOf, Related, choice
from admin_views.lists import Address
from admin_views.loaders import Lookup, Records, record_id
from admin_views.lookups import ALL_PACKAGES, ALL_PLANS, ALL_PRODUCTS, ALL_SERVICES
from admin_views.rendering import word
from app.operations.conditions import branch
from app.tenancy import DatabaseRole, current_actor
from models.coupons import Coupon, CouponRedemption, RedemptionStatus
from models.memberships import MembershipPlan
from models.orders import LineKind, Order, OrderLine
from models.packages import Package
from models.products import Product, Variant
from models.services import Service

COUPONS = Records(Coupon, (Coupon.name,))
OF_KIND: dict[str, Lookup] = {
    LineKind.PRODUCT: ALL_PRODUCTS,
    LineKind.SERVICE: ALL_SERVICES,
    LineKind.PACKAGE: ALL_PACKAGES,
    LineKind.MEMBERSHIP: ALL_PLANS,
}


def with_line(*conditions: Any) -> ColumnElement[bool]:
    """Orders that have such a line."""
    of_order = (OrderLine.vendor_id == Order.vendor_id, OrderLine.order_id == Order.id)
    return select(OrderLine.id).where(*of_order, *conditions).exists()


@dataclass(frozen=True)
class Items:
    """Things that are sold, each by its vendor: the column of a line that names them."""

    column: Any
    ids: Sequence[int]
    vendors: frozenset[int]

    @classmethod
    def read(cls, session: Session, column: Any, model: Any, *which: Any) -> "Items":
        """Those of a model for which all holds."""
        rows = session.execute(select(model.id, model.vendor_id).where(*which)).all()
        return cls(column, [row.id for row in rows], frozenset(row.vendor_id for row in rows))

    def sold(self) -> ColumnElement[bool]:
        """Whether a line is of one of them."""
        return one_of(self.column, self.ids)

    def lines(self) -> Select[Any]:
        """The orders that have them, by the index that begins with their vendors."""
        own = one_of(OrderLine.vendor_id, sorted(self.vendors))
        return select(OrderLine.order_id).where(own, self.sold())


def with_items(session: Session, orders: Select[Any], found: Iterable[Items]) -> Select[Any]:
    """Orders with a line of these; only vendors who have such things sold them."""
    some = [items for items in found if items.ids]
    ids = looked_up(session, (items.lines() for items in some))
    if ids is not None:
        return orders.where(one_of(Order.id, ids))
    if current_actor().role is not DatabaseRole.VENDOR:
        vendors = frozenset[int]().union(*(items.vendors for items in some))
        orders = orders.where(one_of(Order.vendor_id, sorted(vendors)))
    # The planner takes a vendor's items for as few as all vendors' are, and hashes every line
    # for the few it expects: of this it expects many, and stops as soon as it has them.
    sold = func.coalesce(or_(*(items.sold() for items in some)), false())
    return orders.where(with_line(sold))


NAMED_BY = {
    LineKind.PRODUCT: OrderLine.variant_id,
    LineKind.SERVICE: OrderLine.service_id,
    LineKind.PACKAGE: OrderLine.package_id,
    LineKind.MEMBERSHIP: OrderLine.plan_id,
}
"""The column that only lines of a kind have; lines of other kinds have an index of their own."""


@dataclass(frozen=True)
class WithKind(OneOf):
    """Orders with a line of some kinds."""

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: Any
    ) -> Select[Any]:
        """See `Filter`."""
        kinds = [LineKind(value) for value in values]
        named = [NAMED_BY[kind].is_not(None) for kind in kinds if kind in NAMED_BY]
        others = [kind.value for kind in kinds if kind not in NAMED_BY]
        which = [*named, OrderLine.kind.in_(others)] if others else named
        ids = looked_up(session, (select(OrderLine.order_id).where(one) for one in which))
        if ids is not None:
            return statement.where(one_of(Order.id, ids))
        return statement.where(with_line(OrderLine.kind.in_(values)))


class AnyItem:
    """Whatever is sold, by its kind and number: a product (in any form), a service, a plan."""

    def search(self, session: Session, term: str) -> list[dict[str, Any]]:
        """The first few of each kind."""
        return [
            {**line, "id": f"{kind}:{line['id']}", "text": f"{line['text']} · {word(kind)}"}
            for kind, part in OF_KIND.items()
            for line in part.search(session, term)[:4]
        ]

    def find(self, session: Session, value: str) -> Any | None:
        """The record behind `product:12`."""
        kind, _, number = value.partition(":")
        part = OF_KIND.get(kind)
        return part.find(session, number) if part else None

    def text(self, found: Any) -> str:
        """Its name."""
        return str(found)


@dataclass(frozen=True)
class WithItem(Related):
    """Orders with a line of some items."""

    icon: str = "package"
    lookup: Lookup = field(default_factory=AnyItem)

    def values(self, address: Address) -> list[Any]:
        """Those that read like an item."""
        said = dict.fromkeys(address.all(self.name))
        parts = [(text, *text.partition(":")) for text in said]
        known = [t for t, kind, _, number in parts if kind in OF_KIND and record_id(number)]
        return known[:MOST_VALUES]

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: Any
    ) -> Select[Any]:
        """See `Filter`."""
        ids: dict[str, list[int]] = {}
        for value in values:
            kind, _, number = value.partition(":")
            ids.setdefault(kind, []).append(int(number))
        return with_items(session, statement, (_named(session, k, n) for k, n in ids.items()))

    def choices(self, session: Session, values: list[Any]) -> list[dict[str, Any]]:
        """Those in force, then the first few."""
        named = zip(values, self.labels(session, values), strict=True)
        chosen = [choice(value, label, selected=True) for value, label in named]
        return chosen + [c for c in self.found(session, "") if c["value"] not in values]


def _named(session: Session, kind: str, ids: Sequence[int]) -> Items:
    if kind == LineKind.PRODUCT:
        return Items.read(session, OrderLine.variant_id, Variant, Variant.product_id.in_(ids))
    column, model = {
        LineKind.SERVICE: (OrderLine.service_id, Service),
        LineKind.PACKAGE: (OrderLine.package_id, Package),
        LineKind.MEMBERSHIP: (OrderLine.plan_id, MembershipPlan),
    }[LineKind(kind)]
    return Items.read(session, column, model, model.id.in_(ids))


@dataclass(frozen=True)
class WithCategory(OfCategory):
    """Orders with a line of some categories, each with everything below it."""

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: Any
    ) -> Select[Any]:
        """See `Filter`."""
        return with_items(session, statement, _of_branch(session, branch(session, values)))


def _of_branch(session: Session, ids: Sequence[int]) -> Iterator[Items]:
    products = select(Product.id).where(Product.category_id.in_(ids))
    yield Items.read(session, OrderLine.variant_id, Variant, Variant.product_id.in_(products))
    for column, model in ((OrderLine.service_id, Service), (OrderLine.package_id, Package)):
        yield Items.read(session, column, model, model.category_id.in_(ids))


@dataclass(frozen=True)
class WithCoupon(Related):
    """Orders on which a coupon was redeemed."""

    icon: str = "discount"
    lookup: Lookup = COUPONS

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: Any
    ) -> Select[Any]:
        """See `Filter`."""
        which = CouponRedemption.coupon_id.in_(values)
        ids = looked_up(session, [select(CouponRedemption.order_id).where(USED, which)])
        if ids is not None:
            return statement.where(one_of(Order.id, ids))
        return statement.where(with_coupon(which))


USED = CouponRedemption.status.in_([RedemptionStatus.REDEEMED, RedemptionStatus.REVERSED])
"""Also where all of it was given back later."""


def with_coupon(*conditions: Any) -> ColumnElement[bool]:
    """Orders on which a coupon was redeemed."""
    used = select(CouponRedemption.id).where(
        CouponRedemption.vendor_id == Order.vendor_id,
        CouponRedemption.order_id == Order.id,
        USED,
        *conditions,
    )
    return used.exists()


def without_coupon() -> ColumnElement[bool]:
    """All other orders."""
    return ~with_coupon()
