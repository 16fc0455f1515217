"""The filters of orders by what was sold: kinds, items, categories, coupons.

An order is found by its lines. Figures lead to these lists, so each filter counts what they count.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from admin_views.category_filters import OfCategory, branch
from admin_views.filters import MOST_VALUES, OneOf, Related, choice
from admin_views.lists import Address
from admin_views.loaders import Lookup, Records, record_id
from admin_views.lookups import ALL_PACKAGES, ALL_PLANS, ALL_PRODUCTS, ALL_SERVICES
from admin_views.rendering import word
from models.coupons import Coupon, CouponRedemption, RedemptionStatus
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
class WithKind(OneOf):
    """Orders with a line of some kinds."""

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: Any
    ) -> Select[Any]:
        """See `Filter`."""
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
        return statement.where(with_line(or_(*(_sells(k, found) for k, found in ids.items()))))

    def choices(self, session: Session, values: list[Any]) -> list[dict[str, Any]]:
        """Those in force, then the first few."""
        named = zip(values, self.labels(session, values), strict=True)
        chosen = [choice(value, label, selected=True) for value, label in named]
        return chosen + [c for c in self.found(session, "") if c["value"] not in values]


def _sells(kind: str, ids: Sequence[int]) -> ColumnElement[bool]:
    if kind == LineKind.PRODUCT:
        return OrderLine.variant_id.in_(select(Variant.id).where(Variant.product_id.in_(ids)))
    columns: dict[str, Any] = {
        LineKind.SERVICE: OrderLine.service_id,
        LineKind.PACKAGE: OrderLine.package_id,
        LineKind.MEMBERSHIP: OrderLine.plan_id,
    }
    condition: ColumnElement[bool] = columns[kind].in_(ids)
    return condition


@dataclass(frozen=True)
class WithCategory(OfCategory):
    """Orders with a line of some categories, each with everything below it."""

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: Any
    ) -> Select[Any]:
        """See `Filter`."""
        ids = branch(session, values)
        variants = select(Variant.id).join(Product, Variant.product_id == Product.id)
        sold = or_(
            OrderLine.variant_id.in_(variants.where(Product.category_id.in_(ids))),
            OrderLine.service_id.in_(select(Service.id).where(Service.category_id.in_(ids))),
            OrderLine.package_id.in_(select(Package.id).where(Package.category_id.in_(ids))),
        )
        return statement.where(with_line(sold))


@dataclass(frozen=True)
class WithCoupon(Related):
    """Orders on which a coupon was redeemed."""

    icon: str = "discount"
    lookup: Lookup = COUPONS

    def where(
        self, session: Session, statement: Select[Any], values: list[Any], zone: Any
    ) -> Select[Any]:
        """See `Filter`."""
        return statement.where(with_coupon(CouponRedemption.coupon_id.in_(values)))


def with_coupon(*conditions: Any) -> ColumnElement[bool]:
    """Orders on which a coupon was redeemed, also where all of it was given back later."""
    used = select(CouponRedemption.id).where(
        CouponRedemption.vendor_id == Order.vendor_id,
        CouponRedemption.order_id == Order.id,
        CouponRedemption.status.in_([RedemptionStatus.REDEEMED, RedemptionStatus.REVERSED]),
        *conditions,
    )
    return used.exists()


def without_coupon() -> ColumnElement[bool]:
    """All other orders."""
    return ~with_coupon()
