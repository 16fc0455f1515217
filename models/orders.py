"""Orders and their lines: what was sold, to whom, at which frozen price."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Index,
    Numeric,
    UniqueConstraint,
    and_,
    case,
    func,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Money, OwnedByVendor, Timestamped, not_negative, one_of, same_vendor
from models.bookings import Booking
from models.customers import Customer
from models.memberships import Membership, MembershipPlan
from models.packages import Package, PackageHolding
from models.products import Variant
from models.services import Service
from models.shipping import ShippingMethod
from models.staff import StaffMember
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
    SHIPPING = "shipping"
    TIP = "tip"


class Handing(StrEnum):
    """How the customer gets the goods."""

    COUNTER = "counter"
    PICKUP = "pickup"
    DELIVERY = "delivery"


class PaymentStatus(StrEnum):
    UNPAID = "unpaid"
    PART_PAID = "part_paid"
    PAID = "paid"
    OVERPAID = "overpaid"
    PART_REFUNDED = "part_refunded"
    REFUNDED = "refunded"


class FulfilmentStatus(StrEnum):
    UNFULFILLED = "unfulfilled"
    PART_FULFILLED = "part_fulfilled"
    FULFILLED = "fulfilled"
    DELIVERED = "delivered"
    RETURNED = "returned"


_OWED = "status IN ('placed', 'fulfilled', 'completed') AND paid - refunded < total"
_DUE = "status = 'placed' AND handed_over < pieces"


class Order(OwnedByVendor, Timestamped, Base):
    """Something sold. Without a customer it is an anonymous sale. Totals are sums of the lines.

    The number is drawn when it is placed, so that a vendor's numbers have no gaps. `total` is what
    the customer pays, `tax` the part of it that is tax. What was `paid` and `refunded`, and of the
    `pieces` of goods how many were handed over, delivered and returned, the database counts
    itself; the two statuses are read off these numbers. `request_key` makes a repeated submit one
    sale. A draft that was put aside at the counter has been `parked_at` a moment.
    What another till sold came with an import, which it names, and has a `reference` there.
    """

    __tablename__ = "orders"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        same_vendor("shipping_method_id", "shipping_methods"),
        UniqueConstraint("vendor_id", "number"),
        UniqueConstraint("public_ref"),
        one_of("status", OrderStatus),
        one_of("channel", Channel),
        one_of("handing", Handing),
        *not_negative("total", "tax", "paid", "pieces"),
        CheckConstraint("refunded BETWEEN 0 AND paid", name="refunded_was_paid"),
        CheckConstraint("handed_over BETWEEN 0 AND pieces", name="handed_over_was_ordered"),
        CheckConstraint("delivered BETWEEN 0 AND handed_over", name="delivered_was_handed_over"),
        CheckConstraint("returned BETWEEN 0 AND delivered", name="returned_was_delivered"),
        CheckConstraint(
            "number IS NOT NULL OR status IN ('draft', 'cancelled')",
            name="number_given_when_placed",
        ),
        CheckConstraint("parked_at IS NULL OR status = 'draft'", name="parked_is_a_draft"),
        Index(None, "vendor_id", "customer_id", "placed_at"),
        Index(None, "vendor_id", "placed_at"),
        Index(None, "placed_at"),
        Index(
            "ix_orders_given_back", "vendor_id", "fulfilled_at",
            postgresql_where=text("refunded > 0 AND fulfilled_at IS NOT NULL"),
        ),
        Index(
            "ix_orders_settled", "vendor_id", "fulfilled_at",
            postgresql_include=["customer_id", "status", "total", "includes_tax", "id"],
            postgresql_where=text("fulfilled_at IS NOT NULL"),
        ),
        Index(None, "vendor_id", "status", "placed_at"),
        Index(None, "status", "placed_at"),
        Index(None, "channel", "handing"),
        Index(
            None, "vendor_id", "shipping_method_id",
            postgresql_where=text("shipping_method_id IS NOT NULL"),
        ),
        Index(
            "uq_orders_vendor_id_request_key", "vendor_id", "request_key", unique=True,
            postgresql_where=text("request_key IS NOT NULL"),
        ),
        same_vendor("import_job_id", "import_jobs"),
        Index("ix_orders_owed", "vendor_id", "placed_at", postgresql_where=text(_OWED)),
        Index(
            "ix_orders_import", "vendor_id", "import_job_id", "customer_id", "id",
            postgresql_where=text("import_job_id IS NOT NULL"),
        ),
        Index(
            None, "vendor_id", "reference", postgresql_where=text("reference IS NOT NULL")
        ),
        Index(
            "ix_orders_overpaid", "vendor_id", "placed_at",
            postgresql_where=text("paid - refunded > total"),
        ),
        Index(
            "ix_orders_fulfilled_undone", "vendor_id", "fulfilled_at",
            postgresql_where=text(
                "fulfilled_at IS NOT NULL AND status NOT IN ('fulfilled', 'completed')"
            ),
        ),
        Index("ix_orders_to_hand_over", "vendor_id", "placed_at", postgresql_where=text(_DUE)),
        Index(
            "ix_orders_parked", "vendor_id", "parked_at",
            postgresql_where=text("parked_at IS NOT NULL"),
        ),
    )  # fmt: skip

    number: Mapped[int | None]
    public_ref: Mapped[UUID]
    reference: Mapped[str | None] = mapped_column(comment="its number elsewhere")
    import_job_id: Mapped[int | None] = mapped_column()
    customer_id: Mapped[int | None] = mapped_column()
    status: Mapped[str] = mapped_column(default=OrderStatus.DRAFT, server_default="draft")
    channel: Mapped[str] = mapped_column(default=Channel.WALK_IN, server_default="walk_in")
    total: Mapped[Money] = mapped_column(default=0, server_default="0")
    tax: Mapped[Money] = mapped_column(default=0, server_default="0")
    includes_tax: Mapped[bool] = mapped_column(
        default=True, server_default="true", comment="whether the prices of its lines do"
    )
    handing: Mapped[str] = mapped_column(default=Handing.COUNTER, server_default="counter")
    shipping_method_id: Mapped[int | None] = mapped_column()
    ship_to: Mapped[dict[str, Any] | None]
    request_key: Mapped[UUID | None]
    paid: Mapped[Money] = mapped_column(default=0, server_default="0")
    refunded: Mapped[Money] = mapped_column(default=0, server_default="0")
    pieces: Mapped[int] = mapped_column(default=0, server_default="0")
    handed_over: Mapped[int] = mapped_column(default=0, server_default="0")
    delivered: Mapped[int] = mapped_column(default=0, server_default="0")
    returned: Mapped[int] = mapped_column(default=0, server_default="0")
    note: Mapped[str | None]
    parked_at: Mapped[datetime | None]
    placed_at: Mapped[datetime | None]
    fulfilled_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]

    customer: Mapped[Customer | None] = relationship(foreign_keys=[customer_id])
    shipping_method: Mapped[ShippingMethod | None] = relationship(foreign_keys=[shipping_method_id])
    lines: Mapped[list["OrderLine"]] = relationship(
        back_populates="order",
        foreign_keys="OrderLine.order_id",
        order_by="OrderLine.position",
        cascade="all, delete-orphan",
    )

    def __str__(self) -> str:
        return f"Order {self.number}" if self.number else "Draft order"

    @hybrid_property
    def payment_status(self) -> str:
        """What payments and refunds come to; nothing is owed for an order of nothing."""
        if self.refunded:
            back = self.refunded >= self.paid
            return PaymentStatus.REFUNDED if back else PaymentStatus.PART_REFUNDED
        if self.paid > self.total:
            return PaymentStatus.OVERPAID
        if self.paid == self.total:
            return PaymentStatus.PAID
        return PaymentStatus.PART_PAID if self.paid else PaymentStatus.UNPAID

    @payment_status.inplace.expression
    @classmethod
    def _payment_status(cls) -> ColumnElement[str]:
        return case(
            (and_(cls.refunded > 0, cls.refunded >= cls.paid), PaymentStatus.REFUNDED.value),
            (cls.refunded > 0, PaymentStatus.PART_REFUNDED.value),
            (cls.paid > cls.total, PaymentStatus.OVERPAID.value),
            (cls.paid == cls.total, PaymentStatus.PAID.value),
            (cls.paid > 0, PaymentStatus.PART_PAID.value),
            else_=PaymentStatus.UNPAID.value,
        )

    @hybrid_property
    def given_back(self) -> Decimal:
        """What was given back of what it costs; what was paid too much is given back first."""
        return max(self.refunded - max(self.paid - self.total, Decimal(0)), Decimal(0))

    @given_back.inplace.expression
    @classmethod
    def _given_back(cls) -> ColumnElement[Decimal]:
        too_much = func.greatest(cls.paid - cls.total, 0)
        return func.greatest(cls.refunded - too_much, 0)

    @hybrid_property
    def fulfilment_status(self) -> str:
        """How far the goods have come; an order without goods has none to hand over."""
        if self.returned and self.returned >= self.pieces:
            return FulfilmentStatus.RETURNED
        if self.delivered >= self.pieces:
            return FulfilmentStatus.DELIVERED if self.pieces else FulfilmentStatus.FULFILLED
        if self.handed_over >= self.pieces:
            return FulfilmentStatus.FULFILLED
        part = FulfilmentStatus.PART_FULFILLED
        return part if self.handed_over else FulfilmentStatus.UNFULFILLED

    @fulfilment_status.inplace.expression
    @classmethod
    def _fulfilment_status(cls) -> ColumnElement[str]:
        return case(
            (and_(cls.returned > 0, cls.returned >= cls.pieces), FulfilmentStatus.RETURNED.value),
            (cls.pieces == 0, FulfilmentStatus.FULFILLED.value),
            (cls.delivered >= cls.pieces, FulfilmentStatus.DELIVERED.value),
            (cls.handed_over >= cls.pieces, FulfilmentStatus.FULFILLED.value),
            (cls.handed_over > 0, FulfilmentStatus.PART_FULFILLED.value),
            else_=FulfilmentStatus.UNFULFILLED.value,
        )


class OrderLine(OwnedByVendor, Base):
    """One item of an order, with name, price and tax as they were when it was sold.

    `total` is the price of all pieces after the discount. Where the order's prices include tax it
    is what the customer pays, and `tax` is in it; else `tax` comes on top. Pieces in shipments,
    delivered and returned, and what was refunded, the database counts.
    """

    __tablename__ = "order_lines"
    __table_args__ = (
        same_vendor("order_id", "orders"),
        same_vendor("variant_id", "variants"),
        same_vendor("service_id", "services"),
        same_vendor("package_id", "packages"),
        same_vendor("plan_id", "membership_plans"),
        same_vendor("booking_id", "bookings"),
        same_vendor("staff_id", "staff_members"),
        same_vendor("holding_id", "package_holdings"),
        same_vendor("membership_id", "memberships"),
        one_of("kind", LineKind),
        CheckConstraint("quantity > 0", name="quantity_is_positive"),
        *not_negative("unit_price", "discount", "total", "tax", "cost", "refunded"),
        CheckConstraint("tax_percent BETWEEN 0 AND 100", name="tax_percent_is_a_percentage"),
        CheckConstraint("packed BETWEEN 0 AND quantity", name="packed_was_ordered"),
        CheckConstraint("handed_over BETWEEN 0 AND packed", name="handed_over_was_packed"),
        CheckConstraint("delivered BETWEEN 0 AND handed_over", name="delivered_was_handed_over"),
        CheckConstraint("returned BETWEEN 0 AND delivered", name="returned_was_delivered"),
        CheckConstraint("booking_id IS NULL OR kind = 'service'", name="bookings_are_services"),
        CheckConstraint(
            "holding_id IS NULL OR kind = 'service' AND membership_id IS NULL",
            name="uses_pay_for_services",
        ),
        CheckConstraint(
            "membership_id IS NULL OR kind IN ('service', 'membership')",
            name="memberships_pay_or_are_renewed",
        ),
        CheckConstraint("warranty_months > 0", name="warranty_months_are_positive"),
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
        Index(
            "ix_order_lines_other_kinds", "kind",
            postgresql_where=text("kind IN ('fee', 'shipping', 'tip')"),
        ),
        Index(
            "uq_order_lines_vendor_id_booking_id", "vendor_id", "booking_id", unique=True,
            postgresql_where=text("booking_id IS NOT NULL"),
        ),
        Index(
            None, "vendor_id", "staff_id", postgresql_where=text("staff_id IS NOT NULL")
        ),
        Index(
            None, "vendor_id", "holding_id", postgresql_where=text("holding_id IS NOT NULL")
        ),
        Index(
            None, "vendor_id", "membership_id", postgresql_where=text("membership_id IS NOT NULL")
        ),
    )  # fmt: skip

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
    tax_name: Mapped[str | None]
    tax_percent: Mapped[Decimal | None] = mapped_column(Numeric(6, 3))
    tax: Mapped[Money] = mapped_column(default=0, server_default="0")
    cost: Mapped[Money | None] = mapped_column(comment="of one piece")
    booking_id: Mapped[int | None] = mapped_column()
    staff_id: Mapped[int | None] = mapped_column(comment="who did it")
    holding_id: Mapped[int | None] = mapped_column(comment="the package whose uses pay for it")
    membership_id: Mapped[int | None] = mapped_column(
        comment="the membership that includes it, or is renewed"
    )
    warranty_months: Mapped[int | None]
    packed: Mapped[int] = mapped_column(default=0, server_default="0")
    handed_over: Mapped[int] = mapped_column(default=0, server_default="0")
    delivered: Mapped[int] = mapped_column(default=0, server_default="0")
    returned: Mapped[int] = mapped_column(default=0, server_default="0")
    refunded: Mapped[Money] = mapped_column(default=0, server_default="0")

    order: Mapped[Order] = relationship(foreign_keys=[order_id], back_populates="lines")
    variant: Mapped[Variant | None] = relationship(foreign_keys=[variant_id])
    service: Mapped[Service | None] = relationship(foreign_keys=[service_id])
    package: Mapped[Package | None] = relationship(foreign_keys=[package_id])
    plan: Mapped[MembershipPlan | None] = relationship(foreign_keys=[plan_id])
    booking: Mapped[Booking | None] = relationship(foreign_keys=[booking_id])
    staff_member: Mapped[StaffMember | None] = relationship(foreign_keys=[staff_id])
    holding: Mapped[PackageHolding | None] = relationship(foreign_keys=[holding_id])
    membership: Mapped[Membership | None] = relationship(foreign_keys=[membership_id])

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name}"

    @hybrid_property
    def gross(self) -> Decimal:
        """What the customer pays for it, tax included. In SQL: of a line joined to its order."""
        return self.total if self.order.includes_tax else self.total + self.tax

    @gross.inplace.expression
    @classmethod
    def _gross(cls) -> ColumnElement[Decimal]:
        return cls.total + case((Order.includes_tax, 0), else_=cls.tax)

    @hybrid_property
    def kept(self) -> Decimal:
        """What the customer pays for it after what was given back for it, tax included."""
        return self.gross - self.refunded

    @kept.inplace.expression
    @classmethod
    def _kept(cls) -> ColumnElement[Decimal]:
        return cls.gross - cls.refunded

    @hybrid_property
    def net(self) -> Decimal:
        """What it brings: after discounts, refunds and tax; of its tax a refund takes its share."""
        if not self.refunded:
            return self.gross - self.tax
        back = (self.tax * self.refunded / self.gross).quantize(Decimal("0.01"), ROUND_HALF_UP)
        return self.kept - (self.tax - back)

    @net.inplace.expression
    @classmethod
    def _net(cls) -> ColumnElement[Decimal]:
        share = func.round(cls.tax * cls.refunded / func.nullif(cls.gross, 0), 2)
        untouched = cls.total - case((Order.includes_tax, cls.tax), else_=0)
        return case(
            (cls.refunded == 0, untouched), else_=untouched - cls.refunded + func.coalesce(share, 0)
        )
