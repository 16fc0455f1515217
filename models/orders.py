"""Orders and their lines: what was sold, to whom, at which frozen price."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Money, OwnedByVendor, Timestamped, not_negative, one_of, same_vendor
from models.customers import Customer
from models.memberships import MembershipPlan
from models.packages import Package
from models.products import Variant
from models.services import Service
from models.words import Channel


class OrderStatus(StrEnum):
    DRAFT = "draft"
    PLACED = "placed"
    FULFILLED = "fulfilled"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


ORDER_TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.DRAFT: frozenset({OrderStatus.PLACED, OrderStatus.CANCELLED}),
    OrderStatus.PLACED: frozenset(
        {OrderStatus.FULFILLED, OrderStatus.COMPLETED, OrderStatus.CANCELLED}
    ),
    OrderStatus.FULFILLED: frozenset({OrderStatus.COMPLETED}),
    OrderStatus.COMPLETED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}
"""Every move an order can make; all others are refused."""


class LineKind(StrEnum):
    PRODUCT = "product"
    SERVICE = "service"
    PACKAGE = "package"
    MEMBERSHIP = "membership"
    FEE = "fee"
    TIP = "tip"


class Order(OwnedByVendor, Timestamped, Base):
    """Something sold. Without a customer it is an anonymous sale. Totals are sums of the lines.

    The number is drawn when it is placed, so that a vendor's numbers have no gaps.
    """

    __tablename__ = "orders"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        UniqueConstraint("vendor_id", "number"),
        UniqueConstraint("public_ref"),
        one_of("status", OrderStatus),
        one_of("channel", Channel),
        *not_negative("total"),
        CheckConstraint(
            "number IS NOT NULL OR status IN ('draft', 'cancelled')",
            name="number_given_when_placed",
        ),
        Index(None, "vendor_id", "customer_id", "placed_at"),
        Index(None, "vendor_id", "placed_at"),
        Index(None, "placed_at"),
        Index(None, "vendor_id", "status", "placed_at"),
        Index(None, "status", "placed_at"),
    )

    number: Mapped[int | None]
    public_ref: Mapped[UUID]
    customer_id: Mapped[int | None] = mapped_column()
    status: Mapped[str] = mapped_column(default=OrderStatus.DRAFT, server_default="draft")
    channel: Mapped[str] = mapped_column(default=Channel.WALK_IN, server_default="walk_in")
    total: Mapped[Money] = mapped_column(default=0, server_default="0")
    note: Mapped[str | None]
    placed_at: Mapped[datetime | None]
    fulfilled_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]

    customer: Mapped[Customer | None] = relationship(foreign_keys=[customer_id])
    lines: Mapped[list["OrderLine"]] = relationship(
        back_populates="order",
        foreign_keys="OrderLine.order_id",
        order_by="OrderLine.position",
        cascade="all, delete-orphan",
    )

    def __str__(self) -> str:
        return f"Order {self.number}" if self.number else "Draft order"


class OrderLine(OwnedByVendor, Base):
    """One item of an order, with name and price as they were when it was sold."""

    __tablename__ = "order_lines"
    __table_args__ = (
        same_vendor("order_id", "orders"),
        same_vendor("variant_id", "variants"),
        same_vendor("service_id", "services"),
        same_vendor("package_id", "packages"),
        same_vendor("plan_id", "membership_plans"),
        one_of("kind", LineKind),
        CheckConstraint("quantity > 0", name="quantity_is_positive"),
        *not_negative("unit_price", "discount", "total"),
        CheckConstraint("total = unit_price * quantity - discount", name="total_adds_up"),
        CheckConstraint(
            "(variant_id IS NOT NULL) = (kind = 'product')"
            " AND (service_id IS NOT NULL) = (kind = 'service')"
            " AND (package_id IS NOT NULL) = (kind = 'package')"
            " AND (plan_id IS NOT NULL) = (kind = 'membership')",
            name="item_fits_kind",
        ),
        UniqueConstraint("vendor_id", "order_id", "position"),
        Index(None, "vendor_id", "variant_id"),
        Index(None, "vendor_id", "service_id"),
        Index(None, "vendor_id", "package_id"),
        Index(None, "vendor_id", "plan_id"),
    )

    order_id: Mapped[int] = mapped_column()
    position: Mapped[int]
    kind: Mapped[str]
    variant_id: Mapped[int | None] = mapped_column()
    service_id: Mapped[int | None] = mapped_column()
    package_id: Mapped[int | None] = mapped_column()
    plan_id: Mapped[int | None] = mapped_column()
    name: Mapped[str]
    quantity: Mapped[int]
    unit_price: Mapped[Money]
    discount: Mapped[Money] = mapped_column(default=0, server_default="0")
    total: Mapped[Money]
    price_steps: Mapped[list[Any] | None] = mapped_column(comment="why this price")

    order: Mapped[Order] = relationship(foreign_keys=[order_id], back_populates="lines")
    variant: Mapped[Variant | None] = relationship(foreign_keys=[variant_id])
    service: Mapped[Service | None] = relationship(foreign_keys=[service_id])
    package: Mapped[Package | None] = relationship(foreign_keys=[package_id])
    plan: Mapped[MembershipPlan | None] = relationship(foreign_keys=[plan_id])

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name}"
